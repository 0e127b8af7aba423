//! `muster import --drop`: one visit to a drop folder. Its rules are in [`crate::inbox`].

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use clap::Args;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::due::once_a_day;
use super::invite::{ReportMail, corrections, run_report};
use crate::cli::run::{
    RunArgs, Setup, Task, absolute, make_folder, new_run, open_locked, open_pipeline, run_task,
};
use crate::cli::terminal::{print, shell_word, stop_on_signal, warn};
use crate::definition::{Pipeline, lifetime};
use crate::field::RowNumber;
use crate::file;
use crate::header::Vocabulary;
use crate::inbox::place::Place;
use crate::inbox::{
    Dropped, Manifest, Rules, at_milliseconds, is_about_the_file, is_stale, look, not_ready,
    unsettled, worse,
};
use crate::invitation::{Delivery, RunReport};
use crate::issue::Code;
use crate::notify::Attachment;
use crate::outcome::{Counts, Exit, Outcome};
use crate::refusal::{Refusal, Result};
use crate::report::human;
use crate::sending::Transport;
use crate::sending::mailer::{Mailer, undelivered};
use crate::stages::read::{Source, Wanted};
use crate::store::Store;
use crate::store::drops::Earlier;
use crate::summary::{self, Summary};

#[derive(Args)]
pub(super) struct DropArgs {
    /// Import the complete files in this folder, and move each to DIR/done or DIR/refused
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    pub(super) drop: Option<PathBuf>,
    /// How long a file without marker or manifest must be unchanged
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        requires = "drop",
        conflicts_with = "files"
    )]
    settle: u64,
    /// Take only files with NAME.done, NAME.manifest, NAME.json or NAME.sha256 beside them
    #[arg(long, requires = "drop", conflicts_with = "files")]
    require_manifest: bool,
    /// Refuse files that are older, such as `2 days`
    #[arg(long, value_name = "TIME", requires = "drop", conflicts_with = "files")]
    max_age: Option<String>,
}

/// How far apart two looks at a file are.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// Says in a folder that the administrator was mailed about what is in it.
const SENT: &str = "report.sent";

/// What happened to a file.
enum Taken {
    /// It stays for the next visit, and why.
    Waiting(String),
    /// It is in that folder now.
    Moved(PathBuf, Ended),
}

enum Ended {
    Imported(Box<Summary>, Exit),
    Repeated(Refusal),
    Refused(Refusal),
}

struct Visit<'a> {
    args: &'a RunArgs,
    pipeline: &'a Pipeline,
    place: &'a Place,
    rules: Rules,
    store: Store,
    stop: Arc<AtomicBool>,
}

/// One visit to `folder`.
pub(super) fn visit(run: &RunArgs, args: &DropArgs, folder: &Path) -> Result<Exit> {
    let pipeline = open_pipeline(run)?;
    let rules = rules(args)?;
    let place = Place::open(folder)?;
    let first = look(folder, SystemTime::now())?;
    let quiet = run.output.quiet;
    if first.files.is_empty() && pipeline.definition.accounts.day().is_none() {
        if !quiet {
            warn(&format!("nothing to import in {}", folder.display()));
            left_alone(&first.left_alone);
        }
        return Ok(Exit::Done);
    }
    let store = match open_locked(run, &pipeline) {
        Err(refusal) if refusal.exit == Exit::Locked && quiet => return Ok(Exit::Locked),
        store => store,
    };
    let mut visit = Visit {
        args: run,
        pipeline: &pipeline,
        place: &place,
        rules,
        store: store?,
        stop: stop_on_signal(),
    };
    if first.files.iter().any(|file| !file.marked) {
        std::thread::sleep(BETWEEN_LOOKS);
    }
    // What the last visit took away while this one waited for the lock is gone by now.
    let second = look(folder, SystemTime::now())?;
    let worst = visit.take_all(&first.files, &second.files)?;
    let worst = worse(worst, visit.settle_due()?);
    if !quiet {
        left_alone(&second.left_alone);
    }
    Ok(worst)
}

