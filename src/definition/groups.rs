//! `[groups]`: how group cells are understood.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::place::{Checked, Mistake};

/// What happens to a group that doesn't exist yet.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum MissingGroups {
    /// It is made, with the groups above it.
    #[default]
    Create,
    /// Its rows are rejected.
    Reject,
    /// Its rows are held: nothing of them is written until the group is there.
    Hold,
}

/// Whether those above a group see who is in it.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// They don't.
    #[default]
    Private,
    /// They do: its members may join the groups above.
    Public,
}

impl Visibility {
    /// The visibility's word.
    pub fn name(self) -> &'static str {
        match self {
            Visibility::Private => "private",
            Visibility::Public => "public",
        }
    }
}

/// What the groups of a row mean for an account that has some already.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Memberships {
    /// The row's groups are added.
    #[default]
    Add,
    /// The account ends up in the row's groups and no others.
    Replace,
}

/// `[groups]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Groups {
    /// Groups that don't exist yet.
    pub missing: MissingGroups,
    /// Memberships of accounts that exist.
    pub memberships: Memberships,
    /// Characters that part the groups of a cell.
    pub separators: Vec<char>,
    /// The character between a group and the group above it.
    pub nesting: char,
    /// Whether everybody must end up in at least one group.
    pub required: bool,
    /// The character between a group and a role in it; none where names are only names.
    pub role_mark: Option<char>,
    /// Roles within a group that this pipeline may give, besides the default one.
    pub roles: Vec<String>,
    /// The role of members of whom nothing else is said.
    pub default_role: String,
    /// Whether a member of a public group with the default role also joins every group above it
    /// up to and including the first private one.
    pub join_parents: bool,
    /// The visibility of new groups.
    pub visibility: Visibility,
    /// The same for some of them: a group's path, or `PATH/*` for all below it; the longest counts.
    pub visibility_of: BTreeMap<String, Visibility>,
}

impl Default for Groups {
    fn default() -> Self {
        Groups {
            missing: MissingGroups::Create,
            memberships: Memberships::Add,
            separators: vec![';', ','],
            nesting: '/',
            required: false,
            role_mark: None,
            roles: Vec::new(),
            default_role: "member".to_string(),
            join_parents: false,
            visibility: Visibility::Private,
            visibility_of: BTreeMap::new(),
        }
    }
}

impl Groups {
    pub(super) fn check(&self) -> Checked {
        if self.separators.contains(&self.nesting) {
            let message = "`nesting` is also one of `separators`";
            return Err(Mistake::at(&["groups", "nesting"], message));
        }
        Ok(())
    }
}
