//! Who may do what: each address of the router for each role, signing in, and what is kept of a form.

use super::{Answer, Console, Visitor};
use crate::support::{query, query_one, repository};

const ROLES: [&str; 4] = ["reader", "operator", "approver", "owner"];
pub const PASSWORD: &str = "four lamps under green water";

/// Every address, with the least role that may use it. A new address needs a line here.
const EXPECTED: &[(&str, &str, &str)] = &[
    ("GET", "/sign-in", "nobody"),
    ("POST", "/sign-in", "nobody"),
    ("GET", "/password", "nobody"),
    ("POST", "/password", "nobody"),
    ("POST", "/confirm", "reader"),
    ("GET", "/", "reader"),
    ("POST", "/sign-out", "reader"),
    ("POST", "/values", "operator"),
    ("GET", "/settings", "reader"),
    ("POST", "/settings", "reader"),
    ("POST", "/settings/sessions/end", "reader"),
    ("POST", "/settings/approvals", "owner"),
    ("GET", "/settings/administrators", "owner"),
    ("POST", "/settings/administrators", "owner"),
    ("POST", "/settings/administrators/role", "owner"),
    ("POST", "/settings/administrators/link", "owner"),
    ("POST", "/settings/administrators/remove", "owner"),
    ("GET", "/settings/suppression", "operator"),
    ("POST", "/settings/suppression/add", "operator"),
    ("POST", "/settings/suppression/remove", "approver"),
    ("GET", "/audit", "approver"),
    ("GET", "/help", "reader"),
    ("GET", "/help/{page}", "reader"),
    ("GET", "/runs", "reader"),
    ("GET", "/runs/{run}", "reader"),
    ("GET", "/runs/{run}/rows", "reader"),
    ("GET", "/runs/{run}/changes", "reader"),
    ("GET", "/runs/{run}/files/{name}", "operator"),
    ("GET", "/runs/{run}/held", "reader"),
    ("POST", "/runs/{run}/held", "approver"),
    ("GET", "/runs/{run}/fix", "reader"),
    ("POST", "/runs/{run}/fix", "operator"),
    ("POST", "/runs/{run}/fix/leave-out", "operator"),
    ("POST", "/runs/{run}/fix/take-back", "operator"),
    ("POST", "/runs/{run}/fix/import", "operator"),
    ("GET", "/runs/{run}/decide", "reader"),
    ("POST", "/runs/{run}/decide", "operator"),
    ("GET", "/runs/{run}/undo", "approver"),
    ("POST", "/runs/{run}/undo/look", "approver"),
    ("POST", "/runs/{run}/undo", "approver"),
    ("GET", "/import", "operator"),
    ("POST", "/import", "operator"),
    ("GET", "/import/template", "reader"),
    ("GET", "/import/{upload}", "operator"),
    ("POST", "/import/{upload}/reading", "operator"),
    ("POST", "/import/{upload}/columns", "operator"),
    ("POST", "/import/{upload}/remove", "operator"),
    ("GET", "/import/{upload}/plan/{job}", "operator"),
    ("POST", "/import/{upload}/plan/{job}/allow", "approver"),
    ("POST", "/import/{upload}/plan/{job}/import", "operator"),
    ("GET", "/inbox", "operator"),
    ("GET", "/inbox/{mail}", "operator"),
    ("GET", "/inbox/{mail}/html", "operator"),
    ("GET", "/jobs/{job}", "reader"),
    ("GET", "/jobs/{job}/state", "reader"),
    ("GET", "/jobs/{job}/events", "reader"),
    ("POST", "/jobs/{job}/stop", "operator"),
    ("GET", "/people", "reader"),
    ("GET", "/people/export", "operator"),
    ("POST", "/people/select", "operator"),
    ("GET", "/people/selection/{selection}", "operator"),
    (
        "POST",
        "/people/selection/{selection}/leave-out",
        "operator",
    ),
    ("POST", "/people/selection/{selection}/take-in", "operator"),
    ("GET", "/people/selection/{selection}/preview", "operator"),
    ("POST", "/people/selection/{selection}/preview", "operator"),
    ("POST", "/people/selection/{selection}/apply", "operator"),
    ("GET", "/people/selection/{selection}/invite", "operator"),
    (
        "GET",
        "/people/selection/{selection}/invite/html",
        "operator",
    ),
    (
        "POST",
        "/people/selection/{selection}/invite/message",
        "operator",
    ),
    (
        "POST",
        "/people/selection/{selection}/invite/send",
        "operator",
    ),
    ("GET", "/people/selection/{selection}/reset", "operator"),
    (
        "GET",
        "/people/selection/{selection}/reset/html",
        "operator",
    ),
    (
        "POST",
        "/people/selection/{selection}/reset/message",
        "operator",
    ),
    (
        "POST",
        "/people/selection/{selection}/reset/send",
        "operator",
    ),
    ("GET", "/people/{person}", "reader"),
    ("GET", "/people/{person}/edit", "operator"),
    ("POST", "/people/{person}/edit", "operator"),
    ("POST", "/people/{person}/link", "operator"),
    ("GET", "/add", "operator"),
    ("POST", "/add/check", "operator"),
    ("POST", "/add", "operator"),
    ("GET", "/groups", "reader"),
    ("POST", "/groups/create", "operator"),
    ("GET", "/groups/{group}", "reader"),
    ("POST", "/groups/{group}/rename", "operator"),
    ("POST", "/groups/{group}/visibility", "operator"),
    ("POST", "/groups/{group}/remove", "approver"),
    ("GET", "/invitations", "reader"),
    ("POST", "/invitations/select", "operator"),
    ("GET", "/invitations/selection/{selection}", "operator"),
    (
        "POST",
        "/invitations/selection/{selection}/leave-out",
        "operator",
    ),
    (
        "POST",
        "/invitations/selection/{selection}/take-in",
        "operator",
    ),
    (
        "POST",
        "/invitations/selection/{selection}/remind",
        "operator",
    ),
    (
        "POST",
        "/invitations/selection/{selection}/cancel",
        "operator",
    ),
    (
        "POST",
        "/invitations/selection/{selection}/cards",
        "operator",
    ),
    ("GET", "/runs/{run}/invite", "reader"),
    ("POST", "/runs/{run}/invite", "operator"),
    ("GET", "/runs/{run}/invite/{selection}", "operator"),
    ("GET", "/runs/{run}/invite/{selection}/html", "operator"),
    ("POST", "/runs/{run}/invite/{selection}/message", "operator"),
    ("POST", "/runs/{run}/invite/{selection}/send", "operator"),
    ("GET", "/runs/{run}/reset", "reader"),
    ("POST", "/runs/{run}/reset", "operator"),
    ("GET", "/runs/{run}/reset/{selection}", "operator"),
    ("GET", "/runs/{run}/reset/{selection}/html", "operator"),
    ("POST", "/runs/{run}/reset/{selection}/message", "operator"),
    ("POST", "/runs/{run}/reset/{selection}/send", "operator"),
    ("GET", "/settings/mails", "owner"),
    ("POST", "/settings/mails", "owner"),
    ("GET", "/mails", "reader"),
    ("GET", "/mails/{kind}", "reader"),
    ("POST", "/mails/{kind}/see", "owner"),
    ("POST", "/mails/{kind}/html", "owner"),
    ("POST", "/mails/{kind}/save", "owner"),
    ("POST", "/mails/{kind}/reset", "owner"),
    ("POST", "/mails/{kind}/send", "owner"),
];

