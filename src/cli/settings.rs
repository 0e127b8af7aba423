//! `muster settings`: what holds for all mails where a pipeline doesn't say it.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{DatabaseArgs, acting};
use crate::cli::terminal::print;
use crate::issue::Code;
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::report::human::{safe, table};
use crate::sending::mailer::check_settings;
use crate::store::Store;
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;
use crate::store::settings::{MAIL_SETTINGS, MailSettings};

#[derive(Subcommand)]
pub(super) enum SettingsCommand {
    /// Show the settings; a pipeline's own `[mail]` goes before them
    List(ListArgs),
    /// Set one for all pipelines that don't have it
    Set(SetArgs),
    /// Take one away
    Clear(ClearArgs),
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
pub(super) struct SetArgs {
    /// `from` (`Name <address>`), `reply_to`, or `product`
    #[arg(value_parser = MAIL_SETTINGS)]
    name: String,
    /// Its value
    value: String,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Args)]
pub(super) struct ClearArgs {
    /// `from`, `reply_to`, or `product`
    #[arg(value_parser = MAIL_SETTINGS)]
    name: String,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// `muster settings …`.
pub(super) fn settings(command: &SettingsCommand) -> Result<Exit> {
    match command {
        SettingsCommand::List(args) => list(args),
        SettingsCommand::Set(args) => {
            let value = args.value.trim();
            if value.is_empty() {
                let what = format!("`{}` needs a value", args.name);
                return Err(Refusal::new(Code::UsageInvalid, what).help(format!(
                    "to take it away: `muster settings clear {}`",
                    args.name
                )));
            }
            change(&args.database, &args.name, value)
        }
        SettingsCommand::Clear(args) => change(&args.database, &args.name, ""),
    }
}

fn change(database: &DatabaseArgs, name: &str, value: &str) -> Result<Exit> {
    let store = acting::open(target(database)?)?;
    let mut settings = store.mail_settings()?;
    if let Some(kept) = settings.value_mut(name) {
        *kept = value.to_string();
    }
    check_settings(&settings)?;
    store.set_mail_settings(&settings)?;
    print(&shown(&settings));
    Ok(Exit::Done)
}

fn target(database: &DatabaseArgs) -> Result<Target> {
    Target::find(database.database.as_deref(), &home_from_environment()?)
}

fn list(args: &ListArgs) -> Result<Exit> {
    let settings = match Store::open_if_there(target(&args.database)?)? {
        Some(store) => store.mail_settings()?,
        None => MailSettings::default(),
    };
    if args.json {
        let pairs = MAIL_SETTINGS.iter().zip(settings.values());
        let set = pairs.filter(|(_, value)| !value.is_empty());
        let mail: serde_json::Map<String, serde_json::Value> = set
            .map(|(name, value)| ((*name).to_string(), value.into()))
            .collect();
        let value = json!({ "schema": "muster.settings/1", "mail": mail });
        print(&format!("{value:#}\n"));
    } else {
        print(&shown(&settings));
    }
    Ok(Exit::Done)
}

fn shown(settings: &MailSettings) -> String {
    let pairs = MAIL_SETTINGS.iter().zip(settings.values());
    let lines: Vec<Vec<String>> = pairs
        .map(|(name, value)| {
            let value = match value {
                "" => "not set".to_string(),
                value => safe(value),
            };
            vec![(*name).to_string(), value]
        })
        .collect();
    table(&lines, &[])
}
