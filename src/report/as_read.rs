//! A corrections file in the form of the file that its rows come from: text gets text back, a
//! workbook gets a workbook, and the columns are the user's own.

use std::path::{Path, PathBuf};

use super::corrections::Corrections;
use super::csv::Style;
use crate::issue::Code;
use crate::refusal::Result;
use crate::row::{Cells, Native, NativeCell, ShownAs};
use crate::stages::read::{Format, Source, UNREAD};

/// A file, and which of its columns are muster's.
pub struct AsRead<'a> {
    source: &'a Source,
    /// By column of the header.
    is_own: Vec<bool>,
}

/// In which form the corrections of a file are written.
enum Form {
    Csv(Style),
    Xlsx,
}

impl<'a> AsRead<'a> {
    /// The columns of the header for which `is_own` holds are muster's, and aren't written again.
    pub fn new(source: &'a Source, is_own: impl Fn(usize) -> bool) -> AsRead<'a> {
        AsRead {
            source,
            is_own: (0..source.header.len()).map(is_own).collect(),
        }
    }

    /// Begins a file called `name`, with `more` columns after the user's own.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn begin(
        &self,
        folder: &Path,
        name: &str,
        more: &[&str],
    ) -> Result<(PathBuf, Corrections)> {
        let more = more.iter().map(ToString::to_string);
        let header: Vec<String> = self.header().map(String::from).chain(more).collect();
        match form_of(self.source) {
            Form::Csv(style) => {
                let path = folder.join(format!("{name}.csv"));
                let corrections = Corrections::csv(&path, &header, style)?;
                Ok((path, corrections))
            }
            Form::Xlsx => {
                let path = folder.join(format!("{name}.xlsx"));
                let sheet = self.source.sheet().unwrap_or_default();
                let corrections = Corrections::xlsx(&path, sheet, &header, &self.widths())?;
                Ok((path, corrections))
            }
        }
    }

    /// The names of the user's own columns.
    pub fn header(&self) -> impl Iterator<Item = &str> {
        self.theirs(self.source.header.iter().map(String::as_str))
    }

    /// Where a column of the file is among the user's own.
    pub fn column(&self, column: u16) -> Option<usize> {
        let column = usize::from(column);
        let own = self.is_own.iter().take(column).filter(|own| **own).count();
        let is_own = self.is_own.get(column).copied().unwrap_or(false);
        (!is_own).then_some(column - own)
    }

    /// A row's cells, without its password hash, which is in no file of a run, and without what
    /// represents a record of JSON that couldn't be read: it is nobody's value.
    pub fn cells<'c>(&self, cells: &'c Cells, index: usize) -> Vec<&'c str> {
        let secret = self.source.secret;
        let is_json = matches!(self.source.format, Format::Json(_));
        let is_nothing = |column, cell: &str| {
            Some(column) == secret || is_json && cell.starts_with(UNREAD) && column == 0
        };
        let cells = cells.row(index).enumerate();
        let shown = cells.map(|(column, cell)| if is_nothing(column, cell) { "" } else { cell });
        self.theirs(shown).collect()
    }

    /// What the row's cells hold that isn't text, and how that is shown.
    pub fn natives<'c>(&self, cells: &'c Cells, index: usize) -> Vec<(usize, Native, &'c ShownAs)> {
        let Some(sheet) = &cells.sheet else {
            return Vec::new();
        };
        let index = index as u32;
        let from = sheet.natives.partition_point(|(row, ..)| *row < index);
        let natives = sheet.natives[from..].iter();
        natives
            .take_while(|(row, ..)| *row == index)
            .filter_map(|(_, column, NativeCell { value, format })| {
                let shown_as = sheet.formats.get(usize::from(*format))?;
                Some((self.column(*column)?, *value, shown_as))
            })
            .collect()
    }

    /// The errors that the row's cells hold.
    pub fn errors<'c>(&self, cells: &'c Cells, index: usize) -> Vec<(usize, &'c str)> {
        let row = cells.first_row + index as crate::field::RowNumber;
        let read = cells.issues.partition_point(|issue| issue.row < row);
        let read = cells.issues[read..].iter();
        let read = read.take_while(|issue| issue.row == row);
        let errors = read.filter_map(|issue| {
            let is_error = matches!(issue.code, Code::CellError | Code::CellUncomputed);
            let column = issue.column.filter(|_| is_error)?;
            Some((self.column(column)?, issue.found.as_str()))
        });
        errors.collect()
    }

    /// Puts into `out` what a batch says of the sheet as a whole.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn sheet(&self, out: &mut Corrections, cells: &Cells) -> Result<()> {
        let Some(sheet) = &cells.sheet else {
            return Ok(());
        };
        if !sheet.above.is_empty() {
            out.above(&sheet.above, &sheet.formats)?;
        }
        for (_, column, native) in &sheet.natives {
            let shown_as = sheet.formats.get(usize::from(native.format));
            if let (Some(column), Some(shown_as)) = (self.column(*column), shown_as) {
                out.shown_as(column, shown_as);
            }
        }
        Ok(())
    }

    /// The widths of the user's own columns, as far as the sheet gives them.
    fn widths(&self) -> Vec<Option<f64>> {
        let Format::Workbook { sheet, book, .. } = &self.source.format else {
            return Vec::new();
        };
        let given = book
            .sheets
            .get(*sheet)
            .map_or(&[][..], |sheet| &sheet.widths);
        let width = |column: usize| {
            let column = column as u32;
            let mut given = given.iter();
            let found = given.find(|(first, last, _)| (*first..=*last).contains(&column));
            found.map(|(_, _, width)| *width)
        };
        self.theirs((0..self.is_own.len()).map(width)).collect()
    }

    /// What isn't in a column of muster's.
    fn theirs<T>(&self, cells: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        cells
            .enumerate()
            .filter(|(column, _)| self.is_own.get(*column) != Some(&true))
            .map(|(_, cell)| cell)
    }
}

/// Text gets text back, and so does whatever else isn't a workbook; a workbook of any kind gets the
/// kind that every program writes.
fn form_of(source: &Source) -> Form {
    match &source.format {
        Format::Csv(shape) => Form::Csv(Style {
            delimiter: shape.dialect.delimiter_of_values().to_string(),
            quote: shape.dialect.quote.unwrap_or(b'"'),
            always_quoted: shape.always_quoted,
            line_end: match shape.line_ends.as_str() {
                "CRLF" => "\r\n",
                "CR" => "\r",
                _ => "\n",
            },
        }),
        Format::Workbook { .. } if source.sheet().is_some() => Form::Xlsx,
        Format::Json(_) | Format::Workbook { .. } => Form::Csv(Style::default()),
    }
}
