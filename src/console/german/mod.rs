//! German texts, a table for each room.

mod frame;
mod import;
mod runs;

/// All tables: English, German.
pub const ALL: &[&[(&str, &str)]] = &[frame::WORDS, import::WORDS, runs::WORDS];
