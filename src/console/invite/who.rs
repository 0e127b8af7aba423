//! `/runs/{run}/invite` and `/runs/{run}/reset`: who gets a mail, and who doesn't and why.

use maud::{Markup, html};

use super::purpose::{Purpose, wanted_of};
use crate::admin::Role;
use crate::console::ask::{Answer, Ask, Page};
use crate::console::page::{command, encoded, form, visible};
use crate::console::people::parts::{
    PER_PAGE, choice, counted, offset, pages, personal, query_of, status_name, with,
};
use crate::invitation::{Candidate, Funnel, LeftOut};
use crate::notify::select::Selection;
use crate::people::words::find_import;
use crate::refusal::Result;
use crate::sending::choose;
use crate::sending::mailer::Mailer;
use crate::store::runs::RunRecord;

/// `/runs/{run}/invite`.
pub(crate) fn invite(ask: &mut Ask) -> Result<Answer> {
    page(ask, Purpose::Invite)
}

/// `/runs/{run}/reset`.
pub(crate) fn reset(ask: &mut Ask) -> Result<Answer> {
    page(ask, Purpose::Reset)
}

/// The words of the selection that a filter makes: none or one.
fn words(only: &str) -> Vec<String> {
    Some(only.to_string())
        .filter(|only| !only.is_empty())
        .into_iter()
        .collect()
}

fn page(ask: &mut Ask, purpose: Purpose) -> Result<Answer> {
    let run = find_import(ask.store, ask.part("run"))?;
    let kind = purpose.kind();
    let mailer = Mailer::open(None, run.pipeline.as_deref(), ask.store)?;
    let words = words(ask.query.get("only"));
    let wanted = wanted_of(Some(&run), &words, &[])?;
    let (selection, about) = choose::choose(ask.store, &mailer, Some(&run.id), kind, &wanted)?;
    let all = match words.is_empty() {
        true => None,
        false => {
            let everybody = choose::Wanted::default();
            let all = choose::choose(ask.store, &mailer, Some(&run.id), kind, &everybody)?;
            Some(all.0)
        }
    };
    let funnel = ask.store.funnel(Some(&run.id))?;
    let count = selection.chosen.len() as u64;
    let here = format!("/runs/{}/{}", encoded(&run.id), purpose.path());
    let body = html! {
        p { (ask.t("Step 1 of 3: who")) " · " (ask.t("Run")) " " a href={ "/runs/" (encoded(&run.id)) } { (visible(&run.id)) } }
        @if funnel.invited > 0 { (came(ask, &run, &funnel)) }
        section aria-labelledby="who" {
            h2 #who { (gets(ask, purpose, count)) }
            @if !about.is_empty() { p { (counted(ask, about.len() as u64, "1 mail about a session goes out with them.", "{n} mails about sessions go out with them.")) } }
            (filter(ask, all.as_ref().unwrap_or(&selection), &here))
            (left_out(ask, &selection))
            @if ask.may(Role::Operator) {
                (form(ask, &here, html! {
                    input type="hidden" name="only" value=(ask.query.get("only"));
                    button disabled[count + about.len() as u64 == 0] { (ask.t("Go on to the mail")) }
                }))
            }
            (command(ask, &format!("muster {} {}", purpose.command(), run.id)))
        }
        (list(ask, &selection))
    };
    let mut page = Page::new("/runs", ask.t(purpose.title()), body);
    page.help = "inviting";
    Ok(page.into())
}

/// `167 people get an invitation`.
fn gets(ask: &Ask, purpose: Purpose, n: u64) -> String {
    match purpose {
        Purpose::Invite => counted(
            ask,
            n,
            "1 person gets an invitation",
            "{n} people get an invitation",
        ),
        Purpose::Reset => counted(
            ask,
            n,
            "1 person gets a password reset",
            "{n} people get a password reset",
        ),
    }
}

/// How far the people of a run have come.
pub(super) fn came(ask: &Ask, run: &RunRecord, funnel: &Funnel) -> Markup {
    let to = |state: &str| {
        format!(
            "/invitations?{}",
            query_of(&[("run", &run.id), ("state", state)])
        )
    };
    let steps = [
        (
            "created",
            funnel.created,
            format!("/people?{}", query_of(&[("run", &run.id)])),
        ),
        ("invited", funnel.invited, to("")),
        ("delivered", funnel.delivered, to("")),
        ("waiting", funnel.waiting, to("queued")),
        ("failed", funnel.failed, to("failed")),
        ("unknown", funnel.unknown, to("unknown")),
        ("cancelled", funnel.cancelled, to("cancelled")),
        ("expired", funnel.expired, to("expired")),
        ("accepted", funnel.accepted, to("accepted")),
    ];
    html! {
        section aria-labelledby="came" {
            h2 #came { (ask.t("How far the people of this run are")) }
            dl.facts {
                @for (name, count, to) in steps {
                    @if count > 0 || name == "accepted" {
                        div { dt { (ask.t(name)) } dd { a href=(to) { (ask.number(count)) } } }
                    }
                }
            }
        }
    }
}

