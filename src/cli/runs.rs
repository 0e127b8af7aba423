//! `muster runs` and `muster show`.

use std::io::IsTerminal;
use std::path::Path;

use clap::Args;

use super::DatabaseArgs;
use crate::cli::terminal::{colour, print, width};
use crate::outcome::Exit;
use crate::refusal::Result;
use crate::report::{history, human, mails};
use crate::runs;
use crate::store::Store;
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;
use crate::store::runs::{RunRecord, pick, unknown};
use crate::summary::Summary;

#[derive(Args)]
pub(super) struct RunsArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The number of runs
    #[arg(short = 'n', long, default_value_t = 20, value_name = "COUNT")]
    limit: u32,
    /// Print a JSON array of summaries
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct ShowArgs {
    /// A run's id, the beginning of one, `last`, or the folder of its files
    run: String,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print summary.json
    #[arg(long)]
    json: bool,
}

pub(super) fn show(summary: &Summary, json: &str, folder: &Path, as_json: bool) {
    let text = if as_json {
        json.to_string()
    } else if let Some(undone) = &summary.undo {
        let lines = undone.examples.iter();
        let lines: Vec<[String; 3]> = lines.map(history::example_line).collect();
        history::undo(summary, &lines, &folder.display().to_string())
    } else if let Some(groups) = &summary.groups {
        history::groups(summary, groups)
    } else {
        human::render(
            summary,
            &folder.display().to_string(),
            width(),
            colour(std::io::stdout().is_terminal()),
        )
    };
    print(&text);
}

pub(super) fn list_runs(args: &RunsArgs) -> Result<Exit> {
    let runs = runs::known(
        open_if_there(&args.database)?.as_ref(),
        i64::from(args.limit),
    )?;
    if args.json {
        let summaries: Vec<&Summary> = runs.iter().filter_map(|run| run.summary.as_ref()).collect();
        print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&summaries).unwrap_or_default()
        ));
        return Ok(Exit::Done);
    }
    let lines: Vec<human::RunLine> = runs
        .into_iter()
        .map(|run| {
            let paths = |summary: &Summary| match &summary.undo {
                Some(undone) => vec![format!("undo of {}", undone.of)],
                None if summary.groups.is_some() => summary
                    .groups
                    .iter()
                    .map(|groups| groups.what.clone())
                    .collect(),
                None => summary
                    .input
                    .iter()
                    .map(|input| input.path.clone())
                    .collect::<Vec<_>>(),
            };
            human::RunLine {
                input: run
                    .summary
                    .as_ref()
                    .map_or(String::new(), |summary| paths(summary).join(", ")),
                counts: run
                    .summary
                    .as_ref()
                    .map_or_else(Default::default, |summary| summary.counts),
                id: run.id,
                kind: run.kind,
                started_at: run.started_at,
                state: run.state,
            }
        })
        .collect();
    print(&human::runs_table(&lines));
    Ok(Exit::Done)
}

pub(super) fn show_run(args: &ShowArgs) -> Result<Exit> {
    let run = match runs::in_folder(Path::new(&args.run)) {
        Some(run) => run,
        None => find_run(&args.run, &args.database)?,
    };
    // A check isn't in the run log.
    let store = match run.kind.as_str() {
        "import" => open_if_there(&args.database)?,
        _ => None,
    };
    let summary = runs::up_to_date(&run, store.as_ref())?;
    let json = format!(
        "{}\n",
        serde_json::to_string_pretty(&summary).unwrap_or_default()
    );
    show(
        &summary,
        &json,
        Path::new(run.folder.as_deref().unwrap_or("")),
        args.json,
    );
    if let Some(funnel) = summary.invitations.filter(|_| !args.json) {
        print(&format!("\n{}", mails::funnel(&funnel)));
    }
    Ok(Exit::Done)
}

/// The run that is meant by an id, the beginning of one, or `last`.
pub(super) fn find_run(wanted: &str, database: &DatabaseArgs) -> Result<RunRecord> {
    let runs = runs::known(open_if_there(database)?.as_ref(), i64::from(u32::MAX))?;
    pick(runs, wanted)?.ok_or_else(|| unknown(wanted))
}

fn open_if_there(database: &DatabaseArgs) -> Result<Option<Store>> {
    Store::open_if_there(Target::find(
        database.database.as_deref(),
        &home_from_environment()?,
    )?)
}
