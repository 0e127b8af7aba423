//! Where the bytes of a text file come from: the file itself, or an unnamed temporary file with
//! what was unpacked or read from standard input.
//!
//! A file is read several times (its survey, its header, its rows, its corrections), so input that
//! can be read only once is copied first. Sizes that an archive declares are never trusted.

use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zip::ZipArchive;
use zip::result::ZipError;

use super::input::File;
use super::shown_path;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::stages::read::input::{open_file, unreadable};

/// What standard input is called on the command line.
pub const STANDARD_INPUT: &str = "-";
/// The most bytes of a text file, unpacked.
pub const FILE_BYTES_MAX: u64 = 64 << 30;
/// The most that a packed text file may inflate to.
pub const INFLATED_BYTES_MAX: u64 = 2 << 30;
/// How much more than its packed size it may inflate to, once it is past [`RATIO_FROM_BYTES`].
pub const RATIO_MAX: u64 = 200;
/// Below this many bytes, the ratio of a packed file doesn't matter.
pub const RATIO_FROM_BYTES: u64 = 32 << 20;
/// The most entries of an archive.
pub const ENTRIES_MAX: usize = 1000;
/// This many names of an archive's files are named in a message.
const NAMES_SHOWN_MAX: usize = 10;

/// How the bytes of a text can be had, again and again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Content {
    #[serde(serialize_with = "shown_path")]
    path: PathBuf,
    /// A plan needs no bytes any more.
    #[serde(skip)]
    aside: Option<Arc<File>>,
    /// What was around it on disk, if anything was.
    pub packed: Option<Packed>,
}

/// What was around a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// `gzip`, or `zip` and the file's name inside.
    pub how: String,
    /// SHA-256 of the bytes on disk, lower-case hex.
    pub sha256: String,
    /// How many bytes it has on disk.
    pub bytes: u64,
}

impl Content {
    /// The file as it is.
    pub fn plain(path: &Path) -> Content {
        Content {
            path: path.to_path_buf(),
            aside: None,
            packed: None,
        }
    }

    /// Takes all of standard input. It can be had once only, but is opened several times (to find
    /// its pipeline, then to be read), so that `taken` keeps it.
    ///
    /// # Errors
    /// `file.unreadable`, `file.limit`.
    pub fn standard_input(taken: &Mutex<Option<Arc<File>>>) -> Result<Content> {
        let path = PathBuf::from(STANDARD_INPUT);
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match &*taken {
            Some(file) => Arc::clone(file),
            None => Arc::new(set_aside(&path, std::io::stdin().lock(), |bytes| {
                within_file_limit(&path, bytes)
            })?),
        };
        *taken = Some(Arc::clone(&file));
        Ok(Content {
            path,
            aside: Some(file),
            packed: None,
        })
    }

    /// SHA-256 of the bytes on disk, where `of_text` is that of the text itself.
    pub fn sha256(&self, of_text: String) -> String {
        match &self.packed {
            Some(packed) => packed.sha256.clone(),
            None => of_text,
        }
    }

    /// What messages call it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A reader at its first byte.
    ///
    /// # Errors
    /// `file.unreadable`.
    pub fn open(&self) -> Result<ContentReader> {
        let file = match &self.aside {
            Some(file) => Arc::clone(file),
            None => Arc::new(open_file(&self.path)?),
        };
        Ok(ContentReader { file, at: 0 })
    }

    /// The same text without the gzip or zip that is around it; unchanged where none is. An
    /// archive that isn't for this module (a workbook or a document) is left to others: `None`.
    ///
    /// # Errors
    /// `file.archive`, `file.encrypted`, `file.limit`, `file.damaged`, `file.unreadable`.
    pub fn unpacked(self) -> Result<Option<Content>> {
        let mut start = [0; 4];
        let count = read_start(&mut self.open()?, &mut start)
            .map_err(|error| unreadable(&self.path, &error))?;
        let unpacked = match &start[..count] {
            [0x1f, 0x8b, ..] => self.gunzip()?,
            b"PK\x03\x04" | b"PK\x05\x06" => match self.unzip()? {
                Some(unpacked) => unpacked,
                None => return Ok(None),
            },
            _ => return Ok(Some(self)),
        };
        let count = read_start(&mut unpacked.open()?, &mut start)
            .map_err(|error| unreadable(&unpacked.path, &error))?;
        if matches!(&start[..count], [0x1f, 0x8b, ..] | b"PK\x03\x04") {
            let what = format!(
                "`{}` holds another archive or a workbook",
                unpacked.path.display()
            );
            return Err(Refusal::new(Code::FileArchive, what).help("unpack it first"));
        }
        Ok(Some(unpacked))
    }

    fn gunzip(&self) -> Result<Content> {
        self.inflate("gzip".to_string(), MultiGzDecoder::new(self.open()?))
    }

