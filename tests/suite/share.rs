//! Several processes apply one plan together, and are killed while they do.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::people::People;
use crate::support::{self, Counts, Finished, Running};

const PIPELINE: &str = "name = \"own\"\n[load]\nconnections = 1\nchunk_rows = 1\n[gates]\nenabled = false\n\
    [leavers]\nmissing = \"deactivate\"\n";

/// How many files the people are in: a chunk holds no rows of two.
const FILES: usize = 25;

/// A plan, the database that it was made against, and what an import of its files comes to.
struct Place {
    folder: TempDir,
    /// Nobody writes here: databases are made after it.
    template: String,
    checked: Finished,
    /// All accounts after one process imported the files.
    accounts: Option<String>,
    changes: Vec<Vec<Option<String>>>,
}

impl Place {
    fn new(rows: u64) -> Place {
        let folder = support::folder();
        let people = People {
            rows,
            seed: 11,
            dirt: 0.05,
            latin_only: true,
            change: Some((0.3, 9)),
        };
        let first = People {
            rows: rows / 2,
            change: None,
            ..people
        };
        fs::write(folder.path().join("own.toml"), PIPELINE).unwrap();
        fs::write(folder.path().join("first.csv"), support::csv(&first)).unwrap();
        let files = split(folder.path(), &support::csv(&people));
        let template = support::fresh_database();
        let run = |url: &str, command: &[&str]| {
            let files = files.iter().map(String::as_str);
            let line: Vec<&str> = command.iter().copied().chain(files).collect();
            support::run(folder.path(), url, &line)
        };
        let options = ["-p", "own.toml", "--json"];
        let first = support::run(
            folder.path(),
            &template,
            &[&["import", "first.csv"], options.as_slice()].concat(),
        );
        assert!(first.counts().created > 0, "{first:?}");
        let plan = ["--plan", "plan.parquet"];
        let checked = run(&template, &[&["check"], options.as_slice(), &plan].concat());
        let counts = checked.counts();
        assert!(
            counts.created > rows / 4 && counts.updated > rows / 10 && counts.rejected > 0,
            "{counts:?}"
        );
        let imported = support::copy_database(&template);
        run(&imported, &[&["import"], options.as_slice()].concat());
        Place {
            accounts: support::accounts(&imported),
            changes: changes(&imported),
            folder,
            template,
            checked,
        }
    }

    /// A database as the plan saw it, in which every chunk takes some milliseconds.
    fn database(&self, milliseconds: u32) -> String {
        let url = support::copy_database(&self.template);
        support::query(
            &url,
            &format!(
                "CREATE FUNCTION public.dawdle() RETURNS trigger LANGUAGE plpgsql AS
                     $$ BEGIN PERFORM pg_sleep({milliseconds} / 1000.0); RETURN NEW; END $$;
                 CREATE TRIGGER dawdle BEFORE INSERT ON muster.chunks FOR EACH ROW
                     EXECUTE FUNCTION public.dawdle()"
            ),
        );
        url
    }

    fn start(&self, url: &str) -> Running {
        support::start(self.folder.path(), url, &APPLY)
    }

    fn run(&self, url: &str, line: &[&str]) -> Finished {
        support::run(self.folder.path(), url, line)
    }

    /// The run is as if one process had done it, and each of these reported all of it.
    fn assert_done(&self, url: &str, finished: &[Finished]) {
        let checked = self.checked.json();
        for one in finished {
            assert_eq!(one.counts(), self.checked.counts(), "{one:?}");
            let reported = one.json();
            for part in ["issues", "input", "cleaned", "leavers", "leaver_examples"] {
                assert_eq!(reported[part], checked[part], "{part}");
            }
            assert_eq!(reported["run"]["state"], "finished");
            assert_eq!(one.exit, 1, "{one:?}");
        }
        assert!(support::accounts(url) == self.accounts, "other accounts");
        assert!(changes(url) == self.changes, "other changes");
        let runs =
            "SELECT count(*) || ' ' || count(*) FILTER (WHERE state = 'finished') FROM muster.runs";
        assert_eq!(support::query_one(url, runs), "2 2");
        assert_eq!(
            rows_in_ledger(url),
            rows_in_ledger_by_outcome(self.checked.counts())
        );
    }
}

const APPLY: [&str; 4] = ["apply", "plan.parquet", "--share", "--json"];

