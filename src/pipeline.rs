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
//! plan decides. A check is an import that stops before `load`, so it tells the truth.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use hashbrown::HashTable;
use rayon::prelude::*;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::definition::{self, Clashes, Content, Definition, Pipeline};
use crate::header::Vocabulary;
use crate::issue::{Code, Issue};
use crate::outcome::{Exit, Outcome, Verdict};
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::row::{Cells, Drafts, Field, Layout, People, RowNumber};
use crate::spool::{PlanSpool, Spool, encode};
use crate::stages::clash::{Decision, Owners, key_hashes};
use crate::stages::clean::clean;
use crate::stages::clean::group;
use crate::stages::dedupe::{Seen, fingerprints};
use crate::stages::drift::{self, Profile};
use crate::stages::gates::{self, Change, Class, Facts, Hold};
use crate::stages::load::{self, RunKey};
use crate::stages::map::{self, Mapping, Target};
use crate::stages::plan::{Action, Matched, Person, Planned, decide};
use crate::stages::read::{Source, Wanted};
use crate::stages::validate::validate;
use crate::store::Store;
use crate::store::loader::Written;
use crate::store::runs::Begun;
use crate::summary::Gate;

/// What a run is asked to do.
pub struct Job<'a> {
    /// The files, in order; together they are one import.
    pub files: &'a [PathBuf],
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
    /// RFC 3339, when this run was begun first and cut off.
    pub resumed_from: Option<String>,
    /// Why it stopped before its end.
    pub stopped: Option<Refusal>,
}

/// What would happen, without a write.
///
/// # Errors
/// A refusal; nothing was written then.
pub fn check(job: &Job, store: Option<&mut Store>) -> Result<Ran> {
    let (files, layout) = open(job)?;
    let (spool, owners, groups, rules, profile) = read_people(job, &files, &layout)?;
    let clashes = settle(job, &files, &spool, owners)?;
    let store = store.as_deref();
    let mut planning = match_and_plan(job, &layout, &spool, &clashes, &groups, None, store)?;
    let mut gates = ask_gates(job, &layout, &spool, &planning, profile.as_ref(), store)?;
    hold_back(job, &layout, &spool, &mut planning, &mut gates)?;
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
        resumed_from: None,
        stopped: None,
    })
}

