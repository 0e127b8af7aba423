//! Who did what: lines that are only added, each in the transaction of what it is about.

use serde_json::{Map, Value};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, GenericClient};
use uuid::Uuid;

use super::Store;
use crate::refusal::Result;
use crate::store::error::refusal;

/// On whose behalf a [`Store`] writes. Without a name in `who`, nothing is written into the audit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acting {
    /// `console:NAME` or `cli:USER@HOST`.
    pub who: String,
    /// The session of the console.
    pub session: Option<Uuid>,
    /// The address that the request came from.
    pub address: Option<String>,
    /// What is done, such as `import`: the words of the command.
    pub action: String,
    /// The command that does it, without personal values.
    pub command: String,
}

/// What a line of the audit is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Act {
    /// The run, account, upload or administrator.
    pub about: String,
    /// Whose accounts; empty for runs, which say that themselves.
    pub people: Vec<Uuid>,
    /// How many of what.
    pub counts: Vec<(&'static str, u64)>,
}

impl Act {
    /// About that, without counts.
    pub fn about(about: impl Into<String>) -> Act {
        Act {
            about: about.into(),
            ..Act::default()
        }
    }

    /// With a count.
    pub fn count(mut self, name: &'static str, count: u64) -> Act {
        self.counts.push((name, count));
        self
    }

    /// With the accounts that it was done to.
    pub fn people(mut self, people: Vec<Uuid>) -> Act {
        self.people = people;
        self
    }

    fn counts(&self) -> Value {
        let counts = self.counts.iter().filter(|(_, count)| *count > 0);
        let counts: Map<String, Value> = counts
            .map(|(name, count)| ((*name).to_string(), (*count).into()))
            .collect();
        Value::Object(counts)
    }
}

impl Acting {
    /// Adds a line, within the transaction of `client`.
    pub(super) async fn write<C: GenericClient>(
        &self,
        client: &C,
        act: &Act,
    ) -> std::result::Result<(), Error> {
        if self.who.is_empty() {
            return Ok(());
        }
        let counts = super::json_of(&act.counts());
        let values: [&(dyn ToSql + Sync); 8] = [
            &self.who,
            &self.session,
            &self.address,
            &self.action,
            &act.about,
            &counts,
            &self.command,
            &act.people,
        ];
        let sql = include_str!("sql/insert_audit.sql");
        client.execute(sql, &values).await.map(|_| ())
    }
}

/// Which lines of the audit are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only by these: a part of the name, in any case.
    pub who: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only about this.
    pub about: Option<String>,
    /// Only about this account.
    pub person: Option<Uuid>,
    /// The most lines; none for all.
    pub limit: Option<u64>,
    /// How many are left out before them.
    pub offset: u64,
}

/// A line of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number.
    pub id: i64,
    /// Microseconds since 1970.
    pub at: i64,
    /// `console:NAME` or `cli:USER@HOST`.
    pub who: String,
    /// The session of the console.
    pub session: Option<Uuid>,
    /// The address that the request came from.
    pub address: Option<String>,
    /// Such as `import` or `sign-in`.
    pub action: String,
    /// The run, account, upload or administrator.
    pub about: String,
    /// How many of what; of a run, what it did.
    pub counts: Vec<(String, u64)>,
    /// The command that does it.
    pub command: String,
    /// Whether `about` is a run.
    pub is_run: bool,
    /// The name of the administrator that it is about.
    pub admin: Option<String>,
}

impl Store {
    /// From now on, what is written is written on behalf of `acting`.
    pub fn act_as(&mut self, acting: Acting) {
        self.acting = acting;
    }

    /// On whose behalf this store writes.
    pub fn acting(&mut self) -> &mut Acting {
        &mut self.acting
    }

