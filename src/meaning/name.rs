//! Full names into first and last name, by a written rule and never by a dictionary of names.

use std::borrow::Cow;

use crate::definition::NameOrder;
use crate::issue::Code;
use crate::text::is_ideograph;
use crate::vocabulary::names::{
    DEGREES, FAMILIES, JOINERS, LOWER_PARTICLES, NOTES, PARTICLES, SURNAME_JOINERS, TITLES, has,
    has_lower,
};

/// Words after a name that stay with the last name; compared in lower case without a full stop.
const SUFFIXES: [&str; 5] = ["jr", "sr", "ii", "iii", "iv"];
/// From this number of words without a particle on, nobody can tell where the last name begins.
const UNCLEAR_WORDS: usize = 4;

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

/// What is doubtful about a full name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// It names several people.
    Several,
    /// A remark that is not a part of the name was left out.
    LeftOut(String),
    /// The last name comes first, because only it is in capitals.
    Capitals,
    /// Two capitals come first: initials, or a short last name.
    Initials,
    /// A semicolon parts last and first name.
    Semicolon,
    /// Many words, and none of them tells where the last name begins.
    ManyWords,
}

/// What a full name says.
#[derive(Debug, PartialEq, Eq)]
pub struct Reading {
    /// First and last name, where it can be split.
    pub split: Option<Split>,
    /// What is doubtful.
    pub doubt: Option<Doubt>,
}

/// The first and the last name of `full_name`, which is cleaned text. The rule:
///
/// 0. Titles before a name and degrees after it (`Dr.`, `Prof.`, `Frau`, `PhD`) are left out,
///    wherever something is left then; so `Herr, Hans` keeps his name. So is what is in brackets,
///    and a word such as `extern` after a dash; that is doubtful.
/// 1. A suffix (`Jr`, `Sr`, `II`, `III`, `IV`) at the end stays with the last name.
/// 2. With one comma it is `Last, First Middle`. A semicolon between two words is doubtful, and taken for one.
/// 3. With none, `order` decides: the last word is the last name, with the particles right before
///    it (`van`, `de la`, `bin`, …) and what a word joins to it (`Ortega y Gasset`), and at least one word
///    is left for the first name; or the first word is, with the particles that it begins with.
///    Names in Han characters, Hangul or kana begin with the family name, whatever `order` is. Names
///    that begin in capitals and go on without (`RAU Karl`) do, too; that is doubtful.
/// 4. Two or three Han or Hangul characters without a space: the first is the family name.
/// 5. Anything else (one word, several commas) isn't split.
///
/// A name of several people (`Anna und Bernd Grün`) is doubtful. It is split where they share a last name.
pub fn read(full_name: &str, order: NameOrder) -> Reading {
    let (plain, left_out) = without_remarks(full_name);
    let mut doubt = left_out.map(Doubt::LeftOut);
    let plain = match plain.split_once(';') {
        Some((last, first)) if is_word(last.trim()) && is_word(first.trim()) => {
            doubt = doubt.or(Some(Doubt::Semicolon));
            Cow::Owned(format!("{}, {}", last.trim(), first.trim()))
        }
        _ => plain,
    };
    if let Some(people) = people(&plain, true) {
        return Reading {
            split: people.split(order),
            doubt: Some(Doubt::Several),
        };
    }
    let bare = without_titles(&plain);
    let has_title = matches!(bare, Cow::Owned(_));
    let Some((first, last, found)) = parts(&bare, order) else {
        return Reading { split: None, doubt };
    };
    Reading {
        split: Some(Split {
            first,
            last,
            has_title,
        }),
        doubt: doubt.or(found),
    }
}

