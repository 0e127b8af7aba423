//! Where batches wait on disk between the two halves of a run: between reading the last row and
//! writing the first, only an index stays in memory.
//!
//! The file has no name, so it is gone with the process, whatever ends it.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use crate::decision::Planned;
use crate::field::{Field, Place, RowNumber};
use crate::issue::Code;
use crate::outcome::{Outcome, Verdict};
use crate::refusal::{Refusal, Result};
use crate::row::{Drafts, Passwords, People, Table};
use crate::rule::Rule;

/// Batches that go through the parallel passes together. Enough to keep the cores busy, few
/// enough that memory doesn't notice.
pub const GROUP_BATCHES: usize = 8;

/// Where scratch files are, unless `TMPDIR` says where: what is in `/tmp` is in memory on many a
/// Linux, and these are as large as the input.
const SCRATCH: &str = "/var/tmp";

/// The number of [`Verdict::Nobody`], after those of all rows.
const NOBODY: u64 = 2 + (1 << 32);
/// How hard zstd tries: decisions wait in the database for the length of a run, no longer.
const PACKED_LEVEL: i32 = 1;

/// A file without a name, in the folder for large temporary files.
pub(crate) fn scratch_file() -> Result<File> {
    let named = std::env::var_os("TMPDIR").is_some_and(|folder| !folder.is_empty());
    let file = match named {
        true => tempfile::tempfile(),
        false => tempfile::tempfile_in(SCRATCH).or_else(|_| tempfile::tempfile()),
    };
    file.map_err(|error| unwritable(&error))
}

/// Bytes by page number, in a file without a name.
struct Pages {
    file: File,
    index: Vec<(u64, usize)>,
    end: u64,
}

impl Pages {
    fn new() -> Result<Pages> {
        Ok(Pages {
            file: scratch_file()?,
            index: Vec::new(),
            end: 0,
        })
    }

    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all_at(bytes, self.end)
            .map_err(|error| unwritable(&error))?;
        self.index.push((self.end, bytes.len()));
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// The old bytes stay in the file, which is gone with the process.
    fn replace(&mut self, page: usize, bytes: &[u8]) -> Result<()> {
        self.push(bytes)?;
        if let Some(last) = self.index.pop() {
            self.index[page] = last;
        }
        Ok(())
    }

    fn read(&self, page: usize) -> Result<Vec<u8>> {
        let (offset, length) = self.index[page];
        self.read_at(offset, length)
    }

    fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.file
            .read_exact_at(&mut bytes, offset)
            .map_err(|error| unwritable(&error))?;
        Ok(bytes)
    }
}

/// Batches of people, in file order.
pub struct Spool {
    pages: Pages,
    /// First row and number of rows, by batch.
    rows: Vec<(RowNumber, u32)>,
    /// Of each batch.
    marks: Vec<Vec<Mark>>,
    /// Password hashes, in a file of their own, and where those of a batch are.
    passwords: Option<Pages>,
    pages_of_passwords: HashMap<usize, usize>,
}

/// Batches of the plan, in the order of the people's.
pub struct PlanSpool {
    pages: Pages,
}

