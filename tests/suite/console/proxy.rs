//! The console behind a real reverse proxy, in a real browser.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::Console;
use super::access::PASSWORD;
use super::browser::Browser;
use crate::support::{query_one, repository};

/// The proxy's process.
struct Proxy {
    child: Child,
    port: u16,
}

impl Proxy {
    /// Starts it in front of a console, with a certificate of its own.
    fn start(console: &Console) -> Proxy {
        let folder = console.folder.path();
        let made = Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
            ])
            .args([
                "-subj",
                "/CN=muster.test",
                "-keyout",
                "key.pem",
                "-out",
                "cert.pem",
            ])
            .current_dir(folder)
            .stderr(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        let port = console.address.rsplit(':').next().unwrap();
        let mut child = Command::new("python3")
            .arg(repository().join("tests/suite/console/proxy.py"))
            .args([folder.join("cert.pem"), folder.join("key.pem")])
            .arg(port)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let mut line = String::new();
        let printed = child.stdout.take().unwrap();
        BufReader::new(printed).read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap();
        Proxy { child, port }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_browser_works_through_a_proxy_and_only_the_proxy_is_believed() {
    let mut console = Console::start();
    console.import("email,first_name,last_name\nann@firm.eu,Ann,Ng\n");
    console.administrator("Ann", "owner");
    console.kill();
    console.serve(&["--behind-proxy", "--host", "muster.test"]);
    let proxy = Proxy::start(&console);
    let rules = "--host-resolver-rules=MAP muster.test 127.0.0.1";
    let browser = Browser::open_with(&["--ignore-certificate-errors", rules]);
    let place = format!("https://muster.test:{}", proxy.port);
    browser.go(&format!("{place}/people"));
    browser.fill("#name", "Ann");
    browser.fill("#password", PASSWORD);
    browser.press("Sign in");
    browser.wait_for("1 person");
    // Forms work: the origin that the browser names is the one that the proxy passes on as Host.
    browser.go(&format!("{place}/settings"));
    browser.fill("#zone", "Europe/Paris");
    browser.press("Keep");
    let zone = "SELECT coalesce(max(time_zone), '') FROM muster.admins";
    crate::support::wait_until(|| query_one(&console.url, zone) == "Europe/Paris");
    // The cookie is for https and this host only.
    let cookies = browser.runtime.block_on(browser.driver.get_all_cookies());
    let cookies = cookies.unwrap();
    assert_eq!(cookies.len(), 1);
    assert_eq!(cookies[0].name, "__Host-muster-console");
    assert_eq!(
        (cookies[0].secure, cookies[0].path.as_deref()),
        (Some(true), Some("/"))
    );

    // The last address is the one that the proxy wrote; what a client wrote itself is not believed.
    let forwarded = "X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n";
    assert_eq!(seen_as(&console, forwarded), "198.51.100.7");
    // From another network than the proxy's, nothing is believed.
    console.kill();
    let other = ["--trusted-proxy", "192.0.2.0/24"];
    console.serve(&[&["--behind-proxy", "--host", "muster.test"][..], &other].concat());
    assert_eq!(seen_as(&console, forwarded), "127.0.0.1");
}

/// Signs in with more lines in the head; the address that the session is from.
fn seen_as(console: &Console, head: &str) -> String {
    let body = format!("name=Ann&password={}", PASSWORD.replace(' ', "+"));
    let request = format!(
        "POST /sign-in HTTP/1.0\r\nHost: muster.test\r\n{head}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(console.ask(&request).status, 303);
    let newest = "SELECT address FROM muster.console_sessions ORDER BY created_at DESC LIMIT 1";
    query_one(&console.url, newest)
}
