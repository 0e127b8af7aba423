//! The first half: read → map → clean → dedupe → validate, for all files, into the spool.

use super::columns::{Unused, advise};
use super::job::{Job, stopped_early};
use crate::pipeline::rows::Rows;
use crate::spool::GROUP_BATCHES;
use crate::stages::read::InputFile;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};

use rayon::prelude::*;

use crate::definition::{ColumnSigns, Content, DateOrder, Definition, Slipped};
use crate::field::{CLEARED, Field, RowNumber};
use crate::header::{ACCOUNT, OWN, Vocabulary, date_order, is_mark};
use crate::issue::Code;
use crate::meaning::converted;
use crate::meaning::date::Evidence;
use crate::meaning::group;
use crate::meaning::group::{GROUP_NESTING, groups};
use crate::meaning::mapping::{Mapping, Target};
use crate::memory::seen::Seen;
use crate::outcome::Verdict;
use crate::profile::Profile;
use crate::refusal::{Refusal, Result};
use crate::row::{Cells, Drafts, Layout, People, Slot};
use crate::spool::{Encoded, Spool, encode, sheet_rows};
use crate::stages::clash::key_index::KeyIndex;
use crate::stages::clash::{LookAlike, closing_rows, key_hashes, look_alikes};
use crate::stages::clean::clean;
use crate::stages::closing::{self, Watch};
use crate::stages::dedupe::fingerprints;
use crate::stages::managers::index::Managers;
use crate::stages::managers::{self, Called};
use crate::stages::map;
use crate::stages::read::{self, Format, Source};
use crate::stages::resubmission::RowRefs;
use crate::stages::slipped::Slips;
use crate::stages::validate::validate;
use crate::text::distinct::Distinct;

/// What reading all rows leaves.
pub(super) struct FileTruth {
    /// The rows.
    pub(super) spool: Spool,
    /// Who has which key.
    pub(super) key_index: KeyIndex,
    /// The groups that are named.
    pub(super) groups: Spellings,
    /// How often each cleaning rule changed something.
    pub(super) rules: [u64; 32],
    /// What the rows look like, where that is compared.
    pub(super) profile: Option<Profile>,
    /// Addresses that fit other rows' names, where that is looked for.
    pub(super) slips: Option<Slips>,
    /// Whose manager is whom.
    pub(super) managers: Managers,
    /// How many rows name the account that they were exported from.
    pub(super) exported: u64,
    /// Which rows of earlier runs they fix.
    pub(super) row_refs: RowRefs,
    /// What each file says of its dates.
    dates: Vec<Evidence>,
    /// What each file says of its columns.
    signs: Vec<converted::Evidence>,
    /// How many rows each file has, and how many of them are about nobody.
    nobody: Vec<(u64, u64)>,
    /// What each file says in columns that may close accounts.
    closing: Vec<Vec<closing::Count>>,
    /// What was not used of each file.
    unused: Vec<Unused>,
}

/// A batch that went through the passes, and what is kept of it.
struct Judged {
    encoded: Encoded,
    hashes: Vec<[u64; 3]>,
    closing: Vec<bool>,
    called: Vec<Called>,
    alike: Vec<LookAlike>,
    groups: Spellings,
    profile: Option<Profile>,
    slips: Option<Slips>,
    people: People,
}

impl FileTruth {
    /// Nothing yet.
    fn new(job: &Job, files: &[InputFile], profiled: bool, slips: bool) -> Result<FileTruth> {
        Ok(FileTruth {
            spool: Spool::new()?,
            key_index: KeyIndex::new(job.memory),
            managers: Managers::new(job.memory),
            exported: 0,
            groups: Spellings::default(),
            rules: [0; 32],
            profile: profiled.then(Profile::default),
            slips: slips.then(Slips::default),
            row_refs: RowRefs::default(),
            dates: vec![Evidence::default(); files.len()],
            signs: vec![converted::Evidence::default(); files.len()],
            nobody: vec![(0, 0); files.len()],
            closing: vec![Vec::new(); files.len()],
            unused: files.iter().map(|file| Unused::of(&file.source)).collect(),
        })
    }

