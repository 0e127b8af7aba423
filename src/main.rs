//! The binary `muster`: hands the command line to the library and ends with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(muster::cli::run() as u8)
}
