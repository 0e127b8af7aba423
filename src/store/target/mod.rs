//! Use your own accounts table: `[target]`.
//!
//! All of muster's SQL says `muster.accounts`, `muster.groups` and `muster.memberships`. With a
//! target these are views of the application's tables, with triggers that write through them, so
//! that nothing else knows of it. Before every run the tables are read from the catalog
//! (`describe`) and held against the mapping (`check`); the views (`generate`) are made again only
//! when that changed.

use sha2::{Digest, Sha256};
use tokio_postgres::{Client, Error, GenericClient, Transaction};

use super::{Store, migrate, runtime};
use crate::definition::Definition;
use crate::definition::target::{Literal, RoleColumn, StatusColumn, TargetTable, check_onboarding};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::store::error::refusal;
use describe::{Column, Folding, Table};
use generate::{Id, Members};

mod check;
mod describe;
mod generate;
pub mod grants;
pub mod inspect;
pub(super) mod quote;

const DOING: &str = "preparing the target";

/// A target held against its tables.
struct Plan<'a> {
    target: &'a TargetTable,
    accounts: Table,
    id: Id,
    groups: Option<Table>,
    group_id: Option<Id>,
    memberships: Option<Members>,
    folding: Folding,
}

impl Plan<'_> {
    fn column(&self, name: Option<&str>) -> Option<&Column> {
        self.accounts.column(name?)
    }

    fn status(&self) -> Option<(&StatusColumn, &Column)> {
        let status = self.target.status.as_ref()?;
        Some((status, self.accounts.column(&status.column)?))
    }

    fn role(&self) -> Option<(&RoleColumn, &Column)> {
        let role = self.target.role.as_ref()?;
        Some((role, self.accounts.column(role.column())?))
    }

    /// Whether a column distinguishes the rows that are meant.
    fn is_unique(&self, name: &str) -> bool {
        self.accounts.unique.iter().any(|columns| {
            let mut rest = columns
                .iter()
                .filter(|column| !self.target.only.contains_key(*column));
            rest.next().is_some_and(|column| column == name) && rest.next().is_none()
        })
    }
}

/// Whether a column holds times, of which muster only asks whether there is one.
fn is_clock(column: &Column) -> bool {
    column.category == 'D'
}

/// What represents one of muster's tables, as the run log has it.
#[derive(Debug)]
struct Kept {
    part: String,
    relation: String,
    sha256: String,
}

impl Store {
    /// Sees to it that muster's accounts are those of the definition's target, or muster's own where
    /// it names none. The caller holds the lock of a run.
    ///
    /// # Errors
    /// `target.conflict` with everything that conflicts with the mapping, `target.other` where the
    /// database's accounts are elsewhere, or a `database.*` code.
    pub fn use_target(&mut self, definition: &Definition) -> Result<()> {
        let client = &mut self.connection.client;
        self.runtime.block_on(async {
            let Some(target) = &definition.target else {
                return stay(client).await;
            };
            check_onboarding(target, &definition.accounts)?;
            let doing = |error| refusal(&error, DOING);
            let mut transaction = client.transaction().await.map_err(doing)?;
            migrate::lock(&transaction).await?;
            install(&mut transaction, target, definition).await?;
            transaction.commit().await.map_err(doing)
        })
    }

    /// As [`Store::open_if_there`], for a look at a definition's target: what isn't there of muster's
    /// schema is made in a transaction that never ends, so that a check says what an import would
    /// find, and leaves nothing behind.
    ///
    /// # Errors
    /// As [`Store::use_target`].
    pub fn open_to_look(
        database: super::connect::Target,
        definition: &Definition,
    ) -> Result<Option<Store>> {
        let Some(target) = &definition.target else {
            let mut store = Store::open_if_there(database)?;
            if let Some(store) = &mut store {
                store.use_target(definition)?;
            }
            return Ok(store);
        };
        check_onboarding(target, &definition.accounts)?;
        let runtime = runtime()?;
        let Some(mut connection) = runtime.block_on(database.connect_if_there())? else {
            return Ok(None);
        };
        let looked = runtime.block_on(async {
            let doing = |error| refusal(&error, DOING);
            let mut transaction = connection.client.transaction().await.map_err(doing)?;
            let is_fresh = migrate::rehearse(&transaction).await?;
            let is_new = install(&mut transaction, target, definition).await?;
            if !is_fresh && !is_new {
                // Only the run log were brought up to date: nobody has to wait for the end of the
                // check.
                return transaction.commit().await.map_err(doing);
            }
            // Neither committed nor rolled back here: all that is asked later on this connection is
            // asked within it, and the server forgets it when the connection is closed.
            std::mem::forget(transaction);
            Ok(())
        });
        if let Err(refusal) = looked {
            return Err(runtime.block_on(migrate::explain(&connection.client, refusal)));
        }
        Ok(Some(Store {
            runtime,
            target: database,
            connection,
            acting: super::audit::Acting::default(),
        }))
    }
}

