//! Sorting more than there is memory for: what is over the budget is sorted in parts, each written
//! as a run into one scratch file, and the runs are merged.
//!
//! An entry is a few words, most significant first, so that the order of entries is that of
//! numbers. Whoever looks for equal hashes puts the hash first and the row after it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::os::unix::fs::FileExt;

use rayon::slice::ParallelSliceMut;

use crate::refusal::Result;
use crate::spool::{scratch_file, unwritable};

/// This many runs of about one size become one: each that is merged wants a buffer.
const FAN: usize = 64;
/// Never is more read at once of one run, nor less.
const READ_MAX: usize = 256 << 10;
const READ_MIN: usize = 4 << 10;
/// This many entries are turned into bytes at once.
const CHUNK: usize = 8 << 10;
/// A sorter holds no more in memory, whatever it may: sorting in parts costs about as little.
const SORTED_MAX: usize = 128 << 20;

/// A hash as the first two words of an entry.
pub fn words(hash: u64) -> [u32; 2] {
    [(hash >> 32) as u32, hash as u32]
}

/// The hash whose words these are.
pub fn hash([high, low]: [u32; 2]) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// Entries in order, in the scratch file.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// The number of its first entry in the file.
    pub first: u64,
    /// How many it has.
    pub count: u64,
    /// How often its entries were merged.
    pub level: u8,
}

/// Runs in one scratch file, which has no name and is made when it is needed first.
#[derive(Default)]
pub struct Runs<const N: usize> {
    file: Option<File>,
    /// Entries in the file.
    count: u64,
    /// The first entry of the run that is being written.
    first: u64,
    bytes: Vec<u8>,
    /// The runs that are whole, oldest first.
    pub runs: Vec<Run>,
}

impl<const N: usize> Runs<N> {
    const ENTRY_BYTES: usize = 4 * N;

    /// Appends entries to the run that is being written.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk is full.
    pub fn append(&mut self, entries: &[[u32; N]]) -> Result<()> {
        if self.file.is_none() {
            self.file = Some(scratch_file()?);
        }
        let Some(file) = &self.file else {
            return Ok(());
        };
        for chunk in entries.chunks(CHUNK) {
            self.bytes.clear();
            let words = chunk.iter().flatten();
            self.bytes.extend(words.flat_map(|word| word.to_le_bytes()));
            let at = self.count * Self::ENTRY_BYTES as u64;
            file.write_all_at(&self.bytes, at)
                .map_err(|error| unwritable(&error))?;
            self.count += chunk.len() as u64;
        }
        Ok(())
    }

    /// Ends the run that is being written.
    pub fn close(&mut self, level: u8) {
        self.runs.push(Run {
            first: self.first,
            count: self.count - self.first,
            level,
        });
        self.first = self.count;
    }

    /// Hands some entries, by their number in the file, to `each`; `bytes` is scratch room.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk fails.
    pub fn read(
        &self,
        entries: std::ops::Range<u64>,
        bytes: &mut Vec<u8>,
        each: impl FnMut([u32; N]),
    ) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        bytes.resize(
            (entries.end - entries.start) as usize * Self::ENTRY_BYTES,
            0,
        );
        file.read_exact_at(bytes, entries.start * Self::ENTRY_BYTES as u64)
            .map_err(|error| unwritable(&error))?;
        bytes
            .chunks_exact(Self::ENTRY_BYTES)
            .map(entry)
            .for_each(each);
        Ok(())
    }

    /// The runs of the highest number of merges that are enough to become one, if the last ones are.
    pub fn ripe(&self, fan: usize) -> Option<Vec<Run>> {
        let level = self.runs.last()?.level;
        let same = self.runs.iter().rev().take_while(|run| run.level == level);
        let count = same.count();
        (count >= fan).then(|| self.runs[self.runs.len() - count..].to_vec())
    }

    /// Merges the runs that are [`Runs::ripe`] into one. `each` sees its entries in order.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn merge_ripe(
        &mut self,
        fan: usize,
        bytes: usize,
        mut each: impl FnMut([u32; N]),
    ) -> Result<bool> {
        let Some(ripe) = self.ripe(fan) else {
            return Ok(false);
        };
        let mut merge = Merge::begin(self, &ripe, bytes)?;
        let mut chunk = Vec::with_capacity(CHUNK);
        while let Some(entry) = merge.next(self)? {
            each(entry);
            chunk.push(entry);
            if chunk.len() == CHUNK {
                self.append(&chunk)?;
                chunk.clear();
            }
        }
        self.append(&chunk)?;
        self.runs.truncate(self.runs.len() - ripe.len());
        self.close(ripe[0].level.saturating_add(1));
        Ok(true)
    }
}

