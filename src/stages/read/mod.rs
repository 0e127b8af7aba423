//! read: bytes to rows of text cells with their places. Knows CSV, workbooks, JSON and Parquet; no
//! later stage knows which it was.

use crate::meaning::mapping::Mapping;
use crate::meaning::mapping::Target;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use serde::{Deserialize, Serialize, Serializer};

use crate::definition::Definition;
use crate::field::RowNumber;
use crate::header::{Head, Vocabulary};
use crate::issue::{Code, Issue};
use crate::meaning::password;
use crate::refusal::{Refusal, Result};
use crate::row::Cells;
use content::{Content, STANDARD_INPUT};
pub use detect::Aside;
use encoding::Depth;
use input::{File, check_file, unreadable};

pub mod charset;
pub mod content;
pub mod csv;
mod detect;
pub mod encoding;
mod footer;
pub mod input;
pub mod json;
mod letters;
mod mojibake;
pub mod records;
mod wide;
pub mod workbook;

/// How many rows are looked at for the header, and for the delimiter.
pub const HEADER_ROWS_MAX: usize = 50;
/// The most rows of one run.
pub const ROWS_MAX: RowNumber = RowNumber::MAX / 2;

/// So much of a file's beginning is looked at for its kind.
const START_BYTES: u64 = 4096;
/// What a list whose values hold its separator should have had.
const SEPARATED: &str = "a value without the characters of `separators` under `[groups]`";
/// What to do with LDIF.
const FROM_DIRECTORY: &str = "export the same people as CSV: with `csvde -f people.csv` or \
    `Get-ADUser … | Export-Csv` from Active Directory, with `ldapsearch` and a converter from others";

/// A file that was opened and looked at: what it is, and what its header says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Source {
    /// As given on the command line.
    #[serde(serialize_with = "shown_path")]
    pub path: PathBuf,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
    /// What it is and how it is read.
    pub format: Format,
    /// Line or sheet row of the header, from 1; 0 where the names are next to the values.
    pub header_line: u64,
    /// The names in the header, as the file shows them.
    pub header: Vec<String>,
    /// Columns whose cells are blanked while reading (passwords), from 0.
    pub dropped: Vec<usize>,
    /// The column of password hashes, from 0: none may come to light in another.
    #[serde(default)]
    pub secret: Option<usize>,
    /// Columns from whose names NUL was removed, from 0, and their names as the file has them.
    #[serde(default)]
    pub without_nul: Vec<(usize, String)>,
}

/// A file of the run and what its columns became.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InputFile {
    /// The file.
    pub source: Source,
    /// What each column became.
    pub targets: Vec<Target>,
    /// How the columns fill the layout.
    pub mapping: Mapping,
}

/// What kind of file it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Text with delimiters.
    Csv(Box<csv::Shape>),
    /// A workbook.
    Workbook {
        /// The index of the sheet that is read.
        sheet: usize,
        /// What is known of the workbook.
        book: Box<workbook::Book>,
        /// The process that reads it; none where it was not opened, such as in a plan.
        #[serde(skip)]
        process: Option<Process>,
        /// What reading all rows has shown of the sheet; see [`Source::learn`].
        #[serde(skip)]
        seen: Arc<OnceLock<workbook::Sheet>>,
    },
    /// Objects in JSON.
    Json(Box<json::Shape>),
}

/// A path need not be text; a plan keeps of it what reports show.
fn shown_path<S: Serializer>(path: &Path, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// What [`Source::read`] hands each batch to; `Ok(false)` stops reading.
pub type Emit<'a> = dyn FnMut(Cells) -> Result<bool> + 'a;

/// What opening needs to know besides the path.
pub struct Wanted<'a> {
    /// `[read]` of the pipeline, and what its `[columns]` name.
    pub definition: &'a Definition,
    /// By which a header row is distinguished from a title.
    pub vocabulary: &'a Vocabulary,
    /// What is read with.
    pub reader: &'a Reader,
}

/// The process that reads workbooks.
#[derive(Debug, Clone, Default)]
pub enum Process {
    /// This one, as the library's own tests do.
    #[default]
    Own,
    /// One of this program, started for each pass.
    Of(PathBuf),
}

/// What files are read with, and what is kept between one reading and the next of a command.
#[derive(Default)]
pub struct Reader {
    process: Process,
    /// Standard input: it can be had only once, and is opened several times.
    taken: Mutex<Option<Arc<File>>>,
    /// The last look at a workbook.
    looked: Mutex<Option<workbook::Looked>>,
}

impl Reader {
    /// Workbooks are read by `process`.
    pub fn by(process: Process) -> Reader {
        Reader {
            process,
            ..Reader::default()
        }
    }
}

impl Source {
    /// The name of the sheet, if it is one.
    pub fn sheet(&self) -> Option<&str> {
        match &self.format {
            Format::Workbook { sheet, book, .. } => {
                let sheet = book.sheets.get(*sheet)?;
                (book.kind != workbook::BookKind::Parquet).then_some(sheet.name.as_str())
            }
            Format::Csv(_) | Format::Json(_) => None,
        }
    }

