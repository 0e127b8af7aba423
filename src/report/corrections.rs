//! `corrections.csv` and `corrections.xlsx`: the rows that need fixing, in the layout of the file
//! that they came from, with the reasons in additional columns.
//!
//! Fixed, the file can be imported as it is: columns of muster's own are ignored
//! ([`crate::header::is_own`]), except the mark of each row, which says which row of an earlier run
//! it fixes ([`crate::stages::resubmission`]).

use std::collections::HashMap;
use std::path::Path;

use rust_xlsxwriter::{
    Color, Format, FormatAlign, FormatBorder, Formula, Note, Workbook, Worksheet, XlsxError,
};

use super::csv::{Csv, Style};
use crate::file::{Pending, unwritable};
use crate::header::{MARK, OWN};
use crate::refusal::Result;
use crate::row::{AboveRow, Native, ShownAs};

/// The most cells that get a note with their reason; later ones are only coloured. Excel opens
/// a sheet with many notes slowly.
const NOTES_MAX: usize = 2000;
/// Excel's own limit for a cell.
pub(super) const CELL_CHARS_MAX: usize = 32_767;
/// Excel's own limits for a sheet.
pub(super) const SHEET_ROWS_MAX: u32 = 1_048_576;
/// What a sheet counts widths by: a digit of the font that workbooks have by themselves.
const DIGIT_PIXELS: f64 = 7.0;
/// The number format of text: what is typed into such a cell stays as it is typed.
const TEXT: &str = "@";
/// What a cell may hold instead of a value (ECMA-376 part 1, 18.18.11).
const ERRORS: [&str; 7] = [
    "#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!",
];

