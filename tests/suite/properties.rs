//! What holds for any file of people, shown with made-up ones.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use tempfile::TempDir;

use crate::people::{Dialect, People, Random};
use crate::support::{self, Counts, Finished};

const COMMA_UTF8: Dialect = Dialect {
    delimiter: ',',
    line_end: "\n",
    encoding: UTF_8,
};

/// A folder with `people.csv`.
fn folder_with(people: People) -> TempDir {
    let folder = support::folder();
    write_csv(&people, &folder.path().join("people.csv"), COMMA_UTF8);
    folder
}

fn write_csv(people: &People, path: &Path, dialect: Dialect) {
    let mut text = Vec::new();
    people.write_csv(&mut text, dialect).unwrap();
    fs::write(path, text).unwrap();
}

fn people(rows: u64, dirt: f64) -> People {
    People {
        rows,
        seed: 7,
        dirt,
        latin_only: true,
        change: None,
    }
}

/// Imports `people.csv` of `folder` into a new database: its counts and what it left behind.
fn import(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (Counts, String) {
    let url = support::fresh_database();
    let arguments = [&["import", "people.csv", "--json"], arguments].concat();
    let finished = support::start_with(folder, &url, &arguments, environment).finish();
    assert!([0, 1].contains(&finished.exit), "{finished:?}");
    (finished.counts(), support::accounts(&url).unwrap())
}

#[test]
fn the_same_people_end_the_same_whatever_file_they_come_in() {
    let people = people(1500, 0.2);
    let folder = support::folder();
    let dialects: [(char, &'static str, &'static Encoding); 8] = [
        (',', "\n", UTF_8),
        (';', "\r\n", UTF_8),
        ('\t', "\r", UTF_8),
        (',', "\r\n", WINDOWS_1252),
        (';', "\n", WINDOWS_1252),
        (';', "\r\n", UTF_16LE),
        ('\t', "\n", UTF_16LE),
        (',', "\n", UTF_16BE),
    ];
    let mut files = vec!["people.xlsx".to_string()];
    people
        .write_xlsx(&folder.path().join("people.xlsx"))
        .unwrap();
    for (number, (delimiter, line_end, encoding)) in dialects.into_iter().enumerate() {
        let name = format!("{number}-{}.csv", encoding.name().to_lowercase());
        write_csv(
            &people,
            &folder.path().join(&name),
            Dialect {
                delimiter,
                line_end,
                encoding,
            },
        );
        files.push(name);
    }
    let mut first: Option<(Counts, String)> = None;
    for file in files {
        let url = support::fresh_database();
        let checked = support::run(folder.path(), &url, &["check", &file, "--json"]);
        assert!(
            support::accounts(&url).is_none_or(|accounts| accounts.lines().count() == 1),
            "{file}"
        );
        let imported = support::run(folder.path(), &url, &["import", &file, "--json"]);
        assert_eq!(
            (checked.exit, imported.exit),
            (1, 1),
            "{file}: {imported:?}"
        );
        assert_eq!(checked.counts(), imported.counts(), "{file}");
        assert_eq!(issues(&checked), issues(&imported), "{file}");
        let end = (imported.counts(), support::accounts(&url).unwrap());
        assert!(
            end.0.created > 1000 && end.0.rejected > 50 && end.0.duplicate > 20,
            "{:?}",
            end.0
        );
        let first = first.get_or_insert_with(|| end.clone());
        assert!(
            *first == end,
            "{file}: {:?} instead of {:?}, or other accounts",
            end.0,
            first.0
        );
    }
}

/// Code → how many, of a summary.
fn issues(finished: &Finished) -> Vec<(String, u64)> {
    let summary = finished.json();
    let issues = summary["issues"].as_array().unwrap().iter();
    issues
        .map(|issue| (issue["code"].to_string(), issue["count"].as_u64().unwrap()))
        .collect()
}

#[test]
fn clean_people_have_no_issue_at_all() {
    let folder = support::folder();
    let people = People {
        latin_only: false,
        ..people(3000, 0.0)
    };
    write_csv(&people, &folder.path().join("people.csv"), COMMA_UTF8);
    let checked = support::run(
        folder.path(),
        &support::fresh_database(),
        &["check", "people.csv", "--json"],
    );
    assert_eq!(
        (checked.exit, issues(&checked)),
        (0, Vec::new()),
        "{}",
        checked.stderr
    );
    assert_eq!(checked.counts().created, 3000);
}

#[test]
fn only_rows_that_differ_are_written_again() {
    let folder = folder_with(people(2000, 0.0));
    let changed = People {
        change: Some((0.05, 3)),
        ..people(2000, 0.0)
    };
    write_csv(&changed, &folder.path().join("changed.csv"), COMMA_UTF8);
    let url = support::fresh_database();
    let first = support::run(folder.path(), &url, &["import", "people.csv", "--json"]);
    assert_eq!(first.counts().created, 2000, "{}", first.stderr);
    let versions = |url: &str| {
        let sql = "SELECT external_id, xmin::text || ctid::text FROM muster.accounts ORDER BY external_id";
        support::query(url, sql)
    };
    let before = versions(&url);
    let second = support::run(folder.path(), &url, &["import", "changed.csv", "--json"]).counts();
    assert!((50..200).contains(&second.updated), "{second:?}");
    assert_eq!(second.unchanged, 2000 - second.updated);
    let after = versions(&url);
    let rewritten = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before != after)
        .count();
    assert_eq!(rewritten as u64, second.updated);
    let third = support::run(folder.path(), &url, &["import", "changed.csv", "--json"]).counts();
    assert_eq!(third.unchanged, 2000);
    assert_eq!(after, versions(&url));
    assert_eq!(writes_to_accounts(&url), (2000, second.updated, 0));
}

