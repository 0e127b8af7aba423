//! Excel workbooks, cell by cell: memory doesn't grow with the sheet.
//!
//! Only `.xlsx` and `.xlsm` are read. Older and other formats have no streaming reader, and a
//! file of a few bytes can make theirs ask for gigabytes.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use calamine::{Reader, SheetType, SheetVisible, Xlsx};
use sha2::{Digest, Sha256};

use super::{Emit, Format, HIDDEN, Source, Wanted, misplaced};
use crate::issue::{Code, Issue};
use crate::refusal::Result;
use crate::row::{Cells, Place, RowNumber};
use guard::Seen;
use refuse::{broken, printable, quietly, refusal};
use rows::SheetRows;

pub mod guard;
mod kind;
mod number_format;
mod refuse;
pub mod rows;
mod scan;

/// How many rows that aren't blank are looked at for the header.
const HEADER_ROWS_MAX: usize = 20;

/// A workbook that is read from a file.
type Workbook<'f> = Xlsx<BufReader<&'f File>>;

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
        _ => refusal(
            Code::FileUnreadable,
            path,
            &format!("can't be read: {error}"),
        ),
    })?;
    kind::is_archive(path, &file)?;
    let (sha256, bytes) = fingerprint(path, &file)?;
    let Seen { formulas } = quietly(path, || guard::check(path, &file))??;
    let mut workbook = parse(path, &file)?;
    let sheet = choose(path, &mut workbook, wanted.definition.read.sheet.as_deref())?;
    let mut rows = SheetRows::new(path, &mut workbook, &sheet)?;
    let (header_line, header) = header(&mut rows, wanted)?;
    Ok(Source {
        path: path.to_path_buf(),
        sha256,
        bytes,
        format: Format::Xlsx { sheet, formulas },
        header_line,
        header,
        dropped: Vec::new(),
        secret: None,
    })
}

/// Streams the rows below the header. Blank rows are left out; every other row has at least as
/// many cells as the header.
///
/// # Errors
/// `file.changed` when the file isn't the one that was opened, `file.damaged`, `file.limit`; what
/// `emit` fails with.
pub fn read(
    source: &Source,
    sheet: &str,
    number: u16,
    first_row: RowNumber,
    emit: &mut Emit,
) -> Result<()> {
    let path = source.path.as_path();
    let file = File::open(path).map_err(|error| {
        refusal(
            Code::FileUnreadable,
            path,
            &format!("can't be read: {error}"),
        )
    })?;
    if fingerprint(path, &file)? != (source.sha256.clone(), source.bytes) {
        return Err(refusal(
            Code::FileChanged,
            path,
            "changed after it was opened",
        ));
    }
    let mut workbook = parse(path, &file)?;
    let formulas = match source.format {
        Format::Xlsx { formulas: true, .. } => rows::formulas(path, &mut workbook, sheet)?,
        _ => Vec::new(),
    };
    let mut rows = SheetRows::new(path, &mut workbook, sheet)?.with_formulas(formulas);
    let mut batch = Cells::new(number, first_row);
    while let Some(line) = rows.advance()? {
        if line <= source.header_line {
            continue;
        }
        push(&rows, line, source, &mut batch);
        if batch.is_full() {
            let next = Cells::new(number, batch.next_row());
            if !emit(std::mem::replace(&mut batch, next))? {
                return Ok(());
            }
        }
    }
    if !batch.is_empty() {
        emit(batch)?;
    }
    Ok(())
}

/// Adds the row under way to a batch.
fn push(rows: &SheetRows, line: u64, source: &Source, batch: &mut Cells) {
    let row = batch.next_row();
    for column in 0..rows.width.max(source.header.len()) {
        let dropped = source.dropped.contains(&column);
        let cell = if dropped { "" } else { rows.text(column) };
        let is_misplaced = source.is_misplaced(column, cell);
        if is_misplaced {
            batch.issues.push(misplaced(row, column));
        }
        batch.push_cell(if is_misplaced { HIDDEN } else { cell });
    }
    for remark in &rows.remarks {
        if source.dropped.contains(&remark.column) || source.secret == Some(remark.column) {
            continue;
        }
        batch.issues.push(Issue {
            code: remark.code,
            row,
            field: None,
            column: Some(remark.column as u16),
            found: match source.secret {
                Some(_) => String::new(),
                None => remark.found.clone(),
            },
            detail: remark.detail.clone(),
        });
    }
    batch.end_row(Place {
        line,
        byte: u64::MAX,
    });
}

