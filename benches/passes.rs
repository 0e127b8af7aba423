//! Leads one file through the pure passes, for those who measure them.

use std::path::Path;

use muster::definition::Definition;
use muster::header::Vocabulary;
use muster::meaning::mapping::Mapping;
use muster::memory::seen::Seen;
use muster::outcome::Verdict;
use muster::pipelines;
use muster::row::{Cells, Drafts, Layout, People};
use muster::stages::clean::clean;
use muster::stages::dedupe::fingerprints;
use muster::stages::map;
use muster::stages::read::{Reader, Source, Wanted};
use muster::stages::validate::validate;

/// A file, and how the default pipeline reads it.
pub struct Input {
    pub definition: Definition,
    pub source: Source,
    pub layout: Layout,
    pub mapping: Mapping,
}

/// Opens a file and maps its columns.
pub fn open(path: &Path) -> Input {
    let definition = pipelines::open(None)
        .expect("the default pipeline")
        .definition;
    let vocabulary = Vocabulary::new(&definition);
    let wanted = Wanted {
        definition: &definition,
        vocabulary: &vocabulary,
        reader: &Reader::default(),
    };
    let source = Source::open(path, &wanted).expect("a generated file");
    let targets = map::targets(&source.head(), &vocabulary, &definition).expect("known columns");
    let layout = map::layout(std::slice::from_ref(&targets), &definition);
    let mapping = map::mapping(&targets, &layout, &definition);
    Input {
        definition,
        source,
        layout,
        mapping,
    }
}

/// All rows.
pub fn read(source: &Source) -> Vec<Cells> {
    let mut batches = Vec::new();
    let mut keep = |cells| {
        batches.push(cells);
        Ok(true)
    };
    source.read(0, 0, &mut keep).expect("a generated file");
    batches
}

/// All rows, cleaned.
pub fn cleaned(input: &Input, cells: Vec<Cells>) -> Vec<Drafts> {
    cells
        .into_iter()
        .map(|cells| clean(cells, &input.mapping, &input.layout, &input.definition))
        .collect()
}

/// Which rows equal an earlier one; equal fingerprints are taken at their word.
pub fn deduped(drafts: &[Drafts]) -> Vec<Vec<Verdict>> {
    let mut seen = Seen::new(64 << 20);
    let mut verdict = |fingerprint| match seen
        .note(fingerprint, |_| Ok(true))
        .expect("room in memory")
    {
        Some(earlier) => Verdict::Duplicate(earlier),
        None => Verdict::Kept,
    };
    let mut of_batch = |drafts| {
        fingerprints(drafts, 1)
            .into_iter()
            .map(&mut verdict)
            .collect()
    };
    drafts.iter().map(&mut of_batch).collect()
}

/// All rows, with everything that is wrong with them.
pub fn validated(input: &Input, drafts: Vec<Drafts>, verdicts: Vec<Vec<Verdict>>) -> Vec<People> {
    drafts
        .into_iter()
        .zip(verdicts)
        .map(|(drafts, verdicts)| validate(drafts, verdicts, &input.layout, &input.definition))
        .collect()
}