fn rules(args: &DropArgs) -> Result<Rules> {
    let max_age = match args.max_age.as_deref().map(lifetime) {
        None => None,
        Some(Ok(minutes)) => minutes.map(|minutes| Duration::from_secs(u64::from(minutes) * 60)),
        Some(Err(why)) => {
            let what = format!("`--max-age`: {why}");
            return Err(Refusal::new(Code::UsageInvalid, what));
        }
    };
    Ok(Rules {
        settle: Duration::from_secs(args.settle),
        require_manifest: args.require_manifest,
        max_age,
    })
}

fn left_alone(names: &[String]) {
    if !names.is_empty() {
        warn(&format!("ignored: {}", names.join(", ")));
    }
}

impl Visit<'_> {
    /// Every file that is complete, and the exit code of all of them.
    fn take_all(&mut self, first: &[Dropped], second: &[Dropped]) -> Result<Exit> {
        let mut worst = Exit::Done;
        for file in second {
            if self.stop.load(Ordering::Relaxed) {
                let what = format!("interrupted before `{}`", file.name);
                return Err(Refusal::new(Code::RunStopped, what)
                    .help("the next visit continues")
                    .exit(Exit::Stopped));
            }
            let earlier = first.iter().find(|earlier| earlier.name == file.name);
            let taken = self.take(file, earlier).map_err(|refusal| Refusal {
                exit: worse(worst, refusal.exit),
                ..refusal
            })?;
            match taken {
                Taken::Waiting(why) if !self.args.output.quiet => {
                    warn(&format!("not complete yet: {}: {why}", file.name));
                }
                Taken::Waiting(_) => {}
                Taken::Moved(folder, ended) => {
                    worst = worse(worst, ended.exit());
                    print(&line(&file.name, &folder, &ended, self.args.output.json));
                }
            }
        }
        Ok(worst)
    }

    /// Does what the dates of the accounts say, where no file has come today. A run that a visit
    /// before this one was interrupted at stays for the next file or `muster due`.
    fn settle_due(&mut self) -> Result<Exit> {
        let (place, args, pipeline) = (self.place, self.args, self.pipeline);
        let setup = Setup {
            args,
            pipeline,
            started: SystemTime::now(),
            folder: Path::new(""),
            stop: &self.stop,
            dropped: None,
        };
        let run_folder = |run: &str| place.run_folder(run);
        let Some((folder, reported)) = once_a_day(setup, &mut self.store, run_folder)? else {
            return Ok(Exit::Done);
        };
        let exit = reported.end?;
        self.mail(&folder, &reported.summary.run.id, || {
            let base = pipeline.definition.mail.summary_base.as_deref();
            let report = run_report(&reported.summary, &folder, base);
            Ok((report, String::new(), Vec::new()))
        });
        let ended = Ended::Imported(Box::new(reported.summary), exit);
        print(&line("dates", &folder, &ended, self.args.output.json));
        Ok(exit)
    }

    fn take(&mut self, file: &Dropped, earlier: Option<&Dropped>) -> Result<Taken> {
        if let Some(why) = not_ready(file, earlier, SystemTime::now(), &self.rules) {
            return Ok(Taken::Waiting(why));
        }
        let refusal = match self.import(file, earlier) {
            Ok(taken) => return Ok(taken),
            Err(refusal) => refusal,
        };
        match refusal.code {
            Code::FileChanged => Ok(Taken::Waiting("it is still changing".to_string())),
            Code::FileNotFound => Ok(Taken::Waiting("it disappeared".to_string())),
            _ if is_about_the_file(&refusal) => self.refuse(file, refusal),
            _ => Err(refusal),
        }
    }

    /// Judges a file that may be complete, and imports it.
    fn import(&mut self, file: &Dropped, earlier: Option<&Dropped>) -> Result<Taken> {
        let sha256 = self.place.sha256(&file.name)?;
        if let Err(refusal) = self.compare(file, &sha256) {
            return match unsettled(file, earlier, SystemTime::now(), &self.rules) {
                Some(_) => Ok(Taken::Waiting(format!("{refusal} so far"))),
                None => Err(refusal),
            };
        }
        let known = self.store.find_import(&sha256, &self.pipeline.sha256)?;
        let newest = self
            .store
            .newest_dropped(&self.place.name, self.pipeline.named.as_deref())?;
        let is_new_edition = |known: &Earlier| {
            let date = file.dated.map(|date| date.to_string());
            known.overtaken && date.is_some() && date > newest.dated
        };
        match known {
            Some(run) if run.finished => {
                let folder = self.place.run_folder(&run.id);
                let is_cut_off = |summary: &Summary| {
                    let came_from = summary.dropped.as_ref();
                    came_from.is_some_and(|dropped| {
                        dropped.folder == self.place.name && dropped.file == file.name
                    }) && folder.is_dir()
                        && !self.place.holds(&folder, &file.name)
                };
                if let Some(summary) = run.summary.clone().filter(is_cut_off) {
                    let exit = summary.exit();
                    return self.finish(file, folder, summary, exit);
                }
                if !is_new_edition(&run) {
                    return self.pass_by(file, &run.id);
                }
                self.run(file, &sha256, None)
            }
            Some(run) => self.run(file, &sha256, Some(run.id)),
            None => {
                is_stale(file, &newest, SystemTime::now(), &self.rules)?;
                self.run(file, &sha256, None)
            }
        }
    }

    /// Compares a file with its manifest, if it has one.
    fn compare(&self, file: &Dropped, sha256: &str) -> Result<()> {
        let Some(name) = &file.manifest else {
            return Ok(());
        };
        let manifest = Manifest::parse(name, &self.place.read_manifest(name)?, &file.name)?;
        manifest.compare(&file.name, sha256, || self.count_rows(&file.name))
    }

    fn count_rows(&self, name: &str) -> Result<u64> {
        let definition = &self.pipeline.definition;
        let vocabulary = &Vocabulary::new(definition);
        let wanted = Wanted {
            definition,
            vocabulary,
            reader: &self.args.reading.0,
        };
        let mut rows: RowNumber = 0;
        Source::open(&self.place.path(name), &wanted)?.read(0, 0, &mut |cells| {
            rows = cells.next_row();
            Ok(rows <= RowNumber::MAX / 2)
        })?;
        Ok(u64::from(rows))
    }

    /// Imports a file; `unfinished` is the run that was interrupted on it.
    fn run(&mut self, file: &Dropped, sha256: &str, unfinished: Option<String>) -> Result<Taken> {
        let started = SystemTime::now();
        let mut run = new_run(started);
        run.id = unfinished.unwrap_or(run.id);
        let folder = self.place.run_folder(&run.id);
        make_folder(&folder, true)?;
        let args = RunArgs {
            files: vec![self.place.path(&file.name)],
            ..self.args.clone()
        };
        let dropped = summary::Dropped {
            folder: self.place.name.clone(),
            file: file.name.clone(),
            dated: file.dated.map(|date| date.to_string()),
            modified_at: at_milliseconds(file.modified),
        };
        let setup = Setup {
            args: &args,
            pipeline: self.pipeline,
            started,
            folder: &folder,
            stop: &self.stop,
            dropped: Some((dropped, sha256)),
        };
        let reported = run_task(&setup, Task::Import, run, Some(&mut self.store))?;
        self.finish(file, folder, reported.summary, reported.end?)
    }

    /// Tells the administrator of a finished run, then moves its file to its reports: a visit that
    /// is cut off between finds the file again, and sees that the mail is out.
    fn finish(
        &self,
        file: &Dropped,
        folder: PathBuf,
        summary: Summary,
        exit: Exit,
    ) -> Result<Taken> {
        self.mail(&folder, &summary.run.id, || {
            let base = self.pipeline.definition.mail.summary_base.as_deref();
            let report = run_report(&summary, &folder, base);
            Ok((report, String::new(), corrections(&summary, &folder)?))
        });
        self.place.take_away(file, &folder)?;
        let ended = Ended::Imported(Box::new(summary), exit);
        Ok(Taken::Moved(folder, ended))
    }

    /// The same file again: a note, and out of the way.
    fn pass_by(&self, file: &Dropped, run: &str) -> Result<Taken> {
        let name = &file.name;
        let what = format!("`{name}` was already imported, by run {run}");
        let refusal = Refusal::new(Code::DropRepeated, what);
        let stamp = new_run(SystemTime::now()).id;
        let folder = self.place.make_folder("done", &stamp, name)?;
        note(&folder.join("repeated.txt"), name, &refusal)?;
        self.place.take_away(file, &folder)?;
        Ok(Taken::Moved(folder, Ended::Repeated(refusal)))
    }

    /// Moves a file away that isn't imported, then tells the administrator: a mail that went out
    /// before a move that fails would go out at every visit.
    fn refuse(&self, file: &Dropped, refusal: Refusal) -> Result<Taken> {
        let name = &file.name;
        let stamp = new_run(SystemTime::now()).id;
        let folder = self.place.make_folder("refused", &stamp, name)?;
        let text = folder.join("refusal.txt");
        note(&text, name, &refusal)?;
        self.place.take_away(file, &folder)?;
        self.mail(&folder, &folder.display().to_string(), || {
            let report = RunReport {
                id: folder.file_name().unwrap_or_default().display().to_string(),
                state: "refused".to_string(),
                files: vec![self.place.path(name).display().to_string()],
                counts: counts(&Counts::default()).map(own).collect(),
                summary: absolute(&text),
                next: Vec::new(),
            };
            let words = format!(
                "{} ({})\n\n{}",
                human::safe(&refusal.what),
                refusal.code,
                human::safe(&refusal.help)
            );
            Ok((report, words, Vec::new()))
        });
        Ok(Taken::Moved(folder, Ended::Refused(refusal)))
    }

    /// Writes to the administrator of what is in `folder`, once. `about` names it for ever. What
    /// fails is only said: the import is done.
    fn mail(
        &self,
        folder: &Path,
        about: &str,
        content: impl FnOnce() -> Result<(RunReport, String, Vec<Attachment>)>,
    ) {
        let Some(admin) = &self.pipeline.definition.mail.admin else {
            return;
        };
        let sent = folder.join(SENT);
        if sent.exists() {
            return;
        }
        let named = self.args.pipeline.name.as_deref();
        let reported = Mailer::open(named, None, &self.store).and_then(|mailer| {
            let (run, words, attached) = content()?;
            let report = ReportMail {
                to: admin,
                run,
                words,
                attached: &attached,
            };
            let key = crate::text::hex(&Sha256::digest(about)[..16]);
            let id = format!("<report-{key}@{}>", mailer.sender.domain());
            let (_, message) = report.compose(&mailer, &id)?;
            // The outbox replaces a mail of the same id. A server would send both, so that whoever
            // is cut off while it has the mail must not have it sent again.
            let claims = matches!(mailer.transport, Transport::Smtp(_));
            if claims && !mark(&sent, &id)? {
                return Ok(());
            }
            let unsent = |_: &Refusal| {
                let _ = std::fs::remove_file(&sent);
            };
            match mailer.deliver(&message).inspect_err(unsent)? {
                Delivery::Sent { .. } if claims => Ok(()),
                Delivery::Sent { .. } => mark(&sent, &id).map(|_| ()),
                ended @ Delivery::Unknown { .. } => Err(undelivered(ended)),
                ended => Err(undelivered(ended)).inspect_err(unsent),
            }
        });
        if let Err(refusal) = reported {
            warn(&format!(
                "the mail to the administrator about {} was not sent: {refusal}",
                folder.display()
            ));
        }
    }
}

