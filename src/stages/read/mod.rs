//! read: bytes to rows of text cells with their places. Knows CSV and XLSX; after it no stage
//! knows which it was.

use std::path::{Path, PathBuf};

use crate::definition::Definition;
use crate::header::Vocabulary;
use crate::refusal::Result;
use crate::row::{Cells, RowNumber};

pub mod workbook;

/// A file that was opened and looked at: what it is, and what its header says.
#[derive(Debug, Clone)]
pub struct Source {
    /// As given on the command line.
    pub path: PathBuf,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
    /// What it is and how it is read.
    pub format: Format,
    /// Line or sheet row of the header, from 1.
    pub header_line: u64,
    /// The names in the header, as the file shows them.
    pub header: Vec<String>,
    /// Columns whose cells are blanked while reading (passwords), from 0.
    pub dropped: Vec<usize>,
}

/// What kind of file it is.
#[derive(Debug, Clone)]
pub enum Format {
    /// Text with delimiters.
    Csv {
        /// How bytes become text.
        encoding: &'static encoding_rs::Encoding,
        /// Between cells.
        delimiter: u8,
        /// Around cells.
        quote: u8,
    },
    /// An Excel workbook.
    Xlsx {
        /// The sheet that is read.
        sheet: String,
        /// Whether the workbook has formulas, so that their cells can be noted.
        formulas: bool,
    },
}

/// What [`Source::read`] hands each batch to; `Ok(false)` stops reading.
pub type Emit<'a> = dyn FnMut(Cells) -> Result<bool> + 'a;

/// What opening needs to know besides the path.
pub struct Wanted<'a> {
    /// `[read]` of the pipeline, and what its `[columns]` name.
    pub definition: &'a Definition,
    /// By which a header row is told from a title.
    pub vocabulary: &'a Vocabulary,
}

impl Source {
    /// Opens `path` and finds its format and header.
    ///
    /// # Errors
    /// A refusal with a `file.*` code.
    pub fn open(path: &Path, wanted: &Wanted) -> Result<Source> {
        workbook::open(path, wanted)
    }

    /// Reads every row below the header, in batches. `number` is this source's index in the run,
    /// `first_row` the run's number of its first row.
    ///
    /// # Errors
    /// A refusal with a `file.*` code; what `emit` fails with.
    pub fn read(&self, number: u16, first_row: RowNumber, emit: &mut Emit) -> Result<()> {
        match &self.format {
            Format::Csv { .. } => Ok(()),
            Format::Xlsx { sheet, .. } => workbook::read(self, sheet, number, first_row, emit),
        }
    }
}
