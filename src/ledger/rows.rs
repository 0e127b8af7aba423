//! Questions about the rows of a ledger or a plan file: which of them, in which order, and how many of
//! each kind. Polars' lazy engine answers, one group of row groups after the other, so that memory holds
//! the rows that are asked for and not the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars_core::prelude::{
    AnyValue, DataFrame, IdxSize, PlSmallStr, PolarsError, PolarsResult, SortMultipleOptions,
};
use polars_io::SerReader;
use polars_io::parquet::read::{FileMetadata, ParquetReader};
use polars_lazy::prelude::{Expr, IntoLazy, LazyFrame, len};
use rayon::prelude::*;

use super::columns::{Column, Columns, Kind, Mistake};
use super::filter::{self, Filter};
use super::planfile;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// Row groups that are read together at most.
const GROUPS_MAX: usize = 8;

/// The rows of a ledger or a plan file.
pub struct Rows {
    path: PathBuf,
    file: File,
    metadata: Arc<FileMetadata>,
    columns: Columns,
    /// Whether the file is a plan.
    pub is_plan: bool,
    /// How many rows the file has.
    pub total: u64,
}

/// Which rows are asked for, and what of them.
#[derive(Default)]
pub struct Query<'a> {
    /// Which rows; all of them by default.
    pub filter: Option<&'a Filter>,
    /// What of them.
    pub columns: Vec<&'a Column>,
    /// Their order, and whether it is reversed; that of the file by default. Missing values come last.
    pub sort: Vec<(&'a Column, bool)>,
    /// How many to pass over.
    pub offset: u64,
    /// How many at most.
    pub limit: Option<u64>,
}

/// A value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell<'a> {
    /// There is none.
    Nothing,
    /// Of a number.
    Number(u64),
    /// Of a text or words.
    Text(&'a str),
}

/// Values that rows have in common, and how many rows have them; most rows first.
pub type Counts = Vec<(Vec<Option<String>>, u64)>;

/// What rows are handed to, with a cell for each column that was asked for.
pub type Take<'a> = dyn FnMut(&[Cell]) -> Result<()> + 'a;

