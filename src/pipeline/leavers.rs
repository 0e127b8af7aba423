//! People who are missing from a full list, or whose first or last day is due.

use super::{Job, Ran};
use crate::stages::read::InputFile;

use uuid::Uuid;

use crate::definition::{Missing, Onboarding};
use crate::leaver::{Leaver, LeaverAction, Why};
use crate::outcome::Exit;
use crate::refusal::Result;
use crate::stages::leavers;
use crate::store::Store;

/// Whether who isn't in the files has left. A file of corrections names only those who were left
/// over.
pub(super) fn is_full_list(job: &Job, files: &[InputFile]) -> bool {
    job.pipeline.definition.leavers.missing == Missing::Deactivate
        && !files.is_empty()
        && !files.iter().any(|file| file.source.is_correction())
}

/// Whom a full list no longer names, judged by the keys that the match was sent, and whose last or
/// first day has come. In order of their accounts, each once. Nobody can be found by `unknown_rows`
/// of the files.
pub(super) fn find_leavers(
    job: &Job,
    files: &[InputFile],
    unknown_rows: u64,
    store: Option<&Store>,
) -> Result<Vec<Leaver>> {
    let definition = &job.pipeline.definition;
    let Some(store) = store else {
        return Ok(Vec::new());
    };
    let (full_list, day) = (is_full_list(job, files), definition.accounts.day());
    if !full_list && day.is_none() || !store.has_accounts()? {
        return Ok(Vec::new());
    }
    let mut leavers = Vec::new();
    if let Some(day) = day {
        let opens = definition.accounts.onboarding == Onboarding::Setup;
        leavers = store.find_due(definition.source(), day, opens)?;
    }
    if full_list {
        leavers.extend(store.find_leavers(definition.source())?);
    }
    // A last day needs no grace.
    leavers.sort_by_key(|leaver| (leaver.account, leaver.why != Why::EndDate));
    leavers.dedup_by_key(|leaver| leaver.account);
    leavers::decide(&mut leavers, definition, unknown_rows);
    Ok(leavers)
}

/// Deactivates the leavers whose time has come, activates those whose first day has come, and
/// counts the run for the others who are missing.
pub(super) fn settle_leavers(job: &Job, ran: &Ran, store: &mut Store) -> Result<()> {
    let counts = ran.decisions.whole.counts_absences && is_full_list(job, &ran.files);
    let leavers = &ran.decisions.whole.leavers;
    if !counts && leavers.is_empty() {
        return Ok(());
    }
    let of = |wanted: fn(&Leaver) -> bool| -> Vec<Uuid> {
        let some = leavers.iter().filter(|leaver| wanted(leaver));
        some.map(|leaver| leaver.account).collect()
    };
    let missing = counts.then(|| {
        of(|leaver| leaver.why == Why::Missing && leaver.action != LeaverAction::Protected)
    });
    let gone = of(|leaver| leaver.action == LeaverAction::Deactivated);
    let begun = of(|leaver| leaver.action == LeaverAction::Activated);
    let source = job.pipeline.definition.source();
    store
        .settle_leavers(&ran.run.id, source, missing.as_deref(), &gone, &begun)
        .map_err(|refusal| refusal.exit(Exit::Stopped))?;
    Ok(())
}
