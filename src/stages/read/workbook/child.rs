//! The calling side: starts the reading process, receives its result, and turns every way it can
//! end into a clear message.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::super::Process;
use super::super::input::File;
use super::limits::{LIMITS, grouped, mebibytes};
use super::refuse::{damaged, refusal};
use super::wire;
use super::worker::{Request, answer};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// The hidden command that makes this program a reading process.
pub const COMMAND: &str = "read-workbook";
/// Frames that may wait.
const FRAMES_WAITING: usize = 8;
/// The most bytes of its last words that are looked at.
const LAST_WORDS_BYTES: u64 = 4096;
/// SIGXCPU on every platform that this runs on.
const SIGXCPU: i32 = 24;
const SIGKILL: i32 = 9;

/// What is said about a workbook, frame by frame.
pub(super) struct Answer<'a> {
    path: &'a Path,
    bytes: u64,
    frames: Receiver<(u8, Vec<u8>)>,
    child: Option<Child>,
}

impl<'a> Answer<'a> {
    /// Asks for something of a workbook, which is `bytes` long. The file's own position is moved.
    pub(super) fn ask(
        process: &Process,
        path: &'a Path,
        file: &File,
        bytes: u64,
        request: Request,
    ) -> Result<Answer<'a>> {
        let (sender, frames) = sync_channel(FRAMES_WAITING);
        let failed = |error: std::io::Error| {
            refusal(
                Code::FileUnreadable,
                path,
                &format!("can't be read, because the reading process can't be started: {error}"),
            )
        };
        let input = file.try_clone().map_err(failed)?;
        let (mut child, mut output): (_, Box<dyn Read + Send>) = match process {
            Process::Of(program) => {
                let mut child = start(program, path, input, request).map_err(failed)?;
                let Some(output) = child.stdout.take() else {
                    return Err(failed(std::io::Error::other("it has no output")));
                };
                (Some(child), Box::new(output))
            }
            Process::Own => {
                let (output, mut says) = std::io::pipe().map_err(failed)?;
                let path = path.to_path_buf();
                std::thread::spawn(move || answer(&path, &input, request, LIMITS, &mut says));
                (None, Box::new(output))
            }
        };
        let read = move || {
            while let Some(frame) = wire::receive(&mut output) {
                if sender.send(frame).is_err() {
                    return;
                }
            }
        };
        if let Err(error) = std::thread::Builder::new().spawn(read) {
            if let Some(child) = &mut child {
                end(child);
            }
            return Err(failed(error));
        }
        Ok(Answer {
            path,
            bytes,
            frames,
            child,
        })
    }

    /// The next frame; `None` when all was said.
    pub(super) fn next(&mut self) -> Result<Option<(u8, Vec<u8>)>> {
        // It computes no longer than that, and may be slowed down by a busy machine.
        let patience = Duration::from_secs(LIMITS.seconds(self.bytes) * 4);
        match self.frames.recv_timeout(patience) {
            Ok((wire::END, _)) => match self.status() {
                Some((true, _, _)) | None => Ok(None),
                Some(_) => Err(self.nonsense()),
            },
            Ok((wire::REFUSED, body)) => {
                Err(wire::refusal(&body).unwrap_or_else(|| self.nonsense()))
            }
            Ok(frame) => Ok(Some(frame)),
            Err(RecvTimeoutError::Timeout) => Err(self.too_slow()),
            Err(RecvTimeoutError::Disconnected) => Err(self.broken_off()),
        }
    }

    /// The refusal for an answer that is none.
    pub(super) fn nonsense(&self) -> Refusal {
        damaged(self.path, &"its content can't be parsed")
    }

    fn too_slow(&self) -> Refusal {
        let seconds = LIMITS.seconds(self.bytes);
        let what = format!("takes more than {seconds} seconds to read; that is the limit");
        refusal(Code::FileLimit, self.path, &what).help(SMALLER)
    }

    /// How the process ended: whether well, by which signal, and what it said last.
    fn status(&mut self) -> Option<(bool, Option<i32>, String)> {
        let child = self.child.as_mut()?;
        let mut words = String::new();
        if let Some(stderr) = child.stderr.take() {
            let mut bytes = Vec::new();
            let _ = stderr.take(LAST_WORDS_BYTES).read_to_end(&mut bytes);
            words = String::from_utf8_lossy(&bytes).into_owned();
        }
        let status = child.wait().ok()?;
        Some((status.success(), status.signal(), words))
    }

    fn broken_off(&mut self) -> Refusal {
        match self.status() {
            Some((_, Some(SIGXCPU | SIGKILL), _)) => self.too_slow(),
            Some((_, _, words)) if words.contains("memory allocation of") => {
                let limit = mebibytes(LIMITS.memory);
                let what = format!(
                    "is damaged, or holds too much: reading its {} bytes takes more than {limit} of memory, which is the limit",
                    grouped(self.bytes)
                );
                refusal(Code::FileLimit, self.path, &what).help(SMALLER)
            }
            _ => self.nonsense(),
        }
    }
}

const SMALLER: &str =
    "open it in Excel and save only the sheet with the list as a new workbook, or as CSV";

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            end(child);
        }
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn start(program: &Path, path: &Path, input: File, request: Request) -> std::io::Result<Child> {
    Command::new(program)
        .arg(COMMAND)
        .arg("--")
        .arg(path)
        .args(request.arguments())
        .env_clear()
        .current_dir("/")
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}
