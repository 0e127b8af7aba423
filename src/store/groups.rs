//! The groups as they are now, and what is done to them by hand.

use uuid::Uuid;

use super::Store;
use crate::refusal::Result;

/// A group with its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRecord {
    /// Its id.
    pub id: Uuid,
    /// As first written, from the top: `Sales/EMEA`.
    pub path: String,
    /// By which it is found.
    pub key: String,
    /// The group above it.
    pub parent: Option<Uuid>,
    /// Whether those above see who is in it.
    pub is_public: bool,
    /// The run that created it; none for groups made elsewhere.
    pub run: Option<String>,
    /// UTC, `2026-11-22 05:12`.
    pub created: String,
    /// Who is in it by themselves.
    pub members: u64,
    /// Who only came down from a group below.
    pub inherited: u64,
    /// Who is in it, or in a group below it, by themselves.
    pub nested: u64,
}

impl Store {
    /// All groups, those within others behind them.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn list_groups(&self) -> Result<Vec<GroupRecord>> {
        let sql = include_str!("sql/list_groups.sql");
        let rows = self.query(sql, &[], "reading the groups")?;
        let count = |row: &tokio_postgres::Row, column| row.get::<_, i64>(column) as u64;
        let groups = rows.iter().map(|row| GroupRecord {
            id: row.get(0),
            path: row.get(1),
            key: row.get(2),
            parent: row.get(3),
            is_public: row.get(4),
            run: row.get(5),
            created: row.get(6),
            members: count(row, 7),
            inherited: count(row, 8),
            nested: count(row, 9),
        });
        Ok(groups.collect())
    }
}
