//! What a text with delimiters looks like, found in its first part: what is between cells and
//! around them, which row is the header, and which lines above it aren't rows.
//!
//! What the pipeline sets is not detected. If a wrong guess would lose a row, the file is refused
//! instead, with the setting that decides it.

use csv_core::ReadRecordResult;
use serde::{Deserialize, Serialize};

use super::charset::Charset;
use super::content::Content;
use super::encoding::TextReader;
use super::records::{self, Dialect, Quotes, Record, Records, quotes};
use super::{HEADER_ROWS_MAX, Wanted, header_row, header_row_of};
use crate::definition;
use crate::header::Vocabulary;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::stages::read::input::unreadable;

/// How much of a file is looked at for its dialect.
const SAMPLE_BYTES: usize = 1 << 16;
/// How many rows of it.
const SAMPLE_ROWS: usize = 200;
/// Delimiters that are tried, in the order in which they win a tie.
const DELIMITERS: [&str; 8] = [",", ";", "\t", "|", "^", "~", "¦", "\u{1f}"];
/// By which programs cut lines that they take for one cell, or for one cell and empty ones.
const OUTER_DELIMITERS: [&str; 4] = [",", ";", "\t", "|"];
/// What delimiters of several characters are made of.
const DELIMITER_CHARACTERS: &str = ",;|\t~^:#*&%$!<>=+/\\§¦";
/// The most lines of one kind that are named.
const LINES_NAMED_MAX: usize = 100;

/// Lines that aren't rows: what they are, how many, and the first of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// What they are, in a few words.
    pub what: String,
    /// How many.
    pub count: u64,
    /// The first of them, by their physical lines.
    pub lines: Vec<u64>,
}

impl Aside {
    /// Notes another line, or the first.
    pub fn note(all: &mut Vec<Aside>, what: &str, line: u64) {
        let at = all.iter().position(|aside| aside.what == what);
        let at = at.unwrap_or_else(|| {
            all.push(Aside {
                what: what.to_string(),
                count: 0,
                lines: Vec::new(),
            });
            all.len() - 1
        });
        all[at].count += 1;
        if all[at].lines.len() < LINES_NAMED_MAX {
            all[at].lines.push(line);
        }
    }

    /// What a person is shown of them, such as `comment (lines 1-2, 7, and 3 more)`.
    pub fn shown(&self) -> String {
        const SHOWN_MAX: usize = 5;
        let mut parts: Vec<(u64, u64)> = Vec::new();
        for line in &self.lines {
            match parts.last_mut() {
                Some((_, last)) if *last + 1 == *line => *last = *line,
                _ => parts.push((*line, *line)),
            }
        }
        parts.truncate(SHOWN_MAX);
        let named: u64 = parts.iter().map(|(first, last)| last - first + 1).sum();
        let mut shown: Vec<String> = parts
            .iter()
            .map(|(first, last)| match first == last {
                true => first.to_string(),
                false => format!("{first}-{last}"),
            })
            .collect();
        if named < self.count {
            shown.push(format!("and {} more", self.count - named));
        }
        let word = if self.count == 1 { "line" } else { "lines" };
        format!("{} ({word} {})", self.what, shown.join(", "))
    }
}

/// The first part of a text, as UTF-8.
///
/// # Errors
/// `file.unreadable`.
pub(super) fn sample(content: &Content, encoding: Charset) -> Result<Vec<u8>> {
    let (mut reader, _) = TextReader::open(content, encoding)?;
    let mut sample = Vec::new();
    while sample.len() < SAMPLE_BYTES
        && reader
            .fill(&mut sample)
            .map_err(|error| unreadable(content.path(), &error))?
    {}
    Ok(sample)
}