fn filter(ask: &Ask, all: &Selection, here: &str) -> Markup {
    let people = || all.chosen.iter().chain(all.left_out.values().flatten());
    let mut words: Vec<(String, String)> = Vec::new();
    let mut add = |kind: &str, label: &str, mut values: Vec<String>| {
        values.sort_unstable();
        values.dedup();
        values.retain(|value| !value.is_empty());
        if values.len() > 1 || kind == "group" {
            let pairs = values
                .iter()
                .map(|value| (format!("{kind}:{value}"), format!("{label}: {value}")));
            words.extend(pairs);
        }
    };
    let groups = people().flat_map(|one| one.person.groups.iter().cloned());
    add("group", ask.t("Group"), groups.collect());
    let roles = people().map(|one| one.person.role.clone());
    add("role", ask.t("Role"), roles.collect());
    let organizations = people().map(|one| one.person.organization.clone());
    add(
        "organization",
        ask.t("Organization"),
        organizations.collect(),
    );
    html! {
        @if !words.is_empty() {
            form.row method="get" {
                (choice("only", ask.t("Of the people of this run"), Some(ask.t("all")), &words, ask.query.get("only")))
                button.second { (ask.t("Filter")) }
                @if !ask.query.get("only").is_empty() { a href=(here) { (ask.t("Show all")) } }
            }
        }
    }
}

/// Who gets no mail, and why.
pub(super) fn left_out(ask: &Ask, selection: &Selection) -> Markup {
    html! {
        @if !selection.left_out.is_empty() || selection.not_asked > 0 {
            div.scroll { table {
                caption { (ask.t("Who gets none, and why")) }
                thead { tr { th scope="col" { (ask.t("Reason")) } th.number scope="col" { (ask.t("People")) } } }
                tbody {
                    @for (reason, people) in &selection.left_out {
                        tr {
                            th scope="row" { (reason_text(ask, *reason)) }
                            td.number { a href={ (with(ask, &[("show", reason.name())])) "#people" } { (ask.number(people.len() as u64)) } }
                        }
                    }
                    @if selection.not_asked > 0 {
                        tr { th scope="row" { (ask.t("not selected")) } td.number { (ask.number(selection.not_asked as u64)) } }
                    }
                }
            } }
        }
    }
}

fn reason_text(ask: &Ask, reason: LeftOut) -> &'static str {
    ask.t(reason.title())
}

/// The people of the number that was clicked on; those who get a mail where none was.
fn list(ask: &Ask, selection: &Selection) -> Markup {
    let wanted = ask.query.get("show");
    let found = selection
        .left_out
        .iter()
        .find(|(reason, _)| reason.name() == wanted);
    let (title, people): (&str, &[Candidate]) = match found {
        Some((reason, people)) => (reason_text(ask, *reason), people),
        None => (ask.t("Who gets a mail"), &selection.chosen),
    };
    let total = people.len() as u64;
    let first = offset(ask).min(total) as usize;
    let last = (first + PER_PAGE as usize).min(people.len());
    html! {
        @if total > 0 {
            section aria-labelledby="people" {
                h2 #people { (title) }
                (table(ask, &people[first..last], None))
                (pages(ask, total))
            }
        }
    }
}

/// People, with a box to leave somebody out where `tick` is its name.
pub(super) fn table(ask: &Ask, people: &[Candidate], tick: Option<&str>) -> Markup {
    html! {
        div.scroll { table.many {
            caption { (ask.t("In the order of the list that was imported")) }
            thead { tr {
                @if tick.is_some() { th scope="col" { span.hidden { (ask.t("Tick")) } } }
                th scope="col" { (ask.t("Name")) }
                th scope="col" { (ask.t("Address")) }
                th scope="col" { (ask.t("Status")) }
                th scope="col" { (ask.t("Role")) }
                th scope="col" { (ask.t("Groups")) }
            } }
            tbody { @for one in people { tr {
                @if let Some(tick) = tick {
                    td { label { input type="checkbox" name=(tick) value=(one.account); span.hidden { (personal(ask, called(one))) } } }
                }
                th scope="row" { a href={ "/people/" (one.account) } { (personal(ask, called(one))) } }
                td { (personal(ask, &one.person.email)) }
                td { (status_name(ask, &one.status)) }
                td { (visible(&one.person.role)) }
                td { (visible(&one.person.groups.join("; "))) }
            } } }
        } }
    }
}

/// What somebody is called.
pub(super) fn called(one: &Candidate) -> &str {
    let person = &one.person;
    let names = [&person.name, &person.email, &person.username];
    let name = names.into_iter().find(|name| !name.is_empty());
    name.map_or("?", String::as_str)
}

/// `/runs/{run}/invite` and `/runs/{run}/reset`, sent: keeps who is meant, and goes on to the mail.
pub(crate) fn choose(ask: &mut Ask) -> Result<Answer> {
    let run = find_import(ask.store, ask.part("run"))?;
    let purpose = Purpose::of_path(&ask.path);
    let words = words(ask.form.get("only"));
    let filter = serde_json::json!({ "only": words });
    let who = ask.who();
    let id = ask.store.keep_selection(&run.id, &filter, &[], &who)?;
    let run = encoded(&run.id);
    Ok(Answer::See(format!("/runs/{run}/{}/{id}", purpose.path())))
}
