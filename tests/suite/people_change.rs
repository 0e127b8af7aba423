//! `muster people change`: a change of many accounts at once, and passwords that an administrator
//! gives.

use std::fs;
use std::path::Path;

use argon2::password_hash::PasswordVerifier;
use argon2::{Argon2, PasswordHash};
use tempfile::TempDir;

use crate::support::{self, Finished, query, query_one};

const PASSWORD: &str = "violet tractor under nine lamps";
const PEOPLE: &str = "Email,Username,First name,Last name,Groups,Status
ann@firm.eu,,Ann,Lee,Exam,active
,kim,Kim,Ng,Exam,active
bo@firm.eu,,Bo,Li,Exam,
cy@firm.eu,,Cy,Zed,Exam,deactivated
di@firm.eu,,Di,Um,,active
";
const PIPELINE: &str = "name = \"school\"\n[require]\nfields = []\nemail_or_username = true\n";

struct Place {
    folder: TempDir,
    url: String,
}

impl Place {
    /// With the people in it.
    fn new() -> Place {
        let place = Place {
            folder: support::folder(),
            url: support::fresh_database(),
        };
        place.write("own.toml", PIPELINE);
        place.write("people.csv", PEOPLE);
        place.write("password", &format!("{PASSWORD}\n"));
        let imported = place.run(&["import", "people.csv", "-p", "own.toml"]);
        assert_eq!(imported.exit, 0, "{imported:?}");
        place
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        support::run(self.folder.path(), &self.url, arguments)
    }

    /// With the password on stdin.
    fn give(&self, arguments: &[&str]) -> Finished {
        let input = self.folder.path().join("password");
        support::run_with_stdin(self.folder.path(), &self.url, &input, arguments)
    }

    /// Who has a password, its hash, and whether it must be changed.
    fn passwords(&self) -> Vec<(String, String, bool)> {
        let sql = "SELECT coalesce(email, username), password_hash, must_change::text
            FROM muster.credentials JOIN muster.accounts ON id = account_id ORDER BY 1";
        let rows = query(&self.url, sql).into_iter();
        rows.map(|row| {
            let text = |at: usize| row[at].clone().unwrap();
            (text(0), text(1), text(2) == "true")
        })
        .collect()
    }

    fn holders(&self) -> Vec<String> {
        self.passwords().into_iter().map(|(who, ..)| who).collect()
    }
}

fn opens(hash: &str) -> bool {
    let hash = PasswordHash::new(hash).unwrap();
    Argon2::default()
        .verify_password(PASSWORD.as_bytes(), &hash)
        .is_ok()
}

/// Every file below `folder` that has `text` in it.
fn files_with(folder: &Path, text: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_with(&path, text, found);
        } else {
            let bytes = fs::read(&path).unwrap();
            let has = bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes());
            found.extend(has.then(|| path.display().to_string()));
        }
    }
}

#[test]
fn a_class_gets_one_password_that_must_be_changed_and_that_is_nowhere_else() {
    let place = Place::new();
    let change = [
        "people",
        "change",
        "--only",
        "group:Exam",
        "--password-stdin",
        "-p",
        "own.toml",
    ];
    let preview = place.give(&change);
    assert_eq!(preview.exit, 0, "{preview:?}");
    assert!(place.passwords().is_empty(), "a preview writes nothing");
    let mut arguments = change.to_vec();
    arguments.push("--apply");
    let given = place.give(&arguments);
    assert_eq!(given.exit, 0, "{given:?}");
    for code in ["password.given", "password.withheld"] {
        assert!(preview.stdout.contains(code), "{preview:?}");
        assert!(given.stdout.contains(code), "{given:?}");
    }
    let passwords = place.passwords();
    assert_eq!(
        place.holders(),
        ["ann@firm.eu", "kim"],
        "only active people"
    );
    assert!(passwords.iter().all(|(_, hash, must)| *must && opens(hash)));
    assert_ne!(passwords[0].1, passwords[1].1, "each has a salt of its own");
    let mut found = Vec::new();
    for text in [PASSWORD, "$argon2id$"] {
        files_with(place.folder.path(), text, &mut found);
    }
    let input = place.folder.path().join("password").display().to_string();
    assert_eq!(
        found,
        [input],
        "neither the password nor a hash is in a file"
    );
    let sql = "SELECT count(*) FROM (
            SELECT runs::text FROM muster.runs UNION ALL SELECT changes::text FROM muster.changes
            UNION ALL SELECT chunks::text FROM muster.chunks
            UNION ALL SELECT decisions::text FROM muster.decisions
        ) kept (line) WHERE line LIKE '%violet%' OR line LIKE '%argon2%'";
    assert_eq!(query_one(&place.url, sql), "0");
    for finished in [&preview, &given] {
        assert!(!finished.stdout.contains("violet") && !finished.stderr.contains("violet"));
    }
}

