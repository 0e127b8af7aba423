//! A first import: tables that are filled apart and then replace the empty accounts and memberships.
//!
//! An entry in each index for each row is two thirds of the server's work when many people come into
//! empty tables. A first import therefore fills tables of its own, the load tables, which have no index and
//! which nobody else reads. It writes them chunk by chunk, each chunk together with its line in the
//! ledger, so that a run which was cut off goes on. Then it builds their indexes, and in one short
//! transaction, under a lock, they take the place of the real ones.
//!
//! Whose the load tables are is their comment. While they are there, nothing of the chunks in that
//! run's ledger is in the accounts; from the transaction on that replaces the tables, all of it is. They
//! are dropped, together with these lines of the ledger, where they can't replace the tables, and
//! when another run decides. So there is no moment at which a kill would lead to another end.
//!
//! A table that is replaced loses what others have attached to it. Where there is such a thing (`load_obstacles.sql`),
//! or the accounts aren't empty, rows go into the accounts chunk by chunk, as in every later import.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use super::connect::Target;
use super::error::{own_words, refusal};
use super::trouble::{Trouble, trouble};
use super::{Store, is_spread};
use crate::refusal::Result;
use crate::run_key::RunKey;

/// More accounts than one for this many rows aren't a first import, nor more than `FEW_MAX`.
const ROWS_PER_ACCOUNT: u64 = 100;
const FEW_MAX: u64 = 1_000;

/// Tables that others are using are asked for this often.
const TRIES_MAX: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);

const DOING: &str = "preparing the first import";
const INDEXING: &str = "building the indexes";
const REPLACING: &str = "putting the accounts in place";

/// Where the rows of a run go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Into the load tables, which are there.
    LoadTables,
    /// Into the accounts; with the reason, where it would be a first import.
    Accounts(Option<String>),
}

/// What became of load tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// They are in place. For this many milliseconds nobody else could use the accounts; unknown where
    /// an earlier try has done it.
    Done(Option<u64>),
    /// They can't replace the accounts.
    Impossible(String),
}

impl Store {
    /// Makes the load tables of a run of `rows` rows, or finds them as an earlier try left them;
    /// `has_written` where the run has a part in the accounts by now.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn begin_first_load(
        &self,
        run: &RunKey,
        rows: u64,
        has_written: bool,
    ) -> Result<Destination> {
        if self.load_tables()?.is_some_and(|(of, _)| of == run.id) {
            return Ok(Destination::LoadTables);
        }
        if has_written {
            return Ok(Destination::Accounts(None));
        }
        let client = &self.connection.client;
        self.runtime.block_on(async {
            let failed = |error: Error| refusal(&error, DOING);
            if is_spread(client).await.map_err(failed)? {
                let reason = "the accounts are spread over several servers";
                return Ok(Destination::Accounts(Some(reason.to_string())));
            }
            match obstacle(client, few(rows)).await.map_err(failed)? {
                Some(reason) if reason.is_empty() => return Ok(Destination::Accounts(None)),
                Some(reason) => return Ok(Destination::Accounts(Some(reason))),
                None => {}
            }
            match create(client, run).await {
                Ok(()) => Ok(Destination::LoadTables),
                Err(error) => {
                    // A lost connection can't say so.
                    let _ = client.batch_execute("rollback").await;
                    match error.as_db_error() {
                        Some(_) => Ok(Destination::Accounts(Some(own_words(&error)))),
                        None => Err(failed(error)),
                    }
                }
            }
        })
    }

    /// The run whose load tables are there, and the layout that they were made by.
    fn load_tables(&self) -> Result<Option<(String, String)>> {
        let rows = self.query(include_str!("sql/find_load_tables.sql"), &[], DOING)?;
        let comment = rows.first().map(|row| row.get::<_, Option<&str>>(0));
        Ok(comment.map(|comment| {
            let (run, layout) = comment
                .unwrap_or_default()
                .split_once(' ')
                .unwrap_or_default();
            (run.to_string(), layout.to_string())
        }))
    }

    /// Drops the load tables, and with them the lines of the ledger that are about them.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn drop_load_tables(&self) -> Result<()> {
        self.runtime
            .block_on(self.connection.client.batch_execute(DROP))
            .map_err(|error| refusal(&error, "dropping the tables of a first import"))
    }

    /// The statements that build the indexes which the load tables lack.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn missing_load_indexes(&self) -> Result<Vec<String>> {
        let rows = self.query(include_str!("sql/find_load_indexes.sql"), &[], INDEXING)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Builds indexes of the load tables over several connections; `done` is called after each. Returns
    /// why it can't be done, if it can't. Once `stop` is set, it waits for nothing more.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn build_load_indexes(
        &self,
        statements: Vec<String>,
        connections: usize,
        stop: &AtomicBool,
        mut done: impl FnMut(),
    ) -> Result<Option<String>> {
        let connections = connections.min(statements.len());
        let queue = Arc::new(Mutex::new(VecDeque::from(statements)));
        let (sender, mut built) = tokio::sync::mpsc::unbounded_channel();
        let tasks: Vec<_> = (0..connections)
            .map(|_| {
                let (target, queue, sender) = (self.target.clone(), queue.clone(), sender.clone());
                self.runtime.spawn(async move {
                    let result = build(&target, &queue, || drop(sender.send(Ok(None)))).await;
                    drop(sender.send(result.map(Some)));
                })
            })
            .collect();
        drop(sender);
        let mut outcome = Ok(None);
        while !stop.load(Ordering::Relaxed) && matches!(outcome, Ok(None)) {
            let wait = async { tokio::time::timeout(super::LOCK_PAUSE, built.recv()).await };
            match self.runtime.block_on(wait) {
                Err(_) => {}
                Ok(None) => break,
                Ok(Some(Ok(None))) => done(),
                Ok(Some(Ok(Some(reason)))) => outcome = Ok(reason),
                Ok(Some(Err(refusal))) => outcome = Err(refusal),
            }
        }
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
        outcome
    }

    /// Puts the load tables of a run of `rows` rows in the place of the accounts and memberships, in one
    /// transaction; none once `stop` is set.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn replace_by_load_tables(
        &self,
        run: &RunKey,
        rows: u64,
        stop: &AtomicBool,
    ) -> Result<Option<Replaced>> {
        for _ in 0..TRIES_MAX {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let Some((_, layout)) = self.load_tables()?.filter(|(of, _)| *of == run.id) else {
                return Ok(Some(Replaced::Done(None)));
            };
            match self
                .runtime
                .block_on(replace(&self.target, &layout, rows))?
            {
                Ok(replaced) => return Ok(Some(replaced)),
                Err(Trouble::Busy(_)) => {}
                Err(Trouble::Fatal(error)) if !is_of_server(&error) => {
                    return Ok(Some(Replaced::Impossible(own_words(&error))));
                }
                Err(Trouble::Lost(error) | Trouble::Fatal(error)) => {
                    return Err(refusal(&error, REPLACING));
                }
                Err(_) => break,
            }
            std::thread::sleep(PAUSE);
        }
        let reason = "others were using muster.accounts all the time";
        Ok(Some(Replaced::Impossible(reason.to_string())))
    }
}

