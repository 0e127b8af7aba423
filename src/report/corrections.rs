//! `corrections.csv` and `corrections.xlsx`: the rows that need mending, in the layout of the
//! file that they came from, with what is wrong in three columns behind.
//!
//! Mended, the file can be imported as it is: columns of muster's own are ignored ([`crate::header::is_own`]).

use std::collections::HashMap;
use std::path::Path;

use rust_xlsxwriter::{
    Color, Format, FormatAlign, FormatBorder, Note, Workbook, Worksheet, XlsxError,
};

use super::file::{Pending, unwritable};
use crate::formula::guarded;
use crate::header::OWN;
use crate::refusal::Result;

/// The most cells that get a note with their reason; later ones are only coloured. Excel opens
/// a sheet with many notes slowly.
const NOTES_MAX: usize = 2000;
/// Excel's own limit for a cell.
const CELL_CHARS_MAX: usize = 32_767;
/// Excel's own limits for a sheet.
const SHEET_ROWS_MAX: u32 = 1_048_576;

/// A row that needs mending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Correction<'a> {
    /// Its line in the file, or its row on the sheet.
    pub line: u64,
    /// Its cells as the file shows them, in file order; may be fewer or more than the header has.
    pub cells: Vec<&'a str>,
    /// The codes, as `email.syntax, phone.invalid`.
    pub codes: String,
    /// What is wrong and how to mend it, in plain words.
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
    Csv { delimiter: String, line: Vec<u8> },
    Xlsx(Box<Sheet>),
}

struct Sheet {
    workbook: Workbook,
    text: Format,
    wrong: Format,
    notes: usize,
}

impl Corrections {
    /// Begins a CSV file in UTF-8 with a byte order mark, which Excel needs to see.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn csv(path: &Path, header: &[String], delimiter: &str) -> Result<Corrections> {
        let mut pending = Pending::create(path)?;
        pending.write("\u{feff}".as_bytes())?;
        let mut corrections = Corrections {
            pending,
            width: header.len(),
            rows: 0,
            form: Form::Csv {
                delimiter: delimiter.to_string(),
                line: Vec::new(),
            },
        };
        let cells: Vec<&str> = header.iter().map(String::as_str).collect();
        corrections.line(&cells, OWN)?;
        Ok(corrections)
    }

    /// Begins a workbook with one sheet. Every cell is text, so leading zeros survive retyping
    /// and nothing is ever a formula.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn xlsx(path: &Path, sheet: &str, header: &[String]) -> Result<Corrections> {
        let pending = Pending::create(path)?;
        let failed = |error: XlsxError| unwritable(path, &error);
        let text = Format::new().set_num_format("@");
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
        begin(worksheet, header, &text).map_err(failed)?;
        let wrong = text.clone().set_background_color(Color::RGB(0x00FF_E3E0));
        let sheet = Sheet {
            workbook,
            text,
            wrong,
            notes: 0,
        };
        Ok(Corrections {
            pending,
            width: header.len(),
            rows: 0,
            form: Form::Xlsx(Box::new(sheet)),
        })
    }

    /// Adds a row.
    ///
    /// Cells behind the header's last column come after muster's own, so that those keep their
    /// place; a row with too few cells is filled up with empty ones.
    ///
    /// # Errors
    /// `output.unwritable`; also when a sheet has no room for another row.
    pub fn add(&mut self, row: &Correction) -> Result<()> {
        self.rows += 1;
        let line = row.line.to_string();
        let own = [line.as_str(), &row.codes, &row.reasons];
        match &mut self.form {
            Form::Csv { .. } => self.line(&row.cells, own),
            Form::Xlsx(sheet) => {
                let Some(at) = u32::try_from(self.rows)
                    .ok()
                    .filter(|at| *at < SHEET_ROWS_MAX)
                else {
                    let error = format!("a sheet has {SHEET_ROWS_MAX} rows and no more");
                    return Err(unwritable(self.pending.path(), &error).help(
                        "mend what most rows have in common first, or import the list as CSV",
                    ));
                };
                sheet
                    .add(at, self.width, row, own)
                    .map_err(|error| unwritable(self.pending.path(), &error))
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
            let file = self.pending.file()?;
            let saved = sheet.workbook.save_to_writer(file);
            saved.map_err(|error| unwritable(self.pending.path(), &error))?;
        }
        self.pending.commit()
    }

    fn line(&mut self, cells: &[&str], own: [&str; 3]) -> Result<()> {
        let Form::Csv { delimiter, line } = &mut self.form else {
            return Ok(());
        };
        line.clear();
        for (index, cell) in in_order(self.width, cells, own).enumerate() {
            if index > 0 {
                line.extend_from_slice(delimiter.as_bytes());
            }
            quoted(&guarded(cell), delimiter, line);
        }
        line.push(b'\n');
        self.pending.write(line)
    }
}

