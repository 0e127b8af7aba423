//! Commands in processes of their own, which outlive the console: started, watched, stopped.

use std::future::Future;
use std::os::unix::process::CommandExt;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use futures_util::Stream;
use maud::{Markup, html};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::App;
use super::ask::{Answer, Ask, Page};
use super::commands::Said;
use super::page::{self, form, prose, visible};
use super::response::Head;
use super::steps::{back, steps};
use crate::admin::Role;
use crate::outcome::Exit;
use crate::progress::Step;
use crate::refusal::Result;
use crate::store::jobs::{Ended, Job, JobState, NewJob};
use crate::store::{self, console::Session};
use crate::text::{hex, shell};

/// How often a page without a stream of events is asked for again, in seconds.
const AGAIN_SECONDS: u32 = 2;
/// How often the stream looks at a job.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often it says something, so that a proxy keeps it open.
const COMMENT_EVERY: Duration = Duration::from_secs(15);
/// Above it, an exit code names a signal.
const SIGNALLED: i32 = 128;
/// That of a command that was stopped before it could do that in its own way.
const INTERRUPTED: i32 = SIGNALLED + 2;

/// A command to start.
pub struct Work {
    /// What pages call it; [`label`] has the words.
    pub kind: &'static str,
    /// Its arguments, without the program and without any personal value.
    pub args: Vec<String>,
    /// What it reads on standard input.
    pub stdin: Option<Vec<u8>>,
    /// What it is about: a run, an upload, a selection.
    pub about: String,
    /// Where its page leads once it has ended; `{run}` is the run that it made. Empty for nowhere.
    pub leads_to: String,
}

/// Starts a command, on behalf of who asks; one that does the same is not started a second time while
/// it runs. The page of the job that is returned is `/jobs/ID`.
///
/// # Errors
/// A refusal with a `database.*` code. A command that can't be started has ended, and says why.
pub fn start(ask: &mut Ask, work: Work) -> Result<Uuid> {
    start_as(ask, store::new_id()?, work)
}

/// The same for a job whose id was made before.
///
/// # Errors
/// As [`start`].
pub fn start_as(ask: &mut Ask, id: Uuid, work: Work) -> Result<Uuid> {
    let subject = subject(&work);
    start_about(ask, id, work, subject)
}

/// The same for a job of which only the caller knows what it does to what.
///
/// # Errors
/// As [`start`].
pub fn start_about(ask: &mut Ask, id: Uuid, work: Work, subject: String) -> Result<Uuid> {
    let open = ask.store.insert_job(&NewJob {
        id,
        args: work.args,
        stdin: work.stdin,
        kind: work.kind.to_string(),
        about: work.about,
        leads_to: work.leads_to,
        who: ask.who(),
        session: Some(ask.session.id),
        subject,
    })?;
    if let Some(open) = open {
        return Ok(open);
    }
    if let Err(error) = spawn(ask.app, id) {
        let ended = Ended {
            exit_code: Some(Exit::Refused as i32),
            stderr: format!("the process can't be started: {error}\n"),
            ..Ended::default()
        };
        ask.store.end_job(id, &ended)?;
    }
    Ok(id)
}

/// What a command does to what: its kind, what it is about, what it is given and its arguments, but for
/// files that were made for it alone.
pub fn subject(work: &Work) -> String {
    let is_made = |index: usize, arg: &str| {
        let is_plan = arg.starts_with("--plan=") || index > 0 && work.args[index - 1] == "--plan";
        let stem = arg
            .rsplit('/')
            .next()
            .and_then(|name| name.strip_suffix(".txt"));
        is_plan || stem.is_some_and(|stem| stem.parse::<Uuid>().is_ok())
    };
    let args = work.args.iter().enumerate();
    let args = args.filter(|(index, arg)| !is_made(*index, arg));
    let args: Vec<&str> = args.map(|(_, arg)| arg.as_str()).collect();
    let given = hex(&Sha256::digest(work.stdin.as_deref().unwrap_or_default()));
    format!("{} {} {given} {}", work.kind, work.about, args.join("\n"))
}

/// The process is in a group of its own, so that Ctrl-C ends the console and not it.
fn spawn(app: &App, id: Uuid) -> std::io::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    if let Some(url) = &app.database {
        command.env("DATABASE_URL", url);
    }
    let mut child = command
        .args(["run-job", &id.to_string()])
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // How it ended is in the database; the system wants somebody to take note.
    std::thread::spawn(move || child.wait());
    Ok(())
}

