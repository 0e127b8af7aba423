//! Corrections that go round: what needs work comes back fixed, and the run log knows what is left.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use calamine::{Data, Reader, Xlsx, open_workbook};
use encoding_rs::UTF_8;
use rust_xlsxwriter::{Color, ExcelDateTime, Format, Formula, Workbook};
use serde_json::Value;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::people::{Dialect, HEADER, People};
use crate::support::{self, Finished};

/// A folder and a database.
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

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        support::run(self.folder.path(), &self.url, arguments)
    }

    /// Imports a file, its reports going into the folder `out`.
    fn import(&self, file: &str, out: &str) -> Finished {
        self.run(&["import", file, "--out", out, "--json"])
    }

    fn corrections(&self, out: &str) -> String {
        let text = fs::read_to_string(self.path(out).join("corrections.csv")).unwrap();
        text.strip_prefix('\u{feff}').unwrap().to_string()
    }

    /// How many rows of a run needed work, are fixed, and are left.
    fn open(&self, run: &str) -> [u64; 3] {
        let shown = self.run(&["show", run, "--json"]);
        let open = shown.json()["open"].clone();
        ["needed", "mended", "left"].map(|name| open[name].as_u64().unwrap())
    }
}

fn id(run: &Finished) -> String {
    run.json()["run"]["id"].as_str().unwrap().to_string()
}

/// Of which runs how many rows are fixed, needed work, and are left.
fn resubmitted(run: &Finished) -> Vec<(String, [u64; 3])> {
    let summary = run.json();
    let resubmitted = summary["mends"].as_array().cloned().unwrap_or_default();
    let of = |resubmitted: &Value| {
        let numbers = ["mended", "needed", "left"].map(|name| resubmitted[name].as_u64().unwrap());
        (resubmitted["run"].as_str().unwrap().to_string(), numbers)
    };
    resubmitted.iter().map(of).collect()
}

fn codes(run: &Finished) -> BTreeMap<String, u64> {
    let summary = run.json();
    let issues = summary["issues"].as_array().unwrap().iter();
    issues
        .map(|issue| {
            let code = issue["code"].as_str().unwrap().to_string();
            (code, issue["count"].as_u64().unwrap())
        })
        .collect()
}

const PEOPLE: &str = "Nr;E-Mail;Vorname;Nachname;Notiz\r\n\
    007;ann@acme-industries.com;Ann;Ng;\"fine; so far\"\r\n\
    008;bea at acme;Bea;Ode;\"two\r\nlines, and \"\"quotes\"\"\"\r\n\
    009;cy@@acme-industries.com;Cy;Poe;=1+1\r\n\
    010;;Di;Quay;'=1+1\r\n\
    011;ed@acme-industries.com;;Rao;  outer space  \r\n\
    012;flo@acme-industries.com;Flo;;-12\r\n";

