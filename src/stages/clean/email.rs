//! E-mail addresses: out of what surrounds them, with the domain in lower case.
//!
//! The local part is never changed. `validate` decides whether it is an address.

use crate::text;
use std::borrow::Cow;

use crate::rule::{Rule, Rules};

/// The address that the text means, and the rules that found it; `None` if nothing was to be
/// done. `text` is cleaned text.
///
/// Full-width characters (`ｚｏｅ＠ｘ．ｏｒｇ`) become plain ones; `mailto:` goes with what an address in a
/// link has after it; of `Doe, Jane <jane@example.org>` and `jane@example.org (Jane Doe)` the
/// address stays ([`name_around`] tells the name); one full stop after the domain (RFC 1034: the
/// root) goes; the domain is in lower case. Several addresses in one cell stay as typed.
pub fn clean(text: &str) -> Option<(String, Rules)> {
    let mut rules = Rules::NONE;
    let narrow = narrow(text);
    if matches!(narrow, Cow::Owned(_)) {
        rules.add(Rule::EmailWidth);
    }
    let mut address = &*narrow;
    loop {
        if let Some(inner) = without_mailto(address) {
            rules.add(Rule::EmailMailto);
            address = inner;
        } else if let Some((_, inner)) = in_brackets(address).or_else(|| before_comment(address)) {
            rules.add(Rule::EmailDisplayText);
            address = inner;
        } else {
            break;
        }
    }
    let (local, domain) = only_one(address).unwrap_or((address, ""));
    let rooted = domain
        .strip_suffix('.')
        .filter(|domain| !domain.is_empty() && !domain.ends_with('.'));
    if rooted.is_some() {
        rules.add(Rule::EmailDomainDot);
    }
    let domain = rooted.unwrap_or(domain);
    let lower = text::lower(domain);
    if lower.is_some() {
        rules.add(Rule::EmailDomainCase);
    }
    if rules == Rules::NONE {
        return None;
    }
    if domain.is_empty() {
        return Some((address.to_string(), rules));
    }
    Some((
        format!("{local}@{}", lower.as_deref().unwrap_or(domain)),
        rules,
    ))
}

/// The text with full-width forms of ASCII characters as these, and the ideographic full stop as a full
/// stop; borrowed if it has none. One that ends in such a full stop is damaged, and stays as it is.
fn narrow(text: &str) -> Cow<'_, str> {
    let is_wide = |c: char| matches!(c, '\u{ff01}'..='\u{ff5e}' | '\u{3002}');
    if text.is_ascii() || !text.contains(is_wide) || text.ends_with(['\u{ff0e}', '\u{3002}']) {
        return Cow::Borrowed(text);
    }
    let plain = |c: char| match c {
        '\u{3002}' => '.',
        c if is_wide(c) => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    };
    Cow::Owned(text.chars().map(plain).collect())
}

/// The text with its domain in lower case, if it looks like an address and wasn't.
pub fn lower_domain(text: &str) -> Option<String> {
    let (local, domain) = only_one(text)?;
    if local.is_empty() || local.contains(' ') {
        return None;
    }
    Some(format!("{local}@{}", text::lower(domain)?))
}

/// What surrounds the only `@`; the domain isn't empty and has no space.
fn only_one(text: &str) -> Option<(&str, &str)> {
    // Every address is asked for: memchr is faster than a search for a character.
    let at = memchr::memchr(b'@', text.as_bytes())?;
    let (local, domain) = (&text[..at], &text[at + 1..]);
    let is_more = memchr::memchr2(b'@', b' ', domain.as_bytes()).is_some();
    (!domain.is_empty() && !is_more).then_some((local, domain))
}

/// The name that is next to the only address in a cell, as in `"Doe, Jane" <jane@example.org>` or
/// `jane@example.org (Jane Doe)`. `text` is cleaned text.
pub fn name_around(text: &str) -> Option<&str> {
    let (name, _) = in_brackets(text).or_else(|| before_comment(text))?;
    let is_name =
        !name.contains(['@', '<', '>', '(', ')', '"']) && name.contains(char::is_alphabetic);
    is_name.then_some(name)
}