    /// Keeps the next batches, in file order.
    fn keep(&mut self, job: &Job, files: &[InputFile], judged: Vec<Judged>) -> Result<()> {
        for batch in judged {
            if let (Some(all), Some(profile)) = (&mut self.profile, batch.profile) {
                all.add(profile);
            }
            if let (Some(all), Some(slips)) = (&mut self.slips, &batch.slips) {
                all.add(slips);
            }
            self.spool.push(batch.encoded)?;
            self.key_index
                .note(&batch.people, &batch.hashes, &batch.closing, &batch.alike)?;
            let end = batch.people.drafts.first_row + batch.people.len() as RowNumber;
            self.managers.note(&batch.called, end)?;
            self.groups.add(batch.groups);
            self.exported += batch.people.drafts.exported.len() as u64;
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
                reader: job.reader,
            },
        )?;
        if job.sha256.is_some_and(|sha256| sha256 != source.sha256) {
            let what = format!("`{}` changed since it was looked at", path.display());
            return Err(Refusal::new(Code::FileChanged, what));
        }
        let targets = map::targets(&source.head(), vocabulary, definition)
            .map_err(|refusal| advise(refusal, &mut source, vocabulary, definition))?;
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
                account: column(ACCOUNT).map(|column| column as u16),
                flags: map::flags(&source.header, &targets, definition),
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
        "{}: nothing to import: the columns hold passwords, but none says whose they are",
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
    let is_open = |order: DateOrder| order == DateOrder::Unknown;
    for (file, definition) in files.iter().zip(&mut definitions) {
        if let Some((order, _)) =
            reported_order(file).filter(|_| is_open(definition.clean.date_order))
        {
            definition.clean.date_order = order;
        }
    }
    let mut watches: Vec<Watch> = files.iter().map(|file| watch(file, definition)).collect();
    let mut truth = read_once(job, files, layout, &definitions, &watches)?;
    let learned: Vec<bool> = files.iter_mut().map(|file| file.source.learn()).collect();
    if learned.contains(&true) {
        drop(truth);
        truth = read_once(job, files, layout, &definitions, &watches)?;
    }
    check_somebody(files, &truth)?;
    for ((file, watch), counts) in files.iter().zip(&watches).zip(&truth.closing) {
        if let Some(refusal) = watch.question(&file.source.head(), counts) {
            return Err(refusal);
        }
    }
    let dates = truth.dates.clone();
    // Rows that come back fixed are read as the file was that they come from, which had more dates
    // to tell by.
    let order = |number: usize| match truth.row_refs.order(number as u16) {
        _ if !is_open(definitions[number].clean.date_order) => DateOrder::Unknown,
        DateOrder::Unknown => dates[number].order(),
        reported => reported,
    };
    let orders: Vec<DateOrder> = (0..files.len()).map(order).collect();
    let signs = files.iter().zip(&truth.signs);
    let signs = signs.map(|(file, signs)| signs.signs(file.source.is_correction()));
    let signs: Vec<ColumnSigns> = signs.collect();
    let is_settled = orders.iter().all(|order| is_open(*order));
    if is_settled && signs.iter().all(|signs| *signs == ColumnSigns::default()) {
        return Ok(say_unused(truth, files, definition));
    }
    drop(truth);
    for (definition, signs) in definitions.iter_mut().zip(signs) {
        definition.clean.columns = signs;
    }
    let files_of = files.iter_mut().zip(&mut definitions);
    for ((file, definition), (order, dates)) in files_of.zip(orders.into_iter().zip(dates)) {
        if is_open(order) {
            continue;
        }
        definition.clean.date_order = order;
        file.mapping.date_order_found = (dates.order() == order).then_some(dates);
    }
    // All questions are answered.
    watches.fill(Watch::default());
    let truth = read_once(job, files, layout, &definitions, &watches)?;
    Ok(say_unused(truth, files, definition))
}

/// The order of day and month that the headers of a file's columns of dates give, and the header.
pub fn reported_order(file: &InputFile) -> Option<(DateOrder, &str)> {
    let columns = file.source.header.iter().zip(&file.targets);
    let dates = columns.filter(|(_, target)| {
        let is = |field| **target == Target::Slot(Slot::Field(field));
        is(Field::StartDate) || is(Field::EndDate)
    });
    date_order(dates.map(|(name, _)| name.as_str()))
}

