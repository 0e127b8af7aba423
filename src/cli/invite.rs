//! `muster invite` and `muster reset`: preview, select, send. `muster report` mails the
//! administrator.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::{DatabaseArgs, acting};
use crate::cli::terminal::{print, stop_on_signal, warn};
use crate::file;
use crate::invitation::{Candidate, Delivery, Kind, LeftOut, MailContext, Person};
use crate::invitation::{Rendered, RunReport, Sent};
use crate::issue::Code;
use crate::notify::message::{self, Message};
use crate::notify::select::Selection;
use crate::notify::{Attachment, token};
use crate::outcome::Exit;
use crate::people::words::{Among, find_import, wishes};
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::report::mails;
use crate::sending::choose::{SessionMails, Wanted, choose, mailer_for};
use crate::sending::mailer::{Mailer, undelivered};
use crate::store::Store;
use crate::store::audit::Act;
use crate::store::connect::Target;
use crate::store::invitations::{Mailing, Queued};
use crate::store::launcher::home_from_environment;
use crate::store::runs::RunRecord;
use crate::summary::Summary;
use crate::text::domains::is_reserved;
use crate::text::email;

/// The word for people of any run.
const EVERYBODY: &str = "all";

#[derive(Args)]
pub(super) struct InviteArgs {
    /// A run's id, the beginning of one, or `last`; `all` for people of any run, with --only
    run: String,
    /// Only these: an address, a username, group:NAME, role:NAME, organization:NAME,
    /// status:STATUS, id:ACCOUNT, row:LINE, row:FILE:LINE, or @FILE with such words; repeatable
    #[arg(long, value_name = "WHO")]
    only: Vec<String>,
    /// All but these; written as for --only
    #[arg(long, value_name = "WHO")]
    except: Vec<String>,
    /// At most this many people
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Send to this many people at different mail domains, then stop
    #[arg(long, value_name = "COUNT")]
    canary: Option<usize>,
    /// Show this person's mail [default: the first one's]
    #[arg(long, value_name = "EMAIL")]
    preview: Option<String>,
    /// Write that mail as an .eml file for a mail program
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    how: SendArgs,
}

#[derive(Args)]
pub(super) struct ResetArgs {
    #[command(flatten)]
    invite: InviteArgs,
    /// Mail a password that must be changed at the first sign-in, instead of a link; the pipeline
    /// must allow it
    #[arg(long)]
    temporary_password: bool,
}

/// How mails go out, the same for every command that sends.
#[derive(Args)]
pub(super) struct SendArgs {
    /// Send; without this, nothing is sent
    #[arg(long)]
    pub(super) send: bool,
    /// Your own text for every mail
    #[arg(long, value_name = "FILE")]
    pub(super) message_file: Option<PathBuf>,
    /// The pipeline whose `[mail]` is used [default: the run's]
    #[arg(short, long, value_name = "PIPELINE")]
    pub(super) pipeline: Option<String>,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    /// Print JSON on stdout
    #[arg(long)]
    pub(super) json: bool,
    /// Show no progress
    #[arg(short, long)]
    pub(super) quiet: bool,
}

#[derive(Args)]
pub(super) struct ReportArgs {
    /// A run's id, the beginning of one, or `last`
    run: String,
    /// Recipient [default: `admin` under `[mail]`]
    #[arg(long, value_name = "EMAIL")]
    to: Option<String>,
    #[command(flatten)]
    how: SendArgs,
}

/// `muster invite`.
pub(super) fn invite(args: &InviteArgs) -> Result<Exit> {
    write_to(args, Kind::Invite)
}

/// `muster reset`.
pub(super) fn reset(args: &ResetArgs) -> Result<Exit> {
    write_to(
        &args.invite,
        if args.temporary_password {
            Kind::Temporary
        } else {
            Kind::Reset
        },
    )
}

/// As `muster invite RUN --send`, or for people who are active already `muster reset RUN --send`,
/// right after a run.
pub(super) fn write_to_run(
    run: &str,
    kind: Kind,
    database: DatabaseArgs,
    pipeline: Option<String>,
    quiet: bool,
) -> Result<Exit> {
    let args = InviteArgs {
        run: run.to_string(),
        only: Vec::new(),
        except: Vec::new(),
        limit: None,
        canary: None,
        preview: None,
        open: false,
        how: SendArgs {
            send: true,
            message_file: None,
            pipeline,
            database,
            json: false,
            quiet,
        },
    };
    write_to(&args, kind)
}

