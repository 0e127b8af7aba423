//! `muster sessions`: what people can be enrolled in.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use serde_json::json;

use super::workbook::Reading;
use super::{DatabaseArgs, acting};
use crate::cli::terminal::{print, warn};
use crate::definition::{Definition, nearest};
use crate::field::RowNumber;
use crate::header::Vocabulary;
use crate::issue::{Code, Issue};
use crate::meaning::session::{self, Cells};
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::report::sessions as report;
use crate::session::{Known, Session};
use crate::stages::read::{Source, Wanted};
use crate::store::Store;
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;
use crate::text;
use crate::vocabulary::sessions::Column;

/// A file of sessions is small: people are what there are many of.
const ROWS_MAX: usize = 100_000;

#[derive(Subcommand)]
pub(super) enum SessionsCommand {
    /// Import sessions from a small file; one of the same name is changed
    Import(ImportArgs),
    /// List the sessions
    List(ListArgs),
}

#[derive(Args)]
pub(super) struct ImportArgs {
    /// A file with the columns name, starts, ends, time zone, place and link
    file: PathBuf,
    /// Show what would be done; write nothing
    #[arg(long)]
    check: bool,
    /// The time zone of rows that name none, such as Europe/Paris
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// The pipeline whose `[read]`, `date_order` and `[mail] time_zone` are used
    #[arg(short, long, value_name = "PIPELINE")]
    pipeline: Option<String>,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Args)]
pub(super) struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// `muster sessions …`.
pub(super) fn sessions(command: &SessionsCommand) -> Result<Exit> {
    match command {
        SessionsCommand::Import(args) => import(args),
        SessionsCommand::List(args) => list(args),
    }
}

/// What a file says: sessions, and what is wrong with rows, by the line of each row.
#[derive(Default)]
struct Read {
    sessions: Vec<Session>,
    /// The columns of the file.
    columns: Vec<Option<Column>>,
    issues: Vec<(u64, Issue)>,
    rows: u64,
}

fn import(args: &ImportArgs) -> Result<Exit> {
    let opened = crate::pipelines::open(args.pipeline.as_deref())?;
    let definition = &opened.definition;
    let zone = args
        .time_zone
        .as_deref()
        .or(definition.mail.time_zone.as_deref());
    if let Some(zone) = args.time_zone.as_deref()
        && TimeZone::get(zone).is_err()
    {
        let what = format!("`{zone}` is not a time zone");
        return Err(Refusal::new(Code::UsageInvalid, what).help("name one such as Europe/Paris"));
    }
    let read = read(&args.file, definition, zone)?;
    let target = Target::find(args.database.database.as_deref(), &home_from_environment()?)?;
    let store = match args.check && !target.is_there() {
        true => None,
        false => Some(acting::open(target)?),
    };
    let known = store.as_ref().map(Store::list_sessions).transpose()?;
    let changes = changes(&read, known.unwrap_or_default());
    if let Some(store) = store.filter(|_| !args.check && !changes.written.is_empty()) {
        store.write_sessions(&changes.written)?;
    }
    print(&report::imported(&report::Imported {
        file: &args.file.display().to_string(),
        rows: read.rows,
        made: changes.made,
        changed: changes.changed,
        unchanged: changes.unchanged,
        issues: &read.issues,
        is_check: args.check,
    }));
    for (name, mailed) in changes.mailed {
        let people = if mailed == 1 {
            "person has"
        } else {
            "people have"
        };
        warn(&format!(
            "{mailed} {people} a mail with what `{name}` was before; only reminders say what it is now"
        ));
    }
    Ok(match read.issues.is_empty() {
        true => Exit::Done,
        false => Exit::ToFix,
    })
}

/// What an import of sessions does.
#[derive(Default)]
struct Changes {
    written: Vec<Session>,
    made: u64,
    changed: u64,
    unchanged: u64,
    /// Names of changed sessions, and how many people have a mail about each.
    mailed: Vec<(String, i64)>,
}

/// A session keeps what the file has no column for.
fn completed(mut session: Session, known: &Session, columns: &[Option<Column>]) -> Session {
    let has = |column: Column| columns.contains(&Some(column));
    if !has(Column::Ends) && known.ends_at.is_some_and(|ends| ends > session.starts_at) {
        session.ends_at = known.ends_at;
    }
    if !has(Column::Place) {
        session.place.clone_from(&known.place);
    }
    if !has(Column::Link) {
        session.link.clone_from(&known.link);
    }
    session
}

