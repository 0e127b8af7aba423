//! The rows of workbooks as they were read, for their corrections: a row of a sheet can't be found
//! again without reading all that is before it.

use std::collections::HashMap;

use super::pages::{Pages, Reader, damaged, packed, put_number};
use crate::field::{Place, RowNumber};
use crate::issue::{Code, Issue};
use crate::refusal::Result;
use crate::row::{AboveRow, Cells, Native, NativeCell, SheetCells, ShownAs};

/// The rows of a run's workbooks.
#[derive(Default)]
pub struct SheetRows {
    pages: Option<Pages>,
    /// By the first row of a batch: its page.
    batches: HashMap<RowNumber, usize>,
    /// By file.
    sheets: HashMap<u16, Sheet>,
}

/// What is known of a sheet besides its rows.
#[derive(Default)]
struct Sheet {
    above: Vec<AboveRow>,
    formats: Vec<ShownAs>,
    /// By column, the first cell that isn't text, with the first row of its batch; in order.
    first: Vec<(RowNumber, u16, NativeCell)>,
}

impl SheetRows {
    /// Notes what a batch says of its sheet as a whole. Batches come in order.
    pub fn note(&mut self, cells: &Cells) {
        let Some(batch) = &cells.sheet else { return };
        let sheet = self.sheets.entry(cells.source).or_default();
        if sheet.above.is_empty() {
            sheet.above.clone_from(&batch.above);
        }
        sheet.formats.clone_from(&batch.formats);
        for (_, column, native) in &batch.natives {
            let mut known = sheet.first.iter();
            if !known.any(|(_, other, _)| other == column) {
                sheet.first.push((cells.first_row, *column, *native));
            }
        }
    }

    /// Keeps a batch that [`encode`] made.
    pub(super) fn push(&mut self, first_row: RowNumber, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let pages = match &mut self.pages {
            Some(pages) => pages,
            none => none.insert(Pages::new()?),
        };
        self.batches.insert(first_row, pages.index.len());
        pages.push(bytes)
    }

    /// The rows of a file, one by one; `None` where none were kept.
    pub fn of(&self, source: u16, first_row: RowNumber) -> Option<Picker<'_>> {
        self.batches.get(&first_row)?;
        Some(Picker {
            rows: self,
            source,
            batch: None,
            shown: 0,
            is_begun: false,
        })
    }
}

/// Rows of one file that are read again.
pub struct Picker<'a> {
    rows: &'a SheetRows,
    source: u16,
    /// The batch that was read last.
    batch: Option<(RowNumber, Vec<u8>)>,
    /// How many columns' first cells were shown.
    shown: usize,
    is_begun: bool,
}

impl Picker<'_> {
    /// What was known of the sheet when the batch was read, as far as this didn't say it before: in
    /// [`Cells::sheet`] of a batch without rows.
    pub fn sheet(&mut self, first_row: RowNumber) -> Option<Cells> {
        let sheet = self.rows.sheets.get(&self.source)?;
        let new = sheet.first[self.shown..].iter();
        let new: Vec<(u32, u16, NativeCell)> = new
            .take_while(|(batch, ..)| *batch <= first_row)
            .map(|(_, column, native)| (0, *column, *native))
            .collect();
        self.shown += new.len();
        let is_begun = std::mem::replace(&mut self.is_begun, true);
        if is_begun && new.is_empty() {
            return None;
        }
        let mut cells = Cells::new(self.source, first_row);
        cells.sheet = Some(Box::new(SheetCells {
            above: if is_begun {
                Vec::new()
            } else {
                sheet.above.clone()
            },
            natives: new,
            formats: sheet.formats.clone(),
        }));
        Some(cells)
    }

    /// A row of the batch that begins with `first_row`, in a batch of its own, as it was read;
    /// `places` has where all rows of that batch are.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk fails.
    pub fn read(&mut self, first_row: RowNumber, index: usize, places: &[Place]) -> Result<Cells> {
        if self
            .batch
            .as_ref()
            .is_none_or(|(read, _)| *read != first_row)
        {
            let page = self.rows.batches.get(&first_row).ok_or_else(damaged)?;
            let pages = self.rows.pages.as_ref().ok_or_else(damaged)?;
            self.batch = Some((first_row, pages.read(*page)?));
        }
        let mut cells = Cells::new(self.source, first_row + index as RowNumber);
        if let Some(sheet) = self.rows.sheets.get(&self.source) {
            cells.sheet = Some(Box::new(SheetCells {
                formats: sheet.formats.clone(),
                ..SheetCells::default()
            }));
        }
        let (_, bytes) = self.batch.as_ref().ok_or_else(damaged)?;
        let place = places.get(index).ok_or_else(damaged)?;
        decode(bytes, places.len(), index, &mut cells).ok_or_else(damaged)?;
        cells.end_row(*place);
        Ok(cells)
    }
}

