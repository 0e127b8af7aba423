//! Runs that are taken back: what goes back, what stays because somebody changed or used it, and
//! what `muster explain` tells of it.

use std::fs;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::people::{People, Random};
use crate::support::{self, Finished};

/// A folder and a database of its own.
struct Place {
    folder: TempDir,
    url: String,
}

impl Place {
    fn new() -> Place {
        Place {
            folder: support::folder(),
            url: support::fresh_database(),
        }
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        support::run(self.folder.path(), &self.url, arguments)
    }

    /// Runs with that exit code; gives what was printed.
    fn ends(&self, exit: i32, arguments: &[&str]) -> String {
        let finished = self.run(arguments);
        assert_eq!(finished.exit, exit, "{arguments:?}\n{finished:?}");
        finished.stdout
    }

    /// Imports that text; the id of the run.
    fn import(&self, text: &str) -> String {
        self.import_by(text, "")
    }

    fn import_by(&self, text: &str, pipeline: &str) -> String {
        let write = |name: &str, text: &str| fs::write(self.folder.path().join(name), text);
        write("people.csv", text).unwrap();
        // Half of the people change here, and that is no matter.
        let text = format!("name = \"own\"\n{pipeline}\n[gates]\nenabled = false\n");
        write("own.toml", &text).unwrap();
        let finished = self.run(&["import", "people.csv", "-p", "own.toml", "--json"]);
        assert!([0, 1].contains(&finished.exit), "{finished:?}");
        id(&finished)
    }

    /// Undoes a run with that exit code; its summary.
    fn undo(&self, run: &str, exit: i32) -> serde_json::Value {
        let finished = self.run(&["undo", run, "--json"]);
        assert_eq!(finished.exit, exit, "{finished:?}");
        finished.counts();
        finished.json()
    }

    fn sql(&self, sql: &str) {
        support::query(&self.url, sql);
    }

    fn one(&self, sql: &str) -> String {
        support::query_one(&self.url, sql)
    }

    /// Every column of every account, all memberships and groups; without when accounts were
    /// last written to, and whose run a membership is.
    fn dump(&self) -> Vec<Vec<Option<String>>> {
        let sql =
            "SELECT 'account', (to_jsonb(a) - 'updated_at')::text, NULL FROM muster.accounts a
            UNION ALL SELECT 'group', to_jsonb(g)::text, NULL FROM muster.groups g
            UNION ALL SELECT 'member', account_id::text, (to_jsonb(m) - 'run_id')::text
            FROM muster.memberships m
            ORDER BY 1, 2, 3";
        support::query(&self.url, sql)
    }

    fn kept(&self, run: &str) -> Vec<String> {
        let sql = format!(
            "SELECT field || ': ' || reason FROM muster.kept WHERE run_id = '{run}' ORDER BY row, field"
        );
        support::query(&self.url, &sql)
            .into_iter()
            .map(|row| row[0].clone().unwrap())
            .collect()
    }
}

fn id(finished: &Finished) -> String {
    let id = finished.json()["run"]["id"].clone();
    id.as_str().unwrap().to_string()
}

const HEADER: &str = "id,first name,last name,email,groups,company,cost center\n";
const REPLACE: &str = "[groups]\nmemberships = \"replace\"\n";

fn made_up(rows: u64, seed: u64, change: Option<(f64, u64)>) -> String {
    let people = People {
        rows,
        seed,
        dirt: 0.1,
        latin_only: false,
        change,
    };
    String::from_utf8(support::csv(&people)).unwrap()
}

/// Other groups, roles and names in some rows, and some rows left out.
fn mixed_up(text: &str, random: &mut Random) -> String {
    const GROUPS: [&str; 5] = ["Sales", "Newly/Made", "Research/Materials", "Newly", ""];
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let groups = header
        .iter()
        .position(|name| name.to_lowercase().contains("group"));
    let mut out = csv::WriterBuilder::new()
        .flexible(true)
        .from_writer(Vec::new());
    out.write_record(&header).unwrap();
    for row in reader.records().map(Result::unwrap) {
        if random.chance(0.1) {
            continue;
        }
        let mut cells: Vec<String> = row.iter().map(String::from).collect();
        if let Some(cell) = groups
            .and_then(|at| cells.get_mut(at))
            .filter(|_| random.chance(0.3))
        {
            *cell = GROUPS[random.below(5) as usize].to_string();
        }
        out.write_record(&cells).unwrap();
    }
    String::from_utf8(out.into_inner().unwrap()).unwrap()
}