/// Rows inserted, updated and deleted in the accounts since they exist, by the server's own count.
fn writes_to_accounts(url: &str) -> (u64, u64, u64) {
    let sql = "SELECT n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables
               WHERE schemaname = 'muster' AND relname = 'accounts'";
    // a session's counts are added up some time after it ends
    let mut last = (0, 0, 0);
    for _ in 0..50 {
        let row = &support::query(url, sql)[0];
        let [inserted, updated, deleted] =
            [0, 1, 2].map(|at| row[at].as_ref().unwrap().parse().unwrap());
        if last == (inserted, updated, deleted) && inserted > 0 {
            return last;
        }
        last = (inserted, updated, deleted);
        thread::sleep(Duration::from_millis(400));
    }
    last
}

#[test]
fn neither_threads_nor_chunks_nor_connections_change_anything() {
    let folder = folder_with(people(3000, 0.3));
    let expected = import(folder.path(), &[], &[]);
    for threads in ["1", "2", "8"] {
        let other = import(folder.path(), &[], &[("RAYON_NUM_THREADS", threads)]);
        assert!(
            expected == other,
            "{threads} threads: {:?} instead of {:?}",
            other.0,
            expected.0
        );
    }
    for (connections, chunk_rows) in [(1, 7), (4, 100), (3, 100_000)] {
        let pipeline = format!(
            "name = \"own\"\n[load]\nconnections = {connections}\nchunk_rows = {chunk_rows}\n"
        );
        fs::write(folder.path().join("own.toml"), pipeline).unwrap();
        let other = import(folder.path(), &["-p", "own.toml"], &[]);
        assert!(
            expected == other,
            "{connections} × {chunk_rows}: {:?} instead of {:?}",
            other.0,
            expected.0
        );
    }
}

#[test]
fn killed_at_any_moment_and_run_again_it_ends_the_same() {
    let folder = folder_with(people(20_000, 0.1));
    let import = ["import", "people.csv", "--json"];
    let url = support::fresh_database();
    let undisturbed = support::run(folder.path(), &url, &import);
    let (expected, accounts) = (undisturbed.counts(), support::accounts(&url));
    let nothing_to_do = support::run(folder.path(), &url, &import).counts();
    let mut random = Random::new(11);
    for round in 0..8 {
        let url = support::fresh_database();
        let running = support::start(folder.path(), &url, &import);
        let micros = undisturbed.elapsed.as_micros() as u64;
        thread::sleep(Duration::from_micros(random.below(micros)));
        let killed = running.kill();
        let counts = support::run(folder.path(), &url, &import).counts();
        assert!(
            support::accounts(&url) == accounts,
            "round {round}: other accounts"
        );
        // it may have been through, and only not have said so yet
        let was_through = killed.exit != -1 || counts == nothing_to_do;
        assert!(
            was_through || counts == expected,
            "round {round}: {counts:?}"
        );
    }
}

