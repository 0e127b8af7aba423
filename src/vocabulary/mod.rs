//! Words in lists that aren't values, as tables: what means no value, what closes an account, what
//! other systems left behind. Each line of a table belongs to one language.
//!
//! Only data, and the test whether a text is in it. The passes decide what follows.

pub mod closing;
pub mod code_pages;
pub mod columns;
pub mod leftovers;
pub mod months;
pub mod names;
pub mod nothing;
pub mod sessions;
pub mod spreadsheets;

/// The languages of a table's lines: BCP 47, with `any` for what programs write in every language.
#[cfg(test)]
pub(crate) const LANGUAGES: [&str; 13] = [
    "any", "en", "fr", "de", "es", "pt", "it", "nl", "pl", "cs", "tr", "ja", "zh",
];

/// Words of one language: its tag, and the words.
pub type Line = (&'static str, &'static [&'static str]);
