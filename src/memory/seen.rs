//! Which earlier row is the same as this one: asked for every row, while they are read.
//!
//! Fingerprints wait in a table. When it is full, they are sorted and written as a run; the next ones
//! ask a blocked Bloom filter over all that was written (Putze, Sanders, Singler: "Cache-, Hash- and
//! Space-Efficient Bloom Filters", 2007), and only where that says maybe, the few entries of each run
//! that it may be among. Whatever the budget, an answer is that of the table: the earliest row that
//! is equal.

use rayon::prelude::*;

use super::sorted::{Runs, hash, words};
use crate::field::RowNumber;
use crate::refusal::Result;

/// A fingerprint and its row.
type Entry = [u32; 3];

/// The number of parts of the table, by the first bits, so that it grows a little at a time.
const PART_BITS: u32 = 12;
const PARTS: usize = 1 << PART_BITS;
/// No row: what is where none is.
const NONE: Entry = [0, 0, RowNumber::MAX];
/// A part is at most this full, and grows by a quarter.
const FULL: (usize, usize) = (4, 5);
const PART_MIN: usize = 4;
/// This many parts are sorted side by side.
const SORTED_PARTS: usize = 64;
/// Runs of one size that become one: each costs a look where the filter says maybe.
const FAN: usize = 8;
/// A look into a run reads about this many entries.
const LOOK: u64 = 256;
/// Of the eight words of a filter's block, this many bits are set for each fingerprint.
const BITS: u32 = 6;

/// The rows seen so far.
pub struct Seen {
    /// Each in the order of fingerprints, as far as there is room: see [`place`].
    parts: Vec<Vec<Entry>>,
    /// By part.
    counts: Vec<u32>,
    /// What the parts take, in entries, and may take.
    room: usize,
    room_max: usize,
    bytes: usize,
    rows: RowNumber,
    written: Option<Written>,
    found: Vec<RowNumber>,
}

/// What didn't fit.
struct Written {
    runs: Runs<3>,
    /// For each run: by the first bits of a fingerprint, where such begin.
    starts: Vec<Vec<u32>>,
    filter: Vec<[u64; 8]>,
    bytes: Vec<u8>,
}

impl Seen {
    /// Nothing seen yet; remembers up to about this many bytes.
    pub fn new(bytes: usize) -> Seen {
        Seen {
            parts: vec![Vec::new(); PARTS],
            counts: vec![0; PARTS],
            room: 0,
            room_max: bytes / size_of::<Entry>(),
            bytes,
            rows: 0,
            written: None,
            found: Vec::new(),
        }
    }

    /// Notes the next row, in file order, and returns the first earlier row that it equals. `equal`
    /// compares it with an earlier row, value by value.
    ///
    /// # Errors
    /// Those of `equal`; `output.unwritable`, when the disk is full.
    pub fn note(
        &mut self,
        fingerprint: u64,
        mut equal: impl FnMut(RowNumber) -> Result<bool>,
    ) -> Result<Option<RowNumber>> {
        let row = self.rows;
        self.rows += 1;
        self.found.clear();
        if let Some(written) = &mut self.written {
            written.find(fingerprint, &mut self.found)?;
        }
        let [high, low] = words(fingerprint);
        let part = &self.parts[part_of(fingerprint)];
        if !part.is_empty() {
            let mut at = place(fingerprint, part.len());
            while !is_none(&part[at]) {
                if part[at][..2] == [high, low] {
                    self.found.push(part[at][2]);
                }
                at = if at + 1 == part.len() { 0 } else { at + 1 };
            }
        }
        // Other rows with this fingerprint are next to none, but they may be the only ones.
        self.found.sort_unstable();
        for earlier in &self.found {
            if equal(*earlier)? {
                return Ok(Some(*earlier));
            }
        }
        self.insert(fingerprint, [high, low, row])?;
        Ok(None)
    }

    fn insert(&mut self, fingerprint: u64, entry: Entry) -> Result<()> {
        let of = part_of(fingerprint);
        let room = self.parts[of].len();
        if (self.counts[of] as usize + 1) * FULL.1 > room * FULL.0 {
            let more = (room / 4).max(PART_MIN);
            if self.room + more > self.room_max && self.room > 0 {
                self.write()?;
                return self.insert(fingerprint, entry);
            }
            self.room += more;
            let grown = vec![NONE; room + more];
            let old = std::mem::replace(&mut self.parts[of], grown);
            let part = &mut self.parts[of];
            old.into_iter()
                .filter(|entry| !is_none(entry))
                .for_each(|entry| put(part, entry));
        }
        put(&mut self.parts[of], entry);
        self.counts[of] += 1;
        Ok(())
    }