/// A row that needs fixing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Correction<'a> {
    /// Its line in the file, or its row on the sheet.
    pub line: u64,
    /// Which row of which run it is; empty where nothing is known of that later.
    pub mark: String,
    /// Its cells as the file shows them, in file order; may be fewer or more than the header has.
    pub cells: Vec<&'a str>,
    /// What cells of a sheet hold that aren't text, by column, and how that is shown.
    pub natives: Vec<(usize, Native, &'a ShownAs)>,
    /// The errors that cells of a sheet hold, by column.
    pub errors: Vec<(usize, &'a str)>,
    /// The codes, as `email.syntax, phone.invalid`.
    pub codes: String,
    /// What is wrong and how to fix it, in plain words.
    pub reasons: String,
    /// Columns that are to blame, from 0, each with its reason.
    pub problems: Vec<(u16, String)>,
}

/// A corrections file that is being written, row by row.
pub struct Corrections {
    pending: Pending,
    width: usize,
    rows: u64,
    form: Form,
}

enum Form {
    Csv(Csv),
    Xlsx(Box<Sheet>),
}

struct Sheet {
    workbook: Workbook,
    header: Vec<String>,
    /// The row of the header, from 0, once it is written.
    header_row: Option<u32>,
    /// By number format: for a cell that is right, and for one that is wrong.
    formats: HashMap<ShownAs, [Format; 2]>,
    /// By column: how its cells are shown that aren't text, as far as it has any.
    columns: Vec<Option<ShownAs>>,
    notes: usize,
}

impl Corrections {
    /// Begins a CSV file, written as its people write theirs. It is always UTF-8, with a byte order
    /// mark that Excel needs to see: no other encoding can hold whatever the reasons say.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn csv(path: &Path, header: &[String], style: Style) -> Result<Corrections> {
        let mut pending = Pending::create(path)?;
        pending.write("\u{feff}".as_bytes())?;
        let mut corrections = Corrections {
            pending,
            width: header.len(),
            rows: 0,
            form: Form::Csv(Csv::guarded(style)),
        };
        let cells: Vec<&str> = header.iter().map(String::as_str).collect();
        corrections.line(&cells, OWN)?;
        Ok(corrections)
    }

    /// Begins a workbook with one sheet. Cells are text, so that leading zeros survive retyping and
    /// nothing is ever a formula, unless [`Correction::natives`] says what they are. `widths` are
    /// those of the columns of `header`, where they are known.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn xlsx(
        path: &Path,
        sheet: &str,
        header: &[String],
        widths: &[Option<f64>],
    ) -> Result<Corrections> {
        let pending = Pending::create(path)?;
        let failed = |error: XlsxError| unwritable(path, &error);
        let mut workbook = Workbook::new();
        // Rows wait in a file, and personal data should wait nowhere else than its folder.
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            workbook.set_tempdir(folder).map_err(failed)?;
        }
        let worksheet = workbook
            .add_worksheet_with_constant_memory()
            .map_err(failed)?;
        name(worksheet, sheet);
        set_widths(worksheet, header, widths).map_err(failed)?;
        let sheet = Sheet {
            workbook,
            header: header.to_vec(),
            header_row: None,
            formats: HashMap::new(),
            columns: vec![None; header.len()],
            notes: 0,
        };
        Ok(Corrections {
            pending,
            width: header.len(),
            rows: 0,
            form: Form::Xlsx(Box::new(sheet)),
        })
    }

    /// Puts the rows above the list where they were, the last of them being that of the header.
    /// Without this, a sheet begins with the header.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn above(&mut self, rows: &[AboveRow], formats: &[ShownAs]) -> Result<()> {
        let Form::Xlsx(sheet) = &mut self.form else {
            return Ok(());
        };
        let written = sheet.above(rows, formats);
        written.map_err(|error| unwritable(self.pending.path(), &error))
    }

    /// Notes how a column's cells are shown that aren't text, so that what is typed into an empty
    /// one is shown alike.
    pub fn shown_as(&mut self, column: usize, shown_as: &ShownAs) {
        if let Form::Xlsx(sheet) = &mut self.form
            && let Some(known @ None) = sheet.columns.get_mut(column)
        {
            *known = Some(shown_as.clone());
        }
    }

    /// Adds a row.
    ///
    /// Cells after the header's last column come after muster's own, so that those keep their
    /// place; a row with too few cells is filled up with empty ones.
    ///
    /// # Errors
    /// `output.unwritable`; also when a sheet has no room for another row.
    pub fn add(&mut self, row: &Correction) -> Result<()> {
        self.rows += 1;
        let line = row.line.to_string();
        let own = [line.as_str(), &row.codes, &row.reasons, &row.mark];
        match &mut self.form {
            Form::Csv(_) => self.line(&row.cells, own),
            Form::Xlsx(sheet) => {
                let path = self.pending.path();
                let header_row = sheet.begin().map_err(|error| unwritable(path, &error))?;
                let Some(at) = u32::try_from(self.rows)
                    .ok()
                    .and_then(|rows| header_row.checked_add(rows))
                    .filter(|at| *at < SHEET_ROWS_MAX)
                else {
                    let error = format!("a sheet can't have more than {SHEET_ROWS_MAX} rows");
                    return Err(unwritable(path, &error).help(
                        "fix what most rows have in common first, or import the list as CSV",
                    ));
                };
                sheet
                    .add(at, self.width, row, own)
                    .map_err(|error| unwritable(path, &error))
            }
        }
    }

    /// How many rows were added.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Puts the file into its place.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn finish(mut self) -> Result<()> {
        if let Form::Xlsx(sheet) = &mut self.form {
            let finished = sheet.finish();
            finished.map_err(|error| unwritable(self.pending.path(), &error))?;
            let file = self.pending.file()?;
            let saved = sheet.workbook.save_to_writer(file);
            saved.map_err(|error| unwritable(self.pending.path(), &error))?;
        }
        self.pending.commit()
    }

    fn line(&mut self, cells: &[&str], own: [&str; 4]) -> Result<()> {
        let Form::Csv(csv) = &mut self.form else {
            return Ok(());
        };
        self.pending
            .write(csv.line(in_order(self.width, cells, own)))
    }
}

impl Sheet {
    /// Writes the header, unless that was done; its row, from 0.
    fn begin(&mut self) -> std::result::Result<u32, XlsxError> {
        match self.header_row {
            Some(row) => Ok(row),
            None => self.write_header(0),
        }
    }

    fn write_header(&mut self, row: u32) -> std::result::Result<u32, XlsxError> {
        let worksheet = self.workbook.worksheet_from_index(0)?;
        let bold = heading();
        worksheet.set_freeze_panes(row + 1, 0)?;
        let names = self.header.iter().map(String::as_str).chain(OWN);
        for (index, name) in names.enumerate() {
            worksheet.write_string_with_format(row, index as u16, fitting(name), &bold)?;
        }
        self.header_row = Some(row);
        Ok(row)
    }

