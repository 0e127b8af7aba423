//! The rows of a run, and by what they are decided.

use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::Order;
use super::job::{Job, stopped_early};
use crate::field::RowNumber;
use crate::refusal::Result;
use crate::row::{Layout, People};
use crate::spool::{GROUP_BATCHES, Spool};
use crate::stages::clash::key_index::Clashing;
use crate::stages::managers::Wrong;
use crate::stages::read::InputFile;
use crate::stages::resubmission::RowRefs;

/// By what the rows are decided.
pub(super) enum Guide<'a> {
    /// By the pipeline, knowing how the clashes of the files ended.
    Pipeline {
        clashing: &'a Clashing,
        managers: &'a [Wrong],
        files: &'a [InputFile],
        row_refs: &'a RowRefs,
    },
    /// By a plan, as long as the accounts are what it saw.
    Plan(&'a Order<'a>),
}

/// The rows of a run, and what they are for.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) layout: &'a Layout,
    pub(super) spool: &'a Spool,
}

impl Rows<'_> {
    /// The rows of a batch.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk fails.
    pub(super) fn read(&self, batch: usize) -> Result<People> {
        self.spool.read(batch)
    }

    /// Reads `batches`, several side by side, under the heading `what`. `begin` is called for each
    /// group of them with its last row, `one` makes something of a batch, and `next` takes that in
    /// order.
    ///
    /// # Errors
    /// `run.stopped`, when somebody asks for it; those of the disk; what the functions fail with.
    pub(super) fn each<C: Sync, T: Send>(
        &self,
        what: &'static str,
        batches: impl Iterator<Item = usize>,
        mut begin: impl FnMut(RowNumber) -> Result<C>,
        one: impl Fn(&C, usize, People) -> Result<T> + Sync,
        mut next: impl FnMut(usize, T) -> Result<()>,
    ) -> Result<()> {
        let Rows { job, spool, .. } = *self;
        let batches: Vec<usize> = batches.collect();
        let rows_in = |batch: &usize| spool.rows_in(*batch) as u64;
        job.progress
            .begin(what, Some(batches.iter().map(rows_in).sum()));
        for group in batches.chunks(GROUP_BATCHES) {
            if job.stop.load(Ordering::Relaxed) {
                return Err(stopped_early());
            }
            let last = group[group.len() - 1];
            let last_row = spool.first_row(last) + spool.rows_in(last) as RowNumber - 1;
            let context = begin(last_row)?;
            let made: Vec<T> = group
                .par_iter()
                .map(|batch| one(&context, *batch, self.read(*batch)?))
                .collect::<Result<_>>()?;
            for (batch, made) in group.iter().zip(made) {
                next(*batch, made)?;
                job.progress.add(rows_in(batch), None);
            }
        }
        Ok(())
    }
}
