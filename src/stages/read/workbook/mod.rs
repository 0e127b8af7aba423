//! Excel workbooks, cell by cell: memory doesn't grow with the sheet.
//!
//! Only `.xlsx` and `.xlsm` are read. Older and other formats have no streaming reader, and a
//! file of a few bytes can make theirs ask for gigabytes.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Once;

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxCellReader, XlsxError};
use sha2::{Digest, Sha256};

use super::{Emit, Format, Source, Wanted};
use crate::issue::{Code, Issue};
use crate::refusal::{Refusal, Result};
use crate::row::{Cells, Place, RowNumber};
use guard::Seen;
use number_format::NumberFormat;

pub mod guard;
mod number_format;
mod scan;

/// The most rows of a sheet, which is Excel's own limit.
pub const ROWS_MAX: u32 = 1_048_576;
/// The most columns of a sheet that may hold something.
pub const COLUMNS_MAX: u32 = 512;
/// The most characters of a cell, which is Excel's own limit.
pub const CELL_CHARS_MAX: usize = 32_767;
/// The most bytes of a row's text.
pub const ROW_BYTES_MAX: usize = 1 << 20;
/// How many rows that aren't blank are looked at for the header.
const HEADER_ROWS_MAX: usize = 20;
/// Beyond this many, formulas are still read but no longer noted.
const FORMULAS_MAX: usize = 2_000_000;
/// The most characters of a value that an issue carries.
const FOUND_CHARS_MAX: usize = 120;

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
    look_alike(path, &file)?;
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
        Format::Xlsx { formulas: true, .. } => formulas(path, &mut workbook, sheet)?,
        _ => Vec::new(),
    };
    let mut rows = SheetRows::new(path, &mut workbook, sheet)?;
    rows.formulas = formulas.into_iter();
    rows.next_formula = rows.formulas.next();
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
        batch.push_cell(if dropped { "" } else { rows.text(column) });
    }
    for remark in &rows.remarks {
        if source.dropped.contains(&remark.column) {
            continue;
        }
        batch.issues.push(Issue {
            code: remark.code,
            row,
            field: None,
            column: Some(remark.column as u16),
            found: remark.found.clone(),
            detail: remark.detail.clone(),
        });
    }
    batch.end_row(Place {
        line,
        byte: u64::MAX,
    });
}

const AS_TEXT: (&str, &str) = (
    "plain text, not a workbook",
    "if it is a CSV file, give it a name that ends in .csv",
);

/// Tells a workbook from what is often saved under its name.
fn look_alike(path: &Path, mut file: &File) -> Result<()> {
    let unreadable = |error: std::io::Error| {
        refusal(
            Code::FileUnreadable,
            path,
            &format!("can't be read: {error}"),
        )
    };
    let mut start = Vec::new();
    file.take(8 << 10)
        .read_to_end(&mut start)
        .map_err(unreadable)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let text = start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&start)
        .trim_ascii_start();
    let (what, help) = match text {
        [] => return Err(refusal(Code::FileEmpty, path, "is empty")),
        _ if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") => return Ok(()),
        _ if start.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") => {
            return Err(compound(path, file));
        }
        [b'%', b'P', b'D', b'F', ..] => ("a PDF file", Code::FileFormat.mend()),
        [b'<', b'?', ..] => ("an XML file", "open it in Excel and save it as .xlsx"),
        [b'<', ..] => ("a web page (HTML)", "open it in Excel and save it as .xlsx"),
        _ if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") => AS_TEXT,
        _ if start.starts_with(b"\x1f\x8b") => ("a gzip archive", "unpack it first"),
        _ if start.contains(&0) => ("not a workbook", Code::FileFormat.mend()),
        _ => AS_TEXT,
    };
    Err(refusal(Code::FileFormat, path, &format!("is {what}")).help(help))
}

