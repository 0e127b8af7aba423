//! `muster check`, `muster import`, and what `muster apply` shares with them: one flow, from the
//! arguments to the summary.

use clap::Args;
use jiff::Timestamp;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};

use super::workbook::Reading;

use super::{AllowArgs, DatabaseArgs, MemoryArgs, OutputArgs, PipelineArgs, acting, runs};
use crate::cli::terminal::{shell_word, stop_on_signal, warn};
use crate::definition::{self, Onboarding, Pipeline};
use crate::file::Pending;
use crate::issue::Code;
use crate::ledger::planfile::{self, PlanFile};
use crate::outcome::Exit;
use crate::password::Given;
use crate::pipeline::recognize::recognize;
use crate::pipeline::record;
use crate::pipeline::{self, Job, Order, Ran, inputs_of};
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::run_key::RunKey;
use crate::safeguard::Class;
use crate::safeguard::SafeguardDecision;
use crate::store::Store;
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;
use crate::summary::{Approval, Dropped, IssueCount, Next, PipelineName, Run, SCHEMA, Summary};

#[derive(Args, Clone, Default)]
pub(super) struct RunArgs {
    /// CSV or JSON (also gzip or zip), workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods), Parquet, or -
    /// for text on stdin
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    /// Sheet of a workbook, by name or number; overrides the pipeline
    #[arg(long, value_name = "NAME")]
    pub(super) sheet: Option<String>,
    /// Delimiter of text files, such as `;` or `\t`; overrides the pipeline
    #[arg(long, value_name = "CHARACTER")]
    pub(super) delimiter: Option<String>,
    /// Encoding of text files, such as windows-1252 or cp850; overrides the pipeline
    #[arg(long, value_name = "NAME")]
    pub(super) encoding: Option<String>,
    /// Whether new people are invited; overrides the pipeline
    #[arg(long, value_name = "WAY")]
    pub(super) onboarding: Option<Onboarding>,
    /// Role of new people whose row names none and whom no rule gives one; overrides the pipeline
    #[arg(long, value_name = "ROLE")]
    pub(super) default_role: Option<String>,
    #[command(flatten)]
    pub(super) allow: AllowArgs,
    #[command(flatten)]
    pub(super) memory: MemoryArgs,
    /// The column that names the account of each row; rows that are corrected have it
    #[arg(long, hide = true, value_name = "COLUMN")]
    pub(super) by_account: Option<String>,
    #[arg(skip)]
    pub(super) reading: Reading,
    /// The command that does the same again, where that isn't `muster import` of the files.
    #[arg(skip)]
    pub(super) again: Option<String>,
    /// The password that accounts get.
    #[arg(skip)]
    pub(super) password: Option<Given>,
}

/// `update=600`.
pub(super) fn allowed(text: &str) -> std::result::Result<(Class, u64), String> {
    let (class, count) = text
        .split_once('=')
        .ok_or("write it as `CLASS=COUNT`, such as `update=600`")?;
    let classes = || Class::ALL.into_iter().map(Class::name);
    let class = Class::from_name(class).ok_or_else(|| {
        let near = definition::nearest(class, classes())
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let classes: Vec<&str> = classes().collect();
        format!("`{class}` is not one of {}{near}", classes.join(", "))
    })?;
    let count = count
        .replace([',', '_'], "")
        .parse()
        .map_err(|_| format!("`{count}` is not a number"))?;
    Ok((class, count))
}

/// What is to be done with the rows.
pub(super) enum Task<'a> {
    /// Say what would be done, and write that into the new file `plan`.
    Check {
        offline: bool,
        plan: Option<Pending>,
    },
    /// Do it.
    Import,
    /// Do what a plan says.
    Apply {
        order: Box<Order<'a>>,
        /// The command that does the same again.
        again: String,
        /// Why it lets through what safeguards held.
        approval: Option<Approval>,
    },
}