/// What a kind of job is called.
pub fn label(ask: &Ask, kind: &str) -> &'static str {
    ask.t(match kind {
        "check" => "check",
        "import" => "import",
        "approve" => "approval",
        "undo" => "undo",
        "invite" => "sending of invitations",
        "reset" => "sending of password resets",
        "change" => "change",
        "preview" => "preview",
        "remind" => "sending of reminders",
        "cancel" => "cancelling of invitations",
        "groups" => "change of groups",
        "add" => "import",
        _ => "command",
    })
}

/// The job of the path.
fn asked(ask: &Ask) -> Result<Option<Job>> {
    match ask.part("job").parse() {
        Ok(id) => ask.store.job(id).map(Some),
        Err(_) => Ok(None),
    }
}

/// `/jobs/{job}`.
pub(super) fn page(ask: &mut Ask) -> Result<Answer> {
    let Some(job) = asked(ask)? else {
        return Ok(Answer::Missing);
    };
    if went_well(&job)
        && !ask.query.has("stay")
        && let Some(address) = leads_to(&job)
    {
        return Ok(Answer::See(address));
    }
    let stage = match job.kind.as_str() {
        "check" => Some(2),
        "import" => Some(4),
        _ => None,
    };
    let body = html! {
        @if let Some(here) = stage { (steps(ask, here)) }
        section aria-labelledby="how-far" { (watched(ask, &job)?) }
        (page::command(ask, &shell::command(&job.args)))
    };
    let title = capitalized(label(ask, &job.kind));
    let here = match stage {
        Some(_) => "/import",
        None => "/runs",
    };
    let mut page = Page::new(here, title, body);
    page.help = "/jobs";
    if job.state.is_open() {
        page.again_after = Some(AGAIN_SECONDS);
    }
    Ok(page.into())
}

/// `/jobs/{job}/state`.
pub(super) fn state(ask: &mut Ask) -> Result<Answer> {
    let Some(job) = asked(ask)? else {
        return Ok(Answer::Missing);
    };
    Ok(Answer::Json(as_json(&job)))
}

fn as_json(job: &Job) -> String {
    let progress = step(job);
    json!({
        "id": job.id,
        "kind": job.kind,
        "state": job.state.name(),
        "progress": progress,
        "stop_wanted": job.stop_wanted,
        "exit_code": job.exit_code,
        "run": job.run,
    })
    .to_string()
}

/// `/jobs/{job}/stop`.
pub(super) fn stop(ask: &mut Ask) -> Result<Answer> {
    let Some(job) = asked(ask)? else {
        return Ok(Answer::Missing);
    };
    ask.store.stop_job(job.id)?;
    let back = super::home::own_path(ask.form.get("to"));
    Ok(Answer::See(match back.as_str() {
        "/" => format!("/jobs/{}", job.id),
        _ => back,
    }))
}

