//! Accounts that change, or may soon, though no row says so.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An account that this pipeline's source made, and that is to change though no row says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaver {
    /// The account.
    pub account: Uuid,
    /// Its external id, where it has one.
    pub external_id: Option<String>,
    /// Its address, where it has one.
    pub email: Option<String>,
    /// The address as the match compares it.
    pub email_key: Option<String>,
    /// What to call the person.
    pub name: String,
    /// The account's role.
    pub role: String,
    /// Its other roles.
    #[serde(default)]
    pub other_roles: Vec<String>,
    /// `active` or `invited`.
    pub status: String,
    /// In how many runs the account was missing before this one.
    pub runs: u32,
    /// For how many days.
    pub days: u32,
    /// Why it is one of them.
    #[serde(default)]
    pub why: Why,
    /// What happens.
    #[serde(rename = "fate")]
    pub action: LeaverAction,
}

/// What it is about an account that no row says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A full list doesn't name the person.
    #[default]
    Missing,
    /// The last day is over.
    EndDate,
    /// The first day has come.
    StartDate,
}

impl Why {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Why::Missing => "missing",
            Why::EndDate => "end_date",
            Why::StartDate => "start_date",
        }
    }
}

/// What happens to a leaver in this run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaverAction {
    /// Deactivated.
    Deactivated,
    /// Nothing yet: the grace isn't over.
    #[default]
    Waiting,
    /// Nothing: the pipeline protects the person.
    Protected,
    /// Let in: the first day has come.
    Activated,
    /// Nothing: a safeguard, or a row whose account isn't clear, prevents it.
    Held,
}

impl LeaverAction {
    /// Every action, in the order of reports.
    pub const ALL: [LeaverAction; 5] = [
        LeaverAction::Deactivated,
        LeaverAction::Activated,
        LeaverAction::Waiting,
        LeaverAction::Protected,
        LeaverAction::Held,
    ];

    /// Whether the account changes.
    pub fn is_written(self) -> bool {
        matches!(self, LeaverAction::Deactivated | LeaverAction::Activated)
    }

    /// The status that the account gets, if it changes.
    pub fn status(self) -> Option<&'static str> {
        match self {
            LeaverAction::Deactivated => Some("deactivated"),
            LeaverAction::Activated => Some("active"),
            LeaverAction::Waiting | LeaverAction::Protected | LeaverAction::Held => None,
        }
    }

    /// The action's word.
    pub fn name(self) -> &'static str {
        match self {
            LeaverAction::Deactivated => "deactivated",
            LeaverAction::Activated => "activated",
            LeaverAction::Waiting => "waiting",
            LeaverAction::Protected => "protected",
            LeaverAction::Held => "held",
        }
    }
}
