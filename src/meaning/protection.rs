//! Whom a pipeline protects from being deactivated.

use crate::definition::Definition;
use crate::text::email;

/// Whether a pipeline protects the person with those roles and that address from being deactivated.
pub fn is_protected<'a>(
    definition: &Definition,
    roles: impl Iterator<Item = &'a str>,
    email_key: Option<&str>,
) -> bool {
    Protected::of(definition).has(roles, email_key)
}

/// Whom a pipeline protects.
pub struct Protected<'a> {
    roles: &'a [String],
    addresses: Vec<String>,
}

impl Protected<'_> {
    /// Those that the pipeline names.
    pub fn of(definition: &Definition) -> Protected<'_> {
        let policy = &definition.leavers;
        let addresses = policy.protected.iter().chain(&definition.mail.admin);
        Protected {
            roles: &policy.protected_roles,
            addresses: addresses
                .filter_map(|address| email::key(address))
                .collect(),
        }
    }

    /// Whether somebody with those roles and that address is one of them.
    pub fn has<'a>(
        &self,
        mut roles: impl Iterator<Item = &'a str>,
        email_key: Option<&str>,
    ) -> bool {
        roles.any(|role| self.roles.iter().any(|protected| protected == role))
            || email_key.is_some_and(|key| self.addresses.iter().any(|address| address == key))
    }
}
