//! What the database knows of the rows of a run: whom they are about, and what they changed.

use std::collections::HashMap;

use uuid::Uuid;

use super::Store;
use crate::field::RowNumber;
use crate::history::Values;
use crate::refusal::Result;

/// The most accounts that a search finds.
pub const FOUND_MAX: i64 = 10_000;

/// What somebody is known by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownAs {
    /// First and last name, or what is shown of it.
    pub name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The external id.
    pub external_id: Option<String>,
    /// The username.
    pub username: Option<String>,
    /// `active`, `invited` or `deactivated`.
    pub status: String,
    /// When the account was made, RFC 3339.
    pub created: String,
}

impl KnownAs {
    /// The name, else a key.
    pub fn shown(&self) -> &str {
        let keys = [&self.email, &self.external_id, &self.username];
        let keys = keys.into_iter().flatten().map(String::as_str);
        let mut all = std::iter::once(self.name.as_str()).chain(keys);
        all.find(|text| !text.is_empty()).unwrap_or("")
    }
}

/// What a run changed of an account.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The row.
    pub row: RowNumber,
    /// The account.
    pub account: Uuid,
    /// Its values before, as far as they changed.
    pub before: Values,
    /// Its values after.
    pub after: Values,
}

impl Store {
    /// What the accounts of `ids` are known by; without those that are gone.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn known_as(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, KnownAs>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let sql = include_str!("sql/known_as.sql");
        let rows = self.query(sql, &[&ids], "reading the accounts")?;
        let known = rows.iter().map(|row| {
            let known = KnownAs {
                name: row.get(1),
                email: row.get(2),
                external_id: row.get(3),
                username: row.get(4),
                status: row.get(5),
                created: row.get(6),
            };
            (row.get(0), known)
        });
        Ok(known.collect())
    }

    /// The accounts in whose names or keys `text` is, in any case; at most 10,000 of them.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn accounts_like(&self, text: &str) -> Result<Vec<Uuid>> {
        let text = text.replace('\\', "\\\\");
        let text = text.replace('%', "\\%").replace('_', "\\_");
        let pattern = format!("%{text}%");
        let sql = include_str!("sql/accounts_like.sql");
        let rows = self.query(sql, &[&pattern, &FOUND_MAX], "searching the accounts")?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// What a run changed, in the order of its rows: `limit` accounts after the first `offset`, of
    /// those of which `field` changed, where one is given.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn changes_of(
        &self,
        run: &str,
        field: Option<&str>,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<Changed>> {
        let sql = include_str!("sql/run_changes.sql");
        let (offset, limit) = (offset as i64, limit as i64);
        let rows = self.query(
            sql,
            &[&run, &field, &offset, &limit],
            "reading the changes of a run",
        )?;
        let values = |text: &str| serde_json::from_str(text).unwrap_or_default();
        let changes = rows.iter().map(|row| Changed {
            row: row.get::<_, i32>(0) as RowNumber,
            account: row.get(1),
            before: values(row.get(2)),
            after: values(row.get(3)),
        });
        Ok(changes.collect())
    }

    /// How many of the first `limit` changed accounts of a run changed in each field, most first.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn changed_fields(&self, run: &str, limit: u64) -> Result<Vec<(String, u64)>> {
        let sql = include_str!("sql/run_changed_fields.sql");
        let rows = self.query(
            sql,
            &[&run, &(limit as i64)],
            "reading the changes of a run",
        )?;
        let fields = rows.iter();
        Ok(fields
            .map(|row| (row.get(0), row.get::<_, i64>(1) as u64))
            .collect())
    }
}
