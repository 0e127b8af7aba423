//! Accounts in tables of well-known applications: filled, left alone by the same file again, updated by
//! another, closed, and taken back; and tables that can't be targets, refused with the column named.
//!
//! `fixtures/targets/` has each application's tables, a pipeline and a file.

use std::fs;

use tempfile::TempDir;

use crate::support::{self, Counts, Finished, query, query_one};

/// A folder and a database with the tables of an application.
struct App {
    folder: TempDir,
    url: String,
    name: &'static str,
}

impl App {
    fn new(name: &'static str) -> App {
        let app = App {
            folder: support::folder(),
            url: support::fresh_database(),
            name,
        };
        let fixtures = support::repository().join("fixtures/targets");
        let sql = fs::read_to_string(fixtures.join(format!("{name}.sql"))).unwrap();
        query(&app.url, &sql);
        for end in ["toml", "csv"] {
            support::take(app.folder.path(), &format!("fixtures/targets/{name}.{end}"));
        }
        app
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        support::run(self.folder.path(), &self.url, arguments)
    }

    fn pipeline(&self) -> String {
        format!("{}.toml", self.name)
    }

    /// Imports the application's file, or does `verb`.
    fn counts(&self, verb: &str) -> Counts {
        let file = format!("{}.csv", self.name);
        let finished = self.run(&[verb, &file, "-p", &self.pipeline(), "--json"]);
        assert!([0, 1].contains(&finished.exit), "{finished:?}");
        finished.counts()
    }

    fn one(&self, sql: &str) -> String {
        query_one(&self.url, sql)
    }

    /// What a query gives, as `a|b` lines; nothing for null.
    fn lines(&self, sql: &str) -> Vec<String> {
        let text = |row: Vec<Option<String>>| {
            let values = row.into_iter().map(Option::unwrap_or_default);
            values.collect::<Vec<_>>().join("|")
        };
        query(&self.url, sql).into_iter().map(text).collect()
    }

