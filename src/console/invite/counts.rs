//! Counts of the people of large runs, kept for a while: to count a million takes seconds.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::console::ask::Ask;
use crate::invitation::Funnel;
use crate::refusal::Result;
use crate::sending::audience::{Audience, Counted};
use crate::store::runs::RunRecord;

/// The people of smaller runs are counted each time.
const LARGE: u64 = 20_000;
/// How long counts are kept, as long as nobody does anything that the audit notes.
const KEPT: Duration = Duration::from_mins(5);
/// How long it is kept how far people are: that changes while mails are sent.
const FUNNEL_KEPT: Duration = Duration::from_secs(15);
/// Of how many pages counts are kept.
const ENTRIES_MAX: usize = 200;

/// What was counted, by what was asked.
#[derive(Default)]
pub(crate) struct Counts {
    known: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    at: Instant,
    /// The newest line of the audit then.
    audit: i64,
    what: What,
}

/// What can be counted.
#[derive(Clone)]
enum What {
    People(Counted),
    Funnel(Funnel),
    Words(Words),
}

/// What the people of runs can be narrowed by.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    pub groups: Vec<String>,
    pub roles: Vec<String>,
    pub organizations: Vec<String>,
}

impl Counts {
    fn get(&self, key: &str, kept: Duration, audit: i64) -> Option<What> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = known.get(key)?;
        let is_new = entry.at.elapsed() < kept && entry.audit == audit;
        is_new.then(|| entry.what.clone())
    }

    fn keep(&self, key: String, audit: i64, what: &What) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ENTRIES_MAX {
            known.clear();
        }
        let entry = Entry {
            at: Instant::now(),
            audit,
            what: what.clone(),
        };
        known.insert(key, entry);
    }
}

/// What is known by that name, else what `count` finds.
fn kept(
    ask: &Ask,
    (key, time): (String, Duration),
    is_large: bool,
    count: impl FnOnce() -> Result<What>,
) -> Result<What> {
    if !is_large {
        return count();
    }
    let audit = ask.store.newest_audit()?;
    if let Some(what) = ask.app.counts.get(&key, time, audit) {
        return Ok(what);
    }
    let what = count()?;
    ask.app.counts.keep(key, audit, &what);
    Ok(what)
}

fn is_large(run: &RunRecord) -> bool {
    run.summary
        .as_ref()
        .is_some_and(|summary| summary.counts.read > LARGE)
}

/// How many people of a run get a mail; `key` says which of them are asked for.
pub(super) fn people(
    ask: &Ask,
    run: &RunRecord,
    audience: &Audience,
    key: &str,
) -> Result<Counted> {
    let key = format!("people {} {key}", run.id);
    let count = || audience.counted(ask.store).map(What::People);
    match kept(ask, (key, KEPT), is_large(run), count)? {
        What::People(counted) => Ok(counted),
        _ => audience.counted(ask.store),
    }
}

/// How far the people of a run have come; `None` where nobody was invited.
pub(super) fn funnel(ask: &Ask, run: &RunRecord) -> Result<Option<Funnel>> {
    if !ask.store.has_invitations(&run.id)? {
        return Ok(None);
    }
    let key = format!("funnel {}", run.id);
    let count = || ask.store.funnel(Some(&run.id)).map(What::Funnel);
    let funnel = match kept(ask, (key, FUNNEL_KEPT), is_large(run), count)? {
        What::Funnel(funnel) => funnel,
        _ => ask.store.funnel(Some(&run.id))?,
    };
    Ok((funnel.invited > 0).then_some(funnel))
}

/// What the people of a run can be narrowed by.
pub(super) fn words(ask: &Ask, run: &RunRecord) -> Result<Words> {
    let count = || {
        Ok(What::Words(Words {
            groups: ask.store.group_paths()?,
            roles: ask.store.roles_in_use()?,
            organizations: ask.store.organizations()?,
        }))
    };
    let found = kept(ask, ("words".to_string(), KEPT), is_large(run), count)?;
    Ok(match found {
        What::Words(words) => words,
        _ => Words::default(),
    })
}
