//! What a plan changes, as people read it: whose row, by which rule, and every value before and
//! after.

use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::account::{COLUMNS, Update};
use crate::definition::Definition;
use crate::field::{Field, Key};
use crate::issue::{Code, Issue};
use crate::meaning::membership;
use crate::meaning::person::Person;
use crate::outcome::{Outcome, Verdict};
use crate::summary::Example;

/// One value of an account, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference<'a> {
    /// The field's name; `attributes.` and its name for an attribute.
    pub name: Cow<'a, str>,
    /// What the account has; JSON for the groups.
    pub old: Option<Cow<'a, str>>,
    /// What it is to have; JSON for the groups.
    pub new: Option<Cow<'a, str>>,
}

/// What the updates of a run change, for the page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// How many updates change each field; attributes under `attributes.` and their names.
    pub fields: BTreeMap<String, u64>,
    /// The first updates.
    pub updates: Vec<Change>,
}

/// One update with its full, unmasked values.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Where its row is; nothing else of this is filled in.
    pub at: Example,
    /// Whom it is about.
    pub who: String,
    /// Name, old value and new value of what changes.
    pub values: Vec<[String; 3]>,
}

/// The most updates that the page shows.
const UPDATES_MAX: usize = 200;

impl Changes {
    /// Counts an update; `at` is asked for its place if it is one of the first.
    pub fn note(&mut self, person: &Person, update: &Update, at: impl FnOnce() -> Example) {
        for name in update.after.keys() {
            match self.fields.get_mut(name) {
                Some(count) => *count += 1,
                None => drop(self.fields.insert(name.clone(), 1)),
            }
        }
        if self.updates.len() < UPDATES_MAX {
            let text = |value: Option<Cow<str>>| value.unwrap_or_default().into_owned();
            let values = of_known(update).into_iter().map(|difference| {
                let name = difference.name.into_owned();
                [name, text(difference.old), text(difference.new)]
            });
            self.updates.push(Change {
                at: at(),
                who: who(person, Some(update)),
                values: values.collect(),
            });
        }
    }
}

/// What a row makes of its account: all values of a new one, the changed ones of another; in the
/// order of [`Field`], attributes last.
pub fn differences<'a>(
    person: &Person<'a>,
    outcome: Outcome,
    update: Option<&'a Update>,
    definition: &'a Definition,
) -> Vec<Difference<'a>> {
    match (outcome, update) {
        (Outcome::Created, _) => of_new(person, definition),
        (_, Some(update)) => of_known(update),
        _ => Vec::new(),
    }
}

fn of_new<'a>(person: &Person<'a>, definition: &'a Definition) -> Vec<Difference<'a>> {
    let new = |name: Cow<'a, str>, value: Cow<'a, str>| Difference {
        name,
        old: None,
        new: Some(value),
    };
    let mut all = Vec::with_capacity(COLUMNS.len());
    for field in Field::ALL {
        if membership::FIELDS.contains(&field) {
            let groups = match field {
                Field::Sessions => person.sessions_of_new(definition),
                _ => person.groups_of_new(definition),
            };
            if !groups.is_empty() {
                let json = Value::from(groups).to_string();
                all.push(new(field.name().into(), json.into()));
            }
        } else if COLUMNS.contains(&field)
            && let Some(value) = person.value_of_new(field, definition)
        {
            all.push(new(field.name().into(), value.into()));
        }
    }
    if person.has_password() {
        all.push(new("password".into(), "(the hash in the file)".into()));
    }
    let attributes = person.attributes(definition);
    all.extend(
        attributes.map(|(name, value)| new(format!("attributes.{name}").into(), value.into())),
    );
    all
}

fn of_known(update: &Update) -> Vec<Difference<'_>> {
    let mut all: Vec<Difference> = update
        .after
        .iter()
        .map(|(name, after)| {
            let is_list = membership::FIELDS.map(Field::name).contains(&name.as_str());
            let text = if is_list { groups } else { text };
            Difference {
                name: name.into(),
                old: update.before.get(name).and_then(text),
                new: text(after),
            }
        })
        .collect();
    all.sort_by_key(|difference| {
        Field::from_name(&difference.name).map_or(usize::MAX, |field| field as usize)
    });
    all
}

/// A value as text: text as it is, nothing as nothing, anything else as JSON.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.into()),
        other => Some(other.to_string().into()),
    }
}

/// Entries of memberships as people read them, as JSON.
fn groups(value: &Value) -> Option<Cow<'_, str>> {
    let entries = value.as_array()?.iter().filter_map(Value::as_str);
    let shown: Vec<String> = entries.map(membership::shown).collect();
    Some(Value::from(shown).to_string().into())
}

/// The person as people are called: name and address as the account will have them, or whatever
/// there is.
pub fn who(person: &Person, update: Option<&Update>) -> String {
    let value = |field: Field| {
        let column = COLUMNS.iter().position(|column| *column == field);
        let held = update.and_then(|update| update.values[column?].as_deref());
        held.or_else(|| person.value(field))
    };
    let names = [Field::FirstName, Field::LastName].map(value);
    let names: Vec<&str> = names.into_iter().flatten().collect();
    let name = match (names.is_empty(), value(Field::DisplayName)) {
        (true, Some(name)) => name.to_string(),
        _ => names.join(" "),
    };
    let key = value(Field::Email).map(|email| format!("<{email}>"));
    let key = key.or_else(|| {
        let other = value(Field::Username).or_else(|| value(Field::ExternalId));
        other.map(String::from)
    });
    let parts = [Some(name).filter(|name| !name.is_empty()), key];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The word for what decided about a row: that it is new, the key that found its account, or the
/// first rule that kept it out. `by` is that key, `issues` are all of the row's.
pub fn rule(
    outcome: Outcome,
    verdict: Verdict,
    by: Option<Key>,
    issues: &[&Issue],
    definition: &Definition,
) -> Cow<'static, str> {
    let decisive = |issue: &&&Issue| match outcome {
        Outcome::Skipped => matches!(issue.code, Code::ClashSkipped | Code::AccountSkipped),
        _ => definition.rejects(issue.code),
    };
    let code = || issues.iter().find(decisive).map(|issue| issue.code);
    match (outcome, by) {
        _ if matches!(verdict, Verdict::Duplicate(_)) => "duplicate".into(),
        _ if verdict == Verdict::Nobody => "nobody".into(),
        (Outcome::Created, _) => "new".into(),
        (Outcome::Updated | Outcome::Unchanged, Some(key)) => match key {
            Key::ExternalId => "match:external_id".into(),
            Key::Email => "match:email".into(),
            Key::Username => "match:username".into(),
        },
        _ => match code() {
            Some(Code::AccountSkipped) => "policy:skip".into(),
            Some(code) if code.name().starts_with("clash.") => "clash".into(),
            Some(code) => format!("{}:{code}", verb(outcome)).into(),
            None => verb(outcome).into(),
        },
    }
}

/// What is to be done, as the word for it before it is done.
pub fn verb(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created => "create",
        Outcome::Updated => "update",
        Outcome::Unchanged => "unchanged",
        Outcome::Duplicate => "duplicate",
        Outcome::Skipped => "skip",
        Outcome::Rejected => "reject",
        Outcome::Held => "hold",
        Outcome::Failed => "fail",
    }
}
