//! `[boolean]`: what the words of attributes that are yes or no mean.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use crate::text::key;

/// `[boolean]`: cell → whether it says yes, beside the words that are known anyway. Words are
/// compared as headers are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "BTreeMap<String, bool>")]
pub struct BooleanWords {
    words: HashMap<String, bool>,
}

impl From<BTreeMap<String, bool>> for BooleanWords {
    fn from(words: BTreeMap<String, bool>) -> BooleanWords {
        BooleanWords {
            words: words.iter().map(|(word, yes)| (key(word), *yes)).collect(),
        }
    }
}

impl BooleanWords {
    /// What a word in the form of [`key`] means, if the pipeline says so.
    pub fn meaning(&self, key: &str) -> Option<bool> {
        self.words.get(key).copied()
    }
}
