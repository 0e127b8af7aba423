//! How far people are, and that each number of the overview is that of its list.

use super::Console;
use crate::support::{query, query_one};

/// The numbers of the overview, each with the address that it leads to.
fn numbers(page: &str) -> Vec<(String, u64)> {
    let list = page.split("<ul class=\"waiting\">").nth(1).unwrap();
    let list = list.split("</ul>").next().unwrap();
    let links = list.split("<a href=\"").skip(1);
    links
        .map(|link| {
            let (path, rest) = link.split_once('"').unwrap();
            let number = rest.split("<strong>").nth(1).unwrap();
            let number = number.split("</strong>").next().unwrap();
            let path = path.replace("&amp;", "&");
            (path, number.replace(',', "").parse().unwrap())
        })
        .collect()
}

/// How many lines the list of a page says that it has.
fn length(page: &str) -> u64 {
    let heads = page.split("<h2 ").skip(1);
    let heads = heads.filter_map(|head| head.split('>').nth(1)?.split('<').next());
    let numbers = heads.filter_map(|head| head.split(' ').next()?.parse().ok());
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    numbers.pop().unwrap_or_default()
}

/// Twelve people: six were mailed, one is closed, one active, two are missing from the latest list.
fn with_people_in_every_phase() -> Console {
    let console = Console::start();
    let mut people = "external_id,email,first_name,last_name,status\n".to_string();
    for number in 1..=12 {
        people.push_str(&format!("{number},p{number}@firm.eu,First,Last{number},\n"));
    }
    people.push_str("13,nowhere,First,Last,\n14,,First,Last,\n");
    console.write(
        "p.toml",
        "name = \"own\"\n[leavers]\nmissing = \"deactivate\"\ngrace_runs = 3\n",
    );
    console.write("people.csv", &people);
    let imported = console.run(&["import", "people.csv", "-p", "p.toml"]);
    assert_eq!(imported.exit, 1, "{imported:?}");
    let send = |who: &str| {
        let sent = console.run(&["invite", "last", "-p", "p.toml", "--only", who, "--send"]);
        assert_eq!(sent.exit, 0, "{sent:?}");
    };
    for number in 1..=6 {
        send(&format!("p{number}@firm.eu"));
    }
    let set = |email: &str, what: &str| {
        let sql = format!("UPDATE muster.invitations SET {what} WHERE email_key = '{email}'");
        query(&console.url, &sql);
    };
    set("p1@firm.eu", "state = 'accepted', accepted_at = now()");
    query(
        &console.url,
        "UPDATE muster.accounts SET status = 'active' WHERE email_key = 'p1@firm.eu'",
    );
    set("p2@firm.eu", "expires_at = now() + interval '1 day'");
    set("p3@firm.eu", "expires_at = now() + interval '1 day'");
    set("p4@firm.eu", "state = 'unknown'");
    assert_eq!(
        console.run(&["invitations", "cancel", "p5@firm.eu"]).exit,
        0
    );
    query(
        &console.url,
        "UPDATE muster.accounts SET status = 'deactivated' WHERE email_key = 'p7@firm.eu'",
    );
    query(
        &console.url,
        "UPDATE muster.accounts SET status = 'active' WHERE email_key = 'p8@firm.eu'",
    );
    // Two people are missing from the next list.
    let shorter: Vec<&str> = people
        .lines()
        .filter(|line| !line.starts_with("11,") && !line.starts_with("12,"))
        .collect();
    console.write("people.csv", &(shorter.join("\n") + "\n"));
    let again = console.run(&["import", "people.csv", "-p", "p.toml"]);
    assert!(matches!(again.exit, 1 | 3), "{again:?}");
    console
}

#[test]
fn each_number_of_the_overview_is_that_of_its_list() {
    let console = with_people_in_every_phase();
    let visitor = console.owner();
    visitor.submit("/", "/values", &[]);
    let overview = visitor.page("/");
    let numbers = numbers(&overview);
    for (path, number) in &numbers {
        assert_eq!(length(&visitor.page(path)), *number, "{path}\n{overview}");
    }
    let of = |path: &str| {
        numbers
            .iter()
            .find(|(known, _)| known == path)
            .map(|(_, n)| *n)
    };
    assert_eq!(of("/people?phase=not-invited"), Some(4), "{numbers:?}");
    assert_eq!(of("/invitations?state=unknown"), Some(1), "{numbers:?}");
    assert_eq!(
        of("/invitations?state=sent&ends=48"),
        Some(2),
        "{numbers:?}"
    );
    assert_eq!(of("/people?missing=yes"), Some(2), "{numbers:?}");

    // Exactly these people, by their words.
    let missing = visitor.page("/people?missing=yes");
    assert!(
        missing.contains("p11@firm.eu") && missing.contains("p12@firm.eu"),
        "{missing}"
    );
    assert!(!missing.contains("p10@firm.eu"), "{missing}");
}

#[test]
fn console_and_command_line_agree_on_how_far_people_are() {
    let console = with_people_in_every_phase();
    let visitor = console.owner();
    visitor.submit("/", "/values", &[]);
    let list = |phase: &str| length(&visitor.page(&format!("/people?phase={phase}")));
    let phases = [
        "not-invited",
        "invited",
        "cancelled",
        "accepted",
        "active",
        "closed",
    ];
    assert_eq!(phases.map(list), [4, 4, 1, 1, 1, 1]);
    let day = query_one(
        &console.url,
        "SELECT to_char(now() AT TIME ZONE 'UTC', 'FMDD Mon YYYY')",
    );
    let invited = visitor.page("/people?phase=invited");
    assert!(
        invited.contains("invited on") && invited.contains(&day),
        "{invited}"
    );
    // The command line says the same.
    for (phase, count) in phases.into_iter().zip([4, 4, 1, 1, 1, 1]) {
        let listed = console.run(&[
            "people",
            "list",
            "--phase",
            phase,
            "--columns",
            "phase",
            "--csv",
        ]);
        let lines = listed
            .stdout
            .lines()
            .filter(|line| line.contains(phase))
            .count();
        assert_eq!(lines, count, "{listed:?}");
    }
    let listed = console.run(&[
        "people",
        "list",
        "--missing",
        "--columns",
        "email",
        "--unmasked",
        "--csv",
    ]);
    assert_eq!(listed.stdout.lines().count(), 3, "{listed:?}");
}
