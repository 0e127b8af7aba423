//! A record of JSON as a tree, and the tree as cells under dotted names.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::records::DEPTH_MAX;

/// Members of such a name list what somebody belongs to, by its name; other arrays whose elements
/// have a `value` (RFC 7643 2.4) hold one kind of address or number each.
const BELONGINGS: &[&str] = &["groups", "roles", "entitlements", "teams", "memberOf"];
/// What the elements of such a list are called, the best name first.
const NAMES: &[&str] = &["display", "displayName", "name", "value"];
/// A member that is kept as it is, in JSON: a password hash with all that belongs to it.
const WHOLE: &str = "credentials";
/// Integers beyond this may have lost digits: 2 to the 53rd.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// Objects with more keys than this look for double ones in a set.
const FEW_KEYS: usize = 16;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node<'t> {
    Null,
    Bool(bool),
    Text(Cow<'t, str>),
    Number(String),
    /// A number with more digits than are kept, as it is written.
    Inexact(String),
    List(Vec<Node<'t>>),
    Object(Vec<(Cow<'t, str>, Node<'t>)>),
}

/// Parses a record.
///
/// # Errors
/// What `serde_json` says of the text: of its syntax; or, as data, of a key that occurs twice, of
/// what isn't an object, and of one that nests too deep.
pub(super) fn parse(bytes: &[u8]) -> serde_json::Result<Node<'_>> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let mut node = Level(0).deserialize(&mut deserializer)?;
    deserializer.end()?;
    if node.has_inexact() {
        node.restore(&mut numbers(bytes));
    }
    match node {
        Node::Object(_) => Ok(node),
        _ => Err(serde_json::Error::custom(
            "expected an object such as `{\"email\": …}`",
        )),
    }
}

/// The numbers of a valid record as they are written, in their order.
fn numbers(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let from = at;
            match bytes[at] {
                b'"' => {
                    at += 1;
                    while at < bytes.len() && bytes[at] != b'"' {
                        at += 1 + usize::from(bytes[at] == b'\\');
                    }
                    at += 1;
                }
                b'-' | b'0'..=b'9' => {
                    let is_part =
                        |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                    at += bytes[at..].iter().take_while(|byte| is_part(byte)).count();
                    return std::str::from_utf8(&bytes[from..at]).ok();
                }
                _ => at += 1,
            }
        }
        None
    })
}

struct Level(usize);

