//! The protocol of the reading process: frames of a kind, a length and a body. Without the last
//! frame the result doesn't count.

use std::io::{Read, Write};

use serde::{Deserialize, Serialize};

use super::line::Line;
use super::remark::Kind;
use crate::issue::Code;
use crate::refusal::Refusal;
use crate::row::Native;

/// The workbook, as JSON of a [`Book`].
pub(super) const BOOK: u8 = b'b';
/// Rows; see [`add_row`].
pub(super) const ROWS: u8 = b'r';
/// Number formats that the rows after it use for the first time, as JSON of a list of
/// [`crate::row::ShownAs`]; they are counted from 0 in the order in which they come.
pub(super) const FORMATS: u8 = b'f';
/// Rows of the next sheet follow.
pub(super) const NEXT_SHEET: u8 = b's';
/// The file is refused, as JSON of a [`Refused`].
pub(super) const REFUSED: u8 = b'x';
/// Follows each value of a list in a cell, until it is known what the pipeline parts them by.
pub(super) const LIST_MARK: char = '\u{1f}';
/// All was said.
pub(super) const END: u8 = b'e';

/// Rows are sent once they fill this many bytes.
pub(super) const FRAME_BYTES: usize = 128 << 10;
/// No honest frame is longer: a row has 1 MiB of text, and 512 remarks.
const FRAME_MAX: usize = 16 << 20;

/// What kind of workbook a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BookKind {
    /// Office Open XML, with or without macros: `.xlsx`, `.xlsm`.
    Xlsx,
    /// The binary form of it: `.xlsb`.
    Xlsb,
    /// Excel 5.0 to 2003: `.xls`.
    Xls,
    /// OpenDocument: `.ods`.
    Ods,
    /// Apache Parquet, which is not a workbook but is read like one, with a sheet that has no name.
    Parquet,
}

impl BookKind {
    /// As summaries name it.
    pub fn name(self) -> &'static str {
        match self {
            BookKind::Xlsx => "xlsx",
            BookKind::Xlsb => "xlsb",
            BookKind::Xls => "xls",
            BookKind::Ods => "ods",
            BookKind::Parquet => "parquet",
        }
    }
}

/// A workbook as far as it is known before its rows are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Book {
    /// Which format.
    pub kind: BookKind,
    /// Whether days count from 1904.
    pub is_1904: bool,
    /// Its sheets of cells, in order.
    pub sheets: Vec<Sheet>,
    /// Columns of a kind that isn't read.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// What parts the values of a list in a cell; the first is written.
    #[serde(default)]
    pub separators: Vec<char>,
    /// The bytes that its parts inflate to which were checked when it was looked at.
    #[serde(default)]
    pub checked: u64,
}

/// A sheet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    /// Its name.
    pub name: String,
    /// Whether Excel shows it only when asked to.
    pub is_hidden: bool,
    /// Whether only its first rows were looked at: then what follows is as far as these tell.
    #[serde(default)]
    pub is_partial: bool,
    /// Whether it has formulas.
    pub formulas: bool,
    /// How many rows that hold something are hidden, by hand or by a filter.
    pub hidden_rows: u64,
    /// Columns that are hidden: first and last, from 0.
    pub hidden_columns: Vec<(u32, u32)>,
    /// Merged cells: first row, first column, last row, last column, from 0.
    pub merged: Vec<[u32; 4]>,
    /// Merged areas beyond those.
    pub merged_more: u64,
    /// Columns whose width is given: first and last, from 0, and the width in characters. Only of
    /// Office Open XML.
    #[serde(default)]
    pub widths: Vec<(u32, u32, f64)>,
}

/// A refusal on its way.
#[derive(Serialize, Deserialize)]
struct Refused {
    code: String,
    what: String,
    help: String,
}

/// Writes a frame.
pub(super) fn send(out: &mut impl Write, kind: u8, body: &[u8]) -> std::io::Result<()> {
    let mut head = [kind, 0, 0, 0, 0];
    head[1..].copy_from_slice(&(body.len() as u32).to_le_bytes());
    out.write_all(&head)?;
    out.write_all(body)
}

