//! The output of the commands that send mails: previews, results, lists. Pure.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::human::{grouped, safe, table};
use crate::invitation::Sent;
use crate::invitation::{Abandoned, Funnel, Listed};
use crate::invitation::{Candidate, LeftOut};
use crate::invitation::{Kind, Rendered};
use crate::session::Known;

/// How many people of one reason are named.
const NAMED: usize = 3;

/// What a mail of that kind is called when there are `count` of them.
pub fn noun(kind: Kind, count: u64) -> &'static str {
    match (kind, count == 1) {
        (Kind::Invite, true) => "invitation",
        (Kind::Invite, false) => "invitations",
        (Kind::Reset, true) => "password-reset mail",
        (Kind::Reset, false) => "password-reset mails",
        (Kind::Temporary, true) => "temporary password",
        (Kind::Temporary, false) => "temporary passwords",
        (Kind::Session, true) => "session mail",
        (Kind::Session, false) => "session mails",
        (Kind::SessionReminder, true) => "session reminder",
        (Kind::SessionReminder, false) => "session reminders",
        (_, true) => "mail",
        (_, false) => "mails",
    }
}

/// Whom a selection takes and leaves out.
pub fn selection(
    kind: Kind,
    run: &str,
    chosen: u64,
    left_out: &BTreeMap<LeftOut, Vec<Candidate>>,
    not_asked: u64,
) -> String {
    let mut text = String::new();
    let left: usize = left_out.values().map(Vec::len).sum();
    let all = chosen + left as u64 + not_asked;
    let people = if all == 1 { "person" } else { "people" };
    let _ = writeln!(
        text,
        "{} {} {people}: {} {} to send",
        match run {
            "" => "there are".to_string(),
            run => format!("run {} names", safe(run)),
        },
        grouped(all),
        grouped(chosen),
        noun(kind, chosen)
    );
    if left + not_asked as usize > 0 {
        text.push('\n');
    }
    text.push_str(&who_is_left_out(left_out));
    if not_asked > 0 {
        let _ = writeln!(text, "  left out {:>7}  not selected", grouped(not_asked));
    }
    text
}

/// How many mails there are about each session; nothing where there are none.
pub fn session_mails(counted: &[(&Known, u64)]) -> String {
    let all: u64 = counted.iter().map(|(_, count)| count).sum();
    if all == 0 {
        return String::new();
    }
    let mut text = format!("\n{} {}:\n", grouped(all), noun(Kind::Session, all));
    for (known, count) in counted {
        let starts = starts(known);
        let name = safe(&known.session.name);
        let _ = writeln!(text, "  {:>7}  {name}, {starts}", grouped(*count));
    }
    text
}

/// When a session begins, in its own time zone.
pub fn starts(known: &Known) -> String {
    let session = &known.session;
    let zone = TimeZone::get(&session.time_zone).unwrap_or(TimeZone::UTC);
    let at = Timestamp::from_second(session.starts_at).unwrap_or_default();
    let at = at.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string();
    format!("{at} ({})", safe(&session.time_zone))
}

/// For how many people there are cards, and for whom not.
pub fn cards(chosen: u64, left_out: &BTreeMap<LeftOut, Vec<Candidate>>) -> String {
    let cards = if chosen == 1 { "card" } else { "cards" };
    format!("{} {cards}\n{}", grouped(chosen), who_is_left_out(left_out))
}

fn who_is_left_out(left_out: &BTreeMap<LeftOut, Vec<Candidate>>) -> String {
    let mut text = String::new();
    for (reason, people) in left_out {
        let names: Vec<String> = people
            .iter()
            .take(NAMED)
            .map(|candidate| {
                let person = &candidate.person;
                let names = [&person.email, &person.name, &person.username];
                let name = names.into_iter().find(|name| !name.is_empty());
                safe(name.map_or("no name", String::as_str))
            })
            .collect();
        let more = if people.len() > NAMED { ", …" } else { "" };
        let _ = writeln!(
            text,
            "  left out {:>7}  {} ({}{more})",
            grouped(people.len() as u64),
            reason.title(),
            names.join(", ")
        );
    }
    text
}

/// A mail as it will go out, for reading.
pub fn mail(rendered: &Rendered, from: &str, to: &str) -> String {
    let mut text = format!(
        "From:    {}\nTo:      {}\nSubject: {}\n\n",
        safe(from),
        safe(to),
        safe(&rendered.subject)
    );
    for line in rendered.text.lines() {
        let _ = writeln!(text, "  {}", safe(line));
    }
    text
}

