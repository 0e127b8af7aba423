//! The groups as they are now, and what is done to them by hand. Each of these changes is a run of kind
//! `groups` in the run log, written in the transaction that makes the change.

use std::collections::HashMap;

use serde_json::json;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

use super::Store;
use super::audit::{Act, Acting};
use crate::definition::{Groups, Updates, Visibility};
use crate::issue::Code;
use crate::meaning::group::GROUP_SEPARATOR;
use crate::meaning::membership::{self, Said, Tree};
use crate::refusal::{Refusal, Result};
use crate::store::error::refusal;
use crate::summary::Summary;

const DOING: &str = "changing the groups";

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRecord {
    /// Its id.
    pub id: Uuid,
    /// As first written, from the top: `Sales/EMEA`.
    pub path: String,
    /// By which it is found.
    pub key: String,
    /// The group above it.
    pub parent: Option<Uuid>,
    /// Whether those above see who is in it.
    pub is_public: bool,
    /// The run that created it; none for groups made elsewhere.
    pub run: Option<String>,
    /// UTC, `2026-11-22 05:12`.
    pub created: String,
}

/// How many people are in a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemberCount {
    /// Who is in it by themselves.
    pub own: u64,
    /// Who only came down from a group below.
    pub inherited: u64,
    /// Who is in it, or in a group below it, by themselves.
    pub nested: u64,
}

/// A group that is renamed, or that is below one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// Its id.
    pub id: Uuid,
    /// Its new path.
    pub path: String,
    /// Its new key.
    pub key: String,
}

/// Somebody whose memberships end with groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// The account.
    pub account: Uuid,
    /// Its entries of `membership`, sorted.
    pub before: Vec<String>,
    /// What is left of them.
    pub after: Vec<String>,
}

