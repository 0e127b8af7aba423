//! A local PostgreSQL of muster's own, for people who have none: made once, reachable through a
//! private socket only, started when it is needed and left running.
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
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown};
use std::os::unix::process::{CommandExt, parent_id};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};

use super::binaries::Binaries;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// The name of the database, and of the superuser that owns it.
const NAME: &str = "muster";

/// The socket's file in its folder, as every PostgreSQL names it.
const SOCKET: &str = ".s.PGSQL.5432";

/// The longest path of a socket: the kernel takes 107 bytes, PostgreSQL adds `.lock` to it.
const SOCKET_PATH_MAX: usize = 100;

/// What the name of a cluster begins with until it is whole.
const UNFINISHED: &str = "data.unfinished-";

/// How long a server may take until it answers. Replaying 4 GB of log takes minutes.
const READY_MAX: Duration = Duration::from_secs(600);

/// How long what a killed server left behind may stand in the way of the next one.
const LEFTOVER_MAX: Duration = Duration::from_secs(10);

/// How long another process may hold the lock.
const LOCK_MAX: Duration = Duration::from_secs(120);

/// From which size on the log is put aside at the next start.
const LOG_BYTES_MAX: u64 = 8 << 20;

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

/// What the socket says.
#[derive(Debug, PartialEq)]
enum Answer {
    Ready(String),
    NoDatabase,
    Starting,
    Silent,
    Other(String),
}

/// What became of a server that was started.
enum Begun {
    Ready,
    Ended,
}

/// Whom the server runs as when muster runs as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owner {
    user: u32,
    group: u32,
}

