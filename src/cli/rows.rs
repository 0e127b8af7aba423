//! `muster rows`.

use std::io::{ErrorKind, IsTerminal, Stdout, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};

use super::DatabaseArgs;
use super::runs::{find_run, run_in};
use super::terminal::width;
use crate::issue::{Code, mask};
use crate::ledger::{Cell, Column, Counts, Filter, Kind, Mistake, Query, Rows};
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::report::csv::{Csv, Style};
use crate::report::human::{self, grouped, plural, safe};

/// How many lines a table has where no limit is given.
const LIMIT: u64 = 50;
/// No column of a table is cut to less.
const WIDTH_MIN: usize = 8;

#[derive(Args)]
pub(super) struct RowsArgs {
    /// A run's id, the beginning of one, `last`, its folder, or a plan file
    #[arg(value_name = "RUN|PLAN")]
    of: String,
    /// Only rows for which this is true: outcome = 'rejected' and line < 100
    #[arg(short = 'w', long = "where", value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Columns to show, separated by commas; `all` for all of them
    #[arg(short, long, value_name = "NAMES", conflicts_with = "count_by")]
    columns: Option<String>,
    /// Columns to sort by; `-line` sorts the highest line first
    #[arg(
        short,
        long,
        value_name = "NAMES",
        allow_hyphen_values = true,
        conflicts_with = "count_by"
    )]
    sort: Option<String>,
    /// Count rows by the values of these columns instead of listing them
    #[arg(long, value_name = "NAMES")]
    count_by: Option<String>,
    /// The number of lines; 0 for all [default: 50; all for CSV and JSON]
    #[arg(short = 'n', long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Show values in full, including personal ones
    #[arg(long)]
    unmasked: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// `muster rows`.
pub(super) fn rows(args: &RowsArgs) -> Result<Exit> {
    let rows = Rows::open(&file_of(&args.of, &args.database)?)?;
    let filter = args.filter.as_deref().map(|text| {
        let filter = rows.filter(text);
        filter.map_err(|mistake| shown(&mistake, "--where", text))
    });
    let filter = filter.transpose()?;
    let limit = match (args.limit, args.csv || args.json) {
        (Some(0), _) | (None, true) => None,
        (limit, _) => Some(limit.unwrap_or(LIMIT)),
    };
    let mut out = Output {
        stdout: std::io::BufWriter::with_capacity(64 << 10, std::io::stdout()),
        is_gone: false,
    };
    let printed = match &args.count_by {
        Some(names) => {
            let by = columns("--count-by", names, &rows)?;
            let counts = rows.counts(filter.as_ref(), &by)?;
            print_counts(args, &by, counts, limit, &mut out)
        }
        None => print_rows(args, &rows, filter.as_ref(), limit, &mut out),
    };
    match printed.and_then(|()| out.flush()) {
        // A reader that has seen enough is not an error.
        Err(_) if out.is_gone => Ok(Exit::Done),
        printed => printed.map(|()| Exit::Done),
    }
}

/// The file with the rows: a plan or a ledger by its path, or the ledger of a run.
fn file_of(of: &str, database: &DatabaseArgs) -> Result<PathBuf> {
    let path = Path::new(of);
    if path.is_file() {
        return Ok(path.to_path_buf());
    }
    let run = match run_in(path) {
        Some(run) => run,
        None => find_run(of, database)?,
    };
    let ledger = run
        .folder
        .map(|folder| Path::new(&folder).join("ledger.parquet"));
    ledger.filter(|ledger| ledger.exists()).ok_or_else(|| {
        let what = match run.kind.as_str() {
            "undo" => format!("run {} is an undo, which has no rows", run.id),
            _ => format!("the ledger of run {} is gone", run.id),
        };
        Refusal::new(Code::RunUnknown, what)
            .help("name the folder of the run's files, or another run")
    })
}

