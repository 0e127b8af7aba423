//! THE page: all of a run, pass by pass.
//!
//! ```text
//! file ─ read ─ map ─ clean ─ dedupe ─ validate ─┐      the file's own truth: pure, parallel by batch
//!                                                ├─ match ─ plan ─ gates ─┐      against the accounts: reads only
//!                                    database ───┘                        ├─ load ─ record      writes, in chunks
//! ```
//!
//! The first half ends in a spool: no row of a clash can be judged, and nothing written, before
//! the last row is read. The gates hold back what is too much of a kind, which the last row of the
//! plan decides. A check is an import that stops before `load`, so it tells the truth. Applying a
//! plan begins at that spool: the plan has it, with what the check decided.
//!
//! The passes themselves are in [`crate::stages`], and decide without I/O; the rooms below lead the
//! batches through them: `read` up to the spool (with `passwords` beside it), `plan`, `hold` and
//! `leavers` (and `change`, what a row does) against the accounts, with `roll` for those who stay as they
//! are and `twice` for those whom several rows mean, `write` into them, and `share` where several
//! processes do so.

mod change;
pub mod columns;
mod hold;
mod leavers;
mod managers;
mod passwords;
mod plan;
mod read;
mod roll;
mod share;
mod twice;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use self::leavers::find_leavers;
use self::managers::find_managers;
use self::plan::match_and_plan;
pub use self::read::told_order;
use self::read::{FileTruth, groups_of, open, read_people, slips_of};
use self::roll::call_roll;
use self::write::write;
use crate::definition::Pipeline;
use crate::issue::{Code, Issue};
use crate::memory::Budget;
use crate::memory::owners::Clashing;
use crate::outcome::{Exit, Outcome};
use crate::planfile::PlanFile;
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::row::{Layout, RowNumber};
use crate::spool::{PlanSpool, Spool};
use crate::stages::drift::Profile;
use crate::stages::follow::{self, Wanted};
use crate::stages::gates::{self, Class, Classes};
use crate::stages::leavers::Leaver;
use crate::stages::lineage::{Lineage, Marks};
use crate::stages::load::RunKey;
use crate::stages::managers::Wrong;
use crate::stages::map::{Mapping, Target};
use crate::stages::moves::Moves;
use crate::stages::read::Source;
use crate::store::Store;
use crate::store::runs::Begun;
use crate::store::share::Step;
use crate::summary::{Gate, Share};

/// What a run is asked to do.
pub struct Job<'a> {
    /// The files, in order; together they are one import.
    pub files: &'a [PathBuf],
    /// SHA-256 that the only file must have; `None` takes whatever is there.
    pub sha256: Option<&'a str>,
    /// By which pipeline.
    pub pipeline: &'a Pipeline,
    /// What names the run in what it writes.
    pub run: RunKey,
    /// Whether a plan is written of it, which says what the match saw of every row.
    pub for_plan: bool,
    /// Up to how many changes of a class somebody lets through this time.
    pub allowed: &'a [(Class, u64)],
    /// How much it may remember of the rows in memory.
    pub memory: Budget,
    /// Where its reports go.
    pub folder: &'a Path,
    /// Shows how far it is.
    pub progress: &'a Progress,
    /// Set from outside to make it stop cleanly.
    pub stop: &'a AtomicBool,
}

