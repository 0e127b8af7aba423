//! Text with delimiters, parsed by `csv-core`, the engine of the csv crate.
//!
//! csv-core tells how many bytes each record took, and from that come what the csv crate's own
//! positions get wrong on CRLF, CR and blank lines: exact physical lines and byte offsets. What it
//! accepts in silence, a quote that is opened and never properly closed, is found here.

use std::borrow::Cow;
use std::path::Path;

use csv_core::ReadRecordResult;
use encoding_rs::Encoding;

use super::encoding::{TextReader, length_in, survey};
use super::{
    Emit, Format, HEADER_ROWS_MAX, HIDDEN, Source, Wanted, header_row, misplaced, unreadable,
};
use crate::formula::unguard;
use crate::header::is_own;
use crate::issue::{Code, Issue};
use crate::refusal::{Refusal, Result};
use crate::row::{Cells, Place, RowNumber};

/// A record over this size is an opening quote that was never closed.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// A record over this many lines is one, too.
pub const RECORD_LINES_MAX: u64 = 1000;
/// How much of a file is looked at for its delimiter.
const SAMPLE_BYTES: usize = 1 << 16;
/// Delimiters that are tried, in the order in which they win a tie.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How cells and rows are told apart.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// How bytes become text.
    pub encoding: &'static Encoding,
    /// Between cells.
    pub delimiter: u8,
    /// Around cells.
    pub quote: u8,
}

/// Finds encoding, delimiter, quote and header of a text file.
///
/// # Errors
/// `file.unreadable`, `file.encoding`, `file.format`, `file.quote`, `file.no_header`.
pub fn open(path: &Path, wanted: &Wanted) -> Result<Source> {
    let options = &wanted.definition.read;
    let survey = survey(path, options.encoding.as_deref())?;
    let quote = options.quote.map_or(b'"', |quote| quote as u8);
    let delimiter = match options.delimiter {
        Some(delimiter) => delimiter as u8,
        None => detect_delimiter(path, survey.encoding, quote, wanted)?,
    };
    let dialect = Dialect {
        encoding: survey.encoding,
        delimiter,
        quote,
    };
    let rows = first_rows(path, dialect, options.header_row)?;
    let place = match options.header_row {
        Some(line) => rows.iter().position(|(at, _)| *at == line),
        None if rows.is_empty() => None,
        None => Some(
            header_row(
                rows.iter().map(|(_, row)| row.iter().map(String::as_str)),
                wanted.vocabulary,
            )
            .0,
        ),
    };
    let Some(place) = place else {
        let what = match options.header_row {
            Some(line) => format!(
                "`{}` has nothing on line {line}, where `header_row` says the header is",
                path.display()
            ),
            None => format!("`{}` has blank lines only", path.display()),
        };
        return Err(Refusal::new(Code::FileNoHeader, what));
    };
    let (header_line, mut header) = rows.into_iter().nth(place).unwrap_or_default();
    // PostgreSQL's text can't hold NUL, and headers become names of attributes.
    header
        .iter_mut()
        .for_each(|name| name.retain(|character| character != '\0'));
    let guarded = header.iter().any(|name| is_own(name));
    if guarded {
        header
            .iter_mut()
            .for_each(|name| *name = unguard(name).to_string());
    }
    Ok(Source {
        path: path.to_path_buf(),
        sha256: survey.sha256,
        bytes: survey.bytes,
        format: Format::Csv {
            encoding: dialect.encoding,
            delimiter,
            quote,
            guarded,
        },
        header_line,
        header: without_empty_tail(header),
        dropped: Vec::new(),
        secret: None,
    })
}

/// Streams the rows below the header.
///
/// # Errors
/// `file.quote` for a quote that never closes, `file.changed`; what `emit` fails with.
pub fn read(
    source: &Source,
    dialect: Dialect,
    number: u16,
    first_row: RowNumber,
    emit: &mut Emit,
) -> Result<()> {
    let mut records = Records::open(&source.path, dialect)?;
    let mut record = Record::default();
    let mut cells = Cells::new(number, first_row);
    while records.next(&mut record)? {
        if record.place.line <= source.header_line || record.is_blank() {
            continue;
        }
        push(&mut cells, &record, source);
        if cells.is_full() {
            let next = Cells::new(number, cells.next_row());
            if !emit(std::mem::replace(&mut cells, next))? {
                return Ok(());
            }
        }
    }
    if records.bytes_read() != source.bytes {
        return Err(Refusal::new(
            Code::FileChanged,
            format!(
                "`{}` had {} bytes when it was opened and {} when it was read",
                source.path.display(),
                source.bytes,
                records.bytes_read()
            ),
        ));
    }
    if !cells.is_empty() {
        emit(cells)?;
    }
    Ok(())
}

