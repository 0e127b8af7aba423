//! Signing in, and what every request must bring.

use super::Console;
use super::browser::Browser;

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
fn a_browser_signs_in_by_the_link_alone() {
    let console = Console::start();
    let browser = Browser::open();
    browser.go(&console.link());
    browser.wait_for("Overview");
    assert!(!browser.address().contains('#'), "{}", browser.address());
}
