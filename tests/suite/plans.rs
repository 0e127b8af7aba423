//! Plans: a check writes down what it would do, and that, exactly, is done later.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::people::People;
use crate::support::{self, Counts, Finished};

const PIPELINE: &str = "name = \"own\"\n[load]\nconnections = 1\nchunk_rows = 4000\n";

/// A folder with `first.csv` and, of the same people and some more, `people.csv`.
fn folder_with(rows: u64) -> TempDir {
    let folder = support::folder();
    let people = People {
        rows,
        seed: 5,
        dirt: 0.1,
        latin_only: true,
        change: Some((0.1, 9)),
    };
    let first = People {
        rows: rows * 2 / 3,
        change: None,
        ..people
    };
    write_csv(&first, &folder.path().join("first.csv"));
    write_csv(&people, &folder.path().join("people.csv"));
    fs::write(folder.path().join("own.toml"), PIPELINE).unwrap();
    folder
}

fn write_csv(people: &People, path: &Path) {
    fs::write(path, support::csv(people)).unwrap();
}

/// A database into which `first.csv` went.
fn database_with_first(folder: &Path) -> String {
    let url = support::fresh_database();
    let first = support::run(
        folder,
        &url,
        &["import", "first.csv", "-p", "own.toml", "--json"],
    );
    assert!(first.counts().created > 0, "{first:?}");
    url
}

fn check(folder: &Path, url: &str) -> Finished {
    let _ = fs::remove_file(folder.join("plan.parquet"));
    let check = [
        "check",
        "people.csv",
        "-p",
        "own.toml",
        "--plan",
        "plan.parquet",
        "--json",
    ];
    support::run(folder, url, &check)
}

fn apply(folder: &Path, url: &str, more: &[&str]) -> Finished {
    support::run(
        folder,
        url,
        &[&["apply", "plan.parquet", "--json"], more].concat(),
    )
}

/// Code → how many, of a summary.
fn issues(finished: &Finished) -> BTreeMap<String, u64> {
    let summary = finished.json();
    let issues = summary["issues"].as_array().unwrap().iter();
    issues
        .map(|issue| {
            let code = issue["code"].as_str().unwrap().to_string();
            (code, issue["count"].as_u64().unwrap())
        })
        .collect()
}

/// Every row of every table that an import writes, by the parts that two databases share.
fn changes(url: &str) -> Vec<Vec<Option<String>>> {
    let sql = "SELECT row, before::text, after::text FROM muster.changes ORDER BY row, run_id";
    support::query(url, sql)
}

