//! Bad input gets the right word and exit code, and writes nothing.

use std::fs;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use crate::support::{self, Finished};

const PEOPLE: &str = "email,first_name,last_name\nada@acme-industries.com,Ada,Lovelace\n";

/// A file that an import must refuse, where it lies in `fixtures/cases`, and the code for it.
const REFUSED: &[(&str, &str)] = &[
    ("files-that-cannot-be-read/nobody.csv", "file.not_found"),
    ("files-that-cannot-be-read/empty.csv", "file.empty"),
    ("files-that-cannot-be-read/header-only.csv", "file.no_rows"),
    ("files-that-cannot-be-read", "file.unreadable"),
    ("files-that-cannot-be-read/report.xlsx", "file.format"),
    (
        "workbooks-that-are-refused/encrypted.xlsx",
        "file.encrypted",
    ),
    ("workbooks-that-are-refused/damaged.xlsx", "file.damaged"),
    ("workbooks-that-break-their-reader/bomb.xls", "file.limit"),
    (
        "workbooks-that-break-their-reader/scrambled.xls",
        "file.encrypted",
    ),
    ("workbooks-that-break-their-reader/page.xls", "file.format"),
    (
        "workbooks-that-break-their-reader/encrypted.ods",
        "file.encrypted",
    ),
    ("workbooks-that-are-refused/two-sheets.xlsx", "file.sheets"),
    ("required-column-missing/people.csv", "map.missing"),
    ("email-column-doubled/people.csv", "map.doubled"),
];

fn assert_refused(finished: &Finished, code: &str) {
    assert_eq!(finished.exit, 2, "{code}: {finished:?}");
    assert!(finished.stderr.contains(code), "{code}: {finished:?}");
    assert_eq!(finished.stdout, "", "{code}");
}

/// Whether any row of any table of ours was ever written.
fn is_untouched(url: &str) -> bool {
    support::accounts(url).is_none_or(|accounts| accounts.lines().count() == 1)
}

#[test]
fn a_bad_file_is_refused_even_among_good_ones() {
    let url = support::fresh_database();
    let folder = support::folder();
    fs::write(folder.path().join("good.csv"), PEOPLE).unwrap();
    for (file, code) in REFUSED {
        let path = support::repository().join("fixtures/cases").join(file);
        let path = path.to_str().unwrap();
        for arguments in [
            &["import", path][..],
            &["import", "good.csv", path],
            &["check", path, "--offline"],
        ] {
            let finished = support::run(folder.path(), &url, arguments);
            assert_refused(&finished, code);
            assert!(is_untouched(&url), "{code}");
        }
    }
}