    /// Writes all that is in the table as a run, and empties it.
    fn write(&mut self) -> Result<()> {
        let first_time = self.written.is_none();
        let written = self.written.get_or_insert_with(|| Written {
            runs: Runs::default(),
            starts: Vec::new(),
            filter: Vec::new(),
            bytes: Vec::new(),
        });
        let count: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        let mut starts = Starts::of(count);
        for parts in self.parts.chunks_mut(SORTED_PARTS) {
            let sorted: Vec<Vec<Entry>> = parts
                .par_iter_mut()
                .map(|part| {
                    let mut part = std::mem::take(part);
                    part.retain(|entry| !is_none(entry));
                    part.sort_unstable();
                    part
                })
                .collect();
            for part in &sorted {
                part.iter().for_each(|entry| starts.note(*entry));
                written.runs.append(part)?;
            }
        }
        written.runs.close(0);
        written.starts.push(starts.done());
        self.counts.fill(0);
        self.room = 0;
        if first_time {
            // From now on, half is for the filter.
            self.room_max /= 2;
            let blocks = (self.bytes / 2 / size_of::<[u64; 8]>()).max(1);
            written.filter = vec![[0; 8]; blocks];
        }
        written.mark_last()?;
        written.merge(self.bytes)
    }
}

fn is_none(entry: &Entry) -> bool {
    entry[2] == NONE[2]
}

/// In which part of the table a fingerprint is.
fn part_of(fingerprint: u64) -> usize {
    (fingerprint >> (64 - PART_BITS)) as usize
}

/// Where in a part with so much room a fingerprint is looked for first: such that the order of
/// places is that of fingerprints.
fn place(fingerprint: u64, room: usize) -> usize {
    let bits = fingerprint << PART_BITS >> 32;
    ((bits * room as u64) >> 32) as usize
}

fn put(part: &mut [Entry], entry: Entry) {
    let mut at = place(hash([entry[0], entry[1]]), part.len());
    while !is_none(&part[at]) {
        at = if at + 1 == part.len() { 0 } else { at + 1 };
    }
    part[at] = entry;
}

/// Where the entries of a run begin, by the first bits of their fingerprints.
struct Starts {
    starts: Vec<u32>,
    bits: u32,
    count: u32,
}

impl Starts {
    /// For a run of this many entries.
    fn of(count: u64) -> Starts {
        let bits = (count / LOOK).max(1).next_power_of_two().trailing_zeros();
        Starts {
            starts: Vec::with_capacity((1 << bits) + 1),
            bits,
            count: 0,
        }
    }

    fn note(&mut self, entry: Entry) {
        let of = first_bits(hash([entry[0], entry[1]]), self.bits);
        while self.starts.len() <= of {
            self.starts.push(self.count);
        }
        self.count += 1;
    }

    fn done(mut self) -> Vec<u32> {
        self.starts.resize((1 << self.bits) + 1, self.count);
        self.starts
    }
}

fn first_bits(fingerprint: u64, bits: u32) -> usize {
    // In two steps, for a run so short that it has no bits at all.
    (fingerprint >> 1 >> (63 - bits)) as usize
}

impl Written {
    /// Adds the rows with this fingerprint.
    fn find(&mut self, fingerprint: u64, found: &mut Vec<RowNumber>) -> Result<()> {
        if !marks(fingerprint, self.filter.len())
            .all(|(block, word, bit)| self.filter[block][word] & bit != 0)
        {
            return Ok(());
        }
        for (run, starts) in self.runs.runs.iter().zip(&self.starts) {
            let of = first_bits(fingerprint, (starts.len() - 1).trailing_zeros());
            let (start, end) = (u64::from(starts[of]), u64::from(starts[of + 1]));
            if start == end {
                continue;
            }
            let range = run.first + start..run.first + end;
            self.runs.read(range, &mut self.bytes, |[high, low, row]| {
                if hash([high, low]) == fingerprint {
                    found.push(row);
                }
            })?;
        }
        Ok(())
    }

