//! What `muster sessions` prints. Pure.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::human::{grouped, safe, table};
use crate::issue::Issue;
use crate::session::{Known, Listed};

/// What became of a file of sessions.
pub struct Imported<'a> {
    /// As it was named.
    pub file: &'a str,
    /// Its rows.
    pub rows: u64,
    /// Sessions that are new.
    pub made: u64,
    /// Sessions that become others.
    pub changed: u64,
    /// Sessions that are as they were.
    pub unchanged: u64,
    /// What is wrong with rows, by their lines.
    pub issues: &'a [(u64, Issue)],
    /// Whether nothing was written.
    pub is_check: bool,
}

/// The result of an import of sessions, with every issue.
pub fn imported(done: &Imported) -> String {
    let mut text = String::new();
    let rejected = done.rows - done.made - done.changed - done.unchanged;
    let sessions = if done.rows == 1 {
        "session"
    } else {
        "sessions"
    };
    let _ = writeln!(
        text,
        "{} {sessions} read: {} new, {} changed, {} unchanged, {} rejected",
        grouped(done.rows),
        grouped(done.made),
        grouped(done.changed),
        grouped(done.unchanged),
        grouped(rejected)
    );
    for (line, issue) in done.issues {
        let found = match issue.found.as_str() {
            "" => String::new(),
            found => format!(" `{}`", safe(found)),
        };
        let detail = match issue.detail.as_str() {
            "" => String::new(),
            detail => format!(" ({detail})"),
        };
        let _ = writeln!(
            text,
            "{}:{line}:{found} {}{detail} [{}]\n  {}",
            safe(done.file),
            issue.code.title(),
            issue.code.name(),
            issue.code.fix()
        );
    }
    if done.is_check {
        text.push_str("nothing was written\n");
    }
    text
}

/// The sessions as a table.
pub fn list(known: &[Known]) -> String {
    if known.is_empty() {
        return "no sessions\n".to_string();
    }
    let head = [
        "starts",
        "ends",
        "time zone",
        "session",
        "place",
        "enrolled",
        "mailed",
    ];
    let mut lines = vec![head.map(String::from).to_vec()];
    for one in known {
        let session = &one.session;
        let zone = TimeZone::get(&session.time_zone).unwrap_or(TimeZone::UTC);
        let shown = |at: i64| {
            let at = Timestamp::from_second(at).unwrap_or_default();
            at.to_zoned(zone.clone())
                .strftime("%Y-%m-%d %H:%M")
                .to_string()
        };
        lines.push(vec![
            shown(session.starts_at),
            session.ends_at.map_or(String::new(), shown),
            safe(&session.time_zone),
            safe(&session.name),
            safe(session.place.as_deref().unwrap_or_default()),
            grouped(one.enrolled.unsigned_abs()),
            grouped(one.mailed.unsigned_abs()),
        ]);
    }
    table(&lines, &[5, 6])
}

/// A session as JSON lists it.
pub fn listed(known: &Known) -> Listed {
    let session = &known.session;
    let shown = |at: i64| Timestamp::from_second(at).unwrap_or_default().to_string();
    Listed {
        name: session.name.clone(),
        starts: shown(session.starts_at),
        ends: session.ends_at.map(shown),
        time_zone: session.time_zone.clone(),
        place: session.place.clone(),
        link: session.link.clone(),
        enrolled: known.enrolled,
        mailed: known.mailed,
    }
}
