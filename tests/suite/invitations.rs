//! From a run to people who got in: select, send, accept, and everything that goes wrong between.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use mail_parser::MessageParser;
use serde_json::Value;

use crate::mailbox::{Mailbox, Verdict};
use crate::support::{self, Finished, Running};

/// A place with imported people, and how `muster` is run there.
pub struct Place {
    pub folder: tempfile::TempDir,
    home: tempfile::TempDir,
    pub url: String,
    environment: Vec<(String, String)>,
}

impl Place {
    /// Imports `people` (CSV) by `pipeline` (TOML after the name).
    pub fn with(people: &str, pipeline: &str) -> Place {
        let place = Place {
            folder: support::folder(),
            home: support::folder(),
            url: support::fresh_database(),
            environment: Vec::new(),
        };
        place.write("people.csv", people);
        place.write("p.toml", &format!("name = \"test\"\n{pipeline}"));
        let imported = place.run(&["import", "people.csv", "-p", "p.toml", "--json"]);
        assert_eq!(imported.exit, 0, "{}\n{}", imported.stdout, imported.stderr);
        place
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Sends by that mail server from now on.
    pub fn by(mut self, mailbox: &Mailbox) -> Place {
        self.environment
            .push(("MUSTER_SMTP".to_string(), mailbox.url()));
        self
    }

    fn start(&self, arguments: &[&str]) -> Running {
        let home = self.home.path().to_str().unwrap();
        let mut environment: Vec<(&str, &str)> = self
            .environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        environment.push(("MUSTER_HOME", home));
        support::start_with(self.folder.path(), &self.url, arguments, &environment)
    }

    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.start(arguments).finish()
    }

    /// As [`Place::run`], and it has to end well.
    pub fn good(&self, arguments: &[&str]) -> String {
        let finished = self.run(arguments);
        assert_eq!(finished.exit, 0, "{arguments:?}\n{finished:?}");
        finished.stdout
    }

    /// State → people.
    fn states(&self) -> BTreeMap<String, u64> {
        let sql = "SELECT state, count(*) FROM muster.invitations GROUP BY 1";
        support::query(&self.url, sql)
            .into_iter()
            .map(|row| {
                let count = row[1].as_ref().unwrap().parse().unwrap();
                (row[0].clone().unwrap(), count)
            })
            .collect()
    }

    fn status(&self, email: &str) -> String {
        let sql = format!("SELECT status FROM muster.accounts WHERE email = '{email}'");
        support::query_one(&self.url, &sql)
    }

    /// The mails of the outbox.
    fn outbox(&self) -> Vec<Vec<u8>> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.home.path().join("outbox"))
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        files.sort();
        files
            .iter()
            .map(|file| std::fs::read(file).unwrap())
            .collect()
    }

    /// The link in the newest outbox mail to `email`.
    fn link(&self, email: &str) -> String {
        let mut links = Vec::new();
        for bytes in self.outbox() {
            let parsed = MessageParser::default().parse(&bytes).unwrap();
            let to = parsed
                .to()
                .unwrap()
                .first()
                .unwrap()
                .address()
                .unwrap()
                .to_string();
            if to == email {
                let text = parsed.body_text(0).unwrap().into_owned();
                let start = text.find("http").unwrap();
                links.push(text[start..].split_whitespace().next().unwrap().to_string());
            }
        }
        assert_eq!(links.len(), 1, "{email}: {links:?}");
        links.remove(0)
    }
}

/// `count` people at five domains.
pub fn people(count: usize) -> String {
    let mut text = "id,first name,last name,email,groups,role,company\n".to_string();
    for number in 0..count {
        let group = if number % 2 == 0 {
            "Sales/EMEA"
        } else {
            "Research"
        };
        let _ = writeln!(
            text,
            "{number},Ann,Nr {number},ann{number}@firm{}.eu,{group},user,Acme",
            number % 5
        );
    }
    text
}

pub const MAIL: &str = "[mail]\nfrom = \"Acme <people@acme.eu>\"\ncontact = \"help@acme.eu\"\nper_minute = 0\nretry_seconds = [0]\n";

/// The page, running.
pub struct Page {
    running: Option<Running>,
    address: String,
}

