//! Pages as browsers see them: for everybody (axe, keyboard, narrow, forced colours), and their pictures.

use serde_json::json;

use super::Console;
use super::browser::Browser;
use crate::support::{query_one, repository, wait_until};

/// Pages of one console. `{run}` is a run with rows to fix.
const PAGES: &[&str] = &[
    "/",
    "/import",
    "/runs",
    "/runs/{run}",
    "/runs/{run}/rows",
    "/runs/{run}/changes",
    "/runs/{run}/held",
    "/runs/{run}/fix",
    "/runs/{run}/decide",
    "/runs/{run}/undo",
    "/runs/{run}/invite",
    "/runs/{run}/reset",
    "/people",
    "/people/{person}",
    "/people/{person}/edit",
    "/people?phase=not-invited",
    "{selection}",
    "{preview}",
    "{preview}?what=unchanged",
    "/add",
    "/groups",
    "/groups/{group}",
    "/invitations",
    "/mails",
    "/mails/invite",
    "/settings",
    "/settings/administrators",
    "/settings/mails",
    "/settings/suppression",
    "/audit",
    "/help",
    "/help/safeguards",
    "/no-such-page",
];
/// Pages for nobody.
const OUTSIDE: &[&str] = &["/sign-in", "/password"];

/// Names that try to be something else.
const PEOPLE: &str = "email,first_name,last_name,groups\n\
    ann@a-firm.org,Ann,<script>alert(1)</script>,Sales\n\
    bob@a-firm.org,\u{202e}Bob,{{ 7 * 7 }},<b>Staff</b>\n\
    cy@a-firm.org,Cy,Loooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooong,Sales\n\
    not-an-address,Dee,Poe,Sales\n";

impl Browser {
    /// How wide the window is for the page, in pixels of CSS.
    pub fn width(&self, width: u32) {
        let screen =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.tell("Emulation.setDeviceMetricsOverride", screen);
    }

    /// What the page finds out about its reader, such as `prefers-color-scheme`.
    pub fn prefer(&self, feature: &str, value: &str) {
        let features = json!({ "features": [{ "name": feature, "value": value }] });
        self.tell("Emulation.setEmulatedMedia", features);
    }

    /// What axe finds against WCAG 2.2 AA and its best practices: rule and element.
    pub fn axe(&self) -> Vec<String> {
        let source = std::fs::read_to_string(repository().join("fixtures/axe/axe.min.js")).unwrap();
        let script = format!(
            "{source}; const done = arguments[0];
            axe.run(document, {{ resultTypes: ['violations'] }}).then((found) => done(found.violations.map(
                (one) => one.id + ': ' + one.nodes.map((node) => node.html.slice(0, 150)).join(' | '))),
                (error) => done([String(error)]));"
        );
        let found = self
            .runtime
            .block_on(self.driver.execute_async(script, Vec::new()));
        serde_json::from_value(found.unwrap().json().clone()).unwrap()
    }
}

fn console_with_people() -> (Console, String) {
    let console = Console::start();
    let run = console.import(PEOPLE);
    console.run(&["suppress", "never@a-firm.org", "--reason", "<b>asked"]);
    let place = format!("http://{}", console.address);
    console.run(&[
        "admins",
        "add",
        "Ann <i>Ng",
        "--role",
        "reader",
        "--console",
        &place,
    ]);
    (console, run)
}

/// A selection of everybody, and the preview of a change of them.
fn previewed(console: &Console) -> (String, String) {
    let visitor = console.owner();
    let chosen = visitor.submit("/people", "/people/select", &[("which", "all")]);
    let selection = chosen.location().to_string();
    let preview = format!("{selection}/preview");
    let planned = visitor.submit(&selection, &preview, &[("role", "manager")]);
    super::people::end_of_job(&visitor, planned.location());
    (selection, preview)
}