fn changes(read: &Read, known: Vec<Known>) -> Changes {
    let known: HashMap<String, Known> = known
        .into_iter()
        .map(|known| (known.session.key.clone(), known))
        .collect();
    let mut changes = Changes::default();
    for session in &read.sessions {
        let known = known.get(&session.key);
        let session = match known {
            Some(known) => completed(session.clone(), &known.session, &read.columns),
            None => session.clone(),
        };
        match known {
            Some(known) if known.session == session => {
                changes.unchanged += 1;
                continue;
            }
            Some(known) => {
                changes.changed += 1;
                if known.mailed > 0 {
                    changes.mailed.push((session.name.clone(), known.mailed));
                }
            }
            None => changes.made += 1,
        }
        changes.written.push(session);
    }
    changes
}

fn read(path: &Path, definition: &Definition, zone: Option<&str>) -> Result<Read> {
    let reading = Reading::default();
    let wanted = Wanted {
        definition,
        vocabulary: &Vocabulary::new(definition),
        reader: &reading.0,
    };
    let source = Source::open(path, &wanted)?;
    let columns = columns(&source.header)?;
    let order = definition.clean.date_order;
    let mut read = Read::default();
    let mut seen = HashSet::new();
    source.read(0, 0, &mut |batch| {
        for index in 0..batch.len() {
            let row = batch.first_row + index as RowNumber;
            let line = batch.place(index).line;
            let cells: Vec<&str> = batch.row(index).collect();
            let cell = |column: Column| {
                let at = columns.iter().position(|one| *one == Some(column));
                at.and_then(|at| cells.get(at).copied()).unwrap_or_default()
            };
            let cells = Cells {
                name: cell(Column::Name),
                starts: cell(Column::Starts),
                ends: cell(Column::Ends),
                time_zone: cell(Column::TimeZone),
                place: cell(Column::Place),
                link: cell(Column::Link),
            };
            read.rows += 1;
            let one = session::read(&cells, row, order, zone);
            match one {
                Ok(one) if seen.insert(one.key.clone()) => read.sessions.push(one),
                Ok(one) => {
                    let issue = Issue::of_value(Code::SessionTwice, row, &one.name, "");
                    read.issues.push((line, issue));
                }
                Err(issues) => {
                    read.issues
                        .extend(issues.into_iter().map(|issue| (line, issue)));
                }
            }
        }
        Ok(read.rows as usize <= ROWS_MAX)
    })?;
    read.columns = columns;
    Ok(read)
}

/// What each column is. One that is nothing is left out of the file, which is said.
fn columns(header: &[String]) -> Result<Vec<Option<Column>>> {
    let mut columns: Vec<Option<Column>> = Vec::new();
    let mut unknown = Vec::new();
    for name in header {
        let bare = text::clean(name).0.trim().to_lowercase().replace('_', " ");
        let is_it = |column: &Column| column.words().contains(&bare.as_str());
        let column = Column::ALL.into_iter().find(is_it);
        match column {
            Some(column) if columns.contains(&Some(column)) => {
                let what = format!("two columns are the {} of a session", column.words()[0]);
                let help = format!("rename `{name}`, or take it out");
                return Err(Refusal::new(Code::MapDoubled, what).help(help));
            }
            None if !bare.is_empty() => unknown.push(name.as_str()),
            _ => {}
        }
        columns.push(column);
    }
    for needed in [Column::Name, Column::Starts] {
        if !columns.contains(&Some(needed)) {
            let word = needed.words()[0];
            let what = format!("the file has no column `{word}`");
            let near = nearest(word, unknown.iter().copied());
            let help = match near {
                Some(near) => format!("rename `{near}` to `{word}`"),
                None => "the columns are name, starts, ends, time zone, place and link".to_string(),
            };
            return Err(Refusal::new(Code::MapMissing, what).help(help));
        }
    }
    if !unknown.is_empty() {
        warn(&format!(
            "columns that are not used: {}",
            unknown.join(", ")
        ));
    }
    Ok(columns)
}

fn list(args: &ListArgs) -> Result<Exit> {
    let store = super::invite::open_store(&args.database)?;
    let known = store.list_sessions()?;
    if args.json {
        let sessions: Vec<_> = known.iter().map(report::listed).collect();
        let value = json!({ "schema": "muster.sessions/1", "sessions": sessions });
        let text = serde_json::to_string_pretty(&value).unwrap_or_default();
        print(&format!("{text}\n"));
    } else {
        print(&report::list(&known));
    }
    Ok(Exit::Done)
}
