//! The first half: read → map → clean → dedupe → validate, for all files, into the spool.

use super::{GROUP_BATCHES, InputFile, Job, stopped_early};
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};

use rayon::prelude::*;

use crate::definition::{Content, DateOrder, Definition};
use crate::header::{OWN, Vocabulary, is_mark};
use crate::issue::Code;
use crate::memory::owners::Owners;
use crate::memory::seen::Seen;
use crate::outcome::Verdict;
use crate::refusal::{Refusal, Result};
use crate::row::{Cells, Drafts, Field, Layout, People, RowNumber};
use crate::spool::{Encoded, Spool, encode};
use crate::stages::clash::{LookAlike, key_hashes, look_alikes};
use crate::stages::clean::clean;
use crate::stages::clean::converted::{self, ColumnSigns};
use crate::stages::clean::date::Evidence;
use crate::stages::clean::group;
use crate::stages::dedupe::fingerprints;
use crate::stages::drift::Profile;
use crate::stages::lineage::Marks;
use crate::stages::map::{self, Mapping, Target};
use crate::stages::read::{self, Source};
use crate::stages::validate::validate;

/// What reading all rows leaves.
pub(super) struct FileTruth {
    /// The rows.
    pub(super) spool: Spool,
    /// Who has which key.
    pub(super) owners: Owners,
    /// The groups that are named, by key.
    pub(super) groups: BTreeMap<String, String>,
    /// How often each cleaning rule changed something.
    pub(super) rules: [u64; 32],
    /// What the rows look like, where that is compared.
    pub(super) profile: Option<Profile>,
    /// Which rows of earlier runs they mend.
    pub(super) marks: Marks,
    /// What each file says of its dates.
    dates: Vec<Evidence>,
    /// What each file says of its columns.
    signs: Vec<converted::Evidence>,
    /// How many rows each file has, and how many of them are about nobody.
    nobody: Vec<(u64, u64)>,
}

/// A batch that went through the passes, and what is kept of it.
struct Judged {
    encoded: Encoded,
    hashes: Vec<[u64; 3]>,
    alike: Vec<LookAlike>,
    groups: BTreeMap<String, String>,
    profile: Option<Profile>,
    people: People,
}

impl FileTruth {
    /// Keeps the next batches, in file order.
    fn keep(&mut self, job: &Job, files: &[InputFile], judged: Vec<Judged>) -> Result<()> {
        for batch in judged {
            if let (Some(all), Some(profile)) = (&mut self.profile, batch.profile) {
                all.add(profile);
            }
            self.spool.push(&batch.encoded)?;
            self.owners
                .note(&batch.people, &batch.hashes, &batch.alike)?;
            for (key, path) in batch.groups {
                self.groups.entry(key).or_insert(path);
            }
            let (all, nobody) = &mut self.nobody[usize::from(batch.people.drafts.source)];
            let verdicts = batch.people.verdicts.iter();
            *all += batch.people.len() as u64;
            *nobody += verdicts
                .filter(|verdict| **verdict == Verdict::Nobody)
                .count() as u64;
            let counts = self.rules.iter_mut().zip(batch.people.drafts.rule_counts);
            counts.for_each(|(sum, count)| *sum += u64::from(count));
            let (rows, part) = (batch.people.len(), part_read(files, &batch.people));
            job.progress.add(rows as u64, part);
        }
        Ok(())
    }
}

pub(super) fn open(job: &Job) -> Result<(Vec<InputFile>, Layout)> {
    let definition = &job.pipeline.definition;
    let vocabulary = &Vocabulary::new(definition);
    let mut opened = Vec::with_capacity(job.files.len());
    for path in job.files {
        let mut source = Source::open(
            path,
            &read::Wanted {
                definition,
                vocabulary,
            },
        )?;
        if job.sha256.is_some_and(|sha256| sha256 != source.sha256) {
            let what = format!("`{}` changed since it was looked at", path.display());
            return Err(Refusal::new(Code::FileChanged, what));
        }
        let targets = map::targets(&source, vocabulary, definition)?;
        let passwords = targets
            .iter()
            .enumerate()
            .filter(|(_, target)| **target == Target::Password);
        source.dropped = passwords.map(|(column, _)| column).collect();
        source.secret = targets.iter().position(|to| *to == Target::PasswordHash);
        opened.push((source, targets));
    }
    let all: Vec<Vec<Target>> = opened.iter().map(|(_, targets)| targets.clone()).collect();
    let layout = map::layout(&all, definition);
    if layout.width() == 0 && !job.files.is_empty() {
        return Err(nothing_to_keep(job));
    }
    let files = opened.into_iter().map(|(source, targets)| {
        let column = |name| {
            source
                .header
                .iter()
                .position(|header| header.trim() == name)
        };
        let said = column(OWN[1]).zip(column(OWN[2]));
        InputFile {
            mapping: Mapping {
                said: said.map(|(codes, reasons)| (codes as u16, reasons as u16)),
                ..map::mapping(&targets, &layout, definition)
            },
            source,
            targets,
        }
    });
    Ok((files.collect(), layout))
}

