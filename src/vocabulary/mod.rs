//! Words that lists use, as data: one line a language, which is named first (BCP 47).

pub mod columns;

/// Words of one language: its tag, and the words.
pub type Line = (&'static str, &'static [&'static str]);
