//! Writing chunks: a few tasks, each with its own connection, each chunk one transaction that also
//! writes its own ledger row.
//!
//! A chunk of a first import goes into the load tables (`first_load.rs`). Any other
//! is written straight into the accounts by COPY, because the match proved that its
//! accounts are new. If that fails (another account took a key meanwhile, a trigger, row-level
//! security), the chunk is rolled back and written through staging tables. A statement that fails
//! there is split in half until only the faulty rows are left out.

use crate::store::error::is_about_data;
use crate::store::error::own_words;
use crate::store::trouble::By;
use crate::store::trouble::Trouble;
use crate::store::trouble::trouble;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::connect::{Connection, Target};
use super::first_load::Destination;
use super::share::ChunkRecord;
use super::target::joins_by_view;
use super::{CopyError, Store, copy, is_spread, share};
use crate::field::RowNumber;
use crate::issue::{Code, Issue};
use crate::outcome::{Exit, Outcome};
use crate::refusal::{Refusal, Result};
use crate::run_key::RunKey;
use crate::stages::load::Chunk;
use crate::store::error::refusal;

/// A chunk that other sessions got in the way of is tried this often.
const TRIES_MAX: u32 = 6;

/// What happened to a chunk.
#[derive(Debug)]
pub struct Written {
    /// Its line in the ledger; without outcomes where another process wrote it.
    pub logged: ChunkRecord,
    /// Who wrote it.
    pub by: By,
}

/// Tasks that write the chunks they are sent.
pub struct Loader<'a> {
    store: &'a Store,
    chunks: Option<mpsc::Sender<Chunk>>,
    written: mpsc::UnboundedReceiver<Result<Written>>,
    tasks: Vec<JoinHandle<()>>,
    failure: Option<Refusal>,
}

impl Store {
    /// Starts `connections` writing tasks for `run`, which write to `destination`.
    ///
    /// # Errors
    /// A refusal with a `database.*` code when a connection can't be opened.
    pub fn loader(
        &self,
        connections: usize,
        run: &RunKey,
        destination: &Destination,
    ) -> Result<Loader<'_>> {
        let (chunks, receiver) = mpsc::channel(connections);
        let (results, written) = mpsc::unbounded_channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let mut tasks = Vec::with_capacity(connections);
        for _ in 0..connections {
            let connection = self.runtime.block_on(open_writer(&self.target))?;
            let client = &connection.client;
            let layout = async { Ok((joins_by_view(client).await?, is_spread(client).await?)) };
            let (by_view, is_spread) = self
                .runtime
                .block_on(layout)
                .map_err(|error: tokio_postgres::Error| refusal(&error, "preparing to write"))?;
            let writer = Writer {
                target: self.target.clone(),
                connection,
                run: run.clone(),
                direct: !is_spread,
                apart: *destination == Destination::LoadTables,
                is_spread,
                joins: if by_view {
                    include_str!("sql/join_target_groups.sql")
                } else {
                    include_str!("sql/join_groups.sql")
                },
            };
            tasks.push(
                self.runtime
                    .spawn(work(writer, receiver.clone(), results.clone())),
            );
        }
        Ok(Loader {
            store: self,
            chunks: Some(chunks),
            written,
            tasks,
            failure: None,
        })
    }
}

async fn work(
    mut writer: Writer,
    chunks: Arc<Mutex<mpsc::Receiver<Chunk>>>,
    results: mpsc::UnboundedSender<Result<Written>>,
) {
    loop {
        let next = chunks.lock().await.recv().await;
        let Some(chunk) = next else { return };
        let written = writer.write(&chunk).await;
        let failed = written.is_err();
        if failed {
            chunks.lock().await.close();
        }
        if results.send(written).is_err() || failed {
            return;
        }
    }
}

