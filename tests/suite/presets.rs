//! Every preset reads what it is made for, with nothing said on the command line.
//!
//! `fixtures/presets/<pipeline>/` has a file as the other system exports it, and the accounts that
//! it becomes; `MUSTER_BLESS=1` writes them again.

use std::collections::BTreeSet;
use std::fs;

use crate::support;

#[test]
fn every_preset_imports_its_fixture_without_being_named() {
    let bless = std::env::var_os("MUSTER_BLESS").is_some();
    let presets = support::repository().join("fixtures/presets");
    let mut names = BTreeSet::new();
    let mut failures = Vec::new();
    for entry in fs::read_dir(&presets).unwrap() {
        let fixture = entry.unwrap().path();
        let name = fixture.file_name().unwrap().to_string_lossy().into_owned();
        names.insert(name.clone());
        let folder = support::folder();
        let files = fs::read_dir(&fixture).unwrap();
        let mut files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let users = files.find(|name| name.starts_with("users.")).unwrap();
        fs::copy(fixture.join(&users), folder.path().join(&users)).unwrap();
        let database = support::fresh_database();
        let import = || support::run(folder.path(), &database, &["import", &users, "--json"]);
        let first = import();
        if first.exit != 0 {
            failures.push(format!("{name}: {} {}", first.stderr, first.stdout));
            continue;
        }
        let reported = format!("`{users}` is read with the pipeline `{name}`");
        assert!(first.stderr.contains(&reported), "{name}: {}", first.stderr);
        assert_eq!(first.json()["pipeline"]["name"], name.as_str());
        assert!(first.counts().created > 0, "{name}: {}", first.stdout);
        let accounts = support::accounts(&database).unwrap();
        let expected = fixture.join("accounts.csv");
        if bless {
            fs::write(&expected, &accounts).unwrap();
        }
        let expected = fs::read_to_string(expected).unwrap_or_default();
        if accounts != expected {
            failures.push(format!("{name}: expected\n{expected}but got\n{accounts}"));
        }
        let again = import().counts();
        assert_eq!((again.created, again.updated), (0, 0), "{name}");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(names, with_a_signature());
}

/// The shipped pipelines that files are recognized for, read from their text.
fn with_a_signature() -> BTreeSet<String> {
    let pipelines = fs::read_dir(support::repository().join("pipelines")).unwrap();
    let paths = pipelines.map(|entry| entry.unwrap().path());
    let recognized = paths.filter(|path| {
        let text = fs::read_to_string(path).unwrap();
        text.contains("[recognize]\nheaders")
    });
    recognized
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect()
}
