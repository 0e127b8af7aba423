//! The records of a JSON text, one at a time and with their places, whatever is around them: lines,
//! an array, or a list within a document. Memory holds one record, never the file.
//!
//! Here only brackets, quotes and commas are looked at; what is between them is
//! [`super::tree`]'s to parse.

use std::path::{Path, PathBuf};

use memchr::{memchr, memchr_iter, memchr3, memrchr};
use serde::{Deserialize, Serialize};

use crate::field::Place;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::stages::read::charset::Charset;
use crate::stages::read::content::Content;
use crate::stages::read::encoding::TextReader;
use crate::stages::read::input::unreadable;
use crate::stages::read::records::RECORD_BYTES_MAX;

/// How deep a record may nest.
pub const DEPTH_MAX: usize = 16;
/// How deep what is not a record may nest, such as the settings of a realm.
const OTHER_DEPTH_MAX: usize = 128;
/// The longest key of a document, quotes included.
const KEY_BYTES_MAX: usize = 4096;
/// What is read already is forgotten once it is this long.
const FORGET_BYTES: usize = 256 << 10;
/// Members of a document that may hold the records: SCIM's, Keycloak's, Microsoft Graph's, and what
/// others call theirs.
const LISTS: &[&str] = &[
    "Resources",
    "resources",
    "users",
    "value",
    "data",
    "items",
    "results",
    "people",
    "employees",
];

/// How the records are arranged in the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// One a line.
    Lines,
    /// In one array.
    Array,
    /// In the array of that name, which is a member of a document.
    List(String),
    /// One after another, over as many lines as they take.
    Values,
}

/// A record as it is written in the text.
pub(super) struct Record<'w> {
    pub place: Place,
    /// Of its first byte, in bytes, from 1.
    pub column: u64,
    pub bytes: &'w [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Before,
    First,
    Next,
    Done,
}

/// Reads the records of a text.
pub(super) struct Records {
    reader: TextReader,
    encoding: Charset,
    path: PathBuf,
    layout: Layout,
    state: State,
    window: Vec<u8>,
    at: usize,
    place: Place,
    column: u64,
    /// How many records the document says that there are (SCIM's `totalResults`, RFC 7644 3.4.2).
    pub total: Option<u64>,
}

impl Records {
    /// Begins at the first byte.
    ///
    /// # Errors
    /// `file.unreadable`.
    pub(super) fn open(content: &Content, encoding: Charset, layout: Layout) -> Result<Records> {
        let (reader, byte) = TextReader::open(content, encoding)?;
        Ok(Records {
            reader,
            encoding,
            path: content.path().to_path_buf(),
            layout,
            state: State::Before,
            window: Vec::new(),
            at: 0,
            place: Place { line: 1, byte },
            column: 1,
            total: None,
        })
    }

    /// How many bytes of the file are after, once there is no record left.
    pub(super) fn bytes_read(&self) -> u64 {
        self.place.byte
    }

