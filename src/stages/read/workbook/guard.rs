//! What a workbook's archive is checked for before any parser sees it: how much it inflates to, how
//! many items a parser would keep in memory, and whether its names are safe.
//!
//! Sizes that the archive declares are never trusted: every entry is unpacked once, and the result
//! discarded.

use crate::stages::read::workbook::scan::PartNotes;
use std::collections::{HashMap, HashSet};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::super::input::File;
use super::limits::{Limits, mebibytes};
use super::refuse::{damaged, printable};
use super::scan::Scan;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::stages::read::workbook::job::Job;

/// The most that an entry which isn't XML in UTF-8 may inflate to.
const OPAQUE_MAX: u64 = 64 << 20;
/// Only what inflates to more than this can be a bomb.
const RATIO_FROM: u64 = 32 << 20;
/// The longest tag, text or comment of sheets and strings. A cell holds 32,767 characters.
const TOKEN_MAX: u64 = 4 << 20;
/// The most elements that a parser keeps, in any part but the shared strings.
const KEPT_MAX: u64 = 500_000;
/// Bounds styles × the longest tag, because every style holds a copy of its font and format.
const STYLES_MAX: u64 = 256 << 20;

/// Goes back to the beginning of the file.
pub(super) fn rewind(job: &Job) -> Result<()> {
    let mut file = job.file;
    file.seek(SeekFrom::Start(0))
        .map_err(|error| damaged(job.path, &error))?;
    Ok(())
}

/// Opens the archive and looks at the names of its entries.
///
/// # Errors
/// `file.limit` with the number, `file.damaged`, `file.encrypted`.
pub(super) fn open<'f>(job: &Job<'f>) -> Result<(ZipArchive<BufReader<&'f File>>, Vec<String>)> {
    let path = job.path;
    // A parser keeps the archive's directory in memory, and the number of entries that it
    // declares may lie; the headers themselves can't be fewer than the entries.
    let found = occurrences(job.file, b"PK\x01\x02").map_err(|error| damaged(path, &error))?;
    if found > job.limits.entries {
        return Err(over(
            path,
            &format!("its archive has {found} entries"),
            &job.limits.entries.to_string(),
        ));
    }
    rewind(job)?;
    let mut archive = ZipArchive::new(BufReader::new(job.file)).map_err(|e| broken(path, e))?;
    if archive.has_duplicate_names() {
        return Err(damaged(
            path,
            &"its archive has two entries of the same name",
        ));
    }
    let mut names = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|e| broken(path, e))?;
        names.push(String::from_utf8_lossy(entry.name_raw()).replace('\\', "/"));
    }
    honest_names(path, &names)?;
    Ok((archive, names))
}

fn broken(path: &Path, error: ZipError) -> Refusal {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Refusal::new(
            Code::FileEncrypted,
            format!("`{}` is protected with a password", path.display()),
        ),
        error => damaged(path, &error),
    }
}

/// Inflates every entry once. What it saw is by the parts' names in lower case.
///
/// # Errors
/// `file.limit` with the number, `file.damaged`, `file.encrypted`.
pub(super) fn check(job: &Job) -> Result<HashMap<String, PartNotes>> {
    let path = job.path;
    let packed = job
        .file
        .metadata()
        .map_err(|error| damaged(path, &error))?
        .len();
    let (mut archive, names) = open(job)?;
    let mut total = Budget::new("its archive", packed, &job.limits);
    let mut notes = HashMap::new();
    for (index, name) in names.iter().enumerate() {
        let body = archive.by_index(index).map_err(|e| broken(path, e))?;
        let packed = body.compressed_size();
        let seen = part(job, name, packed, body, &mut total)?;
        notes.insert(name.to_ascii_lowercase(), seen);
    }
    Ok(notes)
}

/// How often `wanted` is in the file.
///
/// # Errors
/// When the file can't be read.
pub(super) fn occurrences(mut file: &File, wanted: &[u8]) -> std::io::Result<usize> {
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
        // It may be across two chunks; what is kept is too short to hold it as a whole.
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

/// Inflates one entry to nothing.
fn part(
    job: &Job,
    name: &str,
    packed: u64,
    mut body: impl Read,
    total: &mut Budget,
) -> Result<PartNotes> {
    let path = job.path;
    let lower = name.to_ascii_lowercase();
    let is_strings = lower.contains("sharedstrings.");
    let must_be_xml = [
        "sharedstrings.xml",
        "styles.xml",
        "workbook.xml",
        "content.xml",
    ]
    .iter()
    .any(|end| lower.ends_with(end));
    let is_streamed = lower.contains("worksheets/") && lower.ends_with(".bin");
    let what = format!("the part `{}`", shown(name));
    let mut own = Budget::new(&what, packed, &job.limits);
    if is_strings {
        own.limit = job.limits.string_bytes;
    }
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
            } else if !is_streamed && !is_strings {
                own.limit = OPAQUE_MAX.min(own.limit);
            }
        }
        own.add(path, count)?;
        total.add(path, count)?;
        if let Some(scan) = &mut scan {
            scan.feed(chunk);
            judge(job, &what, &lower, scan)?;
        }
    }
    Ok(scan.map(|scan| scan.notes).unwrap_or_default())
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
    ratio: u64,
}

impl Budget<'_> {
    fn new<'a>(what: &'a str, packed: u64, limits: &Limits) -> Budget<'a> {
        Budget {
            what,
            packed,
            bytes: 0,
            limit: limits.inflated,
            ratio: limits.ratio,
        }
    }

    fn add(&mut self, path: &Path, count: usize) -> Result<()> {
        self.bytes += count as u64;
        if self.bytes > self.limit {
            let found = format!(
                "{} unpacks to more than {}",
                self.what,
                mebibytes(self.limit)
            );
            return Err(over(path, &found, &mebibytes(self.limit)));
        }
        if self.bytes > RATIO_FROM && self.bytes / self.ratio > self.packed {
            let found = format!(
                "{} unpacks to more than {} times its size",
                self.what, self.ratio
            );
            return Err(over(path, &found, &format!("{} times", self.ratio)));
        }
        Ok(())
    }
}

/// Whether a part holds more than a parser should keep in memory.
fn judge(job: &Job, what: &str, name: &str, scan: &Scan) -> Result<()> {
    let path = job.path;
    if scan.doctype && (name.ends_with(".xml") || name.ends_with(".rels")) {
        return Err(damaged(
            path,
            &format!("{what} declares a document type, which workbooks never do"),
        ));
    }
    let is_sheet = name.contains("worksheets/") || name.ends_with("sharedstrings.xml");
    let token_max = if is_sheet { TOKEN_MAX } else { OPAQUE_MAX };
    let style = scan.longest + 128 * scan.stops;
    for (count, limit, unit) in [
        (scan.longest, token_max, "bytes in one piece"),
        (
            scan.strings.max(scan.declared),
            job.limits.strings,
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

/// A name from the archive as it may be in a message.
fn shown(name: &str) -> String {
    let start: String = name.chars().take(80).collect();
    printable(&start)
}
