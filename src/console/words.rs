//! The console's languages: English texts are the keys, and German has a table for each room.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::LazyLock;

use super::german;

/// English and German texts.
static GERMAN: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    german::ALL
        .iter()
        .flat_map(|table| table.iter().copied())
        .collect()
});

/// The language that a browser prefers of those that there are, by its `Accept-Language` (RFC 9110,
/// section 12.5.4); the order of the list is taken, weights are not.
pub(super) fn choose(wanted: &str, accepted: &str) -> &'static str {
    let mut asked = std::iter::once(wanted).chain(accepted.split(','));
    let known = asked.find_map(|tag| {
        let tag = tag.split(';').next().unwrap_or("").trim();
        match tag.split('-').next().unwrap_or("") {
            "de" => Some("de"),
            "en" => Some("en"),
            _ => None,
        }
    });
    known.unwrap_or("en")
}

/// `english` in that language; as it is where the table has nothing.
pub(super) fn look_up(language: &str, english: &'static str) -> &'static str {
    match language {
        "de" => GERMAN.get(english).copied().unwrap_or(english),
        _ => english,
    }
}

/// `text` with each `{name}` replaced.
pub(super) fn fill(text: &str, blanks: &[(&str, &dyn Display)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        if let Some((_, value)) = blanks.iter().find(|(key, _)| *key == name) {
            filled.push_str(&value.to_string());
        }
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_look_like_blanks_stay_text() {
        let filled = fill("{a} and {b}", &[("a", &"{b}"), ("b", &7)]);
        assert_eq!(filled, "{b} and 7");
    }

    #[test]
    fn the_first_known_language_is_taken() {
        assert_eq!(choose("", "fr, de-AT;q=0.8, en"), "de");
        assert_eq!(choose("en", "de"), "en");
        assert_eq!(choose("", "fr"), "en");
    }
}
