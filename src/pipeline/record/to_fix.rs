//! Which rows go into the corrections file, in which form, and with which reasons.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::definition::{DateOrder, Definition, Groups};
use crate::field::{CLEARED, Field, RowNumber};
use crate::issue::{Code, Issue};
use crate::meaning::group::{GROUP_NESTING, groups};
use crate::meaning::mapping::Target;
use crate::pipeline::Ran;
use crate::pipeline::record::{Batch, Tally, column_of, read_batch};
use crate::refusal::{Refusal, Result};
use crate::report::as_read::AsRead;
use crate::report::corrections::{Correction, Corrections};
use crate::row::{Cells, People, Slot};
use crate::spool::sheet_rows;
use crate::stages::read::InputFile;
use crate::stages::read::csv::Rows;
use crate::stages::resubmission::{self, EarlierRow};

/// The corrections of files whose rows can be read one by one, or were kept: they are written in the
/// pass that writes the ledger, which has the batches at hand.
pub(super) struct Picked<'a> {
    ran: &'a Ran,
    definition: &'a Definition,
    folder: &'a Path,
    is_check: bool,
    /// By file; none if no row needed fixing so far.
    files: Vec<Option<Picking<'a>>>,
    /// By file: whether it must be read as a whole instead.
    as_whole: Vec<bool>,
}

/// Rows that are read again one by one.
enum Picker<'a> {
    Text(Box<Rows<'a>>),
    Sheet(sheet_rows::Picker<'a>),
}

/// The corrections of one file on their way.
struct Picking<'a> {
    rows: Picker<'a>,
    correcting: Correcting<'a>,
    path: PathBuf,
}

impl<'a> Picked<'a> {
    /// Nothing is written until a row needs fixing.
    pub(super) fn new(
        ran: &'a Ran,
        definition: &'a Definition,
        folder: &'a Path,
        is_check: bool,
    ) -> Picked<'a> {
        Picked {
            ran,
            definition,
            folder,
            is_check,
            files: ran.files.iter().map(|_| None).collect(),
            as_whole: vec![ran.from_plan; ran.files.len()],
        }
    }

    /// Adds the rows of the next batch that need fixing.
    ///
    /// # Errors
    /// `output.unwritable`; `file.changed`, `file.unreadable`.
    pub(super) fn add(&mut self, batch: &Batch) -> Result<()> {
        let drafts = &batch.people.drafts;
        let number = usize::from(drafts.source);
        for index in 0..batch.people.len() {
            if self.as_whole[number] {
                return Ok(());
            }
            if !batch.needs_fixing(index) {
                continue;
            }
            let row = drafts.first_row + index as RowNumber;
            // Where quotes are wrong, it takes the rows around to say what belongs to this one.
            let is_torn = batch.issues_of(row).iter().any(|issue| {
                matches!(
                    issue.code,
                    Code::RowQuote | Code::RowAfterQuote | Code::RowUnclosed
                )
            });
            if is_torn || self.files[number].is_none() && !self.begin(number, drafts.first_row)? {
                self.files[number] = None;
                self.as_whole[number] = true;
            }
            if let Some(picking) = &mut self.files[number] {
                picking.add(batch, index)?;
            }
        }
        Ok(())
    }

    /// `first_row` is that of the batch in which the first row needs fixing.
    fn begin(&mut self, number: usize, first_row: RowNumber) -> Result<bool> {
        let file = &self.ran.files[number];
        let rows = match self.ran.spool.sheet_rows.of(number as u16, first_row) {
            Some(rows) => Picker::Sheet(rows),
            None => match Rows::of(&file.source)? {
                Some(rows) => Picker::Text(Box::new(rows)),
                None => return Ok(false),
            },
        };
        let as_read = as_read(file);
        let (path, out) = as_read.begin(self.folder, &name(self.ran, number), &[])?;
        self.files[number] = Some(Picking {
            rows,
            correcting: Correcting {
                ran: self.ran,
                definition: self.definition,
                file,
                as_read,
                number: number as u16,
                is_check: self.is_check,
                out,
            },
            path,
        });
        Ok(true)
    }
}

