//! `muster people export`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::choice::ChoiceArgs;
use crate::cli::listing::{Output, open_to_read, printed};
use crate::cli::template::refuse_to_overwrite;
use crate::cli::terminal::{shell_word, warn};
use crate::cli::{DatabaseArgs, PipelineArgs};
use crate::file::Pending;
use crate::issue::Code;
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::report::csv::Csv;
use crate::report::human::plural;
use crate::report::people::{BYTE_ORDER_MARK, Column, ExportBook, LeftEmpty, Rows, columns, csv};

#[derive(Args)]
pub(in crate::cli) struct ExportArgs {
    /// The file to write, .csv or .xlsx [default: CSV on stdout]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    choice: ChoiceArgs,
    #[command(flatten)]
    pipeline: PipelineArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// `muster people export`.
pub(in crate::cli) fn export(args: &ExportArgs) -> Result<Exit> {
    let is_workbook = args.output.as_deref().map(is_workbook).transpose()?;
    if let Some(path) = &args.output {
        refuse_to_overwrite(path)?;
    }
    let definition = crate::pipelines::open(args.pipeline.name.as_deref())?.definition;
    let store = open_to_read(&args.database, &definition)?;
    let choice = args.choice.choice(&store, &definition)?;
    let attributes = store.attribute_names()?;
    let (columns, left_out) = columns(&definition, &attributes, &|field| store.has_values(field))?;
    for name in left_out {
        warn(&format!(
            "left out the column `{name}`: an import with this pipeline would take it for something else"
        ));
    }
    let mut count = 0;
    let mut rows = Rows::new(columns, &definition);
    let mut write = |sink: &mut Sink| {
        sink.begin(&rows.columns)?;
        store.each_person(&choice, &[], None, &mut |account| {
            count += 1;
            sink.add(&rows.cells(&account))
        })
    };
    let exit = match (&args.output, is_workbook) {
        (None, _) => printed(|out| write(&mut Sink::Stdout(csv(), out)))?,
        (Some(path), Some(true)) => {
            let mut sink = Sink::Book(Box::new(ExportBook::create(path)?));
            write(&mut sink)?;
            sink.finish()?
        }
        (Some(path), _) => {
            let mut sink = Sink::File(csv(), Pending::create(path)?);
            write(&mut sink)?;
            sink.finish()?
        }
    };
    report(args, count, rows.left_empty);
    Ok(exit)
}

/// Where the rows go.
enum Sink<'a> {
    Stdout(Csv, &'a mut Output),
    File(Csv, Pending),
    Book(Box<ExportBook>),
}

impl Sink<'_> {
    fn begin(&mut self, columns: &[Column]) -> Result<()> {
        let names = columns.iter().map(|column| column.header.as_str());
        match self {
            Sink::Stdout(csv, out) => out.write_bytes(csv.names(names)),
            Sink::File(csv, file) => {
                file.write(BYTE_ORDER_MARK.as_bytes())?;
                file.write(csv.names(names))
            }
            Sink::Book(book) => book.head(columns),
        }
    }

    fn add(&mut self, cells: &[String]) -> Result<()> {
        let texts = cells.iter().map(String::as_str);
        match self {
            Sink::Stdout(csv, out) => out.write_bytes(csv.line(texts)),
            Sink::File(csv, file) => file.write(csv.line(texts)),
            Sink::Book(book) => book.add(cells),
        }
    }

    fn finish(self) -> Result<Exit> {
        match self {
            Sink::Stdout(..) => {}
            Sink::File(_, file) => file.commit_new()?,
            Sink::Book(book) => book.finish()?,
        }
        Ok(Exit::Done)
    }
}

/// Says on stderr what was written, and what could not be.
fn report(args: &ExportArgs, count: u64, left_empty: LeftEmpty) {
    let LeftEmpty { values, groups } = left_empty;
    if values > 0 {
        let cells = plural(values, "cell is empty", "cells are empty");
        warn(&format!(
            "{cells}: attributes that aren't text, or the pipeline's word for clearing a value"
        ));
    }
    if groups > 0 {
        let lists = plural(
            groups,
            "list of groups is empty",
            "lists of groups are empty",
        );
        warn(&format!(
            "{lists}: too long, or with names that `[groups]` can't write"
        ));
    }
    let people = plural(count, "person", "people");
    let Some(path) = &args.output else {
        return;
    };
    let file = shell_word(&path.display().to_string());
    let with = match &args.pipeline.name {
        Some(name) => format!(" -p {}", shell_word(name)),
        None => String::new(),
    };
    warn(&format!("exported {people} to {file}"));
    warn("see what an import of it would do, once you have changed it:");
    warn(&format!("  muster check {file}{with}"));
}

/// Whether the file is to be a workbook.
fn is_workbook(path: &Path) -> Result<bool> {
    let ending = path.extension().and_then(|ending| ending.to_str());
    match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("xlsx") => Ok(true),
        Some("csv") => Ok(false),
        _ => {
            let what = format!("`{}` is neither .csv nor .xlsx", path.display());
            Err(Refusal::new(Code::UsageInvalid, what).help("name the file `….csv` or `….xlsx`"))
        }
    }
}
