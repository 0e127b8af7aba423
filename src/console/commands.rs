//! Commands whose answer a page waits for: they read files that somebody sent, which the console's
//! own process never does.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::App;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// How long such a command may take.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(10);
/// The most that is taken of what it prints.
const PRINTED_BYTES: u64 = 8 << 20;

/// What a command came to.
pub(super) struct Output {
    /// What it printed.
    pub stdout: String,
    /// What it said besides.
    pub stderr: String,
}

/// Runs muster with these arguments and that on standard input.
///
/// # Errors
/// `file.limit` for a command that takes too long; `file.unreadable` for one that can't be started.
pub(super) fn output(app: &App, args: &[String], stdin: &str) -> Result<Output> {
    let failed = |error: std::io::Error| {
        let what = format!("the command can't be started: {error}");
        Refusal::new(Code::FileUnreadable, what)
    };
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    if let Some(url) = &app.database {
        command.env("DATABASE_URL", url);
    }
    let mut child = command
        .args(args)
        .env("NO_COLOR", "1")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut pipe) = child.stdin.take() {
        let text = stdin.to_string();
        // A command that doesn't read it says so itself.
        thread::spawn(move || pipe.write_all(text.as_bytes()));
    }
    let printed = child.stdout.take().map(read);
    let said = child.stderr.take().map(read);
    let since = Instant::now();
    loop {
        match child.try_wait().map_err(failed)? {
            Some(_) => break,
            None if since.elapsed() > PATIENCE => {
                let _ = child.kill();
                let _ = child.wait();
                let what = format!(
                    "looking at the file took more than {} s",
                    PATIENCE.as_secs()
                );
                return Err(Refusal::new(Code::FileLimit, what));
            }
            None => thread::sleep(PAUSE),
        }
    }
    let text = |reading: Option<thread::JoinHandle<String>>| {
        reading
            .and_then(|reading| reading.join().ok())
            .unwrap_or_default()
    };
    Ok(Output {
        stdout: text(printed),
        stderr: text(said),
    })
}

fn read(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.by_ref().take(PRINTED_BYTES).read_to_end(&mut bytes);
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A refusal as a command prints it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// The stable code.
    pub code: String,
    /// What was found.
    pub what: String,
    /// How to fix it.
    pub help: String,
}

impl Said {
    /// The refusal in what a command said, if there is one.
    pub(super) fn of(stderr: &str) -> Option<Said> {
        let (code, rest) = stderr.split_once("error[")?.1.split_once("]: ")?;
        let (what, help) = rest.split_once("\n  help: ").unwrap_or((rest, ""));
        let help: Vec<&str> = help.lines().map(str::trim).collect();
        Some(Said {
            code: code.to_string(),
            what: what.trim().to_string(),
            help: help.join("\n"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_as_it_is_printed() {
        let stderr = "a remark\nerror[file.empty]: `a.csv` is empty\n  help: export it again\n        as CSV\n";
        let said = Said::of(stderr).unwrap();
        assert_eq!(said.code, "file.empty");
        assert_eq!(said.what, "`a.csv` is empty");
        assert_eq!(said.help, "export it again\nas CSV");
        assert!(Said::of("no error here").is_none());
    }
}
