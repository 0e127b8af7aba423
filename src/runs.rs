//! The runs that are known, and what became of them since.

use std::path::{Path, PathBuf};

use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::store::Store;
use crate::store::runs::RunRecord;
use crate::summary::Summary;

/// Where runs keep their files by themselves, below the folder of the command.
const FOLDER: &str = "muster-runs";

/// The latest runs, newest first, at most `limit`: imports from the run log of `store`, checks from
/// the folder `muster-runs`.
///
/// # Errors
/// A refusal with a `database.*` code.
pub fn known(store: Option<&Store>, limit: i64) -> Result<Vec<RunRecord>> {
    let mut runs = match store {
        Some(store) => store.list_runs(limit)?,
        None => Vec::new(),
    };
    let folders = std::fs::read_dir(FOLDER).into_iter().flatten().flatten();
    for entry in folders {
        if let Some(found) = in_folder(&entry.path())
            && runs.iter().all(|run| run.id != found.id)
        {
            runs.push(found);
        }
    }
    runs.sort_by(|a, b| b.id.cmp(&a.id));
    runs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(runs)
}

/// The run of that id: from the run log of `store`, else from the folder `muster-runs`.
///
/// # Errors
/// `run.unknown`; a refusal with a `database.*` code.
pub fn of_id(store: &Store, id: &str) -> Result<RunRecord> {
    let is_id = !id.is_empty() && id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    if is_id {
        if let Some(run) = store.run(id)? {
            return Ok(run);
        }
        if let Some(run) = in_folder(&Path::new(FOLDER).join(id)).filter(|run| run.id == id) {
            return Ok(run);
        }
    }
    Err(crate::store::runs::unknown(id))
}

/// The run whose files are in that folder.
pub fn in_folder(folder: &Path) -> Option<RunRecord> {
    let json = std::fs::read_to_string(folder.join("summary.json")).ok()?;
    let summary: Summary = serde_json::from_str(&json).ok()?;
    Some(RunRecord {
        id: summary.run.id.clone(),
        kind: summary.run.kind.clone(),
        state: summary.run.state.clone(),
        started_at: summary.run.started_at.clone(),
        folder: Some(folder.display().to_string()),
        pipeline: None,
        summary: Some(summary),
    })
}

/// The summary of a run, with what became since of its rows and its people, as far as `store` says.
///
/// # Errors
/// `run.unknown` where it was interrupted before there was one; a refusal with a `database.*` code.
pub fn up_to_date(run: &RunRecord, store: Option<&Store>) -> Result<Summary> {
    let Some(mut summary) = run.summary.clone() else {
        let what = format!(
            "run `{}` was interrupted before its summary was written",
            run.id
        );
        return Err(
            Refusal::new(Code::RunUnknown, what).help(match run.kind.as_str() {
                "undo" => "run the same undo again; it continues where it stopped",
                _ if run.state == "finished" => "it was undone as far as it got",
                _ => "run the same import again; it continues where it stopped",
            }),
        );
    };
    if let Some(store) = store.filter(|_| run.kind == "import") {
        // How far all have come takes longer, and most runs invited nobody.
        summary.invitations = match store.has_invited(&run.id)? {
            true => Some(store.funnel(Some(&run.id))?),
            false => None,
        };
        summary.open = store.open_rows(&run.id)?;
    }
    let is_held = summary.is_held();
    let next = &mut summary.next;
    next.retain(|next| is_held || !next.command.starts_with("muster approve"));
    Ok(summary)
}

/// The ledger of a run.
///
/// # Errors
/// `run.unknown` for a run without rows, or one whose ledger is gone.
pub fn ledger(run: &RunRecord) -> Result<PathBuf> {
    let folder = run.folder.as_ref();
    let ledger = folder.map(|folder| Path::new(folder).join("ledger.parquet"));
    ledger.filter(|ledger| ledger.exists()).ok_or_else(|| {
        let what = match run.kind.as_str() {
            "undo" => format!("run {} is an undo, which has no rows", run.id),
            "groups" => format!("run {} changed groups, and has no rows", run.id),
            _ => format!("the ledger of run {} is gone", run.id),
        };
        Refusal::new(Code::RunUnknown, what)
            .help("name the folder of the run's files, or another run")
    })
}

/// Refuses the undo of a run that renamed groups or changed who sees them: that is set again instead.
///
/// # Errors
/// `usage.invalid`.
pub fn refuse_renames(run: &RunRecord) -> Result<()> {
    let summary = run.summary.as_ref();
    let groups = summary.and_then(|summary| summary.groups.as_ref());
    let Some((groups, again)) = groups.and_then(|groups| Some((groups, groups.again.as_ref()?)))
    else {
        return Ok(());
    };
    let what = format!(
        "run {} {}, which isn't undone by `undo`",
        run.id, groups.what
    );
    Err(Refusal::new(Code::UsageInvalid, what).help(format!("set it again: {again}")))
}
