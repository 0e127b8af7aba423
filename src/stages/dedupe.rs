//! dedupe: rows of which every column, after cleaning, equals an earlier row's.
//!
//! Rows are distinguished by a seeded 64-bit hash over their length-prefixed values (so that
//! `a,b|c` and `a|b,c` differ), and equal hashes are verified on the values themselves
//! ([`crate::memory::seen`] remembers them). Password hashes tell rows apart by a SHA-256 in the
//! fingerprint alone: they are never read back to be compared, so two rows that differ only there
//! count as equal with a probability of 1 in 2⁶⁴.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::row::Drafts;

/// The hash of every row of a batch.
pub fn fingerprints(drafts: &Drafts, seed: u64) -> Vec<u64> {
    let mut bytes = Vec::new();
    (0..drafts.places.len())
        .map(|index| {
            bytes.clear();
            for value in drafts.values.row(index) {
                bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
                bytes.extend_from_slice(value.as_bytes());
            }
            if let Some(fingerprint) = drafts.passwords.fingerprints.get(index) {
                bytes.extend_from_slice(&fingerprint.to_le_bytes());
            }
            xxh3_64_with_seed(&bytes, seed)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Place;
    use crate::row::Table;

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
    fn rows_that_differ_in_any_value_have_other_fingerprints() {
        let drafts = drafts(&[
            &["a,b", "c"],
            &["a", "b,c"],
            &["a,b", "c"],
            &["a,b", ""],
            &["", "a,b"],
        ]);
        let row_fingerprints = fingerprints(&drafts, 7);
        let first = |fingerprint| {
            row_fingerprints
                .iter()
                .position(|other| other == fingerprint)
        };
        let firsts: Vec<_> = row_fingerprints.iter().filter_map(first).collect();
        assert_eq!(firsts, [0, 1, 0, 3, 4]);
        assert_ne!(fingerprints(&drafts, 8), row_fingerprints);
    }
}
