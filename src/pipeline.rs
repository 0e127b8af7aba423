//! THE page: all of a run, pass by pass.
//!
//! ```text
//! file ─ read ─ map ─ clean ─ dedupe ─ validate ─┐      the file's own truth: pure, parallel by batch
//!                                                ├─ match ─ plan ─┐      against the accounts: reads only
//!                                    database ───┘                ├─ load ─ record      writes, in chunks
//! ```
//!
//! The first half ends in a spool: no row of a clash can be judged, and nothing written, before
//! the last row is read. A check is an import that stops before `load`, so it tells the truth.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use hashbrown::HashTable;
use rayon::prelude::*;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::definition::{Clashes, Definition, Missing, Pipeline};
use crate::header::{Vocabulary, is_own};
use crate::issue::{Code, Issue};
use crate::outcome::{Exit, Outcome, Verdict};
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::row::{Cells, Drafts, Field, Key, Layout, People, RowNumber};
use crate::spool::{PlanSpool, Spool, encode};
use crate::stages::clash::{Decision, Owners, key_hashes};
use crate::stages::clean::clean;
use crate::stages::clean::group;
use crate::stages::dedupe::{Seen, fingerprints};
use crate::stages::leavers::{self, Fate, Leaver};
use crate::stages::load::{self, RunKey};
use crate::stages::map::{self, Mapping, Target};
use crate::stages::membership::{self, Tree};
use crate::stages::moves::{self, Moves, Pending, Release};
use crate::stages::plan::{Action, Matched, Person, Planned, Update, decide, without_taken_keys};
use crate::stages::read::{Source, Wanted};
use crate::stages::validate::validate;
use crate::store::Store;
use crate::store::loader::Written;
use crate::store::runs::Begun;

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
    /// Outcomes and issues that came after a batch was planned.
    pub late: BTreeMap<RowNumber, (Outcome, Vec<Issue>)>,
    /// How many values each cleaning rule changed.
    pub rules: [u64; 32],
    /// What names the run; of the first try, when this one went on with it.
    pub run: RunKey,
    /// RFC 3339, when this run was begun first and cut off.
    pub resumed_from: Option<String>,
    /// The rows that pass on keys to each other.
    pub moves: Moves,
    /// Accounts that a full list doesn't name, and what happens to them.
    pub leavers: Vec<Leaver>,
    /// Why it stopped before its end.
    pub stopped: Option<Refusal>,
}

/// What would happen, without a write.
///
/// # Errors
/// A refusal; nothing was written then.
pub fn check(job: &Job, store: Option<&mut Store>) -> Result<Ran> {
    let (files, layout) = open(job)?;
    let (spool, owners, groups, rules) = read_people(job, &files, &layout)?;
    let clashes = settle(job, &files, &spool, owners)?;
    let (plan, late, _, moves) = match_and_plan(
        job,
        &layout,
        &spool,
        &clashes,
        &groups,
        None,
        store.as_deref(),
    )?;
    let leavers = find_leavers(job, &files, &spool, store.as_deref())?;
    let run = job.run.clone();
    Ok(Ran {
        files,
        layout,
        spool,
        plan,
        late,
        rules,
        run,
        resumed_from: None,
        leavers,
        moves,
        stopped: None,
    })
}

/// The whole of it. Everything that is done to the database is done in here.
///
/// # Errors
/// A refusal before any write; what stops it later is in [`Ran::stopped`].
pub fn import(job: &Job, store: &mut Store) -> Result<Ran> {
    let (files, layout) = open(job)?;
    let (spool, owners, groups, rules) = read_people(job, &files, &layout)?;
    let clashes = settle(job, &files, &spool, owners)?;
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
    let (plan, mut late, needed, moves) = match_and_plan(
        job,
        &layout,
        &spool,
        &clashes,
        &groups,
        Some(&begun),
        Some(store),
    )?;
    let leavers = find_leavers(job, &files, &spool, Some(store))?;
    let groups = store.create_groups(&needed, &run, &job.pipeline.definition.groups)?;
    let stopped = load_chunks(
        job, &layout, &spool, &plan, &moves, &run, &groups, &mut late, store,
    )
    .map_err(|refusal| refusal.exit(Exit::Stopped))?;
    if stopped.is_none() {
        settle_leavers(job, &files, &run, &leavers, store)?;
    }
    Ok(Ran {
        files,
        layout,
        spool,
        plan,
        late,
        rules,
        run,
        resumed_from: begun.resumed_from,
        leavers,
        moves,
        stopped,
    })
}

