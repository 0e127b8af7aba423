//! Sessions that people are enrolled in, as values: a course date, a class, a rota.

use serde::Serialize;
use uuid::Uuid;

/// A session. Times are in seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// As it was written.
    pub name: String,
    /// By which it is found.
    pub key: String,
    /// When it begins.
    pub starts_at: i64,
    /// When it ends, where that is known.
    pub ends_at: Option<i64>,
    /// The IANA time zone that mails write its times in.
    pub time_zone: String,
    /// Where it is.
    pub place: Option<String>,
    /// Where it is on the web.
    pub link: Option<String>,
}

/// A session that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Its id: the same for ever, also in calendars.
    pub id: Uuid,
    /// What it is.
    pub session: Session,
    /// How often it was changed.
    pub revision: i32,
    /// When it was made or changed last, in seconds since 1970.
    pub changed_at: i64,
    /// How many accounts are enrolled.
    pub enrolled: i64,
    /// How many people have a mail about it.
    pub mailed: i64,
}

/// A session in a list, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// As it was written.
    pub name: String,
    /// RFC 3339, UTC.
    pub starts: String,
    /// RFC 3339, UTC.
    pub ends: Option<String>,
    /// IANA name.
    pub time_zone: String,
    /// Where it is.
    pub place: Option<String>,
    /// Where it is on the web.
    pub link: Option<String>,
    /// How many accounts are enrolled.
    pub enrolled: i64,
    /// How many people have a mail about it.
    pub mailed: i64,
}