impl Reading {
    /// What to say of it, if anything: the code, and how it was read.
    pub fn remark(&self) -> Option<(Code, String)> {
        let doubt = self.doubt.as_ref()?;
        let read = match &self.split {
            Some(Split { first, last, .. }) => {
                format!("read as first name `{first}` and last name `{last}`")
            }
            None if *doubt == Doubt::Several => {
                return Some((Code::NameSeveral, "one person in a row".to_string()));
            }
            None => return None,
        };
        let why = match doubt {
            Doubt::Several => {
                let detail = format!("one person in a row; {read}");
                return Some((Code::NameSeveral, detail));
            }
            Doubt::LeftOut(what) => format!("without `{what}`"),
            Doubt::Capitals => "because only the last name is in capitals".to_string(),
            Doubt::Initials => "but a last name in capitals may come first".to_string(),
            Doubt::Semicolon => "with the last name before the semicolon".to_string(),
            Doubt::ManyWords => "but the last name may begin earlier".to_string(),
        };
        Some((Code::FullNameUnclear, format!("{read}, {why}")))
    }
}

/// Whether a full name has one word besides titles and remarks, so that first or last name is missing.
pub fn is_single(full_name: &str) -> bool {
    let (plain, _) = without_remarks(full_name);
    let words = plain.split([' ', ',']).filter(|word| !word.is_empty());
    let named = |word: &&str| {
        !has(TITLES, word) && !has(DEGREES, word) && !has(FAMILIES, word) && !is_joiner(word)
    };
    !full_name.is_empty() && words.filter(named).count() <= 1 && !plain.contains(',')
}

/// Whether a cell of first or last names names several people. Last names may be joined by words.
pub fn is_several(name: &str, is_last: bool) -> bool {
    // Nearly every cell has none of these; looked up, because it is asked of every row.
    const MAY_BE: [bool; 256] = {
        let mut table = [false; 256];
        let signs = b" &+/;|";
        let mut at = 0;
        while at < signs.len() {
            table[signs[at] as usize] = true;
            at += 1;
        }
        table
    };
    let is_sign = |byte: u8| MAY_BE[usize::from(byte)];
    if !name.bytes().any(is_sign) {
        return false;
    }
    // Most of the rest have a space only, and no word that joins people.
    let mut words = name.split(' ').filter(|word| !word.is_empty());
    let may_join = |word: &str| {
        word.bytes().any(|byte| byte != b' ' && is_sign(byte))
            || is_joiner(word)
            || has(FAMILIES, word)
    };
    if !words.any(may_join) {
        return false;
    }
    match is_last {
        // With a first name after a comma it is what a full name has before the comma.
        true => people(&format!("{name}, x"), true).is_some(),
        false => people(name, false).is_some(),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphabetic() || "-'’.".contains(c))
}

/// A part of a name without titles and degrees, and whether it had some. All of it may be one.
pub(crate) fn without_titles_of(part: &str) -> (Cow<'_, str>, bool) {
    let is_title = |word: &&str| (has(TITLES, word) || has(DEGREES, word)) && !is_suffix(word);
    if !part.split(' ').any(|word| is_title(&word)) {
        return (Cow::Borrowed(part), false);
    }
    let kept: Vec<&str> = part.split(' ').filter(|word| !is_title(word)).collect();
    (Cow::Owned(kept.join(" ")), true)
}

fn parts(full_name: &str, order: NameOrder) -> Option<(String, String, Option<Doubt>)> {
    let (name, suffix) = without_suffix(full_name);
    let (first, last, doubt) = match name.split_once(',') {
        Some((last, first)) if !first.contains(',') => {
            (first.trim().to_string(), last.trim().to_string(), None)
        }
        Some(_) => return None,
        None => words(name, order).or_else(|| ideographs(name))?,
    };
    match suffix {
        Some(suffix) if !last.is_empty() => Some((first, format!("{last} {suffix}"), doubt)),
        Some(_) => None,
        None => Some((first, last, doubt)),
    }
}

/// The name without what is in brackets, and without a word such as `extern` after a dash, a slash
/// or a comma; and what was left out.
fn without_remarks(full_name: &str) -> (Cow<'_, str>, Option<String>) {
    let is_mark = |byte: u8| matches!(byte, b'(' | b'[' | b'-' | b'/' | b',' | b'|' | 0x80..);
    if !full_name.bytes().any(is_mark) {
        return (Cow::Borrowed(full_name), None);
    }
    if let Some((rest, left_out)) = without_brackets(full_name) {
        return (Cow::Owned(rest), Some(left_out));
    }
    for mark in [" - ", " – ", " — ", " / ", " | ", ","] {
        if let Some((name, note)) = full_name.rsplit_once(mark)
            && has(NOTES, note.trim())
            && name.contains(' ')
        {
            let note = full_name[name.len()..].trim().to_string();
            return (Cow::Owned(name.trim_end().to_string()), Some(note));
        }
    }
    (Cow::Borrowed(full_name), None)
}

