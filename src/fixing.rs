//! Rows of a run that need work, with what somebody typed to fix them: the corrections file is
//! written again with the fixes in it. Imported, that is a resubmission like any other
//! ([`crate::stages::resubmission`]).
//!
//! Rows that went in although something looked wrong can be corrected in the same way. They are read
//! from the list itself, and come back by their accounts, so that a key can change, too.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::definition::{Definition, Pipeline};
use crate::field::RowNumber;
use crate::header::{ACCOUNT, MARK, OF_ACCOUNT, OWN, Vocabulary, is_own};
use crate::issue::{Code, Severity};
use crate::ledger::{Cell, Column, Query, Rows};
use crate::outcome::Outcome;
use crate::pipelines;
use crate::refusal::{Refusal, Result};
use crate::report::as_read::AsRead;
use crate::report::corrections::{Correction, Corrections};
use crate::row::Cells;
use crate::stages::read::{Reader, Source, Wanted};
use crate::stages::resubmission::{EarlierRow, RowRefs};
use crate::store::Store;
use crate::store::fixes::{Fix, Fixed, Place};
use crate::store::runs::RunRecord;
use crate::summary::Input;
use crate::text::hex;

/// A value that was fixed may be fixed again; not more often than this.
const FIXES_OF_VALUE_MAX: usize = 8;
/// What files of rows that went in with a warning begin with.
const WARNED: &str = "warned";
/// Of more rows with a warning, the first are offered, and the next once these are corrected.
pub const WARNED_MAX: u64 = 2_000;

/// The rows of a run that went in with a warning.
pub enum Warned {
    /// There are none, or all were corrected.
    Nothing,
    /// There are some, but the list isn't there any more as it was.
    ListGone,
    /// These.
    Rows(Box<Work>),
}

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
    /// Whether the rows went in, and come back by their accounts.
    pub went_in: bool,
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
        Work::with(run, store, (pipeline, files), open.collect())
    }

    /// The rows of `run` that went in with a warning about a value, and that no later run corrected;
    /// `ledger` is that of the run.
    ///
    /// # Errors
    /// Those of [`Work::of`] and of reading the list.
    pub fn of_warned(
        (run, ledger): (&RunRecord, &Path),
        store: &Store,
        reader: &Reader,
    ) -> Result<Warned> {
        let pipeline = pipelines::open(run.pipeline.as_deref())?;
        // In a table of the application, accounts have other ids.
        if pipeline.definition.target.is_some() {
            return Ok(Warned::Nothing);
        }
        let corrected = store.corrected_rows(&run.id)?;
        let rows = warned_rows((run, ledger), &pipeline.definition, &corrected)?;
        if rows.is_empty() {
            return Ok(Warned::Nothing);
        }
        let Some(files) = warned_files(run, &pipeline, reader, &rows)? else {
            return Ok(Warned::ListGone);
        };
        let open = rows.into_keys().collect();
        let mut work = Work::with(run, store, (pipeline, files), open)?;
        work.pipeline.set("by_account", OF_ACCOUNT)?;
        work.went_in = true;
        Ok(Warned::Rows(Box::new(work)))
    }

    /// The work with the fixes that are kept for the run.
    fn with(
        run: &RunRecord,
        store: &Store,
        (pipeline, files): (Pipeline, Vec<PathBuf>),
        open: HashSet<RowNumber>,
    ) -> Result<Work> {
        let mut work = Work {
            run: run.id.clone(),
            pipeline,
            files,
            open,
            values: HashMap::new(),
            cells: HashMap::new(),
            accounts: HashMap::new(),
            left_out: HashSet::new(),
            looked_at: HashSet::new(),
            went_in: false,
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

/// The codes of a ledger that are warnings about a value: what a fix can change.
fn warnings(definition: &Definition) -> Vec<Code> {
    const OTHERS: [&str; 8] = [
        "map.",
        "row.",
        "group.",
        "session.",
        "match.",
        "clash.",
        "account.",
        "password.",
    ];
    let is_value = |code: &Code| !OTHERS.iter().any(|room| code.name().starts_with(room));
    let is_warning =
        |code: &Code| code.severity() == Severity::Warning && !definition.rejects(*code);
    let all = Code::ALL.iter().copied();
    all.filter(|code| is_value(code) && is_warning(code))
        .collect()
}

/// The warnings about values that a run has.
pub fn warned_codes<'a>(
    run: &'a RunRecord,
    definition: &Definition,
) -> impl Iterator<Item = &'a str> {
    let codes = warnings(definition);
    let seen = run.summary.iter().flat_map(|summary| &summary.issues);
    let seen = seen.map(|issue| issue.code.as_str());
    seen.filter(move |seen| codes.iter().any(|code| code.name() == *seen))
}

/// A row that went in.
struct WentIn {
    account: String,
    codes: String,
}

