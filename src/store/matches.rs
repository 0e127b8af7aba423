//! The match: the file's keys go to a temporary table by COPY, one set-based join comes back, row
//! by row in file order. Cost grows with the file, not with the accounts.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::Fuse;
use tokio::runtime::Runtime;
use tokio_postgres::{Row, RowStream};
use uuid::Uuid;

use super::{Store, copy};
use crate::account::{Account, COLUMNS, Matched};
use crate::field::{Key, RowNumber};
use crate::meaning::membership;
use crate::refusal::Result;
use crate::store::error::refusal;

/// What the match found, streamed in row order.
pub struct Matches<'a> {
    runtime: &'a Runtime,
    /// Fused: once at its end, the driver's own stream fails instead of staying there.
    stream: Pin<Box<Fuse<RowStream>>>,
    peeked: Option<(RowNumber, Matched)>,
}

impl Store {
    /// Whether there is any account. An empty table needs no match.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn has_accounts(&self) -> Result<bool> {
        let query = self
            .connection
            .client
            .query_one("select exists (select from muster.accounts)", &[]);
        let row = self
            .runtime
            .block_on(query)
            .map_err(|error| refusal(&error, "reading the accounts"))?;
        Ok(row.get(0))
    }

    /// Empties the table of keys for a new match.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn begin_match(&self) -> Result<()> {
        self.runtime
            .block_on(
                self.connection
                    .client
                    .batch_execute(include_str!("sql/create_keys.sql")),
            )
            .map_err(|error| refusal(&error, "preparing the match"))
    }

    /// Sends the keys of a batch.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn push_keys(&self, frame: Bytes) -> Result<()> {
        self.runtime
            .block_on(copy(
                &self.connection.client,
                include_str!("sql/copy_keys.sql"),
                frame,
            ))
            .map_err(|error| refusal(&error.into_inner(), "sending the keys"))
    }

    /// Says that all keys are sent: takes statistics of their table, so that a large file is joined by
    /// hashing, and memory for that.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn end_keys(&self) -> Result<()> {
        let client = &self.connection.client;
        self.runtime
            .block_on(client.batch_execute("analyze muster_keys; set work_mem = '256MB'"))
            .map_err(|error| refusal(&error, "preparing the match"))
    }

    /// Runs the match. `keys` find the account, in their order, or `by_account` its own id does;
    /// `with_groups` asks for the memberships, too, and `with_past` for who set which value.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn run_match(
        &self,
        keys: &[Key],
        with_groups: bool,
        with_past: bool,
        by_account: bool,
    ) -> Result<Matches<'_>> {
        let order: Vec<i32> = keys.iter().map(|key| *key as i32 + 1).collect();
        let client = &self.connection.client;
        let stream = self.runtime.block_on(async {
            let statement = client.prepare(include_str!("sql/match.sql")).await?;
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                [&order, &with_groups, &with_past, &by_account];
            client.query_raw(&statement, parameters).await
        });
        let stream = stream.map_err(|error| refusal(&error, "matching the rows"))?;
        Ok(Matches {
            runtime: &self.runtime,
            stream: Box::pin(stream.fuse()),
            peeked: None,
        })
    }
}

impl Matches<'_> {
    /// The matches of all rows up to and with `last` that were not yet returned, in row order.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn through(&mut self, last: RowNumber) -> Result<Vec<(RowNumber, Matched)>> {
        let mut found = Vec::new();
        self.runtime
            .block_on(async {
                loop {
                    if let Some(peeked) = self.peeked.take() {
                        if peeked.0 > last {
                            self.peeked = Some(peeked);
                            return Ok(());
                        }
                        found.push(peeked);
                    }
                    match self.stream.next().await {
                        Some(row) => self.peeked = Some(matched(&row?)),
                        None => return Ok(()),
                    }
                }
            })
            .map_err(|error: tokio_postgres::Error| refusal(&error, "matching the rows"))?;
        Ok(found)
    }
}

/// The columns of `match.sql`, in its order.
fn matched(row: &Row) -> (RowNumber, Matched) {
    const FIRST_VALUE: usize = 6;
    const AFTER_VALUES: usize = FIRST_VALUE + COLUMNS.len();
    let number: i32 = row.get(0);
    let id: Option<Uuid> = row.get(4);
    let account = id.map(|id| Account {
        id,
        version: row.get(5),
        values: std::array::from_fn(|column| row.get(FIRST_VALUE + column)),
        keys: [row.get(AFTER_VALUES), row.get(AFTER_VALUES + 1)],
        attributes: row.get(AFTER_VALUES + 2),
        groups: row
            .get::<_, Option<Vec<String>>>(AFTER_VALUES + 3)
            .map(membership::unpacked)
            .unwrap_or_default(),
        past: row.get(AFTER_VALUES + 4),
    });
    (
        number as RowNumber,
        Matched {
            by: [row.get(1), row.get(2), row.get(3)],
            account,
            others: std::array::from_fn(|key| row.get(AFTER_VALUES + 5 + key)),
        },
    )
}
