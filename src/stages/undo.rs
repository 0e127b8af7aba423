//! undo: what happens to an account when the run that made or changed it is taken back. Decided
//! three ways, value by value: what the run found, what it wrote, and what the account holds now.
//! All of the policy is in [`decide`] and [`settle`]; both are pure.
//!
//! A value is restored only if the account still has what the run wrote. An account that the run
//! created is removed only if nobody has used it; otherwise it is deactivated.

use crate::history::Values;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use serde_json::Value;
use uuid::Uuid;

use crate::account::{Account, COLUMNS, PASSWORD, Update};
use crate::field::{Field, Key, RowNumber};
use crate::meaning::membership;
use crate::text::{email, username_key};

/// What a run did to an account.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// Made it, or brought it back.
    Created,
    /// Changed it from one to the other.
    Changed(Values, Values),
    /// Removed it; this is all that there was.
    Removed(Value),
}

/// What a run changed of an account at some time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// The run.
    pub run: String,
    /// What it found.
    pub before: Values,
    /// What it wrote.
    pub after: Values,
    /// Whether nothing has changed the account since.
    pub is_last: bool,
}

/// An account as it is now, with what tells whether somebody used it.
#[derive(Debug, Clone, Default)]
pub struct Present {
    /// Its values.
    pub account: Account,
    /// Whether it was written to since it was made (`updated_at` is another time than `created_at`).
    pub touched: bool,
    /// Something other than a run changed one of its values.
    pub edited: bool,
    /// There is a password that no import brought along.
    pub has_password: bool,
    /// An invitation was accepted.
    pub accepted: bool,
    /// Somebody other than a run put it into a group.
    pub grouped: bool,
    /// The password is still the one that the run gave, or none where it took that back.
    pub has_same_password: bool,
    /// A table of another application that refers to it.
    pub referred_by: Option<String>,
    /// What runs changed of it, oldest first.
    pub history: Vec<Past>,
}

/// Who changed something since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// A later run.
    Run(String),
    /// Whoever writes to the accounts besides muster.
    Application,
}

/// Why something stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It isn't any more what the run wrote.
    Changed(Since),
    /// Another account has the key by now.
    Taken(Uuid),
    /// The account was removed.
    Gone,
    /// That group was removed.
    GroupGone(String),
    /// That session was removed.
    SessionGone(String),
    /// Somebody gave the person another role in that group.
    Roles(String),
    /// The person isn't in that group any more, so that there is no role in it.
    NotIn(String),
    /// The person has a password, so that the account stays.
    Password,
    /// The person came in by an invitation, so that the account stays.
    Accepted,
    /// That table refers to the account.
    Referred(String),
    /// The application put the account into a group.
    Grouped,
    /// The address can't be matched any more.
    NoKey,
    /// The database's own words.
    Refused(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Changed(Since::Run(run)) => write!(f, "changed since by run {run}"),
            Reason::Changed(Since::Application) => f.write_str("changed since by the application"),
            Reason::Taken(id) => write!(f, "account {id} has it now"),
            Reason::Gone => f.write_str("the account has been removed"),
            Reason::GroupGone(key) => write!(f, "the group `{key}` no longer exists"),
            Reason::SessionGone(key) => write!(f, "the session `{key}` no longer exists"),
            Reason::Roles(key) => write!(f, "the roles in the group `{key}` have changed"),
            Reason::NotIn(key) => write!(f, "the person is no longer in the group `{key}`"),
            Reason::Password => f.write_str("the person has a password"),
            Reason::Accepted => f.write_str("the person accepted an invitation"),
            Reason::Referred(table) => write!(f, "`{table}` refers to it"),
            Reason::Grouped => f.write_str("the application put it into a group"),
            Reason::NoKey => f.write_str("it was not an address that muster can match"),
            Reason::Refused(words) => write!(f, "the database refused: {words}"),
        }
    }
}

