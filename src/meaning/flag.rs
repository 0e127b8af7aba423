//! Cells that say whether an account is open or closed: `Yes`, `離職`, `2026-03-05T10:00:00Z`. The
//! words are in [`crate::vocabulary::closing`].

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::definition::DateOrder;
use crate::header::Sense;
use crate::meaning::{booleans, date};
use crate::text::key;
use crate::vocabulary::closing;

/// What a cell says of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// Nothing, or that it is open.
    Open,
    /// That it is closed.
    Closed,
    /// That it is closed at a day to come.
    Later(Date),
}

/// What a word says, in whichever column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Open.
    Open,
    /// Invited.
    Invited,
    /// Surely of a person: gone.
    Gone,
    /// Closed, or about something else.
    Closed,
    /// Left open on purpose.
    Doubt,
}

/// A yes, a no, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    Nothing,
}

/// The words of statuses, by [`key`]. A word that is in several tables is what the last says.
static WORDS: LazyLock<HashMap<String, Word>> = LazyLock::new(|| {
    let tables = [
        (closing::DOUBTS, Word::Doubt),
        (closing::CLOSED, Word::Closed),
        (closing::GONE, Word::Gone),
        (closing::INVITED, Word::Invited),
        (closing::OPEN, Word::Open),
    ];
    by_key(&tables)
});

/// Answers beside those of `yes` and `no`, by [`key`].
static ANSWERS: LazyLock<HashMap<String, Answer>> = LazyLock::new(|| {
    by_key(&[
        (closing::NOTHING, Answer::Nothing),
        (closing::NO, Answer::No),
        (closing::YES, Answer::Yes),
    ])
});

fn by_key<T: Copy>(tables: &[(&'static [closing::Line], T)]) -> HashMap<String, T> {
    let lines = tables
        .iter()
        .flat_map(|(table, value)| table.iter().map(move |(_, words)| (*words, *value)));
    lines
        .flat_map(|(words, value)| words.iter().map(move |word| (key(word), value)))
        .collect()
}

/// What a word in the form of [`key`] says of an account.
pub fn word(key: &str) -> Option<Word> {
    WORDS.get(key).copied()
}

/// Whether a cell says yes or no in any of the languages; `None` where it says neither.
pub fn is_yes(text: &str) -> Option<bool> {
    match answer(text, &key(text))? {
        Answer::Yes => Some(true),
        Answer::No => Some(false),
        Answer::Nothing => None,
    }
}

/// What a cell says under a header of this sense; `None` where somebody has to say it. Without a
/// day, each day has come.
pub fn read(text: &str, sense: Sense, today: Option<Date>) -> Option<Flag> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Flag::Open);
    }
    if sense == Sense::Control {
        return control(text);
    }
    let key = key(text);
    let answer = answer(text, &key);
    if answer == Some(Answer::Nothing) {
        // Whoever leaves out a yes may mean a no.
        return (sense != Sense::Open).then_some(Flag::Open);
    }
    let word = word(&key);
    match (sense, answer, word) {
        (Sense::Until, Some(Answer::No), _) => Some(Flag::Open),
        (Sense::Until, ..) => on_day(text, sense, today),
        (_, _, Some(Word::Doubt)) => None,
        (_, _, Some(Word::Gone | Word::Closed)) => Some(Flag::Closed),
        (_, _, Some(Word::Open)) => Some(Flag::Open),
        (Sense::Open, _, Some(Word::Invited)) => Some(Flag::Open),
        (_, _, Some(Word::Invited)) => None,
        (Sense::Open, Some(Answer::Yes), _) => Some(Flag::Open),
        (Sense::Open, Some(Answer::No), _) => Some(Flag::Closed),
        (Sense::Open, ..) => None,
        (_, Some(Answer::No), _) => Some(Flag::Open),
        (_, Some(Answer::Yes), _) => Some(Flag::Closed),
        (Sense::Closed, ..) => on_day(text, sense, today).or_else(|| reason(text, &key)),
        _ => on_day(text, sense, today),
    }
}

/// A text that says why somebody is gone. A number or a denial says something else.
fn reason(text: &str, key: &str) -> Option<Flag> {
    let is_text = key.chars().any(char::is_alphabetic);
    let first = text.split(|c: char| !c.is_alphanumeric()).next();
    let first = crate::meaning::flag::key(first.unwrap_or_default());
    let denies = closing::NOT
        .iter()
        .flat_map(|(_, words)| words.iter())
        .any(|word| crate::meaning::flag::key(word) == first);
    let is_answer = is_yes(&first).is_some();
    (is_text && !denies && !is_answer && !text.contains('?')).then_some(Flag::Closed)
}

