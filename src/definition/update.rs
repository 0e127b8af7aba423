//! `[update]`: what an update may change.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::place::{Checked, Mistake};
use crate::field::Field;

/// When a file's value goes into an account.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum UpdatePolicy {
    /// At creation, and whenever it differs.
    #[default]
    Overwrite,
    /// At creation, and whenever it differs, but not over what the application or a pipeline of
    /// another source set last. Of groups: nobody loses one that somebody else put them into. An
    /// account is closed whoever opened it.
    Own,
    /// At creation, and where the account has none.
    Fill,
    /// At creation only.
    Keep,
    /// Not at all.
    Never,
}

/// What an empty cell means for an account that has a value.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum EmptyCell {
    /// The account keeps it.
    #[default]
    Keep,
    /// The account loses it.
    Clear,
}

/// `[update]`: field by field, what an update may change.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Updates {
    /// For fields that `fields` doesn't name.
    pub default: UpdatePolicy,
    /// By field; `attributes` for all custom attributes, `attributes.NAME` for one.
    pub fields: BTreeMap<String, UpdatePolicy>,
    /// What empty cells mean.
    pub empty: EmptyCell,
    /// The cell that says: take away what the account has. Empty for none.
    pub clear: String,
}

impl Default for Updates {
    fn default() -> Self {
        Updates {
            default: UpdatePolicy::Overwrite,
            fields: BTreeMap::new(),
            empty: EmptyCell::Keep,
            clear: "<clear>".to_string(),
        }
    }
}

impl Updates {
    pub(super) fn check(&self) -> Checked {
        if self.clear.chars().any(char::is_control) {
            let message = "`clear` has control characters in it";
            return Err(Mistake::at(&["update", "clear"], message));
        }
        Ok(())
    }

    /// Whether it matters who set a value last.
    pub fn asks_who(&self) -> bool {
        self.default == UpdatePolicy::Own
            || self
                .fields
                .values()
                .any(|update_policy| *update_policy == UpdatePolicy::Own)
    }

    /// What may be done to a field. Where `role` or `groups` is named, that is also said of the
    /// other columns that roles and memberships come from.
    pub fn of(&self, field: Field) -> UpdatePolicy {
        let main = match field {
            Field::OtherRoles => Field::Role,
            Field::AddGroups | Field::RemoveGroups => Field::Groups,
            field => field,
        };
        [field, main]
            .iter()
            .find_map(|field| self.fields.get(field.name()).copied())
            .unwrap_or(self.default)
    }

    /// What may be done to a custom attribute.
    pub fn of_attribute(&self, name: &str) -> UpdatePolicy {
        if self.fields.is_empty() {
            return self.default;
        }
        let named = self.fields.get(&format!("attributes.{name}"));
        let all = self.fields.get("attributes");
        named.or(all).copied().unwrap_or(self.default)
    }
}
