//! `muster invitations` and `muster suppress`: the state of mails, and what you can do about them.

use std::collections::{HashMap, HashSet};

use clap::{Args, Subcommand};
use serde_json::json;
use uuid::Uuid;

use super::invite::{SendArgs, counts, end, open_store, read_message, send, settle};
use super::links::LinkArgs;
use super::{DatabaseArgs, links};
use crate::cli::terminal::{print, warn};
use crate::definition::lifetime;
use crate::invitation::{Kind, Listed, Name, Sent};
use crate::issue::Code;
use crate::outcome::Exit;
use crate::people::words::{addresses, find_import, split};
use crate::refusal::{Refusal, Result};
use crate::report::mails;
use crate::sending::Transport;
use crate::sending::mailer::Mailer;
use crate::session::Known;
use crate::store::Store;
use crate::store::invitations::{Filter, Queued};

#[derive(Subcommand)]
pub(super) enum InvitationsCommand {
    /// List the invitations and their states
    List(ListArgs),
    /// Send again with a new link; the old link ends
    Resend(ResendArgs),
    /// End links at once; with --remove-accounts also remove unused accounts
    Cancel(CancelArgs),
    /// Make links to hand over in person, as one line or as cards to print
    Link(LinkArgs),
    /// End links that have expired; with a selection, end those at once
    Expire(ChoiceArgs),
}

#[derive(Args)]
pub(super) struct ChoiceArgs {
    /// Addresses or usernames, id:INVITATION, or @FILE with a list of them (`@-` for stdin)
    #[arg(value_name = "WHO")]
    who: Vec<String>,
    /// Only of this run: an id, the beginning of one, or `last`
    #[arg(long)]
    run: Option<String>,
    /// Only in this state; repeatable
    #[arg(long, value_parser = STATES)]
    state: Vec<String>,
    /// Only older than this, such as `3 days`
    #[arg(long, value_name = "TIME")]
    older_than: Option<String>,
    #[command(flatten)]
    database: DatabaseArgs,
}

const STATES: [&str; 8] = [
    "queued",
    "sending",
    "sent",
    "failed",
    "unknown",
    "cancelled",
    "expired",
    "accepted",
];

#[derive(Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    choice: ChoiceArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct ResendArgs {
    /// Addresses or usernames, id:INVITATION, or @FILE with a list of them (`@-` for stdin)
    #[arg(value_name = "WHO")]
    who: Vec<String>,
    /// Only of this run: an id, the beginning of one, or `last`
    #[arg(long)]
    run: Option<String>,
    /// Only in this state; repeatable
    #[arg(long, value_parser = STATES)]
    state: Vec<String>,
    /// Only older than this, such as `3 days`
    #[arg(long, value_name = "TIME")]
    older_than: Option<String>,
    #[command(flatten)]
    how: SendArgs,
}

#[derive(Args)]
pub(super) struct CancelArgs {
    #[command(flatten)]
    choice: ChoiceArgs,
    /// Also remove accounts that a run created and that were never active
    #[arg(long)]
    remove_accounts: bool,
}

