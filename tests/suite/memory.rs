//! What a run remembers in memory, and with how many threads it runs, changes nothing of what it says.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::people::{self, People};
use crate::support::{self, Finished};

/// This many people are known; more than fit into the least memory.
const PEOPLE: u64 = 36_000;

type Row = Vec<String>;

/// The rows of made-up people.
fn rows(change: Option<(f64, u64)>) -> (Row, Vec<Row>) {
    let people = People {
        rows: PEOPLE,
        seed: 3,
        dirt: 0.05,
        latin_only: false,
        change,
    };
    let text = support::csv(&people);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_slice());
    let mut rows = reader.records().map(|record| {
        let record = record.unwrap();
        record.iter().map(str::to_string).collect()
    });
    let header = rows.next().unwrap();
    (header, rows.collect())
}

fn write(path: &Path, header: &Row, rows: &[Row]) {
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .from_path(path)
        .unwrap();
    for row in std::iter::once(header).chain(rows) {
        writer.write_record(row).unwrap();
    }
    writer.flush().unwrap();
}

/// A folder with `first.csv`, and of the same people `people.csv`: some changed, and in between and
/// after them rows that must be remembered to be reported.
fn folder_with_people() -> TempDir {
    let folder = support::folder();
    let (header, first) = rows(None);
    write(&folder.path().join("first.csv"), &header, &first);
    let (_, mut people) = rows(Some((0.1, 4)));
    let at = |name: &str| header.iter().position(|cell| cell == name).unwrap();
    let (external_id, email, last_name) = (at("external_id"), at("email"), at("last_name"));
    for index in 0..6000 {
        let mut row = people[index * 5 + 1].clone();
        match index % 6 {
            // An equal row, far away.
            0..3 => {}
            // A row with the same keys, and one with the same address as a hundred others.
            3 => row[last_name].push_str("son"),
            4 => {
                row[external_id] = format!("X{index}");
                row[email] = format!("shared{}@acme-industries.com", index % 10);
            }
            // An address with a letter that looks like another, twice.
            _ => {
                row[external_id] = format!("X{}", index % 5);
                row[email] = row[email].replacen('a', "\u{430}", 1);
            }
        }
        people.push(row);
    }
    // Accounts that two rows are about, one by each key.
    for index in 100..200 {
        let mut other = people[index].clone();
        people[index][external_id].clear();
        other[email] = format!("moved{index}@acme-industries.com");
        people.push(other);
    }
    write(&folder.path().join("people.csv"), &header, &people);
    folder
}

/// What a run said and left in `out`, but for its own id, its times and its database.
fn left(folder: &Path, finished: &Finished) -> Vec<(String, Vec<u8>)> {
    let summary = finished.json();
    let run = &summary["run"];
    let own = ["id", "started_at", "finished_at", "matched_against"]
        .map(|name| run[name].as_str().unwrap());
    let mut files = vec![("stdout".to_string(), finished.stdout.clone().into_bytes())];
    for entry in fs::read_dir(folder.join("out")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        files.push((name, fs::read(path).unwrap()));
    }
    for (name, bytes) in &mut files {
        if let Ok(text) = std::str::from_utf8(bytes) {
            let text = own
                .iter()
                .fold(text.to_string(), |text, own| text.replace(own, "OWN"));
            // The page tells the time in its own way, and how long a lock took is a time as well.
            let is_time = |line: &str| {
                name == "summary.html" && line.contains("OWN") || line.contains("\"locked_ms\"")
            };
            let lines = text.lines().filter(|line| !is_time(line));
            *bytes = lines.collect::<Vec<_>>().join("\n").into_bytes();
        }
    }
    files.sort();
    fs::remove_dir_all(folder.join("out")).unwrap();
    files
}

fn assert_same(reported: &[(String, Vec<u8>)], expected: &[(String, Vec<u8>)], how: &str) {
    let names = |files: &[(String, Vec<u8>)]| -> Vec<String> {
        files.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(reported), names(expected), "{how}");
    for ((name, reported), (_, expected)) in reported.iter().zip(expected) {
        let at = reported
            .iter()
            .zip(expected)
            .position(|(one, other)| one != other);
        let near = |bytes: &[u8]| {
            let at = at.unwrap_or(0);
            String::from_utf8_lossy(
                &bytes[at.saturating_sub(80).min(bytes.len())..(at + 80).min(bytes.len())],
            )
            .into_owned()
        };
        assert!(
            reported == expected,
            "{name}, {how}: {} instead of {}",
            near(reported),
            near(expected)
        );
    }
}

fn count(summary: &Value, code: &str) -> u64 {
    let issues = summary["issues"].as_array().unwrap().iter();
    let of_code = issues.filter(|issue| issue["code"] == code);
    of_code.map(|issue| issue["count"].as_u64().unwrap()).sum()
}

