//! OpenDocument spreadsheets (OASIS ODF 1.2), tag by tag.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt::Write;
use std::io::{Error, Read};

use quick_xml::events::{BytesStart, Event};

use super::guard::{self, Budget, Checked, Part};
use super::line::{Line, iso};
use super::number_format::NumberFormat;
use super::refuse::{damaged, encrypted};
use super::remark::Kind;
use super::wire::{Book, BookKind, Sheet};
use super::xml::{self, Xml, attribute, attributes};
use crate::refusal::Result;
use crate::stages::read::workbook::job::{Each, Job, Next, check_sheets};

const AREAS_MAX: usize = 10_000;
/// The part that has all sheets.
const CONTENT: &str = "content.xml";
/// The kinds of cells, and the attribute that each has its value in. The first is that of numbers.
const VALUES: [(&str, &str); 5] = [
    ("float", "office:value"),
    ("date", "office:date-value"),
    ("time", "office:time-value"),
    ("boolean", "office:boolean-value"),
    ("string", "office:string-value"),
];
/// How much of the list of an archive's parts is looked at.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// Goes through a workbook; see [`Each`].
pub(super) fn pass(job: &Job, each: &mut Each) -> Result<Book> {
    let (mut archive, names) = guard::open(job)?;
    // What is encrypted is no XML, which the guard would call damage.
    if let Ok(manifest) = archive.by_name("META-INF/manifest.xml") {
        let mut bytes = Vec::new();
        let read = manifest.take(MANIFEST_BYTES_MAX).read_to_end(&mut bytes);
        read.map_err(|error| damaged(job.path, &error))?;
        if memchr::memmem::find(&bytes, b"encryption-data").is_some() {
            return Err(encrypted(job.path));
        }
    }
    let total = Budget::of_archive(job)?;
    let is_new = job.only.is_none();
    for (index, name) in names.iter().enumerate() {
        if is_new && name != CONTENT {
            guard::check_part(job, &mut archive, (index, name), &total)?;
        }
    }
    let body = archive
        .by_name(CONTENT)
        .map_err(|error| damaged(job.path, &error))?;
    let packed = body.compressed_size();
    let refused = Cell::new(None);
    let content = Checked {
        body,
        part: is_new.then(|| Part::new(job, CONTENT, packed, &total)),
        refused: &refused,
    };
    let mut reader = Content {
        job,
        xml: Xml::new(content),
        hidden_styles: HashSet::new(),
        sheets: Vec::new(),
        line: Line::new(job.path, job.limits),
        general: NumberFormat::new(None, "General"),
        row: 0,
        is_wanted: false,
    };
    let read = reader.read(each);
    refused.take().map_or(read, Err)?;
    check_sheets(job, reader.sheets.len())?;
    Ok(Book {
        kind: BookKind::Ods,
        is_1904: false,
        sheets: reader.sheets,
        left_out: Vec::new(),
        separators: Vec::new(),
        checked: 0,
    })
}

struct Content<'j, 'f, R> {
    job: &'j Job<'f>,
    xml: Xml<R>,
    /// Styles of tables that aren't shown.
    hidden_styles: HashSet<String>,
    sheets: Vec<Sheet>,
    line: Line<'j>,
    general: NumberFormat,
    /// The row under way, from 0.
    row: u64,
    /// Whether rows of the sheet under way are handed on.
    is_wanted: bool,
}

/// What a tag is to the reader; it owns what it needs, because the stream goes on.
enum Step {
    Style(Option<String>),
    StyleHidden,
    Table {
        sheet: Sheet,
        style: Option<String>,
        is_empty: bool,
    },
    Columns {
        repeated: u64,
        is_hidden: bool,
    },
    Row {
        repeated: u64,
        is_hidden: bool,
    },
    Cell(CellTag),
    RowEnds,
    TableEnds,
    Skip(String),
    Nothing,
}

/// A cell's attributes.
#[derive(Default)]
struct CellTag {
    repeated: u64,
    columns: u32,
    rows: u32,
    kind: String,
    value: Option<String>,
    is_formula: bool,
    is_empty: bool,
}

impl<R: Read> Content<'_, '_, R> {
    fn broken(&self, error: &Error) -> crate::refusal::Refusal {
        damaged(self.job.path, error)
    }