/// One run, from the files or the plan to the summary.
pub(super) fn carry_out(
    args: &RunArgs,
    pipeline: &Pipeline,
    task: Task,
    started: SystemTime,
    run: RunKey,
) -> Result<Exit> {
    let mut store = open_store(args, &task, pipeline)?;
    let folder = args
        .output
        .out
        .clone()
        .unwrap_or_else(|| Path::new("muster-runs").join(&run.id));
    make_folder(&folder, args.output.out.is_none())?;
    let setup = Setup {
        args,
        pipeline,
        started,
        folder: &folder,
        stop: &stop_on_signal(),
        dropped: None,
    };
    let reported = run_task(&setup, task, run, store.as_mut())?;
    runs::show(&reported.summary, &reported.json, &folder, args.output.json);
    reported.end
}

/// What a run is carried out with: its folder is made, and its database open.
pub(super) struct Setup<'a> {
    pub(super) args: &'a RunArgs,
    pub(super) pipeline: &'a Pipeline,
    pub(super) started: SystemTime,
    pub(super) folder: &'a Path,
    pub(super) stop: &'a AtomicBool,
    /// Where the only file was dropped, and the SHA-256 that it must still have.
    pub(super) dropped: Option<(Dropped, &'a str)>,
}

/// A run that came to its summary.
pub(super) struct Finished {
    pub(super) summary: Summary,
    pub(super) json: String,
    /// How it ends: what stopped it is a refusal.
    pub(super) end: Result<Exit>,
}

/// The way of running that `task` asks for. Puts the file of a plan that is to be written into `pending`.
fn carry(
    job: &Job,
    task: Task,
    store: Option<&mut Store>,
    pending: &mut Option<Pending>,
) -> Result<Ran> {
    match (task, store) {
        (Task::Import, Some(store)) if job.files.is_empty() => pipeline::due(job, store),
        (Task::Import, Some(store)) => pipeline::import(job, store),
        (
            Task::Apply {
                order,
                approval: Some(_),
                ..
            },
            Some(store),
        ) => pipeline::approve(job, *order, store),
        (Task::Apply { order, .. }, Some(store)) => pipeline::apply(job, *order, store),
        (Task::Check { plan, .. }, store) => {
            *pending = plan;
            pipeline::check(job, store)
        }
        (_, None) => pipeline::check(job, None),
    }
}

/// The run itself, up to its reports and its line in the run log.
pub(super) fn run_task(
    setup: &Setup,
    task: Task,
    run: RunKey,
    mut store: Option<&mut Store>,
) -> Result<Finished> {
    let Setup {
        args,
        pipeline,
        folder,
        ..
    } = *setup;
    let progress =
        Progress::new(args.output.quiet || args.output.json && !std::io::stderr().is_terminal());
    let job = Job {
        files: &args.files,
        sha256: setup.dropped.as_ref().map(|(_, sha256)| *sha256),
        reader: &args.reading.0,
        pipeline,
        run,
        for_plan: matches!(task, Task::Check { plan: Some(_), .. }),
        allowed: &args.allow.counts,
        password: args.password.as_ref(),
        memory: args.memory.budget(),
        folder,
        progress: &progress,
        stop: setup.stop,
    };
    if let (Task::Apply { order, .. }, Some(store)) = (&task, &store) {
        remark(&order.plan, pipeline, store)?;
    }
    let mut about = About::new(&task, store.as_deref(), args);
    let mut pending = None;
    let ran = carry(&job, task, store.as_deref_mut(), &mut pending);
    let ran = ran.inspect_err(|_| remove_if_empty(folder))?;
    progress.end();
    if let Some(run) = &ran.given_up {
        warn_of_given_up(run);
    }
    // What is held is let through later exactly as it was planned now.
    let keeps_plan = about.writes && is_held(&ran);
    if keeps_plan {
        pending = Some(Pending::create(&folder.join(PLAN))?);
    }
    if let Some(pending) = pending {
        about.plan = Some(pending.path().to_path_buf());
        let created_at = rfc3339(setup.started);
        let against = &about.matched_against;
        planfile::write(pending, &ran.contents(), pipeline, against, &created_at)
            .inspect_err(|_| remove_if_empty(folder))?;
    }
    let mut summary = begin_summary(&ran, pipeline, &about, setup.started);
    if keeps_plan {
        summary.files.insert("plan".into(), PLAN.into());
    }
    summary.dropped = setup.dropped.as_ref().map(|(dropped, _)| dropped.clone());
    let written = store.filter(|_| about.writes);
    let is_written = written.is_some();
    let reported = tell(args, &ran, pipeline, written, folder, &about, &mut summary);
    // Rows are in by now: whatever fails here is a stop on the way, and the same command continues.
    let json = reported.map_err(|refusal| {
        if is_written {
            stopped_on_the_way(refusal)
        } else {
            refusal
        }
    })?;
    let end = match ran.stopped {
        Some(refusal) => Err(refusal),
        None => Ok(summary.exit()),
    };
    Ok(Finished { summary, json, end })
}