fn answer(text: &str, key: &str) -> Option<Answer> {
    match text {
        "true" | "TRUE" | "True" | "yes" | "Yes" | "1" | "-1" | "1.0" | "x" | "X" | "✓" | "✔"
        | "☑" | "✅" | "√" | "●" => return Some(Answer::Yes),
        "false" | "FALSE" | "False" | "no" | "No" | "0" | "0.0" | "✗" | "✘" | "☐" | "❌" => {
            return Some(Answer::No);
        }
        _ => {}
    }
    if key.is_empty() {
        // `-`, `--` and `/` represent nothing; `?` asks.
        let is_dash = |c: char| "-–—−./_\u{2015}\\ ".contains(c);
        return text.chars().all(is_dash).then_some(Answer::Nothing);
    }
    if let Some(answer) = ANSWERS.get(key) {
        return Some(*answer);
    }
    let answer = |yes| if yes { Answer::Yes } else { Answer::No };
    booleans::boolean_word(key).map(answer)
}

/// A day closes once it has come; up to a last day, once it is over.
fn on_day(text: &str, sense: Sense, today: Option<Date>) -> Option<Flag> {
    let Some(days) = days(text) else {
        return Some(Flag::Open);
    };
    let (first, last) = days?;
    let today = today.unwrap_or(Date::MAX);
    let has_come = |day: Date| match sense {
        Sense::Until => day < today,
        _ => day <= today,
    };
    match (has_come(first), has_come(last)) {
        (true, true) => Some(Flag::Closed),
        (false, false) if sense == Sense::Until => Some(Flag::Open),
        (false, false) => Some(Flag::Later(first)),
        // Which of the two days is meant decides.
        _ => None,
    }
}

/// The days that a cell can mean, the earlier one first. `None` where it is a day that represents
/// never, as databases write it; `Some(None)` where it is none.
fn days(text: &str) -> Option<Option<(Date, Date)>> {
    if let Some(day) = counted(text) {
        return day.map(|day| Some((day, day)));
    }
    let digits = text.chars().filter(char::is_ascii_digit);
    if text.contains(['-', '/', '.', ':'])
        && digits.clone().count() >= 6
        && digits.clone().all(|c| c == '0')
    {
        return None;
    }
    let days = match date::read(text, DateOrder::Unknown) {
        date::Reading::Date(day) => (day, day),
        date::Reading::Ambiguous(one, other) => (one.min(other), one.max(other)),
        date::Reading::Invalid => {
            let is_year_1 = text.starts_with("0001-01-01");
            return (!is_year_1).then_some(None);
        }
    };
    is_real(days.0).then_some(Some(days))
}

/// A moment that is counted in days, seconds or parts of them. `None` where it is no such number.
fn counted(text: &str) -> Option<Option<Date>> {
    let number: i64 = text.parse().ok()?;
    if number == i64::MAX {
        return Some(None);
    }
    let seconds = match text.len() {
        9 | 10 => number,
        13 => number / 1000,
        16 => number / 1_000_000,
        // Since 1601, as directories count.
        18 => number / 10_000_000 - 11_644_473_600,
        5 if number >= 20_000 => (number - 25_569) * 86_400,
        _ => return None,
    };
    let moment = Timestamp::from_second(seconds).ok()?;
    let day = moment.to_zoned(TimeZone::UTC).date();
    Some(Some(day).filter(|day| is_real(*day)))
}

/// Whether a day isn't one that represents none or for never.
fn is_real(day: Date) -> bool {
    const NONE: [(i16, i8, i8); 6] = [
        (1970, 1, 1),
        (1900, 1, 1),
        (1900, 1, 0),
        (1899, 12, 30),
        (1601, 1, 1),
        (1753, 1, 1),
    ];
    day.year() < 2900 && !NONE.contains(&(day.year(), day.month(), day.day()))
}

