//! THE page: all of a run, pass by pass.
//!
//! ```text
//! file ─ read ─ map ─ clean ─ dedupe ─ validate ─┐      the file's own truth: pure, parallel by batch
//!                                                ├─ match ─ plan ─ gates ─┐      against the accounts: reads only
//!                                    database ───┘                        ├─ load ─ record      writes, in chunks
//! ```
//!
//! The first half ends in a spool: no row of a clash can be judged, and nothing written, before
//! the last row is read. The gates hold back what is too much of a kind, which the last row of the
//! plan decides. A check is an import that stops before `load`, so it tells the truth. Applying a
//! plan begins at that spool: the plan has it, with what the check decided.

mod hold;
mod passwords;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use hashbrown::HashTable;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use self::hold::{Rows, held_issues, joins, status_of_new};
use crate::definition::{
    Clashes, Content, DateOrder, Dates, Definition, Missing, Onboarding, Pipeline,
};
use crate::header::{Vocabulary, is_own};
use crate::issue::{Code, Issue};
use crate::outcome::{Exit, Outcome, Verdict};
use crate::planfile::PlanFile;
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::row::{Cells, Drafts, Field, Key, Layout, People, RowNumber};
use crate::spool::{PlanSpool, Spool, encode};
use crate::stages::clash::{Decision, Owners, key_hashes};
use crate::stages::clean::clean;
use crate::stages::clean::date::Evidence;
use crate::stages::clean::group;
use crate::stages::dedupe::{Seen, fingerprints};
use crate::stages::drift::Profile;
use crate::stages::follow::{self, Follow, Line, Trace, Wanted, regardless};
use crate::stages::gates::{self, Change, Class, Classes, Facts, Hold};
use crate::stages::leavers::{self, Fate, Leaver, Why};
use crate::stages::load::{self, RunKey};
use crate::stages::map::{self, Mapping, Target};
use crate::stages::membership::{self, Said, Tree};
use crate::stages::moves::{self, Moves, Pending, Release, stands_in_the_way};
use crate::stages::plan::{Action, Matched, Person, Planned, Update, decide, without_taken_keys};
use crate::stages::read::{self, Source};
use crate::stages::validate::validate;
use crate::store::Store;
use crate::store::loader::Written;
use crate::store::matches::Matches;
use crate::store::runs::Begun;
use crate::summary::Gate;

/// What a run is asked to do.
pub struct Job<'a> {
    /// The files, in order; together they are one import.
    pub files: &'a [PathBuf],
    /// SHA-256 that the only file must have; `None` takes whatever is there.
    pub sha256: Option<&'a str>,
    /// By which pipeline.
    pub pipeline: &'a Pipeline,
    /// What names the run in what it writes.
    pub run: RunKey,
    /// Up to how many changes of a class somebody lets through this time.
    pub allowed: &'a [(Class, u64)],
    /// Where its reports go.
    pub folder: &'a Path,
    /// Shows how far it is.
    pub progress: &'a Progress,
    /// Set from outside to make it stop cleanly.
    pub stop: &'a AtomicBool,
}

/// Everything that is known after a run, for the record.
pub struct Ran {
    /// The files and what their columns became.
    pub files: Vec<InputFile>,
    /// The slots of the run.
    pub layout: Layout,
    /// The rows, cleaned and validated.
    pub spool: Spool,
    /// The plan of every batch.
    pub plan: PlanSpool,
    /// What the safeguards said.
    pub gates: Vec<Gate>,
    /// What the files look like, where the pipeline compares them.
    pub profile: Option<Profile>,
    /// Outcomes and issues that came after a batch was planned.
    pub late: BTreeMap<RowNumber, (Outcome, Vec<Issue>)>,
    /// How many values each cleaning rule changed.
    pub rules: [u64; 32],
    /// What names the run; of the first try, when this one went on with it.
    pub run: RunKey,
    /// Whether the rows come from a plan; no file was read then.
    pub from_plan: bool,
    /// RFC 3339, when this run was begun first and cut off.
    pub resumed_from: Option<String>,
    /// The rows that pass on keys to each other.
    pub moves: Moves,
    /// Accounts that a full list doesn't name, and what happens to them.
    pub leavers: Vec<Leaver>,
    /// Whether leavers are no matter of this run.
    pub keeps_leavers: bool,
    /// Whether the run counts for the grace of those who are missing.
    pub counts_absences: bool,
    /// Why it stopped before its end.
    pub stopped: Option<Refusal>,
}

/// What would happen, without a write.
///
/// # Errors
/// A refusal; nothing was written then.
pub fn check(job: &Job, store: Option<&mut Store>) -> Result<Ran> {
    let (mut files, layout) = open(job)?;
    let (spool, owners, groups, rules, profile) = read_people(job, &mut files, &layout)?;
    let clashes = settle(job, &files, &spool, owners)?;
    let guide = Guide::Pipeline(&clashes);
    let rows = Rows {
        job,
        layout: &layout,
        spool: &spool,
    };
    let store = store.as_deref();
    let mut planning = match_and_plan(&rows, &guide, &groups, None, store)?;
    let mut leavers = find_leavers(job, &files, &spool, store)?;
    let mut gates = rows.ask(&planning, &leavers, profile.as_ref(), store)?;
    rows.hold_back(&mut planning, &mut leavers, &mut gates)?;
    Ok(Ran {
        files,
        layout,
        spool,
        plan: planning.plan,
        gates,
        profile: profile.map(Profile::kept),
        late: planning.late,
        rules,
        run: job.run.clone(),
        from_plan: false,
        resumed_from: None,
        leavers,
        moves: planning.moves,
        keeps_leavers: false,
        counts_absences: true,
        stopped: None,
    })
}

