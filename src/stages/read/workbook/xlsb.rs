//! The binary form of Office Open XML ([MS-XLSB]), record by record.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{BufReader, Error, Read, Result as IoResult};

use super::guard::{self, Archive, Budget, Checked, Part};
use super::line::Line;
use super::number_format::{NumberFormat, builtin};
use super::refuse::{damaged, refusal};
use super::remark::Kind;
use super::wire::{Book, BookKind, Sheet};
use super::xlsx::relations;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::stages::read::workbook::job::{Each, Job, Next, check_sheets};

/// The longest record; a cell of 32,767 characters takes 64 KiB, with as much for its formula.
const RECORD_BYTES_MAX: usize = 4 << 20;
const AREAS_MAX: usize = 10_000;

/// What all sheets share.
#[derive(Default)]
struct Shared {
    is_1904: bool,
    strings: Vec<Box<str>>,
    formats: Vec<NumberFormat>,
}

/// Goes through a workbook; see [`Each`].
pub(super) fn pass(job: &Job, each: &mut Each) -> Result<Book> {
    let broken = |error: Error| damaged(job.path, &error);
    let (mut archive, names) = guard::open(job)?;
    let total = Budget::of_archive(job)?;
    let mut unchecked = Vec::new();
    for (index, name) in names.iter().enumerate().filter(|_| job.only.is_none()) {
        let name = (index, name.as_str());
        match is_sheet(name.1) {
            // It is checked while it is read.
            true => unchecked.push(index),
            false => drop(guard::check_part(job, &mut archive, name, &total)?),
        }
    }
    let mut shared = Shared::default();
    let mut sheets = list(&mut archive, &names, &mut shared).map_err(broken)?;
    check_sheets(job, sheets.len())?;
    shared.formats = formats(&mut archive, &names).map_err(broken)?;
    shared.strings = strings(job, &mut archive, &names)?;
    for (index, (sheet, part)) in sheets.iter_mut().enumerate() {
        if job.only.is_none_or(|only| only.sheet == index) {
            let name = spelled(&names, part);
            let body = archive.by_name(&name);
            let body = body.map_err(|error| damaged(job.path, &error))?;
            let at = names.iter().position(|other| *other == name);
            let is_new = at.is_some_and(|at| unchecked.contains(&at));
            let packed = body.compressed_size();
            let refused = Cell::new(None);
            let body = Checked {
                body,
                part: is_new.then(|| Part::new(job, &name, packed, &total)),
                refused: &refused,
            };
            let read = rows(job, Records::new(body), &shared, index, sheet, each);
            refused.take().map_or(read, Err)?;
            unchecked.retain(|other| Some(*other) != at);
        }
    }
    for index in unchecked {
        guard::check_part(job, &mut archive, (index, &names[index]), &total)?;
    }
    Ok(Book {
        kind: BookKind::Xlsb,
        is_1904: shared.is_1904,
        sheets: sheets.into_iter().map(|(sheet, _)| sheet).collect(),
        left_out: Vec::new(),
        separators: Vec::new(),
        checked: 0,
    })
}

fn is_sheet(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("worksheets/") && name.ends_with(".bin")
}

/// The part of that name as the archive spells it; case doesn't matter to Excel.
fn spelled(names: &[String], part: &str) -> String {
    let found = names.iter().find(|name| name.eq_ignore_ascii_case(part));
    found.map_or(part, String::as_str).to_string()
}

/// The sheets of cells and their parts.
fn list(
    archive: &mut Archive,
    names: &[String],
    shared: &mut Shared,
) -> IoResult<Vec<(Sheet, String)>> {
    let targets =
        relations(archive, &spelled(names, "xl/_rels/workbook.bin.rels")).unwrap_or_default();
    let mut records = Records::new(archive.by_name(&spelled(names, "xl/workbook.bin"))?);
    let mut sheets = Vec::new();
    while let Some(kind) = records.next()? {
        match kind {
            // BrtWbProp
            0x99 => shared.is_1904 = records.u32(0)? & 1 == 1,
            // BrtBundleSh
            0x9c => {
                let (id, next) = records.text(8)?;
                let (name, _) = records.text(next)?;
                let Some((kind, target)) = targets.get(&id) else {
                    continue;
                };
                if kind.ends_with("/worksheet") {
                    let part = match target.strip_prefix('/') {
                        Some(absolute) => absolute.to_string(),
                        None => format!("xl/{target}"),
                    };
                    let sheet = Sheet {
                        name,
                        is_hidden: records.u32(0)? != 0,
                        ..Sheet::default()
                    };
                    sheets.push((sheet, part));
                }
            }
            _ => {}
        }
    }
    Ok(sheets)
}