impl Rows {
    /// Opens a ledger or a plan file.
    ///
    /// # Errors
    /// `file.not_found`; `plan.invalid` for a plan that was changed or cut off; `usage.invalid` for
    /// what is neither.
    pub fn open(path: &Path) -> Result<Rows> {
        let shown = path.display();
        let file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Refusal::new(Code::FileNotFound, format!("no such file: `{shown}`"))
            }
            _ => unreadable(path, &error),
        })?;
        let again = file.try_clone().map_err(|error| unreadable(path, &error))?;
        let mut reader = ParquetReader::new(again);
        let neither = |_: PolarsError| neither(path);
        let metadata = reader.get_metadata().map_err(neither)?.clone();
        let names: BTreeSet<PlSmallStr> = reader
            .schema()
            .map_err(neither)?
            .iter_names_cloned()
            .collect();
        let has = |columns: &Columns| {
            let mut needs = columns.of_file().flat_map(Column::needs);
            needs.all(|name| names.contains(name))
        };
        let (ledger, plan) = (Columns::of_ledger(), Columns::of_plan());
        let is_plan = has(&plan);
        if is_plan {
            planfile::check_seal(&file, &shown.to_string())?;
        } else if !has(&ledger) {
            return Err(self::neither(path));
        }
        Ok(Rows {
            path: path.to_path_buf(),
            file,
            total: metadata.num_rows as u64,
            metadata,
            columns: if is_plan { plan } else { ledger },
            is_plan,
        })
    }

    /// What can be asked for.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Reads a filter over these columns.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn filter(&self, text: &str) -> std::result::Result<Filter, Mistake> {
        filter::parse(text, &self.columns)
    }

    /// Of the rows that pass `filter`, those that are about one of `accounts` or have one of `numbers`.
    ///
    /// # Errors
    /// Never for a ledger or a plan: these have the columns.
    pub fn among(
        &self,
        filter: Option<Filter>,
        accounts: Vec<String>,
        numbers: Vec<u64>,
    ) -> std::result::Result<Filter, Mistake> {
        filter::among(filter, (accounts, numbers), &self.columns)
    }

    /// Hands over the rows that are asked for, and says how many there are without offset and limit.
    ///
    /// # Errors
    /// `file.damaged`; what `take` fails with.
    pub fn each(&self, query: &Query, take: &mut Take) -> Result<u64> {
        let end = query
            .limit
            .map_or(u64::MAX, |limit| query.offset.saturating_add(limit));
        let mut found = 0;
        let mut sorted: Option<DataFrame> = None;
        for groups in self.groups().chunks(at_once()) {
            // Behind the last row that is shown, rows are only counted.
            let is_counted = query.sort.is_empty() && found >= end;
            if is_counted && query.filter.is_none() {
                return Ok(self.total);
            }
            let columns = if is_counted { &[][..] } else { &query.columns };
            let parts = self.parts(groups, query, columns, end)?;
            for (fitting, part) in parts {
                let from = query.offset.saturating_sub(found).min(fitting);
                let to = end.saturating_sub(found).min(fitting);
                found += fitting;
                match &mut sorted {
                    _ if is_counted => {}
                    _ if query.sort.is_empty() => hand_over(&part, from, to, columns, take)
                        .map_err(|failed| failed.refusal(&self.path))?,
                    Some(sorted) => {
                        sorted
                            .vstack_mut(&part)
                            .map_err(|error| damaged(&self.path, &error))?;
                    }
                    None => sorted = Some(part),
                }
            }
        }
        if let Some(frame) = sorted {
            let rows = frame.height() as u64;
            let frame = order(frame.lazy(), &query.sort).collect();
            let mut frame = frame.map_err(|error| damaged(&self.path, &error))?;
            frame.rechunk_mut();
            hand_over(
                &frame,
                query.offset.min(rows),
                end.min(rows),
                &query.columns,
                take,
            )
            .map_err(|failed| failed.refusal(&self.path))?;
        }
        Ok(found)
    }

    /// How many of the rows of each row group fit, and these rows; of a sorted query those that may be
    /// among the first `end`.
    fn parts(
        &self,
        groups: &[(usize, usize)],
        query: &Query,
        columns: &[&Column],
        end: u64,
    ) -> Result<Vec<(u64, DataFrame)>> {
        let sorting = query.sort.iter().enumerate();
        let keys = sorting.map(|(index, (column, _))| column.expr().alias(key(index)));
        let values = columns.iter().enumerate();
        let values = values.map(|(index, column)| column.expr().alias(value(index)));
        let exprs: Vec<Expr> = values.chain(keys).collect();
        let sources = columns
            .iter()
            .copied()
            .chain(query.sort.iter().map(|(column, _)| *column));
        let needs = needs(query.filter, sources);
        let part = |group: &(usize, usize)| -> PolarsResult<(u64, DataFrame)> {
            let mut rows = self.read(*group, &needs)?.lazy();
            if let Some(filter) = query.filter {
                rows = rows.filter(filter.expr.clone());
            }
            if exprs.is_empty() {
                let counted = rows.select([len()]).collect()?;
                let fitting = number(counted.columns()[0].get(0)?).unwrap_or(0);
                return Ok((fitting, DataFrame::empty()));
            }
            let rows = rows.select(&exprs).collect()?;
            let fitting = rows.height() as u64;
            if query.sort.is_empty() || end >= fitting {
                return Ok((fitting, rows));
            }
            let first = order(rows.lazy(), &query.sort)
                .limit(IdxSize::try_from(end).unwrap_or(IdxSize::MAX));
            Ok((fitting, first.collect()?))
        };
        let parts = groups.par_iter().map(part);
        let parts: PolarsResult<Vec<(u64, DataFrame)>> = parts.collect();
        parts.map_err(|error| damaged(&self.path, &error))
    }

    /// Counts rows by the values of columns. A row with several words counts for each of them.
    ///
    /// # Errors
    /// `file.damaged`.
    pub fn counts(&self, filter: Option<&Filter>, by: &[&Column]) -> Result<Counts> {
        let needs = needs(filter, by.iter().copied());
        let keys: Vec<Expr> = by
            .iter()
            .enumerate()
            .map(|(index, column)| column.expr().alias(value(index)))
            .collect();
        let count = |group: &(usize, usize)| {
            let mut rows = self.read(*group, &needs)?.lazy();
            if let Some(filter) = filter {
                rows = rows.filter(filter.expr.clone());
            }
            rows.group_by(&keys).agg([len().alias(key(0))]).collect()
        };
        let mut counts: BTreeMap<Vec<Option<String>>, u64> = BTreeMap::new();
        for groups in self.groups().chunks(at_once()) {
            let counted: PolarsResult<Vec<DataFrame>> = groups.par_iter().map(count).collect();
            for counted in counted.map_err(|error| damaged(&self.path, &error))? {
                add(&counted, by, &mut counts).map_err(|error| damaged(&self.path, &error))?;
            }
        }
        let mut counts: Counts = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Ok(counts)
    }

    /// Where each row group begins, and how many rows it has.
    fn groups(&self) -> Vec<(usize, usize)> {
        let mut first = 0;
        let groups = self.metadata.row_groups.iter().map(|group| {
            let rows = group.num_rows();
            first += rows;
            (first - rows, rows)
        });
        groups.collect()
    }

    fn read(
        &self,
        (first, rows): (usize, usize),
        needs: &BTreeSet<String>,
    ) -> PolarsResult<DataFrame> {
        let mut reader = ParquetReader::new(self.file.try_clone()?);
        reader.set_metadata(self.metadata.clone());
        reader
            .with_columns(Some(needs.iter().cloned().collect()))
            .with_slice(Some((first, rows)))
            .finish()
    }
}

