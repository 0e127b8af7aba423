//! People and groups as they are now: whatever the accounts hold, an export of them imports back as
//! unchanged, and what is done to groups keeps members and history.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{self, Counts, Finished, query, query_one};

/// Parts of values that a program in between may break.
const PARTS: [&str; 34] = [
    "a",
    "Ann",
    "O'Neil",
    "=1+1",
    "@SUM(A1)",
    "+x",
    "-x",
    "'",
    "''",
    "\"",
    ",",
    ";",
    "|",
    "007",
    "1e5",
    "1.0",
    "_x0041_",
    "_x000D_",
    "é",
    "é",
    "ß",
    "İ",
    "李",
    "שלום",
    "👩‍🔬",
    "<clear",
    "#N/A",
    "TRUE",
    "2026-01-02",
    "&amp;",
    "\\",
    " ",
    "a\nb",
    "%",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&PARTS[..]), 0..4).prop_map(|parts| parts.concat())
}

/// A column of the list.
const HEADER: [&str; 18] = [
    "external_id",
    "email",
    "username",
    "first_name",
    "last_name",
    "display_name",
    "phone",
    "country",
    "language",
    "organization",
    "groups",
    "role",
    "other_roles",
    "status",
    "start_date",
    "end_date",
    "Shoe size",
    "Note, private",
];

fn groups() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "Sales",
        "Sales/EMEA",
        "Sales/EMEA/UK",
        "A; B",
        "C, D",
        "=Board",
        "x|y",
        "[odd]",
        "007",
        "R&D",
        "Über",
    ]);
    let role = prop::sample::select(vec!["", "", ":lead", ":member"]);
    let entry = (name, role).prop_map(|(name, role)| format!("{name}{role}"));
    prop::collection::vec(entry, 0..4).prop_map(|names| match names.is_empty() {
        true => String::new(),
        false => serde_json::to_string(&names).unwrap(),
    })
}

fn person() -> impl Strategy<Value = Vec<String>> {
    let pick = |choices: &[&str]| {
        let choices: Vec<String> = choices.iter().map(ToString::to_string).collect();
        prop::sample::select(choices)
    };
    let names = (text(), text(), text(), text(), text(), text());
    let words = (
        pick(&["", "+49 30 123456", "+4930123457"]),
        pick(&["", "DE", "GB"]),
        pick(&["", "de", "pt-BR"]),
        groups(),
        pick(&["", "user", "manager"]),
        pick(&["", "user", "manager"]),
        pick(&["", "active", "invited", "deactivated"]),
        pick(&["", "2020-02-29", "2027-12-31"]),
        pick(&["", "2026-01-31", "2030-01-01"]),
        pick(&["id", "email", "username", "all"]),
    );
    (names, words).prop_map(|(names, words)| {
        let (id, first, last, display, organization, note) = names;
        let (phone, country, language, groups, role, other, status, start, end, _) = words.clone();
        let size = format!("{}{id}", &note);
        vec![
            id,
            words.9,
            String::new(),
            first,
            last,
            display,
            phone,
            country,
            language,
            organization,
            groups,
            role,
            other,
            status,
            start,
            end,
            size,
            note,
        ]
    })
}

/// Gives each person keys of their own, of the kinds that their e-mail column asks for.
fn with_keys(mut people: Vec<Vec<String>>) -> Vec<Vec<String>> {
    for (number, person) in people.iter_mut().enumerate() {
        let kind = std::mem::take(&mut person[1]);
        let part = std::mem::take(&mut person[0]);
        if kind == "id" || kind == "all" {
            person[0] = format!("0{number}{}", part.trim());
        }
        if kind == "email" || kind == "all" {
            person[1] = format!("P{number}@firm-one.eu");
        }
        if kind == "username" || kind == "all" {
            person[2] = format!("user.{number}");
        }
    }
    people
}

