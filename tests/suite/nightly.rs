//! A month of nights with `muster import --drop`, as a personnel system makes them: people join,
//! move, leave and come back, some files are bad, and once too many leave too slowly. A small model
//! says who must be there after each night, with what exit code.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{self, Finished};

const HEADER: &str = "Personalnummer;E-Mail;Vorname;Nachname;Telefon;Benutzername;Gesellschaft;\
    Organisationseinheit;Eintritt;Kostenstelle\n";
const UNITS: [&str; 6] = [
    "Board",
    "Research",
    "Sales",
    "Sales/North",
    "Sales/South",
    "Works",
];
/// People whose accounts are to be closed, and in how many files each was missing before.
type Due = BTreeMap<usize, usize>;

/// What follows from `hr-nightly`.
const DEACTIVATE_SHARE: f64 = 0.03;
const DEACTIVATE_COUNT: usize = 5;
const WINDOW_DAYS: usize = 7;

/// The numbers of SplitMix64: the same in every run of the test.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

/// What the personnel system says of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Employee {
    email: String,
    first: &'static str,
    last: &'static str,
    phone: String,
    unit: &'static str,
}

impl Employee {
    fn new(number: usize, unit: &'static str) -> Employee {
        Employee {
            email: format!("p{number}@acme-industries.com"),
            first: ["Anna", "Ben", "Chloe", "Dmitri", "Eve", "Farid", "Gro"][number % 7],
            last: ["Lee", "Okafor", "Weiss", "Nunez", "Yamada"][number / 7 % 5],
            phone: format!("+4930200{number:05}"),
            unit,
        }
    }

    fn cells(&self, number: usize) -> Vec<String> {
        let Employee { email, phone, .. } = self;
        [
            &format!("P-{number}"),
            email,
            self.first,
            self.last,
            phone,
            &format!("p{number}"),
            "Acme",
            self.unit,
            "01.03.2021",
            &format!("{}", 4100 + number % 9),
        ]
        .map(String::from)
        .to_vec()
    }
}

/// An account as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Account {
    is_open: bool,
    person: Employee,
    /// In how many files in a row that counted its person was missing.
    missing: usize,
}

/// The company, and what must have become of it in the database.
struct Model {
    dice: Dice,
    employees: BTreeMap<usize, Employee>,
    accounts: BTreeMap<usize, Account>,
    next: usize,
    day: usize,
    /// How many accounts were closed on which day, since somebody looked at it.
    closed: Vec<(usize, usize)>,
}

impl Model {
    fn new(people: usize) -> Model {
        let person = |number| (number, Employee::new(number, UNITS[number % UNITS.len()]));
        Model {
            dice: Dice(4),
            employees: (0..people).map(person).collect(),
            accounts: BTreeMap::new(),
            next: people,
            day: 0,
            closed: Vec::new(),
        }
    }

    fn somebody(&mut self) -> usize {
        let at = self.dice.below(self.employees.len());
        *self.employees.keys().nth(at).unwrap()
    }

    /// A day at work.
    fn work(&mut self, leaving: usize) {
        for _ in 0..self.dice.below(4) {
            let unit = UNITS[self.dice.below(UNITS.len())];
            self.employees
                .insert(self.next, Employee::new(self.next, unit));
            self.next += 1;
        }
        for _ in 0..self.dice.below(6) {
            let (number, unit) = (self.somebody(), UNITS[self.dice.below(UNITS.len())]);
            let day = self.day;
            let employee = self.employees.get_mut(&number).unwrap();
            employee.unit = unit;
            match self.dice.below(4) {
                0 => employee.phone = format!("+4930300{day:02}{:03}", number % 1000),
                1 if day.is_multiple_of(2) => {
                    employee.last = "Okonkwo";
                    employee.email = format!("okonkwo.{number}@acme-industries.com");
                }
                _ => {}
            }
        }
        for _ in 0..leaving {
            let number = self.somebody();
            self.employees.remove(&number);
        }
        // some come back, whether or not their account was closed meanwhile
        if self.dice.below(3) == 0 {
            let gone: Vec<usize> = self.gone().collect();
            if !gone.is_empty() {
                let at = self.dice.below(gone.len());
                self.hire_again(gone[at]);
            }
        }
    }