#[test]
fn an_import_that_is_undone_leaves_what_was_there_before_and_the_undo_of_that_brings_it_back() {
    for seed in 0..4 {
        let mut random = Random::new(seed);
        let place = Place::new();
        let empty = {
            place.import("email,first name,last name\nfirst@acme-industries.com,First,Comer\n");
            place.dump()
        };
        let base = made_up(300, seed, None);
        let first = place.import(&mixed_up(&base, &mut random));
        let before = place.dump();
        let changed = mixed_up(&made_up(450, seed, Some((0.3, seed))), &mut random);
        let pipeline = if seed % 2 == 0 { REPLACE } else { "" };
        let second = place.import_by(&changed, pipeline);
        let after = place.dump();
        assert_ne!(before, after);

        let planned = place.run(&["undo", &second, "--plan", "--json"]);
        assert_eq!(place.dump(), after, "a plan writes nothing");
        assert_eq!(place.one("SELECT count(*) FROM muster.runs"), "3");
        let undone = place.undo(&second, 0);
        assert_eq!(planned.exit, 0, "{planned:?}");
        assert_eq!(planned.json()["counts"], undone["counts"]);
        assert_eq!(planned.json()["undo"], undone["undo"]);
        assert!(undone["undo"]["removed"].as_u64() > Some(50), "{undone}");
        assert!(
            undone["undo"]["changed_back"].as_u64() > Some(30),
            "{undone}"
        );
        assert!(
            before == place.dump(),
            "seed {seed}: not as before the import"
        );
        let again = place.ends(0, &["undo", &second]);
        assert!(again.contains("was already undone by"), "{again}");

        let undo = undone["run"]["id"].as_str().unwrap();
        let redone = place.undo(undo, 0);
        assert!(
            after == place.dump(),
            "seed {seed}: not as after the import"
        );
        assert_eq!(redone["counts"]["created"], undone["undo"]["removed"]);
        let redo = redone["run"]["id"].as_str().unwrap();
        place.undo(redo, 0);
        assert!(
            before == place.dump(),
            "seed {seed}: not undone a second time"
        );
        // latest first, everything goes
        place.undo(&first, 0);
        assert!(
            empty == place.dump(),
            "seed {seed}: not as before the first import"
        );
    }
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one story from its beginning to its end"
)]
fn what_somebody_changed_since_is_kept_and_listed_with_who_did() {
    let place = Place::new();
    place.import(&format!(
        "{HEADER}1,Ann,Smith,ann@firm-one.eu,Sales,Acme,A1\n2,Bob,Jones,bob@firm-one.eu,Sales,Acme,B1\n3,Cid,Brown,cid@firm-one.eu,Sales,Acme,C1\n"
    ));
    let run = place.import_by(
        &format!(
            "{HEADER}1,Ann,Smythe,ann@firm-one.eu,Board,Acme Two,A2\n2,Bob,Jonas,bobby@firm-one.eu,Sales,Acme Two,B2\n3,Cid,Brown,cid.brown@firm-one.eu,Sales,Acme,C1\n"
        ),
        REPLACE,
    );
    place.sql(
        "UPDATE muster.accounts SET last_name = 'Kay', updated_at = now() WHERE external_id = '1'",
    );
    let later = place.import(&format!(
        "{HEADER}2,Bob,Jonas,bobby@firm-one.eu,,Acme Three,B2\n"
    ));
    // somebody else has the address that would go back
    place.sql(
        "INSERT INTO muster.accounts (id, email, email_key, role, status)
         VALUES ('00000000-0000-0000-0000-000000000001', 'Cid@firm-one.eu', 'cid@firm-one.eu', 'user', 'active')",
    );
    let undone = place.undo(&run, 1);
    assert_eq!(undone["counts"]["skipped"], 3, "{undone}");
    let undo = undone["run"]["id"].as_str().unwrap();
    assert_eq!(
        place.kept(undo),
        [
            "last_name: changed since by the application".to_string(),
            format!("organization: changed since by run {later}"),
            "email: account 00000000-0000-0000-0000-000000000001 has it now".to_string(),
        ]
    );
    let accounts = support::accounts(&place.url).unwrap();
    for line in [
        "1,ann@firm-one.eu,,Ann,Kay,,,,,Acme,user,invited,,,,\"{\"\"cost center\"\": \"\"A1\"\"}\",Sales",
        "2,bob@firm-one.eu,,Bob,Jones,,,,,Acme Three,user,invited,,,,\"{\"\"cost center\"\": \"\"B1\"\"}\",Sales",
        "3,cid.brown@firm-one.eu,,Cid,Brown,,,,,Acme,user,invited,,,,\"{\"\"cost center\"\": \"\"C1\"\"}\",Sales",
    ] {
        assert!(accounts.contains(line), "{line}\n{accounts}");
    }
    let keys = "SELECT string_agg(email_key, ' ' ORDER BY external_id) FROM muster.accounts WHERE external_id IS NOT NULL";
    assert_eq!(
        place.one(keys),
        "ann@firm-one.eu bob@firm-one.eu cid.brown@firm-one.eu"
    );
    let invited = place.ends(0, &["invite", "last"]);
    assert!(
        invited.contains(&later),
        "the latest import, not the undo: {invited}"
    );
    let shown = place.ends(0, &["show", undo]);
    assert!(
        shown.contains("changed since by the application"),
        "{shown}"
    );
    let listed = fs::read_to_string(
        place
            .folder
            .path()
            .join(format!("muster-runs/{undo}/kept.csv")),
    )
    .unwrap();
    assert!(
        listed.contains("\"bob@firm-one.eu\",\"2\",\"organization\""),
        "{listed}"
    );
    // nothing new since: no run, no error
    place.ends(0, &["undo", &run]);
    assert_eq!(
        place.one("SELECT count(*) FROM muster.runs WHERE kind = 'undo'"),
        "1"
    );
    // the application takes its change back: now there is something to undo again
    place.sql("UPDATE muster.accounts SET last_name = 'Smythe' WHERE external_id = '1'");
    place.undo(&run, 1);
    assert_eq!(
        place.one("SELECT last_name FROM muster.accounts WHERE external_id = '1'"),
        "Smith"
    );
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one story from its beginning to its end"
)]
fn accounts_that_somebody_used_are_deactivated_and_never_removed() {
    let place = Place::new();
    let mut text = HEADER.to_string();
    for number in 1..=8 {
        text += &format!("{number},Ann,Nr{number},ann{number}@firm-one.eu,Sales,Acme,C\n");
    }
    let run = place.import(&text);
    let id = |number: u32| {
        place.one(&format!(
            "SELECT id FROM muster.accounts WHERE external_id = '{number}'"
        ))
    };
    place.ends(0, &["invite", &run, "--send", "-q"]);
    let sha = "SELECT encode(token_sha256, 'hex') FROM muster.invitations WHERE email = 'ann1@firm-one.eu'";
    let sha = place.one(sha);
    place.sql(&format!(
        "SELECT muster.accept_invitation('\\x{sha}', '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g')"
    ));
    place.sql(&format!(
        "INSERT INTO muster.credentials (account_id, password_hash) VALUES ('{}', '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g')",
        id(2)
    ));
    // an application that doesn't keep `updated_at`
    place.sql("UPDATE muster.accounts SET phone = '1' WHERE external_id = '3'");
    place.sql(&format!(
        "CREATE TABLE public.orders (id int, buyer uuid REFERENCES muster.accounts ON DELETE CASCADE);
         INSERT INTO public.orders VALUES (1, '{}')",
        id(4)
    ));
    place.sql(&format!(
        "INSERT INTO muster.groups (id, path, key) VALUES (gen_random_uuid(), 'App', 'app');
         INSERT INTO muster.memberships SELECT '{}', id FROM muster.groups WHERE key = 'app'",
        id(5)
    ));
    let later = place.import(&format!(
        "{HEADER}6,Ann,Nr6,ann6@firm-one.eu,Sales,Acme Two,C\n"
    ));
    // a reference that only the delete itself finds: not to the id
    place.sql(&format!(
        "CREATE TABLE public.mentions (who uuid);
         CREATE FUNCTION public.mentioned() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF EXISTS (SELECT FROM public.mentions WHERE who = OLD.id) THEN
                RAISE foreign_key_violation USING TABLE = 'mentions'; END IF; RETURN OLD; END $$;
         CREATE TRIGGER mentioned BEFORE DELETE ON muster.accounts FOR EACH ROW EXECUTE FUNCTION public.mentioned();
         INSERT INTO public.mentions VALUES ('{}')",
        id(7)
    ));
    let before = place.dump();
    let planned = place.ends(1, &["undo", &run, "--plan"]);
    assert!(planned.contains("would stay"), "{planned}");
    assert_eq!(before, place.dump());
    let undone = place.undo(&run, 1);
    let undo = undone["run"]["id"].as_str().unwrap();
    assert_eq!(
        (&undone["undo"]["removed"], &undone["undo"]["deactivated"]),
        (&1.into(), &7.into()),
        "{undone}"
    );
    assert_eq!(
        place.kept(undo),
        [
            "account: the person accepted an invitation".to_string(),
            "account: the person has a password".to_string(),
            "account: changed since by the application".to_string(),
            "account: `orders` refers to it".to_string(),
            "account: the application put it into a group".to_string(),
            format!("account: changed since by run {later}"),
            "account: `mentions` refers to it".to_string(),
        ]
    );
    let left = "SELECT string_agg(external_id || ' ' || status, ', ' ORDER BY external_id) FROM muster.accounts";
    assert_eq!(
        place.one(left),
        (1..=7)
            .map(|n| format!("{n} deactivated"))
            .collect::<Vec<_>>()
            .join(", ")
    );
    assert_eq!(place.one("SELECT count(*) FROM public.orders"), "1");
    let live = "SELECT string_agg(DISTINCT state, ' ' ORDER BY state) FROM muster.invitations";
    assert_eq!(place.one(live), "accepted cancelled");
    assert_eq!(undone["undo"]["invitations_cancelled"], 7, "{undone}");
    // and all of that goes back as well; only the links that were out stay cancelled
    let again = place.ends(0, &["undo", undo]);
    assert!(again.contains("restored"), "{again}");
    assert_eq!(
        place.one("SELECT count(*) FROM muster.accounts WHERE status = 'deactivated'"),
        "0"
    );
    assert!(before == place.dump());
    let linked = "SELECT count(*) FROM muster.invitations WHERE account_id IS NOT NULL";
    assert_eq!(place.one(linked), "8");
}

