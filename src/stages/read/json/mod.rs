//! JSON: one object a line, an array of them, or a document that lists them (SCIM 2.0, Keycloak).
//! Members of objects become columns under dotted names; a record that is broken costs its row.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use super::charset::Charset;
use super::content::{Content, read_start, within_file_limit};
use super::encoding::{Depth, TextReader, survey};
use super::records::{COLUMNS_MAX, RECORD_BYTES_MAX};
use super::{
    Emit, Format, HIDDEN, ROWS_MAX, SEPARATED, Source, UNREAD, Wanted, misplaced, mojibake,
    without_nul,
};
use crate::field::RowNumber;
use crate::issue::{Code, Issue};
use crate::refusal::{Refusal, Result};
use crate::row::Cells;
use crate::stages::read::input::unreadable;
pub use records::{DEPTH_MAX, Layout};
use records::{Record, Records, damaged, is_too_deep, list_of, too_deep};
use tree::{Flattener, Node, Said, parse};

mod records;
#[cfg(test)]
mod tests;
mod tree;

/// The number of lines that are looked at to tell lines of records from a document.
const LINES_LOOKED_AT: usize = 100;
/// The type of those lines of Mattermost's bulk export that are people.
const USER: &str = "user";
/// The most bytes of a type's name that are shown.
const TYPE_BYTES_MAX: usize = 40;

/// How a JSON text is read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shape {
    /// Where its bytes are.
    pub content: Content,
    /// How bytes become text.
    pub encoding: Charset,
    /// How its records are arranged.
    pub layout: Layout,
    /// What parts the values of a list in a cell; the first is written.
    separators: Vec<char>,
    /// How many records it has.
    records: u64,
    /// How many there are in all, where a page of a list says that.
    total: Option<u64>,
    /// Of a bulk export: how many records aren't people, by their type.
    others: Option<BTreeMap<String, u64>>,
}

impl Shape {
    /// What a person should know of how it was read.
    pub fn remarks(&self, source: &Source) -> Vec<String> {
        let records = self.records;
        let mut remarks = vec![match &self.layout {
            Layout::Lines => "JSON Lines".to_string(),
            Layout::Array => "a JSON array".to_string(),
            Layout::Values => "JSON, one object after another".to_string(),
            Layout::List(key) if key.eq_ignore_ascii_case("resources") => {
                let users = if records == 1 { "user" } else { "users" };
                format!("SCIM 2.0 list, {records} {users}")
            }
            Layout::List(key) => format!("`{key}` of a JSON document"),
        }];
        if let Some(others) = self.others.as_ref().filter(|others| !others.is_empty()) {
            let counts = others.iter().map(|(kind, count)| format!("{count} {kind}"));
            remarks.push(format!(
                "no people: {}",
                counts.collect::<Vec<_>>().join(", ")
            ));
        }
        if let Some(total) = self.total.filter(|total| *total > records) {
            remarks.push(format!(
                "one page of a list of {total}; the rest isn't in this file"
            ));
        }
        if let Some(packed) = &self.content.packed {
            let (how, bytes) = (&packed.how, source.bytes);
            remarks.push(format!("packed with {how}, {bytes} bytes unpacked"));
        }
        if !self.encoding.is_unicode() {
            remarks.push(format!("text in {}", self.encoding.name()));
        }
        remarks
    }
}

/// Whether a file with that beginning is JSON: no list with delimiters begins with an object, and
/// `[id],[name]` is none. Of UTF-16, every second byte is NUL here.
pub fn is_json(start: &[u8]) -> bool {
    let bytes = start
        .iter()
        .filter(|byte| !matches!(byte, 0 | 0xef | 0xbb | 0xbf | 0xfe | 0xff));
    let mut marks = bytes.filter(|byte| !byte.is_ascii_whitespace());
    match (marks.next(), marks.next()) {
        (Some(b'{'), next) => matches!(next, Some(b'"' | b'}') | None),
        (Some(b'['), next) => matches!(next, Some(b'{' | b'[' | b']') | None),
        _ => false,
    }
}

