//! `muster map`: what the columns of a file would become.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use super::workbook::Reading;
use crate::cli::terminal::{print, shell_word, width};
use crate::definition::{self, Definition, Pipeline};
use crate::file::atomically;
use crate::header::Vocabulary;
use crate::issue::{Code, mask};
use crate::outcome::Exit;
use crate::pipeline::columns::{is_people, samples};
use crate::pipeline::proposal::{Document, SHOWN_MAX};
use crate::pipeline::recognize::{Recognized, recognize};
use crate::refusal::{Refusal, Result};
use crate::report::human::{grouped, safe};
use crate::stages::map::targets;
use crate::stages::propose::{Becomes, Column, Proposal, propose};
use crate::stages::read::{Source, Wanted};

/// The most characters of a value that are shown.
const SHOWN_CHARS_MAX: usize = 40;

#[derive(Args)]
pub(super) struct MapArgs {
    /// CSV, a workbook, JSON or Parquet
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The pipeline to start from [default: the one recognized from the columns, or `users`]
    #[arg(short, long, value_name = "PIPELINE")]
    pipeline: Option<String>,
    /// Write the mapping as a pipeline file to edit
    #[arg(short, long, value_name = "FILE.toml")]
    out: Option<PathBuf>,
    /// Use every hint of names and values, as without a pipeline
    #[arg(long)]
    guess: bool,
    /// JSON with a word for each column instead of what is proposed: a field, `attribute` or
    /// `ignore`; - for stdin
    #[arg(long, value_name = "FILE", requires = "out")]
    answers: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Let --out replace an existing file
    #[arg(long, requires = "out")]
    force: bool,
    /// Show values in full, including personal ones
    #[arg(long)]
    unmasked: bool,
    /// Sheet of a workbook
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Delimiter of a text file, one character or `\t`
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<String>,
    /// Encoding of a text file, such as windows-1252
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    #[arg(skip)]
    reading: Reading,
}

/// `map`.
pub(super) fn map(args: &MapArgs) -> Result<Exit> {
    if let Some(out) = args.out.as_ref().filter(|out| out.exists() && !args.force) {
        let what = format!("`{}` already exists", out.display());
        return Err(Refusal::new(Code::OutputUnwritable, what)
            .help("name another file, or add `--force` to replace it"));
    }
    let (pipeline, recognized) = begin(args)?;
    let definition = &pipeline.definition;
    let vocabulary = &Vocabulary::new(definition);
    let wanted = Wanted {
        definition,
        vocabulary,
        reader: &args.reading.0,
    };
    let mut source = Source::open(&args.file, &wanted)?;
    refuse_people(&source)?;
    let (samples, rows) = samples(&mut source, vocabulary)?;
    let may_guess = args.guess || args.pipeline.is_none() && recognized.is_none();
    let mut proposal = propose(&source.header, &samples, definition, may_guess);
    if let Some(path) = &args.answers {
        answer(&mut proposal, path, definition)?;
    }
    let by = match (&args.pipeline, &recognized) {
        _ if args.guess => None,
        (Some(name), _) => Some(format!("as the pipeline `{name}` has it")),
        (None, Some(recognized)) => Some(recognized.reported(&args.file)),
        (None, None) => None,
    };
    if !args.json {
        let by = by.as_deref();
        print(&shown(args, &source, rows, by, &proposal, &samples));
    }
    if !may_guess {
        // What a run would refuse is refused in its words.
        targets(&source.head(), vocabulary, definition)?;
    }
    write(args, &pipeline, recognized.as_ref(), &proposal)?;
    if args.json {
        let columns = proposal.columns.iter().zip(&samples);
        let values = columns.map(|(column, values)| some_values(column, values, args.unmasked));
        let values: Vec<Vec<String>> = values.collect();
        let document = Document {
            pipeline: definition.name.clone(),
            recognized: recognized.as_ref().and(by),
            guessed: may_guess,
            ..Document::new(&source, rows, &proposal, &values)
        };
        let json = serde_json::to_string_pretty(&document).unwrap_or_default();
        print(&format!("{json}\n"));
    } else {
        print(&next(args, recognized.as_ref()));
    }
    if proposal.questions.is_empty() && proposal.missing.is_empty() {
        Ok(Exit::Done)
    } else {
        Ok(Exit::ToFix)
    }
}