/// A mistake in the value of an option, with its place.
fn shown(mistake: &Mistake, option: &str, text: &str) -> Refusal {
    let before = text.get(..mistake.at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    let excerpt = text[line_start..].lines().next().unwrap_or_default();
    let indent = before[line_start..].chars().count();
    let column = indent + 1;
    let margin = " ".repeat(line.to_string().len());
    let caret = " ".repeat(indent);
    let what = format!(
        "{option}:{line}:{column}: {}\n{margin} |\n{line} | {excerpt}\n{margin} | {caret}^",
        mistake.what
    );
    Refusal::new(Code::UsageInvalid, what).help(mistake.help.clone())
}

/// The columns that are named, by comma.
fn columns<'a>(option: &str, names: &str, rows: &'a Rows) -> Result<Vec<&'a Column>> {
    let named = keys(option, names, rows)?;
    Ok(named.into_iter().map(|(column, _)| column).collect())
}

/// The same, each with whether a `-` comes before it.
fn keys<'a>(option: &str, names: &str, rows: &'a Rows) -> Result<Vec<(&'a Column, bool)>> {
    let mut at = 0;
    let mut found = Vec::new();
    for part in names.split(',') {
        let trimmed = part.trim();
        let name = trimmed.strip_prefix('-').unwrap_or(trimmed);
        let column = rows.columns().find(name).map_err(|mut mistake| {
            mistake.at = at + part.find(name).unwrap_or_default();
            shown(&mistake, option, names)
        })?;
        found.push((column, name.len() < trimmed.len()));
        at += part.len() + 1;
    }
    Ok(found)
}

// --- output --------------------------------------------------------------------------------------

/// Standard output.
struct Output {
    stdout: std::io::BufWriter<Stdout>,
    /// Whether its reader has gone away.
    is_gone: bool,
}

impl Output {
    fn write(&mut self, text: &str) -> Result<()> {
        self.write_bytes(text.as_bytes())
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.stdout.write_all(bytes);
        self.checked(written)
    }

    fn flush(&mut self) -> Result<()> {
        let flushed = self.stdout.flush();
        self.checked(flushed)
    }

    fn checked(&mut self, done: std::io::Result<()>) -> Result<()> {
        done.map_err(|error| {
            self.is_gone = error.kind() == ErrorKind::BrokenPipe;
            let what = format!("standard output can't be written: {error}");
            Refusal::new(Code::OutputUnwritable, what).help("write to a disk with free space")
        })
    }
}

fn print_rows(
    args: &RowsArgs,
    rows: &Rows,
    filter: Option<&Filter>,
    limit: Option<u64>,
    out: &mut Output,
) -> Result<()> {
    let is_table = !args.csv && !args.json;
    let columns = match args.columns.as_deref() {
        Some("all") => rows.columns().of_file().collect(),
        Some(names) => columns("--columns", names, rows)?,
        None if !is_table => rows.columns().of_file().collect(),
        None if rows.is_plan => columns("--columns", "file,line,action,email,rule,issues", rows)?,
        None => columns("--columns", "file,line,outcome,issues,account", rows)?,
    };
    let query = Query {
        filter,
        columns,
        sort: match args.sort.as_deref() {
            Some(names) => keys("--sort", names, rows)?,
            None => Vec::new(),
        },
        offset: 0,
        limit,
    };
    let listing = Listing {
        rows,
        query,
        unmasked: args.unmasked,
    };
    if args.csv {
        listing.csv(out)
    } else if args.json {
        listing.json(out)
    } else {
        listing.table(out)
    }
}

/// Rows to print.
struct Listing<'a> {
    rows: &'a Rows,
    query: Query<'a>,
    unmasked: bool,
}