    fn above(
        &mut self,
        rows: &[AboveRow],
        formats: &[ShownAs],
    ) -> std::result::Result<(), XlsxError> {
        let Some((header, titles)) = rows.split_last() else {
            return Ok(());
        };
        for row in titles {
            let at = u32::try_from(row.number.saturating_sub(1)).unwrap_or(u32::MAX);
            for (column, text) in row.texts.iter().enumerate() {
                let native = row
                    .natives
                    .iter()
                    .find(|(of, _)| usize::from(*of) == column);
                let native = native.and_then(|(_, native)| {
                    Some((native.value, formats.get(usize::from(native.format))?))
                });
                if !text.is_empty() {
                    self.cell((at, column as u16), text, native, false)?;
                }
            }
        }
        let at = u32::try_from(header.number.saturating_sub(1)).unwrap_or(u32::MAX);
        self.write_header(at)?;
        Ok(())
    }

    fn add(
        &mut self,
        at: u32,
        width: usize,
        row: &Correction,
        own: [&str; 4],
    ) -> std::result::Result<(), XlsxError> {
        let problems: HashMap<usize, &str> = row
            .problems
            .iter()
            .map(|(column, reason)| (usize::from(*column), reason.as_str()))
            .collect();
        for (index, cell) in in_order(width, &row.cells, own).enumerate() {
            let place = (at, index as u16);
            let column = file_column(index, width);
            let reason = column.and_then(|column| problems.get(&column).copied());
            let native = row.natives.iter().find(|(of, ..)| Some(*of) == column);
            let error = row.errors.iter().find(|(of, _)| Some(*of) == column);
            if let Some((_, error)) = error {
                self.error(place, error)?;
            } else if !cell.is_empty() || reason.is_some() {
                // A blank cell of the format of its column needs no mention.
                let native = native.map(|(_, value, shown_as)| (*value, *shown_as));
                self.cell(place, cell, native, reason.is_some())?;
            }
            if let Some(reason) = reason.filter(|reason| !reason.is_empty())
                && self.notes < NOTES_MAX
            {
                self.notes += 1;
                let worksheet = self.workbook.worksheet_from_index(0)?;
                worksheet.insert_note(place.0, place.1, &note(reason))?;
            }
        }
        Ok(())
    }

    /// Writes a cell as what it is.
    fn cell(
        &mut self,
        (row, column): (u32, u16),
        text: &str,
        native: Option<(Native, &ShownAs)>,
        is_wrong: bool,
    ) -> std::result::Result<(), XlsxError> {
        let format = match native {
            Some((_, shown_as)) => self.format(shown_as, is_wrong),
            None => self.format(&text_format(), is_wrong),
        };
        let worksheet = self.workbook.worksheet_from_index(0)?;
        match native {
            Some((Native::Number(number), _)) if number.is_finite() => {
                worksheet.write_number_with_format(row, column, number, &format)?
            }
            Some((Native::Truth(truth), _)) => {
                worksheet.write_boolean_with_format(row, column, truth, &format)?
            }
            _ => worksheet.write_string_with_format(row, column, fitting(text), &format)?,
        };
        Ok(())
    }

    /// Writes an error as an error: text in its place, or nothing, could be taken for a value.
    fn error(
        &mut self,
        (row, column): (u32, u16),
        error: &str,
    ) -> std::result::Result<(), XlsxError> {
        let error = ERRORS.iter().find(|known| **known == error);
        let error = error.copied().unwrap_or("#N/A");
        // What is typed in its place is shown as the column shows what isn't text.
        let shown_as = self.columns.get(usize::from(column)).cloned().flatten();
        let format = self.format(&shown_as.unwrap_or_default(), true);
        let formula = Formula::new(format!("={error}")).set_result(error);
        let worksheet = self.workbook.worksheet_from_index(0)?;
        worksheet.write_formula_with_format(row, column, formula, &format)?;
        Ok(())
    }

    fn format(&mut self, shown_as: &ShownAs, is_wrong: bool) -> Format {
        if !self.formats.contains_key(shown_as) {
            let right = format_of(shown_as);
            let wrong = right.clone().set_background_color(Color::RGB(0x00FF_E3E0));
            self.formats.insert(shown_as.clone(), [right, wrong]);
        }
        self.formats[shown_as][usize::from(is_wrong)].clone()
    }

    /// What could only be known at the end.
    fn finish(&mut self) -> std::result::Result<(), XlsxError> {
        self.begin()?;
        let columns = std::mem::take(&mut self.columns);
        let own = OWN.iter().map(|_| None);
        for (index, shown_as) in columns.into_iter().chain(own).enumerate() {
            let format = self.format(&shown_as.unwrap_or_else(text_format), false);
            let worksheet = self.workbook.worksheet_from_index(0)?;
            worksheet.set_column_format(index as u16, &format)?;
        }
        Ok(())
    }
}

