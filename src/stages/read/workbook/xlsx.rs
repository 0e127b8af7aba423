//! Office Open XML, cell by cell: memory doesn't grow with the sheet.
//!
//! A sheet is inflated once: its limits are held while its rows are read ([`super::cells`]). Only
//! where its XML is unusual, it is checked to its end first and then read again by the parser.

use std::collections::HashMap;
use std::io::{BufReader, Read};

use calamine::{Cell, DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxCellReader};
use quick_xml::events::Event;
use zip::read::ZipFile;

use super::super::input::At;
use super::cells::{FORMULAS_MAX, Rows, Shared};
use super::guard::{self, Archive, Budget, Part};
use super::job::{Each, Job, Next, Only, check_sheets};
use super::line::{Line, iso};
use super::number_format::NumberFormat;
use super::refuse::{broken, damaged};
use super::remark::Kind;
use super::scan::PartNotes;
use super::strings::{Strings, pass_head};
use super::window::{Fast, Stop, Window};
use super::wire::{Book, BookKind, Sheet};
use super::xml::{Xml, attribute, local_attribute};
use crate::refusal::Result;

/// How long the fixed part of an entry of an archive's directory is, which its name follows.
const ENTRY_BYTES: u64 = 46;

type Workbook<'f> = Xlsx<BufReader<At<'f>>>;

/// An archive, and which of its parts were checked to their end.
struct Package<'j, 'f> {
    job: &'j Job<'f>,
    archive: Archive<'f>,
    names: Vec<String>,
    /// What its parts inflate to.
    total: &'j Budget,
    /// By entry: what was seen in it.
    notes: HashMap<usize, PartNotes>,
    /// Entries that aren't checked to their end yet.
    unchecked: Vec<usize>,
}

impl<'j, 'f> Package<'j, 'f> {
    /// Large sheets and strings are checked when they are read; all others now, unless they were when
    /// the workbook was looked at.
    fn open(job: &'j Job<'f>, total: &'j Budget) -> Result<Package<'j, 'f>> {
        let (mut archive, names) = guard::open(job)?;
        let mut unchecked = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let name = name.to_ascii_lowercase();
            let is_sheet = name.contains("worksheets/") && name.ends_with(".xml");
            if (is_sheet || name.ends_with("sharedstrings.xml"))
                && packed(job, &mut archive, index)? > job.limits.at_once
            {
                unchecked.push(index);
            }
        }
        let mut package = Package {
            job,
            archive,
            names,
            total,
            notes: HashMap::new(),
            unchecked,
        };
        match job.only {
            None => {
                for index in 0..package.names.len() {
                    if !package.unchecked.contains(&index) {
                        package.check(index)?;
                    }
                }
            }
            Some(only) => package.total.add(job.path, only.checked as usize)?,
        }
        Ok(package)
    }

    /// Inflates a part to its end.
    fn check(&mut self, index: usize) -> Result<()> {
        let name = (index, self.names[index].as_str());
        let notes = guard::check_part(self.job, &mut self.archive, name, self.total)?;
        self.unchecked.retain(|other| *other != index);
        self.notes.insert(index, notes);
        Ok(())
    }

    /// Inflates all parts to their end that weren't, but for `kept`.
    fn check_all_but(&mut self, kept: &[usize]) -> Result<()> {
        for index in self.unchecked.clone() {
            if !kept.contains(&index) {
                self.check(index)?;
            }
        }
        Ok(())
    }

    /// A part as it inflates, checked on its way if it wasn't before.
    fn window<'w>(
        &self,
        archive: &'w mut Archive<'f>,
        index: usize,
    ) -> Result<Window<'w, ZipFile<'w, BufReader<At<'f>>>>>
    where
        'j: 'w,
    {
        let job = self.job;
        let body = archive.by_index(index);
        let body = body.map_err(|error| guard::broken(job.path, error))?;
        let packed = body.compressed_size();
        let is_checked = !self.unchecked.contains(&index);
        let part = (!is_checked).then(|| Part::new(job, &self.names[index], packed, self.total));
        Ok(Window::new(body, part))
    }

    /// Reads the shared strings that no cell needed: one of them may still be one that can't be read.
    fn end_strings<R: Read>(&mut self, table: usize, strings: &mut Strings<R>) -> Result<()> {
        let is_usual = match strings.read_rest() {
            Ok(()) => true,
            Err(Stop::Refused(refusal)) => return Err(refusal),
            Err(Stop::Unusual) => false,
        };
        strings.scan_rest()?;
        self.unchecked.retain(|index| *index != table);
        if !is_usual {
            whole(self)?;
        }
        Ok(())
    }

    /// What was seen of the sheets.
    fn sheets(&mut self, found: Vec<(String, bool)>, entries: &[Option<usize>]) -> Vec<Sheet> {
        let has_formulas = self.notes.values().any(|notes| notes.formulas);
        let sheets = found.into_iter().zip(entries);
        let sheet = |((name, is_hidden), entry): ((String, bool), &Option<usize>)| {
            let notes = entry.and_then(|entry| self.notes.remove(&entry));
            // A sheet whose part isn't known may be the one that has them.
            let notes = notes.unwrap_or(PartNotes {
                formulas: has_formulas,
                ..PartNotes::default()
            });
            let is_partial = entry.is_some_and(|entry| self.unchecked.contains(&entry));
            sheet(name, is_hidden, notes, is_partial)
        };
        sheets.map(sheet).collect()
    }

    /// The entry of that name, whose case doesn't matter.
    fn entry(&self, name: &str) -> Option<usize> {
        let mut names = self.names.iter();
        names.position(|other| other.eq_ignore_ascii_case(name))
    }
}

