//! What happens to a row, and what happens to a run.

use serde::{Deserialize, Serialize};

use crate::field::RowNumber;

/// What the file alone says of a row, before any account is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verdict {
    /// Goes on to be matched.
    #[default]
    Kept,
    /// Every column equals that earlier row's.
    Duplicate(RowNumber),
    /// Has at least one issue of severity `reject`.
    Rejected,
    /// Is about nobody: see `row.no_person`.
    Nobody,
}

/// Exactly one per row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Outcome {
    /// A new account.
    Created = 0,
    /// An account of which at least one value changed.
    Updated = 1,
    /// The account holds all of it already; nothing was written.
    Unchanged = 2,
    /// Every column equals an earlier row's.
    Duplicate = 3,
    /// Left alone because the pipeline says so.
    Skipped = 4,
    /// Something in the row must be fixed first.
    Rejected = 5,
    /// Somebody has to look at it first: a safeguard held it, or its account is not what was planned for.
    Held = 6,
    /// The database refused it.
    Failed = 7,
}

impl Outcome {
    /// Whether the row is to be written, or was.
    pub fn is_written(self) -> bool {
        matches!(self, Outcome::Created | Outcome::Updated)
    }

    /// Every outcome, in the order of the summary.
    pub const ALL: [Outcome; 8] = [
        Outcome::Created,
        Outcome::Updated,
        Outcome::Unchanged,
        Outcome::Duplicate,
        Outcome::Skipped,
        Outcome::Rejected,
        Outcome::Held,
        Outcome::Failed,
    ];

    /// The outcome's word.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Created => "created",
            Outcome::Updated => "updated",
            Outcome::Unchanged => "unchanged",
            Outcome::Duplicate => "duplicate",
            Outcome::Skipped => "skipped",
            Outcome::Rejected => "rejected",
            Outcome::Held => "held",
            Outcome::Failed => "failed",
        }
    }

    /// The outcome with that number, as stored in a chunk's ledger row.
    pub fn from_number(number: u8) -> Option<Outcome> {
        Outcome::ALL.get(usize::from(number)).copied()
    }
}

/// How many rows had which outcome. `read` is always the sum of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All rows of the input.
    pub read: u64,
    /// Rows that made an account.
    pub created: u64,
    /// Rows that changed an account.
    pub updated: u64,
    /// Rows whose account already holds all of it.
    pub unchanged: u64,
    /// Rows equal to an earlier one.
    pub duplicate: u64,
    /// Rows left alone by policy.
    pub skipped: u64,
    /// Rows to be fixed.
    pub rejected: u64,
    /// Rows that somebody has to look at first.
    pub held: u64,
    /// Rows that the database refused.
    pub failed: u64,
}

impl Counts {
    /// Counts one row more.
    pub fn add(&mut self, outcome: Outcome) {
        self.read += 1;
        *self.of_mut(outcome) += 1;
    }

    /// How many rows had `outcome`.
    pub fn of(&self, outcome: Outcome) -> u64 {
        let mut copy = *self;
        *copy.of_mut(outcome)
    }

    /// Whether the parts add up to the rows read.
    pub fn add_up(&self) -> bool {
        Outcome::ALL.iter().map(|&o| self.of(o)).sum::<u64>() == self.read
    }

    fn of_mut(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Duplicate => &mut self.duplicate,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Rejected => &mut self.rejected,
            Outcome::Held => &mut self.held,
            Outcome::Failed => &mut self.failed,
        }
    }
}

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All rows in, nothing to fix.
    Done = 0,
    /// Finished; some rows were rejected, held or failed.
    ToFix = 1,
    /// Refused before any write: usage, pipeline, file or database.
    Refused = 2,
    /// Held by a safeguard; what is not held is in.
    Held = 3,
    /// Stopped midway; run again to resume.
    Stopped = 4,
    /// Another run has the lock.
    Locked = 5,
}

impl Exit {
    /// How a finished run with these counts ends.
    pub fn of(counts: &Counts) -> Exit {
        if counts.rejected + counts.held + counts.failed > 0 {
            Exit::ToFix
        } else {
            Exit::Done
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_whatever_is_counted() {
        let mut counts = Counts::default();
        for (index, outcome) in Outcome::ALL.into_iter().enumerate() {
            for _ in 0..=index {
                counts.add(outcome);
            }
            assert!(counts.add_up());
            assert_eq!(counts.of(outcome), index as u64 + 1);
            assert_eq!(Outcome::from_number(outcome as u8), Some(outcome));
        }
        counts.read += 1;
        assert!(!counts.add_up());
    }
}
