//! load, where several processes share a run: every one takes chunks that nobody has, until the ledger
//! has them all.
//!
//! Each process plans for itself, and needs no look at what the others do meanwhile: a plan for a chunk
//! counts only if the chunk isn't in the ledger once it is claimed, and then nothing of it was there
//! when the plan was made. What no process can decide by its chunks alone is done by one: the groups
//! and the keys that rows pass on to each other before all chunks (`Step::Open`), the leavers and the
//! end after them (`Step::Close`). What the run came to, every process reads from the ledger.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::leavers::settle_leavers;
use super::plan::Planning;
use super::write::{chunks, moving, read_chunk};
use super::{InputFile, Job, Ran, Shared, begin, inputs_of, stopped_early};
use crate::issue::{Code, Issue};
use crate::outcome::{Exit, Outcome};
use crate::refusal::{Refusal, Result};
use crate::report::record::stood_in_its_way;
use crate::row::RowNumber;
use crate::spool::PlanSpool;
use crate::stages::load::{self, Chunk, Notes, RunKey};
use crate::stages::membership::Tree;
use crate::stages::plan::{Action, Planned};
use crate::store::Store;
use crate::store::loader::{By, Loader};
use crate::store::runs::Begun;
use crate::store::share::{Booked, PAUSE, Step};
use crate::summary::Share;

/// Joins the run of these files, or begins it.
pub(super) fn join(job: &Job, files: &[InputFile], store: &mut Store) -> Result<(RunKey, Begun)> {
    let is_alone = store.join(&inputs_of(files), &job.pipeline.sha256)?;
    store.aim(&job.pipeline.definition)?;
    let (run, mut begun) = begin(job, files, store)?;
    begun.joined = !is_alone;
    store.take_up(&run, &mut begun)?;
    store.let_others_join(&run.id)?;
    Ok((run, begun))
}

/// Whether a plan made before another process opened the run has to be made again.
pub(super) fn has_moved_on(
    job: &Job,
    run: &RunKey,
    begun: &mut Begun,
    planning: &Planning,
    store: &Store,
) -> Result<bool> {
    if begun.opened.is_some() {
        return Ok(false);
    }
    store.take_up(run, begun)?;
    let Some(opened) = &begun.opened else {
        return if job.stop.load(Ordering::Relaxed) {
            Err(stopped_early())
        } else {
            Err(
                Refusal::new(Code::RunStopped, "the run that was joined is gone")
                    .exit(Exit::Stopped),
            )
        };
    };
    let moves = &planning.moves;
    let is_still = moves.settled.is_empty() && moves.together.is_empty();
    Ok(!is_still || !opened.outcomes.is_empty() || !opened.notes.freed.is_empty())
}

/// As [`super::write::write`], together with others. `planned` is what the plan says of the rows;
/// `opens` whether this process opens the run, `joined` whether it came to others.
pub(super) fn write(
    job: &Job,
    mut ran: Ran,
    needed: &[String],
    planned: &PlanSpool,
    (opens, joined): (bool, bool),
    store: &mut Store,
) -> Result<Ran> {
    let groups = store.create_groups(needed, &ran.run, &job.pipeline.definition.groups)?;
    let written = write_chunks(job, &mut ran, &groups, planned, opens, store);
    let (mut stopped, share) = written.map_err(|refusal| refusal.exit(Exit::Stopped))?;
    let mut closes = false;
    if stopped.is_none() {
        closes = store.begin_step(&ran.run, Step::Close, job.stop)?;
        if closes && !ran.keeps_leavers {
            settle_leavers(job, &ran, store)?;
        }
        if !closes && job.stop.load(Ordering::Relaxed) {
            stopped = Some(as_asked());
        }
    }
    if stopped.is_some() {
        closes = store.is_last()?;
    } else if !closes {
        // Whoever closed the run knows of them; this process may have looked only after that.
        ran.leavers.clear();
    }
    let ledger = store.ledger(&ran.run)?;
    if closes {
        let outcomes = ledger.iter().flat_map(|chunk| &chunk.outcomes);
        let in_accounts =
            |outcome: &&Outcome| matches!(outcome, Outcome::Created | Outcome::Updated);
        ran.written = outcomes.filter(in_accounts).count() as u64;
    }
    tell_from_ledger(&mut ran, planned, &ledger)?;
    ran.shared = Some(Shared {
        share,
        joined,
        closes,
    });
    ran.stopped = stopped;
    Ok(ran)
}

