//! Groups: a cell that lists several, each maybe a path of groups within groups.

use std::borrow::Cow;
use std::collections::HashSet;

use hashbrown::HashTable;
use unicode_normalization::UnicodeNormalization;
use xxhash_rust::xxh3::xxh3_64;

use super::{Rule, Rules, text, words};
use crate::definition::Groups;
use crate::row::CLEARED;

/// Between the groups of a cleaned value. Cleaning removes control characters from text, so it
/// can't be part of a name.
pub const GROUP_SEPARATOR: char = '\u{1f}';
/// Between a group and the group above it, whatever the file has there.
pub const GROUP_NESTING: char = '/';

/// So many cells are remembered of a batch, each of so many bytes.
const CLEANED_MAX: usize = 2048;
const CLEANED_BYTES_MAX: usize = 256;

/// The groups of a cleaned value: paths whose parts stand between [`GROUP_NESTING`].
pub fn groups(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(GROUP_SEPARATOR)
        .filter(|group| !group.is_empty() && *group != CLEARED)
}

/// The path of a group of a cleaned value, and the role in it that the value names, if it names one.
pub fn path_and_role<'a>(group: &'a str, policy: &Groups) -> (&'a str, Option<&'a str>) {
    match policy.role_mark.and_then(|mark| group.rsplit_once(mark)) {
        Some((path, role)) => (path, Some(role)),
        None => (group, None),
    }
}

/// What groups of one name are told by: NFKC and lower case, so that `Sales` and `SALES` are one.
pub fn key(group: &str) -> String {
    if group.is_ascii() {
        return group.to_ascii_lowercase();
    }
    group.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// A cell as read to the groups it lists, joined by [`GROUP_SEPARATOR`]: text is cleaned, the
/// cell split, every part of a path trimmed; empty and repeated groups are dropped. What stands
/// behind the last mark of a role, where the pipeline has one, is a role, in lower case.
///
/// Where another character than `/` nests, a `/` in a name is doubled: the empty part makes
/// `validate` report the group, for a stored name can't hold it.
pub fn clean<'a>(cell: &'a str, policy: &Groups) -> (Cow<'a, str>, Rules) {
    if text::is_clean(cell) && !cell.contains(|c| is_mark(c, policy)) {
        return (Cow::Borrowed(cell), Rules::NONE);
    }
    clean_list(cell, policy)
}

/// Cells that were cleaned by one policy, each once: a file has few that differ.
#[derive(Default)]
pub struct Cleaned {
    places: HashTable<u32>,
    cells: Vec<(String, String, Rules)>,
}

impl Cleaned {
    /// [`clean`], looked up where the cell was cleaned before.
    pub fn clean<'a>(&'a mut self, cell: &'a str, policy: &Groups) -> (Cow<'a, str>, Rules) {
        if cell.is_empty() {
            return (Cow::Borrowed(cell), Rules::NONE);
        }
        let hash = xxh3_64(cell.as_bytes());
        let is_it = |place: &u32| self.cells[*place as usize].0 == cell;
        let place = match self.places.find(hash, is_it) {
            Some(place) => *place as usize,
            None if self.cells.len() >= CLEANED_MAX || cell.len() > CLEANED_BYTES_MAX => {
                return clean(cell, policy);
            }
            None => {
                let (value, rules) = clean(cell, policy);
                let value = value.into_owned();
                self.cells.push((cell.to_string(), value, rules));
                let place = self.cells.len() - 1;
                let hash_of = |place: &u32| xxh3_64(self.cells[*place as usize].0.as_bytes());
                self.places.insert_unique(hash, place as u32, hash_of);
                place
            }
        };
        let (_, value, rules) = &self.cells[place];
        (Cow::Borrowed(value), *rules)
    }
}

fn clean_list<'a>(cell: &'a str, policy: &Groups) -> (Cow<'a, str>, Rules) {
    let mut rules = Rules::NONE;
    let mut seen = Seen::default();
    let mut joined = String::with_capacity(cell.len());
    for piece in cell.split(GROUP_SEPARATOR) {
        let (piece, text_rules) = text::clean(piece);
        rules.add_all(text_rules);
        for name in piece.split(|c| policy.separators.contains(&c)) {
            let trimmed = name.trim_matches(' ');
            let path = entry(trimmed, policy);
            if path.is_empty() || !seen.insert(&path) {
                rules.add(Rule::GroupList);
                continue;
            }
            if path != trimmed {
                rules.add(Rule::GroupList);
            }
            if !joined.is_empty() {
                joined.push(GROUP_SEPARATOR);
            }
            joined.push_str(&path);
        }
    }
    if joined == cell {
        return (Cow::Borrowed(cell), Rules::NONE);
    }
    (
        Cow::Owned(joined),
        if cell.trim().is_empty() {
            rules.without(Rule::GroupList)
        } else {
            rules
        },
    )
}

