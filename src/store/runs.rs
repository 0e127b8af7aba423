//! The records of runs: begun, taken up again, finished, listed.

use tokio::task::JoinHandle;
use tokio_postgres::Row;

use super::Store;
use super::audit::Act;
use crate::definition::Pipeline;
use crate::issue::Code;
use crate::profile::Profile;
use crate::refusal::{Refusal, Result};
use crate::safeguard::Safeguard;
use crate::store::error::refusal;
use crate::summary::Summary;

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
    /// Whether an earlier try wrote anything.
    pub has_written: bool,
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
    pub earlier: Vec<Vec<Safeguard>>,
    /// What the files of its last run looked like that wasn't held for its looks.
    pub last_profile: Option<Profile>,
}

/// A run in the run log.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// The run's id.
    pub id: String,
    /// `import`.
    pub kind: String,
    /// `running`, `stopped` or `finished`.
    pub state: String,
    /// RFC 3339.
    pub started_at: String,
    /// `None` while it runs, and when it was interrupted.
    pub summary: Option<Summary>,
    /// Where its files are.
    pub folder: Option<String>,
    /// The pipeline as [`Pipeline::named`] has it.
    pub pipeline: Option<String>,
}

impl Store {
    /// Begins a run, or takes up the one that was interrupted on the same input and pipeline. The
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
        self.act("beginning the run", async |client| {
            let unfinished = client
                .query_opt(
                    include_str!("sql/find_unfinished_run.sql"),
                    &[&inputs, &pipeline.sha256],
                )
                .await?;
            if let Some(run) = unfinished {
                let id: String = run.get(0);
                let seed: i64 = run.get(1);
                let act = Act::about(&id);
                let begun = Begun {
                    seed: seed as u64,
                    started_ms: run.get::<_, i64>(3) as u64,
                    resumed_from: Some(run.get(2)),
                    has_written: run.get(4),
                    id,
                };
                return Ok((begun, act));
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
            let begun = Begun {
                id: id.to_string(),
                seed,
                started_ms,
                resumed_from: None,
                has_written: false,
            };
            Ok((begun, Act::about(id)))
        })
    }

    /// Closes a run that was interrupted and can't go on: it counts as finished from now on,
    /// however far it got.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn give_up(&self, run: &str) -> Result<()> {
        let sql = "update muster.runs set state = 'finished', finished_at = now() where id = $1";
        self.execute(sql, &[&run], "closing the interrupted run")?;
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
                earlier: earlier
                    .iter()
                    .map(|run| safeguards_of(run.get(0)))
                    .collect(),
                last_profile: last.and_then(|run| serde_json::from_str(run.get(0)).ok()),
            })
        });
        there
            .map_err(|error: tokio_postgres::Error| refusal(&error, "counting accounts and groups"))
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
    pub fn list_runs(&self, limit: i64) -> Result<Vec<RunRecord>> {
        let rows = self
            .runtime
            .block_on(
                self.connection
                    .client
                    .query(include_str!("sql/list_runs.sql"), &[&limit]),
            )
            .map_err(|error| refusal(&error, "reading the runs"))?;
        Ok(rows.iter().map(record).collect())
    }

    /// The run of that id.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn run(&self, id: &str) -> Result<Option<RunRecord>> {
        let sql = include_str!("sql/find_run.sql");
        let rows = self.query(sql, &[&id], "reading the runs")?;
        Ok(rows.first().map(record))
    }

    /// Begins to bring the planner's statistics up to date after a load that changed much, over its
    /// own connection. [`Store::finish_analyze`] waits for it.
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
            let what = format!("updating the statistics stopped unexpectedly: {error}");
            Err(Refusal::new(Code::DatabaseFailed, what))
        })
    }
}

/// The columns of `list_runs.sql`.
fn record(row: &Row) -> RunRecord {
    RunRecord {
        id: row.get(0),
        kind: row.get(1),
        state: row.get(2),
        started_at: row.get(3),
        summary: summary_of(row.get(4)),
        folder: row.get(5),
        pipeline: row.get(6),
    }
}

fn safeguards_of(json: Option<&str>) -> Vec<Safeguard> {
    json.and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default()
}

fn summary_of(json: Option<&str>) -> Option<Summary> {
    serde_json::from_str(json?).ok()
}

/// The run of `runs`, newest first, that is meant by an id, the beginning of one, or `last`;
/// `None` where there is none.
///
/// # Errors
/// `run.unknown` for a beginning that several have.
pub fn pick(runs: Vec<RunRecord>, wanted: &str) -> Result<Option<RunRecord>> {
    let mut fitting = runs
        .into_iter()
        .filter(|run| !wanted.is_empty() && (wanted == "last" || run.id.starts_with(wanted)));
    let found = fitting.next();
    let is_exact = wanted == "last" || found.as_ref().is_some_and(|run| run.id == wanted);
    if !is_exact && fitting.next().is_some() {
        let what = format!("several runs begin with `{wanted}`");
        return Err(Refusal::new(Code::RunUnknown, what));
    }
    Ok(found)
}

/// The refusal for a run that isn't in the run log.
pub fn unknown(wanted: &str) -> Refusal {
    Refusal::new(Code::RunUnknown, format!("no run `{wanted}`"))
}