/// The delimiter that an Excel line `sep=;` names, when the text begins with one.
pub(super) fn sep_line(sample: &[u8]) -> Option<String> {
    let end = memchr::memchr2(b'\r', b'\n', sample)?;
    let line = std::str::from_utf8(&sample[..end]).ok()?;
    let line = line.trim_matches('"');
    let named = line
        .get(..4)
        .filter(|start| start.eq_ignore_ascii_case("sep="))
        .map(|_| &line[4..])?;
    let fits = (1..=4).contains(&named.chars().count())
        && !named.chars().any(|c| c.is_alphanumeric() || c == '"');
    fits.then(|| named.to_string())
}

/// How the lines of the sample end.
pub(super) fn line_ends(sample: &[u8]) -> &'static str {
    let crlf = memchr::memmem::find_iter(sample, b"\r\n").count();
    let lf = memchr::memchr_iter(b'\n', sample).count() - crlf;
    let whole = sample.strip_suffix(b"\r").unwrap_or(sample);
    let cut_off = usize::from(whole.len() < sample.len() && crlf > 0);
    let cr = memchr::memchr_iter(b'\r', sample).count() - crlf - cut_off;
    match (lf > 0, crlf > 0, cr > 0) {
        (true, false, false) => "LF",
        (false, true, false) => "CRLF",
        (false, false, true) => "CR",
        (false, false, false) => "none",
        _ => "mixed",
    }
}

/// The dialect of a text, as far as `options` don't pin it.
pub(super) fn dialect(
    sample: &[u8],
    encoding: Charset,
    options: &definition::Read,
    named: Option<String>,
    wanted: &Wanted,
) -> Dialect {
    let mut dialect = Dialect {
        encoding,
        delimiter: ",".to_string(),
        quote: options
            .quote
            .as_ref()
            .map_or(Some(b'"'), |quote| quote.bytes().next()),
        escape: options.escape.map(|escape| escape as u8),
        comment: options.comment.clone(),
        inner: None,
    };
    if dialect.escape == dialect.quote {
        dialect.escape = None;
    }
    let pinned = options.delimiter.clone().or(named.clone());
    let sample = match named {
        Some(_) => &sample[memchr::memchr2(b'\r', b'\n', sample).unwrap_or(0)..],
        None => sample,
    };
    dialect.delimiter = match pinned {
        Some(delimiter) => delimiter,
        None => delimiter(sample, &dialect, wanted.vocabulary),
    };
    if options.quote.is_none() && is_single_quoted(sample, &dialect) {
        dialect.quote = Some(b'\'');
    }
    if options.escape.is_none() && is_backslashed(sample, &dialect) {
        dialect.escape = Some(b'\\');
    }
    if let Some(outer) = lines_in_cells(sample, &dialect, options, wanted.vocabulary) {
        return outer;
    }
    dialect
}

