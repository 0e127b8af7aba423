//! The overview: what needs attention, and the latest runs.

use maud::{Markup, html};

use super::ask::{Answer, Ask, Page};
use super::page::visible;
use super::people::{invitations, list, pipeline};
use super::response::fields_of;
use super::runs;
use crate::admin::Role;
use crate::refusal::Result;
use crate::store::audit::Act;
use crate::store::runs::RunRecord;
use crate::summary::Summary;

/// The latest runs that are looked through for what waits.
const RUNS_LOOKED_AT: i64 = 25;
/// Where counting stops, so that nobody waits for it: a count of this many is "this many or more".
const COUNT_MAX: u64 = 10_000;
/// The runs that the page lists.
const RUNS_SHOWN: usize = 8;

/// Something that waits: how many, what they are, and where to see to it.
struct Waiting {
    count: String,
    what: &'static str,
    of: String,
    path: String,
}

/// `/`.
pub(super) fn page(ask: &mut Ask) -> Result<Answer> {
    let runs = ask.store.list_runs(RUNS_LOOKED_AT)?;
    let waiting = waiting(ask, &runs)?;
    let body = html! {
        section aria-labelledby="waiting" {
            h2 id="waiting" { (ask.t("What needs attention")) }
            @if waiting.is_empty() {
                p { (ask.t("Nothing waits for you.")) }
            } @else {
                ul.waiting {
                    @for one in &waiting {
                        li { a href=(one.path) { strong { (one.count) } " " (ask.t(one.what)) } @if !one.of.is_empty() { " " span.faint { (visible(&one.of)) } } }
                    }
                }
            }
        }
        section aria-labelledby="latest" {
            h2 id="latest" { (ask.t("Latest runs")) }
            @if runs.is_empty() {
                p { (ask.t("Nothing was imported yet.")) }
                @if ask.may(Role::Operator) { p { a.button href="/import" { (ask.t("Import a list")) } } }
            } @else {
                div.scroll { (latest(ask, &runs)) }
                p { a href="/runs" { (ask.t("All runs")) } }
            }
        }
    };
    Ok(Page::new("/", ask.t("Overview"), body).into())
}

fn latest(ask: &Ask, runs: &[RunRecord]) -> Markup {
    html! {
        table {
            caption.hidden { (ask.t("Latest runs")) }
            thead { tr {
                th scope="col" { (ask.t("Run")) }
                th.number scope="col" { (ask.t("Rows")) }
                th scope="col" { (ask.t("State")) }
            } }
            tbody {
                @for run in runs.iter().take(RUNS_SHOWN) {
                    tr {
                        th scope="row" { (runs::link(ask, run)) }
                        td.number { @if let Some(summary) = &run.summary { (ask.number(summary.counts.read)) } }
                        td { (ask.t(state(run))) }
                    }
                }
            }
        }
    }
}

fn state(run: &RunRecord) -> &'static str {
    match run.state.as_str() {
        "running" => "running or interrupted",
        "stopped" => "stopped",
        _ if run.summary.as_ref().is_some_and(Summary::is_held) => "some held",
        _ => "finished",
    }
}

/// Everything that waits, in the order in which it hurts.
fn waiting(ask: &Ask, runs: &[RunRecord]) -> Result<Vec<Waiting>> {
    let mut waiting = of_runs(ask, runs)?;
    of_people(ask, &mut waiting)?;
    Ok(waiting)
}

/// What runs wait for.
fn of_runs(ask: &Ask, runs: &[RunRecord]) -> Result<Vec<Waiting>> {
    let mut waiting = Vec::new();
    for run in runs {
        let Some(summary) = &run.summary else {
            continue;
        };
        if summary.is_held() && !ask.store.is_taken_back(&run.id)? {
            waiting.push(Waiting {
                count: ask.number(summary.counts.held),
                what: match summary.counts.held {
                    1 => "row is held by a safeguard",
                    _ => "rows are held by safeguards",
                },
                of: runs::name(ask, run),
                path: format!("/runs/{}/held", run.id),
            });
        }
        let needed = summary.counts.rejected + summary.counts.held + summary.counts.failed;
        if needed > 0
            && let Some(open) = ask.store.open_rows(&run.id)?
            && open.left > 0
        {
            waiting.push(Waiting {
                count: ask.number(open.left),
                what: if open.left == 1 {
                    "row to fix"
                } else {
                    "rows to fix"
                },
                of: runs::name(ask, run),
                path: format!("/runs/{}/fix", run.id),
            });
        }
    }
    Ok(waiting)
}

/// A list that shouldn't be long: its address, and what is in it.
struct Waits {
    path: &'static str,
    query: &'static str,
    /// One of them, and several.
    what: [&'static str; 2],
}

const WAITS: [Waits; 4] = [
    Waits {
        path: "/people",
        query: "phase=not-invited",
        what: ["person is not invited yet", "people are not invited yet"],
    },
    Waits {
        path: "/invitations",
        query: "state=unknown",
        what: [
            "mail may or may not have been sent",
            "mails may or may not have been sent",
        ],
    },
    Waits {
        path: "/invitations",
        query: "state=sent&ends=48",
        what: [
            "link expires within two days",
            "links expire within two days",
        ],
    },
    Waits {
        path: "/people",
        query: "missing=yes",
        what: [
            "person is missing from their latest list",
            "people are missing from their latest list",
        ],
    },
];

/// What people and mails wait for: as many as are in the lists that the counts lead to.
fn of_people(ask: &Ask, waiting: &mut Vec<Waiting>) -> Result<()> {
    let definition = pipeline::definition(ask.store)?;
    for waits in &WAITS {
        let asked = fields_of(waits.query.as_bytes());
        let key = format!("{}?{}", waits.path, waits.query);
        let count = ask.app.counts.get(&key, || {
            if waits.path == "/people" {
                let choice = list::asked(&asked).choice(ask.store, &definition)?;
                ask.store.count_people_up_to(&choice, COUNT_MAX)
            } else {
                let shown = invitations::asked(&asked);
                ask.store.count_shown_up_to(&shown, COUNT_MAX)
            }
        })?;
        if count > 0 {
            let more = if count == COUNT_MAX { "+" } else { "" };
            waiting.push(Waiting {
                count: ask.number(count) + more,
                what: waits.what[usize::from(count > 1)],
                of: String::new(),
                path: format!("{}?{}", waits.path, waits.query),
            });
        }
    }
    Ok(())
}

/// `/values`: shows values in full, or masks them again.
pub(super) fn show_values(ask: &mut Ask) -> Result<Answer> {
    ask.session.shows_values = !ask.session.shows_values;
    let action = match ask.session.shows_values {
        true => "show values",
        false => "mask values",
    };
    ask.acts(action, "");
    ask.store.audit(&Act::default())?;
    ask.store.set_console_session(&ask.session)?;
    Ok(Answer::See(own_path(ask.form.get("to"))))
}

/// `path` if it leads to this console, else the overview.
pub(super) fn own_path(path: &str) -> String {
    let is_own = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    // Browsers leave tabs and line ends out of an address, so that `/<TAB>/a` leads to the host `a`.
    let is_own = is_own && !path.contains(char::is_control);
    if is_own {
        path.to_string()
    } else {
        "/".to_string()
    }
}