impl Loader<'_> {
    /// Hands a chunk over; waits while all tasks are busy. `false` once a task has failed for good.
    pub fn send(&mut self, chunk: Chunk) -> bool {
        match &self.chunks {
            Some(sender) => sender.blocking_send(chunk).is_ok(),
            None => false,
        }
    }

    /// Whether a task has failed for good, as far as [`Loader::take`] has seen.
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// The chunks that were written since the last call.
    pub fn take(&mut self) -> Vec<Written> {
        let mut done = Vec::new();
        while let Ok(result) = self.written.try_recv() {
            self.sort(result, &mut done);
        }
        done
    }

    /// Waits for everything that was sent. The first failure, if there was one, comes with what
    /// was written nevertheless.
    pub fn finish(mut self) -> (Vec<Written>, Option<Refusal>) {
        self.chunks = None;
        for task in std::mem::take(&mut self.tasks) {
            if let Err(error) = self.store.runtime.block_on(task) {
                let what = format!("a writing task stopped unexpectedly: {error}");
                self.failure = Some(Refusal::new(Code::DatabaseFailed, what));
            }
        }
        let done = self.take();
        (
            done,
            self.failure.map(|refusal| refusal.exit(Exit::Stopped)),
        )
    }

    fn sort(&mut self, result: Result<Written>, done: &mut Vec<Written>) {
        match result {
            Ok(written) => done.push(written),
            Err(refusal) => {
                self.failure.get_or_insert(refusal);
            }
        }
    }
}

async fn open_writer(target: &Target) -> Result<Connection> {
    let connection = target.connect().await?;
    for sql in [
        include_str!("sql/pack_by_lz4.sql"),
        include_str!("sql/create_stages.sql"),
    ] {
        let done = connection.client.batch_execute(sql).await;
        done.map_err(|error| refusal(&error, "preparing to write"))?;
    }
    Ok(connection)
}

struct Writer {
    target: Target,
    connection: Connection,
    run: RunKey,
    /// Whether COPY into the accounts is allowed at all; row-level security forbids it.
    direct: bool,
    /// Whether it goes into the load tables instead.
    apart: bool,
    /// Whether the accounts are spread over several servers.
    is_spread: bool,
    /// The statement that begins memberships.
    joins: &'static str,
}

impl Written {
    fn by_us(chunk: &Chunk, outcomes: Vec<Outcome>, issues: Vec<Issue>) -> Written {
        Written {
            logged: ChunkRecord {
                first_row: chunk.first_row,
                outcomes,
                issues,
            },
            by: By::Us,
        }
    }

    /// A chunk that the load tables refuse, in these words.
    fn refused(chunk: &Chunk, words: String) -> Written {
        let issue = Issue::of_row(Code::LoadRefused, chunk.first_row, words);
        Written {
            by: By::Refused,
            ..Written::by_us(chunk, Vec::new(), vec![issue])
        }
    }

    /// A chunk that this process has nothing to do with.
    fn elsewhere(chunk: &Chunk, by: By) -> Written {
        Written {
            logged: ChunkRecord {
                first_row: chunk.first_row,
                ..ChunkRecord::default()
            },
            by,
        }
    }
}

impl Writer {
    async fn write(&mut self, chunk: &Chunk) -> Result<Written> {
        let mut direct = self.direct;
        let mut tries = 0;
        loop {
            tries += 1;
            let trouble = match self.attempt(chunk, direct).await {
                Ok(written) => return Ok(written),
                Err(trouble) => trouble,
            };
            // The transaction is over either way; a lost connection can't say so.
            let _ = self.connection.client.batch_execute("rollback").await;
            match trouble {
                Trouble::Taken(by) => return Ok(Written::elsewhere(chunk, by)),
                Trouble::Refused(words) => return Ok(Written::refused(chunk, words)),
                Trouble::Surprise if direct => direct = false,
                Trouble::NoCopy if direct => {
                    self.direct = false;
                    direct = false;
                    self.connection = open_writer(&self.target).await?;
                }
                Trouble::Busy(_) | Trouble::Lost(_) if tries < TRIES_MAX => {
                    tokio::time::sleep(Duration::from_millis(50 << tries)).await;
                    if matches!(trouble, Trouble::Lost(_)) {
                        self.reconnect().await?;
                        if let Some(written) = self.committed(chunk).await? {
                            return Ok(written);
                        }
                    }
                }
                Trouble::Busy(error) | Trouble::Lost(error) | Trouble::Fatal(error) => {
                    return Err(refusal(&error, "writing the accounts"));
                }
                Trouble::Surprise | Trouble::NoCopy => {
                    let what = "writing the accounts: the database refuses every way of writing";
                    return Err(Refusal::new(Code::DatabaseFailed, what));
                }
            }
        }
    }

