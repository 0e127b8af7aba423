//! The accounts as they are now: which of them are meant, counted, and read one by one.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Store;
use super::target::quote;
use crate::account::{AccountRecord, COLUMNS, Membership, RecordColumn};
use crate::definition::nearest;
use crate::field::Field;
use crate::refusal::Result;
use crate::store::error::refusal;

const DOING: &str = "reading the accounts";

/// What people are known by: the first two are their names.
pub const KNOWN_BY: [Field; 8] = [
    Field::FirstName,
    Field::LastName,
    Field::DisplayName,
    Field::ExternalId,
    Field::Email,
    Field::Username,
    Field::Phone,
    Field::Organization,
];

/// Which accounts are meant: those that fit all that is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Accounts with one of these statuses.
    pub statuses: Option<Vec<String>>,
    /// Members of one of these groups, also those who only came down from a group below.
    pub groups: Option<Vec<Uuid>>,
    /// Accounts with one of these roles, as their role or among the others.
    pub roles: Option<Vec<String>>,
    /// Accounts of one of these organizations.
    pub organizations: Option<Vec<String>>,
    /// Accounts that this run created, changed or found unchanged.
    pub run: Option<String>,
    /// Accounts that were invited on this day (UTC) or later, `2026-11-22`.
    pub invited_since: Option<String>,
    /// Accounts whose person has neither accepted an invitation nor chosen a password.
    pub never_signed_in: bool,
    /// These accounts.
    pub ids: Option<Vec<Uuid>>,
    /// None of these.
    pub except: Option<Vec<Uuid>>,
    /// Accounts whose person is missing from the latest list of their source.
    pub missing: bool,
    /// Accounts whose person is that far; the words of [`PHASES`].
    pub phases: Option<Vec<String>>,
}

/// How far somebody can be, from nothing to the end.
pub const PHASES: [&str; 6] = [
    "not-invited",
    "invited",
    "cancelled",
    "accepted",
    "active",
    "closed",
];

/// When somebody is that far, as a condition of SQL; the same order. Conditions of one level, so that
/// the database can join what they ask for.
const IN_PHASE: [&str; 6] = [
    "account.status = 'invited' and not exists (
        select from muster.invitations mail
        where mail.account_id = account.id and mail.kind = 'invite'
            and (mail.sent_at is not null or mail.state in ('unknown', 'cancelled')))",
    "account.status = 'invited' and exists (
        select from muster.invitations mail
        where mail.account_id = account.id and mail.kind = 'invite' and mail.state <> 'cancelled'
            and (mail.sent_at is not null or mail.state = 'unknown'))",
    "account.status = 'invited' and exists (
        select from muster.invitations mail
        where mail.account_id = account.id and mail.kind = 'invite' and mail.state = 'cancelled')
    and not exists (
        select from muster.invitations mail
        where mail.account_id = account.id and mail.kind = 'invite' and mail.state <> 'cancelled'
            and (mail.sent_at is not null or mail.state = 'unknown'))",
    "account.status = 'active' and exists (
        select from muster.invitations mail
        where mail.account_id = account.id and mail.kind = 'invite' and mail.state = 'accepted')",
    "account.status = 'active' and not exists (
        select from muster.invitations mail
        where mail.account_id = account.id and mail.kind = 'invite' and mail.state = 'accepted')",
    "account.status = 'deactivated'",
];

/// How far an account is, as an expression of SQL.
fn phase() -> String {
    let pairs = PHASES.iter().zip(IN_PHASE);
    let whens: String = pairs
        .map(|(phase, is_in)| format!(" when {is_in} then '{phase}'"))
        .collect();
    format!("case{whens} end")
}

impl Choice {
    /// Which accounts are meant, as a condition of SQL on [`Choice::values`].
    fn condition(&self) -> String {
        let others = include_str!("sql/people_chosen.sql");
        let Some(phases) = &self.phases else {
            return others.to_string();
        };
        let pairs = PHASES.iter().zip(IN_PHASE);
        let wanted = pairs.filter(|(phase, _)| phases.iter().any(|wanted| wanted == *phase));
        let wanted: Vec<&str> = wanted.map(|(_, is_in)| is_in).collect();
        match wanted[..] {
            [] => format!("{others} and false"),
            [is_in] => format!("{others} and {is_in}"),
            _ => {
                let parts = wanted.iter().map(|is_in| {
                    format!("select account.id from muster.accounts account where {is_in}")
                });
                let parts = parts.collect::<Vec<_>>().join(" union all ");
                format!("{others} and account.id in ({parts})")
            }
        }
    }
}

