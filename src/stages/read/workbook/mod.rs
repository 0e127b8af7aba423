//! Workbooks of all kinds. A separate process reads them ([`child`]), so that a file can only harm
//! that process; this side chooses the sheet and the header.

use std::borrow::Cow;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::input::File;
use super::{Emit, Format, HIDDEN, Reader, Source, Wanted, misplaced, without_nul};
use crate::definition::SheetChoice;
use crate::field::{Place, RowNumber};
use crate::header::{has_own, is_own};
use crate::issue::{Code, Issue};
use crate::refusal::{Refusal, Result};
use crate::row::{AboveRow, Cells, NativeCell, SheetCells, ShownAs};
use child::Answer;
use refuse::{printable, refusal};
use wire::Row;
use worker::Request;

mod cells;
pub mod child;
mod guard;
mod job;
pub mod kind;
pub mod limits;
mod line;
mod markup;
mod number_format;
mod ods;
mod parquet;
mod refuse;
mod remark;
mod scan;
mod strings;
mod window;
mod wire;
mod worker;
mod xls;
mod xlsb;
mod xlsx;
mod xml;

pub use wire::{Book, BookKind, Sheet};
pub use worker::main;

/// The first rows of a sheet that hold anything: their numbers from 1, and their cells.
type FirstRows = Vec<(u64, Vec<String>)>;

