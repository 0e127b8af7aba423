//! snapshot: which rows find an account that holds all of them already, recognized by hashes. Pure.
//!
//! A file that comes every night changes little. Asking the database for every account in full,
//! only to find nothing to do, costs more than all else together; so all accounts are scanned once,
//! in no order, and of each only a fingerprint is kept: a hash of the values that the file has
//! columns for, and of its groups. A row with the same fingerprint is about that account, because
//! its keys are in the fingerprint, and changes none of its values. What is to happen to it is
//! decided anyway. Every other row that shares a key with an account is matched in full.

use crate::decision::Lookup;
use crate::issue::Issue;
use std::collections::HashMap;

use uuid::Uuid;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use crate::account::{Account, COLUMNS, Matched};
use crate::decision::Action;
use crate::definition::Definition;
use crate::field::{CLEARED, Field, Key};
use crate::meaning::membership::{Said, Tree};
use crate::meaning::person::Person;
use crate::outcome::{Outcome, Verdict};
use crate::row::{Layout, People};

/// The statuses that an account may have.
const STATUSES: [&str; 3] = ["invited", "active", "deactivated"];

/// The values of a row and of an account that go into their fingerprints.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The columns of accounts that the layout has, with their slots.
    columns: Vec<(Field, usize)>,
    /// The custom attributes that it has, with their slots.
    attributes: Vec<(String, usize)>,
    has_sessions: bool,
    seed: u64,
}

impl Shape {
    /// The shape of a layout; none where an account may have to change although all values of its row
    /// are there already, or where rows find their accounts by the accounts' ids.
    pub fn of(layout: &Layout, definition: &Definition, seed: u64) -> Option<Shape> {
        if definition.matching.account_column.is_some() {
            return None;
        }
        let has = |field| layout.field(field).is_some();
        let days_matter = definition.accounts.day().is_some();
        if days_matter && !(has(Field::StartDate) && has(Field::EndDate)) {
            return None;
        }
        let columns = COLUMNS.into_iter();
        let attributes = layout.attributes();
        Some(Shape {
            columns: columns
                .filter_map(|field| Some((field, layout.field(field)?)))
                .collect(),
            attributes: attributes
                .map(|(slot, name)| (name.to_string(), slot))
                .collect(),
            has_sessions: has(Field::Sessions),
            seed,
        })
    }

    /// The columns of an account that its fingerprint is made of, in their order.
    pub fn columns(&self) -> impl Iterator<Item = Field> + '_ {
        self.columns.iter().map(|(field, _)| *field)
    }

    /// Whether a key of an account goes into its fingerprint.
    fn has(&self, key: Key) -> bool {
        self.columns().any(|field| match key {
            Key::ExternalId => field == Field::ExternalId,
            key => key_of(field) == Some(key),
        })
    }

    /// Whether enrolments go into its fingerprint.
    pub fn has_sessions(&self) -> bool {
        self.has_sessions
    }

    /// The attributes that its fingerprint is made of, after the columns.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(|(name, _)| name.as_str())
    }

    /// The hash of a key that rows and accounts have.
    fn key(&self, key: Key, text: &[u8]) -> u64 {
        xxh3_64_with_seed(text, self.seed ^ (key as u64 + 1))
    }

    /// What entries of [`crate::meaning::membership`] add to an account's sum, in whatever order.
    pub fn sum(&self, entries: &[String]) -> u64 {
        let hashes = entries
            .iter()
            .map(|entry| xxh3_64_with_seed(entry.as_bytes(), self.seed));
        hashes.fold(0, u64::wrapping_add)
    }

    /// The fingerprint of a row; none where it takes something away.
    fn of_row(
        &self,
        people: &People,
        index: usize,
        groups: u64,
        bytes: &mut Vec<u8>,
    ) -> Option<u128> {
        bytes.clear();
        let values = &people.drafts.values;
        for (field, slot) in &self.columns {
            let value = values.get(index, *slot);
            if value == CLEARED {
                return None;
            }
            match key_of(*field) {
                Some(key) => {
                    let key = people.keys.get(index, key as usize).as_bytes();
                    put_keyed(bytes, value.as_bytes(), key);
                }
                None => put(bytes, value.as_bytes()),
            }
        }
        for (_, slot) in &self.attributes {
            let value = values.get(index, *slot);
            if value == CLEARED {
                return None;
            }
            put(bytes, value.as_bytes());
        }
        Some(with_groups(xxh3_128_with_seed(bytes, self.seed), groups))
    }
}

/// The key that is kept beside a column.
fn key_of(field: Field) -> Option<Key> {
    match field {
        Field::Email => Some(Key::Email),
        Field::Username => Some(Key::Username),
        _ => None,
    }
}

