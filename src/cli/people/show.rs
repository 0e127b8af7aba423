//! `muster people show`: what one account holds now. What happened to it is for `muster explain`.

use clap::Args;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::account::AccountRecord;
use crate::cli::listing::open_to_read;
use crate::cli::terminal::{print, shell_word};
use crate::cli::{DatabaseArgs, PipelineArgs};
use crate::issue::{Code, mask};
use crate::outcome::Exit;
use crate::people::person::Person;
use crate::refusal::{Refusal, Result};
use crate::report::history::{self, Explained};
use crate::report::human::{safe, table};
use crate::store::Store;

#[derive(Args)]
pub(in crate::cli) struct ShowArgs {
    /// An e-mail address, external id, username, account id or name
    who: String,
    #[command(flatten)]
    pipeline: PipelineArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `muster people show`.
pub(in crate::cli) fn show(args: &ShowArgs) -> Result<Exit> {
    let definition = crate::pipelines::open(args.pipeline.name.as_deref())?.definition;
    let store = open_to_read(&args.database, &definition)?;
    let (ids, is_name) = store.find_known(&args.who)?;
    let mut found: Vec<AccountRecord> = Vec::new();
    for id in &ids {
        found.extend(store.person(*id)?);
    }
    if found.is_empty() {
        return Err(nobody(&store, &args.who, &ids)?);
    }
    let are_several = is_name && found.len() > 1;
    if are_several && !args.json {
        let mut people = Vec::new();
        for account in &found {
            people.extend(store.known(account.id)?.map(Explained::new));
        }
        print(&history::several(&args.who, &people));
        return Ok(Exit::ToFix);
    }
    let shown = found
        .into_iter()
        .map(|account| Person::read(&store, account))
        .collect::<Result<Vec<Person>>>()?;
    if args.json {
        let people: Vec<Value> = shown.iter().map(json).collect();
        print(&format!("{:#}\n", json!({ "people": people })));
    } else {
        let people: Vec<String> = shown.iter().map(text).collect();
        print(&people.join("\n"));
    }
    Ok(if are_several { Exit::ToFix } else { Exit::Done })
}

/// The refusal for somebody who has no account.
fn nobody(store: &Store, who: &str, removed: &[Uuid]) -> Result<Refusal> {
    let who = safe(who);
    if !removed.is_empty() {
        let what = format!("the account of `{who}` was removed");
        let help = format!("`muster explain {}` shows what it was", shell_word(&who));
        return Ok(Refusal::new(Code::ExplainUnknown, what).help(help));
    }
    let refusal = Refusal::new(Code::ExplainUnknown, format!("no person matches `{who}`"));
    Ok(match store.nearest_person(&who)? {
        Some((id, near)) => refusal.help(format!(
            "did you mean {}, account {id}?",
            safe(&mask(&near))
        )),
        None => refusal.help(
            "name an e-mail address, an external id, a username, an account id, or a first and last name",
        ),
    })
}

/// An account as text.
fn text(person: &Person) -> String {
    let account = &person.account;
    let mut lines: Vec<Vec<String>> = Vec::new();
    let mut add = |name: &str, value: &str, note: &str| {
        lines.push(
            [&format!("  {}", safe(name)), &safe(value), note]
                .map(String::from)
                .to_vec(),
        );
    };
    // Most values are those of whoever created the account.
    let maker = person.past.setter("", &Value::Bool(true)).to_string();
    for (name, value, setter) in person.values() {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), String::from);
        add(&name, &text, if setter == maker { "" } else { &setter });
    }
    for membership in &account.memberships {
        add("group", &membership.to_string(), "");
    }
    for invitation in &person.invitations {
        let until = match &invitation.expires {
            Some(time) => format!("until {time}"),
            None => String::new(),
        };
        let sent = invitation.sent.as_deref().unwrap_or_default();
        let state = format!("{} {sent}", invitation.state);
        add(&invitation.kind, state.trim(), &until);
    }
    add(
        "password",
        if person.has_password { "set" } else { "none" },
        "",
    );
    add(
        "signed_in",
        if account.signed_in { "yes" } else { "no" },
        "",
    );
    let run = account.run.as_ref().map(|run| format!("by run {run}"));
    add("created", &account.created, &run.unwrap_or_default());
    add("updated", &account.updated, "");
    format!("account {}\n\n{}", account.id, table(&lines, &[]))
}

/// An account as JSON.
fn json(person: &Person) -> Value {
    let account = &person.account;
    let (mut values, mut set_by) = (Map::new(), Map::new());
    for (name, value, setter) in person.values() {
        set_by.insert(name.clone(), setter.into());
        values.insert(name, value);
    }
    let memberships = account.memberships.iter().map(|membership| {
        json!({
            "group": membership.path, "roles": membership.roles, "inherited": membership.inherited,
        })
    });
    json!({
        "account": account.id,
        "values": values,
        "set_by": set_by,
        "memberships": memberships.collect::<Vec<_>>(),
        "invitations": person.invitations,
        "has_password": person.has_password,
        "signed_in": account.signed_in,
        "created": account.created,
        "updated": account.updated,
        "run": account.run,
    })
}