    /// Who has an account and is not an employee.
    fn gone(&self) -> impl Iterator<Item = usize> {
        let numbers = self.accounts.keys().copied();
        numbers.filter(|number| !self.employees.contains_key(number))
    }

    fn hire_again(&mut self, number: usize) {
        let mut person = self.accounts[&number].person.clone();
        person.unit = UNITS[self.dice.below(UNITS.len())];
        self.employees.insert(number, person);
    }

    fn file(&self, change: impl Fn(&mut Vec<String>)) -> String {
        let mut text = HEADER.to_string();
        for (number, employee) in &self.employees {
            let mut cells = employee.cells(*number);
            change(&mut cells);
            writeln!(text, "{}", cells.join(";")).unwrap();
        }
        text
    }

    /// Whose accounts the file of today would close, and how often each was missing before: once at
    /// least.
    fn due(&self) -> Due {
        let missing = self.gone().map(|number| (number, &self.accounts[&number]));
        missing
            .filter(|(_, account)| account.is_open && account.missing >= 1)
            .map(|(number, account)| (number, account.missing))
            .collect()
    }

    /// Whether this many accounts are more than a run may close, or the runs of the window
    /// together.
    fn is_too_much(&self, count: usize) -> bool {
        let limit = (self.accounts.len() as f64 * DEACTIVATE_SHARE) as usize;
        let limit = limit.max(DEACTIVATE_COUNT);
        let recent = self.closed.iter();
        let recent = recent.filter(|(on, _)| on + WINDOW_DAYS > self.day);
        let recent: usize = recent.map(|(_, count)| count).sum();
        count > limit || count > 0 && count + recent > 2 * limit
    }

    /// Today's file goes in. Whether closing accounts is held, and whose.
    fn take(&mut self) -> (bool, Due) {
        let due = self.due();
        let is_held = self.is_too_much(due.len());
        let gone: Vec<usize> = self.gone().collect();
        for number in gone {
            self.accounts.get_mut(&number).unwrap().missing += 1;
        }
        if !is_held {
            self.close(due.keys());
            self.closed.push((self.day, due.len()));
        }
        for (number, person) in &self.employees {
            let account = Account {
                is_open: true,
                person: person.clone(),
                missing: 0,
            };
            self.accounts.insert(*number, account);
        }
        (is_held, due)
    }

    fn close<'a>(&mut self, numbers: impl Iterator<Item = &'a usize>) {
        for number in numbers {
            self.accounts.get_mut(number).unwrap().is_open = false;
        }
    }

    /// As [`Company::people`] has it.
    fn people(&self) -> Vec<String> {
        let line = |(number, account): (&usize, &Account)| {
            let Employee {
                email,
                first,
                last,
                phone,
                unit,
            } = &account.person;
            let status = if account.is_open {
                "active"
            } else {
                "deactivated"
            };
            format!("P-{number} {email} {first} {last} {phone} {unit} {status}")
        };
        let mut lines: Vec<String> = self.accounts.iter().map(line).collect();
        lines.sort();
        lines
    }
}

/// A drop folder, and the database after it.
struct Company {
    folder: TempDir,
    url: String,
}

impl Company {
    fn new() -> Company {
        let company = Company {
            folder: support::folder(),
            url: support::fresh_database(),
        };
        fs::create_dir(company.folder.path().join("in")).unwrap();
        let shipped = support::repository().join("pipelines/hr-nightly.toml");
        let shipped = fs::read_to_string(shipped).unwrap();
        let back = "existing_deactivated = \"skip\"";
        assert!(shipped.contains(back));
        let text = shipped.replace(back, "existing_deactivated = \"reactivate\"")
            + "\n[leavers]\nmissing = \"deactivate\"\ngrace_runs = 1\ngrace_days = 1\n";
        company.write("hr.toml", &text);
        // Where nothing is yet, the first file makes the units.
        let unknown = "missing = \"reject\" ";
        assert!(text.contains(unknown));
        company.write(
            "first.toml",
            &text.replace(unknown, "missing = \"create\" "),
        );
        company
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        support::run(self.folder.path(), &self.url, arguments)
    }

