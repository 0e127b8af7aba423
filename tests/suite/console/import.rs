//! The way from a file to an import, and jobs that outlive the console.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::browser::Browser;
use super::{Answer, Console, Visitor, hidden_fields};
use crate::support;

const PEOPLE: &str = "email,first_name,last_name,desk\n\
    ann@firm.example,Ann,Ng,7\n\
    bob@firm.example,Bob,Ray,8\n\
    bob@,Bob,Ray,9\n";

/// A form with a file, as browsers send it.
fn multipart(fields: &[(String, String)], name: &str, file: &[u8]) -> (String, Vec<u8>) {
    let boundary = "----muster7f3a";
    let mut body = Vec::new();
    for (name, value) in fields {
        write!(
            body,
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        )
        .unwrap();
    }
    write!(
        body,
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: text/csv\r\n\r\n"
    )
    .unwrap();
    body.extend_from_slice(file);
    write!(body, "\r\n--{boundary}--\r\n").unwrap();
    (format!("multipart/form-data; boundary={boundary}"), body)
}

fn post(visitor: &Visitor, media: &str, length: usize, body: &[u8]) -> Answer {
    let (host, cookie) = (&visitor.console.address, &visitor.cookie);
    let head = format!(
        "POST /import HTTP/1.0\r\nHost: {host}\r\nCookie: {cookie}\r\nContent-Type: {media}\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    // The console may have answered before it read all of it.
    let _ = stream.write_all(body);
    if body.len() < length {
        stream.shutdown(Shutdown::Write).unwrap();
    }
    super::answer(stream)
}

fn send(visitor: &Visitor, name: &str, file: &[u8]) -> Answer {
    let fields = hidden_fields(&visitor.page("/import"), "/import");
    let (media, body) = multipart(&fields, name, file);
    post(visitor, &media, body.len(), &body)
}

/// Waits until a job has ended; its state.
fn ended(visitor: &Visitor, job: &str) -> Value {
    let begun = Instant::now();
    loop {
        let state: Value = serde_json::from_str(&visitor.page(&format!("{job}/state"))).unwrap();
        if state["state"] != "waiting" && state["state"] != "running" {
            return state;
        }
        assert!(begun.elapsed() < Duration::from_mins(3), "{state}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Sends a file, confirms its columns as they are proposed and waits for the check: the address of
/// the plan.
fn checked(visitor: &Visitor, name: &str, file: &str) -> String {
    let sent = send(visitor, name, file.as_bytes());
    assert_eq!(sent.status, 303, "{}", sent.body);
    let upload = sent.location().to_string();
    assert!(upload.starts_with("/import/"), "{upload}");
    confirmed(visitor, &upload)
}

fn confirmed(visitor: &Visitor, upload: &str) -> String {
    let page = visitor.page(upload);
    let action = format!("{upload}/columns");
    let chosen: Vec<String> = page
        .split("name=\"becomes\"")
        .skip(1)
        .map(|rest| {
            let select = rest.split("</select>").next().unwrap();
            let selected = select.split("<option value=\"").skip(1);
            let selected = selected.filter(|option| option.contains("\" selected>"));
            let mut words = selected.map(|option| option.split('"').next().unwrap().to_string());
            words.next().unwrap_or_default()
        })
        .collect();
    let fields: Vec<(&str, &str)> = chosen
        .iter()
        .map(|word| ("becomes", word.as_str()))
        .collect();
    let job = visitor.submit_from(&page, &action, &fields);
    assert_eq!(job.status, 303, "{}", job.body);
    let job = job.location().to_string();
    let state = ended(visitor, &job);
    assert_eq!(
        state["state"],
        "ended",
        "{state}\n{}",
        visitor.page(&format!("{job}?stay=1"))
    );
    let plan = visitor.get(&job);
    assert_eq!(plan.status, 303, "{}", plan.body);
    plan.location().to_string()
}

fn accounts(console: &Console) -> String {
    let rows = support::query(&console.url, "select count(*)::text from muster.accounts");
    rows[0][0].clone().unwrap()
}

#[test]
fn a_file_becomes_an_import_exactly_as_it_was_shown() {
    let console = Console::start();
    let visitor = console.owner();
    let plan = checked(&visitor, "people.csv", PEOPLE);
    let page = visitor.page(&plan);
    assert!(
        page.contains("Create 2, update 0, deactivate 0. Nobody is mailed."),
        "{page}"
    );
    assert!(page.contains("email.syntax"), "{page}");
    assert_eq!(accounts(&console), "0");
    let action = format!("{plan}/import");
    let other = console.owner();
    let opened = other.page(&plan);
    let first = visitor.submit_from(&page, &action, &[]);
    assert!(first.location().starts_with("/jobs/"), "{}", first.body);
    // A double click, and a second tab that was opened before.
    let again = visitor.submit_from(&page, &action, &[]);
    assert_eq!(again.location(), first.location());
    let tab = other.submit_from(&opened, &action, &[]);
    assert_eq!(tab.location(), first.location());
    let state = ended(&visitor, first.location());
    assert_eq!(state["exit_code"], 1, "{state}");
    let run = state["run"].as_str().unwrap();
    let done = visitor.get(first.location());
    assert_eq!(done.location(), format!("/runs/{run}"));
    assert_eq!(accounts(&console), "2");
    let shown = console.run(&["show", run, "--json"]);
    assert_eq!(shown.json()["counts"]["created"], 2, "{}", shown.stderr);
    // The same file again changes nothing: one row has to be fixed, and there is nothing to confirm.
    let plan = checked(&visitor, "people.csv", PEOPLE);
    let page = visitor.page(&plan);
    assert!(page.contains("Nothing can be imported as it is."), "{page}");
}

#[test]
fn a_file_that_is_too_large_cut_off_or_foreign_leaves_nothing() {
    let console = Console::start_with(&["--max-upload", "1MB"], &[]);
    let visitor = console.owner();
    let problem = |answer: &Answer| {
        assert!((400..600).contains(&answer.status), "{}", answer.head);
        answer.location().to_string()
    };
    let large = vec![b'a'; 1_200_000];
    assert_eq!(
        problem(&send(&visitor, "a.csv", &large)),
        "/import?problem=too-large"
    );
    assert!(
        visitor
            .page("/import?problem=too-large")
            .contains("larger than 1 MB")
    );
    // Without a length, or with a wrong one, it is found while it comes.
    let fields = hidden_fields(&visitor.page("/import"), "/import");
    let (media, body) = multipart(&fields, "a.csv", &large);
    let lying = post(&visitor, &media, 900_000, &body);
    assert_eq!(problem(&lying), "/import?problem=cut-off");
    let fields = hidden_fields(&visitor.page("/import"), "/import");
    let (media, body) = multipart(&fields, "a.csv", PEOPLE.as_bytes());
    let cut = post(&visitor, &media, body.len() + 10, &body);
    assert!(cut.status == 0 || problem(&cut) == "/import?problem=cut-off");
    let fields = hidden_fields(&visitor.page("/import"), "/import");
    let (media, body) = multipart(&fields, "a.csv", PEOPLE.as_bytes());
    let half = post(&visitor, &media, body.len(), &body[..body.len() - 40]);
    assert!(
        half.status == 0 || problem(&half) == "/import?problem=cut-off",
        "{}",
        half.head
    );
    assert_eq!(
        problem(&send(&visitor, "a.csv", b"")),
        "/import?problem=empty"
    );
    let foreign = vec![("secret".to_string(), "x".to_string())];
    let (media, body) = multipart(&foreign, "a.csv", PEOPLE.as_bytes());
    let foreign = post(&visitor, &media, body.len(), &body);
    assert_eq!(problem(&foreign), "/import?problem=foreign");
    let kept = console.home.path().join("uploads");
    let left = std::fs::read_dir(&kept).map_or(0, |entries| entries.count());
    assert_eq!(left, 0);
    let uploads = support::query(&console.url, "select count(*)::text from muster.uploads");
    assert_eq!(uploads[0][0].as_deref(), Some("0"));
}

#[test]
fn a_file_is_kept_for_its_owner_alone_and_sent_once() {
    use std::os::unix::fs::PermissionsExt;
    let console = Console::start();
    let visitor = console.owner();
    let fields = hidden_fields(&visitor.page("/import"), "/import");
    let (media, body) = multipart(
        &fields,
        "../../<b>people</b>\u{202e}.csv",
        PEOPLE.as_bytes(),
    );
    let first = post(&visitor, &media, body.len(), &body);
    let again = post(&visitor, &media, body.len(), &body);
    assert_eq!((first.status, again.location()), (303, first.location()));
    let upload = first.location();
    let folder = console
        .home
        .path()
        .join("uploads")
        .join(&upload["/import/".len()..]);
    let entry = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
    assert_eq!(
        entry.metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(std::fs::read(entry.path()).unwrap(), PEOPLE.as_bytes());
    let page = visitor.page(upload);
    assert!(
        page.contains("&lt;b&gt;people") || page.contains("b&gt;.csv"),
        "{page}"
    );
    assert!(!page.contains("<b>people"), "{page}");
    let removed = visitor.submit("/import", &format!("{upload}/remove"), &[]);
    assert_eq!(removed.location(), "/import");
    assert!(!folder.exists());
    assert_eq!(visitor.get(upload).status, 422);
}

#[test]
fn columns_are_chosen_and_kept_as_a_pipeline() {
    let console = Console::start();
    let visitor = console.owner();
    let list = "Login,Wer,<i>Tisch</i>\nann@firm.example,Ann Ng,7\nbob@firm.example,Bob Ray,8\n";
    let sent = send(&visitor, "list.csv", list.as_bytes());
    let upload = sent.location().to_string();
    let page = visitor.page(&upload);
    assert!(page.contains("Some columns aren't clear"), "{page}");
    assert!(
        page.contains("&lt;i&gt;Tisch") && !page.contains("<i>Tisch"),
        "{page}"
    );
    assert!(!page.contains("ann@firm.example"), "{page}");
    let action = format!("{upload}/columns");
    let answer = |words: [&'static str; 3], name: &'static str| {
        let mut fields: Vec<(&str, &str)> = words.iter().map(|word| ("becomes", *word)).collect();
        fields.push(("name", name));
        visitor.submit(&upload, &action, &fields)
    };
    let doubled = answer(["email", "email", "ignore"], "");
    assert_eq!(doubled.status, 422, "{}", doubled.body);
    assert!(doubled.body.contains("are both"), "{}", doubled.body);
    let outside = answer(["email", "full_name", "ignore"], "../x");
    assert_eq!(outside.status, 422);
    let job = answer(["email", "full_name", "ignore"], "new-people");
    assert_eq!(job.status, 303, "{}", job.body);
    let state = ended(&visitor, job.location());
    assert_eq!(state["exit_code"], 0, "{state}");
    let text = std::fs::read_to_string(console.folder.path().join("pipelines/new-people.toml"));
    let text = text.unwrap();
    assert!(text.contains("ignore = [\"<i>Tisch</i>\"]"), "{text}");
    console.write("list.csv", list);
    let checked = console.run(&["check", "list.csv", "-p", "new-people", "--json"]);
    assert_eq!(checked.json()["counts"]["created"], 2, "{}", checked.stderr);
    // The next upload can be read with it.
    assert!(visitor.page("/import").contains("new-people"));
}

#[test]
fn a_file_that_cannot_be_read_says_why_and_can_be_read_otherwise() {
    let console = Console::start();
    let visitor = console.owner();
    let sent = send(&visitor, "broken.xlsx", b"PK\x03\x04 no workbook");
    let page = visitor.page(sent.location());
    assert!(
        page.contains("role=\"alert\"") && page.contains("Look again"),
        "{page}"
    );
    let text = "email;first_name;last_name\nann@firm.example;Ann;Ng\n";
    let upload = send(&visitor, "a.csv", text.as_bytes())
        .location()
        .to_string();
    let action = format!("{upload}/reading");
    let fields = [
        ("pipeline", "/etc/passwd"),
        ("delimiter", "|"),
        ("encoding", ""),
    ];
    assert_eq!(visitor.submit(&upload, &action, &fields).location(), upload);
    let page = visitor.page(&upload);
    assert!(!page.contains("root:"), "{page}");
    assert!(page.contains("value=\"|\""), "{page}");
}

#[test]
fn what_closes_accounts_needs_the_number() {
    let console = Console::start();
    let visitor = console.owner();
    let plan = checked(
        &visitor,
        "people.csv",
        "email,first_name,last_name\nann@firm.example,Ann,Ng\nbob@firm.example,Bob,Ray\n",
    );
    let done = visitor.submit(&plan, &format!("{plan}/import"), &[]);
    ended(&visitor, done.location());
    let left = "email,first_name,last_name,status\nann@firm.example,Ann,Ng,deactivated\nbob@firm.example,Bob,Ray,active\n";
    let plan = checked(&visitor, "left.csv", left);
    let page = visitor.page(&plan);
    if page.contains("Held by safeguards") {
        let allow = format!("{plan}/allow");
        let wrong = visitor.submit(&plan, &allow, &[("allow-deactivate", "77")]);
        assert_eq!(wrong.status, 422, "{}", wrong.body);
        assert!(wrong.body.contains("value=\"77\""), "{}", wrong.body);
        let again = visitor.submit(
            &plan,
            &format!("{plan}/allow"),
            &[("allow-deactivate", "1")],
        );
        ended(&visitor, again.location());
        let plan = visitor.get(again.location()).location().to_string();
        closes(&console, &visitor, &plan);
    } else {
        closes(&console, &visitor, &plan);
    }
}

fn closes(console: &Console, visitor: &Visitor, plan: &str) {
    let page = visitor.page(plan);
    let sentence = "Create 0, update 1, deactivate 1. Nobody is mailed.";
    assert!(page.contains(sentence), "{page}");
    let action = format!("{plan}/import");
    let wrong = visitor.submit(plan, &action, &[("number", "7")]);
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.body.contains("This is another number"),
        "{}",
        wrong.body
    );
    let done = visitor.submit(plan, &action, &[("number", "2")]);
    assert_eq!(done.status, 303, "{}", done.body);
    let state = ended(visitor, done.location());
    assert_eq!(state["exit_code"], 0, "{state}");
    let closed = "select count(*)::text from muster.accounts where status = 'deactivated'";
    let closed = support::query(&console.url, closed);
    assert_eq!(closed[0][0].as_deref(), Some("1"));
}

fn many(count: usize) -> String {
    let mut text = String::from("email,first_name,last_name\n");
    for number in 0..count {
        text.push_str(&format!("person{number}@firm.example,Ann,Ng\n"));
    }
    text
}

#[test]
fn an_import_goes_on_when_the_console_is_killed() {
    let mut console = Console::start();
    let (job, cookie) = {
        let visitor = console.owner();
        let plan = checked(&visitor, "many.csv", &many(30_000));
        let started = visitor.submit(&plan, &format!("{plan}/import"), &[]);
        (started.location().to_string(), visitor.cookie.clone())
    };
    console.kill();
    console.serve(&[]);
    let visitor = Visitor {
        console: &console,
        cookie,
    };
    let state = ended(&visitor, &job);
    assert_eq!(
        (&state["state"], &state["exit_code"]),
        (&"ended".into(), &0.into())
    );
    assert_eq!(accounts(&console), "30000");
    let runs = support::query(&console.url, "select state from muster.runs");
    assert_eq!(runs, [[Some("finished".to_string())]]);
}

/// What a list made of the accounts, whatever their ids are.
fn made(console: &Console) -> Vec<Vec<Option<String>>> {
    let sql =
        "select email, first_name, last_name, status, role, run_row::text from muster.accounts
        order by run_row";
    support::query(&console.url, sql)
}

#[test]
fn an_import_is_stopped_and_continued() {
    let list = many(120_000);
    let console = Console::start();
    let visitor = console.owner();
    let plan = checked(&visitor, "many.csv", &list);
    let action = format!("{plan}/import");
    // Nothing can be written meanwhile, so that it is stopped in the middle.
    let lock = support::Session::hold(
        &console.url,
        "begin; lock table muster.accounts in share mode",
    );
    let job = visitor.submit(&plan, &action, &[]).location().to_string();
    let begun = Instant::now();
    while !visitor.page(&format!("{job}/state")).contains("\"write\"") {
        assert!(begun.elapsed() < Duration::from_mins(1));
        std::thread::sleep(Duration::from_millis(20));
    }
    let page = visitor.page(&job);
    let stopped = visitor.submit_from(&page, &format!("{job}/stop"), &[]);
    assert_eq!(stopped.location(), job);
    assert!(visitor.page(&job).contains("It was asked to stop."));
    // Long enough for the process to hear of it.
    std::thread::sleep(Duration::from_secs(2));
    drop(lock);
    let state = ended(&visitor, &job);
    let code = &state["exit_code"];
    assert!(*code == 4 || *code == 130, "{state}");
    let page = visitor.page(&job);
    assert!(page.contains("Stopped before the end"), "{page}");
    assert!(!page.contains("/uploads/"), "{page}");
    let so_far: usize = accounts(&console).parse().unwrap();
    assert!(so_far < 120_000, "{so_far}");
    let again = visitor.submit(&plan, &action, &[]);
    assert_ne!(again.location(), job);
    let state = ended(&visitor, again.location());
    assert_eq!(state["exit_code"], 0, "{state}");
    assert_eq!(accounts(&console), "120000");
    // As without a stop.
    let other = Console::start();
    let undisturbed = other.owner();
    let plan = checked(&undisturbed, "many.csv", &list);
    let job = undisturbed.submit(&plan, &format!("{plan}/import"), &[]);
    assert_eq!(ended(&undisturbed, job.location())["exit_code"], 0);
    assert!(made(&console) == made(&other));
    let runs = support::query(&console.url, "select state from muster.runs");
    assert_eq!(runs, [[Some("finished".to_string())]]);
}

#[test]
fn two_tabs_check_and_import_a_list_once() {
    let console = Console::start();
    let visitors = [console.owner(), console.owner()];
    let sent = send(&visitors[0], "people.csv", PEOPLE.as_bytes());
    let upload = sent.location();
    let both = |page: &str, action: &str, fields: &[(&str, &str)]| -> Vec<String> {
        let pages = visitors.each_ref().map(|visitor| visitor.page(page));
        std::thread::scope(|scope| {
            let post = |index: usize| {
                let (visitor, page) = (&visitors[index], &pages[index]);
                scope.spawn(move || visitor.submit_from(page, action, fields))
            };
            let posts = [post(0), post(1)].map(|post| post.join().unwrap());
            posts.map(|answer| answer.location().to_string()).into()
        })
    };
    let jobs = |kind: &str| {
        let sql = format!("select count(*)::text from muster.jobs where kind = '{kind}'");
        support::query(&console.url, &sql)[0][0].clone().unwrap()
    };
    let chosen = ["email", "first_name", "last_name", "attribute"].map(|word| ("becomes", word));
    // The check takes a moment, so that the second comes while it waits or runs.
    let lock = support::Session::hold(
        &console.url,
        "begin; lock table muster.accounts in access exclusive mode",
    );
    let checks = both(upload, &format!("{upload}/columns"), &chosen);
    drop(lock);
    assert_eq!(checks[0], checks[1]);
    assert_eq!(jobs("check"), "1");
    ended(&visitors[0], &checks[0]);
    let plan = visitors[0].get(&checks[0]).location().to_string();
    let imports = both(&plan, &format!("{plan}/import"), &[]);
    assert_eq!(imports[0], imports[1]);
    assert_eq!(jobs("import"), "1");
    let page = visitors[0].page(&format!("{}?stay=1", imports[0]));
    assert!(
        !page.contains(console.home.path().to_str().unwrap()),
        "{page}"
    );
    assert!(page.contains("muster apply checked.plan"), "{page}");
    ended(&visitors[0], &imports[0]);
    assert_eq!(accounts(&console), "2");
    // No page of an upload has a folder of this machine.
    let home = console.home.path().to_str().unwrap();
    for path in [
        upload,
        plan.as_str(),
        checks[0].as_str(),
        imports[0].as_str(),
    ] {
        let page = visitors[0].get(&format!("{path}?stay=1")).body;
        assert!(
            !page.contains(home) && !page.contains("/uploads/"),
            "{path}: {page}"
        );
    }
}

#[test]
fn a_command_that_is_killed_is_known_from_one_that_ended() {
    let console = Console::start();
    let visitor = console.owner();
    let plan = checked(&visitor, "many.csv", &many(60_000));
    let job = visitor
        .submit(&plan, &format!("{plan}/import"), &[])
        .location()
        .to_string();
    let file = plan.rsplit('/').next().unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        if let Some(id) = process_of(&format!("{file}.plan")) {
            let kill = std::process::Command::new("kill")
                .args(["-KILL", &id])
                .status();
            assert!(kill.is_ok());
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let state = ended(&visitor, &job);
    if state["exit_code"] != 0 {
        assert_eq!(state["exit_code"], 137, "{state}");
        let page = visitor.page(&job);
        assert!(page.contains("ended by signal 9"), "{page}");
    }
}

/// The process that applies that plan.
fn process_of(plan: &str) -> Option<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut ids = processes.map(|entry| entry.file_name().into_string().unwrap());
    ids.find(|id| {
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains(" apply ") && line.contains(plan)
    })
}

#[test]
fn the_lock_is_a_sentence() {
    let console = Console::start();
    let visitor = console.owner();
    let lock = support::Session::hold(&console.url, "select pg_advisory_lock(7887337266164662274)");
    let page = visitor.page("/import");
    assert!(page.contains("started outside of the console"), "{page}");
    drop(lock);
    assert!(!visitor.page("/import").contains("started outside"));
}

#[test]
fn a_large_file_is_not_held_in_memory() {
    let console = Console::start();
    let visitor = console.owner();
    let before = console.memory();
    let file = many(1).into_bytes().repeat(2_500_000);
    assert!(file.len() > 100_000_000);
    let sent = send(&visitor, "large.csv", &file);
    assert!(
        sent.location().starts_with("/import/"),
        "{}",
        sent.location()
    );
    let grown = console.memory().saturating_sub(before);
    assert!(grown < 40 << 10, "{grown} kB more than {before} kB");
}

#[test]
fn a_browser_brings_a_file_to_an_import() {
    way_through(&[]);
}

#[test]
fn the_way_needs_no_script() {
    way_through(&["--blink-settings=scriptEnabled=false"]);
}

fn way_through(arguments: &[&str]) {
    let console = Console::start();
    console.write("people.csv", PEOPLE);
    let file = console.folder.path().join("people.csv");
    let browser = Browser::open_with(arguments);
    let link = console.link();
    if arguments.is_empty() {
        browser.go(&link);
    } else {
        browser.go(&format!("http://{}/sign-in", console.address));
        browser.fill("[name=code]", link.split('#').nth(1).unwrap());
        browser.press("Sign in with the code");
    }
    browser.wait_for("Overview");
    browser.press("Import");
    let input = browser.find("#file");
    browser
        .runtime
        .block_on(input.send_keys(file.to_str().unwrap()))
        .unwrap();
    browser.press("Send and look at its columns");
    browser.wait_for("What the columns are");
    browser.press("Check all rows");
    browser.wait_for("What the import would do");
    browser.press("Import: Create 2, update 0, deactivate 0. Nobody is mailed.");
    let begun = Instant::now();
    while !browser.address().contains("/runs/") {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "{}",
            browser.text()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(accounts(&console), "2");
}
