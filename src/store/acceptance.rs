//! Accepting invitations: whether a link is valid, and its use.

use serde::Deserialize;
use uuid::Uuid;

use super::Store;
use crate::invitation::Kind;
use crate::refusal::Result;
use crate::store::error::refusal;

/// Whose account a link opens, as the account has it now. Texts are empty when not known.
///
/// Not `Debug`: it is personal data.
pub struct Invited {
    /// [`Kind::Invite`] makes an account active; the others set a password.
    pub kind: Kind,
    #[expect(missing_docs, reason = "as in the account")]
    pub first_name: String,
    #[expect(missing_docs, reason = "as in the account")]
    pub last_name: String,
    /// The address that the link was made for; empty for somebody without one.
    pub email: String,
    /// Sign-in name, where there is one.
    pub username: String,
    /// BCP 47 tag.
    pub language: String,
    /// The paths of the groups that the account is in by itself.
    pub groups: Vec<String>,
    /// The sessions to come that it is enrolled in, in the order of their beginnings.
    pub sessions: Vec<Enrolled>,
}

/// A session that somebody is enrolled in.
#[derive(Deserialize)]
pub struct Enrolled {
    /// Its name.
    pub name: String,
    /// When it begins, in seconds since 1970.
    pub starts_at: i64,
    /// The IANA time zone of that.
    pub time_zone: String,
}

impl Invited {
    /// What the person signs in with: the address, or the username without one.
    pub fn sign_in_name(&self) -> &str {
        match self.email.as_str() {
            "" => &self.username,
            email => email,
        }
    }
}