fn as_asked() -> Refusal {
    Refusal::new(Code::RunStopped, "stopped as asked").exit(Exit::Stopped)
}

fn write_chunks(
    job: &Job,
    ran: &mut Ran,
    groups: &Tree,
    planned: &PlanSpool,
    opens: bool,
    store: &Store,
) -> Result<(Option<Refusal>, Share)> {
    let chunks = chunks(&ran.spool, job.pipeline.definition.load.chunk_rows);
    let mut share = Share {
        chunks: 0,
        of: chunks.len() as u64,
    };
    if opens {
        let failure = open(job, ran, groups, store)?;
        if failure.is_some() {
            return Ok((failure, share));
        }
        store.end_step(&ran.run, Step::Open)?;
    }
    let connections = job.pipeline.definition.load.connections;
    let part = Part {
        job,
        ran,
        groups,
        planned,
        store,
        chunks: &chunks,
    };
    let mut loader = store.loader(connections, &ran.run)?;
    job.progress.begin("write", Some(ran.spool.rows()));
    let stopped = part.write(&mut loader, &mut share)?;
    let (rest, failure) = loader.finish();
    share.chunks += rest.iter().filter(|written| written.by == By::Us).count() as u64;
    job.progress.end();
    Ok((failure.or(stopped), share))
}

/// Writes the rows that pass on keys to each other, and with them, in the ledger, that this is done;
/// also where there are none.
fn open(job: &Job, ran: &mut Ran, groups: &Tree, store: &Store) -> Result<Option<Refusal>> {
    while !job.stop.load(Ordering::Relaxed) {
        let mut loader = store.loader(1, &ran.run)?;
        loader.send(opening(ran, groups)?);
        let (written, failure) = loader.finish();
        let Some(written) = written.into_iter().next().filter(|_| failure.is_none()) else {
            return Ok(failure.or_else(|| Some(broke_off())));
        };
        match written.by {
            By::Us => {
                for issue in written.issues {
                    let late = ran.late.entry(issue.row);
                    late.or_insert((Outcome::Failed, Vec::new())).1.push(issue);
                }
                return Ok(None);
            }
            // A process was killed while it opened the run, and the server isn't through with what it
            // sent. If that goes in, this plan is none for what comes after.
            By::Nobody => std::thread::sleep(PAUSE),
            By::Others => return Ok(Some(broke_off())),
        }
    }
    Ok(Some(as_asked()))
}

/// The chunk of the moves.
fn opening(ran: &Ran, groups: &Tree) -> Result<Chunk> {
    let settled = ran.moves.settled.iter();
    let made = settled.filter(|(_, action)| matches!(action, Action::Create));
    Ok(Chunk {
        notes: Some(Notes {
            issues: Vec::new(),
            freed: made.map(|(row, _)| *row).collect(),
        }),
        ..load::encode_moves(&moving(ran)?, groups)
    })
}

/// What a process needs to write its part.
struct Part<'a> {
    job: &'a Job<'a>,
    ran: &'a Ran,
    groups: &'a Tree,
    planned: &'a PlanSpool,
    store: &'a Store,
    chunks: &'a [Range<usize>],
}

