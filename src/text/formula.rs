//! Text that a spreadsheet would run as a formula: neutralized when written, restored when read.

use std::borrow::Cow;

/// Puts a `'` before text that a spreadsheet would take for a formula (OWASP, CSV Injection), and
/// before text that [`unguard`] would otherwise change. Signed numbers and phone numbers are left
/// as they are.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if is_formula(text.trim_start_matches('\'')) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Takes away the `'` that [`guarded`] put there. For files that have columns of muster's own.
pub fn unguard(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if is_formula(rest.trim_start_matches('\'')) => rest,
        _ => text,
    }
}

fn is_formula(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    match first {
        '+' | '-' => {
            let number = |c: char| c.is_ascii_digit() || " ().-".contains(c);
            !(text[1..].chars().all(number) && text.contains(|c: char| c.is_ascii_digit()))
        }
        '=' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guarded_comes_back_byte_for_byte() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("+4930123456", "+4930123456"),
            ("+49 (0) 30-12.34", "+49 (0) 30-12.34"),
            ("-5", "-5"),
            ("-5+cmd|' /C calc'!A0", "'-5+cmd|' /C calc'!A0"),
            ("-", "'-"),
            ("\t=1", "'\t=1"),
            ("\r", "'\r"),
            ("＝1", "'＝1"),
            ("'=1", "''=1"),
            ("''=1", "'''=1"),
            ("'-5", "'-5"),
            ("'Abd", "'Abd"),
            ("'", "'"),
            ("O'Neil", "O'Neil"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(guarded(text), expected);
            assert_eq!(unguard(&guarded(text)), text);
        }
    }
}
