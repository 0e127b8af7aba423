//! One person edited, and previews that name people.

use super::people::end_of_job;
use super::{Console, Visitor};
use crate::support::{query_one, repository};

const PEOPLE: &str = "external_id,email,first_name,last_name,username,phone,Shoe\n\
    1,ann@firm.eu,Ann,Ng,ann,+49 30 123456,38\n\
    2,bo@firm.eu,Bo,Ray,bo,,40\n";

/// The page of somebody.
fn page_of(console: &Console, username: &str) -> String {
    let sql = format!("SELECT id FROM muster.accounts WHERE username = '{username}'");
    format!("/people/{}", query_one(&console.url, &sql))
}

/// Sends the form of a person's values; the page of the preview, and its address.
fn previewed(visitor: &Visitor, person: &str, fields: &[(&str, &str)]) -> (String, String) {
    let edit = format!("{person}/edit");
    let planned = visitor.submit(&edit, &edit, fields);
    end_of_job(visitor, planned.location());
    let job = visitor.get(planned.location());
    let preview = match job.status {
        303 => job.location().to_string(),
        _ => {
            let id = planned.location();
            let sql = format!("SELECT leads_to FROM muster.jobs WHERE id = '{}'", &id[6..]);
            query_one(&visitor.console.url, &sql)
        }
    };
    (visitor.page(&preview), preview)
}

#[test]
fn one_person_is_edited_as_a_run_that_can_be_undone() {
    let console = Console::start();
    console.import(PEOPLE);
    let visitor = console.owner();
    let ann = page_of(&console, "ann");
    let masked = visitor.page(&format!("{ann}/edit"));
    assert!(masked.contains("Values are masked"), "{masked}");
    assert!(!masked.contains("ann@firm.eu") && !masked.contains("v-email"));
    visitor.submit("/", "/values", &[]);

    // Somebody else has that address: it is refused, and the page says who.
    let (taken, _) = previewed(&visitor, &ann, &[("v-email", "Bo@firm.eu")]);
    assert!(taken.contains("Somebody else has this already:"), "{taken}");
    let bo = page_of(&console, "bo");
    assert!(taken.contains(&format!("<a href=\"{bo}\">")), "{taken}");
    assert!(taken.contains("There is nothing to change."), "{taken}");
    assert!(taken.contains(&format!("{ann}/edit")), "{taken}");
    // What is no address is found as in an import.
    let (wrong, _) = previewed(&visitor, &ann, &[("v-email", "nowhere")]);
    assert!(wrong.contains("not an e-mail address"), "{wrong}");
    // What an account can't be without isn't taken away.
    let (kept, _) = previewed(&visitor, &ann, &[("v-email", "")]);
    assert!(
        kept.contains("can&#39;t be cleared") || kept.contains("can't be cleared"),
        "{kept}"
    );

    let fields = [
        ("v-email", "ann.ng@firm.eu"),
        ("v-first_name", "Anne"),
        ("v-phone", ""),
        ("v-attributes.Shoe", "39"),
    ];
    let (preview, address) = previewed(&visitor, &ann, &fields);
    for change in [
        "ann@firm.eu</bdi> → <bdi>ann.ng@firm.eu",
        "Ann</bdi> → <bdi>Anne",
        "38</bdi> → <bdi>39",
        "nothing",
        "Change 1 person",
    ] {
        assert!(preview.contains(change), "{change}\n{preview}");
    }
    let now = "SELECT concat_ws('|', email, first_name, phone, attributes->>'Shoe')
        FROM muster.accounts WHERE username = 'ann'";
    assert_eq!(
        query_one(&console.url, now),
        "ann@firm.eu|Ann|+4930123456|38"
    );
    let apply = address.replace("/preview", "/apply");
    let done = visitor.submit(&address, &apply, &[]);
    assert_eq!(end_of_job(&visitor, done.location()), 0);
    assert_eq!(query_one(&console.url, now), "ann.ng@firm.eu|Anne|39");
    // No value of a person is in the arguments of a command, or in the audit.
    let said = "SELECT count(*) FROM muster.jobs WHERE array_to_string(args, ' ') LIKE '%ann.ng%'";
    assert_eq!(query_one(&console.url, said), "0");
    let said = "SELECT count(*) FROM muster.audit WHERE audit::text LIKE '%ann.ng%'";
    assert_eq!(query_one(&console.url, said), "0");
    let run = visitor.get(done.location()).location().to_string();
    let audit = format!("/audit?about={}", run.trim_start_matches("/runs/"));
    let audit = visitor.page(&audit);
    assert!(audit.contains("console:local"), "{audit}");
    let history = visitor.page(&ann);
    assert!(history.contains("changed by import"), "{history}");
    let undone = console.run(&["undo", run.trim_start_matches("/runs/")]);
    assert_eq!(undone.exit, 0, "{undone:?}");
    assert_eq!(
        query_one(&console.url, now),
        "ann@firm.eu|Ann|+4930123456|38"
    );
}

