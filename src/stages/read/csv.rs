//! Text with delimiters: which file it is, how it is read, and its rows with what is wrong in them.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use encoding_rs::{UTF_8, WINDOWS_1252};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::charset::Charset;
use super::content::{Content, within_file_limit};
use super::detect::{self, Aside};
use super::encoding::{Depth, survey};
use super::records::{Damage, Dialect, Picker, Record, Records};
use super::{
    Emit, Format, HIDDEN, ROWS_MAX, Source, Wanted, footer, misplaced, mojibake, without_nul,
};
use crate::definition;
use crate::field::{Field, Place, RowNumber};
use crate::header::{ACCOUNT, OWN, fields, is_own};
use crate::issue::{Code, Issue};
use crate::refusal::{Refusal, Result};
use crate::row::Cells;
use crate::stages::read::input::unreadable;
use crate::text::formula::unguard;

/// A text that was looked at: where its bytes are, and how it is read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shape {
    /// Where its bytes are.
    pub content: Content,
    /// How cells and rows are distinguished.
    pub dialect: Dialect,
    /// How the lines of its first part end: `LF`, `CRLF`, `CR`, `mixed` or `none`.
    pub line_ends: String,
    /// Whether muster wrote it, with a `'` before what would be a formula.
    pub guarded: bool,
    /// Whether quotes surround every cell.
    #[serde(default)]
    pub always_quoted: bool,
    /// The keys of `[read]` that weren't left to be found out.
    pub pinned: Vec<String>,
    /// What is to be said of a guess of the encoding.
    #[serde(default)]
    guess: Option<String>,
    /// What is known of the columns.
    #[serde(default)]
    columns: Columns,
    /// Rows begin after this line, and end before this byte.
    rows_behind: u64,
    rows_before: u64,
    /// Lines above the rows that aren't rows.
    above: Vec<Aside>,
    /// What reading all of it found besides rows.
    #[serde(serialize_with = "seen_now", deserialize_with = "seen_then")]
    seen: Arc<Mutex<Seen>>,
}

/// What isn't a row among and below the rows, and rows that aren't as the header is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Seen {
    blank: u64,
    #[serde(default)]
    short: u64,
    #[serde(default)]
    unwrapped: u64,
    aside: Vec<Aside>,
}

/// What rows that are longer or shorter than the header are judged by.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Columns {
    /// The column of addresses, from 0.
    address: Option<usize>,
    /// How many cells a row must have at least: those after may be left out where they are empty.
    least: usize,
    /// Whether no row does without a value in the last column.
    last_is_needed: bool,
    /// How many cells a row may have at most, those that are too much being blank.
    most: usize,
}

impl Columns {
    fn of(header: &[String], most: usize, wanted: &Wanted) -> (Columns, footer::List) {
        let fields = fields(header, wanted.vocabulary, wanted.definition);
        let field = |column: usize| fields[column].map(|found| found.field);
        let at = |wanted: Field| (0..header.len()).find(|column| field(*column) == Some(wanted));
        let may_lack = |column: &usize| match field(*column) {
            None => !wanted.vocabulary.is_password_hash(header[*column].trim()),
            Some(of) => {
                let is_plain = matches!(
                    of,
                    Field::DisplayName
                        | Field::Phone
                        | Field::Country
                        | Field::Language
                        | Field::Organization
                        | Field::OtherRoles
                        | Field::Manager
                );
                let required = &wanted.definition.require.fields;
                is_plain && !required.iter().any(|name| name == of.name())
            }
        };
        let last_needed = (0..header.len()).rev().find(|column| !may_lack(column));
        let columns = Columns {
            address: at(Field::Email),
            // Without any column that is known, nobody can say what may be missing.
            least: last_needed.map_or(header.len(), |column| column + 1),
            last_is_needed: last_needed.is_some_and(|column| column + 1 == header.len()),
            most,
        };
        let keys = [Field::Username, Field::ExternalId]
            .into_iter()
            .filter_map(at);
        let list = footer::List {
            width: header.len(),
            keys: keys.collect(),
            header: header.concat(),
        };
        (columns, list)
    }

    /// Whether a record lacks cells at its end that may be empty.
    fn may_be_short(&self, record: &Record, width: usize) -> bool {
        (self.least.max(1)..width).contains(&record.ends().len()) && record.damage == Damage::None
    }

    /// Whether a record is by itself no row, and so may be the rest of the one before.
    fn is_rest(&self, record: &Record, width: usize) -> bool {
        record.ends().len() < width
            && match self.address {
                Some(column) => record
                    .raw_cells()
                    .nth(column)
                    .is_none_or(|cell| memchr::memchr(b'@', cell).is_none()),
                None => record.ends().len() < self.least,
            }
    }

    /// Whether cells may have moved to the right in a record that is too long by blank cells only: a
    /// delimiter too many, and the last cell was empty.
    fn may_have_moved(&self, record: &Record, width: usize) -> bool {
        let length = record.ends().len();
        if length <= self.most {
            return false;
        }
        let filled = record.filled();
        let last = filled.checked_sub(1);
        let is_address = last.is_some()
            && last == self.address
            && record
                .raw_cells()
                .nth(filled - 1)
                .is_some_and(|cell| memchr::memchr(b'@', cell).is_some());
        filled <= width && !is_address && !(self.last_is_needed && filled == width)
    }
}

fn seen_now<S: Serializer>(
    seen: &Arc<Mutex<Seen>>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.serialize(serializer)
}

fn seen_then<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Arc<Mutex<Seen>>, D::Error> {
    Ok(Arc::new(Mutex::new(Seen::deserialize(deserializer)?)))
}

