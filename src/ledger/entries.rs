//! `ledger.parquet`: every row of the run and what happened to it, a line each, no personal values.
//!
//! Written batch by batch with polars, so that its size doesn't matter; any tool that reads
//! Parquet can ask it questions.

use crate::history::Entry;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use polars_core::prelude::{Column, DataFrame, DataType, Field, PlSmallStr, PolarsError, Schema};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use polars_io::parquet::write::{BatchedWriter, ParquetWriter};

use super::{packing, series};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// The ledger's columns for some rows, each with a value a row.
#[derive(Debug, Default)]
pub struct Entries<'a> {
    /// The row's number in the run, from 1.
    pub row: Vec<u64>,
    /// The file, as given.
    pub file: Vec<&'a str>,
    /// Physical line, or row of the sheet.
    pub line: Vec<u64>,
    /// Offset of its first byte; none on a sheet.
    pub byte: Vec<Option<u64>>,
    /// The outcome's word.
    pub outcome: Vec<&'static str>,
    /// The account that it made, changed or matched.
    pub account: Vec<Option<String>>,
    /// For a duplicate: the number of the row that it equals, from 1.
    pub duplicate_of: Vec<Option<u64>>,
    /// Cleaning rules that changed something, by comma.
    pub cleaned: Vec<Cow<'static, str>>,
    /// Codes of its issues, by comma.
    pub issues: Vec<Cow<'static, str>>,
}

impl Entries<'_> {
    /// Puts those of `next` after these.
    pub fn append(&mut self, mut next: Self) {
        self.row.append(&mut next.row);
        self.file.append(&mut next.file);
        self.line.append(&mut next.line);
        self.byte.append(&mut next.byte);
        self.outcome.append(&mut next.outcome);
        self.account.append(&mut next.account);
        self.duplicate_of.append(&mut next.duplicate_of);
        self.cleaned.append(&mut next.cleaned);
        self.issues.append(&mut next.issues);
    }
}

/// A ledger under way.
pub struct Ledger {
    /// Its end flushes, and tells what went wrong.
    writer: BatchedWriter<BufWriter<File>>,
}

impl Ledger {
    /// Begins a ledger in `file`.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn begin(file: File, path: &Path) -> Result<Ledger> {
        let columns = [
            ("row", DataType::UInt64),
            ("file", DataType::String),
            ("line", DataType::UInt64),
            ("byte", DataType::UInt64),
            ("outcome", DataType::String),
            ("account", DataType::String),
            ("duplicate_of", DataType::UInt64),
            ("cleaned", DataType::String),
            ("issues", DataType::String),
        ];
        let fields = columns.map(|(name, kind)| Field::new(PlSmallStr::from_static(name), kind));
        let schema = Schema::from_iter(fields);
        // Headers of pages come a byte at a time.
        let writer = ParquetWriter::new(BufWriter::with_capacity(256 << 10, file))
            .with_compression(packing())
            .batched(&schema)
            .map_err(|error| unwritable(path, &error))?;
        Ok(Ledger { writer })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn write(&mut self, entries: Entries<'_>, path: &Path) -> Result<()> {
        let height = entries.row.len();
        if height == 0 {
            return Ok(());
        }
        let columns: Vec<Column> = vec![
            series("row", entries.row),
            series("file", entries.file),
            series("line", entries.line),
            series("byte", entries.byte),
            series("outcome", entries.outcome),
            series("account", entries.account),
            series("duplicate_of", entries.duplicate_of),
            series("cleaned", entries.cleaned),
            series("issues", entries.issues),
        ];
        DataFrame::new(height, columns)
            .and_then(|frame| self.writer.write_batch(&frame))
            .map_err(|error| unwritable(path, &error))
    }

    /// Writes the end, without which the file can't be read.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn finish(self, path: &Path) -> Result<()> {
        self.writer
            .finish()
            .map(|_| ())
            .map_err(|error| unwritable(path, &error))
    }
}

/// The numbers of the rows, from 0, that are at `line` of a file of the run; of `file` alone when
/// that is given, by its path or its name.
///
/// # Errors
/// `output.unwritable` where the ledger at `path` is gone or damaged.
pub fn rows_at(path: &Path, file: Option<&str>, line: u64) -> Result<Vec<u32>> {
    let gone = |error: &dyn std::fmt::Display| {
        let what = format!(
            "the run's ledger `{}` can't be read: {error}",
            path.display()
        );
        Refusal::new(Code::OutputUnwritable, what)
            .help("name people by address, group, role or organization instead of by row")
    };
    let open = File::open(path).map_err(|error| gone(&error))?;
    let wanted = ["row", "file", "line"].map(String::from).to_vec();
    let frame = ParquetReader::new(open)
        .with_columns(Some(wanted))
        .finish()
        .map_err(|error| gone(&error))?;
    let column = |name: &str| frame.column(name).map_err(|error| gone(&error));
    let rows = column("row")?.u64().map_err(|error| gone(&error))?;
    let files = column("file")?.str().map_err(|error| gone(&error))?;
    let lines = column("line")?.u64().map_err(|error| gone(&error))?;
    let of_file = |name: &str| {
        file.is_none_or(|file| {
            name == file || Path::new(name).file_name().is_some_and(|end| end == file)
        })
    };
    Ok(rows
        .iter()
        .zip(files.iter())
        .zip(lines.iter())
        .filter(|((_, name), at)| *at == Some(line) && name.is_some_and(of_file))
        .filter_map(|((row, _), _)| u32::try_from(row?.checked_sub(1)?).ok())
        .collect())
}

/// The rows of the ledger at `path` that have one of `numbers` or are about `account`, and the
/// duplicates of those; in order. `None` where the ledger is gone or damaged.
pub fn find(path: &Path, numbers: &[u32], account: Option<&str>) -> Option<Vec<Entry>> {
    let frame = ParquetReader::new(File::open(path).ok()?).finish().ok()?;
    let number = |name: &str| frame.column(name).ok()?.u64().ok();
    let text = |name: &str| frame.column(name).ok()?.str().ok();
    let (rows, duplicates) = (number("row")?, number("duplicate_of")?);
    let (accounts, lines, files) = (text("account")?, number("line")?, text("file")?);
    let (outcomes, cleaned, issues) = (text("outcome")?, text("cleaned")?, text("issues")?);
    let from_0 = |number: u64| u32::try_from(number.checked_sub(1)?).ok();
    let mut found: Vec<Entry> = Vec::new();
    let mut wanted: HashSet<u32> = numbers.iter().copied().collect();
    for index in 0..frame.height() {
        let row = rows.get(index).and_then(from_0)?;
        let duplicate_of = duplicates.get(index).and_then(from_0);
        let of_account = account.is_some() && accounts.get(index) == account;
        let is_wanted =
            wanted.contains(&row) || duplicate_of.is_some_and(|of| wanted.contains(&of));
        if !of_account && !is_wanted {
            continue;
        }
        wanted.insert(row);
        found.push(Entry {
            row,
            file: files.get(index)?.to_string(),
            line: lines.get(index)?,
            outcome: outcomes.get(index)?.to_string(),
            account: accounts.get(index).map(String::from),
            duplicate_of,
            cleaned: cleaned.get(index)?.to_string(),
            issues: issues.get(index)?.to_string(),
        });
    }
    Some(found)
}

fn unwritable(path: &Path, error: &PolarsError) -> Refusal {
    Refusal::new(
        Code::OutputUnwritable,
        format!("`{}` can't be written: {error}", path.display()),
    )
}
