//! Links that are handed over in person.

use std::collections::HashMap;

use uuid::Uuid;

use super::mailer::Mailer;
use crate::invitation::{Candidate, Kind};
use crate::issue::Code;
use crate::notify::select::{Selection, select, why_not_by_hand};
use crate::notify::template;
use crate::notify::token::{self, Token};
use crate::refusal::{Refusal, Result};
use crate::report::cards;
use crate::selection::Wish;
use crate::store::Store;
use crate::store::invitations::{HandedOver, ToHandOver};
use crate::store::runs::RunRecord;

/// Whom links are made for.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Only these; everybody where it is empty.
    pub only: Vec<Wish>,
    /// All but these.
    pub except: Vec<Wish>,
    /// Also for people whose link still works, or was cancelled.
    pub again: bool,
}

/// Who gets a link, of the people of `run` or of all, and by which settings.
///
/// # Errors
/// `selection.unknown` for a word that is about nobody, and as [`open_mailer`].
pub fn choose(
    store: &Store,
    run: Option<&RunRecord>,
    wanted: &Wanted,
    named: Option<&str>,
) -> Result<(Mailer, Selection)> {
    let reason = |candidate: &Candidate| why_not_by_hand(candidate, wanted.again);
    let id = run.map(|run| run.id.as_str());
    let selected = |day| {
        let people = store.find_people(id, Kind::Invite, day)?;
        select(people, &reason, &wanted.only, &wanted.except, None)
    };
    let selection = selected(None)?;
    let accounts: Vec<Uuid> = selection.chosen.iter().map(|one| one.account).collect();
    let mailer = open_mailer(named, run, &accounts, store)?;
    match mailer.day {
        None => Ok((mailer, selection)),
        day => Ok((mailer, selected(day)?)),
    }
}

/// By the pipeline that is named, else by that of the run, else by the one that all of the accounts
/// have in common.
///
/// # Errors
/// `usage.invalid` where they have several, and what opening it fails with.
pub fn open_mailer(
    named: Option<&str>,
    run: Option<&RunRecord>,
    accounts: &[Uuid],
    store: &Store,
) -> Result<Mailer> {
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
    Mailer::open(named, logged.as_deref(), store)
}

/// By account.
pub type Made = HashMap<Uuid, HandedOver>;
/// The addresses that open accounts, by account.
pub type Links = HashMap<Uuid, String>;

/// Makes links for accounts. `keep` gets them before they work; where it fails, nothing has changed.
///
/// # Errors
/// A refusal with a `database.*` code, and what `keep` fails with.
pub fn hand_over(
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

/// The cards of those for whom links were made.
pub fn cards_of(
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