/// Writes the lines into files of one size; their names.
fn split(folder: &Path, text: &[u8]) -> Vec<String> {
    let mut reader = ::csv::ReaderBuilder::new().flexible(true).from_reader(text);
    let header = reader.byte_headers().unwrap().clone();
    let records: Vec<_> = reader.byte_records().map(Result::unwrap).collect();
    let mut names = Vec::new();
    for some in records.chunks(records.len().div_ceil(FILES)) {
        let name = format!("people-{:02}.csv", names.len());
        let mut writer = ::csv::WriterBuilder::new()
            .flexible(true)
            .from_path(folder.join(&name))
            .unwrap();
        writer.write_byte_record(&header).unwrap();
        for record in some {
            writer.write_byte_record(record).unwrap();
        }
        writer.flush().unwrap();
        names.push(name);
    }
    names
}

/// Everything that updates and leavers changed.
fn changes(url: &str) -> Vec<Vec<Option<String>>> {
    let sql =
        "SELECT row, before::text, after::text FROM muster.changes ORDER BY row, before, run_id";
    support::query(url, sql)
}

/// Outcome → rows of the newest run, as its ledger has them.
fn rows_in_ledger(url: &str) -> BTreeMap<u8, u64> {
    let sql = "SELECT get_byte(outcomes, at), count(*)
        FROM muster.chunks, generate_series(0, length(outcomes) - 1) at
        WHERE first_row >= 0 AND run_id = (SELECT max(id) FROM muster.runs)
        GROUP BY 1";
    let number = |text: &Option<String>| text.as_ref().unwrap().parse::<u64>().unwrap();
    let rows = support::query(url, sql).into_iter();
    rows.map(|row| (number(&row[0]) as u8, number(&row[1])))
        .collect()
}

fn rows_in_ledger_by_outcome(counts: Counts) -> BTreeMap<u8, u64> {
    let counts = [
        counts.created,
        counts.updated,
        counts.unchanged,
        counts.duplicate,
        counts.skipped,
        counts.rejected,
        counts.held,
        counts.failed,
    ];
    let pairs = (0..).zip(counts);
    pairs.filter(|(_, count)| *count > 0).collect()
}

/// How many others are connected to the database.
fn other_sessions(url: &str) -> u64 {
    let sql = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'";
    support::query_one(url, sql).parse().unwrap()
}

fn chunks_written(url: &str) -> u64 {
    let sql = "SELECT count(*) FROM muster.chunks WHERE first_row >= 0
        AND run_id = (SELECT max(id) FROM muster.runs WHERE shared_at IS NOT NULL)";
    support::query_one(url, sql).parse().unwrap()
}

#[test]
fn three_processes_do_one_run_and_each_tells_all_of_it() {
    let place = Place::new(20_000);
    let url = place.database(60);
    let processes: Vec<Running> = (0..3).map(|_| place.start(&url)).collect();
    let finished: Vec<Finished> = processes.into_iter().map(Running::finish).collect();
    place.assert_done(&url, &finished);
    let share = |one: &Finished| one.json()["run"]["share"]["chunks"].as_u64().unwrap();
    let shares: Vec<u64> = finished.iter().map(share).collect();
    assert_eq!(shares.iter().sum::<u64>(), FILES as u64, "{shares:?}");
    assert!(shares.iter().all(|share| *share > 2), "{shares:?}");
    let id = finished[0].json()["run"]["id"]
        .as_str()
        .unwrap()
        .to_string();
    let shown = place.run(&url, &["show", &id, "--json"]);
    assert_eq!(shown.counts(), place.checked.counts());
    assert_eq!(shown.json()["run"]["share"], serde_json::Value::Null);
    let line = format!("{id}:people-20.csv:2");
    let explained = place.run(&url, &["explain", &line]);
    assert_eq!(explained.exit, 0, "{explained:?}");
    // The run is undone as any other, and can be done again by another number of processes.
    let undone = place.run(&url, &["undo", &id, "--json"]);
    assert_eq!(undone.exit, 0, "{undone:?}");
    assert!(
        support::accounts(&url) == support::accounts(&place.template),
        "the undo left something"
    );
}

#[test]
fn what_a_killed_process_leaves_is_done_by_the_others() {
    let place = Place::new(4_000);
    for round in 0..6 {
        let url = place.database(40);
        let mut processes: Vec<Running> = (0..2).map(|_| place.start(&url)).collect();
        support::wait_until(|| chunks_written(&url) >= round * 3);
        // One comes later, when accounts are no longer what the plan saw.
        processes.push(place.start(&url));
        support::wait_until(|| chunks_written(&url) >= round * 3 + 2);
        let killed = processes.remove((round % 3) as usize).kill();
        assert_eq!(killed.exit, -1, "{killed:?}");
        let finished: Vec<Finished> = processes.into_iter().map(Running::finish).collect();
        place.assert_done(&url, &finished);
    }
}