/// A pipeline that knows every notation; a file without a name or an address is as good.
const ODD: &str = r#"
name = "odd"
[read]
delimiter = ";"
header_row = 3
encoding = "windows-1252"
[columns]
external_id = "Badge No."
groups = ["Team", "Site"]
full_name = "Whole name"
missing = "accept"
[attributes]
size = "Shoe size"
[require]
fields = []
[accounts]
roles = ["user", "manager"]
several_roles = true
[groups]
role_mark = ":"
roles = ["lead"]
nesting = ">"
join_parents = true
visibility = "public"
memberships = "replace"
[gates]
enabled = false
"#;
const PLAIN: &str = r#"
name = "plain"
[require]
fields = []
[groups]
role_mark = ":"
roles = ["lead"]
[gates]
enabled = false
"#;

fn write_list(path: &Path, people: &[Vec<String>]) {
    let mut out = csv::Writer::from_path(path).unwrap();
    out.write_record(HEADER).unwrap();
    people
        .iter()
        .for_each(|person| out.write_record(person).unwrap());
    out.flush().unwrap();
}

/// Exports with a pipeline, and imports that again: all are unchanged, and so are the accounts.
fn comes_back(
    folder: &Path,
    url: &str,
    file: &str,
    pipeline: &[&str],
) -> Result<(), TestCaseError> {
    let count: u64 = query_one(url, "select count(*) from muster.accounts")
        .parse()
        .unwrap();
    let before = support::accounts_there(url);
    let exported = support::run(
        folder,
        url,
        &[&["people", "export", "-o", file], pipeline].concat(),
    );
    prop_assert_eq!(exported.exit, 0, "{:?}", &exported);
    prop_assert!(!exported.stderr.contains("empty"), "{:?}", &exported);
    let imported = support::run(
        folder,
        url,
        &[&["import", file, "--json"], pipeline].concat(),
    );
    let text = fs::read(folder.join(file)).unwrap();
    prop_assert_eq!(
        imported.exit,
        0,
        "{}\n{:?}",
        String::from_utf8_lossy(&text),
        &imported
    );
    let expected = Counts {
        read: count,
        unchanged: count,
        ..Counts::default()
    };
    prop_assert_eq!(
        imported.counts(),
        expected,
        "{}",
        String::from_utf8_lossy(&text)
    );
    prop_assert_eq!(support::accounts_there(url), before);
    Ok(())
}

