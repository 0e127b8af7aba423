//! `/add`: a few people by their addresses.

use std::collections::HashMap;

use maud::{Markup, html};
use uuid::Uuid;

use super::list::name;
use super::parts::{choice, how_far, personal, same};
use super::pipeline::{pipeline_option, roles};
use crate::account::AccountRecord;
use crate::console::ask::{Answer, Ask, Page};
use crate::console::jobs::{self, Work};
use crate::console::page::{command, form, visible};
use crate::field::Field;
use crate::people::typed::{Typed, list, people};
use crate::refusal::Result;
use crate::store::people::Choice;
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
    let groups = same(ask.store.group_paths()?);
    let roles = same(
        roles(ask.store)?
            .into_iter()
            .map(|(role, _)| role)
            .collect(),
    );
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

/// Who was typed, by what adding does with them.
struct Found {
    new: Vec<Typed>,
    /// Who has an account already: adding leaves it alone.
    there: Vec<(Typed, AccountRecord)>,
    /// Lines that have no valid address.
    wrong: Vec<Typed>,
}

impl Found {
    fn of(ask: &Ask, typed: Vec<Typed>) -> Result<Found> {
        let keys: Vec<String> = typed
            .iter()
            .filter_map(|(_, _, address)| email::key(address))
            .collect();
        let ids = ask.store.ids_by_email(&keys)?;
        let choice = Choice {
            ids: Some(ids.values().copied().collect()),
            ..Choice::default()
        };
        let accounts = ask.store.list_people(&choice, &[], 0, ids.len() as u64)?;
        let mut accounts: HashMap<Uuid, AccountRecord> = accounts
            .into_iter()
            .map(|account| (account.id, account))
            .collect();
        let mut found = Found {
            new: Vec::new(),
            there: Vec::new(),
            wrong: Vec::new(),
        };
        for person in typed {
            let Some(key) = email::key(&person.2) else {
                found.wrong.push(person);
                continue;
            };
            match ids.get(&key).and_then(|id| accounts.remove(id)) {
                Some(account) => found.there.push((person, account)),
                None => found.new.push(person),
            }
        }
        // They are shown as the command reads them.
        found.new = people(&list(&found.new));
        Ok(found)
    }
}

