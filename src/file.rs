//! Files that are either complete or missing: written under another name in the same folder,
//! synced, then renamed. Only their owner may read them, because they hold personal data.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// A file that isn't in its place yet. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Pending {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl Pending {
    /// Begins a file that will be called `path`. Its folder must exist.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn create(path: &Path) -> Result<Pending> {
        let file = tempfile::Builder::new()
            .prefix(".muster-")
            .tempfile_in(folder(path))
            .map_err(|error| unwritable(path, &error))?;
        Ok(Pending {
            path: path.to_path_buf(),
            file: BufWriter::with_capacity(256 << 10, file),
        })
    }

    /// What the file will be called.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(|error| unwritable(&self.path, &error))
    }

    /// The file itself, for writers that need to seek.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn file(&mut self) -> Result<&mut File> {
        self.file
            .flush()
            .map_err(|error| unwritable(&self.path, &error))?;
        Ok(self.file.get_mut().as_file_mut())
    }

    /// Puts the file into its place; an older one of that name is replaced, a link of that name
    /// too, but not what it points to.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn commit(self) -> Result<()> {
        self.put(NamedTempFile::persist)
    }

    /// Puts the file into its place, unless there is one of that name.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn commit_new(self) -> Result<()> {
        self.put(NamedTempFile::persist_noclobber)
    }

    fn put(
        self,
        persist: fn(NamedTempFile, PathBuf) -> std::result::Result<File, tempfile::PersistError>,
    ) -> Result<()> {
        let path = self.path;
        let unwritable = |error: &dyn std::fmt::Display| unwritable(&path, error);
        let file = self.file.into_inner().map_err(|error| unwritable(&error))?;
        file.as_file()
            .sync_all()
            .map_err(|error| unwritable(&error))?;
        persist(file, path.clone()).map_err(|error| unwritable(&error.error))?;
        // The rename itself lasts only once the folder is on disk.
        match File::open(folder(&path)) {
            Ok(folder) => folder.sync_all().map_err(|error| unwritable(&error)),
            Err(error) => Err(unwritable(&error)),
        }
    }
}

/// Writes a whole file, or leaves what was there.
///
/// # Errors
/// `output.unwritable`, and what `write` fails with.
pub fn atomically(path: &Path, write: impl FnOnce(&mut Pending) -> Result<()>) -> Result<()> {
    let mut pending = Pending::create(path)?;
    write(&mut pending)?;
    pending.commit()
}

/// The refusal for a report that can't be written.
pub fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(
        Code::OutputUnwritable,
        format!("`{}` can't be written: {error}", path.display()),
    )
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_as_a_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.json");
        let failed = atomically(&path, |file| {
            file.write(b"half")?;
            Err(unwritable(Path::new("x"), &"disk full"))
        });
        assert_eq!(failed.unwrap_err().what, "`x` can't be written: disk full");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        atomically(&path, |file| file.write(b"whole")).unwrap();
        atomically(&path, |file| file.write(b"newer")).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"newer");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
        let nowhere = atomically(&folder.path().join("no/such/x"), |_| Ok(())).unwrap_err();
        assert_eq!(nowhere.code, Code::OutputUnwritable);
    }
}
