//! The server, databases, and runs of the binary that all tests share.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use encoding_rs::UTF_8;
use tempfile::TempDir;
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::people::{Dialect, People};

/// The binary under test.
pub const MUSTER: &str = env!("CARGO_BIN_EXE_muster");

/// No single run of a test may take longer.
const TIME_LIMIT: Duration = Duration::from_mins(4);

/// A server of this test process.
pub struct Server {
    /// `MUSTER_HOME` of all runs.
    pub home: PathBuf,
    /// What `muster db url` says.
    pub url: String,
    /// Holds the other end of the pipe; statics are never dropped.
    _watcher: Child,
}

/// Starts the server on first use. It is stopped and its folder removed when the test process is
/// gone, however it ends.
pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(another_server)
}

/// Starts one more server, which is stopped like the first.
pub fn another_server() -> Server {
    let folder = shared_folder().keep();
    let home = folder.join("home");
    let watcher = stop_when_this_process_ends(&folder, &home);
    let started = bare(&folder, &home, &["db", "start"]).finish();
    assert_eq!(
        started.exit, 0,
        "`muster db start` failed: {}",
        started.stderr
    );
    let url = bare(&folder, &home, &["db", "url"]).finish();
    assert_eq!(url.exit, 0, "`muster db url` failed: {}", url.stderr);
    Server {
        home,
        url: url.stdout.trim().to_string(),
        _watcher: watcher,
    }
}

/// A temporary folder that the server's own user may enter.
fn shared_folder() -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix("muster-")
        .tempdir()
        .unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// A shell waits for the end of a pipe that only this process holds open.
fn stop_when_this_process_ends(folder: &Path, home: &Path) -> Child {
    Command::new("sh")
        .arg("-c")
        .arg("read -r _; \"$0\" db stop; rm -rf \"$1\"")
        .arg(MUSTER)
        .arg(folder)
        .env("MUSTER_HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap()
}

/// A new, empty database; the URL that leads to it.
pub fn fresh_database() -> String {
    database_like("template0")
}

/// A new database that is as another one that nobody is connected to.
pub fn copy_database(of: &str) -> String {
    let path = of.split('?').next().unwrap_or_default();
    database_like(path.rsplit('/').next().unwrap_or_default())
}

fn database_like(template: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let url = &server().url;
    query(url, &format!("CREATE DATABASE {name} TEMPLATE {template}"));
    with_database(url, &name)
}

/// `url` with another database's name.
fn with_database(url: &str, name: &str) -> String {
    let authority = url.find("://").unwrap() + 3;
    let path = url[authority..]
        .find('/')
        .map_or(url.len(), |at| authority + at);
    let rest = url[path..].find('?').map_or(url.len(), |at| path + at);
    format!("{}/{name}{}", &url[..path], &url[rest..])
}

/// Runs SQL and gives the rows of its last statement that has any, as text.
pub fn query(url: &str, sql: &str) -> Vec<Vec<Option<String>>> {
    try_query(url, sql).unwrap_or_else(|error| panic!("{sql}\n{error:?}"))
}

/// As [`query`], where an error is expected or possible.
pub fn try_query(url: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>, tokio_postgres::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let connection = tokio::spawn(connection);
        let mut rows = Vec::new();
        for message in client.simple_query(sql).await? {
            match message {
                SimpleQueryMessage::RowDescription(_) => rows.clear(),
                SimpleQueryMessage::Row(row) => {
                    rows.push(
                        (0..row.len())
                            .map(|column| row.get(column).map(String::from))
                            .collect(),
                    );
                }
                _ => {}
            }
        }
        drop(client);
        let _ = connection.await;
        Ok(rows)
    })
}

