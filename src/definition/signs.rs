//! What the cells of whole columns say of how the pipeline reads them.

use super::DateOrder;
use crate::field::Field;

/// What all cells of a column say together, which one of them can't.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnSigns {
    /// Fields of which some values are whole dates and others aren't.
    pub dated: Vec<Field>,
    /// Columns of a workbook, from 0, whose real dates are probably swapped; and in which order the
    /// file that it was made from has them.
    pub flipped: Vec<(u16, DateOrder)>,
}
