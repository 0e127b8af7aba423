//! `muster check` and `muster import`: one flow, from the arguments to the summary.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::drop::{DropArgs, visit};
use super::map::recognize;
use super::{DatabaseArgs, runs, shell_word, stop_on_signal, warn};
use crate::definition::{self, Onboarding, Pipeline};
use crate::issue::Code;
use crate::outcome::Exit;
use crate::pipeline::{self, Job, Ran};
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::report::record;
use crate::stages::load::RunKey;
use crate::store::Store;
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;
use crate::summary::{Dropped, Next, PipelineName, Run, SCHEMA, Summary};

#[derive(Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub(super) run: RunArgs,
    /// Match against no database; every good row counts as created
    #[arg(long, conflicts_with = "database")]
    pub(super) offline: bool,
}

#[derive(Args)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    pub(super) run: RunArgs,
    #[command(flatten)]
    pub(super) drop: DropArgs,
}

#[derive(Args, Clone)]
pub(super) struct RunArgs {
    /// The files: CSV or Excel workbooks (.xlsx)
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// A pipeline file, or the name of one in `pipelines/`
    #[arg(short, long, value_name = "PIPELINE")]
    pub(super) pipeline: Option<String>,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    /// Folder for the run's files [default: muster-runs/RUN]
    #[arg(short, long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Print summary.json on stdout
    #[arg(long)]
    pub(super) json: bool,
    /// Show no progress
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Sheet of a workbook; overrides the pipeline
    #[arg(long, value_name = "NAME")]
    pub(super) sheet: Option<String>,
    /// Delimiter of text files, one character or `\t`; overrides the pipeline
    #[arg(long, value_name = "CHARACTER")]
    pub(super) delimiter: Option<String>,
    /// Encoding of text files, such as windows-1252; overrides the pipeline
    #[arg(long, value_name = "NAME")]
    pub(super) encoding: Option<String>,
    /// How new people are taken on; overrides the pipeline
    #[arg(long, value_name = "WAY")]
    pub(super) onboarding: Option<Onboarding>,
}

/// `import`, of files or from a folder.
pub(super) fn import(args: &ImportArgs) -> Result<Exit> {
    match &args.drop.drop {
        Some(folder) => visit(args, folder),
        None => run_files(&args.run, None),
    }
}

/// `check` (with its `--offline`) and `import`.
pub(super) fn run_files(args: &RunArgs, offline: Option<bool>) -> Result<Exit> {
    let started = SystemTime::now();
    carry_out(
        args,
        &open_pipeline(args)?,
        offline,
        started,
        new_run(started),
    )
}

/// One run, from the files to the summary.
pub(super) fn carry_out(
    args: &RunArgs,
    pipeline: &Pipeline,
    offline: Option<bool>,
    started: SystemTime,
    run: RunKey,
) -> Result<Exit> {
    let mut store = open_store(args, offline)?;
    let folder = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new("muster-runs").join(&run.id));
    make_folder(&folder, args.out.is_none())?;
    let task = Task {
        args,
        pipeline,
        offline,
        started,
        folder: &folder,
        stop: &stop_on_signal(),
        dropped: None,
    };
    let told = run_task(&task, run, store.as_mut())?;
    runs::show(&told.summary, &told.json, &folder, args.json);
    told.end
}

/// A run that is to be carried out, its folder made and its database open.
pub(super) struct Task<'a> {
    pub(super) args: &'a RunArgs,
    pub(super) pipeline: &'a Pipeline,
    pub(super) offline: Option<bool>,
    pub(super) started: SystemTime,
    pub(super) folder: &'a Path,
    pub(super) stop: &'a AtomicBool,
    /// Where the only file was dropped, and the SHA-256 that it must still have.
    pub(super) dropped: Option<(Dropped, &'a str)>,
}

/// A run that came to its summary.
pub(super) struct Told {
    pub(super) summary: Summary,
    pub(super) json: String,
    /// How it ends: what stopped it is a refusal.
    pub(super) end: Result<Exit>,
}

