//! The records of invitations: who may get one, who sends it now, what happened to it.
//!
//! A mail is claimed before it is sent and settled afterwards, each in a separate transaction. The
//! advisory lock of the sender's session shows whether the sender still exists.

use crate::invitation::Abandoned;
use crate::invitation::Funnel;
use crate::invitation::Listed;
use jiff::civil::Date;
use std::collections::HashMap;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, GenericClient, Row};
use uuid::Uuid;

use super::Store;
use super::audit::Act;
use crate::field::RowNumber;
use crate::invitation::Candidate;
use crate::invitation::{Delivery, Kind, MailContext, Name, Person};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::store::error::refusal;

/// What the mails of one queueing have in common.
#[derive(Debug, Clone, Copy)]
pub struct Mailing<'a> {
    /// The run whose people they go to; empty for each person's own.
    pub run: &'a str,
    /// What they are for.
    pub kind: Kind,
    /// How long the way in works; none for ever.
    pub lifetime_minutes: Option<u32>,
    /// The administrator's words.
    pub message: Option<&'a str>,
    /// The pipeline by whose settings they go, as it was named.
    pub pipeline: Option<&'a str>,
}

/// A mail that waits for a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// The invitation.
    pub id: Uuid,
    /// The recipient's domain, as A-labels.
    pub domain: String,
    /// Not before that second since 1970, after the server put it off.
    pub not_before: Option<i64>,
}

/// A mail that this sender, and nobody else, sends now.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The invitation.
    pub id: Uuid,
    /// What it is for.
    pub kind: Kind,
    /// The same for every attempt at this mail.
    pub message_id: String,
    /// Attempts before this one.
    pub attempts: u32,
    /// The session that it is about.
    pub session: Option<Uuid>,
    /// What templates see; link, password, product and contact are for the sender to fill in.
    pub mail_context: MailContext,
}

/// A sender's mark on its claims. The lock after it is held by the store's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease(i64);

/// Which invitations are meant; what is `None` doesn't matter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of that run.
    pub run: Option<String>,
    /// In one of these states.
    pub states: Option<Vec<String>>,
    /// To one of these people.
    pub people: Option<Vec<Name>>,
    /// At least that old.
    pub age_minutes: Option<i64>,
    /// These invitations, by their ids.
    pub ids: Option<Vec<Uuid>>,
}

/// Whose newest invitations are meant, as a page asks for them; what is empty doesn't matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Shown {
    /// Of that run.
    pub run: Option<String>,
    /// In one of these states.
    pub states: Vec<String>,
    /// Of one of these kinds.
    pub kinds: Vec<String>,
    /// With this in their address or username.
    pub text: String,
    /// These.
    pub ids: Option<Vec<Uuid>>,
    /// Whose link ends within that many hours.
    pub ends_within: Option<i32>,
}

/// A link that is to be handed over in person.
#[derive(Debug, Clone)]
pub struct ToHandOver {
    /// Whose it is.
    pub account: Uuid,
    /// The SHA-256 of its token.
    pub token: [u8; 32],
    /// No mail has it, but every invitation has one.
    pub message_id: String,
}

/// A link that was made to be handed over.
#[derive(Debug, Clone)]
pub struct HandedOver {
    /// What the link is for.
    pub kind: Kind,
    /// When it ends, UTC; none for never.
    pub expires_at: Option<String>,
    /// The same, in seconds since 1970.
    pub expires: Option<i64>,
}