/// A file of the run and what its columns became.
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

/// What reading all rows leaves: the rows, who has which key, the groups by key, rule counts.
type FileTruth = (Spool, Owners, BTreeMap<String, String>, [u64; 32]);

fn open(job: &Job) -> Result<(Vec<InputFile>, Layout)> {
    let definition = &job.pipeline.definition;
    let vocabulary = &Vocabulary::new(definition);
    let mut opened = Vec::with_capacity(job.files.len());
    for path in job.files {
        let mut source = Source::open(
            path,
            &Wanted {
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

/// read → clean → dedupe → validate, for all files, into the spool.
fn read_people(job: &Job, files: &[InputFile], layout: &Layout) -> Result<FileTruth> {
    let definition = &job.pipeline.definition;
    let mut truth: FileTruth = (Spool::new()?, Owners::default(), BTreeMap::new(), [0; 32]);
    let mut seen = Seen::default();
    job.progress.begin("read", None);
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(GROUP_BATCHES);
        let reader = scope.spawn(move || read_files(files, |cells| sender.send(cells).is_ok()));
        while let Some(group) = next_group(&receiver) {
            if job.stop.load(Ordering::Relaxed) {
                return Err(stopped_early());
            }
            let drafts: Vec<(Drafts, Vec<u128>)> = group
                .into_par_iter()
                .map(|cells| {
                    let mapping = &files[usize::from(cells.source)].mapping;
                    let drafts = clean(cells, mapping, layout, definition);
                    let prints = fingerprints(&drafts, job.run.seed);
                    (drafts, prints)
                })
                .collect();
            let verdicts = find_duplicates(&drafts, &mut seen, &truth.0)?;
            let people: Vec<_> = drafts
                .into_par_iter()
                .zip(verdicts)
                .map(|((drafts, _), verdicts)| {
                    let people = validate(drafts, verdicts, layout, definition);
                    let hashes = key_hashes(&people, job.run.seed);
                    (
                        encode(&people),
                        hashes,
                        group_paths(&people, layout, definition),
                        people,
                    )
                })
                .collect();
            for (encoded, hashes, paths, people) in people {
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
    Ok(truth)
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

/// What the plan leaves: its batches, late outcomes, the groups that are to be there, and the
/// rows that pass on keys.
type PlanTruth = (
    PlanSpool,
    BTreeMap<RowNumber, (Outcome, Vec<Issue>)>,
    Vec<String>,
    Moves,
);

/// match → plan, for all batches. `earlier` tells what an earlier try of this run wrote.
fn match_and_plan(
    job: &Job,
    layout: &Layout,
    spool: &Spool,
    clashes: &BTreeMap<RowNumber, Decision>,
    groups: &BTreeMap<String, String>,
    earlier: Option<&Begun>,
    store: Option<&Store>,
) -> Result<PlanTruth> {
    let nothing = Begun::default();
    let Begun { written, moved, .. } = earlier.unwrap_or(&nothing);
    let definition = &job.pipeline.definition;
    let lists_groups = |field: Field| field.lists_groups() && layout.field(field).is_some();
    let with_groups = definition.groups.required || Field::ALL.into_iter().any(lists_groups);
    let tree = match store.filter(|_| with_groups) {
        Some(store) => store.group_tree(&definition.groups)?,
        None => Tree::new(HashMap::new(), &definition.groups),
    };
    let mut matches = None;
    if let Some(store) = store
        && store.has_accounts()?
    {
        send_keys(job, spool, store)?;
        matches = Some(store.run_match(&definition.matching.keys(), with_groups)?);
    }
    let judge = Judge {
        layout,
        definition,
        clashes,
        written,
        moved,
        tree: &tree,
    };
    let mut plan = PlanSpool::new()?;
    let mut twice = Twice::default();
    let mut needed = BTreeSet::new();
    let (mut pending, mut releases) = (Vec::new(), Vec::new());
    job.progress.begin("match", Some(spool.rows()));
    for first in (0..spool.batches()).step_by(GROUP_BATCHES) {
        if job.stop.load(Ordering::Relaxed) {
            return Err(stopped_early());
        }
        let range = first..(first + GROUP_BATCHES).min(spool.batches());
        let people: Vec<People> = range
            .into_par_iter()
            .map(|batch| spool.read(batch))
            .collect::<Result<_>>()?;
        let last = people.last().map_or(0, |people| {
            people.drafts.first_row + people.len() as RowNumber - 1
        });
        let found = matches
            .as_mut()
            .map_or(Ok(Vec::new()), |matches| matches.through(last))?;
        let planned: Vec<(Planned, moves::Found)> = people
            .par_iter()
            .map(|people| judge.plan(people, &found))
            .collect();
        for (people, (planned, moving)) in people.iter().zip(&planned) {
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
    // A group that isn't in the file exists, so its key will do as its path.
    let needed = needed
        .into_iter()
        .map(|key| groups.get(&key).cloned().unwrap_or(key))
        .collect();
    Ok((plan, twice.late, needed, moves))
}

fn send_keys(job: &Job, spool: &Spool, store: &Store) -> Result<()> {
    // A few keys too many cost little, and the corrections of a full list are short.
    let full_list = job.pipeline.definition.leavers.missing == Missing::Deactivate;
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
        && !headers.any(|name| is_own(name))
}

/// Whom a full list no longer names, judged by the keys that the match was sent.
fn find_leavers(
    job: &Job,
    files: &[InputFile],
    spool: &Spool,
    store: Option<&Store>,
) -> Result<Vec<Leaver>> {
    let definition = &job.pipeline.definition;
    let Some(store) = store.filter(|_| is_full_list(job, files)) else {
        return Ok(Vec::new());
    };
    if !store.has_accounts()? {
        return Ok(Vec::new());
    }
    let mut unknown_rows = 0;
    for batch in 0..spool.batches() {
        unknown_rows += load::rows_without_key(&spool.read(batch)?);
    }
    let mut leavers = store.find_leavers(definition.source())?;
    leavers::decide(&mut leavers, definition, unknown_rows);
    Ok(leavers)
}

/// Deactivates the leavers whose time has come, and counts the run for the others.
fn settle_leavers(
    job: &Job,
    files: &[InputFile],
    run: &RunKey,
    leavers: &[Leaver],
    store: &mut Store,
) -> Result<()> {
    if !is_full_list(job, files) {
        return Ok(());
    }
    let of = |wanted: fn(&Leaver) -> bool| -> Vec<Uuid> {
        let some = leavers.iter().filter(|leaver| wanted(leaver));
        some.map(|leaver| leaver.account).collect()
    };
    let missing = of(|leaver| leaver.fate != Fate::Protected);
    let gone = of(|leaver| leaver.fate == Fate::Deactivated);
    let source = job.pipeline.definition.source();
    store
        .settle_leavers(&run.id, source, &missing, &gone)
        .map_err(|refusal| refusal.exit(Exit::Stopped))?;
    Ok(())
}

/// All that planning a row needs besides the row and its match.
struct Judge<'a> {
    layout: &'a Layout,
    definition: &'a Definition,
    clashes: &'a BTreeMap<RowNumber, Decision>,
    written: &'a [(RowNumber, Vec<Outcome>)],
    moved: &'a HashSet<RowNumber>,
    tree: &'a Tree,
}

impl Judge<'_> {
    /// Plans a batch. `found` are matches in row order, of this batch and others.
    fn plan(&self, people: &People, found: &[(RowNumber, Matched)]) -> (Planned, moves::Found) {
        let first = people.drafts.first_row;
        let mut moving = moves::Found::default();
        if let Some(outcomes) = self.written_outcomes(first, people.len()) {
            let planned = Planned {
                written: true,
                outcomes,
                ..Planned::default()
            };
            return (planned, moving);
        }
        let mut planned = Planned::default();
        let mut found = found[found.partition_point(|(row, _)| *row < first)..]
            .iter()
            .peekable();
        for index in 0..people.len() {
            let row = first + index as RowNumber;
            let matched = found
                .next_if(|(at, _)| *at == row)
                .map(|(_, matched)| matched);
            let person = Person {
                people,
                index,
                layout: self.layout,
            };
            if self.moved.contains(&row) {
                planned.outcomes.push(Outcome::Updated);
                continue;
            }
            let (action, mut issues) = self.judge(&person, matched);
            if let Some(matched) = matched {
                self.note_moves(&person, matched, &action, &issues, &mut moving);
            }
            planned.outcomes.push(action.outcome());
            planned.issues.append(&mut issues);
            if let Some(account) = matched.and_then(|matched| matched.account.as_ref()) {
                planned.accounts.push((row, account.id));
            }
            if let Action::Update(update) = action {
                planned.updates.push((row, *update));
            }
        }
        (planned, moving)
    }

    /// Keys that a row gives up, and rows that only stay out because somebody has their keys.
    fn note_moves(
        &self,
        person: &Person,
        matched: &Matched,
        action: &Action,
        issues: &[Issue],
        moving: &mut moves::Found,
    ) {
        let row = person.row();
        if let Action::Update(update) = action {
            moving.releases.extend(released(row, matched, update));
        }
        let is_about_keys =
            |issue: &Issue| matches!(issue.code, Code::MatchAmbiguous | Code::MatchConflict);
        if !issues.iter().any(is_about_keys) {
            return;
        }
        let Some((free, needs)) = without_taken_keys(person, matched) else {
            return;
        };
        let (action, issues) = self.judge(person, Some(&free));
        let stays_out = issues
            .iter()
            .any(|issue| self.definition.rejects(issue.code));
        if stays_out || matches!(action, Action::Leave(_)) {
            return;
        }
        let releases = match &action {
            Action::Update(update) => released(row, &free, update),
            _ => Vec::new(),
        };
        let groups = match &action {
            Action::Update(update) => joined(update).collect(),
            _ => named(person, self.definition).collect(),
        };
        moving.pending.push(Pending {
            groups,
            row,
            account: free.account.map(|account| account.id),
            action,
            needs,
            releases,
        });
    }

    fn judge(&self, person: &Person, matched: Option<&Matched>) -> (Action, Vec<Issue>) {
        match person.people.verdicts[person.index] {
            Verdict::Duplicate(_) => return (Action::Leave(Outcome::Duplicate), Vec::new()),
            Verdict::Kept | Verdict::Rejected => {}
        }
        let mut issues = Vec::new();
        let mut action = None;
        if let Some(clash) = self.clashes.get(&person.row()) {
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
    let updates = planned.updates.iter();
    let mut keys: BTreeSet<String> = updates.flat_map(|(_, update)| joined(update)).collect();
    let created = planned.outcomes.iter().enumerate();
    for (index, _) in created.filter(|(_, outcome)| **outcome == Outcome::Created) {
        let person = Person {
            people,
            index,
            layout,
        };
        keys.extend(named(&person, definition));
    }
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
fn named(person: &Person, definition: &Definition) -> impl Iterator<Item = String> {
    let said = person.said().for_new(&definition.update);
    said.named(&definition.groups)
        .map(|(path, _)| group::key(path))
        .collect::<Vec<_>>()
        .into_iter()
}

/// load, chunk by chunk. What stops it on the way is returned, not an error: rows are in by then.
#[expect(
    clippy::too_many_arguments,
    reason = "the last pass joins what all others made"
)]
fn load_chunks(
    job: &Job,
    layout: &Layout,
    spool: &Spool,
    plan: &PlanSpool,
    moves: &Moves,
    run: &RunKey,
    groups: &Tree,
    late: &mut BTreeMap<RowNumber, (Outcome, Vec<Issue>)>,
    store: &Store,
) -> Result<Option<Refusal>> {
    let definition = &job.pipeline.definition;
    let chunks = chunks(spool, definition.load.chunk_rows);
    if let Some(failure) = load_moves(job, spool, plan, moves, run, groups, late, store)? {
        return Ok(Some(failure));
    }
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
                        spool.read(batch)?,
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
    }
    for (row, (outcome, _)) in late.range(first..first + planned.outcomes.len() as RowNumber) {
        planned.outcomes[(row - first) as usize] = *outcome;
        planned.updates.retain(|(other, _)| other != row);
    }
    planned
        .updates
        .retain(|(row, _)| !moves.together.contains(row));
    planned
}

/// Before all chunks, the rows that pass on keys to each other, all at once: so nobody is ever
/// without an address, and a key that is given up is free when a new person gets it.
#[expect(
    clippy::too_many_arguments,
    reason = "the last pass joins what all others made"
)]
fn load_moves(
    job: &Job,
    spool: &Spool,
    plan: &PlanSpool,
    moves: &Moves,
    run: &RunKey,
    groups: &Tree,
    late: &mut BTreeMap<RowNumber, (Outcome, Vec<Issue>)>,
    store: &Store,
) -> Result<Option<Refusal>> {
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
