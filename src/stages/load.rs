//! load: the rows of a chunk as the bytes that PostgreSQL's binary COPY takes. Pure; `store`
//! carries them over.
//!
//! Encoding is our own because it can be done in parallel, a whole chunk at a time, ahead of the
//! connection: tokio-postgres' `BinaryCopyInWriter` encodes row by row on the connection's task.

use crate::decision::Lookup;
use crate::run_key::RunKey;
use std::collections::HashMap;

use bytes::{BufMut, Bytes, BytesMut};
use jiff::civil::{Date, date};
use uuid::Uuid;

use crate::account::{COLUMNS, Update};
use crate::decision::Planned;
use crate::definition::Definition;
use crate::field::{Field, Key, RowNumber};
use crate::meaning::membership;
use crate::meaning::membership::{Said, Tree};
use crate::meaning::person::Person;
use crate::meaning::words;
use crate::outcome::{Outcome, Verdict};
use crate::row::{Layout, People};

/// A frame of password hashes, which nothing shows.
#[derive(Default, Clone)]
pub struct Passwords(pub Bytes);

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Passwords({} bytes)", self.0.len())
    }
}

/// A chunk, ready to be written in one transaction.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Its first row.
    pub first_row: RowNumber,
    /// The planned outcome of every row.
    pub outcomes: Vec<Outcome>,
    /// The rows that create, sorted.
    pub creating: Vec<RowNumber>,
    /// The rows that update, sorted.
    pub updating: Vec<RowNumber>,
    /// The rows whose account holds all of it already, and those accounts: the run names these
    /// people, too.
    pub unchanged: Vec<(RowNumber, Uuid)>,
    /// For `copy_accounts.sql`.
    pub creates: Bytes,
    /// For `copy_memberships.sql`: memberships of the accounts in `creates`.
    pub memberships: Bytes,
    /// For `copy_updates.sql`.
    pub updates: Bytes,
    /// For `copy_enrolments.sql`: enrolments of the accounts in `creates`.
    pub enrolments: Bytes,
    /// For `copy_moves.sql`: memberships that the accounts in `updates` begin or end.
    pub update_transfers: Bytes,
    /// For `copy_moves.sql`: the same as `memberships`, for the staged way in.
    pub create_transfers: Bytes,
    /// For `copy_passwords.sql`: password hashes of the accounts in `creates`.
    pub passwords: Passwords,
    /// For `copy_staged_passwords.sql`: password hashes of the accounts in `updates`.
    pub given: Passwords,
    /// Whether its updates remove their accounts.
    pub removes: bool,
    /// Whether its updates pass on keys to each other: all of them go in, or none.
    pub together: bool,
}

impl Chunk {
    /// Whether it consists of new accounts and their memberships, and of rows that write nothing.
    pub fn only_creates(&self) -> bool {
        self.updating.is_empty() && self.passwords.0.is_empty() && self.enrolments.is_empty()
    }

    /// Whether nothing of it needs the database.
    pub fn is_idle(&self) -> bool {
        self.creating.is_empty() && self.updating.is_empty() && self.unchanged.is_empty()
    }
}

/// A batch that is to be written.
pub struct Batch {
    /// Its first row.
    pub first_row: RowNumber,
    /// Its rows, where any of them makes an account; updates bring all of their values along.
    pub people: Option<People>,
    /// What is to happen to them.
    pub planned: Planned,
    /// The hashes of the password that the run gives, by row; each has a salt of its own.
    pub given: HashMap<RowNumber, String>,
}

impl Batch {
    /// Its rows that make an account.
    fn new_people<'a>(&'a self, layout: &'a Layout) -> impl Iterator<Item = Person<'a>> {
        let people = self.people.iter();
        people.flat_map(move |people| {
            let is_new = |index: &usize| self.planned.outcomes[*index] == Outcome::Created;
            let person = move |index| Person {
                people,
                index,
                layout,
            };
            (0..people.len()).filter(is_new).map(person)
        })
    }

