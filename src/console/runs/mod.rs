//! Pages about runs: what they did, which rows need somebody, and how to take one back.

use maud::{Markup, html};

use super::ask::{Ask, Page};
use super::page::{encoded, visible};
use crate::admin::Role;
use crate::field::RowNumber;
use crate::issue::{Code, mask};
use crate::outcome::Outcome;
use crate::refusal::Result;
use crate::runs;
use crate::store::runs::RunRecord;
use crate::summary::Summary;

pub(super) mod changes;
pub(super) mod decide;
pub(super) mod files;
pub(super) mod fix;
pub(super) mod held;
pub(super) mod judge;
pub(super) mod list;
mod places;
pub(super) mod rows;
pub(super) mod same;
pub(super) mod summary;
pub(super) mod undo;

/// How many lines a page of a list has.
const PAGE_LINES: u64 = 50;

/// The run of the path.
fn asked(ask: &Ask) -> Result<RunRecord> {
    runs::of_id(ask.store, ask.part("run"))
}

/// The address of a page of a run; `page` begins with a slash, or is empty for the summary.
fn address(run: &str, page: &str) -> String {
    format!("/runs/{}{page}", encoded(run))
}

/// The rows of a run of which `name` is `value`.
fn rows_with(run: &str, name: &str, value: &str) -> String {
    format!("{}?{name}={}", address(run, "/rows"), encoded(value))
}

/// A count that leads to what it counts; nothing leads to nothing.
fn counted(ask: &Ask, count: u64, to: &str) -> Markup {
    let number = ask.number(count);
    html! { @if count == 0 { (number) } @else { a href=(to) { (number) } } }
}

/// The outcome's word.
fn outcome_word(ask: &Ask, outcome: Outcome) -> &'static str {
    ask.t(match outcome {
        Outcome::Created => "created",
        Outcome::Updated => "updated",
        Outcome::Unchanged => "unchanged",
        Outcome::Duplicate => "duplicate",
        Outcome::Skipped => "skipped",
        Outcome::Rejected => "rejected",
        Outcome::Held => "held",
        Outcome::Failed => "failed",
    })
}

/// What an outcome means.
fn outcome_meaning(ask: &Ask, outcome: Outcome) -> &'static str {
    ask.t(match outcome {
        Outcome::Created => "new accounts",
        Outcome::Updated => "accounts of which a value changed",
        Outcome::Unchanged => "accounts that have all of it already",
        Outcome::Duplicate => "rows equal to an earlier row",
        Outcome::Skipped => "left alone because the pipeline says so",
        Outcome::Rejected => "something in the row must be fixed first",
        Outcome::Held => "somebody must look at it first",
        Outcome::Failed => "the database refused it",
    })
}

/// What a run was about, such as `people.csv`; its id where nothing is known of that.
fn subject(ask: &Ask, run: &RunRecord) -> String {
    let of = |what: &'static str, id: &str| {
        let other = runs::of_id(ask.store, id).ok();
        let files = other.and_then(|other| other.summary.as_ref().map(files_of));
        let files = files.filter(|files| !files.is_empty());
        ask.tf(what, &[("name", &files.unwrap_or_else(|| id.to_string()))])
    };
    let Some(summary) = &run.summary else {
        return ask.tf("Run {name}", &[("name", &run.id)]);
    };
    if let Some(undone) = &summary.undo {
        return of("Undo of {name}", &undone.of);
    }
    if let Some(groups) = &summary.groups {
        return groups.what.clone();
    }
    if let [fixed] = summary.resubmitted.as_slice() {
        return of("Fixed rows of {name}", &fixed.run);
    }
    match (&summary.run.approves, files_of(summary)) {
        (Some(approval), _) => of("Approved rows of {name}", &approval.of),
        (None, files) if !files.is_empty() => files,
        _ if !summary.pipeline.name.is_empty() => summary.pipeline.name.clone(),
        _ => ask.tf("Run {name}", &[("name", &run.id)]),
    }
}

/// How a run is called: what it was about, and when.
pub(super) fn name(ask: &Ask, run: &RunRecord) -> String {
    let subject = subject(ask, run);
    match run.started_at.parse() {
        Ok(time) => format!("{subject}, {}", ask.time_text(time)),
        Err(_) => subject,
    }
}

