//! The files of a run, read, and what the pipeline decides about their rows.

use std::collections::BTreeMap;

use super::begin::{Begun, confirm};
use super::decisions::{Decisions, Refused};
use super::leavers::find_leavers;
use super::plan::{Guide, Rows, match_and_plan};
use super::read::read_people;
use super::{InputFile, Job, Ran};
use crate::memory::owners::Clashing;
use crate::refusal::Result;
use crate::row::Layout;
use crate::spool::Spool;
use crate::stages::drift::Profile;
use crate::stages::gates;
use crate::stages::lineage::Marks;
use crate::store::Store;
use crate::store::roll::Calling;

/// What was read of the files.
pub(super) struct Input {
    pub(super) files: Vec<InputFile>,
    layout: Layout,
    pub(super) spool: Spool,
    clashing: Clashing,
    /// The groups that are named, by key.
    groups: BTreeMap<String, String>,
    rules: [u64; 32],
    profile: Option<Profile>,
    marks: Marks,
}

impl Input {
    /// read → validate: the file's own truth.
    pub(super) fn read(job: &Job, mut files: Vec<InputFile>, layout: Layout) -> Result<Input> {
        let truth = read_people(job, &mut files, &layout)?;
        Ok(Input {
            clashing: truth
                .owners
                .clashing(job.pipeline.definition.rows.clashes)?,
            files,
            layout,
            spool: truth.spool,
            groups: truth.groups,
            rules: truth.rules,
            profile: truth.profile,
            marks: truth.marks,
        })
    }

    /// match, plan, gates: by the pipeline.
    pub(super) fn decide(
        &self,
        job: &Job,
        store: Option<&Store>,
        calling: Option<Calling>,
    ) -> Result<Decisions> {
        let guide = Guide::Pipeline {
            clashing: &self.clashing,
            files: &self.files,
        };
        let rows = Rows {
            job,
            layout: &self.layout,
            spool: &self.spool,
        };
        let mut planning = match_and_plan(&rows, &guide, &self.groups, store, calling)?;
        let mut leavers = find_leavers(job, &self.files, planning.unknown_rows, store)?;
        let mut gates = rows.ask(&planning, &leavers, self.profile.as_ref(), store)?;
        rows.hold_back(&mut planning, &mut leavers, &mut gates)?;
        let counts_absences = !gates::doubt_the_file(&gates);
        Ok(Decisions::new(
            planning,
            &self.groups,
            gates,
            leavers,
            counts_absences,
        ))
    }

    /// What is known of the run before anything is written.
    pub(super) fn with(
        self,
        job: &Job,
        decisions: Decisions,
        begun: Begun,
        store: Option<&Store>,
    ) -> Result<Ran> {
        Ok(Ran {
            lineage: confirm(job, &self.marks, &begun.run, store)?,
            marks: self.marks,
            files: self.files,
            layout: self.layout,
            spool: self.spool,
            decisions,
            refused: Refused::default(),
            profile: self.profile.map(Profile::kept),
            rules: self.rules,
            run: begun.run,
            from_plan: false,
            resumed_from: begun.resumed_from,
            given_up: begun.given_up,
            written: 0,
            shared: None,
            stopped: None,
        })
    }
}