    /// The hash that a new account gets: the row's own, else the one that is given, which the person
    /// must change.
    fn password_of<'a>(&'a self, person: &Person<'a>) -> Option<(&'a str, bool)> {
        let own = person.people.drafts.passwords.get(person.index);
        let given = || self.given.get(&person.row());
        own.map(|hash| (hash, false))
            .or_else(|| given().map(|hash| (hash.as_str(), true)))
    }
}

/// Encodes the rows of some successive batches as one chunk. `by_key`: new accounts come in the order of
/// their e-mail keys, else in that of their rows.
pub fn encode(
    batches: &[Batch],
    by_key: bool,
    layout: &Layout,
    definition: &Definition,
    run: &RunKey,
    groups: &Tree,
) -> Chunk {
    let mut chunk = Chunk::default();
    let mut frames: [Frame; 8] = std::array::from_fn(|_| Frame::new());
    let [
        creates,
        memberships,
        enrolments,
        updates,
        update_transfers,
        create_transfers,
        passwords,
        given,
    ] = &mut frames;
    chunk.first_row = batches.first().map_or(0, |batch| batch.first_row);
    for person in new_people(batches, by_key, layout) {
        let id = run.account_id(person.row());
        put_create(creates, &person, id, definition, run);
    }
    for batch in batches {
        let planned = &batch.planned;
        chunk.outcomes.extend_from_slice(&planned.outcomes);
        // Few rows say something of groups that no other of the batch says.
        let mut entries_of: HashMap<Said, Vec<String>> = HashMap::new();
        for person in batch.new_people(layout) {
            let id = run.account_id(person.row());
            chunk.creating.push(person.row());
            if let Some(hash) = batch.password_of(&person) {
                put_password(passwords, id, hash, run);
            }
            let entries = entries_of.entry(person.said());
            let entries = entries.or_insert_with(|| person.entries_of_new(definition, groups));
            put_memberships(memberships, entries, id, run, groups);
            put_enrolments(enrolments, entries, id, run, groups);
            for entry in entries {
                put_transfer(create_transfers, person.row(), id, (entry, false), groups);
            }
        }
        let unchanged = planned.accounts.iter().filter(|(row, _)| {
            planned.outcomes.get((row - batch.first_row) as usize) == Some(&Outcome::Unchanged)
        });
        chunk.unchanged.extend(unchanged);
        for (row, update) in &planned.updates {
            chunk.updating.push(*row);
            put_update(updates, *row, update);
            put_transfers(update_transfers, *row, update, groups);
            if let Some(hash) = batch.given.get(row).filter(|_| update.gives_password()) {
                put_password(given, update.account, (hash, true), run);
            }
        }
    }
    let [
        creates,
        memberships,
        enrolments,
        updates,
        update_transfers,
        create_transfers,
        passwords,
        given,
    ] = frames.map(Frame::finish);
    Chunk {
        creates,
        memberships,
        enrolments,
        updates,
        update_transfers,
        create_transfers,
        passwords: Passwords(passwords),
        given: Passwords(given),
        removes: definition.accounts.removes,
        ..chunk
    }
}

/// The rows that make an account; `by_key`, so that neighbours in the largest of the indexes go in one
/// after the other.
fn new_people<'a>(batches: &'a [Batch], by_key: bool, layout: &'a Layout) -> Vec<Person<'a>> {
    let all = batches.iter().flat_map(|batch| batch.new_people(layout));
    let mut all: Vec<Person> = all.collect();
    if by_key {
        all.sort_by_key(|person| person.people.key(person.index, Key::Email));
    }
    all
}

