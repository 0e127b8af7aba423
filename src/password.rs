//! Which passwords are accepted, and what is stored of them.
//!
//! The rules are those of NIST SP 800-63B-4, section 3.1.1.2: long, any characters, not easily
//! guessed, and no rules about kinds of characters. A password is compared and hashed in its NFKC
//! form, so that it is the same on every keyboard; an application that verifies it must do the
//! same.

use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use rayon::prelude::*;
use unicode_normalization::UnicodeNormalization;
use zxcvbn::zxcvbn;

/// The most code points of a password. More is refused, never cut.
pub const CHARS_MAX: usize = 128;
/// A personal word shorter than this may be in a password: it would be there by chance.
const WORD_CHARS_MIN: usize = 4;
/// What an attacker must be expected to need, where attempts to sign in are limited.
const GUESSES_MIN: u64 = 100_000_000;
/// How much of a password the estimate reads, for its time grows faster than the length.
const ESTIMATED_CHARS: usize = 72;

/// What is known about the person who chooses, and so isn't a secret.
#[derive(Default)]
pub struct Known<'a> {
    /// First, last and user name, in every version that is known.
    pub names: &'a [&'a str],
    /// The address.
    pub email: &'a str,
    /// What the password is for.
    pub product: &'a str,
}

/// Why a password isn't taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// Fewer code points than the pipeline wants.
    Short,
    /// More than [`CHARS_MAX`] code points.
    Long,
    /// A control character, which can't be typed again.
    Control,
    /// It contains a part of the person's name.
    Name,
    /// It contains the front of the person's address.
    Email,
    /// It contains the name of the product.
    Product,
    /// An attacker would come to it soon.
    Easy,
}

/// The NFKC form of `password`, if it is taken. `chars_min` is in code points of that form.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(
    password: &str,
    chars_min: usize,
    known: &Known<'_>,
) -> std::result::Result<String, Problem> {
    let normal: String = password.nfkc().collect();
    let chars = normal.chars().count();
    if chars < chars_min {
        return Err(Problem::Short);
    }
    if chars > CHARS_MAX {
        return Err(Problem::Long);
    }
    if normal.chars().any(char::is_control) {
        return Err(Problem::Control);
    }
    let folded = fold(&normal);
    let names: Vec<String> = known.names.iter().flat_map(|name| words(name)).collect();
    let local = fold(known.email.rsplit_once('@').map_or("", |(local, _)| local));
    let product = fold(known.product.trim());
    let has = |word: &String| word.chars().count() >= WORD_CHARS_MIN && folded.contains(word);
    if names.iter().any(has) {
        return Err(Problem::Name);
    }
    if has(&local) {
        return Err(Problem::Email);
    }
    if has(&product) {
        return Err(Problem::Product);
    }
    let mut inputs: Vec<String> = names;
    inputs.extend(words(known.email));
    inputs.extend(words(known.product));
    inputs.extend([local, product]);
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let estimated: String = normal.chars().take(ESTIMATED_CHARS).collect();
    if zxcvbn(&estimated, &inputs).guesses() < GUESSES_MIN {
        return Err(Problem::Easy);
    }
    Ok(normal)
}

/// The PHC string of a password in its NFKC form: Argon2id with 19 MiB, two passes and one lane
/// (OWASP Password Storage Cheat Sheet), and a salt from the operating system. Takes about 25 ms.
///
/// # Errors
/// `mail.settings` when the system has no memory or no randomness for it; the password isn't named.
pub fn hash(normal: &str) -> Result<String> {
    let failed = |error: &dyn std::fmt::Display| {
        let what = format!("a password can't be hashed: {error}");
        Refusal::new(Code::MailSettings, what)
    };
    let params = Params::new(19_456, 2, 1, None).map_err(|error| failed(&error))?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(normal.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| failed(&error))
}

/// Whether `typed` is the password of which `phc` is the hash. Takes as long as [`hash`].
pub fn verify(typed: &str, phc: &str) -> bool {
    let normal: String = typed.nfkc().collect();
    let phc = PasswordHash::new(phc);
    phc.is_ok_and(|phc| {
        Argon2::default()
            .verify_password(normal.as_bytes(), &phc)
            .is_ok()
    })
}

/// A password that an administrator gives to several people. Nothing shows it.
#[derive(Clone)]
pub struct Given(String);

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Given(…)")
    }
}

