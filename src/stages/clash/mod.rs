//! clash: rows of one run that share a key and differ elsewhere. Part of validate that needs the
//! whole file: no row of a clash can be judged before the last row is read. Who shares a key is found
//! in [`crate::stages::clash::key_index`]; what follows is decided here.

use memchr::memmem;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::definition::{Clashes, Definition};
use crate::field::{Field, Key, RowNumber};
use crate::issue::{Code, Issue};
use crate::outcome::Verdict;
use crate::refusal::Result;
use crate::row::{Layout, People};
use crate::text::{domains, scripts};

pub mod key_index;

/// Each clashing row names at most this many others.
const NAMED_MAX: usize = 5;
/// The number of a group's members that must be known, the row itself included.
pub const FIRST_MAX: usize = NAMED_MAX + 1;

/// An e-mail address or a username that may look like others, or an address that may be of another's mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookAlike {
    /// Which key.
    pub key: Key,
    /// The hash of the form that all keys of its look have, as [`key_hashes`] has them.
    pub plain: u64,
    /// Its own hash.
    pub own: u64,
    /// Its row.
    pub row: RowNumber,
}

/// Rows that have one key, or keys of one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// One key.
    Shared {
        /// How many rows have it.
        count: u32,
        /// The first of them.
        first: [RowNumber; FIRST_MAX],
        /// The first and the last that isn't rejected for another reason.
        good: Option<(RowNumber, RowNumber)>,
        /// The first that closes an account by its external id. Such rows are not counted above.
        closing: Option<RowNumber>,
    },
    /// Keys of one look.
    Alike {
        /// The first row that has any.
        first: RowNumber,
        /// The first row that has another than that.
        second: Option<RowNumber>,
    },
}

/// How a row is in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It shares the key with others.
    Shares,
    /// So it does, and closes the account of its external id, which needs the key no more.
    Closes,
    /// Its key looks like others, and is that of the first row of its look.
    LooksFirst,
    /// Its key looks like others, and is not that of the first row of its look.
    LooksOther,
}

/// What clashing means for one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether the row stays in.
    pub stays: bool,
    /// What is said about it.
    pub issues: Vec<Issue>,
    /// Keys of a row that closes an account, which other rows have, too.
    pub yields: Vec<Yield>,
}

/// A key that a closing row leaves to another row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yield {
    /// Which key.
    pub key: Key,
    /// The row that stays open and has it, as people read it. None where all of them close, and this
    /// isn't the first.
    pub to: Option<String>,
}

impl Default for Decision {
    fn default() -> Decision {
        Decision {
            stays: true,
            issues: Vec::new(),
            yields: Vec::new(),
        }
    }
}

/// For each row of a batch, whether it closes the account of its external id. Such a row is about that
/// account whatever its other keys are, so that it doesn't clash with whoever has them now. Empty where
/// no row can, because the pipeline asks for other keys first or the file has no status.
pub fn closing_rows(people: &People, layout: &Layout, definition: &Definition) -> Vec<bool> {
    let by_id = definition.matching.keys().first() == Some(&Key::ExternalId);
    let Some(slot) = layout.field(Field::Status).filter(|_| by_id) else {
        return Vec::new();
    };
    let closes = |index: usize| {
        people.drafts.values.get(index, slot) == "deactivated"
            && people.key(index, Key::ExternalId).is_some()
    };
    (0..people.len()).map(closes).collect()
}

/// The hash of every key of a batch, by row and [`Key`]; 0 where the row has none.
pub fn key_hashes(people: &People, seed: u64) -> Vec<[u64; 3]> {
    (0..people.len())
        .map(|index| {
            Key::ALL.map(
                |key| match (people.verdicts[index], people.key(index, key)) {
                    (Verdict::Duplicate(_), _) | (_, None) => 0,
                    (_, Some(text)) => hash(text, seed),
                },
            )
        })
        .collect()
}

/// The hash of a key; never 0.
fn hash(key: &str, seed: u64) -> u64 {
    xxh3_64_with_seed(key.as_bytes(), seed).max(1)
}

