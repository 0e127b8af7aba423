//! What a sheet's cells become, which sheet and header are taken, and what is refused.

use super::limits::{LIMITS, Limits};
use super::*;
use crate::definition::{self, Definition};
use crate::header::Vocabulary;
use std::io::Write as _;
use zip::write::SimpleFileOptions;

const TYPE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A workbook whose first sheets are given as their rows in XML; more parts may follow.
pub(super) struct Package {
    workbook: String,
    relations: String,
    parts: Vec<(String, Vec<u8>)>,
}

impl Package {
    pub(super) fn new(sheets: &[(&str, &str)]) -> Package {
        let mut package = Package {
            workbook: String::new(),
            relations: String::new(),
            parts: Vec::new(),
        };
        for (index, (name, rows)) in sheets.iter().enumerate() {
            let target = format!("worksheets/sheet{index}.xml");
            package.workbook += &format!("<sheet {name} r:id=\"r{index}\"/>");
            package.relations += &format!(
                "<Relationship Id=\"r{index}\" Type=\"{TYPE}/worksheet\" Target=\"{target}\"/>"
            );
            let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
            package
                .parts
                .push((format!("xl/{target}"), sheet.into_bytes()));
        }
        package
    }

    pub(super) fn part(self, name: &str, text: &str) -> Package {
        self.part_bytes(name, text.as_bytes().to_vec())
    }

    /// Adds a part, or puts another in its place.
    pub(super) fn part_bytes(mut self, name: &str, bytes: Vec<u8>) -> Package {
        self.parts.retain(|(other, _)| other != name);
        self.parts.push((name.to_string(), bytes));
        self
    }

    /// Gives a sheet another part.
    pub(super) fn with_sheet(self, index: usize, xml: &str) -> Package {
        self.with_sheet_bytes(index, xml.as_bytes().to_vec())
    }

    pub(super) fn with_sheet_bytes(self, index: usize, xml: Vec<u8>) -> Package {
        self.part_bytes(&format!("xl/worksheets/sheet{index}.xml"), xml)
    }

    pub(super) fn write(&self, path: &Path) {
        let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
        let mut add = |name: &str, bytes: &[u8]| {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        };
        let root = format!(
            "<Relationships><Relationship Id=\"r\" Type=\"{TYPE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
        );
        add("_rels/.rels", root.as_bytes());
        add(
            "xl/workbook.xml",
            format!("<workbook>{}</workbook>", self.workbook).as_bytes(),
        );
        let relations = format!("<Relationships>{}</Relationships>", self.relations);
        add("xl/_rels/workbook.xml.rels", relations.as_bytes());
        self.parts.iter().for_each(|(name, bytes)| add(name, bytes));
        zip.finish().unwrap();
    }
}

