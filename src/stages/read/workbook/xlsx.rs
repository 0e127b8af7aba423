//! Office Open XML, cell by cell: memory doesn't grow with the sheet.

use std::collections::HashMap;
use std::io::BufReader;

use calamine::{Cell, DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxCellReader};
use quick_xml::events::Event;
use zip::ZipArchive;

use super::super::input::File;
use super::guard;
use super::line::Line;
use super::number_format::NumberFormat;
use super::refuse::{broken, damaged};
use super::remark::Kind;
use super::wire::{Book, BookKind, Sheet};
use super::xml::{Xml, attribute, local_attribute};
use crate::refusal::Result;
use crate::stages::read::workbook::job::{Each, Job, Next, check_sheets};
use crate::stages::read::workbook::scan::PartNotes;

/// Beyond this many, formulas are still read but no longer recorded.
const FORMULAS_MAX: usize = 2_000_000;

type Workbook<'f> = Xlsx<BufReader<&'f File>>;

/// Goes through a workbook; see [`Each`].
pub(super) fn pass(job: &Job, each: &mut Each) -> Result<Book> {
    let mut notes = match job.only {
        None => guard::check(job)?,
        Some(_) => HashMap::new(),
    };
    guard::rewind(job)?;
    let mut workbook: Workbook =
        Xlsx::new(BufReader::new(job.file)).map_err(|error| broken(job.path, &error))?;
    let found: Vec<(String, bool)> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| (sheet.name.clone(), sheet.visible != SheetVisible::Visible))
        .collect();
    check_sheets(job, found.len())?;
    let parts = match job.only {
        None => sheet_parts(job).unwrap_or_default(),
        Some(_) => HashMap::new(),
    };
    let has_formulas = notes.values().any(|notes| notes.formulas);
    let mut sheets = Vec::with_capacity(found.len());
    for (index, (name, is_hidden)) in found.iter().enumerate() {
        if job.only.is_none_or(|(only, _)| only == index) {
            let formulas = match job.only {
                Some((_, true)) => formulas(&mut workbook, name),
                _ => Vec::new(),
            };
            rows(job, &mut workbook, name, index, formulas, each)?;
        }
        let part = parts.get(name.as_str());
        let notes = part.and_then(|part| notes.remove(part));
        // A sheet whose part isn't known may be the one that has them.
        let notes = notes.unwrap_or(PartNotes {
            formulas: has_formulas,
            ..PartNotes::default()
        });
        sheets.push(sheet(name, *is_hidden, notes));
    }
    Ok(Book {
        kind: BookKind::Xlsx,
        is_1904: workbook.has_1904_epoch(),
        sheets,
        left_out: Vec::new(),
        separators: Vec::new(),
    })
}

fn sheet(name: &str, is_hidden: bool, notes: PartNotes) -> Sheet {
    Sheet {
        name: name.to_string(),
        is_hidden,
        formulas: notes.formulas,
        hidden_rows: notes.hidden_rows,
        hidden_columns: notes.hidden_columns,
        merged: notes.merged,
        merged_more: notes.merged_more,
        widths: notes.widths,
    }
}

/// Where a sheet has formulas, as (row, column) in the order of the file. The reader that tells
/// formulas doesn't tell formats, so they take a pass of their own; only sheets that have any
/// pay for it.
fn formulas(workbook: &mut Workbook, sheet: &str) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    // What is wrong with the sheet is said by the pass that reads its values.
    let Ok(mut reader) = workbook.worksheet_cells_reader(sheet) else {
        return found;
    };
    while let Ok(Some(record)) = reader.next_cell_with_formula_metadata() {
        if record.formula.is_some() {
            found.push(record.pos);
        }
        if found.len() == FORMULAS_MAX {
            break;
        }
    }
    found
}

/// The formats of a workbook, parsed once; and by style, which of them.
fn formats(reader: &XlsxCellReader<BufReader<&File>>) -> (Vec<NumberFormat>, Vec<u32>) {
    let mut formats = vec![NumberFormat::new(None, "General")];
    let mut styles = Vec::with_capacity(reader.styles().len());
    let mut known = HashMap::new();
    for style in reader.styles() {
        let Some(format) = &style.number_format else {
            styles.push(0);
            continue;
        };
        let key = (format.format_id, format.format_code.as_str());
        styles.push(*known.entry(key).or_insert_with(|| {
            formats.push(NumberFormat::new(key.0, key.1));
            formats.len() as u32 - 1
        }));
    }
    (formats, styles)
}