/// What happened to a sending.
pub fn sent(sent: &Sent, way: &str) -> String {
    let mails = if sent.sent == 1 { "mail" } else { "mails" };
    let mut text = format!("{} {mails} sent {way}\n", grouped(sent.sent));
    for (count, words) in [
        (
            sent.refused,
            "failed for good: `muster invitations list --state failed` says why",
        ),
        (
            sent.unknown,
            "unknown: the connection closed before the answer; nothing is sent again automatically (`muster invitations resend --state unknown`)",
        ),
        (sent.later, "wait: run the same command again"),
        (
            sent.taken,
            "taken by another sender, or cancelled meanwhile",
        ),
    ] {
        if count > 0 {
            let _ = writeln!(text, "{} {words}", grouped(count));
        }
    }
    text
}

/// What was found of senders that are gone; nothing when there is nothing.
pub fn abandoned(found: &Abandoned) -> String {
    let mut text = String::new();
    for (count, words) in [
        (found.sent, "were already sent"),
        (found.queued, "were not sent, and wait again"),
        (found.unknown, "may have been sent: unknown"),
    ] {
        if count > 0 {
            let _ = writeln!(
                text,
                "of a sender that was interrupted: {} {words}",
                grouped(count)
            );
        }
    }
    text
}

/// How far people have come, on a line for each step.
pub fn funnel(funnel: &Funnel) -> String {
    let steps = [
        ("created", funnel.created, true),
        ("invited", funnel.invited, true),
        ("delivered", funnel.delivered, true),
        ("waiting", funnel.waiting, false),
        ("failed", funnel.failed, false),
        ("unknown", funnel.unknown, false),
        ("cancelled", funnel.cancelled, false),
        ("expired", funnel.expired, false),
        ("accepted", funnel.accepted, true),
    ];
    let most = steps.iter().map(|(_, count, _)| *count).max().unwrap_or(0);
    let mut text = String::new();
    for (name, count, always) in steps {
        if always || count > 0 {
            let bar = (count * 30).div_ceil(most.max(1)) as usize;
            let line = format!("  {name:<9} {:>9}  {}", grouped(count), "█".repeat(bar));
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}

/// Invitations as a table.
pub fn list(invitations: &[Listed]) -> String {
    let mut lines = vec![
        [
            "e-mail",
            "kind",
            "state",
            "age",
            "sent (UTC)",
            "ends (UTC)",
            "run",
            "words",
        ]
        .map(String::from)
        .to_vec(),
    ];
    for invitation in invitations {
        let mut words = Vec::new();
        words.extend(invitation.session.as_deref().map(safe));
        if invitation.transport.as_deref() == Some("hand") {
            words.push("handed over".to_string());
        }
        if invitation.resends > 0 {
            words.push(format!("sent again {}×", invitation.resends));
        }
        if let Some(reply) = invitation
            .reply
            .as_deref()
            .filter(|reply| !reply.starts_with('2'))
        {
            words.push(safe(reply));
        }
        lines.push(vec![
            safe(&invitation.email),
            invitation.kind.clone(),
            invitation.state.clone(),
            age(invitation.age_minutes),
            invitation.sent_at.clone().unwrap_or_default(),
            invitation.expires_at.clone().unwrap_or_default(),
            safe(&invitation.run),
            words.join("; "),
        ]);
    }
    table(&lines, &[])
}

/// The addresses that are never mailed, with the reason and the day, as a table.
pub fn suppressions(list: &[(String, String, String)]) -> String {
    if list.is_empty() {
        return "no address is suppressed\n".to_string();
    }
    let mut lines = vec![["e-mail", "since", "reason"].map(String::from).to_vec()];
    lines.extend(
        list.iter()
            .map(|(email, reason, day)| vec![safe(email), day.clone(), safe(reason)]),
    );
    table(&lines, &[])
}

fn age(minutes: i64) -> String {
    match minutes {
        ..60 => format!("{minutes} min"),
        60..2880 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_funnel_shows_each_step_and_only_troubles_that_there_are() {
        let shown = funnel(&Funnel {
            created: 1200,
            invited: 600,
            delivered: 590,
            failed: 10,
            ..Funnel::default()
        });
        assert_eq!(
            shown,
            "  created       1,200  ██████████████████████████████\n\
             \x20 invited         600  ███████████████\n\
             \x20 delivered       590  ███████████████\n\
             \x20 failed           10  █\n\
             \x20 accepted          0\n"
        );
    }

    #[test]
    fn a_selection_accounts_for_everybody_and_shows_no_control_characters() {
        let mut candidate = Candidate::default();
        candidate.person.email = "a\u{1b}[2J@firm.eu".to_string();
        let left = BTreeMap::from([(LeftOut::Active, vec![candidate; 4])]);
        let shown = selection(Kind::Invite, "r", 1, &left, 2);
        assert!(
            shown.starts_with("run r names 7 people: 1 invitation to send\n"),
            "{shown}"
        );
        assert!(
            shown.contains("4  already active (a\\u{1b}[2J@firm.eu, "),
            "{shown}"
        );
        assert!(shown.contains("2  not selected"), "{shown}");
    }
}