#[test]
fn addresses_that_were_traded_are_traded_back_in_a_ring() {
    let place = Place::new();
    place.import(&format!(
        "{HEADER}1,Ann,A,a@firm-one.eu,,Acme,C\n2,Bob,B,b@firm-one.eu,,Acme,C\n3,Cid,C,c@firm-one.eu,,Acme,C\n4,Dee,D,d@firm-one.eu,,Acme,C\n"
    ));
    let before = place.dump();
    // as an import that trades keys would leave it: 1 → b, 2 → c, 3 → a, 4 → e, 5 → d
    place.sql(
        "SET muster.writes = 'on';
         INSERT INTO muster.runs (id, kind, state, inputs, pipeline_sha256, seed) VALUES ('r', 'import', 'finished', '{}', '', 0);
         INSERT INTO muster.changes (run_id, row, account_id, before, after)
         SELECT 'r', external_id::int, id, jsonb_build_object('email', email),
            jsonb_build_object('email', translate(left(email, 1), 'abcd', 'bcae') || '@firm-one.eu')
         FROM muster.accounts;
         UPDATE muster.accounts SET email = null, email_key = null;
         UPDATE muster.accounts a SET email = after ->> 'email', email_key = after ->> 'email', updated_at = now()
         FROM muster.changes c WHERE c.account_id = a.id;
         INSERT INTO muster.accounts (id, external_id, email, email_key, role, status, run_id, run_row)
         VALUES (gen_random_uuid(), '5', 'd@firm-one.eu', 'd@firm-one.eu', 'user', 'invited', 'r', 5)",
    );
    let undone = place.undo("r", 0);
    assert_eq!(undone["counts"]["updated"], 5, "{undone}");
    assert!(before == place.dump(), "{:?}", place.dump());
}