fn write_to(args: &InviteArgs, kind: Kind) -> Result<Exit> {
    let how = &args.how;
    let mut store = open_store(&how.database)?;
    let run = match args.run.as_str() {
        EVERYBODY if args.only.is_empty() => {
            let what = "`all` needs a selection";
            return Err(Refusal::new(Code::UsageInvalid, what).help("name people with --only"));
        }
        EVERYBODY => None,
        wanted => Some(find_import(&store, wanted)?),
    };
    let wanted = Wanted {
        only: wishes(&args.only, &Among::Run(run.as_ref()))?,
        except: wishes(&args.except, &Among::Run(run.as_ref()))?,
        limit: args.limit,
        canary: args.canary,
    };
    let named = how.pipeline.as_deref();
    let mailer = mailer_for(&store, named, run.as_ref(), kind, &wanted)?;
    mailer.check_kind(kind)?;
    let message = read_message(how.message_file.as_deref())?;
    if how.send {
        mailer.check_links()?;
        settle(&mailer, &mut store)?;
    }
    let run_id = run.as_ref().map(|run| run.id.as_str());
    let (selection, about) = choose(&store, &mailer, run_id, kind, &wanted)?;
    for warning in mailer.warnings(kind) {
        warn(&warning);
    }
    let mailing = Mailing {
        run: run_id.unwrap_or_default(),
        kind,
        lifetime_minutes: mailer.lifetime(kind),
        message: message.as_deref(),
        pipeline: mailer.pipeline.as_deref(),
    };
    match how.send {
        true => send_all(&store, &mailer, &mailing, &selection, &about, args),
        false => preview(&mailer, run.as_ref(), &mailing, &selection, &about, args),
    }
}

/// Settles what senders left that are gone, and says so.
pub(super) fn settle(mailer: &Mailer, store: &mut Store) -> Result<()> {
    let found = mailer.settle(store)?;
    for line in mails::abandoned(&found).lines() {
        warn(line);
    }
    Ok(())
}

/// Sends what was queued.
pub(super) fn send(
    mailer: &Mailer,
    store: &Store,
    queue: Vec<Queued>,
    how: &SendArgs,
) -> Result<Sent> {
    let progress = Progress::new(how.quiet);
    mailer.send(store, queue, &progress, &stop_on_signal(), None)
}

/// Sends the mails about sessions, a round at a time.
fn send_about(
    about: &SessionMails,
    store: &Store,
    mailer: &Mailer,
    mailing: &Mailing,
    how: &SendArgs,
    all: &mut Sent,
) -> Result<()> {
    let mailing = Mailing {
        kind: Kind::Session,
        lifetime_minutes: None,
        ..*mailing
    };
    for round in &about.rounds {
        if all.stopped.is_some() {
            break;
        }
        let ids = mailer.message_ids(round.len())?;
        let queue = store.queue_sessions(&mailing, None, round, &ids)?;
        all.add(send(mailer, store, queue, how)?);
    }
    Ok(())
}

