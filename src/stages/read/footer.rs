//! What is below the last row: totals, "end of report", who exported the list.
//!
//! Only the end of the file is looked at, and only lines that can't be a person are set aside: they
//! have the words of a footer, or a blank line above them, and no key. A line in doubt counts as a
//! row and gets its own reject.

use std::cell::LazyCell;
use std::io::{Read, Seek, SeekFrom};

use super::charset::Charset;
use super::content::Content;
use super::records::Dialect;
use crate::refusal::Result;
use crate::stages::read::input::unreadable;

/// How much of the end of a file is looked at.
const TAIL_BYTES: u64 = 1 << 16;
/// The most lines below the rows, blank ones aside, that are found without being configured.
const FOOTERS_MAX: usize = 10;
/// A line of more bytes is not a footer without the words of one.
const DOUBT_BYTES_MAX: usize = 200;
/// A line of more bytes is not a footer.
const FOOTER_BYTES_MAX: usize = 1000;
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
/// none. The header begins at byte `header`. `pinned` is their number, if the pipeline says it.
///
/// # Errors
/// `file.unreadable`.
pub(super) fn find(
    content: &Content,
    bytes: u64,
    dialect: &Dialect,
    header: u64,
    list: &List,
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
    Ok(first_footer(&lines, dialect, list))
}

/// What is known of the rows.
#[derive(Debug, Clone, Default)]
pub(super) struct List {
    /// How many columns the header has.
    pub width: usize,
    /// The columns of usernames and ids, from 0. Addresses show by themselves.
    pub keys: Vec<usize>,
    /// The names of the columns, one after the other.
    pub header: String,
}