impl Picking<'_> {
    /// Adds a row of a batch.
    fn add(&mut self, batch: &Batch, index: usize) -> Result<()> {
        let drafts = &batch.people.drafts;
        let cells = match &mut self.rows {
            Picker::Text(rows) => {
                let row = drafts.first_row + index as RowNumber;
                let end = drafts.places.get(index + 1).map(|place| place.byte);
                rows.read(drafts.source, row, drafts.places[index], end)?
            }
            Picker::Sheet(rows) => {
                let correcting = &mut self.correcting;
                if let Some(sheet) = rows.sheet(drafts.first_row) {
                    correcting.as_read.sheet(&mut correcting.out, &sheet)?;
                }
                rows.read(drafts.first_row, index, &drafts.places)?
            }
        };
        let correction = self.correcting.correction(batch, &cells, 0);
        self.correcting.out.add(&correction)
    }
}

/// What the corrections of a file are called.
fn name(ran: &Ran, number: usize) -> String {
    match ran.files.len() {
        1 => "corrections".to_string(),
        _ => format!("corrections-{}", number + 1),
    }
}

/// Writes a corrections file for every input that has rows to fix, in the input's own form. Those
/// that were picked are only put into their place. Returns their names in the summary and in the
/// folder.
pub(super) fn corrections(picked: Picked, tally: &Tally) -> Result<Vec<(String, String)>> {
    let Picked {
        ran,
        definition,
        folder,
        is_check,
        mut files,
        ..
    } = picked;
    let mut written = Vec::new();
    let mut first_batch = 0;
    let mut first_row = 0;
    for (number, file) in ran.files.iter().enumerate() {
        if tally.to_fix_of[number] > 0 {
            let name = name(ran, number);
            let path = if let Some(picking) = files[number].take() {
                picking.correcting.out.finish()?;
                picking.path
            } else {
                let as_read = as_read(file);
                let (path, out) = as_read.begin(folder, &name, &[])?;
                let mut correcting = Correcting {
                    ran,
                    definition,
                    file,
                    as_read,
                    number: number as u16,
                    is_check,
                    out,
                };
                correcting.all((first_batch, first_row))?;
                correcting.out.finish()?;
                path
            };
            let shown = path
                .file_name()
                .map_or(String::new(), |name| name.to_string_lossy().into_owned());
            written.push((name, shown));
        }
        let rows = tally.rows_of[number];
        while first_batch < ran.spool.batches()
            && u64::from(ran.spool.first_row(first_batch)) < u64::from(first_row) + rows
        {
            first_batch += 1;
        }
        first_row += rows as RowNumber;
    }
    Ok(written)
}

/// The file with the columns that muster added to an earlier corrections file apart: they are written
/// again.
fn as_read(file: &InputFile) -> AsRead<'_> {
    AsRead::new(&file.source, |column| {
        file.targets.get(column) == Some(&Target::Own)
    })
}

/// The corrections of one file on their way.
struct Correcting<'a> {
    ran: &'a Ran,
    definition: &'a Definition,
    file: &'a InputFile,
    as_read: AsRead<'a>,
    /// Which of the run's files it is.
    number: u16,
    is_check: bool,
    out: Corrections,
}