impl Listing<'_> {
    fn names(&self) -> Vec<String> {
        let columns = self.query.columns.iter();
        columns.map(|column| column.name.clone()).collect()
    }

    fn values(&self, cells: &[Cell]) -> impl Iterator<Item = Option<Shown>> {
        let cells = cells.iter().zip(&self.query.columns);
        cells.map(|(cell, column)| value(*cell, column, self.unmasked))
    }

    fn csv(&self, out: &mut Output) -> Result<()> {
        let mut csv = Csv::guarded(Style::default());
        out.write_bytes(csv.names(self.names().iter().map(String::as_str)))?;
        self.rows.each(&self.query, &mut |cells| {
            let cells: Vec<String> = self.values(cells).map(plain).collect();
            out.write_bytes(csv.line(cells.iter().map(String::as_str)))
        })?;
        Ok(())
    }

    fn json(&self, out: &mut Output) -> Result<()> {
        out.write("{\n  \"rows\": [")?;
        let mut listed = 0;
        let found = self.rows.each(&self.query, &mut |cells| {
            let values = self.values(cells).zip(&self.query.columns);
            let values =
                values.map(|(value, column)| (column.name.clone(), json_cell(value, column)));
            let object: Map<String, Value> = values.collect();
            let comma = if listed == 0 { "" } else { "," };
            listed += 1;
            out.write(&format!("{comma}\n    {}", Value::Object(object)))
        })?;
        let end = if listed == 0 { "]" } else { "\n  ]" };
        let total = self.rows.total;
        let omitted = found - listed;
        out.write(&format!(
            "{end},\n  \"found\": {found},\n  \"total\": {total},\n  \"omitted\": {omitted}\n}}\n"
        ))
    }

    fn table(&self, out: &mut Output) -> Result<()> {
        let mut lines: Vec<Vec<String>> = Vec::new();
        let found = self.rows.each(&self.query, &mut |cells| {
            lines.push(
                self.values(cells)
                    .map(|value| safe(&plain(value)))
                    .collect(),
            );
            Ok(())
        })?;
        let columns = self.query.columns.iter().enumerate();
        let numbers = columns.filter(|(_, column)| column.kind == Kind::Number);
        let numbers: Vec<usize> = numbers.map(|(index, _)| index).collect();
        let omitted = found - lines.len() as u64;
        out.write(&table(self.names(), lines, &numbers))?;
        let of = match self.query.filter {
            Some(_) => format!(" of {}", grouped(self.rows.total)),
            None => String::new(),
        };
        let more = match omitted {
            0 => String::new(),
            omitted => format!("; {} more with `--limit 0`", grouped(omitted)),
        };
        out.write(&format!("{}{of}{more}\n", plural(found, "row", "rows")))
    }
}

fn print_counts(
    args: &RowsArgs,
    by: &[&Column],
    mut counts: Counts,
    limit: Option<u64>,
    out: &mut Output,
) -> Result<()> {
    let all = counts.len();
    counts.truncate(limit.map_or(all, |limit| usize::try_from(limit).unwrap_or(all)));
    let omitted = all - counts.len();
    let mut names: Vec<String> = by.iter().map(|column| column.name.clone()).collect();
    names.push("rows".to_string());
    let lines = counts.iter().map(|(values, count)| {
        let cells = values.iter().zip(by).map(|(found, column)| {
            let cell = found
                .as_deref()
                .map_or(Cell::Nothing, |found| match column.kind {
                    Kind::Number => found.parse().map_or(Cell::Text(found), Cell::Number),
                    Kind::Text | Kind::Words => Cell::Text(found),
                });
            value(cell, column, args.unmasked)
        });
        let mut line: Vec<Option<Shown>> = cells.collect();
        line.push(Some(Shown::Number(*count)));
        line
    });
    if args.csv {
        let mut csv = Csv::guarded(Style::default());
        out.write_bytes(csv.names(names.iter().map(String::as_str)))?;
        for line in lines {
            let cells: Vec<String> = line.into_iter().map(plain).collect();
            out.write_bytes(csv.line(cells.iter().map(String::as_str)))?;
        }
        return Ok(());
    }
    if args.json {
        let lines = lines.map(|line| {
            let values = line.into_iter().map(json_value);
            names.iter().cloned().zip(values).collect()
        });
        let counts: Vec<Value> = lines.map(Value::Object).collect();
        return out.write(&format!(
            "{:#}\n",
            json!({ "counts": counts, "omitted": omitted })
        ));
    }
    let lines = lines.zip(&counts).map(|(line, (_, count))| {
        let cells = line.into_iter().take(by.len());
        let mut cells: Vec<String> = cells.map(|value| safe(&plain(value))).collect();
        cells.push(grouped(*count));
        cells
    });
    let lines = lines.collect();
    out.write(&table(names, lines, &[by.len()]))?;
    if omitted > 0 {
        out.write(&format!(
            "{} more with `--limit 0`\n",
            grouped(omitted as u64)
        ))?;
    }
    Ok(())
}

