//! `[gates]`: how much a run may change before somebody looks at it.

use serde::Deserialize;

use super::lifetime;
use super::place::{Checked, Mistake};

/// What happens to the others when a class of changes is over its limit.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum OnHold {
    /// They go on.
    #[default]
    OthersGoOn,
    /// They wait, too.
    HoldAll,
}

/// What happens to a file that looks unlike the last one.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Nothing: no two lists need be alike.
    #[default]
    Ignore,
    /// Nothing of it is written.
    Hold,
}

/// What happens to a file in which names and addresses seem to have slipped against each other, or
/// that gives most of its people another name.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Slipped {
    /// Nothing of it is written.
    #[default]
    Hold,
    /// Nothing.
    Ignore,
}

/// The limit of a class of changes; what is left out is the default of its class.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Limit {
    /// Share of what is there, such as 0.05 of the accounts.
    pub share: Option<f64>,
    /// This many are never too many, whatever their share.
    pub count: Option<u64>,
    /// The limit holds from this many accounts on.
    pub base: Option<u64>,
}

/// `[gates]`: what a run may do before somebody must look at it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Safeguards {
    /// Whether there are any.
    pub enabled: bool,
    /// What happens to the others when a class is held.
    pub on_hold: OnHold,
    /// Over which time runs of the pipeline are looked at together; `never` for each by itself.
    pub window: String,
    /// How many times its limit a class may come to in that time.
    pub window_times: f64,
    /// New accounts.
    pub create: Limit,
    /// Accounts that change in anything.
    pub update: Limit,
    /// Accounts that are closed.
    pub deactivate: Limit,
    /// Accounts whose mail goes elsewhere.
    pub email_change: Limit,
    /// Accounts that get a role further along in `roles`.
    pub role_raise: Limit,
    /// Accounts that get another external id or username.
    pub key_change: Limit,
    /// Groups that don't exist yet.
    pub new_groups: Limit,
    /// How many accounts may be active or invited.
    pub seats: Option<u64>,
    /// What happens to a file that looks unlike the last one.
    pub content: Content,
    /// Fewest rows of the last file that a new one is compared with.
    pub content_from: u64,
    /// Share of the rows that may be missing, or that the last file may have been short of.
    pub content_rows: f64,
    /// By how much a share may move: of empty cells, of a kind of values, of a mail domain.
    pub content_shift: f64,
    /// What happens to a file whose columns slipped against each other.
    pub slipped: Slipped,
}

impl Default for Safeguards {
    fn default() -> Self {
        Safeguards {
            enabled: true,
            on_hold: OnHold::OthersGoOn,
            window: "7 days".to_string(),
            window_times: 2.0,
            create: Limit::default(),
            update: Limit::default(),
            deactivate: Limit::default(),
            email_change: Limit::default(),
            role_raise: Limit::default(),
            key_change: Limit::default(),
            new_groups: Limit::default(),
            seats: None,
            content: Content::Ignore,
            content_from: 50,
            content_rows: 0.4,
            content_shift: 0.3,
            slipped: Slipped::Hold,
        }
    }
}

impl Safeguards {
    pub(super) fn check(&self) -> Checked {
        let wrong = |key: &str, message: String| Err(Mistake::at(&["gates", key], message));
        if let Err(message) = lifetime(&self.window) {
            return wrong("window", message);
        }
        // A comparison with NaN is false, so that it is turned away with the rest.
        let reaches = |value: f64, least: f64| value >= least;
        if !reaches(self.window_times, 1.0) {
            return wrong(
                "window_times",
                "`window_times` must be at least 1".to_string(),
            );
        }
        for (key, limit) in [
            ("create", &self.create),
            ("update", &self.update),
            ("deactivate", &self.deactivate),
            ("email_change", &self.email_change),
            ("role_raise", &self.role_raise),
            ("key_change", &self.key_change),
            ("new_groups", &self.new_groups),
        ] {
            if limit.share.is_some_and(|share| !reaches(share, 0.0)) {
                return wrong(
                    key,
                    format!("the `share` of `{key}` is below 0; 0.05 is 5 %"),
                );
            }
        }
        for (key, value) in [
            ("content_rows", self.content_rows),
            ("content_shift", self.content_shift),
        ] {
            if !(0.0..1.0).contains(&value) {
                return wrong(key, format!("`{key}` is a share, from 0 to less than 1"));
            }
        }
        Ok(())
    }
}