/// The run itself, up to its reports and its line in the books.
pub(super) fn run_task(task: &Task, run: RunKey, mut store: Option<&mut Store>) -> Result<Told> {
    let Task {
        args,
        pipeline,
        offline,
        folder,
        ..
    } = *task;
    let progress = Progress::new(args.quiet || args.json && !std::io::stderr().is_terminal());
    let job = Job {
        files: &args.files,
        sha256: task.dropped.as_ref().map(|(_, sha256)| *sha256),
        pipeline,
        run,
        folder,
        progress: &progress,
        stop: task.stop,
    };
    let ran = match (offline, store.as_deref_mut()) {
        (None, Some(store)) => pipeline::import(&job, store),
        (_, store) => pipeline::check(&job, store),
    };
    let ran = ran.inspect_err(|_| remove_if_empty(folder))?;
    progress.end();
    let store = store.as_deref();
    let mut summary = begin_summary(&ran, pipeline, offline, store, task.started);
    summary.dropped = task.dropped.as_ref().map(|(dropped, _)| dropped.clone());
    let written = store.filter(|_| offline.is_none());
    let told = tell(args, &ran, pipeline, written, folder, &mut summary);
    // Rows are in by now: whatever fails here is a stop on the way, and the same command goes on.
    let json = told.map_err(|refusal| {
        if written.is_some() {
            stopped_on_the_way(refusal)
        } else {
            refusal
        }
    })?;
    let end = match ran.stopped {
        Some(refusal) => Err(refusal),
        None => Ok(Exit::of(&summary.counts)),
    };
    Ok(Told { summary, json, end })
}

/// Writes the reports, and closes the run in the books of `store`. Returns the summary as JSON.
fn tell(
    args: &RunArgs,
    ran: &Ran,
    pipeline: &Pipeline,
    store: Option<&Store>,
    folder: &Path,
    summary: &mut Summary,
) -> Result<String> {
    let details = record::record(ran, &pipeline.definition, folder, summary)?;
    summary.run.finished_at = rfc3339(SystemTime::now());
    summary.next = next_steps(args, ran, pipeline, summary, folder);
    let json = record::finish(summary, &details, folder)?;
    if let Some(store) = store {
        store.end_run(summary, &absolute(folder))?;
        // The planner would otherwise know nothing of a table that was just filled.
        if summary.counts.created + summary.counts.updated > 10_000 {
            store.analyze()?;
        }
    }
    Ok(json)
}

fn stopped_on_the_way(refusal: Refusal) -> Refusal {
    let help = format!(
        "{}; then run the same command again, it goes on where it stopped",
        refusal.help
    );
    refusal.help(help).exit(Exit::Stopped)
}

/// The pipeline of a run: the one that is named, the one that the files are recognized for, or
/// the default.
pub(super) fn open_pipeline(args: &RunArgs) -> Result<Pipeline> {
    let pipeline = overridden(definition::open(args.pipeline.as_deref())?, args)?;
    if args.pipeline.is_some() {
        return Ok(pipeline);
    }
    let Some(recognized) = recognize(&args.files, &pipeline.definition)? else {
        return Ok(pipeline);
    };
    if let Some(file) = args.files.first().filter(|_| !args.quiet) {
        warn(&recognized.told(file));
    }
    overridden(recognized.one.pipeline, args)
}

/// The pipeline with what the command line says instead.
fn overridden(mut pipeline: Pipeline, args: &RunArgs) -> Result<Pipeline> {
    let read = &mut pipeline.definition.read;
    if let Some(sheet) = &args.sheet {
        read.sheet = Some(sheet.clone());
    }
    if let Some(encoding) = &args.encoding {
        read.encoding = Some(encoding.clone());
    }
    if let Some(text) = &args.delimiter {
        read.delimiter = Some(delimiter(text)?);
    }
    if let Some(onboarding) = args.onboarding {
        pipeline.definition.accounts.onboarding = onboarding;
    }
    for (name, value) in [
        ("sheet", args.sheet.as_deref()),
        ("delimiter", args.delimiter.as_deref()),
        ("encoding", args.encoding.as_deref()),
        ("onboarding", args.onboarding.map(Onboarding::name)),
    ] {
        if let Some(value) = value {
            add_to_sha(&mut pipeline, name, value);
        }
    }
    Ok(pipeline)
}

/// The delimiter that `--delimiter` names.
pub(super) fn delimiter(text: &str) -> Result<char> {
    let mut characters = text.chars();
    match (text, characters.next(), characters.next()) {
        ("\\t" | "tab", ..) => Ok('\t'),
        (_, Some(only), None) if only.is_ascii() && !only.is_control() => Ok(only),
        _ => {
            let what = format!("`--delimiter {text}` is not one ASCII character, or `\\t`");
            Err(Refusal::new(Code::UsageInvalid, what))
        }
    }
}

