//! `muster rows`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::DatabaseArgs;
use super::listing::{Format, Listing, ListingArgs, Output, Shown, names, printed, shown, table};
use super::runs::find_run;
use crate::issue::mask;
use crate::ledger::{Cell, Column, Counts, Filter, Kind, Query, Rows};
use crate::outcome::Exit;
use crate::refusal::Result;
use crate::report::csv::{Csv, Style};
use crate::report::human::{grouped, safe};
use crate::runs;

#[derive(Args)]
pub(super) struct RowsArgs {
    /// A run's id, the beginning of one, `last`, its folder, or a plan file
    #[arg(value_name = "RUN|PLAN")]
    of: String,
    /// Only rows for which this is true: outcome = 'rejected' and line < 100
    #[arg(short = 'w', long = "where", value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Count rows by the values of these columns instead of listing them
    #[arg(long, value_name = "NAMES", conflicts_with_all = ["columns", "sort"])]
    count_by: Option<String>,
    #[command(flatten)]
    listing: ListingArgs,
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
    printed(|out| match &args.count_by {
        Some(names) => {
            let by = columns("--count-by", names, &rows)?;
            let counts = rows.counts(filter.as_ref(), &by)?;
            print_counts(args, &by, counts, out)
        }
        None => print_rows(args, &rows, filter.as_ref(), out),
    })
}

/// The file with the rows: a plan or a ledger by its path, or the ledger of a run.
fn file_of(of: &str, database: &DatabaseArgs) -> Result<PathBuf> {
    let path = Path::new(of);
    if path.is_file() {
        return Ok(path.to_path_buf());
    }
    runs::ledger(&match runs::in_folder(path) {
        Some(run) => run,
        None => find_run(of, database)?,
    })
}

/// The columns that are named, by comma.
fn columns<'a>(option: &str, names: &str, rows: &'a Rows) -> Result<Vec<&'a Column>> {
    let named = keys(option, names, rows)?;
    Ok(named.into_iter().map(|(column, _)| column).collect())
}

/// The same, each with whether a `-` comes before it.
fn keys<'a>(option: &str, text: &str, rows: &'a Rows) -> Result<Vec<(&'a Column, bool)>> {
    names(option, text, |name| rows.columns().find(name))
}

fn print_rows(
    args: &RowsArgs,
    rows: &Rows,
    filter: Option<&Filter>,
    out: &mut Output,
) -> Result<()> {
    let is_table = args.listing.format() == Format::Table;
    let columns = match args.listing.columns.as_deref() {
        Some("all") => rows.columns().of_file().collect(),
        Some(names) => columns("--columns", names, rows)?,
        None if !is_table => rows.columns().of_file().collect(),
        None if rows.is_plan => columns("--columns", "file,line,action,email,rule,issues", rows)?,
        None => columns("--columns", "file,line,outcome,issues,account", rows)?,
    };
    let is_number = |column: &&Column| (column.name.clone(), column.kind == Kind::Number);
    let heads = columns.iter().map(is_number).collect();
    let query = Query {
        filter,
        columns,
        sort: match args.listing.sort.as_deref() {
            Some(names) => keys("--sort", names, rows)?,
            None => Vec::new(),
        },
        offset: 0,
        limit: args.listing.limit(),
    };
    let mut listing = Listing::begin(args.listing.format(), heads, ["row", "rows"], out)?;
    let found = rows.each(&query, &mut |cells| {
        let cells = cells.iter().zip(&query.columns);
        let values = cells.map(|(cell, column)| value(*cell, column, args.unmasked));
        listing.add(values.collect())
    })?;
    listing.end(found, rows.total, filter.is_some())
}

fn print_counts(
    args: &RowsArgs,
    by: &[&Column],
    mut counts: Counts,
    out: &mut Output,
) -> Result<()> {
    let all = counts.len();
    counts.truncate(
        args.listing
            .limit()
            .map_or(all, |limit| usize::try_from(limit).unwrap_or(all)),
    );
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
    if args.listing.format() == Format::Csv {
        let mut csv = Csv::guarded(Style::default());
        out.write_bytes(csv.names(names.iter().map(String::as_str)))?;
        for line in lines {
            let cells: Vec<String> = line
                .iter()
                .map(|value| Shown::plain(value.as_ref()))
                .collect();
            out.write_bytes(csv.line(cells.iter().map(String::as_str)))?;
        }
        return Ok(());
    }
    if args.listing.format() == Format::Json {
        let lines = lines.map(|line| {
            let values = line.iter().map(|value| Shown::json(value.as_ref()));
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
        let mut cells: Vec<String> = cells
            .map(|value| safe(&Shown::plain(value.as_ref())))
            .collect();
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

fn value(cell: Cell, column: &Column, unmasked: bool) -> Option<Shown> {
    match cell {
        Cell::Nothing => None,
        Cell::Number(number) => Some(Shown::Number(number)),
        Cell::Text(text) if column.is_personal && !unmasked => Some(Shown::Text(mask(text))),
        Cell::Text(text) if column.kind == Kind::Words => {
            let words = text.split(',').filter(|word| !word.is_empty());
            Some(Shown::Words(words.map(String::from).collect(), ","))
        }
        Cell::Text(text) => Some(Shown::Text(text.to_string())),
    }
}
