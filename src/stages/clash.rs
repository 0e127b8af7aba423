//! clash: rows of one run that share a key and differ elsewhere. Part of validate that needs the
//! whole file: no row of a clash can be judged before the last row is read.

use std::collections::BTreeMap;

use hashbrown::HashTable;
use memchr::memmem;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::definition::Clashes;
use crate::issue::{Code, Issue};
use crate::outcome::Verdict;
use crate::row::{Key, People, RowNumber};
use crate::stages::validate::scripts;

/// Each clashing row names at most this many others.
const NAMED_MAX: usize = 5;

/// Who has which key, over the whole run. 16 bytes a row and key are remembered.
#[derive(Default)]
pub struct Owners {
    tables: [Owner; 3],
    /// By key and first row: all rows that share it.
    shared: BTreeMap<(Key, RowNumber), Vec<RowNumber>>,
    /// Keys that may look like others.
    alike: Vec<LookAlike>,
    /// Rows that take part in a clash and are rejected for another reason.
    rejected: Vec<RowNumber>,
}

#[derive(Default)]
struct Owner {
    hashes: Vec<u64>,
    rows: HashTable<RowNumber>,
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
    fn alike_rows(&self) -> Vec<(Key, RowNumber, RowNumber)> {
        let mut alike = self.alike.clone();
        alike.sort_unstable();
        let mut found = Vec::new();
        for same in alike.chunk_by(|a, b| (a.key, a.plain) == (b.key, b.plain)) {
            let table = &self.tables[same[0].key as usize];
            let own = |row: RowNumber| table.hashes[row as usize];
            let mut rows: Vec<RowNumber> = same.iter().map(|one| one.row).collect();
            rows.extend(table.first(same[0].plain));
            rows.sort_unstable();
            let Some(second) = rows.iter().find(|row| own(**row) != own(rows[0])) else {
                continue;
            };
            found.extend(rows.iter().map(|row| {
                let is_first = own(*row) == own(rows[0]);
                let other = if is_first { *second } else { rows[0] };
                (same[0].key, *row, other)
            }));
        }
        found
    }

    /// Notes the keys of the next batch, in file order.
    pub fn note(&mut self, people: &People, hashes: &[[u64; 3]]) {
        for (index, hashes) in hashes.iter().enumerate() {
            let row = people.drafts.first_row + index as RowNumber;
            let mut clashes = false;
            for key in Key::ALL {
                if let Some(first) = self.tables[key as usize].note(row, hashes[key as usize]) {
                    clashes = true;
                    self.shared
                        .entry((key, first))
                        .or_insert_with(|| vec![first])
                        .push(row);
                }
            }
            // The first row of a clash is seen before anybody knows that it is one, so every
            // rejected row counts; they are few, or the file is no good anyway.
            if people.verdicts[index] == Verdict::Rejected
                && (clashes || hashes.iter().any(|h| *h > 0))
            {
                self.rejected.push(row);
            }
        }
    }

    /// All rows that take part in a clash; some may be named several times.
    pub fn clashing(&self) -> Vec<RowNumber> {
        let alike = self.alike_rows().into_iter().map(|(_, row, _)| row);
        self.shared
            .values()
            .flatten()
            .copied()
            .chain(alike)
            .collect()
    }

    /// Decides every clash. `place` says how a row is named to people.
    pub fn settle(
        self,
        policy: Clashes,
        mut place: impl FnMut(RowNumber) -> String,
    ) -> BTreeMap<RowNumber, Decision> {
        let mut decisions: BTreeMap<RowNumber, Decision> = BTreeMap::new();
        for ((key, _), rows) in &self.shared {
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
        for (key, row, other) in self.alike_rows() {
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

impl Owner {
    /// The first row that has the key of that hash.
    fn first(&self, hash: u64) -> Option<RowNumber> {
        let is_same = |row: &RowNumber| self.hashes[*row as usize] == hash;
        self.rows.find(hash, is_same).copied()
    }

    fn note(&mut self, row: RowNumber, hash: u64) -> Option<RowNumber> {
        self.hashes.resize(row as usize + 1, 0);
        self.hashes[row as usize] = hash;
        if hash == 0 {
            return None;
        }
        let known = &self.hashes;
        let first = self
            .rows
            .find(hash, |earlier| known[*earlier as usize] == hash)
            .copied();
        if first.is_none() {
            self.rows
                .insert_unique(hash, row, |row| known[*row as usize]);
        }
        first
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
    fn a_rejected_row_is_never_the_one_that_stays() {
        let rows = [
            (["", "a@x", ""], Verdict::Rejected),
            (["", "a@x", ""], Verdict::Kept),
        ];
        let found = settled(Clashes::First, &rows);
        assert_eq!((found[0].1, found[1].1), (false, true));
    }
}
