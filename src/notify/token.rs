//! Tokens and the links that carry them.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// The secret of one link: 32 bytes from the operating system. Only its SHA-256 is ever stored; a
/// fast hash will do, because there is nothing to guess (OWASP Forgot Password Cheat Sheet).
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// `mail.settings` when the system has no randomness: a token must never be guessable.
    pub fn new() -> Result<Token> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| {
            let what = format!("the system gives no random bytes: {error}");
            Refusal::new(Code::MailSettings, what)
        })?;
        Ok(Token(bytes))
    }

    /// As it is in a link: 43 characters of base64url (RFC 4648, section 5), no padding.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What the database keeps.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.text()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// SHA-256 of the text of a token, as somebody brought it.
pub fn sha256_of(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// The link of `token`: put after a base that ends in `/`, `=`, `?` or `#`, else after a slash.
pub fn link(base: &str, token: &str) -> String {
    let joint = if base.ends_with(['/', '=', '?', '#']) {
        ""
    } else {
        "/"
    };
    format!("{base}{joint}{token}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn tokens_are_long_safe_in_urls_and_never_repeat() {
        let tokens: HashSet<String> = (0..10_000).map(|_| Token::new().unwrap().text()).collect();
        assert_eq!(tokens.len(), 10_000);
        assert!(tokens.iter().all(|text| text.len() == 43));
        let safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(tokens.iter().all(|text| text.chars().all(safe)));
        let token = Token::new().unwrap();
        assert_eq!(token.sha256(), sha256_of(&token.text()));
        assert_eq!(format!("{token:?}"), "Token(…)");
    }

    #[test]
    fn links_lead_where_the_base_says() {
        assert_eq!(
            link("https://a.example/join", "T"),
            "https://a.example/join/T"
        );
        assert_eq!(
            link("https://a.example/?token=", "T"),
            "https://a.example/?token=T"
        );
    }
}
