//! The console's languages: English texts are the keys, and German has a table for each room.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::LazyLock;

use super::german;

/// English and German texts.
static GERMAN: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let codes = german::CODES.iter();
    let codes = codes.flat_map(|(code, title, fix)| [(code.title(), *title), (code.fix(), *fix)]);
    let tables = german::ALL.iter().flat_map(|table| table.iter().copied());
    codes.chain(tables).collect()
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

/// A sentence of a pass, a run or the time line in that language: as it is in a table, or by the first
/// sentence with blanks that it fits. As it is where no table has it.
pub(super) fn said<'a>(language: &str, text: &'a str) -> Cow<'a, str> {
    if language != "de" {
        return Cow::Borrowed(text);
    }
    if let Some(german) = GERMAN.get(text) {
        return Cow::Borrowed(german);
    }
    let fits = |(english, german): &(&'static str, &'static str)| {
        let blanks = blanks_of(english, text)?;
        // What fills a blank may be a sentence of its own.
        let said = blanks.into_iter();
        let said: Vec<(&str, Cow<str>)> = said
            .map(|(name, value)| (name, said_within(value)))
            .collect();
        let values: Vec<(&str, &dyn Display)> = said
            .iter()
            .map(|(name, value)| (*name, value as &dyn Display))
            .collect();
        Some(fill(german, &values))
    };
    let found = german::SAID.iter().find_map(fits);
    found.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// What fills a blank, where that is a word or a sentence of a table.
fn said_within(value: &str) -> Cow<'_, str> {
    GERMAN
        .get(value)
        .map_or(Cow::Borrowed(value), |german| Cow::Borrowed(german))
}

/// What `text` has in place of the blanks of a sentence; `None` where it is another one.
fn blanks_of<'a>(sentence: &'static str, text: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
    let (first, mut rest) = sentence.split_once('{')?;
    let mut left = text.strip_prefix(first)?;
    let mut blanks = Vec::new();
    loop {
        let (name, after) = rest.split_once('}')?;
        let Some((before, more)) = after.split_once('{') else {
            blanks.push((name, left.strip_suffix(after)?));
            return Some(blanks);
        };
        let (value, behind) = left.split_once(before)?;
        blanks.push((name, value));
        (left, rest) = (behind, more);
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
    fn what_runs_say_is_said_in_german() {
        for (english, german) in [
            ("created by import", "durch einen Import angelegt"),
            (
                "invitation to a@b.eu created",
                "Einladung an a@b.eu angelegt",
            ),
            (
                "password-reset link sent by smtp",
                "Link zum Zurücksetzen des Passworts über den Mailserver gesendet",
            ),
            (
                "kept phone: changed since by the application",
                "phone blieb: seitdem von der Anwendung geändert",
            ),
            ("also in a.csv:7 (`{x}`)", "auch in a.csv:7 (`{x}`)"),
            ("nothing known", "nothing known"),
        ] {
            assert_eq!(said("de", english), german);
            assert_eq!(said("en", english), english);
        }
    }

    #[test]
    fn the_first_known_language_is_taken() {
        assert_eq!(choose("", "fr, de-AT;q=0.8, en"), "de");
        assert_eq!(choose("en", "de"), "en");
        assert_eq!(choose("", "fr"), "en");
    }
}