/// The whole of it. Everything that is done to the database is done in here.
///
/// # Errors
/// A refusal before any write; what stops it later is in [`Ran::stopped`].
pub fn import(job: &Job, store: &mut Store) -> Result<Ran> {
    let (files, layout) = open(job)?;
    let (spool, owners, groups, rules, profile) = read_people(job, &files, &layout)?;
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
    let known = Some(&begun);
    let mut planning = match_and_plan(job, &layout, &spool, &clashes, &groups, known, Some(store))?;
    let gates = if begun.written.is_empty() {
        let store = Some(&*store);
        let mut gates = ask_gates(job, &layout, &spool, &planning, profile.as_ref(), store)?;
        hold_back(job, &layout, &spool, &mut planning, &mut gates)?;
        gates
    } else {
        // A part of the plan is done, so that it can't be judged a second time.
        hold_back(
            job,
            &layout,
            &spool,
            &mut planning,
            &mut begun.gates.clone(),
        )?;
        begun.gates
    };
    store.book_gates(&run.id, &gates)?;
    let groups = store.create_groups(&planning.needed_paths(&groups), &run)?;
    let Planning { plan, mut late, .. } = planning;
    let stopped = load_chunks(job, &layout, &spool, &plan, &run, &groups, &mut late, store)
        .map_err(|refusal| refusal.exit(Exit::Stopped))?;
    Ok(Ran {
        files,
        layout,
        spool,
        plan,
        gates,
        profile: profile.map(Profile::kept),
        late,
        rules,
        run,
        resumed_from: begun.resumed_from,
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
            &Wanted {
                definition,
                vocabulary,
            },
        )?;
        let targets = map::targets(&source, vocabulary, definition)?;
        let passwords = targets
            .iter()
            .enumerate()
            .filter(|(_, target)| **target == Target::Password);
        source.dropped = passwords.map(|(column, _)| column).collect();
        opened.push((source, targets));
    }
    let all: Vec<Vec<Target>> = opened.iter().map(|(_, targets)| targets.clone()).collect();
    let layout = map::layout(&all);
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
    let profiled = is_compared(files, definition);
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
                    let profile = profiled.then(|| Profile::of(&people.drafts, layout));
                    (
                        encode(&people),
                        hashes,
                        group_paths(&people, layout),
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
    Ok(truth)
}

/// Whether the rows are compared with those of the last run. Rows that come back corrected are a
/// part of a file, and look like no other.
fn is_compared(files: &[InputFile], definition: &Definition) -> bool {
    let gates = &definition.gates;
    let corrected = |file: &InputFile| file.targets.contains(&Target::Own);
    gates.enabled && gates.content == Content::Hold && !files.iter().any(corrected)
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
fn group_paths(people: &People, layout: &Layout) -> BTreeMap<String, String> {
    let mut paths = BTreeMap::new();
    let Some(slot) = layout.field(Field::Groups) else {
        return paths;
    };
    let cells: HashSet<&str> = (0..people.len())
        .map(|index| people.drafts.values.get(index, slot))
        .collect();
    for path in cells.into_iter().flat_map(crate::stages::clean::groups) {
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

/// What the plan leaves.
struct Planning {
    plan: PlanSpool,
    /// Outcomes that were found after a batch was planned.
    late: BTreeMap<RowNumber, (Outcome, Vec<Issue>)>,
    /// Keys of the groups that the accounts will be in.
    needed: BTreeSet<String>,
    /// Keys of the files' groups that don't exist yet.
    new_groups: HashSet<String>,
    /// What all rows together would do.
    facts: Facts,
}

impl Planning {
    /// The groups that are to be there. A group that is only left need not be in the file; it
    /// exists, so that its key will do as its path.
    fn needed_paths(&self, groups: &BTreeMap<String, String>) -> Vec<String> {
        let path = |key: &String| groups.get(key).unwrap_or(key).clone();
        self.needed.iter().map(path).collect()
    }
}

/// match → plan, for all batches. `begun` has what an earlier try of this run decided and wrote.
fn match_and_plan(
    job: &Job,
    layout: &Layout,
    spool: &Spool,
    clashes: &BTreeMap<RowNumber, Decision>,
    groups: &BTreeMap<String, String>,
    begun: Option<&Begun>,
    store: Option<&Store>,
) -> Result<Planning> {
    let definition = &job.pipeline.definition;
    let keys: Vec<String> = groups.keys().cloned().collect();
    let known = store.map_or(Ok(HashMap::new()), |store| store.find_groups(&keys))?;
    let mut matches = None;
    if let Some(store) = store
        && store.has_accounts()?
    {
        send_keys(job, spool, store)?;
        let with_groups = layout.field(Field::Groups).is_some();
        matches = Some(store.run_match(&definition.matching.keys(), with_groups)?);
    }
    let judge = Judge {
        layout,
        definition,
        clashes,
        written: begun.map_or(&[], |begun| &begun.written),
        hold: Hold::of(
            begun.map_or(&[], |begun| &begun.gates),
            definition.gates.on_hold,
        ),
        group_exists: &|key| known.contains_key(key),
    };
    let mut plan = PlanSpool::new()?;
    let mut twice = Twice::default();
    let mut needed = BTreeSet::new();
    let mut facts = Facts::default();
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
        let planned: Vec<(Planned, Facts)> = people
            .par_iter()
            .map(|people| {
                let planned = judge.plan(people, &found);
                let facts = facts_of(people, &planned, layout, definition, |_| true);
                (planned, facts)
            })
            .collect();
        for (people, (planned, more)) in people.iter().zip(&planned) {
            facts.add(more);
            twice.note(people.drafts.first_row, planned);
            needed.extend(needed_groups(people, planned, layout));
            plan.push(planned)?;
            job.progress.add(people.len() as u64, None);
        }
    }
    job.progress.end();
    Ok(Planning {
        plan,
        late: twice.late,
        needed,
        new_groups: keys
            .into_iter()
            .filter(|key| !known.contains_key(key))
            .collect(),
        facts,
    })
}

fn send_keys(job: &Job, spool: &Spool, store: &Store) -> Result<()> {
    store.begin_match()?;
    job.progress.begin("keys", Some(spool.rows()));
    for first in (0..spool.batches()).step_by(GROUP_BATCHES) {
        let range = first..(first + GROUP_BATCHES).min(spool.batches());
        let frames: Vec<_> = range
            .into_par_iter()
            .map(|batch| {
                spool
                    .read(batch)
                    .map(|people| (load::encode_keys(&people), people.len()))
            })
            .collect::<Result<_>>()?;
        for (frame, rows) in frames {
            store.push_keys(frame)?;
            job.progress.add(rows as u64, None);
        }
    }
    Ok(())
}

/// All that planning a row needs besides the row and its match.
struct Judge<'a> {
    layout: &'a Layout,
    definition: &'a Definition,
    clashes: &'a BTreeMap<RowNumber, Decision>,
    written: &'a [(RowNumber, Vec<Outcome>)],
    /// What the gates held when the first of `written` was written.
    hold: Hold,
    group_exists: &'a (dyn Fn(&str) -> bool + Sync),
}

impl Judge<'_> {
    /// Plans a batch. `found` are matches in row order, of this batch and others.
    fn plan(&self, people: &People, found: &[(RowNumber, Matched)]) -> Planned {
        let first = people.drafts.first_row;
        let written = self.written_outcomes(first, people.len());
        let mut planned = Planned {
            written: written.is_some(),
            ..Planned::default()
        };
        let mut found = found[found.partition_point(|(row, _)| *row < first)..]
            .iter()
            .peekable();
        for index in 0..people.len() {
            let row = first + index as RowNumber;
            let matched = found
                .next_if(|(at, _)| *at == row)
                .map(|(_, matched)| matched);
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
            let (action, mut issues) = self.judge(&person, matched);
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
        planned
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
                let (action, found) = decide(person, matched, self.definition, self.group_exists);
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
        let joins_new = match action {
            Action::Update(update) => update.joins.iter().any(|key| !(self.group_exists)(key)),
            _ => person
                .groups()
                .any(|path| !(self.group_exists)(&group::key(path))),
        };
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

/// The keys of the groups that the rows of a batch will be in.
fn needed_groups(people: &People, planned: &Planned, layout: &Layout) -> BTreeSet<String> {
    let goes_on = |row: &RowNumber| {
        planned.outcomes[(row - people.drafts.first_row) as usize] == Outcome::Updated
    };
    let updates = planned.updates.iter().filter(|(row, _)| goes_on(row));
    let mut keys: BTreeSet<String> = updates
        .flat_map(|(_, update)| update.joins.iter().chain(&update.leaves).cloned())
        .collect();
    if let Some(slot) = layout.field(Field::Groups) {
        let created = planned
            .outcomes
            .iter()
            .enumerate()
            .filter(|(_, outcome)| **outcome == Outcome::Created);
        let cells: HashSet<&str> = created
            .map(|(index, _)| people.drafts.values.get(index, slot))
            .collect();
        keys.extend(
            cells
                .into_iter()
                .flat_map(crate::stages::clean::groups)
                .map(group::key),
        );
    }
    keys
}

/// The rows of a batch that would write, and what they would do.
fn changes<'a>(
    people: &'a People,
    planned: &'a Planned,
    layout: &'a Layout,
    definition: &'a Definition,
) -> impl Iterator<Item = (RowNumber, Change<'a>)> {
    let mut updates = planned.updates.iter().peekable();
    let outcomes = planned.outcomes.iter().enumerate();
    outcomes.filter_map(move |(index, outcome)| {
        let row = people.drafts.first_row + index as RowNumber;
        let update = updates.next_if(|(at, _)| *at == row);
        let person = Person {
            people,
            index,
            layout,
        };
        match (outcome, update) {
            _ if planned.written => None,
            (Outcome::Created, _) => {
                Some((row, Change::Create(status_of_new(&person, definition))))
            }
            (Outcome::Updated, Some((_, update))) => Some((row, Change::Update(update))),
            _ => None,
        }
    })
}

fn status_of_new<'a>(person: &Person<'a>, definition: &'a Definition) -> &'a str {
    person.value_of_new(Field::Status, definition).unwrap_or("")
}

/// What the rows of a batch would do together, of those that `counts`.
fn facts_of(
    people: &People,
    planned: &Planned,
    layout: &Layout,
    definition: &Definition,
    counts: impl Fn(RowNumber) -> bool,
) -> Facts {
    let mut facts = Facts::default();
    for (row, change) in changes(people, planned, layout, definition) {
        if counts(row) {
            facts.count(change, &definition.accounts.roles);
        }
    }
    facts
}

/// gates: measures the plan by what is there and what the runs before it did.
fn ask_gates(
    job: &Job,
    layout: &Layout,
    spool: &Spool,
    planning: &Planning,
    profile: Option<&Profile>,
    store: Option<&Store>,
) -> Result<Vec<Gate>> {
    let definition = &job.pipeline.definition;
    if !definition.gates.enabled {
        return Ok(Vec::new());
    }
    let mut facts = planning.facts.clone();
    // What was found out after the count: such rows write nothing.
    let late: Vec<RowNumber> = planning.late.keys().copied().collect();
    for rows in late.chunk_by(|a, b| spool.batch_of(*a) == spool.batch_of(*b)) {
        let batch = spool.batch_of(rows[0]);
        let (people, planned) = (spool.read(batch)?, planning.plan.read(batch)?);
        let is_late = |row| rows.binary_search(&row).is_ok();
        facts.subtract(&facts_of(&people, &planned, layout, definition, is_late));
    }
    if let Some(store) = store {
        // The text was checked when the pipeline was read.
        let window = definition::lifetime(&definition.gates.window).unwrap_or(None);
        let there = store.what_is_there(&definition.name, window.unwrap_or(0))?;
        facts.accounts = there.accounts;
        facts.seated = there.seated;
        facts.groups = there.groups;
        facts.earlier = gates::in_window(&there.earlier);
        let needed: Vec<String> = planning.needed.iter().cloned().collect();
        facts.counts[Class::NewGroups as usize] = store.count_missing_groups(&needed)?;
        if let (Some(last), Some(now)) = (&there.last_profile, profile) {
            facts.drifts = drift::drifts(last, now, &definition.gates);
        }
    }
    Ok(gates::judge(&facts, &definition.gates, job.allowed))
}

/// Takes out of the plan what `gates` hold, and counts it there.
fn hold_back(
    job: &Job,
    layout: &Layout,
    spool: &Spool,
    planning: &mut Planning,
    gates: &mut [Gate],
) -> Result<()> {
    let definition = &job.pipeline.definition;
    let hold = Hold::of(gates, definition.gates.on_hold);
    if !hold.is_any() {
        return Ok(());
    }
    let mut plan = PlanSpool::new()?;
    let mut counts = gates::Counts::default();
    planning.needed.clear();
    for batch in 0..spool.batches() {
        let people = spool.read(batch)?;
        let mut planned = planning.plan.read(batch)?;
        let mut held = Vec::new();
        for (row, change) in changes(&people, &planned, layout, definition) {
            let mut classes = change.classes(&definition.accounts.roles);
            let joins_new = joins(&people, row, change, layout)
                .iter()
                .any(|key| planning.new_groups.contains(key));
            classes = classes.with_if(Class::NewGroups, joins_new);
            if hold.holds(classes) && !planning.late.contains_key(&row) {
                held.push((row, classes));
            }
        }
        for (row, classes) in held {
            planned.outcomes[(row - people.drafts.first_row) as usize] = Outcome::Held;
            planned.issues.extend(held_issues(row, hold, classes));
            let classes = classes.with_if(
                Class::Content,
                hold.reasons(classes).contains(&Class::Content),
            );
            let of = Class::ALL.into_iter().filter(|class| classes.has(*class));
            of.for_each(|class| counts[class as usize] += 1);
        }
        planning
            .needed
            .extend(needed_groups(&people, &planned, layout));
        plan.push(&planned)?;
    }
    planning.plan = plan;
    for gate in gates {
        gate.held = Class::from_name(&gate.class).map_or(0, |class| counts[class as usize]);
    }
    Ok(())
}

/// The keys of the groups that a row brings its account into.
fn joins(people: &People, row: RowNumber, change: Change, layout: &Layout) -> Vec<String> {
    let index = (row - people.drafts.first_row) as usize;
    let person = Person {
        people,
        index,
        layout,
    };
    match change {
        Change::Create(_) => person.groups().map(group::key).collect(),
        Change::Update(update) => update.joins.clone(),
    }
}

fn held_issues(row: RowNumber, hold: Hold, classes: gates::Classes) -> Vec<Issue> {
    let codes: Vec<Code> = match hold.reasons(classes) {
        reasons if reasons.is_empty() => vec![Code::GateOthers],
        reasons => reasons.into_iter().map(Class::code).collect(),
    };
    let issues = codes.into_iter().map(|code| Issue::of_row(code, row, ""));
    issues.collect()
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
    run: &RunKey,
    groups: &HashMap<String, Uuid>,
    late: &mut BTreeMap<RowNumber, (Outcome, Vec<Issue>)>,
    store: &Store,
) -> Result<Option<Refusal>> {
    let definition = &job.pipeline.definition;
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
                        spool.read(batch)?,
                        planned_now(plan.read(batch)?, spool, batch, late),
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
