//! Full names into first and last name, by a written rule and never by a dictionary of names.

use std::borrow::Cow;

use super::text::is_ideograph;
use crate::definition::NameOrder;

/// Words before the last word that belong to the last name; compared in lower case.
#[rustfmt::skip]
const PARTICLES: [&str; 26] = [
    "van", "von", "de", "da", "das", "do", "dos", "di", "du", "der", "den", "del", "della", "la", "le", "el", "al",
    "bin", "ibn", "ben", "ter", "ten", "zu", "zur", "af", "av",
];
/// Words behind a name that stay with the last name; compared in lower case without a full stop.
const SUFFIXES: [&str; 5] = ["jr", "sr", "ii", "iii", "iv"];

/// Titles before a name, which are no part of it; compared in lower case. Those that may be a name
/// or its initial need their full stop.
#[rustfmt::skip]
const TITLES: [&str; 38] = [
    "dr", "dr.", "prof", "prof.", "mr", "mr.", "mrs", "mrs.", "ms", "ms.", "mx", "mx.", "herr", "frau", "mme",
    "mme.", "mlle", "mlle.", "hr.", "fr.", "sr.", "sra.", "srta.", "sig.", "dott.", "ing.", "mag.", "mgr.", "bc.",
    "drs.", "ir.", "med.", "h.c.", "hab.", "dipl.-ing.", "dr.-ing.", "dr.med.", "priv.-doz.",
];
/// Degrees behind a name, which are no part of it; compared in lower case.
#[rustfmt::skip]
const DEGREES: [&str; 14] = [
    "phd", "ph.d", "ph.d.", "m.d.", "mba", "m.b.a.", "msc", "m.sc.", "bsc", "b.sc.", "m.a.", "b.a.", "ll.m.", "csc.",
];

/// What a full name was split into.
#[derive(Debug, PartialEq, Eq)]
pub struct Split {
    /// The first name; may be empty.
    pub first: String,
    /// The last name; may be empty.
    pub last: String,
    /// Whether titles or degrees were left out of both.
    pub has_title: bool,
}

/// The first and the last name of `full_name`, which is cleaned text. The rule:
///
/// 0. Titles before a name and degrees behind it (`Dr.`, `Prof.`, `Frau`, `PhD`) are left out, wherever
///    something is left then; so `Herr, Hans` keeps his name.
/// 1. A suffix (`Jr`, `Sr`, `II`, `III`, `IV`) at the end stays with the last name.
/// 2. With one comma it is `Last, First Middle`.
/// 3. With none, `order` decides: the last word is the last name, with the particles right before
///    it (`van`, `de la`, `bin`, …), and at least one word is left for the first name; or the
///    first word is, with the particles that it begins with.
///    Names in Han characters, Hangul or kana begin with the family name, whatever `order` is.
/// 4. Two or three Han or Hangul characters without a space: the first is the family name.
/// 5. Anything else (one word, several commas) isn't split.
pub fn split(full_name: &str, order: NameOrder) -> Option<Split> {
    let bare = without_titles(full_name);
    let has_title = matches!(bare, Cow::Owned(_));
    let (first, last) = parts(&bare, order)?;
    Some(Split {
        first,
        last,
        has_title,
    })
}

/// A part of a name without titles and degrees, and whether it had some. All of it may be one.
pub(super) fn without_titles_of(part: &str) -> (Cow<'_, str>, bool) {
    let is_one = |word: &str| {
        let word = word.to_lowercase();
        TITLES.contains(&word.as_str()) || DEGREES.contains(&word.as_str())
    };
    let is_suffix = |word: &str| {
        let word = word.trim_end_matches('.').to_lowercase();
        SUFFIXES.contains(&word.as_str())
    };
    let is_title = |word: &&str| is_one(word) && !is_suffix(word);
    if !part.split(' ').any(|word| is_title(&word)) {
        return (Cow::Borrowed(part), false);
    }
    let kept: Vec<&str> = part.split(' ').filter(|word| !is_title(word)).collect();
    (Cow::Owned(kept.join(" ")), true)
}

