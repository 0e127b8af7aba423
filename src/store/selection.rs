//! The accounts that the words of a selection name.

use std::collections::HashSet;

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Store;
use crate::definition::nearest;
use crate::invitation::Name;
use crate::issue::Code;
use crate::meaning::group;
use crate::refusal::{Refusal, Result};
use crate::selection::Wish;

const DOING: &str = "selecting the accounts";
/// The most words that a refusal names.
const UNKNOWN_SHOWN: usize = 5;

/// An account that was selected.
#[derive(Debug, Clone)]
pub struct Selected {
    /// Its id.
    pub id: Uuid,
    /// Its external id.
    pub external_id: Option<String>,
    /// Its address.
    pub email: Option<String>,
    /// Its address, as the match compares it.
    pub email_key: Option<String>,
    /// Its username.
    pub username: Option<String>,
    username_key: Option<String>,
    /// Its status.
    pub status: String,
    /// Of a closed account: the status that it had before, as far as that is known.
    pub status_before: Option<String>,
    /// Its role and its other roles.
    pub roles: Vec<String>,
    /// First, last and display name.
    pub names: [Option<String>; 3],
}

impl Selected {
    /// What people call it by: its address, username or external id.
    pub fn who(&self) -> &str {
        let mut known = [&self.email, &self.username, &self.external_id].into_iter();
        known.find_map(Option::as_deref).unwrap_or_default()
    }
}

/// What is asked of the accounts: the ids of each part, and the values that the parts are given.
#[derive(Default)]
struct Parts {
    emails: Vec<String>,
    usernames: Vec<String>,
    ids: Vec<String>,
    accounts: Vec<Uuid>,
    statuses: Vec<String>,
    roles: Vec<String>,
    organizations: Vec<String>,
    groups: Vec<Uuid>,
    runs: Vec<String>,
}

impl Store {
    /// The accounts of `only` (all of them where that is empty) without those of `except`, in order
    /// of their ids.
    ///
    /// # Errors
    /// `selection.unknown` for a word that is about nobody, with the nearest one that is; or a
    /// refusal with a `database.*` code.
    pub fn select_accounts(&self, only: &[Wish], except: &[Wish]) -> Result<Vec<Selected>> {
        let mut chosen = match only.is_empty() {
            true => self.accounts_of(None)?,
            false => self.named_accounts(only)?,
        };
        if !except.is_empty() {
            let without: HashSet<Uuid> = self
                .named_accounts(except)?
                .into_iter()
                .map(|account| account.id)
                .collect();
            chosen.retain(|account| !without.contains(&account.id));
        }
        Ok(chosen)
    }

    fn named_accounts(&self, wishes: &[Wish]) -> Result<Vec<Selected>> {
        let mut parts = Parts::default();
        for wish in wishes {
            self.add_part(&mut parts, wish)?;
        }
        let found = self.accounts_of(Some(&parts))?;
        self.refuse_unknown(wishes, &found)?;
        Ok(found)
    }

    /// Adds what a word asks for; what isn't a person must be there.
    fn add_part(&self, parts: &mut Parts, wish: &Wish) -> Result<()> {
        let is_there = |known: &[String], word: &str| known.iter().any(|one| one == word);
        match wish {
            Wish::Named(Name::Email(key), _) => parts.emails.push(key.clone()),
            Wish::Named(Name::Username(key), _) => parts.usernames.push(key.clone()),
            Wish::Id(id) => match id.parse::<Uuid>() {
                Ok(account) => {
                    parts.accounts.push(account);
                    parts.ids.push(id.clone());
                }
                Err(_) => parts.ids.push(id.clone()),
            },
            Wish::Run(id, _) => parts.runs.push(id.clone()),
            Wish::Status(status) => {
                let known = ["invited", "active", "deactivated"].map(String::from);
                if !is_there(&known, status) {
                    return Err(unknown(wish, "status", status, &known));
                }
                parts.statuses.push(status.clone());
            }
            Wish::Role(role) => {
                let known = self.roles_in_use()?;
                if !is_there(&known, role) {
                    return Err(unknown(wish, "role", role, &known));
                }
                parts.roles.push(role.clone());
            }
            Wish::Organization(name) => {
                let known = self.organizations()?;
                let same = known.iter().filter(|one| one.to_lowercase() == *name);
                let before = parts.organizations.len();
                parts.organizations.extend(same.cloned());
                if parts.organizations.len() == before {
                    return Err(unknown(wish, "organization", name, &known));
                }
            }
            Wish::Group(key) => {
                let rows = self.query("select key, id, path from muster.groups", &[], DOING)?;
                let before = parts.groups.len();
                let meant = rows.iter().filter(|row| group::is_within(row.get(0), key));
                parts.groups.extend(meant.map(|row| row.get::<_, Uuid>(1)));
                if parts.groups.len() == before {
                    let known: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
                    return Err(unknown(wish, "group", key, &known));
                }
            }
            Wish::Rows(_, typed) => {
                let what = format!("`{typed}` names rows of a run, not accounts");
                return Err(Refusal::new(Code::UsageInvalid, what));
            }
        }
        Ok(())
    }