/// Notes with each file what was not used of it.
fn say_unused(mut truth: FileTruth, files: &mut [InputFile], definition: &Definition) -> FileTruth {
    let vocabulary = &Vocabulary::new(definition);
    for (file, unused) in files.iter_mut().zip(std::mem::take(&mut truth.unused)) {
        file.mapping.unmapped =
            unused.reported(&file.source, &file.targets, vocabulary, definition);
    }
    truth
}

fn watch(file: &InputFile, definition: &Definition) -> Watch {
    Watch::new(
        &file.source.head(),
        &file.targets,
        &file.mapping,
        definition,
    )
}

/// Refuses a file in which no row is about anybody: nothing in it can be right.
fn check_somebody(files: &[InputFile], truth: &FileTruth) -> Result<()> {
    for (file, (all, nobody)) in files.iter().zip(&truth.nobody) {
        if all == nobody {
            let what = format!(
                "`{}` has {all} rows, but none has a name, an address, an id or a username",
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
    watches: &[Watch],
) -> Result<FileTruth> {
    let profiled = is_compared(files, &job.pipeline.definition);
    let safeguards = &job.pipeline.definition.safeguards;
    let slips = safeguards.enabled && safeguards.slipped == Slipped::Hold;
    let mut truth = FileTruth::new(job, files, profiled, slips)?;
    let marked = |file: &InputFile| file.source.header.iter().position(|name| is_mark(name));
    let marked: Vec<Option<usize>> = files.iter().map(marked).collect();
    let accounts = files
        .iter()
        .map(|file| file.mapping.account.map(usize::from));
    let accounts: Vec<Option<usize>> = accounts.collect();
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
                let (source, file) = (usize::from(cells.source), &files[usize::from(cells.source)]);
                truth.unused[source].note(cells, &file.source, &file.targets);
                truth.spool.sheet_rows.note(cells);
                if let Some(column) = marked[usize::from(cells.source)] {
                    truth.row_refs.note(cells, column, accounts[source]);
                }
            }
            let (kept, cleaned) = rayon::join(
                || truth.keep(job, files, std::mem::take(&mut behind)),
                || clean_group(job, files, layout, definitions, watches, group),
            );
            kept?;
            for batch in &cleaned {
                let file = usize::from(batch.drafts.source);
                truth.dates[file].add(batch.dates);
                truth.signs[file].add(&batch.signs);
                closing::add(&mut truth.closing[file], &batch.closing);
            }
            let verdicts = find_duplicates(&cleaned, &mut seen, &truth.spool)?;
            behind = cleaned
                .into_par_iter()
                .zip(verdicts)
                .map(|(cleaned, verdicts)| {
                    judge(
                        job,
                        cleaned,
                        verdicts,
                        (layout, definitions),
                        (profiled, slips),
                    )
                })
                .collect();
        }
        truth.keep(job, files, behind)?;
        reader.join().unwrap_or_else(|_| {
            Err(Refusal::new(
                Code::FileDamaged,
                "the reader stopped \
                unexpectedly",
            ))
        })
    })?;
    job.progress.end();
    Ok(truth)
}

/// Validates a batch, and takes of it what is kept.
fn judge(
    job: &Job,
    Cleaned {
        drafts, as_read, ..
    }: Cleaned,
    verdicts: Vec<Verdict>,
    (layout, definitions): (&Layout, &[Definition]),
    (profiled, slips): (bool, bool),
) -> Judged {
    let definition = &definitions[usize::from(drafts.source)];
    let people = validate(drafts, verdicts, layout, definition);
    Judged {
        encoded: encode(&people).as_read(as_read),
        hashes: key_hashes(&people, job.run.seed),
        closing: closing_rows(&people, layout, definition),
        called: managers::called(&people, layout),
        alike: look_alikes(&people, job.run.seed),
        groups: group_paths(&people, layout, definition),
        profile: profiled.then(|| Profile::of(&people.drafts, layout)),
        slips: slips.then(|| Slips::of(&people, layout)),
        people,
    }
}

/// A batch after clean.
struct Cleaned {
    drafts: Drafts,
    /// The rows as they were read, where they can't be read again one by one.
    as_read: Vec<u8>,
    fingerprints: Vec<u64>,
    dates: Evidence,
    signs: converted::Evidence,
    closing: Vec<closing::Count>,
}

