//! `/invitations`: everybody's newest invitation, with filters.

use maud::{Markup, html};

use super::parts::{
    self, PER_PAGE, choice, kind_name, line, meant, offset, pages, personal, state_badge,
    state_name, when, which, with,
};
use crate::admin::Role;
use crate::console::ask::{Answer, Ask, Fields, Page};
use crate::console::page::{command, encoded, form, visible};
use crate::invitation::Listed;
use crate::refusal::Result;
use crate::store::invitations::Shown;

/// The states, in the order in which a mail goes through them.
pub(crate) const STATES: [&str; 8] = [
    "queued",
    "sending",
    "sent",
    "accepted",
    "expired",
    "failed",
    "unknown",
    "cancelled",
];
const KINDS: [&str; 5] = [
    "invite",
    "reset",
    "temporary",
    "session",
    "session-reminder",
];

/// What the query asks for.
pub(crate) fn asked(fields: &Fields) -> Shown {
    let words = |name| {
        let words = fields.all(name).filter(|word| !word.is_empty());
        words.map(String::from).collect()
    };
    Shown {
        run: Some(fields.get("run").to_string()).filter(|run| !run.is_empty()),
        states: words("state"),
        kinds: words("kind"),
        text: fields.get("text").to_string(),
        ids: None,
        ends_within: fields.get("ends").parse().ok(),
    }
}

/// `/invitations`.
pub(crate) fn page(ask: &mut Ask) -> Result<Answer> {
    let shown = asked(&ask.query);
    let counts = ask.store.count_shown(&shown)?;
    let is_meant =
        |state: &str| shown.states.is_empty() || shown.states.iter().any(|one| one == state);
    let meant = counts.iter().filter(|(state, _)| is_meant(state));
    let total: u64 = meant.map(|(_, count)| count).sum();
    let list = ask.store.list_shown(&shown, &[], offset(ask), PER_PAGE)?;
    let body = html! {
        (states(ask, &shown, &counts))
        section aria-labelledby="filter" {
            h2 #filter { (ask.t("Find invitations")) }
            (filter(ask, &shown))
        }
        section aria-labelledby="list" {
            h2 #list { (ask.counted(total, "1 invitation", "{n} invitations")) }
            @if list.is_empty() {
                p { (ask.t("No invitation fits.")) }
                p { (ask.t("People are invited from the page of the run that imported them.")) " " a href="/runs" { (ask.t("See the runs")) } }
            } @else if ask.may(Role::Operator) {
                (form(ask, "/invitations/select", html! {
                    (query(ask))
                    (table(ask, &list, true))
                    (pages(ask, total))
                    (which(ask, total))
                }))
            } @else {
                (table(ask, &list, false))
                (pages(ask, total))
            }
            (command(ask, "muster invitations list"))
        }
    };
    Ok(Page::new("/invitations", ask.t("Invitations"), body).into())
}

/// The filter, for the form that goes on with it.
fn query(ask: &Ask) -> Markup {
    let kept = ask.query.0.iter().filter(|(name, _)| name != "page");
    html! {
        @for (name, value) in kept {
            input type="hidden" name={ "f-" (name) } value=(value);
        }
    }
}

/// What the hidden fields of [`query`] ask for.
fn asked_by_form(form: &Fields) -> Shown {
    let fields = form.0.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("f-")?;
        Some((name.to_string(), value.clone()))
    });
    asked(&Fields(fields.collect()))
}

fn states(ask: &Ask, shown: &Shown, counts: &[(String, u64)]) -> Markup {
    let count = |wanted: &str| {
        let found = counts.iter().find(|(state, _)| state == wanted);
        found.map_or(0, |(_, count)| *count)
    };
    let all: u64 = counts.iter().map(|(_, count)| count).sum();
    html! {
        section aria-labelledby="states" {
            h2 #states { (ask.t("How far they are")) }
            dl.facts {
                @for state in STATES {
                    @if count(state) > 0 {
                        div {
                            dt { (state_name(ask, state)) }
                            dd { a href=(with(ask, &[("state", state)])) aria-current=[(shown.states == [state]).then_some("true")] { (ask.number(count(state))) } }
                        }
                    }
                }
                div {
                    dt { (ask.t("together")) }
                    dd { a href=(with(ask, &[("state", "")])) { (ask.number(all)) } }
                }
            }
        }
    }
}

