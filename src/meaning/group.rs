//! Groups: a cell can list several, and each can be a path of nested groups.

use std::borrow::Cow;
use std::collections::HashSet;

use hashbrown::HashTable;
use unicode_normalization::UnicodeNormalization;
use xxhash_rust::xxh3::xxh3_64;

use crate::definition::Groups;
use crate::field::{CLEARED, Field};
use crate::issue::Code;
use crate::meaning::notation;
use crate::meaning::notation::Listed;
use crate::meaning::{country, wrap};
use crate::row::Slot;
use crate::rule::{Rule, Rules};
use crate::text;

/// Between the groups of a cleaned value. Cleaning removes control characters from text, so it
/// can't be part of a name.
pub const GROUP_SEPARATOR: char = '\u{1f}';
/// Between a group and the group above it, whatever the file has there.
pub const GROUP_NESTING: char = '/';

/// The most cells that are remembered of a batch, and the most bytes of each.
const CLEANED_MAX: usize = 2048;
const CLEANED_BYTES_MAX: usize = 256;

/// The groups of a cleaned value: paths whose parts are between [`GROUP_NESTING`].
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

/// Whether a group is that one or below it, by their keys.
pub fn is_within(group: &str, above: &str) -> bool {
    let rest = group.strip_prefix(above);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(GROUP_NESTING))
}

/// What groups of one name are recognized by: NFKC and lower case, so that `Sales` and `SALES` are
/// one.
pub fn key(group: &str) -> String {
    if group.is_ascii() {
        return group.to_ascii_lowercase();
    }
    group.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// The cell that [`clean`] reads as these groups, each a path with what role it names. Several are
/// separated as the pipeline says, or listed as JSON where a name has a mark of its own. None where no
/// cell is read as them.
pub fn cell(listed: &[(&str, Option<&str>)], policy: &Groups) -> Option<String> {
    let entry = |path: &str, role: Option<&str>| match (role, policy.role_mark) {
        (Some(role), Some(mark)) => format!("{path}{mark}{role}"),
        _ => path.to_string(),
    };
    let wanted: Vec<String> = listed
        .iter()
        .map(|(path, role)| entry(path, *role))
        .collect();
    let names = listed.iter();
    let names = names.map(|(path, role)| entry(&nested(path, policy), *role));
    let names: Vec<String> = names.collect();
    let is_read =
        |cell: &String| groups(&clean(cell, policy).value).eq(wanted.iter().map(String::as_str));
    let plain = match (names.as_slice(), policy.separators.first()) {
        ([], _) => Some(String::new()),
        ([only], _) => Some(only.clone()),
        (several, Some(separator)) => Some(several.join(&format!("{separator} "))),
        (_, None) => None,
    };
    let json = || serde_json::to_string(&names).ok();
    plain.filter(is_read).or_else(|| json().filter(is_read))
}

/// A path as the pipeline writes it.
pub fn nested(path: &str, policy: &Groups) -> String {
    path.replace(GROUP_NESTING, policy.nesting.encode_utf8(&mut [0; 4]))
}

/// Between cells of several columns that list groups; no cell of a list has it.
pub const COLUMN_SEPARATOR: char = '\u{1e}';

/// What is said of a list of groups that can be read in several ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// `cell.list`, or `group.syntax`.
    pub code: Code,
    /// The part that it is about.
    pub found: String,
    /// What would help.
    pub detail: String,
}

/// A cleaned list of groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<'a> {
    /// The groups, joined by [`GROUP_SEPARATOR`].
    pub value: Cow<'a, str>,
    /// What cleaning did.
    pub rules: Rules,
    /// What is doubtful.
    pub remark: Option<Cow<'a, Remark>>,
}

