//! Which columns of a file fill which slots, applied row by row as a view.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::field::NamePart;
use crate::header::Sense;
use crate::meaning::date::Evidence;
use crate::meaning::group::COLUMN_SEPARATOR;
use crate::row::{Cells, Slot};
use crate::summary::Unmapped;

/// What one column of a file becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Its cells fill this slot.
    Slot(Slot),
    /// Its cells are a part of the first or the last name, and nothing else.
    NamePart(NamePart),
    /// Its cells are kept as an attribute, and are a part of the name where their words are such.
    NamePartKept(NamePart, String),
    /// Its cells are never looked at: they are passwords.
    Password,
    /// Its cells are password hashes, which the pipeline takes over.
    PasswordHash,
    /// Muster wrote it itself, into a corrections file.
    Own,
}

impl Target {
    /// The slot that the cells fill, if they fill one.
    pub fn slot(&self) -> Option<Slot> {
        match self {
            Target::Slot(slot) => Some(slot.clone()),
            Target::NamePartKept(_, name) => Some(Slot::Attribute(name.clone())),
            Target::NamePart(_) | Target::Password | Target::PasswordHash | Target::Own => None,
        }
    }
}

/// A column that holds a part of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamePartColumn {
    /// Which part.
    pub part: NamePart,
    /// Whether all of the column is part of a name, whatever words it holds.
    pub is_sure: bool,
    /// The column, from 0.
    pub column: u16,
}

/// Which columns of one file fill which slot of the run's layout.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Mapping {
    /// By slot: the columns that fill it, from 0. Only fields that list groups may have several, and
    /// `status` where the pipeline names them.
    pub columns: Vec<Vec<u16>>,
    /// The column of password hashes, if there is one.
    #[serde(default)]
    pub password_hash: Option<u16>,
    /// How many columns the header has.
    pub width: usize,
    /// What parts the values of a slot that several columns fill.
    pub separator: char,
    /// What the whole column of dates says of their order, where the pipeline doesn't.
    pub date_order_found: Option<Evidence>,
    /// In a file of corrections: the columns of the codes and of the reasons.
    #[serde(default)]
    pub said: Option<(u16, u16)>,
    /// In a file that was exported: the column of the accounts.
    #[serde(default)]
    pub account: Option<u16>,
    /// The columns of `status` whose header says what a yes means.
    #[serde(default)]
    pub flags: Vec<Flag>,
    /// The columns that hold parts of a name, in their order.
    #[serde(default)]
    pub name_parts: Vec<NamePartColumn>,
    /// Which columns were not used, or not as what they may be meant for.
    #[serde(default)]
    pub unmapped: Unmapped,
}

/// A status column whose header says what a yes means, such as `Active` and `Deleted at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// The column, from 0.
    pub column: u16,
    /// In which sense its cells are read.
    pub sense: Sense,
    /// Whether the pipeline itself names the column.
    pub is_named: bool,
}

impl Mapping {
    /// What row `index` of `cells` has for `slot`, as the file shows it.
    #[inline]
    pub fn value<'c>(&self, cells: &'c Cells, index: usize, slot: usize) -> Cow<'c, str> {
        match self.columns[slot].as_slice() {
            [] => Cow::Borrowed(""),
            [column] => Cow::Borrowed(cells.cell(index, usize::from(*column))),
            columns => Cow::Owned(joined(cells, index, columns, self.separator)),
        }
    }

    /// The cells of a slot that lists groups, with [`COLUMN_SEPARATOR`] between those of several columns.
    pub fn list<'c>(&self, cells: &'c Cells, index: usize, slot: usize) -> Cow<'c, str> {
        match self.columns[slot].as_slice() {
            columns @ [_, _, ..] => Cow::Owned(joined(cells, index, columns, COLUMN_SEPARATOR)),
            _ => self.value(cells, index, slot),
        }
    }

    /// In which sense a status column is read, where its header says that.
    pub fn sense(&self, column: u16) -> Option<Sense> {
        let mut flags = self.flags.iter();
        flags
            .find(|flag| flag.column == column)
            .map(|flag| flag.sense)
    }

    /// The column in which a problem of `slot` is fixed, if the file has one.
    pub fn column_of(&self, slot: usize) -> Option<u16> {
        self.columns[slot].first().copied()
    }
}

/// The cells of several columns that aren't blank, with `separator` between them.
fn joined(cells: &Cells, index: usize, columns: &[u16], separator: char) -> String {
    let mut joined = String::new();
    for column in columns {
        let cell = cells.cell(index, usize::from(*column));
        if !cell.trim().is_empty() {
            if !joined.is_empty() {
                joined.push(separator);
            }
            joined.push_str(cell);
        }
    }
    joined
}
