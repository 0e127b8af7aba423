//! profile: whether a file looks like the last good one of its pipeline. A profile of every file is
//! made while its rows pass, kept in the run's summary, and compared with the next file's. Pure.
//!
//! A profile only counts and contains no personal values. Mail domains are named only if several
//! people share them.

use crate::profile::Column;
use crate::profile::KINDS;
use crate::profile::Profile;
use std::collections::BTreeSet;

use crate::definition::Safeguards;
use crate::field::Field;

/// One value in this many of the cells makes a column constant,
const CONSTANT: f64 = 0.98;
/// unless one value was in this many already.
const CONSTANT_BEFORE: f64 = 0.6;
/// Columns change places where one is at least this far from itself,
const SWAP_FAR: f64 = 0.05;
/// and this many times nearer to another.
const SWAP_NEARER: f64 = 3.0;

/// What is unlike the last good run, as sentences without a full stop; nothing where the last one
/// had too few rows to tell. `last` is as it was [`Profile::kept`], `now` with all of its domains.
pub fn differences(last: &Profile, now: &Profile, safeguards: &Safeguards) -> Vec<String> {
    if last.rows < safeguards.content_from {
        return Vec::new();
    }
    let mut found = Vec::new();
    let (before, rows) = (last.rows as f64, now.rows as f64);
    let stays = 1.0 - safeguards.content_rows;
    if rows < before * stays || rows * stays > before {
        found.push(format!("{} rows; the last run had {}", now.rows, last.rows));
    }
    let nothing = Column::default();
    for (name, was) in &last.columns {
        let is = now.columns.get(name).unwrap_or(&nothing);
        found.extend(column_difference(name, was, is, last, now, safeguards));
    }
    found.extend(domain_difference(last, now, safeguards));
    found
}

fn column_difference(
    name: &str,
    was: &Column,
    is: &Column,
    last: &Profile,
    now: &Profile,
    safeguards: &Safeguards,
) -> Option<String> {
    let shift = safeguards.content_shift;
    let empty = |column: &Column, rows: u64| 1.0 - part(column.filled, rows);
    let (empty_before, empty_now) = (empty(was, last.rows), empty(is, now.rows));
    if empty_now - empty_before > shift {
        let [now, before] = [empty_now, empty_before].map(percent);
        return Some(format!(
            "`{name}` is empty in {now} of the rows; in the last run in {before}"
        ));
    }
    if was.filled < safeguards.content_from || is.filled == 0 {
        return None;
    }
    if distance(&was.kinds, &is.kinds) > shift {
        let [now, before] = [is, was].map(|column| {
            let (kind, count) = largest(&column.kinds);
            format!("{} {}", percent(part(count, column.filled)), KINDS[kind])
        });
        return Some(format!("`{name}` has {now}; in the last run {before}"));
    }
    let most = |column: &Column| part(largest(&column.spread).1, column.filled);
    if most(is) >= CONSTANT && most(was) < CONSTANT_BEFORE {
        return Some(format!("`{name}` has the same value in all rows"));
    }
    let own = distance(&was.spread, &is.spread);
    let others = last.columns.iter().filter(|(other, _)| *other != name);
    let (other, nearest) = others
        .filter(|(_, column)| column.filled >= safeguards.content_from)
        .map(|(other, column)| (other, distance(&column.spread, &is.spread)))
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    (own >= SWAP_FAR && nearest * SWAP_NEARER <= own)
        .then(|| format!("`{name}` has what `{other}` had in the last run"))
}

fn domain_difference(last: &Profile, now: &Profile, safeguards: &Safeguards) -> Option<String> {
    let addresses = |profile: &Profile| {
        let column = profile.columns.get(Field::Email.name());
        column.map_or(0, |column| column.filled)
    };
    let (before, after) = (addresses(last), addresses(now));
    if before < safeguards.content_from || after == 0 {
        return None;
    }
    let share = |profile: &Profile, domain: &str, all: u64| {
        part(profile.domains.get(domain).copied().unwrap_or(0), all)
    };
    // Those that the last run named and those that this one will; all others are one.
    let named: BTreeSet<String> = now.clone().kept().domains.into_keys().collect();
    let (mut moved, mut others) = (0.0, 0.0);
    let mut most = ("", 0.0);
    let new = named
        .iter()
        .filter(|domain| !last.domains.contains_key(*domain));
    for domain in last.domains.keys().chain(new) {
        let gain = share(now, domain, after) - share(last, domain, before);
        moved += gain.abs() / 2.0;
        others -= gain;
        if gain.abs() > f64::abs(most.1) {
            most = (domain, gain);
        }
    }
    moved += others.abs() / 2.0;
    let (domain, _) = most;
    let [is, was] = [share(now, domain, after), share(last, domain, before)].map(percent);
    (moved > safeguards.content_shift).then(|| {
        format!(
            "{} of the addresses are at other domains; `{domain}` has {is}, in the last run {was}",
            percent(moved)
        )
    })
}

