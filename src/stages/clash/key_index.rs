//! Which rows share a key, or have keys that look alike: recorded while rows are read, answered
//! after the last one. Who clashes, and by what, is kept in scratch files from then on, and read
//! batch by batch.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::definition::Clashes;
use crate::field::{Key, RowNumber};
use crate::memory::Budget;
use crate::memory::sorted::{Runs, Sorted, Sorter, hash, words};
use crate::outcome::Verdict;
use crate::refusal::Result;
use crate::row::People;
use crate::stages::clash::{Decision, FIRST_MAX, Group, LookAlike, Part, decide};

/// No row.
const NONE: RowNumber = RowNumber::MAX;
/// Of the rows that clash, one in this many is kept in memory.
const BLOCK: u64 = 1024;
/// The words of a group: how many rows and one more, the first and the last good one, the first one that
/// closes, and the first ones.
const GROUP: usize = 4 + FIRST_MAX;

/// The keys of all rows of a run, by their hashes.
pub struct KeyIndex {
    /// By [`Key`]: hashes and their rows.
    keys: [Sorter<3>; 3],
    /// E-mail addresses and usernames that may look like others: the hash of the look, the row, its
    /// own hash.
    alike: [Sorter<5>; 2],
    /// A bit a row: whether it is rejected for another reason than a clash.
    rejected: Bits,
    /// The rows that close the account of their external id.
    closing: Bits,
    budget: Budget,
}

/// A bit a row.
#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn set(&mut self, row: RowNumber) {
        let word = row as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (row % 64);
    }

    fn has(&self, row: RowNumber) -> bool {
        let word = self.0.get(row as usize / 64);
        word.is_some_and(|word| word >> (row % 64) & 1 == 1)
    }
}

/// The rows that clash, and by what.
pub struct Clashing {
    policy: Clashes,
    /// Row, how it is in a group, and the group's number; in order.
    members: Runs<3>,
    /// The row of each first member of a block.
    blocks: Vec<RowNumber>,
    groups: Runs<GROUP>,
}

impl KeyIndex {
    /// No keys yet.
    pub fn new(budget: Budget) -> KeyIndex {
        KeyIndex {
            keys: std::array::from_fn(|_| Sorter::new(budget.of_key_index())),
            alike: std::array::from_fn(|_| Sorter::new(budget.of_alike())),
            rejected: Bits::default(),
            closing: Bits::default(),
            budget,
        }
    }

    /// Notes the keys of the next batch, in file order: their hashes, by row and [`Key`], which rows
    /// close the accounts of their external ids, and the keys that may look like others.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk is full.
    pub fn note(
        &mut self,
        people: &People,
        hashes: &[[u64; 3]],
        closing: &[bool],
        alike: &[LookAlike],
    ) -> Result<()> {
        for (index, hashes) in hashes.iter().enumerate() {
            let row = people.drafts.first_row + index as RowNumber;
            for (known, hash) in self.keys.iter_mut().zip(hashes) {
                if *hash != 0 {
                    let [high, low] = words(*hash);
                    known.push([high, low, row])?;
                }
            }
            if people.verdicts[index] == Verdict::Rejected {
                self.rejected.set(row);
            }
            if closing.get(index) == Some(&true) {
                self.closing.set(row);
            }
        }
        for one in alike {
            let ([high, low], [own_high, own_low]) = (words(one.plain), words(one.own));
            let of = usize::from(one.key != Key::Email);
            self.alike[of].push([high, low, one.row, own_high, own_low])?;
        }
        Ok(())
    }

    /// Finds the rows that clash, to be decided by `policy`.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn clashing(self, policy: Clashes) -> Result<Clashing> {
        let mut found = Found {
            members: Sorter::new(self.budget.of_clashes()),
            groups: Runs::default(),
            waiting: Vec::new(),
            count: 0,
        };
        let [emails, usernames] = self.alike;
        let alike = [Sorter::new(0), emails, usernames];
        for (key, (key_index, alike)) in Key::ALL.into_iter().zip(self.keys.into_iter().zip(alike))
        {
            let closes = |row| key != Key::ExternalId && self.closing.has(row);
            let is_rejected = |row| self.rejected.has(row);
            found.of_key(
                key,
                key_index.sorted()?,
                alike.sorted()?,
                (is_rejected, closes),
            )?;
        }
        found.clashing(policy)
    }
}

