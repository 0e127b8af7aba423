//! THE page: each way of running, pass by pass.
//!
//! What happens to every row is decided once, when the last row is read. The decisions are sealed
//! before anything is written, so that a run that was interrupted continues with the same ones.
//! `load` only carries them out, and reports are read from them. The ways of running differ in how
//! they come to their decisions, and in whether they carry them out. Where not said otherwise, an
//! error is a refusal before any write; what stops a run later is in [`Ran::stopped`].

#![expect(clippy::missing_errors_doc, reason = "the page says it once, above")]

mod begin;
mod change;
pub mod columns;
mod decisions;
mod duplicate_match;
mod hold;
mod input;
mod job;
mod leavers;
mod managers;
mod order;
mod passwords;
mod plan;
pub mod proposal;
mod ran;
mod read;
pub mod recognize;
pub mod record;
mod rows;
mod snapshot;
mod taken_back;
mod write;

use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use self::begin::inputs_of;
use self::begin::{Begun, begin, join};
pub use self::decisions::{Decisions, Refused, Whole};
pub use self::taken_back::TakenBack;
use self::{input::Input, read::open, snapshot::scan_accounts, write::write};
pub use self::{job::Job, order::Order, ran::Ran, ran::Shared, read::reported_order};
use crate::progress::Progress;
use crate::refusal::Result;
use crate::store::{Store, undo::Undoing};

/// What an import would do, without a write.
pub fn check(job: &Job, store: Option<&mut Store>) -> Result<Ran> {
    let (files, layout) = open(job)?;
    let store = store.as_deref();
    // A check makes the views of a target only for itself: no other connection sees them.
    let is_own = job.pipeline.definition.target.is_none();
    let scanning = scan_accounts(job, &files, &layout, store.filter(|_| is_own));
    let mut input = Input::read(job, files, layout)?;
    let decisions = input.decide(job, store, scanning)?;
    job.progress.run(&job.run.id);
    input.with(job, decisions, Begun::new(&job.run), store)
}

/// The whole of it.
pub fn import(job: &Job, store: &mut Store) -> Result<Ran> {
    let (files, layout) = open(job)?;
    let scanning = scan_accounts(job, &files, &layout, Some(store));
    let mut input = Input::read(job, files, layout)?;
    let (begun, sealed) = begin(job, &input.files, &input.spool, store, true)?;
    let decide = || {
        input
            .decide(job, Some(store), scanning)?
            .seal(&begun.run, &input.spool, store)
    };
    let decisions = sealed.map_or_else(decide, Ok)?;
    let mode = begun.mode;
    let ran = input.with(job, decisions, begun, Some(store))?;
    write(job, ran, mode, store)
}

/// Exactly what a plan says, for those of its rows that are wanted. A row whose account has changed
/// since the check is held, or decided again.
pub fn apply(job: &Job, mut order: Order, store: &mut Store) -> Result<Ran> {
    passwords::fetch(job, &mut order.plan)?;
    let (begun, sealed) = match order.shares {
        true => join(job, &order.plan, store)?,
        false => begin(job, &order.plan.files, &order.plan.spool, store, true)?,
    };
    let decide = || {
        order
            .decide(job, store)?
            .seal(&begun.run, &order.plan.spool, store)
    };
    let decisions = sealed.map_or_else(decide, Ok)?;
    let mode = begun.mode;
    write(job, order.with(job, decisions, begun, store)?, mode, store)
}

/// What safeguards held of a run and somebody lets through: by the plan that the run left.
pub fn approve(job: &Job, mut order: Order, store: &mut Store) -> Result<Ran> {
    (order.replan, order.shares) = (false, false);
    apply(job, order, store)
}

/// What the dates of the accounts say is to be done: an import without a row.
pub fn due(job: &Job, store: &mut Store) -> Result<Ran> {
    let mut job = job.clone();
    job.files = &[];
    import(&job, store)
}

/// A run taken back, or planned to be; an error is the database's.
pub fn undo(mut undoing: Undoing, progress: &Progress, stop: &AtomicBool) -> Result<TakenBack> {
    let (total, mut before) = (undoing.total, 0);
    progress.begin_of("undo", "accounts", Some(total));
    while !stop.load(Ordering::Relaxed) && undoing.advance()? {
        progress.add(undoing.counts.read - before, None);
        before = undoing.counts.read;
    }
    let stopped = stop.load(Ordering::Relaxed);
    progress.end();
    Ok(TakenBack::of(undoing.finish(!stopped)?, total, stopped))
}
