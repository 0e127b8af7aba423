//! Workbooks of Excel 5.0 to 2003 ([MS-XLS]). Values come from the parser, which keeps a sheet as a
//! whole; how numbers are shown, and what is hidden or merged, is read off the records here.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{BufReader, Read};
use std::ops::RangeInclusive;

use calamine::{Data, DataRef, Reader, SheetType, SheetVisible, Xls};

use super::guard;
use super::line::Line;
use super::number_format::{NumberFormat, builtin};
use super::refuse::{broken_xls, damaged, encrypted};
use super::remark::Kind;
use super::wire::{Book, BookKind, Sheet};
use super::xlsx::put;
use crate::refusal::Result;
use crate::stages::read::workbook::job::{Each, Job, Next, check_sheets};

const AREAS_MAX: usize = 10_000;
const END_OF_CHAIN: u32 = 0xffff_fffa;

/// Goes through a workbook; see [`Each`].
pub(super) fn pass(job: &Job, each: &mut Each) -> Result<Book> {
    let looks = {
        let mut bytes = Vec::new();
        guard::rewind(job)?;
        let mut file = job.file;
        file.read_to_end(&mut bytes)
            .map_err(|error| damaged(job.path, &error))?;
        let stream =
            stream(&bytes).ok_or_else(|| damaged(job.path, &"it has no stream of a workbook"))?;
        drop(bytes);
        Looks::read(&stream)
    };
    if looks.is_encrypted {
        return Err(encrypted(job.path));
    }
    guard::rewind(job)?;
    let mut workbook: Xls<_> =
        Xls::new(BufReader::new(job.file)).map_err(|error| broken_xls(job.path, &error))?;
    let found = workbook.sheets_metadata().to_vec();
    check_sheets(job, found.len())?;
    let mut sheets = Vec::new();
    for (at, sheet) in found.iter().enumerate() {
        if sheet.typ != SheetType::WorkSheet {
            continue;
        }
        let index = sheets.len();
        let mut own = looks.sheets.get(at).cloned().unwrap_or_default();
        if job.only.is_none_or(|only| only.sheet == index) {
            rows(
                job,
                &mut workbook,
                &sheet.name,
                index,
                (&looks, &mut own),
                each,
            )?;
        }
        sheets.push(Sheet {
            name: sheet.name.clone(),
            is_hidden: sheet.visible != SheetVisible::Visible,
            ..own.notes
        });
    }
    Ok(Book {
        kind: BookKind::Xls,
        is_1904: workbook.has_1904_epoch(),
        sheets,
        left_out: Vec::new(),
        separators: Vec::new(),
        checked: 0,
    })
}

fn rows(
    job: &Job,
    workbook: &mut Xls<BufReader<&super::super::input::File>>,
    name: &str,
    index: usize,
    (looks, own): (&Looks, &mut SheetLook),
    each: &mut Each,
) -> Result<()> {
    let is_1904 = workbook.has_1904_epoch();
    let range = workbook
        .worksheet_range(name)
        .map_err(|error| broken_xls(job.path, &error))?;
    let (top, left) = range.start().unwrap_or_default();
    let mut line = Line::new(job.path, job.limits).with_natives(job.natives);
    let mut is_wanted = true;
    let general = NumberFormat::new(None, "General");
    let date = NumberFormat::new(Some(14), builtin(14));
    let mut filled = range.rows();
    // Formulas without a result aren't cells to the parser, and may be next to its range.
    let first = own.uncomputed.first().map_or(top, |(row, _)| top.min(*row));
    let last = own.uncomputed.last().map(|(row, _)| *row);
    let last = range.end().map(|(row, _)| row).max(last);
    for row in last.map(|last| first..=last).into_iter().flatten() {
        let cells = match row >= top {
            true => filled.next().unwrap_or_default(),
            false => &[],
        };
        line.begin(u64::from(row));
        for (column, value) in (left..).zip(cells) {
            if matches!(value, Data::Empty)
                || matches!(value, Data::String(text) if text.is_empty())
            {
                continue;
            }
            line.check_place(u64::from(row), u64::from(column))?;
            let format = own
                .styles
                .get(&(row, column))
                .and_then(|style| looks.formats.get(usize::from(*style)));
            let format = match (format, value) {
                (Some(format), _) => format,
                (None, Data::DateTime(_)) => &date,
                (None, _) => &general,
            };
            put(
                &mut line,
                column as usize,
                &borrowed(value),
                format,
                is_1904,
            )?;
            if own.formulas.contains(&(row, column)) {
                line.remark(column as usize, Kind::Formula, String::new());
            }
        }
        for (_, column) in own.uncomputed.range((row, 0)..=(row, u32::MAX)) {
            line.check_place(u64::from(row), u64::from(*column))?;
            line.uncomputed(*column as usize)?;
        }
        if line.end()? {
            own.notes.hidden_rows += u64::from(own.hidden_rows.contains(&row));
            if is_wanted && each(index, &line)? == Next::Sheet {
                is_wanted = false;
            }
        }
    }
    Ok(())
}

