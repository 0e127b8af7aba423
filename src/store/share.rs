//! Several processes that share a run: who may join it, who writes which chunk, who closes it.
//!
//! Nothing here has to be cleaned up after a process that was killed: all claims are advisory
//! locks, which the server releases when the process's connections are closed. They only save work.
//! The ledger ensures that each chunk is written once: a chunk's line is written in the chunk's own
//! transaction, under its primary key, so that a second try at the same chunk is rolled back whole.

use crate::store::trouble::By;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_postgres::{Client, Row};
use xxhash_rust::xxh3::xxh3_64;

use super::migrate::{LOCK_JOIN, LOCK_RUN};
use super::{LOCK_PAUSE, LOCK_TRIES, Store};
use crate::field::{Field, RowNumber};
use crate::issue::{Code, Issue};
use crate::outcome::{Exit, Outcome};
use crate::refusal::{Refusal, Result};
use crate::run_key::RunKey;
use crate::store::trouble::{Trouble, trouble};
use crate::summary::Summary;

const TRY: &str = "select pg_try_advisory_lock($1)";
const TRY_SHARED: &str = "select pg_try_advisory_lock_shared($1)";
const UNLOCK: &str = "select pg_advisory_unlock($1)";
const UNLOCK_SHARED: &str = "select pg_advisory_unlock_shared($1)";

/// This many processes get a place of their own to begin at.
const SEATS: u32 = 256;

/// How often a process that waits for others looks again.
pub const PAUSE: Duration = Duration::from_millis(100);

/// The steps of a run that one process does for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// What happens to the rows, and those that pass on keys to each other: before all chunks.
    Open,
    /// The leavers, and the run's summary: after all chunks.
    Close,
}

/// A chunk in the ledger of a run.
#[derive(Debug, Clone, Default)]
pub struct ChunkRecord {
    /// Its first row; [`RowNumber::MAX`] for the chunk of moves.
    pub first_row: RowNumber,
    /// The outcome of every row.
    pub outcomes: Vec<Outcome>,
    /// Why rows of it were refused.
    pub issues: Vec<Issue>,
}

impl Store {
    /// Joins those who share the run of `inputs` and the pipeline, or begins to share it. Until
    /// [`Store::let_others_join`], no other process joins. Returns whether nobody was at it.
    ///
    /// # Errors
    /// `run.locked`, exit code 5, when an import or another plan has the lock.
    pub fn join(&self, inputs: &[String], pipeline_sha256: &str) -> Result<bool> {
        for _ in 0..LOCK_TRIES {
            if self.lock_by(TRY, LOCK_JOIN)? {
                if let Some(is_alone) = self.is_let_in(inputs, pipeline_sha256)? {
                    return Ok(is_alone);
                }
                self.lock_by(UNLOCK, LOCK_JOIN)?;
            }
            std::thread::sleep(LOCK_PAUSE);
        }
        let what = format!("another import or plan is running on {}", self.describe());
        Err(Refusal::new(Code::RunLocked, what).exit(Exit::Locked))
    }

    fn is_let_in(&self, inputs: &[String], pipeline_sha256: &str) -> Result<Option<bool>> {
        if self.lock_by(TRY, LOCK_RUN)? {
            // Nobody is at any run. The lock stays ours while it becomes one that others may have, too.
            self.lock_by(TRY_SHARED, LOCK_RUN)?;
            self.lock_by(UNLOCK, LOCK_RUN)?;
            return Ok(Some(true));
        }
        if !self.lock_by(TRY_SHARED, LOCK_RUN)? {
            return Ok(None);
        }
        let sql = include_str!("sql/find_shared_run.sql");
        let rows = self.query(sql, &[&inputs, &pipeline_sha256], "reading the runs")?;
        if rows.first().is_some_and(|row| row.get(0)) {
            return Ok(Some(false));
        }
        self.lock_by(UNLOCK_SHARED, LOCK_RUN)?;
        Ok(None)
    }