impl Page {
    pub fn start(place: &Place) -> Page {
        let mut running = place.start(&["serve", "--listen", "127.0.0.1:0", "-p", "p.toml"]);
        for _ in 0..2000 {
            if let Some((_, rest)) = running.stdout().split_once("http://") {
                let address = rest.split('/').next().unwrap().to_string();
                return Page {
                    running: Some(running),
                    address,
                };
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the page doesn't start: {:?}", running.kill());
    }

    /// Status and whole answer.
    fn ask(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer[9..12].parse().unwrap(), answer)
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        let host = &self.address;
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        ))
    }

    /// Opens the form at `path` and sends it back with `fields`.
    pub fn submit(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let (_, form) = self.get(path);
        let cookie = form
            .lines()
            .find_map(|line| {
                line.to_lowercase().starts_with("set-cookie:").then(|| {
                    line["set-cookie:".len()..]
                        .trim()
                        .split(';')
                        .next()
                        .unwrap()
                        .to_string()
                })
            })
            .unwrap_or_default();
        let hidden = form
            .split("<input")
            .filter(|input| input.contains("hidden"))
            .map(|input| (attribute(input, "name"), attribute(input, "value")));
        let mut body = String::new();
        let given = fields
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        for (name, value) in hidden.chain(given) {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            let coded: String = value
                .bytes()
                .map(|byte| {
                    if plain(byte) {
                        (byte as char).to_string()
                    } else {
                        format!("%{byte:02X}")
                    }
                })
                .collect();
            let _ = write!(
                body,
                "{}{name}={coded}",
                if body.is_empty() { "" } else { "&" }
            );
        }
        let host = &self.address;
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {cookie}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        drop(self.running.take().map(Running::kill));
    }
}

fn attribute(input: &str, name: &str) -> String {
    let start = format!("{name}=\"");
    let (_, rest) = input.split_once(&start).unwrap_or(("", ""));
    rest.split('"').next().unwrap_or_default().to_string()
}

/// The path of a link: what comes after the host.
pub fn path_of(link: &str) -> String {
    let (_, rest) = link.split_once("://").unwrap();
    rest[rest.find('/').unwrap()..].to_string()
}

pub const PASSWORD: &str = "correct horse battery staple 7";

