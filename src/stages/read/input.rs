//! The files that are read: the only place of the passes that touches the disk.

use std::io::ErrorKind;
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

/// The refusal for a file that stopped being readable.
pub fn unreadable(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::new(
        Code::FileUnreadable,
        format!("`{}` can't be read: {error}", path.display()),
    )
}
