//! `summary.json`: what a run read, did and found, in one stable, versioned document.
//!
//! It contains counts, places and masked examples, never a full personal value, so that it can be
//! kept and passed on. The corrections file has the values.

use crate::safeguard::Safeguard;
use crate::safeguard::SafeguardDecision;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::invitation::Funnel;
use crate::outcome::{Counts, Exit};
use crate::profile::Profile;

/// The version of this document's shape.
pub const SCHEMA: &str = "muster.summary/1";

/// A run's summary. Field order is the order in the file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Which run.
    pub run: Run,
    /// What was read, one entry a file.
    pub input: Vec<Input>,
    /// Where the file came from, when it was dropped into a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<Dropped>,
    /// By which pipeline.
    pub pipeline: PipelineName,
    /// Outcomes; they add up to `read`.
    pub counts: Counts,
    /// People whom a full list no longer names or whose dates have come, by what happens to them:
    /// `deactivated`, `activated`, `waiting`, `protected`, `held`. They aren't rows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub leavers: BTreeMap<String, u64>,
    /// The first of them, those who change or are held before the others; `leavers.csv` has all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaver_examples: Vec<LeaverExample>,
    /// How many values each cleaning rule changed.
    pub cleaned: BTreeMap<String, u64>,
    /// What was found, one entry a code, worst first.
    pub issues: Vec<IssueCount>,
    /// Safeguards and what they said, one entry a class that came up.
    #[serde(rename = "gates")]
    pub safeguards: Vec<Safeguard>,
    /// Earlier runs whose rows come back fixed in this one, and how far that brings each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(rename = "mends")]
    pub resubmitted: Vec<Resubmitted>,
    /// What became since of the rows that needed work; `muster show` adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Open>,
    /// What the files look like; only where the pipeline compares them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// The run's files, relative to the folder of this one.
    pub files: BTreeMap<String, String>,
    /// How far the people have come who were invited since; `muster show` adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitations: Option<Funnel>,
    /// What an undo did, and what it left as it was; in every run of kind `undo`, and in no other.
    ///
    /// Its `counts` are those of the accounts that the other run made, changed or removed:
    /// `updated` for each that is as it was (changed back, or removed again), `created` for each
    /// that came back, `unchanged` where nothing was left to do, `skipped` where something was
    /// kept, `failed` where the database refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undone>,
    /// What was done to groups by hand; in every run of kind `groups`, and in no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<GroupChange>,
    /// What can be done next.
    pub next: Vec<Next>,
}

/// What was done to groups by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupChange {
    /// In a sentence's beginning: "renamed `Sales` to `Market`".
    pub what: String,
    /// The groups that it is about, by path: as they were called before.
    pub groups: Vec<String>,
    /// How many people's memberships ended.
    pub left: u64,
    /// The command that takes it back, where `undo` doesn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
}

impl Summary {
    /// Whether a safeguard holds anything of the run.
    pub fn is_held(&self) -> bool {
        let mut safeguards = self.safeguards.iter();
        safeguards.any(|safeguard| safeguard.decision == SafeguardDecision::Held)
    }

    /// How the run ends, if it is finished.
    pub fn exit(&self) -> Exit {
        if self.is_held() {
            Exit::Held
        } else {
            Exit::of(&self.counts)
        }
    }
}

/// The rows of a run that needed work.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// How many there were.
    pub needed: u64,
    /// How many of them are in by now.
    #[serde(rename = "mended")]
    pub fixed: u64,
    /// How many are not, and are still to be fixed.
    pub left: u64,
    /// How many are not, because somebody left them out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// Which runs fixed how many.
    pub by: Vec<FixedBy>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands it over by reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A run that fixed rows of another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FixedBy {
    /// The run.
    pub run: String,
    /// How many rows.
    pub rows: u64,
}

/// Somebody of [`Summary::leavers`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LeaverExample {
    /// The e-mail address, else the external id; masked.
    pub who: String,
    /// What happens: one of the words of [`Summary::leavers`].
    pub what: String,
    /// `missing`, `end_date` or `start_date`.
    pub why: String,
    /// In how many files in a row the person was missing, this one included.
    pub missing_runs: u64,
    /// For how many days.
    pub missing_days: u64,
}

/// What an undo did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Undone {
    /// The run that it took back.
    pub of: String,
    /// Accounts of which at least one value went back.
    pub changed_back: u64,
    /// Accounts that were removed.
    pub removed: u64,
    /// Removed accounts that came back.
    pub returned: u64,
    /// Accounts that were used, and therefore deactivated instead of removed.
    pub deactivated: u64,
    /// Groups that were removed.
    pub groups_removed: u64,
    /// Groups that came back.
    pub groups_returned: u64,
    /// Invitations that were cancelled.
    pub invitations_cancelled: u64,
    /// How many values, accounts and groups stay as they are.
    pub kept: u64,
    /// The first of them; the run's `kept.csv` has all.
    pub examples: Vec<KeptExample>,
}

/// Something that an undo left as it was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct KeptExample {
    /// The account, or the group.
    pub id: String,
    /// Its e-mail address, masked; the path of a group.
    pub who: String,
    /// The field, or `account` or `group`.
    pub field: String,
    /// Why.
    pub reason: String,
}