impl Store {
    /// The table of another application that the accounts are in; none where they are muster's own.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn accounts_table(&self) -> Result<Option<String>> {
        let sql = "select relation from muster.targets where part = 'accounts'";
        let rows = self.query(sql, &[], DOING)?;
        Ok(rows.first().map(|row| row.get(0)))
    }
}

/// Whether the memberships are a view of a target's table, which takes no `on conflict … do update`.
///
/// # Errors
/// The driver's.
pub(super) async fn joins_by_view(client: &Client) -> std::result::Result<bool, Error> {
    let sql =
        "select relkind = 'v' from pg_catalog.pg_class where oid = 'muster.memberships'::regclass";
    Ok(client.query_one(sql, &[]).await?.get(0))
}

/// Without a target, the accounts must be muster's own.
async fn stay(client: &Client) -> Result<()> {
    match kept(client)
        .await?
        .into_iter()
        .find(|kept| kept.part == "accounts")
    {
        None => Ok(()),
        Some(kept) => {
            let what = format!(
                "this database's accounts are in the table {}, but the pipeline has no `[target]`",
                kept.relation
            );
            Err(Refusal::new(Code::TargetOther, what).help(
                "use a pipeline with that `[target]`, or another database for muster's own accounts",
            ))
        }
    }
}

async fn kept<C: GenericClient>(client: &C) -> Result<Vec<Kept>> {
    let rows = client
        .query("select part, relation, sql_sha256 from muster.targets", &[])
        .await
        .map_err(|error| refusal(&error, DOING))?;
    let kept = rows.iter().map(|row| Kept {
        part: row.get(0),
        relation: row.get(1),
        sha256: row.get(2),
    });
    Ok(kept.collect())
}

/// Reads the tables, refuses what can't be, makes the views where they aren't there yet or the mapping is
/// another, and enters the rows that are new. Returns whether views were made.
async fn install(
    transaction: &mut Transaction<'_>,
    target: &TargetTable,
    definition: &Definition,
) -> Result<bool> {
    let plan = check::plan(transaction, target, definition).await?;
    let kept = kept(transaction).await?;
    let mut parts = vec![(
        "accounts",
        generate::accounts(&plan),
        vec![("accounts", &plan.accounts.name, Some(&plan.id.column.name))],
    )];
    if let (Some(groups), Some(members), Some(id)) =
        (&plan.groups, &plan.memberships, &plan.group_id)
    {
        let tables = vec![
            ("groups", &groups.name, Some(&id.column.name)),
            ("memberships", &members.table.name, None),
        ];
        parts.push(("groups", generate::groups(&plan), tables));
    }
    let of = |part: &str| kept.iter().find(|kept| kept.part == part);
    if let Some(groups) = of("groups").filter(|_| parts.len() == 1) {
        let what = format!(
            "this database's groups are in the table {}, but the pipeline has no `[target.groups]`",
            groups.relation
        );
        return Err(Refusal::new(Code::TargetOther, what).help("add it again"));
    }
    let mut is_new = false;
    for (part, sql, tables) in parts {
        for (table, relation, _) in &tables {
            if let Some(kept) = of(table).filter(|kept| kept.relation != **relation) {
                return Err(elsewhere(kept, relation));
            }
        }
        let sha256 = crate::text::hex(&Sha256::digest(&sql));
        match of(part) {
            Some(kept) if kept.sha256 == sha256 => continue,
            Some(_) => drop_views(transaction, part).await?,
            None => drop_tables(transaction, part).await?,
        }
        is_new = true;
        let doing = |error| refusal(&error, "creating the views of the target");
        transaction.batch_execute(&sql).await.map_err(doing)?;
        for (table, relation, key) in &tables {
            transaction
                .execute(
                    include_str!("../sql/target_note.sql"),
                    &[table, relation, key, &sha256],
                )
                .await
                .map_err(doing)?;
        }
    }
    enter(transaction, &plan).await?;
    Ok(is_new)
}