    fn step(&mut self) -> Result<Option<Step>> {
        let path = self.job.path;
        Ok(Some(
            match self.xml.next().map_err(|error| damaged(path, &error))? {
                Event::Start(tag) => step(&tag, false),
                Event::Empty(tag) => step(&tag, true),
                Event::End(end) => match end.name().as_ref() {
                    "table:table-row" => Step::RowEnds,
                    "table:table" => Step::TableEnds,
                    _ => Step::Nothing,
                },
                Event::Eof => return Ok(None),
                _ => Step::Nothing,
            },
        ))
    }

    fn read(&mut self, each: &mut Each) -> Result<()> {
        let mut style = None;
        let mut column = 0u64;
        let mut columns = 0u64;
        // How often the row comes, and whether it is hidden.
        let mut current = (1u64, false);
        let mut depth = 0;
        while let Some(step) = self.step()? {
            match step {
                Step::Style(name) => style = name,
                Step::StyleHidden => self.hidden_styles.extend(style.take()),
                Step::Table { is_empty, .. } if depth > 0 => depth += i32::from(!is_empty),
                Step::Table {
                    mut sheet,
                    style,
                    is_empty,
                } => {
                    depth = i32::from(!is_empty);
                    sheet.is_hidden =
                        style.is_some_and(|style| self.hidden_styles.contains(&style));
                    let index = self.sheets.len();
                    self.is_wanted = self.job.only.is_none_or(|only| only.sheet == index);
                    self.sheets.push(sheet);
                    check_sheets(self.job, self.sheets.len())?;
                    self.row = 0;
                    columns = 0;
                    self.line = Line::new(self.job.path, self.job.limits);
                }
                Step::TableEnds => depth -= i32::from(depth > 0),
                _ if depth != 1 => {}
                Step::Columns {
                    repeated,
                    is_hidden,
                } => {
                    let last = columns.saturating_add(repeated);
                    if is_hidden
                        && let Some(sheet) = self.sheets.last_mut()
                        && sheet.hidden_columns.len() < AREAS_MAX
                        && last < u64::from(u32::MAX)
                    {
                        sheet.hidden_columns.push((columns as u32, last as u32 - 1));
                    }
                    columns = last;
                }
                Step::Row {
                    repeated,
                    is_hidden,
                } => {
                    current = (repeated, is_hidden);
                    column = 0;
                    self.line.begin(self.row);
                }
                Step::Cell(tag) => {
                    let repeated = tag.repeated;
                    self.cell(tag, column)?;
                    column = column.saturating_add(repeated);
                }
                Step::RowEnds => self.end_row(current, each)?,
                Step::Skip(name) => self.skip(&name)?,
                Step::Nothing => {}
            }
        }
        Ok(())
    }

    /// Ends the row under way, as often as it comes.
    fn end_row(&mut self, (repeated, is_hidden): (u64, bool), each: &mut Each) -> Result<()> {
        let index = self.sheets.len().saturating_sub(1);
        let from = self.row;
        self.row = self.row.saturating_add(repeated);
        let mut row = from;
        while self.line.end()? && row < self.row {
            self.line.number = row + 1;
            self.line.check_place(row, 0)?;
            if let Some(sheet) = self.sheets.last_mut() {
                sheet.hidden_rows += u64::from(is_hidden);
            }
            if self.is_wanted && each(index, &self.line)? == Next::Sheet {
                self.is_wanted = false;
            }
            row += 1;
        }
        Ok(())
    }

    /// Adds a cell, as often as it comes, to the row under way.
    fn cell(&mut self, tag: CellTag, column: u64) -> Result<()> {
        let shown = if tag.is_empty {
            String::new()
        } else {
            self.paragraphs()?
        };
        if let Some(sheet) = self.sheets.last_mut()
            && (tag.columns > 1 || tag.rows > 1)
        {
            let (row, column) = (self.row as u32, column as u32);
            let (bottom, right) = (
                row.saturating_add(tag.rows - 1),
                column.saturating_add(tag.columns - 1),
            );
            if sheet.merged.len() < AREAS_MAX {
                sheet.merged.push([row, column, bottom, right]);
            } else {
                sheet.merged_more += 1;
            }
        }
        let is_empty = shown.is_empty() && tag.value.is_none() && tag.kind.is_empty();
        if is_empty && !tag.is_formula {
            return Ok(());
        }
        for column in (column..).take(usize::try_from(tag.repeated).unwrap_or(usize::MAX)) {
            self.line.check_place(self.row, column)?;
            if is_empty {
                self.line.uncomputed(column as usize)?;
                self.has_formula();
            } else {
                self.put(&tag, &shown, column as usize)?;
            }
        }
        Ok(())
    }

