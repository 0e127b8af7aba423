//! Which people are meant: the filters of `muster people list` and `muster people export`.

use clap::Args;
use jiff::civil::Date;

use crate::cli::groups::{below, find_group};
use crate::cli::listing::unknown;
use crate::definition::Definition;
use crate::meaning::group;
use crate::refusal::Result;
use crate::runs::pick;
use crate::store::Store;
use crate::store::people::{Choice, KNOWN_BY};
use crate::store::runs::unknown as unknown_run;

const STATUSES: [&str; 3] = ["active", "invited", "deactivated"];

#[derive(Args, Clone, Default)]
pub(super) struct ChoiceArgs {
    /// Only people with this status; repeatable
    #[arg(long, value_parser = STATUSES)]
    status: Vec<String>,
    /// Only members of this group or of a group below it; repeatable
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// Only people with this role, also among their other roles; repeatable
    #[arg(long, value_name = "NAME")]
    role: Vec<String>,
    /// Only people of this organization; repeatable
    #[arg(long, value_name = "NAME")]
    organization: Vec<String>,
    /// Only people whom this run created, changed or found unchanged: an id or `last`
    #[arg(long)]
    run: Option<String>,
    /// Only people who were sent an invitation on this day (UTC) or later
    #[arg(long, value_name = "YYYY-MM-DD")]
    invited_since: Option<Date>,
    /// Only people who have neither accepted an invitation nor chosen a password
    #[arg(long)]
    never_signed_in: bool,
    /// Only people whose name, address, username, id, phone or organization has this text
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

impl ChoiceArgs {
    /// Whether anything is asked for.
    pub(super) fn is_any(&self) -> bool {
        let lists = [&self.status, &self.group, &self.role, &self.organization];
        lists.iter().any(|list| !list.is_empty())
            || self.run.is_some()
            || self.invited_since.is_some()
            || self.never_signed_in
            || self.text.is_some()
    }

    /// What is asked for, as the database understands it.
    pub(super) fn choice(&self, store: &Store, definition: &Definition) -> Result<Choice> {
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
            statuses: (!self.status.is_empty()).then(|| self.status.clone()),
            groups: self.groups(store)?,
            roles: self.roles(store, definition)?,
            organizations: self.organizations(store)?,
            run,
            invited_since: self.invited_since.map(|day| day.to_string()),
            never_signed_in: self.never_signed_in,
            ids: None,
        };
        if let Some(text) = &self.text {
            let text = group::key(text.trim());
            choice.ids = Some(store.people_known_by(&choice, |values| has_text(values, &text))?);
        }
        Ok(choice)
    }

    fn groups(&self, store: &Store) -> Result<Option<Vec<uuid::Uuid>>> {
        if self.group.is_empty() {
            return Ok(None);
        }
        let groups = store.list_groups()?;
        let mut ids = Vec::new();
        for wanted in &self.group {
            let found = find_group(&groups, wanted)?;
            ids.extend(below(&groups, found).iter().map(|group| group.id));
        }
        Ok(Some(ids))
    }

    fn roles(&self, store: &Store, definition: &Definition) -> Result<Option<Vec<String>>> {
        if self.role.is_empty() {
            return Ok(None);
        }
        let mut known = store.roles_in_use()?;
        known.extend(definition.accounts.roles.iter().cloned());
        named("role", &self.role, &known)
    }

    fn organizations(&self, store: &Store) -> Result<Option<Vec<String>>> {
        if self.organization.is_empty() {
            return Ok(None);
        }
        named("organization", &self.organization, &store.organizations()?)
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