#[test]
#[expect(clippy::too_many_lines, reason = "one story, in its order")]
fn rows_come_back_fixed_until_none_is_left() {
    let place = Place::new();
    place.write("people.csv", PEOPLE);
    let first = place.import("people.csv", "first");
    let run = id(&first);
    assert_eq!((first.exit, first.counts().rejected), (1, 5), "{first:?}");
    assert_eq!(place.open(&run), [5, 0, 5]);
    // what nobody touched is there byte by byte, but for what a spreadsheet would run
    let corrections = place.corrections("first");
    for row in [
        "Nr;E-Mail;Vorname;Nachname;Notiz;muster_line;muster_codes;muster_reasons;muster_row\r\n",
        "\r\n008;bea at acme;Bea;Ode;\"two\r\nlines, and \"\"quotes\"\"\";3;",
        "\r\n009;cy@@acme-industries.com;Cy;Poe;'=1+1;5;",
        "\r\n010;;Di;Quay;''=1+1;6;",
        "\r\n011;ed@acme-industries.com;;Rao;\"  outer space  \";7;",
        &format!(
            "\r\n012;flo@acme-industries.com;Flo;;-12;8;last_name.missing;\"last_name: no last name - a last name; to fix it: add it\";{run}:6\r\n"
        ),
    ] {
        assert!(corrections.contains(row), "{row}\n{corrections}");
    }
    // nothing is fixed: nothing is closed, and what is wrong is as it was
    let again = place.import("first/corrections.csv", "again");
    assert_eq!((again.exit, codes(&again)), (1, codes(&first)));
    assert_eq!(resubmitted(&again), [(run.clone(), [0, 5, 5])]);
    assert_eq!(place.open(&run), [5, 0, 5]);
    let without_own = |text: &str| {
        let rows: Vec<Vec<String>> = records(text);
        let rows = rows.into_iter().map(|row| row[..5].to_vec());
        rows.collect::<Vec<_>>()
    };
    let second = place.corrections("again");
    assert_eq!(without_own(&second), without_own(&corrections));
    // two are fixed, two are not, one is missing
    let some = second
        .replace("bea at acme", "bea@acme-industries.com")
        .replace("cy@@acme", "cy@acme")
        .replace("\r\n010;", "\r\n010x;");
    let missing = some.find("\r\n012;").unwrap();
    place.write("some.csv", &some[..missing + 2]);
    let checked = place.run(&["check", "some.csv", "--out", "checked", "--json"]);
    let fixing = place.import("some.csv", "mending");
    for found in [&checked, &fixing] {
        assert_eq!((found.exit, found.counts().rejected), (1, 2), "{found:?}");
        assert_eq!(resubmitted(found), [(id(&again), [2, 5, 3])]);
    }
    assert_eq!(
        (place.open(&run), place.open(&id(&again))),
        ([5, 2, 3], [5, 2, 3])
    );
    assert_eq!(place.open(&id(&fixing)), [2, 0, 2]);
    let shown = place.run(&["show", &run]).stdout;
    let line = format!("5 rows needed fixing: 2 fixed by {}, 3 left", id(&fixing));
    assert!(shown.contains(&line), "{shown}");
    let shown = place.run(&["show", &id(&fixing)]).stdout;
    let line = format!("fixes 2 of 5 rows of run {}, 3 left", id(&again));
    assert!(shown.contains(&line), "{shown}");
    let page = fs::read_to_string(place.path("mending/summary.html")).unwrap();
    assert!(page.contains(&line), "{page}");
    // what a check leaves to fix is still what its rows came back for
    assert_eq!(
        marks(&place.corrections("checked")),
        [4, 5].map(|row| format!("{}:{}", id(&again), row - 1))
    );
    // the rest of them, by the corrections of the check
    let rest = place.corrections("checked");
    let rest = rest
        .replace("010x;;", "010;di@acme-industries.com;")
        .replace(";;Rao", ";Ed;Rao");
    place.write("rest.csv", &rest);
    let last = place.import("rest.csv", "last");
    assert_eq!((last.exit, last.counts().created), (0, 2), "{last:?}");
    assert_eq!(place.open(&run), [5, 4, 1]);
    // what is taken back is open again, until that is taken back
    let undone = place.run(&["undo", &id(&fixing), "--json"]);
    assert_eq!(undone.exit, 0, "{undone:?}");
    assert_eq!(
        (place.open(&run), place.open(&id(&again))),
        ([5, 2, 3], [5, 2, 3])
    );
    let redone = place.run(&["undo", &id(&undone), "--json"]);
    assert_eq!(redone.exit, 0, "{redone:?}");
    assert_eq!(place.open(&run), [5, 4, 1]);
    let notes =
        "SELECT string_agg(attributes ->> 'Notiz', '|' ORDER BY email) FROM muster.accounts";
    let notes = support::query_one(&place.url, notes);
    assert_eq!(
        notes,
        "fine; so far|two lines, and \"quotes\"|=1+1|'=1+1|outer space"
    );
}

fn records(text: &str) -> Vec<Vec<String>> {
    let delimiter = if text.contains(";muster_line;") {
        b';'
    } else {
        b','
    };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(text.as_bytes());
    let rows = reader.records();
    rows.map(|row| row.unwrap().iter().map(String::from).collect())
        .collect()
}

fn marks(corrections: &str) -> Vec<String> {
    let rows = records(corrections).into_iter();
    rows.map(|row| row.last().unwrap().clone()).collect()
}

