//! `muster due`: applies the first and last days that are due today, without a file.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use jiff::Zoned;

use super::{AllowArgs, DatabaseArgs, MemoryArgs, OutputArgs, PipelineArgs};
use crate::cli::run::{
    Finished, RunArgs, Setup, Task, carry_out, make_folder, new_run, open_pipeline, run_task,
};
use crate::definition::{Dates, Onboarding, Pipeline};
use crate::issue::Code;
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::stages::leavers;
use crate::store::Store;

#[derive(Args)]
pub(super) struct DueArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
    /// Show what would be done; write nothing to the accounts
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    allow: AllowArgs,
}

/// `muster due`.
pub(super) fn due(args: &DueArgs) -> Result<Exit> {
    let started = SystemTime::now();
    let run_args = RunArgs {
        pipeline: args.pipeline.clone(),
        database: args.database.clone(),
        output: args.output.clone(),
        memory: args.memory.clone(),
        allow: args.allow.clone(),
        ..RunArgs::default()
    };
    let pipeline = open_pipeline(&run_args)?;
    if pipeline.definition.accounts.dates != Dates::Schedule {
        let name = &pipeline.definition.name;
        let what = format!("the pipeline `{name}` stores dates but doesn't act on them");
        return Err(Refusal::new(Code::UsageInvalid, what)
            .help("set `dates = \"schedule\"` under `[accounts]`"));
    }
    let task = match args.check {
        true => Task::Check {
            offline: false,
            plan: None,
        },
        false => Task::Import,
    };
    carry_out(&run_args, &pipeline, task, started, new_run(started))
}

/// Does what is due once a day, if anything is: for visits that may find no file. `folder` gives the
/// run's folder by its id.
pub(super) fn once_a_day(
    setup: Setup,
    store: &mut Store,
    folder: impl Fn(&str) -> PathBuf,
) -> Result<Option<(PathBuf, Finished)>> {
    if !is_due(setup.pipeline, store)? {
        return Ok(None);
    }
    let run = new_run(setup.started);
    let folder = folder(&run.id);
    make_folder(&folder, true)?;
    let args = RunArgs {
        files: Vec::new(),
        ..setup.args.clone()
    };
    let setup = Setup {
        args: &args,
        pipeline: setup.pipeline,
        started: setup.started,
        folder: &folder,
        stop: setup.stop,
        dropped: None,
    };
    let reported = run_task(&setup, Task::Import, run, Some(store))?;
    Ok(Some((folder, reported)))
}

fn is_due(pipeline: &Pipeline, store: &Store) -> Result<bool> {
    let definition = &pipeline.definition;
    let Some(day) = definition.accounts.day() else {
        return Ok(false);
    };
    let began = Zoned::now().start_of_day().unwrap_or_else(|_| Zoned::now());
    let source = definition.source();
    if store.is_day_seen(source, &began.timestamp().to_string())? {
        return Ok(false);
    }
    store.begin_match()?;
    let opens = definition.accounts.onboarding == Onboarding::Setup;
    let mut due = store.find_due(source, day, opens)?;
    leavers::decide(&mut due, definition, 0);
    Ok(due.iter().any(|leaver| leaver.action.is_written()))
}