fn packed(job: &Job, archive: &mut Archive, index: usize) -> Result<u64> {
    let entry = archive.by_index_raw(index);
    let entry = entry.map_err(|error| guard::broken(job.path, error))?;
    Ok(entry.compressed_size())
}

/// Goes through a workbook; see [`Each`].
pub(super) fn pass(job: &Job, each: &mut Each) -> Result<Book> {
    read(job, each, false)
}

/// As [`pass`], but every sheet is read by the parser.
#[cfg(test)]
pub(super) fn pass_by_parser(job: &Job, each: &mut Each) -> Result<Book> {
    read(job, each, true)
}

fn read(job: &Job, each: &mut Each, is_parsed: bool) -> Result<Book> {
    let total = Budget::of_archive(job)?;
    let mut package = Package::open(job, &total)?;
    let checked = total.bytes();
    let parts = parts(&mut package.archive).unwrap_or_default();
    let table = package.entry(&parts.strings);
    let mut workbook = match bare(&mut package, table)? {
        Some(workbook) => workbook,
        None => whole(&mut package)?,
    };
    let found: Vec<(String, bool)> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| (sheet.name.clone(), sheet.visible != SheetVisible::Visible))
        .collect();
    check_sheets(job, found.len())?;
    let mut archive = guard::archive(job)?;
    let window = table.map(|index| package.window(&mut archive, index));
    let mut strings = Strings::new(window.transpose()?);
    let parser = match is_parsed {
        true => {
            strings.scan_rest()?;
            Some(whole(&mut package)?)
        }
        false => None,
    };
    let mut sheets = Sheets {
        package: &mut package,
        table,
        shared: None,
        parser,
    };
    let entries = found.iter().map(|(name, _)| parts.sheets.get(name));
    let entries: Vec<Option<usize>> = entries.map(|part| sheets.package.entry(part?)).collect();
    for (index, (name, _)) in found.iter().enumerate() {
        if job.only.is_none_or(|only| only.sheet == index) {
            let sheet = (index, name.as_str(), entries[index]);
            sheets.read(&mut workbook, sheet, &mut strings, each)?;
        }
    }
    let is_1904 = workbook.has_1904_epoch();
    let is_parsed = sheets.parser.is_some();
    let mut kept = Vec::new();
    if job.only.is_none() {
        kept.extend(entries.iter().flatten().chain(&table).copied());
    }
    let is_read_whole = |index: &usize| !kept.contains(index) || !package.unchecked.contains(index);
    if let Some(table) = table.filter(is_read_whole).filter(|_| !is_parsed) {
        package.end_strings(table, &mut strings)?;
    }
    package.check_all_but(&kept)?;
    Ok(Book {
        kind: BookKind::Xlsx,
        is_1904,
        sheets: package.sheets(found, &entries),
        left_out: Vec::new(),
        separators: Vec::new(),
        checked,
    })
}

/// The workbook as the parser reads it, without its shared strings; `None` where that isn't known to
/// be the same in all else.
fn bare<'f>(package: &mut Package<'_, 'f>, table: Option<usize>) -> Result<Option<Workbook<'f>>> {
    let sheets = package.unchecked.iter().copied();
    let is_sheet = |index: &usize| {
        package.names[*index]
            .to_ascii_lowercase()
            .contains("worksheets/")
    };
    let mut kept: Vec<usize> = sheets.filter(is_sheet).collect();
    kept.extend(table);
    package.check_all_but(&kept)?;
    let mut file = At::start(package.job.file);
    if let Some(index) = table {
        let entry = package.archive.by_index_raw(index);
        let entry = entry.map_err(|error| guard::broken(package.job.path, error))?;
        let at = entry.central_header_start() + ENTRY_BYTES;
        if !file.has(at, entry.name_raw()) {
            return Ok(None);
        }
        file = file.blanking(at);
    }
    Ok(Xlsx::new(BufReader::new(file)).ok())
}

/// The workbook as the parser reads it, after all of it was checked.
fn whole<'f>(package: &mut Package<'_, 'f>) -> Result<Workbook<'f>> {
    package.check_all_but(&[])?;
    let file = BufReader::new(At::start(package.job.file));
    Xlsx::new(file).map_err(|error| broken(package.job.path, &error))
}

/// The sheets of a workbook on their way.
struct Sheets<'p, 'j, 'f> {
    package: &'p mut Package<'j, 'f>,
    /// The entry of the shared strings.
    table: Option<usize>,
    shared: Option<Shared>,
    /// The parser, once a sheet was unusual.
    parser: Option<Workbook<'f>>,
}

