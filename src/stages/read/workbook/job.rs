//! What is asked of a reader of workbooks, and what it hands on.

use std::path::Path;

use super::super::input::File;
use super::limits::Limits;
use super::line::Line;
use super::refuse::refusal;
use crate::issue::Code;
use crate::refusal::Result;

/// A workbook to be read.
pub(super) struct Job<'a> {
    /// What messages call it.
    pub path: &'a Path,
    pub file: &'a File,
    pub limits: Limits,
    /// What is wanted of one sheet; otherwise the first rows of all of them.
    pub only: Option<Only>,
    /// Whether what cells that aren't text really hold is kept.
    pub natives: bool,
}

/// All rows of one sheet.
#[derive(Clone, Copy)]
pub(super) struct Only {
    /// Its index among the sheets of cells.
    pub sheet: usize,
    /// Whether its formulas are recorded.
    pub formulas: bool,
    /// The bytes of the parts that were checked when the workbook was looked at.
    pub checked: u64,
}

/// What follows a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Row,
    /// No more of this sheet.
    Sheet,
}

/// What every row that isn't blank is handed to, with its sheet's index among the sheets of cells.
pub(super) type Each<'a> = dyn FnMut(usize, &Line) -> Result<Next> + 'a;

/// Refuses a workbook with too many sheets.
pub(super) fn check_sheets(job: &Job, count: usize) -> Result<()> {
    if count > job.limits.sheets {
        let what = format!("has {count} sheets; the limit is {}", job.limits.sheets);
        return Err(refusal(Code::FileLimit, job.path, &what)
            .help("save only the sheet with the list as a new workbook"));
    }
    Ok(())
}
