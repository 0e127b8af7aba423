//! A private local PostgreSQL for people who have no server: created once, reachable only through a
//! private socket, started when needed and left running.
//!
//! ```text
//! home/postgresql.conf   written at every start
//! home/local.conf        read after it, where somebody wants other settings
//! home/data              the cluster; it belongs to the user that the server runs as
//! home/run               the socket, unless its path would be too long
//! home/log/postgres.log  startup and crashes; never statements, values or people
//! home/lock              held while the cluster is made, started or stopped
//! ```
//!
//! Whether the server runs is decided by connecting to it, never by its pid file, which outlives
//! a crash.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};

use self::ask::{Answer, on_own_runtime};
use self::owner::{Owner, check_reachable, command, give_away, is_root, private_folder};
use super::binaries::Binaries;
use super::jobs;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

mod ask;
mod owner;
mod server;
mod settings;
#[cfg(test)]
mod tests;

/// The name of the database, and of the superuser that owns it.
const NAME: &str = "muster";

/// The socket's file in its folder, as every PostgreSQL names it.
const SOCKET: &str = ".s.PGSQL.5432";

/// The longest path of a socket: the kernel takes 107 bytes, PostgreSQL adds `.lock` to it.
const SOCKET_PATH_MAX: usize = 100;

/// What the name of a cluster begins with until it is whole.
const UNFINISHED: &str = "data.unfinished-";

/// How long another process may hold the lock.
const LOCK_MAX: Duration = Duration::from_mins(2);

/// The folder of muster's own files: `$MUSTER_HOME`, else `/var/lib/muster` for root (whose own
/// folder no unprivileged user can enter), else the data folder by the XDG rules.
///
/// # Errors
/// `usage.invalid` where the environment names no folder at all.
pub fn home_from_environment() -> Result<PathBuf> {
    let folder = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(home) = folder("MUSTER_HOME") {
        return Ok(home);
    }
    if is_root() {
        return Ok(PathBuf::from("/var/lib/muster"));
    }
    // The XDG rules say that a relative path there is to be ignored.
    folder("XDG_DATA_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| folder("HOME").map(|home| home.join(".local/share")))
        .map(|data| data.join("muster"))
        .ok_or_else(|| {
            Refusal::new(
                Code::UsageInvalid,
                "neither `MUSTER_HOME` nor `HOME` is set",
            )
            .help("set `MUSTER_HOME` to a folder for muster's files")
        })
}

/// What there is of the local database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It was never made.
    Missing,
    /// It was made and doesn't run.
    Stopped,
    /// It answers.
    Running {
        /// The server's version, such as `15.18`.
        version: String,
        /// The server's process, where its pid file can be read.
        pid: Option<u32>,
    },
}

/// The local database of one home folder.
#[derive(Debug, Clone)]
pub struct Local {
    home: PathBuf,
    socket: PathBuf,
}

impl Local {
    /// The local database of a home folder. Nothing is changed yet.
    pub fn at(home: impl AsRef<Path>) -> Local {
        let home = settled(home.as_ref());
        let inside = home.join("run");
        // libpq takes a comma for the end of a host, and settings are lines of UTF-8.
        let plain = |path: &str| !path.contains(|found: char| found == ',' || found.is_control());
        let short = inside.join(SOCKET).as_os_str().len() < SOCKET_PATH_MAX;
        let socket = if short && inside.to_str().is_some_and(plain) {
            inside
        } else {
            // Not `$TMPDIR`: every process must come to the same folder, whatever it is set to.
            let name = Sha256::digest(home.as_os_str().as_encoded_bytes());
            PathBuf::from(format!("/tmp/muster-{}", crate::text::hex(&name[..8])))
        };
        Local { home, socket }
    }

    /// The home folder, absolute.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The folder of the socket, as psql's `-h` takes it.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// A URL that psql and every other program take.
    pub fn url(&self) -> String {
        let host = percent_encoded(self.socket.as_os_str().as_encoded_bytes());
        format!("postgresql:///{NAME}?host={host}&user={NAME}")
    }