impl Given {
    /// Takes `password` if [`check`] takes it for each of `people`.
    ///
    /// # Errors
    /// The rule that it breaks, and for how many of them.
    pub fn new(
        password: &str,
        chars_min: usize,
        people: &[Known<'_>],
    ) -> std::result::Result<Given, (Problem, usize)> {
        // What everybody may break is said first, of all.
        let normal = check(password, chars_min, &Known::default())
            .map_err(|problem| (problem, people.len()))?;
        let problems: Vec<Problem> = people
            .par_iter()
            .filter_map(|known| check(password, chars_min, known).err())
            .collect();
        match problems.first() {
            Some(first) => Err((*first, problems.len())),
            None => Ok(Given(normal)),
        }
    }

    /// Its hash, with a salt of its own each time.
    ///
    /// # Errors
    /// As [`hash`].
    pub fn hash(&self) -> Result<String> {
        hash(&self.0)
    }
}

fn fold(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase()
}

/// The runs of letters of `text`, folded.
fn words(text: &str) -> Vec<String> {
    fold(text)
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .map(String::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::password::{CHARS_MAX, Known, Problem, check, hash, verify};
    use argon2::Argon2;
    use argon2::password_hash::PasswordVerifier;
    use argon2::password_hash::phc::PasswordHash;

    const KNOWN: Known<'_> = Known {
        names: &["Anna-Lena", "Müller", "Li"],
        email: "a.mueller79@example.com",
        product: "Acme Learning",
    };

    #[test]
    fn passwords_are_judged_by_length_and_by_what_others_know() {
        let words = "grünes Sofa im Regen";
        let long = "7Kq-".repeat(32);
        for (password, expected) in [
            (words, Ok(())),
            ("correct tulip wagon ledger", Ok(())),
            ("vKz8#qLw2pXr9!mT", Ok(())),
            ("🦊 unter dem 🌙 tanzt 🎷", Ok(())),
            ("これはとても長いパスワードです", Ok(())),
            (" lead and trail stay ", Ok(())),
            // Two letters of a name may be in it: `Li`.
            ("blithe oboe kettle plank", Ok(())),
            ("vKz8#qLw2pXr9!", Err(Problem::Short)),
            ("", Err(Problem::Short)),
            ("line one\nline two of it", Err(Problem::Control)),
            ("anna eats nine green kiwis", Err(Problem::Name)),
            ("vKz8#qLwMÜLLER2pXr9", Err(Problem::Name)),
            // Decomposed and full-width letters are the same word.
            ("vKz8#qLwmu\u{308}ller2pXr9", Err(Problem::Name)),
            ("vKz8#qLwＡｎｎａ2pXr9", Err(Problem::Name)),
            ("kiwi a.mueller79 sofa rain", Err(Problem::Email)),
            ("vKz8#qLw acme learning", Err(Problem::Product)),
            ("aaaaaaaaaaaaaaaaaaaa", Err(Problem::Easy)),
            ("passwordpassword", Err(Problem::Easy)),
            ("qwertyuiopasdfghjkl", Err(Problem::Easy)),
            ("1234567890123456789", Err(Problem::Easy)),
            ("abcabcabcabcabcabcabc", Err(Problem::Easy)),
        ] {
            let judged = check(password, 15, &KNOWN).map(|_| ());
            assert_eq!(judged, expected, "{password}");
        }
        assert_eq!(check("vKz8#qLw", 8, &KNOWN), Ok("vKz8#qLw".to_string()));
        assert_eq!(long.chars().count(), CHARS_MAX);
        assert_ne!(check(&long, 15, &KNOWN), Err(Problem::Long));
        assert_eq!(check(&(long + "x"), 15, &KNOWN), Err(Problem::Long));
        // One code point that NFKC writes with eighteen.
        let sallallahou = "\u{fdfa}".repeat(8);
        assert_eq!(check(&sallallahou, 15, &KNOWN), Err(Problem::Long));
    }

    #[test]
    fn the_whole_password_is_hashed_in_its_normal_form() {
        let typed = format!("{}u\u{308}\u{a0}", "vKz8#qLw".repeat(10));
        let normal = check(&typed, 15, &Known::default()).unwrap();
        assert!(normal.ends_with("ü "));
        let phc = hash(&normal).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_ne!(phc, hash(&normal).unwrap());
        assert!(verify(&typed, &phc) && !verify("x", &phc) && !verify("x", "y"));
        let phc = PasswordHash::new(&phc).unwrap();
        let verifies = |text: &str| {
            Argon2::default()
                .verify_password(text.as_bytes(), &phc)
                .is_ok()
        };
        assert!(verifies(&normal));
        assert!(!verifies(normal.trim_end()));
        assert!(!verifies(&typed));
    }
}
