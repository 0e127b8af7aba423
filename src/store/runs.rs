//! The books of runs: begun, taken up again, finished, listed.

use std::collections::HashSet;

use tokio::task::JoinHandle;

use super::connect::refusal;
use super::{Store, share};
use crate::definition::Pipeline;
use crate::issue::Code;
use crate::outcome::Outcome;
use crate::refusal::{Refusal, Result};
use crate::row::RowNumber;
use crate::stages::drift::Profile;
use crate::stages::load::RunKey;
use crate::summary::{Approval, Gate, Summary};

/// A run that has begun, now or earlier.
#[derive(Debug, Default)]
pub struct Begun {
    /// The run's id.
    pub id: String,
    /// Makes the ids of its accounts.
    pub seed: u64,
    /// When it was begun first, by the database's clock, in milliseconds since 1970.
    pub started_ms: u64,
    /// RFC 3339, when it was begun first; `None` for a new one.
    pub resumed_from: Option<String>,
    /// What it wrote before it was cut off.
    pub written: Vec<(RowNumber, Vec<Outcome>)>,
    /// Rows beyond those whose updates are in: they passed on keys to each other.
    pub moved: HashSet<RowNumber>,
    /// What the safeguards said before it wrote anything.
    pub gates: Vec<Gate>,
    /// The chunk of its moves, where processes share the run and one of them has opened it.
    pub opened: Option<share::Booked>,
    /// Whether other processes were at it already.
    pub joined: bool,
}

impl Begun {
    /// Whether an earlier try got as far as to write rows.
    pub fn has_written(&self) -> bool {
        !self.written.is_empty() || !self.moved.is_empty()
    }

    /// The rows that make accounts by keys that were given up when a run was opened that processes
    /// share.
    pub fn freed(&self) -> &[RowNumber] {
        let opened = self.opened.as_ref();
        opened.map_or(&[], |opened| &opened.notes.freed)
    }
}

/// What a plan is measured by.
#[derive(Debug, Default)]
pub struct There {
    /// All accounts.
    pub accounts: u64,
    /// Those that are active or invited.
    pub seated: u64,
    /// All groups.
    pub groups: u64,
    /// What the safeguards said in the pipeline's runs of the window, newest first.
    pub earlier: Vec<Vec<Gate>>,
    /// What the files of its last run looked like that wasn't held for its looks.
    pub last_profile: Option<Profile>,
}

/// A run in the books.
#[derive(Debug)]
pub struct Booked {
    /// The run's id.
    pub id: String,
    /// `import`.
    pub kind: String,
    /// `running`, `stopped` or `finished`.
    pub state: String,
    /// RFC 3339.
    pub started_at: String,
    /// `None` while it runs, and when it was cut off.
    pub summary: Option<Summary>,
    /// Where its files are.
    pub folder: Option<String>,
    /// The pipeline as [`Pipeline::named`] has it.
    pub pipeline: Option<String>,
}