/// `/add/check`: shows who was understood, and who has an account already. Nothing is written.
pub(crate) fn check(ask: &mut Ask) -> Result<Answer> {
    let wanted = Wanted::of(ask);
    let typed = people(&wanted.people);
    let title = ask.t("Add a few people");
    let wrong = match typed.len() {
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
    let found = Found::of(ask, typed)?;
    let understood = (found.new.len() + found.there.len()) as u64;
    let wrong = found.wrong.len() as u64;
    let body = html! {
        section aria-labelledby="found" {
            h2 #found { (ask.counted(understood, "1 person was understood", "{n} people were understood")) }
            @if wrong > 0 { div.warning { p { (ask.counted(wrong, "1 line is no address. It isn't added.", "{n} lines are no address. They aren't added.")) } } }
            (table(ask, &wanted, &found))
            (alone(ask, &found.there))
            (sending(ask, &wanted, &found.new))
        }
        details { summary { (ask.t("Change what was typed")) } (typing(ask, None)?) }
    };
    Ok(Page::new("/people", title, body).into())
}

/// What becomes of those who have an account, and the way to change them instead.
fn alone(ask: &Ask, there: &[(Typed, AccountRecord)]) -> Markup {
    html! {
        @if !there.is_empty() {
            div.warning role="note" {
                p { strong { (ask.counted(there.len() as u64, "1 person exists already and is left alone.", "{n} people exist already and are left alone.")) } }
                p { (ask.t("Nothing of what you chose here is set for people who exist. To change them, choose them in “People”, then “Change”.")) }
                (form(ask, "/people/select", html! {
                    @for (_, account) in there { input type="hidden" name="one" value=(account.id); }
                    button.second { (ask.counted(there.len() as u64, "Change 1 person who exists", "Change {n} people who exist")) }
                }))
            }
        }
    }
}

/// The button, for those who are new.
fn sending(ask: &Ask, wanted: &Wanted, new: &[Typed]) -> Markup {
    if new.is_empty() {
        return html! { p.note { (ask.t("Nobody here is new. There is nothing to add.")) } };
    }
    let people = list(new);
    html! {
        dl.facts {
            @for (name, value) in [("Groups", &wanted.groups), ("Role", &wanted.role), ("Organization", &wanted.organization)] {
                @if !value.is_empty() { div { dt { (ask.t(name)) } dd { (visible(value)) } } }
            }
        }
        p { (ask.t("Nobody is mailed by this. You choose whom to invite afterwards.")) }
        (form(ask, "/add", html! {
            @for (name, value) in [("people", &people), ("group", &wanted.groups), ("role", &wanted.role), ("organization", &wanted.organization), ("onboarding", &wanted.onboarding)] {
                input type="hidden" name=(name) value=(value);
            }
            button { (ask.counted(new.len() as u64, "Add 1 new person", "Add {n} new people")) }
        }))
    }
}

fn table(ask: &Ask, wanted: &Wanted, found: &Found) -> Markup {
    html! {
        div.scroll { table {
            caption { (ask.t("What adding does")) }
            thead { tr {
                th scope="col" { (ask.t("Address")) }
                th scope="col" { (ask.t("First name")) }
                th scope="col" { (ask.t("Last name")) }
                th scope="col" { (ask.t("What happens")) }
            } }
            tbody {
                @for person in &found.new { (row(ask, person, html! {
                    span.badge.good { (ask.t("new")) } " " (ask.t("gets an account"))
                })) }
                @for (person, account) in &found.there { (row(ask, person, existing(ask, wanted, person, account))) }
                @for person in &found.wrong { (row(ask, person, html! {
                    span.badge.reject { (ask.t("not an address")) } " " (ask.t("isn't added"))
                })) }
            }
        } }
    }
}

fn row(ask: &Ask, (first, last, address): &Typed, what: Markup) -> Markup {
    html! {
        tr {
            th scope="row" { (visible(address)) }
            td { (personal(ask, first)) }
            td { (personal(ask, last)) }
            td { (what) }
        }
    }
}

/// Somebody who has an account, and what of the account is other than typed.
fn existing(ask: &Ask, wanted: &Wanted, typed: &Typed, account: &AccountRecord) -> Markup {
    let others = others(wanted, typed, account);
    let shown = |field: &str, value: &str| match field {
        "Role" | "Groups" => visible(value),
        _ => personal(ask, value),
    };
    html! {
        span.badge.warning { (ask.t("exists already")) } " "
        a href={ "/people/" (account.id) } { (personal(ask, &name(account))) }
        " (" (how_far(ask, account)) ")"
        @if !others.is_empty() {
            div.small {
                (ask.t("Not changed:"))
                @for (index, &(field, ref now, ref chosen)) in others.iter().enumerate() {
                    @if index > 0 { ";" }
                    " " (ask.t(field)) ": "
                    @if now.is_empty() { span.faint { (ask.t("nothing")) } } @else { (shown(field, now)) }
                    " → " (shown(field, chosen))
                }
            }
        }
    }
}

/// What an account has otherwise than it was chosen: the field, what it is, and what was chosen.
fn others(
    wanted: &Wanted,
    (first, last, _): &Typed,
    account: &AccountRecord,
) -> Vec<(&'static str, String, String)> {
    let fields = [
        ("First name", Field::FirstName, first),
        ("Last name", Field::LastName, last),
        ("Role", Field::Role, &wanted.role),
        ("Organization", Field::Organization, &wanted.organization),
    ];
    let mut others = Vec::new();
    for (word, field, chosen) in fields {
        let now = account.value(field).unwrap_or_default();
        if !chosen.is_empty() && now != chosen {
            others.push((word, now.to_string(), chosen.clone()));
        }
    }
    let has = |group: &str| {
        let mut memberships = account.memberships.iter();
        memberships.any(|one| one.path.to_lowercase() == group.to_lowercase())
    };
    let groups = wanted.groups.split(',').map(str::trim);
    let missing: Vec<&str> = groups
        .filter(|group| !group.is_empty() && !has(group))
        .collect();
    if !missing.is_empty() {
        let now: Vec<&str> = account
            .memberships
            .iter()
            .map(|one| one.path.as_str())
            .collect();
        others.push(("Groups", now.join("; "), missing.join("; ")));
    }
    others
}

/// `/add`: imports them. The addresses go to the command by standard input.
pub(crate) fn add(ask: &mut Ask) -> Result<Answer> {
    let wanted = Wanted::of(ask);
    let found = Found::of(ask, people(&wanted.people))?;
    // The form names only new people: somebody may have got an account since it was shown.
    if found.new.is_empty() || !found.there.is_empty() || !found.wrong.is_empty() {
        return check(ask);
    }
    let mut args = vec![
        "add".to_string(),
        format!("--groups={}", wanted.groups),
        format!("--role={}", wanted.role),
        format!("--organization={}", wanted.organization),
        format!("--onboarding={}", wanted.onboarding),
        "--json".to_string(),
    ];
    args.extend(pipeline_option(ask.store, &wanted.role)?);
    args.push("-".to_string());
    let page = match wanted.onboarding.as_str() {
        "setup" => "reset",
        _ => "invite",
    };
    let work = Work {
        kind: "add",
        args,
        stdin: Some(list(&found.new).into_bytes()),
        about: String::new(),
        leads_to: format!("/runs/{{run}}/{page}"),
    };
    let job = jobs::start(ask, work)?;
    Ok(Answer::See(format!("/jobs/{job}")))
}
