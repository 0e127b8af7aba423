//! The groups: which one is meant, and those below it.

use crate::definition::{Visibility, nearest};
use crate::issue::Code;
use crate::meaning::group;
use crate::refusal::{Refusal, Result};
use crate::report::human::safe;
use crate::store::groups::GroupRecord;

/// The group of that name.
///
/// # Errors
/// `selection.unknown`, with the nearest one.
pub fn find_group<'a>(groups: &'a [GroupRecord], wanted: &str) -> Result<&'a GroupRecord> {
    let key = group::key(wanted.trim());
    let found = groups.iter().find(|group| group.key == key);
    let paths = groups.iter().map(|group| group.path.as_str());
    found.ok_or_else(|| unknown("group", wanted, paths))
}

/// A group, and all below it, those below after those above.
pub fn below<'a>(groups: &'a [GroupRecord], top: &'a GroupRecord) -> Vec<&'a GroupRecord> {
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

/// The word for who sees its members.
pub fn visibility(group: &GroupRecord) -> &'static str {
    match group.is_public {
        true => Visibility::Public.name(),
        false => Visibility::Private.name(),
    }
}

/// The groups that members of a public one may join as well: those above, up to the first private one.
pub fn joined_above<'a>(groups: &'a [GroupRecord], group: &'a GroupRecord) -> Vec<&'a GroupRecord> {
    let mut above: Vec<&GroupRecord> = Vec::new();
    let mut at = group;
    while at.is_public
        && let Some(next) = groups.iter().find(|group| Some(group.id) == at.parent)
        && above.iter().all(|known| known.id != next.id)
    {
        above.push(next);
        at = next;
    }
    above
}

/// The refusal for a word that names nothing of a kind, with the nearest that does.
pub fn unknown<'a>(
    what: &str,
    wanted: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Refusal {
    let refusal = Refusal::new(
        Code::SelectionUnknown,
        format!("no {what} `{}`", safe(wanted)),
    );
    let lower = wanted.to_lowercase();
    let near = nearest(wanted, known.clone()).or_else(|| {
        let near =
            |name: &&str| nearest(&lower, std::iter::once(name.to_lowercase().as_str())).is_some();
        known.clone().find(near)
    });
    match near {
        Some(near) => refusal.help(format!("did you mean `{}`?", safe(near))),
        None if known.clone().next().is_none() => refusal.help(format!("there is no {what} yet")),
        None => {
            const SHOWN_MAX: usize = 10;
            let names: Vec<String> = known
                .clone()
                .take(SHOWN_MAX)
                .map(|name| format!("`{}`", safe(name)))
                .collect();
            let more = if known.count() > SHOWN_MAX {
                ", …"
            } else {
                ""
            };
            refusal.help(format!("there are: {}{more}", names.join(", ")))
        }
    }
}
