//! `/audit`: who did what.

use maud::{Markup, html};

use super::ask::{Answer, Ask, Page};
use super::page::{command, encoded, visible};
use crate::refusal::Result;
use crate::store::audit::{Line, Wanted};

/// Lines of a page.
const LINES: u64 = 100;

/// `/audit`.
pub(super) fn page(ask: &mut Ask) -> Result<Answer> {
    let text = |name: &str| Some(ask.query.get(name).trim().to_string()).filter(|t| !t.is_empty());
    let number = ask.query.number("page", 1).max(1);
    let wanted = Wanted {
        who: text("who"),
        action: text("action"),
        about: text("about"),
        person: text("person").and_then(|id| id.parse().ok()),
        limit: Some(LINES),
        offset: (number - 1).saturating_mul(LINES).min(i64::MAX as u64),
    };
    let (lines, found) = ask.store.list_audit(&wanted)?;
    let actions = ask.store.audited_actions()?;
    let pages = found.div_ceil(LINES).max(1);
    let body = html! {
        section aria-labelledby="lines" {
            h2 id="lines" { (ask.t("Who did what")) }
            p.small { (ask.t("Lines are only added, by the console and by the command line. Nobody can change or remove one here.")) }
            (filter(ask, &actions))
            p { (ask.tf("{count} lines", &[("count", &ask.number(found))])) }
            @if lines.is_empty() { p { (ask.t("No line fits.")) } } @else {
                div.scroll tabindex="0" role="group" aria-labelledby="lines" { table.cards {
                    caption.hidden { (ask.t("Who did what")) }
                    thead { tr {
                        th scope="col" { (ask.t("Time")) }
                        th scope="col" { (ask.t("Who")) }
                        th scope="col" { (ask.t("Action")) }
                        th scope="col" { (ask.t("About")) }
                        th scope="col" { (ask.t("Counts")) }
                    } }
                    tbody { @for line in &lines { (row(ask, line)) } }
                } }
                (other_pages(ask, &wanted, number, pages))
            }
            (command(ask, "muster audit"))
        }
    };
    let mut page = Page::new("/settings", ask.t("Audit"), body);
    page.help = "/audit";
    Ok(page.into())
}

fn filter(ask: &Ask, actions: &[String]) -> Markup {
    let action = ask.query.get("action");
    html! {
        form.row method="get" action="/audit" role="search" {
            div.field {
                label for="who" { (ask.t("Who")) }
                input id="who" name="who" type="search" value=(ask.query.get("who"));
            }
            div.field {
                label for="action" { (ask.t("Action")) }
                select id="action" name="action" {
                    option value="" { (ask.t("all")) }
                    @for known in actions { option selected[known == action] { (known) } }
                }
            }
            div.field {
                label for="about" { (ask.t("About (an id)")) }
                input id="about" name="about" type="search" value=(ask.query.get("about"));
            }
            button.second { (ask.t("Filter")) }
        }
    }
}

fn row(ask: &Ask, line: &Line) -> Markup {
    let counts = line.counts.iter();
    let counts: Vec<String> = counts
        .map(|(name, count)| format!("{} {name}", ask.number(*count)))
        .collect();
    html! {
        tr {
            td data-label=(ask.t("Time")) { (ask.time_of(line.at)) }
            th scope="row" {
                (visible(&line.who))
                @if let Some(address) = &line.address { br; span.small { (visible(address)) } }
            }
            td data-label=(ask.t("Action")) {
                (visible(&line.action))
                @if !line.command.is_empty() { br; code.small { (visible(&line.command)) } }
            }
            td data-label=(ask.t("About")) {
                @if line.is_run { a href={ "/runs/" (encoded(&line.about)) } { (line.about) } }
                @else if let Some(name) = &line.admin { (visible(name)) }
                @else { span.small { (visible(&line.about)) } }
            }
            td data-label=(ask.t("Counts")) { (counts.join(", ")) }
        }
    }
}

fn other_pages(ask: &Ask, wanted: &Wanted, number: u64, pages: u64) -> Markup {
    let part = |name: &str, value: &Option<String>| match value {
        Some(value) => format!("&{name}={}", encoded(value)),
        None => String::new(),
    };
    let filter = [
        part("who", &wanted.who),
        part("action", &wanted.action),
        part("about", &wanted.about),
        part("person", &wanted.person.map(|id| id.to_string())),
    ]
    .concat();
    html! {
        @if pages > 1 {
            nav.pages aria-label=(ask.t("Pages")) {
                @if number > 1 { a rel="prev" href={ "/audit?page=" (number - 1) (filter) } { (ask.t("Newer")) } }
                span { (ask.tf("Page {page} of {pages}", &[("page", &number), ("pages", &pages)])) }
                @if number < pages { a rel="next" href={ "/audit?page=" (number + 1) (filter) } { (ask.t("Older")) } }
            }
        }
    }
}
