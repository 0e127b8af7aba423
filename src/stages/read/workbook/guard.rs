//! What a workbook's archive is checked for before any parser sees it: how much it inflates to, how
//! many items a parser would keep in memory, and whether its names are safe.
//!
//! Sizes that the archive declares are never trusted: every entry is unpacked once, and the result
//! discarded, or read on its way ([`super::window`]).

use std::cell::Cell;
use std::collections::HashSet;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::super::input::{At, File};
use super::job::Job;
use super::limits::{Limits, mebibytes};
use super::refuse::{damaged, printable};
use super::scan::{PartNotes, Scan};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

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

/// An archive, read from a place of its own.
pub(super) type Archive<'f> = ZipArchive<BufReader<At<'f>>>;

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
pub(super) fn open<'f>(job: &Job<'f>) -> Result<(Archive<'f>, Vec<String>)> {
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
    let mut archive = archive(job)?;
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

/// An archive that was opened before.
///
/// # Errors
/// As [`open`].
pub(super) fn archive<'f>(job: &Job<'f>) -> Result<Archive<'f>> {
    let file = BufReader::new(At::start(job.file));
    ZipArchive::new(file).map_err(|error| broken(job.path, error))
}

pub(super) fn broken(path: &Path, error: ZipError) -> Refusal {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Refusal::new(
            Code::FileEncrypted,
            format!("`{}` is protected with a password", path.display()),
        ),
        error => damaged(path, &error),
    }
}

/// Inflates one entry, and says what it saw.
///
/// # Errors
/// `file.limit` with the number, `file.damaged`, `file.encrypted`.
pub(super) fn check_part(
    job: &Job,
    archive: &mut Archive,
    (index, name): (usize, &str),
    total: &Budget,
) -> Result<PartNotes> {
    let body = archive.by_index(index);
    let mut body = body.map_err(|error| broken(job.path, error))?;
    let mut part = Part::new(job, name, body.compressed_size(), total);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = body
            .read(&mut buffer)
            .map_err(|error| part.damaged(&error))?;
        if count == 0 {
            return Ok(part.notes());
        }
        part.inflated(&buffer[..count])?;
        part.scanned(&buffer[..count])?;
    }
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

/// A part of an archive on its way, held against the limits.
pub(super) struct Part<'g> {
    path: &'g Path,
    limits: &'g Limits,
    what: String,
    /// Its name in lower case.
    name: String,
    own: Budget,
    total: &'g Budget,
    /// Where it is XML.
    scan: Option<Scan>,
}