/// A value that stays as it is, by its field, or `account` for all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The field.
    pub field: String,
    /// Why.
    pub reason: Reason,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Nothing.
    Leave,
    /// Values go back.
    Update(Box<Update>),
    /// The account goes.
    Remove,
    /// The account stays, without a way in.
    Deactivate(Box<Update>),
    /// The account comes back with these keys, by [`Key`].
    Return([Option<String>; 3]),
}

/// One account of a run that is taken back.
#[derive(Debug, Clone)]
pub struct Case {
    /// The row by which the run has it.
    pub row: RowNumber,
    /// The account.
    pub account: Uuid,
    /// What the run did.
    pub deed: Deed,
    /// The account as it is; none where it is gone.
    pub present: Option<Present>,
    /// What is to be done about it.
    pub act: Act,
    /// What stays.
    pub kept: Vec<Kept>,
}

impl Case {
    /// Notes what stays as it is.
    pub fn keep(&mut self, field: &str, reason: Reason) {
        self.kept.push(Kept {
            field: field.to_string(),
            reason,
        });
    }

    /// The keys that this account would get, and hasn't now.
    pub fn wants(&self) -> Vec<(Key, String)> {
        let (after, now) = match &self.act {
            Act::Return(keys) => (keys.clone(), Default::default()),
            Act::Update(update) => {
                let now = self.present.as_ref().map(|now| keys_of(&now.account));
                (keys_after(update), now.unwrap_or_default())
            }
            _ => return Vec::new(),
        };
        let fresh = |key: &Key| after[*key as usize] != now[*key as usize];
        Key::ALL
            .into_iter()
            .filter(fresh)
            .filter_map(|key| Some((key, after[key as usize].clone()?)))
            .collect()
    }

    /// Whether the account won't have that key afterwards.
    fn lets_go(&self, key: Key, value: &str) -> bool {
        match &self.act {
            Act::Remove => true,
            Act::Update(update) => keys_after(update)[key as usize].as_deref() != Some(value),
            _ => false,
        }
    }

    /// Whether it takes the account's history to decide.
    pub fn needs_history(&self) -> bool {
        let Some(now) = &self.present else {
            return false;
        };
        match &self.deed {
            Deed::Created => now.touched,
            Deed::Changed(before, after) => after.iter().any(|(field, wrote)| {
                let held = held(&now.account, field);
                list_field(field).is_none()
                    && field != PASSWORD
                    && held != *wrote
                    && Some(&held) != before.get(field)
            }),
            Deed::Removed(_) => false,
        }
    }
}

/// Decides about one account of `run`. `group_exists` answers for a group's key.
pub fn decide(case: &mut Case, run: &str, group_exists: &dyn Fn(&str) -> bool) {
    case.act = Act::Leave;
    case.kept.clear();
    match (case.deed.clone(), case.present.take()) {
        (Deed::Created, None) | (Deed::Removed(_), Some(_)) => {}
        (Deed::Created, Some(now)) => {
            created(case, &now, run);
            case.present = Some(now);
        }
        (Deed::Changed(..), None) => case.keep("account", Reason::Gone),
        (Deed::Changed(before, after), Some(now)) => {
            changed(case, (&before, &after), &now, run, group_exists);
            case.present = Some(now);
        }
        (Deed::Removed(image), None) => returned(case, &image, group_exists),
    }
}

/// An account that the run made: goes if nobody used it.
fn created(case: &mut Case, now: &Present, run: &str) {
    let Some(reason) = use_of(now, run) else {
        case.act = Act::Remove;
        return;
    };
    case.keep("account", reason);
    if value(&now.account, Field::Status) != Some("deactivated") {
        let mut update = unchanged(&now.account);
        put(&mut update, "status", &"deactivated".into());
        case.act = Act::Deactivate(Box::new(update));
    }
}

/// Why an account counts as used by a person or by another application.
pub fn use_by_others(now: &Present) -> Option<Reason> {
    match &now.referred_by {
        _ if now.accepted => Some(Reason::Accepted),
        _ if now.has_password => Some(Reason::Password),
        Some(table) => Some(Reason::Referred(table.clone())),
        None if now.grouped => Some(Reason::Grouped),
        None if now.edited => Some(Reason::Changed(Since::Application)),
        None => None,
    }
}

