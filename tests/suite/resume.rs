//! Runs that are killed at every step and go on: nothing tells their end from that of a run that
//! nobody disturbed.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{self, Finished};

/// Where a run is killed: what it waits for then, and what is in by that time.
const STEPS: [(&str, &str); 6] = [
    ("INSERT ON muster.decisions", "NEW.page = -1"),
    ("INSERT ON muster.chunks", "NEW.first_row = -1"),
    ("INSERT ON muster.chunks", "NEW.first_row = 0"),
    ("INSERT ON muster.chunks", "NEW.first_row > 7"),
    (
        "UPDATE ON muster.runs",
        "NEW.leavers_at IS DISTINCT FROM OLD.leavers_at",
    ),
    ("UPDATE ON muster.runs", "NEW.state = 'finished'"),
];

const HEADER: &str = "external_id,email,first_name,last_name,role,groups";

const PIPELINE: &str = "name = \"own\"\n[accounts]\nroles = [\"user\", \"manager\"]\n\
    [load]\nconnections = 1\nchunk_rows = 1\n[leavers]\nmissing = \"deactivate\"\n[gates]\n";

const FILES: [&str; 3] = ["one.csv", "two.csv", "three.csv"];

/// Twenty people in a database, and files that do everything to them that a list can do: people
/// come, change, leave, pass on their addresses, clash, are refused, and are too many managers.
struct Place {
    folder: TempDir,
    template: String,
}

fn line(id: &str, email: &str, last_name: &str, role: &str, group: &str) -> String {
    format!("{id},{email},Kim,{last_name},{role},{group}")
}

impl Place {
    fn new(safeguards: &str) -> Place {
        let folder = support::folder();
        let write = |name: &str, lines: &[String]| {
            let text = format!("{HEADER}\n{}\n", lines.join("\n"));
            fs::write(folder.path().join(name), text).unwrap();
        };
        let known = |number: usize| {
            let email = format!("p{number}@acme-industries.com");
            line(&format!("P-{number}"), &email, "Lee", "user", "Team")
        };
        let changed = |number: usize, email: &str, last_name: &str, role: &str| {
            let email = format!("{email}{number}@acme-industries.com");
            line(&format!("P-{number}"), &email, last_name, role, "Team")
        };
        let new = |id: usize, email: &str| {
            let email = format!("{email}@acme-industries.com");
            line(&format!("N-{id}"), &email, "Doe", "user", "Team; New")
        };
        let first: Vec<String> = (0..20).map(known).collect();
        write("first.csv", &first);
        write(
            "one.csv",
            &[
                // Two get addresses that others give up further down.
                new(100, "p0"),
                new(101, "n101"),
                new(102, "same"),
                known(5),
                new(105, "p6"),
            ],
        );
        write(
            "two.csv",
            &[
                changed(0, "q", "Lee", "user"),
                changed(1, "p", "Lee", "manager"),
                changed(2, "p", "Smith", "user"),
                new(103, "same"),
                new(104, "refused"),
                changed(6, "q", "Lee", "user"),
            ],
        );
        write(
            "three.csv",
            &[
                known(3),
                changed(4, "p", "Lee", "manager"),
                line("N-106", "nobody", "Doe", "user", "Team"),
                known(3),
                // A second row about somebody.
                line("", "p5@acme-industries.com", "Lee", "user", "Team"),
                known(7),
                new(107, "n107"),
            ],
        );
        let pipeline = format!("{PIPELINE}{safeguards}\n");
        fs::write(folder.path().join("own.toml"), pipeline).unwrap();
        let template = support::fresh_database();
        let place = Place { folder, template };
        let imported = place.run(&place.template, &["import", "first.csv", "-p", "own.toml"]);
        assert_eq!(imported.exit, 0, "{imported:?}");
        support::query(
            &place.template,
            "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON muster.accounts FOR EACH ROW
                 WHEN (NEW.email LIKE 'refused@%') EXECUTE FUNCTION public.refuse()",
        );
        place
    }

    fn run(&self, url: &str, line: &[&str]) -> Finished {
        support::run(self.folder.path(), url, line)
    }

    /// Runs `line` on a copy of the template, undisturbed.
    fn undisturbed(&self, line: &[&str]) -> End {
        let url = support::copy_database(&self.template);
        Self::end(&url, &self.run(&url, line))
    }

