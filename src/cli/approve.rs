//! `muster approve`: lets through what the safeguards held of a run, exactly as it was planned.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;

use super::import::{PLAN, RunArgs, Task, carry_out, new_run, today};
use super::invite::{find_import, open_store};
use super::{DatabaseArgs, MemoryArgs, shell_word};
use crate::issue::{Code, Issue};
use crate::outcome::{Exit, Outcome};
use crate::pipeline::Order;
use crate::planfile;
use crate::refusal::{Refusal, Result};
use crate::row::RowNumber;
use crate::stages::gates::{Class, Classes, waits_by};
use crate::store::Store;
use crate::store::runs::Booked;
use crate::summary::{Approval, Ruling, Summary};

#[derive(Args)]
pub(super) struct ApproveArgs {
    /// The run, the beginning of its id, or `last` for the latest that something is held of
    #[arg(value_name = "RUN")]
    run: String,
    /// Only what is held for this reason, such as `deactivate`; may be given several times
    #[arg(long, value_name = "CLASS")]
    class: Vec<String>,
    /// Who approves it, for the books
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why, for the books
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    /// Folder for the files of the run that does it [default: muster-runs/RUN]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print summary.json on stdout
    #[arg(long)]
    json: bool,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
}

/// `muster approve`.
pub(super) fn approve(args: &ApproveArgs) -> Result<Exit> {
    let started = SystemTime::now();
    let held = find_held(&open_store(&args.database)?, &args.run)?;
    let summary = finished(&held)?;
    let approved = classes(&args.class, summary)?;
    let folder = held.folder.as_deref().unwrap_or_default();
    let plan = planfile::open(&Path::new(folder).join(PLAN)).map_err(|refusal| {
        refusal
            .help("the run's folder has its plan; without it, import the file again with `--allow`")
    })?;
    if plan.head.run != held.id {
        let what = format!(
            "`{folder}` has the plan of run {}, not of {}",
            plan.head.run, held.id
        );
        return Err(Refusal::new(Code::PlanInvalid, what));
    }
    let mut pipeline = plan.pipeline()?;
    pipeline.definition.accounts.today = Some(today());
    pipeline.set("plan", &plan.sha256)?;
    let names = names(approved);
    pipeline.set("approve", &names.join(" "))?;
    // A row that waits for several reasons goes in when the last of them is approved; what is done
    // of the run is in already.
    let open = held_classes(summary);
    let is_all = open.iter().all(|class| approved.has(*class));
    let wanted = |_: RowNumber, outcome: Outcome, issues: &[&Issue]| {
        let mut reasons = issues.iter().filter_map(|issue| Class::of_code(issue.code));
        let others = issues.iter().any(|issue| issue.code == Code::GateOthers);
        let is_let_through = |class| approved.has(class) || !open.contains(&class);
        outcome == Outcome::Held
            && issues.iter().any(|issue| waits_by(issue))
            && reasons.all(is_let_through)
            && (!others || is_all)
    };
    let run_args = RunArgs {
        database: args.database.clone(),
        out: args.out.clone(),
        json: args.json,
        quiet: args.quiet,
        memory: args.memory.clone(),
        ..RunArgs::of_plan(&plan, &pipeline)
    };
    let of_leavers = [Class::Update, Class::Deactivate, Class::Content];
    let mut reasons = open.iter().filter(|class| of_leavers.contains(class));
    let order = Order {
        plan,
        wanted: &wanted,
        leavers: is_all || reasons.clone().count() > 0 && reasons.all(|class| approved.has(*class)),
        replan: false,
        approved: approved_before(summary, approved),
        shares: false,
    };
    let task = Task::Apply {
        order: Box::new(order),
        again: format!("muster approve {}", shell_word(&held.id)),
        approval: Some(Approval {
            of: held.id.clone(),
            classes: names.into_iter().map(str::to_string).collect(),
            by: args.by.clone(),
            reason: args.reason.clone(),
        }),
    };
    carry_out(&run_args, &pipeline, task, started, new_run(started))
}

/// The import that is meant; `last` is the latest that something is held of. A run that let through
/// a part of what another one holds stands for that one.
fn find_held(store: &Store, wanted: &str) -> Result<Booked> {
    let mut run = match wanted {
        "last" => {
            let is_held = |run: &Booked| run.summary.as_ref().is_some_and(Summary::is_held);
            let runs = store.list_runs(i64::MAX)?;
            runs.into_iter().find(is_held).ok_or_else(|| {
                Refusal::new(Code::RunNotHeld, "no safeguard holds anything of any run")
            })?
        }
        _ => find_import(store, wanted)?,
    };
    while let Some(approval) = run
        .summary
        .as_ref()
        .and_then(|summary| summary.run.approves.as_ref())
    {
        run = find_import(store, &approval.of)?;
    }
    Ok(run)
}

fn finished(run: &Booked) -> Result<&Summary> {
    match &run.summary {
        Some(summary) if run.state == "finished" => Ok(summary),
        _ => {
            let what = format!("run {} did not come to its end", run.id);
            Err(Refusal::new(Code::RunNotHeld, what)
                .help("run the same import again, it goes on where it stopped"))
        }
    }
}

/// What the run's safeguards still hold.
fn held_classes(summary: &Summary) -> Vec<Class> {
    let held = summary
        .gates
        .iter()
        .filter(|gate| gate.ruling == Ruling::Held);
    held.filter_map(|gate| Class::from_name(&gate.class))
        .collect()
}

/// `approved`, and what was let through of the run before.
fn approved_before(summary: &Summary, approved: Classes) -> Classes {
    let gates = summary.gates.iter();
    let before = gates.filter(|gate| gate.approved_in.is_some());
    before
        .filter_map(|gate| Class::from_name(&gate.class))
        .fold(approved, Classes::with)
}

/// The classes that are let through: those named, or all that are held.
fn classes(wanted: &[String], summary: &Summary) -> Result<Classes> {
    let held = held_classes(summary);
    let run = &summary.run.id;
    if held.is_empty() {
        let what = format!("no safeguard holds anything of run {run}");
        return Err(Refusal::new(Code::RunNotHeld, what));
    }
    if wanted.is_empty() {
        return Ok(held.into_iter().fold(Classes::default(), Classes::with));
    }
    let mut classes = Classes::default();
    for name in wanted {
        match held.iter().find(|class| class.name() == name) {
            Some(class) => classes = classes.with(*class),
            None => {
                let there: Vec<&str> = held.iter().map(|class| class.name()).collect();
                let what = format!(
                    "run {run} holds nothing for `{name}`; it holds {}",
                    there.join(", ")
                );
                return Err(Refusal::new(Code::RunNotHeld, what));
            }
        }
    }
    Ok(classes)
}

fn names(classes: Classes) -> Vec<&'static str> {
    let some = Class::ALL.into_iter().filter(|class| classes.has(*class));
    some.map(Class::name).collect()
}
