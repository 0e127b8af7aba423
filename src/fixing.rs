//! Rows of a run that need work, with what somebody typed to fix them: the corrections file is
//! written again with the fixes in it. Imported, that is a resubmission like any other
//! ([`crate::stages::resubmission`]).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::definition::Pipeline;
use crate::field::RowNumber;
use crate::header::{ACCOUNT, MARK, OWN, Vocabulary, is_own};
use crate::issue::{Code, Severity};
use crate::pipelines;
use crate::refusal::{Refusal, Result};
use crate::report::as_read::AsRead;
use crate::report::corrections::{Correction, Corrections};
use crate::row::Cells;
use crate::stages::read::{Reader, Source, Wanted};
use crate::stages::resubmission::RowRefs;
use crate::store::Store;
use crate::store::fixes::{Fix, Fixed, Place};
use crate::store::runs::RunRecord;

/// A value that was fixed may be fixed again; not more often than this.
const FIXES_OF_VALUE_MAX: usize = 8;

/// The rows of a run that still need work, and the fixes for them.
pub struct Work {
    run: String,
    /// The pipeline of the run.
    pub pipeline: Pipeline,
    /// The corrections files.
    files: Vec<PathBuf>,
    /// The rows that no later run fixed.
    open: HashSet<RowNumber>,
    /// By column and value.
    values: HashMap<(String, String), String>,
    /// By row and column.
    cells: HashMap<(RowNumber, String), String>,
    accounts: HashMap<RowNumber, Uuid>,
    left_out: HashSet<RowNumber>,
    /// The rows that somebody looked at as a whole.
    looked_at: HashSet<RowNumber>,
}

/// A row with its fixes in it.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Which of the corrections files it is in.
    pub file: usize,
    /// Its line in the file of the run.
    pub line: String,
    /// Its cells, in the order of the columns.
    pub cells: Vec<String>,
    /// The codes that it was left with.
    pub codes: Vec<String>,
    /// Whether a fix is in it.
    pub is_fixed: bool,
    /// The account that it is about, as somebody said.
    pub account: Option<String>,
}

impl Row {
    /// The code that must not be passed over only because the row looks right by now: a row that was
    /// cut in the wrong place, for example, is filled up in the corrections file. What depends on the
    /// accounts and on the other rows may come right by itself.
    pub fn unsettled(&self) -> Option<&str> {
        const BY_ITSELF: [&str; 8] = [
            "group.", "session.", "match.", "account.", "clash.", "load.", "plan.", "gate.",
        ];
        let is_reject = |code: &&String| {
            let mut all = Code::ALL.iter();
            all.any(|one| one.name() == code.as_str() && one.severity() >= Severity::Reject)
        };
        let mut codes = self.codes.iter().filter(is_reject);
        let code = codes.find(|code| !BY_ITSELF.iter().any(|room| code.starts_with(room)))?;
        (!self.is_fixed).then_some(code)
    }
}

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    /// The files.
    pub files: Vec<PathBuf>,
    /// By file: which of the corrections files it is.
    pub of: Vec<usize>,
    /// By corrections file: its columns, without muster's own.
    pub headers: Vec<Vec<String>>,
    /// The rows, by their numbers in the run.
    pub rows: BTreeMap<RowNumber, Row>,
}

impl Work {
    /// The work that is left of `run`.
    ///
    /// # Errors
    /// `pipeline.not_found`; a refusal with a `database.*` code; `run.unknown` where the corrections
    /// are gone.
    pub fn of(run: &RunRecord, store: &Store) -> Result<Work> {
        let pipeline = pipelines::open(run.pipeline.as_deref())?;
        let folder = Path::new(run.folder.as_deref().unwrap_or_default());
        let files = run.summary.iter().flat_map(|summary| &summary.files);
        let files = files.filter(|(name, _)| name.starts_with("corrections"));
        let files: Vec<PathBuf> = files.map(|(_, file)| folder.join(file)).collect();
        if let Some(gone) = files.iter().find(|file| !file.is_file()) {
            let what = format!("the corrections file `{}` is gone", gone.display());
            return Err(Refusal::new(Code::RunUnknown, what).help("import the list again"));
        }
        let source = pipeline.definition.source();
        let to_fix = store.to_fix(std::slice::from_ref(&run.id), source, "")?;
        let rows = to_fix.into_values().flat_map(|run| run.rows);
        let open = rows.filter(|(_, needs)| needs.is_open).map(|(row, _)| row);
        let mut work = Work {
            run: run.id.clone(),
            pipeline,
            files,
            open: open.collect(),
            values: HashMap::new(),
            cells: HashMap::new(),
            accounts: HashMap::new(),
            left_out: HashSet::new(),
            looked_at: HashSet::new(),
        };
        for (_, fix) in store.fixes(&run.id)? {
            work.take(fix);
        }
        Ok(work)
    }

