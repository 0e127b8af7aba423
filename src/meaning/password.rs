//! Password hashes of imported people: recognized by their format, never by trial. What an
//! application can verify directly is kept unchanged; what common systems export in a form of their
//! own is written as the PHC string with the same salt, parameters and hash. Everything else is
//! refused. Pure; no message quotes the value.
//!
//! Formats: PHC string format (Password Hashing Competition), `$2?$` of bcrypt, `$7$` of scrypt (as
//! in libxcrypt and libsodium), and what Django, Keycloak, ASP.NET Core Identity and Spring Security
//! write.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use serde_json::Value;

use crate::issue::Code;

/// What a cell of a column of password hashes holds.
#[derive(PartialEq, Eq)]
pub enum Reading<'a> {
    /// No password, or a mark that none can be used.
    Nothing,
    /// A hash that can be verified.
    Taken {
        /// What is kept: the cell itself, or its PHC string.
        hash: Cow<'a, str>,
        /// Why it is easily guessed, if it is.
        weak: Option<String>,
    },
    /// Not taken, by which code and why.
    Refused(Code, String),
}

/// The most bytes of a cell that are looked at; Keycloak's JSON is the longest of all forms.
const BYTES_MAX: usize = 4096;
/// Salts and hashes, in bytes. Most systems have 16 and 32.
const SALT_BYTES: std::ops::RangeInclusive<usize> = 8..=64;
const HASH_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

// Verifying the dearest hash that is taken costs some seconds and 1 GiB on a common server. libsodium's
// "sensitive" Argon2id (1 GiB, 4 passes) is just taken.
const MEMORY_KIB_MAX: u64 = 1 << 20;
const WORK_KIB_MAX: u64 = 4 << 20;
const LANES_MAX: u64 = 64;
const BCRYPT_COST_MAX: u64 = 16;
const PBKDF2_WORK_MAX: u64 = 10_000_000;

/// Below these a hash counts as weak: OWASP's Password Storage Cheat Sheet has 7 MiB and 5 passes as
/// the least Argon2id, and 10 for bcrypt; scrypt's own paper 16 MiB for signing in; NIST SP
/// 800-63B (2017), section 5.1.1.2, 10,000 rounds of PBKDF2.
const ARGON2_WORK_KIB_MIN: u64 = 7168 * 5;
const BCRYPT_COST_MIN: u64 = 10;
const SCRYPT_WORK_KIB_MIN: u64 = 16 << 10;
const PBKDF2_ROUNDS_MIN: u64 = 10_000;

/// Reads one cell.
pub fn read(cell: &str) -> Reading<'_> {
    let text = cell.trim();
    if text.is_empty() || is_unusable(text) {
        return Reading::Nothing;
    }
    if text.len() > BYTES_MAX {
        return refused("it is longer than any known hash");
    }
    if let Some(judged) = native(text) {
        return judged.into_reading(Cow::Borrowed(text));
    }
    let Some(converted) = foreign(text) else {
        return refused(why_not(text));
    };
    match native(&converted) {
        Some(judged) => judged.into_reading(Cow::Owned(converted.into_owned())),
        None => refused("its salt or its hash has the wrong length"),
    }
}

/// Whether a cell that should hold something else looks like a password hash: the columns of the
/// row are shifted.
pub fn is_like_one(cell: &str) -> bool {
    const DJANGO: [&str; 4] = ["pbkdf2_", "bcrypt", "argon2", "scrypt"];
    let text = cell.trim();
    // Prices and sentences begin with such characters, too.
    if text.len() < 24 || text.len() > BYTES_MAX {
        return false;
    }
    let begins = |(prefix, _): &(&str, &str)| text.starts_with(prefix);
    match text.as_bytes()[0] {
        b'$' => native(text).is_some() || NOT_TAKEN.iter().any(begins) && !text.contains(' '),
        b'{' | b'[' => foreign(text).is_some(),
        b'p' | b'b' | b'a' | b's' if DJANGO.iter().any(|name| text.starts_with(name)) => {
            !text.contains(' ') && text.matches('$').count() > 2
        }
        b'A' => text.len() > 60 && aspnet(text).is_some(),
        _ => false,
    }
}

fn refused(why: impl Into<String>) -> Reading<'static> {
    Reading::Refused(Code::PasswordFormat, why.into())
}

