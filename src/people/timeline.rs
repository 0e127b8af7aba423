//! Everything known about one person, in time order.

use std::collections::BTreeMap;
use std::path::Path;

use uuid::Uuid;

use crate::history::Entry;
use crate::ledger;
use crate::refusal::Result;
use crate::report::history::Explained;
use crate::report::human;
use crate::store::Store;
use crate::store::audit::Wanted;
use crate::store::runs::RunRecord;

/// All that is known of one account; without its runs where it is only listed.
///
/// # Errors
/// A refusal with a `database.*` code.
pub fn explained(
    store: &Store,
    id: Uuid,
    runs: &[RunRecord],
    listed: bool,
) -> Result<Option<Explained>> {
    let Some(known) = store.known(id)? else {
        return Ok(None);
    };
    if listed {
        return Ok(Some(Explained::new(known)));
    }
    let done = store.find_done(id)?;
    let ways_in = store.find_ways_in(&known)?;
    let ledgers = read_ledgers(&id.to_string(), runs);
    let mut explained = Explained::new(known);
    explained.tell(&done, &ways_in, &ledgers, &store.find_starts()?);
    for run in runs {
        let approval = run
            .summary
            .as_ref()
            .and_then(|summary| summary.run.approves.as_ref());
        if let Some(approval) = approval {
            explained.note(&run.id, &human::approval(approval));
        }
    }
    let wanted = Wanted {
        person: Some(id),
        ..Wanted::default()
    };
    for line in store.list_audit(&wanted)?.0 {
        explained.acted(line.at, &format!("`{}` by {}", line.action, line.who));
    }
    Ok(Some(explained))
}

/// What the ledger of each import says of the account; none where its folder is gone.
fn read_ledgers(account: &str, runs: &[RunRecord]) -> BTreeMap<String, Option<Vec<Entry>>> {
    let imports = runs.iter().filter(|run| run.kind == "import");
    imports
        .map(|run| {
            let folder = Path::new(run.folder.as_deref().unwrap_or_default());
            let found = ledger::find(&folder.join("ledger.parquet"), &[], Some(account));
            (run.id.clone(), found)
        })
        .collect()
}
