//! What other systems left in a text: references of HTML (`Zo&eacute;`), escapes (`O\'Brien`), fields
//! of templates (`{{last_name}}`), letters that were lost (`J?rgen`). With the likely repair.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use encoding_rs::{Encoding, WINDOWS_1252};

use crate::vocabulary::leftovers::{ENTITIES, TEMPLATE_MARKS};

/// What a text is looked at as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The name of a person.
    Name,
    /// Any other text, in which more is usual.
    Text,
}

/// What was found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What it is, in a few words.
    pub what: &'static str,
    /// What the text was, where that is clear.
    pub repaired: Option<String>,
}

/// How often a text is decoded: `&amp;eacute;` was encoded twice.
const DECODED_MAX: usize = 3;

/// What bytes of a text can be part of a leftover, or else matter to a name.
pub mod bytes {
    /// A letter of ASCII.
    pub const LETTER: u8 = 1;
    /// An `@`.
    pub const AT: u8 = 2;
    /// What every leftover in ASCII has at least one of.
    pub const MARK: u8 = 4;
    /// Beyond ASCII.
    pub const HIGH: u8 = 8;
    /// A `'`, of which one alone is fine.
    pub const QUOTE: u8 = 16;

    const CLASSES: [u8; 256] = {
        let mut classes = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            classes[byte] = match byte as u8 {
                b'a'..=b'z' | b'A'..=b'Z' => LETTER,
                b'@' => AT | MARK,
                b'&' | b'\\' | b'?' | b'=' | b'{' | b'%' | b'<' | b'|' | b'[' | b'$' | b'_'
                | b'+' => MARK,
                b'\'' => QUOTE,
                0x80.. => HIGH,
                _ => 0,
            };
            byte += 1;
        }
        classes
    };

    /// All classes of a text's bytes.
    #[inline]
    pub fn of(text: &str) -> u8 {
        text.bytes()
            .fold(0, |all, byte| all | CLASSES[usize::from(byte)])
    }
}

/// Signs of a text, a bit each: every kind of leftover has at least one of its own.
mod signs {
    pub(super) const AMPERSAND: u16 = 1;
    pub(super) const LESS: u16 = 1 << 1;
    pub(super) const BACKSLASH: u16 = 1 << 2;
    pub(super) const PERCENT: u16 = 1 << 3;
    pub(super) const EQUALS: u16 = 1 << 4;
    pub(super) const UNDERSCORE: u16 = 1 << 5;
    pub(super) const PLUS: u16 = 1 << 6;
    pub(super) const QUESTION: u16 = 1 << 7;
    pub(super) const QUOTE: u16 = 1 << 8;
    /// What fields of templates are between.
    pub(super) const TEMPLATE: u16 = 1 << 9;
    /// Beyond ASCII.
    pub(super) const HIGH: u16 = 1 << 10;

    const OF_BYTES: [u16; 256] = {
        let mut signs = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            signs[byte] = match byte as u8 {
                b'&' => AMPERSAND,
                b'<' => LESS | TEMPLATE,
                b'\\' => BACKSLASH,
                b'%' => PERCENT | TEMPLATE,
                b'=' => EQUALS,
                b'_' => UNDERSCORE | TEMPLATE,
                b'+' => PLUS,
                b'?' => QUESTION,
                b'\'' => QUOTE,
                b'{' | b'$' | b'@' | b'|' | b'[' => TEMPLATE,
                0x80.. => HIGH,
                _ => 0,
            };
            byte += 1;
        }
        signs
    };

    /// All signs of a text.
    pub(super) fn of(text: &str) -> u16 {
        let signs = text.bytes().map(|byte| OF_BYTES[usize::from(byte)]);
        signs.fold(0, |all, sign| all | sign)
    }
}