/// A way in that a person can still use, or that is yet to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenInvitation {
    /// `invite`, `reset` or `temporary`.
    pub kind: String,
    /// `queued`, `sending`, `sent` or `unknown`.
    pub state: String,
    /// When it was sent or handed over; UTC, `2026-11-22 05:12`.
    pub sent: Option<String>,
    /// When it ends; none for never.
    pub expires: Option<String>,
    /// `outbox`, `smtp` or `hand`.
    pub transport: Option<String>,
    /// The run that it belongs to.
    pub run: String,
}

impl Choice {
    fn values(&self) -> [&(dyn ToSql + Sync); 10] {
        [
            &self.statuses,
            &self.groups,
            &self.roles,
            &self.organizations,
            &self.run,
            &self.invited_since,
            &self.never_signed_in,
            &self.ids,
            &self.except,
            &self.missing,
        ]
    }
}

impl Store {
    /// How many accounts fit, and how many there are.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn count_people(&self, choice: &Choice) -> Result<(u64, u64)> {
        let all = "select count(*) from muster.accounts";
        let rows = self.query(all, &[], DOING)?;
        let all = rows.first().map_or(0, |row| row.get::<_, i64>(0) as u64);
        match *choice == Choice::default() {
            true => Ok((all, all)),
            false => Ok((self.count_people_up_to(choice, i64::MAX as u64)?, all)),
        }
    }

    /// How many accounts fit; counting stops at `most`.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn count_people_up_to(&self, choice: &Choice, most: u64) -> Result<u64> {
        let sql = format!(
            "select count(*) from (select from muster.accounts account where {} limit {most}) counted",
            choice.condition()
        );
        let rows = self.query(&sql, &choice.values(), DOING)?;
        Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0) as u64))
    }

    /// Gives the accounts that fit to `each`, one by one as the server sends them, at most `limit`.
    /// They are in the order of `sort`, each column with whether it is in reverse; otherwise in the
    /// order in which they were created.
    ///
    /// # Errors
    /// A refusal with a `database.*` code, and what `each` fails with.
    pub fn each_person(
        &self,
        choice: &Choice,
        sort: &[(RecordColumn, bool)],
        limit: Option<u64>,
        each: &mut dyn FnMut(AccountRecord) -> Result<()>,
    ) -> Result<()> {
        self.each_in(choice, &order(sort), 0, limit, each)
    }

    /// A page of the accounts that fit: `limit` after the first `offset`, in the order of `sort`, else of
    /// their ids, which an index gives at once.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn list_people(
        &self,
        choice: &Choice,
        sort: &[(RecordColumn, bool)],
        offset: u64,
        limit: u64,
    ) -> Result<Vec<AccountRecord>> {
        let mut found = Vec::new();
        let order = match sort {
            [] => "account.id".to_string(),
            sort => order(sort),
        };
        self.each_in(choice, &order, offset, Some(limit), &mut |account| {
            found.push(account);
            Ok(())
        })?;
        Ok(found)
    }

    /// The ids of the accounts that fit, in their order.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn ids_of_people(&self, choice: &Choice) -> Result<Vec<Uuid>> {
        let sql = format!(
            "select account.id from muster.accounts account where {} order by account.id",
            choice.condition()
        );
        let rows = self.query(&sql, &choice.values(), DOING)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    fn each_in(
        &self,
        choice: &Choice,
        order: &str,
        offset: u64,
        limit: Option<u64>,
        each: &mut dyn FnMut(AccountRecord) -> Result<()>,
    ) -> Result<()> {
        let limit = match limit {
            Some(limit) => format!("order by {order} limit {limit} offset {offset}"),
            None => String::new(),
        };
        let sql = format!(
            "with chosen as materialized (
                select account.id from muster.accounts account where {} {limit}
            )
            {} order by {order}",
            choice.condition(),
            include_str!("sql/people.sql").replace("{phase}", &phase())
        );
        let failed = |error| refusal(&error, DOING);
        let client = &self.connection.client;
        let rows = self
            .runtime
            .block_on(client.query_raw(&sql, choice.values()))
            .map_err(failed)?;
        let mut rows = std::pin::pin!(rows);
        while let Some(row) = self.runtime.block_on(rows.try_next()).map_err(failed)? {
            each(record(&row))?;
        }
        Ok(())
    }

    /// Those of the accounts that fit of whose values by [`KNOWN_BY`] `fits` says so. It is only asked
    /// where `words`, in ASCII and lower case, are all among the values, or where one of these isn't in
    /// ASCII: the server leaves out the others, which are most, without sending them.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn people_known_by(
        &self,
        choice: &Choice,
        words: &[&str],
        fits: impl Fn(&[Option<&str>; KNOWN_BY.len()]) -> bool,
    ) -> Result<Vec<Uuid>> {
        let columns = KNOWN_BY.map(|field| format!(", account.{}", field.name()));
        let sql = format!(
            "select account.id{columns} from muster.accounts account
             cross join lateral (select concat_ws(' '{columns}) collate \"C\") as known (text)
             where {} and (lower(known.text) like all ($11) or known.text ~ '[^ -~]')",
            choice.condition(),
            columns = columns.concat(),
        );
        let escaped = |word: &&str| {
            let word = word.replace('\\', "\\\\");
            format!("%{}%", word.replace('%', "\\%").replace('_', "\\_"))
        };
        let patterns: Vec<String> = words.iter().map(escaped).collect();
        let values = choice.values().into_iter();
        let values: Vec<&(dyn ToSql + Sync)> = values.chain([&patterns as _]).collect();
        let failed = |error| refusal(&error, DOING);
        let client = &self.connection.client;
        let rows = self.runtime.block_on(client.query_raw(&sql, values));
        let mut rows = std::pin::pin!(rows.map_err(failed)?);
        let mut found = Vec::new();
        while let Some(row) = self.runtime.block_on(rows.try_next()).map_err(failed)? {
            if fits(&std::array::from_fn(|column| row.get(1 + column))) {
                found.push(row.get(0));
            }
        }
        Ok(found)
    }

    /// One account; none where it was removed.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn person(&self, id: Uuid) -> Result<Option<AccountRecord>> {
        let choice = Choice {
            ids: Some(vec![id]),
            ..Choice::default()
        };
        let mut found = None;
        self.each_person(&choice, &[], None, &mut |account| {
            found = Some(account);
            Ok(())
        })?;
        Ok(found)
    }

    /// The accounts that have one of these addresses, as [`crate::text::email::key`] writes them; by
    /// the address.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn ids_by_email(&self, keys: &[String]) -> Result<HashMap<String, Uuid>> {
        let sql = "select email_key, id from muster.accounts where email_key = any ($1)";
        let rows = self.query(sql, &[&keys], DOING)?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// The ways in of an account that are open, oldest first.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn open_invitations(&self, id: Uuid) -> Result<Vec<OpenInvitation>> {
        let sql = include_str!("sql/person_invitations.sql");
        let rows = self.query(sql, &[&id], "reading the invitations")?;
        let invitations = rows.iter().map(|row| OpenInvitation {
            kind: row.get(0),
            state: row.get(1),
            sent: row.get(2),
            expires: row.get(3),
            transport: row.get(4),
            run: row.get(5),
        });
        Ok(invitations.collect())
    }

    /// Who set the values of an account, as `provenance::Past` reads it.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn past(&self, id: Uuid) -> Result<String> {
        let sql = include_str!("sql/person_past.sql");
        let rows = self.query(sql, &[&id], "reading the history of a person")?;
        Ok(rows.first().map_or(String::new(), |row| row.get(0)))
    }

    /// The account whose address, username or external id is most like `wanted`, if any is near.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn nearest_person(&self, wanted: &str) -> Result<Option<(Uuid, String)>> {
        let sql = "select id, array_remove(array[email_key, username_key, external_id], null)
            from muster.accounts";
        let rows = self.query(sql, &[], DOING)?;
        let wanted = wanted.trim().to_lowercase();
        let mut names: HashMap<&str, Uuid> = HashMap::new();
        for row in &rows {
            let keys: Vec<&str> = row.get(1);
            names.extend(keys.into_iter().map(|key| (key, row.get(0))));
        }
        let near = nearest(&wanted, names.keys().copied());
        Ok(near.map(|near| (names[near], near.to_string())))
    }

    /// The names of all custom attributes, sorted.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn attribute_names(&self) -> Result<Vec<String>> {
        let sql = "select distinct jsonb_object_keys(attributes) collate \"C\" as name
            from muster.accounts where jsonb_typeof(attributes) = 'object' order by name";
        self.texts(sql)
    }

    /// Every role that an account has, sorted.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn roles_in_use(&self) -> Result<Vec<String>> {
        let sql = "select role from muster.accounts
            union select unnest(other_roles) from muster.accounts order by 1";
        self.texts(sql)
    }

    /// Every organization that an account has, sorted.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn organizations(&self) -> Result<Vec<String>> {
        let sql = "select distinct organization from muster.accounts where organization is not null
            order by 1";
        self.texts(sql)
    }

    /// Whether any account has a value for that field.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn has_values(&self, field: Field) -> Result<bool> {
        let is_there = match field {
            Field::OtherRoles => "other_roles <> '{}'".to_string(),
            field => format!("{} is not null", field.name()),
        };
        let sql = format!("select exists (select from muster.accounts where {is_there})");
        let rows = self.query(&sql, &[], DOING)?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
    }

    fn texts(&self, sql: &str) -> Result<Vec<String>> {
        let rows = self.query(sql, &[], DOING)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

/// The keys of `order by`.
fn order(sort: &[(RecordColumn, bool)]) -> String {
    let key = |(column, is_reverse): &(RecordColumn, bool)| {
        let way = if *is_reverse { "desc" } else { "asc" };
        format!("{} {way} nulls last, ", expression(column))
    };
    let keys: String = sort.iter().map(key).collect();
    format!("{keys}account.created_at, account.run_id, account.run_row, account.id")
}

/// A column as SQL sorts by it: text by its characters' codes, as `muster rows` does.
fn expression(column: &RecordColumn) -> String {
    let latest = |value: &str| {
        format!(
            "(select {value} from muster.invitations invitation
            where invitation.account_id = account.id and invitation.kind = 'invite'
            order by invitation.created_at desc, invitation.id desc limit 1)"
        )
    };
    match column {
        RecordColumn::Account => "account.id".to_string(),
        RecordColumn::Field(Field::Groups) => {
            "(select min(grouping.path collate \"C\") from muster.memberships membership
            join muster.groups grouping on grouping.id = membership.group_id
            where membership.account_id = account.id)"
                .to_string()
        }
        RecordColumn::Field(Field::OtherRoles) => {
            "nullif(array_to_string(account.other_roles, '; '), '') collate \"C\"".to_string()
        }
        RecordColumn::Field(field) => format!("account.{}::text collate \"C\"", field.name()),
        RecordColumn::Phase => phase(),
        RecordColumn::Invitation => latest("invitation.state"),
        RecordColumn::Invited => latest("invitation.sent_at"),
        RecordColumn::SignedIn => "(exists (
                select from muster.credentials secret
                where secret.account_id = account.id and secret.run_id is null and not secret.must_change
            ) or exists (
                select from muster.invitations invitation
                where invitation.account_id = account.id and invitation.state = 'accepted'
            ))"
        .to_string(),
        RecordColumn::Created => "account.created_at".to_string(),
        RecordColumn::Updated => "account.updated_at".to_string(),
        RecordColumn::Run => "account.run_id collate \"C\"".to_string(),
        RecordColumn::Attribute(name) => {
            format!("(account.attributes ->> {}) collate \"C\"", quote::text(name))
        }
    }
}