impl Store {
    /// Whose account the link with that token opens, if it would be accepted now. Changes nothing.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn find_invitation(&self, token_sha256: &[u8; 32]) -> Result<Option<Invited>> {
        let sql = include_str!("sql/find_invitation.sql");
        let row = self
            .runtime
            .block_on(
                self.connection
                    .client
                    .query_opt(sql, &[&token_sha256.as_slice()]),
            )
            .map_err(|error| refusal(&error, "reading an invitation"))?;
        Ok(row.and_then(|row| {
            Some(Invited {
                kind: Kind::from_name(row.get(0))?,
                first_name: row.get(1),
                last_name: row.get(2),
                email: row.get(3),
                username: row.get(4),
                language: row.get(5),
                groups: row.get(6),
                sessions: row
                    .get::<_, Vec<String>>(7)
                    .iter()
                    .filter_map(|session| serde_json::from_str(session).ok())
                    .collect(),
            })
        }))
    }

    /// Uses the link with that token up: sets the password, makes an invited account active (under
    /// the names that are given), and ends the account's other links, all by the SQL function
    /// `muster.accept_invitation`. The answer is the account; `None`, and no change, when the link
    /// isn't worth anything (any more). `password_hash` is a PHC string.
    ///
    /// # Errors
    /// A refusal with a `database.*` code; when the connection is lost meanwhile, the link may have
    /// been used anyway.
    pub fn accept_invitation(
        &self,
        token_sha256: &[u8; 32],
        password_hash: &str,
        first_name: Option<&str>,
        last_name: Option<&str>,
    ) -> Result<Option<Uuid>> {
        let sql = include_str!("sql/accept_invitation.sql");
        let token_sha256 = token_sha256.as_slice();
        let row = self
            .runtime
            .block_on(self.connection.client.query_opt(
                sql,
                &[&token_sha256, &password_hash, &first_name, &last_name],
            ))
            .map_err(|error| refusal(&error, "accepting an invitation"))?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Whether the connection is still open, as far as the driver knows.
    pub fn is_connected(&self) -> bool {
        !self.connection.client.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::{Kind, Store};
    use crate::notify::token::{Token, sha256_of};
    use crate::store::connect::Target;
    use crate::store::scratch::Home;

    const HASH: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$aGFzaGhhc2hoYXNoaGFzaGhhc2g";

    /// A link of that kind to a new account, in good order.
    fn invite(store: &Store, name: &str, kind: &str) -> [u8; 32] {
        let token = Token::new().unwrap().sha256();
        let status = if kind == "invite" {
            "invited"
        } else {
            "active"
        };
        let account =
            "insert into muster.accounts (id, email, email_key, first_name, role, status, language)
            values (gen_random_uuid(), $1, $1, 'Ada', 'user', $2, 'de')";
        let invitation = "insert into muster.invitations
            (id, run_id, account_id, kind, email, email_key, state, token_sha256, expires_at, message_id)
            select gen_random_uuid(), 'run', id, $2, email, email_key, 'sent', $3, now() + interval '1 day', 'm'
            from muster.accounts where email_key = $1";
        let email = format!("{name}@a.example");
        let client = &store.connection.client;
        store.runtime.block_on(async {
            client.execute(account, &[&email, &status]).await.unwrap();
            let token = token.as_slice();
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
                [&email, &kind, &token];
            client.execute(invitation, &parameters).await.unwrap();
        });
        token
    }

    fn run(store: &Store, sql: &str) {
        let client = &store.connection.client;
        store.runtime.block_on(client.batch_execute(sql)).unwrap();
    }

    fn text(store: &Store, sql: &str) -> String {
        let client = &store.connection.client;
        let row = store.runtime.block_on(client.query_one(sql, &[])).unwrap();
        row.get(0)
    }

    #[test]
    fn a_link_is_worth_what_the_run_log_say_and_works_once() {
        let home = Home::new("home");
        let store = Store::open(Target::Local(home.local.clone())).unwrap();
        let is_dead = |token: &[u8; 32]| {
            let found = store.find_invitation(token).unwrap().is_some();
            let accepted = store.accept_invitation(token, HASH, None, None).unwrap();
            assert_eq!(found, accepted.is_some());
            !found
        };
        assert!(is_dead(&sha256_of("never made")));
        for (name, harm) in [
            (
                "late",
                "update muster.invitations set expires_at = now() - interval '1 second'",
            ),
            (
                "cancelled",
                "update muster.invitations set state = 'cancelled'",
            ),
            ("queued", "update muster.invitations set state = 'queued'"),
            (
                "moved",
                "update muster.accounts set email = 'x', email_key = 'x'",
            ),
            ("gone", "update muster.accounts set status = 'deactivated'"),
            (
                "there",
                "update muster.accounts set status = 'active' where status = 'invited'",
            ),
        ] {
            let token = invite(&store, name, "invite");
            assert!(store.find_invitation(&token).unwrap().is_some(), "{name}");
            run(&store, harm);
            assert!(is_dead(&token), "{name}");
            run(&store, "delete from muster.accounts");
        }
        for (name, fine) in [
            (
                "soon",
                "update muster.invitations set expires_at = now() + interval '1 minute'",
            ),
            ("ever", "update muster.invitations set expires_at = null"),
            ("unclear", "update muster.invitations set state = 'unknown'"),
        ] {
            let token = invite(&store, name, "invite");
            run(&store, fine);
            assert!(!is_dead(&token), "{name}");
            assert!(is_dead(&token), "{name}, used");
            run(&store, "delete from muster.accounts");
        }

        let token = invite(&store, "ada", "invite");
        let invited = store.find_invitation(&token).unwrap().unwrap();
        assert_eq!(
            (
                invited.kind,
                invited.email.as_str(),
                invited.first_name.as_str()
            ),
            (Kind::Invite, "ada@a.example", "Ada")
        );
        let account = store.accept_invitation(&token, HASH, None, Some("Lovelace"));
        let account = account.unwrap().unwrap().to_string();
        let sql = "select concat_ws(' ', a.id, a.first_name, a.last_name, a.status, c.password_hash, i.state)
            from muster.accounts a join muster.credentials c on c.account_id = a.id
            join muster.invitations i on i.account_id = a.id";
        assert_eq!(
            text(&store, sql),
            format!("{account} Ada Lovelace active {HASH} accepted")
        );
    }

    #[test]
    fn fifty_who_use_one_link_at_once_are_one_who_gets_in() {
        let home = Home::new("home");
        let target = Target::Local(home.local.clone());
        let store = Store::open(target.clone()).unwrap();
        let token = invite(&store, "ada", "reset");
        let together = Barrier::new(50);
        let accepted: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..50)
                .map(|number| {
                    let (target, together) = (target.clone(), &together);
                    scope.spawn(move || {
                        let store = Store::open(target).unwrap();
                        together.wait();
                        let hash = format!("{HASH}{number}");
                        let accepted = store.accept_invitation(&token, &hash, None, None);
                        usize::from(accepted.unwrap().is_some())
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(accepted, 1);
        let sql = "select state from muster.invitations";
        assert_eq!(text(&store, sql), "accepted");
    }
}
