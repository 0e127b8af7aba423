//! What a run decided, kept in the database from before its first write until it is finished, so
//! that a run that is cut off continues with the same decisions, on whatever machine.

use super::{Store, first_load};
use crate::refusal::Result;
use crate::safeguard::Safeguard;
use crate::store::error::refusal;

/// This many pages are read in one statement.
const PAGES_AT_ONCE: i32 = 32;
/// The page that has the head.
const HEAD: i32 = -1;

impl Store {
    /// Begins to keep the decisions of a run. Those of others are forgotten, and what they have loaded
    /// apart, since the accounts are about to change. Nothing counts before [`Store::seal`].
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn begin_decisions(&self) -> Result<()> {
        let sql = format!("begin; delete from muster.decisions; {}", first_load::DROP);
        self.runtime
            .block_on(self.connection.client.batch_execute(&sql))
            .map_err(|error| refusal(&error, DOING))
    }

    /// Keeps a page of the decisions of `run`.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn keep_decisions(&self, run: &str, page: usize, bytes: &[u8]) -> Result<()> {
        let sql = "insert into muster.decisions (run_id, page, bytes) values ($1, $2, $3)";
        self.execute(sql, &[&run, &(page as i32), &bytes], DOING)?;
        Ok(())
    }

    /// Seals the decisions of `run`: from now on they hold, whatever ends this process.
    /// `safeguards`, what the safeguards said, goes into the line of the run, too.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn seal(&self, run: &str, head: &str, safeguards: &[Safeguard]) -> Result<()> {
        let json = super::json_of(&safeguards);
        let sql = "insert into muster.decisions (run_id, page, bytes) values ($1, $2, $3)";
        self.execute(sql, &[&run, &HEAD, &head.as_bytes()], DOING)?;
        let sql = "update muster.runs set gates = $2::text::jsonb where id = $1";
        self.execute(sql, &[&run, &json], DOING)?;
        self.runtime
            .block_on(self.connection.client.batch_execute("commit"))
            .map_err(|error| refusal(&error, DOING))
    }

    /// The head of the sealed decisions of `run`, if there are any.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn sealed(&self, run: &str) -> Result<Option<String>> {
        let sql = "select bytes from muster.decisions where run_id = $1 and page = $2";
        let rows = self.query(sql, &[&run, &HEAD], READING)?;
        let head = rows.first().map(|row| row.get::<_, &[u8]>(0));
        Ok(head.map(|head| String::from_utf8_lossy(head).into_owned()))
    }

    /// Hands over the sealed pages of `run`, in their order.
    ///
    /// # Errors
    /// A refusal with a `database.*` code, and what `take` refuses.
    pub fn decisions(&self, run: &str, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let sql = "select bytes from muster.decisions
            where run_id = $1 and page >= $2 and page < $2 + $3 order by page";
        for from in (0..).step_by(PAGES_AT_ONCE as usize) {
            let rows = self.query(sql, &[&run, &from, &PAGES_AT_ONCE], READING)?;
            for row in &rows {
                take(row.get(0))?;
            }
            if rows.len() < PAGES_AT_ONCE as usize {
                break;
            }
        }
        Ok(())
    }
}

const DOING: &str = "storing the decisions";
const READING: &str = "reading the decisions";
