//! Texts for pages: with the names of files, and without the folders of the machine.

use uuid::Uuid;

/// Where runs keep their files, below the folder of the server.
const RUNS: &str = "muster-runs/";
/// What a text may have right before a path.
const BEFORE: &[char] = &['`', '\'', '"', '(', '=', '@', ','];

/// `text` with the last part of each absolute path instead of the whole. What is in quotes or
/// backticks and begins with a slash is one path, whatever white space is in it.
pub(super) fn without_folders(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let begins = (next == '/' || rest.starts_with(RUNS))
            && (before.is_whitespace() || BEFORE.contains(&before));
        let end = if begins { path_end(rest, before) } else { 0 };
        match end {
            0 => {
                out.push(next);
                rest = &rest[next.len_utf8()..];
                before = next;
            }
            end => {
                out.push_str(&name_of(&rest[..end]));
                rest = &rest[end..];
                before = 'x';
            }
        }
    }
    out
}

/// Where the path ends with which `text` begins; 0 for what has no folder in it.
fn path_end(text: &str, before: char) -> usize {
    let quoted = matches!(before, '`' | '\'' | '"').then(|| text.find(before));
    let end = quoted.flatten().unwrap_or_else(|| {
        let is_end = |c: char| c.is_whitespace() || matches!(c, '`' | '\'' | '"' | ')' | ',' | ';');
        text.find(is_end).unwrap_or(text.len())
    });
    let path = text[..end].trim_end_matches('/');
    if path[1.min(path.len())..].contains('/') {
        end
    } else {
        0
    }
}

/// The last part of a path. A file that muster made for itself has an id as its name: what it is says
/// more.
fn name_of(path: &str) -> String {
    let name = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or(path);
    let made = name
        .split_once('.')
        .filter(|(stem, _)| stem.parse::<Uuid>().is_ok());
    match made {
        Some((_, "txt")) => "message.txt".to_string(),
        Some((_, "plan" | "parquet")) => "checked.plan".to_string(),
        Some((_, ending)) => format!("file.{ending}"),
        None => name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_without_their_folders() {
        for (text, shown) in [
            (
                "also in /tmp/.tmpX1/rows.csv:3 (`Ann Ng`), /tmp/.tmpX1/rows.csv:7",
                "also in rows.csv:3 (`Ann Ng`), rows.csv:7",
            ),
            (
                "`/home/my lists/people 1.csv` is empty",
                "`people 1.csv` is empty",
            ),
            (
                "muster import '/srv/a b/people 1.csv' -p /srv/columns/x/users.toml",
                "muster import 'people 1.csv' -p users.toml",
            ),
            (
                "muster check --plan=/u/9f9c1f1e-3c53-4a7e-8f0e-3d9f0f6f0c11.plan",
                "muster check --plan=checked.plan",
            ),
            ("to the outbox /srv/muster/outbox/", "to the outbox outbox"),
            // What has no folder of the machine stays.
            (
                "see https://firm.example/a/b or 10/11/2026, and/or",
                "see https://firm.example/a/b or 10/11/2026, and/or",
            ),
            (
                "on the page /settings, / or a /",
                "on the page /settings, / or a /",
            ),
            (
                "muster import muster-runs/20261130-1/fixed.csv",
                "muster import fixed.csv",
            ),
            ("Grüße: /ä/ö.csv", "Grüße: ö.csv"),
        ] {
            assert_eq!(without_folders(text), shown);
        }
    }
}
