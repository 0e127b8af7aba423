//! The rows of a run that are left, with their fixes, checked again.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::places::{Place, places};
use crate::console::ask::Ask;
use crate::definition::Definition;
use crate::field::{Field, RowNumber};
use crate::fixing::{Warned, Work, Written};
use crate::issue::{Code, Issue, Severity};
use crate::memory::Budget;
use crate::outcome::Outcome;
use crate::pipeline::{self, Job, Ran, record};
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::run_key::RunKey;
use crate::runs;
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
const MEMORY: u64 = 16 << 20;

/// The rows that are left, and what is still wrong with each.
pub(crate) struct Judged {
    pub work: Work,
    pub written: Written,
    /// By row: its problems; of rows that went in, its warnings, too.
    pub problems: BTreeMap<RowNumber, Vec<Problem>>,
    /// By file: the columns by which people are known, as far as it has them.
    pub keys: Vec<BTreeMap<Field, String>>,
    /// Where rows are in the list that was sent.
    pub places: HashMap<RowNumber, Place>,
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
    /// Other rows that it names.
    pub others: Vec<RowNumber>,
    /// Whether it keeps the row out.
    pub keeps_out: bool,
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
    /// The rows that can go in. Of rows that went in before, those in which something was fixed.
    pub(crate) fn ready(&self) -> impl Iterator<Item = RowNumber> + '_ {
        let is_ready = |row: RowNumber, problems: &[Problem]| {
            let is_fixed = self.written.rows.get(&row).is_some_and(|row| row.is_fixed);
            problems.iter().all(|problem| !problem.keeps_out) && (!self.work.went_in || is_fixed)
        };
        let rows = self.problems.iter();
        rows.filter(move |(row, problems)| is_ready(**row, problems))
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

    /// Where a row is in the list that was sent.
    pub(crate) fn place(&self, row: RowNumber) -> Place {
        self.places.get(&row).cloned().unwrap_or_else(|| {
            let line = self.written.rows.get(&row).map(|row| row.line.parse());
            Place {
                file: String::new(),
                line: line.and_then(std::result::Result::ok).unwrap_or_default(),
            }
        })
    }

    /// `text` with the places of rows in the list that was sent, and the rows. A check names them by the
    /// files that were written for it.
    fn translated(&self, text: &str, known: &Lines) -> (String, Vec<RowNumber>) {
        let mut text = text.to_string();
        let mut rows = Vec::new();
        for (file, path) in self.written.files.iter().enumerate() {
            let path = format!("{}:", path.display());
            let mut out = String::new();
            let mut parts = text.split(path.as_str());
            out.push_str(parts.next().unwrap_or_default());
            for part in parts {
                let end = part
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(part.len());
                let line: u64 = part[..end].parse().unwrap_or_default();
                match known.get(&(file, line)) {
                    Some(row) => {
                        let place = self.place(*row);
                        out.push_str(&format!("{}:{}", place.file, place.line));
                        rows.push(*row);
                    }
                    None => out.push_str(&part[..end]),
                }
                out.push_str(&part[end..]);
            }
            text = out;
        }
        (text, rows)
    }
}

/// What was found of many rows, kept for a while: most pages are opened without anything new.
#[derive(Default)]
pub(crate) struct Known {
    /// What it depends on, when it was found, and what that was; the newest last.
    found: Mutex<Vec<(String, Instant, Arc<Judged>)>>,
}

/// Fewer rows are checked each time.
const KEPT_FROM: usize = 200;
/// How many findings are kept, and for how long: accounts are also changed by the people themselves.
const KEPT_MAX: usize = 3;
const KEPT: Duration = Duration::from_mins(10);

impl Known {
    fn get(&self, state: &str) -> Option<Arc<Judged>> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |(known, at, _): &&(String, Instant, _)| known == state && at.elapsed() < KEPT;
        found
            .iter()
            .find(is_it)
            .map(|(.., judged)| Arc::clone(judged))
    }

    fn keep(&self, state: String, judged: &Arc<Judged>) {
        if judged.problems.len() < KEPT_FROM {
            return;
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() == KEPT_MAX {
            found.remove(0);
        }
        found.push((state, Instant::now(), Arc::clone(judged)));
    }
}

/// The rows by the files that were written for a check, and their lines there.
type Lines = HashMap<(usize, u64), RowNumber>;

/// What files are read with: workbooks by a process of their own.
pub(super) fn reader() -> Reader {
    let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    Reader::by(Process::Of(program))
}

/// Checks what is left of a run; none where that is too much for a page.
///
/// # Errors
/// Those of [`Work::of`] and of a check.
pub(super) fn judge(
    ask: &mut Ask,
    run: &RunRecord,
) -> Result<std::result::Result<Arc<Judged>, Work>> {
    let state = format!("wrong {} {}", run.id, ask.store.state_of_fixes(&run.id)?);
    if let Some(judged) = ask.app.judged.get(&state) {
        return Ok(Ok(judged));
    }
    let work = Work::of(run, ask.store)?;
    if work.rows() > ROWS_MAX {
        return Ok(Err(work));
    }
    let judged = Arc::new(checked(ask, run, work)?);
    ask.app.judged.keep(state, &judged);
    Ok(Ok(judged))
}

