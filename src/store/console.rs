//! The console's own tables: links that sign in, sessions, and forms that are carried out once.

use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Store;
use super::audit::Act;
use crate::admin::Role;
use crate::refusal::Result;

/// How long a session lives without a request, and in all; as PostgreSQL writes it.
const IDLE: &str = "30 minutes";
const AGE: &str = "12 hours";
/// How exactly it is known when a session was last used: a page that only reads then writes nothing.
const SEEN: &str = "1 minute";
/// How long a link that signs in works.
const LINK: &str = "10 minutes";
/// How long what was sent is remembered, so that a second click finds it.
const FORMS_KEPT: &str = "1 day";

/// Who uses the console, looked up for each request.
#[derive(Debug, Clone)]
pub struct Session {
    /// What lists and the audit call it.
    pub id: Uuid,
    /// `None` for who came by a link on this machine.
    pub admin: Option<Uuid>,
    /// The administrator's name; empty for who came by a link.
    pub name: String,
    /// What may be done.
    pub role: Role,
    /// Is in each form.
    pub secret: String,
    /// Whether values are shown in full.
    pub shows_values: bool,
    /// `en` or `de`, or empty for what the browser asks for.
    pub language: String,
    /// IANA name; empty for UTC.
    pub time_zone: String,
    /// Seconds since the password was given.
    pub confirmed_ago: i64,
}

/// What is known of a browser that signs in.
#[derive(Debug, Default)]
pub struct Browser<'a> {
    /// The network address that it came from.
    pub address: &'a str,
    /// What it calls itself.
    pub agent: &'a str,
    /// IANA name, where its script said so.
    pub time_zone: &'a str,
}

/// A session that is open.
#[derive(Debug, Clone)]
pub struct Open {
    /// What lists and the audit call it.
    pub id: Uuid,
    /// `None` for who came by a link on this machine.
    pub admin: Option<Uuid>,
    /// The administrator's name; empty for who came by a link.
    pub name: String,
    /// The network address that it came from.
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// The last request, in microseconds since 1970.
    pub seen_at: i64,
}

/// What became of a form's nonce.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is new: carry the form out.
    New,
    /// It was carried out before, and led there.
    Led(String),
    /// It is being carried out right now.
    UnderWay,
}

