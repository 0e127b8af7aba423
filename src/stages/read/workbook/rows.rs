//! A sheet, row by row, as text. Everything that is kept of it is the row under way.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use calamine::{Cell, DataRef, XlsxCellReader};

use super::number_format::{DIGITS_MAX, NumberFormat};
use super::refuse::{broken, damaged, quietly, refusal};
use super::{Workbook, guard};
use crate::issue::Code;
use crate::refusal::Result;

/// The most rows of a sheet, which is Excel's own limit.
pub const ROWS_MAX: u32 = 1_048_576;
/// The most columns of a sheet that may hold something.
pub const COLUMNS_MAX: u32 = 512;
/// The most characters of a cell, which is Excel's own limit.
pub const CELL_CHARS_MAX: usize = 32_767;
/// The most bytes of a row's text.
pub const ROW_BYTES_MAX: usize = 1 << 20;
/// Beyond this many, formulas are still read but no longer noted.
const FORMULAS_MAX: usize = 2_000_000;
/// The most characters of a value that an issue carries.
const FOUND_CHARS_MAX: usize = 120;

/// A cell that isn't empty, and its style.
type Filled<'a> = (Cell<DataRef<'a>>, usize);

/// Where a sheet has formulas, as (row, column) in the order of the file. The reader that tells
/// formulas doesn't tell formats, so they take a pass of their own; only workbooks that have any
/// pay for it.
pub(super) fn formulas(
    path: &Path,
    workbook: &mut Workbook,
    sheet: &str,
) -> Result<Vec<(u32, u32)>> {
    let mut found = Vec::new();
    let Ok(mut reader) = quietly(path, || workbook.worksheet_cells_reader(sheet))? else {
        return Ok(found);
    };
    // What is wrong with the sheet is said by the pass that reads its values.
    while let Ok(Ok(Some(record))) = quietly(path, || reader.next_cell_with_formula_metadata()) {
        if record.formula.is_some() {
            found.push(record.pos);
        }
        if found.len() == FORMULAS_MAX {
            break;
        }
    }
    Ok(found)
}

/// Something to say about a cell of the row under way.
pub(super) struct Remark {
    pub column: usize,
    pub code: Code,
    pub found: String,
    pub detail: String,
}

/// A sheet, row by row. Rows that hold nothing are passed over.
pub(super) struct SheetRows<'a, 'f> {
    pub path: &'a Path,
    reader: XlsxCellReader<'a, BufReader<&'f File>>,
    is_1904: bool,
    formats: Vec<NumberFormat>,
    /// By style: which of `formats`.
    styles: Vec<u32>,
    /// Whether the end was reached; the reader must not be asked again then.
    ended: bool,
    /// Where the last cell stood; cells must come in order, or rows would be lost in each other.
    last: Option<(u32, u32)>,
    /// The first cell of the next row.
    pending: Option<Filled<'a>>,
    formulas: std::vec::IntoIter<(u32, u32)>,
    next_formula: Option<(u32, u32)>,
    text: String,
    /// By column: where its text stands in `text`.
    spans: Vec<(u32, u32)>,
    /// Columns up to the last one that holds something.
    pub width: usize,
    pub remarks: Vec<Remark>,
    emitted: u64,
}

impl<'a, 'f> SheetRows<'a, 'f> {
    /// The sheet of that name, before its first row.
    pub fn new(
        path: &'a Path,
        workbook: &'a mut Workbook<'f>,
        sheet: &str,
    ) -> Result<SheetRows<'a, 'f>> {
        let is_1904 = workbook.has_1904_epoch();
        let reader = quietly(path, || workbook.worksheet_cells_reader(sheet))?;
        let reader = reader.map_err(|error| broken(path, &error))?;
        let mut formats = vec![NumberFormat::new(None, "General")];
        let mut styles = Vec::with_capacity(reader.styles().len());
        let mut known = HashMap::new();
        for style in reader.styles() {
            let Some(format) = &style.number_format else {
                styles.push(0);
                continue;
            };
            let key = (format.format_id, format.format_code.as_str());
            styles.push(*known.entry(key).or_insert_with(|| {
                formats.push(NumberFormat::new(key.0, key.1));
                formats.len() as u32 - 1
            }));
        }
        Ok(SheetRows {
            path,
            reader,
            is_1904,
            formats,
            styles,
            ended: false,
            last: None,
            pending: None,
            formulas: Vec::new().into_iter(),
            next_formula: None,
            text: String::new(),
            spans: Vec::new(),
            width: 0,
            remarks: Vec::new(),
            emitted: 0,
        })
    }

    /// Notes these formulas on the way.
    pub fn with_formulas(mut self, formulas: Vec<(u32, u32)>) -> SheetRows<'a, 'f> {
        self.formulas = formulas.into_iter();
        self.next_formula = self.formulas.next();
        self
    }

    /// Goes to the next row that holds something: its number on the sheet, from 1.
    pub fn advance(&mut self) -> Result<Option<u64>> {
        loop {
            self.text.clear();
            self.spans.clear();
            self.remarks.clear();
            self.width = 0;
            let Some((cell, style)) = self.take_pending()? else {
                return Ok(None);
            };
            let (row, _) = cell.get_position();
            self.cell(&cell, style)?;
            while let Some((cell, style)) = self.next_cell()? {
                let (next, _) = cell.get_position();
                if next != row {
                    if next < row {
                        let what = format!("row {} stands after row {}", next + 1, row + 1);
                        return Err(damaged(self.path, &what));
                    }
                    self.pending = Some((cell, style));
                    break;
                }
                self.cell(&cell, style)?;
            }
            if self.text.chars().any(|c| !c.is_whitespace()) || !self.remarks.is_empty() {
                self.within_limits(row)?;
                return Ok(Some(u64::from(row) + 1));
            }
        }
    }