/// What is known of the rows that went in with a warning.
pub(super) enum JudgedWarned {
    /// There are none.
    Nothing,
    /// The list that has them isn't kept any more.
    ListGone,
    /// These.
    Rows(Arc<Judged>),
}

/// Checks the rows that went in with a warning.
///
/// # Errors
/// Those of [`Work::of_warned`] and of a check.
pub(super) fn judge_warned(ask: &mut Ask, run: &RunRecord) -> Result<JudgedWarned> {
    let Ok(ledger) = runs::ledger(run) else {
        return Ok(JudgedWarned::Nothing);
    };
    let state = format!("warned {} {}", run.id, ask.store.state_of_fixes(&run.id)?);
    if let Some(judged) = ask.app.judged.get(&state) {
        return Ok(JudgedWarned::Rows(judged));
    }
    let warned = Work::of_warned((run, &ledger), ask.store, &reader())?;
    Ok(match warned {
        Warned::Nothing => JudgedWarned::Nothing,
        Warned::ListGone => JudgedWarned::ListGone,
        Warned::Rows(work) => {
            let judged = Arc::new(checked(ask, run, *work)?);
            ask.app.judged.keep(state, &judged);
            JudgedWarned::Rows(judged)
        }
    })
}

/// Checks the rows of `work`, with their fixes.
fn checked(ask: &mut Ask, run: &RunRecord, mut work: Work) -> Result<Judged> {
    work.pipeline.definition.accounts.today = Some(jiff::Zoned::now().date());
    let folder = tempfile::tempdir().map_err(|error| {
        let what = format!("no temporary folder can be made: {error}");
        Refusal::new(Code::OutputUnwritable, what)
    })?;
    let reader = reader();
    let written = work.write((folder.path(), "rows"), &reader, &|_| true)?;
    let rows: Vec<RowNumber> = written.rows.keys().copied().collect();
    let mut judged = Judged {
        problems: rows.iter().map(|row| (*row, Vec::new())).collect(),
        keys: vec![BTreeMap::new(); written.headers.len()],
        places: places(ask, run, &rows)?,
        work,
        written,
    };
    if judged.written.rows.is_empty() {
        return Ok(judged);
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
    if judged.work.went_in {
        return Ok(judged);
    }
    for (row, problems) in &mut judged.problems {
        let unsettled = judged.written.rows.get(row).and_then(|row| row.unsettled());
        let code = unsettled.and_then(|code| Code::ALL.iter().find(|one| one.name() == code));
        if let Some(code) = code.filter(|_| problems.is_empty()) {
            problems.push(Problem {
                code: *code,
                field: None,
                column: None,
                detail: String::new(),
                others: Vec::new(),
                keeps_out: true,
            });
        }
    }
    Ok(judged)
}

/// Notes what the check found.
fn note(ran: &Ran, run: &RunRecord, judged: &mut Judged) -> Result<()> {
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
    let mut known = Lines::new();
    for batch in 0..ran.spool.batches() {
        let (people, planned) = ran.read(batch)?;
        let source = usize::from(people.drafts.source);
        let mut issues: BTreeMap<RowNumber, Vec<&Issue>> = BTreeMap::new();
        for issue in people.drafts.issues.iter().chain(&planned.issues) {
            issues.entry(issue.row).or_default().push(issue);
        }
        for (index, outcome) in planned.outcomes.iter().enumerate() {
            let row = people.drafts.first_row + index as RowNumber;
            let Some(of) = ran.row_refs.of(row).filter(|of| of.run == run.id) else {
                continue;
            };
            known.insert((source, people.drafts.places[index].line), of.row);
            let of_row = issues.get(&row).into_iter().flatten();
            let problems =
                of_row.filter_map(|issue| problem(issue, *outcome, (ran, source), judged));
            let problems = problems.collect();
            judged.problems.insert(of.row, problems);
        }
    }
    let mut problems = std::mem::take(&mut judged.problems);
    for problem in problems.values_mut().flatten() {
        (problem.detail, problem.others) = judged.translated(&problem.detail, &known);
    }
    judged.problems = problems;
    Ok(())
}

/// What an issue says that somebody can do something about.
fn problem(
    issue: &Issue,
    outcome: Outcome,
    (ran, source): (&Ran, usize),
    judged: &Judged,
) -> Option<Problem> {
    let file = &ran.files[source];
    let keeps_out = keeps_out(issue, outcome, &judged.work.pipeline.definition);
    let column = record::column_of(issue, file, ran);
    let is_warning =
        judged.work.went_in && issue.code.severity() == Severity::Warning && column.is_some();
    (keeps_out || is_warning).then(|| Problem {
        code: issue.code,
        field: issue.field,
        column: column.and_then(|column| file.source.header.get(column).cloned()),
        detail: issue.detail.clone(),
        others: Vec::new(),
        keeps_out,
    })
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
