//! `/people/{person}`: everything that is known of one person.

use std::borrow::Cow;

use maud::{Markup, html};
use serde_json::Value;
use uuid::Uuid;

use super::invitations::trouble;
use super::list::name;
use super::parts::{how_far, kind_name, line, personal, state_badge, status_name, when};
use super::pipeline::Own;
use crate::account::AccountRecord;
use crate::admin::Role;
use crate::console::ask::{Answer, Ask, Page};
use crate::console::page::{command, encoded, form, visible};
use crate::field::Field;
use crate::people::person::Person;
use crate::people::timeline::explained;
use crate::refusal::Result;
use crate::report::history::{Event, Explained};
use crate::store::invitations::Shown;

/// `/people/{person}`.
pub(crate) fn page(ask: &mut Ask) -> Result<Answer> {
    let Ok(id) = ask.part("person").parse::<Uuid>() else {
        return Ok(Answer::Missing);
    };
    let runs = ask.store.list_runs(i64::MAX)?;
    let Some(history) = explained(ask.store, id, &runs, false)? else {
        return Ok(Answer::Missing);
    };
    let account = ask.store.person(id)?;
    let title = account.as_ref().map_or_else(|| id.to_string(), name);
    let title = match ask.masks() {
        true => crate::issue::mask(&title),
        false => title,
    };
    let now = match account {
        Some(account) => there(ask, account)?,
        None => removed(ask, &history),
    };
    let body = html! {
        (now)
        section aria-labelledby="history" {
            h2 #history { (ask.t("What happened")) }
            ol { @for event in &history.events { li { (happened(ask, event)) } } }
            (command(ask, &format!("muster explain {id}")))
        }
    };
    Ok(Page::new("/people", title, body).into())
}

fn there(ask: &Ask, account: AccountRecord) -> Result<Markup> {
    let person = Person::read(ask.store, account)?;
    let account = &person.account;
    let maker = person.past.setter("", &Value::Bool(true)).to_string();
    Ok(html! {
        section aria-labelledby="now" {
            h2 #now { (ask.t("The account now")) }
            dl.facts {
                @for (field, value, setter) in person.values() {
                    div {
                        dt { (field_name(ask, &field)) }
                        dd {
                            @if field == "status" { (how_far(ask, account)) } @else { (value_of(ask, &field, &value)) }
                            @if setter != maker { " " span.small { (visible(&ask.said(&setter))) } }
                        }
                    }
                }
                @for membership in &account.memberships {
                    div { dt { (ask.t("Group")) } dd { (visible(&membership.to_string())) } }
                }
                div { dt { (ask.t("Password")) } dd { (ask.t(if person.has_password { "set" } else { "none" })) } }
                div { dt { (ask.t("Signed in")) } dd { (ask.t(if account.signed_in { "yes" } else { "no" })) } }
                div {
                    dt { (ask.t("Created")) }
                    dd {
                        (when(ask, Some(&account.created)))
                        @if let Some(run) = &account.run { " " a href={ "/runs/" (encoded(run)) } { (visible(run)) } }
                    }
                }
                div { dt { (ask.t("Changed")) } dd { (when(ask, Some(&account.updated))) } }
            }
            @if ask.may(Role::Operator) { (acts(ask, account, Own::of(ask.store)?.writes())) }
        }
        (invitations(ask, account.id)?)
    })
}

fn acts(ask: &Ask, account: &AccountRecord, writes: bool) -> Markup {
    let id = account.id;
    let is_closed = account.value(Field::Status) == Some("deactivated");
    html! {
        div.row {
            @if writes { a.button.second href={ "/people/" (id) "/edit" } { (ask.t("Edit")) } }
            (form(ask, "/people/select", html! {
                input type="hidden" name="one" value=(id);
                button.second { (ask.t("Groups, status or invitation")) }
            }))
            @if !is_closed {
                (form(ask, &format!("/people/{id}/link"), html! {
                    button.second { (ask.t("Make a link to hand over")) }
                }))
            }
        }
    }
}