fn preview(
    mailer: &Mailer,
    run: Option<&RunRecord>,
    mailing: &Mailing,
    selection: &Selection,
    about: &SessionMails,
    args: &InviteArgs,
) -> Result<Exit> {
    let (kind, message) = (mailing.kind, mailing.message);
    let shown = match &args.preview {
        None => selection.chosen.first(),
        Some(wanted) => Some(find_chosen(selection, wanted)?),
    };
    if args.how.json {
        print(&reported(mailing, selection, about, None, mailer));
    } else {
        print(&mails::selection(
            kind,
            mailing.run,
            selection.chosen.len() as u64,
            &selection.left_out,
            selection.not_asked as u64,
        ));
        print(&mails::session_mails(&about.counted()));
    }
    let Some(shown) = shown else {
        if !args.how.json {
            preview_session(mailer, about, message)?;
        }
        return Ok(Exit::Done);
    };
    let rendered = mailer.preview(kind, &shown.person, message, None)?;
    let id = message::new_message_id(mailer.sender.domain())?;
    let composed = mailer.compose(&rendered, &shown.person, &[], &id)?;
    if !args.how.json {
        let (to, from) = (&shown.person.email, mailer.sender.to_string());
        print(&format!("\n{}", mails::mail(&rendered, &from, to)));
        preview_session(mailer, about, message)?;
        let count = (selection.chosen.len() + about.len()) as u64;
        print(&format!(
            "\nnothing was sent; with --send, {} would go {}\n",
            match (count, about.len()) {
                (1, _) => "this mail".to_string(),
                (count, 0) => format!("{count} such mails"),
                (count, _) => format!("{count} mails"),
            },
            mailer.way()
        ));
    }
    if args.open {
        let folder = run
            .and_then(|run| run.folder.as_deref())
            .map(Path::new)
            .filter(|folder| folder.is_dir());
        let path = folder.unwrap_or(Path::new(".")).join("preview.eml");
        file::atomically(&path, |file| file.write(&composed.bytes))?;
        print(&format!("the mail is in {}\n", path.display()));
    }
    Ok(Exit::Done)
}

/// Shows the first mail about a session.
fn preview_session(mailer: &Mailer, about: &SessionMails, message: Option<&str>) -> Result<()> {
    let first = about.rounds.first().and_then(|round| round.first());
    let session = first.and_then(|(_, session)| about.sessions.get(session));
    let (Some(person), Some(session)) = (&about.first, session) else {
        return Ok(());
    };
    let rendered = mailer.preview(Kind::Session, person, message, Some(session))?;
    let shown = mails::mail(&rendered, &mailer.sender.to_string(), &person.email);
    print(&format!("\n{shown}"));
    Ok(())
}

/// The chosen person with that address.
fn find_chosen<'a>(selection: &'a Selection, wanted: &str) -> Result<&'a Candidate> {
    let key = email::key(wanted).unwrap_or_default();
    let nobody = |why: String| {
        Refusal::new(
            Code::SelectionUnknown,
            format!("`{wanted}` would get no mail: {why}"),
        )
    };
    if let Some(found) = selection.chosen.iter().find(|c| c.email_key == key) {
        return Ok(found);
    }
    let left_out = selection.left_out.iter();
    match left_out
        .map(|(reason, people)| (reason, people.iter().any(|c| c.email_key == key)))
        .find(|(_, is_there)| *is_there)
    {
        Some((reason, _)) => Err(nobody(reason.title().to_string())),
        None => Err(nobody("not selected".to_string())),
    }
}

fn send_all(
    store: &Store,
    mailer: &Mailer,
    mailing: &Mailing,
    selection: &Selection,
    about: &SessionMails,
    args: &InviteArgs,
) -> Result<Exit> {
    let accounts: Vec<Uuid> = selection.chosen.iter().map(|c| c.account).collect();
    let queue = match accounts.is_empty() {
        true => Vec::new(),
        false => store.queue(mailing, &accounts, &mailer.message_ids(accounts.len())?)?,
    };
    let mut sent = send(mailer, store, queue, &args.how)?;
    send_about(about, store, mailer, mailing, &args.how, &mut sent)?;
    if args.how.json {
        print(&reported(mailing, selection, about, Some(&sent), mailer));
    } else {
        print(&mails::selection(
            mailing.kind,
            mailing.run,
            accounts.len() as u64,
            &selection.left_out,
            selection.not_asked as u64,
        ));
        print(&mails::session_mails(&about.counted()));
        print(&format!("\n{}", mails::sent(&sent, &mailer.way())));
        if args.canary.is_some() && sent.sent > 0 {
            print("check whether they arrived, then run the command again without --canary\n");
        }
    }
    // Whoever reads only the exit code must hear of those whom nobody knows about.
    let unknown = selection.left_out.contains_key(&LeftOut::Unknown);
    if unknown {
        warn(
            "the state of some mails is unknown: they may have arrived; `muster invitations resend --state unknown` sends them again",
        );
    }
    match end(sent)? {
        Exit::Done if unknown => Ok(Exit::ToFix),
        exit => Ok(exit),
    }
}

