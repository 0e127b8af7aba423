//! The records of a text with delimiters, parsed by `csv-core`, the engine of the csv crate.
//!
//! csv-core tells how many bytes each record took, and from that come what the csv crate's own
//! positions get wrong on CRLF, CR and blank lines: exact physical lines and byte offsets. What it
//! accepts in silence, a quote that is opened and never properly closed, is found here, and costs
//! the line on which it is: reading continues after that line.

use std::borrow::Cow;
use std::io::{Read, Seek, SeekFrom};

use csv_core::ReadRecordResult;
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

use super::charset::Charset;
use super::content::{Content, ContentReader};
use super::encoding::TextReader;
use crate::field::Place;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::stages::read::input::unreadable;

/// The most bytes of a record, line end aside. A longer one that no quote explains refuses the file.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// A record over this many lines is an opening quote that was never closed.
pub const RECORD_LINES_MAX: u64 = 1000;
/// The most columns of a record.
pub const COLUMNS_MAX: usize = 512;
/// This many unclosed quotes are looked for as far as a record may reach. Behind them, what was
/// looked at for one is read line by line, or a hostile file would be read again for each line.
const SEARCHES_MAX: u32 = 200;
/// This many lines of comments are named.
const LINES_NAMED_MAX: usize = 100;
/// A byte order mark in UTF-8, in which all text is here.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// Is for a delimiter of several bytes while csv-core parses: a byte that no UTF-8 has.
const STAND_IN: u8 = 0xff;
/// What a byte that is [`STAND_IN`] by damage becomes: damage still, and as long.
const DAMAGED: u8 = 0xfe;

/// How cells and rows are distinguished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialect {
    /// How bytes become text.
    pub encoding: Charset,
    /// Between cells: one character or a few.
    pub delimiter: String,
    /// Around cells, if anything may be.
    pub quote: Option<u8>,
    /// Before a quote that is part of a cell; without it, such a quote is doubled.
    pub escape: Option<u8>,
    /// What a line begins with that is not a record.
    pub comment: Option<String>,
    /// Between the values of a record of which a program once saved each line as one cell.
    #[serde(default)]
    pub inner: Option<String>,
}

impl Dialect {
    /// What is between the values of a row.
    pub fn delimiter_of_values(&self) -> &str {
        self.inner.as_ref().unwrap_or(&self.delimiter)
    }

    /// The delimiter as csv-core sees it.
    pub(super) fn delimiter_byte(&self) -> u8 {
        match self.delimiter.as_bytes() {
            [only] => *only,
            _ => STAND_IN,
        }
    }

    /// A parser for text in which [`Dialect::mapped`] did its work.
    pub(super) fn parser(&self) -> csv_core::Reader {
        csv_core::ReaderBuilder::new()
            .delimiter(self.delimiter_byte())
            .quoting(self.quote.is_some())
            .quote(self.quote.unwrap_or(b'"'))
            .escape(self.escape)
            .build()
    }

    /// `text` with every delimiter as one byte.
    pub(super) fn mapped<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        if self.delimiter_byte() != STAND_IN {
            return Cow::Borrowed(text);
        }
        let mut mapped = Vec::with_capacity(text.len());
        map(text, &Finder::new(&self.delimiter), &mut mapped);
        Cow::Owned(mapped)
    }

    /// The cells of one line.
    pub(super) fn cells_of(&self, line: &[u8]) -> Vec<String> {
        let mut record = Record::default();
        parse_slice(&self.mapped(line), &mut self.parser(), &mut record);
        if self.delimiter_byte() == STAND_IN {
            record.restore(&self.delimiter);
        }
        if let Some(inner) = self.within() {
            record.unwrap(self, &inner, None);
        }
        record.cells().map(Cow::into_owned).collect()
    }

    /// How the values within a cell that was a line are distinguished, where each line is one.
    fn within(&self) -> Option<Dialect> {
        self.inner.as_ref().map(|inner| Dialect {
            delimiter: inner.clone(),
            inner: None,
            ..self.clone()
        })
    }
}

/// Appends `text` to `out` with every delimiter as one byte.
fn map(text: &[u8], delimiter: &Finder, out: &mut Vec<u8>) {
    let mut from = 0;
    for at in delimiter.find_iter(text) {
        copy_undamaged(&text[from..at], out);
        out.push(STAND_IN);
        from = at + delimiter.needle().len();
    }
    copy_undamaged(&text[from..], out);
}

fn copy_undamaged(part: &[u8], out: &mut Vec<u8>) {
    let is_in = |byte: &u8| if *byte == STAND_IN { DAMAGED } else { *byte };
    out.extend(part.iter().map(is_in));
}