/// Opens a workbook: guards against bombs, chooses the sheet, finds the header.
///
/// Columns count from column A. Cells of the header that are empty have the name "".
///
/// # Errors
/// `file.not_found`, `file.unreadable`, `file.format`, `file.encrypted`, `file.damaged`,
/// `file.limit`, `file.sheets`, `file.no_sheet`, `file.no_header`, `file.empty`.
pub fn open(path: &Path, wanted: &Wanted) -> Result<Source> {
    let file = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => refusal(Code::FileNotFound, path, "doesn't exist"),
        _ => unreadable(path, &error),
    })?;
    let bytes = file
        .metadata()
        .map_err(|error| unreadable(path, &error))?
        .len();
    let header_row = wanted.definition.read.header_row.unwrap_or(0);
    let Looked {
        sha256,
        mut book,
        mut rows,
        ..
    } = look_once(wanted.reader, path, &file, bytes, header_row)?;
    let (index, (header_line, header)) = if book.kind == BookKind::Parquet {
        book.separators = wanted.definition.groups.separators.clone();
        let rows = rows.swap_remove(0);
        let names = rows.into_iter().find(|(number, _)| *number == 0);
        let no_columns = || refusal(Code::FileEmpty, path, "has no column that can be read");
        (
            0,
            names
                .filter(|(_, names)| !names.is_empty())
                .ok_or_else(no_columns)?,
        )
    } else {
        let index = choose(path, &book, &rows, wanted)?;
        let rows = std::mem::take(&mut rows[index]);
        (index, header(path, rows, wanted)?)
    };
    let (header, without_nul) = without_nul(header);
    Ok(Source {
        path: path.to_path_buf(),
        sha256,
        bytes,
        format: Format::Workbook {
            sheet: index,
            book: Box::new(book),
            process: Some(wanted.reader.process.clone()),
            seen: Arc::default(),
        },
        header_line,
        header,
        dropped: Vec::new(),
        secret: None,
        without_nul,
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Refusal {
    let what = format!("can't be read: {error}");
    refusal(Code::FileUnreadable, path, &what)
}

/// What a look at a workbook found.
#[derive(Clone)]
pub(super) struct Looked {
    sha256: String,
    header_row: u64,
    book: Book,
    rows: Vec<FirstRows>,
}

/// Looks at a workbook, unless the last one that was looked at was the same to the byte: whoever
/// recognizes a file opens it next, and a look goes through all of it, for what it may blow up to is
/// known only then.
fn look_once(
    reader: &Reader,
    path: &Path,
    file: &File,
    bytes: u64,
    header_row: u64,
) -> Result<Looked> {
    let last = reader.looked.lock().ok().and_then(|last| last.clone());
    if let Some(last) = last.filter(|last| last.header_row == header_row)
        && last.sha256 == fingerprint(path, file)?
    {
        return Ok(last);
    }
    let request = Request::Look { header_row };
    let answer = Answer::ask(&reader.process, path, file, bytes, request)?;
    // Meanwhile the other process reads it, too.
    let sha256 = fingerprint(path, file)?;
    let (book, rows) = look(answer)?;
    let looked = Looked {
        sha256,
        header_row,
        book,
        rows,
    };
    if let Ok(mut last) = reader.looked.lock() {
        *last = Some(looked.clone());
    }
    Ok(looked)
}

/// The workbook and the first rows of each of its sheets.
fn look(mut answer: Answer) -> Result<(Book, Vec<FirstRows>)> {
    let mut book: Option<Book> = None;
    let mut sheets = vec![FirstRows::new()];
    while let Some((kind, body)) = answer.next()? {
        match kind {
            wire::BOOK => book = serde_json::from_slice(&body).ok(),
            wire::NEXT_SHEET => sheets.push(FirstRows::new()),
            wire::ROWS => {
                let mut rest = body.as_slice();
                while !rest.is_empty() {
                    let row = Row::take(&mut rest).ok_or_else(|| answer.nonsense())?;
                    if let Some(sheet) = sheets.last_mut() {
                        sheet.push((row.number, row.texts()));
                    }
                }
            }
            _ => return Err(answer.nonsense()),
        }
    }
    let mut book = book.ok_or_else(|| answer.nonsense())?;
    // PostgreSQL's text can't hold NUL, and summaries name the sheets.
    for sheet in &mut book.sheets {
        sheet.name.retain(|character| character != '\0');
    }
    sheets.resize(book.sheets.len(), FirstRows::new());
    Ok((book, sheets))
}

/// Streams the rows below the header. Blank rows are left out; every other row has at least as
/// many cells as the header.
///
/// # Errors
/// `file.changed` when the file isn't the one that was opened, `file.damaged`, `file.limit`; what
/// `emit` fails with.
pub fn read(source: &Source, number: u16, first_row: RowNumber, emit: &mut Emit) -> Result<()> {
    read_as(source, number, first_row, false, emit)
}

/// As [`read`], with what cells hold besides their text and the rows down to the header, in
/// [`Cells::sheet`].
///
/// # Errors
/// As [`read`].
pub fn read_natives(
    source: &Source,
    number: u16,
    first_row: RowNumber,
    emit: &mut Emit,
) -> Result<()> {
    read_as(source, number, first_row, true, emit)
}

/// Opens the file of a source, which must still be what was opened first.
fn open_unchanged(source: &Source) -> Result<File> {
    let path = source.path.as_path();
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    match fingerprint(path, &file)? == source.sha256 {
        true => Ok(file),
        false => Err(refusal(
            Code::FileChanged,
            path,
            "changed after it was opened",
        )),
    }
}

impl Source {
    /// Takes over what reading all rows has shown of a sheet of which only the first rows were looked
    /// at before. Whether they must be read again to be read right: which of their cells are merged
    /// is behind them in the file.
    pub fn learn(&mut self) -> bool {
        let Format::Workbook {
            sheet, book, seen, ..
        } = &mut self.format
        else {
            return false;
        };
        let known = book.sheets.get_mut(*sheet);
        let (Some(known), Some(seen)) = (known.filter(|known| known.is_partial), seen.get()) else {
            return false;
        };
        *known = Sheet {
            name: std::mem::take(&mut known.name),
            is_hidden: known.is_hidden,
            is_partial: false,
            ..seen.clone()
        };
        let mut bottoms = known
            .merged
            .iter()
            .map(|[_, _, bottom, _]| u64::from(*bottom) + 1);
        bottoms.any(|bottom| bottom > self.header_line)
    }
}

/// The batch that follows `batch`, with the formats known so far.
fn batch_behind(batch: &Cells, number: u16) -> Cells {
    let mut next = Cells::new(number, batch.next_row());
    next.sheet = batch.sheet.as_ref().map(|sheet| {
        Box::new(SheetCells {
            formats: sheet.formats.clone(),
            ..SheetCells::default()
        })
    });
    next
}

fn read_as(
    source: &Source,
    number: u16,
    first_row: RowNumber,
    natives: bool,
    emit: &mut Emit,
) -> Result<()> {
    let Format::Workbook {
        sheet,
        book,
        process,
        seen,
    } = &source.format
    else {
        return Ok(());
    };
    let path = source.path.as_path();
    let Some(process) = process else {
        let what = "can't be read: nothing of it but its rows was kept";
        return Err(refusal(Code::FileUnreadable, path, what));
    };
    let file = open_unchanged(source)?;
    let Some(chosen) = book.sheets.get(*sheet) else {
        return Err(refusal(Code::FileNoSheet, path, "has no such sheet"));
    };
    let request = Request::Rows {
        sheet: *sheet,
        below: if natives { 0 } else { source.header_line },
        formulas: chosen.formulas || chosen.is_partial,
        natives,
        checked: book.checked,
    };
    let mut answer = Answer::ask(process, path, &file, source.bytes, request)?;
    let mut merged = Merged::new(chosen);
    let mut batch = Cells::new(number, first_row);
    batch.sheet = natives.then(Box::default);
    while let Some((kind, body)) = answer.next()? {
        match kind {
            wire::BOOK => {
                let whole: Book = parsed(&answer, &body)?;
                note_whole(whole, *sheet, seen);
                continue;
            }
            wire::ROWS => {}
            wire::FORMATS => {
                let new: Vec<ShownAs> = parsed(&answer, &body)?;
                if let Some(sheet) = &mut batch.sheet {
                    sheet.formats.extend(new);
                }
                continue;
            }
            _ => return Err(answer.nonsense()),
        }
        let mut rest = body.as_slice();
        while !rest.is_empty() {
            let row = Row::take(&mut rest).ok_or_else(|| answer.nonsense())?;
            if row.number <= source.header_line {
                if let Some(sheet) = &mut batch.sheet {
                    sheet.above.push(above(&row));
                }
                continue;
            }
            push(&row, source, book, &mut merged, &mut batch);
            let index = batch.len() - 1;
            source.note_header_again(&mut batch, index);
            if batch.is_full() {
                let next = batch_behind(&batch, number);
                if !emit(std::mem::replace(&mut batch, next))? {
                    return Ok(());
                }
            }
        }
    }
    if !batch.is_empty() {
        emit(batch)?;
    }
    Ok(())
}

/// What the body of a frame says in JSON.
fn parsed<T: DeserializeOwned>(answer: &Answer, body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|_| answer.nonsense())
}

/// Notes what reading all rows has shown of a sheet; see [`Source::learn`].
fn note_whole(whole: Book, sheet: usize, seen: &OnceLock<Sheet>) {
    if let Some(whole) = whole.sheets.into_iter().nth(sheet) {
        seen.get_or_init(|| whole);
    }
}

/// A row that is not a row of the list.
fn above(row: &Row) -> AboveRow {
    AboveRow {
        number: row.number,
        texts: row.texts(),
        natives: row
            .natives()
            .map(|(column, format, value)| (column, NativeCell { value, format }))
            .collect(),
    }
}

/// Adds a row to a batch.
fn push(from: &Row, source: &Source, book: &Book, merged: &mut Merged, batch: &mut Cells) {
    let row = batch.next_row();
    for column in 0..from.width().max(source.header.len()) {
        let dropped = source.dropped.contains(&column);
        let mut cell = Cow::Borrowed(if dropped { "" } else { from.cell(column) });
        if book.kind == BookKind::Parquet && cell.contains(wire::LIST_MARK) {
            cell = joined(&cell, column, source, book, batch).into();
        }
        let cell = cell.as_ref();
        let is_misplaced = source.is_misplaced(column, cell);
        if is_misplaced {
            batch.issues.push(misplaced(row, column));
        }
        batch.push_cell(if is_misplaced { HIDDEN } else { cell });
    }
    let index = batch.len() as u32;
    if let Some(sheet) = &mut batch.sheet {
        for (column, format, value) in from.natives() {
            let at = usize::from(column);
            if !source.dropped.contains(&at) && source.secret != Some(at) {
                let native = NativeCell { value, format };
                sheet.natives.push((index, column, native));
            }
        }
    }
    for (column, kind, found) in from.remarks() {
        let at = usize::from(column);
        if source.dropped.contains(&at) || source.secret == Some(at) {
            continue;
        }
        if let Some(kind) = kind.of_cell() {
            batch.kinds.push((index, column, kind));
        }
        let Some(code) = kind.code() else {
            continue;
        };
        batch.issues.push(Issue {
            code,
            row,
            field: None,
            column: Some(column),
            found: match source.secret {
                Some(_) => String::new(),
                None => found.to_string(),
            },
            detail: kind.detail(),
        });
    }
    for (column, anchor) in merged.covered(from.number) {
        let is_named = source
            .header
            .get(column as usize)
            .is_some_and(|name| !name.is_empty());
        if is_named && from.cell(column as usize).is_empty() {
            batch.issues.push(Issue {
                code: Code::CellMerged,
                row,
                field: None,
                column: Some(column as u16),
                found: String::new(),
                detail: format!("its text is in {anchor}, and counts only there"),
            });
        }
    }
    batch.end_row(Place {
        line: from.number,
        byte: u64::MAX,
    });
}

/// The values of a list as the pipeline parts them, with a word on one that holds what parts them.
fn joined(list: &str, column: usize, source: &Source, book: &Book, batch: &mut Cells) -> String {
    let list = list.trim_end_matches(wire::LIST_MARK);
    let separators = book.separators.as_slice();
    let count = list.split(wire::LIST_MARK).count();
    let separated = list
        .split(wire::LIST_MARK)
        .any(|value| super::is_separated(value, count, separators));
    if separated && source.secret != Some(column) {
        let row = batch.next_row();
        batch.issues.push(Issue {
            column: Some(column as u16),
            ..Issue::of_row(Code::CellList, row, super::SEPARATED)
        });
    }
    let separator = separators.first().copied().unwrap_or(';');
    list.replace(wire::LIST_MARK, separator.encode_utf8(&mut [0; 4]))
}

/// The merged areas of a sheet, as far as rows have come to them.
struct Merged {
    /// By first row, the last ones first.
    waiting: Vec<[u32; 4]>,
    current: Vec<[u32; 4]>,
}

impl Merged {
    fn new(sheet: &Sheet) -> Merged {
        let mut waiting = sheet.merged.clone();
        waiting.sort_unstable_by(|a, b| b.cmp(a));
        Merged {
            waiting,
            current: Vec::new(),
        }
    }

    /// The columns of a row whose text is in another cell, and the name of that cell; one for each
    /// area. Rows are asked for in order, counted from 1.
    fn covered(&mut self, number: u64) -> Vec<(u32, String)> {
        if self.waiting.is_empty() && self.current.is_empty() {
            return Vec::new();
        }
        let row = (number - 1).min(u64::from(u32::MAX)) as u32;
        while let Some(area) = self.waiting.pop_if(|area| area[0] <= row) {
            self.current.push(area);
        }
        self.current.retain(|area| area[2] >= row);
        let covered = self.current.iter().filter_map(|[top, left, _, right]| {
            let column = if *top == row { left + 1 } else { *left };
            let anchor = format!("{}{}", column_name(*left), u64::from(*top) + 1);
            (column <= *right).then_some((column, anchor))
        });
        covered.collect()
    }
}

/// What a sheet calls a column: `A`, …, `Z`, `AA`, …
pub fn column_name(index: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = u64::from(index) + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

/// SHA-256, without moving the file's own position.
fn fingerprint(path: &Path, file: &File) -> Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    let mut at = 0;
    loop {
        let count = file
            .read_at(&mut buffer, at)
            .map_err(|error| unreadable(path, &error))?;
        if count == 0 {
            return Ok(crate::text::hex(&hash.finalize()));
        }
        hash.update(&buffer[..count]);
        at += count as u64;
    }
}

/// The index of the sheet to read: the one that is asked for; otherwise the only visible one that
/// has cells, or the only one of these whose first rows look like a list of people.
fn choose(path: &Path, book: &Book, rows: &[FirstRows], wanted: &Wanted) -> Result<usize> {
    let sheets = &book.sheets;
    // What muster wrote has the sheet that it read, whatever its number was.
    let is_ours = |rows: &FirstRows| rows.iter().any(|(_, texts)| has_own(texts));
    let mut ours = (0..sheets.len()).filter(|index| is_ours(&rows[*index]));
    if let (Some(only), None) = (ours.next(), ours.next()) {
        return Ok(only);
    }
    let names =
        |indexes: &[usize]| listed(indexes.iter().map(|index| sheets[*index].name.as_str()));
    let all: Vec<usize> = (0..sheets.len()).collect();
    match &wanted.definition.read.sheet {
        Some(SheetChoice::Name(asked)) => {
            // The command line can't tell a number from a name.
            let number = |index: &usize| (index + 1).to_string() == asked.trim();
            let same = |name: &str| name.trim().to_lowercase() == asked.trim().to_lowercase();
            let exact = sheets.iter().position(|sheet| sheet.name == *asked);
            let found = exact
                .or_else(|| sheets.iter().position(|sheet| same(&sheet.name)))
                .or_else(|| all.iter().copied().find(number));
            return found.ok_or_else(|| {
                let what = format!("has no sheet `{asked}`; it has {}", names(&all));
                refusal(Code::FileNoSheet, path, &what)
            });
        }
        Some(SheetChoice::Number(asked)) => {
            let found = usize::try_from(*asked)
                .ok()
                .and_then(|asked| asked.checked_sub(1));
            return found.filter(|index| *index < sheets.len()).ok_or_else(|| {
                let what = format!("has no sheet number {asked}; it has {}", names(&all));
                refusal(Code::FileNoSheet, path, &what)
            });
        }
        None => {}
    }
    let has_cells = |index: &usize| !rows[*index].is_empty();
    let (hidden, used): (Vec<usize>, Vec<usize>) = all
        .into_iter()
        .filter(has_cells)
        .partition(|index| sheets[*index].is_hidden);
    match used.as_slice() {
        [only] => Ok(*only),
        [] if hidden.is_empty() => Err(refusal(
            Code::FileEmpty,
            path,
            "has no cell that holds anything",
        )),
        [] => {
            let names = names(&hidden);
            Err(refusal(
                Code::FileEmpty,
                path,
                &format!("has cells on hidden sheets only: {names}"),
            )
            .help("show the sheet, or name it: `[read] sheet = \"…\"`"))
        }
        several => only_list(several, rows, wanted).ok_or_else(|| {
            let what = format!("has several sheets with cells: {}", names(several));
            refusal(Code::FileSheets, path, &what)
        }),
    }
}

/// The only one of these sheets whose first rows have the header of a list of people.
fn only_list(several: &[usize], rows: &[FirstRows], wanted: &Wanted) -> Option<usize> {
    let is_header = |(_, texts): &(u64, Vec<String>)| {
        let texts = texts.iter().map(String::as_str);
        wanted.vocabulary.recognised(texts) >= LIST_HEADERS_MIN
    };
    let mut lists = several
        .iter()
        .filter(|index| rows[**index].iter().any(is_header));
    match (lists.next(), lists.next()) {
        (Some(only), None) => Some(*only),
        _ => None,
    }
}

/// A row with this many names of fields is the header of a list of people, not a note that has the
/// word "name" in it.
const LIST_HEADERS_MIN: usize = 2;

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.map(|name| format!("`{}`", printable(name))).collect();
    quoted.join(", ")
}

