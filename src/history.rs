//! What happened to accounts, as values.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::field::RowNumber;

/// Values by field; attributes as `attributes.NAME`, memberships as `groups`, a list of entries (see
/// `membership`).
pub type Values = BTreeMap<String, Value>;

/// An account as it is, or as it was when it was removed.
#[derive(Debug, Clone)]
pub struct Known {
    /// The account.
    pub id: Uuid,
    /// Its columns, by name.
    pub image: Value,
    /// Whether it is there.
    pub there: bool,
    /// Its groups; their keys where it was removed.
    pub groups: Vec<String>,
    /// The sessions that it is enrolled in; their keys where it was removed.
    pub sessions: Vec<String>,
    /// Whether it has a password.
    pub has_password: bool,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// Microseconds since 1970.
    pub updated_at: i64,
}

/// What a run did to an account, or left.
#[derive(Debug, Clone)]
pub struct Done {
    /// Microseconds since 1970.
    pub at: i64,
    /// The run.
    pub run: String,
    /// `import` or `undo`.
    pub kind: String,
    /// For an undo, the run that it takes back.
    pub undoes: Option<String>,
    /// The row; for an undo, that of the run which it takes back.
    pub row: RowNumber,
    /// What was done.
    pub what: What,
}

/// What was done to an account.
#[derive(Debug, Clone)]
pub enum What {
    /// Changed, from one to the other.
    Changed(Values, Values),
    /// Removed.
    Removed,
    /// Brought back.
    Returned,
    /// Named, and nothing was to be written.
    Unchanged,
    /// That field was left as it was by an undo, for that reason.
    Kept(String, String),
}

/// A way in that somebody got.
#[derive(Debug, Clone)]
pub struct WayIn {
    /// The run that it belongs to.
    pub run: String,
    /// `invite`, `reset`, `temporary`, `session` or `session-reminder`.
    pub kind: String,
    /// As it was written to.
    pub email: String,
    /// As in the run log, `expired` also where only its time is over.
    pub state: String,
    /// `outbox`, `smtp` or `hand`.
    pub transport: Option<String>,
    /// How often it was sent again.
    pub resends: i32,
    /// The last words about it.
    pub reply: Option<String>,
    /// Microseconds since 1970, as all that follow.
    pub created_at: i64,
    /// When the last mail went out.
    pub sent_at: Option<i64>,
    /// When the person came in.
    pub accepted_at: Option<i64>,
    /// When its state last changed.
    pub changed_at: i64,
}

/// Something that stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// The account, or the group.
    pub id: Uuid,
    /// The account's address, or the path of the group.
    pub who: String,
    /// The account's.
    pub external_id: String,
    /// The field, or `account` or `group`.
    pub field: String,
    /// Why.
    pub reason: String,
}

/// A row of a ledger that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The row's number in the run, from 0.
    pub row: u32,
    /// The file, as it was given.
    pub file: String,
    /// Physical line, or row of the sheet.
    pub line: u64,
    /// The outcome's word.
    pub outcome: String,
    /// The account that it made, changed or matched.
    pub account: Option<String>,
    /// For a duplicate: the number of the row that it equals, from 0.
    pub duplicate_of: Option<u32>,
    /// Cleaning rules that changed something, by comma.
    pub cleaned: String,
    /// Codes of its issues, by comma.
    pub issues: String,
}