/// The dialect of a text of which a program saved each line as one cell: with quotes around it
/// (`"email,""first name"",…"`), or with the delimiters of empty cells after it (`email;first
/// name,,,`). `None` where the lines are cells already.
fn lines_in_cells(
    sample: &[u8],
    plain: &Dialect,
    options: &definition::Read,
    vocabulary: &Vocabulary,
) -> Option<Dialect> {
    for outer in OUTER_DELIMITERS {
        if memchr::memmem::find(sample, outer.as_bytes()).is_none() {
            continue;
        }
        let cut = Dialect {
            delimiter: outer.to_string(),
            ..plain.clone()
        };
        let cut_rows = SampleRows::parse(sample, &cut, SAMPLE_ROWS);
        let is_one_cell = |row: &mut dyn Iterator<Item = &str>| {
            let mut cells = row.map(|cell| cell.trim().is_empty());
            cells.next() == Some(false) && cells.all(|is_blank| is_blank)
        };
        let lines: Vec<&str> = cut_rows
            .iter()
            .filter(|row| is_one_cell(&mut row.clone()))
            .filter_map(|mut row| row.next())
            .collect();
        if lines.len() * 2 <= cut_rows.len() {
            continue;
        }
        let plain_rows = SampleRows::parse(sample, plain, SAMPLE_ROWS);
        let (plain_header, recognised) = header_row(plain_rows.iter(), vocabulary);
        let inners = DELIMITERS.iter().filter(|inner| match &options.delimiter {
            Some(pinned) => pinned == *inner,
            None => true,
        });
        // Empty cells come after every line, and are no part of the last value.
        let tails = cut_rows.iter().filter(|row| row.len() > 1).count();
        let has_tail = tails * 10 > cut_rows.len() * 9;
        for inner in inners {
            let is_possible =
                (outer == *inner || has_tail) && lines.iter().any(|line| line.contains(inner));
            if !is_possible {
                continue;
            }
            let within = Dialect {
                delimiter: inner.to_string(),
                ..plain.clone()
            };
            let values: Vec<Vec<String>> = lines
                .iter()
                .map(|line| within.cells_of(line.as_bytes()))
                .collect();
            let (header, better) = header_row(values.iter().map(|row| texts(row)), vocabulary);
            let is_better = if outer == *inner {
                better >= 2 && better > recognised
            } else {
                let last = plain_rows.iter().nth(plain_header).and_then(Iterator::last);
                let is_torn = last.is_some_and(|last| last.ends_with(outer));
                let is_one = plain.delimiter == outer && better > recognised;
                has_tail && better >= 2 && (is_torn && better >= recognised || is_one)
            };
            if is_better && values[header].len() > 1 {
                return Some(Dialect {
                    delimiter: outer.to_string(),
                    inner: Some(inner.to_string()),
                    ..plain.clone()
                });
            }
        }
    }
    None
}

/// How wide rows may be without being too long: as the header with its empty cells, or as more than
/// half of the first rows are, where what is too much in them is blank. A row by itself is no habit.
pub(super) fn harmless_width(
    sample: &[u8],
    dialect: &Dialect,
    header: usize,
    with_empty: usize,
) -> usize {
    let rows = SampleRows::parse(sample, dialect, SAMPLE_ROWS);
    let is_blank = |cell: &str| cell.trim().is_empty();
    let widths = rows
        .iter()
        .skip(1)
        .filter(|row| row.len() >= header && row.clone().skip(header).all(is_blank))
        .map(|row| row.len());
    let mut counts = std::collections::BTreeMap::new();
    for width in widths {
        *counts.entry(width).or_insert(0) += 1;
    }
    let all: usize = counts.values().sum();
    let usual = counts
        .iter()
        .find(|(_, count)| **count > 1 && **count * 2 > all);
    usual.map_or(0, |(width, _)| *width).max(with_empty)
}

/// The delimiter that makes the most recognised headers; where none does, the one that cuts the
/// most rows into the same number of cells.
fn delimiter(sample: &[u8], dialect: &Dialect, vocabulary: &Vocabulary) -> String {
    let run = run_of_characters(sample);
    let mut best = ((0, 0, false, false), ",".to_string());
    let mut is_uncut = false;
    for delimiter in DELIMITERS.iter().copied().chain(run.as_deref()) {
        // All that cut nothing cut the same rows, and the first of them wins the tie.
        let cuts = memchr::memmem::find(sample, delimiter.as_bytes()).is_some();
        if !cuts && std::mem::replace(&mut is_uncut, true) {
            continue;
        }
        let tried = Dialect {
            delimiter: delimiter.to_string(),
            ..dialect.clone()
        };
        // What finds fewer headers than another can't win: its other rows are not looked at.
        let least = best.0.0;
        let first = SampleRows::parse(sample, &tried, HEADER_ROWS_MAX);
        let (header, recognised) = match header_row_of(first.iter(), vocabulary, least) {
            Some(found) => found,
            None if least > 0 => continue,
            None => (0, 0),
        };
        let rows = SampleRows::parse(sample, &tried, SAMPLE_ROWS);
        let even = usual_width(rows.iter().map(|row| row.len())).1;
        let full = rows.iter().nth(header).is_some_and(|mut row| {
            row.len() > 1 && row.all(|cell| cell.contains(char::is_alphanumeric))
        });
        // `||` cuts where `|` would, without empty columns; a run of commas is empty cells.
        let whole = delimiter.chars().count() > 1 && !delimiter.contains([',', ';', '\t']);
        let score = (recognised, even, full, whole);
        if score > best.0 {
            best = (score, delimiter.to_string());
        }
    }
    best.1
}

