//! The rows of a sheet of Office Open XML, found in its bytes without parsing what is usual. What
//! isn't is left to the parser ([`super::xlsx`]), which says the same of what both can read.

use std::io::Read;

use calamine::CellErrorType;

use super::job::Next;
use super::line::{Line, iso};
use super::markup::{InTag, Markup, decoded, shown, string};
use super::number_format::NumberFormat;
use super::remark::Kind;
use super::scan::PartNotes;
use super::strings::Strings;
use super::window::{Fast, Stop, Window, usual};
use crate::refusal::Result;

/// Beyond this many, formulas are still read but no longer recorded.
pub(super) const FORMULAS_MAX: usize = 2_000_000;
/// Whole numbers of at most this many digits are exact as they are.
const EXACT_DIGITS_MAX: usize = 15;

/// What the cells of a workbook share.
pub(super) struct Shared {
    /// Whether days count from 1904.
    pub is_1904: bool,
    /// The number formats, and by style, which of them.
    pub formats: Vec<NumberFormat>,
    pub styles: Vec<u32>,
}

/// The position in a sheet.
pub(super) struct Rows<'r, 's, R> {
    shared: &'r Shared,
    strings: &'r mut Strings<'s, R>,
    /// Whether cells are said to be formulas.
    keeps_formulas: bool,
    formulas: usize,
    /// The row of a row that doesn't give its own, from 0.
    next: u32,
    /// The last row with a cell.
    last: Option<u32>,
    /// The number of the last row that was handed on, from 1.
    pub handed: u64,
    /// The text of the cell under way.
    text: String,
    /// Finds the end of a row.
    end: memchr::memmem::Finder<'static>,
}

/// The start tag of a row.
struct RowTag<'t> {
    /// From 0.
    index: u32,
    /// Its number as the tag gives it.
    number: Option<&'t str>,
    is_hidden: bool,
    is_empty: bool,
}

/// The start tag of a cell.
struct CellTag<'t> {
    column: u32,
    style: usize,
    kind: Option<&'t str>,
    is_empty: bool,
}