    /// Runs `line` on a copy of the template, kills it where it waits to do what `step` says, and runs
    /// it again.
    fn killed(&self, line: &[&str], (event, when): (&str, &str)) -> End {
        let url = support::copy_database(&self.template);
        hold_up(&url, event, when);
        let lock = support::Session::hold(&url, LOCK);
        let running = support::start(self.folder.path(), &url, line);
        wait_until_held_up(&url);
        assert_eq!(running.kill().exit, -1);
        drop(lock);
        let again = self.run(&url, line);
        assert_eq!(again.json()["run"]["resumed"], true, "{again:?}");
        Self::end(&url, &again)
    }

    /// Kills `line` at every step, where it comes to that.
    fn assert_always_the_same(&self, line: &[&str], steps: &[(&str, &str)]) {
        let expected = self.undisturbed(line);
        for step in steps {
            let end = self.killed(line, *step);
            for (name, part) in &expected.parts {
                let other = end.parts.get(name).map_or("", String::as_str);
                assert!(
                    other == part,
                    "{name} of {line:?} at {step:?}: {part}\n\n{other}"
                );
            }
            assert_eq!(
                end.parts.len(),
                expected.parts.len(),
                "{line:?} at {step:?}"
            );
        }
    }

    fn end(url: &str, finished: &Finished) -> End {
        let reported = finished.json();
        let id = reported["run"]["id"].as_str().unwrap().to_string();
        let same = |text: &str| text.replace(&id, "RUN");
        let mut parts = BTreeMap::new();
        let mut keep = |name: &str, text: String| {
            parts.insert(name.to_string(), text);
        };
        let mut summary: Value = serde_json::from_str(&same(&finished.stdout)).unwrap();
        let run = summary["run"].as_object_mut().unwrap();
        for of_its_time in [
            "started_at",
            "finished_at",
            "resumed",
            "matched_against",
            "share",
        ] {
            run.shift_remove(of_its_time);
        }
        summary["next"].take();
        keep("exit", finished.exit.to_string());
        keep("summary", format!("{summary:#}"));
        let sql = format!("SELECT folder FROM muster.runs WHERE id = '{id}'");
        let folder = support::query_one(url, &sql);
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = fs::read(&path).unwrap();
            let is_text = name.ends_with(".csv");
            let text = is_text.then(|| same(&String::from_utf8(text).unwrap()));
            keep(&name, text.unwrap_or_default());
        }
        keep("accounts", support::accounts(url).unwrap());
        let of_run = [
            "SELECT row, before, after FROM muster.changes WHERE run_id = 'RUN' ORDER BY 1",
            "SELECT row, outcome, settles FROM muster.mends WHERE run_id = 'RUN' ORDER BY 1",
            "SELECT first_row, outcomes FROM muster.chunks WHERE run_id = 'RUN' ORDER BY 1",
            "SELECT runs, last_run = 'RUN' FROM muster.absences ORDER BY account_id",
            "SELECT kind, state FROM muster.runs ORDER BY id",
            "SELECT path, run_id = 'RUN' FROM muster.groups ORDER BY 1",
            "SELECT count(*) FROM muster.decisions WHERE run_id = 'RUN'
                AND (SELECT shared_at FROM muster.runs WHERE id = 'RUN') IS NULL",
        ];
        for sql in of_run {
            let rows = support::query(url, &sql.replace("RUN", &id));
            keep(sql, format!("{rows:?}"));
        }
        End { parts }
    }
}

/// What a run leaves, by the names of its parts.
struct End {
    parts: BTreeMap<String, String>,
}

const LOCK: &str = "SELECT pg_advisory_lock(4302)";

fn hold_up(url: &str, event: &str, when: &str) {
    let sql = format!(
        "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_advisory_xact_lock(4302); RETURN NEW; END $$;
         CREATE TRIGGER hold BEFORE {event} FOR EACH ROW
             WHEN ({when}) EXECUTE FUNCTION public.hold()"
    );
    support::query(url, &sql);
}

fn wait_until_held_up(url: &str) {
    let waits = "SELECT count(*) FROM pg_locks
        WHERE locktype = 'advisory' AND objid = 4302 AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    support::wait_until(|| support::query_one(url, waits) != "0");
}

/// More than one new manager waits, all else goes in.
const FEW_MANAGERS: &str = "role_raise = { share = 0.01, count = 1 }\n\
    update = { share = 1.0 }\ndeactivate = { share = 1.0 }\nemail_change = { share = 1.0 }\n\
    new_groups = { share = 1.0 }";