/// The width that most rows of more than one cell have, and how many have it.
fn usual_width(widths: impl Iterator<Item = usize>) -> (usize, usize) {
    let mut counts = std::collections::BTreeMap::new();
    for width in widths.filter(|width| *width > 1) {
        *counts.entry(width).or_insert(0) += 1;
    }
    counts
        .into_iter()
        .max_by_key(|(width, count)| (*count, *width))
        .unwrap_or((0, 0))
}

/// A delimiter of several characters, such as `||`: what is everywhere between the words of one of
/// the first lines.
fn run_of_characters(sample: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&sample[..sample.len().min(8192)]);
    text.lines().take(10).find_map(|line| {
        let is_part = |c: char| DELIMITER_CHARACTERS.contains(c);
        let runs: Vec<&str> = line
            .split(|c: char| !is_part(c))
            .filter(|run| !run.is_empty())
            .collect();
        let first = runs.first()?;
        let fits = (2..=8).contains(&first.chars().count()) && runs.iter().all(|run| run == first);
        fits.then(|| first.to_string())
    })
}

/// Whether `'` surrounds every cell of the first line, or around most of those below it, and `"`
/// around none.
fn is_single_quoted(sample: &[u8], dialect: &Dialect) -> bool {
    let text = String::from_utf8_lossy(sample);
    let is_around = |cell: &str, quote: char| {
        cell.len() > 1 && cell.starts_with(quote) && cell.ends_with(quote)
    };
    let (mut cells, mut quoted) = (0, 0);
    let lines = text.split(['\r', '\n']).filter(|line| !line.is_empty());
    for (number, line) in lines.take(HEADER_ROWS_MAX).enumerate() {
        let parts = || line.split(dialect.delimiter.as_str()).map(str::trim);
        if parts().any(|cell| is_around(cell, '"')) {
            return false;
        }
        let of_line = parts().filter(|cell| is_around(cell, '\'')).count();
        if number > 0 {
            cells += parts().count();
            quoted += of_line;
        } else if of_line == parts().count() {
            return true;
        }
    }
    quoted * 2 > cells
}

/// Whether quotes surround every cell of the first lines, as far as their ends tell.
pub(super) fn is_always_quoted(sample: &[u8], dialect: &Dialect) -> bool {
    let Some(quote) = dialect.quote else {
        return false;
    };
    let lines = sample.split(|byte| matches!(byte, b'\r' | b'\n'));
    let mut lines = lines.filter(|line| !line.is_empty()).take(HEADER_ROWS_MAX);
    let separator = [&[quote], dialect.delimiter.as_bytes(), &[quote]].concat();
    let is_quoted = |line: &[u8]| {
        let separated = memchr::memmem::find_iter(line, &separator).count();
        let all = memchr::memmem::find_iter(line, dialect.delimiter.as_bytes()).count();
        line.len() > 1 && line[0] == quote && line.ends_with(&[quote]) && separated * 2 > all
    };
    lines.next().is_some_and(is_quoted) && lines.all(|line| line[0] == quote)
}

/// Whether quotes make more sense with a backslash as their escape.
fn is_backslashed(sample: &[u8], dialect: &Dialect) -> bool {
    let Some(quote) = dialect.quote else {
        return false;
    };
    if memchr::memmem::find(sample, &[b'\\', quote]).is_none() {
        return false;
    }
    let escaped = Dialect {
        escape: Some(b'\\'),
        ..dialect.clone()
    };
    let damaged = |dialect: &Dialect| SampleRows::parse(sample, dialect, SAMPLE_ROWS).damaged;
    damaged(&escaped) < damaged(dialect)
}