    /// The distinct words that a statement gives.
    fn words(&self, sql: &str) -> Result<Vec<String>> {
        let rows = self.query(sql, &[], DOING)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// All accounts, or those of `parts`.
    fn accounts_of(&self, parts: Option<&Parts>) -> Result<Vec<Selected>> {
        let columns = include_str!("sql/select_accounts.sql");
        let Some(parts) = parts else {
            let sql = format!("{columns} order by account.id");
            let rows = self.query(&sql, &[], DOING)?;
            return Ok(rows.iter().map(selected).collect());
        };
        let mut values: Vec<&(dyn ToSql + Sync)> = Vec::new();
        let mut unions: Vec<String> = Vec::new();
        let mut add = |value, is_empty: bool, sql: &[&str]| {
            if !is_empty {
                values.push(value);
                let place = format!("${}", values.len());
                unions.extend(sql.iter().map(|part| part.replace('$', &place)));
            }
        };
        for (list, column) in [
            (&parts.emails, "email_key"),
            (&parts.usernames, "username_key"),
            (&parts.ids, "external_id"),
            (&parts.statuses, "status"),
            (&parts.roles, "role"),
            (&parts.organizations, "organization"),
        ] {
            let sql = format!("select id from muster.accounts where {column} = any ($)");
            add(list, list.is_empty(), &[&sql]);
        }
        // Whoever has no address may have one as a username.
        let unmailed =
            "select id from muster.accounts where email_key is null and username_key = any ($)";
        add(&parts.emails, parts.emails.is_empty(), &[unmailed]);
        let others = "select id from muster.accounts where other_roles && $";
        add(&parts.roles, parts.roles.is_empty(), &[others]);
        let by_id = "select id from muster.accounts where id = any ($)";
        add(&parts.accounts, parts.accounts.is_empty(), &[by_id]);
        let members = "select account_id from muster.memberships where group_id = any ($)";
        add(&parts.groups, parts.groups.is_empty(), &[members]);
        let of_run = [
            "select id from muster.accounts where run_id = any ($)",
            "select account_id from muster.changes where run_id = any ($)",
            "select unnest(unchanged_accounts) from muster.chunks where run_id = any ($)",
        ];
        add(&parts.runs, parts.runs.is_empty(), &of_run);
        let sql = format!(
            "{columns} where account.id in ({}) order by account.id",
            unions.join(" union ")
        );
        let rows = self.query(&sql, &values, DOING)?;
        Ok(rows.iter().map(selected).collect())
    }

    /// Refuses addresses, usernames and ids that no account has: they are mistyped.
    fn refuse_unknown(&self, wishes: &[Wish], found: &[Selected]) -> Result<()> {
        let keys = |of: fn(&Selected) -> Option<&String>| -> HashSet<&str> {
            found.iter().filter_map(of).map(String::as_str).collect()
        };
        let emails = keys(|account| account.email_key.as_ref());
        let usernames = keys(|account| account.username_key.as_ref());
        let ids = keys(|account| account.external_id.as_ref());
        let accounts: HashSet<Uuid> = found.iter().map(|account| account.id).collect();
        let is_unknown = |wish: &&Wish| match wish {
            Wish::Named(Name::Email(key), _) => {
                !emails.contains(key.as_str()) && !usernames.contains(key.as_str())
            }
            Wish::Named(Name::Username(key), _) => !usernames.contains(key.as_str()),
            Wish::Id(id) => {
                !ids.contains(id.as_str()) && !id.parse().is_ok_and(|id| accounts.contains(&id))
            }
            _ => false,
        };
        let unknown: Vec<&Wish> = wishes.iter().filter(is_unknown).collect();
        let Some(first) = unknown.first() else {
            return Ok(());
        };
        let shown = unknown.iter().take(UNKNOWN_SHOWN);
        let shown: Vec<String> = shown.map(|wish| format!("`{}`", wish.text())).collect();
        let more = match unknown.len().saturating_sub(UNKNOWN_SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let what = format!("no account matches {}{more}", shown.join(", "));
        let (column, word) = match first {
            Wish::Named(Name::Email(key), _) => ("email_key", key),
            Wish::Named(Name::Username(key), _) => ("username_key", key),
            wish => (
                "external_id",
                if let Wish::Id(id) = wish {
                    id
                } else {
                    return Ok(());
                },
            ),
        };
        let sql = format!("select {column} from muster.accounts where {column} is not null");
        let known = self.words(&sql)?;
        let refusal = Refusal::new(Code::SelectionUnknown, what);
        let kind = match first {
            Wish::Named(Name::Username(_), _) => "username:",
            Wish::Id(_) => "id:",
            _ => "",
        };
        Err(match nearest(word, known.iter().map(String::as_str)) {
            Some(near) => refusal.help(format!("did you mean `{kind}{near}`?")),
            None => refusal.help("correct it; nothing was written"),
        })
    }

    /// The paths of all groups.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn group_paths(&self) -> Result<Vec<String>> {
        self.words("select path from muster.groups order by path")
    }
}

fn unknown(wish: &Wish, kind: &str, word: &str, known: &[String]) -> Refusal {
    let what = format!(
        "no account matches `{}`: there is no such {kind}",
        wish.text()
    );
    let refusal = Refusal::new(Code::SelectionUnknown, what);
    match nearest(word, known.iter().map(String::as_str)) {
        Some(near) => refusal.help(format!("did you mean `{kind}:{near}`?")),
        None => refusal.help("correct it; nothing was written"),
    }
}

/// The columns of `select_accounts.sql`, in its order.
fn selected(row: &Row) -> Selected {
    Selected {
        id: row.get(0),
        external_id: row.get(1),
        email: row.get(2),
        email_key: row.get(3),
        username: row.get(4),
        username_key: row.get(5),
        status: row.get(6),
        names: [row.get(7), row.get(8), row.get(9)],
        status_before: row.get(10),
        roles: row.get(11),
    }
}
