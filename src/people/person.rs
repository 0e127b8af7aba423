//! What one account holds now, and who set each value.

use serde_json::Value;

use crate::account::{AccountRecord, COLUMNS};
use crate::refusal::Result;
use crate::stages::plan::provenance::Past;
use crate::store::Store;
use crate::store::people::OpenInvitation;

/// One account with all that is shown of it.
pub struct Person {
    /// The account.
    pub account: AccountRecord,
    /// Whether it has a password.
    pub has_password: bool,
    /// The ways in that are open.
    pub invitations: Vec<OpenInvitation>,
    /// Who set its values.
    pub past: Past,
}

impl Person {
    /// What the database holds of an account.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn read(store: &Store, account: AccountRecord) -> Result<Person> {
        let known = store.known(account.id)?;
        Ok(Person {
            has_password: known.is_some_and(|known| known.has_password),
            invitations: store.open_invitations(account.id)?,
            past: serde_json::from_str(&store.past(account.id)?).unwrap_or_default(),
            account,
        })
    }

    /// Its values, each with who set it last.
    pub fn values(&self) -> Vec<(String, Value, String)> {
        let account = &self.account;
        let fields = COLUMNS.into_iter().filter_map(|field| {
            let value = account.value(field).filter(|value| !value.is_empty())?;
            Some((field.name().to_string(), Value::from(value)))
        });
        let attributes = account.attributes.iter();
        let attributes = attributes.filter(|(_, value)| !value.is_null());
        let attributes =
            attributes.map(|(name, value)| (format!("attributes.{name}"), value.clone()));
        let all = fields.chain(attributes);
        all.map(|(name, value)| {
            let setter = self.past.setter(&name, &value).to_string();
            (name, value, setter)
        })
        .collect()
    }
}