/// Tells the pipeline apart from itself without an option that overrides it: a run that was cut
/// off is taken up again only if it would do the same.
pub(super) fn add_to_sha(pipeline: &mut Pipeline, name: &str, value: &str) {
    let text = format!("{} {name}={value}", pipeline.sha256);
    pipeline.sha256 = crate::hex(&Sha256::digest(text));
}

fn open_store(args: &RunArgs, offline: Option<bool>) -> Result<Option<Store>> {
    if offline == Some(true) {
        return Ok(None);
    }
    if offline.is_some() {
        return Store::open_if_there(target(args)?);
    }
    open_locked(args).map(Some)
}

/// The database, with its one lock.
pub(super) fn open_locked(args: &RunArgs) -> Result<Store> {
    let store = Store::open(target(args)?)?;
    store.lock()?;
    Ok(store)
}

fn target(args: &RunArgs) -> Result<Target> {
    Target::find(args.database.database.as_deref(), &home_from_environment()?)
}

/// A run's id sorts by time and tells it: `20261122-051234-7f3a`. The last part is how much of the
/// second had passed, so that runs in one second are told apart in their order.
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
            format!("the folder `{}` can't be made: {error}", folder.display()),
        )
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    // Probed now: a run must not find out after its writes that nobody can be told.
    tempfile::tempfile_in(folder).map_err(failed)?;
    let taken = folder.join("summary.json").exists();
    if !ours && taken {
        let what = format!("`{}` holds the files of another run", folder.display());
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

fn begin_summary(
    ran: &Ran,
    pipeline: &Pipeline,
    offline: Option<bool>,
    store: Option<&Store>,
    started: SystemTime,
) -> Summary {
    let matched_against = match (offline, store) {
        (Some(true), _) => "nothing: the check was offline".to_string(),
        (_, Some(store)) => store.describe(),
        (_, None) => {
            "nothing: no import was made there yet, so every account would be new".to_string()
        }
    };
    Summary {
        schema: SCHEMA.to_string(),
        run: Run {
            id: ran.run.id.clone(),
            kind: if offline.is_some() { "check" } else { "import" }.to_string(),
            started_at: ran.resumed_from.clone().unwrap_or_else(|| rfc3339(started)),
            finished_at: String::new(),
            state: if ran.stopped.is_some() {
                "stopped"
            } else {
                "finished"
            }
            .to_string(),
            matched_against,
            resumed: ran.resumed_from.is_some(),
        },
        pipeline: PipelineName {
            name: pipeline.definition.name.clone(),
            sha256: pipeline.sha256.clone(),
        },
        ..Summary::default()
    }
}

/// What makes sense now, as commands that can be typed.
fn next_steps(
    args: &RunArgs,
    ran: &Ran,
    pipeline: &Pipeline,
    summary: &Summary,
    folder: &Path,
) -> Vec<Next> {
    let is_check = summary.run.kind == "check";
    let quoted = |path: &Path| shell_word(&path.display().to_string());
    let with = match &args.pipeline {
        Some(pipeline) => format!(" -p {}", shell_word(pipeline)),
        None => String::new(),
    };
    let files: Vec<String> = args.files.iter().map(|file| quoted(file)).collect();
    let again = format!("muster import {}{with}", files.join(" "));
    let mut next = Vec::new();
    let mut add = |what: &str, command: String| {
        next.push(Next {
            what: what.to_string(),
            command,
        })
    };
    if ran.stopped.is_some() {
        add("go on where it stopped", again);
        return next;
    }
    let corrections: Vec<&String> = summary
        .files
        .iter()
        .filter(|(name, _)| name.starts_with("corrections"))
        .map(|(_, file)| file)
        .collect();
    if !corrections.is_empty() {
        let files: Vec<String> = corrections
            .iter()
            .map(|file| quoted(&folder.join(file)))
            .collect();
        let verb = if is_check { "check" } else { "import" };
        add(
            "mend the rows that are left, then",
            format!("muster {verb} {}{with}", files.join(" ")),
        );
    }
    let counts = &summary.counts;
    if is_check && counts.created + counts.updated > 0 {
        add("do what was checked", again);
    }
    if !is_check && counts.created > 0 {
        match pipeline.definition.accounts.onboarding {
            Onboarding::Invite => add(
                "see who would be invited",
                format!("muster invite {}", summary.run.id),
            ),
            Onboarding::Setup => add(
                "see who would get a link to set a password",
                format!("muster reset {}", summary.run.id),
            ),
        }
    }
    if !is_check {
        add("see this again", format!("muster show {}", summary.run.id));
    }
    next
}