fn invitations(ask: &Ask, account: Uuid) -> Result<Markup> {
    let open = ask.store.ids_of_invitations(account)?;
    let shown = Shown {
        ids: Some(open),
        ..Shown::default()
    };
    let found = ask.store.list_shown(&shown, &[], 0, 20)?;
    Ok(html! {
        section aria-labelledby="invitations" {
            h2 #invitations { (ask.t("Invitations")) }
            @if found.is_empty() { p { (ask.t("None yet.")) } }
            @else { div.scroll { table.many {
                caption { (ask.t("The newest of each kind")) }
                thead { tr {
                    th scope="col" { (ask.t("Kind")) }
                    th scope="col" { (ask.t("State")) }
                    th scope="col" { (ask.t("Sent")) }
                    th scope="col" { (ask.t("Link ends")) }
                    th scope="col" { (ask.t("Notes")) }
                    @if ask.may(Role::Operator) { th scope="col" { span.hidden { (ask.t("Choose")) } } }
                } }
                tbody { @for one in &found { tr {
                    th.word scope="row" { (kind_name(ask, &one.kind)) }
                    td { (state_badge(ask, &one.state)) }
                    td { (when(ask, one.sent_at.as_deref())) }
                    td { (when(ask, one.expires_at.as_deref().filter(|_| one.usable))) }
                    td { @if let Some(reply) = trouble(one) { (line(ask, reply)) } }
                    @if ask.may(Role::Operator) { td {
                        (form(ask, "/invitations/select", html! {
                            input type="hidden" name="one" value=(one.id);
                            button.plain { (ask.t("Remind or cancel")) }
                        }))
                    } }
                } } }
            } } }
        }
    })
}

fn removed(ask: &Ask, history: &Explained) -> Markup {
    html! {
        section aria-labelledby="now" {
            h2 #now { (ask.t("The account was removed. It was then:")) }
            dl.facts {
                @for (field, value) in &history.values {
                    div { dt { (field_name(ask, field)) } dd { (value_of(ask, field, &Value::from(value.as_str()))) } }
                }
            }
        }
    }
}

/// What a field is called; an attribute as it is.
pub(super) fn field_name(ask: &Ask, field: &str) -> Markup {
    let name = match field {
        "external_id" => "External id",
        "email" => "Address",
        "username" => "Username",
        "first_name" => "First name",
        "last_name" => "Last name",
        "display_name" => "Display name",
        "phone" => "Phone",
        "country" => "Country",
        "language" => "Language",
        "organization" => "Organization",
        "role" => "Role",
        "other_roles" => "Other roles",
        "status" => "Status",
        "start_date" => "First day",
        "end_date" => "Last day",
        "manager" => "Manager",
        "groups" => "Groups",
        "password" => "Password",
        other => return visible(other.strip_prefix("attributes.").unwrap_or(other)),
    };
    html! { (ask.t(name)) }
}

/// Whether values of that name are about the person.
fn is_personal(field: &str) -> bool {
    match Field::from_name(field) {
        Some(field) => field.is_personal(),
        None => !matches!(
            field,
            "password" | "account" | "run" | "created" | "updated" | "sessions"
        ),
    }
}

fn value_of(ask: &Ask, field: &str, value: &Value) -> Markup {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), String::from);
    match (field, is_personal(field)) {
        ("status", _) => html! { (status_name(ask, &text)) },
        (_, true) => personal(ask, &text),
        (_, false) => visible(&text),
    }
}

fn happened(ask: &Ask, event: &Event) -> Markup {
    html! {
        p {
            (when(ask, Some(&event.at))) " · " (line(ask, &ask.said(&event.what)))
            @if let Some(run) = &event.run { " · " a href={ "/runs/" (encoded(run)) } { (visible(run)) } }
            @if let Some(place) = &event.place { " · " (visible(file_name(place))) }
        }
        @if !event.changed.is_empty() {
            ul { @for changed in &event.changed { li { (difference(ask, &changed.field, &changed.before, &changed.after)) } } }
        }
        @for note in &event.notes { p.small { (line(ask, &noted(ask, note))) } }
    }
}

/// The file and line of a place, without the folders of this machine.
fn file_name(place: &str) -> &str {
    place.rsplit('/').next().unwrap_or(place)
}

/// A note of the time line; of an issue, it has the code and what it means.
fn noted<'a>(ask: &Ask, note: &'a str) -> Cow<'a, str> {
    match note.split_once(": ") {
        Some((code, _)) if ask.title(code) != code => format!("{code}: {}", ask.title(code)).into(),
        _ => ask.said(note),
    }
}

/// A field with its value before and after.
pub(super) fn difference(ask: &Ask, field: &str, before: &str, after: &str) -> Markup {
    let shown = |text: &str| match text {
        "" => html! { em { (ask.t("nothing")) } },
        text => value_of(ask, field, &Value::from(text)),
    };
    html! { (field_name(ask, field)) ": " (shown(before)) " → " (shown(after)) }
}
