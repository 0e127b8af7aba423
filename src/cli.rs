//! The command line: what can be asked, and where the answer goes. Results go to stdout, progress
//! and refusals to stderr.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::definition::{self, Pipeline};
use crate::issue::Code;
use crate::outcome::Exit;
use crate::pipeline::{self, Job, Ran};
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::report::{human, record, template};
use crate::stages::load::RunKey;
use crate::store::Store;
use crate::store::connect::Target;
use crate::store::launcher::{Local, Status, home_from_environment};
use crate::store::runs::{Booked, unknown};
use crate::summary::{Next, PipelineName, Run, SCHEMA, Summary};

/// Check a file of people, import it into PostgreSQL, and only then invite them.
#[derive(Parser)]
#[command(
    name = "muster",
    version,
    max_term_width = 100,
    disable_help_subcommand = false
)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what an import would do; write nothing to the accounts
    Check(CheckArgs),
    /// Import files of people; several files are one import
    Import(RunArgs),
    /// Write a file with the pipeline's columns and an example row, to be filled in
    Template(TemplateArgs),
    /// List the runs, newest first
    Runs(RunsArgs),
    /// Show the summary of a run
    Show(ShowArgs),
    /// The local database that muster keeps where none is named
    Db {
        #[command(subcommand)]
        command: DbCommand,
    },
}

#[derive(Args)]
struct CheckArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Match against no database; every good row counts as created
    #[arg(long, conflicts_with = "database")]
    offline: bool,
}

#[derive(Args)]
struct RunArgs {
    /// The files: CSV or Excel workbooks (.xlsx)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A pipeline file, or the name of one in `pipelines/`
    #[arg(short, long, value_name = "PIPELINE")]
    pipeline: Option<String>,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Folder for the run's files [default: muster-runs/RUN]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print summary.json on stdout
    #[arg(long)]
    json: bool,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    /// Sheet of a workbook; overrides the pipeline
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Delimiter of text files, one character or `\t`; overrides the pipeline
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<String>,
    /// Encoding of text files, such as windows-1252; overrides the pipeline
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
}

#[derive(Args)]
struct DatabaseArgs {
    /// PostgreSQL to use [default: $DATABASE_URL, else a local one of muster's own]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

#[derive(Args)]
struct TemplateArgs {
    /// A pipeline file, or the name of one in `pipelines/`
    #[arg(short, long, value_name = "PIPELINE")]
    pipeline: Option<String>,
    /// What kind of file [default: by the ending of --output, else csv]
    #[arg(short, long)]
    format: Option<TemplateFormat>,
    /// Where it goes [default: stdout for csv]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum TemplateFormat {
    Csv,
    Xlsx,
}

#[derive(Args)]
struct RunsArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// How many
    #[arg(short = 'n', long, default_value_t = 20, value_name = "COUNT")]
    limit: u32,
    /// Print a JSON array of summaries
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct ShowArgs {
    /// A run's id, the beginning of one, `last`, or the folder of its files
    run: String,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print summary.json
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum DbCommand {
    /// Start it, making it first if need be
    Start,
    /// Stop it
    Stop,
    /// Say whether it runs
    Status,
    /// Print its URL, for psql and other programs
    Url,
}

/// Runs the command of this process's arguments.
pub fn run() -> Exit {
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Refused
            } else {
                Exit::Done
            };
        }
    };
    let result = match &line.command {
        Command::Check(args) => run_files(&args.run, Some(args.offline)),
        Command::Import(args) => run_files(args, None),
        Command::Template(args) => write_template(args),
        Command::Runs(args) => list_runs(args),
        Command::Show(args) => show_run(args),
        Command::Db { command } => database(command),
    };
    result.unwrap_or_else(|refusal| {
        eprint!(
            "{}",
            human::refusal(&refusal, colour(std::io::stderr().is_terminal()))
        );
        refusal.exit
    })
}

/// `check` (with its `--offline`) and `import`.
fn run_files(args: &RunArgs, offline: Option<bool>) -> Result<Exit> {
    let pipeline = open_pipeline(args)?;
    let started = SystemTime::now();
    let run = new_run(started);
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
        pipeline: &pipeline,
        run,
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
    let mut summary = begin_summary(&ran, &pipeline, offline, store.as_ref(), started);
    let written = store.as_ref().filter(|_| offline.is_none());
    let told = tell(args, &ran, &pipeline, written, &folder, &mut summary);
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
        None => Ok(Exit::of(&summary.counts)),
    }
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
    summary.next = next_steps(args, ran, summary, summary.run.kind == "check", folder);
    let json = record::finish(summary, &details, folder)?;
    if let Some(store) = store {
        store.end_run(summary, &absolute(folder))?;
        // The planner would otherwise know nothing of a table that was just filled.
        if summary.counts.created + summary.counts.updated > 10_000 {
            store.analyze()?;
        }
    }
    show(summary, &json, folder, args.json);
    Ok(())
}

