//! `[role]`: what the words of a role column mean.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};

use super::Headers;
use super::place::{Checked, Mistake, one_of};
use crate::text;
use crate::text::key;

/// Which role new accounts get whose row names none, by a group or the organization of the row. Where
/// a rule names both, both must fit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRule {
    /// A group's path, or `PATH/*` for all below it.
    pub group: Option<String>,
    /// An organization's name; case doesn't matter.
    pub organization: Option<String>,
    /// The role.
    pub role: String,
}

impl fmt::Display for RoleRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rule for")?;
        let named = [("group", &self.group), ("organization", &self.organization)];
        for (kind, name) in named {
            if let Some(name) = name {
                write!(f, " {kind} `{name}`")?;
            }
        }
        Ok(())
    }
}

/// The key of `[role]` that holds the rules.
const RULES: &str = "rules";

/// `[role]`: role → what cells may say for it. `*` is every word that is neither a role nor one of
/// these. Words are compared as headers are. And `rules`.
#[derive(Debug, Clone, Default)]
pub struct RoleWords {
    /// Which role a new account gets whose row names none; the first that fits counts.
    pub rules: Vec<RoleRule>,
    /// As the pipeline has it.
    listed: BTreeMap<String, Headers>,
    words: HashMap<String, String>,
    others: Option<String>,
    /// The roles that the pipeline may give; they mean themselves.
    roles: Vec<String>,
}

impl<'de> Deserialize<'de> for RoleWords {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<RoleWords, D::Error> {
        deserializer.deserialize_map(Section)
    }
}

/// Reads the section: a table whose keys are roles, but for the rules.
struct Section;

impl<'de> Visitor<'de> for Section {
    type Value = RoleWords;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a table of roles and their words")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RoleWords, A::Error> {
        let mut listed: BTreeMap<String, Headers> = BTreeMap::new();
        let mut rules = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == RULES {
                rules = map.next_value()?;
            } else {
                listed.insert(key, map.next_value()?);
            }
        }
        let mut words = RoleWords::from(listed);
        words.rules = rules;
        Ok(words)
    }
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
        for rule in &mut self.rules {
            rule.role = lower(&rule.role);
        }
    }

    /// Every rule gives a role that the pipeline may give, to somebody.
    fn check_rules(&self, known: &[&str]) -> Checked {
        for rule in &self.rules {
            if !known.contains(&rule.role.as_str()) {
                return one_of(&["role", RULES], "[role] rules", &rule.role, known);
            }
            let mut named = [&rule.group, &rule.organization].into_iter().flatten();
            if named.clone().count() == 0 || named.any(|name| name.trim().is_empty()) {
                let message = format!(
                    "the rule for `{}` needs a `group` or an `organization`; the role of everybody \
                        else is `default_role` under `[accounts]`",
                    rule.role
                );
                return Err(Mistake::at(&["role", RULES], message).word(&rule.role));
            }
        }
        Ok(())
    }

    /// Only roles that the pipeline may give are named, and no word has two meanings.
    pub(super) fn check(&self) -> Checked {
        let known: Vec<&str> = self.roles.iter().map(String::as_str).collect();
        self.check_rules(&known)?;
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
