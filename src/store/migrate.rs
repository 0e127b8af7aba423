//! Brings the schema `muster` up to date, and holds the lock that lets one import run at a time.
//!
//! Migrations are SQL files that run in psql as they are, embedded in order. All that are missing
//! run in one transaction under an advisory lock, so that several processes may try at once and a
//! kill in between leaves the old schema. A file that was applied is never edited: its SHA-256 is
//! kept and compared.

use sha2::{Digest, Sha256};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, GenericClient, Transaction};

use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::store::error::refusal;

/// Version, name and SQL of every migration, in order.
const MIGRATIONS: &[(u32, &str, &str)] = &[
    (1, "accounts", include_str!("migrations/0001_accounts.sql")),
    (
        2,
        "invitations",
        include_str!("migrations/0002_invitations.sql"),
    ),
    (3, "undo", include_str!("migrations/0003_undo.sql")),
    (4, "leavers", include_str!("migrations/0004_leavers.sql")),
    (5, "gates", include_str!("migrations/0005_gates.sql")),
    (6, "groups", include_str!("migrations/0006_groups.sql")),
    (7, "edits", include_str!("migrations/0007_edits.sql")),
    (
        8,
        "passwords",
        include_str!("migrations/0008_passwords.sql"),
    ),
    (9, "dates", include_str!("migrations/0009_dates.sql")),
    (10, "targets", include_str!("migrations/0010_targets.sql")),
    (11, "mends", include_str!("migrations/0011_mends.sql")),
    (
        12,
        "handed_over",
        include_str!("migrations/0012_handed_over.sql"),
    ),
    (
        13,
        "memberships",
        include_str!("migrations/0013_memberships.sql"),
    ),
    (14, "share", include_str!("migrations/0014_share.sql")),
    (
        15,
        "decisions",
        include_str!("migrations/0015_decisions.sql"),
    ),
    (
        16,
        "links_by_username",
        include_str!("migrations/0016_links_by_username.sql"),
    ),
    (17, "sessions", include_str!("migrations/0017_sessions.sql")),
    (
        18,
        "given_passwords",
        include_str!("migrations/0018_given_passwords.sql"),
    ),
    (19, "managers", include_str!("migrations/0019_managers.sql")),
    (20, "console", include_str!("migrations/0020_console.sql")),
    (21, "one_job", include_str!("migrations/0021_one_job.sql")),
    (
        22,
        "mail_settings",
        include_str!("migrations/0022_mail_settings.sql"),
    ),
    (
        23,
        "room_for_updates",
        include_str!("migrations/0023_room_for_updates.sql"),
    ),
];

/// The advisory locks of a database that are ours: "muster" in ASCII, and a number.
const LOCK_MIGRATE: i64 = 0x6d75_7374_6572_0001;
pub(super) const LOCK_RUN: i64 = 0x6d75_7374_6572_0002;
/// Held by whoever joins those who share a run, until the run is in the run log.
pub(super) const LOCK_JOIN: i64 = 0x6d75_7374_6572_0003;

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
    match missing_in(client, MIGRATIONS).await {
        Err(refusal) if refusal.code == Code::DatabaseRights => Err(lacking(client, refusal).await),
        missing => missing.map(|missing| missing.is_empty()),
    }
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

/// Waits for whoever changes the schema; until the end of the transaction, nobody else does.
///
/// # Errors
/// As [`refusal`].
pub async fn lock(transaction: &Transaction<'_>) -> Result<()> {
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK_MIGRATE])
        .await
        .map_err(|error| refusal(&error, "waiting for the schema `muster`"))?;
    Ok(())
}

/// Applies what is missing within a transaction that the caller won't commit then, and returns whether
/// there was anything. Nobody is kept waiting by a lock: an import that comes meanwhile waits only if it
/// has to make the schema, too.
///
/// # Errors
/// As [`migrate`].
pub async fn rehearse(transaction: &Transaction<'_>) -> Result<bool> {
    let applied = apply_within(transaction, MIGRATIONS).await?;
    Ok(!applied.is_empty())
}

/// Adds to a refusal for want of rights what an administrator has to run.
pub async fn explain(client: &Client, refusal: Refusal) -> Refusal {
    match refusal.code {
        Code::DatabaseRights => lacking(client, refusal).await,
        _ => refusal,
    }
}

