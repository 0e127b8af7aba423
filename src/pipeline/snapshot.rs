//! Scans all accounts while the file is read, looks up every row in that snapshot, and sends the keys
//! of the others to the database.

use bytes::Bytes;

use super::Job;
use super::change::asks_for_groups;
use crate::decision::Lookup;
use crate::definition::{Dates, Missing};
use crate::field::RowNumber;
use crate::meaning::membership::Tree;
use crate::pipeline::rows::{Guide, Rows};
use crate::refusal::Result;
use crate::row::{Layout, People, Slot};
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

/// The account snapshot, where there is one, and what its fingerprints are made of.
pub(super) struct Known(Option<(AccountFingerprints, Shape)>);

impl Known {
    /// Waits for the scan to end.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub(super) fn of(rows: &Rows, scanning: Option<SnapshotScan>) -> Result<Known> {
        let snapshot = scanning.map(SnapshotScan::finish).transpose()?.flatten();
        let shape = Shape::of(
            rows.layout,
            &rows.job.pipeline.definition,
            rows.job.run.seed,
        );
        Ok(Known(snapshot.zip(shape)))
    }

    pub(super) fn lookups<'a>(
        &'a self,
        rows: &'a Rows,
        guide: &'a Guide<'a>,
        tree: &'a Tree,
    ) -> Lookups<'a> {
        let (layout, definition) = (rows.layout, &rows.job.pipeline.definition);
        let calls = self
            .0
            .as_ref()
            .filter(|_| matches!(guide, Guide::Pipeline { .. }));
        Lookups {
            call: calls.map(|(snapshot, shape)| SnapshotLookup {
                snapshot,
                shape,
                layout,
                definition,
                tree,
                with_groups: asks_for_groups(layout, definition),
                decide: &decide,
            }),
            guide: Some(guide),
            full_list: definition.leavers.missing == Missing::Deactivate
                || definition.accounts.dates == Dates::Schedule,
            account_slot: definition
                .matching
                .account_column
                .as_ref()
                .and_then(|name| layout.position(&Slot::Ignored(name.clone()))),
        }
    }
}

/// Looks up rows in the account snapshot. Without one, every row must be asked for.
#[derive(Default)]
pub(super) struct Lookups<'a> {
    call: Option<SnapshotLookup<'a>>,
    guide: Option<&'a Guide<'a>>,
    full_list: bool,
    /// The slot of account ids, where accounts are found by these.
    account_slot: Option<usize>,
}

/// The keys of a batch, on their way to the database.
pub(super) struct Keys {
    pub(super) frame: Bytes,
    /// Whether the account of any row must be asked for.
    pub(super) asks: bool,
    /// Rows that nobody can be found by, where that matters to those who are missing.
    pub(super) unknown_rows: u64,
}

impl Lookups<'_> {
    /// The snapshot's answer for every row of a batch; none without a snapshot.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk fails.
    pub(super) fn answers(&self, people: &People) -> Result<Vec<Answer>> {
        match (&self.call, self.guide) {
            (Some(call), Some(guide)) => ask(call, guide, people),
            _ => Ok(Vec::new()),
        }
    }

    /// What is known of row `index` of the batch that got `answers`.
    pub(super) fn of(&self, answers: &[Answer], index: usize) -> Lookup {
        let known = self.call.as_ref().zip(answers.get(index));
        known.map_or(Lookup::Ask, |(call, answer)| call.snapshot.lookup(*answer))
    }

    pub(super) fn keys(&self, people: &People, answers: &[Answer]) -> Keys {
        // A few keys too many cost little, and the corrections of a full list are short.
        let known = |index: usize| self.of(answers, index);
        let (frame, asks) = load::encode_keys(people, &known, self.full_list, self.account_slot);
        Keys {
            frame,
            asks,
            unknown_rows: match self.full_list {
                true => load::rows_without_key(people),
                false => 0,
            },
        }
    }
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
