//! What the README shows is what the binary prints.

use std::path::Path;

use crate::support;

/// The block behind `<!-- output: … -->` in the README. `MUSTER_BLESS=1` rewrites it.
#[test]
fn the_first_command_prints_what_the_readme_shows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let command = "import fixtures/demo/people.csv";
    assert!(readme.contains(&format!("cargo run --release -- {command}\n")));
    let folder = support::folder();
    std::fs::create_dir_all(folder.path().join("fixtures/demo")).unwrap();
    let people = support::take(folder.path(), "fixtures/demo/people.csv");
    std::fs::rename(people, folder.path().join("fixtures/demo/people.csv")).unwrap();
    let arguments: Vec<&str> = command.split(' ').collect();
    let home = support::folder();
    let ran = support::bare(folder.path(), home.path(), &arguments).finish();
    support::bare(folder.path(), home.path(), &["db", "stop"]).finish();
    assert_eq!(ran.exit, 1, "{}", ran.stderr);

    let marker = format!("<!-- output: {command} -->\n```text\n");
    let (before, rest) = readme.split_once(&marker).unwrap();
    let (shown, after) = rest.split_once("```\n").unwrap();
    if std::env::var_os("MUSTER_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{marker}{}```\n{after}", ran.stdout)).unwrap();
    } else {
        assert_eq!(redacted(shown), redacted(&ran.stdout));
    }
}

/// Without what differs between two runs: their ids and how long they took.
fn redacted(text: &str) -> String {
    let untimed = text
        .lines()
        .map(|line| match line.split_once(", finished, ") {
            Some((run, _)) => format!("{run}, finished\n"),
            None => format!("{line}\n"),
        });
    let untimed: String = untimed.collect();
    let words = untimed
        .split_inclusive([' ', '\n', '/', ',', ':'])
        .map(|word| {
            let bare = word.trim_end_matches([' ', '\n', '/', ',', ':']);
            let is_id =
                bare.len() == 20 && bare.starts_with("20") && bare.matches('-').count() == 2;
            if is_id {
                word.replace(bare, "…")
            } else {
                word.to_string()
            }
        });
    words.collect()
}
