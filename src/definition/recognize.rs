//! `[recognize]`: by which columns a file is one of a pipeline's.

use serde::Deserialize;

use super::Headers;
use crate::text::key;

/// `[recognize]`: the columns that tell a file of this pipeline's kind from any other.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recognize {
    /// All of them must be there; of a list within the list, one.
    pub headers: Vec<Headers>,
}

impl Recognize {
    /// The columns of `header` by which the file is recognised, if it is.
    pub fn fits<'a>(&self, header: &'a [String]) -> Option<Vec<&'a str>> {
        let keys: Vec<String> = header.iter().map(|name| key(name)).collect();
        let found = |wanted: &Headers| {
            let wanted = wanted.as_slice().iter();
            let mut places = wanted.map(|name| keys.iter().position(|other| *other == key(name)));
            let place = places.find_map(|place| place)?;
            Some(header[place].trim())
        };
        if self.headers.is_empty() {
            return None;
        }
        self.headers.iter().map(found).collect()
    }
}
