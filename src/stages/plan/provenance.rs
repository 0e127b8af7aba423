//! provenance: who set a value last, for pipelines that leave alone what others set. Pure.
//!
//! Runs keep what they wrote, and the database records what others write; the later of the two
//! counts. A value that an undo restored belongs to whoever had set it before. An account's first
//! values belong to the source that created it, or to the application.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

use crate::account::{Account, COLUMNS, Update};
use crate::definition::{Definition, UpdatePolicy};
use crate::field::{Field, RowNumber};
use crate::issue::{Code, Issue};
use crate::meaning::membership;

/// What an update of an account did.
#[derive(Debug, Clone, Default, Deserialize)]
struct Change {
    /// Of the run; empty where it isn't known.
    source: String,
    /// Whether it took something back.
    undo: bool,
    /// Microseconds since 1970.
    at: i64,
    /// What it wrote, by field.
    after: BTreeMap<String, Value>,
}

/// All that is known of who wrote to an account, as `match.sql` has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Past {
    /// The source that made the account; none for accounts made elsewhere.
    made_by: Option<String>,
    /// What runs changed, oldest first.
    changes: Vec<Change>,
    /// When somebody else wrote a value last, by field, in microseconds since 1970.
    edits: BTreeMap<String, i64>,
    /// The source that put the account into a group, by the group's key; none for the application.
    groups: BTreeMap<String, Option<String>>,
}

/// Who set a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setter<'a> {
    /// There never was a value.
    Nobody,
    /// A pipeline of that source.
    Source(&'a str),
    /// Whoever writes to the accounts besides imports.
    Application,
}

impl<'a> Setter<'a> {
    fn of(source: Option<&'a str>) -> Setter<'a> {
        source.map_or(Setter::Application, Setter::Source)
    }

    fn is_other(self, source: &str) -> bool {
        match self {
            Setter::Nobody => false,
            Setter::Source(other) => other != source,
            Setter::Application => true,
        }
    }
}

impl std::fmt::Display for Setter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Setter::Nobody => f.write_str("never set"),
            Setter::Source("") => f.write_str("last set by an older import"),
            Setter::Source(source) => write!(f, "last set by source {source}"),
            Setter::Application => f.write_str("last set by the application"),
        }
    }
}

impl Past {
    /// Who set what the account holds now for a field.
    pub fn setter(&self, field: &str, held: &Value) -> Setter<'_> {
        let edit = self.edits.get(field);
        let first = match (edit, &self.made_by) {
            (None, _) if held.is_null() => Setter::Nobody,
            (None, made_by) => Setter::of(made_by.as_deref()),
            (Some(_), _) => Setter::Application,
        };
        let writes = |change: &&Change| change.after.contains_key(field);
        let mut changes = self.changes.iter().rev().filter(writes);
        let Some(last) = changes.next() else {
            return first;
        };
        let is_held = |change: &Change| change.after.get(field) == Some(held);
        if !is_held(last) || edit.is_some_and(|edit| *edit >= last.at) {
            return Setter::Application;
        }
        if !last.undo {
            return Setter::Source(&last.source);
        }
        let before = changes.find(|change| !change.undo && is_held(change));
        before.map_or(first, |change| Setter::Source(&change.source))
    }
}

/// Takes out of an update what the pipeline leaves to others.
pub fn keep_others(
    update: &mut Update,
    account: &Account,
    row: RowNumber,
    definition: &Definition,
    issues: &mut Vec<Issue>,
) {
    let Some(past) = account.past.as_deref().filter(|_| !update.after.is_empty()) else {
        return;
    };
    let past: Past = serde_json::from_str(past).unwrap_or_default();
    let policy = &definition.update;
    let wanted: Vec<(String, Value)> = update.after.clone().into_iter().collect();
    for (name, wanted) in wanted {
        let attribute = name.strip_prefix("attributes.");
        let field = Field::from_name(&name);
        let update_policy = match (attribute, field) {
            (Some(attribute), _) => policy.of_attribute(attribute),
            (None, Some(field)) => policy.of(field),
            (None, None) => continue,
        };
        // Whoever opened an account, a list that closes it must not be talked out of that.
        let closes = field == Some(Field::Status) && wanted == "deactivated";
        if update_policy != UpdatePolicy::Own || closes {
            continue;
        }
        if let Some(field) = field.filter(|field| membership::FIELDS.contains(field)) {
            issues.extend(stay(update, account, field, row, &past, definition));
            continue;
        }
        let setter = past.setter(&name, update.before.get(&name).unwrap_or(&Value::Null));
        if !setter.is_other(definition.source()) {
            continue;
        }
        let found = wanted.as_str().unwrap_or("");
        issues.push(match field {
            Some(field) => Issue::of_field(Code::UpdateKept, row, field, found, setter.to_string()),
            None => Issue::of_value(Code::UpdateKept, row, found, format!("{name}: {setter}")),
        });
        put_back(update, account, &name);
    }
}

