//! Words that stand for one of a few values: statuses and roles, and the key by which such words
//! are compared.

use unicode_normalization::UnicodeNormalization;

use super::text;
use crate::definition::{Definition, Meaning, StatusWords};
use crate::header;

/// What stands in a cleaned status cell whose row is to be left out. No other cleaned value holds
/// this character.
pub const SKIPPED: &str = "\u{1}";

/// What a status cell may say for each status; in the form of [`key`].
#[rustfmt::skip]
const STATUSES: [(&str, &[&str]); 3] = [
    (
        "active",
        &["active", "activated", "enabled", "yes", "y", "true", "1", "aktiv", "aktiviert", "ja", "actif", "activo", "oui", "si"],
    ),
    ("invited", &["invited", "pending", "eingeladen", "ausstehend", "invitado"]),
    (
        "deactivated",
        &[
            "deactivated", "inactive", "disabled", "suspended", "terminated", "deaktiviert", "inaktiv", "gesperrt",
            "no", "n", "false", "0", "nein", "inactif", "inactivo", "desactive", "desactivado",
        ],
    ),
];

/// What words are compared by, as headers are: NFKD without marks, lower case, letters and digits.
pub fn key(text: &str) -> String {
    header::key(text)
}

/// The status that `text` means: `active`, `invited` or `deactivated`.
pub fn status(text: &str) -> Option<&'static str> {
    if let Some((name, _)) = STATUSES.iter().find(|(name, _)| *name == text) {
        return Some(name);
    }
    let key = key(text);
    let (name, _) = STATUSES
        .iter()
        .find(|(_, words)| words.contains(&key.as_str()))?;
    Some(name)
}

/// What status cells of one row say together: the strongest of their meanings. `None` where one of
/// them says what nobody knows.
pub fn meaning<'a>(
    cells: impl Iterator<Item = &'a str>,
    own: &StatusWords,
) -> Option<&'static str> {
    let mut strongest = Meaning::Keep;
    for cell in cells.filter(|cell| !cell.is_empty()) {
        let known = || match status(cell)? {
            "active" => Some(Meaning::Active),
            "invited" => Some(Meaning::Invited),
            _ => Some(Meaning::Deactivated),
        };
        strongest = strongest.max(own.meaning(cell).or_else(known)?);
    }
    Some(match strongest {
        Meaning::Keep => "",
        Meaning::Active => "active",
        Meaning::Invited => "invited",
        Meaning::Deactivated => "deactivated",
        Meaning::Skip => SKIPPED,
    })
}

/// What a cell of an attribute may say that is yes or no, in the form of [`key`]: in English, German,
/// French, Spanish, Portuguese, Italian, Dutch, Polish, Czech, Turkish, Japanese and Chinese.
#[rustfmt::skip]
const BOOLEANS: [(&str, &[&str]); 2] = [
    (
        "true",
        &[
            "true", "1", "yes", "y", "t", "x", "on", "ja", "j", "wahr", "oui", "o", "vrai", "si", "s", "verdadero", "sim",
            "verdadeiro", "vero", "waar", "tak", "prawda", "ano", "pravda", "evet", "dogru", "はい", "是", "真",
        ],
    ),
    (
        "false",
        &[
            "false", "0", "no", "n", "f", "off", "nein", "falsch", "non", "faux", "falso", "nao", "nee", "onwaar", "nie",
            "falsz", "ne", "nepravda", "hayir", "yanlis", "いいえ", "否", "假",
        ],
    ),
];

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

/// The roles that a cell lists, each as [`role`] has it, each once, in its order. `;` always parts
/// them.
pub fn roles(value: &str, definition: &Definition) -> Vec<String> {
    let separators = &definition.groups.separators;
    let mut roles: Vec<String> = Vec::new();
    for role in value.split(|c| c == ';' || separators.contains(&c)) {
        let role = role.trim_matches(' ');
        let role = self::role(role, definition).unwrap_or_else(|| role.to_string());
        if !role.is_empty() && !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles
}

/// Between the roles of a cleaned list.
pub const ROLE_SEPARATOR: &str = "; ";

/// `value` in lower case and NFC, if it isn't already. What roles and domains are written in.
pub fn lower(value: &str) -> Option<String> {
    if value.is_ascii() {
        let upper = value.bytes().any(|byte| byte.is_ascii_uppercase());
        return upper.then(|| value.to_ascii_lowercase());
    }
    let lower: String = value.to_lowercase().nfc().collect();
    // Small letters may have other marks (`İ`), which part a joiner from what it joins.
    let lower = text::clean(&lower).0.into_owned();
    (lower != value).then_some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_known_by_their_words_only() {
        for (name, words) in STATUSES {
            for word in words {
                assert_eq!(key(word), *word);
                assert_eq!(status(word), Some(name), "{word}");
            }
        }
        assert_eq!(status("Aktiv"), Some("active"));
        assert_eq!(status("Désactivé"), Some("deactivated"));
        assert_eq!(status("retired"), None);
        assert_eq!(status(""), None);
    }

    #[test]
    fn the_strongest_of_several_statuses_counts_in_the_pipelines_own_words() {
        let own = |toml: &str| {
            let text = format!("name = \"p\"\n[status]\n{toml}");
            crate::definition::parse("p", &text)
                .unwrap()
                .definition
                .status
        };
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
            assert_eq!(
                meaning(cells.iter().copied(), &own(toml)),
                word,
                "{cells:?}"
            );
        }
    }

    fn definition(toml: &str) -> Definition {
        crate::definition::parse("p", &format!("name = \"p\"\n{toml}"))
            .unwrap()
            .definition
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
        assert_eq!(role("Boss", &definition("")).as_deref(), Some("boss"));
    }

    #[test]
    fn keys_of_ascii_and_of_other_text_agree() {
        for text in ["", "A-b c", "U.S.A.", "x_1 ~ Y"] {
            assert_eq!(key(text), header::key(text));
        }
    }

    #[test]
    fn lower_case_is_composed_and_rests() {
        assert_eq!(lower("admin"), None);
        assert_eq!(lower("Admin").as_deref(), Some("admin"));
        assert_eq!(lower("ÄRZTE").as_deref(), Some("ärzte"));
        assert_eq!(lower("ärzte"), None);
        let parted = lower("İ\u{94d}\u{200d}").unwrap();
        assert_eq!(lower(&parted), None, "{parted:?}");
    }
}