fn text(cell: &str, text: &str) -> String {
    format!("<c r=\"{cell}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn people() -> String {
    format!(
        "<row r=\"1\">{}</row><row r=\"2\">{}</row>",
        text("A1", "email"),
        text("A2", "a@b.org")
    )
}

fn open_with(path: &Path, definition: &Definition) -> Result<Source> {
    let vocabulary = Vocabulary::new(definition);
    open(
        path,
        &Wanted {
            definition,
            vocabulary: &vocabulary,
            reader: &Reader::default(),
        },
    )
}

fn standard() -> Definition {
    crate::pipelines::open(None).unwrap().definition
}

/// Everything below the header: line, cells; and the issues.
fn read_all(source: &Source) -> (Vec<(u64, Vec<String>)>, Vec<Issue>) {
    let (mut rows, mut issues) = (Vec::new(), Vec::new());
    read(source, 3, 100, &mut |cells| {
        assert_eq!(
            (cells.source, cells.first_row),
            (3, 100 + rows.len() as u32)
        );
        for row in 0..cells.len() {
            rows.push((
                cells.place(row).line,
                cells.row(row).map(String::from).collect(),
            ));
        }
        issues.extend(cells.issues);
        Ok(true)
    })
    .unwrap();
    (rows, issues)
}

#[test]
fn cells_are_text_as_the_sheet_shows_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("staff.xlsx");
    let rows = [
        format!("<row r=\"2\">{}</row>", text("B2", "Staff 2026")),
        format!("<row r=\"4\">{}{}{}</row>", text("B4", "E-mail"), text("C4", "Code"), text("E4", "Password")),
        // Styles: 0 none, 1 `00000`, 2 a date, 3 of the id 22.
        format!("<row r=\"6\">{}<c r=\"C6\" s=\"1\"><v>42</v></c><c r=\"D6\"><v>1</v></c></row>", text("B6", "a@b.org")),
        "<row r=\"7\"><c r=\"B7\" s=\"1\"/><c r=\"C7\" s=\"1\"/></row>".to_string(),
        format!("<row r=\"8\">{}</row>", text("B8", "  ")),
        "<row r=\"9\"><c r=\"B9\" t=\"s\"><v>0</v></c><c r=\"C9\"><v>491711234567</v></c><c r=\"F9\"><v>1.5</v></c></row>".to_string(),
        "<row r=\"10\"><c r=\"C10\" s=\"2\"><v>45943</v></c><c r=\"D10\" s=\"3\"><v>45943.25</v></c>\
         <c r=\"E10\" t=\"str\"><f>X</f><v>secret</v></c></row>".to_string(),
        "<row r=\"11\"><c r=\"B11\" t=\"b\"><v>1</v></c><c r=\"C11\"><v>1234567890123456</v></c>\
         <c r=\"D11\" t=\"e\"><f>1/0</f><v>#DIV/0!</v></c></row>".to_string(),
    ];
    let package = Package::new(&[("name=\"Staff\"", &rows.concat())])
        .part("xl/sharedStrings.xml", "<sst uniqueCount=\"1\"><si><r><t>Zo</t></r><r><t>ë &amp; co</t></r></si></sst>")
        .part(
            "xl/styles.xml",
            "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"00000\"/></numFmts><cellXfs>\
             <xf numFmtId=\"0\"/><xf numFmtId=\"164\"/><xf numFmtId=\"14\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>",
        );
    package.write(&path);
    let mut source = open_with(&path, &standard()).unwrap();
    assert_eq!(
        (source.header_line, source.bytes),
        (4, std::fs::metadata(&path).unwrap().len())
    );
    assert_eq!(source.header, ["", "E-mail", "Code", "", "Password"]);
    source.dropped = vec![4];
    let (rows, issues) = read_all(&source);
    let expected: [(u64, &[&str]); 4] = [
        (6, &["", "a@b.org", "00042", "1", ""]),
        (9, &["", "Zoë & co", "491711234567", "", "", "1.5"]),
        (10, &["", "", "2025-10-13", "2025-10-13T06:00:00", ""]),
        (11, &["", "TRUE", "1234567890123456", "", ""]),
    ];
    assert_eq!(rows.len(), expected.len());
    for ((line, cells), (expected_line, expected_cells)) in rows.iter().zip(expected) {
        assert_eq!(*line, expected_line);
        assert_eq!(cells, expected_cells);
    }
    let said: Vec<_> = issues
        .iter()
        .map(|issue| (issue.code, issue.row, issue.column, issue.found.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (Code::CellPrecision, 103, Some(2), "1234567890123456"),
            (Code::CellError, 103, Some(3), "#DIV/0!"),
            (Code::CellFormula, 103, Some(3), ""),
        ]
    );
    package.part("xl/media/x", "").write(&path);
    let changed = read(&source, 0, 0, &mut |_| Ok(true)).unwrap_err();
    assert_eq!(changed.code, Code::FileChanged);
}