fn entry<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let (words, _) = bytes.as_chunks::<4>();
    std::array::from_fn(|index| u32::from_le_bytes(words[index]))
}

/// A run that is being read.
struct Reader<const N: usize> {
    left: std::ops::Range<u64>,
    most: u64,
    bytes: Vec<u8>,
    entries: std::vec::IntoIter<[u32; N]>,
}

impl<const N: usize> Reader<N> {
    fn next(&mut self, runs: &Runs<N>) -> Result<Option<[u32; N]>> {
        if self.entries.len() == 0 && !self.left.is_empty() {
            let end = self.left.end.min(self.left.start + self.most);
            let mut entries = Vec::with_capacity((end - self.left.start) as usize);
            runs.read(self.left.start..end, &mut self.bytes, |entry| {
                entries.push(entry);
            })?;
            self.left.start = end;
            self.entries = entries.into_iter();
        }
        Ok(self.entries.next())
    }
}

/// Several runs, merged.
struct Merge<const N: usize> {
    readers: Vec<Reader<N>>,
    /// The next entry of each.
    next: BinaryHeap<Reverse<([u32; N], usize)>>,
}

impl<const N: usize> Merge<N> {
    /// `bytes` is what all that is read ahead may take.
    fn begin(runs: &Runs<N>, merged: &[Run], bytes: usize) -> Result<Merge<N>> {
        // What is read is there twice, as bytes and as entries.
        let each = (bytes / 2 / merged.len().max(1)).clamp(READ_MIN, READ_MAX);
        let mut merge = Merge {
            readers: Vec::with_capacity(merged.len()),
            next: BinaryHeap::with_capacity(merged.len()),
        };
        for run in merged {
            let mut reader = Reader {
                left: run.first..run.first + run.count,
                most: (each / Runs::<N>::ENTRY_BYTES).max(1) as u64,
                bytes: Vec::new(),
                entries: Vec::new().into_iter(),
            };
            if let Some(entry) = reader.next(runs)? {
                merge.next.push(Reverse((entry, merge.readers.len())));
            }
            merge.readers.push(reader);
        }
        Ok(merge)
    }

    fn next(&mut self, runs: &Runs<N>) -> Result<Option<[u32; N]>> {
        let Some(mut top) = self.next.peek_mut() else {
            return Ok(None);
        };
        let Reverse((entry, from)) = *top;
        match self.readers[from].next(runs)? {
            // Sinks to its place when `top` is let go.
            Some(following) => *top = Reverse((following, from)),
            None => drop(std::collections::binary_heap::PeekMut::pop(top)),
        }
        Ok(Some(entry))
    }
}

/// Takes entries in any order and gives them back in theirs.
pub struct Sorter<const N: usize> {
    waiting: Vec<[u32; N]>,
    most: usize,
    runs: Runs<N>,
}

impl<const N: usize> Sorter<N> {
    /// A sorter that holds up to this many bytes.
    pub fn new(bytes: usize) -> Sorter<N> {
        Sorter {
            waiting: Vec::new(),
            most: (bytes.min(SORTED_MAX) / (4 * N)).max(1),
            runs: Runs::default(),
        }
    }

