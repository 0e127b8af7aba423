//! The folder: where files are moved afterwards, and how.

use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::file;
use crate::inbox::Dropped;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// The most characters of a file's name in that of a folder: names end at 255 bytes.
const NAME_CHARS_MAX: usize = 50;
/// No manifest is longer.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;
/// Names that reports have, and notes of ours.
const TAKEN: [&str; 2] = ["refusal.txt", "repeated.txt"];

/// A drop folder that was found usable.
#[derive(Debug)]
pub struct Place {
    /// As given.
    folder: PathBuf,
    /// What the run log calls it: absolute and without links.
    pub name: String,
}

impl Place {
    /// Looks whether `folder` is one that files can be moved in.
    ///
    /// # Errors
    /// `drop.folder`.
    pub fn open(folder: &Path) -> Result<Place> {
        let metadata = fs::metadata(folder).map_err(|error| match error.kind() {
            ErrorKind::NotFound => unusable(folder, "there is no such folder"),
            _ => unusable(folder, &error.to_string()),
        })?;
        if !metadata.is_dir() {
            return Err(unusable(folder, "it is not a folder"));
        }
        tempfile::tempfile_in(folder)
            .map_err(|error| unusable(folder, &format!("nothing can be written there: {error}")))?;
        for ours in crate::inbox::OURS.map(|ours| folder.join(ours)) {
            match ours.symlink_metadata() {
                Ok(inner) if inner.is_dir() && inner.dev() == metadata.dev() => {}
                Ok(_) => {
                    let why = "it must be a folder on the same file system";
                    return Err(unusable(&ours, why));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(unusable(&ours, &error.to_string())),
            }
        }
        let name =
            fs::canonicalize(folder).map_err(|error| unusable(folder, &error.to_string()))?;
        Ok(Place {
            folder: folder.to_path_buf(),
            name: name.display().to_string(),
        })
    }

    /// The folder as given.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a file of the folder is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where a run's reports and its file go.
    pub fn run_folder(&self, run: &str) -> PathBuf {
        self.folder.join("done").join(run)
    }

    /// Makes a folder for a file that isn't imported, in `done` or `refused`. `stamp` is new for
    /// each.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn make_folder(&self, inside: &str, stamp: &str, name: &str) -> Result<PathBuf> {
        let short: String = name.chars().take(NAME_CHARS_MAX).collect();
        let folder = self.folder.join(inside).join(format!("{stamp}-{short}"));
        let made =
            fs::create_dir_all(self.folder.join(inside)).and_then(|()| fs::create_dir(&folder));
        made.map_err(|error| file::unwritable(&folder, &error))?;
        Ok(folder)
    }

    /// Whether the file was moved to that folder already.
    pub fn holds(&self, folder: &Path, name: &str) -> bool {
        let kept = folder.join(kept_as(name));
        kept.symlink_metadata().is_ok() || beside(&kept).symlink_metadata().is_ok()
    }

    /// Renames a file and what belongs to it into `folder`. The file goes first: a marker that is
    /// left behind vouches for no later file, but a file without its marker could wait for ever.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn take_away(&self, file: &Dropped, folder: &Path) -> Result<()> {
        for name in [&file.name].into_iter().chain(&file.companions) {
            let kept = folder.join(kept_as(name));
            let to = match kept.symlink_metadata() {
                Ok(_) => beside(&kept),
                Err(_) => kept,
            };
            if to.symlink_metadata().is_ok() {
                return Err(file::unwritable(&to, &"a file of that name already exists"));
            }
            match fs::rename(self.path(name), &to) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::NotFound && *name != file.name => {}
                Err(error) => return Err(file::unwritable(&to, &error)),
            }
        }
        Ok(())
    }

    /// The SHA-256 of a file that lies in the folder itself, in lower-case hex.
    ///
    /// # Errors
    /// `file.not_found` when it went away, `file.unreadable`.
    pub fn sha256(&self, name: &str) -> Result<String> {
        let path = self.path(name);
        let failed = |error: std::io::Error| {
            let code = match error.kind() {
                ErrorKind::NotFound => Code::FileNotFound,
                _ => Code::FileUnreadable,
            };
            Refusal::new(code, format!("`{}` can't be read: {error}", path.display()))
        };
        let lying = path.symlink_metadata().map_err(failed)?;
        let mut file = File::open(&path).map_err(failed)?;
        let opened = file.metadata().map_err(failed)?;
        if !lying.is_file() || (lying.dev(), lying.ino()) != (opened.dev(), opened.ino()) {
            let what = format!("`{}` was replaced", path.display());
            return Err(Refusal::new(Code::FileChanged, what));
        }
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 256 << 10];
        loop {
            match file.read(&mut buffer).map_err(failed)? {
                0 => return Ok(crate::text::hex(&hash.finalize())),
                count => hash.update(&buffer[..count]),
            }
        }
    }

    /// The text of a manifest.
    ///
    /// # Errors
    /// `drop.manifest`.
    pub fn read_manifest(&self, name: &str) -> Result<String> {
        let mut text = String::new();
        File::open(self.path(name))
            .and_then(|file| file.take(MANIFEST_BYTES_MAX).read_to_string(&mut text))
            .map_err(|error| {
                let what = format!("the manifest `{name}` can't be read: {error}");
                Refusal::new(Code::DropManifest, what)
            })?;
        Ok(text)
    }
}

