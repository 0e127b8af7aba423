//! What a run is asked to do.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::definition::Pipeline;
use crate::issue::Code;
use crate::memory::Budget;
use crate::outcome::Exit;
use crate::password::Given;
use crate::progress::Progress;
use crate::refusal::Refusal;
use crate::run_key::RunKey;
use crate::safeguard::Class;
use crate::stages::read::Reader;

/// What a run is asked to do.
#[derive(Clone)]
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
    /// The password that it gives to accounts, where whoever began it gave one.
    pub password: Option<&'a Given>,
    /// How much it may remember of the rows in memory.
    pub memory: Budget,
    /// Where its reports go.
    pub folder: &'a Path,
    /// Shows how far it is.
    pub progress: &'a Progress,
    /// Set from outside to make it stop cleanly.
    pub stop: &'a AtomicBool,
}

/// The refusal of a run that somebody stopped before anything was written.
pub(super) fn stopped_early() -> Refusal {
    Refusal::new(Code::RunStopped, "interrupted before anything was written")
        .help("run the same command again")
        .exit(Exit::Stopped)
}
