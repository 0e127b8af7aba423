//! The shared strings of a workbook of Office Open XML, read as far as cells need them: most
//! programs write them in the order in which the cells use them.

use std::io::Read;

use super::markup::{Markup, string};
use super::window::{Fast, Stop, Window, usual};
use crate::refusal::Result;

/// The strings so far, one after the other, and the part with the others.
pub(super) struct Strings<'w, R> {
    text: String,
    ends: Vec<u32>,
    /// None where the workbook has no such part.
    window: Option<Window<'w, R>>,
    is_begun: bool,
    is_over: bool,
    /// Finds the end of a string.
    end: memchr::memmem::Finder<'static>,
}

impl<'w, R: Read> Strings<'w, R> {
    /// The strings of that part.
    pub(super) fn new(window: Option<Window<'w, R>>) -> Strings<'w, R> {
        Strings {
            text: String::new(),
            ends: Vec::new(),
            is_over: window.is_none(),
            window,
            is_begun: false,
            end: memchr::memmem::Finder::new("</si>"),
        }
    }

    /// The string of that index. A cell without its string is unusual.
    #[inline]
    pub(super) fn get(&mut self, index: usize) -> Fast<&str> {
        if index >= self.ends.len() {
            self.read_to(index)?;
        }
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        usual(self.text.get(start as usize..self.ends[index] as usize))
    }

    fn read_to(&mut self, index: usize) -> Fast<()> {
        while index >= self.ends.len() {
            if !self.next()? {
                return Err(Stop::Unusual);
            }
        }
        Ok(())
    }

    /// Reads another string; `false` behind the last one.
    fn next(&mut self) -> Fast<bool> {
        if self.is_over {
            return Ok(false);
        }
        let window = usual(self.window.as_mut())?;
        if !self.is_begun {
            pass_head(window, "sst")?;
            self.is_begun = true;
        }
        loop {
            match one(window.text(), &self.end, &mut self.text)? {
                Some(Found::String(length)) => {
                    window.pass(length);
                    if let Some(part) = window.part() {
                        part.string()?;
                    }
                    self.ends.push(usual(u32::try_from(self.text.len()).ok())?);
                    return Ok(true);
                }
                Some(Found::End) => {
                    self.is_over = true;
                    return Ok(false);
                }
                None => window.more()?,
            }
        }
    }

    /// Reads the strings that no cell needed, to its end, and forgets them.
    ///
    /// # Errors
    /// Unusual; a refusal of the guard.
    pub(super) fn read_rest(&mut self) -> Fast<()> {
        let (length, count) = (self.text.len(), self.ends.len());
        while self.next()? {
            self.text.truncate(length);
            self.ends.truncate(count);
        }
        self.scan_rest().map_err(Stop::Refused)
    }

    /// Passes over what wasn't read, which counts for the limits, too.
    ///
    /// # Errors
    /// A refusal of the guard.
    pub(super) fn scan_rest(&mut self) -> Result<()> {
        self.window.as_mut().map_or(Ok(()), Window::scan_rest)
    }
}

enum Found {
    /// A string, with the length of its XML.
    String(usize),
    /// All were read.
    End,
}

/// Reads the string at the beginning of `text`; `None` where that isn't there as a whole.
fn one(text: &[u8], end: &memchr::memmem::Finder, out: &mut String) -> Fast<Option<Found>> {
    let blanks = text
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    let element = &text[blanks..];
    if let Some(body) = element.strip_prefix(b"<si>") {
        let Some(length) = end.find(body) else {
            return Ok(None);
        };
        let body = usual(simdutf8::basic::from_utf8(&body[..length]).ok())?;
        string(body, out)?;
        return Ok(Some(Found::String(blanks + length + "<si></si>".len())));
    }
    if element.starts_with(b"<si/>") {
        return Ok(Some(Found::String(blanks + "<si/>".len())));
    }
    if element.starts_with(b"</sst>") {
        return Ok(Some(Found::End));
    }
    match element.len() < "</sst>".len() {
        true => Ok(None),
        false => Err(Stop::Unusual),
    }
}

/// Passes what comes before the children of the element of that name. `false` where it is empty.
pub(super) fn pass_head<R: Read>(window: &mut Window<'_, R>, name: &str) -> Fast<bool> {
    if window.text().is_empty() {
        window.more()?;
    }
    if window.part().is_some_and(|part| !part.is_xml()) {
        return Err(Stop::Unusual);
    }
    loop {
        match head(window.text(), name)? {
            Some((length, is_empty)) => {
                window.scan(length)?;
                return Ok(!is_empty);
            }
            None => window.more()?,
        }
    }
}

/// How long the head up to the children of the element of that name is, and whether that element is
/// empty; `None` where its start tag isn't there.
fn head(text: &[u8], name: &str) -> Fast<Option<(usize, bool)>> {
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        // A character is cut off.
        Err(error) if error.error_len().is_none() => {
            usual(std::str::from_utf8(&text[..error.valid_up_to()]).ok())?
        }
        Err(_) => return Err(Stop::Unusual),
    };
    let start = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut at = text.len() - start.len();
    loop {
        let Some(next) = memchr::memchr(b'<', &text.as_bytes()[at..]) else {
            return Ok(None);
        };
        at += next;
        let tag = &text[at..];
        if let Some(instruction) = tag.strip_prefix("<?") {
            let Some(end) = instruction.find("?>") else {
                return Ok(None);
            };
            at += "<?".len() + end + "?>".len();
            continue;
        }
        let Some(length) = tag_length(tag.as_bytes()) else {
            return Ok(None);
        };
        let tag = &tag[..length];
        let named = tag[1..].trim_start_matches('/');
        let ends = |c: char| matches!(c, '>' | '/' | ' ' | '\t' | '\r' | '\n');
        let found = named.split(ends).next().unwrap_or_default();
        if found.is_empty() || found.starts_with('!') {
            return Err(Stop::Unusual);
        }
        let local = found.rsplit(':').next().unwrap_or_default();
        if local == name {
            if found != name || tag.starts_with("</") {
                return Err(Stop::Unusual);
            }
            let mut markup = Markup::new(&tag[1 + name.len()..]);
            let is_empty = markup.end_of_tag()?;
            return Ok(Some((at + length, is_empty)));
        }
        at += length;
    }
}

/// How long the tag at the beginning of `text` is; `None` where its end isn't there.
fn tag_length(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"</") {
        return memchr::memchr(b'>', text).map(|at| at + 1);
    }
    let mut at = 1;
    loop {
        at += memchr::memchr3(b'>', b'"', b'\'', &text[at..])?;
        match text[at] {
            b'>' => return Some(at + 1),
            quote => at += 1 + memchr::memchr(quote, &text[at + 1..])? + 1,
        }
    }
}