impl<'a> List<'a> {
    fn plain(cell: &'a str) -> List<'a> {
        List {
            value: Cow::Borrowed(cell),
            rules: Rules::NONE,
            remark: None,
        }
    }
}

/// A cell as read to the groups it lists, joined by [`GROUP_SEPARATOR`]: the cell is split, text
/// cleaned, every part of a path trimmed; empty and repeated groups are dropped. What comes after
/// the last mark of a role, where the pipeline has one, is a role, in lower case.
///
/// A cell may be a list in another notation (`notation`), or have a group in each line. Else the
/// pipeline's separators part it, and their full-width forms. A comma parts only where nothing else does,
/// so that `Legal; Finance, Tax` names two groups.
///
/// Where another character than `/` nests, a `/` in a name is doubled: the empty part makes
/// `validate` report the group, for a stored name can't hold it. A value of one group has a
/// [`GROUP_SEPARATOR`] after it if it would be taken apart otherwise.
pub fn clean<'a>(cell: &'a str, policy: &Groups) -> List<'a> {
    let is_plain = text::is_clean(cell) && !cell.contains(|c| is_mark(c, policy));
    match is_plain && doubt(cell, policy).is_none() && notation::read(cell).is_none() {
        true => List::plain(cell),
        false => clean_list(cell, policy),
    }
}

/// Cells that were cleaned by one policy, each once: a file has few that differ.
#[derive(Default)]
pub struct Cleaned {
    places: HashTable<u32>,
    cells: Vec<(String, String, Rules, Option<Remark>)>,
}

impl Cleaned {
    /// [`clean`], looked up where the cell was cleaned before.
    pub fn clean<'a>(&'a mut self, cell: &'a str, policy: &Groups) -> List<'a> {
        if cell.is_empty() {
            return List::plain(cell);
        }
        let hash = xxh3_64(cell.as_bytes());
        let is_it = |place: &u32| self.cells[*place as usize].0 == cell;
        let place = match self.places.find(hash, is_it) {
            Some(place) => *place as usize,
            None if self.cells.len() >= CLEANED_MAX || cell.len() > CLEANED_BYTES_MAX => {
                return clean(cell, policy);
            }
            None => {
                let list = clean(cell, policy);
                let (value, remark) = (list.value.into_owned(), list.remark.map(Cow::into_owned));
                self.cells
                    .push((cell.to_string(), value, list.rules, remark));
                let place = self.cells.len() - 1;
                let hash_of = |place: &u32| xxh3_64(self.cells[*place as usize].0.as_bytes());
                self.places.insert_unique(hash, place as u32, hash_of);
                place
            }
        };
        let (_, value, rules, remark) = &self.cells[place];
        List {
            value: Cow::Borrowed(value),
            rules: *rules,
            remark: remark.as_ref().map(Cow::Borrowed),
        }
    }
}

fn clean_list<'a>(cell: &'a str, policy: &Groups) -> List<'a> {
    let mut rules = Rules::NONE;
    let mut remark = None;
    let joined = join(cell, policy, &mut rules, &mut remark);
    let is_one = !joined.is_empty() && !joined.contains(GROUP_SEPARATOR);
    let joined = match is_one && joined != cell && would_change(&joined, policy) {
        true => format!("{joined}{GROUP_SEPARATOR}"),
        false => joined,
    };
    let remark = remark.map(Cow::Owned);
    if joined == cell {
        return List {
            remark,
            ..List::plain(cell)
        };
    }
    if cell.trim().is_empty() {
        rules = rules.without(Rule::GroupList);
    }
    List {
        value: Cow::Owned(joined),
        rules,
        remark,
    }
}

/// Whether a value of one group would be taken for something else if it were a cell.
pub(crate) fn would_change(value: &str, policy: &Groups) -> bool {
    let is_wrapped = || wrap::unwrapped(value, &Slot::Field(Field::Groups)).is_some();
    value != join(value, policy, &mut Rules::default(), &mut None)
        || value.starts_with('=') && is_wrapped()
}

