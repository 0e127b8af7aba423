//! For tests: local databases that go away with the test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use tempfile::TempDir;

use super::launcher::Local;

/// A home whose server is stopped, and whose files are removed, when it is dropped.
pub(crate) struct Home {
    /// The local database; nothing is started yet.
    pub local: Local,
    folder: TempDir,
}

impl Home {
    /// A home of this name in a folder that every user can enter, so that tests run as root too.
    pub(crate) fn new(name: &str) -> Home {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Home {
            local: Local::at(folder.path().join(name)),
            folder,
        }
    }

    /// The folder around it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let stopped = self.local.stop();
        if !self.local.socket().starts_with(self.folder.path()) {
            let _ = fs::remove_dir_all(self.local.socket());
        }
        if !thread::panicking() {
            stopped.unwrap();
        }
    }
}