/// The name without all that is in brackets, and that; `None` where nothing else is left.
fn without_brackets(full_name: &str) -> Option<(String, String)> {
    let mut name = full_name.to_string();
    let mut left_out: Vec<String> = Vec::new();
    while let Some(open) = name.find(['(', '[', '（', '［']) {
        let end = name[open..]
            .char_indices()
            .find(|(_, c)| matches!(c, ')' | ']' | '）' | '］'));
        let end = end.map_or(name.len(), |(at, c)| open + at + c.len_utf8());
        left_out.push(name[open..end].to_string());
        let (before, behind) = (name[..open].trim_end(), name[end..].trim_start());
        let gap = match before.is_empty() || behind.is_empty() || behind.starts_with(',') {
            true => "",
            false => " ",
        };
        name = format!("{before}{gap}{behind}");
    }
    (!left_out.is_empty() && name.contains(char::is_alphabetic)).then(|| (name, left_out.join(" ")))
}

/// A name of several people, taken apart.
#[derive(Debug)]
struct People<'a> {
    /// What comes before the last of them, with what joins it.
    before: String,
    /// How many words each of them but the last has, without titles.
    words_before: Vec<usize>,
    /// The last of them.
    last: Vec<&'a str>,
    /// Where a comma is, all of the name.
    with_comma: Option<&'a str>,
}

/// The people of a name that names several, or a family. `has_last` says that last names are among the
/// words.
fn people(name: &str, has_last: bool) -> Option<People<'_>> {
    let words: Vec<&str> = name.split(' ').filter(|word| !word.is_empty()).collect();
    let is_family = |word: Option<&&str>| word.is_some_and(|word| has(FAMILIES, word));
    let of_family = words.len() > 1 && (is_family(words.first()) || is_family(words.last()));
    let mut people = People {
        before: String::new(),
        words_before: Vec::new(),
        last: Vec::new(),
        with_comma: name.contains(',').then_some(name),
    };
    let mut joined = false;
    for (at, word) in words.iter().enumerate() {
        if joins(&words, at, has_last) {
            joined = true;
            people.end_one(word);
            continue;
        }
        let mut rest = *word;
        while let Some(slash) = inner_joiner(rest) {
            joined = true;
            people.last.push(&rest[..slash]);
            people.end_one(&rest[slash..=slash]);
            rest = &rest[slash + 1..];
        }
        match rest.strip_suffix([';', '/', '|', '&', '+']) {
            Some(name) if !name.is_empty() && at + 1 < words.len() => {
                joined = true;
                people.last.push(name);
                people.end_one(&rest[name.len()..]);
            }
            _ => people.last.push(rest),
        }
    }
    (of_family || joined).then_some(people)
}

impl People<'_> {
    fn end_one(&mut self, joiner: &str) {
        let named = |word: &&&str| !has(TITLES, word);
        let words: Vec<&str> = self.last.iter().filter(named).copied().collect();
        if !words.is_empty() {
            let is_inner = joiner.len() == 1 && matches!(joiner, "/" | "&" | "+" | ";" | "|");
            let gap = if is_inner && joiner != "&" { "" } else { " " };
            let name = words.join(" ");
            self.before = format!("{}{name}{gap}{joiner}{gap}", self.before);
            self.words_before.push(words.len());
        }
        self.last.clear();
    }

    /// First and last name, if all people share the last name.
    fn split(&self, order: NameOrder) -> Option<Split> {
        if let Some(name) = self.with_comma {
            let (first, last, _) = parts(&without_titles(name), order)?;
            return Some(Split {
                first,
                last,
                has_title: false,
            });
        }
        let named = |word: &&&str| !has(TITLES, word) && !has(FAMILIES, word);
        let last: Vec<&str> = self.last.iter().filter(named).copied().collect();
        let (first, last, _) = words(&last.join(" "), order)?;
        if order != NameOrder::FirstLast && !self.words_before.is_empty() {
            return None;
        }
        let shares = self.words_before.iter().all(|words| *words == 1);
        shares.then(|| Split {
            first: format!("{}{first}", self.before),
            last,
            has_title: false,
        })
    }
}

