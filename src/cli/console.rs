//! `muster console`: the pages for administrators.

use std::net::SocketAddr;

use clap::{Args, Subcommand};

use super::DatabaseArgs;
use crate::cli::terminal::{print, stop_on_signal};
use crate::console::{self, Serving};
use crate::memory::Budget;
use crate::notify::token::Token;
use crate::outcome::Exit;
use crate::refusal::Result;
use crate::store::Store;
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ConsoleArgs {
    #[command(subcommand)]
    command: Option<ConsoleCommand>,
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8481")]
    listen: SocketAddr,
    /// Refuse files that are sent and larger than this
    #[arg(long, value_name = "SIZE", default_value = "1GB", value_parser = Budget::parse)]
    max_upload: Budget,
    /// Delete files that were sent after this many days
    #[arg(long, value_name = "DAYS", default_value_t = 14)]
    keep_uploads: u32,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Subcommand)]
enum ConsoleCommand {
    /// Print a link that signs in once, on this machine
    Link {
        /// Where the console listens
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8481")]
        listen: SocketAddr,
        #[command(flatten)]
        database: DatabaseArgs,
    },
}

/// `muster console`.
pub(super) fn console(args: &ConsoleArgs) -> Result<Exit> {
    if let Some(ConsoleCommand::Link { listen, database }) = &args.command {
        let store = Store::open(target(database)?)?;
        print(&format!("{}\n", link(&store, *listen)?));
        return Ok(Exit::Done);
    }
    let target = target(&args.database)?;
    let store = Store::open(target.clone())?;
    let serving = Serving {
        listen: args.listen,
        home: home_from_environment()?,
        database: args.database.database.clone(),
        upload_bytes: args.max_upload.bytes(),
        upload_days: args.keep_uploads,
        hosts: Vec::new(),
        https: false,
    };
    let token = sign_in_token(&store)?;
    console::serve(target, serving, stop_on_signal(), |address| {
        print(&format!(
            "the console is at http://{address}/ until Ctrl-C\n\
             sign in, once, within ten minutes: {}\n",
            address_of(address, &token)
        ));
    })?;
    Ok(Exit::Done)
}

fn target(database: &DatabaseArgs) -> Result<Target> {
    Target::find(database.database.as_deref(), &home_from_environment()?)
}

/// A token that signs in once.
fn sign_in_token(store: &Store) -> Result<String> {
    let token = Token::new()?;
    store.add_sign_in_link(&token.sha256())?;
    Ok(token.text())
}

fn link(store: &Store, listen: SocketAddr) -> Result<String> {
    Ok(address_of(listen, &sign_in_token(store)?))
}

/// The token is in the fragment, which no server's log sees.
fn address_of(listen: SocketAddr, token: &str) -> String {
    format!("http://{listen}/sign-in#{token}")
}
