//! Text: what is cleaned in every value, whatever field it is.
//!
//! Letters and their case stay. White space of any kind becomes a plain space, runs of it one
//! space, and none at either end; control characters and invisible characters are removed, except
//! that U+0080 to U+009F become the characters that windows-1252 has there, because that is what
//! they once were. The rest is in Unicode normal form C (UAX #15). Joiners stay where a script is
//! written with them, variation selectors where they choose between forms of an emoji or an
//! ideograph.

use std::borrow::Cow;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::rule::{Rule, Rules};

pub mod distinct;
pub mod domains;
pub mod email;
pub mod formula;
pub mod names;
pub mod scripts;
pub mod shell;

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
const ENCLOSING_KEYCAP: char = '\u{20e3}';
/// Letters and signs that show as a space, and that empty names are faked with.
const HANGUL_FILLER: char = '\u{3164}';
const HALFWIDTH_HANGUL_FILLER: char = '\u{ffa0}';
const BRAILLE_BLANK: char = '\u{2800}';
const BLACK_FLAG: char = '\u{1f3f4}';
/// The canonical combining class of viramas (Unicode Standard, table 3-2 of chapter 4.3).
const VIRAMA_CLASS: u8 = 9;

/// `text` cleaned, and the rules that changed something; borrowed when nothing was to be done.
pub fn clean(text: &str) -> (Cow<'_, str>, Rules) {
    if is_clean(text) {
        return (Cow::Borrowed(text), Rules::NONE);
    }
    let mut rules = Rules::NONE;
    let mut cleaned = squeeze(text, &mut rules);
    // Composing can move marks, and with them what a joiner is next to; so this repeats until
    // nothing moves.
    while !is_nfc(&cleaned) {
        rules.add(Rule::UnicodeNfc);
        let composed: String = cleaned.nfc().collect();
        cleaned = squeeze(&composed, &mut rules);
    }
    if cleaned == text {
        (Cow::Borrowed(text), Rules::NONE)
    } else {
        (Cow::Owned(cleaned), rules)
    }
}

/// The fast proof that nothing needs to be done: single spaces inside only, and else what shows in
/// ASCII and letters that are composed whatever is next to them.
pub fn is_clean(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.first() == Some(&b' ') || bytes.last() == Some(&b' ') {
        return false;
    }
    let plain = plain_words(bytes);
    let mut before = plain.checked_sub(1).map_or(b'!', |last| bytes[last]);
    for (index, &byte) in bytes.iter().enumerate().skip(plain) {
        match byte {
            b'!'..=b'~' => {}
            b' ' if before != b' ' => {}
            0x80.. => return is_clean_behind(&text[..index], &text[index..]),
            _ => return false,
        }
        before = byte;
    }
    true
}

/// How many bytes at the beginning show in ASCII or are single spaces, in steps of eight: eight bytes are
/// looked at in fewer instructions than one by one. The last eight may overlap those before.
fn plain_words(bytes: &[u8]) -> usize {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let is_plain = |at: usize| {
        let chunk = bytes[at..].first_chunk();
        let word = chunk.map_or(0, |bytes| u64::from_le_bytes(*bytes));
        // A byte is below a space if taking that away borrows, and beyond `~` if adding one carries.
        let is_odd = word.wrapping_sub(0x2020_2020_2020_2020)
            | word.wrapping_add(0x0101_0101_0101_0101)
            | word;
        let spaces = !((word ^ 0x2020_2020_2020_2020).wrapping_add(0x7f7f_7f7f_7f7f_7f7f));
        let is_space_before = at > 0 && bytes[at - 1] == b' ';
        let before = spaces << 8 | u64::from(is_space_before) << 7;
        (is_odd | spaces & before) & HIGH == 0
    };
    let mut plain = 0;
    while plain + 8 <= bytes.len() {
        if !is_plain(plain) {
            return plain;
        }
        plain += 8;
    }
    match bytes.len().checked_sub(8) {
        Some(last) if last % 8 != 0 && is_plain(last) => bytes.len(),
        _ => plain,
    }
}

/// [`is_clean`] of the rest of a text, which isn't ASCII, after its clean beginning.
fn is_clean_behind(start: &str, rest: &str) -> bool {
    let mut before = start.chars().next_back().unwrap_or(' ');
    for character in rest.chars() {
        let is_fine = match character {
            ' ' => before != ' ',
            '!'..='~' => true,
            other => is_composed(other),
        };
        if !is_fine {
            return false;
        }
        before = character;
    }
    before != ' '
}

