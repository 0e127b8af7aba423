//! What a spreadsheet makes from ids, groups and names that look like something else: a date from
//! `3-1`, `TRUE` from a word, a percentage from `5%`. The file no longer contains what was typed.

use crate::definition::{Clean, ColumnSigns, DateOrder, can_be_converted};
use crate::field::{Field, RowNumber};
use crate::issue::{Code, Issue};
use crate::meaning::date;
use crate::meaning::mapping::Mapping;
use crate::row::{CellKind, Drafts, Layout, Slot};
use crate::vocabulary::spreadsheets;

fn is_name(field: Field) -> bool {
    matches!(
        field,
        Field::FirstName | Field::LastName | Field::FullName | Field::DisplayName
    )
}

/// Whether the pipeline says that such values of a field are meant so.
pub fn is_meant(field: Field, settings: &Clean) -> bool {
    let listed = |name: &String| name == field.name();
    !settings.converted.is_empty() && settings.converted.iter().any(listed)
}

/// What text looks like that a spreadsheet has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// A day and a month: `3-Apr`, `03. Apr`, `Apr 03`.
    DayOfYear,
    /// A whole date. Only beside values that are none, or an id may be meant so.
    Date,
    /// Yes or no.
    Truth,
}

/// What a value looks like that nobody types, but that a spreadsheet writes.
#[inline]
pub fn sign(text: &str) -> Option<Sign> {
    const SHORTEST: usize = 4;
    const LONGEST: usize = 19;
    let bytes = text.as_bytes();
    if !(SHORTEST..=LONGEST).contains(&bytes.len()) {
        return None;
    }
    let may_be = match bytes[0] {
        b'0'..=b'9' => begins_like_date(bytes),
        b'A'..=b'Z' => !bytes[1].is_ascii_lowercase() || bytes[3] == b' ',
        first => !first.is_ascii(),
    };
    if may_be { closer_sign(text) } else { None }
}

/// Whether text begins with one, two or four digits of a date and what parts them from the others.
#[inline]
fn begins_like_date(bytes: &[u8]) -> bool {
    let parts = |at: usize| matches!(bytes.get(at), Some(b'-' | b'.' | b'/' | b' '));
    bytes.first().is_some_and(u8::is_ascii_digit) && (parts(1) || parts(2) || parts(4))
}

#[cold]
fn closer_sign(text: &str) -> Option<Sign> {
    if spreadsheets::is_truth(text) {
        return Some(Sign::Truth);
    }
    let is_day = |word: &str| {
        let digits = word.bytes().all(|byte| byte.is_ascii_digit());
        digits && word.len() <= 2 && word.parse().is_ok_and(|day: u32| (1..=31).contains(&day))
    };
    let is_day_of_year = ["-", ". ", "."].iter().any(|between| {
        text.split_once(between)
            .is_some_and(|(day, month)| is_day(day) && spreadsheets::is_month(month))
    });
    let is_turned = text
        .split_once(' ')
        .is_some_and(|(month, day)| day.len() == 2 && is_day(day) && spreadsheets::is_month(month));
    if is_day_of_year || is_turned {
        return Some(Sign::DayOfYear);
    }
    is_date(text).then_some(Sign::Date)
}

/// Whether a text is a whole date, with all of its year, that isn't only digits.
fn is_date(text: &str) -> bool {
    let mut four = text.as_bytes().windows(4);
    text.contains(['-', '.', '/', ' '])
        && four.any(|year| year.iter().all(u8::is_ascii_digit))
        && date::read(text, DateOrder::Unknown) != date::Reading::Invalid
}

/// Whether a text is made as dates are, but is none: ids that count on so are meant so.
fn is_like_date(text: &str) -> bool {
    if !begins_like_date(text.as_bytes()) {
        return false;
    }
    let parts: Vec<&str> = text.split(['-', '.', '/']).collect();
    let is_number = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3
        && parts.iter().all(is_number)
        && parts.iter().any(|part| part.len() == 4)
        && !is_date(text)
}

/// What is wrong with a key or a group whose text has that sign.
pub fn issue_of(sign: Sign, row: RowNumber, field: Field, value: &str) -> Issue {
    let detail = match sign {
        Sign::Truth => TRUTH.to_string(),
        Sign::Date | Sign::DayOfYear => date_detail(value),
    };
    Issue::of_field(Code::CellConverted, row, field, value, detail)
}

/// What a date was made of, as far as it tells.
fn date_detail(value: &str) -> String {
    match date::parts(value) {
        Some((_, month, day)) => format!(
            "text; a spreadsheet turned it into a date, perhaps from `{month}-{day}` or \
                `{day}-{month}`"
        ),
        None => "text; this is a date, which spreadsheets make from values such as `3-4` or `APR3`"
            .to_string(),
    }
}