type Migration = (u32, &'static str, &'static str);

async fn apply(client: &mut Client, migrations: &[Migration]) -> Result<Applied> {
    let result = match missing_in(client, migrations).await {
        Ok(missing) if missing.is_empty() => Ok(Applied {
            versions: Vec::new(),
        }),
        Ok(_) => apply_missing(client, migrations).await,
        Err(refusal) => Err(refusal),
    };
    match result {
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
    let versions = apply_within(&transaction, migrations).await?;
    transaction.commit().await.map_err(because)?;
    Ok(Applied { versions })
}

async fn apply_within(transaction: &Transaction<'_>, migrations: &[Migration]) -> Result<Vec<u32>> {
    let because = |error| refusal(&error, "preparing the schema `muster`");
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
    for (version, name, sql) in missing_in(transaction, migrations).await? {
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
    Ok(versions)
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
                format!("the database was prepared with a different {version:04}_{name}.sql than this version of muster has"),
            )
            .help("use the version of muster that prepared it, or a newer one"));
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
        format!("the database's schema has version {version}, but this version of muster supports only up to {latest}"),
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
        format!("ask an administrator to run: GRANT CREATE ON DATABASE {database} TO {user};")
    } else {
        format!(
            "have the owner of the schema run this version of muster once, or ask an administrator \
                to run:\nGRANT USAGE, CREATE ON SCHEMA muster TO {user};\nGRANT SELECT, INSERT, \
                UPDATE, DELETE ON ALL TABLES IN SCHEMA muster TO {user};"
        )
    })
}

/// Versions are small; one that isn't could never have been applied.
fn number(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}

fn sha256(sql: &str) -> String {
    crate::text::hex(&Sha256::digest(sql))
}

#[cfg(test)]
mod tests {
    use super::{LOCK_MIGRATE, MIGRATIONS, Migration, apply, is_migrated, migrate, try_lock};
    use crate::issue::Code;
    use crate::store::connect::{Connection, Target};
    use crate::store::scratch::Home;
    use tokio::runtime::Runtime;

    const FIRST: Migration = (1, "first", "CREATE TABLE muster.first (n integer);");
    const SECOND: Migration = (2, "second", "ALTER TABLE muster.first ADD m integer;");
    const BROKEN: Migration = (3, "broken", "DROP TABLE muster.first; SELECT 1 / 0;");

    async fn connect(home: &Home) -> Connection {
        Target::Local(home.local.clone()).connect().await.unwrap()
    }

    async fn count(connection: &Connection, sql: &str) -> i64 {
        connection.client.query_one(sql, &[]).await.unwrap().get(0)
    }

    #[test]
    fn embedded_migrations_are_numbered_without_gaps() {
        for (index, (version, name, sql)) in MIGRATIONS.iter().enumerate() {
            assert_eq!(*version as usize, index + 1, "{name}");
            let ends = ["commit;", "rollback;", "concurrently"];
            let lower = sql.to_lowercase();
            assert!(
                ends.iter().all(|word| !lower.contains(word)),
                "{name} ends its transaction"
            );
        }
    }

    #[test]
    fn migrations_are_applied_once_and_whole() {
        let home = Home::new("home");
        Runtime::new().unwrap().block_on(async {
            let mut connection = connect(&home).await;
            let client = &mut connection.client;
            let versions = async |client: &mut _, migrations: &[Migration]| {
                apply(client, migrations)
                    .await
                    .map(|applied| applied.versions)
            };
            assert_eq!(versions(client, &[FIRST]).await.unwrap(), [1]);
            assert!(versions(client, &[FIRST]).await.unwrap().is_empty());
            let refusal = versions(client, &[FIRST, SECOND, BROKEN])
                .await
                .unwrap_err();
            assert_eq!(refusal.code, Code::DatabaseFailed);
            assert_eq!(
                refusal.what,
                "migration 0003_broken: error 22012: division by zero"
            );
            assert_eq!(versions(client, &[FIRST, SECOND]).await.unwrap(), [2]);

            let edited = (1, "first", "CREATE TABLE muster.first (n bigint);");
            let refusal = versions(client, &[edited, SECOND]).await.unwrap_err();
            assert_eq!(refusal.code, Code::DatabaseVersion);
            assert!(
                refusal.what.contains("a different 0001_first.sql"),
                "{refusal}"
            );
            let refusal = versions(client, &[FIRST]).await.unwrap_err();
            assert_eq!(refusal.code, Code::DatabaseVersion);
            assert_eq!(
                refusal.what,
                "the database's schema has version 2, but this version of muster supports only up \
                    to 1"
            );

            client
                .batch_execute("DROP SCHEMA muster CASCADE")
                .await
                .unwrap();
            assert_eq!(is_migrated(client).await.unwrap(), MIGRATIONS.is_empty());
            migrate(client).await.unwrap();
            assert!(is_migrated(client).await.unwrap());
            assert!(migrate(client).await.unwrap().versions.is_empty());
            connection.close().await;
        });
    }