impl Store {
    /// Everybody whom a run names, in row order; without a run, everybody. On `day`, where first days
    /// matter to the pipeline.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_people(
        &self,
        run: Option<&str>,
        kind: Kind,
        day: Option<Date>,
    ) -> Result<Vec<Candidate>> {
        let day = day.map(|day| day.to_string());
        let rows = self.query(
            include_str!("sql/find_people.sql"),
            &[&run, &kind.name(), &day],
            "reading the people of the run",
        )?;
        Ok(rows.iter().map(candidate).collect())
    }

    /// Somebody who can be written to; `None` without an address.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_person(&self, account: Uuid) -> Result<Option<Person>> {
        let sql = "select email, username, first_name, last_name, display_name, language,
            organization, role, array[]::text[] from muster.accounts where id = $1 and email is not null";
        let rows = self.query(sql, &[&account], "reading an account")?;
        Ok(rows.first().map(|row| person(row, 0, 1)))
    }

    /// The account that somebody means by a name.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_named(&self, name: &Name) -> Result<Option<Uuid>> {
        let (email, username) = name.keys();
        let sql = "select id from muster.accounts
            where email_key = $1 or username_key = $2 and ($1::text is null or email_key is null)";
        let rows = self.query(sql, &[&email, &username], "reading an account")?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    /// Whether an administrator cancelled the invitation of an account that waits for one.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn is_cancelled(&self, account: Uuid) -> Result<bool> {
        let sql = "select invitation.state = 'cancelled' and account.status = 'invited'
            from muster.invitations invitation join muster.accounts account on account.id = invitation.account_id
            where account.id = $1 and invitation.kind = 'invite'
            order by invitation.created_at desc, invitation.id desc limit 1";
        let rows = self.query(sql, &[&account], "reading an account")?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
    }

    /// The pipelines, as they were named, by which those accounts were invited last, or were made;
    /// `None` for the default and for accounts made elsewhere.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn pipelines_of(&self, accounts: &[Uuid]) -> Result<Vec<Option<String>>> {
        let sql = include_str!("sql/find_pipelines.sql");
        let rows = self.query(sql, &[&accounts], "reading the accounts")?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Whether mails to that address must not be sent.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn is_suppressed(&self, email_key: &str) -> Result<bool> {
        let sql = "select 1 from muster.suppressions where email_key = $1";
        let rows = self.query(
            sql,
            &[&email_key],
            "reading the addresses that are never mailed",
        )?;
        Ok(!rows.is_empty())
    }

    /// Ends the links whose time is over; how many.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn expire_overdue(&self) -> Result<u64> {
        let sql = include_str!("sql/expire_invitations.sql");
        self.act("ending old links", async |client| {
            let ended = client.execute(sql, &[]).await?;
            Ok((ended, Act::default().count("expired", ended)))
        })
    }

    /// The same on the way, before mails are queued.
    fn forget_overdue(&self) -> Result<()> {
        let sql = include_str!("sql/expire_invitations.sql");
        self.execute(sql, &[], "ending old links").map(|_| ())
    }

    /// Queues a mail for each of `accounts` that has none of its kind yet, and returns what waits
    /// for them now. The message also goes into mails that wait already.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn queue(
        &self,
        mailing: &Mailing,
        accounts: &[Uuid],
        message_ids: &[String],
    ) -> Result<Vec<Queued>> {
        self.forget_overdue()?;
        let ids = new_ids(accounts.len())?;
        let minutes = mailing.lifetime_minutes.map(|minutes| minutes as i32);
        let kind = mailing.kind.name();
        self.act("queueing the mails", async |client| {
            let values: [&(dyn ToSql + Sync); 8] = [
                &mailing.run,
                &kind,
                &minutes,
                &mailing.message,
                &ids,
                &accounts,
                &message_ids,
                &mailing.pipeline,
            ];
            let sql = include_str!("sql/insert_invitations.sql");
            let queued = client.execute(sql, &values).await?;
            if mailing.message.is_some() {
                let sql = "update muster.invitations set message = $1
                    where state = 'queued' and kind = $2 and account_id = any ($3)";
                client
                    .execute(sql, &[&mailing.message, &kind, &accounts])
                    .await?;
            }
            let chosen = accounts.len() as u64;
            let act = Act::about(mailing.run).count("chosen", chosen);
            Ok(((), act.count("queued", queued)))
        })?;
        self.find_queued(mailing.kind, accounts)
    }

    /// Queues mails about sessions, of accounts and sessions, and returns what waits of them now. With
    /// `minutes_before` they are reminders.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn queue_sessions(
        &self,
        mailing: &Mailing,
        minutes_before: Option<i32>,
        wanted: &[(Uuid, Uuid)],
        message_ids: &[String],
    ) -> Result<Vec<Queued>> {
        let ids = new_ids(wanted.len())?;
        let (accounts, sessions): (Vec<Uuid>, Vec<Uuid>) = wanted.iter().copied().unzip();
        let kind = mailing.kind.name();
        let doing = "queueing the mails";
        let values: [&(dyn ToSql + Sync); 9] = [
            &mailing.run,
            &kind,
            &mailing.message,
            &ids,
            &accounts,
            &sessions,
            &message_ids,
            &mailing.pipeline,
            &minutes_before,
        ];
        self.act(doing, async |client| {
            let sql = include_str!("sql/insert_session_mails.sql");
            let queued = client.execute(sql, &values).await?;
            let sql = include_str!("sql/cancel_outdated.sql");
            client.execute(sql, &[]).await?;
            Ok(((), Act::about(mailing.run).count("session mails", queued)))
        })?;
        let sql = include_str!("sql/find_queued_session_mails.sql");
        let rows = self.query(sql, &[&kind, &accounts, &sessions], doing)?;
        Ok(rows.iter().map(queued).collect())
    }

    /// Who of a source is to be reminded of which session now: account, session, minutes before its
    /// beginning, and the run that enrolled the person. `minutes` are those at which people are reminded.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_session_reminders(
        &self,
        source: &str,
        minutes: &[i32],
    ) -> Result<Vec<(Uuid, Uuid, i32, String)>> {
        let sql = include_str!("sql/find_session_reminders.sql");
        let rows = self.query(sql, &[&source, &minutes], "reading whom to remind")?;
        Ok(rows
            .iter()
            .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
            .collect())
    }

    /// What waits for a sender, of those accounts.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_queued(&self, kind: Kind, accounts: &[Uuid]) -> Result<Vec<Queued>> {
        let doing = "reading what is to be sent";
        self.execute(include_str!("sql/cancel_outdated.sql"), &[], doing)?;
        let sql = include_str!("sql/find_queued.sql");
        let rows = self.query(sql, &[&kind.name(), &accounts], doing)?;
        Ok(rows.iter().map(queued).collect())
    }

    /// Takes the lock by which others see that this sender lives.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn begin_sending(&self) -> Result<Lease> {
        let number = getrandom::u64().unwrap_or_default() as i64;
        let doing = "beginning to send";
        self.query("select pg_advisory_lock($1)", &[&number], doing)?;
        Ok(Lease(number))
    }

    /// Settles the claims of senders that are gone: a mail that `in_outbox` has is sent, one that
    /// was for the outbox and isn't there waits again, and one that was for a mail server is
    /// unknown.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn settle_abandoned(
        &mut self,
        lease: &Lease,
        in_outbox: impl Fn(&str) -> bool,
    ) -> Result<Abandoned> {
        let doing = |error| refusal(&error, "finishing the work of another sender");
        let mut found = Abandoned::default();
        let sql = "update muster.invitations
            set state = $2, leased_by = null, lease_until = null, changed_at = now(),
                sent_at = case when $2 = 'sent' then now() else sent_at end,
                reply = case when $2 = 'unknown' then 'the sender was stopped before the mail server answered' else reply end,
                token_sha256 = case when $2 = 'queued' then null else token_sha256 end
            where id = $1";
        self.runtime.block_on(async {
            let transaction = self.connection.client.transaction().await.map_err(doing)?;
            let rows = transaction
                .query(include_str!("sql/find_abandoned.sql"), &[&lease.0])
                .await
                .map_err(doing)?;
            for row in rows {
                let (id, message_id): (Uuid, String) = (row.get(0), row.get(1));
                let transport: Option<String> = row.get(2);
                let (state, count) = match transport.as_deref() {
                    Some("outbox") if in_outbox(&message_id) => ("sent", &mut found.sent),
                    Some("outbox") | None => ("queued", &mut found.queued),
                    Some(_) => ("unknown", &mut found.unknown),
                };
                *count += 1;
                transaction
                    .execute(sql, &[&id, &state])
                    .await
                    .map_err(doing)?;
            }
            transaction.commit().await.map_err(doing)
        })?;
        Ok(found)
    }

    /// Takes one waiting mail; `None` when somebody else has it or it must not go out any more.
    /// `via` is `outbox` or `smtp`; `token` is the SHA-256 of the new link's token.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn claim(
        &self,
        lease: &Lease,
        id: Uuid,
        transport: &str,
        token: &[u8; 32],
    ) -> Result<Option<Claimed>> {
        let token = token.as_slice();
        let rows = self.query(
            include_str!("sql/claim_invitation.sql"),
            &[&id, &transport, &lease.0, &token],
            "taking a mail to send",
        )?;
        Ok(rows.first().and_then(|row| {
            let kind: &str = row.get(0);
            Some(Claimed {
                id,
                kind: Kind::from_name(kind)?,
                message_id: row.get(1),
                attempts: row.get::<_, i32>(2) as u32,
                session: row.get(14),
                mail_context: MailContext {
                    person: person(row, 3, 6),
                    expires_at: row.get(5),
                    message: text(row, 4),
                    ..MailContext::default()
                },
            })
        }))
    }

    /// Writes down what happened to a claimed mail. `retry_seconds` says when a mail that was put
    /// off is tried again; without it, it failed.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn record(
        &self,
        lease: &Lease,
        id: Uuid,
        delivery: &Delivery,
        retry_seconds: Option<u64>,
    ) -> Result<()> {
        let wait = retry_seconds.map(|seconds| seconds as f64);
        let (state, reply, wait, undone) = match delivery {
            Delivery::Sent { reply } => ("sent", Some(reply), None, 0),
            Delivery::Refused { reply } => ("failed", Some(reply), None, 0),
            Delivery::Unknown { reply } => ("unknown", Some(reply), None, 0),
            Delivery::Later { reply } if wait.is_some() => ("queued", Some(reply), wait, 0),
            Delivery::Later { reply } => ("failed", Some(reply), None, 0),
            Delivery::Returned => ("queued", None, None, 1),
        };
        // The server's words may hold what a text column can't.
        let reply = reply.map(|reply| reply.replace('\0', ""));
        self.execute(
            include_str!("sql/record_delivery.sql"),
            &[&id, &lease.0, &state, &reply, &wait, &undone],
            "recording what was sent",
        )?;
        Ok(())
    }

    /// Stores the hash of a temporary password that is about to be mailed; `false` when the
    /// person has one of their own by now.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn set_temporary_password(&self, id: Uuid, phc: &str) -> Result<bool> {
        let sql = include_str!("sql/set_temporary_password.sql");
        Ok(self.execute(sql, &[&id, &phc], "storing a temporary password")? == 1)
    }

    /// Invitations, newest first.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn list_invitations(&self, filter: &Filter) -> Result<Vec<Listed>> {
        let keys = |people: &Vec<Name>| people.iter().map(|name| name.key().to_string()).collect();
        let usernames = |people: &Vec<Name>| {
            let usernames = people.iter().filter(|name| !name.is_email());
            usernames.map(|name| name.key().to_string()).collect()
        };
        let keys: Option<Vec<String>> = filter.people.as_ref().map(keys);
        let usernames: Option<Vec<String>> = filter.people.as_ref().map(usernames);
        let rows = self.query(
            include_str!("sql/list_invitations.sql"),
            &[
                &filter.run,
                &filter.states,
                &keys,
                &usernames,
                &filter.age_minutes,
                &filter.ids,
            ],
            "reading the invitations",
        )?;
        Ok(rows.iter().map(listed).collect())
    }

    /// The invitations of an account, of every kind.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn ids_of_invitations(&self, account: Uuid) -> Result<Vec<Uuid>> {
        let sql = "select id from muster.invitations where account_id = $1";
        let rows = self.query(sql, &[&account], "reading the invitations")?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// How many invitations are in each state, of those asked for whatever their state.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn count_shown(&self, shown: &Shown) -> Result<Vec<(String, u64)>> {
        let all = Shown {
            states: Vec::new(),
            ..shown.clone()
        };
        let select = "select now_is.state, count(*)";
        let rows = self.shown(select, "group by 1 order by 1", &all, &[])?;
        let counts = rows.iter().map(|row| (row.get(0), row.get::<_, i64>(1)));
        Ok(counts.map(|(state, count)| (state, count as u64)).collect())
    }

    /// Some of the invitations asked for, newest first: `limit` after the first `offset`.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn list_shown(
        &self,
        shown: &Shown,
        except: &[Uuid],
        offset: u64,
        limit: u64,
    ) -> Result<Vec<Listed>> {
        let select = "select invitation.id, invitation.run_id, invitation.account_id, invitation.kind,
                coalesce(invitation.email, invitation.username), now_is.state, reply, via, attempts, resends, true,
                floor(extract(epoch from now() - invitation.created_at) / 60)::bigint,
                to_char(sent_at at time zone 'utc', 'YYYY-MM-DD HH24:MI'),
                to_char(expires_at at time zone 'utc', 'YYYY-MM-DD HH24:MI'),
                token_sha256 is not null and (expires_at is null or expires_at > now()),
                coalesce(invitation.pipeline, run.pipeline), account.username_key, session.name";
        let rest = format!(
            "order by invitation.created_at desc, invitation.id desc limit {limit} offset {offset}"
        );
        let rows = self.shown(select, &rest, shown, except)?;
        Ok(rows.iter().map(listed).collect())
    }

    fn shown(&self, select: &str, rest: &str, shown: &Shown, except: &[Uuid]) -> Result<Vec<Row>> {
        let chosen = include_str!("sql/invitations_chosen.sql");
        let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
        let text = shown.text.trim().to_lowercase();
        let text = (!text.is_empty()).then_some(text);
        let except = (!except.is_empty()).then_some(except);
        self.query(
            &format!("{select} {chosen} {rest}"),
            &[
                &shown.run,
                &some(&shown.states),
                &some(&shown.kinds),
                &text,
                &shown.ids,
                &except,
                &shown.ends_within,
            ],
            "reading the invitations",
        )
    }

    /// Whether anybody was invited for the run.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn has_invited(&self, run: &str) -> Result<bool> {
        let sql = "select exists (
            select from muster.invitations where run_id = $1 and kind in ('invite', 'reset', 'temporary')
        )";
        let rows = self.query(sql, &[&run], "counting the invitations")?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
    }

    /// How far the people of a run, or of all runs, have come.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn funnel(&self, run: Option<&str>) -> Result<Funnel> {
        let rows = self.query(
            include_str!("sql/funnel.sql"),
            &[&run],
            "counting the invitations",
        )?;
        let count = |at| {
            rows.first()
                .map_or(0, |row| row.get::<usize, i64>(at) as u64)
        };
        Ok(Funnel {
            created: count(0),
            invited: count(1),
            delivered: count(2),
            waiting: count(3),
            failed: count(4),
            unknown: count(5),
            cancelled: count(6),
            expired: count(7),
            accepted: count(8),
        })
    }

    /// Queues invitations again, each with a new Message-ID; their links end. How many.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn requeue(
        &self,
        ids: &[Uuid],
        message_ids: &[String],
        message: Option<&str>,
        pipeline: Option<&str>,
    ) -> Result<u64> {
        self.forget_overdue()?;
        let sql = include_str!("sql/requeue_invitations.sql");
        let values: [&(dyn ToSql + Sync); 4] = [&ids, &message_ids, &message, &pipeline];
        self.act("queueing the mails", async |client| {
            let act = Act::default().people(people_of(client, ids).await?);
            let queued = client.execute(sql, &values).await?;
            Ok((queued, act.count("queued", queued)))
        })
    }

    /// Cancels invitations, and with `remove_accounts` removes the accounts that were never used.
    /// How many of each.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn cancel(&mut self, ids: &[Uuid], remove_accounts: Option<&[Uuid]>) -> Result<(u64, u64)> {
        let doing = |error| refusal(&error, "cancelling the invitations");
        self.runtime.block_on(async {
            let transaction = self.connection.client.transaction().await.map_err(doing)?;
            let act = Act::default().people(people_of(&transaction, ids).await.map_err(doing)?);
            let sql = include_str!("sql/cancel_invitations.sql");
            let cancelled = transaction.execute(sql, &[&ids]).await.map_err(doing)?;
            let removed = match remove_accounts {
                None => 0,
                Some(accounts) => transaction
                    .execute(include_str!("sql/remove_accounts.sql"), &[&accounts])
                    .await
                    .map_err(doing)?,
            };
            let act = act.count("cancelled", cancelled).count("removed", removed);
            self.acting.write(&transaction, &act).await.map_err(doing)?;
            transaction.commit().await.map_err(doing)?;
            Ok((cancelled, removed))
        })
    }

    /// Ends links before their time; how many.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn end_invitations(&self, ids: &[Uuid]) -> Result<u64> {
        let sql = include_str!("sql/end_invitations.sql");
        self.act("ending links", async |client| {
            let act = Act::default().people(people_of(client, ids).await?);
            let ended = client.execute(sql, &[&ids]).await?;
            Ok((ended, act.count("ended", ended)))
        })
    }

    /// Makes links to be handed over in person, by the settings of `pipeline`; those that are out end.
    /// `lifetime` gives the minutes by kind. `keep` gets the links, by account, before they work; where
    /// it fails, nothing has changed. Accounts that can't use a link are not among them.
    ///
    /// # Errors
    /// A refusal with a `database.*` code, and what `keep` fails with.
    pub fn hand_over(
        &mut self,
        wanted: &[ToHandOver],
        pipeline: Option<&str>,
        lifetime: impl Fn(Kind) -> Option<u32>,
        keep: impl FnOnce(&HashMap<Uuid, HandedOver>) -> Result<()>,
    ) -> Result<()> {
        let doing = |error| refusal(&error, "making links");
        let ids = new_ids(wanted.len())?;
        let of: HashMap<Uuid, &ToHandOver> = wanted.iter().map(|one| (one.account, one)).collect();
        let accounts: Vec<Uuid> = wanted.iter().map(|one| one.account).collect();
        let [invite, reset] =
            [Kind::Invite, Kind::Reset].map(|kind| lifetime(kind).map(|minutes| minutes as i32));
        self.runtime.block_on(async {
            let transaction = self.connection.client.transaction().await.map_err(doing)?;
            let sql = include_str!("sql/hand_over.sql");
            let rows = transaction.query(sql, &[&accounts]).await.map_err(doing)?;
            let (mut for_accounts, mut kinds, mut runs) = (Vec::new(), Vec::new(), Vec::new());
            let (mut tokens, mut message_ids) = (Vec::new(), Vec::new());
            for row in &rows {
                let account: Uuid = row.get(0);
                let Some(one) = of.get(&account) else {
                    continue;
                };
                for_accounts.push(account);
                kinds.push(row.get::<_, &str>(1));
                runs.push(row.get::<_, &str>(2));
                tokens.push(one.token.as_slice());
                message_ids.push(one.message_id.as_str());
            }
            let ids = &ids[..for_accounts.len()];
            let sql = include_str!("sql/insert_handed_over.sql");
            let values: [&(dyn ToSql + Sync); 9] = [
                &ids,
                &runs,
                &for_accounts,
                &kinds,
                &tokens,
                &message_ids,
                &invite,
                &reset,
                &pipeline,
            ];
            let made = transaction.query(sql, &values).await.map_err(doing)?;
            let people = made.iter().map(|row| row.get(0)).collect();
            let act = Act::default().count("links", made.len() as u64);
            self.acting
                .write(&transaction, &act.people(people))
                .await
                .map_err(doing)?;
            let made = made.iter().map(|row| {
                let handed_over = HandedOver {
                    kind: Kind::from_name(row.get(1)).unwrap_or(Kind::Reset),
                    expires_at: row.get(2),
                    expires: row.get(3),
                };
                (row.get(0), handed_over)
            });
            keep(&made.collect())?;
            transaction.commit().await.map_err(doing)
        })
    }

    /// Puts addresses on the list of those that are never mailed; how many are new there.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn suppress(&self, email_keys: &[String], reason: &str) -> Result<u64> {
        let sql = "insert into muster.suppressions (email_key, reason)
            select unnest($1::text[]), $2 on conflict (email_key) do nothing";
        self.act("suppressing addresses", async |client| {
            let added = client.execute(sql, &[&email_keys, &reason]).await?;
            Ok((added, Act::default().count("added", added)))
        })
    }

    /// Takes addresses off that list; how many were on it.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn unsuppress(&self, email_keys: &[String]) -> Result<u64> {
        let sql = "delete from muster.suppressions where email_key = any ($1)";
        self.act("removing suppressions", async |client| {
            let removed = client.execute(sql, &[&email_keys]).await?;
            Ok((removed, Act::default().count("removed", removed)))
        })
    }

    /// The addresses that are never mailed, with the reason and the day.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn list_suppressions(&self) -> Result<Vec<(String, String, String)>> {
        let sql = "select email_key, reason, to_char(created_at at time zone 'utc', 'YYYY-MM-DD')
            from muster.suppressions order by email_key";
        let rows = self.query(sql, &[], "reading the suppressions")?;
        Ok(rows
            .iter()
            .map(|row| (row.get(0), row.get(1), row.get(2)))
            .collect())
    }
}