#[test]
fn applying_a_plan_equals_importing_its_file() {
    let folder = folder_with(9000);
    let (planned, imported) = (
        database_with_first(folder.path()),
        database_with_first(folder.path()),
    );
    let before = support::accounts(&planned);
    let checked = check(folder.path(), &planned);
    assert_eq!(checked.exit, 1, "{checked:?}");
    assert!(support::accounts(&planned) == before, "the check wrote");
    let counts = checked.counts();
    assert!(
        counts.created > 1000
            && counts.updated > 300
            && counts.unchanged > 1000
            && counts.duplicate > 20
            && counts.rejected > 50,
        "{counts:?}"
    );
    let again = ["import", "people.csv", "-p", "own.toml", "--json"];
    let import = support::run(folder.path(), &imported, &again);
    // no input is read, and the pipeline is the one of the check, whatever happened to it
    for name in ["people.csv", "first.csv", "own.toml"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    let applied = apply(folder.path(), &planned, &[]);
    assert_eq!((applied.exit, applied.counts()), (1, counts), "{applied:?}");
    assert_eq!(issues(&applied), issues(&checked));
    assert_eq!(import.counts(), counts);
    assert_eq!(applied.json()["input"], import.json()["input"]);
    assert_eq!(applied.json()["cleaned"], import.json()["cleaned"]);
    assert!(
        support::accounts(&planned) == support::accounts(&imported),
        "other accounts"
    );
    assert!(changes(&planned) == changes(&imported), "other changes");
    applied_twice_is_as_applied_once(folder.path(), &planned, counts);
}

fn applied_twice_is_as_applied_once(folder: &Path, url: &str, counts: Counts) {
    let accounts = support::accounts(url);
    let again = apply(folder, url, &[]);
    assert!(
        again.stderr.contains("already applied this plan"),
        "{again:?}"
    );
    let unchanged = Counts {
        created: 0,
        updated: 0,
        unchanged: counts.created + counts.updated + counts.unchanged,
        ..counts
    };
    assert_eq!(again.counts(), unchanged);
    assert!(support::accounts(url) == accounts, "other accounts");
}

#[test]
fn what_drifted_is_held_and_everything_else_is_done() {
    let folder = folder_with(3000);
    let url = database_with_first(folder.path());
    let counts = check(folder.path(), &url).counts();
    // of the rows that the plan updates, ten change; of those that it creates, five come first
    let rows = |action: &str| -> Vec<serde_json::Value> {
        let show = [
            "plan",
            "show",
            "plan.parquet",
            "--action",
            action,
            "-n",
            "0",
            "--json",
        ];
        let shown = support::run(folder.path(), &url, &show).json();
        shown["rows"].as_array().unwrap().clone()
    };
    let updates = rows("update");
    assert_eq!(updates.len() as u64, counts.updated);
    let ids: Vec<&str> = updates
        .iter()
        .map(|row| row["account"].as_str().unwrap())
        .collect();
    support::query(
        &url,
        &format!(
            "UPDATE muster.accounts SET organization = 'Meanwhile' WHERE id IN ('{}');
             UPDATE muster.accounts SET updated_at = now() WHERE id = '{}'",
            ids[..10].join("','"),
            ids[10]
        ),
    );
    for (number, row) in rows("create").iter().take(5).enumerate() {
        let email = row["changes"]["email"]["new"].as_str().unwrap();
        support::query(
            &url,
            &format!(
                "INSERT INTO muster.accounts (id, email, email_key, first_name, role, status, attributes)
                 VALUES ('00000000-0000-7000-8000-00000000000{number}', '{email}', lower('{email}'),
                         'Meanwhile', 'user', 'active', '{{}}')"
            ),
        );
    }
    let applied = apply(folder.path(), &url, &[]);
    let expected = Counts {
        created: counts.created - 5,
        updated: counts.updated - 10,
        held: 15,
        ..counts
    };
    assert_eq!(
        (applied.exit, applied.counts()),
        (1, expected),
        "{applied:?}"
    );
    assert_eq!(issues(&applied)["plan.drifted"], 15);
    let meanwhile = "SELECT count(*) FROM muster.accounts
        WHERE organization = 'Meanwhile' OR first_name = 'Meanwhile'";
    assert_eq!(support::query_one(&url, meanwhile), "15");
    let replanned = apply(folder.path(), &url, &["--replan-drifted"]);
    let expected = Counts {
        created: 0,
        updated: 15,
        unchanged: counts.created + counts.updated + counts.unchanged - 15,
        ..counts
    };
    assert_eq!(replanned.counts(), expected, "{replanned:?}");
    assert_eq!(support::query_one(&url, meanwhile), "0");
}

const HEADER: &str = "external_id,email,first_name,last_name,organization";
const FULL_LIST: &str = "name = \"own\"\n[leavers]\nmissing = \"deactivate\"\n";

/// Ten people; in `people.csv` the first two have each other's address, the third and the fourth
/// pass theirs on to a new person, and the last three are gone.
fn folder_with_moves() -> TempDir {
    let folder = support::folder();
    // An id of `0` is none.
    let line = |id: usize, email: &str| {
        let id = if id == 0 { 10 } else { id };
        format!("{id},{email}@acme-industries.com,P{id},Lee,Acme")
    };
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let first = names.iter().enumerate().map(|(id, name)| line(id, name));
    let second = ["b", "a", "d", "x", "e", "f", "g"];
    let second = second.iter().enumerate().map(|(id, name)| line(id, name));
    let write = |name: &str, lines: Vec<String>| {
        let text = format!("{HEADER}\n{}\n", lines.join("\n"));
        fs::write(folder.path().join(name), text).unwrap();
    };
    write("first.csv", first.collect());
    write("people.csv", second.chain([line(77, "c")]).collect());
    fs::write(folder.path().join("own.toml"), FULL_LIST).unwrap();
    folder
}

#[test]
fn keys_that_move_and_people_who_leave_go_through_a_plan() {
    let folder = folder_with_moves();
    let (planned, imported) = (
        database_with_first(folder.path()),
        database_with_first(folder.path()),
    );
    let checked = check(folder.path(), &planned);
    let import = ["import", "people.csv", "-p", "own.toml", "--json"];
    let import = support::run(folder.path(), &imported, &import);
    let applied = apply(folder.path(), &planned, &[]);
    assert_eq!(applied.counts(), checked.counts(), "{applied:?}");
    assert_eq!(applied.counts(), import.counts());
    assert_eq!((applied.counts().updated, applied.counts().created), (4, 1));
    assert_eq!(applied.json()["leavers"]["deactivated"], 3);
    assert_eq!(applied.json()["leavers"], checked.json()["leavers"]);
    assert_eq!(issues(&applied), BTreeMap::new());
    assert!(
        support::accounts(&planned) == support::accounts(&imported),
        "other accounts"
    );
    let again = apply(folder.path(), &planned, &[]);
    assert_eq!((again.exit, again.counts().unchanged), (0, 8), "{again:?}");
}

#[test]
fn whoever_waits_for_the_key_of_a_drifted_account_is_held_with_it() {
    let folder = folder_with_moves();
    let url = database_with_first(folder.path());
    check(folder.path(), &url);
    support::query(
        &url,
        "UPDATE muster.accounts SET organization = 'Meanwhile' WHERE external_id IN ('1', '3');
         UPDATE muster.accounts SET role = 'admin' WHERE external_id = '9'",
    );
    let before = support::accounts(&url);
    let applied = apply(folder.path(), &url, &[]);
    // the swap, and the chain from 3 by 2 to the new person
    assert_eq!((applied.exit, applied.counts().held), (1, 5), "{applied:?}");
    assert_eq!(issues(&applied)["plan.drifted"], 5);
    let leavers = &applied.json()["leavers"];
    assert_eq!(
        (&leavers["deactivated"], &leavers["held"]),
        (&2.into(), &1.into())
    );
    let emails = |accounts: Option<String>| -> Vec<String> {
        let accounts = accounts.unwrap();
        let cells = accounts
            .lines()
            .map(|line| line.split(',').take(2).collect::<Vec<_>>());
        cells.map(|cells| cells.join(",")).collect()
    };
    assert_eq!(emails(support::accounts(&url)), emails(before));
    let replanned = apply(folder.path(), &url, &["--replan-drifted"]);
    assert_eq!(
        (replanned.exit, replanned.counts().held),
        (0, 0),
        "{replanned:?}"
    );
    let sql = "SELECT string_agg(external_id || email, ' ' ORDER BY external_id) FROM
        (SELECT external_id, left(email, 1) AS email FROM muster.accounts WHERE status <> 'deactivated') a";
    assert_eq!(support::query_one(&url, sql), "1a 10b 2d 3x 4e 5f 6g 77c");
}

#[test]
fn a_part_of_a_plan_can_be_applied_and_then_the_rest() {
    let folder = folder_with(1500);
    let (planned, imported) = (
        database_with_first(folder.path()),
        database_with_first(folder.path()),
    );
    let counts = check(folder.path(), &planned).counts();
    let creates = apply(folder.path(), &planned, &["--only", "create"]);
    let expected = Counts {
        updated: 0,
        unchanged: 0,
        skipped: counts.updated + counts.unchanged,
        ..counts
    };
    assert_eq!(creates.counts(), expected, "{creates:?}");
    assert_eq!(issues(&creates)["plan.left_out"], expected.skipped);
    let rest = apply(folder.path(), &planned, &[]);
    let expected = Counts {
        created: 0,
        unchanged: counts.created + counts.unchanged,
        ..counts
    };
    assert_eq!(rest.counts(), expected, "{rest:?}");
    let import = ["import", "people.csv", "-p", "own.toml", "--json"];
    support::run(folder.path(), &imported, &import);
    assert!(
        support::accounts(&planned) == support::accounts(&imported),
        "other accounts"
    );
}

#[test]
fn an_apply_that_is_killed_between_chunks_goes_on_when_it_is_run_again() {
    let folder = folder_with(30_000);
    let (planned, imported) = (
        database_with_first(folder.path()),
        database_with_first(folder.path()),
    );
    let counts = check(folder.path(), &planned).counts();
    support::query(
        &planned,
        "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_advisory_xact_lock(43); RETURN NEW; END $$;
         CREATE TRIGGER hold BEFORE INSERT ON muster.accounts FOR EACH ROW
             WHEN (NEW.run_row > 25000) EXECUTE FUNCTION public.hold()",
    );
    let lock = support::Session::hold(&planned, "SELECT pg_advisory_lock(43)");
    let running = support::start(
        folder.path(),
        &planned,
        &["apply", "plan.parquet", "--json"],
    );
    let waits = "SELECT count(*) FROM pg_locks
        WHERE locktype = 'advisory' AND objid = 43 AND NOT granted";
    support::wait_until(|| support::query_one(&planned, waits) != "0");
    assert_eq!(running.kill().exit, -1);
    drop(lock);
    let again = apply(folder.path(), &planned, &[]);
    assert_eq!(again.json()["run"]["resumed"], true, "{again:?}");
    assert_eq!(again.counts(), counts);
    let import = ["import", "people.csv", "-p", "own.toml", "--json"];
    support::run(folder.path(), &imported, &import);
    assert!(
        support::accounts(&planned) == support::accounts(&imported),
        "other accounts"
    );
    let runs = "SELECT count(*) FROM muster.runs WHERE state = 'finished'";
    assert_eq!(support::query_one(&planned, runs), "2");
}

#[test]
fn what_is_no_whole_plan_is_refused() {
    let folder = folder_with(300);
    let url = database_with_first(folder.path());
    check(folder.path(), &url);
    let whole = fs::read(folder.path().join("plan.parquet")).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let mut longer = whole.clone();
    longer.push(0);
    let runs = fs::read_dir(folder.path().join("muster-runs")).unwrap();
    let ledger = runs.last().unwrap().unwrap().path().join("ledger.parquet");
    for (why, bytes) in [
        ("its end is missing", whole[..whole.len() / 2].to_vec()),
        ("was damaged or changed", flipped),
        ("its end is missing", longer),
        ("isn't a Parquet file", b"email\n".to_vec()),
        ("but not a muster plan", fs::read(ledger).unwrap()),
    ] {
        fs::write(folder.path().join("plan.parquet"), bytes).unwrap();
        let before = support::accounts(&url);
        for command in [
            &["apply", "plan.parquet"][..],
            &["plan", "show", "plan.parquet"],
        ] {
            let refused = support::run(folder.path(), &url, command);
            assert_eq!(refused.exit, 2, "{refused:?}");
            assert!(
                refused.stderr.contains("plan.invalid") && refused.stderr.contains(why),
                "{refused:?}"
            );
        }
        assert!(support::accounts(&url) == before, "{why}");
    }
}

#[test]
fn a_plan_never_takes_the_place_of_another_file_and_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder_with(50);
    let url = database_with_first(folder.path());
    check(folder.path(), &url);
    let path = folder.path().join("plan.parquet");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = fs::read(&path).unwrap();
    let again = ["check", "people.csv", "--plan", "plan.parquet"];
    let refused = support::run(folder.path(), &url, &again);
    assert_eq!(refused.exit, 2, "{refused:?}");
    assert!(refused.stderr.contains("output.unwritable"), "{refused:?}");
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn an_older_plan_closes_nobody_whom_a_newer_list_may_name() {
    let (folder, url) = (support::folder(), support::fresh_database());
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "hr.toml",
        "name = \"hr\"\n[leavers]\nmissing = \"deactivate\"\n",
    );
    let head = "id,first name,last name,email\n1,Ann,Ng,ann@firm.eu\n";
    write(
        "all.csv",
        &format!("{head}2,Bo,Lee,bo@firm.eu\n3,Cem,Day,cem@firm.eu\n"),
    );
    write("short.csv", head);
    write(
        "newer.csv",
        &format!("{head}2,Bo,Lee,bo@firm.eu\n3,Cem,Oz,cem@firm.eu\n"),
    );
    let run = |arguments: &[&str]| support::run(folder.path(), &url, arguments);
    let apply = |more: &[&str]| run(&[&["apply", "old.plan", "--json"], more].concat());
    assert_eq!(run(&["import", "all.csv", "-p", "hr.toml"]).exit, 0);
    let checked = run(&["check", "short.csv", "-p", "hr.toml", "--plan", "old.plan"]);
    assert_eq!(checked.exit, 0, "{checked:?}");
    assert_eq!(run(&["import", "newer.csv", "-p", "hr.toml"]).exit, 0);
    let before = support::accounts(&url);
    let applied = apply(&[]);
    assert_eq!(applied.json()["leavers"]["held"], 2, "{applied:?}");
    assert_eq!(support::accounts(&url), before);
    let redone = apply(&["--replan-drifted"]);
    assert_eq!(redone.json()["leavers"]["deactivated"], 2, "{redone:?}");
}

#[test]
fn whoever_begins_earlier_than_was_said_is_let_in() {
    let (folder, url) = (support::folder(), support::fresh_database());
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let pipeline = "name = \"hr\"\n[accounts]\nonboarding = \"setup\"\ndates = \"schedule\"\n";
    write("hr.toml", pipeline);
    let status = "SELECT status FROM muster.accounts";
    for (start, expected) in [
        ("2999-01-01", "invited"),
        ("2999-02-01", "invited"),
        ("2020-01-01", "active"),
        ("2999-01-01", "active"),
    ] {
        let head = "id,first name,last name,email,start date";
        write(
            "people.csv",
            &format!("{head}\n1,Ann,Ng,ann@firm.eu,{start}\n"),
        );
        let run = support::run(
            folder.path(),
            &url,
            &["import", "people.csv", "-p", "hr.toml"],
        );
        assert_eq!(run.exit, 0, "{run:?}");
        assert_eq!(support::query_one(&url, status), expected, "{start}");
    }
}