    fn take(&mut self, fix: Fix) {
        match (fix.place, fix.what) {
            (Place::Value(column, found), Fixed::Value(value)) => {
                self.values.insert((column, found), value);
            }
            (Place::Cell(row, column), Fixed::Value(value)) => {
                self.cells.insert((row, column), value);
            }
            (Place::Row(row), Fixed::Account(account)) => {
                self.accounts.insert(row, account);
            }
            (Place::Row(row), Fixed::LeftOut) => {
                self.left_out.insert(row);
            }
            (Place::Row(row), Fixed::Value(_)) => {
                self.looked_at.insert(row);
            }
            _ => {}
        }
    }

    /// How many rows are left, those that are left out aside.
    pub fn rows(&self) -> usize {
        self.open.difference(&self.left_out).count()
    }

    /// Whether the row still needs work.
    pub fn is_open(&self, row: RowNumber) -> bool {
        self.open.contains(&row) && !self.left_out.contains(&row)
    }

    /// Writes the rows that are left and for which `keep` holds into files in `folder` that begin
    /// with `name`, with their fixes. A file without such a row isn't written.
    ///
    /// # Errors
    /// `output.unwritable`, and those of reading a file.
    pub fn write(
        &self,
        (folder, name): (&Path, &str),
        reader: &Reader,
        keep: &dyn Fn(RowNumber) -> bool,
    ) -> Result<Written> {
        let definition = &self.pipeline.definition;
        let vocabulary = &Vocabulary::new(definition);
        let mut written = Written::default();
        for path in &self.files {
            let wanted = Wanted {
                definition,
                vocabulary,
                reader,
            };
            let source = Source::open(path, &wanted)?;
            let name = match self.files.len() {
                1 => name.to_string(),
                _ => format!("{name}-{}", written.headers.len() + 1),
            };
            self.write_file(&source, (folder, &name), keep, &mut written)?;
        }
        Ok(written)
    }

    fn write_file(
        &self,
        source: &Source,
        (folder, name): (&Path, &str),
        keep: &dyn Fn(RowNumber) -> bool,
        written: &mut Written,
    ) -> Result<()> {
        let as_read = AsRead::new(source, |column| {
            source.header.get(column).is_some_and(|name| is_own(name))
        });
        let header: Vec<String> = as_read.header().map(String::from).collect();
        let more: &[&str] = match self.accounts.is_empty() {
            true => &[],
            false => &[ACCOUNT],
        };
        let mut out: Option<(PathBuf, Corrections)> = None;
        let file = written.headers.len();
        let rows = &mut written.rows;
        source.read_natives(0, 0, &mut |cells| {
            if out.is_none() {
                out = Some(as_read.begin(folder, name, more)?);
            }
            let Some((_, out)) = &mut out else {
                return Ok(true);
            };
            as_read.sheet(out, &cells)?;
            for (index, number) in self.marked(source, &cells) {
                if !self.is_open(number) || !keep(number) {
                    continue;
                }
                let found = Found {
                    source,
                    as_read: &as_read,
                    cells: &cells,
                    index,
                };
                let row = Row {
                    file,
                    ..self.row(number, &header, &found)
                };
                out.add(&self.correction(header.len(), &found, &row))?;
                rows.insert(number, row);
            }
            Ok(true)
        })?;
        written.headers.push(header);
        if let Some((path, out)) = out.filter(|(_, out)| out.rows() > 0) {
            out.finish()?;
            written.files.push(path);
            written.of.push(file);
        }
        Ok(())
    }

