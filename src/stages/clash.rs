//! clash: rows of one run that share a key and differ elsewhere. Part of validate that needs the
//! whole file: no row of a clash can be judged before the last row is read.

use std::collections::{BTreeMap, HashMap, HashSet};

use memchr::memmem;
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::definition::Clashes;
use crate::issue::{Code, Issue};
use crate::outcome::Verdict;
use crate::row::{Key, People, RowNumber};
use crate::stages::validate::scripts;

/// Each clashing row names at most this many others.
const NAMED_MAX: usize = 5;

/// So many hashes are sorted at once when clashes are looked for: 128 MiB of them.
const SORTED_MAX: usize = 8 << 20;

/// The keys of all rows of a run, by their hashes. 8 bytes a row and key are remembered, and
/// nothing is looked for before the last row is in: sorting once is faster than asking a table
/// for every row, and needs no room beside it.
#[derive(Default)]
pub struct Owners {
    /// By [`Key`] and row; 0 where a row has none. As long as the last row that has one.
    hashes: [Vec<u64>; 3],
    /// Keys that may look like others.
    alike: Vec<LookAlike>,
    /// Rows with a key that are rejected for another reason than a clash, in their order.
    rejected: Vec<RowNumber>,
}

/// The rows that share a key.
pub struct Shared {
    /// By key and first row: all rows that share it, in their order.
    rows: BTreeMap<(Key, RowNumber), Vec<RowNumber>>,
    /// Rows whose keys look the same and are not: each with the first row that has another key.
    alike: Vec<(Key, RowNumber, RowNumber)>,
    rejected: Vec<RowNumber>,
}

/// An e-mail address or a username with letters that may look like others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LookAlike {
    key: Key,
    /// The hash of the form that all keys of its look have, as [`key_hashes`] has them.
    plain: u64,
    row: RowNumber,
}

/// What clashing means for one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether the row stays in.
    pub stays: bool,
    /// What is said about it.
    pub issues: Vec<Issue>,
}

/// The hash of every key of a batch, by row and [`Key`]; 0 where the row has none.
pub fn key_hashes(people: &People, seed: u64) -> Vec<[u64; 3]> {
    (0..people.len())
        .map(|index| {
            Key::ALL.map(
                |key| match (people.verdicts[index], people.key(index, key)) {
                    (Verdict::Duplicate(_), _) | (_, None) => 0,
                    (_, Some(text)) => xxh3_64_with_seed(text.as_bytes(), seed).max(1),
                },
            )
        })
        .collect()
}

/// The keys of a batch that may look like others: those with letters beyond ASCII. Keys without such
/// are only looked for, when the last row is read.
pub fn look_alikes(people: &People, seed: u64) -> Vec<LookAlike> {
    let text = &people.keys.text;
    let has_a_labels = memmem::find(text.as_bytes(), b"xn--").is_some();
    if text.is_ascii() && !has_a_labels {
        return Vec::new();
    }
    let may_be = |key: &&str| !key.is_ascii() || (has_a_labels && key.contains("xn--"));
    let mut alike = Vec::new();
    for index in 0..people.len() {
        if matches!(people.verdicts[index], Verdict::Duplicate(_)) {
            continue;
        }
        for key in [Key::Email, Key::Username] {
            let plain = people.key(index, key).filter(may_be);
            let plain = plain.and_then(scripts::plain_form);
            alike.extend(plain.map(|plain| LookAlike {
                key,
                plain: xxh3_64_with_seed(plain.as_bytes(), seed).max(1),
                row: people.drafts.first_row + index as RowNumber,
            }));
        }
    }
    alike
}

impl Owners {
    /// Notes keys of a batch that may look like others.
    pub fn note_alike(&mut self, alike: Vec<LookAlike>) {
        self.alike.extend(alike);
    }

    /// Rows whose keys look the same and are not: each with the first row that has another key.
    fn alike_rows(&mut self) -> Vec<(Key, RowNumber, RowNumber)> {
        let mut alike = std::mem::take(&mut self.alike);
        alike.sort_unstable();
        let plain_rows = [Key::Email, Key::Username].map(|key| {
            let wanted = alike.iter().filter(|one| one.key == key);
            first_rows(&self.hashes[key as usize], wanted.map(|one| one.plain))
        });
        let mut found = Vec::new();
        for same in alike.chunk_by(|a, b| (a.key, a.plain) == (b.key, b.plain)) {
            let key = same[0].key;
            let own = |row: RowNumber| self.hashes[key as usize][row as usize];
            let mut rows: Vec<RowNumber> = same.iter().map(|one| one.row).collect();
            rows.extend(plain_rows[usize::from(key != Key::Email)].get(&same[0].plain));
            rows.sort_unstable();
            let Some(second) = rows.iter().find(|row| own(**row) != own(rows[0])) else {
                continue;
            };
            found.extend(rows.iter().map(|row| {
                let is_first = own(*row) == own(rows[0]);
                let other = if is_first { *second } else { rows[0] };
                (key, *row, other)
            }));
        }
        found
    }

