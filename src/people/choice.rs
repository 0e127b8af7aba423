//! Which people are meant: a filter as somebody typed or chose it.

use serde::{Deserialize, Serialize};

use super::groups::{below, find_group, unknown};
use crate::definition::Definition;
use crate::meaning::group;
use crate::refusal::Result;
use crate::store::Store;
use crate::store::people::{Choice, KNOWN_BY};
use crate::store::runs::{pick, unknown as unknown_run};

/// What is asked for: those who fit all of it. A list means any of its words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// `active`, `invited` or `deactivated`.
    pub statuses: Vec<String>,
    /// Members of a group or of one below it, by its name.
    pub groups: Vec<String>,
    /// Also among a person's other roles.
    pub roles: Vec<String>,
    /// Organizations.
    pub organizations: Vec<String>,
    /// Whom this run created, changed or found unchanged: an id, the beginning of one, or `last`.
    pub run: Option<String>,
    /// Who was sent an invitation on this day (UTC) or later.
    pub invited_since: Option<String>,
    /// Who has neither accepted an invitation nor chosen a password.
    pub never_signed_in: bool,
    /// Who is that far: `not-invited`, `invited`, `cancelled`, `accepted`, `active` or `closed`.
    pub phases: Vec<String>,
    /// Who is missing from the latest list of their source.
    pub missing: bool,
    /// Whose name, address, username, id, phone or organization has this text.
    pub text: Option<String>,
}

impl Asked {
    /// Whether anything is asked for.
    pub fn is_any(&self) -> bool {
        let lists = [
            &self.statuses,
            &self.groups,
            &self.roles,
            &self.organizations,
            &self.phases,
        ];
        lists.iter().any(|list| !list.is_empty())
            || self.run.is_some()
            || self.invited_since.is_some()
            || self.never_signed_in
            || self.missing
            || self.text.is_some()
    }

    /// What is asked for, as the database understands it.
    ///
    /// # Errors
    /// `selection.unknown` or `run.unknown` for a word that names nothing, or a refusal with a
    /// `database.*` code.
    pub fn choice(&self, store: &Store, definition: &Definition) -> Result<Choice> {
        let run = match &self.run {
            None => None,
            Some(wanted) => {
                let mut runs = store.list_runs(i64::MAX)?;
                runs.retain(|run| run.kind == "import" || run.kind == "undo");
                let run = pick(runs, wanted)?.ok_or_else(|| unknown_run(wanted))?;
                Some(run.id)
            }
        };
        let mut choice = Choice {
            statuses: (!self.statuses.is_empty()).then(|| self.statuses.clone()),
            groups: self.groups(store)?,
            roles: self.roles(store, definition)?,
            organizations: self.organizations(store)?,
            run,
            invited_since: self.invited_since.clone(),
            never_signed_in: self.never_signed_in,
            ids: None,
            except: None,
            missing: self.missing,
            phases: (!self.phases.is_empty()).then(|| self.phases.clone()),
        };
        if let Some(text) = &self.text {
            let text = group::key(text.trim());
            let words: Vec<&str> = match text.is_ascii() {
                true => text.split_whitespace().collect(),
                false => Vec::new(),
            };
            choice.ids =
                Some(store.people_known_by(&choice, &words, |values| has_text(values, &text))?);
        }
        Ok(choice)
    }

    fn groups(&self, store: &Store) -> Result<Option<Vec<uuid::Uuid>>> {
        if self.groups.is_empty() {
            return Ok(None);
        }
        let groups = store.list_groups()?;
        let mut ids = Vec::new();
        for wanted in &self.groups {
            let found = find_group(&groups, wanted)?;
            ids.extend(below(&groups, found).iter().map(|group| group.id));
        }
        Ok(Some(ids))
    }

    fn roles(&self, store: &Store, definition: &Definition) -> Result<Option<Vec<String>>> {
        if self.roles.is_empty() {
            return Ok(None);
        }
        let mut known = store.roles_in_use()?;
        known.extend(definition.accounts.roles.iter().cloned());
        named("role", &self.roles, &known)
    }

    fn organizations(&self, store: &Store) -> Result<Option<Vec<String>>> {
        if self.organizations.is_empty() {
            return Ok(None);
        }
        named("organization", &self.organizations, &store.organizations()?)
    }
}

/// Those of `known` that `wanted` names, whatever their case.
fn named(what: &str, wanted: &[String], known: &[String]) -> Result<Option<Vec<String>>> {
    let mut found = Vec::new();
    for wanted in wanted {
        let key = group::key(wanted.trim());
        let before = found.len();
        found.extend(known.iter().filter(|name| group::key(name) == key).cloned());
        if found.len() == before {
            return Err(unknown(what, wanted, known.iter().map(String::as_str)));
        }
    }
    Ok(Some(found))
}

/// Whether a text, as it is compared, is anywhere in what an account is known by.
fn has_text(known_by: &[Option<&str>; KNOWN_BY.len()], text: &str) -> bool {
    let has = |value: &str| group::key(value).contains(text);
    let [first, last] = [known_by[0], known_by[1]].map(Option::unwrap_or_default);
    known_by.iter().flatten().any(|value| has(value))
        || has(&format!("{first} {last}"))
        || has(&format!("{last} {first}"))
}
