//! What a mailing is for, and who is asked for.

use crate::invitation::Kind;

/// What the mail is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// An invitation.
    Invite,
    /// A link to set a password.
    Reset,
}

impl Purpose {
    /// By the path that was asked for.
    pub(super) fn of_path(path: &str) -> Purpose {
        let path = path.split('?').next().unwrap_or_default();
        match path.split('/').any(|part| part == "reset") {
            true => Purpose::Reset,
            false => Purpose::Invite,
        }
    }

    /// The kind of mail.
    pub(super) fn kind(self) -> Kind {
        match self {
            Purpose::Invite => Kind::Invite,
            Purpose::Reset => Kind::Reset,
        }
    }

    /// Its part of a path.
    pub(super) fn path(self) -> &'static str {
        match self {
            Purpose::Invite => "invite",
            Purpose::Reset => "reset",
        }
    }

    /// The command.
    pub(super) fn command(self) -> &'static str {
        self.path()
    }

    /// The heading of its pages.
    pub(super) fn title(self) -> &'static str {
        match self {
            Purpose::Invite => "Invite users",
            Purpose::Reset => "Send password resets",
        }
    }
}
