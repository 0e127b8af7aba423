//! managers: who the manager of a row is. The text stays as typed; this pass finds out whether it
//! names somebody, by an external id, an e-mail address, a username or a full name, and whether it
//! leads back to the row. Pure; all rows are brought together in
//! [`crate::stages::managers::index`].

use unicode_normalization::UnicodeNormalization;
use xxhash_rust::xxh3::xxh3_64;

use crate::field::{CLEARED, Field, Key, RowNumber};
use crate::issue::{Code, Issue};
use crate::outcome::Verdict;
use crate::row::{Layout, People};
use crate::text::email;
use crate::text::names::words;

pub mod index;

/// By what a manager may be named, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// The external id.
    ExternalId,
    /// The key of the e-mail address.
    Email,
    /// The key of the username.
    Username,
    /// First and last name, in whatever order.
    Name,
}

/// One thing that a row is called by, or calls its manager by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Called {
    /// By what.
    pub by: By,
    /// The hash of it.
    pub hash: u64,
    /// The row.
    pub row: RowNumber,
    /// Whether it is the row's manager who is called so, not the row's own person.
    pub is_manager: bool,
}

/// What is wrong with the manager that a row names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wrong {
    /// Nothing, or the row names none.
    #[default]
    Nothing,
    /// It is the row's own person.
    Own,
    /// Going from manager to manager leads back to the row.
    Circle,
    /// Nobody is called so.
    Unknown,
    /// Several people are called so.
    Several,
}

/// A manager as rows name one, in the forms by which people are found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name {
    /// As an external id.
    pub external_id: String,
    /// As the key of an e-mail address.
    pub email: Option<String>,
    /// As the key of a username.
    pub username: String,
    /// As a full name: its words, in alphabetical order.
    pub name: Option<String>,
    /// The same as it is typed, first name first, in lower case.
    pub typed: String,
}

impl Name {
    /// The forms of a cell. Directories write `CN=Jane Doe,OU=People`, which is about the first part.
    pub fn of(cell: &str) -> Name {
        let is_directory = cell
            .get(..3)
            .is_some_and(|start| start.eq_ignore_ascii_case("cn="));
        let text = match cell.split_once(',').filter(|_| is_directory) {
            Some((first, _)) => &first[3..],
            None => cell,
        };
        let typed = match text.split_once(',') {
            Some((last, first)) => format!("{} {}", first.trim(), last.trim()),
            None => text.to_string(),
        };
        Name {
            external_id: text.to_string(),
            email: text.contains('@').then(|| email::key(text)).flatten(),
            username: username_key(text),
            name: name_key(text),
            typed: typed.to_lowercase(),
        }
    }
}

fn username_key(text: &str) -> String {
    match text.is_ascii() {
        true => text.to_ascii_lowercase(),
        false => text.nfkc().flat_map(char::to_lowercase).nfkc().collect(),
    }
}

/// The words of a name of two or more, in an order of their own.
fn name_key(text: &str) -> Option<String> {
    let mut words = words(text);
    words.sort_unstable();
    (words.len() > 1).then(|| words.join(" "))
}

/// The cell of a row that names its manager.
pub fn cell<'a>(people: &'a People, index: usize, layout: &Layout) -> Option<&'a str> {
    let cell = people
        .drafts
        .values
        .get(index, layout.field(Field::Manager)?);
    (!cell.is_empty() && cell != CLEARED).then_some(cell)
}

/// What the rows of a batch are called by and call their managers by; nothing where the run has no
/// managers.
pub fn called(people: &People, layout: &Layout) -> Vec<Called> {
    let mut called = Vec::new();
    if layout.field(Field::Manager).is_none() {
        return called;
    }
    let names = [Field::FirstName, Field::LastName].map(|field| layout.field(field));
    for index in 0..people.len() {
        if matches!(people.verdicts[index], Verdict::Duplicate(_)) {
            continue;
        }
        let row = people.drafts.first_row + index as RowNumber;
        let mut add = |by, text: &str, is_manager| {
            called.push(Called {
                by,
                hash: xxh3_64(text.as_bytes()),
                row,
                is_manager,
            });
        };
        for (key, by) in [
            (Key::ExternalId, By::ExternalId),
            (Key::Email, By::Email),
            (Key::Username, By::Username),
        ] {
            if let Some(text) = people.key(index, key) {
                add(by, text, false);
            }
        }
        if let [Some(first), Some(last)] = names {
            let of = |slot| people.drafts.values.get(index, slot);
            if let Some(name) = name_key(&format!("{} {}", of(first), of(last))) {
                add(By::Name, &name, false);
            }
        }
        if let Some(cell) = cell(people, index, layout) {
            let name = Name::of(cell);
            add(By::ExternalId, &name.external_id, true);
            add(By::Username, &name.username, true);
            if let Some(email) = &name.email {
                add(By::Email, email, true);
            }
            if let Some(name) = &name.name {
                add(By::Name, name, true);
            }
        }
    }
    called
}

/// What is said of a row whose manager is wrong.
pub fn issue(wrong: Wrong, row: RowNumber, cell: &str) -> Option<Issue> {
    let (code, detail) = match wrong {
        Wrong::Nothing => return None,
        Wrong::Own => (Code::ManagerSelf, "the row names its own person"),
        Wrong::Circle => (
            Code::ManagerCircle,
            "going from manager to manager leads back to this row",
        ),
        Wrong::Unknown => (
            Code::ManagerUnknown,
            "no row and no account has this external id, e-mail address, username or full name",
        ),
        Wrong::Several => (
            Code::ManagerUnknown,
            "several people have this name; an external id or an e-mail address tells them apart",
        ),
    };
    Some(Issue::of_field(code, row, Field::Manager, cell, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_is_named_in_many_ways() {
        let name = |cell: &str| Name::of(cell).name;
        assert_eq!(name("Bea Zwei").as_deref(), Some("bea zwei"));
        assert_eq!(name("ZWEI, Bea"), name("Bea Zwei"));
        assert_eq!(name("CN=Bea Zwei,OU=People,DC=firm"), name("Bea Zwei"));
        assert_eq!(name("Bea"), None);
        assert_eq!(
            Name::of("B@Nordwind.DE").email.as_deref(),
            Some("b@nordwind.de")
        );
        assert_eq!(Name::of("Zwei, Bea").typed, "bea zwei");
        assert_eq!(Name::of("BZwei").username, "bzwei");
        assert_eq!(Name::of("007").external_id, "007");
    }
}