#[test]
fn a_password_that_was_given_is_taken_back_with_its_run() {
    let place = Place::new();
    let change = [
        "people",
        "change",
        "--all",
        "--password-stdin",
        "--apply",
        "-p",
        "own.toml",
    ];
    let own = "INSERT INTO muster.credentials (account_id, password_hash)
        SELECT id, '$argon2id$own' FROM muster.accounts WHERE email = 'di@firm.eu'";
    query(&place.url, own);
    assert_eq!(place.give(&change).exit, 0);
    let given = place.passwords();
    assert_eq!(place.holders(), ["ann@firm.eu", "di@firm.eu", "kim"]);
    let chosen =
        "UPDATE muster.credentials SET password_hash = '$argon2id$chosen', must_change = false
        FROM muster.accounts WHERE id = account_id AND username = 'kim'";
    query(&place.url, chosen);
    let undone = place.run(&["undo", "last"]);
    assert_eq!(undone.exit, 1, "one is kept: {undone:?}");
    let after = place.passwords();
    let wanted = [("di@firm.eu", "$argon2id$own"), ("kim", "$argon2id$chosen")];
    for ((who, hash, must_change), (wanted_who, wanted_hash)) in after.iter().zip(wanted) {
        assert_eq!((who.as_str(), hash.as_str()), (wanted_who, wanted_hash));
        assert!(!must_change);
    }
    assert_eq!(after.len(), 2, "{after:?}");
    // And the undo itself is taken back.
    let runs = query_one(
        &place.url,
        "SELECT id FROM muster.runs ORDER BY started_at DESC LIMIT 1",
    );
    let again = place.run(&["undo", &runs]);
    assert_eq!(again.exit, 0, "{again:?}");
    let back = place.passwords();
    assert_eq!(back[..2], given[..2], "the given ones are back");
    assert_eq!(back[2].1, "$argon2id$chosen");
}

#[test]
fn people_who_are_added_get_the_password_and_nobody_else_does() {
    let place = Place::new();
    let add = |more: &[&str]| {
        let mut arguments = vec!["add", "neo@firm.eu", "ann@firm.eu", "--password-stdin"];
        arguments.extend(more);
        place.give(&arguments)
    };
    let refused = add(&[]);
    assert_eq!(refused.exit, 2, "{refused:?}");
    assert!(refused.stderr.contains("--onboarding setup"), "{refused:?}");
    let added = add(&["--onboarding", "setup", "--json"]);
    assert_eq!(added.exit, 0, "{added:?}");
    assert_eq!((added.counts().created, added.counts().unchanged), (1, 1));
    assert!(added.stdout.contains("password.kept"), "{added:?}");
    let passwords = place.passwords();
    assert_eq!(place.holders(), ["neo@firm.eu"]);
    assert!(passwords[0].2 && opens(&passwords[0].1));
    assert_eq!(place.run(&["undo", "last"]).exit, 0);
    assert!(place.passwords().is_empty(), "it goes with the account");
    place.write("password", "Ann's own weak one\n");
    for (text, why) in [
        ("short\n", "fewer than 15 characters"),
        ("", "no password on stdin"),
        ("two lines of it\nare no password\n", "several lines"),
        ("passwordpassword\n", "easy to guess"),
        ("vKz8#qLw-neo@firm\n", ""),
        (
            "tall ships of lindqvist sail\n",
            "the name of one of these people",
        ),
    ] {
        place.write("password", text);
        let refused = place.give(&[
            "add",
            "Eva Lindqvist <eva@firm.eu>",
            "--onboarding",
            "setup",
            "--password-stdin",
        ]);
        if why.is_empty() {
            assert_eq!(refused.exit, 0, "{refused:?}");
            continue;
        }
        assert_eq!(refused.exit, 2, "{text}: {refused:?}");
        assert!(refused.stderr.contains(why), "{text}: {refused:?}");
        assert!(!refused.stderr.contains("lindqvist"), "{refused:?}");
    }
}