/// How many rows more make the planner's knowledge of them worth renewing.
const MANY: u64 = 1_000;

/// Enters the rows that the application made since the last run.
async fn enter(transaction: &Transaction<'_>, plan: &Plan<'_>) -> Result<()> {
    let doing = |error| refusal(&error, "looking for rows that are new in the target");
    let mut entered = 0;
    for sql in generate::known(plan) {
        entered += transaction.execute(&sql, &[]).await.map_err(doing)?;
    }
    if entered >= MANY {
        let sql = "analyze muster.links; analyze muster.group_links";
        transaction.batch_execute(sql).await.map_err(doing)?;
    }
    Ok(())
}

fn elsewhere(kept: &Kept, wanted: &str) -> Refusal {
    let what = format!(
        "this database's {} are in the table {}, not in {wanted}",
        kept.part, kept.relation
    );
    Refusal::new(Code::TargetOther, what).help(
        "name that table under `[target]`, or use another database: a database has only one \
            target",
    )
}

const TABLES: [(&str, &[&str]); 2] = [
    ("accounts", &["accounts"]),
    ("groups", &["groups", "memberships"]),
];

fn tables_of(part: &str) -> &'static [&'static str] {
    let found = TABLES.iter().find(|(name, _)| *name == part);
    found.map_or(&[], |(_, tables)| tables)
}

async fn drop_views(transaction: &Transaction<'_>, part: &str) -> Result<()> {
    let views: Vec<String> = tables_of(part)
        .iter()
        .map(|view| format!("muster.{view}"))
        .collect();
    let sql = format!("drop view {}", views.join(", "));
    transaction
        .batch_execute(&sql)
        .await
        .map_err(|error| refusal(&error, DOING))
}

/// Muster's own tables make room, if nothing is in them.
async fn drop_tables(transaction: &Transaction<'_>, part: &str) -> Result<()> {
    let doing = |error| refusal(&error, DOING);
    for table in tables_of(part) {
        let sql = format!("select exists (select from muster.{table})");
        let row = transaction.query_one(&sql, &[]).await.map_err(doing)?;
        if row.get(0) {
            let what = format!("this database has {part} of muster's own, in `muster.{table}`");
            return Err(Refusal::new(Code::TargetOther, what).help(
                "undo their imports with `muster undo`, or use another database; a database keeps \
                    its accounts in one place",
            ));
        }
        // Views come before what refers to them: the memberships of a table go with its groups.
        let sql = format!("drop table muster.{table} cascade");
        transaction.batch_execute(&sql).await.map_err(doing)?;
    }
    Ok(())
}

/// Every value that the mapping writes as it is, with the column and what it is for.
fn literals(target: &TargetTable) -> Vec<(String, &Literal, String)> {
    let mut all = Vec::new();
    let mut add = |column: &str, value, what: String| all.push((column.to_string(), value, what));
    if let Some(status) = &target.status {
        for (word, values) in [
            ("active", Some(&status.active)),
            ("invited", status.invited.as_ref()),
            ("deactivated", status.deactivated.as_ref()),
        ] {
            for value in values.into_iter().flat_map(|values| values.as_slice()) {
                add(&status.column, value, format!("the status `{word}`"));
            }
        }
    }
    if let Some(RoleColumn::Mapped { column, values }) = &target.role {
        for (word, value) in values {
            add(column, value, format!("the role `{word}`"));
        }
    }
    for (column, value) in &target.only {
        add(column, value, "`[target.only]`".to_string());
    }
    for (column, fill) in &target.defaults {
        if let crate::definition::target::Fill::Value(value) = fill {
            add(column, value, "`[target.defaults]`".to_string());
        }
    }
    all
}
