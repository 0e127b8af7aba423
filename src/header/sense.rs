//! The meaning of columns whose header says whether an account is open or closed: `Gesperrt`,
//! `is_active`, `Deleted at`. The words are in [`crate::vocabulary::closing`].

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{inner_name, words};
use crate::text::key;
use crate::vocabulary::closing::{
    CLOSED, ENDS, FILLERS, GONE, Line, NOT, OPEN, OTHER_THINGS, REASONS, TIMES, UNSURE,
    UNSURE_DAYS, UNSURE_PLACES, UNTIL,
};

/// What the cells of such a column mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sense {
    /// `Active`: a no closes.
    Open,
    /// `Disabled`, `Termination reason`: a yes, a day that has come or a reason closes.
    Closed,
    /// `Deleted at`: a day that has come, or a yes, closes.
    ClosedOn,
    /// `Valid until`: a day that is over closes.
    Until,
    /// `userAccountControl` of Active Directory: the bit for disabled accounts closes.
    Control,
}

impl Sense {
    /// What the column does, for people.
    pub fn reported(self) -> &'static str {
        match self {
            Sense::Open => "a no closes the account, a yes leaves its status as it is",
            Sense::Closed => {
                "a yes, a date or a reason closes the account, a no leaves its status as it is"
            }
            Sense::ClosedOn => "a date that has come or a yes closes the account",
            Sense::Until => "a date that is over closes the account",
            Sense::Control => "the flag of disabled accounts (2) closes the account",
        }
    }

    /// What its cells should say.
    pub fn expected(self) -> &'static str {
        match self {
            Sense::Open => "yes or no",
            Sense::Closed => "yes, no, a date or a reason",
            Sense::ClosedOn | Sense::Until => "a date, or nothing",
            Sense::Control => "a number",
        }
    }
}

/// What a column could be that may close accounts and may be about something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// `Employment`: a status, or yes and no in a sense that nobody knows.
    Status,
    /// `State`: the same, or a part of an address.
    Place,
    /// `Expires`: a day that closes, or any other.
    Day,
}

/// What a word of the tables says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Open,
    Closed,
}

/// [`OPEN`], [`GONE`] and [`CLOSED`], by [`key`].
static WORDS: LazyLock<HashMap<String, Word>> = LazyLock::new(|| {
    let open = keys_of(OPEN).map(|key| (key, Word::Open));
    let closed = keys_of(GONE).chain(keys_of(CLOSED));
    open.chain(closed.map(|key| (key, Word::Closed))).collect()
});
static END_KEYS: LazyLock<HashSet<String>> = LazyLock::new(|| keys_of(ENDS).collect());
static TIME_KEYS: LazyLock<HashSet<String>> = LazyLock::new(|| keys_of(TIMES).collect());
static REASON_KEYS: LazyLock<HashSet<String>> = LazyLock::new(|| keys_of(REASONS).collect());
static UNTIL_KEYS: LazyLock<HashSet<String>> = LazyLock::new(|| keys_of(UNTIL).collect());
static NOT_KEYS: LazyLock<HashSet<String>> = LazyLock::new(|| keys_of(NOT).collect());
static OTHER_KEYS: LazyLock<HashSet<String>> = LazyLock::new(|| keys_of(OTHER_THINGS).collect());
static FILLER_KEYS: LazyLock<HashSet<String>> = LazyLock::new(|| keys_of(FILLERS).collect());
static DOUBTS: LazyLock<HashMap<String, Doubt>> = LazyLock::new(|| {
    let status = keys_of(UNSURE).map(|key| (key, Doubt::Status));
    let days = keys_of(UNSURE_DAYS).map(|key| (key, Doubt::Day));
    let places = keys_of(UNSURE_PLACES).map(|key| (key, Doubt::Place));
    status.chain(days).chain(places).collect()
});

/// The words of a table, as [`key`] writes them.
fn keys_of(table: &'static [Line]) -> impl Iterator<Item = String> {
    table
        .iter()
        .flat_map(|(_, words)| words.iter().map(|word| key(word)))
}

/// The sense of a column, where its header leaves no doubt.
pub fn sense(header: &str) -> Option<Sense> {
    let header = header.trim();
    of_name(header).or_else(|| of_name(inner_name(header)?))
}

