//! Whom the server runs as, and which folders that user can reach.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Local, trouble};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::store::binaries::Binaries;

/// Whom the server runs as when muster runs as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) user: u32,
    pub(super) group: u32,
}

impl Local {
    /// Whom the server runs as: nobody else unless we are root, whom PostgreSQL refuses.
    pub(super) fn owner(&self) -> Result<Option<Owner>> {
        if !is_root() {
            return Ok(None);
        }
        if let Ok(data) = fs::metadata(self.data()) {
            return Ok(Some(Owner {
                user: data.uid(),
                group: data.gid(),
            }));
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let owner = ["postgres", "nobody"]
            .iter()
            .find_map(|name| owner_named(&users, name));
        owner.map(Some).ok_or_else(|| {
            Refusal::new(
                Code::DatabaseFailed,
                "there is no user `postgres` or `nobody`, and PostgreSQL doesn't run as root",
            )
            .help("run muster as another user, or add one: `useradd --system postgres`")
        })
    }
}

/// A command with nothing of our environment in it, run as the server's user.
pub(super) fn command(program: &Path, owner: Option<Owner>) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        // Our own folder may be closed to that user.
        .current_dir("/")
        .stdin(Stdio::null());
    if let Some(owner) = owner {
        command.uid(owner.user).gid(owner.group);
    }
    command
}

/// Tries as the server's user whether a folder can be entered, and names the one that can't.
pub(super) fn check_reachable(binaries: &Binaries, owner: Owner, folder: &Path) -> Result<()> {
    let enters = |folder: &Path| {
        command(Path::new("/bin/sh"), Some(owner))
            .args(["-c", ":"])
            .current_dir(folder)
            .status()
            .is_ok_and(|status| status.success())
    };
    if enters(folder) {
        return Ok(());
    }
    let mut parents: Vec<&Path> = folder.ancestors().collect();
    parents.reverse();
    let closed = parents
        .into_iter()
        .find(|parent| !enters(parent))
        .unwrap_or(folder);
    let advice = if folder == binaries.directory() {
        "put PostgreSQL's programs where every user can run them"
    } else {
        "set `MUSTER_HOME` to another folder, such as /var/lib/muster"
    };
    Err(Refusal::new(
        Code::DatabaseFailed,
        format!(
            "as root, muster runs PostgreSQL as user {}, and that user can't enter `{}`",
            owner.user,
            closed.display()
        ),
    )
    .help(format!(
        "{advice}, or open that one: `chmod a+x {}`",
        closed.display()
    )))
}

/// A folder of mode 0700 that belongs to the server's user, or to us: made, or if it is there
/// already, made sure of, for anybody could have put one into `/tmp`.
pub(super) fn private_folder(path: &Path, owner: Option<Owner>) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => return give_away(path, owner),
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(trouble("create", path, &error));
        }
        Err(_) => {}
    }
    let found = fs::symlink_metadata(path).map_err(|error| trouble("look at", path, &error))?;
    let user = owner.map(|owner| owner.user).or_else(our_user);
    if found.is_dir() && found.mode() & 0o077 == 0 {
        if Some(found.uid()) == user {
            return Ok(());
        }
        // Another start of ours has made it and is about to give it away, or was killed before.
        if Some(found.uid()) == our_user() {
            return give_away(path, owner);
        }
    }
    Err(Refusal::new(
        Code::DatabaseFailed,
        format!(
            "`{}` should be a folder that only the local database's user can enter, but it is not",
            path.display()
        ),
    )
    .help("remove it if it is not needed, or set `MUSTER_HOME` to another folder"))
}

pub(super) fn give_away(path: &Path, owner: Option<Owner>) -> Result<()> {
    match owner {
        Some(owner) => lchown(path, Some(owner.user), Some(owner.group))
            .map_err(|error| trouble("give away", path, &error)),
        None => Ok(()),
    }
}

/// Finds a user in the text of `/etc/passwd`: `name:password:uid:gid:…`.
pub(super) fn owner_named(users: &str, name: &str) -> Option<Owner> {
    let line = users
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut numbers = line.split(':').skip(2);
    Some(Owner {
        user: numbers.next()?.parse().ok()?,
        group: numbers.next()?.parse().ok()?,
    })
}

/// The user that we run as, read off what belongs to us.
fn our_user() -> Option<u32> {
    fs::metadata("/proc/self")
        .or_else(|_| tempfile::tempfile()?.metadata())
        .ok()
        .map(|metadata| metadata.uid())
}

pub(super) fn is_root() -> bool {
    our_user() == Some(0)
}
