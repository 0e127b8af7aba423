//! `fixtures/cases/<what-it-shows>/`: input files, a `command` of one `muster` call a line, and
//! what is expected of it under `expected/`:
//!
//! | file | holds |
//! |---|---|
//! | `stdout`, `stderr` | what all calls printed, each below its own line |
//! | `exit` | an exit code a line |
//! | `corrections.csv` | the last run's corrections file, or files one after the other |
//! | `accounts.csv` | all accounts afterwards, if the calls made the table |
//!
//! A line `sql FILE` in `command` runs that file against the case's database instead, as an
//! application beside muster would. Nothing may be expected that isn't there, nor the reverse.
//!
//! `MUSTER_CASE=NAME` runs those with that in their names. `MUSTER_BLESS=1` writes `expected/` again. The test that every code is shown runs beside that,
//! and sees a new code only the next time.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::support;

/// What a case gave or should give: file name → content.
type Files = BTreeMap<String, String>;

const FILES: [&str; 5] = [
    "stdout",
    "stderr",
    "exit",
    "corrections.csv",
    "accounts.csv",
];

/// Codes that need more than files and commands, and the test that shows each.
const SHOWN_ELSEWHERE: &[(&str, &str)] = &[
    (
        "file.changed",
        "a_file_that_grows_while_it_is_read_is_refused",
    ),
    (
        "file.limit",
        "a_sheet_with_more_columns_than_a_list_has_is_over_the_limit",
    ),
    (
        "run.stopped",
        "a_run_that_is_interrupted_stops_cleanly_and_goes_on_when_it_is_run_again",
    ),
    (
        "database.missing",
        "without_a_server_and_a_url_it_says_what_to_do",
    ),
    (
        "database.unreachable",
        "a_database_that_nobody_listens_at_is_unreachable",
    ),
    ("database.login", "a_wrong_password_is_a_refused_login"),
    (
        "target.conflict",
        "what_conflicts_with_a_mapping_is_refused_with_its_column",
    ),
    (
        "target.other",
        "what_conflicts_with_a_mapping_is_refused_with_its_column",
    ),
    (
        "database.rights",
        "a_user_without_rights_is_reported_which_right_is_missing",
    ),
    (
        "database.tls",
        "a_server_without_tls_gets_no_password_where_tls_is_asked_for",
    ),
    (
        "database.version",
        "a_database_of_a_newer_muster_is_left_alone",
    ),
    (
        "mail.server",
        "what_cannot_be_sent_is_said_before_anything_is",
    ),
    ("mail.refused", "too_many_refusals_stop_the_rest"),
    (
        "gate.create",
        "each_class_is_held_over_its_limit_and_nothing_else_is",
    ),
    (
        "gate.update",
        "each_class_is_held_over_its_limit_and_nothing_else_is",
    ),
    (
        "gate.key_change",
        "each_class_is_held_over_its_limit_and_nothing_else_is",
    ),
    (
        "gate.new_groups",
        "each_class_is_held_over_its_limit_and_nothing_else_is",
    ),
    (
        "password.given",
        "a_class_gets_one_password_that_must_be_changed_and_that_is_nowhere_else",
    ),
    (
        "password.withheld",
        "a_class_gets_one_password_that_must_be_changed_and_that_is_nowhere_else",
    ),
    (
        "run.locked",
        "a_second_import_waits_for_nobody_and_writes_nothing",
    ),
];

