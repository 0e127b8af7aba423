//! `[leavers]`: people whom a full list no longer names.

use serde::Deserialize;

use super::place::{Checked, Mistake};
use crate::text::email;

/// What happens to accounts of this pipeline's own making that the file doesn't name.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Nothing: the file is not a full list.
    #[default]
    Ignore,
    /// They are deactivated, never deleted.
    Deactivate,
}

/// `[leavers]`: who isn't in the file any more. Only accounts that runs of the same source made
/// are ever meant.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Leavers {
    /// What happens to them.
    pub missing: Missing,
    /// The number of runs in which somebody may be missing before it counts.
    pub grace_runs: u32,
    /// The number of days for which somebody may be missing before it counts.
    pub grace_days: u32,
    /// Addresses of people who are never deactivated so; `[mail] admin` is one of them.
    pub protected: Vec<String>,
    /// Roles of people who are never deactivated so.
    pub protected_roles: Vec<String>,
    /// What the accounts are owned by; the pipeline's name when left out. Pipelines that name the
    /// same source own each other's accounts.
    pub source: Option<String>,
}

impl Leavers {
    pub(super) fn check(&self) -> Checked {
        let mut wrong = self
            .protected
            .iter()
            .filter(|text| email::key(text).is_none());
        wrong.next().map_or(Ok(()), |text| {
            let message = format!("`{text}` in `protected` is not an e-mail address");
            Err(Mistake::at(&["leavers", "protected"], message).word(text))
        })
    }
}
