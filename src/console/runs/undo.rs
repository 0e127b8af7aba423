//! `/runs/{run}/undo`: what would go back and what stays, then the undo itself.

use std::sync::atomic::AtomicBool;

use maud::{Markup, html};

use super::{address, asked, page, personal, summary};
use crate::console::ask::{Answer, Ask};
use crate::console::jobs::{self, Work};
use crate::console::page::{command, form, masked, visible};
use crate::history::Left;
use crate::issue::Code;
use crate::pipeline::{self, TakenBack};
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::runs;
use crate::store::runs::RunRecord;
use crate::summary::{Run, Summary, Undone};

/// Larger runs are looked at by a command of their own: nobody waits that long for a page.
const LOOKED_AT_MAX: u64 = 5_000;
/// How many kept values the page shows.
const KEPT_SHOWN: usize = 100;
/// How many of the latest jobs may be a look.
const JOBS_LOOKED_AT: u32 = 200;

/// `/runs/{run}/undo`.
pub(crate) fn page_of_undo(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    runs::refuse_renames(&run)?;
    if !matches!(run.kind.as_str(), "import" | "undo" | "groups") {
        let what = format!("run {} was a check: it wrote nothing", run.id);
        return Err(Refusal::new(Code::RunUnknown, what));
    }
    let title = ask.t("Undo this run");
    let body = match is_looked_at(&run) {
        true => preview(ask, &run, None)?,
        false => large(ask, &run, None)?,
    };
    Ok(page(&run, ask, title, "undo-a-run", body).into())
}

/// Whether the run is small enough to be looked at while somebody waits.
fn is_looked_at(run: &RunRecord) -> bool {
    let counts = run.summary.as_ref().map(|summary| summary.counts);
    counts.is_some_and(|counts| counts.created + counts.updated <= LOOKED_AT_MAX)
}

/// How many accounts an undo would change now; of a large run, what the latest look found.
fn would_change(ask: &mut Ask, run: &RunRecord) -> Result<Option<u64>> {
    if is_looked_at(run) {
        return Ok(Some(affected(&look(ask, run)?.undone)));
    }
    Ok(looked(ask, run)?.map(|(_, undone)| affected(&undone)))
}

/// What an undo would do, and the button.
fn preview(ask: &mut Ask, run: &RunRecord, wrong: Option<&'static str>) -> Result<Markup> {
    let taken = look(ask, run)?;
    let what = Summary {
        run: Run {
            state: "planned".to_string(),
            ..Run::default()
        },
        counts: taken.counts,
        ..Summary::default()
    };
    let affected = affected(&taken.undone);
    Ok(html! {
        (summary::undo(ask, &what, &taken.undone))
        (kept(ask, &taken.left))
        @if affected == 0 {
            p.note { (ask.t("Nothing is left to undo.")) }
        } @else {
            section aria-labelledby="do" {
                h2 id="do" { (ask.t("Undo it")) }
                (consequences(ask))
                (sending(ask, run, affected, wrong))
            }
        }
        (command(ask, &format!("muster undo {} --plan", run.id)))
    })
}

fn sending(ask: &Ask, run: &RunRecord, affected: u64, wrong: Option<&'static str>) -> Markup {
    form(
        ask,
        &address(&run.id, "/undo"),
        html! {
            @if let Some(wrong) = wrong { div.problem role="alert" { p { (ask.t(wrong)) } } }
            div.field {
                label for="count" { (ask.tf("To undo the run, type the number of accounts that change: {n}", &[("n", &affected)])) }
                input type="text" inputmode="numeric" autocomplete="off" id="count" name="count" required;
            }
            button.danger { (ask.counted(affected, "Undo: 1 account changes", "Undo: {n} accounts change")) }
        },
    )
}

/// How many accounts an undo would change.
fn affected(undone: &Undone) -> u64 {
    undone.changed_back
        + undone.removed
        + undone.returned
        + undone.deactivated
        + undone.groups_removed
        + undone.groups_returned
}

fn look(ask: &mut Ask, run: &RunRecord) -> Result<TakenBack> {
    let undoing = ask.store.undoing(&run.id, None)?;
    pipeline::undo(undoing, &Progress::new(true), &AtomicBool::new(false))
}