impl Shape {
    /// Every line that is not a row and not blank. What is among and below the rows is in it once
    /// all rows were read.
    pub fn aside(&self) -> Vec<Aside> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.above.iter().chain(&seen.aside).cloned().collect()
    }

    /// How many records had blank cells only, once all rows were read.
    pub fn blank(&self) -> u64 {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.blank
    }

    /// What is to be said of rows that weren't as the header is, and were read anyway.
    fn shaped(&self, delimiter: &str) -> Vec<String> {
        let mut shaped = Vec::new();
        let dialect = &self.dialect;
        let seen = self
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if dialect.inner.is_none() && seen.unwrapped > 0 {
            let (line, was) = match seen.unwrapped {
                1 => ("line", "was"),
                _ => ("lines", "were"),
            };
            shaped.push(format!(
                "{} {line} {was} saved as one cell; split at `{delimiter}`",
                seen.unwrapped
            ));
        }
        if seen.short > 0 {
            let (row, last) = match seen.short {
                1 => ("row", "ends"),
                _ => ("rows", "end"),
            };
            shaped.push(format!(
                "{} {row} {last} before the last columns, which count as empty",
                seen.short
            ));
        }
        shaped
    }

    /// What a person should know of how `source` was read: what was found or assumed and isn't as
    /// in a plain list, and the lines that aren't rows. Complete once all rows were read.
    pub fn remarks(&self, source: &Source) -> Vec<String> {
        let mut remarks = Vec::new();
        let dialect = &self.dialect;
        let found = |key: &str| !self.pinned.iter().any(|pinned| pinned == key);
        if let Some(packed) = &self.content.packed {
            let (how, bytes) = (&packed.how, source.bytes);
            remarks.push(format!("packed with {how}, {bytes} bytes unpacked"));
        }
        if found("encoding") && !dialect.encoding.is_unicode() {
            remarks.push(format!("text in {}", dialect.encoding.name()));
        }
        remarks.extend(self.guess.clone());
        let delimiter = dialect.delimiter_of_values();
        if found("delimiter") && ![",", ";", "\t"].contains(&delimiter) {
            remarks.push(format!("cells separated by `{delimiter}`"));
        }
        if dialect.inner.is_some() {
            remarks.push(format!(
                "every line was saved as one cell; it was split at `{}`",
                delimiter.replace('\t', "\\t")
            ));
        }
        if let Some(quote) = dialect
            .quote
            .filter(|quote| *quote != b'"' && found("quote"))
        {
            remarks.push(format!("cells quoted with `{}`", char::from(quote)));
        }
        if let Some(escape) = dialect.escape.filter(|_| found("escape")) {
            remarks.push(format!("`{}` before quotes in cells", char::from(escape)));
        }
        match self.line_ends.as_str() {
            "CR" => remarks.push("lines end with CR".to_string()),
            "mixed" => remarks.push("lines end in several ways".to_string()),
            _ => {}
        }
        if found("header_row") && source.header_line > 1 {
            remarks.push(format!("header on line {}", source.header_line));
        }
        let aside: Vec<String> = self.aside().iter().map(Aside::shown).collect();
        if !aside.is_empty() {
            remarks.push(format!("no rows: {}", aside.join(", ")));
        }
        remarks.extend(self.shaped(delimiter));
        match self.blank() {
            // In a list that is plain otherwise, they are nothing to speak of.
            _ if remarks.is_empty() => {}
            0 => {}
            1 => remarks.push("1 blank row".to_string()),
            blank => remarks.push(format!("{blank} blank rows")),
        }
        remarks
    }
}

/// Finds out how a text is to be read.
///
/// # Errors
/// `file.unreadable`, `file.encoding`, `file.format`, `file.limit`, `file.no_header`.
pub fn open(content: Content, wanted: &Wanted, depth: Depth) -> Result<Source> {
    let ours = ours(&content, &wanted.definition.read)?;
    let options = ours.as_ref().unwrap_or(&wanted.definition.read);
    let survey = survey(&content, options.encoding.as_deref(), depth)?;
    within_file_limit(content.path(), survey.bytes)?;
    let sample = detect::sample(&content, survey.encoding)?;
    let sep = detect::sep_line(&sample);
    let dialect = detect::dialect(&sample, survey.encoding, options, sep.clone(), wanted);
    let mut head = detect::head(&content, &dialect, options, sep.is_some(), wanted)?;
    let (names, without_nul) = without_nul(head.names);
    head.names = names;
    let guarded = head.names.iter().any(|name| is_own(name));
    if guarded {
        head.names
            .iter_mut()
            .for_each(|name| *name = unguard(name).to_string());
    }
    let with_empty = head.names.len();
    let header = without_empty_tail(head.names);
    let most = match dialect.inner {
        Some(_) => header.len(),
        None => detect::harmless_width(&sample, &dialect, header.len(), with_empty),
    };
    let (mut columns, list) = Columns::of(&header, most, wanted);
    if guarded {
        // A row that comes back as it was is still too long or too short.
        columns.least = header.len();
        columns.most = with_empty;
    }
    let always_quoted = detect::is_always_quoted(&sample, &dialect);
    let rows_before = if ours.is_some() || depth == Depth::Header {
        u64::MAX
    } else {
        let pinned = options.footer_rows;
        footer::find(&content, survey.bytes, &dialect, head.byte, &list, pinned)?
    };
    Ok(Source {
        path: content.path().to_path_buf(),
        sha256: content.sha256(survey.sha256),
        bytes: survey.bytes,
        header_line: head.line,
        header,
        dropped: Vec::new(),
        format: Format::Csv(Box::new(Shape {
            content,
            dialect,
            line_ends: detect::line_ends(&sample).to_string(),
            guarded,
            always_quoted,
            pinned: pinned(options),
            guess: survey.guess,
            columns,
            rows_behind: head.last_line,
            rows_before,
            above: head.aside,
            seen: Arc::default(),
        })),
        secret: None,
        without_nul,
    })
}

/// How to read a file of corrections, which muster wrote in its own way whatever the pipeline says
/// of the files that people make; `None` for any other file.
///
/// Nothing needs to be guessed: the names of muster's own columns have nothing between them but the
/// delimiter, and quotes where every cell has them. That is so, too, after a spreadsheet has saved
/// it otherwise.
fn ours(content: &Content, options: &definition::Read) -> Result<Option<definition::Read>> {
    let mut start = Vec::new();
    content
        .open()?
        .take(1 << 16)
        .read_to_end(&mut start)
        .map_err(|error| unreadable(content.path(), &error))?;
    // Only a byte order mark can say something else here.
    let (text, _, _) = UTF_8.decode(&start);
    if let Some(delimiter) = export_delimiter(&text) {
        return Ok(Some(as_written(delimiter, '"', &start, options)));
    }
    let Some((before, rest)) = text.split_once(OWN[0]) else {
        return Ok(None);
    };
    let Some((between, rest)) = rest.split_once(OWN[1]) else {
        return Ok(None);
    };
    let quote = between.chars().next().filter(|c| matches!(c, '"' | '\''));
    let delimiter = match quote {
        Some(quote) => between
            .strip_prefix(quote)
            .and_then(|between| between.strip_suffix(quote)),
        None => Some(between),
    };
    let quote = quote.unwrap_or('"');
    let breaks_off = |text: &str| {
        // Outside of quotes is every other part of what they part.
        let mut outside = text.split(quote).step_by(2);
        outside.any(|part| part.contains(['\r', '\n']))
    };
    let is_header = rest.starts_with(&format!("{between}{}", OWN[2])) && !breaks_off(before);
    let fits = |delimiter: &&str| (1..=8).contains(&delimiter.chars().count());
    let Some(delimiter) = delimiter.filter(fits).filter(|_| is_header) else {
        return Ok(None);
    };
    Ok(Some(as_written(delimiter, quote, &start, options)))
}