#[test]
fn the_sheet_and_the_header_are_chosen_or_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.xlsx");
    let people = people();
    let opened = |sheets: &[(&str, &str)], read: &str| -> String {
        Package::new(sheets).write(&path);
        let text = format!("name = \"x\"\n[read]\n{read}");
        let definition = definition::parse("x.toml", &text).unwrap().definition;
        match open_with(&path, &definition) {
            Ok(source) => match &source.format {
                Format::Workbook { .. } => {
                    let sheet = source.sheet().unwrap();
                    format!("{sheet} {} {:?}", source.header_line, source.header)
                }
                Format::Csv(_) => "csv".to_string(),
                Format::Json(_) => "json".to_string(),
            },
            Err(refusal) => format!(
                "{} {}",
                refusal.code,
                refusal.what.replace(&path.display().to_string(), "f")
            ),
        }
    };
    let (one, two) = (
        ("name=\"One\"", people.as_str()),
        ("name=\"Two\"", people.as_str()),
    );
    let hidden = ("name=\"Old\" state=\"hidden\"", people.as_str());
    let blank = ("name=\"Blank\"", "<row r=\"1\"><c r=\"A1\" s=\"1\"/></row>");
    assert_eq!(opened(&[blank, hidden, one], ""), "One 1 [\"email\"]");
    assert_eq!(
        opened(&[one, two], ""),
        "file.sheets `f` has several sheets with cells: `One`, `Two`"
    );
    assert_eq!(opened(&[one, two], "sheet = \"two\""), "Two 1 [\"email\"]");
    assert_eq!(
        opened(&[one, hidden], "sheet = \"Old\""),
        "Old 1 [\"email\"]"
    );
    assert_eq!(
        opened(&[one, two], "sheet = \"Three\""),
        "file.no_sheet `f` has no sheet `Three`; it has `One`, `Two`"
    );
    assert_eq!(
        opened(&[blank], ""),
        "file.empty `f` has no cell that holds anything"
    );
    assert_eq!(
        opened(&[hidden], ""),
        "file.empty `f` has cells on hidden sheets only: `Old`"
    );
    assert_eq!(opened(&[one], "header_row = 2"), "One 2 [\"a@b.org\"]");
    assert_eq!(
        opened(&[one], "header_row = 3"),
        "file.no_header `f` has nothing in row 3"
    );
    let numbers = ("name=\"N\"", "<row r=\"5\"><c r=\"A5\"><v>1</v></c></row>");
    assert_eq!(
        opened(&[numbers], ""),
        "file.no_header `f` has no column names in its first 1 rows"
    );
    let title = format!(
        "<row r=\"1\">{}</row><row r=\"2\">{}</row>",
        text("A1", "Our people"),
        text("A2", "7")
    );
    assert_eq!(
        opened(&[("name=\"T\"", &title)], ""),
        "T 1 [\"Our people\"]"
    );
}

/// Packages that are refused, with the code and a word of the message.
fn hostile() -> Vec<(Package, Code, &'static str)> {
    let people = people();
    let sheets = [("name=\"S\"", people.as_str())];
    let package = |name: &str, text: &str| Package::new(&sheets).part(name, text);
    let strings = |text: &str| package("xl/sharedStrings.xml", text);
    let row = |row: &str| Package::new(&[("name=\"S\"", &format!("{people}{row}"))]);
    let styles = format!(
        "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"{}\"/></numFmts><cellXfs>{}</cellXfs></styleSheet>",
        "0".repeat(100_000),
        "<xf numFmtId=\"164\"/>".repeat(3000)
    );
    let long = format!(
        "<row r=\"3\">{}</row>",
        text("A3", &"x".repeat(LIMITS.cell_characters + 1))
    );
    let flood = format!("<sst>{}</sst>", "<si/>".repeat(4_000_001));
    let piece = format!("<a b=\"{}\"/>", " ".repeat(5 << 20));
    let last = "<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>";
    let wide = "<row r=\"9\"><c r=\"SS9\"><v>1</v></c></row>";
    let deep = "<row r=\"1048577\"><c r=\"A1048577\"><v>1</v></c></row>";
    let again = "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>";
    vec![
        (row(last), Code::FileLimit, "column 16384"),
        (row(wide), Code::FileLimit, "column 513; the limit is 512"),
        (row(deep), Code::FileLimit, "row 1048577"),
        (row(again), Code::FileDamaged, "row 1 comes after row 2"),
        (row(&long), Code::FileLimit, "32767 characters"),
        (
            strings("<sst uniqueCount=\"99999999999\"/>"),
            Code::FileLimit,
            "99999999999 strings",
        ),
        (
            strings(&flood),
            Code::FileLimit,
            "strings; the limit is 4000000",
        ),
        (
            strings("<!DOCTYPE x []><sst/>"),
            Code::FileDamaged,
            "document type",
        ),
        (
            package("xl/worksheets/a.xml", &piece),
            Code::FileLimit,
            "in one piece",
        ),
        (
            package("xl/media/a.png", &"\0".repeat(65 << 20)),
            Code::FileLimit,
            "200 times",
        ),
        (
            package("xl/styles.xml", &styles),
            Code::FileLimit,
            "bytes of styles",
        ),
        (
            package("xl/Workbook.xml", ""),
            Code::FileDamaged,
            "two entries `xl/Workbook.xml`",
        ),
        (package("../../x", ""), Code::FileDamaged, "`..`"),
    ]
}

