//! Plan files: what a check would do, row by row and value by value, as Parquet that any tool can
//! query, with everything that is needed to apply it without the input.
//!
//! A row group is a batch. Its first line also has the batch as muster keeps it; the footer has how
//! the input was read and the pipeline. Between the last row group and the footer, where readers of
//! Parquet never look, is a seal: a hash of the file without it. It shows that a file was truncated
//! or changed, before anything in it is trusted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::os::unix::fs::FileExt;
use std::path::Path;

use polars_core::prelude::{
    Column, DataFrame, DataType, Field as PolarsField, PolarsError, Schema,
};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use polars_io::parquet::write::{KeyValueMetadata, ParquetWriter, StatisticsOptions};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{packing, series};
use crate::account::COLUMNS;
use crate::decision::Planned;
use crate::definition::{self, Definition, Pipeline};
use crate::field::{Field, RowNumber};
use crate::file::{Pending, unwritable};
use crate::issue::{Code, Issue};
use crate::leaver::{Leaver, Why};
use crate::meaning::changes::{Difference, differences, rule};
use crate::meaning::person::Person;
use crate::outcome::Outcome;
use crate::profile::Profile;
use crate::refusal::{Refusal, Result};
use crate::row::{Layout, People, Slot};
use crate::rule::Rule;
use crate::safeguard::{Safeguard, waits_by};
use crate::spool::{PlanSpool, Spool, dialect, encode, pack, unpack};
use crate::stages::read::InputFile;
use crate::stages::resubmission::RowRefs;

/// The version of this file's shape.
const FORMAT: &str = "muster.plan/1";
/// The key in the footer under which [`Head`] is.
const KEY: &str = "muster.plan";
/// The column that has the batches as muster keeps them.
const BATCH: &str = "muster_batch";
/// Begins the seal; a SHA-256 follows.
const SEAL: &[u8; 16] = b"muster plan seal";
const SEAL_BYTES: usize = SEAL.len() + 32;
/// Ends a Parquet file, after the length of its footer.
const MAGIC: &[u8; 4] = b"PAR1";
/// Batches that are made ready or read together.
const GROUP_BATCHES: usize = 8;

/// What a plan says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct Head {
    format: String,
    /// The muster that wrote it.
    pub muster: String,
    dialect: String,
    /// RFC 3339.
    pub created_at: String,
    /// The run that it comes from.
    pub run: String,
    /// The database against which it was made, or why there was none.
    pub matched_against: String,
    pipeline: KeptPipeline,
    files: Vec<InputFile>,
    slots: Vec<Slot>,
    /// How many values each cleaning rule changed.
    cleaned: BTreeMap<String, u64>,
    /// How many rows the plan has; lines after them are leavers.
    rows: u64,
    leavers: Vec<Leaver>,
    /// What the safeguards said.
    #[serde(rename = "gates")]
    pub safeguards: Vec<Safeguard>,
    /// What the files look like.
    pub profile: Option<Profile>,
    /// Which rows of earlier runs the rows say that they fix.
    #[serde(default, skip_serializing_if = "RowRefs::is_empty")]
    #[serde(rename = "marks")]
    pub row_refs: RowRefs,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptPipeline {
    name: String,
    sha256: String,
    text: String,
    options: Vec<(String, String)>,
    named: Option<String>,
}

/// A plan, unpacked.
pub struct PlanFile {
    /// What it says of itself.
    pub head: Head,
    /// SHA-256 of the file, in lower-case hex.
    pub sha256: String,
    /// The files that it was made from.
    pub files: Vec<InputFile>,
    /// The slots of its rows.
    pub layout: Layout,
    /// The rows, cleaned and validated.
    pub spool: Spool,
    /// What is to happen to them.
    pub plan: PlanSpool,
    /// Accounts that the files don't name, and what is to happen to these.
    pub leavers: Vec<Leaver>,
    /// How many values each cleaning rule changed.
    pub rules: [u64; 32],
}

impl PlanFile {
    /// The rows of a batch.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk fails.
    pub fn rows(&self, batch: usize) -> Result<People> {
        self.spool.read(batch)
    }

    /// What is decided about the rows of a batch.
    ///
    /// # Errors
    /// As [`PlanFile::rows`].
    pub fn decided(&self, batch: usize) -> Result<Planned> {
        self.plan.read(batch)
    }

