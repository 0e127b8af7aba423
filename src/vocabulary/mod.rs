//! Words of many languages that say what a cell is, as data. What columns are called is in
//! [`crate::header`].

pub mod spreadsheets;