    /// Takes an entry.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk is full.
    #[inline]
    pub fn push(&mut self, entry: [u32; N]) -> Result<()> {
        if self.waiting.len() == self.waiting.capacity() {
            self.make_room()?;
        }
        self.waiting.push(entry);
        Ok(())
    }

    #[cold]
    fn make_room(&mut self) -> Result<()> {
        if self.waiting.len() >= self.most {
            self.spill()?;
        } else {
            let more = self.waiting.len().max(1024);
            let more = more.min(self.most - self.waiting.len());
            self.waiting.reserve_exact(more);
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        self.waiting.par_sort_unstable();
        self.runs.append(&self.waiting)?;
        self.runs.close(0);
        self.waiting.clear();
        while self.runs.merge_ripe(FAN, self.most * 4 * N, |_| {})? {}
        Ok(())
    }

    /// All of it, in order.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn sorted(mut self) -> Result<Sorted<N>> {
        let bytes = self.most * 4 * N;
        if self.runs.runs.is_empty() {
            self.waiting.par_sort_unstable();
        } else if !self.waiting.is_empty() {
            self.spill()?;
        }
        let in_file = !self.runs.runs.is_empty();
        let waiting = if in_file { Vec::new() } else { self.waiting };
        let merge = Merge::begin(&self.runs, &self.runs.runs, bytes)?;
        let mut sorted = Sorted {
            waiting: waiting.into_iter(),
            runs: self.runs,
            merge,
            peeked: None,
        };
        sorted.peeked = sorted.following()?;
        Ok(sorted)
    }
}

/// Entries in their order.
pub struct Sorted<const N: usize> {
    waiting: std::vec::IntoIter<[u32; N]>,
    runs: Runs<N>,
    merge: Merge<N>,
    peeked: Option<[u32; N]>,
}

impl<const N: usize> Sorted<N> {
    fn following(&mut self) -> Result<Option<[u32; N]>> {
        match self.waiting.next() {
            Some(entry) => Ok(Some(entry)),
            None => self.merge.next(&self.runs),
        }
    }

    /// What comes next, without taking it.
    pub fn peek(&self) -> Option<[u32; N]> {
        self.peeked
    }

    /// Takes what comes next.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk fails.
    #[expect(clippy::should_implement_trait, reason = "it can fail")]
    pub fn next(&mut self) -> Result<Option<[u32; N]>> {
        let following = match self.peeked {
            Some(_) => self.following()?,
            None => None,
        };
        Ok(std::mem::replace(&mut self.peeked, following))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_order_whatever_there_is_room_for() {
        let entry = |index: u64| {
            let [high, low] = words((index % 700).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            [high, low, index as u32]
        };
        let mut expected: Vec<[u32; 3]> = (0..2000).map(entry).collect();
        expected.sort_unstable();
        // From runs of one entry, merged on the way, to no run at all.
        for bytes in [
            1,
            12 * 3,
            12 * 100,
            12 * 1000,
            12 * 1999,
            12 * 2000,
            1 << 20,
        ] {
            let mut sorter = Sorter::new(bytes);
            (0..2000).for_each(|index| sorter.push(entry(index)).unwrap());
            assert!(sorter.waiting.capacity() * 12 <= bytes.max(12), "{bytes}");
            let mut sorted = sorter.sorted().unwrap();
            assert!(sorted.runs.runs.len() < FAN + FAN, "{bytes}");
            assert_eq!(sorted.peek(), Some(expected[0]));
            let found: Vec<_> = std::iter::from_fn(|| sorted.next().unwrap()).collect();
            assert!(found == expected, "{bytes}");
            assert_eq!(sorted.next().unwrap(), None);
        }
    }

    #[test]
    fn nothing_comes_out_of_nothing() {
        let mut sorted = Sorter::<5>::new(100).sorted().unwrap();
        assert_eq!((sorted.peek(), sorted.next().unwrap()), (None, None));
        assert_eq!(hash(words(0x0123_4567_89ab_cdef)), 0x0123_4567_89ab_cdef);
    }
}