/// Why an account counts as used since `run` made it.
pub fn use_of(now: &Present, run: &str) -> Option<Reason> {
    let reason = use_by_others(now);
    if reason.is_some() || !now.touched {
        return reason;
    }
    // What later runs changed and other undos put back again is no use.
    match now.history.last() {
        Some(last) if last.is_last => {}
        _ => return Some(Reason::Changed(Since::Application)),
    }
    let mut first = BTreeMap::new();
    for past in &now.history {
        for (field, was) in &past.before {
            first.entry(field).or_insert(was);
        }
    }
    let differs = |field: &str, was: &Value| held(&now.account, field) != *was;
    let field = first.iter().find(|(field, was)| differs(field, was))?.0;
    let since = later(now, field, run).unwrap_or(Since::Application);
    Some(Reason::Changed(since))
}

/// Values that the run changed: each goes back where it still is what the run wrote.
fn changed(
    case: &mut Case,
    (before, after): (&Values, &Values),
    now: &Present,
    run: &str,
    group_exists: &dyn Fn(&str) -> bool,
) {
    let mut update = unchanged(&now.account);
    for (field, wrote) in after {
        let was = before.get(field).unwrap_or(&Value::Null);
        if let Some(field) = list_field(field) {
            groups(case, field, (was, wrote), now, &mut update, group_exists);
            continue;
        }
        if field == PASSWORD {
            if now.has_same_password {
                update.before.insert(field.clone(), wrote.clone());
                update.after.insert(field.clone(), was.clone());
            } else {
                case.keep(field, Reason::Changed(Since::Application));
            }
            continue;
        }
        let held = held(&now.account, field);
        if held == *was {
            continue;
        }
        if held != *wrote {
            let since = later(now, field, run).unwrap_or(Since::Application);
            case.keep(field, Reason::Changed(since));
        } else if let Some(reason) = forbidden(field, (was, wrote), now) {
            case.keep(field, reason);
        } else {
            put(&mut update, field, was);
        }
    }
    if !update.after.is_empty() {
        case.act = Act::Update(Box::new(update));
    }
}

/// Nobody who came in already is sent back to the door, and no address goes back that couldn't be
/// matched again.
fn forbidden(field: &str, (was, wrote): (&Value, &Value), now: &Present) -> Option<Reason> {
    match (field, was.as_str(), wrote.as_str()) {
        ("status", Some("invited"), Some("active")) if now.accepted => Some(Reason::Accepted),
        ("status", Some("invited"), Some("active")) if now.has_password => Some(Reason::Password),
        ("email", Some(address), _) if email::key(address).is_none() => Some(Reason::NoKey),
        _ => None,
    }
}