fn without_mailto(text: &str) -> Option<&str> {
    let (scheme, address) = text.split_at_checked("mailto:".len())?;
    if !scheme.eq_ignore_ascii_case("mailto:") {
        return None;
    }
    let at = address.find('@')?;
    let end = address[at..]
        .find('?')
        .map_or(address.len(), |question| at + question);
    Some(address[..end].trim())
}

/// The name and the address in `"Doe, Jane" <jane@example.org>`: one pair of angle brackets at the
/// end, with one address in it, after a text that is no other address.
fn in_brackets(text: &str) -> Option<(&str, &str)> {
    let (name, address) = text.strip_suffix('>')?.split_once('<')?;
    let address = address.trim();
    let name = name.trim_matches([' ', '"', '\'']);
    let one = address.matches('@').count() == 1 && !address.contains(['<', '>', ' ', ',', ';']);
    let bare = address.split_once(':').map_or(address, |(_, bare)| bare);
    let same = name.eq_ignore_ascii_case(address) || name.eq_ignore_ascii_case(bare);
    (one && !name.contains('>') && (!name.contains('@') || same)).then_some((name, address))
}

/// The name and the address in `jane@example.org (Jane Doe)`: a comment of RFC 5322 at the end.
fn before_comment(text: &str) -> Option<(&str, &str)> {
    let (address, name) = text.strip_suffix(')')?.split_once('(')?;
    let address = address.trim_end();
    let one = address.matches('@').count() == 1 && !address.contains([' ', ',', ';']);
    let is_name = name.contains(char::is_alphabetic) && !name.contains(['@', '(', ')']);
    (one && is_name).then_some((name.trim(), address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_what_people_paste() {
        let cases = [
            ("Jane.Doe@Example.ORG", "Jane.Doe@example.org"),
            ("mailto:a@x.org", "a@x.org"),
            ("MAILTO: a@x.org?subject=Hi", "a@x.org"),
            ("Doe, Jane <a@x.org>", "a@x.org"),
            ("<a@X.org>", "a@x.org"),
            ("A@x.org <a@x.org>", "a@x.org"),
            ("Jane <mailto:a@x.org>", "a@x.org"),
            ("a@X.org (Jane)", "a@x.org"),
            ("<a@x.org>(Jane Doe)", "a@x.org"),
            ("a@x.org.", "a@x.org"),
            ("a@MÜLLER.de", "a@müller.de"),
            ("ｚｏｅ@x.org", "zoe@x.org"),
            ("ＺＯＥ＠Ｘ．ｏｒｇ", "ZOE@x.org"),
            ("zoe@x。org", "zoe@x.org"),
        ];
        for (text, expected) in cases {
            let cleaned = clean(text).map_or(text.to_string(), |(cleaned, _)| cleaned);
            assert_eq!(cleaned, expected, "{text}");
        }
        for text in [
            "",
            "a@x.org",
            "a@x.org..",
            "a@x.org．",
            "\"Doe <J>\" <a@x.org>",
            "A@X.org, B@X.org",
            "b@x.org <a@x.org>",
            "a@x.org (b@x.org)",
            "a@x.org, b@X.org (both)",
            "a(b)@x.org",
            "a@x.org()",
            "mailto:",
            "<>",
            "@",
            "a@.",
        ] {
            assert_eq!(clean(text), None, "{text}");
        }
        for (text, name) in [
            ("\"Doe, Jane\" <a@x.org>", Some("Doe, Jane")),
            ("Doe, Jane <mailto:a@x.org>", Some("Doe, Jane")),
            ("a@x.org (Jane Doe)", Some("Jane Doe")),
            ("<a@x.org>", None),
            ("A@x.org <a@x.org>", None),
            ("12 <a@x.org>", None),
            ("a@x.org", None),
            ("Jane <a@x.org>, Joe <b@x.org>", None),
        ] {
            assert_eq!(name_around(text), name, "{text}");
        }
        assert_eq!(lower_domain("Boss@X.org").as_deref(), Some("Boss@x.org"));
        assert_eq!(lower_domain("The Boss @HOME"), None);
    }
}
