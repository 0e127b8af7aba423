//! `/add`: a few people by their addresses.

use maud::{Markup, html};

use super::list::definition;
use super::parts::{choice, counted, personal, same};
use crate::console::ask::{Answer, Ask, Page};
use crate::console::jobs::{self, Work};
use crate::console::page::{command, form, visible};
use crate::people::typed::{Typed, people};
use crate::refusal::Result;
use crate::text::email;

/// More than these are for a file.
const PEOPLE_MAX: usize = 500;

/// What was typed.
struct Wanted {
    people: String,
    groups: String,
    role: String,
    organization: String,
    onboarding: String,
}

impl Wanted {
    fn of(ask: &Ask) -> Wanted {
        let value = |name| ask.form.get(name).trim().to_string();
        let group = value("group");
        let new = value("new_group");
        let groups: Vec<&str> = [group.as_str(), new.as_str()]
            .into_iter()
            .filter(|name| !name.is_empty())
            .collect();
        Wanted {
            people: value("people"),
            groups: groups.join(","),
            role: value("role"),
            organization: value("organization"),
            onboarding: match ask.form.get("onboarding") {
                "setup" => "setup",
                _ => "invite",
            }
            .to_string(),
        }
    }
}

/// `/add`.
pub(crate) fn page(ask: &mut Ask) -> Result<Answer> {
    let body = typing(ask, None)?;
    Ok(Page::new("/people", ask.t("Add a few people"), body).into())
}

fn typing(ask: &Ask, wrong: Option<&str>) -> Result<Markup> {
    let definition = definition()?;
    let groups = same(ask.store.group_paths()?);
    let roles = same(definition.accounts.roles.clone());
    let typed = |name| ask.form.get(name);
    Ok(html! {
        @if let Some(wrong) = wrong {
            div.problem role="alert" id="problem" { p { a href="#people" { (wrong) } } }
        }
        section {
            (form(ask, "/add/check", html! {
                div.field {
                    label for="people" { (ask.t("Addresses")) }
                    textarea id="people" name="people" required rows="6" aria-describedby="people-hint" aria-invalid=[wrong.map(|_| "true")] { (typed("people")) }
                    p.small #people-hint { (ask.t("Separated by commas, semicolons, spaces or lines. A name may come before an address: Ann Ng <ann@example.org>.")) }
                }
                @if !groups.is_empty() { (choice("group", ask.t("Group"), Some(ask.t("none")), &groups, typed("group"))) }
                div.field {
                    label for="new_group" { (ask.t("A new group (optional)")) }
                    input type="text" id="new_group" name="new_group" value=(typed("new_group"));
                }
                (choice("role", ask.t("Role"), Some(ask.t("as the pipeline says")), &roles, typed("role")))
                div.field {
                    label for="organization" { (ask.t("Organization (optional)")) }
                    input type="text" id="organization" name="organization" value=(typed("organization"));
                }
                fieldset {
                    legend { (ask.t("How they get in")) }
                    label { input type="radio" name="onboarding" value="invite" checked[typed("onboarding") != "setup"]; (ask.t("by invitation: they are active once they accept it")) }
                    label { input type="radio" name="onboarding" value="setup" checked[typed("onboarding") == "setup"]; (ask.t("set up: they are active at once")) }
                }
                button { (ask.t("Check")) }
            }))
            (command(ask, "muster add ADDRESSES"))
        }
    })
}

/// `/add/check`: shows who was understood. Nothing is written.
pub(crate) fn check(ask: &mut Ask) -> Result<Answer> {
    let wanted = Wanted::of(ask);
    let found = people(&wanted.people);
    let title = ask.t("Add a few people");
    let wrong = match found.len() {
        0 => Some(ask.t("No address was found in the text")),
        count if count > PEOPLE_MAX => {
            Some(ask.t("These are more than 500 people: import them as a file"))
        }
        _ => None,
    };
    if let Some(wrong) = wrong {
        let body = typing(ask, Some(wrong))?;
        return Ok(Page::new("/people", title, body).refusing().into());
    }
    let good = found
        .iter()
        .filter(|(_, _, address)| email::key(address).is_some())
        .count() as u64;
    let bad = found.len() as u64 - good;
    let add = counted(ask, found.len() as u64, "Add 1 person", "Add {n} people");
    let body = html! {
        section aria-labelledby="found" {
            h2 #found { (counted(ask, found.len() as u64, "1 person was understood", "{n} people were understood")) }
            @if bad > 0 { div.warning { p { (counted(ask, bad, "1 of them has no valid address. It will be rejected, with the reason.", "{n} of them have no valid address. They will be rejected, with the reason.")) } } }
            (table(ask, &found))
            dl.facts {
                @for (name, value) in [("Groups", &wanted.groups), ("Role", &wanted.role), ("Organization", &wanted.organization)] {
                    @if !value.is_empty() { div { dt { (ask.t(name)) } dd { (visible(value)) } } }
                }
            }
            p { (ask.t("Nobody is mailed by this. You choose whom to invite afterwards.")) }
            (form(ask, "/add", html! {
                @for (name, value) in [("people", &wanted.people), ("group", &wanted.groups), ("role", &wanted.role), ("organization", &wanted.organization), ("onboarding", &wanted.onboarding)] {
                    input type="hidden" name=(name) value=(value);
                }
                button { (add) }
            }))
        }
        details { summary { (ask.t("Change what was typed")) } (typing(ask, None)?) }
    };
    Ok(Page::new("/people", title, body).into())
}

fn table(ask: &Ask, found: &[Typed]) -> Markup {
    html! {
        div.scroll { table {
            caption { (ask.t("As they will be imported")) }
            thead { tr {
                th scope="col" { (ask.t("Address")) }
                th scope="col" { (ask.t("First name")) }
                th scope="col" { (ask.t("Last name")) }
            } }
            tbody { @for (first, last, address) in found { tr {
                th scope="row" { (visible(address)) @if email::key(address).is_none() { " " span.badge.reject { (ask.t("not an address")) } } }
                td { (personal(ask, first)) }
                td { (personal(ask, last)) }
            } } }
        } }
    }
}

/// `/add`: imports them. The addresses go to the command by standard input.
pub(crate) fn add(ask: &mut Ask) -> Result<Answer> {
    let wanted = Wanted::of(ask);
    let args = vec![
        "add".to_string(),
        format!("--groups={}", wanted.groups),
        format!("--role={}", wanted.role),
        format!("--organization={}", wanted.organization),
        format!("--onboarding={}", wanted.onboarding),
        "--json".to_string(),
        "-".to_string(),
    ];
    let page = match wanted.onboarding.as_str() {
        "setup" => "reset",
        _ => "invite",
    };
    let work = Work {
        kind: "add",
        args,
        stdin: Some(wanted.people.into_bytes()),
        about: String::new(),
        leads_to: format!("/runs/{{run}}/{page}"),
    };
    let job = jobs::start(ask, work)?;
    Ok(Answer::See(format!("/jobs/{job}")))
}