/// The pipeline to begin with: the one that is named, the one that the file is recognized for, or
/// the default.
fn begin(args: &MapArgs) -> Result<(Pipeline, Option<Recognized>)> {
    let mut pipeline = overridden(args, crate::pipelines::open(args.pipeline.as_deref())?)?;
    if args.pipeline.is_some() || args.guess {
        return Ok((pipeline, None));
    }
    let recognized = recognize(
        std::slice::from_ref(&args.file),
        &pipeline.definition,
        &args.reading.0,
    )?;
    if let Some(recognized) = &recognized {
        pipeline = overridden(args, recognized.one.pipeline.clone())?;
    }
    Ok((pipeline, recognized))
}

/// Puts the answers in the file at `path` into a proposal; nothing may be open then.
fn answer(proposal: &mut Proposal, path: &Path, definition: &Definition) -> Result<()> {
    let shown = path.display();
    let wrong = |what: String| {
        Refusal::new(
            Code::UsageInvalid,
            format!("the answers in `{shown}`: {what}"),
        )
        .help("write a list of words, one for each column, such as [\"email\", \"ignore\"]")
    };
    let mut json = String::new();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().lock().read_to_string(&mut json),
        _ => std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut json)),
    };
    read.map_err(|error| wrong(error.to_string()))?;
    let words: Vec<String> =
        serde_json::from_str(&json).map_err(|error| wrong(error.to_string()))?;
    proposal.answer(&words, definition).map_err(wrong)?;
    match proposal.questions.first() {
        Some(question) => {
            Err(Refusal::new(Code::UsageInvalid, &question.what).help(&question.help))
        }
        None => Ok(()),
    }
}

fn overridden(args: &MapArgs, mut pipeline: Pipeline) -> Result<Pipeline> {
    pipeline.set_reading(
        args.sheet.as_deref(),
        args.delimiter.as_deref(),
        args.encoding.as_deref(),
    )?;
    Ok(pipeline)
}

/// A row of people must not be shown as a header, nor be written into a pipeline.
fn refuse_people(source: &Source) -> Result<()> {
    if is_people(source) {
        let what = format!(
            "line {} of `{}` is already a row of people, and there is no header above it",
            source.header_line,
            source.path.display()
        );
        return Err(Refusal::new(Code::FileNoHeader, what));
    }
    Ok(())
}

fn shown(
    args: &MapArgs,
    source: &Source,
    rows: usize,
    by: Option<&str>,
    proposal: &Proposal,
    samples: &[Vec<String>],
) -> String {
    let header = match source.header_line {
        0 => String::new(),
        line => format!("header on line {line}, "),
    };
    let mut text = format!(
        "{}: {header}{} columns; rows examined: {}\n",
        safe(&args.file.display().to_string()),
        source.header.len(),
        grouped(rows as u64)
    );
    if let Some(by) = by {
        text.push_str(&format!("{}\n", safe(by)));
    }
    text.push('\n');
    let header = |column: &Column| cut(&safe(&column.header));
    let of = |part: &dyn Fn(&Column) -> String| {
        let lengths = proposal
            .columns
            .iter()
            .map(|column| part(column).chars().count());
        lengths.max().unwrap_or(0)
    };
    let (first, second) = (of(&header), of(&becomes));
    for (column, values) in proposal.columns.iter().zip(samples) {
        text.push_str(&format!(
            "  {:first$}  {:second$}  {}: {}\n",
            header(column),
            becomes(column),
            column.certainty.name(),
            safe(&column.why)
        ));
        let values = shown_values(column, values, args.unmasked);
        if !values.is_empty() {
            let line = format!("  {:first$}  {values}", "");
            text.push_str(&format!("{}\n", fit(&line)));
        }
    }
    for question in &proposal.questions {
        let (what, help) = (safe(&question.what), safe(&question.help));
        text.push_str(&format!(
            "\nquestion[{}]: {what}\n  help: {help}\n",
            question.code
        ));
    }
    for name in &proposal.missing {
        text.push_str(&format!("\nno column holds `{name}`, which is required\n"));
    }
    text
}

