//! Safeguards, with the real binary: what is too much of a kind is held, and nothing else is.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{self, Counts, Finished};

const HEADER: &str = "external_id,email,username,first_name,last_name,phone,role,status,groups";
const EMAIL: usize = 1;
const USERNAME: usize = 2;
const LAST_NAME: usize = 4;
const PHONE: usize = 5;
const ROLE: usize = 6;
const STATUS: usize = 7;
const GROUPS: usize = 8;

type Row = [String; 9];

fn person(number: usize) -> Row {
    let first = ["Anna", "Ben", "Chloe", "Dmitri", "Eve", "Farid", "Gro"][number % 7];
    let last = ["Lee", "Okafor", "Weiss", "Nunez", "Yamada"][number / 7 % 5];
    [
        format!("P-{number}"),
        format!("p{number}@acme-industries.com"),
        format!("p{number}"),
        first.into(),
        last.into(),
        format!("+4930200{number:05}"),
        "user".into(),
        "active".into(),
        "Team".into(),
    ]
}

/// People by their numbers, some of them changed.
fn people(numbers: std::ops::Range<usize>, change: impl Fn(usize, &mut Row)) -> String {
    let mut text = format!("{HEADER}\n");
    for number in numbers {
        let mut row = person(number);
        change(number, &mut row);
        writeln!(text, "{}", row.join(",")).unwrap();
    }
    text
}

/// A database, a pipeline and some people in it.
struct Place {
    folder: TempDir,
    url: String,
}