/// Whether a file with that beginning is JSON anyway: lists of text or numbers, one or one a line,
/// or a text that has JSON in it. As text with delimiters, such a file would be one of one line or
/// have brackets in its cells.
///
/// # Errors
/// `file.unreadable`.
pub fn is_without_objects(content: &Content, start: &[u8]) -> Result<bool> {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let marks = start.iter().filter(|byte| !byte.is_ascii_whitespace());
    let mut marks = marks.copied();
    let (first, second) = (marks.next(), marks.next());
    let marks_list = first == Some(b'[');
    let may_be = match (first, second) {
        (Some(b'['), Some(next)) => matches!(next, b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'),
        (Some(b'"'), Some(b'{' | b'[')) => true,
        _ => false,
    };
    if !may_be {
        return Ok(false);
    }
    let mut reader = content.open()?;
    let mut mark = [0; 3];
    let count = read_start(&mut reader, &mut mark);
    let count = count.map_err(|error| unreadable(content.path(), &error))?;
    let before = mark[..count]
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&mark[..count]);
    let text = std::io::BufReader::new(before.chain(reader));
    let mut values = serde_json::Deserializer::from_reader(text).into_iter::<IgnoredAny>();
    let is_one = matches!(values.next(), Some(Ok(_)));
    Ok(is_one
        && match values.next() {
            None => true,
            // A column of texts that have brackets is a list with one column.
            Some(next) => next.is_ok() && marks_list,
        })
}

/// The refusal for JSON that lists other things than objects.
pub fn without_objects(path: &std::path::Path) -> Refusal {
    let what = format!(
        "`{}` is JSON, but without a list of objects: its values have no names",
        path.display()
    );
    Refusal::new(Code::FileFormat, what).help(
        "export one object per person, such as `[{\"email\": \"ada@example.org\", …}]`, or save the list as CSV",
    )
}

/// Finds out how a JSON text is to be read, and what all of its records have.
///
/// # Errors
/// `file.unreadable`, `file.encoding`, `file.format`, `file.limit`, `file.damaged`, `file.empty`.
pub fn open(content: Content, wanted: &Wanted) -> Result<Source> {
    let named = wanted.definition.read.encoding.as_deref();
    let survey = survey(&content, named, Depth::Whole)?;
    within_file_limit(content.path(), survey.bytes)?;
    let encoding = survey.encoding;
    let mut shape = Shape {
        layout: layout(&content, encoding)?,
        content,
        encoding,
        separators: wanted.definition.groups.separators.clone(),
        records: 0,
        total: None,
        others: None,
    };
    let (header, without_nul) = without_nul(names(&mut shape)?);
    let content = &shape.content;
    Ok(Source {
        without_nul,
        path: content.path().to_path_buf(),
        sha256: content.sha256(survey.sha256),
        bytes: survey.bytes,
        format: Format::Json(Box::new(shape)),
        header_line: 0,
        header,
        dropped: Vec::new(),
        secret: None,
    })
}

/// How the records are arranged: a line each where half of the first lines or more are objects.
fn layout(content: &Content, encoding: Charset) -> Result<Layout> {
    let (mut reader, _) = TextReader::open(content, encoding)?;
    let mut head = Vec::new();
    let mut has_more = true;
    while has_more && head.len() <= RECORD_BYTES_MAX {
        let filled = reader.fill(&mut head);
        has_more = filled.map_err(|error| unreadable(content.path(), &error))?;
    }
    let is_array = head.trim_ascii_start().starts_with(b"[");
    if has_more {
        head.truncate(memchr::memrchr(b'\n', &head).unwrap_or(0));
    }
    let lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines: Vec<&[u8]> = lines
        .filter(|line| !line.is_empty())
        .take(LINES_LOOKED_AT)
        .collect();
    let objects = lines.iter().filter(|line| {
        line.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(line).is_ok()
    });
    let objects = objects.count();
    if objects * 2 >= lines.len() && lines.len() > 1 {
        return Ok(Layout::Lines);
    }
    if is_array {
        return Ok(Layout::Array);
    }
    Ok(match list_of(content, encoding)? {
        Some(key) => Layout::List(key),
        None if objects == 1 && lines.len() == 1 => Layout::Lines,
        None => Layout::Values,
    })
}