/// How many row groups are read together: more than there are threads would only take memory.
fn at_once() -> usize {
    rayon::current_num_threads().clamp(1, GROUPS_MAX)
}

/// The columns of the file that are needed. There is always one, because a frame without columns has no
/// rows.
fn needs<'a>(
    filter: Option<&Filter>,
    columns: impl Iterator<Item = &'a Column>,
) -> BTreeSet<String> {
    let mut needs: BTreeSet<String> = columns.flat_map(Column::needs).map(String::from).collect();
    needs.extend(
        filter
            .iter()
            .flat_map(|filter| filter.needs.iter().cloned()),
    );
    if needs.is_empty() {
        needs.insert("row".to_string());
    }
    needs
}

/// The name, in a frame, of the column with the values of a column that is asked for.
fn value(index: usize) -> String {
    format!("value {index}")
}

/// The name, in a frame, of the column with what is sorted by or counted.
fn key(index: usize) -> String {
    format!("key {index}")
}

fn order(rows: LazyFrame, by: &[(&Column, bool)]) -> LazyFrame {
    let keys: Vec<String> = (0..by.len()).map(key).collect();
    let reversed: Vec<bool> = by.iter().map(|(_, reversed)| *reversed).collect();
    let options = SortMultipleOptions::default()
        .with_order_descending_multi(reversed)
        .with_nulls_last(true)
        .with_maintain_order(true);
    rows.sort(keys, options)
}

/// Why rows could not be handed over.
enum Failed {
    Frame(PolarsError),
    Take(Refusal),
}

impl Failed {
    fn refusal(self, path: &Path) -> Refusal {
        match self {
            Failed::Frame(error) => damaged(path, &error),
            Failed::Take(refusal) => refusal,
        }
    }
}