/// Whether the word at `at` joins two people: not `Ortega y Gasset`, and not `von und zu`.
fn joins(words: &[&str], at: usize, has_last: bool) -> bool {
    let word = words[at];
    let is_sign = matches!(word, "&" | "+" | "/" | ";" | "|" | "&amp;");
    if at == 0 || at + 1 == words.len() || !is_joiner(word) {
        return false;
    }
    if is_sign {
        return true;
    }
    let (before, behind) = (words[at - 1], words[at + 1]);
    if is_particle(before) && is_particle(behind) {
        return false;
    }
    // In `John e Smith` it is an initial.
    if has_last && words.len() == 3 && word.chars().count() == 1 {
        return false;
    }
    !(has_last && has(SURNAME_JOINERS, word) && joins_surnames(words, at))
}

/// Whether the joiner at `at` is between last names: after two words or in the part before a comma,
/// and one word follows, with its particles.
fn joins_surnames(words: &[&str], at: usize) -> bool {
    let named = |word: &&&str| !has(TITLES, word) && !is_particle(word) && !is_suffix(word);
    let is_before_comma = words[at..].iter().any(|word| word.contains(','));
    let before = words[..at].iter().filter(named).count();
    let end = words[at..].iter().position(|word| word.ends_with(','));
    let end = end.map_or(words.len(), |end| at + end + 1);
    let behind = words[at + 1..end].iter().filter(named).count();
    behind == 1 && (before > 1 || is_before_comma)
}

/// Whether a word can be between two people. Short ones are names or initials elsewhere, and count
/// in lower case only.
fn is_joiner(word: &str) -> bool {
    let is_name = word.starts_with(char::is_uppercase) && word.contains(char::is_lowercase);
    if is_name {
        return false;
    }
    match word.chars().count() {
        0..=2 => has_lower(JOINERS, word),
        // `UND` is in a name that is all in capitals.
        _ => has(JOINERS, word),
    }
}

/// Where a sign within a word joins two names, as in `Tom/Ann`.
fn inner_joiner(word: &str) -> Option<usize> {
    let at = word.find(['/', '&', '+', ';', '|'])?;
    let is_name = |text: &str| text.chars().take(2).filter(|c| c.is_alphabetic()).count() == 2;
    (is_name(&word[..at]) && is_name(&word[at + 1..])).then_some(at)
}

/// The name without titles and degrees; borrowed if it has none.
fn without_titles(full_name: &str) -> Cow<'_, str> {
    let mut kept: Vec<String> = Vec::new();
    let mut any = false;
    for part in full_name.split(',') {
        let words: Vec<&str> = part.split(' ').filter(|word| !word.is_empty()).collect();
        let named = |word: &&str| !has(TITLES, word) && !has(DEGREES, word);
        if !words.iter().any(named) && (kept.is_empty() || words.is_empty()) {
            kept.push(words.join(" "));
            continue;
        }
        let titles = words.iter().take_while(|word| has(TITLES, word)).count();
        let rest = &words[titles..];
        let degrees = rest
            .iter()
            .rev()
            .take_while(|word| has(DEGREES, word))
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
    let before = before.trim_end_matches([' ', ',']);
    if is_suffix(suffix) && before.contains([' ', ',']) {
        (before, Some(suffix))
    } else {
        (name, None)
    }
}

