//! Lists as other systems write them into one cell: line by line, as JSON, as lists of Python, arrays of
//! PostgreSQL, serialised PHP, names of a directory, or in quotes.

use std::borrow::Cow;

use serde_json::Value;

/// The values of a list that isn't written as plain text between separators.
#[derive(Debug, PartialEq, Eq)]
pub enum Listed {
    /// Its values.
    Values(Vec<String>),
    /// It is not a list of values, but what a program shows instead of one, or a damaged one.
    Broken(&'static str),
}

/// What programs show instead of a list.
const OBJECTS: [&str; 5] = [
    "[object Object]",
    "System.Object[]",
    "System.String[]",
    "Microsoft.ActiveDirectory.Management.ADPropertyValueCollection",
    "#<Object>",
];
const NO_LIST: &str = "the groups themselves; a program wrote the name of its list there";
const DAMAGED: &str = "group names; this is part of a program's data";
/// Members of a JSON object that name it, in the order in which they are looked for.
const NAMES: [&str; 6] = [
    "name",
    "displayName",
    "display_name",
    "title",
    "label",
    "value",
];

/// The list in `text`, which has no white space at its ends; `None` for plain text.
pub fn read(text: &str) -> Option<Listed> {
    let bytes = text.as_bytes();
    match (bytes.first()?, bytes.last()?) {
        _ if is_object(text) => Some(Listed::Broken(NO_LIST)),
        (b'[', b']') => Some(in_brackets(text)),
        (b'{', b'}') => Some(in_braces(text)),
        // A tuple of Python, which may end in a comma.
        (b'(', b')') => quoted(text[1..text.len() - 1].trim(), b",").map(Listed::Values),
        (b'a', b'}') if is_php(text) => {
            Some(php(text).map_or(Listed::Broken(DAMAGED), Listed::Values))
        }
        (b'c' | b'C' | b'o' | b'O', _) if is_directory_name(text) => {
            Some(Listed::Values(directory_names(text)))
        }
        (quote @ (b'"' | b'\''), end) if quote == end => quoted(text, b",;|").map(Listed::Values),
        _ => None,
    }
}

fn is_object(text: &str) -> bool {
    let mut parts = text.split([',', ';']).map(str::trim);
    OBJECTS.contains(&text)
        || text.starts_with("System.Collections.")
        || text.starts_with("Microsoft.ActiveDirectory.")
        || text.starts_with("[object ") && parts.all(|part| part == "[object Object]")
}

/// `["Sales", "Ops"]`, `[{"name": "Sales"}]`, `['Sales', 'Ops']` or `[Sales, Ops]`.
fn in_brackets(text: &str) -> Listed {
    if let Ok(list) = serde_json::from_str::<Vec<Value>>(text) {
        let names: Option<Vec<String>> = list
            .iter()
            .filter(|value| !value.is_null())
            .map(name)
            .collect();
        return names.map_or(Listed::Broken(DAMAGED), Listed::Values);
    }
    let inner = text[1..text.len() - 1].trim();
    if let Some(list) = quoted(inner, b",") {
        return Listed::Values(list);
    }
    if inner.contains(['[', ']', '{', '}', '"']) {
        return Listed::Broken(DAMAGED);
    }
    Listed::Values(
        inner
            .split(',')
            .map(|name| name.trim().to_string())
            .collect(),
    )
}

fn name(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(members) => {
            let named = NAMES.iter().find_map(|name| members.get(*name)?.as_str());
            named.map(String::from)
        }
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

/// An array of PostgreSQL, such as `{Sales,"Ops Team"}`. A JSON object is not a list.
fn in_braces(text: &str) -> Listed {
    if let Ok(object) = serde_json::from_str::<Value>(text) {
        let named = name(&object).map(|name| vec![name]);
        let is_empty = object.as_object().is_some_and(serde_json::Map::is_empty);
        return match named {
            Some(names) => Listed::Values(names),
            None if is_empty => Listed::Values(Vec::new()),
            None => Listed::Broken(DAMAGED),
        };
    }
    let inner = text[1..text.len() - 1].trim();
    let mut values = Vec::new();
    let mut rest = inner;
    while !rest.is_empty() {
        let (value, behind) = match rest.strip_prefix('"') {
            Some(_) => match unquote(rest) {
                Some(found) => found,
                None => return Listed::Broken(DAMAGED),
            },
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].trim().to_string(), &rest[end..])
            }
        };
        if value.contains(['{', '}']) {
            return Listed::Broken(DAMAGED);
        }
        if value != "NULL" {
            values.push(value);
        }
        let behind = behind.trim_start();
        rest = match behind.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if behind.is_empty() => behind,
            None => return Listed::Broken(DAMAGED),
        };
    }
    Listed::Values(values)
}