#[test]
fn an_undo_that_is_killed_goes_on_when_it_is_run_again_and_counts_as_one() {
    let place = Place::new();
    place.import(&made_up(2500, 3, None));
    let before = place.dump();
    let run = place.import(&made_up(7000, 3, Some((0.5, 5))));
    let rows = "SELECT run_row FROM muster.accounts WHERE run_row > 5500 AND run_id = (SELECT max(id) FROM muster.runs) LIMIT 1";
    assert_ne!(place.one(rows), "");
    // holds the third chunk
    place.sql(
        "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN OLD; END $$;
         CREATE TRIGGER hold BEFORE DELETE ON muster.accounts FOR EACH ROW
            WHEN (OLD.run_row > 5500) EXECUTE FUNCTION public.hold()",
    );
    let lock = support::Session::hold(&place.url, "SELECT pg_advisory_lock(42)");
    let running = support::start(place.folder.path(), &place.url, &["undo", &run, "--json"]);
    let waits =
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let begun = Instant::now();
    while place.one(waits) == "0" {
        assert!(begun.elapsed() < Duration::from_mins(1), "it never came");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(running.kill().exit, -1);
    assert_eq!(place.run(&["show", "last"]).exit, 2);
    drop(lock);
    let changes =
        "SELECT count(*) FROM muster.changes WHERE run_id = (SELECT max(id) FROM muster.runs)";
    let so_far: u64 = place.one(changes).parse().unwrap();
    assert!(so_far >= 2000, "{so_far}");
    let ended = place.undo("last", 0);
    assert_eq!(ended["run"]["resumed"], true, "{ended}");
    assert_eq!(
        place.one("SELECT count(*) FROM muster.runs WHERE kind = 'undo'"),
        "1"
    );
    assert_eq!(
        ended["counts"]["read"], ended["counts"]["updated"],
        "{ended}"
    );
    assert_eq!(place.one(changes), ended["counts"]["updated"].to_string());
    assert!(before == place.dump());
}

#[test]
fn an_import_that_was_cut_off_is_undone_as_far_as_it_got_and_then_begins_again() {
    let place = Place::new();
    let run = place.import(&format!("{HEADER}1,Ann,A,a@firm-one.eu,Sales,Acme,C\n"));
    place.sql("UPDATE muster.runs SET state = 'running', finished_at = null, summary = null");
    place.undo(&run, 0);
    assert_eq!(place.one("SELECT count(*) FROM muster.accounts"), "0");
    assert_eq!(place.one("SELECT count(*) FROM muster.groups"), "0");
    let imported = place.run(&["import", "people.csv", "-p", "own.toml", "--json"]);
    assert_eq!(imported.counts().created, 1, "{imported:?}");
    assert_ne!(id(&imported), run);
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one story from its beginning to its end"
)]
fn explain_tells_all_that_happened_to_a_person_in_order() {
    let place = Place::new();
    let first = place.import(&format!(
        "{HEADER}1,Ann,Smith,Ann@FIRM-one.eu,Sales,Acme,A\n2,Bob,Jones,bob@firm-one.eu,,Acme,B\n2,Bob,Jones,bob@firm-one.eu,,Acme,B\n3,Ann,Smith,,,Acme,C\n4,Ann,Smith,ann4@firm-one.eu,,Acme,C\n"
    ));
    let second = place.import(&format!(
        "{HEADER}1,Ann,Smythe,ann@firm-one.eu,Sales,Acme,A\n2,Bob,Jones,bob@firm-one.eu,,Acme,B\n"
    ));
    place.ends(
        0,
        &[
            "invite",
            &first,
            "--send",
            "--only",
            "ann@firm-one.eu",
            "-q",
        ],
    );
    let undo = place.undo(&second, 0)["run"]["id"]
        .as_str()
        .unwrap()
        .to_string();
    place.sql("UPDATE muster.accounts SET phone = '5', updated_at = now() WHERE external_id = '1'");
    let reported = place.ends(0, &["explain", "ann@firm-one.eu"]);
    let in_order = [
        "phone".to_string(),
        format!("created by import · run {first} · people.csv:2"),
        "cleaned: ".to_string(),
        format!("changed by import · run {second} · people.csv:2"),
        "last_name: `Smith` → `Smythe`".to_string(),
        "invitation to Ann@firm-one.eu created".to_string(),
        "invitation sent by outbox".to_string(),
        format!("changed back by undo · run {undo}"),
        "last_name: `Smythe` → `Smith`".to_string(),
        "last changed by the application".to_string(),
    ];
    assert_in_order(&reported, &in_order);
    let bob = place.ends(0, &["explain", "2"]);
    assert_in_order(
        &bob,
        &[
            "created by import".to_string(),
            "in an import, duplicate".to_string(),
            "in an import, unchanged".to_string(),
        ],
    );
    // rows without an account, and those that only equal another
    let row = place.ends(0, &["explain", &format!("{first}:5")]);
    assert_in_order(
        &row,
        &[
            "people.csv:5".to_string(),
            "rejected".to_string(),
            "email.missing".to_string(),
        ],
    );
    let row = place.ends(0, &["explain", &format!("{first}:people.csv:4")]);
    assert_in_order(
        &row,
        &[
            "every column equals people.csv:3".to_string(),
            "created by import".to_string(),
        ],
    );
    let several = place.ends(1, &["explain", "ann  SMITH"]);
    assert!(several.contains("ann4@firm-one.eu"), "{several}");
    let nobody = place.run(&["explain", "nobody@firm-one.eu"]);
    assert_eq!(nobody.exit, 2);
    assert!(nobody.stderr.contains("explain.unknown"), "{nobody:?}");
    // removed, and still known; the files of its run are gone
    place.undo(&first, 1);
    fs::remove_dir_all(place.folder.path().join("muster-runs").join(&first)).unwrap();
    let bob = place.ends(0, &["explain", "bob@firm-one.eu"]);
    assert_in_order(
        &bob,
        &[
            "removed; as it was then".to_string(),
            "the run's folder is gone".to_string(),
            "removed by undo".to_string(),
        ],
    );
    // made again, and the one before isn't forgotten
    place.import(&format!("{HEADER}2,Bob,Jones,bob@firm-one.eu,,Acme,B\n"));
    let bob = place.ends(0, &["explain", "bob@firm-one.eu"]);
    assert_eq!(bob.matches("created by import").count(), 2, "{bob}");
    let ann = place.run(&["explain", "1", "--json"]).json();
    let last = ann["people"][0]["events"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(last["changed"][0]["after"], "deactivated", "{ann:#}");
    assert!(
        last["notes"]
            .to_string()
            .contains("changed since by the application"),
        "{ann:#}"
    );
}

fn assert_in_order(text: &str, wanted: &[String]) {
    let mut rest = text;
    for wanted in wanted {
        let at = rest.find(wanted.as_str());
        let at = at.unwrap_or_else(|| panic!("`{wanted}` is missing or out of order in\n{text}"));
        rest = &rest[at + wanted.len()..];
    }
}

/// Leavers have no row of their own, and go back anyway.
#[test]
fn leavers_are_back_when_the_run_that_missed_them_is_undone() {
    let folder = support::folder();
    let url = support::fresh_database();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "hr.toml",
        "name = \"hr\"\n[accounts]\nonboarding = \"setup\"\n[leavers]\nmissing = \"deactivate\"\n",
    );
    let head = "id,first name,last name,email\n";
    let ann = "1,Ann,Ng,ann@firm.eu\n";
    write(
        "full.csv",
        &format!("{head}{ann}2,Bo,Lee,bo@firm.eu\n3,Cem,Day,cem@firm.eu\n"),
    );
    write("short.csv", &format!("{head}{ann}"));
    let run = |arguments: &[&str]| {
        let finished = support::run(folder.path(), &url, arguments);
        assert_eq!(finished.exit, 0, "{arguments:?} {finished:?}");
        finished
    };
    run(&["import", "full.csv", "-p", "hr.toml"]);
    let before = support::accounts(&url);
    let short = run(&["import", "short.csv", "-p", "hr.toml", "--json"]);
    assert_eq!(short.json()["leavers"]["deactivated"], 2, "{short:?}");
    let count = "SELECT count(*) FROM muster.accounts WHERE status = 'deactivated'";
    assert_eq!(support::query_one(&url, count), "2");
    run(&["undo", "last"]);
    assert_eq!(support::accounts(&url), before);
}
