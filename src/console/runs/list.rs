//! `/runs`: every run that is known, the latest first.

use maud::{Markup, html};

use super::{Lines, PAGE_LINES, address, kind_word, name, outcome_word, rows_with, state_word};
use crate::console::ask::{Answer, Ask, Page};
use crate::console::page::visible;
use crate::outcome::Outcome;
use crate::refusal::Result;
use crate::runs;
use crate::store::runs::RunRecord;

/// `/runs`.
pub(crate) fn page(ask: &mut Ask) -> Result<Answer> {
    let mut lines = Lines::asked(ask);
    let wanted = lines.offset() + PAGE_LINES;
    // One more says whether there is another page.
    let known = runs::known(Some(ask.store), wanted as i64 + 1)?;
    lines.total = known.len() as u64;
    let shown = known.iter().skip(lines.offset() as usize);
    let shown: Vec<&RunRecord> = shown.take(PAGE_LINES as usize).collect();
    let is_last = lines.total <= wanted;
    let body = html! {
        section aria-label=(ask.t("Runs")) {
            @if shown.is_empty() {
                p { (ask.t("Nothing was imported or checked yet.")) " " a href="/import" { (ask.t("Import a list")) } }
            } @else {
                (table(ask, &shown))
                nav.pages aria-label=(ask.t("Pages")) {
                    @if lines.page > 0 { a rel="prev" href={ "/runs?page=" (lines.page) } { (ask.t("Later runs")) } }
                    @if !is_last { a rel="next" href={ "/runs?page=" (lines.page + 2) } { (ask.t("Earlier runs")) } }
                }
            }
        }
    };
    Ok(Page::new("/runs", ask.t("Runs"), body).into())
}

fn table(ask: &Ask, runs: &[&RunRecord]) -> Markup {
    html! {
        div.scroll { table.cards {
            caption { (ask.t("Checks write nothing. Times are in your time zone.")) }
            thead { tr {
                th scope="col" { (ask.t("Run")) }
                th scope="col" { (ask.t("Rows")) } th scope="col" { (ask.t("State")) }
            } }
            tbody { @for run in runs { (line(ask, run)) } }
        } }
    }
}

fn line(ask: &Ask, run: &RunRecord) -> Markup {
    let is_held = run
        .summary
        .as_ref()
        .is_some_and(|summary| summary.is_held());
    let counts = run.summary.as_ref().map(|summary| summary.counts);
    let counts = counts.unwrap_or_default();
    let parts = Outcome::ALL
        .into_iter()
        .filter(|outcome| counts.of(*outcome) > 0);
    let parts: Vec<Outcome> = parts.collect();
    let has_rows = run
        .summary
        .as_ref()
        .is_some_and(|summary| summary.undo.is_none() && summary.groups.is_none());
    let part = |outcome: &Outcome| {
        let number = ask.number(counts.of(*outcome));
        let words = html! { (number) " " (outcome_word(ask, *outcome)) };
        match has_rows {
            true => html! { a href=(rows_with(&run.id, "outcome", outcome.name())) { (words) } },
            false => words,
        }
    };
    let to_fix = counts.rejected + counts.failed;
    html! {
        tr {
            th scope="row" {
                a href=(address(&run.id, "")) { (visible(&name(ask, run))) }
                div.small { (kind_word(ask, run)) " · " span.id { (run.id) } }
            }
            td data-label=(ask.t("Rows")) {
                @for (index, outcome) in parts.iter().enumerate() { @if index > 0 { ", " } (part(outcome)) }
            }
            td {
                @if run.state != "finished" { span.badge.warning { (state_word(ask, &run.state)) } }
                @else if is_held { a href=(address(&run.id, "/held")) { span.badge.reject { (ask.t("waits for approval")) } } }
                @else if to_fix > 0 && run.kind == "import" { a href=(address(&run.id, "/fix")) { span.badge.warning { (ask.t("rows to fix")) } } }
                @else { span.badge.good { (ask.t("finished")) } }
            }
        }
    }
}
