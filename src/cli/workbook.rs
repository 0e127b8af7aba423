//! `muster read-workbook`: the process that reads workbooks, apart from the one that has rights.
//! Nobody types it.

use std::ffi::OsString;

use clap::Args;

use crate::outcome::Exit;
use crate::stages::read::workbook::{self, child};

#[derive(Args)]
pub(super) struct ReadArgs {
    /// What the file is called, and what is asked of it
    #[arg(required = true)]
    words: Vec<OsString>,
}

/// Lets workbooks be read by this program, started anew. Where a system doesn't tell a program its
/// own path, the name that it has on Linux is taken, and a failure to start it is a refusal.
pub(super) fn isolate() {
    let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    child::isolate(program);
}

/// Reads; the answer and any problem go to the process that asked.
pub(super) fn read(args: &ReadArgs) -> Exit {
    if workbook::main(&args.words) {
        Exit::Done
    } else {
        Exit::Refused
    }
}
