//! `muster demo`: everything by one command.

use super::{Console, Visitor};
use crate::support::{self, Running};

/// A demo; it ends as by Ctrl-C, so that its processes and its database end with it.
struct Demo {
    running: Option<Running>,
}

impl Drop for Demo {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.interrupt();
            running.finish();
        }
    }
}

#[test]
fn the_demo_has_a_list_an_inbox_and_a_database_of_its_own() {
    let (folder, home) = (support::folder(), support::folder());
    let line = ["demo", "--listen", "127.0.0.1:0", "--serve", "127.0.0.1:0"];
    let mut demo = Demo {
        running: Some(support::bare(folder.path(), home.path(), &line)),
    };
    let mut printed = String::new();
    support::wait_until(|| {
        printed = demo.running.as_mut().unwrap().stdout();
        printed.contains("/sign-in#") && printed.ends_with('\n')
    });
    let link = printed.split("http://").last().unwrap().trim();
    let (address, code) = link.split_once("/sign-in#").unwrap();
    let console = Console {
        folder,
        home,
        url: String::new(),
        address: address.to_string(),
        running: None,
        environment: Vec::new(),
    };
    let mut visitor = Visitor {
        console: &console,
        cookie: String::new(),
    };
    let answer = visitor.send("/sign-in", &[("code", code)]);
    visitor.keep_cookie(&answer);
    let page = visitor.page("/import");
    assert!(page.contains("people.csv"), "{page}");
    let upload = upload_of(&page);
    assert!(visitor.page(&upload).contains("Employee ID"));
    assert!(visitor.page("/inbox").contains("No mail yet"));
    assert!(visitor.page("/").contains("href=\"/inbox\""));
    let running = demo.running.take().unwrap();
    running.interrupt();
    let ended = running.finish();
    assert_eq!(ended.exit, 0, "{}\n{}", ended.stdout, ended.stderr);
}

#[test]
fn a_console_that_is_no_demo_has_no_inbox() {
    let console = Console::start();
    let visitor = console.owner();
    assert_eq!(visitor.get("/inbox").status, 404);
    assert!(!visitor.page("/").contains("/inbox"));
}

/// The first upload that a page links to.
fn upload_of(page: &str) -> String {
    let mut links = page.split("href=\"").skip(1);
    let found = links.find_map(|rest| {
        let path = rest.split('"').next()?;
        let id = path.strip_prefix("/import/")?;
        (id.len() == 36).then(|| path.to_string())
    });
    found.unwrap()
}
