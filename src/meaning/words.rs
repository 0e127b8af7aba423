//! Words that represent one of a few values: statuses and roles, and the key by which such words
//! are compared.

use jiff::civil::Date;

use super::booleans::{BOOLEANS, boolean_word};
use super::wrap;
use crate::definition::{Definition, Meaning};
use crate::field::Field;
use crate::header::Sense;
use crate::meaning::flag::{self, Flag};
use crate::row::{Layout, Slot};
use crate::text::{key, lower};
use crate::vocabulary::nothing;

/// What is in a cleaned status cell whose row is to be left out. No other cleaned value holds this
/// character.
pub const SKIPPED: &str = "\u{1}";

/// Yes and no as a status cell says them, in the form of [`key`]; single letters but `y` and `n` are
/// left out.
fn yes_or_no(key: &str) -> Option<bool> {
    let is_word =
        key.chars().count() > 1 || matches!(key, "y" | "n" | "1" | "0") || !key.is_ascii();
    boolean_word(key).filter(|_| is_word && !matches!(key, "on" | "off"))
}

/// The status that `text` means: `active`, `invited` or `deactivated`.
pub fn status(text: &str) -> Option<&'static str> {
    if let Some(name) = ["active", "invited", "deactivated"]
        .into_iter()
        .find(|name| *name == text)
    {
        return Some(name);
    }
    let key = key(text);
    Some(match flag::word(&key) {
        Some(flag::Word::Open) => "active",
        Some(flag::Word::Invited) => "invited",
        Some(flag::Word::Gone | flag::Word::Closed) => "deactivated",
        Some(flag::Word::Doubt) => return None,
        None => match yes_or_no(&key)? {
            true => "active",
            false => "deactivated",
        },
    })
}

/// What the status cells of a row say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// The status, [`SKIPPED`], or nothing where the account is to keep what it has.
    pub word: &'static str,
    /// The first day to come at which one of them closes the account.
    pub later: Option<Date>,
}

/// What status cells of one row say together, each in the sense of its column: the strongest of
/// their meanings. `None` where one of them says what nobody knows.
pub fn meaning<'a>(
    cells: impl Iterator<Item = (&'a str, Option<Sense>)>,
    definition: &Definition,
) -> Option<Said> {
    let own = &definition.status;
    let mut strongest = Meaning::Keep;
    let mut later: Option<Date> = None;
    for (cell, sense) in cells {
        let known = || match sense {
            Some(sense) => match flag::read(cell, sense, definition.accounts.today)? {
                Flag::Open => Some(Meaning::Keep),
                Flag::Closed => Some(Meaning::Deactivated),
                Flag::Later(day) => {
                    later = Some(later.map_or(day, |other| other.min(day)));
                    Some(Meaning::Keep)
                }
            },
            None => match status(cell)? {
                "active" => Some(Meaning::Active),
                "invited" => Some(Meaning::Invited),
                _ => Some(Meaning::Deactivated),
            },
        };
        let meaning = match cell.is_empty() {
            true => own
                .of_empty()
                .filter(|_| matches!(sense, None | Some(Sense::Open))),
            false => Some(own.meaning(cell).or_else(known)?),
        };
        strongest = strongest.max(meaning.unwrap_or(Meaning::Keep));
    }
    let word = match strongest {
        Meaning::Keep => "",
        Meaning::Active => "active",
        Meaning::Invited => "invited",
        Meaning::Deactivated => "deactivated",
        Meaning::Skip => SKIPPED,
    };
    Some(Said {
        word,
        later: later.filter(|_| strongest < Meaning::Deactivated),
    })
}