    async fn reconnect(&mut self) -> Result<()> {
        let mut last = None;
        for wait in 0..8 {
            match open_writer(&self.target).await {
                Ok(connection) => {
                    self.connection = connection;
                    return Ok(());
                }
                Err(refusal) => last = Some(refusal),
            }
            tokio::time::sleep(Duration::from_millis(100 << wait)).await;
        }
        Err(last
            .unwrap_or_else(|| Refusal::new(Code::DatabaseUnreachable, "the connection was lost")))
    }

    /// A lost COMMIT answer is settled by the ledger, not by guessing.
    async fn committed(&self, chunk: &Chunk) -> Result<Option<Written>> {
        let sql = "select first_row, outcomes, notes from muster.chunks
            where run_id = $1 and first_row = $2";
        let found = self
            .connection
            .client
            .query_opt(sql, &[&self.run.id, &(chunk.first_row as i32)])
            .await
            .map_err(|error| refusal(&error, "reading the ledger"))?;
        Ok(found.map(|row| Written {
            logged: share::logged(&row),
            by: By::Us,
        }))
    }

    /// One transaction: creates, updates, memberships, the chunk's ledger row.
    async fn attempt(&self, chunk: &Chunk, direct: bool) -> std::result::Result<Written, Trouble> {
        let client = &self.connection.client;
        let mut issues = Vec::new();
        let begin = match self.is_spread {
            true => include_str!("sql/begin_writes.sql"),
            false => include_str!("sql/begin_chunk.sql"),
        };
        client.batch_execute(begin).await.map_err(trouble)?;
        share::claim(client, &self.run, chunk.first_row).await?;
        if self.apart {
            self.creates_apart(chunk).await?;
        } else if direct {
            self.direct_creates(chunk).await.map_err(straight)?;
        } else {
            self.staged_creates(chunk, &mut issues).await?;
        }
        self.updates(chunk, &mut issues).await?;
        if chunk.together && !issues.is_empty() {
            return self.none_of(chunk, issues).await;
        }
        let failed: HashSet<RowNumber> = issues.iter().map(|issue: &Issue| issue.row).collect();
        let outcomes: Vec<Outcome> = chunk
            .outcomes
            .iter()
            .enumerate()
            .map(|(index, outcome)| {
                let row = chunk.first_row.wrapping_add(index as RowNumber);
                if failed.contains(&row) {
                    Outcome::Failed
                } else {
                    *outcome
                }
            })
            .collect();
        self.book(chunk, &outcomes, &issues).await?;
        client.batch_execute("commit").await.map_err(trouble)?;
        Ok(Written::by_us(chunk, outcomes, issues))
    }

    /// The chunk's row in the ledger.
    async fn book(
        &self,
        chunk: &Chunk,
        outcomes: &[Outcome],
        issues: &[Issue],
    ) -> std::result::Result<(), Trouble> {
        let numbers: Vec<u8> = outcomes.iter().map(|outcome| *outcome as u8).collect();
        let (first_row, rows) = (chunk.first_row as i32, outcomes.len() as i32);
        let (unchanged_rows, unchanged_accounts): (Vec<i32>, Vec<Uuid>) = chunk
            .unchanged
            .iter()
            .map(|(row, account)| (*row as i32, *account))
            .unzip();
        let notes = (!issues.is_empty()).then(|| share::json(issues));
        self.connection
            .client
            .execute(
                include_str!("sql/insert_chunk.sql"),
                &[
                    &self.run.id,
                    &first_row,
                    &rows,
                    &numbers,
                    &unchanged_rows,
                    &unchanged_accounts,
                    &notes,
                ],
            )
            .await
            .map_err(|error| match error.code() {
                Some(&SqlState::UNIQUE_VIOLATION) => Trouble::Taken(By::Others),
                _ => trouble(error),
            })?;
        Ok(())
    }

    /// New accounts straight into their tables.
    async fn direct_creates(&self, chunk: &Chunk) -> std::result::Result<(), CopyError> {
        for (sql, rows) in [
            (include_str!("sql/copy_accounts.sql"), &chunk.creates),
            (include_str!("sql/copy_memberships.sql"), &chunk.memberships),
            (include_str!("sql/copy_enrolments.sql"), &chunk.enrolments),
            (include_str!("sql/copy_passwords.sql"), &chunk.passwords.0),
        ] {
            copy(&self.connection.client, sql, rows.clone()).await?;
        }
        Ok(())
    }