fn borrowed(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(number) => DataRef::Int(*number),
        Data::Float(number) => DataRef::Float(*number),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(moment) => DataRef::DateTime(*moment),
        Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
        Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

/// How things look, by the records.
#[derive(Debug, Default)]
struct Looks {
    is_encrypted: bool,
    /// By style.
    formats: Vec<NumberFormat>,
    /// In the order of the workbook, charts included.
    sheets: Vec<SheetLook>,
}

#[derive(Debug, Default, Clone)]
struct SheetLook {
    notes: Sheet,
    hidden_rows: HashSet<u32>,
    /// Styles of cells that hold numbers and have a format.
    styles: HashMap<(u32, u32), u16>,
    formulas: HashSet<(u32, u32)>,
    /// Formulas whose result nothing has computed yet.
    uncomputed: BTreeSet<(u32, u32)>,
    /// Formulas whose result is empty text, or isn't there: xlwt and similar programs write it so.
    blank: BTreeSet<(u32, u32)>,
    /// Whether any formula has another result.
    has_results: bool,
}

impl Looks {
    fn read(stream: &[u8]) -> Looks {
        let mut looks = Looks::default();
        let mut codes: HashMap<u16, String> = HashMap::new();
        let mut styles = Vec::new();
        let mut places = Vec::new();
        let mut is_8 = true;
        let mut is_calculated = false;
        for (kind, data) in Records(stream) {
            match kind {
                // RecalcId: Excel writes which version calculated the workbook.
                0x01c1 => is_calculated = true,
                // BOF: versions before 0x0600 write bytes where later ones write UTF-16.
                0x0809 => is_8 = u16_at(data, 0) == Some(0x0600),
                // FilePass: whatever the method, the rest is scrambled.
                0x002f => looks.is_encrypted = true,
                // Format
                0x041e => {
                    if let Some((id, code)) = format(data, is_8) {
                        codes.insert(id, code);
                    }
                }
                // XF
                0x00e0 => styles.extend(u16_at(data, 2)),
                // BoundSheet8
                0x0085 => places.extend(u32_at(data, 0)),
                // EOF
                0x000a => break,
                _ => {}
            }
        }
        let new = |id: &u16| {
            let code = codes.get(id).map_or(builtin(*id), String::as_str);
            NumberFormat::new(Some(u32::from(*id)), code)
        };
        looks.formats = styles.iter().map(new).collect();
        let plain: Vec<bool> = styles.iter().map(|id| *id == 0).collect();
        if !looks.is_encrypted {
            let sheet = |at: &u32| {
                stream
                    .get(*at as usize..)
                    .map(|from| SheetLook::read(from, &plain))
            };
            looks.sheets = places
                .iter()
                .map(|at| sheet(at).unwrap_or_default())
                .collect();
        }
        // Where something calculates, it gets more than empty text out of some formula.
        if !is_calculated && !looks.sheets.iter().any(|sheet| sheet.has_results) {
            for sheet in &mut looks.sheets {
                sheet.uncomputed.append(&mut sheet.blank);
            }
        }
        looks
    }
}

impl SheetLook {
    fn read(stream: &[u8], plain: &[bool]) -> SheetLook {
        let mut look = SheetLook::default();
        let mut depth = 0;
        // The formula under way, where its result is text that a record after it has to bring.
        let mut waiting = None;
        for (kind, data) in Records(stream) {
            match kind {
                0x0809 => depth += 1,
                0x000a => depth -= 1,
                // Charts on the sheet have records of their own.
                _ if depth != 1 => {}
                // Array, ShrFmla, Table: parts of the formula
                0x0221 | 0x04bc | 0x0236 => {}
                // String
                0x0207 => {
                    look.has_results |= waiting.is_some();
                    waiting = None;
                }
                _ => {
                    look.uncomputed.extend(waiting.take());
                    look.note(kind, data, plain);
                    waiting = text_formula(kind, data);
                }
            }
            if depth == 0 {
                break;
            }
        }
        look.uncomputed.extend(waiting);
        look
    }

    /// Notes a record; `None` when it is too short, which the parser says better.
    fn note(&mut self, kind: u16, data: &[u8], plain: &[bool]) -> Option<()> {
        let at = |at| u16_at(data, at);
        match kind {
            // Number, RK, Formula
            0x0203 | 0x027e | 0x0006 => {
                let place = (u32::from(at(0)?), u32::from(at(2)?));
                self.style(place, at(4)?, plain);
                if kind == 0x0006 {
                    self.formulas.insert(place);
                    self.notes.formulas = true;
                    match (data.get(6)?, at(12)?) {
                        (3, 0xffff) => drop(self.blank.insert(place)),
                        // Whether its text is there, the next record says.
                        (0, 0xffff) => {}
                        _ => self.has_results = true,
                    }
                }
            }
            // MulRk: pairs of a style and a number, from a column on
            0x00bd => {
                let row = u32::from(at(0)?);
                let pairs = data.len().checked_sub(6)? / 6;
                for pair in 0..pairs {
                    let column = u32::from(at(2)?) + pair as u32;
                    self.style((row, column), at(4 + pair * 6)?, plain);
                }
            }
            // Row: fDyZero
            0x0208 if at(12)? & 0x20 != 0 => {
                self.hidden_rows.insert(u32::from(at(0)?));
            }
            // ColInfo: fHidden
            0x007d if at(8)? & 1 != 0 && self.notes.hidden_columns.len() < AREAS_MAX => {
                self.notes
                    .hidden_columns
                    .push((u32::from(at(0)?), u32::from(at(2)?)));
            }
            // MergeCells
            0x00e5 => {
                for area in 0..usize::from(at(0)?) {
                    let number = |index: usize| at(2 + area * 8 + index * 2).map(u32::from);
                    if self.notes.merged.len() < AREAS_MAX {
                        self.notes
                            .merged
                            .push([number(0)?, number(2)?, number(1)?, number(3)?]);
                    } else {
                        self.notes.merged_more += 1;
                    }
                }
            }
            _ => {}
        }
        Some(())
    }

    fn style(&mut self, place: (u32, u32), style: u16, plain: &[bool]) {
        if !plain.get(usize::from(style)).copied().unwrap_or(true) {
            self.styles.insert(place, style);
        }
    }
}

/// The place of a formula whose result is text that is in the record after it ([MS-XLS] 2.5.133).
/// Programs that write files without computing them leave that record out.
fn text_formula(kind: u16, data: &[u8]) -> Option<(u32, u32)> {
    let is_text = kind == 0x0006 && *data.get(6)? == 0 && u16_at(data, 12)? == 0xffff;
    is_text.then_some((u32::from(u16_at(data, 0)?), u32::from(u16_at(data, 2)?)))
}

fn format(data: &[u8], is_8: bool) -> Option<(u16, String)> {
    let id = u16_at(data, 0)?;
    let code = if is_8 {
        let length = usize::from(u16_at(data, 2)?);
        let is_wide = data.get(4)? & 1 == 1;
        let text = data.get(5..)?;
        if is_wide {
            let units = text.chunks_exact(2).take(length);
            let units = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
            char::decode_utf16(units)
                .map(|c| c.unwrap_or('?'))
                .collect()
        } else {
            text.iter()
                .take(length)
                .map(|byte| char::from(*byte))
                .collect()
        }
    } else {
        let length = usize::from(*data.get(2)?);
        data.get(3..)?
            .iter()
            .take(length)
            .map(|byte| char::from(*byte))
            .collect()
    };
    Some((id, code))
}

/// Records of a stream: a type and a length of two bytes each, and the body.
struct Records<'s>(&'s [u8]);