/// What is in a cell.
#[derive(Clone, Copy)]
enum Value<'t> {
    /// A `v`.
    Text(&'t str),
    /// The `t` of an `is` that has nothing else, and whether its white space counts.
    Plain(&'t str, bool),
    /// Another `is`.
    Rich(&'t str),
}

impl<'r, 's, R: Read> Rows<'r, 's, R> {
    pub(super) fn new(
        shared: &'r Shared,
        strings: &'r mut Strings<'s, R>,
        keeps_formulas: bool,
    ) -> Rows<'r, 's, R> {
        Rows {
            shared,
            strings,
            keeps_formulas,
            formulas: 0,
            next: 0,
            last: None,
            handed: 0,
            text: String::new(),
            end: memchr::memmem::Finder::new("</row>"),
        }
    }

    /// Hands every row on that holds anything, from where the children of `sheetData` begin. Whether
    /// all were wanted.
    ///
    /// # Errors
    /// Unusual, with the window at the row that is; a refusal.
    pub(super) fn read<S: Read>(
        &mut self,
        window: &mut Window<'_, S>,
        line: &mut Line,
        each: &mut dyn FnMut(&Line) -> Result<Next>,
    ) -> Fast<bool> {
        loop {
            let Some(length) = self.whole_row(window.text())? else {
                window.more()?;
                continue;
            };
            if length == 0 {
                return Ok(true);
            }
            let text = usual(simdutf8::basic::from_utf8(&window.text()[..length]).ok())?;
            let mut notes = PartNotes::default();
            let holds = self.row(text, line, &mut notes)?;
            window.pass(length);
            if let Some(all) = window.part().and_then(|part| part.notes_mut()) {
                all.formulas |= notes.formulas;
                all.hidden_rows += notes.hidden_rows;
            }
            if holds && line.end()? {
                self.handed = line.number;
                if each(line)? == Next::Sheet {
                    return Ok(false);
                }
            }
        }
    }

    /// How long the row at the beginning of `text` is, with what is before it; 0 behind the last row,
    /// `None` where it isn't there as a whole.
    fn whole_row(&self, text: &[u8]) -> Fast<Option<usize>> {
        let blanks = text
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count();
        let element = &text[blanks..];
        if !element.starts_with(b"<row") {
            return match element {
                _ if element.starts_with(b"</sheetData>") => Ok(Some(0)),
                _ if element.len() < "</sheetData>".len() => Ok(None),
                _ => Err(Stop::Unusual),
            };
        }
        // The tag of a row that is empty has its end, and no other row is in it.
        let Some(tag) = memchr::memchr(b'>', element) else {
            return Ok(None);
        };
        if element[..tag].ends_with(b"/") {
            return Ok(Some(blanks + tag + 1));
        }
        let end = self.end.find(&element[tag..]);
        Ok(end.map(|at| blanks + tag + at + "</row>".len()))
    }

    /// Reads a row. Whether it has cells.
    fn row(&mut self, text: &str, line: &mut Line, notes: &mut PartNotes) -> Fast<bool> {
        let mut markup = Markup::new(text);
        markup.blanks();
        if !markup.takes_start(b"<row") {
            return Err(Stop::Unusual);
        }
        let tag = row_tag(&mut markup, self.next)?;
        self.next = tag.index + 1;
        if tag.is_empty {
            return all_read(&markup).map(|()| false);
        }
        let mut column = 0;
        let mut holds = false;
        loop {
            markup.blanks();
            if markup.takes_start(b"<c") {
                if column == 0 {
                    // Cells must come in order, or rows would be lost in each other.
                    if self.last.is_some_and(|last| tag.index <= last) {
                        return Err(Stop::Unusual);
                    }
                    self.last = Some(tag.index);
                    line.begin(u64::from(tag.index));
                }
                column = self.cell(&mut markup, &tag, column, line, (notes, &mut holds))? + 1;
            } else if markup.takes(b"</row>") {
                break;
            } else {
                return Err(Stop::Unusual);
            }
        }
        notes.hidden_rows = u64::from(tag.is_hidden && holds);
        all_read(&markup).map(|()| column > 0)
    }

    /// Reads a cell, and returns its column. `next` is the column of a cell that doesn't give its own,
    /// and the least that it can be.
    #[inline]
    fn cell(
        &mut self,
        markup: &mut Markup,
        row: &RowTag,
        next: u32,
        line: &mut Line,
        (notes, holds): (&mut PartNotes, &mut bool),
    ) -> Fast<u32> {
        let tag = cell_tag(markup, row, next)?;
        if tag.is_empty {
            return Ok(tag.column);
        }
        let mut value = None;
        let mut is_formula = false;
        while !markup.takes(b"</c>") {
            let is_text = tag.kind == Some("inlineStr");
            if value.is_none() && !is_text && markup.takes_start(b"<v") {
                value = Some(number_or_text(markup)?);
            } else if value.is_none() && is_text && markup.takes(b"<is>") {
                value = Some(inline_string(markup)?);
            } else if value.is_none() && !is_formula && markup.takes_start(b"<f") {
                is_formula = true;
                if !markup.end_of_tag()? {
                    // A reference that is none is for the parser, which refuses it.
                    decoded(markup.text()?)?;
                    if !markup.takes(b"</f>") {
                        return Err(Stop::Unusual);
                    }
                }
            } else {
                let before = markup.at();
                markup.blanks();
                if markup.at() == before {
                    return Err(Stop::Unusual);
                }
            }
        }
        notes.formulas |= is_formula;
        *holds |= value.is_some();
        let is_noted = is_formula && self.keeps_formulas && self.formulas < FORMULAS_MAX;
        self.formulas += usize::from(is_noted);
        self.put(&tag, value, is_noted, u64::from(row.index), line)?;
        Ok(tag.column)
    }

    /// Adds a cell to the row under way.
    #[inline]
    fn put(
        &mut self,
        tag: &CellTag,
        value: Option<Value>,
        is_formula: bool,
        row: u64,
        line: &mut Line,
    ) -> Fast<()> {
        let (place, column) = (u64::from(tag.column), tag.column as usize);
        match (value, tag.kind) {
            (None, _) | (Some(Value::Text("")), None | Some("n" | "s" | "b" | "e")) => {
                if is_formula {
                    line.check_place(row, place)?;
                    line.remark(column, Kind::Uncomputed, String::new());
                }
                return Ok(());
            }
            (Some(Value::Text(text)), None | Some("n")) => {
                let number = usual(number(text))?;
                line.check_place(row, place)?;
                let format = self.shared.styles.get(tag.style).copied().unwrap_or(0);
                let format = usual(self.shared.formats.get(format as usize))?;
                line.number(column, number, format, self.shared.is_1904)?;
            }
            (Some(Value::Text(text)), Some("s")) => {
                let text = self.strings.get(usual(index(text))?)?;
                if text.is_empty() {
                    return Ok(());
                }
                line.check_place(row, place)?;
                line.cell(column, |out| out.push_str(text))?;
            }
            (Some(Value::Text(text)), Some(kind @ ("b" | "e" | "d"))) => {
                line.check_place(row, place)?;
                typed(kind, text, column, line)?;
            }
            (Some(value), Some("str" | "inlineStr")) => {
                self.text.clear();
                match value {
                    Value::Text(text) => shown(text, true, &mut self.text)?,
                    Value::Plain(text, is_preserved) => shown(text, is_preserved, &mut self.text)?,
                    Value::Rich(body) => string(body, &mut self.text)?,
                }
                if self.text.is_empty() {
                    return Ok(());
                }
                line.check_place(row, place)?;
                line.cell(column, |out| out.push_str(&self.text))?;
            }
            _ => return Err(Stop::Unusual),
        }
        if is_formula {
            line.remark(column, Kind::Formula, String::new());
        }
        Ok(())
    }
}

/// Nothing may follow.
fn all_read(markup: &Markup) -> Fast<()> {
    match markup.is_over() {
        true => Ok(()),
        false => Err(Stop::Unusual),
    }
}

/// The start tag of a row, whose name was read. `next` is the row of one that doesn't give its own.
fn row_tag<'t>(markup: &mut Markup<'t>, next: u32) -> Fast<RowTag<'t>> {
    let mut tag = RowTag {
        index: next,
        number: None,
        is_hidden: false,
        is_empty: false,
    };
    loop {
        match markup.in_tag()? {
            InTag::Attribute("r", _) if tag.number.is_some() => return Err(Stop::Unusual),
            InTag::Attribute("r", number) => {
                tag.index = usual(index(number).and_then(|number| number.checked_sub(1)))? as u32;
                tag.number = Some(number);
            }
            InTag::Attribute("hidden", value) => tag.is_hidden = matches!(value, "1" | "true"),
            InTag::Attribute(..) => {}
            InTag::Opens => return Ok(tag),
            InTag::Empty => {
                tag.is_empty = true;
                return Ok(tag);
            }
        }
    }
}