/// Django's mark of an account without a password: `!` and 40 random letters and digits.
fn is_unusable(text: &str) -> bool {
    text.strip_prefix('!').is_some_and(|rest| {
        rest.is_empty() || rest.len() == 40 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

// --- what is kept unchanged ------------------------------------------------------------------

/// A hash of a known format, by what it costs.
enum Judged {
    Fine,
    Weak(String),
    Costly(String),
}

impl Judged {
    fn into_reading(self, hash: Cow<'_, str>) -> Reading<'_> {
        match self {
            Judged::Fine => Reading::Taken { hash, weak: None },
            Judged::Weak(why) => Reading::Taken {
                hash,
                weak: Some(why),
            },
            Judged::Costly(why) => Reading::Refused(Code::PasswordCostly, why),
        }
    }
}

/// A PHC string or one in modular crypt form; `None` when it isn't exactly one.
fn native(text: &str) -> Option<Judged> {
    let parts: Vec<&str> = text.strip_prefix('$')?.split('$').collect();
    match parts.as_slice() {
        ["argon2id" | "argon2i" | "argon2d", rest @ ..] => argon2(rest),
        ["2a" | "2b" | "2y", cost, hash] => bcrypt(cost, hash),
        ["scrypt", parameters, salt, hash] => scrypt_phc(parameters, salt, hash),
        ["7", salt, hash] => scrypt_crypt(salt, hash),
        ["pbkdf2", parameters, salt, hash] => pbkdf2(20, parameters, salt, hash),
        ["pbkdf2-sha256", parameters, salt, hash] => pbkdf2(32, parameters, salt, hash),
        ["pbkdf2-sha512", parameters, salt, hash] => pbkdf2(64, parameters, salt, hash),
        _ => None,
    }
}

fn argon2(parts: &[&str]) -> Option<Judged> {
    let (["v=16" | "v=19", parameters, salt, hash] | [parameters, salt, hash]) = parts else {
        return None;
    };
    let [memory, passes, lanes] = numbers(parameters, ["m", "t", "p"])?;
    fits(decoded(salt)?, decoded(hash)?)?;
    if passes == 0 || lanes == 0 || memory < 8 * lanes {
        return None;
    }
    let what = || format!("Argon2 with {memory} KiB, {passes} passes and {lanes} lanes");
    let work = memory.saturating_mul(passes);
    Some(
        if memory > MEMORY_KIB_MAX || work > WORK_KIB_MAX || lanes > LANES_MAX {
            Judged::Costly(what())
        } else if work < ARGON2_WORK_KIB_MIN {
            Judged::Weak(what())
        } else {
            Judged::Fine
        },
    )
}

fn bcrypt(cost: &str, hash: &str) -> Option<Judged> {
    // The cost is written with two digits, 04 to 31.
    let known = cost.len() == 2 && hash.len() == 53 && hash.bytes().all(is_crypt_letter);
    let digits = cost.strip_prefix('0').unwrap_or(cost);
    let cost = number(digits).filter(|cost| known && (4..=31).contains(cost))?;
    let what = || format!("bcrypt with cost {cost}");
    Some(if cost > BCRYPT_COST_MAX {
        Judged::Costly(what())
    } else if cost < BCRYPT_COST_MIN {
        Judged::Weak(what())
    } else {
        Judged::Fine
    })
}

fn scrypt_phc(parameters: &str, salt: &str, hash: &str) -> Option<Judged> {
    let [log_n, r, p] = numbers(parameters, ["ln", "r", "p"])?;
    fits(decoded(salt)?, decoded(hash)?)?;
    scrypt(log_n, r, p)
}

/// `$7$`, a digit for log2 N, five each for r and p, and the salt as it is; digits represent six
/// bits, lowest first.
fn scrypt_crypt(salt: &str, hash: &str) -> Option<Judged> {
    const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let digit = |byte: &u8| DIGITS.iter().position(|digit| digit == byte);
    let number = |bytes: &[u8]| {
        let mut digits = bytes.iter().rev().map(digit);
        digits.try_fold(0, |sum, digit| Some(sum << 6 | digit? as u64))
    };
    let (head, salt) = salt.as_bytes().split_at_checked(11)?;
    let plain = salt.iter().all(u8::is_ascii_graphic);
    let known = hash.len() == 43 && hash.bytes().all(is_crypt_letter) && plain;
    if !known || !SALT_BYTES.contains(&salt.len()) {
        return None;
    }
    scrypt(
        number(&head[..1])?,
        number(&head[1..6])?,
        number(&head[6..])?,
    )
}

fn scrypt(log_n: u64, r: u64, p: u64) -> Option<Judged> {
    if log_n == 0 || r == 0 || p == 0 {
        return None;
    }
    let what = || format!("scrypt with N = 2^{log_n}, r = {r} and p = {p}");
    let memory = match log_n {
        0..40 => r.saturating_mul(1 << log_n) / 8,
        _ => u64::MAX,
    };
    let work = memory.saturating_mul(p);
    Some(if memory > MEMORY_KIB_MAX || work > WORK_KIB_MAX {
        Judged::Costly(what())
    } else if work < SCRYPT_WORK_KIB_MIN {
        Judged::Weak(what())
    } else {
        Judged::Fine
    })
}

/// `i=ROUNDS`, also with `,l=BYTES`; or passlib's bare number, whose base64 has `.` for `+`.
fn pbkdf2(digest: usize, parameters: &str, salt: &str, hash: &str) -> Option<Judged> {
    let (rounds, length) = match numbers(parameters, ["i", "l"]) {
        Some([rounds, length]) => (rounds, Some(length)),
        None => match numbers(parameters, ["i"]) {
            Some([rounds]) => (rounds, None),
            None => {
                let adapted =
                    |text: &str| decoded(&text.replace('.', "+")).filter(|_| !text.contains('+'));
                return pbkdf2_work(digest, number(parameters)?, adapted(salt)?, adapted(hash)?);
            }
        },
    };
    let (salt, hash) = (decoded(salt)?, decoded(hash)?);
    if length.is_some_and(|length| length != hash as u64) {
        return None;
    }
    pbkdf2_work(digest, rounds, salt, hash)
}

fn pbkdf2_work(digest: usize, rounds: u64, salt: usize, hash: usize) -> Option<Judged> {
    fits(salt, hash)?;
    if rounds == 0 {
        return None;
    }
    let what = || format!("PBKDF2 with {rounds} rounds");
    let work = rounds.saturating_mul(hash.div_ceil(digest) as u64);
    Some(if work > PBKDF2_WORK_MAX {
        Judged::Costly(what())
    } else if rounds < PBKDF2_ROUNDS_MIN {
        Judged::Weak(what())
    } else {
        Judged::Fine
    })
}

fn is_crypt_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/')
}

fn fits(salt: usize, hash: usize) -> Option<()> {
    (SALT_BYTES.contains(&salt) && HASH_BYTES.contains(&hash)).then_some(())
}

/// How many bytes some base64 without padding is.
fn decoded(text: &str) -> Option<usize> {
    Some(STANDARD_NO_PAD.decode(text).ok()?.len())
}

/// `m=65536,t=3,p=4` by `["m", "t", "p"]`.
fn numbers<const N: usize>(text: &str, names: [&str; N]) -> Option<[u64; N]> {
    let mut parts = text.split(',');
    let mut found = [0; N];
    for (name, found) in names.into_iter().zip(&mut found) {
        let (before, digits) = parts.next()?.split_once('=')?;
        *found = number(digits).filter(|_| before == name)?;
    }
    parts.next().is_none().then_some(found)
}

/// A decimal number as machines write it: no sign, no leading zero.
fn number(digits: &str) -> Option<u64> {
    let plain = digits.len() <= 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .parse()
        .ok()
        .filter(|_| plain && (digits == "0" || !digits.starts_with('0')))
}

// --- what is converted ---------------------------------------------------------------------------

/// The same hash in a form of [`native`], from a system with a form of its own.
fn foreign(text: &str) -> Option<Cow<'_, str>> {
    if text.starts_with(['{', '[']) {
        return spring(text).or_else(|| keycloak(text).map(Cow::Owned));
    }
    django(text).or_else(|| aspnet(text).map(Cow::Owned))
}

/// Django: `pbkdf2_sha256$ROUNDS$SALT$HASH`, `scrypt$N$SALT$R$P$HASH`, and `argon2` or `bcrypt`
/// before what is known.
fn django(text: &str) -> Option<Cow<'_, str>> {
    let (name, rest) = text.split_once('$')?;
    match name {
        "bcrypt" if rest.starts_with("$2") => return Some(Cow::Borrowed(rest)),
        "argon2" if rest.starts_with("argon2") => {
            return Some(Cow::Borrowed(&text["argon2".len()..]));
        }
        _ => {}
    }
    let parts: Vec<&str> = rest.split('$').collect();
    match (name, parts.as_slice()) {
        ("pbkdf2_sha256" | "pbkdf2_sha1", [rounds, salt, hash]) => {
            let digest = if name == "pbkdf2_sha1" { "" } else { "-sha256" };
            let hash = STANDARD.decode(hash).ok()?;
            Some(phc_of_pbkdf2(digest, number(rounds)?, salt.as_bytes(), &hash).into())
        }
        ("scrypt", [n, salt, r, p, hash]) => {
            let n = number(n).filter(|n| n.is_power_of_two())?;
            let parameters = (u64::from(n.ilog2()), number(r)?, number(p)?);
            let hash = STANDARD.decode(hash).ok()?;
            Some(phc_of_scrypt(parameters, salt.as_bytes(), &hash).into())
        }
        _ => None,
    }
}

/// ASP.NET Core Identity: base64 of 0x01, and in 32 bits each, highest first, the digest, the
/// rounds and the salt's length, then salt and hash; or of 0x00, 16 bytes of salt and 32 of hash.
fn aspnet(text: &str) -> Option<String> {
    let bytes = STANDARD.decode(text).ok()?;
    match bytes.split_first()? {
        (0, rest) if rest.len() == 48 => Some(phc_of_pbkdf2("", 1000, &rest[..16], &rest[16..])),
        (1, rest) => {
            let (head, rest) = rest.split_at_checked(12)?;
            let (words, _) = head.as_chunks::<4>();
            let digest = match u32::from_be_bytes(words[0]) {
                0 => "",
                1 => "-sha256",
                2 => "-sha512",
                _ => return None,
            };
            let rounds = u32::from_be_bytes(words[1]);
            let (salt, hash) = rest.split_at_checked(u32::from_be_bytes(words[2]) as usize)?;
            Some(phc_of_pbkdf2(digest, rounds.into(), salt, hash))
        }
        _ => None,
    }
}

/// Spring Security and OpenLDAP: the name of the scheme in braces. Spring's scrypt has its
/// parameters in hex: log2 N above 16 bits, then r and p with 8 bits each.
fn spring(text: &str) -> Option<Cow<'_, str>> {
    let (scheme, rest) = text.strip_prefix('{')?.split_once('}')?;
    let scheme = scheme.to_ascii_lowercase();
    let scheme = scheme.split('@').next().unwrap_or_default();
    match scheme {
        "bcrypt" | "crypt" if rest.starts_with("$2") => Some(Cow::Borrowed(rest)),
        "argon2" if rest.starts_with("$argon2") => Some(Cow::Borrowed(rest)),
        "scrypt" => {
            let parts: Vec<&str> = rest.strip_prefix('$')?.split('$').collect();
            let [parameters, salt, hash] = parts.as_slice() else {
                return None;
            };
            let hex =
                parameters.len() <= 8 && parameters.bytes().all(|byte| byte.is_ascii_hexdigit());
            let packed = u64::from_str_radix(parameters, 16).ok().filter(|_| hex)?;
            let parameters = (packed >> 16, packed >> 8 & 0xff, packed & 0xff);
            let (salt, hash) = (STANDARD.decode(salt).ok()?, STANDARD.decode(hash).ok()?);
            Some(phc_of_scrypt(parameters, &salt, &hash).into())
        }
        _ => None,
    }
}

