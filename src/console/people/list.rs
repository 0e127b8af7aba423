//! `/people`: everybody, with filters.

use maud::{Markup, html};

use super::parts::{
    self, PER_PAGE, choice, how_far, meant, offset, pages, personal, phase_name, same, state_badge,
    status_name, which, with,
};
use super::pipeline::{Own, definition, roles};
use crate::account::{AccountRecord, RecordColumn};
use crate::admin::Role;
use crate::console::ask::{Answer, Ask, Fields, Page};
use crate::console::page::{command, encoded, form, visible};
use crate::field::Field;
use crate::people::choice::Asked;
use crate::refusal::Result;
use crate::store::people::{Choice, PHASES};

/// What a list can be sorted by: the word in the query, and the column.
const SORTS: [(&str, RecordColumn); 6] = [
    ("name", RecordColumn::Field(Field::LastName)),
    ("email", RecordColumn::Field(Field::Email)),
    ("username", RecordColumn::Field(Field::Username)),
    ("phase", RecordColumn::Phase),
    ("role", RecordColumn::Field(Field::Role)),
    ("created", RecordColumn::Created),
];

/// What the query asks for.
pub(crate) fn asked(fields: &Fields) -> Asked {
    let words = |name| {
        let words = fields.all(name).filter(|word| !word.is_empty());
        words.map(String::from).collect()
    };
    let word = |name| Some(fields.get(name).to_string()).filter(|word| !word.is_empty());
    Asked {
        statuses: words("status"),
        groups: words("group"),
        roles: words("role"),
        organizations: words("organization"),
        run: word("run"),
        invited_since: None,
        never_signed_in: fields.has("never"),
        phases: words("phase"),
        missing: fields.has("missing"),
        text: word("text"),
    }
}

/// The columns to sort by: `sort=name` or `sort=-name`.
fn sort(ask: &Ask) -> Vec<(RecordColumn, bool)> {
    let wanted = ask.query.get("sort");
    let (name, is_reverse) = match wanted.strip_prefix('-') {
        Some(name) => (name, true),
        None => (wanted, false),
    };
    let found = SORTS.iter().filter(|(known, _)| *known == name);
    found
        .map(|(_, column)| (column.clone(), is_reverse))
        .collect()
}

/// `/people`.
pub(crate) fn page(ask: &mut Ask) -> Result<Answer> {
    let asked = asked(&ask.query);
    let own = Own::of(ask.store)?;
    let choice = asked.choice(ask.store, &own.definition)?;
    let (total, all) = match &choice.ids {
        // A search gives other people with each letter typed.
        Some(_) => ask.store.count_people(&choice)?,
        None => {
            let key = format!("people {choice:?}");
            ask.app
                .counts
                .get(&key, || ask.store.count_people(&choice))?
        }
    };
    let sort = sort(ask);
    let people = ask
        .store
        .list_people(&choice, &sort, offset(ask), PER_PAGE)?;
    let filter = filter(ask, &asked)?;
    let export = parts::query_of(&[]);
    let query = ask
        .path
        .split_once('?')
        .map_or(export.as_str(), |(_, query)| query);
    let body = html! {
        (own.note(ask))
        section aria-labelledby="filter" {
            h2 #filter { (ask.t("Find people")) }
            (filter)
        }
        section aria-labelledby="list" {
            h2 #list {
                @if asked.is_any() { (ask.tf("{n} of {all} people", &[("n", &ask.number(total)), ("all", &ask.number(all))])) }
                @else { (ask.counted(total, "1 person", "{n} people")) }
            }
            @if people.is_empty() {
                p { (ask.t("Nobody fits.")) }
            } @else if ask.may(Role::Operator) && own.writes() {
                (form(ask, "/people/select", html! {
                    (hidden_query(ask))
                    (table(ask, &people, true))
                    (pages(ask, total))
                    (which(ask, total))
                }))
                p { a href={ "/people/export?" (query) } { (ask.t("Download these people as CSV")) } " " span.small { (ask.t("It has all values in full, and can be imported again.")) } }
            } @else {
                (table(ask, &people, false))
                (pages(ask, total))
            }
            @if ask.may(Role::Operator) && own.writes() { p { a.button.second href="/add" { (ask.t("Add a few people")) } } }
            (command(ask, "muster people list"))
        }
    };
    Ok(Page::new("/people", ask.t("People"), body).into())
}

fn hidden_query(ask: &Ask) -> Markup {
    let kept = ask.query.0.iter().filter(|(name, _)| name != "page");
    html! {
        @for (name, value) in kept { input type="hidden" name={ "f-" (name) } value=(value); }
    }
}