fn push(cells: &mut Cells, record: &Record, source: &Source) {
    let guarded = matches!(source.format, Format::Csv { guarded: true, .. });
    let width = match source.secret {
        Some(_) => record
            .cells()
            .enumerate()
            .filter(|(_, cell)| !cell.trim().is_empty())
            .last()
            .map_or(0, |(column, _)| column + 1),
        None => 0,
    };
    let row = cells.next_row();
    let push_cell = |cells: &mut Cells, column: usize, cell: &str| {
        let cell = if guarded { unguard(cell) } else { cell };
        let is_misplaced = source.is_misplaced(column, cell);
        if is_misplaced {
            cells.issues.push(misplaced(row, column));
        }
        cells.push_cell(if source.dropped.contains(&column) {
            ""
        } else if is_misplaced || source.is_shifted(column, cell, width) {
            HIDDEN
        } else {
            cell
        });
    };
    let text = record.text();
    if matches!(text, Cow::Owned(_)) || text.contains(char::REPLACEMENT_CHARACTER) {
        cells.issues.push(Issue::of_row(
            Code::RowEncoding,
            row,
            "text in the file's encoding",
        ));
    }
    if record.stray_quote {
        cells.issues.push(Issue::of_row(
            Code::RowQuote,
            row,
            "quotes only around a whole cell",
        ));
    }
    match text {
        Cow::Borrowed(text) => {
            let mut start = 0;
            for (column, end) in record.ends.iter().enumerate() {
                let cell = text.get(start..*end).unwrap_or("");
                push_cell(cells, column, cell);
                start = *end;
            }
        }
        Cow::Owned(_) => {
            for (column, cell) in record.cells().enumerate() {
                push_cell(cells, column, &cell);
            }
        }
    }
    cells.end_row(record.place);
}

fn first_rows(
    path: &Path,
    dialect: Dialect,
    header_row: Option<u64>,
) -> Result<Vec<(u64, Vec<String>)>> {
    let mut records = Records::open(path, dialect)?;
    let mut record = Record::default();
    let mut rows = Vec::new();
    while rows.len() < HEADER_ROWS_MAX && records.next(&mut record)? {
        let wanted = header_row.is_none_or(|line| line == record.place.line);
        if wanted && !record.is_blank() {
            rows.push((
                record.place.line,
                record.cells().map(Cow::into_owned).collect(),
            ));
        }
        if header_row.is_some_and(|line| line <= record.place.line) {
            break;
        }
    }
    Ok(rows)
}

/// The delimiter that makes the most recognised headers; where none does, the one that cuts the
/// most rows into the same number of cells.
fn detect_delimiter(
    path: &Path,
    encoding: &'static Encoding,
    quote: u8,
    wanted: &Wanted,
) -> Result<u8> {
    let (mut reader, _) = TextReader::open(path, encoding)?;
    let mut sample = Vec::new();
    while sample.len() < SAMPLE_BYTES
        && reader
            .fill(&mut sample)
            .map_err(|error| unreadable(path, &error))?
    {}
    let mut best = (0, 0, DELIMITERS[0]);
    for delimiter in DELIMITERS {
        let mut parser = csv_core::ReaderBuilder::new()
            .delimiter(delimiter)
            .quote(quote)
            .build();
        let rows = sample_rows(&mut parser, &sample);
        let heads = rows
            .iter()
            .take(HEADER_ROWS_MAX)
            .map(|row| row.iter().map(String::as_str));
        let recognised = header_row(heads, wanted.vocabulary).1;
        let width = rows.first().map_or(0, Vec::len);
        let even = if width > 1 {
            rows.iter().filter(|row| row.len() == width).count()
        } else {
            0
        };
        if (recognised, even) > (best.0, best.1) {
            best = (recognised, even, delimiter);
        }
    }
    Ok(best.2)
}

fn sample_rows(parser: &mut csv_core::Reader, mut sample: &[u8]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut text = vec![0; sample.len()];
    let mut ends = vec![0; sample.len() + 1];
    while !sample.is_empty() && rows.len() < 200 {
        let (result, read, _, count) = parser.read_record(sample, &mut text, &mut ends);
        sample = &sample[read..];
        if result != ReadRecordResult::Record {
            break;
        }
        let mut start = 0;
        let mut row = Vec::with_capacity(count);
        for end in &ends[..count] {
            row.push(String::from_utf8_lossy(&text[start..*end]).into_owned());
            start = *end;
        }
        rows.push(row);
    }
    rows
}

fn without_empty_tail(mut header: Vec<String>) -> Vec<String> {
    while header.last().is_some_and(|name| name.trim().is_empty()) {
        header.pop();
    }
    header
}

/// One record: unquoted bytes, where each cell ends in them, and where the record stands.
#[derive(Debug)]
struct Record {
    bytes: Vec<u8>,
    length: usize,
    ends: Vec<usize>,
    place: Place,
    stray_quote: bool,
}