/// The refusal for files whose columns are all passwords, or muster's own.
fn nothing_to_keep(job: &Job) -> Refusal {
    let files = job.files.iter();
    let files: Vec<String> = files.map(|path| format!("`{}`", path.display())).collect();
    let what = format!(
        "{}: no column has anything to keep: the columns hold passwords, and nothing says whose they are",
        files.join(", ")
    );
    Refusal::new(Code::MapMissing, what).help(
        "add the columns that say who the people are, such as their e-mail addresses and names",
    )
}

/// read → clean → dedupe → validate, for all files, into the spool. Where dates leave the order of
/// day and month open and the whole column settles it, all is read again in that order; and so it is
/// where a column as a whole says what a spreadsheet did to some of its cells.
pub(super) fn read_people(
    job: &Job,
    files: &mut [InputFile],
    layout: &Layout,
) -> Result<FileTruth> {
    let definition = &job.pipeline.definition;
    let mut definitions = vec![definition.clone(); files.len()];
    let truth = read_once(job, files, layout, &definitions)?;
    check_somebody(files, &truth)?;
    let dates = truth.dates.clone();
    // Rows that come back mended are read as the file was that they come from, which had more
    // dates to tell by.
    let order = |number: usize| match truth.marks.order(number as u16) {
        DateOrder::Unknown => dates[number].order(),
        told => told,
    };
    let orders: Vec<DateOrder> = (0..files.len()).map(order).collect();
    let signs = files.iter().zip(&truth.signs);
    let signs = signs.map(|(file, signs)| signs.signs(file.source.is_correction()));
    let signs: Vec<ColumnSigns> = signs.collect();
    let is_open = |order: &DateOrder| *order == DateOrder::Unknown;
    let is_settled =
        definition.clean.date_order != DateOrder::Unknown || orders.iter().all(is_open);
    if is_settled && signs.iter().all(|signs| *signs == ColumnSigns::default()) {
        return Ok(truth);
    }
    drop(truth);
    for (definition, signs) in definitions.iter_mut().zip(signs) {
        definition.clean.columns = signs;
    }
    let files_of = files.iter_mut().zip(&mut definitions);
    for ((file, definition), (order, dates)) in files_of.zip(orders.into_iter().zip(dates)) {
        if is_settled {
            break;
        }
        definition.clean.date_order = order;
        let is_found = order != DateOrder::Unknown && dates.order() == order;
        file.mapping.date_order_found = is_found.then_some(dates);
    }
    read_once(job, files, layout, &definitions)
}

/// Refuses a file in which no row is about anybody: nothing in it can be right.
fn check_somebody(files: &[InputFile], truth: &FileTruth) -> Result<()> {
    for (file, (all, nobody)) in files.iter().zip(&truth.nobody) {
        if all == nobody {
            let what = format!(
                "`{}` has {all} rows, and none has a name, an address, an id or a username",
                file.source.path.display()
            );
            return Err(Refusal::new(Code::FileNoRows, what).help(
                "export it again with its people; `muster map` shows which column is read as what",
            ));
        }
    }
    Ok(())
}