#[test]
fn an_older_page_overwrites_nothing_that_it_did_not_change() {
    let console = Console::start();
    console.import(PEOPLE);
    let visitor = console.owner();
    visitor.submit("/", "/values", &[]);
    let ann = page_of(&console, "ann");
    let edit = format!("{ann}/edit");
    let old = visitor.page(&edit);
    let change = [
        "people",
        "change",
        "--only",
        "ann@firm.eu",
        "--set",
        "last_name=Newer",
        "--apply",
    ];
    assert_eq!(console.run(&change).exit, 0);
    // All fields of the form come back, as a browser sends them.
    let fields = [("v-last_name", "Ng"), ("v-first_name", "Anne")];
    let planned = visitor.submit_from(&old, &edit, &fields);
    assert_eq!(end_of_job(&visitor, planned.location()), 0);
    let preview = visitor.get(planned.location()).location().to_string();
    let page = visitor.page(&preview);
    assert!(
        page.contains("Anne") && !page.contains("Newer</bdi> →"),
        "{page}"
    );
    // Nothing at all was changed on the page: nothing is planned.
    let same = visitor.submit(&edit, &edit, &[("v-last_name", "Newer")]);
    assert_eq!(same.location(), ann);
}

#[test]
fn previews_name_everybody_page_by_page() {
    let console = Console::start();
    let mut people = "email,first_name,last_name\n".to_string();
    for number in 1..=60 {
        people.push_str(&format!("p{number}@firm.eu,First{number},Last{number}x\n"));
    }
    console.import(&people);
    let visitor = console.owner();
    visitor.submit("/", "/values", &[]);
    let chosen = visitor.submit("/people", "/people/select", &[("which", "all")]);
    let chosen = chosen.location().to_string();
    let preview = format!("{chosen}/preview");
    let planned = visitor.submit(&chosen, &preview, &[("role", "manager")]);
    end_of_job(&visitor, planned.location());
    let named = |page: &str| {
        let names = (1..=60).filter(|number| page.contains(&format!("Last{number}x")));
        names.count()
    };
    let first = visitor.page(&format!("{preview}?what=held"));
    let first =
        match first.contains("user</bdi> → <bdi>manager") || first.contains("user → manager") {
            true => first,
            false => visitor.page(&preview),
        };
    assert_eq!(named(&first), 50, "{first}");
    assert!(first.contains("and 10 more"), "{first}");
    let what = if first.contains("50 of 60: held") {
        "held"
    } else {
        "updated"
    };
    let second = visitor.page(&format!("{preview}?what={what}&page=2"));
    assert_eq!(named(&second), 10, "{second}");
    assert!(!second.contains("more</p>"), "{second}");
    // Whoever doesn't see values sees no names.
    visitor.submit("/", "/values", &[]);
    assert_eq!(named(&visitor.page(&preview)), 0);
}

