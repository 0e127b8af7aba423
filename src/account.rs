//! Accounts, as the match finds them and as an update leaves them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::field::Field;

/// The fields that an account has a column for, in column order.
pub const COLUMNS: [Field; 16] = [
    Field::ExternalId,
    Field::Email,
    Field::Username,
    Field::FirstName,
    Field::LastName,
    Field::DisplayName,
    Field::Phone,
    Field::Country,
    Field::Language,
    Field::Organization,
    Field::Role,
    Field::OtherRoles,
    Field::Status,
    Field::StartDate,
    Field::EndDate,
    Field::Manager,
];

/// An account as the match found it.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// Its id.
    pub id: Uuid,
    /// Names the version of the row that was read; an update of another version is refused.
    pub version: String,
    /// Values by [`COLUMNS`].
    pub values: [Option<String>; COLUMNS.len()],
    /// Its e-mail key and its username key.
    pub keys: [Option<String>; 2],
    /// Custom attributes: a JSON object.
    pub attributes: String,
    /// Its memberships, as entries of `membership`, sorted.
    pub groups: Vec<String>,
    /// Who set which value, for `provenance::Past`; none where the pipeline doesn't ask.
    pub past: Option<String>,
}

impl Account {
    /// Its value for a field that has a column.
    pub fn value(&self, field: Field) -> Option<&str> {
        let column = COLUMNS.iter().position(|column| *column == field)?;
        self.values[column].as_deref()
    }
}

/// What the accounts say about one row.
#[derive(Debug, Clone, Default)]
pub struct Matched {
    /// The account that has each of the row's keys, by `Key`.
    pub by: [Option<Uuid>; 3],
    /// The account that the pipeline's keys find, in their order.
    pub account: Option<Account>,
    /// Names of the accounts that have the other keys, by `Key`.
    pub others: [Option<String>; 3],
}

/// What an update writes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// The account.
    pub account: Uuid,
    /// The version that was matched.
    pub version: String,
    /// What the account will hold, by [`COLUMNS`].
    pub values: [Option<String>; COLUMNS.len()],
    /// What its e-mail key and its username key will be.
    pub keys: [Option<String>; 2],
    /// What its attributes will be.
    #[serde(with = "crate::json")]
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// Every changed value as it was, by field; attributes under their names.
    #[serde(with = "crate::json")]
    pub before: BTreeMap<String, serde_json::Value>,
    /// Every changed value as it will be.
    #[serde(with = "crate::json")]
    pub after: BTreeMap<String, serde_json::Value>,
    /// Entries of memberships that begin.
    pub joins: Vec<String>,
    /// Entries of memberships that end.
    pub leaves: Vec<String>,
}

/// A membership of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// The path of the group, as it was first written.
    pub path: String,
    /// Roles within the group, sorted; none for the default role.
    pub roles: Vec<String>,
    /// Whether it only came down from a group below.
    pub inherited: bool,
}

/// An account as lists and exports show it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccountRecord {
    /// Its id.
    pub id: Uuid,
    /// Values by [`COLUMNS`].
    pub values: [Option<String>; COLUMNS.len()],
    /// Custom attributes.
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// Its memberships, by path.
    pub memberships: Vec<Membership>,
    /// The state of its latest invitation, if it got one.
    pub invitation: Option<String>,
    /// When that was sent or handed over; UTC, `2026-11-22 05:12`.
    pub invited: Option<String>,
    /// Whether the person accepted an invitation or chose a password.
    pub signed_in: bool,
    /// UTC, `2026-11-22 05:12`.
    pub created: String,
    /// UTC, `2026-11-22 05:12`.
    pub updated: String,
    /// The run that created it; none for accounts made elsewhere.
    pub run: Option<String>,
    /// How far the person is: one of `store::people::PHASES`.
    pub phase: String,
}

impl AccountRecord {
    /// Its value for a field that has a column.
    pub fn value(&self, field: Field) -> Option<&str> {
        let column = COLUMNS.iter().position(|column| *column == field)?;
        self.values[column].as_deref()
    }

    /// A custom attribute as text.
    pub fn attribute(&self, name: &str) -> Option<String> {
        match self.attributes.get(name)? {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

/// What a list of accounts can show and sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordColumn {
    /// The account's id.
    Account,
    /// A field that has a column, or `groups`.
    Field(Field),
    /// How far the person is: not invited, invited, …
    Phase,
    /// The state of the latest invitation.
    Invitation,
    /// When that was sent or handed over.
    Invited,
    /// Whether the person accepted an invitation or chose a password.
    SignedIn,
    /// When the account was made.
    Created,
    /// When it was last written to.
    Updated,
    /// The run that created it.
    Run,
    /// A custom attribute.
    Attribute(String),
}

impl RecordColumn {
    /// Every column but the attributes, in order.
    pub fn all() -> Vec<RecordColumn> {
        use RecordColumn::{Account, Created, Invitation, Invited, Phase, Run, SignedIn, Updated};
        let fields = Field::ALL.into_iter();
        let fields = fields.filter(|field| COLUMNS.contains(field) || *field == Field::Groups);
        let more = [Phase, Invitation, Invited, SignedIn, Created, Updated, Run];
        let fields = fields.map(RecordColumn::Field);
        [Account].into_iter().chain(fields).chain(more).collect()
    }

    /// What it is called.
    pub fn name(&self) -> String {
        match self {
            RecordColumn::Account => "account".to_string(),
            RecordColumn::Field(field) => field.name().to_string(),
            RecordColumn::Phase => "phase".to_string(),
            RecordColumn::Invitation => "invitation".to_string(),
            RecordColumn::Invited => "invited".to_string(),
            RecordColumn::SignedIn => "signed_in".to_string(),
            RecordColumn::Created => "created".to_string(),
            RecordColumn::Updated => "updated".to_string(),
            RecordColumn::Run => "run".to_string(),
            RecordColumn::Attribute(name) => format!("attributes.{name}"),
        }
    }

    /// Whether its values are about a person, and so masked in lists.
    pub fn is_personal(&self) -> bool {
        match self {
            RecordColumn::Field(field) => field.is_personal(),
            RecordColumn::Attribute(_) => true,
            _ => false,
        }
    }
}

impl std::fmt::Display for Membership {
    /// As people read it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)?;
        match (self.inherited, self.roles.as_slice()) {
            (true, _) => f.write_str(" (inherited)"),
            (false, []) => Ok(()),
            (false, roles) => write!(f, " ({})", roles.join(", ")),
        }
    }
}

/// What the account as a whole is called among what changes of it.
const ACCOUNT: &str = "account";
/// What the password is called among what changes of an account. Its values are never in there.
pub const PASSWORD: &str = "password";

impl Update {
    /// Notes that the account gets a password, which the update doesn't know.
    pub fn give_password(&mut self) {
        self.before
            .insert(PASSWORD.to_string(), serde_json::Value::Null);
        self.after.insert(PASSWORD.to_string(), "given".into());
    }

    /// Notes that the account goes.
    pub fn remove_account(&mut self) {
        self.before
            .insert(ACCOUNT.to_string(), serde_json::Value::Null);
        self.after.insert(ACCOUNT.to_string(), "removed".into());
    }

    /// Whether the account goes.
    pub fn removes_account(&self) -> bool {
        self.after.contains_key(ACCOUNT)
    }

    /// Whether the account gets a password.
    pub fn gives_password(&self) -> bool {
        self.after.contains_key(PASSWORD)
    }
}
