//! Counts in a stream of XML what will cost a parser memory, without building anything.

/// Elements of which a parser keeps something for each one.
const KEPT: [&[u8]; 8] = [
    b"numFmt",
    b"font",
    b"fill",
    b"border",
    b"sheet",
    b"definedName",
    b"Relationship",
    b"stop",
];
/// Longer than every name that counts.
const NAME_BYTES_MAX: usize = 32;
/// Longer than an honest root of the shared strings.
const ROOT_BYTES_MAX: usize = 4096;

/// Where a scan stands.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum State {
    #[default]
    Text,
    /// In a name after `<`.
    Name,
    /// After a start tag's name.
    Tag,
    /// In an attribute's value.
    Quoted(u8),
    EndTag,
    /// After `<!`.
    Bang,
    /// In a comment or CDATA, which ends with these two bytes and `>`.
    Until([u8; 2]),
    /// In a processing instruction.
    Instruction,
}

/// What was counted so far.
#[derive(Debug, Default)]
pub struct Scan {
    state: State,
    name: Vec<u8>,
    token: u64,
    last: [u8; 2],
    root: Vec<u8>,
    in_root: bool,
    /// Bytes of the longest tag, text or comment.
    pub longest: u64,
    /// Elements that a parser keeps, shared strings and styles aside.
    pub kept: u64,
    /// `si` elements.
    pub strings: u64,
    /// Shared strings that the root declares; a parser reserves memory for them.
    pub declared: u64,
    /// `xf` elements.
    pub styles: u64,
    /// Stops of gradients, which every style copies.
    pub stops: u64,
    /// Whether there is a document type declaration.
    pub doctype: bool,
    /// Whether there is an `f` element.
    pub formulas: bool,
}

impl Scan {
    /// Counts what `chunk` adds; chunks may be cut anywhere.
    pub fn feed(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while let Some(&byte) = rest.first() {
            let (taken, next) = match self.state {
                State::Text => ends(memchr::memchr(b'<', rest), rest, State::Text, State::Name),
                State::Name => self.in_name(rest),
                State::Tag => self.in_tag(rest),
                State::Quoted(quote) => {
                    let step = ends(memchr::memchr(quote, rest), rest, self.state, State::Tag);
                    self.keep_root(&rest[..step.0]);
                    step
                }
                State::EndTag => ends(memchr::memchr(b'>', rest), rest, State::EndTag, State::Text),
                State::Bang => (1, self.in_bang(byte)),
                State::Until(end) => (1, self.in_span(byte, self.last == end)),
                State::Instruction => (1, self.in_span(byte, self.last[1] == b'?')),
            };
            self.token += taken as u64;
            self.longest = self.longest.max(self.token);
            if next != self.state && matches!(next, State::Text | State::Name) {
                self.token = 0;
            }
            self.state = next;
            rest = &rest[taken..];
        }
    }

    fn in_name(&mut self, rest: &[u8]) -> (usize, State) {
        if self.name.is_empty() {
            match rest[0] {
                b'/' => return (1, State::EndTag),
                b'!' => return (1, State::Bang),
                b'?' => {
                    self.last = [0; 2];
                    return (1, State::Instruction);
                }
                _ => {}
            }
        }
        let ends_name =
            |byte: &u8| matches!(byte, b'>' | b'/' | b':' | b' ' | b'\t' | b'\r' | b'\n');
        let found = rest.iter().position(ends_name);
        let part = &rest[..found.unwrap_or(rest.len())];
        let room = NAME_BYTES_MAX.saturating_sub(self.name.len());
        self.name.extend_from_slice(&part[..part.len().min(room)]);
        let Some(at) = found else {
            return (rest.len(), State::Name);
        };
        if rest[at] == b':' {
            // Prefixes don't matter to the parser either. What follows can't be mistaken for the
            // start of an end tag, because a name is never empty to a parser.
            self.name.clear();
            return (at + 1, State::Name);
        }
        self.element();
        self.name.clear();
        (
            at + 1,
            if rest[at] == b'>' {
                self.tag_ends()
            } else {
                State::Tag
            },
        )
    }

