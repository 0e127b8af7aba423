//! `[status]`: what the words of a status column mean.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use crate::text::key;

/// What a word of a status column means. The last of them that a row's columns say counts.
#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// Nothing: an account keeps its status, and a new one gets that of new accounts.
    Keep,
    /// The account is active.
    Active,
    /// The account waits for its person.
    Invited,
    /// The account is closed.
    Deactivated,
    /// The row is about nobody, and left out.
    Skip,
}

/// `[status]`: cell → what it means. `*` is every other word; without it, words that are known
/// anyway (`active`, `disabled`, `ja`, …) keep their meaning.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "BTreeMap<String, Meaning>")]
pub struct StatusWords {
    words: HashMap<String, Meaning>,
    others: Option<Meaning>,
    empty: Option<Meaning>,
}

impl From<BTreeMap<String, Meaning>> for StatusWords {
    fn from(mut words: BTreeMap<String, Meaning>) -> StatusWords {
        StatusWords {
            others: words.remove("*"),
            empty: words.remove(""),
            words: words
                .iter()
                .map(|(word, meaning)| (key(word), *meaning))
                .collect(),
        }
    }
}

impl StatusWords {
    /// What an empty cell means, if the pipeline says so.
    pub fn of_empty(&self) -> Option<Meaning> {
        self.empty
    }

    /// What `text` means, if the pipeline says so. Words are compared as headers are.
    pub fn meaning(&self, text: &str) -> Option<Meaning> {
        if self.words.is_empty() {
            return self.others;
        }
        self.words.get(&key(text)).copied().or(self.others)
    }
}
