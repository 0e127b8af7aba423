//! `muster import --drop`: what is taken from a folder, what is refused, and where it goes.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use mail_parser::MessageParser;
use serde_json::Value;
use tempfile::TempDir;

use crate::mailbox::{Mailbox, Verdict};
use crate::support::{self, Finished, Running};

const HEADER: &str = "email,first_name,last_name\n";
/// The SHA-256 of nothing.
const OTHER_SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A list of this many people; `tag` tells lists apart.
fn list(tag: &str, count: usize) -> String {
    let row = |number| format!("{tag}{number}@acme-industries.com,Some,Body\n");
    HEADER.to_string() + (0..count).map(row).collect::<String>().as_str()
}

/// A drop folder `in` and a database of its own.
struct Drop {
    folder: TempDir,
    home: TempDir,
    url: String,
    environment: Vec<(String, String)>,
}

impl Drop {
    fn new(pipeline: &str) -> Drop {
        let folder = support::folder();
        fs::create_dir(folder.path().join("in")).unwrap();
        fs::write(
            folder.path().join("p.toml"),
            format!("name = \"test\"\n{pipeline}"),
        )
        .unwrap();
        Drop {
            folder,
            home: support::folder(),
            url: support::fresh_database(),
            environment: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("in").join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// As [`Drop::put`], changed last this many seconds ago.
    fn put_old(&self, name: &str, text: &str, seconds: u64) {
        self.put(name, text);
        set_age(&self.path(name), seconds);
    }

    /// With its marker.
    fn put_done(&self, name: &str, text: &str) {
        self.put(name, text);
        self.put(&format!("{name}.done"), "");
    }

    fn start(&self, arguments: &[&str]) -> Running {
        let visit = ["import", "--drop", "in", "-p", "p.toml"];
        let arguments: Vec<&str> = visit.iter().chain(arguments).copied().collect();
        let home = self.home.path().to_str().unwrap();
        let mut environment: Vec<(&str, &str)> = self
            .environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        environment.push(("MUSTER_HOME", home));
        support::start_with(self.folder.path(), &self.url, &arguments, &environment)
    }

    fn visit(&self, arguments: &[&str]) -> Finished {
        self.start(arguments).finish()
    }

    /// A quiet visit that ends with that code: what it said of each file, as JSON.
    fn reported(&self, exit: i32) -> Vec<Value> {
        let finished = self.visit(&["--json", "--quiet"]);
        assert_eq!(finished.exit, exit, "{finished:?}");
        assert_eq!(finished.stderr, "");
        let lines = finished.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What lies directly in a folder of the drop folder.
    fn names(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path(folder))
            .map_or_else(|_| Vec::new(), |entries| entries.flatten().collect())
            .iter()
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn count(&self, table: &str) -> String {
        support::query_one(&self.url, &format!("SELECT count(*) FROM muster.{table}"))
    }

    fn outbox(&self) -> Vec<Vec<u8>> {
        let entries = fs::read_dir(self.home.path().join("outbox"));
        let entries = entries.into_iter().flatten().flatten();
        entries
            .map(|entry| fs::read(entry.path()).unwrap())
            .collect()
    }
}

fn set_age(path: &Path, seconds: u64) {
    let time = SystemTime::now() - Duration::from_secs(seconds);
    File::options()
        .append(true)
        .open(path)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

fn sha256(path: &Path) -> String {
    let out = std::process::Command::new("sha256sum")
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8(out.stdout).unwrap()
}

/// Name, end and code of each file, as one text.
fn ends(reported: &[Value]) -> String {
    let one = |file: &Value| {
        let words = [&file["file"], &file["ended"], &file["code"]];
        words.map(|word| word.as_str().unwrap_or("-")).join(" ")
    };
    reported.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn folder_of(drop: &Drop, reported: &Value) -> PathBuf {
    drop.folder
        .path()
        .join(reported["folder"].as_str().unwrap())
}

#[test]
fn a_file_is_taken_once_it_is_complete() {
    let drop = Drop::new("");
    let nothing = drop.visit(&[]);
    assert_eq!((nothing.exit, nothing.stdout.as_str()), (0, ""));
    assert_eq!(nothing.stderr, "nothing to import in in\n");
    assert!(drop.reported(0).is_empty());
    drop.put("a.csv", &list("a", 2));
    drop.put_old("b.csv.done", "", 90);
    drop.put("b.csv", &list("b", 2));
    let waiting = drop.visit(&[]);
    assert_eq!((waiting.exit, waiting.stdout.as_str()), (0, ""));
    for name in ["a", "b"] {
        let line = format!("not complete yet: {name}.csv: it changed less than 60 seconds ago\n");
        assert!(waiting.stderr.contains(&line), "{waiting:?}");
    }
    assert!(drop.reported(0).is_empty());
    assert_eq!(drop.names(""), ["a.csv", "b.csv", "b.csv.done"]);
    // settled, marked, with either form of a manifest
    set_age(&drop.path("a.csv"), 90);
    assert_eq!(drop.visit(&["--require-manifest"]).stdout, "");
    drop.put("b.csv.done", "");
    drop.put("c.csv", &list("c", 2));
    drop.put("c.csv.sha256", &sha256(&drop.path("c.csv")));
    drop.put("d.csv", &list("d", 2));
    drop.put("d.csv.json", "{\"rows\": 2}");
    let reported = drop.reported(0);
    assert_eq!(
        ends(&reported),
        "a.csv imported -, b.csv imported -, c.csv imported -, d.csv imported -"
    );
    assert_eq!(
        (drop.count("accounts"), drop.count("runs")),
        ("8".into(), "4".into())
    );
    assert_eq!(drop.names(""), ["done"]);
    let d = folder_of(&drop, &reported[3]);
    for name in [
        "d.csv",
        "d.csv.json",
        "summary.html",
        "summary.json",
        "ledger.parquet",
    ] {
        assert!(d.join(name).is_file(), "{name}");
    }
    assert!(d.ends_with(reported[3]["run"].as_str().unwrap()));
    let shown = support::run(drop.folder.path(), &drop.url, &["show", "last"]);
    assert!(
        shown.stdout.contains(d.to_str().unwrap()),
        "{}",
        shown.stdout
    );
}

#[test]
fn a_file_that_grows_between_two_looks_waits() {
    let drop = Drop::new("");
    drop.put_old("a.csv", &list("a", 3), 90);
    let running = drop.start(&["--settle", "0"]);
    let mut file = File::options()
        .append(true)
        .open(drop.path("a.csv"))
        .unwrap();
    let visited = running.finish_while(|| {
        file.write_all(b"b@acme-industries.com,Some,Body\n")
            .unwrap();
        set_age(&drop.path("a.csv"), 90);
    });
    assert_eq!(
        (visited.exit, visited.stdout.as_str()),
        (0, ""),
        "{visited:?}"
    );
    assert!(
        visited.stderr.contains("a.csv: it is still changing"),
        "{visited:?}"
    );
    assert_eq!(drop.names(""), ["a.csv"]);
}

#[test]
fn bad_files_are_refused_by_name_and_the_next_ones_go_in() {
    let drop = Drop::new("");
    let with_manifest = |name: &str, manifest: &str| {
        drop.put_old(name, &list("x", 2), 90);
        drop.put(&format!("{name}.manifest"), manifest);
    };
    with_manifest("a.csv", "{\"rows\": 3}");
    with_manifest(
        "b.csv",
        &format!("{{\"rows\": 2, \"sha256\": \"{OTHER_SUM}\"}}"),
    );
    with_manifest("c.csv", &format!("{OTHER_SUM} *b.csv\n"));
    drop.put_done("d.csv", "");
    drop.put_done("e.csv", HEADER);
    drop.put_done("f.csv", "first_name,last_name\nAnn,Lee\n");
    drop.put_done("g.csv", &list("g", 2));
    drop.put_done("h.csv", "email,first_name,last_name\nnobody,Some,Body\n");
    // It may be on its way: a manifest can come first.
    drop.put("i.csv", &list("i", 2));
    drop.put("i.csv.json", "{\"rows\": 3}");
    let reported = drop.reported(2);
    assert_eq!(
        ends(&reported),
        "a.csv refused drop.truncated, b.csv refused drop.checksum, c.csv refused drop.manifest, \
         d.csv refused file.empty, e.csv refused file.no_rows, f.csv refused map.missing, \
         g.csv imported -, h.csv imported -"
    );
    assert_eq!(drop.names(""), ["done", "i.csv", "i.csv.json", "refused"]);
    assert_eq!(
        (drop.names("refused").len(), drop.names("done").len()),
        (6, 2)
    );
    assert_eq!(drop.count("accounts"), "2");
    let refused = folder_of(&drop, &reported[0]);
    let why = fs::read_to_string(refused.join("refusal.txt")).unwrap();
    assert!(
        why.contains("drop.truncated") && why.contains("2 rows"),
        "{why}"
    );
    assert!(refused.join("a.csv").is_file() && refused.join("a.csv.manifest").is_file());
    assert!(
        folder_of(&drop, &reported[7])
            .join("corrections.csv")
            .is_file()
    );
    let waiting = drop.visit(&[]);
    assert_eq!(waiting.exit, 0);
    assert!(
        waiting
            .stderr
            .contains("i.csv: `i.csv` has 2 rows, but its"),
        "{waiting:?}"
    );
    drop.put("i.csv", &list("i", 3));
    assert_eq!(ends(&drop.reported(0)), "i.csv imported -");
}

#[test]
fn the_same_and_older_files_change_nothing() {
    let drop = Drop::new("");
    let (one, two) = (list("a", 2), list("a", 3));
    drop.put_done("p-2024-09-02.csv", &one);
    assert_eq!(drop.reported(0)[0]["ended"], "imported");
    drop.put_done("p-2024-09-02.csv", &one);
    let again = drop.reported(0);
    assert_eq!(ends(&again), "p-2024-09-02.csv repeated drop.repeated");
    let note = fs::read_to_string(folder_of(&drop, &again[0]).join("repeated.txt")).unwrap();
    assert!(note.contains("already imported, by run 2"), "{note}");
    assert_eq!(drop.count("runs"), "1");
    drop.put_done("p-2024-09-03.csv", &two);
    drop.put_done("p-2024-09-01.csv", &list("old", 1));
    // The older one is first in line, but it is overtaken already.
    assert_eq!(
        ends(&drop.reported(2)),
        "p-2024-09-01.csv refused drop.stale, p-2024-09-03.csv imported -"
    );
    drop.put_done("copy.csv", &one);
    drop.put_done("p-2024-09-04.csv", &one);
    // Back to an earlier list, and the date says that this is meant.
    assert_eq!(
        ends(&drop.reported(0)),
        "p-2024-09-04.csv imported -, copy.csv repeated drop.repeated"
    );
    drop.put_old("u.csv", &list("u", 1), 100);
    drop.put_old("v.csv", &list("v", 1), 200);
    assert_eq!(
        ends(&drop.reported(0)),
        "v.csv imported -, u.csv imported -"
    );
    drop.put_old("w.csv", &list("w", 1), 150);
    assert_eq!(ends(&drop.reported(2)), "w.csv refused drop.stale");
    drop.put_old("y.csv", &list("y", 1), 80);
    let visited = drop.visit(&["--max-age", "1 minute"]);
    assert!(
        visited.exit == 2 && visited.stdout.contains("drop.stale"),
        "{visited:?}"
    );
    assert_eq!(drop.count("runs"), "5");
}

#[test]
fn one_visit_at_a_time_and_one_that_is_killed_is_taken_up() {
    let drop = Drop::new("[load]\nconnections = 1\nchunk_rows = 400\n");
    drop.put_done("first.csv", &list("first", 1));
    drop.reported(0);
    support::query(
        &drop.url,
        "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END $$;
         CREATE TRIGGER hold BEFORE INSERT ON muster.accounts FOR EACH ROW
             WHEN (NEW.run_row = 500) EXECUTE FUNCTION public.hold()",
    );
    let lock = support::Session::hold(&drop.url, "SELECT pg_advisory_lock(42)");
    drop.put_done("a.csv", &list("a", 1000));
    let running = drop.start(&[]);
    let waits =
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted";
    let began = Instant::now();
    while support::query_one(&drop.url, waits) == "0" {
        assert!(began.elapsed() < Duration::from_mins(1));
        thread::sleep(Duration::from_millis(10));
    }
    let second = drop.visit(&["--quiet"]);
    assert_eq!(
        (second.exit, second.stdout + second.stderr.as_str()),
        (5, String::new())
    );
    let second = drop.visit(&[]);
    assert!(
        second.exit == 5 && second.stderr.contains("run.locked"),
        "{second:?}"
    );
    assert_eq!(drop.names(""), ["a.csv", "a.csv.done", "done"]);
    assert_eq!(running.kill().exit, -1);
    std::mem::drop(lock);
    let begun = support::query_one(
        &drop.url,
        "SELECT id FROM muster.runs WHERE state = 'running'",
    );
    let reported = drop.reported(0);
    assert_eq!(
        (&reported[0]["run"], &reported[0]["counts"]["created"]),
        (&Value::from(begun), &Value::from(1000))
    );
    assert_eq!(
        (drop.count("runs"), drop.count("accounts")),
        ("2".into(), "1001".into())
    );
    let folder = folder_of(&drop, &reported[0]);
    assert!(folder.join("a.csv").is_file() && folder.join("summary.json").is_file());
    assert_eq!(drop.names(""), ["done"]);
}

/// Puts a moved file back, as a kill between the run's end and the move leaves it.
fn put_back(drop: &Drop, reported: &Value, name: &str) {
    fs::rename(folder_of(drop, reported).join(name), drop.path(name)).unwrap();
    drop.put(&format!("{name}.done"), "");
}

#[test]
fn killed_before_the_move_it_is_only_moved_and_nobody_is_reported_twice() {
    let mailbox = Mailbox::start(|_| Verdict::Take);
    let pipeline =
        "[mail]\nfrom = \"Acme <it@acme-industries.com>\"\nadmin = \"boss@acme-industries.com\"\n";
    for by_smtp in [false, true] {
        let mut drop = Drop::new(pipeline);
        if by_smtp {
            drop.environment
                .push(("MUSTER_SMTP".to_string(), mailbox.url()));
        }
        let mails = |drop: &Drop| match by_smtp {
            true => mailbox.kept().into_iter().map(|kept| kept.bytes).collect(),
            false => drop.outbox(),
        };
        drop.put_done("a.csv", &(list("a", 2) + "nobody,Some,Body\n"));
        let reported = drop.reported(1);
        let mail = mails(&drop);
        assert_eq!(mail.len(), 1);
        let parsed = MessageParser::default().parse(&mail[0]).unwrap();
        assert_eq!(
            parsed.subject(),
            Some("Import finished: 2 created, 1 to fix")
        );
        assert_eq!(parsed.attachment_count(), 1);
        put_back(&drop, &reported[0], "a.csv");
        let again = drop.reported(1);
        assert_eq!(again, reported);
        assert_eq!(drop.names(""), ["done"]);
        assert_eq!((drop.count("runs"), mails(&drop).len()), ("1".into(), 1));
        // A refused file is reported of, too, and the same file again is nothing to tell.
        drop.put_done("empty.csv", "");
        drop.put_done(
            "z.csv",
            &fs::read_to_string(folder_of(&drop, &reported[0]).join("a.csv")).unwrap(),
        );
        assert_eq!(
            ends(&drop.reported(2)),
            "empty.csv refused file.empty, z.csv repeated drop.repeated"
        );
        let mail = mails(&drop);
        assert_eq!(mail.len(), 2);
        let of_refusal = mail
            .iter()
            .map(|bytes| MessageParser::default().parse(bytes).unwrap())
            .find(|mail| mail.subject() == Some("Import refused"))
            .unwrap();
        let text = of_refusal.body_text(0).unwrap().into_owned();
        assert!(
            text.contains("file.empty") && text.contains("in/empty.csv"),
            "{text}"
        );
        assert!(!text.contains("Created"), "{text}");
    }
}

#[test]
fn a_mail_that_fails_is_a_warning() {
    let pipeline =
        "[mail]\nfrom = \"Acme <it@acme-industries.com>\"\nadmin = \"boss@acme-industries.com\"\n";
    let mut drop = Drop::new(pipeline);
    let mailbox = Mailbox::start(|_| Verdict::Refuse);
    drop.environment
        .push(("MUSTER_SMTP".to_string(), mailbox.url()));
    drop.put_done("a.csv", &list("a", 2));
    let visited = drop.visit(&["--quiet"]);
    assert_eq!(visited.exit, 0, "{visited:?}");
    assert!(
        visited
            .stderr
            .contains("the mail to the administrator about"),
        "{visited:?}"
    );
    assert_eq!(visited.stdout.lines().count(), 1, "{visited:?}");
    assert!(
        visited
            .stdout
            .starts_with("a.csv: 2 read, 2 created, run 2"),
        "{visited:?}"
    );
    assert_eq!(drop.names(""), ["done"]);
}

#[test]
fn what_is_none_of_its_business_is_left_alone() {
    let drop = Drop::new("");
    drop.put("secret", &list("secret", 1));
    std::os::unix::fs::symlink(drop.path("secret"), drop.path("link.csv")).unwrap();
    fs::create_dir(drop.path("sub.csv")).unwrap();
    for name in [
        ".a.csv",
        "b.csv.part",
        "c.csv.filepart",
        "d.pdf",
        "e.csv.done",
    ] {
        drop.put(name, &list("x", 1));
    }
    let before = drop.names("");
    let visited = drop.visit(&["--settle", "0"]);
    assert_eq!((visited.exit, visited.stdout.as_str()), (0, ""));
    assert_eq!(
        visited.stderr,
        "nothing to import in in\nignored: d.pdf, e.csv.done, link.csv, secret, sub.csv\n"
    );
    drop.put_done("f.csv", &list("f", 1));
    assert_eq!(ends(&drop.reported(0)), "f.csv imported -");
    let mut after = before;
    after.push("done".to_string());
    after.sort();
    assert_eq!(drop.names(""), after);
}

#[test]
fn a_folder_that_cannot_be_used_is_refused() {
    let drop = Drop::new("");
    fs::write(drop.folder.path().join("file"), "").unwrap();
    fs::create_dir(drop.folder.path().join("odd")).unwrap();
    fs::write(drop.folder.path().join("odd/done"), "").unwrap();
    let table: [(&[&str], &str); 9] = [
        (&["--drop", "none"], "drop.folder"),
        (&["--drop", "file"], "drop.folder"),
        (&["--drop", "odd"], "drop.folder"),
        (&["--drop", "in", "--max-age", "soon"], "usage.invalid"),
        (&["--drop", "in", "people.csv"], "cannot be used with"),
        (&["--drop", "in", "--out", "x"], "cannot be used with"),
        (&["people.csv", "--settle", "5"], "cannot be used with"),
        (&["--settle", "5"], "required arguments"),
        (&[], "required arguments"),
    ];
    for (arguments, expected) in table {
        let arguments = [&["import"], arguments].concat();
        let refused = support::run(drop.folder.path(), &drop.url, &arguments);
        assert_eq!(
            (refused.exit, refused.stdout.as_str()),
            (2, ""),
            "{arguments:?}"
        );
        assert!(refused.stderr.contains(expected), "{refused:?}");
    }
    // A database that can't be reached is not a fault of the file.
    drop.put_done("a.csv", &list("a", 1));
    let gone = "postgresql://nobody@127.0.0.1:1/none";
    let visited = drop.visit(&["--database", gone]);
    assert!(
        visited.exit == 2 && visited.stderr.contains("database."),
        "{visited:?}"
    );
    assert_eq!(drop.names(""), ["a.csv", "a.csv.done"]);
}