/// Keycloak: a credential of a realm export, whose `secretData` and `credentialData` are JSON in
/// text; or their values in one flat object.
fn keycloak(text: &str) -> Option<String> {
    let mut credential: Value = serde_json::from_str(text).ok()?;
    if let Some([_]) = credential.as_array().map(Vec::as_slice) {
        credential = credential[0].take();
    }
    let inner = |name: &str| match &credential[name] {
        Value::String(text) => serde_json::from_str(text).ok(),
        Value::Null => Some(credential.clone()),
        value => Some(value.clone()),
    };
    let (secret, data) = (inner("secretData")?, inner("credentialData")?);
    let bytes = |name: &str| STANDARD.decode(secret[name].as_str()?).ok();
    let (salt, hash) = (bytes("salt")?, bytes("value")?);
    let rounds = data["hashIterations"].as_u64()?;
    let digest = match data["algorithm"].as_str()? {
        "pbkdf2" => "",
        "pbkdf2-sha256" => "-sha256",
        "pbkdf2-sha512" => "-sha512",
        "argon2" => return keycloak_argon2(&data, rounds, &salt, &hash),
        _ => return None,
    };
    Some(phc_of_pbkdf2(digest, rounds, &salt, &hash))
}

fn keycloak_argon2(data: &Value, passes: u64, salt: &[u8], hash: &[u8]) -> Option<String> {
    let more = &data["additionalParameters"];
    let word = |name: &str| more[name].as_str().or(more[name][0].as_str());
    let kind = word("type").filter(|kind| matches!(*kind, "id" | "i" | "d"))?;
    let version = match word("version")? {
        "1.3" => 19,
        "1.0" => 16,
        _ => return None,
    };
    let (memory, lanes) = (number(word("memory")?)?, number(word("parallelism")?)?);
    let [salt, hash] = [salt, hash].map(|bytes| STANDARD_NO_PAD.encode(bytes));
    Some(format!(
        "$argon2{kind}$v={version}$m={memory},t={passes},p={lanes}${salt}${hash}"
    ))
}