/// The table of the router itself, by its source.
fn routes() -> Vec<(String, String)> {
    let source = std::fs::read_to_string(repository().join("src/console/routes.rs")).unwrap();
    let table = source.split("ROUTES: &[Route] = &[").nth(1).unwrap();
    let table = table.split("\n];").next().unwrap();
    let lines: Vec<&str> = table.lines().map(str::trim).collect();
    let mut routes = Vec::new();
    for entry in lines.join(" ").split("),") {
        let Some((kind, rest)) = entry.trim().split_once('(') else {
            continue;
        };
        let parts: Vec<&str> = rest.split(',').map(str::trim).collect();
        let (posts, path) = match kind {
            "page" => (false, parts[0]),
            "form" | "fresh" | "fresh_form" => (true, parts[0]),
            _ => (parts[0] == "true", parts[1]),
        };
        let path = if path == "SIGN_IN" {
            "/sign-in"
        } else {
            path.trim_matches('"')
        };
        let method = if posts { "POST" } else { "GET" };
        routes.push((method.to_string(), path.to_string()));
    }
    routes
}

impl Console {
    /// An administrator with a password, who is signed in.
    pub fn administrator(&self, name: &str, role: &str) -> Visitor<'_> {
        let place = format!("http://{}", self.address);
        let added = self.run(&["admins", "add", name, "--role", role, "--console", &place]);
        assert_eq!(added.exit, 0, "{}", added.stderr);
        let mut visitor = Visitor {
            console: self,
            cookie: String::new(),
        };
        let fields = [
            ("code", added.stdout.trim()),
            ("password", PASSWORD),
            ("repeated", PASSWORD),
        ];
        let answer = visitor.send("/password", &fields);
        assert_eq!(answer.status, 303, "{}", answer.body);
        visitor.keep_cookie(&answer);
        visitor
    }

    /// A browser that isn't signed in.
    pub fn outside(&self) -> Visitor<'_> {
        Visitor {
            console: self,
            cookie: String::new(),
        }
    }
}