impl Store {
    /// All groups, those within others behind them.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn list_groups(&self) -> Result<Vec<GroupRecord>> {
        let sql = include_str!("sql/list_groups.sql");
        let rows = self.query(sql, &[], "reading the groups")?;
        let groups = rows.iter().map(|row| GroupRecord {
            id: row.get(0),
            path: row.get(1),
            key: row.get(2),
            parent: row.get(3),
            is_public: row.get(4),
            run: row.get(5),
            created: row.get(6),
        });
        Ok(groups.collect())
    }

    /// How many people are in each of these groups. A group that isn't there has nobody.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn count_members<'a>(
        &self,
        groups: impl IntoIterator<Item = &'a GroupRecord>,
    ) -> Result<HashMap<Uuid, MemberCount>> {
        let ids: Vec<Uuid> = groups.into_iter().map(|group| group.id).collect();
        let sql = include_str!("sql/count_members.sql");
        let rows = self.query(sql, &[&ids], "counting the members")?;
        let count = |row: &tokio_postgres::Row, column| row.get::<_, i64>(column) as u64;
        let counts = rows.iter().map(|row| {
            let members = MemberCount {
                own: count(row, 1),
                inherited: count(row, 2),
                nested: count(row, 3),
            };
            (row.get(0), members)
        });
        Ok(counts.collect())
    }

    /// How many people would leave these groups, and how many of them would be in no group then: those
    /// who are in no other group by themselves.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn count_leaving(&self, groups: &[GroupRecord]) -> Result<(u64, u64)> {
        let ids: Vec<Uuid> = groups.iter().map(|group| group.id).collect();
        let sql = include_str!("sql/count_leaving.sql");
        let rows = self.query(sql, &[&ids], "counting the members")?;
        let count = |column| {
            rows.first()
                .map_or(0, |row| row.get::<_, i64>(column) as u64)
        };
        Ok((count(0), count(1)))
    }

    /// Whether the groups are a view of the application's table, which keeps their names itself.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn has_target_groups(&self) -> Result<bool> {
        let sql = "select exists (select from muster.targets where part = 'groups')";
        let rows = self.query(sql, &[], "reading the groups")?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
    }

    /// Everybody whose memberships end when these groups are removed, by account.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn leaving(&self, groups: &[GroupRecord], policy: &Groups) -> Result<Vec<Leaving>> {
        let ids: Vec<Uuid> = groups.iter().map(|group| group.id).collect();
        let tree = self.group_tree(policy)?;
        let sql = include_str!("sql/group_members.sql");
        let rows = self.query(sql, &[&ids], "reading the members")?;
        let people = rows.iter().map(|row| {
            let before = membership::unpacked(row.get(1));
            Leaving {
                account: row.get(0),
                after: without(&before, groups, policy, &tree),
                before,
            }
        });
        Ok(people.collect())
    }

    /// Notes a change that was written otherwise: the making of groups.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn record_group_run(&self, summary: &Summary) -> Result<()> {
        self.act(DOING, async |client| {
            insert_run(client, summary).await?;
            Ok(((), Act::about(&summary.run.id)))
        })
    }

    /// Gives a group and those below it other names, also in what is known of their members' past.
    ///
    /// # Errors
    /// A refusal with a `database.*` code; nothing is written then.
    pub fn rename_group(
        &mut self,
        group: &GroupRecord,
        renamed: &[Renamed],
        summary: &Summary,
    ) -> Result<()> {
        let ids: Vec<Uuid> = renamed.iter().map(|group| group.id).collect();
        let paths: Vec<&str> = renamed.iter().map(|group| group.path.as_str()).collect();
        let keys: Vec<&str> = renamed.iter().map(|group| group.key.as_str()).collect();
        let (Some(path), Some(key)) = (paths.first(), keys.first()) else {
            return Ok(());
        };
        self.changing(async |client| {
            let sql = include_str!("sql/rename_groups.sql");
            client.execute(sql, &[&ids, &paths, &keys]).await?;
            client
                .batch_execute(include_str!("sql/rename_history.sql"))
                .await?;
            let sql = include_str!("sql/rename_changes.sql");
            client.execute(sql, &[&group.key, key, &group.id]).await?;
            let sql = include_str!("sql/rename_group_changes.sql");
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
                [&group.key, key, &group.path, path, &group.id];
            client.execute(sql, &values).await?;
            record(client, &self.acting, summary).await
        })
    }

    /// Sets whether those above a group see who is in it.
    ///
    /// # Errors
    /// A refusal with a `database.*` code; nothing is written then.
    pub fn set_visibility(
        &mut self,
        group: Uuid,
        visibility: Visibility,
        summary: &Summary,
    ) -> Result<()> {
        self.changing(async |client| {
            let sql = "update muster.groups set visibility = $2 where id = $1";
            client.execute(sql, &[&group, &visibility.name()]).await?;
            record(client, &self.acting, summary).await
        })
    }

    /// Removes groups, those below before those above, and ends the memberships of those who leave. It
    /// is written as an undo writes it, so that it can be undone.
    ///
    /// # Errors
    /// A refusal with a `database.*` code; nothing is written then. `group.unknown` where somebody joined
    /// meanwhile.
    pub fn remove_groups(
        &mut self,
        groups: &[GroupRecord],
        leaving: &[Leaving],
        summary: &Summary,
    ) -> Result<()> {
        let run = &summary.run.id;
        let mut removed = 0;
        self.changing(async |client| {
            // The run comes first: what it did refers to it.
            record(client, &self.acting, summary).await?;
            for (number, people) in leaving.chunks(LEAVING_AT_ONCE).enumerate() {
                leave(client, run, number * LEAVING_AT_ONCE, people).await?;
            }
            for group in groups.iter().rev() {
                let sql = include_str!("sql/undo_remove_group.sql");
                removed += client.execute(sql, &[run, &group.id]).await?;
            }
            if removed < groups.len() as u64 {
                client.batch_execute("rollback").await?;
            }
            Ok(())
        })?;
        if removed < groups.len() as u64 {
            let what = "somebody joined one of the groups, or created a group in it, meanwhile";
            return Err(Refusal::new(Code::SelectionUnknown, what)
                .help("nothing was written; look at it again with `muster groups show`"));
        }
        Ok(())
    }

    /// One transaction that counts as muster's own write. No run continues with what it decided before.
    fn changing(
        &self,
        change: impl AsyncFnOnce(&Client) -> std::result::Result<(), Error>,
    ) -> Result<()> {
        let client = &self.connection.client;
        let done: std::result::Result<(), Error> = self.runtime.block_on(async {
            client
                .batch_execute(include_str!("sql/begin_writes.sql"))
                .await?;
            let changed = async {
                client.batch_execute("delete from muster.decisions").await?;
                change(client).await?;
                client.batch_execute("commit").await
            };
            let changed = changed.await;
            if changed.is_err() {
                // The transaction is over either way; a lost connection can't say so.
                let _ = client.batch_execute("rollback").await;
            }
            changed
        });
        done.map_err(|error| refusal(&error, DOING))
    }
}