    /// The pipeline as it was when the plan was made, with the options that overrode it.
    ///
    /// # Errors
    /// `plan.invalid`, when this muster reads it otherwise.
    pub fn pipeline(&self) -> Result<Pipeline> {
        let kept = &self.head.pipeline;
        let mut pipeline = definition::parse("the plan's pipeline", &kept.text)?;
        for (option, value) in &kept.options {
            pipeline.set(option, value)?;
        }
        if pipeline.sha256 != kept.sha256 {
            return Err(invalid(
                "its pipeline differs from the one it was made with",
            ));
        }
        pipeline.named.clone_from(&kept.named);
        Ok(pipeline)
    }
}

fn invalid(what: impl Into<String>) -> Refusal {
    Refusal::new(Code::PlanInvalid, what)
}

// --- writing -------------------------------------------------------------------------------------

/// What a plan is written from.
pub struct Contents<'a> {
    /// The run that decided it.
    pub run: &'a str,
    /// The files of its rows.
    pub files: &'a [InputFile],
    /// The slots of its rows.
    pub layout: &'a Layout,
    /// How many batches and rows there are.
    pub spool: &'a Spool,
    /// The rows of a batch, and what is decided about them.
    pub read: Box<dyn Fn(usize) -> Result<(People, Planned)> + Sync + 'a>,
    /// Accounts that change though no row says so.
    pub leavers: &'a [Leaver],
    /// What the safeguards said.
    pub safeguards: &'a [Safeguard],
    /// What the files look like.
    pub profile: Option<&'a Profile>,
    /// Which rows of earlier runs the rows say that they fix.
    pub row_refs: &'a RowRefs,
    /// How many values each cleaning rule changed.
    pub rules: &'a [u64; 32],
}

/// Writes a plan. A row that waits for an approval keeps what it waits for.
///
/// # Errors
/// `output.unwritable`; a file of that name is left as it is.
pub fn write(
    mut pending: Pending,
    plan: &Contents,
    pipeline: &Pipeline,
    matched_against: &str,
    created_at: &str,
) -> Result<()> {
    let path = pending.path().to_path_buf();
    let failed = |error: PolarsError| unwritable(&path, &error);
    let head = head(plan, pipeline, matched_against, created_at);
    let json = serde_json::to_string(&head).map_err(|error| unwritable(&path, &error))?;
    let file = pending
        .file()?
        .try_clone()
        .map_err(|error| unwritable(&path, &error))?;
    let mut writer = ParquetWriter::new(BufWriter::with_capacity(256 << 10, file))
        .with_compression(packing())
        // They would be in the footer, beginnings of the batches among them.
        .with_statistics(StatisticsOptions::empty())
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(vec![(
            KEY.to_string(),
            json,
        )])))
        .batched(&schema())
        .map_err(failed)?;
    for first in (0..plan.spool.batches()).step_by(GROUP_BATCHES) {
        let range = first..(first + GROUP_BATCHES).min(plan.spool.batches());
        let frames: Vec<DataFrame> = range
            .into_par_iter()
            .map(|batch| {
                let (people, planned) = (plan.read)(batch)?;
                frame(&people, &planned, plan, &pipeline.definition).map_err(failed)
            })
            .collect::<Result<_>>()?;
        for frame in frames {
            writer.write_batch(&frame).map_err(failed)?;
        }
    }
    if !plan.leavers.is_empty() {
        let frame = frame_of_leavers(plan.leavers).map_err(failed)?;
        writer.write_batch(&frame).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    seal(pending.file()?).map_err(|error| unwritable(&path, &error))?;
    pending.commit_new()
}

fn head(plan: &Contents, pipeline: &Pipeline, matched_against: &str, created_at: &str) -> Head {
    Head {
        format: FORMAT.to_string(),
        muster: env!("CARGO_PKG_VERSION").to_string(),
        dialect: dialect(),
        created_at: created_at.to_string(),
        run: plan.run.to_string(),
        matched_against: matched_against.to_string(),
        pipeline: KeptPipeline {
            name: pipeline.definition.name.clone(),
            sha256: pipeline.sha256.clone(),
            text: pipeline.text.clone(),
            options: pipeline.options.clone(),
            named: pipeline.named.clone(),
        },
        files: plan.files.to_vec(),
        slots: plan.layout.slots().to_vec(),
        cleaned: Rule::ALL
            .iter()
            .map(|rule| (rule.name().to_string(), plan.rules[*rule as usize]))
            .collect(),
        rows: plan.spool.rows(),
        leavers: plan.leavers.to_vec(),
        safeguards: plan.safeguards.to_vec(),
        profile: plan.profile.cloned(),
        row_refs: plan.row_refs.clone(),
    }
}