/// Everything that is known after a run, for the record.
pub struct Ran {
    /// The files and what their columns became.
    pub files: Vec<InputFile>,
    /// The slots of the run.
    pub layout: Layout,
    /// The rows, cleaned and validated.
    pub spool: Spool,
    /// The plan of every batch.
    pub plan: PlanSpool,
    /// What the safeguards said.
    pub gates: Vec<Gate>,
    /// What the files look like, where the pipeline compares them.
    pub profile: Option<Profile>,
    /// Outcomes and issues that came after a batch was planned.
    pub late: BTreeMap<RowNumber, (Outcome, Vec<Issue>)>,
    /// Which rows of earlier runs the rows say that they mend.
    pub marks: Marks,
    /// Which of these they do mend, as far as the books know them.
    pub lineage: Lineage,
    /// How many values each cleaning rule changed.
    pub rules: [u64; 32],
    /// What names the run; of the first try, when this one went on with it.
    pub run: RunKey,
    /// Whether the rows come from a plan; no file was read then.
    pub from_plan: bool,
    /// RFC 3339, when this run was begun first and cut off.
    pub resumed_from: Option<String>,
    /// The rows that pass on keys to each other.
    pub moves: Moves,
    /// Accounts that a full list doesn't name, and what happens to them.
    pub leavers: Vec<Leaver>,
    /// Whether leavers are no matter of this run.
    pub keeps_leavers: bool,
    /// How many accounts it made or changed.
    pub written: u64,
    /// Whether the run counts for the grace of those who are missing.
    pub counts_absences: bool,
    /// What this process did of a run that several share.
    pub shared: Option<Shared>,
    /// Why it stopped before its end.
    pub stopped: Option<Refusal>,
}

/// What a process did of a run that several share.
#[derive(Debug, Clone, Copy)]
pub struct Shared {
    /// How many chunks it wrote.
    pub share: Share,
    /// Whether it came to others who were at it.
    pub joined: bool,
    /// Whether it is the one that closes the run in the books.
    pub closes: bool,
}

/// What would happen, without a write.
///
/// # Errors
/// A refusal; nothing was written then.
pub fn check(job: &Job, store: Option<&mut Store>) -> Result<Ran> {
    let (mut files, layout) = open(job)?;
    let store = store.as_deref();
    // A check makes the views of a target only for itself: no other connection sees them.
    let is_own = job.pipeline.definition.target.is_none();
    let calling = call_roll(job, &files, &layout, store.filter(|_| is_own));
    let FileTruth {
        spool,
        owners,
        groups,
        rules,
        profile,
        slips,
        managers,
        marks,
        ..
    } = read_people(job, &mut files, &layout)?;
    let slips = slips_of(slips.as_ref(), &files, &spool)?;
    let groups = groups.most_used();
    let clashing = owners.clashing(job.pipeline.definition.rows.clashes)?;
    let rows = Rows {
        job,
        layout: &layout,
        spool: &spool,
    };
    let managers = find_managers(managers, &rows, store)?;
    let guide = Guide::Pipeline {
        clashing: &clashing,
        managers: &managers,
        files: &files,
    };
    let mut planning = match_and_plan(&rows, &guide, &groups, None, store, calling)?;
    let mut leavers = find_leavers(job, &files, &spool, store)?;
    let mut gates = rows.ask(&planning, &leavers, (profile.as_ref(), &slips), store)?;
    rows.hold_back(&mut planning, &mut leavers, &mut gates)?;
    let lineage = confirm(job, &marks, &job.run, store)?;
    Ok(Ran {
        marks,
        lineage,
        files,
        layout,
        spool,
        plan: planning.plan,
        gates,
        profile: profile.map(Profile::kept),
        late: planning.late,
        rules,
        run: job.run.clone(),
        from_plan: false,
        resumed_from: None,
        leavers,
        moves: planning.moves,
        keeps_leavers: false,
        counts_absences: true,
        written: 0,
        shared: None,
        stopped: None,
    })
}

