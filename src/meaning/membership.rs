//! membership: in which groups an account is, and with which roles.
//!
//! Memberships are compared, recorded and undone as *entries*, one text each: `sales` is a
//! membership, `sales//manager` a role in it, and `sales//` a membership that only came down from a
//! group below. `//yoga` is an enrolment in a session. No name of a group has an empty part, so no two
//! things have one entry. Pure.

use crate::text;
use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use uuid::Uuid;

use crate::definition::{
    Definition, EmptyCell, Groups, Memberships, UpdatePolicy, Updates, Visibility, nearest,
};
use crate::field::{CLEARED, Field};
use crate::meaning::group;
use crate::meaning::group::{GROUP_NESTING, groups};

/// Between a group's key and a role, and before the key of a session.
const MARK: &str = "//";

/// The key of the group of an entry, and its role: none for a membership, empty for an inherited one.
/// The entry of a session is its key among groups, as it is.
pub fn parts(entry: &str) -> (&str, Option<&str>) {
    match entry.split_once(MARK) {
        Some(("", _)) | None => (entry, None),
        Some((key, role)) => (key, Some(role)),
    }
}

/// The entry of a session of that name.
pub fn of_session(name: &str) -> String {
    format!("{MARK}{}", group::key(name))
}

/// The key of the session of an entry; none for a membership.
pub fn session(entry: &str) -> Option<&str> {
    entry.strip_prefix(MARK)
}

/// The fields that entries are of.
pub const FIELDS: [Field; 2] = [Field::Groups, Field::Sessions];

/// The entries of one of [`FIELDS`], as changes are recorded: a session by its key alone.
pub fn recorded(entries: &[String], field: Field) -> Value {
    let of_field = entries.iter().filter_map(|entry| match session(entry) {
        Some(key) => (field == Field::Sessions).then_some(key),
        None => (field == Field::Groups).then_some(entry.as_str()),
    });
    of_field.collect::<Vec<&str>>().into()
}

/// The entries of one of [`FIELDS`] that [`recorded`] wrote.
pub fn of_recorded(list: &Value, field: Field) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten();
    let texts = texts.filter_map(Value::as_str);
    match field {
        Field::Sessions => texts.map(|key| format!("{MARK}{key}")).collect(),
        _ => texts.map(String::from).collect(),
    }
}

/// The key of the group of an entry.
pub fn key_of(entry: &str) -> &str {
    parts(entry).0
}

/// An entry as people read it.
pub fn shown(entry: &str) -> String {
    if let Some(key) = session(entry) {
        return key.to_string();
    }
    match parts(entry) {
        (key, None) => key.to_string(),
        (key, Some("")) => format!("{key} (inherited)"),
        (key, Some(role)) => format!("{key} ({role})"),
    }
}

/// Entries as `match.sql` and `undo_present.sql` have them, all of a membership in one text, to
/// entries one by one, sorted.
pub fn unpacked(packed: Vec<String>) -> Vec<String> {
    let mut entries = Vec::with_capacity(packed.len());
    for text in packed {
        let (key, roles) = match text.split_once(MARK) {
            Some((key, roles)) if !roles.is_empty() && !key.is_empty() => (key.to_string(), roles),
            _ => {
                entries.push(text);
                continue;
            }
        };
        entries.extend(roles.split(MARK).map(|role| format!("{key}{MARK}{role}")));
        entries.push(key);
    }
    entries.sort_unstable();
    entries
}

fn is_direct(entry: &str) -> bool {
    parts(entry).1 != Some("")
}

/// Whether somebody with these entries is in any group by himself.
pub fn is_member(entries: &[String]) -> bool {
    let is_group = |entry: &String| is_direct(entry) && session(entry).is_none();
    entries.iter().any(is_group)
}

/// A group that exists.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its id.
    pub id: Uuid,
    /// Whether those above see who is in it.
    pub public: bool,
    /// The key of the group above it.
    pub parent: Option<String>,
}