impl Part<'_> {
    /// Takes chunk after chunk until the ledger has all, whoever wrote them; those that others are at
    /// come last, for these may be killed. Returns why it stopped before.
    fn write(&self, loader: &mut Loader, share: &mut Share) -> Result<Option<Refusal>> {
        let start = start(self.store.take_seat(&self.ran.run)?, self.chunks.len());
        let mut left: Vec<usize> = (start..self.chunks.len()).chain(0..start).collect();
        let (mut under_way, mut done) = (HashSet::new(), HashSet::new());
        let at_once = self.job.pipeline.definition.load.connections;
        loop {
            let all = std::mem::take(&mut left);
            left = self.not_in(&all, &mut done)?;
            if left.is_empty() {
                return Ok(None);
            }
            let before = share.chunks;
            for some in left.chunks(at_once) {
                let some: Vec<usize> = self
                    .not_in(some, &mut done)?
                    .into_iter()
                    .filter(|chunk| !under_way.contains(&self.first_row(*chunk)))
                    .collect();
                for chunk in self.encode(&some)? {
                    let first_row = chunk.first_row;
                    if self.job.stop.load(Ordering::Relaxed) {
                        return Ok(Some(as_asked()));
                    }
                    if !loader.send(chunk) {
                        return Ok(Some(broke_off()));
                    }
                    under_way.insert(first_row);
                }
                for written in loader.take() {
                    under_way.remove(&written.first_row);
                    if written.by == By::Us {
                        share.chunks += 1;
                    }
                }
            }
            if self.job.stop.load(Ordering::Relaxed) {
                return Ok(Some(as_asked()));
            }
            if loader.has_failed() {
                return Ok(Some(broke_off()));
            }
            if share.chunks == before {
                std::thread::sleep(PAUSE);
            }
        }
    }

    fn first_row(&self, chunk: usize) -> RowNumber {
        self.ran.spool.first_row(self.chunks[chunk].start)
    }

    /// Those of `some` chunks that the ledger doesn't have; those that it has are `done`, which is
    /// shown once.
    fn not_in(&self, some: &[usize], done: &mut HashSet<usize>) -> Result<Vec<usize>> {
        let rows: Vec<RowNumber> = some.iter().map(|chunk| self.first_row(*chunk)).collect();
        let written = self.store.written_of(&self.ran.run, &rows)?;
        let mut left = Vec::with_capacity(some.len());
        for (chunk, row) in some.iter().zip(rows) {
            if !written.contains(&row) {
                left.push(*chunk);
            } else if done.insert(*chunk) {
                let batches = self.chunks[*chunk].clone();
                let rows: usize = batches.map(|batch| self.ran.spool.rows_in(batch)).sum();
                self.job.progress.add(rows as u64, None);
            }
        }
        Ok(left)
    }

    fn encode(&self, some: &[usize]) -> Result<Vec<Chunk>> {
        let Ran { layout, run, .. } = self.ran;
        let definition = &self.job.pipeline.definition;
        some.par_iter()
            .map(|chunk| {
                let read = read_chunk(self.ran, self.chunks[*chunk].clone())?;
                let mut chunk = load::encode(&read, layout, definition, run, self.groups);
                chunk.notes = Some(self.notes(&read)?);
                Ok(chunk)
            })
            .collect()
    }

    /// What there is to say of the rows of a chunk that their plan doesn't say.
    fn notes(&self, batches: &[load::Batch]) -> Result<Notes> {
        let mut notes = Notes::default();
        for load::Batch {
            first_row: first,
            planned,
            ..
        } in batches
        {
            let (first, count) = (*first, planned.outcomes.len());
            let rows = first..first + count as RowNumber;
            let mut known = self.planned.read(self.ran.spool.batch_of(first))?.issues;
            known.sort_by_key(|issue| issue.row);
            let late = self.ran.late.range(rows);
            let late = late.flat_map(|(_, (_, issues))| issues);
            let new = planned.issues.iter().chain(late).filter(|issue| {
                let from = known.partition_point(|known| known.row < issue.row);
                let of_row = known[from..].iter();
                let mut of_row = of_row.take_while(|known| known.row == issue.row);
                let has_moved = self.ran.moves.settled.contains_key(&issue.row);
                issue.code != Code::PlanLeftOut
                    && !(has_moved && stood_in_its_way(issue))
                    && !of_row.any(|known| known == *issue)
            });
            notes.issues.extend(new.cloned());
        }
        Ok(notes)
    }
}