    fn unzip(&self) -> Result<Option<Content>> {
        let shown = self.path.display();
        let broken = |error: ZipError| match error {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Refusal::new(
                Code::FileEncrypted,
                format!("`{shown}` is protected with a password"),
            )
            .help("unpack it, and name the file inside"),
            error => Refusal::new(
                Code::FileDamaged,
                format!("`{shown}` is a damaged archive: {error}"),
            )
            .help("pack it again"),
        };
        // A parser keeps the directory in memory, whatever its length.
        let entries = directory_entries(self.open()?).map_err(|e| unreadable(&self.path, &e))?;
        if entries > ENTRIES_MAX as u64 {
            // A workbook's own guard has limits of its own, and words for its own kind.
            return Ok(None);
        }
        let is_called_zip = self
            .path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
        let mut archive = match ZipArchive::new(BufReader::new(self.open()?)) {
            Ok(archive) => archive,
            Err(error) if is_called_zip => return Err(broken(error)),
            // Whether it was a workbook is for others to say.
            Err(_) => return Ok(None),
        };
        let mut names = Vec::new();
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(broken)?;
            let name = String::from_utf8_lossy(entry.name_raw()).replace('\\', "/");
            if is_document(&name) {
                return Ok(None);
            }
            if !entry.is_dir() && !is_litter(&name) {
                names.push((index, name));
            }
        }
        let index = the_table(&self.path, &names)?;
        let name = names
            .iter()
            .find(|(at, _)| *at == index)
            .map_or("", |(_, name)| name);
        let entry = archive.by_index(index).map_err(broken)?;
        self.inflate(format!("zip, {name}"), entry).map(Some)
    }

    fn inflate(&self, how: String, from: impl Read) -> Result<Content> {
        let (sha256, packed) = fingerprint(self)?;
        let file = set_aside(&self.path, from, |bytes| {
            within_inflated_limits(&self.path, packed, bytes)
        })
        .map_err(|refusal| match refusal.code {
            // What the inflater says of damage comes as an error of reading.
            Code::FileUnreadable => Refusal {
                code: Code::FileDamaged,
                help: "pack it again".to_string(),
                ..refusal
            },
            _ => refusal,
        })?;
        Ok(Content {
            path: self.path.clone(),
            aside: Some(Arc::new(file)),
            packed: Some(Packed {
                how,
                sha256,
                bytes: packed,
            }),
        })
    }
}

/// Whether a text file of this many bytes is taken.
///
/// # Errors
/// `file.limit`.
pub fn within_file_limit(path: &Path, bytes: u64) -> Result<()> {
    if bytes <= FILE_BYTES_MAX {
        return Ok(());
    }
    let what = format!("`{}` has more than {FILE_BYTES_MAX} bytes", path.display());
    Err(Refusal::new(Code::FileLimit, what))
}

/// Whether something of `packed` bytes may inflate to `bytes`.
///
/// # Errors
/// `file.limit`.
pub fn within_inflated_limits(path: &Path, packed: u64, bytes: u64) -> Result<()> {
    let shown = path.display();
    let what = if bytes > INFLATED_BYTES_MAX {
        format!("`{shown}` unpacks to more than {INFLATED_BYTES_MAX} bytes")
    } else if bytes > RATIO_FROM_BYTES && bytes / packed.max(1) >= RATIO_MAX {
        format!("`{shown}` unpacks to more than {RATIO_MAX} times its size")
    } else {
        return Ok(());
    };
    Err(Refusal::new(Code::FileLimit, what).help("unpack it, and name the file inside"))
}

/// Copies `from` into an unnamed temporary file, as far as `allowed` lets it grow.
fn set_aside(
    path: &Path,
    mut from: impl Read,
    allowed: impl Fn(u64) -> Result<()>,
) -> Result<File> {
    let mut file = tempfile::tempfile().map_err(|error| {
        Refusal::new(
            Code::OutputUnwritable,
            format!("not enough space to unpack `{}`: {error}", path.display()),
        )
        .help("set TMPDIR to a folder with enough space")
    })?;
    let mut block = vec![0; 256 << 10];
    let mut bytes = 0;
    loop {
        let count = from
            .read(&mut block)
            .map_err(|error| unreadable(path, &error))?;
        if count == 0 {
            return Ok(file);
        }
        bytes += count as u64;
        allowed(bytes)?;
        file.write_all(&block[..count]).map_err(|error| {
            Refusal::new(
                Code::OutputUnwritable,
                format!("not enough space to unpack `{}`: {error}", path.display()),
            )
            .help("set TMPDIR to a folder with enough space")
        })?;
    }
}

fn fingerprint(content: &Content) -> Result<(String, u64)> {
    let mut reader = content.open()?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 256 << 10];
    let mut bytes = 0;
    loop {
        let count = reader
            .read(&mut block)
            .map_err(|error| unreadable(&content.path, &error))?;
        if count == 0 {
            return Ok((crate::text::hex(&hash.finalize()), bytes));
        }
        hash.update(&block[..count]);
        bytes += count as u64;
    }
}

