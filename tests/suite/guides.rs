//! What the guides of other products describe as pages, followed step by step with commands alone.

use crate::invitations::{MAIL, PASSWORD, Page, Place, path_of};
use crate::mailbox::{Kept, Mailbox, Verdict};
use crate::support;

const ONE: &str = "id,first name,last name,email,groups\n1,Root,Admin,root@firm.eu,Staff\n";

fn to(kept: &[Kept], email: &str) -> Vec<Kept> {
    let mails = kept.iter().filter(|mail| mail.only() == email);
    mails.cloned().collect()
}

fn count(place: &Place, condition: &str) -> String {
    let sql = format!("select count(*)::text from muster.accounts where {condition}");
    support::query_one(&place.url, &sql)
}

#[test]
fn people_are_added_by_e_mail_with_a_password_of_ones_choice_groups_and_organization() {
    let place = Place::with(ONE, MAIL);
    place.write("password", &format!("{PASSWORD}\n"));
    let add = [
        "add",
        "neo@firm.eu; Leo Li <leo@firm.eu>",
        "--groups",
        "Exam, Exam/2026",
        "--organization",
        "Acme",
        "--onboarding",
        "setup",
        "--password-stdin",
        "-p",
        "p.toml",
    ];
    let input = place.folder.path().join("password");
    let added = support::run_with_stdin(place.folder.path(), &place.url, &input, &add);
    assert_eq!(added.exit, 0, "{added:?}");
    assert_eq!(
        count(&place, "organization = 'Acme' and status = 'active'"),
        "2"
    );
    let sql = "select count(*)::text from muster.credentials where must_change";
    assert_eq!(support::query_one(&place.url, sql), "2");
    let shown = place.good(&["people", "show", "leo@firm.eu"]);
    assert!(shown.contains("Exam/2026"), "{shown}");
    assert!(!format!("{added:?}{shown}").contains(PASSWORD));
}

#[test]
fn people_are_set_up_and_invited_with_and_without_e_mail_and_hear_of_their_sessions() {
    let mailbox = Mailbox::start(|_| Verdict::Take);
    let settings = "[require]\nfields = []\nemail_or_username = true\n";
    let place = Place::with(ONE, &format!("{MAIL}{settings}")).by(&mailbox);
    let invited = [
        "add",
        "ann@firm.eu, bo@firm.eu; cy@firm.eu",
        "--groups",
        "4a",
        "-p",
        "p.toml",
    ];
    place.good(&invited);
    place.write(
        "sessions.csv",
        "name,starts\nMaths,2099-01-10T09:00Z\nArt,2099-01-08T09:00Z\n",
    );
    place.good(&["sessions", "import", "sessions.csv"]);
    place.write(
        "class.csv",
        "email,username,first name,last name,groups,sessions\n\
         ann@firm.eu,,Ann,Li,4a,Maths; Art\n,kim,Kim,Ng,4a,Art\nbo@firm.eu,,Bo,Ox,4a,\n",
    );
    place.good(&["import", "class.csv", "-p", "p.toml"]);
    place.good(&["invite", "last", "--send"]);
    let subjects = |email: &str| -> Vec<String> {
        let mails = to(&mailbox.kept(), email);
        mails.iter().map(subject).collect()
    };
    let of_ann = subjects("ann@firm.eu");
    assert!(
        of_ann.len() == 3 && of_ann[1].starts_with("Art") && of_ann[2].starts_with("Maths"),
        "the invitation, then a mail a session in the order of their dates: {of_ann:?}"
    );
    assert_eq!(subjects("bo@firm.eu").len(), 1);
    // Nobody but Kim needs a card.
    let cards = place.good(&["invitations", "link", "-o", "cards", "--run", "last"]);
    let list = std::fs::read_to_string(place.folder.path().join("cards/links.csv")).unwrap();
    assert_eq!(list.lines().count(), 2, "{cards}\n{list}");
    assert!(list.contains("kim"), "{list}");
    let listed = place.good(&["invitations", "list", "--state", "sent"]);
    assert!(listed.contains("session"), "{listed}");
    // Remind, then cancel.
    place.good(&["invitations", "resend", "bo@firm.eu", "--send"]);
    let [first, second] = to(&mailbox.kept(), "bo@firm.eu").try_into().unwrap();
    let page = Page::start(&place);
    assert_eq!(page.get(&path_of(&first.link())).0, 404);
    assert_eq!(page.get(&path_of(&second.link())).0, 200);
    place.good(&["invitations", "cancel", "bo@firm.eu", "--remove-accounts"]);
    assert_eq!(page.get(&path_of(&second.link())).0, 404);
    assert_eq!(count(&place, "email = 'bo@firm.eu'"), "0");
}

