//! What stands below the last row: totals, "end of report", who exported the list.
//!
//! Only the end of the file is looked at, and only lines that nobody could take for a person are
//! set aside; a line in doubt is a row, and gets its own reject.

use std::io::{Read, Seek, SeekFrom};

use encoding_rs::{UTF_16BE, UTF_16LE};

use super::content::Content;
use super::records::Dialect;
use super::unreadable;
use crate::refusal::Result;

/// How much of the end of a file is looked at.
const TAIL_BYTES: u64 = 1 << 16;
/// The most lines below the rows, blank ones aside, that are found without being told of.
const FOOTERS_MAX: usize = 10;
/// First words of lines that count.
const COUNTS: [&str; 15] = [
    "total", "totals", "sum", "subtotal", "summe", "gesamt", "anzahl", "count", "records", "rows",
    "somme", "nombre", "totale", "suma", "users",
];
/// First words of lines that tell of the file.
const REMARKS: [&str; 17] = [
    "end",
    "ende",
    "eof",
    "exported",
    "export",
    "generated",
    "created",
    "printed",
    "report",
    "page",
    "seite",
    "source",
    "quelle",
    "note",
    "notes",
    "copyright",
    "confidential",
];

/// Where the lines below the rows begin, as an offset into the file; `u64::MAX` when there are
/// none. The header, `width` cells wide, begins at byte `header`. `pinned` is their number, if
/// the pipeline says it.
///
/// # Errors
/// `file.unreadable`.
pub fn find(
    content: &Content,
    bytes: u64,
    dialect: &Dialect,
    header: u64,
    width: usize,
    pinned: Option<u64>,
) -> Result<u64> {
    if pinned == Some(0) {
        return Ok(u64::MAX);
    }
    let lines = tail(content, bytes, dialect, header)?;
    if let Some(number) = pinned {
        let filled = lines.iter().rev().filter(|(_, line)| !is_blank(line));
        let first = filled.take(number as usize).last();
        return Ok(first.map_or(u64::MAX, |(at, _)| *at));
    }
    Ok(first_footer(&lines, dialect, width))
}

fn first_footer(lines: &[(u64, String)], dialect: &Dialect, width: usize) -> u64 {
    let mut first = u64::MAX;
    let mut in_doubt = None;
    let mut number = 0;
    for (at, line) in lines.iter().rev() {
        if is_blank(line) {
            // What a blank line parts from the rows isn't one of them.
            first = in_doubt.take().unwrap_or(first);
            continue;
        }
        match kind(line, dialect, width) {
            Kind::Footer => {
                first = *at;
                in_doubt = None;
            }
            Kind::Doubt => in_doubt = Some(*at),
            Kind::Row => break,
        }
        number += 1;
        if number == FOOTERS_MAX {
            break;
        }
    }
    first
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Footer,
    /// One cell where rows have three or more.
    Doubt,
    Row,
}

fn kind(line: &str, dialect: &Dialect, width: usize) -> Kind {
    let quote = dialect.quote.unwrap_or(b'"');
    // A quote that isn't closed on its line may reach up into a row.
    if line.bytes().filter(|byte| *byte == quote).count() % 2 == 1 || line.contains('@') {
        return Kind::Row;
    }
    let cells = dialect.cells_of(line.as_bytes());
    let filled: Vec<&str> = cells
        .iter()
        .map(|cell| cell.trim())
        .filter(|cell| !cell.is_empty())
        .collect();
    match filled.as_slice() {
        [only] if width >= 2 && is_remark(only) => Kind::Footer,
        [_] if width >= 3 => Kind::Doubt,
        [first, second] if width >= 3 && is_count(first) && is_number(second) => Kind::Footer,
        [first, second] if width == 2 && is_count(first) && is_number(second) => Kind::Footer,
        _ => Kind::Row,
    }
}

fn is_remark(text: &str) -> bool {
    let is_rule = |text: &str| !text.chars().any(char::is_alphanumeric);
    let lower = text.to_lowercase();
    let (word, rest) = first_word(&lower);
    is_rule(text)
        || ["--", "==", "**", "##", "//", "©", "(c)"]
            .iter()
            .any(|mark| lower.starts_with(mark))
        || (lower.starts_with('(') && lower.contains("row"))
        || (COUNTS.contains(&word) && rest.chars().any(|c| c.is_ascii_digit()))
        || (REMARKS.contains(&word) && !rest.is_empty())
        || (word.chars().all(|c| c.is_ascii_digit())
            && ["records", "rows", "users", "entries", "people"]
                .iter()
                .any(|unit| rest.trim_start().starts_with(unit)))
}

