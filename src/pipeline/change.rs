//! What a planned row does to its account: its groups, its status, and what the report says when it
//! is held.

use std::collections::{BTreeSet, HashSet};

use crate::account::Update;
use crate::decision::Planned;
use crate::definition::Definition;
use crate::field::{Field, RowNumber};
use crate::issue::{Code, Issue};
use crate::meaning::group;
use crate::meaning::membership;
use crate::meaning::membership::Said;
use crate::meaning::person::Person;
use crate::outcome::Outcome;
use crate::row::{Layout, People};
use crate::safeguard::{Class, Classes};
use crate::stages::safeguards::{Change, Hold};

/// Whether it matters in which groups people are.
pub(super) fn asks_for_groups(layout: &Layout, definition: &Definition) -> bool {
    let lists_groups = |field: Field| field.lists_groups() && layout.field(field).is_some();
    definition.groups.required || Field::ALL.into_iter().any(lists_groups)
}

/// The rows of a batch that would write, and what they would do.
pub(super) fn changes<'a>(
    people: &'a People,
    planned: &'a Planned,
    layout: &'a Layout,
    definition: &'a Definition,
) -> impl Iterator<Item = (RowNumber, Change<'a>)> {
    let mut updates = planned.updates.iter().peekable();
    let outcomes = planned.outcomes.iter().enumerate();
    outcomes.filter_map(move |(index, outcome)| {
        let row = people.drafts.first_row + index as RowNumber;
        let update = updates.next_if(|(at, _)| *at == row);
        let person = Person {
            people,
            index,
            layout,
        };
        match (outcome, update) {
            (Outcome::Created, _) => {
                Some((row, Change::Create(status_of_new(&person, definition))))
            }
            (Outcome::Updated, Some((_, update))) => Some((row, Change::Update(update))),
            _ => None,
        }
    })
}

/// The status that a new account gets.
pub(super) fn status_of_new<'a>(person: &Person<'a>, definition: &'a Definition) -> &'a str {
    person.value_of_new(Field::Status, definition).unwrap_or("")
}

/// The keys of the groups that a row brings its account into.
pub(super) fn joins(person: &Person, change: Change, definition: &Definition) -> Vec<String> {
    match change {
        Change::Create(_) => named(person.said(), definition),
        Change::Update(update) => joined(update).collect(),
    }
}

/// What the report says about a row that is held.
pub(super) fn held_issues(row: RowNumber, hold: Hold, classes: Classes) -> Vec<Issue> {
    let codes: Vec<Code> = match hold.reasons(classes) {
        reasons if reasons.is_empty() => vec![Code::SafeguardOthers],
        reasons => reasons.into_iter().map(Class::code).collect(),
    };
    let issues = codes.into_iter().map(|code| Issue::of_row(code, row, ""));
    issues.collect()
}

/// The keys of the groups that the rows of a batch will be in by themselves.
pub(super) fn needed_groups(
    people: &People,
    planned: &Planned,
    layout: &Layout,
    definition: &Definition,
) -> BTreeSet<String> {
    let goes_on = |row: &RowNumber| {
        planned.outcomes[(row - people.drafts.first_row) as usize] == Outcome::Updated
    };
    let updates = planned.updates.iter().filter(|(row, _)| goes_on(row));
    let mut keys: BTreeSet<String> = updates.flat_map(|(_, update)| joined(update)).collect();
    let created = planned.outcomes.iter().enumerate();
    let created = created.filter(|(_, outcome)| **outcome == Outcome::Created);
    let said = |(index, _)| {
        let person = Person {
            people,
            index,
            layout,
        };
        person.said()
    };
    // A batch has far fewer such cells than rows.
    let said: HashSet<Said> = created.map(said).collect();
    keys.extend(said.into_iter().flat_map(|said| named(said, definition)));
    keys
}

/// The keys of the groups that an update joins. Those of inherited memberships come with them.
pub(super) fn joined(update: &Update) -> impl Iterator<Item = String> {
    let parts = update.joins.iter().map(|entry| membership::parts(entry));
    parts
        .filter(|(key, role)| role.is_none() && membership::session(key).is_none())
        .map(|(key, _)| key.to_string())
}

/// The keys of the groups that a new account joins.
pub(super) fn named(said: Said, definition: &Definition) -> Vec<String> {
    said.for_new(&definition.update)
        .named(&definition.groups)
        .map(|(path, _)| group::key(path))
        .collect()
}
