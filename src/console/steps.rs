//! The steps from a file to an import, on each of its pages.

use maud::{Markup, html};
use uuid::Uuid;

use super::ask::Ask;
use crate::store::jobs::Job;

/// The steps, with the one that the page is.
pub(super) fn steps(ask: &Ask, here: usize) -> Markup {
    let names = ["File", "Columns", "Check", "Plan", "Import"];
    html! {
        ol.steps aria-label=(ask.t("Steps")) {
            @for (index, name) in names.into_iter().enumerate() {
                li.done[index < here] aria-current=[(index == here).then_some("step")] { (ask.t(name)) }
            }
        }
    }
}

/// The page from which a check or an import of an upload was started; `None` for other jobs.
pub(super) fn back(ask: &Ask, job: &Job) -> Option<String> {
    let id: Uuid = job.about.parse().ok()?;
    let upload = ask.store.upload(id).ok()?;
    match (job.kind.as_str(), upload.settings.check) {
        ("import", Some(check)) => Some(format!("/import/{id}/plan/{check}")),
        ("import" | "check", _) => Some(format!("/import/{id}")),
        _ => None,
    }
}