    /// The next record.
    ///
    /// # Errors
    /// `file.limit` for one that is too long or nests too deep; `file.damaged` for what isn't JSON
    /// around the records, with line and column.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>> {
        match self.layout {
            Layout::Lines => self.next_line(),
            _ => self.next_value(),
        }
    }

    fn next_line(&mut self) -> Result<Option<Record<'_>>> {
        loop {
            let mut looked_at = 0;
            let (length, end) = loop {
                let rest = &self.window[self.at..];
                match memchr(b'\n', &rest[looked_at..]) {
                    Some(found) => break (looked_at + found, 1),
                    None if rest.len() > RECORD_BYTES_MAX => break (rest.len(), 0),
                    None => looked_at = rest.len(),
                }
                if !self.fill()? {
                    break (self.window.len() - self.at, 0);
                }
            };
            if length > RECORD_BYTES_MAX {
                return Err(self.too_long());
            }
            if length + end == 0 {
                return Ok(None);
            }
            let start = self.at;
            let (place, column) = (self.place, self.column);
            self.advance(length + end);
            if !self.window[start..start + length].trim_ascii().is_empty() {
                let bytes = &self.window[start..start + length];
                return Ok(Some(Record {
                    place,
                    column,
                    bytes,
                }));
            }
        }
    }

    fn next_value(&mut self) -> Result<Option<Record<'_>>> {
        if self.state == State::Before {
            self.enter()?;
            self.state = State::First;
        }
        if self.state == State::Done {
            return Ok(None);
        }
        let found = self.peek()?;
        if self.layout == Layout::Values {
            if found.is_none() {
                return Ok(None);
            }
        } else if found == Some(b']') {
            self.advance(1);
            self.leave()?;
            self.state = State::Done;
            return Ok(None);
        } else if self.state == State::Next {
            if found != Some(b',') {
                return Err(self.syntax("expected `,` or `]`"));
            }
            self.advance(1);
            self.peek()?;
        }
        self.state = State::Next;
        let length = self.value(RECORD_BYTES_MAX, DEPTH_MAX)?;
        let start = self.at;
        let (place, column) = (self.place, self.column);
        self.advance(length);
        Ok(Some(Record {
            place,
            column,
            bytes: &self.window[start..start + length],
        }))
    }

    /// Goes to the first record.
    fn enter(&mut self) -> Result<()> {
        match self.layout.clone() {
            Layout::Lines | Layout::Values => Ok(()),
            Layout::Array => self.expect(b'['),
            Layout::List(wanted) => {
                self.expect(b'{')?;
                let mut is_first = true;
                while let Some(key) = self.member(is_first)? {
                    is_first = false;
                    if key == wanted && self.peek()? == Some(b'[') {
                        return self.expect(b'[');
                    }
                    self.pass_over(&key)?;
                }
                Err(self.syntax("the list no longer exists"))
            }
        }
    }

    /// Goes from after the last record to the end of the file.
    fn leave(&mut self) -> Result<()> {
        if matches!(self.layout, Layout::List(_)) {
            while let Some(key) = self.member(false)? {
                self.pass_over(&key)?;
            }
        }
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(self.syntax("there is more text after the end of the document")),
        }
    }

    /// The key of the next member of an object, whose value is next; `None` after the last.
    fn member(&mut self, is_first: bool) -> Result<Option<String>> {
        match self.peek()? {
            Some(b'}') => {
                self.advance(1);
                return Ok(None);
            }
            Some(b',') if !is_first => self.advance(1),
            _ if !is_first => return Err(self.syntax("expected `,` or `}`")),
            _ => {}
        }
        if self.peek()? != Some(b'"') {
            return Err(self.syntax("expected a key in quotes"));
        }
        let length = self.value(KEY_BYTES_MAX, 1)?;
        let key = serde_json::from_slice(&self.window[self.at..self.at + length])
            .map_err(|_| self.syntax("expected a key in quotes"))?;
        self.advance(length);
        self.expect(b':')?;
        Ok(Some(key))
    }

    /// Goes after the value of a member that isn't the list.
    fn pass_over(&mut self, key: &str) -> Result<()> {
        if key == "totalResults" {
            self.peek()?;
            let length = self.value(KEY_BYTES_MAX, 1)?;
            self.total = serde_json::from_slice(&self.window[self.at..self.at + length]).ok();
            self.advance(length);
            return Ok(());
        }
        self.skip(Scan::default())
    }

    /// Goes after a value of any length, of which `scan` saw the beginning.
    fn skip(&mut self, mut scan: Scan) -> Result<()> {
        self.peek()?;
        loop {
            match scan.end(&self.window[self.at..], OTHER_DEPTH_MAX) {
                Step::End(length) => {
                    self.advance(length);
                    return Ok(());
                }
                Step::More => self.advance(self.window.len() - self.at),
                step => return Err(self.stopped(step)),
            }
            if !self.fill()? {
                return match scan.is_ended() {
                    true => Ok(()),
                    false => Err(self.syntax("the file ends within a value")),
                };
            }
        }
    }

    /// The length of the value that begins here.
    fn value(&mut self, longest: usize, deepest: usize) -> Result<usize> {
        let mut scan = Scan::default();
        let mut looked_at = 0;
        loop {
            match scan.end(&self.window[self.at + looked_at..], deepest) {
                Step::End(length) if looked_at + length <= longest => {
                    return Ok(looked_at + length);
                }
                Step::End(_) => return Err(self.too_long()),
                Step::More => looked_at = self.window.len() - self.at,
                step => {
                    self.advance(looked_at);
                    return Err(self.stopped(step));
                }
            }
            if looked_at > longest {
                return Err(self.too_long());
            }
            if !self.fill()? {
                return match scan.is_ended() {
                    true => Ok(looked_at),
                    false => Err(self.syntax("the file ends within a value")),
                };
            }
        }
    }

    /// Goes after that character, which must be next.
    fn expect(&mut self, wanted: u8) -> Result<()> {
        if self.peek()? == Some(wanted) {
            self.advance(1);
            return Ok(());
        }
        Err(self.syntax(&format!("expected `{}`", char::from(wanted))))
    }

    /// The next byte that isn't white space.
    fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            let rest = &self.window[self.at..];
            let blank = rest.len() - rest.trim_ascii_start().len();
            let next = rest.get(blank).copied();
            self.advance(blank);
            if next.is_some() || !self.fill()? {
                return Ok(next);
            }
        }
    }

    fn fill(&mut self) -> Result<bool> {
        if self.at >= FORGET_BYTES {
            self.window.drain(..self.at);
            self.at = 0;
        }
        let filled = self.reader.fill(&mut self.window);
        filled.map_err(|error| unreadable(&self.path, &error))
    }

    fn advance(&mut self, count: usize) {
        let passed = &self.window[self.at..self.at + count];
        self.place.byte += match std::str::from_utf8(passed) {
            Ok(text) if self.encoding != Charset::UTF_8 => self.encoding.length_of(text),
            _ => count as u64,
        };
        match memrchr(b'\n', passed) {
            Some(last) => {
                self.place.line += memchr_iter(b'\n', &passed[..=last]).count() as u64;
                self.column = (count - last) as u64;
            }
            None => self.column += count as u64,
        }
        self.at += count;
    }

    fn stopped(&mut self, step: Step) -> Refusal {
        match step {
            Step::TooDeep => too_deep(&self.path, self.place.line),
            Step::LineEnd(at) => {
                self.advance(at);
                self.syntax("a line ends within quotes")
            }
            _ => self.syntax("expected a value"),
        }
    }

    fn too_long(&self) -> Refusal {
        let what = format!(
            "`{}` line {}: a record of more than {RECORD_BYTES_MAX} bytes",
            self.path.display(),
            self.place.line
        );
        Refusal::new(Code::FileLimit, what).help(
            "write one object per person, each on its own \
            line",
        )
    }

    fn syntax(&self, what: &str) -> Refusal {
        damaged(&self.path, self.place.line, self.column, what)
    }
}

