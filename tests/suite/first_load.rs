//! A first import that fills tables apart and puts them in place at once: its end is that of an import
//! which writes chunk by chunk, whatever hangs on the accounts and whenever it is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use crate::people::People;
use crate::support::{self, Finished};

const ROWS: u64 = 1_500;
const FILES: [&str; 3] = ["a.csv", "b.csv", "c.csv"];

/// A database that has one account and no more, and three files of new people, each a chunk.
struct Place {
    folder: TempDir,
    template: String,
    import: Vec<&'static str>,
}

impl Place {
    fn new() -> Place {
        let folder = support::folder();
        let people = |rows, seed| People {
            rows,
            seed,
            dirt: 0.05,
            latin_only: true,
            change: None,
        };
        let text = support::csv(&people(ROWS, 5));
        let text = String::from_utf8(text).unwrap();
        let mut reader = ::csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(text.as_bytes());
        let header = reader.byte_headers().unwrap().clone();
        let records: Vec<_> = reader.byte_records().map(Result::unwrap).collect();
        for (name, some) in FILES.iter().zip(records.chunks(records.len().div_ceil(3))) {
            let path = folder.path().join(name);
            let mut writer = ::csv::WriterBuilder::new()
                .flexible(true)
                .from_path(path)
                .unwrap();
            writer.write_byte_record(&header).unwrap();
            some.iter()
                .for_each(|record| writer.write_byte_record(record).unwrap());
            writer.flush().unwrap();
        }
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(
            "one.csv",
            "external_id,email,first_name,last_name,groups\nADMIN,admin@acme-industries.com,Ada,Min,Staff\n",
        );
        for (name, rows) in [("own.toml", 1), ("never.toml", 0)] {
            let text = format!(
                "name = \"own\"\n[load]\nchunk_rows = 1\nfirst_load_rows = {rows}\n[gates]\nenabled = false\n"
            );
            write(name, &text);
        }
        let template = support::fresh_database();
        let place = Place {
            folder,
            template,
            import: [&["import"], FILES.as_slice(), &["-p", "own.toml", "--json"]].concat(),
        };
        let first = place.run(&place.template, &["import", "one.csv", "-p", "never.toml"]);
        assert_eq!(first.exit, 0, "{first:?}");
        place
    }

    fn run(&self, url: &str, line: &[&str]) -> Finished {
        support::run(self.folder.path(), url, line)
    }

    fn database(&self) -> String {
        support::copy_database(&self.template)
    }

    /// The import on a copy of the template, chunk by chunk.
    fn chunk_by_chunk(&self) -> (End, String) {
        let url = self.database();
        let line = [
            &["import"],
            FILES.as_slice(),
            &["-p", "never.toml", "--json"],
        ]
        .concat();
        let finished = self.run(&url, &line);
        assert_eq!(first_load(&finished), Value::Null, "{finished:?}");
        (End::of(&url, &finished), url)
    }

    /// Runs the import up to where it waits to do what `hold` says, and kills it there.
    fn cut(&self, url: &str, hold: &Hold, line: &[&str]) {
        hold.set(url);
        let lock = support::Session::hold(url, LOCK);
        let running = support::start(self.folder.path(), url, line);
        wait_until_held_up(url);
        assert_eq!(running.kill().exit, -1);
        drop(lock);
    }

    /// Runs the import, and `sql` while it waits to do what `hold` says.
    fn with_meanwhile(&self, url: &str, hold: &Hold, sql: &str) -> Finished {
        hold.set(url);
        let lock = support::Session::hold(url, LOCK);
        let running = support::start(self.folder.path(), url, &self.import);
        wait_until_held_up(url);
        support::query(url, sql);
        drop(lock);
        running.finish()
    }
}

fn first_load(finished: &Finished) -> Value {
    finished.json()["run"]["first_load"].clone()
}