#[derive(Args)]
pub(super) struct SuppressArgs {
    /// Addresses never to mail, or @FILE with a list of them; without any, print the list
    #[arg(value_name = "EMAIL")]
    who: Vec<String>,
    /// The reason, kept with the address
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Take them off the list
    #[arg(long, requires = "who")]
    remove: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// `muster invitations …`.
pub(super) fn invitations(command: &InvitationsCommand) -> Result<Exit> {
    match command {
        InvitationsCommand::List(args) => list(args),
        InvitationsCommand::Resend(args) => resend(args),
        InvitationsCommand::Cancel(args) => cancel(args),
        InvitationsCommand::Link(args) => links::link(args),
        InvitationsCommand::Expire(args) => expire(args),
    }
}

impl ChoiceArgs {
    /// What is asked for, and whether that is anything less than everything.
    fn filter(&self, store: &Store) -> Result<(Filter, bool)> {
        filter(
            store,
            &self.who,
            self.run.as_deref(),
            &self.state,
            self.older_than.as_deref(),
        )
    }
}

fn filter(
    store: &Store,
    who: &[String],
    run: Option<&str>,
    states: &[String],
    older_than: Option<&str>,
) -> Result<(Filter, bool)> {
    let run = run.map(|run| find_import(store, run)).transpose()?;
    let wrong = |what: String| Refusal::new(Code::UsageInvalid, what);
    let age_minutes = match older_than {
        None => None,
        Some(text) => lifetime(text).map_err(wrong)?.map(i64::from),
    };
    let words = split(who)?;
    let id = |word: &String| {
        word.strip_prefix("id:")
            .and_then(|id| id.parse::<Uuid>().ok())
    };
    let ids: Vec<Uuid> = words.iter().filter_map(id).collect();
    let people = words.iter().filter(|word| id(word).is_none());
    let people: Vec<Name> = people.map(|typed| Name::of(typed)).collect();
    if !ids.is_empty() && !people.is_empty() {
        let what = "invitations and people are named together";
        return Err(Refusal::new(Code::UsageInvalid, what).help("name either, not both"));
    }
    let filter = Filter {
        run: run.map(|run| run.id),
        states: (!states.is_empty()).then(|| states.to_vec()),
        people: (!people.is_empty()).then_some(people),
        age_minutes,
        ids: (!ids.is_empty()).then_some(ids),
    };
    let narrow = filter.run.is_some()
        || filter.states.is_some()
        || filter.people.is_some()
        || filter.ids.is_some()
        || filter.age_minutes.is_some();
    Ok((filter, narrow))
}

/// The invitations that are meant; none is a refusal, because somebody was expected.
fn chosen(store: &Store, filter: &Filter, narrow: bool) -> Result<Vec<Listed>> {
    if !narrow {
        let what = "no selection was given";
        return Err(Refusal::new(Code::UsageInvalid, what)
            .help("give addresses, --run, --state or --older-than"));
    }
    let mut found = store.list_invitations(filter)?;
    // What came before a person's newest one is history.
    found.retain(|invitation| invitation.newest && invitation.account.is_some());
    if found.is_empty() {
        return Err(Refusal::new(
            Code::InvitationNone,
            "no invitation matches the selection",
        ));
    }
    Ok(found)
}

fn list(args: &ListArgs) -> Result<Exit> {
    let store = open_store(&args.choice.database)?;
    let (filter, _) = args.choice.filter(&store)?;
    let found = store.list_invitations(&filter)?;
    let funnel = store.funnel(filter.run.as_deref())?;
    if args.json {
        let value =
            json!({ "schema": "muster.invitations/1", "funnel": funnel, "invitations": found });
        print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&value).unwrap_or_default()
        ));
        return Ok(Exit::Done);
    }
    print(&mails::funnel(&funnel));
    if found.is_empty() {
        print("\nno invitations\n");
    } else {
        print(&format!("\n{}", mails::list(&found)));
    }
    Ok(Exit::Done)
}

fn resend(args: &ResendArgs) -> Result<Exit> {
    let how = &args.how;
    let mut store = open_store(&how.database)?;
    let older_than = args.older_than.as_deref();
    let (filter, narrow) = filter(
        &store,
        &args.who,
        args.run.as_deref(),
        &args.state,
        older_than,
    )?;
    let message = read_message(how.message_file.as_deref())?;
    // Whatever would keep one of the mails from going out is said before any does.
    let posts = open_posts(&store, &chosen(&store, &filter, narrow)?, how)?;
    if how.send {
        for (_, mailer) in &posts {
            mailer.check_links()?;
        }
        settle(&posts[0].1, &mut store)?;
    }
    let mut found = chosen(&store, &filter, narrow)?;
    found.retain(|invitation| !["accepted", "sending"].contains(&invitation.state.as_str()));
    if args.who.is_empty() && args.state.is_empty() {
        // Who was cancelled, or can't be reached, is meant only when that is said.
        found.retain(|invitation| !["cancelled", "failed"].contains(&invitation.state.as_str()));
    }
    if args.state.is_empty() {
        // A mail about a session isn't wanted twice, unless the first one failed.
        found.retain(|invitation| !invitation.is_about_session());
    }
    // One mail a person, of the kind that was the last.
    let mut people = HashSet::new();
    found.retain(|invitation| people.insert((invitation.account, invitation.session.clone())));
    if found.is_empty() {
        let what = "everybody selected has already accepted, or their mail is being sent";
        return Err(Refusal::new(Code::InvitationNone, what));
    }
    let mut mails: Vec<(Mailer, Vec<Listed>)> = Vec::new();
    for (pipeline, mailer) in posts {
        let is_its = |one: &&Listed| how.pipeline.is_some() || one.pipeline == pipeline;
        let its: Vec<Listed> = found.iter().filter(is_its).cloned().collect();
        if !its.is_empty() {
            mails.push((mailer, its));
        }
    }
    for (mailer, mails) in &mails {
        for kind in KINDS.into_iter().filter(|kind| has(mails, *kind)) {
            mailer.check_kind(kind)?;
            mailer
                .warnings(kind)
                .iter()
                .for_each(|warning| warn(warning));
        }
    }
    if !how.send {
        return preview_again(&store, &mails, message.as_deref());
    }
    send_again(&store, &mails, message.as_deref(), how)
}