/// The memberships of this many people end in one statement.
const LEAVING_AT_ONCE: usize = 10_000;

/// The run, with its line in the audit.
async fn record(
    client: &Client,
    acting: &Acting,
    summary: &Summary,
) -> std::result::Result<(), Error> {
    insert_run(client, summary).await?;
    acting.write(client, &Act::about(&summary.run.id)).await
}

async fn insert_run(client: &Client, summary: &Summary) -> std::result::Result<(), Error> {
    let sql = include_str!("sql/group_run.sql");
    let json = super::json_of(summary);
    client.execute(sql, &[&summary.run.id, &json]).await?;
    Ok(())
}

async fn leave(
    client: &Client,
    run: &str,
    first_row: usize,
    people: &[Leaving],
) -> std::result::Result<(), Error> {
    let (mut accounts, mut keys, mut roles) = (Vec::new(), Vec::new(), Vec::new());
    for one in people {
        for entry in one.before.iter().filter(|entry| !one.after.contains(entry)) {
            let (key, role) = membership::parts(entry);
            if role.is_none_or(str::is_empty) {
                accounts.push(one.account);
                keys.push(key);
                roles.push(role);
            }
        }
    }
    let sql = include_str!("sql/undo_leave.sql");
    client.execute(sql, &[&accounts, &keys, &roles]).await?;
    let rows: Vec<i32> = (first_row..)
        .take(people.len())
        .map(|row| row as i32)
        .collect();
    let accounts: Vec<Uuid> = people.iter().map(|one| one.account).collect();
    let before: Vec<String> = people
        .iter()
        .map(|one| json!(one.before).to_string())
        .collect();
    let after: Vec<String> = people
        .iter()
        .map(|one| json!(one.after).to_string())
        .collect();
    let sql = include_str!("sql/group_leave_changes.sql");
    client
        .execute(sql, &[&run, &rows, &accounts, &before, &after])
        .await?;
    Ok(())
}

/// The entries of somebody without those groups, and without what only came down from them.
fn without(before: &[String], groups: &[GroupRecord], policy: &Groups, tree: &Tree) -> Vec<String> {
    // Names are taken as they are here, whatever marks of roles the pipeline has.
    let policy = Groups {
        role_mark: None,
        ..policy.clone()
    };
    let keys: Vec<&str> = groups.iter().map(|group| group.key.as_str()).collect();
    let removed = keys.join(&GROUP_SEPARATOR.to_string());
    let said = Said {
        remove: Some(&removed),
        ..Said::default()
    };
    let after = membership::groups_after(said, before, &Updates::default(), &policy, tree);
    let mut after = after.unwrap_or_else(|| before.to_vec());
    after.retain(|entry| !keys.contains(&membership::key_of(entry)));
    after
}
