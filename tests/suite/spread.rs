//! Accounts that are spread over two servers by PostgreSQL's own means: partitions by hash that are
//! foreign tables. The scripts are those of `src/store/distributed`.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::people::People;
use crate::support::{self, Finished, Running};

const PIPELINE: &str = "name = \"own\"\n[load]\nchunk_rows = 1\n[gates]\nenabled = false\n";
const OPTIONS: [&str; 3] = ["-p", "own.toml", "--json"];

fn script(name: &str) -> String {
    fs::read_to_string(
        support::repository()
            .join("src/store/distributed")
            .join(name),
    )
    .unwrap()
}

/// What is between `?host=` and the next option of a URL.
fn host(url: &str) -> &str {
    let host = url.split("host=").nth(1).unwrap();
    host.split('&').next().unwrap()
}

/// A database whose accounts are on the servers at `shards`.
fn coordinator(folder: &Path, shards: &[String]) -> String {
    let url = support::fresh_database();
    // The schema comes with the first import, also with one that is refused.
    fs::write(folder.join("empty.csv"), "email\n").unwrap();
    let empty = support::run(folder, &url, &["import", "empty.csv", "-p", "own.toml"]);
    assert_eq!(empty.exit, 2, "{empty:?}");
    support::query(&url, &script("coordinator.sql"));
    support::query(&url, "CREATE EXTENSION postgres_fdw");
    for (number, shard) in shards.iter().enumerate() {
        support::query(shard, &script("shard.sql"));
        let server = format!(
            "CREATE SERVER shard_{number} FOREIGN DATA WRAPPER postgres_fdw
                 OPTIONS (host '{}', dbname 'muster');
             CREATE USER MAPPING FOR CURRENT_USER SERVER shard_{number} OPTIONS (user 'muster');
             CREATE FOREIGN TABLE muster.account_shard_{number} PARTITION OF muster.account_shards
                 FOR VALUES WITH (MODULUS {}, REMAINDER {number}) SERVER shard_{number}
                 OPTIONS (schema_name 'muster', table_name 'account_shard')",
            host(shard),
            shards.len()
        );
        support::query(&url, &server);
    }
    url
}

fn write_csv(people: &People, path: &Path) {
    fs::write(path, support::csv(people)).unwrap();
}

/// The same work on a spread database and on a plain one.
struct Twins {
    folder: TempDir,
    spread: String,
    plain: String,
}

impl Twins {
    /// Runs on both; gives the run on the spread one.
    fn run(&self, line: &[&str]) -> Finished {
        let line = [line, OPTIONS.as_slice()].concat();
        let plain = support::run(self.folder.path(), &self.plain, &line);
        let spread = support::run(self.folder.path(), &self.spread, &line);
        assert_eq!(spread.counts(), plain.counts(), "{spread:?}");
        assert_eq!(spread.exit, plain.exit, "{spread:?}");
        self.assert_same();
        spread
    }

    fn assert_same(&self) {
        let plain = support::accounts_there(&self.plain);
        let spread = support::accounts_there(&self.spread);
        assert!(spread == plain, "other accounts");
        // Every key is known of every account, and of no other.
        let sql = "SELECT count(*) FROM (
                SELECT 'external_id', external_id, id FROM muster.accounts WHERE external_id IS NOT NULL
                UNION ALL
                SELECT 'email', email_key, id FROM muster.accounts WHERE email_key IS NOT NULL
                UNION ALL
                SELECT 'username', username_key, id FROM muster.accounts WHERE username_key IS NOT NULL
            ) held (kind, key, account_id)
            FULL JOIN muster.account_keys known USING (kind, key, account_id)
            WHERE known.account_id IS NULL OR held.account_id IS NULL";
        assert_eq!(support::query_one(&self.spread, sql), "0");
    }
}

fn count(url: &str, what: &str) -> u64 {
    let sql = format!("SELECT count(*) FROM {what}");
    support::query_one(url, &sql).parse().unwrap()
}