/// The groups of a cell, joined by [`GROUP_SEPARATOR`].
fn join(cell: &str, policy: &Groups, rules: &mut Rules, remark: &mut Option<Remark>) -> String {
    let mut seen = Seen::default();
    let mut joined = String::with_capacity(cell.len());
    // A value with this character was cleaned before: a group may hold anything then.
    let is_cleaned = cell.contains(GROUP_SEPARATOR);
    for column in cell.split([COLUMN_SEPARATOR, GROUP_SEPARATOR]) {
        let pieces = match is_cleaned {
            true => vec![Cow::Borrowed(column)],
            false => pieces(column, policy, rules, remark),
        };
        for piece in pieces {
            let (name, text_rules) = text::clean(&piece);
            rules.add_all(text_rules.without(Rule::TrimSpaces));
            let path = entry(&name, policy);
            if path.is_empty() || !seen.insert(&path) {
                rules.add(Rule::GroupList);
                continue;
            }
            if path != name {
                rules.add(Rule::GroupList);
            }
            if !is_cleaned && remark.is_none() {
                *remark = doubt(&name, policy);
            }
            if !joined.is_empty() {
                joined.push(GROUP_SEPARATOR);
            }
            joined.push_str(&path);
        }
    }
    joined
}

/// The groups of a cell of one column, as they are there.
fn pieces<'c>(
    cell: &'c str,
    policy: &Groups,
    rules: &mut Rules,
    remark: &mut Option<Remark>,
) -> Vec<Cow<'c, str>> {
    let text = cell.trim();
    match notation::read(text) {
        Some(Listed::Values(values)) => {
            rules.add(Rule::GroupNotation);
            let nested = |value: &&String| notation::is_directory_name(text) && value.contains('/');
            if let Some(value) = values.iter().find(nested) {
                *remark = Some(Remark {
                    code: Code::CellList,
                    found: value.clone(),
                    detail: "read as a group within another, because of its `/`".to_string(),
                });
            }
            return values.into_iter().map(Cow::Owned).collect();
        }
        Some(Listed::Broken(detail)) => {
            *remark = Some(Remark {
                code: Code::GroupSyntax,
                found: text.to_string(),
                detail: detail.to_string(),
            });
            return vec![Cow::Borrowed(text)];
        }
        None => {}
    }
    let lines = notation::lines(cell);
    if lines.is_some() {
        rules.add(Rule::GroupNotation);
    } else if text.len() != cell.len() {
        rules.add(Rule::TrimSpaces);
    }
    let is_strong = |c: char| {
        let is_separator = policy.separators.contains(&c) && c != ',';
        is_separator || c == '；' && policy.separators.contains(&';')
    };
    let is_comma = |c: char| matches!(c, ',' | '，' | '、') && policy.separators.contains(&',');
    let is_many = lines.as_ref().is_some_and(|lines| lines.len() > 1) || text.contains(is_strong);
    let whole = lines.unwrap_or_else(|| vec![text]);
    let mut pieces = Vec::new();
    for line in whole {
        for name in line.split(is_strong) {
            if !is_many {
                pieces.extend(name.split(is_comma).map(|name| Cow::Borrowed(name.trim())));
                continue;
            }
            // A comma at the end of a line, as in `Sales,`, parts as the line does.
            let name = name.trim().trim_matches(is_comma).trim();
            if name.contains(is_comma) {
                rules.add(Rule::GroupComma);
            }
            pieces.push(Cow::Borrowed(name));
        }
    }
    if remark.is_none() {
        *remark = place_and_country(&pieces);
    }
    without_quotes(&mut pieces);
    pieces
}

/// Takes off the quotes that surround every one of several names.
fn without_quotes(pieces: &mut [Cow<str>]) {
    let inner = |piece: &Cow<str>| {
        let quote = piece.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let inner = piece.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then(|| Cow::Owned(inner.to_string()))
    };
    let bare: Option<Vec<Cow<str>>> = pieces.iter().map(inner).collect();
    for (piece, bare) in pieces.iter_mut().zip(bare.unwrap_or_default()) {
        *piece = bare;
    }
}