/// How muster writes files that are read back; `start` is the beginning of the file.
fn as_written(
    delimiter: &str,
    quote: char,
    start: &[u8],
    options: &definition::Read,
) -> definition::Read {
    let has_mark = encoding_rs::Encoding::for_bom(start).is_some();
    definition::Read {
        delimiter: Some(delimiter.to_string()),
        quote: Some(quote.to_string()),
        // Quotes within cells are doubled, whatever the cells hold.
        escape: Some(quote),
        encoding: options.encoding.clone().filter(|_| !has_mark),
        header_row: Some(1),
        header_rows: Some(1),
        ..definition::Read::default()
    }
}

/// What is between the first two names of a file that was exported, which a spreadsheet may have
/// replaced by its own.
fn export_delimiter(text: &str) -> Option<&str> {
    let text = text.trim_start_matches('\u{feff}');
    let quoted = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_prefix(ACCOUNT)?.strip_prefix('"'));
    let rest = quoted.or_else(|| text.strip_prefix(ACCOUNT))?;
    let delimiter = rest.get(..1)?;
    [",", ";", "\t", "|"]
        .contains(&delimiter)
        .then_some(delimiter)
}

fn pinned(options: &definition::Read) -> Vec<String> {
    [
        ("encoding", options.encoding.is_some()),
        ("delimiter", options.delimiter.is_some()),
        ("quote", options.quote.is_some()),
        ("escape", options.escape.is_some()),
        ("comment", options.comment.is_some()),
        ("header_row", options.header_row.is_some()),
        ("header_rows", options.header_rows.is_some()),
        ("names", options.names.is_some()),
        ("footer_rows", options.footer_rows.is_some()),
    ]
    .into_iter()
    .filter(|(_, is_pinned)| *is_pinned)
    .map(|(key, _)| key.to_string())
    .collect()
}

/// Streams the rows below the header.
///
/// # Errors
/// `file.limit` for a record that is too long or too wide or a row too many, `file.changed`; what
/// `emit` fails with.
pub fn read(
    source: &Source,
    shape: &Shape,
    number: u16,
    first_row: RowNumber,
    emit: &mut Emit,
) -> Result<()> {
    let width = source.header.len();
    let mut records = Records::open(&shape.content, &shape.dialect)?;
    records.width = Some(width);
    let mut record = Record::default();
    let mut reading = Reading {
        source,
        shape,
        cells: Cells::new(number, first_row),
        seen: Seen::default(),
        held: None,
    };
    while records.next(&mut record)? {
        if record.place.line <= shape.rows_behind {
            continue;
        }
        if record.is_blank() {
            reading.seen.blank += 1;
            continue;
        }
        if record.place.byte >= shape.rows_before {
            Aside::note(&mut reading.seen.aside, "below the rows", record.place.line);
            continue;
        }
        if !reading.release(Some(&record), emit)? {
            return Ok(());
        }
        if record.ends().len() < width && shape.columns.may_be_short(&record, width) {
            reading.held = Some(std::mem::take(&mut record));
            continue;
        }
        if !reading.push(&mut record, records.has_nul, emit)? {
            return Ok(());
        }
    }
    if !reading.release(None, emit)? {
        return Ok(());
    }
    let Reading {
        cells, mut seen, ..
    } = reading;
    if records.bytes_read() != source.bytes {
        return Err(changed(source, records.bytes_read()));
    }
    let (count, lines) = std::mem::take(&mut records.comments);
    if count > 0 {
        seen.aside.push(Aside {
            what: "comment".to_string(),
            count,
            lines,
        });
    }
    seen.unwrapped = records.unwrapped;
    *shape.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    if !cells.is_empty() {
        emit(cells)?;
    }
    Ok(())
}

/// Rows on their way into batches.
struct Reading<'a> {
    source: &'a Source,
    shape: &'a Shape,
    cells: Cells,
    seen: Seen,
    /// A row that lacks cells at its end. Whether these were empty, or a line break cut them off, the
    /// next record tells.
    held: Option<Record>,
}

impl Reading<'_> {
    /// Adds the row that is held, now that the record after it is known; `Ok(false)` where no more
    /// is wanted.
    fn release(&mut self, next: Option<&Record>, emit: &mut Emit) -> Result<bool> {
        let Some(mut held) = self.held.take() else {
            return Ok(true);
        };
        let width = self.source.header.len();
        let is_cut = next.is_some_and(|next| self.shape.columns.is_rest(next, width));
        if !is_cut {
            held.pad(width);
            self.seen.short += 1;
        }
        self.push(&mut held, true, emit)
    }

    /// Adds a row; `Ok(false)` where no more is wanted.
    fn push(&mut self, record: &mut Record, may_have_nul: bool, emit: &mut Emit) -> Result<bool> {
        let cells = &mut self.cells;
        let (row, width) = (cells.next_row(), self.source.header.len());
        if row >= ROWS_MAX {
            let shown = self.source.path.display();
            let what = format!("`{shown}` has more than {ROWS_MAX} rows");
            return Err(Refusal::new(Code::FileLimit, what));
        }
        if may_have_nul && is_utf16(record.bytes()) {
            let what = "text in the file's encoding; the line is in UTF-16";
            cells
                .issues
                .push(Issue::of_row(Code::RowEncoding, row, what));
            record.drop_nuls();
        }
        let length = record.ends().len();
        if length > width && self.shape.columns.may_have_moved(record, width) {
            let what = format!(
                "{width} cells; the extra cells are empty, but an extra delimiter may have shifted \
                    the cells after it"
            );
            cells.issues.push(Issue {
                found: format!("{length} cells"),
                ..Issue::of_row(Code::RowLong, row, what)
            });
        }
        push(cells, record, self.source, self.shape);
        let index = cells.len() - 1;
        self.source.note_header_again(cells, index);
        if cells.is_full() {
            let next = cells.next();
            return emit(std::mem::replace(cells, next));
        }
        Ok(true)
    }
}

/// Whether a line of another encoding is UTF-16: a quarter of its bytes and more are NULs.
fn is_utf16(line: &[u8]) -> bool {
    let nulls = memchr::memchr_iter(0, line).count();
    nulls > 2 && nulls * 4 >= line.len()
}

/// Rows of a text that are read once more, each by itself.
pub struct Rows<'a> {
    source: &'a Source,
    shape: &'a Shape,
    picker: Picker<'a>,
    record: Record,
}

