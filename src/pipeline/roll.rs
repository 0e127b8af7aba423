//! Scans all accounts while the file is read, and looks up every row in that snapshot.

use crate::decision::Lookup;
use rayon::prelude::*;

use super::Job;
use super::change::asks_for_groups;
use crate::field::RowNumber;
use crate::meaning::membership::Tree;
use crate::pipeline::rows::{Guide, Rows};
use crate::refusal::Result;
use crate::row::Layout;
use crate::spool::GROUP_BATCHES;
use crate::spool::Spool;
use crate::stages::managers::Wrong;
use crate::stages::plan::decide;
use crate::stages::read::InputFile;
use crate::stages::roll::{Answer, Call, Roll, Shape};
use crate::store::Store;
use crate::store::roll::Calling;

/// An account is scanned for this many bytes of the file: scanning all accounts for a file of few
/// rows would take longer than looking up these.
const BYTES_AN_ACCOUNT: u64 = 16;
/// What an account takes during the scan: its fingerprint, its keys, and the sum of its groups.
const ACCOUNT_BYTES: usize = 112;

/// What the roll says of every row.
pub(super) struct Called {
    roll: Roll,
    /// By row.
    answers: Vec<Answer>,
}

impl Called {
    /// What is known of row `index` of a batch.
    pub(super) fn lookup(&self, spool: &Spool, batch: usize, index: usize) -> Lookup {
        let row = spool.first_row(batch) as usize + index;
        self.roll.lookup(self.answers[row])
    }
}

/// Begins to call the accounts, if that will pay. A plan must say what the match saw of every row, so
/// that it asks for all of them.
pub(super) fn call_roll<'a>(
    job: &Job,
    files: &[InputFile],
    layout: &Layout,
    store: Option<&'a Store>,
) -> Option<Calling<'a>> {
    let definition = &job.pipeline.definition;
    let store = store.filter(|_| !job.for_plan)?;
    let shape = Shape::of(layout, definition, job.run.seed)?;
    let bytes: u64 = files.iter().map(|file| file.source.bytes).sum();
    let with_groups = asks_for_groups(layout, definition);
    let most = job.memory.of_roll() / ACCOUNT_BYTES;
    Some(store.call_roll(
        shape,
        with_groups,
        (bytes / BYTES_AN_ACCOUNT).min(most as u64),
    ))
}

/// Asks the roll about every row, batches side by side.
pub(super) fn ask_roll(
    rows: &Rows,
    guide: &Guide,
    tree: &Tree,
    calling: Calling,
) -> Result<Option<Called>> {
    let Rows { job, layout, spool } = *rows;
    let definition = &job.pipeline.definition;
    let shape = Shape::of(layout, definition, job.run.seed);
    let (
        Some(roll),
        Some(shape),
        Guide::Pipeline {
            clashing, managers, ..
        },
    ) = (calling.finish()?, shape, guide)
    else {
        return Ok(None);
    };
    let call = Call {
        roll: &roll,
        shape: &shape,
        layout,
        definition,
        tree,
        with_groups: asks_for_groups(layout, definition),
        decide: &decide,
    };
    let mut answers = Vec::with_capacity(spool.rows() as usize);
    job.progress.begin("look up", Some(spool.rows()));
    for first in (0..spool.batches()).step_by(GROUP_BATCHES) {
        let range = first..(first + GROUP_BATCHES).min(spool.batches());
        let asked: Vec<Vec<Answer>> = range
            .into_par_iter()
            .map(|batch| {
                let people = spool.read(batch)?;
                let first = people.drafts.first_row;
                let of_batch = first..first + people.len() as RowNumber;
                let clashes = clashing.decisions(of_batch, |_, _| Ok(String::new()))?;
                let is_open = |index: usize| {
                    let row = first + index as RowNumber;
                    let manager = managers.get(row as usize).copied().unwrap_or_default();
                    manager == Wrong::Nothing && !clashes.contains_key(&row)
                };
                Ok(call.batch(&people, is_open))
            })
            .collect::<Result<_>>()?;
        for answered in asked {
            job.progress.add(answered.len() as u64, None);
            answers.extend(answered);
        }
    }
    Ok(Some(Called { roll, answers }))
}