impl From<PolarsError> for Failed {
    fn from(error: PolarsError) -> Failed {
        Failed::Frame(error)
    }
}

fn hand_over(
    frame: &DataFrame,
    from: u64,
    to: u64,
    columns: &[&Column],
    take: &mut Take,
) -> std::result::Result<(), Failed> {
    let mut cells = vec![Cell::Nothing; columns.len()];
    let values: Vec<Getter> = (0..columns.len())
        .zip(columns)
        .map(|(index, column)| getter(frame, index, column.kind))
        .collect::<PolarsResult<_>>()?;
    for row in from..to {
        for (cell, get) in cells.iter_mut().zip(&values) {
            *cell = get(row as usize);
        }
        take(&cells).map_err(Failed::Take)?;
    }
    Ok(())
}

/// The values of a column by their row.
type Getter<'a> = Box<dyn Fn(usize) -> Cell<'a> + 'a>;

fn getter(frame: &DataFrame, index: usize, kind: Kind) -> PolarsResult<Getter<'_>> {
    let column = frame.column(&value(index))?;
    Ok(match kind {
        Kind::Number => {
            let numbers = column.u64()?;
            Box::new(|row| numbers.get(row).map_or(Cell::Nothing, Cell::Number))
        }
        Kind::Text | Kind::Words => {
            let texts = column.str()?;
            Box::new(|row| texts.get(row).map_or(Cell::Nothing, Cell::Text))
        }
    })
}

/// Adds what was counted in one row group; words are counted one by one.
fn add(
    counted: &DataFrame,
    by: &[&Column],
    counts: &mut BTreeMap<Vec<Option<String>>, u64>,
) -> PolarsResult<()> {
    let of_key = counted.column(&key(0))?;
    let values: Vec<Getter> = (0..by.len())
        .map(|index| getter(counted, index, by[index].kind))
        .collect::<PolarsResult<_>>()?;
    for row in 0..counted.height() {
        let count = number(of_key.get(row)?).unwrap_or(0);
        let mut keys: Vec<Vec<Option<String>>> = vec![Vec::new()];
        for (get, column) in values.iter().zip(by) {
            let words: Vec<Option<String>> = match get(row) {
                Cell::Nothing => vec![None],
                Cell::Number(number) => vec![Some(number.to_string())],
                Cell::Text("") => vec![None],
                Cell::Text(text) if column.kind == Kind::Words => {
                    let words: BTreeSet<&str> = text.split(',').collect();
                    words
                        .into_iter()
                        .map(|word| Some(word.to_string()))
                        .collect()
                }
                Cell::Text(text) => vec![Some(text.to_string())],
            };
            keys = keys
                .iter()
                .flat_map(|key| {
                    words
                        .iter()
                        .map(|word| [&key[..], std::slice::from_ref(word)].concat())
                })
                .collect();
        }
        for key in keys {
            *counts.entry(key).or_default() += count;
        }
    }
    Ok(())
}

fn number(value: AnyValue) -> Option<u64> {
    value.extract()
}

fn neither(path: &Path) -> Refusal {
    let what = format!("`{}` is neither a ledger nor a plan", path.display());
    Refusal::new(Code::UsageInvalid, what).help(
        "name a run, its folder, its `ledger.parquet`, or a plan that `muster check --plan` wrote",
    )
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(
        Code::FileUnreadable,
        format!("`{}` can't be read: {error}", path.display()),
    )
}

