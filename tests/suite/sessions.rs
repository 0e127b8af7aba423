//! Sessions that people are enrolled in, and links that are handed over in person.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use icalendar::{Calendar, Component, EventLike};
use jiff::{Timestamp, ToSpan};
use mail_parser::{MessageParser, MimeHeaders};

use crate::invitations::{MAIL, PASSWORD, Page, Place, path_of, people};
use crate::mailbox::{Kept, Mailbox, Verdict};
use crate::support;

/// A moment that many hours from now, as a file of sessions has it.
fn in_hours(hours: i64) -> String {
    let at = Timestamp::now() + hours.hours();
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A place with sessions in six hours, in two days, in three weeks and long ago, and two people who
/// are enrolled in all of them, named in no order.
fn place(pipeline: &str) -> Place {
    let place = Place::with(&people(1), &format!("{MAIL}{pipeline}"));
    place.write(
        "sessions.csv",
        &format!(
            "name,starts,ends,place,link\n\
             Zeta,{},,\"Room 3; left, door\",https://meet.example/z\n\
             Alpha,{},{},,\n\
             Middle / Part 2,{},,,\n\
             Old,2020-01-01T10:00Z,,,\n",
            in_hours(6),
            in_hours(24 * 21),
            in_hours(24 * 21 + 2),
            in_hours(48)
        ),
    );
    place.good(&["sessions", "import", "sessions.csv"]);
    place.write(
        "people.csv",
        "email,first name,last name,sessions\n\
         ada@firm.eu,Ada,Li,Alpha; zeta; MIDDLE/PART 2; old\n\
         bo@firm.eu,Bo,Ng,Middle / Part 2\n\
         cy@firm.eu,Cy,Ox,\n",
    );
    place.good(&["import", "people.csv", "-p", "p.toml"]);
    place
}

/// The subjects of the mails to each person, in the order in which they were taken.
fn subjects(kept: &[Kept]) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mail in kept {
        let parsed = MessageParser::default().parse(&mail.bytes).unwrap();
        let subject = parsed.subject().unwrap();
        let subject = subject.split([':', ',']).next().unwrap().to_string();
        all.entry(mail.only().to_string())
            .or_default()
            .push(subject);
    }
    all
}

#[test]
fn a_mail_a_session_follows_the_invitation_in_the_order_of_dates_and_once() {
    let mailbox = Mailbox::start(|_| Verdict::Take);
    let place = place("").by(&mailbox);
    let preview = place.good(&["invite", "last"]);
    assert!(
        preview.contains("4 session mails") && preview.contains("7 mails"),
        "{preview}"
    );
    assert_eq!(mailbox.kept().len(), 0);
    for _ in 0..2 {
        place.good(&["invite", "last", "--send"]);
        let kept = mailbox.kept();
        let expected = [
            (
                "ada@firm.eu",
                vec![
                    "Your invitation to our platform",
                    "Zeta",
                    "Middle / Part 2",
                    "Alpha",
                ],
            ),
            (
                "bo@firm.eu",
                vec!["Your invitation to our platform", "Middle / Part 2"],
            ),
            ("cy@firm.eu", vec!["Your invitation to our platform"]),
        ];
        let expected = expected.map(|(to, subjects)| {
            let subjects = subjects.into_iter().map(String::from).collect();
            (to.to_string(), subjects)
        });
        assert_eq!(subjects(&kept), expected.into());
    }
    let kept = mailbox.kept();
    let mut parsed = kept
        .iter()
        .map(|mail| MessageParser::default().parse(&mail.bytes).unwrap());
    let zeta = parsed
        .find(|mail| mail.subject().unwrap().starts_with("Zeta"))
        .unwrap();
    let file = zeta.attachment(0).unwrap();
    assert_eq!(file.attachment_name(), Some("session.ics"));
    let text = std::str::from_utf8(file.contents()).unwrap();
    let calendar: Calendar = text.parse().unwrap();
    assert_eq!(calendar.property_value("METHOD"), Some("PUBLISH"));
    let event = calendar.events().next().unwrap();
    assert_eq!(event.get_location(), Some("Room 3; left, door"));
    assert!(
        event.property_value("DTSTART").unwrap().ends_with('Z'),
        "{text}"
    );
    let sql = "SELECT id || '@acme.eu' FROM muster.sessions WHERE key = 'zeta'";
    assert_eq!(
        event.get_uid(),
        Some(support::query_one(&place.url, sql).as_str())
    );

    // Whoever is enrolled later hears of that one, also when the invitation was accepted.
    support::query(
        &place.url,
        "UPDATE muster.accounts SET status = 'active' WHERE email = 'cy@firm.eu'",
    );
    place.write(
        "people.csv",
        "email,first name,last name,sessions\ncy@firm.eu,Cy,Ox,zeta\nada@firm.eu,Ada,Li,zeta\n",
    );
    place.good(&["import", "people.csv", "-p", "p.toml"]);
    place.good(&["invite", "last", "--send"]);
    assert_eq!(mailbox.kept().len(), 8);
    assert_eq!(subjects(&mailbox.kept())["cy@firm.eu"][1..], ["Zeta"]);
}