/// The first rows of a sample. Their cells are in one text: a sample is parsed several times, and an
/// allocation for each cell was most of that.
#[derive(Default)]
struct SampleRows {
    text: String,
    /// Where each cell ends in `text`.
    ends: Vec<usize>,
    /// The number of the first cell behind each row.
    behind: Vec<usize>,
    /// How many rows have damaged quotes.
    damaged: usize,
}

impl SampleRows {
    /// The first rows, at most `most` of them.
    fn parse(sample: &[u8], dialect: &Dialect, most: usize) -> SampleRows {
        let sample = dialect.mapped(sample);
        let mut rest: &[u8] = &sample;
        let mut parser = dialect.parser();
        let (mut text, mut written) = (vec![0; rest.len()], 0);
        let mut ends = [0; 64];
        let mut rows = SampleRows::default();
        while !rest.is_empty() && rows.behind.len() < most {
            let (before, start, first) = (rest, written, rows.ends.len());
            let result = loop {
                let (result, read, bytes, count) =
                    parser.read_record(rest, &mut text[written..], &mut ends);
                (rest, written) = (&rest[read..], written + bytes);
                rows.ends
                    .extend(ends[..count].iter().map(|end| start + end));
                if result != ReadRecordResult::OutputEndsFull {
                    break result;
                }
            };
            let raw = before[..before.len() - rest.len()].trim_ascii_start();
            let has_quotes = dialect
                .quote
                .is_some_and(|quote| memchr::memchr(quote, raw).is_some());
            if has_quotes && quotes(raw, dialect.delimiter_byte(), dialect, false) != Quotes::Fine {
                rows.damaged += 1;
            }
            if result != ReadRecordResult::Record {
                written = start;
                rows.ends.truncate(first);
                break;
            }
            rows.behind.push(rows.ends.len());
        }
        text.truncate(written);
        (rows.text, rows.ends) = decoded(text, rows.ends);
        rows
    }

    fn len(&self) -> usize {
        self.behind.len()
    }

    fn iter(&self) -> impl Iterator<Item = impl ExactSizeIterator<Item = &str> + Clone> {
        (0..self.len()).map(|row| self.row(row))
    }

    /// The cells of row number `row`.
    fn row(&self, row: usize) -> impl ExactSizeIterator<Item = &str> + Clone {
        let first = row.checked_sub(1).map_or(0, |above| self.behind[above]);
        (first..self.behind[row]).map(|cell| {
            let start = cell.checked_sub(1).map_or(0, |left| self.ends[left]);
            &self.text[start..self.ends[cell]]
        })
    }
}

/// A text of cells that end at `ends`, with a sign in place of every byte that isn't UTF-8.
fn decoded(text: Vec<u8>, mut ends: Vec<usize>) -> (String, Vec<usize>) {
    let damaged = match String::from_utf8(text) {
        Ok(text) if ends.iter().all(|end| text.is_char_boundary(*end)) => return (text, ends),
        Ok(text) => text.into_bytes(),
        Err(error) => error.into_bytes(),
    };
    let (mut text, mut start) = (String::with_capacity(damaged.len()), 0);
    for end in &mut ends {
        text += &String::from_utf8_lossy(&damaged[start..*end]);
        start = std::mem::replace(end, text.len());
    }
    (text, ends)
}

/// The header of a text, and what is above its rows.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// The line of the header, from 1; 0 when there is none.
    pub line: u64,
    /// The names of the columns.
    pub names: Vec<String>,
    /// The line that the last header row begins on; rows come after it.
    pub last_line: u64,
    /// The byte at which the header begins.
    pub byte: u64,
    /// Lines above the rows that are neither header nor row.
    pub aside: Vec<Aside>,
}

fn texts(cells: &[String]) -> impl ExactSizeIterator<Item = &str> {
    cells.iter().map(String::as_str)
}

/// One of the first rows.
struct Early {
    line: u64,
    byte: u64,
    cells: Vec<String>,
}

