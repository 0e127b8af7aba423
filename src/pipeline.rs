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
//!
//! What becomes of every row is decided once. The decisions are sealed before anything is written, so
//! that a run that was cut off goes on with the same ones; `load` only carries them out, and all that
//! is told of a run is read from them. A check stops at the seal. An approval applies the plan of the
//! run that was held, and `muster due` imports no file.
//!
//! The passes themselves are in [`crate::stages`], and decide without I/O; the rooms below lead the
//! batches through them: `read` up to the spool (with `passwords` beside it), `plan`, `hold` and
//! `leavers` (and `change`, what a row does) against the accounts, with `snapshot` for those that
//! stay as they are and `duplicate_match` for those that several rows match. `input` and `order`
//! make the `decisions` of that, by files and by a plan; `begin` has the run's line in the books,
//! and `write` is the load, by one process or several.

mod begin;
mod change;
pub mod columns;
mod decisions;
mod hold;
mod input;
mod leavers;
mod managers;
mod order;
mod passwords;
mod plan;
mod ran;
mod read;
pub mod record;
mod roll;
mod rows;
mod twice;
mod write;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use self::begin::{Begun, begin, join};
pub use self::decisions::{Decisions, Refused, Whole};
use self::input::Input;
pub use self::order::Order;
pub use self::ran::{Ran, Shared};
use self::read::open;
pub use self::read::told_order;
use self::roll::call_roll;
use self::write::{Way, write};
use crate::definition::Pipeline;
use crate::issue::Code;
use crate::memory::Budget;
use crate::outcome::Exit;
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::run_key::RunKey;
use crate::safeguard::Class;
pub use crate::stages::read::InputFile;
use crate::stages::read::Reader;
use crate::store::Store;

pub(crate) use self::begin::inputs_of;

/// What a run is asked to do.
pub struct Job<'a> {
    /// The files, in order; together they are one import.
    pub files: &'a [PathBuf],
    /// SHA-256 that the only file must have; `None` takes whatever is there.
    pub sha256: Option<&'a str>,
    /// What they are read with.
    pub reader: &'a Reader,
    /// By which pipeline.
    pub pipeline: &'a Pipeline,
    /// What names the run in what it writes.
    pub run: RunKey,
    /// Whether a plan is written of it, which says what the match saw of every row.
    pub for_plan: bool,
    /// Up to how many changes of a class somebody lets through this time.
    pub allowed: &'a [(Class, u64)],
    /// How much it may remember of the rows in memory.
    pub memory: Budget,
    /// Where its reports go.
    pub folder: &'a Path,
    /// Shows how far it is.
    pub progress: &'a Progress,
    /// Set from outside to make it stop cleanly.
    pub stop: &'a AtomicBool,
}

/// What would happen, without a write.
///
/// # Errors
/// A refusal; nothing was written then.
pub fn check(job: &Job, store: Option<&mut Store>) -> Result<Ran> {
    let (files, layout) = open(job)?;
    let store = store.as_deref();
    // A check makes the views of a target only for itself: no other connection sees them.
    let is_own = job.pipeline.definition.target.is_none();
    let calling = call_roll(job, &files, &layout, store.filter(|_| is_own));
    let mut input = Input::read(job, files, layout)?;
    let decisions = input.decide(job, store, calling)?;
    input.with(job, decisions, Begun::new(&job.run), store)
}

/// The whole of it. Everything that is done to the database is done in here and in [`apply`].
///
/// # Errors
/// A refusal before any write; what stops it later is in [`Ran::stopped`].
pub fn import(job: &Job, store: &mut Store) -> Result<Ran> {
    let (files, layout) = open(job)?;
    let calling = call_roll(job, &files, &layout, Some(store));
    let mut input = Input::read(job, files, layout)?;
    let mut begun = begin(job, &input.files, &input.spool, store, true)?;
    let rows = input.spool.rows();
    let decisions = begun.decided(rows, store, || input.decide(job, Some(store), calling))?;
    let ran = input.with(job, decisions, begun, Some(store))?;
    write(job, ran, Way::Alone, store)
}

/// Exactly what a plan says, for those of its rows that are wanted. A row whose account is no
/// longer what the check saw is held, or decided anew. Nothing is held for being much: whoever
/// applies a plan has seen it. What the plan itself holds stays held until it is approved.
///
/// # Errors
/// As [`import`].
pub fn apply(job: &Job, mut order: Order, store: &mut Store) -> Result<Ran> {
    passwords::fetch(job, &mut order.plan)?;
    let (mut begun, way) = match order.shares {
        true => join(job, &order.plan, store)?,
        false => {
            let begun = begin(job, &order.plan.files, &order.plan.spool, store, true)?;
            (begun, Way::Alone)
        }
    };
    let rows = order.plan.spool.rows();
    let decisions = begun.decided(rows, store, || order.decide(job, store))?;
    let ran = order.with(job, decisions, begun, store)?;
    write(job, ran, way, store)
}

fn stopped_early() -> Refusal {
    Refusal::new(Code::RunStopped, "interrupted before anything was written")
        .help("run the same command again")
        .exit(Exit::Stopped)
}
