//! The fast reader says the same as the parser, whatever a sheet has; and reads what programs write.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::select;

use super::super::job::{Job, Next, Only};
use super::super::limits::{LIMITS, Limits};
use super::super::tests::Package;
use super::super::xlsx::{pass, pass_by_parser};
use super::*;
use crate::stages::read::input::File;

const STRINGS: &str = "<?xml version=\"1.0\"?><sst xmlns=\"x\" count=\"9\" uniqueCount=\"6\"><si><t>Zoë</t></si>\
    <si><r><rPr><b/><sz val=\"11\"/></rPr><t>a </t></r><r><t xml:space=\"preserve\"> b</t></r></si>\
    <si/><si><t>東京</t><rPh sb=\"0\" eb=\"2\"><t>トウキョウ</t></rPh><phoneticPr fontId=\"1\"/></si>\n\
    <si><t xml:space=\"preserve\"> a_x000D_&amp;&#10;b\r\n</t></si><si><t/></si></sst>";
const STYLES: &str = "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"00000\"/></numFmts><cellXfs>\
    <xf numFmtId=\"0\"/><xf numFmtId=\"164\"/><xf numFmtId=\"14\"/><xf numFmtId=\"9\"/></cellXfs></styleSheet>";

/// A whole part of a sheet with these rows.
fn worksheet(rows: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<worksheet xmlns=\"x\"><dimension ref=\"A1:B2\"/><cols><col min=\"2\" \
         max=\"2\" hidden=\"1\"/></cols><sheetData>{rows}</sheetData><mergeCells><mergeCell ref=\"A2:B2\"/></mergeCells></worksheet>"
    )
}

/// Whether the fast reader reads all of a sheet.
fn is_fast(sheet: &str) -> bool {
    let shared = Shared {
        is_1904: false,
        formats: vec![NumberFormat::new(None, "General")],
        styles: Vec::new(),
    };
    let mut strings = Strings::new(Some(Window::new(STRINGS.as_bytes(), None)));
    let mut window = Window::new(sheet.as_bytes(), None);
    let mut rows = Rows::new(&shared, &mut strings, true);
    let mut line = Line::new(Path::new("x"), LIMITS);
    let read = super::super::strings::pass_head(&mut window, "sheetData")
        .and_then(|_| rows.read(&mut window, &mut line, &mut |_| Ok(Next::Row)));
    read.is_ok()
}

type Pass = fn(&Job, &mut super::super::job::Each) -> Result<super::super::wire::Book>;

/// All that a pass says of a workbook's sheet, or of the first rows of all.
fn said(path: &Path, only: Option<usize>, at_once: u64, pass: Pass) -> (Vec<String>, String) {
    let file = File::open(path).unwrap();
    let job = Job {
        path,
        file: &file,
        limits: Limits { at_once, ..LIMITS },
        only: only.map(|sheet| Only {
            sheet,
            formulas: true,
            checked: 0,
        }),
        natives: true,
    };
    let mut rows = Vec::new();
    let book = super::super::refuse::quietly(path, || {
        pass(&job, &mut |sheet, line| {
            let cells: Vec<&str> = (0..line.spans.len())
                .map(|column| line.column(column))
                .collect();
            rows.push(format!(
                "{sheet} {} {cells:?} {:?} {:?}",
                line.number, line.remarks, line.natives
            ));
            Ok(Next::Row)
        })
    });
    let book = match book.and_then(|book| book) {
        Ok(mut book) => {
            book.checked = 0;
            format!("{book:?}")
        }
        Err(refusal) => format!("{} {refusal}", refusal.code),
    };
    (rows, book)
}

/// That both readers say the same of a workbook, for the parts that are read at once and for those
/// that aren't.
fn assert_same(path: &Path) {
    for only in [None, Some(0), Some(1)] {
        for at_once in [0, u64::MAX] {
            let (fast, book) = said(path, only, at_once, pass);
            let (slow, whole) = said(path, only, at_once, pass_by_parser);
            let shown = path.display();
            let is_refused = |book: &str| book.starts_with("file.");
            // A large table of strings is read as far as the first rows need it.
            if only.is_none() && at_once == 0 && is_refused(&whole) && !is_refused(&book) {
                continue;
            }
            // The refusal may name another of the things that are wrong, and come before a row.
            assert_eq!(
                is_refused(&book),
                is_refused(&whole),
                "{shown}: {book}\n{whole}"
            );
            if is_refused(&book) {
                assert_eq!(
                    book.split(' ').next(),
                    whole.split(' ').next(),
                    "{shown}: {book}\n{whole}"
                );
            } else {
                assert_eq!(fast, slow, "{shown} {only:?} {at_once}");
                assert_eq!(book, whole, "{shown} {only:?} {at_once}");
            }
        }
    }
}

