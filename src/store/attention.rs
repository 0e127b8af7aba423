//! What waits for an administrator.

use super::Store;
use crate::refusal::Result;

/// Counts of what waits. None is over [`COUNT_MAX`]: that many are "that many or more".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attention {
    /// People who were imported to be invited, and never were.
    pub not_invited: u64,
    /// Mails of which nobody knows whether they were sent.
    pub unknown: u64,
    /// Links that expire within two days.
    pub expiring: u64,
    /// People whom the latest list of their source didn't name, and who aren't closed yet.
    pub leaving: u64,
}

/// Where counting stops.
pub const COUNT_MAX: u64 = 10_000;

impl Store {
    /// What waits for an administrator.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn attention(&self) -> Result<Attention> {
        let sql = include_str!("sql/attention.sql");
        let rows = self.query(sql, &[&(COUNT_MAX as i64)], "reading what waits")?;
        let counts = rows.first().map(|row| {
            let count = |column| row.get::<_, i64>(column) as u64;
            Attention {
                not_invited: count(0),
                unknown: count(1),
                expiring: count(2),
                leaving: count(3),
            }
        });
        Ok(counts.unwrap_or_default())
    }
}