fn text_format() -> ShownAs {
    ShownAs {
        builtin: 0,
        code: TEXT.to_string(),
    }
}

fn format_of(shown_as: &ShownAs) -> Format {
    match (shown_as.builtin, shown_as.code.as_str()) {
        (0, "" | "General") => Format::new(),
        (0, code) => Format::new().set_num_format(code),
        (builtin, _) => Format::new().set_num_format_index(builtin),
    }
}

/// The widths of the columns: as they were, where that is known.
fn set_widths(
    worksheet: &mut Worksheet,
    header: &[String],
    widths: &[Option<f64>],
) -> std::result::Result<(), XlsxError> {
    let names = header.iter().map(String::as_str).chain(OWN);
    for (index, name) in names.enumerate() {
        let known = widths.get(index).copied().flatten();
        let known = known.filter(|_| index < header.len());
        match known {
            Some(width) => {
                let pixels = (width * DIGIT_PIXELS).round() as u32;
                worksheet.set_column_width_pixels(index as u16, pixels)?
            }
            None if name == OWN[2] => worksheet.set_column_width(index as u16, 60.0)?,
            None => worksheet.set_column_width(index as u16, column_width(name))?,
        };
        if name == MARK && index >= header.len() {
            worksheet.set_column_hidden(index as u16)?;
        }
    }
    Ok(())
}

/// What header cells look like.
pub(super) fn heading() -> Format {
    Format::new()
        .set_bold()
        .set_num_format("@")
        .set_align(FormatAlign::Top)
        .set_border_bottom(FormatBorder::Thin)
}

/// Wide enough for a header, and for most of what is under it.
pub(super) fn column_width(header: &str) -> f64 {
    (header.chars().count() as f64 + 3.0).clamp(12.0, 40.0)
}

/// A note as big as its text needs.
pub(super) fn note(text: &str) -> Note {
    let lines = text
        .lines()
        .map(|line| line.chars().count() / 38 + 1)
        .sum::<usize>()
        .clamp(2, 20);
    Note::new(fitting(text))
        .add_author_prefix(false)
        .set_width(260)
        .set_height(lines as u32 * 18 + 8)
}

/// Names a sheet, as far as Excel allows the name.
fn name(worksheet: &mut Worksheet, wanted: &str) {
    // The name `Sheet1` that it has otherwise is no loss.
    let _ = worksheet.set_name(wanted);
}

/// At most as many characters as a cell holds; UTF-16 is what Excel counts.
pub(super) fn fitting(text: &str) -> &str {
    if text.len() <= CELL_CHARS_MAX {
        return text;
    }
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > CELL_CHARS_MAX - 60
    });
    end.map_or(text, |(end, _)| &text[..end])
}

/// A row's cells up to the header's width, muster's own, then what is left over.
fn in_order<'a>(
    width: usize,
    cells: &'a [&'a str],
    own: [&'a str; 4],
) -> impl Iterator<Item = &'a str> {
    (0..width)
        .map(|index| cells.get(index).copied().unwrap_or(""))
        .chain(own)
        .chain(cells.iter().skip(width).copied())
}

