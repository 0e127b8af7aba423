//! The one writer of CSV: corrections, leavers, what an undo kept, templates, and people typed by hand.
//!
//! [`csv_core`] puts the quotes. The writers of the `csv` crate take only delimiters of one byte, and
//! quote only for their own delimiter; a file may have a longer one, and may be opened in a program
//! that takes another.

use crate::text::formula::guarded;

/// How a CSV file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// Between cells.
    pub delimiter: String,
    /// Around cells that need it: `"` or `'`.
    pub quote: u8,
    /// Whether all cells are quoted.
    pub always_quoted: bool,
    /// At the end of a line.
    pub line_end: &'static str,
}

impl Default for Style {
    fn default() -> Style {
        Style {
            delimiter: ",".to_string(),
            quote: b'"',
            always_quoted: false,
            line_end: "\n",
        }
    }
}

impl Style {
    /// How muster writes tables of its own: every cell quoted, lines as RFC 4180 ends them.
    pub fn own() -> Style {
        Style {
            always_quoted: true,
            line_end: "\r\n",
            ..Style::default()
        }
    }

    /// Whether any spreadsheet, whatever delimiter it takes, could read more than one cell.
    fn needs_quotes(&self, cell: &str) -> bool {
        let needs = |byte: u8| {
            matches!(byte, b'"' | b',' | b';' | b'\t' | b'|' | b'\r' | b'\n')
                || byte == self.quote
                || self.delimiter.as_bytes().contains(&byte)
        };
        cell.starts_with(' ') || cell.ends_with(' ') || cell.bytes().any(needs)
    }
}

/// Makes lines of CSV out of cells.
#[derive(Debug)]
pub struct Csv {
    style: Style,
    is_guarded: bool,
    line: Vec<u8>,
}

impl Csv {
    /// For files that people open: no cell is a formula.
    pub fn guarded(style: Style) -> Csv {
        Csv {
            style,
            is_guarded: true,
            line: Vec::new(),
        }
    }

    /// For files that are read back as they are: cells are left as they are, formulas too.
    pub fn exact(style: Style) -> Csv {
        Csv {
            is_guarded: false,
            ..Csv::guarded(style)
        }
    }

    /// A line, with its end. It is kept until the next one.
    pub fn line<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>) -> &[u8] {
        let always_quoted = self.style.always_quoted;
        self.put(cells, always_quoted)
    }

    /// A line of names, quoted only where they need it.
    pub fn names<'c>(&mut self, names: impl IntoIterator<Item = &'c str>) -> &[u8] {
        self.put(names, false)
    }

    fn put<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>, always: bool) -> &[u8] {
        self.line.clear();
        for (index, cell) in cells.into_iter().enumerate() {
            if index > 0 {
                self.line.extend_from_slice(self.style.delimiter.as_bytes());
            }
            let guarded = self.is_guarded.then(|| guarded(cell));
            let cell = guarded.as_deref().unwrap_or(cell);
            if always || self.style.needs_quotes(cell) {
                self.quoted(cell.as_bytes());
            } else {
                self.line.extend_from_slice(cell.as_bytes());
            }
        }
        let line_end = self.style.line_end.as_bytes();
        self.line.extend_from_slice(line_end);
        &self.line
    }

    fn quoted(&mut self, cell: &[u8]) {
        let quote = self.style.quote;
        self.line.push(quote);
        let start = self.line.len();
        self.line.resize(start + 2 * cell.len(), 0);
        let out = &mut self.line[start..];
        let (_, _, written) = csv_core::quote(cell, out, quote, quote, true);
        self.line.truncate(start + written);
        self.line.push(quote);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_some_program_would_cut_them() {
        let mut csv = Csv::guarded(Style::default());
        let text = |line: &[u8]| String::from_utf8(line.to_vec()).unwrap();
        for (cell, expected) in [
            ("", ""),
            ("Ann", "Ann"),
            ("a b", "a b"),
            (" a", "\" a\""),
            ("a ", "\"a \""),
            ("2,5", "\"2,5\""),
            ("a;b", "\"a;b\""),
            ("a\tb", "\"a\tb\""),
            ("a|b", "\"a|b\""),
            ("a\r\nb", "\"a\r\nb\""),
            ("\"\"", "\"\"\"\"\"\""),
            ("O'Neil", "O'Neil"),
            ("=1", "'=1"),
            ("=\"1\"", "\"'=\"\"1\"\"\""),
        ] {
            assert_eq!(text(csv.line([cell])), format!("{expected}\n"));
        }
        let mut csv = Csv::exact(Style {
            delimiter: "::".to_string(),
            quote: b'\'',
            always_quoted: true,
            line_end: "\r",
        });
        assert_eq!(text(csv.line(["=1", "O'N", ""])), "'=1'::'O''N'::''\r");
        assert_eq!(text(csv.names(["a", "b:c", "d'"])), "a::'b:c'::'d'''\r");
    }

    #[test]
    fn the_csv_crate_reads_what_is_written() {
        let cells = ["a\"b", "\"", "", " ", "x,y;z", "two\nlines\r", "ä|ö"];
        let mut csv = Csv::exact(Style::own());
        let mut text = csv.names(["1", "2", "3", "4", "5", "6", "7"]).to_vec();
        text.extend_from_slice(csv.line(cells));
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let record = reader.records().next().unwrap().unwrap();
        assert_eq!(record.iter().collect::<Vec<_>>(), cells);
    }
}