#[test]
fn session_reminders_go_out_in_their_time_and_once() {
    let mailbox = Mailbox::start(|_| Verdict::Take);
    let place = place("session_reminders = [\"7 days\", \"1 day\"]\n").by(&mailbox);
    let due = ["due", "-p", "p.toml"];
    let send = ["due", "-p", "p.toml", "--send"];
    let early =
        "UPDATE muster.invitations SET sent_at = now() - interval '20 days' WHERE kind = 'session'";
    place.good(&send);
    assert_eq!(
        mailbox.kept().len(),
        0,
        "nobody was mailed about a session yet"
    );
    place.good(&["invite", "last", "--send"]);
    place.good(&send);
    assert_eq!(mailbox.kept().len(), 7, "everybody has just got these");
    support::query(&place.url, early);
    let preview = place.good(&due);
    assert!(preview.contains("3 session reminders due"), "{preview}");
    assert_eq!(mailbox.kept().len(), 7);
    for _ in 0..2 {
        place.good(&send);
        let kept = mailbox.kept();
        assert_eq!(
            subjects(&kept[7..])["ada@firm.eu"],
            ["Reminder", "Reminder"]
        );
        assert_eq!(subjects(&kept[7..])["bo@firm.eu"], ["Reminder"]);
        assert_eq!(kept.len(), 10);
    }
    // Time goes by: the next one, but not for whoever is no longer enrolled, or closed.
    let sooner = "UPDATE muster.sessions SET starts_at = now() + interval '5 hours' WHERE key = 'middle/part 2'";
    support::query(&place.url, sooner);
    support::query(
        &place.url,
        "UPDATE muster.accounts SET status = 'deactivated' WHERE email = 'bo@firm.eu'",
    );
    place.good(&send);
    assert_eq!(mailbox.kept().len(), 11);
    support::query(
        &place.url,
        "UPDATE muster.sessions SET starts_at = now() - interval '1 hour'",
    );
    place.good(&send);
    assert_eq!(mailbox.kept().len(), 11);
}

/// Makes cards for a class, looks at both files, and returns the links, by name.
fn cards_of_class_5a(place: &Place) -> Vec<String> {
    let cards = [
        "invitations",
        "link",
        "-o",
        "cards",
        "--only",
        "group:class 5a",
    ];
    let said = place.run(&cards);
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(said.stderr.contains("a key to an account"), "{said:?}");
    let folder = place.folder.path().join("cards");
    for name in ["links.csv", "links.html"] {
        let mode = std::fs::metadata(folder.join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let table = std::fs::read_to_string(folder.join("links.csv")).unwrap();
    let page = std::fs::read_to_string(folder.join("links.html")).unwrap();
    assert!(
        !page.contains("<script") && !table.contains("\"=sam"),
        "{table}"
    );
    let links: Vec<String> = table
        .lines()
        .skip(1)
        .map(|line| {
            line.split('"')
                .find(|cell| cell.starts_with("http"))
                .unwrap()
                .to_string()
        })
        .collect();
    assert_eq!(links.len(), 2);
    assert!(links.iter().all(|link| page.contains(link.as_str())));
    links
}

#[test]
fn people_without_an_address_get_in_by_a_card() {
    let place = Place::with(
        "username,first name,last name,groups\npat1,Pat,Li,Class 5a\n=sam,Sam,Ng,Class 5a\njo,Jo,Ox,Class 6b\n",
        &format!("[require]\nfields = []\nemail_or_username = true\n{MAIL}"),
    );
    let links = cards_of_class_5a(&place);
    let (sam, pat) = (path_of(&links[0]), path_of(&links[1]));
    let served = Page::start(&place);
    let (status, form) = served.get(&pat);
    assert!(
        status == 200 && form.contains("pat1") && form.contains("Class 5a"),
        "{form}"
    );
    // A second set would end the first one, and only does so when that is said.
    assert_eq!(
        place
            .run(&["invitations", "link", "-o", "again", "--run", "last"])
            .exit,
        0
    );
    assert_eq!(served.get(&pat).0, 200);
    let fields = [
        ("first_name", "Pat"),
        ("last_name", "Li"),
        ("password", PASSWORD),
    ];
    let (status, done) = served.submit(&pat, &fields);
    assert!(status == 200 && done.contains("pat1"), "{done}");
    let status_of = |name: &str| {
        let sql = format!("SELECT status FROM muster.accounts WHERE username = '{name}'");
        support::query_one(&place.url, &sql)
    };
    assert_eq!(status_of("pat1"), "active");
    assert_ne!(served.get(&pat).0, 200, "it works once");
    // Another username is another person's key.
    support::query(
        &place.url,
        "UPDATE muster.accounts SET username = 'sam2', username_key = 'sam2' WHERE username = '=sam'",
    );
    assert_ne!(served.get(&sam).0, 200);
    let link = place.good(&["invitations", "link", "jo"]);
    assert_eq!(served.get(&path_of(link.trim())).0, 200);
    place.good(&["invitations", "cancel", "jo"]);
    assert_ne!(served.get(&path_of(link.trim())).0, 200);
    let listed = place.good(&["invitations", "list", "jo"]);
    assert!(
        listed.contains("handed over") && !listed.contains("pat1"),
        "{listed}"
    );
    assert_eq!(status_of("jo"), "invited");
}

#[test]
fn a_session_keeps_what_the_file_has_no_column_for() {
    let place = place("");
    let sql = "select place || '|' || link from muster.sessions where key = 'zeta'";
    let before = support::query_one(&place.url, sql);
    place.write(
        "sessions.csv",
        &format!("name,starts\nZeta,{}\n", in_hours(7)),
    );
    let imported = place.good(&["sessions", "import", "sessions.csv"]);
    assert!(imported.contains("1 changed"), "{imported}");
    assert_eq!(support::query_one(&place.url, sql), before);
}