/// The names of all cells of all records, in the order in which they first appear.
fn names(shape: &mut Shape) -> Result<Vec<String>> {
    let path = shape.content.path().to_path_buf();
    let mut names = Names::default();
    let mut has_object = false;
    let mut flattener = Flattener::new(&shape.separators);
    let mut records = Records::open(&shape.content, shape.encoding, shape.layout.clone())?;
    while let Some(record) = records.next()? {
        shape.records += 1;
        has_object |= record.bytes.trim_ascii_start().starts_with(b"{");
        let Ok(node) = read_record(&record, &shape.layout, &path)? else {
            continue;
        };
        if shape.records == 1 && node.text("type") == Some("version") {
            shape.others = Some(BTreeMap::new());
        }
        if let Some(others) = &mut shape.others
            && let Some(kind) = other_kind(&node)
        {
            let end = kind.floor_char_boundary(TYPE_BYTES_MAX);
            if let Some(count) = others.get_mut(&kind[..end]) {
                *count += 1;
            } else if others.len() < COLUMNS_MAX {
                others.insert(kind[..end].to_string(), 1);
            }
            continue;
        }
        flattener.record(&node, &mut |name, text, _| names.note(name, text));
        if names.all.len() > COLUMNS_MAX {
            let what = format!(
                "`{}` has more than {COLUMNS_MAX} columns: the records up to line {} have more names than that in total",
                path.display(),
                record.place.line
            );
            return Err(Refusal::new(Code::FileLimit, what)
                .help("leave out what isn't about people, or isn't the same for all of them"));
        }
    }
    shape.total = records.total;
    let header = names.header();
    match (header.is_empty(), shape.records) {
        (false, _) => Ok(header),
        (true, 0) => {
            let what = format!("`{}` has no record", path.display());
            Err(Refusal::new(Code::FileEmpty, what))
        }
        (true, _) if !has_object => Err(without_objects(&path)),
        (true, records) => {
            let what = format!(
                "`{}` has no people in it: none of its {records} records has a readable value",
                path.display()
            );
            Err(Refusal::new(Code::FileEmpty, what))
        }
    }
}

/// The type of a record of a bulk export that is no user.
fn other_kind<'n>(node: &'n Node) -> Option<&'n str> {
    Some(node.text("type").unwrap_or("without a type")).filter(|kind| *kind != USER)
}

/// Names of cells, in the order in which they appear.
#[derive(Default)]
struct Names {
    /// Each with whether it ever had a value.
    all: Vec<(String, bool)>,
    by_name: HashMap<String, usize>,
    /// Records mostly have the same names in the same order: where the next one should be.
    next: usize,
}

impl Names {
    fn note(&mut self, name: &str, text: &str) {
        let expected = self.all.get(self.next).filter(|(next, _)| next == name);
        let index = match expected {
            Some(_) => self.next,
            None => match self.by_name.get(name) {
                Some(index) => *index,
                None => {
                    self.by_name.insert(name.to_string(), self.all.len());
                    self.all.push((name.to_string(), false));
                    self.all.len() - 1
                }
            },
        };
        self.next = index + 1;
        self.all[index].1 |= !text.is_empty();
    }

    /// The names of the columns: a name that never has a value is none where others are below it.
    fn header(self) -> Vec<String> {
        let is_above = |name: &str| {
            let below = |other: &str| other.strip_prefix(name).is_some_and(|o| o.starts_with('.'));
            self.all.iter().any(|(other, _)| below(other))
        };
        let stays = |(name, has_values): &&(String, bool)| *has_values || !is_above(name);
        let names = self.all.iter().filter(stays).map(|(name, _)| name.clone());
        names.collect()
    }
}

/// What is wrong with a record: a code, and what to say.
type Broken = (Code, String);

