//! Parts of names in separate columns (`Tussenvoegsel`, `Segundo apellido`, `Middle name`), joined
//! into the first and the last name.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::field::{Field, NamePart};
use crate::meaning::name;
use crate::rule::{Rule, Rules};
use crate::vocabulary::columns;

/// A part of a row's name: which one, whether all of its column is part of a name, and the cleaned
/// text of the cell.
pub struct Piece<'c> {
    /// Which part.
    pub part: NamePart,
    /// Whether all of such a column is part of a name.
    pub is_sure: bool,
    /// The text.
    pub text: &'c str,
}

/// [`columns::PARTICLES`], in lower case.
static PARTICLES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let words = columns::PARTICLES.iter().flat_map(|(_, words)| *words);
    words.map(|word| word.to_lowercase()).collect()
});

/// [`columns::GENERATIONS`], in lower case, without full stops and spaces.
static GENERATIONS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let words = columns::GENERATIONS.iter().flat_map(|(_, words)| *words);
    words.map(|word| generation_key(word)).collect()
});

fn generation_key(text: &str) -> String {
    let kept = text.chars().filter(|c| !matches!(c, '.' | ' ' | ','));
    kept.flat_map(char::to_lowercase).collect()
}

/// The name in `field` with the pieces that belong to it, and what was done; `None` if nothing. The rule:
///
/// 1. Further first names come after the first name, particles and titles of nobility before the
///    last name, a second surname after it, and `Jr.` and the like at the end. Pieces of one kind
///    keep the order of their columns.
/// 2. Titles (`Dr.`) and degrees (`PhD`) are left out, as in full names.
/// 3. Of columns whose header is not enough to tell (`Prefix`, `Suffix`), only particles and words
///    such as `Jr.` are taken.
/// 4. What the name has already isn't added again, so joining twice is joining once.
/// 5. A name that is empty stays empty: a particle alone is none. A second surname can be the only one.
pub fn join<'c>(
    field: Field,
    value: &str,
    pieces: impl Iterator<Item = Piece<'c>>,
) -> Option<(String, Rules)> {
    let mut name = value.to_string();
    let mut before = String::new();
    let mut suffix = String::new();
    let mut rules = Rules::NONE;
    let pieces: Vec<Piece> = pieces.filter(|piece| piece.part.field() == field).collect();
    let own_suffix = without_suffix_of(&mut name, &pieces);
    for piece in pieces {
        let (text, has_title) = name::without_titles_of(piece.text);
        if has_title {
            rules.add(Rule::NameTitle);
        }
        if !text.contains(char::is_alphabetic) {
            continue;
        }
        let is_generation = GENERATIONS.contains(&generation_key(&text));
        match piece.part {
            _ if !(piece.is_sure || is_generation || are_particles(&text)) => {}
            NamePart::Before | NamePart::Suffix if is_generation => push(&mut suffix, &text),
            NamePart::Suffix if !piece.is_sure => {}
            NamePart::Suffix => push(&mut suffix, &text),
            NamePart::Before => push(&mut before, &text),
            NamePart::Second if name.is_empty() => name.push_str(&text),
            NamePart::Second if ends_with(&name, &text, false) => {}
            NamePart::Second => push(&mut name, &text),
            NamePart::Middle if name.is_empty() || ends_with(&name, &text, true) => {}
            NamePart::Middle => push(&mut name, &text),
        }
    }
    if name.is_empty() {
        return None;
    }
    if !before.is_empty() && !starts_with(&name, &before) && !ends_with(&name, &before, true) {
        let is_attached = before.ends_with(['\'', '’', '-']);
        let space = if is_attached { "" } else { " " };
        name = format!("{before}{space}{name}");
    }
    match own_suffix {
        Some(own) => push(&mut name, &own),
        None if !suffix.is_empty() => push(&mut name, &suffix),
        None => {}
    }
    if name == value {
        return (rules != Rules::NONE).then_some((name, rules));
    }
    rules.add(Rule::NameParts);
    Some((name, rules))
}

/// Takes the suffix among the pieces off the end of a name that has it already, and returns it as the
/// name has it, so that other pieces go before it.
fn without_suffix_of(name: &mut String, pieces: &[Piece]) -> Option<String> {
    let suffixes = pieces.iter().filter(|piece| {
        GENERATIONS.contains(&generation_key(piece.text))
            || piece.part == NamePart::Suffix && piece.is_sure
    });
    for piece in suffixes {
        let (rest, last) = name.rsplit_once(' ').unwrap_or(("", name));
        if !rest.is_empty()
            && generation_words(last).eq_ignore_ascii_case(&generation_words(piece.text))
        {
            let last = last.to_string();
            name.truncate(name.len() - last.len() - 1);
            return Some(last);
        }
    }
    None
}

