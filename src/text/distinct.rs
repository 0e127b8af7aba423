//! The texts of a batch, each once: few of the names, groups and the like of many rows differ, so that
//! what is found out about one is kept by its place here.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// Texts in the order in which they were first seen.
#[derive(Default)]
pub struct Distinct<'a> {
    places: HashTable<usize>,
    texts: Vec<&'a str>,
}

impl<'a> Distinct<'a> {
    /// The place of `text`, and whether it is a new one, which is the last.
    pub fn place(&mut self, text: &'a str) -> (usize, bool) {
        let hash = xxh3_64(text.as_bytes());
        let texts = &self.texts;
        if let Some(at) = self.places.find(hash, |at| texts[*at] == text) {
            return (*at, false);
        }
        let at = self.texts.len();
        self.texts.push(text);
        let texts = &self.texts;
        let hash_of = |at: &usize| xxh3_64(texts[*at].as_bytes());
        self.places.insert_unique(hash, at, hash_of);
        (at, true)
    }

    /// All of them.
    pub fn texts(&self) -> &[&'a str] {
        &self.texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_one_place() {
        let mut distinct = Distinct::default();
        let places: Vec<(usize, bool)> = ["Sales", "Ops", "Sales", ""]
            .iter()
            .map(|text| distinct.place(text))
            .collect();
        assert_eq!(places, [(0, true), (1, true), (0, false), (2, true)]);
        assert_eq!(distinct.texts(), ["Sales", "Ops", ""]);
    }
}
