//! Starting the server, and waiting until it answers.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, parent_id};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use super::ask::Answer;
use super::owner::{Owner, command};
use super::{Local, failed, last_lines, trouble};
use crate::refusal::{Refusal, Result};
use crate::store::binaries::Binaries;

/// How long a server may take until it answers. Replaying 4 GB of log takes minutes.
const READY_MAX: Duration = Duration::from_mins(10);

/// How long what a killed server left behind may prevent it of the next one.
const LEFTOVER_MAX: Duration = Duration::from_secs(10);

/// From which size on the log is put aside at the next start.
const LOG_BYTES_MAX: u64 = 8 << 20;

/// What happened to a server that was started.
pub(super) enum Begun {
    Ready,
    Ended,
}

impl Local {
    /// Starts the server and waits until it answers. After a crash the dead server's processes and
    /// locks can prevent it for a moment, so that is tried again.
    pub(super) fn launch(&self, binaries: &Binaries, owner: Option<Owner>) -> Result<()> {
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
    pub(super) fn wait(&self, mut child: Option<&mut Child>) -> Result<Begun> {
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
}