#[test]
fn row_refs_are_believed_only_where_the_run_log_confirm_them() {
    let place = Place::new();
    place.write("people.csv", PEOPLE);
    place.write("other.toml", "name = \"other\"\n");
    let first = place.import("people.csv", "first");
    let other = place.run(&[
        "import",
        "people.csv",
        "-p",
        "other.toml",
        "--out",
        "other",
        "--json",
    ]);
    let (run, other) = (id(&first), id(&other));
    let header = "external_id,email,first_name,last_name,muster_row\n";
    let row =
        |number: u32, mark: &str| format!("x{number},x{number}@acme-industries.com,Xi,Yu,{mark}\n");
    let marks = [
        format!("{run}:2"),
        format!("{run}:2"),
        format!("{run}:1"),
        format!("{run}:99999"),
        format!("{other}:2"),
        "20200101-000000-0000:1".to_string(),
        "nonsense; 'of' \"all\" kinds".replace('"', "\"\""),
        String::new(),
    ];
    let rows = (0..).zip(&marks);
    let rows = rows.map(|(number, mark)| row(number, &format!("\"{mark}\"")));
    place.write(
        "forged.csv",
        &(header.to_string() + rows.collect::<String>().as_str()),
    );
    let forged = place.import("forged.csv", "forged");
    assert_eq!((forged.exit, forged.counts().created), (0, 8), "{forged:?}");
    assert_eq!(
        codes(&forged),
        BTreeMap::from([("row.mark".to_string(), 6)])
    );
    assert_eq!(resubmitted(&forged), [(run.clone(), [1, 5, 4])]);
    assert_eq!(
        (place.open(&run), place.open(&other)),
        ([5, 1, 4], [5, 0, 5])
    );
}

/// A row that is held because of whom it may be about comes back with the answer.
#[test]
fn a_corrected_row_says_that_it_is_about_the_account_that_its_keys_find() {
    let place = Place::new();
    let head = "id,first name,last name,email";
    place.write(
        "1.csv",
        &format!("{head}\n1,Ann,Ng,ann@firm.org\n2,Bo,Lee,bo@firm.org\n"),
    );
    place.import("1.csv", "one");
    place.write(
        "2.csv",
        &format!("{head}\n11,Ann,Ng,ann@firm.org\n12,Bo,Lee,bo@firm.org\n"),
    );
    let held = place.import("2.csv", "two");
    assert_eq!(held.json()["counts"]["held"], 2);
    let listed = place.run(&[
        "people",
        "list",
        "--columns",
        "email,account",
        "--csv",
        "--unmasked",
    ]);
    let ann = listed
        .stdout
        .lines()
        .find(|line| line.starts_with("ann@"))
        .unwrap();
    let ann = ann.split(',').nth(1).unwrap();
    let corrections = place.corrections("two");
    // Both rows name Ann's account; for Bo, that is no answer. Without a mark, it is none, either.
    let mut lines = corrections.lines();
    let header = format!("{},muster_account\n", lines.next().unwrap());
    let rows: String = lines.map(|line| format!("{line},{ann}\n")).collect();
    let unmarked = rows.replace(&id(&held), "none");
    for (file, rows, counts) in [("3.csv", unmarked, [0, 2]), ("4.csv", rows, [1, 1])] {
        place.write(file, &format!("{header}{rows}"));
        let run = place.import(file, file.trim_end_matches(".csv"));
        let json = run.json();
        let found = ["updated", "held"].map(|name| json["counts"][name].as_u64().unwrap());
        assert_eq!(found, counts, "{file}: {}", run.stdout);
    }
    let listed = place.run(&[
        "people",
        "list",
        "--columns",
        "email,external_id",
        "--csv",
        "--unmasked",
    ]);
    assert!(
        listed.stdout.contains("ann@firm.org,11"),
        "{}",
        listed.stdout
    );
    assert!(listed.stdout.contains("bo@firm.org,2"), "{}", listed.stdout);
}

#[test]
fn a_run_that_fixes_rows_goes_on_where_it_was_killed() {
    const LOCK: &str = "SELECT pg_advisory_lock(44)";
    let place = Place::new();
    place.write("people.csv", PEOPLE);
    let run = id(&place.import("people.csv", "first"));
    let fixed = place
        .corrections("first")
        .replace(" at acme", "@acme-industries.com");
    place.write("mended.csv", &fixed);
    support::query(
        &place.url,
        "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_advisory_xact_lock(44); RETURN NEW; END $$;
         CREATE TRIGGER hold BEFORE UPDATE ON muster.runs FOR EACH ROW
             WHEN (NEW.summary IS NOT NULL) EXECUTE FUNCTION public.hold()",
    );
    let lock = support::Session::hold(&place.url, LOCK);
    let arguments = ["import", "mended.csv", "--json"];
    let running = support::start(place.folder.path(), &place.url, &arguments);
    let waits =
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 44 AND NOT granted";
    support::wait_until(|| support::query_one(&place.url, waits) == "1");
    // the row is in, and what it fixes isn't in the run log
    assert_eq!(running.kill().exit, -1);
    assert_eq!(place.open(&run), [5, 0, 5]);
    drop(lock);
    let resumed = place.run(&arguments);
    assert_eq!(resumed.json()["run"]["resumed"], true, "{resumed:?}");
    assert_eq!(resubmitted(&resumed), [(run.clone(), [1, 5, 4])]);
    assert_eq!(place.open(&run), [5, 1, 4]);
    assert_eq!(place.open(&id(&resumed)), [4, 0, 4]);
}

