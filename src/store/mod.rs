//! PostgreSQL: finding or starting it, connecting, migrations, and every SQL statement. The only
//! module with SQL, and with `notify` the only one that uses async inside: [`Store`] is its
//! interface, and its methods block.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, CopyInSink, Row};
use uuid::Uuid;

use crate::definition::Groups;
use crate::issue::Code;
use crate::meaning::group;
use crate::meaning::membership::{Known, Tree};
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::run_key::RunKey;
use crate::store::error::refusal;
use connect::{Connection, Target};

pub mod acceptance;
pub mod admins;
pub mod audit;
pub mod binaries;
pub mod connect;
pub mod console;
pub mod decisions;
pub mod drops;
pub mod error;
pub mod explain;
pub mod first_load;
pub mod fixes;
pub mod groups;
pub mod invitations;
pub mod jobs;
pub mod launcher;
pub mod leavers;
pub mod loader;
pub mod managers;
pub mod matches;
pub mod migrate;
pub mod people;
pub mod resubmission;
pub mod rules;
pub mod run_rows;
pub mod runs;
#[cfg(test)]
pub(crate) mod scratch;
pub mod selection;
pub mod selections;
pub mod sessions;
pub mod settings;
pub mod share;
pub mod snapshot;
pub mod target;
pub mod trouble;
pub mod undo;
pub mod uploads;

/// How often and how far apart the lock of the run is asked for: two seconds in all.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// A migrated database with one open connection.
pub struct Store {
    runtime: Runtime,
    target: Target,
    connection: Connection,
    acting: audit::Acting,
}

impl Store {
    /// Connects, starting and migrating the database if need be.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn open(target: Target) -> Result<Store> {
        let runtime = runtime()?;
        let connection = runtime.block_on(target.connect())?;
        Store::migrated(runtime, target, connection)
    }

    /// The same for a database that runs: whoever stopped it wants it so.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_if_running(target: Target) -> Result<Store> {
        let runtime = runtime()?;
        let connection = runtime.block_on(target.connect_if_running())?;
        Store::migrated(runtime, target, connection)
    }

    fn migrated(runtime: Runtime, target: Target, mut connection: Connection) -> Result<Store> {
        runtime.block_on(migrate::migrate(&mut connection.client))?;
        Ok(Store {
            runtime,
            target,
            connection,
            acting: audit::Acting::default(),
        })
    }

    /// Connects to what is there, and changes nothing: `None` where there is no database yet, or
    /// none that muster ever imported into.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_if_there(target: Target) -> Result<Option<Store>> {
        let runtime = runtime()?;
        let Some(connection) = runtime.block_on(target.connect_if_there())? else {
            return Ok(None);
        };
        if !runtime.block_on(migrate::is_migrated(&connection.client))? {
            return Ok(None);
        }
        Ok(Some(Store {
            runtime,
            target,
            connection,
            acting: audit::Acting::default(),
        }))
    }

    /// The rows that a statement gives; `doing` is what a refusal calls it.
    fn query(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
        doing: &'static str,
    ) -> Result<Vec<Row>> {
        self.runtime
            .block_on(self.connection.client.query(sql, values))
            .map_err(|error| refusal(&error, doing))
    }

    /// How many rows a statement changed.
    fn execute(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
        doing: &'static str,
    ) -> Result<u64> {
        self.runtime
            .block_on(self.connection.client.execute(sql, values))
            .map_err(|error| refusal(&error, doing))
    }

    /// What reports call the database; never shows a password.
    pub fn describe(&self) -> String {
        self.target.describe()
    }

    /// Takes the one lock that lets a run write. It is held until the store is dropped.
    ///
    /// The server sees the end of a run, clean or not, a moment after the run's process is gone,
    /// so that the lock is asked for more than once.
    ///
    /// # Errors
    /// `run.locked`, exit code 5, when another run has it.
    pub fn lock(&self) -> Result<()> {
        for _ in 0..LOCK_TRIES {
            if self
                .runtime
                .block_on(migrate::try_lock(&self.connection.client))?
            {
                return Ok(());
            }
            std::thread::sleep(LOCK_PAUSE);
        }
        let what = format!("another import is running on {}", self.describe());
        Err(Refusal::new(Code::RunLocked, what).exit(Exit::Locked))
    }

    /// All groups that there are.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn group_tree(&self, policy: &Groups) -> Result<Tree> {
        let rows = self.query(
            include_str!("sql/find_groups.sql"),
            &[],
            "reading the groups",
        )?;
        let known = rows.iter().map(|row| {
            let group = Known {
                id: row.get(1),
                public: row.get(2),
                parent: row.get(3),
            };
            (row.get(0), group)
        });
        Ok(Tree::new(known.collect(), policy))
    }

    /// How many groups [`Store::create_groups`] would make.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn count_missing_groups(&self, paths: &[String], policy: &Groups) -> Result<u64> {
        if paths.is_empty() {
            return Ok(0);
        }
        let tree = self.group_tree(policy)?;
        let wanted = with_parents(paths);
        let missing = wanted.iter().filter(|path| !tree.has(&group::key(path)));
        Ok(missing.count() as u64)
    }

    /// Makes the groups of `paths` that don't exist, with the groups above them, and returns all
    /// groups that there are then.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn create_groups(
        &mut self,
        paths: &[String],
        run: &RunKey,
        policy: &Groups,
    ) -> Result<Tree> {
        let tree = self.group_tree(policy)?;
        let wanted = with_parents(paths);
        let mut made: HashMap<String, Uuid> = HashMap::new();
        let mut missing: Vec<(Uuid, &String, String)> = Vec::new();
        for path in &wanted {
            let key = group::key(path);
            if !tree.has(&key) {
                let id = run.group_id(&key);
                made.insert(key.clone(), id);
                missing.push((id, path, key));
            }
        }
        if missing.is_empty() {
            return Ok(tree);
        }
        let doing = |error| refusal(&error, "creating groups");
        self.runtime.block_on(async {
            let transaction = self.connection.client.transaction().await.map_err(doing)?;
            for (id, path, key) in &missing {
                let parent = key.rsplit_once('/').map(|(parent, _)| parent);
                let parent = parent.and_then(|key| tree.id(key).or_else(|| made.get(key).copied()));
                let visibility = tree.of_new(key).name();
                let sql = include_str!("sql/insert_group.sql");
                transaction
                    .execute(sql, &[id, path, key, &parent, &run.id, &visibility])
                    .await
                    .map_err(doing)?;
            }
            transaction.commit().await.map_err(doing)
        })?;
        // Somebody else may have made one of them meanwhile; the database has the last word.
        self.group_tree(policy)
    }
}

