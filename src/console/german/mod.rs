//! German texts, a table for each room.

mod frame;

/// All tables: English, German.
pub const ALL: &[&[(&str, &str)]] = &[frame::WORDS];