/// What is wrong with the quotes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Damage {
    /// Nothing.
    #[default]
    None,
    /// A quote inside a cell that isn't quoted.
    Stray,
    /// Text after a closing quote.
    AfterQuote,
    /// A quote opens on that line and isn't closed, or the record has a part of such a cell.
    Unclosed(u64),
}

/// One record: unquoted bytes, where each cell ends in them, and where the record is.
#[derive(Debug)]
pub struct Record {
    bytes: Vec<u8>,
    length: usize,
    ends: Vec<usize>,
    /// Where it is.
    pub place: Place,
    /// What is wrong with its quotes.
    pub damage: Damage,
}

impl Default for Record {
    fn default() -> Record {
        Record {
            bytes: vec![0; 1 << 12],
            length: 0,
            ends: Vec::new(),
            place: Place { line: 0, byte: 0 },
            damage: Damage::None,
        }
    }
}

impl Record {
    /// Where each cell ends in [`Record::bytes`].
    pub fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// The bytes of all cells, one after the other.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// The bytes of each cell.
    pub fn raw_cells(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len()).map(|column| {
            let start = if column == 0 {
                0
            } else {
                self.ends[column - 1]
            };
            &self.bytes[start..self.ends[column]]
        })
    }

    /// The text of each cell; what is not a text becomes U+FFFD.
    pub fn cells(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.raw_cells().map(String::from_utf8_lossy)
    }

    /// Whether all cells are blank.
    pub fn is_blank(&self) -> bool {
        let bytes = self.bytes();
        // A first letter settles it for nearly every row.
        // The end of a text in UTF-16 that was appended to another is a NUL.
        !bytes.first().is_some_and(u8::is_ascii_graphic)
            && String::from_utf8_lossy(bytes)
                .trim_matches(|c: char| c.is_whitespace() || c == '\0')
                .is_empty()
    }

    fn clear(&mut self) {
        self.length = 0;
        self.ends.clear();
        self.damage = Damage::None;
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if self.bytes.len() < end {
            self.bytes.resize(end * 2, 0);
        }
        self.bytes[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }

    /// Adds empty cells up to `width` of them.
    pub(super) fn pad(&mut self, width: usize) {
        let end = self.length;
        self.ends.resize(width.max(self.ends.len()), end);
    }

    /// Takes NULs out of the cells.
    pub(super) fn drop_nuls(&mut self) {
        let mut bytes = Vec::with_capacity(self.length);
        let mut ends = Vec::with_capacity(self.ends.len());
        for cell in self.raw_cells() {
            bytes.extend(cell.iter().filter(|byte| **byte != 0));
            ends.push(bytes.len());
        }
        self.length = bytes.len();
        // The parser doubles the room that there is, so there must be some.
        bytes.resize(self.bytes.len(), 0);
        self.bytes = bytes;
        self.ends = ends;
    }

    /// How many cells there are up to the last that isn't blank.
    pub(super) fn filled(&self) -> usize {
        let mut filled = self.ends.len();
        let is_blank = |cell: &[u8]| cell.iter().all(|byte| byte.is_ascii_whitespace());
        while filled > 0 {
            let start = if filled > 1 { self.ends[filled - 2] } else { 0 };
            if !is_blank(&self.bytes[start..self.ends[filled - 1]]) {
                break;
            }
            filled -= 1;
        }
        filled
    }

    /// Takes a record apart that has a whole line of values in its first cell, and nothing in the
    /// others; or that was cut at `outer`'s delimiter, where the values are distinguished by
    /// another. Where `width` is known, it must be that of the values. Whether anything was done.
    ///
    /// In a list in which not every line is so, it must be the only cell: beside empty ones, it may be
    /// a value that holds the delimiter.
    fn unwrap(&mut self, outer: &Dialect, inner: &Dialect, width: Option<usize>) -> bool {
        let filled = self.filled();
        let is_same = outer.delimiter == inner.delimiter;
        let is_rare = outer.inner.is_none();
        if filled == 0
            || is_same && (filled != 1 || self.damage != Damage::None)
            || is_rare && (self.ends.len() > 1 || width.is_none_or(|width| width < 3))
        {
            return false;
        }
        let mut line = Vec::new();
        for (index, cell) in self.raw_cells().take(filled).enumerate() {
            if index > 0 {
                line.extend_from_slice(outer.delimiter.as_bytes());
            }
            line.extend_from_slice(cell);
        }
        let mapped = inner.mapped(&line);
        let mut values = Record::default();
        let passed = parse_slice(&mapped, &mut inner.parser(), &mut values);
        // What a line break cuts off would be lost.
        if passed < mapped.len()
            || is_same && values.ends.len() < 2
            || width.is_some_and(|width| values.ends.len() != width)
        {
            return false;
        }
        if inner.delimiter_byte() == STAND_IN {
            values.restore(&inner.delimiter);
        }
        let found = quotes(&mapped, inner.delimiter_byte(), inner, true);
        self.damage = match (self.damage, found) {
            (Damage::None, Quotes::Stray) => Damage::Stray,
            (Damage::None, Quotes::AfterQuote) => Damage::AfterQuote,
            (Damage::None, Quotes::Unclosed(_)) => Damage::Unclosed(self.place.line),
            (damage, _) => damage,
        };
        self.bytes = values.bytes;
        self.length = values.length;
        self.ends = values.ends;
        true
    }

    /// Puts delimiters of several bytes back where a quoted cell has them.
    fn restore(&mut self, delimiter: &str) {
        if memchr::memchr(STAND_IN, self.bytes()).is_none() {
            return;
        }
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut ends = Vec::with_capacity(self.ends.len());
        for cell in self.raw_cells() {
            for (index, part) in cell.split(|byte| *byte == STAND_IN).enumerate() {
                if index > 0 {
                    bytes.extend_from_slice(delimiter.as_bytes());
                }
                bytes.extend_from_slice(part);
            }
            ends.push(bytes.len());
        }
        self.length = bytes.len();
        self.bytes = bytes;
        self.ends = ends;
    }
}

