//! What names a run in what it writes.

use uuid::Uuid;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use crate::field::RowNumber;

/// What names a run in the rows that it writes.
#[derive(Debug, Clone)]
pub struct RunKey {
    /// The run's id.
    pub id: String,
    /// Random; makes the ids of its accounts hard to guess.
    pub seed: u64,
    /// When it started, in milliseconds since 1970.
    pub started_ms: u64,
}

impl RunKey {
    /// The id of the account that `row` creates: UUID version 7 (RFC 9562, section 6.2, method 1:
    /// the row number is the counter), so that ids ascend in row order and a run that is taken up
    /// again makes the same ones.
    pub fn account_id(&self, row: RowNumber) -> Uuid {
        let mut input = [0; 5];
        input[..4].copy_from_slice(&row.to_le_bytes());
        let random = xxh3_64_with_seed(&input, self.seed) & ((1 << 42) - 1);
        let high = (self.started_ms << 16) | 0x7000 | u64::from(row >> 20);
        let low = (0b10 << 62) | (u64::from(row & 0xf_ffff) << 42) | random;
        Uuid::from_u64_pair(high, low)
    }

    /// The id of the group with `key` that the run makes: the same whichever process makes it, and
    /// whichever others are missing with it.
    pub fn group_id(&self, key: &str) -> Uuid {
        let random = xxh3_128_with_seed(key.as_bytes(), self.seed);
        let high = (self.started_ms << 16) | 0x7000 | ((random >> 64) as u64 & 0xfff);
        let low = (0b10 << 62) | (random as u64 & ((1 << 62) - 1));
        Uuid::from_u64_pair(high, low)
    }
}