/// Whether this word in lower case stands before a last name.
pub(super) fn is_particle(word: &str) -> bool {
    PARTICLES.contains(&word)
}

fn parts(full_name: &str, order: NameOrder) -> Option<(String, String)> {
    let (name, suffix) = without_suffix(full_name);
    let (first, last) = match name.split_once(',') {
        Some((last, first)) if !first.contains(',') => {
            (first.trim().to_string(), last.trim().to_string())
        }
        Some(_) => return None,
        None => words(name, order).or_else(|| ideographs(name))?,
    };
    match suffix {
        Some(suffix) if !last.is_empty() => Some((first, format!("{last} {suffix}"))),
        Some(_) => None,
        None => Some((first, last)),
    }
}

/// The name without titles and degrees; borrowed if it has none.
fn without_titles(full_name: &str) -> Cow<'_, str> {
    let is = |list: &[&str], word: &str| list.contains(&word.to_lowercase().as_str());
    let mut kept: Vec<String> = Vec::new();
    let mut any = false;
    for part in full_name.split(',') {
        let words: Vec<&str> = part.split(' ').filter(|word| !word.is_empty()).collect();
        let named = |word: &&str| !is(&TITLES, word) && !is(&DEGREES, word);
        if !words.iter().any(named) && (kept.is_empty() || words.is_empty()) {
            kept.push(words.join(" "));
            continue;
        }
        let titles = words.iter().take_while(|word| is(&TITLES, word)).count();
        let rest = &words[titles..];
        let degrees = rest
            .iter()
            .rev()
            .take_while(|word| is(&DEGREES, word))
            .count();
        let rest = &rest[..rest.len() - degrees];
        any |= rest.len() < words.len();
        if !rest.is_empty() {
            kept.push(rest.join(" "));
        }
    }
    match any {
        true => Cow::Owned(kept.join(", ")),
        false => Cow::Borrowed(full_name),
    }
}

/// The name without a suffix at its end, and the suffix. One word is always the name.
fn without_suffix(name: &str) -> (&str, Option<&str>) {
    let Some(at) = name.rfind([' ', ',']) else {
        return (name, None);
    };
    let (before, suffix) = (&name[..at], &name[at + 1..]);
    let bare = suffix.strip_suffix('.').unwrap_or(suffix).to_lowercase();
    let before = before.trim_end_matches([' ', ',']);
    if SUFFIXES.contains(&bare.as_str()) && before.contains([' ', ',']) {
        (before, Some(suffix))
    } else {
        (name, None)
    }
}

/// Whether a name is written in Han characters, Hangul or kana, and not in katakana alone: those
/// spell names from elsewhere.
fn is_east_asian(name: &str) -> bool {
    let is_katakana = |c: char| matches!(c, '\u{30a0}'..='\u{30ff}');
    let is_one = |c: char| {
        is_ideograph(c)
            || is_katakana(c)
            || matches!(c, '\u{3040}'..='\u{309f}' | '\u{ac00}'..='\u{d7a3}')
    };
    let mut letters = name.chars().filter(|c| *c != ' ');
    !name.is_ascii() && letters.clone().all(is_one) && !letters.all(is_katakana)
}

fn words(name: &str, order: NameOrder) -> Option<(String, String)> {
    let words: Vec<&str> = name.split(' ').filter(|word| !word.is_empty()).collect();
    if words.len() < 2 {
        return None;
    }
    let order = if is_east_asian(name) {
        NameOrder::LastFirst
    } else {
        order
    };
    let is_particle = |word: &&str| PARTICLES.contains(&word.to_lowercase().as_str());
    match order {
        NameOrder::FirstLast => {
            let particles = words[1..words.len() - 1]
                .iter()
                .rev()
                .take_while(|word| is_particle(word))
                .count();
            let (first, last) = words.split_at(words.len() - 1 - particles);
            Some((first.join(" "), last.join(" ")))
        }
        NameOrder::LastFirst => {
            let particles = words[..words.len() - 2]
                .iter()
                .take_while(|word| is_particle(word))
                .count();
            let (last, first) = words.split_at(particles + 1);
            Some((first.join(" "), last.join(" ")))
        }
    }
}