/// The fields of which a plan has the old and the new value, and what isn't a field.
pub(super) fn values() -> impl Iterator<Item = &'static str> {
    let fields = COLUMNS.into_iter().map(Field::name);
    fields.chain([Field::Groups.name(), "attributes", Field::Sessions.name()])
}

fn schema() -> Schema {
    let head = [
        ("row", DataType::UInt64),
        ("file", DataType::String),
        ("sheet", DataType::String),
        ("line", DataType::UInt64),
        ("action", DataType::String),
        ("account", DataType::String),
        ("rule", DataType::String),
        ("state", DataType::String),
    ];
    let head = head.map(|(name, kind)| (name.to_string(), kind));
    let pairs = values()
        .flat_map(|name| ["old", "new"].map(|age| (format!("{age}_{name}"), DataType::String)));
    let tail = [
        ("issues".to_string(), DataType::String),
        (BATCH.to_string(), DataType::Binary),
    ];
    let columns = head.into_iter().chain(pairs).chain(tail);
    columns
        .map(|(name, kind)| PolarsField::new(name.into(), kind))
        .collect::<Schema>()
}

/// Values of a column, a line each.
type Texts<'a> = Vec<Option<Cow<'a, str>>>;

/// The columns that differ from row to row.
#[derive(Default)]
struct Columns<'a> {
    account: Texts<'a>,
    rule: Texts<'a>,
    state: Texts<'a>,
    issues: Texts<'a>,
    /// Old and new, by [`values`].
    pairs: Vec<[Texts<'a>; 2]>,
}

impl<'a> Columns<'a> {
    /// Adds the old and new values of a row.
    fn push_pairs(&mut self, differences: Vec<Difference<'a>>) {
        self.pairs.resize_with(values().count(), Default::default);
        self.pairs
            .iter_mut()
            .flatten()
            .for_each(|texts| texts.push(None));
        let mut attributes = [serde_json::Map::new(), serde_json::Map::new()];
        for difference in differences {
            let ages = [difference.old, difference.new];
            if let Some(name) = difference.name.strip_prefix("attributes.") {
                for (object, value) in attributes.iter_mut().zip(ages) {
                    value.map(|value| object.insert(name.to_string(), value.into()));
                }
            } else if let Some(column) = values().position(|name| name == difference.name) {
                set_last(&mut self.pairs[column], ages);
            }
        }
        let objects = attributes.map(|object| {
            let json = (!object.is_empty()).then(|| serde_json::Value::Object(object).to_string());
            json.map(Cow::from)
        });
        if let Some(pair) = self.pairs.last_mut() {
            set_last(pair, objects);
        }
    }
}

fn set_last<'a>(pair: &mut [Texts<'a>; 2], ages: [Option<Cow<'a, str>>; 2]) {
    for (texts, value) in pair.iter_mut().zip(ages) {
        if let Some(last) = texts.last_mut() {
            *last = value;
        }
    }
}

