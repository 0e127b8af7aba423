//! The rows of a run that are left, with their fixes, checked again.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use uuid::Uuid;

use crate::console::ask::Ask;
use crate::definition::Definition;
use crate::field::{Field, RowNumber};
use crate::fixing::{Work, Written};
use crate::issue::{Code, Issue};
use crate::memory::Budget;
use crate::outcome::Outcome;
use crate::pipeline::{self, Job, Ran, record};
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::run_key::RunKey;
use crate::safeguard::waits_by;
use crate::stages::read::{Process, Reader};
use crate::store::runs::RunRecord;

/// More rows are fixed in a spreadsheet.
pub(super) const ROWS_MAX: usize = 20_000;
/// What people are known by.
const KNOWN_BY: [Field; 7] = [
    Field::ExternalId,
    Field::Email,
    Field::Username,
    Field::FirstName,
    Field::LastName,
    Field::FullName,
    Field::DisplayName,
];
/// What a check of these rows may remember of them in memory.
const MEMORY: u64 = 64 << 20;

/// The rows that are left, and what is still wrong with each.
pub(crate) struct Judged {
    pub work: Work,
    pub written: Written,
    /// By row: its problems; none where it can go in.
    pub problems: BTreeMap<RowNumber, Vec<Problem>>,
    /// By file: the columns by which people are known, as far as it has them.
    pub keys: Vec<BTreeMap<Field, String>>,
}

/// What is wrong with a row.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub code: Code,
    /// The field that it is about.
    pub field: Option<Field>,
    /// The name of the column in which it is fixed.
    pub column: Option<String>,
    pub detail: String,
}

impl Problem {
    /// The accounts that it names.
    pub(crate) fn accounts(&self) -> Vec<Uuid> {
        let words = self
            .detail
            .split(|c: char| !c.is_ascii_hexdigit() && c != '-');
        let mut found: Vec<Uuid> = Vec::new();
        for id in words
            .filter(|word| word.len() == 36)
            .filter_map(|word| word.parse().ok())
        {
            if !found.contains(&id) {
                found.push(id);
            }
        }
        found
    }
}

impl Judged {
    /// The rows that can go in.
    pub(crate) fn ready(&self) -> impl Iterator<Item = RowNumber> + '_ {
        let rows = self.problems.iter();
        rows.filter(|(_, problems)| problems.is_empty())
            .map(|(row, _)| *row)
    }

    /// What is in the column of a field that people are known by; empty where there is none.
    pub(crate) fn value(&self, row: RowNumber, field: Field) -> &str {
        let file = self.written.rows.get(&row).map(|row| row.file);
        let column = file.and_then(|file| self.keys.get(file)?.get(&field));
        column.map_or("", |column| self.cell(row, column))
    }

    /// What is in a column of a row.
    pub(crate) fn cell(&self, row: RowNumber, column: &str) -> &str {
        let Some(found) = self.written.rows.get(&row) else {
            return "";
        };
        let header = &self.written.headers[found.file];
        let at = header.iter().position(|name| name == column);
        at.and_then(|at| found.cells.get(at))
            .map_or("", String::as_str)
    }
}

/// What files are read with: workbooks by a process of their own.
pub(super) fn reader() -> Reader {
    let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    Reader::by(Process::Of(program))
}