/// The whole of it. Everything that is done to the database is done in here and in [`apply`].
///
/// # Errors
/// A refusal before any write; what stops it later is in [`Ran::stopped`].
pub fn import(job: &Job, store: &mut Store) -> Result<Ran> {
    let (mut files, layout) = open(job)?;
    let (spool, owners, groups, rules, profile) = read_people(job, &mut files, &layout)?;
    let clashes = settle(job, &files, &spool, owners)?;
    let (run, begun) = begin(job, &files, store)?;
    let guide = Guide::Pipeline(&clashes);
    let rows = Rows {
        job,
        layout: &layout,
        spool: &spool,
    };
    let mut planning = match_and_plan(&rows, &guide, &groups, Some(&begun), Some(store))?;
    let mut leavers = find_leavers(job, &files, &spool, Some(store))?;
    let gates = if begun.has_written() {
        // A part of the plan is done, so that it can't be judged a second time.
        let mut again = begun.gates.clone();
        rows.hold_back(&mut planning, &mut leavers, &mut again)?;
        begun.gates
    } else {
        let mut gates = rows.ask(&planning, &leavers, profile.as_ref(), Some(store))?;
        rows.hold_back(&mut planning, &mut leavers, &mut gates)?;
        gates
    };
    store.book_gates(&run.id, &gates)?;
    let needed = planning.needed_paths(&groups);
    let ran = Ran {
        files,
        layout,
        spool,
        plan: planning.plan,
        counts_absences: !gates::doubt_the_file(&gates),
        gates,
        profile: profile.map(Profile::kept),
        late: planning.late,
        rules,
        run,
        from_plan: false,
        resumed_from: begun.resumed_from,
        leavers,
        moves: planning.moves,
        keeps_leavers: false,
        stopped: None,
    };
    write(job, ran, &needed, store)
}

/// Exactly what a plan says, for those of its rows that are wanted. A row whose account is no
/// longer what the check saw is held, or decided anew. Nothing is held for being much: whoever
/// applies a plan has seen it. What the plan itself holds stays held until it is approved.
///
/// # Errors
/// As [`import`].
pub fn apply(job: &Job, mut order: Order, store: &mut Store) -> Result<Ran> {
    passwords::fetch(job, &mut order.plan)?;
    let file = &order.plan;
    let groups = groups_of(&file.spool, &file.layout, &job.pipeline.definition)?;
    let (run, begun) = begin(job, &file.files, store)?;
    let rows = Rows {
        job,
        layout: &file.layout,
        spool: &file.spool,
    };
    let guide = Guide::Plan(&order);
    let planning = match_and_plan(&rows, &guide, &groups, Some(&begun), Some(store))?;
    let mut leavers = Vec::new();
    let approves = order.approved != Classes::default();
    let was_counted = approves && !gates::doubt_the_file(&file.head.gates);
    if order.leavers {
        leavers = find_leavers(job, &file.files, &file.spool, Some(store))?;
        let leaving = match (approves, was_counted) {
            (false, _) => follow::Leaving::Planned,
            (true, true) => follow::Leaving::Counted,
            (true, false) => follow::Leaving::Doubted {
                overtaken: store.is_overtaken(&file.head.run)?,
            },
        };
        follow::hold_unplanned(&mut leavers, &file.leavers, order.replan, leaving);
    }
    let gates = if begun.has_written() {
        begun.gates
    } else {
        let seen = rows.ask(&planning, &leavers, None, Some(store))?;
        gates::after_a_look(seen, &file.head.gates, order.approved)
    };
    store.book_gates(&run.id, &gates)?;
    let needed = planning.needed_paths(&groups);
    let counts_absences = order.leavers && !was_counted;
    let file = order.plan;
    let ran = Ran {
        files: file.files,
        layout: file.layout,
        spool: file.spool,
        plan: planning.plan,
        gates,
        profile: file.head.profile,
        late: planning.late,
        rules: file.rules,
        run,
        from_plan: true,
        resumed_from: begun.resumed_from,
        leavers,
        moves: planning.moves,
        keeps_leavers: !order.leavers,
        counts_absences,
        stopped: None,
    };
    write(job, ran, &needed, store)
}

/// What [`apply`] is to do.
pub struct Order<'a> {
    /// The plan.
    pub plan: PlanFile,
    /// Its rows that are to be applied.
    pub wanted: &'a Wanted<'a>,
    /// Whether its leavers are to be deactivated, too.
    pub leavers: bool,
    /// Whether what drifted since the check is decided anew.
    pub replan: bool,
    /// What the plan's run held and somebody let through.
    pub approved: Classes,
}

/// By what the rows are decided.
enum Guide<'a> {
    /// By the pipeline, knowing how the clashes of the file ended.
    Pipeline(&'a BTreeMap<RowNumber, Decision>),
    /// By a plan, as long as the accounts are what it saw.
    Plan(&'a Order<'a>),
}

/// A file of the run and what its columns became.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InputFile {
    /// The file.
    pub source: Source,
    /// What each column became.
    pub targets: Vec<Target>,
    /// How the columns fill the layout.
    pub mapping: Mapping,
}

/// Batches that go through the parallel passes together. Enough to keep the cores busy, few
/// enough that memory doesn't notice.
const GROUP_BATCHES: usize = 8;

/// What reading all rows leaves: the rows, who has which key, the groups by key, rule counts, and
/// what the rows look like where that is compared.
type FileTruth = (
    Spool,
    Owners,
    BTreeMap<String, String>,
    [u64; 32],
    Option<Profile>,
);