/// What a column may be whose header leaves it open.
pub fn doubt(header: &str) -> Option<Doubt> {
    let header = header.trim();
    if let Some(doubt) = DOUBTS.get(&key(header)) {
        return Some(*doubt);
    }
    let (name, note) = parts(header);
    if let Some(doubt) = DOUBTS.get(&key(name)) {
        return Some(*doubt);
    }
    // `Inactive/active`, and `Active (Berlin)`: which of the two a yes means, nobody knows.
    let core = core(&words(name));
    let is_known = |from: usize, to: usize| WORDS.get(&core[from..to].concat()).copied();
    let is_turned = (1..core.len()).any(|at| {
        is_known(0, at) == Some(Word::Closed) && is_known(at, core.len()) == Some(Word::Open)
    });
    let has_note = !note.is_empty() && of_name(name).is_some();
    (is_turned || has_note).then_some(Doubt::Status)
}

/// Whether the header names something else of a person that may be inactive: `Newsletter`.
pub fn is_about_another_thing(header: &str) -> bool {
    words(header).iter().any(|word| OTHER_KEYS.contains(word))
}

fn of_name(header: &str) -> Option<Sense> {
    if DOUBTS.contains_key(&key(header)) {
        return None;
    }
    let (name, note) = parts(header);
    let all = words(name);
    let plain = of_words(&all);
    if note.is_empty() {
        return plain;
    }
    let recorded = words(note);
    if is_yes_and_no(&recorded) || core(&recorded).is_empty() {
        return plain;
    }
    if TIME_KEYS.contains(&recorded.concat()) && plain == Some(Sense::Closed) {
        return Some(Sense::ClosedOn);
    }
    if REASON_KEYS.contains(&recorded.concat()) {
        return plain;
    }
    // `Status (active/inactive)`
    let is_status = plain.is_some() || core(&all).is_empty();
    (is_status && is_open_and_closed(&core(&recorded))).then_some(Sense::Open)
}

/// A header and what is in brackets after it.
fn parts(header: &str) -> (&str, &str) {
    let header = header.trim_end_matches([' ', '?', ':', '*']);
    let inner = header.strip_suffix([')', ']', '）', '】']);
    let separated = inner.and_then(|inner| inner.rsplit_once(['(', '[', '（', '【']));
    match separated {
        Some((name, note)) if !name.trim().is_empty() => (name.trim(), note),
        _ => (header, ""),
    }
}

fn of_words(words: &[String]) -> Option<Sense> {
    let whole = words.concat();
    if whole == "useraccountcontrol" {
        return Some(Sense::Control);
    }
    if UNTIL_KEYS.contains(&whole) {
        return Some(Sense::Until);
    }
    if let Some(word) = WORDS.get(&whole) {
        return Some(of_word(*word));
    }
    if let Some(sense) = joined(&whole) {
        return Some(sense);
    }
    let words = match words {
        [rest @ .., yes, no] if is_yes_and_no(&[yes.clone(), no.clone()]) => rest,
        all => all,
    };
    let core = core(words);
    if core.is_empty() {
        return None;
    }
    let whole = core.concat();
    if UNTIL_KEYS.contains(&whole) {
        return Some(Sense::Until);
    }
    if let Some(word) = WORDS.get(&whole) {
        return Some(of_word(*word));
    }
    if let Some(sense) = turned(&core) {
        return Some(sense);
    }
    if is_open_and_closed(&core) {
        return Some(Sense::Open);
    }
    if is_list(&core, Word::Closed) {
        return Some(Sense::Closed);
    }
    with_time_or_reason(&core).or_else(|| joined(&whole))
}

fn of_word(word: Word) -> Sense {
    match word {
        Word::Open => Sense::Open,
        Word::Closed => Sense::Closed,
    }
}

/// Words without those that say nothing of their own.
fn core(words: &[String]) -> Vec<String> {
    let is_filler = |word: &&String| !FILLER_KEYS.contains(*word);
    words.iter().filter(is_filler).cloned().collect()
}

/// `not active`, `aktif değil`.
fn turned(core: &[String]) -> Option<Sense> {
    let (first, last) = (core.first()?, core.last()?);
    let rest = if NOT_KEYS.contains(first) {
        &core[1..]
    } else if NOT_KEYS.contains(last) {
        &core[..core.len() - 1]
    } else {
        return None;
    };
    match WORDS.get(&rest.concat())? {
        Word::Open => Some(Sense::Closed),
        Word::Closed => Some(Sense::Open),
    }
}