#[test]
fn roles_are_the_same_list_everywhere() {
    let console = Console::start();
    std::fs::create_dir(console.folder.path().join("pipelines")).unwrap();
    let school = "name = \"school\"\n[accounts]\nroles = [\"pupil\", \"teacher\"]\ndefault_role = \"pupil\"\n";
    console.write("pipelines/school.toml", school);
    console.write("pipelines/broken.toml", "name = ");
    console.write(
        "people.csv",
        "email,first_name,last_name,role\nann@firm.eu,Ann,Ng,teacher\n",
    );
    let imported = console.run(&["import", "people.csv", "-p", "school"]);
    assert_eq!(imported.exit, 0, "{imported:?}");
    let visitor = console.owner();
    visitor.submit("/", "/values", &[]);
    let chosen = visitor.submit("/people", "/people/select", &[("which", "all")]);
    let chosen = chosen.location().to_string();
    let edit = format!("{}/edit", page_of_email(&console, "ann@firm.eu"));
    for page in ["/people", "/add", &chosen, &edit] {
        let html = visitor.page(page);
        for role in ["user", "manager", "pupil", "teacher"] {
            assert!(html.contains(&format!("value=\"{role}\"")), "{page} {role}");
        }
    }
    // And each of them can be given.
    let typed = [("people", "Bo Ray <bo@firm.eu>"), ("role", "teacher")];
    let checked = visitor.submit("/add", "/add/check", &typed);
    let added = visitor.submit_from(&checked.body, "/add", &[]);
    assert_eq!(end_of_job(&visitor, added.location()), 0);
    let role = "SELECT role FROM muster.accounts WHERE email_key = 'bo@firm.eu'";
    assert_eq!(query_one(&console.url, role), "teacher");
}

fn page_of_email(console: &Console, email: &str) -> String {
    let sql = format!("SELECT id FROM muster.accounts WHERE email_key = '{email}'");
    format!("/people/{}", query_one(&console.url, &sql))
}

#[test]
fn accounts_of_an_application_are_shown_and_changed_by_its_pipeline() {
    let console = Console::start();
    let fixtures = repository().join("fixtures/targets");
    let read = |name: &str| std::fs::read_to_string(fixtures.join(name)).unwrap();
    crate::support::query(&console.url, &read("devise.sql"));
    std::fs::create_dir(console.folder.path().join("pipelines")).unwrap();
    console.write("pipelines/devise.toml", &read("devise.toml"));
    console.write("devise.csv", &read("devise.csv"));
    let imported = console.run(&["import", "devise.csv", "-p", "devise"]);
    assert!(matches!(imported.exit, 0 | 1), "{imported:?}");
    let visitor = console.owner();
    visitor.submit("/", "/values", &[]);
    let list = visitor.page("/people");
    let count = query_one(&console.url, "SELECT count(*) FROM muster.accounts");
    assert!(count.parse::<u32>().unwrap() > 1);
    assert!(list.contains(&format!("{count} people")), "{list}");
    assert!(list.contains("a table of another application"), "{list}");
    assert!(list.contains("public.users"), "{list}");
    // The table has no column for a phone, but one for the name.
    let email = query_one(&console.url, "SELECT min(email) FROM muster.accounts");
    let person = page_of_email(&console, &email.to_lowercase());
    let edit = visitor.page(&format!("{person}/edit"));
    assert!(
        edit.contains("v-first_name") && !edit.contains("v-phone"),
        "{edit}"
    );
    let (preview, address) = previewed(&visitor, &person, &[("v-first_name", "Changed")]);
    assert!(preview.contains("Change 1 person"), "{preview}");
    let apply = address.replace("/preview", "/apply");
    let done = visitor.submit(&address, &apply, &[]);
    assert_eq!(end_of_job(&visitor, done.location()), 0);
    let sql = format!("SELECT first_name FROM users WHERE email = '{email}'");
    assert_eq!(query_one(&console.url, &sql), "Changed");

    // Without its pipeline, they can only be looked at.
    std::fs::remove_file(console.folder.path().join("pipelines/devise.toml")).unwrap();
    let list = visitor.page("/people");
    assert!(list.contains("You can only look at them"), "{list}");
    assert!(list.contains(&format!("{count} people")), "{list}");
    assert!(!list.contains("action=\"/people/select\""), "{list}");
    assert!(!visitor.page(&person).contains("/edit\""));
}
