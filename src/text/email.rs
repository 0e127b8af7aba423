//! E-mail addresses: which are accepted, what is doubtful about them, and their match key.
//!
//! An address is a dot-atom of RFC 5321 before the last `@` (letters, marks and digits of any
//! script besides ASCII's, RFC 6531; no quotes), and after it a domain name with at least one dot
//! that UTS #46 maps to a valid A-label form under STD3. At most 64 bytes before the `@`, 254 in
//! all. The last label has a letter. Nothing is looked up in the network.

use std::borrow::Cow;

use email_address::{EmailAddress, Options};
use hashbrown::HashTable;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use psl::Psl;
use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{UnicodeNormalization, is_nfc};
use xxhash_rust::xxh3::xxh3_64;

use crate::issue::Code;
use crate::text::{domains, scripts};

/// The longest local part, in bytes (RFC 5321 s.4.5.3.1.1).
const LOCAL_BYTES_MAX: usize = 64;
/// The longest address, in bytes, with its domain as A-labels (RFC 5321 s.4.5.3.1.3, less the
/// angle brackets of a path).
const ADDRESS_BYTES_MAX: usize = 254;

/// Why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The kind of fault.
    pub code: Code,
    /// What was expected.
    pub expected: &'static str,
}

/// A doubt about an address that is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The kind of doubt.
    pub code: Code,
    /// What is meant or what would help.
    pub detail: Cow<'static, str>,
}

/// What is known of the domain of an accepted address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// The domain as lower-case A-labels.
    pub ascii: String,
    /// What is doubtful about it.
    pub doubts: Vec<Doubt>,
}

/// An accepted address.
#[derive(Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// What comes before the `@`, in NFC, in the case that it was given in.
    pub local: Cow<'a, str>,
    /// What comes after it.
    pub domain: &'a Domain,
}

impl Address<'_> {
    /// Appends the match key: local part lower-cased, in NFC, and the domain as A-labels.
    pub fn write_key(&self, key: &mut String) {
        if self.local.is_ascii() {
            let start = key.len();
            key.push_str(&self.local);
            key[start..].make_ascii_lowercase();
        } else {
            key.extend(self.local.to_lowercase().nfc());
        }
        key.push('@');
        key.push_str(&self.domain.ascii);
    }

    /// Everything that is doubtful about the address.
    pub fn doubts(&self) -> Vec<Doubt> {
        let mut doubts = self.domain.doubts.clone();
        if domains::is_of_function(&self.local) {
            doubts.push(Doubt {
                code: Code::EmailRole,
                detail: Cow::Borrowed("the address of one person"),
            });
        }
        if let Some(detail) = unusual(&self.local, self.domain) {
            doubts.push(Doubt {
                code: Code::EmailUnusual,
                detail: Cow::Borrowed(detail),
            });
        }
        if !self.local.is_ascii()
            && self.local.split('.').any(scripts::mixes)
            && !doubts.iter().any(|doubt| doubt.code == Code::EmailMixed)
        {
            doubts.push(mixed());
        }
        doubts
    }
}

/// Domains that were looked at. A file has few domains and many addresses.
#[derive(Debug, Default)]
pub struct Domains {
    places: HashTable<usize>,
    known: Vec<(String, Result<Domain, Fault>)>,
}

impl Domains {
    /// Checks one address.
    ///
    /// # Errors
    /// Why it isn't one: `email.syntax`, `.multiple`, `.domain`, `.length` or `.local_unsupported`.
    pub fn check<'a>(&'a mut self, text: &'a str) -> Result<Address<'a>, Fault> {
        let at = memchr::memrchr(b'@', text.as_bytes());
        let Some((local, domain)) = at.map(|at| (&text[..at], &text[at + 1..])) else {
            return Err(if is_template(text) { TEMPLATE } else { SYNTAX });
        };
        if let Some(fault) = gross_fault(text, local, domain) {
            return Err(fault);
        }
        let domain = self.domain(domain)?;
        let plain = is_dot_atom(local);
        let local = match plain || is_nfc(local) {
            true => Cow::Borrowed(local),
            false => Cow::Owned(local.nfc().collect()),
        };
        if local.len() > LOCAL_BYTES_MAX || local.len() + 1 + domain.ascii.len() > ADDRESS_BYTES_MAX
        {
            return Err(LENGTH);
        }
        if !plain {
            check_local(&local, &domain.ascii)?;
        }
        Ok(Address { local, domain })
    }

    fn domain(&mut self, domain: &str) -> Result<&Domain, Fault> {
        let hash = xxh3_64(domain.as_bytes());
        let known = self
            .places
            .find(hash, |place| self.known[*place].0 == domain);
        let place = known.copied().unwrap_or(self.known.len());
        if place == self.known.len() {
            self.known.push((domain.to_string(), check_domain(domain)));
            let hash_of = |place: &usize| xxh3_64(self.known[*place].0.as_bytes());
            self.places.insert_unique(hash, place, hash_of);
        }
        self.known[place].1.as_ref().map_err(|fault| *fault)
    }
}

