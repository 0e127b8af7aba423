//! Undoing a run: chunk by chunk, each one transaction which also writes what it changed and what
//! it kept. A chunk that was written is not looked at again, so that an undo which was interrupted
//! continues where it stopped.

use crate::history::Left;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, Row};
use uuid::Uuid;

use super::Store;
use super::audit;
use super::is_spread;
use super::target::joins_by_view;
use crate::account::{Account, COLUMNS, Update};
use crate::field::{Field, Key, RowNumber};
use crate::meaning::membership;
use crate::outcome::{Counts, Exit, Outcome};
use crate::refusal::{Refusal, Result};
use crate::stages::undo::{
    Act, Case, Deed, Group, Kept, Past, Present, Reason, decide, empty_groups, settle, trading,
    use_by_others,
};
use crate::store::error::refusal;
use crate::store::error::{is_about_data, own_words};
use crate::summary::Undone;

/// This many accounts go back in one transaction; more where they trade keys.
const CHUNK_ACCOUNTS: i64 = 2_000;

/// A chunk that other sessions got in the way of is tried this often.
const TRIES_MAX: u32 = 6;

/// An undo in the run log.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// Its run's id.
    pub id: String,
    /// `running`, `stopped` or `finished`.
    pub state: String,
    /// RFC 3339.
    pub started_at: String,
}

/// An undo under way, or one that is only planned.
pub struct Undoing<'a> {
    store: &'a mut Store,
    of: String,
    /// None: nothing is written.
    id: Option<String>,
    last: i32,
    /// Rows of later chunks that an earlier one took along.
    ahead: HashSet<i32>,
    referring: Vec<Referring>,
    left: Vec<Left>,
    /// What happened to the accounts so far.
    pub counts: Counts,
    /// What was done so far.
    pub undone: Undone,
    /// How many accounts there are to look at.
    pub total: u64,
}

/// A column of another application's table that refers to ours.
struct Referring {
    table: String,
    /// Gives those of `$1::uuid[]` that are referred to.
    query: String,
    readable: bool,
}

impl Store {
    /// The undos of a run, newest first.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_undos(&self, of: &str) -> Result<Vec<Earlier>> {
        let sql = include_str!("sql/undo_runs.sql");
        let rows = self.query(sql, &[&of], "reading the runs")?;
        Ok(rows
            .iter()
            .map(|row| Earlier {
                id: row.get(0),
                state: row.get(1),
                started_at: row.get(2),
            })
            .collect())
    }

    /// Why accounts count as used by a person or by another application, of those that do.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_used(&self, accounts: &[Uuid]) -> Result<HashMap<Uuid, String>> {
        let client = &self.connection.client;
        let looking = async {
            let referring = referring(client, "muster.accounts").await?;
            let mut used = HashMap::new();
            for some in accounts.chunks(CHUNK_ACCOUNTS as usize) {
                let case = |account: &Uuid| Case {
                    row: 0,
                    account: *account,
                    deed: Deed::Created,
                    present: None,
                    act: Act::Leave,
                    kept: Vec::new(),
                };
                let mut cases: Vec<Case> = some.iter().map(case).collect();
                look(client, &mut cases, (some, ""), &referring).await?;
                let reason = |case: &Case| {
                    let reason = use_by_others(case.present.as_ref()?)?;
                    Some((case.account, reason.to_string()))
                };
                used.extend(cases.iter().filter_map(reason));
            }
            let sql = "select id from muster.accounts where id = any ($1) and run_id is null";
            for row in client.query(sql, &[&accounts]).await? {
                used.insert(row.get(0), "it wasn't made by muster".to_string());
            }
            Ok(used)
        };
        self.runtime
            .block_on(looking)
            .map_err(|error: Error| refusal(&error, "looking who used the accounts"))
    }

    /// Enters an undo into the run log. The run that it takes back counts as finished from now on,
    /// however far it got. The caller holds the lock.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn begin_undo(&mut self, id: &str, of: &str, folder: &str) -> Result<()> {
        let doing = |error| refusal(&error, "beginning the undo");
        let close = "update muster.runs set state = 'finished', finished_at = now()
            where id = $1 and state <> 'finished'";
        self.runtime.block_on(async {
            let transaction = self.connection.client.transaction().await.map_err(doing)?;
            let sql = include_str!("sql/undo_begin.sql");
            transaction
                .execute(sql, &[&id, &folder, &of])
                .await
                .map_err(doing)?;
            transaction.execute(close, &[&of]).await.map_err(doing)?;
            // The accounts are about to change: no run continues with what it decided before.
            let forget = "delete from muster.decisions";
            transaction.execute(forget, &[]).await.map_err(doing)?;
            let drop = super::first_load::DROP;
            transaction.batch_execute(drop).await.map_err(doing)?;
            let act = audit::Act::about(id);
            self.acting.write(&transaction, &act).await.map_err(doing)?;
            transaction.commit().await.map_err(doing)
        })
    }

    /// Takes up an undo, or only plans one where `id` is none.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn undoing(&mut self, of: &str, id: Option<&str>) -> Result<Undoing<'_>> {
        let mut undoing = Undoing {
            of: of.to_string(),
            id: id.map(String::from),
            last: i32::MIN,
            ahead: HashSet::new(),
            referring: Vec::new(),
            left: Vec::new(),
            counts: Counts::default(),
            undone: Undone {
                of: of.to_string(),
                ..Undone::default()
            },
            total: 0,
            store: self,
        };
        undoing.block(Undoing::prepare)?;
        Ok(undoing)
    }

    /// What an undo kept, with whose it is.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_kept(&self, id: &str) -> Result<Vec<Left>> {
        let sql = include_str!("sql/undo_find_kept.sql");
        let rows = self.query(sql, &[&id], "reading what was kept")?;
        Ok(rows
            .iter()
            .map(|row| Left {
                id: row.get(0),
                who: row.get(1),
                external_id: row.get(2),
                field: row.get(3),
                reason: row.get(4),
            })
            .collect())
    }
}