#[test]
fn every_address_is_for_its_role_and_those_above() {
    let routes = routes();
    assert!(routes.len() > 20, "{routes:?}");
    for (method, path) in &routes {
        let is_known = EXPECTED
            .iter()
            .any(|known| known.0 == method && known.1 == path);
        assert!(is_known, "{method} {path} has no line in EXPECTED");
    }
    assert_eq!(
        routes.len(),
        EXPECTED.len(),
        "a line in EXPECTED is of no address"
    );
    let console = Console::start();
    let visitors: Vec<Visitor> = ROLES
        .iter()
        .map(|role| console.administrator(&format!("The {role}"), role))
        .collect();
    let outside = console.outside();
    for (method, path, least) in EXPECTED {
        let path: String = path.replace('{', "no-").replace('}', "");
        let ask = |visitor: &Visitor| match *method {
            "GET" => visitor.get(&path),
            _ => visitor.send(&path, &[("x", "1")]),
        };
        if *least != "nobody" {
            let answer = ask(&outside);
            let asks = answer.location().starts_with("/sign-in")
                || answer.body.contains("name=\"password\"");
            assert!(asks, "{method} {path}: {}\n{}", answer.head, answer.body);
        }
        let needed = ROLES.iter().position(|role| role == least).unwrap_or(0);
        // Signing out would end what the rest of the table needs; without its secret, it doesn't.
        for (number, visitor) in visitors.iter().enumerate() {
            let answer = ask(visitor);
            let forbids =
                answer.body.contains("Your role is") || answer.body.contains("your role doesn't");
            let label = format!("{method} {path} as {}: {}", ROLES[number], answer.head);
            assert_eq!(
                (answer.status, forbids),
                expected(&answer, number < needed),
                "{label}"
            );
            if *method == "POST" && number >= needed && *least != "nobody" {
                // Nothing is carried out without the secret of the session.
                let refuses = (400..500).contains(&answer.status);
                // A file is refused by a page of its own.
                assert!(refuses || answer.location().contains("problem="), "{label}");
            }
        }
    }
}