#[test]
fn every_case_ends_as_expected() {
    let bless = std::env::var_os("MUSTER_BLESS").is_some();
    let only = std::env::var("MUSTER_CASE").unwrap_or_default();
    let mut cases = folders();
    cases.retain(|case| case.to_string_lossy().contains(&only));
    let queue = Mutex::new(cases);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(case) = next(&queue) {
                    let name = case.file_name().unwrap().to_string_lossy().into_owned();
                    let actual = run(&case);
                    if bless {
                        write_expected(&case, &actual);
                    }
                    let differences = compare(&expected(&case), &actual);
                    println!(
                        "case {name}: {}",
                        if differences.is_empty() {
                            "ok"
                        } else {
                            "FAILED"
                        }
                    );
                    if !differences.is_empty() {
                        failures
                            .lock()
                            .unwrap()
                            .push(format!("== {name}\n{differences}"));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(
        failures.is_empty(),
        "{} cases differ\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn every_code_is_shown_by_a_case_or_a_test() {
    let shown: String = folders()
        .iter()
        .flat_map(|case| expected(case).into_values())
        .collect();
    for code in codes() {
        let special = SHOWN_ELSEWHERE.iter().find(|(special, _)| *special == code);
        if let Some((_, function)) = special {
            let modules = fs::read_dir(support::repository().join("tests/suite")).unwrap();
            let source: String = modules
                .map(|module| module.unwrap().path())
                .filter(|path| path.is_file() && path.file_name().unwrap() != "cases.rs")
                .map(|path| fs::read_to_string(path).unwrap())
                .collect();
            assert!(
                source.contains(&format!("fn {function}(")),
                "no test `{function}` for `{code}`"
            );
            assert!(
                source.contains(&format!("\"{code}\"")),
                "no test asserts `{code}`"
            );
        } else {
            assert!(shown.contains(&code), "no case shows `{code}`");
        }
    }
}

/// The codes in the table of `issue.rs`, read as text.
fn codes() -> Vec<String> {
    let source = fs::read_to_string(support::repository().join("src/issue.rs")).unwrap();
    let severities = [" Refuse ", " Reject ", " Warning ", " Note "];
    let codes: Vec<String> = source
        .lines()
        .filter(|line| severities.iter().any(|severity| line.contains(severity)))
        .filter_map(|line| Some(line.split('"').nth(1)?.to_string()))
        .filter(|code| code.contains('.') && !code.contains(' '))
        .collect();
    assert!(codes.len() > 50, "the table of codes was not found");
    codes
}

fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(support::repository().join("fixtures/cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders
}

fn next(queue: &Mutex<Vec<PathBuf>>) -> Option<PathBuf> {
    queue.lock().unwrap().pop()
}

fn run(case: &Path) -> Files {
    let database = support::fresh_database();
    let temporary = support::folder();
    let folder = temporary.path().join("work");
    fs::create_dir(&folder).unwrap();
    copy_inputs(case, &folder);
    let mut files = Files::new();
    let mut runs = Vec::new();
    let command = fs::read_to_string(case.join("command")).unwrap();
    for line in command.lines().filter(|line| !line.is_empty()) {
        if let Some(file) = line.strip_prefix("sql ") {
            support::query(&database, &fs::read_to_string(folder.join(file)).unwrap());
            continue;
        }
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let finished = support::run(&folder, &database, &words);
        let new = run_folders(&folder);
        runs.extend(
            new.into_iter()
                .filter(|run| !runs.contains(run))
                .collect::<Vec<_>>(),
        );
        let mut add =
            |name: &str, text: &str| files.entry(name.to_string()).or_default().push_str(text);
        add("stdout", &format!("$ muster {line}\n{}", finished.stdout));
        add("stderr", &format!("$ muster {line}\n{}", finished.stderr));
        add("exit", &format!("{}\n", finished.exit));
    }
    for name in ["corrections.csv", "corrections-1.csv", "corrections-2.csv"] {
        let path = runs.last().map(|run| run.join(name));
        if let Some(text) = path.and_then(|path| fs::read_to_string(path).ok()) {
            *files.entry("corrections.csv".to_string()).or_default() += &text;
        }
    }
    if let Some(accounts) = support::accounts(&database) {
        files.insert("accounts.csv".to_string(), accounts);
    }
    let redact = Redact::new(&folder, &database, &runs);
    files
        .values_mut()
        .for_each(|text| *text = redact.apply(text));
    files
}

fn copy_inputs(case: &Path, folder: &Path) {
    for entry in fs::read_dir(case).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_file() && name != "command" {
            fs::copy(&path, folder.join(name)).unwrap();
        } else if path.is_dir() && name != "expected" {
            fs::create_dir(folder.join(name)).unwrap();
            copy_inputs(&path, &folder.join(name));
        }
    }
}

/// Words separated by spaces; quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match c {
            '\'' | '"' if quote.is_none() => quote = Some(c),
            c if quote == Some(c) => quote = None,
            ' ' if quote.is_none() => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn run_folders(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder.join("muster-runs")) else {
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Takes out of a text what is another at every run.
struct Redact {
    replacements: Vec<(String, String)>,
}

impl Redact {
    fn new(folder: &Path, database: &str, runs: &[PathBuf]) -> Redact {
        let before = database.split('?').next().unwrap();
        let name = before.rsplit('/').next().unwrap();
        let mut replacements = vec![
            (database.to_string(), "DATABASE-URL".to_string()),
            (
                support::server().home.display().to_string(),
                "HOME".to_string(),
            ),
            (folder.display().to_string(), "FOLDER".to_string()),
            (format!("/{name}?"), "/DATABASE?".to_string()),
            (format!("\"{name}\""), "\"DATABASE\"".to_string()),
        ];
        for (index, run) in runs.iter().enumerate() {
            let id = run.file_name().unwrap().to_string_lossy().into_owned();
            replacements.push((id, format!("RUN-{}", index + 1)));
        }
        Redact { replacements }
    }

    fn apply(&self, text: &str) -> String {
        let mut text = text.to_string();
        for (from, to) in &self.replacements {
            text = text.replace(from, to);
        }
        for (shape, to) in SHAPES {
            text = replace_shape(&text, shape, to);
        }
        let lines = text.split_inclusive('\n');
        let untimed = lines.map(|line| match line.split_once(", finished, ") {
            Some((run, _)) => format!("{run}, finished, SECONDS\n"),
            None => line.to_string(),
        });
        untimed.collect()
    }
}

/// What looks like this is another at every run. `9` is any digit, `x` any hexadecimal one.
const SHAPES: &[(&str, &str)] = &[
    ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "ACCOUNT-ID"),
    ("2999-99-99 99:99", "TIME"),
    ("29999999-999999-xxxx", "RUN-ID"),
];

fn replace_shape(text: &str, shape: &str, to: &str) -> String {
    let is_here = |rest: &str| {
        rest.len() >= shape.len()
            && shape
                .bytes()
                .zip(rest.bytes())
                .all(|(wanted, byte)| match wanted {
                    b'9' => byte.is_ascii_digit(),
                    b'x' => byte.is_ascii_hexdigit(),
                    _ => wanted == byte,
                })
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if is_here(rest) {
            out.push_str(to);
            shape.len()
        } else {
            out.push(c);
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    out
}

fn expected(case: &Path) -> Files {
    let folder = case.join("expected");
    let Ok(entries) = fs::read_dir(&folder) else {
        return Files::new();
    };
    entries
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read_to_string(&path).unwrap(),
            )
        })
        .collect()
}

fn write_expected(case: &Path, actual: &Files) {
    let folder = case.join("expected");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    for (name, text) in actual {
        fs::write(folder.join(name), text).unwrap();
    }
}

fn compare(expected: &Files, actual: &Files) -> String {
    let mut out = String::new();
    for name in expected
        .keys()
        .filter(|name| !FILES.contains(&name.as_str()))
    {
        out.push_str(&format!(
            "-- expected/{name} is not a file that cases give\n"
        ));
    }
    for name in FILES {
        match (expected.get(name), actual.get(name)) {
            (None, None) => {}
            (Some(_), None) => {
                out.push_str(&format!("-- {name} was expected, but there is none\n"));
            }
            (None, Some(actual)) => out.push_str(&format!("-- {name} was not expected\n{actual}")),
            (Some(expected), Some(actual)) if expected != actual => {
                out.push_str(&format!("-- {name}\n{}", difference(expected, actual)));
            }
            _ => {}
        }
    }
    out
}

/// What lies between the lines that both begin and end with.
fn difference(expected: &str, actual: &str) -> String {
    let (expected, actual): (Vec<&str>, Vec<&str>) =
        (expected.lines().collect(), actual.lines().collect());
    let shorter = expected.len().min(actual.len());
    let start = (0..shorter)
        .take_while(|&at| expected[at] == actual[at])
        .count();
    let end = (0..shorter - start)
        .take_while(|&at| expected[expected.len() - 1 - at] == actual[actual.len() - 1 - at])
        .count();
    let mut out = format!("   (from line {})\n", start + 1);
    for (sign, lines) in [('-', &expected), ('+', &actual)] {
        for line in &lines[start..lines.len() - end] {
            out.push_str(&format!("{sign} {line}\n"));
        }
    }
    out
}

#[test]
fn a_difference_shows_the_lines_that_differ_and_no_others() {
    assert_eq!(
        difference("a\nb\nc\n", "a\nx\ny\nc\n"),
        "   (from line 2)\n- b\n+ x\n+ y\n"
    );
    assert_eq!(difference("a\na\n", "a\n"), "   (from line 2)\n- a\n");
    let files = |pairs: &[(&str, &str)]| -> Files {
        pairs
            .iter()
            .map(|(name, text)| (name.to_string(), text.to_string()))
            .collect()
    };
    assert_eq!(
        compare(&files(&[("exit", "0\n")]), &files(&[("exit", "0\n")])),
        ""
    );
    assert_ne!(compare(&files(&[("exit", "0\n")]), &files(&[])), "");
    assert_ne!(compare(&files(&[]), &files(&[("exit", "0\n")])), "");
    assert_ne!(
        compare(
            &files(&[("exit", "0\n"), ("more", "")]),
            &files(&[("exit", "0\n")])
        ),
        ""
    );
}