impl Drop for Store {
    /// Lets go of the lock now: the server would only when it notices that the connection is gone,
    /// and the next command may be quicker.
    fn drop(&mut self) {
        let unlock = self
            .connection
            .client
            .batch_execute("select pg_advisory_unlock_all()");
        // A connection that is lost holds no lock.
        let _ = self.runtime.block_on(unlock);
    }
}

/// Whether the accounts are spread over several servers, as `distributed/coordinator.sql` does that.
async fn is_spread(client: &Client) -> std::result::Result<bool, tokio_postgres::Error> {
    let sql = "select to_regclass('muster.account_shards') is not null";
    Ok(client.query_one(sql, &[]).await?.get(0))
}

/// Every path with the groups above it, parents first, each once.
fn with_parents(paths: &[String]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut all = Vec::new();
    for path in paths {
        let ends = path
            .match_indices('/')
            .map(|(at, _)| at)
            .chain([path.len()]);
        for end in ends {
            if seen.insert(group::key(&path[..end])) {
                all.push(path[..end].to_string());
            }
        }
    }
    all
}

/// A new id.
///
/// # Errors
/// `database.failed` where the system gives no random bytes.
pub fn new_id() -> Result<Uuid> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        let what = format!("the system gives no random bytes: {error}");
        Refusal::new(Code::DatabaseFailed, what)
    })?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| {
            Refusal::new(
                Code::DatabaseFailed,
                format!("no threads can be started: {error}"),
            )
        })
}

/// A value as JSON that PostgreSQL takes: its text can't hold NUL, wherever in a summary that came
/// from (a name of a column, a sheet or a file).
fn json_of(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_string(value).unwrap_or_default();
    if !json.contains("\\u0000") {
        return json;
    }
    let mut value = serde_json::from_str(&json).unwrap_or_default();
    remove_nul(&mut value);
    value.to_string()
}

fn remove_nul(value: &mut serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::String(text) => text.retain(|character| character != '\0'),
        Value::Array(values) => values.iter_mut().for_each(remove_nul),
        Value::Object(members) => {
            for (mut name, mut member) in std::mem::take(members) {
                name.retain(|character| character != '\0');
                remove_nul(&mut member);
                members.insert(name, member);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Why a COPY came to nothing.
enum CopyError {
    /// It never began. The driver loses step with the server then (rust-postgres #1337), so the
    /// connection is of no more use.
    Start(tokio_postgres::Error),
    /// The server refused the data.
    Data(tokio_postgres::Error),
}

impl CopyError {
    fn into_inner(self) -> tokio_postgres::Error {
        match self {
            CopyError::Start(error) | CopyError::Data(error) => error,
        }
    }
}

/// So much of a frame is sent at once: the server reads a message as a whole before it begins.
const COPY_BYTES: usize = 64 << 10;

/// Sends a frame of binary COPY; nothing for an empty one.
async fn copy(client: &Client, sql: &str, frame: Bytes) -> std::result::Result<(), CopyError> {
    if frame.is_empty() {
        return Ok(());
    }
    let sink: CopyInSink<Bytes> = client.copy_in(sql).await.map_err(CopyError::Start)?;
    let mut sink = std::pin::pin!(sink);
    let mut rest = frame;
    while !rest.is_empty() {
        let part = rest.split_to(rest.len().min(COPY_BYTES));
        sink.feed(part).await.map_err(CopyError::Data)?;
    }
    sink.finish().await.map_err(CopyError::Data)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_for_the_database_has_no_nul_and_keeps_all_else() {
        let value = serde_json::json!({
            "no\0tes": ["a\0b", {"c": "\0"}, 1, null, true],
            "written": "\\u0000",
        });
        assert_eq!(
            json_of(&value),
            r#"{"notes":["ab",{"c":""},1,null,true],"written":"\\u0000"}"#
        );
        assert_eq!(json_of(&"plain"), "\"plain\"");
    }

    #[test]
    fn parents_come_first_and_once() {
        let paths = ["A/B/C", "a/D", "E"].map(String::from);
        assert_eq!(with_parents(&paths), ["A", "A/B", "A/B/C", "a/D", "E"]);
    }
}