#[test]
fn a_plan_that_a_safeguard_held_needs_the_password_again() {
    let place = Place::new();
    place.write(
        "own.toml",
        &format!("{PIPELINE}[gates.update]\nshare = 0.1\ncount = 1\nbase = 1\n"),
    );
    let change = [
        "people",
        "change",
        "--only",
        "group:Exam",
        "--password-stdin",
        "--apply",
        "-p",
        "own.toml",
    ];
    let held = place.give(&change);
    assert_eq!(held.exit, 3, "{held:?}");
    assert!(place.passwords().is_empty());
    let approved = place.run(&["approve", "last"]);
    assert_eq!(approved.exit, 2, "{approved:?}");
    assert!(
        approved.stderr.contains("which no plan contains"),
        "{approved:?}"
    );
    let mut arguments = change.to_vec();
    arguments.extend(["--allow", "update=5"]);
    assert_eq!(place.give(&arguments).exit, 0);
    assert_eq!(place.holders(), ["ann@firm.eu", "kim"]);
}

#[test]
fn a_change_that_is_too_large_is_held_and_approved_as_planned() {
    let place = Place::new();
    place.write(
        "own.toml",
        &format!("{PIPELINE}[gates.update]\nshare = 0.1\ncount = 1\nbase = 1\n"),
    );
    let held = place.run(&[
        "people",
        "change",
        "--all",
        "--set",
        "phone=+41441234567",
        "--apply",
        "-p",
        "own.toml",
    ]);
    assert_eq!(held.exit, 3, "{held:?}");
    let phones = "SELECT count(phone) FROM muster.accounts";
    assert_eq!(query_one(&place.url, phones), "0");
    let approved = place.run(&["approve", "last"]);
    assert_eq!(approved.exit, 0, "{approved:?}");
    assert_eq!(query_one(&place.url, phones), "5");
    assert_eq!(place.run(&["undo", "last"]).exit, 0);
    assert_eq!(query_one(&place.url, phones), "0");
}

#[test]
fn an_account_that_goes_away_meanwhile_is_not_made_again() {
    let place = Place::new();
    let planned = place.run(&[
        "people",
        "change",
        "--all",
        "--set",
        "phone=+41441234567",
        "--plan",
        "p.parquet",
        "-p",
        "own.toml",
    ]);
    assert_eq!(planned.exit, 0, "{planned:?}");
    query(
        &place.url,
        "DELETE FROM muster.accounts WHERE username = 'kim'",
    );
    let applied = place.run(&["apply", "p.parquet", "--json"]);
    assert_eq!(applied.exit, 1, "{applied:?}");
    let counts = applied.counts();
    assert_eq!((counts.updated, counts.held, counts.created), (4, 1, 0));
    let replanned = place.run(&["apply", "p.parquet", "--replan-drifted", "--json"]);
    assert_eq!(replanned.counts().rejected, 1, "{replanned:?}");
    assert_eq!(
        query_one(&place.url, "SELECT count(*) FROM muster.accounts"),
        "4"
    );
}

#[test]
fn what_people_changed_by_hand_stays_where_a_pipeline_keeps_what_others_set() {
    let place = Place::new();
    place.write(
        "own.toml",
        &format!("{PIPELINE}[update]\ndefault = \"own\"\n"),
    );
    let change = ["people", "change", "--only", "ann@firm.eu"];
    let mut arguments = change.to_vec();
    arguments.extend(["--set", "last_name=Fox", "--apply", "-p", "own.toml"]);
    assert_eq!(place.run(&arguments).exit, 0);
    let again = place.run(&["import", "people.csv", "-p", "own.toml", "--json"]);
    assert_eq!(again.counts().updated, 0, "{again:?}");
    let sql = "SELECT last_name FROM muster.accounts WHERE email = 'ann@firm.eu'";
    assert_eq!(query_one(&place.url, sql), "Fox");
}