impl Local {
    /// The local database of a home folder. Nothing is touched yet.
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
            PathBuf::from(format!("/tmp/muster-{}", crate::hex(&name[..8])))
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
            .application_name(NAME)
            .connect_timeout(Duration::from_secs(5));
        config
    }

    /// The settings for muster's own database.
    pub(super) fn own_config(&self) -> Config {
        self.config(NAME)
    }

    fn ask(&self) -> Answer {
        if !self.socket.join(SOCKET).exists() {
            return Answer::Silent;
        }
        let config = self.own_config();
        let asked = on_own_runtime(async move {
            let connecting = config.connect(NoTls);
            let connected = tokio::time::timeout(Duration::from_secs(5), connecting).await;
            connected.map(|connected| {
                connected.map(|(_client, connection)| {
                    connection
                        .parameter("server_version")
                        .unwrap_or_default()
                        .to_string()
                })
            })
        });
        match asked {
            Ok(Ok(Ok(version))) => Answer::Ready(first_word(&version)),
            Ok(Ok(Err(error))) => answer(&error),
            // A server that takes connections and says nothing is busy with its start or its end.
            Ok(Err(_elapsed)) => Answer::Starting,
            Err(refusal) => Answer::Other(refusal.what),
        }
    }

    /// Whom the server runs as: nobody else unless we are root, whom PostgreSQL refuses.
    fn owner(&self) -> Result<Option<Owner>> {
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

    /// Starts the server and waits until it answers. After a crash the dead server's processes
    /// and locks can stand in the way for a moment, so that is tried again.
    fn launch(&self, binaries: &Binaries, owner: Option<Owner>) -> Result<()> {
        self.write_settings(owner)?;
        self.rotate_log();
        let deadline = Instant::now() + LEFTOVER_MAX;
        loop {
            let log = OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(self.log())
                .map_err(|error| trouble("open", &self.log(), &error))?;
            let begin = log.metadata().map_or(0, |metadata| metadata.len());
            let mut child = self.spawn(binaries, owner, log)?;
            if let Begun::Ready = self.wait(Some(&mut child))? {
                // Somebody has to take its exit code, or it stays a zombie that looks alive.
                thread::spawn(move || child.wait());
                return Ok(());
            }
            let words = self.log_since(begin);
            let leftover = ["lock file", "shared memory block", "could not bind"]
                .iter()
                .any(|part| words.contains(part));
            if !leftover {
                return Err(failed("starting the local database", &words));
            }
            if Instant::now() >= deadline {
                return Err(self.held(&words));
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// `postgres` is run directly: `pg_ctl start` would put our paths through a shell.
    fn spawn(&self, binaries: &Binaries, owner: Option<Owner>, log: File) -> Result<Child> {
        let program = binaries.program("postgres");
        let doubled = log
            .try_clone()
            .map_err(|error| trouble("open", &self.log(), &error))?;
        let mut config_file = OsString::from("config_file=");
        config_file.push(self.settings());
        command(&program, owner)
            .arg("-D")
            .arg(self.data())
            .arg("-c")
            .arg(config_file)
            // A stale pid file may name the process that started us; PostgreSQL asks for it so.
            .env("PG_GRANDPARENT_PID", parent_id().to_string())
            // Ctrl-C is meant for muster, not for the server.
            .process_group(0)
            .stdout(log)
            .stderr(doubled)
            .spawn()
            .map_err(|error| trouble("run", &program, &error))
    }

    /// Waits until the server answers, or the process that was started has ended.
    fn wait(&self, mut child: Option<&mut Child>) -> Result<Begun> {
        let deadline = Instant::now() + READY_MAX;
        while Instant::now() < deadline {
            if let Some(child) = child.as_deref_mut() {
                let ended = child.try_wait();
                if ended
                    .map_err(|error| failed("starting the local database", &error.to_string()))?
                    .is_some()
                {
                    return Ok(Begun::Ended);
                }
            }
            match self.ask() {
                Answer::Ready(_) | Answer::NoDatabase => return Ok(Begun::Ready),
                Answer::Starting | Answer::Silent => thread::sleep(Duration::from_millis(10)),
                Answer::Other(words) => return Err(failed("starting the local database", &words)),
            }
        }
        Err(failed(
            "starting the local database",
            "it doesn't answer after ten minutes",
        ))
    }

    fn held(&self, words: &str) -> Refusal {
        let refusal = failed("starting the local database", words);
        match self.pid() {
            Some(pid) => refusal.help(format!(
                "process {pid} seems to hold it; if that is a PostgreSQL server, end it with \
                 `kill {pid}`; if it is something else, remove `{}`",
                self.data().join("postmaster.pid").display()
            )),
            None => refusal,
        }
    }

    fn settings(&self) -> PathBuf {
        self.home.join("postgresql.conf")
    }

    /// Settings are ours and outside of the cluster: as root we never write into a folder that
    /// belongs to somebody else, where a link could lead us anywhere.
    fn write_settings(&self, owner: Option<Owner>) -> Result<()> {
        let path = self.settings();
        let text = settings(&self.socket, memory_bytes());
        let mode = if owner.is_some() { 0o644 } else { 0o600 };
        fs::write(&path, text)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(mode)))
            .map_err(|error| trouble("write", &path, &error))
    }

    fn rotate_log(&self) {
        let log = self.log();
        if fs::metadata(&log).is_ok_and(|metadata| metadata.len() > LOG_BYTES_MAX) {
            // A log that can't be put aside is only long.
            let _ = fs::rename(&log, log.with_extension("log.1"));
        }
    }

    fn log_since(&self, begin: u64) -> String {
        let mut text = String::new();
        let read = File::open(self.log()).and_then(|mut log| {
            log.seek(SeekFrom::Start(begin))?;
            log.take(1 << 20).read_to_string(&mut text)
        });
        match read {
            Ok(_) => last_lines(&text),
            Err(error) => format!("see `{}` ({error})", self.log().display()),
        }
    }

    fn create_database(&self) -> Result<()> {
        let config = self.config("postgres");
        let created = on_own_runtime(async move {
            let (client, connection) = config.connect(NoTls).await?;
            let driver = tokio::spawn(connection);
            let created = client
                .batch_execute(include_str!("sql/create_database.sql"))
                .await;
            drop(client);
            let _ = driver.await;
            created
        })?;
        match created {
            Err(error) if error.code() != Some(&SqlState::DUPLICATE_DATABASE) => Err(
                super::connect::refusal(&error, "creating the database `muster`"),
            ),
            _ => Ok(()),
        }
    }
}

/// Sorts a failed connection.
fn answer(error: &tokio_postgres::Error) -> Answer {
    if let Some(code) = error.code() {
        return match *code {
            SqlState::INVALID_CATALOG_NAME => Answer::NoDatabase,
            SqlState::CANNOT_CONNECT_NOW => Answer::Starting,
            // All connections are taken, so it runs.
            SqlState::TOO_MANY_CONNECTIONS => Answer::Ready(String::new()),
            _ => Answer::Other(super::connect::refusal(error, "asking it").what),
        };
    }
    let cause =
        std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    match cause.map(io::Error::kind) {
        Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Answer::Silent,
        Some(io::ErrorKind::PermissionDenied) => {
            Answer::Other("its socket belongs to another user".to_string())
        }
        // It hung up: it is just ending, or has just begun.
        _ => Answer::Starting,
    }
}

/// Runs a future to its end on a thread of its own, so that it doesn't matter whether the caller
/// is inside an async runtime.
fn on_own_runtime<F>(future: F) -> Result<F::Output>
where
    F: Future + Send,
    F::Output: Send,
{
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(runtime.block_on(future))
    };
    thread::scope(|scope| scope.spawn(run).join())
        .unwrap_or_else(|_| Err(io::Error::other("the thread that asks it ended early")))
        .map_err(|error: io::Error| failed("the local database", &error.to_string()))
}

