//! load: the groups, the rows in chunks, the leavers.
//!
//! The ledger ensures that each chunk is written once, because the chunk's line is written in the
//! same transaction: an interrupted run continues with the chunks that aren't in it, and so do
//! several processes that share a run. Each of these takes chunks that nobody has claimed, until
//! the ledger has them all. What can't be done chunk by chunk is done by one process: the keys that
//! rows pass on to each other before all chunks ([`Step::Open`]), the leavers and the end after
//! them ([`Step::Close`]).
//!
//! A first import of many people fills the load tables first, which then replace the empty accounts
//! (`store/first_load.rs`). What is left, because it isn't a new account or because the load tables
//! can't replace the accounts, is written as in any other run.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::decisions::Refused;
use super::leavers::settle_leavers;
use super::{Job, Ran, Shared};
use crate::account::Update;
use crate::decision::Planned;
use crate::field::RowNumber;
use crate::issue::{Code, Issue};
use crate::meaning::membership::Tree;
use crate::outcome::{Exit, Outcome};
use crate::refusal::{Refusal, Result};
use crate::spool::Spool;
use crate::stages::load::{self, Chunk};
use crate::store::Store;
use crate::store::first_load::{Destination, Replaced};
use crate::store::loader::{Loader, Written};
use crate::store::share::{ChunkRecord, PAUSE, Step};
use crate::store::trouble::By;
use crate::summary::{FirstLoad, Share};

/// How a process comes to write a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoadMode {
    /// It has the run for itself.
    Alone,
    /// With others.
    Shared {
        /// Whether it is the one that opens the run.
        opens: bool,
        /// Whether it came to others who were at it.
        joined: bool,
    },
}

impl LoadMode {
    fn is_shared(self) -> bool {
        self != LoadMode::Alone
    }
}

/// load: makes the groups, writes the rows, settles the leavers. What stops it on the way is in the
/// result, not an error: rows are in by then.
pub(super) fn write(job: &Job, mut ran: Ran, mode: LoadMode, store: &mut Store) -> Result<Ran> {
    let wanted = &ran.decisions.whole.groups;
    let groups = store.create_groups(wanted, &ran.run, &job.pipeline.definition.groups)?;
    let mut loading = Loading {
        job,
        ran: &ran,
        groups: &groups,
        store,
        chunks: chunks(&ran.spool, job.pipeline.definition.load.chunk_rows),
        mode,
        ledger: BTreeMap::new(),
        share: Share::default(),
        destination: Destination::Accounts(None),
        later: BTreeSet::new(),
        refused: None,
        first_load: None,
    };
    let stopped = loading.run();
    let mut stopped = stopped.map_err(|refusal| refusal.exit(Exit::Stopped))?;
    let Loading {
        chunks,
        mut ledger,
        share,
        first_load,
        ..
    } = loading;
    let mut closes = true;
    if stopped.is_none() {
        closes = !mode.is_shared() || store.begin_step(&ran.run, Step::Close, job.stop)?;
        if closes {
            settle_leavers(job, &ran, store)?;
        } else if job.stop.load(Ordering::Relaxed) {
            stopped = Some(as_asked());
        }
    }
    if let LoadMode::Shared { joined, .. } = mode {
        if stopped.is_some() {
            closes = store.is_last()?;
        }
        ledger = by_row(store.ledger(&ran.run)?);
        ran.shared = Some(Shared {
            share,
            joined,
            closes,
        });
    }
    ran.first_load = first_load;
    ran.written = written(&ledger);
    ran.refused = refused(&ran, &chunks, ledger);
    ran.stopped = stopped;
    Ok(ran)
}

fn by_row(ledger: Vec<ChunkRecord>) -> BTreeMap<RowNumber, ChunkRecord> {
    let lines = ledger.into_iter().map(|chunk| (chunk.first_row, chunk));
    lines.collect()
}

/// How many accounts the chunks of a ledger made or changed.
fn written(ledger: &BTreeMap<RowNumber, ChunkRecord>) -> u64 {
    let chunks = ledger.range(..RowNumber::MAX);
    let outcomes = chunks.flat_map(|(_, chunk)| &chunk.outcomes);
    let in_accounts = |outcome: &&Outcome| matches!(outcome, Outcome::Created | Outcome::Updated);
    outcomes.filter(in_accounts).count() as u64
}