/// The refusal for a folder that files can't be taken from.
pub fn unusable(folder: &Path, why: &str) -> Refusal {
    let what = format!(
        "the drop folder `{}` can't be used: {why}",
        folder.display()
    );
    Refusal::new(Code::DropFolder, what)
}

/// What a file is called beside reports: people drop fixed corrections under the name that the next
/// corrections have.
fn kept_as(name: &str) -> String {
    if name.starts_with("corrections") || TAKEN.contains(&name) {
        format!("input-{name}")
    } else {
        name.to_string()
    }
}

/// Another name for where one is taken.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("input-{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn files_move_with_what_belongs_to_them_and_replace_nothing() {
        let temporary = tempfile::tempdir().unwrap();
        let place = Place::open(temporary.path()).unwrap();
        let run = place.run_folder("r");
        fs::create_dir_all(&run).unwrap();
        for name in [
            "corrections.csv",
            "corrections.csv.done",
            "summary.csv",
            "done/r/corrections.csv",
            "done/r/summary.csv",
        ] {
            fs::write(place.path(name), name).unwrap();
        }
        let look = crate::inbox::look(place.folder(), SystemTime::now()).unwrap();
        let [corrections, summary] = look.files.as_slice() else {
            panic!("{look:?}");
        };
        assert!(!place.holds(&run, &corrections.name));
        place.take_away(corrections, &run).unwrap();
        place.take_away(summary, &run).unwrap();
        assert!(place.holds(&run, &corrections.name) && place.holds(&run, &summary.name));
        let expected = [
            "corrections.csv",
            "input-corrections.csv",
            "input-corrections.csv.done",
            "input-summary.csv",
            "summary.csv",
        ];
        assert_eq!(names(&run), expected);
        assert_eq!(names(place.folder()), ["done"]);
        let kept = fs::read_to_string(run.join("corrections.csv")).unwrap();
        assert_eq!(kept, "done/r/corrections.csv");
        fs::write(place.path("summary.csv"), "").unwrap();
        let refused = place.take_away(summary, &run).unwrap_err();
        assert_eq!(refused.code, Code::OutputUnwritable);
        assert_eq!(names(place.folder()), ["done", "summary.csv"]);
    }

    #[test]
    fn folders_that_cannot_be_used_are_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        fs::write(folder.join("file"), "").unwrap();
        fs::create_dir(folder.join("a")).unwrap();
        fs::write(folder.join("a/done"), "").unwrap();
        fs::create_dir(folder.join("b")).unwrap();
        std::os::unix::fs::symlink(folder.join("a"), folder.join("b/refused")).unwrap();
        for (name, why) in [
            ("none", "no such folder"),
            ("file", "not a folder"),
            ("a", "a/done` can't be used"),
            ("b", "b/refused` can't be used"),
        ] {
            let refused = Place::open(&folder.join(name)).unwrap_err();
            assert_eq!(refused.code, Code::DropFolder);
            assert!(refused.what.contains(why), "{}", refused.what);
        }
    }

    #[test]
    fn a_link_is_never_read() {
        let temporary = tempfile::tempdir().unwrap();
        let place = Place::open(temporary.path()).unwrap();
        fs::write(place.path("a.csv"), "").unwrap();
        std::os::unix::fs::symlink(place.path("a.csv"), place.path("b.csv")).unwrap();
        assert!(
            place
                .sha256("a.csv")
                .unwrap()
                .starts_with("e3b0c44298fc1c14")
        );
        assert_eq!(place.sha256("b.csv").unwrap_err().code, Code::FileChanged);
        assert_eq!(place.sha256("c.csv").unwrap_err().code, Code::FileNotFound);
    }
}
