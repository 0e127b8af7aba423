//! `muster check` and `muster import` of files.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;

use super::drop::DropArgs;
use super::run::{RunArgs, Task, carry_out, new_run, open_pipeline};
use crate::file::Pending;
use crate::issue::Code;
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};

#[derive(Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub(super) run: RunArgs,
    /// Use no database; every valid row counts as created
    #[arg(long, conflicts_with = "database")]
    pub(super) offline: bool,
    /// Write what would be done into a new file, for `muster apply`
    #[arg(long, value_name = "PLAN")]
    pub(super) plan: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    pub(super) run: RunArgs,
    #[command(flatten)]
    pub(super) drop: DropArgs,
}

/// `import` of files.
pub(super) fn import_files(args: &RunArgs) -> Result<Exit> {
    run_files(args, Task::Import)
}

/// `check`.
pub(super) fn check_files(args: &CheckArgs) -> Result<Exit> {
    let task = Task::Check {
        offline: args.offline,
        plan: args.plan.as_deref().map(begin_plan).transpose()?,
    };
    run_files(&args.run, task)
}

/// `check` and `import` of files.
fn run_files(args: &RunArgs, task: Task) -> Result<Exit> {
    let started = SystemTime::now();
    carry_out(args, &open_pipeline(args)?, task, started, new_run(started))
}

/// The file of a plan, before there is anything to write into it: a long check must not find out at
/// its end that it can't be written.
pub(super) fn begin_plan(path: &Path) -> Result<Pending> {
    if path.symlink_metadata().is_ok() {
        let what = format!(
            "`{}` already exists; a plan must be a new file",
            path.display()
        );
        return Err(Refusal::new(Code::OutputUnwritable, what)
            .help("name another file with `--plan`, or remove this one"));
    }
    Pending::create(path).map_err(|refusal| refusal.help("name another file with `--plan`"))
}