/// The groups of a cell so far. Nearly all cells list a handful, which are compared one by one.
#[derive(Default)]
struct Seen {
    few: Vec<String>,
    many: HashSet<String>,
}

impl Seen {
    /// Whether `path` is new.
    fn insert(&mut self, path: &str) -> bool {
        let key = key(path);
        if self.few.contains(&key) || self.many.contains(&key) {
            return false;
        }
        if self.few.len() < 16 {
            self.few.push(key);
        } else {
            self.many.insert(key);
        }
        true
    }
}

fn is_mark(character: char, policy: &Groups) -> bool {
    character == policy.nesting
        || character == GROUP_NESTING
        || policy.role_mark == Some(character)
        || policy.separators.contains(&character)
}

fn entry<'a>(name: &'a str, policy: &Groups) -> Cow<'a, str> {
    let Some((mark, (group, role))) = policy
        .role_mark
        .and_then(|mark| Some((mark, name.rsplit_once(mark)?)))
    else {
        return path(name, policy.nesting);
    };
    let group = path(group.trim_matches(' '), policy.nesting);
    let role = role.trim_matches(' ');
    let role = words::lower(role).map_or(Cow::Borrowed(role), Cow::Owned);
    Cow::Owned(format!("{group}{mark}{role}"))
}

fn path(name: &str, nesting: char) -> Cow<'_, str> {
    if !name.contains([nesting, GROUP_NESTING]) {
        return Cow::Borrowed(name);
    }
    // Directories write paths from their root: `/Staff/Sales`.
    let name = name.trim_start_matches([nesting, ' ']);
    let parts = name.split(nesting).map(|part| part.trim_matches(' '));
    if nesting == GROUP_NESTING {
        return Cow::Owned(parts.collect::<Vec<_>>().join("/"));
    }
    let doubled = parts.map(|part| match part.contains("//") {
        true => part.to_string(),
        false => part.replace('/', "//"),
    });
    Cow::Owned(doubled.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(cell: &str, policy: &Groups) -> Vec<String> {
        groups(&clean(cell, policy).0).map(String::from).collect()
    }

    #[test]
    fn cells_are_split_and_repeats_dropped() {
        let policy = Groups::default();
        assert_eq!(list("", &policy), [""; 0]);
        assert_eq!(list(" ; ,", &policy), [""; 0]);
        assert_eq!(list("Sales", &policy), ["Sales"]);
        assert_eq!(list("Sales; Berlin,SALES , ", &policy), ["Sales", "Berlin"]);
        assert_eq!(list("A / B;A/B", &policy), ["A/B"]);
        assert_eq!(list("A//B;/A", &policy), ["A//B", "A"]);
        assert_eq!(list("R\u{a0}D;ﬁ;fi", &policy), ["R D", "ﬁ"]);
        assert_eq!(
            clean("A;B", &policy),
            (Cow::Owned("A\u{1f}B".to_string()), Rules::NONE)
        );
        let rules: Vec<Rule> = clean("A;;B", &policy).1.iter().collect();
        assert_eq!(rules, [Rule::GroupList]);
    }

    #[test]
    fn a_role_stands_behind_the_last_mark_where_there_is_one() {
        let plain = Groups::default();
        assert_eq!(list("A:B ; a:b", &plain), ["A:B"]);
        let marked = Groups {
            role_mark: Some(':'),
            ..Groups::default()
        };
        let cell = "Sales / EMEA : Manager; R:D:Lead; Sales/EMEA:manager; Board";
        let groups = list(cell, &marked);
        assert_eq!(groups, ["Sales/EMEA:manager", "R:D:lead", "Board"]);
        let parts = groups.iter().map(|group| path_and_role(group, &marked));
        assert_eq!(
            parts.collect::<Vec<_>>(),
            [
                ("Sales/EMEA", Some("manager")),
                ("R:D", Some("lead")),
                ("Board", None)
            ]
        );
    }

    #[test]
    fn another_nesting_character_is_stored_as_a_slash() {
        let policy = Groups {
            separators: vec!['|'],
            nesting: '>',
            ..Groups::default()
        };
        assert_eq!(list("A > B|C; D", &policy), ["A/B", "C; D"]);
        assert_eq!(list("R/D > Lab", &policy), ["R//D/Lab"]);
    }
}
