//! dedupe: rows of which every column, after cleaning, equals an earlier row's.
//!
//! Rows are told apart by a seeded 128-bit hash over their length-prefixed values (so that
//! `a,b|c` and `a|b,c` differ), and equal hashes are verified on the values themselves. 25 bytes a
//! row are remembered. Password hashes tell rows apart by a SHA-256 in the fingerprint alone: they
//! are never read back to be compared.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::row::{Drafts, RowNumber};

/// The hash of every row of a batch.
pub fn fingerprints(drafts: &Drafts, seed: u64) -> Vec<u128> {
    let mut bytes = Vec::new();
    (0..drafts.places.len())
        .map(|index| {
            bytes.clear();
            for value in drafts.values.row(index) {
                bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
                bytes.extend_from_slice(value.as_bytes());
            }
            if let Some(print) = drafts.passwords.prints.get(index) {
                bytes.extend_from_slice(&print.to_le_bytes());
            }
            xxh3_128_with_seed(&bytes, seed)
        })
        .collect()
}

/// The rows seen so far.
#[derive(Default)]
pub struct Seen {
    fingerprints: Vec<u128>,
    rows: HashTable<RowNumber>,
}

impl Seen {
    /// Notes the next row, in file order, and returns the earlier row that it equals. `equal`
    /// compares it with an earlier row, value by value.
    pub fn note<E>(
        &mut self,
        fingerprint: u128,
        mut equal: impl FnMut(RowNumber) -> Result<bool, E>,
    ) -> Result<Option<RowNumber>, E> {
        let row = self.fingerprints.len() as RowNumber;
        self.fingerprints.push(fingerprint);
        let known = &self.fingerprints;
        let candidate = self.rows.find(fingerprint as u64, |earlier| {
            known[*earlier as usize] == fingerprint
        });
        if let Some(earlier) = candidate {
            return Ok(equal(*earlier)?.then_some(*earlier));
        }
        self.rows
            .insert_unique(fingerprint as u64, row, |row| known[*row as usize] as u64);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Place, Table};
    use std::convert::Infallible;

    fn drafts(rows: &[&[&str]]) -> Drafts {
        let mut values = Table::new(rows[0].len());
        for value in rows.iter().copied().flatten() {
            values.push(value);
        }
        Drafts {
            values,
            places: vec![Place { line: 1, byte: 0 }; rows.len()],
            ..Drafts::default()
        }
    }

    #[test]
    fn only_rows_equal_in_every_value_are_duplicates_of_the_first() {
        let drafts = drafts(&[
            &["a,b", "c"],
            &["a", "b,c"],
            &["a,b", "c"],
            &["a,b", "c"],
            &["a,b", ""],
        ]);
        let mut seen = Seen::default();
        let found: Vec<_> = fingerprints(&drafts, 7)
            .into_iter()
            .map(|fingerprint| {
                seen.note(fingerprint, |_| Ok::<_, Infallible>(true))
                    .unwrap()
            })
            .collect();
        assert_eq!(found, [None, None, Some(0), Some(0), None]);
    }

    #[test]
    fn an_equal_hash_alone_drops_no_row() {
        let mut seen = Seen::default();
        assert_eq!(seen.note(1, |_| Ok::<_, Infallible>(true)), Ok(None));
        assert_eq!(seen.note(1, |_| Ok::<_, Infallible>(false)), Ok(None));
    }
}
