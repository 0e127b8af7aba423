//! Where batches wait on disk between the two halves of a run: after the last row is read and
//! before the first is written, nothing of them stays in memory but an index.
//!
//! The file has no name, so it is gone with the process, whatever ends it.

use std::fs::File;
use std::os::unix::fs::FileExt;

use crate::issue::{Code, Issue};
use crate::outcome::Verdict;
use crate::refusal::{Refusal, Result};
use crate::row::{Drafts, Field, People, Place, RowNumber, Table};

/// Batches of people, in file order.
pub struct Spool {
    file: File,
    index: Vec<Entry>,
    end: u64,
}

struct Entry {
    first_row: RowNumber,
    rows: u32,
    offset: u64,
    length: usize,
}

/// A batch as bytes; made in parallel, pushed in order.
pub struct Encoded {
    first_row: RowNumber,
    rows: u32,
    bytes: Vec<u8>,
}

impl Spool {
    /// An empty spool in the system's folder for temporary files (`TMPDIR`).
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn new() -> Result<Spool> {
        let file = tempfile::tempfile().map_err(|error| unwritable(&error))?;
        Ok(Spool { file, index: Vec::new(), end: 0 })
    }

    /// Appends the next batch.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk is full.
    pub fn push(&mut self, encoded: &Encoded) -> Result<()> {
        self.file
            .write_all_at(&encoded.bytes, self.end)
            .map_err(|error| unwritable(&error))?;
        self.index.push(Entry {
            first_row: encoded.first_row,
            rows: encoded.rows,
            offset: self.end,
            length: encoded.bytes.len(),
        });
        self.end += encoded.bytes.len() as u64;
        Ok(())
    }

    /// How many batches there are.
    pub fn batches(&self) -> usize {
        self.index.len()
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.index.last().map_or(0, |entry| u64::from(entry.first_row) + u64::from(entry.rows))
    }

    /// How many bytes it takes on disk.
    pub fn bytes(&self) -> u64 {
        self.end
    }

    /// Batch number `batch`, as it was pushed. Several threads may read at once.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk fails.
    pub fn read(&self, batch: usize) -> Result<People> {
        let entry = &self.index[batch];
        let bytes = self.bytes_at(entry.offset, entry.length)?;
        decode(&bytes).ok_or_else(|| unwritable(&std::io::Error::other("it was damaged")))
    }

    /// The batch that holds `row`.
    pub fn batch_of(&self, row: RowNumber) -> usize {
        self.index.partition_point(|entry| entry.first_row <= row).saturating_sub(1)
    }

    fn bytes_at(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.file
            .read_exact_at(&mut bytes, offset)
            .map_err(|error| unwritable(&error))?;
        Ok(bytes)
    }

    /// The values of one row, read without the rest of its batch.
    ///
    /// # Errors
    /// As [`Spool::read`].
    pub fn values(&self, row: RowNumber) -> Result<Vec<String>> {
        let entry = &self.index[self.batch_of(row)];
        let index = (row - entry.first_row) as usize;
        let head = self.bytes_at(entry.offset, HEAD_BYTES)?;
        let mut head = Reader(&head);
        let damaged = || unwritable(&std::io::Error::other("it was damaged"));
        let (_source, _first_row, _rows, width) = read_head(&mut head).ok_or_else(damaged)?;
        // One end more than the row has: where it begins is where the row before ends.
        let from = (index * width).saturating_sub(1);
        let count = (index + 1) * width - from;
        let ends = self.bytes_at(entry.offset + (HEAD_BYTES + from * 4) as u64, count * 4)?;
        let mut ends = Reader(&ends).u32s_of(count).ok_or_else(damaged)?;
        if index == 0 {
            ends.insert(0, 0);
        }
        let (start, end) = (ends[0], ends[ends.len() - 1]);
        let text_at = entry.offset + (HEAD_BYTES + entry.rows as usize * width * 4 + 4) as u64;
        let text = self.bytes_at(text_at + u64::from(start), (end - start) as usize)?;
        let text = String::from_utf8(text).map_err(|_| damaged())?;
        let cell = |pair: &[u32]| text[(pair[0] - start) as usize..(pair[1] - start) as usize].to_string();
        Ok(ends.windows(2).map(cell).collect())
    }
}

const HEAD_BYTES: usize = 2 + 4 + 4 + 4;

fn unwritable(error: &std::io::Error) -> Refusal {
    Refusal::new(Code::OutputUnwritable, format!("the scratch file can't be used: {error}"))
        .help("make room in the folder for temporary files, or name another one by `TMPDIR`")
}

