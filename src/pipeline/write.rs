//! load: the groups, the rows in chunks, the leavers.

use super::leavers::settle_leavers;
use super::{Job, Ran};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use crate::issue::{Code, Issue};
use crate::outcome::{Exit, Outcome};
use crate::refusal::{Refusal, Result};
use crate::row::RowNumber;
use crate::spool::Spool;
use crate::stages::load::{self};
use crate::stages::membership::Tree;
use crate::stages::moves::Moves;
use crate::stages::plan::{Action, Planned, Update};
use crate::store::Store;
use crate::store::loader::Written;

/// load: makes the groups, writes the rows, settles the leavers. What stops it on the way is in the
/// result, not an error: rows are in by then.
pub(super) fn write(job: &Job, mut ran: Ran, needed: &[String], store: &mut Store) -> Result<Ran> {
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
    let chunks = chunks(&ran.spool, definition.load.chunk_rows);
    let mut loader = store.loader(definition.load.connections, &ran.run)?;
    let mut waiting: BTreeMap<RowNumber, Vec<Outcome>> = BTreeMap::new();
    let mut stopped = None;
    job.progress.begin("write", Some(ran.spool.rows()));
    for some in chunks.chunks(definition.load.connections) {
        let encoded: Vec<load::Chunk> = some
            .par_iter()
            .map(|batches| {
                let read = read_chunk(ran, batches.clone())?;
                Ok(load::encode(
                    &read,
                    &ran.layout,
                    definition,
                    &ran.run,
                    groups,
                ))
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
            ran.written += settle_chunk(job, written, &mut waiting, &mut ran.late);
        }
    }
    let (rest, failure) = loader.finish();
    for written in rest {
        ran.written += settle_chunk(job, written, &mut waiting, &mut ran.late);
    }
    job.progress.end();
    // What was planned and is not in waits for the next try.
    for (first_row, outcomes) in waiting {
        for (row, outcome) in (first_row..).zip(outcomes) {
            if matches!(outcome, Outcome::Created | Outcome::Updated) {
                ran.late.insert(row, (Outcome::Held, Vec::new()));
            }
        }
    }
    Ok(failure.or(stopped))
}

/// Some successive batches, with what is to be written of them.
pub(super) fn read_chunk(ran: &Ran, batches: Range<usize>) -> Result<Vec<load::Batch>> {
    let read = |batch: usize| {
        let planned = ran.plan.read(batch)?;
        let planned = planned_now(planned, &ran.spool, batch, &ran.moves, &ran.late);
        let creates = planned.outcomes.contains(&Outcome::Created);
        let people = creates.then(|| ran.spool.read_with_passwords(batch));
        Ok(load::Batch {
            first_row: ran.spool.first_row(batch),
            people: people.transpose()?,
            planned,
        })
    };
    batches.map(read).collect()
}

/// Successive batches of at least `rows` rows.
pub(super) fn chunks(spool: &Spool, rows: usize) -> Vec<Range<usize>> {
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
    let updates = moving(ran)?;
    if updates.is_empty() {
        return Ok(None);
    }
    let mut loader = store.loader(1, &ran.run)?;
    loader.send(load::encode_moves(&updates, groups));
    let (written, failure) = loader.finish();
    let mut waiting = BTreeMap::new();
    for written in written {
        ran.written += settle_chunk(job, written, &mut waiting, &mut ran.late);
    }
    Ok(failure)
}

/// The updates of the rows that pass on keys to each other.
pub(super) fn moving(ran: &Ran) -> Result<Vec<(RowNumber, Update)>> {
    let moves = &ran.moves;
    let mut updates = Vec::with_capacity(moves.together.len());
    for row in &moves.together {
        match moves.settled.get(row) {
            Some(Action::Update(update)) => updates.push((*row, update.as_ref().clone())),
            Some(_) => {}
            None => {
                let planned = ran.plan.read(ran.spool.batch_of(*row))?;
                updates.extend(planned.updates.into_iter().filter(|(at, _)| at == row));
            }
        }
    }
    Ok(updates)
}

/// Returns how many accounts it made or changed.
fn settle_chunk(
    job: &Job,
    written: Written,
    waiting: &mut BTreeMap<RowNumber, Vec<Outcome>>,
    late: &mut BTreeMap<RowNumber, (Outcome, Vec<Issue>)>,
) -> u64 {
    waiting.remove(&written.first_row);
    job.progress.add(written.outcomes.len() as u64, None);
    for issue in written.issues {
        late.entry(issue.row)
            .or_insert((Outcome::Failed, Vec::new()))
            .1
            .push(issue);
    }
    let in_accounts = |outcome: &&Outcome| matches!(outcome, Outcome::Created | Outcome::Updated);
    written.outcomes.iter().filter(in_accounts).count() as u64
}