    /// New accounts into the load tables. What these refuse is found out row by row in the accounts.
    async fn creates_apart(&self, chunk: &Chunk) -> std::result::Result<(), Trouble> {
        let client = &self.connection.client;
        for (sql, rows) in [
            (include_str!("sql/copy_load_accounts.sql"), &chunk.creates),
            (
                include_str!("sql/copy_load_memberships.sql"),
                &chunk.memberships,
            ),
        ] {
            let copied = copy(client, sql, rows.clone()).await;
            copied.map_err(|error| match error {
                CopyError::Start(error) | CopyError::Data(error) if is_about_data(&error) => {
                    Trouble::Refused(own_words(&error))
                }
                error => trouble(error.into_inner()),
            })?;
        }
        Ok(())
    }

    /// Rows that only go in together stay out together.
    async fn none_of(
        &self,
        chunk: &Chunk,
        mut issues: Vec<Issue>,
    ) -> std::result::Result<Written, Trouble> {
        let client = &self.connection.client;
        client.batch_execute("rollback").await.map_err(trouble)?;
        let detail = "it exchanges an address or username with another row, which failed";
        for row in &chunk.updating {
            if issues.iter().all(|issue| issue.row != *row) {
                issues.push(Issue::of_row(Code::LoadDrifted, *row, detail));
            }
        }
        let outcomes = vec![Outcome::Failed; chunk.outcomes.len()];
        // Otherwise the next try would do the same again.
        self.book(chunk, &outcomes, &issues).await?;
        Ok(Written::by_us(chunk, outcomes, issues))
    }

    async fn staged_creates(
        &self,
        chunk: &Chunk,
        issues: &mut Vec<Issue>,
    ) -> std::result::Result<(), Trouble> {
        let client = &self.connection.client;
        stage(
            client,
            include_str!("sql/copy_creates.sql"),
            chunk.creates.clone(),
        )
        .await?;
        stage(
            client,
            include_str!("sql/copy_moves.sql"),
            chunk.create_transfers.clone(),
        )
        .await?;
        // An account comes with its password, or not at all. Without any, the statement needs no
        // right to write passwords.
        let sql = if chunk.passwords.0.is_empty() {
            include_str!("sql/insert_creates.sql")
        } else {
            stage(
                client,
                include_str!("sql/copy_staged_passwords.sql"),
                chunk.passwords.0.clone(),
            )
            .await?;
            include_str!("sql/insert_creates_with_passwords.sql")
        };
        let taken = "another account took one of its keys while the import was running";
        let inserted = bisect(client, sql, &[], &chunk.creating, taken, issues).await?;
        self.join(&inserted).await
    }

    /// Begins the memberships and enrolments of those rows, which went in.
    async fn join(&self, rows: &[i32]) -> std::result::Result<(), Trouble> {
        for sql in [self.joins, include_str!("sql/enrol.sql")] {
            let client = &self.connection.client;
            client
                .execute(sql, &[&rows, &self.run.id])
                .await
                .map_err(trouble)?;
        }
        Ok(())
    }

    /// To park keys, to renew versions, to update.
    fn update_statements(&self) -> [&'static str; 3] {
        if self.is_spread {
            [
                include_str!("sql/park_spread_keys.sql"),
                include_str!("sql/renew_spread_versions.sql"),
                include_str!("sql/update_spread_accounts.sql"),
            ]
        } else {
            [
                include_str!("sql/park_keys.sql"),
                include_str!("sql/renew_versions.sql"),
                include_str!("sql/update_accounts.sql"),
            ]
        }
    }

    /// Gives the accounts of the rows that went in their passwords, and keeps what these replace.
    async fn give_passwords(
        &self,
        chunk: &Chunk,
        updated: &[i32],
    ) -> std::result::Result<(), Trouble> {
        let client = &self.connection.client;
        let sql = include_str!("sql/copy_staged_passwords.sql");
        stage(client, sql, chunk.given.0.clone()).await?;
        let sql = include_str!("sql/note_passwords.sql");
        client
            .execute(sql, &[&self.run.id, &updated])
            .await
            .map_err(trouble)?;
        // A hash that is replaced in place would count as chosen by its owner.
        for sql in [
            include_str!("sql/drop_passwords.sql"),
            include_str!("sql/give_passwords.sql"),
        ] {
            client
                .execute(sql, &[&self.run.id])
                .await
                .map_err(trouble)?;
        }
        Ok(())
    }

