//! `muster admins`: who may use the console, and what they may do there.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{DatabaseArgs, acting};
use crate::admin::Role;
use crate::cli::terminal::{print, warn};
use crate::issue::Code;
use crate::notify::token::Token;
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::report::human::{safe, table};
use crate::store::Store;
use crate::store::admins::{Admin, PasswordLink};
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;
use crate::text::email;

/// How long a link works that sets a password.
const LINK_MINUTES: i32 = 24 * 60;

#[derive(Subcommand)]
pub(super) enum AdminsCommand {
    /// Add an administrator; print the link by which they set a password
    Add(AddArgs),
    /// List the administrators and their roles
    List(ListArgs),
    /// Give an administrator another role
    Role(RoleArgs),
    /// Print a new link to set a password; the old link ends
    Link(LinkArgs),
    /// Remove an administrator, and end their sessions
    Remove(RemoveArgs),
}

#[derive(Args)]
pub(super) struct AddArgs {
    /// The name to sign in with, such as "Ann Ng"
    #[arg(value_name = "NAME")]
    who: String,
    /// What they may do: reader, operator, approver or owner
    #[arg(long, value_name = "ROLE", value_parser = role)]
    role: Role,
    /// Their e-mail address
    #[arg(long, value_name = "EMAIL")]
    email: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Args)]
pub(super) struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Args)]
pub(super) struct RoleArgs {
    /// The administrator's name or id
    #[arg(value_name = "NAME")]
    who: String,
    /// What they may do: reader, operator, approver or owner
    #[arg(value_name = "ROLE", value_parser = role)]
    role: Role,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Args)]
pub(super) struct LinkArgs {
    /// The administrator's name or id
    #[arg(value_name = "NAME")]
    who: String,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Args)]
pub(super) struct RemoveArgs {
    /// The administrator's name or id
    #[arg(value_name = "NAME")]
    who: String,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Args)]
struct PlaceArgs {
    /// Where browsers find the console, if not where it listened last
    #[arg(long, value_name = "URL", env = "MUSTER_CONSOLE")]
    console: Option<String>,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn role(text: &str) -> std::result::Result<Role, String> {
    Role::from_name(text).ok_or_else(|| {
        format!(
            "`{text}` is not one of {}",
            Role::ALL.map(Role::name).join(", ")
        )
    })
}

/// `muster admins …`.
pub(super) fn admins(command: &AdminsCommand) -> Result<Exit> {
    match command {
        AdminsCommand::Add(args) => add(args),
        AdminsCommand::List(args) => list(args),
        AdminsCommand::Role(args) => {
            let mut store = open(&args.database)?;
            let admin = store.find_admin(&args.who)?;
            store.set_admin_role(admin.id, args.role)?;
            print(&format!(
                "{} is {} now\n",
                safe(&admin.name),
                args.role.name()
            ));
            Ok(Exit::Done)
        }
        AdminsCommand::Link(args) => {
            let mut store = open(&args.place.database)?;
            let admin = store.find_admin(&args.who)?;
            let token = Token::new()?;
            store.make_password_link(admin.id, &link(&token))?;
            print_link(&args.place, &store, &token, &admin.name)
        }
        AdminsCommand::Remove(args) => {
            let mut store = open(&args.database)?;
            let admin = store.find_admin(&args.who)?;
            store.remove_admin(admin.id)?;
            print(&format!("{} was removed\n", safe(&admin.name)));
            Ok(Exit::Done)
        }
    }
}

fn open(database: &DatabaseArgs) -> Result<Store> {
    acting::open(Target::find(
        database.database.as_deref(),
        &home_from_environment()?,
    )?)
}

fn add(args: &AddArgs) -> Result<Exit> {
    if let Some(address) = &args.email
        && email::key(address).is_none()
    {
        let what = format!("`{address}` is not an e-mail address");
        return Err(Refusal::new(Code::UsageInvalid, what));
    }
    let mut store = open(&args.place.database)?;
    let token = Token::new()?;
    store.add_admin(&args.who, args.email.as_deref(), args.role, &link(&token))?;
    print_link(&args.place, &store, &token, &args.who)
}

fn link(token: &Token) -> PasswordLink {
    PasswordLink {
        token_sha256: token.sha256(),
        minutes: LINK_MINUTES,
    }
}

/// The token is in the fragment, which no server's log sees.
fn print_link(place: &PlaceArgs, store: &Store, token: &Token, name: &str) -> Result<Exit> {
    let place = match &place.console {
        Some(place) => place.clone(),
        None => super::console::place(store)?,
    };
    let base = place.trim_end_matches('/');
    print(&format!("{base}/password#{}\n", token.text()));
    warn(&format!(
        "{name} sets a password there, once, within 24 hours; hand the link over in person"
    ));
    Ok(Exit::Done)
}

fn list(args: &ListArgs) -> Result<Exit> {
    let target = Target::find(args.database.database.as_deref(), &home_from_environment()?)?;
    let admins = match Store::open_if_there(target)? {
        Some(store) => store.list_admins()?,
        None => Vec::new(),
    };
    if args.json {
        let value = json!({ "schema": "muster.admins/1", "admins": admins.iter().map(as_json).collect::<Vec<_>>() });
        let text = serde_json::to_string_pretty(&value).unwrap_or_default();
        print(&format!("{text}\n"));
        return Ok(Exit::Done);
    }
    if admins.is_empty() {
        print("no administrators; on this machine, `muster console` needs none\n");
        return Ok(Exit::Done);
    }
    let heads = ["name", "role", "password", "last seen"].map(String::from);
    let mut lines = vec![heads.to_vec()];
    for admin in &admins {
        let password = if admin.has_password {
            "set"
        } else {
            "not set yet"
        };
        let seen = admin.seen_at.map(time).unwrap_or_default();
        let cells = [safe(&admin.name), admin.role.name().to_string()];
        lines.push(
            cells
                .into_iter()
                .chain([password.to_string(), seen])
                .collect(),
        );
    }
    print(&table(&lines, &[]));
    Ok(Exit::Done)
}

fn as_json(admin: &Admin) -> serde_json::Value {
    json!({
        "id": admin.id.to_string(),
        "name": admin.name,
        "email": admin.email,
        "role": admin.role.name(),
        "has_password": admin.has_password,
        "created_at": time(admin.created_at),
        "seen_at": admin.seen_at.map(time),
    })
}

fn time(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}