#[test]
fn whenever_one_is_killed_the_other_ends_the_run() {
    let place = Place::new(1_000);
    for milliseconds in (40..600).step_by(70) {
        let url = place.database(10);
        let mut processes: Vec<Running> = (0..2).map(|_| place.start(&url)).collect();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        processes.remove(0).kill();
        let finished = processes.remove(0).finish();
        place.assert_done(&url, &[finished]);
    }
}

#[test]
fn when_all_are_killed_the_next_takes_the_run_up() {
    let place = Place::new(4_000);
    let url = place.database(40);
    let processes: Vec<Running> = (0..2).map(|_| place.start(&url)).collect();
    support::wait_until(|| chunks_written(&url) >= 6);
    for process in processes {
        assert_eq!(process.kill().exit, -1);
    }
    // The server notices later that they are gone; until then the next one would join them.
    support::wait_until(|| other_sessions(&url) == 0);
    let before = chunks_written(&url);
    assert!(before < FILES as u64, "{before}");
    let again = place.run(&url, &APPLY);
    assert_eq!(again.json()["run"]["resumed"], true, "{again:?}");
    place.assert_done(&url, &[again]);
}

#[test]
fn one_that_is_stopped_leaves_the_run_to_the_others() {
    let place = Place::new(4_000);
    let url = place.database(60);
    let mut processes: Vec<Running> = (0..2).map(|_| place.start(&url)).collect();
    support::wait_until(|| chunks_written(&url) >= 4);
    let stopped = processes.remove(0);
    stopped.interrupt();
    let stopped = stopped.finish();
    assert_eq!(stopped.exit, 4, "{stopped:?}");
    assert_eq!(stopped.json()["run"]["state"], "stopped");
    let finished = processes.remove(0).finish();
    place.assert_done(&url, &[finished]);
}

#[test]
fn what_drifted_and_what_failed_is_recognized_by_all_as_one_would_tell_it() {
    let place = Place::new(4_000);
    let meanwhile = "UPDATE muster.accounts SET organization = 'Meanwhile'
            WHERE id IN (SELECT id FROM muster.accounts ORDER BY run_row LIMIT 60);
        CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON muster.accounts FOR EACH ROW
            WHEN (NEW.run_row % 400 = 398) EXECUTE FUNCTION public.refuse()";
    let (one, many) = (support::copy_database(&place.template), place.database(40));
    support::query(&one, meanwhile);
    support::query(&many, meanwhile);
    let alone = place.run(&one, &["apply", "plan.parquet", "--json"]);
    let counts = alone.counts();
    assert!(counts.held > 30 && counts.failed > 1, "{counts:?}");
    let both: Vec<Running> = (0..2).map(|_| place.start(&many)).collect();
    for finished in both.into_iter().map(Running::finish) {
        assert_eq!((finished.exit, finished.counts()), (alone.exit, counts));
        for part in ["issues", "leavers"] {
            assert_eq!(finished.json()[part], alone.json()[part], "{part}");
        }
    }
    assert!(support::accounts(&many) == support::accounts(&one));
    assert!(changes(&many) == changes(&one));
}

/// Whatever writes such a chunk waits for [`LOCK`].
fn hold_up(url: &str, chunk: &str) {
    let sql = format!(
        "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_advisory_xact_lock(4301); RETURN NEW; END $$;
         CREATE TRIGGER hold BEFORE INSERT ON muster.chunks FOR EACH ROW
             WHEN (NEW.{chunk}) EXECUTE FUNCTION public.hold()"
    );
    support::query(url, &sql);
}

fn wait_until_held_up(url: &str) {
    let waits = "SELECT count(*) FROM pg_locks
        WHERE locktype = 'advisory' AND objid = 4301 AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    support::wait_until(|| support::query_one(url, waits) != "0");
}

const LOCK: &str = "SELECT pg_advisory_lock(4301)";