/// `digest` as in the PHC identifier: nothing for SHA-1, `-sha256`, `-sha512`.
fn phc_of_pbkdf2(digest: &str, rounds: u64, salt: &[u8], hash: &[u8]) -> String {
    let length = hash.len();
    let [salt, hash] = [salt, hash].map(|bytes| STANDARD_NO_PAD.encode(bytes));
    format!("$pbkdf2{digest}$i={rounds},l={length}${salt}${hash}")
}

fn phc_of_scrypt((log_n, r, p): (u64, u64, u64), salt: &[u8], hash: &[u8]) -> String {
    let [salt, hash] = [salt, hash].map(|bytes| STANDARD_NO_PAD.encode(bytes));
    format!("$scrypt$ln={log_n},r={r},p={p}${salt}${hash}")
}

// --- what is refused -----------------------------------------------------------------------------

/// Beginnings of hashes that can't be taken, and why.
const NOT_TAKEN: &[(&str, &str)] = &[
    ("$5$", "SHA-crypt (`crypt`), which few applications verify"),
    ("$6$", "SHA-crypt (`crypt`), which few applications verify"),
    ("$1$", "MD5-crypt, which is broken"),
    ("$apr1$", "MD5-crypt, which is broken"),
    ("$y$", "yescrypt, which few applications verify"),
    ("$P$", "phpass, of WordPress before 6.8 and phpBB"),
    ("$H$", "phpass, of WordPress before 6.8 and phpBB"),
    ("$S$", "Drupal's own, of its version 7"),
    (
        "$wp$",
        "of WordPress since 6.8: bcrypt of a hash of the password, not of the password",
    ),
    (
        "$bcrypt-sha256$",
        "bcrypt of a hash of the password, not of the password",
    ),
    (
        "bcrypt_sha256$",
        "Django's bcrypt of a hash of the password, not of the password",
    ),
    ("$2$", "bcrypt of its first version, which is ambiguous"),
    ("$2x$", "bcrypt of a faulty version"),
    (
        "{pbkdf2",
        "Spring's PBKDF2, which doesn't include its rounds and secret",
    ),
    ("{noop}", "a password in plain text"),
    ("$2a$", "not a complete bcrypt hash of 60 characters"),
    ("$2b$", "not a complete bcrypt hash of 60 characters"),
    ("$2y$", "not a complete bcrypt hash of 60 characters"),
    ("$argon2", "not a complete Argon2 PHC string"),
    ("$scrypt$", "not a complete scrypt PHC string"),
    ("$7$", "not a complete scrypt hash"),
    ("$pbkdf2", "not a complete PBKDF2 PHC string"),
    ("pbkdf2_", "not a complete PBKDF2 hash of Django"),
    ("{", "an unknown scheme or credential"),
];

