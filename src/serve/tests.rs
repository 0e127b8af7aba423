//! The page over a plain socket, against a database of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::connection::HEAD_TIME;
use super::{Serving, serve};
use crate::definition::Mail;
use crate::invitation::Kind;
use crate::notify::token::Token;
use crate::refusal::Result;
use crate::store::connect::{Connection, Target};
use crate::store::scratch::Home;

const GOOD: &str = "correct+tulip+wagon+ledger";

/// A served page, its database, and a connection to that.
struct Site {
    address: SocketAddr,
    accepted: Receiver<(Uuid, Kind)>,
    client: AtomicU64,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
    database: Mutex<(Runtime, Option<Connection>)>,
    home: Home,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn cookie(&self) -> String {
        let cookie = self.header("set-cookie").unwrap();
        cookie.split(';').next().unwrap().to_string()
    }

    fn secret(&self) -> &str {
        let (_, behind) = self.body.split_once("name=\"form\" value=\"").unwrap();
        behind.split('"').next().unwrap()
    }

    /// All of it but the time of day.
    fn lasting(&self) -> (String, &str) {
        let lines = self.head.lines().filter(|line| !line.starts_with("date"));
        (lines.collect::<Vec<_>>().join("\n"), &self.body)
    }
}

impl Site {
    fn open(mail: Mail) -> Site {
        let home = Home::new("home");
        home.local.start().unwrap();
        let target = Target::find(Some(&home.local.url()), home.folder()).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (reported, accepted) = channel();
        let reported = Mutex::new(reported);
        let serving = Serving {
            listen: "127.0.0.1:0".parse().unwrap(),
            mail,
            behind_proxy: true,
            on_accepted: Some(Arc::new(move |account, kind| {
                reported.lock().unwrap().send((account, kind)).unwrap();
            })),
        };
        let (ready, address) = channel();
        let ends = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            serve(target, &serving, ends, |address| {
                ready.send(address).unwrap();
            })
        });
        let address = address.recv_timeout(Duration::from_mins(1)).unwrap();
        let site = Site {
            address,
            accepted,
            client: AtomicU64::new(0),
            stop,
            thread: Some(thread),
            database: Mutex::new((Runtime::new().unwrap(), None)),
            home,
        };
        site.connect();
        site
    }

    fn connect(&self) {
        let mut database = self.database.lock().unwrap();
        let target = Target::Local(self.home.local.clone());
        database.1 = Some(database.0.block_on(target.connect()).unwrap());
    }

    fn sql(&self, sql: &str) {
        let database = self.database.lock().unwrap();
        let client = &database.1.as_ref().unwrap().client;
        database.0.block_on(client.batch_execute(sql)).unwrap();
    }

    fn text(&self, sql: &str) -> String {
        let database = self.database.lock().unwrap();
        let client = &database.1.as_ref().unwrap().client;
        let row = database.0.block_on(client.query_one(sql, &[])).unwrap();
        row.get(0)
    }

    /// A link for a new account, in good order.
    fn invite(&self, name: &str, kind: &str) -> String {
        let token = Token::new().unwrap();
        let status = if kind == "invite" {
            "invited"
        } else {
            "active"
        };
        self.sql(&format!(
            "with account as (
                insert into muster.accounts (id, email, email_key, first_name, last_name, role, status)
                values (gen_random_uuid(), '{name}@a.example', '{name}@a.example', '{name}', 'Byron', 'user', '{status}')
                returning id, email
            )
            insert into muster.invitations
                (id, run_id, account_id, kind, email, email_key, state, token_sha256, expires_at, message_id)
            select gen_random_uuid(), 'run', id, '{kind}', email, email, 'sent', '\\x{}', now() + interval '1 day', 'm'
            from account",
            crate::text::hex(&token.sha256())
        ));
        token.text()
    }

    /// Sends `head` (a request line and headers) and `body` as they are, from a client of its own.
    fn send(&self, head: &str, body: &str) -> Answer {
        let client = self.client.fetch_add(1, Ordering::Relaxed);
        let forwarded = format!("10.{}.{}.1", client / 256, client % 256);
        self.send_as(&forwarded, head, body)
    }

    fn send_as(&self, client: &str, head: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let timeout = Some(Duration::from_secs(30));
        stream.set_read_timeout(timeout).unwrap();
        let request = format!(
            "{head}\r\nHost: {}\r\nX-Forwarded-For: 6.6.6.6, {client}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_string(),
            body: body.to_string(),
        }
    }

    fn get(&self, token: &str) -> Answer {
        self.send(&format!("GET /{token} HTTP/1.1"), "")
    }

    /// Sends a form with these headers besides its own.
    fn post(&self, token: &str, headers: &str, body: &str) -> Answer {
        let head = format!(
            "POST /{token} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded{headers}"
        );
        self.send(&head, body)
    }

    /// Sends the form of `page` as a browser would.
    fn submit(&self, token: &str, page: &Answer, fields: &str) -> Answer {
        let headers = format!(
            "\r\nCookie: {}\r\nOrigin: null\r\nSec-Fetch-Site: same-origin",
            page.cookie()
        );
        let body = format!("form={}&username=x&{fields}", page.secret());
        self.post(token, &headers, &body)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().unwrap().join();
        if !thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one visit from its beginning to its end"
)]
fn looking_changes_nothing_and_one_form_lets_in() {
    let site = Site::open(Mail::default());
    let token = site.invite("Ada", "invite");
    for _ in 0..100 {
        let page = site.get(&token);
        assert_eq!(page.status, 200);
        assert!(page.body.contains("value=\"Byron\"") && page.body.contains("Ada@a.example"));
        let head = site.send(&format!("HEAD /{token} HTTP/1.1"), "");
        assert_eq!((head.status, head.body.as_str()), (200, ""));
    }
    let page = site.get(&token);
    // What is wrong is next to its field; the names stay, the password doesn't.
    for (fields, problem) in [
        (
            "password=vKz8-qLw&first_name=Ad%C3%A9&last_name=B",
            "too short",
        ),
        (
            "password=AdaByronAdaByron&first_name=Ad%C3%A9&last_name=B",
            "has your name in it",
        ),
        (
            "password=qwertyuiopasdfghj&first_name=Ad%C3%A9&last_name=B",
            "too easy",
        ),
    ] {
        let again = site.submit(&token, &page, fields);
        assert_eq!(again.status, 422);
        assert!(again.body.contains(problem), "{}", again.body);
        assert!(again.body.contains("value=\"Adé\"") && again.body.contains("Error: "));
        assert!(
            again
                .body
                .contains(r#"aria-describedby="password-rules password-problem""#)
        );
        assert!(!again.body.contains(&fields[9..17]), "{}", again.body);
    }
    let nameless = format!("password={GOOD}&first_name=%E2%80%8B+&last_name=B");
    let again = site.submit(&token, &page, &nameless);
    assert_eq!(again.status, 422);
    assert!(
        again
            .body
            .contains(r#"aria-describedby="first_name-problem""#)
    );
    assert!(again.body.contains("type your password once more") && !again.body.contains("tulip"));

    let fields =
        format!("password={GOOD}+%F0%9F%A6%8A+u%CC%88&first_name=+Ad%C3%A9++M.&last_name=L");
    let done = site.submit(&token, &page, &fields);
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(done.body.contains("Your account is ready") && !done.body.contains("tulip"));
    let (account, kind) = site.accepted.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(kind, Kind::Invite);
    let sql = "select concat_ws('|', id, first_name, last_name, status) from muster.accounts";
    assert_eq!(site.text(sql), format!("{account}|Adé M.|L|active"));
    let phc = site.text("select password_hash from muster.credentials");
    let phc = PasswordHash::new(&phc).unwrap();
    let password = "correct tulip wagon ledger 🦊 ü";
    Argon2::default()
        .verify_password(password.as_bytes(), &phc)
        .unwrap();
    for dead in [site.get(&token), site.submit(&token, &page, &fields)] {
        assert_eq!(dead.status, 404);
    }
    assert!(site.accepted.try_recv().is_err());

    let token = site.invite("grace", "reset");
    let page = site.get(&token);
    assert!(page.body.contains("Choose a new password") && !page.body.contains("first_name"));
    // A reset doesn't rename anybody.
    let fields = format!("password={GOOD}&first_name=Mallory");
    assert_eq!(site.submit(&token, &page, &fields).status, 200);
    let (account, kind) = site.accepted.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(kind, Kind::Reset);
    let sql = format!("select first_name from muster.accounts where id = '{account}'");
    assert_eq!(site.text(&sql), "grace");
}

#[test]
fn links_that_are_worth_nothing_are_all_the_same() {
    let site = Site::open(Mail {
        link_base: Some("https://join.a.example/".to_string()),
        ..Mail::default()
    });
    let used = site.invite("used", "invite");
    let page = site.get(&used);
    let fields = format!("password={GOOD}&first_name=A&last_name=B");
    assert_eq!(site.submit(&used, &page, &fields).status, 200);
    let mut tokens = vec![
        String::from("x"),
        String::from("%ff/%00?a=b"),
        Token::new().unwrap().text(),
        used,
    ];
    for (name, harm) in [
        ("late", "update muster.invitations set expires_at = now()"),
        ("off", "update muster.invitations set state = 'cancelled'"),
        (
            "moved",
            "update muster.accounts set email = 'x', email_key = 'x' where first_name = 'moved'",
        ),
    ] {
        let token = site.invite(name, "invite");
        site.sql(harm);
        tokens.push(token);
    }
    for verb in ["GET", "POST"] {
        let answers: Vec<Answer> = tokens
            .iter()
            .map(|token| match verb {
                "GET" => site.get(token),
                _ => site.submit(token, &page, &fields),
            })
            .collect();
        for (token, answer) in tokens.iter().zip(&answers) {
            assert_eq!(answer.status, 404, "{verb} {token}");
            assert_eq!(answer.lasting(), answers[0].lasting(), "{verb} {token}");
            assert!(!answer.body.contains(token.as_str()) || token == "x");
        }
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("x-robots-tag", "noindex, nofollow"),
            ("cross-origin-opener-policy", "same-origin"),
            ("strict-transport-security", "max-age=31536000"),
            ("connection", "close"),
        ] {
            assert_eq!(answers[0].header(name), Some(value));
        }
        let policy = answers[0].header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(policy.ends_with("form-action 'self'; frame-ancestors 'none'; base-uri 'none'"));
        assert_eq!(answers[0].header("set-cookie"), None);
    }
    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-muster-form="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"));
    assert_eq!(site.get("").status, 200);
    assert!(site.get("robots.txt").body.contains("Disallow: /"));
    let put = site.send("PUT /x HTTP/1.1", "");
    assert_eq!(
        (put.status, put.header("allow")),
        (405, Some("GET, HEAD, POST"))
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "one case after the other")]
fn forms_from_elsewhere_too_many_and_too_slow_change_nothing() {
    let site = Site::open(Mail::default());
    let idle = TcpStream::connect(site.address).unwrap();
    let mut slow = TcpStream::connect(site.address).unwrap();
    let begun = Instant::now();
    let token = site.invite("ada", "invite");
    write!(
        slow,
        "POST /{token} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
    )
    .unwrap();
    write!(
        slow,
        "Content-Type: application/x-www-form-urlencoded\r\n\r\na="
    )
    .unwrap();

    let page = site.get(&token);
    let good = format!("\r\nCookie: {}", page.cookie());
    let other = format!("\r\nCookie: muster-form={}", Token::new().unwrap().text());
    let form = format!(
        "form={}&password={GOOD}&first_name=A&last_name=B",
        page.secret()
    );
    let bare = format!("password={GOOD}&first_name=A&last_name=B");
    for (headers, body, expected) in [
        (String::new(), &form, 403),
        (other, &form, 403),
        (good.clone(), &bare, 403),
        (format!("{good}\r\nSec-Fetch-Site: cross-site"), &form, 403),
        (format!("{good}\r\nSec-Fetch-Site: same-site"), &form, 403),
        (format!("{good}\r\nOrigin: http://evil.example"), &form, 403),
        (format!("{good}\r\nContent-Type: text/plain"), &form, 415),
        (
            good.clone(),
            &format!("{form}{}", "&a=b".repeat(5_000)),
            413,
        ),
        (good.clone(), &format!("{form}&password=twice"), 422),
    ] {
        let head = match headers.contains("Content-Type") {
            true => format!("POST /{token} HTTP/1.1{headers}"),
            false => format!(
                "POST /{token} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded{headers}"
            ),
        };
        let answer = site.send(&head, body);
        assert_eq!(answer.status, expected, "{headers}");
        assert!(!answer.body.contains("tulip") && !answer.body.contains(&token));
    }

    let mut wait = 0;
    let limited = (0..70).find(|_| {
        let answer = site.send_as("192.0.2.1", "GET / HTTP/1.1", "");
        if answer.status == 429 {
            wait = answer.header("retry-after").unwrap().parse().unwrap();
        }
        answer.status == 429
    });
    assert!(matches!(limited, Some(60..)), "{limited:?}");
    assert!((1..=2).contains(&wait), "{wait}");
    let one_prefix = (0..30).find(|_| {
        let guess = format!("{}{}", &token[..8], &Token::new().unwrap().text()[8..]);
        site.post(&guess, &good, &form).status == 429
    });
    assert!(one_prefix.is_some());
    assert_eq!(site.post(&token, &good, &form).status, 429);
    assert_eq!(site.text("select state from muster.invitations"), "sent");

    for mut stream in [idle, slow] {
        let timeout = Some(HEAD_TIME * 2);
        stream.set_read_timeout(timeout).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408 "),
            "{answer}"
        );
    }
    assert!(begun.elapsed() < HEAD_TIME * 2, "{:?}", begun.elapsed());
}

#[test]
fn while_the_database_is_away_the_page_says_so() {
    let site = Site::open(Mail::default());
    let token = site.invite("ada", "reset");
    let page = site.get(&token);
    site.home.local.stop().unwrap();
    let fields = format!("password={GOOD}");
    for away in [site.get(&token), site.submit(&token, &page, &fields)] {
        assert_eq!(away.status, 503);
        assert!(away.header("retry-after").is_some() && away.body.contains("try again later"));
    }
    site.home.local.start().unwrap();
    assert_eq!(site.submit(&token, &page, &fields).status, 200);
    site.connect();
    assert_eq!(
        site.text("select state from muster.invitations"),
        "accepted"
    );
}