/// A batch of rows as bytes: where each ends, and each with its cells, those that aren't text and the
/// errors. Without the cells of column `secret`, which are in no file of a run.
pub fn encode(cells: &Cells, secret: Option<usize>) -> Vec<u8> {
    let head = cells.len() * 4;
    let mut out = Vec::with_capacity(head + cells.text_len() * 5 / 4);
    out.resize(head, 0);
    let natives = cells.sheet.as_ref().map_or(&[][..], |sheet| &sheet.natives);
    let mut natives = natives.iter().peekable();
    let mut issues = cells.issues.iter().peekable();
    for index in 0..cells.len() {
        put_number(&mut out, cells.width(index) as u64);
        for (column, cell) in cells.row(index).enumerate() {
            let cell = if secret == Some(column) { "" } else { cell };
            put_number(&mut out, cell.len() as u64);
            out.extend_from_slice(cell.as_bytes());
        }
        while let Some((_, column, native)) = natives.next_if(|(row, ..)| *row as usize == index) {
            put_number(&mut out, 1 + u64::from(*column));
            put_number(&mut out, u64::from(native.format));
            let (kind, bits) = match native.value {
                Native::Number(number) => (0, number.to_bits()),
                Native::Truth(truth) => (1, u64::from(truth)),
            };
            out.push(kind);
            out.extend_from_slice(&bits.to_le_bytes());
        }
        put_number(&mut out, 0);
        let row = cells.first_row + index as RowNumber;
        let of_row = std::iter::from_fn(|| issues.next_if(|issue| issue.row <= row));
        let is_error =
            |issue: &&Issue| matches!(issue.code, Code::CellError | Code::CellUncomputed);
        let errors: Vec<&Issue> = of_row.filter(is_error).collect();
        out.extend_from_slice(&packed(&errors));
        let end = (out.len() as u32).to_le_bytes();
        out[index * 4..index * 4 + 4].copy_from_slice(&end);
    }
    out
}

/// Adds the cells of row `index` of a batch of `rows` rows to the row under way.
fn decode(bytes: &[u8], rows: usize, index: usize, cells: &mut Cells) -> Option<()> {
    let word = |at: usize| {
        let word = bytes.get(at * 4..at * 4 + 4)?;
        Some(u32::from_le_bytes(word.try_into().ok()?) as usize)
    };
    let start = match index {
        0 => rows * 4,
        index => word(index - 1)?,
    };
    let row = bytes.get(start..word(index)?)?;
    let reader = &mut Reader(row);
    for _ in 0..reader.number()? {
        let length = usize::try_from(reader.number()?).ok()?;
        cells.push_cell(simdutf8::basic::from_utf8(reader.take(length)?).ok()?);
    }
    loop {
        let column = match reader.number()? {
            0 => break,
            column => u16::try_from(column - 1).ok()?,
        };
        let format = u16::try_from(reader.number()?).ok()?;
        let kind = *reader.take(1)?.first()?;
        let bits = u64::from_le_bytes(reader.take(8)?.try_into().ok()?);
        let value = match kind {
            0 => Native::Number(f64::from_bits(bits)),
            _ => Native::Truth(bits != 0),
        };
        if let Some(sheet) = &mut cells.sheet {
            sheet
                .natives
                .push((0, column, NativeCell { value, format }));
        }
    }
    cells.issues = postcard::from_bytes(reader.0).ok()?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(first_row: RowNumber) -> Cells {
        let mut cells = Cells::new(3, first_row);
        for (line, row) in [
            &["a", "", "Zoë"][..],
            &[][..],
            &["x\ny", "secret", "", "more"][..],
        ]
        .iter()
        .enumerate()
        {
            row.iter().for_each(|cell| cells.push_cell(cell));
            cells.end_row(Place {
                line: line as u64 + 2,
                byte: u64::MAX,
            });
        }
        let native = |value, format| NativeCell { value, format };
        cells.issues.push(Issue {
            column: Some(2),
            found: "#N/A".to_string(),
            ..Issue::of_row(Code::CellError, first_row + 2, "")
        });
        cells
            .issues
            .push(Issue::of_row(Code::CellMerged, first_row + 2, ""));
        cells.sheet = Some(Box::new(SheetCells {
            above: vec![AboveRow {
                number: 1,
                ..AboveRow::default()
            }],
            natives: vec![
                (0, 0, native(Native::Number(-1.5), 1)),
                (2, 3, native(Native::Truth(true), 0)),
            ],
            formats: vec![
                ShownAs::default(),
                ShownAs {
                    builtin: 14,
                    code: String::new(),
                },
            ],
        }));
        cells
    }

    #[test]
    fn rows_come_back_as_they_were_read_but_for_what_is_secret() {
        let mut rows = SheetRows::default();
        for first_row in [10, 13] {
            let cells = batch(first_row);
            rows.note(&cells);
            rows.push(first_row, &encode(&cells, Some(1))).unwrap();
        }
        assert!(rows.of(3, 11).is_none());
        let mut picker = rows.of(3, 10).unwrap();
        let sheet = picker.sheet(10).unwrap().sheet.unwrap();
        assert_eq!((sheet.above.len(), sheet.natives.len()), (1, 2));
        for first_row in [10, 13] {
            let cells = batch(first_row);
            let places: Vec<Place> = (0..3).map(|index| cells.place(index)).collect();
            for index in 0..3 {
                let read = picker.read(first_row, index, &places).unwrap();
                let shown = cells.row(index).enumerate();
                let shown: Vec<&str> = shown
                    .map(|(column, cell)| if column == 1 { "" } else { cell })
                    .collect();
                assert_eq!(read.row(0).collect::<Vec<_>>(), shown);
                assert_eq!(
                    (read.first_row, read.place(0)),
                    (first_row + index as RowNumber, places[index])
                );
                let natives = |cells: &Cells, index: u32| -> Vec<(u16, NativeCell)> {
                    let natives = cells.sheet.as_ref().unwrap().natives.iter();
                    let of_row = natives.filter(|(row, ..)| *row == index);
                    of_row
                        .map(|(_, column, native)| (*column, *native))
                        .collect()
                };
                assert_eq!(natives(&read, 0), natives(&cells, index as u32));
                assert_eq!(read.issues, cells.issues[..usize::from(index == 2)]);
            }
        }
        assert!(picker.sheet(13).is_none());
        assert!(picker.read(13, 3, &[]).is_err());
    }
}