/// People of whom the second chunk doesn't go in as long as somebody holds `LOCK_OF_SECOND_CHUNK`.
struct Held {
    folder: TempDir,
    url: String,
}

const IMPORT_HELD: [&str; 5] = ["import", "people.csv", "-p", "own.toml", "--json"];
const LOCK_OF_SECOND_CHUNK: &str = "SELECT pg_advisory_lock(42)";

impl Held {
    fn new() -> Held {
        let folder = folder_with(people(40_000, 0.05));
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(
            "own.toml",
            "name = \"own\"\n[load]\nconnections = 1\nchunk_rows = 4000\n",
        );
        write(
            "first.csv",
            "email,first_name,last_name\nfirst@acme-industries.com,First,Comer\n",
        );
        let url = support::fresh_database();
        let first = support::run(folder.path(), &url, &["import", "first.csv"]);
        assert_eq!(first.exit, 0, "{first:?}");
        support::query(
            &url,
            "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END $$;
             CREATE TRIGGER hold BEFORE INSERT ON muster.accounts FOR EACH ROW
                 WHEN (NEW.run_row BETWEEN 5000 AND 5100) EXECUTE FUNCTION public.hold()",
        );
        Held { folder, url }
    }

    /// What an import that nobody disturbs comes to.
    fn undisturbed() -> (Counts, Option<String>) {
        let held = Held::new();
        let finished = support::run(held.folder.path(), &held.url, &IMPORT_HELD);
        (finished.counts(), support::accounts(&held.url))
    }

    /// Starts the import and waits until its first chunk is in and its second one waits.
    fn start(&self) -> support::Running {
        let running = support::start(self.folder.path(), &self.url, &IMPORT_HELD);
        let waits = "SELECT count(*) FROM muster.chunks WHERE first_row = 0 AND rows > 1
            AND EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted)";
        support::wait_until(|| support::query_one(&self.url, waits) != "0");
        running
    }

    /// Runs the import again, which must continue with the first try and come to the same end.
    fn go_on(&self) {
        let again = support::run(self.folder.path(), &self.url, &IMPORT_HELD);
        let summary = again.json();
        assert_eq!(summary["run"]["resumed"], true, "{again:?}");
        let end = (again.counts(), support::accounts(&self.url));
        let expected = Held::undisturbed();
        assert_eq!(end.0, expected.0);
        assert!(end.1 == expected.1, "other accounts");
        let sql = "SELECT count(DISTINCT run_id), count(DISTINCT left(id::text, 13))
            FROM muster.accounts WHERE email <> 'first@acme-industries.com'";
        let one = || Some("1".to_string());
        let why = "the run, or the time in the ids of its accounts, is another";
        assert_eq!(support::query(&self.url, sql)[0], [one(), one()], "{why}");
    }
}

#[test]
fn a_run_that_is_interrupted_stops_cleanly_and_goes_on_when_it_is_run_again() {
    let held = Held::new();
    let lock = support::Session::hold(&held.url, LOCK_OF_SECOND_CHUNK);
    let mut running = held.start();
    running.interrupt();
    support::wait_until(|| running.stderr().contains("stopping"));
    drop(lock);
    let stopped = running.finish();
    assert_eq!(stopped.exit, 4, "{stopped:?}");
    assert!(stopped.stderr.contains("run.stopped"), "{stopped:?}");
    assert_eq!(stopped.json()["run"]["state"], "stopped");
    let counts = stopped.counts();
    assert!(counts.created > 4000 && counts.held > 4000, "{counts:?}");
    assert_eq!(number_of_accounts(&held.url), counts.created + 1);
    held.go_on();
}

#[test]
fn a_run_that_is_killed_between_chunks_goes_on_when_it_is_run_again() {
    let held = Held::new();
    let lock = support::Session::hold(&held.url, LOCK_OF_SECOND_CHUNK);
    let running = held.start();
    assert_eq!(running.kill().exit, -1);
    drop(lock);
    held.go_on();
}