/// `true` or `false`, if `text` says either, in the pipeline's own words first.
pub fn boolean(text: &str, definition: &Definition) -> Option<&'static str> {
    let words = |yes| if yes { "true" } else { "false" };
    match text {
        "true" => return Some("true"),
        "false" => return Some("false"),
        "✓" | "✔" | "☑" | "✅" => return Some("true"),
        "✗" | "✘" | "☐" | "❌" => return Some("false"),
        _ => {}
    }
    let key = key(text);
    if let Some(yes) = definition.boolean.meaning(&key) {
        return Some(words(yes));
    }
    let (word, _) = BOOLEANS
        .iter()
        .find(|(_, words)| words.contains(&key.as_str()))?;
    Some(word)
}

/// The role that `text` means, if that is not what it says: in lower case, and by the pipeline's
/// words for it. The pipeline's roles are always themselves.
pub fn role(text: &str, definition: &Definition) -> Option<String> {
    let lower = lower(text);
    if definition.role.is_empty() {
        return lower;
    }
    let said = lower.as_deref().unwrap_or(text);
    match definition.role.meaning(said) {
        Some(role) => (role != text).then(|| role.to_string()),
        None => lower,
    }
}

const ROLE: Slot = Slot::Field(Field::Role);

/// The roles that a cell lists, each as [`role`] has it, each once, in its order. `;` always parts
/// them.
pub fn roles(value: &str, definition: &Definition) -> Vec<String> {
    let separators = &definition.groups.separators;
    let mut roles: Vec<String> = Vec::new();
    for role in value.split(|c| c == ';' || separators.contains(&c)) {
        let role = role.trim_matches(' ');
        let role = wrap::unwrapped(role, &ROLE).unwrap_or(role);
        let is_known = || {
            let own = definition
                .accounts
                .roles
                .iter()
                .chain(&definition.clean.data);
            { own }.any(|known| known == role)
        };
        if (role == "0" || nothing::may_be(role) && nothing::says_nothing(role)) && !is_known() {
            continue;
        }
        let role =
            crate::meaning::words::role(role, definition).unwrap_or_else(|| role.to_string());
        if !role.is_empty() && !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles
}

/// Between the roles of a cleaned list.
pub const ROLE_SEPARATOR: &str = "; ";

/// By slot: whether it is a custom attribute that the pipeline says is yes or no.
pub fn boolean_slots(layout: &Layout, definition: &Definition) -> Vec<bool> {
    let listed = &definition.clean.booleans;
    let keys: Vec<String> = listed.iter().map(|name| key(name)).collect();
    let slots = layout.slots().iter();
    slots
        .map(|slot| match slot {
            Slot::Attribute(name) if !keys.is_empty() => keys.contains(&key(name)),
            _ => false,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::closing;

    #[test]
    fn statuses_are_known_by_their_words_only() {
        for (table, name) in [
            (closing::OPEN, "active"),
            (closing::INVITED, "invited"),
            (closing::GONE, "deactivated"),
            (closing::CLOSED, "deactivated"),
        ] {
            for (language, words) in table {
                for word in *words {
                    assert_eq!(status(word), Some(name), "{language}: {word}");
                    let upper = word.to_uppercase();
                    assert_eq!(status(&upper), Some(name), "{language}: {upper}");
                }
            }
        }
        for (text, name) in [
            ("Aktiv", Some("active")),
            ("Désactivé", Some("deactivated")),
            ("TAK", Some("active")),
            ("hayır", Some("deactivated")),
            ("retired", Some("deactivated")),
            ("y", Some("active")),
            ("x", None),
            ("on", None),
            ("on leave", None),
            ("beurlaubt", None),
            ("full-time", None),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(status(text), name, "{text}");
        }
    }

    #[test]
    fn the_strongest_of_several_statuses_counts_in_the_pipelines_own_words() {
        let own = |toml: &str| definition(&format!("[status]\n{toml}"));
        let school = "tobedeleted = \"deactivated\"\nfalse = \"deactivated\"\nrow = \"skip\"\n\"*\" = \"keep\"";
        for (toml, cells, word) in [
            ("", vec!["Aktiv"], Some("active")),
            ("", vec!["", "disabled"], Some("deactivated")),
            ("", vec!["active", "perhaps"], None),
            ("", vec![""], Some("")),
            (school, vec!["active", "TRUE"], Some("")),
            (school, vec!["To be deleted", "true"], Some("deactivated")),
            (school, vec!["active", "False"], Some("deactivated")),
            (school, vec!["row", "false"], Some(SKIPPED)),
            ("active = \"keep\"", vec!["ACTIVE"], Some("")),
            ("active = \"keep\"", vec!["inactive"], Some("deactivated")),
        ] {
            let said = meaning(cells.iter().map(|cell| (*cell, None)), &own(toml));
            assert_eq!(said.map(|said| said.word), word, "{cells:?}");
        }
    }

    #[test]
    fn each_column_speaks_in_its_own_sense_and_any_of_them_closes() {
        let mut of_today = definition("");
        of_today.accounts.today = Some(jiff::civil::date(2026, 11, 22));
        let day = jiff::civil::date(2027, 1, 31);
        let (open, closed, on) = (
            Some(Sense::Open),
            Some(Sense::Closed),
            Some(Sense::ClosedOn),
        );
        for (cells, word, later) in [
            (vec![("TRUE", open)], Some(""), None),
            (
                vec![("TRUE", open), ("yes", closed)],
                Some("deactivated"),
                None,
            ),
            (
                vec![("Active", None), ("x", closed)],
                Some("deactivated"),
                None,
            ),
            (vec![("Active", None), ("", closed)], Some("active"), None),
            (
                vec![("no", open), ("no", closed)],
                Some("deactivated"),
                None,
            ),
            (
                vec![("2026-03-05", on), ("", open)],
                Some("deactivated"),
                None,
            ),
            (vec![("2027-01-31", on)], Some(""), Some(day)),
            (
                vec![("2027-01-31", on), ("no", open)],
                Some("deactivated"),
                None,
            ),
            (vec![("perhaps", open)], None, None),
        ] {
            let said = meaning(cells.iter().copied(), &of_today);
            assert_eq!(said.map(|said| said.word), word, "{cells:?}");
            assert_eq!(said.and_then(|said| said.later), later, "{cells:?}");
        }
        // What an empty cell says is for the pipeline to say, and only of what should hold a yes.
        let empty = definition("[status]\n\"\" = \"deactivated\"");
        let of_empty = |sense| meaning(std::iter::once(("", sense)), &empty).unwrap().word;
        assert_eq!(
            [None, open, closed, on].map(of_empty),
            ["deactivated", "deactivated", "", ""]
        );
        let own = definition("[status]\nyes = \"keep\"\nno = \"deactivated\"");
        let said = |cell| meaning(std::iter::once((cell, closed)), &own).unwrap().word;
        assert_eq!(
            [said("Yes"), said("No"), said("true")],
            ["", "deactivated", "deactivated"]
        );
    }

    fn definition(toml: &str) -> Definition {
        crate::definition::parse("p", &format!("name = \"p\"\n{toml}"))
            .unwrap()
            .definition
    }

    /// For each preset what its product says of people who are there, and of those who aren't.
    #[rustfmt::skip]
    const PRODUCTS: &[(&str, &[&str], &[&str])] = &[
        ("360learning", &["active"], &["deactivated", "deleted", "inactive"]),
        ("auth0", &["false", ""], &["true"]),
        ("bamboohr", &["Active"], &["Inactive", "Terminated"]),
        ("canvas", &["active"], &["deleted", "suspended"]),
        ("entra", &["True", "TRUE"], &["False"]),
        ("entra-create", &["No"], &["Yes"]),
        ("google-workspace", &["Active"], &["Suspended", "Archived", "Deleted"]),
        ("ispring-learn", &["Active", "Yes"], &["Inactive", "Employment Ended", "No"]),
        ("keycloak", &["true"], &["false"]),
        ("mattermost", &["0"], &["1772704800000"]),
        ("moodle", &["0", ""], &["1"]),
        ("okta", &["ACTIVE", "STAGED", "PROVISIONED", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT"], &["SUSPENDED", "DEPROVISIONED"]),
        ("oneroster-1.1", &["active", "true"], &["tobedeleted", "inactive", "false"]),
        ("oneroster-1.2", &["active", "true"], &["tobedeleted", "inactive", "false"]),
        ("school-data-sync", &["Active"], &["Inactive", "Deleted"]),
        ("scim", &["true"], &["false"]),
        ("successfactors", &["active", "active_external", "t"], &["inactive", "inactive_external", "f", "d"]),
        ("talentlms", &["Active", "YES"], &["inactive", "NO"]),
        ("workday", &["Active", "Yes", "1", "On Leave"], &["Terminated", "Inactive", "No", "0"]),
    ];

    #[test]
    fn no_preset_lets_anybody_in_and_each_knows_the_closed_ones_of_its_product() {
        let all = crate::pipelines::recognizable().unwrap();
        let mut names: Vec<String> = Vec::new();
        for one in all {
            let definition = one.pipeline.definition;
            let product = PRODUCTS.iter().find(|(name, ..)| *name == definition.name);
            let (name, there, gone) = product.unwrap_or_else(|| panic!("{}", definition.name));
            let headers = definition
                .columns
                .status
                .as_ref()
                .map(|status| status.as_slice());
            for header in headers.unwrap_or_else(|| panic!("{name} has no status")) {
                let said = |word: &str| {
                    let cells = std::iter::once((word, crate::header::sense(header)));
                    meaning(cells, &definition).map(|said| said.word)
                };
                for word in *there {
                    assert_eq!(said(word), Some(""), "{name}: {word}");
                }
                for word in *gone {
                    assert_eq!(said(word), Some("deactivated"), "{name}: {word}");
                }
            }
            names.push(definition.name);
        }
        names.sort();
        names.dedup();
        let expected: Vec<&str> = PRODUCTS.iter().map(|(name, ..)| *name).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn booleans_are_known_by_their_words_and_the_pipelines() {
        let plain = definition("");
        for (name, words) in BOOLEANS {
            for word in words {
                assert_eq!(key(word), *word);
                assert_eq!(boolean(word, &plain), Some(name), "{word}");
            }
        }
        let own = definition("[boolean]\nabonniert = true\n\"Nicht gewünscht\" = false\nx = false");
        for (text, meaning) in [
            ("Sí", Some("true")),
            ("NÃO", Some("false")),
            ("✔", Some("true")),
            ("Abonniert", Some("true")),
            ("nicht gewunscht", Some("false")),
            ("X", Some("false")),
            ("perhaps", None),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(boolean(text, &own), meaning, "{text}");
        }
    }

    #[test]
    fn roles_are_known_by_the_pipelines_words() {
        let own = definition(
            "[accounts]\nroles = [\"user\", \"Admin\"]\n[role]\nadmin = [\"Administrateur\", \"1\"]\nuser = \"*\"",
        );
        for (text, meaning) in [
            ("ADMINISTRATEUR", Some("admin")),
            ("1", Some("admin")),
            ("Admin", Some("admin")),
            ("admin", None),
            ("user", None),
            ("boss", Some("user")),
        ] {
            assert_eq!(role(text, &own).as_deref(), meaning, "{text}");
        }
        assert_eq!(roles("1; admin; Boss", &own), ["admin", "user"]);
        assert_eq!(roles("boss;=\"Dr.\"", &definition("")), ["boss", "dr."]);
        assert_eq!(role("Boss", &definition("")).as_deref(), Some("boss"));
    }

    #[test]
    fn lower_case_is_composed_and_rests() {
        assert_eq!(lower("admin"), None);
        assert_eq!(lower("Admin").as_deref(), Some("admin"));
        assert_eq!(lower("ÄRZTE").as_deref(), Some("ärzte"));
        assert_eq!(lower("ärzte"), None);
        let separated = lower("İ\u{94d}\u{200d}").unwrap();
        assert_eq!(lower(&separated), None, "{separated:?}");
    }
}
