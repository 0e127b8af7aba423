//! What a workbook's archive is checked for before any parser sees it: how much it inflates to,
//! how often it says what a parser keeps in memory, and whether its names are honest.
//!
//! Sizes that the archive declares are never believed: every entry is inflated once, to nothing.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::refuse::{damaged, printable};
use super::scan::Scan;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// The most entries of an archive.
pub const ENTRIES_MAX: usize = 10_000;
/// The most that all entries may inflate to.
pub const INFLATED_MAX: u64 = 2 << 30;
/// The most that the table of shared strings, which is kept in memory, may inflate to.
pub const STRINGS_MAX: u64 = 256 << 20;
/// The most shared strings.
pub const STRINGS_COUNT_MAX: u64 = 5_000_000;
/// The most that an entry which isn't XML in UTF-8 may inflate to.
const OPAQUE_MAX: u64 = 64 << 20;
/// How much more than its packed size anything may inflate to, once it is past `RATIO_FROM`.
/// Honest sheets stay under 100, blank ones with formats included.
pub const RATIO_MAX: u64 = 200;
const RATIO_FROM: u64 = 32 << 20;
/// The longest tag, text or comment of sheets and strings. A cell holds 32,767 characters.
const TOKEN_MAX: u64 = 4 << 20;
/// The most elements that a parser keeps, in any part but the shared strings.
const KEPT_MAX: u64 = 500_000;
/// Bounds styles × the longest tag, because every style holds a copy of its font and format.
const STYLES_MAX: u64 = 256 << 20;
/// What the guard saw on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether any part has formulas.
    pub formulas: bool,
}

/// Checks the archive. `path` is what messages call it.
///
/// # Errors
/// `file.limit` with the number, `file.damaged`, `file.encrypted`; `file.format` when the archive
/// is no workbook.
pub fn check(path: &Path, file: &File) -> Result<Seen> {
    let packed = file
        .metadata()
        .map_err(|error| damaged(path, &error))?
        .len();
    let broken = |error: ZipError| match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Refusal::new(
            Code::FileEncrypted,
            format!("`{}` is protected with a password", path.display()),
        ),
        error => damaged(path, &error),
    };
    // A parser keeps the archive's directory in memory, and the number of entries that it
    // declares may lie; the headers themselves can't be fewer than the entries.
    let found = occurrences(file, b"PK\x01\x02").map_err(|error| damaged(path, &error))?;
    if found > ENTRIES_MAX {
        return Err(over(
            path,
            &format!("its archive has {found} entries"),
            &ENTRIES_MAX.to_string(),
        ));
    }
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(broken)?;
    if archive.has_duplicate_names() {
        return Err(damaged(
            path,
            &"its archive has two entries of the same name",
        ));
    }
    let mut names = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(broken)?;
        names.push(String::from_utf8_lossy(entry.name_raw()).replace('\\', "/"));
    }
    honest_names(path, &names)?;
    is_workbook(path, &names)?;
    let mut total = Budget::new("its archive", packed, INFLATED_MAX);
    let mut seen = Seen::default();
    for (index, name) in names.iter().enumerate() {
        let body = archive.by_index(index).map_err(broken)?;
        let packed = body.compressed_size();
        seen.formulas |= part(path, name, packed, body, &mut total)?;
    }
    Ok(seen)
}

/// How often `wanted` stands in the file.
///
/// # Errors
/// When the file can't be read.
pub fn occurrences(mut file: &File, wanted: &[u8]) -> std::io::Result<usize> {
    let finder = memchr::memmem::Finder::new(wanted);
    let mut buffer = vec![0; 256 << 10];
    let mut kept = 0;
    let mut found = 0;
    file.seek(SeekFrom::Start(0))?;
    loop {
        let count = file.read(&mut buffer[kept..])?;
        if count == 0 {
            return Ok(found);
        }
        let filled = kept + count;
        found += finder.find_iter(&buffer[..filled]).count();
        // It may stand across two chunks; what is kept is too short to hold it as a whole.
        kept = filled.min(wanted.len() - 1);
        buffer.copy_within(filled - kept..filled, 0);
    }
}

/// No name twice, and none that leads out of the archive. Excel doesn't tell upper from lower case.
fn honest_names(path: &Path, names: &[String]) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if name.split('/').any(|step| step == "..") {
            return Err(damaged(
                path,
                &"an entry of its archive has `..` in its name",
            ));
        }
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(damaged(
                path,
                &format!("its archive has two entries `{}`", shown(name)),
            ));
        }
    }
    Ok(())
}