    /// The rows of a batch that are marked as rows of this run: their place in it, and their number.
    fn marked(&self, source: &Source, cells: &Cells) -> Vec<(usize, RowNumber)> {
        let Some(column) = column_of(source, MARK) else {
            return Vec::new();
        };
        let mut marks = RowRefs::default();
        marks.note(cells, column, None);
        let marked = (0..cells.len()).filter_map(|index| {
            let mark = marks.of(cells.first_row + index as RowNumber)?;
            (mark.run == self.run).then_some((index, mark.row))
        });
        marked.collect()
    }

    /// A row with its fixes.
    fn row(&self, number: RowNumber, header: &[String], found: &Found) -> Row {
        let before = found.as_read.cells(found.cells, found.index);
        let width = before.len().max(header.len());
        let cells = (0..width).map(|column| {
            let name = header.get(column).map_or("", String::as_str);
            let cell = before.get(column).copied().unwrap_or("");
            self.fixed(number, name, cell)
        });
        let cells: Vec<String> = cells.collect();
        let is_same = |column: usize| before.get(column).copied().unwrap_or("") == cells[column];
        let is_changed = (0..width).any(|column| !is_same(column));
        let account = self.accounts.get(&number).map(Uuid::to_string);
        let codes = found
            .own(OWN[1])
            .split(',')
            .map(|code| code.trim().to_string());
        Row {
            line: found.own(OWN[0]).to_string(),
            is_fixed: is_changed || account.is_some() || self.looked_at.contains(&number),
            codes: codes.filter(|code| !code.is_empty()).collect(),
            cells,
            account,
            ..Row::default()
        }
    }

    /// What is in a cell after all fixes.
    fn fixed(&self, row: RowNumber, column: &str, cell: &str) -> String {
        let own = self.cells.get(&(row, column.to_string()));
        let mut value = own.map_or(cell, String::as_str);
        for _ in 0..FIXES_OF_VALUE_MAX {
            match self.values.get(&(column.to_string(), value.to_string())) {
                Some(next) => value = next,
                None => break,
            }
        }
        value.to_string()
    }

    fn correction<'c>(&self, width: usize, found: &Found<'c>, row: &'c Row) -> Correction<'c> {
        let before = found.as_read.cells(found.cells, found.index);
        let is_same = |column: usize| {
            before.get(column).copied() == row.cells.get(column).map(String::as_str)
        };
        // The column of the accounts comes after those of the header.
        let place =
            |column: usize| column + usize::from(column >= width && !self.accounts.is_empty());
        let natives = found.as_read.natives(found.cells, found.index);
        let natives = natives.into_iter().filter(|(column, ..)| is_same(*column));
        let errors = found.as_read.errors(found.cells, found.index);
        let errors = errors.into_iter().filter(|(column, _)| is_same(*column));
        let mut cells: Vec<&str> = row.cells.iter().map(String::as_str).collect();
        if !self.accounts.is_empty() {
            cells.insert(width.min(cells.len()), row.account.as_deref().unwrap_or(""));
        }
        Correction {
            line: row.line.parse().unwrap_or_default(),
            codes: found.own(OWN[1]).to_string(),
            reasons: found.own(OWN[2]).to_string(),
            mark: found.own(MARK).to_string(),
            cells,
            natives: natives
                .map(|(column, value, shown)| (place(column), value, shown))
                .collect(),
            errors: errors
                .map(|(column, error)| (place(column), error))
                .collect(),
            problems: Vec::new(),
        }
    }
}

/// A row of a corrections file.
struct Found<'a> {
    source: &'a Source,
    as_read: &'a AsRead<'a>,
    cells: &'a Cells,
    index: usize,
}

impl<'a> Found<'a> {
    /// What is in a column of muster's own.
    fn own(&self, name: &str) -> &'a str {
        let column = column_of(self.source, name);
        column.map_or("", |column| self.cells.cell(self.index, column))
    }
}

fn column_of(source: &Source, name: &str) -> Option<usize> {
    source
        .header
        .iter()
        .position(|header| header.trim() == name)
}