/// Drops the load tables, of whatever run; part of the transactions in which other runs begin.
pub(super) const DROP: &str = include_str!("sql/drop_load_tables.sql");

/// With more accounts than this, an import of `rows` rows is no first import.
fn few(rows: u64) -> i64 {
    (rows / ROWS_PER_ACCOUNT).min(FEW_MAX) as i64
}

/// What keeps the load tables from replacing the real ones; empty where there are many accounts.
async fn obstacle(client: &Client, few: i64) -> std::result::Result<Option<String>, Error> {
    let sql = include_str!("sql/load_obstacles.sql");
    let row = client.query_opt(sql, &[&few]).await?;
    Ok(row.map(|row| row.get(0)))
}

async fn layout(client: &Client) -> std::result::Result<String, Error> {
    let row = client
        .query_one(include_str!("sql/load_layout.sql"), &[])
        .await?;
    Ok(row.get(0))
}

async fn create(client: &Client, run: &RunKey) -> std::result::Result<(), Error> {
    client.batch_execute("begin").await?;
    client
        .batch_execute(include_str!("sql/create_load_tables.sql"))
        .await?;
    let comment = format!("{} {}", run.id, layout(client).await?).replace('\'', "''");
    let sql = format!("comment on table muster.load_accounts is '{comment}'; commit");
    client.batch_execute(&sql).await
}

/// Builds indexes until none is left; why one can't be built.
async fn build(
    target: &Target,
    queue: &Mutex<VecDeque<String>>,
    done: impl Fn(),
) -> Result<Option<String>> {
    let connection = target.connect().await?;
    let client = &connection.client;
    let failed = |error: Error| refusal(&error, INDEXING);
    for begin in [
        include_str!("sql/pack_by_lz4.sql"),
        include_str!("sql/begin_indexes.sql"),
    ] {
        client.batch_execute(begin).await.map_err(failed)?;
    }
    let next = || queue.lock().ok().and_then(|mut queue| queue.pop_front());
    while let Some(statement) = next() {
        match client.batch_execute(&statement).await {
            // The server may still be at it for a process that was killed.
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_TABLE) => {}
            Err(error) if error.as_db_error().is_some() && !is_of_server(&error) => {
                return Ok(Some(own_words(&error)));
            }
            result => result.map_err(failed)?,
        }
        done();
    }
    Ok(None)
}

/// Whether the server is broken, or ends, or takes no connection: another way of writing would fail as
/// well. Beginnings of SQLSTATE, PostgreSQL's appendix A.
fn is_of_server(error: &Error) -> bool {
    const OF_SERVER: [&str; 5] = ["08", "53300", "57P0", "58", "XX"];
    let is_one = |state: &SqlState| OF_SERVER.iter().any(|code| state.code().starts_with(code));
    error.code().is_none_or(is_one)
}

async fn replace(
    target: &Target,
    made_by: &str,
    rows: u64,
) -> Result<std::result::Result<Replaced, Trouble>> {
    let connection = target.connect().await?;
    let client = &connection.client;
    let replacing = async {
        client
            .batch_execute(include_str!("sql/begin_replace.sql"))
            .await?;
        let locked = Instant::now();
        let reason = match obstacle(client, few(rows)).await? {
            Some(reason) if reason.is_empty() => Some("others made accounts meanwhile".to_string()),
            None if layout(client).await? != made_by => {
                Some("somebody altered the tables meanwhile".to_string())
            }
            reason => reason,
        };
        if let Some(reason) = reason {
            client.batch_execute("rollback").await?;
            return Ok(Replaced::Impossible(reason));
        }
        client
            .batch_execute(include_str!("sql/replace_by_load_tables.sql"))
            .await?;
        client.batch_execute("commit").await?;
        let held = locked.elapsed().as_millis();
        Ok(Replaced::Done(Some(
            u64::try_from(held).unwrap_or(u64::MAX),
        )))
    };
    let replaced = replacing.await.map_err(trouble);
    connection.close().await;
    Ok(replaced)
}