/// Whether a character is a letter or sign of normal form C (UAX #15) that neither composes with
/// what comes before it nor changes places: most of Latin, Greek, Cyrillic, Hebrew, Arabic,
/// Devanagari, Chinese, Japanese and Korean.
fn is_composed(character: char) -> bool {
    matches!(character,
        '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}' | '\u{388}'..='\u{3ff}' | '\u{400}'..='\u{482}'
        | '\u{48a}'..='\u{52f}' | '\u{5d0}'..='\u{5ea}' | '\u{620}'..='\u{64a}' | '\u{904}'..='\u{939}'
        | '\u{93d}'..='\u{94c}' | '\u{1ea0}'..='\u{1ef9}' | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

/// Whether cleaning can take `character` away; for messages.
pub fn is_dropped(character: char) -> bool {
    !matches!(kind(character, None, None), Kind::Visible | Kind::Space)
}

/// The signs of windows-1252 from 0x80 on; a space where it has none.
const WINDOWS_SIGNS: [char; 32] = [
    '€', ' ', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', ' ', 'Ž', ' ', ' ', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', ' ', 'ž', 'Ÿ',
];

/// What a control character was before windows-1252 was read as Latin-1: nobody types U+0092, and
/// many programs write it for `’`.
pub fn windows_sign(character: char) -> Option<char> {
    let place = u32::from(character).checked_sub(0x80)?;
    let sign = WINDOWS_SIGNS.get(place as usize).copied()?;
    (sign != ' ').then_some(sign)
}

/// One pass over the characters: white space, controls and the invisible.
fn squeeze(text: &str, rules: &mut Rules) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space_owed = false;
    let mut before = None;
    let mut rest = text.chars();
    while let Some(found) = rest.next() {
        let sign = windows_sign(found);
        if sign.is_some() {
            rules.add(Rule::WindowsSigns);
        }
        let character = sign.unwrap_or(found);
        let after = rest.clone().next();
        match kind(character, before, after) {
            Kind::Visible => {
                if space_owed {
                    out.push(' ');
                }
                space_owed = false;
                out.push(character);
                before = Some(character);
            }
            Kind::Control => rules.add(Rule::ControlCharacters),
            Kind::Invisible => rules.add(Rule::InvisibleCharacters),
            Kind::Space => {
                if character != ' ' {
                    rules.add(Rule::OddSpaces);
                }
                if out.is_empty() {
                    rules.add(Rule::TrimSpaces);
                } else if space_owed {
                    rules.add(Rule::CollapseSpaces);
                } else {
                    space_owed = true;
                }
                before = None;
            }
        }
    }
    if space_owed {
        rules.add(Rule::TrimSpaces);
    }
    out
}

enum Kind {
    Visible,
    Space,
    Control,
    Invisible,
}

/// What happens to `character`, which comes after `before` (what was kept last, unless a space is
/// between) and before `after` (as it is in the text).
fn kind(character: char, before: Option<char>, after: Option<char>) -> Kind {
    match character {
        '!'..='~' => Kind::Visible,
        ' ' | '\t'..='\r' | '\u{85}' | '\u{a0}' | '\u{1680}' => Kind::Space,
        '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' => Kind::Space,
        '\u{202f}' | '\u{205f}' | '\u{3000}' | BRAILLE_BLANK => Kind::Space,
        HANGUL_FILLER | HALFWIDTH_HANGUL_FILLER => Kind::Space,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => Kind::Control,
        ZERO_WIDTH_NON_JOINER | ZERO_WIDTH_JOINER => visible_if(joins(character, before, after)),
        '\u{fe00}'..='\u{fe0f}' => visible_if(selects(character, before, after)),
        '\u{e0100}'..='\u{e01ef}' => visible_if(before.is_some_and(is_ideograph)),
        '\u{e0020}'..='\u{e007f}' => visible_if(before.is_some_and(is_flag_part)),
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => Kind::Invisible,
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => Kind::Invisible,
        '\u{e0000}'..='\u{e001f}' | '\u{34f}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' => {
            Kind::Invisible
        }
        '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' => {
            Kind::Invisible
        }
        _ => Kind::Visible,
    }
}

fn visible_if(needed: bool) -> Kind {
    if needed {
        Kind::Visible
    } else {
        Kind::Invisible
    }
}

/// Whether a joiner is part of the spelling: after a virama (as in IDNA, RFC 5892 A.1 and A.2),
/// between letters of a script that joins, or inside an emoji.
fn joins(joiner: char, before: Option<char>, after: Option<char>) -> bool {
    let Some(before) = before else {
        return false;
    };
    let between = |is_part: fn(char) -> bool| is_part(before) && after.is_some_and(is_part);
    canonical_combining_class(before) == VIRAMA_CLASS
        || between(is_of_joining_script)
        // Each element of a sequence begins with a pictograph (UTS 51, ED-16).
        || joiner == ZERO_WIDTH_JOINER && is_emoji_part(before) && after.is_some_and(is_pictograph)
}

/// Whether a variation selector chooses a form of what it follows: of an emoji, of a keycap such
/// as `1\u{fe0f}\u{20e3}`, or of an ideograph.
fn selects(selector: char, before: Option<char>, after: Option<char>) -> bool {
    match (selector, before) {
        (_, None) => false,
        ('\u{fe0e}' | '\u{fe0f}', Some('0'..='9' | '#' | '*')) => after == Some(ENCLOSING_KEYCAP),
        ('\u{fe0e}' | '\u{fe0f}', Some(before)) => is_pictograph(before),
        (_, Some(before)) => is_ideograph(before),
    }
}

/// Letters and marks of the scripts that are written with joiners: Arabic and its relatives, the
/// Brahmic scripts, Mongolian. By block, so that composing never leads out of it.
fn is_of_joining_script(character: char) -> bool {
    matches!(character,
        '\u{600}'..='\u{61b}' | '\u{61d}'..='\u{7ff}' | '\u{840}'..='\u{8ff}'
        | '\u{900}'..='\u{109f}' | '\u{1780}'..='\u{18af}' | '\u{1900}'..='\u{1cff}'
        | '\u{a800}'..='\u{a82f}' | '\u{a840}'..='\u{a95f}' | '\u{a980}'..='\u{aaff}'
        | '\u{abc0}'..='\u{abff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
        | '\u{10a00}'..='\u{10aff}' | '\u{10d00}'..='\u{10d3f}' | '\u{10f30}'..='\u{11fff}'
        | '\u{1e900}'..='\u{1e95f}')
}

/// Han characters, for which variation selectors choose the form that a family writes.
pub fn is_ideograph(character: char) -> bool {
    matches!(character,
        '\u{3005}'..='\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

fn is_pictograph(character: char) -> bool {
    matches!(character,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{24c2}' | '\u{25a0}'..='\u{27bf}'
        | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}' | '\u{3030}' | '\u{303d}'
        | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

fn is_emoji_part(character: char) -> bool {
    is_pictograph(character) || matches!(character, '\u{fe0f}' | ENCLOSING_KEYCAP)
}

fn is_flag_part(character: char) -> bool {
    matches!(character, BLACK_FLAG | '\u{e0020}'..='\u{e007e}')
}

/// What headers are compared by: NFKD without marks, lower case, letters and digits only. Letters
/// that people leave their stroke or dot off, but Unicode takes for letters of their own, are
/// written without.
pub fn key(header: &str) -> String {
    if header.is_ascii() {
        let letters = header.bytes().filter(u8::is_ascii_alphanumeric);
        return letters
            .map(|byte| char::from(byte.to_ascii_lowercase()))
            .collect();
    }
    header
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
        .map(|c| match c {
            'ı' => 'i',
            'ł' => 'l',
            'ø' => 'o',
            'đ' => 'd',
            c => c,
        })
        .collect()
}

/// `value` in lower case and NFC, if it isn't already. What roles and domains are written in.
pub fn lower(value: &str) -> Option<String> {
    if value.is_ascii() {
        // All are counted, which takes fewer instructions than to stop at the first.
        let upper = value.bytes().filter(u8::is_ascii_uppercase).count();
        return (upper > 0).then(|| value.to_ascii_lowercase());
    }
    let lower: String = value.to_lowercase().nfc().collect();
    // Small letters may have other marks (`İ`), which part a joiner from what it joins.
    let lower = clean(&lower).0.into_owned();
    (lower != value).then_some(lower)
}

/// The key of a username: NFKC and lower case, so that names that look alike are one.
pub fn username_key(username: &str) -> Cow<'_, str> {
    if username.is_ascii() {
        return lower(username).map_or(Cow::Borrowed(username), Cow::Owned);
    }
    let lower = username.nfkc().collect::<String>().to_lowercase();
    Cow::Owned(lower.nfkc().collect())
}

/// A string as TOML writes it. JSON's escapes are TOML's, but for one character.
pub fn toml_string(text: &str) -> String {
    let text = serde_json::to_string(text).unwrap_or_default();
    text.replace('\u{7f}', "\\u007f")
}

/// Lower-case hex, as hashes are written everywhere.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use unicode_normalization::{IsNormalized, is_nfc_quick};

    use super::*;

    #[test]
    fn what_is_composed_needs_nothing_wherever_it_is() {
        for character in ('\u{80}'..=char::MAX).filter(|c| is_composed(*c)) {
            assert!(
                matches!(kind(character, None, None), Kind::Visible),
                "{character:?}"
            );
            assert_eq!(canonical_combining_class(character), 0, "{character:?}");
            let quick = is_nfc_quick([character].into_iter());
            assert_eq!(quick, IsNormalized::Yes, "{character:?}");
        }
        assert!(is_clean("Zoë Żukowski-Νίκος, आरव"));
        for text in [
            "Zoë ",
            " Zoë",
            "Zoë  Ż",
            "Zoë\u{301}",
            "\u{301}",
            "ë\u{a0}e",
            "\u{200b}",
        ] {
            assert!(!is_clean(text), "{text:?}");
        }
    }

    #[test]
    fn plain_text_is_clean_if_nothing_is_done_to_it_wherever_its_signs_are() {
        for length in 1..=18 {
            for (one, other) in (0..length).flat_map(|one| (0..length).map(move |at| (one, at))) {
                for signs in ["  ", " !", "~ ", "\t~", "\u{7f}\u{1f}", "@`", "\0a"] {
                    let mut bytes = vec![b'x'; length];
                    bytes[one] = signs.as_bytes()[0];
                    bytes[other] = signs.as_bytes()[1];
                    let text = String::from_utf8(bytes).unwrap();
                    let is_same = squeeze(&text, &mut Rules::default()) == text;
                    assert_eq!(is_clean(&text), is_same, "{text:?}");
                    // What isn't ASCII has another way.
                    let longer = format!("{text}é");
                    let is_same = squeeze(&longer, &mut Rules::default()) == longer;
                    assert_eq!(is_clean(&longer), is_same, "{longer:?}");
                }
            }
        }
    }

    #[test]
    fn text_is_cleaned_by_named_rules() {
        use Rule::{
            CollapseSpaces, ControlCharacters, InvisibleCharacters, OddSpaces, TrimSpaces,
            UnicodeNfc, WindowsSigns,
        };
        let cases: &[(&str, &str, &[Rule])] = &[
            ("", "", &[]),
            ("Zoë", "Zoë", &[]),
            ("Mary Ann", "Mary Ann", &[]),
            ("   ", "", &[TrimSpaces]),
            (" Mary  Ann ", "Mary Ann", &[TrimSpaces, CollapseSpaces]),
            (
                "Mary\u{a0}Ann\r\n",
                "Mary Ann",
                &[TrimSpaces, CollapseSpaces, OddSpaces],
            ),
            ("Mary\u{200b}Ann\u{feff}", "MaryAnn", &[InvisibleCharacters]),
            ("M\u{0}ar\u{1b}y\u{81}", "Mary", &[ControlCharacters]),
            ("O\u{92}Brien", "O’Brien", &[WindowsSigns]),
            ("Lena \u{96} Mia\u{85}", "Lena – Mia…", &[WindowsSigns]),
            ("Zoe\u{308}", "Zoë", &[UnicodeNfc]),
            ("e\u{200b}\u{301}", "é", &[InvisibleCharacters, UnicodeNfc]),
            ("\u{3164}", "", &[TrimSpaces, OddSpaces]),
            ("A\u{34f}b\u{180e}", "Ab", &[InvisibleCharacters]),
            ("NULL", "NULL", &[]),
            ("½ ﷺ ﬁ", "½ ﷺ ﬁ", &[]),
            // joiners belong to Persian, to Sinhala, to old Malayalam chillus at the end of a word
            ("علی\u{200c}رضا", "علی\u{200c}رضا", &[]),
            ("ශ\u{dca}\u{200d}ර", "ශ\u{dca}\u{200d}ර", &[]),
            ("രാജന\u{d4d}\u{200d}", "രാജന\u{d4d}\u{200d}", &[]),
            ("An\u{200d}na\u{200c}", "Anna", &[InvisibleCharacters]),
            ("👩\u{200d}\u{fe0f}", "👩\u{fe0f}", &[InvisibleCharacters]),
            ("علی\u{200c}", "علی", &[InvisibleCharacters]),
            // emoji, keycaps, flags and ideographs keep what chooses their form
            (
                "👩\u{200d}👧 ❤\u{fe0f} 1\u{fe0f}\u{20e3}",
                "👩\u{200d}👧 ❤\u{fe0f} 1\u{fe0f}\u{20e3}",
                &[],
            ),
            ("葛\u{e0100}城", "葛\u{e0100}城", &[]),
            (
                "🏴\u{e0067}\u{e0062}\u{e007f}",
                "🏴\u{e0067}\u{e0062}\u{e007f}",
                &[],
            ),
            ("a\u{fe0f}\u{e0061}\u{e0100}", "a", &[InvisibleCharacters]),
        ];
        for (found, expected, expected_rules) in cases {
            let (cleaned, rules) = clean(found);
            assert_eq!(cleaned, *expected, "{found:?}");
            assert_eq!(
                rules.iter().collect::<Vec<_>>(),
                *expected_rules,
                "{found:?}"
            );
        }
    }
}