/// The header and its row on the sheet, from 1.
fn header(path: &Path, mut rows: FirstRows, wanted: &Wanted) -> Result<(u64, Vec<String>)> {
    if let Some(ours) = rows.iter().position(|(_, texts)| has_own(texts)) {
        return Ok(rows.swap_remove(ours));
    }
    if let Some(asked) = wanted.definition.read.header_row {
        let found = rows.into_iter().find(|(line, _)| *line == asked);
        return found.ok_or_else(|| {
            let what = format!("has nothing in row {asked}");
            refusal(Code::FileNoHeader, path, &what)
        });
    }
    let looked_at = rows.len();
    let mut best: Option<(usize, u64, Vec<String>)> = None;
    for (line, texts) in rows {
        let recognised = wanted
            .vocabulary
            .recognised(texts.iter().map(String::as_str));
        let has_words = texts
            .iter()
            .any(|text| text.chars().any(char::is_alphabetic));
        let is_better = match &best {
            Some((most, _, _)) => recognised > *most,
            None => recognised > 0 || has_words,
        };
        if is_better {
            best = Some((recognised, line, texts));
        }
    }
    match best {
        Some((_, line, texts)) => Ok((line, texts)),
        None if looked_at == 0 => Err(refusal(
            Code::FileEmpty,
            path,
            "has a sheet with nothing on it",
        )),
        None => {
            let what = format!("has no column names in its first {looked_at} rows");
            Err(refusal(Code::FileNoHeader, path, &what))
        }
    }
}