    /// Marks the last run in the filter.
    fn mark_last(&mut self) -> Result<()> {
        let Some(run) = self.runs.runs.last() else {
            return Ok(());
        };
        let (blocks, filter) = (self.filter.len(), &mut self.filter);
        let end = run.first + run.count;
        for start in (run.first..end).step_by(8192) {
            let range = start..end.min(start + 8192);
            self.runs.read(range, &mut self.bytes, |[high, low, _]| {
                marks(hash([high, low]), blocks).for_each(|(block, word, bit)| {
                    filter[block][word] |= bit;
                });
            })?;
        }
        Ok(())
    }

    /// Merges runs, where there are many of one size.
    fn merge(&mut self, bytes: usize) -> Result<()> {
        while let Some(ripe) = self.runs.ripe(FAN) {
            let mut starts = Starts::of(ripe.iter().map(|run| run.count).sum());
            // What is read ahead is small beside the rest.
            self.runs
                .merge_ripe(FAN, bytes / 16, |entry| starts.note(entry))?;
            self.starts.truncate(self.starts.len() - ripe.len());
            self.starts.push(starts.done());
        }
        Ok(())
    }
}

/// The bits of a fingerprint in a filter of this many blocks, all in one of them.
fn marks(fingerprint: u64, blocks: usize) -> impl Iterator<Item = (usize, usize, u64)> {
    let block = (((fingerprint >> 32) * blocks as u64) >> 32) as usize;
    // Other bits than the first, which chose the block.
    let mixed = fingerprint.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..BITS).map(move |number| {
        let bit = (mixed >> (10 + 9 * number)) & 511;
        (block, bit as usize / 64, 1 << (bit % 64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    use proptest::prelude::*;

    /// What a map says: the first row of each value.
    fn expected(rows: &[u64]) -> Vec<Option<RowNumber>> {
        let mut first = HashMap::new();
        let numbered = (0..).zip(rows);
        let answers = numbered.map(|(row, value)| match first.get(value) {
            Some(earlier) => Some(*earlier),
            None => {
                first.insert(*value, row);
                None
            }
        });
        answers.collect()
    }

    /// What `Seen` says, with `print` as fingerprint of each value.
    fn answers(
        bytes: usize,
        rows: &[u64],
        fingerprint: impl Fn(u64) -> u64,
    ) -> Vec<Option<RowNumber>> {
        let mut seen = Seen::new(bytes);
        let answers = rows.iter().map(|value| {
            let equal = |earlier: RowNumber| Ok(rows[earlier as usize] == *value);
            seen.note(fingerprint(*value), equal).unwrap()
        });
        answers.collect()
    }

    fn spread(value: u64) -> u64 {
        (value + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[test]
    fn an_equal_fingerprint_alone_drops_no_row_and_hides_none() {
        // All fingerprints are equal, in the table and in runs.
        for bytes in [1, 200, 1 << 20] {
            let found = answers(bytes, &[5, 6, 6, 5, 7, 6], |_| u64::MAX);
            assert_eq!(
                found,
                [None, None, Some(1), Some(0), None, Some(1)],
                "{bytes}"
            );
        }
    }

    #[test]
    fn many_rows_are_distinguished_in_little_room() {
        let rows: Vec<u64> = (0..60_000)
            .map(|row| if row % 7 == 0 { row / 2 } else { row })
            .collect();
        let expected = expected(&rows);
        for bytes in [20_000, 200_000, 10 << 20] {
            assert!(answers(bytes, &rows, spread) == expected, "{bytes}");
        }
        let mut seen = Seen::new(200_000);
        for row in 0..60_000 {
            seen.note(spread(row), |_| Ok(false)).unwrap();
            assert!(seen.room <= seen.room_max);
        }
        let written = seen.written.unwrap();
        assert!(written.runs.runs.len() < 2 * FAN && written.filter.len() * 64 <= 100_000);
        assert_eq!(seen.room_max * 12 * 2, 200_000 / 12 * 12);
    }

    proptest! {
        #![proptest_config(crate::properties::config(24))]
        #[test]
        fn the_answers_are_the_same_whatever_there_is_room_for(
            rows in prop::collection::vec(0_u64..300, 0..600),
            bytes in prop::sample::select(vec![1_usize, 100, 1000, 3000, 1 << 20]),
            // Some values share a fingerprint.
            fingerprints in prop::sample::select(vec![7_u64, 100, 1000]),
        ) {
            let found = answers(bytes, &rows, |value| spread(value % fingerprints));
            prop_assert_eq!(found, expected(&rows));
        }
    }
}
