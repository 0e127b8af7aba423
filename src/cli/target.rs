//! `muster target` and `muster db grants`.

use clap::{Args, Subcommand};

use super::DatabaseArgs;
use crate::cli::terminal::print;
use crate::outcome::Exit;
use crate::refusal::Result;
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;
use crate::store::target::{grants, inspect};

#[derive(Subcommand)]
pub(super) enum TargetCommand {
    /// Propose a `[target]` for a table, ready to paste into a pipeline
    Inspect(InspectArgs),
}

#[derive(Args)]
pub(super) struct InspectArgs {
    /// The accounts table, such as `users` or `app.users`
    #[arg(value_name = "TABLE")]
    table: String,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Args)]
pub(super) struct GrantsArgs {
    /// Also grant what the `[target]` of this pipeline needs
    #[arg(short, long, value_name = "PIPELINE")]
    pipeline: Option<String>,
    /// The role to grant to
    #[arg(long, value_name = "NAME", default_value = "muster")]
    role: String,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn database(args: &DatabaseArgs) -> Result<Target> {
    Target::find(args.database.as_deref(), &home_from_environment()?)
}

/// `muster target`.
pub(super) fn target(command: &TargetCommand) -> Result<Exit> {
    let TargetCommand::Inspect(args) = command;
    let definition = crate::pipelines::open(None)?.definition;
    print(&inspect::inspect(
        &database(&args.database)?,
        &args.table,
        &definition,
    )?);
    Ok(Exit::Done)
}

/// `muster db grants`.
pub(super) fn print_grants(args: &GrantsArgs) -> Result<Exit> {
    let definition = crate::pipelines::open(args.pipeline.as_deref())?.definition;
    print(&grants::grants(
        &database(&args.database)?,
        &args.role,
        &definition,
    )?);
    Ok(Exit::Done)
}