#[test]
fn a_template_is_filled_imported_listed_and_changed_in_bulk_and_a_mail_says_it_is_done() {
    let mailbox = Mailbox::start(|_| Verdict::Take);
    let place = Place::with(ONE, &format!("{MAIL}admin = \"boss@firm.eu\"\n")).by(&mailbox);
    let template = place.good(&["template", "-p", "p.toml"]);
    let columns: Vec<&str> = template.lines().next().unwrap().trim().split(',').collect();
    let row = |first: &str| -> String {
        let cell = |column: &&str| match *column {
            "email" => format!("{}@firm.eu", first.to_lowercase()),
            "first_name" => first.to_string(),
            "last_name" => "Li".to_string(),
            "groups" => "Pupils".to_string(),
            _ => String::new(),
        };
        columns.iter().map(cell).collect::<Vec<_>>().join(",")
    };
    let rows = ["Ann", "Bo", "Cy"].map(row).join("\n");
    place.write("filled.csv", &format!("{}\n{rows}\n", columns.join(",")));
    place.good(&["import", "filled.csv", "-p", "p.toml"]);
    let listed = place.good(&["people", "list", "--group", "Pupils", "--csv"]);
    assert_eq!(listed.lines().count(), 4, "{listed}");
    let change = [
        "people",
        "change",
        "--only",
        "group:Pupils",
        "--set",
        "organization=North",
        "-p",
        "p.toml",
    ];
    place.good(&change);
    assert_eq!(count(&place, "organization = 'North'"), "0", "a preview");
    place.good(&[&change[..], &["--apply"]].concat());
    assert_eq!(count(&place, "organization = 'North'"), "3");
    place.good(&["report", "last", "--send", "-p", "p.toml"]);
    assert_eq!(to(&mailbox.kept(), "boss@firm.eu").len(), 1);
    place.good(&["undo", "last"]);
    assert_eq!(count(&place, "organization = 'North'"), "0");
}

#[test]
fn details_and_a_group_are_required_and_a_link_is_copied_that_works_seven_days() {
    let settings = "[require]\nfields = [\"first_name\", \"last_name\", \"phone\"]\n[groups]\nrequired = true\n";
    let people = "id,first name,last name,email,groups,phone\n1,Root,Admin,root@firm.eu,Staff,+41 44 123 45 67\n";
    let mailbox = Mailbox::start(|_| Verdict::Take);
    let place = Place::with(people, &format!("{MAIL}{settings}")).by(&mailbox);
    place.write(
        "more.csv",
        "id,first name,last name,email,groups,phone\n\
         2,Ann,Li,ann@firm.eu,Staff,+41 44 123 45 68\n3,Bo,Ng,bo@firm.eu,,+41 44 123 45 69\n4,Cy,Ox,cy@firm.eu,Staff,\n",
    );
    let imported = place.run(&["import", "more.csv", "-p", "p.toml", "--json"]);
    assert_eq!(imported.exit, 1, "{imported:?}");
    assert_eq!(
        (imported.counts().created, imported.counts().rejected),
        (1, 2)
    );
    place.good(&["invite", "last", "--only", "ann@firm.eu", "--send"]);
    let link = place.good(&["invitations", "link", "ann@firm.eu"]);
    let sql = "select (expires_at - changed_at between interval '167 hours' and interval '169 hours')::text
        from muster.invitations where state in ('sent', 'unknown') and kind = 'invite' and email = 'ann@firm.eu'";
    assert_eq!(support::query_one(&place.url, sql), "true");
    let page = Page::start(&place);
    assert_eq!(page.get(&path_of(link.trim())).0, 200);
    place.good(&["invitations", "resend", "ann@firm.eu", "--send"]);
    assert_eq!(page.get(&path_of(link.trim())).0, 404, "the old link ends");
    let mails = to(&mailbox.kept(), "ann@firm.eu");
    let (status, answer) = page.submit(
        &path_of(&mails.last().unwrap().link()),
        &[
            ("first_name", "Ann"),
            ("last_name", "Li"),
            ("password", PASSWORD),
        ],
    );
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        count(&place, "email = 'ann@firm.eu' and status = 'active'"),
        "1"
    );
}

#[test]
fn people_of_a_summary_are_selected_previewed_mailed_and_mailed_again_at_any_time() {
    let mailbox = Mailbox::start(|_| Verdict::Take);
    let people = "id,first name,last name,email,groups\n1,Ann,Li,ann@firm.eu,Sales\n2,Bo,Ng,bo@firm.eu,Lab\n";
    let place = Place::with(people, MAIL).by(&mailbox);
    let summary = place.good(&["show", "last"]);
    assert!(summary.contains("created   2"), "{summary}");
    let preview = place.good(&[
        "invite",
        "last",
        "--only",
        "group:Sales",
        "--preview",
        "ann@firm.eu",
    ]);
    assert!(
        preview.contains("Ann") && preview.contains("nothing was sent"),
        "{preview}"
    );
    assert!(mailbox.kept().is_empty());
    place.good(&["invite", "last", "--only", "group:Sales", "--send"]);
    assert_eq!(mailbox.kept().len(), 1);
    // Whoever was mailed is mailed again only by a word of its own.
    place.good(&["invite", "last", "--send"]);
    assert_eq!(
        (
            to(&mailbox.kept(), "ann@firm.eu").len(),
            mailbox.kept().len()
        ),
        (1, 2)
    );
    place.good(&["invitations", "resend", "ann@firm.eu", "--send"]);
    assert_eq!(to(&mailbox.kept(), "ann@firm.eu").len(), 2);
}

fn subject(mail: &Kept) -> String {
    let parsed = mail_parser::MessageParser::default()
        .parse(&mail.bytes)
        .unwrap();
    parsed.subject().unwrap().to_string()
}