#[test]
fn neither_memory_nor_threads_change_a_byte() {
    let folder = folder_with_people();
    let path = folder.path();
    let url = support::fresh_database();
    // Whoever is in either is known, as in the first.
    for file in ["first.csv", "people.csv", "first.csv"] {
        let imported = support::run(path, &url, &["import", file, "-q"]);
        assert_eq!(imported.exit, 1, "{imported:?}");
    }
    let check = ["check", "people.csv", "--out", "out", "--json"];
    let mut expected = None;
    for (threads, memory) in [
        ("2", None),
        ("1", None),
        ("8", None),
        ("1", Some("1MB")),
        ("8", Some("1MB")),
    ] {
        let how = format!("{threads} threads, {memory:?}");
        let mut environment = vec![("RAYON_NUM_THREADS", threads)];
        environment.extend(memory.map(|memory| ("MUSTER_MEMORY", memory)));
        let checked = support::start_with(path, &url, &check, &environment).finish();
        let (summary, counts) = (checked.json(), checked.counts());
        // New accounts get ids of the run's own, which would be in the ledger.
        assert!(counts.created == 0 && counts.updated > 2000, "{counts:?}");
        assert!(
            counts.duplicate > 3000 && counts.rejected > 4000,
            "{counts:?}"
        );
        for code in [
            "clash.email",
            "clash.external_id",
            "email.look_alike",
            "match.twice",
        ] {
            assert!(count(&summary, code) >= 100, "{code}: {}", checked.stdout);
        }
        let reported = left(path, &checked);
        let expected = expected.get_or_insert_with(|| reported.clone());
        assert_same(&reported, expected, &how);
    }
}

#[test]
fn workbooks_are_reported_the_same_with_any_number_of_threads() {
    let folder = folder_with_people();
    let path = folder.path();
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_path(path.join("people.csv"))
        .unwrap();
    // Some of them, and all of those that were added at the end.
    let rows = reader.records().map(Result::unwrap).enumerate();
    let rows = rows.filter(|(at, _)| at % 6 == 0 || *at > PEOPLE as usize);
    for (row, (_, record)) in rows.enumerate() {
        people::write_sheet_row(sheet, row as u32, record.iter()).unwrap();
    }
    workbook.save(path.join("people.xlsx")).unwrap();
    let url = support::fresh_database();
    let check = [
        "check",
        "people.xlsx",
        "--out",
        "out",
        "--json",
        "--offline",
    ];
    let mut expected = None;
    for (threads, memory) in [("1", "1MB"), ("2", "1GB"), ("8", "1MB")] {
        let environment = [("RAYON_NUM_THREADS", threads), ("MUSTER_MEMORY", memory)];
        let checked = support::start_with(path, &url, &check, &environment).finish();
        assert!(checked.counts().rejected > 1000, "{checked:?}");
        let mut reported = left(path, &checked);
        // New accounts have ids of the run's own.
        reported.retain(|(name, _)| name != "ledger.parquet");
        // The workbook says when it was made.
        let is_corrections = |(name, _): &(String, Vec<u8>)| name == "corrections.xlsx";
        let at = reported.iter().position(is_corrections).unwrap();
        let (name, bytes) = reported.swap_remove(at);
        reported.extend(parts(&bytes).map(|(part, text)| (format!("{name}/{part}"), text)));
        let expected = expected.get_or_insert_with(|| reported.clone());
        assert_same(&reported, expected, &format!("{threads} threads, {memory}"));
    }
}

/// The parts of a workbook, but for that with the times.
fn parts(workbook: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(workbook.to_vec())).unwrap();
    (0..archive.len()).filter_map(move |index| {
        let mut part = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        let name = part.name().unwrap().to_string();
        (!name.starts_with("docProps/")).then_some((name, bytes))
    })
}

#[test]
fn imports_end_the_same_whatever_they_remember() {
    let folder = folder_with_people();
    let path = folder.path();
    let mut expected = None;
    for (threads, memory) in [("2", "1GB"), ("1", "1MB"), ("8", "2mb")] {
        let how = format!("{threads} threads, {memory}");
        let url = support::fresh_database();
        let import = [
            "import",
            "people.csv",
            "--out",
            "out",
            "--json",
            "--memory",
            memory,
        ];
        let environment = [("RAYON_NUM_THREADS", threads)];
        let imported = support::start_with(path, &url, &import, &environment).finish();
        let accounts = support::accounts(&url).unwrap();
        let mut reported = left(path, &imported);
        // New accounts have ids of the run's own.
        reported.retain(|(name, _)| name != "ledger.parquet");
        reported.push(("accounts".to_string(), accounts.into_bytes()));
        let expected = expected.get_or_insert_with(|| reported.clone());
        assert_same(&reported, expected, &how);
    }
}

#[test]
fn sizes_that_are_none_are_refused() {
    let folder = support::folder();
    let home = folder.path().join("home");
    for (size, why) in [
        ("512", "the unit is missing, such as in `512MB` or `2GB`"),
        ("lots", "`lots` is no unit; write `512MB` or `2GB`"),
        ("1KB", "it must be at least `1MB`"),
    ] {
        let refused = support::bare(
            folder.path(),
            &home,
            &["check", "people.csv", "--memory", size],
        );
        let refused = refused.finish();
        assert_eq!(refused.exit, 2);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
}