/// The records of a file, one after the other.
pub struct Records<'a> {
    reader: TextReader,
    content: &'a Content,
    dialect: &'a Dialect,
    delimiter: u8,
    /// Finds a delimiter of several bytes.
    finder: Option<Finder<'a>>,
    /// Text in which delimiters of several bytes are not yet found.
    unmapped: Vec<u8>,
    parser: csv_core::Reader,
    has_parsed: bool,
    /// For records that are cut out of the window: to build a parser takes longer than to use it.
    spare: csv_core::Reader,
    ends: Vec<usize>,
    /// Text under way; the record that is being read starts at `start`, and `at` is parsed.
    window: Vec<u8>,
    start: usize,
    at: usize,
    /// Physical line and byte offset of `window[start]`.
    line: u64,
    byte: u64,
    /// The byte before `start` was a CR, so that a LF now belongs to it.
    after_cr: bool,
    exhausted: bool,
    /// How many unclosed quotes were found, where the last one is, and up to where the window is
    /// read line by line.
    searches: u32,
    unclosed_line: Option<u64>,
    by_line_until: usize,
    /// How many searches for the end of a quote after a blank found none.
    blank_searches: u32,
    /// How the values within a line that is one cell are distinguished.
    inner: Option<Dialect>,
    /// How many columns the header has, once that is known.
    pub width: Option<usize>,
    /// Whether a NUL was seen.
    pub has_nul: bool,
    /// How many records were taken apart that had been saved as one cell.
    pub unwrapped: u64,
    /// Lines that were passed over as comments: how many, and the first of them.
    pub comments: (u64, Vec<u64>),
}