impl<'a> Rows<'a> {
    /// Those of `source`; `None` where it is not a text whose rows can be found by their bytes.
    ///
    /// # Errors
    /// `file.unreadable`; `file.changed` where it has another length than before.
    pub fn of(source: &'a Source) -> Result<Option<Rows<'a>>> {
        let Format::Csv(shape) = &source.format else {
            return Ok(None);
        };
        if shape.dialect.encoding != Charset::UTF_8 {
            return Ok(None);
        }
        let end = shape.content.open()?.seek(SeekFrom::End(0));
        let bytes = end.map_err(|error| unreadable(&source.path, &error))?;
        if bytes != source.bytes {
            return Err(changed(source, bytes));
        }
        Ok(Some(Rows {
            source,
            shape,
            picker: Picker::open(&shape.content, &shape.dialect, source.header.len())?,
            record: Record::default(),
        }))
    }

    /// The row at `place` in a batch of its own, as [`read`] had it. It ends before byte `end`, where
    /// that is known, and nothing may be wrong with its quotes.
    ///
    /// # Errors
    /// `file.unreadable`.
    pub fn read(
        &mut self,
        number: u16,
        row: RowNumber,
        place: Place,
        end: Option<u64>,
    ) -> Result<Cells> {
        self.picker.pick(place, end, &mut self.record)?;
        if is_utf16(self.record.bytes()) {
            self.record.drop_nuls();
        }
        let mut cells = Cells::new(number, row);
        push(&mut cells, &self.record, self.source, self.shape);
        Ok(cells)
    }
}

fn changed(source: &Source, bytes: u64) -> Refusal {
    Refusal::new(
        Code::FileChanged,
        format!(
            "`{}` had {} bytes when it was opened and {bytes} when it was read",
            source.path.display(),
            source.bytes,
        ),
    )
}

fn push(cells: &mut Cells, record: &Record, source: &Source, shape: &Shape) {
    let width = match source.secret {
        Some(_) => record
            .cells()
            .enumerate()
            .filter(|(_, cell)| !cell.trim().is_empty())
            .last()
            .map_or(0, |(column, _)| column + 1),
        None => 0,
    };
    // Where quotes went wrong, a part of a password hash may be anywhere.
    let is_torn = source.secret.is_some() && matches!(record.damage, Damage::Unclosed(_));
    let row = cells.next_row();
    let push_cell = |cells: &mut Cells, column: usize, cell: &str| {
        let cell = if shape.guarded { unguard(cell) } else { cell };
        let is_misplaced = source.is_misplaced(column, cell);
        if is_misplaced {
            cells.issues.push(misplaced(row, column));
        }
        cells.push_cell(if source.dropped.contains(&column) {
            ""
        } else if is_misplaced || is_torn || source.is_shifted(column, cell, width) {
            HIDDEN
        } else {
            cell
        });
    };
    if record.damage != Damage::None {
        cells.issues.push(quote_issue(record, row));
    }
    match simdutf8::basic::from_utf8(record.bytes()) {
        Ok(text) if record.ends().iter().all(|end| text.is_char_boundary(*end)) => {
            if !text.is_ascii() {
                check_text(text, cells, record, source, shape);
            }
            if !shape.guarded && source.secret.is_none() && source.dropped.is_empty() {
                cells.push_cells(text, record.ends());
                cells.end_row(record.place);
                return;
            }
            let mut start = 0;
            for (column, end) in record.ends().iter().enumerate() {
                push_cell(cells, column, &text[start..*end]);
                start = *end;
            }
        }
        _ => {
            cells.issues.push(damaged_text(record, row, source, shape));
            for (column, cell) in record.cells().enumerate() {
                push_cell(cells, column, &cell);
            }
        }
    }
    cells.end_row(record.place);
}

fn quote_issue(record: &Record, row: RowNumber) -> Issue {
    match record.damage {
        Damage::None | Damage::Stray => {
            Issue::of_row(Code::RowQuote, row, "quotes only around a whole cell")
        }
        Damage::AfterQuote => Issue::of_row(
            Code::RowAfterQuote,
            row,
            "a delimiter or the line's end after a closing quote",
        ),
        Damage::Unclosed(line) if line == record.place.line => Issue::of_row(
            Code::RowUnclosed,
            row,
            format!("a quote opens on line {line} and is never closed"),
        ),
        Damage::Unclosed(line) => Issue::of_row(
            Code::RowUnclosed,
            row,
            format!("probably part of the cell whose quote opens on line {line}"),
        ),
    }
}

/// What is wrong with text that isn't plain ASCII: characters that were lost before, and cells
/// that were read in the wrong encoding once.
fn check_text(text: &str, cells: &mut Cells, record: &Record, source: &Source, shape: &Shape) {
    let row = cells.next_row();
    // U+FFFD is EF BF BD, and U+0080 to U+009F begin with C2.
    let has = |byte: u8| memchr::memchr(byte, text.as_bytes()).is_some();
    if has(0xef) && text.contains(char::REPLACEMENT_CHARACTER) {
        let mut issue = Issue::of_row(Code::RowEncoding, row, "text in the file's encoding");
        issue.column = column_with(record, source, |cell| {
            cell.contains(char::REPLACEMENT_CHARACTER)
        });
        cells.issues.push(issue);
    }
    let is_unicode = shape.dialect.encoding.is_unicode();
    // Those that are signs in windows-1252 are repaired while cleaning.
    let is_undefined = |c: char| match is_unicode {
        false => matches!(c, '\u{80}'..='\u{9f}'),
        true => matches!(c, '\u{81}' | '\u{8d}' | '\u{8f}' | '\u{90}' | '\u{9d}'),
    };
    if has(0xc2) && text.contains(is_undefined) {
        let name = shape.dialect.encoding.name();
        let what = match is_unicode {
            false => format!("text in the file's encoding; {name} doesn't define a byte of it"),
            true => "text; it holds control characters that no text has".to_string(),
        };
        let mut issue = Issue::of_row(Code::RowEncoding, row, what);
        issue.column = column_with(record, source, |cell| cell.contains(is_undefined));
        cells.issues.push(issue);
    }
    if !mojibake::is_suspect(text.as_bytes()) {
        return;
    }
    for (column, cell) in record.cells().enumerate() {
        if cell.is_ascii() || source.dropped.contains(&column) {
            continue;
        }
        let Some(repaired) = mojibake::repaired(&cell) else {
            continue;
        };
        // In a file of another encoding this isn't old damage: the line itself is UTF-8.
        let (code, detail) = if is_unicode {
            (
                Code::CellMojibake,
                "UTF-8 that was read as another encoding",
            )
        } else {
            (Code::RowEncoding, "the line is in UTF-8, unlike the file")
        };
        let found = format!("{cell} → {repaired}");
        let issue = match source.secret {
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

/// The issue of a row with bytes that are no text; the first damaged cell is shown as it reads in
/// the encoding of Western Windows, when it reads well.
fn damaged_text(record: &Record, row: RowNumber, source: &Source, shape: &Shape) -> Issue {
    let mut issue = Issue::of_row(Code::RowEncoding, row, "text in the file's encoding");
    let mut damaged = record.raw_cells().enumerate().filter(|(column, cell)| {
        !source.dropped.contains(column) && std::str::from_utf8(cell).is_err()
    });
    if let Some((column, cell)) = damaged.next() {
        issue.column = u16::try_from(column).ok();
        if source.secret.is_some() {
            return issue;
        }
        let (text, _) = WINDOWS_1252.decode_without_bom_handling(cell);
        if shape.dialect.encoding == Charset::UTF_8 && reads_well(&text) {
            let found = format!("{} → {text}", String::from_utf8_lossy(cell));
            issue.found = Issue::of_value(Code::RowEncoding, row, &found, "").found;
            issue.detail = "UTF-8, as in the rest of the file; the cell reads well as windows-1252"
                .to_string();
        }
    }
    issue
}

/// Whether text that was read as windows-1252 may be what somebody wrote: whatever is beyond ASCII
/// is a letter or a mark of that encoding that names are written with.
fn reads_well(text: &str) -> bool {
    let is_usual = |c: char| match c {
        'ÿ' | 'þ' | 'Þ' | 'ª' | 'º' => false,
        c if c.is_ascii() => !c.is_control(),
        c => c.is_alphabetic() || matches!(c, '\u{2018}' | '\u{2019}' | '\u{2013}' | '\u{a0}'),
    };
    text.chars().all(is_usual)
}

fn column_with(record: &Record, source: &Source, wanted: impl Fn(&str) -> bool) -> Option<u16> {
    let mut cells = record.cells().enumerate();
    cells
        .find(|(column, cell)| !source.dropped.contains(column) && wanted(cell))
        .and_then(|(column, _)| u16::try_from(column).ok())
}

fn without_empty_tail(mut header: Vec<String>) -> Vec<String> {
    while header.last().is_some_and(|name| name.trim().is_empty()) {
        header.pop();
    }
    header
}

#[cfg(test)]
mod tests {
    use super::super::records::{COLUMNS_MAX, RECORD_BYTES_MAX, RECORD_LINES_MAX};
    use super::*;
    use crate::stages::read::Reader;

    use crate::header::Vocabulary;
    use std::io::Write;

    type Row = (u64, u64, Vec<String>);

    fn opened(bytes: &[u8]) -> Result<(tempfile::NamedTempFile, Source)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let definition = crate::pipelines::open(None).unwrap().definition;
        let vocabulary = Vocabulary::new(&definition);
        let source = Source::open(
            file.path(),
            &Wanted {
                definition: &definition,
                vocabulary: &vocabulary,
                reader: &Reader::default(),
            },
        )?;
        Ok((file, source))
    }

    fn read_all(bytes: &[u8]) -> Result<(Source, Vec<Row>, Vec<Issue>)> {
        let (_file, source) = opened(bytes)?;
        let mut rows = Vec::new();
        let mut issues = Vec::new();
        source.read(0, 0, &mut |mut cells| {
            for index in 0..cells.len() {
                let place = cells.place(index);
                rows.push((
                    place.line,
                    place.byte,
                    cells.row(index).map(String::from).collect(),
                ));
            }
            issues.append(&mut cells.issues);
            Ok(true)
        })?;
        Ok((source, rows, issues))
    }

    fn row(line: u64, byte: u64, cells: &[&str]) -> Row {
        (
            line,
            byte,
            cells.iter().map(|cell| cell.to_string()).collect(),
        )
    }

    #[test]
    fn lines_and_bytes_are_those_of_an_editor() {
        let (_, rows, _) = read_all(b"email\na,1\n\nb,\"x\ny\"\nc,3\n").unwrap();
        assert_eq!(
            rows,
            vec![
                row(2, 6, &["a", "1"]),
                row(4, 11, &["b", "x\ny"]),
                row(6, 19, &["c", "3"])
            ]
        );
        let (_, rows, _) = read_all(b"email\r\na,1\r\n\r\nb,\"x\ny\"\r\nc,3\r\n").unwrap();
        assert_eq!(
            rows,
            vec![
                row(2, 7, &["a", "1"]),
                row(4, 14, &["b", "x\ny"]),
                row(6, 23, &["c", "3"])
            ]
        );
        let (_, rows, _) = read_all(b"email\ra,1\r\rb,\"x\ry\"\rc,3\r").unwrap();
        assert_eq!(rows[2], row(6, 19, &["c", "3"]));
    }

    #[test]
    fn a_byte_order_mark_counts_and_utf16_offsets_are_those_of_the_file() {
        let (_, rows, _) = read_all(b"\xef\xbb\xbfemail\na,1\n").unwrap();
        assert_eq!(rows, vec![row(2, 9, &["a", "1"])]);
        let text = "email;first name\né;ü\nb;c\n";
        let mut bytes = b"\xff\xfe".to_vec();
        bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        let (source, rows, _) = read_all(&bytes).unwrap();
        assert!(matches!(&source.format, Format::Csv(shape) if shape.dialect.delimiter == ";"));
        assert_eq!(
            rows,
            vec![row(2, 2 + 34, &["é", "ü"]), row(3, 2 + 34 + 8, &["b", "c"])]
        );
    }

    /// Line, cells and code of each row.
    fn reported(bytes: &[u8]) -> Vec<(u64, Vec<String>, Option<Code>)> {
        let (_, rows, issues) = read_all(bytes).unwrap();
        let code = |row: usize| {
            let found = issues.iter().find(|issue| issue.row as usize == row);
            found.map(|issue| issue.code)
        };
        rows.into_iter()
            .enumerate()
            .map(|(row, (line, _, cells))| (line, cells, code(row)))
            .collect()
    }

    #[test]
    fn an_unclosed_quote_costs_its_own_line() {
        let open = Some(Code::RowUnclosed);
        let row = |line: u64, cells: &[&str], code| {
            (
                line,
                cells.iter().map(|cell| cell.to_string()).collect(),
                code,
            )
        };
        for (bytes, rows) in [
            (
                &b"email,name\na,b\nc,\"d\ne,f\ng,h\n"[..],
                vec![
                    row(2, &["a", "b"], None),
                    row(3, &["c", "d"], open),
                    row(4, &["e", "f"], None),
                    row(5, &["g", "h"], None),
                ],
            ),
            (
                b"email,name\r\n\"c,d\r\ne,\"f, x\"\r\ng,\"h\r\ni\"\r\n",
                vec![
                    row(2, &["c,d"], open),
                    row(3, &["e", "f, x"], None),
                    row(4, &["g", "h\r\ni"], None),
                ],
            ),
            // What comes after it in the same cell is a part of the damage.
            (
                b"email,name\nc,\"d\nx \"y\" z\ne\"\ng,h\n",
                vec![
                    row(2, &["c", "d"], open),
                    row(3, &["x \"y\" z"], open),
                    row(4, &["e\""], open),
                    row(5, &["g", "h"], None),
                ],
            ),
            // A cell over several lines before it stays whole.
            (
                b"email,name,x\na,\"b\nc\",\"d\ne,f,g\n",
                vec![
                    row(2, &["a", "b\nc", "d"], open),
                    row(4, &["e", "f", "g"], None),
                ],
            ),
        ] {
            assert_eq!(reported(bytes), rows, "{}", String::from_utf8_lossy(bytes));
        }
        let mut long = b"email,name\nx,\"y\n".to_vec();
        long.extend(b"a,b\n".repeat(400_000));
        let rows = reported(&long);
        assert_eq!(rows.len(), 400_001);
        assert_eq!(rows.iter().filter(|row| row.2 == open).count(), 1);
        let mut many = b"email,name\n".to_vec();
        many.extend(b"x\",y,\"\n".repeat(20_000));
        let rows = reported(&many);
        assert!(rows.len() > 19_000 && rows.iter().all(|row| row.2.is_some()));
    }

    /// `text` in that encoding.
    fn encoded(text: &str, name: &str) -> Vec<u8> {
        match Charset::named(name).unwrap() {
            wide if wide.is_wide() => text
                .encode_utf16()
                .flat_map(|unit| match wide == Charset::UTF_16LE {
                    true => unit.to_le_bytes(),
                    false => unit.to_be_bytes(),
                })
                .collect(),
            Charset::Web(encoding) => encoding.encode(text).0.into_owned(),
            page => {
                let all: Vec<u8> = (0..=0xff).collect();
                let byte = |c: char| {
                    all.iter()
                        .find(|byte| page.decode(&[**byte]).starts_with(c))
                };
                text.chars().map(|c| *byte(c).unwrap()).collect()
            }
        }
    }

    #[test]
    fn an_unclosed_quote_costs_its_own_line_in_every_encoding() {
        for (names, word) in [
            (&["utf-8", "utf-16le", "utf-16be", "gb18030"][..], "Müller"),
            (
                &[
                    "windows-1250",
                    "windows-1252",
                    "windows-1254",
                    "windows-1257",
                ],
                "Müller",
            ),
            (
                &[
                    "iso-8859-15",
                    "cp437",
                    "cp850",
                    "cp852",
                    "cp857",
                    "cp858",
                    "macintosh",
                ],
                "Müller",
            ),
            (&["shift_jis", "gbk", "big5", "euc-jp"], "林"),
            (&["euc-kr"], "김"),
            (
                &[
                    "windows-1251",
                    "ibm866",
                    "koi8-u",
                    "x-mac-cyrillic",
                    "cp855",
                ],
                "Иванов",
            ),
            (&["windows-1253", "cp737"], "Ελένη"),
        ] {
            for name in names {
                for end in ["\n", "\r\n", "\r"] {
                    for (open, after) in [
                        ("Bob,Ray,b@firma.de,\"likes tea", ""),
                        ("\"Bob,Ray,b@firma.de", ""),
                        ("Bob,Ray,b@firma.de,\"likes tea", "Ed,Poe,\"e@firma.de\",x"),
                    ] {
                        let mut lines = vec![
                            "first,last,email,notes".to_string(),
                            "Ann,Ng,a@firma.de,".to_string(),
                            open.to_string(),
                            format!("Cy,{word},c@firma.de,"),
                            "Di,Mo,d@firma.de,".to_string(),
                        ];
                        lines.extend((!after.is_empty()).then(|| after.to_string()));
                        let text = lines.join(end) + end;
                        let bytes = encoded(&text, name);
                        let wanted = reported_in(&bytes, name);
                        assert_eq!(
                            wanted,
                            reported_in(text.as_bytes(), "utf-8"),
                            "{name} {end:?}"
                        );
                        let torn: Vec<u64> = wanted
                            .iter()
                            .filter(|row| row.2 == Some(Code::RowUnclosed))
                            .map(|row| row.0)
                            .collect();
                        assert_eq!((wanted.len(), torn), (lines.len() - 1, vec![3]), "{name}");
                    }
                }
            }
        }
    }

    /// Line, cells and code of each row of a text in that encoding.
    fn reported_in(bytes: &[u8], encoding: &str) -> Vec<(u64, Vec<String>, Option<Code>)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let mut definition = crate::pipelines::open(None).unwrap().definition;
        definition.read.encoding = Some(encoding.to_string());
        let vocabulary = Vocabulary::new(&definition);
        let wanted = Wanted {
            definition: &definition,
            vocabulary: &vocabulary,
            reader: &Reader::default(),
        };
        let source = Source::open(file.path(), &wanted).unwrap();
        let mut reported = Vec::new();
        source
            .read(0, 0, &mut |cells| {
                for index in 0..cells.len() {
                    let row = cells.first_row + index as RowNumber;
                    let found = cells.issues.iter().find(|issue| issue.row == row);
                    reported.push((
                        cells.place(index).line,
                        cells.row(index).map(String::from).collect(),
                        found.map(|issue| issue.code),
                    ));
                }
                Ok(true)
            })
            .unwrap();
        reported
    }

    fn owned(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| cell.to_string()).collect()
    }

    #[test]
    fn blanks_before_quotes_are_passed_over() {
        for (line, cells) in [
            ("a@x.de, \"Ada\", \"Eins\"", vec!["a@x.de", "Ada", "Eins"]),
            (
                "a@x.de,\"Ada\",\t \"Ei, ns\" ",
                vec!["a@x.de", "Ada", "Ei, ns"],
            ),
            (
                " \"a@x.de\" ,Ada, \"Ei \"\"x\"\" ns\"",
                vec!["a@x.de", "Ada", "Ei \"x\" ns"],
            ),
            (
                "a@x.de, \"Ada\r\nMia\", \"E\"",
                vec!["a@x.de", "Ada\r\nMia", "E"],
            ),
            ("a@x.de,\u{a0}\"Ada\",E", vec!["a@x.de", "Ada", "E"]),
            ("a@x.de, \"\",E", vec!["a@x.de", "", "E"]),
        ] {
            for end in ["\n", "\r\n", ""] {
                let text = format!("email,first name,last name\nz@x.de,\"Z\",Y\n{line}{end}");
                let (_, rows, issues) = read_all(text.as_bytes()).unwrap();
                assert_eq!((rows.len(), issues.len()), (2, 0), "{line:?} {issues:?}");
                assert_eq!((rows[1].0, &rows[1].2), (3, &owned(&cells)), "{line:?}");
            }
        }
        // A quote that doesn't close at the end of its cell is a part of the text.
        let text =
            "email,first name,last name\na@x.de, \"Ada\" B,C\nb@x.de, \"Bo,D\nc@x.de,\"Cy\",E\n";
        let rows = reported(text.as_bytes());
        let quote = Some(Code::RowQuote);
        let codes: Vec<Option<Code>> = rows.iter().map(|row| row.2).collect();
        assert_eq!(codes, [quote, quote, None]);
    }

    #[test]
    fn lines_that_were_saved_as_one_cell_are_taken_apart() {
        let wanted = [
            ["x@n.de", "Xu", "Li", "Sales"],
            ["y@n.de", "Yu", "Bo", "Ops,Night"],
        ];
        for text in [
            "\"email,first name,last name,groups\"\n\"x@n.de,Xu,Li,Sales\"\n\"y@n.de,Yu,Bo,\"\"Ops,Night\"\"\"\n",
            "email,first name,last name,groups\nx@n.de,Xu,Li,Sales\n\"y@n.de,Yu,Bo,\"\"Ops,Night\"\"\"\n",
            "email;first name;last name;groups,,,\nx@n.de;Xu;Li;Sales,,,\ny@n.de;Yu;Bo;Ops,Night,,\n",
            "\"email;first name;last name;groups\",,\n\"x@n.de;Xu;Li;Sales\",,\n\"y@n.de;Yu;Bo;\"\"Ops,Night\"\"\",,\n",
            "email,first name,last name,groups;;\nx@n.de,Xu,Li,Sales;;\n\"y@n.de,Yu,Bo,\"\"Ops,Night\"\"\";;\n",
            "\"email\tfirst name\tlast name\tgroups\"\n\"x@n.de\tXu\tLi\tSales\"\n\"y@n.de\tYu\tBo\tOps,Night\"\n",
        ] {
            let (source, rows, issues) = read_all(text.as_bytes()).unwrap();
            assert!(issues.is_empty(), "{text} {issues:?}");
            assert_eq!(
                source.header,
                ["email", "first name", "last name", "groups"],
                "{text}"
            );
            let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row.2).collect();
            assert_eq!(rows, wanted, "{text}");
            let Format::Csv(shape) = &source.format else {
                panic!("not text")
            };
            let remarks = shape.remarks(&source).join("; ");
            assert!(remarks.contains("saved as one cell"), "{text} {remarks}");
        }
        // A value that holds the delimiter beside empty cells is a value.
        let (_, rows, _) = read_all(b"name,email,city\n\"Doe, Jo, Jr\",,\n").unwrap();
        assert_eq!(rows[0].2, ["Doe, Jo, Jr", "", ""]);
    }