impl Default for Record {
    fn default() -> Record {
        Record {
            bytes: vec![0; 1 << 12],
            length: 0,
            ends: Vec::new(),
            place: Place { line: 0, byte: 0 },
            stray_quote: false,
        }
    }
}

impl Record {
    fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes[..self.length])
    }

    fn cells(&self) -> impl Iterator<Item = Cow<'_, str>> {
        (0..self.ends.len()).map(|column| {
            let start = if column == 0 {
                0
            } else {
                self.ends[column - 1]
            };
            String::from_utf8_lossy(&self.bytes[start..self.ends[column]])
        })
    }

    fn is_blank(&self) -> bool {
        let bytes = &self.bytes[..self.length];
        // A first letter settles it for nearly every row.
        !bytes.first().is_some_and(u8::is_ascii_graphic) && self.text().trim().is_empty()
    }
}

/// The records of a file, one after the other.
struct Records {
    reader: TextReader,
    dialect: Dialect,
    parser: csv_core::Reader,
    path: std::path::PathBuf,
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
}

impl Records {
    fn open(path: &Path, dialect: Dialect) -> Result<Records> {
        let (reader, byte) = TextReader::open(path, dialect.encoding)?;
        let parser = csv_core::ReaderBuilder::new()
            .delimiter(dialect.delimiter)
            .quote(dialect.quote)
            .build();
        Ok(Records {
            reader,
            dialect,
            parser,
            path: path.to_path_buf(),
            ends: vec![0; 64],
            window: Vec::new(),
            start: 0,
            at: 0,
            line: 1,
            byte,
            after_cr: false,
            exhausted: false,
        })
    }

    fn bytes_read(&self) -> u64 {
        self.byte
    }

    /// Parses the next record into `record`; `Ok(false)` after the last.
    fn next(&mut self, record: &mut Record) -> Result<bool> {
        self.start = self.at;
        record.length = 0;
        record.ends.clear();
        loop {
            if self.at == self.window.len() && !self.exhausted {
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
                ReadRecordResult::InputEmpty => self.check_size()?,
                ReadRecordResult::OutputFull => {
                    let room = record.bytes.len() * 2;
                    record.bytes.resize(room, 0);
                }
                ReadRecordResult::OutputEndsFull => {}
                ReadRecordResult::Record => {
                    self.finish(record)?;
                    return Ok(true);
                }
                ReadRecordResult::End => {
                    self.advance(self.at);
                    return Ok(false);
                }
            }
        }
    }

    fn refill(&mut self) -> Result<()> {
        self.window.drain(..self.start);
        self.at -= self.start;
        self.start = 0;
        let filled = self.reader.fill(&mut self.window);
        self.exhausted = !filled.map_err(|error| unreadable(&self.path, &error))?;
        Ok(())
    }

    fn check_size(&mut self) -> Result<()> {
        if self.at - self.start > RECORD_BYTES_MAX {
            self.skip_line_ends();
            return Err(self.unclosed());
        }
        Ok(())
    }

    /// Sets the record's place, and looks at its quotes.
    fn finish(&mut self, record: &mut Record) -> Result<()> {
        self.skip_line_ends();
        record.place = Place {
            line: self.line,
            byte: self.byte,
        };
        record.stray_quote = false;
        let raw = &self.window[self.start..self.at];
        if memchr::memchr(self.dialect.quote, raw).is_some() {
            let last = self.exhausted && self.at == self.window.len();
            match quotes(raw, self.dialect, last) {
                Quotes::Fine => {}
                Quotes::Stray => record.stray_quote = true,
                Quotes::Unclosed => return Err(self.unclosed()),
            }
        }
        let first_line = self.line;
        self.advance(self.at);
        if self.line - first_line > RECORD_LINES_MAX {
            self.line = first_line;
            return Err(self.unclosed());
        }
        Ok(())
    }

    /// Moves `start` over the line ends before a record: the second half of a CRLF, blank lines.
    fn skip_line_ends(&mut self) {
        let rest = &self.window[self.start..self.at];
        let count = rest
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        self.advance(self.start + count);
    }

    /// Moves `start` to `to`, counting lines and bytes.
    fn advance(&mut self, to: usize) {
        let passed = &self.window[self.start..to];
        self.line += line_ends(passed, self.after_cr);
        if let Some(last) = passed.last() {
            self.after_cr = *last == b'\r';
        }
        self.byte += if self.dialect.encoding == encoding_rs::UTF_8 {
            passed.len() as u64
        } else {
            length_in(self.dialect.encoding, &String::from_utf8_lossy(passed))
        };
        self.start = to;
    }