fn filter(ask: &Ask, shown: &Shown) -> Markup {
    let pairs = |words: &[&str], name: fn(&Ask, &str) -> &'static str| -> Vec<(String, String)> {
        let pairs = words
            .iter()
            .map(|word| ((*word).to_string(), name(ask, word).to_string()));
        pairs.collect()
    };
    let first = |words: &[String]| words.first().cloned().unwrap_or_default();
    let ends = [
        ("24", ask.t("within a day")),
        ("48", ask.t("within 2 days")),
        ("72", ask.t("within 3 days")),
        ("168", ask.t("within 7 days")),
    ];
    let ends = ends.map(|(hours, text)| (hours.to_string(), text.to_string()));
    let chosen = shown
        .ends_within
        .map_or(String::new(), |hours| hours.to_string());
    html! {
        form.row method="get" action="/invitations" {
            div.field {
                label for="text" { (ask.t("Address or username")) }
                input type="search" id="text" name="text" value=(shown.text);
            }
            (choice("state", ask.t("State"), Some(ask.t("any")), &pairs(&STATES, state_name), &first(&shown.states)))
            (choice("kind", ask.t("Kind"), Some(ask.t("any")), &pairs(&KINDS, kind_name), &first(&shown.kinds)))
            (choice("ends", ask.t("Link ends"), Some(ask.t("at any time")), &ends, &chosen))
            @if let Some(run) = &shown.run { input type="hidden" name="run" value=(run); }
            button.second { (ask.t("Filter")) }
            @if *shown != Shown::default() { a href="/invitations" { (ask.t("Show all")) } }
        }
        @if let Some(run) = &shown.run {
            p { (ask.t("Only of the run")) " " a href={ "/runs/" (encoded(run)) } { (visible(run)) } }
        }
    }
}

/// The table, with a box to tick in each line where something can be chosen.
pub(crate) fn table(ask: &Ask, list: &[Listed], ticks: bool) -> Markup {
    html! {
        div.scroll { table.many {
            caption { (ask.t("Newest first. Each person's newest invitation of a kind.")) }
            thead { tr {
                @if ticks { th scope="col" { span.hidden { (ask.t("Tick")) } } }
                th scope="col" { (ask.t("Person")) }
                th scope="col" { (ask.t("Kind")) }
                th scope="col" { (ask.t("State")) }
                th scope="col" { (ask.t("Sent")) }
                th scope="col" { (ask.t("Link ends")) }
                th scope="col" { (ask.t("Run")) }
                th scope="col" { (ask.t("Notes")) }
            } }
            tbody { @for one in list { (row(ask, one, ticks)) } }
        } }
    }
}

fn row(ask: &Ask, one: &Listed, ticks: bool) -> Markup {
    let ends = one.expires_at.as_deref().filter(|_| one.usable);
    html! {
        tr {
            @if ticks {
                td { label { input type="checkbox" name="id" value=(one.id); span.hidden { (personal(ask, &one.email)) } } }
            }
            th scope="row" {
                @match one.account {
                    Some(account) => a href={ "/people/" (account) } { (personal(ask, &one.email)) },
                    None => (personal(ask, &one.email)),
                }
            }
            td.word { (kind_name(ask, &one.kind)) }
            td { (state_badge(ask, &one.state)) }
            td { (when(ask, one.sent_at.as_deref())) }
            td { (when(ask, ends)) }
            td { @if !one.run.is_empty() { a href={ "/runs/" (encoded(&one.run)) } { (visible(&one.run)) } } }
            td { (notes(ask, one)) }
        }
    }
}

/// What the mail server said last, where that was no success.
pub(crate) fn trouble(one: &Listed) -> Option<&str> {
    let went = matches!(one.state.as_str(), "sent" | "accepted" | "expired");
    one.reply.as_deref().filter(|_| !went)
}

fn notes(ask: &Ask, one: &Listed) -> Markup {
    html! {
        @if let Some(session) = &one.session { p { (visible(session)) } }
        @if one.transport.as_deref() == Some("hand") { p { (ask.t("handed over")) } }
        @if one.resends > 0 { p { (ask.tf("sent again {n} times", &[("n", &one.resends)])) } }
        @if let Some(reply) = trouble(one) { p.small { (line(ask, reply)) } }
    }
}

/// `/invitations/select`: keeps who is meant, and goes on.
pub(crate) fn select(ask: &mut Ask) -> Result<Answer> {
    let mut shown = asked_by_form(&ask.form);
    let except = match meant(&ask.form)? {
        parts::Meant::AllBut(except) => except,
        parts::Meant::These(ids) => {
            shown = Shown {
                ids: Some(ids),
                ..Shown::default()
            };
            Vec::new()
        }
    };
    let filter = serde_json::to_value(&shown).unwrap_or_default();
    let who = ask.who();
    let id = ask
        .store
        .keep_selection("invitations", &filter, &except, &who)?;
    Ok(Answer::See(format!("/invitations/selection/{id}")))
}