    fn put(&mut self, tag: &CellTag, shown: &str, column: usize) -> Result<()> {
        let line = &mut self.line;
        let value = tag.value.as_deref();
        let number = value.and_then(|value| value.parse::<f64>().ok());
        match (tag.kind.as_str(), number, value) {
            ("error", ..) => line.error(column, shown.chars().take(20).collect())?,
            // A number that the sheet shows as other digits, such as 00042 or 555-1234.
            ("float", Some(number), _) if is_code(shown, number) => {
                line.cell(column, |out| out.push_str(shown.trim()))?;
            }
            ("percentage", Some(number), _) => {
                line.number(column, number * 100.0, &self.general, false)?;
                let percent = format!("{}%", line.column(column));
                line.replace(column, &percent);
                line.remark(column, Kind::Percent, String::new());
            }
            ("float" | "currency", Some(number), _) => {
                line.number(column, number, &self.general, false)?;
            }
            ("date", _, Some(value)) => {
                line.cell(column, |out| out.push_str(iso(value)))?;
                line.remark(column, Kind::Date, String::new());
            }
            ("time", _, Some(value)) => {
                let time = clock(value);
                line.cell(column, |out| out.push_str(time.as_deref().unwrap_or(shown)))?;
            }
            ("boolean", _, Some(value)) => {
                let word = if value == "true" { "TRUE" } else { "FALSE" };
                line.cell(column, |out| out.push_str(word))?;
                line.remark(column, Kind::Truth, String::new());
            }
            (_, _, Some(value)) if shown.is_empty() => {
                line.cell(column, |out| out.push_str(value))?;
            }
            _ => line.cell(column, |out| out.push_str(shown))?,
        }
        if tag.is_formula {
            line.remark(column, Kind::Formula, String::new());
            self.has_formula();
        }
        Ok(())
    }

    /// Notes that the sheet has formulas.
    fn has_formula(&mut self) {
        if let Some(sheet) = self.sheets.last_mut() {
            sheet.formulas = true;
        }
    }

    /// The text of a cell up to its end: paragraphs separated by line ends, without its comments.
    fn paragraphs(&mut self) -> Result<String> {
        let mut text = String::new();
        let mut in_paragraph = 0;
        let mut paragraphs = 0;
        loop {
            let path = self.job.path;
            let event = self.xml.next().map_err(|error| damaged(path, &error))?;
            let is_empty = matches!(event, Event::Empty(_));
            match event {
                Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                    "text:p" | "text:h" => {
                        if paragraphs > 0 {
                            text.push('\n');
                        }
                        paragraphs += 1;
                        in_paragraph += i32::from(!is_empty);
                    }
                    "text:s" => {
                        let count = number(&tag, "text:c").min(1 << 15);
                        text.extend(std::iter::repeat_n(' ', count as usize));
                    }
                    "text:tab" => text.push('\t'),
                    "text:line-break" => text.push('\n'),
                    name @ ("office:annotation" | "draw:frame" | "table:table") if !is_empty => {
                        let name = name.to_string();
                        self.skip(&name)?;
                    }
                    _ => {}
                },
                Event::End(end) => match end.name().as_ref() {
                    "text:p" | "text:h" => in_paragraph -= 1,
                    "table:table-cell" | "table:covered-table-cell" => return Ok(text),
                    _ => {}
                },
                Event::Eof => return Err(self.broken(&Error::other("it ends too early"))),
                piece if in_paragraph > 0 => {
                    text.push_str(&xml::text(piece).unwrap_or_default());
                }
                _ => {}
            }
        }
    }

    /// Passes over everything up to the end of the element whose start was read.
    fn skip(&mut self, name: &str) -> Result<()> {
        let mut depth = 1;
        while depth > 0 {
            let path = self.job.path;
            match self.xml.next().map_err(|error| damaged(path, &error))? {
                Event::Start(tag) if tag.name().as_ref() == name => depth += 1,
                Event::End(end) if end.name().as_ref() == name => depth -= 1,
                Event::Eof => return Err(self.broken(&Error::other("it ends too early"))),
                _ => {}
            }
        }
        Ok(())
    }
}

