//! `muster groups`: the groups as they are now, and what an administrator does to them.

use crate::cli::listing::unknown;
use crate::meaning::group;
use crate::refusal::Result;
use crate::store::groups::GroupRecord;

/// The group of that name.
///
/// # Errors
/// `selection.unknown`, with the nearest one.
pub(super) fn find_group<'a>(groups: &'a [GroupRecord], wanted: &str) -> Result<&'a GroupRecord> {
    let key = group::key(wanted.trim());
    let found = groups.iter().find(|group| group.key == key);
    found.ok_or_else(|| {
        unknown(
            "group",
            wanted,
            groups.iter().map(|group| group.path.as_str()),
        )
    })
}

/// A group, and all below it.
pub(super) fn below<'a>(groups: &'a [GroupRecord], top: &'a GroupRecord) -> Vec<&'a GroupRecord> {
    let mut all = vec![top];
    let mut at = 0;
    while at < all.len() {
        let above = all[at].id;
        let is_new = |group: &&GroupRecord| {
            group.parent == Some(above) && all.iter().all(|known| known.id != group.id)
        };
        let fresh: Vec<&GroupRecord> = groups.iter().filter(is_new).collect();
        all.extend(fresh);
        at += 1;
    }
    all
}