impl Sheet {
    fn add(
        &mut self,
        at: u32,
        width: usize,
        row: &Correction,
        own: [&str; 3],
    ) -> std::result::Result<(), XlsxError> {
        let worksheet = self.workbook.worksheet_from_index(0)?;
        let problems: HashMap<usize, &str> = row
            .problems
            .iter()
            .map(|(column, reason)| (usize::from(*column), reason.as_str()))
            .collect();
        for (index, cell) in in_order(width, &row.cells, own).enumerate() {
            let reason = file_column(index, width).and_then(|column| problems.get(&column));
            let format = if reason.is_some() {
                &self.wrong
            } else {
                &self.text
            };
            let column = index as u16;
            // A blank cell of the format of its column needs no mention.
            if !cell.is_empty() || reason.is_some() {
                worksheet.write_string_with_format(at, column, fitting(cell), format)?;
            }
            if let Some(reason) = reason
                && !reason.is_empty()
                && self.notes < NOTES_MAX
            {
                self.notes += 1;
                worksheet.insert_note(at, column, &note(reason))?;
            }
        }
        Ok(())
    }
}

/// Header cells, widths and formats of a sheet whose columns are all text.
fn begin(
    worksheet: &mut Worksheet,
    header: &[String],
    text: &Format,
) -> std::result::Result<(), XlsxError> {
    let bold = heading();
    let names = header.iter().map(String::as_str).chain(OWN);
    worksheet.set_freeze_panes(1, 0)?;
    for (index, name) in names.enumerate() {
        let column = index as u16;
        let width = if name == OWN[2] {
            60.0
        } else {
            column_width(name)
        };
        worksheet.set_column_width(column, width)?;
        worksheet.set_column_format(column, text)?;
        worksheet.write_string_with_format(0, column, fitting(name), &bold)?;
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

/// Wide enough for a header, and for most of what stands under it.
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
    own: [&'a str; 3],
) -> impl Iterator<Item = &'a str> {
    (0..width)
        .map(|index| cells.get(index).copied().unwrap_or(""))
        .chain(own)
        .chain(cells.iter().skip(width).copied())
}

/// Which column of the user's file stands at `index` of a corrections file.
fn file_column(index: usize, width: usize) -> Option<usize> {
    match index {
        _ if index < width => Some(index),
        _ if index < width + OWN.len() => None,
        _ => Some(index - OWN.len()),
    }
}

/// Quoted where any spreadsheet, whatever delimiter it takes, would read more than one cell.
fn quoted(text: &str, delimiter: &str, out: &mut Vec<u8>) {
    let needs = |byte: u8| {
        matches!(byte, b'"' | b',' | b';' | b'\t' | b'|' | b'\r' | b'\n')
            || delimiter.as_bytes().contains(&byte)
    };
    let outer_space = text.starts_with(' ') || text.ends_with(' ');
    if !outer_space && !text.bytes().any(needs) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition;
    use crate::header::Vocabulary;
    use crate::stages::read::{Wanted, workbook};

    fn rows() -> (Vec<String>, Vec<Correction<'static>>) {
        let header = ["E-mail", "=Name", "Code"].map(String::from).to_vec();
        let rows = vec![
            Correction {
                line: 7,
                cells: vec!["a@@b", "=cmd|'/C calc'!A0", "007"],
                codes: "email.syntax".to_string(),
                reasons: "`a@@b` is not an e-mail address; write it as name@example.org"
                    .to_string(),
                problems: vec![(0, "not an e-mail address".to_string())],
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
        let mut file = Corrections::csv(&path, &header, ";").unwrap();
        rows.iter().for_each(|row| file.add(row).unwrap());
        assert_eq!(file.rows(), 3);
        file.finish().unwrap();
        let expected = "\u{feff}E-mail;'=Name;Code;muster_line;muster_codes;muster_reasons\n\
            a@@b;'=cmd|'/C calc'!A0;007;7;email.syntax;\"`a@@b` is not an e-mail address; write it as name@example.org\"\n\
            \" x\"\"y\";\"two\nlines\";;9;;\n\
            1;\"2,5\";_x0041_;12;;;'=4\n";
        let expected = expected.replace("'=cmd|'/C calc'!A0;", "\"'=cmd|'/C calc'!A0\";");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn a_workbook_of_corrections_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("corrections.xlsx");
        let (header, rows) = rows();
        let mut file = Corrections::xlsx(&path, "Staff [2026]", &header).unwrap();
        rows.iter().for_each(|row| file.add(row).unwrap());
        file.finish().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

        let pipeline = definition::open(None).unwrap();
        let vocabulary = Vocabulary::new(&pipeline.definition);
        let wanted = Wanted {
            definition: &pipeline.definition,
            vocabulary: &vocabulary,
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
        let written: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                let line = row.line.to_string();
                let own = [line.as_str(), &row.codes, &row.reasons];
                in_order(3, &row.cells, own).map(String::from).collect()
            })
            .collect();
        assert_eq!(read, written);
    }
}