/// A batch as lines of the plan.
fn frame(
    people: &People,
    planned: &Planned,
    plan: &Contents,
    definition: &Definition,
) -> std::result::Result<DataFrame, PolarsError> {
    let first = people.drafts.first_row;
    let issues = issues_by_row(people, planned);
    let mut accounts = planned.accounts.iter().peekable();
    let mut traces = planned.traces.iter().peekable();
    let mut updates = planned.updates.iter().peekable();
    let mut columns = Columns::default();
    for (index, found) in issues.iter().enumerate() {
        let row = first + index as RowNumber;
        let outcome = planned.outcomes[index];
        let id = accounts.next_if(|(at, _)| *at == row);
        let trace = traces.next_if(|trace| trace.row == row);
        let update = updates.next_if(|(at, _)| *at == row);
        let person = Person {
            people,
            index,
            layout: plan.layout,
        };
        let update = update.map(|(_, update)| update);
        // What waits for an approval has the values that it waits to get.
        let becomes = match (outcome, update) {
            (Outcome::Held, Some(_)) if found.iter().any(|issue| waits_by(issue)) => {
                Outcome::Updated
            }
            (Outcome::Held, None) if found.iter().any(|issue| waits_by(issue)) => Outcome::Created,
            (outcome, _) => outcome,
        };
        columns.push_pairs(differences(&person, becomes, update, definition));
        let by = trace.and_then(|trace| trace.by);
        let rule = rule(outcome, people.verdicts[index], by, found, definition);
        columns.rule.push(Some(rule));
        // What a new account's keys found is not the account.
        let id = id.filter(|_| outcome != Outcome::Created);
        columns
            .account
            .push(id.map(|(_, id)| id.to_string().into()));
        let state = trace.map(|trace| format!("{:032x}", trace.state).into());
        columns.state.push(state);
        let codes: Vec<&str> = found.iter().map(|issue| issue.code.name()).collect();
        columns.issues.push(Some(codes.join(",").into()));
    }
    into_frame(people, planned, plan, columns)
}

fn into_frame(
    people: &People,
    planned: &Planned,
    plan: &Contents,
    columns: Columns,
) -> std::result::Result<DataFrame, PolarsError> {
    let rows = people.len();
    let source = &plan.files[usize::from(people.drafts.source)].source;
    let file = source.path.display().to_string();
    let sheet = source.sheet();
    let packed = pack(people, planned);
    let mut batch: Vec<Option<&[u8]>> = vec![None; rows];
    if let Some(first) = batch.first_mut() {
        *first = Some(&packed);
    }
    let numbers: Vec<u64> = (u64::from(people.drafts.first_row) + 1..)
        .take(rows)
        .collect();
    let lines: Vec<u64> = people
        .drafts
        .places
        .iter()
        .map(|place| place.line)
        .collect();
    let actions: Vec<&str> = planned
        .outcomes
        .iter()
        .map(|outcome| outcome.name())
        .collect();
    let mut all = vec![
        series("row", numbers),
        series("file", vec![file.as_str(); rows]),
        series("sheet", vec![sheet; rows]),
        series("line", lines),
        series("action", actions),
        series("account", columns.account),
        series("rule", columns.rule),
        series("state", columns.state),
    ];
    for (name, [old, new]) in values().zip(columns.pairs) {
        all.push(series(&format!("old_{name}"), old));
        all.push(series(&format!("new_{name}"), new));
    }
    all.push(series("issues", columns.issues));
    all.push(series(BATCH, batch));
    DataFrame::new(rows, all)
}

/// The leavers as lines of the plan: no row is theirs.
fn frame_of_leavers(leavers: &[Leaver]) -> std::result::Result<DataFrame, PolarsError> {
    let rows = leavers.len();
    let nothing: Texts = vec![None; rows];
    let mut columns: Vec<Column> = vec![series("row", vec![None::<u64>; rows])];
    for name in ["file", "sheet"] {
        columns.push(series(name, nothing.clone()));
    }
    columns.push(series("line", vec![None::<u64>; rows]));
    let leaver_actions: Vec<&str> = leavers.iter().map(|leaver| leaver.action.name()).collect();
    let accounts: Vec<String> = leavers
        .iter()
        .map(|leaver| leaver.account.to_string())
        .collect();
    columns.push(series("action", leaver_actions));
    columns.push(series("account", accounts));
    let rules: Vec<&str> = leavers
        .iter()
        .map(|leaver| match leaver.why {
            Why::Missing => "leaver",
            Why::EndDate | Why::StartDate => leaver.why.name(),
        })
        .collect();
    columns.push(series("rule", rules));
    columns.push(series("state", nothing.clone()));
    for name in values() {
        let old: Texts = leavers
            .iter()
            .map(|leaver| match name {
                "external_id" => leaver.external_id.as_deref().map(Cow::from),
                "email" => leaver.email.as_deref().map(Cow::from),
                "role" => Some(leaver.role.as_str().into()),
                "status" => Some(leaver.status.as_str().into()),
                _ => None,
            })
            .collect();
        let new: Texts = leavers
            .iter()
            .map(|leaver| {
                leaver
                    .action
                    .status()
                    .map(Cow::from)
                    .filter(|_| name == "status")
            })
            .collect();
        columns.push(series(&format!("old_{name}"), old));
        columns.push(series(&format!("new_{name}"), new));
    }
    columns.push(series("issues", vec![""; rows]));
    columns.push(series(BATCH, vec![None::<&[u8]>; rows]));
    DataFrame::new(rows, columns)
}

