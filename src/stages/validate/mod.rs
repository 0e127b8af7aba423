//! validate: everything that is wrong with a row, not the first thing.

use crate::definition::Definition;
use crate::outcome::Verdict;
use crate::row::{Drafts, Layout, People};

/// Checks a batch and makes the match keys of its rows. `verdicts` has `Duplicate` where `dedupe`
/// found one (such rows are not checked) and `Kept` elsewhere.
pub fn validate(
    _drafts: Drafts,
    _verdicts: Vec<Verdict>,
    _layout: &Layout,
    _definition: &Definition,
) -> People {
    todo!()
}