fn kept(ask: &Ask, left: &[Left]) -> Markup {
    html! {
        @if !left.is_empty() {
            section aria-labelledby="stays" {
                h2 id="stays" { (ask.t("What isn't simply undone, and why")) }
                (masked(ask))
                div.scroll { table.cards {
                    caption { (ask.tf("The first {n} of {all}", &[("n", &left.len().min(KEPT_SHOWN)), ("all", &ask.number(left.len() as u64))])) }
                    thead { tr { th scope="col" { (ask.t("Whose")) } th scope="col" { (ask.t("What")) } th scope="col" { (ask.t("Why")) } } }
                    tbody { @for kept in left.iter().take(KEPT_SHOWN) { tr {
                        th scope="row" {
                            @if kept.field == "group" { (visible(&kept.who)) }
                            @else { a href={ "/people/" (kept.id) } { @if kept.who.is_empty() { (kept.id) } @else { (personal(ask, &kept.who)) } } }
                        }
                        td { (visible(&kept.field)) }
                        td { (visible(&kept.reason)) }
                    } } }
                } }
            }
        }
    }
}

/// A run that is too large to be looked at while somebody waits: what a command found, or the way
/// to it.
fn large(ask: &Ask, run: &RunRecord, wrong: Option<&'static str>) -> Result<Markup> {
    let found = looked(ask, run)?;
    Ok(html! {
        @if let Some((found, undone)) = &found {
            (summary::undo(ask, found, undone))
            @if affected(undone) > 0 {
                section aria-labelledby="do" {
                    h2 id="do" { (ask.t("Undo it")) }
                    (consequences(ask))
                    (sending(ask, run, affected(undone), wrong))
                }
            }
        }
        section {
            p { (ask.t("This run is large. Looking at what would go back takes a while, so that it is done by a command of its own.")) }
            (form(ask, &address(&run.id, "/undo/look"), html! { button.second { (ask.t("See what would go back")) } }))
        }
        (command(ask, &format!("muster undo {} --plan", run.id)))
    })
}

fn consequences(ask: &Ask) -> Markup {
    html! {
        p { (ask.t("Accounts that this run made are removed, unless they were used or changed since; those are deactivated. Values that were changed since stay.")) }
        p { (ask.t("An undo can be undone.")) }
    }
}

/// What the latest look by a command found.
fn looked(ask: &Ask, run: &RunRecord) -> Result<Option<(Summary, Undone)>> {
    let jobs = ask.store.list_jobs(JOBS_LOOKED_AT)?;
    let mut jobs = jobs.iter();
    let job = jobs.find(|job| job.about == run.id && job.args.iter().any(|arg| arg == "--plan"));
    let json = job.and_then(|job| job.stdout.as_deref()).unwrap_or("");
    let found: Option<Summary> = serde_json::from_str(json).ok();
    Ok(found.and_then(|found| Some((found.clone(), found.undo?))))
}

/// `POST /runs/{run}/undo/look`: the preview of a large undo, by a command.
pub(crate) fn look_by_command(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    let job = jobs::start(
        ask,
        Work {
            kind: "undo",
            args: ["undo", &run.id, "--plan", "--json"]
                .map(String::from)
                .to_vec(),
            stdin: None,
            about: run.id.clone(),
            leads_to: address(&run.id, "/undo"),
        },
    )?;
    Ok(Answer::See(format!("/jobs/{job}")))
}

/// `POST /runs/{run}/undo`.
pub(crate) fn undo(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    let typed = ask.form.get("count").chars().filter(char::is_ascii_digit);
    let typed: Option<u64> = typed.collect::<String>().parse().ok();
    // What is true now, not what an older page said.
    let now = would_change(ask, &run)?;
    if now.is_none() || typed != now {
        let wrong = "The number you typed is not the number of accounts that change. Look again, then type it.";
        let body = match is_looked_at(&run) {
            true => preview(ask, &run, Some(wrong))?,
            false => large(ask, &run, Some(wrong))?,
        };
        return Ok(page(&run, ask, ask.t("Undo this run"), "undo-a-run", body)
            .refusing()
            .into());
    }
    let job = jobs::start(
        ask,
        Work {
            kind: "undo",
            args: ["undo", &run.id].map(String::from).to_vec(),
            stdin: None,
            about: run.id.clone(),
            leads_to: "/runs/{run}".to_string(),
        },
    )?;
    Ok(Answer::See(format!("/jobs/{job}")))
}