/// The columns of `people.sql`, in its order.
fn record(row: &Row) -> AccountRecord {
    const AFTER_VALUES: usize = 1 + COLUMNS.len();
    let attributes: Option<&str> = row.get(AFTER_VALUES);
    let memberships: Option<Vec<String>> = row.get(AFTER_VALUES + 1);
    AccountRecord {
        id: row.get(0),
        values: std::array::from_fn(|column| row.get(1 + column)),
        attributes: attributes
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default(),
        memberships: memberships
            .unwrap_or_default()
            .iter()
            .map(|text| membership(text))
            .collect(),
        invitation: row.get(AFTER_VALUES + 2),
        invited: row.get(AFTER_VALUES + 3),
        signed_in: row.get(AFTER_VALUES + 4),
        created: row.get(AFTER_VALUES + 5),
        updated: row.get(AFTER_VALUES + 6),
        run: row.get(AFTER_VALUES + 7),
        phase: row.get(AFTER_VALUES + 8),
    }
}

/// A membership as `people.sql` packs it.
fn membership(text: &str) -> Membership {
    let mut parts = text.split('\u{1f}');
    let path = parts.next().unwrap_or_default().to_string();
    let mut roles: Vec<String> = parts.map(String::from).collect();
    let inherited = roles == [""];
    roles.retain(|role| !role.is_empty());
    Membership {
        path,
        roles,
        inherited,
    }
}
