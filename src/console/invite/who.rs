//! `/runs/{run}/invite` and `/runs/{run}/reset`: who gets a mail, and who doesn't and why.

use std::collections::BTreeMap;

use maud::{Markup, html};
use uuid::Uuid;

use super::counts::{self, Words};
use super::purpose::Purpose;
use crate::admin::Role;
use crate::console::ask::{Answer, Ask, Page};
use crate::console::page::{command, encoded, form, masked, visible};
use crate::console::people::parts::{
    PER_PAGE, choice, page_number, personal, query_of, status_name, with,
};
use crate::console::runs::link_of;
use crate::field::RowNumber;
use crate::invitation::{Candidate, Funnel, LeftOut};
use crate::people::words::find_import;
use crate::refusal::Result;
use crate::runs;
use crate::sending::audience::{Audience, Counted};
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
    let mailer = Mailer::open(None, run.pipeline.as_deref(), ask.store)?;
    let only = ask.query.get("only").to_string();
    let audience = audience_of(ask, &run, (purpose, &mailer), &words(&only), &[])?;
    let key = counts::key(purpose.kind(), &only, &[]);
    let at = (&**ask.app, &*ask.store);
    let counted_people = counts::people(at, &run, &audience, &key)?;
    let (count, about) = (counted_people.chosen, counted_people.about_sessions);
    let here = format!("/runs/{}/{}", encoded(&run.id), purpose.path());
    let body = html! {
        p { (ask.t("Step 1 of 3: who")) " · " (link_of(ask, &run.id)) }
        @if let Some(funnel) = counts::funnel(ask, &run)? { (came(ask, &run, &funnel)) }
        section aria-labelledby="who" {
            h2 #who { (gets(ask, purpose, count)) }
            @if about > 0 { p { (ask.counted(about, "1 mail about a session goes out with them.", "{n} mails about sessions go out with them.")) } }
            (filter(ask, &counts::words(at, &run)?, &here))
            (left_out(ask, &counted_people.left_out, 0))
            @if ask.may(Role::Operator) {
                (form(ask, &here, html! {
                    input type="hidden" name="only" value=(only);
                    button disabled[count + about == 0] { (ask.t("Go on to the mail")) }
                }))
            }
            (command(ask, &format!("muster {} {}", purpose.command(), run.id)))
        }
        (list(ask, &audience, &counted_people)?)
    };
    let mut page = Page::new("/runs", ask.t(purpose.title()), body);
    page.help = "inviting";
    Ok(page.into())
}

/// The people of a run who are asked for.
pub(super) fn audience_of(
    ask: &Ask,
    run: &RunRecord,
    (purpose, mailer): (Purpose, &Mailer),
    words: &[String],
    except: &[Uuid],
) -> Result<Audience> {
    let ledger = runs::ledger(run).ok();
    let kind = (purpose.kind(), mailer.day);
    Audience::of(ask.store, (&run.id, ledger), kind, words, except)
}

/// `167 people get an invitation`.
fn gets(ask: &Ask, purpose: Purpose, n: u64) -> String {
    match purpose {
        Purpose::Invite => ask.counted(
            n,
            "1 person gets an invitation",
            "{n} people get an invitation",
        ),
        Purpose::Reset => ask.counted(
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

fn filter(ask: &Ask, known: &Words, here: &str) -> Markup {
    let mut words: Vec<(String, String)> = Vec::new();
    for (kind, label, values) in [
        ("group", ask.t("Group"), &known.groups),
        ("role", ask.t("Role"), &known.roles),
        ("organization", ask.t("Organization"), &known.organizations),
    ] {
        if values.len() > 1 || kind == "group" {
            let pairs = values.iter().filter(|value| !value.is_empty());
            let pairs = pairs.map(|value| (format!("{kind}:{value}"), format!("{label}: {value}")));
            words.extend(pairs);
        }
    }
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
pub(super) fn left_out(ask: &Ask, left_out: &BTreeMap<LeftOut, u64>, not_asked: u64) -> Markup {
    html! {
        @if !left_out.is_empty() || not_asked > 0 {
            div.scroll { table {
                caption { (ask.t("Who gets none, and why")) }
                thead { tr { th scope="col" { (ask.t("Reason")) } th.number scope="col" { (ask.t("People")) } } }
                tbody {
                    @for (reason, people) in left_out {
                        tr {
                            th scope="row" { (reason_text(ask, *reason)) }
                            td.number { a href={ (with(ask, &[("show", reason.name()), ("after", "")])) "#people" } { (ask.number(*people)) } }
                        }
                    }
                    @if not_asked > 0 {
                        tr { th scope="row" { (ask.t("not selected")) } td.number { (ask.number(not_asked)) } }
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
fn list(ask: &Ask, audience: &Audience, counted: &Counted) -> Result<Markup> {
    let wanted = ask.query.get("show");
    let mut reasons = counted.left_out.iter();
    let found = reasons.find(|(reason, _)| reason.name() == wanted);
    let reason = found.map(|(reason, _)| *reason);
    let total = found.map_or(counted.chosen, |(_, people)| *people);
    let title = reason.map_or(ask.t("Who gets a mail"), |reason| reason_text(ask, reason));
    let (people, ways) = shown(ask, audience, reason, total)?;
    Ok(html! {
        @if total > 0 {
            section aria-labelledby="people" {
                h2 #people { (title) ": " (ask.number(total)) }
                (masked(ask))
                (table(ask, &people, None))
                (ways)
            }
        }
    })
}

/// The people of the page, from the row on that is asked for, and the ways to the others.
pub(super) fn shown(
    ask: &Ask,
    audience: &Audience,
    reason: Option<LeftOut>,
    total: u64,
) -> Result<(Vec<Candidate>, Markup)> {
    if total == 0 {
        return Ok((Vec::new(), html! {}));
    }
    let after: Option<RowNumber> = ask.query.get("after").parse().ok();
    let limit = PER_PAGE as usize;
    // One more says whether there is another page.
    let mut people = audience.some(ask.store, reason, (after, 0, limit + 1))?;
    let is_last = people.len() <= limit;
    people.truncate(limit);
    let page = page_number(ask);
    let next = people.last().filter(|_| !is_last).map(|one| {
        let (after, page) = (one.row.to_string(), (page + 1).to_string());
        with(ask, &[("after", &after), ("page", &page)])
    });
    let first = (page - 1) * PER_PAGE;
    let ways = html! {
        @if after.is_some() || next.is_some() {
            nav.pages aria-label=(ask.t("Pages")) {
                @if after.is_some() { a href=(with(ask, &[("after", "")])) { (ask.t("First")) } }
                span { (ask.tf("{from} to {until} of {total}", &[
                    ("from", &ask.number(first + 1)), ("until", &ask.number(first + people.len() as u64)), ("total", &ask.number(total)),
                ])) }
                @if let Some(next) = next { a rel="next" href=(next) { (ask.t("Next")) } }
            }
        }
    };
    Ok((people, ways))
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