#[test]
fn dates_of_corrections_are_read_as_those_of_the_whole_file() {
    let place = Place::new();
    place.write(
        "people.csv",
        "external_id,email,first_name,last_name,start_date\n\
         1,ann@acme-industries.com,Ann,Ng,12/31/2025\n\
         2,bea,Bea,Ode,03/04/2025\n",
    );
    place.import("people.csv", "first");
    let corrections = place.corrections("first");
    assert!(corrections.contains(",03/04/2025,"), "{corrections}");
    place.write(
        "mended.csv",
        &corrections.replace("bea,", "bea@acme-industries.com,"),
    );
    let fixed = place.import("mended.csv", "mended");
    assert_eq!((fixed.exit, fixed.counts().created), (0, 1), "{fixed:?}");
    let date = "SELECT start_date FROM muster.accounts WHERE external_id = '2'";
    assert_eq!(support::query_one(&place.url, date), "2025-03-04");
}

fn dirty(rows: u64, dirt: f64) -> People {
    People {
        rows,
        seed: 11,
        dirt,
        latin_only: true,
        change: None,
    }
}

#[test]
fn corrections_of_any_file_find_the_same_again_and_nothing_once_they_are_fixed() {
    let (bad, good) = (dirty(1200, 0.3), dirty(1200, 0.0));
    let dialect = Dialect {
        delimiter: ';',
        line_end: "\r\n",
        encoding: UTF_8,
    };
    let place = Place::new();
    let mut text = Vec::new();
    bad.write_csv(&mut text, dialect).unwrap();
    fs::write(place.path("people.csv"), text).unwrap();
    let first = place.import("people.csv", "first");
    let run = id(&first);
    let needed = first.counts().rejected;
    assert!(needed > 50, "{first:?}");
    let again = place.import("first/corrections.csv", "again");
    let without_places = |text: &str| {
        let rows = records(text).into_iter();
        let rows = rows.map(|row| {
            let cells = row[..HEADER.len()].to_vec();
            (cells, row[HEADER.len() + 1].clone())
        });
        rows.collect::<Vec<_>>()
    };
    let (before, after) = (place.corrections("first"), place.corrections("again"));
    assert_eq!(without_places(&after), without_places(&before));
    assert_eq!(resubmitted(&again), [(run.clone(), [0, needed, needed])]);
    assert_eq!(again.counts().rejected, needed);

    // a row is a function of its number, so what it should have been is known
    let mut clean = Vec::new();
    good.write_csv(&mut clean, dialect).unwrap();
    let clean: Vec<Vec<String>> = {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(b';')
            .from_reader(clean.as_slice());
        let rows = reader.records();
        rows.map(|row| row.unwrap().iter().map(String::from).collect())
            .collect()
    };
    let mut fixed = csv::WriterBuilder::new().from_writer(Vec::new());
    let own = [
        "muster_line",
        "muster_codes",
        "muster_reasons",
        "muster_row",
    ];
    fixed.write_record(HEADER.iter().chain(&own)).unwrap();
    for row in records(&after) {
        let at = row.iter().rposition(|cell| cell.contains(':')).unwrap();
        let place_of = |text: &str| text.rsplit_once(':').unwrap().1.parse::<usize>().unwrap();
        // the row of the second run leads to that of the first
        let of_second = place_of(&row[at]) - 1;
        let of_first = place_of(&marks(&before)[of_second]) - 1;
        let own = row[HEADER.len()..at].to_vec();
        let row = clean[of_first].iter().chain(&own).chain([&row[at]]);
        fixed.write_record(row).unwrap();
    }
    fs::write(place.path("mended.csv"), fixed.into_inner().unwrap()).unwrap();
    let last = place.import("mended.csv", "last");
    let counts = last.counts();
    assert_eq!((counts.rejected, counts.failed), (0, 0), "{last:?}");
    // who has the address of somebody else, whose wrong row is in, waits for a person's word
    let held = counts.held;
    assert!(held <= 5, "{last:?}");
    assert_eq!(
        resubmitted(&last),
        [(id(&again), [needed - held, needed, held])]
    );
    assert_eq!(place.open(&run), [needed, needed - held, held]);
}