impl Place {
    fn new(safeguards: &str, number: usize) -> Place {
        let place = Place {
            folder: support::folder(),
            url: support::fresh_database(),
        };
        let pipeline = format!(
            "name = \"own\"\n[accounts]\nroles = [\"user\", \"manager\"]\n\
             [load]\nchunk_rows = 4000\nconnections = 1\n[gates]\n{safeguards}\n"
        );
        place.write("own.toml", &pipeline);
        place.write("people.csv", &people(0..number, |_, _| ()));
        let first = place.run("import", "people.csv", &[]);
        assert_eq!(first.exit, 0, "{first:?}");
        place
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn run(&self, verb: &str, file: &str, more: &[&str]) -> Finished {
        let arguments = [&[verb, file, "-p", "own.toml", "--json"], more].concat();
        support::run(self.folder.path(), &self.url, &arguments)
    }

    /// Checks a file, imports it, and sees that both say the same.
    fn import(&self, text: &str, more: &[&str]) -> Finished {
        self.write("now.csv", text);
        let before = support::accounts(&self.url);
        let checked = self.run("check", "now.csv", more);
        assert_eq!(support::accounts(&self.url), before);
        let imported = self.run("import", "now.csv", more);
        assert_eq!(checked.exit, imported.exit, "{imported:?}");
        assert_eq!(checked.counts(), imported.counts());
        assert_eq!(checked.json()["gates"], imported.json()["gates"]);
        imported
    }

    fn accounts(&self) -> String {
        support::accounts(&self.url).unwrap()
    }

    /// Moves all runs so far into the past.
    fn days_pass(&self, days: u32) {
        let sql =
            format!("UPDATE muster.runs SET started_at = started_at - interval '{days} days'");
        support::query(&self.url, &sql);
    }
}

/// The classes that were held, and what was said of the rows.
fn held(finished: &Finished) -> (Vec<String>, Vec<String>) {
    let summary = finished.json();
    let list = |key: &str| summary[key].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_string();
    let safeguards = list("gates")
        .into_iter()
        .filter(|safeguard| safeguard["ruling"] == "held");
    let codes = list("issues").into_iter().map(|issue| text(&issue["code"]));
    (
        safeguards
            .map(|safeguard| text(&safeguard["class"]))
            .collect(),
        codes.filter(|code| code.starts_with("gate.")).collect(),
    )
}

fn only(name: &str) -> Vec<String> {
    vec![name.to_string()]
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
fn each_class_is_held_over_its_limit_and_nothing_else_is() {
    // one in twenty of 40 accounts is two; three are too many
    let place = Place::new(
        "create = { share = 0.05, count = 2, base = 10 }\nupdate = { share = 0.5, count = 2 }\n\
         deactivate = { share = 0.05, count = 2 }\nemail_change = { share = 0.05, count = 2 }\n\
         role_raise = { share = 0.05, count = 2 }\nkey_change = { share = 0.05, count = 2 }\n\
         new_groups = { share = 0.05, count = 2, base = 1 }",
        40,
    );
    type Change = fn(&mut Row);
    let classes: [(&str, &str, usize, usize, Change); 7] = [
        ("create", "gate.create", 43, 0, |_| ()),
        ("update", "gate.update", 40, 21, |row| row[PHONE] += "1"),
        ("deactivate", "gate.deactivate", 40, 3, |row| {
            row[STATUS] = "deactivated".into();
        }),
        ("email_change", "gate.email_change", 40, 3, |row| {
            row[EMAIL].insert_str(0, "new.");
        }),
        ("role_raise", "gate.role_raise", 40, 3, |row| {
            row[ROLE] = "manager".into();
        }),
        ("key_change", "gate.key_change", 40, 3, |row| {
            row[USERNAME].insert_str(0, "new.");
        }),
        ("new_groups", "gate.new_groups", 40, 3, |row| {
            row[GROUPS] = format!("New {}", row[USERNAME]);
        }),
    ];
    for (round, (class, code, number, changed, change)) in classes.into_iter().enumerate() {
        let before = place.accounts();
        // somebody else gets another phone number, which is nobody's business
        let phone = format!("+49302111111{round}");
        let text = people(0..number, |number, row| {
            if number < changed {
                change(row);
            }
            if number == 39 {
                row[PHONE].clone_from(&phone);
            }
        });
        let imported = place.import(&text, &[]);
        assert_eq!(imported.exit, 3, "{class}: {imported:?}");
        assert_eq!(held(&imported), (only(class), only(code)), "{class}");
        let counts = imported.counts();
        // that is an update, too
        let expected = match class {
            "update" => (changed as u64 + 1, 0, 0),
            _ => (3, 1, 0),
        };
        assert_eq!(
            (counts.held, counts.updated, counts.created),
            expected,
            "{class}"
        );
        let lines = |text: &str| text.lines().map(String::from).collect::<Vec<_>>();
        let (before, after) = (lines(&before), lines(&place.accounts()));
        let differ = before.iter().zip(&after).filter(|(a, b)| a != b).count();
        assert_eq!(
            (before.len(), differ as u64),
            (after.len(), counts.updated),
            "{class}: something that is held was written"
        );
        let groups = support::query_one(&place.url, "SELECT count(*) FROM muster.groups");
        assert_eq!(groups, "1", "{class}");
        // phone numbers of round after round must not fill the window
        place.days_pass(8);
    }
    // two of each is fine, all in one file
    let fine = people(0..42, |number, row| match number {
        0..2 => row[STATUS] = "deactivated".into(),
        2..4 => row[EMAIL].insert_str(0, "new."),
        4..6 => row[ROLE] = "manager".into(),
        6..8 => row[USERNAME].insert_str(0, "new."),
        8..10 => row[GROUPS] = format!("New {number}"),
        _ => {}
    });
    let imported = place.import(&fine, &[]);
    assert_eq!(imported.exit, 0, "{imported:?}");
    assert_eq!((imported.counts().created, imported.counts().held), (2, 0));
}

#[test]
fn what_somebody_knows_of_goes_through_and_all_may_wait_for_it() {
    let place = Place::new(
        "on_hold = \"hold_all\"\ndeactivate = { share = 0.05, count = 2 }",
        40,
    );
    let before = place.accounts();
    let leavers = people(0..41, |number, row| {
        if number < 3 {
            row[STATUS] = "deactivated".into();
        }
    });
    let codes = ["gate.deactivate", "gate.others"]
        .map(String::from)
        .to_vec();
    for more in [
        &[][..],
        &["--allow", "deactivate=2"],
        &["--allow", "update=3"],
    ] {
        let imported = place.import(&leavers, more);
        assert_eq!(imported.exit, 3, "{imported:?}");
        assert_eq!(held(&imported), (only("deactivate"), codes.clone()));
        assert_eq!(
            (imported.counts().held, imported.counts().unchanged),
            (4, 37)
        );
        assert_eq!(place.accounts(), before);
    }
    let imported = place.import(&leavers, &["--allow", "deactivate=3"]);
    assert_eq!(imported.exit, 0, "{imported:?}");
    assert_eq!(
        (imported.counts().updated, imported.counts().created),
        (3, 1)
    );
    let safeguards = imported.json()["gates"].clone();
    let safeguard = safeguards
        .as_array()
        .unwrap()
        .iter()
        .find(|safeguard| safeguard["class"] == "deactivate");
    let safeguard = safeguard.unwrap();
    assert_eq!(
        (&safeguard["ruling"], &safeguard["allowed"]),
        (&"allowed".into(), &3.into())
    );
    let again = place.import(&leavers, &[]);
    assert_eq!((again.exit, again.counts().unchanged), (0, 41), "{again:?}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
fn what_is_approved_is_done_exactly_as_it_was_planned() {
    let safeguards =
        "email_change = { share = 0.01, count = 1 }\nrole_raise = { share = 0.01, count = 1 }";
    let later = people(0..42, |number, row| match number {
        // They pass on their addresses.
        0..=2 => row[EMAIL] = format!("p{}@acme-industries.com", (number + 1) % 3),
        5..=7 => row[ROLE] = "manager".into(),
        9 => {
            row[EMAIL].insert_str(0, "new.");
            row[ROLE] = "manager".into();
        }
        10 => row[LAST_NAME] = "Smith".into(),
        _ => {}
    });
    let all_at_once = Place::new(safeguards, 40);
    all_at_once.write("now.csv", &later);
    let allow = ["--allow", "email_change=4", "--allow", "role_raise=4"];
    assert_eq!(all_at_once.run("import", "now.csv", &allow).exit, 0);

    let place = Place::new(safeguards, 40);
    let imported = place.import(&later, &[]);
    assert_eq!(
        (imported.exit, imported.counts().held),
        (3, 7),
        "{imported:?}"
    );
    let summary = imported.json();
    let run = summary["run"]["id"].as_str().unwrap();
    assert_eq!(summary["files"]["plan"], "plan.parquet");
    let approve = |more: &[&str]| {
        let arguments = [&["approve", run, "--json"], more].concat();
        support::run(place.folder.path(), &place.url, &arguments)
    };
    // Somebody is at one of them before anybody approves.
    support::query(
        &place.url,
        "UPDATE muster.accounts SET last_name = 'Own' WHERE external_id = 'P-6'",
    );
    let unknown = approve(&["--class", "deactivate"]);
    assert_eq!(unknown.exit, 2, "{unknown:?}");
    let words = [
        "--class",
        "role_raise",
        "--by",
        "Ann Ng",
        "--reason",
        "promotions",
    ];
    let roles = approve(&words);
    assert_eq!(
        (roles.exit, roles.counts().updated, roles.counts().held),
        (3, 2, 5),
        "{roles:?}"
    );
    let both = ["gate.email_change", "gate.role_raise"].map(String::from);
    assert_eq!(held(&roles), (only("email_change"), both.to_vec()));
    let rest = approve(&[]);
    assert_eq!(
        (rest.exit, rest.counts().updated, rest.counts().held),
        (1, 4, 1),
        "{rest:?}"
    );
    assert_eq!(rest.json()["issues"][0]["code"], "plan.drifted");
    // The same again is done already, and says what it came to.
    for (words, first) in [(&[][..], &rest), (&words, &roles)] {
        let again = approve(words);
        assert_eq!((again.exit, again.json()), (first.exit, first.json()));
        assert!(
            again.stderr.contains("already approved what run"),
            "{again:?}"
        );
    }
    let last = support::run(
        place.folder.path(),
        &place.url,
        &["approve", "last", "--json"],
    );
    assert_eq!((last.exit, last.json()), (rest.exit, rest.json()));
    let without_p6 = |place: &Place| -> Vec<String> {
        let accounts = place.accounts();
        let lines = accounts.lines().filter(|line| !line.starts_with("P-6,"));
        lines.map(str::to_string).collect()
    };
    assert_eq!(without_p6(&place), without_p6(&all_at_once));
    let reported = support::run(place.folder.path(), &place.url, &["explain", "P-5"]);
    assert!(
        reported
            .stdout
            .contains("approved by Ann Ng: promotions; held as role_raise in run"),
        "{reported:?}"
    );
    let shown = support::run(place.folder.path(), &place.url, &["show", run, "--json"]);
    let safeguards = shown.json()["gates"].clone();
    let of = |safeguard: &&Value| safeguard["class"] == "role_raise";
    let safeguard = safeguards.as_array().unwrap().iter().find(of).unwrap();
    assert_eq!(
        (&safeguard["ruling"], &safeguard["approved_in"]),
        (&"allowed".into(), &roles.json()["run"]["id"])
    );
}

#[test]
fn what_an_applied_plan_holds_is_approved_as_its_check_saw_it() {
    let place = Place::new("email_change = { share = 0.01, count = 1 }", 40);
    let later = people(0..41, |number, row| {
        if number < 3 {
            row[EMAIL].insert_str(0, "new.");
        }
    });
    place.write("now.csv", &later);
    let checked = place.run("check", "now.csv", &["--plan", "now.plan"]);
    assert_eq!(checked.counts().held, 3, "{checked:?}");
    // Somebody is at one of them before the plan is applied.
    support::query(
        &place.url,
        "UPDATE muster.accounts SET last_name = 'Own' WHERE external_id = 'P-2'",
    );
    let run = |arguments: &[&str]| support::run(place.folder.path(), &place.url, arguments);
    let applied = run(&["apply", "now.plan", "--json"]);
    assert_eq!(
        (
            applied.exit,
            applied.counts().created,
            applied.counts().held
        ),
        (3, 1, 3),
        "{applied:?}"
    );
    assert_eq!(
        held(&applied),
        (only("email_change"), only("gate.email_change"))
    );
    let approved = run(&["approve", "last", "--json"]);
    assert_eq!(
        (
            approved.exit,
            approved.counts().updated,
            approved.counts().held
        ),
        (1, 2, 1),
        "{approved:?}"
    );
    assert_eq!(approved.json()["issues"][0]["code"], "plan.drifted");
    let ids = "SELECT string_agg(external_id, ' ' ORDER BY external_id) FROM muster.accounts \
         WHERE email LIKE 'new.%'";
    assert_eq!(support::query_one(&place.url, ids), "P-0 P-1");
}

#[test]
fn leavers_that_are_held_leave_when_that_is_approved_unless_they_are_back() {
    let safeguards =
        "deactivate = { share = 0.01, count = 2 }\n[leavers]\nmissing = \"deactivate\"";
    let place = Place::new(safeguards, 40);
    let before = place.accounts();
    let mut runs = Vec::new();
    for (first, left) in [(5, 5), (4, 4)] {
        let imported = place.import(&people(first..40, |_, _| ()), &[]);
        assert_eq!(imported.exit, 3, "{imported:?}");
        assert_eq!(imported.json()["leavers"]["held"], left, "{imported:?}");
        assert_eq!(place.accounts(), before);
        runs.push(imported.json()["run"]["id"].as_str().unwrap().to_string());
    }
    let approve =
        |run: &str| support::run(place.folder.path(), &place.url, &["approve", run, "--json"]);
    let gone = || {
        let sql = "SELECT string_agg(external_id, ' ' ORDER BY external_id) FROM muster.accounts
            WHERE status = 'deactivated'";
        support::query_one(&place.url, sql)
    };
    // P-4 was missing from the first list, and is on the second.
    let approved = approve(&runs[0]);
    assert_eq!(approved.exit, 0, "{approved:?}");
    assert_eq!(gone(), "P-0 P-1 P-2 P-3");
    assert_eq!(approve(&runs[1]).exit, 0);
    assert_eq!(gone(), "P-0 P-1 P-2 P-3");
    let undone = support::run(
        place.folder.path(),
        &place.url,
        &["undo", approved.json()["run"]["id"].as_str().unwrap()],
    );
    assert_eq!(undone.exit, 0, "{undone:?}");
    assert_eq!(place.accounts(), before);
    let again = approve(&runs[0]);
    assert_eq!(again.exit, 2, "{again:?}");
    assert!(again.stderr.contains("and was then undone"), "{again:?}");
}

#[test]
fn a_slow_leak_is_held_once_it_comes_to_too_much() {
    // five of a hundred a night, ten a week
    let place = Place::new("deactivate = { share = 0.05, count = 2 }", 100);
    let without = |leavers: usize| {
        people(0..100, |number, row| {
            if number < leavers {
                row[STATUS] = "deactivated".into();
            }
        })
    };
    for (leavers, exit, closed) in [(4, 0, "4"), (8, 0, "8"), (12, 3, "8"), (10, 0, "10")] {
        let imported = place.import(&without(leavers), &[]);
        assert_eq!(imported.exit, exit, "{leavers}: {imported:?}");
        let sql = "SELECT count(*) FROM muster.accounts WHERE status = 'deactivated'";
        assert_eq!(support::query_one(&place.url, sql), closed, "{leavers}");
        place.days_pass(1);
    }
    let full = place.import(&without(11), &[]);
    let safeguard = full.json()["gates"][1].clone();
    assert_eq!(safeguard["class"], "deactivate");
    assert_eq!(
        (&safeguard["count"], &safeguard["window_count"]),
        (&1.into(), &10.into())
    );
    assert_eq!((full.exit, &safeguard["window_limit"]), (3, &10.into()));
    // the first night leaves the window
    place.days_pass(4);
    let imported = place.import(&without(14), &[]);
    assert_eq!(
        (imported.exit, imported.counts().updated),
        (0, 4),
        "{imported:?}"
    );
}

#[test]
fn seats_that_are_not_there_are_given_to_nobody() {
    let place = Place::new("seats = 12", 10);
    let opened = people(0..10, |number, row| {
        if number == 0 {
            row[STATUS] = "deactivated".into();
        }
    });
    assert_eq!(place.import(&opened, &[]).exit, 0);
    // one comes back and three are new, where three seats are free
    let full = place.import(&people(0..13, |_, _| ()), &[]);
    assert_eq!(held(&full), (only("seats"), only("gate.seats")), "{full:?}");
    assert_eq!(
        (full.exit, full.counts().held, full.counts().created),
        (3, 4, 0)
    );
    let fits = place.import(&people(0..12, |_, _| ()), &[]);
    assert_eq!(
        (fits.exit, fits.counts().created, fits.counts().updated),
        (0, 2, 1)
    );
}

#[test]
fn a_nightly_file_unlike_the_last_one_is_held_whole() {
    let folder = support::folder();
    let url = support::fresh_database();
    let run = |verb: &str, text: &str| {
        fs::write(folder.path().join("export.csv"), text).unwrap();
        support::run(
            folder.path(),
            &url,
            &[verb, "export.csv", "-p", "hr-nightly", "--json"],
        )
    };
    // the personnel system exports names and numbers only
    let export = |numbers: std::ops::Range<usize>, change: &dyn Fn(&mut Vec<String>)| {
        let mut text = "Personalnummer;E-Mail;Vorname;Nachname;Telefon;Benutzername;\
            Gesellschaft;Organisationseinheit;Eintritt;Kostenstelle\n"
            .to_string();
        for number in numbers {
            let [id, email, username, first, last, phone, ..] = person(number);
            let mut row = vec![id, email, first, last, phone, username];
            row.extend(["Acme", "", "01.03.2021", "4100"].map(String::from));
            change(&mut row);
            writeln!(text, "{}", row.join(";")).unwrap();
        }
        text
    };
    let good = export(0..200, &|_| ());
    assert_eq!(run("import", &good).exit, 0);
    let before = support::accounts(&url);
    for (night, text) in [
        ("half of it", export(0..100, &|_| ())),
        (
            "shifted columns",
            export(0..200, &|row| row[..6].rotate_right(1)),
        ),
        (
            "first and last name exchanged",
            export(0..200, &|row| row.swap(2, 3)),
        ),
        (
            "one name for all",
            export(0..200, &|row| row[3] = "Lee".into()),
        ),
        ("a column lost", export(0..200, &|row| row[4].clear())),
        (
            "another company",
            export(0..200, &|row| row[1] = row[1].replace("acme", "other")),
        ),
    ] {
        let checked = run("check", &text);
        let imported = run("import", &text);
        assert_eq!(
            (checked.exit, imported.exit),
            (3, 3),
            "{night}: {imported:?}"
        );
        assert_eq!(checked.counts(), imported.counts(), "{night}");
        assert!(
            held(&imported).0.contains(&"content".to_string()),
            "{night}"
        );
        let counts = imported.counts();
        assert_eq!((counts.created, counts.updated), (0, 0), "{night}");
        assert!(
            support::accounts(&url) == before,
            "{night}: something was written"
        );
    }
    let next = run("import", &export(3..203, &|_| ()));
    assert_eq!((next.exit, next.counts().created), (0, 3), "{next:?}");
}

#[test]
fn rows_that_come_back_corrected_look_like_no_file() {
    let place = Place::new("content = \"hold\"", 1);
    let bad = people(0..80, |number, row| {
        if (3..6).contains(&number) {
            row[EMAIL] = format!("nobody{number}");
        }
    });
    let first = place.import(&bad, &[]);
    assert_eq!((first.exit, first.counts().rejected), (1, 3), "{first:?}");
    let run = first.json()["run"]["id"].as_str().unwrap().to_string();
    let corrections = Path::new("muster-runs").join(run).join("corrections.csv");
    let text = fs::read_to_string(place.folder.path().join(corrections)).unwrap();
    let fixed = (3..6).fold(text, |text, number| {
        let address = &person(number)[EMAIL];
        text.replace(&format!("nobody{number}"), address)
    });
    let second = place.import(&fixed, &[]);
    assert_eq!((second.exit, second.counts().created), (0, 3), "{second:?}");
    // and the whole file afterwards is compared with the whole file before
    let third = place.import(&people(0..80, |_, _| ()), &[]);
    assert_eq!((third.exit, third.counts().unchanged), (0, 80), "{third:?}");
}

#[test]
fn a_run_that_is_killed_goes_on_with_what_was_held_before() {
    const LOCK: &str = "SELECT pg_advisory_lock(43)";
    let safeguards = "update = { share = 1.0 }\nemail_change = { share = 0.01 }";
    // 120 of 9,000 are too many; those that are left after the first chunk alone would not be
    let changed = people(0..9000, |number, row| {
        if number % 75 == 0 {
            row[EMAIL].insert_str(0, "new.");
        } else if number % 2 == 0 {
            row[LAST_NAME] += "-Smith";
        }
    });
    let end = |place: &Place, finished: &Finished| -> (Counts, Value, String) {
        (
            finished.counts(),
            finished.json()["gates"].clone(),
            place.accounts(),
        )
    };
    let undisturbed = Place::new(safeguards, 9000);
    undisturbed.write("now.csv", &changed);
    let expected = undisturbed.run("import", "now.csv", &[]);
    assert_eq!((expected.exit, expected.counts().held), (3, 120));
    let place = Place::new(safeguards, 9000);
    place.write("now.csv", &changed);
    support::query(
        &place.url,
        "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_advisory_xact_lock(43); RETURN NEW; END $$;
         CREATE TRIGGER hold BEFORE UPDATE ON muster.accounts FOR EACH ROW
             WHEN (NEW.external_id = 'P-5002') EXECUTE FUNCTION public.hold()",
    );
    let lock = support::Session::hold(&place.url, LOCK);
    let arguments = ["import", "now.csv", "-p", "own.toml", "--json"];
    let running = support::start(place.folder.path(), &place.url, &arguments);
    let begun = Instant::now();
    let waits =
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 43 AND NOT granted";
    while support::query_one(&place.url, waits) == "0" {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "it never came to the second chunk"
        );
        thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(running.kill().exit, -1);
    drop(lock);
    let resumed = place.run("import", "now.csv", &[]);
    assert_eq!(resumed.json()["run"]["resumed"], true, "{resumed:?}");
    assert_eq!(resumed.exit, 3);
    let (counts, safeguards, accounts) = end(&place, &resumed);
    let (expected_counts, expected_safeguards, expected_accounts) = end(&undisturbed, &expected);
    assert_eq!((counts, safeguards), (expected_counts, expected_safeguards));
    assert!(accounts == expected_accounts, "other accounts");
    let issue = resumed.json()["issues"][0].clone();
    assert_eq!(
        (&issue["code"], &issue["count"]),
        (&"gate.email_change".into(), &120.into())
    );
    let ids = "SELECT count(*) FROM muster.accounts WHERE email LIKE 'new.%'";
    assert_eq!(support::query_one(&place.url, ids), "0");
}
