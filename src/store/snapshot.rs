//! The account snapshot: all accounts by COPY, over its own connection, while the file is still
//! being read. What is read together is of one moment.

use std::collections::HashMap;

use futures_util::StreamExt;
use hashbrown::HashTable;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::Store;
use super::connect::Connection;
use super::target::quote;
use crate::field::Field as Column;
use crate::issue::Code;
use crate::meaning::membership;
use crate::refusal::{Refusal, Result};
use crate::stages::snapshot::{AccountFingerprints, Shape, SnapshotBuilder};
use crate::store::error::refusal;

const DOING: &str = "reading the accounts";

/// A scan of all accounts that is under way.
pub struct SnapshotScan<'a> {
    store: &'a Store,
    task: JoinHandle<Result<Option<AccountFingerprints>>>,
}

impl Store {
    /// Begins to scan the accounts, unless there are more than `most` accounts. `with_groups` takes
    /// down the memberships, too.
    pub fn scan_accounts(&self, shape: Shape, with_groups: bool, most: u64) -> SnapshotScan<'_> {
        let target = self.target.clone();
        let task = self.runtime.spawn(async move {
            let connection = target.connect().await?;
            call(&connection, shape, with_groups, most).await
        });
        SnapshotScan { store: self, task }
    }
}

impl SnapshotScan<'_> {
    /// The account snapshot; none where there are too many accounts, or none at all.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn finish(mut self) -> Result<Option<AccountFingerprints>> {
        self.store
            .runtime
            .block_on(&mut self.task)
            .unwrap_or_else(|error| {
                let what = format!("{DOING} stopped unexpectedly: {error}");
                Err(Refusal::new(Code::DatabaseFailed, what))
            })
    }
}

impl Drop for SnapshotScan<'_> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn call(
    connection: &Connection,
    shape: Shape,
    with_groups: bool,
    most: u64,
) -> Result<Option<AccountFingerprints>> {
    let client = &connection.client;
    let failed = |error: Error| refusal(&error, DOING);
    let begin = "begin isolation level repeatable read, read only";
    client.batch_execute(begin).await.map_err(failed)?;
    let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let sql = "select count(*) from (select from muster.accounts limit $1) account";
    let row = client.query_one(sql, &[&limit]).await.map_err(failed)?;
    let count: i64 = row.get(0);
    if count == 0 || count == limit {
        return Ok(None);
    }
    let sql = accounts_sql(&shape);
    let mut builder = SnapshotBuilder::new(shape.clone());
    if with_groups {
        note_groups(client, &shape, &mut builder).await?;
    }
    if shape.has_sessions() {
        note_sessions(client, &shape, &mut builder).await?;
    }
    let note = |tuple: &[Field]| {
        let [id, status, email_key, username_key, values @ ..] = tuple else {
            return None;
        };
        builder.note(uuid(*id)?, (*status)?, values, [*email_key, *username_key]);
        Some(())
    };
    each_tuple(client, &sql, note).await?;
    client.batch_execute("commit").await.map_err(failed)?;
    Ok(Some(builder.finish()))
}

/// Takes down which sessions the accounts are enrolled in.
async fn note_sessions(
    client: &Client,
    shape: &Shape,
    builder: &mut SnapshotBuilder,
) -> Result<()> {
    let sql = "copy (
            select enrolment.account_id, '//' || session.key
            from muster.enrolments enrolment join muster.sessions session on session.id = enrolment.session_id
        ) to stdout (format binary)";
    let note = |tuple: &[Field]| {
        let [account, entry] = tuple else {
            return None;
        };
        let sum = shape.sum(&[text(*entry)?.to_string()]);
        builder.note_groups(uuid(*account)?, sum);
        Some(())
    };
    each_tuple(client, sql, note).await
}

/// Takes down in which groups the accounts are.
async fn note_groups(client: &Client, shape: &Shape, builder: &mut SnapshotBuilder) -> Result<()> {
    let sql = "select id, key from muster.groups";
    let rows = client.query(sql, &[]).await;
    let rows = rows.map_err(|error| refusal(&error, DOING))?;
    let keys: HashMap<Uuid, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let sql = "copy (
            select account_id, group_id, inherited, case when roles <> '{}' then array_to_string(roles, '//') end
            from muster.memberships
        ) to stdout (format binary)";
    // Most memberships have no role, and there are few groups.
    let mut known: HashTable<(Uuid, bool, u64)> = HashTable::new();
    let hash = |group: Uuid| xxh3_64(group.as_bytes());
    let note = |tuple: &[Field]| {
        let [account, group, inherited, roles] = tuple else {
            return None;
        };
        let (account, group) = (uuid(*account)?, uuid(*group)?);
        let inherited = *inherited == Some(&[1][..]);
        let is_same = |(of, way, _): &(Uuid, bool, u64)| (*of, *way) == (group, inherited);
        let sum = match known.find(hash(group), is_same) {
            Some((_, _, sum)) if roles.is_none() => *sum,
            _ => {
                let sum = sum_of(keys.get(&group)?, inherited, text(*roles), shape);
                if roles.is_none() {
                    let of = (group, inherited, sum);
                    known.insert_unique(hash(group), of, |(group, _, _)| hash(*group));
                }
                sum
            }
        };
        builder.note_groups(account, sum);
        Some(())
    };
    each_tuple(client, sql, note).await
}