#[test]
fn axe_finds_nothing_and_nothing_is_cut_off() {
    let (console, run) = console_with_people();
    let id = |table: &str| {
        query_one(
            &console.url,
            &format!("select id from muster.{table} limit 1"),
        )
    };
    let (person, group) = (id("accounts"), id("groups"));
    let (selection, preview) = previewed(&console);
    let browser = Browser::open();
    let place = format!("http://{}", console.address);
    let mut found = Vec::new();
    let mut look = |path: &str| {
        browser.go(&format!("{place}{path}"));
        for scheme in ["light", "dark"] {
            browser.prefer("prefers-color-scheme", scheme);
            found.extend(
                browser
                    .axe()
                    .into_iter()
                    .map(|what| format!("{path} ({scheme}) {what}")),
            );
        }
        browser.width(320);
        let wide = browser
            .evaluate("return document.scrollingElement.scrollWidth")
            .as_u64();
        if wide > Some(320) {
            found.push(format!("{path} is {wide:?} wide of 320"));
        }
        found.extend(
            browser
                .axe()
                .into_iter()
                .map(|what| format!("{path} (320) {what}")),
        );
        browser.width(1280);
        let ran = browser.evaluate(
            "return document.querySelectorAll('main script, main i, main th b, main dd b').length",
        );
        if ran != json!(0) {
            found.push(format!("{path}: values are markup"));
        }
    };
    OUTSIDE.iter().for_each(|path| look(path));
    browser.go("about:blank");
    browser.go(&console.link());
    browser.wait_for("Overview");
    for path in PAGES {
        let path = path.replace("{run}", &run).replace("{person}", &person);
        let path = path.replace("{selection}", &selection);
        look(
            &path
                .replace("{preview}", &preview)
                .replace("{group}", &group),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn forced_colours_keep_buttons_and_states_visible() {
    let (console, _) = console_with_people();
    let browser = Browser::open();
    browser.go(&console.link());
    browser.wait_for("Overview");
    browser.prefer("forced-colors", "active");
    browser.go(&format!(
        "http://{}/settings/administrators",
        console.address
    ));
    let script = "return [...document.querySelectorAll('main button, main .badge')]
        .filter((one) => getComputedStyle(one).borderTopWidth === '0px').length";
    assert_eq!(browser.evaluate(script), json!(0));
    assert!(
        browser
            .evaluate("return document.querySelectorAll('main button').length")
            .as_u64()
            > Some(3)
    );
}

#[test]
fn the_whole_way_in_and_on_goes_by_keyboard() {
    let (console, _) = console_with_people();
    let place = format!("http://{}", console.address);
    let added = console.run(&[
        "admins",
        "add",
        "Kay",
        "--role",
        "owner",
        "--console",
        &place,
    ]);
    let browser = Browser::open();
    let keys = |keys: &str| {
        let sent = browser
            .runtime
            .block_on(browser.driver.action_chain().send_keys(keys).perform());
        sent.unwrap();
    };
    // As WebDriver writes these keys (section 17.4.2).
    let (tab, enter) = ("\u{e004}", "\u{e007}");
    let password = "six quiet boats at noon";
    browser.go(added.stdout.trim());
    browser.find("#password");
    // The script has put the reader into the field.
    keys(&format!("{password}{tab}{password}{tab}{enter}"));
    browser.wait_for("Overview");
    // The first stop leads past the navigation.
    browser.go(&format!("{place}/settings/administrators"));
    // A key that comes before the window has the focus goes nowhere.
    for _ in 0..20 {
        keys(tab);
        std::thread::sleep(std::time::Duration::from_millis(200));
        if browser.evaluate("return document.activeElement.tagName") != json!("BODY") {
            break;
        }
    }
    let here = "return document.activeElement.textContent";
    assert_eq!(browser.evaluate(here), json!("Skip to the content"));
    keys(enter);
    assert_eq!(
        browser.evaluate("return document.activeElement.id"),
        json!("content")
    );
    // To the form below the table, by Tab alone; every stop is seen.
    for _ in 0..40 {
        keys(tab);
        let seen = "const style = getComputedStyle(document.activeElement);
            return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2";
        assert_eq!(
            browser.evaluate(seen),
            json!(true),
            "{}",
            browser.evaluate("return document.activeElement.outerHTML")
        );
        if browser.evaluate("return document.activeElement.id") == json!("name") {
            break;
        }
    }
    keys(&format!("Lee{tab}{tab}op{tab}{enter}"));
    browser.wait_for("Lee sets a password with this link");
    let listed = "return document.querySelector('tbody').textContent.includes('Lee')";
    assert_eq!(browser.evaluate(listed), json!(true));
}

#[test]
fn every_form_works_without_script() {
    let (console, _) = console_with_people();
    let browser = Browser::open_with(&["--blink-settings=scriptEnabled=false"]);
    let place = format!("http://{}", console.address);
    browser.go(&format!("{place}/sign-in"));
    browser.fill("#code", &console.link());
    browser.press("Sign in with the code");
    browser.wait_for("Overview");
    browser.go(&format!("{place}/settings/suppression"));
    browser.fill("#addresses", "no.script@a-firm.org");
    browser.press("Never mail them");
    browser.wait_for("2 of 2 addresses");
    browser.go(&format!("{place}/settings"));
    browser.fill("#zone", "Europe/Berlin");
    browser.press("Keep");
    let zone = "select time_zone from muster.console_sessions where ended_at is null";
    wait_until(|| query_one(&console.url, zone) == "Europe/Berlin");
}

/// With `MUSTER_PICTURES=1`, the pictures of the docs are taken again.
#[test]
fn pages_are_pictured_for_the_docs() {
    let takes = std::env::var_os("MUSTER_PICTURES").is_some();
    let console = Console::start();
    let run = console.import("email,first_name,last_name\nann@a-firm.org,Ann,Ng\nbob@a-firm.org,Bob,Ray\nnobody,Cy,Poe\n");
    let place = format!("http://{}", console.address);
    for (name, role) in [("Ann Ng", "owner"), ("Bob Ray", "operator")] {
        console.run(&["admins", "add", name, "--role", role, "--console", &place]);
    }
    let browser = Browser::open();
    browser.go(&console.link());
    browser.wait_for("Overview");
    let folder = if takes {
        repository().join("docs/pictures")
    } else {
        console.folder.path().to_path_buf()
    };
    std::fs::create_dir_all(&folder).unwrap();
    for (path, name) in [
        ("/", "console-overview.png"),
        (&*format!("/runs/{run}/fix"), "console-fix.png"),
        (&*format!("/runs/{run}/invite"), "console-invite.png"),
        ("/import", "console-import.png"),
        ("/people", "console-people.png"),
    ] {
        browser.go(&format!("{place}{path}"));
        let file = folder.join(name);
        browser.picture(&file);
        assert!(std::fs::metadata(&file).unwrap().len() > 5_000, "{name}");
    }
}