fn number_of_accounts(url: &str) -> u64 {
    support::try_query(url, "SELECT count(*) FROM muster.accounts")
        .map_or(0, |rows| rows[0][0].as_ref().unwrap().parse().unwrap())
}

#[test]
fn a_second_import_waits_for_nobody_and_writes_nothing() {
    let held = Held::new();
    let late = "email,first_name,last_name\nlate@acme-industries.com,Late,Comer\n";
    fs::write(held.folder.path().join("late.csv"), late).unwrap();
    let import_late = || {
        support::run(
            held.folder.path(),
            &held.url,
            &["import", "late.csv", "--json"],
        )
    };
    let lock = support::Session::hold(&held.url, LOCK_OF_SECOND_CHUNK);
    let first = held.start();
    let before = number_of_accounts(&held.url);
    let second = import_late();
    assert_eq!(second.exit, 5, "{second:?}");
    assert!(second.stderr.contains("run.locked"), "{second:?}");
    assert_eq!(number_of_accounts(&held.url), before);
    drop(lock);
    let first = first.finish().counts();
    assert!(first.created > before, "{first:?}");
    // at once: the lock is free as soon as the first one is gone
    let third = import_late();
    assert_eq!(third.counts().created, 1, "{}", third.stderr);
}

/// What happened to accounts since they were imported, each to some of them.
const EDITS: [&str; 12] = [
    "status = 'active'",
    "status = 'deactivated'",
    "phone = null",
    "first_name = first_name || 'x'",
    "email = upper(email)",
    "role = 'admin'",
    "other_roles = '{manager}'",
    "attributes = attributes || '{\"shoe_size\": 44}'",
    "attributes = attributes || '{\"shoe_size\": \"44\", \"desk\": \"4\"}'",
    "end_date = '2020-01-01'",
    "username = 'u' || run_row, username_key = 'u' || run_row",
    "external_id = null",
];

/// What somebody does to accounts that an import made.
fn edit(url: &str) {
    for (number, edit) in EDITS.iter().enumerate() {
        let sql = format!("update muster.accounts set {edit} where run_row % 40 = {number}");
        support::query(url, &sql);
    }
    for sql in [
        "delete from muster.accounts where run_row % 40 = 20",
        "delete from muster.memberships using muster.accounts where id = account_id and run_row % 40 = 21",
        "update muster.memberships set roles = '{head}' from muster.accounts
            where id = account_id and not inherited and run_row % 40 = 22",
        "insert into muster.memberships (account_id, group_id)
            select accounts.id, groups.id from muster.accounts, muster.groups where run_row % 40 = 23
            on conflict do nothing",
        "update muster.accounts set email = e, email_key = lower(e)
            from (select 'moved' || run_row || '@example.org' as e, id as moved from muster.accounts) other
            where moved = id and run_row % 40 = 24",
    ] {
        support::query(url, sql);
    }
}

#[test]
fn the_snapshot_says_the_same_of_every_row_as_looking_it_up() {
    let folder = support::folder();
    let path = folder.path().join("people.csv");
    write_csv(&people(1500, 0.1), &path, COMMA_UTF8);
    let text = fs::read_to_string(&path).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let more: String = lines
        .enumerate()
        .map(|(row, line)| match row % 3 {
            0 => format!("{line},44,user,\n"),
            1 => format!("{line},,,active\n"),
            _ => format!("{line},44,,\n"),
        })
        .collect();
    fs::write(&path, format!("{header},shoe_size,role,status\n{more}")).unwrap();
    let scheduled = "name = \"scheduled\"\n[accounts]\ndates = \"schedule\"\n[leavers]\nmissing = \"deactivate\"\n\
        [groups]\njoin_parents = true\nvisibility = \"public\"\n[update.fields]\nphone = \"own\"\nlast_name = \"fill\"\n";
    let careful = "name = \"careful\"\n[match]\nexisting_active = \"skip\"\nmode = \"create\"\nby = [\"email\"]\n\
        [groups]\nrequired = true\nmemberships = \"replace\"\nrole_mark = \":\"\n[update]\nempty = \"clear\"\n";
    fs::write(folder.path().join("scheduled.toml"), scheduled).unwrap();
    fs::write(folder.path().join("careful.toml"), careful).unwrap();
    for pipeline in ["users", "scheduled.toml", "careful.toml"] {
        let url = support::fresh_database();
        let arguments = ["import", "people.csv", "-p", pipeline, "--json"];
        let imported = support::run(folder.path(), &url, &arguments);
        assert!(imported.counts().created > 1000, "{:?}", imported.counts());
        edit(&url);
        let check = |more: &[&str]| {
            let checked = ["check", "people.csv", "-p", pipeline, "--json"];
            support::run(folder.path(), &url, &[&checked, more].concat())
        };
        let called = check(&["--out", &format!("called-{pipeline}")]);
        let asked = check(&[
            "--out",
            &format!("asked-{pipeline}"),
            "--plan",
            &format!("{pipeline}.parquet"),
        ]);
        assert_eq!(called.counts(), asked.counts(), "{pipeline}");
        assert_eq!(issues(&called), issues(&asked), "{pipeline}");
        assert_eq!(
            called.json()["leavers"],
            asked.json()["leavers"],
            "{pipeline}"
        );
        let ledger = |kind: &str| reported(folder.path(), &format!("{kind}-{pipeline}"));
        let different = ledger("called")
            .into_iter()
            .zip(ledger("asked"))
            .find(|(called, asked)| called != asked);
        assert_eq!(different, None, "{pipeline}");
        assert!(
            called.counts().unchanged > 100,
            "{pipeline}: {:?}",
            called.counts()
        );
    }
}

