//! `muster approve`: writes what safeguards held in a run, exactly as planned.

use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use clap::Args;

use super::acting;
use super::invite::open_store;
use super::runs::show;
use super::{DatabaseArgs, MemoryArgs, OutputArgs};
use crate::cli::run::{PLAN, RunArgs, Task, carry_out, new_run};
use crate::cli::terminal::{shell_word, warn};
use crate::field::RowNumber;
use crate::issue::{Code, Issue};
use crate::ledger::planfile::{self, PlanFile};
use crate::outcome::{Exit, Outcome};
use crate::people::words::find_import;
use crate::pipeline::Order;
use crate::refusal::{Refusal, Result};
use crate::safeguard::{Class, Classes, waits_by};
use crate::safeguard::{Safeguard, SafeguardDecision};
use crate::store::Store;
use crate::store::runs::RunRecord;
use crate::summary::{Approval, Summary};

/// The longest reason on standard input.
const REASON_BYTES_MAX: u64 = 64 << 10;

#[derive(Args)]
pub(super) struct ApproveArgs {
    /// The run, the beginning of its id, or `last` for the latest with held changes
    #[arg(value_name = "RUN")]
    run: String,
    /// Only what is held for this reason, such as `deactivate`; repeatable
    #[arg(long, value_name = "CLASS")]
    class: Vec<String>,
    /// Who approves it, for the run log
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why, for the run log; - for text on stdin
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// `muster approve`.
pub(super) fn approve(args: &ApproveArgs) -> Result<Exit> {
    let started = SystemTime::now();
    let reason = reason(args)?;
    let store = open_store(&args.database)?;
    let held = find_held(&store, &args.run)?;
    let summary = finished(&held)?;
    if store.needs_somebody_else(&held.id, &acting::who())? {
        let what = format!(
            "you started run {}, and may not approve what is held of it",
            held.id
        );
        return Err(Refusal::new(Code::UsageInvalid, what).help(
            "ask somebody else to approve it; an owner of the console made that a rule, in its settings",
        ));
    }
    if let Some(exit) = done_before(args, summary, &store)? {
        return Ok(exit);
    }
    drop(store);
    let approved = classes(&args.class, summary)?;
    let plan = plan_of(&held)?;
    let mut pipeline = plan.pipeline()?;
    pipeline.definition.accounts.today = Some(crate::pipelines::today());
    pipeline.set("plan", &plan.sha256)?;
    let names = names(approved);
    pipeline.set("approve", &names.join(" "))?;
    // A row that waits for several reasons goes in when the last of them is approved; what is done
    // of the run is in already.
    let open = held_classes(summary);
    let is_all = open.iter().all(|class| approved.has(*class));
    let wanted = |_: RowNumber, outcome: Outcome, issues: &[&Issue]| {
        let mut reasons = issues.iter().filter_map(|issue| Class::of_code(issue.code));
        let others = issues
            .iter()
            .any(|issue| issue.code == Code::SafeguardOthers);
        let is_let_through = |class| approved.has(class) || !open.contains(&class);
        outcome == Outcome::Held
            && issues.iter().any(|issue| waits_by(issue))
            && reasons.all(is_let_through)
            && (!others || is_all)
    };
    let run_args = RunArgs {
        database: args.database.clone(),
        output: args.output.clone(),
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
            by: args.by.clone().or_else(acting::actor),
            reason,
        }),
    };
    carry_out(&run_args, &pipeline, task, started, new_run(started))
}

/// The plan of what the run holds.
fn plan_of(held: &RunRecord) -> Result<PlanFile> {
    let folder = held.folder.as_deref().unwrap_or_default();
    let plan = planfile::open(&Path::new(folder).join(PLAN)).map_err(|refusal| {
        refusal.help(
            "the plan is in the run's folder; without that folder, import the file again \
                with `--allow`",
        )
    })?;
    if plan.head.run != held.id {
        let what = format!(
            "`{folder}` has the plan of run {}, not of {}",
            plan.head.run, held.id
        );
        return Err(Refusal::new(Code::PlanInvalid, what));
    }
    Ok(plan)
}

