//! The people as workbooks, with the XML that programs write which people make their lists with.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use zip::write::{SimpleFileOptions, ZipWriter};

use crate::people::{Cells, HEADER, People, SheetCell};

/// The program whose XML is written.
#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
pub enum Program {
    /// Microsoft Excel
    Excel,
    /// LibreOffice Calc
    Libreoffice,
    /// Google Sheets
    Google,
}

const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// The shared strings, in the order of their first use.
#[derive(Default)]
struct Strings {
    known: HashMap<String, usize>,
    xml: String,
    uses: u64,
}

impl Strings {
    fn index(&mut self, text: &str) -> usize {
        self.uses += 1;
        if let Some(index) = self.known.get(text) {
            return *index;
        }
        let index = self.known.len();
        self.known.insert(text.to_string(), index);
        let is_trimmed = text.trim() == text;
        let space = if is_trimmed {
            ""
        } else {
            " xml:space=\"preserve\""
        };
        let text = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let _ = write!(self.xml, "<si><t{space}>{text}</t></si>");
        index
    }
}

/// Writes all rows as a workbook of one sheet.
///
/// # Errors
/// When the file can't be written.
pub fn write(people: &People, program: Program, path: &Path) -> io::Result<()> {
    let mut zip = ZipWriter::new(BufWriter::with_capacity(1 << 20, File::create(path)?));
    let mut strings = Strings::default();
    for (name, text) in fixed_parts(program) {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(text.as_bytes())?;
    }
    zip.start_file("xl/worksheets/sheet1.xml", SimpleFileOptions::default())?;
    zip.write_all(head(program, people.rows).as_bytes())?;
    let mut xml = String::new();
    let header: Vec<SheetCell> = HEADER.iter().map(|name| SheetCell::Text(name)).collect();
    row(program, 1, &header, &mut strings, &mut xml);
    let mut cells: Cells = Default::default();
    for index in 0..people.rows {
        people.fill(index, &mut cells);
        let cells: Vec<SheetCell> = cells.iter().map(|cell| SheetCell::of(cell)).collect();
        row(program, index + 2, &cells, &mut strings, &mut xml);
        if xml.len() > 1 << 20 {
            zip.write_all(xml.as_bytes())?;
            xml.clear();
        }
    }
    xml += "</sheetData><pageMargins left=\"0.7\" right=\"0.7\" top=\"0.75\" bottom=\"0.75\" header=\"0.3\" footer=\"0.3\"/></worksheet>";
    zip.write_all(xml.as_bytes())?;
    zip.start_file("xl/sharedStrings.xml", SimpleFileOptions::default())?;
    let (count, unique) = (strings.uses, strings.known.len());
    write!(
        zip,
        "{DECLARATION}<sst xmlns=\"{MAIN}\" count=\"{count}\" uniqueCount=\"{unique}\">{}</sst>",
        strings.xml
    )?;
    zip.finish()?.flush()
}