fn package(rows: &str, strings: &str) -> Package {
    Package::new(&[("name=\"A\"", ""), ("name=\"B\" state=\"hidden\"", "")])
        .with_sheet(0, &worksheet(rows))
        .with_sheet(1, &worksheet("<row r=\"3\"><c r=\"A3\"><v>1</v></c></row>"))
        .part("xl/sharedStrings.xml", strings)
        .part("xl/styles.xml", STYLES)
}

/// A cell in row `row` and column `column`, of any of the kinds that are written or that only a
/// parser understands.
fn cell(kind: u8, place: &str, style: &str, text: &str) -> String {
    let number = text.len();
    match kind {
        0..=5 => format!("<c {place}{style} t=\"inlineStr\"><is><t>{text}</t></is></c>"),
        6..=8 => format!(
            "<c {place} t=\"inlineStr\"{style}><is><t xml:space=\"preserve\">{text}</t></is></c>"
        ),
        9..=11 => format!("<c {place}{style} t=\"s\"><v>{}</v></c>", number % 7),
        12..=14 => format!("<c {place}{style}><v>{number}</v></c>"),
        15 => format!("<c {place}{style} t=\"n\"><v>-{number}.25E1</v></c>"),
        16 => format!("<c {place}{style}><f>A1&amp;B2</f><v>4{number}943</v></c>"),
        17 => format!("<c {place}{style} t=\"str\"><f aca=\"false\">X</f><v>{text}</v></c>"),
        18 => format!("<c {place}{style} t=\"b\"><v>1</v></c>"),
        19 => format!("<c {place}{style} t=\"e\"><f t=\"shared\" si=\"0\"/><v>#N/A</v></c>"),
        20 => format!(
            "<c {place}{style} t=\"d\"><v>2026-01-0{}T00:00:00.000Z</v></c>",
            number % 9 + 1
        ),
        21 => format!("<c {place}{style}/>"),
        22 => format!("<c {place}{style}><f>1+1</f></c>"),
        23 => format!("<c {place}{style}><f>1+1</f><v></v></c>"),
        24 => format!("<c {place}{style} t=\"str\"><f>1+1</f><v/></c>"),
        25 => format!(
            "<c {place}{style} t=\"inlineStr\"><is><r><t>{text}</t></r><r><rPr><b/></rPr><t> x </t></r></is></c>"
        ),
        26 => format!(
            "<c {place}{style} t=\"inlineStr\"><is><t>{text}</t><rPh sb=\"0\" eb=\"1\"><t>x</t></rPh></is></c>"
        ),
        27 => format!("<c {place}{style} t=\"inlineStr\"><is><t><![CDATA[<{text}]]></t></is></c>"),
        28 => format!("<c {place}{style} t=\"inlineStr\"><!-- > --><is><t>{text}</t></is></c>"),
        29 => format!("<x:c {place}{style}><x:v>{number}</x:v></x:c>"),
        30 => format!("<c {place}{style} t=\"s\"><v>x{number}</v></c>"),
        31 => format!("<c {place}{style}><v>{text}</v></c>"),
        32 => format!("<c {place}{style}><v>1</v><f>A1</f></c>"),
        33 => format!("<c {place}{style} t=\"inlineStr\"><v>1</v></c>"),
        34 => format!("<c {place}{style} t=\"x\"><v>1</v></c>"),
        35 => format!("<c {place}{style} t=\"b\"><v> true </v></c>"),
        36 => format!("<c {place}{style}><v>1<!-- 2 --></v></c>"),
        37 => format!("<c {place}{style}><extLst/></c>"),
        38 => format!("<c {place}{style} t='inlineStr' ><is ><t >{text}</t></is></c>"),
        39 => format!("<c {place}{style} t=\"s\"><v>99</v></c>"),
        _ => format!("<c {place}{style} t=\"inlineStr\"><is><t>{text}</t></is></c><?pi?>"),
    }
}

/// A text as it is in XML.
fn text() -> impl Strategy<Value = String> {
    let pieces = [
        "a",
        "B",
        " ",
        "é",
        "🦀",
        "&amp;",
        "&lt;",
        "&#10;",
        "&#xE9;",
        "_x000D_",
        "_xD83D__xDE00_",
        "_x00",
        "_",
        "\n",
        "\r\n",
        "\t",
        "x@y.org",
        "0042",
        "&quot;",
        "]]>",
        "'",
    ];
    proptest::collection::vec(select(pieces.to_vec()), 0..6).prop_map(|pieces| pieces.concat())
}