impl Correcting<'_> {
    /// Reads the file once more, for its rows exactly as they were; or the plan, for them as
    /// cleaned.
    fn all(&mut self, (first_batch, first_row): (usize, RowNumber)) -> Result<()> {
        let number = self.number;
        let (ran, file, definition) = (self.ran, self.file, self.definition);
        let mut batch_number = first_batch;
        let mut add = |cells: Cells| {
            if batch_number >= ran.spool.batches() {
                return Err(changed(file));
            }
            let batch = read_batch(ran, batch_number)?;
            batch_number += 1;
            if batch.people.len() != cells.len() || batch.people.drafts.first_row != cells.first_row
            {
                return Err(changed(file));
            }
            self.batch(&batch, &cells)?;
            Ok(true)
        };
        if !ran.from_plan {
            return file.source.read_natives(number, first_row, &mut add);
        }
        for number in first_batch..ran.spool.batches() {
            let batch = read_batch(ran, number)?;
            if batch.people.drafts.source != self.number {
                break;
            }
            let cells = cells_of(&batch.people, file, ran, definition);
            self.batch(&batch, &cells)?;
        }
        Ok(())
    }

    fn batch(&mut self, batch: &Batch, cells: &Cells) -> Result<()> {
        self.as_read.sheet(&mut self.out, cells)?;
        for index in 0..cells.len() {
            if batch.needs_fixing(index) {
                let correction = self.correction(batch, cells, index);
                self.out.add(&correction)?;
            }
        }
        Ok(())
    }

    fn correction<'c>(&self, batch: &Batch, cells: &'c Cells, index: usize) -> Correction<'c> {
        let row = cells.first_row + index as RowNumber;
        let issues = batch.issues_of(row);
        let problems = issues
            .iter()
            .filter(|issue| self.definition.rejects(issue.code))
            .filter_map(|issue| {
                let column = column_of(issue, self.file, self.ran)?;
                let column = self.as_read.column(column as u16)?;
                Some((column as u16, issue.code.title().to_string()))
            });
        let mut codes: Vec<&str> = issues.iter().map(|issue| issue.code.name()).collect();
        codes.dedup();
        Correction {
            line: cells.place(index).line,
            mark: self.mark(row),
            cells: self.as_read.cells(cells, index),
            natives: self.as_read.natives(cells, index),
            errors: self.as_read.errors(cells, index),
            codes: codes.join(", "),
            reasons: issues.iter().map(reason).collect::<Vec<_>>().join("; "),
            problems: problems.collect(),
        }
    }

    /// By what the row is known when it comes back. A check is not in the run log, so what it
    /// leaves to fix is still what its rows came back for.
    fn mark(&self, row: RowNumber) -> String {
        let order = match (self.file.mapping.date_order_found, self.ran.from_plan) {
            // A plan has dates as they were understood.
            (_, true) => DateOrder::Unknown,
            (Some(found), _) => found.order(),
            (None, _) => self.ran.row_refs.order(self.number),
        };
        if self.is_check {
            return resubmission::cell(self.ran.row_refs.of(row), order);
        }
        let run = self.ran.run.id.clone();
        resubmission::cell(Some(&EarlierRow { run, row }), order)
    }
}

/// The rows of a plan as the file had them, but cleaned. What couldn't be cleaned is as typed.
fn cells_of(people: &People, file: &InputFile, ran: &Ran, definition: &Definition) -> Cells {
    let drafts = &people.drafts;
    let mut cells = Cells::new(drafts.source, drafts.first_row);
    let columns: Vec<(usize, usize, bool)> = ran
        .layout
        .slots()
        .iter()
        .enumerate()
        .filter_map(|(slot, what)| {
            let column = file.mapping.column_of(slot)?;
            let is_groups = *what == Slot::Field(Field::Groups);
            Some((usize::from(column), slot, is_groups))
        })
        .collect();
    for index in 0..people.len() {
        let mut row = vec![Cow::Borrowed(""); file.source.header.len()];
        for (column, slot, is_groups) in &columns {
            let value = match drafts.values.get(index, *slot) {
                CLEARED => definition.update.clear.as_str(),
                value => value,
            };
            row[*column] = if *is_groups {
                list_cell(value, file.mapping.separator, &definition.groups).into()
            } else {
                value.into()
            };
        }
        row.iter().for_each(|cell| cells.push_cell(cell));
        cells.end_row(drafts.places[index]);
    }
    cells
}

/// A cell that is read as the groups of a cleaned value. A group with a separator in its name needs a list
/// in quotes.
fn list_cell(value: &str, separator: char, policy: &Groups) -> String {
    let nesting = policy.nesting.to_string();
    let paths: Vec<String> = groups(value)
        .map(|path| path.replace(GROUP_NESTING, &nesting))
        .collect();
    let is_plain = |path: &String| !path.contains(|c| c == '"' || policy.separators.contains(&c));
    match paths.iter().all(is_plain) {
        true => paths.join(&separator.to_string()),
        false => serde_json::to_string(&paths).unwrap_or_default(),
    }
}

/// An issue in a sentence: what is wrong, what was found, what would help.
fn reason(issue: &Issue) -> String {
    let field = issue
        .field
        .map_or(String::new(), |field| format!("{}: ", field.name()));
    let found = if issue.found.is_empty() {
        String::new()
    } else {
        format!(" (`{}`)", issue.found)
    };
    let detail = if issue.detail.is_empty() {
        String::new()
    } else {
        format!(" - {}", issue.detail)
    };
    format!(
        "{field}{}{found}{detail}; to fix it: {}",
        issue.code.title(),
        issue.code.fix()
    )
}

fn changed(file: &InputFile) -> Refusal {
    let path = file.source.path.display();
    Refusal::new(
        Code::FileChanged,
        format!("`{path}` changed before its corrections could be written"),
    )
}