const SYNTAX: Fault = Fault {
    code: Code::EmailSyntax,
    expected: "one address, such as name@example.org",
};
const TEMPLATE: Fault = Fault {
    code: Code::EmailSyntax,
    expected: "an address; a program should have filled in this template",
};
const LENGTH: Fault = Fault {
    code: Code::EmailLength,
    expected: "at most 254 bytes, 64 of them before the @",
};
const DOMAIN: Fault = Fault {
    code: Code::EmailDomain,
    expected: "a domain name after the @, such as example.org",
};
const UNSUPPORTED: Fault = Fault {
    code: Code::EmailUnsupported,
    expected: "letters and digits before the @",
};

/// The match key of an address: its local part lower-cased (Unicode, in NFC), its domain as
/// lower-case A-labels. `None` if `text` isn't an address.
pub fn key(text: &str) -> Option<String> {
    let mut domains = Domains::default();
    let address = domains.check(text).ok()?;
    let mut key = String::with_capacity(text.len());
    address.write_key(&mut key);
    Some(key)
}

/// Checks one address by itself: what is doubtful about it. See [`Domains::check`] for many.
///
/// # Errors
/// Why it isn't an address.
pub fn check(text: &str) -> Result<Vec<Doubt>, Fault> {
    Domains::default()
        .check(text)
        .map(|address| address.doubts())
}

/// What hardly any mailbox is called, though RFC 5321 and 6531 allow it. Addresses whose domain is
/// international, too, are left alone.
fn unusual(local: &str, domain: &Domain) -> Option<&'static str> {
    const USUAL: [bool; 256] = {
        let mut table = [false; 256];
        let signs = b".-_+'&=";
        let mut at = 0;
        while at < 256 {
            table[at] = (at as u8).is_ascii_alphanumeric();
            at += 1;
        }
        at = 0;
        while at < signs.len() {
            table[signs[at] as usize] = true;
            at += 1;
        }
        table
    };
    if local.bytes().all(|byte| USUAL[usize::from(byte)]) {
        return None;
    }
    if local.is_ascii() {
        return Some("letters, digits, dots and dashes before the @");
    }
    (!domain.ascii.contains("xn--")).then_some("letters from a to z before the @")
}

/// Whether a program should have put an address there: `{{user}}@iana.org`, `${mail}`, `%EMAIL%`, `<%= mail %>`.
fn is_template(text: &str) -> bool {
    let is_marked =
        text.contains("{{") || text.contains("${") || text.contains("<%") || text.contains("[[");
    let local = text.split('@').next().unwrap_or(text);
    let name = local
        .strip_prefix('%')
        .and_then(|rest| rest.strip_suffix('%'));
    is_marked || name.is_some_and(|name| !name.is_empty())
}

/// Faults that have a better word than what the later checks would say.
fn gross_fault(text: &str, local: &str, domain: &str) -> Option<Fault> {
    let mut addresses = text
        .split([',', ';', ' ', '/', '|', '<', '>', '\n', '\t'])
        .filter(|part| is_like_address(part));
    let at_in_local = memchr::memchr(b'@', local.as_bytes()).is_some();
    if at_in_local && addresses.by_ref().take(2).count() == 2 {
        return Some(Fault {
            code: Code::EmailMultiple,
            expected: "one address",
        });
    }
    let may_be_template = memchr::memchr3(b'{', b'$', b'%', text.as_bytes()).is_some()
        || memchr::memchr2(b'<', b'[', text.as_bytes()).is_some();
    if may_be_template && is_template(text) {
        return Some(TEMPLATE);
    }
    if local.is_empty() || domain.is_empty() || at_in_local {
        return Some(SYNTAX);
    }
    if local.starts_with('"') {
        return Some(Fault {
            code: Code::EmailSyntax,
            expected: "no quotes before the @",
        });
    }
    None
}

fn is_like_address(part: &str) -> bool {
    part.split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}

/// The fast path: whether `local` is an ASCII dot-atom of RFC 5321 s.4.1.2. What it refuses may
/// still be accepted by [`check_local`], never the reverse.
fn is_dot_atom(local: &str) -> bool {
    let mut before = b'.';
    for &byte in local.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {}
            b'!'
            | b'#'..=b'\''
            | b'*'
            | b'+'
            | b'-'
            | b'/'
            | b'='
            | b'?'
            | b'^'..=b'`'
            | b'{'..=b'~' => {}
            b'.' if before != b'.' => {}
            _ => return false,
        }
        before = byte;
    }
    before != b'.'
}