/// Clashes, as they are found.
struct Found {
    members: Sorter<3>,
    groups: Runs<GROUP>,
    /// Groups that are not in the file yet.
    waiting: Vec<[u32; GROUP]>,
    count: u32,
}

impl Found {
    /// Goes through the owners of a key and the looks of it side by side: both are in the order of
    /// their hashes, and whoever has the plain form itself looks like those.
    fn of_key(
        &mut self,
        key: Key,
        mut key_index: Sorted<3>,
        mut alike: Sorted<5>,
        (is_rejected, closes): (impl Fn(RowNumber) -> bool, impl Fn(RowNumber) -> bool),
    ) -> Result<()> {
        while let Some([high, low, first]) = key_index.next()? {
            let same = |next: &[u32; 3]| next[..2] == [high, low];
            if key_index.peek().is_some_and(|next| same(&next)) {
                let mut group = Group::empty();
                let mut next = Some(first);
                while let Some(row) = next {
                    if closes(row) {
                        group.close(row);
                        self.member(row, key, Part::Closes)?;
                    } else {
                        group.share(row, is_rejected(row));
                        self.member(row, key, Part::Shares)?;
                    }
                    next = key_index.peek().filter(same).map(|[.., row]| row);
                    if next.is_some() {
                        key_index.next()?;
                    }
                }
                self.group(&group)?;
            }
            let plain = hash([high, low]);
            let look = |next: [u32; 5]| hash([next[0], next[1]]);
            while alike.peek().is_some_and(|next| look(next) < plain) {
                self.of_look(key, &mut alike, None)?;
            }
            if alike.peek().is_some_and(|next| look(next) == plain) {
                self.of_look(key, &mut alike, Some(first))?;
            }
        }
        while alike.peek().is_some() {
            self.of_look(key, &mut alike, None)?;
        }
        Ok(())
    }

    /// The rows of the next look. `plain` is the first row whose key is the plain form of it.
    fn of_look(
        &mut self,
        key: Key,
        alike: &mut Sorted<5>,
        mut plain: Option<RowNumber>,
    ) -> Result<()> {
        let Some([high, low, ..]) = alike.peek() else {
            return Ok(());
        };
        let look = hash([high, low]);
        let mut first = None;
        let mut second = None;
        let mut count = 0;
        loop {
            let next = alike.peek().filter(|next| next[..2] == [high, low]);
            let (row, own) = match (next, plain) {
                (Some([_, _, row, ..]), Some(of_plain)) if of_plain < row => (of_plain, look),
                (Some([_, _, row, own_high, own_low]), _) => {
                    alike.next()?;
                    (row, hash([own_high, own_low]))
                }
                (None, Some(of_plain)) => (of_plain, look),
                (None, None) => break,
            };
            // A form with letters from elsewhere can be its own plain one.
            plain = plain.filter(|of_plain| *of_plain != row);
            let (first_row, first_own) = *first.get_or_insert((row, own));
            if count == 1 {
                self.member(first_row, key, Part::LooksFirst)?;
            }
            if count > 0 && own == first_own {
                self.member(row, key, Part::LooksFirst)?;
            } else if count > 0 {
                second = second.or(Some(row));
                self.member(row, key, Part::LooksOther)?;
            }
            count += 1;
        }
        if let Some((first, _)) = first.filter(|_| count > 1) {
            self.group(&Group::Alike { first, second })?;
        }
        Ok(())
    }

    /// Notes a row of the group under way.
    fn member(&mut self, row: RowNumber, key: Key, part: Part) -> Result<()> {
        self.members.push([row, tag(key, part), self.count])
    }

    /// Ends the group under way.
    fn group(&mut self, group: &Group) -> Result<()> {
        self.waiting.push(group_words(group));
        self.count += 1;
        if self.waiting.len() as u64 == BLOCK {
            self.groups.append(&self.waiting)?;
            self.waiting.clear();
        }
        Ok(())
    }

    fn clashing(mut self, policy: Clashes) -> Result<Clashing> {
        self.groups.append(&self.waiting)?;
        let mut clashing = Clashing {
            policy,
            members: Runs::default(),
            blocks: Vec::new(),
            groups: self.groups,
        };
        let mut sorted = self.members.sorted()?;
        let mut block = Vec::with_capacity(BLOCK as usize);
        while let Some(member) = sorted.next()? {
            if block.is_empty() {
                clashing.blocks.push(member[0]);
            }
            block.push(member);
            if block.len() as u64 == BLOCK {
                clashing.members.append(&block)?;
                block.clear();
            }
        }
        clashing.members.append(&block)?;
        clashing.members.close(0);
        Ok(clashing)
    }
}

