//! Pages about people, groups, invitations and mails.

use std::time::{Duration, Instant};

use super::browser::Browser;
use super::{Console, Visitor};
use crate::invitations::MAIL;
use crate::mailbox::{Mailbox, Verdict};
use crate::support::{self, Running};

const PEOPLE: &str = "email,first_name,last_name,username,groups\n\
    ann@firm.eu,Ann,Ng,ann,Sales/EMEA\n\
    bo@firm.eu,Bo,Ray,bo,Sales/EMEA\n\
    cy@other.eu,Cy,Ito,cy,Support\n";

/// A console with three people who were imported, and the run.
fn with_people(console: &Console) -> String {
    console.import(PEOPLE)
}

/// Waits until the command has ended to which a form led, and gives how it ended.
pub fn end_of_job(visitor: &Visitor, location: &str) -> i64 {
    assert!(location.starts_with("/jobs/"), "{location}");
    let begun = Instant::now();
    loop {
        let state = visitor.page(&format!("{location}/state"));
        let state: serde_json::Value = serde_json::from_str(&state).unwrap();
        if let Some(code) = state["exit_code"].as_i64() {
            return code;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{state}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn states(console: &Console) -> String {
    let sql = "SELECT coalesce(string_agg(split_part(email, '@', 1) || ' ' || state, ', ' ORDER BY email), '')
        FROM muster.invitations";
    support::query_one(&console.url, sql)
}

/// Sends the invitations of a run from its page, but to `left_out`; the address of the mail's page.
fn invite(visitor: &Visitor, run: &str, left_out: &str) -> String {
    let who = format!("/runs/{run}/invite");
    let mail = visitor.submit(&who, &who, &[]).location().to_string();
    assert!(mail.starts_with(&who), "{mail}");
    let sql = format!("SELECT id FROM muster.accounts WHERE username = '{left_out}'");
    let id = support::query_one(&visitor.console.url, &sql);
    let message = format!("{mail}/message");
    let kept = visitor.submit(&mail, &message, &[("message", "See you on Monday.")]);
    assert_eq!(kept.location(), mail);
    let html = visitor.page(&mail);
    let fields = [("except", id.as_str())];
    assert_eq!(
        visitor.submit_from(&html, &message, &fields).location(),
        mail
    );
    mail
}

#[test]
fn a_list_without_a_tick_means_nobody() {
    let console = Console::start();
    with_people(&console);
    let visitor = console.owner();
    let nobody = visitor.submit("/people", "/people/select", &[("which", "ticked")]);
    assert_eq!(nobody.status, 422);
    assert!(nobody.body.contains("no line has a tick"));
}

#[test]
fn what_was_typed_since_is_shown_before_anything_is_sent() {
    let console = Console::start();
    let run = with_people(&console);
    let visitor = console.owner();
    let mail = invite(&visitor, &run, "cy");
    let (message, send) = (format!("{mail}/message"), format!("{mail}/send"));
    let page = visitor.page(&mail);
    let typed = [("message", "See you on Tuesday.")];
    let kept = visitor.send_over(&page, &message, &send, &typed);
    assert_eq!(kept.location(), format!("{mail}?kept=yes"));
    assert_eq!(states(&console), "");
    let page = visitor.page(kept.location());
    assert!(page.contains("nothing was sent"), "{page}");
    assert!(page.contains("See you on Tuesday."), "{page}");
    let sent = visitor.send_over(&page, &message, &send, &typed);
    assert_eq!(end_of_job(&visitor, sent.location()), 0);
    assert_eq!(states(&console), "ann sent, bo sent");
}

#[test]
fn a_run_is_invited_but_for_one_and_reminded_and_cancelled() {
    let console = Console::start();
    let run = with_people(&console);
    let visitor = console.owner();
    let mail = invite(&visitor, &run, "cy");
    let (page, older) = (visitor.page(&mail), visitor.page(&mail));
    assert!(page.contains("Send to 2 people"), "{page}");
    assert!(page.contains("See you on Monday."), "{page}");
    let (message, send) = (format!("{mail}/message"), format!("{mail}/send"));
    let typed = [("message", "See you on Monday.")];
    let sent = visitor.send_over(&page, &message, &send, &typed);
    assert_eq!(end_of_job(&visitor, sent.location()), 0);
    assert_eq!(states(&console), "ann sent, bo sent");
    let sql = "SELECT count(*) FROM muster.invitations WHERE message = 'See you on Monday.'";
    assert_eq!(support::query_one(&console.url, sql), "2");
    // It leads back to the selection, which knows who was left out.
    let after = visitor.get(sent.location()).location().to_string();
    assert!(after.starts_with(&format!("{mail}?sent=")), "{after}");
    let after = visitor.page(&after);
    assert!(after.contains("2 mails were sent."), "{after}");
    let left = "Nobody is left. You left out 1 person.";
    assert!(after.contains(left), "{after}");
    assert!(!after.contains("Send to 1 person"), "{after}");
    // A page that is older than the sending sends nothing again.
    let again = visitor.send_over(&older, &message, &send, &typed);
    assert_eq!(again.status, 422, "{}", again.body);
    assert_eq!(
        support::query_one(&console.url, "SELECT max(resends) FROM muster.invitations"),
        "0"
    );

    let chosen = visitor.submit("/invitations", "/invitations/select", &[("which", "all")]);
    let chosen = chosen.location().to_string();
    let page = visitor.page(&chosen);
    assert!(page.contains("Send 2 reminders"), "{page}");
    let fields = [("message", "Please hurry.")];
    let reminded = visitor.submit(&chosen, &format!("{chosen}/remind"), &fields);
    assert_eq!(end_of_job(&visitor, reminded.location()), 0);
    let sql =
        "SELECT count(*) FROM muster.invitations WHERE resends = 1 AND message = 'Please hurry.'";
    assert_eq!(support::query_one(&console.url, sql), "2");

    let id = support::query_one(
        &console.url,
        "SELECT id FROM muster.invitations WHERE email = 'bo@firm.eu'",
    );
    let fields = [("which", "ticked"), ("id", id.as_str())];
    let chosen = visitor.submit("/invitations", "/invitations/select", &fields);
    let chosen = chosen.location().to_string();
    let cancelled = visitor.submit(&chosen, &format!("{chosen}/cancel"), &[]);
    assert_eq!(end_of_job(&visitor, cancelled.location()), 0);
    assert_eq!(states(&console), "ann sent, bo cancelled");
    // Nobody who was cancelled is reminded, and a link for them must be asked for.
    assert!(visitor.page(&chosen).contains("Send 0 reminders"));
    let sql = "SELECT id FROM muster.accounts WHERE username = 'bo'";
    let bo = format!("/people/{}", support::query_one(&console.url, sql));
    let refused = visitor.submit(&bo, &format!("{bo}/link"), &[]);
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(states(&console), "ann sent, bo cancelled");
    let made = visitor.submit_from(&refused.body, &format!("{bo}/link"), &[]);
    assert!(
        made.body.contains("http://127.0.0.1:8480/"),
        "{}",
        made.body
    );
    let history = visitor.page(&bo);
    assert!(history.contains("invitation"), "{history}");
}

#[test]
fn a_change_is_previewed_and_only_then_made() {
    let console = Console::start();
    with_people(&console);
    let visitor = console.owner();
    let list = "/people?group=Sales%2FEMEA";
    let chosen = visitor.submit(list, "/people/select", &[("which", "all")]);
    let chosen = chosen.location().to_string();
    assert!(visitor.page(&chosen).contains("2 people are chosen"));
    let action = format!("{chosen}/preview");
    let planned = visitor.submit(&chosen, &action, &[("status", "deactivate")]);
    assert_eq!(end_of_job(&visitor, planned.location()), 0);
    let open = "SELECT count(*) FROM muster.accounts WHERE status = 'deactivated'";
    assert_eq!(support::query_one(&console.url, open), "0");
    let page = visitor.page(&action);
    let held = page.contains("A safeguard holds");
    let apply = format!("{chosen}/apply");
    let wrong = visitor.submit_from(&page, &apply, &[("count", "77")]);
    assert_eq!(wrong.status, 422, "{}", wrong.body);
    if !held {
        let problem = "This is another number. Nothing was changed.";
        assert!(wrong.body.contains(problem), "{}", wrong.body);
        assert!(wrong.body.contains("value=\"77\""), "{}", wrong.body);
        let done = visitor.submit(&action, &apply, &[("count", "2")]);
        assert_eq!(end_of_job(&visitor, done.location()), 0);
        assert_eq!(support::query_one(&console.url, open), "2");
    }
    let fields = [("add_group", "Support")];
    let planned = visitor.submit(&chosen, &action, &fields);
    assert_eq!(end_of_job(&visitor, planned.location()), 0);
    let done = visitor.submit(&action, &apply, &[]);
    assert!(matches!(end_of_job(&visitor, done.location()), 0 | 1));
    let members = "SELECT count(*) FROM muster.memberships JOIN muster.groups g ON g.id = group_id
        WHERE g.path = 'Support'";
    assert_eq!(support::query_one(&console.url, members), "3");
}

#[test]
fn a_few_people_are_added_and_groups_made_renamed_and_removed() {
    let console = Console::start();
    with_people(&console);
    let visitor = console.owner();
    let typed = [
        (
            "people",
            "Dee Lund <dee@firm.eu>; eve@firm.eu, Bo@firm.eu, nobody",
        ),
        ("new_group", "New"),
        ("onboarding", "invite"),
    ];
    let checked = visitor.submit("/add", "/add/check", &typed);
    assert!(
        checked.body.contains("3 people were understood"),
        "{}",
        checked.body
    );
    for shown in [
        "Add 2 new people",
        "exists already",
        "1 person exists already and is left alone.",
        "1 line is no address.",
        "Sales/EMEA",
    ] {
        assert!(checked.body.contains(shown), "{shown}\n{}", checked.body);
    }
    let added = visitor.submit_from(&checked.body, "/add", &[]);
    assert_eq!(end_of_job(&visitor, added.location()), 0);
    let sql = "SELECT count(*) FROM muster.memberships JOIN muster.groups g ON g.id = group_id WHERE g.path = 'New'";
    assert_eq!(
        support::query_one(&console.url, sql),
        "2",
        "Bo is left alone"
    );
    assert_eq!(states(&console), "", "nobody is mailed");
    let again = visitor.submit("/add", "/add/check", &typed);
    assert!(
        again.body.contains("Nobody here is new.") && !again.body.contains("action=\"/add\""),
        "{}",
        again.body
    );
    let nobody = visitor.submit("/add", "/add/check", &[("people", " , ")]);
    assert_eq!(nobody.status, 422);

    let made = visitor.submit("/groups", "/groups/create", &[("name", "--Odd")]);
    assert_eq!(end_of_job(&visitor, made.location()), 0);
    let id = |path: &str| {
        support::query_one(
            &console.url,
            &format!("SELECT id FROM muster.groups WHERE path = '{path}'"),
        )
    };
    let odd = format!("/groups/{}", id("--Odd"));
    let renamed = visitor.submit(&odd, &format!("{odd}/rename"), &[("new", "Even")]);
    assert_eq!(end_of_job(&visitor, renamed.location()), 0);
    let new = format!("/groups/{}", id("New"));
    let wrong = visitor.submit(&new, &format!("{new}/remove"), &[("count", "3")]);
    assert_eq!(wrong.status, 422);
    // The page of the group is there again, with what was typed.
    let problem = "This is another number. Nothing was removed.";
    assert!(wrong.body.contains(problem), "{}", wrong.body);
    assert!(wrong.body.contains("value=\"3\""), "{}", wrong.body);
    let removed = visitor.submit(&new, &format!("{new}/remove"), &[("count", "2")]);
    assert_eq!(end_of_job(&visitor, removed.location()), 0);
    let left = "SELECT string_agg(path, ' ' ORDER BY path) FROM muster.groups";
    assert_eq!(
        support::query_one(&console.url, left),
        "Even Sales Sales/EMEA Support"
    );
}

#[test]
fn hostile_names_are_text_and_values_are_masked_until_they_are_shown() {
    let console = Console::start();
    let long = "long".repeat(2_000);
    let people = format!(
        "email,first_name,last_name,username,groups\n\
        ann@firm.eu,<script>alert(1)</script>,{{{{ 7*7 }}}},ann,<i>Group</i>\n\
        bo@firm.eu,\u{202e}evil,Ray,bo,{}\n",
        &long[..100]
    );
    let run = console.import(&people);
    let visitor = console.owner();
    let id = support::query_one(
        &console.url,
        "SELECT id FROM muster.accounts WHERE username = 'bo'",
    );
    let pages = [
        "/people".to_string(),
        "/groups".to_string(),
        format!("/people/{id}"),
        format!("/runs/{run}/invite"),
    ];
    for page in &pages {
        let masked = visitor.page(page);
        assert!(!masked.contains("bo@firm.eu"), "{page}");
        assert!(!masked.contains("<i>Group"), "{page}");
    }
    visitor.submit("/", "/values", &[]);
    for page in &pages {
        let shown = visitor.page(page);
        assert!(!shown.contains("<script>alert"), "{page}");
        assert!(!shown.contains('\u{202e}'), "{page}");
    }
    assert!(visitor.page("/people").contains("bo@firm.eu"));
    assert!(visitor.page("/people").contains("&lt;script&gt;"));
    let csv = visitor.page("/people/export?text=bo");
    assert!(
        csv.contains("bo@firm.eu") && !csv.contains("ann@firm.eu"),
        "{csv}"
    );
}

#[test]
fn people_are_found_by_part_of_a_name_in_either_order_and_in_any_writing() {
    let console = Console::start();
    console.import(
        "email,first_name,last_name,username\n\
        jane@firm.eu,Jane,Doe,jd_1\n\
        janis@firm.eu,Janis,Doering,jdx1\n\
        ayla@firm.eu,Ayla,ÜNAL,ayla\n",
    );
    let visitor = console.owner();
    visitor.submit("/", "/values", &[]);
    for (text, found) in [
        ("doe", "jane janis"),
        ("jane doe", "jane"),
        ("DOE+JANE", "jane"),
        ("jd_1", "jane"),
        ("j%25", ""),
        ("%C3%BCnal", "ayla"),
        ("ayla+unal", ""),
        ("%EF%BC%AAane", "jane"),
        ("\\", ""),
    ] {
        let csv = visitor.page(&format!("/people/export?text={}", text.replace(' ', "+")));
        let names = ["jane", "janis", "ayla"];
        let names = names
            .into_iter()
            .filter(|name| csv.contains(&format!("{name}@")));
        assert_eq!(names.collect::<Vec<_>>().join(" "), found, "{text}");
    }
}

#[test]
fn texts_of_mails_are_checked_before_they_are_kept() {
    let console = Console::start();
    std::fs::create_dir(console.folder.path().join("pipelines")).unwrap();
    std::fs::create_dir(console.folder.path().join("texts")).unwrap();
    let pipeline = "name = \"own\"\n[mail]\ntemplates = \"texts\"\n";
    console.write("pipelines/own.toml", pipeline);
    let visitor = console.owner();
    visitor.submit("/", "/values", &[]);
    let page = "/mails/notice?language=en&pipeline=own";
    let texts = [
        ("subject", "Changed"),
        ("text", "Hello {{ person.nmae }}"),
        ("html", "<p>Hello</p>"),
    ];
    let wrong = visitor.submit(page, "/mails/notice/see", &texts);
    assert!(wrong.body.contains("person.nmae"), "{}", wrong.body);
    let html = visitor.page(page);
    let kept = visitor.send_over(&html, "/mails/notice/see", "/mails/notice/save", &texts);
    assert!(kept.body.contains("person.nmae"), "{}", kept.body);
    assert!(!console.folder.path().join("texts/notice/en.txt").exists());
    let texts = [
        ("subject", "Changed"),
        ("text", "Hello {{ person.name }}"),
        ("html", "<p>Hello {{ person.name }}</p>"),
    ];
    let kept = visitor.send_over(&html, "/mails/notice/see", "/mails/notice/save", &texts);
    assert_eq!(kept.status, 303, "{}", kept.body);
    let written =
        std::fs::read_to_string(console.folder.path().join("texts/notice/en.txt")).unwrap();
    assert_eq!(written, "Hello {{ person.name }}");
    // A name that is a path opens no file.
    let stolen = visitor.get("/mails?pipeline=pipelines%2Fown.toml");
    assert_eq!(stolen.status, 422, "{}", stolen.body);
}

/// The page of links beside the console; its address, and the process.
fn serve(console: &Console) -> (String, Running) {
    let mut running = console.spawn(&["serve", "--listen", "127.0.0.1:0", "-p", "p.toml"]);
    let begun = Instant::now();
    loop {
        if let Some((_, rest)) = running.stdout().split_once("http://") {
            return (rest.split('/').next().unwrap().to_string(), running);
        }
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "the page doesn't start"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn in_a_browser_people_are_invited_and_one_accepts_in_another() {
    let mailbox = Mailbox::start(|_| Verdict::Take);
    let server = mailbox.url();
    let console = Console::start_with(&[], &[("MUSTER_SMTP", server.as_str())]);
    console.write("p.toml", &format!("name = \"test\"\n{MAIL}"));
    console.write("people.csv", PEOPLE);
    let imported = console.run(&["import", "people.csv", "-p", "p.toml", "--json"]);
    let summary: serde_json::Value = serde_json::from_str(&imported.stdout).unwrap();
    let run = summary["run"]["id"].as_str().unwrap();
    let (page, serving) = serve(&console);
    let browser = Browser::open();
    browser.go(&console.link());
    browser.wait_for("Overview");
    browser.go(&format!("http://{}/runs/{run}/invite", console.address));
    browser.press("Show values");
    browser.wait_for("Mask values");
    browser.press("Go on to the mail");
    browser.wait_for("Step 2 of 3");
    browser.fill("#message", "See you on Monday.");
    browser.press("Keep it and see the mail");
    browser.wait_for("The mail of");
    browser.press("Send to 3 people");
    browser.wait_for("How far the people of this run are");
    assert_eq!(states(&console), "ann sent, bo sent, cy sent");
    let kept = mailbox.kept();
    let mail = kept
        .iter()
        .find(|mail| mail.only() == "ann@firm.eu")
        .unwrap();
    let text = String::from_utf8_lossy(&mail.bytes).into_owned();
    assert!(text.contains("See you on Monday."), "{text}");

    let person = Browser::open();
    let path = crate::invitations::path_of(&mail.link());
    person.go(&format!("http://{page}{path}"));
    person.fill("#password", crate::invitations::PASSWORD);
    person.click("form button");
    let begun = Instant::now();
    while states(&console) != "ann accepted, bo sent, cy sent" {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "{}",
            person.text()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    browser.go(&format!(
        "http://{}/invitations?state=accepted",
        console.address
    ));
    browser.wait_for("ann@firm.eu");
    serving.kill();
}
