//! Phone numbers, as E.164, by the metadata of libphonenumber.

use std::borrow::Cow;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};

use super::numbering::{self, PHONE_CHARS_MAX};
/// Words that may come after the first digit: those before an extension. Other letters would be
/// read as keys of a telephone.
const EXTENSION_WORDS: [&str; 8] = [
    "x",
    "ext",
    "extn",
    "extension",
    "xtn",
    "int",
    "anexo",
    "доб",
];

/// What people write before an extension in other languages, where libphonenumber doesn't know it:
/// German, Austrian, French, Spanish, Portuguese, Italian, Dutch, Polish, Czech, Turkish.
#[rustfmt::skip]
const OTHER_EXTENSION_WORDS: [&str; 20] = [
    "durchwahl", "dw", "nebenstelle", "nst", "apparat", "app", "klappe", "kl", "poste", "extensión", "ramal",
    "interno", "toestel", "tst", "wewnętrzny", "wewn", "wew", "linka", "dahili", "内線",
];
/// The longest extension, in digits.
const EXTENSION_DIGITS_MAX: usize = 9;

/// The number that `text` names, as `+4930123456`, with an extension as `+4930123456;ext=12`
/// (RFC 3966, s.3). Numbers without a country code belong to `country`, an ISO 3166 alpha-2 code.
/// `None` unless it is a number that exists in its country's numbering plan.
pub fn e164(text: &str, country: Option<&str>) -> Option<String> {
    numbering::e164(text, country).unwrap_or_else(|_| by_library(text, country))
}

/// [`e164`] for any text, at a hundred times the cost.
pub(super) fn by_library(text: &str, country: Option<&str>) -> Option<String> {
    if text.chars().count() > PHONE_CHARS_MAX {
        return None;
    }
    let text = &*with_known_word(text);
    if !is_one_number(text) {
        return None;
    }
    let region = country.and_then(|country| Region::from_code(country).ok());
    let number = valid(text, region).or_else(|| {
        let international = text.trim_start_matches(['(', ' ']).strip_prefix("00")?;
        valid(&format!("+{international}"), None)
    })?;
    let mut formatted = number.format_as(PhoneNumberFormat::E164).into_owned();
    if let Some(extension) = &number.extension {
        formatted.push_str(";ext=");
        formatted.push_str(extension);
    }
    Some(formatted)
}

/// `… Durchwahl 12` as `… ext. 12`.
fn with_known_word(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte < 0x80 && !byte.is_ascii_alphabetic();
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let found = || {
        let (rest, digits) = split_digits(text.trim_end_matches([')', ']', ' ']))?;
        let rest = rest.trim_end_matches(['.', ':', '-', ' ', '#']);
        let start = rest.rfind(|c: char| !c.is_alphabetic())?;
        let start = start + rest[start..].chars().next()?.len_utf8();
        let word = rest[start..].to_lowercase();
        let number = rest[..start].trim_end_matches(['(', '[', ',', ';', '/', '-', ' ']);
        let known = OTHER_EXTENSION_WORDS.contains(&word.as_str());
        (known && number.contains(|c: char| c.is_ascii_digit()))
            .then(|| Cow::Owned(format!("{number} ext. {digits}")))
    };
    found().unwrap_or(Cow::Borrowed(text))
}

/// What comes before the digits at the end, and these.
fn split_digits(text: &str) -> Option<(&str, &str)> {
    let rest = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &text[rest.len()..];
    (1..=EXTENSION_DIGITS_MAX)
        .contains(&digits.len())
        .then_some((rest, digits))
}

fn valid(text: &str, region: Option<Region>) -> Option<PhoneNumber> {
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    number.is_valid().then_some(number)
}

/// Whether after its first digit there is nothing but a number and its extension.
fn is_one_number(text: &str) -> bool {
    let start = |c: char| c.is_numeric() || matches!(c, '+' | '＋');
    let Some(number) = text.find(start).map(|at| &text[at..]) else {
        return false;
    };
    let mut words = number
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty());
    let plus_signs = number.chars().filter(|c| matches!(c, '+' | '＋')).count();
    plus_signs <= 1 && words.all(|word| EXTENSION_WORDS.contains(&word.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_e164_or_stay_out() {
        let cases = [
            ("030 123456", Some("DE"), Some("+4930123456")),
            ("+49 (0)30 / 123456", None, Some("+4930123456")),
            ("Tel. 030/123456", Some("DE"), Some("+4930123456")),
            ("0049 30 123456", Some("DE"), Some("+4930123456")),
            ("0049 30 123456", Some("US"), Some("+4930123456")),
            ("0049 30 123456", None, Some("+4930123456")),
            (
                "(202) 555-0173 ext. 12",
                Some("US"),
                Some("+12025550173;ext=12"),
            ),
            ("+12025550173;ext=12", None, Some("+12025550173;ext=12")),
            ("+49 30 1234567 ext. 12", None, Some("+49301234567;ext=12")),
            ("+49 30 1234567 x12", None, Some("+49301234567;ext=12")),
            (
                "030 1234567 Durchwahl 12",
                Some("DE"),
                Some("+49301234567;ext=12"),
            ),
            (
                "030/1234567 (DW: 12)",
                Some("DE"),
                Some("+49301234567;ext=12"),
            ),
            (
                "01 44 55 66 77, poste 12",
                Some("FR"),
                Some("+33144556677;ext=12"),
            ),
            (
                "tel:+49-30-1234567;ext=12",
                None,
                Some("+49301234567;ext=12"),
            ),
            ("+81 3 6384 9000 内線12", None, Some("+81363849000;ext=12")),
            ("Durchwahl 12", Some("DE"), None),
            ("030 1234567 Durchwahl", Some("DE"), None),
            ("０３０１２３４５６", Some("DE"), Some("+4930123456")),
            ("+39 06 698 12345", None, Some("+390669812345")),
            ("030 123456", None, None),
            ("+49 30 123456, +49 30 654321", None, None),
            ("030 123456 home", Some("DE"), None),
            ("1-800-FLOWERS", Some("US"), None),
            ("+999 123456789", None, None),
            ("12", Some("DE"), None),
            ("N/A", Some("DE"), None),
            ("", Some("DE"), None),
        ];
        for (text, country, expected) in cases {
            assert_eq!(e164(text, country).as_deref(), expected, "{text}");
        }
    }
}