    fn take_pending(&mut self) -> Result<Option<Filled<'a>>> {
        match self.pending.take() {
            None => self.next_cell(),
            pending => Ok(pending),
        }
    }

    /// The next cell that isn't empty.
    fn next_cell(&mut self) -> Result<Option<Filled<'a>>> {
        while !self.ended {
            let path = self.path;
            let cell = quietly(path, || self.reader.next_cell_with_style_id())?;
            let Some((cell, style)) = cell.map_err(|error| broken(path, &error))? else {
                self.ended = true;
                break;
            };
            let (row, column) = cell.get_position();
            if self.last.is_some_and(|last| (row, column) <= last) {
                let what = format!("row {} comes twice or out of order", u64::from(row) + 1);
                return Err(damaged(path, &what));
            }
            self.last = Some((row, column));
            match cell.get_value() {
                DataRef::Empty | DataRef::SharedString("") => continue,
                DataRef::String(text) if text.is_empty() => continue,
                _ if row < ROWS_MAX && column < COLUMNS_MAX => {
                    return Ok(Some((cell, style)));
                }
                _ if row >= ROWS_MAX => {
                    let what = format!(
                        "has a cell in row {}; the limit is {ROWS_MAX}",
                        u64::from(row) + 1
                    );
                    return Err(refusal(Code::FileLimit, path, &what));
                }
                _ => {
                    let what = format!(
                        "has a cell in column {}; the limit is {COLUMNS_MAX}",
                        u64::from(column) + 1
                    );
                    return Err(refusal(Code::FileLimit, path, &what)
                        .help("remove the columns that don't belong to the list"));
                }
            }
        }
        Ok(None)
    }

    /// Adds a cell to the row under way.
    fn cell(&mut self, cell: &Cell<DataRef>, style: usize) -> Result<()> {
        let (row, column) = cell.get_position();
        let index = column as usize;
        let start = self.text.len();
        match cell.get_value() {
            DataRef::SharedString(text) => self.text.push_str(text),
            DataRef::String(text) => self.text.push_str(text),
            DataRef::Float(number) => self.number(index, *number, style),
            DataRef::Int(number) => self.number(index, *number as f64, style),
            DataRef::DateTime(moment) => self.number(index, moment.as_f64(), style),
            DataRef::Bool(value) => self.text.push_str(if *value { "TRUE" } else { "FALSE" }),
            DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
                self.text.push_str(iso(text))
            }
            DataRef::Error(error) => {
                let found = error.to_string();
                self.remark(index, Code::CellError, found, "");
            }
            DataRef::Empty => {}
        }
        let length = self.text.len() - start;
        if length > CELL_CHARS_MAX && self.text[start..].chars().count() > CELL_CHARS_MAX {
            let what = format!(
                "has more than {CELL_CHARS_MAX} characters in a cell of row {}; that is the limit",
                row + 1
            );
            return Err(refusal(Code::FileLimit, self.path, &what));
        }
        if self.spans.len() <= index {
            self.spans.resize(index + 1, (0, 0));
        }
        self.spans[index] = (start as u32, self.text.len() as u32);
        self.width = self.width.max(index + 1);
        while let Some(formula) = self.next_formula
            && formula <= (row, column)
        {
            if formula == (row, column) {
                self.remark(index, Code::CellFormula, String::new(), "");
            }
            self.next_formula = self.formulas.next();
        }
        Ok(())
    }

    fn number(&mut self, column: usize, number: f64, style: usize) {
        let start = self.text.len();
        let format = self.styles.get(style).copied().unwrap_or(0);
        if !self.formats[format as usize].show(number, self.is_1904, &mut self.text) {
            let found = self.text[start..].chars().take(FOUND_CHARS_MAX).collect();
            self.remark(
                column,
                Code::CellPrecision,
                found,
                &format!("Excel keeps {DIGITS_MAX} digits of a number"),
            );
        }
    }

    fn remark(&mut self, column: usize, code: Code, found: String, detail: &str) {
        self.remarks.push(Remark {
            column,
            code,
            found,
            detail: detail.to_string(),
        });
    }

    fn within_limits(&mut self, row: u32) -> Result<()> {
        self.emitted += self.text.len() as u64;
        if self.text.len() > ROW_BYTES_MAX {
            let what = format!(
                "has {} bytes of text in row {}; the limit is {ROW_BYTES_MAX}",
                self.text.len(),
                row + 1
            );
            return Err(refusal(Code::FileLimit, self.path, &what));
        }
        if self.emitted > guard::INFLATED_MAX {
            let what = format!(
                "has more than {} bytes of text; that is the limit",
                guard::INFLATED_MAX
            );
            return Err(refusal(Code::FileLimit, self.path, &what));
        }
        Ok(())
    }

    /// The text of a cell of the row under way.
    pub fn text(&self, column: usize) -> &str {
        match self.spans.get(column) {
            Some(&(start, end)) => &self.text[start as usize..end as usize],
            None => "",
        }
    }

    /// The texts of the row under way, without the empty ones at its end.
    pub fn texts(&self) -> Vec<String> {
        let mut texts: Vec<String> = (0..self.width)
            .map(|column| self.text(column).to_string())
            .collect();
        while texts.last().is_some_and(|text| text.trim().is_empty()) {
            texts.pop();
        }
        texts
    }
}

/// A date as newer workbooks may store it, without a time that says nothing.
fn iso(text: &str) -> &str {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let text = text.strip_suffix(".000").unwrap_or(text);
    text.strip_suffix("T00:00:00").unwrap_or(text)
}
