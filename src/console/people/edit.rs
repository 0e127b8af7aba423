//! `/people/{person}/edit`: the values of one person. What is typed goes through the passes of every
//! import, as a change of many people does: a preview, then a run.

use maud::{Markup, html};
use serde_json::json;
use uuid::Uuid;

use super::change::start_preview;
use super::list::name;
use super::parts::{choice, same};
use super::person::field_name;
use super::pipeline::{definition, roles};
use crate::account::{AccountRecord, COLUMNS};
use crate::console::ask::{Answer, Ask, Page};
use crate::console::page::{command, form, hidden};
use crate::definition::Definition;
use crate::field::Field;
use crate::refusal::Result;
use crate::row::Slot;

/// The most attributes that are offered which the person doesn't have.
const OTHERS_MAX: usize = 40;

/// A value that can be edited: its name as a command takes it, and as it is.
struct Editable {
    name: String,
    now: String,
}

/// The account of the path.
fn asked(ask: &Ask) -> Result<Option<AccountRecord>> {
    match ask.part("person").parse::<Uuid>() {
        Ok(id) => ask.store.person(id),
        Err(_) => Ok(None),
    }
}

/// What a list could set, as far as there is a column for it: the fields, then the attributes.
fn editables(ask: &Ask, account: &AccountRecord, definition: &Definition) -> Result<Vec<Editable>> {
    let is_kept = |field: &Field| {
        let target = definition.target.as_ref();
        target.is_none_or(|target| target.keeps(&Slot::Field(*field)))
    };
    let fields = COLUMNS.into_iter().filter(|field| *field != Field::Status);
    let fields = fields.filter(is_kept).map(|field| Editable {
        name: field.name().to_string(),
        now: account.value(field).unwrap_or_default().to_string(),
    });
    let mut all: Vec<Editable> = fields.collect();
    let mut names: Vec<String> = match &definition.target {
        Some(target) => target.attributes().map(|(name, _)| name.into()).collect(),
        None => ask.store.attribute_names()?,
    };
    let has = |name: &String| account.attributes.contains_key(name);
    let others = names.iter().filter(|name| !has(name)).count();
    if others > OTHERS_MAX {
        names.retain(has);
    }
    all.extend(names.into_iter().map(|name| Editable {
        now: account.attribute(&name).unwrap_or_default(),
        name: format!("attributes.{name}"),
    }));
    Ok(all)
}

/// `/people/{person}/edit`.
pub(crate) fn page(ask: &mut Ask) -> Result<Answer> {
    let Some(account) = asked(ask)? else {
        return Ok(Answer::Missing);
    };
    let title = ask.t("Edit a person");
    if ask.masks() {
        return Ok(Page::new("/people", title, masked(ask, &account)).into());
    }
    let definition = definition(ask.store)?;
    let values = editables(ask, &account, &definition)?;
    let body = edit_form(ask, &account, &values)?;
    Ok(Page::new("/people", format!("{title}: {}", name(&account)), body).into())
}

/// Whoever doesn't see values can't say what they become.
fn masked(ask: &Ask, account: &AccountRecord) -> Markup {
    let here = format!("/people/{}/edit", account.id);
    html! {
        p { (ask.t("Values are masked. To edit them, show them first. The audit notes that.")) }
        form method="post" action="/values" {
            (hidden(&ask.session.secret))
            input type="hidden" name="to" value=(here);
            button { (ask.t("Show values")) }
        }
        p { a href={ "/people/" (account.id) } { (ask.t("Back to the person")) } }
    }
}

fn edit_form(ask: &Ask, account: &AccountRecord, values: &[Editable]) -> Result<Markup> {
    let id = account.id;
    let now = account.value(Field::Role).unwrap_or_default();
    let mut words: Vec<String> = roles(ask.store)?
        .into_iter()
        .map(|(role, _)| role)
        .collect();
    if !words.iter().any(|role| role == now) {
        words.push(now.to_string());
    }
    let roles = same(words);
    Ok(html! {
        p { (ask.t("You see what would change before anything is written. What is emptied is taken away.")) }
        (form(ask, &format!("/people/{id}/edit"), html! {
            @for value in values {
                @let name = format!("v-{}", value.name);
                input type="hidden" name={ "was-" (value.name) } value=(value.now);
                @if value.name == Field::Role.name() {
                    (choice(&name, ask.t("Role"), None, &roles, now))
                } @else {
                    div.field {
                        label for=(name) { (field_name(ask, &value.name)) }
                        input type="text" id=(name) name=(name) value=(value.now) autocomplete="off" aria-describedby=[hint(&value.name).map(|_| format!("about-{name}"))];
                        @if let Some(hint) = hint(&value.name) { p.small id={ "about-" (name) } { (ask.t(hint)) } }
                    }
                }
            }
            div.row {
                button { (ask.t("Preview the change")) }
                a.button.second href={ "/people/" (id) } { (ask.t("Back to the person")) }
            }
        }))
        (command(ask, &format!("muster people change --only id:{id} --set FIELD=VALUE")))
    })
}

/// What can be typed into a field whose name doesn't say it.
fn hint(name: &str) -> Option<&'static str> {
    match Field::from_name(name)? {
        Field::StartDate | Field::EndDate => Some("Such as 2026-11-22"),
        Field::Country => Some("A country's name, or its code such as DE"),
        Field::Language => Some("A code such as en or de"),
        Field::Manager => Some("The manager's id, address or username"),
        Field::OtherRoles => Some("Separated by semicolons"),
        _ => None,
    }
}

/// `/people/{person}/edit`, sent: plans the change. Nothing is written to the account.
pub(crate) fn preview(ask: &mut Ask) -> Result<Answer> {
    let Some(account) = asked(ask)? else {
        return Ok(Answer::Missing);
    };
    let values = editables(ask, &account, &definition(ask.store)?)?;
    let (mut set, mut options) = (String::new(), Vec::new());
    for value in &values {
        let (was, typed) = (format!("was-{}", value.name), format!("v-{}", value.name));
        // Who changed it meanwhile is not overwritten by what the page had.
        if !ask.form.has(&typed) || ask.form.get(&typed).trim() == ask.form.get(&was).trim() {
            continue;
        }
        let typed = ask.form.get(&typed).trim();
        match typed {
            "" => options.push(format!("--clear={}", value.name)),
            typed => {
                let line: Vec<&str> = typed.lines().collect();
                set.push_str(&format!("{}={}\n", value.name, line.join(" ")));
            }
        }
    }
    if set.is_empty() && options.is_empty() {
        return Ok(Answer::See(format!("/people/{}", account.id)));
    }
    if !set.is_empty() {
        options.push("--set=@-".to_string());
    }
    let filter = json!({ "ids": [account.id] });
    let who = ask.who();
    let kept = ask.store.keep_selection("people", &filter, &[], &who)?;
    let role = ask.form.get("v-role").to_string();
    let args = vec![format!("--only=id:{}", account.id)];
    start_preview(ask, kept, (args, options), set.into_bytes(), &role)
}
