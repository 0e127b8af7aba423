//! Brings the schema `muster` up to date, and holds the lock that lets one import run at a time.
//!
//! Migrations are SQL files that run in psql as they are, embedded in order. All that are missing
//! run in one transaction under an advisory lock, so that several processes may try at once and a
//! kill in between leaves the old schema. A file that was applied is never edited: its SHA-256 is
//! kept and compared.

use sha2::{Digest, Sha256};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, GenericClient};

use super::connect::refusal;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// Version, name and SQL of every migration, in order.
const MIGRATIONS: &[(u32, &str, &str)] =
    &[(1, "accounts", include_str!("migrations/0001_accounts.sql"))];

/// The advisory locks of a database that are ours: "muster" in ASCII, and a number.
const LOCK_MIGRATE: i64 = 0x6d75_7374_6572_0001;
const LOCK_RUN: i64 = 0x6d75_7374_6572_0002;

/// What [`migrate`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The versions that were applied now; empty when the schema was up to date.
    pub versions: Vec<u32>,
}

/// Applies the migrations that the database doesn't have. When it has them all, that takes one
/// `SELECT` and no lock.
///
/// # Errors
/// `database.version` where the database was migrated by a newer muster or by other files,
/// `database.rights` with the statements that give the right, `database.failed` otherwise.
pub async fn migrate(client: &mut Client) -> Result<Applied> {
    apply(client, MIGRATIONS).await
}

/// Whether the database has every migration; changes nothing.
///
/// # Errors
/// As [`migrate`].
pub async fn is_migrated(client: &Client) -> Result<bool> {
    Ok(missing_in(client, MIGRATIONS).await?.is_empty())
}

/// Takes the lock of a run, which this connection holds until it is closed. `false` when another
/// run has it; a crashed one hasn't, for the server lets go of it.
///
/// # Errors
/// As [`refusal`].
pub async fn try_lock(client: &Client) -> Result<bool> {
    let row = client
        .query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK_RUN])
        .await
        .map_err(|error| refusal(&error, "taking the lock of the run"))?;
    Ok(row.get(0))
}

type Migration = (u32, &'static str, &'static str);

async fn apply(client: &mut Client, migrations: &[Migration]) -> Result<Applied> {
    if missing_in(client, migrations).await?.is_empty() {
        return Ok(Applied {
            versions: Vec::new(),
        });
    }
    match apply_missing(client, migrations).await {
        Err(refusal) if refusal.code == Code::DatabaseRights => Err(lacking(client, refusal).await),
        result => result,
    }
}

async fn apply_missing(client: &mut Client, migrations: &[Migration]) -> Result<Applied> {
    let because = |error| refusal(&error, "preparing the schema `muster`");
    let transaction = client.transaction().await.map_err(because)?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK_MIGRATE])
        .await
        .map_err(because)?;
    // Not `IF NOT EXISTS`: that asks for the right to create also where nothing is to be created.
    let row = transaction
        .query_one(
            "SELECT to_regnamespace('muster') IS NULL, to_regclass('muster.schema_migrations') IS NULL",
            &[],
        )
        .await
        .map_err(because)?;
    if row.get(0) {
        transaction
            .batch_execute("CREATE SCHEMA muster")
            .await
            .map_err(because)?;
    }
    if row.get(1) {
        let table = include_str!("sql/migrations_table.sql");
        transaction.batch_execute(table).await.map_err(because)?;
    }
    let mut versions = Vec::new();
    for (version, name, sql) in missing_in(&transaction, migrations).await? {
        let doing = format!("migration {version:04}_{name}");
        let because = |error| refusal(&error, &doing);
        transaction.batch_execute(sql).await.map_err(because)?;
        transaction
            .execute(
                "INSERT INTO muster.schema_migrations (version, name, sha256) VALUES ($1, $2, $3)",
                &[&number(version), &name, &sha256(sql)],
            )
            .await
            .map_err(because)?;
        versions.push(version);
    }
    transaction.commit().await.map_err(because)?;
    Ok(Applied { versions })
}

/// The migrations that the database doesn't have, in order.
async fn missing_in<C: GenericClient>(
    client: &C,
    migrations: &[Migration],
) -> Result<Vec<Migration>> {
    let statement = "SELECT version, sha256 FROM muster.schema_migrations ORDER BY version";
    let rows = match client.query(statement, &[]).await {
        Ok(rows) => rows,
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Vec::new(),
        Err(error) => return Err(refusal(&error, "reading the schema's version")),
    };
    let applied: Vec<(i32, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    for (version, hash) in &applied {
        let known = migrations
            .iter()
            .find(|migration| number(migration.0) == *version);
        let Some((_, name, sql)) = known else {
            return Err(newer(*version, migrations));
        };
        if sha256(sql) != *hash {
            return Err(Refusal::new(
                Code::DatabaseVersion,
                format!("the database was prepared by another {version:04}_{name}.sql than this muster's"),
            )
            .help("use the muster that prepared it, or a release that came after it"));
        }
    }
    let has = |version| {
        applied
            .iter()
            .any(|(applied, _)| *applied == number(version))
    };
    Ok(migrations
        .iter()
        .filter(|migration| !has(migration.0))
        .copied()
        .collect())
}

fn newer(version: i32, migrations: &[Migration]) -> Refusal {
    let latest = migrations.last().map_or(0, |migration| migration.0);
    Refusal::new(
        Code::DatabaseVersion,
        format!("the database's schema has version {version}, and this muster knows versions up to {latest}"),
    )
    .help("update muster")
}

/// Adds to a refusal the statements that an administrator has to run, with the real names.
async fn lacking(client: &Client, refusal: Refusal) -> Refusal {
    let names = "SELECT quote_ident(current_database()), quote_ident(current_user), \
                 to_regnamespace('muster') IS NULL";
    let Ok(row) = client.query_one(names, &[]).await else {
        return refusal;
    };
    let (database, user, new): (String, String, bool) = (row.get(0), row.get(1), row.get(2));
    refusal.help(if new {
        format!("let an administrator run: GRANT CREATE ON DATABASE {database} TO {user};")
    } else {
        format!(
            "let the owner of the schema run this muster once, or let an administrator run:\n\
             GRANT USAGE, CREATE ON SCHEMA muster TO {user};\n\
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA muster TO {user};"
        )
    })
}

/// Versions are small; one that isn't could never have been applied.
fn number(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}

fn sha256(sql: &str) -> String {
    crate::hex(&Sha256::digest(sql))
}
