//! One row with its values, as the passes after the match see it: by the policy of a pipeline.

use crate::account::Account;
use crate::definition::{Definition, EmptyCell, Onboarding, RoleRule, UpdatePolicy};
use crate::field::{CLEARED, Field, Key, RowNumber};
use crate::meaning::dates::{Standing, is_over, standing};
use crate::meaning::group;
use crate::meaning::membership::{self, Said, Tree};
use crate::meaning::protection::is_protected;
use crate::meaning::words::ROLE_SEPARATOR;
use crate::row::{Layout, People, Slot};

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    Empty,
    Cleared,
    Value(&'a str),
}

impl<'a> Cell<'a> {
    pub(crate) fn of(value: &'a str) -> Cell<'a> {
        match value {
            "" => Cell::Empty,
            CLEARED => Cell::Cleared,
            value => Cell::Value(value),
        }
    }

    /// What the account is to hold, `Some(None)` for nothing; `None` when it keeps what it has.
    pub(crate) fn wanted(
        self,
        held: Option<&str>,
        update_policy: UpdatePolicy,
        empty: EmptyCell,
    ) -> Option<Option<&'a str>> {
        let wanted = match self {
            Cell::Value(value) => Some(value),
            Cell::Cleared => None,
            Cell::Empty if empty == EmptyCell::Clear => None,
            Cell::Empty => return None,
        };
        let held = held.filter(|held| !held.is_empty());
        let may = match update_policy {
            UpdatePolicy::Overwrite | UpdatePolicy::Own => true,
            UpdatePolicy::Fill => held.is_none(),
            UpdatePolicy::Keep | UpdatePolicy::Never => false,
        };
        (may && wanted != held).then_some(wanted)
    }
}

/// One row with its values, as `decide` sees it.
pub struct Person<'a> {
    /// The batch.
    pub people: &'a People,
    /// The row's place in it.
    pub index: usize,
    /// The slots of the run.
    pub layout: &'a Layout,
}

impl<'a> Person<'a> {
    /// The row's number in the run.
    pub fn row(&self) -> RowNumber {
        self.people.drafts.first_row + self.index as RowNumber
    }