fn expected(answer: &Answer, is_forbidden: bool) -> (u16, bool) {
    match is_forbidden {
        true => (403, true),
        false => (answer.status, false),
    }
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one story: each step needs the ones before"
)]
fn a_name_and_a_password_sign_in_and_wrong_ones_are_limited() {
    let console = Console::start();
    let place = format!("http://{}", console.address);
    let added = console.run(&[
        "admins",
        "add",
        "Ann Ng",
        "--role",
        "owner",
        "--console",
        &place,
    ]);
    let link = added.stdout.trim();
    let outside = console.outside();
    let set = |password: &str, repeated: &str| {
        outside.send(
            "/password",
            &[
                ("code", link),
                ("password", password),
                ("repeated", repeated),
            ],
        )
    };
    for (password, repeated, problem) in [
        ("short", "short", "15 characters or more"),
        (
            "aaaaaaaaaaaaaaaaaaaa",
            "aaaaaaaaaaaaaaaaaaaa",
            "easy to guess",
        ),
        (PASSWORD, "something else entirely", "differ"),
        (
            "ng is short but ann isn't; Ann Ng it is",
            "ng is short but ann isn't; Ann Ng it is",
            "",
        ),
    ] {
        let answer = set(password, repeated);
        if !problem.is_empty() {
            assert_eq!(answer.status, 422, "{password}");
            assert!(answer.body.contains(problem), "{}", answer.body);
            assert!(!answer.body.contains(password) || password == "short");
        }
    }
    // The last one was taken; the link is used up.
    let dead = set(PASSWORD, PASSWORD);
    assert!(dead.body.contains("was used before"), "{}", dead.body);

    let password = "ng is short but ann isn't; Ann Ng it is";
    let sign_in = |name: &str, password: &str| {
        outside.send("/sign-in", &[("name", name), ("password", password)])
    };
    let mut ann = console.outside();
    let answer = sign_in("ann ng", password);
    assert_eq!((answer.status, answer.location()), (303, "/"));
    assert!(
        answer
            .header("set-cookie")
            .contains("HttpOnly; SameSite=Strict")
    );
    ann.keep_cookie(&answer);
    assert!(ann.page("/").contains("Ann Ng"));
    let hash = query_one(&console.url, "select password_hash from muster.admins");
    assert!(hash.starts_with("$argon2id$"), "{hash}");

    // An unknown name is answered like a wrong password.
    let unknown = sign_in("Nobody", "x");
    let wrong = sign_in("Ann Ng", "x");
    assert_eq!((unknown.status, wrong.status), (422, 422));
    let text = "don&#39;t belong together";
    let has = |answer: &Answer| {
        answer.body.contains(text) || answer.body.contains("don't belong together")
    };
    assert!(has(&unknown) && has(&wrong), "{}", wrong.body);
    let limited = (0..12)
        .map(|_| sign_in("Ann Ng", "x"))
        .find(|answer| answer.status == 429);
    let limited = limited.expect("attempts are limited");
    assert!(limited.header("retry-after").parse::<u32>().unwrap() > 0);
    // The right one is no better then, and a session that is there is no worse.
    assert_eq!(sign_in("Ann Ng", password).status, 429);
    assert_eq!(ann.get("/").status, 200);

    let actions = "select string_agg(distinct action, ', ' order by action) from muster.audit
        where who = 'console:Ann Ng'";
    assert_eq!(
        query_one(&console.url, actions),
        "set password, sign-in, sign-in refused"
    );
    // A new link doesn't end the session, but the password that it sets does, and so does removal.
    let bob = console.administrator("Bob", "owner");
    let page = bob.page("/settings/administrators");
    let id = query_one(
        &console.url,
        "select id from muster.admins where name = 'Ann Ng'",
    );
    let removed = bob.submit_from(&page, "/settings/administrators/remove", &[("admin", &id)]);
    assert_eq!(removed.status, 303, "{}", removed.body);
    assert_eq!(ann.get("/").status, 303);
}

#[test]
fn wrong_passwords_in_an_office_shut_out_nobody_else() {
    let console = Console::start();
    console.administrator("Ann", "owner");
    let bob = console.administrator("Bob", "owner");
    let outside = console.outside();
    let sign_in = |name: &str, password: &str| {
        outside.send("/sign-in", &[("name", name), ("password", password)])
    };
    // Ten wrong ones of each name, until the network has had enough.
    let wrong = (0..70).map(|number| sign_in(&format!("Guess {}", number / 10), "x").status);
    let limited = wrong.filter(|status| *status == 429).count();
    assert!(limited > 0, "a network is limited");
    assert_eq!(sign_in("Guess 6", "x").status, 429);
    // Who signs in rightly does, again and again.
    for _ in 0..15 {
        assert_eq!(sign_in("Ann", PASSWORD).status, 303);
    }
    // Another wrong one of a name gets no second chance.
    assert_eq!(sign_in("Ann", "x").status, 422);
    assert_eq!(sign_in("Ann", "x").status, 429);

    // Who is signed in is asked for the password by the same rule.
    let page = bob.page("/settings/administrators");
    let old = "update muster.console_sessions set confirmed_at = now() - interval '11 minutes'";
    query(&console.url, old);
    let fields = [("name", "Cy"), ("role", "reader"), ("email", "")];
    let mut asked = bob.submit_from(&page, "/settings/administrators", &fields);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        asked = bob.submit_from(&asked.body, "/confirm", &[("password", "no")]);
        statuses.push(asked.status);
    }
    assert_eq!(statuses, [422, 429, 429]);
    assert!(asked.body.contains("Too many attempts"), "{}", asked.body);
    let admins = "select count(*) from muster.admins";
    assert_eq!(query_one(&console.url, admins), "2");
}

