//! Numbers that a spreadsheet shows as powers of ten, `1.23457E+11`: digits are lost.

/// What is expected instead of such a number.
pub const LOST: &str = "all digits; a spreadsheet dropped all but the first few";

/// Whether a text is a number whose digits a spreadsheet left out: with decimals, or with a sign
/// before its exponent. `12E5` may be a room, a class or an article.
pub fn are_lost(text: &str) -> bool {
    // Ids begin with a digit or a letter; of those with a digit, few have an `e`.
    let has_power = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'))
        && memchr::memchr2(b'e', b'E', text.as_bytes()).is_some();
    has_power && parts(text).is_some_and(|(has_decimals, sign)| has_decimals || sign.is_some())
}

/// As above, where it need not be an id: only as spreadsheets themselves write large numbers.
pub fn are_shortened(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && text.contains("E+")
        && parts(text).is_some_and(|(_, sign)| sign == Some('+'))
}

/// Of a number with an exponent: whether it has decimals, and the sign of its exponent.
fn parts(text: &str) -> Option<(bool, Option<char>)> {
    let (number, exponent) = text.split_once(['e', 'E'])?;
    let sign = exponent.chars().next().filter(|c| matches!(c, '+' | '-'));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let number = number.strip_prefix(['+', '-']).unwrap_or(number);
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, decimals) = match number.split_once(['.', ',']) {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (number, None),
    };
    let is_number = is_digits(whole) && decimals.is_none_or(is_digits);
    (is_number && is_digits(exponent) && exponent.len() <= 3).then_some((decimals.is_some(), sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortened_numbers_are_distinguished_from_ids() {
        for text in [
            "1.23457E+11",
            "1,23457E+11",
            "1.2E+05",
            "4.5e17",
            "9E+16",
            "1e+16",
            "-1.5E+10",
            "1.2E-05",
            "+1.2E+5",
        ] {
            assert!(are_lost(text), "{text}");
        }
        for text in [
            "1E5", "12E5", "51830e07", "", "E5", "1.5", "12345", "1.2E", "A1.2E+5", "1.2E+5x",
            "2.E05", "1E1234", "é",
        ] {
            assert!(!are_lost(text), "{text}");
            assert!(!are_shortened(text), "{text}");
        }
        assert!(are_shortened("4.91512E+12"));
        assert!(!are_shortened("1.5E-3") && !are_shortened("4.5e17"));
    }
}
