//! `muster people`: the accounts as they are now.

use clap::Subcommand;

use crate::outcome::Exit;
use crate::refusal::Result;

mod change;
mod choice;
mod export;
mod list;
mod show;

#[derive(Subcommand)]
pub(super) enum PeopleCommand {
    /// List people, with filters
    List(list::ListArgs),
    /// Show what one account holds now
    Show(show::ShowArgs),
    /// Write people to CSV or a workbook that can be imported again
    Export(export::ExportArgs),
    /// Preview a change of many accounts at once; with --apply, write it
    Change(change::ChangeArgs),
}

/// `muster people …`.
pub(super) fn people(command: &PeopleCommand) -> Result<Exit> {
    match command {
        PeopleCommand::List(args) => list::list(args),
        PeopleCommand::Show(args) => show::show(args),
        PeopleCommand::Export(args) => export::export(args),
        PeopleCommand::Change(args) => change::change(args),
    }
}