impl<'s> Iterator for Records<'s> {
    type Item = (u16, &'s [u8]);

    fn next(&mut self) -> Option<(u16, &'s [u8])> {
        let (head, rest) = self.0.split_at_checked(4)?;
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let (data, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((u16::from_le_bytes([head[0], head[1]]), data))
    }
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    let bytes = data.get(at..at + 2)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// The stream `Workbook` or `Book` of a compound file ([MS-CFB] 2).
fn stream(file: &[u8]) -> Option<Vec<u8>> {
    let sectors = Sectors::new(file)?;
    let directory = sectors.chain(u32_at(file, 48)?);
    let mut root = None;
    let mut found = None;
    for entry in directory.chunks_exact(128) {
        let length = usize::from(u16_at(entry, 64)?).min(64);
        let units = entry[..length.saturating_sub(2)].chunks_exact(2);
        let units = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        let name: String = char::decode_utf16(units)
            .filter_map(std::result::Result::ok)
            .collect();
        let place = (u32_at(entry, 116)?, u32_at(entry, 120)? as usize);
        match entry[66] {
            5 => root = Some(place),
            2 if name.eq_ignore_ascii_case("Workbook") => found = Some(place),
            2 if name.eq_ignore_ascii_case("Book") => found = found.or(Some(place)),
            _ => {}
        }
    }
    let (start, size) = found?;
    let mut bytes = if size >= u32_at(file, 56)? as usize {
        sectors.chain(start)
    } else {
        sectors.short(start, size, root?.0)?
    };
    bytes.truncate(size);
    Some(bytes)
}

/// The sectors of a compound file, and which follows which.
struct Sectors<'f> {
    file: &'f [u8],
    bytes: usize,
    table: Vec<u32>,
}

impl<'f> Sectors<'f> {
    fn new(file: &'f [u8]) -> Option<Sectors<'f>> {
        let bytes = size_of_sectors(file, 30, 128..=65536)?;
        let mut sectors = Sectors {
            file,
            bytes,
            table: Vec::new(),
        };
        let most = sectors.most();
        // Where the table is: 109 places in the header, more in sectors of their own.
        let mut places: Vec<u32> = (0..109)
            .map_while(|index| u32_at(file, 76 + index * 4))
            .collect();
        let mut next = u32_at(file, 68)?;
        let mut steps = 0;
        while next < END_OF_CHAIN && steps < most {
            let body = sectors.sector(next)?;
            let entries = body.len() / 4;
            let here = 0..entries.saturating_sub(1);
            places.extend(here.filter_map(|index| u32_at(body, index * 4)));
            next = u32_at(body, entries.checked_sub(1)? * 4)?;
            steps += 1;
        }
        let mut table = Vec::new();
        for id in places
            .into_iter()
            .filter(|id| *id < END_OF_CHAIN)
            .take(most)
        {
            let Some(body) = sectors.sector(id) else {
                break;
            };
            table.extend((0..body.len() / 4).filter_map(|index| u32_at(body, index * 4)));
        }
        sectors.table = table;
        Some(sectors)
    }

    /// More sectors than the file can have; what says more goes in circles.
    fn most(&self) -> usize {
        self.file.len() / self.bytes + 1
    }

    fn sector(&self, id: u32) -> Option<&'f [u8]> {
        let start = (id as usize).checked_add(1)?.checked_mul(self.bytes)?;
        let rest = self.file.get(start..)?;
        Some(&rest[..rest.len().min(self.bytes)])
    }

    fn chain(&self, start: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let (mut id, mut steps) = (start, 0);
        while id < END_OF_CHAIN && steps < self.most() {
            let Some(body) = self.sector(id) else { break };
            bytes.extend_from_slice(body);
            id = self.table.get(id as usize).copied().unwrap_or(u32::MAX);
            steps += 1;
        }
        bytes
    }

    /// A short stream, which is in small sectors of a stream of the root's.
    fn short(&self, start: u32, size: usize, root: u32) -> Option<Vec<u8>> {
        let small_bytes = size_of_sectors(self.file, 32, 16..=4096)?;
        let small = self.chain(root);
        let table = self.chain(u32_at(self.file, 60)?);
        let (mut id, mut bytes) = (start, Vec::new());
        while id < END_OF_CHAIN && bytes.len() < size {
            let body = small.get((id as usize).checked_mul(small_bytes)?..)?;
            if body.is_empty() {
                return None;
            }
            bytes.extend_from_slice(&body[..body.len().min(small_bytes)]);
            id = u32_at(&table, (id as usize).checked_mul(4)?)?;
        }
        Some(bytes)
    }
}

/// The size that is in the header as a power of two.
fn size_of_sectors(file: &[u8], at: usize, sane: RangeInclusive<usize>) -> Option<usize> {
    let size = 1usize.checked_shl(u32::from(u16_at(file, at)?))?;
    sane.contains(&size).then_some(size)
}
