//! Phone numbers, as E.164, by the metadata of libphonenumber.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};

/// The longest text that is looked at as a number, in characters.
pub const PHONE_CHARS_MAX: usize = 64;
/// Words that may stand behind the first digit: those before an extension. Other letters would be
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

/// The number that `text` names, as `+4930123456`, with an extension as `+4930123456;ext=12`
/// (RFC 3966). Numbers without a country code belong to `country`, an ISO 3166 alpha-2 code.
/// `None` unless it is a number that exists in its country's numbering plan.
pub fn e164(text: &str, country: Option<&str>) -> Option<String> {
    if text.chars().count() > PHONE_CHARS_MAX || !is_one_number(text) {
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

fn valid(text: &str, region: Option<Region>) -> Option<PhoneNumber> {
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    number.is_valid().then_some(number)
}

/// Whether behind its first digit there is nothing but a number and its extension.
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