fn open(job: &Job) -> Result<(Vec<InputFile>, Layout)> {
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
    let files = opened.into_iter().map(|(source, targets)| InputFile {
        mapping: map::mapping(&targets, &layout, definition),
        source,
        targets,
    });
    Ok((files.collect(), layout))
}

/// read → clean → dedupe → validate, for all files, into the spool. Where dates leave the order of
/// day and month open and the whole column settles it, all is read again in that order.
fn read_people(job: &Job, files: &mut [InputFile], layout: &Layout) -> Result<FileTruth> {
    let definition = &job.pipeline.definition;
    let mut definitions = vec![definition.clone(); files.len()];
    let (truth, dates) = read_once(job, files, layout, &definitions)?;
    if definition.clean.date_order != DateOrder::Unknown
        || dates
            .iter()
            .all(|dates| dates.order() == DateOrder::Unknown)
    {
        return Ok(truth);
    }
    drop(truth);
    for ((file, definition), dates) in files.iter_mut().zip(&mut definitions).zip(dates) {
        definition.clean.date_order = dates.order();
        file.mapping.date_order_found = (dates.order() != DateOrder::Unknown).then_some(dates);
    }
    Ok(read_once(job, files, layout, &definitions)?.0)
}

/// One pass over all rows, each file by its own definition; and what each says of its dates.
fn read_once(
    job: &Job,
    files: &[InputFile],
    layout: &Layout,
    definitions: &[Definition],
) -> Result<(FileTruth, Vec<Evidence>)> {
    let mut dates = vec![Evidence::default(); files.len()];
    let profiled = is_compared(files, &job.pipeline.definition);
    let mut truth: FileTruth = (
        Spool::new()?,
        Owners::default(),
        BTreeMap::new(),
        [0; 32],
        profiled.then(Profile::default),
    );
    let mut seen = Seen::default();
    job.progress.begin("read", None);
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(GROUP_BATCHES);
        let reader = scope.spawn(move || read_files(files, |cells| sender.send(cells).is_ok()));
        while let Some(group) = next_group(&receiver) {
            if job.stop.load(Ordering::Relaxed) {
                return Err(stopped_early());
            }
            for cells in &group {
                let file = usize::from(cells.source);
                dates[file].add(date_evidence(cells, &files[file].mapping, layout));
            }
            let drafts = clean_group(job, files, layout, definitions, group);
            let verdicts = find_duplicates(&drafts, &mut seen, &truth.0)?;
            let people: Vec<_> = drafts
                .into_par_iter()
                .zip(verdicts)
                .map(|((drafts, _), verdicts)| {
                    let definition = &definitions[usize::from(drafts.source)];
                    let people = validate(drafts, verdicts, layout, definition);
                    let hashes = key_hashes(&people, job.run.seed);
                    let profile = profiled.then(|| Profile::of(&people.drafts, layout));
                    (
                        encode(&people),
                        hashes,
                        group_paths(&people, layout, definition),
                        profile,
                        people,
                    )
                })
                .collect();
            for (encoded, hashes, paths, profile, people) in people {
                if let (Some(all), Some(profile)) = (&mut truth.4, profile) {
                    all.add(profile);
                }
                truth.0.push(&encoded)?;
                truth.1.note(&people, &hashes);
                for (key, path) in paths {
                    truth.2.entry(key).or_insert(path);
                }
                let counts = truth.3.iter_mut().zip(people.drafts.rule_counts);
                counts.for_each(|(sum, count)| *sum += u64::from(count));
                job.progress
                    .add(people.len() as u64, part_read(files, &people));
            }
        }
        reader
            .join()
            .unwrap_or_else(|_| Err(Refusal::new(Code::FileDamaged, "the reader broke off")))
    })?;
    job.progress.end();
    Ok((truth, dates))
}