#[test]
fn people_are_chosen_written_to_and_get_in() {
    let place = Place::with(&people(6), MAIL);
    let preview = place.good(&["invite", "last"]);
    assert!(
        preview.contains("names 6 people: 6 invitations to send"),
        "{preview}"
    );
    assert!(
        preview.contains("ann0@firm0.eu") && preview.contains("nothing was sent"),
        "{preview}"
    );
    assert_eq!((place.outbox().len(), place.states().len()), (0, 0));

    place.good(&[
        "invite",
        "last",
        "--only",
        "group:sales",
        "--except",
        "ann4@firm4.eu",
        "--send",
    ]);
    assert_eq!(place.outbox().len(), 2);
    place.good(&["invite", "last", "--only", "row:3", "--send"]);
    assert_eq!(place.outbox().len(), 3, "the person in line 3 is ann1");
    place.good(&["suppress", "ann5@firm0.eu", "--reason", "asked for it"]);
    let reported: Value =
        serde_json::from_str(&place.good(&["invite", "last", "--send", "--json"])).unwrap();
    assert_eq!(reported["sent"]["sent"], 2, "{reported}");
    assert_eq!(reported["left_out"]["already_invited"], 3, "{reported}");
    assert_eq!(reported["left_out"]["suppressed"], 1, "{reported}");

    let page = Page::start(&place);
    let link = place.link("ann0@firm0.eu");
    let path = path_of(&link);
    for _ in 0..20 {
        assert_eq!(page.get(&path).0, 200, "looking uses nothing up");
    }
    let fields = [
        ("first_name", "Anna"),
        ("last_name", "Null"),
        ("password", PASSWORD),
    ];
    let (status, answer) = page.submit(&path, &fields);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(place.status("ann0@firm0.eu"), "active");
    assert_eq!(page.get(&path).0, 404, "a link works once");

    place.good(&[
        "invitations",
        "cancel",
        "ann2@firm2.eu",
        "--remove-accounts",
    ]);
    assert_eq!(place.status_count("ann2@firm2.eu"), 0);
    place.good(&["invitations", "cancel", "ann1@firm1.eu"]);
    assert_eq!(page.get(&path_of(&place.link("ann1@firm1.eu"))).0, 404);
    let list: Value =
        serde_json::from_str(&place.good(&["invitations", "list", "--json"])).unwrap();
    assert_eq!(list["funnel"]["accepted"], 1, "{list}");
    assert_eq!(
        list["funnel"]["invited"], 4,
        "a removed account is in no step: {list}"
    );
    assert_eq!(list["funnel"]["cancelled"], 1, "{list}");
    let shown = place.good(&["show", "last", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["invitations"], list["funnel"]);
    no_secret_is_stored(&place, &[PASSWORD]);
}

impl Place {
    fn status_count(&self, email: &str) -> u64 {
        let sql = format!("SELECT count(*) FROM muster.accounts WHERE email = '{email}'");
        support::query_one(&self.url, &sql).parse().unwrap()
    }
}

/// Looks through every table for the tokens of all mails, and for `secrets`.
fn no_secret_is_stored(place: &Place, secrets: &[&str]) {
    let tables = support::query(
        &place.url,
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'muster'",
    );
    let mut dump = String::new();
    for table in tables {
        let name = table[0].clone().unwrap();
        let sql = format!("SELECT to_jsonb(t)::text FROM muster.{name} t");
        for row in support::query(&place.url, &sql) {
            dump.push_str(row[0].as_deref().unwrap_or_default());
        }
    }
    assert!(
        dump.contains("ann0@firm0.eu"),
        "the dump shows what there is"
    );
    let mut wanted: Vec<String> = secrets.iter().map(|secret| secret.to_string()).collect();
    for bytes in place.outbox() {
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        let text = parsed.body_text(0).unwrap().into_owned();
        if let Some(start) = text.find("http") {
            let link = text[start..].split_whitespace().next().unwrap();
            wanted.push(link.rsplit('/').next().unwrap().to_string());
        }
    }
    for secret in wanted {
        assert!(!dump.contains(&secret), "the database holds {secret}");
    }
}

#[test]
fn a_run_again_invites_nobody_twice() {
    let place = Place::with(&people(4), MAIL);
    place.good(&["invite", "last", "--only", "group:sales", "--send"]);
    place.good(&["import", "people.csv", "-p", "p.toml"]);
    let reported: Value =
        serde_json::from_str(&place.good(&["invite", "last", "--send", "--json"])).unwrap();
    assert_eq!(
        reported["sent"]["sent"], 2,
        "those who had none yet: {reported}"
    );
    assert_eq!(reported["left_out"]["already_invited"], 2, "{reported}");
    let reported: Value =
        serde_json::from_str(&place.good(&["invite", "last", "--send", "--json"])).unwrap();
    assert_eq!(reported["chosen"], 0, "{reported}");
    assert_eq!(place.outbox().len(), 4);
    support::query(&place.url, "UPDATE muster.accounts SET status = 'active'");
    place.good(&["import", "people.csv", "-p", "p.toml"]);
    let reported: Value =
        serde_json::from_str(&place.good(&["invite", "last", "--send", "--json"])).unwrap();
    assert_eq!(reported["left_out"]["already_active"], 4, "{reported}");
    let reported: Value =
        serde_json::from_str(&place.good(&["reset", "last", "--send", "--json"])).unwrap();
    assert_eq!(reported["left_out"]["existed_before"], 4, "{reported}");
    assert_eq!(place.outbox().len(), 4);
}

#[test]
fn links_end_when_they_are_renewed_outdated_or_over() {
    let place = Place::with(&people(5), MAIL);
    place.good(&["invite", "last", "--send"]);
    let page = Page::start(&place);
    let paths: Vec<String> = (0..5)
        .map(|number| path_of(&place.link(&format!("ann{number}@firm{number}.eu"))))
        .collect();
    let dead = page.get("/0123456789abcdefghijABCDEFGHIJ0123456789abc");
    assert_eq!(dead.0, 404);
    // Renewed.
    place.good(&["invitations", "resend", "ann0@firm0.eu", "--send"]);
    // Over, by the database's clock.
    let sql = "UPDATE muster.invitations SET expires_at = now() - interval '1 second' WHERE email = 'ann1@firm1.eu'";
    support::query(&place.url, sql);
    // Outdated: another address, another status.
    let sql = "UPDATE muster.accounts SET email = 'x@firm.eu', email_key = 'x@firm.eu' WHERE email = 'ann2@firm2.eu'";
    support::query(&place.url, sql);
    support::query(
        &place.url,
        "UPDATE muster.accounts SET status = 'deactivated' WHERE email = 'ann3@firm3.eu'",
    );
    let body = |answer: &str| answer.split_once("\r\n\r\n").unwrap().1.to_string();
    for path in &paths[..4] {
        let answer = page.get(path);
        assert_eq!((answer.0, body(&answer.1)), (404, body(&dead.1)));
    }
    assert_eq!(page.get(&paths[4]).0, 200);
    // A link in person takes the place of the one in the mail.
    let link = place.good(&["invitations", "link", "ann4@firm4.eu"]);
    assert_eq!(page.get(&paths[4]).0, 404);
    assert_eq!(page.get(&path_of(link.trim())).0, 200);
    place.good(&["invitations", "expire", "ann4@firm4.eu"]);
    assert_eq!(page.get(&path_of(link.trim())).0, 404);
    // What is over may be sent again.
    let reported: Value =
        serde_json::from_str(&place.good(&["invite", "last", "--send", "--json"])).unwrap();
    assert_eq!(
        reported["sent"]["sent"], 3,
        "ann1, ann4, and x at the new address: {reported}"
    );
}

#[test]
fn a_reset_sets_a_password_and_says_so() {
    let place = Place::with(
        &people(2),
        &format!("[accounts]\nonboarding = \"setup\"\n{MAIL}"),
    );
    assert_eq!(place.status("ann0@firm0.eu"), "active");
    let reported: Value =
        serde_json::from_str(&place.good(&["invite", "last", "--send", "--json"])).unwrap();
    assert_eq!(reported["left_out"]["already_active"], 2, "{reported}");
    place.good(&["reset", "last", "--send"]);
    let page = Page::start(&place);
    let path = path_of(&place.link("ann0@firm0.eu"));
    for weak in [
        "short",
        "aaaaaaaaaaaaaaaaaaaa",
        "ann0@firm0.eu ann0@firm0.eu",
    ] {
        let (status, answer) = page.submit(&path, &[("password", weak)]);
        assert_ne!(status, 404, "{answer}");
        assert!(!answer.contains(&format!("value=\"{weak}")), "{answer}");
    }
    assert_eq!(
        support::query_one(&place.url, "SELECT count(*) FROM muster.credentials"),
        "0"
    );
    assert_eq!(page.submit(&path, &[("password", PASSWORD)]).0, 200);
    let hash = support::query_one(&place.url, "SELECT password_hash FROM muster.credentials");
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    no_secret_is_stored(&place, &[PASSWORD]);
    for _ in 0..1000 {
        if place.outbox().len() == 3 {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("no notice was sent");
}

#[test]
fn temporary_passwords_are_only_mailed_where_the_pipeline_says_so() {
    let setup = format!("[accounts]\nonboarding = \"setup\"\n{MAIL}");
    let place = Place::with(&people(2), &setup);
    let refused = place.run(&["reset", "last", "--temporary-password", "--send"]);
    assert_eq!(refused.exit, 2, "{refused:?}");
    assert!(refused.stderr.contains("mail.settings"), "{refused:?}");
    place.write(
        "p.toml",
        &format!("name = \"test\"\n{setup}temporary_passwords = true\n"),
    );
    let sent = place.run(&["reset", "last", "--temporary-password", "--send"]);
    assert!(
        sent.exit == 0 && sent.stderr.contains("can't be recalled"),
        "{sent:?}"
    );
    let sql = "SELECT count(*) FROM muster.credentials WHERE must_change AND expires_at > now() AND password_hash LIKE '$argon2id$%'";
    assert_eq!(support::query_one(&place.url, sql), "2");
    assert!(!sent.stdout.contains("argon2"), "{sent:?}");
    // What ends the mail, ends the password; and one that somebody chose stays.
    place.good(&["invitations", "cancel", "ann0@firm0.eu"]);
    assert_eq!(support::query_one(&place.url, sql), "1");
    place.good(&["invitations", "link", "ann1@firm1.eu"]);
    assert_eq!(support::query_one(&place.url, sql), "0");
    // Sent again, it is allowed only where it was, and it is one mail.
    let resend = ["invitations", "resend", "ann0@firm0.eu", "--send"];
    let mails = place.outbox().len();
    let redone = place.run(&resend);
    assert!(
        redone.exit == 0 && redone.stderr.contains("can't be recalled"),
        "{redone:?}"
    );
    assert_eq!(place.outbox().len(), mails + 1);
    assert_eq!(support::query_one(&place.url, sql), "1");
    place.good(&["invitations", "expire", "ann0@firm0.eu"]);
    assert_eq!(support::query_one(&place.url, sql), "0");
    place.write("p.toml", &format!("name = \"test\"\n{setup}"));
    let refused = place.run(&resend);
    assert!(
        refused.exit == 2 && refused.stderr.contains("temporary passwords"),
        "{refused:?}"
    );
}

#[test]
fn a_link_in_person_changes_nothing_of_how_mails_go_out() {
    let mailbox = Mailbox::start(|_| Verdict::Take);
    let server = mailbox.url();
    let place = Place::with(
        &people(2),
        &format!("{MAIL}smtp = \"{server}\"\nlink_base = \"https://join.acme.eu/\"\n"),
    );
    place.good(&["invite", "last", "--send"]);
    let link = place.good(&["invitations", "link", "ann0@firm0.eu"]);
    assert!(link.starts_with("https://join.acme.eu/"), "{link}");
    let preview = place.good(&["invitations", "resend", "ann0@firm0.eu"]);
    assert!(
        preview.contains("people@acme.eu") && preview.contains("nothing was sent"),
        "{preview}"
    );
    place.good(&["invitations", "resend", "--run", "last", "--send"]);
    assert_eq!((mailbox.kept().len(), place.outbox().len()), (4, 0));
    let sent_again = mailbox.kept().into_iter().skip(2);
    for mail in sent_again {
        assert!(mail.link().starts_with("https://join.acme.eu/"));
    }
}

#[test]
fn a_page_of_ones_own_hands_over_hashes_and_nothing_else() {
    let place = Place::with(&people(1), MAIL);
    place.good(&["invite", "last", "--send"]);
    let link = place.link("ann0@firm0.eu");
    let token = path_of(&link).trim_start_matches('/').to_string();
    let accept = |hash: &str| {
        format!(
            "SELECT muster.accept_invitation(sha256(convert_to('{token}', 'UTF8')), '{hash}', E'  A\\r\\nnn\\u202e', repeat('L', 10000))"
        )
    };
    for wrong in ["hunter2hunter2", "$argon2id$", "$argon2id$x", "$2b$10$abc"] {
        let sql = format!(
            "DO $do$ BEGIN PERFORM * FROM ({}) x; EXCEPTION WHEN invalid_parameter_value THEN RETURN; END $do$",
            accept(wrong)
        );
        support::query(&place.url, &sql);
        assert_eq!(place.status("ann0@firm0.eu"), "invited", "{wrong}");
    }
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
    support::query(&place.url, &accept(hash));
    let name = "SELECT first_name || length(last_name) FROM muster.accounts";
    assert_eq!(support::query_one(&place.url, name), "A nn255");
}

#[test]
fn every_fault_of_a_mail_server_ends_in_the_right_state() {
    let mailbox = Mailbox::start(|to| match to.split('@').next().unwrap() {
        "ann0" => Verdict::Refuse,
        "ann1" => Verdict::PutOffOnce,
        "ann2" => Verdict::PutOffAfterOnce,
        "ann3" => Verdict::GoAwayOnce,
        "ann4" => Verdict::CutInData,
        "ann5" => Verdict::CutAfterDot,
        "ann6" => Verdict::Slow,
        _ => Verdict::Take,
    });
    let place = Place::with(&people(20), MAIL).by(&mailbox);
    let sent = place.run(&["invite", "last", "--send", "--json"]);
    assert_eq!(sent.exit, 1, "{sent:?}");
    let states = BTreeMap::from(
        [("failed", 1), ("sent", 17), ("unknown", 2)]
            .map(|(state, count)| (state.to_string(), count)),
    );
    assert_eq!(place.states(), states, "{sent:?}");
    let copies = mailbox.copies();
    assert!(copies.values().all(|copies| *copies == 1), "{copies:?}");
    assert_eq!(
        copies.len(),
        18,
        "all but the refused one and the one cut in its content"
    );
    assert!(!copies.contains_key("ann0@firm0.eu") && !copies.contains_key("ann4@firm4.eu"));
    let reply = support::query_one(
        &place.url,
        "SELECT reply FROM muster.invitations WHERE state = 'failed'",
    );
    assert!(reply.contains("nobody of that name"), "{reply}");
    // Nothing goes out again by itself.
    place.run(&["invite", "last", "--send"]);
    assert_eq!(mailbox.kept().len(), 18);
    // What may have arrived works.
    let kept = mailbox.kept();
    let unclear = kept
        .iter()
        .find(|kept| kept.only() == "ann5@firm0.eu")
        .unwrap();
    let page = Page::start(&place);
    assert_eq!(page.get(&path_of(&unclear.link())).0, 200);
}

#[test]
fn killed_senders_and_two_at_once_never_write_twice() {
    let mailbox = Mailbox::start(|_| Verdict::Take);
    let place = Place::with(&people(1000), MAIL).by(&mailbox);
    for kill in 0..8 {
        let running = place.start(&["invite", "last", "--send"]);
        let wanted = (kill + 1) * 90;
        for _ in 0..2000 {
            if mailbox.kept().len() >= wanted {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        running.kill();
    }
    let two = [
        place.start(&["invite", "last", "--send"]),
        place.start(&["invite", "last", "--send"]),
    ];
    for running in two {
        let finished = running.finish();
        assert!([0, 1, 4].contains(&finished.exit), "{finished:?}");
    }
    let finished = place.run(&["invite", "last", "--send", "--json"]);
    let states = place.states();
    let unknown = states.get("unknown").copied().unwrap_or(0);
    assert_eq!(
        states.get("sent").copied().unwrap_or(0) + unknown,
        1000,
        "{states:?}\n{finished:?}"
    );
    assert!(unknown <= 8 * 2, "at most what was in flight: {states:?}");
    let copies = mailbox.copies();
    assert!(
        copies.values().all(|copies| *copies == 1),
        "somebody has two"
    );
    assert!(copies.len() as u64 >= 1000 - unknown);
    if unknown > 0 {
        place.good(&["invitations", "resend", "--state", "unknown", "--send"]);
    }
    let copies = mailbox.copies();
    assert_eq!(copies.len(), 1000, "everybody has one");
    let doubles = copies.values().filter(|copies| **copies > 1).count() as u64;
    assert!(
        doubles <= unknown,
        "{doubles} have two, {unknown} were unknown"
    );
    let ids: std::collections::HashSet<String> =
        mailbox.kept().iter().map(|kept| kept.id()).collect();
    assert_eq!(
        ids.len(),
        mailbox.kept().len(),
        "a Message-ID is no one else's"
    );
}

#[test]
fn names_from_strangers_stay_names() {
    let long = "x".repeat(190);
    let mut text = "id,first name,last name,email\n".to_string();
    let names = [
        "\"Ann, of\r\nBcc: evil@evil.eu\"",
        "\"\u{202e}Anna\u{202c}\"",
        "\"Ann \"\"the\"\" <b@evil.eu>, x\"",
        &long,
        "شیرین",
    ];
    for (number, name) in names.iter().enumerate() {
        let _ = writeln!(text, "{number},{name},Smith,ann{number}@firm.eu");
    }
    let place = Place::with(&text, MAIL);
    // What a file can't bring in, another program may have written.
    let sql = "UPDATE muster.accounts SET display_name = repeat('y', 10000) || chr(13) || chr(10) || 'Bcc: evil@evil.eu' WHERE email = 'ann0@firm.eu'";
    support::query(&place.url, sql);
    place.good(&["invite", "last", "--send"]);
    let mails = place.outbox();
    assert_eq!(mails.len(), names.len());
    for bytes in mails {
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        let to = parsed.to().unwrap();
        assert_eq!(to.clone().into_list().len(), 1, "{to:?}");
        assert!(to.first().unwrap().address().unwrap().ends_with("@firm.eu"));
        assert!(parsed.cc().is_none() && parsed.bcc().is_none());
        assert!(
            bytes
                .split(|byte| *byte == b'\n')
                .all(|line| line.len() <= 998)
        );
    }
}

#[test]
fn a_few_people_are_added_without_a_file() {
    let place = Place::with(&people(1), MAIL);
    let added = place.run(&[
        "add",
        "Bea Lee <bea@firm.eu>, cem@firm.eu",
        "nonsense",
        "--groups",
        "Sales/EMEA",
        "--role",
        "user",
        "--organization",
        "Acme",
        "-p",
        "p.toml",
        "--json",
    ]);
    assert_eq!(added.exit, 1, "{added:?}");
    let counts = added.counts();
    assert_eq!((counts.read, counts.created, counts.rejected), (3, 2, 1));
    let reported: Value = serde_json::from_str(&place.good(&["invite", "last", "--json"])).unwrap();
    assert_eq!(reported["chosen"], 2, "{reported}");
    let again = place.run(&["add", "dan@firm.eu", "--invite", "-p", "p.toml"]);
    assert_eq!(again.exit, 0, "{again:?}");
    assert_eq!(place.outbox().len(), 1);
    let active = place.run(&[
        "add",
        "eve@firm.eu",
        "--onboarding",
        "setup",
        "-p",
        "p.toml",
    ]);
    assert_eq!(active.exit, 0, "{active:?}");
    assert_eq!(place.status("eve@firm.eu"), "active");
}

#[test]
fn the_administrator_hears_of_a_run() {
    let place = Place::with(&people(3), &format!("{MAIL}admin = \"boss@acme.eu\"\n"));
    let bad = "id,first name,last name,email\n8,Ann,Bad,no address\n";
    place.write("bad.csv", bad);
    assert_eq!(place.run(&["import", "bad.csv", "-p", "p.toml"]).exit, 1);
    let preview = place.good(&["report", "last"]);
    assert!(
        preview.contains("boss@acme.eu") && preview.contains("corrections.csv"),
        "{preview}"
    );
    assert!(place.outbox().is_empty());
    place.good(&["report", "last", "--send"]);
    let mails = place.outbox();
    let parsed = MessageParser::default().parse(&mails[0]).unwrap();
    assert_eq!(parsed.attachment_count(), 1);
    let attached = parsed.attachment(0).unwrap().contents();
    assert!(String::from_utf8_lossy(attached).contains("no address"));
    place.good(&["suppress", "boss@acme.eu"]);
    for (arguments, word) in [
        (&["report", "last", "--send"][..], "suppressed"),
        (&["report", "last", "--to", "boss"], "not an e-mail address"),
        (&["report", "last", "--to", "a@example.com"], "reserved"),
    ] {
        let refused = place.run(arguments);
        assert!(
            refused.exit == 2 && refused.stderr.contains(word),
            "{refused:?}"
        );
    }
    assert_eq!(place.outbox().len(), 1);
}

#[test]
fn what_cannot_be_sent_is_said_before_anything_is() {
    let place = Place::with(&people(1), MAIL);
    place.write("empty.txt", "\n");
    let table: &[(&[&str], &str)] = &[
        (&["invite", "nonsense"], "run.unknown"),
        (
            &["invite", "last", "--only", "nobody@firm.eu"],
            "selection.unknown",
        ),
        (
            &["invite", "last", "--except", "group:Slaes"],
            "selection.unknown",
        ),
        (&["invite", "last", "--only", "Sales"], "selection.unknown"),
        // A list that is empty by mistake must never mean everybody.
        (&["invite", "last", "--only", "@empty.txt"], "usage.invalid"),
        (&["invite", "last", "--only", "", "--send"], "usage.invalid"),
        (&["suppress", "@empty.txt"], "usage.invalid"),
        (
            &["invite", "last", "--message-file", "none.txt"],
            "usage.invalid",
        ),
        (
            &["invite", "last", "--preview", "x@firm.eu"],
            "selection.unknown",
        ),
        (
            &["invitations", "cancel", "ann0@firm0.eu"],
            "invitation.none",
        ),
        (&["invitations", "cancel"], "usage.invalid"),
        (&["invitations", "link", "x@firm.eu"], "invitation.none"),
        (&["report", "last"], "mail.settings"),
    ];
    for (arguments, code) in table {
        let refused = place.run(arguments);
        assert_eq!(refused.exit, 2, "{arguments:?} {refused:?}");
        assert!(refused.stderr.contains(code), "{arguments:?} {refused:?}");
    }
    assert!(place.outbox().is_empty() && place.states().is_empty());
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut place = place;
    for (server, code) in [
        (format!("smtp+plain://{closed}"), "mail.server"),
        (
            "smtp://user:secret@mail.acme.eu".to_string(),
            "mail.settings",
        ),
        ("smtp+plain://mail.acme.eu:25".to_string(), "mail.settings"),
    ] {
        place.environment = vec![("MUSTER_SMTP".to_string(), server)];
        let refused = place.run(&["invite", "last", "--send"]);
        assert!(refused.exit == 2 || refused.exit == 4, "{refused:?}");
        assert!(refused.stderr.contains(code), "{refused:?}");
        assert!(!refused.stderr.contains("secret"), "{refused:?}");
    }
    // Nothing is lost: a server that works gets it.
    let mailbox = Mailbox::start(|_| Verdict::Take);
    place.environment.clear();
    let place = place.by(&mailbox);
    place.good(&["invite", "last", "--send"]);
    assert_eq!(mailbox.kept().len(), 1);
    // What went by a server doesn't go to a folder next time.
    let mut place = place;
    place.environment.clear();
    let refused = place.run(&["invitations", "resend", "ann0@firm0.eu", "--send"]);
    assert!(
        refused.exit == 2 && refused.stderr.contains("mail.settings"),
        "{refused:?}"
    );
    assert!(place.outbox().is_empty());
}

#[test]
fn too_many_refusals_stop_the_rest() {
    let mailbox = Mailbox::start(|to| {
        if to.ends_with("@firm0.eu") {
            Verdict::Refuse
        } else {
            Verdict::Take
        }
    });
    let place = Place::with(&people(200), MAIL).by(&mailbox);
    let stopped = place.run(&["invite", "last", "--send"]);
    assert_eq!(stopped.exit, 3, "{stopped:?}");
    assert!(stopped.stderr.contains("mail.refused"), "{stopped:?}");
    assert!(mailbox.kept().len() < 100, "{}", mailbox.kept().len());
    assert!(place.states()["queued"] > 80);
}

#[test]
fn sending_a_run_again_leaves_out_who_was_cancelled_or_must_not_be_mailed() {
    let place = Place::with(&people(4), MAIL);
    place.good(&["invite", "last", "--send"]);
    place.good(&["invitations", "cancel", "ann0@firm0.eu"]);
    place.good(&["suppress", "ann1@firm1.eu"]);
    let resent = place.run(&["invitations", "resend", "--run", "last", "--send"]);
    assert!(
        resent.exit == 0 && resent.stderr.contains("1 left out"),
        "{resent:?}"
    );
    let states = BTreeMap::from([("cancelled".to_string(), 1), ("sent".to_string(), 3)]);
    assert_eq!((place.outbox().len(), place.states()), (6, states));
    let sql =
        "SELECT count(*) FROM muster.invitations WHERE token_sha256 IS NOT NULL AND resends = 0";
    assert_eq!(
        support::query_one(&place.url, sql),
        "1",
        "the link that is out goes on"
    );
    place.good(&["invitations", "resend", "ann0@firm0.eu", "--send"]);
    assert_eq!(place.outbox().len(), 7);
}

#[test]
fn a_cancelled_invitation_gets_no_link_by_accident() {
    let place = Place::with(&people(2), MAIL);
    place.good(&["invite", "last", "--send"]);
    place.good(&["invitations", "cancel", "ann0@firm0.eu"]);
    let refused = place.run(&["invitations", "link", "ann0@firm0.eu"]);
    assert_eq!(refused.exit, 2, "{refused:?}");
    assert!(refused.stderr.contains("was cancelled"), "{refused:?}");
    assert_eq!(place.states()["cancelled"], 1);
    place.good(&["invitations", "link", "ann1@firm1.eu"]);
    place.good(&["invitations", "link", "ann0@firm0.eu", "--again"]);
    place.good(&["invitations", "link", "ann0@firm0.eu"]);
}

#[test]
fn a_list_names_accounts_and_invitations_by_their_ids() {
    let place = Place::with(&people(3), MAIL);
    let id = |sql: &str| support::query_one(&place.url, sql);
    let account = id("SELECT id FROM muster.accounts WHERE email = 'ann1@firm1.eu'");
    place.write("some.txt", &format!("id:{account}\n"));
    place.good(&["invite", "last", "--only", "@some.txt", "--send"]);
    assert_eq!(place.states()["sent"], 1);
    let nobody = [
        "invite",
        "last",
        "--only",
        "id:00000000-0000-4000-8000-000000000000",
    ];
    assert_eq!(place.run(&nobody).exit, 2);
    place.good(&["invite", "last", "--except", "@some.txt", "--send"]);
    assert_eq!(place.states()["sent"], 3);
    let invitation = id("SELECT id FROM muster.invitations WHERE email = 'ann2@firm2.eu'");
    place.write("some.txt", &format!("id:{invitation}\n"));
    place.good(&["invitations", "cancel", "@some.txt"]);
    let left = "SELECT string_agg(email, ' ') FROM muster.invitations WHERE state = 'cancelled'";
    assert_eq!(id(left), "ann2@firm2.eu");
}

#[test]
fn in_quiet_hours_mails_wait() {
    let mailbox = Mailbox::start(|_| Verdict::Take);
    let quiet = "quiet_hours = \"00:00-23:59\"\ntime_zone = \"UTC\"\n";
    let place = Place::with(&people(3), &format!("{MAIL}{quiet}")).by(&mailbox);
    let waiting = place.run(&["invite", "last", "--send"]);
    assert_eq!(waiting.exit, 4, "{waiting:?}");
    assert!(waiting.stderr.contains("quiet hours"), "{waiting:?}");
    assert_eq!((mailbox.kept().len(), place.states()["queued"]), (0, 3));
    place.write("p.toml", &format!("name = \"test\"\n{MAIL}"));
    place.good(&["invite", "last", "--send"]);
    assert_eq!(mailbox.kept().len(), 3);
}