/// A value as it is shown.
enum Shown {
    Number(u64),
    Text(String),
}

fn value(cell: Cell, column: &Column, unmasked: bool) -> Option<Shown> {
    match cell {
        Cell::Nothing => None,
        Cell::Number(number) => Some(Shown::Number(number)),
        Cell::Text(text) if column.is_personal && !unmasked => Some(Shown::Text(mask(text))),
        Cell::Text(text) => Some(Shown::Text(text.to_string())),
    }
}

/// A value as text; empty where there is none.
fn plain(value: Option<Shown>) -> String {
    match value {
        None => String::new(),
        Some(Shown::Number(number)) => number.to_string(),
        Some(Shown::Text(text)) => text,
    }
}

fn json_value(value: Option<Shown>) -> Value {
    match value {
        None => Value::Null,
        Some(Shown::Number(number)) => number.into(),
        Some(Shown::Text(text)) => text.into(),
    }
}

/// The same, with the words of a column of words as an array.
fn json_cell(value: Option<Shown>, column: &Column) -> Value {
    match value {
        Some(Shown::Text(text)) if column.kind == Kind::Words => {
            let words = text.split(',').filter(|word| !word.is_empty());
            words.collect::<Vec<_>>().into()
        }
        value => json_value(value),
    }
}

/// The lines under their heads; on a terminal, the widest columns are cut so that lines fit.
fn table(names: Vec<String>, mut lines: Vec<Vec<String>>, numbers: &[usize]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    lines.insert(0, names);
    if std::io::stdout().is_terminal() {
        fit(&mut lines, width());
    }
    human::table(&lines, numbers)
}

/// Cuts the widest columns until lines are at most `room` characters wide.
fn fit(lines: &mut [Vec<String>], room: usize) {
    let columns = lines.first().map_or(0, Vec::len);
    let length = |cell: &String| cell.chars().count();
    let mut widths: Vec<usize> = (0..columns)
        .map(|column| {
            lines
                .iter()
                .map(|line| length(&line[column]))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let gaps = columns.saturating_sub(1) * 2;
    while widths.iter().sum::<usize>() + gaps > room {
        match widths.iter_mut().max() {
            Some(widest) if *widest > WIDTH_MIN => *widest -= 1,
            _ => break,
        }
    }
    for line in lines {
        for (cell, width) in line.iter_mut().zip(&widths) {
            if length(cell) > *width {
                *cell = cell.chars().take(width - 1).chain(['…']).collect();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_columns_are_cut_until_lines_fit() {
        let cells = |cells: [&str; 3]| cells.map(String::from).to_vec();
        let long = "muster-runs/some/folder/people.csv";
        let mut lines = vec![
            cells(["line", "file", "outcome"]),
            cells(["12", long, "rejected"]),
        ];
        fit(&mut lines, 60);
        assert_eq!(lines[1][1], long, "it fits");
        fit(&mut lines, 30);
        assert_eq!(lines[1], cells(["12", "muster-runs/s…", "rejected"]));
        assert_eq!(
            human::table(&lines, &[])
                .lines()
                .map(|line| line.chars().count())
                .max(),
            Some(30)
        );
        fit(&mut lines, 10);
        assert_eq!(lines[1], cells(["12", "muster-…", "rejected"]));
    }

    #[test]
    fn a_mistake_is_shown_with_a_caret() {
        let mistake = Mistake {
            at: "file = 'ä'\nand ".len(),
            what: "unknown column `lin`".to_string(),
            help: "did you mean `line`?".to_string(),
        };
        let refusal = shown(&mistake, "--where", "file = 'ä'\nand lin = 3");
        assert_eq!(
            refusal.what,
            "--where:2:5: unknown column `lin`\n  |\n2 | and lin = 3\n  |     ^"
        );
        assert_eq!(
            (refusal.exit, refusal.help.as_str()),
            (Exit::Refused, "did you mean `line`?")
        );
    }
}