/// With its length before it, so that `a,b|c` is not `a|b,c`. Nothing and an empty value are the same.
fn put(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    bytes.extend_from_slice(value);
}

/// A value with its key next to it. However an address or a username is spelled, it stays as it is
/// where the key is the same.
fn put_keyed(bytes: &mut Vec<u8>, value: &[u8], key: &[u8]) {
    put(bytes, if key.is_empty() { value } else { b"" });
    put(bytes, key);
}

/// A fingerprint of values with the sum of the groups.
fn with_groups(fingerprint: u128, sum: u64) -> u128 {
    fingerprint ^ u128::from(sum)
}

/// The accounts, as far as rows are compared with them: 52 bytes an account at most, and 8 a key.
#[derive(Default)]
pub struct AccountFingerprints {
    /// By fingerprint.
    accounts: Vec<(u128, Uuid, u8)>,
    /// Where the fingerprints with each of the possible first bits begin, so that one is found by reading
    /// two places of memory, not twenty.
    starts: Vec<u32>,
    /// The hashes of all keys, sorted.
    keys: Vec<u64>,
}

/// Takes the accounts down, in any order.
pub struct SnapshotBuilder {
    shape: Shape,
    snapshot: AccountFingerprints,
    /// The sums of the entries of accounts, by account once sorted. One account may have several, most
    /// often next to each other.
    groups: Vec<(Uuid, u64)>,
    bytes: Vec<u8>,
}

impl SnapshotBuilder {
    /// One who has none yet.
    pub fn new(shape: Shape) -> SnapshotBuilder {
        SnapshotBuilder {
            shape,
            snapshot: AccountFingerprints::default(),
            groups: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// Takes down a [`Shape::sum`] of entries of an account.
    pub fn note_groups(&mut self, account: Uuid, sum: u64) {
        match self.groups.last_mut() {
            Some((same, all)) if *same == account => *all = all.wrapping_add(sum),
            _ => self.groups.push((account, sum)),
        }
    }

    /// Takes down an account: its status, its values in the order of [`Shape::columns`] and
    /// [`Shape::attributes`], its e-mail key and its username key, as UTF-8.
    pub fn note(
        &mut self,
        id: Uuid,
        status: &[u8],
        values: &[Option<&[u8]>],
        keys: [Option<&[u8]>; 2],
    ) {
        self.bytes.clear();
        let (columns, attributes) = values.split_at(self.shape.columns.len());
        for ((field, _), value) in self.shape.columns.iter().zip(columns) {
            match key_of(*field) {
                Some(key) => {
                    let key = keys[key as usize - 1].unwrap_or_default();
                    put_keyed(&mut self.bytes, value.unwrap_or_default(), key);
                }
                None => put(&mut self.bytes, value.unwrap_or_default()),
            }
            let key = match field {
                Field::ExternalId => value.map(|value| (Key::ExternalId, value)),
                Field::Email => keys[0].map(|value| (Key::Email, value)),
                Field::Username => keys[1].map(|value| (Key::Username, value)),
                _ => None,
            };
            if let Some((key, text)) = key {
                self.snapshot.keys.push(self.shape.key(key, text));
            }
        }
        for value in attributes {
            put(&mut self.bytes, value.unwrap_or_default());
        }
        if let Some(status) = STATUSES.iter().position(|known| known.as_bytes() == status) {
            let fingerprint = xxh3_128_with_seed(&self.bytes, self.shape.seed);
            self.snapshot.accounts.push((fingerprint, id, status as u8));
        }
    }

    /// The snapshot of all accounts that were added.
    pub fn finish(mut self) -> AccountFingerprints {
        self.add_groups();
        let accounts = &mut self.snapshot.accounts;
        accounts.sort_unstable_by_key(|(fingerprint, _, _)| *fingerprint);
        self.snapshot.starts = starts(&self.snapshot.accounts);
        self.snapshot.keys.sort_unstable();
        self.snapshot
    }

    /// Brings the two lists together by account. Both come about in that order where a run made them.
    fn add_groups(&mut self) {
        self.groups.sort_by_key(|(account, _)| *account);
        self.snapshot
            .accounts
            .sort_by_key(|(_, account, _)| *account);
        let mut groups = self.groups.iter().peekable();
        for (fingerprint, account, _) in &mut self.snapshot.accounts {
            while groups.next_if(|(of, _)| of < account).is_some() {}
            let mut sum = 0_u64;
            while let Some((_, more)) = groups.next_if(|(of, _)| of == account) {
                sum = sum.wrapping_add(*more);
            }
            *fingerprint = with_groups(*fingerprint, sum);
        }
        self.groups = Vec::new();
    }
}

/// What the account snapshot says about a row, in four bytes: one is kept for every row of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer(u32);

impl Answer {
    /// Only a match can tell.
    pub const ASK: Answer = Answer(u32::MAX);
    /// No account has any of its keys.
    pub const NOBODY: Answer = Answer(u32::MAX - 1);
}

/// What an account with a fingerprint becomes depends on no more than this, unless days matter.
#[derive(PartialEq, Eq, Hash)]
struct Case<'a> {
    said: Said<'a>,
    status: u8,
    said_status: Option<&'a str>,
    keys: [bool; 3],
    has_password: bool,
}

/// Decides a row: the pass that is asked for every row, which this one doesn't know.
pub type Decide =
    dyn Fn(&Person, Option<&Matched>, &Definition, &Tree) -> (Action, Vec<Issue>) + Sync;

/// Calls the rows of a run.
pub struct SnapshotLookup<'a> {
    /// The accounts.
    pub snapshot: &'a AccountFingerprints,
    /// What fingerprints are made of.
    pub shape: &'a Shape,
    /// The slots of the run.
    pub layout: &'a Layout,
    /// The pipeline.
    pub definition: &'a Definition,
    /// The groups that there are.
    pub tree: &'a Tree,
    /// Whether memberships are in the fingerprints.
    pub with_groups: bool,
    /// What happens to a row and an account, as [`Decide`] says.
    pub decide: &'a Decide,
}