/// A batch as bytes: head, ends and text of the values, then everything else.
pub fn encode(people: &People) -> Encoded {
    let drafts = &people.drafts;
    let rows = people.len() as u32;
    let mut out = Vec::with_capacity(drafts.values.text.len() + people.keys.text.len() + 100 * people.len());
    out.extend_from_slice(&drafts.source.to_le_bytes());
    out.extend_from_slice(&drafts.first_row.to_le_bytes());
    out.extend_from_slice(&rows.to_le_bytes());
    out.extend_from_slice(&(drafts.values.width as u32).to_le_bytes());
    for table in [&drafts.values, &people.keys] {
        table.ends.iter().for_each(|end| out.extend_from_slice(&end.to_le_bytes()));
        put_text(&mut out, &table.text);
    }
    for place in &drafts.places {
        out.extend_from_slice(&place.line.to_le_bytes());
        out.extend_from_slice(&place.byte.to_le_bytes());
    }
    drafts.rules.iter().for_each(|rules| out.extend_from_slice(&rules.to_le_bytes()));
    for verdict in &people.verdicts {
        let (tag, of) = match verdict {
            Verdict::Kept => (0, 0),
            Verdict::Duplicate(of) => (1, *of),
            Verdict::Rejected => (2, 0),
        };
        out.push(tag);
        out.extend_from_slice(&of.to_le_bytes());
    }
    out.extend_from_slice(&(drafts.issues.len() as u32).to_le_bytes());
    for issue in &drafts.issues {
        put_issue(&mut out, issue);
    }
    Encoded { first_row: drafts.first_row, rows, bytes: out }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn put_issue(out: &mut Vec<u8>, issue: &Issue) {
    out.extend_from_slice(&(issue.code as u16).to_le_bytes());
    out.extend_from_slice(&issue.row.to_le_bytes());
    out.push(issue.field.map_or(u8::MAX, |field| field as u8));
    out.extend_from_slice(&issue.column.unwrap_or(u16::MAX).to_le_bytes());
    put_text(out, &issue.found);
    put_text(out, &issue.detail);
}

fn decode(bytes: &[u8]) -> Option<People> {
    let reader = &mut Reader(bytes);
    let (source, first_row, rows, width) = read_head(reader)?;
    let values = read_table(reader, rows, width)?;
    let keys = read_table(reader, rows, 3)?;
    let places = (0..rows)
        .map(|_| Some(Place { line: reader.u64()?, byte: reader.u64()? }))
        .collect::<Option<_>>()?;
    let rules = reader.u32s_of(rows)?;
    let verdicts = (0..rows)
        .map(|_| {
            let tag = reader.take(1)?[0];
            let of = reader.u32()?;
            Some(match tag {
                0 => Verdict::Kept,
                1 => Verdict::Duplicate(of),
                _ => Verdict::Rejected,
            })
        })
        .collect::<Option<_>>()?;
    let issues = (0..reader.u32()?).map(|_| read_issue(reader)).collect::<Option<_>>()?;
    let drafts = Drafts { source, first_row, values, places, rules, issues, ..Drafts::default() };
    Some(People { drafts, keys, verdicts })
}

fn read_head(reader: &mut Reader) -> Option<(u16, RowNumber, usize, usize)> {
    Some((reader.u16()?, reader.u32()?, reader.u32()? as usize, reader.u32()? as usize))
}

fn read_table(reader: &mut Reader, rows: usize, width: usize) -> Option<Table> {
    let ends = reader.u32s_of(rows * width)?;
    Some(Table { width, text: reader.text()?, ends })
}

fn read_issue(reader: &mut Reader) -> Option<Issue> {
    let code = *Code::ALL.get(usize::from(reader.u16()?))?;
    let row = reader.u32()?;
    let field = Field::ALL.get(usize::from(reader.take(1)?[0])).copied();
    let column = Some(reader.u16()?).filter(|column| *column != u16::MAX);
    Some(Issue { code, row, field, column, found: reader.text()?, detail: reader.text()? })
}

/// What is left of some bytes; every read that goes past the end is `None`.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn u32s_of(&mut self, count: usize) -> Option<Vec<u32>> {
        let (words, _) = self.take(count * 4)?.as_chunks::<4>();
        Some(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
    }

    fn text(&mut self) -> Option<String> {
        let length = self.u32()? as usize;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(first_row: RowNumber, rows: &[[&str; 2]]) -> People {
        let mut values = Table::new(2);
        let mut keys = Table::new(3);
        for row in rows {
            row.iter().for_each(|value| values.push(value));
            ["", row[0], ""].iter().for_each(|key| keys.push(key));
        }
        let places = (0..rows.len()).map(|line| Place { line: line as u64 + 2, byte: u64::MAX }).collect();
        let issue = Issue::of_field(Code::EmailTypo, first_row, Field::Email, "a@gmial.com", "a@gmail.com");
        let drafts = Drafts {
            source: 1,
            first_row,
            values,
            places,
            rules: vec![5; rows.len()],
            issues: vec![issue],
            ..Drafts::default()
        };
        let mut verdicts = vec![Verdict::Kept; rows.len()];
        verdicts[0] = Verdict::Duplicate(77);
        People { drafts, keys, verdicts }
    }

    #[test]
    fn what_is_pushed_comes_back() {
        let batches = [batch(0, &[["é", "b"], ["", "c"], ["d", ""]]), batch(3, &[["e", "f"]])];
        let mut spool = Spool::new().unwrap();
        for people in &batches {
            spool.push(&encode(people)).unwrap();
        }
        assert_eq!((spool.batches(), spool.rows()), (2, 4));
        for (number, people) in batches.iter().enumerate() {
            let read = spool.read(number).unwrap();
            assert_eq!(read.drafts.values, people.drafts.values);
            assert_eq!(read.keys, people.keys);
            assert_eq!(read.drafts.places, people.drafts.places);
            assert_eq!(read.drafts.issues, people.drafts.issues);
            assert_eq!(read.verdicts, people.verdicts);
            assert_eq!((read.drafts.source, &read.drafts.rules), (1, &people.drafts.rules));
        }
        let rows: Vec<_> = (0..4).map(|row| spool.values(row).unwrap()).collect();
        assert_eq!(rows, [["é", "b"], ["", "c"], ["d", ""], ["e", "f"]]);
    }
}