/// `/jobs/{job}/events`: a line of JSON whenever the job has changed, until it has ended.
pub fn events(
    app: Arc<App>,
    _session: Session,
    parts: Vec<(&'static str, String)>,
    _head: Head,
    _body: Body,
) -> Pin<Box<dyn Future<Output = Response> + Send>> {
    let id = parts.iter().find(|(name, _)| *name == "job");
    let id = id.and_then(|(_, id)| id.parse().ok());
    Box::pin(async move {
        let stream = futures_util::stream::unfold(id.map(|id| Watch::of(app, id)), |watch| async {
            let mut watch = watch?;
            let (text, is_open) = watch.next().await;
            Some((text, is_open.then_some(watch)))
        });
        answered(stream)
    })
}

fn answered(stream: impl Stream<Item = String> + Send + 'static) -> Response {
    use futures_util::StreamExt;
    let stream = stream.map(|text| Ok::<_, std::convert::Infallible>(Bytes::from(text)));
    let mut response = Response::new(Body::from_stream(stream));
    let media = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(CONTENT_TYPE, media);
    response
}

/// A job that a stream of events is about.
struct Watch {
    app: Arc<App>,
    id: Uuid,
    last: String,
}

impl Watch {
    fn of(app: Arc<App>, id: Uuid) -> Watch {
        let last = String::new();
        Watch { app, id, last }
    }

    /// The next event, and whether more will come.
    async fn next(&mut self) -> (String, bool) {
        let since = tokio::time::Instant::now();
        loop {
            let id = self.id;
            let job = self.app.pool.run(move |store| store.job(id)).await;
            // The browser asks by itself then.
            let Some(job) = job else {
                return (String::new(), false);
            };
            let json = as_json(&job);
            if json != self.last {
                let event = format!("data: {json}\n\n");
                self.last = json;
                return (event, job.state.is_open());
            }
            if since.elapsed() > COMMENT_EVERY {
                return (": still here\n\n".to_string(), true);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// A job's state in words, with what can be done about it. While it runs, the browser keeps it up
/// to date.
///
/// # Errors
/// A refusal with a `database.*` code.
pub fn watched(ask: &Ask, job: &Job) -> Result<Markup> {
    if !job.state.is_open() {
        return end(ask, job);
    }
    let events = format!("/jobs/{}/events", job.id);
    Ok(html! {
        div data-live=(events) {
            h2 id="how-far" { (how_far(ask, job)) }
            (bar(ask, step(job).as_ref()))
        }
        @if job.stop_wanted {
            p { (ask.t("It was asked to stop. It ends after the work in progress.")) }
        } @else if ask.may(Role::Operator) {
            (form(ask, &format!("/jobs/{}/stop", job.id), html! {
                input type="hidden" name="to" value=(ask.path);
                button.second { (ask.t("Stop")) }
            }))
        }
        p.small { (ask.t("You can close this page. The work goes on, also when the console is restarted.")) }
    })
}

fn how_far(ask: &Ask, job: &Job) -> String {
    match job.state {
        JobState::Waiting => ask.t("It begins in a moment").to_string(),
        _ => under_way(ask, job),
    }
}

/// Somebody as the audit names them, for people.
pub fn person(ask: &Ask, who: &str) -> String {
    match who.strip_prefix("console:") {
        Some("local") => ask.t("Somebody on this machine").to_string(),
        Some(name) => name.to_string(),
        None => who.to_string(),
    }
}

/// `Ann Ng's import is under way, 40 %.`
pub fn under_way(ask: &Ask, job: &Job) -> String {
    let who = person(ask, &job.who);
    let what = label(ask, &job.kind);
    let part = step(job).and_then(|step| step.part);
    match part {
        Some(part) => ask.tf(
            "{who}'s {what} is under way, {percent} %",
            &[("who", &who), ("what", &what), ("percent", &percent(part))],
        ),
        None => ask.tf(
            "{who}'s {what} is under way",
            &[("who", &who), ("what", &what)],
        ),
    }
}

/// Whose run has the lock, as a sentence; `None` where nobody has it.
///
/// # Errors
/// A refusal with a `database.*` code.
pub fn locked(ask: &Ask) -> Result<Option<Markup>> {
    let Some(holder) = ask.store.lock_holder()? else {
        return Ok(None);
    };
    let job = holder.job.map(|id| ask.store.job(id)).transpose();
    Ok(Some(match job {
        Ok(Some(job)) => {
            html! { a href={ "/jobs/" (job.id) } { (visible(&under_way(ask, &job))) } "." }
        }
        _ => html! {
            (ask.t("An import that was started outside of the console is under way, since")) " " (ask.time(&holder.since)) "."
        },
    }))
}

/// What the process said last about how far the command is.
pub fn step(job: &Job) -> Option<Step> {
    serde_json::from_str(job.progress.as_deref()?).ok()
}

fn percent(part: f64) -> u32 {
    (part.clamp(0.0, 1.0) * 100.0) as u32
}

fn bar(ask: &Ask, step: Option<&Step>) -> Markup {
    let Some(step) = step else {
        return html! { progress aria-label=(ask.t("Progress")) {} };
    };
    let pass = ask.t(match step.pass.as_str() {
        "read" => "Reading the file",
        "passwords" => "Preparing the passwords",
        "write" => "Writing",
        "index" => "Building the indexes",
        "undo" => "Undoing",
        "send" => "Sending",
        _ => "Working",
    });
    let unit = ask.t(match step.unit.as_str() {
        "rows" => "rows",
        "mails" => "mails",
        "accounts" => "accounts",
        _ => "steps",
    });
    let done = ask.number(step.done);
    let count = match step.total {
        Some(total) => ask.tf(
            "{done} of {total} {unit}",
            &[
                ("done", &done),
                ("total", &ask.number(total)),
                ("unit", &unit),
            ],
        ),
        None => format!("{done} {unit}"),
    };
    html! {
        @match step.part {
            Some(part) => progress aria-label=(ask.t("Progress")) max="100" value=(percent(part)) {},
            None => progress aria-label=(ask.t("Progress")) {},
        }
        p role="status" {
            (pass) ": " (count) @if let Some(left) = step.left.filter(|left| *left > 0) { ", " (remaining(ask, left)) }
        }
    }
}

fn remaining(ask: &Ask, seconds: u64) -> String {
    if seconds < 90 {
        ask.tf("about {count} s left", &[("count", &seconds)])
    } else {
        let minutes = seconds.div_ceil(60);
        ask.tf("about {count} min left", &[("count", &minutes)])
    }
}

/// How a job ended, and where it goes on.
fn end(ask: &Ask, job: &Job) -> Result<Markup> {
    let (class, text) = ending(job);
    let leads_to = leads_to(job).filter(|_| went_well(job));
    let before = back(ask, job);
    let said = job.stderr.as_deref().map(str::trim);
    let said = said.filter(|said| !said.is_empty());
    let is_locked = job.exit_code == Some(Exit::Locked as i32);
    Ok(html! {
        div class=(class) {
            h2 id="how-far" { (ask.t(text)) }
            @if job.state == JobState::Lost {
                p { (ask.t("The machine or the process was stopped. The command may have been carried out in part. What was written is in the list of runs. The same import continues where it stopped.")) }
            }
            @if let Some(signal) = job.exit_code.filter(|code| *code > SIGNALLED && *code != INTERRUPTED) {
                p { (ask.tf("It was ended by signal {number}, such as by the system when memory ran out. The same import continues where it stopped.", &[("number", &(signal - SIGNALLED))])) }
            }
            @if is_locked && let Some(sentence) = locked(ask)? {
                p { (sentence) }
            }
            @if let Some(refusal) = said.and_then(Said::of) {
                p { strong { (prose(&refusal.what)) } }
                @for line in refusal.help.lines() { p { (prose(line)) } }
                p.small { (ask.t("The code of this problem is")) " " code { (visible(&refusal.code)) } "." }
            }
        }
        @if let Some(leads_to) = leads_to {
            p { a.button href=(leads_to) { (ask.t("Continue")) } }
        } @else if let Some(back) = before {
            @if job.kind == "import" { p { (ask.t("Import the plan again: it continues where it stopped.")) } }
            p { a.button href=(back) { (ask.t("Go back")) } }
        }
        @if job.leads_to.is_empty() && let Some(run) = &job.run {
            p { a.button href={ "/runs/" (page::encoded(run)) } { (ask.t("See the run")) } }
        }
        @if let Some(said) = said {
            details { summary { (ask.t("What the command said")) } pre { (page::said(said)) } }
        }
    })
}

/// Whether the command did what it was to do.
fn went_well(job: &Job) -> bool {
    job.exit_code.is_some_and(|code| matches!(code, 0 | 1 | 3))
}

/// The address where a job leads, where that is known.
pub fn leads_to(job: &Job) -> Option<String> {
    let run = job.run.as_deref().map(page::encoded);
    match (job.leads_to.as_str(), run) {
        ("", _) => None,
        (leads_to, Some(run)) => Some(leads_to.replace("{run}", &run)),
        (leads_to, None) if leads_to.contains("{run}") => None,
        (leads_to, None) => Some(leads_to.to_string()),
    }
}

/// The kind of message, and its text.
fn ending(job: &Job) -> (&'static str, &'static str) {
    if job.state == JobState::Lost {
        return ("problem", "Nobody knows how this ended");
    }
    match job.exit_code {
        Some(0) => ("good", "Done"),
        Some(1) => ("warning", "Done; some rows need fixing"),
        Some(2) => ("problem", "Refused; nothing was written"),
        Some(3) => ("warning", "Done; a safeguard held changes"),
        Some(4 | INTERRUPTED) => ("warning", "Stopped before the end"),
        Some(5) => ("warning", "Another import was under way"),
        _ => ("problem", "The command was cut off"),
    }
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(chars).collect()
}