/// Says that a run which was interrupted doesn't go on.
fn warn_of_given_up(run: &str) {
    warn(&format!(
        "run {run} was interrupted and can't be continued: other runs have changed the accounts \
            since, or another version of muster started it; this is a new run, and keeps what run \
            {run} wrote"
    ));
}

fn is_held(ran: &Ran) -> bool {
    ran.safeguards()
        .iter()
        .any(|safeguard| safeguard.decision == SafeguardDecision::Held)
}

/// Says on stderr what is odd about a plan, before it is applied.
fn remark(plan: &PlanFile, pipeline: &Pipeline, store: &Store) -> Result<()> {
    let (saw, now) = (&plan.head.matched_against, store.describe());
    if *saw != now && !saw.starts_with("nothing: ") {
        warn(&format!(
            "the plan was made against {saw}, but this is {now}; rows that differ here are held"
        ));
    }
    let inputs = inputs_of(&plan.files);
    if let Some((run, when)) = store.finished_run(&inputs, &pipeline.sha256)? {
        warn(&format!(
            "run {run} already applied this plan, {when}; accounts that are still as it left them \
                stay unchanged"
        ));
    }
    Ok(())
}

/// What the summary says of a run besides its rows.
struct About {
    /// Whether anything is written to the accounts.
    writes: bool,
    matched_against: String,
    /// SHA-256 of the plan that is applied.
    applies: Option<String>,
    approval: Option<Approval>,
    /// The plan that a check wrote.
    plan: Option<PathBuf>,
    /// The command that does the same again, or what was checked.
    again: String,
}

impl RunArgs {
    /// The arguments of a run that applies `plan`, by the pipeline that it has.
    pub(super) fn of_plan(plan: &PlanFile, pipeline: &Pipeline) -> RunArgs {
        let files = plan.files.iter();
        RunArgs {
            files: files.map(|file| file.source.path.clone()).collect(),
            pipeline: PipelineArgs {
                name: pipeline.named.clone(),
            },
            ..RunArgs::default()
        }
    }
}

/// In the folder of a run that holds something: its plan.
pub(super) const PLAN: &str = "plan.parquet";

impl About {
    fn new(task: &Task, store: Option<&Store>, args: &RunArgs) -> About {
        let with = match &args.pipeline.name {
            Some(pipeline) => format!(" -p {}", shell_word(pipeline)),
            None => String::new(),
        };
        let files: Vec<String> = args
            .files
            .iter()
            .map(|file| shell_word(&file.display().to_string()))
            .collect();
        About {
            writes: !matches!(task, Task::Check { .. }),
            matched_against: match (task, store) {
                (Task::Check { offline: true, .. }, _) => {
                    "nothing: the check was offline".to_string()
                }
                (_, Some(store)) => store.describe(),
                (_, None) => "nothing: no import was made there yet, so every account would be new"
                    .to_string(),
            },
            applies: match task {
                Task::Apply { order, .. } => Some(order.plan.sha256.clone()),
                _ => None,
            },
            approval: match task {
                Task::Apply { approval, .. } => approval.clone(),
                _ => None,
            },
            plan: None,
            again: match task {
                Task::Apply { again, .. } => again.clone(),
                _ if args.again.is_some() => args.again.clone().unwrap_or_default(),
                _ if files.is_empty() => format!("muster due{with}"),
                _ => format!("muster import {}{with}", files.join(" ")),
            },
        }
    }
}

