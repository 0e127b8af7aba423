//! Rows on their way through the passes, in batches: `Cells` as read, `Drafts` once mapped and
//! cleaned, `People` once validated.
//!
//! A batch keeps all of its text in one string and the ends of its values in one vector, so that
//! a million rows cost a few hundred allocations instead of ten million.

use crate::field::Field;
use crate::field::Key;
use crate::field::Place;
use crate::field::RowNumber;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::issue::Issue;
use crate::outcome::Verdict;

/// The most rows that a batch holds.
pub const BATCH_ROWS_MAX: usize = 4096;
/// A batch is closed early once its text passes this many bytes.
pub const BATCH_BYTES_MAX: usize = 4 << 20;

/// A batch of rows as read: text exactly as the file shows it. Rows may be ragged.
#[derive(Debug, Default, Clone)]
pub struct Cells {
    /// Which input they come from: an index into the run's sources.
    pub source: u16,
    /// The run's number of the first row.
    pub first_row: RowNumber,
    text: String,
    ends: Vec<u32>,
    row_ends: Vec<u32>,
    places: Vec<Place>,
    /// What reading found wrong with these rows.
    pub issues: Vec<Issue>,
    /// The cells that a spreadsheet holds as something else than text or a number: index in the
    /// batch, column, and what they are. In the order of the rows.
    pub kinds: Vec<(u32, u16, CellKind)>,
    /// What is known of the sheet that they come from, where that was asked for.
    pub sheet: Option<Box<SheetCells>>,
}

/// What a spreadsheet may make of text that somebody typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// A date, with or without a time.
    Date,
    /// `TRUE` or `FALSE`.
    Truth,
    /// A percentage.
    Percent,
}

/// What the cells of a batch really hold on their sheet, besides the text that is read of them.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct SheetCells {
    /// The rows above the batch, down to the header; in the first batch only.
    pub above: Vec<AboveRow>,
    /// The cells that aren't text: index in the batch, column, and what they hold. In order.
    pub natives: Vec<(u32, u16, NativeCell)>,
    /// The number formats by which they are shown.
    pub formats: Vec<ShownAs>,
}

/// A row of a sheet above the rows of its list.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct AboveRow {
    /// On the sheet, from 1.
    pub number: u64,
    /// As the sheet shows them.
    pub texts: Vec<String>,
    /// Those of its cells that aren't text, by column.
    pub natives: Vec<(u16, NativeCell)>,
}

/// A cell that isn't text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NativeCell {
    /// What it holds.
    pub value: Native,
    /// How it is shown: an index into [`SheetCells::formats`].
    pub format: u16,
}

/// What a cell of a sheet holds that isn't text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Native {
    /// A number, or a moment as the days since 1899-12-31.
    Number(f64),
    /// `TRUE` or `FALSE`.
    Truth(bool),
}

/// A number format (ECMA-376 part 1, 18.8.30).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ShownAs {
    /// Its number, where every workbook has it without saying so; else 0.
    pub builtin: u8,
    /// Its code; empty and `General` are the same.
    pub code: String,
}

impl Cells {
    /// An empty batch of the given source, whose first row will be `first_row`.
    pub fn new(source: u16, first_row: RowNumber) -> Cells {
        Cells {
            source,
            first_row,
            ..Cells::default()
        }
    }

    /// The batch after this one, with room for as much.
    #[must_use]
    pub fn next(&self) -> Cells {
        Cells {
            text: String::with_capacity(self.text.len()),
            ends: Vec::with_capacity(self.ends.len()),
            row_ends: Vec::with_capacity(self.row_ends.len()),
            places: Vec::with_capacity(self.places.len()),
            ..Cells::new(self.source, self.next_row())
        }
    }

    /// Adds a cell to the row under way.
    #[inline]
    pub fn push_cell(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
    }

    /// Adds cells to the row under way: `text` has them one after the other, and `ends` says where
    /// each ends in it.
    pub fn push_cells(&mut self, text: &str, ends: &[usize]) {
        let start = self.text.len();
        self.text.push_str(text);
        self.ends
            .extend(ends.iter().map(|end| (start + end) as u32));
    }