/// Encodes updates that pass on keys to each other, as a chunk of its own before all others.
pub fn encode_transfers(updates: &[(RowNumber, Update)], groups: &Tree) -> Chunk {
    let (mut staged, mut key_transfer) = (Frame::new(), Frame::new());
    for (row, update) in updates {
        put_update(&mut staged, *row, update);
        put_transfers(&mut key_transfer, *row, update, groups);
    }
    Chunk {
        // No chunk of rows begins here; in the ledger it is -1.
        first_row: RowNumber::MAX,
        outcomes: vec![Outcome::Updated; updates.len()],
        updating: updates.iter().map(|(row, _)| *row).collect(),
        updates: staged.finish(),
        update_transfers: key_transfer.finish(),
        together: true,
        ..Chunk::default()
    }
}

fn put_transfers(frame: &mut Frame, row: RowNumber, update: &Update, groups: &Tree) {
    for (entries, leaves) in [(&update.joins, false), (&update.leaves, true)] {
        for entry in entries {
            put_transfer(frame, row, update.account, (entry, leaves), groups);
        }
    }
}

/// The keys of a batch's rows that are to be matched, for `copy_keys.sql`, header and all. `called`
/// is what the account snapshot said of each, if there is one. In a full list all who are in it are
/// sent: the keys of those who are rejected, too, because they aren't leavers, whatever is wrong
/// with their row, and the accounts that are known. Also whether the account of any row is asked for.
/// `account_slot` is the slot of account ids, where accounts are found by these.
pub fn encode_keys(
    people: &People,
    known: &dyn Fn(usize) -> Lookup,
    full_list: bool,
    account_slot: Option<usize>,
) -> (Bytes, bool) {
    let (mut frame, mut asks) = (Frame::new(), false);
    for index in 0..people.len() {
        let row = people.drafts.first_row + index as RowNumber;
        match known(index) {
            Lookup::Ask => {}
            Lookup::Nobody => continue,
            Lookup::Holds(account) => {
                if full_list {
                    frame.row(5);
                    frame.int(row);
                    (0..3).for_each(|_| frame.text(None));
                    frame.uuid(account);
                }
                continue;
            }
        }
        let keys = Key::ALL.map(|key| people.key(index, key));
        let is_matched = match people.verdicts[index] {
            Verdict::Kept => true,
            Verdict::Rejected => full_list,
            Verdict::Duplicate(_) | Verdict::Nobody => false,
        };
        let account = account_slot.map(|slot| people.drafts.values.get(index, slot));
        let account = account.and_then(|id| id.parse::<Uuid>().ok());
        if is_matched && (account.is_some() || keys.iter().any(Option::is_some)) {
            frame.row(5);
            frame.int(row);
            keys.into_iter().for_each(|key| frame.text(key));
            match account {
                Some(account) => frame.uuid(account),
                None => frame.text(None),
            }
            asks = true;
        }
    }
    (frame.finish(), asks)
}

/// How many rows of a batch nobody can be found by.
pub fn rows_without_key(people: &People) -> u64 {
    let nameless = (0..people.len()).filter(|index| {
        !matches!(
            people.verdicts[*index],
            Verdict::Duplicate(_) | Verdict::Nobody
        ) && Key::ALL
            .iter()
            .all(|key| people.key(*index, *key).is_none())
    });
    nameless.count() as u64
}

fn put_create(frame: &mut Frame, person: &Person, id: Uuid, definition: &Definition, run: &RunKey) {
    let key = |key| person.people.key(person.index, key);
    frame.row(22);
    frame.uuid(id);
    for field in COLUMNS {
        let value = person.value_of_new(field, definition);
        match field {
            Field::Email => {
                frame.text(value);
                frame.text(value.and(key(Key::Email)));
            }
            Field::Username => {
                frame.text(value);
                frame.text(value.and(key(Key::Username)));
            }
            Field::StartDate | Field::EndDate => frame.date(value),
            Field::OtherRoles => frame.roles(value),
            _ => frame.text(value),
        }
    }
    let mut attributes = person.attributes(definition).peekable();
    if attributes.peek().is_none() {
        frame.json("{}");
    } else {
        let object: serde_json::Map<String, serde_json::Value> = attributes
            .map(|(name, value)| (name.to_string(), value.into()))
            .collect();
        frame.json(&serde_json::Value::Object(object).to_string());
    }
    frame.text(Some(&run.id));
    frame.int(person.row());
}

