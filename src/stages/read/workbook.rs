//! Excel workbooks, cell by cell: memory doesn't grow with the sheet.

use std::path::Path;

use super::{Emit, Source, Wanted};
use crate::refusal::Result;
use crate::row::RowNumber;

/// Opens a workbook: guards against bombs, chooses the sheet, finds the header.
///
/// # Errors
/// `file.encrypted`, `file.damaged`, `file.limit`, `file.sheets`, `file.no_sheet`, `file.no_header`, `file.empty`.
pub fn open(_path: &Path, _wanted: &Wanted) -> Result<Source> {
    todo!()
}

/// Streams the rows below the header.
///
/// # Errors
/// `file.damaged`, `file.limit`; what `emit` fails with.
pub fn read(
    _source: &Source,
    _sheet: &str,
    _number: u16,
    _first_row: RowNumber,
    _emit: &mut Emit,
) -> Result<()> {
    todo!()
}
