//! What `muster people change` overrides of a pipeline, so that its rows go through the passes of
//! every import.

use serde::{Deserialize, Serialize};

use super::target;
use super::{
    Columns, Content, Definition, EmptyCell, Existing, Headers, Memberships, Missing,
    MissingColumns, MissingGroups, Mode, Onboarding, Read, Require, UnknownColumns, UpdatePolicy,
    Updates,
};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// The column of the accounts' ids.
pub const ACCOUNT: &str = "account";
/// The column that says to people whose account it is.
pub const WHO: &str = "who";

/// The column that says why an account can't be removed.
pub const USED: &str = "used";

/// The source of such runs. A pipeline whose update policy is `own` keeps what they set.
const SOURCE: &str = "people change";

/// What a change is read by. It travels with the plan, so that the plan is applied by the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The attributes among its columns.
    pub attributes: Vec<String>,
    /// What is between the groups of a cell: a character that none of them contains.
    pub separator: char,
    /// Whether closed accounts whose row names no status go back to `invited`.
    pub reopens: bool,
    /// Whether the accounts are removed.
    pub removes: bool,
}

impl Change {
    /// As the value of an option.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn parse(text: &str) -> Result<Change> {
        serde_json::from_str(text).map_err(|error| {
            let what = format!("the change of this plan can't be read: {error}");
            Refusal::new(Code::UsageInvalid, what)
        })
    }

    /// Makes `definition` read the rows of a change. What an administrator says holds whatever the
    /// pipeline lets a file change; its roles, safeguards, cleaning and checks stay.
    pub(super) fn apply_to(&self, definition: &mut Definition) {
        definition.columns = Columns {
            unknown: UnknownColumns::Refuse,
            missing: MissingColumns::Accept,
            ignore: [ACCOUNT, WHO, USED].map(String::from).to_vec(),
            ..Columns::by_name()
        };
        definition.attributes = self
            .attributes
            .iter()
            .map(|name| (name.clone(), Headers::One(attribute_column(name))))
            .collect();
        definition.read = Read {
            delimiter: Some(",".to_string()),
            encoding: Some("utf-8".to_string()),
            ..Read::default()
        };
        definition.require = Require {
            fields: Vec::new(),
            email_or_username: false,
        };
        definition.find_by_account(ACCOUNT);
        definition.matching.existing_active = Existing::Update;
        definition.matching.existing_invited = Existing::Update;
        definition.matching.existing_deactivated = Existing::Update;
        // A table that knows no invited people never had any to go back to that.
        if self.reopens && target::invites(definition) {
            definition.matching.existing_deactivated = Existing::Reactivate;
            definition.accounts.onboarding = Onboarding::Invite;
        }
        definition.accounts.removes = self.removes;
        definition.update = Updates {
            default: UpdatePolicy::Overwrite,
            empty: EmptyCell::Keep,
            clear: match definition.update.clear.as_str() {
                "" => Updates::default().clear,
                clear => clear.to_string(),
            },
            ..Updates::default()
        };
        target::fit(definition);
        definition.groups.missing = MissingGroups::Reject;
        definition.groups.memberships = Memberships::Add;
        definition.groups.separators = vec![self.separator];
        definition.leavers.source = Some(SOURCE.to_string());
    }
}

impl Definition {
    /// Makes this the pipeline of rows that name their account in `column`, and find it by nothing
    /// else: a few people, whose keys may change, too.
    fn find_by_account(&mut self, column: &str) {
        self.matching.by.clear();
        self.matching.account_column = Some(column.to_string());
        self.matching.mode = Mode::Update;
        // They are no full list, and no file that the next one is to look like.
        self.leavers.missing = Missing::Ignore;
        self.safeguards.content = Content::Ignore;
    }

    /// Makes this the pipeline of rows of an earlier import that are corrected, each with its account
    /// in `column`.
    pub(super) fn correct_by_account(&mut self, column: &str) {
        self.columns.ignore.push(column.to_string());
        let source = self.source().to_string();
        self.leavers.source = Some(source);
        self.find_by_account(column);
    }
}

/// What the column of an attribute is called; no field is called that.
pub fn attribute_column(name: &str) -> String {
    format!("attributes.{name}")
}
