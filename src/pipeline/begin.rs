//! The run's line in the books: begun, joined, or taken up where it was cut off.

use std::sync::atomic::Ordering;

use super::decisions::Decisions;
use super::job::{Job, stopped_early};
use super::write::Way;
use crate::issue::Code;
use crate::ledger::planfile::PlanFile;
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::run_key::RunKey;
use crate::spool::Spool;
use crate::stages::lineage::{Lineage, Marks};
use crate::stages::read::InputFile;
use crate::store::Store;
use crate::store::share::Step;

/// A run in the books, now begun or taken up.
pub(super) struct Begun {
    /// What names it.
    pub(super) run: RunKey,
    /// RFC 3339, when it was begun first and cut off.
    pub(super) resumed_from: Option<String>,
    /// A run of the same input that was cut off and can't go on.
    pub(super) given_up: Option<String>,
    /// Whether processes share it.
    pub(super) way: Way,
}

impl Begun {
    /// A run that is in no books: a check.
    pub(super) fn new(run: &RunKey) -> Begun {
        Begun {
            run: run.clone(),
            resumed_from: None,
            given_up: None,
            way: Way::Alone,
        }
    }
}

/// Begins the run in the books, or takes up the one that was cut off. One that has written and whose
/// decisions aren't known any more can't go on: other runs have changed the accounts since, or
/// another version of muster began it. What it wrote is found by the match as what others wrote is.
/// With it comes what an earlier try, or another process, has sealed.
pub(super) fn begin(
    job: &Job,
    files: &[InputFile],
    spool: &Spool,
    store: &Store,
    is_alone: bool,
) -> Result<(Begun, Option<Decisions>)> {
    let inputs = inputs_of(files);
    let folder = job.folder.display().to_string();
    let begin = || store.begin_run(&job.run.id, job.run.seed, &inputs, job.pipeline, &folder);
    let mut booked = begin()?;
    let mut decisions = None;
    let mut given_up = None;
    if booked.resumed_from.is_some() {
        decisions = Decisions::sealed(&booked.id, spool, store)?;
        if booked.has_written && decisions.is_none() {
            if !is_alone {
                let what = "another version of muster is working on this run";
                return Err(Refusal::new(Code::RunLocked, what).exit(Exit::Locked));
            }
            store.give_up(&booked.id)?;
            given_up = Some(booked.id);
            booked = begin()?;
        }
    }
    let begun = Begun {
        run: RunKey {
            id: booked.id,
            seed: booked.seed,
            started_ms: booked.started_ms,
        },
        resumed_from: booked.resumed_from,
        given_up,
        way: Way::Alone,
    };
    Ok((begun, decisions))
}

/// Joins the run of a plan, or begins it; with its decisions, unless this process is the one that
/// has to make them.
pub(super) fn join(
    job: &Job,
    plan: &PlanFile,
    store: &mut Store,
) -> Result<(Begun, Option<Decisions>)> {
    let is_alone = store.join(&inputs_of(&plan.files), &job.pipeline.sha256)?;
    store.aim(&job.pipeline.definition)?;
    let (mut begun, mut sealed) = begin(job, &plan.files, &plan.spool, store, is_alone)?;
    store.let_others_join(&begun.run.id)?;
    let opens = store.begin_step(&begun.run, Step::Open, job.stop)?;
    if sealed.is_none() {
        sealed = Decisions::sealed(&begun.run.id, &plan.spool, store)?;
    }
    if !opens && sealed.is_none() {
        return match job.stop.load(Ordering::Relaxed) {
            true => Err(stopped_early()),
            false => {
                let what = "the run that this process joined no longer exists";
                Err(Refusal::new(Code::RunStopped, what).exit(Exit::Stopped))
            }
        };
    }
    begun.way = Way::Shared {
        opens,
        joined: !is_alone,
    };
    Ok((begun, sealed))
}

/// Which rows the run mends, as far as the books know them.
pub(super) fn confirm(
    job: &Job,
    marks: &Marks,
    run: &RunKey,
    store: Option<&Store>,
) -> Result<Lineage> {
    let Some(store) = store.filter(|_| !marks.is_empty()) else {
        return Ok(Lineage::default());
    };
    let source = job.pipeline.definition.source();
    let books = store.to_mend(&marks.runs(), source, &run.id)?;
    Ok(Lineage::new(marks, books))
}

/// SHA-256 of each file.
pub(crate) fn inputs_of(files: &[InputFile]) -> Vec<String> {
    let hashes = files.iter().map(|file| file.source.sha256.clone());
    hashes.collect()
}
