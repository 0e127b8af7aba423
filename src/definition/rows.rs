//! `[rows]`: rows of one file that contradict each other.

use serde::Deserialize;

/// What happens to rows of one run that share a key and differ elsewhere.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Clashes {
    /// All of them are rejected, each naming the others.
    #[default]
    Reject,
    /// The first stays, the others are skipped.
    First,
    /// The last stays, the others are skipped.
    Last,
}

/// `[rows]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rows {
    /// Rows with the same key and other values.
    pub clashes: Clashes,
    /// Codes of warnings that reject the row in this pipeline, such as `email.typo`.
    pub reject: Vec<String>,
}