/// The update leaves a value as it is.
fn put_back(update: &mut Update, account: &Account, name: &str) {
    let held = update.before.remove(name).unwrap_or_default();
    update.after.remove(name);
    if let Some(attribute) = name.strip_prefix("attributes.") {
        match held {
            Value::Null => drop(update.attributes.remove(attribute)),
            held => drop(update.attributes.insert(attribute.to_string(), held)),
        }
    }
    if let Some(column) = COLUMNS.iter().position(|field| field.name() == name) {
        update.values[column].clone_from(&account.values[column]);
    }
    match Field::from_name(name) {
        Some(Field::Email) => update.keys[0].clone_from(&account.keys[0]),
        Some(Field::Username) => update.keys[1].clone_from(&account.keys[1]),
        _ => {}
    }
}

/// Memberships or enrolments that others began don't end.
fn stay(
    update: &mut Update,
    account: &Account,
    field: Field,
    row: RowNumber,
    past: &Past,
    definition: &Definition,
) -> Vec<Issue> {
    let setter = |group: &str| {
        let by = past.groups.get(membership::key_of(group));
        by.map(|by| Setter::of(by.as_deref()))
    };
    let mut issues = Vec::new();
    let is_other = |entry: &str| membership::session(entry).is_some() != (field == Field::Sessions);
    update.leaves.retain(|group| match setter(group) {
        _ if is_other(group) => true,
        Some(setter) if setter.is_other(definition.source()) => {
            let what = match field {
                Field::Sessions => "session",
                _ => "group",
            };
            let (found, detail) = (
                membership::shown(group),
                format!("stays in this {what}: {setter}"),
            );
            let issue = Issue::of_field(Code::UpdateKept, row, field, &found, detail);
            issues.push(issue);
            false
        }
        _ => true,
    });
    if update
        .joins
        .iter()
        .chain(&update.leaves)
        .all(|entry| is_other(entry))
    {
        put_back(update, account, field.name());
    } else if !issues.is_empty() {
        let stays = |group: &&String| !update.leaves.contains(group);
        let mut after: Vec<String> = account.groups.iter().filter(stays).cloned().collect();
        after.extend(update.joins.iter().cloned());
        after.sort();
        let name = field.name().to_string();
        update
            .after
            .insert(name, membership::recorded(&after, field));
    }
    issues
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition;
    use Setter::{Application, Nobody, Source};
    use serde_json::json;

    fn past(json: Value) -> Past {
        serde_json::from_value(json).unwrap()
    }

    fn wrote(source: &str, at: i64, phone: Value) -> Value {
        json!({"source": source, "undo": source == "undo", "at": at, "after": {"phone": phone}})
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn the_last_one_who_set_a_value_has_it() {
        let other = json!({"source": "crm", "undo": false, "at": 5, "after": {"role": "x"}});
        let cleared = |source: &str| wrote(source, 5, Value::Null);
        for (what, made_by, changes, edit, held, setter) in [
            (
                "made so",
                json!("hr"),
                json!([]),
                None,
                json!("1"),
                Source("hr"),
            ),
            (
                "made elsewhere",
                json!(null),
                json!([]),
                None,
                json!("1"),
                Application,
            ),
            (
                "made without",
                json!("hr"),
                json!([]),
                None,
                json!(null),
                Nobody,
            ),
            (
                "made elsewhere without",
                json!(null),
                json!([]),
                None,
                json!(null),
                Nobody,
            ),
            (
                "another field",
                json!("hr"),
                json!([other]),
                None,
                json!("1"),
                Source("hr"),
            ),
            (
                "edited",
                json!("hr"),
                json!([]),
                Some(1),
                json!("1"),
                Application,
            ),
            (
                "emptied",
                json!("hr"),
                json!([]),
                Some(1),
                json!(null),
                Application,
            ),
            (
                "cleared",
                json!("hr"),
                json!([cleared("crm")]),
                None,
                json!(null),
                Source("crm"),
            ),
            (
                "updated",
                json!("hr"),
                json!([wrote("crm", 5, json!("1"))]),
                None,
                json!("1"),
                Source("crm"),
            ),
            (
                "edited, then updated",
                json!("hr"),
                json!([wrote("crm", 5, json!("1"))]),
                Some(4),
                json!("1"),
                Source("crm"),
            ),
            (
                "updated, then edited",
                json!("hr"),
                json!([wrote("crm", 5, json!("1"))]),
                Some(6),
                json!("1"),
                Application,
            ),
            (
                "not what was written",
                json!("hr"),
                json!([wrote("crm", 5, json!("1"))]),
                None,
                json!("2"),
                Application,
            ),
            (
                "twice",
                json!("hr"),
                json!([wrote("crm", 5, json!("1")), wrote("hr", 6, json!("2"))]),
                None,
                json!("2"),
                Source("hr"),
            ),
            (
                "an undo of the first update",
                json!("hr"),
                json!([wrote("crm", 5, json!("2")), wrote("undo", 6, json!("1"))]),
                None,
                json!("1"),
                Source("hr"),
            ),
            (
                "an undo of the second update",
                json!(null),
                json!([
                    wrote("crm", 5, json!("2")),
                    wrote("hr", 6, json!("3")),
                    wrote("undo", 7, json!("2"))
                ]),
                None,
                json!("2"),
                Source("crm"),
            ),
            (
                "an undo brings back what the application set",
                json!("hr"),
                json!([wrote("hr", 6, json!("3")), wrote("undo", 7, json!("2"))]),
                Some(5),
                json!("2"),
                Application,
            ),
            (
                "an undo of the undo",
                json!("hr"),
                json!([
                    wrote("crm", 5, json!("2")),
                    wrote("undo", 6, json!("1")),
                    wrote("undo", 7, json!("2"))
                ]),
                None,
                json!("2"),
                Source("crm"),
            ),
        ] {
            let mut past = past(json!({"made_by": made_by, "changes": changes}));
            past.edits = edit
                .map(|at| ("phone".to_string(), at))
                .into_iter()
                .collect();
            assert_eq!(past.setter("phone", &held), setter, "{what}");
        }
    }

    /// What is left of an update that changes all of this, and the issues.
    fn kept(toml: &str, past: Value, after: Value) -> (Update, Vec<String>) {
        let definition = definition::parse("p", &format!("name = \"hr\"\n{toml}"))
            .unwrap()
            .definition;
        let mut account = Account {
            past: Some(past.to_string()),
            groups: vec!["ours".into(), "theirs".into()],
            keys: [Some("old@x.org".into()), None],
            ..Account::default()
        };
        let mut update = Update {
            keys: [Some("new@x.org".into()), None],
            after: serde_json::from_value(after).unwrap(),
            leaves: account.groups.clone(),
            ..Update::default()
        };
        for (column, field) in COLUMNS.into_iter().enumerate() {
            if update.after.contains_key(field.name()) {
                account.values[column] = Some("old".into());
                update.values[column] = Some("new".into());
            }
        }
        for name in update.after.keys() {
            update.before.insert(name.clone(), "old".into());
        }
        let mut issues = Vec::new();
        keep_others(&mut update, &account, 0, &definition, &mut issues);
        let issues = issues.into_iter().map(|issue| issue.detail).collect();
        (update, issues)
    }

    #[test]
    fn only_what_is_own_is_overwritten() {
        const OWN: &str = "[update]\ndefault = \"own\"";
        const PHONE: &str = "[update.fields]\nphone = \"own\"";
        const PLAIN: &str = "";
        let names = ["attributes.shoe", "email", "phone"];
        let all = json!({"attributes.shoe": "new", "email": "new", "phone": "new"});
        let theirs = json!({"made_by": "crm"});
        let edited = json!({"made_by": "hr", "edits": {"phone": 1}});
        let none: &[&str] = &[];
        for (toml, past, left) in [
            (PLAIN, &theirs, &names[..]),
            (PHONE, &theirs, &names[..2]),
            (OWN, &theirs, none),
            (OWN, &edited, &names[..2]),
            (
                "[leavers]\nsource = \"crm\"\n[update]\ndefault = \"own\"",
                &theirs,
                &names[..],
            ),
        ] {
            let (update, issues) = kept(toml, past.clone(), all.clone());
            let after: Vec<&str> = update.after.keys().map(String::as_str).collect();
            assert_eq!(after, left, "{toml} {past}");
            assert_eq!(issues.len(), names.len() - left.len(), "{issues:?}");
            let has = |name: &str| left.contains(&name);
            let key = if has("email") {
                "new@x.org"
            } else {
                "old@x.org"
            };
            assert_eq!(update.keys[0].as_deref(), Some(key));
            let phone = COLUMNS
                .iter()
                .position(|field| *field == Field::Phone)
                .unwrap();
            let value = if has("phone") { "new" } else { "old" };
            assert_eq!(update.values[phone].as_deref(), Some(value));
            assert_eq!(update.before.len(), left.len());
        }
    }

    #[test]
    fn whoever_opened_an_account_it_is_closed_and_whoever_closed_it_it_stays_closed() {
        const OWN: &str = "[update]\ndefault = \"own\"";
        let edited = json!({"made_by": "hr", "edits": {"status": 1}});
        for (wanted, goes) in [("deactivated", true), ("active", false)] {
            let (update, issues) = kept(OWN, edited.clone(), json!({"status": wanted}));
            assert_eq!(update.after.contains_key("status"), goes);
            assert_eq!(issues.is_empty(), goes);
        }
    }

    #[test]
    fn nobody_loses_a_group_that_somebody_else_put_them_into() {
        const OWN: &str = "[update.fields]\ngroups = \"own\"";
        let table = [
            (
                json!({"ours": "hr", "theirs": null}),
                vec!["ours"],
                Some(json!(["theirs"])),
            ),
            (json!({"ours": "crm", "theirs": null}), vec![], None),
            (
                json!({"ours": "hr", "theirs": "hr"}),
                vec!["ours", "theirs"],
                Some(json!([])),
            ),
        ];
        for (groups, leaves, after) in table {
            let past = json!({"made_by": "hr", "groups": groups});
            let (update, issues) = kept(OWN, past, json!({"groups": []}));
            assert_eq!(update.leaves, leaves);
            assert_eq!(update.after.get("groups").cloned(), after);
            assert_eq!(issues.len(), 2 - leaves.len());
        }
    }
}