/// Why a value is not taken, without a letter of it.
fn why_not(text: &str) -> &'static str {
    let begins = |prefix: &str| {
        text.get(..prefix.len())
            .is_some_and(|begin| begin == prefix)
    };
    if let Some((_, why)) = NOT_TAKEN.iter().find(|(prefix, _)| begins(prefix)) {
        return why;
    }
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex && matches!(text.len(), 32 | 40 | 56 | 64 | 96 | 128) {
        return "a bare MD5 or SHA digest, which can be guessed within seconds";
    }
    let bytes = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
    if bytes.is_ok_and(|bytes| bytes.len() == 64) {
        return "64 bytes in base64, as Firebase exports them: its scrypt needs the project's key";
    }
    "not a known kind of hash; a password in plain text must not be here"
}

#[cfg(test)]
mod tests {
    use argon2::Argon2;
    use argon2::password_hash::PasswordVerifier;
    use sha2::{Digest, Sha256, Sha512};

    use super::*;

    /// What every hash below is of; those of PBKDF2 and scrypt were made by Python's hashlib, the
    /// others by libxcrypt.
    const PASSWORD: &str = "correct horse battery staple";
    const SALT: &str = "AAECAwQFBgcICQoLDA0ODw";
    const BCRYPT: &str = "$2b$12$abcdefghijklmnopqrstuu0sDWleciW5uGBGYwxpcgAsh9WK4bWNy";

    fn taken(cell: &str) -> String {
        match read(cell) {
            Reading::Taken { hash, weak: None } => hash.into_owned(),
            Reading::Taken {
                weak: Some(why), ..
            } => panic!("{cell}: weak: {why}"),
            Reading::Nothing => panic!("{cell}: nothing"),
            Reading::Refused(code, why) => panic!("{cell}: {code}: {why}"),
        }
    }

    /// RFC 8018, section 5.2, with HMAC of RFC 2104.
    fn pbkdf2_of<D: Digest>(block: usize, salt: &[u8], rounds: u64, length: usize) -> Vec<u8> {
        let hmac = |message: &[u8]| {
            let pad = |with: u8| {
                let mut key = PASSWORD.as_bytes().to_vec();
                key.resize(block, 0);
                key.iter().map(|byte| byte ^ with).collect::<Vec<u8>>()
            };
            let inner = D::digest([&pad(0x36), message].concat());
            D::digest([pad(0x5c).as_slice(), &inner[..]].concat()).to_vec()
        };
        let mut out = Vec::new();
        for number in 1u32.. {
            if out.len() >= length {
                break;
            }
            let mut last = hmac(&[salt, &number.to_be_bytes()[..]].concat());
            let mut sum = last.clone();
            for _ in 1..rounds {
                last = hmac(&last);
                sum.iter_mut()
                    .zip(&last)
                    .for_each(|(sum, byte)| *sum ^= byte);
            }
            out.extend(sum);
        }
        out.truncate(length);
        out
    }

