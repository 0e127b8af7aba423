//! leavers: people whom a full list no longer names or whose last day is over, and those whose
//! first day has come. What happens to each is decided here, from what the accounts say and the
//! pipeline's policy; pure.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::definition::{Definition, Leavers};
use crate::stages::validate::email;

/// An account that this pipeline's source made, and that is to change though no row says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaver {
    /// The account.
    pub account: Uuid,
    /// Its external id, where it has one.
    pub external_id: Option<String>,
    /// Its address, where it has one.
    pub email: Option<String>,
    /// The address as the match compares it.
    pub email_key: Option<String>,
    /// What to call the person.
    pub name: String,
    /// The account's role.
    pub role: String,
    /// Its other roles.
    #[serde(default)]
    pub other_roles: Vec<String>,
    /// `active` or `invited`.
    pub status: String,
    /// In how many runs the account was missing before this one.
    pub runs: u32,
    /// For how many days.
    pub days: u32,
    /// Why it is one of them.
    #[serde(default)]
    pub why: Why,
    /// What happens.
    pub fate: Fate,
}

/// What it is about an account that no row says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A full list doesn't name the person.
    #[default]
    Missing,
    /// The last day is over.
    EndDate,
    /// The first day has come.
    StartDate,
}

impl Why {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Why::Missing => "missing",
            Why::EndDate => "end_date",
            Why::StartDate => "start_date",
        }
    }
}

/// What happens to a leaver in this run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Deactivated.
    Deactivated,
    /// Nothing yet: the grace isn't over.
    #[default]
    Waiting,
    /// Nothing: the pipeline protects the person.
    Protected,
    /// Let in: the first day has come.
    Activated,
    /// Nothing: a safeguard, or a row whose account isn't clear, prevents it.
    Held,
}

impl Fate {
    /// Every fate, in the order of reports.
    pub const ALL: [Fate; 5] = [
        Fate::Deactivated,
        Fate::Activated,
        Fate::Waiting,
        Fate::Protected,
        Fate::Held,
    ];

    /// Whether the account changes.
    pub fn is_written(self) -> bool {
        matches!(self, Fate::Deactivated | Fate::Activated)
    }

    /// The status that the account gets, if it changes.
    pub fn status(self) -> Option<&'static str> {
        match self {
            Fate::Deactivated => Some("deactivated"),
            Fate::Activated => Some("active"),
            Fate::Waiting | Fate::Protected | Fate::Held => None,
        }
    }

    /// The fate's word.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Deactivated => "deactivated",
            Fate::Activated => "activated",
            Fate::Waiting => "waiting",
            Fate::Protected => "protected",
            Fate::Held => "held",
        }
    }
}

/// Decides what happens to each. `unknown_rows` are rows of the file that nobody can be found by:
/// each may be one of the leavers, so none is touched while there are any.
pub fn decide(leavers: &mut [Leaver], definition: &Definition, unknown_rows: u64) {
    let protected = Protected::of(definition);
    for leaver in leavers {
        leaver.fate = fate(leaver, &definition.leavers, &protected, unknown_rows);
    }
}

/// Whether a pipeline protects the person with those roles and that address from being deactivated.
pub fn is_protected<'a>(
    definition: &Definition,
    roles: impl Iterator<Item = &'a str>,
    email_key: Option<&str>,
) -> bool {
    Protected::of(definition).has(roles, email_key)
}

struct Protected<'a> {
    roles: &'a [String],
    addresses: Vec<String>,
}

impl Protected<'_> {
    fn of(definition: &Definition) -> Protected<'_> {
        let policy = &definition.leavers;
        let addresses = policy.protected.iter().chain(&definition.mail.admin);
        Protected {
            roles: &policy.protected_roles,
            addresses: addresses
                .filter_map(|address| email::key(address))
                .collect(),
        }
    }

    fn has<'a>(&self, mut roles: impl Iterator<Item = &'a str>, email_key: Option<&str>) -> bool {
        roles.any(|role| self.roles.iter().any(|protected| protected == role))
            || email_key.is_some_and(|key| self.addresses.iter().any(|address| address == key))
    }
}

fn fate(leaver: &Leaver, policy: &Leavers, protected: &Protected, unknown_rows: u64) -> Fate {
    let roles = [&leaver.role].into_iter().chain(&leaver.other_roles);
    let is_early = leaver.runs < policy.grace_runs || leaver.days < policy.grace_days;
    match leaver.why {
        Why::StartDate => Fate::Activated,
        _ if protected.has(roles.map(String::as_str), leaver.email_key.as_deref()) => {
            Fate::Protected
        }
        Why::EndDate => Fate::Deactivated,
        Why::Missing if is_early => Fate::Waiting,
        Why::Missing if unknown_rows > 0 => Fate::Held,
        Why::Missing => Fate::Deactivated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::parse;

    #[test]
    fn only_who_may_go_goes_and_only_when_it_is_time() {
        let text = "name = \"hr\"\n[leavers]\nmissing = \"deactivate\"\ngrace_runs = 2\ngrace_days = 3\n\
            protected = [\"Boss@Firm.eu\"]\nprotected_roles = [\"admin\"]\n[mail]\nadmin = \"it@firm.eu\"\n";
        let definition = parse("p.toml", text).unwrap().definition;
        let table = [
            ("a@firm.eu", "user", 2, 3, 0, Fate::Deactivated),
            ("a@firm.eu", "user", 1, 9, 0, Fate::Waiting),
            ("a@firm.eu", "user", 9, 2, 0, Fate::Waiting),
            ("a@firm.eu", "user", 2, 3, 1, Fate::Held),
            ("a@firm.eu", "admin", 9, 9, 0, Fate::Protected),
            ("boss@firm.eu", "user", 9, 9, 0, Fate::Protected),
            ("it@firm.eu", "user", 9, 9, 1, Fate::Protected),
        ];
        for (email, role, runs, days, unknown_rows, expected) in table {
            let mut leavers = [Leaver {
                email_key: Some(email.to_string()),
                role: role.to_string(),
                runs,
                days,
                ..Leaver::default()
            }];
            decide(&mut leavers, &definition, unknown_rows);
            assert_eq!(leavers[0].fate, expected, "{email} {role} {runs} {days}");
        }
    }
}
