//! Administrators of the console, and what they may do.

/// What an administrator may do; each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees runs, people and invitations, with values masked.
    Reader,
    /// Uploads, checks, imports within the limits, and invites.
    Operator,
    /// Approves what is held, undoes, and deactivates.
    Approver,
    /// Manages administrators and tokens.
    Owner,
}

impl Role {
    /// All of them, from the least.
    pub const ALL: [Role; 4] = [Role::Reader, Role::Operator, Role::Approver, Role::Owner];

    /// As it is written everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Role::Reader => "reader",
            Role::Operator => "operator",
            Role::Approver => "approver",
            Role::Owner => "owner",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}