fn push(name: &mut String, text: &str) {
    if !name.is_empty() {
        name.push(' ');
    }
    name.push_str(text);
}

fn generation_words(text: &str) -> String {
    text.replace(['.', ','], "")
}

/// Whether all words are such as come before a last name, and at least one isn't a name itself.
fn are_particles(text: &str) -> bool {
    let attached = |word: &str| word.ends_with(['\'', '’']) && word.chars().count() <= 3;
    let is_one = |word: &str| {
        let word = word.to_lowercase().replace('’', "'");
        PARTICLES.contains(&word) || name::is_particle(&word) || attached(&word)
    };
    text.split(' ').all(is_one)
}

/// Whether the name begins with these words.
fn starts_with(name: &str, words: &str) -> bool {
    let (name, words) = (name.to_lowercase(), words.to_lowercase());
    name.strip_prefix(&words)
        .is_some_and(|rest| words.ends_with(['\'', '’', '-']) || rest.starts_with(' '))
}

/// Whether the name ends with these words, or is no more than they are where `or_is`.
fn ends_with(name: &str, words: &str, or_is: bool) -> bool {
    let (name, words) = (name.to_lowercase(), words.to_lowercase());
    name.strip_suffix(&words)
        .is_some_and(|rest| rest.ends_with([' ', ',']) || rest.is_empty() && or_is)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(field: Field, value: &str, pieces: &[(NamePart, bool, &str)]) -> String {
        let pieces = pieces.iter().map(|(part, is_sure, text)| Piece {
            part: *part,
            is_sure: *is_sure,
            text,
        });
        join(field, value, pieces).map_or_else(|| value.to_string(), |(name, _)| name)
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn parts_are_joined_by_the_written_rule() {
        use NamePart::{Before, Middle, Second, Suffix};
        let (first, last) = (Field::FirstName, Field::LastName);
        type Pieces = &'static [(NamePart, bool, &'static str)];
        let cases: [(Field, &str, Pieces, &str); 28] = [
            (last, "Berg", &[(Before, true, "van den")], "van den Berg"),
            (
                last,
                "van den Berg",
                &[(Before, true, "van den")],
                "van den Berg",
            ),
            (
                last,
                "Berg, van den",
                &[(Before, true, "van den")],
                "Berg, van den",
            ),
            (last, "Smit", &[(Before, true, "")], "Smit"),
            (last, "Smit", &[(Before, true, "-")], "Smit"),
            (last, "", &[(Before, true, "van")], ""),
            (last, "Artagnan", &[(Before, true, "d'")], "d'Artagnan"),
            (last, "Hooft", &[(Before, true, "'t")], "'t Hooft"),
            (
                last,
                "Vandenberg",
                &[(Before, true, "van")],
                "van Vandenberg",
            ),
            (
                last,
                "Leite",
                &[(Before, true, "Freiherr"), (Before, true, "von")],
                "Freiherr von Leite",
            ),
            (
                last,
                "Leite",
                &[(Before, true, "Dr. von der")],
                "von der Leite",
            ),
            (last, "Leite", &[(Before, true, "jun.")], "Leite jun."),
            (last, "Berg", &[(Before, false, "van der")], "van der Berg"),
            (last, "Berg", &[(Before, false, "Mrs.")], "Berg"),
            (last, "Berg", &[(Before, false, "Captain")], "Berg"),
            (last, "García", &[(Second, true, "López")], "García López"),
            (
                last,
                "García López",
                &[(Second, true, "López")],
                "García López",
            ),
            (last, "García", &[(Second, true, "García")], "García García"),
            (last, "", &[(Second, true, "López")], "López"),
            (last, "King", &[(Suffix, false, "Jr.")], "King Jr."),
            (last, "King Jr", &[(Suffix, false, "Jr.")], "King Jr"),
            (last, "King", &[(Suffix, false, "PhD")], "King"),
            (last, "King", &[(Suffix, false, "von")], "King"),
            (
                last,
                "Berg",
                &[
                    (Suffix, false, "III"),
                    (Second, true, "Ray"),
                    (Before, true, "de"),
                ],
                "de Berg Ray III",
            ),
            (first, "Uma", &[(Middle, true, "Ann")], "Uma Ann"),
            (first, "Uma Ann", &[(Middle, true, "Ann")], "Uma Ann"),
            (first, "", &[(Middle, true, "Ann")], ""),
            (first, "Uma", &[(Before, true, "van")], "Uma"),
        ];
        for (field, value, pieces, expected) in cases {
            let once = joined(field, value, pieces);
            assert_eq!(once, expected, "{value} {}", pieces[0].2);
            // A second surname may be the same as the first.
            if !(pieces[0].0 == Second && once != value) {
                assert_eq!(joined(field, &once, pieces), once);
            }
        }
    }
}