impl<'a> Records<'a> {
    /// Opens a text after its byte order mark.
    ///
    /// # Errors
    /// `file.unreadable`.
    pub fn open(content: &'a Content, dialect: &'a Dialect) -> Result<Records<'a>> {
        let (reader, byte) = TextReader::open_by_line(content, dialect.encoding)?;
        let delimiter = dialect.delimiter_byte();
        Ok(Records {
            reader,
            content,
            dialect,
            delimiter,
            finder: (delimiter == STAND_IN).then(|| Finder::new(&dialect.delimiter)),
            unmapped: Vec::new(),
            parser: dialect.parser(),
            has_parsed: false,
            spare: dialect.parser(),
            ends: vec![0; 64],
            window: Vec::new(),
            start: 0,
            at: 0,
            line: 1,
            byte,
            after_cr: false,
            exhausted: false,
            searches: 0,
            unclosed_line: None,
            by_line_until: 0,
            blank_searches: 0,
            inner: dialect.within(),
            width: None,
            has_nul: false,
            unwrapped: 0,
            comments: (0, Vec::new()),
        })
    }

    /// How many bytes of the file are after the last record.
    pub fn bytes_read(&self) -> u64 {
        self.byte
    }

    /// Parses the next record into `record`; `Ok(false)` after the last.
    ///
    /// # Errors
    /// `file.limit` for a record that is too long or too wide, `file.unreadable`.
    pub fn next(&mut self, record: &mut Record) -> Result<bool> {
        record.clear();
        if !self.seek_record()? {
            return Ok(false);
        }
        record.place = Place {
            line: self.line,
            byte: self.byte,
        };
        if self.start < self.by_line_until {
            self.next_line(record)?;
        } else {
            self.parse(record)?;
        }
        if self.finder.is_some() {
            record.restore(&self.dialect.delimiter);
        }
        self.unwrap(record);
        if record.ends.len() > COLUMNS_MAX {
            return Err(self.over(
                record.place.line,
                &format!("{} cells", record.ends.len()),
                &format!("{COLUMNS_MAX} columns"),
            ));
        }
        Ok(true)
    }

    /// Takes a record apart that a program saved as one cell: where all lines are so, or where the
    /// values are as many as there are columns.
    fn unwrap(&mut self, record: &mut Record) {
        if let Some(inner) = &self.inner {
            let is_same = inner.delimiter == self.dialect.delimiter;
            let width = self.width.filter(|_| is_same);
            let is_done = record.unwrap(self.dialect, inner, width);
            self.unwrapped += u64::from(is_done);
            return;
        }
        let delimiter = self.dialect.delimiter.as_bytes();
        if record.ends.len() == 1
            && let Some(width) = self.width
            && memchr::memmem::find(record.bytes(), delimiter).is_some()
        {
            let is_done = record.unwrap(self.dialect, self.dialect, Some(width));
            self.unwrapped += u64::from(is_done);
        }
    }

    /// Moves over line ends, blank lines and comments; `Ok(false)` at the end.
    fn seek_record(&mut self) -> Result<bool> {
        loop {
            let rest = &self.window[self.at..];
            let ends = rest
                .iter()
                .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                .count();
            self.at += ends;
            self.advance(self.at);
            if self.at == self.window.len() {
                if self.exhausted {
                    return Ok(false);
                }
                self.refill()?;
                continue;
            }
            // Of a file that was put below another, as `cat` does.
            if self.window[self.at] == BOM[0] && self.has_parsed && self.is_at_mark()? {
                self.at += BOM.len();
                continue;
            }
            let Some(comment) = &self.dialect.comment else {
                return Ok(true);
            };
            while self.window.len() - self.at < comment.len() && !self.exhausted {
                self.refill()?;
            }
            if !self.window[self.at..].starts_with(comment.as_bytes()) {
                return Ok(true);
            }
            self.comments.0 += 1;
            if self.comments.1.len() < LINES_NAMED_MAX {
                self.comments.1.push(self.line);
            }
            self.at = self.end_of_line()?;
        }
    }

    /// Whether a byte order mark is next.
    fn is_at_mark(&mut self) -> Result<bool> {
        while self.window.len() - self.at < BOM.len() && !self.exhausted {
            self.refill()?;
        }
        Ok(self.window[self.at..].starts_with(BOM))
    }

    /// Where the line ends on which `start` is.
    fn end_of_line(&mut self) -> Result<usize> {
        let mut looked_at = 0;
        loop {
            let rest = &self.window[self.start + looked_at..];
            if let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
                return Ok(self.start + looked_at + at);
            }
            looked_at = self.window.len() - self.start;
            if self.exhausted {
                return Ok(self.window.len());
            }
            if looked_at > RECORD_BYTES_MAX {
                return Err(self.too_long());
            }
            self.refill()?;
        }
    }

    fn parse(&mut self, record: &mut Record) -> Result<()> {
        if self.split_line(record) {
            return self.finish(record);
        }
        self.has_parsed = true;
        loop {
            // Without anything to read, the parser would take it for the end.
            while self.at == self.window.len() && !self.exhausted {
                self.refill()?;
            }
            let (result, read, written, ended) = self.parser.read_record(
                &self.window[self.at..],
                &mut record.bytes[record.length..],
                &mut self.ends,
            );
            self.at += read;
            record.length += written;
            record.ends.extend_from_slice(&self.ends[..ended]);
            match result {
                // Two bytes more may be the line end.
                ReadRecordResult::InputEmpty => {
                    if self.at - self.start > RECORD_BYTES_MAX + 2 {
                        return self.cut(record, self.at - self.start);
                    }
                }
                ReadRecordResult::OutputFull => {
                    let room = record.bytes.len() * 2;
                    record.bytes.resize(room, 0);
                }
                ReadRecordResult::OutputEndsFull => {}
                ReadRecordResult::Record | ReadRecordResult::End => return self.finish(record),
            }
        }
    }

    /// The fast path for nearly all records: a line without quotes ends at its end, and its cells at
    /// the delimiters. `false`, with nothing done, where that isn't so.
    fn split_line(&mut self, record: &mut Record) -> bool {
        let rest = &self.window[self.at..];
        // The parser itself passes over a byte order mark before the first record.
        if !self.has_parsed {
            return false;
        }
        let Some(end) = memchr::memchr2(b'\r', b'\n', rest) else {
            return false;
        };
        let line = &rest[..end];
        if self
            .dialect
            .quote
            .is_some_and(|quote| memchr::memchr(quote, line).is_some())
        {
            return false;
        }
        if record.bytes.len() < line.len() {
            record.bytes.resize(line.len() * 2, 0);
        }
        let mut start = 0;
        let mut add = |end: usize| {
            let to = record.length + (end - start);
            record.bytes[record.length..to].copy_from_slice(&line[start..end]);
            record.length = to;
            record.ends.push(to);
            start = end + 1;
        };
        memchr::memchr_iter(self.delimiter, line).for_each(&mut add);
        add(line.len());
        self.at += end + 1;
        true
    }

    /// Appends more text to the window, and drops what is behind.
    fn refill(&mut self) -> Result<()> {
        self.window.drain(..self.start);
        self.at -= self.start;
        self.by_line_until = self.by_line_until.saturating_sub(self.start);
        self.start = 0;
        let before = self.window.len();
        let Some(finder) = &self.finder else {
            let filled = self.reader.fill(&mut self.window);
            self.exhausted = !filled.map_err(|error| unreadable(self.content.path(), &error))?;
            self.has_nul |= memchr::memchr(0, &self.window[before..]).is_some();
            return Ok(());
        };
        let filled = self.reader.fill(&mut self.unmapped);
        self.exhausted = !filled.map_err(|error| unreadable(self.content.path(), &error))?;
        let text = std::mem::take(&mut self.unmapped);
        // A delimiter may be across two blocks; what is kept is too short to be a whole one.
        let last = finder.find_iter(&text).last();
        let behind = last.map_or(0, |at| at + finder.needle().len());
        let kept = if self.exhausted {
            0
        } else {
            (finder.needle().len() - 1).min(text.len() - behind)
        };
        let (now, later) = text.split_at(text.len() - kept);
        map(now, finder, &mut self.window);
        self.has_nul |= memchr::memchr(0, &self.window[before..]).is_some();
        self.unmapped = later.to_vec();
        Ok(())
    }

    /// Looks at the quotes and the size of a record that was parsed.
    fn finish(&mut self, record: &mut Record) -> Result<()> {
        let raw = &self.window[self.start..self.at];
        if let Some(quote) = self.dialect.quote
            && memchr::memchr(quote, raw).is_some()
        {
            let last = self.exhausted && self.at == self.window.len();
            let found = quotes(raw, self.delimiter, self.dialect, last);
            if found == Quotes::Stray && self.skip_blanks(record)? {
                return Ok(());
            }
            match found {
                Quotes::Fine => {}
                Quotes::Stray => record.damage = Damage::Stray,
                Quotes::AfterQuote => record.damage = Damage::AfterQuote,
                Quotes::Unclosed(noticed) => return self.cut(record, noticed),
            }
            let raw = &self.window[self.start..self.at];
            if line_ends(without_line_end(raw), false) >= RECORD_LINES_MAX {
                return self.cut(record, raw.len());
            }
            if record.damage == Damage::Stray && self.is_near_damage() {
                record.damage = Damage::Unclosed(self.unclosed_line.unwrap_or(self.line));
            }
        }
        if without_line_end(&self.window[self.start..self.at]).len() > RECORD_BYTES_MAX {
            return self.cut(record, self.at - self.start);
        }
        self.advance(self.at);
        Ok(())
    }

    /// Reads the record at `start` once more, with the blanks before opening quotes passed over.
    /// `false`, with nothing done, where no such quote closes at the end of its cell.
    fn skip_blanks(&mut self, record: &mut Record) -> Result<bool> {
        let is_wanted = |raw: &[u8], delimiter: u8, quote: u8| {
            memchr::memchr_iter(quote, raw).any(|at| {
                let before = &raw[..at];
                let start = before.len() - blanks_at_end(before, delimiter);
                start < at
                    && start
                        .checked_sub(1)
                        .is_none_or(|at| before[at] == delimiter)
            })
        };
        let Some(quote) = self.dialect.quote else {
            return Ok(false);
        };
        if !is_wanted(&self.window[self.start..self.at], self.delimiter, quote) {
            return Ok(false);
        }
        loop {
            let by_line = self.blank_searches > SEARCHES_MAX;
            let until = if by_line { self.at } else { self.window.len() };
            let raw = &self.window[self.start..until];
            let last = self.exhausted || by_line;
            let mut found = Record::default();
            match blanks_skipped(raw, self.delimiter, self.dialect, last, &mut found) {
                Some(end)
                    if end <= RECORD_BYTES_MAX
                        && line_ends(&raw[..end], false) < RECORD_LINES_MAX =>
                {
                    found.place = record.place;
                    *record = found;
                    self.parser.reset();
                    self.at = self.start + end;
                    self.advance(self.at);
                    return Ok(true);
                }
                None if !last && raw.len() <= RECORD_BYTES_MAX => self.refill()?,
                _ => {
                    self.blank_searches += 1;
                    return Ok(false);
                }
            }
        }
    }

    /// A stray quote not far after an unclosed one is most probably the end of what that opened.
    fn is_near_damage(&self) -> bool {
        self.unclosed_line
            .is_some_and(|line| self.line - line <= RECORD_LINES_MAX)
    }

    /// Ends the record at `start` with the line on which a quote opens that isn't closed; what
    /// showed it is `noticed` bytes after `start`.
    fn cut(&mut self, record: &mut Record, noticed: usize) -> Result<()> {
        let raw = &self.window[self.start..self.at];
        let (unclosed, spanning) = suspects(raw, self.delimiter, self.dialect);
        // This many lines above the quote can't be whole cells either.
        let is_near = |at: &usize| line_ends(&raw[..*at], false) < RECORD_LINES_MAX;
        let Some(opened) = unclosed.filter(is_near).or(spanning).or(unclosed) else {
            return Err(self.too_long());
        };
        let rest = &raw[opened..];
        let end = opened + memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        if end > RECORD_BYTES_MAX {
            return Err(self.too_long());
        }
        let line = self.line + line_ends(&raw[..opened], false);
        record.clear();
        record.damage = Damage::Unclosed(line);
        parse_slice(&raw[..end], &mut self.spare, record);
        self.unclosed_line = Some(line);
        self.searches += 1;
        if self.searches > SEARCHES_MAX {
            let mut shown = raw[..noticed.min(raw.len())].iter();
            let line_start = shown.rposition(|byte| matches!(byte, b'\r' | b'\n'));
            self.by_line_until = self.start + line_start.map_or(0, |at| at + 1);
        }
        self.parser.reset();
        self.at = self.start + end;
        self.advance(self.at);
        Ok(())
    }

    /// Takes the line at `start` as a record, whatever its quotes.
    fn next_line(&mut self, record: &mut Record) -> Result<()> {
        self.at = self.end_of_line()?;
        let raw = &self.window[self.start..self.at];
        parse_slice(raw, &mut self.spare, record);
        if quotes(raw, self.delimiter, self.dialect, true) != Quotes::Fine {
            record.damage = Damage::Unclosed(self.line);
        }
        self.advance(self.at);
        Ok(())
    }

    /// Moves `start` to `to`, counting lines and bytes.
    fn advance(&mut self, to: usize) {
        let passed = &self.window[self.start..to];
        self.line += line_ends(passed, self.after_cr);
        if let Some(last) = passed.last() {
            self.after_cr = *last == b'\r';
        }
        if self.dialect.encoding == Charset::UTF_8 {
            let extra = match &self.finder {
                None => 0,
                Some(finder) => {
                    memchr::memchr_iter(STAND_IN, passed).count() * (finder.needle().len() - 1)
                }
            };
            self.byte += (passed.len() + extra) as u64;
        } else {
            let is_end = self.exhausted && to == self.window.len();
            self.byte = self.reader.offset_behind(passed, is_end);
        }
        self.start = to;
    }

    fn too_long(&self) -> Refusal {
        self.over(self.line, "a line", &format!("{RECORD_BYTES_MAX} bytes"))
    }

    fn over(&self, line: u64, what: &str, limit: &str) -> Refusal {
        Refusal::new(
            Code::FileLimit,
            format!(
                "`{}` line {line}: {what} over the limit of {limit}",
                self.content.path().display()
            ),
        )
        .help("check the delimiter and the line ends, or remove what is too long")
    }
}