/// Where a run waits for [`LOCK`]: before a row is written, or before a command that alters the schema.
enum Hold {
    Row(&'static str, &'static str),
    Command(&'static str),
}

const LOCK: &str = "SELECT pg_advisory_lock(4303)";

impl Hold {
    fn set(&self, url: &str) {
        let (returns, result, trigger) = match self {
            Hold::Row(event, when) => (
                "trigger",
                "RETURN NEW;",
                format!(
                    "CREATE TRIGGER hold BEFORE {event} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION public.hold()"
                ),
            ),
            Hold::Command(tag) => (
                "event_trigger",
                "",
                format!(
                    "CREATE EVENT TRIGGER hold ON ddl_command_start WHEN TAG IN ('{tag}') EXECUTE FUNCTION public.hold()"
                ),
            ),
        };
        let sql = format!(
            "CREATE FUNCTION public.hold() RETURNS {returns} LANGUAGE plpgsql AS
                 $$ BEGIN PERFORM pg_advisory_xact_lock(4303); {result} END $$; {trigger}"
        );
        support::query(url, &sql);
    }
}

fn wait_until_held_up(url: &str) {
    let waits = "SELECT count(*) FROM pg_locks
        WHERE locktype = 'advisory' AND objid = 4303 AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    support::wait_until(|| support::query_one(url, waits) != "0");
}

/// What a run leaves, by the names of its parts.
struct End(BTreeMap<&'static str, String>);

/// Everything about the two tables and what refers to them, but for their ids.
const SCHEMA: &str = "
    SELECT line FROM (
        SELECT indexdef FROM pg_indexes WHERE schemaname = 'muster'
        UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
            FROM pg_constraint WHERE connamespace = 'muster'::regnamespace
        UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal AND tgname <> 'hold'
        UNION ALL SELECT format('%s %s %s %s %s', oid::regclass, relkind, relacl, reloptions, obj_description(oid))
            FROM pg_class WHERE relnamespace = 'muster'::regnamespace
        UNION ALL SELECT format('%s %s %s %s', attrelid::regclass, attnum, attname, attnotnull)
            FROM pg_attribute WHERE attrelid IN ('muster.accounts'::regclass, 'muster.memberships'::regclass)
                AND attnum > 0
    ) described (line) ORDER BY line";

impl End {
    fn of(url: &str, finished: &Finished) -> End {
        let reported = finished.json();
        let id = reported["run"]["id"].as_str().unwrap();
        let rows = |sql: &str| format!("{:?}", support::query(url, &sql.replace("RUN", id)));
        End(BTreeMap::from([
            ("exit", finished.exit.to_string()),
            ("counts", reported["counts"].to_string()),
            ("issues", reported["issues"].to_string()),
            ("accounts", support::accounts(url).unwrap()),
            ("schema", rows(SCHEMA)),
            (
                "rows",
                rows("SELECT run_row, status FROM muster.accounts WHERE run_id = 'RUN' ORDER BY 1"),
            ),
            (
                "memberships",
                rows(
                    "SELECT run_id = 'RUN', count(*) FROM muster.memberships GROUP BY 1 ORDER BY 1",
                ),
            ),
            (
                "chunks",
                rows(
                    "SELECT first_row, rows, outcomes FROM muster.chunks WHERE run_id = 'RUN' ORDER BY 1",
                ),
            ),
            (
                "runs",
                rows("SELECT kind, state FROM muster.runs ORDER BY id"),
            ),
        ]))
    }

    fn assert_is(&self, expected: &End, what: &str) {
        for (name, part) in &expected.0 {
            assert!(
                self.0[name] == *part,
                "{name} {what}: {}\n\nexpected {part}",
                self.0[name]
            );
        }
    }
}

#[test]
fn at_once_or_chunk_by_chunk_it_ends_the_same() {
    let place = Place::new();
    let (expected, _) = place.chunk_by_chunk();
    let url = place.database();
    let finished = place.run(&url, &place.import);
    assert_eq!(first_load(&finished)["at_once"], true, "{finished:?}");
    End::of(&url, &finished).assert_is(&expected, "at once");
    // The tables work as before: for the next import, an edit, a foreign key and an undo.
    let again = place.run(&url, &place.import);
    assert_eq!(
        again.counts().unchanged,
        finished.counts().created,
        "{again:?}"
    );
    assert_eq!(first_load(&again), Value::Null);
    support::query(
        &url,
        "UPDATE muster.accounts SET organization = 'Edited' WHERE external_id = 'ADMIN';
         INSERT INTO muster.absences SELECT id, now(), 1, 'x' FROM muster.accounts LIMIT 5;
         DELETE FROM muster.absences",
    );
    let edits = "SELECT edits ? 'organization' FROM muster.accounts WHERE external_id = 'ADMIN'";
    assert_eq!(support::query_one(&url, edits), "t");
    let stranger = "INSERT INTO muster.absences VALUES (gen_random_uuid(), now(), 1, 'x')";
    assert!(support::try_query(&url, stranger).is_err());
    let id = finished.json()["run"]["id"].as_str().unwrap().to_string();
    let undone = place.run(&url, &["undo", &id, "--json"]);
    assert_eq!(undone.exit, 0, "{undone:?}");
    for table in ["accounts", "memberships"] {
        let left = format!("SELECT count(*) FROM muster.{table}");
        assert_eq!(support::query_one(&url, &left), "1", "{table}");
    }
}

#[test]
fn killed_at_every_step_it_ends_the_same() {
    let place = Place::new();
    let (expected, _) = place.chunk_by_chunk();
    let holds = [
        Hold::Command("CREATE TABLE"),
        Hold::Command("COMMENT"),
        Hold::Row("INSERT ON muster.chunks", "NEW.first_row = 0"),
        Hold::Row("INSERT ON muster.chunks", "NEW.first_row > 600"),
        Hold::Command("CREATE INDEX"),
        Hold::Command("DROP TABLE"),
        Hold::Command("CREATE TRIGGER"),
        Hold::Command("ALTER INDEX"),
        Hold::Row("UPDATE ON muster.runs", "NEW.state = 'finished'"),
    ];
    for (number, hold) in holds.iter().enumerate() {
        let url = place.database();
        place.cut(&url, hold, &place.import);
        let again = place.run(&url, &place.import);
        assert_eq!(again.json()["run"]["resumed"], true, "{number} {again:?}");
        if number < holds.len() - 1 {
            assert_eq!(first_load(&again)["at_once"], true, "{number} {again:?}");
        }
        End::of(&url, &again).assert_is(&expected, &format!("killed at {number}"));
    }
}

/// What others attach to the accounts, how the summary calls it, and how to count that all is there.
const ATTACHED: [(&str, &str, &str); 9] = [
    (
        "CREATE VIEW public.everybody AS SELECT email FROM muster.accounts",
        "the view public.everybody depends on muster.accounts",
        "SELECT count(*) FROM public.everybody",
    ),
    (
        "CREATE TABLE public.orders (account uuid REFERENCES muster.accounts (id));
         INSERT INTO public.orders SELECT id FROM muster.accounts",
        "public.orders refers to muster.accounts",
        "SELECT count(*) FROM muster.accounts",
    ),
    (
        "CREATE TABLE public.seen (id uuid);
         INSERT INTO public.seen SELECT id FROM muster.accounts;
         CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO public.seen VALUES (NEW.id); RETURN NEW; END $$;
         CREATE TRIGGER see AFTER INSERT ON muster.accounts FOR EACH ROW EXECUTE FUNCTION public.see()",
        "muster.accounts has the trigger see",
        "SELECT count(*) FROM public.seen",
    ),
    (
        "ALTER TABLE muster.accounts ENABLE ROW LEVEL SECURITY",
        "muster.accounts has row-level security",
        "SELECT count(*) FROM muster.accounts",
    ),
    (
        "CREATE TABLE public.more () INHERITS (muster.accounts)",
        "depends on muster.accounts",
        "SELECT count(*) FROM ONLY muster.accounts",
    ),
    (
        "CREATE FUNCTION public.takes(account muster.accounts) RETURNS text LANGUAGE sql AS 'SELECT 1::text'",
        "depends on muster.accounts",
        "SELECT count(*) FROM muster.accounts",
    ),
    (
        "CREATE ROLE reads_mail; GRANT SELECT (email) ON muster.accounts TO reads_mail",
        "grants of columns",
        "SELECT count(*) FROM muster.accounts WHERE has_column_privilege('reads_mail', 'muster.accounts', 'email', 'SELECT')",
    ),
    (
        "CREATE PUBLICATION people FOR TABLE muster.memberships",
        "muster.memberships is published",
        "SELECT count(*) FROM muster.accounts, pg_publication_tables",
    ),
    (
        "ALTER TABLE muster.memberships SET (autovacuum_enabled = off)",
        "muster.memberships has settings of its own",
        "SELECT count(*) FROM muster.accounts, pg_class WHERE oid = 'muster.memberships'::regclass AND reloptions <> '{}'",
    ),
];

#[test]
fn what_hangs_on_the_accounts_keeps_them_where_they_are() {
    let place = Place::new();
    let (expected, url) = place.chunk_by_chunk();
    let accounts = &expected.0["accounts"];
    let made = support::query_one(&url, "SELECT count(*) FROM muster.accounts");
    for (sql, why, count) in ATTACHED {
        let url = place.database();
        support::query(&url, sql);
        let finished = place.run(&url, &place.import);
        let load = first_load(&finished);
        assert_eq!(load["at_once"], false, "{sql} {finished:?}");
        assert!(load["why"].as_str().unwrap().contains(why), "{sql} {load}");
        assert!(support::accounts(&url).unwrap() == *accounts, "{sql}");
        assert_eq!(support::query_one(&url, count), made, "{sql}");
    }
    let finished = place.run(&place.database(), &place.import[..place.import.len() - 1]);
    assert!(
        finished.stdout.contains("put in place at once"),
        "{finished:?}"
    );
}

#[test]
fn grants_comments_and_what_the_application_added_stay() {
    let place = Place::new();
    let alter = "CREATE ROLE reads_people;
        GRANT USAGE ON SCHEMA muster TO reads_people;
        GRANT SELECT ON muster.accounts TO reads_people WITH GRANT OPTION;
        GRANT INSERT, SELECT ON muster.memberships TO public;
        ALTER DEFAULT PRIVILEGES IN SCHEMA muster GRANT DELETE ON TABLES TO reads_people;
        ALTER TABLE muster.memberships SET (fillfactor = 70, autovacuum_vacuum_threshold = 9);
        COMMENT ON TABLE muster.accounts IS 'everybody''s';
        COMMENT ON COLUMN muster.accounts.email IS 'where mail goes';
        ALTER TABLE muster.accounts ADD COLUMN badge text DEFAULT 'none', ADD UNIQUE (id, badge),
            ADD CHECK (badge <> '');
        CREATE INDEX \"by Badge\" ON muster.accounts (lower(badge) DESC) WHERE badge <> 'none'";
    let ends = ["never.toml", "own.toml"].map(|pipeline| {
        let url = place.database();
        support::query(&url, &alter.replace("reads_people", &format!("reads_{}", &pipeline[..3])));
        let line = [&["import"], FILES.as_slice(), &["-p", pipeline, "--json"]].concat();
        let finished = place.run(&url, &line);
        let load = first_load(&finished);
        assert_eq!(load["at_once"].as_bool(), (pipeline == "own.toml").then_some(true), "{load}");
        let comments = "SELECT obj_description('muster.accounts'::regclass),
            col_description('muster.accounts'::regclass, 3), count(*) FROM muster.accounts WHERE badge = 'none'";
        let said = format!("{:?}", support::query(&url, comments));
        let schema = format!("{:?}", support::query(&url, SCHEMA));
        (said, schema.replace("reads_nev", "reads_own"))
    });
    assert_eq!(ends[0].0, ends[1].0);
    assert!(ends[0].1 == ends[1].1, "{}\n\n{}", ends[0].1, ends[1].1);
}

#[test]
fn what_others_do_meanwhile_is_not_lost() {
    let place = Place::new();
    let cases = [
        (
            Hold::Command("CREATE INDEX"),
            "CREATE VIEW public.everybody AS SELECT email FROM muster.accounts",
            "the view public.everybody",
        ),
        (
            Hold::Command("CREATE INDEX"),
            "ALTER TABLE muster.accounts ADD COLUMN badge text",
            "altered the tables",
        ),
        (
            Hold::Command("CREATE INDEX"),
            "INSERT INTO muster.accounts (id, email, email_key, role, status)
             SELECT gen_random_uuid(), email, email_key, 'member', 'active'
             FROM muster.load_accounts ORDER BY run_row LIMIT 1",
            "duplicate key",
        ),
        (
            Hold::Row("INSERT ON muster.chunks", "NEW.first_row > 600"),
            "INSERT INTO muster.accounts (id, role, status)
             SELECT gen_random_uuid(), 'member', 'active' FROM generate_series(1, 100)",
            "others made accounts",
        ),
    ];
    let created = place.chunk_by_chunk().0;
    let created: Value = serde_json::from_str(&created.0["counts"]).unwrap();
    let created = created["created"].as_u64().unwrap();
    for (hold, sql, why) in cases {
        let url = place.database();
        let finished = place.with_meanwhile(&url, &hold, sql);
        let load = first_load(&finished);
        assert_eq!(load["at_once"], false, "{sql} {finished:?}");
        assert!(load["why"].as_str().unwrap().contains(why), "{sql} {load}");
        let lost = u64::from(why == "duplicate key");
        let counts = finished.counts();
        assert_eq!(
            (counts.created, counts.failed),
            (created - lost, lost),
            "{sql}"
        );
        let id = finished.json()["run"]["id"].as_str().unwrap().to_string();
        let there = format!("SELECT count(*) FROM muster.accounts WHERE run_id = '{id}'");
        assert_eq!(
            support::query_one(&url, &there),
            (created - lost).to_string(),
            "{sql}"
        );
        assert_no_load_tables(&url);
    }
    // Who makes an account of another kind meanwhile finds it again.
    let url = place.database();
    let finished = place.with_meanwhile(
        &url,
        &Hold::Command("CREATE INDEX"),
        "INSERT INTO muster.accounts (id, external_id, role, status) VALUES (gen_random_uuid(), 'APP', 'member', 'active');
         INSERT INTO muster.memberships SELECT a.id, g.id FROM muster.accounts a, muster.groups g WHERE external_id = 'APP'",
    );
    assert_eq!(first_load(&finished)["at_once"], true, "{finished:?}");
    let there = "SELECT count(*) > 1 FROM muster.accounts a JOIN muster.memberships m ON account_id = id WHERE external_id = 'APP'";
    assert_eq!(support::query_one(&url, there), "t");
}

fn assert_no_load_tables(url: &str) {
    let left = "SELECT count(*) FROM pg_class WHERE relname LIKE 'load%' AND relnamespace = 'muster'::regnamespace";
    assert_eq!(support::query_one(url, left), "0");
}

#[test]
fn who_holds_the_accounts_for_long_is_not_waited_for() {
    let place = Place::new();
    let (expected, _) = place.chunk_by_chunk();
    let url = place.database();
    let reader = support::Session::hold(&url, "BEGIN; SELECT count(*) FROM muster.accounts");
    let finished = place.run(&url, &place.import);
    let load = first_load(&finished);
    assert!(
        load["why"].as_str().unwrap().contains("others were using"),
        "{load}"
    );
    drop(reader);
    End::of(&url, &finished).assert_is(&expected, "beside a reader");
}

#[test]
fn nobody_sees_a_part_of_it() {
    let place = Place::new();
    let url = place.database();
    let running = support::start(place.folder.path(), &url, &place.import);
    let (seen, ends) = (
        std::sync::Mutex::new(BTreeSet::new()),
        AtomicBool::new(false),
    );
    let finished = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                let sql = "SELECT (SELECT count(*) FROM muster.accounts), (SELECT count(*) FROM muster.memberships)";
                seen.lock().unwrap().insert(support::query(&url, sql));
            }
        });
        let finished = running.finish();
        ends.store(true, Ordering::Relaxed);
        finished
    });
    assert_eq!(first_load(&finished)["at_once"], true, "{finished:?}");
    let seen = seen.into_inner().unwrap();
    assert!((1..=2).contains(&seen.len()), "{seen:?}");
}

