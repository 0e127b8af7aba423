//! The shipped pipelines do what their comments say.

use std::fs;

use crate::support;

/// The keys of a pipeline, read from the text of the types that take them.
fn keys() -> Vec<String> {
    let folder = support::repository().join("src/definition");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    // A `[target]` is explained in a document of its own.
    let sections = files.filter(|file| file.file_name() != "target.rs");
    let mut types = String::new();
    for section in sections {
        let source = fs::read_to_string(section.path()).unwrap();
        for of_toml in source.split("#[serde(deny_unknown_fields").skip(1) {
            types += of_toml.split("\n}\n").next().unwrap();
            types.push('\n');
        }
    }
    // What no pipeline can set is filled in by the program.
    let types = types.replace("#[serde(skip)]\n    pub ", "");
    let keys: Vec<String> = types
        .lines()
        .filter(|line| !line.contains(" fn "))
        .filter_map(|line| line.strip_prefix("    pub ")?.split_once(": "))
        .map(|(key, _)| match key {
            "matching" => "match",
            "safeguards" => "gates",
            key => key,
        })
        .map(String::from)
        .collect();
    assert!(keys.len() > 40, "the keys were not found: {keys:?}");
    keys
}

#[test]
fn the_default_pipeline_explains_every_key() {
    let text = fs::read_to_string(support::repository().join("pipelines/users.toml")).unwrap();
    for key in keys() {
        let set = |line: &str| {
            let line = line.trim_start_matches('#');
            let entry = format!("{key} = ");
            let in_table =
                line.contains(&format!("{{ {entry}")) || line.contains(&format!(", {entry}"));
            line.starts_with(&entry) || in_table || line == format!("[{key}]")
        };
        assert!(text.lines().any(set), "`{key}` is not in users.toml");
    }
}

#[test]
fn every_commented_setting_of_the_default_pipeline_can_be_switched_on() {
    let text = fs::read_to_string(support::repository().join("pipelines/users.toml")).unwrap();
    let is_setting = |line: &str| {
        line.split_once(" = ")
            .is_some_and(|(key, _)| !key.contains(' '))
    };
    let everything: Vec<&str> = text
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| is_setting(rest))
                .unwrap_or(line)
        })
        .collect();
    assert_ne!(everything.join("\n"), text);
    let folder = support::folder();
    fs::write(folder.path().join("everything.toml"), everything.join("\n")).unwrap();
    let home = folder.path().join("home");
    let finished =
        support::bare(folder.path(), &home, &["template", "-p", "everything.toml"]).finish();
    assert_eq!(finished.exit, 0, "{}", finished.stderr);
}

#[test]
fn templates_of_all_shipped_pipelines_are_read_by_their_own_pipeline() {
    for pipeline in ["users", "hr-nightly", "migration", "preflight"] {
        for format in ["csv", "xlsx"] {
            let folder = support::folder();
            let home = folder.path().join("home");
            let file = format!("template.{format}");
            let template = ["template", "-p", pipeline, "--format", format, "-o", &file];
            let made = support::bare(folder.path(), &home, &template).finish();
            assert_eq!(made.exit, 0, "{pipeline}: {}", made.stderr);
            let check = ["check", &file, "-p", pipeline, "--offline", "--json"];
            let checked = support::bare(folder.path(), &home, &check).finish();
            let counts = checked.counts();
            // the example's address is at a domain for examples, which these two turn away
            let rejected = u64::from(["migration", "preflight"].contains(&pipeline));
            assert_eq!(
                counts.rejected, rejected,
                "{pipeline}, {format}: {checked:?}"
            );
            assert_eq!(
                counts.created,
                1 - rejected,
                "{pipeline}, {format}: {checked:?}"
            );
            let summary = checked.json();
            let issues = summary["issues"].as_array().unwrap();
            let codes: Vec<_> = issues.iter().map(|issue| issue["code"].as_str()).collect();
            assert_eq!(codes, [Some("email.reserved")], "{pipeline}, {format}");
        }
    }
}