/// What of the decisions isn't in the accounts, by the ledger.
fn refused(
    ran: &Ran,
    chunks: &[Range<usize>],
    mut ledger: BTreeMap<RowNumber, ChunkRecord>,
) -> Refused {
    let first = |chunk: &Range<usize>| ran.spool.first_row(chunk.start);
    let missing = chunks
        .iter()
        .filter(|chunk| !ledger.contains_key(&first(chunk)));
    let rows = |chunk: &Range<usize>| {
        let last = chunk.end - 1;
        first(chunk)..ran.spool.first_row(last) + ran.spool.rows_in(last) as RowNumber
    };
    let waiting = missing.map(rows).collect();
    let mut why: BTreeMap<RowNumber, Vec<Issue>> = BTreeMap::new();
    for issue in ledger.values_mut().flat_map(|chunk| chunk.issues.drain(..)) {
        why.entry(issue.row).or_default().push(issue);
    }
    Refused { why, waiting }
}

/// Successive batches of at least `rows` rows.
fn chunks(spool: &Spool, rows: usize) -> Vec<Range<usize>> {
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

/// A run that is being written.
struct Loading<'a> {
    job: &'a Job<'a>,
    ran: &'a Ran,
    groups: &'a Tree,
    store: &'a Store,
    chunks: Vec<Range<usize>>,
    mode: LoadMode,
    /// The chunks that are in, as far as this process knows.
    ledger: BTreeMap<RowNumber, ChunkRecord>,
    share: Share,
    /// Where the rows go.
    destination: Destination,
    /// The chunks that the load tables have no place for.
    later: BTreeSet<usize>,
    /// What the load tables refused.
    refused: Option<String>,
    first_load: Option<FirstLoad>,
}

