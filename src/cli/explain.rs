//! `muster explain`: everything known about one person, in time order.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Args;
use uuid::Uuid;

use super::DatabaseArgs;
use super::invite::open_store;
use crate::cli::terminal::print;
use crate::issue::Code;
use crate::ledger;
use crate::outcome::Exit;
use crate::people::timeline::explained;
use crate::refusal::{Refusal, Result};
use crate::report::history::{self, Row};
use crate::store::runs::RunRecord;

#[derive(Args)]
pub(super) struct ExplainArgs {
    /// An e-mail address, external id, username, account id or name; or a row, as RUN:LINE or
    /// RUN:FILE:LINE
    who: String,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `muster explain`.
pub(super) fn explain(args: &ExplainArgs) -> Result<Exit> {
    let store = open_store(&args.database)?;
    let runs = store.list_runs(i64::MAX)?;
    let (rows, (ids, by_name)) = match rows_at(&args.who, &runs)? {
        Some(rows) => {
            let accounts = rows.iter().filter_map(|row| row.entry.account.as_ref());
            let ids: BTreeSet<Uuid> = accounts.filter_map(|id| id.parse().ok()).collect();
            (rows, (ids.into_iter().collect(), false))
        }
        None => (Vec::new(), store.find_known(&args.who)?),
    };
    if ids.is_empty() && rows.is_empty() {
        let what = format!("no person matches `{}`", args.who);
        return Err(Refusal::new(Code::ExplainUnknown, what));
    }
    let several = by_name && ids.len() > 1;
    let mut people = Vec::new();
    for id in ids {
        people.extend(explained(&store, id, &runs, several)?);
    }
    if args.json {
        let json = serde_json::json!({ "rows": rows, "people": people });
        let json = serde_json::to_string_pretty(&json).unwrap_or_default();
        print(&format!("{json}\n"));
    } else if several {
        print(&history::several(&args.who, &people));
    } else {
        print(&history::rows(&rows));
        let people = people.iter().map(history::explained);
        print(&people.collect::<Vec<_>>().join("\n"));
    }
    Ok(if several { Exit::ToFix } else { Exit::Done })
}

/// The rows that `RUN:LINE` or `RUN:FILE:LINE` names; `None` where `who` is no such thing.
fn rows_at(who: &str, runs: &[RunRecord]) -> Result<Option<Vec<Row>>> {
    let Some((wanted, place)) = who.split_once(':') else {
        return Ok(None);
    };
    let (file, line) = match place.rsplit_once(':') {
        Some((file, line)) => (Some(file), line),
        None => (None, place),
    };
    let fits = |run: &&RunRecord| {
        run.kind == "import"
            && (wanted == "last" || !wanted.is_empty() && run.id.starts_with(wanted))
    };
    let (Some(run), Ok(line)) = (runs.iter().find(fits), line.parse::<u64>()) else {
        return Ok(None);
    };
    let path = Path::new(run.folder.as_deref().unwrap_or_default()).join("ledger.parquet");
    let numbers = ledger::rows_at(&path, file, line)?;
    if numbers.is_empty() {
        let what = format!("run {} has no row at `{place}`", run.id);
        let help = "use the line number that an editor or spreadsheet shows; the header counts as \
            a line";
        return Err(Refusal::new(Code::ExplainUnknown, what).help(help));
    }
    let entries = ledger::find(&path, &numbers, None).unwrap_or_default();
    let mut rows = Vec::new();
    for entry in entries.iter().filter(|entry| numbers.contains(&entry.row)) {
        let equals = entry
            .duplicate_of
            .and_then(|of| ledger::find(&path, &[of], None)?.into_iter().next());
        let mut entry = entry.clone();
        if let Some(equals) = &equals {
            entry.account = entry.account.or_else(|| equals.account.clone());
        }
        rows.push(Row {
            run: run.id.clone(),
            equals: equals.map(|equals| format!("{}:{}", equals.file, equals.line)),
            entry,
        });
    }
    Ok(Some(rows))
}