    /// Notes the keys of the next batch, in file order.
    pub fn note(&mut self, people: &People, hashes: &[[u64; 3]]) {
        for (index, hashes) in hashes.iter().enumerate() {
            let row = people.drafts.first_row + index as RowNumber;
            for (known, hash) in self.hashes.iter_mut().zip(hashes) {
                if *hash != 0 {
                    known.resize(row as usize, 0);
                    known.push(*hash);
                }
            }
            if people.verdicts[index] == Verdict::Rejected && hashes.iter().any(|hash| *hash > 0) {
                self.rejected.push(row);
            }
        }
    }

    /// Finds the rows that share a key.
    pub fn shared(mut self) -> Shared {
        let alike = self.alike_rows();
        let mut rows = BTreeMap::new();
        for (key, hashes) in Key::ALL.into_iter().zip(self.hashes) {
            for group in equal(&hashes, SORTED_MAX) {
                rows.insert((key, group[0]), group);
            }
        }
        Shared {
            rows,
            alike,
            rejected: self.rejected,
        }
    }
}

/// The first place of each of the `wanted` values that `hashes` has.
fn first_rows(hashes: &[u64], wanted: impl Iterator<Item = u64>) -> HashMap<u64, RowNumber> {
    let wanted: HashSet<u64> = wanted.collect();
    let mut first = HashMap::new();
    if !wanted.is_empty() {
        for (hash, row) in hashes
            .iter()
            .zip(0..)
            .filter(|(hash, _)| wanted.contains(hash))
        {
            first.entry(*hash).or_insert(row);
        }
    }
    first
}

/// The places at which `hashes` has the same value other than 0, each group in order. At most about
/// `sorted_max` of them are sorted at once: the hashes are spread evenly, so that each part of
/// their range holds about as many.
fn equal(hashes: &[u64], sorted_max: usize) -> Vec<Vec<RowNumber>> {
    let parts = hashes.len().div_ceil(sorted_max).max(1) as u64;
    let width = u64::MAX / parts + 1;
    let mut groups = Vec::new();
    let mut sorted: Vec<(u64, RowNumber)> = Vec::new();
    for part in 0..parts {
        sorted.clear();
        let numbered = hashes.iter().zip(0..);
        let here =
            numbered.filter(|(hash, _)| **hash != 0 && (parts == 1 || *hash / width == part));
        sorted.extend(here.map(|(hash, row)| (*hash, row)));
        sorted.par_sort_unstable();
        let shared = sorted
            .chunk_by(|a, b| a.0 == b.0)
            .filter(|group| group.len() > 1);
        groups.extend(shared.map(|group| group.iter().map(|(_, row)| *row).collect()));
    }
    groups
}

impl Shared {
    /// All rows that take part in a clash; some may be named several times.
    pub fn clashing(&self) -> Vec<RowNumber> {
        let alike = self.alike.iter().map(|(_, row, _)| *row);
        self.rows.values().flatten().copied().chain(alike).collect()
    }

    /// Decides every clash. `place` says how a row is named to people.
    pub fn settle(
        self,
        policy: Clashes,
        mut place: impl FnMut(RowNumber) -> String,
    ) -> BTreeMap<RowNumber, Decision> {
        let mut decisions: BTreeMap<RowNumber, Decision> = BTreeMap::new();
        for ((key, _), rows) in &self.rows {
            let good = |row: &&RowNumber| self.rejected.binary_search(row).is_err();
            let kept = match policy {
                Clashes::Reject => None,
                Clashes::First => rows.iter().find(good).copied(),
                Clashes::Last => rows.iter().rev().find(good).copied(),
            };
            for row in rows {
                let others: Vec<String> = rows
                    .iter()
                    .filter(|other| *other != row)
                    .take(NAMED_MAX)
                    .map(|other| place(*other))
                    .collect();
                let left = rows.len() - 1 - others.len();
                let more = if left > 0 {
                    format!(" and {left} more")
                } else {
                    String::new()
                };
                let (code, words) = match kept {
                    None => (clash_code(*key), "also in"),
                    Some(kept) if kept == *row => (Code::ClashKept, "left out:"),
                    Some(_) => (Code::ClashSkipped, "see"),
                };
                let detail = format!("{words} {}{more}", others.join(", "));
                let issue = Issue::of_field(code, *row, key.field(), "", detail);
                let decision = decisions.entry(*row).or_insert(Decision {
                    stays: true,
                    issues: Vec::new(),
                });
                decision.stays &= kept == Some(*row);
                decision.issues.push(issue);
            }
        }
        for (key, row, other) in self.alike {
            let code = match key {
                Key::Username => Code::UsernameAlike,
                Key::Email | Key::ExternalId => Code::EmailAlike,
            };
            let detail = format!("looks like the one in {}", place(other));
            let decision = decisions.entry(row).or_insert(Decision {
                stays: true,
                issues: Vec::new(),
            });
            decision
                .issues
                .push(Issue::of_field(code, row, key.field(), "", detail));
        }
        decisions
    }
}