/// How many entries the archive's directory has, by their headers.
fn directory_entries(mut reader: ContentReader) -> std::io::Result<u64> {
    let finder = memchr::memmem::Finder::new(b"PK\x01\x02");
    let mut block = vec![0; 256 << 10];
    let (mut kept, mut found) = (0, 0);
    loop {
        let count = reader.read(&mut block[kept..])?;
        if count == 0 {
            return Ok(found);
        }
        let filled = kept + count;
        found += finder.find_iter(&block[..filled]).count() as u64;
        // A header may be across two blocks; what is kept is too short to hold a whole one.
        kept = filled.min(3);
        block.copy_within(filled - kept..filled, 0);
    }
}

/// Whether an archive with such an entry is a workbook or another document.
fn is_document(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["xl/", "word/", "ppt/", "index/", "meta-inf/"]
        .iter()
        .any(|folder| lower.starts_with(folder))
        || ["[content_types].xml", "mimetype"].contains(&lower.as_str())
}

/// What programs leave in archives beside what was packed.
fn is_litter(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    name.starts_with("__MACOSX/")
        || file.starts_with("._")
        || [".DS_Store", "Thumbs.db", "desktop.ini"].contains(&file)
}

/// Which of an archive's files is meant: the only one, or the only table among several.
fn the_table(path: &Path, names: &[(usize, String)]) -> Result<usize> {
    let tables: Vec<usize> = names
        .iter()
        .filter(|(_, name)| is_table(name))
        .map(|(index, _)| *index)
        .collect();
    let shown = path.display();
    match (names, tables.as_slice()) {
        ([], _) => Err(Refusal::new(
            Code::FileArchive,
            format!("`{shown}` is an archive without a file"),
        )),
        ([(only, _)], _) | (_, [only]) => Ok(*only),
        _ => {
            let mut listed: Vec<String> = names
                .iter()
                .take(NAMES_SHOWN_MAX)
                .map(|(_, name)| format!("`{}`", name.chars().take(80).collect::<String>()))
                .collect();
            if names.len() > NAMES_SHOWN_MAX {
                listed.push(format!("and {} more", names.len() - NAMES_SHOWN_MAX));
            }
            Err(Refusal::new(
                Code::FileArchive,
                format!(
                    "`{shown}` holds {} files, of which {} are tables: {}",
                    names.len(),
                    tables.len(),
                    listed.join(", ")
                ),
            ))
        }
    }
}

fn is_table(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [
        ".csv", ".tsv", ".tab", ".psv", ".xlsx", ".xlsm", ".xls", ".ods", ".json", ".jsonl",
        ".ndjson",
    ]
    .iter()
    .any(|ending| lower.ends_with(ending))
}

/// Fills `start` from `reader`, and says how far that went.
pub(super) fn read_start(reader: &mut impl Read, start: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < start.len() {
        match reader.read(&mut start[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// Reads a [`Content`]. Readers of the same one don't get into each other's way.
#[derive(Debug)]
pub struct ContentReader {
    file: Arc<File>,
    at: u64,
}

impl Read for ContentReader {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = read_at(&self.file, into, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for ContentReader {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(by) => (self.at, by),
            SeekFrom::End(by) => (self.file.metadata()?.len(), by),
        };
        self.at = from
            .checked_add_signed(by)
            .ok_or(std::io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> std::io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, at)
}

#[cfg(windows)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> std::io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_taken_at_the_limit_and_refused_one_past_it() {
        let path = Path::new("people.csv.gz");
        let code = |result: Result<()>| result.err().map(|refusal| refusal.code);
        let over = Some(Code::FileLimit);
        assert_eq!(code(within_file_limit(path, FILE_BYTES_MAX)), None);
        assert_eq!(code(within_file_limit(path, FILE_BYTES_MAX + 1)), over);
        let inflated = |packed, bytes| code(within_inflated_limits(path, packed, bytes));
        assert_eq!(inflated(1 << 30, INFLATED_BYTES_MAX), None);
        assert_eq!(inflated(1 << 30, INFLATED_BYTES_MAX + 1), over);
        assert_eq!(inflated(1, RATIO_FROM_BYTES), None);
        assert_eq!(inflated(1 << 20, (RATIO_MAX << 20) - 1), None);
        assert_eq!(inflated(1 << 20, RATIO_MAX << 20), over);
    }

    #[test]
    fn of_several_files_the_only_table_is_meant() {
        let table = |names: &[&str]| {
            let names: Vec<(usize, String)> = names
                .iter()
                .enumerate()
                .map(|(index, name)| (index, name.to_string()))
                .collect();
            the_table(Path::new("a.zip"), &names).map_err(|refusal| refusal.what)
        };
        assert_eq!(table(&["people.dat"]), Ok(0));
        assert_eq!(table(&["README.txt", "out/People.CSV"]), Ok(1));
        assert_eq!(
            table(&["a.csv", "b.csv"]).unwrap_err(),
            "`a.zip` holds 2 files, of which 2 are tables: `a.csv`, `b.csv`"
        );
        assert!(table(&["a.txt", "b.txt"]).is_err());
        assert!(table(&[]).is_err());
        assert!(is_litter("__MACOSX/._people.csv") && !is_litter("people.csv"));
    }
}
