//! A row of a sheet on its way: its text, and what is to be said of its cells. The same for every
//! format; here the limits of rows and cells are held.

use std::path::Path;

use super::limits::{Limits, grouped, mebibytes};
use super::number_format::NumberFormat;
use super::refuse::refusal;
use super::remark::Kind;
use crate::issue::Code;
use crate::refusal::Result;
use crate::row::{Native, ShownAs};

/// The most characters of a value that an issue carries.
const FOUND_CHARS_MAX: usize = 120;

/// Something to say about a cell of the row under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remark {
    pub column: u16,
    pub kind: Kind,
    pub found: String,
}

/// The row under way.
#[derive(Debug)]
pub(super) struct Line<'p> {
    path: &'p Path,
    limits: Limits,
    /// Its number on the sheet, from 1.
    pub number: u64,
    /// The text of its cells, one after the other.
    pub text: String,
    /// By column: where its text is in `text`.
    pub spans: Vec<(u32, u32)>,
    pub remarks: Vec<Remark>,
    /// Its cells that aren't text: column, number format, value. Only where they are kept.
    pub natives: Vec<(u16, u16, Native)>,
    /// The number formats of all of these so far; `None` where such cells aren't kept.
    formats: Option<Vec<ShownAs>>,
    /// Cells and bytes so far, of the whole sheet.
    cells: u64,
    bytes: u64,
}

impl<'p> Line<'p> {
    pub(super) fn new(path: &'p Path, limits: Limits) -> Line<'p> {
        Line {
            path,
            limits,
            number: 0,
            text: String::new(),
            spans: Vec::new(),
            remarks: Vec::new(),
            natives: Vec::new(),
            formats: None,
            cells: 0,
            bytes: 0,
        }
    }

    /// The same, but noting what cells that aren't text really hold, if `keeps`.
    pub(super) fn with_natives(mut self, keeps: bool) -> Line<'p> {
        self.formats = keeps.then(Vec::new);
        self
    }

    /// The formats that weren't there when this was asked last.
    pub(super) fn new_formats(&self, known: &mut usize) -> &[ShownAs] {
        let all = self.formats.as_deref().unwrap_or(&[]);
        let new = &all[(*known).min(all.len())..];
        *known = all.len();
        new
    }

    /// Notes what a cell that isn't text really holds.
    pub(super) fn native(&mut self, column: usize, value: Native, shown_as: &ShownAs) {
        let Some(formats) = &mut self.formats else {
            return;
        };
        let known = formats.iter().rposition(|known| known == shown_as);
        let format = known.unwrap_or_else(|| {
            formats.push(shown_as.clone());
            formats.len() - 1
        });
        // Excel has at most 65,490 formats of cells.
        if let Ok(format) = u16::try_from(format) {
            self.natives.push((column as u16, format, value));
        }
    }

    /// Begins another row; `row` counts from 0.
    pub(super) fn begin(&mut self, row: u64) {
        self.number = row + 1;
        self.text.clear();
        self.spans.clear();
        self.remarks.clear();
        self.natives.clear();
    }

    /// Refuses what is too far right or too far down. Both count from 0.
    pub(super) fn check_place(&self, row: u64, column: u64) -> Result<()> {
        let limits = &self.limits;
        if row >= u64::from(limits.rows) {
            let limit = grouped(u64::from(limits.rows));
            let what = format!("has a cell in row {}; the limit is {limit}", row + 1);
            return Err(refusal(Code::FileLimit, self.path, &what));
        }
        if column >= u64::from(limits.columns) {
            let what = format!(
                "has a cell in column {}; the limit is {}",
                column + 1,
                limits.columns
            );
            return Err(refusal(Code::FileLimit, self.path, &what)
                .help("remove the columns that don't belong to the list"));
        }
        Ok(())
    }

