//! The named administrators of the console.

use tokio_postgres::Transaction;
use uuid::Uuid;

use super::Store;
use super::audit::Act;
use crate::admin::Role;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::store::error::refusal;
use crate::text::username_key;

/// A named administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Never changes.
    pub id: Uuid,
    /// By which they sign in, as it was typed.
    pub name: String,
    /// Where mails to them go, if anywhere.
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Whether they have set a password.
    pub has_password: bool,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// The last time that a page was open, in microseconds since 1970.
    pub seen_at: Option<i64>,
}

/// A link by which an administrator sets a password.
#[derive(Debug, Clone, Copy)]
pub struct PasswordLink {
    /// The SHA-256 of its token.
    pub token_sha256: [u8; 32],
    /// How long it works.
    pub minutes: i32,
}

/// The most characters of a name.
pub const NAME_CHARS_MAX: usize = 100;

impl Store {
    /// Adds an administrator, who sets a password by `link`.
    ///
    /// # Errors
    /// `usage.invalid` where the name is taken or can't be one, and a `database.*` code.
    pub fn add_admin(
        &mut self,
        name: &str,
        email: Option<&str>,
        role: Role,
        link: &PasswordLink,
    ) -> Result<Uuid> {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_long = name.chars().count() > NAME_CHARS_MAX;
        if name.is_empty() || is_long || name.chars().any(char::is_control) {
            let what = format!("a name has 1 to {NAME_CHARS_MAX} characters");
            return Err(Refusal::new(Code::UsageInvalid, what));
        }
        let key = username_key(&name).into_owned();
        let [id] = super::invitations::new_ids(1)?[..] else {
            return Err(Refusal::new(Code::DatabaseFailed, "there is no new id"));
        };
        self.change_admins(async |transaction, acting| {
            let sql = "insert into muster.admins (id, name, key, email, role)
                values ($1, $2, $3, $4, $5)
                on conflict (key) where removed_at is null do nothing";
            let added = transaction
                .execute(sql, &[&id, &name, &key, &email, &role.name()])
                .await?;
            if added == 0 {
                return Ok(Err(taken()));
            }
            insert_link(transaction, id, link).await?;
            acting.write(transaction, &Act::about(id)).await?;
            Ok(Ok(id))
        })
    }

