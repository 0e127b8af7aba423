//! `[sessions]`: how cells that list sessions are understood.

use serde::Deserialize;

use super::groups::{Groups, Memberships};

/// What happens to the rows of a session that doesn't exist. No list of people makes one: it has
/// no date, and a typing error would be a session.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum MissingSessions {
    /// They are rejected.
    #[default]
    Reject,
    /// They are held: nothing of them is written until the session is there.
    Hold,
}

/// `[sessions]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// Sessions that don't exist.
    pub missing: MissingSessions,
    /// What the sessions of a row mean for an account that is enrolled in some already.
    pub enrolments: Memberships,
    /// Characters that part the sessions of a cell.
    pub separators: Vec<char>,
}

impl Default for Sessions {
    fn default() -> Self {
        Sessions {
            missing: MissingSessions::default(),
            enrolments: Memberships::default(),
            separators: Groups::default().separators,
        }
    }
}

impl Sessions {
    /// How a cell is split: as one of groups, which have no roles.
    pub fn as_list(&self) -> Groups {
        Groups {
            separators: self.separators.clone(),
            ..Groups::default()
        }
    }
}
