//! What spreadsheets and programs wrap around a text so that it stays a text: `="00124"`, `'00125`,
//! `"00126"`.

use crate::field::Field;
use crate::row::Slot;

/// Pairs of quotes.
const PAIRS: [(char, char); 9] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('“', '”'),
    ('‘', '’'),
    ('„', '“'),
    ('„', '”'),
    ('«', '»'),
    ('´', '´'),
];

/// What comes before a number that is to be text.
const MARKS: [char; 5] = ['\'', '`', '´', '’', '‘'];

/// The fast proof that nothing is wrapped around a text.
#[inline]
pub fn may_be(text: &str) -> bool {
    matches!(
        text.as_bytes().first(),
        Some(b'=' | b'"' | b'\'' | b'`' | 0xc2 | 0xe2)
    )
}

/// `text`, which is cleaned text, without what is wrapped around it; `None` if nothing is. Of a
/// name only pairs are taken: `'t Hooft` is one. Companies and attributes may well be quoted.
pub fn unwrapped<'a>(text: &'a str, slot: &Slot) -> Option<&'a str> {
    let mut inner = text;
    while let Some(next) = step(inner, slot) {
        inner = next.trim_matches(' ');
    }
    (inner != text && !inner.is_empty()).then_some(inner)
}

fn step<'a>(text: &'a str, slot: &Slot) -> Option<&'a str> {
    if let Some(inner) = of_formula(text) {
        return Some(inner);
    }
    let Slot::Field(field) = slot else {
        return before_digits(text).filter(|rest| rest.len() >= 2 && is_digits(rest));
    };
    match field {
        Field::ExternalId | Field::Username | Field::Phone | Field::Email | Field::Manager => {
            between_quotes(text).or_else(|| before_key(text).filter(|_| *field != Field::Email))
        }
        Field::FirstName | Field::LastName | Field::FullName => between_quotes(text),
        Field::StartDate | Field::EndDate => before_digits(text),
        _ => None,
    }
}

/// The text of a formula that is a text only: `="00124"`, `=""00124""`, `=T("00124")`.
fn of_formula(text: &str) -> Option<&str> {
    let formula = text.strip_prefix('=')?;
    let formula = formula.strip_prefix('+').unwrap_or(formula);
    let call = formula
        .strip_prefix("T(")
        .or_else(|| formula.strip_prefix("t("));
    let text = match call {
        Some(inside) => inside.strip_suffix(')')?,
        None => formula,
    };
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    let inside = match inside.strip_prefix('"') {
        Some(doubled) => doubled.strip_suffix('"')?,
        None => inside,
    };
    (!inside.contains('"')).then_some(inside)
}

/// The text between a pair of quotes that has no other within.
fn between_quotes(text: &str) -> Option<&str> {
    PAIRS.iter().find_map(|(open, close)| {
        let inside = text.strip_prefix(*open)?.strip_suffix(*close)?;
        (!inside.is_empty() && !inside.contains([*open, *close])).then_some(inside)
    })
}

/// A key without the mark before it.
fn before_key(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(MARKS)?;
    rest.starts_with(|c: char| c.is_alphanumeric() || c == '+')
        .then_some(rest)
}

fn before_digits(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(MARKS)?;
    rest.starts_with(|c: char| c.is_ascii_digit())
        .then_some(rest)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_out_of_their_wrapping() {
        let id = Slot::Field(Field::ExternalId);
        for text in [
            "=\"00124\"",
            "=\"\"00124\"\"",
            "'00124",
            "\"00124\"",
            "`00124",
            "`00124`",
            "=T(\"00124\")",
            "’00124",
            "“00124”",
            "'00124'",
            "=\"'00124\"",
            "'=\"00124\"",
            "=+\"00124\"",
            "\"'00124'\"",
        ] {
            let found = unwrapped(text, &id);
            let expected = if text.starts_with("'=") {
                None
            } else {
                Some("00124")
            };
            assert_eq!(found, expected, "{text}");
            assert!(may_be(text), "{text}");
        }
        for text in [
            "00124",
            "'",
            "\"\"",
            "=1+1",
            "=\"a\"&\"b\"",
            "''",
            "A'1",
            "=SUM(A1)",
        ] {
            assert_eq!(unwrapped(text, &id), None, "{text}");
        }
    }

    #[test]
    fn other_fields_keep_what_is_theirs() {
        let of = |text, slot| unwrapped(text, &slot);
        assert_eq!(of("=\"Ann\"", Slot::Field(Field::FirstName)), Some("Ann"));
        assert_eq!(of("\"Ann\"", Slot::Field(Field::FirstName)), Some("Ann"));
        assert_eq!(of("'t Hooft", Slot::Field(Field::LastName)), None);
        assert_eq!(
            of("\"Bob\" and \"Al\"", Slot::Field(Field::FirstName)),
            None
        );
        assert_eq!(
            of("'+49 30 1234567", Slot::Field(Field::Phone)),
            Some("+49 30 1234567")
        );
        assert_eq!(of("\"Gazprom\"", Slot::Field(Field::Organization)), None);
        assert_eq!(
            of("'2026-03-01", Slot::Field(Field::StartDate)),
            Some("2026-03-01")
        );
        assert_eq!(
            of("'0042", Slot::Attribute("cost".to_string())),
            Some("0042")
        );
        assert_eq!(of("'90s kid", Slot::Attribute("note".to_string())), None);
        assert_eq!(
            of("=\"0042\"", Slot::Attribute("cost".to_string())),
            Some("0042")
        );
        assert_eq!(of("'o@x.org", Slot::Field(Field::Email)), None);
    }
}