    #[test]
    fn rows_may_lack_cells_at_their_end_that_nobody_needs() {
        let header = "email,first name,last name,city,phone\n";
        for (rows, codes) in [
            (
                "a@x.de,A,B,Ulm\nb@x.de,B,C\nc@x.de,C,D,Ulm,1\n",
                vec![None, None, None],
            ),
            ("a@x.de,A,B\n", vec![None]),
            ("a@x.de,A\nb@x.de,B,C,Ulm,1\n", vec![Some(2), None]),
            // A line break cut the row off.
            (
                "a@x.de,A,B,Ul\nm,030\nb@x.de,B,C\n",
                vec![Some(4), Some(2), None],
            ),
            ("a@x.de,A,B,Ul\n\nm,030\n", vec![Some(4), Some(2)]),
        ] {
            let (source, found, _) = read_all(format!("{header}{rows}").as_bytes()).unwrap();
            let widths = found
                .iter()
                .map(|row| Some(row.2.len()).filter(|width| *width < 5));
            assert_eq!(widths.collect::<Vec<_>>(), codes, "{rows}");
            let Format::Csv(shape) = &source.format else {
                panic!("not text")
            };
            let remarks = shape.remarks(&source).join("; ");
            let is_said = rows
                .lines()
                .any(|row| row == "a@x.de,A,B" || row == "b@x.de,B,C");
            assert_eq!(
                remarks.contains("count as empty"),
                is_said,
                "{rows} {remarks}"
            );
        }
    }