/// Reads records by themselves, from where they are known to begin.
pub struct Picker<'a> {
    reader: ContentReader,
    content: &'a Content,
    dialect: &'a Dialect,
    parser: csv_core::Reader,
    width: usize,
    raw: Vec<u8>,
}

impl<'a> Picker<'a> {
    /// Opens a text whose header has `width` columns.
    ///
    /// # Errors
    /// `file.unreadable`.
    pub fn open(content: &'a Content, dialect: &'a Dialect, width: usize) -> Result<Picker<'a>> {
        Ok(Picker {
            reader: content.open()?,
            content,
            dialect,
            parser: dialect.parser(),
            width,
            raw: Vec::new(),
        })
    }

    /// Parses the record at `place` into `record`; it ends before byte `end`, where that is known.
    /// Its quotes must be in order.
    ///
    /// # Errors
    /// `file.unreadable`.
    pub fn pick(&mut self, place: Place, end: Option<u64>, record: &mut Record) -> Result<()> {
        let longest = RECORD_BYTES_MAX as u64 + 2;
        let length = end.map_or(longest, |end| end.saturating_sub(place.byte).min(longest));
        self.raw.clear();
        let reader = &mut self.reader;
        reader
            .seek(SeekFrom::Start(place.byte))
            .and_then(|_| reader.take(length).read_to_end(&mut self.raw))
            .map_err(|error| unreadable(self.content.path(), &error))?;
        record.clear();
        record.place = place;
        let raw = self.dialect.mapped(&self.raw);
        let delimiter = self.dialect.delimiter_byte();
        let length = parse_slice(&raw, &mut self.parser, record);
        if quotes(&raw[..length], delimiter, self.dialect, true) == Quotes::Stray {
            let mut found = Record::default();
            if blanks_skipped(&raw, delimiter, self.dialect, true, &mut found).is_some() {
                found.place = place;
                *record = found;
            }
        }
        if delimiter == STAND_IN {
            record.restore(&self.dialect.delimiter);
        }
        match &self.dialect.within() {
            Some(inner) if inner.delimiter != self.dialect.delimiter => {
                record.unwrap(self.dialect, inner, None);
            }
            _ => {
                record.unwrap(self.dialect, self.dialect, Some(self.width));
            }
        }
        Ok(())
    }
}

