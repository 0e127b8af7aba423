//! Domains and mailbox names that are often mistyped, disposable, or not personal. The lists are
//! short on purpose: they cause warnings, never rejects.

use strsim::damerau_levenshtein;

/// Domains of large mail providers, at which typing errors are looked for; sorted.
#[rustfmt::skip]
const COMMON: [&str; 44] = [
    "aol.com", "btinternet.com", "comcast.net", "free.fr", "freenet.de", "gmail.com", "gmx.at",
    "gmx.ch", "gmx.de", "gmx.net", "googlemail.com", "hotmail.co.uk", "hotmail.com", "hotmail.de",
    "hotmail.es", "hotmail.fr", "hotmail.it", "icloud.com", "laposte.net", "libero.it", "live.com",
    "mail.ru", "msn.com", "naver.com", "orange.fr", "outlook.com", "outlook.de", "proton.me",
    "protonmail.com", "qq.com", "rocketmail.com", "sbcglobal.net", "t-online.de", "uol.com.br",
    "verizon.net", "virginmedia.com", "wanadoo.fr", "web.de", "yahoo.co.uk", "yahoo.com",
    "yahoo.de", "yahoo.fr", "yandex.ru", "ymail.com",
];
/// Real domains that are only a letter away from a common one; sorted.
#[rustfmt::skip]
const REAL: [&str; 28] = [
    "aim.com", "att.net", "email.com", "gmail.de", "gmx.com", "gmx.fr", "hotmail.at", "hotmail.be",
    "hotmail.ca", "hotmail.ch", "hotmail.nl", "icloud.de", "live.de", "live.fr", "live.nl",
    "mail.com", "mail.de", "me.com", "outlook.at", "outlook.es", "outlook.fr", "outlook.it",
    "proton.ch", "web.com", "yahoo.ca", "yahoo.es", "yahoo.in", "yahoo.it",
];
/// Top-level domains that don't exist, and which one is meant.
#[rustfmt::skip]
const TOPS: [(&str, &str); 12] = [
    ("cmo", "com"), ("cim", "com"), ("comm", "com"), ("con", "com"), ("cpm", "com"), ("nte", "net"), ("ner", "net"),
    ("nry", "net"), ("ocm", "com"), ("ogr", "org"), ("vom", "com"), ("xom", "com"),
];
/// The best-known providers of throw-away addresses; sorted. Not complete, and not meant to be.
#[rustfmt::skip]
const DISPOSABLE: [&str; 60] = [
    "10minutemail.com", "10minutemail.net", "20minutemail.com", "burnermail.io", "byom.de",
    "chacuo.net", "deadaddress.com", "discard.email", "dispostable.com", "dropmail.me",
    "emailfake.com", "emailondeck.com", "emailtemporanea.com", "fakeinbox.com", "fakemail.net",
    "filzmail.com", "getairmail.com", "getnada.com", "grr.la", "guerrillamail.biz",
    "guerrillamail.com", "guerrillamail.de", "guerrillamail.info", "guerrillamail.net",
    "guerrillamail.org", "guerrillamailblock.com", "harakirimail.com", "inboxkitten.com",
    "incognitomail.org", "jetable.org", "mail-temporaire.fr", "mailcatch.com", "maildrop.cc",
    "mailexpire.com", "mailinator.com", "mailinator.net", "mailnesia.com", "mailnull.com",
    "mailpoof.com", "mailsac.com", "meltmail.com", "mintemail.com", "minuteinbox.com", "moakt.com",
    "mohmal.com", "mytemp.email", "mytrashmail.com", "nada.email", "sharklasers.com", "spam4.me",
    "temp-mail.io", "temp-mail.org", "tempail.com", "tempmailo.com", "tempr.email",
    "throwawaymail.com", "trash-mail.com", "trashmail.com", "wegwerfemail.de", "yopmail.com",
];
/// Mailboxes of functions: RFC 2142 and what firms add; sorted.
#[rustfmt::skip]
const FUNCTIONS: [&str; 40] = [
    "abuse", "accounting", "accounts", "admin", "administrator", "all", "billing", "contact",
    "do-not-reply", "donotreply", "everyone", "finance", "ftp", "hello", "help", "helpdesk",
    "hostmaster", "hr", "info", "it", "jobs", "kontakt", "mail", "marketing", "no-reply", "noc",
    "noreply", "office", "postmaster", "press", "reception", "root", "sales", "security", "service",
    "staff", "support", "team", "vertrieb", "webmaster",
];
/// Names that no public mail can reach: RFC 2606, 6761, 6762, 7686, 8375 and 9476, and ICANN's
/// resolution of 2024 for `internal`.
#[rustfmt::skip]
const RESERVED: [&str; 12] = [
    "alt", "arpa", "example", "example.com", "example.net", "example.org", "internal", "invalid",
    "local", "localhost", "onion", "test",
];

/// What a provider leaves out of the part before the @ when it looks for the mailbox.
struct Folding {
    domains: &'static [&'static str],
    /// The domain that represents all of them, if they are one.
    name: Option<&'static str>,
    /// Signs that don't count.
    signs: &'static [char],
}

/// Providers at which several addresses are one mailbox. A `+` and what follows counts at none.
#[rustfmt::skip]
const FOLDINGS: [Folding; 4] = [
    Folding { domains: &["gmail.com", "googlemail.com"], name: Some("gmail.com"), signs: &['.'] },
    Folding { domains: &["outlook.com", "hotmail.com", "live.com", "msn.com"], name: None, signs: &[] },
    Folding { domains: &["icloud.com", "me.com", "mac.com", "fastmail.com", "fastmail.fm"], name: None, signs: &[] },
    Folding { domains: &["proton.me", "protonmail.com", "pm.me"], name: None, signs: &['.', '-', '_'] },
];

