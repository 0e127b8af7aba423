//! German texts, a table for each room.

mod frame;
mod people;
mod runs;

/// All tables: English, German.
pub const ALL: &[&[(&str, &str)]] = &[frame::WORDS, people::WORDS, runs::WORDS];
