//! `[role]`: what the words of a role column mean.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::Headers;
use super::place::{Checked, Mistake, one_of};
use crate::text;
use crate::text::key;

/// `[role]`: role → what cells may say for it. `*` is every word that is neither a role nor one of
/// these. Words are compared as headers are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "BTreeMap<String, Headers>")]
pub struct RoleWords {
    /// As the pipeline has it.
    listed: BTreeMap<String, Headers>,
    words: HashMap<String, String>,
    others: Option<String>,
    /// The roles that the pipeline may give; they mean themselves.
    roles: Vec<String>,
}

impl From<BTreeMap<String, Headers>> for RoleWords {
    fn from(listed: BTreeMap<String, Headers>) -> RoleWords {
        let mut own = RoleWords::default();
        for (role, words) in &listed {
            let role = text::lower(role).unwrap_or_else(|| role.clone());
            for word in words.as_slice() {
                if word == "*" {
                    own.others = Some(role.clone());
                } else {
                    own.words.insert(key(word), role.clone());
                }
            }
        }
        own.listed = listed;
        own
    }
}

impl RoleWords {
    /// Takes the roles that the pipeline may give, which mean themselves.
    pub(super) fn allow(&mut self, roles: &[String]) {
        let lower = |role: &String| text::lower(role).unwrap_or_else(|| role.clone());
        self.roles = roles.iter().map(lower).collect();
    }

    /// Only roles that the pipeline may give are named, and no word has two meanings.
    pub(super) fn check(&self) -> Checked {
        let known: Vec<&str> = self.roles.iter().map(String::as_str).collect();
        let mut seen: HashMap<String, &str> = HashMap::new();
        for (role, words) in &self.listed {
            let lower = text::lower(role).unwrap_or_else(|| role.clone());
            if !known.contains(&lower.as_str()) {
                return one_of(&["role", role], "[role]", role, &known);
            }
            for word in words.as_slice() {
                let lower_word = text::lower(word).unwrap_or_else(|| word.clone());
                let is_role = known.contains(&lower_word.as_str()) && lower_word != lower;
                let key = if word == "*" { word.clone() } else { key(word) };
                let earlier = seen.insert(key, role).filter(|earlier| *earlier != role);
                if earlier.is_some() || is_role {
                    let other = earlier.unwrap_or(word);
                    let message = format!("the word `{word}` means both `{other}` and `{role}`");
                    return Err(Mistake::at(&["role", role], message).word(word));
                }
            }
        }
        Ok(())
    }

    /// Whether the pipeline says nothing.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// The role that `lower`, which is in lower case, means, if the pipeline says so.
    pub fn meaning(&self, lower: &str) -> Option<&str> {
        if let Some(role) = self.roles.iter().find(|role| *role == lower) {
            return Some(role);
        }
        let own = self.words.get(&key(lower)).or(self.others.as_ref());
        own.map(String::as_str)
    }
}