/// Reads a frame; `None` at the end of the stream, and for what is none.
pub(super) fn receive(from: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    from.read_exact(&mut head).ok()?;
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if length > FRAME_MAX {
        return None;
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    Some((head[0], body))
}

/// A refusal as the body of a frame.
pub(super) fn refused(refusal: &Refusal) -> Vec<u8> {
    serde_json::to_vec(&Refused {
        code: refusal.code.name().to_string(),
        what: refusal.what.clone(),
        help: refusal.help.clone(),
    })
    .unwrap_or_default()
}

/// The refusal that a frame's body says.
pub(super) fn refusal(body: &[u8]) -> Option<Refusal> {
    let refused: Refused = serde_json::from_slice(body).ok()?;
    let code = Code::ALL.iter().find(|code| code.name() == refused.code)?;
    Some(Refusal::new(*code, refused.what).help(refused.help))
}

/// Adds a row to a frame: its number, how many cells, remarks and cells that aren't text it has,
/// where each cell begins and ends, the remarks, those cells, and the text.
pub(super) fn add_row(frame: &mut Vec<u8>, line: &Line) {
    let short = |frame: &mut Vec<u8>, number: usize| {
        frame.extend_from_slice(&(number as u16).to_le_bytes());
    };
    frame.extend_from_slice(&(line.number as u32).to_le_bytes());
    short(frame, line.spans.len());
    short(frame, line.remarks.len().min(usize::from(u16::MAX)));
    short(frame, line.natives.len().min(usize::from(u16::MAX)));
    frame.extend_from_slice(&(line.text.len() as u32).to_le_bytes());
    for (start, end) in &line.spans {
        frame.extend_from_slice(&start.to_le_bytes());
        frame.extend_from_slice(&end.to_le_bytes());
    }
    for remark in line.remarks.iter().take(usize::from(u16::MAX)) {
        short(frame, usize::from(remark.column));
        frame.push(remark.kind as u8);
        short(frame, remark.found.len());
        frame.extend_from_slice(remark.found.as_bytes());
    }
    for (column, format, value) in line.natives.iter().take(usize::from(u16::MAX)) {
        short(frame, usize::from(*column));
        short(frame, usize::from(*format));
        let (tag, bits) = match value {
            Native::Number(number) => (0, number.to_bits()),
            Native::Truth(truth) => (1, u64::from(*truth)),
        };
        frame.push(tag);
        frame.extend_from_slice(&bits.to_le_bytes());
    }
    frame.extend_from_slice(line.text.as_bytes());
}

const NATIVE_BYTES: usize = 2 + 2 + 1 + 8;

/// A row of a frame.
pub(super) struct Row<'f> {
    /// On the sheet, from 1.
    pub number: u64,
    text: &'f str,
    spans: &'f [u8],
    remarks: u16,
    said: &'f [u8],
    natives: &'f [u8],
}

impl<'f> Row<'f> {
    /// Takes the next row off a frame; `None` when the frame is no such thing.
    pub(super) fn take(frame: &mut &'f [u8]) -> Option<Row<'f>> {
        let number = u32::from_le_bytes(bytes(frame)?);
        let cells = u16::from_le_bytes(bytes(frame)?);
        let remarks = u16::from_le_bytes(bytes(frame)?);
        let natives = u16::from_le_bytes(bytes(frame)?);
        let length = u32::from_le_bytes(bytes(frame)?);
        let spans = slice(frame, usize::from(cells) * 8)?;
        let said = *frame;
        for _ in 0..remarks {
            next_remark(frame)?;
        }
        let said = &said[..said.len() - frame.len()];
        let natives = slice(frame, usize::from(natives) * NATIVE_BYTES)?;
        let text = simdutf8::basic::from_utf8(slice(frame, length as usize)?).ok()?;
        Some(Row {
            number: u64::from(number),
            text,
            spans,
            remarks,
            said,
            natives,
        })
    }

    /// How many cells it has.
    pub(super) fn width(&self) -> usize {
        self.spans.len() / 8
    }

    /// The text of a cell.
    pub(super) fn cell(&self, column: usize) -> &'f str {
        let Some(mut span) = self.spans.get(column * 8..column * 8 + 8) else {
            return "";
        };
        let span = &mut span;
        match (bytes(span), bytes(span)) {
            (Some(start), Some(end)) => {
                let (start, end) = (u32::from_le_bytes(start), u32::from_le_bytes(end));
                self.text.get(start as usize..end as usize).unwrap_or("")
            }
            _ => "",
        }
    }

    /// The texts of its cells, without the blank ones at the end.
    pub(super) fn texts(&self) -> Vec<String> {
        let mut texts: Vec<String> = (0..self.width())
            .map(|column| self.cell(column).to_string())
            .collect();
        while texts.last().is_some_and(|text| text.trim().is_empty()) {
            texts.pop();
        }
        texts
    }

    /// What is to be said of its cells: column, kind, what was found.
    pub(super) fn remarks(&self) -> impl Iterator<Item = (u16, Kind, &'f str)> {
        let mut said = self.said;
        (0..self.remarks).filter_map(move |_| next_remark(&mut said))
    }

    /// Its cells that aren't text, where they were asked for: column, number format, value.
    pub(super) fn natives(&self) -> impl Iterator<Item = (u16, u16, Native)> {
        self.natives
            .chunks_exact(NATIVE_BYTES)
            .filter_map(|native| {
                let rest = &mut &native[..];
                let column = u16::from_le_bytes(bytes(rest)?);
                let format = u16::from_le_bytes(bytes(rest)?);
                let [tag] = bytes(rest)?;
                let bits = u64::from_le_bytes(bytes(rest)?);
                let value = match tag {
                    0 => Native::Number(f64::from_bits(bits)),
                    _ => Native::Truth(bits != 0),
                };
                Some((column, format, value))
            })
    }
}

fn next_remark<'f>(frame: &mut &'f [u8]) -> Option<(u16, Kind, &'f str)> {
    let column = u16::from_le_bytes(bytes(frame)?);
    let [kind] = bytes(frame)?;
    let length = u16::from_le_bytes(bytes(frame)?);
    let found = std::str::from_utf8(slice(frame, usize::from(length))?).ok()?;
    Some((column, Kind::from_byte(kind)?, found))
}

fn slice<'f>(frame: &mut &'f [u8], count: usize) -> Option<&'f [u8]> {
    let (taken, rest) = frame.split_at_checked(count)?;
    *frame = rest;
    Some(taken)
}

fn bytes<const COUNT: usize>(frame: &mut &[u8]) -> Option<[u8; COUNT]> {
    slice(frame, COUNT)?.try_into().ok()
}
