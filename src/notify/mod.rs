//! The later step: a run's people are chosen, written to, and let in.
//!
//! ```text
//! run's people ─ select ─ queue ─ claim ─ render ─ compose ─ deliver ─ record
//! ```
//!
//! Nothing in here reads an input file, and nothing that imports calls it. What was sent, and what
//! became of it, is in the database before and after every mail: whoever is killed between leaves
//! a claim that the next sender finds.

use std::collections::BTreeMap;

use serde::Serialize;

pub mod message;
pub mod outbox;
pub mod pace;
#[cfg(test)]
mod scripted;
pub mod select;
pub mod send;
pub mod smtp;
pub mod template;
pub mod token;

/// What a mail is for. The first three are ways in, and live in the table of invitations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A link by which an invited person becomes active.
    Invite,
    /// A link by which an active person sets a password.
    Reset,
    /// A password that ends at the first sign-in. Only where the pipeline allows it.
    Temporary,
    /// The administrator's mail about a finished run.
    Report,
    /// Tells a person that the password was set.
    Notice,
}

impl Kind {
    /// Every kind, in the order in which they are listed.
    pub const ALL: [Kind; 5] = [
        Kind::Invite,
        Kind::Reset,
        Kind::Temporary,
        Kind::Report,
        Kind::Notice,
    ];

    /// The kind's word: in SQL, on the command line, and the folder of its templates.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Invite => "invite",
            Kind::Reset => "reset",
            Kind::Temporary => "temporary",
            Kind::Report => "report",
            Kind::Notice => "notice",
        }
    }

    /// The kind with that name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Who a mail is for, as templates see it (`person.first_name`). Texts are empty when not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Person {
    /// The address that the mail goes to.
    pub email: String,
    /// Sign-in name, where there is one.
    pub username: String,
    /// As in the account.
    pub first_name: String,
    /// As in the account.
    pub last_name: String,
    /// What to call the person: display name, else first and last name, else empty.
    pub name: String,
    /// BCP 47 tag; chooses the template's language.
    pub language: String,
    /// As in the account.
    pub organization: String,
    /// As in the account.
    pub role: String,
    /// Paths, such as `Sales/EMEA`.
    pub groups: Vec<String>,
}

/// A finished run, as the template of [`Kind::Report`] sees it (`run.id`, `run.counts.created`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RunReport {
    /// The run's id.
    pub id: String,
    /// `finished`, `stopped`, or `refused` for a file that was dropped.
    pub state: String,
    /// The files that were read, as named on the command line.
    pub files: Vec<String>,
    /// Outcome → rows, in the summary's order: `created`, `updated`, …, and `read`.
    pub counts: BTreeMap<String, u64>,
    /// Address or path of `summary.html`.
    pub summary: String,
    /// What can be done next: sentence and command.
    pub next: Vec<(String, String)>,
}

/// All that a template may use. What a kind doesn't have is empty.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Letter {
    /// The recipient.
    pub person: Person,
    /// The way in; empty for kinds without one.
    pub link: String,
    /// For [`Kind::Temporary`] alone.
    pub password: String,
    /// When the way in ends, in seconds since 1970 by the database's clock; `None` for never.
    #[serde(skip)]
    pub expires_at: Option<i64>,
    /// The administrator's own words; may have several paragraphs.
    pub message: String,
    /// `[mail] product`.
    pub product: String,
    /// `[mail] contact`.
    pub contact: String,
    /// For [`Kind::Report`] alone.
    pub run: Option<RunReport>,
}

/// A mail's content, before it is a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line, without control characters.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// BCP 47 tag of the template that was used.
    pub language: String,
}

/// A file that goes with a mail.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// Its name, without a path.
    pub name: String,
    /// MIME type, such as `text/csv`.
    pub mime: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// How one attempt at a mail ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Somebody else is responsible for it now: the server's `250`, or a file in the outbox.
    Sent {
        /// The server's words.
        reply: String,
    },
    /// Refused for good (5xx), or it can't be sent at all.
    Refused {
        /// The server's words.
        reply: String,
    },
    /// Put off by the server (4xx): certainly not sent.
    Later {
        /// The server's words.
        reply: String,
    },
    /// Certainly not sent, and not for a reason that has to do with this mail.
    Returned,
    /// The connection ended after the content went out and before an answer: nobody knows.
    Unknown {
        /// What happened.
        reply: String,
    },
}