/// What `check -` says of that input, in `folder`.
fn check_piped(folder: &Path, input: &[u8]) -> serde_json::Value {
    let mut child = Command::new(support::MUSTER)
        .args(["check", "--offline", "--json", "-"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_list_comes_in_on_standard_input() {
    let folder = support::folder();
    let rejected = "grace@acme-industries.com,Grace\n";
    let input = PEOPLE.to_string() + rejected;
    let summary = check_piped(folder.path(), input.as_bytes());
    assert_eq!(summary["input"][0]["path"], "-");
    assert_eq!(summary["counts"]["read"], 2);
    let runs = folder.path().join("muster-runs");
    let run = fs::read_dir(runs).unwrap().next().unwrap().unwrap();
    let corrections = fs::read_to_string(run.path().join("corrections.csv")).unwrap();
    assert!(corrections.contains("grace@acme-industries.com,Grace,"));
}

#[test]
fn an_unclosed_quote_costs_its_own_line_on_standard_input_packed_or_not() {
    // In windows-1252.
    let mut list =
        b"first,last,email,notes\nAnn,Ng,ann@hafen-ag.de,\n\"Bo,Ray,bo@hafen-ag.de\n".to_vec();
    list.extend(b"Cy,M\xfcller,cy@hafen-ag.de,\nDi,Moe,di@hafen-ag.de,\n");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&list).unwrap();
    for input in [list, packed.finish().unwrap()] {
        let folder = support::folder();
        let summary = check_piped(folder.path(), &input);
        assert_eq!(summary["counts"]["read"], 4);
        assert_eq!(summary["counts"]["created"], 3);
        let issues = summary["issues"].as_array().unwrap();
        assert!(issues.iter().any(|issue| issue["code"] == "row.unclosed"));
    }
}

#[test]
fn json_comes_in_on_standard_input_packed_or_not() {
    let lines = concat!(
        r#"{"email":"ada@acme-industries.com","first_name":"Ada","last_name":"Lovelace"}"#,
        "\n",
        r#"{"email":"grace@acme-industries.com","last_name":"Hopper"}"#,
    )
    .to_string();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(lines.as_bytes()).unwrap();
    for input in [lines.into_bytes(), packed.finish().unwrap()] {
        let folder = support::folder();
        let summary = check_piped(folder.path(), &input);
        let read = &summary["input"][0];
        assert_eq!(
            (&read["path"], &read["format"]),
            (&"-".into(), &"json".into())
        );
        assert_eq!(read["detected"][0], "JSON Lines");
        assert_eq!(
            (&summary["counts"]["read"], &summary["counts"]["rejected"]),
            (&2.into(), &1.into())
        );
        let runs = folder.path().join("muster-runs");
        let run = fs::read_dir(runs).unwrap().next().unwrap().unwrap();
        let corrections = fs::read_to_string(run.path().join("corrections.csv")).unwrap();
        assert!(
            corrections.contains("grace@acme-industries.com,,Hopper,2,"),
            "{corrections}"
        );
    }
}

#[test]
fn a_file_that_grows_while_it_is_read_is_refused() {
    let url = support::fresh_database();
    let folder = support::folder();
    let path = folder.path().join("people.csv");
    let row = |number: u32| format!("person{number}@acme-industries.com,Some,Body\n");
    fs::write(
        &path,
        PEOPLE.to_string() + (0..60_000).map(row).collect::<String>().as_str(),
    )
    .unwrap();
    let running = support::start(folder.path(), &url, &["import", "people.csv"]);
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    let mut number = 60_000;
    let finished = running.finish_while(|| {
        file.write_all(row(number).as_bytes()).unwrap();
        number += 1;
    });
    assert_refused(&finished, "file.changed");
    assert!(is_untouched(&url));
}

#[test]
fn a_sheet_with_more_columns_than_a_list_has_is_over_the_limit() {
    let url = support::fresh_database();
    let folder = support::folder();
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, header) in ["email", "first_name", "last_name"].into_iter().enumerate() {
        sheet.write_string(0, column as u16, header).unwrap();
    }
    sheet.write_string(0, 512, "far away").unwrap();
    workbook.save(folder.path().join("wide.xlsx")).unwrap();
    let finished = support::run(folder.path(), &url, &["import", "wide.xlsx"]);
    assert_refused(&finished, "file.limit");
    assert!(finished.stderr.contains("column 513"), "{finished:?}");
    assert!(is_untouched(&url));
}

/// Its output is more than a pipe holds, so that it waits for somebody who reads, and can be
/// looked at.
#[cfg(target_os = "linux")]
#[test]
fn the_process_that_reads_a_workbook_has_no_rights_and_little_memory() {
    let folder = support::folder();
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for row in 0..20_000 {
        sheet.write_string(row, 0, "somebody@acme.example").unwrap();
    }
    let path = folder.path().join("people.xlsx");
    workbook.save(&path).unwrap();
    let mut reader = Command::new(support::MUSTER)
        .args(["read-workbook", "--", "people.xlsx"])
        .args(["rows", "0", "0", "false", "false", "0"])
        .stdin(fs::File::open(&path).unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let limits = format!("/proc/{}/limits", reader.id());
    support::wait_until(|| {
        let limits = fs::read_to_string(&limits).unwrap();
        let words: Vec<&str> = limits.split_whitespace().collect();
        let text = words.join(" ");
        [
            "Max open files 0 0",
            "Max processes 0 0",
            "Max file size 0 0",
            "Max core file size 0 0",
            "Max cpu time 1",
            "Max data size 469762048 469762048",
            "Max address space 1879048192 1879048192",
        ]
        .iter()
        .all(|limit| text.contains(limit))
    });
    reader.kill().unwrap();
    reader.wait().unwrap();
}

#[test]
fn a_wrong_pipeline_is_refused_with_its_place_and_the_nearest_word() {
    let url = support::fresh_database();
    let folder = support::folder();
    fs::write(folder.path().join("people.csv"), PEOPLE).unwrap();
    fs::write(
        folder.path().join("own.toml"),
        "name = \"own\"\n[match]\nmoed = \"create\"\n",
    )
    .unwrap();
    let finished = support::run(
        folder.path(),
        &url,
        &["import", "people.csv", "-p", "own.toml"],
    );
    assert_refused(&finished, "pipeline.invalid");
    assert!(
        finished.stderr.contains("own.toml:3:1"),
        "{}",
        finished.stderr
    );
    assert!(
        finished.stderr.contains("did you mean `mode`?"),
        "{}",
        finished.stderr
    );
    assert!(is_untouched(&url));
}

/// Imports one good file into `url`, which must be refused.
fn assert_database_refused(url: &str, code: &str) -> Finished {
    let folder = support::folder();
    fs::write(folder.path().join("people.csv"), PEOPLE).unwrap();
    let [import, _] = ["import", "check"].map(|command| {
        let finished = support::run(folder.path(), url, &[command, "people.csv"]);
        assert_refused(&finished, code);
        assert!(
            !finished.stderr.contains("wrong-horse"),
            "a password is shown: {}",
            finished.stderr
        );
        finished
    });
    import
}

#[test]
fn a_database_that_nobody_listens_at_is_unreachable() {
    let unused = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    assert_database_refused(
        &format!("postgresql://ada:wrong-horse@127.0.0.1:{unused}/people"),
        "database.unreachable",
    );
}

#[test]
fn a_wrong_password_is_a_refused_login() {
    let url = support::fresh_database();
    let door = Door::open(&url, "guest_wrong_password");
    assert_database_refused(&door.url("wrong-horse"), "database.login");
}

#[test]
fn a_user_without_rights_is_reported_which_right_is_missing() {
    let url = support::fresh_database();
    let folder = support::folder();
    fs::write(folder.path().join("people.csv"), PEOPLE).unwrap();
    let door = Door::open(&url, "guest_without_rights");
    let guest = door.url("right-horse");
    // where nothing is yet, a check needs no right
    let import = support::run(folder.path(), &guest, &["import", "people.csv"]);
    assert_refused(&import, "database.rights");
    assert!(import.stderr.contains("GRANT"), "{}", import.stderr);
    let owner = support::run(folder.path(), &url, &["import", "people.csv"]);
    assert_eq!(owner.exit, 0, "{owner:?}");
    let finished = assert_database_refused(&guest, "database.rights");
    assert!(finished.stderr.contains("GRANT"), "{}", finished.stderr);
}

#[test]
fn a_server_without_tls_gets_no_password_where_tls_is_asked_for() {
    let url = support::fresh_database();
    let door = Door::open(&url, "guest_with_tls");
    let separator = if door.url("x").contains('?') {
        '&'
    } else {
        '?'
    };
    let with_tls = format!("{}{separator}sslmode=verify-full", door.url("wrong-horse"));
    assert_database_refused(&with_tls, "database.tls");
}

#[test]
fn a_database_of_a_newer_muster_is_left_alone() {
    let url = support::fresh_database();
    let folder = support::folder();
    fs::write(folder.path().join("people.csv"), PEOPLE).unwrap();
    let first = support::run(folder.path(), &url, &["import", "people.csv"]);
    assert_eq!(first.exit, 0, "{first:?}");
    support::query(
        &url,
        "INSERT INTO muster.schema_migrations (version, name, sha256) VALUES (9999, 'later', '')",
    );
    assert_database_refused(&url, "database.version");
}

#[test]
fn without_a_server_and_a_url_it_says_what_to_do() {
    let folder = support::folder();
    let home = folder.path().join("home");
    fs::write(folder.path().join("people.csv"), PEOPLE).unwrap();
    let environment = [("PG_BIN", "/nonexistent")];
    let finished = support::bare_with(
        folder.path(),
        &home,
        &["import", "people.csv"],
        &environment,
    )
    .finish();
    assert_refused(&finished, "database.missing");
    assert!(finished.stderr.contains("PG_BIN"), "{}", finished.stderr);
}

/// A TCP port in front of the test server, which listens on a socket only, and a user who needs a
/// password there. The server itself has no TLS.
struct Door {
    port: u16,
    user: String,
    database: String,
}

impl Door {
    fn open(url: &str, user: &str) -> Door {
        let admin: tokio_postgres::Config = url.parse().unwrap();
        let tokio_postgres::config::Host::Unix(directory) = &admin.get_hosts()[0] else {
            panic!("the local server is not reached by a socket: {url}");
        };
        let socket = directory.join(format!(
            ".s.PGSQL.{}",
            admin.get_ports().first().unwrap_or(&5432)
        ));
        support::query(
            url,
            &format!("CREATE ROLE {user} LOGIN PASSWORD 'right-horse'"),
        );
        let door = Door {
            port: forward_to(socket),
            user: user.to_string(),
            database: admin.get_dbname().unwrap().to_string(),
        };
        ask_for_a_password(url, user);
        // the server reads its list again when it gets round to it
        while support::try_query(&door.url("wrong-horse"), "SELECT 1").is_ok() {
            thread::sleep(std::time::Duration::from_millis(5));
        }
        door
    }

    fn url(&self, password: &str) -> String {
        format!(
            "postgresql://{}:{password}@127.0.0.1:{}/{}",
            self.user, self.port, self.database
        )
    }
}

/// Puts a line for `user` before all others of the server's own list.
fn ask_for_a_password(url: &str, user: &str) {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    let path = support::query_one(url, "SHOW hba_file");
    let before = fs::read_to_string(Path::new(&path)).unwrap();
    fs::write(&path, format!("local all {user} scram-sha-256\n{before}")).unwrap();
    support::query(url, "SELECT pg_reload_conf()");
}

fn forward_to(socket: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let server = UnixStream::connect(&socket).unwrap();
            let (mut from_client, mut to_client): (TcpStream, TcpStream) =
                (client.try_clone().unwrap(), client);
            let (mut from_server, mut to_server) = (server.try_clone().unwrap(), server);
            thread::spawn(move || {
                let _ = io::copy(&mut from_client, &mut to_server);
                let _ = to_server.shutdown(std::net::Shutdown::Both);
            });
            thread::spawn(move || {
                let _ = io::copy(&mut from_server, &mut to_client);
                let _ = to_client.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    port
}
