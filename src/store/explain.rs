//! What the run log says of one person: as the account is, or was when it was removed, and
//! everything that runs, undos and invitations did to it.

use crate::history::Done;
use crate::history::Known;
use crate::history::WayIn;
use crate::history::What;
use std::collections::BTreeMap;

use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Store;
use crate::field::RowNumber;
use crate::refusal::Result;
use crate::text::{email, username_key};

impl Store {
    /// The accounts that `wanted` names: an id, external id, e-mail address or username, now or, if
    /// removed, then; else one that had it once; else a name, of which `true` tells.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_known(&self, wanted: &str) -> Result<(Vec<Uuid>, bool)> {
        let wanted = wanted.trim();
        let id = wanted.parse::<Uuid>().ok();
        let (email_key, username) = (email::key(wanted), username_key(wanted));
        let sql = include_str!("sql/explain_by_key.sql");
        let mut found = self.ids(sql, &[&id, &wanted, &email_key, &username.as_ref()])?;
        let sql = include_str!("sql/explain_by_former.sql");
        let address = email_key.as_ref().map(|_| wanted);
        let only_removed = !found.is_empty();
        let former = self.ids(
            sql,
            &[
                &wanted,
                &email_key,
                &username.as_ref(),
                &id,
                &address,
                &only_removed,
            ],
        )?;
        let former: Vec<Uuid> = former
            .into_iter()
            .filter(|id| !found.contains(id))
            .collect();
        found.extend(former);
        if !found.is_empty() {
            return Ok((found, false));
        }
        let name: Vec<&str> = wanted.split_whitespace().collect();
        let name = name.join(" ").to_lowercase();
        let found = self.ids(include_str!("sql/explain_by_name.sql"), &[&name])?;
        Ok((found, true))
    }

    /// An account, also a removed one.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn known(&self, id: Uuid) -> Result<Option<Known>> {
        let rows = self.read(include_str!("sql/explain_person.sql"), &[&id])?;
        Ok(rows.first().map(|row| Known {
            id,
            image: json(row.get(0)),
            there: row.get(1),
            groups: row.get(2),
            has_password: row.get(3),
            created_at: row.get(4),
            updated_at: row.get(5),
            sessions: row.get(6),
        }))
    }

    /// What runs did to an account since it was made, oldest first.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_done(&self, id: Uuid) -> Result<Vec<Done>> {
        let rows = self.read(include_str!("sql/explain_changes.sql"), &[&id])?;
        Ok(rows.iter().map(done).collect())
    }

    /// The ways in that an account got, oldest first; of a removed one, those of its image.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_ways_in(&self, known: &Known) -> Result<Vec<WayIn>> {
        let of_image = known.image["invitations"].as_array().into_iter().flatten();
        let of_image: Vec<Uuid> = of_image
            .filter_map(|id| id.as_str()?.parse().ok())
            .collect();
        let sql = include_str!("sql/explain_invitations.sql");
        let rows = self.read(sql, &[&known.id, &of_image])?;
        Ok(rows
            .iter()
            .map(|row| WayIn {
                run: row.get(0),
                kind: row.get(1),
                email: row.get(2),
                state: if row.get::<_, Option<bool>>(11) == Some(true) {
                    "expired".to_string()
                } else {
                    row.get(3)
                },
                transport: row.get(4),
                resends: row.get(5),
                reply: row.get(6),
                created_at: row.get(7),
                sent_at: row.get(8),
                accepted_at: row.get(9),
                changed_at: row.get(10),
            })
            .collect())
    }

    /// When each run started, in microseconds since 1970.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_starts(&self) -> Result<BTreeMap<String, i64>> {
        let sql = "select id, (extract(epoch from started_at) * 1000000)::bigint from muster.runs";
        let rows = self.read(sql, &[])?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    fn ids(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Uuid>> {
        let rows = self.read(sql, values)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    fn read(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        self.query(sql, values, "reading the history of a person")
    }
}

fn done(row: &Row) -> Done {
    let (before, after) = (json(row.get(6)), json(row.get(7)));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let values = |value: Value| serde_json::from_value(value).unwrap_or_default();
    Done {
        at: row.get(0),
        run: row.get(1),
        kind: row.get(2),
        undoes: row.get(3),
        row: row.get::<_, i32>(4) as RowNumber,
        what: match row.get(5) {
            "remove" => What::Removed,
            "restore" => What::Returned,
            "unchanged" => What::Unchanged,
            "keep" => What::Kept(text(&before), text(&after)),
            _ => What::Changed(values(before), values(after)),
        },
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