fn becomes(column: &Column) -> String {
    match &column.becomes {
        Becomes::Field(field) => field.name().to_string(),
        Becomes::Asked(fields) if fields.is_empty() => "?".to_string(),
        Becomes::Asked(fields) => {
            let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
            format!("{}?", names.join(" or "))
        }
        Becomes::Attribute(name) if *name == column.header => "attribute".to_string(),
        Becomes::Attribute(name) => format!("attribute {}", cut(&safe(name))),
        Becomes::NamePart(part) => format!("part of {}", part.field().name()),
        Becomes::Password | Becomes::Nothing => "nothing".to_string(),
    }
}

/// Some values of a column, each once; what may be personal is masked.
fn some_values(column: &Column, values: &[String], unmasked: bool) -> Vec<String> {
    let is_open = match &column.becomes {
        Becomes::Field(field) => !field.is_personal(),
        Becomes::Asked(fields) => !fields.is_empty() && !fields.iter().any(|f| f.is_personal()),
        _ => false,
    };
    let mut some: Vec<&str> = Vec::new();
    for value in values.iter().map(|value| value.trim()) {
        if some.len() < SHOWN_MAX && !value.is_empty() && !some.contains(&value) {
            some.push(value);
        }
    }
    let shown = some.iter().map(|value| {
        if unmasked || is_open {
            value.to_string()
        } else {
            mask(value)
        }
    });
    shown.collect()
}

fn shown_values(column: &Column, values: &[String], unmasked: bool) -> String {
    let values = some_values(column, values, unmasked);
    let shown = values
        .iter()
        .map(|value| format!("`{}`", cut(&safe(value))));
    shown.collect::<Vec<_>>().join(", ")
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

fn fit(line: &str) -> String {
    let limit = width().max(40);
    match line.char_indices().nth(limit) {
        Some(_) => line.chars().take(limit - 1).chain(['…']).collect(),
        None => line.to_string(),
    }
}

/// A pipeline that is named, or that the file is recognized for, is copied whole, with its comments.
fn write(
    args: &MapArgs,
    pipeline: &Pipeline,
    recognized: Option<&Recognized>,
    proposal: &Proposal,
) -> Result<()> {
    let Some(out) = &args.out else {
        return Ok(());
    };
    let name = out.file_stem().unwrap_or_default().to_string_lossy();
    let file = args.file.file_name().unwrap_or_default().to_string_lossy();
    let text = match recognized {
        Some(recognized) => recognized.one.pipeline.text.clone(),
        None if args.pipeline.is_some() && !args.guess => pipeline.text.clone(),
        None => proposal.pipeline(&name, &file, &pipeline.definition),
    };
    // What can't be read back is a fault of ours, and must not lie there looking usable.
    definition::parse(&out.display().to_string(), &text)?;
    atomically(out, |file| file.write(text.as_bytes()))
}

fn next(args: &MapArgs, recognized: Option<&Recognized>) -> String {
    let file = shell_word(&args.file.display().to_string());
    match (&args.out, recognized) {
        (Some(out), _) => {
            let out = shell_word(&out.display().to_string());
            format!("\nwritten to {out}; try it:\n  muster check {file} -p {out}\n")
        }
        (None, None) if args.pipeline.is_none() => {
            format!(
                "\nsave this as a pipeline that you can edit:\n  muster map {file} --out own.toml\n"
            )
        }
        _ => String::new(),
    }
}