/// The keys of a batch that may look like others: those with letters beyond ASCII, and addresses at
/// providers where several are one mailbox. Keys without such
/// are only looked for, when the last row is read.
pub fn look_alikes(people: &People, seed: u64) -> Vec<LookAlike> {
    let text = &people.keys.text;
    let has_a_labels = memmem::find(text.as_bytes(), b"xn--").is_some();
    let has_mailboxes = domains::may_have_mailboxes(text.as_bytes());
    if text.is_ascii() && !has_a_labels && !has_mailboxes {
        return Vec::new();
    }
    let form = |key: Key, own: &str| {
        let is_odd = !own.is_ascii() || (has_a_labels && own.contains("xn--"));
        let plain = if is_odd {
            scripts::plain_form(own)
        } else {
            None
        };
        if key != Key::Email || !has_mailboxes {
            return plain;
        }
        domains::mailbox(plain.as_deref().unwrap_or(own)).or(plain)
    };
    let mut alike = Vec::new();
    for index in 0..people.len() {
        if matches!(people.verdicts[index], Verdict::Duplicate(_)) {
            continue;
        }
        for key in [Key::Email, Key::Username] {
            let Some(own) = people.key(index, key) else {
                continue;
            };
            if let Some(plain) = form(key, own) {
                alike.push(LookAlike {
                    key,
                    plain: hash(&plain, seed),
                    own: hash(own, seed),
                    row: people.drafts.first_row + index as RowNumber,
                });
            }
        }
    }
    alike
}

impl Group {
    /// A group of `Shared` with nobody in it yet.
    pub fn empty() -> Group {
        Group::Shared {
            count: 0,
            first: [0; FIRST_MAX],
            good: None,
            closing: None,
        }
    }

    /// Adds the next row that has the key and closes its account, in row order.
    pub fn close(&mut self, row: RowNumber) {
        if let Group::Shared { closing, .. } = self {
            closing.get_or_insert(row);
        }
    }

    /// Adds the next row that has the key, in row order.
    pub fn share(&mut self, row: RowNumber, is_rejected: bool) {
        if let Group::Shared {
            count, first, good, ..
        } = self
        {
            if let Some(free) = first.get_mut(*count as usize) {
                *free = row;
            }
            *count += 1;
            if !is_rejected {
                *good = Some((good.map_or(row, |(first, _)| first), row));
            }
        }
    }
}

/// Adds to what is decided of `row` what follows from a group that it is in by `key`. `place` says how
/// a row is named to people, with the name of its person where that is asked for.
///
/// # Errors
/// Those of `place`.
pub fn decide(
    decision: &mut Decision,
    row: RowNumber,
    (key, part, group): (Key, Part, &Group),
    policy: Clashes,
    mut place: impl FnMut(RowNumber, bool) -> Result<String>,
) -> Result<()> {
    match *group {
        Group::Shared {
            count,
            first,
            good,
            closing,
        } => {
            if part == Part::Closes {
                let to = match (good, count) {
                    (Some((open, _)), _) => Some(place(open, true)?),
                    (None, 0) if closing == Some(row) => return Ok(()),
                    (None, _) => None,
                };
                decision.yields.push(Yield { key, to });
                return Ok(());
            }
            if count < 2 {
                return Ok(());
            }
            let kept = match policy {
                Clashes::Reject => None,
                Clashes::First => good.map(|(first, _)| first),
                Clashes::Last => good.map(|(_, last)| last),
            };
            let first = first.iter().take(count as usize);
            let others: Vec<String> = first
                .filter(|other| **other != row)
                .take(NAMED_MAX)
                .enumerate()
                .map(|(index, other)| place(*other, index == 0))
                .collect::<Result<_>>()?;
            let left = (count as usize).saturating_sub(1 + others.len());
            let more = if left > 0 {
                format!(" and {left} more")
            } else {
                String::new()
            };
            let (code, words) = match kept {
                None => (clash_code(key), "also in"),
                Some(kept) if kept == row => (Code::ClashKept, "left out:"),
                Some(_) => (Code::ClashSkipped, "see"),
            };
            let detail = format!("{words} {}{more}", others.join(", "));
            let issue = Issue::of_field(code, row, key.field(), "", detail);
            decision.stays &= kept == Some(row);
            decision.issues.push(issue);
        }
        Group::Alike { first, second } => {
            let Some(second) = second else {
                return Ok(());
            };
            let code = match key {
                Key::Username => Code::UsernameAlike,
                Key::Email | Key::ExternalId => Code::EmailAlike,
            };
            let other = if part == Part::LooksFirst {
                second
            } else {
                first
            };
            let detail = format!("looks like the one in {}", place(other, false)?);
            let issue = Issue::of_field(code, row, key.field(), "", detail);
            decision.issues.push(issue);
        }
    }
    Ok(())
}

fn clash_code(key: Key) -> Code {
    match key {
        Key::ExternalId => Code::ClashExternalId,
        Key::Email => Code::ClashEmail,
        Key::Username => Code::ClashUsername,
    }
}
