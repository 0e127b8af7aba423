//! The type of a file by its content, whatever its name: a workbook, or what is often saved with
//! the name of one.

use std::io::Read;
use std::path::Path;

use super::guard;
use super::refuse::{encrypted, refusal};
use super::wire::BookKind;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::stages::read::workbook::job::Job;

const SAVE_AS: &str = "open it in Excel and save it as .xlsx or CSV";

/// Which kind of workbook it is.
///
/// # Errors
/// `file.format` with what it is instead; `file.encrypted`, `file.damaged`, `file.limit`.
pub(super) fn of(job: &Job) -> Result<BookKind> {
    let mut start = Vec::new();
    guard::rewind(job)?;
    job.file
        .take(8 << 10)
        .read_to_end(&mut start)
        .map_err(|error| {
            let what = format!("can't be read: {error}");
            refusal(Code::FileUnreadable, job.path, &what)
        })?;
    let (what, help) = match start.as_slice() {
        [] => return Err(refusal(Code::FileEmpty, job.path, "is empty")),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => {
            let (_, names) = guard::open(job)?;
            return of_archive(job.path, &names);
        }
        [0xd0, 0xcf, 0x11, 0xe0, ..] => return of_compound(job),
        [b'P', b'A', b'R', b'1', ..] => return Ok(BookKind::Parquet),
        start => foreign(start).unwrap_or(("not a workbook", Code::FileFormat.fix())),
    };
    Err(refusal(Code::FileFormat, job.path, &format!("is {what}")).help(help))
}

/// What a file with that beginning is that is certainly neither a list as text nor a workbook of a
/// kind that can be read, and what to do with it.
pub fn foreign(start: &[u8]) -> Option<(&'static str, &'static str)> {
    let text = start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(start)
        .trim_ascii_start();
    let begins = |wanted: &str| {
        text.get(..wanted.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(wanted.as_bytes()))
    };
    let html = [
        "<html",
        "<!doctype",
        "<table",
        "<head",
        "<meta",
        "<body",
        "<style",
        "<div",
        "<tr",
    ];
    match start {
        _ if begins("%PDF") => Some(("a PDF document", "export the list as .xlsx or CSV")),
        _ if begins("{\\rtf") => Some((
            "a text document (RTF)",
            "copy its table into a sheet, and save that",
        )),
        _ if html.iter().any(|tag| begins(tag)) => {
            Some(("a web page (HTML), whatever its name says", SAVE_AS))
        }
        _ if begins("<?xml") => Some(("an XML file", SAVE_AS)),
        _ if begins("ID;P") => Some(("a SYLK file", SAVE_AS)),
        // BOF of Excel 2, 3 and 4, which wrap it in nothing ([MS-XLS] 2.4.21 is of later ones).
        [9, 0, 4, 0, ..] | [9, 2 | 4, 6, 0, ..] => {
            Some(("a workbook of Excel 4 or older", SAVE_AS))
        }
        [0, 0, 2 | 26, 0, ..] => Some(("a Lotus 1-2-3 worksheet", SAVE_AS)),
        [0x1f, 0x8b, ..] => Some(("packed with gzip", "unpack it first")),
        [b'7', b'z', 0xbc, 0xaf, ..] => Some(("packed with 7-Zip", "unpack it first")),
        [b'R', b'a', b'r', b'!', ..] => Some(("packed with RAR", "unpack it first")),
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] | [b'G', b'I', b'F', b'8', ..] => {
            Some(("a picture", Code::FileFormat.fix()))
        }
        [0x7f, b'E', b'L', b'F', ..] => Some(("a program", Code::FileFormat.fix())),
        _ => None,
    }
}

/// Tells a workbook from the other files that are archives.
fn of_archive(path: &Path, names: &[String]) -> Result<BookKind> {
    let has = |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
    let under = |folder: &str| names.iter().any(|name| name.starts_with(folder));
    let (what, help) = if has("xl/workbook.xml") {
        return Ok(BookKind::Xlsx);
    } else if has("xl/workbook.bin") {
        return Ok(BookKind::Xlsb);
    } else if has("mimetype") && has("content.xml") {
        return Ok(BookKind::Ods);
    } else if has("mimetype") && has("encrypted-package") {
        // LibreOffice since 24.8 (ODF 1.4 part 2, "wholesome encryption").
        return Err(encrypted(path));
    } else if under("word/") {
        (
            "a Word document",
            "copy its table into a sheet, and save that as .xlsx or CSV",
        )
    } else if under("ppt/") {
        ("a presentation", Code::FileFormat.fix())
    } else if has("Index/Document.iwa") || under("Index/") {
        ("a Numbers or Pages document", "export it as .xlsx or CSV")
    } else if has("_rels/.rels") && has("[Content_Types].xml") {
        // The workbook part may have another name; the parser follows the relationships.
        return Ok(BookKind::Xlsx);
    } else {
        (
            "a zip archive without a workbook",
            "unpack it, and name the file inside",
        )
    };
    Err(Refusal::new(Code::FileFormat, format!("`{}` is {what}", path.display())).help(help))
}

/// An OLE compound file is a workbook of Excel 5.0 to 2003, or the wrapping of an encrypted one.
/// The names of its streams are in its directory in UTF-16 ([MS-CFB] 2.6.1, [MS-OFFCRYPTO]
/// 2.3.4.4).
fn of_compound(job: &Job) -> Result<BookKind> {
    let has = |name: &str| {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        guard::occurrences(job.file, &name).is_ok_and(|count| count > 0)
    };
    if has("EncryptedPackage") {
        return Err(encrypted(job.path));
    }
    if !has("Workbook") && !has("Book") && has("WordDocument") {
        let what = "is a Word document";
        return Err(refusal(Code::FileFormat, job.path, what)
            .help("copy its table into a sheet, and save that as .xlsx or CSV"));
    }
    Ok(BookKind::Xls)
}