/// The rows of a ledger: outcome, account, and issues. A check makes up the ids of accounts to come.
fn reported(folder: &Path, run: &str) -> Vec<serde_json::Value> {
    let arguments = ["rows", run, "--columns", "outcome,account,issues", "--json"];
    let listed = support::bare(folder, folder, &arguments).finish().json();
    let mut rows = listed["rows"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 1500);
    for row in &mut rows {
        if row["outcome"] == "created" {
            row["account"].take();
        }
    }
    rows
}

#[test]
fn memberships_name_accounts_and_groups_that_are_there() {
    let folder = folder_with(people(50, 0.0));
    let url = support::fresh_database();
    let imported = support::run(folder.path(), &url, &["import", "people.csv", "--json"]);
    assert_eq!(imported.counts().created, 50);
    let count = || support::query_one(&url, "select count(*) from muster.memberships");
    let refused = |sql: &str| {
        let error = support::try_query(&url, sql).unwrap_err();
        assert_eq!(error.code().map(|code| code.code()), Some("23503"), "{sql}");
    };
    let all = count();
    let some = "(select account_id from muster.memberships order by 1 limit 1)";
    refused(&format!(
        "insert into muster.memberships (account_id, group_id) select account_id, gen_random_uuid() from {some} one"
    ));
    refused(
        "insert into muster.memberships (account_id, group_id) select gen_random_uuid(), id from muster.groups",
    );
    refused("update muster.memberships set account_id = gen_random_uuid()");
    refused(&format!(
        "update muster.accounts set id = gen_random_uuid() where id = {some}"
    ));
    refused("update muster.groups set id = gen_random_uuid()");
    assert_eq!(count(), all);
    let left = format!("select count(*) from muster.memberships where account_id <> {some}");
    let left = support::query_one(&url, &left);
    support::query(
        &url,
        &format!("delete from muster.accounts where id = {some}"),
    );
    assert_eq!(count(), left);
    support::query(
        &url,
        "delete from muster.groups where id in (
            select id from muster.groups
            where id not in (select parent_id from muster.groups where parent_id is not null) order by key limit 3
        )",
    );
    let nowhere = "select count(*) from muster.memberships where group_id not in (select id from muster.groups)";
    assert_eq!(support::query_one(&url, nowhere), "0");
    assert!(count().parse::<u64>().unwrap() > 0);
    let leaf = "select id from muster.groups where id not in
        (select parent_id from muster.groups where parent_id is not null) limit 1";
    for (table, one) in [("accounts", some), ("groups", leaf)] {
        let sql = format!(
            "begin isolation level repeatable read; delete from muster.{table} where id in ({one}); commit"
        );
        let error = support::try_query(&url, &sql).unwrap_err();
        assert_eq!(error.code().map(|code| code.code()), Some("0A000"));
    }
    support::query(&url, "truncate muster.accounts cascade");
    assert_eq!(count(), "0");
}