/// How a command ends that sent mails.
pub(super) fn end(sent: Sent) -> Result<Exit> {
    match sent.stopped {
        Some(refusal) => Err(refusal),
        None if sent.later > 0 => {
            let what = format!("{} mails wait for another try", sent.later);
            Err(Refusal::new(Code::RunStopped, what).exit(Exit::Stopped))
        }
        None if sent.refused + sent.unknown > 0 => Ok(Exit::ToFix),
        None => Ok(Exit::Done),
    }
}

fn reported(
    mailing: &Mailing,
    selection: &Selection,
    about: &SessionMails,
    sent: Option<&Sent>,
    mailer: &Mailer,
) -> String {
    let left_out: serde_json::Map<String, serde_json::Value> = selection
        .left_out
        .iter()
        .map(|(reason, people)| (reason.name().to_string(), json!(people.len())))
        .collect();
    let mut value = json!({
        "schema": "muster.mail/1",
        "run": mailing.run,
        "kind": mailing.kind.name(),
        "chosen": selection.chosen.len(),
        "left_out": left_out,
        "not_asked": selection.not_asked,
        "way": mailer.way(),
        "sent": sent.map(counts),
    });
    if !about.is_empty() {
        value["session_mails"] = about.len().into();
    }
    format!(
        "{}\n",
        serde_json::to_string_pretty(&value).unwrap_or_default()
    )
}

/// What happened to a sending, as JSON.
pub(super) fn counts(sent: &Sent) -> serde_json::Value {
    json!({
        "sent": sent.sent,
        "refused": sent.refused,
        "unknown": sent.unknown,
        "waiting": sent.later,
        "taken": sent.taken,
    })
}

/// A database that runs were imported into.
pub(super) fn open_store(database: &DatabaseArgs) -> Result<Store> {
    let target = Target::find(database.database.as_deref(), &home_from_environment()?)?;
    if !target.is_there() {
        return Err(Refusal::new(
            Code::RunUnknown,
            "nothing has been imported there yet",
        ));
    }
    acting::open(target)
}

/// The administrator's own words for a mail.
pub(super) fn read_message(path: Option<&Path>) -> Result<Option<String>> {
    let Some(path) = path else { return Ok(None) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        let what = format!("the message `{}` can't be read: {error}", path.display());
        Refusal::new(Code::UsageInvalid, what).help("name a text file in UTF-8")
    })?;
    if text.len() > 20_000 {
        let what = format!(
            "the message `{}` is longer than 20,000 bytes",
            path.display()
        );
        return Err(Refusal::new(Code::UsageInvalid, what).help("shorten it"));
    }
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let kept = text.chars().filter(|c| *c == '\n' || !c.is_control());
    Ok(Some(kept.collect::<String>().trim().to_string()))
}

/// `muster report`.
pub(super) fn report(args: &ReportArgs) -> Result<Exit> {
    let how = &args.how;
    let store = open_store(&how.database)?;
    let run = find_import(&store, &args.run)?;
    let mailer = Mailer::open(how.pipeline.as_deref(), run.pipeline.as_deref(), &store)?;
    let to = args.to.clone().or_else(|| mailer.mail.admin.clone());
    let to = to.ok_or_else(|| {
        Refusal::new(Code::MailSettings, "no recipient")
            .help("name one with --to, or set `admin` under `[mail]`")
    })?;
    check_recipient(&store, &to)?;
    let Some(summary) = &run.summary else {
        let what = format!(
            "run `{}` was interrupted before its summary was written",
            run.id
        );
        return Err(Refusal::new(Code::RunUnknown, what));
    };
    let folder = Path::new(run.folder.as_deref().unwrap_or_default());
    let attached = corrections(summary, folder)?;
    let report = ReportMail {
        to: &to,
        run: run_report(summary, folder, mailer.mail.summary_base.as_deref()),
        words: read_message(how.message_file.as_deref())?.unwrap_or_default(),
        attached: &attached,
    };
    let id = message::new_message_id(mailer.sender.domain())?;
    let (rendered, message) = report.compose(&mailer, &id)?;
    if !how.send {
        print(&mails::mail(&rendered, &mailer.sender.to_string(), &to));
        for attachment in &attached {
            print(&format!("attached: {}\n", attachment.name));
        }
        print(&format!(
            "\nnothing was sent; with --send, this mail would go {}\n",
            mailer.way()
        ));
        return Ok(Exit::Done);
    }
    match mailer.deliver(&message)? {
        Delivery::Sent { .. } => {
            store.audit(&Act::about(&run.id))?;
            print(&format!(
                "the report of run {} was sent {}\n",
                run.id,
                mailer.way()
            ));
            Ok(Exit::Done)
        }
        ended => Err(undelivered(ended)),
    }
}