    /// Its header, as the passes see it that know no files.
    pub fn head(&self) -> Head<'_> {
        Head {
            path: &self.path,
            line: self.header_line,
            header: &self.header,
        }
    }

    /// What a person should know of its names of columns.
    pub fn remarks_on_header(&self) -> Option<String> {
        let names = self.without_nul.iter();
        let names =
            names.map(
                |(column, _)| match self.header.get(*column).map(|name| name.trim()) {
                    None | Some("") => format!("column {}", column + 1),
                    Some(name) => format!("`{name}`"),
                },
            );
        let names: Vec<String> = names.collect();
        (!names.is_empty()).then(|| {
            format!(
                "NUL characters were removed from names of columns: {}",
                names.join(", ")
            )
        })
    }

    /// Whether it is a file of corrections: rows of an earlier run that come back fixed. It has
    /// muster's own columns, is not a full list of anybody, and looks like no other file.
    pub fn is_correction(&self) -> bool {
        self.head().is_correction()
    }

    /// Opens `path` and finds its format and header.
    ///
    /// # Errors
    /// A refusal with a `file.*` code.
    pub fn open(path: &Path, wanted: &Wanted) -> Result<Source> {
        Source::open_to(path, wanted, Depth::Whole)
    }

    /// The names in the header of `path`, without reading a text to its end.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn header_of(path: &Path, wanted: &Wanted) -> Result<Vec<String>> {
        Source::open_to(path, wanted, Depth::Header).map(|source| source.header)
    }

    fn open_to(path: &Path, wanted: &Wanted, depth: Depth) -> Result<Source> {
        let content = if path == Path::new(STANDARD_INPUT) {
            Content::standard_input(&wanted.reader.taken)?
        } else {
            check_file(path)?;
            Content::plain(path)
        };
        let shown = path.display();
        let open_workbook = || {
            if path == Path::new(STANDARD_INPUT) {
                let what = "a workbook or Parquet file can't be read from standard input";
                return Err(Refusal::new(Code::FileFormat, what).help("name its file"));
            }
            workbook::open(path, wanted)
        };
        let Some(content) = content.unpacked()? else {
            return open_workbook();
        };
        let mut start = Vec::new();
        content
            .open()?
            .take(START_BYTES)
            .read_to_end(&mut start)
            .map_err(|error| unreadable(path, &error))?;
        match start.as_slice() {
            [] => Err(Refusal::new(
                Code::FileEmpty,
                format!("`{shown}` has 0 bytes"),
            )),
            [0xd0, 0xcf, 0x11, 0xe0, ..] | [b'P', b'A', b'R', b'1', ..] => open_workbook(),
            // The footer is encrypted: "Parquet Modular Encryption", parquet.apache.org.
            [b'P', b'A', b'R', b'E', ..] => {
                let what = format!("`{shown}` is a Parquet file that is encrypted");
                Err(Refusal::new(Code::FileEncrypted, what)
                    .help("write it without encryption, or export the list as CSV"))
            }
            start => match workbook::kind::foreign(start) {
                Some((what, help)) => {
                    Err(Refusal::new(Code::FileFormat, format!("`{shown}` is {what}")).help(help))
                }
                None if json::is_json(start) => json::open(content, wanted),
                None if json::is_without_objects(&content, start)? => {
                    Err(json::without_objects(path))
                }
                None if is_ldif(start) => {
                    let what = format!("`{shown}` is an LDIF file, the export of a directory");
                    Err(Refusal::new(Code::FileFormat, what).help(FROM_DIRECTORY))
                }
                None => csv::open(content, wanted, depth),
            },
        }
    }

    /// Reads every row below the header, in batches. `number` is this source's index in the run,
    /// `first_row` the run's number of its first row. Rows whose cells are all blank are passed
    /// over.
    ///
    /// # Errors
    /// A refusal with a `file.*` code; what `emit` fails with.
    pub fn read(&self, number: u16, first_row: RowNumber, emit: &mut Emit) -> Result<()> {
        match &self.format {
            Format::Csv(shape) => csv::read(self, shape, number, first_row, emit),
            Format::Workbook { .. } => workbook::read(self, number, first_row, emit),
            Format::Json(shape) => json::read(self, shape, number, first_row, emit),
        }
    }

    /// As [`Source::read`], with what the cells of a workbook hold besides their text, in
    /// [`Cells::sheet`].
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn read_natives(&self, number: u16, first_row: RowNumber, emit: &mut Emit) -> Result<()> {
        match &self.format {
            Format::Workbook { .. } if self.sheet().is_some() => {
                workbook::read_natives(self, number, first_row, emit)
            }
            _ => self.read(number, first_row, emit),
        }
    }
}