impl Clashing {
    /// What clashing means for each of some rows that do. `place` says how a row is named to people.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk fails; those of `place`.
    pub fn decisions(
        &self,
        rows: Range<RowNumber>,
        mut place: impl FnMut(RowNumber, bool) -> Result<String>,
    ) -> Result<BTreeMap<RowNumber, Decision>> {
        let mut decisions = BTreeMap::new();
        let block = |row: RowNumber| self.blocks.partition_point(|first| *first < row) as u64;
        let all = self.members.runs.first().map_or(0, |run| run.count);
        // The block before may end with the first of the rows.
        let start = block(rows.start).saturating_sub(1) * BLOCK;
        let end = (block(rows.end) * BLOCK).min(all);
        if start >= end {
            return Ok(decisions);
        }
        let mut members = Vec::new();
        let mut bytes = Vec::new();
        self.members.read(start..end, &mut bytes, |member| {
            if rows.contains(&member[0]) {
                members.push(member);
            }
        })?;
        for [row, tag, number] in members {
            let mut group = Group::empty();
            let number = u64::from(number);
            self.groups.read(number..number + 1, &mut bytes, |words| {
                group = group_of(words);
            })?;
            let (key, part) = untagged(tag);
            let decision = decisions.entry(row).or_default();
            decide(decision, row, (key, part, &group), self.policy, &mut place)?;
        }
        Ok(decisions)
    }
}

/// What is said of keys that look alike comes after what is said of those that are the same.
fn tag(key: Key, part: Part) -> u32 {
    match part {
        Part::Shares => key as u32,
        Part::Closes => 3 + key as u32,
        Part::LooksFirst => 6 + 2 * key as u32,
        Part::LooksOther => 7 + 2 * key as u32,
    }
}

fn untagged(tag: u32) -> (Key, Part) {
    let key = |number: u32| Key::ALL[number as usize % Key::ALL.len()];
    match tag {
        0..3 => (key(tag), Part::Shares),
        3..6 => (key(tag - 3), Part::Closes),
        look if look % 2 == 0 => (key((look - 6) / 2), Part::LooksFirst),
        look => (key((look - 6) / 2), Part::LooksOther),
    }
}

/// A group whose rows have one key counts them, and one more; the other kind counts none.
fn group_words(group: &Group) -> [u32; GROUP] {
    let mut words = [0; GROUP];
    match group {
        Group::Shared {
            count,
            first,
            good,
            closing,
        } => {
            let (first_good, last_good) = good.unwrap_or((NONE, NONE));
            let closing = closing.unwrap_or(NONE);
            words[..4].copy_from_slice(&[*count + 1, first_good, last_good, closing]);
            words[4..].copy_from_slice(first);
        }
        Group::Alike { first, second } => {
            words[1..3].copy_from_slice(&[*first, second.unwrap_or(NONE)]);
        }
    }
    words
}

