//! `muster run-job`: the process that runs a command for the console, and outlives it. Muster starts
//! it itself.
//!
//! It says in the database how far the command is, asks it to stop when somebody wants that, and
//! records how it ended. A database that is restarted meanwhile is waited for.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use uuid::Uuid;

use super::DatabaseArgs;
use crate::issue::Code;
use crate::outcome::Exit;
use crate::progress::{self, Line};
use crate::refusal::{Refusal, Result};
use crate::store::Store;
use crate::store::connect::Target;
use crate::store::jobs::{self, Claimed, Ended};
use crate::store::launcher::home_from_environment;

/// How often the command is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often the database hears of it.
const BEAT_EVERY: Duration = Duration::from_millis(500);
/// How long a database that is gone is waited for once the command has ended.
const DATABASE_WAIT: Duration = Duration::from_mins(10);
/// How long the pipes of a command that has ended may stay open.
const PIPES_WAIT: Duration = Duration::from_secs(3);
/// The most that is kept of what a command says besides its results.
const STDERR_BYTES: usize = 64 << 10;
/// The most that is kept of what it prints.
const STDOUT_BYTES: usize = 1 << 20;
/// Says to the command on whose behalf it writes; `audit.rs` reads it.
const ACTOR: &str = "MUSTER_ACTOR";
/// Added to a signal's number, as shells do.
const SIGNALLED: i32 = 128;

#[derive(Args)]
pub(super) struct JobArgs {
    /// The job
    id: Uuid,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// What the command has said so far.
#[derive(Default)]
struct Said {
    /// The last progress, as JSON.
    progress: Option<String>,
    run: Option<String>,
    stderr: VecDeque<u8>,
}

impl Said {
    fn hear(&mut self, line: &[u8]) {
        match serde_json::from_slice(line) {
            Ok(Line::Run(run)) => self.run = Some(run),
            Ok(Line::Progress(step)) => self.progress = serde_json::to_string(&step).ok(),
            Err(_) => {
                self.stderr.extend(line);
                let over = self.stderr.len().saturating_sub(STDERR_BYTES);
                self.stderr.drain(..over);
            }
        }
    }
}

/// The database that hears of the job; it may be away for a while.
struct Reporter {
    id: Uuid,
    target: Target,
    store: Option<Store>,
}

impl Reporter {
    fn open(&mut self) -> Result<&Store> {
        let is_there = |store: &Store| store.is_connected();
        if !self.store.as_ref().is_some_and(is_there) {
            let store = Store::open(self.target.clone())?;
            store.hold_job(self.id)?;
            self.store = Some(store);
        }
        self.store.as_ref().ok_or_else(unreachable)
    }

    /// Whether somebody wants the command to stop. A database that can't be asked wants nothing.
    fn beat(&mut self, said: &Mutex<Said>) -> bool {
        let (progress, run) = {
            let said = locked(said);
            (said.progress.clone(), said.run.clone())
        };
        let id = self.id;
        let asked = self
            .open()
            .and_then(|store| store.beat_job(id, progress.as_deref(), run.as_deref()));
        asked.unwrap_or(false)
    }

