//! What owners set for all mails, and what an administrator likes to see.

use super::{Console, Visitor};
use crate::support::query_one;

/// All mails of the outbox.
fn outbox(console: &Console) -> String {
    let files = std::fs::read_dir(console.home.path().join("outbox")).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    texts.collect()
}

#[test]
fn mails_have_the_sender_and_the_name_that_an_owner_set() {
    let console = Console::start();
    console.write(
        "own.toml",
        "name = \"own\"\n[mail]\nfrom = \"IT <it@firm.eu>\"\n",
    );
    console.import("email,first_name,last_name\nann@firm.eu,Ann,Ng\nbo@firm.eu,Bo,Ray\n");
    let visitor = console.owner();
    let page = "/settings/mails";
    let wrong = [
        ("from", "no address"),
        ("reply_to", ""),
        ("product", "Acme"),
    ];
    let refused = visitor.submit(page, page, &wrong);
    assert_eq!(refused.status, 422, "{}", refused.body);
    // What was typed is still there.
    assert!(
        refused.body.contains("value=\"no address\""),
        "{}",
        refused.body
    );
    let fields = [
        ("from", "Acme People <people@acme.eu>"),
        ("reply_to", "help@acme.eu"),
        ("product", "Acme Learning"),
    ];
    let kept = visitor.submit(page, page, &fields);
    assert_eq!(kept.status, 303, "{}", kept.body);
    assert!(visitor.page(page).contains("people@acme.eu"));
    let audited = "SELECT count(*) FROM muster.audit WHERE action = 'settings set'";
    assert_eq!(query_one(&console.url, audited), "1");
    let listed = console.run(&["settings", "list", "--json"]).json();
    assert_eq!(listed["mail"]["product"], "Acme Learning");

    let sent = console.run(&["invite", "last", "--only", "ann@firm.eu", "--send"]);
    assert_eq!(sent.exit, 0, "{sent:?}");
    let mail = outbox(&console);
    assert!(
        mail.contains("people@acme.eu") && mail.contains("help@acme.eu"),
        "{mail}"
    );
    assert!(mail.contains("Acme Learning"), "{mail}");
    // What a pipeline says comes first; what it leaves open is filled in.
    std::fs::remove_dir_all(console.home.path().join("outbox")).unwrap();
    let own = [
        "invite",
        "last",
        "-p",
        "own.toml",
        "--only",
        "bo@firm.eu",
        "--send",
    ];
    assert_eq!(console.run(&own).exit, 0);
    let mail = outbox(&console);
    assert!(
        mail.contains("it@firm.eu") && !mail.contains("people@acme.eu"),
        "{mail}"
    );
    assert!(mail.contains("Acme Learning"), "{mail}");

    assert_eq!(console.run(&["settings", "set", "from", "nobody"]).exit, 2);
    assert_eq!(
        console.run(&["settings", "set", "product", "Other"]).exit,
        0
    );
    assert_eq!(console.run(&["settings", "clear", "from"]).exit, 0);
    let page = visitor.page(page);
    assert!(
        page.contains("Other") && !page.contains("people@acme.eu"),
        "{page}"
    );
}

#[test]
fn links_in_mails_lead_to_where_the_page_listens() {
    let console = Console::start();
    console.import("email,first_name,last_name\nann@firm.eu,Ann,Ng\n");
    let mut serving = console.spawn(&["serve", "--listen", "127.0.0.1:0"]);
    let mut place = String::new();
    crate::support::wait_until(|| {
        place = serving.stdout();
        place.contains("http://") && place.ends_with('\n')
    });
    let place = place.split("http://").nth(1).unwrap();
    let place = place.split('/').next().unwrap().to_string();
    assert_eq!(console.run(&["invite", "last", "--send"]).exit, 0);
    let mail = outbox(&console).replace("=\r\n", "").replace("=3D", "=");
    assert!(
        mail.contains(&format!("http://{place}/")),
        "{place}\n{mail}"
    );
    serving.kill();
}

#[test]
fn language_and_time_zone_stay_with_the_administrator() {
    let console = Console::start();
    let ann = console.administrator("Ann", "reader");
    let bo = console.administrator("Bo", "reader");
    let fields = [("language", "de"), ("zone", "Europe/Berlin")];
    assert_eq!(ann.submit("/settings", "/settings", &fields).status, 303);
    assert!(ann.page("/").contains("Übersicht"));
    assert!(bo.page("/").contains("Overview"));
    // In the next session, and in one that was open.
    let mut again = Visitor {
        console: &console,
        cookie: String::new(),
    };
    let fields = [
        ("name", "Ann"),
        ("password", super::access::PASSWORD),
        ("zone", "Asia/Tokyo"),
    ];
    let answer = again.send("/sign-in", &fields);
    assert_eq!(answer.status, 303, "{}", answer.body);
    again.keep_cookie(&answer);
    let page = again.page("/settings");
    assert!(
        page.contains("Einstellungen") && page.contains("Europe/Berlin"),
        "{page}"
    );
}

#[test]
fn codes_fixes_and_the_time_line_are_in_german_too() {
    let console = Console::start();
    let run = console.import("email,first_name,last_name\nann@firm.eu,Ann,Ng\nnowhere,Bo,Ray\n");
    console.run(&["invite", &run, "--send"]);
    let visitor = console.owner();
    let fields = [("language", "de"), ("zone", "")];
    assert_eq!(
        visitor.submit("/settings", "/settings", &fields).status,
        303
    );
    let summary = visitor.page(&format!("/runs/{run}"));
    assert!(summary.contains("keine E-Mail-Adresse"), "{summary}");
    assert!(
        summary.contains("Schreiben Sie sie als name@example.org"),
        "{summary}"
    );
    assert!(!summary.contains("not an e-mail address"), "{summary}");
    let id = query_one(&console.url, "SELECT id FROM muster.accounts");
    let person = visitor.page(&format!("/people/{id}"));
    for text in [
        "durch einen Import angelegt",
        "Einladung an",
        "Einladung in den Postausgang gelegt",
        "eingeladen am",
    ] {
        assert!(person.contains(text), "{text}\n{person}");
    }
    for text in ["created by import", "invitation to", "sent by outbox"] {
        assert!(!person.contains(text), "{text}\n{person}");
    }
}