/// The slow path. `email_address` 0.2.9 takes code points for bytes, and so refuses marks that
/// many scripts are written with; letters, marks and digits are shown to it as `x`.
fn check_local(local: &str, ascii_domain: &str) -> Result<(), Fault> {
    let unsupported = |c: char| !c.is_ascii() && !c.is_alphanumeric() && !is_combining_mark(c);
    if local.contains(unsupported) {
        return Err(UNSUPPORTED);
    }
    let shown: String = local
        .chars()
        .map(|c| if c.is_ascii() { c } else { 'x' })
        .collect();
    let options = Options::default()
        .with_required_tld()
        .without_domain_literal()
        .without_display_text();
    match EmailAddress::parse_with_options(&format!("{shown}@{ascii_domain}"), options) {
        Ok(_) => Ok(()),
        Err(_) => Err(SYNTAX),
    }
}

fn check_domain(domain: &str) -> Result<Domain, Fault> {
    if domain.starts_with('[') {
        return Err(Fault {
            code: Code::EmailDomain,
            expected: "a domain name, not a network address in brackets",
        });
    }
    let odd = |c: char| c.is_whitespace() || c.is_control() || "()<>,;:\\\"[]".contains(c);
    if domain.contains(odd) {
        return Err(SYNTAX);
    }
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::Check,
            DnsLength::Verify,
        )
        .map_err(|_| {
            if domain.len() > ADDRESS_BYTES_MAX {
                LENGTH
            } else {
                DOMAIN
            }
        })?;
    let (_, top) = ascii.rsplit_once('.').ok_or(DOMAIN)?;
    // Where it isn't an A-label, no last label has digits only, or digits and hyphens.
    let has = |is: fn(&u8) -> bool| top.as_bytes().iter().any(is);
    let is_numbered =
        has(u8::is_ascii_digit) && has(|byte| *byte == b'-') && !top.starts_with("xn--");
    if is_numbered || top.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DOMAIN);
    }
    let doubts = domain_doubts(&ascii, top);
    Ok(Domain {
        ascii: ascii.into_owned(),
        doubts,
    })
}

fn domain_doubts(ascii: &str, top: &str) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    if domains::is_reserved(ascii) {
        let detail = Cow::Borrowed("a domain that receives mail");
        doubts.push(Doubt {
            code: Code::EmailReserved,
            detail,
        });
        return doubts;
    }
    let is_known = psl::List
        .suffix(ascii.as_bytes())
        .is_some_and(|suffix| suffix.is_known());
    if !is_known {
        let is_possible = top.len() > 1 && top.bytes().all(|byte| byte.is_ascii_alphabetic());
        let detail = match is_possible || top.starts_with("xn--") {
            true => Cow::Owned(format!("a known suffix instead of `.{top}`")),
            false => Cow::Owned(format!(
                "a suffix of at least two letters; there is no `.{top}`"
            )),
        };
        doubts.push(Doubt {
            code: Code::EmailSuffix,
            detail,
        });
    }
    if let Some(meant) = domains::meant(ascii, is_known) {
        let detail = Cow::Owned(format!("did you mean `{meant}`?"));
        doubts.push(Doubt {
            code: Code::EmailTypo,
            detail,
        });
    }
    if domains::is_disposable(ascii) {
        let detail = Cow::Borrowed("a permanent address");
        doubts.push(Doubt {
            code: Code::EmailDisposable,
            detail,
        });
    }
    if ascii.contains("xn--") {
        let (unicode, _) =
            Uts46::new().to_unicode(ascii.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
        if unicode.split('.').any(scripts::mixes) {
            doubts.push(mixed());
        }
    }
    doubts
}