    /// The refusal for a quote in the record at `start` that opens and is never properly closed.
    fn unclosed(&self) -> Refusal {
        let end = self.at.min(self.window.len());
        let raw = self.window.get(self.start..end).unwrap_or(&[]);
        let opened = opening_of_bad_quote(raw, self.dialect);
        let line = self.line + line_ends(&raw[..opened], false);
        Refusal::new(
            Code::FileQuote,
            format!("`{}` line {line}: a quote opens here and is never closed", self.path.display()),
        )
        .help(format!(
            "close the quote on line {line}, or remove it; as it stands, the rows behind it can't be told apart"
        ))
    }
}

/// How many lines end in `bytes`: at LF, at CR, once at CRLF.
fn line_ends(bytes: &[u8], mut after_cr: bool) -> u64 {
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

#[derive(Debug, PartialEq, Eq)]
enum Quotes {
    Fine,
    Stray,
    Unclosed,
}

/// How the quotes of a record are set. csv-core reads on over a closing quote that something
/// else than a delimiter follows; on one line that is a stray quote, over several it means that
/// the quote which closed was another row's opening one.
fn quotes(raw: &[u8], dialect: Dialect, last: bool) -> Quotes {
    let mut verdict = Quotes::Fine;
    let mut at = 0;
    loop {
        let quoted = raw.get(at) == Some(&dialect.quote);
        if !quoted {
            let end = cell_end(raw, at, dialect);
            if memchr::memchr(dialect.quote, &raw[at..end]).is_some() {
                verdict = Quotes::Stray;
            }
            at = end;
        } else {
            let Some(close) = closing_quote(raw, at + 1, dialect.quote) else {
                return if last { Quotes::Unclosed } else { verdict };
            };
            let end = cell_end(raw, close + 1, dialect);
            if end != close + 1 {
                if memchr::memchr2(b'\r', b'\n', &raw[at..close]).is_some() {
                    return Quotes::Unclosed;
                }
                verdict = Quotes::Stray;
            }
            at = end;
        }
        if raw.get(at) != Some(&dialect.delimiter) {
            return verdict;
        }
        at += 1;
    }
}

/// Where the quote stands whose cell isn't closed properly; 0 when all are.
fn opening_of_bad_quote(raw: &[u8], dialect: Dialect) -> usize {
    let mut at = 0;
    while at < raw.len() {
        let mut end = cell_end(raw, at, dialect);
        if raw[at] == dialect.quote {
            let Some(close) = closing_quote(raw, at + 1, dialect.quote) else {
                return at;
            };
            end = cell_end(raw, close + 1, dialect);
            if end != close + 1 {
                return at;
            }
        }
        at = end + 1;
    }
    0
}

fn closing_quote(raw: &[u8], mut at: usize, quote: u8) -> Option<usize> {
    loop {
        let close = at + memchr::memchr(quote, &raw[at..])?;
        if raw.get(close + 1) != Some(&quote) {
            return Some(close);
        }
        at = close + 2;
    }
}

fn cell_end(raw: &[u8], at: usize, dialect: Dialect) -> usize {
    let rest = raw.get(at..).unwrap_or(&[]);
    at + memchr::memchr3(dialect.delimiter, b'\r', b'\n', rest).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition;
    use crate::header::Vocabulary;
    use std::io::Write;

    type Row = (u64, u64, Vec<String>);

    fn read_all(bytes: &[u8]) -> Result<(Source, Vec<Row>, Vec<Issue>)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let definition = definition::open(None).unwrap().definition;
        let vocabulary = Vocabulary::new(&definition);
        let source = Source::open(
            file.path(),
            &Wanted {
                definition: &definition,
                vocabulary: &vocabulary,
            },
        )?;
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
        assert!(matches!(
            source.format,
            Format::Csv {
                delimiter: b';',
                ..
            }
        ));
        assert_eq!(
            rows,
            vec![row(2, 2 + 34, &["é", "ü"]), row(3, 2 + 34 + 8, &["b", "c"])]
        );
    }

    #[test]
    fn an_unclosed_quote_is_named_where_it_opened() {
        for (bytes, line) in [
            (&b"email,name\na,b\nc,\"d\ne,f\ng,h\n"[..], 3),
            (b"email,name\na,b\n\"c,d\ne,f\n", 3),
            (b"email,name\na,b\nc,\"d\ne,\"f, x\"\ng,h\n", 3),
        ] {
            let refusal = read_all(bytes).unwrap_err();
            assert_eq!(refusal.code, Code::FileQuote);
            assert!(
                refusal.what.contains(&format!("line {line}:")),
                "{}",
                refusal.what
            );
        }
        let mut long = b"email,name\nx,\"y\n".to_vec();
        long.extend(b"a,b\n".repeat(400_000));
        assert!(read_all(&long).unwrap_err().what.contains("line 2:"));
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
            [(Code::RowQuote, 0), (Code::RowQuote, 1)]
        );
    }

    #[test]
    fn blank_rows_are_passed_over_and_damaged_ones_are_told() {
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
