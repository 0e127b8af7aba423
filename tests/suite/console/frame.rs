//! Signing in, and what every request must bring.

use super::Console;
use super::browser::Browser;
use crate::support;

#[test]
fn a_link_signs_in_once() {
    let console = Console::start();
    let link = console.link();
    let visitor = console.owner();
    assert!(visitor.page("/").contains("Overview"));
    let outside = super::Visitor {
        console: &console,
        cookie: String::new(),
    };
    assert_eq!(outside.get("/").status, 303);
    assert_eq!(outside.get("/runs").location(), "/sign-in?to=%2Fruns");
    assert_eq!(outside.send("/sign-in", &[("code", &link)]).status, 303);
    let again = outside.send("/sign-in", &[("code", &link)]);
    assert_eq!(again.status, 422);
    assert!(again.body.contains("was used before"), "{}", again.body);
    let left = visitor.submit("/", "/sign-out", &[]);
    assert_eq!(left.location(), "/sign-in");
    assert_eq!(visitor.get("/").status, 303);
}

#[test]
fn a_form_is_taken_once_and_only_from_a_page_of_its_session() {
    let console = Console::start();
    let (visitor, other) = (console.owner(), console.owner());
    let page = visitor.page("/");
    let first = visitor.submit_from(&page, "/values", &[]);
    assert_eq!(first.status, 303);
    assert!(visitor.page("/").contains("Mask values"));
    // The second click finds where the first one led, and changes nothing.
    let second = visitor.submit_from(&page, "/values", &[]);
    assert_eq!((second.status, second.location()), (303, first.location()));
    assert!(visitor.page("/").contains("Mask values"));
    let foreign = other.submit_from(&page, "/values", &[]);
    assert_eq!(foreign.status, 403);
    assert_eq!(visitor.send("/values", &[]).status, 403);
    let host = &console.address;
    for (request, status) in [
        (
            "GET / HTTP/1.0\r\nHost: evil.example\r\n\r\n".to_string(),
            421,
        ),
        (format!("DELETE / HTTP/1.0\r\nHost: {host}\r\n\r\n"), 405),
        (
            format!(
                "POST /values HTTP/1.0\r\nHost: {host}\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n"
            ),
            403,
        ),
    ] {
        assert_eq!(console.ask(&request).status, status, "{request}");
    }
}

#[test]
fn what_made_one_form_unique_carries_out_no_other() {
    let console = Console::start();
    let visitor = console.owner();
    let page = visitor.page("/settings");
    let kept = visitor.submit_from(&page, "/settings", &[("language", "en"), ("zone", "")]);
    assert_eq!(kept.status, 303, "{}", kept.body);
    // The same nonce, sent to another address.
    let other = visitor.send_over(&page, "/settings", "/values", &[]);
    assert_eq!(other.status, 409, "{}", other.body);
    let text = "This form was already sent";
    assert!(other.body.contains(text), "{}", other.body);
    assert!(visitor.page("/").contains("Show values"));
}

#[test]
fn a_form_that_is_too_large_is_refused_before_it_is_read() {
    let console = Console::start();
    let host = &console.address;
    for path in ["/values", "/sign-in"] {
        // Nothing follows: whoever waits for the body waits in vain.
        let request =
            format!("POST {path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: 5000000000\r\n\r\n");
        let begun = std::time::Instant::now();
        assert_eq!(console.ask(&request).status, 413, "{path}");
        assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    }
}

#[test]
fn links_lead_to_where_the_console_listens() {
    let mut console = Console::start();
    let link = console.run(&["console", "link"]).stdout;
    let place = format!("http://{}/sign-in#", console.address);
    assert!(link.starts_with(&place), "{link} {place}");
    let added = console
        .run(&["admins", "add", "Ann", "--role", "owner"])
        .stdout;
    let place = format!("http://{}/password#", console.address);
    assert!(added.starts_with(&place), "{added} {place}");
    // After a restart, on another port.
    let before = console.address.clone();
    console.kill();
    console.serve(&[]);
    assert_ne!(console.address, before);
    let link = console.run(&["console", "link"]).stdout;
    let place = format!("http://{}/sign-in#", console.address);
    assert!(link.starts_with(&place), "{link} {place}");
    let named = console.run(&["console", "link", "--listen", "127.0.0.1:9"]);
    assert!(named.stdout.starts_with("http://127.0.0.1:9/"), "{named:?}");
    // Behind a proxy, a link signs nobody in, and none is printed.
    console.kill();
    console.serve(&["--behind-proxy", "--host", "muster.test"]);
    let none = console.run(&["console", "link"]);
    assert_eq!((none.exit, none.stdout.as_str()), (2, ""), "{none:?}");
    let new = console.run(&["admins", "link", "Ann"]).stdout;
    assert!(new.starts_with("https://muster.test/password#"), "{new}");
}

#[test]
fn a_database_that_was_stopped_stays_so_and_the_page_says_it() {
    let (folder, home) = (support::folder(), support::folder());
    let run = |line: &[&str]| support::bare(folder.path(), home.path(), line).finish();
    let mut running = support::bare(
        folder.path(),
        home.path(),
        &["console", "--listen", "127.0.0.1:0"],
    );
    let mut printed = String::new();
    support::wait_until(|| {
        printed = running.stdout();
        printed.contains("/sign-in#") && printed.ends_with('\n')
    });
    let link = printed.split("http://").last().unwrap().trim().to_string();
    let (address, code) = link.split_once("/sign-in#").unwrap();
    let console = Console {
        folder: support::folder(),
        home: support::folder(),
        url: String::new(),
        address: address.to_string(),
        running: None,
        environment: Vec::new(),
    };
    let mut visitor = super::Visitor {
        console: &console,
        cookie: String::new(),
    };
    let answer = visitor.send("/sign-in", &[("code", code)]);
    visitor.keep_cookie(&answer);
    assert_eq!(visitor.get("/people").status, 200);
    assert_eq!(run(&["db", "stop"]).exit, 0);
    for path in ["/people", "/", "/sign-in"] {
        let answer = visitor.get(path);
        assert_eq!(answer.status, 503, "{path}");
        assert!(
            answer.body.contains("The database is stopped"),
            "{}",
            answer.body
        );
        assert!(answer.body.contains("muster db start"), "{}", answer.body);
    }
    let status = run(&["db", "status"]);
    assert!(!status.stdout.contains("running"), "{status:?}");
    assert_eq!(run(&["db", "start"]).exit, 0);
    assert_eq!(visitor.get("/people").status, 200);
    running.interrupt();
    running.finish();
    run(&["db", "stop"]);
}

#[test]
fn a_browser_signs_in_by_the_link_alone() {
    let console = Console::start();
    let browser = Browser::open();
    browser.go(&console.link());
    browser.wait_for("Overview");
    assert!(!browser.address().contains('#'), "{}", browser.address());
}