    fn element(&mut self) {
        match self.name.as_slice() {
            b"c" | b"v" | b"row" | b"t" | b"is" | b"r" => {}
            b"f" => self.formulas = true,
            b"si" => self.strings += 1,
            b"xf" => self.styles += 1,
            b"sst" => self.in_root = true,
            name if KEPT.contains(&name) => {
                self.kept += 1;
                self.stops += u64::from(name == b"stop");
            }
            _ => {}
        }
    }

    fn in_tag(&mut self, rest: &[u8]) -> (usize, State) {
        let found = memchr::memchr3(b'>', b'"', b'\'', rest);
        let taken = found.map_or(rest.len(), |at| at + 1);
        self.keep_root(&rest[..taken]);
        match found.map(|at| rest[at]) {
            None => (taken, State::Tag),
            Some(b'>') => (taken, self.tag_ends()),
            Some(quote) => (taken, State::Quoted(quote)),
        }
    }

    fn tag_ends(&mut self) -> State {
        if std::mem::take(&mut self.in_root) {
            self.declared = self.declared.max(declared(&self.root));
            self.root.clear();
        }
        State::Text
    }

    fn keep_root(&mut self, text: &[u8]) {
        if self.in_root {
            if self.root.len() + text.len() > ROOT_BYTES_MAX {
                // What an honest root never has; the number in it can't be known.
                self.declared = u64::MAX;
            } else {
                self.root.extend_from_slice(text);
            }
        }
    }

    fn in_bang(&mut self, byte: u8) -> State {
        self.name.push(byte);
        let next = match self.name.as_slice() {
            b"--" => State::Until(*b"--"),
            b"[CDATA[" => State::Until(*b"]]"),
            start if b"--".starts_with(start) || b"[CDATA[".starts_with(start) => State::Bang,
            _ => {
                self.doctype = true;
                State::EndTag
            }
        };
        if next != State::Bang {
            self.name.clear();
            self.last = [0; 2];
        }
        next
    }

    fn in_span(&mut self, byte: u8, at_end: bool) -> State {
        self.last = [self.last[1], byte];
        if at_end && byte == b'>' {
            State::Text
        } else {
            self.state
        }
    }
}

/// Moves behind the byte that was found, into `next`; or to the end, staying in `state`.
fn ends(found: Option<usize>, rest: &[u8], state: State, next: State) -> (usize, State) {
    match found {
        Some(at) => (at + 1, next),
        None => (rest.len(), state),
    }
}

/// The greatest number among the digits of every `uniqueCount` in a tag's attributes.
fn declared(attributes: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(attributes);
    text.split("uniqueCount")
        .skip(1)
        .map(|rest| {
            let digits = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
            let end = digits
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(digits.len());
            match &digits[..end] {
                "" => 0,
                digits => digits.parse().unwrap_or(u64::MAX),
            }
        })
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_do_not_depend_on_where_chunks_are_cut() {
        let xml = br#"<?xml version="1.0" a?>?><!-- <si> -> --><x:sst count='>' uniqueCount="42">
            <si><t>a &gt; b</t></si><x:si/><![CDATA[<si> ]> ]]><sifter/></x:sst
            ><cellXfs><xf a="<xf>"/><xf></xf></cellXfs><c><f>1</f></c>"#;
        for size in [1, 2, 3, 7, xml.len()] {
            let mut scan = Scan::default();
            xml.chunks(size).for_each(|chunk| scan.feed(chunk));
            assert_eq!(
                (scan.strings, scan.styles, scan.declared),
                (2, 2, 42),
                "{size}"
            );
            assert!(scan.formulas && !scan.doctype, "{size}");
            assert_eq!(
                scan.longest,
                "x:sst count='>' uniqueCount=\"42\">".len() as u64,
                "{size}"
            );
        }
        let mut scan = Scan::default();
        scan.feed(b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>");
        assert!(scan.doctype);
    }
}