const TRUTH: &str = "text; this is what spreadsheets make from a word for yes or no";
const PERCENT: &str =
    "text; this is a percentage, which spreadsheets make from values such as `5%`";

/// What all cells of a file say of its columns, as far as it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Of ids, usernames and groups: cells that are a whole date, others, and those of them that are
    /// made in the same way.
    dated: [(u64, u64, u64); LOOKED_AT.len()],
    /// Of columns of a workbook: what their dates are like.
    dates: Vec<(u16, date::Flips)>,
}

/// The fields whose cells are counted.
const LOOKED_AT: [Field; 4] = [
    Field::ExternalId,
    Field::Username,
    Field::Groups,
    Field::AddGroups,
];

impl Evidence {
    /// Looks at a batch.
    pub fn note(&mut self, cells: &crate::row::Cells, mapping: &Mapping, layout: &Layout) {
        for (field, (dated, others, alike)) in LOOKED_AT.into_iter().zip(&mut self.dated) {
            let columns = layout.field(field).map(|slot| &mapping.columns[slot]);
            for column in columns.into_iter().flatten() {
                for index in 0..cells.len() {
                    let cell = cells.cell(index, usize::from(*column));
                    if sign(cell.trim()) == Some(Sign::Date) {
                        *dated += 1;
                    } else {
                        *others += u64::from(!cell.is_empty());
                        *alike += u64::from(is_like_date(cell));
                    }
                }
            }
        }
        if cells.is_from_sheet() {
            self.note_dates(cells, mapping, layout);
        }
    }

    /// Columns of a workbook that may hold dates: those of fields that are dates, and attributes.
    fn note_dates(&mut self, cells: &crate::row::Cells, mapping: &Mapping, layout: &Layout) {
        let may_be = |slot: &Slot| {
            matches!(
                slot,
                Slot::Field(Field::StartDate | Field::EndDate) | Slot::Attribute(_)
            )
        };
        for (at, _) in layout
            .slots()
            .iter()
            .enumerate()
            .filter(|(_, slot)| may_be(slot))
        {
            let Some(column) = mapping.column_of(at) else {
                continue;
            };
            let mut flips = date::Flips::default();
            let mut real = cells
                .kinds
                .iter()
                .filter(|(_, at, kind)| *at == column && *kind == CellKind::Date);
            let mut next = real.next();
            for index in 0..cells.len() {
                let cell = cells.cell(index, usize::from(column));
                if next.is_some_and(|(at, ..)| *at == index as u32) {
                    flips.note_real(cell);
                    next = real.next();
                } else {
                    flips.note_text(cell);
                }
            }
            self.add_dates(column, flips);
        }
    }

    fn add_dates(&mut self, column: u16, flips: date::Flips) {
        match self.dates.iter_mut().find(|(at, _)| *at == column) {
            Some((_, known)) => known.add(flips),
            None => self.dates.push((column, flips)),
        }
    }

    /// Adds what other rows of the file say.
    pub fn add(&mut self, other: &Evidence) {
        for ((dated, others, alike), more) in self.dated.iter_mut().zip(other.dated) {
            *dated += more.0;
            *others += more.1;
            *alike += more.2;
        }
        for (column, flips) in &other.dates {
            self.add_dates(*column, *flips);
        }
    }

    /// What follows for each cell. Rows that come back corrected are a part of a file, so that a
    /// date among them needs no others next to it.
    pub fn signs(&self, is_correction: bool) -> ColumnSigns {
        let fields = LOOKED_AT.into_iter().zip(self.dated);
        let is_mixed = |(_, (dated, others, alike)): &(Field, (u64, u64, u64))| {
            *dated > 0 && *alike == 0 && (*others > 0 || is_correction)
        };
        let flipped = |(column, flips): &(u16, date::Flips)| Some((*column, flips.order()?));
        ColumnSigns {
            dated: fields.filter(is_mixed).map(|(field, _)| field).collect(),
            flipped: self.dates.iter().filter_map(flipped).collect(),
        }
    }
}