/// The way to a run, by its name, with its id beside it.
pub(super) fn link(ask: &Ask, run: &RunRecord) -> Markup {
    html! {
        a href=(address(&run.id, "")) { (visible(&name(ask, run))) } " " span.id.faint { (run.id) }
    }
}

/// The same for a run of which only the id is known.
pub(super) fn link_of(ask: &Ask, id: &str) -> Markup {
    match runs::of_id(ask.store, id) {
        Ok(run) => link(ask, &run),
        Err(_) => html! { a href=(address(id, "")) { (visible(id)) } },
    }
}

/// The kind's word.
fn kind_word(ask: &Ask, run: &RunRecord) -> &'static str {
    let approves = run.summary.as_ref().map(|summary| &summary.run.approves);
    match (run.kind.as_str(), approves) {
        ("check", _) => ask.t("check"),
        ("undo", _) => ask.t("undo"),
        ("groups", _) => ask.t("change of groups"),
        (_, Some(Some(_))) => ask.t("approval"),
        _ => ask.t("import"),
    }
}

/// The names of the files that were read, without their folders.
fn files_of(summary: &Summary) -> String {
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_string();
    let names = summary.input.iter().map(|input| name(&input.path));
    names.collect::<Vec<_>>().join(", ")
}

/// The state's word.
fn state_word<'a>(ask: &Ask, state: &'a str) -> &'a str {
    match state {
        "finished" => ask.t("finished"),
        "running" => ask.t("running or interrupted"),
        "stopped" => ask.t("interrupted"),
        other => other,
    }
}

/// A page of a run, with its way back to the summary.
fn page(run: &RunRecord, ask: &Ask, title: &str, help: &'static str, body: Markup) -> Page {
    let back = html! {
        p { "← " (link(ask, run)) }
        (body)
    };
    Page {
        help,
        ..Page::new("/runs", title, back)
    }
}

/// A code by its title, with the code behind it.
fn code(ask: &Ask, name: &str) -> Markup {
    let known = Code::ALL.iter().find(|code| code.name() == name);
    html! {
        @if let Some(code) = known { (crate::report::html::prose(ask.t(code.title()))) " " }
        code.faint { (visible(name)) }
    }
}

/// A value of a person, as the viewer may see it.
fn personal(ask: &Ask, value: &str) -> Markup {
    match ask.masks() {
        true => visible(&mask(value)),
        false => visible(value),
    }
}

/// Whether the viewer sees the values and may correct them.
fn may_type(ask: &Ask) -> bool {
    !ask.masks() && ask.may(Role::Operator)
}

/// The number of a row, from 0, as forms have it.
fn row_of(text: &str) -> Option<RowNumber> {
    text.parse::<RowNumber>().ok()?.checked_sub(1)
}

/// Which lines a page of a list shows, and the ways to the others.
struct Lines {
    /// From 0.
    page: u64,
    total: u64,
    /// Whether there are more than were looked for.
    is_cut: bool,
}

impl Lines {
    fn asked(ask: &Ask) -> Lines {
        Lines {
            page: ask.query.number("page", 1).clamp(1, 1 << 32) - 1,
            total: 0,
            is_cut: false,
        }
    }

    fn offset(&self) -> u64 {
        self.page * PAGE_LINES
    }

    /// `address` is that of the list, with its query but without a page.
    fn ways(&self, ask: &Ask, address: &str) -> Markup {
        let last = self.total.saturating_sub(1) / PAGE_LINES;
        let to = |page: u64| {
            let sign = if address.contains('?') { '&' } else { '?' };
            format!("{address}{sign}page={}", page + 1)
        };
        let (from, until) = (
            self.offset() + 1,
            (self.offset() + PAGE_LINES).min(self.total),
        );
        if last == 0 {
            return html! {};
        }
        html! {
            nav.pages aria-label=(ask.t("Pages")) {
                @if self.page > 0 {
                    a href=(to(0)) { (ask.t("First")) }
                    a rel="prev" href=(to(self.page.min(last + 1) - 1)) { (ask.t("Previous")) }
                }
                span { (ask.tf("{from} to {until} of {total}", &[
                    ("from", &ask.number(from.min(self.total))), ("until", &ask.number(until)), ("total", &ask.number(self.total)),
                ])) }
                @if self.page < last {
                    a rel="next" href=(to(self.page + 1)) { (ask.t("Next")) }
                    a href=(to(last)) { (ask.t("Last")) }
                }
            }
        }
    }
}