/// Parses one record that is a slice of its own; how many bytes it took.
fn parse_slice(mut slice: &[u8], parser: &mut csv_core::Reader, record: &mut Record) -> usize {
    parser.reset();
    let all = slice.len();
    let mut ends = [0; 64];
    loop {
        let (result, read, written, ended) =
            parser.read_record(slice, &mut record.bytes[record.length..], &mut ends);
        slice = &slice[read..];
        record.length += written;
        record.ends.extend_from_slice(&ends[..ended]);
        match result {
            ReadRecordResult::InputEmpty | ReadRecordResult::OutputEndsFull => {}
            ReadRecordResult::OutputFull => {
                let room = record.bytes.len() * 2;
                record.bytes.resize(room, 0);
            }
            ReadRecordResult::Record | ReadRecordResult::End => return all - slice.len(),
        }
    }
}

/// How many lines end in `bytes`: at LF, at CR, once at CRLF.
pub(super) fn line_ends(bytes: &[u8], mut after_cr: bool) -> u64 {
    let mut count = 0;
    let mut next = 0;
    for at in memchr::memchr2_iter(b'\r', b'\n', bytes) {
        after_cr &= at == next;
        if !(bytes[at] == b'\n' && after_cr) {
            count += 1;
        }
        after_cr = bytes[at] == b'\r';
        next = at + 1;
    }
    count
}