    /// The summary of the run of `inputs` and the pipeline that processes shared and finished, and the
    /// folder of its files, unless it was undone since.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn shared_before(
        &self,
        inputs: &[String],
        pipeline_sha256: &str,
    ) -> Result<Option<(Summary, Option<String>)>> {
        let Some((id, _)) = self.finished_run(inputs, pipeline_sha256)? else {
            return Ok(None);
        };
        if self.taken_back()?.contains(&id) {
            return Ok(None);
        }
        self.reported_of(&id)
    }

    /// The summary of a run in the run log, and the folder of its files.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn reported_of(&self, run: &str) -> Result<Option<(Summary, Option<String>)>> {
        let sql = "select summary::text, folder from muster.runs where id = $1";
        let rows = self.query(sql, &[&run], "reading the runs")?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let summary = row.get::<_, Option<&str>>(0);
        let summary = summary.and_then(|json| serde_json::from_str(json).ok());
        Ok(summary.map(|summary| (summary, row.get(1))))
    }

    /// Notes that the run is shared, and lets others join it.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn let_others_join(&self, run: &str) -> Result<()> {
        let sql = "update muster.runs set shared_at = now() where id = $1";
        self.execute(sql, &[&run], "marking the run as shared")?;
        self.lock_by(UNLOCK, LOCK_JOIN)?;
        Ok(())
    }

    /// Whether no other process is at the run; from then on, none comes.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn is_last(&self) -> Result<bool> {
        self.lock_by(TRY, LOCK_RUN)
    }

    /// A number that no other process at the run has, small if it can be.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn take_seat(&self, run: &RunKey) -> Result<u32> {
        for seat in 0..SEATS {
            if self.lock_by(TRY, lock_of(run, "seat", seat))? {
                return Ok(seat);
            }
        }
        Ok(SEATS)
    }

    /// Waits until `step` is done by another process (`false`) or is this one's to do (`true`); then
    /// nobody else does it before [`Store::end_step`] or the end of the store. `false`, too, once
    /// `stop` is set.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn begin_step(&self, run: &RunKey, step: Step, stop: &AtomicBool) -> Result<bool> {
        let lock = lock_of(run, "step", step as u32);
        let done = match step {
            Step::Open => {
                "select exists (select from muster.chunks where run_id = $1 and first_row = -1)"
            }
            Step::Close => {
                "select exists (select from muster.runs where id = $1 and state = 'finished')"
            }
        };
        let is_done = || -> Result<bool> {
            let rows = self.query(done, &[&run.id], "waiting for the others")?;
            Ok(rows.first().is_some_and(|row| row.get(0)))
        };
        while !stop.load(Ordering::Relaxed) && !is_done()? {
            if self.lock_by(TRY, lock)? {
                if !is_done()? {
                    return Ok(true);
                }
                self.lock_by(UNLOCK, lock)?;
                break;
            }
            std::thread::sleep(PAUSE);
        }
        Ok(false)
    }

    /// Ends a step that this process began.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn end_step(&self, run: &RunKey, step: Step) -> Result<()> {
        self.lock_by(UNLOCK, lock_of(run, "step", step as u32))?;
        Ok(())
    }

    /// Which of the chunks that begin at `rows` are in the ledger.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn written_of(&self, run: &RunKey, rows: &[RowNumber]) -> Result<HashSet<RowNumber>> {
        let rows: Vec<i32> = rows.iter().map(|row| *row as i32).collect();
        let sql = include_str!("sql/find_written.sql");
        let found = self.query(sql, &[&run.id, &rows], "reading the ledger")?;
        let first = |row: &Row| row.get::<_, i32>(0) as RowNumber;
        Ok(found.iter().map(first).collect())
    }

    /// The ledger of a run: the chunk of its moves first, if there is one, then all others in row
    /// order.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn ledger(&self, run: &RunKey) -> Result<Vec<ChunkRecord>> {
        let sql = include_str!("sql/find_ledger.sql");
        let rows = self.query(sql, &[&run.id], "reading the ledger")?;
        Ok(rows.iter().map(logged).collect())
    }

    /// What `sql`, one of PostgreSQL's functions for advisory locks, says of `lock`.
    fn lock_by(&self, sql: &str, lock: i64) -> Result<bool> {
        let rows = self.query(sql, &[&lock], "taking a lock")?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
    }
}