    async fn updates(
        &self,
        chunk: &Chunk,
        issues: &mut Vec<Issue>,
    ) -> std::result::Result<(), Trouble> {
        if chunk.updating.is_empty() {
            return Ok(());
        }
        let client = &self.connection.client;
        stage(
            client,
            include_str!("sql/copy_updates.sql"),
            chunk.updates.clone(),
        )
        .await?;
        stage(
            client,
            include_str!("sql/copy_moves.sql"),
            chunk.update_transfers.clone(),
        )
        .await?;
        let [park, renew, mut update] = self.update_statements();
        if chunk.removes {
            update = include_str!("sql/remove_staged_accounts.sql");
        }
        if self.is_spread {
            // No statistics tell how many rows a server sends: once for each row is never the way.
            client
                .batch_execute("set local enable_nestloop = off")
                .await
                .map_err(trouble)?;
        }
        if chunk.together {
            for sql in [park, renew] {
                client.batch_execute(sql).await.map_err(trouble)?;
            }
        }
        let drifted = "somebody changed or removed the account while the import was running";
        let updated = bisect(
            client,
            update,
            &[&self.run.id],
            &chunk.updating,
            drifted,
            issues,
        )
        .await?;
        if self.is_spread {
            client
                .batch_execute("set local enable_nestloop = on")
                .await
                .map_err(trouble)?;
        }
        if !chunk.given.0.is_empty() {
            self.give_passwords(chunk, &updated).await?;
        }
        if !chunk.update_transfers.is_empty() {
            // What ends goes first: an inherited membership that becomes one's own does both.
            for sql in [
                include_str!("sql/leave_groups.sql"),
                include_str!("sql/leave_roles.sql"),
                include_str!("sql/end_enrolments.sql"),
            ] {
                client.execute(sql, &[&updated]).await.map_err(trouble)?;
            }
            self.join(&updated).await?;
        }
        Ok(())
    }
}

/// Fills a staging table, which has no rule that data could break.
async fn stage(
    client: &Client,
    sql: &str,
    frame: bytes::Bytes,
) -> std::result::Result<(), Trouble> {
    copy(client, sql, frame)
        .await
        .map_err(|error| trouble(error.into_inner()))
}

/// Runs `sql` for all of `rows`, a range at a time: where it fails, for each half, down to the
/// rows at fault, which become issues. Returns the rows that went in; a row that the statement
/// passes over gets `left_out` as its reason.
async fn bisect(
    client: &Client,
    sql: &str,
    more: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    rows: &[RowNumber],
    left_out: &str,
    issues: &mut Vec<Issue>,
) -> std::result::Result<Vec<i32>, Trouble> {
    let mut went_in = Vec::with_capacity(rows.len());
    let mut ranges = vec![rows];
    while let Some(range) = ranges.pop() {
        let (Some(first), Some(last)) = (range.first(), range.last()) else {
            continue;
        };
        let (first, last) = (*first as i32, *last as i32);
        let mut parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = vec![&first, &last];
        parameters.extend(more);
        client
            .batch_execute("savepoint rows")
            .await
            .map_err(trouble)?;
        match client.query(sql, &parameters).await {
            Ok(done) => {
                let done: HashSet<i32> = done.iter().map(|row| row.get(0)).collect();
                for row in range.iter().filter(|row| !done.contains(&(**row as i32))) {
                    issues.push(Issue::of_row(Code::LoadDrifted, *row, left_out));
                }
                went_in.extend(done);
            }
            Err(error) if is_about_data(&error) => {
                client
                    .batch_execute("rollback to rows")
                    .await
                    .map_err(trouble)?;
                if let [row] = range {
                    issues.push(Issue::of_row(Code::LoadRefused, *row, own_words(&error)));
                } else {
                    let (left, right) = range.split_at(range.len() / 2);
                    ranges.extend([right, left]);
                }
            }
            Err(error) => return Err(trouble(error)),
        }
        client
            .batch_execute("release rows")
            .await
            .map_err(trouble)?;
    }
    went_in.sort_unstable();
    Ok(went_in)
}

fn straight(error: CopyError) -> Trouble {
    match error {
        CopyError::Start(error) if error.as_db_error().is_some() => Trouble::NoCopy,
        CopyError::Data(error) if is_about_data(&error) => Trouble::Surprise,
        error => trouble(error.into_inner()),
    }
}