impl Early {
    fn filled(&self) -> impl Iterator<Item = &str> {
        let cells = self.cells.iter().map(|cell| cell.trim());
        cells.filter(|cell| !cell.is_empty())
    }

    /// Whether most cells are numbers, which no column is called.
    fn is_numeric(&self) -> bool {
        let is_number = |cell: &&str| cell.parse::<f64>().is_ok();
        self.filled().filter(is_number).count() * 2 > self.filled().count()
    }

    fn has_address(&self) -> bool {
        self.filled().any(is_address)
    }
}

/// Finds the header.
///
/// # Errors
/// `file.no_header`; `file.limit` and `file.unreadable` from reading.
pub(super) fn head(
    content: &Content,
    dialect: &Dialect,
    options: &definition::Read,
    has_sep: bool,
    wanted: &Wanted,
) -> Result<Head> {
    let mut head = Head::default();
    if has_sep {
        Aside::note(&mut head.aside, "`sep=` line", 1);
        head.last_line = 1;
    }
    if options.names.is_some() && options.header_row.is_none() {
        head.names = options.names.clone().unwrap_or_default();
        return Ok(head);
    }
    let shown = content.path().display();
    let rows = early_rows(content, dialect, options, &mut head)?;
    if rows.is_empty() {
        let what = match options.header_row {
            Some(line) => format!(
                "`{shown}` has nothing on line {line}, where `header_row` says the header is"
            ),
            None => format!("`{shown}` has blank lines only"),
        };
        return Err(Refusal::new(Code::FileNoHeader, what));
    }
    let place = match options.header_row {
        Some(_) => 0,
        None => header_place(&rows, content, wanted.vocabulary)?,
    };
    for row in &rows[..place] {
        Aside::note(&mut head.aside, above(row), row.line);
    }
    let header = &rows[place..];
    let header = &header[..filled_rows(header, options.header_rows.unwrap_or(1))];
    head.line = header[0].line;
    head.byte = header[0].byte;
    head.last_line = header.last().map_or(head.line, |row| row.line);
    head.names = match &options.names {
        Some(names) => names.clone(),
        None => joined(header, wanted.vocabulary),
    };
    for row in &header[1..] {
        Aside::note(&mut head.aside, "more of the header", row.line);
    }
    if options.header_rows.is_none() {
        for row in &rows[place + 1..] {
            let Some(what) = below(row, &rows[place], wanted.vocabulary) else {
                break;
            };
            Aside::note(&mut head.aside, what, row.line);
            head.last_line = row.line;
        }
    }
    Ok(head)
}

/// How many of `rows` the first `number` rows of the text are, blank ones counted; at least one.
fn filled_rows(rows: &[Early], number: u64) -> usize {
    let mut seen = 0;
    let mut last_line = rows.first().map_or(0, |row| row.line - 1);
    let within = rows.iter().take_while(|row| {
        seen += row.line - last_line;
        let breaks = |cell: &String| records::line_ends(cell.as_bytes(), false);
        last_line = row.line + row.cells.iter().map(breaks).sum::<u64>();
        seen <= number
    });
    within.count().max(1)
}

/// The first rows, from the pinned header on if there is one; lines above that are set aside.
fn early_rows(
    content: &Content,
    dialect: &Dialect,
    options: &definition::Read,
    head: &mut Head,
) -> Result<Vec<Early>> {
    let mut records = Records::open(content, dialect)?;
    let mut record = Record::default();
    let mut rows: Vec<Early> = Vec::new();
    while rows.len() < HEADER_ROWS_MAX && records.next(&mut record)? {
        let line = record.place.line;
        if line <= head.last_line || record.is_blank() {
            continue;
        }
        if options.header_row.is_some_and(|wanted| line < wanted) {
            Aside::note(&mut head.aside, "above the header", line);
            continue;
        }
        if rows.is_empty() && options.header_row.is_some_and(|wanted| line > wanted) {
            break;
        }
        let cells = record.cells().map(|cell| cell.into_owned()).collect();
        rows.push(Early {
            line,
            byte: record.place.byte,
            cells,
        });
    }
    Ok(rows)
}