/// All groups there are, and how those will be that an import makes.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    known: HashMap<String, Known>,
    new: Visibility,
    /// Keys, or beginnings of keys that end in a nesting mark, and what is said of them.
    new_of: Vec<(String, Visibility)>,
    /// What members are of whom no role is known.
    default_role: String,
}

impl Tree {
    /// The tree of these groups, by key.
    pub fn new(known: HashMap<String, Known>, policy: &Groups) -> Tree {
        let rules = policy.visibility_of.iter().map(|(path, visibility)| {
            let path = group::clean(path, policy).value;
            let key = group::key(path.strip_suffix('*').unwrap_or(&path));
            (key, *visibility)
        });
        Tree {
            known,
            new: policy.visibility,
            new_of: rules.collect(),
            default_role: text::lower(&policy.default_role)
                .unwrap_or_else(|| policy.default_role.clone()),
        }
    }

    /// The session that is called most like `name`.
    pub fn nearest_session(&self, name: &str) -> Option<&str> {
        let wanted = group::key(name);
        let keys = self.known.keys().filter_map(|entry| session(entry));
        nearest(&wanted, keys)
    }

    /// Whether there is a group of that key, or a session of that entry.
    pub fn has(&self, key: &str) -> bool {
        self.known.contains_key(key)
    }

    /// The id of the group of that key.
    pub fn id(&self, key: &str) -> Option<Uuid> {
        self.known.get(key).map(|group| group.id)
    }

    /// The visibility that a new group of that key gets.
    pub fn of_new(&self, key: &str) -> Visibility {
        let fits = |rule: &str| {
            rule == key
                || rule.is_empty()
                || (rule.ends_with(GROUP_NESTING) && key.starts_with(rule))
        };
        let rules = self.new_of.iter().filter(|(rule, _)| fits(rule));
        rules
            .max_by_key(|(rule, _)| rule.len())
            .map_or(self.new, |(_, visibility)| *visibility)
    }

    /// The group above one.
    fn above<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        match self.known.get(key) {
            Some(group) => group.parent.as_deref(),
            None => key.rsplit_once(GROUP_NESTING).map(|(above, _)| above),
        }
    }

    fn is_public(&self, key: &str) -> bool {
        match self.known.get(key) {
            Some(group) => group.public,
            None => self.of_new(key) == Visibility::Public,
        }
    }

    /// Whether `upper` is anywhere above `key`.
    fn is_above(&self, upper: &str, key: &str) -> bool {
        // No tree is deeper than it has groups; one that bites its tail ends here, too.
        std::iter::successors(self.above(key), |at| self.above(at))
            .take(DEPTH_MAX)
            .any(|above| above == upper)
    }

    /// The groups that members of these entries' groups with the default role belong to as well.
    fn inherited<'a>(&'a self, entries: &'a BTreeSet<String>) -> BTreeSet<&'a str> {
        let mut all = BTreeSet::new();
        for key in entries
            .iter()
            .filter(|entry| self.has_default(entries, entry))
        {
            let mut at = key.as_str();
            while self.is_public(at)
                && let Some(above) = self.above(at)
                && all.insert(above)
            {
                at = above;
            }
        }
        all.retain(|key| !entries.contains(*key));
        all
    }

    /// Whether an entry is a membership with the default role: that role itself, or no role at all.
    fn has_default(&self, entries: &BTreeSet<String>, entry: &str) -> bool {
        if parts(entry).1.is_some() || !entries.contains(entry) {
            return false;
        }
        let prefix = format!("{entry}{MARK}");
        let mut roles = entries
            .range(prefix.clone()..)
            .take_while(|other| other.starts_with(&prefix))
            .peekable();
        roles.peek().is_none() || roles.any(|role| role[prefix.len()..] == *self.default_role)
    }
}

/// The most levels of groups that are looked at.
const DEPTH_MAX: usize = 4096;

/// What a row says of groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Said<'a> {
    /// What is in the field `groups`, cleaned; none where the run hasn't the field.
    pub groups: Option<&'a str>,
    /// In `add_groups`.
    pub add: Option<&'a str>,
    /// In `remove_groups`.
    pub remove: Option<&'a str>,
    /// In `sessions`.
    pub sessions: Option<&'a str>,
}