    /// Every row of the tables, with its version.
    fn versions(&self, tables: &[&str]) -> Vec<String> {
        let of = |table: &&str| format!("select '{table}', xmin::text, t::text from {table} t");
        let all: Vec<String> = tables.iter().map(of).collect();
        self.lines(&format!("{} order by 1, 3", all.join(" union all ")))
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    fn undo(&self) -> Finished {
        self.run(&["undo", "last"])
    }
}

fn counted(read: u64, more: Counts) -> Counts {
    Counts { read, ..more }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, in its order")]
fn a_table_of_devise_is_filled_updated_closed_and_taken_back() {
    let app = App::new("devise");
    let before = app.versions(&["users"]);
    let wanted = counted(
        6,
        Counts {
            created: 5,
            updated: 1,
            ..Counts::default()
        },
    );
    // The check of a database that muster never wrote to tells the truth and leaves nothing there.
    assert_eq!(app.counts("check"), wanted);
    assert_eq!(
        app.one("select count(*) from pg_namespace where nspname = 'muster'"),
        "0"
    );
    let finished = app.run(&["import", "devise.csv", "-p", "devise.toml", "--json"]);
    assert_eq!(finished.exit, 1, "{finished:?}");
    let failed = counted(
        6,
        Counts {
            created: 3,
            updated: 1,
            failed: 2,
            ..Counts::default()
        },
    );
    assert_eq!(finished.counts(), failed);
    assert!(
        finished
            .stdout
            .contains("has no column for `phone`: left out"),
        "{}",
        finished.stdout
    );
    let run = finished.json()["run"]["id"].as_str().unwrap().to_string();
    let corrections = app
        .folder
        .path()
        .join("muster-runs")
        .join(run)
        .join("corrections.csv");
    let corrections = fs::read_to_string(corrections).unwrap();
    for words in ["no_robots", "character varying(40)"] {
        assert!(corrections.contains(words), "{corrections}");
    }
    let people = "select email, first_name, last_name, employee_number, role, encrypted_password = '',
        confirmed_at is not null, discarded_at is null, created_at > '2026-01-01' and created_at = updated_at
        from users order by id";
    assert_eq!(
        app.lines(people),
        [
            "Boss@Example.org|The|Boss|12|1|t|f|t|f",
            "Ann.Ng@example.org|Ann|Ng|7|1|t|t|t|t",
            "zoe@münchen.example.org|Zoë|Müller|8|0|t|t|t|t",
            "bo@example.org|Bo|Li|9|0|t|t|t|t",
        ]
    );
    // Again: the rows that the table refuses are refused again, and nothing is written.
    let filled = app.versions(&["users"]);
    app.edit("devise.csv", "10,Robot,One,robot@example.org,,\n", "");
    app.edit(
        "devise.csv",
        "11,Abcdefghijabcdefghijabcdefghijabcdefghijabc,Long,long@example.org,,\n",
        "",
    );
    let same = counted(
        4,
        Counts {
            unchanged: 4,
            ..Counts::default()
        },
    );
    assert_eq!(app.counts("check"), same);
    assert_eq!(app.counts("import"), same);
    assert_eq!(app.versions(&["users"]), filled);
    // Two swap their addresses, one leaves; phone numbers are no matter.
    app.edit("devise.csv", "bo@example.org", "x@example.org");
    app.edit("devise.csv", "Ann.Ng@Example.org", "bo@example.org");
    app.edit("devise.csv", "x@example.org", "ann.ng@example.org");
    app.edit(
        "devise.csv",
        "8,Zoë,Müller,zoe@münchen.example.org,member,+49 30 123457\n",
        "",
    );
    app.edit("devise.csv", "+49 30 123458", "+49 30 999999");
    assert_eq!(
        app.counts("import"),
        counted(
            3,
            Counts {
                updated: 2,
                unchanged: 1,
                ..Counts::default()
            }
        )
    );
    let closed = "select email, discarded_at is not null, updated_at > created_at from users where id > 1 order by employee_number";
    let now = [
        "bo@example.org|f|t",
        "zoe@münchen.example.org|t|t",
        "ann.ng@example.org|f|t",
    ];
    assert_eq!(app.lines(closed), now);
    let undone = app.undo();
    assert_eq!(undone.exit, 0, "{undone:?}");
    let back = [
        "Ann.Ng@example.org|f|t",
        "zoe@münchen.example.org|f|t",
        "bo@example.org|f|t",
    ];
    assert_eq!(app.lines(closed), back);
    // The first import goes, too, but for the one who signed in meanwhile.
    query(
        &app.url,
        "update users set sign_in_count = 1 where employee_number = '9'",
    );
    let runs = app.lines("select id from muster.runs where kind = 'import' order by started_at");
    let undone = app.run(&["undo", &runs[0]]);
    assert_eq!(undone.exit, 1, "{undone:?}");
    let left =
        "select email, coalesce(first_name, '-'), discarded_at is not null from users order by id";
    assert_eq!(
        app.lines(left),
        ["Boss@Example.org|-|f", "bo@example.org|Bo|t"]
    );
    assert_eq!(before.len(), 1);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, in its order")]
fn the_tables_of_django_are_filled_with_groups_and_taken_back() {
    let app = App::new("django");
    let wanted = counted(
        4,
        Counts {
            created: 3,
            updated: 1,
            ..Counts::default()
        },
    );
    assert_eq!(app.counts("check"), wanted);
    assert_eq!(app.counts("import"), wanted);
    let people = "select username, email, first_name, last_name, password, is_superuser, is_staff, is_active,
        date_joined > '2026-01-01', (
            select string_agg(g.name, ',' order by g.name)
            from auth_user_groups m join auth_group g on g.id = m.group_id where m.user_id = u.id
        ) from auth_user u order by username";
    assert_eq!(
        app.lines(people),
        [
            "ann|ann@example.org|Ann|Ng|!|f|f|t|t|Sales,Staff",
            "bo|bo@example.org|Bo|Li|!|f|f|t|t|Sales",
            "cy|cy@example.org|Cy|Ode|!|f|f|t|t|",
            "root|root@example.org|Rita|Root|x|t|t|t|f|Staff",
        ]
    );
    let tables = ["auth_user", "auth_group", "auth_user_groups"];
    let filled = app.versions(&tables);
    assert_eq!(
        app.counts("import"),
        counted(
            4,
            Counts {
                unchanged: 4,
                ..Counts::default()
            }
        )
    );
    assert_eq!(app.versions(&tables), filled);
    // One changes groups, one gets another name, one leaves and is closed.
    app.edit("django.csv", "Sales; Staff", "Staff; Research");
    app.edit("django.csv", "Bo,Li", "Bo,Lee");
    app.edit("django.csv", "cy,Cy,Ode,cy@example.org,\n", "");
    assert_eq!(
        app.counts("import"),
        counted(
            3,
            Counts {
                updated: 2,
                unchanged: 1,
                ..Counts::default()
            }
        )
    );
    let changed = app.lines(people);
    assert_eq!(
        changed[0],
        "ann|ann@example.org|Ann|Ng|!|f|f|t|t|Research,Staff"
    );
    assert_eq!(changed[1], "bo|bo@example.org|Bo|Lee|!|f|f|t|t|Sales");
    assert_eq!(changed[2], "cy|cy@example.org|Cy|Ode|!|f|f|f|t|");
    let undone = app.undo();
    assert_eq!(undone.exit, 0, "{undone:?}");
    let back = app.lines(people);
    assert_eq!(back[0], "ann|ann@example.org|Ann|Ng|!|f|f|t|t|Sales,Staff");
    assert_eq!(back[1], "bo|bo@example.org|Bo|Li|!|f|f|t|t|Sales");
    assert_eq!(back[2], "cy|cy@example.org|Cy|Ode|!|f|f|t|t|");
    assert_eq!(
        app.one("select count(*) from auth_group where name = 'Research'"),
        "0"
    );
    // Taking back the first import leaves what the shop refers to, and closes it.
    query(
        &app.url,
        "insert into shop_order (buyer_id) select id from auth_user where username = 'bo'",
    );
    let runs = app.lines("select id from muster.runs where kind = 'import' order by started_at");
    let planned = app.run(&["undo", &runs[0], "--plan"]);
    assert!(planned.stdout.contains("shop_order"), "{planned:?}");
    let undone = app.run(&["undo", &runs[0]]);
    assert_eq!(undone.exit, 1, "{undone:?}");
    assert_eq!(
        app.lines(people),
        [
            "bo|bo@example.org|Bo|Li|!|f|f|f|t|Sales",
            "root|root@example.org|||x|t|t|t|f|Staff",
        ]
    );
    // And what was taken back comes back with its id.
    let undo =
        app.one("select id from muster.runs where kind = 'undo' order by started_at desc limit 1");
    let again = app.run(&["undo", &undo]);
    assert_eq!(again.exit, 0, "{again:?}");
    assert_eq!(
        app.lines(people)[0],
        "ann|ann@example.org|Ann|Ng|!|f|f|t|t|Sales,Staff"
    );
    let ids = app.lines("select id from auth_user order by id");
    assert_eq!(ids, ["1", "2", "3", "4"]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, in its order")]
fn the_users_of_one_keycloak_realm_are_filled_and_no_other() {
    let app = App::new("keycloak");
    let wanted = counted(
        3,
        Counts {
            created: 2,
            updated: 1,
            ..Counts::default()
        },
    );
    assert_eq!(app.counts("check"), wanted);
    assert_eq!(app.counts("import"), wanted);
    let people = "select username, email, email_constraint, first_name, enabled, r.name,
        u.id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$',
        to_timestamp(created_timestamp / 1000.0) > '2026-01-01'
        from user_entity u join realm r on r.id = u.realm_id order by r.name, username";
    assert_eq!(
        app.lines(people),
        [
            "ann|ann@example.org|ann@example.org||t|master|f|f",
            "ann|ann@example.org|ann@example.org|Ann|t|staff|t|t",
            "bo|bo@example.org|bo@example.org|Bo|f|staff|t|t",
            "old|old@example.org|old@example.org|Olga|t|staff|f|f",
        ]
    );
    let filled = app.versions(&["user_entity"]);
    assert_eq!(
        app.counts("import"),
        counted(
            3,
            Counts {
                unchanged: 3,
                ..Counts::default()
            }
        )
    );
    assert_eq!(app.versions(&["user_entity"]), filled);
    // What makes an address unique follows it; somebody is let in.
    app.edit("keycloak.csv", "old@example.org", "olga@example.org");
    app.edit("keycloak.csv", "inactive", "active");
    assert_eq!(
        app.counts("import"),
        counted(
            3,
            Counts {
                updated: 2,
                unchanged: 1,
                ..Counts::default()
            }
        )
    );
    let changed = app.lines(people);
    assert_eq!(
        changed[2],
        "bo|bo@example.org|bo@example.org|Bo|t|staff|t|t"
    );
    assert_eq!(
        changed[3],
        "old|olga@example.org|olga@example.org|Olga|t|staff|f|f"
    );
    assert_eq!(app.undo().exit, 0);
    let runs = app.lines("select id from muster.runs where kind = 'import' order by started_at");
    assert_eq!(app.run(&["undo", &runs[0]]).exit, 0);
    assert_eq!(
        app.lines(people),
        [
            "ann|ann@example.org|ann@example.org||t|master|f|f",
            "old|old@example.org|old@example.org||t|staff|f|f",
        ]
    );
    assert_eq!(
        app.one("select count(*) from muster.links where run_id is not null"),
        "0"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, in its order")]
fn what_conflicts_with_a_mapping_is_refused_with_its_column() {
    let app = App::new("django");
    let pipeline = fs::read_to_string(app.folder.path().join("django.toml")).unwrap();
    let refused = |from: &str, to: &str, words: &[&str]| {
        assert!(pipeline.contains(from), "{from}");
        fs::write(
            app.folder.path().join("own.toml"),
            pipeline.replace(from, to),
        )
        .unwrap();
        for verb in ["check", "import"] {
            let finished = app.run(&[verb, "django.csv", "-p", "own.toml"]);
            assert_eq!(finished.exit, 2, "{finished:?}");
            for word in words {
                assert!(
                    finished.stderr.contains(word),
                    "{word}: {}",
                    finished.stderr
                );
            }
        }
    };
    query(
        &app.url,
        "alter table auth_user add constraint never check (password <> '?');
         alter table auth_user add full_name text generated always as (first_name || last_name) stored;
         create type mood as enum ('good', 'bad');
         create domain code as text check (value ~ '^[A-Z]+$');
         alter table auth_user add mood mood, add code code, add mark char(2)",
    );
    refused(
        "is_staff = false\n",
        "",
        &[
            "target.conflict",
            "`is_staff`: must not be null",
            "[target.defaults]",
        ],
    );
    refused(
        "password = \"!\"",
        "password = \"?\"",
        &["`password`", "`never`"],
    );
    refused(
        "is_staff = false",
        "is_staff = false\nmood = \"meh\"\ncode = \"low\"\nmark = \"long\"",
        &["`mood`", "`code`", "`mark`", "longer than character(2)"],
    );
    refused(
        "last_name = \"last_name\"",
        "last_name = \"lastname\"",
        &["`lastname`", "did you mean `last_name`?"],
    );
    refused(
        "last_name = \"last_name\"",
        "last_name = \"last_name\"\ndisplay_name = \"full_name\"",
        &["`full_name`: is generated"],
    );
    refused(
        "[target]\n",
        "[target]\nrole = \"mood\"\n",
        &["`mood`", "`user`", "`good`"],
    );
    refused(
        "\"auth_user\"",
        "\"auth_users\"",
        &["no table `auth_users`"],
    );
    refused(
        "onboarding = \"setup\"",
        "",
        &["`onboarding` is \"invite\""],
    );
    refused(
        "deactivated = false",
        "invited = false",
        &["leavers are to be deactivated"],
    );
    query(
        &app.url,
        "alter table auth_user enable row level security, force row level security",
    );
    query(
        &app.url,
        "create role plain login;
         grant usage on schema muster to plain;
         grant all on all tables in schema public, muster to plain",
    );
    let url = app.url.replace("user=muster", "user=plain");
    let finished = support::run(
        app.folder.path(),
        &url,
        &["import", "django.csv", "-p", "django.toml"],
    );
    assert_eq!(finished.exit, 2, "{finished:?}");
    assert!(
        finished.stderr.contains("row-level security"),
        "{}",
        finished.stderr
    );
    query(
        &app.url,
        "drop owned by plain; drop role plain; alter table auth_user disable row level security",
    );
    // The database knows one place for its accounts.
    app.counts("import");
    let finished = app.run(&["import", "django.csv"]);
    assert_eq!(finished.exit, 2, "{finished:?}");
    assert!(
        finished.stderr.contains("\"public\".\"auth_user\""),
        "{}",
        finished.stderr
    );
    query(
        &app.url,
        "create table other (like auth_user including all)",
    );
    refused(
        "\"auth_user\"",
        "\"other\"",
        &["target.other", "\"public\".\"auth_user\""],
    );
    let own = App::new("django");
    fs::write(
        own.folder.path().join("a.csv"),
        "first name,last name,email\nA,B,a@example.org\n",
    )
    .unwrap();
    assert_eq!(own.run(&["import", "a.csv"]).exit, 0);
    let finished = own.run(&["import", "django.csv", "-p", "django.toml"]);
    assert_eq!(finished.exit, 2, "{finished:?}");
    assert!(
        finished.stderr.contains("accounts of muster's own"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_changed_mapping_makes_the_views_again() {
    let app = App::new("django");
    app.counts("import");
    app.edit("django.toml", "first_name = \"first_name\"\n", "");
    app.edit(
        "django.toml",
        "is_staff = false",
        "is_staff = false\nfirst_name = \"\"",
    );
    app.edit("django.csv", "Ann,Ng", "Anna,Ngo");
    assert_eq!(
        app.counts("check"),
        counted(
            4,
            Counts {
                updated: 1,
                unchanged: 3,
                ..Counts::default()
            }
        )
    );
    // A look leaves the views as they are.
    let views = "select pg_get_viewdef('muster.accounts') ~ 'u.first_name'";
    assert_eq!(app.one(views), "t");
    assert_eq!(app.counts("import").updated, 1);
    assert_eq!(app.one(views), "f");
    let ann = "select first_name, last_name from auth_user where username = 'ann'";
    assert_eq!(app.lines(ann), ["Ann|Ngo"]);
}

#[test]
fn what_inspect_proposes_can_be_imported_by() {
    for (name, table, unchanged) in [
        ("devise", "users", 0),
        ("django", "auth_user", 0),
        ("keycloak", "user_entity", 0),
    ] {
        let app = App::new(name);
        let proposed = app.run(&["target", "inspect", table]);
        assert_eq!(proposed.exit, 0, "{proposed:?}");
        let realm = "4f7b8a62-0000-4000-8000-000000000002";
        let settings =
            "name = \"proposed\"\n[gates]\nenabled = false\n[require]\nfields = [\"email\"]\n";
        let text = proposed
            .stdout
            .replace("realm_id = \"\"", &format!("realm_id = \"{realm}\""))
            .replace(
                "values = { user = 0, admin = 1 }",
                "values = { member = 0, admin = 1 }",
            )
            .replace(
                "[accounts]\n",
                "[accounts]\nroles = [\"member\", \"admin\"]\ndefault_role = \"member\"\n",
            );
        fs::write(
            app.folder.path().join(format!("{name}.toml")),
            format!("{settings}{text}"),
        )
        .unwrap();
        let counts = app.counts("import");
        assert!(counts.created >= 2, "{counts:?}\n{text}");
        let again = app.counts("import");
        assert_eq!(
            (again.created, again.updated),
            (unchanged, 0),
            "{name}\n{text}"
        );
        if name == "django" {
            assert_eq!(
                app.one("select count(*) from auth_user_groups"),
                "4",
                "{text}"
            );
        }
    }
}

/// Sessions are muster's own, wherever the accounts are.
fn enrols_and_undoes(app: &App, url: &str, pipeline: &[&str]) {
    let write = |name: &str, text: &str| fs::write(app.folder.path().join(name), text).unwrap();
    let good = |arguments: &[&str]| {
        let done = support::run(app.folder.path(), url, &[arguments, pipeline].concat());
        assert_eq!(done.exit, 0, "{done:?}");
        done.stdout
    };
    write(
        "sessions.csv",
        "name,starts\nYoga,2099-01-14T18:30Z\nChess,2099-01-15T18:30Z\n",
    );
    write(
        "enrolled.csv",
        "email,username,first name,last name,sessions\nnew.one@firm.eu,newone,New,One,yoga; Chess\n",
    );
    good(&["sessions", "import", "sessions.csv"]);
    good(&["import", "enrolled.csv"]);
    let count = "select count(*)::text from muster.enrolments";
    assert_eq!(app.one(count), "2");
    good(&["invite", "last"]);
    let run = app.one("select id from muster.runs order by started_at desc limit 1");
    let undone = support::run(app.folder.path(), url, &["undo", &run]);
    assert_eq!(undone.exit, 0, "{undone:?}");
    assert_eq!(app.one(count), "0");
}

#[test]
fn a_role_with_what_is_printed_and_no_more_can_import_and_undo() {
    for name in ["", "django", "devise"] {
        let app = App::new(if name.is_empty() { "django" } else { name });
        let role = format!("clerk{name}");
        let mut arguments = vec!["db", "grants", "--role", &role];
        let pipeline = app.pipeline();
        if !name.is_empty() {
            arguments.extend(["-p", &pipeline]);
        }
        let grants = app.run(&arguments);
        assert_eq!(grants.exit, 0, "{grants:?}");
        query(
            &app.url,
            &format!(
                "revoke all on schema public from public; create role {role} login; {}",
                grants.stdout
            ),
        );
        let url = app.url.replace("user=muster", &format!("user={role}"));
        assert_ne!(url, app.url);
        let file = format!("{}.csv", app.name);
        let mut arguments = vec!["import", file.as_str(), "--json"];
        if !name.is_empty() {
            arguments.extend(["-p", &pipeline]);
        }
        let imported = support::run(app.folder.path(), &url, &arguments);
        assert!([0, 1].contains(&imported.exit), "{imported:?}");
        assert!(imported.counts().created >= 3, "{imported:?}");
        let again = support::run(app.folder.path(), &url, &arguments);
        assert_eq!(again.counts().updated, 0, "{again:?}");
        enrols_and_undoes(&app, &url, arguments.get(3..).unwrap_or_default());
        let mut arguments = vec!["people", "change", "--all", "--set", "first_name=Robin"];
        arguments.extend(["--apply", "--json"]);
        if !name.is_empty() {
            arguments.extend(["-p", &pipeline]);
        }
        let changed = support::run(app.folder.path(), &url, &arguments);
        assert_eq!(changed.exit, 0, "{changed:?}");
        assert_eq!(
            changed.counts().updated,
            changed.counts().read,
            "{changed:?}"
        );
        let undone = support::run(app.folder.path(), &url, &["undo", "last"]);
        assert_eq!(undone.exit, 0, "{undone:?}");
        let undone = support::run(
            app.folder.path(),
            &url,
            &[
                "undo",
                &app.one("select id from muster.runs order by started_at limit 1"),
            ],
        );
        assert_eq!(undone.exit, 0, "{undone:?}");
        // Nobody's password hash can be read with it.
        if !name.is_empty() {
            let column = if name == "django" {
                "password from auth_user"
            } else {
                "encrypted_password from users"
            };
            assert!(support::try_query(&url, &format!("select {column}")).is_err());
        }
    }
}

#[test]
fn people_in_another_table_are_changed_closed_opened_and_removed_only_if_muster_made_them() {
    let app = App::new("django");
    app.counts("import");
    let change = |who: &str, more: &[&str]| {
        let mut arguments = vec!["people", "change", "--only", who, "--apply", "--json"];
        arguments.extend(["-p", "django.toml"]);
        arguments.extend(more);
        let changed = app.run(&arguments);
        assert_eq!(changed.exit, 0, "{changed:?}");
        changed.counts()
    };
    let row = "select username, first_name, is_active from auth_user where username like 'cy%'";
    let more = ["--set", "first_name=Zoë", "--set", "username=cy2"];
    assert_eq!(change("username:cy", &more).updated, 1);
    assert_eq!(app.lines(row), ["cy2|Zoë|t"]);
    assert_eq!(change("username:cy2", &["--deactivate"]).updated, 1);
    assert_eq!(app.lines(row), ["cy2|Zoë|f"]);
    assert_eq!(change("username:cy2", &["--reactivate"]).updated, 1);
    assert_eq!(app.lines(row), ["cy2|Zoë|t"]);
    // `root` was there before.
    let all = "select username from auth_user order by 1";
    let before = app.lines(all);
    let removed = change("status:active", &["--remove"]);
    assert_eq!(removed.skipped, 1, "{removed:?}");
    assert_eq!(app.lines(all), ["root"]);
    assert_eq!(app.undo().exit, 0);
    assert_eq!(app.lines(all), before);
    for (more, why) in [
        (["--set", "phone=+41441234567"], "no column for `phone`"),
        (["--set", "shoe=44"], "no field or attribute `shoe`"),
    ] {
        let mut arguments = vec!["people", "change", "--all", "-p", "django.toml", "--apply"];
        arguments.extend(more);
        let refused = app.run(&arguments);
        assert_eq!(refused.exit, 2, "{refused:?}");
        assert!(refused.stderr.contains(why), "{refused:?}");
    }
}