/// An OLE compound file is a workbook of Excel 97 to 2003, or the wrapping of an encrypted one.
/// The names of its streams stand in its directory in UTF-16 ([MS-CFB] 2.6.1, [MS-OFFCRYPTO]
/// 2.3.4.4).
fn compound(path: &Path, file: &File) -> Refusal {
    let name: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let found = guard::occurrences(file, &name).is_ok_and(|count| count > 0);
    if found {
        refusal(Code::FileEncrypted, path, "is protected with a password")
    } else {
        refusal(
            Code::FileFormat,
            path,
            "is of an old Office format, as .xls is",
        )
        .help("open it in Excel and save it as .xlsx")
    }
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

/// Where a sheet has formulas, as (row, column) in the order of the file. The reader that tells
/// formulas doesn't tell formats, so they take a pass of their own; only workbooks that have any
/// pay for it.
fn formulas(path: &Path, workbook: &mut Workbook, sheet: &str) -> Result<Vec<(u32, u32)>> {
    let mut found = Vec::new();
    let Ok(mut reader) = quietly(path, || workbook.worksheet_cells_reader(sheet))? else {
        return Ok(found);
    };
    // What is wrong with the sheet is said by the pass that reads its values.
    while let Ok(Ok(Some(record))) = quietly(path, || reader.next_cell_with_formula_metadata()) {
        if record.formula.is_some() {
            found.push(record.pos);
        }
        if found.len() == FORMULAS_MAX {
            break;
        }
    }
    Ok(found)
}

/// Something to say about a cell of the row under way.
struct Remark {
    column: usize,
    code: Code,
    found: String,
    detail: String,
}

/// A sheet, row by row. Rows that hold nothing are passed over.
struct SheetRows<'a, 'f> {
    path: &'a Path,
    reader: XlsxCellReader<'a, BufReader<&'f File>>,
    is_1904: bool,
    formats: Vec<NumberFormat>,
    /// By style: which of `formats`.
    styles: Vec<u32>,
    /// Whether the end was reached; the reader must not be asked again then.
    ended: bool,
    /// The first cell of the next row.
    pending: Option<(u32, u32, DataRef<'a>, usize)>,
    formulas: std::vec::IntoIter<(u32, u32)>,
    next_formula: Option<(u32, u32)>,
    text: String,
    /// By column: where its text stands in `text`.
    spans: Vec<(u32, u32)>,
    /// Columns up to the last one that holds something.
    width: usize,
    remarks: Vec<Remark>,
    emitted: u64,
}

impl<'a, 'f> SheetRows<'a, 'f> {
    fn new(
        path: &'a Path,
        workbook: &'a mut Workbook<'f>,
        sheet: &str,
    ) -> Result<SheetRows<'a, 'f>> {
        let is_1904 = workbook.has_1904_epoch();
        let reader = quietly(path, || workbook.worksheet_cells_reader(sheet))?;
        let reader = reader.map_err(|error| broken(path, &error))?;
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
        Ok(SheetRows {
            path,
            reader,
            is_1904,
            formats,
            styles,
            ended: false,
            pending: None,
            formulas: Vec::new().into_iter(),
            next_formula: None,
            text: String::new(),
            spans: Vec::new(),
            width: 0,
            remarks: Vec::new(),
            emitted: 0,
        })
    }

    /// Goes to the next row that holds something: its number on the sheet, from 1.
    fn advance(&mut self) -> Result<Option<u64>> {
        loop {
            self.text.clear();
            self.spans.clear();
            self.remarks.clear();
            self.width = 0;
            let Some((row, column, value, style)) = self.take_pending()? else {
                return Ok(None);
            };
            self.cell(row, column, &value, style)?;
            while let Some((next, column, value, style)) = self.next_cell()? {
                if next != row {
                    if next < row {
                        let what = format!("row {} stands after row {}", next + 1, row + 1);
                        return Err(damaged(self.path, &what));
                    }
                    self.pending = Some((next, column, value, style));
                    break;
                }
                self.cell(row, column, &value, style)?;
            }
            if self.text.chars().any(|c| !c.is_whitespace()) || !self.remarks.is_empty() {
                self.within_limits(row)?;
                return Ok(Some(u64::from(row) + 1));
            }
        }
    }

    fn take_pending(&mut self) -> Result<Option<(u32, u32, DataRef<'a>, usize)>> {
        match self.pending.take() {
            None => self.next_cell(),
            pending => Ok(pending),
        }
    }

    /// The next cell that isn't empty.
    fn next_cell(&mut self) -> Result<Option<(u32, u32, DataRef<'a>, usize)>> {
        while !self.ended {
            let path = self.path;
            let cell = quietly(path, || self.reader.next_cell_with_style_id())?;
            let Some((cell, style)) = cell.map_err(|error| broken(path, &error))? else {
                self.ended = true;
                break;
            };
            let (row, column) = cell.get_position();
            match cell.get_value() {
                DataRef::Empty => continue,
                DataRef::SharedString(text) if text.is_empty() => continue,
                DataRef::String(text) if text.is_empty() => continue,
                value if row < ROWS_MAX && column < COLUMNS_MAX => {
                    return Ok(Some((row, column, value.clone(), style)));
                }
                _ if row >= ROWS_MAX => {
                    let what = format!(
                        "has a cell in row {}; the limit is {ROWS_MAX}",
                        u64::from(row) + 1
                    );
                    return Err(refusal(Code::FileLimit, path, &what));
                }
                _ => {
                    let what = format!(
                        "has a cell in column {}; the limit is {COLUMNS_MAX}",
                        u64::from(column) + 1
                    );
                    return Err(refusal(Code::FileLimit, path, &what)
                        .help("remove the columns that don't belong to the list"));
                }
            }
        }
        Ok(None)
    }

    /// Adds a cell to the row under way.
    fn cell(&mut self, row: u32, column: u32, value: &DataRef, style: usize) -> Result<()> {
        let index = column as usize;
        let start = self.text.len();
        match value {
            DataRef::SharedString(text) => self.text.push_str(text),
            DataRef::String(text) => self.text.push_str(text),
            DataRef::Float(number) => self.number(index, *number, style),
            DataRef::Int(number) => self.number(index, *number as f64, style),
            DataRef::DateTime(moment) => self.number(index, moment.as_f64(), style),
            DataRef::Bool(value) => self.text.push_str(if *value { "TRUE" } else { "FALSE" }),
            DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
                self.text.push_str(iso(text))
            }
            DataRef::Error(error) => {
                let found = error.to_string();
                self.remark(index, Code::CellError, found, "");
            }
            DataRef::Empty => {}
        }
        let length = self.text.len() - start;
        if length > CELL_CHARS_MAX && self.text[start..].chars().count() > CELL_CHARS_MAX {
            let what = format!(
                "has more than {CELL_CHARS_MAX} characters in a cell of row {}; that is the limit",
                row + 1
            );
            return Err(refusal(Code::FileLimit, self.path, &what));
        }
        if self.spans.len() <= index {
            self.spans.resize(index + 1, (0, 0));
        }
        self.spans[index] = (start as u32, self.text.len() as u32);
        self.width = self.width.max(index + 1);
        while let Some(formula) = self.next_formula
            && formula <= (row, column)
        {
            if formula == (row, column) {
                self.remark(index, Code::CellFormula, String::new(), "");
            }
            self.next_formula = self.formulas.next();
        }
        Ok(())
    }

    fn number(&mut self, column: usize, number: f64, style: usize) {
        let start = self.text.len();
        let format = self.styles.get(style).copied().unwrap_or(0);
        if !self.formats[format as usize].show(number, self.is_1904, &mut self.text) {
            let found = self.text[start..].chars().take(FOUND_CHARS_MAX).collect();
            self.remark(
                column,
                Code::CellPrecision,
                found,
                "Excel keeps 15 digits of a number",
            );
        }
    }

    fn remark(&mut self, column: usize, code: Code, found: String, detail: &str) {
        self.remarks.push(Remark {
            column,
            code,
            found,
            detail: detail.to_string(),
        });
    }

    fn within_limits(&mut self, row: u32) -> Result<()> {
        self.emitted += self.text.len() as u64;
        if self.text.len() > ROW_BYTES_MAX {
            let what = format!(
                "has {} bytes of text in row {}; the limit is {ROW_BYTES_MAX}",
                self.text.len(),
                row + 1
            );
            return Err(refusal(Code::FileLimit, self.path, &what));
        }
        if self.emitted > guard::INFLATED_MAX {
            let what = format!(
                "has more than {} bytes of text; that is the limit",
                guard::INFLATED_MAX
            );
            return Err(refusal(Code::FileLimit, self.path, &what));
        }
        Ok(())
    }

    fn text(&self, column: usize) -> &str {
        match self.spans.get(column) {
            Some(&(start, end)) => &self.text[start as usize..end as usize],
            None => "",
        }
    }

    /// The texts of the row under way, without the empty ones at its end.
    fn texts(&self) -> Vec<String> {
        let mut texts: Vec<String> = (0..self.width)
            .map(|column| self.text(column).to_string())
            .collect();
        while texts.last().is_some_and(|text| text.trim().is_empty()) {
            texts.pop();
        }
        texts
    }
}

/// A date as newer workbooks may store it, without a time that says nothing.
fn iso(text: &str) -> &str {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let text = text.strip_suffix(".000").unwrap_or(text);
    text.strip_suffix("T00:00:00").unwrap_or(text)
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}
static HOOK: Once = Once::new();

/// Calls a parser that may panic on a damaged file, and makes a refusal of it. Without a word on
/// stderr: the person who has the file should read one message, not a trace.
fn quietly<T>(path: &Path, call: impl FnOnce() -> T) -> Result<T> {
    HOOK.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    QUIET.set(false);
    result.map_err(|_| damaged(path, &"its content makes no sense to the parser"))
}

fn broken(path: &Path, error: &XlsxError) -> Refusal {
    match error {
        XlsxError::Password => refusal(Code::FileEncrypted, path, "is protected with a password"),
        XlsxError::Unrecognized {
            typ: "sheet:type", ..
        } => refusal(
            Code::FileFormat,
            path,
            "has a sheet of a kind that muster doesn't read",
        )
        .help("save the sheet with the list as a workbook of its own, or as CSV"),
        error => damaged(path, error),
    }
}

fn damaged(path: &Path, error: &dyn std::fmt::Display) -> Refusal {
    let error: String = error.to_string().chars().take(200).collect();
    refusal(
        Code::FileDamaged,
        path,
        &format!("is damaged: {}", printable(&error)),
    )
}

/// Text from a file as it may stand in a message on a terminal.
fn printable(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

fn refusal(code: Code, path: &Path, what: &str) -> Refusal {
    Refusal::new(code, format!("`{}` {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{self, Definition};
    use crate::header::Vocabulary;
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    const TYPE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

    /// A workbook whose first sheets are given as their rows in XML; more parts may follow.
    struct Package {
        workbook: String,
        relations: String,
        parts: Vec<(String, Vec<u8>)>,
    }

    impl Package {
        fn new(sheets: &[(&str, &str)]) -> Package {
            let mut package = Package {
                workbook: String::new(),
                relations: String::new(),
                parts: Vec::new(),
            };
            for (index, (name, rows)) in sheets.iter().enumerate() {
                let target = format!("worksheets/sheet{index}.xml");
                package.workbook += &format!("<sheet {name} r:id=\"r{index}\"/>");
                package.relations += &format!(
                    "<Relationship Id=\"r{index}\" Type=\"{TYPE}/worksheet\" Target=\"{target}\"/>"
                );
                let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
                package
                    .parts
                    .push((format!("xl/{target}"), sheet.into_bytes()));
            }
            package
        }

        fn part(mut self, name: &str, text: &str) -> Package {
            self.parts
                .push((name.to_string(), text.as_bytes().to_vec()));
            self
        }

        fn write(&self, path: &Path) {
            let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
            let mut add = |name: &str, bytes: &[u8]| {
                zip.start_file(name, SimpleFileOptions::default()).unwrap();
                zip.write_all(bytes).unwrap();
            };
            let root = format!(
                "<Relationships><Relationship Id=\"r\" Type=\"{TYPE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            );
            add("_rels/.rels", root.as_bytes());
            add(
                "xl/workbook.xml",
                format!("<workbook>{}</workbook>", self.workbook).as_bytes(),
            );
            let relations = format!("<Relationships>{}</Relationships>", self.relations);
            add("xl/_rels/workbook.xml.rels", relations.as_bytes());
            self.parts.iter().for_each(|(name, bytes)| add(name, bytes));
            zip.finish().unwrap();
        }
    }

    fn text(cell: &str, text: &str) -> String {
        format!("<c r=\"{cell}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
    }

    fn people() -> String {
        format!(
            "<row r=\"1\">{}</row><row r=\"2\">{}</row>",
            text("A1", "email"),
            text("A2", "a@b.org")
        )
    }

    fn open_with(path: &Path, definition: &Definition) -> Result<Source> {
        let vocabulary = Vocabulary::new(definition);
        open(
            path,
            &Wanted {
                definition,
                vocabulary: &vocabulary,
            },
        )
    }

    fn standard() -> Definition {
        definition::open(None).unwrap().definition
    }

    /// Everything below the header: line, cells; and the issues.
    fn read_all(source: &Source) -> (Vec<(u64, Vec<String>)>, Vec<Issue>) {
        let Format::Xlsx { sheet, .. } = &source.format else {
            panic!("not a workbook");
        };
        let (mut rows, mut issues) = (Vec::new(), Vec::new());
        read(source, sheet, 3, 100, &mut |cells| {
            assert_eq!((cells.source, cells.first_row), (3, 100));
            for row in 0..cells.len() {
                rows.push((
                    cells.place(row).line,
                    cells.row(row).map(String::from).collect(),
                ));
            }
            issues.extend(cells.issues);
            Ok(true)
        })
        .unwrap();
        (rows, issues)
    }

    #[test]
    fn cells_are_text_as_the_sheet_shows_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("staff.xlsx");
        let rows = [
            format!("<row r=\"2\">{}</row>", text("B2", "Staff 2026")),
            format!("<row r=\"4\">{}{}{}</row>", text("B4", "E-mail"), text("C4", "Code"), text("E4", "Password")),
            // Styles: 0 none, 1 `00000`, 2 a date, 3 of the id 22.
            format!("<row r=\"6\">{}<c r=\"C6\" s=\"1\"><v>42</v></c><c r=\"D6\"><v>1</v></c></row>", text("B6", "a@b.org")),
            "<row r=\"7\"><c r=\"B7\" s=\"1\"/><c r=\"C7\" s=\"1\"/></row>".to_string(),
            format!("<row r=\"8\">{}</row>", text("B8", "  ")),
            "<row r=\"9\"><c r=\"B9\" t=\"s\"><v>0</v></c><c r=\"C9\"><v>491711234567</v></c><c r=\"F9\"><v>1.5</v></c></row>".to_string(),
            "<row r=\"10\"><c r=\"C10\" s=\"2\"><v>45943</v></c><c r=\"D10\" s=\"3\"><v>45943.25</v></c>\
             <c r=\"E10\" t=\"str\"><f>X</f><v>secret</v></c></row>".to_string(),
            "<row r=\"11\"><c r=\"B11\" t=\"b\"><v>1</v></c><c r=\"C11\"><v>1234567890123456</v></c>\
             <c r=\"D11\" t=\"e\"><f>1/0</f><v>#DIV/0!</v></c></row>".to_string(),
        ];
        let package = Package::new(&[("name=\"Staff\"", &rows.concat())])
            .part("xl/sharedStrings.xml", "<sst uniqueCount=\"1\"><si><r><t>Zo</t></r><r><t>ë &amp; co</t></r></si></sst>")
            .part(
                "xl/styles.xml",
                "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"00000\"/></numFmts><cellXfs>\
                 <xf numFmtId=\"0\"/><xf numFmtId=\"164\"/><xf numFmtId=\"14\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>",
            );
        package.write(&path);
        let mut source = open_with(&path, &standard()).unwrap();
        assert_eq!(
            (source.header_line, source.bytes),
            (4, std::fs::metadata(&path).unwrap().len())
        );
        assert_eq!(source.header, ["", "E-mail", "Code", "", "Password"]);
        source.dropped = vec![4];
        let (rows, issues) = read_all(&source);
        let expected: [(u64, &[&str]); 4] = [
            (6, &["", "a@b.org", "00042", "1", ""]),
            (9, &["", "Zoë & co", "491711234567", "", "", "1.5"]),
            (10, &["", "", "2025-10-13", "2025-10-13T06:00:00", ""]),
            (11, &["", "TRUE", "1234567890123456", "", ""]),
        ];
        assert_eq!(rows.len(), expected.len());
        for ((line, cells), (expected_line, expected_cells)) in rows.iter().zip(expected) {
            assert_eq!(*line, expected_line);
            assert_eq!(cells, expected_cells);
        }
        let said: Vec<_> = issues
            .iter()
            .map(|issue| (issue.code, issue.row, issue.column, issue.found.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (Code::CellPrecision, 103, Some(2), "1234567890123456"),
                (Code::CellError, 103, Some(3), "#DIV/0!"),
                (Code::CellFormula, 103, Some(3), ""),
            ]
        );
        package.part("xl/media/x", "").write(&path);
        let changed = read(&source, "Staff", 0, 0, &mut |_| Ok(true)).unwrap_err();
        assert_eq!(changed.code, Code::FileChanged);
    }

    #[test]
    fn the_sheet_and_the_header_are_chosen_or_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book.xlsx");
        let people = people();
        let opened = |sheets: &[(&str, &str)], read: &str| -> String {
            Package::new(sheets).write(&path);
            let text = format!("name = \"x\"\n[read]\n{read}");
            let definition = definition::parse("x.toml", &text).unwrap().definition;
            match open_with(&path, &definition) {
                Ok(source) => match &source.format {
                    Format::Xlsx { sheet, .. } => {
                        format!("{sheet} {} {:?}", source.header_line, source.header)
                    }
                    Format::Csv { .. } => "csv".to_string(),
                },
                Err(refusal) => format!(
                    "{} {}",
                    refusal.code,
                    refusal.what.replace(&path.display().to_string(), "f")
                ),
            }
        };
        let (one, two) = (
            ("name=\"One\"", people.as_str()),
            ("name=\"Two\"", people.as_str()),
        );
        let hidden = ("name=\"Old\" state=\"hidden\"", people.as_str());
        let blank = ("name=\"Blank\"", "<row r=\"1\"><c r=\"A1\" s=\"1\"/></row>");
        assert_eq!(opened(&[blank, hidden, one], ""), "One 1 [\"email\"]");
        assert_eq!(
            opened(&[one, two], ""),
            "file.sheets `f` has several sheets with cells: `One`, `Two`"
        );
        assert_eq!(opened(&[one, two], "sheet = \"two\""), "Two 1 [\"email\"]");
        assert_eq!(
            opened(&[one, hidden], "sheet = \"Old\""),
            "Old 1 [\"email\"]"
        );
        assert_eq!(
            opened(&[one, two], "sheet = \"Three\""),
            "file.no_sheet `f` has no sheet `Three`; it has `One`, `Two`"
        );
        assert_eq!(
            opened(&[blank], ""),
            "file.empty `f` has no cell that holds anything"
        );
        assert_eq!(
            opened(&[hidden], ""),
            "file.empty `f` has cells on hidden sheets only: `Old`"
        );
        assert_eq!(opened(&[one], "header_row = 2"), "One 2 [\"a@b.org\"]");
        assert_eq!(
            opened(&[one], "header_row = 3"),
            "file.no_header `f` has nothing in row 3"
        );
        let numbers = ("name=\"N\"", "<row r=\"5\"><c r=\"A5\"><v>1</v></c></row>");
        assert_eq!(
            opened(&[numbers], ""),
            "file.no_header `f` has no names of columns in its first 1 rows"
        );
        let title = format!(
            "<row r=\"1\">{}</row><row r=\"2\">{}</row>",
            text("A1", "Our people"),
            text("A2", "7")
        );
        assert_eq!(
            opened(&[("name=\"T\"", &title)], ""),
            "T 1 [\"Our people\"]"
        );
    }

    #[test]
    fn hostile_and_mistaken_files_are_refused_with_the_right_word() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.xlsx");
        let people = people();
        let sheets = [("name=\"S\"", people.as_str())];
        let package = || Package::new(&sheets);
        let with_row = |row: &str| Package::new(&[("name=\"S\"", &format!("{people}{row}"))]);
        let styles = format!(
            "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"{}\"/></numFmts><cellXfs>{}</cellXfs></styleSheet>",
            "0".repeat(100_000),
            "<xf numFmtId=\"164\"/>".repeat(3000)
        );
        let long = "x".repeat(CELL_CHARS_MAX + 1);
        for (package, code, word) in [
            (
                with_row("<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>"),
                Code::FileLimit,
                "column 16384",
            ),
            (
                with_row("<row r=\"9\"><c r=\"SS9\"><v>1</v></c></row>"),
                Code::FileLimit,
                "column 513; the limit is 512",
            ),
            (
                with_row("<row r=\"1048577\"><c r=\"A1048577\"><v>1</v></c></row>"),
                Code::FileLimit,
                "row 1048577",
            ),
            (
                with_row("<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>"),
                Code::FileDamaged,
                "row 1 stands after row 2",
            ),
            (
                with_row(&format!("<row r=\"3\">{}</row>", text("A3", &long))),
                Code::FileLimit,
                "32767 characters",
            ),
            (
                package().part("xl/sharedStrings.xml", "<sst uniqueCount=\"99999999999\"/>"),
                Code::FileLimit,
                "99999999999 strings",
            ),
            (
                package().part(
                    "xl/sharedStrings.xml",
                    &format!("<sst>{}</sst>", "<si/>".repeat(5_000_001)),
                ),
                Code::FileLimit,
                "strings",
            ),
            (
                package().part("xl/sharedStrings.xml", "<!DOCTYPE x []><sst/>"),
                Code::FileDamaged,
                "document type",
            ),
            (
                package().part(
                    "xl/worksheets/a.xml",
                    &format!("<a b=\"{}\"/>", " ".repeat(5 << 20)),
                ),
                Code::FileLimit,
                "in one piece",
            ),
            (
                package().part("xl/media/a.png", &"\0".repeat(65 << 20)),
                Code::FileLimit,
                "more than 200 times",
            ),
            (
                package().part("xl/styles.xml", &styles),
                Code::FileLimit,
                "bytes of styles",
            ),
            (
                package().part("xl/Workbook.xml", ""),
                Code::FileDamaged,
                "two entries `xl/Workbook.xml`",
            ),
            (package().part("../../x", ""), Code::FileDamaged, "`..`"),
        ] {
            package.write(&path);
            let refusal = open_with(&path, &standard()).unwrap_err();
            assert_eq!(refusal.code, code, "{refusal}");
            assert!(refusal.what.contains(word), "{refusal} has no {word}");
        }
        package().write(&path);
        let honest = std::fs::read(&path).unwrap();
        let mut encrypted = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
        encrypted.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
        for (bytes, code, word) in [
            (&honest[..honest.len() / 2], Code::FileDamaged, "is damaged"),
            (&encrypted, Code::FileEncrypted, "password"),
            (&encrypted[..20], Code::FileFormat, "old Office format"),
            (b"", Code::FileEmpty, "is empty"),
            (b"%PDF-1.7", Code::FileFormat, "a PDF file"),
            (b"\xef\xbb\xbf <html>", Code::FileFormat, "a web page"),
            (b"email,name\n", Code::FileFormat, "plain text"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let refusal = open_with(&path, &standard()).unwrap_err();
            assert_eq!(refusal.code, code, "{refusal}");
            assert!(refusal.what.contains(word), "{refusal} has no {word}");
        }
        let refusal = open_with(&folder.path().join("none.xlsx"), &standard()).unwrap_err();
        assert_eq!(refusal.code, Code::FileNotFound);
    }
}