#[test]
fn an_import_ends_as_if_nobody_had_killed_it() {
    let place = Place::new(FEW_MANAGERS);
    let line = [&["import"], FILES.as_slice(), &["-p", "own.toml", "--json"]].concat();
    let end = place.undisturbed(&line);
    let summary: Value = serde_json::from_str(&end.parts["summary"]).unwrap();
    let counts = |name: &str| summary["counts"][name].as_u64().unwrap();
    let all = [
        "created",
        "updated",
        "rejected",
        "held",
        "failed",
        "duplicate",
    ]
    .map(counts);
    assert_eq!(all, [4, 3, 5, 2, 1, 1], "{summary:#}");
    assert_eq!(summary["leavers"]["deactivated"], 12, "{summary:#}");
    assert_eq!(end.parts["exit"], "3");
    place.assert_always_the_same(&line, &STEPS);
}

#[test]
fn an_apply_ends_as_if_nobody_had_killed_it() {
    let place = Place::new(FEW_MANAGERS);
    let plan = ["-p", "own.toml", "--plan", "plan.parquet"];
    let check = [&["check"], FILES.as_slice(), &plan].concat();
    assert_eq!(place.run(&place.template, &check).exit, 3);
    place.assert_always_the_same(&["apply", "plan.parquet", "--json"], &STEPS);
    let shared = ["apply", "plan.parquet", "--share", "--json"];
    place.assert_always_the_same(&shared, &STEPS);
}

#[test]
fn an_approval_ends_as_if_nobody_had_killed_it() {
    let place = Place::new(
        "email_change = { share = 0.01, count = 1 }\ndeactivate = { share = 0.01, count = 2 }\n\
         update = { share = 1.0 }\nnew_groups = { share = 1.0 }\nrole_raise = { share = 1.0 }",
    );
    let import = [&["import"], FILES.as_slice(), &["-p", "own.toml", "--json"]].concat();
    let held = place.run(&place.template, &import);
    assert_eq!((held.exit, held.counts().held), (3, 4), "{held:?}");
    let run = held.json()["run"]["id"].as_str().unwrap().to_string();
    let approve = ["approve", &run, "--json"];
    let end = place.undisturbed(&approve);
    let summary: Value = serde_json::from_str(&end.parts["summary"]).unwrap();
    assert_eq!(
        (
            &summary["counts"]["created"],
            &summary["counts"]["updated"],
            &summary["leavers"]["deactivated"]
        ),
        (&2.into(), &2.into(), &12.into()),
        "{summary:#}"
    );
    // Nothing of the last chunk is approved.
    let steps = STEPS
        .into_iter()
        .filter(|(_, when)| *when != "NEW.first_row > 7");
    place.assert_always_the_same(&approve, &steps.collect::<Vec<_>>());
}

#[test]
fn what_other_runs_have_overtaken_begins_again_and_says_so() {
    let place = Place::new(FEW_MANAGERS);
    let line = [&["import"], FILES.as_slice(), &["-p", "own.toml", "--json"]].concat();
    let url = support::copy_database(&place.template);
    let (event, when) = STEPS[3];
    hold_up(&url, event, when);
    let lock = support::Session::hold(&url, LOCK);
    let running = support::start(place.folder.path(), &url, &line);
    wait_until_held_up(&url);
    running.kill();
    drop(lock);
    support::query(&url, "DROP TRIGGER hold ON muster.chunks");
    let other = place.run(&url, &["import", "first.csv", "-p", "own.toml", "--json"]);
    assert_eq!((other.exit, other.counts().created), (1, 0), "{other:?}");
    let again = place.run(&url, &line);
    assert_eq!(again.json()["run"].get("resumed"), None, "{again:?}");
    assert!(again.stderr.contains("can't be continued"), "{again:?}");
    // Who came with the first chunks is known.
    let counts = again.counts();
    assert_eq!((counts.created, counts.failed), (1, 1), "{again:?}");
    let sql = "SELECT count(*) FROM muster.accounts WHERE external_id LIKE 'N-%'";
    assert_eq!(support::query_one(&url, sql), "4");
    let unfinished = "SELECT count(*) FROM muster.runs WHERE state <> 'finished'";
    assert_eq!(support::query_one(&url, unfinished), "0");
}
