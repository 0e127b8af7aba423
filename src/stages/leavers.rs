//! leavers: people whom a full list no longer names. What happens to each is decided here, from
//! what the accounts say and the pipeline's policy; pure.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::definition::{Definition, Leavers};
use crate::stages::validate::email;

/// An account that this pipeline's source made, and that its file doesn't name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaver {
    /// The account.
    pub account: Uuid,
    /// Its external id, where it has one.
    pub external_id: Option<String>,
    /// Its address, where it has one.
    pub email: Option<String>,
    /// The address as the match compares it.
    pub email_key: Option<String>,
    /// What to call the person.
    pub name: String,
    /// The account's role.
    pub role: String,
    /// Its other roles.
    #[serde(default)]
    pub other_roles: Vec<String>,
    /// `active` or `invited`.
    pub status: String,
    /// In how many runs the account was missing before this one.
    pub runs: u32,
    /// For how many days.
    pub days: u32,
    /// What happens.
    pub fate: Fate,
}

/// What happens to a leaver in this run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Deactivated.
    Deactivated,
    /// Nothing yet: the grace isn't over.
    #[default]
    Waiting,
    /// Nothing: the pipeline protects the person.
    Protected,
    /// Nothing: a safeguard, or a row that can't be told whose it is, stands in the way.
    Held,
}

impl Fate {
    /// Every fate, in the order of reports.
    pub const ALL: [Fate; 4] = [
        Fate::Deactivated,
        Fate::Waiting,
        Fate::Protected,
        Fate::Held,
    ];

    /// The fate's word.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Deactivated => "deactivated",
            Fate::Waiting => "waiting",
            Fate::Protected => "protected",
            Fate::Held => "held",
        }
    }
}

/// Decides what happens to each. `unknown_rows` are rows of the file that nobody can be found by:
/// each may be one of the leavers, so none is touched while there are any.
pub fn decide(leavers: &mut [Leaver], definition: &Definition, unknown_rows: u64) {
    let policy = &definition.leavers;
    let admin = definition.mail.admin.iter();
    let protected: Vec<String> = policy
        .protected
        .iter()
        .chain(admin)
        .filter_map(|address| email::key(address))
        .collect();
    for leaver in leavers {
        leaver.fate = fate(leaver, policy, &protected, unknown_rows);
    }
}

fn fate(leaver: &Leaver, policy: &Leavers, protected: &[String], unknown_rows: u64) -> Fate {
    let mut roles = [&leaver.role].into_iter().chain(&leaver.other_roles);
    let is_protected = roles.any(|role| policy.protected_roles.contains(role))
        || leaver
            .email_key
            .as_ref()
            .is_some_and(|key| protected.contains(key));
    if is_protected {
        Fate::Protected
    } else if leaver.runs < policy.grace_runs || leaver.days < policy.grace_days {
        Fate::Waiting
    } else if unknown_rows > 0 {
        Fate::Held
    } else {
        Fate::Deactivated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::parse;

    #[test]
    fn only_who_may_go_goes_and_only_when_it_is_time() {
        let text = "name = \"hr\"\n[leavers]\nmissing = \"deactivate\"\ngrace_runs = 2\ngrace_days = 3\n\
            protected = [\"Boss@Firm.eu\"]\nprotected_roles = [\"admin\"]\n[mail]\nadmin = \"it@firm.eu\"\n";
        let definition = parse("p.toml", text).unwrap().definition;
        let table = [
            ("a@firm.eu", "user", 2, 3, 0, Fate::Deactivated),
            ("a@firm.eu", "user", 1, 9, 0, Fate::Waiting),
            ("a@firm.eu", "user", 9, 2, 0, Fate::Waiting),
            ("a@firm.eu", "user", 2, 3, 1, Fate::Held),
            ("a@firm.eu", "admin", 9, 9, 0, Fate::Protected),
            ("boss@firm.eu", "user", 9, 9, 0, Fate::Protected),
            ("it@firm.eu", "user", 9, 9, 1, Fate::Protected),
        ];
        for (email, role, runs, days, unknown_rows, expected) in table {
            let mut leavers = [Leaver {
                email_key: Some(email.to_string()),
                role: role.to_string(),
                runs,
                days,
                ..Leaver::default()
            }];
            decide(&mut leavers, &definition, unknown_rows);
            assert_eq!(leavers[0].fate, expected, "{email} {role} {runs} {days}");
        }
    }
}
