//! clean: every value in the form that it is stored in. `clean(clean(x)) == clean(x)`.

use crate::definition::Definition;
use crate::row::{Cells, Drafts, Layout};
use crate::stages::map::Mapping;

/// Applies `mapping` to a batch and cleans every value.
pub fn clean(
    _cells: Cells,
    _mapping: &Mapping,
    _layout: &Layout,
    _definition: &Definition,
) -> Drafts {
    todo!()
}

/// What parts the groups of a cleaned cell.
pub const GROUP_SEPARATOR: char = '\u{1f}';

/// The groups of a cleaned cell, as paths.
pub fn groups(value: &str) -> impl Iterator<Item = &str> {
    value.split(GROUP_SEPARATOR).filter(|path| !path.is_empty())
}
