//! Words that people write in lists, as data: each table names the languages of its lines, and a
//! test goes over all of it.

pub mod months;
pub mod names;