    /// The cleaned value of a field; `None` when the run hasn't the field or the cell is empty.
    pub fn value(&self, field: Field) -> Option<&'a str> {
        match self.cell(field) {
            Some(Cell::Value(value)) => Some(value),
            _ => None,
        }
    }

    /// Whether a new account gets a password that the row brought along.
    pub fn has_password(&self) -> bool {
        self.people.drafts.passwords.has(self.index)
    }

    /// What the row says of a field; `None` when the run hasn't it.
    pub(crate) fn cell(&self, field: Field) -> Option<Cell<'a>> {
        let slot = self.layout.field(field)?;
        Some(Cell::of(self.people.drafts.values.get(self.index, slot)))
    }

    /// The value of a column that isn't kept; `None` when the run hasn't it or the cell is empty.
    pub fn aside(&self, name: &str) -> Option<&'a str> {
        let slot = self.layout.position(&Slot::Ignored(name.to_string()))?;
        Some(self.people.drafts.values.get(self.index, slot)).filter(|value| !value.is_empty())
    }

    /// One of its keys.
    pub(crate) fn key(&self, key: Key) -> Option<String> {
        self.people.key(self.index, key).map(String::from)
    }

    /// The custom attributes of a new account.
    pub fn attributes(
        &self,
        definition: &'a Definition,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.attribute_cells()
            .filter_map(|(name, cell)| match cell {
                Cell::Value(value)
                    if definition.update.of_attribute(name) != UpdatePolicy::Never =>
                {
                    Some((name, value))
                }
                _ => None,
            })
    }

    /// What the row says of each custom attribute.
    pub(crate) fn attribute_cells(&self) -> impl Iterator<Item = (&'a str, Cell<'a>)> {
        let (people, index) = (self.people, self.index);
        self.layout
            .attributes()
            .map(move |(slot, name)| (name, Cell::of(people.drafts.values.get(index, slot))))
    }

    /// What the row says of groups.
    pub fn said(&self) -> Said<'a> {
        let text = |field| {
            let slot = self.layout.field(field)?;
            Some(self.people.drafts.values.get(self.index, slot))
        };
        Said {
            groups: text(Field::Groups),
            add: text(Field::AddGroups),
            remove: text(Field::RemoveGroups),
            sessions: text(Field::Sessions),
        }
    }

    /// The groups that a new account gets by its row, as people read them.
    pub fn groups_of_new(&self, definition: &'a Definition) -> Vec<String> {
        let said = self.said().for_new(&definition.update);
        said.named(&definition.groups)
            .map(|(path, role)| match role {
                Some(role) => format!("{path} ({role})"),
                None => path.to_string(),
            })
            .collect()
    }

    /// The sessions that a new account is enrolled in by its row.
    pub fn sessions_of_new(&self, definition: &'a Definition) -> Vec<String> {
        let said = self.said().for_new(&definition.update);
        said.enrolled().map(String::from).collect()
    }

    /// The memberships of a new account, as entries of [`membership`].
    pub fn entries_of_new(&self, definition: &Definition, tree: &Tree) -> Vec<String> {
        membership::of_new(self.said(), &definition.update, &definition.groups, tree)
    }

    /// What a new account gets for a column: the row's value, or the pipeline's default.
    pub fn value_of_new(&self, field: Field, definition: &'a Definition) -> Option<&'a str> {
        let update_policy = definition.update.of(field);
        self.value(field)
            .filter(|_| update_policy != UpdatePolicy::Never)
            .or_else(|| match field {
                Field::Role => Some(self.default_role(definition)),
                // Whoever brings a password can sign in with it, and waits for no link.
                Field::Status if self.has_password() => Some("active"),
                Field::Status => Some(status_of_onboarding(definition)),
                _ => None,
            })
            .map(|value| match field {
                Field::Status => self.status_on_the_day(value, definition),
                _ => value,
            })
    }

    /// The role of a new account whose row names none.
    fn default_role(&self, definition: &'a Definition) -> &'a str {
        let by_rule = self.role_rule(definition).map(|rule| rule.role.as_str());
        by_rule.unwrap_or(&definition.accounts.default_role)
    }

    /// The rule of the pipeline that gives a new account its role: the first that fits, where the row
    /// names no role.
    pub fn role_rule(&self, definition: &'a Definition) -> Option<&'a RoleRule> {
        let rules = &definition.role.rules;
        let takes_role = definition.update.of(Field::Role) != UpdatePolicy::Never;
        if rules.is_empty() || takes_role && self.value(Field::Role).is_some() {
            return None;
        }
        let said = self.said().for_new(&definition.update);
        let groups: Vec<String> = said
            .named(&definition.groups)
            .map(|(path, _)| group::key(path))
            .collect();
        let organization = self.value(Field::Organization).map(str::to_lowercase);
        let fits = |rule: &&RoleRule| {
            let group = rule.group.as_ref().is_none_or(|wanted| {
                let wanted = group::key(&group::clean(wanted, &definition.groups).value);
                groups.iter().any(|key| match wanted.strip_suffix('*') {
                    Some(above) => key.starts_with(above),
                    None => *key == wanted,
                })
            });
            let wanted = rule.organization.as_ref();
            let is_of = |wanted: &String| organization.as_deref() == Some(&*wanted.to_lowercase());
            group && wanted.is_none_or(is_of)
        };
        rules.iter().find(fits)
    }

    /// The status of a new account that is to get `wanted`, as its days have it.
    pub(crate) fn status_on_the_day(&self, wanted: &'a str, definition: &'a Definition) -> &'a str {
        let day = |field| self.value_of_new(field, definition);
        let accounts = &definition.accounts;
        if self.is_over(definition) {
            return "deactivated";
        }
        match standing(accounts, day(Field::StartDate), day(Field::EndDate)) {
            Standing::Before if wanted == "active" => "invited",
            Standing::After => {
                let roles = roles(day(Field::Role), day(Field::OtherRoles));
                let email_key = self.people.key(self.index, Key::Email);
                if is_protected(definition, roles, email_key) {
                    wanted
                } else {
                    "deactivated"
                }
            }
            _ => wanted,
        }
    }
}

impl Person<'_> {
    /// Whether the row names a last day that is over, which the pipeline does nothing about.
    pub(crate) fn is_over(&self, definition: &Definition) -> bool {
        // Nearly no row has a last day.
        self.value(Field::EndDate).is_some() && {
            let day = |field| self.value(field);
            let roles = roles(day(Field::Role), day(Field::OtherRoles));
            is_over(
                &definition.accounts,
                day(Field::StartDate),
                day(Field::EndDate),
            ) && !is_protected(definition, roles, self.people.key(self.index, Key::Email))
        }
    }
}

/// The status of an account that is made by a pipeline.
pub(crate) fn status_of_onboarding(definition: &Definition) -> &'static str {
    match definition.accounts.onboarding {
        Onboarding::Invite => "invited",
        Onboarding::Setup => "active",
    }
}

/// Whether a row and an account have the same e-mail address or username, however it is spelled.
pub fn is_same_key(person: &Person, account: &Account, field: Field) -> bool {
    let (key, held) = match field {
        Field::Email => (Key::Email, &account.keys[0]),
        Field::Username => (Key::Username, &account.keys[1]),
        _ => return false,
    };
    let key = person.people.key(person.index, key);
    key.is_some() && key == held.as_deref()
}

/// The role and the other ones, which are one text.
pub(crate) fn roles<'a>(
    role: Option<&'a str>,
    others: Option<&'a str>,
) -> impl Iterator<Item = &'a str> {
    let others = others.into_iter();
    let others = others.flat_map(|others| others.split(ROLE_SEPARATOR));
    role.into_iter().chain(others)
}
