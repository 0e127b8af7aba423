//! The files that are read: the only place of the passes that touches the disk.

use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::issue::Code;
use crate::refusal::{Refusal, Result};

pub use std::fs::File;

/// Whether a path is that of a file which can be read.
pub(super) fn check_file(path: &Path) -> Result<()> {
    let shown = path.display();
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Refusal::new(Code::FileNotFound, format!("no such file: `{shown}`")),
        _ => unreadable(path, &error),
    })?;
    if metadata.is_file() {
        return Ok(());
    }
    let kind = if metadata.is_dir() {
        "a directory"
    } else {
        "not a regular file"
    };
    Err(Refusal::new(
        Code::FileUnreadable,
        format!("`{shown}` is {kind}"),
    ))
}

/// Opens a file for reading.
///
/// # Errors
/// `file.unreadable`.
pub fn open_file(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| unreadable(path, &error))
}

/// A file from a place of its own on: several can read the same file at once.
pub(super) struct At<'f> {
    file: &'f File,
    at: u64,
    /// Where a byte reads as 0, whatever it is.
    blanked: Option<u64>,
}

impl<'f> At<'f> {
    /// At the first byte.
    pub(super) fn start(file: &'f File) -> At<'f> {
        At {
            file,
            at: 0,
            blanked: None,
        }
    }

    /// Whether these bytes are there.
    pub(super) fn has(&self, at: u64, wanted: &[u8]) -> bool {
        let mut found = vec![0; wanted.len()];
        self.file.read_exact_at(&mut found, at).is_ok() && found == wanted
    }

    /// The same, but the byte there reads as 0.
    pub(super) fn blanking(self, at: u64) -> At<'f> {
        At {
            blanked: Some(at),
            ..self
        }
    }
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        let blanked = self.blanked.and_then(|at| at.checked_sub(self.at));
        if let Some(at) = blanked.and_then(|at| usize::try_from(at).ok())
            && let Some(byte) = buffer[..count].get_mut(at)
        {
            *byte = 0;
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for At<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let (from, offset) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(offset) => (self.at, offset),
            SeekFrom::End(offset) => (self.file.metadata()?.len(), offset),
        };
        let outside = || std::io::Error::from(ErrorKind::InvalidInput);
        self.at = from.checked_add_signed(offset).ok_or_else(outside)?;
        Ok(self.at)
    }
}

/// The refusal for a file that stopped being readable.
pub fn unreadable(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::new(
        Code::FileUnreadable,
        format!("`{}` can't be read: {error}", path.display()),
    )
}