fn ideographs(name: &str) -> Option<(String, String)> {
    let is_written_alone = |c: char| {
        matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{323af}' | '\u{ac00}'..='\u{d7a3}')
    };
    let count = name.chars().count();
    if !(2..=3).contains(&count) || !name.chars().all(is_written_alone) {
        return None;
    }
    let (at, _) = name.char_indices().nth(1)?;
    Some((name[at..].to_string(), name[..at].to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_by_the_written_rule() {
        use NameOrder::{FirstLast, LastFirst};
        let cases = [
            ("Jane Doe", FirstLast, "Jane|Doe"),
            ("Jane Mary Doe", FirstLast, "Jane Mary|Doe"),
            ("Doe, Jane Mary", FirstLast, "Jane Mary|Doe"),
            ("van der Berg, Jan", FirstLast, "Jan|van der Berg"),
            ("Jan van der Berg", FirstLast, "Jan|van der Berg"),
            ("Ludwig Van Beethoven", FirstLast, "Ludwig|Van Beethoven"),
            ("Van Nguyen", FirstLast, "Van|Nguyen"),
            (
                "María del Carmen López",
                FirstLast,
                "María del Carmen|López",
            ),
            ("John Doe Jr.", FirstLast, "John|Doe Jr."),
            ("John Doe, Jr.", FirstLast, "John|Doe Jr."),
            ("Doe, John, III", FirstLast, "John|Doe III"),
            ("Juan de la Cruz Sr", FirstLast, "Juan|de la Cruz Sr"),
            ("Doe Jane Mary", LastFirst, "Jane Mary|Doe"),
            ("van der Berg Jan", LastFirst, "Jan|van der Berg"),
            ("王小明", FirstLast, "小明|王"),
            ("김민수", LastFirst, "민수|김"),
            ("山田 太郎", LastFirst, "太郎|山田"),
            ("山田 太郎", FirstLast, "太郎|山田"),
            ("佐藤 はなこ", FirstLast, "はなこ|佐藤"),
            ("ジョン スミス", FirstLast, "ジョン|スミス"),
            ("Doe,", FirstLast, "|Doe"),
            (", Jane", FirstLast, "Jane|"),
            ("John Jr", FirstLast, "John|Jr"),
            ("Dr. Jane Doe", FirstLast, "Jane|Doe"),
            (
                "Prof. Dr. med. Jan van der Berg",
                FirstLast,
                "Jan|van der Berg",
            ),
            ("Doe, Dr. Jane", FirstLast, "Jane|Doe"),
            ("Dr. Doe, Jane", FirstLast, "Jane|Doe"),
            ("Doe, Jane, PhD", FirstLast, "Jane|Doe"),
            ("Doe, John, Jr., M.D.", FirstLast, "John|Doe Jr."),
            ("Jane Doe Ph.D.", FirstLast, "Jane|Doe"),
            ("Herr, Hans", FirstLast, "Hans|Herr"),
            ("Herr Hans Herr", FirstLast, "Hans|Herr"),
        ];
        for (name, order, expected) in cases {
            let split = split(name, order).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(
                format!("{}|{}", split.first, split.last),
                expected,
                "{name}"
            );
        }
        for name in [
            "",
            "Cher",
            "Dr. Doe",
            "Doe, Jane, Mary",
            "山田太郎",
            "ひろし",
            "Jr",
            "Dr.",
            "Doe, Dr.",
        ] {
            assert_eq!(split(name, FirstLast), None, "{name}");
        }
    }
}
