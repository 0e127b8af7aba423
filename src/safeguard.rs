//! What safeguards count, and what they said of it. [`crate::stages::safeguards`] has the policy.

use serde::{Deserialize, Serialize};

use crate::issue::{Code, Issue};

/// What a safeguard said of a class of changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SafeguardDecision {
    /// Within its limit.
    #[default]
    Passed,
    /// Over its limit; somebody let it through.
    Allowed,
    /// Over its limit: nothing of it was written.
    Held,
}

/// A safeguard, and what it was measured by. [`crate::stages::safeguards`] has the policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Safeguard {
    /// Which changes: `create`, `update`, `deactivate`, `email_change`, `role_raise`, `key_change`,
    /// `new_groups`, `seats` or `content`.
    pub class: String,
    /// What happened to them.
    #[serde(rename = "ruling")]
    pub decision: SafeguardDecision,
    /// How many the run planned: accounts, groups, seats taken afterwards, or findings.
    pub count: u64,
    /// Of how many that were there: accounts, groups, or seats taken before.
    pub base: u64,
    /// The one as a share of the other; none of nothing.
    pub share: Option<f64>,
    /// The most that the run may do by itself; none while there is no limit.
    pub limit: Option<u64>,
    /// How many earlier runs of the pipeline did in its window.
    pub window_count: u64,
    /// The most that they and this one may do together.
    pub window_limit: Option<u64>,
    /// How many somebody let through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<u64>,
    /// The run that did it later, after somebody approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_in: Option<String>,
    /// How many rows of it were held, for this reason or another.
    pub held: u64,
    /// For `content`: what is unlike the last file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
}

/// What a change is, as far as a safeguard counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// A new account.
    Create,
    /// An account of which anything changes; every class of known accounts is one of these, too.
    Update,
    /// An account that is closed.
    Deactivate,
    /// An account that had an address gets another one. An address that only changes its case is
    /// the same.
    EmailChange,
    /// An account gets a role further along in the pipeline's `roles`. A role that isn't among them
    /// counts as less than all, because the pipeline can't know. The role of a new account is the
    /// business of `create`.
    RoleRaise,
    /// An account that had an external id or a username gets another one.
    KeyChange,
    /// A row brings its person into a group that doesn't exist yet. Groups are counted, not rows.
    NewGroups,
    /// A row takes a seat: a new account that isn't closed, or one that is opened again.
    Seats,
    /// Every row of a file that is in doubt as a whole. Findings are counted, not rows.
    Content,
}

/// Some classes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Classes(u16);

impl Classes {
    /// These and that one.
    pub fn with(self, class: Class) -> Classes {
        Classes(self.0 | 1 << class as u16)
    }

    /// The same, where it is so.
    pub fn with_if(self, class: Class, is_so: bool) -> Classes {
        if is_so { self.with(class) } else { self }
    }

    /// Whether that one is among them.
    pub fn has(self, class: Class) -> bool {
        self.0 & 1 << class as u16 != 0
    }
}

impl Class {
    /// Every class, in the order of reports.
    pub const ALL: [Class; 9] = [
        Class::Create,
        Class::Update,
        Class::Deactivate,
        Class::EmailChange,
        Class::RoleRaise,
        Class::KeyChange,
        Class::NewGroups,
        Class::Seats,
        Class::Content,
    ];

    /// The class's word, the same in TOML, reports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Class::Create => "create",
            Class::Update => "update",
            Class::Deactivate => "deactivate",
            Class::EmailChange => "email_change",
            Class::RoleRaise => "role_raise",
            Class::KeyChange => "key_change",
            Class::NewGroups => "new_groups",
            Class::Seats => "seats",
            Class::Content => "content",
        }
    }

    /// The class of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.name() == name)
    }

    /// The class whose rows are held with that code.
    pub fn of_code(code: Code) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.code() == code)
    }

    /// What the report says about a row that is held because of it.
    pub fn code(self) -> Code {
        match self {
            Class::Create => Code::SafeguardCreate,
            Class::Update => Code::SafeguardUpdate,
            Class::Deactivate => Code::SafeguardDeactivate,
            Class::EmailChange => Code::SafeguardEmail,
            Class::RoleRaise => Code::SafeguardRole,
            Class::KeyChange => Code::SafeguardKey,
            Class::NewGroups => Code::SafeguardGroups,
            Class::Seats => Code::SafeguardSeats,
            Class::Content => Code::SafeguardContent,
        }
    }
}

/// Whether a row with that issue waits for an approval.
pub fn waits_by(issue: &Issue) -> bool {
    issue.code == Code::SafeguardOthers || Class::of_code(issue.code).is_some()
}