const KINDS: [Kind; 5] = [
    Kind::Invite,
    Kind::Reset,
    Kind::Temporary,
    Kind::Session,
    Kind::SessionReminder,
];

fn has(mails: &[Listed], kind: Kind) -> bool {
    mails.iter().any(|mail| mail.kind == kind.name())
}

/// What mailing needs for each of the pipelines by which `found` went out, or for the one that is
/// named.
fn open_posts(
    store: &Store,
    found: &[Listed],
    how: &SendArgs,
) -> Result<Vec<(Option<String>, Mailer)>> {
    let named = how.pipeline.as_deref();
    let mut posts: Vec<(Option<String>, Mailer)> = Vec::new();
    for one in found {
        let at = match posts
            .iter()
            .position(|(pipeline, _)| named.is_some() || *pipeline == one.pipeline)
        {
            Some(at) => at,
            None => {
                let mailer = Mailer::open(named, one.pipeline.as_deref(), store)?;
                posts.push((one.pipeline.clone(), mailer));
                posts.len() - 1
            }
        };
        if one.transport.as_deref() == Some("smtp")
            && matches!(posts[at].1.transport, Transport::Outbox(_))
        {
            let what = "these mails were sent through a mail server, but none is configured now";
            return Err(Refusal::new(Code::MailSettings, what)
                .help("name the pipeline with `--pipeline`, or the server with `MUSTER_SMTP`"));
        }
    }
    Ok(posts)
}

/// Shows who would be written to, and the first mail.
fn preview_again(
    store: &Store,
    mails: &[(Mailer, Vec<Listed>)],
    message: Option<&str>,
) -> Result<Exit> {
    for (index, (mailer, found)) in mails.iter().enumerate() {
        print(&mails::list(found));
        let first = &found[0];
        let person = first.account.map(|account| store.find_person(account));
        let kind = KINDS.into_iter().find(|kind| kind.name() == first.kind);
        if let (0, Some(person), Some(kind)) = (index, person.transpose()?.flatten(), kind) {
            let known = store.list_sessions()?;
            let is_its = |known: &Known| first.session.as_ref() == Some(&known.session.name);
            let session = known.into_iter().find(is_its);
            let rendered = mailer.preview(kind, &person, message, session.as_ref())?;
            let shown = mails::mail(&rendered, &mailer.sender.to_string(), &person.email);
            print(&format!("\n{shown}"));
        }
        print(&format!(
            "\nnothing was sent; with --send, {} would be sent again {}, and the old links end\n",
            found.len(),
            mailer.way()
        ));
    }
    Ok(Exit::Done)
}

fn send_again(
    store: &Store,
    mails: &[(Mailer, Vec<Listed>)],
    message: Option<&str>,
    how: &SendArgs,
) -> Result<Exit> {
    let mut all = Sent::default();
    let mut chosen = 0;
    for (mailer, found) in mails {
        chosen += found.len();
        let queue = queue_again(store, mailer, found, message)?;
        let sent = send(mailer, store, queue, how)?;
        if !how.json {
            print(&mails::sent(&sent, &mailer.way()));
        }
        all.add(sent);
        if all.stopped.is_some() {
            break;
        }
    }
    if how.json {
        let value = json!({ "schema": "muster.mail/1", "chosen": chosen, "sent": counts(&all) });
        print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&value).unwrap_or_default()
        ));
    }
    end(all)
}