/// What a membership adds: its entries are those of [`crate::meaning::membership`].
fn sum_of(key: &str, inherited: bool, roles: Option<&str>, shape: &Shape) -> u64 {
    let packed = match roles {
        _ if inherited => format!("{key}//"),
        Some(roles) => format!("{key}//{roles}"),
        None => key.to_string(),
    };
    shape.sum(&membership::unpacked(vec![packed]))
}

/// The accounts with what goes into their fingerprints. Text that isn't, such as a number among the
/// attributes, comes as a control character, which no row has.
fn accounts_sql(shape: &Shape) -> String {
    let column = |field: Column| match field {
        Column::StartDate | Column::EndDate => format!(", {}::text", field.name()),
        Column::OtherRoles => ", array_to_string(other_roles, '; ')".to_string(),
        _ => format!(", {}", field.name()),
    };
    let attribute = |name: &str| {
        let name = quote::text(name);
        format!(
            ", case when jsonb_typeof(attributes -> {name}) in ('string', 'null')
                then attributes ->> {name} when attributes ? {name} then E'\\x01' end"
        )
    };
    let columns: String = shape.columns().map(column).collect();
    let attributes: String = shape.attributes().map(attribute).collect();
    format!(
        "copy (
            select id, status, email_key, username_key{columns}{attributes} from muster.accounts
        ) to stdout (format binary)"
    )
}

/// A field of a tuple, as the server sends it; none for null.
type Field<'a> = Option<&'a [u8]>;

fn text(field: Field<'_>) -> Option<&str> {
    field.and_then(|bytes| std::str::from_utf8(bytes).ok())
}

fn uuid(field: Field) -> Option<Uuid> {
    Uuid::from_slice(field?).ok()
}

/// Gives all tuples of a `COPY … TO STDOUT (FORMAT binary)` to `note`, which returns none for one
/// that isn't as it must be.
async fn each_tuple(
    client: &Client,
    sql: &str,
    mut note: impl FnMut(&[Field]) -> Option<()>,
) -> Result<()> {
    let failed = |error: Error| refusal(&error, DOING);
    let stream = client.copy_out(sql).await.map_err(failed)?;
    let mut stream = std::pin::pin!(stream);
    let mut is_first = true;
    while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(failed)?;
        let mut rest = &bytes[..];
        let read = if is_first {
            skip_head(&mut rest)
        } else {
            Some(())
        };
        is_first = false;
        read.and_then(|()| tuples(rest, &mut note)).ok_or_else(|| {
            let what = format!("{DOING}: the server sent data that can't be read");
            Refusal::new(Code::DatabaseFailed, what)
        })?;
    }
    Ok(())
}

/// PostgreSQL's documentation, `COPY`, "Binary Format": a signature, flags, and an extension.
fn skip_head(rest: &mut &[u8]) -> Option<()> {
    const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
    *rest = rest.strip_prefix(SIGNATURE)?.get(4..)?;
    let extension = take_length(rest)?;
    *rest = rest.get(usize::try_from(extension).ok()?..)?;
    Some(())
}

/// Then tuples: how many fields, and each with its length before it; at the end, -1 fields.
fn tuples(mut rest: &[u8], note: &mut impl FnMut(&[Field]) -> Option<()>) -> Option<()> {
    let mut fields: Vec<Field> = Vec::new();
    while let Some((count, more)) = rest.split_first_chunk::<2>() {
        rest = more;
        let count = i16::from_be_bytes(*count);
        if count < 0 {
            return rest.is_empty().then_some(());
        }
        fields.clear();
        for _ in 0..count {
            let length = take_length(&mut rest)?;
            let field = match usize::try_from(length) {
                Ok(length) => {
                    let (field, more) = rest.split_at_checked(length)?;
                    rest = more;
                    Some(field)
                }
                Err(_) => None,
            };
            fields.push(field);
        }
        note(&fields)?;
    }
    rest.is_empty().then_some(())
}

fn take_length(rest: &mut &[u8]) -> Option<i32> {
    let (length, more) = rest.split_first_chunk::<4>()?;
    *rest = more;
    Some(i32::from_be_bytes(*length))
}