impl SnapshotLookup<'_> {
    /// The answer for every row of a batch. `is_open` says whether what happens to a row is decided
    /// by its account at all.
    pub fn batch(&self, people: &People, is_open: impl Fn(usize) -> bool) -> Vec<Answer> {
        let mut bytes = Vec::new();
        let mut groups: HashMap<Said, (Vec<String>, u64)> = HashMap::new();
        let mut stays: HashMap<Case, bool> = HashMap::new();
        let answer = |index: usize| {
            if people.verdicts[index] != Verdict::Kept || !is_open(index) {
                return Answer::ASK;
            }
            let person = Person {
                people,
                index,
                layout: self.layout,
            };
            let keys = Key::ALL.map(|key| people.key(index, key).is_some());
            // Only a key that goes into fingerprints says whose one is.
            let has_key = Key::ALL
                .iter()
                .any(|key| keys[*key as usize] && self.shape.has(*key));
            if !has_key {
                return Answer::NOBODY;
            }
            let said = person.said();
            let (entries, sum) = groups
                .entry(said)
                .or_insert_with(|| self.groups_of(&person));
            let fingerprint = self.shape.of_row(people, index, *sum, &mut bytes);
            let Some(place) = fingerprint.and_then(|fingerprint| self.snapshot.find(fingerprint))
            else {
                return match self.knows_a_key(people, index) {
                    true => Answer::ASK,
                    false => Answer::NOBODY,
                };
            };
            let (_, id, status) = self.snapshot.accounts[place as usize];
            let case = Case {
                said,
                status,
                said_status: person.value(Field::Status),
                keys,
                has_password: person.has_password(),
            };
            let stay = || self.stays(&person, id, status, entries);
            let stays = match self.definition.accounts.day() {
                Some(_) => stay(),
                None => *stays.entry(case).or_insert_with(stay),
            };
            if stays { Answer(place) } else { Answer::ASK }
        };
        (0..people.len()).map(answer).collect()
    }

    fn knows_a_key(&self, people: &People, index: usize) -> bool {
        Key::ALL.into_iter().any(|key| {
            people.key(index, key).is_some_and(|text| {
                self.snapshot
                    .keys
                    .binary_search(&self.shape.key(key, text.as_bytes()))
                    .is_ok()
            })
        })
    }

    /// The entries that the account would have if the row had made it, and their sum.
    fn groups_of(&self, person: &Person) -> (Vec<String>, u64) {
        if !self.with_groups {
            return (Vec::new(), 0);
        }
        let entries = person.entries_of_new(self.definition, self.tree);
        let sum = self.shape.sum(&entries);
        (entries, sum)
    }

    /// Whether the policy leaves the account alone without a word.
    fn stays(&self, person: &Person, id: Uuid, status: u8, entries: &[String]) -> bool {
        let text = |field| person.value(field).map(String::from);
        let key = |key| person.people.key(person.index, key).map(String::from);
        let mut account = Account {
            id,
            values: COLUMNS.map(text),
            keys: [key(Key::Email), key(Key::Username)],
            groups: entries.to_vec(),
            ..Account::default()
        };
        if let Some(column) = COLUMNS.iter().position(|field| *field == Field::Status) {
            account.values[column] = Some(STATUSES[usize::from(status)].to_string());
        }
        let attributes = self.shape.attributes.iter().map(|(name, slot)| {
            let value = person.people.drafts.values.get(person.index, *slot);
            (name.clone(), value.to_string())
        });
        let attributes = attributes.filter(|(_, value)| !value.is_empty());
        let attributes: serde_json::Map<_, _> = attributes
            .map(|(name, value)| (name, value.into()))
            .collect();
        account.attributes = serde_json::Value::Object(attributes).to_string();
        let by = Key::ALL.map(|key| person.people.key(person.index, key).map(|_| id));
        let is_found = |key: &Key| by[*key as usize].is_some();
        let matched = Matched {
            by,
            account: self
                .definition
                .matching
                .keys()
                .iter()
                .any(is_found)
                .then_some(account),
            ..Matched::default()
        };
        let (action, issues) = (self.decide)(person, Some(&matched), self.definition, self.tree);
        action == Action::Leave(Outcome::Unchanged) && issues.is_empty()
    }
}