fn without_line_end(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
    raw.strip_suffix(b"\r").unwrap_or(raw)
}

/// How the quotes of a record are set.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    Fine,
    Stray,
    AfterQuote,
    /// Shown by what is there in the record.
    Unclosed(usize),
}

/// csv-core reads on over a closing quote that something else than a delimiter follows; on one line
/// that is text after a quote, over several it means that the quote which closed was another row's
/// opening one. Blanks after a closing quote are nothing.
pub(super) fn quotes(raw: &[u8], delimiter: u8, dialect: &Dialect, last: bool) -> Quotes {
    let Some(quote) = dialect.quote else {
        return Quotes::Fine;
    };
    let mut verdict = Quotes::Fine;
    let mut at = 0;
    loop {
        if raw.get(at) == Some(&quote) {
            let Some(close) = closing_quote(raw, at + 1, quote, dialect.escape) else {
                return if last {
                    Quotes::Unclosed(raw.len())
                } else {
                    verdict
                };
            };
            let end = cell_end(raw, close + 1, delimiter);
            if !is_blank(&raw[close + 1..end]) {
                if memchr::memchr2(b'\r', b'\n', &raw[at..close]).is_some() {
                    return Quotes::Unclosed(close);
                }
                verdict = Quotes::AfterQuote;
            }
            at = end;
        } else {
            let end = cell_end(raw, at, delimiter);
            if verdict == Quotes::Fine && memchr::memchr(quote, &raw[at..end]).is_some() {
                verdict = Quotes::Stray;
            }
            at = end;
        }
        if raw.get(at) != Some(&delimiter) {
            return verdict;
        }
        at += 1;
    }
}

