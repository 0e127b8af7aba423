//! What can be said of a cell besides its text.

use super::limits::DIGITS_MAX;
use crate::issue::Code;
use crate::row::CellKind;

/// What can be said of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Error = 0,
    Formula = 1,
    Precision = 2,
    /// A formula that no program has computed yet.
    Uncomputed = 3,
    /// No remark, but what the cell is; see [`Kind::of_cell`].
    Date = 4,
    Truth = 5,
    Percent = 6,
}

impl Kind {
    pub(super) fn from_byte(byte: u8) -> Option<Kind> {
        [
            Kind::Error,
            Kind::Formula,
            Kind::Precision,
            Kind::Uncomputed,
            Kind::Date,
            Kind::Truth,
            Kind::Percent,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == byte)
    }

    /// The code of a remark; none for what only says what the cell is.
    pub(super) fn code(self) -> Option<Code> {
        match self {
            Kind::Error => Some(Code::CellError),
            Kind::Formula => Some(Code::CellFormula),
            Kind::Precision => Some(Code::CellPrecision),
            Kind::Uncomputed => Some(Code::CellUncomputed),
            Kind::Date | Kind::Truth | Kind::Percent => None,
        }
    }

    /// What the cell is, where that is neither text nor a plain number.
    pub(super) fn of_cell(self) -> Option<CellKind> {
        match self {
            Kind::Date => Some(CellKind::Date),
            Kind::Truth => Some(CellKind::Truth),
            Kind::Percent => Some(CellKind::Percent),
            Kind::Error | Kind::Formula | Kind::Precision | Kind::Uncomputed => None,
        }
    }

    pub(super) fn detail(self) -> String {
        match self {
            Kind::Precision => format!("Excel keeps {DIGITS_MAX} digits of a number"),
            _ => String::new(),
        }
    }
}
