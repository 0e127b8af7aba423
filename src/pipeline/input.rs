//! Reads the files of a run, and decides about their rows.

use std::collections::BTreeMap;

use super::begin::{Begun, confirm};
use super::decisions::{Decisions, Refused};
use super::leavers::find_leavers;
use super::managers::find_managers;
use super::plan::match_and_plan;
use super::read::{read_people, slips_of};
use super::{Job, Ran};
use crate::pipeline::rows::{Guide, Rows};
use crate::profile::Profile;
use crate::refusal::Result;
use crate::row::Layout;
use crate::spool::Spool;
use crate::stages::clash::key_index::Clashing;
use crate::stages::managers::index::Managers;
use crate::stages::read::InputFile;
use crate::stages::resubmission::RowRefs;
use crate::stages::safeguards;
use crate::store::Store;
use crate::store::snapshot::SnapshotScan;

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
    /// What shows that columns slipped against each other.
    slips: Vec<String>,
    /// Whom the rows name as managers, until that is judged.
    managers: Option<Managers>,
    /// How many rows name the account that they were exported from.
    exported: u64,
    row_refs: RowRefs,
}

impl Input {
    /// read → validate: the file's own truth.
    pub(super) fn read(job: &Job, mut files: Vec<InputFile>, layout: Layout) -> Result<Input> {
        let truth = read_people(job, &mut files, &layout)?;
        Ok(Input {
            slips: slips_of(truth.slips.as_ref(), &files, &truth.spool)?,
            managers: Some(truth.managers),
            exported: truth.exported,
            clashing: truth
                .key_index
                .clashing(job.pipeline.definition.rows.clashes)?,
            files,
            layout,
            spool: truth.spool,
            groups: truth.groups.most_used(),
            rules: truth.rules,
            profile: truth.profile,
            row_refs: truth.row_refs,
        })
    }

    /// match, plan, safeguards: by the pipeline.
    pub(super) fn decide(
        &mut self,
        job: &Job,
        store: Option<&Store>,
        scanning: Option<SnapshotScan>,
    ) -> Result<Decisions> {
        let rows = Rows {
            job,
            layout: &self.layout,
            spool: &self.spool,
        };
        let managers = match self.managers.take() {
            Some(managers) => find_managers(managers, &rows, store)?,
            None => Vec::new(),
        };
        let guide = Guide::Pipeline {
            clashing: &self.clashing,
            managers: &managers,
            files: &self.files,
            row_refs: &self.row_refs,
        };
        let mut planning = match_and_plan(&rows, &guide, &self.groups, store, scanning)?;
        let mut leavers = find_leavers(job, &self.files, planning.unknown_rows, store)?;
        let mut doubts = self.slips.clone();
        if let Some(store) = store.filter(|_| self.exported > 0)
            && store.has_accounts()?
        {
            doubts.extend(safeguards::exported(
                &planning.facts,
                self.spool.rows(),
                self.exported,
            ));
        }
        let mut safeguards =
            rows.ask(&planning, &leavers, (self.profile.as_ref(), &doubts), store)?;
        rows.hold_back(&mut planning, &mut leavers, &mut safeguards)?;
        let counts_absences = !safeguards::doubt_the_file(&safeguards);
        Ok(Decisions::new(
            planning,
            &self.groups,
            safeguards,
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
            resubmission: confirm(job, &self.row_refs, &begun.run, store)?,
            row_refs: self.row_refs,
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
            first_load: None,
            stopped: None,
        })
    }
}
