//! `muster undo`: undoes a run, except what was changed or used since.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use clap::Args;

use super::invite::open_store;
use super::{DatabaseArgs, OutputArgs};
use crate::cli::run::{absolute, make_folder, new_run, rfc3339};
use crate::cli::terminal::{print, stop_on_signal};
use crate::file;
use crate::history::Left;
use crate::issue::{Code, mask};
use crate::outcome::Exit;
use crate::pipeline::{self, TakenBack};
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::report::history;
use crate::runs;
use crate::store::Store;
use crate::store::runs::{RunRecord, pick, unknown};
use crate::store::undo::Earlier;
use crate::summary::{KeptExample, Next, Run, SCHEMA, Summary, Undone};

/// The most kept things that the summary names.
const EXAMPLES_MAX: usize = 20;
/// In the run's folder: everything that was kept.
const KEPT: &str = "kept.csv";

#[derive(Args)]
pub(super) struct UndoArgs {
    /// The id of an import or of an undo, the beginning of one, or `last` for the latest import
    run: String,
    /// Show what would be undone; write nothing
    #[arg(long, conflicts_with = "out")]
    plan: bool,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// `muster undo`.
pub(super) fn undo(args: &UndoArgs) -> Result<Exit> {
    let started = SystemTime::now();
    let stop = stop_on_signal();
    let mut store = open_store(&args.database)?;
    if !args.plan {
        store.lock()?;
    }
    let of = find_run(&store, &args.run)?;
    runs::refuse_renames(&of)?;
    let earlier = store.find_undos(&of.id)?;
    let unfinished = earlier.iter().find(|undo| undo.state != "finished");
    if args.plan || unfinished.is_none() && !earlier.is_empty() {
        let planned = take_back(args, &mut store, (&of.id, None), &stop)?;
        if let Some(earlier) = earlier.first().filter(|_| unfinished.is_none())
            && nothing(&planned.undone)
        {
            return already(args, &store, &of, earlier);
        }
        if args.plan {
            let mut summary = begin_summary(&store, "", rfc3339(started));
            summary.run.state = "planned".to_string();
            tell(&planned, &mut summary);
            show(args, &summary, &planned.left, Path::new(""));
            return Ok(exit(&summary));
        }
    }
    carry_out(args, &mut store, &of, unfinished, (started, &stop))
}

fn carry_out(
    args: &UndoArgs,
    store: &mut Store,
    of: &RunRecord,
    unfinished: Option<&Earlier>,
    (started, stop): (SystemTime, &AtomicBool),
) -> Result<Exit> {
    let id = unfinished.map_or_else(|| new_run(started).id, |undo| undo.id.clone());
    let folder = args
        .output
        .out
        .clone()
        .unwrap_or_else(|| Path::new("muster-runs").join(&id));
    make_folder(&folder, args.output.out.is_none())?;
    let begun = unfinished.map_or_else(|| rfc3339(started), |undo| undo.started_at.clone());
    let mut summary = begin_summary(store, &id, begun);
    summary.run.resumed = unfinished.is_some();
    if unfinished.is_none() {
        store.begin_undo(&id, &of.id, &absolute(&folder))?;
    }
    let done = take_back(args, store, (&of.id, Some(&id)), stop)?;
    tell(&done, &mut summary);
    let ended = if done.stopped { "stopped" } else { "finished" };
    summary.run.state = ended.to_string();
    summary.run.finished_at = rfc3339(SystemTime::now());
    summary.next = next_steps(&done, &of.id, &id);
    write_files(&mut summary, &done.left, &folder)?;
    store.end_run(&summary, &absolute(&folder))?;
    if summary.counts.read > 10_000 {
        store.finish_analyze(store.begin_analyze())?;
    }
    show(args, &summary, &done.left, &folder);
    if done.stopped {
        let what = format!("the undo `{id}` was interrupted");
        return Err(Refusal::new(Code::RunStopped, what).exit(Exit::Stopped));
    }
    Ok(exit(&summary))
}

/// Takes the run `of` back, or plans that where there is no `id`.
fn take_back(
    args: &UndoArgs,
    store: &mut Store,
    (of, id): (&str, Option<&str>),
    stop: &AtomicBool,
) -> Result<TakenBack> {
    let progress =
        Progress::new(args.output.quiet || args.output.json && !std::io::stderr().is_terminal());
    if let Some(id) = id {
        progress.run(id);
    }
    pipeline::undo(store.undoing(of, id)?, &progress, stop)
}

/// Puts what was taken back into the summary.
fn tell(taken: &TakenBack, summary: &mut Summary) {
    let example = |left: &Left| KeptExample {
        id: left.id.to_string(),
        who: if left.field == "group" {
            left.who.clone()
        } else {
            mask(&left.who)
        },
        field: left.field.clone(),
        reason: left.reason.clone(),
    };
    summary.counts = taken.counts;
    summary.undo = Some(Undone {
        examples: taken.left.iter().take(EXAMPLES_MAX).map(example).collect(),
        ..taken.undone.clone()
    });
}

fn nothing(undone: &Undone) -> bool {
    let done = [
        undone.changed_back,
        undone.removed,
        undone.returned,
        undone.deactivated,
        undone.groups_removed,
        undone.groups_returned,
        undone.invitations_cancelled,
    ];
    done.iter().all(|count| *count == 0)
}

fn exit(summary: &Summary) -> Exit {
    let kept = summary.undo.as_ref().map_or(0, |undone| undone.kept);
    if kept + summary.counts.skipped + summary.counts.failed > 0 {
        Exit::ToFix
    } else {
        Exit::Done
    }
}

fn begin_summary(store: &Store, id: &str, started_at: String) -> Summary {
    Summary {
        schema: SCHEMA.to_string(),
        run: Run {
            id: id.to_string(),
            kind: "undo".to_string(),
            started_at,
            matched_against: store.describe(),
            ..Run::default()
        },
        ..Summary::default()
    }
}

fn next_steps(done: &TakenBack, of: &str, id: &str) -> Vec<Next> {
    let next = |what: &str, command: String| Next {
        what: what.to_string(),
        command,
    };
    if done.stopped {
        return vec![next(
            "continue where it stopped",
            format!("muster undo {of}"),
        )];
    }
    vec![
        next("undo this undo", format!("muster undo {id}")),
        next("show this summary again", format!("muster show {id}")),
    ]
}

/// The run's files: `kept.csv` where something was kept, then `summary.json`.
fn write_files(summary: &mut Summary, left: &[Left], folder: &Path) -> Result<()> {
    if !left.is_empty() {
        let text = history::kept_csv(left);
        file::atomically(&folder.join(KEPT), |pending| pending.write(&text))?;
        summary.files.insert("kept".into(), KEPT.into());
    }
    summary
        .files
        .insert("summary".into(), "summary.json".into());
    let json = format!(
        "{}\n",
        serde_json::to_string_pretty(summary).unwrap_or_default()
    );
    file::atomically(&folder.join("summary.json"), |pending| {
        pending.write(json.as_bytes())
    })
}

fn show(args: &UndoArgs, summary: &Summary, left: &[Left], folder: &Path) {
    if args.output.json {
        let json = serde_json::to_string_pretty(summary).unwrap_or_default();
        print(&format!("{json}\n"));
        return;
    }
    let lines = left.iter().take(EXAMPLES_MAX).map(history::kept_line);
    let lines: Vec<[String; 3]> = lines.collect();
    print(&history::undo(
        summary,
        &lines,
        &folder.display().to_string(),
    ));
}

/// The run was undone before, and nothing of it is there any more.
fn already(args: &UndoArgs, store: &Store, of: &RunRecord, earlier: &Earlier) -> Result<Exit> {
    if args.output.json {
        let runs = store.list_runs(i64::MAX)?;
        let undo = runs.into_iter().find(|run| run.id == earlier.id);
        let summary = undo.and_then(|run| run.summary).unwrap_or_default();
        let json = serde_json::to_string_pretty(&summary).unwrap_or_default();
        print(&format!("{json}\n"));
    } else {
        print(&format!(
            "{} was already undone by {}; nothing is left to undo\n",
            of.id, earlier.id
        ));
    }
    Ok(Exit::Done)
}

/// The run that is meant: what it wrote is in the database's run log. `last` is the latest import,
/// so that the same command twice never takes its own undo back.
fn find_run(store: &Store, wanted: &str) -> Result<RunRecord> {
    let mut runs = store.list_runs(i64::MAX)?;
    if wanted == "last" {
        // What `undo` doesn't take back of groups isn't meant.
        let is_undone = |run: &RunRecord| {
            let summary = run.summary.as_ref();
            let change = summary.and_then(|summary| summary.groups.as_ref());
            change.is_some_and(|change| change.again.is_none())
        };
        runs.retain(|run| run.kind == "import" || is_undone(run));
        if let Some(groups) = runs.first().filter(|run| run.kind == "groups") {
            let what = format!("the latest run is {}, which changed groups", groups.id);
            let import = runs.iter().find(|run| run.kind == "import");
            let import =
                import.map(|run| format!(", or `muster undo {}` for the latest import", run.id));
            return Err(Refusal::new(Code::UsageInvalid, what).help(format!(
                "name the run: `muster undo {}`{}",
                groups.id,
                import.unwrap_or_default()
            )));
        }
    }
    pick(runs, wanted)?.ok_or_else(|| {
        unknown(wanted).help("only imports and undos can be undone; `muster runs` lists them")
    })
}
