//! Pages about runs: the summary, its rows, fixes, decisions, approval and undo.

use std::time::Duration;

use serde_json::Value;

use super::browser::Browser;
use super::{Answer, Console, Visitor};

const STRICT: &str = "name = \"strict\"\n[rows]\nreject = [\"country.unknown\"]\n";
const PEOPLE: &str = "email,first_name,last_name,external_id,country\n\
    ann@firm.org,Ann,Ng,E1,DE\n\
    bob@firm.org,Bob,Ray,E2,Atlantis\n\
    cem@firm.org,Cem,Oz,E3,Atlantis\n\
    dee@,Dee,Orr,E4,FR\n\
    eva@firm.org,,Poe,E5,FR\n\
    fay@firm.org,Fay\n";

/// Imports a file by the command line; the run's id.
fn import(console: &Console, name: &str, text: &str, more: &[&str]) -> String {
    console.write(name, text);
    let mut arguments = vec!["import", name, "--json", "-q"];
    arguments.extend(more);
    let done = console.run(&arguments);
    assert!(matches!(done.exit, 0..=3), "{}", done.stderr);
    let summary: Value = serde_json::from_str(&done.stdout).unwrap();
    summary["run"]["id"].as_str().unwrap().to_string()
}

fn strict(console: &Console) -> String {
    console.write("strict.toml", STRICT);
    import(console, "people.csv", PEOPLE, &["-p", "strict.toml"])
}

/// Somebody who sees values in full.
fn seeing(console: &Console) -> Visitor<'_> {
    let visitor = console.owner();
    assert_eq!(visitor.submit("/", "/values", &[]).status, 303);
    visitor
}