/// Cleans batches side by side, and takes the fingerprints of their rows.
fn clean_group(
    job: &Job,
    files: &[InputFile],
    layout: &Layout,
    definitions: &[Definition],
    watches: &[Watch],
    group: Vec<Cells>,
) -> Vec<Cleaned> {
    let clean = |cells: Cells| {
        let file = usize::from(cells.source);
        let mapping = &files[file].mapping;
        let dates = date_evidence(&cells, mapping, layout);
        let mut signs = converted::Evidence::default();
        signs.note(&cells, mapping, layout);
        let closing = watches[file].look(&cells);
        let source = &files[file].source;
        let as_read = match source.format {
            Format::Workbook { .. } => sheet_rows::encode(&cells, source.secret),
            Format::Csv(_) | Format::Json(_) => Vec::new(),
        };
        let drafts = clean(cells, mapping, layout, &definitions[file]);
        let fingerprints = fingerprints(&drafts, job.run.seed);
        Cleaned {
            drafts,
            as_read,
            fingerprints,
            dates,
            signs,
            closing,
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
    let safeguards = &definition.safeguards;
    let is_corrected = |file: &InputFile| file.source.is_correction();
    safeguards.enabled
        && safeguards.content == Content::Hold
        && !files.is_empty()
        && !files.iter().any(is_corrected)
}

pub(super) fn read_files(files: &[InputFile], mut send: impl FnMut(Cells) -> bool) -> Result<()> {
    let mut next_row = 0;
    for (number, file) in files.iter().enumerate() {
        let first_row = next_row;
        file.source
            .read_natives(number as u16, first_row, &mut |cells| {
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
    for Cleaned {
        drafts,
        fingerprints,
        ..
    } in group
    {
        let mut of_batch = Vec::with_capacity(fingerprints.len());
        for (index, fingerprint) in fingerprints.iter().enumerate() {
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
                seen.note(*fingerprint, equal)?
                    .map_or(Verdict::Kept, Verdict::Duplicate),
            );
        }
        verdicts.push(of_batch);
    }
    Ok(verdicts)
}

/// The groups that are named, by key, each with its spellings in the order in which they come first, and
/// how often each is used.
#[derive(Default)]
pub(super) struct Spellings(BTreeMap<String, Vec<(String, u64)>>);

impl Spellings {
    /// Adds uses of a spelling, after all that were added before.
    fn note(&mut self, path: &str, uses: u64) {
        self.note_key(group::key(path), path, uses);
    }

    fn note_key(&mut self, key: String, path: &str, uses: u64) {
        let spellings = self.0.entry(key).or_default();
        match spellings.iter_mut().find(|(known, _)| known == path) {
            Some((_, count)) => *count += uses,
            None => spellings.push((path.to_string(), uses)),
        }
    }

    /// Adds those of the next rows.
    fn add(&mut self, next: Spellings) {
        for (key, spellings) in next.0 {
            for (path, uses) in spellings {
                self.note_key(key.clone(), &path, uses);
            }
        }
    }

    /// By key, the spelling that is used most; of equal ones the first. A group above another is spelled the
    /// same in the paths of all that are below it.
    pub(super) fn most_used(self) -> BTreeMap<String, String> {
        let mut all = Spellings::default();
        for (key, spellings) in &self.0 {
            for (path, uses) in spellings {
                all.note_key(key.clone(), path, *uses);
            }
        }
        for (path, uses) in self.0.values().flatten() {
            for (at, _) in path.match_indices(GROUP_NESTING) {
                all.note(&path[..at], *uses);
            }
        }
        let most = |spellings: &[(String, u64)]| {
            let of_all = spellings.iter().rev();
            of_all
                .max_by_key(|(_, uses)| *uses)
                .map(|(path, _)| path.clone())
        };
        let spelled: BTreeMap<&String, String> = all
            .0
            .iter()
            .filter_map(|(key, spellings)| Some((key, most(spellings)?)))
            .collect();
        let whole = |path: &str| {
            let ends = path
                .match_indices(GROUP_NESTING)
                .map(|(at, _)| at)
                .chain([path.len()]);
            let names = ends.map(|end| {
                let own = &path[..end];
                let path = spelled.get(&group::key(own)).map_or(own, String::as_str);
                path.rsplit(GROUP_NESTING).next().unwrap_or(path)
            });
            names.collect::<Vec<_>>().join("/")
        };
        let named = self.0.into_keys();
        named
            .filter_map(|key| {
                let path = whole(spelled.get(&key)?);
                Some((key, path))
            })
            .collect()
    }
}

/// The groups that rows of a batch name.
fn group_paths(people: &People, layout: &Layout, definition: &Definition) -> Spellings {
    let slots = [Field::Groups, Field::AddGroups].map(|field| layout.field(field));
    let (mut cells, mut uses) = (Distinct::default(), Vec::new());
    let slots: Vec<usize> = slots.into_iter().flatten().collect();
    for index in 0..people.len() {
        for slot in &slots {
            let (place, is_new) = cells.place(people.drafts.values.get(index, *slot));
            if is_new {
                uses.push(0_u64);
            }
            uses[place] += 1;
        }
    }
    let mut spellings = Spellings::default();
    for (cell, uses) in cells.texts().iter().zip(uses) {
        for named in groups(cell) {
            let (path, _) = group::path_and_role(named, &definition.groups);
            spellings.note(path, uses);
        }
    }
    spellings
}

/// The groups that the rows of a plan name, by key.
pub(super) fn groups_of(rows: &Rows) -> Result<BTreeMap<String, String>> {
    let (layout, definition) = (rows.layout, &rows.job.pipeline.definition);
    let mut groups = Spellings::default();
    let slots = [Field::Groups, Field::AddGroups].map(|field| layout.field(field));
    if slots.iter().any(Option::is_some) {
        rows.each(
            "groups",
            0..rows.spool.batches(),
            |_| Ok(()),
            |(), _, people| Ok(group_paths(&people, layout, definition)),
            |_, named| {
                groups.add(named);
                Ok(())
            },
        )?;
    }
    Ok(groups.most_used())
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

/// What is said of names and addresses that slipped against each other.
///
/// # Errors
/// `output.unwritable`, when the disk fails.
pub(super) fn slips_of(
    slips: Option<&Slips>,
    files: &[InputFile],
    spool: &Spool,
) -> Result<Vec<String>> {
    slips.map_or(Ok(Vec::new()), |slips| {
        slips.findings(|row| place(row, files, spool))
    })
}

/// How a row is named to people together with its person, whose name is in backticks.
///
/// # Errors
/// `output.unwritable`, when the disk fails.
pub(super) fn place_and_name(row: RowNumber, rows: &Rows, files: &[InputFile]) -> Result<String> {
    let place = place(row, files, rows.spool)?;
    let values = rows.spool.values(row)?;
    let of = |fields: &[Field]| {
        let values = fields.iter().filter_map(|field| {
            let value = values.get(rows.layout.field(*field)?)?;
            (!value.is_empty() && value != CLEARED).then_some(value.as_str())
        });
        values.collect::<Vec<_>>().join(" ")
    };
    let names = [
        of(&[Field::FirstName, Field::LastName]),
        of(&[Field::DisplayName]),
        of(&[Field::Email]),
    ];
    let name = names.into_iter().find(|name| !name.is_empty());
    Ok(name.map_or(place.clone(), |name| format!("{place} (`{name}`)")))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spelling_that_is_used_most_names_a_group_and_the_first_of_equal_ones() {
        let spelled = |batches: &[&[(&str, u64)]]| {
            let mut all = Spellings::default();
            for batch in batches {
                let mut next = Spellings::default();
                batch.iter().for_each(|(path, uses)| next.note(path, *uses));
                all.add(next);
            }
            all.most_used().into_values().collect::<Vec<_>>()
        };
        assert_eq!(spelled(&[&[("SALES", 1), ("Sales", 2)]]), ["Sales"]);
        assert_eq!(
            spelled(&[&[("SALES", 1)], &[("Sales", 1), ("sales", 1)]]),
            ["SALES"]
        );
        assert_eq!(
            spelled(&[&[("SALES", 1), ("Ops", 1)], &[("Sales", 2)]]),
            ["Ops", "Sales"]
        );
        assert_eq!(
            spelled(&[&[("SALES/EMEA", 1), ("Sales", 2), ("sales/emea/Inside", 3)]]),
            ["sales", "sales/emea", "sales/emea/Inside"]
        );
    }
}