fn is_refused(path: &Path, code: Code, word: &str) {
    let refusal = open_with(path, &standard()).unwrap_err();
    assert_eq!(refusal.code, code, "{refusal}");
    assert!(refusal.what.contains(word), "{refusal} has no {word}");
}

#[test]
fn hostile_and_mistaken_files_are_refused_with_the_right_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.xlsx");
    for (package, code, word) in hostile() {
        package.write(&path);
        is_refused(&path, code, word);
    }
    Package::new(&[("name=\"S\"", people().as_str())]).write(&path);
    let honest = std::fs::read(&path).unwrap();
    let mut encrypted = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    encrypted.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    for (bytes, code, word) in [
        (&honest[..honest.len() / 2], Code::FileDamaged, "is damaged"),
        (&encrypted, Code::FileEncrypted, "password"),
        (
            &encrypted[..20],
            Code::FileDamaged,
            "no stream of a workbook",
        ),
        (b"", Code::FileEmpty, "is empty"),
        (b"%PDF-1.7", Code::FileFormat, "a PDF document"),
        (b"\xef\xbb\xbf <html>", Code::FileFormat, "a web page"),
        (b"email,name\n", Code::FileFormat, "not a workbook"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        is_refused(&path, code, word);
    }
    is_refused(
        &folder.path().join("none.xlsx"),
        Code::FileNotFound,
        "doesn't exist",
    );
}

/// What the reading process says of a file under these limits.
fn outcome(path: &Path, limits: Limits) -> String {
    outcome_of(path, limits, Request::Look { header_row: 9 })
}

