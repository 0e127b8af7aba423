//! The words of `--only` and `--except`, the same for every command that has them.

use std::path::Path;

use crate::field::RowNumber;
use crate::invitation::Name;
use crate::issue::Code;
use crate::ledger;
use crate::meaning::group;
use crate::refusal::{Refusal, Result};
use crate::selection::Wish;
use crate::store::Store;
use crate::store::runs::{RunRecord, pick, unknown};
use crate::text::{email, username_key};

/// Whom a selection is made from.
pub enum Among<'a> {
    /// The people of a run, or of all runs.
    Run(Option<&'a RunRecord>),
    /// All accounts.
    Accounts(&'a Store),
}

/// What the words mean.
///
/// # Errors
/// `usage.invalid` for a word that means nothing, and what reading a list or a ledger fails with.
pub fn wishes(words: &[String], among: &Among) -> Result<Vec<Wish>> {
    let mut wishes = Vec::new();
    for word in words {
        match word.strip_prefix('@') {
            Some(path) => wishes.extend(of_list(path, among)?),
            None => wishes.extend(of_word(word, among)?),
        }
    }
    Ok(wishes)
}

/// What one word means: an address or a username, a list of these, or `KIND:NAME`.
fn of_word(word: &str, among: &Among) -> Result<Vec<Wish>> {
    let Some((kind, name)) = word.split_once(':') else {
        return of_names(word);
    };
    let wish = match (kind, among) {
        ("group", _) => Wish::Group(group::key(name)),
        ("role", _) => Wish::Role(name.to_string()),
        ("organization", _) => Wish::Organization(name.to_lowercase()),
        ("username", _) => {
            let key = username_key(name).into_owned();
            Wish::Named(Name::Username(key), word.to_string())
        }
        ("status", _) => Wish::Status(name.to_string()),
        ("row", Among::Run(run)) => {
            Wish::Rows(rows(name, *run)?.into_iter().collect(), word.to_string())
        }
        ("id", _) => Wish::Id(name.trim().to_string()),
        ("run", Among::Accounts(store)) => {
            Wish::Run(find_import(store, name)?.id, name.to_string())
        }
        _ => return of_names(word),
    };
    match name.trim().is_empty() {
        true => Err(Refusal::new(
            Code::UsageInvalid,
            format!("`{word}` names nobody"),
        )),
        false => Ok(vec![wish]),
    }
}

fn of_names(word: &str) -> Result<Vec<Wish>> {
    let named = split(&[word.to_string()])?.into_iter();
    Ok(named
        .map(|typed| Wish::Named(Name::of(&typed), typed))
        .collect())
}

/// A list: a line is `KIND:NAME`, or has addresses or usernames.
fn of_list(path: &str, among: &Among) -> Result<Vec<Wish>> {
    let text = read_list(path)?;
    let text = text.trim_start_matches('\u{feff}');
    let mut wishes = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.starts_with('@') {
            let what = format!("the list `{path}` has a line that begins with `@`");
            return Err(Refusal::new(Code::UsageInvalid, what)
                .help("a list names people; it can't name another list"));
        }
        wishes.extend(of_word(line, among)?);
    }
    if wishes.is_empty() {
        return Err(nobody(&format!("the list `{path}` names nobody")));
    }
    Ok(wishes)
}

/// The text of a list; `-` is standard input.
///
/// # Errors
/// `usage.invalid` where it can't be read.
pub fn read_list(path: &str) -> Result<String> {
    let read = match path {
        "-" => std::io::read_to_string(std::io::stdin()),
        path => std::fs::read_to_string(path),
    };
    read.map_err(|error| {
        let what = format!("the list `{path}` can't be read: {error}");
        Refusal::new(Code::UsageInvalid, what)
    })
}

fn nobody(what: &str) -> Refusal {
    Refusal::new(Code::UsageInvalid, what)
        .help("name at least one person; an empty list never means everybody")
}

/// The rows at `LINE` or `FILE:LINE` of a run, by its ledger.
fn rows(place: &str, run: Option<&RunRecord>) -> Result<Vec<RowNumber>> {
    let run = run.ok_or_else(|| {
        let what = format!("`row:{place}` needs a run");
        Refusal::new(Code::UsageInvalid, what).help("name it with --run")
    })?;
    let (file, line) = match place.rsplit_once(':') {
        Some((file, line)) => (Some(file), line),
        None => (None, place),
    };
    let line: u64 = line.parse().map_err(|_| {
        let what = format!("`row:{place}` is not row:LINE or row:FILE:LINE");
        Refusal::new(Code::UsageInvalid, what)
    })?;
    let folder = Path::new(run.folder.as_deref().unwrap_or_default());
    ledger::rows_at(&folder.join("ledger.parquet"), file, line)
}

/// Addresses as the match compares them and as they were typed.
///
/// # Errors
/// `usage.invalid` for what is no address, and what reading a list fails with.
pub fn addresses(words: &[String]) -> Result<Vec<(String, String)>> {
    let address = |typed: String| {
        let key = email::key(&typed).ok_or_else(|| {
            let what = format!("`{typed}` is not an e-mail address");
            Refusal::new(Code::UsageInvalid, what).help("name people by their addresses, or @FILE")
        })?;
        Ok((key, typed))
    };
    split(words)?.into_iter().map(address).collect()
}

/// Addresses or usernames as they were typed: each word is one, or several separated by commas,
/// semicolons or white space, or `@FILE` with such a list.
///
/// # Errors
/// `usage.invalid` where a list can't be read.
pub fn split(words: &[String]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for word in words {
        let before = found.len();
        let list = word.strip_prefix('@');
        let text = match list {
            None => word.clone(),
            Some(path) => read_list(path)?,
        };
        let separated = text.split(|c: char| c.is_whitespace() || c == ',' || c == ';');
        let typed = separated.filter(|typed| !typed.is_empty());
        found.extend(typed.map(String::from));
        if found.len() == before {
            return Err(nobody(&match list {
                Some(path) => format!("the list `{path}` names nobody"),
                None => "an empty selection matches nobody".to_string(),
            }));
        }
    }
    Ok(found)
}

/// The import that is meant by an id, the beginning of one, or `last`.
///
/// # Errors
/// `run.unknown` where there is none or several, or a `database.*` code.
pub fn find_import(store: &Store, wanted: &str) -> Result<RunRecord> {
    let mut runs = store.list_runs(i64::MAX)?;
    runs.retain(|run| run.kind == "import");
    pick(runs, wanted)?.ok_or_else(|| not_imported(wanted))
}

/// Why no import is meant: there is none, or it was a check.
fn not_imported(wanted: &str) -> Refusal {
    let is_check = |entry: &std::fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        !wanted.is_empty() && name.starts_with(wanted)
    };
    let folders = std::fs::read_dir("muster-runs")
        .into_iter()
        .flatten()
        .flatten();
    match folders.into_iter().find(is_check) {
        Some(_) => {
            let what = format!("run `{wanted}` was a check: it imported nobody");
            Refusal::new(Code::RunUnknown, what).help("import the file first")
        }
        None => unknown(wanted),
    }
}
