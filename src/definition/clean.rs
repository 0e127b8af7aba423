//! `[clean]`: how values are cleaned.

use serde::Deserialize;

use super::place::{Checked, Mistake};
use crate::field::Field;

/// In which order `03/04/2025` has day and month.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// Not said: a date that can be read both ways is an issue.
    #[default]
    Unknown,
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
}

/// In which order a full name has its parts when no comma tells.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum NameOrder {
    /// `First Middle Last`: the last word is the last name, with the particles before it.
    #[default]
    FirstLast,
    /// `Last First Middle`: the first word is the last name.
    LastFirst,
}

/// `[clean]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clean {
    /// ISO 3166 alpha-2 code of the country that phone numbers without a country code belong to,
    /// when the row names no country of its own.
    pub default_country: Option<String>,
    /// Order of day and month in dates with slashes.
    pub date_order: DateOrder,
    /// Order of the parts of a full name.
    pub name_order: NameOrder,
    /// Cells that mean an empty one, written exactly so, beside the words that are known.
    pub nothing: Vec<String>,
    /// Cells that look like nothing and are data, written exactly so.
    pub data: Vec<String>,
    /// Custom attributes that are yes or no.
    pub booleans: Vec<String>,
    /// Fields in which dates, `TRUE` and percentages are meant as they are, and not what a spreadsheet
    /// made of something else.
    pub converted: Vec<String>,
    /// Columns of dates that a spreadsheet has probably read by the wrong order.
    pub flipped_dates: FlippedDates,
    /// What all cells of a file say of its columns; no setting.
    #[serde(skip)]
    pub columns: ColumnSigns,
}

/// What happens to dates whose day and month a spreadsheet has probably swapped.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FlippedDates {
    /// Their rows are rejected.
    #[default]
    Reject,
    /// They are taken as the cells have them.
    Accept,
}

/// What all cells of a column say together, which one of them can't.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnSigns {
    /// Fields of which some values are whole dates and others aren't.
    pub dated: Vec<Field>,
    /// Columns of a workbook, from 0, whose real dates are probably swapped; and in which order the
    /// file that it was made from has them.
    pub flipped: Vec<(u16, DateOrder)>,
}

/// Whether a field never holds a date, a yes or no or a percentage.
pub fn can_be_converted(field: Field) -> bool {
    matches!(
        field,
        Field::ExternalId
            | Field::Email
            | Field::Username
            | Field::FirstName
            | Field::LastName
            | Field::FullName
            | Field::DisplayName
    ) || field.lists_groups()
}

impl Clean {
    pub(super) fn check(&self) -> Checked {
        let wrong = |key: &str, message: String| Err(Mistake::at(&["clean", key], message));
        if let Some(word) = self.data.iter().find(|word| self.nothing.contains(word)) {
            return wrong("data", format!("`{word}` is in both `nothing` and `data`"));
        }
        if let Some(country) = &self.default_country
            && rust_iso3166::from_alpha2(country).is_none()
        {
            let message = format!("`{country}` is not an ISO 3166 alpha-2 code, such as `DE`");
            return wrong("default_country", message);
        }
        let is_known = |name: &&String| Field::from_name(name).is_some_and(can_be_converted);
        let Some(name) = self.converted.iter().find(|name| !is_known(name)) else {
            return Ok(());
        };
        let fields = Field::ALL
            .into_iter()
            .filter(|field| can_be_converted(*field));
        let names: Vec<&str> = fields.map(Field::name).collect();
        let message = format!(
            "`{name}` in `converted` is not a field that is checked for that; these are: {}",
            names.join(", ")
        );
        wrong("converted", message)
    }
}