impl<'a> Said<'a> {
    /// The groups that the row puts the person into, as paths, with what role it names.
    pub fn named(
        &self,
        policy: &'a Groups,
    ) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        let lists = [self.groups, self.add].into_iter().flatten();
        lists
            .flat_map(groups)
            .map(|group| group::path_and_role(group, policy))
    }

    /// The names of the sessions that the row enrols the person in.
    pub fn enrolled(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        groups(self.sessions.unwrap_or(""))
    }

    /// The groups or roles that the row takes away.
    pub fn removed(
        &self,
        policy: &'a Groups,
    ) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        let list = self.remove.unwrap_or("");
        groups(list).map(|group| group::path_and_role(group, policy))
    }

    /// The same, without what the policy of updates never allows.
    pub fn for_new(self, updates: &Updates) -> Said<'a> {
        let may = |field: Field| updates.of(field) != UpdatePolicy::Never;
        Said {
            groups: self.groups.filter(|_| may(Field::Groups)),
            add: self.add.filter(|_| may(Field::AddGroups)),
            remove: None,
            sessions: self.sessions.filter(|_| may(Field::Sessions)),
        }
    }
}

/// A group, or a role in one, that the row takes away although it names it, as it is there.
pub fn contradiction<'a>(said: Said<'a>, policy: &'a Groups) -> Option<&'a str> {
    let named = entries(said.named(policy));
    let both = |(path, role): &(&str, Option<&str>)| {
        let key = group::key(path);
        named.contains(&role.map_or(key.clone(), |role| format!("{key}{MARK}{role}")))
    };
    said.removed(policy).find(both).map(|(path, _)| path)
}

fn entries<'a>(named: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (path, role) in named {
        let key = group::key(path);
        all.extend(role.map(|role| format!("{key}{MARK}{role}")));
        all.insert(key);
    }
    all
}

/// The entries of a new account, sorted.
pub fn of_new(said: Said, updates: &Updates, policy: &Groups, tree: &Tree) -> Vec<String> {
    let said = said.for_new(updates);
    let direct = entries(said.named(policy));
    let sessions: BTreeSet<String> = said.enrolled().map(of_session).collect();
    if direct.is_empty() {
        return sessions.into_iter().collect();
    }
    let inherited: Vec<String> = match policy.join_parents {
        true => marked(tree.inherited(&direct)),
        false => Vec::new(),
    };
    let all = direct.into_iter().chain(inherited).chain(sessions);
    let mut all: Vec<String> = all.collect();
    all.sort_unstable();
    all
}

fn marked(keys: BTreeSet<&str>) -> Vec<String> {
    keys.into_iter().map(|key| format!("{key}{MARK}")).collect()
}

/// The entries that an account with those in `held` (sorted) is to have after an update, sorted;
/// none when they stay.
pub fn after(
    said: Said,
    held: &[String],
    definition: &Definition,
    tree: &Tree,
) -> Option<Vec<String>> {
    let (updates, policy) = (&definition.update, &definition.groups);
    let is_enrolled = held.iter().any(|entry| session(entry).is_some());
    if said.sessions.is_none() && !is_enrolled {
        return groups_after(said, held, updates, policy, tree);
    }
    let (sessions, groups): (Vec<String>, Vec<String>) = held
        .iter()
        .cloned()
        .partition(|entry| session(entry).is_some());
    let groups_then = groups_after(said, &groups, updates, policy, tree);
    let sessions_then = sessions_after(said, &sessions, definition);
    if groups_then.is_none() && sessions_then.is_none() {
        return None;
    }
    let mut all = groups_then.unwrap_or(groups);
    all.extend(sessions_then.unwrap_or(sessions));
    all.sort_unstable();
    Some(all)
}