#[test]
fn what_was_typed_survives_the_end_of_a_session() {
    let console = Console::start();
    let mut visitor = console.administrator("Ann <b>Ng", "approver");
    let page = visitor.page("/settings/suppression");
    query(
        &console.url,
        "update muster.console_sessions set ended_at = now()",
    );
    let fields = [
        ("addresses", "a@a-firm.org\nb@a-firm.org"),
        ("reason", "<i>asked & told"),
    ];
    let asked = visitor.submit_from(&page, "/settings/suppression/add", &fields);
    assert_eq!(asked.status, 200);
    assert!(
        asked.body.contains("what you typed is kept"),
        "{}",
        asked.body
    );
    let fields = [("name", "Ann <b>Ng"), ("password", "wrong")];
    let again = visitor.submit_from(&asked.body, "/sign-in", &fields);
    assert_eq!(again.status, 422);
    let fields = [("name", "Ann <b>Ng"), ("password", PASSWORD)];
    let offered = visitor.submit_from(&again.body, "/sign-in", &fields);
    assert_eq!(offered.status, 200, "{}", offered.body);
    assert!(
        offered.body.contains("Nothing was done yet"),
        "{}",
        offered.body
    );
    assert!(!offered.body.contains("<i>asked"), "{}", offered.body);
    let count = "select count(*) from muster.suppressions";
    assert_eq!(query_one(&console.url, count), "0");
    visitor.keep_cookie(&offered);
    let sent = visitor.submit_from(&offered.body, "/settings/suppression/add", &[]);
    assert_eq!(sent.location(), "/settings/suppression", "{}", sent.body);
    assert_eq!(query_one(&console.url, count), "2");
    let reason = "select distinct reason from muster.suppressions";
    assert_eq!(query_one(&console.url, reason), "<i>asked & told");
    // No one else's page may bring somebody's words in: the form is of this site only.
    let host = &console.address;
    let foreign = format!(
        "POST /sign-in HTTP/1.0\r\nHost: {host}\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n"
    );
    assert_eq!(console.ask(&foreign).status, 403);
}

#[test]
fn what_can_do_harm_asks_for_the_password_again() {
    let console = Console::start();
    let ann = console.administrator("Ann", "owner");
    let page = ann.page("/settings/administrators");
    let old = "update muster.console_sessions set confirmed_at = now() - interval '11 minutes'";
    query(&console.url, old);
    let fields = [("name", "Bob"), ("role", "reader"), ("email", "")];
    let asked = ann.submit_from(&page, "/settings/administrators", &fields);
    assert!(
        asked.body.contains("Confirm that it is you"),
        "{}",
        asked.body
    );
    let admins = "select count(*) from muster.admins";
    assert_eq!(query_one(&console.url, admins), "1");
    let wrong = ann.submit_from(&asked.body, "/confirm", &[("password", "no")]);
    assert_eq!(wrong.status, 422, "{}", wrong.body);
    let right = ann.submit_from(&wrong.body, "/confirm", &[("password", PASSWORD)]);
    assert_eq!(right.status, 200, "{}", right.body);
    let sent = ann.submit_from(&right.body, "/settings/administrators", &[]);
    assert!(sent.body.contains("/password#"), "{}", sent.body);
    assert_eq!(query_one(&console.url, admins), "2");
    // The link is shown once, and only its hash is kept.
    assert!(!ann.page("/settings/administrators").contains("/password#"));
}

#[test]
fn values_are_masked_until_they_are_asked_for_and_that_is_audited() {
    let console = Console::start();
    let ann = console.administrator("Ann", "operator");
    let secret = "hidden.person@a-firm.org";
    console.run(&["suppress", secret]);
    assert!(!ann.page("/settings/suppression").contains("hidden.person"));
    assert_eq!(ann.submit("/", "/values", &[]).status, 303);
    assert!(ann.page("/settings/suppression").contains(secret));
    let shown =
        "select count(*) from muster.audit where action = 'show values' and who = 'console:Ann'
        and session_id is not null and address = '127.0.0.1'";
    assert_eq!(query_one(&console.url, shown), "1");
    let text = "select count(*) from muster.audit where audit::text like '%hidden.person%'";
    assert_eq!(query_one(&console.url, text), "0");
}

