//! German texts, a table for each room.

mod frame;
mod import;

/// All tables: English, German.
pub const ALL: &[&[(&str, &str)]] = &[frame::WORDS, import::WORDS];
