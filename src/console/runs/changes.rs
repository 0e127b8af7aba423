//! `/runs/{run}/changes`: what a run changed, each value before and after.

use std::collections::BTreeMap;

use maud::{Markup, html};
use uuid::Uuid;

use super::{Lines, PAGE_LINES, address, asked, page, personal};
use crate::console::ask::{Answer, Ask};
use crate::console::page::{encoded, masked, visible};
use crate::field::Field;
use crate::history::Values;
use crate::refusal::Result;
use crate::store::run_rows::{Changed, KnownAs};

/// Fields are counted in this many changed accounts.
const COUNTED_MAX: u64 = 20_000;

/// `/runs/{run}/changes`.
pub(crate) fn page_of_changes(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    let updated = run
        .summary
        .as_ref()
        .map_or(0, |summary| summary.counts.updated);
    let field = ask.query.get("field").to_string();
    let field = Some(field.as_str()).filter(|field| !field.is_empty());
    let fields = ask.store.changed_fields(&run.id, COUNTED_MAX)?;
    let mut lines = Lines::asked(ask);
    let is_whole = updated <= COUNTED_MAX;
    lines.total = match field {
        None => updated,
        Some(field) if is_whole => {
            let found = fields.iter().find(|(name, _)| name == field);
            found.map_or(0, |(_, count)| *count)
        }
        // Only counted for smaller runs; there may be another page.
        Some(_) => updated,
    };
    let changes = ask
        .store
        .changes_of(&run.id, field, lines.offset(), PAGE_LINES)?;
    let ids: Vec<Uuid> = changes.iter().map(|change| change.account).collect();
    let known = ask.store.known_as(&ids)?.into_iter().collect();
    let own = address(&run.id, "/changes");
    let query = field.map_or(String::new(), |field| format!("?field={}", encoded(field)));
    let body = html! {
        section aria-labelledby="by-field" {
            h2 id="by-field" { (ask.t("By field")) }
            @if fields.is_empty() { p { (ask.t("This run changed no value of an account.")) } }
            @else { (by_field(ask, &own, (&fields, is_whole), field)) }
        }
        @if !changes.is_empty() {
            section aria-labelledby="values" {
                h2 id="values" { (ask.t("Before and after")) }
                (masked(ask))
                (table(ask, (&changes, &known), field))
                (lines.ways(ask, &format!("{own}{query}")))
            }
        }
    };
    Ok(page(&run, ask, ask.t("What the run changed"), "runs", body).into())
}

fn by_field(
    ask: &Ask,
    own: &str,
    (fields, is_whole): (&[(String, u64)], bool),
    chosen: Option<&str>,
) -> Markup {
    html! {
        ul.pages {
            li { a href=(own) aria-current=[chosen.is_none().then_some("true")] { (ask.t("all fields")) } }
            @for (name, count) in fields {
                li {
                    a href={ (own) "?field=" (encoded(name)) } aria-current=[(chosen == Some(name)).then_some("true")] { (visible(name)) }
                    @if is_whole { " " span.faint { (ask.number(*count)) } }
                }
            }
        }
        @if !is_whole { p.small { (ask.tf("Fields of the first {n} changed accounts.", &[("n", &ask.number(COUNTED_MAX))])) } }
    }
}

fn table(
    ask: &Ask,
    (changes, known): (&[Changed], &BTreeMap<Uuid, KnownAs>),
    field: Option<&str>,
) -> Markup {
    html! {
        div.scroll { table.cards {
            caption.hidden { (ask.t("Before and after")) }
            thead { tr {
                th.number scope="col" { (ask.t("Row")) } th scope="col" { (ask.t("Person")) } th scope="col" { (ask.t("Field")) }
                th scope="col" { (ask.t("Before")) } th scope="col" { (ask.t("After")) }
            } }
            tbody {
                @for change in changes {
                    @let who = known.get(&change.account).map_or("", KnownAs::shown);
                    @for (index, [name, before, after]) in values(change, field).iter().enumerate() {
                        tr {
                            @if index == 0 {
                                td.number data-label=(ask.t("Row")) { (ask.number(u64::from(change.row) + 1)) }
                                th scope="row" { a href={ "/people/" (change.account) } { @if who.is_empty() { (change.account) } @else { (personal(ask, who)) } } }
                            } @else { td {} td {} }
                            td data-label=(ask.t("Field")) { (visible(name)) }
                            td data-label=(ask.t("Before")) { (value(ask, name, before)) }
                            td data-label=(ask.t("After")) { (value(ask, name, after)) }
                        }
                    }
                }
            }
        } }
    }
}

/// Name, old value and new value of what changed.
fn values(change: &Changed, field: Option<&str>) -> Vec<[String; 3]> {
    let text = |values: &Values, name: &str| match values.get(name) {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let names = change.after.keys();
    let names = names.filter(|name| field.is_none_or(|field| field == *name));
    names
        .map(|name| {
            [
                name.clone(),
                text(&change.before, name),
                text(&change.after, name),
            ]
        })
        .collect()
}

fn value(ask: &Ask, name: &str, text: &str) -> Markup {
    let is_personal = Field::from_name(name).is_none_or(Field::is_personal);
    html! {
        @if text.is_empty() { span.faint { (ask.t("nothing")) } }
        @else if is_personal { (personal(ask, text)) }
        @else { (visible(text)) }
    }
}