/// One pass over all rows, each file by its own definition. What must be done in file order is done
/// for one group of batches while the next is cleaned.
fn read_once(
    job: &Job,
    files: &[InputFile],
    layout: &Layout,
    definitions: &[Definition],
) -> Result<FileTruth> {
    let profiled = is_compared(files, &job.pipeline.definition);
    let mut truth = FileTruth {
        spool: Spool::new()?,
        owners: Owners::new(job.memory),
        groups: BTreeMap::new(),
        rules: [0; 32],
        profile: profiled.then(Profile::default),
        marks: Marks::default(),
        dates: vec![Evidence::default(); files.len()],
        signs: vec![converted::Evidence::default(); files.len()],
        nobody: vec![(0, 0); files.len()],
    };
    let marked = |file: &InputFile| file.source.header.iter().position(|name| is_mark(name));
    let marked: Vec<Option<usize>> = files.iter().map(marked).collect();
    let mut seen = Seen::new(job.memory.of_seen());
    job.progress.begin("read", None);
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(GROUP_BATCHES);
        let reader = scope.spawn(move || read_files(files, |cells| sender.send(cells).is_ok()));
        let mut behind = Vec::new();
        while let Some(group) = next_group(&receiver) {
            if job.stop.load(Ordering::Relaxed) {
                return Err(stopped_early());
            }
            for cells in &group {
                if let Some(column) = marked[usize::from(cells.source)] {
                    truth.marks.note(cells, column);
                }
            }
            let (kept, cleaned) = rayon::join(
                || truth.keep(job, files, std::mem::take(&mut behind)),
                || clean_group(job, files, layout, definitions, group),
            );
            kept?;
            for batch in &cleaned {
                let source = usize::from(batch.drafts.source);
                truth.dates[source].add(batch.dates);
                truth.signs[source].add(&batch.signs);
            }
            let verdicts = find_duplicates(&cleaned, &mut seen, &truth.spool)?;
            behind = cleaned
                .into_par_iter()
                .zip(verdicts)
                .map(|(Cleaned { drafts, .. }, verdicts)| {
                    let definition = &definitions[usize::from(drafts.source)];
                    let people = validate(drafts, verdicts, layout, definition);
                    Judged {
                        encoded: encode(&people),
                        hashes: key_hashes(&people, job.run.seed),
                        alike: look_alikes(&people, job.run.seed),
                        groups: group_paths(&people, layout, definition),
                        profile: profiled.then(|| Profile::of(&people.drafts, layout)),
                        people,
                    }
                })
                .collect();
        }
        truth.keep(job, files, behind)?;
        reader
            .join()
            .unwrap_or_else(|_| Err(Refusal::new(Code::FileDamaged, "the reader broke off")))
    })?;
    job.progress.end();
    Ok(truth)
}

/// A batch behind clean.
struct Cleaned {
    drafts: Drafts,
    prints: Vec<u64>,
    dates: Evidence,
    signs: converted::Evidence,
}

/// Cleans batches side by side, and takes the fingerprints of their rows.
fn clean_group(
    job: &Job,
    files: &[InputFile],
    layout: &Layout,
    definitions: &[Definition],
    group: Vec<Cells>,
) -> Vec<Cleaned> {
    let clean = |cells: Cells| {
        let file = usize::from(cells.source);
        let mapping = &files[file].mapping;
        let dates = date_evidence(&cells, mapping, layout);
        let mut signs = converted::Evidence::default();
        signs.note(&cells, mapping, layout);
        let drafts = clean(cells, mapping, layout, &definitions[file]);
        let prints = fingerprints(&drafts, job.run.seed);
        Cleaned {
            drafts,
            prints,
            dates,
            signs,
        }
    };
    group.into_par_iter().map(clean).collect()
}

/// What the dates of a batch say of the order of day and month.
fn date_evidence(cells: &Cells, mapping: &Mapping, layout: &Layout) -> Evidence {
    let mut evidence = Evidence::default();
    for field in [Field::StartDate, Field::EndDate] {
        let Some(slot) = layout.field(field) else {
            continue;
        };
        for index in 0..cells.len() {
            evidence.note(&mapping.value(cells, index, slot));
        }
    }
    evidence
}

/// Whether the rows are compared with those of the last run. Rows that come back corrected are a
/// part of a file.
fn is_compared(files: &[InputFile], definition: &Definition) -> bool {
    let gates = &definition.gates;
    let is_corrected = |file: &InputFile| file.source.is_correction();
    gates.enabled
        && gates.content == Content::Hold
        && !files.is_empty()
        && !files.iter().any(is_corrected)
}

pub(super) fn read_files(files: &[InputFile], mut send: impl FnMut(Cells) -> bool) -> Result<()> {
    let mut next_row = 0;
    for (number, file) in files.iter().enumerate() {
        let first_row = next_row;
        file.source.read(number as u16, first_row, &mut |cells| {
            next_row = cells.next_row();
            if next_row > RowNumber::MAX / 2 {
                return Err(Refusal::new(
                    Code::FileLimit,
                    "more than 2,147,483,647 rows in one run",
                ));
            }
            Ok(send(cells))
        })?;
        if next_row == first_row {
            let path = file.source.path.display();
            return Err(Refusal::new(
                Code::FileNoRows,
                format!("`{path}` has a header and no rows"),
            ));
        }
    }
    Ok(())
}