    /// Adds a cell whose text `write` appends. Its place was checked.
    pub(super) fn cell(&mut self, column: usize, write: impl FnOnce(&mut String)) -> Result<()> {
        let start = self.text.len();
        write(&mut self.text);
        let length = self.text.len() - start;
        let most = self.limits.cell_characters;
        if length > most && self.text[start..].chars().count() > most {
            let what = format!(
                "has more than {most} characters in a cell of row {}; that is the limit",
                self.number
            );
            return Err(refusal(Code::FileLimit, self.path, &what));
        }
        if self.spans.len() <= column {
            self.spans.resize(column + 1, (0, 0));
        }
        self.spans[column] = (start as u32, self.text.len() as u32);
        self.cells += 1;
        if self.cells > self.limits.cells {
            let limit = grouped(self.limits.cells);
            let what =
                format!("has more than {limit} cells that hold something; that is the limit");
            return Err(refusal(Code::FileLimit, self.path, &what));
        }
        Ok(())
    }

    /// Adds a number as its format shows it.
    pub(super) fn number(
        &mut self,
        column: usize,
        number: f64,
        format: &NumberFormat,
        is_1904: bool,
    ) -> Result<()> {
        let mut is_exact = true;
        self.cell(column, |text| {
            is_exact = format.show(number, is_1904, text);
        })?;
        if self.formats.is_some() {
            let serial = format.serial(number, is_1904);
            self.native(column, Native::Number(serial), &format.shown_as);
        }
        if !is_exact {
            let found = self.column(column).chars().take(FOUND_CHARS_MAX).collect();
            self.remark(column, Kind::Precision, found);
        }
        if let Some(kind) = format.kind(number) {
            self.remark(column, kind, String::new());
        }
        Ok(())
    }

    /// Adds `TRUE` or `FALSE`.
    pub(super) fn truth(&mut self, column: usize, truth: bool) -> Result<()> {
        self.cell(column, |text| {
            text.push_str(if truth { "TRUE" } else { "FALSE" });
        })?;
        self.native(column, Native::Truth(truth), &ShownAs::default());
        self.remark(column, Kind::Truth, String::new());
        Ok(())
    }

    /// Gives the cell that was added last another text.
    pub(super) fn replace(&mut self, column: usize, text: &str) {
        if let Some((start, end)) = self.spans.get_mut(column) {
            self.text.truncate(*start as usize);
            self.text.push_str(text);
            *end = self.text.len() as u32;
        }
    }

    /// Adds an error, which has no text.
    pub(super) fn error(&mut self, column: usize, error: String) -> Result<()> {
        self.cell(column, |_| ())?;
        self.remark(column, Kind::Error, error);
        Ok(())
    }

    /// Adds a formula without a result.
    pub(super) fn uncomputed(&mut self, column: usize) -> Result<()> {
        self.cell(column, |_| ())?;
        self.remark(column, Kind::Uncomputed, String::new());
        Ok(())
    }

    /// Notes something to say about a cell.
    pub(super) fn remark(&mut self, column: usize, kind: Kind, found: String) {
        self.remarks.push(Remark {
            column: column as u16,
            kind,
            found,
        });
    }

    /// Ends the row: `true` when it holds anything.
    pub(super) fn end(&mut self) -> Result<bool> {
        self.bytes += self.text.len() as u64;
        let most = self.limits.row_bytes;
        if self.text.len() > most {
            let what = format!(
                "has {} bytes of text in row {}; the limit is {most}",
                self.text.len(),
                self.number
            );
            return Err(refusal(Code::FileLimit, self.path, &what));
        }
        if self.bytes > self.limits.inflated {
            let limit = mebibytes(self.limits.inflated);
            let what = format!("has more than {limit} of text; that is the limit");
            return Err(refusal(Code::FileLimit, self.path, &what));
        }
        Ok(!self.text.trim().is_empty() || !self.remarks.is_empty())
    }

    /// The text of a cell.
    pub(super) fn column(&self, column: usize) -> &str {
        match self.spans.get(column) {
            Some(&(start, end)) => &self.text[start as usize..end as usize],
            None => "",
        }
    }
}

/// A date as newer workbooks may store it, without a time that says nothing.
pub(super) fn iso(text: &str) -> &str {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let text = text.strip_suffix(".000").unwrap_or(text);
    text.strip_suffix("T00:00:00").unwrap_or(text)
}