/// Whose invitations these are.
async fn people_of<C: GenericClient>(
    client: &C,
    ids: &[Uuid],
) -> std::result::Result<Vec<Uuid>, Error> {
    let sql = "select distinct account_id from muster.invitations
        where id = any ($1) and account_id is not null";
    let rows = client.query(sql, &[&ids]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn queued(row: &Row) -> Queued {
    Queued {
        id: row.get(0),
        domain: row.get(1),
        not_before: row.get(2),
    }
}

fn candidate(row: &Row) -> Candidate {
    Candidate {
        row: row.get::<_, i32>(0) as RowNumber,
        account: row.get(1),
        created: row.get(2),
        person: Person {
            role: text(row, 11),
            groups: row.get(13),
            ..person(row, 3, 5)
        },
        email_key: text(row, 4),
        status: text(row, 12),
        latest: row.get(14),
        suppressed: row.get(15),
        has_password: row.get(16),
        other_roles: row.get(17),
        starts_later: row.get(18),
        sessions: row.get(19),
    }
}

/// A person whose address is in the column `email`, and whose other fields begin at `first`:
/// username, first, last and display name, language, organization, role, and the groups.
fn person(row: &Row, email: usize, first: usize) -> Person {
    let (first_name, last_name) = (text(row, first + 1), text(row, first + 2));
    let both = format!("{first_name} {last_name}");
    let display = text(row, first + 3);
    Person {
        email: text(row, email),
        username: text(row, first),
        name: if display.is_empty() {
            both.trim().to_string()
        } else {
            display
        },
        first_name,
        last_name,
        language: text(row, first + 4),
        organization: text(row, first + 5),
        role: text(row, first + 6),
        groups: row.try_get(first + 7).unwrap_or_default(),
    }
}

fn text(row: &Row, column: usize) -> String {
    row.get::<_, Option<String>>(column).unwrap_or_default()
}

fn listed(row: &Row) -> Listed {
    Listed {
        id: row.get(0),
        run: row.get(1),
        account: row.get(2),
        kind: row.get(3),
        email: row.get(4),
        state: row.get(5),
        reply: row.get(6),
        transport: row.get(7),
        attempts: row.get(8),
        resends: row.get(9),
        newest: row.get(10),
        age_minutes: row.get(11),
        sent_at: row.get(12),
        expires_at: row.get(13),
        usable: row.get(14),
        pipeline: row.get(15),
        username_key: row.get(16),
        session: row.get(17),
    }
}

/// Random ids (UUID version 4, RFC 9562).
pub(super) fn new_ids(count: usize) -> Result<Vec<Uuid>> {
    let mut bytes = vec![0; count * 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Refusal::new(
            Code::MailSettings,
            format!("the system gives no random bytes: {error}"),
        )
    })?;
    Ok(bytes
        .chunks_exact(16)
        .filter_map(|bytes| uuid::Builder::from_slice(bytes).ok())
        .map(|builder| {
            builder
                .with_version(uuid::Version::Random)
                .with_variant(uuid::Variant::RFC4122)
                .into_uuid()
        })
        .collect())
}