fn group_of(words: [u32; GROUP]) -> Group {
    let [count, left, right, closing, ..] = words;
    let Some(count) = count.checked_sub(1) else {
        return Group::Alike {
            first: left,
            second: Some(right).filter(|row| *row != NONE),
        };
    };
    Group::Shared {
        count,
        first: std::array::from_fn(|index| words[4 + index]),
        good: Some((left, right)).filter(|_| left != NONE),
        closing: Some(closing).filter(|row| *row != NONE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issue::Code;
    use crate::row::Table;
    use crate::stages::clash::{key_hashes, look_alikes};
    use Code::{ClashEmail, ClashKept, ClashSkipped, ClashUsername, EmailAlike, UsernameAlike};

    /// What happens to rows with these keys; with plenty of room and with next to none.
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
        let decided = [1, 1 << 20].map(|bytes| {
            let mut key_index = KeyIndex::new(Budget::of(bytes));
            let (hashes, alike) = (key_hashes(&people, 3), look_alikes(&people, 3));
            key_index.note(&people, &hashes, &[], &alike).unwrap();
            let clashing = key_index.clashing(policy).unwrap();
            let place = |row, _| Ok(format!("line {row}"));
            clashing
                .decisions(0..rows.len() as RowNumber, place)
                .unwrap()
        });
        assert_eq!(decided[0], decided[1]);
        let [decided, _] = decided;
        decided
            .into_iter()
            .map(|(row, decision)| {
                let codes = decision.issues.into_iter().map(|issue| issue.code);
                (row, decision.stays, codes.collect())
            })
            .filter(|(_, _, codes): &(_, _, Vec<Code>)| !codes.is_empty())
            .collect()
    }

    #[test]
    fn each_policy_decides_as_it_says() {
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

    #[test]
    fn a_form_that_is_its_own_plain_one_is_named_once() {
        // The first is all Cyrillic but for `a`, and what the others, with a Cyrillic one, look like.
        let rows = [
            (["", "", "\u{436}\u{434}a"], Verdict::Kept),
            (["", "", "\u{436}\u{434}\u{430}"], Verdict::Kept),
        ];
        let alike = vec![UsernameAlike];
        let expected = [(0, true, alike.clone()), (1, true, alike)];
        assert_eq!(settled(Clashes::Reject, &rows), expected);
    }

    #[test]
    fn rows_are_named_up_to_five_and_counted() {
        let mut keys = Table::new(3);
        for row in 0..4000_u32 {
            let email = if row % 2 == 0 {
                "a@x".to_string()
            } else {
                format!("{row}@x")
            };
            ["", &email, ""].iter().for_each(|key| keys.push(key));
        }
        let people = People {
            keys,
            verdicts: vec![Verdict::Kept; 4000],
            ..People::default()
        };
        for (policy, row, words) in [
            (Clashes::Reject, 2, "also in 0, 4, 6, 8, 10 and 1994 more"),
            (Clashes::First, 0, "left out: 2, 4, 6, 8, 10 and 1994 more"),
            (Clashes::Last, 3000, "see 0, 2, 4, 6, 8 and 1994 more"),
        ] {
            let mut key_index = KeyIndex::new(Budget::of(100));
            key_index
                .note(&people, &key_hashes(&people, 3), &[], &[])
                .unwrap();
            let clashing = key_index.clashing(policy).unwrap();
            // Rows of several blocks, a few at a time.
            for first in (0..4000).step_by(500) {
                let place = |row: RowNumber, _| Ok(row.to_string());
                let some = clashing.decisions(first..first + 500, place).unwrap();
                let even = (first..first + 500).filter(|row| row % 2 == 0);
                assert!(some.keys().copied().eq(even));
                if let Some(decision) = some.get(&row) {
                    assert_eq!(decision.issues[0].detail, words);
                    assert_eq!(decision.stays, policy == Clashes::First);
                }
            }
        }
    }

    #[test]
    fn who_closes_an_account_leaves_the_key_to_the_others() {
        let rows = ["a@x", "a@x", "b@x", "b@x", "b@x", "c@x", "c@x"];
        let closing = [true, false, true, false, false, true, true];
        let mut keys = Table::new(3);
        for (number, email) in rows.iter().enumerate() {
            [number.to_string().as_str(), email, ""]
                .iter()
                .for_each(|key| keys.push(key));
        }
        let people = People {
            keys,
            verdicts: vec![Verdict::Kept; rows.len()],
            ..People::default()
        };
        let mut key_index = KeyIndex::new(Budget::of(1));
        key_index
            .note(&people, &key_hashes(&people, 3), &closing, &[])
            .unwrap();
        let clashing = key_index.clashing(Clashes::Reject).unwrap();
        let place = |row: RowNumber, _| Ok(row.to_string());
        let decided = clashing.decisions(0..7, place).unwrap();
        let found = |row: RowNumber| {
            let decision = &decided[&row];
            let to: Vec<Option<&str>> = decision
                .yields
                .iter()
                .map(|left| left.to.as_deref())
                .collect();
            (decision.stays, decision.issues.len(), to)
        };
        assert_eq!(found(0), (true, 0, vec![Some("1")]));
        assert_eq!(
            found(1),
            (true, 0, vec![]),
            "only one of the two stays open"
        );
        assert_eq!(found(2), (true, 0, vec![Some("3")]));
        assert_eq!(found(3), (false, 1, vec![]), "two that stay open clash");
        assert_eq!(
            found(5),
            (true, 0, vec![]),
            "the first of those who all close"
        );
        assert_eq!(found(6), (true, 0, vec![None]));
    }
}