/// `Deleted at`, `Date of leaving`, `Termination reason`.
fn with_time_or_reason(core: &[String]) -> Option<Sense> {
    let is_end = |part: &[String]| {
        let part = part.concat();
        WORDS.get(&part) == Some(&Word::Closed) || END_KEYS.contains(&part)
    };
    for at in 1..core.len() {
        let (one, other) = core.split_at(at);
        for (end, rest) in [(one, other), (other, one)] {
            if !is_end(end) {
                continue;
            }
            if rest.iter().all(|word| TIME_KEYS.contains(word)) {
                return Some(Sense::ClosedOn);
            }
            if rest
                .iter()
                .all(|word| REASON_KEYS.contains(word) || TIME_KEYS.contains(word))
            {
                return Some(Sense::Closed);
            }
        }
    }
    None
}

/// The longest header, in bytes, that is one word made of several.
const JOINED_BYTES_MAX: usize = 128;

/// One word made of several, as German, Dutch, Japanese and Chinese write them: `Löschdatum`,
/// `退職日`, `是否禁用`. Short words are in too many others to be looked for within.
fn joined(whole: &str) -> Option<Sense> {
    // Each part is looked up: a "header" of 30,000 characters took seconds.
    if whole.len() > JOINED_BYTES_MAX {
        return None;
    }
    let is_long = |word: &str| !word.is_ascii() || word.len() >= 4;
    for (at, _) in whole.char_indices().skip(1) {
        let (one, other) = whole.split_at(at);
        let is_end = WORDS.get(one) == Some(&Word::Closed) || END_KEYS.contains(one);
        if is_end && is_long(other) {
            if TIME_KEYS.contains(other) {
                return Some(Sense::ClosedOn);
            }
            if REASON_KEYS.contains(other) {
                return Some(Sense::Closed);
            }
        }
        if !whole.is_ascii() && FILLER_KEYS.contains(one) {
            if let Some(word) = WORDS.get(other) {
                return Some(of_word(*word));
            }
            if let Some(sense) = joined(other) {
                return Some(sense);
            }
        }
        if !whole.is_ascii()
            && FILLER_KEYS.contains(other)
            && let Some(word) = WORDS.get(one)
        {
            return Some(of_word(*word));
        }
    }
    None
}

/// `Active/Inactive`: the first is what a yes means.
fn is_open_and_closed(core: &[String]) -> bool {
    (1..core.len()).any(|at| {
        WORDS.get(&core[..at].concat()) == Some(&Word::Open)
            && WORDS.get(&core[at..].concat()) == Some(&Word::Closed)
    })
}

/// `Blocked/suspended`: words of one kind only.
fn is_list(core: &[String], kind: Word) -> bool {
    core.iter().all(|word| WORDS.get(word) == Some(&kind))
}