/// The whole of it. Everything that is done to the database is done in here and in [`apply`].
///
/// # Errors
/// A refusal before any write; what stops it later is in [`Ran::stopped`].
pub fn import(job: &Job, store: &mut Store) -> Result<Ran> {
    let (mut files, layout) = open(job)?;
    let calling = call_roll(job, &files, &layout, Some(store));
    let FileTruth {
        spool,
        owners,
        groups,
        rules,
        profile,
        slips,
        managers,
        marks,
        ..
    } = read_people(job, &mut files, &layout)?;
    let slips = slips_of(slips.as_ref(), &files, &spool)?;
    let groups = groups.most_used();
    let clashing = owners.clashing(job.pipeline.definition.rows.clashes)?;
    let (run, begun) = begin(job, &files, store)?;
    let rows = Rows {
        job,
        layout: &layout,
        spool: &spool,
    };
    let managers = find_managers(managers, &rows, Some(store))?;
    let guide = Guide::Pipeline {
        clashing: &clashing,
        managers: &managers,
        files: &files,
    };
    let calling = calling.filter(|_| !begun.has_written());
    let mut planning = match_and_plan(&rows, &guide, &groups, Some(&begun), Some(store), calling)?;
    let mut leavers = find_leavers(job, &files, &spool, Some(store))?;
    let gates = if begun.has_written() {
        // A part of the plan is done, so that it can't be judged a second time.
        let mut again = begun.gates.clone();
        rows.hold_back(&mut planning, &mut leavers, &mut again)?;
        begun.gates
    } else {
        let mut gates = rows.ask(&planning, &leavers, (profile.as_ref(), &slips), Some(store))?;
        rows.hold_back(&mut planning, &mut leavers, &mut gates)?;
        gates
    };
    store.book_gates(&run.id, &gates)?;
    let needed = planning.needed_paths(&groups);
    let lineage = confirm(job, &marks, &run, Some(store))?;
    let ran = Ran {
        marks,
        lineage,
        files,
        layout,
        spool,
        plan: planning.plan,
        counts_absences: !gates::doubt_the_file(&gates),
        gates,
        profile: profile.map(Profile::kept),
        late: planning.late,
        rules,
        run,
        from_plan: false,
        resumed_from: begun.resumed_from,
        leavers,
        moves: planning.moves,
        keeps_leavers: false,
        written: 0,
        shared: None,
        stopped: None,
    };
    write(job, ran, &needed, store)
}

/// Exactly what a plan says, for those of its rows that are wanted. A row whose account is no
/// longer what the check saw is held, or decided anew. Nothing is held for being much: whoever
/// applies a plan has seen it. What the plan itself holds stays held until it is approved.
///
/// # Errors
/// As [`import`].
pub fn apply(job: &Job, mut order: Order, store: &mut Store) -> Result<Ran> {
    passwords::fetch(job, &mut order.plan)?;
    let file = &order.plan;
    let groups = groups_of(&file.spool, &file.layout, &job.pipeline.definition)?;
    let (run, mut begun) = if order.shares {
        share::join(job, &file.files, store)?
    } else {
        begin(job, &file.files, store)?
    };
    let rows = Rows {
        job,
        layout: &file.layout,
        spool: &file.spool,
    };
    let guide = Guide::Plan(&order);
    let plan = |begun: &Begun, store: &Store| {
        match_and_plan(&rows, &guide, &groups, Some(begun), Some(store), None)
    };
    let mut planning = plan(&begun, store)?;
    let opens = order.shares && store.begin_step(&run, Step::Open, job.stop)?;
    if order.shares && !opens && share::has_moved_on(job, &run, &mut begun, &planning, store)? {
        planning = plan(&begun, store)?;
    }
    let approves = order.approved != Classes::default();
    let was_counted = approves && !gates::doubt_the_file(&file.head.gates);
    let leavers = planned_leavers(job, &order, approves, was_counted, store)?;
    let gates = if begun.has_written() || begun.opened.is_some() {
        begun.gates
    } else {
        let seen = rows.ask(&planning, &leavers, (None, &[]), Some(store))?;
        gates::after_a_look(seen, &file.head.gates, order.approved)
    };
    if opens || !order.shares {
        store.book_gates(&run.id, &gates)?;
    }
    let needed = planning.needed_paths(&groups);
    let counts_absences = order.leavers && !was_counted;
    let file = order.plan;
    let mut lineage = confirm(job, &file.head.marks, &run, Some(store))?;
    let source = job.pipeline.definition.source();
    let from = &file.head.run;
    let mut books = store.to_mend(std::slice::from_ref(from), source, &run.id)?;
    lineage.go_on(from, books.remove(from));
    let ran = Ran {
        marks: file.head.marks,
        lineage,
        files: file.files,
        layout: file.layout,
        spool: file.spool,
        plan: planning.plan,
        gates,
        profile: file.head.profile,
        late: planning.late,
        rules: file.rules,
        run,
        from_plan: true,
        resumed_from: begun.resumed_from,
        leavers,
        moves: planning.moves,
        keeps_leavers: !order.leavers,
        counts_absences,
        written: 0,
        shared: None,
        stopped: None,
    };
    if order.shares {
        let joined = begun.joined;
        return share::write(job, ran, &needed, &file.plan, (opens, joined), store);
    }
    write(job, ran, &needed, store)
}