/// Which column of the user's file is at `index` of a corrections file.
fn file_column(index: usize, width: usize) -> Option<usize> {
    match index {
        _ if index < width => Some(index),
        _ if index < width + OWN.len() => None,
        _ => Some(index - OWN.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition;
    use crate::header::Vocabulary;
    use crate::stages::read::Reader;
    use crate::stages::read::{Source, Wanted, workbook};

    fn rows() -> (Vec<String>, Vec<Correction<'static>>) {
        let header = ["E-mail", "=Name", "Code"].map(String::from).to_vec();
        let rows = vec![
            Correction {
                line: 7,
                mark: "20261122-104212-9d61:5".to_string(),
                cells: vec!["a@@b", "=cmd|'/C calc'!A0", "007"],
                codes: "email.syntax".to_string(),
                reasons: "`a@@b` is not an e-mail address; write it as name@example.org"
                    .to_string(),
                problems: vec![(0, "not an e-mail address".to_string())],
                ..Correction::default()
            },
            Correction {
                line: 9,
                cells: vec![" x\"y", "two\nlines"],
                ..Correction::default()
            },
            Correction {
                line: 12,
                cells: vec!["1", "2,5", "_x0041_", "=4"],
                ..Correction::default()
            },
        ];
        (header, rows)
    }

    #[test]
    fn csv_keeps_the_layout_and_adds_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("corrections.csv");
        let (header, rows) = rows();
        let style = Style {
            delimiter: ";".to_string(),
            ..Style::default()
        };
        let mut file = Corrections::csv(&path, &header, style).unwrap();
        rows.iter().for_each(|row| file.add(row).unwrap());
        assert_eq!(file.rows(), 3);
        file.finish().unwrap();
        let expected = "\u{feff}E-mail;'=Name;Code;muster_line;muster_codes;muster_reasons;muster_row\n\
            a@@b;'=cmd|'/C calc'!A0;007;7;email.syntax;\"`a@@b` is not an e-mail address; write it as name@example.org\";20261122-104212-9d61:5\n\
            \" x\"\"y\";\"two\nlines\";;9;;;\n\
            1;\"2,5\";_x0041_;12;;;;'=4\n";
        let expected = expected.replace("'=cmd|'/C calc'!A0;", "\"'=cmd|'/C calc'!A0\";");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn csv_is_read_back_as_it_was_written_in_any_style() {
        let folder = tempfile::tempdir().unwrap();
        let (mut header, mut rows) = rows();
        header[1] = "two\r\nlines".to_string();
        rows[1].cells = vec![r#"\"back\"#, "'=1''", r#"" \";,"#];
        rows[2].cells[0] = "#no comment";
        let styles = [";", ",", "\t", "||", ", "]
            .into_iter()
            .flat_map(|delimiter| {
                [(b'"', false), (b'"', true), (b'\'', true)].map(|(quote, always_quoted)| Style {
                    delimiter: delimiter.to_string(),
                    quote,
                    always_quoted,
                    line_end: if quote == b'"' { "\r\n" } else { "\r" },
                })
            });
        for (number, style) in styles.enumerate() {
            let path = folder.path().join(format!("{number}.csv"));
            let mut file = Corrections::csv(&path, &header, style.clone()).unwrap();
            rows.iter().for_each(|row| file.add(row).unwrap());
            file.finish().unwrap();
            let pinned =
                "name = \"p\"\n[read]\ndelimiter = \"~\"\nheader_row = 3\nescape = \"\\\\\"";
            let pipeline = definition::parse("p", pinned).unwrap();
            let vocabulary = Vocabulary::new(&pipeline.definition);
            let wanted = Wanted {
                definition: &pipeline.definition,
                vocabulary: &vocabulary,
                reader: &Reader::default(),
            };
            let source = Source::open(&path, &wanted).unwrap();
            let names: Vec<&str> = header.iter().map(String::as_str).chain(OWN).collect();
            assert_eq!(source.header, names, "{style:?}");
            let mut read = Vec::new();
            source
                .read(0, 0, &mut |cells| {
                    assert!(cells.issues.is_empty(), "{:?}", cells.issues);
                    (0..cells.len()).for_each(|row| {
                        read.push(cells.row(row).map(String::from).collect::<Vec<_>>());
                    });
                    Ok(true)
                })
                .unwrap();
            assert_eq!(read, written(&rows), "{style:?}");
        }
    }

    fn written(rows: &[Correction]) -> Vec<Vec<String>> {
        rows.iter()
            .map(|row| {
                let line = row.line.to_string();
                let own = [line.as_str(), &row.codes, &row.reasons, &row.mark];
                in_order(3, &row.cells, own).map(String::from).collect()
            })
            .collect()
    }

    #[test]
    fn a_workbook_of_corrections_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("corrections.xlsx");
        let (header, rows) = rows();
        let mut file = Corrections::xlsx(&path, "Staff [2026]", &header, &[]).unwrap();
        rows.iter().for_each(|row| file.add(row).unwrap());
        file.finish().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

        let pipeline = crate::pipelines::open(None).unwrap();
        let vocabulary = Vocabulary::new(&pipeline.definition);
        let wanted = Wanted {
            definition: &pipeline.definition,
            vocabulary: &vocabulary,
            reader: &Reader::default(),
        };
        let source = workbook::open(&path, &wanted).unwrap();
        let names: Vec<&str> = header.iter().map(String::as_str).chain(OWN).collect();
        assert_eq!(source.header, names);
        let mut read = Vec::new();
        workbook::read(&source, 0, 0, &mut |cells| {
            assert!(cells.issues.is_empty());
            (0..cells.len()).for_each(|row| {
                read.push(cells.row(row).map(String::from).collect::<Vec<_>>());
            });
            Ok(true)
        })
        .unwrap();
        assert_eq!(read, written(&rows));
    }
}