    /// Drops a file and visits the folder: how that ended, and what was said of it.
    fn night(
        &self,
        name: &str,
        text: &str,
        manifest: Option<&str>,
        pipeline: &str,
    ) -> (i32, Value) {
        self.write(&format!("in/{name}"), text);
        match manifest {
            Some(manifest) => {
                self.write(&format!("in/{name}.manifest"), manifest);
                // What doesn't fit its manifest is given a minute to become complete.
                let file = self.folder.path().join("in").join(name);
                let file = File::options().append(true).open(file).unwrap();
                let earlier = SystemTime::now() - Duration::from_secs(90);
                file.set_modified(earlier).unwrap();
            }
            None => self.write(&format!("in/{name}.done"), ""),
        }
        let visited = self.run(&[
            "import", "--drop", "in", "-p", pipeline, "--json", "--quiet",
        ]);
        assert_eq!(visited.stdout.lines().count(), 1, "{visited:?}");
        (visited.exit, visited.json())
    }

    fn days_pass(&self, days: usize) {
        let sql = format!(
            "UPDATE muster.runs SET started_at = started_at - interval '{days} days';
             UPDATE muster.absences SET since = since - interval '{days} days'"
        );
        support::query(&self.url, &sql);
    }

    /// Everything that a night may change.
    fn everything(&self) -> String {
        let absences = "SELECT * FROM muster.absences ORDER BY account_id";
        let versions = "SELECT id, xmin FROM muster.accounts ORDER BY id";
        format!(
            "{:?} {:?} {:?}",
            support::accounts(&self.url),
            support::query(&self.url, absences),
            support::query(&self.url, versions)
        )
    }

    fn people(&self) -> Vec<String> {
        let sql = "SELECT concat_ws(' ', external_id, email, first_name, last_name, phone,
                (SELECT string_agg(path, '; ' ORDER BY path COLLATE \"C\") FROM muster.groups
                    JOIN muster.memberships ON group_id = groups.id WHERE account_id = accounts.id),
                status) FROM muster.accounts";
        let rows = support::query(&self.url, sql).into_iter();
        let mut lines: Vec<String> = rows.map(|row| row[0].clone().unwrap()).collect();
        lines.sort();
        lines
    }