/// The format of each style.
fn formats(archive: &mut Archive, names: &[String]) -> IoResult<Vec<NumberFormat>> {
    let Ok(body) = archive.by_name(&spelled(names, "xl/styles.bin")) else {
        return Ok(Vec::new());
    };
    let mut records = Records::new(body);
    let mut codes = HashMap::new();
    let mut formats = Vec::new();
    let mut is_cells = false;
    while let Some(kind) = records.next()? {
        match kind {
            // BrtFmt
            0x2c => {
                codes.insert(records.u16(0)?, records.text(2)?.0);
            }
            // BrtBeginCellXFs and its end
            0x269 => is_cells = true,
            0x26a => is_cells = false,
            // BrtXF
            0x2f if is_cells => {
                let id = records.u16(2)?;
                let code = codes.get(&id).map_or(builtin(id), String::as_str);
                formats.push(NumberFormat::new(Some(u32::from(id)), code));
            }
            _ => {}
        }
    }
    Ok(formats)
}

fn strings(job: &Job, archive: &mut Archive, names: &[String]) -> Result<Vec<Box<str>>> {
    let broken = |error: Error| damaged(job.path, &error);
    let mut strings = Vec::new();
    let Ok(body) = archive.by_name(&spelled(names, "xl/sharedStrings.bin")) else {
        return Ok(strings);
    };
    let mut records = Records::new(body);
    while let Some(kind) = records.next().map_err(broken)? {
        // BrtSSTItem
        if kind == 0x13 {
            if strings.len() as u64 == job.limits.strings {
                let what = format!(
                    "has more than {} strings; that is the limit",
                    job.limits.strings
                );
                return Err(refusal(Code::FileLimit, job.path, &what));
            }
            strings.push(records.text(1).map_err(broken)?.0.into_boxed_str());
        }
    }
    Ok(strings)
}

/// Hands every row of a sheet on that holds anything, and notes what is hidden and merged.
fn rows<R: Read>(
    job: &Job,
    mut records: Records<R>,
    shared: &Shared,
    index: usize,
    sheet: &mut Sheet,
    each: &mut Each,
) -> Result<()> {
    let broken = |error: Error| damaged(job.path, &error);
    let mut line = Line::new(job.path, job.limits).with_natives(job.natives);
    let mut row: Option<u32> = None;
    let mut is_hidden = false;
    let mut is_wanted = true;
    while let Some(kind) = records.next().map_err(broken)? {
        match kind {
            // BrtRowHdr, and BrtEndSheetData after the last of them
            0x00 | 0x92 => {
                if row.is_some() && line.end()? {
                    sheet.hidden_rows += u64::from(is_hidden);
                    if is_wanted && each(index, &line)? == Next::Sheet {
                        is_wanted = false;
                    }
                }
                if kind == 0x92 {
                    row = None;
                    continue;
                }
                let next = records.u32(0).map_err(broken)?;
                if row.is_some_and(|row| next <= row) {
                    return Err(twice(job, next));
                }
                row = Some(next);
                is_hidden = records.bytes.get(11).is_some_and(|flags| flags & 0x10 != 0);
                line.begin(u64::from(next));
            }
            0x02..=0x0b | 0x3e => {
                let Some(row) = row else { continue };
                let column = records.u32(0).map_err(broken)?;
                line.check_place(u64::from(row), u64::from(column))?;
                if line.spans.len() > column as usize {
                    return Err(twice(job, row));
                }
                cell(&mut line, &records, kind, column as usize, shared)
                    .unwrap_or_else(|error| Err(broken(error)))?;
                sheet.formulas |= (0x08..=0x0b).contains(&kind);
            }
            // BrtColInfo
            0x3c if sheet.hidden_columns.len() < AREAS_MAX => {
                let place = |at| records.u32(at).map_err(broken);
                if records.u16(16).map_err(broken)? & 1 == 1 {
                    sheet.hidden_columns.push((place(0)?, place(4)?));
                }
            }
            // BrtMergeCell
            0xb0 if sheet.merged.len() < AREAS_MAX => {
                let place = |at| records.u32(at).map_err(broken);
                let area = [place(0)?, place(8)?, place(4)?, place(12)?];
                sheet.merged.push(area);
            }
            0xb0 => sheet.merged_more += 1,
            _ => {}
        }
    }
    Ok(())
}

fn twice(job: &Job, row: u32) -> Refusal {
    damaged(job.path, &format!("row {} comes twice", u64::from(row) + 1))
}