    /// Whether the cluster was made, running or not.
    pub fn exists(&self) -> bool {
        self.data().join("PG_VERSION").is_file()
    }

    /// What there is of it now.
    pub fn status(&self) -> Status {
        match self.ask() {
            Answer::Ready(version) => Status::Running {
                version,
                pid: self.pid(),
            },
            _ if self.exists() => Status::Stopped,
            _ => Status::Missing,
        }
    }

    /// Makes sure that the server answers and the database is there: makes the cluster, starts
    /// it, or does nothing because it runs. Safe to call from several processes at once.
    ///
    /// # Errors
    /// `database.missing` without PostgreSQL's programs, `database.version` where they are of
    /// another version than the cluster, `database.failed` with the log's last lines otherwise.
    pub fn start(&self) -> Result<()> {
        if let Answer::Ready(_) = self.ask() {
            return Ok(());
        }
        let binaries = Binaries::find(self.cluster_major())?;
        let owner = self.owner()?;
        self.prepare(&binaries, owner)?;
        let _lock = self.lock()?;
        if !self.exists() {
            self.initialise(&binaries, owner)?;
        }
        match self.ask() {
            Answer::Ready(_) => return Ok(()),
            Answer::NoDatabase => {}
            Answer::Starting => {
                self.wait(None)?;
            }
            Answer::Silent => self.launch(&binaries, owner)?,
            Answer::Other(words) => return Err(failed("the local database", &words)),
        }
        self.create_database()
    }

    /// Stops the server and waits until it has; does nothing where it doesn't run.
    ///
    /// # Errors
    /// `database.failed` with the words of `pg_ctl`.
    pub fn stop(&self) -> Result<()> {
        if self.ask() == Answer::Silent {
            return Ok(());
        }
        let binaries = Binaries::find(self.cluster_major())?;
        let owner = self.owner()?;
        let _lock = self.lock()?;
        let output = command(&binaries.program("pg_ctl"), owner)
            .args(["stop", "--wait", "--timeout=120", "--mode=fast", "--pgdata"])
            .arg(self.data())
            .output()
            .map_err(|error| trouble("run", &binaries.program("pg_ctl"), &error))?;
        if output.status.success() || self.ask() == Answer::Silent {
            return Ok(());
        }
        let words = last_lines(&String::from_utf8_lossy(&output.stderr));
        Err(failed("stopping the local database", &words))
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn log(&self) -> PathBuf {
        self.home.join("log/postgres.log")
    }

    fn cluster_major(&self) -> Option<u32> {
        let text = fs::read_to_string(self.data().join("PG_VERSION")).ok()?;
        text.trim().parse().ok()
    }

    fn pid(&self) -> Option<u32> {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        text.lines().next()?.trim().parse().ok()
    }

    /// The connection's settings, for a database of the cluster.
    pub(super) fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config
            .host_path(&self.socket)
            .user(NAME)
            .dbname(database)
            .application_name(jobs::application())
            .connect_timeout(Duration::from_secs(5));
        config
    }

    /// The settings for muster's own database.
    pub(super) fn own_config(&self) -> Config {
        self.config(NAME)
    }

    /// Makes the folders, and sees to it that the server's user can reach them.
    fn prepare(&self, binaries: &Binaries, owner: Option<Owner>) -> Result<()> {
        let mode = if owner.is_some() { 0o711 } else { 0o700 };
        DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(&self.home)
            .map_err(|error| trouble("create", &self.home, &error))?;
        if let Some(owner) = owner {
            check_reachable(binaries, owner, binaries.directory())?;
            check_reachable(binaries, owner, &self.home)?;
        }
        private_folder(&self.home.join("log"), None)?;
        private_folder(&self.socket, owner)
    }

