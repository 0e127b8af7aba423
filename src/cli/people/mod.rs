//! `muster people`: the accounts, as they are now.

use clap::Subcommand;

use crate::outcome::Exit;
use crate::refusal::Result;

mod change;

#[derive(Subcommand)]
pub(super) enum PeopleCommand {
    /// Preview a change of many accounts at once; with --apply, write it
    Change(change::ChangeArgs),
}

/// `muster people`.
pub(super) fn people(command: &PeopleCommand) -> Result<Exit> {
    match command {
        PeopleCommand::Change(args) => change::change(args),
    }
}