fn is_suffix(word: &str) -> bool {
    let bare = word.strip_suffix('.').unwrap_or(word);
    SUFFIXES
        .iter()
        .any(|suffix| suffix.eq_ignore_ascii_case(bare))
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

fn words(name: &str, order: NameOrder) -> Option<(String, String, Option<Doubt>)> {
    let words: Vec<&str> = name.split(' ').filter(|word| !word.is_empty()).collect();
    if words.len() < 2 {
        return None;
    }
    if is_east_asian(name) {
        let (first, last) = last_first(&words);
        return Some((first, last, None));
    }
    match order {
        NameOrder::LastFirst => {
            let (first, last) = last_first(&words);
            Some((first, last, None))
        }
        NameOrder::FirstLast => Some(first_last(&words)),
    }
}

fn last_first(words: &[&str]) -> (String, String) {
    let particles = words[..words.len() - 2]
        .iter()
        .take_while(|word| is_particle(word))
        .count();
    let (last, first) = words.split_at(particles + 1);
    (first.join(" "), last.join(" "))
}

fn first_last(words: &[&str]) -> (String, String, Option<Doubt>) {
    if let Some(end) = last_in_capitals(words) {
        let (last, first) = words.split_at(end);
        return (first.join(" "), last.join(" "), Some(Doubt::Capitals));
    }
    let start = last_name_start(words);
    let (first, last) = words.split_at(start);
    let is_long =
        |word: &&&str| !is_particle(word) && word.chars().filter(|c| c.is_alphabetic()).count() > 1;
    let doubt = if last.len() == 1 && words.iter().filter(is_long).count() >= UNCLEAR_WORDS {
        Some(Doubt::ManyWords)
    } else if is_short_last_name(words) {
        Some(Doubt::Initials)
    } else {
        None
    };
    (first.join(" "), last.join(" "), doubt)
}

/// Where the last name begins: with the particles before the last word, and with what a word such as
/// `y` joins to it. One word at least is left.
fn last_name_start(words: &[&str]) -> usize {
    let mut start = before_particles(words, words.len() - 1);
    // `von der Marwitz zu Rau` is one name.
    if start > 2 && matches!(words[start], "zu" | "zum" | "zur") && is_particle(words[start - 2]) {
        start = before_particles(words, start - 1);
    }
    while start > 2 && joins_last_names(words[start - 1], words) {
        start = before_particles(words, start - 2);
    }
    start
}

/// Whether a word joins last names: `y`, and `Y` in a name that is all in capitals, where `E` and `I` may
/// be initials.
fn joins_last_names(word: &str, words: &[&str]) -> bool {
    let is_shouted = || word == "Y" && !words.iter().any(|word| word.contains(char::is_lowercase));
    has_lower(SURNAME_JOINERS, word) || is_shouted()
}

/// The start of the particles that end right before the word at `at`; the first word is none.
fn before_particles(words: &[&str], at: usize) -> usize {
    let mut start = at;
    while start > 1 {
        let word = words[start - 1];
        // `von und zu` is one particle; so is `op de`, but `op` alone is none.
        let is_inner = start > 2 && is_particle(words[start - 2]) && start < at && is_joiner(word);
        if !is_particle(word) && !is_inner {
            break;
        }
        start -= 1;
    }
    start
}

pub(crate) fn is_particle(word: &str) -> bool {
    has(PARTICLES, word) || has_lower(LOWER_PARTICLES, word)
}

/// How many words at the beginning are a last name in capitals, before a first name that isn't.
fn last_in_capitals(words: &[&str]) -> Option<usize> {
    let is_capitals = |word: &&&str| {
        let mut letters = word.chars().filter(|c| c.is_alphabetic());
        word.chars().filter(|c| c.is_alphabetic()).count() > 2 && letters.all(char::is_uppercase)
            || is_particle(word) && letters.all(char::is_uppercase)
    };
    let end = words.iter().take_while(is_capitals).count();
    let is_mixed = |word: &&str| word.contains(char::is_lowercase);
    let has_name = words[..end].iter().any(|word| !is_particle(word));
    let is_found = end < words.len() && has_name && words[end..].iter().all(is_mixed);
    is_found.then_some(end)
}

/// Whether the first of two words is a syllable of two capitals: `LI Wei`, but not `TJ Miller`.
fn is_short_last_name(words: &[&str]) -> bool {
    let [first, second] = words else {
        return false;
    };
    let [one, two] = first.as_bytes() else {
        return false;
    };
    let is_vowel = |byte: u8| matches!(byte, b'A' | b'E' | b'I' | b'O' | b'U');
    one.is_ascii_uppercase()
        && !is_vowel(*one)
        && is_vowel(*two)
        && second.contains(char::is_lowercase)
}

fn ideographs(name: &str) -> Option<(String, String, Option<Doubt>)> {
    let is_written_alone = |c: char| {
        matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{323af}' | '\u{ac00}'..='\u{d7a3}')
    };
    let count = name.chars().count();
    if !(2..=3).contains(&count) || !name.chars().all(is_written_alone) {
        return None;
    }
    let (at, _) = name.char_indices().nth(1)?;
    Some((name[at..].to_string(), name[..at].to_string(), None))
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
            let Reading { split, doubt } = read(name, order);
            let split = split.unwrap_or_else(|| panic!("{name}"));
            assert_eq!(doubt, None, "{name}");
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
            assert_eq!(read(name, FirstLast).split, None, "{name}");
        }
    }

    #[test]
    fn particles_of_many_languages_belong_to_the_last_name() {
        for (name, expected) in [
            ("Karl-Heinz von und zu Rau", "Karl-Heinz|von und zu Rau"),
            ("Eva von und zum Stein", "Eva|von und zum Stein"),
            ("Otto von der Hof zu Rau", "Otto|von der Hof zu Rau"),
            ("Giovanni de' Medici", "Giovanni|de' Medici"),
            ("Karl vom Berg", "Karl|vom Berg"),
            ("Jan van 't Hoff", "Jan|van 't Hoff"),
            ("Piet op de Beeck", "Piet|op de Beeck"),
            ("Jan in 't Veld", "Jan|in 't Veld"),
            ("Ana de los Santos", "Ana|de los Santos"),
            ("José de la Cruz y Ortega", "José|de la Cruz y Ortega"),
            ("Artur da Costa e Silva", "Artur|da Costa e Silva"),
            ("Josep Puig i Cadafalch", "Josep|Puig i Cadafalch"),
            (
                "Juan Q. Velasquez y Garcia III",
                "Juan Q.|Velasquez y Garcia III",
            ),
            ("john e smith", "john e|smith"),
            ("محمد بن سعيد", "محمد|بن سعيد"),
            ("JOSÉ ORTEGA Y GASSET", "JOSÉ|ORTEGA Y GASSET"),
            ("Ramón y Cajal, Santiago", "Santiago|Ramón y Cajal"),
            ("Andrea dalla Chiesa", "Andrea|dalla Chiesa"),
            ("Luca degli Esposti", "Luca|degli Esposti"),
            ("Ahmed bin Khalid al-Sayed", "Ahmed bin Khalid|al-Sayed"),
            ("Noor bint Hassan", "Noor|bint Hassan"),
            ("Sidi ould Daddah", "Sidi|ould Daddah"),
            ("Raj a/l Kumar", "Raj|a/l Kumar"),
            ("Máire ní Dhomhnaill", "Máire|ní Dhomhnaill"),
            ("Rhys ap Gruffydd", "Rhys|ap Gruffydd"),
            ("John E Smith", "John E|Smith"),
            ("In Sook Kim", "In Sook|Kim"),
            ("Anders And", "Anders|And"),
            ("Robert F. R. Kennedy", "Robert F. R.|Kennedy"),
            ("TJ Miller", "TJ|Miller"),
            ("Herr Dr. rer. nat. Karl Rau", "Karl|Rau"),
            ("Maria-Ana Et", "Maria-Ana|Et"),
        ] {
            let Reading { split, doubt } = read(name, NameOrder::FirstLast);
            let split = split.unwrap_or_else(|| panic!("{name}"));
            assert_eq!(format!("{}|{}", split.first, split.last), expected);
            assert_eq!(doubt, None, "{name}");
        }
    }

    #[test]
    fn doubtful_names_are_read_with_a_remark_or_not_at_all() {
        for (name, expected, code) in [
            ("Anna und Bernd Grün", "Anna und Bernd|Grün", "name.several"),
            ("Tom/Ann Grey", "Tom/Ann|Grey", "name.several"),
            ("Tom & Ann von Grey", "Tom & Ann|von Grey", "name.several"),
            ("Ana y Juan García", "Ana y Juan|García", "name.several"),
            ("Green, Tom & Ann", "Tom & Ann|Green", "name.several"),
            ("Mr. and Mrs. Tom Green", "Tom|Green", "name.several"),
            ("Mr & Mrs Green", "-", "name.several"),
            ("Herr Rau und Frau Müller", "-", "name.several"),
            ("Tom Grey / Ann Blue", "-", "name.several"),
            ("Tom Grey; Ann Blue", "-", "name.several"),
            ("Familie Rau", "-", "name.several"),
            ("Familie Karl Rau", "Karl|Rau", "name.several"),
            ("The Rau Family", "The|Rau", "name.several"),
            ("Karl Rau (extern)", "Karl|Rau", "full_name.unclear"),
            ("Rau, Karl (extern)", "Karl|Rau", "full_name.unclear"),
            ("Karl Rau [guest]", "Karl|Rau", "full_name.unclear"),
            ("Karl Rau - extern", "Karl|Rau", "full_name.unclear"),
            (
                "Rau (Berlin), Karl (extern)",
                "Karl|Rau",
                "full_name.unclear",
            ),
            (
                "Jan en Marie de Vries",
                "Jan en Marie|de Vries",
                "name.several",
            ),
            ("Hans u. Eva Rau", "Hans u. Eva|Rau", "name.several"),
            (
                "Иван и Мария Петровы",
                "Иван и Мария|Петровы",
                "name.several",
            ),
            ("Karl (Kalle) Rau", "Karl|Rau", "full_name.unclear"),
            ("Rau, Karl, Praktikant", "Karl|Rau", "full_name.unclear"),
            ("RAU Karl", "Karl|RAU", "full_name.unclear"),
            ("DE LA TOUR Jean", "Jean|DE LA TOUR", "full_name.unclear"),
            ("LI Wei", "LI|Wei", "full_name.unclear"),
            ("Rau;Karl", "Karl|Rau", "full_name.unclear"),
            (
                "Nguyễn Thị Minh Khai",
                "Nguyễn Thị Minh|Khai",
                "full_name.unclear",
            ),
            (
                "Ana María de los Ángeles Ruiz",
                "Ana María de los Ángeles|Ruiz",
                "full_name.unclear",
            ),
            ("Sir Tim", "-", ""),
            ("Frau Müller", "-", ""),
        ] {
            let reading = read(name, NameOrder::FirstLast);
            let split = reading.split.as_ref();
            let split = split.map(|split| format!("{}|{}", split.first, split.last));
            assert_eq!(split.as_deref().unwrap_or("-"), expected, "{name}");
            let remark = reading.remark().map_or("", |(code, _)| code.name());
            assert_eq!(remark, code, "{name}");
        }
    }

    #[test]
    fn one_word_besides_titles_is_single() {
        for (name, expected) in [
            ("Frau Müller", true),
            ("Mr & Mrs Green", true),
            ("Familie Rau", true),
            ("Karl (extern)", true),
            ("Cher", true),
            ("", false),
            ("Jane Doe", false),
            ("Doe,", false),
        ] {
            assert_eq!(is_single(name), expected, "{name}");
        }
    }

    #[test]
    fn a_cell_of_first_or_last_names_is_one_persons() {
        for (name, is_last) in [
            ("Tom & Ann", false),
            ("Tom/Ann", false),
            ("María José y Ana", false),
            ("Anna und Bernd", false),
            ("Familie Rau", true),
            ("Grün & Blau", true),
            ("Smith and Jones", true),
        ] {
            assert!(is_several(name, is_last), "{name}");
        }
        for (name, is_last) in [
            ("Mary Ann", false),
            ("Anna-Maria", false),
            ("von und zu Rau", true),
            ("Ortega y Gasset", true),
            ("Costa e Silva", true),
            ("a/l Kumar", true),
            ("And", true),
            ("Le Et", true),
        ] {
            assert!(!is_several(name, is_last), "{name}");
        }
    }
}
