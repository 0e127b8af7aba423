//! What a file is by its first bytes: a workbook, or what is often saved under its name.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::guard;
use super::refuse::refusal;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

const AS_TEXT: (&str, &str) = (
    "plain text, not a workbook",
    "if it is a CSV file, give it a name that ends in .csv",
);

/// Tells a workbook, which is an archive, from what is often saved under its name.
pub(super) fn is_archive(path: &Path, mut file: &File) -> Result<()> {
    let unreadable = |error: std::io::Error| {
        refusal(
            Code::FileUnreadable,
            path,
            &format!("can't be read: {error}"),
        )
    };
    let mut start = Vec::new();
    file.take(8 << 10)
        .read_to_end(&mut start)
        .map_err(unreadable)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let text = start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&start)
        .trim_ascii_start();
    let (what, help) = match text {
        [] => return Err(refusal(Code::FileEmpty, path, "is empty")),
        _ if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") => return Ok(()),
        _ if start.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") => {
            return Err(compound(path, file));
        }
        [b'%', b'P', b'D', b'F', ..] => ("a PDF file", Code::FileFormat.mend()),
        [b'<', b'?', ..] => ("an XML file", "open it in Excel and save it as .xlsx"),
        [b'<', ..] => ("a web page (HTML)", "open it in Excel and save it as .xlsx"),
        _ if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") => AS_TEXT,
        _ if start.starts_with(b"\x1f\x8b") => ("a gzip archive", "unpack it first"),
        _ if start.contains(&0) => ("not a workbook", Code::FileFormat.mend()),
        _ => AS_TEXT,
    };
    Err(refusal(Code::FileFormat, path, &format!("is {what}")).help(help))
}

/// An OLE compound file is a workbook of Excel 97 to 2003, or the wrapping of an encrypted one.
/// The names of its streams stand in its directory in UTF-16 ([MS-CFB] 2.6.1, [MS-OFFCRYPTO]
/// 2.3.4.4).
fn compound(path: &Path, file: &File) -> Refusal {
    let name: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let found = guard::occurrences(file, &name).is_ok_and(|count| count > 0);
    if found {
        refusal(Code::FileEncrypted, path, "is protected with a password")
    } else {
        refusal(
            Code::FileFormat,
            path,
            "is of an old Office format, as .xls is",
        )
        .help("open it in Excel and save it as .xlsx")
    }
}