/// The start tag of a cell, whose name was read.
#[inline]
fn cell_tag<'t>(markup: &mut Markup<'t>, row: &RowTag, next: u32) -> Fast<CellTag<'t>> {
    let mut place = None;
    let mut style = None;
    let mut kind = None;
    let is_empty = loop {
        match markup.in_tag()? {
            InTag::Attribute("r", value) if place.is_none() => place = Some(value),
            InTag::Attribute("s", value) if style.is_none() => style = Some(usual(index(value))?),
            InTag::Attribute("t", value) if kind.is_none() => kind = Some(value),
            InTag::Attribute("r" | "s" | "t", _) => return Err(Stop::Unusual),
            InTag::Attribute(..) => {}
            InTag::Opens => break false,
            InTag::Empty => break true,
        }
    };
    let column = match place {
        Some(place) => usual(column(place, row))?,
        None => next,
    };
    // Where two cells are in one place, or not in order, the parser says which.
    if column < next {
        return Err(Stop::Unusual);
    }
    Ok(CellTag {
        column,
        style: style.unwrap_or(0),
        kind,
        is_empty,
    })
}

/// The column of a place such as `B7`, which must be in the row.
#[inline]
fn column(place: &str, row: &RowTag) -> Option<u32> {
    let place = place.as_bytes();
    let letters = place
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    if !(1..=3).contains(&letters) {
        return None;
    }
    let (letters, digits) = place.split_at(letters);
    let is_in_row = match row.number {
        Some(number) => digits == number.as_bytes(),
        None => index(std::str::from_utf8(digits).ok()?)? == row.index as usize + 1,
    };
    let number = |column: u32, letter: &u8| column * 26 + u32::from(letter - b'A') + 1;
    is_in_row.then(|| letters.iter().fold(0, number) - 1)
}

