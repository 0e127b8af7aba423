//! The XML of sheets and strings as nearly every program writes it: elements without prefixes, and
//! no comments, sections or instructions between them. Whatever else there is, is unusual, and left
//! to a parser; so this needs no answer to it, but must never take it for something else.

use std::borrow::Cow;

use super::window::{Fast, Stop, usual};

/// The longest reference to a character, such as `&#x10FFFF;`.
const REFERENCE_BYTES_MAX: usize = 10;
/// `_x000D_` represents a carriage return: so Office writes what XML can't.
const ESCAPE_BYTES: usize = 7;

/// How far a piece of XML was read.
#[derive(Clone, Copy)]
pub(super) struct Markup<'t> {
    text: &'t str,
    at: usize,
}

/// What comes next in a tag, behind its name.
pub(super) enum InTag<'t> {
    /// A name and a value, with whatever references there are in it.
    Attribute(&'t str, &'t str),
    /// `>`
    Opens,
    /// `/>`
    Empty,
}

impl<'t> Markup<'t> {
    pub(super) fn new(text: &'t str) -> Markup<'t> {
        Markup { text, at: 0 }
    }

    /// What isn't read yet.
    #[inline]
    pub(super) fn rest(&self) -> &'t [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// How much was read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether all was read.
    pub(super) fn is_over(&self) -> bool {
        self.at == self.text.len()
    }

    /// Reads `wanted`, if it comes next.
    #[inline]
    pub(super) fn takes(&mut self, wanted: &[u8]) -> bool {
        let is_next = self.rest().starts_with(wanted);
        self.at += if is_next { wanted.len() } else { 0 };
        is_next
    }

    /// Reads the beginning of the start tag of an element of that name, of which `<` and the name
    /// are `start`.
    #[inline]
    pub(super) fn takes_start(&mut self, start: &[u8]) -> bool {
        let behind = self.rest().get(start.len());
        let is_next = matches!(behind, Some(b' ' | b'>' | b'/' | b'\t' | b'\r' | b'\n'))
            && self.rest().starts_with(start);
        self.at += if is_next { start.len() } else { 0 };
        is_next
    }

    /// Passes over white space.
    #[inline]
    pub(super) fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.rest().first() {
            self.at += 1;
        }
    }

    /// Reads up to the next `<`, which is left.
    #[inline]
    pub(super) fn text(&mut self) -> Fast<&'t str> {
        let length = usual(memchr::memchr(b'<', self.rest()))?;
        self.take(length)
    }

    /// Reads that many bytes.
    #[inline]
    pub(super) fn take(&mut self, length: usize) -> Fast<&'t str> {
        let text = usual(self.text.get(self.at..self.at + length))?;
        self.at += length;
        Ok(text)
    }

    /// The next attribute of a start tag, or its end.
    #[inline]
    pub(super) fn in_tag(&mut self) -> Fast<InTag<'t>> {
        let from = self.at;
        self.blanks();
        match self.rest() {
            [b'>', ..] => {
                self.at += 1;
                return Ok(InTag::Opens);
            }
            [b'/', b'>', ..] => {
                self.at += 2;
                return Ok(InTag::Empty);
            }
            _ if self.at == from => return Err(Stop::Unusual),
            _ => {}
        }
        let ends =
            |byte: &u8| !byte.is_ascii_alphanumeric() && !matches!(byte, b':' | b'-' | b'_' | b'.');
        let length = usual(self.rest().iter().position(ends))?;
        let name = self.take(length)?;
        let quote = match self.rest() {
            [b'=', quote @ (b'"' | b'\''), ..] if length > 0 => *quote,
            _ => return Err(Stop::Unusual),
        };
        self.at += 2;
        let length = usual(memchr::memchr(quote, self.rest()))?;
        let value = self.take(length)?;
        self.at += 1;
        Ok(InTag::Attribute(name, value))
    }

    /// Passes over the attributes of a start tag. Whether the element is empty.
    pub(super) fn end_of_tag(&mut self) -> Fast<bool> {
        loop {
            match self.in_tag()? {
                InTag::Attribute(..) => {}
                InTag::Opens => return Ok(false),
                InTag::Empty => return Ok(true),
            }
        }
    }
}

/// Adds the text of a string (ECMA-376 part 1, 18.4.8), which is an `is` or `si`: that of its runs,
/// without their formats and without how they are pronounced. `body` is what is in the element.
pub(super) fn string(body: &str, out: &mut String) -> Fast<()> {
    let mut markup = Markup::new(body);
    let mut is_phonetic = false;
    loop {
        markup.blanks();
        if markup.is_over() {
            return Ok(());
        }
        if markup.takes_start(b"<t") {
            let (text, is_preserved) = text_element(&mut markup)?;
            match is_phonetic {
                true => drop(decoded(text)?),
                false => shown(text, is_preserved, out)?,
            }
        } else if markup.takes_start(b"<rPh") {
            is_phonetic = !markup.end_of_tag()?;
        } else if markup.takes(b"</rPh>") {
            is_phonetic = false;
        } else if !markup.takes(b"</r>") && !markup.takes(b"</rPr>") {
            // A run, or one of its formats.
            let name = markup.rest();
            let is_start = matches!(name, [b'<', b'a'..=b'z' | b'A'..=b'Z', ..]);
            let ends = |byte: &u8| !byte.is_ascii_alphanumeric();
            let length = name.iter().skip(1).position(ends).filter(|_| is_start);
            markup.at += usual(length)? + 1;
            let is_run = name.starts_with(b"<r>") || name.starts_with(b"<rPr>");
            if !markup.end_of_tag()? && !is_run {
                return Err(Stop::Unusual);
            }
        }
    }
}