impl<'t> DeserializeSeed<'t> for Level {
    type Value = Node<'t>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Node<'t>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for Level {
    type Value = Node<'t>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node<'t>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'t>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node<'t>, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node<'t>, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node<'t>, E> {
        let text = Number::from_f64(value).map_or_else(String::new, |number| number.to_string());
        Ok(if value.abs() < EXACT_MAX {
            Node::Number(text)
        } else {
            Node::Inexact(text)
        })
    }

    fn visit_borrowed_str<E>(self, value: &'t str) -> Result<Node<'t>, E> {
        Ok(Node::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node<'t>, E> {
        Ok(Node::Text(Cow::Owned(value.to_string())))
    }

    fn visit_string<E>(self, value: String) -> Result<Node<'t>, E> {
        Ok(Node::Text(Cow::Owned(value)))
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut from: A) -> Result<Node<'t>, A::Error> {
        let next = self.below()?;
        let mut list = Vec::new();
        while let Some(node) = from.next_element_seed(Level(next))? {
            list.push(node);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'t>>(self, mut from: A) -> Result<Node<'t>, A::Error> {
        let next = self.below()?;
        let mut members: Vec<(Cow<'t, str>, Node<'t>)> = Vec::new();
        let mut many = HashSet::new();
        while let Some(key) = from.next_key_seed(Key)? {
            let is_double = if members.len() < FEW_KEYS {
                members.iter().any(|(earlier, _)| *earlier == key)
            } else {
                if many.is_empty() {
                    many.extend(members.iter().map(|(earlier, _)| earlier.clone()));
                }
                !many.insert(key.clone())
            };
            if is_double {
                let shown: String = key.chars().take(40).collect();
                return Err(A::Error::custom(format!("the key `{shown}` occurs twice")));
            }
            members.push((key, from.next_value_seed(Level(next))?));
        }
        Ok(Node::Object(members))
    }
}

impl Level {
    fn below<E: serde::de::Error>(&self) -> Result<usize, E> {
        if self.0 >= DEPTH_MAX {
            return Err(E::custom("nests too deep"));
        }
        Ok(self.0 + 1)
    }
}

struct Key;

impl<'t> DeserializeSeed<'t> for Key {
    type Value = Cow<'t, str>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Cow<'t, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'t> Visitor<'t> for Key {
    type Value = Cow<'t, str>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, value: &'t str) -> Result<Cow<'t, str>, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cow<'t, str>, E> {
        Ok(Cow::Owned(value.to_string()))
    }
}

impl Node<'_> {
    /// The text of the member of that name, where it is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.member(name)? {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    fn member(&self, name: &str) -> Option<&Node<'_>> {
        let Node::Object(members) = self else {
            return None;
        };
        members
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, node)| node)
    }

    fn has_inexact(&self) -> bool {
        match self {
            Node::Inexact(_) => true,
            Node::List(list) => list.iter().any(Node::has_inexact),
            Node::Object(members) => members.iter().any(|(_, node)| node.has_inexact()),
            _ => false,
        }
    }

    /// Gives inexact numbers the digits back that they are written with. `written` has all numbers of
    /// the record.
    fn restore<'w>(&mut self, written: &mut impl Iterator<Item = &'w str>) {
        match self {
            Node::Number(_) => {
                written.next();
            }
            Node::Inexact(text) => {
                if let Some(written) = written.next() {
                    *text = written.to_string();
                }
            }
            Node::List(list) => list.iter_mut().for_each(|node| node.restore(written)),
            Node::Object(members) => members
                .iter_mut()
                .for_each(|(_, node)| node.restore(written)),
            Node::Null | Node::Bool(_) | Node::Text(_) => {}
        }
    }

    /// What a cell shows of it, where it is one value.
    fn scalar(&self) -> Option<&str> {
        match self {
            Node::Bool(true) => Some("true"),
            Node::Bool(false) => Some("false"),
            Node::Text(text) => Some(text),
            Node::Number(text) | Node::Inexact(text) => Some(text),
            Node::Null | Node::List(_) | Node::Object(_) => None,
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Node::Null => true,
            Node::List(list) => list.iter().all(Node::is_empty),
            Node::Object(members) => members.is_empty(),
            _ => false,
        }
    }

    fn is_primary(&self) -> bool {
        matches!(self.member("primary"), Some(Node::Bool(true)))
    }

    /// As JSON.
    fn write(&self, out: &mut String) {
        match self {
            Node::Null => out.push_str("null"),
            Node::Text(text) => out.push_str(&quoted(text)),
            Node::Bool(_) | Node::Number(_) | Node::Inexact(_) => {
                out.push_str(self.scalar().unwrap_or_default());
            }
            Node::List(list) => {
                out.push('[');
                for (index, node) in list.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    node.write(out);
                }
                out.push(']');
            }
            Node::Object(members) => {
                out.push('{');
                for (index, (key, node)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.push_str(&quoted(key));
                    out.push(':');
                    node.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// What is to be said of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Nothing,
    /// The number may have had more digits.
    Inexact,
    /// A value of the list holds what parts the values of a list.
    Separated,
}

/// What each cell of a record is handed to: its name, its text, what is to be said of it.
pub(super) type Put<'a> = dyn FnMut(&str, &str, Said) + 'a;

/// Takes records apart.
pub(super) struct Flattener<'s> {
    /// What parts the values of a list; the first of them is written.
    pub separators: &'s [char],
    path: String,
}

impl<'s> Flattener<'s> {
    pub(super) fn new(separators: &'s [char]) -> Flattener<'s> {
        Flattener {
            separators,
            path: String::new(),
        }
    }

    /// Hands every cell of a record to `put`.
    pub(super) fn record(&mut self, record: &Node, put: &mut Put) {
        self.path.clear();
        if let Node::Object(members) = record {
            members.iter().for_each(|(key, node)| {
                self.path.clear();
                self.path.push_str(key);
                self.node(node, put);
            });
        }
    }

    fn node(&mut self, node: &Node, put: &mut Put) {
        if node.is_empty() {
            return put(&self.path, "", Said::Nothing);
        }
        if is_called(&self.path, &[WHOLE]) && node.scalar().is_none() {
            let mut text = String::new();
            node.write(&mut text);
            return put(&self.path, &text, Said::Nothing);
        }
        match node {
            Node::Object(members) => members
                .iter()
                .for_each(|(key, node)| self.below(key, |this| this.node(node, put))),
            Node::List(list) => self.list(list, put),
            Node::Inexact(text) => put(&self.path, text, Said::Inexact),
            node => put(&self.path, node.scalar().unwrap_or_default(), Said::Nothing),
        }
    }

    fn below(&mut self, key: &str, then: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push('.');
        self.path.push_str(key);
        then(self);
        self.path.truncate(length);
    }

    fn list(&mut self, list: &[Node], put: &mut Put) {
        let is_object = |node: &&Node| matches!(node, Node::Object(_));
        if !list.iter().any(|node| is_object(&node)) {
            return self.joined(list, put);
        }
        let value = |node: &Node| Some(node.member("value")?.scalar()?.to_string());
        let has_values = list.iter().any(|node| value(node).is_some());
        let is_belonging = is_called(&self.path, BELONGINGS);
        if is_belonging || !has_values {
            let names = list.iter().map(name_of).collect::<Option<Vec<_>>>();
            if let Some(names) = names {
                return self.joined(&names, put);
            }
        }
        let main = list.iter().position(Node::is_primary).unwrap_or(0);
        let mut number = 1;
        let mut others = Vec::new();
        for (index, node) in list.iter().enumerate() {
            match value(node) {
                _ if index == main => self.members(node, put),
                Some(text) => others.push(Node::Text(Cow::Owned(text))),
                None => {
                    number += 1;
                    self.below(&number.to_string(), |this| this.members(node, put));
                }
            }
        }
        if !others.is_empty() {
            self.below("others", |this| this.joined(&others, put));
        }
    }

    /// The members of an element; that it is the primary one is recognized by its place.
    fn members(&mut self, node: &Node, put: &mut Put) {
        let Node::Object(members) = node else {
            return self.node(node, put);
        };
        for (key, node) in members.iter().filter(|(key, _)| key != "primary") {
            self.below(key, |this| this.node(node, put));
        }
    }

    fn joined(&mut self, list: &[Node], put: &mut Put) {
        let mut text = String::new();
        let mut said = Said::Nothing;
        self.join(list, &mut text, &mut said);
        put(&self.path, &text, said);
    }

    fn join(&self, list: &[Node], text: &mut String, said: &mut Said) {
        for node in list {
            if let Node::List(inner) = node {
                self.join(inner, text, said);
            }
            let Some(value) = node.scalar().filter(|value| !value.trim().is_empty()) else {
                continue;
            };
            if matches!(node, Node::Inexact(_)) {
                *said = Said::Inexact;
            } else if *said == Said::Nothing
                && super::super::is_separated(value, list.len(), self.separators)
            {
                *said = Said::Separated;
            }
            if !text.is_empty() {
                text.extend(self.separators.first());
            }
            text.push_str(value);
        }
    }
}

/// Whether the last part of a name is one of these.
fn is_called(path: &str, names: &[&str]) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path);
    names.iter().any(|name| name.eq_ignore_ascii_case(last))
}

/// What an element of a list is called; a value represents itself.
fn name_of<'n>(node: &'n Node) -> Option<Node<'n>> {
    let name = match node {
        Node::Object(_) => NAMES.iter().find_map(|name| {
            let text = node.member(name)?.scalar()?;
            Some(text).filter(|text| !text.trim().is_empty())
        })?,
        node => node.scalar()?,
    };
    Some(Node::Text(Cow::Borrowed(name)))
}
