//! map: which column of a file is which slot of the run. Decided once per file from its header;
//! applied row by row as a view, without copying a cell.

use std::borrow::Cow;

use crate::row::Cells;

/// Which columns of one file fill which slot of the run's layout.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    /// By slot: the columns that fill it, from 0. Only `groups` may have several.
    pub columns: Vec<Vec<u16>>,
    /// How many columns the header has.
    pub width: usize,
    /// What parts the values of a slot that several columns fill.
    pub separator: char,
}

impl Mapping {
    /// What row `index` of `cells` has for `slot`, as the file shows it.
    #[inline]
    pub fn value<'c>(&self, cells: &'c Cells, index: usize, slot: usize) -> Cow<'c, str> {
        match self.columns[slot].as_slice() {
            [] => Cow::Borrowed(""),
            [column] => Cow::Borrowed(cells.cell(index, usize::from(*column))),
            columns => {
                let mut joined = String::new();
                for column in columns {
                    let cell = cells.cell(index, usize::from(*column));
                    if !cell.trim().is_empty() {
                        if !joined.is_empty() {
                            joined.push(self.separator);
                        }
                        joined.push_str(cell);
                    }
                }
                Cow::Owned(joined)
            }
        }
    }
}
