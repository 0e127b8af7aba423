//! What somebody typed to fix the rows of a run.

use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Store;
use super::audit::Act;
use crate::field::RowNumber;
use crate::refusal::Result;

const DOING: &str = "reading the fixes";

/// A fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Where it is.
    pub place: Place,
    /// What is to be there.
    pub what: Fixed,
}

/// Where a fix is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In each row that has the value in the column of that name: name, then value.
    Value(String, String),
    /// In the column of that name of one row.
    Cell(RowNumber, String),
    /// One row as a whole.
    Row(RowNumber),
}

/// What a fix puts there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fixed {
    /// Another value.
    Value(String),
    /// The row is about that account.
    Account(Uuid),
    /// The row is left out.
    LeftOut,
}

impl Place {
    /// Row, column, and the value that is replaced.
    fn parts(&self) -> (Option<i32>, &str, &str) {
        match self {
            Place::Value(column, found) => (None, column, found),
            Place::Cell(row, column) => (Some(*row as i32), column, ""),
            Place::Row(row) => (Some(*row as i32), "", ""),
        }
    }
}

impl Store {
    /// The fixes of a run with their ids, in the order in which they were made.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn fixes(&self, run: &str) -> Result<Vec<(i64, Fix)>> {
        let sql = "select id, row, column_name, found, what, value from muster.fixes
            where run_id = $1 order by id";
        let rows = self.query(sql, &[&run], DOING)?;
        let fixes = rows.iter().filter_map(|row| {
            let number = row.get::<_, Option<i32>>(1).map(|row| row as RowNumber);
            let (column, found, value): (String, String, String) =
                (row.get(2), row.get(3), row.get(5));
            let place = match number {
                None => Place::Value(column, found),
                Some(number) if column.is_empty() => Place::Row(number),
                Some(number) => Place::Cell(number, column),
            };
            let what = match row.get(4) {
                "account" => Fixed::Account(value.parse().ok()?),
                "leave out" => Fixed::LeftOut,
                _ => Fixed::Value(value),
            };
            Some((row.get(0), Fix { place, what }))
        });
        Ok(fixes.collect())
    }

    /// Keeps fixes, each in place of another one for the same place; all of them or none.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn keep_fixes(&self, run: &str, fixes: &[Fix], who: &str) -> Result<()> {
        if fixes.is_empty() {
            return Ok(());
        }
        self.act("keeping fixes", async |client| {
            for fix in fixes {
                let (row, column, found) = fix.place.parts();
                let (what, value) = match &fix.what {
                    Fixed::Value(value) => ("value", value.clone()),
                    Fixed::Account(account) => ("account", account.to_string()),
                    Fixed::LeftOut => ("leave out", String::new()),
                };
                let sql = include_str!("sql/keep_fix.sql");
                let values: [&(dyn ToSql + Sync); 7] =
                    [&run, &row, &column, &found, &what, &value, &who];
                client.execute(sql, &values).await?;
            }
            Ok(((), Act::about(run).count("fixes", fixes.len() as u64)))
        })
    }

    /// What a check of the rows of a run depends on, as text: its fixes, and the runs, which write
    /// accounts.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn state_of_fixes(&self, run: &str) -> Result<String> {
        let sql = "select concat_ws(' ',
            (select concat_ws(' ', count(*), max(id), max(made_at)) from muster.fixes where run_id = $1),
            (select concat_ws(' ', count(*), max(started_at), max(finished_at)) from muster.runs))";
        let rows = self.query(sql, &[&run], DOING)?;
        Ok(rows.first().map_or_else(String::new, |row| row.get(0)))
    }

    /// Forgets a fix of a run.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn forget_fix(&self, run: &str, id: i64) -> Result<()> {
        let sql = "delete from muster.fixes where run_id = $1 and id = $2";
        self.act("forgetting a fix", async |client| {
            client.execute(sql, &[&run, &id]).await?;
            Ok(((), Act::about(run).count("fixes taken back", 1)))
        })
    }
}