/// Cleans batches side by side, and takes the fingerprints of their rows.
fn clean_group(
    job: &Job,
    files: &[InputFile],
    layout: &Layout,
    definitions: &[Definition],
    group: Vec<Cells>,
) -> Vec<(Drafts, Vec<u128>)> {
    let clean = |cells: Cells| {
        let file = usize::from(cells.source);
        let drafts = clean(cells, &files[file].mapping, layout, &definitions[file]);
        let prints = fingerprints(&drafts, job.run.seed);
        (drafts, prints)
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
/// part of a file, and look like no other.
fn is_compared(files: &[InputFile], definition: &Definition) -> bool {
    let gates = &definition.gates;
    let corrected = |file: &InputFile| file.targets.contains(&Target::Own);
    gates.enabled
        && gates.content == Content::Hold
        && !files.is_empty()
        && !files.iter().any(corrected)
}

fn read_files(files: &[InputFile], mut send: impl FnMut(Cells) -> bool) -> Result<()> {
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

fn find_duplicates(
    group: &[(Drafts, Vec<u128>)],
    seen: &mut Seen,
    spool: &Spool,
) -> Result<Vec<Vec<Verdict>>> {
    let mut verdicts: Vec<Vec<Verdict>> = Vec::with_capacity(group.len());
    for (drafts, prints) in group {
        let mut of_batch = Vec::with_capacity(prints.len());
        for (index, print) in prints.iter().enumerate() {
            let equal = |earlier: RowNumber| {
                let same =
                    |values: &mut dyn Iterator<Item = &str>| drafts.values.row(index).eq(values);
                // An earlier row is in this group, or in the spool.
                let here = group.iter().find(|(other, _)| {
                    earlier >= other.first_row
                        && ((earlier - other.first_row) as usize) < other.places.len()
                });
                match here {
                    Some((other, _)) => Ok(same(
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
fn groups_of(
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

fn settle(
    job: &Job,
    files: &[InputFile],
    spool: &Spool,
    owners: Owners,
) -> Result<BTreeMap<RowNumber, Decision>> {
    let mut places: HashMap<RowNumber, String> = HashMap::new();
    let mut wanted = owners.clashing();
    wanted.sort_unstable();
    wanted.dedup();
    // One batch is read once, whatever the number of its rows that clash.
    for rows in wanted.chunk_by(|a, b| spool.batch_of(*a) == spool.batch_of(*b)) {
        let people = spool.read(spool.batch_of(rows[0]))?;
        for row in rows {
            let index = (row - people.drafts.first_row) as usize;
            let file = files[usize::from(people.drafts.source)]
                .source
                .path
                .display();
            places.insert(*row, format!("{file}:{}", people.drafts.places[index].line));
        }
    }
    let place = |row| places.get(&row).cloned().unwrap_or_default();
    Ok(owners.settle(job.pipeline.definition.rows.clashes, place))
}

/// Begins the run in the books, or takes up the one that was cut off.
fn begin(job: &Job, files: &[InputFile], store: &Store) -> Result<(RunKey, Begun)> {
    let inputs: Vec<String> = files
        .iter()
        .map(|file| file.source.sha256.clone())
        .collect();
    let folder = job.folder.display().to_string();
    let begun = store.begin_run(&job.run.id, job.run.seed, &inputs, job.pipeline, &folder)?;
    let run = RunKey {
        id: begun.id.clone(),
        seed: begun.seed,
        started_ms: begun.started_ms,
    };
    Ok((run, begun))
}

/// What the plan leaves.
struct Planning {
    plan: PlanSpool,
    /// Outcomes that were found after a batch was planned.
    late: BTreeMap<RowNumber, (Outcome, Vec<Issue>)>,
    /// Keys of the groups that the accounts will be in.
    needed: BTreeSet<String>,
    /// Keys of the files' groups that don't exist yet.
    new_groups: HashSet<String>,
    /// The rows that pass on keys to each other.
    moves: Moves,
    /// What all rows together would do, those aside that were found late.
    facts: Facts,
}

impl Planning {
    /// The groups that are to be there. One that isn't in the file exists, so that its key will do as
    /// its path.
    fn needed_paths(&self, groups: &BTreeMap<String, String>) -> Vec<String> {
        let path = |key: &String| groups.get(key).unwrap_or(key).clone();
        self.needed.iter().map(path).collect()
    }
}

/// Whether it matters in which groups people are.
fn asks_for_groups(layout: &Layout, definition: &Definition) -> bool {
    let lists_groups = |field: Field| field.lists_groups() && layout.field(field).is_some();
    definition.groups.required || Field::ALL.into_iter().any(lists_groups)
}

/// The groups that there are, and what the accounts say about the rows, to be read in their order.
fn ask_store<'a>(rows: &Rows, store: Option<&'a Store>) -> Result<(Tree, Option<Matches<'a>>)> {
    let Rows { job, layout, spool } = *rows;
    let definition = &job.pipeline.definition;
    let with_groups = asks_for_groups(layout, definition);
    let tree = match store.filter(|_| with_groups) {
        Some(store) => store.group_tree(&definition.groups)?,
        None => Tree::new(HashMap::new(), &definition.groups),
    };
    let mut matches = None;
    if let Some(store) = store
        && store.has_accounts()?
    {
        send_keys(job, spool, store)?;
        let with_past = definition.update.asks_who();
        matches = Some(store.run_match(&definition.matching.keys(), with_groups, with_past)?);
    }
    Ok((tree, matches))
}

/// match → plan, for all batches. `begun` has what an earlier try of this run decided and wrote.
fn match_and_plan(
    rows: &Rows,
    guide: &Guide,
    groups: &BTreeMap<String, String>,
    begun: Option<&Begun>,
    store: Option<&Store>,
) -> Result<Planning> {
    let Rows { job, layout, spool } = *rows;
    let nothing = Begun::default();
    let begun = begun.unwrap_or(&nothing);
    let definition = &job.pipeline.definition;
    let (tree, mut matches) = ask_store(rows, store)?;
    let judge = Judge {
        layout,
        definition,
        regardless: &regardless(definition),
        guide,
        written: &begun.written,
        moved: &begun.moved,
        hold: Hold::of(&begun.gates, definition.gates.on_hold),
        tree: &tree,
    };
    let mut plan = PlanSpool::new()?;
    let mut twice = Twice::default();
    let mut needed = BTreeSet::new();
    let (mut pending, mut releases) = (Vec::new(), Vec::new());
    let mut facts = Facts::default();
    job.progress.begin("match", Some(spool.rows()));
    for first in (0..spool.batches()).step_by(GROUP_BATCHES) {
        if job.stop.load(Ordering::Relaxed) {
            return Err(stopped_early());
        }
        let range = first..(first + GROUP_BATCHES).min(spool.batches());
        let last = spool.first_row(range.end - 1) + spool.rows_in(range.end - 1) as RowNumber - 1;
        let found = matches
            .as_mut()
            .map_or(Ok(Vec::new()), |matches| matches.through(last))?;
        let planned: Vec<(People, Planned, moves::Found, Facts)> = range
            .into_par_iter()
            .map(|batch| {
                let people = spool.read(batch)?;
                let (planned, moving) = judge.plan(batch, &people, &found)?;
                let facts = rows.facts(&people, &planned, |_| true);
                Ok((people, planned, moving, facts))
            })
            .collect::<Result<_>>()?;
        for (people, planned, moving, more) in &planned {
            facts.add(more);
            pending.extend_from_slice(&moving.pending);
            releases.extend_from_slice(&moving.releases);
            twice.note(people.drafts.first_row, planned);
            needed.extend(needed_groups(people, planned, layout, definition));
            plan.push(planned)?;
            job.progress.add(people.len() as u64, None);
        }
    }
    job.progress.end();
    let is_out = |row: RowNumber, account: Option<Uuid>| {
        twice.late.contains_key(&row) || account.is_some_and(|account| twice.has(account))
    };
    let moves = moves::settle(pending, &releases, is_out);
    for (row, action) in &moves.settled {
        twice.late.insert(*row, (action.outcome(), Vec::new()));
    }
    needed.extend(moves.groups.iter().cloned());
    let is_new = |key: &&String| !tree.has(key);
    Ok(Planning {
        plan,
        late: twice.late,
        needed,
        new_groups: groups.keys().filter(is_new).cloned().collect(),
        moves,
        facts,
    })
}

fn send_keys(job: &Job, spool: &Spool, store: &Store) -> Result<()> {
    // A few keys too many cost little, and the corrections of a full list are short.
    let definition = &job.pipeline.definition;
    let full_list = definition.leavers.missing == Missing::Deactivate
        || definition.accounts.dates == Dates::Schedule;
    store.begin_match()?;
    job.progress.begin("keys", Some(spool.rows()));
    for first in (0..spool.batches()).step_by(GROUP_BATCHES) {
        let range = first..(first + GROUP_BATCHES).min(spool.batches());
        let frames: Vec<_> = range
            .into_par_iter()
            .map(|batch| {
                spool
                    .read(batch)
                    .map(|people| (load::encode_keys(&people, full_list), people.len()))
            })
            .collect::<Result<_>>()?;
        for (frame, rows) in frames {
            store.push_keys(frame)?;
            job.progress.add(rows as u64, None);
        }
    }
    Ok(())
}

/// Whether who isn't in the files has left. A file of corrections, which has muster's own columns,
/// names only those who were left over.
fn is_full_list(job: &Job, files: &[InputFile]) -> bool {
    let mut headers = files.iter().flat_map(|file| &file.source.header);
    job.pipeline.definition.leavers.missing == Missing::Deactivate
        && !files.is_empty()
        && !headers.any(|name| is_own(name))
}

/// Whom a full list no longer names, judged by the keys that the match was sent, and whose last or
/// first day has come. In order of their accounts, each once.
fn find_leavers(
    job: &Job,
    files: &[InputFile],
    spool: &Spool,
    store: Option<&Store>,
) -> Result<Vec<Leaver>> {
    let definition = &job.pipeline.definition;
    let Some(store) = store else {
        return Ok(Vec::new());
    };
    let (full_list, day) = (is_full_list(job, files), definition.accounts.day());
    if !full_list && day.is_none() || !store.has_accounts()? {
        return Ok(Vec::new());
    }
    let mut unknown_rows = 0;
    for batch in 0..spool.batches() {
        unknown_rows += load::rows_without_key(&spool.read(batch)?);
    }
    let mut leavers = Vec::new();
    if let Some(day) = day {
        let opens = definition.accounts.onboarding == Onboarding::Setup;
        leavers = store.find_due(definition.source(), day, opens)?;
    }
    if full_list {
        leavers.extend(store.find_leavers(definition.source())?);
    }
    // A last day needs no grace.
    leavers.sort_by_key(|leaver| (leaver.account, leaver.why != Why::EndDate));
    leavers.dedup_by_key(|leaver| leaver.account);
    leavers::decide(&mut leavers, definition, unknown_rows);
    Ok(leavers)
}

/// Deactivates the leavers whose time has come, lets in who begins, and counts the run for the
/// others who are missing.
fn settle_leavers(job: &Job, ran: &Ran, store: &mut Store) -> Result<()> {
    let counts = ran.counts_absences && is_full_list(job, &ran.files);
    if !counts && ran.leavers.is_empty() {
        return Ok(());
    }
    let of = |wanted: fn(&Leaver) -> bool| -> Vec<Uuid> {
        let some = ran.leavers.iter().filter(|leaver| wanted(leaver));
        some.map(|leaver| leaver.account).collect()
    };
    let missing =
        counts.then(|| of(|leaver| leaver.why == Why::Missing && leaver.fate != Fate::Protected));
    let gone = of(|leaver| leaver.fate == Fate::Deactivated);
    let begun = of(|leaver| leaver.fate == Fate::Activated);
    let source = job.pipeline.definition.source();
    store
        .settle_leavers(&ran.run.id, source, missing.as_deref(), &gone, &begun)
        .map_err(|refusal| refusal.exit(Exit::Stopped))?;
    Ok(())
}

/// All that planning a row needs besides the row and its match.
struct Judge<'a> {
    layout: &'a Layout,
    definition: &'a Definition,
    regardless: &'a Definition,
    guide: &'a Guide<'a>,
    written: &'a [(RowNumber, Vec<Outcome>)],
    moved: &'a HashSet<RowNumber>,
    /// What the gates held when the first of `written` was written.
    hold: Hold,
    tree: &'a Tree,
}

impl Judge<'_> {
    /// Plans batch number `batch`. `found` are matches in row order, of this batch and others.
    fn plan(
        &self,
        batch: usize,
        people: &People,
        found: &[(RowNumber, Matched)],
    ) -> Result<(Planned, moves::Found)> {
        let first = people.drafts.first_row;
        let keys = self.definition.matching.keys();
        let lines = match self.guide {
            Guide::Plan(order) => follow::lines(order.plan.plan.read(batch)?, first),
            Guide::Pipeline(_) => Vec::new(),
        };
        let mut moving = moves::Found::default();
        let written = self.written_outcomes(first, people.len());
        if let (Guide::Plan(_), Some(outcomes)) = (self.guide, &written) {
            let planned = Planned {
                written: true,
                issues: follow::issues_of_written(lines, outcomes),
                outcomes: outcomes.clone(),
                ..Planned::default()
            };
            return Ok((planned, moving));
        }
        let mut planned = Planned {
            written: written.is_some(),
            ..Planned::default()
        };
        let mut lines = lines.into_iter();
        let mut found = found[found.partition_point(|(row, _)| *row < first)..]
            .iter()
            .peekable();
        for index in 0..people.len() {
            let row = first + index as RowNumber;
            let matched = found
                .next_if(|(at, _)| *at == row)
                .map(|(_, matched)| matched);
            let line = lines.next();
            let was = written.as_ref().map(|outcomes| outcomes[index]);
            if let Some(done) = was.filter(|outcome| *outcome != Outcome::Held) {
                planned.outcomes.push(done);
                continue;
            }
            let person = Person {
                people,
                index,
                layout: self.layout,
            };
            if self.moved.contains(&row) {
                planned.outcomes.push(Outcome::Updated);
                continue;
            }
            let (mut action, mut issues) = self.judge(&person, matched, line);
            if let Some(matched) = matched {
                planned.traces.push(Trace::new(row, matched, &keys));
                self.note_moves(&person, matched, &mut action, &mut issues, &mut moving);
            }
            if was.is_some() {
                issues.extend(self.held_again(&person, &action));
            }
            planned.outcomes.push(was.unwrap_or(action.outcome()));
            planned.issues.append(&mut issues);
            if let Some(account) = matched.and_then(|matched| matched.account.as_ref()) {
                planned.accounts.push((row, account.id));
            }
            if let Action::Update(update) = action {
                planned.updates.push((row, *update));
            }
        }
        Ok((planned, moving))
    }

    /// Keys that a row gives up, and rows that only stay out because somebody has their keys.
    fn note_moves(
        &self,
        person: &Person,
        matched: &Matched,
        action: &mut Action,
        issues: &mut Vec<Issue>,
        moving: &mut moves::Found,
    ) {
        let row = person.row();
        // Only a plan says that a row goes in whose keys others have: it counts on their giving them up.
        if let Some((issue, needs)) = follow::keys_of_others(person, matched, action) {
            let action = std::mem::replace(action, Action::Leave(Outcome::Held));
            issues.push(issue);
            moving
                .pending
                .push(pending(person, matched, action, needs, self.definition));
            return;
        }
        if let Action::Update(update) = action {
            moving.releases.extend(released(row, matched, update));
        }
        if !issues.iter().any(stands_in_the_way) {
            return;
        }
        let Some((free, needs)) = without_taken_keys(person, matched) else {
            return;
        };
        let (action, issues) = self.judge(person, Some(&free), None);
        let stays_out = issues
            .iter()
            .any(|issue| self.definition.rejects(issue.code));
        if !stays_out && !matches!(action, Action::Leave(_)) {
            moving
                .pending
                .push(pending(person, &free, action, needs, self.definition));
        }
    }

    /// Decides a row; by `line`, where a plan has one for it.
    fn judge(
        &self,
        person: &Person,
        matched: Option<&Matched>,
        line: Option<Line>,
    ) -> (Action, Vec<Issue>) {
        let decide = |person: &Person, matched: Option<&Matched>, definition: &Definition| {
            decide(person, matched, definition, self.tree)
        };
        match (self.guide, line) {
            (Guide::Pipeline(clashes), _) => self.judge_row(person, matched, clashes),
            (Guide::Plan(_), None) => decide(person, matched, self.definition),
            (Guide::Plan(order), Some(line)) => {
                let follow = Follow {
                    definition: self.definition,
                    regardless: self.regardless,
                    wanted: order.wanted,
                    replan: order.replan,
                    decide: &decide,
                    group_exists: &|key| self.tree.has(key),
                };
                follow.row(person, matched, line)
            }
        }
    }

    fn judge_row(
        &self,
        person: &Person,
        matched: Option<&Matched>,
        clashes: &BTreeMap<RowNumber, Decision>,
    ) -> (Action, Vec<Issue>) {
        match person.people.verdicts[person.index] {
            Verdict::Duplicate(_) => return (Action::Leave(Outcome::Duplicate), Vec::new()),
            Verdict::Kept | Verdict::Rejected => {}
        }
        let mut issues = Vec::new();
        let mut action = None;
        if let Some(clash) = clashes.get(&person.row()) {
            issues.extend_from_slice(&clash.issues);
            if !clash.stays {
                let skips = self.definition.rows.clashes != Clashes::Reject;
                action = Some(if skips {
                    Outcome::Skipped
                } else {
                    Outcome::Rejected
                });
            }
        }
        if person.people.verdicts[person.index] == Verdict::Rejected
            || issues
                .iter()
                .any(|issue| self.definition.rejects(issue.code))
        {
            action = Some(Outcome::Rejected);
        }
        match action {
            Some(outcome) => (Action::Leave(outcome), issues),
            None => {
                let (action, found) = decide(person, matched, self.definition, self.tree);
                issues.extend(found);
                (action, issues)
            }
        }
    }

    /// Why an earlier try of this run held the row, which it did.
    fn held_again(&self, person: &Person, action: &Action) -> Vec<Issue> {
        let change = match action {
            Action::Create => Change::Create(status_of_new(person, self.definition)),
            Action::Update(update) => Change::Update(update),
            Action::Leave(_) => return Vec::new(),
        };
        let joins_new = joins(person, change, self.definition)
            .iter()
            .any(|key| !self.tree.has(key));
        let classes = change.classes(&self.definition.accounts.roles);
        held_issues(
            person.row(),
            self.hold,
            classes.with_if(Class::NewGroups, joins_new),
        )
    }

    /// The outcomes of a batch that an earlier try wrote.
    fn written_outcomes(&self, first: RowNumber, count: usize) -> Option<Vec<Outcome>> {
        let chunk = self
            .written
            .partition_point(|(row, _)| *row <= first)
            .checked_sub(1)?;
        let (row, outcomes) = &self.written[chunk];
        let start = (first - row) as usize;
        outcomes.get(start..start + count).map(<[Outcome]>::to_vec)
    }
}

/// A row that goes in if the `needs` are met.
fn pending(
    person: &Person,
    matched: &Matched,
    action: Action,
    needs: Vec<(Key, Uuid)>,
    definition: &Definition,
) -> Pending {
    let row = person.row();
    let (account, releases, groups) = match &action {
        Action::Update(update) => (
            Some(update.account),
            released(row, matched, update),
            joined(update).collect(),
        ),
        _ => (None, Vec::new(), named(person.said(), definition)),
    };
    Pending {
        row,
        account,
        action,
        needs,
        releases,
        groups,
    }
}

/// The keys that an update gives up.
fn released(row: RowNumber, matched: &Matched, update: &Update) -> Vec<Release> {
    let Some(account) = &matched.account else {
        return Vec::new();
    };
    [Key::Email, Key::Username]
        .into_iter()
        .zip(account.keys.iter().zip(&update.keys))
        .filter(|(_, (held, wanted))| held.is_some() && held != wanted)
        .map(|(key, _)| Release {
            row,
            key,
            account: account.id,
        })
        .collect()
}

/// Finds accounts that several rows are about, by different keys. All such rows are rejected.
#[derive(Default)]
struct Twice {
    accounts: HashTable<(u64, RowNumber)>,
    late: BTreeMap<RowNumber, (Outcome, Vec<Issue>)>,
}

impl Twice {
    fn note(&mut self, first_row: RowNumber, planned: &Planned) {
        for (row, account) in &planned.accounts {
            let outcome = planned.outcomes[(row - first_row) as usize];
            if !matches!(outcome, Outcome::Updated | Outcome::Unchanged) {
                continue;
            }
            let hash = xxh3_64(account.as_bytes());
            match self.accounts.find(hash, |(other, _)| *other == hash) {
                Some((_, earlier)) => {
                    let earlier = *earlier;
                    for row in [earlier, *row] {
                        let detail = format!("account {account} is matched by several rows");
                        let issue = Issue::of_row(Code::MatchTwice, row, detail);
                        self.late
                            .entry(row)
                            .or_insert((Outcome::Rejected, vec![issue]));
                    }
                }
                None => drop(
                    self.accounts
                        .insert_unique(hash, (hash, *row), |(hash, _)| *hash),
                ),
            }
        }
    }
}

impl Twice {
    /// Whether a row that goes in is about the account.
    fn has(&self, account: Uuid) -> bool {
        let hash = xxh3_64(account.as_bytes());
        self.accounts
            .find(hash, |(other, _)| *other == hash)
            .is_some()
    }
}

/// The keys of the groups that the rows of a batch will be in by themselves.
fn needed_groups(
    people: &People,
    planned: &Planned,
    layout: &Layout,
    definition: &Definition,
) -> BTreeSet<String> {
    let goes_on = |row: &RowNumber| {
        planned.outcomes[(row - people.drafts.first_row) as usize] == Outcome::Updated
    };
    let updates = planned.updates.iter().filter(|(row, _)| goes_on(row));
    let mut keys: BTreeSet<String> = updates.flat_map(|(_, update)| joined(update)).collect();
    let created = planned.outcomes.iter().enumerate();
    let created = created.filter(|(_, outcome)| **outcome == Outcome::Created);
    let said = |(index, _)| {
        let person = Person {
            people,
            index,
            layout,
        };
        person.said()
    };
    // A batch has far fewer such cells than rows.
    let said: HashSet<Said> = created.map(said).collect();
    keys.extend(said.into_iter().flat_map(|said| named(said, definition)));
    keys
}

/// The keys of the groups that an update joins. Those of inherited memberships come with them.
fn joined(update: &Update) -> impl Iterator<Item = String> {
    let parts = update.joins.iter().map(|entry| membership::parts(entry));
    parts
        .filter(|(_, role)| role.is_none())
        .map(|(key, _)| key.to_string())
}

/// The keys of the groups that a new account joins.
fn named(said: Said, definition: &Definition) -> Vec<String> {
    said.for_new(&definition.update)
        .named(&definition.groups)
        .map(|(path, _)| group::key(path))
        .collect()
}

/// load: makes the groups, writes the rows, settles the leavers. What stops it on the way is in the
/// result, not an error: rows are in by then.
fn write(job: &Job, mut ran: Ran, needed: &[String], store: &mut Store) -> Result<Ran> {
    let groups = store.create_groups(needed, &ran.run, &job.pipeline.definition.groups)?;
    ran.stopped = load_chunks(job, &mut ran, &groups, store)
        .map_err(|refusal| refusal.exit(Exit::Stopped))?;
    if ran.stopped.is_none() && !ran.keeps_leavers {
        settle_leavers(job, &ran, store)?;
    }
    Ok(ran)
}

fn load_chunks(job: &Job, ran: &mut Ran, groups: &Tree, store: &Store) -> Result<Option<Refusal>> {
    if let Some(failure) = load_moves(job, ran, groups, store)? {
        return Ok(Some(failure));
    }
    let definition = &job.pipeline.definition;
    let Ran {
        layout,
        spool,
        plan,
        moves,
        run,
        late,
        ..
    } = ran;
    let chunks = chunks(spool, definition.load.chunk_rows);
    let mut loader = store.loader(definition.load.connections, run)?;
    let mut waiting: BTreeMap<RowNumber, Vec<Outcome>> = BTreeMap::new();
    let mut stopped = None;
    job.progress.begin("write", Some(spool.rows()));
    for some in chunks.chunks(definition.load.connections) {
        let encoded: Vec<load::Chunk> = some
            .par_iter()
            .map(|batches| {
                let read = |batch: usize| {
                    Ok((
                        spool.read_with_passwords(batch)?,
                        planned_now(plan.read(batch)?, spool, batch, moves, late),
                    ))
                };
                let pairs = batches.clone().map(read).collect::<Result<Vec<_>>>()?;
                Ok(load::encode(&pairs, layout, definition, run, groups))
            })
            .collect::<Result<_>>()?;
        for chunk in encoded {
            if chunk.is_idle() {
                job.progress.add(chunk.outcomes.len() as u64, None);
                continue;
            }
            waiting.insert(chunk.first_row, chunk.outcomes.clone());
            if stopped.is_none() && job.stop.load(Ordering::Relaxed) {
                stopped =
                    Some(Refusal::new(Code::RunStopped, "stopped as asked").exit(Exit::Stopped));
            }
            if stopped.is_none() && !loader.send(chunk) {
                stopped =
                    Some(Refusal::new(Code::RunStopped, "writing broke off").exit(Exit::Stopped));
            }
        }
        for written in loader.take() {
            settle_chunk(job, written, &mut waiting, late);
        }
    }
    let (rest, failure) = loader.finish();
    for written in rest {
        settle_chunk(job, written, &mut waiting, late);
    }
    job.progress.end();
    // What was planned and is not in waits for the next try.
    for (first_row, outcomes) in waiting {
        for (row, outcome) in (first_row..).zip(outcomes) {
            if matches!(outcome, Outcome::Created | Outcome::Updated) {
                late.insert(row, (Outcome::Held, Vec::new()));
            }
        }
    }
    Ok(failure.or(stopped))
}

/// Successive batches of at least `rows` rows.
fn chunks(spool: &Spool, rows: usize) -> Vec<std::ops::Range<usize>> {
    let mut chunks = Vec::new();
    let (mut start, mut count) = (0, 0);
    for batch in 0..spool.batches() {
        count += spool.rows_in(batch);
        if count >= rows || batch + 1 == spool.batches() {
            chunks.push(start..batch + 1);
            (start, count) = (batch + 1, 0);
        }
    }
    chunks
}

/// A batch's plan with what was decided after it. What is written already needs no second time.
fn planned_now(
    mut planned: Planned,
    spool: &Spool,
    batch: usize,
    moves: &Moves,
    late: &BTreeMap<RowNumber, (Outcome, Vec<Issue>)>,
) -> Planned {
    let first = spool.first_row(batch);
    if planned.written {
        planned.outcomes.fill(Outcome::Unchanged);
        planned.accounts.clear();
    }
    for (row, (outcome, _)) in late.range(first..first + planned.outcomes.len() as RowNumber) {
        planned.outcomes[(row - first) as usize] = *outcome;
    }
    // What is held keeps its update in the plan, and is not written.
    let outcomes = &planned.outcomes;
    let is_done = |row: RowNumber| outcomes[(row - first) as usize] == Outcome::Updated;
    planned.updates.retain(|(row, _)| is_done(*row));
    planned
        .updates
        .retain(|(row, _)| !moves.together.contains(row));
    planned
}

/// Before all chunks, the rows that pass on keys to each other, all at once: so nobody is ever
/// without an address, and a key that is given up is free when a new person gets it.
fn load_moves(job: &Job, ran: &mut Ran, groups: &Tree, store: &Store) -> Result<Option<Refusal>> {
    let Ran {
        spool,
        plan,
        moves,
        run,
        late,
        ..
    } = ran;
    let mut updates = Vec::with_capacity(moves.together.len());
    for row in &moves.together {
        match moves.settled.get(row) {
            Some(Action::Update(update)) => updates.push((*row, update.as_ref().clone())),
            Some(_) => {}
            None => {
                let planned = plan.read(spool.batch_of(*row))?;
                updates.extend(planned.updates.into_iter().filter(|(at, _)| at == row));
            }
        }
    }
    if updates.is_empty() {
        return Ok(None);
    }
    let mut loader = store.loader(1, run)?;
    loader.send(load::encode_moves(&updates, groups));
    let (written, failure) = loader.finish();
    let mut waiting = BTreeMap::new();
    for written in written {
        settle_chunk(job, written, &mut waiting, late);
    }
    Ok(failure)
}

fn settle_chunk(
    job: &Job,
    written: Written,
    waiting: &mut BTreeMap<RowNumber, Vec<Outcome>>,
    late: &mut BTreeMap<RowNumber, (Outcome, Vec<Issue>)>,
) {
    waiting.remove(&written.first_row);
    job.progress.add(written.outcomes.len() as u64, None);
    for issue in written.issues {
        late.entry(issue.row)
            .or_insert((Outcome::Failed, Vec::new()))
            .1
            .push(issue);
    }
}

fn stopped_early() -> Refusal {
    Refusal::new(
        Code::RunStopped,
        "stopped as asked, before anything was written",
    )
    .help("run the same command again")
    .exit(Exit::Stopped)
}
