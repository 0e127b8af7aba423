//! What is decided about the rows of a batch, and what the match saw of them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::account::{Matched, Update};
use crate::field::{Key, RowNumber};
use crate::issue::Issue;
use crate::outcome::Outcome;

/// What is known of a row before its account is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// Only a match can say.
    Ask,
    /// No account has any of its keys.
    Nobody,
    /// That account holds all of it already.
    Holds(Uuid),
}

/// What a run would do with one row.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Makes an account.
    Create,
    /// Changes one.
    Update(Box<Update>),
    /// Nothing to write: the outcome is already known.
    Leave(Outcome),
}

impl Action {
    /// The outcome, if the database accepts it.
    pub fn outcome(&self) -> Outcome {
        match self {
            Action::Create => Outcome::Created,
            Action::Update(_) => Outcome::Updated,
            Action::Leave(outcome) => *outcome,
        }
    }
}

/// A batch after the plan.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Planned {
    /// The outcome of every row, if the database accepts it.
    pub outcomes: Vec<Outcome>,
    /// What the match and the plan found.
    pub issues: Vec<Issue>,
    /// The accounts that rows matched, by row.
    pub accounts: Vec<(RowNumber, Uuid)>,
    /// The updates, by row.
    pub updates: Vec<(RowNumber, Update)>,
    /// What the match found, for the rows for which it found anything.
    pub traces: Vec<Trace>,
}

/// What a plan remembers of a row's match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The row.
    pub row: RowNumber,
    /// The key that found its account; none where only keys that the pipeline doesn't match by did.
    pub by: Option<Key>,
    /// [`state`] of what was found.
    pub state: u128,
}

impl Trace {
    /// The trace of `row`; `keys` are those that the pipeline matches by, in its order.
    pub fn new(row: RowNumber, matched: &Matched, keys: &[Key]) -> Trace {
        let id = matched.account.as_ref().map(|account| account.id);
        let by = keys
            .iter()
            .find(|key| id.is_some() && matched.by[**key as usize] == id);
        Trace {
            row,
            by: by.copied(),
            state: state(matched),
        }
    }
}

/// A hash of all that the match saw: which accounts have the row's keys, and the values, keys,
/// attributes and groups of the one that it is about. The same in every process; the version of the
/// account's row is not in it, for that changes with every copy of a database.
pub fn state(matched: &Matched) -> u128 {
    const SEED: u64 = 0x6d75_7374_6572_0001;
    let mut bytes = Vec::with_capacity(512);
    for id in matched.by {
        put(&mut bytes, id.as_ref().map(|id| id.as_bytes().as_slice()));
    }
    if let Some(account) = &matched.account {
        bytes.extend_from_slice(account.id.as_bytes());
        for value in account.values.iter().chain(&account.keys) {
            put(&mut bytes, value.as_deref().map(str::as_bytes));
        }
        put(&mut bytes, Some(account.attributes.as_bytes()));
        for group in &account.groups {
            put(&mut bytes, Some(group.as_bytes()));
        }
        if let Some(past) = &account.past {
            put(&mut bytes, Some(past.as_bytes()));
        }
    }
    xxh3_128_with_seed(&bytes, SEED)
}

/// With its length before it, and none unlike empty.
fn put(bytes: &mut Vec<u8>, value: Option<&[u8]>) {
    let length = value.map_or(u32::MAX, |value| value.len() as u32);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(value.unwrap_or_default());
}