impl Store {
    /// Begins a run, or takes up the one that was cut off on the same input and pipeline. The
    /// caller holds the lock.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn begin_run(
        &self,
        id: &str,
        seed: u64,
        inputs: &[String],
        pipeline: &Pipeline,
        folder: &str,
    ) -> Result<Begun> {
        let client = &self.connection.client;
        let begun = self.runtime.block_on(async {
            let unfinished = client
                .query_opt(
                    include_str!("sql/find_unfinished_run.sql"),
                    &[&inputs, &pipeline.sha256],
                )
                .await?;
            if let Some(run) = unfinished {
                let id: String = run.get(0);
                let chunks = client
                    .query(include_str!("sql/find_chunks.sql"), &[&id])
                    .await?;
                let written = chunks.iter().map(|chunk| {
                    let outcomes: &[u8] = chunk.get(1);
                    let outcomes = outcomes
                        .iter()
                        .filter_map(|number| Outcome::from_number(*number));
                    (chunk.get::<_, i32>(0) as RowNumber, outcomes.collect())
                });
                let moved = client
                    .query(include_str!("sql/find_moved.sql"), &[&id])
                    .await?;
                let seed: i64 = run.get(1);
                return Ok(Begun {
                    written: written.collect(),
                    moved: moved
                        .iter()
                        .map(|row| row.get::<_, i32>(0) as RowNumber)
                        .collect(),
                    seed: seed as u64,
                    started_ms: run.get::<_, i64>(3) as u64,
                    resumed_from: Some(run.get(2)),
                    gates: gates_of(run.get(4)),
                    opened: None,
                    joined: false,
                    id,
                });
            }
            let sql = include_str!("sql/insert_run.sql");
            let row = client
                .query_one(
                    sql,
                    &[
                        &id,
                        &inputs,
                        &pipeline.sha256,
                        &(seed as i64),
                        &folder,
                        &pipeline.named,
                        &pipeline.definition.source(),
                    ],
                )
                .await?;
            let started_ms = row.get::<_, i64>(0) as u64;
            Ok(Begun {
                id: id.to_string(),
                seed,
                started_ms,
                resumed_from: None,
                written: Vec::new(),
                moved: HashSet::new(),
                gates: Vec::new(),
                opened: None,
                joined: false,
            })
        });
        begun.map_err(|error: tokio_postgres::Error| refusal(&error, "beginning the run"))
    }

    /// Brings what is known of a run that processes share up to date. A chunk that comes in meanwhile
    /// may be missing from it: whoever writes a chunk asks the ledger again.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn take_up(&self, run: &RunKey, begun: &mut Begun) -> Result<()> {
        const DOING: &str = "taking up the run";
        let sql = "select gates::text from muster.runs where id = $1";
        let gates = self.query(sql, &[&run.id], DOING)?;
        begun.gates = gates_of(gates.first().and_then(|row| row.get(0)));
        begun.written.clear();
        for chunk in self.ledger(run)? {
            if chunk.first_row == RowNumber::MAX {
                begun.opened = Some(chunk);
            } else {
                begun.written.push((chunk.first_row, chunk.outcomes));
            }
        }
        let moved = self.query(include_str!("sql/find_moved.sql"), &[&run.id], DOING)?;
        let row = |row: &tokio_postgres::Row| row.get::<_, i32>(0) as RowNumber;
        begun.moved = moved.iter().map(row).collect();
        Ok(())
    }

    /// The last run that finished on that input and pipeline: its id, and when it did, RFC 3339.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn finished_run(
        &self,
        inputs: &[String],
        pipeline_sha256: &str,
    ) -> Result<Option<(String, String)>> {
        let sql = include_str!("sql/find_finished_run.sql");
        let row = self
            .runtime
            .block_on(
                self.connection
                    .client
                    .query_opt(sql, &[&inputs, &pipeline_sha256]),
            )
            .map_err(|error| refusal(&error, "reading the runs"))?;
        Ok(row.map(|row| (row.get(0), row.get(1))))
    }

    /// Counts what is there, and reads what the runs of the pipeline called `name` did in the last
    /// `window` minutes.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn what_is_there(&self, name: &str, window: u32) -> Result<There> {
        let client = &self.connection.client;
        let minutes = f64::from(window);
        let there = self.runtime.block_on(async {
            let counts = client
                .query_one(include_str!("sql/count_what_is_there.sql"), &[])
                .await?;
            let earlier = client
                .query(
                    include_str!("sql/find_earlier_gates.sql"),
                    &[&name, &minutes],
                )
                .await?;
            let last = client
                .query_opt(include_str!("sql/find_last_profile.sql"), &[&name])
                .await?;
            let count = |column| counts.get::<_, i64>(column) as u64;
            Ok(There {
                accounts: count(0),
                seated: count(1),
                groups: count(2),
                earlier: earlier.iter().map(|run| gates_of(run.get(0))).collect(),
                last_profile: last.and_then(|run| serde_json::from_str(run.get(0)).ok()),
            })
        });
        there.map_err(|error: tokio_postgres::Error| refusal(&error, "reading what is there"))
    }

    /// Keeps what the safeguards said, so that a run that is cut off is taken up by it.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn book_gates(&self, run: &str, gates: &[Gate]) -> Result<()> {
        let json = super::json_of(&gates);
        let sql = "update muster.runs set gates = $2::text::jsonb where id = $1";
        self.runtime
            .block_on(self.connection.client.execute(sql, &[&run, &json]))
            .map_err(|error| refusal(&error, "keeping what the safeguards said"))?;
        Ok(())
    }

    /// Notes in the books of a run that what its safeguards held was done by run `by`.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn note_approval(&self, approval: &Approval, by: &str) -> Result<()> {
        let sql = include_str!("sql/note_approval.sql");
        self.execute(
            sql,
            &[&approval.of, &approval.classes, &by],
            "noting the approval",
        )?;
        Ok(())
    }

    /// Writes the state of a run and its summary.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn end_run(&self, summary: &Summary, folder: &str) -> Result<()> {
        let json = super::json_of(summary);
        let sql = include_str!("sql/update_run.sql");
        self.runtime
            .block_on(
                self.connection
                    .client
                    .execute(sql, &[&summary.run.id, &summary.run.state, &json, &folder]),
            )
            .map_err(|error| refusal(&error, "closing the run"))?;
        Ok(())
    }

    /// The latest runs, newest first, at most `limit`.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn list_runs(&self, limit: i64) -> Result<Vec<Booked>> {
        let rows = self
            .runtime
            .block_on(
                self.connection
                    .client
                    .query(include_str!("sql/list_runs.sql"), &[&limit]),
            )
            .map_err(|error| refusal(&error, "reading the runs"))?;
        Ok(rows
            .iter()
            .map(|row| Booked {
                id: row.get(0),
                kind: row.get(1),
                state: row.get(2),
                started_at: row.get(3),
                summary: summary_of(row.get(4)),
                folder: row.get(5),
                pipeline: row.get(6),
            })
            .collect())
    }

    /// Begins to bring the planner's statistics up to date after a load that changed much, over a
    /// connection of its own. [`Store::finish_analyze`] waits for it.
    pub fn begin_analyze(&self) -> JoinHandle<Result<()>> {
        let target = self.target.clone();
        self.runtime.spawn(async move {
            let sql = "analyze muster.accounts; analyze muster.memberships; analyze muster.links; \
                analyze muster.membership_links";
            let connection = target.connect().await?;
            let done = connection.client.batch_execute(sql).await;
            done.map_err(|error| refusal(&error, "updating the statistics"))
        })
    }

    /// Waits for the statistics.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn finish_analyze(&self, task: JoinHandle<Result<()>>) -> Result<()> {
        self.runtime.block_on(task).unwrap_or_else(|error| {
            let what = format!("updating the statistics broke off: {error}");
            Err(Refusal::new(Code::DatabaseFailed, what))
        })
    }
}

fn gates_of(json: Option<&str>) -> Vec<Gate> {
    json.and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default()
}

fn summary_of(json: Option<&str>) -> Option<Summary> {
    serde_json::from_str(json?).ok()
}

/// The refusal for a run that isn't in the books.
pub fn unknown(wanted: &str) -> Refusal {
    Refusal::new(Code::RunUnknown, format!("no run `{wanted}`"))
}
