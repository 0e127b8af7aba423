//! Why a run was refused: a code, what was found, how to fix it, and the exit code.

use std::fmt;

use crate::issue::Code;
use crate::outcome::Exit;

/// An error of the run as a whole. Problems of single rows are [`crate::issue::Issue`]s instead.
#[derive(Debug)]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// How the process ends because of it.
    pub exit: Exit,
    /// What was found and where; lower case, no full stop.
    pub what: String,
    /// How to fix it; several lines are allowed.
    pub help: String,
}

impl Refusal {
    /// A refusal before any write, with the code's own advice.
    pub fn new(code: Code, what: impl Into<String>) -> Refusal {
        Refusal {
            code,
            exit: Exit::Refused,
            what: what.into(),
            help: code.fix().to_string(),
        }
    }

    /// The same with better advice.
    pub fn help(mut self, help: impl Into<String>) -> Refusal {
        self.help = help.into();
        self
    }

    /// The same with another end.
    pub fn exit(mut self, exit: Exit) -> Refusal {
        self.exit = exit;
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)
    }
}

impl std::error::Error for Refusal {}

/// What every fallible function of the crate returns.
pub type Result<T> = std::result::Result<T, Refusal>;