impl Loading<'_> {
    /// Writes what isn't in yet. Returns why it stopped before the end.
    fn run(&mut self) -> Result<Option<Refusal>> {
        self.share.of = self.chunks.len() as u64;
        // An earlier try, or other processes, may have written a part.
        self.ledger = by_row(self.store.ledger(&self.ran.run)?);
        if let Some(failure) = self.open()? {
            return Ok(Some(failure));
        }
        self.destination = self.choose_destination()?;
        if self.destination == Destination::LoadTables {
            if let Some(stopped) = self.load_apart()? {
                return Ok(Some(stopped));
            }
            if self.is_all_in() {
                return Ok(None);
            }
        } else if let Destination::Accounts(Some(why)) = &self.destination {
            self.first_load = Some(chunk_by_chunk(why));
        }
        self.write()
    }

    fn is_all_in(&self) -> bool {
        let mut left: Vec<usize> = (0..self.chunks.len()).collect();
        self.keep_missing(&mut left);
        left.is_empty()
    }

    fn choose_destination(&self) -> Result<Destination> {
        let rows = self.ran.spool.rows();
        let from = self.job.pipeline.definition.load.first_load_rows;
        let has_written = self.ledger.keys().any(|row| *row != RowNumber::MAX);
        if from == 0 || rows < from || self.mode.is_shared() {
            return Ok(Destination::Accounts(None));
        }
        self.store
            .begin_first_load(&self.ran.run, rows, has_written)
    }

    /// Fills the load tables, and lets them replace the accounts. Where they can't, nothing is in yet.
    fn load_apart(&mut self) -> Result<Option<Refusal>> {
        if let Some(stopped) = self.write()? {
            return Ok(Some(stopped));
        }
        let mut refused = self.refused.take();
        if refused.is_none() {
            refused = self.build_indexes()?;
        }
        if self.job.stop.load(Ordering::Relaxed) {
            return Ok(Some(as_asked()));
        }
        let replaced = match refused {
            Some(reason) => Some(Replaced::Impossible(reason)),
            None => {
                let (run, rows) = (&self.ran.run, self.ran.spool.rows());
                self.store
                    .replace_by_load_tables(run, rows, self.job.stop)?
            }
        };
        let Some(replaced) = replaced else {
            return Ok(Some(as_asked()));
        };
        self.first_load = Some(match replaced {
            Replaced::Done(locked_ms) => FirstLoad {
                at_once: true,
                locked_ms,
                why: None,
            },
            Replaced::Impossible(why) => {
                self.store.drop_load_tables()?;
                self.ledger.retain(|row, _| *row == RowNumber::MAX);
                self.share.chunks = 0;
                chunk_by_chunk(&why)
            }
        });
        self.later.clear();
        self.destination = Destination::Accounts(None);
        Ok(None)
    }

    /// Builds the indexes of the load tables. Returns why they can't be.
    fn build_indexes(&self) -> Result<Option<String>> {
        let missing = self.store.missing_load_indexes()?;
        let progress = &self.job.progress;
        progress.begin_of("index", "indexes", Some(missing.len() as u64));
        let at_once = self.job.pipeline.definition.load.connections;
        let done = || progress.add(1, None);
        let refused = self
            .store
            .build_load_indexes(missing, at_once, self.job.stop, done);
        progress.end();
        refused
    }

    /// Writes the rows that pass on keys to each other, all at once and before all chunks: so nobody
    /// is ever without an address, and a key that is given up is free when a new person gets it.
    /// Where processes share the run, its line in the ledger says that this is done, also where there
    /// are no such rows.
    fn open(&mut self) -> Result<Option<Refusal>> {
        let is_ours = match self.mode {
            LoadMode::Alone => !self.ran.decisions.whole.together.is_empty(),
            LoadMode::Shared { opens, .. } => opens,
        };
        if !is_ours {
            return Ok(None);
        }
        let updates = self.moving()?;
        while !self.ledger.contains_key(&RowNumber::MAX) {
            if self.job.stop.load(Ordering::Relaxed) {
                return Ok(Some(as_asked()));
            }
            let accounts = Destination::Accounts(None);
            let mut loader = self.store.loader(1, &self.ran.run, &accounts)?;
            loader.send(load::encode_transfers(&updates, self.groups));
            let (written, failure) = loader.finish();
            if failure.is_some() {
                return Ok(failure);
            }
            written.into_iter().for_each(|written| self.note(written));
            self.look_again()?;
        }
        if self.mode.is_shared() {
            self.store.end_step(&self.ran.run, Step::Open)?;
        }
        Ok(None)
    }

    /// The updates of the rows that pass on keys to each other.
    fn moving(&self) -> Result<Vec<(RowNumber, Update)>> {
        let together = &self.ran.decisions.whole.together;
        let rows: Vec<RowNumber> = together.iter().copied().collect();
        let spool = &self.ran.spool;
        let mut updates = Vec::with_capacity(rows.len());
        for rows in rows.chunk_by(|a, b| spool.batch_of(*a) == spool.batch_of(*b)) {
            let planned = self.ran.decisions.read(spool.batch_of(rows[0]))?;
            let moving = planned.updates.into_iter();
            updates.extend(moving.filter(|(row, _)| rows.binary_search(row).is_ok()));
        }
        Ok(updates)
    }

    /// Writes the chunks, one after the other; those that others are at come last, because these
    /// may be killed.
    fn write(&mut self) -> Result<Option<Refusal>> {
        let rows = self.ran.spool.rows();
        self.job.progress.begin("write", Some(rows));
        let done = self.ledger.keys().map(|row| self.rows_from(*row));
        self.job.progress.add(done.sum(), None);
        let stopped = self.write_chunks();
        self.job.progress.end();
        stopped
    }

    fn write_chunks(&mut self) -> Result<Option<Refusal>> {
        let start = match self.mode {
            LoadMode::Alone => 0,
            LoadMode::Shared { .. } => {
                start(self.store.take_seat(&self.ran.run)?, self.chunks.len())
            }
        };
        let mut left: Vec<usize> = (start..self.chunks.len()).chain(0..start).collect();
        self.keep_missing(&mut left);
        let at_once = self.job.pipeline.definition.load.connections;
        while !left.is_empty() {
            let before = self.ledger.len();
            let mut loader = self
                .store
                .loader(at_once, &self.ran.run, &self.destination)?;
            let stopped = self.pass(&left, &mut loader)?;
            let (rest, failure) = loader.finish();
            rest.into_iter().for_each(|written| self.note(written));
            if let Some(stopped) = failure.or(stopped) {
                return Ok(Some(stopped));
            }
            self.keep_missing(&mut left);
            if left.is_empty() || self.refused.is_some() {
                break;
            }
            if self.job.stop.load(Ordering::Relaxed) {
                return Ok(Some(as_asked()));
            }
            if self.ledger.len() == before {
                std::thread::sleep(PAUSE);
            }
            self.look_again()?;
            self.keep_missing(&mut left);
        }
        Ok(None)
    }

    /// Sends every chunk that is `left` and that nobody has written.
    fn pass(&mut self, left: &[usize], loader: &mut Loader) -> Result<Option<Refusal>> {
        let at_once = self.job.pipeline.definition.load.connections;
        for some in left.chunks(at_once) {
            let mut some = some.to_vec();
            if self.mode.is_shared() {
                self.look_for(&some)?;
                self.keep_missing(&mut some);
            }
            for (number, chunk) in some.iter().zip(self.encode(&some)?) {
                if self.destination == Destination::LoadTables && !chunk.only_creates() {
                    self.later.insert(*number);
                    continue;
                }
                if chunk.is_idle() && !self.mode.is_shared() {
                    self.note(Written {
                        logged: ChunkRecord {
                            first_row: chunk.first_row,
                            outcomes: chunk.outcomes,
                            issues: Vec::new(),
                        },
                        by: By::Us,
                    });
                    continue;
                }
                if self.job.stop.load(Ordering::Relaxed) {
                    return Ok(Some(as_asked()));
                }
                if !loader.send(chunk) {
                    return Ok(Some(broke_off()));
                }
            }
            let done = loader.take();
            done.into_iter().for_each(|written| self.note(written));
            if self.refused.is_some() {
                break;
            }
        }
        Ok(None)
    }

    /// Notes a chunk that the loader is through with.
    fn note(&mut self, written: Written) {
        match written.by {
            By::Us => {}
            By::Refused => {
                let words = written.logged.issues.into_iter().next();
                self.refused = words.map(|issue| issue.detail);
                return;
            }
            By::Others | By::Nobody => return,
        }
        if written.logged.first_row != RowNumber::MAX {
            self.share.chunks += 1;
        }
        self.is_in(written.logged);
    }

    fn is_in(&mut self, logged: ChunkRecord) {
        let first_row = logged.first_row;
        if self.ledger.insert(first_row, logged).is_none() {
            self.job.progress.add(self.rows_from(first_row), None);
        }
    }

    /// How many rows the chunk has that begins at `first_row`; none has that of the moves.
    fn rows_from(&self, first_row: RowNumber) -> u64 {
        let spool = &self.ran.spool;
        let first = |chunk: &Range<usize>| spool.first_row(chunk.start);
        let at = self.chunks.binary_search_by_key(&first_row, first);
        let batches = at.map_or(0..0, |at| self.chunks[at].clone());
        batches.map(|batch| spool.rows_in(batch) as u64).sum()
    }

    /// Reads what others have written, a process that was killed among them.
    fn look_again(&mut self) -> Result<()> {
        for logged in self.store.ledger(&self.ran.run)? {
            self.is_in(logged);
        }
        Ok(())
    }

    /// Which of `some` chunks others have written.
    fn look_for(&mut self, some: &[usize]) -> Result<()> {
        let rows: Vec<RowNumber> = some.iter().map(|chunk| self.first_row(*chunk)).collect();
        for first_row in self.store.written_of(&self.ran.run, &rows)? {
            self.is_in(ChunkRecord {
                first_row,
                ..ChunkRecord::default()
            });
        }
        Ok(())
    }

    fn keep_missing(&self, some: &mut Vec<usize>) {
        some.retain(|chunk| {
            !self.later.contains(chunk) && !self.ledger.contains_key(&self.first_row(*chunk))
        });
    }

    fn first_row(&self, chunk: usize) -> RowNumber {
        self.ran.spool.first_row(self.chunks[chunk].start)
    }

    fn encode(&self, some: &[usize]) -> Result<Vec<Chunk>> {
        let Ran { layout, run, .. } = self.ran;
        let definition = &self.job.pipeline.definition;
        some.par_iter()
            .map(|chunk| {
                let read = self.read(self.chunks[*chunk].clone())?;
                // An index that is built later is sorted then.
                let by_key = self.destination != Destination::LoadTables;
                Ok(load::encode(
                    &read,
                    by_key,
                    layout,
                    definition,
                    run,
                    self.groups,
                ))
            })
            .collect()
    }

    /// Some successive batches, with what is to be written of them. What is held keeps its update in
    /// the decisions, and is not written; what passes on keys is in already, or was refused.
    fn read(&self, batches: Range<usize>) -> Result<Vec<load::Batch>> {
        let together = &self.ran.decisions.whole.together;
        let key_transfer = self.ledger.get(&RowNumber::MAX);
        let refused: HashSet<RowNumber> = key_transfer
            .iter()
            .flat_map(|key_transfer| key_transfer.issues.iter().map(|issue| issue.row))
            .collect();
        let read = |batch: usize| {
            let first_row = self.ran.spool.first_row(batch);
            let mut planned = self.ran.decisions.read(batch)?;
            let last_row = first_row + planned.outcomes.len() as RowNumber;
            for row in together.range(first_row..last_row) {
                if refused.contains(row) {
                    planned.outcomes[(row - first_row) as usize] = Outcome::Failed;
                }
            }
            let outcomes = &planned.outcomes;
            planned.updates.retain(|(row, _)| {
                outcomes[(row - first_row) as usize] == Outcome::Updated && !together.contains(row)
            });
            let creates = outcomes.contains(&Outcome::Created);
            let people = creates.then(|| self.ran.spool.read_with_passwords(batch));
            Ok(load::Batch {
                first_row,
                people: people.transpose()?,
                given: self.hash_given(first_row, &planned)?,
                planned,
            })
        };
        batches.map(read).collect()
    }
}

