//! `[match]`: how rows find their accounts.

use serde::Deserialize;

use super::place::{Checked, Mistake};
use crate::field::Key;

/// Which accounts a run may write.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Creates and updates.
    #[default]
    Upsert,
    /// Creates only; a row with an account is rejected.
    Create,
    /// Updates only; a row without an account is rejected.
    Update,
}

/// What happens to a row whose account is of a certain status.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Existing {
    /// Brought up to date.
    #[default]
    Update,
    /// Left alone.
    Skip,
    /// The row is rejected, naming the account.
    Reject,
    /// Brought up to date, and opened again if it is closed; for `existing_deactivated` alone.
    Reactivate,
}

/// What happens to a row that says `deactivated` of a person who has no account.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum UnknownDeactivated {
    /// The account is made, and is closed.
    #[default]
    Create,
    /// Nothing: there is nothing to close.
    Skip,
}

/// What happens to a row with a known e-mail address and an external id that nobody has, where the
/// account of that address has another one.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Returning {
    /// It is held: only people know whether that is the same person.
    #[default]
    Hold,
    /// It is the same person: the account gets the new id.
    Same,
}

/// What happens to a row whose external id or username is known, while its e-mail address, its first
/// and its last name are all other ones than those of the account.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Recycled {
    /// It is held: the id or the username may have gone to another person.
    #[default]
    Hold,
    /// It is the same person: the account gets the new values.
    Same,
}

/// `[match]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Matching {
    /// Keys in the order in which they decide: `external_id`, `email`, `username`.
    pub by: Vec<String>,
    /// What may be written.
    pub mode: Mode,
    /// Accounts that are active.
    pub existing_active: Existing,
    /// Accounts that were invited and have not come yet.
    pub existing_invited: Existing,
    /// Accounts that were deactivated. They stay deactivated unless the row's status says
    /// otherwise, or this is `reactivate`: then they get the status of a new account.
    pub existing_deactivated: Existing,
    /// People who have no account, and whose row says that it is closed.
    pub unknown_deactivated: UnknownDeactivated,
    /// A known address with a new external id.
    pub returning: Returning,
    /// A known external id or username with another person's name and address.
    pub recycled: Recycled,
    /// The column with the ids of the accounts that rows are about, where a run finds them by
    /// nothing else. No pipeline says that: `muster people change` does.
    #[serde(skip)]
    pub account_column: Option<String>,
}

impl Default for Matching {
    fn default() -> Self {
        Matching {
            by: ["external_id", "email", "username"]
                .map(String::from)
                .to_vec(),
            mode: Mode::Upsert,
            existing_active: Existing::Update,
            existing_invited: Existing::Update,
            existing_deactivated: Existing::Update,
            unknown_deactivated: UnknownDeactivated::Create,
            returning: Returning::Hold,
            recycled: Recycled::Hold,
            account_column: None,
        }
    }
}

impl Matching {
    pub(super) fn check(&self) -> Checked {
        if self.by.is_empty() {
            return Err(Mistake::at(&["match", "by"], "`by` needs at least one key"));
        }
        for (key, policy) in [
            ("existing_active", self.existing_active),
            ("existing_invited", self.existing_invited),
        ] {
            if policy == Existing::Reactivate {
                let message = "only `existing_deactivated` can be \"reactivate\"";
                return Err(Mistake::at(&["match", key], message));
            }
        }
        Ok(())
    }

    /// The keys in their order. The names were checked when the pipeline was read.
    pub fn keys(&self) -> Vec<Key> {
        self.by
            .iter()
            .filter_map(|name| Key::ALL.into_iter().find(|key| key.field().name() == name))
            .collect()
    }
}