/// `yes/no`, `0/1`.
fn is_yes_and_no(words: &[String]) -> bool {
    const PAIRS: [&str; 22] = [
        "yesno",
        "yn",
        "truefalse",
        "tf",
        "10",
        "01",
        "janein",
        "jn",
        "ouinon",
        "on",
        "sino",
        "simnao",
        "janee",
        "taknie",
        "anone",
        "evethayir",
        "はいいいえ",
        "是否",
        "wahrfalsch",
        "vraifaux",
        "noyes",
        "falsetrue",
    ];
    words.len() <= 2 && PAIRS.contains(&words.concat().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Vocabulary;
    use crate::vocabulary::closing::{INVITED, LANGUAGES};

    #[test]
    fn tables_have_a_line_a_language_and_no_word_on_both_sides() {
        for (name, table) in [
            ("open", OPEN),
            ("gone", GONE),
            ("closed", CLOSED),
            ("invited", INVITED),
            ("ends", ENDS),
            ("times", TIMES),
            ("reasons", REASONS),
            ("until", UNTIL),
            ("unsure", UNSURE),
            ("fillers", FILLERS),
            ("not", NOT),
        ] {
            let languages: Vec<&str> = table.iter().map(|(language, _)| *language).collect();
            assert_eq!(languages, LANGUAGES, "{name}");
        }
        let open: HashSet<String> = keys_of(OPEN).collect();
        for closed in keys_of(GONE).chain(keys_of(CLOSED)).chain(keys_of(INVITED)) {
            assert!(!open.contains(&closed), "{closed}");
        }
        let vocabulary = Vocabulary::default();
        for word in keys_of(OPEN).chain(keys_of(GONE)).chain(keys_of(CLOSED)) {
            assert!(!word.is_empty());
            assert!(!DOUBTS.contains_key(&word), "{word}");
            assert_eq!(vocabulary.well_known(&word), None, "{word}");
        }
    }

    #[test]
    fn every_word_of_the_tables_is_a_header_of_its_sense() {
        for (table, expected) in [
            (OPEN, Sense::Open),
            (GONE, Sense::Closed),
            (CLOSED, Sense::Closed),
        ] {
            for (language, words) in table {
                for word in *words {
                    let upper = word.to_uppercase();
                    for header in [
                        word.to_string(),
                        format!("{word}?"),
                        format!(" {upper} (J/N)"),
                    ] {
                        assert_eq!(sense(&header), Some(expected), "{language}: {header}");
                        assert_eq!(doubt(word), None, "{language}: {word}");
                    }
                }
            }
        }
        for (language, words) in UNTIL {
            for word in *words {
                assert_eq!(sense(word), Some(Sense::Until), "{language}: {word}");
            }
        }
        for table in [UNSURE, UNSURE_DAYS, UNSURE_PLACES] {
            for (language, words) in table {
                for word in *words {
                    assert_eq!(sense(word), None, "{language}: {word}");
                    assert!(doubt(word).is_some(), "{language}: {word}");
                }
            }
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn senses_are_found_in_headers_as_people_write_them() {
        use Sense::{Closed, ClosedOn, Control, Open, Until};
        for (expected, headers) in [
            (
                Some(Open),
                &[
                    "isActive",
                    "is_active",
                    "user.active",
                    "accountEnabled",
                    "Account enabled?",
                    "Active (yes/no)",
                    "Active [Y/N]",
                    "Status (active/inactive)",
                    "Active/Inactive",
                    "Konto aktiv",
                    "Mitarbeiter aktiv (Ja/Nein)",
                    "Compte actif",
                    "czy aktywny",
                    "是否启用",
                    "有効フラグ",
                    "not_disabled",
                    "accountNonLocked",
                    "Active Y/N",
                    "Employee Active Status",
                ][..],
            ),
            (
                Some(Closed),
                &[
                    "isDisabled",
                    "accountDisabled",
                    "has_left",
                    "was_terminated",
                    "Block sign in",
                    "not active",
                    "Non actif",
                    "aktif değil",
                    "Blocked/Suspended",
                    "Termination reason",
                    "Reason for leaving",
                    "Austrittsgrund",
                    "Motif de départ",
                    "Deleted by",
                    "是否禁用",
                    "ユーザー無効",
                    "無効フラグ",
                    "Ist gesperrt",
                    "msDS-UserAccountDisabled",
                    "user.profile.suspended",
                    "LEAVER",
                    "Left the company",
                    "退職理由",
                ],
            ),
            (
                Some(ClosedOn),
                &[
                    "Deleted at",
                    "deletedAt",
                    "inactive_since",
                    "Left on",
                    "Date left",
                    "Date of leaving",
                    "deactivated_on",
                    "Löschdatum",
                    "Gesperrt seit",
                    "Gesperrt am",
                    "Deaktivierungsdatum",
                    "Datum der Löschung",
                    "date de désactivation",
                    "fecha de desactivación",
                    "Disabled (date)",
                    "削除日時",
                    "禁用时间",
                    "Suspended from date",
                    "delete_at",
                ],
            ),
            (
                Some(Until),
                &["accountExpires", "Valid until", "gültig bis", "aktiv bis"],
            ),
            (Some(Control), &["userAccountControl"]),
            (
                None,
                &[
                    "MFA enabled",
                    "Newsletter active",
                    "last_active_at",
                    "activated_at",
                    "Days inactive",
                    "Email blocked",
                    "State",
                    "Employment",
                    "Status",
                    "Active from",
                    "Left hand",
                    "Block",
                    "No",
                    "emergency.active",
                    "Inactive/Active",
                    "Active (Berlin)",
                    "Notes",
                    "Room",
                    "Datum",
                    "",
                    "()",
                    "Lock code of the locker",
                ],
            ),
        ] {
            for header in headers {
                assert_eq!(sense(header), expected, "{header}");
            }
        }
        assert_eq!(doubt("Inactive/Active"), Some(Doubt::Status));
        assert_eq!(doubt("Active (Berlin)"), Some(Doubt::Status));
        assert_eq!(doubt("State/Province"), Some(Doubt::Place));
        assert_eq!(doubt("Cost centre"), None);
        assert!(is_about_another_thing("newsletterStatus"));
        assert!(!is_about_another_thing("Stand"));
    }
}