/// A line of the ledger: first row, outcomes and notes.
pub(super) fn logged(row: &Row) -> ChunkRecord {
    let outcomes: &[u8] = row.get(1);
    let notes: Option<&str> = row.get(2);
    let numbers = outcomes.iter();
    ChunkRecord {
        first_row: row.get::<_, i32>(0) as RowNumber,
        outcomes: numbers
            .filter_map(|number| Outcome::from_number(*number))
            .collect(),
        issues: notes.map(issues_of).unwrap_or_default(),
    }
}

/// The number of a lock of `run`.
fn lock_of(run: &RunKey, what: &str, number: u32) -> i64 {
    xxh3_64(format!("muster {} {what} {number}", run.id).as_bytes()) as i64
}

/// Makes a chunk this transaction's to write, unless another process is at it or has written it. The
/// claim ends with the transaction.
pub(super) async fn claim(
    client: &Client,
    run: &RunKey,
    first_row: RowNumber,
) -> std::result::Result<(), Trouble> {
    let lock = lock_of(run, "chunk", first_row);
    let row = client
        .query_one("select pg_try_advisory_xact_lock($1)", &[&lock])
        .await
        .map_err(trouble)?;
    if !row.get::<_, bool>(0) {
        return Err(Trouble::Taken(By::Nobody));
    }
    // After the lock, for who had it before may have written the chunk.
    let sql = "select from muster.chunks where run_id = $1 and first_row = $2";
    match client
        .query_opt(sql, &[&run.id, &(first_row as i32)])
        .await
        .map_err(trouble)?
    {
        Some(_) => Err(Trouble::Taken(By::Others)),
        None => Ok(()),
    }
}

/// Why rows of a chunk were refused, for the ledger.
pub(super) fn json(issues: &[Issue]) -> String {
    let issues: Vec<Value> = issues
        .iter()
        .map(|issue| {
            json!({
                "row": issue.row,
                "code": issue.code.name(),
                "field": issue.field.map(Field::name),
                "column": issue.column,
                "found": issue.found,
                "detail": issue.detail,
            })
        })
        .collect();
    json!({ "issues": issues }).to_string()
}

/// What is of a later version is passed over.
fn issues_of(text: &str) -> Vec<Issue> {
    let notes: Value = serde_json::from_str(text).unwrap_or_default();
    let issues = notes["issues"].as_array().cloned().unwrap_or_default();
    let issue = |value: &Value| {
        let text = |name: &str| value[name].as_str().unwrap_or_default();
        let code = Code::ALL.iter().find(|code| code.name() == text("code"))?;
        Some(Issue {
            code: *code,
            row: value["row"].as_u64()? as RowNumber,
            field: value["field"].as_str().and_then(Field::from_name),
            column: value["column"].as_u64().map(|column| column as u16),
            found: text("found").to_string(),
            detail: text("detail").to_string(),
        })
    };
    issues.iter().filter_map(issue).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issues_come_back_as_they_were() {
        let mut issue = Issue::of_field(Code::PlanDrifted, 7, Field::Email, "a\0\"b", "c");
        issue.column = Some(3);
        let issues = [issue, Issue::of_row(Code::LoadRefused, u32::MAX - 1, "no")];
        assert_eq!(issues_of(&json(&issues)), issues);
        assert_eq!(issues_of("?"), []);
    }
}