/// A session that keeps what a statement gave it, such as a lock, until it is dropped.
pub struct Session {
    end: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Session {
    /// Runs `sql` and stays.
    pub fn hold(url: &str, sql: &'static str) -> Session {
        let (end, ended) = mpsc::channel();
        let (begin, begun) = mpsc::channel();
        let url = url.to_string();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap();
            let client = runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
                tokio::spawn(connection);
                client.batch_execute(sql).await.unwrap();
                client
            });
            begin.send(()).unwrap();
            let _: Result<(), _> = ended.recv();
            drop(client);
        });
        begun.recv().unwrap();
        Session {
            end: Some(end),
            thread: Some(thread),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The first value of the first row.
pub fn query_one(url: &str, sql: &str) -> String {
    query(url, sql)[0][0].clone().unwrap_or_default()
}

/// Everything that imports put into a database, without ids and times, as CSV sorted by e-mail;
/// other roles come after the role, what is special about a membership in brackets after its group;
/// `None` before the first import.
pub fn accounts(url: &str) -> Option<String> {
    let there = "SELECT count(*) FROM pg_class
        WHERE oid = to_regclass('muster.accounts') AND relkind = 'r'";
    if query_one(url, there) == "0" {
        return None;
    }
    Some(accounts_there(url))
}

/// As [`accounts`], where they are there, whatever they are.
pub fn accounts_there(url: &str) -> String {
    const HEADER: &str = "external_id,email,username,first_name,last_name,display_name,phone,country,\
        language,organization,role,status,start_date,end_date,manager,attributes";
    let sql = format!(
        "SELECT {}, (SELECT string_agg(groups.path
                || CASE WHEN memberships.inherited THEN ' (inherited)' ELSE '' END
                || CASE WHEN memberships.roles <> '{{}}'
                    THEN ' (' || array_to_string(memberships.roles, ', ') || ')' ELSE '' END,
                '; ' ORDER BY groups.path COLLATE \"C\")
            FROM muster.memberships JOIN muster.groups ON groups.id = memberships.group_id
            WHERE memberships.account_id = accounts.id)
         FROM muster.accounts ORDER BY email COLLATE \"C\", username COLLATE \"C\", external_id COLLATE \"C\"",
        HEADER.replace(",role,", ",concat_ws('; ', role, nullif(array_to_string(other_roles, '; '), '')),")
    );
    let mut out = csv::WriterBuilder::new().from_writer(Vec::new());
    out.write_record(HEADER.split(',').chain(["groups"]))
        .unwrap();
    for row in query(url, &sql) {
        out.write_record(row.iter().map(|value| value.as_deref().unwrap_or("")))
            .unwrap();
    }
    String::from_utf8(out.into_inner().unwrap()).unwrap()
}

/// A run of the binary under way, with its output going to files so that it never blocks.
pub struct Running {
    child: Child,
    stdout: fs::File,
    stderr: fs::File,
    started: Instant,
    line: String,
}

/// A run that ended.
#[derive(Debug)]
pub struct Finished {
    /// What it printed.
    pub stdout: String,
    /// What it said besides.
    pub stderr: String,
    /// Its exit code; -1 after a signal.
    pub exit: i32,
    /// How long it took.
    pub elapsed: Duration,
}

/// Starts `muster` in `folder` against the database at `url`.
pub fn start(folder: &Path, url: &str, arguments: &[&str]) -> Running {
    start_with(folder, url, arguments, &[])
}