fn is_count(text: &str) -> bool {
    let lower = text.to_lowercase();
    let (word, _) = first_word(&lower);
    COUNTS.contains(&word)
}

fn is_number(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | ' ' | '\'' | '-'))
}

fn first_word(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_alphanumeric())
        .unwrap_or(text.len());
    text.split_at(end)
}

fn is_blank(line: &str) -> bool {
    // The end-of-file mark of DOS is a control character, and no blank: it is to be set aside.
    line.chars()
        .all(|c| c.is_whitespace() || matches!(c, ',' | ';' | '|' | '"' | '\0'))
}

/// The lines at the end of the file, behind the header, and where each begins.
fn tail(
    content: &Content,
    bytes: u64,
    dialect: &Dialect,
    header: u64,
) -> Result<Vec<(u64, String)>> {
    let wide = [UTF_16LE, UTF_16BE].contains(&dialect.encoding);
    let mut from = bytes.saturating_sub(TAIL_BYTES).max(header);
    from += u64::from(wide && (from - header) % 2 == 1);
    let mut reader = content.open()?;
    let mut raw = Vec::new();
    reader
        .seek(SeekFrom::Start(from))
        .and_then(|_| reader.take(TAIL_BYTES).read_to_end(&mut raw))
        .map_err(|error| unreadable(content.path(), &error))?;
    let step = if wide { 2 } else { 1 };
    let unit = |at: usize| match (wide, dialect.encoding == UTF_16BE) {
        (false, _) => u16::from(raw[at]),
        (true, true) => u16::from_be_bytes([raw[at], raw[at + 1]]),
        (true, false) => u16::from_le_bytes([raw[at], raw[at + 1]]),
    };
    let mut lines = Vec::new();
    let mut start = 0;
    // The first line is the header, or a part of a line.
    let mut is_first = true;
    let whole = raw.len() / step * step;
    for at in (0..whole).step_by(step) {
        if matches!(unit(at), 0x0a | 0x0d) {
            if !is_first {
                lines.push((start, at));
            }
            is_first = false;
            start = at + step;
        }
    }
    if !is_first {
        lines.push((start, whole));
    }
    let text = |(start, end): (usize, usize)| {
        let (text, _) = dialect
            .encoding
            .decode_without_bom_handling(&raw[start..end]);
        (from + start as u64, text.into_owned())
    };
    Ok(lines.into_iter().map(text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::UTF_8;

    fn footer_of(text: &str, width: usize) -> Option<usize> {
        let dialect = Dialect {
            encoding: UTF_8,
            delimiter: ",".to_string(),
            quote: Some(b'"'),
            escape: None,
            comment: None,
        };
        let mut at = 0;
        let mut lines = Vec::new();
        for (index, line) in text.split('\n').enumerate() {
            lines.push((index as u64, line.to_string()));
            at += line.len() + 1;
        }
        assert!(at > 0);
        match first_footer(&lines, &dialect, width) {
            u64::MAX => None,
            at => Some(at as usize),
        }
    }

    #[test]
    fn only_lines_that_nobody_takes_for_a_person_are_footers() {
        for (text, width, footer) in [
            ("a@b.c,Ada,King\nTotal,,2\n", 3, Some(1)),
            ("a@b.c,Ada,King\nTotal: 2,,\n\n", 3, Some(1)),
            ("a@b.c,Ada,King\n\nAs of Monday\n", 3, Some(2)),
            (
                "a@b.c,Ada,King\n\nAs of Monday\nExported by HR\n",
                3,
                Some(2),
            ),
            ("a@b.c,Ada,King\n(2 rows affected)\n", 3, Some(1)),
            ("a@b.c,Ada,King\n-----\n2 records\n", 3, Some(1)),
            ("a@b.c,Ada,King\n\u{1a}", 3, Some(1)),
            // In doubt: rows.
            ("a@b.c,Ada,King\nAs of Monday\n", 3, None),
            ("a@b.c,Ada,King\nPage,Larry,\n", 3, None),
            ("a@b.c,Ada,King\nPage,,\n", 3, None),
            ("a@b.c,Ada,King\n\ntotal@example.org\n", 3, None),
            ("a@b.c,\"x\nTotal: 3\"\n", 3, None),
            ("Ada\nTotal: 3\n", 1, None),
            ("a@b.c,Ada\n\nGrace\n", 2, None),
        ] {
            assert_eq!(footer_of(text, width), footer, "{text:?}");
        }
    }
}
