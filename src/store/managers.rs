//! Whether managers who aren't in the file have an account.

use super::Store;
use crate::refusal::Result;
use crate::stages::managers::{Name, Wrong};
use crate::store::error::refusal;

impl Store {
    /// What the accounts say of each of the names.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn managers_known(&self, names: &[Name]) -> Result<Vec<Wrong>> {
        let ids: Vec<&str> = names.iter().map(|name| name.external_id.as_str()).collect();
        let emails: Vec<Option<&str>> = names.iter().map(|name| name.email.as_deref()).collect();
        let usernames: Vec<&str> = names.iter().map(|name| name.username.as_str()).collect();
        let typed: Vec<&str> = names.iter().map(|name| name.typed.as_str()).collect();
        let sql = include_str!("sql/find_managers.sql");
        let client = &self.connection.client;
        let rows = self
            .runtime
            .block_on(client.query(sql, &[&ids, &emails, &usernames, &typed]))
            .map_err(|error| refusal(&error, "reading the accounts of managers"))?;
        let known = rows.iter().map(|row| match row.get::<_, i64>(0) {
            0 => Wrong::Unknown,
            1 => Wrong::Nothing,
            _ => Wrong::Several,
        });
        Ok(known.collect())
    }
}