/// Memberships or enrolments that the run began end, and those that it ended come back.
fn groups(
    case: &mut Case,
    field: Field,
    (was, wrote): (&Value, &Value),
    now: &Present,
    update: &mut Update,
    group_exists: &dyn Fn(&str) -> bool,
) {
    let entries = |list| membership::of_recorded(list, field);
    let (was, wrote) = (entries(was), entries(wrote));
    let held = entries(&membership::recorded(&now.account.groups, field));
    let (name, mut joins, mut ends) = (field.name(), Vec::new(), Vec::new());
    let leaves: Vec<&String> = wrote
        .iter()
        .filter(|entry| !was.contains(entry) && held.contains(entry))
        .collect();
    for entry in &leaves {
        // A role that somebody else gave keeps its membership.
        let keeps = |other: &&String| {
            matches!(membership::parts(other), (key, Some(role)) if key == *entry && !role.is_empty())
                && !leaves.contains(other)
        };
        if held.iter().any(|other| keeps(&other)) {
            case.keep(name, Reason::Roles((*entry).clone()));
        } else {
            ends.push((*entry).clone());
        }
    }
    for entry in was
        .iter()
        .filter(|entry| !wrote.contains(entry) && !held.contains(entry))
    {
        let (key, role) = membership::parts(entry);
        let is_in = |key: &str| {
            let own = |list: &[String]| list.iter().any(|entry| entry == key);
            own(&held) && !own(&ends) || own(&was) && !own(&wrote)
        };
        if !group_exists(key) {
            if role.is_none_or(str::is_empty) {
                case.keep(name, gone(key));
            }
        } else if role.is_some_and(|role| !role.is_empty()) && !is_in(key) {
            case.keep(name, Reason::NotIn(key.to_string()));
        } else if role != Some("") || !is_in(key) {
            joins.push(entry.clone());
        }
    }
    // Whoever is in a group by himself doesn't inherit it besides.
    let inherited = held.iter().filter(|entry| {
        matches!(membership::parts(entry), (key, Some("")) if joins.iter().any(|own| own == key))
            && !ends.contains(entry)
    });
    let inherited: Vec<String> = inherited.cloned().collect();
    ends.extend(inherited);
    if joins.is_empty() && ends.is_empty() {
        return;
    }
    let stays = |key: &&String| !ends.contains(key);
    let mut after: Vec<String> = held.iter().filter(stays).cloned().collect();
    after.extend(joins.iter().cloned());
    after.sort();
    let recorded = |list: &[String]| membership::recorded(list, field);
    update.before.insert(name.to_string(), recorded(&held));
    update.after.insert(name.to_string(), recorded(&after));
    update.joins.append(&mut joins);
    update.leaves.append(&mut ends);
}

/// The field of that name, if it is a list of groups or sessions.
fn list_field(name: &str) -> Option<Field> {
    let mut fields = membership::FIELDS.into_iter();
    fields.find(|field| field.name() == name)
}

/// Why an entry can't come back.
fn gone(key: &str) -> Reason {
    match membership::session(key) {
        Some(session) => Reason::SessionGone(session.to_string()),
        None => Reason::GroupGone(key.to_string()),
    }
}

/// An account that the run removed comes back as it was.
fn returned(case: &mut Case, image: &Value, group_exists: &dyn Fn(&str) -> bool) {
    let text = |name: &str| image[name].as_str().map(String::from);
    case.act = Act::Return([text("external_id"), text("email_key"), text("username_key")]);
    for joined in image["memberships"].as_array().into_iter().flatten() {
        if let Some(key) = joined["key"].as_str().filter(|key| !group_exists(key)) {
            case.keep("groups", Reason::GroupGone(key.to_string()));
        }
    }
    for entry in membership::of_recorded(&image["enrolments"], Field::Sessions) {
        if !group_exists(&entry) {
            case.keep("sessions", gone(&entry));
        }
    }
}

/// Holds back every key that another account has and keeps. `holders` knows who has which of the
/// keys that the cases want. What one account lets go of another may have, also in a ring.
pub fn settle(cases: &mut [Case], holders: &HashMap<(Key, String), Uuid>) {
    let of: HashMap<Uuid, usize> = cases
        .iter()
        .enumerate()
        .map(|(index, case)| (case.account, index))
        .collect();
    loop {
        let mut taken = Vec::new();
        for (index, case) in cases.iter().enumerate() {
            for (key, value) in case.wants() {
                let Some(holder) = holders.get(&(key, value.clone())) else {
                    continue;
                };
                let lets_go = |at: &usize| cases[*at].lets_go(key, &value);
                if *holder != case.account && !of.get(holder).is_some_and(lets_go) {
                    taken.push((index, key, *holder));
                }
            }
        }
        if taken.is_empty() {
            return;
        }
        for (index, key, holder) in taken {
            cases[index].hold_back(key, holder);
        }
    }
}

