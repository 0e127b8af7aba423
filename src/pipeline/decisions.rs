//! What happens to every row: decided once, and sealed before anything is written.
//!
//! The seal is in the database, so that a run that was interrupted continues with the same
//! decisions, whatever machine it continues on. Everything that is written, reported or kept as a
//! plan comes from here. What the database refuses later is kept separately, in [`Refused`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::plan::Planning;
use crate::decision::Planned;
use crate::field::RowNumber;
use crate::issue::Issue;
use crate::leaver::Leaver;
use crate::outcome::Outcome;
use crate::refusal::Result;
use crate::run_key::RunKey;
use crate::safeguard::Safeguard;
use crate::spool::GROUP_BATCHES;
use crate::spool::{PlanSpool, Spool, dialect};
use crate::store::Store;

/// What happens to every row of a run.
pub struct Decisions {
    rows: PlanSpool,
    /// What was decided about the run as a whole.
    pub whole: Whole,
}

/// What was decided about a run as a whole.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Whole {
    /// What the safeguards said.
    #[serde(rename = "gates")]
    pub safeguards: Vec<Safeguard>,
    /// Accounts that change, or may soon, though no row says so.
    pub leavers: Vec<Leaver>,
    /// Whether the run counts for the grace of those who are missing.
    pub counts_absences: bool,
    /// The rows whose updates pass on keys to each other. They are written together, before all
    /// others.
    pub(super) together: BTreeSet<RowNumber>,
    /// The groups that must be there, as paths.
    pub(super) groups: Vec<String>,
}

/// The first page of the sealed decisions.
#[derive(Serialize, Deserialize)]
struct Head<W> {
    /// Tells which muster can read the pages.
    format: String,
    /// How many rows there are.
    rows: u64,
    whole: W,
}

fn format() -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), dialect())
}

impl Decisions {
    /// The plan of all rows. `groups` has the paths of the files' groups, by key.
    pub(super) fn new(
        planning: Planning,
        groups: &BTreeMap<String, String>,
        safeguards: Vec<Safeguard>,
        leavers: Vec<Leaver>,
        counts_absences: bool,
    ) -> Decisions {
        Decisions {
            whole: Whole {
                safeguards,
                leavers,
                counts_absences,
                groups: planning.needed_paths(groups),
                together: planning.together,
            },
            rows: planning.rows,
        }
    }

    /// What happens to the rows of batch number `batch`.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk fails.
    pub fn read(&self, batch: usize) -> Result<Planned> {
        self.rows.read(batch)
    }

    /// Seals the decisions in the database: from now on the run goes by them, even if it is cut off.
    pub(super) fn seal(self, run: &RunKey, spool: &Spool, store: &Store) -> Result<Decisions> {
        store.begin_decisions()?;
        for first in (0..self.rows.batches()).step_by(GROUP_BATCHES) {
            let range = first..(first + GROUP_BATCHES).min(self.rows.batches());
            let packed: Vec<Vec<u8>> = range
                .into_par_iter()
                .map(|batch| self.rows.packed(batch))
                .collect::<Result<_>>()?;
            for (page, bytes) in (first..).zip(packed) {
                store.keep_decisions(&run.id, page, &bytes)?;
            }
        }
        let head = Head {
            format: format(),
            rows: spool.rows(),
            whole: &self.whole,
        };
        let head = serde_json::to_string(&head).unwrap_or_default();
        store.seal(&run.id, &head, &self.whole.safeguards)?;
        Ok(self)
    }

    /// The sealed decisions of a run about the rows of `spool`; `None` where there are none that this
    /// muster can read.
    pub(super) fn sealed(run: &str, spool: &Spool, store: &Store) -> Result<Option<Decisions>> {
        let Some(head) = store.sealed(run)? else {
            return Ok(None);
        };
        let head = serde_json::from_str::<Head<Whole>>(&head).ok();
        let fits = |head: &Head<Whole>| head.format == format() && head.rows == spool.rows();
        let Some(head) = head.filter(fits) else {
            return Ok(None);
        };
        let mut rows = PlanSpool::new()?;
        let mut is_whole = true;
        store.decisions(run, |packed| {
            let batch = rows.batches();
            is_whole = is_whole
                && batch < spool.batches()
                && rows.push_packed(packed, spool.rows_in(batch))?;
            Ok(())
        })?;
        is_whole &= rows.batches() == spool.batches();
        Ok(is_whole.then_some(Decisions {
            rows,
            whole: head.whole,
        }))
    }
}

/// What the database refused of the decisions, and what a run that stopped has not written. All else
/// is as it was decided.
#[derive(Debug, Default)]
pub struct Refused {
    /// Why, by row.
    pub(super) why: BTreeMap<RowNumber, Vec<Issue>>,
    /// Rows that wait for the next try.
    pub(super) waiting: Vec<Range<RowNumber>>,
}

impl Refused {
    /// The decisions about a batch whose first row is `first`, as far as the database took them.
    pub(super) fn apply_to(&self, planned: &mut Planned, first: RowNumber) {
        let rows = first..first + planned.outcomes.len() as RowNumber;
        for waiting in &self.waiting {
            for row in waiting.start.max(rows.start)..waiting.end.min(rows.end) {
                let outcome = &mut planned.outcomes[(row - first) as usize];
                if matches!(outcome, Outcome::Created | Outcome::Updated) {
                    *outcome = Outcome::Held;
                }
            }
        }
        let mut is_any = false;
        for (row, issues) in self.why.range(rows) {
            planned.outcomes[(row - first) as usize] = Outcome::Failed;
            planned.issues.extend_from_slice(issues);
            is_any = true;
        }
        if is_any {
            planned
                .updates
                .retain(|(row, _)| !self.why.contains_key(row));
            planned.issues.sort_by_key(|issue| issue.row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issue::Code;

    #[test]
    fn what_was_refused_failed_and_what_is_not_written_waits() {
        let mut planned = Planned {
            outcomes: vec![
                Outcome::Created,
                Outcome::Updated,
                Outcome::Updated,
                Outcome::Unchanged,
                Outcome::Created,
            ],
            issues: vec![Issue::of_row(Code::MatchReturned, 14, "")],
            updates: vec![(11, Default::default()), (12, Default::default())],
            ..Planned::default()
        };
        let issue = Issue::of_row(Code::LoadRefused, 11, "no");
        let refused = Refused {
            why: BTreeMap::from([(11, vec![issue.clone()]), (15, Vec::new())]),
            waiting: vec![0..3, 12..14, 20..30],
        };
        refused.apply_to(&mut planned, 10);
        assert_eq!(
            planned.outcomes,
            [
                Outcome::Created,
                Outcome::Failed,
                Outcome::Held,
                Outcome::Unchanged,
                Outcome::Created
            ]
        );
        assert_eq!(planned.issues[0], issue);
        let updates: Vec<RowNumber> = planned.updates.iter().map(|(row, _)| *row).collect();
        assert_eq!(updates, [12], "what waits keeps what it waits for");
    }
}