/// The first rows of the ledger that went in with a warning, without those that were corrected since.
fn warned_rows(
    (run, ledger): (&RunRecord, &Path),
    definition: &Definition,
    corrected: &HashSet<RowNumber>,
) -> Result<BTreeMap<RowNumber, WentIn>> {
    let codes: Vec<String> = warned_codes(run, definition)
        .map(|code| format!("'{code}'"))
        .collect();
    let mut found = BTreeMap::new();
    if codes.is_empty() {
        return Ok(found);
    }
    let rows = Rows::open(ledger)?;
    let mistaken = |mistake: crate::ledger::Mistake| Refusal::new(Code::UsageInvalid, mistake.what);
    let went_in = [Outcome::Created, Outcome::Updated, Outcome::Unchanged];
    let went_in = went_in.map(|outcome| format!("'{}'", outcome.name()));
    let text = format!(
        "issues in ({}) and outcome in ({})",
        codes.join(", "),
        went_in.join(", ")
    );
    let filter = rows.filter(&text).map_err(mistaken)?;
    let columns = ["row", "account", "issues"];
    let columns = columns.iter().map(|name| rows.columns().find(name));
    let query = Query {
        filter: Some(&filter),
        columns: columns
            .collect::<std::result::Result<Vec<&Column>, _>>()
            .map_err(mistaken)?,
        limit: Some(WARNED_MAX + corrected.len() as u64),
        ..Query::default()
    };
    rows.each(&query, &mut |cells| {
        if let [Cell::Number(row), Cell::Text(account), Cell::Text(codes)] = cells {
            let row = row.saturating_sub(1) as RowNumber;
            if !corrected.contains(&row) && (found.len() as u64) < WARNED_MAX {
                let went_in = WentIn {
                    account: (*account).to_string(),
                    codes: (*codes).to_string(),
                };
                found.insert(row, went_in);
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// The files of the rows that went in with a warning, in the folder of the run: written once for the
/// same rows. `None` where the list isn't there any more as it was.
fn warned_files(
    run: &RunRecord,
    pipeline: &Pipeline,
    reader: &Reader,
    rows: &BTreeMap<RowNumber, WentIn>,
) -> Result<Option<Vec<PathBuf>>> {
    let (Some(folder), Some(summary)) = (&run.folder, &run.summary) else {
        return Ok(None);
    };
    let folder = Path::new(folder);
    let numbers: Vec<u8> = rows.keys().flat_map(|row| row.to_le_bytes()).collect();
    let name = format!("{WARNED}-{}", &hex(&Sha256::digest(&numbers))[..12]);
    let mut files = Vec::new();
    let mut first = 0;
    for (index, input) in summary.input.iter().enumerate() {
        let name = format!("{name}-{}", index + 1);
        let until = first + input.rows as RowNumber;
        let of_file = rows.range(first..until);
        let of_file: BTreeMap<RowNumber, &WentIn> =
            of_file.map(|(row, went_in)| (*row, went_in)).collect();
        let list = List {
            run: &run.id,
            input,
            first,
        };
        first = until;
        if of_file.is_empty() {
            continue;
        }
        let known = ["csv", "xlsx"].map(|ending| folder.join(format!("{name}.{ending}")));
        let known = known.into_iter().find(|path| path.is_file());
        let path = match known {
            Some(path) => Some(path),
            None => list.pick((folder, &name), (pipeline, reader), &of_file)?,
        };
        match path {
            Some(path) => files.push(path),
            None => return Ok(None),
        }
    }
    Ok(Some(files))
}

/// A list that was imported.
struct List<'a> {
    run: &'a str,
    input: &'a Input,
    /// The number of its first row in the run.
    first: RowNumber,
}

impl List<'_> {
    /// Writes some of its rows into a file in `folder`, in the form of a corrections file. `None` where
    /// the list isn't there any more as it was.
    fn pick(
        &self,
        (folder, name): (&Path, &str),
        (pipeline, reader): (&Pipeline, &Reader),
        rows: &BTreeMap<RowNumber, &WentIn>,
    ) -> Result<Option<PathBuf>> {
        let input = self.input;
        let path = Path::new(&input.path);
        if !path.is_file() {
            return Ok(None);
        }
        let mut pipeline = pipeline.clone();
        pipeline.set_reading(
            input.sheet.as_deref(),
            input.delimiter.as_deref(),
            input.encoding.as_deref(),
        )?;
        let definition = &pipeline.definition;
        let wanted = Wanted {
            definition,
            vocabulary: &Vocabulary::new(definition),
            reader,
        };
        let source = Source::open(path, &wanted)?;
        if source.sha256 != input.sha256 {
            return Ok(None);
        }
        let as_read = AsRead::new(&source, |column| {
            source.header.get(column).is_some_and(|name| is_own(name))
        });
        let (path, mut out) = as_read.begin(folder, name, &[OF_ACCOUNT])?;
        let width = as_read.header().count();
        source.read_natives(0, self.first, &mut |cells| {
            as_read.sheet(&mut out, &cells)?;
            let until = cells.first_row + cells.len() as RowNumber;
            for (row, went_in) in rows.range(cells.first_row..until) {
                let index = (row - cells.first_row) as usize;
                let mark = EarlierRow {
                    run: self.run.to_string(),
                    row: *row,
                };
                let mut values = as_read.cells(&cells, index);
                values.resize(width, "");
                values.push(&went_in.account);
                out.add(&Correction {
                    line: cells.place(index).line,
                    mark: mark.mark(),
                    natives: as_read.natives(&cells, index),
                    codes: went_in.codes.replace(',', ", "),
                    cells: values,
                    ..Correction::default()
                })?;
            }
            Ok(rows.range(until..).next().is_some())
        })?;
        out.finish()?;
        Ok(Some(path))
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
