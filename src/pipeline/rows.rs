//! The rows of a run, and by what they are decided.

use super::{Job, Order};
use crate::row::Layout;
use crate::spool::Spool;
use crate::stages::clash::owners::Clashing;
use crate::stages::managers::Wrong;
use crate::stages::read::InputFile;

/// By what the rows are decided.
pub(super) enum Guide<'a> {
    /// By the pipeline, knowing how the clashes of the files ended.
    Pipeline {
        clashing: &'a Clashing,
        managers: &'a [Wrong],
        files: &'a [InputFile],
    },
    /// By a plan, as long as the accounts are what it saw.
    Plan(&'a Order<'a>),
}

/// The rows of a run, and what they are for.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) layout: &'a Layout,
    pub(super) spool: &'a Spool,
}
