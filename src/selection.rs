//! Words that name people, as `--only` and `--except` take them.

use std::collections::HashSet;

use crate::field::RowNumber;

/// One word of `--only` or `--except`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// An address, as the match compares it, and as it was typed.
    Email(String, String),
    /// A username, as the match compares it, and as it was typed.
    Username(String, String),
    /// An external id, or the id of an account.
    Id(String),
    /// Everybody in the group or below it, by its key.
    Group(String),
    /// Everybody with the role.
    Role(String),
    /// Everybody of the organization, in lower case.
    Organization(String),
    /// Everybody whose account has the status.
    Status(String),
    /// Everybody whom the run with that id names; and how it was asked for.
    Run(String, String),
    /// Rows of the run; and how they were asked for.
    Rows(HashSet<RowNumber>, String),
}

impl Wish {
    /// As it was asked for.
    pub fn text(&self) -> String {
        match self {
            Wish::Email(_, typed) | Wish::Rows(_, typed) => typed.clone(),
            Wish::Username(_, typed) => format!("username:{typed}"),
            Wish::Id(id) => format!("id:{id}"),
            Wish::Group(key) => format!("group:{key}"),
            Wish::Role(role) => format!("role:{role}"),
            Wish::Organization(name) => format!("organization:{name}"),
            Wish::Status(status) => format!("status:{status}"),
            Wish::Run(_, typed) => format!("run:{typed}"),
        }
    }
}