/// The text in quotes that `text` begins with, and what follows. A backslash or a second quote makes a
/// quote part of the text.
fn unquote(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next()?;
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = chars.next() {
        match character {
            '\\' => value.push(chars.next()?.1),
            _ if character == quote => match chars.peek() {
                Some((_, next)) if *next == quote => {
                    value.push(quote);
                    chars.next();
                }
                _ => return Some((value, &text[at + 1..])),
            },
            _ => value.push(character),
        }
    }
    None
}

/// The values of a list in which every value is in quotes.
fn quoted(text: &str, separators: &[u8]) -> Option<Vec<String>> {
    let mut values = Vec::new();
    let mut rest = text;
    loop {
        if !rest.starts_with(['"', '\'']) {
            return None;
        }
        let (value, behind) = unquote(rest)?;
        values.push(value);
        let behind = behind.trim_start();
        let Some(separator) = behind.bytes().next() else {
            return Some(values);
        };
        if !separators.contains(&separator) {
            return None;
        }
        rest = behind[1..].trim_start();
        if rest.is_empty() {
            return Some(values);
        }
    }
}

/// Whether it begins as a serialised array of PHP: `a:2:{`.
fn is_php(text: &str) -> bool {
    let count = text
        .strip_prefix("a:")
        .and_then(|rest| rest.split_once(":{"));
    count.is_some_and(|(count, _)| !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()))
}

/// The values of `a:2:{i:0;s:5:"Sales";i:1;s:3:"Ops";}`: every second one; the others are keys.
fn php(text: &str) -> Option<Vec<String>> {
    let (_, rest) = text.split_once(":{")?;
    let mut rest = rest.strip_suffix('}')?;
    let mut values = Vec::new();
    let mut is_key = true;
    while !rest.is_empty() {
        let (value, behind) = match rest.strip_prefix("s:") {
            Some(counted) => {
                let (count, text) = counted.split_once(":\"")?;
                let (value, behind) = text.split_at_checked(count.parse().ok()?)?;
                (value, behind.strip_prefix("\";")?)
            }
            None => rest.strip_prefix("i:")?.split_once(';')?,
        };
        if !is_key {
            values.push(value.to_string());
        }
        is_key = !is_key;
        rest = behind;
    }
    is_key.then_some(values)
}

/// Whether it begins with a name of a directory (RFC 4514): `CN=Sales,OU=Groups,DC=nordwind`, or `CN=Sales`.
pub fn is_directory_name(text: &str) -> bool {
    let Some((kind, rest)) = text.split_once('=') else {
        return false;
    };
    let is_kind = kind.trim().eq_ignore_ascii_case("cn") || kind.trim().eq_ignore_ascii_case("ou");
    is_kind && !rest.trim().is_empty()
}

/// The first part of every directory name of a list, with its escapes undone. A name ends at `;`, `|`, a
/// line break, or before a `CN=` that follows a `DC=`.
fn directory_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_first = true;
    let mut before = String::new();
    for (part, end) in unescaped_parts(text) {
        let (kind, value) = part.split_once('=').unwrap_or(("", part));
        let kind = kind.trim().to_ascii_lowercase();
        let begins_next = kind == "cn" && matches!(before.as_str(), "dc" | "o" | "c");
        if (is_first || begins_next) && !part.trim().is_empty() {
            names.push(unescaped(value.trim()).into_owned());
        }
        is_first = end != ',';
        before = kind;
    }
    names
}

/// The parts of a list of directory names, each with the character after it.
fn unescaped_parts(text: &str) -> Vec<(&str, char)> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut is_escaped = false;
    let mut is_quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ',' | ';' | '|' | '\n' | '\r' if !is_quoted => {
                parts.push((&text[start..at], character));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push((&text[start..], '\n'));
    parts
}