fn stopped_on_the_way(refusal: Refusal) -> Refusal {
    let help = format!(
        "{}; then run the same command again, it goes on where it stopped",
        refusal.help
    );
    refusal.help(help).exit(Exit::Stopped)
}

fn open_pipeline(args: &RunArgs) -> Result<Pipeline> {
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
    // A run that was cut off is taken up again only if it would read the same rows.
    for (name, value) in [
        ("sheet", &args.sheet),
        ("delimiter", &args.delimiter),
        ("encoding", &args.encoding),
    ] {
        if let Some(value) = value {
            let text = format!("{} {name}={value}", pipeline.sha256);
            pipeline.sha256 = crate::hex(&Sha256::digest(text));
        }
    }
    Ok(pipeline)
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
fn new_run(started: SystemTime) -> RunKey {
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

fn rfc3339(time: SystemTime) -> String {
    Timestamp::try_from(time)
        .map(|timestamp| timestamp.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
        .unwrap_or_default()
}

fn make_folder(folder: &Path, ours: bool) -> Result<()> {
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

fn absolute(folder: &Path) -> String {
    std::path::absolute(folder)
        .unwrap_or_else(|_| folder.to_path_buf())
        .display()
        .to_string()
}

/// Ctrl-C and SIGTERM ask the run to stop at the next place where that is clean; a second one
/// ends it at once, which a later run copes with, too.
fn stop_on_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        else {
            return;
        };
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) = (
                signal(SignalKind::interrupt()),
                signal(SignalKind::terminate()),
            ) else {
                return;
            };
            for seen in 0.. {
                let signals = [Box::pin(interrupt.recv()), Box::pin(terminate.recv())];
                let [interrupted, terminated] = signals;
                futures_util::future::select(interrupted, terminated).await;
                if seen > 0 {
                    std::process::abort();
                }
                flag.store(true, Ordering::Relaxed);
                let _ = writeln!(
                    std::io::stderr(),
                    "stopping; what is under way is finished first"
                );
            }
        });
    });
    stop
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
    summary: &Summary,
    is_check: bool,
    folder: &Path,
) -> Vec<Next> {
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
    if !is_check {
        add("see this again", format!("muster show {}", summary.run.id));
    }
    next
}

/// A word as a POSIX shell takes it.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn show(summary: &Summary, json: &str, folder: &Path, as_json: bool) {
    let text = if as_json {
        json.to_string()
    } else {
        human::render(
            summary,
            &folder.display().to_string(),
            width(),
            colour(std::io::stdout().is_terminal()),
        )
    };
    print(&text);
}

/// Prints to stdout; a reader that has gone away is no error of ours.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn width() -> usize {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .unwrap_or(100)
}

/// See <https://no-color.org>.
fn colour(is_terminal: bool) -> bool {
    is_terminal && std::env::var_os("NO_COLOR").is_none()
}

fn write_template(args: &TemplateArgs) -> Result<Exit> {
    let definition = definition::open(args.pipeline.as_deref())?.definition;
    let by_name = args
        .output
        .as_ref()
        .is_some_and(|path| path.extension().is_some_and(|ending| ending == "xlsx"));
    let format = args.format.unwrap_or(if by_name {
        TemplateFormat::Xlsx
    } else {
        TemplateFormat::Csv
    });
    match (format, &args.output) {
        (TemplateFormat::Csv, None) => print(&template::csv(&definition)),
        (TemplateFormat::Csv, Some(path)) => {
            let text = template::csv(&definition);
            refuse_to_overwrite(path)?;
            crate::report::file::atomically(path, |file| file.write(text.as_bytes()))?;
        }
        (TemplateFormat::Xlsx, Some(path)) => {
            refuse_to_overwrite(path)?;
            template::xlsx(path, &definition)?;
        }
        (TemplateFormat::Xlsx, None) => {
            let what = "a workbook can't go to the terminal";
            return Err(Refusal::new(Code::UsageInvalid, what).help("name a file with `--output`"));
        }
    }
    eprint!("{}", template::notes(&definition));
    Ok(Exit::Done)
}

fn refuse_to_overwrite(path: &Path) -> Result<()> {
    if path.exists() {
        let what = format!("`{}` is there already", path.display());
        return Err(Refusal::new(Code::OutputUnwritable, what)
            .help("name another file, or remove that one"));
    }
    Ok(())
}

/// The runs that are known here: imports from the database's books, checks from `muster-runs`.
fn known_runs(database: &DatabaseArgs, limit: i64) -> Result<Vec<Booked>> {
    let target = Target::find(database.database.as_deref(), &home_from_environment()?)?;
    let mut runs = match Store::open_if_there(target)? {
        Some(store) => store.list_runs(limit)?,
        None => Vec::new(),
    };
    for entry in std::fs::read_dir("muster-runs")
        .into_iter()
        .flatten()
        .flatten()
    {
        if let Some(found) = run_in(&entry.path())
            && runs.iter().all(|run| run.id != found.id)
        {
            runs.push(found);
        }
    }
    runs.sort_by(|a, b| b.id.cmp(&a.id));
    runs.truncate(limit as usize);
    Ok(runs)
}

