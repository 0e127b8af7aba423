//! The sessions that people are enrolled in.

use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Store;
use super::audit::Act;
use crate::refusal::Result;
use crate::session::{Known, Session};

impl Store {
    /// Every session, in the order of their beginnings.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn list_sessions(&self) -> Result<Vec<Known>> {
        self.sessions(None)
    }

    /// One session.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_session(&self, id: Uuid) -> Result<Option<Known>> {
        Ok(self.sessions(Some(id))?.pop())
    }

    fn sessions(&self, id: Option<Uuid>) -> Result<Vec<Known>> {
        let sql = include_str!("sql/list_sessions.sql");
        let rows = self.query(sql, &[&id], "reading the sessions")?;
        let known = rows.iter().map(|row| Known {
            id: row.get(0),
            session: Session {
                name: row.get(1),
                key: row.get(2),
                starts_at: row.get(3),
                ends_at: row.get(4),
                time_zone: row.get(5),
                place: row.get(6),
                link: row.get(7),
            },
            revision: row.get(8),
            enrolled: row.get(9),
            mailed: row.get(10),
            changed_at: row.get(11),
        });
        Ok(known.collect())
    }

    /// Makes sessions, or changes those of the same keys, all or none.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn write_sessions(&self, sessions: &[Session]) -> Result<()> {
        let ids: Vec<Uuid> = super::invitations::new_ids(sessions.len())?;
        let names = of(sessions, |one| one.name.as_str());
        let keys = of(sessions, |one| one.key.as_str());
        let starts = of(sessions, |one| one.starts_at);
        let ends = of(sessions, |one| one.ends_at);
        let zones = of(sessions, |one| one.time_zone.as_str());
        let places = of(sessions, |one| one.place.as_deref());
        let links = of(sessions, |one| one.link.as_deref());
        let values: [&(dyn ToSql + Sync); 8] =
            [&ids, &names, &keys, &starts, &ends, &zones, &places, &links];
        let sql = include_str!("sql/write_sessions.sql");
        self.act("writing the sessions", async |client| {
            let written = client.execute(sql, &values).await?;
            Ok(((), Act::default().count("sessions", written)))
        })
    }
}

fn of<'a, T>(sessions: &'a [Session], value: impl Fn(&'a Session) -> T) -> Vec<T> {
    sessions.iter().map(value).collect()
}