/// What is in a `v`, whose name was read.
#[inline]
fn number_or_text<'t>(markup: &mut Markup<'t>) -> Fast<Value<'t>> {
    if !markup.takes(b">") && markup.end_of_tag()? {
        return Ok(Value::Text(""));
    }
    let text = markup.text()?;
    match markup.takes(b"</v>") {
        true => Ok(Value::Text(text)),
        false => Err(Stop::Unusual),
    }
}

/// What is in an `is`, whose tag was read.
#[inline]
fn inline_string<'t>(markup: &mut Markup<'t>) -> Fast<Value<'t>> {
    let from = *markup;
    let is_preserved = markup.takes(b"<t xml:space=\"preserve\">");
    if is_preserved || markup.takes(b"<t>") {
        let text = markup.text()?;
        if markup.takes(b"</t></is>") {
            return Ok(Value::Plain(text, is_preserved));
        }
    }
    *markup = from;
    let length = usual(memchr::memmem::find(markup.rest(), b"</is>"))?;
    let body = markup.take(length)?;
    match markup.takes(b"</is>") {
        true => Ok(Value::Rich(body)),
        false => Err(Stop::Unusual),
    }
}

/// Adds a truth, an error or a date as text.
fn typed(kind: &str, text: &str, column: usize, line: &mut Line) -> Fast<()> {
    match (kind, text) {
        ("b", "0" | "1") => line.truth(column, text == "1")?,
        ("e", error) => {
            let error: CellErrorType = usual(error.parse().ok())?;
            line.error(column, error.to_string())?;
        }
        ("d", date) if !date.is_empty() && !date.contains(['&', '\r']) => {
            line.cell(column, |out| out.push_str(iso(date)))?;
            line.remark(column, Kind::Date, String::new());
        }
        _ => return Err(Stop::Unusual),
    }
    Ok(())
}

/// A whole number of a few digits.
#[inline]
fn index(text: &str) -> Option<usize> {
    if !(1..=9).contains(&text.len()) {
        return None;
    }
    let digit = |number: usize, byte: &u8| {
        byte.is_ascii_digit()
            .then(|| number * 10 + usize::from(byte - b'0'))
    };
    text.as_bytes().iter().try_fold(0, digit)
}

/// A number as sheets have it.
#[inline]
fn number(text: &str) -> Option<f64> {
    let is_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
    let bytes = text.as_bytes();
    if bytes.len() <= EXACT_DIGITS_MAX && bytes.iter().all(u8::is_ascii_digit) {
        let digit = |number: u64, byte: &u8| number * 10 + u64::from(byte - b'0');
        return Some(bytes.iter().fold(0, digit) as f64);
    }
    let is_begun = matches!(bytes, [b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..]);
    (is_begun && bytes.iter().all(is_number))
        .then_some(text)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests;
