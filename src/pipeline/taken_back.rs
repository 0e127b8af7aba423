//! What an undo comes to.

use crate::history::Left;
use crate::outcome::{Counts, Outcome};
use crate::summary::Undone;

/// What was taken back, or would be.
pub struct TakenBack {
    /// What happened to the accounts.
    pub counts: Counts,
    /// What was done to them.
    pub undone: Undone,
    /// What stays as it is.
    pub left: Vec<Left>,
    /// Whether somebody stopped it before its end.
    pub stopped: bool,
}

impl TakenBack {
    /// What `undoing` came to, of `total` accounts. Those that it didn't reach are held.
    pub(super) fn of(
        (mut counts, undone, left): (Counts, Undone, Vec<Left>),
        total: u64,
        stopped: bool,
    ) -> TakenBack {
        for _ in counts.read..total.max(counts.read) {
            counts.add(Outcome::Held);
        }
        TakenBack {
            counts,
            undone,
            left,
            stopped,
        }
    }
}