fn outcome_of(path: &Path, limits: Limits, request: Request) -> String {
    let (mut said, file) = (Vec::new(), File::open(path).unwrap());
    worker::answer(path, &file, request, limits, &mut said);
    let (mut rest, mut last) = (said.as_slice(), None);
    while let Some(frame) = wire::receive(&mut rest) {
        last = Some(frame);
    }
    match last.unwrap() {
        (wire::END, _) => "read".to_string(),
        (wire::REFUSED, body) => wire::refusal(&body).unwrap().to_string(),
        (kind, _) => panic!("{kind}"),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one limit after the other")]
fn every_limit_lets_in_what_is_at_it_and_refuses_one_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.xlsx");
    let cells = "<row r=\"2\"><c r=\"B2\"><v>1</v></c><c r=\"C2\" t=\"s\"><v>1</v></c></row>";
    let rows = format!("<row r=\"1\">{}</row>{cells}", text("A1", "Zoë!"));
    let strings = "<sst><si><t>a</t></si><si><t>12345</t></si></sst>";
    Package::new(&[("name=\"A\"", rows.as_str()), ("name=\"B\"", rows.as_str())])
        .part("xl/sharedStrings.xml", strings)
        .write(&path);
    let packed = std::fs::metadata(&path).unwrap().len();
    let mut archive = zip::ZipArchive::new(File::open(&path).unwrap()).unwrap();
    let entries = archive.len();
    let sizes = (0..entries).map(|index| archive.by_index(index).unwrap().size());
    let inflated: u64 = sizes.sum();
    // Every limit as low as the file allows.
    let exact = Limits {
        packed,
        inflated,
        entries,
        sheets: 2,
        rows: 2,
        columns: 3,
        cells: 3,
        cell_characters: 5,
        row_bytes: 6,
        strings: 2,
        string_bytes: strings.len() as u64,
        ..LIMITS
    };
    assert_eq!(outcome(&path, exact), "read");
    type Lower = fn(&mut Limits);
    let lower: [(Lower, &str); 11] = [
        (|limits| limits.packed -= 1, "bytes; the limit is"),
        (
            |limits| limits.inflated -= 1,
            "its archive unpacks to more than",
        ),
        (
            |limits| limits.entries -= 1,
            "its archive has 6 entries; the limit is 5",
        ),
        (|limits| limits.sheets -= 1, "has 2 sheets; the limit is 1"),
        (
            |limits| limits.rows -= 1,
            "has a cell in row 2; the limit is 1",
        ),
        (
            |limits| limits.columns -= 1,
            "has a cell in column 3; the limit is 2",
        ),
        (|limits| limits.cells -= 1, "has more than 2 cells"),
        (
            |limits| limits.cell_characters -= 1,
            "has more than 4 characters in a cell of row 2",
        ),
        (
            |limits| limits.row_bytes -= 1,
            "has 6 bytes of text in row 2; the limit is 5",
        ),
        (
            |limits| limits.strings -= 1,
            "has 2 strings; the limit is 1",
        ),
        (
            |limits| limits.string_bytes -= 1,
            "the part `xl/sharedStrings.xml` unpacks to more than",
        ),
    ];
    for (lower, expected) in lower {
        let mut limits = exact;
        lower(&mut limits);
        let outcome = outcome(&path, limits);
        assert!(outcome.contains(expected), "{outcome} has no {expected}");
    }
}

/// A workbook of OpenDocument with this content of its one table.
fn open_document(path: &Path, table: &str) {
    let content = format!(
        "<office:document-content><office:automatic-styles><style:style style:name=\"h\">\
         <style:table-properties table:display=\"false\"/></style:style></office:automatic-styles>\
         <office:body><office:spreadsheet><table:tracked-changes><table:table-cell/></table:tracked-changes>\
         <table:table table:name=\"Old\" table:style-name=\"h\"/>\
         <table:table table:name=\"People\">{table}</table:table></office:spreadsheet></office:body>\
         </office:document-content>"
    );
    let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
    let kind = "application/vnd.oasis.opendocument.spreadsheet";
    for (name, text) in [("mimetype", kind), ("content.xml", content.as_str())] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
#[expect(clippy::too_many_lines, reason = "the document is long")]
fn open_document_sheets_are_read_as_they_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.ods");
    let value = |attributes: &str, shown: &str| {
        format!("<table:table-cell {attributes}><text:p>{shown}</text:p></table:table-cell>")
    };
    let string = |shown: &str| value("office:value-type=\"string\"", shown);
    let float = |value_: &str, shown: &str| {
        value(
            &format!("office:value-type=\"float\" office:value=\"{value_}\""),
            shown,
        )
    };
    let row = |attributes: &str, cells: &[String]| {
        format!(
            "<table:table-row {attributes}>{}</table:table-row>",
            cells.concat()
        )
    };
    let table = [
        "<table:table-column/><table:table-column table:visibility=\"collapse\"/>".to_string(),
        row(
            "table:number-rows-repeated=\"2\"",
            &["<table:table-cell table:number-columns-repeated=\"16384\"/>".into()],
        ),
        row(
            "",
            &[
                string("E-mail"),
                string("Code"),
                string("Since"),
                string("Note"),
            ],
        ),
        row(
            "table:visibility=\"filter\"",
            &[
                string("a@b.org<office:annotation><text:p>no</text:p></office:annotation>"),
                float("42", "00042"),
                value(
                    "office:value-type=\"date\" office:date-value=\"2026-03-04T00:00:00\"",
                    "04.03.26",
                ),
                string("a<text:s text:c=\"2\"/>b &amp; c</text:p><text:p>d"),
            ],
        ),
        row(
            "table:number-rows-repeated=\"2\"",
            &[
                string("c@d.org"),
                float("1234.5", "1.234,50 EUR"),
                value(
                    "office:value-type=\"time\" office:time-value=\"PT08H30M00S\"",
                    "8:30",
                ),
                value(
                    "table:formula=\"of:=1/0\" office:value-type=\"string\" calcext:value-type=\"error\"",
                    "#DIV/0!",
                ),
            ],
        ),
        row(
            "",
            &[
                value(
                    "table:number-columns-spanned=\"2\" office:value-type=\"percentage\" office:value=\"0.5\"",
                    "50 %",
                ),
                "<table:covered-table-cell/>".into(),
                value(
                    "office:value-type=\"boolean\" office:boolean-value=\"true\"",
                    "WAHR",
                ),
            ],
        ),
        row(
            "table:number-rows-repeated=\"1048000\"",
            &["<table:table-cell/>".into()],
        ),
    ];
    open_document(&path, &table.concat());
    let source = open_with(&path, &standard()).unwrap();
    assert_eq!((source.header_line, source.sheet()), (3, Some("People")));
    let (rows, issues) = read_all(&source);
    let expected: [(u64, [&str; 4]); 4] = [
        (4, ["a@b.org", "00042", "2026-03-04", "a  b & c\nd"]),
        (5, ["c@d.org", "1234.5", "08:30:00", ""]),
        (6, ["c@d.org", "1234.5", "08:30:00", ""]),
        (7, ["50%", "", "TRUE", ""]),
    ];
    assert_eq!(rows.len(), expected.len());
    for ((line, cells), (expected_line, expected_cells)) in rows.iter().zip(expected) {
        assert_eq!(
            (*line, cells.as_slice()),
            (expected_line, &expected_cells.map(String::from)[..])
        );
    }
    let said: Vec<_> = issues.iter().map(|issue| (issue.code, issue.row)).collect();
    let (error, formula) = (Code::CellError, Code::CellFormula);
    assert_eq!(
        said,
        [
            (error, 101),
            (formula, 101),
            (error, 102),
            (formula, 102),
            (Code::CellMerged, 103)
        ]
    );
    let Format::Workbook { book, sheet, .. } = &source.format else {
        panic!("not a workbook");
    };
    assert_eq!(
        book.remarks(*sheet, &[]),
        [
            "not read: `Old`",
            "1 hidden row, read like the others",
            "hidden columns, read like the others: B",
            "merged cells: 1; the text counts for the first cell of each",
        ]
    );
}

#[test]
fn merged_cells_are_recognized_by_row() {
    let sheet = Sheet {
        merged: vec![[4, 0, 6, 1], [0, 0, 0, 5], [5, 27, 5, 28]],
        ..Sheet::default()
    };
    let mut merged = Merged::new(&sheet);
    let mut reported = Vec::new();
    for row in 2..=9 {
        reported.extend(
            merged
                .covered(row)
                .into_iter()
                .map(|(column, anchor)| (row, column, anchor)),
        );
    }
    let expected = [(5, 1, "A5"), (6, 0, "A5"), (6, 28, "AB6"), (7, 0, "A5")];
    assert_eq!(
        reported,
        expected.map(|(row, column, anchor)| (row, column, anchor.to_string()))
    );
}

/// Rows below the header that don't pack, so that the sheet is not read to its end when it is opened.
fn many_rows() -> String {
    let mut state = 1u64;
    let mut rows = people();
    for row in 3..36_000 {
        let mut noise = String::new();
        for _ in 0..5 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            noise += &format!("{state:016x}");
        }
        rows += &format!(
            "<row r=\"{row}\">{}</row>",
            text(&format!("A{row}"), &noise)
        );
    }
    rows
}