fn put_update(frame: &mut Frame, row: RowNumber, update: &Update) {
    frame.row(24);
    frame.int(row);
    frame.uuid(update.account);
    frame.text(Some(&update.version));
    for (field, value) in COLUMNS.into_iter().zip(&update.values) {
        let value = value.as_deref();
        match field {
            Field::Email => {
                frame.text(value);
                frame.text(update.keys[0].as_deref());
            }
            Field::Username => {
                frame.text(value);
                frame.text(update.keys[1].as_deref());
            }
            Field::StartDate | Field::EndDate => frame.date(value),
            Field::OtherRoles => frame.roles(value),
            _ => frame.text(value),
        }
    }
    for object in [&update.attributes, &update.before, &update.after] {
        frame.json(&serde_json::json!(object).to_string());
    }
}

/// Each membership once, with its roles.
fn put_memberships(
    frame: &mut Frame,
    entries: &[String],
    account: Uuid,
    run: &RunKey,
    groups: &Tree,
) {
    for entry in entries
        .iter()
        .filter(|entry| membership::session(entry).is_none())
    {
        let (key, inherited) = match membership::parts(entry) {
            (key, None) => (key, false),
            (key, Some("")) => (key, true),
            _ => continue,
        };
        let Some(group) = groups.id(key) else {
            continue;
        };
        let all = entries.iter().map(|entry| membership::parts(entry));
        let roles: Vec<&str> = all
            .filter(|(other, _)| *other == key && !inherited)
            .filter_map(|(_, role)| role)
            .collect();
        frame.row(5);
        frame.uuid(account);
        frame.uuid(group);
        frame.text(Some(&run.id));
        frame.texts(&roles);
        frame.bool(inherited);
    }
}

fn put_enrolments(
    frame: &mut Frame,
    entries: &[String],
    account: Uuid,
    run: &RunKey,
    groups: &Tree,
) {
    let sessions = entries
        .iter()
        .filter(|entry| membership::session(entry).is_some());
    for session in sessions.filter_map(|entry| groups.id(entry)) {
        frame.row(3);
        frame.uuid(account);
        frame.uuid(session);
        frame.text(Some(&run.id));
    }
}

/// An entry of a membership or an enrolment that begins, or ends.
fn put_transfer(
    frame: &mut Frame,
    row: RowNumber,
    account: Uuid,
    (entry, leaves): (&str, bool),
    groups: &Tree,
) {
    let (key, role) = membership::parts(entry);
    if let Some(group) = groups.id(key) {
        frame.row(6);
        frame.int(row);
        frame.uuid(account);
        frame.uuid(group);
        frame.bool(leaves);
        frame.text(role);
        frame.bool(membership::session(entry).is_some());
    }
}

/// A hash, and whether its password must be changed at the first sign-in.
fn put_password(frame: &mut Frame, account: Uuid, (hash, must_change): (&str, bool), run: &RunKey) {
    frame.row(4);
    frame.uuid(account);
    frame.text(Some(hash));
    frame.text(Some(&run.id));
    frame.bool(must_change);
}

/// PostgreSQL's binary COPY format (documentation, `COPY`, "Binary Format").
struct Frame {
    bytes: BytesMut,
    rows: usize,
}

const EPOCH: Date = date(2000, 1, 1);

impl Frame {
    fn new() -> Frame {
        let mut bytes = BytesMut::new();
        bytes.put_slice(b"PGCOPY\n\xff\r\n\0");
        bytes.put_u32(0);
        bytes.put_u32(0);
        Frame { bytes, rows: 0 }
    }

