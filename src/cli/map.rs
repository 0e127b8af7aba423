//! `muster map`: what the columns of a file would become. Also how other commands choose a pipeline
//! when none is named: by the columns of the file.

use crate::stages::read::Reader;
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
use crate::pipelines::{Recognizable, recognizable};
use crate::refusal::{Refusal, Result};
use crate::report::human::{grouped, safe};
use crate::stages::map::targets;
use crate::stages::propose::{Becomes, Column, Proposal, propose};
use crate::stages::read::{Source, Wanted};

/// How many values of a column are shown.
const SHOWN_MAX: usize = 3;
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

/// A pipeline that files were recognized for.
pub(super) struct Recognized {
    /// The pipeline and its text.
    pub(super) one: Recognizable,
    /// The columns that identified it.
    columns: Vec<String>,
}

impl Recognized {
    /// Which it is and why, in a sentence about `file`.
    pub(super) fn reported(&self, file: &Path) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        let definition = &self.one.pipeline.definition;
        format!(
            "`{}` is read with the pipeline `{}`, because it has the columns {} ({}); `-p users` turns that off",
            file.display(),
            definition.name,
            columns.join(", "),
            definition.description,
        )
    }
}

/// The one pipeline that all of `files` are recognized for, if there is one; those in `pipelines/`
/// go before the shipped ones. A file that can't be opened is none of its business.
///
/// # Errors
/// `pipeline.ambiguous`, naming the pipelines; `pipeline.invalid`.
pub(super) fn recognize(
    files: &[PathBuf],
    read: &Definition,
    reading: &Reader,
) -> Result<Option<Recognized>> {
    let mut all = recognizable()?;
    let mut vocabulary = Vocabulary::new(read);
    let definitions = all.iter().map(|one| &one.pipeline.definition);
    definitions.for_each(|definition| vocabulary.learn(definition));
    let wanted = Wanted {
        definition: read,
        vocabulary: &vocabulary,
        reader: reading,
    };
    let mut chosen: Option<(&Path, Option<usize>)> = None;
    let mut columns = Vec::new();
    for path in files {
        let Ok(header) = Source::header_of(path, &wanted) else {
            return Ok(None);
        };
        let fitting = fitting(&all, &header);
        if let [(one, _), (other, _), ..] = fitting.as_slice() {
            return Err(ambiguous(path, &all[*one], &all[*other]));
        }
        let found = fitting.first().map(|(one, _)| *one);
        match chosen {
            Some((earlier, before)) if before != found => {
                return Err(mixed(earlier, before, path, found, &all));
            }
            _ => chosen = Some((path, found)),
        }
        columns = fitting
            .into_iter()
            .next()
            .map(|(_, columns)| columns)
            .unwrap_or_default();
    }
    let index = chosen.and_then(|(_, found)| found);
    Ok(index.map(|index| Recognized {
        one: all.swap_remove(index),
        columns,
    }))
}

/// The pipelines that a header fits, by index, and the columns that tell.
fn fitting(all: &[Recognizable], header: &[String]) -> Vec<(usize, Vec<String>)> {
    let fits = |(index, one): (usize, &Recognizable)| {
        let columns = one.pipeline.definition.recognize.fits(header)?;
        Some((index, columns.into_iter().map(String::from).collect()))
    };
    let fitting: Vec<(usize, Vec<String>)> = all.iter().enumerate().filter_map(fits).collect();
    let own: Vec<_> = fitting
        .iter()
        .filter(|(index, _)| all[*index].is_own)
        .cloned()
        .collect();
    if own.is_empty() { fitting } else { own }
}

fn name(one: &Recognizable) -> &str {
    one.pipeline
        .named
        .as_deref()
        .unwrap_or(&one.pipeline.definition.name)
}

fn ambiguous(path: &Path, one: &Recognizable, other: &Recognizable) -> Refusal {
    let what = format!(
        "`{}` has the columns of both `{}` and `{}`",
        path.display(),
        name(one),
        name(other)
    );
    Refusal::new(Code::PipelineAmbiguous, what)
}

fn mixed(
    earlier: &Path,
    before: Option<usize>,
    path: &Path,
    found: Option<usize>,
    all: &[Recognizable],
) -> Refusal {
    let reported = |index: Option<usize>| match index {
        Some(index) => format!("of `{}`", name(&all[index])),
        None => "of no known export".to_string(),
    };
    let what = format!(
        "`{}` has the columns {}, `{}` those {}",
        earlier.display(),
        reported(before),
        path.display(),
        reported(found)
    );
    Refusal::new(Code::PipelineAmbiguous, what)
        .help("name one pipeline for all of them with `-p`, or import them one by one")
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
    let may_guess = args.pipeline.is_none() && recognized.is_none();
    let proposal = propose(&source.header, &samples, definition, may_guess);
    let by = match (&args.pipeline, &recognized) {
        (Some(name), _) => Some(format!("as the pipeline `{name}` has it")),
        (None, Some(recognized)) => Some(recognized.reported(&args.file)),
        (None, None) => None,
    };
    print(&shown(
        args,
        &source,
        rows,
        by.as_deref(),
        &proposal,
        &samples,
    ));
    if !may_guess {
        // What a run would refuse is refused in its words.
        targets(&source.head(), vocabulary, definition)?;
    }
    write(args, &pipeline, recognized.as_ref(), &proposal)?;
    print(&next(args, recognized.as_ref()));
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
    if args.pipeline.is_some() {
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

fn overridden(args: &MapArgs, mut pipeline: Pipeline) -> Result<Pipeline> {
    for (option, value) in [
        ("sheet", &args.sheet),
        ("delimiter", &args.delimiter),
        ("encoding", &args.encoding),
    ] {
        if let Some(value) = value {
            pipeline.set(option, value)?;
        }
    }
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
fn shown_values(column: &Column, values: &[String], unmasked: bool) -> String {
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
        let value = if unmasked || is_open {
            value.to_string()
        } else {
            mask(value)
        };
        format!("`{}`", cut(&safe(&value)))
    });
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
        None if args.pipeline.is_some() => pipeline.text.clone(),
        None => proposal.pipeline(&name, &file, &pipeline.definition.read),
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
