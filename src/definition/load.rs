//! `[load]`: how much is written at once.

use serde::Deserialize;

use super::place::{Checked, Mistake};

/// `[load]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Load {
    /// Connections that write at the same time, 1 to 16.
    pub connections: usize,
    /// The fewest rows of a chunk, which is one transaction; 1 to 100,000. A chunk holds whole
    /// batches of up to 4,096 rows.
    pub chunk_rows: usize,
    /// From this many rows on, a first import fills tables of its own, which then replace the empty
    /// accounts; 0 for never.
    pub first_load_rows: u64,
}

impl Default for Load {
    fn default() -> Self {
        Load {
            connections: 2,
            chunk_rows: 16_384,
            first_load_rows: 20_000,
        }
    }
}

impl Load {
    pub(super) fn check(&self) -> Checked {
        let wrong = |key: &str, message: &str| Err(Mistake::at(&["load", key], message));
        if !(1..=16).contains(&self.connections) {
            return wrong("connections", "`connections` must be from 1 to 16");
        }
        if !(1..=100_000).contains(&self.chunk_rows) {
            return wrong("chunk_rows", "`chunk_rows` must be from 1 to 100000");
        }
        Ok(())
    }
}