/// The run itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Sorts by time; names the run in every command.
    pub id: String,
    /// `check`, `import` or `undo`.
    pub kind: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC.
    pub finished_at: String,
    /// `finished` or `stopped`.
    pub state: String,
    /// What the rows were matched against: the database without its password, or why there was none.
    pub matched_against: String,
    /// SHA-256 of the plan that it applied, in lower-case hex; none when it read files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// What it let through that the safeguards had held of another run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approves: Option<Approval>,
    /// Set when an earlier run that was interrupted went on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub resumed: bool,
    /// What this process wrote of it; none where one process wrote all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// How a first import of many people was written; none in any other run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_load: Option<FirstLoad>,
}

/// How a first import was written: at once, by tables that were filled apart and then replaced the empty
/// accounts, or chunk by chunk, as any other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstLoad {
    /// Whether it was at once.
    pub at_once: bool,
    /// For how many milliseconds nobody else could use the accounts then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_ms: Option<u64>,
    /// Why it was chunk by chunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The part of a run that one of several processes wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// This many chunks.
    pub chunks: u64,
    /// Out of this many.
    pub of: u64,
}

/// A file that was dropped into a folder; `muster import --drop` tells older ones by it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Dropped {
    /// The folder, absolute and without links.
    pub folder: String,
    /// The file's name in it.
    pub file: String,
    /// The day in its name, as 2026-11-22.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dated: Option<String>,
    /// RFC 3339, UTC: when the file changed last.
    pub modified_at: String,
}

/// One file that was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// As given on the command line.
    pub path: String,
    /// Lower-case hex.
    pub sha256: String,
    /// Size on disk.
    pub bytes: u64,
    /// `csv`, `json`, `parquet`, `xlsx`, `xlsb`, `xls` or `ods`.
    pub format: String,
    /// WHATWG name, for text.
    pub encoding: Option<String>,
    /// For text.
    pub delimiter: Option<String>,
    /// For workbooks.
    pub sheet: Option<String>,
    /// What was found or assumed of how the file is to be read, and which of its lines aren't rows,
    /// in plain words; nothing of what is as usual.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detected: Vec<String>,
    /// Rows below the header, without blank lines.
    pub rows: u64,
    /// Header → field, attribute or nothing, as mapped.
    pub columns: Vec<Column>,
    /// Which columns were not used, or not as what they may be meant for; none where all were.
    #[serde(default, skip_serializing_if = "Unmapped::is_empty")]
    pub unmapped: Unmapped,
}

/// The columns of a file that were not used, or not as what they may be meant for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unmapped {
    /// Whether most columns that have a name are `unknown`.
    pub mostly: bool,
    /// How many columns have a name.
    pub named: u64,
    /// How many of them have a name of which nothing is known.
    pub unknown: u64,
    /// Columns that no field is known for and that the pipeline doesn't name: kept as custom
    /// attributes under their own names.
    pub attributes: Vec<String>,
    /// Those of `attributes` that are likely a field, as `muster map` finds.
    pub likely: Vec<LikelyField>,
    /// Columns that could be a field that was read from another column, which is usually meant.
    pub passed_over: Vec<PassedOver>,
    /// Columns without a name that have values; they were not read.
    pub nameless: Vec<Nameless>,
}

impl Unmapped {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty() && self.passed_over.is_empty() && self.nameless.is_empty()
    }
}

/// A column that is likely a field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LikelyField {
    /// Its header.
    pub column: String,
    /// The field.
    pub field: String,
    /// Why, in a few plain words.
    pub why: String,
}

/// A column that was not taken for a field because another one was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// Its header.
    pub column: String,
    /// The field.
    pub field: String,
    /// The header of the column that was taken.
    pub taken: String,
}

/// A column without a name that has values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nameless {
    /// Its number, from 1.
    pub column: u64,
    /// In how many rows it has a value.
    pub values: u64,
}

impl Nameless {
    /// The column as people find it: `column 4 (D)`.
    pub fn place(&self) -> String {
        let mut letters = String::new();
        let mut rest = self.column;
        while rest > 0 {
            let digit = u8::try_from((rest - 1) % 26).unwrap_or_default();
            letters.insert(0, char::from(b'A' + digit));
            rest = (rest - 1) / 26;
        }
        format!("column {} ({letters})", self.column)
    }
}

/// A column of a file and what it became.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// As the file has it.
    pub header: String,
    /// `email`, `attribute cost_center`, `ignored`, `dropped (password)`.
    pub mapped_to: String,
}

/// Somebody's word that what a run holds is right.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// The run that holds it.
    pub of: String,
    /// The classes that are let through.
    pub classes: Vec<String>,
    /// Who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The pipeline by name and content.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PipelineName {
    /// `name` in its file.
    pub name: String,
    /// Of its text, lower-case hex.
    pub sha256: String,
}

/// How often one code came up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct IssueCount {
    /// The stable code.
    pub code: String,
    /// `note`, `warning` or `reject`.
    pub severity: String,
    /// The code's title.
    pub title: String,
    /// How many issues of that code.
    pub count: u64,
    /// The first few.
    pub examples: Vec<Example>,
}

/// One issue and where it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// Path as given.
    pub file: String,
    /// For workbooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Physical line, or row of the sheet.
    pub line: u64,
    /// The header of the column, where the issue is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What was found; masked when personal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub found: String,
    /// What was expected, or what would help; masked when personal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// A command that makes sense after this run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Next {
    /// What it does, as a sentence's beginning.
    pub what: String,
    /// Ready to be typed.
    pub command: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// How far the rows of a run are fixed by another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resubmitted {
    /// The run whose rows they are.
    pub run: String,
    /// How many of its rows needed work.
    pub needed: u64,
    /// How many of these go in by this run.
    #[serde(rename = "mended")]
    pub fixed: u64,
    /// How many are left after it.
    pub left: u64,
}
