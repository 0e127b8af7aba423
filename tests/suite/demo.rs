//! The first thing that anybody does with muster: the demo file, twice.

use crate::support::{self, Counts};

const PEOPLE: [&str; 2] = ["fixtures/demo/people.csv", "fixtures/demo/people.xlsx"];

#[test]
fn the_demo_is_imported_once_and_then_there_is_nothing_to_do() {
    let mut ends: Vec<(Counts, Option<String>)> = Vec::new();
    for people in PEOPLE {
        let folder = support::folder();
        let url = support::fresh_database();
        let file = support::take(folder.path(), people);
        let file = file.to_str().unwrap();
        let checked = support::run(folder.path(), &url, &["check", file, "--json"]);
        let first = support::run(folder.path(), &url, &["import", file, "--json"]);
        assert_eq!(first.exit, 1, "{}", first.stderr);
        assert_eq!(checked.counts(), first.counts());
        let before = row_versions(&url);
        let again = support::run(folder.path(), &url, &["import", file, "--json"]);
        assert_eq!(before, row_versions(&url));
        let (first, again) = (first.counts(), again.counts());
        assert!(
            first.created > 150 && first.duplicate >= 8 && first.rejected > 15,
            "{first:?}"
        );
        let expected = Counts {
            created: 0,
            unchanged: first.created,
            ..first
        };
        assert_eq!(again, expected);
        ends.push((first, support::accounts(&url)));
    }
    assert_eq!(
        ends[0], ends[1],
        "the workbook ends otherwise than the text"
    );
}

#[test]
fn a_migration_names_the_people_who_are_here_already() {
    let folder = support::folder();
    let url = support::fresh_database();
    let active = support::take(folder.path(), "fixtures/demo/already-active.csv");
    let people = support::take(folder.path(), PEOPLE[0]);
    let active = support::run(
        folder.path(),
        &url,
        &["import", active.to_str().unwrap(), "--json"],
    );
    assert_eq!(active.counts().created, 3, "{}", active.stderr);
    let moved = [
        "import",
        people.to_str().unwrap(),
        "-p",
        "migration",
        "--json",
    ];
    let moved = support::run(folder.path(), &url, &moved);
    assert_eq!(moved.exit, 1, "{}", moved.stderr);
    let summary = moved.json();
    let issues = summary["issues"].as_array().unwrap();
    let already = issues
        .iter()
        .find(|issue| issue["code"] == "account.active")
        .unwrap();
    assert_eq!(already["count"], 3);
}

/// What changes as soon as anything is written, even if it is the same again.
fn row_versions(url: &str) -> Vec<Vec<Option<String>>> {
    let of = |table: &str| {
        format!(
            "SELECT count(*), md5(string_agg(ctid::text || xmin::text, ' ' ORDER BY ctid)) FROM muster.{table}"
        )
    };
    support::query(
        url,
        &["accounts", "groups", "memberships"]
            .map(of)
            .join(" UNION ALL "),
    )
}