#[test]
fn nobody_else_comes_in_while_a_plan_is_shared() {
    let place = Place::new(1_000);
    let url = support::copy_database(&place.template);
    hold_up(&url, "first_row > 500");
    let lock = support::Session::hold(&url, LOCK);
    let process = place.start(&url);
    wait_until_held_up(&url);
    let other = ["apply", "plan.parquet", "--share", "--only", "create"];
    for line in [
        other.as_slice(),
        &["apply", "plan.parquet"],
        &["import", "first.csv", "-p", "own.toml"],
    ] {
        let refused = place.run(&url, line);
        assert_eq!(refused.exit, 5, "{line:?} {refused:?}");
    }
    drop(lock);
    let finished = process.finish();
    place.assert_done(&url, &[finished]);
    // Whoever comes too late is reported what it came to.
    let late = place.run(&url, &APPLY);
    place.assert_done(&url, &[late]);
    let both = ["apply", "plan.parquet", "--share", "--replan-drifted"];
    let refused = place.run(&url, &both);
    assert_eq!(refused.exit, 2, "{refused:?}");
}

/// Two swap their addresses, two pass theirs on to a new person, who comes in a file of their own;
/// one is gone.
fn folder_with_moves() -> TempDir {
    const HEADER: &str = "external_id,email,first_name,last_name,organization";
    let folder = support::folder();
    let line =
        |id: usize, email: &str| format!("{},{email}@acme-industries.com,P{id},Lee,Acme", id + 100);
    let first = ["a", "b", "c", "d", "e"].iter().enumerate();
    let first: Vec<String> = first.map(|(id, name)| line(id, name)).collect();
    let write = |name: &str, lines: &[String]| {
        let text = format!("{HEADER}\n{}\n", lines.join("\n"));
        fs::write(folder.path().join(name), text).unwrap();
    };
    write("first.csv", &first);
    write("one.csv", &[line(77, "c")]);
    write("two.csv", &[line(0, "b"), line(2, "d")]);
    write("three.csv", &[line(1, "a"), line(3, "x")]);
    fs::write(folder.path().join("own.toml"), PIPELINE).unwrap();
    folder
}

#[test]
fn keys_are_passed_on_once_whoever_comes_when() {
    let folder = folder_with_moves();
    let template = support::fresh_database();
    let files = ["one.csv", "two.csv", "three.csv"];
    let run = |url: &str, line: &[&str]| support::run(folder.path(), url, line);
    let options = ["-p", "own.toml", "--json"];
    run(
        &template,
        &[&["import", "first.csv"], options.as_slice()].concat(),
    );
    let plan = ["--plan", "plan.parquet"];
    let check = [&["check"], files.as_slice(), &options, &plan].concat();
    let counts = run(&template, &check).counts();
    assert_eq!((counts.created, counts.updated), (1, 4));
    // The first is held up before it opens the run, after it has, or not at all.
    for held_up in ["first_row = -1", "first_row >= 0", "first_row = -2"] {
        let url = support::copy_database(&template);
        hold_up(&url, held_up);
        let lock = support::Session::hold(&url, LOCK);
        let first = support::start(folder.path(), &url, &APPLY);
        if held_up != "first_row = -2" {
            wait_until_held_up(&url);
        }
        let mut second = support::start(folder.path(), &url, &APPLY);
        support::wait_until(|| {
            let at_it = "SELECT count(*) FROM pg_locks
                WHERE locktype = 'advisory' AND mode = 'ShareLock'
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            let done = "SELECT count(*) FROM muster.runs WHERE state = 'finished'";
            support::query_one(&url, at_it) == "2" || support::query_one(&url, done) == "2"
        });
        if held_up == "first_row >= 0" {
            // By then it has its plan, and can only wait.
            std::thread::sleep(std::time::Duration::from_millis(700));
            assert_eq!(second.stdout(), "");
        }
        drop(lock);
        let mut runs = 2;
        for one in [first.finish(), second.finish()] {
            // Whoever comes after the end finds everything done, in a run of its own.
            if held_up == "first_row = -2" && one.counts().unchanged == counts.read {
                runs += 1;
                continue;
            }
            assert_eq!((one.exit, one.counts()), (0, counts), "{held_up} {one:?}");
            assert_eq!(one.json()["leavers"]["deactivated"], 1);
        }
        assert!(runs <= 3, "one of them does it");
        let sql = "SELECT string_agg(external_id || left(email, 1), ' ' ORDER BY external_id)
            FROM muster.accounts WHERE status <> 'deactivated'";
        let emails = support::query_one(&url, sql);
        assert_eq!(emails, "100b 101a 102d 103x 177c", "{held_up}");
        let there = "SELECT count(*) FROM muster.runs";
        assert_eq!(support::query_one(&url, there), runs.to_string());
    }
}
