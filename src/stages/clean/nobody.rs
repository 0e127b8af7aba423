//! Rows about nobody: no name, no address, no id, no username. They come from templates numbered
//! down to row 500, formulas copied below the list, and defaults filled in for everybody.

use std::collections::HashSet;

use crate::definition::Definition;
use crate::field::{Field, RowNumber};
use crate::issue::{Code, Issue};
use crate::meaning::mapping::Mapping;
use crate::row::{Drafts, Layout, Table};

/// What says who somebody is, besides the id. The field that is most often filled is the first.
const WHO: [Field; 7] = [
    Field::Email,
    Field::LastName,
    Field::FullName,
    Field::FirstName,
    Field::Username,
    Field::DisplayName,
    Field::Phone,
];
/// This many rows one after the other that have nothing but an id are no people, where the id is
/// the row's number in the list. Any other id may be somebody's whose name was lost.
const NUMBERED_MIN: usize = 3;

/// Finds the rows of a batch that are about nobody.
pub(super) struct Finder {
    who: Vec<(usize, Field)>,
    id: Option<usize>,
    status: Option<usize>,
    /// Whether an id alone isn't enough for a row, so that it may be a running number.
    wants_more: bool,
    /// What the first row has where the list is numbered.
    first_number: u64,
    /// Index in the batch, and the running number.
    found: Vec<(usize, Option<u64>)>,
}

impl Finder {
    /// None where no column says who people are, or the accounts' own ids do.
    pub(super) fn new(
        first_row: RowNumber,
        layout: &Layout,
        definition: &Definition,
    ) -> Option<Finder> {
        if definition.matching.account_column.is_some() {
            return None;
        }
        let slot = |field: Field| Some((layout.field(field)?, field));
        let who: Vec<(usize, Field)> = WHO.into_iter().filter_map(slot).collect();
        if who.iter().all(|(_, field)| *field == Field::Phone) {
            return None;
        }
        let required = &definition.require;
        let is_wanted = |(_, field): &(usize, Field)| {
            let listed = |name: &String| name == field.name();
            required.fields.iter().any(listed)
        };
        Some(Finder {
            id: layout.field(Field::ExternalId),
            status: layout.field(Field::Status),
            first_number: u64::from(first_row) + 1,
            wants_more: required.email_or_username || who.iter().any(is_wanted),
            who,
            found: Vec::new(),
        })
    }

    /// Looks at a row whose values are complete.
    #[inline]
    pub(super) fn look(&mut self, values: &Table, index: usize) {
        let is_somebody =
            |(slot, field): &(usize, Field)| says_who(*field, values.get(index, *slot));
        if !self.who.iter().any(is_somebody) {
            self.look_closer(values, index);
        }
    }

    #[cold]
    fn look_closer(&mut self, values: &Table, index: usize) {
        let id = self.id.map_or("", |slot| values.get(index, slot));
        let mut number = None;
        if says_who(Field::ExternalId, id) {
            let is_closed = self.status.map(|slot| values.get(index, slot)) == Some("deactivated");
            number = id.parse().ok();
            number = number.filter(|number| *number == self.first_number + index as u64);
            if number.is_none() || is_closed || !self.wants_more {
                return;
            }
        }
        // An address in a column that isn't known as one.
        let has_address = values
            .row(index)
            .any(|value| value.contains('@') && says_who(Field::Email, value));
        if !has_address {
            self.found.push((index, number));
        }
    }

    /// Reports what was found, but for rows of which something was lost on the way.
    pub(super) fn report(self, drafts: &mut Drafts, mapping: &Mapping) {
        if self.found.is_empty() {
            return;
        }
        let columns: HashSet<u16> = self
            .who
            .iter()
            .map(|(slot, _)| *slot)
            .chain(self.id)
            .flat_map(|slot| mapping.columns[slot].iter().copied())
            .collect();
        // The words of a row that is cut off may belong elsewhere; a running number is one anywhere.
        let has_words = |row: RowNumber| {
            let mut values = drafts.values.row((row - drafts.first_row) as usize);
            values.any(|value| value.contains(char::is_alphabetic))
        };
        let is_kept = |issue: &&Issue| match issue.code {
            Code::RowShort => has_words(issue.row),
            Code::RowLong
            | Code::RowEncoding
            | Code::RowAfterQuote
            | Code::RowUnclosed
            | Code::RowJson
            | Code::PasswordMisplaced
            | Code::RowNoPerson => true,
            Code::CellError | Code::CellUncomputed | Code::CellPrecision | Code::CellMerged => {
                issue.column.is_some_and(|column| columns.contains(&column))
            }
            _ => false,
        };
        let kept: HashSet<RowNumber> = drafts
            .issues
            .iter()
            .filter(is_kept)
            .map(|issue| issue.row)
            .collect();
        for index in rows_of(&self.found) {
            let row = drafts.first_row + index as RowNumber;
            if !kept.contains(&row) && !drafts.passwords.has(index) {
                let what = "a name, an address, an id or a username";
                drafts
                    .issues
                    .push(Issue::of_row(Code::RowNoPerson, row, what));
            }
        }
    }
}

/// Those that have no id, and those whose ids are running numbers.
fn rows_of(found: &[(usize, Option<u64>)]) -> Vec<usize> {
    let mut rows = Vec::new();
    let follows = |one: &(usize, Option<u64>), next: &(usize, Option<u64>)| match (one.1, next.1) {
        (Some(number), Some(then)) => one.0 + 1 == next.0 && number.checked_add(1) == Some(then),
        (None, None) => true,
        _ => false,
    };
    for run in found.chunk_by(follows) {
        if run[0].1.is_none() || run.len() >= NUMBERED_MIN {
            rows.extend(run.iter().map(|(index, _)| *index));
        }
    }
    rows
}

/// Whether a value says who somebody is. Formulas over empty cells give zeros, and what they put
/// between the parts: `, `, `0 0`, `.@example.org`.
#[inline]
fn says_who(field: Field, value: &str) -> bool {
    match value.as_bytes() {
        [] => false,
        [first, ..] if first.is_ascii_alphanumeric() && *first != b'0' => true,
        _ => {
            let own = match field {
                Field::Email => value.split('@').next().unwrap_or_default(),
                _ => value,
            };
            own.chars().any(|c| c.is_alphanumeric() && c != '0')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_formulas_make_of_empty_cells_is_nobody() {
        for (field, value, expected) in [
            (Field::Email, "a@x", true),
            (Field::Email, ".@example.org", false),
            (Field::Email, "@example.org", false),
            (Field::Email, "0.0@example.org", false),
            (Field::Email, "0a@example.org", true),
            (Field::FullName, ",", false),
            (Field::FullName, "0, 0", false),
            (Field::FullName, "李", true),
            (Field::Phone, "+49", true),
            (Field::ExternalId, "007", true),
            (Field::LastName, "", false),
        ] {
            assert_eq!(says_who(field, value), expected, "{value:?}");
        }
    }

    #[test]
    fn ids_that_count_on_with_nothing_beside_them_are_running_numbers() {
        let found = [
            (0, None),
            (3, Some(7)),
            (4, Some(8)),
            (6, Some(9)),
            (8, Some(1)),
            (9, Some(2)),
            (10, Some(3)),
            (11, None),
        ];
        assert_eq!(rows_of(&found), [0, 8, 9, 10, 11]);
    }
}