    /// Waits for the lock. It is gone when the file is closed, also by a crash.
    fn lock(&self) -> Result<File> {
        let path = self.home.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| trouble("open", &path, &error))?;
        let deadline = Instant::now() + LOCK_MAX;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(20));
                }
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(failed(
                        "the local database",
                        "another process has been starting or stopping it for two minutes",
                    ));
                }
                Err(fs::TryLockError::Error(error)) => return Err(trouble("lock", &path, &error)),
            }
        }
    }

    /// Makes the cluster beside its place and moves it there whole, so that a kill in between
    /// leaves nothing that looks like a cluster. The name is new each time, because an `initdb`
    /// whose muster was killed may still be at work, and clears its folder when it fails.
    fn initialise(&self, binaries: &Binaries, owner: Option<Owner>) -> Result<()> {
        self.remove_unfinished();
        let program = binaries.program("initdb");
        let mut words = String::new();
        // Systems without the locale C.UTF-8 sort by bytes just the same with C.
        for locale in ["C.UTF-8", "C"] {
            let unfinished = tempfile::Builder::new()
                .prefix(UNFINISHED)
                .tempdir_in(&self.home)
                .map_err(|error| trouble("write to", &self.home, &error))?;
            give_away(unfinished.path(), owner)?;
            let output = command(&program, owner)
                .args(["--username", NAME, "--encoding=UTF8", "--data-checksums"])
                .args(["--auth-local=trust", "--auth-host=reject"])
                .arg(format!("--locale={locale}"))
                .arg("--pgdata")
                .arg(unfinished.path())
                .output()
                .map_err(|error| trouble("run", &program, &error))?;
            if output.status.success() {
                let data = self.data();
                return fs::rename(unfinished.keep(), &data)
                    .and_then(|()| File::open(&self.home)?.sync_all())
                    .map_err(|error| trouble("move the new cluster to", &data, &error));
            }
            words = last_lines(&String::from_utf8_lossy(&output.stderr));
            if !words.contains("locale") {
                break;
            }
        }
        Err(failed("creating the local database", &words))
    }

    /// Clears away what killed processes left; what can't be removed is only in the way of space.
    fn remove_unfinished(&self) {
        for entry in fs::read_dir(&self.home).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    fn create_database(&self) -> Result<()> {
        let config = self.config("postgres");
        let created = on_own_runtime(async move {
            let (client, connection) = config.connect(NoTls).await?;
            let driver = tokio::spawn(connection);
            let created = client
                .batch_execute(include_str!("../sql/create_database.sql"))
                .await;
            drop(client);
            let _ = driver.await;
            created
        })?;
        match created {
            Err(error) if error.code() != Some(&SqlState::DUPLICATE_DATABASE) => Err(
                super::error::refusal(&error, "creating the database `muster`"),
            ),
            _ => Ok(()),
        }
    }
}

/// The path made absolute, with the links of what exists of it resolved, so that one folder has
/// one name.
fn settled(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for parent in absolute.ancestors() {
        if let Ok(real) = fs::canonicalize(parent) {
            let rest = absolute.strip_prefix(parent).unwrap_or(Path::new(""));
            return real.components().chain(rest.components()).collect();
        }
    }
    absolute
}

fn percent_encoded(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    bytes.iter().fold(String::new(), |text, &byte| {
        if plain(byte) {
            text + char::from(byte).to_string().as_str()
        } else {
            text + format!("%{byte:02X}").as_str()
        }
    })
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

fn failed(doing: &str, words: &str) -> Refusal {
    Refusal::new(Code::DatabaseFailed, format!("{doing}: {words}"))
}

fn trouble(doing: &str, path: &Path, error: &io::Error) -> Refusal {
    let refusal = Refusal::new(
        Code::DatabaseFailed,
        format!(
            "the local database: can't {doing} `{}`: {error}",
            path.display()
        ),
    );
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            refusal.help("set `MUSTER_HOME` to a folder that you may write to")
        }
        io::ErrorKind::StorageFull => refusal.help("free some space"),
        _ => refusal.help("see the system's message"),
    }
}