    /// Ends the row under way.
    pub fn end_row(&mut self, place: Place) {
        self.row_ends.push(self.ends.len() as u32);
        self.places.push(place);
    }

    /// How many bytes the cells have together.
    pub fn text_len(&self) -> usize {
        self.text.len()
    }

    /// How many rows are complete.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether no row is complete.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether the batch should be handed on before another row is added.
    pub fn is_full(&self) -> bool {
        self.len() >= BATCH_ROWS_MAX || self.text.len() >= BATCH_BYTES_MAX
    }

    /// The number that the next row will have.
    pub fn next_row(&self) -> RowNumber {
        self.first_row + self.len() as RowNumber
    }

    /// How many cells row `index` has (`index` counts from 0 in the batch).
    #[inline]
    pub fn width(&self, index: usize) -> usize {
        self.row_ends[index] as usize - self.row_start(index)
    }

    /// A cell of row `index`; empty when the row is too short.
    #[inline]
    pub fn cell(&self, index: usize, column: usize) -> &str {
        let at = self.row_start(index) + column;
        if at >= self.row_ends[index] as usize {
            return "";
        }
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start as usize..self.ends[at] as usize]
    }

    /// All cells of row `index`.
    pub fn row(&self, index: usize) -> impl Iterator<Item = &str> {
        (0..self.width(index)).map(move |column| self.cell(index, column))
    }

    /// Where row `index` is.
    pub fn place(&self, index: usize) -> Place {
        self.places[index]
    }

    /// Whether the rows come from a sheet, not from a text.
    pub fn is_from_sheet(&self) -> bool {
        self.places
            .first()
            .is_some_and(|place| place.byte == u64::MAX)
    }

    /// Gives the places away, row by row.
    pub fn take_places(&mut self) -> Vec<Place> {
        std::mem::take(&mut self.places)
    }

    #[inline]
    fn row_start(&self, index: usize) -> usize {
        if index == 0 {
            0
        } else {
            self.row_ends[index - 1] as usize
        }
    }
}

/// One value of every row of a run: a field, or a column kept or ignored under its own name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// A field that muster knows.
    Field(Field),
    /// A custom attribute, kept as JSON under this name.
    Attribute(String),
    /// A column that is not kept, but still tells rows apart (see `dedupe`).
    Ignored(String),
}

impl Slot {
    /// What the slot is called in issues and reports.
    pub fn name(&self) -> &str {
        match self {
            Slot::Field(field) => field.name(),
            Slot::Attribute(name) | Slot::Ignored(name) => name,
        }
    }
}

/// The slots of a run, the same for all of its files: fields in their order, then attributes,
/// then ignored columns, each by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    slots: Vec<Slot>,
    fields: [Option<u16>; Field::ALL.len()],
}

impl Layout {
    /// The layout that has all of `slots`, sorted and without repeats.
    pub fn new(mut slots: Vec<Slot>) -> Layout {
        slots.sort();
        slots.dedup();
        let mut fields = [None; Field::ALL.len()];
        for (index, slot) in slots.iter().enumerate() {
            if let Slot::Field(field) = slot {
                fields[*field as usize] = Some(index as u16);
            }
        }
        Layout { slots, fields }
    }

    /// All slots in order.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// How many slots there are.
    pub fn width(&self) -> usize {
        self.slots.len()
    }

    /// Which slot holds `field`, if the run has it.
    #[inline]
    pub fn field(&self, field: Field) -> Option<usize> {
        self.fields[field as usize].map(usize::from)
    }

    /// Which slot is equal to `slot`.
    pub fn position(&self, slot: &Slot) -> Option<usize> {
        self.slots.binary_search(slot).ok()
    }

    /// The custom attributes: slot and name.
    pub fn attributes(&self) -> impl Iterator<Item = (usize, &str)> {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(index, slot)| match slot {
                Slot::Attribute(name) => Some((index, name.as_str())),
                _ => None,
            })
    }
}

/// A table of text: rows of equal width in one string. What drafts and keys are kept in.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Table {
    pub(crate) width: usize,
    pub(crate) text: String,
    pub(crate) ends: Vec<u32>,
}

impl Table {
    /// An empty table of `width` values a row.
    pub fn new(width: usize) -> Table {
        Table {
            width,
            ..Table::default()
        }
    }

