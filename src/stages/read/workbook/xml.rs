//! Reads XML event by event with quick-xml, in memory of one event. No document types and no entities
//! but the five that every parser knows, so nothing can grow or be fetched.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Error, Read, Result};

use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesStart, Event};

/// The longest tag or text, give or take a chunk.
const EVENT_BYTES_MAX: usize = 4 << 20;
const CHUNK_BYTES: usize = 64 << 10;

/// A stream of XML in UTF-8.
pub(super) struct Xml<R> {
    reader: quick_xml::Reader<Bounded<BufReader<R>>>,
    buffer: Vec<u8>,
}

impl<R: Read> Xml<R> {
    pub(super) fn new(source: R) -> Xml<R> {
        let mut reader = quick_xml::Reader::from_reader(Bounded {
            source: BufReader::with_capacity(CHUNK_BYTES, source),
            left: 0,
        });
        let config = reader.config_mut();
        // Whether ends fit their starts matters only where they are counted.
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        Xml {
            reader,
            buffer: Vec::new(),
        }
    }

    /// The next event; [`Event::Eof`] at the end.
    ///
    /// # Errors
    /// When the stream breaks off, isn't UTF-8, or has a document type.
    pub(super) fn next(&mut self) -> Result<Event<'_>> {
        self.buffer.clear();
        self.reader.get_mut().left = EVENT_BYTES_MAX;
        match self.reader.read_event_into(&mut self.buffer) {
            Ok(Event::DocType(_)) => Err(Error::other("it declares a document type")),
            Ok(event) => Ok(event),
            Err(quick_xml::Error::Syntax(_)) => Err(Error::other("it ends too early")),
            Err(quick_xml::Error::Encoding(_)) => Err(Error::other("it is not UTF-8")),
            Err(error) => Err(Error::other(error)),
        }
    }
}

/// Fails when more is read than is left.
struct Bounded<R> {
    source: R,
    left: usize,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        if self.left == 0 {
            let what = format!("more than {EVENT_BYTES_MAX} bytes in one piece");
            return Err(Error::other(what));
        }
        self.source.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        self.source.consume(count);
    }
}

/// The attributes of a tag, with their prefixes, up to the first that is malformed.
pub(super) fn attributes<'t>(tag: &'t BytesStart) -> impl Iterator<Item = (&'t str, Cow<'t, str>)> {
    let mut attributes = tag.attributes();
    attributes.with_checks(false);
    attributes.map_while(|attribute| {
        let attribute = attribute.ok()?;
        let value = match attribute.value {
            Cow::Borrowed(value) => unescape(value).unwrap_or(Cow::Borrowed(value)),
            Cow::Owned(value) => Cow::Owned(value),
        };
        Some((attribute.key.into_inner(), value))
    })
}

/// The value of the attribute of that name, prefix and all.
pub(super) fn attribute<'t>(tag: &'t BytesStart, name: &str) -> Option<Cow<'t, str>> {
    attributes(tag).find_map(|(found, value)| (found == name).then_some(value))
}

/// The value of the attribute of that name after whatever prefix.
pub(super) fn local_attribute<'t>(tag: &'t BytesStart, name: &str) -> Option<Cow<'t, str>> {
    let local = |found: &'t str| found.rsplit_once(':').map_or(found, |(_, local)| local);
    attributes(tag).find_map(|(found, value)| (local(found) == name).then_some(value))
}

/// What an event adds to a text. Entities that aren't of XML itself stay as they are.
pub(super) fn text(event: Event<'_>) -> Option<Cow<'_, str>> {
    match event {
        Event::Text(text) => Some(text.into_inner()),
        Event::CData(text) => Some(text.into_inner()),
        Event::GeneralRef(name) => {
            let character = name.resolve_char_ref().ok().flatten();
            Some(match (character, resolve_xml_entity(&name)) {
                (Some(character), _) => Cow::Owned(character.to_string()),
                (None, Some(known)) => Cow::Borrowed(known),
                (None, None) => Cow::Owned(format!("&{};", &*name)),
            })
        }
        _ => None,
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

    fn events(xml: &str) -> String {
        let mut xml = Xml::new(Drip(xml.as_bytes()));
        let mut out = String::new();
        loop {
            match xml.next() {
                Ok(Event::Start(tag)) => {
                    let value = attribute(&tag, "a:b").unwrap_or_default();
                    out += &format!("<{} {value}>", tag.local_name().as_ref());
                }
                Ok(Event::Empty(tag)) => {
                    let value = local_attribute(&tag, "b").unwrap_or_default();
                    out += &format!("<{} {value}/>", tag.local_name().as_ref());
                }
                Ok(Event::End(end)) => out += &format!("</{}>", end.name().as_ref()),
                Ok(Event::Eof) => return out,
                Ok(event) => out += &text(event).unwrap_or_default(),
                Err(error) => return format!("{out} {error}"),
            }
        }
    }

    #[test]
    fn xml_is_read_wherever_it_is_cut() {
        for (xml, expected) in [
            (
                "<?xml v?><!-- <a> --><x:a c='>' a:b = \"1&amp;'2\">t&#x41;&lt;&no; & x</x:a >",
                "<a 1&'2>tA<&no; & x</x:a>",
            ),
            (
                "<a a:b='1'/><b><![CDATA[<&amp;]]></b>",
                "<a 1/><b ><&amp;</b>",
            ),
            ("<a b='&no;'/></b>", "<a &no;/></b>"),
            ("<!DOCTYPE x>", " it declares a document type"),
            ("<a", " it ends too early"),
            ("", ""),
        ] {
            assert_eq!(events(xml), expected, "{xml}");
        }
    }

    #[test]
    fn an_event_has_its_bounds() {
        let long = format!("<a b='{}'/>", "x".repeat(EVENT_BYTES_MAX + CHUNK_BYTES));
        assert!(events(&long).contains("more than 4194304 bytes in one piece"));
        let mut xml = Xml::new(&b"<a>\xff</a>"[..]);
        assert!(xml.next().is_ok());
        let error = xml.next().unwrap_err().to_string();
        assert_eq!(error, "it is not UTF-8");
    }
}
