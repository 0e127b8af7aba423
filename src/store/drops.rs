//! What the run log says of files that were dropped before.

use super::Store;
use crate::refusal::Result;
use crate::store::error::refusal;
use crate::summary::Summary;

/// An import that read a certain file.
#[derive(Debug)]
pub struct Earlier {
    /// The run's id.
    pub id: String,
    /// Whether it came to its end; else it will be taken up again.
    pub finished: bool,
    /// As it was written at its end.
    pub summary: Option<Summary>,
    /// Whether the same pipeline imported another list since.
    pub overtaken: bool,
}

/// The newest file that was imported from a folder by a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Newest {
    /// The latest day in a name, as 2026-11-22.
    pub dated: Option<String>,
    /// The latest change of a file without a day in its name, as RFC 3339 with milliseconds.
    pub modified_at: Option<String>,
}

impl Store {
    /// The import of the file with that SHA-256 by the pipeline with that one.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_import(&self, sha256: &str, pipeline_sha256: &str) -> Result<Option<Earlier>> {
        let sql = include_str!("sql/find_import.sql");
        let row = self
            .runtime
            .block_on(
                self.connection
                    .client
                    .query_opt(sql, &[&sha256, &pipeline_sha256]),
            )
            .map_err(|error| refusal(&error, "looking for an earlier import"))?;
        Ok(row.map(|row| Earlier {
            id: row.get(0),
            finished: row.get::<_, &str>(1) == "finished",
            summary: row
                .get::<_, Option<&str>>(2)
                .and_then(|json| serde_json::from_str(json).ok()),
            overtaken: row.get(3),
        }))
    }

    /// The newest file that was imported from that folder by the pipeline of that name.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn newest_dropped(&self, folder: &str, pipeline: Option<&str>) -> Result<Newest> {
        let sql = include_str!("sql/newest_dropped.sql");
        let row = self
            .runtime
            .block_on(self.connection.client.query_one(sql, &[&folder, &pipeline]))
            .map_err(|error| refusal(&error, "looking for the newest file"))?;
        Ok(Newest {
            dated: row.get(0),
            modified_at: row.get(1),
        })
    }
}
