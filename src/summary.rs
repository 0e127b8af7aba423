//! `summary.json`: what a run read, did and found, in one stable, versioned document.
//!
//! It holds counts, places and masked examples, never a full personal value, so that it can be
//! kept and sent around; the corrections file has the values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::outcome::Counts;
use crate::stages::drift::Profile;
use crate::store::invitations::Funnel;

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
    /// By which pipeline.
    pub pipeline: PipelineName,
    /// Outcomes; they add up to `read`.
    pub counts: Counts,
    /// How many values each cleaning rule changed.
    pub cleaned: BTreeMap<String, u64>,
    /// What was found, one entry a code, worst first.
    pub issues: Vec<IssueCount>,
    /// Safeguards and what they said, one entry a class that came up.
    pub gates: Vec<Gate>,
    /// What the files look like; only where the pipeline compares them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// The run's files, relative to the folder of this one.
    pub files: BTreeMap<String, String>,
    /// How far the people have come who were invited since; `muster show` adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitations: Option<Funnel>,
    /// What can be done next.
    pub next: Vec<Next>,
}

/// The run itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Sorts by time; names the run in every command.
    pub id: String,
    /// `check` or `import`.
    pub kind: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC.
    pub finished_at: String,
    /// `finished` or `stopped`.
    pub state: String,
    /// What the rows were matched against: the database without its password, or why there was none.
    pub matched_against: String,
    /// Set when an earlier run that was cut off went on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub resumed: bool,
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
    /// `csv` or `xlsx`.
    pub format: String,
    /// WHATWG name, for text.
    pub encoding: Option<String>,
    /// For text.
    pub delimiter: Option<String>,
    /// For workbooks.
    pub sheet: Option<String>,
    /// Rows below the header, without blank lines.
    pub rows: u64,
    /// Header → field, attribute or nothing, as mapped.
    pub columns: Vec<Column>,
}

/// A column of a file and what it became.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// As the file has it.
    pub header: String,
    /// `email`, `attribute cost_center`, `ignored`, `dropped (password)`.
    pub mapped_to: String,
}

/// The pipeline by name and content.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PipelineName {
    /// `name` in its file.
    pub name: String,
    /// Of its text, lower-case hex.
    pub sha256: String,
}

/// What a safeguard said of a class of changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// Within its limit.
    #[default]
    Passed,
    /// Over its limit; somebody let it through.
    Allowed,
    /// Over its limit: nothing of it was written.
    Held,
}

/// A safeguard, and what it was measured by. [`crate::stages::gates`] has the policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Which changes: `create`, `update`, `deactivate`, `email_change`, `role_raise`, `key_change`,
    /// `new_groups`, `seats` or `content`.
    pub class: String,
    /// What became of them.
    pub ruling: Ruling,
    /// How many the run planned: accounts, groups, seats taken afterwards, or findings.
    pub count: u64,
    /// Of how many that were there: accounts, groups, or seats taken before.
    pub base: u64,
    /// The one as a share of the other; none of nothing.
    pub share: Option<f64>,
    /// The most that the run may do by itself; none while there is no limit.
    pub limit: Option<u64>,
    /// How many earlier runs of the pipeline did in its window.
    pub window_count: u64,
    /// The most that they and this one may do together.
    pub window_limit: Option<u64>,
    /// How many somebody let through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<u64>,
    /// How many rows of it were held, for this reason or another.
    pub held: u64,
    /// For `content`: what is unlike the last file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
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

/// One issue and where it stands.
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

fn is_false(value: &bool) -> bool {
    !value
}
