//! One word per thing: the old words of `docs/glossary.md` are not in the code, the pipelines and
//! the pages any more.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Texts that are read; SQL has the names that databases have.
const ENDINGS: [&str; 7] = ["rs", "toml", "md", "html", "txt", "css", "tsv"];

struct Glossary {
    old: Vec<String>,
    stays: Vec<String>,
}

/// The words in backticks of the first column of the table under `heading`.
fn first_column(page: &str, heading: &str) -> Vec<String> {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_string())
        .collect()
}

impl Glossary {
    fn read(page: &str) -> Glossary {
        Glossary {
            old: first_column(page, "Old words"),
            stays: first_column(page, "Where an old word stays"),
        }
    }

    /// The old words of a line, without what stays.
    fn found(&self, line: &str) -> Vec<&str> {
        let mut line = line.to_string();
        for text in &self.stays {
            line = line.replace(text, " ");
        }
        let (names, words) = names_and_words(&line);
        let plain = format!(" {} ", words.join(" "));
        let is_there = |old: &&String| match old.chars().next() {
            Some(first) if first.is_uppercase() => names.contains(old.as_str()),
            _ => plain.contains(&format!(" {old} ")),
        };
        self.old
            .iter()
            .filter(is_there)
            .map(String::as_str)
            .collect()
    }
}

/// The names of a line, and its words: names are split at underscores and humps, and in lower case.
fn names_and_words(line: &str) -> (BTreeSet<&str>, Vec<String>) {
    let is_inside = |c: char| c.is_alphanumeric() || c == '_' || c == '\'' || c == '’';
    let names = line
        .split(|c| !is_inside(c))
        .filter(|name| !name.is_empty());
    let names: Vec<&str> = names.map(|name| name.trim_matches('\'')).collect();
    let mut words = Vec::new();
    for part in names.iter().flat_map(|name| name.split('_')) {
        let mut word = String::new();
        let mut before = ' ';
        for c in part.chars() {
            if c.is_uppercase() && before.is_lowercase() && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            word.extend(c.to_lowercase());
            before = c;
        }
        if !word.is_empty() {
            words.push(word);
        }
    }
    (names.into_iter().collect(), words)
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "migrations" {
            files_below(&path, found);
        } else if ENDINGS.iter().any(|ending| {
            path.extension()
                .is_some_and(|extension| extension == *ending)
        }) {
            found.push(path);
        }
    }
}

#[test]
fn old_words_are_gone() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = repository.join("docs/glossary.md");
    let glossary = Glossary::read(&fs::read_to_string(&page).unwrap());
    assert!(glossary.old.len() > 30 && glossary.stays.len() > 5);
    let mut files = vec![repository.join("README.md")];
    for folder in ["src", "pipelines", "docs"] {
        files_below(&repository.join(folder), &mut files);
    }
    files.sort();
    let mut left = Vec::new();
    for file in files.into_iter().filter(|file| *file != page) {
        // Mails in other languages have words of their own.
        let foreign = file.to_string_lossy().contains("/templates/")
            && !file
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("en."));
        if foreign {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let shown = file.strip_prefix(repository).unwrap().display();
        for (index, line) in text.lines().enumerate() {
            for word in glossary.found(line) {
                left.push(format!("{shown}:{}: {word}", index + 1));
            }
        }
    }
    assert!(
        left.is_empty(),
        "{} old words:\n{}",
        left.len(),
        left.join("\n")
    );
}

#[test]
fn old_words_are_found_in_names_and_in_sentences() {
    let glossary = Glossary {
        old: ["roll", "so many", "somebody else's", "gates", "Way"]
            .map(String::from)
            .to_vec(),
        stays: vec!["[gates]".to_string()],
    };
    for (line, words) in [
        ("let x = call_roll();", &["roll"][..]),
        ("/// A callRoll, or a Roll.", &["roll"]),
        ("rolled, scroll, enroll", &[]),
        ("`[gates]` of the file", &[]),
        ("the gates, of so many", &["so many", "gates"]),
        ("somebody else's table", &["somebody else's"]),
        ("Way::Tls is a way", &["Way"]),
        ("by the way", &[]),
    ] {
        assert_eq!(glossary.found(line), words, "{line}");
    }
}
