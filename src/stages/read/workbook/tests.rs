//! What a sheet's cells become, which sheet and header are taken, and what is refused.

use super::limits::LIMITS;
use super::*;
use crate::definition::{self, Definition};
use crate::header::Vocabulary;
use std::io::Write as _;
use zip::write::SimpleFileOptions;

const TYPE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A workbook whose first sheets are given as their rows in XML; more parts may follow.
struct Package {
    workbook: String,
    relations: String,
    parts: Vec<(String, Vec<u8>)>,
}

impl Package {
    fn new(sheets: &[(&str, &str)]) -> Package {
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

    fn part(mut self, name: &str, text: &str) -> Package {
        self.parts
            .push((name.to_string(), text.as_bytes().to_vec()));
        self
    }

    fn write(&self, path: &Path) {
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
        },
    )
}

fn standard() -> Definition {
    definition::open(None).unwrap().definition
}

/// Everything below the header: line, cells; and the issues.
fn read_all(source: &Source) -> (Vec<(u64, Vec<String>)>, Vec<Issue>) {
    let (mut rows, mut issues) = (Vec::new(), Vec::new());
    read(source, 3, 100, &mut |cells| {
        assert_eq!((cells.source, cells.first_row), (3, 100));
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
                Format::Csv { .. } => "csv".to_string(),
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
        "file.no_header `f` has no names of columns in its first 1 rows"
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
    let flood = format!("<sst>{}</sst>", "<si/>".repeat(5_000_001));
    let piece = format!("<a b=\"{}\"/>", " ".repeat(5 << 20));
    let last = "<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>";
    let wide = "<row r=\"9\"><c r=\"SS9\"><v>1</v></c></row>";
    let deep = "<row r=\"1048577\"><c r=\"A1048577\"><v>1</v></c></row>";
    let again = "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>";
    vec![
        (row(last), Code::FileLimit, "column 16384"),
        (row(wide), Code::FileLimit, "column 513; the limit is 512"),
        (row(deep), Code::FileLimit, "row 1048577"),
        (row(again), Code::FileDamaged, "row 1 stands after row 2"),
        (row(&long), Code::FileLimit, "32767 characters"),
        (
            strings("<sst uniqueCount=\"99999999999\"/>"),
            Code::FileLimit,
            "99999999999 strings",
        ),
        (
            strings(&flood),
            Code::FileLimit,
            "strings; the limit is 5000000",
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
        (&encrypted[..20], Code::FileFormat, "old Office format"),
        (b"", Code::FileEmpty, "is empty"),
        (b"%PDF-1.7", Code::FileFormat, "a PDF file"),
        (b"\xef\xbb\xbf <html>", Code::FileFormat, "a web page"),
        (b"email,name\n", Code::FileFormat, "plain text"),
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
