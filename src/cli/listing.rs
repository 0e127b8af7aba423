//! What the commands that list have in common: their options, and their output as a table, CSV or JSON.

use std::io::{ErrorKind, IsTerminal, Stdout, Write};

use clap::Args;
use serde_json::{Map, Value};

use super::DatabaseArgs;
use super::terminal::width;
use crate::definition::Definition;
use crate::issue::Code;
use crate::ledger::Mistake;
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::report::csv::{Csv, Style};
use crate::report::human::{self, grouped, plural, safe};
use crate::store::Store;
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;

/// How many lines a table has where no limit is given.
const LIMIT: u64 = 50;
/// No column of a table is cut to less.
const WIDTH_MIN: usize = 8;

/// The options of a command that lists.
#[derive(Args, Clone, Default)]
pub(super) struct ListingArgs {
    /// Columns to show, separated by commas; `all` for all of them
    #[arg(short, long, value_name = "NAMES")]
    pub(super) columns: Option<String>,
    /// Columns to sort by; `-NAME` sorts by that one in reverse
    #[arg(short, long, value_name = "NAMES", allow_hyphen_values = true)]
    pub(super) sort: Option<String>,
    /// The number of lines; 0 for all [default: 50; all for CSV and JSON]
    #[arg(short = 'n', long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a list is printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Table,
    Csv,
    Json,
}

impl ListingArgs {
    pub(super) fn format(&self) -> Format {
        match (self.csv, self.json) {
            (true, _) => Format::Csv,
            (_, true) => Format::Json,
            _ => Format::Table,
        }
    }

    /// The most lines; none for all.
    pub(super) fn limit(&self) -> Option<u64> {
        match (self.limit, self.format()) {
            (Some(0), _) | (None, Format::Csv | Format::Json) => None,
            (limit, _) => Some(limit.unwrap_or(LIMIT)),
        }
    }
}

/// What `find` makes of each of the names, which are separated by commas; with whether a `-` comes
/// before it.
pub(super) fn names<T>(
    option: &str,
    text: &str,
    find: impl Fn(&str) -> std::result::Result<T, Mistake>,
) -> Result<Vec<(T, bool)>> {
    let mut at = 0;
    let mut found = Vec::new();
    for part in text.split(',') {
        let trimmed = part.trim();
        let name = trimmed.strip_prefix('-').unwrap_or(trimmed);
        let column = find(name).map_err(|mut mistake| {
            mistake.at = at + part.find(name).unwrap_or_default();
            shown(&mistake, option, text)
        })?;
        found.push((column, name.len() < trimmed.len()));
        at += part.len() + 1;
    }
    Ok(found)
}

