//! Counts in a stream of XML what will cost a parser memory, without building anything.

/// What the guard saw in a part on its way.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct PartNotes {
    /// Whether it has formulas.
    pub formulas: bool,
    /// Hidden rows that hold something.
    pub hidden_rows: u64,
    /// First and last, from 0.
    pub hidden_columns: Vec<(u32, u32)>,
    /// Columns whose width is given: first and last, from 0, and the width in characters.
    pub widths: Vec<(u32, u32, f64)>,
    /// First row, first column, last row, last column, from 0.
    pub merged: Vec<[u32; 4]>,
    /// Merged areas beyond those.
    pub merged_more: u64,
}

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
/// Longer than the attributes of an honest tag that counts.
const ATTRIBUTES_BYTES_MAX: usize = 4096;
/// Merged areas and hidden columns that are kept.
const AREAS_MAX: usize = 10_000;
/// Excel's own limit for the width of a column, in characters.
const WIDTH_MAX: f64 = 255.0;

/// An element whose attributes count.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kept {
    Strings,
    Row,
    Column,
    Merged,
}

/// The position of a scan.
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
pub(super) struct Scan {
    state: State,
    name: Vec<u8>,
    token: u64,
    last: [u8; 2],
    /// The attributes of the tag under way, if they count.
    attributes: Vec<u8>,
    keeps: Option<Kept>,
    /// Whether the row under way is hidden and held nothing so far.
    in_hidden: bool,
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
    /// What is worth telling of a sheet.
    pub notes: PartNotes,
}

impl Scan {
    /// Counts what `chunk` adds; chunks may be cut anywhere.
    pub(super) fn feed(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while let Some(&byte) = rest.first() {
            let (taken, next) = match self.state {
                State::Text => ends(memchr::memchr(b'<', rest), rest, State::Text, State::Name),
                State::Name => self.in_name(rest),
                State::Tag => self.in_tag(rest),
                State::Quoted(quote) => {
                    let step = ends(memchr::memchr(quote, rest), rest, self.state, State::Tag);
                    self.keep_attributes(&rest[..step.0]);
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
            b"c" | b"r" => {}
            b"v" | b"t" | b"is" => {
                self.notes.hidden_rows += u64::from(std::mem::take(&mut self.in_hidden));
            }
            b"row" => self.keeps = Some(Kept::Row),
            b"col" => self.keeps = Some(Kept::Column),
            b"mergeCell" => self.keeps = Some(Kept::Merged),
            b"f" => self.notes.formulas = true,
            b"si" => self.strings += 1,
            b"xf" => self.styles += 1,
            b"sst" => self.keeps = Some(Kept::Strings),
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
        self.keep_attributes(&rest[..taken]);
        match found.map(|at| rest[at]) {
            None => (taken, State::Tag),
            Some(b'>') => (taken, self.tag_ends()),
            Some(quote) => (taken, State::Quoted(quote)),
        }
    }

    fn tag_ends(&mut self) -> State {
        if let Some(kept) = self.keeps.take() {
            let attributes = std::mem::take(&mut self.attributes);
            self.note(kept, &attributes);
            self.attributes = attributes;
            self.attributes.clear();
        }
        State::Text
    }

    fn note(&mut self, kept: Kept, attributes: &[u8]) {
        let is_hidden = || {
            let value = attribute(attributes, "hidden");
            matches!(value.as_deref(), Some("1" | "true"))
        };
        match kept {
            Kept::Strings => self.declared = self.declared.max(declared(attributes)),
            Kept::Row => self.in_hidden = is_hidden(),
            Kept::Column => {
                let number = |name| attribute(attributes, name)?.parse::<u32>().ok();
                if let (Some(first), Some(last)) = (number("min"), number("max")) {
                    let columns = (first.saturating_sub(1), last.saturating_sub(1));
                    let width = attribute(attributes, "width").and_then(|text| text.parse().ok());
                    self.note_columns(columns, is_hidden(), width);
                }
            }
            Kept::Merged if self.notes.merged.len() < AREAS_MAX => {
                let area = attribute(attributes, "ref").and_then(|text| area(&text));
                self.notes.merged.extend(area);
            }
            Kept::Merged => self.notes.merged_more += 1,
        }
    }

    fn note_columns(&mut self, columns: (u32, u32), is_hidden: bool, width: Option<f64>) {
        if is_hidden && self.notes.hidden_columns.len() < AREAS_MAX {
            self.notes.hidden_columns.push(columns);
        }
        // A hidden column may have a width of nothing; what is kept is shown.
        if let Some(width) = width.filter(|width| *width >= 1.0 && *width <= WIDTH_MAX)
            && self.notes.widths.len() < AREAS_MAX
        {
            self.notes.widths.push((columns.0, columns.1, width));
        }
    }

    fn keep_attributes(&mut self, text: &[u8]) {
        let Some(kept) = self.keeps else { return };
        if self.attributes.len() + text.len() <= ATTRIBUTES_BYTES_MAX {
            self.attributes.extend_from_slice(text);
        } else if kept == Kept::Strings {
            // What an honest root never has; the number in it can't be known.
            self.declared = u64::MAX;
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

/// Moves after the byte that was found, into `next`; or to the end, staying in `state`.
fn ends(found: Option<usize>, rest: &[u8], state: State, next: State) -> (usize, State) {
    match found {
        Some(at) => (at + 1, next),
        None => (rest.len(), state),
    }
}

/// The value of an attribute that has neither a prefix nor entities.
fn attribute(attributes: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(attributes).ok()?;
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('=')?;
        let after = after.trim_ascii_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = after[1..].split_once(quote)?;
        if before.trim_ascii() == name {
            return Some(value.to_string());
        }
        rest = after;
    }
}

/// `B2:D9` as first row, first column, last row, last column, from 0.
fn area(text: &str) -> Option<[u32; 4]> {
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let place = |text: &str| {
        let digits = text.find(|c: char| c.is_ascii_digit())?;
        let column = text[..digits].bytes().try_fold(0u32, |column, letter| {
            let value = u32::from(letter.to_ascii_uppercase().checked_sub(b'A')?) + 1;
            column.checked_mul(26)?.checked_add(value)
        })?;
        let row: u32 = text[digits..].parse().ok()?;
        Some((row.checked_sub(1)?, column.checked_sub(1)?))
    };
    let ((top, left), (bottom, right)) = (place(first)?, place(last)?);
    Some([top, left, bottom, right])
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
            assert!(scan.notes.formulas && !scan.doctype, "{size}");
            assert_eq!(
                scan.longest,
                "x:sst count='>' uniqueCount=\"42\">".len() as u64,
                "{size}"
            );
        }
        let xml = br#"<cols><col min="2" max='3' hidden="1"/><col min="5" max="5" width="9"/></cols>
            <row r="1" hidden="true"><c r="A1" s="1"/></row><row r="2" hidden='1'><c><v>1</v></c><c><v>2</v>
            </c></row><row r="3"><c><v>1</v></c></row><mergeCell ref="A2:AB10"/>"#;
        for size in [1, 5, xml.len()] {
            let mut scan = Scan::default();
            xml.chunks(size).for_each(|chunk| scan.feed(chunk));
            assert_eq!(scan.notes.hidden_rows, 1, "{size}");
            assert_eq!(scan.notes.hidden_columns, [(1, 2)], "{size}");
            assert_eq!(scan.notes.widths, [(4, 4, 9.0)], "{size}");
            assert_eq!(scan.notes.merged, [[1, 0, 9, 27]], "{size}");
        }
        let mut scan = Scan::default();
        scan.feed(b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>");
        assert!(scan.doctype);
    }
}