/// SHA-256 and size; leaves the file at its start.
fn fingerprint(path: &Path, mut file: &File) -> Result<(String, u64)> {
    let unreadable = |error: std::io::Error| {
        refusal(
            Code::FileUnreadable,
            path,
            &format!("can't be read: {error}"),
        )
    };
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    let mut bytes = 0;
    loop {
        let count = file.read(&mut buffer).map_err(unreadable)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        bytes += count as u64;
    }
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    Ok((crate::hex(&hash.finalize()), bytes))
}

/// Reads what a workbook has besides its sheets.
fn parse<'f>(path: &Path, file: &'f File) -> Result<Workbook<'f>> {
    quietly(path, || Xlsx::new(BufReader::new(file)))?.map_err(|error| broken(path, &error))
}

/// The sheet to read: the one that is asked for, or the only visible one that has cells.
fn choose(path: &Path, workbook: &mut Workbook, asked: Option<&str>) -> Result<String> {
    let sheets: Vec<(String, bool)> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| (sheet.name.clone(), sheet.visible == SheetVisible::Visible))
        .collect();
    if let Some(asked) = asked {
        let same = |name: &str| name.trim().to_lowercase() == asked.trim().to_lowercase();
        let exact = sheets.iter().find(|(name, _)| name == asked);
        let found = exact.or_else(|| sheets.iter().find(|(name, _)| same(name)));
        return found.map(|(name, _)| name.clone()).ok_or_else(|| {
            let names = listed(sheets.iter().map(|(name, _)| name.as_str()));
            refusal(
                Code::FileNoSheet,
                path,
                &format!("has no sheet `{asked}`; it has {names}"),
            )
        });
    }
    let mut used = Vec::new();
    let mut hidden = Vec::new();
    for (name, visible) in &sheets {
        if SheetRows::new(path, workbook, name)?.advance()?.is_some() {
            if *visible { &mut used } else { &mut hidden }.push(name.as_str());
        }
    }
    match used.as_slice() {
        [only] => Ok((*only).to_string()),
        [] if hidden.is_empty() => Err(refusal(
            Code::FileEmpty,
            path,
            "has no cell that holds anything",
        )),
        [] => {
            let names = listed(hidden.into_iter());
            Err(refusal(
                Code::FileEmpty,
                path,
                &format!("has cells on hidden sheets only: {names}"),
            )
            .help("show the sheet, or name it: `[read] sheet = \"…\"`"))
        }
        several => {
            let names = listed(several.iter().copied());
            Err(refusal(
                Code::FileSheets,
                path,
                &format!("has several sheets with cells: {names}"),
            ))
        }
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.map(|name| format!("`{}`", printable(name))).collect();
    quoted.join(", ")
}

/// The header and its row on the sheet, from 1.
fn header(rows: &mut SheetRows, wanted: &Wanted) -> Result<(u64, Vec<String>)> {
    let path = rows.path;
    if let Some(asked) = wanted.definition.read.header_row {
        while let Some(line) = rows.advance()? {
            if line == asked {
                return Ok((line, rows.texts()));
            }
            if line > asked {
                break;
            }
        }
        return Err(refusal(
            Code::FileNoHeader,
            path,
            &format!("has nothing in row {asked}"),
        ));
    }
    let mut best: Option<(usize, u64, Vec<String>)> = None;
    let mut looked_at = 0;
    while looked_at < HEADER_ROWS_MAX
        && let Some(line) = rows.advance()?
    {
        looked_at += 1;
        let texts = rows.texts();
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
            let what = format!("has no names of columns in its first {looked_at} rows");
            Err(refusal(Code::FileNoHeader, path, &what))
        }
    }
}

#[cfg(test)]
mod tests;