impl Store {
    /// Keeps the hash of a link that signs in once.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn add_sign_in_link(&self, token_sha256: &[u8; 32]) -> Result<()> {
        let sql = format!(
            "insert into muster.console_links (token_sha256, purpose, expires_at)
             values ($1, 'sign-in', now() + interval '{LINK}')"
        );
        self.execute(&sql, &[&token_sha256.as_slice()], "making a sign-in link")?;
        Ok(())
    }

    /// Uses up a link and begins a session with the hash `session_sha256`; `None` for a link that is
    /// unknown, used or too old.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn sign_in_by_link(
        &self,
        token_sha256: &[u8; 32],
        session_sha256: &[u8; 32],
        secret: &str,
        browser: &Browser,
    ) -> Result<Option<Uuid>> {
        let sql = "with used as (
                update muster.console_links set used_at = now()
                where token_sha256 = $1 and purpose = 'sign-in' and used_at is null and expires_at > now()
                returning admin_id
            )
            insert into muster.console_sessions (token_sha256, id, admin_id, secret, address, agent, time_zone)
            select $2, $3, admin_id, $4, $5, $6, $7 from used
            returning id";
        let id = Uuid::new_v4();
        let values: [&(dyn ToSql + Sync); 7] = [
            &token_sha256.as_slice(),
            &session_sha256.as_slice(),
            &id,
            &secret,
            &browser.address,
            &browser.agent,
            &browser.time_zone,
        ];
        self.act_if("signing in", async |client| {
            let begun = client.execute(sql, &values).await? == 1;
            Ok((begun.then_some(id), begun.then(|| Act::about(id))))
        })
    }

    /// Begins a session of an administrator, with the hash `session_sha256`.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn begin_console_session(
        &self,
        admin: Uuid,
        session_sha256: &[u8; 32],
        secret: &str,
        browser: &Browser,
    ) -> Result<Uuid> {
        let sql = "insert into muster.console_sessions
                (token_sha256, id, admin_id, secret, address, agent, time_zone)
            values ($1, $2, $3, $4, $5, $6, $7)";
        let id = Uuid::new_v4();
        let values: [&(dyn ToSql + Sync); 7] = [
            &session_sha256.as_slice(),
            &id,
            &admin,
            &secret,
            &browser.address,
            &browser.agent,
            &browser.time_zone,
        ];
        self.act("signing in", async |client| {
            client.execute(sql, &values).await?;
            Ok((id, Act::about(admin)))
        })
    }

    /// Notes that the password was given again.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn confirm_console_session(&self, id: Uuid) -> Result<()> {
        let sql = "update muster.console_sessions set confirmed_at = now() where id = $1";
        self.execute(sql, &[&id], "confirming a session")?;
        Ok(())
    }

    /// The sessions that are open, the latest first; with `admin`, only theirs.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn list_console_sessions(&self, admin: Option<Uuid>) -> Result<Vec<Open>> {
        let sql = format!(
            "select session.id, admin_id, coalesce(name, ''), address, agent,
                 (extract(epoch from session.created_at) * 1000000)::bigint,
                 (extract(epoch from seen_at) * 1000000)::bigint
             from muster.console_sessions session
             left join muster.admins on admins.id = admin_id
             where ended_at is null and seen_at > now() - interval '{IDLE}'
                 and session.created_at > now() - interval '{AGE}'
                 and ($1::uuid is null or admin_id = $1)
             order by seen_at desc"
        );
        let rows = self.query(&sql, &[&admin], "reading the sessions")?;
        let open = rows.iter().map(|row| Open {
            id: row.get(0),
            admin: row.get(1),
            name: row.get(2),
            address: row.get(3),
            agent: row.get(4),
            created_at: row.get(5),
            seen_at: row.get(6),
        });
        Ok(open.collect())
    }

    /// The session of a cookie, which lives on by this; `None` where it has ended, was idle for too
    /// long or its administrator was removed.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_console_session(&self, token_sha256: &[u8; 32]) -> Result<Option<Session>> {
        let sql = format!(
            "with found as (
                 select session.*, name, role
                 from muster.console_sessions session
                 left join muster.admins on admins.id = session.admin_id
                 where token_sha256 = $1 and ended_at is null
                     and seen_at > now() - interval '{IDLE}' and session.created_at > now() - interval '{AGE}'
                     and (session.admin_id is null or admins.id is not null and removed_at is null)
             ),
             seen as (
                 update muster.console_sessions session set seen_at = now()
                 from found
                 where session.token_sha256 = found.token_sha256 and found.seen_at < now() - interval '{SEEN}'
             )
             select id, admin_id, coalesce(name, ''), coalesce(role, 'owner'), secret, shows_values,
                 language, time_zone, extract(epoch from now() - confirmed_at)::bigint
             from found"
        );
        let rows = self.query(&sql, &[&token_sha256.as_slice()], "reading a session")?;
        Ok(rows.first().and_then(|row| {
            Some(Session {
                id: row.get(0),
                admin: row.get(1),
                name: row.get(2),
                role: Role::from_name(row.get(3))?,
                secret: row.get(4),
                shows_values: row.get(5),
                language: row.get(6),
                time_zone: row.get(7),
                confirmed_ago: row.get(8),
            })
        }))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn end_console_session(&self, id: Uuid) -> Result<()> {
        let sql = "update muster.console_sessions set ended_at = now() where id = $1 and ended_at is null";
        self.act_if("ending a session", async |client| {
            let ended = client.execute(sql, &[&id]).await? == 1;
            Ok(((), ended.then(|| Act::about(id))))
        })
    }

    /// Changes how a session shows things.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn set_console_session(&self, session: &Session) -> Result<()> {
        let sql = "update muster.console_sessions
            set shows_values = $2, language = $3, time_zone = $4 where id = $1";
        let Session {
            id,
            shows_values,
            language,
            time_zone,
            ..
        } = session;
        self.execute(
            sql,
            &[id, shows_values, language, time_zone],
            "keeping the settings of a session",
        )?;
        Ok(())
    }

    /// Claims a form's nonce for this request.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn claim_form(&self, nonce_sha256: &[u8; 32], session: Uuid) -> Result<Claim> {
        let doing = "taking a form";
        let sql = "insert into muster.console_forms (nonce_sha256, session_id) values ($1, $2)
            on conflict do nothing";
        if self.execute(sql, &[&nonce_sha256.as_slice(), &session], doing)? == 1 {
            let old = format!(
                "delete from muster.console_forms where sent_at < now() - interval '{FORMS_KEPT}'"
            );
            self.execute(&old, &[], doing)?;
            return Ok(Claim::New);
        }
        let sql =
            "select location from muster.console_forms where nonce_sha256 = $1 and session_id = $2";
        let rows = self.query(sql, &[&nonce_sha256.as_slice(), &session], doing)?;
        let location: Option<String> = rows.first().and_then(|row| row.get(0));
        Ok(location.map_or(Claim::UnderWay, Claim::Led))
    }

    /// Notes where a form led; `None` lets it be sent again.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn settle_form(&self, nonce_sha256: &[u8; 32], location: Option<&str>) -> Result<()> {
        let nonce = nonce_sha256.as_slice();
        let doing = "settling a form";
        match location {
            Some(location) => self.execute(
                "update muster.console_forms set location = $2 where nonce_sha256 = $1",
                &[&nonce, &location],
                doing,
            )?,
            None => self.execute(
                "delete from muster.console_forms where nonce_sha256 = $1",
                &[&nonce],
                doing,
            )?,
        };
        Ok(())
    }
}
