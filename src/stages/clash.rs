//! clash: rows of one run that share a key and differ elsewhere. Part of validate that needs the
//! whole file: no row of a clash can be judged before the last row is read.

use std::collections::BTreeMap;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::definition::Clashes;
use crate::issue::{Code, Issue};
use crate::outcome::Verdict;
use crate::row::{Key, People, RowNumber};

/// Each clashing row names at most this many others.
const NAMED_MAX: usize = 5;

/// Who has which key, over the whole run. 16 bytes a row and key are remembered.
#[derive(Default)]
pub struct Owners {
    tables: [Owner; 3],
    /// By key and first row: all rows that share it.
    shared: BTreeMap<(Key, RowNumber), Vec<RowNumber>>,
    /// Rows that take part in a clash and are rejected for another reason.
    rejected: Vec<RowNumber>,
}

#[derive(Default)]
struct Owner {
    hashes: Vec<u64>,
    rows: HashTable<RowNumber>,
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

impl Owners {
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
        self.shared.values().flatten().copied().collect()
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
        decisions
    }
}

impl Owner {
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
    fn a_rejected_row_is_never_the_one_that_stays() {
        let rows = [
            (["", "a@x", ""], Verdict::Rejected),
            (["", "a@x", ""], Verdict::Kept),
        ];
        let found = settled(Clashes::First, &rows);
        assert_eq!((found[0].1, found[1].1), (false, true));
    }
}
