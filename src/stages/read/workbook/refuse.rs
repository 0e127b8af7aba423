//! What is said about files that can't be read, and how a parser's panic becomes one of these.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Once;

use calamine::{XlsError, XlsxError};

use crate::issue::Code;
use crate::refusal::{Refusal, Result};

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}
static HOOK: Once = Once::new();

/// Calls a parser that may panic on a damaged file, and makes a refusal of it. Without a word on
/// stderr: the person who has the file should read one message, not a trace.
pub(super) fn quietly<T>(path: &Path, call: impl FnOnce() -> T) -> Result<T> {
    HOOK.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    QUIET.set(false);
    result.map_err(|_| damaged(path, &"its content can't be parsed"))
}

pub(super) fn broken(path: &Path, error: &XlsxError) -> Refusal {
    match error {
        XlsxError::Password => encrypted(path),
        XlsxError::Unrecognized {
            typ: "sheet:type", ..
        } => refusal(
            Code::FileFormat,
            path,
            "has a sheet of a kind that muster doesn't read",
        )
        .help("save the sheet with the list as a separate workbook, or as CSV"),
        error => damaged(path, error),
    }
}

/// What can't be read of a workbook of Excel 97 to 2003.
pub(super) fn broken_xls(path: &Path, error: &XlsError) -> Refusal {
    match error {
        XlsError::Password => encrypted(path),
        error => damaged(path, error),
    }
}

pub(super) fn encrypted(path: &Path) -> Refusal {
    refusal(Code::FileEncrypted, path, "is protected with a password")
}

pub(super) fn damaged(path: &Path, error: &dyn std::fmt::Display) -> Refusal {
    let error: String = error.to_string().chars().take(200).collect();
    refusal(
        Code::FileDamaged,
        path,
        &format!("is damaged: {}", printable(&error)),
    )
}

/// Text from a file as it may be in a message on a terminal.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

pub(super) fn refusal(code: Code, path: &Path, what: &str) -> Refusal {
    Refusal::new(code, format!("`{}` {what}", path.display()))
}