#[test]
fn accounts_on_two_servers_are_imported_changed_shared_and_undone() {
    let servers = [support::another_server(), support::another_server()];
    let shards: Vec<String> = servers.iter().map(|server| server.url.clone()).collect();
    let folder = support::folder();
    fs::write(folder.path().join("own.toml"), PIPELINE).unwrap();
    let people = People {
        rows: 3_000,
        seed: 3,
        dirt: 0.05,
        latin_only: true,
        change: None,
    };
    let some = |change| People {
        change: Some((change, 7)),
        ..people
    };
    write_csv(&people, &folder.path().join("people.csv"));
    write_csv(&some(0.01), &folder.path().join("changed.csv"));
    let more = People {
        rows: 5_000,
        ..some(0.3)
    };
    write_csv(&more, &folder.path().join("more.csv"));
    let twins = Twins {
        spread: coordinator(folder.path(), &shards),
        plain: support::fresh_database(),
        folder,
    };
    let checked = support::run(
        twins.folder.path(),
        &twins.spread,
        &[&["check", "people.csv"], OPTIONS.as_slice()].concat(),
    );
    let first = twins.run(&["import", "people.csv"]);
    assert_eq!(first.counts(), checked.counts());
    assert!(first.counts().created > 2_000, "{first:?}");
    for shard in &shards {
        let there = count(shard, "muster.account_shard");
        assert!(there > first.counts().created / 3, "{there}");
    }
    let again = twins.run(&["import", "people.csv"]);
    assert_eq!(again.counts().unchanged, first.counts().created);
    let changed = twins.run(&["import", "changed.csv"]);
    let updated = changed.counts().updated;
    assert!(updated > 10 && updated < 200, "{changed:?}");
    let swap = |first: &str, second: &str| {
        let line = |id: &str, email: &str| format!("{id},{email}@acme-industries.com,P,Lee\n");
        let header = "external_id,email,first_name,last_name\n";
        let text = [header, &line("s1", first), &line("s2", second)].concat();
        fs::write(twins.folder.path().join("swap.csv"), text).unwrap();
        twins.run(&["import", "swap.csv"]).counts()
    };
    assert_eq!(swap("one", "two").created, 2);
    assert_eq!(swap("two", "one").updated, 2);
    apply_together(&twins);
    take_back(&twins, &changed);
    nobody_loses_what_somebody_else_writes(&twins, &shards);
}

/// A plan, by two processes on the one and by one on the other.
fn apply_together(twins: &Twins) {
    let check = |url: &str, plan: &str| {
        let line = ["check", "more.csv", "--plan", plan];
        let line = [line.as_slice(), &OPTIONS].concat();
        support::run(twins.folder.path(), url, &line).counts()
    };
    let counts = check(&twins.spread, "plan.parquet");
    // Other ids, so that it is another plan.
    assert_eq!(check(&twins.plain, "plain.parquet"), counts);
    assert!(counts.created > 1_000 && counts.updated > 300, "{counts:?}");
    let apply = ["apply", "plan.parquet", "--share", "--json"];
    let both: Vec<Running> = (0..2)
        .map(|_| support::start(twins.folder.path(), &twins.spread, &apply))
        .collect();
    for one in both.into_iter().map(Running::finish) {
        assert_eq!(one.counts(), counts, "{one:?}");
    }
    let alone = ["apply", "plain.parquet", "--json"];
    let alone = support::run(twins.folder.path(), &twins.plain, &alone);
    assert_eq!(alone.counts(), counts, "{alone:?}");
    twins.assert_same();
    let undo = |url: &str| {
        let sql = "SELECT max(id) FROM muster.runs WHERE kind = 'import'";
        let run = support::query_one(url, sql);
        support::run(twins.folder.path(), url, &["undo", &run, "--json"])
    };
    let (spread, plain) = (undo(&twins.spread), undo(&twins.plain));
    assert_eq!(spread.exit, 0, "{spread:?}");
    assert_eq!(spread.counts(), plain.counts());
    twins.assert_same();
}

