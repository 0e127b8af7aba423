//! Selections that pages keep: a filter, and who is left out of it.

use serde_json::Value;
use uuid::Uuid;

use super::Store;
use crate::refusal::Result;

const DOING: &str = "keeping a selection";

/// A filter with exceptions.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its id.
    pub id: Uuid,
    /// What is selected: `people`, `invitations`, or the id of a run.
    pub about: String,
    /// The filter, as the page that made it understands it.
    pub filter: Value,
    /// Who is left out.
    pub except: Vec<Uuid>,
}

impl Store {
    /// Keeps a selection; its id.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn keep_selection(
        &self,
        about: &str,
        filter: &Value,
        except: &[Uuid],
        who: &str,
    ) -> Result<Uuid> {
        let id = Uuid::new_v4();
        let filter = super::json_of(filter);
        self.execute(
            "insert into muster.selections (id, about, filter, exceptions, who)
            values ($1, $2, $3::text::jsonb, to_jsonb($4::uuid[]), $5)",
            &[&id, &about, &filter, &except, &who],
            DOING,
        )?;
        Ok(id)
    }

    /// The selection with that id, if it is about that.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn kept_selection(&self, id: Uuid, about: &str) -> Result<Option<Kept>> {
        let sql = "select filter::text, array(select jsonb_array_elements_text(exceptions)::uuid)
            from muster.selections where id = $1 and about = $2";
        let rows = self.query(sql, &[&id, &about], DOING)?;
        Ok(rows.first().map(|row| Kept {
            id,
            about: about.to_string(),
            filter: serde_json::from_str(row.get(0)).unwrap_or_default(),
            except: row.get(1),
        }))
    }

    /// Changes who is left out of a selection.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn except_from_selection(&self, id: Uuid, except: &[Uuid]) -> Result<()> {
        let sql = "update muster.selections set exceptions = to_jsonb($2::uuid[]) where id = $1";
        self.execute(sql, &[&id, &except], DOING)?;
        Ok(())
    }

    /// Changes the filter of a selection.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn change_selection(&self, id: Uuid, filter: &Value) -> Result<()> {
        let sql = "update muster.selections set filter = $2::text::jsonb where id = $1";
        self.execute(sql, &[&id, &super::json_of(filter)], DOING)?;
        Ok(())
    }
}