impl<'g> Part<'g> {
    /// The part of that name, which has `packed` bytes in the archive. What it inflates to counts
    /// for `total`, too.
    pub(super) fn new(job: &'g Job, name: &str, packed: u64, total: &'g Budget) -> Part<'g> {
        let what = format!("the part `{}`", shown(name));
        let name = name.to_ascii_lowercase();
        let mut own = Budget::new(&what, packed, &job.limits);
        if name.contains("sharedstrings.") {
            own.limit = job.limits.string_bytes;
        }
        Part {
            path: job.path,
            limits: &job.limits,
            what,
            name,
            own,
            total,
            scan: None,
        }
    }

    /// Counts the bytes that it inflates to next.
    ///
    /// # Errors
    /// `file.limit`, `file.damaged`.
    pub(super) fn inflated(&mut self, chunk: &[u8]) -> Result<()> {
        if self.own.bytes.get() == 0 {
            self.begin(chunk)?;
        }
        self.own.add(self.path, chunk.len())?;
        self.total.add(self.path, chunk.len())
    }

    fn begin(&mut self, start: &[u8]) -> Result<()> {
        let name = self.name.as_str();
        let must_be_xml = [
            "sharedstrings.xml",
            "styles.xml",
            "workbook.xml",
            "content.xml",
        ]
        .iter()
        .any(|end| name.ends_with(end));
        let is_streamed = name.contains("worksheets/") && name.ends_with(".bin");
        if is_xml(start) {
            self.scan = Some(Scan::default());
        } else if must_be_xml {
            let what = format!("{} is not XML in UTF-8", self.what);
            return Err(damaged(self.path, &what));
        } else if !is_streamed && !name.contains("sharedstrings.") {
            self.own.limit = OPAQUE_MAX.min(self.own.limit);
        }
        Ok(())
    }

    /// Counts what a parser would keep of the text that comes next.
    ///
    /// # Errors
    /// `file.limit`, `file.damaged`.
    pub(super) fn scanned(&mut self, text: &[u8]) -> Result<()> {
        let Some(scan) = &mut self.scan else {
            return Ok(());
        };
        scan.feed(text);
        judge(self.path, self.limits, (&self.what, &self.name), scan)
    }

    /// Counts another shared string, whose text isn't scanned.
    ///
    /// # Errors
    /// `file.limit`.
    pub(super) fn string(&mut self) -> Result<()> {
        let Some(scan) = &mut self.scan else {
            return Ok(());
        };
        scan.strings += 1;
        match scan.strings > self.limits.strings {
            true => judge(self.path, self.limits, (&self.what, &self.name), scan),
            false => Ok(()),
        }
    }

    /// Whether it is XML, as far as its beginning tells.
    pub(super) fn is_xml(&self) -> bool {
        self.scan.is_some()
    }

    /// What is worth telling of it, as far as it was scanned.
    pub(super) fn notes(self) -> PartNotes {
        self.scan.map(|scan| scan.notes).unwrap_or_default()
    }

    /// Where to note what isn't scanned.
    pub(super) fn notes_mut(&mut self) -> Option<&mut PartNotes> {
        self.scan.as_mut().map(|scan| &mut scan.notes)
    }

    /// No longer counts what it inflated to: it will be inflated again.
    pub(super) fn forget(&self) {
        self.total.bytes.update(|all| all - self.own.bytes.get());
    }

    /// The refusal for a part that can't be inflated.
    pub(super) fn damaged(&self, error: &std::io::Error) -> Refusal {
        damaged(self.path, &format!("{}: {error}", self.what))
    }
}

/// A part that is checked on its way to whoever reads all of it. Readers only know errors of their
/// own, so what it is refused for is in `refused`.
pub(super) struct Checked<'c, R> {
    pub body: R,
    /// None where it was checked before.
    pub part: Option<Part<'c>>,
    pub refused: &'c Cell<Option<Refusal>>,
}

impl<R: Read> Read for Checked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.body.read(buffer)?;
        let chunk = &buffer[..count];
        if let Some(part) = self.part.as_mut().filter(|_| count > 0) {
            let checked = part.inflated(chunk).and_then(|()| part.scanned(chunk));
            if let Err(refusal) = checked {
                self.refused.set(Some(refusal));
                return Err(std::io::Error::other("it is refused"));
            }
        }
        Ok(count)
    }
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
pub(super) struct Budget {
    what: String,
    packed: u64,
    bytes: Cell<u64>,
    limit: u64,
    ratio: u64,
}

impl Budget {
    fn new(what: &str, packed: u64, limits: &Limits) -> Budget {
        Budget {
            what: what.to_string(),
            packed,
            bytes: Cell::new(0),
            limit: limits.inflated,
            ratio: limits.ratio,
        }
    }

    /// For all parts of an archive.
    ///
    /// # Errors
    /// `file.damaged`.
    pub(super) fn of_archive(job: &Job) -> Result<Budget> {
        let metadata = job.file.metadata();
        let packed = metadata.map_err(|error| damaged(job.path, &error))?.len();
        Ok(Budget::new("its archive", packed, &job.limits))
    }

    /// How much it did inflate to.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Counts bytes that were inflated.
    ///
    /// # Errors
    /// `file.limit`.
    pub(super) fn add(&self, path: &Path, count: usize) -> Result<()> {
        let bytes = self.bytes.get() + count as u64;
        self.bytes.set(bytes);
        if bytes > self.limit {
            let found = format!(
                "{} unpacks to more than {}",
                self.what,
                mebibytes(self.limit)
            );
            return Err(over(path, &found, &mebibytes(self.limit)));
        }
        if bytes > RATIO_FROM && bytes / self.ratio > self.packed {
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
fn judge(path: &Path, limits: &Limits, (what, name): (&str, &str), scan: &Scan) -> Result<()> {
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
        (scan.strings.max(scan.declared), limits.strings, "strings"),
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
