//! What is known after a run: everything that is reported about it comes from here.

use crate::stages::read::InputFile;

use super::decisions::{Decisions, Refused};
use crate::decision::Planned;
use crate::leaver::Leaver;
use crate::ledger::planfile::Contents;
use crate::profile::Profile;
use crate::refusal::{Refusal, Result};
use crate::row::{Layout, People};
use crate::run_key::RunKey;
use crate::safeguard::Safeguard;
use crate::spool::Spool;
use crate::stages::resubmission::{Resubmissions, RowRefs};
use crate::summary::{FirstLoad, Share};

/// Everything that is known after a run, for the record.
pub struct Ran {
    /// The files and what their columns became.
    pub files: Vec<InputFile>,
    /// The slots of the run.
    pub layout: Layout,
    /// The rows, cleaned and validated.
    pub spool: Spool,
    /// What happens to them and to the leavers, and what the safeguards said.
    pub decisions: Decisions,
    /// What of that the database refused, and what isn't written yet.
    pub refused: Refused,
    /// What the files look like, where the pipeline compares them.
    pub profile: Option<Profile>,
    /// Which rows of earlier runs the rows say that they fix.
    pub row_refs: RowRefs,
    /// Which of these they do fix, as far as the run log knows them.
    pub resubmission: Resubmissions,
    /// How many values each cleaning rule changed.
    pub rules: [u64; 32],
    /// What names the run; of the first try, when this one went on with it.
    pub run: RunKey,
    /// Whether the rows come from a plan; no file was read then.
    pub from_plan: bool,
    /// RFC 3339, when this run was begun first and cut off.
    pub resumed_from: Option<String>,
    /// A run of the same input that was interrupted and couldn't go on.
    pub given_up: Option<String>,
    /// How many accounts it made or changed.
    pub written: u64,
    /// What this process did of a run that several share.
    pub shared: Option<Shared>,
    /// How a first import was written.
    pub first_load: Option<FirstLoad>,
    /// Why it stopped before its end.
    pub stopped: Option<Refusal>,
}

impl Ran {
    /// The rows of batch number `batch`, and what happened to them.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk fails.
    pub fn read(&self, batch: usize) -> Result<(People, Planned)> {
        let people = self.spool.read(batch)?;
        let mut planned = self.decisions.read(batch)?;
        self.refused.apply_to(&mut planned, people.drafts.first_row);
        Ok((people, planned))
    }

    /// What a plan file keeps of it.
    pub fn contents(&self) -> Contents<'_> {
        Contents {
            run: &self.run.id,
            files: &self.files,
            layout: &self.layout,
            spool: &self.spool,
            read: Box::new(|batch| self.read(batch)),
            leavers: self.leavers(),
            safeguards: self.safeguards(),
            profile: self.profile.as_ref(),
            row_refs: &self.row_refs,
            rules: &self.rules,
        }
    }

    /// What the safeguards said.
    pub fn safeguards(&self) -> &[Safeguard] {
        &self.decisions.whole.safeguards
    }

    /// Accounts that a full list doesn't name, and what happens to them.
    pub fn leavers(&self) -> &[Leaver] {
        &self.decisions.whole.leavers
    }
}

/// What a process did of a run that several share.
#[derive(Debug, Clone, Copy)]
pub struct Shared {
    /// How many chunks it wrote.
    pub share: Share,
    /// Whether it came to others who were at it.
    pub joined: bool,
    /// Whether it is the one that closes the run in the run log.
    pub closes: bool,
}