    #[test]
    fn a_delimiter_too_many_is_distinguished_from_empty_cells_behind_all_rows() {
        let long = Some(Code::RowLong);
        for (text, codes) in [
            (
                "first,last,email,phone,city,notes\na,b,a@x.de,,Ulm,\nb,c,b@x.de,,,Ulm,\n",
                vec![None, long],
            ),
            (
                "first,last,email,city,notes\na,b,a@x.de,Ulm,x\nb,c,b@x.de,Ulm, Nord,\n",
                vec![None, long],
            ),
            // Harmless: every row ends so, the header does, nothing comes after what is in its
            // place.
            (
                "first,last,email,city\na,b,a@x.de,Ulm,\nb,c,b@x.de,,\n",
                vec![None, None],
            ),
            (
                "first,last,email,city,,\na,b,a@x.de,Ulm\nb,c,b@x.de,,,\n",
                vec![None, None],
            ),
            (
                "first,last,email,city\na,b,a@x.de,Ulm\nb,c,b@x.de,,,,\n",
                vec![None, None],
            ),
            (
                "email,first,last\na@x.de,b,c\nb@x.de,b,c,\n",
                vec![None, None],
            ),
        ] {
            let found: Vec<Option<Code>> =
                reported(text.as_bytes()).iter().map(|row| row.2).collect();
            assert_eq!(found, codes, "{text}");
        }
    }