fn mixed() -> Doubt {
    Doubt {
        code: Code::EmailMixed,
        detail: Cow::Borrowed("letters of one alphabet"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, prop_assert_eq, proptest};

    use super::*;

    fn verdict(text: &str) -> String {
        match check(text) {
            Ok(doubts) => doubts
                .iter()
                .map(|doubt| doubt.code.name())
                .collect::<Vec<_>>()
                .join(" "),
            Err(fault) => format!("! {}", fault.code),
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table reads best in one piece")]
    fn addresses_are_accepted_doubted_or_refused_by_code() {
        let long_local = format!("{}@iana.org", "a".repeat(65));
        let full = format!(
            "a@{}.{}.{}.{}.org",
            "a".repeat(61),
            "b".repeat(61),
            "c".repeat(61),
            "d".repeat(61)
        );
        let cases = [
            ("jane.doe@iana.org", ""),
            ("o'neil+tag@sub.iana.org", ""),
            ("{_test_}@iana.org", "email.unusual"),
            ("#zoe@iana.org", "email.unusual"),
            ("r&d@iana.org", ""),
            ("{{user}}@iana.org", "! email.syntax"),
            ("${mail}", "! email.syntax"),
            ("%EMAIL%@iana.org", "! email.syntax"),
            ("me@bad.tld-2", "! email.domain"),
            ("z@co.c", "email.suffix"),
            ("z@co.com-2", "! email.domain"),
            ("z@co.c0m", "email.suffix"),
            ("İPEK@iana.org", "email.unusual"),
            ("test@123.com", ""),
            ("test@xn--fiqs8s.xn--fiqs8s", ""),
            ("jörg@müller.de", ""),
            ("उदाहरण.परीक्ष@iana.org", "email.unusual"),
            ("用户@例子.中国", ""),
            ("jane@xn--e1afmkfd.xn--p1ai", ""),
            ("mu\u{308}ller@iana.org", "email.unusual"),
            ("", "! email.syntax"),
            ("jane", "! email.syntax"),
            ("@iana.org", "! email.syntax"),
            ("jane@", "! email.syntax"),
            ("a..b@iana.org", "! email.syntax"),
            (".a@iana.org", "! email.syntax"),
            ("a.@iana.org", "! email.syntax"),
            ("a b@iana.org", "! email.syntax"),
            ("\"a b\"@iana.org", "! email.syntax"),
            ("a(b)@iana.org", "! email.syntax"),
            ("a@iana .org", "! email.syntax"),
            ("a@iana.org\n", "! email.syntax"),
            ("a@b@iana.org", "! email.syntax"),
            ("x <a@iana.org>", "! email.syntax"),
            ("a@iana.org, b@iana.org", "! email.multiple"),
            ("a@iana.org;b@iana.org", "! email.multiple"),
            ("a@iana.org b@iana.org", "! email.multiple"),
            ("a@localhost", "! email.domain"),
            ("a@-iana.org", "! email.domain"),
            ("a@ia_na.org", "! email.domain"),
            ("a@iana..org", "! email.domain"),
            ("a@iana.org.", "! email.domain"),
            ("a@1.2.3.4", "! email.domain"),
            ("a@[1.2.3.4]", "! email.domain"),
            ("a@xn--zzzzzz.com", "! email.domain"),
            ("a@yy--0.tld", "! email.domain"),
            ("💩@iana.org", "! email.local_unsupported"),
            ("a\u{200b}b@iana.org", "! email.local_unsupported"),
            (&long_local, "! email.length"),
            (&full, ""),
            ("jane@gmial.com", "email.typo"),
            ("jane@gmail.con", "email.suffix email.typo"),
            ("jane@mail.com", ""),
            ("jane@firm.cmo", "email.suffix email.typo"),
            ("jane@firm.zzz", "email.suffix"),
            ("jane@mailinator.com", "email.disposable"),
            ("jane@x.mailinator.com", "email.disposable"),
            ("info@iana.org", "email.role"),
            ("No-Reply@iana.org", "email.role"),
            ("information@iana.org", ""),
            ("jane@example.org", "email.reserved"),
            ("jane@firm.test", "email.reserved"),
            ("jane@my-example.org", ""),
            ("p\u{430}ypal@iana.org", "email.unusual email.mixed_script"),
            ("иван.smith@iana.org", "email.unusual"),
            ("jane@p\u{430}ypal.com", "email.mixed_script"),
            ("jane@пример.com", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(verdict(text), expected, "{text}");
        }
        assert_eq!(
            verdict(&full.replacen("a@a", "aaaa@aa", 1)),
            "! email.length"
        );
    }

    #[test]
    fn keys_fold_case_and_composition_and_nothing_else() {
        assert_eq!(
            key("Jane.Doe+x@IANA.org").as_deref(),
            Some("jane.doe+x@iana.org")
        );
        assert_eq!(
            key("JO\u{308}RG@MÜLLER.de").as_deref(),
            Some("jörg@xn--mller-kva.de")
        );
        assert_eq!(key("jörg@xn--mller-kva.de"), key("JÖRG@müller.DE"));
        assert_eq!(key("not an address"), None);
    }

    proptest! {
        #![proptest_config(crate::properties::config(256))]
        #[test]
        fn the_fast_path_agrees_with_the_slow_one(local in "[ -~]{1,12}|[a-z.\"@+-]{1,6}") {
            let slow = check_local(&local, "iana.org").is_ok() && !local.starts_with('"');
            prop_assert_eq!(is_dot_atom(&local), slow && !local.contains('@'));
        }

        #[test]
        fn what_is_known_of_a_domain_does_not_change_the_answer(
            texts in prop::collection::vec("[a-zA-Z.]{1,3}@([a-z]{1,3}\\.){0,2}(com|1|é|-a)", 1..20),
        ) {
            let mut domains = Domains::default();
            for text in &texts {
                let shared = domains.check(text).map(|address| address.doubts());
                prop_assert_eq!(shared, check(text));
            }
        }
    }
}