/// Waits for a batch, and takes what else is there.
fn next_group(receiver: &Receiver<Cells>) -> Option<Vec<Cells>> {
    let mut group = vec![receiver.recv().ok()?];
    while group.len() < GROUP_BATCHES {
        match receiver.try_recv() {
            Ok(cells) => group.push(cells),
            Err(_) => break,
        }
    }
    Some(group)
}

fn find_duplicates(group: &[Cleaned], seen: &mut Seen, spool: &Spool) -> Result<Vec<Vec<Verdict>>> {
    let mut verdicts: Vec<Vec<Verdict>> = Vec::with_capacity(group.len());
    for Cleaned { drafts, prints, .. } in group {
        let mut of_batch = Vec::with_capacity(prints.len());
        for (index, print) in prints.iter().enumerate() {
            let equal = |earlier: RowNumber| {
                let same =
                    |values: &mut dyn Iterator<Item = &str>| drafts.values.row(index).eq(values);
                // An earlier row is in this group, or in the spool.
                let here = group.iter().map(|batch| &batch.drafts).find(|other| {
                    earlier >= other.first_row
                        && ((earlier - other.first_row) as usize) < other.places.len()
                });
                match here {
                    Some(other) => Ok(same(
                        &mut other.values.row((earlier - other.first_row) as usize),
                    )),
                    None => Ok(same(&mut spool.values(earlier)?.iter().map(String::as_str))),
                }
            };
            of_batch.push(
                seen.note(*print, equal)?
                    .map_or(Verdict::Kept, Verdict::Duplicate),
            );
        }
        verdicts.push(of_batch);
    }
    Ok(verdicts)
}

/// The groups that rows of a batch name, by key.
fn group_paths(
    people: &People,
    layout: &Layout,
    definition: &Definition,
) -> BTreeMap<String, String> {
    let mut paths = BTreeMap::new();
    let slots = [Field::Groups, Field::AddGroups].map(|field| layout.field(field));
    let cells: HashSet<&str> = slots
        .into_iter()
        .flatten()
        .flat_map(|slot| (0..people.len()).map(move |index| people.drafts.values.get(index, slot)))
        .collect();
    let groups = cells.into_iter().flat_map(crate::stages::clean::groups);
    for (path, _) in groups.map(|group| group::path_and_role(group, &definition.groups)) {
        let spelled = paths
            .entry(group::key(path))
            .or_insert_with(|| path.to_string());
        // Which spelling stays must not hang on the order of a hash set.
        if path < spelled.as_str() {
            *spelled = path.to_string();
        }
    }
    paths
}

/// The groups that the rows of a plan name, by key.
pub(super) fn groups_of(
    spool: &Spool,
    layout: &Layout,
    definition: &Definition,
) -> Result<BTreeMap<String, String>> {
    let mut groups = BTreeMap::new();
    let slots = [Field::Groups, Field::AddGroups].map(|field| layout.field(field));
    if slots.iter().any(Option::is_some) {
        for batch in 0..spool.batches() {
            for (key, path) in group_paths(&spool.read(batch)?, layout, definition) {
                groups.entry(key).or_insert(path);
            }
        }
    }
    Ok(groups)
}

/// How much of the input is behind a batch, where bytes tell.
fn part_read(files: &[InputFile], people: &People) -> Option<f64> {
    let place = people
        .drafts
        .places
        .last()
        .filter(|place| place.byte != u64::MAX)?;
    let total: u64 = files.iter().map(|file| file.source.bytes).sum();
    let before: u64 = files[..usize::from(people.drafts.source)]
        .iter()
        .map(|file| file.source.bytes)
        .sum();
    Some((before + place.byte) as f64 / total.max(1) as f64)
}

/// How a row is named to people.
///
/// # Errors
/// `output.unwritable`, when the disk fails.
pub(super) fn place(row: RowNumber, files: &[InputFile], spool: &Spool) -> Result<String> {
    let (source, line) = spool.line(row)?;
    let path = files[usize::from(source)].source.path.display();
    Ok(format!("{path}:{line}"))
}