/// A record as a tree; or what is wrong with it, where that costs its row only.
fn read_record<'w>(
    record: &Record<'w>,
    layout: &Layout,
    path: &std::path::Path,
) -> Result<std::result::Result<Node<'w>, Broken>> {
    let bytes = record.bytes.trim_ascii();
    if std::str::from_utf8(bytes).is_err() {
        let what = "text in the file's encoding".to_string();
        return Ok(Err((Code::RowEncoding, what)));
    }
    let error = match parse(bytes) {
        Ok(node) => return Ok(Ok(node)),
        Err(error) => error,
    };
    let shown = error.to_string();
    // serde_json has its own place after the message, within the record.
    let what = shown.rsplit_once(" at line ").map_or(&*shown, |(w, _)| w);
    let is_surrogate = what.starts_with("lone leading surrogate") || what.contains("hex escape");
    match error.classify() {
        Category::Data if is_too_deep(bytes) => Err(too_deep(path, record.place.line)),
        Category::Data => Ok(Err((Code::RowJson, what.to_string()))),
        _ if *layout == Layout::Lines => {
            let what = format!("{what} at character {}", error.column());
            Ok(Err((Code::RowJson, what)))
        }
        _ if is_surrogate => Ok(Err((Code::RowJson, what.to_string()))),
        _ => {
            let line = record.place.line + error.line() as u64 - 1;
            let before = if error.line() == 1 {
                record.column - 1
            } else {
                0
            };
            let column = before + error.column() as u64;
            Err(damaged(path, line, column, what))
        }
    }
}

/// Streams the records as rows.
///
/// # Errors
/// `file.limit`, `file.damaged`, `file.changed`; what `emit` fails with.
pub fn read(
    source: &Source,
    shape: &Shape,
    number: u16,
    first_row: RowNumber,
    emit: &mut Emit,
) -> Result<()> {
    let mut records = Records::open(&shape.content, shape.encoding, shape.layout.clone())?;
    let mut flattener = Flattener::new(&shape.separators);
    let mut row = Row::new(source);
    let mut cells = Cells::new(number, first_row);
    while let Some(record) = records.next()? {
        let node = read_record(&record, &shape.layout, &source.path)?;
        if let (Ok(node), Some(_)) = (&node, &shape.others)
            && other_kind(node).is_some()
        {
            continue;
        }
        if cells.next_row() >= ROWS_MAX {
            let what = format!("`{}` has more than {ROWS_MAX} rows", source.path.display());
            return Err(Refusal::new(Code::FileLimit, what));
        }
        match node {
            Ok(node) => {
                row.fill(&node, &mut flattener)?;
                row.push(&mut cells);
            }
            Err((code, what)) => push_broken(&mut cells, code, what, &record, source),
        }
        cells.end_row(record.place);
        if cells.is_full() {
            let next = Cells::new(number, cells.next_row());
            if !emit(std::mem::replace(&mut cells, next))? {
                return Ok(());
            }
        }
    }
    if shape.encoding == Charset::UTF_8 && records.bytes_read() != source.bytes {
        return Err(changed(source));
    }
    if !cells.is_empty() {
        emit(cells)?;
    }
    Ok(())
}

fn changed(source: &Source) -> Refusal {
    let what = format!("`{}` changed after it was opened", source.path.display());
    Refusal::new(Code::FileChanged, what)
}

/// Adds a row for a record that can't be read. What was in it isn't known, not even whether it is
/// secret; two such rows aren't one and the same.
fn push_broken(cells: &mut Cells, code: Code, what: String, record: &Record, source: &Source) {
    let row = cells.next_row();
    cells.issues.push(Issue::of_row(code, row, what));
    let is_open =
        |column: &usize| !source.dropped.contains(column) && source.secret != Some(*column);
    let marked = (0..source.header.len()).find(is_open);
    for column in 0..source.header.len() {
        if Some(column) == marked {
            cells.push_cell(&format!("{UNREAD} {}", record.place.line));
        } else {
            cells.push_cell("");
        }
    }
}

/// The cells of the record under way.
struct Row<'s> {
    source: &'s Source,
    by_name: HashMap<&'s str, usize>,
    text: String,
    /// By column: where its text is in `text`.
    spans: Vec<Option<(usize, usize)>>,
    said: Vec<(usize, Said)>,
    doubled: Option<usize>,
}