fn part(count: u64, whole: u64) -> f64 {
    count as f64 / whole.max(1) as f64
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn largest(counts: &[u64]) -> (usize, u64) {
    let counted = counts.iter().copied().enumerate();
    counted.max_by_key(|(_, count)| *count).unwrap_or((0, 0))
}

/// How much of the one must move to make the other: 0 for the same, 1 for nothing in common.
fn distance(a: &[u64], b: &[u64]) -> f64 {
    let [all_a, all_b] = [a, b].map(|counts| counts.iter().sum());
    let moved: f64 = a
        .iter()
        .zip(b)
        .map(|(a, b)| (part(*a, all_a) - part(*b, all_b)).abs())
        .sum();
    moved / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Drafts;
    use crate::row::Layout;
    use crate::row::Slot;
    use crate::row::Table;

    const FIELDS: [Field; 5] = [
        Field::ExternalId,
        Field::Email,
        Field::FirstName,
        Field::LastName,
        Field::Phone,
    ];

    /// People as `row` makes them of their numbers.
    fn profile(rows: u64, row: impl Fn(u64) -> [String; 5]) -> Profile {
        let layout = Layout::new(FIELDS.map(Slot::Field).to_vec());
        let mut whole = Profile::default();
        for numbers in (0..rows).collect::<Vec<_>>().chunks(64) {
            let mut values = Table::new(FIELDS.len());
            for number in numbers {
                row(*number).iter().for_each(|value| values.push(value));
            }
            let drafts = Drafts {
                values,
                ..Drafts::default()
            };
            whole.add(Profile::of(&drafts, &layout));
        }
        whole
    }

    fn person(number: u64) -> [String; 5] {
        let first = ["Anna", "Ben", "Chloé", "Dmitri", "Eve", "Farid"][number as usize % 6];
        let last = ["Lee", "Okafor", "Weiß", "Núñez", "山田"][number as usize / 7 % 5];
        let domain = ["acme.org", "acme.org", "beta.org"][number as usize % 3];
        let phone = if number.is_multiple_of(5) {
            String::new()
        } else {
            format!("+49301000{number:03}")
        };
        [
            format!("P-{number}"),
            format!("p{number}@{domain}"),
            first.into(),
            last.into(),
            phone,
        ]
    }

    #[expect(clippy::too_many_lines, reason = "one long list of values")]
    #[test]
    fn a_file_is_unlike_the_last_one_or_it_is_not() {
        let last = profile(400, person).kept();
        let with = |change: &dyn Fn(&mut [String; 5])| {
            profile(400, |number| {
                let mut person = person(number);
                change(&mut person);
                person
            })
        };
        let same: [(&str, Profile); 5] = [
            ("the same", last.clone()),
            ("some leave", profile(300, person)),
            ("some join", profile(500, person)),
            (
                "some at domains of a few",
                with(&|person| {
                    if person[0].ends_with("00") {
                        person[1] = format!("me@{}.name", person[0].to_lowercase());
                    }
                }),
            ),
            ("others", profile(400, |number| person(number + 1000))),
        ];
        for (name, now) in same {
            let found = differences(&last, &now, &Safeguards::default());
            assert_eq!(found, Vec::<String>::new(), "{name}");
        }
        let unlike: [(Profile, &[&str]); 8] = [
            (profile(200, person), &["200 rows; the last run had 400"]),
            (profile(800, person), &["800 rows; the last run had 400"]),
            (
                with(&|person| person[4].clear()),
                &["`phone` is empty in 100 % of the rows; in the last run in 20 %"],
            ),
            (
                with(&|person| person[3] = "Lee".into()),
                &["`last_name` has the same value in all rows"],
            ),
            (
                with(&|person| person.swap(2, 3)),
                &[
                    "`first_name` has what `last_name` had in the last run",
                    "`last_name` has what `first_name` had in the last run",
                ],
            ),
            (
                with(&|person| person.rotate_right(1)),
                &[
                    "`email` has 100 % codes; in the last run 100 % addresses",
                    "`external_id` is empty in 20 % of the rows; in the last run in 0 %",
                ],
            ),
            (
                with(&|person| person[1] = person[1].replace("@acme.org", "@mail.test")),
                &[
                    "67 % of the addresses are at other domains; `acme.org` has 0 %, in the last run 67 %",
                ],
            ),
            (
                with(&|person| person[2] = "17".into()),
                &["`first_name` has 100 % numbers; in the last run 100 % words"],
            ),
        ];
        for (number, (now, expected)) in unlike.iter().enumerate() {
            let found = differences(&last, now, &Safeguards::default());
            let rotated = number == 5;
            if rotated {
                // Every column says so in its own way; the address is the one that must.
                assert!(found.contains(&expected[0].to_string()), "{found:?}");
            } else {
                assert_eq!(found, *expected);
            }
        }
    }

    #[test]
    fn a_short_list_says_nothing_about_the_next_one() {
        let safeguards = Safeguards::default();
        let [few, many] = [49, 4000].map(|rows| profile(rows, person).kept());
        assert!(differences(&few, &many, &safeguards).is_empty());
        assert!(!differences(&many, &few, &safeguards).is_empty());
    }

    #[test]
    fn a_profile_names_no_domain_of_a_few_people() {
        let rare = profile(100, |number| {
            let mut person = person(number);
            if number < 4 {
                person[1] = "me@jane-doe.name".into();
            }
            person
        })
        .kept();
        let named: Vec<&String> = rare.domains.keys().collect();
        assert_eq!(named, ["acme.org", "beta.org"]);
    }
}