/// As [`start`], with more environment variables.
pub fn start_with(
    folder: &Path,
    url: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Running {
    let mut command = command(folder, &server().home, arguments);
    command
        .env("DATABASE_URL", url)
        .envs(environment.iter().copied());
    Running::start(command)
}

/// Runs `muster` in `folder` against the database at `url` to its end.
pub fn run(folder: &Path, url: &str, arguments: &[&str]) -> Finished {
    start(folder, url, arguments).finish()
}

/// As [`run`], with the text of the file `input` on stdin.
pub fn run_with_stdin(folder: &Path, url: &str, input: &Path, arguments: &[&str]) -> Finished {
    let mut command = command(folder, &server().home, arguments);
    command
        .env("DATABASE_URL", url)
        .stdin(fs::File::open(input).unwrap());
    Running::start(command).finish()
}

/// Starts `muster` without a database URL, with a home of its own.
pub fn bare(folder: &Path, home: &Path, arguments: &[&str]) -> Running {
    Running::start(command(folder, home, arguments))
}

/// As [`bare`], with more environment variables.
pub fn bare_with(
    folder: &Path,
    home: &Path,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Running {
    let mut command = command(folder, home, arguments);
    command.envs(environment.iter().copied());
    Running::start(command)
}

fn command(folder: &Path, home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(MUSTER);
    command
        .args(arguments)
        .current_dir(folder)
        .env("MUSTER_HOME", home)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null());
    command
}

impl Running {
    fn start(mut command: Command) -> Running {
        let stdout = tempfile::tempfile().unwrap();
        let stderr = tempfile::tempfile().unwrap();
        command
            .stdout(stdout.try_clone().unwrap())
            .stderr(stderr.try_clone().unwrap());
        Running {
            line: format!("{command:?}"),
            started: Instant::now(),
            child: command.spawn().unwrap(),
            stdout,
            stderr,
        }
    }

    /// Waits for the end. A run over the time limit is killed and fails the test.
    pub fn finish(self) -> Finished {
        self.finish_while(|| {})
    }

    /// As [`Running::finish`], doing something again and again meanwhile.
    pub fn finish_while(mut self, mut meanwhile: impl FnMut()) -> Finished {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return self.finished(status);
            }
            if self.started.elapsed() > TIME_LIMIT {
                let finished = self.kill();
                panic!("over the time limit: {finished:?}");
            }
            meanwhile();
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What it printed so far.
    pub fn stdout(&mut self) -> String {
        read_all(&mut self.stdout)
    }

    /// What it said so far besides its results.
    pub fn stderr(&mut self) -> String {
        read_all(&mut self.stderr)
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as Ctrl-C would.
    pub fn interrupt(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) -> Finished {
        let _ = self.child.kill();
        let status = self.child.wait().unwrap();
        self.finished(status)
    }

    fn finished(&mut self, status: ExitStatus) -> Finished {
        let stderr = read_all(&mut self.stderr);
        assert!(!stderr.contains("panicked at"), "{}\n{stderr}", self.line);
        Finished {
            stdout: read_all(&mut self.stdout),
            stderr,
            exit: status.code().unwrap_or(-1),
            elapsed: self.started.elapsed(),
        }
    }
}

fn read_all(file: &mut fs::File) -> String {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

impl Finished {
    /// What `--json` printed.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self:?}"))
    }

    /// The counts of `--json`, once they were seen to add up.
    pub fn counts(&self) -> Counts {
        let counts: Counts = serde_json::from_value(self.json()["counts"].clone()).unwrap();
        counts.assert_that_they_add_up();
        counts
    }
}

/// How many rows had which outcome, as `summary.json` has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    pub read: u64,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub duplicate: u64,
    pub skipped: u64,
    pub rejected: u64,
    pub held: u64,
    pub failed: u64,
}

impl Counts {
    fn assert_that_they_add_up(&self) {
        let parts = self.created + self.updated + self.unchanged + self.duplicate;
        let parts = parts + self.skipped + self.rejected + self.held + self.failed;
        assert_eq!(self.read, parts, "{self:?}");
    }
}

/// Asks again and again until it is so.
pub fn wait_until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(2), "it never came");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The repository's own folder.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A temporary folder to run in.
pub fn folder() -> TempDir {
    shared_folder()
}

/// Copies a file of the repository into `folder` under its own name.
pub fn take(folder: &Path, file: &str) -> PathBuf {
    let to = folder.join(Path::new(file).file_name().unwrap());
    fs::copy(repository().join(file), &to).unwrap();
    to
}

/// People as CSV of the plainest kind.
pub fn csv(people: &People) -> Vec<u8> {
    let dialect = Dialect {
        delimiter: ',',
        line_end: "\n",
        encoding: UTF_8,
    };
    let mut text = Vec::new();
    people.write_csv(&mut text, dialect).unwrap();
    text
}
