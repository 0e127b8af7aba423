//! `[require]`: what a row must have.

use serde::Deserialize;

/// `[require]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Require {
    /// Fields that no row may leave empty.
    pub fields: Vec<String>,
    /// Takes people without an e-mail address if they have a username.
    pub email_or_username: bool,
}

impl Default for Require {
    fn default() -> Self {
        Require {
            fields: ["first_name", "last_name", "email"]
                .map(String::from)
                .to_vec(),
            email_or_username: false,
        }
    }
}
