//! Whom a mailing goes to, and who is left out.

use std::collections::HashMap;

use uuid::Uuid;

use super::handover::open_mailer;
use super::mailer::Mailer;
use crate::invitation::{Candidate, Kind, LeftOut, Person};
use crate::notify::select::{Selection, select, sessions_to_mail, spread, why_not};
use crate::refusal::Result;
use crate::selection::Wish;
use crate::session::Known;
use crate::store::Store;
use crate::store::runs::RunRecord;

/// Who is asked for.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Only these; everybody where it is empty.
    pub only: Vec<Wish>,
    /// All but these.
    pub except: Vec<Wish>,
    /// At most this many people.
    pub limit: Option<usize>,
    /// This many people at different mail domains, as a first try.
    pub canary: Option<usize>,
}

/// What mailing needs: by the pipeline that is named, else by that of the run, else by the one that all
/// who are wanted have in common.
///
/// # Errors
/// `usage.invalid` where they have several, and what opening it fails with.
pub fn mailer_for(
    store: &Store,
    named: Option<&str>,
    run: Option<&RunRecord>,
    kind: Kind,
    wanted: &Wanted,
) -> Result<Mailer> {
    if named.is_some() || run.is_some() {
        return Mailer::open(named, run.and_then(|run| run.pipeline.as_deref()), store);
    }
    let people = store.find_people(None, kind, None)?;
    let selection = select(people, &|_| None, &wanted.only, &wanted.except, None)?;
    let accounts: Vec<Uuid> = selection.chosen.iter().map(|one| one.account).collect();
    open_mailer(None, None, &accounts, store)
}

/// Why somebody gets no mail of `kind`. Who is named whatever their run may have had the account before,
/// and a password: that is for whom a reset is.
fn reason(candidate: &Candidate, kind: Kind, run: Option<&str>) -> Option<LeftOut> {
    if run.is_some() || kind != Kind::Reset {
        return why_not(candidate, kind);
    }
    let named = Candidate {
        created: true,
        has_password: false,
        ..candidate.clone()
    };
    why_not(&named, kind)
}

/// Who gets a mail of `kind`, of the people of `run`, or of all.
///
/// # Errors
/// `selection.unknown` for a word that is about nobody, or a refusal with a `database.*` code.
pub fn choose(
    store: &Store,
    mailer: &Mailer,
    run: Option<&str>,
    kind: Kind,
    wanted: &Wanted,
) -> Result<(Selection, SessionMails)> {
    let people = store.find_people(run, kind, mailer.day)?;
    // Somebody who is active already may still hear of sessions.
    let hears =
        |candidate: &Candidate| kind == Kind::Invite && !sessions_to_mail(candidate).is_empty();
    let why_not =
        |candidate: &Candidate| reason(candidate, kind, run).filter(|_| !hears(candidate));
    let mut selection = select(people, &why_not, &wanted.only, &wanted.except, wanted.limit)?;
    if let Some(count) = wanted.canary {
        let before = selection.chosen.len();
        selection.chosen = spread(std::mem::take(&mut selection.chosen), count);
        selection.not_asked += before - selection.chosen.len();
    }
    let about = match kind {
        Kind::Invite => SessionMails::of(store, &mut selection)?,
        _ => SessionMails::default(),
    };
    Ok((selection, about))
}

/// The mails about sessions that go out after the invitations.
#[derive(Default)]
pub struct SessionMails {
    /// The sessions by their ids.
    pub sessions: HashMap<Uuid, Known>,
    /// Accounts and sessions: everybody's first, then everybody's second, and so on. Whoever gets
    /// several gets them in the order of their beginnings.
    pub rounds: Vec<Vec<(Uuid, Uuid)>>,
    /// Who gets the first of them.
    pub first: Option<Person>,
}

impl SessionMails {
    /// Those of the people who were chosen. Of these, only those stay chosen who get an invitation.
    fn of(store: &Store, selection: &mut Selection) -> Result<SessionMails> {
        let mut mails = SessionMails::default();
        for candidate in std::mem::take(&mut selection.chosen) {
            for (round, session) in sessions_to_mail(&candidate).iter().enumerate() {
                mails.first.get_or_insert_with(|| candidate.person.clone());
                mails
                    .rounds
                    .resize_with(mails.rounds.len().max(round + 1), Vec::new);
                mails.rounds[round].push((candidate.account, *session));
            }
            match why_not(&candidate, Kind::Invite) {
                None => selection.chosen.push(candidate),
                Some(reason) => selection
                    .left_out
                    .entry(reason)
                    .or_default()
                    .push(candidate),
            }
        }
        if !mails.rounds.is_empty() {
            let known = store.list_sessions()?.into_iter();
            mails.sessions = known.map(|known| (known.id, known)).collect();
        }
        Ok(mails)
    }

    /// How many mails there are.
    pub fn len(&self) -> usize {
        self.rounds.iter().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there are of each session, in the order of their beginnings.
    pub fn counted(&self) -> Vec<(&Known, u64)> {
        let mut counts: HashMap<Uuid, u64> = HashMap::new();
        for (_, session) in self.rounds.iter().flatten() {
            *counts.entry(*session).or_default() += 1;
        }
        let mut counted: Vec<(&Known, u64)> = counts
            .iter()
            .filter_map(|(id, count)| Some((self.sessions.get(id)?, *count)))
            .collect();
        counted.sort_by_key(|(known, _)| (known.session.starts_at, &known.session.key));
        counted
    }
}
