//! Invitations and other mails, as values: whom they are for, what they say, and what happened to
//! them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::field::RowNumber;
use crate::refusal::Refusal;
use crate::session::Known;
use crate::text::{email, username_key};

/// What a mail is for. The first three are ways in; they and the mails about sessions live in the
/// table of invitations.
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
    /// Tells a person of a session that they are enrolled in.
    Session,
    /// Reminds a person of a session that begins soon.
    SessionReminder,
}

impl Kind {
    /// Every kind, in the order in which they are listed.
    pub const ALL: [Kind; 7] = [
        Kind::Invite,
        Kind::Reset,
        Kind::Temporary,
        Kind::Report,
        Kind::Notice,
        Kind::Session,
        Kind::SessionReminder,
    ];

    /// The kind's word: in SQL, on the command line, and the folder of its templates.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Invite => "invite",
            Kind::Reset => "reset",
            Kind::Temporary => "temporary",
            Kind::Report => "report",
            Kind::Notice => "notice",
            Kind::Session => "session",
            Kind::SessionReminder => "session-reminder",
        }
    }

    /// Whether it is about a session: it has no way in, and goes out once for each session.
    pub fn is_about_session(self) -> bool {
        matches!(self, Kind::Session | Kind::SessionReminder)
    }

    /// The kind with that name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How somebody is named on the command line: by address or by username.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Name {
    /// An e-mail address, as the match compares it. Whoever has none may have it as a username.
    Email(String),
    /// A username, as the match compares it.
    Username(String),
}

impl Name {
    /// The name that somebody typed.
    pub fn of(typed: &str) -> Name {
        match email::key(typed) {
            Some(key) => Name::Email(key),
            None => Name::Username(username_key(typed).into_owned()),
        }
    }

    /// Its text, as the match compares it.
    pub fn key(&self) -> &str {
        match self {
            Name::Email(key) | Name::Username(key) => key,
        }
    }

    /// Whether it is an address.
    pub fn is_email(&self) -> bool {
        matches!(self, Name::Email(_))
    }

    /// The address and the username that it may be.
    pub fn keys(&self) -> (Option<&str>, &str) {
        (self.is_email().then(|| self.key()), self.key())
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
    /// What you can do next: sentence and command.
    pub next: Vec<(String, String)>,
}

/// All that a template may use. What a kind doesn't have is empty.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MailContext {
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
    /// For mails about a session alone.
    #[serde(skip)]
    pub session: Option<Known>,
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

/// Somebody whom a run names, with all that decides whether a mail may go out.
#[derive(Debug, Clone, Default)]
pub struct Candidate {
    /// The row of the run.
    pub row: RowNumber,
    /// The account.
    pub account: Uuid,
    /// Whether the run made the account; otherwise it only changed it.
    pub created: bool,
    /// What templates see. `email` is empty for somebody without an address.
    pub person: Person,
    /// What the person is besides the role.
    pub other_roles: Vec<String>,
    /// The address as the match compares it; empty without one.
    pub email_key: String,
    /// `invited`, `active` or `deactivated`.
    pub status: String,
    /// The state of the newest invitation of this kind; a link whose time is over is `expired`.
    pub latest: Option<String>,
    /// Whether the address must never be mailed.
    pub suppressed: bool,
    /// Whether the person chose a password already.
    pub has_password: bool,
    /// Whether the first day is still to come, where that matters.
    pub starts_later: bool,
    /// The sessions that the person is enrolled in and has no mail about, in the order of their
    /// beginnings, which are all to come.
    pub sessions: Vec<Uuid>,
}

/// Why somebody is not written to. The order is the one in which reasons are looked for and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeftOut {
    /// The account has no address.
    NoEmail,
    /// The account has neither an address nor a username.
    NoName,
    /// The account is deactivated.
    Deactivated,
    /// The first day is still to come, and the pipeline lets nobody in before.
    NotStarted,
    /// An invitation is for people who are not active yet.
    Active,
    /// A reset is for people who are active.
    NotActive,
    /// The account was there before the run; only new ones get a first password.
    Existed,
    /// The person has a password already.
    HasPassword,
    /// The address is on the list of those that are never mailed.
    Suppressed,
    /// RFC 2606 and its like: no mail can arrive there.
    Reserved,
    /// No mail server takes it.
    Undeliverable,
    /// A link is out and still works.
    Invited,
    /// Nobody knows whether the last mail arrived.
    Unknown,
    /// The last mail was refused.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

impl LeftOut {
    /// The reason's word in JSON.
    pub fn name(self) -> &'static str {
        match self {
            LeftOut::NoEmail => "no_email",
            LeftOut::NoName => "no_name",
            LeftOut::Deactivated => "deactivated",
            LeftOut::NotStarted => "not_started",
            LeftOut::Active => "already_active",
            LeftOut::NotActive => "not_active",
            LeftOut::Existed => "existed_before",
            LeftOut::HasPassword => "has_password",
            LeftOut::Suppressed => "suppressed",
            LeftOut::Reserved => "reserved_domain",
            LeftOut::Undeliverable => "undeliverable",
            LeftOut::Invited => "already_invited",
            LeftOut::Unknown => "unknown",
            LeftOut::Failed => "failed",
            LeftOut::Cancelled => "cancelled",
        }
    }