/// Hands every row of a sheet on that holds anything.
fn rows(
    job: &Job,
    workbook: &mut Workbook,
    sheet: &str,
    index: usize,
    formulas: Vec<(u32, u32)>,
    each: &mut Each,
) -> Result<()> {
    let path = job.path;
    let is_1904 = workbook.has_1904_epoch();
    let reader = workbook.worksheet_cells_reader(sheet);
    let mut reader = reader.map_err(|error| broken(path, &error))?;
    let (formats, styles) = formats(&reader);
    let mut formulas = formulas.into_iter().peekable();
    let mut line = Line::new(path, job.limits).with_natives(job.natives);
    // Cells must come in order, or rows would be lost in each other.
    let mut last: Option<(u32, u32)> = None;
    while let Some((cell, style)) = reader
        .next_cell_with_style_id()
        .map_err(|error| broken(path, &error))?
    {
        let (row, column) = cell.get_position();
        match last {
            Some((at, _)) if row < at => {
                let (row, at) = (u64::from(row) + 1, u64::from(at) + 1);
                return Err(damaged(path, &format!("row {row} comes after row {at}")));
            }
            Some((at, before)) if row == at && column <= before => {
                let what = format!("row {} comes twice", u64::from(row) + 1);
                return Err(damaged(path, &what));
            }
            Some((at, _)) if row == at => {}
            ended => {
                if ended.is_some() && line.end()? && each(index, &line)? == Next::Sheet {
                    return Ok(());
                }
                line.begin(u64::from(row));
            }
        }
        last = Some((row, column));
        let is_formula = formulas_at(&mut formulas, (row, column));
        let is_uncomputed = is_formula && matches!(cell.get_value(), DataRef::Empty);
        if is_blank(&cell) && !is_uncomputed {
            continue;
        }
        line.check_place(u64::from(row), u64::from(column))?;
        let format = styles.get(style).copied().unwrap_or(0);
        let format = &formats[format as usize];
        put(
            &mut line,
            column as usize,
            cell.get_value(),
            format,
            is_1904,
        )?;
        if is_formula {
            let kind = if is_uncomputed {
                Kind::Uncomputed
            } else {
                Kind::Formula
            };
            line.remark(column as usize, kind, String::new());
        }
    }
    if last.is_some() && line.end()? {
        each(index, &line)?;
    }
    Ok(())
}

/// Whether a formula is there; those before are passed over.
fn formulas_at(
    formulas: &mut std::iter::Peekable<std::vec::IntoIter<(u32, u32)>>,
    place: (u32, u32),
) -> bool {
    while formulas.next_if(|formula| *formula < place).is_some() {}
    formulas.next_if_eq(&place).is_some()
}

fn is_blank(cell: &Cell<DataRef>) -> bool {
    match cell.get_value() {
        DataRef::Empty | DataRef::SharedString("") => true,
        DataRef::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Adds a cell to the row under way.
pub(super) fn put(
    line: &mut Line,
    column: usize,
    value: &DataRef,
    format: &NumberFormat,
    is_1904: bool,
) -> Result<()> {
    match value {
        DataRef::SharedString(text) => line.cell(column, |out| out.push_str(text)),
        DataRef::String(text) => line.cell(column, |out| out.push_str(text)),
        DataRef::Float(number) => line.number(column, *number, format, is_1904),
        DataRef::Int(number) => line.number(column, *number as f64, format, is_1904),
        DataRef::DateTime(moment) => line.number(column, moment.as_f64(), format, is_1904),
        DataRef::Bool(value) => line.truth(column, *value),
        DataRef::DateTimeIso(text) => {
            line.cell(column, |out| out.push_str(iso(text)))?;
            line.remark(column, Kind::Date, String::new());
            Ok(())
        }
        DataRef::DurationIso(text) => line.cell(column, |out| out.push_str(iso(text))),
        DataRef::Error(error) => line.error(column, error.to_string()),
        DataRef::Empty => Ok(()),
    }
}

/// A date as newer workbooks may store it, without a time that says nothing.
pub(super) fn iso(text: &str) -> &str {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let text = text.strip_suffix(".000").unwrap_or(text);
    text.strip_suffix("T00:00:00").unwrap_or(text)
}

/// Which part of the archive each sheet is, by its name. `None` when the parts don't say.
fn sheet_parts(job: &Job) -> Option<HashMap<String, String>> {
    guard::rewind(job).ok()?;
    let mut archive = ZipArchive::new(BufReader::new(job.file)).ok()?;
    let root = relations(&mut archive, "_rels/.rels")?;
    let (_, book) = root
        .into_values()
        .find(|(kind, _)| kind.ends_with("/officeDocument"))?;
    let book = book.trim_start_matches('/').to_string();
    let (folder, name) = book.rsplit_once('/').unwrap_or(("", &book));
    let targets = relations(&mut archive, &format!("{folder}/_rels/{name}.rels"))?;
    let mut parts = HashMap::new();
    let mut xml = Xml::new(archive.by_name(&book).ok()?);
    loop {
        let tag = match xml.next().ok()? {
            Event::Start(tag) | Event::Empty(tag) => tag,
            Event::Eof => break,
            _ => continue,
        };
        if tag.local_name().as_ref() != "sheet" {
            continue;
        }
        let (Some(name), Some(id)) = (attribute(&tag, "name"), local_attribute(&tag, "id")) else {
            continue;
        };
        if let Some((_, target)) = targets.get(id.as_ref()) {
            let part = match target.strip_prefix('/') {
                Some(absolute) => absolute.to_string(),
                None => format!("{folder}/{target}"),
            };
            parts
                .entry(name.into_owned())
                .or_insert(part.to_ascii_lowercase());
        }
    }
    Some(parts)
}

/// Id → type and target.
pub(super) fn relations(
    archive: &mut ZipArchive<BufReader<&File>>,
    name: &str,
) -> Option<HashMap<String, (String, String)>> {
    let name = name.trim_start_matches('/');
    let mut found = HashMap::new();
    let mut xml = Xml::new(archive.by_name(name).ok()?);
    loop {
        let tag = match xml.next().ok()? {
            Event::Start(tag) | Event::Empty(tag) => tag,
            Event::Eof => break,
            _ => continue,
        };
        if tag.local_name().as_ref() == "Relationship"
            && let (Some(id), Some(kind), Some(target)) = (
                attribute(&tag, "Id"),
                attribute(&tag, "Type"),
                attribute(&tag, "Target"),
            )
        {
            found.insert(id.into_owned(), (kind.into_owned(), target.into_owned()));
        }
    }
    Some(found)
}
