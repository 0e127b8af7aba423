//! `muster groups`: the groups as they are now, and what an administrator does to them.

use clap::{Args, Subcommand};

use super::listing::open_to_read;
use super::{DatabaseArgs, PipelineArgs, acting};
use crate::definition::Definition;
use crate::outcome::Exit;
use crate::refusal::Result;
use crate::store::Store;
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;

mod change;
mod look;

#[derive(Subcommand)]
pub(super) enum GroupsCommand {
    /// List groups with their members
    List(look::ListArgs),
    /// Show one group
    Show(look::ShowArgs),
    /// Create a group, with the groups above it
    Create(change::CreateArgs),
    /// Rename a group; it keeps its members, the groups below it and its history
    Rename(change::RenameArgs),
    /// Set whether those above a group see who is in it
    SetVisibility(change::VisibilityArgs),
    /// Preview the removal of a group; with --apply, remove it
    Remove(change::RemoveArgs),
}

#[derive(Args)]
pub(in crate::cli) struct PlaceArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

impl PlaceArgs {
    fn definition(&self) -> Result<Definition> {
        Ok(crate::pipelines::open(self.pipeline.name.as_deref())?.definition)
    }

    /// The database, to look at the groups.
    fn read(&self) -> Result<Store> {
        open_to_read(&self.database, &self.definition()?)
    }

    /// The database, locked as for a run.
    fn write(&self, definition: &Definition) -> Result<Store> {
        let home = home_from_environment()?;
        let mut store = acting::open(Target::find(self.database.database.as_deref(), &home)?)?;
        store.lock()?;
        store.use_target(definition)?;
        Ok(store)
    }
}

/// `muster groups …`.
pub(super) fn groups(command: &GroupsCommand) -> Result<Exit> {
    match command {
        GroupsCommand::List(args) => look::list(args),
        GroupsCommand::Show(args) => look::show(args),
        GroupsCommand::Create(args) => change::create(args),
        GroupsCommand::Rename(args) => change::rename(args),
        GroupsCommand::SetVisibility(args) => change::set_visibility(args),
        GroupsCommand::Remove(args) => change::remove(args),
    }
}
