//! Scans all accounts while the file is read, looks up every row in that snapshot, and sends the keys
//! of the others to the database.

use crate::decision::Lookup;

use super::Job;
use super::change::asks_for_groups;
use crate::definition::{Dates, Missing};
use crate::field::RowNumber;
use crate::meaning::membership::Tree;
use crate::pipeline::rows::{Guide, Rows};
use crate::refusal::Result;
use crate::row::{Layout, People, Slot};
use crate::spool::Spool;
use crate::stages::load;
use crate::stages::managers::Wrong;
use crate::stages::plan::decide;
use crate::stages::read::InputFile;
use crate::stages::snapshot::{AccountFingerprints, Answer, Shape, SnapshotLookup};
use crate::store::Store;
use crate::store::snapshot::SnapshotScan;

/// An account is scanned for this many bytes of the file: scanning all accounts for a file of few
/// rows would take longer than looking up these.
const BYTES_AN_ACCOUNT: u64 = 16;
/// What an account takes during the scan: its fingerprint, its keys, and the sum of its groups.
const ACCOUNT_BYTES: usize = 112;

/// What the account snapshot says about every row.
pub(super) struct Snapshot {
    snapshot: AccountFingerprints,
    /// By row.
    answers: Vec<Answer>,
}

impl Snapshot {
    /// What is known of row `index` of a batch.
    pub(super) fn lookup(&self, spool: &Spool, batch: usize, index: usize) -> Lookup {
        let row = spool.first_row(batch) as usize + index;
        self.snapshot.lookup(self.answers[row])
    }
}

/// Begins to call the accounts, if that will pay. A plan must say what the match saw of every row, so
/// that it asks for all of them.
pub(super) fn scan_accounts<'a>(
    job: &Job,
    files: &[InputFile],
    layout: &Layout,
    store: Option<&'a Store>,
) -> Option<SnapshotScan<'a>> {
    let definition = &job.pipeline.definition;
    let store = store.filter(|_| !job.for_plan)?;
    let shape = Shape::of(layout, definition, job.run.seed)?;
    let bytes: u64 = files.iter().map(|file| file.source.bytes).sum();
    let with_groups = asks_for_groups(layout, definition);
    let most = job.memory.of_snapshot() / ACCOUNT_BYTES;
    Some(store.scan_accounts(
        shape,
        with_groups,
        (bytes / BYTES_AN_ACCOUNT).min(most as u64),
    ))
}

/// What the keys of all rows came to, on their way to the database.
pub(super) struct Sent {
    /// What the account snapshot says about every row, where it was called.
    pub(super) called: Option<Snapshot>,
    /// Rows that nobody can be found by, where that matters to those who are missing.
    pub(super) unknown_rows: u64,
}

/// Looks up every row in the account snapshot, and sends the keys of those that it can't say to the
/// database.
pub(super) fn send_keys(
    rows: &Rows,
    guide: &Guide,
    tree: &Tree,
    scanning: Option<SnapshotScan>,
    store: &Store,
) -> Result<Sent> {
    let Rows { job, layout, .. } = *rows;
    let definition = &job.pipeline.definition;
    // A few keys too many cost little, and the corrections of a full list are short.
    let full_list = definition.leavers.missing == Missing::Deactivate
        || definition.accounts.dates == Dates::Schedule;
    let shape = Shape::of(layout, definition, job.run.seed);
    let snapshot = scanning.map(SnapshotScan::finish).transpose()?.flatten();
    let call = match (&snapshot, &shape) {
        (Some(snapshot), Some(shape)) => Some(SnapshotLookup {
            snapshot,
            shape,
            layout,
            definition,
            tree,
            with_groups: asks_for_groups(layout, definition),
            decide: &decide,
        }),
        _ => None,
    };
    let accounts = definition.matching.account_column.as_ref();
    let account_slot = accounts.and_then(|name| layout.position(&Slot::Ignored(name.clone())));
    let mut answers = Vec::new();
    let mut unknown_rows = 0;
    store.begin_match()?;
    rows.each(
        "keys",
        |_| Ok(()),
        |(), _, people| {
            let answers = match &call {
                Some(call) => ask(call, guide, &people)?,
                None => vec![Answer::ASK; people.len()],
            };
            let snapshot = call.as_ref().map(|call| call.snapshot);
            let known = |index: usize| {
                snapshot.map_or(Lookup::Ask, |snapshot| snapshot.lookup(answers[index]))
            };
            let frame = load::encode_keys(&people, &known, full_list, account_slot);
            let unknown = match full_list {
                true => load::rows_without_key(&people),
                false => 0,
            };
            Ok((answers, frame, unknown))
        },
        |_, (of_batch, frame, unknown)| {
            store.push_keys(frame)?;
            unknown_rows += unknown;
            if call.is_some() {
                answers.extend(of_batch);
            }
            Ok(())
        },
    )?;
    let called = snapshot.filter(|_| shape.is_some());
    Ok(Sent {
        called: called.map(|snapshot| Snapshot { snapshot, answers }),
        unknown_rows,
    })
}

/// What the account snapshot says of the rows of a batch. What happens to a row that clashes, or
/// whose manager is wrong, isn't decided by its account alone.
fn ask(call: &SnapshotLookup, guide: &Guide, people: &People) -> Result<Vec<Answer>> {
    let Guide::Pipeline {
        clashing, managers, ..
    } = guide
    else {
        return Ok(vec![Answer::ASK; people.len()]);
    };
    let first = people.drafts.first_row;
    let of_batch = first..first + people.len() as RowNumber;
    let clashes = clashing.decisions(of_batch, |_, _| Ok(String::new()))?;
    let is_open = |index: usize| {
        let row = first + index as RowNumber;
        let manager = managers.get(row as usize).copied().unwrap_or_default();
        manager == Wrong::Nothing && !clashes.contains_key(&row)
    };
    Ok(call.batch(people, is_open))
}