/// What another system left in `text`, if anything did.
pub fn find(text: &str, place: Place) -> Option<Leftover> {
    let signs = signs::of(text);
    let has = |sign: u16| signs & sign != 0;
    if has(signs::HIGH) && text.contains(char::REPLACEMENT_CHARACTER) {
        return Some(lost());
    }
    if has(signs::EQUALS)
        && has(signs::QUESTION)
        && let Some(repaired) = mime_words(text)
    {
        return Some(Leftover {
            what: "text encoded as in a mail header",
            repaired: Some(repaired),
        });
    }
    if has(signs::TEMPLATE | signs::HIGH) && is_template(text, place) {
        return Some(Leftover {
            what: "a template field that was never filled in",
            repaired: None,
        });
    }
    if let Some(leftover) = decoded(text, place) {
        return Some(leftover);
    }
    (place == Place::Name && has(signs::QUESTION | signs::HIGH) && lost_its_letter(text)).then(lost)
}

fn lost() -> Leftover {
    Leftover {
        what: "a letter was lost",
        repaired: None,
    }
}

/// The text without its escapes, whatever their kinds.
fn decoded(text: &str, place: Place) -> Option<Leftover> {
    type Step = (u16, &'static str, fn(&str, Place) -> Option<String>);
    const STEPS: [Step; 7] = [
        (
            signs::AMPERSAND,
            "an HTML character reference",
            |text, _| entities(text),
        ),
        (signs::LESS, "an HTML tag", |text, _| without_tags(text)),
        (
            signs::BACKSLASH,
            "an escape sequence of a program",
            |text, _| backslashes(text),
        ),
        (signs::PERCENT, "URL encoding", percent),
        (signs::EQUALS, "mail encoding", |text, _| {
            quoted_printable(text)
        }),
        (
            signs::UNDERSCORE,
            "an escape sequence of a workbook",
            |text, _| workbook_escapes(text),
        ),
        (signs::PLUS, "mail encoding", |text, _| utf_7(text)),
    ];
    let mut found: Option<(&'static str, String)> = None;
    for _ in 0..DECODED_MAX {
        let before = found.as_ref().map_or(text, |(_, text)| text.as_str());
        let signs = signs::of(before);
        let mut steps = STEPS.iter().filter(|(sign, ..)| signs & sign != 0);
        let step = steps.find_map(|(_, what, step)| Some((*what, step(before, place)?)));
        let Some((what, after)) = step else {
            break;
        };
        found = Some((found.as_ref().map_or(what, |(first, _)| first), after));
    }
    let doubled =
        place == Place::Name && found.as_ref().map_or(text, |(_, text)| text).contains("''");
    if doubled {
        let before = found.as_ref().map_or(text, |(_, text)| text);
        let after = before.replace("''", "'");
        found = Some((
            found.as_ref().map_or("a doubled quote", |(first, _)| first),
            after,
        ));
    }
    let (what, text) = found?;
    let shown: String = text.chars().filter(|c| !c.is_control()).collect();
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(Leftover {
        what,
        repaired: (!shown.is_empty()).then_some(shown),
    })
}

/// Whether a `?` or `¿` is where a letter was: `J?rgen`, `?ukasz`, `Jos?`. Somebody's unknown
/// initial (`M?`, `?`) isn't one.
fn lost_its_letter(text: &str) -> bool {
    text.split([' ', '-']).any(|word| {
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        let lost = word.chars().filter(|c| matches!(c, '?' | '¿')).count();
        lost > 0 && letters >= 2
    })
}

fn is_template(text: &str, place: Place) -> bool {
    let between = |open: &str, close: &str| {
        let (_, rest) = text.split_once(open)?;
        let (inside, _) = rest.split_once(close)?;
        Some(inside)
    };
    let is_field =
        |inside: &str| inside.contains(char::is_alphabetic) && inside.chars().count() <= 64;
    let mut marks = TEMPLATE_MARKS.iter();
    if marks.any(|(open, close, _)| between(open, close).is_some_and(is_field)) {
        return true;
    }
    let is_name = |inside: &str| {
        inside.len() >= 2
            && inside
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
    };
    let around = |open: char, close: char| text.strip_prefix(open)?.strip_suffix(close);
    if around('%', '%').is_some_and(is_name) {
        return true;
    }
    let is_words = |inside: &str| is_name(&inside.replace(' ', "_"));
    place == Place::Name
        && (around('{', '}').is_some_and(is_words)
            || around('[', ']').is_some_and(is_words)
            || around('«', '»').is_some_and(is_words)
            || text.strip_prefix('$').is_some_and(is_name)
            || text
                .strip_prefix("__")
                .is_some_and(|rest| rest.strip_suffix("__").is_some_and(is_name)))
}

/// Words as RFC 2047 has them, such as `=?UTF-8?Q?J=C3=BCrgen?=`, and what surrounds them.
fn mime_words(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("=?") {
        let mut parts = rest[start + 2..].splitn(3, '?');
        let (charset, how, tail) = (parts.next()?, parts.next()?, parts.next()?);
        let (data, after) = tail.split_once("?=")?;
        let encoding = Encoding::for_label(charset.split('*').next()?.as_bytes())?;
        let bytes = match how {
            "B" | "b" => STANDARD
                .decode(data)
                .or_else(|_| STANDARD_NO_PAD.decode(data))
                .ok()?,
            "Q" | "q" => hex_escapes(&data.replace('_', " "), "="),
            _ => return None,
        };
        out.push_str(&rest[..start]);
        out.push_str(&encoding.decode_without_bom_handling(&bytes).0);
        // White space between two such words is none.
        rest = match after.trim_start().starts_with("=?") {
            true => after.trim_start(),
            false => after,
        };
    }
    out.push_str(rest);
    (out != text).then_some(out)
}

/// The bytes of a text in which `mark` and two hexadecimal digits are one.
fn hex_escapes(text: &str, mark: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(mark) {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let tail = &rest[at + mark.len()..];
        match tail
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
        {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.extend_from_slice(mark.as_bytes());
                rest = tail;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// The text of bytes that were UTF-8, or else windows-1252.
fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_string(),
        Err(_) => WINDOWS_1252
            .decode_without_bom_handling(bytes)
            .0
            .into_owned(),
    }
}

/// A character that may be part of a text.
fn character(code: u32) -> Option<char> {
    char::from_u32(code).filter(|c| !c.is_control())
}

/// `&eacute;`, `&#233;`, `&#xE9;` as the characters that they are.
fn entities(text: &str) -> Option<String> {
    if !text.contains(';') {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = rest[1..].split_once(';').and_then(|(name, after)| {
            let character = match name.strip_prefix('#') {
                Some(number) => character(match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => number.parse().ok()?,
                })?,
                None => {
                    let at = ENTITIES
                        .binary_search_by_key(&name, |(name, _)| name)
                        .ok()?;
                    ENTITIES[at].1
                }
            };
            Some((character, after))
        });
        match found {
            Some((character, after)) => {
                out.push(character);
                rest = after;
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    (out != text).then_some(out)
}

/// The text without `<b>`, `</td>`, `<br/>`, `<span class="x">`.
fn without_tags(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let tag = rest[at + 1..]
            .split_once('>')
            .filter(|(inside, _)| is_tag(inside));
        let end = tag.map(|(_, after)| after);
        out.push_str(&rest[..at]);
        out.push(if end.is_some() { ' ' } else { '<' });
        rest = end.unwrap_or(&rest[at + 1..]);
    }
    out.push_str(rest);
    (out != text).then(|| out.trim().to_string())
}

fn is_tag(inside: &str) -> bool {
    const TAGS: [&str; 24] = [
        "a", "b", "big", "br", "center", "div", "em", "font", "h1", "h2", "h3", "i", "img", "li",
        "p", "script", "small", "span", "strong", "sub", "sup", "td", "tr", "u",
    ];
    let name = inside.trim_start_matches('/');
    let end = name
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(name.len());
    TAGS.contains(&name[..end].to_ascii_lowercase().as_str())
}

/// `\'`, `\u00fc`, `\xfc`, `\xc3\xbc`, `\303\274` as the characters that they are.
fn backslashes(text: &str) -> Option<String> {
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let tail = &rest[at + 1..];
        let number = |skip: usize, digits: usize, radix: u32| {
            let digits = tail.get(skip..skip + digits)?;
            u32::from_str_radix(digits, radix).ok()
        };
        let mut push = |c: char| bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        let used = match tail.as_bytes().first() {
            Some(b'u') if number(1, 4, 16).is_some() => {
                let code = number(1, 4, 16).and_then(character);
                code.into_iter().for_each(&mut push);
                5
            }
            Some(b'x') if number(1, 2, 16).is_some() => {
                bytes.extend(number(1, 2, 16).and_then(|code| u8::try_from(code).ok()));
                3
            }
            Some(b'0'..=b'3') if number(0, 3, 8).is_some() => {
                bytes.extend(number(0, 3, 8).and_then(|code| u8::try_from(code).ok()));
                3
            }
            Some(b'n' | b'r' | b't') => {
                push(' ');
                1
            }
            Some(b'"') if umlaut(tail, text, at).is_some() => {
                umlaut(tail, text, at).into_iter().for_each(&mut push);
                2
            }
            Some(b'\'' | b'"' | b'\\' | b'/' | b'`') => {
                bytes.push(tail.as_bytes()[0]);
                1
            }
            _ => {
                bytes.push(b'\\');
                0
            }
        };
        rest = &tail[used..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    let out = text_of(&bytes);
    (out != text).then_some(out)
}

/// The letter of TeX's `\"u`, after which other letters are.
fn umlaut(tail: &str, text: &str, at: usize) -> Option<char> {
    let letters = [
        ('a', 'ä'),
        ('o', 'ö'),
        ('u', 'ü'),
        ('A', 'Ä'),
        ('O', 'Ö'),
        ('U', 'Ü'),
    ];
    let mut after = tail.chars().skip(1);
    let vowel = after.next()?;
    let goes_on = after.next().is_some_and(char::is_alphabetic);
    let is_inside = text[..at].ends_with(char::is_alphabetic);
    let (_, letter) = letters.into_iter().find(|(plain, _)| *plain == vowel)?;
    (is_inside && goes_on).then_some(letter)
}

/// `%C3%BC`, `%FC`, `%u00FC` and `%20` as the characters that they are.
fn percent(text: &str, place: Place) -> Option<String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("%u") {
        plain.push_str(&rest[..at]);
        let digits = rest.get(at + 2..at + 6);
        match digits.and_then(|digits| character(u32::from_str_radix(digits, 16).ok()?)) {
            Some(character) => {
                plain.push(character);
                rest = &rest[at + 6..];
            }
            None => {
                plain.push_str("%u");
                rest = &rest[at + 2..];
            }
        }
    }
    plain.push_str(rest);
    let out = text_of(&hex_escapes(&plain, "%"));
    let is_sure = place == Place::Name || !out.is_ascii() && text.is_ascii();
    (out != text && is_sure && !out.contains(char::is_control)).then_some(out)
}

/// `J=C3=BCrgen` and `J=FCrgen` as the letters that they are.
fn quoted_printable(text: &str) -> Option<String> {
    let hex = |c: u8| c.is_ascii_digit() || (b'A'..=b'F').contains(&c);
    let windows = text.as_bytes().windows(3);
    if !windows
        .clone()
        .any(|w| w[0] == b'=' && matches!(w[1], b'8'..=b'9' | b'A'..=b'F') && hex(w[2]))
    {
        return None;
    }
    let out = text_of(&hex_escapes(text, "="));
    (out != text && !out.contains(char::is_control)).then_some(out)
}

/// `J_x00FC_rgen` as the letters that they are (ECMA-376 part 1, 22.9.2.19).
fn workbook_escapes(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        out.push_str(&rest[..at]);
        let code = rest
            .get(at + 2..at + 7)
            .and_then(|tail| tail.strip_suffix('_'));
        match code.and_then(|hex| u32::from_str_radix(hex, 16).ok()) {
            Some(code) => {
                out.extend(character(code));
                rest = &rest[at + 7..];
            }
            None => {
                out.push_str("_x");
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    (out != text).then_some(out)
}

/// `J+APw-rgen` as the letters that they are (RFC 2152).
fn utf_7(text: &str) -> Option<String> {
    let (before, rest) = text.split_once('+')?;
    let (data, after) = rest.split_once('-')?;
    let bytes = STANDARD_NO_PAD.decode(data).ok()?;
    if data.len() < 3 || bytes.len() % 2 != 0 {
        return None;
    }
    let units = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let letters: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    let is_text = !letters.is_ascii() && letters.chars().all(char::is_alphabetic);
    is_text.then(|| format!("{before}{letters}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in a name; empty where something was found that can't be repaired.
    fn repaired(text: &str) -> Option<String> {
        let classes = bytes::of(text);
        let is_looked_at = classes & (bytes::MARK | bytes::HIGH) != 0 || text.contains("''");
        let found = find(text, Place::Name)?;
        assert!(is_looked_at, "{text} is never looked at");
        Some(found.repaired.unwrap_or_default())
    }

    #[test]
    fn leftovers_are_found_with_what_they_were() {
        let cases = [
            ("Zo&eacute;", "Zoé"),
            ("O&#039;Malley", "O'Malley"),
            ("M&#xFC;ller", "Müller"),
            ("Zo&amp;eacute;", "Zoé"),
            ("&Scaron;imek", "Šimek"),
            ("Nord &amp; Wind", "Nord & Wind"),
            ("O\\'Brien", "O'Brien"),
            ("O''Brien", "O'Brien"),
            ("O\\\\'Brien", "O'Brien"),
            ("J\\u00fcrgen", "Jürgen"),
            ("J\\xfcrgen", "Jürgen"),
            ("Mu\\xcc\\x88ller", "Mu\u{308}ller"),
            ("M\\303\\274ller", "Müller"),
            ("J\\\"urgen", "Jürgen"),
            ("J%C3%BCrgen", "Jürgen"),
            ("J%FCrgen", "Jürgen"),
            ("J%u00FCrgen", "Jürgen"),
            ("Mary%20Ann", "Mary Ann"),
            ("J=C3=BCrgen", "Jürgen"),
            ("J=FCrgen", "Jürgen"),
            ("=?UTF-8?B?SsO8cmdlbg==?=", "Jürgen"),
            ("=?iso-8859-1?Q?J=FCrgen?=", "Jürgen"),
            ("=?utf-8?q?J=C3=BCrgen_M?=", "Jürgen M"),
            ("<b>Ann</b>", "Ann"),
            ("Ann<br/>", "Ann"),
            ("<br/>", ""),
            ("J_x00FC_rgen", "Jürgen"),
            ("J+APw-rgen", "Jürgen"),
            ("J?rgen", ""),
            ("?ukasz", ""),
            ("Jos?", ""),
            ("M¿ller", ""),
            ("J\u{fffd}rgen", ""),
            ("{{last_name}}", ""),
            ("{{ user.name }}", ""),
            ("${name}", ""),
            ("%FIRSTNAME%", ""),
            ("*|FNAME|*", ""),
            ("[% name %]", ""),
            ("<%= name %>", ""),
            ("<<First Name>>", ""),
            ("«Vorname»", ""),
            ("[First Name]", ""),
            ("{lastname}", ""),
            ("__NAME__", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(repaired(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn names_have_no_leftovers() {
        for text in [
            "Ann",
            "D'Angelo",
            "O’Neil",
            "N'Golo",
            "M?",
            "?",
            "J. ?",
            "Robert \"Bob\" Smith",
            "Smith & Sons",
            "Ann & Bob",
            "Ann [Bob]",
            "Jr.",
            "Mary-Ann",
            "Keʻala",
            "Ma_x",
            "Anne+Marie",
            "C$sh",
            "X=Y",
            "50%",
            "",
            "Anna <ann>",
        ] {
            assert_eq!(repaired(text), None, "{text}");
        }
        for text in [
            "Who cares?",
            "100% Design",
            "AT&T",
            "R&D; Ops",
            "A & B;",
            "[Sales]",
            "x''y",
            "20% off %20",
            "a=b",
            "C:\\Temp",
        ] {
            assert_eq!(find(text, Place::Text), None, "{text}");
        }
    }
}