fn step(tag: &BytesStart, is_empty: bool) -> Step {
    let is_hidden = || {
        let visibility = attribute(tag, "table:visibility");
        visibility.is_some_and(|visibility| visibility != "visible")
    };
    match tag.name().as_ref() {
        "style:style" => Step::Style(attribute(tag, "style:name").map(String::from)),
        "style:table-properties" if attribute(tag, "table:display").as_deref() == Some("false") => {
            Step::StyleHidden
        }
        "table:table" => {
            let sheet = Sheet {
                name: attribute(tag, "table:name")
                    .unwrap_or_default()
                    .into_owned(),
                ..Sheet::default()
            };
            Step::Table {
                sheet,
                style: attribute(tag, "table:style-name").map(String::from),
                is_empty,
            }
        }
        "table:table-column" => Step::Columns {
            repeated: number(tag, "table:number-columns-repeated"),
            is_hidden: is_hidden(),
        },
        "table:table-row" if !is_empty => Step::Row {
            repeated: number(tag, "table:number-rows-repeated"),
            is_hidden: is_hidden(),
        },
        "table:table-cell" | "table:covered-table-cell" => Step::Cell(cell_tag(tag, is_empty)),
        name
        @ ("table:tracked-changes" | "office:forms" | "table:shapes" | "office:annotation")
            if !is_empty =>
        {
            Step::Skip(name.to_string())
        }
        _ => Step::Nothing,
    }
}

fn cell_tag(tag: &BytesStart, is_empty: bool) -> CellTag {
    let mut cell = CellTag {
        repeated: 1,
        columns: 1,
        rows: 1,
        is_empty,
        ..CellTag::default()
    };
    let mut is_error = false;
    let mut values: [Option<String>; VALUES.len()] = Default::default();
    let span = |text: &str| u32::try_from(count(text)).unwrap_or(u32::MAX);
    for (name, value) in attributes(tag) {
        match name {
            "table:number-columns-repeated" => cell.repeated = count(&value),
            "table:number-columns-spanned" => cell.columns = span(&value),
            "table:number-rows-spanned" => cell.rows = span(&value),
            "table:formula" => cell.is_formula = true,
            "calcext:value-type" => is_error = value == "error",
            "office:value-type" => cell.kind = value.into_owned(),
            _ => {
                if let Some(at) = VALUES.iter().position(|(_, of)| *of == name) {
                    values[at] = Some(value.into_owned());
                }
            }
        }
    }
    let of_kind = VALUES.iter().position(|(kind, _)| *kind == cell.kind);
    cell.value = values[of_kind.unwrap_or(0)].take();
    if is_error {
        cell.kind = "error".to_string();
    }
    cell
}

/// A number from 1 in an attribute; 1 without it.
fn number(tag: &BytesStart, name: &str) -> u64 {
    attribute(tag, name).map_or(1, |text| count(&text))
}

/// A number from 1; 1 where it is none.
fn count(text: &str) -> u64 {
    text.parse().unwrap_or(1).max(1)
}

/// Whether a number is shown with all of its digits and nothing that a number needs, as codes are.
fn is_code(shown: &str, number: f64) -> bool {
    let shown = shown.trim();
    let is_plain = shown
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '-' | '(' | ')' | ' ' | '/'));
    if !is_plain || number < 0.0 || number.fract() != 0.0 || number >= 1e15 {
        return false;
    }
    let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
    digits
        .parse::<u64>()
        .is_ok_and(|shown| shown == number as u64)
}

/// `PT08H30M00S` as 08:30:00 (ISO 8601); hours may be more than 24.
fn clock(duration: &str) -> Option<String> {
    let (sign, rest) = match duration.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", duration),
    };
    let (hours, rest) = rest.strip_prefix("PT")?.split_once('H')?;
    let (minutes, rest) = rest.split_once('M')?;
    let seconds = rest.strip_suffix('S')?;
    let whole = seconds.split(['.', ',']).next()?;
    let mut out = String::new();
    let parse = |text: &str| text.parse::<u32>().ok();
    write!(
        out,
        "{sign}{:02}:{:02}:{:02}",
        parse(hours)?,
        parse(minutes)?,
        parse(whole)?
    )
    .ok()?;
    Some(out)
}