/// A mistake in the value of an option, with its place.
pub(super) fn shown(mistake: &Mistake, option: &str, text: &str) -> Refusal {
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

/// The database of accounts that is only read, with the accounts where the definition has them.
pub(super) fn open_to_read(database: &DatabaseArgs, definition: &Definition) -> Result<Store> {
    let target = Target::find(database.database.as_deref(), &home_from_environment()?)?;
    let opened = match definition.target {
        // What is there of an older version is brought up to date first.
        None if target.is_there() => {
            let mut store = Store::open(target)?;
            store.use_target(definition)?;
            Some(store)
        }
        _ => Store::open_to_look(target, definition)?,
    };
    opened.ok_or_else(|| Refusal::new(Code::RunUnknown, "nothing has been imported there yet"))
}

/// Standard output.
pub(super) struct Output {
    stdout: std::io::BufWriter<Stdout>,
    /// Whether its reader has gone away.
    is_gone: bool,
}

/// Lets `print` write to standard output. A reader that has seen enough is not an error.
pub(super) fn printed(print: impl FnOnce(&mut Output) -> Result<()>) -> Result<Exit> {
    let mut out = Output {
        stdout: std::io::BufWriter::with_capacity(64 << 10, std::io::stdout()),
        is_gone: false,
    };
    match print(&mut out).and_then(|()| out.flush()) {
        Err(_) if out.is_gone => Ok(Exit::Done),
        printed => printed.map(|()| Exit::Done),
    }
}

impl Output {
    pub(super) fn write(&mut self, text: &str) -> Result<()> {
        self.write_bytes(text.as_bytes())
    }

    pub(super) fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
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

/// A value as it is shown.
pub(super) enum Shown {
    Number(u64),
    Text(String),
    Truth(bool),
    /// Several words, and what is between them outside of JSON.
    Words(Vec<String>, &'static str),
}

impl Shown {
    /// A value as text; empty where there is none.
    pub(super) fn plain(value: Option<&Shown>) -> String {
        match value {
            None => String::new(),
            Some(Shown::Number(number)) => number.to_string(),
            Some(Shown::Text(text)) => text.clone(),
            Some(Shown::Truth(truth)) => if *truth { "yes" } else { "no" }.to_string(),
            Some(Shown::Words(words, between)) => words.join(between),
        }
    }

    pub(super) fn json(value: Option<&Shown>) -> Value {
        match value {
            None => Value::Null,
            Some(Shown::Number(number)) => (*number).into(),
            Some(Shown::Text(text)) => text.as_str().into(),
            Some(Shown::Truth(truth)) => (*truth).into(),
            Some(Shown::Words(words, _)) => words.as_slice().into(),
        }
    }
}

/// A list that is being printed.
pub(super) struct Listing<'a> {
    format: Format,
    /// By column: its name, and whether it has numbers.
    heads: Vec<(String, bool)>,
    /// One, and several, of what is listed.
    nouns: [&'static str; 2],
    csv: Csv,
    lines: Vec<Vec<String>>,
    listed: u64,
    out: &'a mut Output,
}

impl<'a> Listing<'a> {
    pub(super) fn begin(
        format: Format,
        heads: Vec<(String, bool)>,
        nouns: [&'static str; 2],
        out: &'a mut Output,
    ) -> Result<Listing<'a>> {
        let mut csv = Csv::guarded(Style::default());
        match format {
            Format::Csv => {
                out.write_bytes(csv.names(heads.iter().map(|(name, _)| name.as_str())))?;
            }
            Format::Json => out.write(&format!("{{\n  \"{}\": [", nouns[1]))?,
            Format::Table => {}
        }
        Ok(Listing {
            format,
            heads,
            nouns,
            csv,
            lines: Vec::new(),
            listed: 0,
            out,
        })
    }

    /// Adds a line.
    pub(super) fn add(&mut self, values: Vec<Option<Shown>>) -> Result<()> {
        self.listed += 1;
        if self.format == Format::Json {
            let names = self.heads.iter().map(|(name, _)| name.clone());
            let object: Map<String, Value> = names
                .zip(values.iter().map(|value| Shown::json(value.as_ref())))
                .collect();
            let comma = if self.listed == 1 { "" } else { "," };
            return self
                .out
                .write(&format!("{comma}\n    {}", Value::Object(object)));
        }
        let cells: Vec<String> = values
            .iter()
            .map(|value| Shown::plain(value.as_ref()))
            .collect();
        if self.format == Format::Csv {
            let line = self.csv.line(cells.iter().map(String::as_str));
            return self.out.write_bytes(line);
        }
        self.lines
            .push(cells.iter().map(|cell| safe(cell)).collect());
        Ok(())
    }

    /// Ends the list, of which `found` of `total` fit what was asked for.
    pub(super) fn end(self, found: u64, total: u64, is_filtered: bool) -> Result<()> {
        let omitted = found.saturating_sub(self.listed);
        match self.format {
            Format::Csv => Ok(()),
            Format::Json => {
                let end = if self.listed == 0 { "]" } else { "\n  ]" };
                self.out.write(&format!(
                    "{end},\n  \"found\": {found},\n  \"total\": {total},\n  \"omitted\": {omitted}\n}}\n"
                ))
            }
            Format::Table => {
                let heads = self.heads.iter().enumerate();
                let numbers = heads.filter(|(_, (_, is_number))| *is_number);
                let numbers: Vec<usize> = numbers.map(|(index, _)| index).collect();
                let names = self.heads.into_iter().map(|(name, _)| name).collect();
                self.out.write(&table(names, self.lines, &numbers))?;
                let of = match is_filtered {
                    true => format!(" of {}", grouped(total)),
                    false => String::new(),
                };
                let more = match omitted {
                    0 => String::new(),
                    omitted => format!("; {} more with `--limit 0`", grouped(omitted)),
                };
                let [one, many] = self.nouns;
                self.out
                    .write(&format!("{}{of}{more}\n", plural(found, one, many)))
            }
        }
    }
}

/// The lines under their heads; on a terminal, the widest columns are cut so that lines fit.
pub(super) fn table(names: Vec<String>, mut lines: Vec<Vec<String>>, numbers: &[usize]) -> String {
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