impl Case {
    fn hold_back(&mut self, key: Key, holder: Uuid) {
        let name = key.field().name();
        let (Act::Update(update), Some(now)) = (&mut self.act, &self.present) else {
            self.act = Act::Leave;
            self.kept.clear();
            self.keep("account", Reason::Taken(holder));
            return;
        };
        let held = held(&now.account, name);
        put(update, name, &held);
        match key {
            Key::Email => update.keys[0] = now.account.keys[0].clone(),
            Key::Username => update.keys[1] = now.account.keys[1].clone(),
            Key::ExternalId => {}
        }
        update.before.remove(name);
        update.after.remove(name);
        if update.after.is_empty() {
            self.act = Act::Leave;
        }
        self.keep(name, Reason::Taken(holder));
    }
}

/// The accounts among `cases` that have a key now which another of them gets: they must let go of
/// it first.
pub fn trading(cases: &[Case], holders: &HashMap<(Key, String), Uuid>) -> Vec<Uuid> {
    let wanted = cases.iter().flat_map(|case| {
        let id = case.account;
        case.wants().into_iter().map(move |wanted| (id, wanted))
    });
    let updated: HashSet<Uuid> = cases
        .iter()
        .filter(|case| matches!(case.act, Act::Update(_)))
        .map(|case| case.account)
        .collect();
    let mut trading: Vec<Uuid> = wanted
        .filter_map(|(id, wanted)| holders.get(&wanted).copied().filter(|holder| *holder != id))
        .filter(|holder| updated.contains(holder))
        .collect();
    trading.sort_unstable();
    trading.dedup();
    trading
}

/// A group that a run made, as an undo finds it.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Its id.
    pub id: Uuid,
    /// As first written.
    pub path: String,
    /// How many members stay.
    pub members: i64,
    /// The groups right below it.
    pub children: Vec<Uuid>,
    /// A table of another application that refers to it.
    pub referred_by: Option<String>,
}

/// The groups that nobody needs any more, those below before those above; the others, with why.
pub fn empty_groups(groups: Vec<Group>) -> (Vec<Group>, Vec<(Group, String)>) {
    let (mut gone, mut left) = (Vec::new(), groups);
    let mut ids = HashSet::new();
    loop {
        let (now, rest): (Vec<Group>, Vec<Group>) = left.into_iter().partition(|group| {
            let free = group.members == 0 && group.referred_by.is_none();
            free && group.children.iter().all(|child| ids.contains(child))
        });
        left = rest;
        if now.is_empty() {
            break;
        }
        ids.extend(now.iter().map(|group| group.id));
        gone.extend(now);
    }
    let why = |group: &Group| match &group.referred_by {
        Some(table) => Reason::Referred(table.clone()).to_string(),
        None if group.members > 0 => "it has members".to_string(),
        None => "there are groups below it".to_string(),
    };
    let left = left.into_iter().map(|group| {
        let why = why(&group);
        (group, why)
    });
    (gone, left.collect())
}

/// The run that wrote what the account holds now, after `run`.
fn later(now: &Present, field: &str, run: &str) -> Option<Since> {
    let held = held(&now.account, field);
    let behind = now.history.iter().rposition(|past| past.run == run);
    now.history
        .iter()
        .skip(behind.map_or(0, |at| at + 1))
        .rev()
        .find(|past| past.after.get(field) == Some(&held))
        .map(|past| Since::Run(past.run.clone()))
}

fn value(account: &Account, field: Field) -> Option<&str> {
    let column = COLUMNS.iter().position(|column| *column == field)?;
    account.values[column].as_deref()
}

/// What an account holds for a field, an attribute or its groups.
fn held(account: &Account, field: &str) -> Value {
    if let Some(field) = list_field(field) {
        return membership::recorded(&account.groups, field);
    }
    if let Some(name) = field.strip_prefix("attributes.") {
        let object: Value = serde_json::from_str(&account.attributes).unwrap_or_default();
        return object.get(name).cloned().unwrap_or_default();
    }
    let column = COLUMNS.iter().position(|column| column.name() == field);
    column
        .and_then(|column| account.values[column].clone())
        .map_or(Value::Null, Value::from)
}

fn keys_of(account: &Account) -> [Option<String>; 3] {
    let external_id = value(account, Field::ExternalId).map(String::from);
    let [email, username] = account.keys.clone();
    [external_id, email, username]
}