impl PlanSpool {
    /// An empty spool.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn new() -> Result<PlanSpool> {
        Ok(PlanSpool {
            pages: Pages::new()?,
        })
    }

    /// Appends the next batch.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk is full.
    pub fn push(&mut self, planned: &Planned) -> Result<()> {
        self.pages.push(&packed(planned))
    }

    /// Batch number `batch`, as it was pushed.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk fails.
    pub fn read(&self, batch: usize) -> Result<Planned> {
        postcard::from_bytes(&self.pages.read(batch)?).map_err(|_| damaged())
    }

    /// Puts another plan in the place of batch number `batch`.
    ///
    /// # Errors
    /// As [`PlanSpool::push`].
    pub fn replace(&mut self, batch: usize, planned: &Planned) -> Result<()> {
        self.pages.replace(batch, &packed(planned))
    }

    /// How many batches there are.
    pub fn batches(&self) -> usize {
        self.pages.index.len()
    }

    /// Batch number `batch`, compressed. The same muster makes a batch of it again by
    /// [`PlanSpool::push_packed`].
    ///
    /// # Errors
    /// As [`PlanSpool::read`].
    pub fn packed(&self, batch: usize) -> Result<Vec<u8>> {
        let bytes = self.pages.read(batch)?;
        zstd::bulk::compress(&bytes, PACKED_LEVEL).map_err(|error| unwritable(&error))
    }

    /// Appends a batch of `rows` rows that [`PlanSpool::packed`] made. `false` when it can't have.
    ///
    /// # Errors
    /// As [`PlanSpool::push`].
    pub fn push_packed(&mut self, packed: &[u8], rows: usize) -> Result<bool> {
        let Ok(bytes) = zstd::stream::decode_all(packed) else {
            return Ok(false);
        };
        match postcard::from_bytes::<Planned>(&bytes) {
            Ok(planned) if planned.outcomes.len() == rows => {
                self.pages.push(&bytes)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

/// A batch as bytes; made in parallel, pushed in order.
pub struct Encoded {
    first_row: RowNumber,
    rows: u32,
    bytes: Vec<u8>,
    marks: Vec<Mark>,
    passwords: Vec<u8>,
}

/// Where the place of each [`MARKED`]th row is among the packed places of its batch, and the line before
/// it. Each row that clashes names others, in whatever batch, by their lines.
struct Mark {
    line: u64,
    at: u32,
}

/// Rows from one mark to the next.
const MARKED: usize = 64;

impl Spool {
    /// An empty spool in a scratch file.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn new() -> Result<Spool> {
        Ok(Spool {
            pages: Pages::new()?,
            rows: Vec::new(),
            marks: Vec::new(),
            passwords: None,
            pages_of_passwords: HashMap::new(),
        })
    }

    /// Appends the next batch.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk is full.
    pub fn push(&mut self, encoded: Encoded) -> Result<()> {
        self.push_passwords(self.rows.len(), &encoded.passwords)?;
        self.pages.push(&encoded.bytes)?;
        self.rows.push((encoded.first_row, encoded.rows));
        self.marks.push(encoded.marks);
        Ok(())
    }

    /// Adds password hashes to batch number `batch`, which came from a plan without them.
    ///
    /// # Errors
    /// As [`Spool::push`].
    pub fn add_passwords(&mut self, batch: usize, passwords: &Passwords) -> Result<()> {
        self.push_passwords(batch, &encode_passwords(passwords))
    }

    fn push_passwords(&mut self, batch: usize, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.passwords.is_none() {
            self.passwords = Some(Pages::new()?);
        }
        if let Some(pages) = &mut self.passwords {
            self.pages_of_passwords.insert(batch, pages.index.len());
            pages.push(bytes)?;
        }
        Ok(())
    }

    /// As [`Spool::read`], with the password hashes of the batch: for what writes them into the
    /// accounts, and nothing else.
    ///
    /// # Errors
    /// As [`Spool::read`].
    pub fn read_with_passwords(&self, batch: usize) -> Result<People> {
        let mut people = self.read(batch)?;
        if let (Some(pages), Some(page)) = (&self.passwords, self.pages_of_passwords.get(&batch)) {
            let bytes = pages.read(*page)?;
            let hashes = read_table(&mut Reader(&bytes), people.len(), 1).ok_or_else(damaged)?;
            people.drafts.passwords.hashes = hashes;
        }
        Ok(people)
    }

    /// How many batches there are.
    pub fn batches(&self) -> usize {
        self.rows.len()
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.rows
            .last()
            .map_or(0, |(first, count)| u64::from(*first) + u64::from(*count))
    }

    /// The first row of batch number `batch`.
    pub fn first_row(&self, batch: usize) -> RowNumber {
        self.rows[batch].0
    }

    /// How many rows batch number `batch` has.
    pub fn rows_in(&self, batch: usize) -> usize {
        self.rows[batch].1 as usize
    }

    /// Batch number `batch`, as it was pushed. Several threads may read at once.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk fails.
    pub fn read(&self, batch: usize) -> Result<People> {
        decode(&self.pages.read(batch)?).ok_or_else(damaged)
    }

    /// The batch that holds `row`.
    pub fn batch_of(&self, row: RowNumber) -> usize {
        self.rows
            .partition_point(|(first, _)| *first <= row)
            .saturating_sub(1)
    }

    /// Of which file a row is, and its line there.
    ///
    /// # Errors
    /// As [`Spool::read`].
    pub fn line(&self, row: RowNumber) -> Result<(u16, u64)> {
        let batch = self.batch_of(row);
        let index = (row - self.first_row(batch)) as usize;
        let head = self.head(batch)?;
        let marks = &self.marks[batch];
        let mark = marks.get(index / MARKED).ok_or_else(damaged)?;
        let next = marks.get(index / MARKED + 1);
        let end = next.map_or(head.places, |next| next.at as usize);
        let length = end.checked_sub(mark.at as usize).ok_or_else(damaged)?;
        let (offset, _) = self.pages.index[batch];
        let offset = offset + (HEAD_BYTES + mark.at as usize) as u64;
        let places = self.pages.read_at(offset, length)?;
        let line = line_after(mark.line, &mut Reader(&places), index % MARKED);
        Ok((head.source, line.ok_or_else(damaged)?))
    }

    /// The values of one row, read without the rest of its batch.
    ///
    /// # Errors
    /// As [`Spool::read`].
    pub fn values(&self, row: RowNumber) -> Result<Vec<String>> {
        let batch = self.batch_of(row);
        let (first_row, rows) = self.rows[batch];
        let (offset, _) = self.pages.index[batch];
        let index = (row - first_row) as usize;
        let Head { width, places, .. } = self.head(batch)?;
        let ends_at = offset + (HEAD_BYTES + places) as u64;
        let lengths_at = ends_at + u64::from(rows) * 4;
        let text_at = lengths_at + u64::from(rows) * width as u64 + 4;
        let lengths = self
            .pages
            .read_at(lengths_at + (index * width) as u64, width)?;
        if lengths.contains(&LONG) {
            let values = self.read(batch)?.drafts.values;
            return Ok(values.row(index).map(String::from).collect());
        }
        let end = self.pages.read_at(ends_at + index as u64 * 4, 4)?;
        let end = Reader(&end).u32().ok_or_else(damaged)?;
        let length = lengths.iter().map(|length| usize::from(*length)).sum();
        let start = u64::from(end) - length as u64;
        let text = self.pages.read_at(text_at + start, length)?;
        let text = String::from_utf8(text).map_err(|_| damaged())?;
        let mut rest = text.as_str();
        let cell = |length: &u8| {
            let (cell, behind) = rest.split_at_checked(usize::from(*length))?;
            rest = behind;
            Some(cell.to_string())
        };
        lengths
            .iter()
            .map(cell)
            .collect::<Option<_>>()
            .ok_or_else(damaged)
    }

    /// Which input batch number `batch` comes from and where its rows are, read without the rest.
    ///
    /// # Errors
    /// As [`Spool::read`].
    pub fn places(&self, batch: usize) -> Result<(u16, Vec<Place>)> {
        let (offset, _) = self.pages.index[batch];
        let head = self.head(batch)?;
        let offset = offset + HEAD_BYTES as u64;
        let places = self.pages.read_at(offset, head.places)?;
        let places = read_places(&mut Reader(&places), head.rows).ok_or_else(damaged)?;
        Ok((head.source, places))
    }

    fn head(&self, batch: usize) -> Result<Head> {
        let (offset, _) = self.pages.index[batch];
        let head = self.pages.read_at(offset, HEAD_BYTES)?;
        read_head(&mut Reader(&head)).ok_or_else(damaged)
    }
}

/// Is for the length of a value of this many bytes or more, which is among the long ones.
const LONG: u8 = 255;
/// Is for the length of a key that is the same as one of the row's values.
const SAME: u8 = 254;
/// How the bytes of a batch are laid out; plans of another layout can't be read.
const LAYOUT: &str = "3";

/// What a batch begins with.
struct Head {
    source: u16,
    first_row: RowNumber,
    rows: usize,
    width: usize,
    /// How many bytes its places take, which follow.
    places: usize,
}

const HEAD_BYTES: usize = 2 + 4 + 4 + 4 + 4;

pub(crate) fn unwritable(error: &std::io::Error) -> Refusal {
    Refusal::new(
        Code::OutputUnwritable,
        format!("the scratch file can't be used: {error}"),
    )
    .help("free some space in the folder for temporary files, or set `TMPDIR` to another one")
}

fn damaged() -> Refusal {
    unwritable(&std::io::Error::other("it was damaged"))
}

/// A batch as bytes: head, values, then everything else. Short, since all of them are written to disk
/// and read back more than once: lengths instead of ends, and no key that is one of the row's values.
pub fn encode(people: &People) -> Encoded {
    let drafts = &people.drafts;
    let rows = people.len() as u32;
    let mut out =
        Vec::with_capacity(drafts.values.text.len() + people.keys.text.len() + 50 * people.len());
    out.extend_from_slice(&drafts.source.to_le_bytes());
    out.extend_from_slice(&drafts.first_row.to_le_bytes());
    out.extend_from_slice(&rows.to_le_bytes());
    out.extend_from_slice(&(drafts.values.width as u32).to_le_bytes());
    let mut places = Vec::with_capacity(4 * people.len());
    let mut before = Place { line: 0, byte: 0 };
    let mut marks = Vec::with_capacity(people.len() / MARKED + 1);
    for (index, place) in drafts.places.iter().enumerate() {
        if index % MARKED == 0 {
            marks.push(Mark {
                line: before.line,
                at: places.len() as u32,
            });
        }
        put_number(&mut places, place.line.wrapping_sub(before.line));
        put_number(&mut places, place.byte.wrapping_sub(before.byte));
        before = *place;
    }
    out.extend_from_slice(&(places.len() as u32).to_le_bytes());
    out.extend_from_slice(&places);
    put_values(&mut out, &drafts.values);
    put_keys(&mut out, &people.keys, &drafts.values);
    let rules = drafts.rules.iter();
    rules.for_each(|rules| put_number(&mut out, u64::from(*rules)));
    for verdict in &people.verdicts {
        put_number(
            &mut out,
            match verdict {
                Verdict::Kept => 0,
                Verdict::Rejected => 1,
                Verdict::Duplicate(of) => 2 + u64::from(*of),
                Verdict::Nobody => NOBODY,
            },
        );
    }
    out.extend_from_slice(&packed(&drafts.issues));
    // Who has a password, but none of them: these bytes go into plans, too.
    let has = drafts.passwords.any().then_some(&drafts.passwords.has);
    let has = has.map_or(&[][..], Vec::as_slice);
    out.extend_from_slice(&(has.len() as u32).to_le_bytes());
    out.extend(has.iter().map(|has| u8::from(*has)));
    Encoded {
        first_row: drafts.first_row,
        rows,
        bytes: out,
        marks,
        passwords: encode_passwords(&drafts.passwords),
    }
}

/// The hashes of a batch as bytes; none where no row has one.
fn encode_passwords(passwords: &Passwords) -> Vec<u8> {
    let mut out = Vec::new();
    if passwords.any() && !passwords.hashes.is_empty() {
        let ends = passwords.hashes.ends.iter();
        out.extend(ends.flat_map(|end| end.to_le_bytes()));
        put_text(&mut out, &passwords.hashes.text);
    }
    out
}

/// The ends of rows, the lengths of values, the text, and what [`LONG`] represents.
fn put_values(out: &mut Vec<u8>, values: &Table) {
    for row in values.ends.chunks_exact(values.width.max(1)) {
        let end = row.last().copied().unwrap_or_default();
        out.extend_from_slice(&end.to_le_bytes());
    }
    let mut long = Vec::new();
    let mut start = 0;
    for end in &values.ends {
        let length = end - start;
        start = *end;
        match u8::try_from(length) {
            Ok(short) if short != LONG => out.push(short),
            _ => {
                out.push(LONG);
                put_number(&mut long, u64::from(length));
            }
        }
    }
    put_text(out, &values.text);
    out.extend_from_slice(&long);
}

fn read_values(reader: &mut Reader, rows: usize, width: usize) -> Option<Table> {
    reader.take(rows * 4)?;
    let lengths = reader.take(rows * width)?;
    let text = reader.text()?;
    let mut end = 0u32;
    let mut ends = Vec::with_capacity(lengths.len());
    for length in lengths {
        end = end.checked_add(match *length {
            LONG => u32::try_from(reader.number()?).ok()?,
            length => u32::from(length),
        })?;
        ends.push(end);
    }
    let fits = ends.last().is_none_or(|end| *end as usize == text.len());
    fits.then_some(Table { width, text, ends })
}

/// For each key, the column of values that the first row with one has it in, if any; then lengths, and
/// the keys that are no such values.
fn put_keys(out: &mut Vec<u8>, keys: &Table, values: &Table) {
    let column = |key: usize| {
        let row = (0..keys.len()).find(|row| !keys.get(*row, key).is_empty())?;
        values
            .row(row)
            .position(|value| value == keys.get(row, key))
    };
    let columns: Vec<Option<usize>> = (0..keys.width).map(column).collect();
    for column in &columns {
        let column = column.and_then(|column| u16::try_from(column).ok());
        out.extend_from_slice(&column.unwrap_or(u16::MAX).to_le_bytes());
    }
    let mut text = String::new();
    let mut long = Vec::new();
    for row in 0..keys.len() {
        for (key, column) in columns.iter().enumerate() {
            let key = keys.get(row, key);
            match u8::try_from(key.len()) {
                _ if column.is_some_and(|column| values.get(row, column) == key) => {
                    out.push(SAME);
                    continue;
                }
                Ok(short) if short < SAME => out.push(short),
                _ => {
                    out.push(LONG);
                    put_number(&mut long, key.len() as u64);
                }
            }
            text.push_str(key);
        }
    }
    put_text(out, &text);
    out.extend_from_slice(&long);
}

fn read_keys(reader: &mut Reader, rows: usize, values: &Table) -> Option<Table> {
    let columns = [reader.u16()?, reader.u16()?, reader.u16()?];
    let lengths = reader.take(rows * columns.len())?;
    let text = reader.text()?;
    let mut rest = text.as_str();
    let mut keys = Table::new(columns.len());
    keys.text.reserve(text.len() + values.text.len() / 3);
    keys.ends.reserve(lengths.len());
    for (row, lengths) in lengths.chunks_exact(columns.len()).enumerate() {
        for (column, length) in columns.iter().zip(lengths) {
            let length = match *length {
                SAME if usize::from(*column) < values.width => {
                    keys.push(values.get(row, usize::from(*column)));
                    continue;
                }
                LONG => usize::try_from(reader.number()?).ok()?,
                length => usize::from(length),
            };
            let (key, behind) = rest.split_at_checked(length)?;
            keys.push(key);
            rest = behind;
        }
    }
    Some(keys)
}

/// A number as LEB128: seven bits a byte.
fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// A value of muster's own in postcard, which fails only on what doesn't know its length.
fn packed(value: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(value).unwrap_or_default()
}

/// A batch and its plan in one, for a plan file.
pub fn pack(people: &People, planned: &Planned) -> Vec<u8> {
    let people = encode(people).bytes;
    let mut out = Vec::with_capacity(people.len() + 64);
    out.extend_from_slice(&(people.len() as u32).to_le_bytes());
    out.extend_from_slice(&people);
    out.extend_from_slice(&packed(planned));
    out
}

/// What [`pack`] made its bytes from; `None` when it can't have made them.
pub fn unpack(bytes: &[u8]) -> Option<(People, Planned)> {
    let reader = &mut Reader(bytes);
    let length = reader.u32()? as usize;
    let people = decode(reader.take(length)?)?;
    Some((people, postcard::from_bytes(reader.0).ok()?))
}

/// Tells builds apart whose packed batches mean different things: numbers in them represent the
/// words in these lists.
pub fn dialect() -> String {
    let words = Code::ALL
        .iter()
        .map(|code| code.name())
        .chain(Field::ALL.map(Field::name))
        .chain(Outcome::ALL.map(Outcome::name))
        .chain(Rule::ALL.iter().map(|rule| rule.name()))
        .chain([LAYOUT]);
    let words: Vec<&str> = words.collect();
    format!("{:016x}", xxh3_64(words.join(" ").as_bytes()))
}

fn decode(bytes: &[u8]) -> Option<People> {
    let reader = &mut Reader(bytes);
    let Head {
        source,
        first_row,
        rows,
        width,
        ..
    } = read_head(reader)?;
    let places = read_places(reader, rows)?;
    let values = read_values(reader, rows, width)?;
    let keys = read_keys(reader, rows, &values)?;
    let rules = (0..rows)
        .map(|_| u32::try_from(reader.number()?).ok())
        .collect::<Option<_>>()?;
    let verdicts = (0..rows)
        .map(|_| {
            Some(match reader.number()? {
                0 => Verdict::Kept,
                1 => Verdict::Rejected,
                NOBODY => Verdict::Nobody,
                of => Verdict::Duplicate(RowNumber::try_from(of - 2).ok()?),
            })
        })
        .collect::<Option<_>>()?;
    let (issues, rest) = postcard::take_from_bytes(reader.0).ok()?;
    reader.0 = rest;
    let count = reader.u32()? as usize;
    let has = reader.take(count)?.iter().map(|has| *has == 1).collect();
    let drafts = Drafts {
        source,
        first_row,
        values,
        places,
        rules,
        issues,
        passwords: Passwords {
            has,
            ..Passwords::default()
        },
        ..Drafts::default()
    };
    Some(People {
        drafts,
        keys,
        verdicts,
    })
}

fn read_head(reader: &mut Reader) -> Option<Head> {
    Some(Head {
        source: reader.u16()?,
        first_row: reader.u32()?,
        rows: reader.u32()? as usize,
        width: reader.u32()? as usize,
        places: reader.u32()? as usize,
    })
}

fn read_places(reader: &mut Reader, rows: usize) -> Option<Vec<Place>> {
    let mut place = Place { line: 0, byte: 0 };
    let next = |_| {
        place.line = place.line.wrapping_add(reader.number()?);
        place.byte = place.byte.wrapping_add(reader.number()?);
        Some(place)
    };
    (0..rows).map(next).collect()
}

/// The line of the row `index` after a mark whose row is after `line`.
fn line_after(mut line: u64, reader: &mut Reader, index: usize) -> Option<u64> {
    for _ in 0..=index {
        line = line.wrapping_add(reader.number()?);
        reader.number()?;
    }
    Some(line)
}

fn read_table(reader: &mut Reader, rows: usize, width: usize) -> Option<Table> {
    let ends = reader.u32s_of(rows * width)?;
    Some(Table {
        width,
        text: reader.text()?,
        ends,
    })
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

    #[inline]
    fn number(&mut self) -> Option<u64> {
        // Most are one byte.
        if let [byte @ ..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Some(u64::from(*byte));
        }
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn u32s_of(&mut self, count: usize) -> Option<Vec<u32>> {
        let (words, _) = self.take(count * 4)?.as_chunks::<4>();
        Some(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
    }

    fn text(&mut self) -> Option<String> {
        let length = self.u32()? as usize;
        Some(
            simdutf8::basic::from_utf8(self.take(length)?)
                .ok()?
                .to_string(),
        )
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::decision::Trace;
    use crate::field::Key;
    use crate::issue::Issue;

    fn batch(first_row: RowNumber, rows: &[[&str; 2]]) -> People {
        let mut values = Table::new(2);
        let mut keys = Table::new(3);
        for row in rows {
            row.iter().for_each(|value| values.push(value));
            ["", row[0], ""].iter().for_each(|key| keys.push(key));
        }
        let places = (0..rows.len())
            .map(|line| Place {
                line: line as u64 + 2,
                byte: u64::MAX,
            })
            .collect();
        let issue = Issue::of_field(
            Code::EmailTypo,
            first_row,
            Field::Email,
            "a@gmial.com",
            "a@gmail.com",
        );
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
        if let Some(second) = verdicts.get_mut(1) {
            *second = Verdict::Nobody;
        }
        People {
            drafts,
            keys,
            verdicts,
        }
    }

    #[test]
    fn a_plan_says_who_has_a_password_and_has_none() {
        let mut people = batch(0, &[["e", "b"], ["", "c"]]);
        people.drafts.passwords.push(None, 1);
        people.drafts.passwords.push(Some("$2b$12$secret"), 2);
        let packed = pack(&people, &Planned::default());
        assert!(!String::from_utf8_lossy(&packed).contains("secret"));
        let mut spool = Spool::new().unwrap();
        spool.push(encode(&people)).unwrap();
        let (unpacked, _) = unpack(&packed).unwrap();
        for bare in [unpacked, spool.read(0).unwrap()] {
            let passwords = &bare.drafts.passwords;
            assert_eq!([passwords.has(0), passwords.has(1)], [false, true]);
            assert_eq!(passwords.get(1), None);
        }
        let whole = spool.read_with_passwords(0).unwrap().drafts.passwords;
        assert_eq!([whole.get(0), whole.get(1)], [None, Some("$2b$12$secret")]);
        assert!(!format!("{whole:?} {people:?}").contains("secret"));
    }

    #[test]
    fn a_plan_can_be_replaced_and_comes_back_from_what_is_packed() {
        let planned = |outcomes: &[Outcome]| Planned {
            outcomes: outcomes.to_vec(),
            issues: vec![Issue::of_row(Code::MatchTwice, 7, "détail")],
            accounts: vec![(7, Uuid::from_u128(1 << 77))],
            updates: vec![(7, Default::default())],
            traces: vec![Trace {
                row: 7,
                by: Some(Key::Username),
                state: u128::MAX - 3,
            }],
        };
        let both = [Outcome::Created, Outcome::Held];
        let mut plan = PlanSpool::new().unwrap();
        plan.push(&planned(&[Outcome::Updated])).unwrap();
        plan.push(&planned(&both)).unwrap();
        plan.replace(0, &planned(&[Outcome::Failed])).unwrap();
        let mut again = PlanSpool::new().unwrap();
        for (batch, rows) in [(0, 1), (1, 2)] {
            let packed = plan.packed(batch).unwrap();
            assert!(!again.push_packed(&packed, rows + 1).unwrap());
            assert!(!again.push_packed(&packed[1..], rows).unwrap());
            assert!(again.push_packed(&packed, rows).unwrap());
        }
        assert_eq!((plan.batches(), again.batches()), (2, 2));
        for plan in [plan, again] {
            assert_eq!(plan.read(0).unwrap().outcomes, [Outcome::Failed]);
            let (read, pushed) = (plan.read(1).unwrap(), planned(&both));
            assert_eq!(
                (&read.outcomes, &read.issues),
                (&pushed.outcomes, &pushed.issues)
            );
            assert_eq!(
                (&read.accounts, &read.traces),
                (&pushed.accounts, &pushed.traces)
            );
            assert_eq!(read.updates, pushed.updates);
        }
    }

    #[test]
    fn what_is_pushed_comes_back() {
        let long = [254, 255, 256, 70_000]
            .map(|length| "é".repeat(length / 2) + "x".repeat(length % 2).as_str());
        let long = long.each_ref().map(String::as_str);
        let mut batches = [
            batch(0, &[["é", "b"], ["", "c"], ["d", ""]]),
            batch(3, &[["e", "f"]]),
            batch(
                4,
                &[[long[0], ""], ["", long[1]], [long[2], long[3]], ["x", "y"]],
            ),
        ];
        // A key that is not a value, and places far from each other.
        batches[2].keys = Table::new(3);
        for key in [
            "", long[0], "", long[1], "", "Y", "", "z", long[3], "x", "x", "x",
        ] {
            batches[2].keys.push(key);
        }
        batches[2].drafts.places[1].byte = 5;
        let mut spool = Spool::new().unwrap();
        for people in &batches {
            spool.push(encode(people)).unwrap();
        }
        assert_eq!((spool.batches(), spool.rows()), (3, 8));
        for (number, people) in batches.iter().enumerate() {
            let read = spool.read(number).unwrap();
            assert_eq!(read.drafts.values, people.drafts.values);
            assert_eq!(read.keys, people.keys);
            assert_eq!(read.drafts.places, people.drafts.places);
            let places = (people.drafts.source, people.drafts.places.clone());
            assert_eq!(spool.places(number).unwrap(), places);
            assert_eq!(read.drafts.issues, people.drafts.issues);
            assert_eq!(read.verdicts, people.verdicts);
            assert_eq!(
                (read.drafts.source, &read.drafts.rules),
                (1, &people.drafts.rules)
            );
        }
        let rows: Vec<_> = (0..4).map(|row| spool.values(row).unwrap()).collect();
        assert_eq!(rows, [["é", "b"], ["", "c"], ["d", ""], ["e", "f"]]);
        let lines: Vec<_> = (0..4).map(|row| spool.line(row).unwrap()).collect();
        assert_eq!(lines, [(1, 2), (1, 3), (1, 4), (1, 2)]);
        let rows: Vec<_> = (4..8).map(|row| spool.values(row).unwrap()).collect();
        assert_eq!(
            rows,
            [[long[0], ""], ["", long[1]], [long[2], long[3]], ["x", "y"]]
        );
    }

    #[test]
    fn each_row_of_a_long_batch_has_its_line() {
        let mut people = People::default();
        people.drafts.values = Table::new(1);
        people.keys = Table::new(Key::ALL.len());
        for row in 0..200_u64 {
            people.drafts.values.push("x");
            Key::ALL.iter().for_each(|_| people.keys.push(""));
            people.drafts.rules.push(0);
            people.verdicts.push(Verdict::Kept);
            people.drafts.places.push(Place {
                line: 2 + row * row,
                byte: 1_000 * row,
            });
        }
        let mut spool = Spool::new().unwrap();
        spool.push(encode(&people)).unwrap();
        for (row, place) in (0..).zip(&people.drafts.places) {
            assert_eq!(spool.line(row).unwrap(), (0, place.line));
        }
    }
}