/// Whether a report may go to that address.
fn check_recipient(store: &Store, to: &str) -> Result<()> {
    let refused = |why: &str| Refusal::new(Code::MailSettings, format!("`{to}` {why}"));
    let Some(key) = email::key(to) else {
        return Err(refused("is not an e-mail address"));
    };
    if key.rsplit('@').next().is_some_and(is_reserved) {
        return Err(refused(
            "is at a reserved domain, which never receives mail",
        ));
    }
    if store.is_suppressed(&key)? {
        let help = "choose another recipient, or take it off the list: `muster suppress --remove`";
        return Err(refused("is suppressed: it is never mailed").help(help));
    }
    Ok(())
}

/// A mail to the administrator.
pub(super) struct ReportMail<'a> {
    pub(super) to: &'a str,
    pub(super) run: RunReport,
    pub(super) words: String,
    pub(super) attached: &'a [Attachment],
}

impl ReportMail<'_> {
    /// The mail, as content and as the message with that Message-ID.
    pub(super) fn compose(&self, mailer: &Mailer, id: &str) -> Result<(Rendered, Message)> {
        let mail_context = MailContext {
            person: Person {
                email: self.to.to_string(),
                language: mailer.mail.language.clone(),
                ..Person::default()
            },
            message: self.words.clone(),
            product: mailer.mail.product.clone(),
            contact: mailer.mail.contact.clone().unwrap_or_default(),
            run: Some(self.run.clone()),
            ..MailContext::default()
        };
        let rendered = mailer.templates.render(Kind::Report, &mail_context)?;
        let message = mailer.compose(&rendered, &mail_context.person, self.attached, id)?;
        Ok((rendered, message))
    }
}

pub(super) fn run_report(summary: &Summary, folder: &Path, base: Option<&str>) -> RunReport {
    let counts = serde_json::to_value(summary.counts).unwrap_or_default();
    let counts = counts.as_object().cloned().unwrap_or_default();
    let page = match base {
        Some(base) => token::link(base, &format!("{}/summary.html", summary.run.id)),
        None => folder.join("summary.html").display().to_string(),
    };
    RunReport {
        id: summary.run.id.clone(),
        state: summary.run.state.clone(),
        files: summary
            .input
            .iter()
            .map(|input| input.path.clone())
            .collect(),
        counts: counts
            .into_iter()
            .map(|(name, count)| (name, count.as_u64().unwrap_or(0)))
            .collect(),
        summary: page,
        next: summary
            .next
            .iter()
            .map(|next| (next.what.clone(), next.command.clone()))
            .collect(),
    }
}

/// The corrections of a run, to be attached.
pub(super) fn corrections(summary: &Summary, folder: &Path) -> Result<Vec<Attachment>> {
    let named = summary
        .files
        .iter()
        .filter(|(name, _)| name.starts_with("corrections"));
    named
        .map(|(_, name)| {
            let path = folder.join(name);
            let bytes = std::fs::read(&path).map_err(|error| {
                let what = format!(
                    "the corrections `{}` can't be read: {error}",
                    path.display()
                );
                Refusal::new(Code::OutputUnwritable, what)
                    .help("put them back where the run wrote them")
            })?;
            let mime = match path.extension().and_then(|ending| ending.to_str()) {
                Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                _ => "text/csv; charset=utf-8",
            };
            Ok(Attachment {
                name: name.clone(),
                mime: mime.to_string(),
                bytes,
            })
        })
        .collect()
}