    #[test]
    fn what_applications_verify_is_kept_to_the_letter() {
        let argon2 = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21l$RdescudvJCsgt3ub+b27mb+3FZ7HQ8SDeOTS6Ss5OpY";
        for hash in [
            argon2,
            &argon2.replace("argon2id", "argon2i"),
            &argon2.replace("$v=19", ""),
            BCRYPT,
            &BCRYPT.replace("$2b$", "$2a$"),
            &BCRYPT.replace("$2b$", "$2y$"),
            "$7$CU..../....SodiumChloride$Xy2UCYvECMaY33B9f31n/UkWH.JGnEekGEBuyUR/h.4",
            "$scrypt$ln=16,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$1a0ZQtnx0oHhn48xj8fOQ5+iE1AgsBClgPgQyKBBRRw",
            "$pbkdf2-sha256$29000$AAECAwQFBgcICQoLDA0ODw$m/kLywdyNwK9GV2kWntRGvZzmeiVsuqehNWlLst2eWY",
            "$pbkdf2-sha256$i=20000,l=32$c2Vhc2FsdDFzZWFzYWx0MQ$gwawfXvOTj23XLUbd3x8N1A4eDziXhe/lRQvdLJfkP0",
            "$pbkdf2-sha256$i=20000$c2Vhc2FsdDFzZWFzYWx0MQ$gwawfXvOTj23XLUbd3x8N1A4eDziXhe/lRQvdLJfkP0",
        ] {
            assert_eq!(taken(hash), hash);
            assert_eq!(taken(&format!("  {hash}\n")), hash);
            assert!(is_like_one(hash), "{hash}");
        }
        assert!(read("").eq(&Reading::Nothing) && read(" ! ").eq(&Reading::Nothing));
        assert!(read(&format!("!{}", "x7".repeat(20))) == Reading::Nothing);
    }

    #[test]
    fn exports_become_the_phc_string_of_the_same_hash() {
        let keycloak = r#"{"type": "password", "secretData": "{\"value\": \"Ca/W1uHPdOF53bPWSQyrHQQPdk6KOe20VTbaw0U+WWswH2gciKNBqwk+H7RPgAmCshFAhVRLSSar72bo1/g8dA==\", \"salt\": \"AAECAwQFBgcICQoLDA0ODw==\", \"additionalParameters\": {}}", "credentialData": "{\"hashIterations\": 27500, \"algorithm\": \"pbkdf2-sha256\", \"additionalParameters\": {}}"}"#;
        for (cell, phc) in [
            (
                "pbkdf2_sha256$20000$seasalt1seasalt1$gwawfXvOTj23XLUbd3x8N1A4eDziXhe/lRQvdLJfkP0=",
                "$pbkdf2-sha256$i=20000,l=32$c2Vhc2FsdDFzZWFzYWx0MQ$gwawfXvOTj23XLUbd3x8N1A4eDziXhe/lRQvdLJfkP0".to_string(),
            ),
            (
                "pbkdf2_sha1$20000$seasalt1seasalt1$qfRm/PQ6mRxXE5Fl09j6NntoSVs=",
                "$pbkdf2$i=20000,l=20$c2Vhc2FsdDFzZWFzYWx0MQ$qfRm/PQ6mRxXE5Fl09j6NntoSVs".to_string(),
            ),
            (
                "scrypt$16384$seasalt1seasalt1$8$5$9M2TQwbLl72TWGaMN1IT7fToYFM5cXVnRHytxQ52pKT/ukGe37zJC/FmQLqd6t80QVY+neB7J+IGxYkT63L4fg==",
                "$scrypt$ln=14,r=8,p=5$c2Vhc2FsdDFzZWFzYWx0MQ$9M2TQwbLl72TWGaMN1IT7fToYFM5cXVnRHytxQ52pKT/ukGe37zJC/FmQLqd6t80QVY+neB7J+IGxYkT63L4fg".to_string(),
            ),
            (&format!("bcrypt${BCRYPT}"), BCRYPT.to_string()),
            (&format!("{{bcrypt}}{BCRYPT}"), BCRYPT.to_string()),
            (&format!("{{CRYPT}}{BCRYPT}"), BCRYPT.to_string()),
            (
                keycloak,
                format!("$pbkdf2-sha256$i=27500,l=64${SALT}$Ca/W1uHPdOF53bPWSQyrHQQPdk6KOe20VTbaw0U+WWswH2gciKNBqwk+H7RPgAmCshFAhVRLSSar72bo1/g8dA"),
            ),
            (
                r#"[{"algorithm": "pbkdf2-sha512", "hashIterations": 30000, "salt": "AAECAwQFBgcICQoLDA0ODw==", "value": "YEv9OAUH/a1l3GquLyEy93uMKHjMipNllASkRjqB/oIQswr6u3Ww8j5/gVasVRgrErX17iCPAfvU8jJ5Gad3aw=="}]"#,
                format!("$pbkdf2-sha512$i=30000,l=64${SALT}$YEv9OAUH/a1l3GquLyEy93uMKHjMipNllASkRjqB/oIQswr6u3Ww8j5/gVasVRgrErX17iCPAfvU8jJ5Gad3aw"),
            ),
            (
                "AQAAAAIAAYagAAAAEAABAgMEBQYHCAkKCwwNDg+HNphercic/uMU10oVOJcFooxzoeSLoVHx/CnyVEI1LA==",
                format!("$pbkdf2-sha512$i=100000,l=32${SALT}$hzaYXq3InP7jFNdKFTiXBaKMc6Hki6FR8fwp8lRCNSw"),
            ),
            (
                "{scrypt}$100801$AAECAwQFBgcICQoLDA0ODw==$1a0ZQtnx0oHhn48xj8fOQ5+iE1AgsBClgPgQyKBBRRw=",
                format!("$scrypt$ln=16,r=8,p=1${SALT}$1a0ZQtnx0oHhn48xj8fOQ5+iE1AgsBClgPgQyKBBRRw"),
            ),
        ] {
            assert_eq!(taken(cell), phc);
            assert!(is_like_one(cell), "{cell}");
        }
    }