    /// Those whom the run's leavers.csv calls held.
    fn held(&self, reported: &Value) -> BTreeSet<usize> {
        let path = PathBuf::from(reported["folder"].as_str().unwrap()).join("leavers.csv");
        let mut reader = csv::Reader::from_path(self.folder.path().join(path)).unwrap();
        let header = reader.headers().unwrap().clone();
        let column = |name: &str| header.iter().position(|column| column == name).unwrap();
        let (id, leaver_action) = (column("external_id"), column("what"));
        let rows = reader.records().map(Result::unwrap);
        rows.filter(|row| &row[leaver_action] == "held")
            .map(|row| row[id].trim_start_matches("P-").parse().unwrap())
            .collect()
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
fn a_month_of_nights_ends_with_the_right_people() {
    let company = Company::new();
    let mut model = Model::new(300);
    let (mut held, mut returned, mut last) = (Vec::new(), None, String::new());
    for day in 1..=30 {
        model.day = day;
        let name = format!("personal-2024-09-{day:02}.csv");
        let leak = (18..25).contains(&day);
        if day > 1 {
            let leaving = if leak { 5 } else { model.dice.below(3) };
            model.work(leaving);
        }
        if let Some((_, due)) = held.last()
            && returned.is_none()
        {
            // one of those whose accounts wait to be closed is back
            let due: &Due = due;
            let number = *due.first_key_value().unwrap().0;
            if !model.employees.contains_key(&number) {
                model.hire_again(number);
            }
            returned = Some(number);
        }
        let good = model.file(|_| ());
        let half: String = good.split_inclusive('\n').take(140).collect();
        let rows = model.employees.len();
        let promised = format!("{{\"rows\": {rows}}}");
        let bad = match day {
            5 => Some((half, Some(promised.as_str()), 2, "drop.truncated")),
            9 | 10 => Some((half, None, 3, "content")),
            12 => Some((String::new(), None, 2, "file.empty")),
            13 => Some((HEADER.to_string(), None, 2, "file.no_rows")),
            15 => {
                let shifted = model.file(|cells| cells[..6].rotate_right(1));
                Some((shifted, None, 3, "content"))
            }
            7 => Some((last.clone(), None, 0, "drop.repeated")),
            _ => None,
        };
        if let Some((text, manifest, expected, why)) = bad {
            let before = company.everything();
            let (exit, reported) = company.night(&name, &text, manifest, "hr.toml");
            assert_eq!(exit, expected, "day {day}: {reported}");
            assert!(
                reported["code"] == why || why == "content",
                "day {day}: {reported}"
            );
            let safeguards = support::query_one(
                &company.url,
                "SELECT gates FROM muster.runs ORDER BY started_at DESC LIMIT 1",
            );
            let says_so = safeguards.contains("\"content\"");
            assert!(says_so || why != "content", "day {day}: {safeguards}");
            assert!(
                company.everything() == before,
                "day {day} changed something"
            );
        } else {
            let pipeline = if day == 1 { "first.toml" } else { "hr.toml" };
            let manifest = (day % 6 == 0).then_some(promised.as_str());
            let (is_held, due) = model.take();
            let (exit, reported) = company.night(&name, &good, manifest, pipeline);
            assert_eq!(exit, if is_held { 3 } else { 0 }, "day {day}: {reported}");
            assert_eq!(company.people(), model.people(), "day {day}");
            assert_eq!(reported["counts"]["read"], rows, "day {day}");
            if is_held {
                let names: BTreeSet<usize> = due.keys().copied().collect();
                assert_eq!(company.held(&reported), names, "day {day}");
                held.push((reported, due));
            }
            last = good;
        }
        if day == 24 {
            approve_all(&company, &mut model, &held, returned);
        }
        company.days_pass(1);
    }
    assert!(model.accounts.values().any(|account| !account.is_open));
}

/// Approves what was held, in its order. Who came back meanwhile stays.
fn approve_all(
    company: &Company,
    model: &mut Model,
    held: &[(Value, Due)],
    returned: Option<usize>,
) {
    assert!(held.len() > 1, "the leak was not held twice: {held:?}");
    let returned = returned.unwrap();
    assert!(held[0].1.contains_key(&returned) && model.accounts[&returned].is_open);
    for (reported, due) in held {
        let gone: BTreeSet<usize> = model.gone().collect();
        let still = |(number, before): (&usize, &usize)| {
            let account = &model.accounts[number];
            let is_gone = account.is_open && gone.contains(number) && account.missing > *before;
            is_gone.then_some(*number)
        };
        let still: Vec<usize> = due.iter().filter_map(still).collect();
        // Who lets through what is too much has seen the leak; counting begins again.
        if model.is_too_much(still.len()) {
            model.closed.clear();
        } else {
            model.closed.push((model.day, still.len()));
        }
        model.close(still.iter());
        let run = reported["run"].as_str().unwrap();
        let approved = company.run(&["approve", run, "--json", "--quiet"]);
        assert_eq!(approved.exit, 0, "{approved:?}");
        assert_eq!(company.people(), model.people(), "approving {run}");
        let again = company.run(&["approve", run, "--quiet"]);
        assert_eq!(again.exit, 0, "{again:?}");
        assert!(again.stderr.contains("already approved"), "{again:?}");
    }
}
