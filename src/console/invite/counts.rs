//! Counts of the people of large runs, kept for a while: to count a million takes seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use uuid::Uuid;

use crate::admin::Role;
use crate::console::ask::Ask;
use crate::invitation::{Funnel, Kind};
use crate::refusal::Result;
use crate::runs;
use crate::sending::audience::{Audience, Counted};
use crate::sending::mailer::Mailer;
use crate::store::Store;
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
    (counts, store): (&Counts, &Store),
    (key, time): (String, Duration),
    is_large: bool,
    count: impl FnOnce() -> Result<What>,
) -> Result<What> {
    if !is_large {
        return count();
    }
    let audit = store.newest_audit()?;
    if let Some(what) = counts.get(&key, time, audit) {
        return Ok(what);
    }
    let what = count()?;
    counts.keep(key, audit, &what);
    Ok(what)
}

fn is_large(run: &RunRecord) -> bool {
    run.summary
        .as_ref()
        .is_some_and(|summary| summary.counts.read > LARGE)
}

/// How many people of a run get a mail; `key` says which of them are asked for.
pub(super) fn people(
    (counts, store): (&Counts, &Store),
    run: &RunRecord,
    audience: &Audience,
    key: &str,
) -> Result<Counted> {
    let key = format!("people {} {key}", run.id);
    let count = || audience.counted(store).map(What::People);
    match kept((counts, store), (key, KEPT), is_large(run), count)? {
        What::People(counted) => Ok(counted),
        _ => audience.counted(store),
    }
}

/// How far the people of a run have come; `None` where nobody was invited.
pub(super) fn funnel(ask: &Ask, run: &RunRecord) -> Result<Option<Funnel>> {
    if !ask.store.has_invitations(&run.id)? {
        return Ok(None);
    }
    let key = format!("funnel {}", run.id);
    let count = || ask.store.funnel(Some(&run.id)).map(What::Funnel);
    let at = (&ask.app.counts, &*ask.store);
    let funnel = match kept(at, (key, FUNNEL_KEPT), is_large(run), count)? {
        What::Funnel(funnel) => funnel,
        _ => ask.store.funnel(Some(&run.id))?,
    };
    Ok((funnel.invited > 0).then_some(funnel))
}

/// What the people of a run can be narrowed by.
pub(super) fn words(counts: &Counts, store: &Store, run: &RunRecord) -> Result<Words> {
    let count = || {
        Ok(What::Words(Words {
            groups: store.group_paths()?,
            roles: store.roles_in_use()?,
            organizations: store.organizations()?,
        }))
    };
    let at = (counts, store);
    let found = kept(at, ("words".to_string(), KEPT), is_large(run), count)?;
    Ok(match found {
        What::Words(words) => words,
        _ => Words::default(),
    })
}

/// Counts the people of a large run before somebody asks, while they look at its summary.
pub(crate) fn count_ahead(ask: &Ask, run: &RunRecord) {
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    let is_open = run.kind == "import" && is_large(run);
    if !is_open || !ask.may(Role::Operator) {
        return;
    }
    let (app, run) = (Arc::clone(ask.app), run.clone());
    runtime.spawn(async move {
        let pool = Arc::clone(&app.pool);
        let counted = pool.run(move |store| {
            let mailer = Mailer::open(None, run.pipeline.as_deref())?;
            let ledger = runs::ledger(&run).ok();
            let kind = (Kind::Invite, mailer.day);
            let audience = Audience::of(store, (&run.id, ledger), kind, &[], &[])?;
            people(
                (&app.counts, store),
                &run,
                &audience,
                &key(Kind::Invite, "", &[]),
            )?;
            words(&app.counts, store, &run)
        });
        counted.await
    });
}

/// Names who is asked for.
pub(super) fn key(kind: Kind, words: &str, except: &[Uuid]) -> String {
    format!("{} {words} {except:?}", kind.name())
}
