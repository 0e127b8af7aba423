//! The reading process's side: limits itself, reads the workbook on its standard input, and says
//! on its standard output what it found.
//!
//! A file that was made to crash the parser, to make it loop or to fill memory only affects this
//! process, which has no file except the workbook, no environment, and no right to open, write or
//! start anything.

use std::ffi::OsString;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::super::input::File;
use super::job::{Each, Job, Next, Only};
use super::limits::{LIMITS, Limits};
use super::refuse::{damaged, quietly, refusal};
use super::wire::{self, Book, BookKind};
use super::{kind, ods, parquet, xls, xlsb, xlsx};
use crate::issue::Code;
use crate::refusal::Result;

/// How many rows that aren't blank are looked at for the header.
const HEADER_ROWS_MAX: usize = 20;

/// What is asked of a workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// Its sheets and the first rows of each, at least to this row.
    Look { header_row: u64 },
    /// All rows of one of its sheets, below this one.
    Rows {
        sheet: usize,
        below: u64,
        formulas: bool,
        /// Whether what cells that aren't text really hold is to be said, too.
        natives: bool,
        /// What [`Book`] says of it.
        checked: u64,
    },
}

impl Request {
    /// As arguments of the reading process.
    pub(super) fn arguments(self) -> Vec<String> {
        match self {
            Request::Look { header_row } => vec!["look".into(), header_row.to_string()],
            Request::Rows {
                sheet,
                below,
                formulas,
                natives,
                checked,
            } => vec![
                "rows".into(),
                sheet.to_string(),
                below.to_string(),
                formulas.to_string(),
                natives.to_string(),
                checked.to_string(),
            ],
        }
    }

    fn parse(words: &[OsString]) -> Option<Request> {
        let words: Vec<&str> = words
            .iter()
            .map(|word| word.to_str())
            .collect::<Option<_>>()?;
        match words.as_slice() {
            ["look", header_row] => Some(Request::Look {
                header_row: header_row.parse().ok()?,
            }),
            ["rows", sheet, below, formulas, natives, checked] => Some(Request::Rows {
                sheet: sheet.parse().ok()?,
                below: below.parse().ok()?,
                formulas: formulas.parse().ok()?,
                natives: natives.parse().ok()?,
                checked: checked.parse().ok()?,
            }),
            _ => None,
        }
    }
}

/// All that the reading process does. `words` are what the file is called, and the request.
/// `false` when it was not started as one.
pub fn main(words: &[OsString]) -> bool {
    let Some((path, words)) = words.split_first() else {
        return false;
    };
    let Some(request) = Request::parse(words) else {
        return false;
    };
    let taken = (
        std::io::stdin().as_fd().try_clone_to_owned(),
        std::io::stdout().as_fd().try_clone_to_owned(),
    );
    let (Ok(input), Ok(output)) = taken else {
        return false;
    };
    let (file, mut out) = (File::from(input), File::from(output));
    let Ok(bytes) = file.metadata().map(|metadata| metadata.len()) else {
        return false;
    };
    if confine(&LIMITS, bytes).is_err() {
        return false;
    }
    answer(&PathBuf::from(path), &file, request, LIMITS, &mut out);
    true
}

/// Gives up every right that reading an open file doesn't need.
fn confine(limits: &Limits, bytes: u64) -> rustix::io::Result<()> {
    let set = |resource, most| {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit)
    };
    set(Resource::Cpu, limits.seconds(bytes))?;
    set(Resource::Fsize, 0)?;
    set(Resource::Core, 0)?;
    set(Resource::Nofile, 0)?;
    set(Resource::Nproc, 0)?;
    // The program itself is mapped, too, which the limit of the address space has to leave room
    // for; the memory that it can fill is what counts.
    set(Resource::Data, limits.memory)?;
    set(Resource::As, limits.memory * 4)
}

/// Reads a workbook and says what was asked for. What can't be written isn't wanted any more.
pub(super) fn answer(
    path: &Path,
    file: &File,
    request: Request,
    limits: Limits,
    out: &mut impl Write,
) {
    let result = quietly(path, || work(path, file, request, limits, out)).and_then(|result| result);
    let _ = match result {
        Ok(()) => wire::send(out, wire::END, &[]),
        Err(refusal) => wire::send(out, wire::REFUSED, &wire::refused(&refusal)),
    };
}

fn work(
    path: &Path,
    file: &File,
    request: Request,
    limits: Limits,
    out: &mut impl Write,
) -> Result<()> {
    let job = Job {
        path,
        file,
        limits,
        only: match request {
            Request::Look { .. } => None,
            Request::Rows {
                sheet,
                formulas,
                checked,
                ..
            } => Some(Only {
                sheet,
                formulas,
                checked,
            }),
        },
        natives: matches!(request, Request::Rows { natives: true, .. }),
    };
    let gone = |error: std::io::Error| damaged(path, &error);
    let mut frame = Vec::with_capacity(wire::FRAME_BYTES * 2);
    let mut current = 0;
    let mut seen = 0;
    let mut formats = 0;
    let book = pass(&job, &mut |sheet, line| {
        if let Request::Look { header_row } = request {
            while current < sheet {
                wire::send(out, wire::ROWS, &frame).map_err(gone)?;
                frame.clear();
                wire::send(out, wire::NEXT_SHEET, &[]).map_err(gone)?;
                (current, seen) = (current + 1, 0);
            }
            if seen >= HEADER_ROWS_MAX && line.number > header_row {
                return Ok(Next::Sheet);
            }
            seen += 1;
        } else if let Request::Rows { below, .. } = request
            && line.number <= below
        {
            return Ok(Next::Row);
        }
        let new = line.new_formats(&mut formats);
        if !new.is_empty() {
            wire::send(out, wire::ROWS, &frame).map_err(gone)?;
            frame.clear();
            let new = serde_json::to_vec(new).map_err(|error| damaged(path, &error))?;
            wire::send(out, wire::FORMATS, &new).map_err(gone)?;
        }
        wire::add_row(&mut frame, line);
        if frame.len() >= wire::FRAME_BYTES {
            wire::send(out, wire::ROWS, &frame).map_err(gone)?;
            frame.clear();
        }
        Ok(Next::Row)
    })?;
    if !frame.is_empty() {
        wire::send(out, wire::ROWS, &frame).map_err(gone)?;
    }
    let book = serde_json::to_vec(&book).map_err(|error| damaged(path, &error))?;
    wire::send(out, wire::BOOK, &book).map_err(gone)
}

/// Goes through a workbook of whatever kind.
fn pass(job: &Job, each: &mut Each) -> Result<Book> {
    let bytes = job
        .file
        .metadata()
        .map_err(|error| damaged(job.path, &error))?
        .len();
    if bytes > job.limits.packed {
        let limit = super::limits::mebibytes(job.limits.packed);
        let what = format!("has {bytes} bytes; the limit is {limit}");
        return Err(refusal(Code::FileLimit, job.path, &what));
    }
    let book = match kind::of(job)? {
        BookKind::Xlsx => xlsx::pass(job, each),
        BookKind::Xlsb => xlsb::pass(job, each),
        BookKind::Xls => xls::pass(job, each),
        BookKind::Ods => ods::pass(job, each),
        BookKind::Parquet => parquet::pass(job, each),
    }?;
    Ok(book)
}