fn broke_off() -> Refusal {
    Refusal::new(Code::RunStopped, "writing broke off").exit(Exit::Stopped)
}

/// Where the process with a seat begins, of so many chunks: in the middle of what is between those
/// who came before it (the sequence of van der Corput).
fn start(seat: u32, chunks: usize) -> usize {
    ((u64::from(seat.reverse_bits()) * chunks as u64) >> u32::BITS) as usize
}

/// Puts what the ledger has in the place of what this process planned: then all tell the same.
fn tell_from_ledger(ran: &mut Ran, planned: &PlanSpool, ledger: &[Booked]) -> Result<()> {
    let chunks: BTreeMap<RowNumber, &Booked> = ledger
        .iter()
        .filter(|chunk| chunk.first_row != RowNumber::MAX)
        .map(|chunk| (chunk.first_row, chunk))
        .collect();
    let mut plan = PlanSpool::new()?;
    for batch in 0..ran.spool.batches() {
        let first = ran.spool.first_row(batch);
        let rows = first..first + ran.spool.rows_in(batch) as RowNumber;
        let written = chunks.range(..=first).next_back().and_then(|(row, chunk)| {
            let from = (first - row) as usize;
            let outcomes = chunk.outcomes.get(from..from + rows.len())?;
            Some((outcomes, &chunk.notes.issues))
        });
        let Some((outcomes, issues)) = written else {
            plan.push(&ran.plan.read(batch)?)?;
            wait(ran, rows)?;
            continue;
        };
        without(&mut ran.late, &rows);
        without(&mut ran.moves.settled, &rows);
        let issues = issues.iter().filter(|issue| rows.contains(&issue.row));
        plan.push(&as_written(planned.read(batch)?, first, outcomes, issues))?;
    }
    ran.plan = plan;
    Ok(())
}

fn without<T>(map: &mut BTreeMap<RowNumber, T>, rows: &Range<RowNumber>) {
    let gone: Vec<RowNumber> = map.range(rows.clone()).map(|(row, _)| *row).collect();
    for row in gone {
        map.remove(&row);
    }
}

/// A batch of the plan as it was written.
fn as_written<'a>(
    mut planned: Planned,
    first: RowNumber,
    outcomes: &[Outcome],
    issues: impl Iterator<Item = &'a Issue>,
) -> Planned {
    let was = std::mem::replace(&mut planned.outcomes, outcomes.to_vec());
    let is_as_planned = |row: RowNumber| {
        let index = (row - first) as usize;
        was[index] == outcomes[index]
    };
    planned.updates.retain(|(row, _)| is_as_planned(*row));
    let left_out = (first..)
        .zip(outcomes)
        .filter(|(row, outcome)| **outcome == Outcome::Skipped && !is_as_planned(*row));
    let left_out = left_out.map(|(row, _)| Issue::of_row(Code::PlanLeftOut, row, ""));
    planned.issues.extend(left_out.chain(issues.cloned()));
    planned.issues.sort_by_key(|issue| issue.row);
    planned
}

/// What was planned of `rows` and is not in waits for the next try.
fn wait(ran: &mut Ran, rows: Range<RowNumber>) -> Result<()> {
    let batch = ran.spool.batch_of(rows.start);
    let planned = ran.plan.read(batch)?;
    for (row, outcome) in rows.zip(planned.outcomes) {
        let now = ran.late.get(&row).map_or(outcome, |(outcome, _)| *outcome);
        if matches!(now, Outcome::Created | Outcome::Updated) {
            ran.late.insert(row, (Outcome::Held, Vec::new()));
        }
    }
    Ok(())
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
