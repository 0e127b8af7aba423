//! Reads XML tag by tag, in memory of one tag. No document types and no entities but the five
//! that every parser knows, so nothing can grow or be fetched.

use std::borrow::Cow;
use std::io::{Error, Read, Result};

/// The longest tag or text.
const TOKEN_BYTES_MAX: usize = 4 << 20;
const CHUNK_BYTES: usize = 64 << 10;

/// A stream of XML in UTF-8.
pub(super) struct Xml<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where what isn't read yet begins and ends.
    start: usize,
    end: usize,
    is_over: bool,
}

/// A piece of XML.
#[derive(Debug)]
pub(super) enum Token<'x> {
    Start(Tag<'x>),
    /// The name of an end tag.
    End(&'x str),
    /// With its entities replaced.
    Text(Cow<'x, str>),
}

/// A start tag.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag<'x> {
    /// With its prefix.
    pub name: &'x str,
    attributes: &'x str,
    /// Whether no end tag follows.
    pub is_empty: bool,
}

impl<'x> Tag<'x> {
    /// Without its prefix.
    pub fn local_name(&self) -> &'x str {
        local(self.name)
    }

    /// The value of the attribute of that name, prefix and all.
    pub fn attribute(&self, name: &str) -> Option<Cow<'x, str>> {
        self.attributes()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| unescape(value))
    }

    /// The value of the attribute of that name after whatever prefix.
    pub fn local_attribute(&self, name: &str) -> Option<Cow<'x, str>> {
        self.attributes()
            .find(|(found, _)| local(found) == name)
            .map(|(_, value)| unescape(value))
    }

    fn attributes(&self) -> impl Iterator<Item = (&'x str, &'x str)> {
        let mut rest = self.attributes;
        std::iter::from_fn(move || {
            let (name, after) = rest.split_once('=')?;
            let after = after.trim_ascii_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, after) = after[1..].split_once(quote)?;
            rest = after;
            Some((name.trim_ascii(), value))
        })
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

impl<R: Read> Xml<R> {
    pub fn new(source: R) -> Xml<R> {
        Xml {
            source,
            buffer: vec![0; CHUNK_BYTES],
            start: 0,
            end: 0,
            is_over: false,
        }
    }