/// Rows with cells in order, with gaps, that give their places or don't. Up to `kinds` kinds of cells.
fn rows(kinds: u8) -> impl Strategy<Value = String> {
    let styles = select(vec![
        "", " s=\"0\"", " s=\"1\"", " s=\"2\"", " s=\"3\"", " s=\"9\"",
    ]);
    let cells = proptest::collection::vec((0..kinds, 0..3u32, any::<bool>(), styles, text()), 0..6);
    let attributes = select(vec![
        "",
        " spans=\"1:3\" x14ac:dyDescent=\"0.25\"",
        " hidden=\"1\"",
        " hidden=\"true\" ht='12.8'",
        " hidden=\"false\"",
    ]);
    let row = (
        0..3u32,
        any::<bool>(),
        attributes,
        select(vec!["", "\n", " "]),
        cells,
    );
    proptest::collection::vec(row, 0..8).prop_map(|rows| {
        let mut text = String::new();
        let mut number = 0;
        for (gap, gives_place, attributes, blank, cells) in rows {
            number += 1 + if gives_place { gap } else { 0 };
            let place = if gives_place {
                format!(" r=\"{number}\"")
            } else {
                String::new()
            };
            if cells.is_empty() {
                text += &format!("{blank}<row{place}{attributes}/>");
                continue;
            }
            text += &format!("{blank}<row{place}{attributes}>");
            let mut column = 0;
            for (kind, gap, gives_place, style, value) in cells {
                column += if gives_place { gap } else { 0 };
                let place = match gives_place {
                    true => format!(
                        "r=\"{}{number}\"",
                        crate::stages::read::workbook::column_name(column)
                    ),
                    false => String::new(),
                };
                text += &cell(kind, &place, style, &value);
                text += blank;
                column += 1;
            }
            text += "</row>";
        }
        text
    })
}

/// What no cell shows is read as well: a reference that is none is refused there, too.
#[test]
fn a_broken_reference_is_refused_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.xlsx");
    let phonetic = "<is><t>x</t><rPh sb=\"0\" eb=\"1\"><t>&</t></rPh></is>";
    for row in [
        "<row><c t=\"str\"><f>1&1</f><v>2</v></c></row>".to_string(),
        "<row><c t=\"str\"><v>1&1</v></c></row>".to_string(),
        format!("<row><c t=\"inlineStr\">{phonetic}</c></row>"),
    ] {
        package(&row, STRINGS).write(&path);
        assert_same(&path);
        let (_, book) = said(&path, None, 0, pass);
        assert!(book.starts_with("file.damaged"), "{row}: {book}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_fast_reader_says_what_the_parser_says_of_usual_sheets(rows in rows(27)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.xlsx");
        package(&rows, STRINGS).write(&path);
        assert_same(&path);
        let is_in_order = !said(&path, None, 0, pass_by_parser).1.starts_with("file.");
        prop_assert!(is_fast(&worksheet(&rows)) || !is_in_order, "{}", rows);
    }

    #[test]
    fn what_is_unusual_is_left_to_the_parser(rows in rows(41)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.xlsx");
        package(&rows, STRINGS).write(&path);
        assert_same(&path);
    }

    #[test]
    fn bytes_that_are_broken_anywhere_are_read_alike(rows in rows(27), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.xlsx");
        let mut sheet = worksheet(&rows).into_bytes();
        let at = at.index(sheet.len());
        sheet[at] = byte;
        package("", STRINGS).with_sheet_bytes(0, sheet).write(&path);
        assert_same(&path);
    }

    #[test]
    fn strings_that_are_broken_anywhere_are_read_alike(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.xlsx");
        let mut strings = STRINGS.as_bytes().to_vec();
        let at = at.index(strings.len());
        strings[at] = byte;
        let cells: String = (0..6).map(|index| format!("<c t=\"s\"><v>{index}</v></c>")).collect();
        package(&format!("<row>{cells}</row>"), "").part_bytes("xl/sharedStrings.xml", strings).write(&path);
        assert_same(&path);
    }
}

/// The files below a folder that may be workbooks.
fn workbooks(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_one = |ending: &std::ffi::OsStr| ending == "xlsx" || ending == "xlsm";
        if path.is_dir() {
            workbooks(&path, found);
        } else if path.extension().is_some_and(is_one) {
            found.push(path);
        }
    }
}

/// `MUSTER_WORKBOOKS` names a folder with more of them.
#[test]
fn workbooks_of_many_programs_are_read_alike() {
    let mut found = Vec::new();
    workbooks(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"),
        &mut found,
    );
    if let Some(folder) = std::env::var_os("MUSTER_WORKBOOKS") {
        workbooks(Path::new(&folder), &mut found);
    }
    assert!(found.len() > 10);
    found.iter().for_each(|path| assert_same(path));
}