/// The settings file. Errors of statements aren't logged, because they quote people's data.
fn settings(socket: &Path, memory: u64) -> String {
    let megabytes = memory >> 20;
    let shared_buffers = (megabytes / 8).clamp(16, 256);
    let maintenance = (megabytes / 16).clamp(16, 256);
    let work = (megabytes / 64).clamp(4, 64);
    let cache = (megabytes / 2).max(64);
    let socket = socket.to_string_lossy().replace('"', "\"\"");
    let socket = socket.replace('\\', "\\\\").replace('\'', "''");
    format!(
        "# Written by muster at every start. Your own settings go into `local.conf` beside it.\n\
         include 'data/postgresql.conf'\n\
         listen_addresses = ''\n\
         port = 5432\n\
         unix_socket_directories = '\"{socket}\"'\n\
         unix_socket_permissions = 0700\n\
         fsync = on\n\
         full_page_writes = on\n\
         shared_buffers = {shared_buffers}MB\n\
         effective_cache_size = {cache}MB\n\
         maintenance_work_mem = {maintenance}MB\n\
         work_mem = {work}MB\n\
         max_wal_size = 4GB\n\
         checkpoint_timeout = 15min\n\
         wal_compression = on\n\
         random_page_cost = 1.1\n\
         jit = off\n\
         # its tables live in /dev/shm, of which a container has 64 MB\n\
         enable_parallel_hash = off\n\
         password_encryption = 'scram-sha-256'\n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n\
         # startup, shutdown and crashes only; errors would quote statements and values\n\
         logging_collector = off\n\
         log_destination = 'stderr'\n\
         log_min_messages = log\n\
         log_min_error_statement = panic\n\
         log_checkpoints = off\n\
         include_if_exists 'local.conf'\n"
    )
}

/// The machine's memory or, where it is less, what the container may use.
fn memory_bytes() -> u64 {
    const UNKNOWN: u64 = 1 << 30;
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes << 10)
    });
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    machine
        .unwrap_or(UNKNOWN)
        .min(container.unwrap_or(u64::MAX))
}