/// Adds the cell of a record. The outer error is of the record, the inner one of a limit.
fn cell<R: Read>(
    line: &mut Line,
    records: &Records<R>,
    kind: u16,
    column: usize,
    shared: &Shared,
) -> IoResult<Result<()>> {
    let general = NumberFormat::new(None, "General");
    let style = records.u32(4)? & 0x00ff_ffff;
    let format = shared.formats.get(style as usize).unwrap_or(&general);
    let done = match kind {
        0x02 => line.number(column, rk(records.u32(8)?), format, shared.is_1904),
        0x03 | 0x0b => line.error(column, error_name(records.u8(8)?).to_string()),
        0x04 | 0x0a => line.truth(column, records.u8(8)? != 0),
        0x05 | 0x09 => {
            let number = f64::from_bits(records.u64(8)?);
            line.number(column, number, format, shared.is_1904)
        }
        0x06 | 0x08 => {
            let (text, _) = records.text(8)?;
            line.cell(column, |out| out.push_str(&text))
        }
        0x07 => {
            let Some(text) = shared.strings.get(records.u32(8)? as usize) else {
                return Err(Error::other("it has no such shared string"));
            };
            line.cell(column, |out| out.push_str(text))
        }
        _ => {
            let (text, _) = records.text(9)?;
            line.cell(column, |out| out.push_str(&text))
        }
    };
    if (0x08..=0x0b).contains(&kind) {
        line.remark(column, Kind::Formula, String::new());
    }
    Ok(done)
}

/// A number in 30 bits ([MS-XLSB] 2.5.122).
pub(super) fn rk(value: u32) -> f64 {
    let number = if value & 2 != 0 {
        f64::from(value as i32 >> 2)
    } else {
        f64::from_bits(u64::from(value & !3) << 32)
    };
    if value & 1 != 0 {
        number / 100.0
    } else {
        number
    }
}

/// What Excel shows for an error ([MS-XLSB] 2.5.97.2).
fn error_name(code: u8) -> &'static str {
    match code {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0f => "#VALUE!",
        0x17 => "#REF!",
        0x1d => "#NAME?",
        0x24 => "#NUM!",
        0x2a => "#N/A",
        _ => "#ERROR!",
    }
}

/// A stream of records: a type and a length in variable bytes each, and the body.
struct Records<R> {
    source: BufReader<R>,
    bytes: Vec<u8>,
}

impl<R: Read> Records<R> {
    fn new(source: R) -> Records<R> {
        Records {
            source: BufReader::with_capacity(64 << 10, source),
            bytes: Vec::new(),
        }
    }

    /// Goes to the next record and tells its type; `None` at the end.
    fn next(&mut self) -> IoResult<Option<u16>> {
        let mut byte = [0];
        if self.source.read(&mut byte)? == 0 {
            return Ok(None);
        }
        let mut kind = u16::from(byte[0]);
        if kind & 0x80 != 0 {
            self.source.read_exact(&mut byte)?;
            kind = (kind & 0x7f) | (u16::from(byte[0] & 0x7f) << 7);
        }
        let mut length = 0usize;
        for shift in [0, 7, 14, 21] {
            self.source.read_exact(&mut byte)?;
            length |= usize::from(byte[0] & 0x7f) << shift;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        if length > RECORD_BYTES_MAX {
            return Err(Error::other(format!("it has a record of {length} bytes")));
        }
        self.bytes.resize(length, 0);
        self.source.read_exact(&mut self.bytes)?;
        Ok(Some(kind))
    }

    fn at<const COUNT: usize>(&self, at: usize) -> IoResult<[u8; COUNT]> {
        self.bytes
            .get(at..at + COUNT)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| Error::other("it has a record that is too short"))
    }

    fn u8(&self, at: usize) -> IoResult<u8> {
        self.at::<1>(at).map(|[byte]| byte)
    }

    fn u16(&self, at: usize) -> IoResult<u16> {
        self.at(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> IoResult<u32> {
        self.at(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: usize) -> IoResult<u64> {
        self.at(at).map(u64::from_le_bytes)
    }

    /// A string with its length in characters of UTF-16 before it, and where it ends.
    fn text(&self, at: usize) -> IoResult<(String, usize)> {
        let length = self.u32(at)? as usize;
        if length == u32::MAX as usize {
            return Ok((String::new(), at + 4));
        }
        let end = length
            .checked_mul(2)
            .and_then(|bytes| bytes.checked_add(at + 4))
            .filter(|end| *end <= self.bytes.len())
            .ok_or_else(|| Error::other("it has a text that is cut off"))?;
        let units = self.bytes[at + 4..end].chunks_exact(2);
        let units = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok((text.collect(), end))
    }
}
