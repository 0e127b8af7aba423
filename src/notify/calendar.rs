//! A session as a calendar file (RFC 5545): one event, which a later version replaces.

use icalendar::{Calendar, Component, Event, EventLike, Property};
use jiff::Timestamp;

use super::Attachment;
use super::message::one_line;
use crate::session::Known;

/// The file for a session. The same session gives the same bytes; `domain` is that of the sender.
pub fn attachment(known: &Known, domain: &str) -> Attachment {
    let session = &known.session;
    let time = |at: i64| {
        let at = Timestamp::from_second(at).unwrap_or_default();
        at.strftime("%Y%m%dT%H%M%SZ").to_string()
    };
    let mut event = Event::new();
    event
        .uid(&format!("{}@{domain}", known.id))
        .summary(&one_line(&session.name))
        .sequence(known.revision.unsigned_abs())
        .add_property("DTSTAMP", time(known.changed_at))
        .add_property("DTSTART", time(session.starts_at));
    if let Some(ends_at) = session.ends_at {
        event.add_property("DTEND", time(ends_at));
    }
    if let Some(place) = &session.place {
        event.location(&one_line(place));
    }
    if let Some(link) = &session.link {
        event.url(&one_line(link));
    }
    let mut calendar = Calendar::empty();
    for (key, value) in [
        ("VERSION", "2.0"),
        ("PRODID", "-//muster//sessions//EN"),
        ("METHOD", "PUBLISH"),
    ] {
        calendar.append_property(Property::new(key, value));
    }
    calendar.push(event.done());
    Attachment {
        name: "session.ics".to_string(),
        mime: "text/calendar; charset=utf-8; method=PUBLISH".to_string(),
        bytes: calendar.to_string().into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Session;
    use uuid::Uuid;

    #[test]
    fn whatever_a_session_is_called_is_read_back() {
        for text in [
            "First aid",
            "a\\b; c, d: e\"f\"",
            "Über uns / 日本語 – eine sehr lange Überschrift, die mehr als fünfundsiebzig Bytes hat und gefaltet wird",
            "x\r\nEND:VEVENT\r\nATTENDEE:evil@a.example",
            "\\n is no line end",
        ] {
            let known = Known {
                id: Uuid::from_u128(7),
                session: Session {
                    name: text.to_string(),
                    place: Some(text.to_string()),
                    link: Some("https://a.example/x?y=1,2;3".to_string()),
                    starts_at: 1_797_237_000,
                    ends_at: Some(1_797_246_000),
                    time_zone: "Europe/Paris".to_string(),
                    ..Session::default()
                },
                revision: 3,
                ..Known::default()
            };
            let file = attachment(&known, "a.example");
            let text_of_file = String::from_utf8(file.bytes).unwrap();
            assert!(
                text_of_file.lines().all(|line| line.len() <= 75),
                "{text_of_file}"
            );
            assert_eq!(text_of_file.replace("\r\n", "").find(['\r', '\n']), None);
            let calendar: Calendar = text_of_file.parse().unwrap();
            assert_eq!(calendar.property_value("METHOD"), Some("PUBLISH"));
            let events: Vec<&Event> = calendar.events().collect();
            let [event] = events.as_slice() else {
                panic!("{text_of_file}");
            };
            let name = one_line(text);
            assert_eq!(event.get_summary(), Some(name.as_ref()), "{text_of_file}");
            assert_eq!(event.get_location(), Some(name.as_ref()));
            assert_eq!(event.get_url(), Some("https://a.example/x?y=1,2;3"));
            assert_eq!(event.get_sequence(), Some(3));
            assert_eq!(event.property_value("DTSTART"), Some("20261214T083000Z"));
            assert_eq!(event.property_value("DTEND"), Some("20261214T110000Z"));
            assert_eq!(event.property_value("ATTENDEE"), None);
            assert_eq!(
                event.get_uid(),
                Some("00000000-0000-0000-0000-000000000007@a.example")
            );
        }
    }
}