#[test]
fn workbooks_find_the_same_again() {
    let place = Place::new();
    dirty(600, 0.3)
        .write_xlsx(&place.path("people.xlsx"))
        .unwrap();
    let first = place.import("people.xlsx", "first");
    let needed = first.counts().rejected;
    assert!(needed > 20, "{first:?}");
    let again = place.import("first/corrections.xlsx", "again");
    assert_eq!(again.counts().rejected, needed);
    assert_eq!(resubmitted(&again), [(id(&first), [0, needed, needed])]);
    let rows = |out: &str| {
        let path = place.path(out).join("corrections.xlsx");
        let mut book: Xlsx<_> = open_workbook(path).unwrap();
        let range = book.worksheet_range_at(0).unwrap().unwrap();
        let rows = range.rows();
        rows.map(|row| {
            let mut cells = row[..HEADER.len()].to_vec();
            cells.push(row[HEADER.len() + 1].clone());
            cells
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(rows("again"), rows("first"));
}

/// A staff list as people keep it: a title, a header on row 3, real dates and numbers, widths.
fn write_workbook(path: &Path) {
    let mut book = Workbook::new();
    book.add_worksheet().set_name("Notes").unwrap();
    let sheet = book.add_worksheet();
    sheet.set_name("Staff").unwrap();
    let date = Format::new().set_num_format("dd/mm/yyyy");
    let money = Format::new().set_num_format("#,##0.00");
    sheet.write_string(0, 0, "Staff, as of").unwrap();
    let day = |year, month, day| ExcelDateTime::from_ymd(year, month, day).unwrap();
    sheet
        .write_datetime_with_format(0, 1, day(2026, 11, 1), &date)
        .unwrap();
    let header = [
        "Id",
        "E-mail",
        "First name",
        "Last name",
        "Start date",
        "Salary",
        "Active",
        "Badge",
    ];
    for (column, name) in header.iter().enumerate() {
        sheet.write_string(2, column as u16, *name).unwrap();
    }
    let emails = [
        "ann@acme-industries.com",
        "bea at acme",
        "cy@acme-industries.com",
        "di@@acme",
    ];
    for (index, email) in emails.iter().enumerate() {
        let row = index as u32 + 3;
        sheet.write_string(row, 0, format!("00{row}")).unwrap();
        sheet.write_string(row, 1, *email).unwrap();
        sheet.write_string(row, 2, "Name").unwrap();
        sheet.write_string(row, 3, "Last").unwrap();
        sheet
            .write_datetime_with_format(row, 4, day(2020, 1, row as u8), &date)
            .unwrap();
        sheet
            .write_number_with_format(row, 5, 1234.5 + f64::from(row), &money)
            .unwrap();
        sheet.write_boolean(row, 6, index % 2 == 0).unwrap();
        sheet.write_string(row, 7, "=1+1").unwrap();
    }
    let broken = Formula::new("=1/0").set_result("#DIV/0!");
    sheet.write_formula(6, 5, broken).unwrap();
    sheet.set_column_width(1, 33).unwrap();
    sheet.set_column_width(4, 14).unwrap();
    sheet.set_column_range_hidden(5, 5).unwrap();
    sheet.set_tab_color(Color::Green);
    book.save(path).unwrap();
}

const STAFF: &str = "name = \"staff\"\n[read]\nsheet = 2\nheader_row = 3\n";

/// The text of a part of a workbook.
fn part(book: &Path, name: &str) -> String {
    let mut archive = ZipArchive::new(fs::File::open(book).unwrap()).unwrap();
    let mut text = String::new();
    archive
        .by_name(name)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// Mends a workbook as a person would, but by replacing text.
fn fix(from: &Path, to: &Path, replacements: &[(&str, &str)]) {
    let mut archive = ZipArchive::new(fs::File::open(from).unwrap()).unwrap();
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if name.ends_with("sheet1.xml") || name.ends_with("sharedStrings.xml") {
            let mut text = String::from_utf8(bytes).unwrap();
            for (from, to) in replacements {
                text = text.replace(from, to);
            }
            bytes = text.into_bytes();
        }
        out.start_file(name, SimpleFileOptions::default()).unwrap();
        out.write_all(&bytes).unwrap();
    }
    fs::write(to, out.finish().unwrap().into_inner()).unwrap();
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, in its order")]
fn a_workbook_gets_a_workbook_back_as_it_looked() {
    let place = Place::new();
    write_workbook(&place.path("staff.xlsx"));
    place.write("staff.toml", STAFF);
    let import = |file: &str, out: &str| {
        place.run(&["import", file, "-p", "staff.toml", "--out", out, "--json"])
    };
    let first = import("staff.xlsx", "first");
    let run = id(&first);
    assert_eq!((first.exit, first.counts().rejected), (1, 2), "{first:?}");
    let path = place.path("first").join("corrections.xlsx");
    let mut book: Xlsx<_> = open_workbook(&path).unwrap();
    assert_eq!(book.sheet_names(), ["Staff"]);
    let range = book.worksheet_range("Staff").unwrap();
    let at = |row, column| {
        range
            .get_value((row, column))
            .cloned()
            .unwrap_or(Data::Empty)
    };
    let text = |row, column| at(row, column).to_string();
    assert_eq!(text(0, 0), "Staff, as of");
    assert!(matches!(at(0, 1), Data::DateTime(_)), "{:?}", at(0, 1));
    assert_eq!(range.end().unwrap(), (4, 11));
    assert_eq!(
        [text(2, 0), text(2, 7), text(2, 11)],
        ["Id", "Badge", "muster_row"]
    );
    for (row, id, email) in [(3, "004", "bea at acme"), (4, "006", "di@@acme")] {
        assert_eq!(at(row, 0), Data::String(id.to_string()));
        assert_eq!(text(row, 1), email);
        let Data::DateTime(date) = at(row, 4) else {
            panic!("{:?}", at(row, 4))
        };
        assert_eq!(date.to_ymd_hms_milli().2.to_string(), id[2..]);
        assert_eq!(at(row, 6), Data::Bool(false));
        assert_eq!(at(row, 7), Data::String("=1+1".to_string()));
    }
    assert_eq!(at(3, 5), Data::Float(1238.5));
    assert_eq!(text(4, 5), "#DIV/0!");
    let sheet = part(&path, "xl/worksheets/sheet1.xml");
    assert!(
        sheet.contains("<col min=\"2\" max=\"2\" width=\"33.7109375\""),
        "{sheet}"
    );
    assert!(
        sheet.contains("<col min=\"12\" max=\"12\"") && sheet.contains("hidden=\"1\""),
        "{sheet}"
    );
    let styles = part(&path, "xl/styles.xml");
    assert!(
        styles.contains("formatCode=\"dd/mm/yyyy\"") && styles.contains("FFFFE3E0"),
        "{styles}"
    );
    let notes = part(&path, "xl/comments1.xml");
    assert!(
        notes.contains("ref=\"B4\"") && notes.contains("not an e-mail address"),
        "{notes}"
    );

    // as it is, it is as wrong as before
    let again = import("first/corrections.xlsx", "again");
    assert_eq!(again.exit, 1, "{again:?}");
    assert_eq!(
        (resubmitted(&again), codes(&again)),
        (vec![(run.clone(), [0, 2, 2])], codes(&first))
    );
    let detected = again.json()["input"][0]["detected"].to_string();
    assert!(!detected.contains("hidden"), "{detected}");
    let fixed = place.path("mended.xlsx");
    fix(
        &path,
        &fixed,
        &[
            ("bea at acme", "bea@acme-industries.com"),
            ("di@@acme", "di@acme-industries.com"),
            ("<f>#DIV/0!</f><v>#DIV/0!</v>", "<v>7</v>"),
            (" t=\"e\"", ""),
        ],
    );
    let last = import("mended.xlsx", "last");
    assert_eq!((last.exit, last.counts().created), (0, 2), "{last:?}");
    assert_eq!(place.open(&run), [2, 2, 0]);
    let people =
        "SELECT string_agg(concat_ws(' ', external_id, start_date, attributes ->> 'Salary',
        status), '|' ORDER BY external_id) FROM muster.accounts";
    assert_eq!(
        support::query_one(&place.url, people),
        "003 2020-01-03 1237.50 invited|004 2020-01-04 1238.50 deactivated|005 2020-01-05 1239.50 invited|006 2020-01-06 7.00 deactivated"
    );
}