/// Why it is approved: as it was given, or what is on standard input.
fn reason(args: &ApproveArgs) -> Result<Option<String>> {
    if args.reason.as_deref() != Some("-") {
        return Ok(args.reason.clone());
    }
    let mut text = String::new();
    let read = std::io::stdin()
        .take(REASON_BYTES_MAX)
        .read_to_string(&mut text);
    read.map_err(|error| {
        let what = format!("the reason can't be read from standard input: {error}");
        Refusal::new(Code::UsageInvalid, what).help("write it in UTF-8")
    })?;
    Ok(Some(text.trim().to_string()))
}

/// What the run came to that let through before what is wanted; none while any of it is held.
fn done_before(args: &ApproveArgs, summary: &Summary, store: &Store) -> Result<Option<Exit>> {
    let is_wanted =
        |safeguard: &&Safeguard| args.class.is_empty() || args.class.contains(&safeguard.class);
    let safeguards: Vec<&Safeguard> = summary.safeguards.iter().filter(is_wanted).collect();
    if safeguards
        .iter()
        .any(|safeguard| safeguard.decision == SafeguardDecision::Held)
    {
        return Ok(None);
    }
    let is_known = |class: &String| safeguards.iter().any(|safeguard| safeguard.class == *class);
    let approved_in = safeguards
        .iter()
        .filter_map(|safeguard| safeguard.approved_in.as_ref());
    // The ids of runs are in the order of their times.
    let Some(by) = approved_in
        .max()
        .filter(|_| args.class.iter().all(is_known))
    else {
        return Ok(None);
    };
    let of = &summary.run.id;
    if store.is_taken_back(by)? {
        let what = format!("run {by} approved what run {of} held, and was then undone");
        return Err(Refusal::new(Code::RunNotHeld, what).help("import the file again"));
    }
    let Some((done, folder)) = store.reported_of(by)? else {
        return Ok(None);
    };
    warn(&format!("run {by} already approved what run {of} held"));
    let json = serde_json::to_string_pretty(&done).unwrap_or_default() + "\n";
    let folder = folder.unwrap_or_default();
    show(&done, &json, Path::new(&folder), args.output.json);
    Ok(Some(done.exit()))
}

/// The import that is meant; `last` is the latest that something is held of, or else the latest of
/// which something was let through. A run that let through a part of what another one holds
/// represents that one.
fn find_held(store: &Store, wanted: &str) -> Result<RunRecord> {
    let mut run = match wanted {
        "last" => {
            let is_held = |run: &&RunRecord| run.summary.as_ref().is_some_and(Summary::is_held);
            let is_approved = |run: &&RunRecord| {
                let summary = run.summary.as_ref();
                let mut safeguards = summary.iter().flat_map(|summary| &summary.safeguards);
                safeguards.any(|safeguard| safeguard.approved_in.is_some())
            };
            let runs = store.list_runs(i64::MAX)?;
            let run = runs.iter().find(is_held).or(runs.iter().find(is_approved));
            let id = run.map(|run| run.id.clone());
            let none = || {
                Refusal::new(
                    Code::RunNotHeld,
                    "no run has changes that a safeguard \
                holds",
                )
            };
            find_import(store, &id.ok_or_else(none)?)?
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

fn finished(run: &RunRecord) -> Result<&Summary> {
    match &run.summary {
        Some(summary) if run.state == "finished" => Ok(summary),
        _ => {
            let what = format!("run {} did not finish", run.id);
            Err(Refusal::new(Code::RunNotHeld, what)
                .help("run the same import again; it continues where it stopped"))
        }
    }
}

/// What the run's safeguards still hold.
fn held_classes(summary: &Summary) -> Vec<Class> {
    let held = summary
        .safeguards
        .iter()
        .filter(|safeguard| safeguard.decision == SafeguardDecision::Held);
    held.filter_map(|safeguard| Class::from_name(&safeguard.class))
        .collect()
}

/// `approved`, and what was let through of the run before.
fn approved_before(summary: &Summary, approved: Classes) -> Classes {
    let safeguards = summary.safeguards.iter();
    let before = safeguards.filter(|safeguard| safeguard.approved_in.is_some());
    before
        .filter_map(|safeguard| Class::from_name(&safeguard.class))
        .fold(approved, Classes::with)
}

/// The classes that are let through: those named, or all that are held.
fn classes(wanted: &[String], summary: &Summary) -> Result<Classes> {
    let held = held_classes(summary);
    let run = &summary.run.id;
    if held.is_empty() {
        let what = format!("no safeguard holds changes of run {run}");
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
                    "nothing of run {run} is held for `{name}`, only for {}",
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
