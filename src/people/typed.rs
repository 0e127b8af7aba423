//! People as somebody types them: addresses, with or without names.

use crate::text::email;

/// A typed person: first name, last name, address.
pub type Typed = (String, String, String);

/// The people of a list, each address once. Addresses are separated by commas, semicolons, spaces
/// or lines; before an address in angle brackets is a name, `First Last` or `Last, First`.
pub fn people(text: &str) -> Vec<Typed> {
    let mut people: Vec<Typed> = Vec::new();
    for person in text.lines().flat_map(people_of_line) {
        let key = email::key(&person.2);
        let known = people
            .iter_mut()
            .find(|(_, _, address)| key.is_some() && email::key(address) == key);
        match known {
            // Who is named once is named.
            Some(known) if known.0.is_empty() && known.1.is_empty() => {
                *known = (person.0, person.1, known.2.clone());
            }
            Some(_) => {}
            None => people.push(person),
        }
    }
    people
}

/// People as a list that [`people`] reads, a line each; without their name where no line can have
/// it, as with a single quote mark in it.
pub fn list(typed: &[Typed]) -> String {
    let mut list = String::new();
    for person in typed {
        let (first, last, address) = person;
        let ways = [
            address.clone(),
            format!("{first} {last} <{address}>"),
            format!("\"{last}, {first}\" <{address}>"),
            format!("{last}, {first} <{address}>"),
        ];
        let is_same = |way: &&String| people(way) == std::slice::from_ref(person);
        list.push_str(ways.iter().find(is_same).unwrap_or(address));
        list.push('\n');
    }
    list
}

fn people_of_line(line: &str) -> Vec<Typed> {
    let mut people = Vec::new();
    // `Doe, Ann <a@x.eu>`: what comes before the comma is no address, but a part of the name.
    let mut surname = None;
    for part in parts(line) {
        match part.split_once('<') {
            Some((name, rest)) => {
                let name = name.trim().trim_matches('"').trim();
                let whole = match surname.take() {
                    Some(surname) => format!("{surname}, {name}"),
                    None => name.to_string(),
                };
                let (first, last) = match whole.split_once(',') {
                    Some((last, first)) => (first, last),
                    None => whole.rsplit_once(' ').unwrap_or((&whole, "")),
                };
                people.push((
                    first.trim().to_string(),
                    last.trim().to_string(),
                    rest.split('>').next().unwrap_or("").trim().to_string(),
                ));
            }
            None => {
                people.extend(surname.take().into_iter().flat_map(addresses));
                if part.contains('@') {
                    people.extend(addresses(part));
                } else {
                    surname = Some(part);
                }
            }
        }
    }
    people.extend(surname.into_iter().flat_map(addresses));
    people
}

/// Words without a name around them.
fn addresses(part: &str) -> impl Iterator<Item = Typed> {
    let words = part.split_whitespace();
    words.map(|word| (String::new(), String::new(), word.to_string()))
}

/// A line cut at commas and semicolons, but not within quotes or angle brackets.
fn parts(line: &str) -> Vec<&str> {
    // A quote that is never closed opens nothing.
    let quotes_close = line.matches('"').count().is_multiple_of(2);
    let (mut quoted, mut bracketed) = (false, false);
    let cut = |character: char| {
        match character {
            '"' => quoted = !quoted && quotes_close,
            '<' => bracketed = true,
            '>' => bracketed = false,
            _ => {}
        }
        matches!(character, ',' | ';') && !quoted && !bracketed
    };
    line.split(cut)
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_the_same_people_again() {
        for text in [
            "a@x.eu, Ann Mary Lee <b@x.eu>; \"Bo\" <c@x.eu>",
            "\"Last, First\" <b@x.eu>; O'Neil, Ann <d@x.eu>",
            "Ann \"Bo\" Ng <a@x.eu>; \"Ng; Co, Ann\" <b@x.eu>; \"Ng,\" <c@x.eu>",
            "<a@x.eu>",
        ] {
            assert_eq!(people(&list(&people(text))), people(text), "{text:?}");
        }
    }

    #[test]
    fn lists_are_taken_as_people_type_them() {
        let email = |text: &str| (String::new(), String::new(), text.to_string());
        let named = |first: &str, last: &str, text: &str| {
            (first.to_string(), last.to_string(), text.to_string())
        };
        let table = [
            ("a@x.eu", vec![email("a@x.eu")]),
            (
                "a@x.eu, b@x.eu;c@x.eu d@x.eu\ne@x.eu",
                ["a", "b", "c", "d", "e"]
                    .map(|c| email(&format!("{c}@x.eu")))
                    .to_vec(),
            ),
            (
                "Ann Mary Lee <a@x.eu>, \"Bo\" <b@x.eu>",
                vec![
                    named("Ann Mary", "Lee", "a@x.eu"),
                    named("Bo", "", "b@x.eu"),
                ],
            ),
            (
                "\"Last, First\" <b@x.eu>; O'Neil, Ann <d@x.eu>, c@x.eu",
                vec![
                    named("First", "Last", "b@x.eu"),
                    named("Ann", "O'Neil", "d@x.eu"),
                    email("c@x.eu"),
                ],
            ),
            ("a@x.eu A@X.eu", vec![email("a@x.eu")]),
            (
                "d@x.eu, Ann Ng <D@x.eu>",
                vec![named("Ann", "Ng", "d@x.eu")],
            ),
            ("nobody, a@x.eu", vec![email("nobody"), email("a@x.eu")]),
            (
                "\"Bo <b@x.eu>, a@x.eu",
                vec![named("Bo", "", "b@x.eu"), email("a@x.eu")],
            ),
            (" ,;\r\n", vec![]),
        ];
        for (text, expected) in table {
            assert_eq!(people(text), expected, "{text:?}");
        }
    }
}