    #[test]
    fn converted_hashes_are_those_of_the_password() {
        for (cell, rounds, is_512) in [
            (
                "pbkdf2_sha256$20000$seasalt1seasalt1$gwawfXvOTj23XLUbd3x8N1A4eDziXhe/lRQvdLJfkP0=",
                20_000,
                false,
            ),
            (
                "AQAAAAIAAYagAAAAEAABAgMEBQYHCAkKCwwNDg+HNphercic/uMU10oVOJcFooxzoeSLoVHx/CnyVEI1LA==",
                100_000,
                true,
            ),
        ] {
            let phc = taken(cell);
            let parts: Vec<&str> = phc.split('$').collect();
            let [salt, hash] =
                [parts[3], parts[4]].map(|text| STANDARD_NO_PAD.decode(text).unwrap());
            assert_eq!(parts[2], format!("i={rounds},l={}", hash.len()));
            let made = match is_512 {
                true => pbkdf2_of::<Sha512>(128, &salt, rounds, hash.len()),
                false => pbkdf2_of::<Sha256>(64, &salt, rounds, hash.len()),
            };
            assert!(made == hash, "{cell}");
        }
        let (salt, mut hash) = ([7; 16], [0; 32]);
        let parameters = argon2::Params::new(7168, 5, 1, Some(32)).unwrap();
        let hasher = Argon2::new(
            argon2::Algorithm::Argon2id,
            argon2::Version::V0x13,
            parameters,
        );
        hasher
            .hash_password_into(PASSWORD.as_bytes(), &salt, &mut hash)
            .unwrap();
        let (salt, value) = (STANDARD.encode(salt), STANDARD.encode(hash));
        let phc = taken(&format!(
            r#"{{"secretData": {{"salt": "{salt}", "value": "{value}"}}, "credentialData": {{"algorithm": "argon2", "hashIterations": 5, "additionalParameters": {{"hashLength": ["32"], "memory": ["7168"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}}}}}}"#
        ));
        for cell in [
            format!("argon2{phc}"),
            format!("{{argon2@SpringSecurity_v5_8}}{phc}"),
            phc.clone(),
        ] {
            assert_eq!(taken(&cell), phc);
        }
        let known = argon2::PasswordHash::new(&phc).unwrap();
        assert!(
            Argon2::default()
                .verify_password(PASSWORD.as_bytes(), &known)
                .is_ok()
        );
    }

