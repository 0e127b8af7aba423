//! A plan that is applied, and what is decided about its rows now.

use super::begin::{Begun, confirm, inputs_of};
use super::decisions::{Decisions, Refused};
use super::leavers::find_leavers;
use super::plan::match_and_plan;
use super::read::groups_of;
use super::{Job, Ran};
use crate::leaver::Leaver;
use crate::ledger::planfile::PlanFile;
use crate::pipeline::rows::{Guide, Rows};
use crate::refusal::Result;
use crate::safeguard::Classes;
use crate::stages::revalidate::{self, Wanted};
use crate::stages::safeguards;
use crate::store::Store;

/// What [`super::apply`] is to do.
pub struct Order<'a> {
    /// The plan.
    pub plan: PlanFile,
    /// Its rows that are to be applied.
    pub wanted: &'a Wanted<'a>,
    /// Whether its leavers are to be deactivated, too.
    pub leavers: bool,
    /// Whether what drifted since the check is decided again.
    pub replan: bool,
    /// What the plan's run held and somebody let through.
    pub approved: Classes,
    /// Whether other processes may do a part of it.
    pub shares: bool,
}

impl Order<'_> {
    /// Whether those who are missing were counted when the plan was made.
    fn was_counted(&self) -> bool {
        self.approves() && !safeguards::doubt_the_file(&self.plan.head.safeguards)
    }

    fn approves(&self) -> bool {
        self.approved != Classes::default()
    }

    /// match, plan: by the plan, as far as the accounts are what it saw.
    pub(super) fn decide(&self, job: &Job, store: &Store) -> Result<Decisions> {
        let file = &self.plan;
        let rows = Rows {
            job,
            layout: &file.layout,
            spool: &file.spool,
        };
        let groups = groups_of(&rows)?;
        let planning = match_and_plan(&rows, &Guide::Plan(self), &groups, Some(store), None)?;
        let leavers = planned_leavers(job, self, planning.unknown_rows, store)?;
        let seen = rows.ask(&planning, &leavers, (None, &[]), Some(store))?;
        let safeguards = safeguards::after_a_look(seen, &file.head.safeguards, self.approved);
        let counts_absences = self.leavers && !self.was_counted();
        Ok(Decisions::new(
            planning,
            &groups,
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
        store: &Store,
    ) -> Result<Ran> {
        let file = self.plan;
        let mut resubmission = confirm(job, &file.head.row_refs, &begun.run, Some(store))?;
        let source = job.pipeline.definition.source();
        let from = &file.head.run;
        let mut run_log = store.to_fix(std::slice::from_ref(from), source, &begun.run.id)?;
        resubmission.go_on(from, run_log.remove(from));
        Ok(Ran {
            row_refs: file.head.row_refs,
            resubmission,
            files: file.files,
            layout: file.layout,
            spool: file.spool,
            decisions,
            refused: Refused::default(),
            profile: file.head.profile,
            rules: file.rules,
            run: begun.run,
            from_plan: true,
            resumed_from: begun.resumed_from,
            given_up: begun.given_up,
            written: 0,
            shared: None,
            first_load: None,
            stopped: None,
        })
    }
}

/// The leavers of a plan, as far as they still are.
fn planned_leavers(
    job: &Job,
    order: &Order,
    unknown_rows: u64,
    store: &Store,
) -> Result<Vec<Leaver>> {
    let file = &order.plan;
    if !order.leavers {
        return Ok(Vec::new());
    }
    let mut leavers = find_leavers(job, &file.files, unknown_rows, Some(store))?;
    let source = job.pipeline.definition.source();
    let (when, inputs) = (&file.head.created_at, inputs_of(&file.files));
    let overtaken = store.has_later_list(source, when, &inputs)?;
    let leaving = match (order.approves(), order.was_counted()) {
        (false, _) => revalidate::Leaving::Planned { overtaken },
        (true, true) => revalidate::Leaving::Counted,
        (true, false) => revalidate::Leaving::Doubted { overtaken },
    };
    revalidate::hold_unplanned(&mut leavers, &file.leavers, order.replan, leaving);
    Ok(leavers)
}