impl<'f> Sheets<'_, '_, 'f> {
    /// Hands the rows of a sheet on. `workbook` is without its shared strings.
    fn read<R: Read>(
        &mut self,
        workbook: &mut Workbook<'f>,
        (index, name, entry): (usize, &str, Option<usize>),
        strings: &mut Strings<R>,
        each: &mut Each,
    ) -> Result<()> {
        let mut handed = 0;
        if let (None, Some(entry)) = (&self.parser, entry) {
            match self.fast(workbook, (index, name, entry), strings, (&mut handed, each)) {
                Ok(()) => return Ok(()),
                Err(Stop::Refused(refusal)) => return Err(refusal),
                Err(Stop::Unusual) => {}
            }
        }
        let job = self.package.job;
        if self.parser.is_none() {
            strings.scan_rest()?;
            self.package
                .unchecked
                .retain(|index| Some(*index) != self.table);
            self.parser = Some(whole(self.package)?);
        }
        let Some(parser) = &mut self.parser else {
            return Ok(());
        };
        let formulas = match job.only {
            Some(Only { formulas: true, .. }) => formulas(parser, name),
            _ => Vec::new(),
        };
        rows(
            job,
            parser,
            name,
            formulas,
            &mut |line| match line.number <= handed {
                true => Ok(Next::Row),
                false => each(index, line),
            },
        )
    }

    /// As [`Sheets::read`], without the parser. `handed` becomes the number of the last row that was
    /// handed on.
    fn fast<R: Read>(
        &mut self,
        workbook: &mut Workbook<'f>,
        (index, name, entry): (usize, &str, usize),
        strings: &mut Strings<R>,
        (handed, each): (&mut u64, &mut Each),
    ) -> Fast<()> {
        let job = self.package.job;
        let mut archive = guard::archive(job)?;
        let mut window = self.package.window(&mut archive, entry)?;
        let mut line = Line::new(job.path, job.limits).with_natives(job.natives);
        let shared = &mut self.shared;
        let read = pass_head(&mut window, "sheetData").and_then(|has_rows| {
            let is_1904 = workbook.has_1904_epoch();
            let reader = workbook.worksheet_cells_reader(name);
            let reader = reader.map_err(|error| broken(job.path, &error))?;
            let shared = shared.get_or_insert_with(|| {
                let (formats, styles) = formats(&reader);
                Shared {
                    is_1904,
                    formats,
                    styles,
                }
            });
            let mut rows = Rows::new(shared, strings, job.only.is_some());
            let each = &mut |line: &Line| each(index, line);
            let read = match has_rows {
                true => rows.read(&mut window, &mut line, each),
                false => Ok(true),
            };
            *handed = rows.handed;
            read
        });
        // A part of which the rest isn't wanted is checked when its rows are read.
        let is_left = matches!(read, Ok(false));
        if !is_left {
            window.scan_rest()?;
        }
        if let Some(part) = window.into_part() {
            if is_left {
                part.forget();
            } else {
                self.package.unchecked.retain(|other| *other != entry);
            }
            self.package.notes.insert(entry, part.notes());
        }
        read.map(|_| ())
    }
}

fn sheet(name: String, is_hidden: bool, notes: PartNotes, is_partial: bool) -> Sheet {
    Sheet {
        name,
        is_hidden,
        is_partial,
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
fn formats(reader: &XlsxCellReader<BufReader<At>>) -> (Vec<NumberFormat>, Vec<u32>) {
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

/// Hands every row of a sheet on that holds anything, as the parser reads it.
fn rows(
    job: &Job,
    workbook: &mut Workbook,
    sheet: &str,
    formulas: Vec<(u32, u32)>,
    each: &mut dyn FnMut(&Line) -> Result<Next>,
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
                if ended.is_some() && line.end()? && each(&line)? == Next::Sheet {
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
        each(&line)?;
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

/// Where the parts of a workbook are.
#[derive(Default)]
struct Parts {
    /// By the name of the sheet.
    sheets: HashMap<String, String>,
    /// The shared strings, if there are any.
    strings: String,
}

/// `None` when the parts don't say.
fn parts(archive: &mut Archive) -> Option<Parts> {
    let root = relations(archive, "_rels/.rels")?;
    let mut roots = root
        .into_values()
        .filter(|(kind, _)| kind.ends_with("/officeDocument"));
    let (Some((_, book)), None) = (roots.next(), roots.next()) else {
        return None;
    };
    let book = book.trim_start_matches('/').to_string();
    let (folder, name) = book.split_at(book.rfind('/').map_or(0, |at| at + 1));
    let targets = relations(archive, &format!("{folder}_rels/{name}.rels"))?;
    let mut parts = Parts {
        sheets: HashMap::new(),
        strings: format!("{folder}sharedStrings.xml"),
    };
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
                None => format!("{folder}{target}"),
            };
            parts.sheets.entry(name.into_owned()).or_insert(part);
        }
    }
    Some(parts)
}

/// Id → type and target.
pub(super) fn relations(
    archive: &mut Archive,
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
