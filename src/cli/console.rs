//! `muster console`: the pages for administrators.

use std::net::SocketAddr;

use axum::http::header::HeaderName;
use clap::{Args, Subcommand};

use super::DatabaseArgs;
use crate::admin::Role;
use crate::cli::terminal::{print, stop_on_signal, warn};
use crate::console::{self, Network, Proxy, Serving};
use crate::issue::Code;
use crate::memory::Budget;
use crate::notify::token::Token;
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::store::Store;
use crate::store::admins::Admin;
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;
use crate::store::settings::{Listening, here};

/// Where the console is, if it never listened anywhere else.
const DEFAULT_PLACE: &str = "http://127.0.0.1:8481/";

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ConsoleArgs {
    #[command(subcommand)]
    command: Option<ConsoleCommand>,
    /// Address and port to listen on; for other machines, put a TLS proxy in front
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8481")]
    listen: SocketAddr,
    /// Show the mails of the outbox; the demo starts it so
    #[arg(long, hide = true)]
    inbox: bool,
    /// Browsers come by https through a proxy that sets X-Forwarded-For; needs --host and
    /// administrators
    #[arg(long, requires = "host")]
    behind_proxy: bool,
    /// A name by which browsers ask for the console, such as muster.firm.example; repeatable
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Believe only a proxy in this network, such as 10.1.0.0/16; repeatable [default: this
    /// machine and private networks]
    #[arg(long, value_name = "NETWORK", requires = "behind_proxy")]
    trusted_proxy: Vec<Network>,
    /// The header in which that proxy names the administrator
    #[arg(long, value_name = "HEADER", requires = "trusted_proxy", value_parser = header)]
    user_header: Option<HeaderName>,
    /// Refuse files that are sent and larger than this
    #[arg(long, value_name = "SIZE", default_value = "1GB", value_parser = Budget::parse)]
    max_upload: Budget,
    /// Delete files that were sent after this many days
    #[arg(long, value_name = "DAYS", default_value_t = 14)]
    keep_uploads: u32,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn header(text: &str) -> std::result::Result<HeaderName, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not the name of a header"))
}

#[derive(Subcommand)]
enum ConsoleCommand {
    /// Print a link that signs in once, on this machine
    Link {
        /// Where the console listens, if not where it listened last
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
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
    check_reach(args, &store)?;
    let proxy = Proxy {
        networks: args.trusted_proxy.clone(),
        header: args.user_header.clone(),
    };
    let serving = Serving {
        listen: args.listen,
        home: home_from_environment()?,
        database: args.database.database.clone(),
        upload_bytes: args.max_upload.bytes(),
        upload_days: args.keep_uploads,
        inbox: args.inbox,
        hosts: args.host.clone(),
        behind_proxy: args.behind_proxy,
        proxy,
    };
    console::tidy(&serving.home, serving.upload_days, &store)?;
    let token = match args.behind_proxy {
        true => None,
        false => Some(sign_in_token(&store)?),
    };
    console::serve(target, serving, stop_on_signal(), |address| {
        note_place(&store, args, address);
        drop(store);
        let place = match args.host.first() {
            Some(host) if args.behind_proxy => {
                format!("https://{host}/; its proxy finds it at http://{address}/")
            }
            _ => format!("http://{address}/"),
        };
        print(&format!("the console is at {place} until Ctrl-C\n"));
        if let Some(token) = &token {
            print(&format!(
                "sign in, once, within ten minutes: {}\n",
                link_at(&here(address), token)
            ));
        }
    })?;
    Ok(Exit::Done)
}

/// Whoever can reach more than this machine's own console must be named and come by https.
fn check_reach(args: &ConsoleArgs, store: &Store) -> Result<()> {
    let refuse = |what: &str| Refusal::new(Code::UsageInvalid, what);
    if !args.listen.ip().is_loopback() && !args.behind_proxy {
        let what = "without --behind-proxy, the console listens on this machine only";
        return Err(refuse(what).help(
            "put a proxy with TLS in front, and add `--behind-proxy --host NAME`; or use an \
             address such as 127.0.0.1:8481",
        ));
    }
    if !args.behind_proxy {
        return Ok(());
    }
    let admins = store.list_admins()?;
    let may_sign_in = |admin: &Admin| admin.has_password || args.user_header.is_some();
    // A link is enough to begin with: it sets a password through the proxy.
    if !admins.iter().any(|admin| admin.role == Role::Owner) {
        return Err(refuse("behind a proxy, the console needs a named owner")
            .help("add one: `muster admins add NAME --role owner --console https://HOST`"));
    }
    if !admins.iter().any(may_sign_in) {
        warn("no administrator has set a password yet; `muster admins link NAME` prints a link");
    }
    Ok(())
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

/// A link to the console at `listen`, else to where it listened last.
fn link(store: &Store, listen: Option<SocketAddr>) -> Result<String> {
    let place = match listen {
        Some(listen) => here(listen),
        None => place(store)?,
    };
    if place.starts_with("https:") {
        let what = format!("the console at {place} is behind a proxy, where links don't sign in");
        return Err(Refusal::new(Code::UsageInvalid, what).help(
            "sign in by name and password; `muster admins link NAME` prints a link that sets one",
        ));
    }
    Ok(link_at(&place, &sign_in_token(store)?))
}

/// The token is in the fragment, which no server's log sees.
fn link_at(place: &str, token: &str) -> String {
    format!("{place}sign-in#{token}")
}

/// Where browsers find the console, or found it last.
///
/// # Errors
/// A refusal with a `database.*` code.
pub(super) fn place(store: &Store) -> Result<String> {
    let place = store.place(Listening::Console)?;
    Ok(place.unwrap_or_else(|| DEFAULT_PLACE.to_string()))
}

/// Notes where browsers find the console.
fn note_place(store: &Store, args: &ConsoleArgs, address: SocketAddr) {
    let place = match args.host.first() {
        Some(host) if args.behind_proxy => format!("https://{host}/"),
        _ => here(address),
    };
    if let Err(refusal) = store.set_place(Listening::Console, &place) {
        warn(&format!("links may lead elsewhere: {refusal}"));
    }
}