fn first_footer(lines: &[(u64, String)], dialect: &Dialect, list: &List) -> u64 {
    let alphabets = LazyCell::new(|| alphabets_of(lines, dialect, list));
    let mut first = u64::MAX;
    let mut in_doubt = None;
    let mut number = 0;
    for (at, line) in lines.iter().rev() {
        if is_blank(line) {
            // What a blank line parts from the rows isn't one of them.
            first = in_doubt.take().unwrap_or(first);
            continue;
        }
        match kind(line, dialect, list, |of| {
            of == LATIN || alphabets.contains(&of)
        }) {
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

fn kind(line: &str, dialect: &Dialect, list: &List, is_known: impl Fn(u32) -> bool) -> Kind {
    let quote = dialect.quote.unwrap_or(b'"');
    // A quote that isn't closed on its line may reach up into a row. NULs inside are UTF-16.
    if line.bytes().filter(|byte| *byte == quote).count() % 2 == 1
        || line.contains(['@', '\0', char::REPLACEMENT_CHARACTER])
        || line.len() > FOOTER_BYTES_MAX
        || line.chars().filter_map(alphabet).any(|of| !is_known(of))
    {
        return Kind::Row;
    }
    let width = list.width;
    let cells = dialect.cells_of(line.as_bytes());
    let filled: Vec<(usize, &str)> = cells
        .iter()
        .map(|cell| cell.trim())
        .enumerate()
        .filter(|(_, cell)| !cell.is_empty())
        .collect();
    let is_key = |column: usize, cell: &str| list.keys.contains(&column) && could_be_key(cell);
    match filled.as_slice() {
        [(column, only)] if is_key(*column, only) => Kind::Row,
        [(_, only)] if width >= 2 && is_remark(only) => Kind::Footer,
        [(_, only)] if width >= 3 && only.len() <= DOUBT_BYTES_MAX => Kind::Doubt,
        [(_, first), (_, second)] if width >= 2 && is_count(first) && is_number(second) => {
            Kind::Footer
        }
        _ => Kind::Row,
    }
}

/// Whether somebody may be found by this username or id: one word of letters, digits and the signs
/// that these are written with.
fn could_be_key(cell: &str) -> bool {
    cell.contains(char::is_alphanumeric)
        && cell
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '\'' | '/' | '\\'))
}

/// The alphabets of the header, and of the lines at the end that have several cells.
fn alphabets_of(lines: &[(u64, String)], dialect: &Dialect, list: &List) -> Vec<u32> {
    let delimiter = dialect.delimiter_of_values();
    let is_row = |line: &&str| {
        let cells = line.split(delimiter).filter(|cell| !cell.trim().is_empty());
        cells.count() >= list.width.min(3)
    };
    let texts = lines.iter().map(|(_, line)| line.as_str()).filter(is_row);
    let mut found = vec![LATIN];
    for of in texts
        .chain([list.header.as_str()])
        .flat_map(str::chars)
        .filter_map(alphabet)
    {
        if !found.contains(&of) {
            found.push(of);
        }
    }
    found
}

/// The alphabet that any list may end in.
const LATIN: u32 = 0;

/// To which alphabet a letter belongs, roughly: a number a script or block. None for signs and digits.
fn alphabet(character: char) -> Option<u32> {
    let block = match u32::from(character) {
        0..=0x24f | 0x1e00..=0x1eff => LATIN,
        0x370..=0x3ff | 0x1f00..=0x1fff => 1,
        0x400..=0x52f => 2,
        0x590..=0x8ff | 0xfb1d..=0xfdff | 0xfe70..=0xfeff => 3,
        0x1100..=0x11ff | 0x2e80..=0x9fff | 0xac00..=0xd7ff | 0xf900..=0xfaff => 4,
        0xff00..=0xffef | 0x20000..=0x3ffff => 4,
        other => other >> 7,
    };
    character.is_alphabetic().then_some(block)
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

/// The lines at the end of the file, after the header, and where each begins.
fn tail(
    content: &Content,
    bytes: u64,
    dialect: &Dialect,
    header: u64,
) -> Result<Vec<(u64, String)>> {
    let wide = dialect.encoding.is_wide();
    let mut from = bytes.saturating_sub(TAIL_BYTES).max(header);
    from += u64::from(wide && (from - header) % 2 == 1);
    let mut reader = content.open()?;
    let mut raw = Vec::new();
    reader
        .seek(SeekFrom::Start(from))
        .and_then(|_| reader.take(TAIL_BYTES).read_to_end(&mut raw))
        .map_err(|error| unreadable(content.path(), &error))?;
    let step = if wide { 2 } else { 1 };
    let unit = |at: usize| match (wide, dialect.encoding == Charset::UTF_16BE) {
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
        if unit(at) == 0x0a && start == at && at >= step && unit(at - step) == 0x0d {
            // The LF of a CRLF ends no line of its own.
            start = at + step;
        } else if matches!(unit(at), 0x0a | 0x0d) {
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
        let text = dialect.encoding.decode(&raw[start..end]);
        (from + start as u64, text.into_owned())
    };
    Ok(lines.into_iter().map(text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn dialect(encoding: Charset) -> Dialect {
        Dialect {
            encoding,
            delimiter: ",".to_string(),
            quote: Some(b'"'),
            escape: None,
            comment: None,
            inner: None,
        }
    }

    /// The line on which footers begin, from 0, of a text with a header of keys in `keys`.
    fn footer_of(text: &str, width: usize, keys: &[usize]) -> Option<usize> {
        let list = List {
            width,
            keys: keys.to_vec(),
            header: "email,first,last".to_string(),
        };
        let mut lines = Vec::new();
        for (index, line) in text.split('\n').enumerate() {
            lines.push((index as u64, line.to_string()));
        }
        match first_footer(&lines, &dialect(Charset::UTF_8), &list) {
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
            // Letters that the list doesn't have, and what is too long.
            ("a@b.c,Ada,King\n\n潺䁥潮摲楷\n", 3, None),
            ("a@b.c,Ada,King\n\nВсего людей\n", 3, None),
            ("a@b.c,Ада,King\n\nВсего людей\n", 3, Some(2)),
        ] {
            assert_eq!(footer_of(text, width, &[]), footer, "{text:?}");
        }
        let long = format!("a@b.c,Ada,King\n\n{}\n", "word ".repeat(60));
        assert_eq!(footer_of(&long, 3, &[]), None);
    }

    #[test]
    fn what_somebody_can_be_found_by_is_no_footer() {
        for (text, footer) in [
            ("ann,Ada,King\n\ncy,,\n", None),
            ("ann,Ada,King\n\ncy,,\n\ndi,,\n", None),
            ("ann,Ada,King\n,,\n1004,,\n", None),
            ("ann,Ada,King\nend-user,,\n", None),
            ("ann,Ada,King\nreport.bot,,\n", None),
            ("ann,Ada,King\n\nAs of Monday,,\n", Some(2)),
            ("ann,Ada,King\nTotal: 3,,\n", Some(1)),
            ("ann,Ada,King\n-----\n", Some(1)),
        ] {
            assert_eq!(footer_of(text, 3, &[0]), footer, "{text:?}");
        }
    }

    #[test]
    fn line_ends_of_two_characters_are_no_blank_lines() {
        for end in ["\n", "\r\n", "\r"] {
            for encoding in [Charset::UTF_8, Charset::UTF_16LE, Charset::UTF_16BE] {
                let begun = [
                    "name,first,last",
                    "a,Ada,King",
                    "cy,,",
                    "di,,",
                    "Some words",
                ];
                let text = begun.join(end) + end + end + "As of Monday" + end;
                let units = text.encode_utf16();
                let bytes: Vec<u8> = match encoding.name() {
                    "UTF-16LE" => units.flat_map(u16::to_le_bytes).collect(),
                    "UTF-16BE" => units.flat_map(u16::to_be_bytes).collect(),
                    _ => text.clone().into_bytes(),
                };
                let mut file = tempfile::NamedTempFile::new().unwrap();
                file.write_all(&bytes).unwrap();
                let list = List {
                    width: 3,
                    ..List::default()
                };
                let content = Content::plain(file.path());
                let (length, dialect) = (bytes.len() as u64, dialect(encoding));
                let found = find(&content, length, &dialect, 0, &list, None).unwrap();
                let unit = if encoding.is_wide() { 2 } else { 1 };
                let expected = text.find("As of").unwrap() as u64 * unit;
                assert_eq!(found, expected, "{end:?} {}", encoding.name());
            }
        }
    }
}