fn keys_after(update: &Update) -> [Option<String>; 3] {
    let column = COLUMNS
        .iter()
        .position(|column| *column == Field::ExternalId);
    let external_id = column.and_then(|column| update.values[column].clone());
    let [email, username] = update.keys.clone();
    [external_id, email, username]
}

/// An update that changes nothing yet.
fn unchanged(account: &Account) -> Update {
    Update {
        account: account.id,
        version: account.version.clone(),
        values: account.values.clone(),
        keys: account.keys.clone(),
        attributes: serde_json::from_str(&account.attributes).unwrap_or_default(),
        before: BTreeMap::new(),
        after: BTreeMap::new(),
        joins: Vec::new(),
        leaves: Vec::new(),
    }
}

/// Has `update` write `wanted` for a field; null clears it.
fn put(update: &mut Update, field: &str, wanted: &Value) {
    let text = wanted.as_str().map(String::from);
    let now = if let Some(name) = field.strip_prefix("attributes.") {
        match wanted {
            Value::Null => update.attributes.remove(name),
            wanted => update.attributes.insert(name.to_string(), wanted.clone()),
        }
    } else {
        match field {
            "email" => update.keys[0] = text.as_deref().and_then(email::key),
            "username" => {
                update.keys[1] = text.as_deref().map(|name| username_key(name).into_owned());
            }
            _ => {}
        }
        let column = COLUMNS.iter().position(|column| column.name() == field);
        column
            .and_then(|column| std::mem::replace(&mut update.values[column], text).map(Value::from))
    };
    update
        .before
        .insert(field.to_string(), now.unwrap_or_default());
    update.after.insert(field.to_string(), wanted.clone());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn values(json: Value) -> Values {
        serde_json::from_value(json).unwrap()
    }

    /// An account with these values, which nobody touched.
    fn present(json: Value) -> Present {
        let mut present = Present::default();
        for (column, field) in COLUMNS.into_iter().enumerate() {
            present.account.values[column] = json[field.name()].as_str().map(String::from);
        }
        present.account.keys[0] = json["email"].as_str().and_then(email::key);
        present.account.attributes = json.get("attributes").unwrap_or(&json!({})).to_string();
        present.account.groups = membership::of_recorded(&json["groups"], Field::Groups);
        present
    }

    fn case(number: u128, deed: Deed, present: Option<Present>) -> Case {
        Case {
            row: number as RowNumber,
            account: Uuid::from_u128(number),
            deed,
            present,
            act: Act::Leave,
            kept: Vec::new(),
        }
    }

    fn past(run: &str, before: Value, after: Value, is_last: bool) -> Past {
        Past {
            run: run.to_string(),
            before: values(before),
            after: values(after),
            is_last,
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn a_value_goes_back_only_where_it_still_is_what_the_run_wrote() {
        // was, written, now → written back, kept
        for (was, wrote, now, back, kept) in [
            (
                json!({"phone": "1"}),
                json!({"phone": "2"}),
                json!({"phone": "2"}),
                json!({"phone": "1"}),
                "",
            ),
            (
                json!({"phone": null}),
                json!({"phone": "2"}),
                json!({"phone": "2"}),
                json!({"phone": null}),
                "",
            ),
            (
                json!({"phone": "1"}),
                json!({"phone": "2"}),
                json!({"phone": "1"}),
                json!({}),
                "",
            ),
            (
                json!({"phone": "1"}),
                json!({"phone": "2"}),
                json!({"phone": "3"}),
                json!({}),
                "phone: changed since by the application",
            ),
            (
                json!({"phone": "1", "country": "DE"}),
                json!({"phone": "2", "country": "FR"}),
                json!({"phone": "9", "country": "FR"}),
                json!({"country": "DE"}),
                "phone: changed since by run later",
            ),
            (
                json!({"attributes.a": null, "attributes.b": "1"}),
                json!({"attributes.a": "x", "attributes.b": "2"}),
                json!({"attributes": {"a": "x", "b": "2", "c": 3}}),
                json!({"attributes.a": null, "attributes.b": "1"}),
                "",
            ),
            (
                json!({"groups": ["a", "b"]}),
                json!({"groups": ["b", "c"]}),
                json!({"groups": ["b", "c", "d"]}),
                json!({"groups": ["a", "b", "d"]}),
                "",
            ),
            (
                json!({"groups": ["a"]}),
                json!({"groups": ["c"]}),
                json!({"groups": ["a"]}),
                json!({}),
                "",
            ),
            (
                json!({"groups": ["a", "b", "b//lead"]}),
                json!({"groups": ["a", "b", "b//clerk", "c", "c//lead", "d//"]}),
                json!({"groups": ["a", "b", "b//clerk", "c", "c//lead", "d//"]}),
                json!({"groups": ["a", "b", "b//lead"]}),
                "",
            ),
            (
                json!({"groups": ["b"]}),
                json!({"groups": ["b", "c", "d//"]}),
                json!({"groups": ["b", "c", "c//boss", "d"]}),
                json!({}),
                "groups: the roles in the group `c` have changed",
            ),
            (
                json!({"groups": ["b", "b//lead", "c", "d//"]}),
                json!({"groups": ["b", "d"]}),
                json!({"groups": ["c//", "d"]}),
                json!({"groups": ["c", "d//"]}),
                "groups: the person is no longer in the group `b`",
            ),
            (
                json!({"groups": ["gone"]}),
                json!({"groups": []}),
                json!({"groups": []}),
                json!({}),
                "groups: the group `gone` no longer exists",
            ),
            (
                json!({"status": "invited"}),
                json!({"status": "active"}),
                json!({"status": "active"}),
                json!({}),
                "status: the person has a password",
            ),
            (
                json!({"status": "active"}),
                json!({"status": "deactivated"}),
                json!({"status": "deactivated"}),
                json!({"status": "active"}),
                "",
            ),
            (
                json!({"email": "no address"}),
                json!({"email": "a@x.org"}),
                json!({"email": "a@x.org"}),
                json!({}),
                "email: it was not an address that muster can match",
            ),
        ] {
            let mut present = present(now.clone());
            present.has_password = true;
            present.history = vec![
                past("run", json!({"phone": "1"}), json!({"phone": "2"}), false),
                past("later", json!({"phone": "2"}), json!({"phone": "9"}), true),
            ];
            let mut case = case(
                1,
                Deed::Changed(values(was.clone()), values(wrote)),
                Some(present),
            );
            decide(&mut case, "run", &|key| key != "gone");
            let written = match &case.act {
                Act::Update(update) => update.after.clone(),
                _ => Values::new(),
            };
            assert_eq!(written, values(back), "{was} {now}");
            let reasons = case
                .kept
                .iter()
                .map(|kept| format!("{}: {}", kept.field, kept.reason));
            assert_eq!(reasons.collect::<Vec<_>>().join(", "), kept, "{was} {now}");
        }
    }

    #[test]
    fn an_account_goes_only_if_nobody_used_it() {
        let unused = present(json!({"status": "invited", "phone": "1"}));
        let touched = |history: Vec<Past>| Present {
            touched: true,
            history,
            ..unused.clone()
        };
        let forth = past("later", json!({"phone": "1"}), json!({"phone": "2"}), false);
        let back = past("undo", json!({"phone": "2"}), json!({"phone": "1"}), true);
        let stays = past("later", json!({"phone": "0"}), json!({"phone": "1"}), true);
        for (present, kept) in [
            (unused.clone(), None),
            (touched(vec![forth.clone(), back]), None),
            (touched(vec![]), Some(Reason::Changed(Since::Application))),
            (
                touched(vec![forth]),
                Some(Reason::Changed(Since::Application)),
            ),
            (
                touched(vec![stays]),
                Some(Reason::Changed(Since::Run("later".into()))),
            ),
            (
                Present {
                    accepted: true,
                    ..unused.clone()
                },
                Some(Reason::Accepted),
            ),
            (
                Present {
                    has_password: true,
                    ..unused.clone()
                },
                Some(Reason::Password),
            ),
            (
                Present {
                    grouped: true,
                    ..unused.clone()
                },
                Some(Reason::Grouped),
            ),
            (
                Present {
                    referred_by: Some("t".into()),
                    ..unused.clone()
                },
                Some(Reason::Referred("t".into())),
            ),
        ] {
            let mut case = case(1, Deed::Created, Some(present));
            decide(&mut case, "run", &|_| true);
            match kept {
                None => assert_eq!((&case.act, case.kept.len()), (&Act::Remove, 0)),
                Some(reason) => {
                    assert!(matches!(case.act, Act::Deactivate(_)), "{reason}");
                    assert_eq!(case.kept[0].reason, reason);
                }
            }
        }
        let deactivated = Present {
            has_password: true,
            ..present(json!({"status": "deactivated"}))
        };
        let mut case = case(1, Deed::Created, Some(deactivated));
        decide(&mut case, "run", &|_| true);
        assert_eq!((case.act, case.kept.len()), (Act::Leave, 1));
    }

    #[test]
    fn a_key_that_another_keeps_is_kept_and_so_is_all_that_waits_for_it() {
        // 1 wants a from 2, 2 wants b from 3, and 3 wants what a stranger has: nobody moves.
        // 4 and 5 trade; 6 gets what 7 leaves by going.
        let addresses = |from: &str, to: &str| {
            let (from, to) = (format!("{from}@x.org"), format!("{to}@x.org"));
            Deed::Changed(
                values(json!({ "email": from })),
                values(json!({ "email": to })),
            )
        };
        let now = |letter: &str| Some(present(json!({"email": format!("{letter}@x.org")})));
        let mut cases = [
            case(1, addresses("a", "z"), now("z")),
            case(2, addresses("b", "a"), now("a")),
            case(3, addresses("c", "b"), now("b")),
            case(4, addresses("d", "e"), now("e")),
            case(5, addresses("e", "d"), now("d")),
            case(6, addresses("f", "g"), now("g")),
            case(7, Deed::Created, now("f")),
        ];
        let holders = [
            ("z", 1),
            ("a", 2),
            ("b", 3),
            ("c", 99),
            ("e", 4),
            ("d", 5),
            ("g", 6),
            ("f", 7),
        ];
        let holders = holders
            .map(|(letter, id)| ((Key::Email, format!("{letter}@x.org")), Uuid::from_u128(id)))
            .into();
        for case in &mut cases {
            decide(case, "run", &|_| true);
        }
        settle(&mut cases, &holders);
        let key_transfer: Vec<bool> = cases.iter().map(|case| case.act != Act::Leave).collect();
        assert_eq!(key_transfer, [false, false, false, true, true, true, true]);
        assert_eq!(cases[0].kept[0].reason, Reason::Taken(Uuid::from_u128(2)));
        assert_eq!(trading(&cases, &holders), [4, 5].map(Uuid::from_u128));
    }

    #[test]
    fn groups_go_from_below_and_stay_where_anything_stays() {
        let id = Uuid::from_u128;
        let group = |number: u128, members: i64, children: &[u128]| Group {
            id: id(number),
            members,
            children: children.iter().copied().map(id).collect(),
            ..Group::default()
        };
        let groups = vec![
            group(1, 0, &[2]),
            group(2, 0, &[]),
            group(3, 0, &[4]),
            group(4, 1, &[]),
            group(5, 0, &[9]),
        ];
        let (gone, stay) = empty_groups(groups);
        assert_eq!(
            gone.iter().map(|group| group.id).collect::<Vec<_>>(),
            [id(2), id(1)]
        );
        let why: Vec<&str> = stay.iter().map(|(_, why)| why.as_str()).collect();
        assert_eq!(
            why,
            [
                "there are groups below it",
                "it has members",
                "there are groups below it"
            ]
        );
    }
}