/// Where the quotes open that may explain a record which is too long or ends wrongly: the first
/// that isn't closed, and before it the first whose cell goes over a line end.
fn suspects(raw: &[u8], delimiter: u8, dialect: &Dialect) -> (Option<usize>, Option<usize>) {
    let mut spanning = None;
    let Some(quote) = dialect.quote else {
        return (None, None);
    };
    let mut at = 0;
    while at < raw.len() {
        let mut end = cell_end(raw, at, delimiter);
        if raw[at] == quote {
            let Some(close) = closing_quote(raw, at + 1, quote, dialect.escape) else {
                return (Some(at), spanning);
            };
            let spans = memchr::memchr2(b'\r', b'\n', &raw[at..close]).is_some();
            end = cell_end(raw, close + 1, delimiter);
            if spans && !is_blank(&raw[close + 1..end]) {
                return (Some(at), spanning);
            }
            if spans && spanning.is_none() {
                spanning = Some(at);
            }
        }
        at = end + 1;
    }
    (None, spanning)
}

/// Parses the record that `raw` begins with, passing over blanks before opening quotes and after
/// closing ones; where it ends, before its line end. `None` where no blank comes before a quote
/// that closes at the end of its cell, or where that isn't known before the `last` byte.
fn blanks_skipped(
    raw: &[u8],
    delimiter: u8,
    dialect: &Dialect,
    last: bool,
    record: &mut Record,
) -> Option<usize> {
    let quote = dialect.quote?;
    let mut is_found = false;
    let mut at = 0;
    loop {
        let opening = at + blanks(&raw[at..], delimiter);
        let mut end;
        if raw.get(opening) == Some(&quote) {
            let close = closing_quote(raw, opening + 1, quote, dialect.escape)?;
            end = close + 1;
            end += blanks(&raw[end..], delimiter);
            let ends =
                matches!(raw.get(end), Some(b'\r' | b'\n')) || raw.get(end) == Some(&delimiter);
            if !ends && end < raw.len() {
                return None;
            }
            is_found |= opening > at;
            push_unquoted(&raw[opening + 1..close], quote, dialect.escape, record);
        } else {
            end = cell_end(raw, at, delimiter);
            if memchr::memchr(quote, &raw[at..end]).is_some() {
                record.damage = Damage::Stray;
            }
            record.push(&raw[at..end]);
        }
        if end == raw.len() && !last {
            return None;
        }
        record.ends.push(record.length);
        if raw.get(end) != Some(&delimiter) {
            return is_found.then_some(end);
        }
        at = end + 1;
    }
}

/// Adds what is between quotes, with quotes in it as they are meant.
fn push_unquoted(cell: &[u8], quote: u8, escape: Option<u8>, record: &mut Record) {
    let mut at = 0;
    while at < cell.len() {
        let byte = cell[at];
        let is_escape = Some(byte) == escape || byte == quote && cell.get(at + 1) == Some(&quote);
        let at_meant = if is_escape && at + 1 < cell.len() {
            at + 1
        } else {
            at
        };
        record.push(&cell[at_meant..=at_meant]);
        at = at_meant + 1;
    }
}

/// How many bytes of blanks `raw` begins with: spaces, tabs that aren't the delimiter, no-break spaces.
fn blanks(raw: &[u8], delimiter: u8) -> usize {
    let mut at = 0;
    loop {
        match &raw[at..] {
            [b' ', ..] if delimiter != b' ' => at += 1,
            [b'\t', ..] if delimiter != b'\t' => at += 1,
            [0xc2, 0xa0, ..] => at += 2,
            _ => return at,
        }
    }
}

/// How many bytes of blanks `raw` ends with.
fn blanks_at_end(raw: &[u8], delimiter: u8) -> usize {
    let mut end = raw.len();
    loop {
        match &raw[..end] {
            [.., b' '] if delimiter != b' ' => end -= 1,
            [.., b'\t'] if delimiter != b'\t' => end -= 1,
            [.., 0xc2, 0xa0] => end -= 2,
            _ => return raw.len() - end,
        }
    }
}

/// Whether there is nothing but blanks; a tab that is the delimiter ends a cell before.
fn is_blank(raw: &[u8]) -> bool {
    blanks(raw, 0) == raw.len()
}

fn closing_quote(raw: &[u8], mut at: usize, quote: u8, escape: Option<u8>) -> Option<usize> {
    loop {
        let rest = raw.get(at..)?;
        let found = match escape {
            None => memchr::memchr(quote, rest)?,
            Some(escape) => memchr::memchr2(quote, escape, rest)?,
        };
        let close = at + found;
        if raw[close] == quote && raw.get(close + 1) != Some(&quote) {
            return Some(close);
        }
        at = close + 2;
    }
}

fn cell_end(raw: &[u8], at: usize, delimiter: u8) -> usize {
    let rest = raw.get(at..).unwrap_or(&[]);
    at + memchr::memchr3(delimiter, b'\r', b'\n', rest).unwrap_or(rest.len())
}