/// The refusal of a document that isn't JSON.
pub(super) fn damaged(path: &Path, line: u64, column: u64, what: &str) -> Refusal {
    let shown = path.display();
    let what = format!("`{shown}` isn't JSON: line {line}, column {column}: {what}");
    Refusal::new(Code::FileDamaged, what).help(
        "export it again, or correct that place; in a list with one object per line, only the \
            broken lines are left out",
    )
}

/// The refusal of a record that nests too deep.
pub(super) fn too_deep(path: &Path, line: u64) -> Refusal {
    let what = format!(
        "`{}` line {line}: a record that nests more than {DEPTH_MAX} levels deep",
        path.display()
    );
    Refusal::new(Code::FileLimit, what).help("leave out what isn't about the person")
}

/// Whether a record nests deeper than it may.
pub(super) fn is_too_deep(bytes: &[u8]) -> bool {
    matches!(Scan::default().end(bytes, DEPTH_MAX), Step::TooDeep)
}

/// The member of a document that holds its records, if one does.
///
/// # Errors
/// As [`Records::next`].
pub(super) fn list_of(content: &Content, encoding: Charset) -> Result<Option<String>> {
    let mut records = Records::open(content, encoding, Layout::Values)?;
    records.expect(b'{')?;
    let mut is_first = true;
    while let Some(key) = records.member(is_first)? {
        is_first = false;
        if !LISTS.contains(&key.as_str()) || records.peek()? != Some(b'[') {
            records.pass_over(&key)?;
            continue;
        }
        records.advance(1);
        if matches!(records.peek()?, Some(b'{' | b']')) {
            return Ok(Some(key));
        }
        records.skip(Scan {
            depth: 1,
            has_begun: true,
            ..Scan::default()
        })?;
    }
    Ok(None)
}

/// Looks for the end of a value, block by block.
#[derive(Debug, Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    has_begun: bool,
}

enum Step {
    /// It ends before that byte.
    End(usize),
    More,
    TooDeep,
    /// A line ends within a string, which no JSON has: there, a quote is missing.
    LineEnd(usize),
    NoValue,
}

impl Scan {
    fn end(&mut self, bytes: &[u8], deepest: usize) -> Step {
        let mut at = 0;
        while at < bytes.len() {
            if self.in_string {
                if self.is_escaped {
                    self.is_escaped = false;
                    at += 1;
                    continue;
                }
                let Some(found) = memchr3(b'"', b'\\', b'\n', &bytes[at..]) else {
                    return Step::More;
                };
                at += found + 1;
                match bytes[at - 1] {
                    b'\n' => return Step::LineEnd(at - 1),
                    b'\\' => self.is_escaped = true,
                    _ => self.in_string = false,
                }
                if !self.in_string && self.depth == 0 {
                    return Step::End(at);
                }
                continue;
            }
            match bytes[at] {
                b'"' if self.depth == 0 && self.has_begun => return Step::End(at),
                b'"' => self.in_string = true,
                b'{' | b'[' if self.depth == 0 && self.has_begun => return Step::End(at),
                b'{' | b'[' if self.depth >= deepest => return Step::TooDeep,
                b'{' | b'[' => self.depth += 1,
                b',' | b']' | b'}' if self.depth == 0 => {
                    return match self.has_begun {
                        true => Step::End(at),
                        false => Step::NoValue,
                    };
                }
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Step::End(at + 1);
                    }
                }
                byte if byte.is_ascii_whitespace() && self.depth == 0 => return Step::End(at),
                _ => {}
            }
            self.has_begun = true;
            at += 1;
        }
        Step::More
    }

    /// Whether the value may end with the file.
    fn is_ended(&self) -> bool {
        self.has_begun && self.depth == 0 && !self.in_string
    }
}
