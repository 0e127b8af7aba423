//! `muster read-workbook`: the process that reads workbooks, without the privileges of the main
//! process. Muster starts it itself.

use std::ffi::OsString;
use std::sync::Arc;

use clap::Args;

use crate::outcome::Exit;
use crate::stages::read::{Process, Reader, workbook};

#[derive(Args)]
pub(super) struct ReadArgs {
    /// What the file is called, and what is asked of it
    #[arg(required = true)]
    words: Vec<OsString>,
}

/// What a command reads files with: workbooks are read by this program, started again for each pass.
/// Where a system doesn't tell a program its own path, the name that it has on Linux is taken, and a
/// failure to start it is a refusal.
#[derive(Clone)]
pub(super) struct Reading(pub(super) Arc<Reader>);

impl Default for Reading {
    fn default() -> Reading {
        let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
        Reading(Arc::new(Reader::by(Process::Of(program))))
    }
}

/// Reads; the answer and any problem go to the process that asked.
pub(super) fn read(args: &ReadArgs) -> Exit {
    if workbook::main(&args.words) {
        Exit::Done
    } else {
        Exit::Refused
    }
}