#[test]
fn another_run_takes_the_place_of_one_that_was_cut_off() {
    let place = Place::new();
    let (expected, _) = place.chunk_by_chunk();
    let names = |url: &str| {
        let sql = "SELECT email, external_id, last_name, count(group_id) FROM muster.accounts
            LEFT JOIN muster.memberships ON account_id = id GROUP BY 1, 2, 3 ORDER BY 1, 2";
        support::query(url, sql)
    };
    let hold = Hold::Row("INSERT ON muster.chunks", "NEW.first_row > 600");
    let unhold = "DROP TRIGGER hold ON muster.chunks";

    // Another import, after which the run decides again.
    let b = ["import", "one.csv", "b.csv", "-p", "own.toml", "--json"];
    let undisturbed = place.database();
    place.run(&undisturbed, &b);
    place.run(&undisturbed, &place.import);
    let url = place.database();
    place.cut(&url, &hold, &place.import);
    support::query(&url, unhold);
    let other = place.run(
        &url,
        &["import", "one.csv", "b.csv", "-p", "own.toml", "--json"],
    );
    assert_eq!(first_load(&other)["at_once"], true, "{other:?}");
    assert_no_load_tables(&url);
    let again = place.run(&url, &place.import);
    let counts = again.counts();
    assert_eq!(counts.failed, 0, "{again:?}");
    assert_eq!(names(&url), names(&undisturbed));

    // An undo of the run that was cut off.
    let url = place.database();
    place.cut(&url, &hold, &place.import);
    support::query(&url, unhold);
    let undone = place.run(&url, &["undo", "last", "--json"]);
    assert_eq!(undone.exit, 0, "{undone:?}");
    assert_no_load_tables(&url);
    let again = place.run(&url, &place.import);
    assert_eq!(first_load(&again)["at_once"], true, "{again:?}");
    assert!(
        support::accounts(&url).unwrap() == expected.0["accounts"],
        "{again:?}"
    );

    // Several processes, with the same plan.
    let url = place.database();
    let plan = ["-p", "own.toml", "--plan", "plan.parquet"];
    let checked = place.run(&url, &[&["check"], FILES.as_slice(), &plan].concat());
    assert!(checked.exit <= 1, "{checked:?}");
    let apply = ["apply", "plan.parquet", "--json"];
    place.cut(&url, &hold, &apply);
    support::query(&url, unhold);
    let shared = place.run(&url, &[apply.as_slice(), &["--share"]].concat());
    assert_eq!(first_load(&shared), Value::Null, "{shared:?}");
    assert_no_load_tables(&url);
    assert!(
        support::accounts(&url).unwrap() == expected.0["accounts"],
        "{shared:?}"
    );
}

#[test]
fn what_is_more_than_a_new_account_goes_in_as_well() {
    let place = Place::new();
    let write = |name: &str, text: &str| fs::write(place.folder.path().join(name), text).unwrap();
    // The admin's account changes, and gives up its address to somebody new.
    write(
        "b.csv",
        "external_id,email,first_name,last_name,groups\nADMIN,ada@acme-industries.com,Ada,Min,Staff\n\
         NEO-1,admin@acme-industries.com,Neo,New,Staff\n",
    );
    let ends = ["never.toml", "own.toml"].map(|pipeline| {
        let url = place.database();
        let line = [&["import"], FILES.as_slice(), &["-p", pipeline, "--json"]].concat();
        let finished = place.run(&url, &line);
        assert_eq!(
            (finished.counts().updated, finished.counts().failed),
            (1, 0),
            "{finished:?}"
        );
        (first_load(&finished), End::of(&url, &finished))
    });
    assert_eq!(ends[1].0["at_once"], true);
    ends[1].1.assert_is(&ends[0].1, "with an update");
}