impl Book {
    /// What a person should know of how the sheet at that index is read, in plain sentences.
    pub fn remarks(&self, sheet: usize, header: &[String]) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.kind == BookKind::Parquet {
            remarks.push("Parquet".to_string());
        }
        if !self.left_out.is_empty() {
            let names = listed(self.left_out.iter().map(String::as_str));
            remarks.push(format!("columns of an unsupported type: {names}"));
        }
        let others: Vec<&str> = self
            .sheets
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != sheet)
            .map(|(_, other)| other.name.as_str())
            .collect();
        if !others.is_empty() {
            remarks.push(format!("not read: {}", listed(others.into_iter())));
        }
        let Some(chosen) = self.sheets.get(sheet) else {
            return remarks;
        };
        if chosen.is_hidden {
            remarks.push("the sheet is hidden".to_string());
        }
        match chosen.hidden_rows {
            0 => {}
            1 => remarks.push("1 hidden row, read like the others".to_string()),
            count => remarks.push(format!("{count} hidden rows, read like the others")),
        }
        let columns: Vec<String> = chosen
            .hidden_columns
            .iter()
            .filter(|(first, _)| *first < limits::LIMITS.columns)
            .filter(|(first, last)| {
                let name = header.get(*first as usize);
                first != last || !name.is_some_and(|name| is_own(name))
            })
            .map(|(first, last)| match first == last {
                true => column_name(*first),
                false => format!("{} to {}", column_name(*first), column_name(*last)),
            })
            .collect();
        if !columns.is_empty() {
            let columns = columns.join(", ");
            remarks.push(format!("hidden columns, read like the others: {columns}"));
        }
        match chosen.merged.len() as u64 + chosen.merged_more {
            0 => {}
            count => remarks.push(format!(
                "merged cells: {count}; the text counts for the first cell of each"
            )),
        }
        if self.is_1904 {
            remarks.push("dates count from 1904".to_string());
        }
        remarks
    }
}

#[cfg(test)]
mod tests;