/// Whether the mark is new.
fn mark(path: &Path, id: &str) -> Result<bool> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        opened => opened
            .and_then(|mut file| writeln!(file, "{id}").and_then(|()| file.sync_all()))
            .map(|()| true)
            .map_err(|error| file::unwritable(path, &error)),
    }
}

/// Says beside a file why it wasn't imported.
fn note(path: &Path, name: &str, refusal: &Refusal) -> Result<()> {
    let text = format!(
        "{}\n{}\n\n{}",
        human::safe(name),
        at_milliseconds(SystemTime::now()),
        human::refusal(refusal, false)
    );
    file::atomically(path, |file| file.write(text.as_bytes()))
}

impl Ended {
    fn exit(&self) -> Exit {
        match self {
            Ended::Imported(_, exit) => *exit,
            Ended::Repeated(_) => Exit::Done,
            Ended::Refused(refusal) => refusal.exit,
        }
    }
}

fn counts(counts: &Counts) -> impl Iterator<Item = (&'static str, u64)> {
    let of = Outcome::ALL.map(|outcome| (outcome.name(), counts.of(outcome)));
    std::iter::once(("read", counts.read)).chain(of)
}

fn own((name, count): (&'static str, u64)) -> (String, u64) {
    (name.to_string(), count)
}

/// What is said of a file on stdout: one line.
fn line(name: &str, folder: &Path, ended: &Ended, as_json: bool) -> String {
    if as_json {
        return format!("{}\n", line_of_json(name, folder, ended));
    }
    let what = match ended {
        Ended::Imported(summary, _) => {
            let there = counts(&summary.counts).filter(|(_, count)| *count > 0);
            let there = there.map(own);
            let whose = if summary.input.is_empty() {
                ""
            } else {
                "leavers "
            };
            let leavers = summary.leavers.iter();
            let leavers =
                leavers.map(|(leaver_action, count)| (format!("{whose}{leaver_action}"), *count));
            let words: Vec<String> = there
                .chain(leavers)
                .map(|(word, count)| format!("{} {word}", human::grouped(count)))
                .collect();
            let run = &summary.run.id;
            let approve = match summary.is_held() {
                true => format!(", held until `muster approve {run}`"),
                false => String::new(),
            };
            format!("{}, run {run}{approve}", words.join(", "))
        }
        Ended::Repeated(refusal) => format!("{}: {}", refusal.code, refusal.what),
        Ended::Refused(refusal) => {
            let first = refusal.what.lines().next().unwrap_or_default();
            format!("refused, {}: {first}", refusal.code)
        }
    };
    let place = shell_word(&folder.display().to_string());
    format!(
        "{}\n",
        human::safe(&format!("{name}: {what}; moved to {place}"))
    )
}

fn line_of_json(name: &str, folder: &Path, ended: &Ended) -> Value {
    let (word, run, counts, refusal) = match ended {
        Ended::Imported(summary, _) => (
            "imported",
            Some(&summary.run.id),
            Some(&summary.counts),
            None,
        ),
        Ended::Repeated(refusal) => ("repeated", None, None, Some(refusal)),
        Ended::Refused(refusal) => ("refused", None, None, Some(refusal)),
    };
    json!({
        "schema": "muster.drop/1",
        "file": name,
        "ended": word,
        "exit": ended.exit() as u8,
        "run": run,
        "counts": counts,
        "code": refusal.map(|refusal| refusal.code.name()),
        "what": refusal.map(|refusal| &refusal.what),
        "help": refusal.map(|refusal| &refusal.help),
        "folder": folder.display().to_string(),
    })
}