/// A command with nothing of our environment in it, run as the server's user.
fn command(program: &Path, owner: Option<Owner>) -> Command {
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
fn check_reachable(binaries: &Binaries, owner: Owner, folder: &Path) -> Result<()> {
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
fn private_folder(path: &Path, owner: Option<Owner>) -> Result<()> {
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

fn give_away(path: &Path, owner: Option<Owner>) -> Result<()> {
    match owner {
        Some(owner) => lchown(path, Some(owner.user), Some(owner.group))
            .map_err(|error| trouble("give away", path, &error)),
        None => Ok(()),
    }
}

/// Finds a user in the text of `/etc/passwd`: `name:password:uid:gid:…`.
fn owner_named(users: &str, name: &str) -> Option<Owner> {
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

fn is_root() -> bool {
    our_user() == Some(0)
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
            text + &char::from(byte).to_string()
        } else {
            text + &format!("%{byte:02X}")
        }
    })
}

fn first_word(text: &str) -> String {
    text.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_string()
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

#[cfg(test)]
mod tests {
    use super::{Local, Owner, SOCKET, Status, check_reachable, is_root, owner_named, settled};
    use crate::issue::Code;
    use crate::store::binaries::Binaries;
    use crate::store::scratch::Home;
    use std::fs::{self, DirBuilder};
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
    use std::path::Path;
    use std::process::Command;
    use std::thread;
    use std::time::Instant;

    fn psql(local: &Local, sql: &str) -> String {
        let output = Command::new("psql")
            .args(["-XAtc", sql, &local.url()])
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    }

    #[test]
    fn a_server_is_made_attached_to_and_stopped() {
        let home = Home::new("a home's \"odd\" \\ name; 100% $HOME");
        let local = &home.local;
        assert_eq!(local.status(), Status::Missing);
        local.stop().unwrap();
        local.start().unwrap();
        let begin = Instant::now();
        local.start().unwrap();
        assert!(begin.elapsed().as_millis() < 200, "{:?}", begin.elapsed());
        let Status::Running {
            version,
            pid: Some(_),
        } = local.status()
        else {
            panic!("{:?}", local.status());
        };
        assert_eq!(
            psql(local, "SHOW server_version").split(' ').next(),
            Some(&*version)
        );
        let settings = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings \
                        WHERE name IN ('fsync', 'data_checksums', 'listen_addresses', 'full_page_writes')";
        assert_eq!(
            psql(local, settings),
            "data_checksums=on fsync=on full_page_writes=on listen_addresses="
        );
        let whose = "SELECT current_user, current_database(), pg_encoding_to_char(encoding), datcollate \
                     FROM pg_database WHERE datname = current_database()";
        assert_eq!(psql(local, whose), "muster|muster|UTF8|C.UTF-8");
        assert_eq!(fs::metadata(local.socket()).unwrap().mode() & 0o777, 0o700);
        local.stop().unwrap();
        assert_eq!(local.status(), Status::Stopped);
        local.stop().unwrap();
    }

    #[test]
    fn two_that_start_at_once_get_one_server() {
        let home = Home::new("home");
        let unfinished = home.local.home().join("data.unfinished-left-by-a-kill");
        fs::create_dir_all(unfinished.join("base")).unwrap();
        thread::scope(|scope| {
            let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| home.local.start())).collect();
            for start in starts {
                start.join().unwrap().unwrap();
            }
        });
        assert_eq!(psql(&home.local, "SELECT 1"), "1");
        assert!(!unfinished.exists());
        let log = fs::read_to_string(home.local.log()).unwrap();
        assert_eq!(log.matches("starting PostgreSQL").count(), 1, "{log}");
    }

    #[test]
    fn a_killed_server_comes_back_with_what_was_committed() {
        let home = Home::new("home");
        let local = &home.local;
        local.start().unwrap();
        psql(
            local,
            "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n",
        );
        for _ in 0..2 {
            let Status::Running { pid: Some(pid), .. } = local.status() else {
                panic!("not running");
            };
            let killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
            assert!(killed.unwrap().success());
            local.start().unwrap();
            assert_eq!(psql(local, "SELECT count(*) FROM kept"), "1000");
        }
    }

    #[test]
    fn errors_of_statements_stay_out_of_the_log() {
        let home = Home::new("home");
        let local = &home.local;
        local.start().unwrap();
        let sql = "CREATE TABLE t (email text UNIQUE); INSERT INTO t VALUES ('canary@example.org'); \
                   INSERT INTO t VALUES ('canary@example.org')";
        let output = Command::new("psql")
            .args(["-Xc", sql, &local.url()])
            .output()
            .unwrap();
        assert!(String::from_utf8_lossy(&output.stderr).contains("canary"));
        local.stop().unwrap();
        let log = fs::read_to_string(local.log()).unwrap();
        assert!(log.contains("database system is shut down"), "{log}");
        assert!(!log.contains("canary"), "{log}");
    }

    #[test]
    fn a_server_that_cannot_start_says_why() {
        let home = Home::new("home");
        let local = &home.local;
        local.start().unwrap();
        local.stop().unwrap();
        let own = local.home().join("local.conf");
        fs::write(&own, "shared_bufers = 1GB\n").unwrap();
        fs::set_permissions(&own, fs::Permissions::from_mode(0o644)).unwrap();
        let refusal = local.start().unwrap_err();
        assert_eq!(refusal.code, Code::DatabaseFailed);
        assert!(
            refusal
                .what
                .contains("unrecognized configuration parameter \"shared_bufers\""),
            "{refusal}"
        );
        fs::remove_file(own).unwrap();
        fs::write(local.data().join("PG_VERSION"), "12\n").unwrap();
        let refusal = local.start().unwrap_err();
        assert_eq!(refusal.code, Code::DatabaseVersion);
    }

    #[test]
    fn a_long_home_gets_its_socket_elsewhere_and_only_a_private_one() {
        assert!(Local::at("/srv/one, two").socket().starts_with("/tmp"));
        let home = Home::new(&"long/".repeat(20));
        let local = &home.local;
        let socket = local.socket().to_path_buf();
        assert!(socket.join(SOCKET).as_os_str().len() < 60, "{socket:?}");
        assert_eq!(Local::at(local.home()).socket(), socket);
        fs::create_dir(&socket).unwrap();
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).unwrap();
        let refusal = local.start().unwrap_err();
        assert!(
            refusal
                .what
                .starts_with(&format!("`{}` should be", socket.display())),
            "{refusal}"
        );
        fs::remove_dir(&socket).unwrap();
        symlink("/tmp", &socket).unwrap();
        assert_eq!(local.start().unwrap_err().code, Code::DatabaseFailed);
        fs::remove_file(&socket).unwrap();
        // What another start has made, but not given to the server's user yet, is taken.
        DirBuilder::new().mode(0o700).create(&socket).unwrap();
        local.start().unwrap();
        assert_eq!(psql(local, "SELECT 1"), "1");
    }

    #[test]
    fn a_closed_parent_is_named() {
        if !is_root() {
            return;
        }
        let home = Home::new("closed/home");
        let closed = home.folder().join("closed");
        fs::create_dir(&closed).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        let refusal = home.local.start().unwrap_err();
        let named = format!("can't enter `{}`", closed.display());
        assert!(refusal.what.ends_with(&named), "{refusal}");
        assert!(refusal.help.contains("chmod a+x"), "{}", refusal.help);
        let nobody = Owner {
            user: 65534,
            group: 65534,
        };
        let binaries = Binaries::find(None).unwrap();
        check_reachable(&binaries, nobody, Path::new("/tmp")).unwrap();
    }

    #[test]
    fn users_are_found_by_their_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\nnobody2:x:7:8::/:\nnobody:x:65534:65533::/:\n";
        let table = [
            ("nobody", Some((65534, 65533))),
            ("root", Some((0, 0))),
            ("postgres", None),
        ];
        for (name, numbers) in table {
            let found = owner_named(users, name).map(|owner| (owner.user, owner.group));
            assert_eq!(found, numbers, "{name}");
        }
    }

    #[test]
    fn one_folder_has_one_name() {
        let place = tempfile::tempdir().unwrap();
        let real = place.path().canonicalize().unwrap();
        symlink(&real, real.join("link")).unwrap();
        assert_eq!(
            settled(&real.join("link/not/there")),
            real.join("not/there")
        );
        assert_eq!(
            Local::at(real.join("link/x")).url(),
            Local::at(real.join("x")).url()
        );
    }
}