fn filter(ask: &Ask, asked: &Asked) -> Result<Markup> {
    let first = |words: &[String]| words.first().cloned().unwrap_or_default();
    let phases = PHASES.map(|word| (word.to_string(), phase_name(ask, word).to_string()));
    let groups = same(ask.store.group_paths()?);
    // What accounts have is not asked for: that reads all of them.
    let mut roles: Vec<String> = roles(ask.store)?
        .into_iter()
        .map(|(role, _)| role)
        .collect();
    let others = asked.roles.iter().filter(|role| !roles.contains(role));
    let others: Vec<String> = others.cloned().collect();
    roles.extend(others);
    let roles = same(roles);
    let organization = first(&asked.organizations);
    let text = asked.text.as_deref().unwrap_or_default();
    Ok(html! {
        form.row method="get" action="/people" {
            div.field {
                label for="text" { (ask.t("Name, address or id")) }
                input type="search" id="text" name="text" value=(text);
            }
            (choice("phase", ask.t("How far"), Some(ask.t("any")), &phases, &first(&asked.phases)))
            @if !groups.is_empty() { (choice("group", ask.t("Group"), Some(ask.t("any")), &groups, &first(&asked.groups))) }
            (choice("role", ask.t("Role"), Some(ask.t("any")), &roles, &first(&asked.roles)))
            div.field {
                label for="organization" { (ask.t("Organization")) }
                input type="text" id="organization" name="organization" value=(organization);
            }
            label.plain { input type="checkbox" name="never" value="yes" checked[asked.never_signed_in]; (ask.t("never signed in")) }
            @if let Some(run) = &asked.run { input type="hidden" name="run" value=(run); }
            @for status in &asked.statuses { input type="hidden" name="status" value=(status); }
            @if asked.missing { input type="hidden" name="missing" value="yes"; }
            button.second { (ask.t("Filter")) }
            @if asked.is_any() { a href="/people" { (ask.t("Show all")) } }
        }
        @if let Some(run) = &asked.run {
            p { (ask.t("Only of the run")) " " a href={ "/runs/" (encoded(run)) } { (visible(run)) } }
        }
        @for status in &asked.statuses { p { (ask.t("Only accounts with the status")) " " (status_name(ask, status)) } }
        @if asked.missing { p { (ask.t("Only people who are missing from the latest list of their source")) } }
    })
}

fn head(ask: &Ask, name: &'static str, sort: &str) -> Markup {
    if parts::path(ask) != "/people" {
        return html! { th scope="col" { (ask.t(name)) } };
    }
    let now = ask.query.get("sort");
    let next = match now == sort {
        true => format!("-{sort}"),
        false => sort.to_string(),
    };
    let order = match now.strip_prefix('-') {
        _ if now == sort => Some("ascending"),
        Some(reversed) if reversed == sort => Some("descending"),
        _ => None,
    };
    html! {
        th scope="col" aria-sort=[order] { a href=(with(ask, &[("sort", &next)])) { (ask.t(name)) } }
    }
}

/// The table of people, with a box to tick in each line where somebody can be chosen.
pub(crate) fn table(ask: &Ask, people: &[AccountRecord], ticks: bool) -> Markup {
    html! {
        div.scroll { table.many {
            caption { (ask.t("Accounts as they are now")) }
            thead { tr {
                @if ticks { th scope="col" { span.hidden { (ask.t("Tick")) } } }
                (head(ask, "Name", "name"))
                (head(ask, "Address", "email"))
                (head(ask, "Username", "username"))
                (head(ask, "How far", "phase"))
                (head(ask, "Role", "role"))
                th scope="col" { (ask.t("Groups")) }
                th scope="col" { (ask.t("Invitation")) }
            } }
            tbody { @for person in people { (row(ask, person, ticks)) } }
        } }
    }
}

/// What somebody is called: by name, else by address, username or id.
pub(crate) fn name(account: &AccountRecord) -> String {
    let value = |field| account.value(field).unwrap_or_default();
    let both = format!("{} {}", value(Field::FirstName), value(Field::LastName));
    let names = [
        value(Field::DisplayName),
        both.trim(),
        value(Field::Email),
        value(Field::Username),
        value(Field::ExternalId),
    ];
    let found = names.into_iter().find(|name| !name.is_empty());
    found.map_or_else(|| account.id.to_string(), String::from)
}

fn row(ask: &Ask, person: &AccountRecord, ticks: bool) -> Markup {
    let value = |field| person.value(field).unwrap_or_default();
    let groups: Vec<String> = person.memberships.iter().map(ToString::to_string).collect();
    let name = personal(ask, &name(person));
    html! {
        tr {
            @if ticks {
                td { label { input type="checkbox" name="id" value=(person.id); span.hidden { (name) } } }
            }
            th scope="row" { a href={ "/people/" (person.id) } { (name) } }
            td { (personal(ask, value(Field::Email))) }
            td { (personal(ask, value(Field::Username))) }
            td { (how_far(ask, person)) }
            td { (visible(value(Field::Role))) }
            td { (visible(&groups.join("; "))) }
            td { @if let Some(state) = &person.invitation { (state_badge(ask, state)) } }
        }
    }
}

/// `/people/select`: keeps who is meant, and goes on.
pub(crate) fn select(ask: &mut Ask) -> Result<Answer> {
    let fields = ask.form.0.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("f-")?;
        Some((name.to_string(), value.clone()))
    });
    let asked = asked(&Fields(fields.collect()));
    let (filter, except) = match meant(&ask.form)? {
        parts::Meant::AllBut(except) => (serde_json::json!({ "asked": asked }), except),
        parts::Meant::These(ids) => (serde_json::json!({ "ids": ids }), Vec::new()),
    };
    let who = ask.who();
    let id = ask.store.keep_selection("people", &filter, &except, &who)?;
    Ok(Answer::See(format!("/people/selection/{id}")))
}

/// Whom a kept selection means.
pub(crate) fn choice_of(ask: &Ask, kept: &crate::store::selections::Kept) -> Result<Choice> {
    let mut choice = match kept.filter.get("ids") {
        Some(ids) => Choice {
            ids: Some(serde_json::from_value(ids.clone()).unwrap_or_default()),
            ..Choice::default()
        },
        None => {
            let asked = kept.filter.get("asked").cloned().unwrap_or_default();
            // A filter that can't be read means nobody, never everybody.
            match serde_json::from_value::<Asked>(asked) {
                Ok(asked) => asked.choice(ask.store, &definition(ask.store)?)?,
                Err(_) => Choice {
                    ids: Some(Vec::new()),
                    ..Choice::default()
                },
            }
        }
    };
    choice.except = (!kept.except.is_empty()).then(|| kept.except.clone());
    Ok(choice)
}