/// The address that represents all of one mailbox, where a key is another one of it:
/// `kimalster@gmail.com` for `kim.alster+lists@googlemail.com`.
pub fn mailbox(key: &str) -> Option<String> {
    let (local, domain) = key.rsplit_once('@')?;
    let folding = FOLDINGS
        .iter()
        .find(|folding| folding.domains.contains(&domain))?;
    let name = local.split('+').next().filter(|name| !name.is_empty())?;
    let domain = folding.name.unwrap_or(domain);
    let plain: String = name
        .chars()
        .filter(|c| !folding.signs.contains(c))
        .collect();
    let mailbox = format!("{plain}@{domain}");
    (!plain.is_empty() && mailbox != key).then_some(mailbox)
}

/// Whether a text of keys may hold one that [`mailbox`] changes.
pub fn may_have_mailboxes(text: &[u8]) -> bool {
    let finds = |part: &str| memchr::memmem::find(text, part.as_bytes()).is_some();
    finds("+")
        || FOLDINGS
            .iter()
            .filter(|folding| !folding.signs.is_empty())
            .any(|folding| folding.domains.iter().any(|domain| finds(domain)))
}

/// Whether no public mail can reach the domain (lower-case A-labels).
pub fn is_reserved(ascii: &str) -> bool {
    RESERVED.iter().any(|name| is_or_is_under(ascii, name))
}

/// Whether it is or belongs to a domain of throw-away addresses.
pub fn is_disposable(ascii: &str) -> bool {
    DISPOSABLE.iter().any(|name| is_or_is_under(ascii, name))
}

/// Whether a local part names a function (`info`, `no-reply`), whatever tag follows it.
pub fn is_of_function(local: &str) -> bool {
    let tag = memchr::memchr(b'+', local.as_bytes());
    let name = &local[..tag.unwrap_or(local.len())];
    let longest = 13;
    let shaped = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
    };
    name.len() <= longest
        && shaped(name)
        && FUNCTIONS
            .iter()
            .any(|function| function.eq_ignore_ascii_case(name))
}

/// The domain that was probably meant, if this one looks mistyped: one letter dropped, added,
/// swapped or wrong in a well-known domain of eight characters and more; two, if what was typed
/// doesn't end in a known suffix; or a top-level domain that is a known mistake. The first letter
/// is taken to be right, unless it is swapped with the second.
pub fn meant(ascii: &str, suffix_is_known: bool) -> Option<String> {
    if COMMON.binary_search(&ascii).is_ok() || REAL.binary_search(&ascii).is_ok() {
        return None;
    }
    let allowed = if suffix_is_known { 1 } else { 2 };
    let near = COMMON.iter().filter(|common| {
        common.len() >= 8
            && common.len().abs_diff(ascii.len()) <= allowed
            && begin_alike(common, ascii)
            && damerau_levenshtein(common, ascii) <= allowed
    });
    if let Some(common) = near.min_by_key(|common| damerau_levenshtein(common, ascii)) {
        return Some((*common).to_string());
    }
    let (name, top) = ascii.rsplit_once('.')?;
    let (_, right) = TOPS.iter().find(|(wrong, _)| *wrong == top)?;
    (!suffix_is_known).then(|| format!("{name}.{right}"))
}

fn begin_alike(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    one.first() == other.first() || (one.get(1) == other.first() && one.first() == other.get(1))
}

fn is_or_is_under(ascii: &str, name: &str) -> bool {
    ascii
        .strip_suffix(name)
        .is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        for list in [&COMMON[..], &REAL, &DISPOSABLE, &FUNCTIONS, &RESERVED] {
            let mut sorted = list.to_vec();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted, list);
        }
        assert!(FUNCTIONS.iter().all(|name| name.len() <= 13));
    }

    #[test]
    fn typing_errors_are_found_and_real_domains_left_alone() {
        let cases = [
            ("gmial.com", true, "gmail.com"),
            ("gmal.com", true, "gmail.com"),
            ("gmail.co", true, "gmail.com"),
            ("gmial.con", false, "gmail.com"),
            ("hotmial.com", true, "hotmail.com"),
            ("outlok.com", true, "outlook.com"),
            ("t-onlin.de", true, "t-online.de"),
            ("yahooo.cmo", false, "yahoo.com"),
            ("firm.con", false, "firm.com"),
        ];
        for (typed, suffix_is_known, expected) in cases {
            assert_eq!(
                meant(typed, suffix_is_known).as_deref(),
                Some(expected),
                "{typed}"
            );
        }
        for real in COMMON.iter().chain(&REAL).chain(&[
            "small.com",
            "firm.de",
            "tmail.com",
            "web.dk",
            "gmx.eu",
        ]) {
            assert_eq!(meant(real, true), None, "{real}");
        }
    }

    #[test]
    fn addresses_of_one_mailbox_are_recognized_by_its_provider() {
        for (key, expected) in [
            ("kim.alster@googlemail.com", Some("kimalster@gmail.com")),
            ("kim.alster+lists@gmail.com", Some("kimalster@gmail.com")),
            ("kimalster@gmail.com", None),
            ("kim+x@outlook.com", Some("kim@outlook.com")),
            ("kim.a@outlook.com", None),
            ("kim-a_b+x@proton.me", Some("kimab@proton.me")),
            ("kim+x@iana.org", None),
            ("+x@gmail.com", None),
            ("...@gmail.com", None),
            ("gmail.com", None),
        ] {
            assert_eq!(mailbox(key).as_deref(), expected, "{key}");
        }
        assert!(may_have_mailboxes(b"a@x.orgkim@gmail.com") && may_have_mailboxes(b"a+b@x.org"));
        assert!(!may_have_mailboxes(b"kim.a@outlook.comkim@iana.org"));
    }
}