    /// Records the end, as soon as the database is there.
    fn end(&mut self, ended: &Ended) -> Result<()> {
        let since = Instant::now();
        let id = self.id;
        loop {
            let recorded = self.open().and_then(|store| store.end_job(id, ended));
            match recorded {
                Err(_) if since.elapsed() < DATABASE_WAIT => thread::sleep(BEAT_EVERY),
                recorded => return recorded,
            }
        }
    }
}

fn unreachable() -> Refusal {
    Refusal::new(Code::DatabaseUnreachable, "the database is gone")
}

/// `muster run-job`.
pub(super) fn run_job(args: &JobArgs) -> Result<Exit> {
    let target = Target::find(args.database.database.as_deref(), &home_from_environment()?)?;
    let store = Store::open(target.clone())?;
    let Some(claimed) = store.claim_job(args.id)? else {
        let what = format!("no job `{}` is waiting", args.id);
        return Err(Refusal::new(Code::RunUnknown, what));
    };
    let mut reporter = Reporter {
        id: args.id,
        target,
        store: Some(store),
    };
    let ended = match start(args, &claimed) {
        Ok(child) => attend(child, claimed.stdin, &mut reporter),
        Err(error) => Ended {
            exit_code: Some(Exit::Refused as i32),
            stderr: format!("the command can't be started: {error}\n"),
            ..Ended::default()
        },
    };
    reporter.end(&ended)?;
    Ok(Exit::Done)
}

/// Starts the command, in a group of its own: what stops this process doesn't stop it.
fn start(args: &JobArgs, claimed: &Claimed) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    if let Some(url) = &args.database.database {
        command.env("DATABASE_URL", url);
    }
    command
        .args(&claimed.args)
        .env(progress::VARIABLE, "json")
        .env(jobs::VARIABLE, args.id.to_string())
        .env(ACTOR, &claimed.who)
        .env("NO_COLOR", "1")
        .process_group(0)
        .stdin(if claimed.stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Sees a command through to its end.
fn attend(mut child: Child, stdin: Option<Vec<u8>>, reporter: &mut Reporter) -> Ended {
    if let (Some(mut pipe), Some(text)) = (child.stdin.take(), stdin) {
        // A command that doesn't read it all says why itself.
        thread::spawn(move || pipe.write_all(&text));
    }
    let said = Arc::new(Mutex::new(Said::default()));
    let hearing = child.stderr.take().map(|pipe| hear(pipe, said.clone()));
    let reading = child.stdout.take().map(read);
    let mut was_stopped = false;
    let mut beat_at = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => break Some(status),
            Err(_) => break None,
        }
        if Instant::now() >= beat_at {
            beat_at = Instant::now() + BEAT_EVERY;
            if reporter.beat(&said) && !was_stopped {
                was_stopped = interrupt(&child);
            }
        }
        thread::sleep(LOOK_EVERY);
    };
    let since = Instant::now();
    let is_open = || {
        hearing.as_ref().is_some_and(|thread| !thread.is_finished())
            || reading.as_ref().is_some_and(|thread| !thread.is_finished())
    };
    // What the command started may have its pipes, and may live on: a database server.
    while is_open() && since.elapsed() < PIPES_WAIT {
        thread::sleep(LOOK_EVERY);
    }
    let reading = reading.filter(JoinHandle::is_finished);
    let stdout = reading.and_then(|reading| reading.join().ok());
    let said = std::mem::take(&mut *locked(&said));
    Ended {
        exit_code: status.and_then(code),
        run: said.run.or_else(|| run_of(stdout.as_deref()?)),
        stdout: stdout
            .filter(|stdout| stdout.len() <= STDOUT_BYTES)
            .map(|stdout| String::from_utf8_lossy(&stdout).into_owned()),
        stderr: String::from_utf8_lossy(&Vec::from(said.stderr)).into_owned(),
    }
}

/// As Ctrl-C would. `true` once it was sent.
fn interrupt(child: &Child) -> bool {
    kill_process(Pid::from_child(child), Signal::INT).is_ok()
}

fn code(status: ExitStatus) -> Option<i32> {
    status
        .code()
        .or_else(|| status.signal().map(|signal| SIGNALLED + signal))
}

fn hear(pipe: impl Read + Send + 'static, said: Arc<Mutex<Said>>) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe
            .read_until(b'\n', &mut line)
            .is_ok_and(|bytes| bytes > 0)
        {
            locked(&said).hear(&line);
            line.clear();
        }
    })
}

/// What the command prints, to a byte more than is kept.
fn read(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut printed = Vec::new();
        let most = STDOUT_BYTES as u64 + 1;
        let _ = pipe.by_ref().take(most).read_to_end(&mut printed);
        // The rest is taken, so that the command doesn't wait for somebody to do that.
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        printed
    })
}

/// The run in a summary.
fn run_of(stdout: &[u8]) -> Option<String> {
    let summary: Value = serde_json::from_slice(stdout).ok()?;
    summary["run"]["id"].as_str().map(String::from)
}

fn locked(said: &Mutex<Said>) -> MutexGuard<'_, Said> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_kept_apart_from_what_a_command_says() {
        let mut said = Said::default();
        said.hear(b"{\"run\":\"20261122-1\"}\n");
        said.hear(b"{\"progress\":{\"pass\":\"read\",\"unit\":\"rows\",\"done\":5,\"total\":null,\"part\":0.5,\"left\":1}}\n");
        said.hear(b"error[file.empty]: nothing in it\n");
        said.hear(b"{\"else\":1}\n");
        assert_eq!(said.run.as_deref(), Some("20261122-1"));
        assert!(said.progress.unwrap().contains("\"done\":5"));
        assert_eq!(
            said.stderr,
            b"error[file.empty]: nothing in it\n{\"else\":1}\n"
        );
    }

    #[test]
    fn only_the_last_of_it_is_kept() {
        let mut said = Said::default();
        for number in 0..10_000 {
            said.hear(format!("line {number}\n").as_bytes());
        }
        assert_eq!(said.stderr.len(), STDERR_BYTES);
        assert!(Vec::from(said.stderr).ends_with(b"line 9999\n"));
    }

    #[test]
    fn a_run_is_found_in_a_summary() {
        assert_eq!(run_of(br#"{"run":{"id":"a"}}"#).as_deref(), Some("a"));
        assert_eq!(run_of(b"written to own.toml"), None);
    }
}