#[test]
fn whatever_accounts_hold_an_export_of_them_comes_back_unchanged() {
    let config = Config {
        cases: 8,
        max_shrink_iters: 40,
        failure_persistence: None,
        ..Config::default()
    };
    let created = AtomicU64::new(0);
    let people = prop::collection::vec(person(), 1..40).prop_map(with_keys);
    let ran = TestRunner::new(config).run(&people, |people| {
        let (folder, url) = (support::folder(), support::fresh_database());
        let folder = folder.path();
        fs::write(folder.join("plain.toml"), PLAIN).unwrap();
        fs::write(folder.join("odd.toml"), ODD).unwrap();
        write_list(&folder.join("people.csv"), &people);
        let imported = support::run(
            folder,
            &url,
            &["import", "people.csv", "-p", "plain.toml", "--json"],
        );
        prop_assert!([0, 1].contains(&imported.exit), "{:?}", imported);
        created.fetch_add(imported.counts().created, Ordering::Relaxed);
        if imported.counts().created == 0 {
            return Ok(());
        }
        comes_back(folder, &url, "plain.csv", &["-p", "plain.toml"])?;
        comes_back(folder, &url, "plain.xlsx", &["-p", "plain.toml"])?;
        // Who lacks what the default asks for isn't kept out of an own export.
        query(&url, "update muster.memberships set roles = '{}'");
        comes_back(folder, &url, "users.csv", &[])?;
        comes_back(folder, &url, "users.xlsx", &[])
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
    let created = created.into_inner();
    assert!(created > 20, "only {created} accounts were tried");
}

#[test]
fn an_export_comes_back_by_a_pipeline_with_names_and_marks_of_its_own() {
    let (folder, url) = (support::folder(), support::fresh_database());
    let folder = folder.path();
    fs::write(folder.join("odd.toml"), ODD).unwrap();
    let list = "\n\nBadge No.;email;Whole name;Team;role;Shoe size\n\
        007;ann@firm-one.eu;Anna Maria van der Berg;Sales > EMEA > UK:lead;manager, user;042\n\
        008;bob@firm-one.eu;Bob M\u{fc}ller;Sales > EMEA > UK;user;'=1\n";
    let (list, _, _) = encoding_rs::WINDOWS_1252.encode(list);
    fs::write(folder.join("list.csv"), list).unwrap();
    let imported = support::run(
        folder,
        &url,
        &["import", "list.csv", "-p", "odd.toml", "--json"],
    );
    assert_eq!(imported.counts().created, 2, "{imported:?}");
    assert!(support::accounts_there(&url).contains("Sales (inherited)"));
    for file in ["odd.csv", "odd.xlsx"] {
        comes_back(folder, &url, file, &["-p", "odd.toml"]).unwrap();
    }
    let text = fs::read_to_string(folder.join("odd.csv")).unwrap();
    assert!(
        text.contains("Badge No.") && text.contains("Sales>EMEA>UK:lead"),
        "{text}"
    );
}

#[test]
fn what_no_cell_can_hold_is_left_empty_and_said() {
    let (folder, url) = (support::folder(), support::fresh_database());
    let folder = folder.path();
    fs::write(
        folder.join("list.csv"),
        "email,first name,last name,groups\nann@firm-one.eu,Ann,Smith,Sales\n",
    )
    .unwrap();
    assert_eq!(support::run(folder, &url, &["import", "list.csv"]).exit, 0);
    query(
        &url,
        "update muster.accounts set attributes = '{\"n\": 5, \"word\": \"<clear>\", \"t\": \"x\", \"Phone number\": \"y\"}';
        insert into muster.groups (id, path, key) values
            ('00000000-0000-0000-0000-000000000001', ' odd  name ', ' odd  name ');
        insert into muster.memberships (account_id, group_id)
            select id, '00000000-0000-0000-0000-000000000001' from muster.accounts",
    );
    let exported = support::run(folder, &url, &["people", "export", "-o", "out.csv"]);
    assert_eq!(exported.exit, 0);
    assert!(
        exported.stderr.contains("2 cells are empty"),
        "{exported:?}"
    );
    assert!(
        exported.stderr.contains("1 list of groups is empty"),
        "{exported:?}"
    );
    assert!(
        exported
            .stderr
            .contains("left out the column `Phone number`"),
        "{exported:?}"
    );
    let text = fs::read_to_string(folder.join("out.csv")).unwrap();
    assert!(text.contains(",x") && !text.contains("<clear>"), "{text}");
    let imported = support::run(folder, &url, &["import", "out.csv", "--json"]);
    assert_eq!(imported.counts().unchanged, 1, "{imported:?}\n{text}");
    // An existing file stays, and only CSV and workbooks are written.
    for (file, said) in [("out.csv", "already exists"), ("out.pdf", "neither")] {
        let refused = support::run(folder, &url, &["people", "export", "-o", file]);
        assert!(
            refused.exit == 2 && refused.stderr.contains(said),
            "{refused:?}"
        );
    }
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(folder.join("out.csv"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_new_row_in_an_exported_file_needs_what_every_row_needs() {
    let (folder, url) = (support::folder(), support::fresh_database());
    let folder = folder.path();
    assert_eq!(
        support::run(folder, &url, &["add", "ann@firm-one.eu"]).exit,
        0
    );
    comes_back(folder, &url, "a.csv", &[]).unwrap();
    let text = fs::read_to_string(folder.join("a.csv")).unwrap();
    let line = text.lines().nth(1).unwrap();
    // A new row, and one that claims to be an account that there isn't.
    let without_id = format!("{}\n", &line[36..].replace("ann@", "bob@"));
    let other_id = format!("{}\n", line.replace("ann@", "cid@"));
    fs::write(
        folder.join("b.csv"),
        format!("{text}{without_id}{other_id}"),
    )
    .unwrap();
    let imported = support::run(folder, &url, &["import", "b.csv", "--json"]);
    let counts = imported.counts();
    assert_eq!((counts.unchanged, counts.rejected), (1, 2), "{imported:?}");
    assert!(
        imported.stdout.contains("first_name.missing"),
        "{imported:?}"
    );
}

#[test]
fn an_export_of_some_people_is_no_full_list() {
    let (folder, url) = (support::folder(), support::fresh_database());
    let folder = folder.path();
    let pipeline = "name = \"hr\"\n[leavers]\nmissing = \"deactivate\"\n";
    fs::write(folder.join("hr.toml"), pipeline).unwrap();
    let list = "email,first name,last name,groups\nann@firm-one.eu,Ann,Smith,Sales\nbob@firm-one.eu,Bob,Jones,\n";
    fs::write(folder.join("list.csv"), list).unwrap();
    assert_eq!(
        support::run(folder, &url, &["import", "list.csv", "-p", "hr.toml"]).exit,
        0
    );
    let export = [
        "people", "export", "--group", "Sales", "-o", "some.csv", "-p", "hr.toml",
    ];
    assert_eq!(support::run(folder, &url, &export).exit, 0);
    let imported = support::run(
        folder,
        &url,
        &["import", "some.csv", "-p", "hr.toml", "--json"],
    );
    assert_eq!(
        (imported.exit, imported.counts().unchanged),
        (0, 1),
        "{imported:?}"
    );
    let closed = "select count(*) from muster.accounts where status = 'deactivated'";
    assert_eq!(query_one(&url, closed), "0");
    // A full list without him closes the account.
    let list = list.replace("bob@firm-one.eu,Bob,Jones,\n", "");
    fs::write(folder.join("list.csv"), list).unwrap();
    support::run(folder, &url, &["import", "list.csv", "-p", "hr.toml"]);
    assert_eq!(query_one(&url, closed), "1");
}

/// A database with a few people in nested groups.
fn firm() -> (tempfile::TempDir, String) {
    let (folder, url) = (support::folder(), support::fresh_database());
    fs::write(
        folder.path().join("list.csv"),
        "external_id,email,first name,last name,groups,organization,status\n\
        1,ann@firm-one.eu,Ann,Smith,Sales/EMEA;Board,Acme,active\n\
        2,bob@firm-one.eu,Bob,Jones,Sales,Acme,invited\n\
        3,cid@firm-one.eu,Cid,Brown,\"[\"\"Sales\\\"\"X/Y\"\"]\",Umbrella,deactivated\n",
    )
    .unwrap();
    let imported = support::run(folder.path(), &url, &["import", "list.csv"]);
    assert_eq!(imported.exit, 0, "{imported:?}");
    (folder, url)
}

fn names(finished: &Finished) -> Vec<String> {
    assert_eq!(finished.exit, 0, "{finished:?}");
    let json = finished.json();
    let people = json["people"].as_array().unwrap().iter();
    people
        .map(|one| one["first_name"].as_str().unwrap().to_string())
        .collect()
}

#[test]
fn a_renamed_group_keeps_members_and_what_runs_did_to_it_can_be_undone() {
    let (folder, url) = firm();
    let folder = folder.path();
    let run = |arguments: &[&str]| support::run(folder, &url, arguments);
    // Somebody leaves a group, and somebody joins one.
    fs::write(
        folder.join("moves.csv"),
        "external_id,email,first name,last name,add_groups,remove_groups\n\
        1,ann@firm-one.eu,Ann,Smith,Sales/APAC,Sales/EMEA\n",
    )
    .unwrap();
    assert_eq!(run(&["import", "moves.csv"]).exit, 0);
    let renamed = run(&["groups", "rename", "sales", "Market=\"1\""]);
    assert_eq!(renamed.exit, 0, "{renamed:?}");
    let paths = "select string_agg(path, ' ' order by path) from muster.groups";
    assert_eq!(
        query_one(&url, paths),
        "Board Market=\"1\" Market=\"1\"/APAC Market=\"1\"/EMEA Sales\"X Sales\"X/Y"
    );
    let members = run(&[
        "people",
        "list",
        "--group",
        "MARKET=\"1\"",
        "--json",
        "--unmasked",
    ]);
    assert_eq!(names(&members), ["Ann", "Bob"]);
    // What the import did goes back, under the name that the groups have now.
    let undone = run(&["undo", "last"]);
    assert_eq!(undone.exit, 0, "{undone:?}");
    let groups = "select string_agg(grouping.path, ' ' order by path) from muster.memberships
        join muster.groups grouping on grouping.id = group_id
        join muster.accounts on accounts.id = account_id where first_name = 'Ann'";
    assert_eq!(query_one(&url, groups), "Board Market=\"1\"/EMEA");
    let explained = run(&["explain", "ann@firm-one.eu"]);
    assert!(
        explained.stdout.contains("market=\"1\"/emea"),
        "{explained:?}"
    );
    // A group of that name, an empty name and a path are refused, and nothing is written.
    for (to, said) in [
        ("board", "already exists"),
        (" ", "needs a name"),
        ("A/B", "is not a name"),
    ] {
        let refused = run(&["groups", "rename", "Market=\"1\"", to]);
        assert!(
            refused.exit == 2 && refused.stderr.contains(said),
            "{refused:?}"
        );
    }
    // Another case of the same name is no other group.
    assert_eq!(run(&["groups", "rename", "board", "BOARD"]).exit, 0);
    assert!(query_one(&url, paths).starts_with("BOARD "));
    // The rename isn't undone by `undo`, which says how it is.
    let run_id = query_one(
        &url,
        "select id from muster.runs where kind = 'groups' order by started_at limit 1",
    );
    let refused = run(&["undo", &run_id]);
    assert!(
        refused.exit == 2 && refused.stderr.contains("muster groups rename"),
        "{refused:?}"
    );
}

#[test]
fn a_removed_group_comes_back_with_its_members() {
    let (folder, url) = firm();
    let folder = folder.path();
    let run = |arguments: &[&str]| support::run(folder, &url, arguments);
    query(&url, "update muster.groups set visibility = 'public'");
    // Somebody who came down from a group below.
    query(
        &url,
        "insert into muster.memberships (account_id, group_id, inherited)
        select account.id, grouping.id, true from muster.accounts account, muster.groups grouping
        where account.first_name = 'Ann' and grouping.path = 'Sales'",
    );
    let before = support::accounts_there(&url);
    let versions = "select count(*)::text || max(xmin::text) from muster.memberships";
    let unwritten = query_one(&url, versions);
    assert_eq!(run(&["groups", "remove", "Sales"]).exit, 2);
    assert_eq!(run(&["groups", "remove", "Sales", "--apply"]).exit, 2);
    let preview = run(&["groups", "remove", "Sales", "--with-members"]);
    assert!(
        preview.exit == 0 && preview.stdout.contains("2 people would leave; 1 of them"),
        "{preview:?}"
    );
    assert_eq!(query_one(&url, versions), unwritten);
    let removed = run(&["groups", "remove", "Sales", "--with-members", "--apply"]);
    assert_eq!(removed.exit, 0, "{removed:?}");
    assert_eq!(
        query_one(
            &url,
            "select string_agg(path, ' ' order by path) from muster.groups"
        ),
        "Board Sales\"X Sales\"X/Y"
    );
    let explained = run(&["explain", "ann@firm-one.eu"]);
    assert!(
        explained.stdout.contains("left groups that were removed"),
        "{explained:?}"
    );
    let id = query_one(&url, "select id from muster.runs where kind = 'groups'");
    assert!(
        run(&["runs"])
            .stdout
            .contains("removed `Sales` and 1 group below it")
    );
    assert!(
        run(&["show", &id])
            .stdout
            .contains("2 people are no longer in them")
    );
    let planned = run(&["undo", &id, "--plan"]);
    assert!(
        planned.exit == 0 && planned.stdout.contains("groups restored  2"),
        "{planned:?}"
    );
    assert_eq!(run(&["undo", &id]).exit, 0);
    assert_eq!(support::accounts_there(&url), before);
}

#[test]
fn an_empty_group_is_created_and_removed_without_more_words() {
    let (folder, url) = firm();
    let folder = folder.path();
    let run = |arguments: &[&str]| support::run(folder, &url, arguments);
    let before = support::accounts_there(&url);
    assert_eq!(
        run(&["groups", "create", "New/Inside", "--visibility", "public"]).exit,
        0
    );
    assert_eq!(run(&["groups", "create", "new/inside"]).exit, 2);
    assert_eq!(
        query_one(
            &url,
            "select visibility from muster.groups where path = 'New/Inside'"
        ),
        "public"
    );
    assert_eq!(
        query_one(
            &url,
            "select visibility from muster.groups where path = 'New'"
        ),
        "private"
    );
    assert_eq!(run(&["groups", "remove", "New/Inside", "--apply"]).exit, 0);
    assert_eq!(support::accounts_there(&url), before);
}

#[test]
fn a_role_with_what_is_printed_can_read_people_and_change_groups() {
    let (folder, url) = firm();
    let folder = folder.path();
    let grants = support::run(folder, &url, &["db", "grants", "--role", "registrar"]);
    query(
        &url,
        &format!("create role registrar login; {}", grants.stdout),
    );
    let own = url.replace("user=muster", "user=registrar");
    assert_ne!(own, url);
    for arguments in [
        &[
            "people",
            "list",
            "--never-signed-in",
            "--invited-since",
            "2026-01-01",
        ][..],
        &["people", "show", "ann@firm-one.eu"],
        &["people", "export", "-o", "out.xlsx"],
        &["groups", "list"],
        &["groups", "show", "Sales"],
        &["groups", "create", "New"],
        &["groups", "rename", "Sales", "Market"],
        &["groups", "set-visibility", "Market", "public"],
        &["groups", "remove", "Market", "--with-members", "--apply"],
    ] {
        let done = support::run(folder, &own, arguments);
        assert_eq!(done.exit, 0, "{arguments:?} {done:?}");
    }
}

#[test]
fn filters_say_who_is_meant() {
    let (folder, url) = firm();
    let folder = folder.path();
    query(
        &url,
        "insert into muster.invitations (id, run_id, account_id, kind, email, email_key, state, message_id, sent_at)
        select id, run_id, id, 'invite', email, email_key, 'accepted', '<m>', '2026-03-01' from muster.accounts
        where first_name = 'Ann';
        update muster.accounts set other_roles = '{manager}' where first_name = 'Cid'",
    );
    let list = |arguments: &[&str]| {
        let all = [&["people", "list", "--json", "--unmasked"], arguments].concat();
        names(&support::run(folder, &url, &all))
    };
    for (arguments, expected) in [
        (
            &["--status", "invited", "--status", "deactivated"][..],
            &["Bob", "Cid"][..],
        ),
        (&["--group", "Sales"], &["Ann", "Bob"]),
        (&["--group", "sales/emea"], &["Ann"]),
        (&["--role", "manager"], &["Cid"]),
        (&["--organization", "acme", "--status", "active"], &["Ann"]),
        (&["--run", "last"], &["Ann", "Bob", "Cid"]),
        (&["--invited-since", "2026-03-01"], &["Ann"]),
        (&["--invited-since", "2026-03-02"], &[]),
        (&["--never-signed-in"], &["Bob", "Cid"]),
        (&["--text", "JONES b"], &["Bob"]),
        (
            &[
                "--text",
                "firm-one",
                "--sort",
                "-first_name",
                "--limit",
                "2",
            ],
            &["Cid", "Bob"],
        ),
        (&["--sort", "status,-email"], &["Ann", "Cid", "Bob"]),
    ] {
        assert_eq!(list(arguments), expected, "{arguments:?}");
    }
    for (arguments, said) in [
        (&["--group", "Salse"][..], "did you mean `Sales`?"),
        (&["--role", "manger"], "did you mean `manager`?"),
        (&["--organization", "umbrela"], "did you mean `Umbrella`?"),
        (&["--status", "actve"], "'active'"),
        (&["--run", "zz"], "no run `zz`"),
        (&["--columns", "mail"], "did you mean `email`?"),
        (&["--sort", "frist_name"], "did you mean `first_name`?"),
    ] {
        let refused = support::run(folder, &url, &[&["people", "list"], arguments].concat());
        assert!(
            refused.exit == 2 && refused.stderr.contains(said),
            "{arguments:?} {refused:?}"
        );
    }
    let unknown = support::run(folder, &url, &["people", "show", "ann@firm-one.ue"]);
    assert!(
        unknown.exit == 2 && unknown.stderr.contains("a***@f***.eu, account"),
        "{unknown:?}"
    );
}

#[test]
fn people_and_groups_are_read_from_the_applications_own_tables() {
    for (name, extra) in [
        (
            "django",
            "insert into auth_user (password, is_superuser, username, first_name, last_name, email, is_staff,
                is_active, date_joined)
            values ('x', false, 'eve', 'Eve', 'Late', 'eve@example.org', false, false, '2026-01-01');
            insert into auth_user_groups (user_id, group_id) select id, 1 from auth_user where username = 'eve'",
        ),
        ("devise", ""),
    ] {
        let (folder, url) = (support::folder(), support::fresh_database());
        let folder = folder.path();
        let file = |end: &str| format!("fixtures/targets/{name}.{end}");
        query(&url, &fs::read_to_string(support::repository().join(file("sql"))).unwrap());
        for end in ["toml", "csv"] {
            support::take(folder, &file(end));
        }
        let (list, pipeline) = (format!("{name}.csv"), format!("{name}.toml"));
        let run = |arguments: &[&str]| {
            support::run(folder, &url, &[arguments, &["-p", &pipeline]].concat())
        };
        assert!([0, 1].contains(&run(&["import", &list]).exit));
        query(&url, &format!("{extra};"));
        let count: u64 = query_one(&url, "select count(*) from muster.accounts").parse().unwrap();
        let listed = run(&["people", "list", "--json", "--unmasked"]).json();
        let people = listed["people"].as_array().unwrap().clone();
        // Also who the application added since, without an import in between.
        let added = u64::from(!extra.is_empty());
        assert_eq!(people.len() as u64, count + added, "{listed}");
        let eve = people.iter().find(|one| one["username"] == "eve");
        assert_eq!(eve.is_some(), added == 1, "{listed}");
        for end in ["csv", "xlsx"] {
            let out = format!("out.{end}");
            let exported = run(&["people", "export", "-o", &out]);
            assert_eq!(exported.exit, 0, "{exported:?}");
            let imported = run(&["import", &out, "--json"]);
            let counts = imported.counts();
            assert_eq!(counts.unchanged, count + added, "{name} {imported:?}");
            assert_eq!(counts.read, count + added);
        }
        let other = support::run(folder, &url, &["people", "list"]);
        assert!(other.exit == 2 && other.stderr.contains("target.other"), "{other:?}");
        if name == "django" {
            let shown = run(&["people", "show", "eve"]);
            assert!(shown.exit == 0 && shown.stdout.contains("Staff"), "{shown:?}");
            let members = run(&["people", "list", "--group", "staff", "--json"]);
            assert_eq!(members.json()["found"], 2 + 1, "{members:?}");
            let refused = run(&["groups", "rename", "Staff", "Crew"]);
            assert!(refused.exit == 2 && refused.stderr.contains("your application"), "{refused:?}");
            assert_eq!(run(&["groups", "create", "New"]).exit, 0);
            let removed = run(&["groups", "remove", "Staff", "--with-members", "--apply"]);
            assert_eq!(removed.exit, 0, "{removed:?}");
            let groups = "select string_agg(name, ' ' order by name) from auth_group";
            assert_eq!(query_one(&url, groups), "New Sales");
        }
    }
}

#[test]
fn an_exported_row_whose_key_was_changed_makes_no_second_account() {
    let (folder, url) = (support::folder(), support::fresh_database());
    let folder = folder.path();
    let run = |arguments: &[&str]| support::run(folder, &url, arguments);
    let list = "email,first name,last name\nann@firm-one.eu,Ann,Smith\nbob@firm-one.eu,Bob,Jones\n";
    fs::write(folder.join("list.csv"), list).unwrap();
    assert_eq!(run(&["import", "list.csv"]).exit, 0);
    assert_eq!(run(&["people", "export", "-o", "out.csv"]).exit, 0);
    let exported = fs::read_to_string(folder.join("out.csv")).unwrap();
    let changed = exported.replace("ann@firm-one.eu", "ann.smith@firm-one.eu");
    fs::write(folder.join("changed.csv"), &changed).unwrap();
    let held = run(&["import", "changed.csv"]);
    assert!(
        held.exit == 3
            && held
                .stdout
                .contains("1 exported row would make new accounts"),
        "{held:?}"
    );
    assert_eq!(query_one(&url, "select count(*) from muster.accounts"), "2");
    // A row that somebody added is about nobody who was exported.
    let columns = exported.lines().next().unwrap();
    let cell = |column: &str| match column {
        "email" => "cid@firm-one.eu",
        "first_name" => "Cid",
        "last_name" => "Brown",
        _ => "",
    };
    let added: Vec<&str> = columns
        .split(',')
        .map(|column| cell(column.trim()))
        .collect();
    let more = format!("{}\n{}\n", exported.trim_end(), added.join(","));
    fs::write(folder.join("more.csv"), more).unwrap();
    let imported = run(&["import", "more.csv", "--json"]);
    assert_eq!(
        (
            imported.exit,
            imported.counts().created,
            imported.counts().unchanged
        ),
        (0, 1, 2),
        "{imported:?}"
    );
    // Another database has none of these accounts.
    let empty = support::fresh_database();
    let moved = support::run(folder, &empty, &["import", "out.csv", "--json"]);
    assert_eq!((moved.exit, moved.counts().created), (0, 2), "{moved:?}");
}

#[test]
fn a_removed_group_comes_back_below_one_that_was_made_again() {
    let (folder, url) = firm();
    let run = |arguments: &[&str]| support::run(folder.path(), &url, arguments);
    let remove = ["groups", "remove", "Sales", "--with-members", "--apply"];
    assert_eq!(run(&remove).exit, 0);
    assert_eq!(run(&["groups", "create", "Sales"]).exit, 0);
    let refused = run(&["undo", "last"]);
    assert!(
        refused.exit == 2 && refused.stderr.contains("which changed groups"),
        "{refused:?}"
    );
    let sql = "select id from muster.runs where kind = 'groups' order by started_at limit 1";
    let undone = run(&["undo", &query_one(&url, sql)]);
    assert_eq!(undone.exit, 0, "{undone:?}");
    let sql = "select above.path from muster.groups below join muster.groups above on above.id = below.parent_id
        where below.path = 'Sales/EMEA'";
    assert_eq!(query_one(&url, sql), "Sales");
    let sql = "select count(*) from muster.memberships join muster.groups on groups.id = group_id
        where path in ('Sales', 'Sales/EMEA')";
    assert_eq!(query_one(&url, sql), "2");
}

#[test]
fn an_account_that_any_other_table_refers_to_stays() {
    let (folder, url) = firm();
    let run = |arguments: &[&str]| support::run(folder.path(), &url, arguments);
    // A role called `muster` makes tables in our schema, unless it names another.
    query(
        &url,
        "create table muster.orders (account uuid references muster.accounts (id) on delete cascade)",
    );
    query(
        &url,
        "insert into muster.orders select id from muster.accounts where first_name = 'Bob'",
    );
    let change = [
        "people",
        "change",
        "--only",
        "bob@firm-one.eu",
        "--remove",
        "--apply",
    ];
    let kept = run(&change);
    assert!(format!("{kept:?}").contains("muster.orders"), "{kept:?}");
    let first = query_one(
        &url,
        "select id from muster.runs order by started_at limit 1",
    );
    run(&["undo", &first]);
    assert_eq!(query_one(&url, "select count(*) from muster.orders"), "1");
    assert_eq!(
        query_one(
            &url,
            "select string_agg(first_name, ' ') from muster.accounts"
        ),
        "Bob"
    );
}