/// The undo of an update, and of that undo; and of the creates, and of that undo.
fn take_back(twins: &Twins, changed: &Finished) {
    let run = |line: &[&str]| support::run(twins.folder.path(), &twins.spread, line);
    let before = support::accounts_there(&twins.spread);
    let id = |finished: &Finished| finished.json()["run"]["id"].as_str().unwrap().to_string();
    let undone = run(&["undo", &id(changed), "--json"]);
    assert_eq!(
        undone.json()["undo"]["changed_back"],
        changed.counts().updated
    );
    let back = run(&["undo", &id(&undone), "--json"]);
    assert_eq!(back.exit, 0, "{back:?}");
    assert!(
        support::accounts_there(&twins.spread) == before,
        "not as before"
    );
    twins.assert_same();
    let text = "email,first_name,last_name\nnew@acme-industries.com,New,Lee\n";
    fs::write(twins.folder.path().join("new.csv"), text).unwrap();
    let new = run(&["import", "new.csv", "-p", "own.toml", "--json"]);
    let removed = run(&["undo", &id(&new), "--json"]);
    assert_eq!(removed.json()["undo"]["removed"], 1, "{removed:?}");
    let returned = run(&["undo", &id(&removed), "--json"]);
    assert_eq!(returned.json()["undo"]["returned"], 1, "{returned:?}");
    let again = run(&["undo", &id(&returned), "--json"]);
    assert_eq!(again.exit, 0, "{again:?}");
    twins.assert_same();
}

fn nobody_loses_what_somebody_else_writes(twins: &Twins, shards: &[String]) {
    let url = &twins.spread;
    // One key for two accounts, wherever they are.
    let twice = "INSERT INTO muster.accounts (id, email, email_key, role, status)
        SELECT gen_random_uuid(), email, email_key, 'user', 'active'
        FROM muster.accounts WHERE email_key IS NOT NULL LIMIT 1";
    let error = support::try_query(url, twice).unwrap_err();
    let refused = error.as_db_error().map(|error| error.code().code());
    assert_eq!(refused, Some("23505"), "{error:?}");
    // Somebody writes, on the shard itself, between the match and the load.
    let sql = "SELECT id || ' ' || email FROM muster.account_shard
        WHERE email IS NOT NULL ORDER BY id LIMIT 1";
    let found = support::query_one(&shards[1], sql);
    let (id, email) = found.split_once(' ').unwrap();
    let text = format!("email,first_name,last_name,groups\n{email},Changed,Lee,Brand new\n");
    fs::write(twins.folder.path().join("late.csv"), text).unwrap();
    let hold = "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock(4302); RETURN NEW; END $$;
        CREATE TRIGGER hold BEFORE INSERT ON muster.groups FOR EACH ROW
            EXECUTE FUNCTION public.hold()";
    support::query(url, hold);
    let lock = support::Session::hold(url, "SELECT pg_advisory_lock(4302)");
    let line = ["import", "late.csv", "-p", "own.toml", "--json"];
    let late = support::start(twins.folder.path(), url, &line);
    let waits = "SELECT count(*) FROM pg_locks
        WHERE locktype = 'advisory' AND objid = 4302 AND NOT granted";
    support::wait_until(|| support::query_one(url, waits) != "0");
    let meanwhile =
        format!("UPDATE muster.account_shard SET organization = 'Meanwhile' WHERE id = '{id}'");
    support::query(&shards[1], &meanwhile);
    drop(lock);
    let late = late.finish();
    assert_eq!((late.exit, late.counts().failed), (1, 1), "{late:?}");
    let sql = format!(
        "SELECT organization || ' ' || (first_name = 'Changed') FROM muster.accounts WHERE id = '{id}'"
    );
    assert_eq!(support::query_one(url, &sql), "Meanwhile false");
}