/// Writes the reports, and closes the run in the records of `store`. Returns the summary as JSON.
fn tell(
    args: &RunArgs,
    ran: &Ran,
    pipeline: &Pipeline,
    store: Option<&mut Store>,
    folder: &Path,
    about: &About,
    summary: &mut Summary,
) -> Result<String> {
    // The planner would otherwise know nothing of a table that was just filled. The server does that
    // while the reports are written.
    let analyzing = store
        .as_ref()
        .filter(|_| ran.written > 10_000)
        .map(|store| store.begin_analyze());
    let (details, resubmitted) = record::record(ran, &pipeline.definition, folder, summary)?;
    let closes = ran.shared.is_none_or(|shared| shared.closes);
    summary.run.finished_at = rfc3339(SystemTime::now());
    summary.next = next_steps(args, ran, pipeline, summary, folder, about);
    let json = record::finish(summary, &details, folder)?;
    if let Some(store) = store.filter(|_| closes) {
        let mut logged = summary.clone();
        // Of the run, not of one of its processes.
        logged.run.share = None;
        store.end_import(&logged, &absolute(folder), &resubmitted)?;
        if let Some(analyzing) = analyzing {
            store.finish_analyze(analyzing)?;
        }
    }
    Ok(json)
}

fn stopped_on_the_way(refusal: Refusal) -> Refusal {
    let help = format!(
        "{}; then run the same command again; it continues where it stopped",
        refusal.help
    );
    refusal.help(help).exit(Exit::Stopped)
}

/// The pipeline of a run: the one that is named, the one that the files are recognized for, or
/// the default.
pub(super) fn open_pipeline(args: &RunArgs) -> Result<Pipeline> {
    let pipeline = overridden(crate::pipelines::open(args.pipeline.name.as_deref())?, args)?;
    if args.pipeline.name.is_some() {
        return Ok(pipeline);
    }
    let Some(recognized) = recognize(&args.files, &pipeline.definition, &args.reading.0)? else {
        return Ok(pipeline);
    };
    if let Some(file) = args.files.first().filter(|_| !args.output.quiet) {
        warn(&recognized.reported(file));
    }
    overridden(recognized.one.pipeline, args)
}

/// The pipeline with what the command line says instead.
fn overridden(mut pipeline: Pipeline, args: &RunArgs) -> Result<Pipeline> {
    pipeline.definition.accounts.today = Some(crate::pipelines::today());
    for (option, value) in [
        ("sheet", args.sheet.as_deref()),
        ("delimiter", args.delimiter.as_deref()),
        ("encoding", args.encoding.as_deref()),
        ("onboarding", args.onboarding.map(Onboarding::name)),
        ("default_role", args.default_role.as_deref()),
        ("by_account", args.by_account.as_deref()),
    ] {
        if let Some(value) = value {
            pipeline.set(option, value)?;
        }
    }
    for (class, count) in &args.allow.counts {
        pipeline.set("allow", &format!("{} {count}", class.name()))?;
    }
    Ok(pipeline)
}

fn open_store(args: &RunArgs, task: &Task, pipeline: &Pipeline) -> Result<Option<Store>> {
    if matches!(task, Task::Check { offline: true, .. }) {
        return Ok(None);
    }
    if matches!(task, Task::Check { .. }) {
        return Store::open_to_look(target(args)?, &pipeline.definition);
    }
    if matches!(task, Task::Apply { order, .. } if order.shares) {
        return acting::open(target(args)?).map(Some);
    }
    open_locked(args, pipeline).map(Some)
}

/// The database, with its one lock, and the accounts that the pipeline is for.
pub(super) fn open_locked(args: &RunArgs, pipeline: &Pipeline) -> Result<Store> {
    let mut store = acting::open(target(args)?)?;
    store.lock()?;
    store.use_target(&pipeline.definition)?;
    Ok(store)
}

fn target(args: &RunArgs) -> Result<Target> {
    Target::find(args.database.database.as_deref(), &home_from_environment()?)
}