    #[test]
    fn lines_in_utf16_behind_other_text_are_damage() {
        for name in ["utf-16le", "utf-16be"] {
            let mut bytes = b"email,first name,last name\n".to_vec();
            bytes.extend("a@x.de,Zoë,Ng\n".repeat(40).into_bytes());
            bytes.extend(encoded("b@x.de,Bo,Lee\r\nc@x.de,Cy,Moe\r\n", name));
            let rows = reported(&bytes);
            let damaged = rows.iter().filter(|row| row.2 == Some(Code::RowEncoding));
            assert_eq!((rows.len(), damaged.count()), (42, 2), "{name} {rows:?}");
        }
    }

    #[test]
    fn limits_hold_at_the_limit_and_refuse_one_past_it() {
        let line = |length: usize| {
            let mut bytes = b"email,name\na,".to_vec();
            bytes.extend(vec![b'x'; length - 2]);
            bytes.extend(b"\r\nb,c\r\n");
            read_all(&bytes).map(|(_, rows, _)| rows.len())
        };
        assert_eq!(line(RECORD_BYTES_MAX).unwrap(), 2);
        let refusal = line(RECORD_BYTES_MAX + 1).unwrap_err();
        assert_eq!(refusal.code, Code::FileLimit);
        assert!(refusal.what.contains("line 2"), "{}", refusal.what);
        let wide = |columns: usize| {
            read_all(format!("email,name\n{}\n", vec!["x"; columns].join(",")).as_bytes())
        };
        assert_eq!(wide(COLUMNS_MAX).unwrap().1.len(), 1);
        assert_eq!(wide(COLUMNS_MAX + 1).unwrap_err().code, Code::FileLimit);
        let lines = |lines: usize| {
            reported(format!("email,name\na,\"{}\"\n", vec!["x"; lines].join("\n")).as_bytes())
        };
        assert_eq!(lines(RECORD_LINES_MAX as usize).len(), 1);
        assert_eq!(
            lines(RECORD_LINES_MAX as usize + 1)[0].2,
            Some(Code::RowUnclosed)
        );
        let rows = |first_row: RowNumber| {
            let (file, source) = opened(b"email,name\na,b\nc,d\n").unwrap();
            let read = source.read(0, first_row, &mut |_| Ok(true));
            drop(file);
            read.map_err(|refusal| refusal.code)
        };
        assert_eq!(rows(ROWS_MAX - 2), Ok(()));
        assert_eq!(rows(ROWS_MAX - 1), Err(Code::FileLimit));
    }