    /// Adds a value to the row under way.
    #[inline]
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
    }

    /// How many values a row has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many complete rows there are.
    pub fn len(&self) -> usize {
        self.ends.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether there is no complete row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Value `column` of row `index`.
    #[inline]
    pub fn get(&self, index: usize, column: usize) -> &str {
        let at = index * self.width + column;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start as usize..self.ends[at] as usize]
    }

    /// Whether all values of row `index` are ASCII.
    #[inline]
    pub fn is_ascii(&self, index: usize) -> bool {
        let end = |at: usize| at.checked_sub(1).map_or(0, |at| self.ends[at] as usize);
        let start = index * self.width;
        self.text.as_bytes()[end(start)..end(start + self.width)].is_ascii()
    }

    /// The values of row `index`, in order.
    pub fn row(&self, index: usize) -> impl Iterator<Item = &str> {
        (0..self.width).map(move |column| self.get(index, column))
    }
}

/// A batch of rows after `map` and `clean`: a value for every slot of the run's layout.
#[derive(Debug, Default, Clone)]
pub struct Drafts {
    /// Which input they come from.
    pub source: u16,
    /// The run's number of the first row.
    pub first_row: RowNumber,
    /// Cleaned values, one column a slot.
    pub values: Table,
    /// Where each row is.
    pub places: Vec<Place>,
    /// For each row, the cleaning rules that changed something, a bit per [`crate::rule::Rule`].
    pub rules: Vec<u32>,
    /// How many values each rule changed, by the rule's number.
    pub rule_counts: [u32; 32],
    /// What is wrong so far.
    pub issues: Vec<Issue>,
    /// The password hashes that rows brought along.
    pub passwords: Passwords,
    /// The rows that name the account that they were exported from. Empty where a batch comes from a spool.
    pub exported: HashSet<RowNumber>,
}

/// The password hashes of a batch, apart from its values: nothing that walks these, shows them or
/// writes them down ever comes upon a hash. Empty where the pipeline takes none.
#[derive(Default, Clone)]
pub struct Passwords {
    /// For each row, whether it has one that is taken.
    pub(crate) has: Vec<bool>,
    /// What is to be kept of each, one column; empty without one. Empty as a whole where a batch
    /// comes from a spool or a plan.
    pub(crate) hashes: Table,
    /// For each row, what its cell is distinguished from others by.
    pub(crate) fingerprints: Vec<u128>,
}

impl Passwords {
    /// Adds the next row's: what is to be kept, if its cell has that, and the cell's fingerprint.
    pub fn push(&mut self, hash: Option<&str>, fingerprint: u128) {
        self.hashes.width = 1;
        self.hashes.push(hash.unwrap_or_default());
        self.has.push(hash.is_some());
        self.fingerprints.push(fingerprint);
    }

    /// Whether row `index` has a hash that is taken.
    #[inline]
    pub fn has(&self, index: usize) -> bool {
        self.has.get(index).is_some_and(|has| *has)
    }

    /// The hash of row `index`, where the batch has them with it.
    pub fn get(&self, index: usize) -> Option<&str> {
        if index >= self.hashes.len() {
            return None;
        }
        Some(self.hashes.get(index, 0)).filter(|hash| !hash.is_empty())
    }

    /// Whether any row has one.
    pub fn any(&self) -> bool {
        self.has.contains(&true)
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords(…)")
    }
}

/// A batch of rows after `validate`: cleaned values, keys, and a verdict for every row.
#[derive(Debug, Default, Clone)]
pub struct People {
    /// The cleaned values and where they come from.
    pub drafts: Drafts,
    /// Match keys by [`Key`]; empty where the row has none.
    pub keys: Table,
    /// What the file alone says of each row.
    pub verdicts: Vec<Verdict>,
}

impl People {
    /// How many rows the batch has.
    pub fn len(&self) -> usize {
        self.verdicts.len()
    }

    /// Whether the batch has no rows.
    pub fn is_empty(&self) -> bool {
        self.verdicts.is_empty()
    }

    /// The key of row `index`, if it has one.
    pub fn key(&self, index: usize, key: Key) -> Option<&str> {
        Some(self.keys.get(index, key as usize)).filter(|key| !key.is_empty())
    }
}