/// A run's id sorts by time and tells it: `20261122-051234-7f3a`. The last part is how much of the
/// second had passed, so that runs in one second are distinguished in their order.
pub(super) fn new_run(started: SystemTime) -> RunKey {
    let since = started.duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = since.as_millis() as u64;
    // Without randomness from the system, ids are guessable but still unique.
    let seed = getrandom::u64().unwrap_or(millis);
    let stamp: String = rfc3339(started)
        .chars()
        .take("2026-11-22T05:12:34".len())
        .filter(|c| c.is_ascii_digit() || *c == 'T')
        .map(|c| if c == 'T' { '-' } else { c })
        .collect();
    let part = u64::from(since.subsec_nanos()) * 0x1_0000 / 1_000_000_000;
    RunKey {
        id: format!("{stamp}-{part:04x}"),
        seed,
        started_ms: millis,
    }
}

pub(super) fn rfc3339(time: SystemTime) -> String {
    Timestamp::try_from(time)
        .map(|timestamp| timestamp.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
        .unwrap_or_default()
}

pub(super) fn make_folder(folder: &Path, ours: bool) -> Result<()> {
    let failed = |error: std::io::Error| {
        Refusal::new(
            Code::OutputUnwritable,
            format!(
                "the folder `{}` can't be created: {error}",
                folder.display()
            ),
        )
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    // Probed now: a run must not find out after its writes that it can't report them.
    tempfile::tempfile_in(folder).map_err(failed)?;
    let taken = folder.join("summary.json").exists();
    if !ours && taken {
        let what = format!("`{}` contains the files of another run", folder.display());
        return Err(Refusal::new(Code::OutputUnwritable, what));
    }
    Ok(())
}

fn remove_if_empty(folder: &Path) {
    if std::fs::remove_dir(folder).is_ok()
        && folder
            .parent()
            .is_some_and(|parent| parent.ends_with("muster-runs"))
    {
        let _ = folder.parent().map(std::fs::remove_dir);
    }
}

pub(super) fn absolute(folder: &Path) -> String {
    std::path::absolute(folder)
        .unwrap_or_else(|_| folder.to_path_buf())
        .display()
        .to_string()
}

fn begin_summary(ran: &Ran, pipeline: &Pipeline, about: &About, started: SystemTime) -> Summary {
    Summary {
        schema: SCHEMA.to_string(),
        run: Run {
            id: ran.run.id.clone(),
            kind: if about.writes { "import" } else { "check" }.to_string(),
            started_at: ran.resumed_from.clone().unwrap_or_else(|| rfc3339(started)),
            finished_at: String::new(),
            state: if ran.stopped.is_some() {
                "stopped"
            } else {
                "finished"
            }
            .to_string(),
            matched_against: about.matched_against.clone(),
            plan: about.applies.clone(),
            approves: about.approval.clone(),
            resumed: ran.resumed_from.is_some() && ran.shared.is_none_or(|shared| !shared.joined),
            share: ran.shared.map(|shared| shared.share),
            first_load: ran.first_load.clone(),
        },
        pipeline: PipelineName {
            name: pipeline.definition.name.clone(),
            sha256: pipeline.sha256.clone(),
        },
        safeguards: ran.safeguards().to_vec(),
        profile: ran.profile.clone(),
        ..Summary::default()
    }
}

/// Whether a plan was applied to accounts that aren't what its check saw.
fn has(summary: &Summary, code: Code) -> bool {
    let is_it = |issue: &IssueCount| issue.code == code.name();
    summary.issues.iter().any(is_it)
}

/// The option of `muster apply` that decides again what drifted.
pub(super) const REPLAN: &str = "--replan-drifted";

/// What makes sense now, as commands that can be typed.
struct Steps<'a> {
    args: &'a RunArgs,
    ran: &'a Ran,
    summary: &'a Summary,
    about: &'a About,
    with: String,
    next: Vec<Next>,
}

fn next_steps(
    args: &RunArgs,
    ran: &Ran,
    pipeline: &Pipeline,
    summary: &Summary,
    folder: &Path,
    about: &About,
) -> Vec<Next> {
    let with = match &args.pipeline.name {
        Some(pipeline) => format!(" -p {}", shell_word(pipeline)),
        None => String::new(),
    };
    let mut steps = Steps {
        args,
        ran,
        summary,
        about,
        with,
        next: Vec::new(),
    };
    if ran.stopped.is_some() {
        steps.add("continue where it stopped", about.again.clone());
        return steps.next;
    }
    // The rows of a change are no list that somebody could correct.
    if args.again.is_none() {
        steps.fix(folder);
    }
    steps.decide();
    steps.do_checked();
    steps.approve();
    steps.write_to(pipeline.definition.accounts.onboarding);
    steps.next
}

impl Steps<'_> {
    fn add(&mut self, what: &str, command: String) {
        self.next.push(Next {
            what: what.to_string(),
            command,
        });
    }

    fn is_check(&self) -> bool {
        self.summary.run.kind == "check"
    }

    fn fix(&mut self, folder: &Path) {
        let files = self.summary.files.iter();
        let corrections: Vec<String> = files
            .filter(|(name, _)| name.starts_with("corrections"))
            .map(|(_, file)| quoted(&folder.join(file)))
            .collect();
        if !corrections.is_empty() {
            let verb = if self.is_check() { "check" } else { "import" };
            let command = format!("muster {verb} {}{}", corrections.join(" "), self.with);
            self.add("fix the rows that are left, then", command);
        }
    }

    /// What only somebody can say who knows the people.
    fn decide(&mut self) {
        let (summary, from_plan) = (self.summary, self.ran.from_plan);
        let again = self.about.again.clone();
        for (code, setting) in [
            (Code::MatchReturned, "returning"),
            (Code::MatchOtherPerson, "recycled"),
        ] {
            if summary.counts.held > 0 && has(summary, code) && !from_plan {
                self.add(
                    &format!(
                        "decide who they are, with `{setting}` under `[match]` or in the file, then"
                    ),
                    again.clone(),
                );
            }
        }
        if summary.counts.held > 0 && has(summary, Code::MatchZeros) && !from_plan {
            self.add(
                "restore the leading zeros of the ids in the file, then",
                again.clone(),
            );
        }
        let has_drifted = from_plan && has(summary, Code::PlanDrifted);
        if has_drifted && self.about.approval.is_some() {
            let inputs: Vec<String> = self.args.files.iter().map(|file| quoted(file)).collect();
            self.add(
                "decide again about rows whose accounts changed since",
                format!("muster import {}{}", inputs.join(" "), self.with),
            );
        } else if has_drifted && !again.contains(REPLAN) {
            self.add(
                "decide again about rows whose accounts changed since the check",
                format!("{again} {REPLAN}"),
            );
        }
    }

    fn do_checked(&mut self) {
        let counts = &self.summary.counts;
        let mut leavers = self.ran.leavers().iter();
        let changes = leavers.any(|leaver| leaver.action.is_written());
        if !self.is_check() || counts.created + counts.updated == 0 && !changes {
            return;
        }
        match &self.about.plan {
            Some(plan) => {
                let plan = quoted(plan);
                self.add(
                    "see what it would change",
                    format!("muster plan show {plan}"),
                );
                self.add("apply exactly this plan", format!("muster apply {plan}"));
            }
            None if self.args.again.is_some() => {
                self.add("write this change", self.about.again.clone());
            }
            None => self.add("import what was checked", self.about.again.clone()),
        }
    }

    fn approve(&mut self) {
        if !self.summary.is_held() {
            return;
        }
        let safeguards = self.summary.safeguards.iter();
        let held = safeguards.filter(|safeguard| safeguard.decision == SafeguardDecision::Held);
        let allow =
            held.map(|safeguard| format!(" --allow {}={}", safeguard.class, safeguard.count));
        let command = self.about.again.clone() + allow.collect::<String>().as_str();
        if self.is_check() {
            self.add("import everything, including what is held", command);
        } else {
            let approve = format!("muster approve {}", self.summary.run.id);
            self.add("approve what is held, exactly as planned", approve);
        }
    }

    fn write_to(&mut self, onboarding: Onboarding) {
        if self.is_check() {
            return;
        }
        let run = &self.summary.run.id;
        if self.summary.counts.created > 0 {
            let (what, verb) = match onboarding {
                Onboarding::Invite => ("see who would be invited", "invite"),
                Onboarding::Setup => ("see who would get a link to set a password", "reset"),
            };
            self.add(what, format!("muster {verb} {run}"));
        }
        self.add("show this summary again", format!("muster show {run}"));
    }
}

fn quoted(path: &Path) -> String {
    shell_word(&path.display().to_string())
}