fn clash_code(key: Key) -> Code {
    match key {
        Key::ExternalId => Code::ClashExternalId,
        Key::Email => Code::ClashEmail,
        Key::Username => Code::ClashUsername,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Table;

    fn settled(
        policy: Clashes,
        rows: &[([&str; 3], Verdict)],
    ) -> Vec<(RowNumber, bool, Vec<Code>)> {
        let mut keys = Table::new(3);
        for key in rows.iter().flat_map(|(keys, _)| keys) {
            keys.push(key);
        }
        let verdicts = rows.iter().map(|(_, verdict)| *verdict).collect();
        let people = People {
            keys,
            verdicts,
            ..People::default()
        };
        let mut owners = Owners::default();
        owners.note(&people, &key_hashes(&people, 3));
        owners.note_alike(look_alikes(&people, 3));
        owners
            .shared()
            .settle(policy, |row| format!("line {row}"))
            .into_iter()
            .map(|(row, decision)| {
                (
                    row,
                    decision.stays,
                    decision
                        .issues
                        .into_iter()
                        .map(|issue| issue.code)
                        .collect(),
                )
            })
            .collect()
    }

    #[test]
    fn each_policy_decides_as_it_says() {
        use Code::{ClashEmail, ClashKept, ClashSkipped, ClashUsername};
        let rows = [
            (["1", "a@x", ""], Verdict::Kept),
            (["2", "b@x", "u"], Verdict::Kept),
            (["3", "a@x", "u"], Verdict::Kept),
            (["4", "c@x", ""], Verdict::Kept),
            (["1", "a@x", ""], Verdict::Duplicate(0)),
        ];
        assert_eq!(
            settled(Clashes::Reject, &rows),
            [
                (0, false, vec![ClashEmail]),
                (1, false, vec![ClashUsername]),
                (2, false, vec![ClashEmail, ClashUsername]),
            ]
        );
        assert_eq!(
            settled(Clashes::First, &rows),
            [
                (0, true, vec![ClashKept]),
                (1, true, vec![ClashKept]),
                (2, false, vec![ClashSkipped, ClashSkipped]),
            ]
        );
        assert_eq!(
            settled(Clashes::Last, &rows),
            [
                (0, false, vec![ClashSkipped]),
                (1, false, vec![ClashSkipped]),
                (2, true, vec![ClashKept, ClashKept]),
            ]
        );
    }

    #[test]
    fn keys_that_look_alike_are_reported_in_both_rows_and_stay() {
        use Code::{ClashUsername, EmailAlike, UsernameAlike};
        let rows = [
            (["", "jane@paypal.com", "\u{430}dmin"], Verdict::Kept),
            (["", "b@x", "admin"], Verdict::Kept),
            (["", "jane@xn--pypal-4ve.com", "josé"], Verdict::Kept),
            (["", "d@x", "j\u{43e}sé"], Verdict::Kept),
            (["", "e@x", "иван"], Verdict::Kept),
            (["", "e2@x", "петр"], Verdict::Kept),
            (["", "f@x", "петр"], Verdict::Kept),
            (["", "", "\u{430}dmin"], Verdict::Duplicate(0)),
        ];
        assert_eq!(
            settled(Clashes::Reject, &rows),
            [
                (0, true, vec![EmailAlike, UsernameAlike]),
                (1, true, vec![UsernameAlike]),
                (2, true, vec![EmailAlike, UsernameAlike]),
                (3, true, vec![UsernameAlike]),
                (5, false, vec![ClashUsername]),
                (6, false, vec![ClashUsername]),
            ]
        );
    }

    #[test]
    fn equal_hashes_are_found_whatever_is_sorted_at_once() {
        // Spread over the whole range, as hashes are; every third value comes twice, one thrice.
        let value = |index: u64| (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut hashes: Vec<u64> = (0..300).map(value).collect();
        hashes.extend((0..300).map(|index| if index % 3 == 0 { value(index) } else { 0 }));
        hashes.push(value(3));
        for sorted_max in [1, 7, 100, 10_000] {
            let mut groups = equal(&hashes, sorted_max);
            groups.sort();
            assert_eq!(groups.len(), 100);
            assert_eq!(groups[0], [0, 300]);
            assert_eq!(groups[1], [3, 303, 600]);
        }
    }

    #[test]
    fn a_rejected_row_is_never_the_one_that_stays() {
        let rows = [
            (["", "a@x", ""], Verdict::Rejected),
            (["", "a@x", ""], Verdict::Kept),
        ];
        let found = settled(Clashes::First, &rows);
        assert_eq!((found[0].1, found[1].1), (false, true));
    }
}