    /// The administrators, in the order of their names.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn list_admins(&self) -> Result<Vec<Admin>> {
        let rows = self.query(include_str!("sql/list_admins.sql"), &[], DOING)?;
        Ok(rows.iter().map(admin).collect())
    }

    /// The administrator of that name or id.
    ///
    /// # Errors
    /// `selection.unknown`, and a `database.*` code.
    pub fn find_admin(&self, wanted: &str) -> Result<Admin> {
        let wanted = wanted.split_whitespace().collect::<Vec<_>>().join(" ");
        let key = username_key(&wanted);
        let id: Option<Uuid> = wanted.parse().ok();
        let admins = self.list_admins()?;
        let is_it = |admin: &Admin| Some(admin.id) == id || username_key(&admin.name) == key;
        admins.into_iter().find(is_it).ok_or_else(|| {
            let what = format!("no administrator `{wanted}`");
            Refusal::new(Code::SelectionUnknown, what).help("`muster admins list` names them")
        })
    }

    /// Gives an administrator another role, from their next request on.
    ///
    /// # Errors
    /// `usage.invalid` where there would be no owner any more, and a `database.*` code.
    pub fn set_admin_role(&mut self, id: Uuid, role: Role) -> Result<()> {
        self.change_admins(async |transaction, acting| {
            if role != Role::Owner && is_last_owner(transaction, id).await? {
                return Ok(Err(last_owner()));
            }
            let sql = "update muster.admins set role = $2 where id = $1 and removed_at is null";
            transaction.execute(sql, &[&id, &role.name()]).await?;
            acting.write(transaction, &Act::about(id)).await?;
            Ok(Ok(()))
        })
    }

    /// Removes an administrator, and ends their sessions and links.
    ///
    /// # Errors
    /// `usage.invalid` where there would be no owner any more, and a `database.*` code.
    pub fn remove_admin(&mut self, id: Uuid) -> Result<()> {
        self.change_admins(async |transaction, acting| {
            if is_last_owner(transaction, id).await? {
                return Ok(Err(last_owner()));
            }
            for sql in [
                "update muster.admins set removed_at = now(), password_hash = null
                    where id = $1 and removed_at is null",
                "update muster.console_sessions set ended_at = now()
                    where admin_id = $1 and ended_at is null",
                "delete from muster.console_links where admin_id = $1",
            ] {
                transaction.execute(sql, &[&id]).await?;
            }
            acting.write(transaction, &Act::about(id)).await?;
            Ok(Ok(()))
        })
    }

    /// Makes a new link for an administrator to set a password; earlier ones end.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn make_password_link(&mut self, id: Uuid, link: &PasswordLink) -> Result<()> {
        self.change_admins(async |transaction, acting| {
            let sql = "delete from muster.console_links where admin_id = $1";
            transaction.execute(sql, &[&id]).await?;
            insert_link(transaction, id, link).await?;
            acting.write(transaction, &Act::about(id)).await?;
            Ok(Ok(()))
        })
    }

    /// Whose password the link with that token sets, if it works now. Changes nothing.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_password_link(&self, token_sha256: &[u8; 32]) -> Result<Option<Admin>> {
        let sql = "select admin_id from muster.console_links
            where token_sha256 = $1 and purpose = 'password' and used_at is null
                and expires_at > now()";
        let rows = self.query(sql, &[&token_sha256.as_slice()], DOING)?;
        let id: Option<Uuid> = rows.first().map(|row| row.get(0));
        let mut admins = self.list_admins()?.into_iter();
        Ok(admins.find(|admin| Some(admin.id) == id))
    }

    /// Uses a link up: sets the password of its administrator, and ends their sessions. `None`, and no
    /// change, when the link doesn't work any more. `password_hash` is a PHC string.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn set_admin_password(
        &mut self,
        token_sha256: &[u8; 32],
        password_hash: &str,
    ) -> Result<Option<Uuid>> {
        self.change_admins(async |transaction, acting| {
            let sql = "update muster.console_links set used_at = now()
                from muster.admins
                where token_sha256 = $1 and purpose = 'password' and used_at is null
                    and expires_at > now() and admins.id = admin_id and removed_at is null
                returning admin_id, admins.name";
            let used = transaction
                .query_opt(sql, &[&token_sha256.as_slice()])
                .await?;
            let Some(used) = used else {
                return Ok(Ok(None));
            };
            let (id, name): (Uuid, String) = (used.get(0), used.get(1));
            let sql = "update muster.admins set password_hash = $2 where id = $1";
            transaction.execute(sql, &[&id, &password_hash]).await?;
            let sql = "update muster.console_sessions set ended_at = now()
                where admin_id = $1 and ended_at is null";
            transaction.execute(sql, &[&id]).await?;
            let mut acting = acting.clone();
            acting.who = format!("console:{name}");
            acting.action = "set password".to_string();
            acting.write(transaction, &Act::about(id)).await?;
            Ok(Ok(Some(id)))
        })
    }

    /// The administrator who signs in by that name, with the hash of their password.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_password_of(&self, name: &str) -> Result<Option<(Admin, String)>> {
        let Ok(admin) = self.find_admin(name) else {
            return Ok(None);
        };
        let sql = "select password_hash from muster.admins
            where id = $1 and removed_at is null and password_hash is not null";
        let rows = self.query(sql, &[&admin.id], DOING)?;
        Ok(rows.first().map(|row| (admin, row.get(0))))
    }

    /// One transaction, in which no other changes the administrators.
    fn change_admins<T>(
        &mut self,
        change: impl AsyncFnOnce(
            &Transaction<'_>,
            &super::audit::Acting,
        ) -> std::result::Result<Result<T>, tokio_postgres::Error>,
    ) -> Result<T> {
        let doing = |error| refusal(&error, DOING);
        let (acting, connection) = (&self.acting, &mut self.connection);
        self.runtime.block_on(async {
            let transaction = connection.client.transaction().await.map_err(doing)?;
            let lock = "lock table muster.admins in share row exclusive mode";
            transaction.batch_execute(lock).await.map_err(doing)?;
            // A refusal drops the transaction, which takes it back.
            let changed = change(&transaction, acting).await.map_err(doing)??;
            transaction.commit().await.map_err(doing)?;
            Ok(changed)
        })
    }
}

const DOING: &str = "changing the administrators";

async fn insert_link(
    transaction: &Transaction<'_>,
    id: Uuid,
    link: &PasswordLink,
) -> std::result::Result<(), tokio_postgres::Error> {
    let sql = "insert into muster.console_links (token_sha256, purpose, admin_id, expires_at)
        values ($1, 'password', $2, now() + make_interval(mins => $3))";
    let token = link.token_sha256.as_slice();
    transaction
        .execute(sql, &[&token, &id, &link.minutes])
        .await?;
    Ok(())
}

async fn is_last_owner(
    transaction: &Transaction<'_>,
    id: Uuid,
) -> std::result::Result<bool, tokio_postgres::Error> {
    let sql = "select count(*) filter (where id = $1) = 1 and count(*) = 1
        from muster.admins where role = 'owner' and removed_at is null";
    Ok(transaction.query_one(sql, &[&id]).await?.get(0))
}