    #[test]
    fn two_that_migrate_at_once_do_it_once_and_the_fast_path_waits_for_nobody() {
        let home = Home::new("home");
        Runtime::new().unwrap().block_on(async {
            let tasks: Vec<_> = {
                let mut tasks = Vec::new();
                for _ in 0..4 {
                    let mut connection = connect(&home).await;
                    tasks.push(tokio::spawn(async move {
                        apply(&mut connection.client, &[FIRST, SECOND]).await
                    }));
                }
                tasks
            };
            let mut applied = 0;
            for task in tasks {
                applied += task.await.unwrap().unwrap().versions.len();
            }
            assert_eq!(applied, 2);
            let mut holder = connect(&home).await;
            let transaction = holder.client.transaction().await.unwrap();
            let sql = "SELECT pg_advisory_xact_lock($1)";
            transaction.execute(sql, &[&LOCK_MIGRATE]).await.unwrap();
            let mut other = connect(&home).await;
            let fast = apply(&mut other.client, &[FIRST, SECOND]);
            let fast = tokio::time::timeout(std::time::Duration::from_secs(5), fast).await;
            assert!(fast.unwrap().unwrap().versions.is_empty());
        });
    }

    #[test]
    fn a_role_without_rights_is_reported_what_to_grant() {
        let home = Home::new("home");
        Runtime::new().unwrap().block_on(async {
            let mut owner = connect(&home).await;
            let role = "CREATE ROLE \"the clerk\" LOGIN";
            owner.client.batch_execute(role).await.unwrap();
            let mut builder = connect(&home).await;
            let become_clerk = "SET SESSION AUTHORIZATION \"the clerk\"";
            builder.client.batch_execute(become_clerk).await.unwrap();

            let refusal = apply(&mut builder.client, &[FIRST]).await.unwrap_err();
            assert_eq!(refusal.code, Code::DatabaseRights);
            let grant = "GRANT CREATE ON DATABASE muster TO \"the clerk\";";
            assert!(refusal.help.contains(grant), "{}", refusal.help);
            apply(&mut owner.client, &[FIRST]).await.unwrap();
            let refusal = apply(&mut builder.client, &[FIRST]).await.unwrap_err();
            assert_eq!(refusal.code, Code::DatabaseRights);
            let (_, grants) = refusal.help.split_once('\n').unwrap();
            owner.client.batch_execute(grants).await.unwrap();
            let applied = apply(&mut builder.client, &[FIRST]).await.unwrap();
            assert!(applied.versions.is_empty());

            owner
                .client
                .batch_execute("DROP SCHEMA muster CASCADE")
                .await
                .unwrap();
            owner.client.batch_execute(grant).await.unwrap();
            assert_eq!(
                apply(&mut builder.client, &[FIRST]).await.unwrap().versions,
                [1]
            );
        });
    }

    #[test]
    fn the_lock_of_a_run_is_held_by_one_connection_and_ends_with_it() {
        let home = Home::new("home");
        Runtime::new().unwrap().block_on(async {
            let first = connect(&home).await;
            let second = connect(&home).await;
            assert!(try_lock(&first.client).await.unwrap());
            assert!(!try_lock(&second.client).await.unwrap());
            let busy = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
            assert_eq!(count(&second, busy).await, 1);
            first.close().await;
            while !try_lock(&second.client).await.unwrap() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        });
    }
}
