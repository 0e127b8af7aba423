//! Counts of the people of runs: to count a million takes seconds.

use std::sync::Arc;

use tokio::runtime::Handle;
use uuid::Uuid;

use crate::admin::Role;
use crate::console::App;
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

/// What the people of runs can be narrowed by.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    pub groups: Vec<String>,
    pub roles: Vec<String>,
    pub organizations: Vec<String>,
}

fn is_large(run: &RunRecord) -> bool {
    let summary = run.summary.as_ref();
    summary.is_some_and(|summary| summary.counts.read > LARGE)
}

/// What `count` gives. Of a large run, it is kept as long as the audit has no new line.
fn kept<T: Clone + Send + 'static>(
    (app, store): (&App, &Store),
    run: &RunRecord,
    key: &str,
    count: impl FnOnce() -> Result<T>,
) -> Result<T> {
    match is_large(run) {
        true => app.counts.get_of((key, store.newest_audit()?), count),
        false => count(),
    }
}

/// How many people of a run get a mail; `key` says which of them are asked for.
pub(super) fn people(
    at: (&App, &Store),
    run: &RunRecord,
    audience: &Audience,
    key: &str,
) -> Result<Counted> {
    let key = format!("people {} {key}", run.id);
    kept(at, run, &key, || audience.counted(at.1))
}

/// How far the people of a run have come; `None` where nobody was invited.
pub(super) fn funnel(ask: &Ask, run: &RunRecord) -> Result<Option<Funnel>> {
    if !ask.store.has_invited(&run.id)? {
        return Ok(None);
    }
    let count = || ask.store.funnel(Some(&run.id));
    match is_large(run) {
        true => ask.app.counts.get(&format!("funnel {}", run.id), count),
        false => count(),
    }
    .map(Some)
}

/// What the people of a run can be narrowed by.
pub(super) fn words(at: (&App, &Store), run: &RunRecord) -> Result<Words> {
    kept(at, run, "words", || {
        Ok(Words {
            groups: at.1.group_paths()?,
            roles: at.1.roles_in_use()?,
            organizations: at.1.organizations()?,
        })
    })
}

/// Counts the people of a large run before somebody asks, while they look at its summary.
pub(crate) fn count_ahead(ask: &Ask, run: &RunRecord) {
    let is_open = run.kind == "import" && is_large(run) && ask.may(Role::Operator);
    let Some(runtime) = Handle::try_current().ok().filter(|_| is_open) else {
        return;
    };
    let (app, run) = (Arc::clone(ask.app), run.clone());
    runtime.spawn(async move {
        let pool = Arc::clone(&app.pool);
        let counted = pool.run(move |store| {
            let mailer = Mailer::open(None, run.pipeline.as_deref(), store)?;
            let ledger = runs::ledger(&run).ok();
            let kind = (Kind::Invite, mailer.day);
            let audience = Audience::of(store, (&run.id, ledger), kind, &[], &[])?;
            let key = key(Kind::Invite, "", &[]);
            people((&app, store), &run, &audience, &key)?;
            words((&app, store), &run)
        });
        counted.await
    });
}

/// Names who is asked for.
pub(super) fn key(kind: Kind, words: &str, except: &[Uuid]) -> String {
    format!("{} {words} {except:?}", kind.name())
}