fn last_owner() -> Refusal {
    Refusal::new(Code::UsageInvalid, "the last owner stays an owner")
        .help("make somebody else an owner first: `muster admins role NAME owner`")
}

fn taken() -> Refusal {
    Refusal::new(Code::UsageInvalid, "there is an administrator of that name")
        .help("choose another name, or make a new link: `muster admins link NAME`")
}

fn admin(row: &tokio_postgres::Row) -> Admin {
    Admin {
        id: row.get(0),
        name: row.get(1),
        email: row.get(2),
        role: Role::from_name(row.get(3)).unwrap_or(Role::Reader),
        has_password: row.get(4),
        created_at: row.get(5),
        seen_at: row.get(6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::token::Token;
    use crate::store::audit::{Acting, Wanted};
    use crate::store::connect::Target;
    use crate::store::scratch::Home;

    fn link() -> PasswordLink {
        PasswordLink {
            token_sha256: Token::new().unwrap().sha256(),
            minutes: 60,
        }
    }

    #[test]
    fn administrators_are_added_changed_and_removed_but_never_the_last_owner() {
        let home = Home::new("home");
        let mut store = Store::open(Target::Local(home.local.clone())).unwrap();
        store.act_as(Acting {
            who: "cli:t@t".to_string(),
            ..Acting::default()
        });
        let first = link();
        let ann = store
            .add_admin(" Ann  Ng ", None, Role::Owner, &first)
            .unwrap();
        let again = store.add_admin("ANN NG", None, Role::Reader, &link());
        assert_eq!(again.unwrap_err().code, Code::UsageInvalid);
        assert!(
            store
                .add_admin("a\u{7}b", None, Role::Reader, &link())
                .is_err()
        );
        assert!(store.add_admin(" ", None, Role::Reader, &link()).is_err());
        assert!(store.set_admin_role(ann, Role::Reader).is_err());
        assert!(store.remove_admin(ann).is_err());
        assert_eq!(store.find_admin("ann ng").unwrap().role, Role::Owner);

        // The link sets the password once; there is nothing to sign in with before.
        assert!(store.find_password_of("Ann Ng").unwrap().is_none());
        let found = store.find_password_link(&first.token_sha256).unwrap();
        assert_eq!(found.unwrap().name, "Ann Ng");
        let used = store
            .set_admin_password(&first.token_sha256, "$hash")
            .unwrap();
        assert_eq!(used, Some(ann));
        let used = store
            .set_admin_password(&first.token_sha256, "$other")
            .unwrap();
        assert_eq!(used, None);
        let (admin, hash) = store.find_password_of("ann ng").unwrap().unwrap();
        assert_eq!((admin.id, hash.as_str()), (ann, "$hash"));

        let old = link();
        let bob = store.add_admin("Bob", None, Role::Owner, &old).unwrap();
        store.make_password_link(bob, &link()).unwrap();
        assert!(
            store
                .find_password_link(&old.token_sha256)
                .unwrap()
                .is_none()
        );
        store.set_admin_role(ann, Role::Approver).unwrap();
        assert!(store.remove_admin(bob).is_err());
        store.set_admin_role(ann, Role::Owner).unwrap();
        store.remove_admin(bob).unwrap();
        assert!(store.find_admin("Bob").is_err());
        // The name is free again.
        store.add_admin("bob", None, Role::Reader, &link()).unwrap();
        let (lines, _) = store.list_audit(&Wanted::default()).unwrap();
        assert_eq!(lines.len(), 8);
        assert!(lines.iter().any(|line| line.who == "console:Ann Ng"
            && line.action == "set password"
            && line.about == ann.to_string()));
    }

    #[test]
    fn two_owners_who_remove_each_other_leave_one() {
        let home = Home::new("home");
        let target = Target::Local(home.local.clone());
        let mut store = Store::open(target.clone()).unwrap();
        let ids = ["a", "b"].map(|name| store.add_admin(name, None, Role::Owner, &link()).unwrap());
        let together = std::sync::Barrier::new(2);
        let removed: usize = std::thread::scope(|scope| {
            let threads = ids.map(|id| {
                let (target, together) = (target.clone(), &together);
                scope.spawn(move || {
                    let mut store = Store::open(target).unwrap();
                    together.wait();
                    usize::from(store.remove_admin(id).is_ok())
                })
            });
            threads.map(|thread| thread.join().unwrap()).iter().sum()
        });
        assert_eq!(removed, 1);
        assert_eq!(store.list_admins().unwrap().len(), 1);
    }
}
