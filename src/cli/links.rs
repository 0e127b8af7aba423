//! `muster invitations link`: links that are handed over in person, one on the terminal, or many as
//! cards to print.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use uuid::Uuid;

use super::DatabaseArgs;
use super::invite::{Mailer, OWN_PAGE, find_import, open_store};
use super::selection::{Among, split, wishes};
use crate::cli::run::make_folder;
use crate::cli::terminal::{print, warn};
use crate::file::{self, Pending};
use crate::invitation::{Candidate, Kind, Name};
use crate::issue::Code;
use crate::notify::select::{Selection, select, why_not_by_hand};
use crate::notify::template;
use crate::notify::token::{self, Token};
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::report::{cards, mails};
use crate::store::Store;
use crate::store::invitations::{HandedOver, ToHandOver};
use crate::store::runs::RunRecord;

/// What is written into the folder of `--output`.
const FILES: [&str; 2] = ["links.csv", "links.html"];

#[derive(Args)]
pub(super) struct LinkArgs {
    /// The person's e-mail address or username
    #[arg(value_name = "WHO", required_unless_present_any = ["run", "only"])]
    who: Option<String>,
    /// Write links.csv and links.html, a printable card a person, into this folder
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// The people of this run: an id, the beginning of one, or `last`
    #[arg(long, requires = "output")]
    run: Option<String>,
    /// Only these: an address or username, group:NAME, role:NAME, organization:NAME,
    /// status:STATUS, row:LINE, row:FILE:LINE, or @FILE with addresses; repeatable
    #[arg(long, value_name = "WHO", requires = "output")]
    only: Vec<String>,
    /// All but these; written as for --only
    #[arg(long, value_name = "WHO", requires = "output")]
    except: Vec<String>,
    /// Also for people whose link still works, or was cancelled; old links end
    #[arg(long, requires = "output")]
    again: bool,
    /// The pipeline whose `[mail]` is used
    #[arg(short, long, value_name = "PIPELINE")]
    pipeline: Option<String>,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// `muster invitations link`.
pub(super) fn link(args: &LinkArgs) -> Result<Exit> {
    let store = open_store(&args.database)?;
    match (&args.output, &args.who) {
        (Some(folder), _) => cards_for(args, folder, store),
        (None, Some(who)) => one(args, who, store),
        (None, None) => Err(Refusal::new(Code::UsageInvalid, "nobody is named")),
    }
}

fn one(args: &LinkArgs, who: &str, mut store: Store) -> Result<Exit> {
    let nobody = || {
        let what = "no account with that address or username can be opened by a link";
        Refusal::new(Code::InvitationNone, what)
            .help("the account is missing or deactivated: import the person first")
    };
    let typed = split(&[who.to_string()])?.remove(0);
    let account = store.find_named(&Name::of(&typed))?.ok_or_else(nobody)?;
    let mailer = open_mailer(args, None, &[account], &store)?;
    let (made, links) = hand_over(&mut store, &mailer, &[account], |_, _| Ok(()))?;
    let (Some(made), Some(link)) = (made.get(&account), links.get(&account)) else {
        return Err(nobody());
    };
    print(&format!("{link}\n"));
    let ends = match &made.expires_at {
        Some(time) => format!("until {time} UTC"),
        None => "without an end date".to_string(),
    };
    let what = match made.kind {
        Kind::Invite => "accept the invitation",
        _ => "set a password",
    };
    warn(&format!(
        "whoever opens it can {what} once, {ends}; hand it over in person"
    ));
    Ok(Exit::Done)
}

/// By the pipeline that is named, else by that of the run, else by the one that all of the accounts
/// have in common.
fn open_mailer(
    args: &LinkArgs,
    run: Option<&RunRecord>,
    accounts: &[Uuid],
    store: &Store,
) -> Result<Mailer> {
    let named = args.pipeline.as_deref();
    let mut pipelines = match (named, run) {
        (Some(_), _) => vec![None],
        (None, Some(run)) => vec![run.pipeline.clone()],
        (None, None) => store.pipelines_of(accounts)?,
    };
    if pipelines.len() > 1 {
        let what = "these people came by several pipelines, whose `[mail]` may differ";
        return Err(Refusal::new(Code::UsageInvalid, what).help("name one with --pipeline"));
    }
    let logged = pipelines.pop().flatten();
    let mailer = Mailer::open(named, logged.as_deref())?;
    if mailer.mail.link_base.is_none() {
        warn(&format!(
            "links lead to {OWN_PAGE}, which only this machine can open: set `link_base` under `[mail]`"
        ));
    }
    Ok(mailer)
}

/// By account.
type Made = HashMap<Uuid, HandedOver>;
/// The addresses that open accounts, by account.
type Links = HashMap<Uuid, String>;

fn hand_over(
    store: &mut Store,
    mailer: &Mailer,
    accounts: &[Uuid],
    keep: impl FnOnce(&Made, &Links) -> Result<()>,
) -> Result<(Made, Links)> {
    let mut links = Links::new();
    let mut wanted = Vec::with_capacity(accounts.len());
    for (account, message_id) in accounts.iter().zip(mailer.message_ids(accounts.len())?) {
        let token = Token::new()?;
        links.insert(*account, token::link(&mailer.link_base, &token.text()));
        wanted.push(ToHandOver {
            account: *account,
            token: token.sha256(),
            message_id,
        });
    }
    let mut made = Made::new();
    store.hand_over(
        &wanted,
        mailer.pipeline.as_deref(),
        |kind| mailer.lifetime(kind),
        |handed_over| {
            made.clone_from(handed_over);
            keep(handed_over, &links)
        },
    )?;
    Ok((made, links))
}

fn cards_for(args: &LinkArgs, folder: &Path, mut store: Store) -> Result<Exit> {
    let run = args.run.as_deref();
    let run = run.map(|run| find_import(&store, run)).transpose()?;
    let (mailer, selection) = choose(args, run.as_ref(), &store)?;
    print(&mails::cards(
        selection.chosen.len() as u64,
        &selection.left_out,
    ));
    if selection.chosen.is_empty() {
        let what = "nobody who was selected can get a card";
        return Err(Refusal::new(Code::InvitationNone, what));
    }
    make_folder(folder, true)?;
    let paths = FILES.map(|name| folder.join(name));
    if let Some(there) = paths.iter().find(|path| path.exists()) {
        return Err(file::unwritable(there, &"it exists already")
            .help("these links may still work: name another folder, or remove the file"));
    }
    let accounts: Vec<Uuid> = selection.chosen.iter().map(|one| one.account).collect();
    let mut written = Vec::new();
    let done = hand_over(&mut store, &mailer, &accounts, |made, links| {
        let cards = cards_of(&selection, made, links, &mailer);
        let texts = [cards::csv(&cards), cards::page(&cards, &mailer.mail)];
        for (path, text) in paths.iter().zip(&texts) {
            let mut pending = Pending::create(path)?;
            pending.write(text)?;
            pending.commit_new()?;
            written.push(path);
        }
        Ok(())
    });
    let made = match done {
        Ok((made, _)) => made.len(),
        Err(refusal) => {
            // Nobody must print links that don't work.
            written
                .into_iter()
                .for_each(|path| drop(std::fs::remove_file(path)));
            return Err(refusal);
        }
    };
    for path in &paths {
        print(&format!("wrote {}\n", path.display()));
    }
    let those = match made {
        1 => "the link".to_string(),
        more => format!("each of the {more} links"),
    };
    warn(&format!(
        "{those} is a key to an account: whoever has it can choose the password once; hand the cards over in person, then delete the files"
    ));
    Ok(Exit::Done)
}

/// A word of a selection; one that can be nothing else is a username.
fn named(word: &String) -> String {
    match word.contains([':', '@', ' ', ',', ';']) || word.is_empty() {
        true => word.clone(),
        false => format!("username:{word}"),
    }
}

/// Who gets a card, and by which settings.
fn choose(args: &LinkArgs, run: Option<&RunRecord>, store: &Store) -> Result<(Mailer, Selection)> {
    let among = run.map_or(Among::Accounts(store), Among::Run);
    let who: Vec<String> = args.only.iter().chain(&args.who).map(named).collect();
    let only = wishes(&who, &among)?;
    let except: Vec<String> = args.except.iter().map(named).collect();
    let except = wishes(&except, &among)?;
    let reason = |candidate: &Candidate| why_not_by_hand(candidate, args.again);
    let id = run.map(|run| run.id.as_str());
    let selected = |day| {
        let people = store.find_people(id, Kind::Invite, day)?;
        select(people, &reason, &only, &except, None)
    };
    let selection = selected(None)?;
    let accounts: Vec<Uuid> = selection.chosen.iter().map(|one| one.account).collect();
    let mailer = open_mailer(args, run, &accounts, store)?;
    match mailer.day {
        None => Ok((mailer, selection)),
        day => Ok((mailer, selected(day)?)),
    }
}

fn cards_of(
    selection: &Selection,
    made: &Made,
    links: &Links,
    mailer: &Mailer,
) -> Vec<cards::Card> {
    let card = |one: &Candidate| {
        let (made, link) = (made.get(&one.account)?, links.get(&one.account)?);
        let words = cards::words(&[&one.person.language, &mailer.mail.language]);
        Some(cards::Card {
            name: one.person.name.clone(),
            username: one.person.username.clone(),
            email: one.person.email.clone(),
            link: link.clone(),
            ends_utc: made.expires_at.clone().unwrap_or_default(),
            ends: template::time(made.expires, words.tag),
            words,
        })
    };
    selection.chosen.iter().filter_map(card).collect()
}
