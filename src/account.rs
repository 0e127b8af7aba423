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