impl<'s> Row<'s> {
    fn new(source: &'s Source) -> Row<'s> {
        let names = source.header.iter().map(String::as_str).enumerate();
        // Records have the names as they are.
        let raw = source.without_nul.iter();
        let raw = raw.map(|(column, name)| (*column, name.as_str()));
        Row {
            source,
            by_name: names
                .chain(raw)
                .map(|(index, name)| (name, index))
                .collect(),
            text: String::new(),
            spans: vec![None; source.header.len()],
            said: Vec::new(),
            doubled: None,
        }
    }

    fn fill(&mut self, node: &Node, flattener: &mut Flattener) -> Result<()> {
        self.text.clear();
        self.spans.fill(None);
        self.said.clear();
        self.doubled = None;
        let mut expected = 0;
        let mut is_known = true;
        flattener.record(node, &mut |name, text, said| {
            let header = &self.source.header;
            let column = match header.get(expected) {
                Some(next) if next == name => Some(expected),
                _ => self.by_name.get(name).copied(),
            };
            let Some(column) = column else {
                // A name without any value may be no column.
                is_known &= text.is_empty();
                return;
            };
            expected = column + 1;
            if text.is_empty() {
                return;
            }
            if self.spans[column].is_some() {
                self.doubled = Some(column);
            }
            let start = self.text.len();
            self.text.push_str(text);
            self.spans[column] = Some((start, self.text.len()));
            if said != Said::Nothing {
                self.said.push((column, said));
            }
        });
        match is_known {
            true => Ok(()),
            false => Err(changed(self.source)),
        }
    }

    fn cell(&self, column: usize) -> &str {
        self.spans[column].map_or("", |(start, end)| &self.text[start..end])
    }

    fn push(&self, cells: &mut Cells) {
        let source = self.source;
        let row = cells.next_row();
        if let Some(column) = self.doubled {
            let what = format!("two values for `{}`", source.header[column]);
            cells.issues.push(Issue {
                column: Some(column as u16),
                ..Issue::of_row(Code::RowJson, row, what)
            });
        }
        let is_secret =
            |column: usize| source.dropped.contains(&column) || source.secret == Some(column);
        for (column, said) in self.said.iter().filter(|(column, _)| !is_secret(*column)) {
            let (code, detail) = match said {
                Said::Nothing => continue,
                Said::Inexact => (
                    Code::CellPrecision,
                    "at most 15 digits, or the number in quotes, as text",
                ),
                Said::Separated => (Code::CellList, SEPARATED),
            };
            self.say(
                cells,
                code,
                *column,
                Cow::Borrowed(self.cell(*column)),
                detail,
            );
        }
        if !self.text.is_ascii() {
            self.check_text(cells, &is_secret);
        }
        for column in 0..self.spans.len() {
            let cell = self.cell(column);
            let is_misplaced = source.is_misplaced(column, cell);
            if is_misplaced {
                cells.issues.push(misplaced(row, column));
            }
            cells.push_cell(if source.dropped.contains(&column) {
                ""
            } else if is_misplaced {
                HIDDEN
            } else {
                cell
            });
        }
    }

    /// What is wrong with text that isn't plain ASCII, as in text with delimiters.
    fn check_text(&self, cells: &mut Cells, is_secret: &dyn Fn(usize) -> bool) {
        let is_suspect = mojibake::is_suspect(self.text.as_bytes());
        for column in (0..self.spans.len()).filter(|column| !is_secret(*column)) {
            let cell = self.cell(column);
            if cell.contains(char::REPLACEMENT_CHARACTER) {
                let expected = "text in the file's encoding";
                self.say(
                    cells,
                    Code::RowEncoding,
                    column,
                    Cow::Borrowed(cell),
                    expected,
                );
            }
            if is_suspect && let Some(repaired) = mojibake::repaired(cell) {
                let found = format!("{cell} → {repaired}");
                let expected = "UTF-8 that was read as another encoding";
                self.say(
                    cells,
                    Code::CellMojibake,
                    column,
                    Cow::Owned(found),
                    expected,
                );
            }
        }
    }

    fn say(&self, cells: &mut Cells, code: Code, column: usize, found: Cow<str>, detail: &str) {
        let row = cells.next_row();
        let issue = match self.source.secret {
            // With password hashes about, what a cell holds is shown nowhere.
            Some(_) => Issue::of_row(code, row, detail),
            None => Issue::of_value(code, row, &found, detail),
        };
        cells.issues.push(Issue {
            column: Some(column as u16),
            ..issue
        });
    }
}