/// How many bits of a fingerprint are behind those that [`AccountFingerprints::starts`] goes by: about
/// one account has the same first bits.
fn first_bits(accounts: &[(u128, Uuid, u8)]) -> u32 {
    u128::BITS - accounts.len().max(2).ilog2()
}

/// Where each of the possible first bits begins among sorted fingerprints, and where the last ends.
fn starts(accounts: &[(u128, Uuid, u8)]) -> Vec<u32> {
    let behind = first_bits(accounts);
    let mut starts = Vec::with_capacity((1 << (u128::BITS - behind)) + 1);
    for (place, (fingerprint, _, _)) in (0..).zip(accounts) {
        let start = (fingerprint >> behind) as usize;
        starts.resize(starts.len().max(start + 1), place);
    }
    let end = u32::try_from(accounts.len()).unwrap_or(u32::MAX);
    starts.resize((1 << (u128::BITS - behind)) + 1, end);
    starts
}

impl AccountFingerprints {
    /// The place of the account that has the fingerprint; none where several have it.
    fn find(&self, fingerprint: u128) -> Option<u32> {
        let start = usize::try_from(fingerprint >> first_bits(&self.accounts)).ok()?;
        let [from, to] = self.starts.get(start..start + 2)? else {
            return None;
        };
        let near = self.accounts.get(*from as usize..*to as usize)?;
        let before = near.partition_point(|(other, _, _)| *other < fingerprint);
        let first = *from as usize + before;
        let same = self.accounts[first..].iter().take(2);
        let same = same
            .take_while(|(other, _, _)| *other == fingerprint)
            .count();
        let place = u32::try_from(first)
            .ok()
            .filter(|place| *place < Answer::NOBODY.0);
        place.filter(|_| same == 1)
    }

    /// What is known of a row by the answer that it got.
    pub fn lookup(&self, answer: Answer) -> Lookup {
        match self.accounts.get(answer.0 as usize) {
            Some((_, id, _)) => Lookup::Holds(*id),
            None if answer == Answer::NOBODY => Lookup::Nobody,
            None => Lookup::Ask,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fingerprint_is_found_where_it_is_and_no_other() {
        for count in [0_u64, 1, 2, 3, 7, 64, 1000] {
            let hash = |number: u64| xxh3_128_with_seed(&number.to_le_bytes(), 3);
            let mut accounts: Vec<(u128, Uuid, u8)> = (0..count)
                .map(|number| (hash(number), Uuid::from_u128(number.into()), 0))
                .collect();
            // One that two accounts have is nobody's, and the ends are found as well.
            accounts.extend([(5, Uuid::nil(), 0), (5, Uuid::nil(), 1)]);
            accounts.extend([(0, Uuid::nil(), 2), (u128::MAX, Uuid::nil(), 3)]);
            accounts.sort_unstable();
            let snapshot = AccountFingerprints {
                starts: starts(&accounts),
                accounts,
                keys: Vec::new(),
            };
            for number in 0..count {
                let place = snapshot.find(hash(number)).unwrap();
                let (_, id, _) = snapshot.accounts[place as usize];
                assert_eq!(id.as_u128(), u128::from(number));
                assert_eq!(snapshot.find(hash(number + count)), None);
            }
            let status = |fingerprint| {
                let place = snapshot.find(fingerprint)?;
                Some(snapshot.accounts[place as usize].2)
            };
            assert_eq!(
                [0, 5, u128::MAX, 4].map(status),
                [Some(2), None, Some(3), None]
            );
        }
        assert_eq!(AccountFingerprints::default().find(7), None);
    }
}