impl Source {
    /// Reports the row that was just added where it is the header once more: lists that were put one
    /// below the other, and reports that say it on every page. `index` is the row's in its batch.
    fn note_header_again(&self, cells: &mut Cells, index: usize) {
        let Some(first) = self.header.iter().position(|name| !name.is_empty()) else {
            return;
        };
        // Nearly no row begins like the header.
        let start = cells.cell(index, first).as_bytes().first();
        let like = self.header[first].as_bytes().first();
        let may_be = match (start, like) {
            (Some(start), Some(like)) => {
                start.eq_ignore_ascii_case(like) || !start.is_ascii_graphic()
            }
            _ => false,
        };
        if may_be && self.is_header(cells, index) {
            let row = cells.first_row + index as RowNumber;
            let what = "a person, not the header again";
            cells
                .issues
                .push(Issue::of_row(Code::RowNoPerson, row, what));
        }
    }

    fn is_header(&self, cells: &Cells, index: usize) -> bool {
        let plain = |text: &str| text.trim_matches(is_blank_or_mark).to_lowercase();
        let is_hidden =
            |column: usize| self.dropped.contains(&column) || self.secret == Some(column);
        cells.width(index) >= self.header.len()
            && (0..cells.width(index))
                .filter(|column| !is_hidden(*column))
                .all(|column| {
                    let name = self.header.get(column).map_or("", String::as_str);
                    plain(cells.cell(index, column)) == plain(name)
                })
    }
}

/// White space, or a byte order mark that came along with a file put below another.
fn is_blank_or_mark(character: char) -> bool {
    character.is_whitespace() || character == '\u{feff}'
}

/// Names of columns without NUL, which the text of PostgreSQL can't hold; and which of them had any.
fn without_nul(mut header: Vec<String>) -> (Vec<String>, Vec<(usize, String)>) {
    let mut raw = Vec::new();
    for (column, name) in header.iter_mut().enumerate() {
        if name.contains('\0') {
            raw.push((column, name.clone()));
            name.retain(|character| character != '\0');
        }
    }
    (header, raw)
}

/// Whether a file begins as LDIF does (RFC 2849): with its version or a distinguished name, after
/// comments.
fn is_ldif(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let mut lines = start.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with(b"#"));
    let begins = |wanted: &[u8]| {
        let start = first.and_then(|line| line.get(..wanted.len()));
        start.is_some_and(|start| start.eq_ignore_ascii_case(wanted))
    };
    let is_version = begins(b"version:") && first.is_some_and(|line| line.ends_with(b"1"));
    is_version || begins(b"dn:")
}

/// What represents a cell that must not come to light.
pub const HIDDEN: &str = "(left out)";
/// What is in the first cell of a record that couldn't be read, before its line: records that are
/// broken aren't duplicates of each other.
pub const UNREAD: &str = "(left out): line";

impl Source {
    /// Whether a cell holds a password hash outside of the column of these, or did so before.
    fn is_misplaced(&self, column: usize, cell: &str) -> bool {
        self.secret.is_some_and(|secret| column != secret)
            && (password::is_like_one(cell) || cell == HIDDEN)
    }

    /// Whether a cell may be a part of a password hash: one that is in a row of too many cells, of
    /// which `width` up to the last that isn't blank, may be cut at its commas.
    fn is_shifted(&self, column: usize, cell: &str, width: usize) -> bool {
        let behind = self.secret.is_some_and(|secret| column > secret);
        behind && width > self.header.len() && !cell.trim().is_empty()
    }
}

/// A password hash that is in column `column` of row `row`, which must be another's.
fn misplaced(row: RowNumber, column: usize) -> Issue {
    Issue {
        column: Some(column as u16),
        ..Issue::of_row(Code::PasswordMisplaced, row, "no password hash here")
    }
}

/// The row of `rows` that is the header: the one with the most recognised headers, the first of
/// equals; the first row at all when none is recognised. Also returns how many are recognised.
pub fn header_row<'a>(
    rows: impl Iterator<Item = impl ExactSizeIterator<Item = &'a str>>,
    vocabulary: &Vocabulary,
) -> (usize, usize) {
    header_row_of(rows, vocabulary, 0).unwrap_or_default()
}

/// [`header_row`] where it has at least `least` recognised headers, and at least one.
fn header_row_of<'a>(
    rows: impl Iterator<Item = impl ExactSizeIterator<Item = &'a str>>,
    vocabulary: &Vocabulary,
    least: usize,
) -> Option<(usize, usize)> {
    let mut beyond = least.saturating_sub(1);
    let mut best = None;
    for (index, row) in rows.take(HEADER_ROWS_MAX).enumerate() {
        if let Some(recognised) = vocabulary.recognised_beyond(beyond, row) {
            best = Some((index, recognised));
            beyond = recognised;
        }
    }
    best
}

/// Whether a value of a list of `count` values is read as several. A comma parts only where nothing
/// else does, such as what is between these values.
fn is_separated(value: &str, count: usize, separators: &[char]) -> bool {
    let comma_parts = count < 2 || separators.first() == Some(&',');
    value.contains(|c| separators.contains(&c) && (c != ',' || comma_parts))
}