/// `Berlin, Germany` is one place rather than two groups.
fn place_and_country(pieces: &[Cow<str>]) -> Option<Remark> {
    let [place, country] = pieces else {
        return None;
    };
    let is_country = country.chars().count() > 3 && country::alpha2(country).is_some();
    (is_country && country::alpha2(place).is_none()).then(|| Remark {
        code: Code::CellList,
        found: format!("{place}, {country}"),
        detail: "read as two groups; if it is one, put `;` after each group".to_string(),
    })
}

/// What is doubtful about a name that was read as one group.
fn doubt(name: &str, policy: &Groups) -> Option<Remark> {
    let say = |detail: String| {
        Some(Remark {
            code: Code::CellList,
            found: name.to_string(),
            detail,
        })
    };
    if name.contains('|') && policy.nesting != '|' && policy.role_mark != Some('|') {
        return say("read as one group; if it is several, add `|` to `separators`".to_string());
    }
    if policy.nesting == GROUP_NESTING
        && let Some(slash) = name.find(GROUP_NESTING)
    {
        let (above, below) = (&name[..slash], &name[slash + 1..]);
        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let in_number = is_digit(above.chars().next_back()) && is_digit(below.chars().next());
        let is_spaced = above.ends_with(' ') && below.starts_with(' ');
        if in_number || is_spaced {
            let (above, below) = (above.trim(), below.trim());
            return say(format!(
                "read as `{below}` within `{above}`; if it is one group, set `nesting` to another character"
            ));
        }
    }
    let words: Vec<&str> = name.split(' ').collect();
    let is_joiner = |word: &&str| {
        matches!(
            *word,
            "+" | "and" | "or" | "und" | "oder" | "et" | "y" | "en" | "och" | "og"
        )
    };
    let is_joined = words.len() == 3 && is_joiner(&words[1]) || words.contains(&"+");
    if is_joined {
        return say("read as one group; if it is several, put `;` between them".to_string());
    }
    (name == "Array").then(|| Remark {
        code: Code::CellList,
        found: name.to_string(),
        detail: "a program may have written `Array` instead of the groups".to_string(),
    })
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

/// Whether a cell with this character may hold more than the name of one group.
fn is_mark(character: char, policy: &Groups) -> bool {
    matches!(
        character,
        '[' | '{'
            | '('
            | '"'
            | '\''
            | '='
            | '|'
            | '+'
            | '；'
            | '，'
            | '、'
            | COLUMN_SEPARATOR
            | GROUP_SEPARATOR
    ) || character == policy.nesting
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
    let role = text::lower(role).map_or(Cow::Borrowed(role), Cow::Owned);
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
        groups(&clean(cell, policy).value)
            .map(String::from)
            .collect()
    }

    #[test]
    fn cells_are_split_and_repeats_dropped() {
        let policy = Groups::default();
        assert_eq!(list("", &policy), [""; 0]);
        assert_eq!(list(" ; ,", &policy), [""; 0]);
        assert_eq!(list("Sales", &policy), ["Sales"]);
        assert_eq!(list("Sales, Berlin,SALES , ", &policy), ["Sales", "Berlin"]);
        assert_eq!(
            list("Legal; Finance, Tax", &policy),
            ["Legal", "Finance, Tax"]
        );
        assert_eq!(list("A / B;A/B", &policy), ["A/B"]);
        assert_eq!(list("A//B;/A", &policy), ["A//B", "A"]);
        assert_eq!(list("R\u{a0}D;ﬁ;fi", &policy), ["R D", "ﬁ"]);
        let both = clean("A;B", &policy);
        assert_eq!((both.value.as_ref(), both.rules), ("A\u{1f}B", Rules::NONE));
        let rules: Vec<Rule> = clean("A;;B", &policy).rules.iter().collect();
        assert_eq!(rules, [Rule::GroupList]);
    }

    #[test]
    fn a_role_comes_after_the_last_mark_where_there_is_one() {
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

    #[test]
    fn lists_in_all_usual_forms_are_read_and_doubts_said() {
        let policy = Groups::default();
        for (cell, expected, said) in [
            ("Sales\nOps\n", "Sales|Ops", ""),
            ("• Sales\n• Ops", "Sales|Ops", ""),
            ("Sales, EMEA\nOps", "Sales, EMEA|Ops", ""),
            ("Sales,\nOps", "Sales|Ops", ""),
            ("[\"Sales\", \"Finance, Tax\"]", "Sales|Finance, Tax", ""),
            ("[\"Finance, Tax\"]", "Finance, Tax", ""),
            (r"CN=Sales\, EMEA,OU=Groups,DC=nordwind", "Sales, EMEA", ""),
            ("'Sales', 'Ops'", "Sales|Ops", ""),
            ("Sales、Ops，HR；IT", "Sales、Ops，HR|IT", ""),
            ("Sales、Ops", "Sales|Ops", ""),
            ("Finance, Tax;", "Finance, Tax", ""),
            ("red, white, blue", "red|white|blue", ""),
            ("Class: 5b", "Class: 5b", ""),
            ("R&D", "R&D", ""),
            ("Staff/Sales", "Staff/Sales", ""),
            ("Sales | Ops", "Sales | Ops", "cell.list"),
            ("Sales + Ops", "Sales + Ops", "cell.list"),
            ("Sales and Ops", "Sales and Ops", "cell.list"),
            ("Sales / Ops", "Sales/Ops", "cell.list"),
            ("24/7 Support", "24/7 Support", "cell.list"),
            ("Berlin, Germany", "Berlin|Germany", "cell.list"),
            ("Array", "Array", "cell.list"),
            ("[object Object]", "[object Object]", "group.syntax"),
            ("System.Object[]", "System.Object[]", "group.syntax"),
        ] {
            let found = clean(cell, &policy);
            assert_eq!(list(cell, &policy).join("|"), expected, "{cell}");
            let code = found.remark.map_or("", |remark| remark.code.name());
            assert_eq!(code, said, "{cell}");
            let again = clean(&found.value, &policy);
            assert_eq!(
                (again.value.as_ref(), again.rules),
                (found.value.as_ref(), Rules::NONE)
            );
        }
    }

    #[test]
    fn a_pipelines_own_separators_and_nesting_mean_what_they_say() {
        let policy = Groups {
            separators: vec![',', '|'],
            nesting: '>',
            ..Groups::default()
        };
        assert_eq!(list("A, B", &policy), ["A", "B"]);
        assert_eq!(list("A, B | C", &policy), ["A, B", "C"]);
        assert_eq!(list("A > B", &policy), ["A/B"]);
        assert_eq!(clean("A > B", &policy).remark, None);
        assert_eq!(list("A; B", &policy), ["A; B"]);
    }

    #[test]
    fn a_cell_is_read_as_the_groups_that_it_was_written_for() {
        let marked = Groups {
            role_mark: Some(':'),
            nesting: '>',
            ..Groups::default()
        };
        let plain = Groups::default();
        let one = Groups {
            separators: Vec::new(),
            ..Groups::default()
        };
        type Listed<'a> = &'a [(&'a str, Option<&'a str>)];
        let table: [(&Groups, Listed, Option<&str>); 10] = [
            (&plain, &[], Some("")),
            (&plain, &[("Sales/EMEA", None)], Some("Sales/EMEA")),
            (&plain, &[("A", None), ("B/C", None)], Some("A; B/C")),
            (&plain, &[("A; B", None)], Some(r#"["A; B"]"#)),
            (&plain, &[("A, B", None), ("C", None)], Some("A, B; C")),
            (&plain, &[(" odd", None)], None),
            (
                &marked,
                &[("A/B", Some("lead")), ("C", None)],
                Some("A>B:lead; C"),
            ),
            (&marked, &[("A > B", None)], None),
            (&marked, &[("A; B", Some("lead"))], Some(r#"["A; B:lead"]"#)),
            (&one, &[("A", None), ("B", None)], Some(r#"["A","B"]"#)),
        ];
        for (policy, listed, expected) in table {
            assert_eq!(cell(listed, policy).as_deref(), expected, "{listed:?}");
        }
    }
}
