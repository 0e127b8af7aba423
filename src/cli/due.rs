//! `muster due`: applies the first and last days that are due today, without a file, and reminds
//! people of sessions.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use jiff::Zoned;
use uuid::Uuid;

use super::invite::{SendArgs, end, open_store, send, settle};
use super::{AllowArgs, DatabaseArgs, MemoryArgs, OutputArgs, PipelineArgs};
use crate::cli::run::{
    Finished, RunArgs, Setup, Task, carry_out, make_folder, new_run, open_pipeline, run_task,
};
use crate::cli::terminal::{print, warn};
use crate::definition::{Dates, Onboarding, Pipeline};
use crate::invitation::{Kind, Sent};
use crate::issue::Code;
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::report::mails;
use crate::sending::mailer::Mailer;
use crate::stages::leavers;
use crate::store::Store;
use crate::store::invitations::Mailing;

#[derive(Args)]
pub(super) struct DueArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
    /// Show what would be done; write nothing to the accounts
    #[arg(long)]
    check: bool,
    /// Send the session reminders that are due; without this, only show how many are
    #[arg(long, conflicts_with = "check")]
    send: bool,
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
    let reminds = !pipeline.definition.mail.session_reminders.is_empty();
    if pipeline.definition.accounts.dates != Dates::Schedule {
        if reminds {
            return remind(args, &pipeline);
        }
        let name = &pipeline.definition.name;
        let what = format!("the pipeline `{name}` stores dates but doesn't act on them");
        return Err(Refusal::new(Code::UsageInvalid, what).help(
            "set `dates = \"schedule\"` under `[accounts]`, or `session_reminders` under `[mail]`",
        ));
    }
    let task = match args.check {
        true => Task::Check {
            offline: false,
            plan: None,
        },
        false => Task::Import,
    };
    let exit = carry_out(&run_args, &pipeline, task, started, new_run(started))?;
    match (exit, reminds) {
        (exit, false) => Ok(exit),
        (Exit::Done, true) => remind(args, &pipeline),
        (exit, true) => remind(args, &pipeline).map(|_| exit),
    }
}

/// Sends the session reminders that are due, or says how many are.
fn remind(args: &DueArgs, pipeline: &Pipeline) -> Result<Exit> {
    let definition = &pipeline.definition;
    let mut store = open_store(&args.database)?;
    let mailer = Mailer::open(args.pipeline.name.as_deref(), None, &store)?;
    if args.send {
        settle(&mailer, &mut store)?;
    }
    let minutes = definition.mail.reminder_minutes();
    let due = store.find_session_reminders(definition.source(), &minutes)?;
    let say = |text: &str| match args.output.json {
        // Stdout is for summary.json alone.
        true => warn(text),
        false => print(&format!("{text}\n")),
    };
    let count = due.len() as u64;
    let noun = mails::noun(Kind::SessionReminder, count);
    if !args.send {
        say(&format!(
            "{count} {noun} due; with --send, they go {}",
            mailer.way()
        ));
        return Ok(Exit::Done);
    }
    let how = SendArgs {
        send: true,
        message_file: None,
        pipeline: args.pipeline.name.clone(),
        database: args.database.clone(),
        json: args.output.json,
        quiet: args.output.quiet,
    };
    let mut of: BTreeMap<(String, i32), Vec<(Uuid, Uuid)>> = BTreeMap::new();
    for (account, session, minutes, run) in due {
        of.entry((run, minutes))
            .or_default()
            .push((account, session));
    }
    let mut all = Sent::default();
    for ((run, minutes), wanted) in &of {
        let mailing = Mailing {
            run,
            kind: Kind::SessionReminder,
            lifetime_minutes: None,
            message: None,
            pipeline: mailer.pipeline.as_deref(),
        };
        let ids = mailer.message_ids(wanted.len())?;
        let queue = store.queue_sessions(&mailing, Some(*minutes), wanted, &ids)?;
        all.add(send(&mailer, &store, queue, &how)?);
        if all.stopped.is_some() {
            break;
        }
    }
    say(mails::sent(&all, &mailer.way()).trim_end());
    end(all)
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
