//! How much of a workbook is read at most. Whatever is over a limit is refused with the number,
//! never cut.

use std::fmt::Write;

/// Excel keeps this many digits of a number; what comes after them is lost in the file already.
pub const DIGITS_MAX: u32 = 15;

/// Every limit of a workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub packed: u64,
    /// Bytes that all parts of its archive inflate to.
    pub inflated: u64,
    /// How much more than its packed size a part may inflate to, once it is past 32 MiB. Honest
    /// sheets stay under 100, blank ones with formats included.
    pub ratio: u64,
    /// A part of at most this many packed bytes is checked when the workbook is looked at, and not
    /// when its rows are read.
    pub at_once: u64,
    /// Entries of its archive.
    pub entries: usize,
    /// Sheets.
    pub sheets: usize,
    /// Rows of a sheet, which is Excel's own limit.
    pub rows: u32,
    /// Columns of a sheet that may hold something.
    pub columns: u32,
    /// Cells of a sheet that hold something.
    pub cells: u64,
    /// Characters of a cell, which is Excel's own limit.
    pub cell_characters: usize,
    /// Bytes of a row's text.
    pub row_bytes: usize,
    /// Shared strings.
    pub strings: u64,
    /// Bytes that the table of shared strings inflates to.
    pub string_bytes: u64,
    /// Bytes of memory that reading may take.
    pub memory: u64,
}

/// The limits that hold.
pub const LIMITS: Limits = Limits {
    packed: 256 << 20,
    inflated: 2 << 30,
    ratio: 200,
    at_once: 1 << 20,
    entries: 10_000,
    sheets: 1_000,
    rows: 1_048_576,
    columns: 512,
    cells: 32 << 20,
    cell_characters: 32_767,
    row_bytes: 1 << 20,
    strings: 4_000_000,
    string_bytes: 256 << 20,
    memory: 448 << 20,
};

/// How long the reading process may compute: these seconds, plus one for every this many bytes of
/// the file.
pub const SECONDS: u64 = 10;
/// See [`SECONDS`].
pub const BYTES_A_SECOND: u64 = 256 << 10;

impl Limits {
    /// The seconds of computing that a file of this many bytes may take.
    pub fn seconds(&self, packed: u64) -> u64 {
        SECONDS + packed.min(self.packed) / BYTES_A_SECOND
    }

    /// The table of the README.
    pub fn table(&self) -> String {
        let rows = [
            ("the file", mebibytes(self.packed)),
            ("the whole archive, unpacked", mebibytes(self.inflated)),
            (
                "one part of it, unpacked",
                format!("{} times its packed size, from 32 MiB on", self.ratio),
            ),
            ("entries of the archive", grouped(self.entries as u64)),
            ("sheets", grouped(self.sheets as u64)),
            ("rows of a sheet", grouped(u64::from(self.rows))),
            ("columns with content", grouped(u64::from(self.columns))),
            ("cells of a sheet with content", grouped(self.cells)),
            ("characters of a cell", grouped(self.cell_characters as u64)),
            ("text of a row", mebibytes(self.row_bytes as u64)),
            ("shared strings", grouped(self.strings)),
            ("all shared strings, unpacked", mebibytes(self.string_bytes)),
            ("memory for reading", mebibytes(self.memory)),
            (
                "seconds of CPU time",
                format!(
                    "{SECONDS}, plus one for every {} KiB of the file",
                    BYTES_A_SECOND >> 10
                ),
            ),
        ];
        let mut table = String::from("| of a workbook | limit |\n|---|---|\n");
        for (what, limit) in rows {
            let _ = writeln!(table, "| {what} | {limit} |");
        }
        table
    }
}

/// A size as messages and the README say it.
pub fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// A number with commas between its thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The README's table is this one. `MUSTER_BLESS=1` rewrites it.
    #[test]
    fn the_readme_has_every_limit() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/README.md");
        let readme = std::fs::read_to_string(path).unwrap();
        let (before, rest) = readme.split_once("<!-- limits -->\n").unwrap();
        let (_, after) = rest.split_once("<!-- /limits -->").unwrap();
        let table = LIMITS.table();
        let wanted = format!("{before}<!-- limits -->\n{table}<!-- /limits -->{after}");
        if std::env::var_os("MUSTER_BLESS").is_some() {
            std::fs::write(path, wanted).unwrap();
        } else {
            assert!(
                readme == wanted,
                "the table of limits in pipelines/README.md is old"
            );
        }
        assert_eq!(
            [0, 999, 1000, 1_048_576].map(grouped),
            ["0", "999", "1,000", "1,048,576"]
        );
    }
}
