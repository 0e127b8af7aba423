//! What the text of a cell means under the policy of a pipeline: dates, countries, languages, words,
//! names, groups and memberships. Pure; the passes read by it.

pub mod booleans;
pub mod changes;
pub mod converted;
pub mod country;
pub mod date;
pub mod dates;
pub mod digits;
pub mod flag;
pub mod group;
pub mod language;
pub mod mapping;
pub mod membership;
pub mod name;
pub mod notation;
pub mod password;
pub mod person;
pub mod protection;
pub mod required;
pub mod words;
pub mod wrap;