/// Checks what is left of a run; none where that is too much for a page.
///
/// # Errors
/// Those of [`Work::of`] and of a check.
pub(super) fn judge(ask: &mut Ask, run: &RunRecord) -> Result<std::result::Result<Judged, Work>> {
    let mut work = Work::of(run, ask.store)?;
    work.pipeline.definition.accounts.today = Some(jiff::Zoned::now().date());
    if work.rows() > ROWS_MAX {
        return Ok(Err(work));
    }
    let folder = tempfile::tempdir().map_err(|error| {
        let what = format!("no temporary folder can be made: {error}");
        Refusal::new(Code::OutputUnwritable, what)
    })?;
    let reader = reader();
    let written = work.write((folder.path(), "rows"), &reader, &|_| true)?;
    let mut judged = Judged {
        problems: written.rows.keys().map(|row| (*row, Vec::new())).collect(),
        keys: vec![BTreeMap::new(); written.headers.len()],
        work,
        written,
    };
    if judged.written.rows.is_empty() {
        return Ok(Ok(judged));
    }
    ask.store.use_target(&judged.work.pipeline.definition)?;
    let job = Job {
        files: &judged.written.files,
        sha256: None,
        reader: &reader,
        pipeline: &judged.work.pipeline,
        run: RunKey {
            id: "console".to_string(),
            seed: 1,
            started_ms: 0,
        },
        for_plan: false,
        allowed: &[],
        password: None,
        memory: Budget::of(MEMORY),
        folder: folder.path(),
        progress: &Progress::new(true),
        stop: &AtomicBool::new(false),
    };
    let ran = pipeline::check(&job, Some(ask.store))?;
    note(&ran, run, &mut judged)?;
    for (row, problems) in &mut judged.problems {
        let unsettled = judged.written.rows.get(row).and_then(|row| row.unsettled());
        let code = unsettled.and_then(|code| Code::ALL.iter().find(|one| one.name() == code));
        if let Some(code) = code.filter(|_| problems.is_empty()) {
            problems.push(Problem {
                code: *code,
                field: None,
                column: None,
                detail: String::new(),
            });
        }
    }
    Ok(Ok(judged))
}

/// Notes what the check found.
fn note(ran: &Ran, run: &RunRecord, judged: &mut Judged) -> Result<()> {
    let definition = &judged.work.pipeline.definition.clone();
    for (file, of) in ran.files.iter().zip(&judged.written.of) {
        let keys = &mut judged.keys[*of];
        for field in KNOWN_BY {
            let slot = ran.layout.field(field);
            let column = slot.and_then(|slot| file.mapping.column_of(slot));
            let name = column.and_then(|column| file.source.header.get(usize::from(column)));
            if let Some(name) = name {
                keys.insert(field, name.clone());
            }
        }
    }
    for batch in 0..ran.spool.batches() {
        let (people, planned) = ran.read(batch)?;
        let file = &ran.files[usize::from(people.drafts.source)];
        let mut issues: BTreeMap<RowNumber, Vec<&Issue>> = BTreeMap::new();
        for issue in people.drafts.issues.iter().chain(&planned.issues) {
            issues.entry(issue.row).or_default().push(issue);
        }
        for (index, outcome) in planned.outcomes.iter().enumerate() {
            let row = people.drafts.first_row + index as RowNumber;
            let Some(of) = ran.row_refs.of(row).filter(|of| of.run == run.id) else {
                continue;
            };
            let of_row = issues.get(&row).into_iter().flatten();
            let stops = of_row.filter(|issue| keeps_out(issue, *outcome, definition));
            let problems = stops.map(|issue| Problem {
                code: issue.code,
                field: issue.field,
                column: record::column_of(issue, file, ran)
                    .and_then(|column| file.source.header.get(column).cloned()),
                detail: issue.detail.clone(),
            });
            judged.problems.insert(of.row, problems.collect());
        }
    }
    Ok(())
}

/// Whether an issue is why its row stays out. What a safeguard holds waits for an approval, and not
/// for a fix.
fn keeps_out(issue: &Issue, outcome: Outcome, definition: &Definition) -> bool {
    match outcome {
        Outcome::Rejected | Outcome::Failed => definition.rejects(issue.code) && !waits_by(issue),
        Outcome::Held => matches!(
            issue.code,
            Code::MatchReturned
                | Code::MatchZeros
                | Code::MatchOtherPerson
                | Code::GroupHeld
                | Code::SessionHeld
        ),
        _ => false,
    }
}
