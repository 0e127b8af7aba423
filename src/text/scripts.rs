//! Letters of several alphabets, and texts that look like each other: UTS #39, for warnings only.

use std::borrow::Cow;

use idna::AsciiDenyList;
use idna::uts46::{Hyphens, Uts46};
use unicode_security::{MixedScript, RestrictionLevel, RestrictionLevelDetection, skeleton};

/// Whether letters of several scripts are mixed that no language mixes: beyond the level "highly
/// restrictive" of UTS #39 s.5.2.
pub fn mixes(part: &str) -> bool {
    !is_of_one_block(part)
        && !part.is_single_script()
        && part.detect_restriction_level() > RestrictionLevel::HighlyRestrictive
}

/// Whether any word of `text` does so. Names may well have words of several scripts.
pub fn mixes_in_a_word(text: &str) -> bool {
    let parts_words = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric();
    !is_of_one_block(text) && text.split(parts_words).any(mixes)
}

/// The fast proof that there is nothing to find: every letter is of the same block, or of blocks
/// that one language is written with.
fn is_of_one_block(text: &str) -> bool {
    let mut first = None;
    text.chars().all(|character| {
        let block = match character {
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => 0,
            '\0'..='\u{bf}' | '\u{300}'..='\u{36f}' | '\u{2010}'..='\u{201f}' => return true,
            '\u{600}'..='\u{6ff}' => 1,
            // Bopomofo is between kana and Hangul letters; it isn't looked at here.
            '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' => 2,
            '\u{ac00}'..='\u{d7a3}' => 3,
            // Greek, Cyrillic, Hebrew, and each Indic script: blocks of 128 that begin at multiples.
            '\u{380}'..='\u{47f}' | '\u{590}'..='\u{5ff}' | '\u{900}'..='\u{dff}' => {
                u32::from(character) >> 7
            }
            _ => return false,
        };
        *first.get_or_insert(block) == block
    })
}

/// Whether a character is Cyrillic.
pub fn is_cyrillic(character: char) -> bool {
    matches!(character, '\u{400}'..='\u{52f}')
}

/// Whether a character is a Han character of the usual blocks.
pub fn is_han(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}')
}

/// What a match key would be if each letter from elsewhere were the ASCII one that it looks like
/// (its prototype, UTS #39 s.4), where there is such a one; keys of one look have one such form.
/// `None` for keys of ASCII alone, which have the form of themselves: muster doesn't take `rn` for
/// `m`, nor `0` for `o`.
pub fn plain_form(key: &str) -> Option<String> {
    let key = shown(key);
    if key.is_ascii() {
        return None;
    }
    let mut plain = String::with_capacity(key.len());
    let mut letter = [0; 4];
    for character in key.chars() {
        if character.is_ascii() {
            plain.push(character);
            continue;
        }
        // `İ` in lower case is an `i` with a dot above.
        if character == '\u{307}' && plain.ends_with('i') {
            continue;
        }
        let start = plain.len();
        plain.extend(skeleton(character.encode_utf8(&mut letter)));
        // The prototype of `m` is `rn`.
        if plain.get(start..) == Some("rn") {
            plain.replace_range(start.., "m");
        }
    }
    Some(plain.to_lowercase())
}

/// A key as people see it: with the letters of an international domain.
fn shown(key: &str) -> Cow<'_, str> {
    match key.rsplit_once('@') {
        Some((local, domain)) if domain.contains("xn--") => {
            let ascii = domain.as_bytes();
            let (domain, _) = Uts46::new().to_unicode(ascii, AsciiDenyList::STD3, Hyphens::Check);
            Cow::Owned(format!("{local}@{domain}"))
        }
        _ => Cow::Borrowed(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_mix_alphabets_are_found_and_languages_are_not() {
        for text in [
            "M\u{430}ria",
            "Anna M\u{430}ria",
            "\u{410}nna",
            "Иvan",
            "Ωmega",
            "p\u{430}y_pal",
        ] {
            assert!(mixes_in_a_word(text), "{text}");
        }
        for text in [
            "",
            "Maria",
            "Zoë",
            "Nguyễn Thị",
            "O’Brien",
            "Иван",
            "Иван Smith",
            "Иван-Smith",
            "Γιώργος",
            "山田 タロウ",
            "ひろし子",
            "김Kim",
            "王 小明",
            "रवि कुमार",
            "علی رضا",
            "ÞórÐur",
        ] {
            assert!(!mixes_in_a_word(text), "{text}");
        }
    }

    #[test]
    fn keys_that_look_alike_have_one_plain_form() {
        for (key, plain) in [
            ("\u{430}dmin", "admin"),
            ("p\u{430}yp\u{430}l@iana.org", "paypal@iana.org"),
            ("jane@xn--pypal-4ve.com", "jane@paypal.com"),
            ("с\u{43e}со", "coco"),
            ("josé", "jose\u{301}"),
            ("j\u{43e}sé", "jose\u{301}"),
            ("i\u{307}pek@iana.org", "ipek@iana.org"),
        ] {
            assert_eq!(plain_form(key).as_deref(), Some(plain), "{key}");
        }
        assert_eq!(plain_form("admin@iana.org"), None);
        assert_eq!(plain_form("modern1"), None);
    }
}