/// Reports what the cells of a row are on their sheet, where their columns hold something else.
pub(crate) fn report(
    kinds: &[(u32, u16, CellKind)],
    (row, index): (RowNumber, usize),
    said: Option<(&str, &str)>,
    (mapping, layout, settings): (&Mapping, &Layout, &Clean),
    drafts: &mut Drafts,
) {
    for (_, column, kind) in kinds {
        let slots = mapping.columns.iter();
        let Some(slot) = slots
            .into_iter()
            .position(|columns| columns.contains(column))
        else {
            continue;
        };
        let value = drafts.values.get(index, slot);
        let what = match kind {
            CellKind::Date => date_detail(value),
            CellKind::Truth => TRUTH.to_string(),
            CellKind::Percent => PERCENT.to_string(),
        };
        let issue = match &layout.slots()[slot] {
            Slot::Field(field) if can_be_converted(*field) => {
                if is_meant(*field, settings) || value.is_empty() {
                    continue;
                }
                let code = match is_name(*field) {
                    true => Code::NameSuspicious,
                    false => Code::CellConverted,
                };
                // Of several groups, the one that this cell names is not known any more.
                Some(Issue::of_field(
                    code,
                    row,
                    *field,
                    &value.replace(crate::meaning::group::GROUP_SEPARATOR, "; "),
                    what,
                ))
            }
            slot if *kind == CellKind::Date => {
                flipped(value, *column, said, settings).map(|detail| {
                    let issue = Issue::of_value(Code::DateFlipped, row, value, detail);
                    match slot {
                        Slot::Field(field) => Issue {
                            field: Some(*field),
                            ..issue
                        },
                        _ => Issue {
                            column: Some(*column),
                            ..issue
                        },
                    }
                })
            }
            _ => None,
        };
        drafts.issues.extend(issue);
    }
}

/// Why a real date is probably swapped: by the other dates of its column, or because it comes back as
/// it was in a file of corrections.
fn flipped(
    value: &str,
    column: u16,
    said: Option<(&str, &str)>,
    settings: &Clean,
) -> Option<String> {
    if settings.flipped_dates == crate::definition::FlippedDates::Accept {
        return None;
    }
    let swapped = date::swapped(value)?;
    let mut orders = settings.columns.flipped.iter();
    let order = orders
        .find(|(at, _)| *at == column)
        .map(|(_, order)| *order);
    if let Some(order) = order {
        let first = match order {
            DateOrder::Mdy => "month",
            DateOrder::Dmy | DateOrder::Unknown => "day",
        };
        return Some(format!(
            "probably {swapped}: the column's other dates are text with the {first} first, which the spreadsheet couldn't read"
        ));
    }
    let (codes, reasons) = said?;
    // As reasons quote what was found; the probable value is shown without quotes.
    let found = format!("`{}", value.get(..10).unwrap_or(value));
    let is_back = codes.contains(Code::DateFlipped.name()) && reasons.contains(&found);
    is_back.then(|| format!("probably {swapped}, as the other reasons say; it is unchanged"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_writes_is_distinguished_from_what_people_type() {
        for (text, expected) in [
            ("3-Apr", Some(Sign::DayOfYear)),
            ("03. Apr", Some(Sign::DayOfYear)),
            ("03-avr.", Some(Sign::DayOfYear)),
            ("1-Mrz", Some(Sign::DayOfYear)),
            ("Mar 01", Some(Sign::DayOfYear)),
            ("2026-03-01", Some(Sign::Date)),
            ("01.03.2026", Some(Sign::Date)),
            ("3/4/2026", Some(Sign::Date)),
            ("1-Mar-2026", Some(Sign::Date)),
            ("2026-05-06 00:00:00", Some(Sign::Date)),
            ("TRUE", Some(Sign::Truth)),
            ("FALSCH", Some(Sign::Truth)),
            ("ИСТИНА", Some(Sign::Truth)),
            ("MAR-13", None),
            ("3-APR", None),
            ("32-Apr", None),
            ("5/6", None),
            ("5-6", None),
            ("2026", None),
            ("20260301", None),
            ("True", None),
            ("Sales", None),
            ("2026-13-01", None),
            ("Mar 2026", None),
            ("1.2.3", None),
            ("10.4", None),
            ("A-12", None),
            ("2025/26", None),
            ("", None),
        ] {
            assert_eq!(sign(text), expected, "{text}");
        }
    }

    #[test]
    fn whole_dates_are_recognized_by_what_is_next_to_them() {
        let layout = Layout::new(vec![Slot::Field(Field::ExternalId)]);
        let mapping = Mapping {
            columns: vec![vec![0]],
            ..Mapping::default()
        };
        let id = vec![Field::ExternalId];
        for (ids, is_correction, expected) in [
            (&["2026-03-01", "A-12"][..], false, id.clone()),
            (&["2026-03-01", "2026-03-02"], false, vec![]),
            (&["2026-03-01", "2026-03-02"], true, id.clone()),
            (&["01.03.2026", "17"], false, id),
            // Numbered by class and year.
            (&["12-05-2024", "45-05-2024"], false, vec![]),
            (&["A-1", "3-4"], false, vec![]),
        ] {
            let mut cells = crate::row::Cells::new(0, 0);
            for id in ids {
                cells.push_cell(id);
                cells.end_row(crate::field::Place { line: 1, byte: 1 });
            }
            let mut evidence = Evidence::default();
            evidence.note(&cells, &mapping, &layout);
            let mut sum = Evidence::default();
            sum.add(&evidence);
            assert_eq!(sum.signs(is_correction).dated, expected, "{ids:?}");
        }
    }
}