/// What is wrong with each row of a batch: in the file, then against the accounts.
fn issues_by_row<'a>(people: &'a People, planned: &'a Planned) -> Vec<Vec<&'a Issue>> {
    let mut issues: Vec<Vec<&Issue>> = vec![Vec::new(); people.len()];
    for issue in people.drafts.issues.iter().chain(&planned.issues) {
        issues[(issue.row - people.drafts.first_row) as usize].push(issue);
    }
    issues
}

// --- the seal ------------------------------------------------------------------------------------

/// Puts the seal before the footer.
fn seal(file: &File) -> std::io::Result<()> {
    let length = file.metadata()?.len();
    let (footer_at, footer) = footer(file, length)?;
    let mut hash = Sha256::new();
    digest(file, footer_at, &mut hash)?;
    hash.update(&footer);
    file.write_all_at(SEAL, footer_at)?;
    file.write_all_at(&hash.finalize(), footer_at + SEAL.len() as u64)?;
    file.write_all_at(&footer, footer_at + SEAL_BYTES as u64)
}

/// Where the footer of a Parquet file begins, and the footer with its length and the magic after.
fn footer(file: &File, length: u64) -> std::io::Result<(u64, Vec<u8>)> {
    let mut end = [0; 8];
    let wrong = || std::io::Error::other("it doesn't end as a Parquet file does");
    file.read_exact_at(&mut end, length.checked_sub(8).ok_or_else(wrong)?)?;
    let [a, b, c, d, magic @ ..] = end;
    let bytes = u64::from(u32::from_le_bytes([a, b, c, d])) + 8;
    let at = length.checked_sub(bytes).ok_or_else(wrong)?;
    if magic != *MAGIC {
        return Err(wrong());
    }
    let mut footer = vec![0; bytes as usize];
    file.read_exact_at(&mut footer, at)?;
    Ok((at, footer))
}

/// Adds the first `length` bytes of a file to a hash.
fn digest(file: &File, length: u64, hash: &mut Sha256) -> std::io::Result<()> {
    let mut block = vec![0; 1 << 20];
    let mut at = 0;
    while at < length {
        let count = (length - at).min(block.len() as u64) as usize;
        file.read_exact_at(&mut block[..count], at)?;
        hash.update(&block[..count]);
        at += count as u64;
    }
    Ok(())
}

/// The SHA-256 of a plan file whose seal is whole.
pub(super) fn check_seal(file: &File, shown: &str) -> Result<String> {
    let unreadable = |error: std::io::Error| invalid(format!("`{shown}` can't be read: {error}"));
    let length = file.metadata().map_err(unreadable)?.len();
    let mut start = [0; 4];
    if file.read_exact_at(&mut start, 0).is_err() || start != *MAGIC {
        return Err(invalid(format!(
            "`{shown}` is not a plan: it isn't a Parquet file"
        )));
    }
    let (footer_at, footer) = footer(file, length)
        .map_err(|_| invalid(format!("`{shown}` is incomplete: its end is missing")))?;
    let mut seal = [0; SEAL_BYTES];
    let seal_at = footer_at.saturating_sub(SEAL_BYTES as u64);
    file.read_exact_at(&mut seal, seal_at).map_err(unreadable)?;
    let Some(expected) = seal.strip_prefix(SEAL) else {
        return Err(invalid(format!(
            "`{shown}` is a Parquet file, but not a muster plan"
        )));
    };
    let mut whole = Sha256::new();
    digest(file, seal_at, &mut whole).map_err(unreadable)?;
    let mut unsealed = whole.clone();
    unsealed.update(&footer);
    if unsealed.finalize().as_slice() != expected {
        return Err(invalid(format!(
            "`{shown}` was damaged or changed after it was written"
        )));
    }
    whole.update(seal);
    whole.update(&footer);
    Ok(crate::text::hex(&whole.finalize()))
}

