//! `[read]`: how files are read.

use serde::Deserialize;

use super::place::{Checked, Mistake};

/// `[read]`: all of it is detected when left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Read {
    /// What is between cells: one character, or a few.
    pub delimiter: Option<String>,
    /// The quote character; empty when cells are never quoted.
    pub quote: Option<String>,
    /// What comes before a quote that is part of a cell: a backslash, or the quote itself.
    pub escape: Option<char>,
    /// What a line begins with that is not a row.
    pub comment: Option<String>,
    /// An encoding's name: a label of the WHATWG Encoding Standard, or a code page of DOS or the Mac.
    pub encoding: Option<String>,
    /// The sheet of a workbook, by its name or its number.
    pub sheet: Option<SheetChoice>,
    /// The line or sheet row that holds the header, from 1.
    pub header_row: Option<u64>,
    /// How many rows of a text file the header takes.
    pub header_rows: Option<u64>,
    /// The names of a text file's columns, by position: instead of the header that `header_row`
    /// names, or of none.
    pub names: Option<Vec<String>>,
    /// How many lines below the rows of a text file aren't rows, blank ones aside.
    pub footer_rows: Option<u64>,
}

/// Which sheet of a workbook is read.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum SheetChoice {
    /// Its number among the sheets of cells, from 1, hidden ones counted.
    Number(u64),
    /// Its name; case and spaces around it don't matter.
    Name(String),
}

/// The most lines that a header, and what is below the rows, may take.
const SET_ASIDE_ROWS_MAX: u64 = 20;

impl Read {
    pub(super) fn check(&self) -> Checked {
        let wrong = |key: &str, message: &str| Err(Mistake::at(&["read", key], message));
        if self.header_row == Some(0) {
            return wrong("header_row", "`header_row` counts from 1");
        }
        let is_off = |rows: u64| !(1..=SET_ASIDE_ROWS_MAX).contains(&rows);
        if self.header_rows.is_some_and(is_off) {
            return wrong("header_rows", "`header_rows` must be from 1 to 20");
        }
        if self
            .footer_rows
            .is_some_and(|rows| rows > SET_ASIDE_ROWS_MAX)
        {
            return wrong("footer_rows", "`footer_rows` must be from 0 to 20");
        }
        if self.names.as_ref().is_some_and(Vec::is_empty) {
            return wrong("names", "`names` needs at least one column");
        }
        if let Some(Err(message)) = self.delimiter.as_deref().map(check_delimiter) {
            return wrong("delimiter", &message);
        }
        self.check_quotes(&wrong)?;
        let is_wrong = |comment: &String| comment.is_empty() || comment.contains(['\r', '\n']);
        if self.comment.as_ref().is_some_and(is_wrong) {
            return wrong(
                "comment",
                "`comment` must be the text that a comment line begins with",
            );
        }
        Ok(())
    }

    fn check_quotes(&self, wrong: &dyn Fn(&str, &str) -> Checked) -> Checked {
        let is_sign = |c: char| c.is_ascii() && !matches!(c, '\r' | '\n' | '\0');
        let mut quote = self.quote.as_deref().unwrap_or("\"").chars();
        let quote = match (quote.next(), quote.next()) {
            (Some(c), None) if is_sign(c) => Some(c),
            (None, None) => None,
            _ => {
                let message = "`quote` must be one ASCII character, or empty for none";
                return wrong("quote", message);
            }
        };
        let delimiter = self.delimiter.as_deref().unwrap_or_default();
        if quote.is_some_and(|quote| delimiter.contains(quote)) {
            return wrong("quote", "`quote` and `delimiter` are the same");
        }
        let is_escape = |escape| escape == '\\' || Some(escape) == quote;
        if self.escape.is_some_and(|escape| !is_escape(escape)) {
            return wrong(
                "escape",
                "`escape` must be a backslash, or the same as `quote`",
            );
        }
        Ok(())
    }
}

/// Whether something can be between cells.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check_delimiter(delimiter: &str) -> Result<(), String> {
    let characters = delimiter.chars().count();
    let is_short = characters == 1
        || (2..=8).contains(&characters) && !delimiter.contains(char::is_alphanumeric);
    if is_short && !delimiter.contains(['\r', '\n', '\0', '"']) {
        return Ok(());
    }
    Err(
        "`delimiter` must be one character, or up to eight that aren't letters or digits, without \
            quotes and line ends"
            .to_string(),
    )
}