#[test]
fn what_a_large_sheet_is_refused_for_is_found_while_its_rows_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.xlsx");
    let rows = many_rows();
    let sheet = |last: &str, behind: &str| {
        format!("<worksheet><sheetData>{rows}{last}</sheetData>{behind}</worksheet>")
    };
    let wide = "<row r=\"40000\"><c r=\"SS40000\"><v>1</v></c></row>";
    let twice = "<row r=\"9\"><c r=\"A9\"><v>1</v></c></row>";
    let long = format!(
        "<row r=\"40000\">{}</row>",
        text("A40000", &"x".repeat(40_000))
    );
    let piece = format!("<a b=\"{}\"/>", " ".repeat(5 << 20));
    for (sheet, code, word) in [
        (
            sheet(wide, ""),
            Code::FileLimit,
            "column 513; the limit is 512",
        ),
        (
            sheet(twice, ""),
            Code::FileDamaged,
            "row 9 comes after row 35999",
        ),
        (sheet(&long, ""), Code::FileLimit, "32767 characters"),
        (sheet("", &piece), Code::FileLimit, "in one piece"),
        (sheet("<!-- -->", &piece), Code::FileLimit, "in one piece"),
        (
            sheet("", "<!DOCTYPE x []>"),
            Code::FileDamaged,
            "document type",
        ),
        (sheet("<c", ""), Code::FileDamaged, "is damaged"),
    ] {
        Package::new(&[("name=\"S\"", "")])
            .with_sheet(0, &sheet)
            .write(&path);
        let source = open_with(&path, &standard()).unwrap();
        let refusal = read(&source, 0, 0, &mut |_| Ok(true)).unwrap_err();
        assert_eq!(refusal.code, code, "{refusal}");
        assert!(refusal.what.contains(word), "{refusal} has no {word}");
    }
    // The other sheets are checked, too, though only one is read.
    Package::new(&[
        ("name=\"S\"", people().as_str()),
        ("name=\"T\" state=\"hidden\"", ""),
    ])
    .with_sheet(1, &sheet("", &piece))
    .write(&path);
    let source = open_with(&path, &standard()).unwrap();
    let refusal = read(&source, 0, 0, &mut |_| Ok(true)).unwrap_err();
    assert!(refusal.what.contains("in one piece"), "{refusal}");
}