impl Loading<'_> {
    /// The password that the run gives, hashed for each row that gets it.
    fn hash_given(
        &self,
        first_row: RowNumber,
        planned: &Planned,
    ) -> Result<HashMap<RowNumber, String>> {
        let Some(password) = self.job.password else {
            return Ok(HashMap::new());
        };
        let is_written = |row: &RowNumber| {
            let outcome = planned.outcomes[(row - first_row) as usize];
            matches!(outcome, Outcome::Created | Outcome::Updated)
        };
        let gets = |issue: &&Issue| issue.code == Code::PasswordGiven;
        let rows = planned.issues.iter().filter(gets).map(|issue| issue.row);
        let rows: Vec<RowNumber> = rows.filter(is_written).collect();
        rows.into_par_iter()
            .map(|row| Ok((row, password.hash()?)))
            .collect()
    }
}

fn chunk_by_chunk(why: &str) -> FirstLoad {
    FirstLoad {
        why: Some(why.to_string()),
        ..FirstLoad::default()
    }
}

fn as_asked() -> Refusal {
    Refusal::new(Code::RunStopped, "interrupted").exit(Exit::Stopped)
}

fn broke_off() -> Refusal {
    Refusal::new(Code::RunStopped, "writing stopped unexpectedly").exit(Exit::Stopped)
}

/// Where the process with a seat begins, of this many chunks: in the middle of what is between
/// those who came before it (the sequence of van der Corput).
fn start(seat: u32, chunks: usize) -> usize {
    ((u64::from(seat.reverse_bits()) * chunks as u64) >> u32::BITS) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_begin_apart_from_each_other() {
        let starts: Vec<usize> = (0..5).map(|seat| start(seat, 40)).collect();
        assert_eq!(starts, [0, 20, 10, 30, 5]);
        assert_eq!(start(256, 3), 0);
        assert!((0..300).all(|seat| start(seat, 7) < 7));
    }
}