    #[test]
    fn what_is_no_such_hash_is_refused_and_never_quoted() {
        let bcrypt_64 = STANDARD.encode([9; 64]);
        for (cell, words) in [
            ("hunter2", "plain text"),
            ("$5$rounds=5000$saltsalt$abc", "SHA-crypt"),
            ("$6$saltsalt$abc", "SHA-crypt"),
            ("$P$BnGpYcQvOvTAiCUZ0cmZzVKQVFQpYs.", "phpass"),
            ("$wp$2y$10$abc", "WordPress since 6.8"),
            ("bcrypt_sha256$$2b$12$abc", "Django's bcrypt of a hash"),
            ("{pbkdf2}5d92", "Spring's PBKDF2"),
            ("{noop}hunter2", "plain text"),
            ("{SSHA}hunter2", "unknown scheme"),
            ("5f4dcc3b5aa765d61d8327deb882cf99", "bare MD5"),
            (&bcrypt_64, "Firebase"),
            (&BCRYPT[..59], "60 characters"),
            (&BCRYPT.replace("$12$", "$3$"), "60 characters"),
            (&BCRYPT.replace("uu0", "u!0"), "60 characters"),
            ("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21l", "Argon2"),
            (
                "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$RdescudvJCsgt3ub+b27mb+3FZ7HQ8SDeOTS6Ss5OpY",
                "Argon2",
            ),
            (
                "$argon2id$v=19$m=65536,p=4,t=3$c29tZXNhbHRzb21l$RdescudvJCsgt3ub+b27mb+3FZ7HQ8SDeOTS6Ss5OpY",
                "Argon2",
            ),
            (
                "$argon2id$v=19$m=+65536,t=3,p=4$c29tZXNhbHRzb21l$RdescudvJCsgt3ub+b27mb+3FZ7HQ8SDeOTS6Ss5OpY",
                "Argon2",
            ),
            (
                "$pbkdf2-sha256$i=20000,l=64$c2Vhc2FsdDFzZWFzYWx0MQ$gwawfXvOTj23XLUbd3x8N1A4eDziXhe/lRQvdLJfkP0",
                "PBKDF2",
            ),
            (
                "scrypt$16385$seasalt1seasalt1$8$5$9M2TQwbLl72TWGaMN1IT7Q==",
                "not a known kind of hash",
            ),
        ] {
            match read(cell) {
                Reading::Refused(Code::PasswordFormat, why) => {
                    assert!(why.contains(words), "{cell}: {why}");
                    assert!(!why.contains("hunter2") && !why.contains(cell), "{why}");
                }
                _ => panic!("{cell}"),
            }
        }
        assert!(matches!(read(&"$".repeat(5000)), Reading::Refused(..)));
        for cell in [
            "$20, $30, or $40 a month, as we said",
            "$2",
            "bcrypt is $5, argon2 $6, scrypt $7",
            "",
        ] {
            assert!(!is_like_one(cell), "{cell}");
        }
    }

    #[test]
    fn hashes_have_a_least_and_a_greatest_cost() {
        let bcrypt = |cost: &str| BCRYPT.replace("$12$", &format!("${cost}$"));
        let argon2 = |parameters: &str| {
            format!(
                "$argon2id$v=19${parameters}$c29tZXNhbHRzb21l$RdescudvJCsgt3ub+b27mb+3FZ7HQ8SDeOTS6Ss5OpY"
            )
        };
        let pbkdf2 = |rounds: u64| {
            format!(
                "$pbkdf2-sha256$i={rounds},l=64${SALT}$Ca/W1uHPdOF53bPWSQyrHQQPdk6KOe20VTbaw0U+WWswH2gciKNBqwk+H7RPgAmCshFAhVRLSSar72bo1/g8dA"
            )
        };
        let scrypt = |parameters: &str| {
            format!("$scrypt${parameters}${SALT}$1a0ZQtnx0oHhn48xj8fOQ5+iE1AgsBClgPgQyKBBRRw")
        };
        let name = |cell: &str| match read(cell) {
            Reading::Taken { weak: None, .. } => "fine",
            Reading::Taken { .. } => "weak",
            Reading::Refused(Code::PasswordCostly, _) => "costly",
            Reading::Refused(..) => "refused",
            Reading::Nothing => "nothing",
        };
        for (cell, wanted) in [
            (bcrypt("04"), "weak"),
            (bcrypt("10"), "fine"),
            (bcrypt("16"), "fine"),
            (bcrypt("17"), "costly"),
            (bcrypt("31"), "costly"),
            (bcrypt("32"), "refused"),
            (argon2("m=19456,t=2,p=1"), "fine"),
            (argon2("m=7168,t=5,p=1"), "fine"),
            (argon2("m=4096,t=3,p=1"), "weak"),
            (argon2("m=1048576,t=4,p=4"), "fine"),
            (argon2("m=1048577,t=1,p=1"), "costly"),
            (argon2("m=1024,t=4294967295,p=1"), "costly"),
            (argon2("m=1048576,t=1,p=65"), "costly"),
            (argon2("m=8,t=1,p=4"), "refused"),
            (pbkdf2(9_999), "weak"),
            (pbkdf2(10_000), "fine"),
            (pbkdf2(5_000_000), "fine"),
            (pbkdf2(5_000_001), "costly"),
            (scrypt("ln=14,r=8,p=1"), "fine"),
            (scrypt("ln=13,r=8,p=1"), "weak"),
            (scrypt("ln=20,r=8,p=1"), "fine"),
            (scrypt("ln=20,r=8,p=5"), "costly"),
            (scrypt("ln=63,r=4294967295,p=1"), "costly"),
            (
                "AAABAgMEBQYHCAkKCwwNDg8A6b+Q5v/5gBndnBKiBiA27187WD3zrXpRRPbHcnNx7A==".into(),
                "weak",
            ),
            (
                "$7$zzzzzzzzzzzSodiumChloride$Xy2UCYvECMaY33B9f31n/UkWH.JGnEekGEBuyUR/h.4".into(),
                "costly",
            ),
        ] {
            assert_eq!(name(&cell), wanted, "{cell}");
        }
    }
}