#[test]
fn a_large_sheet_that_unpacks_to_too_much_behind_its_rows_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.xlsx");
    let piece = format!("<a>{}</a>", " ".repeat(1 << 20));
    let (rows, behind) = (many_rows(), piece.repeat(40));
    let bomb = format!("<worksheet><sheetData>{rows}</sheetData>{behind}</worksheet>");
    let package = Package::new(&[("name=\"S\"", "")]).with_sheet(0, &bomb);
    package.write(&path);
    let limits = Limits {
        ratio: 10,
        ..LIMITS
    };
    assert_eq!(outcome(&path, limits), "read");
    let request = Request::Rows {
        sheet: 0,
        below: 1,
        formulas: false,
        natives: false,
        checked: 0,
    };
    let said = outcome_of(&path, limits, request);
    assert!(
        said.contains("unpacks to more than 10 times its size"),
        "{said}"
    );
}

#[test]
fn what_is_behind_the_rows_of_a_large_sheet_is_known_once_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.xlsx");
    let rows = many_rows();
    for comment in ["", "<!-- unusual -->"] {
        let hidden = "<row r=\"40000\" hidden=\"1\"><c r=\"A40000\"><f>1</f><v>7</v></c></row>";
        let sheet = format!(
            "<worksheet><cols><col min=\"2\" max=\"2\" width=\"9\" hidden=\"1\"/></cols><sheetData>{rows}{comment}{hidden}</sheetData>\
             <mergeCells><mergeCell ref=\"A1:B1\"/><mergeCell ref=\"A40000:B40001\"/></mergeCells></worksheet>"
        );
        let package = Package::new(&[("name=\"S\"", "")]).with_sheet(0, &sheet);
        package.write(&path);
        let definition = standard();
        let mut source = open_with(&path, &definition).unwrap();
        source.header = vec!["email".to_string(), "name".to_string()];
        let remarks = |source: &Source| match &source.format {
            Format::Workbook { book, .. } => book.remarks(0, &[]),
            _ => Vec::new(),
        };
        assert_eq!(
            remarks(&source),
            ["hidden columns, read like the others: B"]
        );
        let codes = |source: &Source| -> Vec<(Code, u32)> {
            let (rows, issues) = read_all(source);
            assert_eq!((rows.len(), &rows[35_998].1[0]), (35_999, &"7".to_string()));
            issues.iter().map(|issue| (issue.code, issue.row)).collect()
        };
        let formula = (Code::CellFormula, 100 + 35_998);
        assert_eq!(codes(&source), [formula]);
        assert!(source.learn());
        assert!(!source.learn());
        assert_eq!(codes(&source), [formula, (Code::CellMerged, 100 + 35_998)]);
        assert_eq!(
            remarks(&source),
            [
                "1 hidden row, read like the others",
                "hidden columns, read like the others: B",
                "merged cells: 2; the text counts for the first cell of each",
            ]
        );
        package_without_merged_rows(&path, &rows);
        let mut source = open_with(&path, &definition).unwrap();
        read_all(&source);
        // What is merged above the list changes nothing of it.
        assert!(!source.learn());
    }
}

fn package_without_merged_rows(path: &Path, rows: &str) {
    let merged = "<mergeCells><mergeCell ref=\"A1:B1\"/></mergeCells>";
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData>{merged}</worksheet>");
    let package = Package::new(&[("name=\"S\"", "")]);
    package.with_sheet(0, &sheet).write(path);
}