    #[test]
    fn the_dialect_is_found_out() {
        for (bytes, delimiter, second) in [
            (&b"email||name\na||b|c\n"[..], "||", "b|c"),
            (b"email|~|name\na|~|\"b|~|c\"\n", "|~|", "b|~|c"),
            (b"email\tname\na\tb,c\n", "\t", "b,c"),
            (b"sep=^\r\nemail^name\r\na^b\r\n", "^", "b"),
            (b"email, name\na, \"b, c\"\n", ",", "b, c"),
            (b"email;name\n1,2;b,c\n", ";", "b,c"),
            (b"email,name\na,\"b \\\"c\\\", d\"\n", ",", "b \"c\", d"),
            (b"'email','name'\n'a','b, c'\n", ",", "b, c"),
            (
                "email\u{a6}name\na\u{a6}\u{e9}\n".as_bytes(),
                "\u{a6}",
                "\u{e9}",
            ),
        ] {
            let (source, rows, issues) = read_all(bytes).unwrap();
            let Format::Csv(shape) = &source.format else {
                panic!("not text")
            };
            let shown = String::from_utf8_lossy(bytes);
            assert_eq!(shape.dialect.delimiter, delimiter, "{shown}");
            assert_eq!(rows[0].2.last().unwrap(), second, "{shown}");
            let at = memchr::memmem::rfind(bytes, rows[0].2[0].as_bytes());
            assert!(issues.is_empty() && at.is_some(), "{shown} {issues:?}");
            let start = bytes[..bytes.len() - 1]
                .iter()
                .rposition(|byte| *byte == b'\n');
            assert_eq!(rows[0].1, start.unwrap() as u64 + 1, "{shown}");
        }
    }

    #[test]
    fn people_whose_names_are_names_of_columns_are_people() {
        for row in ["a@x.eu,First,Last", "7,First,Last"] {
            let text = format!("email,first name,last name\n{row}\nb@x.eu,Bo,Lee\n");
            let (_, rows, _) = read_all(text.as_bytes()).unwrap();
            assert_eq!(rows.len(), 2, "{row}");
        }
    }

    #[test]
    fn lines_that_are_no_rows_are_named() {
        let text = "sep=,\n# list of 2026\nPeople,,\nemail,first name,last name\nE-Mail,Vorname,Nachname\n-----,-----,---\na,b,c\n,,\n\nTotal,,1\nExported by HR,,\n";
        let (source, rows, _) = read_all(text.as_bytes()).unwrap();
        assert_eq!((source.header_line, rows.len()), (4, 1));
        let Format::Csv(shape) = &source.format else {
            panic!("not text")
        };
        let aside: Vec<(String, Vec<u64>)> = shape
            .aside()
            .into_iter()
            .map(|aside| (aside.what, aside.lines))
            .collect();
        let aside: Vec<(&str, Vec<u64>)> = aside
            .iter()
            .map(|(what, lines)| (what.as_str(), lines.clone()))
            .collect();
        assert_eq!(
            aside,
            [
                ("`sep=` line", vec![1]),
                ("comment", vec![2]),
                ("above the header", vec![3]),
                ("more of the header", vec![5]),
                ("line of dashes", vec![6]),
                ("below the rows", vec![10, 11]),
            ]
        );
        assert_eq!(shape.blank(), 1);
        assert_eq!(
            shape.remarks(&source),
            [
                "header on line 4",
                "no rows: `sep=` line (line 1), comment (line 2), above the header (line 3), more of \
                 the header (line 5), line of dashes (line 6), below the rows (lines 10-11)",
                "1 blank row",
            ]
        );
        let (source, ..) = read_all(b"email;name\r\na;b\r\n;\r\n").unwrap();
        let Format::Csv(shape) = &source.format else {
            panic!("not text")
        };
        assert!(shape.remarks(&source).is_empty());
        // Without a header, nobody can know which column is which.
        for text in [
            "a@b.org,Ada,King\n",
            "a@b.org,Ada,King\nc@d.org,Email,Name\n",
        ] {
            assert_eq!(
                read_all(text.as_bytes()).unwrap_err().code,
                Code::FileNoHeader
            );
        }
    }

    #[test]
    fn stray_quotes_are_remarks_and_swallow_nothing() {
        let (_, rows, issues) = read_all(b"email,name\na,x\"y\nb,\"c\"d\ne,\"f\"\"g\"\n").unwrap();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[2].2, ["e", "f\"g"]);
        assert_eq!(
            issues
                .iter()
                .map(|issue| (issue.code, issue.row))
                .collect::<Vec<_>>(),
            [(Code::RowQuote, 0), (Code::RowAfterQuote, 1)]
        );
    }

    #[test]
    fn blank_rows_are_passed_over_and_damaged_ones_are_reported() {
        let (_, rows, issues) = read_all("email,name\n , \n,\néé,éé\n".as_bytes()).unwrap();
        assert_eq!((rows.len(), issues.len()), (1, 0));
        let mut bytes = "email,name\néééééééééééééé,a\n".as_bytes().to_vec();
        bytes.extend(b"x\xffy,b\n");
        let (_, rows, issues) = read_all(&bytes).unwrap();
        assert_eq!(rows[1].2, ["x\u{fffd}y", "b"]);
        assert_eq!(issues[0].code, Code::RowEncoding);
    }

    #[test]
    fn titles_above_the_header_are_not_rows() {
        let (source, rows, _) =
            read_all(b"People of 2026;;\n\nE-Mail;Vorname;Nachname\na;b;c\n").unwrap();
        assert_eq!((source.header_line, rows.len()), (3, 1));
        assert_eq!(source.header, ["E-Mail", "Vorname", "Nachname"]);
    }
}