/// The run whose files are in that folder.
fn run_in(folder: &Path) -> Option<Booked> {
    let json = std::fs::read_to_string(folder.join("summary.json")).ok()?;
    let summary: Summary = serde_json::from_str(&json).ok()?;
    Some(Booked {
        id: summary.run.id.clone(),
        kind: summary.run.kind.clone(),
        state: summary.run.state.clone(),
        started_at: summary.run.started_at.clone(),
        folder: Some(folder.display().to_string()),
        summary: Some(summary),
    })
}

fn list_runs(args: &RunsArgs) -> Result<Exit> {
    let runs = known_runs(&args.database, i64::from(args.limit))?;
    if args.json {
        let summaries: Vec<&Summary> = runs.iter().filter_map(|run| run.summary.as_ref()).collect();
        print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&summaries).unwrap_or_default()
        ));
        return Ok(Exit::Done);
    }
    let lines: Vec<human::RunLine> = runs
        .into_iter()
        .map(|run| {
            let paths = |summary: &Summary| {
                summary
                    .input
                    .iter()
                    .map(|input| input.path.clone())
                    .collect::<Vec<_>>()
            };
            human::RunLine {
                input: run
                    .summary
                    .as_ref()
                    .map_or(String::new(), |summary| paths(summary).join(", ")),
                counts: run
                    .summary
                    .as_ref()
                    .map_or_else(Default::default, |summary| summary.counts),
                id: run.id,
                kind: run.kind,
                started_at: run.started_at,
                state: run.state,
            }
        })
        .collect();
    print(&human::runs_table(&lines));
    Ok(Exit::Done)
}

fn show_run(args: &ShowArgs) -> Result<Exit> {
    let run = match run_in(Path::new(&args.run)) {
        Some(run) => run,
        None => find_run(args)?,
    };
    let Some(summary) = run.summary else {
        let what = format!("run `{}` was cut off before its summary", run.id);
        return Err(Refusal::new(Code::RunUnknown, what)
            .help("run the same import again; it goes on where it stopped"));
    };
    let json = format!(
        "{}\n",
        serde_json::to_string_pretty(&summary).unwrap_or_default()
    );
    show(
        &summary,
        &json,
        Path::new(run.folder.as_deref().unwrap_or("")),
        args.json,
    );
    Ok(Exit::Done)
}

fn find_run(args: &ShowArgs) -> Result<Booked> {
    let runs = known_runs(&args.database, i64::from(u32::MAX))?;
    let mut fitting = runs
        .into_iter()
        .filter(|run| args.run == "last" || run.id.starts_with(&args.run));
    let found = fitting
        .next()
        .filter(|_| !args.run.is_empty())
        .ok_or_else(|| unknown(&args.run))?;
    if args.run != "last" && found.id != args.run && fitting.next().is_some() {
        let what = format!("several runs begin with `{}`", args.run);
        return Err(Refusal::new(Code::RunUnknown, what));
    }
    Ok(found)
}

fn database(command: &DbCommand) -> Result<Exit> {
    let local = Local::at(home_from_environment()?);
    match command {
        DbCommand::Start => {
            local.start()?;
            print(&format!("running: {}\n", local.url()));
        }
        DbCommand::Stop => {
            local.stop()?;
            print("stopped\n");
        }
        DbCommand::Status => print(&format!("{}\n", status_line(&local))),
        DbCommand::Url => {
            local.start()?;
            print(&format!("{}\n", local.url()));
        }
    }
    Ok(Exit::Done)
}

fn status_line(local: &Local) -> String {
    let home = local.home().display();
    match local.status() {
        Status::Missing => format!("none yet; the first import makes it in {home}"),
        Status::Stopped => format!("stopped; it is in {home}"),
        Status::Running { .. } => format!("running in {home}: {}", local.url()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Line::command().debug_assert();
    }

    #[test]
    fn words_are_quoted_for_the_shell() {
        assert_eq!(shell_word("a/b.csv"), "a/b.csv");
        assert_eq!(shell_word("it's here.csv"), "'it'\\''s here.csv'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn run_ids_tell_their_time() {
        let run = new_run(UNIX_EPOCH + std::time::Duration::from_secs(1_795_324_354));
        assert!(run.id.starts_with("20261122-"), "{}", run.id);
        assert_eq!(run.id.len(), "20261122-051234-7f3a".len());
        let later = new_run(UNIX_EPOCH + std::time::Duration::from_millis(1_795_324_354_001));
        assert!(run.id < later.id, "{} {}", run.id, later.id);
    }
}