#[test]
fn other_machines_need_a_proxy_and_a_named_owner() {
    let mut console = Console::start();
    let refused = |arguments: &[&str]| {
        let all: Vec<&str> = std::iter::once("console")
            .chain(arguments.iter().copied())
            .collect();
        let ended = console.run(&all);
        assert_eq!(ended.exit, 2, "{ended:?}");
        ended.stderr
    };
    assert!(refused(&["--listen", "0.0.0.0:0"]).contains("--behind-proxy"));
    let behind = ["--behind-proxy", "--host", "muster.test"];
    assert!(refused(&behind).contains("needs a named owner"));
    assert!(refused(&["--behind-proxy"]).contains("--host"));
    console.administrator("Ann Ng", "owner");
    console.kill();
    let trusted = [
        "--behind-proxy",
        "--host",
        "muster.test",
        "--trusted-proxy",
        "127.0.0.0/8",
        "--user-header",
        "X-User",
    ];
    console.serve(&trusted);
    let ask = |head: &str| {
        console.ask(&format!(
            "GET /settings HTTP/1.0\r\nHost: muster.test\r\n{head}\r\n"
        ))
    };
    let answer = ask("");
    assert_eq!(answer.status, 303);
    assert_eq!(
        answer.header("strict-transport-security"),
        "max-age=31536000"
    );
    // A link is for the machine itself.
    let link = console.run(&["console", "link"]).stdout;
    let answer = console.outside().send("/sign-in", &[("code", link.trim())]);
    assert_eq!(answer.status, 422);
    let answer = ask("X-User: ann ng\r\nX-Forwarded-For: 198.51.100.7\r\n");
    assert_eq!(answer.location(), "/settings", "{}", answer.body);
    let cookie = answer.header("set-cookie").to_string();
    assert!(
        cookie.starts_with("__Host-muster-console=") && cookie.contains("Secure"),
        "{cookie}"
    );
    let cookie = cookie.split(';').next().unwrap();
    let page = ask(&format!("X-User: Ann Ng\r\nCookie: {cookie}\r\n"));
    assert!(page.body.contains("198.51.100.7"), "{}", page.body);
    // Somebody else at the proxy doesn't get this session.
    let other = ask(&format!("X-User: Bob\r\nCookie: {cookie}\r\n"));
    assert_eq!(other.status, 403, "{}", other.body);
    let twice = ask("X-User: Ann Ng\r\nX-User: Bob\r\n");
    assert!(twice.location().starts_with("/sign-in"), "{}", twice.head);
    let rebound = console.ask("GET / HTTP/1.0\r\nHost: evil.example\r\nX-User: Ann Ng\r\n\r\n");
    assert_eq!(rebound.status, 421);
}

#[test]
fn the_command_line_writes_the_audit_too_and_nobody_changes_it() {
    let console = Console::start();
    let run = console.import("email,first_name,last_name\nann@a-firm.org,Ann,Ng\n");
    console.run(&["add", "bob@a-firm.org", "-q"]);
    console.run(&[
        "people",
        "change",
        "--only",
        "ann@a-firm.org",
        "--set",
        "last_name=Secret",
        "--apply",
    ]);
    console.run(&["groups", "create", "Sales"]);
    console.run(&["invite", &run, "--send"]);
    console.run(&["invitations", "cancel", "ann@a-firm.org"]);
    let explained = console.run(&["explain", "ann@a-firm.org"]).stdout;
    assert!(
        explained.contains("`invitations cancel` by cli:"),
        "{explained}"
    );
    console.run(&["undo", &run]);
    // What only looks writes nothing.
    console.run(&["check", "people.csv"]);
    console.run(&["people", "list"]);
    console.run(&["invite", "last"]);
    let explained = console.run(&["explain", "bob@a-firm.org"]).stdout;
    assert!(!explained.contains("`invitations cancel`"), "{explained}");
    let printed = console.run(&["audit", "--json"]).json();
    let lines = printed["lines"].as_array().unwrap();
    let actions: Vec<&str> = lines
        .iter()
        .rev()
        .map(|line| line["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "import",
            "add",
            "people change",
            "groups create",
            "invite",
            "invitations cancel",
            "undo"
        ]
    );
    assert_eq!(lines[6]["about"], run.as_str());
    assert_eq!(lines[6]["counts"]["created"], 1);
    let text = printed.to_string();
    assert!(
        !text.contains("a-firm.org") && !text.contains("Secret"),
        "{text}"
    );
    assert!(
        text.contains("muster people change --only … --set … --apply"),
        "{text}"
    );
    let owner = console.owner();
    let page = owner.page("/audit?action=people+change");
    assert!(page.contains("1 lines") && page.contains("cli:"), "{page}");
    for sql in [
        "delete from muster.audit",
        "update muster.audit set who = ''",
        "truncate muster.audit",
    ] {
        assert!(
            crate::support::try_query(&console.url, sql).is_err(),
            "{sql}"
        );
    }
}