/// What [`after`] says of sessions.
fn sessions_after(said: Said, held: &[String], definition: &Definition) -> Option<Vec<String>> {
    let updates = &definition.update;
    let may = match updates.of(Field::Sessions) {
        UpdatePolicy::Overwrite | UpdatePolicy::Own => true,
        UpdatePolicy::Fill => held.is_empty(),
        UpdatePolicy::Keep | UpdatePolicy::Never => false,
    };
    let list = said.sessions.filter(|_| may)?;
    let replaces = definition.sessions.enrolments == Memberships::Replace;
    let starts_again = match list {
        CLEARED => true,
        "" => replaces && updates.empty == EmptyCell::Clear,
        _ => replaces,
    };
    let mut all: BTreeSet<String> = said.enrolled().map(of_session).collect();
    if !starts_again {
        all.extend(held.iter().cloned());
    }
    let all: Vec<String> = all.into_iter().collect();
    (all != held).then_some(all)
}

/// What [`after`] says of groups, where `held` has no sessions.
pub fn groups_after(
    said: Said,
    held: &[String],
    updates: &Updates,
    policy: &Groups,
    tree: &Tree,
) -> Option<Vec<String>> {
    let may = |field: Field| match updates.of(field) {
        UpdatePolicy::Overwrite | UpdatePolicy::Own => true,
        UpdatePolicy::Fill => !is_member(held),
        UpdatePolicy::Keep | UpdatePolicy::Never => false,
    };
    let said = Said {
        groups: said.groups.filter(|_| may(Field::Groups)),
        add: said.add.filter(|_| may(Field::AddGroups)),
        remove: said.remove.filter(|_| may(Field::RemoveGroups)),
        sessions: None,
    };
    let replaces = policy.memberships == Memberships::Replace;
    let starts_again = match said.groups {
        Some(CLEARED) => true,
        Some("") => replaces && updates.empty == EmptyCell::Clear,
        Some(_) => replaces,
        None => false,
    };
    let named = entries(said.named(policy));
    let removed: Vec<(String, Option<&str>)> = said
        .removed(policy)
        .map(|(path, role)| (group::key(path), role))
        .collect();
    if named.is_empty() && removed.is_empty() && !starts_again {
        return None;
    }
    let mut direct: BTreeSet<String> = held.iter().filter(|e| is_direct(e)).cloned().collect();
    if starts_again {
        // A file that knows no roles says nothing of those that people have.
        direct.retain(|entry| {
            policy.role_mark.is_none() && parts(entry).1.is_some() && named.contains(key_of(entry))
        });
    }
    direct.extend(named);
    for (key, role) in removed {
        direct.retain(|entry| match (parts(entry), role) {
            ((other, _), None) => other != key,
            ((other, theirs), Some(role)) => other != key || theirs != Some(role),
        });
    }
    let mut all = with_inherited(&direct, held, policy, tree);
    all.extend(direct);
    all.sort_unstable();
    (all != held).then_some(all)
}