type Answer<T> = std::result::Result<T, Error>;

impl Undoing<'_> {
    /// Settles the next accounts. `false` when there is none left.
    ///
    /// # Errors
    /// A refusal with a `database.*` code; what was settled so far stays.
    pub fn advance(&mut self) -> Result<bool> {
        let mut tries = 0;
        loop {
            tries += 1;
            let before = (self.last, self.ahead.clone());
            let done = self.store.runtime.block_on(async {
                let done = chunk(
                    &self.store.connection.client,
                    (&self.of, self.id.as_deref()),
                    &mut self.last,
                    &mut self.ahead,
                    &self.referring,
                )
                .await;
                if done.is_err() {
                    // The transaction is over either way; a lost connection can't say so.
                    let _ = self.store.connection.client.batch_execute("rollback").await;
                }
                done
            });
            match done {
                Ok(cases) => {
                    cases.iter().for_each(|case| self.count(case));
                    return Ok(!cases.is_empty());
                }
                Err(error) if is_busy(&error) && tries < TRIES_MAX => {
                    (self.last, self.ahead) = before;
                    std::thread::sleep(Duration::from_millis(50 << tries));
                }
                Err(error) => return Err(self.broken(&error)),
            }
        }
    }

    /// Looks after the groups, where every account is settled, and says what stays as it is.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn finish(mut self, settled: bool) -> Result<(Counts, Undone, Vec<Left>)> {
        if settled {
            self.block(Undoing::groups)?;
        }
        let mut left = match &self.id {
            Some(id) => self.store.find_kept(id)?,
            None => Vec::new(),
        };
        left.append(&mut self.left);
        self.undone.kept = left.len() as u64;
        Ok((self.counts, self.undone, left))
    }

    fn broken(&self, error: &Error) -> Refusal {
        let refusal = refusal(error, "undoing the run");
        if self.id.is_some() {
            refusal.exit(Exit::Stopped)
        } else {
            refusal
        }
    }

    fn block(&mut self, step: impl AsyncFnOnce(&mut Self) -> Answer<()>) -> Result<()> {
        let runtime = self.store.runtime.handle().clone();
        runtime
            .block_on(step(self))
            .map_err(|error| self.broken(&error))
    }

    async fn prepare(&mut self) -> Answer<()> {
        let client = &self.store.connection.client;
        client
            .batch_execute(include_str!("sql/undo_units.sql"))
            .await?;
        let sql = include_str!("sql/undo_fill_units.sql");
        self.total = client.execute(sql, &[&self.of, &self.id]).await?;
        let index = "create index if not exists muster_units_account on muster_units (account_id);
            analyze muster_units";
        client.batch_execute(index).await?;
        self.referring = referring(client, "muster.accounts").await?;
        let Some(id) = &self.id else {
            let live = "select count(*) from muster.invitations
                where run_id = $1 and state in ('queued', 'sending', 'sent', 'unknown')";
            let row = client.query_one(live, &[&self.of]).await?;
            self.undone.invitations_cancelled = row.get::<_, i64>(0) as u64;
            let groups = "select count(*) from muster.group_changes removed
                where run_id = $1 and action = 'remove' and not exists (
                    select from muster.groups there where there.id = removed.group_id or there.key = removed.key)";
            let row = client.query_one(groups, &[&self.of]).await?;
            self.undone.groups_returned = row.get::<_, i64>(0) as u64;
            return Ok(());
        };
        let reply = format!("run {} was undone by {id}", self.of);
        let sql = include_str!("sql/undo_invitations.sql");
        client.execute(sql, &[&self.of, &reply]).await?;
        let cancelled = "select count(*) from muster.invitations where run_id = $1 and reply = $2";
        let row = client.query_one(cancelled, &[&self.of, &reply]).await?;
        self.undone.invitations_cancelled = row.get::<_, i64>(0) as u64;
        let sql = include_str!("sql/undo_return_groups.sql");
        client.execute(sql, &[id, &self.of]).await?;
        let back =
            "select count(*) from muster.group_changes where run_id = $1 and action = 'restore'";
        self.undone.groups_returned = client.query_one(back, &[id]).await?.get::<_, i64>(0) as u64;
        let settled = client
            .query(include_str!("sql/undo_settled.sql"), &[id])
            .await?;
        for row in &settled {
            self.count_settled(row);
        }
        Ok(())
    }

    fn count_settled(&mut self, row: &Row) {
        let (action, whole, kept): (&str, bool, bool) = (row.get(0), row.get(1), row.get(2));
        let count = row.get::<_, i64>(3) as u64;
        let (outcome, done) = match action {
            "remove" => (Outcome::Updated, Some(&mut self.undone.removed)),
            "restore" => (Outcome::Created, Some(&mut self.undone.returned)),
            "update" if whole => (Outcome::Skipped, Some(&mut self.undone.deactivated)),
            "update" => (Outcome::Updated, Some(&mut self.undone.changed_back)),
            _ => (Outcome::Skipped, None),
        };
        if let Some(done) = done {
            *done += count;
        }
        let outcome = if kept { Outcome::Skipped } else { outcome };
        (0..count).for_each(|_| self.counts.add(outcome));
        self.total += count;
    }

    fn count(&mut self, case: &Case) {
        let refused = |kept: &Kept| matches!(kept.reason, Reason::Refused(_));
        let (outcome, done) = match &case.act {
            Act::Leave => (Outcome::Unchanged, None),
            Act::Update(_) => (Outcome::Updated, Some(&mut self.undone.changed_back)),
            Act::Remove => (Outcome::Updated, Some(&mut self.undone.removed)),
            Act::Deactivate(_) => (Outcome::Skipped, Some(&mut self.undone.deactivated)),
            Act::Return(_) => (Outcome::Created, Some(&mut self.undone.returned)),
        };
        if let Some(done) = done {
            *done += 1;
        }
        self.counts.add(if case.kept.iter().any(refused) {
            Outcome::Failed
        } else if case.kept.is_empty() {
            outcome
        } else {
            Outcome::Skipped
        });
        if self.id.is_none() {
            self.left
                .extend(case.kept.iter().map(|kept| left(case, kept)));
        }
    }

    async fn groups(&mut self) -> Answer<()> {
        let client = &self.store.connection.client;
        let rows = client
            .query(include_str!("sql/undo_groups.sql"), &[&self.of])
            .await?;
        let mut groups: Vec<Group> = rows
            .iter()
            .map(|row| Group {
                id: row.get(0),
                path: row.get(1),
                members: row.get(2),
                children: row.get(3),
                referred_by: None,
            })
            .collect();
        let ids: Vec<Uuid> = groups.iter().map(|group| group.id).collect();
        let referring = referring(client, "muster.groups").await?;
        let referred = referred(client, &referring, &ids).await?;
        for group in &mut groups {
            group.referred_by = referred.get(&group.id).cloned();
        }
        let (gone, stay) = empty_groups(groups);
        let mut stay: Vec<Left> = stay
            .into_iter()
            .map(|(group, why)| left_group(group, why))
            .collect();
        for group in gone {
            let Some(id) = &self.id else {
                self.undone.groups_removed += 1;
                continue;
            };
            let sql = include_str!("sql/undo_remove_group.sql");
            match client.execute(sql, &[id, &group.id]).await {
                Ok(removed) => self.undone.groups_removed += removed,
                Err(error) if is_about_data(&error) => {
                    let why = Reason::Refused(own_words(&error)).to_string();
                    stay.push(left_group(group, why));
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(id) = &self.id {
            let sql =
                "select count(*) from muster.group_changes where run_id = $1 and action = 'remove'";
            let row = client.query_one(sql, &[id]).await?;
            self.undone.groups_removed = row.get::<_, i64>(0) as u64;
        }
        self.left.extend(stay);
        Ok(())
    }
}

/// One transaction, written unless there is no `id`. Returns what was settled.
async fn chunk(
    client: &Client,
    (of, id): (&str, Option<&str>),
    last: &mut i32,
    ahead: &mut HashSet<i32>,
    referring: &[Referring],
) -> Answer<Vec<Case>> {
    let begin = include_str!("sql/begin_writes.sql");
    client.batch_execute(begin).await?;
    let mut cases = gather(client, of, last, ahead).await?;
    let accounts: Vec<Uuid> = cases.iter().map(|case| case.account).collect();
    if id.is_some() {
        // In a statement of its own: the next one then sees what was committed before the lock.
        let sql = include_str!("sql/undo_lock.sql");
        client.query(sql, &[&accounts]).await?;
    }
    look(client, &mut cases, (&accounts, of), referring).await?;
    // An undo that is only planned hasn't brought back the groups that it would bring back first.
    let returning = if id.is_none() { of } else { "" };
    let groups = known_groups(client, &cases, returning).await?;
    for case in &mut cases {
        decide(case, of, &|key| groups.contains(key));
    }
    let holders = holders(client, &cases).await?;
    settle(&mut cases, &holders);
    match id {
        None => plan_leaving(client, &cases).await?,
        Some(id) => write(client, &mut cases, (of, id), &holders, &groups).await?,
    }
    client.batch_execute("commit").await?;
    Ok(cases)
}

/// The next units, with those of later rows that have a key which one of these should get back.
async fn gather(
    client: &Client,
    of: &str,
    last: &mut i32,
    ahead: &mut HashSet<i32>,
) -> Answer<Vec<Case>> {
    let sql = include_str!("sql/undo_next.sql");
    let mut cases: Vec<Case> = Vec::new();
    while cases.is_empty() {
        let rows = client
            .query(sql, &[&of, &*last, &CHUNK_ACCOUNTS, &None::<Vec<Uuid>>])
            .await?;
        let Some(end) = rows.last() else {
            return Ok(cases);
        };
        *last = end.get(0);
        let fresh = rows.iter().filter(|row| !ahead.remove(&row.get(0)));
        cases = fresh.map(case).collect();
    }
    let mut fresh = 0;
    while fresh < cases.len() {
        let wanted = wanted_before(&cases[fresh..]);
        fresh = cases.len();
        let holders = find_holders(client, &wanted).await?;
        let holders: Vec<Uuid> = holders.into_values().collect();
        if holders.is_empty() {
            break;
        }
        let there: HashSet<i32> = cases.iter().map(|case| case.row as i32).collect();
        let rows = client
            .query(sql, &[&of, &*last, &i64::MAX, &Some(holders)])
            .await?;
        for row in &rows {
            let number: i32 = row.get(0);
            if !there.contains(&number) && ahead.insert(number) {
                cases.push(case(row));
            }
        }
    }
    Ok(cases)
}

fn case(row: &Row) -> Case {
    let values = |column| -> Value {
        let text: Option<&str> = row.get(column);
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    };
    let object = |column| serde_json::from_value(values(column)).unwrap_or_default();
    Case {
        row: row.get::<_, i32>(0) as RowNumber,
        account: row.get(1),
        deed: match row.get(2) {
            "update" => Deed::Changed(object(3), object(4)),
            "remove" => Deed::Removed(values(3)),
            _ => Deed::Created,
        },
        present: None,
        act: Act::Leave,
        kept: Vec::new(),
    }
}

/// The keys that these accounts had before.
fn wanted_before(cases: &[Case]) -> Vec<(Key, String)> {
    let mut wanted = Vec::new();
    for case in cases {
        match &case.deed {
            Deed::Changed(before, _) => {
                for key in Key::ALL {
                    let value = before.get(key.field().name()).and_then(Value::as_str);
                    wanted.extend(
                        value
                            .and_then(|value| normal(key, value))
                            .map(|value| (key, value)),
                    );
                }
            }
            Deed::Removed(image) => {
                for (key, name) in
                    Key::ALL
                        .into_iter()
                        .zip(["external_id", "email_key", "username_key"])
                {
                    wanted.extend(image[name].as_str().map(|value| (key, value.to_string())));
                }
            }
            Deed::Created => {}
        }
    }
    wanted
}

fn normal(key: Key, value: &str) -> Option<String> {
    match key {
        Key::ExternalId => Some(value.to_string()),
        Key::Email => crate::text::email::key(value),
        Key::Username => Some(crate::text::username_key(value).into_owned()),
    }
}

/// Reads the accounts as they are now.
async fn look(
    client: &Client,
    cases: &mut [Case],
    (accounts, of): (&[Uuid], &str),
    referring: &[Referring],
) -> Answer<()> {
    let sql = include_str!("sql/undo_present.sql");
    let rows = client.query(sql, &[&accounts, &of]).await?;
    let mut found: HashMap<Uuid, Present> =
        rows.iter().map(|row| (row.get(0), present(row))).collect();
    let created = cases.iter().filter(|case| case.deed == Deed::Created);
    let created: Vec<Uuid> = created.map(|case| case.account).collect();
    for (id, table) in referred(client, referring, &created).await? {
        if let Some(present) = found.get_mut(&id) {
            present.referred_by = Some(table);
        }
    }
    for case in cases.iter_mut() {
        case.present = found.remove(&case.account);
    }
    let asked = cases.iter().filter(|case| case.needs_history());
    let asked: Vec<Uuid> = asked.map(|case| case.account).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let sql = include_str!("sql/undo_history.sql");
    let mut history: HashMap<Uuid, Vec<Past>> = HashMap::new();
    for row in client.query(sql, &[&asked]).await? {
        let object = |column: usize| serde_json::from_str(row.get(column)).unwrap_or_default();
        history.entry(row.get(0)).or_default().push(Past {
            run: row.get(1),
            before: object(2),
            after: object(3),
            is_last: row.get(4),
        });
    }
    for case in cases {
        if let (Some(present), Some(past)) = (&mut case.present, history.remove(&case.account)) {
            present.history = past;
        }
    }
    Ok(())
}

/// The columns of `undo_present.sql`, in its order.
fn present(row: &Row) -> Present {
    const AFTER_VALUES: usize = 1 + COLUMNS.len();
    Present {
        account: Account {
            id: row.get(0),
            version: String::new(),
            values: std::array::from_fn(|column| row.get(1 + column)),
            keys: [row.get(AFTER_VALUES), row.get(AFTER_VALUES + 1)],
            attributes: row.get(AFTER_VALUES + 2),
            groups: membership::unpacked(row.get(AFTER_VALUES + 3)),
            past: None,
        },
        touched: row.get(AFTER_VALUES + 4),
        has_password: row.get(AFTER_VALUES + 5),
        accepted: row.get(AFTER_VALUES + 6),
        grouped: row.get(AFTER_VALUES + 7),
        edited: row.get(AFTER_VALUES + 8),
        has_same_password: row.get(AFTER_VALUES + 9),
        referred_by: None,
        history: Vec::new(),
    }
}

async fn referring(client: &Client, table: &str) -> Answer<Vec<Referring>> {
    let rows = client
        .query(include_str!("sql/undo_referring.sql"), &[&table])
        .await?;
    Ok(rows
        .iter()
        .map(|row| Referring {
            table: row.get(0),
            query: row.get(1),
            readable: row.get(2),
        })
        .collect())
}

/// Which of `ids` other tables refer to, and which table that is. A table that can't be read
/// might refer to each.
async fn referred(
    client: &Client,
    referring: &[Referring],
    ids: &[Uuid],
) -> Answer<HashMap<Uuid, String>> {
    let mut found = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    for other in referring {
        if other.readable {
            let rows = client.query(other.query.as_str(), &[&ids]).await?;
            found.extend(rows.iter().map(|row| (row.get(0), other.table.clone())));
        } else {
            found.extend(ids.iter().map(|id| (*id, other.table.clone())));
        }
    }
    Ok(found)
}

/// The keys of those groups that exist, of all that the cases name, and those of the groups that the run
/// `returning` removed.
async fn known_groups(client: &Client, cases: &[Case], returning: &str) -> Answer<HashSet<String>> {
    let mut keys = Vec::new();
    for case in cases {
        match &case.deed {
            Deed::Changed(before, _) => {
                for field in membership::FIELDS {
                    let list = before.get(field.name()).unwrap_or(&Value::Null);
                    let entries = membership::of_recorded(list, field);
                    keys.extend(
                        entries
                            .iter()
                            .map(|entry| membership::key_of(entry).to_string()),
                    );
                }
            }
            Deed::Removed(image) => {
                let joined = image["memberships"].as_array().into_iter().flatten();
                keys.extend(joined.filter_map(|one| Some(one["key"].as_str()?.to_string())));
                keys.extend(membership::of_recorded(
                    &image["enrolments"],
                    Field::Sessions,
                ));
            }
            Deed::Created => {}
        }
    }
    if keys.is_empty() {
        return Ok(HashSet::new());
    }
    keys.sort_unstable();
    keys.dedup();
    let rows = client
        .query(
            include_str!("sql/undo_known_groups.sql"),
            &[&keys, &returning],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn holders(client: &Client, cases: &[Case]) -> Answer<HashMap<(Key, String), Uuid>> {
    let wanted: Vec<(Key, String)> = cases.iter().flat_map(Case::wants).collect();
    find_holders(client, &wanted).await
}

async fn find_holders(
    client: &Client,
    wanted: &[(Key, String)],
) -> Answer<HashMap<(Key, String), Uuid>> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let of = |wanted_key: Key| -> Vec<&str> {
        let those = wanted.iter().filter(|(key, _)| *key == wanted_key);
        those.map(|(_, value)| value.as_str()).collect()
    };
    let [external_ids, emails, usernames] = Key::ALL.map(of);
    let sql = include_str!("sql/undo_holders.sql");
    let rows = client
        .query(sql, &[&external_ids, &emails, &usernames])
        .await?;
    Ok(rows
        .iter()
        .map(|row| {
            let key = Key::ALL[row.get::<_, i32>(0) as usize % Key::ALL.len()];
            ((key, row.get(1)), row.get(2))
        })
        .collect())
}

/// Writes the cases, all at once; where the database refuses that, one by one, so that only those
/// at fault stay as they are.
async fn write(
    client: &Client,
    cases: &mut [Case],
    (of, id): (&str, &str),
    holders: &HashMap<(Key, String), Uuid>,
    groups: &HashSet<String>,
) -> Answer<()> {
    client.batch_execute("savepoint cases").await?;
    match put_back(client, cases, (of, id), holders).await {
        Ok(()) => {}
        Err(error) if is_about_data(&error) => {
            client.batch_execute("rollback to cases").await?;
            // Who removes makes room for who gets a key back.
            cases.sort_by_key(|case| (case.act != Act::Remove, case.row));
            for case in cases.iter_mut() {
                write_one(client, case, (of, id), groups).await?;
            }
        }
        Err(error) => return Err(error),
    }
    let kept: Vec<(&Case, &Kept)> = cases
        .iter()
        .flat_map(|case| case.kept.iter().map(move |kept| (case, kept)))
        .collect();
    if kept.is_empty() {
        return Ok(());
    }
    let rows: Vec<i32> = kept.iter().map(|(case, _)| case.row as i32).collect();
    let accounts: Vec<Uuid> = kept.iter().map(|(case, _)| case.account).collect();
    let fields: Vec<&str> = kept.iter().map(|(_, kept)| kept.field.as_str()).collect();
    let reasons: Vec<String> = kept
        .iter()
        .map(|(_, kept)| kept.reason.to_string())
        .collect();
    let sql = include_str!("sql/undo_kept.sql");
    client
        .execute(sql, &[&id, &rows, &accounts, &fields, &reasons])
        .await?;
    Ok(())
}

async fn write_one(
    client: &Client,
    case: &mut Case,
    (of, id): (&str, &str),
    groups: &HashSet<String>,
) -> Answer<()> {
    loop {
        client.batch_execute("savepoint one").await?;
        let one = std::slice::from_ref(case);
        match put_back(client, one, (of, id), &HashMap::new()).await {
            Ok(()) => return client.batch_execute("release one").await,
            Err(error) if is_about_data(&error) => {
                client.batch_execute("rollback to one").await?;
                let referred = error.code() == Some(&SqlState::FOREIGN_KEY_VIOLATION);
                match &mut case.present {
                    Some(present) if referred && case.act == Act::Remove => {
                        let table = error.as_db_error().and_then(|error| error.table());
                        present.referred_by = Some(table.unwrap_or("another table").to_string());
                        decide(case, of, &|key| groups.contains(key));
                    }
                    _ => {
                        case.act = Act::Leave;
                        case.kept.clear();
                        case.keep("account", Reason::Refused(own_words(&error)));
                    }
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// Does what was decided, in an order in which no key is held twice.
async fn put_back(
    client: &Client,
    cases: &[Case],
    (of, id): (&str, &str),
    holders: &HashMap<(Key, String), Uuid>,
) -> Answer<()> {
    let (mut rows, mut accounts, mut returning) = (Vec::new(), Vec::new(), Vec::new());
    let mut updates: Vec<(RowNumber, &Update)> = Vec::new();
    for case in cases {
        match &case.act {
            Act::Leave => {}
            Act::Remove => {
                rows.push(case.row as i32);
                accounts.push(case.account);
            }
            Act::Update(update) | Act::Deactivate(update) => updates.push((case.row, update)),
            Act::Return(_) => returning.push(case.row as i32),
        }
    }
    if !rows.is_empty() {
        let sql = include_str!("sql/undo_remove.sql");
        client.execute(sql, &[&id, &rows, &accounts]).await?;
    }
    let trading = trading(cases, holders);
    if !trading.is_empty() {
        let sql = include_str!("sql/undo_vacate.sql");
        client.execute(sql, &[&trading]).await?;
    }
    if !updates.is_empty() {
        let wanted: Vec<Value> = updates
            .iter()
            .map(|(row, update)| record(*row, update))
            .collect();
        let wanted = Value::Array(wanted).to_string();
        let sql = include_str!("sql/undo_update.sql");
        client.execute(sql, &[&id, &wanted]).await?;
        key_transfer(client, id, &updates).await?;
        put_passwords(client, (of, id), &updates).await?;
    }
    if !returning.is_empty() {
        let sql = match is_spread(client).await? {
            true => include_str!("sql/undo_return_spread.sql"),
            false => include_str!("sql/undo_return.sql"),
        };
        client.execute(sql, &[&id, &of, &returning]).await?;
        for sql in [
            include_str!("sql/undo_return_memberships.sql"),
            include_str!("sql/undo_return_enrolments.sql"),
        ] {
            client.execute(sql, &[&id, &returning]).await?;
        }
    }
    Ok(())
}

/// Puts back the passwords that the run replaced, or took back.
async fn put_passwords(
    client: &Client,
    (of, id): (&str, &str),
    updates: &[(RowNumber, &Update)],
) -> Answer<()> {
    let given = updates.iter().filter(|(_, update)| update.gives_password());
    let accounts: Vec<Uuid> = given.map(|(_, update)| update.account).collect();
    if accounts.is_empty() {
        return Ok(());
    }
    let sql = include_str!("sql/undo_note_passwords.sql");
    client.execute(sql, &[&id, &of, &accounts]).await?;
    let sql = "delete from muster.credentials where account_id = any ($1)";
    client.execute(sql, &[&accounts]).await?;
    let sql = include_str!("sql/undo_put_passwords.sql");
    client.execute(sql, &[&of, &accounts]).await?;
    Ok(())
}

async fn key_transfer(client: &Client, id: &str, updates: &[(RowNumber, &Update)]) -> Answer<()> {
    let of = |entries: fn(&Update) -> &[String]| {
        let (mut accounts, mut keys, mut roles) = (Vec::new(), Vec::new(), Vec::new());
        for (_, update) in updates {
            for entry in entries(update) {
                let (key, role) = membership::parts(entry);
                accounts.push(update.account);
                keys.push(key);
                roles.push(role);
            }
        }
        (accounts, keys, roles)
    };
    // What ends goes first: an inherited membership that becomes one's own does both.
    let (accounts, keys, roles) = of(|update| &update.leaves);
    if !keys.is_empty() {
        for sql in [
            include_str!("sql/undo_leave.sql"),
            include_str!("sql/undo_leave_roles.sql"),
            include_str!("sql/undo_unenrol.sql"),
        ] {
            client.execute(sql, &[&accounts, &keys, &roles]).await?;
        }
    }
    let (accounts, keys, roles) = of(|update| &update.joins);
    if !keys.is_empty() {
        let sql = match joins_by_view(client).await? {
            true => include_str!("sql/undo_target_moves.sql"),
            false => include_str!("sql/undo_moves.sql"),
        };
        for sql in [sql, include_str!("sql/undo_enrol.sql")] {
            client
                .execute(sql, &[&id, &accounts, &keys, &roles])
                .await?;
        }
    }
    Ok(())
}

/// An update as `undo_update.sql` takes it.
fn record(row: RowNumber, update: &Update) -> Value {
    let mut record = json!({
        "row": row as i32, "account_id": update.account,
        "email_key": update.keys[0], "username_key": update.keys[1],
        "attributes": update.attributes, "before": update.before, "after": update.after,
    });
    for (field, value) in COLUMNS.into_iter().zip(&update.values) {
        record[field.name()] = json!(value);
    }
    record
}

/// Remembers which memberships would end, for the groups.
async fn plan_leaving(client: &Client, cases: &[Case]) -> Answer<()> {
    let removed = cases.iter().filter(|case| case.act == Act::Remove);
    let removed: Vec<Uuid> = removed.map(|case| case.account).collect();
    let all = "insert into muster_leaving
        select account_id, group_id from muster.memberships where account_id = any ($1)";
    client.execute(all, &[&removed]).await?;
    let (mut accounts, mut keys) = (Vec::new(), Vec::new());
    for case in cases {
        if let Act::Update(update) = &case.act {
            let ended = update.leaves.iter().map(|entry| membership::parts(entry));
            for (key, _) in ended.filter(|(_, role)| role.is_none_or(str::is_empty)) {
                accounts.push(case.account);
                keys.push(key);
            }
        }
    }
    let some = "insert into muster_leaving
        select unit.account_id, grouping.id
        from unnest($1::uuid[], $2::text[]) as unit (account_id, key)
        join muster.groups grouping on grouping.key = unit.key";
    client.execute(some, &[&accounts, &keys]).await?;
    Ok(())
}

fn left(case: &Case, kept: &Kept) -> Left {
    let value = |column: usize| {
        let present = case.present.as_ref();
        present
            .and_then(|present| present.account.values[column].clone())
            .unwrap_or_default()
    };
    Left {
        id: case.account,
        who: value(1),
        external_id: value(0),
        field: kept.field.clone(),
        reason: kept.reason.to_string(),
    }
}

fn left_group(group: Group, why: String) -> Left {
    Left {
        id: group.id,
        who: group.path,
        external_id: String::new(),
        field: "group".to_string(),
        reason: why,
    }
}

fn is_busy(error: &Error) -> bool {
    const BUSY: [SqlState; 3] = [
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::LOCK_NOT_AVAILABLE,
    ];
    error.code().is_some_and(|state| BUSY.contains(state))
}