/// The text of a `t`, whose name was read, and whether its white space counts.
fn text_element<'t>(markup: &mut Markup<'t>) -> Fast<(&'t str, bool)> {
    let mut is_preserved = None;
    loop {
        match markup.in_tag()? {
            InTag::Attribute("xml:space", value) if is_preserved.is_none() => {
                is_preserved = Some(value == "preserve");
            }
            InTag::Attribute("xml:space", _) => return Err(Stop::Unusual),
            InTag::Attribute(..) => {}
            InTag::Empty => return Ok(("", false)),
            InTag::Opens => break,
        }
    }
    let text = markup.text()?;
    match markup.takes(b"</t>") {
        true => Ok((text, is_preserved == Some(true))),
        false => Err(Stop::Unusual),
    }
}

/// Adds what the text of a `t` shows.
#[inline]
pub(super) fn shown(text: &str, is_preserved: bool, out: &mut String) -> Fast<()> {
    let text = decoded(text)?;
    let text = match is_preserved {
        true => &text,
        false => text.trim_matches([' ', '\t', '\r', '\n']),
    };
    match memchr::memchr(b'_', text.as_bytes()) {
        Some(at) => unescape(text, at, out),
        None => out.push_str(text),
    }
    Ok(())
}

/// Text without references, and with the ends of lines as XML has them.
#[inline]
pub(super) fn decoded(text: &str) -> Fast<Cow<'_, str>> {
    match memchr::memchr2(b'&', b'\r', text.as_bytes()) {
        Some(first) => decode(text, first).map(Cow::Owned),
        None => Ok(Cow::Borrowed(text)),
    }
}

fn decode(text: &str, first: usize) -> Fast<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut next = Some(first);
    while let Some(at) = next {
        out.push_str(usual(rest.get(..at))?);
        rest = usual(rest.get(at..))?;
        let (character, length) = if rest.starts_with("\r\n") {
            ('\n', 2)
        } else if rest.starts_with('\r') {
            ('\n', 1)
        } else {
            usual(reference(rest))?
        };
        out.push(character);
        rest = usual(rest.get(length..))?;
        next = memchr::memchr2(b'&', b'\r', rest.as_bytes());
    }
    out.push_str(rest);
    Ok(out)
}

/// The character that a reference at the beginning of `text` represents, and the reference's length.
fn reference(text: &str) -> Option<(char, usize)> {
    let start = text.as_bytes().get(..REFERENCE_BYTES_MAX.min(text.len()))?;
    let end = memchr::memchr(b';', start)?;
    let character = match &start[1..end] {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x', digits @ ..] => numbered(digits, 16)?,
        [b'#', digits @ ..] => numbered(digits, 10)?,
        _ => return None,
    };
    Some((character, end + 1))
}

fn numbered(digits: &[u8], radix: u32) -> Option<char> {
    let mut number = 0;
    for digit in digits {
        number = number * radix + char::from(*digit).to_digit(radix)?;
    }
    // XML has no such character.
    char::from_u32(number).filter(|character| *character != '\0' && !digits.is_empty())
}

/// Adds text whose first underscore is at `first`, with the characters that are escaped in it.
fn unescape(text: &str, first: usize, out: &mut String) {
    let mut rest = text;
    let mut next = Some(first);
    while let Some(at) = next {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let Some(unit) = escaped(from) else {
            out.push('_');
            rest = &from[1..];
            next = memchr::memchr(b'_', rest.as_bytes());
            continue;
        };
        rest = &from[ESCAPE_BYTES..];
        // Characters beyond the first plane are two of them.
        let pair = escaped(rest).and_then(|low| {
            char::decode_utf16([unit, low])
                .next()?
                .ok()
                .filter(|c| c.len_utf16() == 2)
        });
        if pair.is_some() {
            rest = &rest[ESCAPE_BYTES..];
        }
        let one = || char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
        out.push(pair.unwrap_or_else(one));
        next = memchr::memchr(b'_', rest.as_bytes());
    }
    out.push_str(rest);
}

/// The unit of UTF-16 that the beginning of `text` escapes.
fn escaped(text: &str) -> Option<u16> {
    match text.as_bytes() {
        [b'_', b'x', a, b, c, d, b'_', ..] => {
            let digit = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u16);
            Some(digit(a)? << 12 | digit(b)? << 8 | digit(c)? << 4 | digit(d)?)
        }
        _ => None,
    }
}