/// The flags of an account in Active Directory.
fn control(text: &str) -> Option<Flag> {
    const DISABLED: i64 = 2;
    let number = match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    };
    let is_disabled = match number {
        Some(flags) => flags & DISABLED != 0,
        None => {
            let key = key(text);
            if !key.chars().any(char::is_alphabetic) {
                return None;
            }
            key.contains("disable")
        }
    };
    Some(match is_disabled {
        true => Flag::Closed,
        false => Flag::Open,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Option<Date> = Some(Date::constant(2026, 11, 22));

    #[test]
    fn answers_are_read_in_the_sense_of_their_column() {
        let (open, closed) = (Some(Flag::Open), Some(Flag::Closed));
        // What is under: a header where a yes is good, where it is bad, where a day is.
        for (text, by_sense) in [
            ("", [open, open, open]),
            ("TRUE", [open, closed, closed]),
            ("x", [open, closed, closed]),
            ("✓", [open, closed, closed]),
            ("Ja", [open, closed, closed]),
            ("はい", [open, closed, closed]),
            ("-1", [open, closed, closed]),
            ("1.0", [open, closed, closed]),
            ("No", [closed, open, open]),
            ("nie", [closed, open, open]),
            ("hayır", [closed, open, open]),
            ("0", [closed, open, open]),
            ("無", [closed, open, open]),
            ("never", [closed, open, open]),
            ("-", [None, open, open]),
            ("N/A", [None, open, open]),
            ("(null)", [None, open, open]),
            ("?", [None, None, None]),
            ("tbd", [None, None, None]),
            ("on leave", [None, None, None]),
            ("active", [open, open, open]),
            ("inactive", [closed, closed, closed]),
            ("Terminated", [closed, closed, closed]),
            ("pending", [open, None, None]),
            ("Moved to Berlin", [None, closed, None]),
            ("not yet decided", [None, None, None]),
            ("5", [None, None, None]),
            ("2026-03-05", [None, closed, closed]),
            ("2026-03-05T10:00:00.000Z", [None, closed, closed]),
            ("05/03/2026", [None, closed, closed]),
            ("5 March 2026", [None, closed, closed]),
            ("46086", [None, closed, closed]),
            ("1772704800", [None, closed, closed]),
            ("1772704800000", [None, closed, closed]),
            ("0000-00-00 00:00:00", [None, open, open]),
            ("1970-01-01T00:00:00Z", [None, open, open]),
            ("9999-12-31", [None, open, open]),
            ("10/12/2026", [None, None, None]),
        ] {
            let senses = [Sense::Open, Sense::Closed, Sense::ClosedOn];
            let read = senses.map(|sense| read(text, sense, TODAY));
            assert_eq!(read, by_sense, "{text}");
        }
    }

    #[test]
    fn a_day_to_come_closes_later() {
        let day = Date::constant(2027, 1, 31);
        for sense in [Sense::Closed, Sense::ClosedOn] {
            assert_eq!(read("2027-01-31", sense, TODAY), Some(Flag::Later(day)));
            assert_eq!(read("2026-11-22", sense, TODAY), Some(Flag::Closed));
        }
        for (text, flag) in [
            ("2027-01-31", Some(Flag::Open)),
            ("2026-11-22", Some(Flag::Open)),
            ("2026-11-21", Some(Flag::Closed)),
            ("never", Some(Flag::Open)),
            ("0", Some(Flag::Open)),
            ("9223372036854775807", Some(Flag::Open)),
            ("132223104000000000", Some(Flag::Closed)),
            ("soon", None),
        ] {
            assert_eq!(read(text, Sense::Until, TODAY), flag, "{text}");
        }
    }

    #[test]
    fn flags_of_active_directory_close_by_one_bit() {
        for (text, flag) in [
            ("512", Some(Flag::Open)),
            ("514", Some(Flag::Closed)),
            ("66048", Some(Flag::Open)),
            ("66050", Some(Flag::Closed)),
            ("0x202", Some(Flag::Closed)),
            ("NORMAL_ACCOUNT, ACCOUNTDISABLE", Some(Flag::Closed)),
            ("NormalAccount", Some(Flag::Open)),
            ("?", None),
        ] {
            assert_eq!(read(text, Sense::Control, TODAY), flag, "{text}");
        }
    }

    #[test]
    fn every_word_of_the_tables_is_read_under_every_header() {
        let sides = [
            (closing::OPEN, Flag::Open),
            (closing::GONE, Flag::Closed),
            (closing::CLOSED, Flag::Closed),
        ];
        for (table, flag) in sides {
            for (language, words) in table {
                for word in *words {
                    for sense in [Sense::Open, Sense::Closed, Sense::ClosedOn] {
                        let read = read(word, sense, TODAY);
                        assert_eq!(read, Some(flag), "{language}: {word} {sense:?}");
                    }
                }
            }
        }
        for (table, yes) in [(closing::YES, true), (closing::NO, false)] {
            for (language, words) in table {
                for word in *words {
                    assert_eq!(is_yes(word), Some(yes), "{language}: {word}");
                }
            }
        }
        for (language, words) in closing::NOTHING {
            for word in *words {
                assert_eq!(
                    read(word, Sense::Closed, TODAY),
                    Some(Flag::Open),
                    "{language}: {word}"
                );
            }
        }
        for (language, words) in closing::DOUBTS {
            for word in *words {
                for sense in [Sense::Open, Sense::Closed, Sense::ClosedOn] {
                    assert_eq!(read(word, sense, TODAY), None, "{language}: {word}");
                }
            }
        }
    }
}