    /// The reason in a few words.
    pub fn title(self) -> &'static str {
        match self {
            LeftOut::NoEmail => "no e-mail address",
            LeftOut::NoName => "neither an e-mail address nor a username",
            LeftOut::Deactivated => "deactivated",
            LeftOut::NotStarted => "not started: the first day is in the future",
            LeftOut::Active => "already active",
            LeftOut::NotActive => "not active yet: invite them instead",
            LeftOut::Existed => "had an account before this run",
            LeftOut::HasPassword => "has a password already",
            LeftOut::Suppressed => "suppressed: never mailed",
            LeftOut::Reserved => "reserved domain: never receives mail",
            LeftOut::Undeliverable => "undeliverable address",
            LeftOut::Invited => "already invited, and the link still works",
            LeftOut::Unknown => "unknown whether the last mail arrived",
            LeftOut::Failed => "the last mail failed",
            LeftOut::Cancelled => "cancelled",
        }
    }
}

/// What happened to a queue.
#[derive(Debug, Default)]
pub struct Sent {
    /// Somebody else is responsible for them now.
    pub sent: u64,
    /// Failed: refused for good, or put off too often.
    pub refused: u64,
    /// Nobody knows.
    pub unknown: u64,
    /// Still queued.
    pub later: u64,
    /// Not ours: another sender has them, or they must not go out any more.
    pub taken: u64,
    /// Why it ended before its end.
    pub stopped: Option<Refusal>,
}

impl Sent {
    /// Adds what happened to another queue.
    pub fn add(&mut self, other: Sent) {
        self.sent += other.sent;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.later += other.later;
        self.taken += other.taken;
        self.stopped = self.stopped.take().or(other.stopped);
    }
}

/// Claims of senders that are gone, settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Abandoned {
    /// The mail was out already.
    pub sent: u64,
    /// It surely wasn't, and waits again.
    pub queued: u64,
    /// Nobody knows.
    pub unknown: u64,
}

/// An invitation in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The invitation.
    pub id: Uuid,
    /// The run that it belongs to.
    pub run: String,
    /// The account; none once that is removed.
    pub account: Option<Uuid>,
    /// `invite`, `reset`, `temporary`, `session` or `session-reminder`.
    pub kind: String,
    /// As it was written to; the username of somebody without an address.
    pub email: String,
    /// `queued`, `sending`, `sent`, `failed`, `unknown`, `cancelled`, `expired` or `accepted`.
    pub state: String,
    /// The mail server's last words.
    pub reply: Option<String>,
    /// `outbox`, `smtp` or `hand`.
    #[serde(rename = "via")]
    pub transport: Option<String>,
    /// Attempts at the last mail.
    pub attempts: i32,
    /// How often it was sent again.
    pub resends: i32,
    /// Whether the person has no newer one of that kind.
    pub newest: bool,
    /// Minutes since it was made.
    pub age_minutes: i64,
    /// UTC, `2026-11-22 05:12`.
    pub sent_at: Option<String>,
    /// UTC.
    pub expires_at: Option<String>,
    /// Whether there is a link that works now.
    pub usable: bool,
    /// The pipeline by whose settings it went out; none for the default.
    pub pipeline: Option<String>,
    /// The person's username, as the match compares it.
    #[serde(skip)]
    pub username_key: Option<String>,
    /// The session that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

impl Listed {
    /// Whether it is a mail about a session.
    pub fn is_about_session(&self) -> bool {
        Kind::from_name(&self.kind).is_some_and(Kind::is_about_session)
    }
}

/// How far people have come, each counted once a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funnel {
    /// Accounts that runs made.
    pub created: u64,
    /// With an invitation, in whatever state.
    pub invited: u64,
    /// A mail server or the outbox took the mail.
    pub delivered: u64,
    /// Waiting for a sender.
    pub waiting: u64,
    /// Refused for good.
    pub failed: u64,
    /// Nobody knows.
    pub unknown: u64,
    /// Ended by an administrator, or outdated.
    pub cancelled: u64,
    /// The link's time is over.
    pub expired: u64,
    /// In.
    pub accepted: u64,
}
