//! Why a chunk's transaction came to nothing.

use tokio_postgres::error::SqlState;

/// Who wrote a chunk of a run that processes may share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// This process.
    Us,
    /// Another one, and it is in.
    Others,
    /// Another one, if it lives.
    Nobody,
    /// None, and none can: the load tables refuse it.
    Refused,
}

/// Why a chunk's transaction came to nothing, by what helps.
pub(super) enum Trouble {
    /// Take the staged way.
    Surprise,
    /// COPY is not for this table: take the staged way from now on, with a new connection.
    NoCopy,
    /// Try again.
    Busy(tokio_postgres::Error),
    /// Connect again, and look whether the commit went through.
    Lost(tokio_postgres::Error),
    /// The load tables refuse it, in these words.
    Refused(String),
    /// Another process that shares the run writes the chunk, or has.
    Taken(By),
    /// Nothing helps.
    Fatal(tokio_postgres::Error),
}

pub(super) fn trouble(error: tokio_postgres::Error) -> Trouble {
    const BUSY: [SqlState; 3] = [
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::LOCK_NOT_AVAILABLE,
    ];
    match error.code() {
        Some(state) if BUSY.contains(state) => Trouble::Busy(error),
        Some(state) if state.code().starts_with("57P0") || state.code().starts_with("08") => {
            Trouble::Lost(error)
        }
        Some(_) => Trouble::Fatal(error),
        None => Trouble::Lost(error),
    }
}