/// Waits until the job ended to which a form led; its run.
fn run_of(visitor: &Visitor, answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    for _ in 0..600 {
        let state = visitor.page(&format!("{}/state", answer.location()));
        let state: Value = serde_json::from_str(&state).unwrap();
        if state["state"] == "ended" {
            let run = state["run"].as_str();
            let page = || visitor.page(answer.location());
            return run.unwrap_or_else(|| panic!("{}", page())).to_string();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{} doesn't end", answer.location());
}

fn summary(console: &Console, run: &str) -> Value {
    let shown = console.run(&["show", run, "--json"]);
    serde_json::from_str(&shown.stdout).unwrap()
}

fn people(console: &Console) -> String {
    let list = [
        "people",
        "list",
        "--columns",
        "email,external_id,country,first_name",
        "--csv",
        "--unmasked",
    ];
    let listed = console.run(&list);
    assert_eq!(listed.exit, 0, "{}", listed.stderr);
    listed.stdout
}

#[test]
fn each_count_of_a_summary_leads_to_its_rows() {
    let console = Console::start();
    let run = strict(&console);
    let visitor = console.owner();
    let list = visitor.page("/runs");
    assert!(
        list.contains(">people.csv, ") && list.contains(&run),
        "{list}"
    );
    let page = visitor.page(&format!("/runs/{run}"));
    for (link, count) in [
        ("outcome=created", 1),
        ("outcome=rejected", 5),
        ("code=country.unknown", 2),
        ("code=email.syntax", 1),
    ] {
        let address = format!("/runs/{run}/rows?{link}");
        assert!(page.contains(&format!("href=\"{address}\"")), "{link}");
        let rows = visitor.page(&address);
        let rows_in = rows.matches("<tr id=\"row-").count();
        assert_eq!(rows_in, count, "{link}: {rows}");
    }
    // Values are masked until somebody asks for them, also from searches.
    let rows = visitor.page(&format!("/runs/{run}/rows"));
    assert!(
        rows.contains("a***@f***.org") && !rows.contains("ann@firm.org"),
        "{rows}"
    );
    assert!(!rows.contains("name=\"text\""));
    let searched = visitor.page(&format!("/runs/{run}/rows?text=ann"));
    assert_eq!(searched.matches("<tr id=\"row-").count(), 6);
    visitor.submit("/", "/values", &[]);
    let searched = visitor.page(&format!("/runs/{run}/rows?text=ANN"));
    assert_eq!(searched.matches("<tr id=\"row-").count(), 1);
    assert!(searched.contains("ann@firm.org"));
    let reversed = visitor.page(&format!("/runs/{run}/rows?sort=last&page=1"));
    let (first, last) = (reversed.find("row-6"), reversed.find("row-1\""));
    assert!(first < last, "{reversed}");
    assert_eq!(visitor.get("/runs/20200101-000000-0000").status, 422);
    assert_eq!(
        visitor
            .get(&format!("/runs/{run}/files/..%2Fpeople.csv"))
            .status,
        404
    );
    let file = visitor.get(&format!("/runs/{run}/files/corrections.csv"));
    assert!(
        file.header("content-disposition")
            .contains("corrections.csv")
    );
    assert!(file.body.contains("bob@firm.org"));
}

#[test]
fn fixed_rows_are_imported_as_a_resubmission() {
    let console = Console::start();
    let run = strict(&console);
    let visitor = seeing(&console);
    let fix = format!("/runs/{run}/fix");
    let page = visitor.page(&fix);
    assert!(page.contains("5 rows still need a fix"), "{page}");
    assert!(page.contains("2 rows, 1 value"), "{page}");
    // A value for all rows that have it, a wrong one first.
    for value in ["Nowhere", "de"] {
        let saved = visitor.submit(&fix, &fix, &[("value", value)]);
        assert_eq!(saved.location(), fix);
    }
    let page = visitor.page(&fix);
    assert!(
        page.contains("2 rows are right by now") && page.contains("3 rows still need"),
        "{page}"
    );
    // A cell of one row, a row as a whole, and one that is left out.
    let row = format!("{fix}?row=5");
    let cells = ["eva@firm.org", "Eva", "Poe", "E5", "FR"].map(|value| ("value", value));
    visitor.submit(&row, &fix, &cells);
    visitor.submit(&format!("{fix}?row=4"), &format!("{fix}/leave-out"), &[]);
    // A short row isn't right because the corrections file is filled up.
    let page = visitor.page(&format!("{fix}?row=6"));
    assert!(
        page.contains("no last name") || page.contains("fewer cells"),
        "{page}"
    );
    let page = visitor.page(&fix);
    assert!(
        page.contains("3 rows are right by now") && page.contains("1 row still needs"),
        "{page}"
    );
    assert!(!people(&console).contains("bob@"));
    let sent = visitor.submit(&fix, &format!("{fix}/import"), &[]);
    let second = run_of(&visitor, &sent);
    let list = people(&console);
    for line in [
        "bob@firm.org,E2,DE,Bob",
        "cem@firm.org,E3,DE,Cem",
        "eva@firm.org,E5,FR,Eva",
    ] {
        assert!(list.contains(line), "{line}\n{list}");
    }
    assert!(!list.contains("dee@") && !list.contains("fay@"), "{list}");
    let second = summary(&console, &second);
    assert_eq!(second["mends"][0]["run"], run.as_str());
    assert_eq!(second["mends"][0]["mended"], 3);
    let open = &summary(&console, &run)["open"];
    assert_eq!((&open["left"], &open["left_out"]), (&1.into(), &1.into()));
    assert!(visitor.page(&fix).contains("1 row still needs a fix"));
}

#[test]
fn what_a_safeguard_holds_is_approved_with_a_reason_and_undone() {
    let console = Console::start();
    console.write(
        "gate.toml",
        "name = \"gate\"\n[gates]\ncreate = { share = 0.0, count = 1, base = 0 }\n",
    );
    let list = "email,first_name,last_name\nann@firm.org,Ann,Ng\nbob@firm.org,Bob,Ray\n";
    let run = import(&console, "people.csv", list, &["-p", "gate.toml"]);
    let visitor = seeing(&console);
    let held = format!("/runs/{run}/held");
    assert!(visitor.page(&format!("/runs/{run}")).contains(&held));
    let page = visitor.page(&held);
    assert!(
        page.contains("bob@firm.org") && page.contains("2 new accounts"),
        "{page}"
    );
    let wrong = visitor.submit(
        &held,
        &held,
        &[("reason", "they are\nnew here"), ("count", "3")],
    );
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("they are\nnew here"), "{}", wrong.body);
    let sent = visitor.submit(
        &held,
        &held,
        &[("reason", "they are new here"), ("count", "2")],
    );
    let approved = run_of(&visitor, &sent);
    let approval = &summary(&console, &approved)["run"]["approves"];
    assert_eq!(
        (&approval["of"], &approval["reason"]),
        (&run.as_str().into(), &"they are new here".into())
    );
    assert!(people(&console).contains("bob@firm.org"));
    assert!(visitor.page(&held).contains("Nothing of this run is held."));
    let undo = format!("/runs/{approved}/undo");
    let page = visitor.page(&undo);
    assert!(page.contains("accounts removed"), "{page}");
    assert_eq!(visitor.submit(&undo, &undo, &[("count", "1")]).status, 422);
    let undone = run_of(&visitor, &visitor.submit(&undo, &undo, &[("count", "2")]));
    assert_eq!(summary(&console, &undone)["undo"]["removed"], 2);
    assert!(!people(&console).contains("bob@firm.org"));
    let page = visitor.page(&format!("/runs/{approved}"));
    assert!(
        page.contains("This run was undone:") && page.contains(&undone),
        "{page}"
    );
}

#[test]
fn who_imported_may_not_approve_where_that_is_a_rule() {
    let console = Console::start();
    let rule = "name = \"gate\"\n[gates]\ncreate = { share = 0.0, count = 1, base = 0 }\n";
    console.write("gate.toml", rule);
    console.write(
        "people.csv",
        "email,first_name,last_name\nann@firm.org,Ann,Ng\nbob@firm.org,Bob,Ray\n",
    );
    let owner = console.owner();
    let ann = console.administrator("Ann Ng", "approver");
    let bo = console.administrator("Bo Lee", "approver");
    let arguments = ["import", "people.csv", "--json", "-q", "-p", "gate.toml"];
    let home = console.home.path().to_str().unwrap();
    let by_ann = [("MUSTER_HOME", home), ("MUSTER_ACTOR", "console:Ann Ng")];
    let imported =
        crate::support::start_with(console.folder.path(), &console.url, &arguments, &by_ann);
    let imported: Value = serde_json::from_str(&imported.finish().stdout).unwrap();
    let run = imported["run"]["id"].as_str().unwrap();
    let held = format!("/runs/{run}/held");
    let form = format!("action=\"{held}\"");
    assert!(ann.page(&held).contains(&form));
    let opened = ann.page(&held);
    let kept = owner.submit("/settings", "/settings/approvals", &[("second", "yes")]);
    assert_eq!(kept.location(), "/settings");
    let page = ann.page(&held);
    assert!(
        page.contains("You started this run.") && !page.contains(&form),
        "{page}"
    );
    // The page that was opened before doesn't help, and neither does the command line.
    let reason = [("reason", "they are new"), ("count", "2")];
    let refused = ann.submit_from(&opened, &held, &reason);
    assert_eq!(refused.status, 422, "{}", refused.body);
    let approve = ["approve", run, "--reason", "they are new"];
    let refused =
        crate::support::start_with(console.folder.path(), &console.url, &approve, &by_ann);
    let refused = refused.finish();
    assert_eq!(refused.exit, 2);
    assert!(
        refused.stderr.contains("may not approve"),
        "{}",
        refused.stderr
    );
    run_of(&bo, &bo.submit(&held, &held, &reason));
    assert!(people(&console).contains("bob@firm.org"));
}

#[test]
fn a_doubtful_row_is_about_this_person_or_that_or_nobody() {
    let console = Console::start();
    let head = "external_id,first_name,last_name,email,username\n";
    let monday = format!(
        "{head}1,Ann,Ng,ann@firm.org,ann\n2,Bo,Lee,bo@firm.org,bo\n03,Cy,Oz,cy@firm.org,cy\n4,Di,Orr,di@firm.org,di\n5,Ed,Poe,ed@firm.org,ed\n"
    );
    import(&console, "monday.csv", &monday, &[]);
    // Two with a new id, one whose id lost its zero, one whose keys are of two people, one whose id
    // went to somebody else.
    let tuesday = format!(
        "{head}11,Ann,Ng,ann@firm.org,ann\n12,Bo,Lee,bo@firm.org,bo\n3,Cy,Oz,cy@firm.org,cy\n4,Di,Orr,ed@firm.org,di\n"
    );
    let run = import(&console, "tuesday.csv", &tuesday, &[]);
    let visitor = seeing(&console);
    let decide = format!("/runs/{run}/decide");
    let page = visitor.page(&decide);
    assert!(page.contains("4 rows may be about somebody"), "{page}");
    let account = |email: &str| {
        let listed = console.run(&[
            "people",
            "list",
            "--columns",
            "account,email",
            "--csv",
            "--unmasked",
        ]);
        let mut lines = listed.stdout.lines();
        let line = lines.find(|line| line.contains(email)).unwrap();
        line.split(',').next().unwrap().to_string()
    };
    let ann = account("ann@firm.org");
    let answer = |row: &str, who: &str, key: &str| {
        let fields = [("row", row), ("who", who), ("key", key)];
        visitor.submit(&decide, &decide, &fields)
    };
    // Somebody new needs an address of their own.
    assert_eq!(answer("2", "new", "").status, 422);
    assert_eq!(answer("1", &ann, "").status, 303);
    assert_eq!(answer("2", "new", "bo.lee@firm.org").status, 303);
    assert_eq!(answer("3", &account("cy@firm.org"), "").status, 303);
    // Bo's username is that of the other Bo, too.
    assert!(visitor.page(&decide).contains("2 rows may be about"));
    assert_eq!(answer("2", "new", "bolee").status, 303);
    // An account that isn't among those in doubt is no answer.
    answer("4", &ann, "");
    assert!(visitor.page(&decide).contains("1 row may be about"));
    assert_eq!(answer("4", &account("di@firm.org"), "").status, 303);
    let page = visitor.page(&decide);
    assert!(page.contains("Nobody is in doubt any more."), "{page}");
    let fix = format!("/runs/{run}/fix");
    run_of(
        &visitor,
        &visitor.submit(&fix, &format!("{fix}/import"), &[]),
    );
    let list = people(&console);
    for line in [
        "ann@firm.org,11,",
        "cy@firm.org,03,",
        "di@firm.org,4,",
        "ed@firm.org,5,",
        "bo@firm.org,2,",
        "bo.lee@firm.org,12,",
    ] {
        assert!(list.contains(line), "{line}\n{list}");
    }
    assert_eq!(account("ann@firm.org"), ann);
}

#[test]
fn hostile_names_are_text_on_each_page_of_a_run() {
    let console = Console::start();
    let long = "Long".repeat(500);
    let list = format!(
        "email,first_name,last_name,<b>note</b>\n\
        \"<b>x</b>@\",<script>alert(1)</script>,\u{202e}txt,\"\"\"><img src=x>\"\n\
        ok@firm.org,<i>Ok</i>,{long},x\nann@firm.org,<u>Ann</u>,Ng,\"<script>2</script>\"\n"
    );
    let run = import(&console, "<b>.csv", &list, &[]);
    let visitor = seeing(&console);
    for page in [
        "",
        "/rows",
        "/fix",
        "/fix?row=1",
        "/held",
        "/changes",
        "/decide",
        "/undo",
    ] {
        let html = visitor.page(&format!("/runs/{run}{page}"));
        for raw in [
            "<script>alert",
            "<script>2",
            "<b>x",
            "<b>note",
            "<b>.csv",
            "<i>Ok",
            "<img",
            "\u{202e}",
        ] {
            // A field holds the value as it is.
            let is_typed = raw == "\u{202e}" && page.starts_with("/fix");
            assert!(is_typed || !html.contains(raw), "{page}: {raw}");
        }
    }
    assert!(visitor.page("/runs").contains("&lt;b&gt;.csv"));
}

#[test]
fn an_administrator_fixes_rows_in_a_browser() {
    let console = Console::start();
    let run = strict(&console);
    let browser = Browser::open();
    browser.go(&console.link());
    browser.wait_for("What needs attention");
    browser.go(&format!("http://{}/runs/{run}", console.address));
    browser.press("Show values");
    browser.wait_for("Mask values");
    browser.press("Fix rows");
    browser.wait_for("5 rows still need a fix");
    browser.fill("form section:nth-of-type(1) input[name=value]", "DE");
    browser.click("form section:nth-of-type(1) button");
    browser.wait_for("2 rows are right by now");
    browser.press("Import 2 fixed rows");
    browser.wait_for("This run fixed 2 rows of");
    assert!(browser.text().contains("Fixed rows of people.csv, "));
    browser.click(&format!("p.note a[href='/runs/{run}']"));
    browser.wait_for("3 rows need fixing.");
}

const SAME: &str = "email,first_name,last_name,external_id,country\n\
    ann@firm.org,Ann,Ng,E1,DE\n\
    sam@firm.org,Sam,Poe,E2,FR\n\
    bob@firm.org,Bob,Ray,E3,DE\n\
    sam@firm.org,Samuel,Poe,E4,DE\n\
    kim@firm.org,Kim,Orr,E5,DE\n\
    KIM@firm.org,Kim,Oz,E6,FR\n\
    cem@,Cem,Ali,E7,DE\n";

#[test]
fn rows_of_one_person_are_side_by_side() {
    let console = Console::start();
    let run = import(&console, "people.csv", SAME, &[]);
    let visitor = seeing(&console);
    let fix = format!("/runs/{run}/fix");
    let page = visitor.page(&fix);
    assert!(page.contains("2 people are in several rows"), "{page}");
    assert!(
        page.contains("Lines 3, 5") && page.contains("Lines 6, 7"),
        "{page}"
    );
    // Only columns that differ are marked.
    let is_marked = |column: &str| {
        let head = format!("<th scope=\"row\"><bdi>{column}");
        let line = page.split(head.as_str()).nth(1).unwrap();
        line.split("</tr>").next().unwrap().contains("differs")
    };
    assert!(is_marked("first_name") && !is_marked("last_name"), "{page}");
    assert!(
        !page.contains("/tmp") && !page.contains("rows.csv"),
        "{page}"
    );
    // Of one pair, a row is kept; of the other, an address is corrected.
    let among = [("among", "2"), ("among", "4"), ("keep", "4")];
    assert_eq!(visitor.submit(&fix, &fix, &among).location(), fix);
    let page = visitor.page(&fix);
    assert!(page.contains("1 person is in several rows"), "{page}");
    let cells = [
        ("among", "5"),
        ("among", "6"),
        ("column", "email"),
        ("row", "5"),
        ("value", "kim@firm.org"),
        ("column", "email"),
        ("row", "6"),
        ("value", "kim.oz@firm.org"),
    ];
    visitor.submit(&fix, &fix, &cells);
    let page = visitor.page(&fix);
    assert!(!page.contains("in several rows"), "{page}");
    assert!(page.contains("3 rows are right by now"), "{page}");
    assert!(page.contains("2 fixes so far"), "{page}");
    let fixed = run_of(
        &visitor,
        &visitor.submit(&fix, &format!("{fix}/import"), &[]),
    );
    let list = people(&console);
    for line in [
        "sam@firm.org,E4,DE,Samuel",
        "kim@firm.org,E5,",
        "kim.oz@firm.org,E6,",
    ] {
        assert!(list.contains(line), "{line}\n{list}");
    }
    assert!(!list.contains(",E2,"), "{list}");
    // The new run names the list that was sent, and the lines there.
    let rows = visitor.page(&format!("/runs/{fixed}/rows"));
    assert!(rows.contains("Fixed rows of people.csv, "), "{rows}");
    for line in ["5", "6", "7"] {
        let cell = format!("data-label=\"Line\">{line}<");
        assert!(rows.contains(&cell), "{line}: {rows}");
    }
    assert!(visitor.page(&fix).contains("1 row still needs a fix"));
    no_page_names_a_folder(&console, &visitor, &[&run, &fixed]);
}

fn no_page_names_a_folder(console: &Console, visitor: &Visitor, runs: &[&str]) {
    let folder = console.folder.path().to_str().unwrap();
    let home = console.home.path().to_str().unwrap();
    for run in runs {
        for page in ["", "/rows", "/fix", "/held", "/decide", "/undo", "/invite"] {
            let html = visitor.page(&format!("/runs/{run}{page}"));
            for path in [folder, home, "/tmp/", "muster-runs/"] {
                assert!(!html.contains(path), "{page}: {path}\n{html}");
            }
        }
    }
}

const WARNED: &str = "email,first_name,last_name,phone\n\
    ann@gmial.com,Ann,Ng,+49 30 123456\n\
    bob@firm.org,Bob,Ray,12\n\
    cem@firm.org,Cem,Oz,+49 30 123457\n\
    dee@,Dee,Orr,\n";

#[test]
fn a_value_with_a_warning_is_corrected() {
    let console = Console::start();
    let run = import(&console, "people.csv", WARNED, &[]);
    let visitor = seeing(&console);
    let fix = format!("/runs/{run}/fix");
    let page = visitor.page(&fix);
    assert!(page.contains("Warnings (imported as they are)"), "{page}");
    assert!(page.contains("The domain looks mistyped"), "{page}");
    assert!(
        page.contains("ann@gmial.com") && page.contains("Not a phone number"),
        "{page}"
    );
    assert!(!page.contains("muster_of_account"), "{page}");
    let fields = [
        ("column", "email"),
        ("found", "ann@gmial.com"),
        ("value", "ann@gmail.com"),
        ("column", "phone"),
        ("found", "12"),
        ("value", "+49 30 123458"),
    ];
    visitor.submit(&fix, &fix, &fields);
    let page = visitor.page(&fix);
    assert!(
        page.contains("2 corrected rows are not in the accounts yet."),
        "{page}"
    );
    let before = people(&console);
    let sent = visitor.submit(&fix, &format!("{fix}/import"), &[("what", "warned")]);
    let corrected = run_of(&visitor, &sent);
    let counts = &summary(&console, &corrected)["counts"];
    assert_eq!(
        (&counts["updated"], &counts["created"]),
        (&2.into(), &0.into()),
        "{counts}"
    );
    let list = people(&console);
    assert!(
        list.contains("ann@gmail.com") && !list.contains("gmial"),
        "{list}"
    );
    assert_eq!(list.lines().count(), before.lines().count());
    // It is linked with the first run, and is undone by itself.
    let page = visitor.page(&format!("/runs/{corrected}"));
    assert!(page.contains("This run fixed 2 rows of"), "{page}");
    let page = visitor.page(&fix);
    assert!(
        !page.contains("Warnings (imported") && page.contains("1 row still needs a fix"),
        "{page}"
    );
    let undo = format!("/runs/{corrected}/undo");
    run_of(&visitor, &visitor.submit(&undo, &undo, &[("count", "2")]));
    assert!(people(&console).contains("ann@gmial.com"));
    assert!(visitor.page(&fix).contains("Warnings (imported"));
}

#[test]
fn a_corrected_warning_takes_nobody_elses_address_and_needs_the_list() {
    let console = Console::start();
    let run = import(&console, "people.csv", WARNED, &[]);
    let visitor = seeing(&console);
    let fix = format!("/runs/{run}/fix");
    // Somebody else's address is refused, and the account stays as it is.
    let taken = [
        ("column", "email"),
        ("found", "ann@gmial.com"),
        ("value", "cem@firm.org"),
    ];
    visitor.submit(&fix, &fix, &taken);
    let page = visitor.page(&fix);
    assert!(!page.contains("not in the accounts yet"), "{page}");
    let row = visitor.page(&format!("{fix}?row=1"));
    assert!(
        row.contains("belong to different accounts") || row.contains("already"),
        "{row}"
    );
    // Without the list, nothing can be read again.
    std::fs::remove_file(console.folder.path().join("people.csv")).unwrap();
    for entry in std::fs::read_dir(console.folder.path().join("muster-runs").join(&run)).unwrap() {
        let path = entry.unwrap().path();
        if path
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("warned")
        {
            std::fs::remove_file(path).unwrap();
        }
    }
    assert!(visitor.page(&fix).contains("isn't kept here any more"));
}

#[test]
fn two_tabs_start_one_job() {
    let console = Console::start();
    let run = strict(&console);
    let visitors = [seeing(&console), seeing(&console)];
    let fix = format!("/runs/{run}/fix");
    let action = format!("{fix}/import");
    visitors[0].submit(&fix, &fix, &[("value", "DE")]);
    // Each tab has a nonce of its own.
    let pages = visitors.each_ref().map(|visitor| visitor.page(&fix));
    let started: Vec<Answer> = std::thread::scope(|scope| {
        let post = |index: usize| {
            let (visitor, page, action) = (&visitors[index], &pages[index], &action);
            scope.spawn(move || visitor.submit_from(page, action, &[]))
        };
        let posts = [post(0), post(1)];
        posts.map(|post| post.join().unwrap()).into_iter().collect()
    });
    let run = run_of(&visitors[0], &started[0]);
    // Who came when the first had ended finds nothing left to import.
    let second = started[1].location();
    assert!(second == started[0].location() || second == fix, "{second}");
    let jobs = crate::support::query(&console.url, "select count(*)::text from muster.jobs");
    assert_eq!(jobs[0][0].as_deref(), Some("1"));
    assert_eq!(summary(&console, &run)["counts"]["created"], 2);
}

#[test]
fn rows_to_fix_are_for_everybody_on_a_narrow_screen() {
    let console = Console::start();
    let list = format!("{SAME}gia@gmial.com,Gia,Loooooooooooooooooooooooooooooooong,E8,DE\n");
    let run = import(&console, "people.csv", &list, &[]);
    let browser = Browser::open();
    browser.go(&console.link());
    browser.wait_for("What needs attention");
    let fix = format!("http://{}/runs/{run}/fix", console.address);
    browser.go(&fix);
    browser.wait_for("Values of people are masked on this page.");
    browser.press("Show values");
    browser.wait_for("gia@gmial.com");
    let mut found = Vec::new();
    for page in ["/fix", "/fix?row=7", "", "/rows", "/invite"] {
        browser.go(&format!("http://{}/runs/{run}{page}", console.address));
        for width in [1280, 320] {
            browser.width(width);
            for scheme in ["light", "dark"] {
                browser.prefer("prefers-color-scheme", scheme);
                let all = browser.axe().into_iter();
                found.extend(all.map(|what| format!("{page} ({width}, {scheme}): {what}")));
                if let Ok(folder) = std::env::var("MUSTER_LOOK") {
                    let name = page.replace(['/', '?'], "-");
                    let name = format!("{folder}/run{name}-{width}-{scheme}.png");
                    browser.whole(std::path::Path::new(&name));
                }
            }
            let wide = browser.evaluate("return document.documentElement.scrollWidth");
            if wide.as_u64() > Some(width.into()) {
                found.push(format!("{page} is {wide} wide of {width}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    // By keyboard and button: the first of a pair is kept.
    browser.width(1280);
    browser.go(&fix);
    browser.click(".same:nth-of-type(1) tfoot td:nth-of-type(1) button");
    browser.wait_for("1 person is in several rows");
    browser.wait_for("1 row is right by now");
}