/// Queues invitations again, and says how many don't go out after all.
fn queue_again(
    store: &Store,
    mailer: &Mailer,
    found: &[Listed],
    message: Option<&str>,
) -> Result<Vec<Queued>> {
    let ids: Vec<Uuid> = found.iter().map(|invitation| invitation.id).collect();
    let message_ids = mailer.message_ids(ids.len())?;
    let pipeline = mailer.pipeline.as_deref();
    let queued = store.requeue(&ids, &message_ids, message, pipeline)?;
    if queued < ids.len() as u64 {
        warn(&format!(
            "{} left out: suppressed, or the account's status no longer fits; their links stay as they were",
            ids.len() as u64 - queued
        ));
    }
    let mut queue = Vec::new();
    for kind in KINDS {
        let accounts: Vec<Uuid> = found
            .iter()
            .filter(|invitation| invitation.kind == kind.name())
            .filter_map(|invitation| invitation.account)
            .collect();
        queue.extend(store.find_queued(kind, &accounts)?);
    }
    Ok(queue)
}

fn cancel(args: &CancelArgs) -> Result<Exit> {
    let mut store = open_store(&args.choice.database)?;
    let (filter, narrow) = args.choice.filter(&store)?;
    let found = chosen(&store, &filter, narrow)?;
    let ids: Vec<Uuid> = found.iter().map(|invitation| invitation.id).collect();
    let accounts: Vec<Uuid> = found
        .iter()
        .filter_map(|invitation| invitation.account)
        .collect();
    // Rows of other tables may go with an account, or keep it.
    let used = match args.remove_accounts {
        true => store.find_used(&accounts)?,
        false => HashMap::new(),
    };
    let unused: Vec<Uuid> = accounts
        .into_iter()
        .filter(|account| !used.contains_key(account))
        .collect();
    let (cancelled, removed) =
        store.cancel(&ids, args.remove_accounts.then_some(unused.as_slice()))?;
    let sending = found
        .iter()
        .filter(|invitation| invitation.state == "sending")
        .count();
    print(&format!(
        "{cancelled} cancelled; their links and temporary passwords no longer work\n"
    ));
    if args.remove_accounts {
        let accounts = if removed == 1 { "account" } else { "accounts" };
        print(&format!(
            "removed {removed} {accounts} that nobody ever used\n"
        ));
    }
    if sending > 0 {
        let mails = if sending == 1 {
            "mail was"
        } else {
            "mails were"
        };
        warn(&format!(
            "{sending} {mails} already on the way, and will arrive with a dead link"
        ));
    }
    if !args.choice.who.is_empty() {
        let known = |name: &&Name| {
            let is_it = |one: &Listed| match name {
                Name::Username(key) => one.username_key.as_ref() == Some(key),
                Name::Email(key) => Name::of(&one.email).key() == key,
            };
            found.iter().any(is_it)
        };
        let unknown = filter
            .people
            .iter()
            .flatten()
            .filter(|name| !known(name))
            .count();
        match unknown {
            0 => {}
            1 => warn("1 person has no such invitation"),
            more => warn(&format!("{more} people have no such invitation")),
        }
    }
    Ok(Exit::Done)
}

fn expire(args: &ChoiceArgs) -> Result<Exit> {
    let store = open_store(&args.database)?;
    let (filter, narrow) = args.filter(&store)?;
    let overdue = store.expire_overdue()?;
    print(&format!("{overdue} links expired\n"));
    if narrow {
        let found = chosen(&store, &filter, narrow)?;
        let ids: Vec<Uuid> = found.iter().map(|invitation| invitation.id).collect();
        let ended = store.end_invitations(&ids)?;
        print(&format!("{ended} links ended early\n"));
    }
    Ok(Exit::Done)
}

/// `muster suppress`.
pub(super) fn suppress(args: &SuppressArgs) -> Result<Exit> {
    let store = open_store(&args.database)?;
    let keys: Vec<String> = addresses(&args.who)?
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    if args.remove {
        let removed = store.unsuppress(&keys)?;
        print(&format!("{removed} may be mailed again\n"));
    } else if keys.is_empty() {
        print(&mails::suppressions(&store.list_suppressions()?));
    } else {
        let added = store.suppress(&keys, &args.reason)?;
        print(&format!(
            "{added} will no longer be mailed; {} were already on the list\n",
            keys.len() as u64 - added
        ));
    }
    Ok(Exit::Done)
}
