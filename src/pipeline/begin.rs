//! The run's line in the run log: started, joined, or continued after an interruption.

use std::sync::atomic::Ordering;

use super::decisions::Decisions;
use super::job::{Job, stopped_early};
use super::write::LoadMode;
use crate::issue::Code;
use crate::ledger::planfile::PlanFile;
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::run_key::RunKey;
use crate::spool::Spool;
use crate::stages::read::InputFile;
use crate::stages::resubmission::{Resubmissions, RowRefs};
use crate::store::Store;
use crate::store::share::Step;

/// A run in the run log, now begun or taken up.
pub(super) struct Begun {
    /// What names it.
    pub(super) run: RunKey,
    /// RFC 3339, when it was begun first and cut off.
    pub(super) resumed_from: Option<String>,
    /// A run of the same input that was interrupted and can't go on.
    pub(super) given_up: Option<String>,
    /// Whether processes share it.
    pub(super) mode: LoadMode,
}

impl Begun {
    /// A run that is not in the run log: a check.
    pub(super) fn new(run: &RunKey) -> Begun {
        Begun {
            run: run.clone(),
            resumed_from: None,
            given_up: None,
            mode: LoadMode::Alone,
        }
    }
}

/// Begins the run in the run log, or takes up the one that was interrupted. One that has written
/// and whose decisions aren't known any more can't go on: other runs have changed the accounts
/// since, or another version of muster began it. What it wrote is found by the match as what others
/// wrote is. With it comes what an earlier try, or another process, has sealed.
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
    let mut logged = begin()?;
    let mut decisions = None;
    let mut given_up = None;
    if logged.resumed_from.is_some() {
        decisions = Decisions::sealed(&logged.id, spool, store)?;
        if logged.has_written && decisions.is_none() {
            if !is_alone {
                let what = "another version of muster is working on this run";
                return Err(Refusal::new(Code::RunLocked, what).exit(Exit::Locked));
            }
            store.give_up(&logged.id)?;
            given_up = Some(logged.id);
            logged = begin()?;
        }
    }
    job.progress.run(&logged.id);
    let begun = Begun {
        run: RunKey {
            id: logged.id,
            seed: logged.seed,
            started_ms: logged.started_ms,
        },
        resumed_from: logged.resumed_from,
        given_up,
        mode: LoadMode::Alone,
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
    store.use_target(&job.pipeline.definition)?;
    if is_alone {
        // A process that had the run for itself may have been cut off while it loaded apart.
        store.drop_load_tables()?;
    }
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
    begun.mode = LoadMode::Shared {
        opens,
        joined: !is_alone,
    };
    Ok((begun, sealed))
}

/// Which rows the run fixes, as far as the run log knows them.
pub(super) fn confirm(
    job: &Job,
    row_refs: &RowRefs,
    run: &RunKey,
    store: Option<&Store>,
) -> Result<Resubmissions> {
    let Some(store) = store.filter(|_| !row_refs.is_empty()) else {
        return Ok(Resubmissions::default());
    };
    let definition = &job.pipeline.definition;
    let mut run_log = store.to_fix(&row_refs.runs(), definition.source(), &run.id)?;
    // A row that needed no fix comes back only with its account.
    if definition.matching.account_column.is_none() {
        run_log.values_mut().for_each(|run| run.read = 0);
    }
    Ok(Resubmissions::new(row_refs, run_log))
}

/// SHA-256 of each file.
pub(crate) fn inputs_of(files: &[InputFile]) -> Vec<String> {
    let hashes = files.iter().map(|file| file.source.sha256.clone());
    hashes.collect()
}