    /// The whole frame; empty when it has no rows, so that nobody sends it.
    fn finish(mut self) -> Bytes {
        if self.rows == 0 {
            return Bytes::new();
        }
        self.bytes.put_i16(-1);
        self.bytes.freeze()
    }

    fn row(&mut self, columns: i16) {
        self.rows += 1;
        self.bytes.put_i16(columns);
    }

    fn text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => {
                self.bytes.put_i32(text.len() as i32);
                self.bytes.put_slice(text.as_bytes());
            }
            None => self.bytes.put_i32(-1),
        }
    }

    fn uuid(&mut self, id: Uuid) {
        self.bytes.put_i32(16);
        self.bytes.put_slice(id.as_bytes());
    }

    fn int(&mut self, number: u32) {
        self.bytes.put_i32(4);
        self.bytes.put_u32(number);
    }

    fn bool(&mut self, value: bool) {
        self.bytes.put_i32(1);
        self.bytes.put_u8(value.into());
    }

    /// A list of roles, as it was cleaned.
    fn roles(&mut self, list: Option<&str>) {
        let list = list
            .into_iter()
            .flat_map(|list| list.split(words::ROLE_SEPARATOR));
        self.texts(&list.collect::<Vec<_>>());
    }

    /// `text[]`: dimensions, flags, the element's type; then the only dimension's length and first
    /// index, and the elements (`array_send` of PostgreSQL's `arrayfuncs.c`).
    fn texts(&mut self, texts: &[&str]) {
        const TEXT: u32 = 25;
        if texts.is_empty() {
            self.bytes.put_i32(12);
            self.bytes.put_i32(0);
            self.bytes.put_i32(0);
            self.bytes.put_u32(TEXT);
            return;
        }
        let elements: usize = texts.iter().map(|text| 4 + text.len()).sum();
        self.bytes.put_i32(20 + elements as i32);
        self.bytes.put_i32(1);
        self.bytes.put_i32(0);
        self.bytes.put_u32(TEXT);
        self.bytes.put_i32(texts.len() as i32);
        self.bytes.put_i32(1);
        texts.iter().for_each(|text| self.text(Some(text)));
    }

    /// A date in ISO 8601; validate let nothing else through.
    fn date(&mut self, text: Option<&str>) {
        match text.and_then(|text| text.parse::<Date>().ok()) {
            Some(date) => {
                self.bytes.put_i32(4);
                self.bytes.put_i32((date - EPOCH).get_days());
            }
            None => self.bytes.put_i32(-1),
        }
    }

    /// `jsonb`: a version byte, then the text.
    fn json(&mut self, text: &str) {
        self.bytes.put_i32(text.len() as i32 + 1);
        self.bytes.put_u8(1);
        self.bytes.put_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_ids_are_version_7_ascend_with_the_rows_and_never_repeat() {
        let run = RunKey {
            id: "r".into(),
            seed: 9,
            started_ms: 1_795_000_000_000,
        };
        let mut last = Uuid::nil();
        for row in [0, 1, 2, 1 << 19, 1 << 20, (1 << 20) + 1, 1 << 31, u32::MAX] {
            let id = run.account_id(row);
            assert_eq!(id.get_version_num(), 7);
            assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
            assert!(id > last, "{row}");
            last = id;
        }
        assert_eq!(run.group_id("a").get_version_num(), 7);
        assert_eq!(run.group_id("a"), run.group_id("a"));
        assert_ne!(run.group_id("a"), run.group_id("b"));
    }

    #[test]
    fn dates_are_days_since_2000() {
        let days = |text| {
            let mut frame = Frame::new();
            frame.date(Some(text));
            i32::from_be_bytes(frame.bytes[23..27].try_into().unwrap())
        };
        assert_eq!(days("2000-01-02"), 1);
        assert_eq!(days("1999-12-31"), -1);
        assert_eq!(days("2026-11-22"), 9822);
    }

    #[test]
    fn a_frame_without_rows_is_empty() {
        assert!(Frame::new().finish().is_empty());
    }
}
