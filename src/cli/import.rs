//! `muster check` and `muster import`: one flow, from the arguments to the summary.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{DatabaseArgs, runs, shell_word, stop_on_signal};
use crate::definition::{self, Onboarding, Pipeline};
use crate::issue::Code;
use crate::outcome::Exit;
use crate::pipeline::{self, Job, Ran};
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::report::record;
use crate::stages::gates::Class;
use crate::stages::load::RunKey;
use crate::store::Store;
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;
use crate::summary::{Next, PipelineName, Ruling, Run, SCHEMA, Summary};

#[derive(Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub(super) run: RunArgs,
    /// Match against no database; every good row counts as created
    #[arg(long, conflicts_with = "database")]
    pub(super) offline: bool,
}

#[derive(Args)]
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
    /// Let so many changes of a class through that a safeguard would hold, such as `update=600`
    #[arg(long, value_name = "CLASS=COUNT", value_parser = allowed)]
    pub(super) allow: Vec<(Class, u64)>,
}

/// `update=600`.
fn allowed(text: &str) -> std::result::Result<(Class, u64), String> {
    let (class, count) = text
        .split_once('=')
        .ok_or("write it as `CLASS=COUNT`, such as `update=600`")?;
    let classes = || Class::ALL.into_iter().map(Class::name);
    let class = Class::from_name(class).ok_or_else(|| {
        let near = definition::nearest(class, classes())
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let classes: Vec<&str> = classes().collect();
        format!("`{class}` is none of {}{near}", classes.join(", "))
    })?;
    let count = count
        .replace([',', '_'], "")
        .parse()
        .map_err(|_| format!("`{count}` is not a number"))?;
    Ok((class, count))
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
    let stop = stop_on_signal();
    let progress = Progress::new(args.quiet || args.json && !std::io::stderr().is_terminal());
    let job = Job {
        files: &args.files,
        pipeline,
        run,
        allowed: &args.allow,
        folder: &folder,
        progress: &progress,
        stop: &stop,
    };
    let ran = match (offline, store.as_mut()) {
        (None, Some(store)) => pipeline::import(&job, store),
        (_, store) => pipeline::check(&job, store),
    };
    let ran = ran.inspect_err(|_| remove_if_empty(&folder))?;
    progress.end();
    let mut summary = begin_summary(&ran, pipeline, offline, store.as_ref(), started);
    let written = store.as_ref().filter(|_| offline.is_none());
    let told = tell(args, &ran, pipeline, written, &folder, &mut summary);
    // Rows are in by now: whatever fails here is a stop on the way, and the same command goes on.
    told.map_err(|refusal| {
        if written.is_some() {
            stopped_on_the_way(refusal)
        } else {
            refusal
        }
    })?;
    match ran.stopped {
        Some(refusal) => Err(refusal),
        None if is_held(&summary) => Ok(Exit::Held),
        None => Ok(Exit::of(&summary.counts)),
    }
}

fn is_held(summary: &Summary) -> bool {
    let mut gates = summary.gates.iter();
    gates.any(|gate| gate.ruling == Ruling::Held)
}

/// Writes the reports, closes the run in the books of `store`, and shows the summary.
fn tell(
    args: &RunArgs,
    ran: &Ran,
    pipeline: &Pipeline,
    store: Option<&Store>,
    folder: &Path,
    summary: &mut Summary,
) -> Result<()> {
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
    runs::show(summary, &json, folder, args.json);
    Ok(())
}

fn stopped_on_the_way(refusal: Refusal) -> Refusal {
    let help = format!(
        "{}; then run the same command again, it goes on where it stopped",
        refusal.help
    );
    refusal.help(help).exit(Exit::Stopped)
}

pub(super) fn open_pipeline(args: &RunArgs) -> Result<Pipeline> {
    let mut pipeline = definition::open(args.pipeline.as_deref())?;
    let read = &mut pipeline.definition.read;
    if let Some(sheet) = &args.sheet {
        read.sheet = Some(sheet.clone());
    }
    if let Some(encoding) = &args.encoding {
        read.encoding = Some(encoding.clone());
    }
    if let Some(delimiter) = &args.delimiter {
        let mut characters = delimiter.chars();
        read.delimiter = match (delimiter.as_str(), characters.next(), characters.next()) {
            ("\\t" | "tab", ..) => Some('\t'),
            (_, Some(only), None) if only.is_ascii() && !only.is_control() => Some(only),
            _ => {
                let what =
                    format!("`--delimiter {delimiter}` is not one ASCII character, or `\\t`");
                return Err(Refusal::new(Code::UsageInvalid, what));
            }
        };
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
    for (class, count) in &args.allow {
        add_to_sha(&mut pipeline, "allow", &format!("{} {count}", class.name()));
    }
    Ok(pipeline)
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
    let target = Target::find(args.database.database.as_deref(), &home_from_environment()?)?;
    if offline.is_some() {
        return Store::open_if_there(target);
    }
    let store = Store::open(target)?;
    store.lock()?;
    Ok(Some(store))
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
        gates: ran.gates.clone(),
        profile: ran.profile.clone(),
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
        add("do what was checked", again.clone());
    }
    if is_held(summary) {
        let held = summary
            .gates
            .iter()
            .filter(|gate| gate.ruling == Ruling::Held);
        let allow = held.map(|gate| format!(" --allow {}={}", gate.class, gate.count));
        let command = again + &allow.collect::<String>();
        if is_check {
            add("do all of it, with what is held", command);
        } else {
            let approve = format!("muster approve {}", summary.run.id);
            add("let through what is held, exactly as planned", approve);
        }
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