    /// Adds a line about something that is written nowhere else in the database.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn audit(&self, act: &Act) -> Result<()> {
        self.runtime
            .block_on(self.acting.write(&self.connection.client, act))
            .map_err(|error| refusal(&error, "writing the audit"))
    }

    /// The number of the newest line of the audit; 0 without any.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn newest_audit(&self) -> Result<i64> {
        let sql = "select coalesce(max(id), 0) from muster.audit";
        let rows = self.query(sql, &[], "reading the audit")?;
        Ok(rows.first().map_or(0, |row| row.get(0)))
    }

    /// One transaction of what `work` does and of its line in the audit.
    pub(super) fn act<T>(
        &self,
        doing: &str,
        work: impl AsyncFnOnce(&Client) -> std::result::Result<(T, Act), Error>,
    ) -> Result<T> {
        self.act_if(doing, async |client| {
            let (value, act) = work(client).await?;
            Ok((value, Some(act)))
        })
    }

    /// As [`Store::act`], where it may come out that there is nothing to write about.
    pub(super) fn act_if<T>(
        &self,
        doing: &str,
        work: impl AsyncFnOnce(&Client) -> std::result::Result<(T, Option<Act>), Error>,
    ) -> Result<T> {
        let client = &self.connection.client;
        let done = self.runtime.block_on(async {
            client.batch_execute("begin").await?;
            let worked = async {
                let (value, act) = work(client).await?;
                if let Some(act) = act {
                    self.acting.write(client, &act).await?;
                }
                client.batch_execute("commit").await?;
                Ok(value)
            };
            let worked = worked.await;
            if worked.is_err() {
                // The transaction is over either way; a lost connection can't say so.
                let _ = client.batch_execute("rollback").await;
            }
            worked
        });
        done.map_err(|error: Error| refusal(&error, doing))
    }

    /// Lines of the audit, newest first, and how many fit in all.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn list_audit(&self, wanted: &Wanted) -> Result<(Vec<Line>, u64)> {
        let limit = wanted.limit.map(|limit| limit as i64);
        let offset = wanted.offset as i64;
        let filter: [&(dyn ToSql + Sync); 4] =
            [&wanted.who, &wanted.action, &wanted.about, &wanted.person];
        let mut values = filter.to_vec();
        values.extend([&limit as &(dyn ToSql + Sync), &offset]);
        let doing = "reading the audit";
        let rows = self.query(include_str!("sql/list_audit.sql"), &values, doing)?;
        let counted = self.query(include_str!("sql/count_audit.sql"), &filter, doing)?;
        let total = counted.first().map_or(0, |row| row.get::<_, i64>(0) as u64);
        let lines = rows.iter().map(|row| Line {
            id: row.get(0),
            at: row.get(1),
            who: row.get(2),
            session: row.get(3),
            address: row.get(4),
            action: row.get(5),
            about: row.get(6),
            counts: counts(row.get(7)),
            command: row.get(8),
            is_run: row.get(9),
            admin: row.get(10),
        });
        Ok((lines.collect(), total))
    }

    /// The actions that the audit has.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn audited_actions(&self) -> Result<Vec<String>> {
        let sql = "select distinct action from muster.audit order by 1";
        let rows = self.query(sql, &[], "reading the audit")?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

/// The counts that aren't zero.
fn counts(json: &str) -> Vec<(String, u64)> {
    let counts: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
    let counts = counts.into_iter();
    counts
        .filter_map(|(name, count)| Some((name, count.as_u64().filter(|count| *count > 0)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::connect::Target;
    use crate::store::scratch::Home;

    #[test]
    fn an_act_and_its_line_are_one_and_lines_are_only_added() {
        let home = Home::new("home");
        let mut store = Store::open(Target::Local(home.local.clone())).unwrap();
        let keys = ["a@b.eu".to_string()];
        // Nobody is named: a library's own call.
        store.suppress(&keys, "").unwrap();
        assert_eq!(store.list_audit(&Wanted::default()).unwrap(), (vec![], 0));
        store.act_as(Acting {
            who: "cli:ann@desk".to_string(),
            action: "suppress".to_string(),
            command: "muster suppress …".to_string(),
            ..Acting::default()
        });
        store.unsuppress(&keys).unwrap();
        store.suppress(&keys, "").unwrap();
        let (lines, total) = store.list_audit(&Wanted::default()).unwrap();
        assert_eq!((lines.len(), total), (2, 2));
        assert_eq!(lines[0].counts, [("added".to_string(), 1)]);
        assert_eq!(lines[1].counts, [("removed".to_string(), 1)]);
        assert_eq!(
            (lines[0].who.as_str(), lines[0].command.as_str()),
            ("cli:ann@desk", "muster suppress …")
        );

        // Where the line can't be written, nothing is.
        let broken =
            "alter table muster.audit add constraint none check (action <> 'suppress') not valid";
        let client = &store.connection.client;
        store
            .runtime
            .block_on(client.batch_execute(broken))
            .unwrap();
        let more = ["c@d.eu".to_string()];
        assert!(store.suppress(&more, "").is_err());
        assert!(!store.is_suppressed("c@d.eu").unwrap());

        for sql in [
            "delete from muster.audit",
            "update muster.audit set who = 'x'",
            "truncate muster.audit",
        ] {
            let client = &store.connection.client;
            let refused = store.runtime.block_on(client.batch_execute(sql));
            assert!(refused.is_err(), "{sql}");
        }
        assert_eq!(store.list_audit(&Wanted::default()).unwrap().1, 2);
        let wanted = |who: &str, limit| Wanted {
            who: Some(who.to_string()),
            limit: Some(limit),
            ..Wanted::default()
        };
        let (lines, total) = store.list_audit(&wanted("ANN", 1)).unwrap();
        assert_eq!((lines.len(), total), (1, 2));
        assert_eq!(store.list_audit(&wanted("%", 9)).unwrap().1, 0);
    }
}