    /// The next piece; `None` at the end. Comments and instructions are passed over.
    ///
    /// # Errors
    /// When the stream breaks off, isn't UTF-8, or has a document type.
    pub fn next(&mut self) -> Result<Option<Token<'_>>> {
        loop {
            if self.start == self.end && !self.fill()? {
                return Ok(None);
            }
            if self.buffer[self.start] != b'<' {
                let length = self.find(0, |rest| memchr::memchr(b'<', rest))?;
                let length = length.unwrap_or(self.end - self.start);
                let from = self.start;
                self.start += length;
                return Ok(Some(Token::Text(unescape(text(
                    &self.buffer[from..from + length],
                )?))));
            }
            while self.end - self.start < 9 && self.fill()? {}
            let rest = &self.buffer[self.start..self.end];
            let (skip, until): (usize, &[u8]) = if rest.starts_with(b"<!--") {
                (4, b"-->")
            } else if rest.starts_with(b"<![CDATA[") {
                return self.raw_text().map(Some);
            } else if rest.starts_with(b"<?") {
                (2, b"?>")
            } else if rest.starts_with(b"<!") {
                return Err(Error::other("it declares a document type"));
            } else {
                return self.tag().map(Some);
            };
            let length = self.find(skip, |rest| memchr::memmem::find(rest, until))?;
            self.start += length.ok_or_else(broken_off)? + until.len();
        }
    }

    fn raw_text(&mut self) -> Result<Token<'_>> {
        let length = self
            .find(9, |rest| memchr::memmem::find(rest, b"]]>"))?
            .ok_or_else(broken_off)?;
        let from = self.start;
        self.start += length + 3;
        Ok(Token::Text(Cow::Borrowed(text(
            &self.buffer[from + 9..from + length],
        )?)))
    }

    fn tag(&mut self) -> Result<Token<'_>> {
        let length = self.find(1, end_of_tag)?.ok_or_else(broken_off)?;
        let from = self.start + 1;
        let to = self.start + length;
        self.start = to + 1;
        let inside = text(&self.buffer[from..to])?;
        if let Some(name) = inside.strip_prefix('/') {
            return Ok(Token::End(name.trim_ascii_end()));
        }
        let (inside, is_empty) = match inside.strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let (name, attributes) = inside
            .split_once(|c: char| c.is_ascii_whitespace())
            .unwrap_or((inside, ""));
        Ok(Token::Start(Tag {
            name,
            attributes,
            is_empty,
        }))
    }

    /// How far from `start` something is that `find` finds behind `skip` bytes.
    fn find(
        &mut self,
        skip: usize,
        find: impl Fn(&[u8]) -> Option<usize>,
    ) -> Result<Option<usize>> {
        loop {
            let rest = &self.buffer[self.start..self.end];
            if let Some(at) = rest.get(skip..).and_then(&find) {
                return Ok(Some(skip + at));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads more; `false` at the end.
    fn fill(&mut self) -> Result<bool> {
        if self.is_over {
            return Ok(false);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end > TOKEN_BYTES_MAX {
            return Err(Error::other(format!(
                "more than {TOKEN_BYTES_MAX} bytes in one piece"
            )));
        }
        if self.buffer.len() - self.end < CHUNK_BYTES {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let count = self.source.read(&mut self.buffer[self.end..])?;
        self.end += count;
        self.is_over = count == 0;
        Ok(count > 0)
    }
}

fn broken_off() -> Error {
    Error::other("it ends too early")
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| Error::other("it is not UTF-8"))
}

/// The `>` that is in no attribute's value.
fn end_of_tag(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let found = at + memchr::memchr3(b'>', b'"', b'\'', &rest[at..])?;
        if rest[found] == b'>' {
            return Some(found);
        }
        at = found + 1 + memchr::memchr(rest[found], &rest[found + 1..])? + 1;
    }
}

/// Replaces the entities of XML and numbered characters; others stay as they are.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let known = after
            .split_once(';')
            .and_then(|(name, after)| Some((entity(name)?, after)));
        match known {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, so that every token is cut everywhere.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
            let (first, rest) = self.0.split_at(self.0.len().min(1));
            buffer[..first.len()].copy_from_slice(first);
            self.0 = rest;
            Ok(first.len())
        }
    }

    fn tokens(xml: &str) -> String {
        let mut xml = Xml::new(Drip(xml.as_bytes()));
        let mut out = String::new();
        loop {
            match xml.next() {
                Ok(Some(Token::Start(tag))) => {
                    let value = tag.attribute("a:b").unwrap_or_default();
                    out += &format!(
                        "<{} {value}{}>",
                        tag.local_name(),
                        if tag.is_empty { "/" } else { "" }
                    );
                }
                Ok(Some(Token::End(name))) => out += &format!("</{name}>"),
                Ok(Some(Token::Text(text))) => out += &text,
                Ok(None) => return out,
                Err(error) => return format!("{out} {error}"),
            }
        }
    }

    #[test]
    fn xml_is_read_wherever_it_is_cut() {
        for (xml, expected) in [
            (
                "<?xml v?><!-- <a> --><x:a c='>' a:b = \"1&amp;'2\">t&#x41;&lt;&no;</x:a >",
                "<a 1&'2>tA<&no;</x:a>",
            ),
            (
                "<a a:b='1'/><b><![CDATA[<&amp;]]></b>",
                "<a 1/><b ><&amp;</b>",
            ),
            ("<!DOCTYPE x>", " it declares a document type"),
            ("<a", " it ends too early"),
            ("", ""),
        ] {
            assert_eq!(tokens(xml), expected, "{xml}");
        }
    }
}
