//! `[accounts]`: what accounts may become.

use serde::Deserialize;

use super::place::{Checked, Mistake};

/// How people are taken on.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Onboarding {
    /// New accounts are `invited` until the person accepts.
    #[default]
    Invite,
    /// New accounts are `active` at once.
    Setup,
}

impl Onboarding {
    /// The way's word.
    pub fn name(self) -> &'static str {
        match self {
            Onboarding::Invite => "invite",
            Onboarding::Setup => "setup",
        }
    }
}

/// `[accounts]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    /// Status of new accounts whose row names none.
    pub onboarding: Onboarding,
    /// Roles that this pipeline may give, from least to most.
    pub roles: Vec<String>,
    /// The role of new accounts whose row names none.
    pub default_role: String,
    /// Whether a cell may list several roles, separated as groups are: the first is the account's
    /// role, the others its other roles.
    pub several_roles: bool,
    /// What the first and the last day do.
    pub dates: Dates,
    /// The day of the run; whoever begins one says it. Without it, no date does anything.
    #[serde(skip)]
    pub(crate) today: Option<jiff::civil::Date>,
    /// Whether accounts get a password that whoever begins the run gives with it. No pipeline says
    /// that.
    #[serde(skip)]
    pub gives_password: bool,
    /// Whether the accounts of a run are removed. No pipeline says that.
    #[serde(skip)]
    pub removes: bool,
}

/// What `start_date` and `end_date` do.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Dates {
    /// Nothing: they are kept with the account.
    #[default]
    Ignore,
    /// An account is activated on its first day, and closed after its last one.
    Schedule,
}

impl Accounts {
    pub(super) fn check(&self) -> Checked {
        if !self.roles.contains(&self.default_role) {
            let message = "`default_role` is not among `roles`";
            return Err(Mistake::at(&["accounts", "default_role"], message));
        }
        Ok(())
    }

    /// The day of the run, where dates do anything.
    pub fn day(&self) -> Option<jiff::civil::Date> {
        self.today.filter(|_| self.dates == Dates::Schedule)
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Accounts {
            onboarding: Onboarding::Invite,
            roles: vec!["user".to_string()],
            default_role: "user".to_string(),
            dates: Dates::Ignore,
            today: None,
            gives_password: false,
            removes: false,
            several_roles: false,
        }
    }
}