// --- reading -------------------------------------------------------------------------------------

/// Opens a plan and unpacks it into scratch files.
///
/// # Errors
/// `file.not_found`; `plan.invalid`, when it is damaged, no plan, or of another version.
pub fn open(path: &Path) -> Result<PlanFile> {
    let shown = path.display().to_string();
    let file = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Refusal::new(Code::FileNotFound, format!("no such file: `{shown}`"))
        }
        _ => invalid(format!("`{shown}` can't be read: {error}")),
    })?;
    let sha256 = check_seal(&file, &shown)?;
    let damaged =
        |error: &dyn std::fmt::Display| invalid(format!("`{shown}` can't be read: {error}"));
    let again = || file.try_clone().map_err(|error| damaged(&error));
    let mut reader = ParquetReader::new(again()?);
    let metadata = reader
        .get_metadata()
        .map_err(|error| damaged(&error))?
        .clone();
    let kept = metadata.key_value_metadata().iter().flatten();
    let json = kept
        .filter(|pair| pair.key == KEY)
        .find_map(|pair| pair.value.as_deref());
    let head = read_head(json.unwrap_or(""), &shown)?;
    let (mut spool, mut plan) = (Spool::new()?, PlanSpool::new()?);
    let groups = metadata.row_groups.iter().map(|group| group.num_rows());
    let firsts = first_rows(groups, head.rows);
    let batch_at = |first: usize| -> Result<(People, Planned)> {
        let mut reader = ParquetReader::new(again()?);
        reader.set_metadata(metadata.clone());
        let frame = reader
            .with_columns(Some(vec![BATCH.to_string()]))
            .with_slice(Some((first, 1)))
            .finish()
            .map_err(|error| damaged(&error))?;
        let column = frame.column(BATCH).and_then(|column| column.binary());
        let bytes = column.map_err(|error| damaged(&error))?.get(0);
        bytes
            .and_then(unpack)
            .filter(|(people, planned)| {
                people.drafts.first_row as usize == first
                    && people.len() == planned.outcomes.len()
                    && usize::from(people.drafts.source) < head.files.len()
            })
            .ok_or_else(|| damaged(&"a batch in it can't be decoded"))
    };
    for group in firsts.chunks(GROUP_BATCHES) {
        let batches: Vec<(People, Planned)> = group
            .par_iter()
            .map(|first| batch_at(*first))
            .collect::<Result<_>>()?;
        for (people, planned) in batches {
            spool.push(encode(&people))?;
            plan.push(&planned)?;
        }
    }
    Ok(PlanFile {
        sha256,
        files: head.files.clone(),
        layout: Layout::new(head.slots.clone()),
        spool,
        plan,
        leavers: head.leavers.clone(),
        rules: rules_of(&head),
        head,
    })
}

/// Where row groups of this many rows begin, up to those after the last of `rows`.
fn first_rows(groups: impl Iterator<Item = usize>, rows: u64) -> Vec<usize> {
    groups
        .scan(0, |next, count| {
            Some(std::mem::replace(next, *next + count))
        })
        .take_while(|first| (*first as u64) < rows)
        .collect()
}

fn rules_of(head: &Head) -> [u64; 32] {
    let mut rules = [0; 32];
    for rule in Rule::ALL {
        rules[*rule as usize] = head.cleaned.get(rule.name()).copied().unwrap_or(0);
    }
    rules
}

fn read_head(json: &str, shown: &str) -> Result<Head> {
    let of_another = |muster: &str| {
        let own = env!("CARGO_PKG_VERSION");
        invalid(format!(
            "`{shown}` was written by another version of muster, {muster}; this one is {own}"
        ))
    };
    let value: serde_json::Value = serde_json::from_str(json).map_err(|_| {
        invalid(format!(
            "`{shown}` is a Parquet file, but not a muster plan"
        ))
    })?;
    let muster = value["muster"]
        .as_str()
        .unwrap_or("of an unknown version")
        .to_string();
    if value["format"] != FORMAT || value["dialect"] != dialect() {
        return Err(of_another(&muster));
    }
    serde_json::from_value(value).map_err(|_| of_another(&muster))
}
