//! Files that browsers sent, and what was chosen for them since.

use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Store;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::store::audit::Act;

const READING: &str = "reading the uploads";
const WRITING: &str = "recording an upload";

/// A file that a browser sent.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Names it; its folder is called so, too.
    pub id: Uuid,
    /// The file's own name.
    pub name: String,
    /// Where it is.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Of its bytes, in lower-case hex.
    pub sha256: String,
    /// Who sent it.
    pub who: String,
    /// RFC 3339; empty for one that isn't recorded yet.
    pub sent_at: String,
    /// What was chosen for it.
    pub settings: Settings,
}

/// What was chosen for an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The pipeline; none where it is recognized by the columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// Whether the columns are chosen by hand, whatever pipeline fits.
    pub by_hand: bool,
    /// The sheet of a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The delimiter of a text file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// The encoding of a text file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The pipeline file with the columns as they were confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<String>,
    /// The job of the newest check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Uuid>,
    /// The job of the import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<Uuid>,
}

impl Store {
    /// Records a file that was sent.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn insert_upload(&self, upload: &Upload) -> Result<()> {
        let sql = "insert into muster.uploads (id, name, path, bytes, sha256, who, settings) \
            values ($1, $2, $3, $4, $5, $6, $7::text::jsonb)";
        let settings = super::json_of(&upload.settings);
        self.act(WRITING, async |client| {
            let bytes = upload.bytes as i64;
            let values: [&(dyn ToSql + Sync); 7] = [
                &upload.id,
                &upload.name,
                &upload.path,
                &bytes,
                &upload.sha256,
                &upload.who,
                &settings,
            ];
            client.execute(sql, &values).await?;
            Ok(((), Act::about(upload.id).count("bytes", upload.bytes)))
        })
    }

    /// One upload that is still there.
    ///
    /// # Errors
    /// `run.unknown` where there is none; a `database.*` code.
    pub fn upload(&self, id: Uuid) -> Result<Upload> {
        let found = self.uploads(Some(id), 1)?.pop();
        found.ok_or_else(|| {
            let what = "this file was removed, or was never sent";
            Refusal::new(Code::RunUnknown, what).help("send it again on the page `Import`")
        })
    }

    /// The newest uploads that are still there.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn list_uploads(&self, limit: u32) -> Result<Vec<Upload>> {
        self.uploads(None, limit)
    }

    fn uploads(&self, id: Option<Uuid>, limit: u32) -> Result<Vec<Upload>> {
        let sql = include_str!("sql/list_uploads.sql");
        let rows = self.query(sql, &[&id, &i64::from(limit)], READING)?;
        Ok(rows.iter().map(upload).collect())
    }

    /// Changes what was chosen for an upload.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn set_upload(&self, id: Uuid, settings: &Settings) -> Result<()> {
        let sql = "update muster.uploads set settings = $2::text::jsonb where id = $1";
        self.execute(sql, &[&id, &super::json_of(settings)], WRITING)?;
        Ok(())
    }

    /// Makes `job` the import of an upload, if that is still the job `before`: of two who want it at
    /// the same time, one gets it.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn claim_upload(&self, id: Uuid, before: Option<Uuid>, job: Uuid) -> Result<bool> {
        let sql = include_str!("sql/claim_upload.sql");
        let before = before.map(|id| id.to_string());
        let changed = self.execute(sql, &[&id, &before, &job.to_string()], WRITING)?;
        Ok(changed == 1)
    }

    /// Notes that the file of an upload is gone.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn remove_upload(&self, id: Uuid) -> Result<()> {
        let sql = "update muster.uploads set deleted_at = now() where id = $1";
        self.act(WRITING, async |client| {
            client.execute(sql, &[&id]).await?;
            Ok(((), Act::about(id)))
        })
    }

    /// The uploads that are older than that many days and that no job works with, and which are
    /// still there.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn old_uploads(&self, days: u32) -> Result<Vec<Uuid>> {
        let sql = include_str!("sql/old_uploads.sql");
        let rows = self.query(sql, &[&f64::from(days)], READING)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

fn upload(row: &Row) -> Upload {
    Upload {
        id: row.get(0),
        name: row.get(1),
        path: row.get(2),
        bytes: row.get::<_, i64>(3) as u64,
        sha256: row.get(4),
        who: row.get(5),
        sent_at: row.get(6),
        settings: serde_json::from_str(row.get(7)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::connect::Target;
    use crate::store::scratch::Home;

    #[test]
    fn an_upload_is_imported_by_one_of_two_and_goes_when_it_is_old() {
        let home = Home::new("uploads");
        let store = Store::open(Target::Local(home.local.clone())).unwrap();
        let id = Uuid::from_u128(1);
        let settings = Settings {
            sheet: Some("People".into()),
            ..Settings::default()
        };
        let upload = Upload {
            id,
            name: "people.csv".into(),
            path: "/tmp/people.csv".into(),
            bytes: 12,
            sha256: "ab".into(),
            who: "console:Ann Ng".into(),
            sent_at: String::new(),
            settings,
        };
        store.insert_upload(&upload).unwrap();
        let (first, second) = (Uuid::from_u128(2), Uuid::from_u128(3));
        assert!(store.claim_upload(id, None, first).unwrap());
        assert!(!store.claim_upload(id, None, second).unwrap());
        assert_eq!(store.upload(id).unwrap().settings.import, Some(first));
        assert!(store.claim_upload(id, Some(first), second).unwrap());
        let found = store.upload(id).unwrap();
        assert_eq!(found.settings.sheet.as_deref(), Some("People"));
        assert!(store.old_uploads(1).unwrap().is_empty());
        let sql = "update muster.uploads set sent_at = sent_at - interval '2 days'";
        store.execute(sql, &[], WRITING).unwrap();
        assert_eq!(store.old_uploads(1).unwrap(), [id]);
        store.remove_upload(id).unwrap();
        assert!(store.old_uploads(1).unwrap().is_empty());
        assert_eq!(store.upload(id).unwrap_err().code, Code::RunUnknown);
    }
}