/// What comes before the rows.
fn head(program: Program, rows: u64) -> String {
    let dimension = format!("<dimension ref=\"A1:J{}\"/>", rows + 1);
    let views = "<sheetViews><sheetView tabSelected=\"1\" workbookViewId=\"0\"/></sheetViews>";
    let cols = "<cols><col min=\"1\" max=\"1\" width=\"12.7109375\" customWidth=\"1\"/><col min=\"2\" max=\"10\" width=\"24\" customWidth=\"1\"/></cols>";
    let namespaces = format!("xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"");
    match program {
        Program::Excel => format!(
            "{DECLARATION}<worksheet {namespaces} xmlns:mc=\"http://schemas.openxmlformats.org/markup-compatibility/2006\" mc:Ignorable=\"x14ac\" \
             xmlns:x14ac=\"http://schemas.microsoft.com/office/spreadsheetml/2009/9/ac\">{dimension}{views}\
             <sheetFormatPr defaultRowHeight=\"15\" x14ac:dyDescent=\"0.25\"/>{cols}<sheetData>"
        ),
        Program::Libreoffice => format!(
            "{DECLARATION}<worksheet {namespaces}><sheetPr filterMode=\"false\"><pageSetUpPr fitToPage=\"false\"/></sheetPr>{dimension}{views}\
             <sheetFormatPr defaultColWidth=\"11.53515625\" defaultRowHeight=\"12.8\" zeroHeight=\"false\" outlineLevelRow=\"0\" outlineLevelCol=\"0\"/>{cols}<sheetData>"
        ),
        Program::Google => format!(
            "{DECLARATION}<worksheet {namespaces}><sheetPr><outlinePr summaryBelow=\"0\" summaryRight=\"0\"/></sheetPr>{views}\
             <sheetFormatPr customHeight=\"1\" defaultColWidth=\"12.63\" defaultRowHeight=\"15.75\"/>{cols}<sheetData>"
        ),
    }
}

/// A row as the program writes it.
fn row(
    program: Program,
    number: u64,
    cells: &[SheetCell],
    strings: &mut Strings,
    xml: &mut String,
) {
    let _ = match program {
        Program::Excel => write!(
            xml,
            "<row r=\"{number}\" spans=\"1:10\" x14ac:dyDescent=\"0.25\">"
        ),
        Program::Libreoffice => write!(
            xml,
            "<row r=\"{number}\" customFormat=\"false\" ht=\"12.8\" hidden=\"false\" customHeight=\"false\" outlineLevel=\"0\" collapsed=\"false\">"
        ),
        Program::Google => write!(xml, "<row r=\"{number}\" ht=\"15.75\" customHeight=\"1\">"),
    };
    for (letter, cell) in ('A'..).zip(cells) {
        // Excel leaves out what is usual; the others say it.
        let style = match (program, cell) {
            (_, SheetCell::Date(_)) => " s=\"1\"",
            (Program::Excel, _) => "",
            (Program::Libreoffice, _) => " s=\"0\"",
            (Program::Google, _) => " s=\"2\"",
        };
        let _ = match cell {
            SheetCell::Text("") if program == Program::Google => {
                write!(xml, "<c r=\"{letter}{number}\"{style}/>")
            }
            SheetCell::Text("") => Ok(()),
            SheetCell::Text(text) => {
                let index = strings.index(text);
                write!(
                    xml,
                    "<c r=\"{letter}{number}\"{style} t=\"s\"><v>{index}</v></c>"
                )
            }
            SheetCell::Number(value) | SheetCell::Date(value) => {
                let kind = if program == Program::Libreoffice {
                    " t=\"n\""
                } else {
                    ""
                };
                write!(
                    xml,
                    "<c r=\"{letter}{number}\"{style}{kind}><v>{value}</v></c>"
                )
            }
        };
    }
    xml.push_str("</row>");
}

/// The parts that are the same for any rows.
fn fixed_parts(program: Program) -> Vec<(&'static str, String)> {
    let relations = |targets: &[(&str, &str)]| {
        let mut xml = format!("{DECLARATION}<Relationships xmlns=\"{PACKAGE}/relationships\">");
        for (index, (kind, target)) in targets.iter().enumerate() {
            let _ = write!(
                xml,
                "<Relationship Id=\"rId{}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>",
                index + 1
            );
        }
        xml + "</Relationships>"
    };
    let types = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let format = if program == Program::Google {
        "yyyy-mm-dd"
    } else {
        "yyyy\\-mm\\-dd"
    };
    vec![
        (
            "[Content_Types].xml",
            format!(
                "{DECLARATION}<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
                 <Default Extension=\"xml\" ContentType=\"application/xml\"/><Override PartName=\"/xl/workbook.xml\" ContentType=\"{types}.sheet.main+xml\"/>\
                 <Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"{types}.worksheet+xml\"/><Override PartName=\"/xl/styles.xml\" ContentType=\"{types}.styles+xml\"/>\
                 <Override PartName=\"/xl/sharedStrings.xml\" ContentType=\"{types}.sharedStrings+xml\"/></Types>"
            ),
        ),
        (
            "_rels/.rels",
            relations(&[("officeDocument", "xl/workbook.xml")]),
        ),
        (
            "xl/workbook.xml",
            format!(
                "{DECLARATION}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"People\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            relations(&[
                ("worksheet", "worksheets/sheet1.xml"),
                ("styles", "styles.xml"),
                ("sharedStrings", "sharedStrings.xml"),
            ]),
        ),
        (
            "xl/styles.xml",
            format!(
                "{DECLARATION}<styleSheet xmlns=\"{MAIN}\"><numFmts count=\"1\"><numFmt numFmtId=\"164\" formatCode=\"{format}\"/></numFmts>\
                 <fonts count=\"1\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts><fills count=\"1\"><fill><patternFill patternType=\"none\"/></fill></fills>\
                 <borders count=\"1\"><border/></borders><cellXfs count=\"3\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/>\
                 <xf numFmtId=\"164\" fontId=\"0\" fillId=\"0\" borderId=\"0\" applyNumberFormat=\"1\"/><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellXfs></styleSheet>"
            ),
        ),
    ]
}