/// Tells a workbook from the other files that are archives.
fn is_workbook(path: &Path, names: &[String]) -> Result<()> {
    let has = |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
    let under = |folder: &str| names.iter().any(|name| name.starts_with(folder));
    let (what, help) = if has("xl/workbook.xml") {
        return Ok(());
    } else if under("word/") {
        (
            "a Word document",
            "copy its table into a sheet, and save that as .xlsx or CSV",
        )
    } else if under("ppt/") {
        ("a presentation", Code::FileFormat.mend())
    } else if has("xl/workbook.bin") {
        (
            "a binary workbook (.xlsb)",
            "open it in Excel and save it as .xlsx",
        )
    } else if has("mimetype") && has("content.xml") {
        (
            "an OpenDocument file",
            "open it and save it as .xlsx or CSV",
        )
    } else if has("Index/Document.iwa") || under("Index/") {
        ("a Numbers or Pages document", "export it as .xlsx or CSV")
    } else if has("_rels/.rels") && has("[Content_Types].xml") {
        // The workbook part may have another name; the parser follows the relationships.
        return Ok(());
    } else {
        (
            "a zip archive without a workbook",
            "unpack it, and name the file inside",
        )
    };
    Err(Refusal::new(Code::FileFormat, format!("`{}` is {what}", path.display())).help(help))
}

/// Inflates one entry to nothing. `true` when it has formulas.
fn part(
    path: &Path,
    name: &str,
    packed: u64,
    mut body: impl Read,
    total: &mut Budget,
) -> Result<bool> {
    let lower = name.to_ascii_lowercase();
    let is_strings = lower.ends_with("sharedstrings.xml");
    let must_be_xml =
        is_strings || lower.ends_with("styles.xml") || lower.ends_with("workbook.xml");
    let what = format!("the part `{}`", shown(name));
    let limit = if is_strings {
        STRINGS_MAX
    } else {
        INFLATED_MAX
    };
    let mut own = Budget::new(&what, packed, limit);
    let mut scan = None;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = body
            .read(&mut buffer)
            .map_err(|error| damaged(path, &format!("{what}: {error}")))?;
        if count == 0 {
            break;
        }
        let chunk = &buffer[..count];
        if own.bytes == 0 {
            if is_xml(chunk) {
                scan = Some(Scan::default());
            } else if must_be_xml {
                return Err(damaged(path, &format!("{what} is not XML in UTF-8")));
            } else {
                own.limit = OPAQUE_MAX;
            }
        }
        own.add(path, count)?;
        total.add(path, count)?;
        if let Some(scan) = &mut scan {
            scan.feed(chunk);
            judge(path, &what, &lower, scan)?;
        }
    }
    Ok(scan.is_some_and(|scan| scan.formulas))
}

/// UTF-8 or one of the encodings in which markup has the same bytes.
fn is_xml(start: &[u8]) -> bool {
    let start = start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(start)
        .trim_ascii_start();
    let declaration = &start[..start.len().min(128)];
    start.first() == Some(&b'<')
        && start.get(1) != Some(&0)
        && !contains(declaration, b"2022")
        && !contains(declaration, b"UTF-16")
        && !contains(declaration, b"utf-16")
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(text, wanted).is_some()
}

/// How much something may inflate to, and how much it did.
struct Budget<'a> {
    what: &'a str,
    packed: u64,
    bytes: u64,
    limit: u64,
}

impl Budget<'_> {
    fn new(what: &str, packed: u64, limit: u64) -> Budget<'_> {
        Budget {
            what,
            packed,
            bytes: 0,
            limit,
        }
    }

    fn add(&mut self, path: &Path, count: usize) -> Result<()> {
        self.bytes += count as u64;
        if self.bytes > self.limit {
            let found = format!(
                "{} inflates to more than {}",
                self.what,
                mebibytes(self.limit)
            );
            return Err(over(path, &found, &mebibytes(self.limit)));
        }
        if self.bytes > RATIO_FROM && self.bytes / RATIO_MAX > self.packed {
            let found = format!(
                "{} inflates to more than {RATIO_MAX} times its size",
                self.what
            );
            return Err(over(path, &found, &format!("{RATIO_MAX} times")));
        }
        Ok(())
    }
}

/// Whether a part holds more than a parser should keep in memory.
fn judge(path: &Path, what: &str, name: &str, scan: &Scan) -> Result<()> {
    if scan.doctype && (name.ends_with(".xml") || name.ends_with(".rels")) {
        return Err(damaged(
            path,
            &format!("{what} declares a document type, which no workbook does"),
        ));
    }
    let is_sheet = name.contains("worksheets/") || name.ends_with("sharedstrings.xml");
    let token_max = if is_sheet { TOKEN_MAX } else { OPAQUE_MAX };
    let style = scan.longest + 128 * scan.stops;
    for (count, limit, unit) in [
        (scan.longest, token_max, "bytes in one piece"),
        (
            scan.strings.max(scan.declared),
            STRINGS_COUNT_MAX,
            "strings",
        ),
        (scan.kept, KEPT_MAX, "definitions"),
        (
            scan.styles.saturating_mul(style),
            STYLES_MAX,
            "bytes of styles",
        ),
    ] {
        if count > limit {
            return Err(over(
                path,
                &format!("{what} has {count} {unit}"),
                &limit.to_string(),
            ));
        }
    }
    Ok(())
}

fn over(path: &Path, found: &str, limit: &str) -> Refusal {
    Refusal::new(
        Code::FileLimit,
        format!("`{}`: {found}; the limit is {limit}", path.display()),
    )
    .help("open it in Excel and save only the sheet with the list as a new workbook, or as CSV")
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// A name from the archive as it may stand in a message.
fn shown(name: &str) -> String {
    let start: String = name.chars().take(80).collect();
    printable(&start)
}