/// The leavers of a plan, as far as they still are.
fn planned_leavers(
    job: &Job,
    order: &Order,
    approves: bool,
    was_counted: bool,
    store: &Store,
) -> Result<Vec<Leaver>> {
    let file = &order.plan;
    if !order.leavers {
        return Ok(Vec::new());
    }
    let mut leavers = find_leavers(job, &file.files, &file.spool, Some(store))?;
    let source = job.pipeline.definition.source();
    let (when, inputs) = (&file.head.created_at, inputs_of(&file.files));
    let overtaken = store.has_later_list(source, when, &inputs)?;
    let leaving = match (approves, was_counted) {
        (false, _) => follow::Leaving::Planned { overtaken },
        (true, true) => follow::Leaving::Counted,
        (true, false) => follow::Leaving::Doubted { overtaken },
    };
    follow::hold_unplanned(&mut leavers, &file.leavers, order.replan, leaving);
    Ok(leavers)
}

/// What [`apply`] is to do.
pub struct Order<'a> {
    /// The plan.
    pub plan: PlanFile,
    /// Its rows that are to be applied.
    pub wanted: &'a Wanted<'a>,
    /// Whether its leavers are to be deactivated, too.
    pub leavers: bool,
    /// Whether what drifted since the check is decided anew.
    pub replan: bool,
    /// What the plan's run held and somebody let through.
    pub approved: Classes,
    /// Whether other processes may do a part of it.
    pub shares: bool,
}

/// By what the rows are decided.
enum Guide<'a> {
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
struct Rows<'a> {
    job: &'a Job<'a>,
    layout: &'a Layout,
    spool: &'a Spool,
}

/// A file of the run and what its columns became.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InputFile {
    /// The file.
    pub source: Source,
    /// What each column became.
    pub targets: Vec<Target>,
    /// How the columns fill the layout.
    pub mapping: Mapping,
}

/// Batches that go through the parallel passes together. Enough to keep the cores busy, few
/// enough that memory doesn't notice.
pub(crate) const GROUP_BATCHES: usize = 8;

/// Begins the run in the books, or takes up the one that was cut off.
fn begin(job: &Job, files: &[InputFile], store: &Store) -> Result<(RunKey, Begun)> {
    let inputs = inputs_of(files);
    let folder = job.folder.display().to_string();
    let begun = store.begin_run(&job.run.id, job.run.seed, &inputs, job.pipeline, &folder)?;
    let run = RunKey {
        id: begun.id.clone(),
        seed: begun.seed,
        started_ms: begun.started_ms,
    };
    Ok((run, begun))
}

/// Which rows the run mends, as far as the books know them.
fn confirm(job: &Job, marks: &Marks, run: &RunKey, store: Option<&Store>) -> Result<Lineage> {
    let Some(store) = store.filter(|_| !marks.is_empty()) else {
        return Ok(Lineage::default());
    };
    let source = job.pipeline.definition.source();
    let books = store.to_mend(&marks.runs(), source, &run.id)?;
    Ok(Lineage::new(marks, books))
}

/// SHA-256 of each file.
pub(crate) fn inputs_of(files: &[InputFile]) -> Vec<String> {
    let hashes = files.iter().map(|file| file.source.sha256.clone());
    hashes.collect()
}

fn stopped_early() -> Refusal {
    Refusal::new(
        Code::RunStopped,
        "stopped as asked, before anything was written",
    )
    .help("run the same command again")
    .exit(Exit::Stopped)
}