/// Which of the first rows is the header: the one with the most recognised names; else the first
/// that is as wide as most.
fn header_place(rows: &[Early], content: &Content, vocabulary: &Vocabulary) -> Result<usize> {
    let (place, recognised) = header_row(rows.iter().map(|row| texts(&row.cells)), vocabulary);
    let no_header = |row: &Early| {
        let what = format!(
            "`{}` line {} holds a row where column names were expected",
            content.path().display(),
            row.line
        );
        Err(Refusal::new(Code::FileNoHeader, what).help(format!(
            "put the column names into the first row; or name the {} columns by position with `[read] names = [\"…\", …]`; \
             if there is a header, say where: `[read] header_row`",
            row.cells.len()
        )))
    };
    if recognised == 0 {
        let usual = usual_width(rows.iter().map(|row| row.cells.len())).0;
        // A title has one cell, and blank ones after it when a spreadsheet saved it.
        let place = rows
            .iter()
            .position(|row| row.cells.len() >= usual && row.filled().count() * 2 > usual)
            .unwrap_or(0);
        let is_data = |row: &&Early| {
            row.filled().count() * 2 >= usual && (row.has_address() || row.is_numeric())
        };
        return match rows[..=place].iter().find(is_data) {
            Some(row) => no_header(row),
            None => Ok(place),
        };
    }
    let least = (rows[place].filled().count() / 2).max(2);
    let is_person = |row: &&Early| row.has_address() && row.filled().count() >= least;
    match rows[..place].iter().find(is_person) {
        Some(row) => no_header(row),
        None => Ok(place),
    }
}

fn is_address(cell: &str) -> bool {
    let parts = cell.split_once('@');
    parts.is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !cell.contains(char::is_whitespace)
    })
}

fn above(row: &Early) -> &'static str {
    let first = row.filled().next().unwrap_or("");
    if first.starts_with('#') || first.starts_with("//") || first.starts_with("--") {
        "comment"
    } else {
        "above the header"
    }
}

/// What a row below the header is, when it is certainly no person: the names once more, in other
/// words, or a line of dashes.
fn below(row: &Early, header: &Early, vocabulary: &Vocabulary) -> Option<&'static str> {
    if row.cells == header.cells {
        return Some("more of the header");
    }
    let filled = row.filled().count();
    let recognised = vocabulary.recognised(row.filled());
    // Somebody may be called `First Last`, or lead the group `Email`.
    let is_number = |cell: &str| cell.chars().all(|c| c.is_ascii_digit());
    let is_person = row.has_address() || row.filled().any(is_number);
    if recognised >= 2 && recognised * 2 >= filled && !is_person {
        return Some("more of the header");
    }
    let is_dashes = |cell: &str| cell.len() > 1 && cell.chars().all(|c| matches!(c, '-' | '='));
    row.filled().all(is_dashes).then_some("line of dashes")
}

/// The names of columns whose header is several rows high: the one that is recognised, from below;
/// else all of them, one after the other.
fn joined(rows: &[Early], vocabulary: &Vocabulary) -> Vec<String> {
    let width = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let name = |column: usize| {
        let parts: Vec<&str> = rows
            .iter()
            .filter_map(|row| row.cells.get(column))
            .map(String::as_str)
            .collect();
        if let [only] = parts.as_slice() {
            return only.to_string();
        }
        let filled: Vec<&str> = parts
            .iter()
            .map(|part| part.trim())
            .filter(|part| !part.is_empty())
            .collect();
        let whole = filled.join(" ");
        let known = |name: &&str| vocabulary.recognised(std::iter::once(*name)) == 1;
        if known(&whole.as_str()) {
            return whole;
        }
        match filled.iter().copied().rev().find(known) {
            Some(name) => name.to_string(),
            None => whole,
        }
    };
    (0..width).map(name).collect()
}
