//! Which pipeline a file is for, by its columns, where none is named.

use std::path::{Path, PathBuf};

use crate::definition::Definition;
use crate::header::Vocabulary;
use crate::issue::Code;
use crate::pipelines::{Recognizable, recognizable};
use crate::refusal::{Refusal, Result};
use crate::stages::read::{Reader, Source, Wanted};

/// A pipeline that files were recognized for.
pub struct Recognized {
    /// The pipeline and its text.
    pub one: Recognizable,
    /// The columns that identified it.
    columns: Vec<String>,
}

impl Recognized {
    /// Which it is and why, in a sentence about `file`.
    pub fn reported(&self, file: &Path) -> String {
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
pub fn recognize(
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