fn damaged(path: &Path, error: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(
        Code::FileDamaged,
        format!("`{}` is damaged: {error}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::ledger::{Entries, Ledger};

    const ROWS: u64 = 1_000_000;

    /// A ledger of a million rows: every tenth was rejected for its address, every twentieth of all for its
    /// name, too.
    fn large_ledger(path: &Path) {
        let mut ledger = Ledger::begin(File::create(path).unwrap(), path).unwrap();
        for first in (0..ROWS).step_by(50_000) {
            let mut entries = Entries::default();
            for row in first..first + 50_000 {
                let is_rejected = row % 10 == 0;
                entries.row.push(row + 1);
                entries.file.push("people.csv");
                entries.line.push(row + 2);
                entries.byte.push(Some(row * 80));
                entries
                    .outcome
                    .push(if is_rejected { "rejected" } else { "created" });
                entries
                    .account
                    .push((!is_rejected).then(|| format!("account {row}")));
                entries.duplicate_of.push(None);
                entries.cleaned.push(Cow::Borrowed(""));
                entries.issues.push(Cow::Borrowed(match row % 20 {
                    0 => "email.syntax,first_name.missing",
                    10 => "email.syntax",
                    _ => "",
                }));
            }
            ledger.write(entries, path).unwrap();
        }
        ledger.finish(path).unwrap();
    }

    #[test]
    fn a_million_rows_are_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.parquet");
        large_ledger(&path);
        let rows = Rows::open(&path).unwrap();
        assert_eq!((rows.total, rows.is_plan), (ROWS, false));
        let ask = |filter: &str, sort: &[(&str, bool)], offset, limit| {
            let filter = rows.filter(filter).unwrap();
            let named = |name: &str| rows.columns().find(name).unwrap();
            let query = Query {
                filter: Some(&filter),
                columns: vec![named("line"), named("account")],
                sort: sort
                    .iter()
                    .map(|(name, reversed)| (named(name), *reversed))
                    .collect(),
                offset,
                limit,
            };
            let mut shown = Vec::new();
            let found = rows.each(&query, &mut |cells| {
                let Cell::Number(line) = cells[0] else {
                    panic!("{cells:?}")
                };
                shown.push((line, cells[1] != Cell::Nothing));
                Ok(())
            });
            (found.unwrap(), shown)
        };
        let (found, shown) = ask(
            "outcome = 'rejected' and code = 'email.syntax'",
            &[],
            2,
            Some(2),
        );
        assert_eq!((found, shown), (100_000, vec![(22, false), (32, false)]));
        let (found, shown) = ask("code = 'first_name.missing'", &[("line", true)], 1, Some(2));
        assert_eq!(
            (found, shown),
            (50_000, vec![(999_962, false), (999_942, false)])
        );
        let sort = [("outcome", true), ("row", true)];
        let (found, shown) = ask("line <= 12 and account != 'account 3'", &sort, 0, None);
        let lines: Vec<u64> = shown.iter().map(|(line, _)| *line).collect();
        assert_eq!((found, lines), (10, vec![12, 2, 11, 10, 9, 8, 7, 6, 4, 3]));
        assert_eq!(
            ask("line in (2, 3) and account is not null", &[], 0, None).0,
            1
        );
        assert_eq!(
            ask("not (outcome = 'created' or line > 20)", &[], 0, None).0,
            2
        );
        assert_eq!(
            ask("file = 'other.csv'", &[("line", false)], 0, Some(5)),
            (0, vec![])
        );
        let by = ["outcome", "code"].map(|name| rows.columns().find(name).unwrap());
        let counts = rows.counts(None, &by).unwrap();
        let key = |outcome: &str, code: Option<&str>| {
            vec![Some(outcome.to_string()), code.map(String::from)]
        };
        let expected = [
            (key("created", None), 900_000),
            (key("rejected", Some("email.syntax")), 100_000),
            (key("rejected", Some("first_name.missing")), 50_000),
        ];
        assert_eq!(counts, expected);
    }

    #[test]
    fn a_file_that_is_neither_ledger_nor_plan_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        std::fs::write(&path, "email\na@example.org\n").unwrap();
        assert_eq!(Rows::open(&path).err().unwrap().code, Code::UsageInvalid);
        let missing = Rows::open(&folder.path().join("none")).err().unwrap();
        assert_eq!(missing.code, Code::FileNotFound);
    }
}