/// A value of a directory name without its escapes: `\,` is a comma, `\C3\BC` is `ü`.
fn unescaped(value: &str) -> Cow<'_, str> {
    let quoted = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let value = quoted.unwrap_or(value);
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [byte, behind @ ..] = rest {
        let hex = |byte: u8| char::from(byte).to_digit(16);
        rest = behind;
        match (byte, behind) {
            (b'\\', [high, low, behind @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                let pair = [hex(*high), hex(*low)].map(Option::unwrap_or_default);
                bytes.push((pair[0] * 16 + pair[1]) as u8);
                rest = behind;
            }
            (b'\\', [escaped, behind @ ..]) => {
                bytes.push(*escaped);
                rest = behind;
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// The lines of a list that has one value in each, without the marks before them; `None` where there is
/// one line and no mark.
pub fn lines(text: &str) -> Option<Vec<&str>> {
    let is_end = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let is_bullet = |c: char| matches!(c, '•' | '◦' | '▪' | '▫' | '‣' | '●' | '○' | '■' | '□');
    if !text.contains(is_end) && !text.starts_with(is_bullet) {
        return None;
    }
    let mut lines: Vec<&str> = text.split(is_end).collect();
    if text.starts_with(is_bullet) {
        lines = lines
            .iter()
            .flat_map(|line| line.split(is_bullet))
            .collect();
    }
    let trimmed = lines.iter().map(|line| line.trim());
    let lines: Vec<&str> = trimmed.filter(|line| !line.is_empty()).collect();
    let mut marks = ["- ", "– ", "* ", "+ "].iter();
    let without = |mark: &str| -> Option<Vec<&str>> {
        let names = lines
            .iter()
            .map(|line| line.strip_prefix(mark).map(str::trim));
        names.collect()
    };
    let unmarked = marks.find_map(|mark| without(mark));
    Some(
        unmarked
            .or_else(|| without_numbers(&lines))
            .unwrap_or(lines),
    )
}

/// Lines without the numbers before them, where they are counted from 1.
fn without_numbers<'a>(lines: &[&'a str]) -> Option<Vec<&'a str>> {
    if lines.len() < 2 {
        return None;
    }
    let numbered = lines.iter().enumerate().map(|(at, line)| {
        let rest = line.strip_prefix(&(at + 1).to_string())?;
        let name = rest.strip_prefix(['.', ')', ':'])?;
        name.starts_with([' ', '\u{a0}', '\t']).then(|| name.trim())
    });
    numbered.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_other_systems_are_read() {
        for (text, expected) in [
            (r#"["Sales","Ops"]"#, "Sales|Ops"),
            (r#"["Finance, Tax"]"#, "Finance, Tax"),
            (
                r#"[{"id": 7, "name": "Sales"}, {"name": "Ops"}]"#,
                "Sales|Ops",
            ),
            ("[]", ""),
            (r"['Sales', 'Ops']", "Sales|Ops"),
            (r#"['Sales', "Children's ward"]"#, "Sales|Children's ward"),
            ("[Sales, Ops]", "Sales|Ops"),
            ("('Sales', 'Ops')", "Sales|Ops"),
            ("('Sales',)", "Sales"),
            (r#"{Sales,"Ops Team"}"#, "Sales|Ops Team"),
            (r#"{"Sales","R\"D",NULL}"#, "Sales|R\"D"),
            ("{}", ""),
            (r#"a:2:{i:0;s:5:"Sales";i:1;s:3:"Ops";}"#, "Sales|Ops"),
            (r#"a:1:{i:0;s:6:"Büro";}"#, "!"),
            (r#"a:1:{i:0;s:5:"Büro";}"#, "Büro"),
            (r"CN=Sales\, EMEA,OU=Groups,DC=nordwind", "Sales, EMEA"),
            ("CN=Sales,OU=G,DC=x;cn=Ops,OU=G,DC=x", "Sales|Ops"),
            ("CN=Sales,OU=G,DC=x|CN=Ops,OU=G,DC=x", "Sales|Ops"),
            ("CN=Sales,CN=Users,DC=x\nCN=Ops,CN=Users,DC=x", "Sales|Ops"),
            ("CN=Sales,OU=G,DC=x, CN=Ops,OU=G,DC=x", "Sales|Ops"),
            (r"cn=B\C3\BCro \+ Labor,dc=x", "Büro + Labor"),
            ("'Sales', 'Ops'", "Sales|Ops"),
            (r#""Finance, Tax";"Ops""#, "Finance, Tax|Ops"),
            ("[object Object]", "!"),
            ("[object Object],[object Object]", "!"),
            ("System.String[]", "!"),
            (r#"{"a": 1}"#, "!"),
            (r#"[["Sales"]]"#, "!"),
            (r#"["Sales","Ops]"#, "!"),
        ] {
            let found = match read(text) {
                Some(Listed::Values(values)) => values.join("|"),
                Some(Listed::Broken(_)) => "!".to_string(),
                None => "-".to_string(),
            };
            assert_eq!(found, expected, "{text}");
        }
        for text in [
            "",
            "Sales",
            "'t Hof",
            "Class: 5b",
            "a:b",
            "c=d",
            "(Sales)",
            "\"Sales\" team",
            "'A' 'B'",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn lines_are_read_without_their_marks() {
        for (text, expected) in [
            ("Sales\nOps", "Sales|Ops"),
            ("Sales\r\nOps\r\n", "Sales|Ops"),
            ("• Sales\n• Ops", "Sales|Ops"),
            ("• Sales • Ops", "Sales|Ops"),
            ("- Sales\n- Ops", "Sales|Ops"),
            ("* Sales\n* Ops", "Sales|Ops"),
            ("1. Sales\n2. Ops", "Sales|Ops"),
            ("1) Sales\n2) Ops", "Sales|Ops"),
            ("1. Team\n1. Reserve", "1. Team|1. Reserve"),
            ("- Sales\nOps", "- Sales|Ops"),
        ] {
            assert_eq!(
                lines(text).map(|lines| lines.join("|")).as_deref(),
                Some(expected)
            );
        }
        assert_eq!(lines("1. Mannschaft"), None);
        assert_eq!(lines("- Sales"), None);
    }
}
