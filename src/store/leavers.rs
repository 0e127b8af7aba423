//! Accounts that are missing from a full list: found with the keys of the last match, counted,
//! deactivated.

use jiff::civil::Date;
use tokio_postgres::Row;
use uuid::Uuid;

use super::Store;
use crate::leaver::{Leaver, Why};
use crate::refusal::Result;
use crate::store::error::refusal;

impl Store {
    /// The accounts of `source` that no key of the last match names, in order of their ids.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_leavers(&self, source: &str) -> Result<Vec<Leaver>> {
        let sql = include_str!("sql/find_leavers.sql");
        let rows = self.query(sql, &[&source], "looking for leavers")?;
        Ok(rows
            .iter()
            .map(|row| Leaver {
                account: row.get(0),
                external_id: row.get(1),
                email: row.get(2),
                email_key: row.get(3),
                name: row.get(4),
                role: row.get(5),
                status: row.get(6),
                runs: row.get::<_, i32>(7) as u32,
                days: row.get::<_, i64>(8) as u32,
                other_roles: row.get(9),
                ..Leaver::default()
            })
            .collect())
    }

    /// The accounts of `source` whose last day is before `day` and that no key of the last match
    /// names; and, where `opens`, those that wait for a first day that has come.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_due(&self, source: &str, day: Date, opens: bool) -> Result<Vec<Leaver>> {
        let sql = include_str!("sql/find_due.sql");
        let day = day.to_string();
        let rows = self.query(
            sql,
            &[&source, &day, &opens],
            "looking for dates that are due",
        )?;
        Ok(rows.iter().map(due).collect())
    }

    /// Whether a run of `source` has finished since `day` began, so that what is due was seen.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn is_day_seen(&self, source: &str, since: &str) -> Result<bool> {
        let sql = "select id from muster.runs where source = $1 and state = 'finished'
            and started_at >= $2::text::timestamptz limit 1";
        let rows = self.query(sql, &[&source, &since], "reading the runs of the day")?;
        Ok(!rows.is_empty())
    }

    /// Whether a run of `source` took another list than `inputs` for what it is since `when` (RFC
    /// 3339).
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn has_later_list(&self, source: &str, when: &str, inputs: &[String]) -> Result<bool> {
        let sql = include_str!("sql/find_later_list.sql");
        let rows = self.query(sql, &[&source, &when, &inputs], "looking for later lists")?;
        Ok(!rows.is_empty())
    }

    /// Counts a run for those who are `missing` from it, forgets those of `source` who are back,
    /// deactivates the `gone` and activates the `begun`, all at once, and once for a run however
    /// often it is taken up. `None` counts and forgets nobody. Returns how many were deactivated.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn settle_leavers(
        &mut self,
        run: &str,
        source: &str,
        missing: Option<&[Uuid]>,
        gone: &[Uuid],
        begun: &[Uuid],
    ) -> Result<u64> {
        let doing = |error| refusal(&error, "deactivating leavers");
        self.runtime.block_on(async {
            let transaction = self.connection.client.transaction().await.map_err(doing)?;
            let sql =
                "update muster.runs set leavers_at = now() where id = $1 and leavers_at is null";
            if transaction.execute(sql, &[&run]).await.map_err(doing)? == 0 {
                return Ok(0);
            }
            if let Some(missing) = missing {
                let sql = include_str!("sql/note_absences.sql");
                transaction
                    .execute(sql, &[&run, &source, &missing, &gone])
                    .await
                    .map_err(doing)?;
            }
            let own = "set local muster.writes = 'on'";
            transaction.batch_execute(own).await.map_err(doing)?;
            let sql = include_str!("sql/deactivate_leavers.sql");
            let count = transaction
                .execute(sql, &[&run, &gone])
                .await
                .map_err(doing)?;
            transaction
                .execute(include_str!("sql/activate_starters.sql"), &[&run, &begun])
                .await
                .map_err(doing)?;
            transaction.commit().await.map_err(doing)?;
            Ok(count)
        })
    }
}

fn due(row: &Row) -> Leaver {
    Leaver {
        account: row.get(0),
        external_id: row.get(1),
        email: row.get(2),
        email_key: row.get(3),
        name: row.get(4),
        role: row.get(5),
        status: row.get(6),
        why: if row.get(7) {
            Why::EndDate
        } else {
            Why::StartDate
        },
        other_roles: row.get(8),
        ..Leaver::default()
    }
}