/// The inherited entries beside `direct`: those that are there already stay until what brought
/// them is gone.
fn with_inherited(
    direct: &BTreeSet<String>,
    held: &[String],
    policy: &Groups,
    tree: &Tree,
) -> Vec<String> {
    let there: Vec<&str> = held
        .iter()
        .filter(|e| !is_direct(e))
        .map(|e| key_of(e))
        .collect();
    if there.is_empty() && !policy.join_parents {
        return Vec::new();
    }
    let brought = tree.inherited(direct);
    let before: BTreeSet<String> = held.iter().filter(|e| is_direct(e)).cloned().collect();
    let gone: Vec<&String> = before
        .iter()
        .filter(|entry| tree.has_default(&before, entry) && !tree.has_default(direct, entry))
        .collect();
    let stays = |key: &&str| {
        !direct.contains(*key)
            && (brought.contains(key) || !gone.iter().any(|below| tree.is_above(key, below)))
    };
    let mut keys: BTreeSet<&str> = there.into_iter().filter(stays).collect();
    if policy.join_parents {
        keys.extend(brought.iter().copied());
    }
    marked(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Definition, parse};

    fn definition(toml: &str) -> Definition {
        let text = format!("name = \"p\"\n{toml}");
        parse("p", &text).unwrap().definition
    }

    fn tree(policy: &Groups) -> Tree {
        let known = [
            ("firm", false, None),
            ("firm/sales", false, Some("firm")),
            ("firm/sales/emea", true, Some("firm/sales")),
            ("firm/sales/emea/uk", true, Some("firm/sales/emea")),
            ("firm/sales/apac", true, Some("firm/sales")),
            ("board", false, None),
        ];
        let known = known
            .into_iter()
            .enumerate()
            .map(|(number, (key, public, parent))| {
                let id = Uuid::from_u128(number as u128);
                let parent = parent.map(String::from);
                (key.to_string(), Known { id, public, parent })
            });
        Tree::new(known.collect(), policy)
    }

    /// Lists of groups and entries are written with spaces between.
    fn list(text: &str) -> Vec<String> {
        text.split(' ')
            .filter(|word| !word.is_empty())
            .map(String::from)
            .collect()
    }

    fn cell(text: &str) -> String {
        text.replace(' ', "\u{1f}")
    }

    #[test]
    fn a_member_with_the_default_role_joins_upward_through_public_groups() {
        for (toml, groups, expected) in [
            ("", "Firm/Sales/EMEA/UK", "firm/sales/emea/uk"),
            (
                "join_parents = true",
                "Firm/Sales/EMEA/UK Board",
                "board firm/sales// firm/sales/emea/uk firm/sales/emea//",
            ),
            (
                "join_parents = true",
                "Firm/Sales/EMEA/UK Firm/Sales",
                "firm/sales firm/sales/emea/uk firm/sales/emea//",
            ),
            (
                "join_parents = true\nrole_mark = \":\"\nroles = [\"lead\"]",
                "Firm/Sales/EMEA:lead Firm/Sales/APAC:lead Firm/Sales/APAC:member",
                "firm/sales// firm/sales/apac firm/sales/apac//lead firm/sales/apac//member \
                 firm/sales/emea firm/sales/emea//lead",
            ),
            ("join_parents = true", "New/Deep/Er", "new/deep/er"),
            (
                "join_parents = true\nvisibility_of = { \"New/*\" = \"public\", \"new/deep\" = \"private\" }",
                "New/Deep/Er New/Other",
                "new// new/deep// new/deep/er new/other",
            ),
            (
                "join_parents = true\nvisibility = \"public\"",
                "New/Deep/Er",
                "new// new/deep// new/deep/er",
            ),
        ] {
            let definition = definition(&format!("[groups]\n{toml}"));
            let policy = &definition.groups;
            let groups = cell(groups);
            let said = Said {
                groups: Some(&groups),
                ..Said::default()
            };
            let mut expected = list(expected);
            expected.sort();
            let found = of_new(said, &definition.update, policy, &tree(policy));
            assert_eq!(found, expected, "{toml} {groups}");
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn columns_replace_add_and_remove_and_what_is_inherited_follows() {
        const REPLACE: &str = "memberships = \"replace\"";
        const MARKED: &str =
            "memberships = \"replace\"\nrole_mark = \":\"\nroles = [\"lead\", \"clerk\"]";
        const JOIN: &str = "memberships = \"replace\"\njoin_parents = true";
        // settings; groups, add, remove; held; afterwards (`=` where nothing changes)
        for (toml, [groups, add, remove], held, expected) in [
            ("", ["Board", "", ""], "x", "board x"),
            ("", ["", "Board", "X"], "x y", "board y"),
            ("", ["", "", "gone"], "x", "="),
            ("", ["", "", ""], "x", "="),
            (REPLACE, ["Board", "Y", "Z"], "x z", "board y"),
            (REPLACE, ["", "Y", ""], "x", "x y"),
            (REPLACE, ["x", "", ""], "x x//lead", "="),
            (MARKED, ["x", "", ""], "x x//lead", "x"),
            (
                MARKED,
                ["x:lead x:clerk", "", ""],
                "x x//lead",
                "x x//clerk x//lead",
            ),
            (MARKED, ["", "", "x:lead"], "x x//lead", "x"),
            (MARKED, ["", "", "x"], "x x//lead y", "y"),
            (REPLACE, ["\0", "Y", ""], "x x//lead", "y"),
            // What was inherited stays as long as anything brings it, and no longer.
            (
                JOIN,
                ["Firm/Sales/APAC", "", ""],
                "firm/sales// firm/sales/emea",
                "firm/sales// firm/sales/apac",
            ),
            (
                JOIN,
                ["Board", "", ""],
                "firm/sales// firm/sales/emea",
                "board",
            ),
            (
                REPLACE,
                ["Board", "", ""],
                "firm/sales// firm/sales/emea",
                "board",
            ),
            (
                REPLACE,
                ["Firm/Sales/EMEA", "", ""],
                "firm/sales// firm/sales/emea",
                "=",
            ),
            (REPLACE, ["Firm/Sales/EMEA", "", ""], "firm/sales/emea", "="),
            (
                JOIN,
                ["Firm/Sales", "", ""],
                "firm/sales// firm/sales/emea",
                "firm/sales",
            ),
            (
                JOIN,
                ["", "", "Firm/Sales"],
                "firm/sales firm/sales/emea",
                "firm/sales// firm/sales/emea",
            ),
            (
                JOIN,
                ["", "", "Firm/Sales"],
                "firm/sales// firm/sales/emea",
                "=",
            ),
            (JOIN, ["", "Board", ""], "firm// board", "="),
        ] {
            let definition = definition(&format!("[groups]\n{toml}"));
            let policy = &definition.groups;
            let [groups, add, remove] = [groups, add, remove].map(cell);
            let said = Said {
                groups: Some(&groups),
                add: Some(&add),
                remove: Some(&remove),
                sessions: None,
            };
            let sorted = |text| {
                let mut list = list(text);
                list.sort();
                list
            };
            let found = after(said, &sorted(held), &definition, &tree(policy));
            let expected = (expected != "=").then(|| sorted(expected));
            assert_eq!(found, expected, "{toml} {groups} {add} {remove} {held}");
        }
    }

    #[test]
    fn what_the_database_packs_is_unpacked() {
        let packed = ["b//lead//clerk", "c//", "a", "//x//y"]
            .map(String::from)
            .to_vec();
        assert_eq!(
            unpacked(packed),
            ["//x//y", "a", "b", "b//clerk", "b//lead", "c//"]
        );
        assert_eq!(
            ["a", "c//", "b//lead", "//x//y"].map(shown),
            ["a", "c (inherited)", "b (lead)", "x//y"]
        );
    }

    #[test]
    fn sessions_are_added_or_replaced_and_leave_groups_alone() {
        const REPLACE: &str = "[sessions]\nenrolments = \"replace\"";
        for (toml, sessions, held, expected) in [
            ("", Some("Yoga Chess"), "//chess a", "//chess //yoga a"),
            ("", Some("Chess"), "//chess //yoga a", "="),
            ("", Some(""), "//chess a", "="),
            ("", None, "//chess a", "="),
            (REPLACE, Some("Yoga"), "//chess a", "//yoga a"),
            (REPLACE, Some(""), "//chess a", "="),
            (REPLACE, None, "//chess a", "="),
            (REPLACE, Some("\0"), "//chess a", "a"),
            (
                "[update]\nfields.sessions = \"fill\"",
                Some("Yoga"),
                "//chess a",
                "=",
            ),
            (
                "[update]\nfields.sessions = \"fill\"",
                Some("Yoga"),
                "a",
                "//yoga a",
            ),
        ] {
            let definition = definition(toml);
            let cell = sessions.map(cell);
            let said = Said {
                sessions: cell.as_deref(),
                ..Said::default()
            };
            let found = after(said, &list(held), &definition, &tree(&definition.groups));
            assert_eq!(
                found,
                (expected != "=").then(|| list(expected)),
                "{toml} {held}"
            );
        }
        let both = list("//chess a b//lead");
        for (field, expected) in [(Field::Groups, "a b//lead"), (Field::Sessions, "//chess")] {
            let entries = of_recorded(&recorded(&both, field), field);
            assert_eq!(entries, list(expected));
        }
    }
}
