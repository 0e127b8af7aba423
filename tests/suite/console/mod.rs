//! The console: pages and forms by plain HTTP, and whole ways through it in a real browser.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{self, Finished, Running};

pub mod access;
pub mod browser;
mod demo;
mod edit;
mod frame;
mod import;
mod overview;
mod pages;
pub mod people;
mod proxy;
mod runs;
mod settings;

/// A console over a database of its own.
pub struct Console {
    pub folder: tempfile::TempDir,
    pub home: tempfile::TempDir,
    pub url: String,
    /// Host and port.
    pub address: String,
    running: Option<Running>,
    environment: Vec<(String, String)>,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// A browser without a window: it keeps its cookie and sends forms as they are in the page.
pub struct Visitor<'a> {
    pub console: &'a Console,
    pub cookie: String,
}

impl Console {
    /// Starts it in an empty folder.
    pub fn start() -> Console {
        Console::start_with(&[], &[])
    }

    /// The same with more arguments and environment variables.
    pub fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Console {
        let own = |(name, value): &(&str, &str)| ((*name).to_string(), (*value).to_string());
        let mut console = Console {
            folder: support::folder(),
            home: support::folder(),
            url: support::fresh_database(),
            address: String::new(),
            running: None,
            environment: environment.iter().map(own).collect(),
        };
        console.serve(arguments);
        console
    }

    /// Starts the process again, such as after [`Console::kill`].
    pub fn serve(&mut self, arguments: &[&str]) {
        let listen = ["console", "--listen", "127.0.0.1:0"];
        let all: Vec<&str> = listen.iter().chain(arguments).copied().collect();
        let mut running = self.spawn(&all);
        for _ in 0..2000 {
            let printed = running.stdout();
            if printed.ends_with('\n')
                && let Some((_, rest)) = printed.split_once("http://")
            {
                self.address = rest.split('/').next().unwrap().to_string();
                self.running = Some(running);
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the console doesn't start: {:?}", running.kill());
    }

    /// Starts a command beside it.
    pub fn spawn(&self, arguments: &[&str]) -> Running {
        let home = self.home.path().to_str().unwrap();
        let mut environment: Vec<(&str, &str)> = self
            .environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        environment.push(("MUSTER_HOME", home));
        support::start_with(self.folder.path(), &self.url, arguments, &environment)
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.kill();
        }
    }

    /// The most memory that its process had so far, in kB.
    pub fn memory(&self) -> u64 {
        let id = self.running.as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let peak = status
            .lines()
            .find(|line| line.starts_with("VmHWM"))
            .unwrap();
        let digits: String = peak.chars().filter(char::is_ascii_digit).collect();
        digits.parse().unwrap()
    }

    /// Runs a command beside it, with the same home and database.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.spawn(arguments).finish()
    }

    /// Writes a file in its folder.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Imports `people` (CSV) by the command line; the run's id.
    pub fn import(&self, people: &str) -> String {
        self.write("people.csv", people);
        let imported = self.run(&["import", "people.csv", "--json"]);
        assert!(
            matches!(imported.exit, 0..=3),
            "{}\n{}",
            imported.stdout,
            imported.stderr
        );
        let summary: serde_json::Value = serde_json::from_str(&imported.stdout).unwrap();
        summary["run"]["id"].as_str().unwrap().to_string()
    }

    /// A link that signs in once, as `muster console link` prints it, with this console's port.
    pub fn link(&self) -> String {
        let printed = self.run(&["console", "link", "--listen", &self.address]);
        assert_eq!(printed.exit, 0, "{}", printed.stderr);
        printed.stdout.trim().to_string()
    }

    /// Somebody who signed in by such a link: an owner.
    pub fn owner(&self) -> Visitor<'_> {
        let mut visitor = Visitor {
            console: self,
            cookie: String::new(),
        };
        let link = self.link();
        let answer = visitor.send("/sign-in", &[("code", &link)]);
        assert_eq!(answer.status, 303, "{}", answer.body);
        visitor.keep_cookie(&answer);
        visitor
    }

    /// Sends a request as it is.
    pub fn ask(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let patience = Some(Duration::from_secs(30));
        stream.set_read_timeout(patience).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        answer(stream)
    }
}

/// What comes back.
fn answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Answer {
        status: head[9..12].parse().unwrap(),
        head: head.to_string(),
        body: body.to_string(),
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Answer {
    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// Where it leads on.
    pub fn location(&self) -> &str {
        self.header("location")
    }
}

impl Visitor<'_> {
    /// Keeps the cookie that an answer sets.
    pub fn keep_cookie(&mut self, answer: &Answer) {
        let cookie = answer.header("set-cookie").split(';').next().unwrap();
        self.cookie = cookie.to_string();
    }

    /// A page. HTTP/1.0, so that it isn't chunked.
    pub fn get(&self, path: &str) -> Answer {
        let (host, cookie) = (&self.console.address, &self.cookie);
        let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n");
        self.console.ask(&request)
    }

    /// A page that must be there.
    pub fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(
            answer.status, 200,
            "{path}: {}\n{}",
            answer.head, answer.body
        );
        answer.body
    }

    /// Sends fields to an address, as they are.
    pub fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let pairs = fields.iter();
        let pairs = pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        let (host, cookie) = (&self.console.address, &self.cookie);
        let request = format!(
            "POST {path} HTTP/1.0\r\nHost: {host}\r\nCookie: {cookie}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.console.ask(&request)
    }

    /// Opens `page` and sends its form with the action `action`: its hidden fields, and `fields`.
    pub fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let html = self.page(page);
        self.submit_from(&html, action, fields)
    }

    /// Sends the form of a page that posts to `action` to another address, as a button may.
    pub fn send_over(
        &self,
        html: &str,
        action: &str,
        other: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let hidden = hidden_fields(html, action);
        let given = |name: &str| fields.iter().any(|(key, _)| *key == name);
        let mut all: Vec<(&str, &str)> = hidden
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| !given(name))
            .collect();
        all.extend_from_slice(fields);
        self.send(other, &all)
    }

    /// The same from a page that was opened before.
    pub fn submit_from(&self, html: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        self.send_over(html, action, action, fields)
    }
}

/// The hidden fields of the form of a page that posts to `action`.
pub fn hidden_fields(html: &str, action: &str) -> Vec<(String, String)> {
    let start = format!("action=\"{}\"", action.replace('&', "&amp;"));
    let at = html.find(&start);
    let at = at.unwrap_or_else(|| panic!("no form posts to {action}:\n{html}"));
    let form = html[at..].split("</form>").next().unwrap();
    let inputs = form.split("<input ").skip(1);
    let inputs = inputs.filter(|input| input.contains("type=\"hidden\""));
    inputs
        .map(|input| {
            let value = |name: &str| {
                let after = input.split(&format!(" {name}=\"")).nth(1);
                let after = after.or_else(|| input.strip_prefix(&format!("{name}=\"")));
                let value = after.and_then(|rest| rest.split('"').next()).unwrap_or("");
                let value = value.replace("&quot;", "\"").replace("&lt;", "<");
                value.replace("&gt;", ">").replace("&amp;", "&")
            };
            (value("name"), value("value"))
        })
        .collect()
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
