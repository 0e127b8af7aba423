//! record: one pass over the rows of a run, which writes its ledger, its corrections and its
//! summary. All numbers are counted here, once, from the rows.

use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use crate::decision::Planned;
use crate::definition::{DateOrder, Definition};
use crate::field::{Field, RowNumber};
use crate::file::{Pending, atomically};
use crate::issue::{Code, Issue, Severity, mask};
use crate::leaver::{Leaver, LeaverAction, Why};
use crate::ledger::{Entries, Ledger};
use crate::meaning::mapping::Target;
use crate::meaning::person::Person;
use crate::outcome::{Counts, Outcome, Verdict};
use crate::pipeline::columns::joined_names;
use crate::pipeline::record::to_fix::{Picked, corrections};
use crate::pipeline::{self, Ran};
use crate::refusal::Result;
use crate::report::csv::{Csv, Style};
use crate::report::html;
use crate::report::html::{Details, IssueDetail};
use crate::row::{People, Slot};
use crate::rule::{Rule, Rules};
use crate::spool::GROUP_BATCHES;
use crate::stages::read::InputFile;
use crate::stages::read::charset::Charset;
use crate::stages::read::{Aside, Format};
use crate::stages::resubmission::is_settled;
use crate::store::resubmission::ToFix;
use crate::summary::{Column, Example, Input, IssueCount, LeaverExample, Summary};

mod to_fix;

/// The most examples of each code in the summary.
const EXAMPLES_MAX: usize = 5;
/// The most places that the page shows, and the most of one code.
const DETAILS_MAX: usize = 2000;
const DETAILS_OF_CODE_MAX: usize = 200;

/// What the rows of one batch came to.
struct Batch {
    people: People,
    planned: Planned,
    /// By row.
    issues: Vec<Issue>,
}

impl Batch {
    fn issues_of(&self, row: RowNumber) -> &[Issue] {
        let first = self.issues.partition_point(|issue| issue.row < row);
        let of_row = self.issues[first..].iter();
        &self.issues[first..][..of_row.take_while(|issue| issue.row == row).count()]
    }

    /// Whether a row goes into the corrections file: it was rejected or failed, or it waits for an
    /// answer that can be given in the file. What a safeguard holds waits for an approval.
    fn needs_fixing(&self, index: usize) -> bool {
        let row = self.people.drafts.first_row + index as RowNumber;
        match self.planned.outcomes[index] {
            Outcome::Rejected | Outcome::Failed => true,
            Outcome::Held => self.issues_of(row).iter().any(|issue| {
                matches!(
                    issue.code,
                    Code::MatchReturned
                        | Code::MatchZeros
                        | Code::MatchOtherPerson
                        | Code::GroupHeld
                )
            }),
            _ => false,
        }
    }
}

/// Writes the ledger and the corrections into `folder`, and fills in what `summary` says of rows,
/// inputs, issues and files. Returns the places of all issues, for the page, and the rows that need
/// work or fix others, for the run log.
///
/// # Errors
/// `output.unwritable`; `file.changed` when an input is no longer what was read.
///
/// # Panics
/// When the outcomes don't add up to the rows read: a report that says so would be wrong.
pub fn record(
    ran: &Ran,
    definition: &Definition,
    folder: &Path,
    summary: &mut Summary,
) -> Result<(Details, Vec<ToFix>)> {
    let mut tally = Tally::new(definition, ran);
    let ledger_path = folder.join("ledger.parquet");
    let mut pending = Pending::create(&ledger_path)?;
    let file = pending
        .file()?
        .try_clone()
        .map_err(|error| crate::file::unwritable(&ledger_path, &error))?;
    let mut ledger = Ledger::begin(file, &ledger_path)?;
    let is_check = summary.run.kind == "check";
    let mut picked = Picked::new(ran, definition, folder, is_check);
    write_ledger(ran, &mut ledger, &ledger_path, &mut tally, &mut picked)?;
    ledger.finish(&ledger_path)?;
    pending.commit()?;
    summary
        .files
        .insert("ledger".into(), "ledger.parquet".into());
    summary.counts = tally.counts;
    assert!(
        summary.counts.add_up(),
        "outcomes must add up to the rows read"
    );
    summary.resubmitted = ran.resubmission.resubmitted(|row| tally.is_settled(row));
    let resubmitted = std::mem::take(&mut tally.resubmitted);
    for (name, path) in corrections(picked, &tally)? {
        summary.files.insert(name, path);
    }
    for leaver_action in LeaverAction::ALL {
        let count = ran
            .leavers()
            .iter()
            .filter(|leaver| leaver.action == leaver_action)
            .count() as u64;
        if count > 0 {
            summary
                .leavers
                .insert(leaver_action.name().to_string(), count);
        }
    }
    summary.leaver_examples = first_leavers(ran.leavers(), LEAVERS_SHOWN, mask);
    if !ran.leavers().is_empty() {
        write_leavers(ran.leavers(), &folder.join("leavers.csv"))?;
        summary.files.insert("leavers".into(), "leavers.csv".into());
    }
    summary.input = inputs(ran, &tally, definition);
    summary.cleaned = Rule::ALL
        .iter()
        .map(|rule| (rule.name().to_string(), ran.rules[*rule as usize]))
        .filter(|(_, count)| *count > 0)
        .collect();
    let details = Details {
        leavers: first_leavers(ran.leavers(), LEAVERS_LISTED, str::to_string),
        ..std::mem::take(&mut tally.details)
    };
    summary.issues = tally.issue_counts();
    summary
        .files
        .insert("summary".into(), "summary.json".into());
    summary.files.insert("page".into(), "summary.html".into());
    Ok((details, resubmitted))
}

/// Writes all rows into the ledger, and counts them. A group of batches is read while the one
/// before is packed and written: both take about as long.
fn write_ledger(
    ran: &Ran,
    ledger: &mut Ledger,
    path: &Path,
    tally: &mut Tally,
    picked: &mut Picked,
) -> Result<()> {
    let names: Vec<String> = ran
        .files
        .iter()
        .map(|file| file.source.path.display().to_string())
        .collect();
    let read = |number: usize| {
        let batch = read_batch(ran, number)?;
        let entries = entries(&batch, ran, &names);
        Ok((batch, entries))
    };
    let mut waiting = Entries::default();
    for first in (0..ran.spool.batches()).step_by(GROUP_BATCHES) {
        let range = first..(first + GROUP_BATCHES).min(ran.spool.batches());
        let behind = std::mem::take(&mut waiting);
        let (written, group) = rayon::join(
            || ledger.write(behind, path),
            || range.into_par_iter().map(read).collect::<Result<Vec<_>>>(),
        );
        written?;
        for (batch, entries) in group? {
            tally.count(&batch, ran);
            picked.add(&batch)?;
            waiting.append(entries);
        }
    }
    ledger.write(waiting, path)
}

/// Writes `summary.html` and `summary.json`, last, when everything that they name is there.
/// Returns the JSON.
///
/// # Errors
/// `output.unwritable`.
pub fn finish(summary: &Summary, details: &Details, folder: &Path) -> Result<String> {
    let page = html::render(summary, details);
    atomically(&folder.join("summary.html"), |file| {
        file.write(page.as_bytes())
    })?;
    let mut json = serde_json::to_string_pretty(summary).unwrap_or_default();
    json.push('\n');
    atomically(&folder.join("summary.json"), |file| {
        file.write(json.as_bytes())
    })?;
    Ok(json)
}

/// How many leavers the summary names, and how many the page.
const LEAVERS_SHOWN: usize = 20;
const LEAVERS_LISTED: usize = 100;

/// The first leavers: those who change or are held before those to whom nothing happens.
fn first_leavers(
    leavers: &[Leaver],
    count: usize,
    shown: impl Fn(&str) -> String,
) -> Vec<LeaverExample> {
    let mut leavers: Vec<&Leaver> = leavers.iter().collect();
    let rank = |leaver_action: LeaverAction| match leaver_action {
        LeaverAction::Deactivated | LeaverAction::Activated => 0,
        LeaverAction::Held => 1,
        LeaverAction::Waiting => 2,
        LeaverAction::Protected => 3,
    };
    leavers.sort_by_key(|leaver| (rank(leaver.action), leaver.why, &leaver.email));
    let example = |leaver: &&Leaver| LeaverExample {
        who: shown(
            leaver
                .email
                .as_deref()
                .or(leaver.external_id.as_deref())
                .unwrap_or(&leaver.name),
        ),
        what: leaver.action.name().to_string(),
        why: leaver.why.name().to_string(),
        missing_runs: missing_runs(leaver).into(),
        missing_days: leaver.days.into(),
    };
    leavers.iter().take(count).map(example).collect()
}

/// In how many files in a row the person was missing, this one included.
fn missing_runs(leaver: &Leaver) -> u32 {
    match leaver.why {
        Why::Missing => leaver.runs + 1,
        Why::EndDate | Why::StartDate => 0,
    }
}

/// `leavers.csv`: whose account changes, or may soon, though no row says so, and what happens.
fn write_leavers(leavers: &[Leaver], path: &Path) -> Result<()> {
    let names = "external_id,email,name,role,status,why,missing_runs,missing_days,what";
    let mut csv = Csv::guarded(Style::own());
    atomically(path, |file| {
        file.write("\u{feff}".as_bytes())?;
        file.write(csv.names(names.split(',')))?;
        for leaver in leavers {
            file.write(csv.line([
                leaver.external_id.as_deref().unwrap_or_default(),
                leaver.email.as_deref().unwrap_or_default(),
                &leaver.name,
                &leaver.role,
                &leaver.status,
                leaver.why.name(),
                &missing_runs(leaver).to_string(),
                &leaver.days.to_string(),
                leaver.action.name(),
            ]))?;
        }
        Ok(())
    })
}

fn read_batch(ran: &Ran, number: usize) -> Result<Batch> {
    let (mut people, mut planned) = ran.read(number)?;
    let first = people.drafts.first_row;
    let notes = ran
        .resubmission
        .notes
        .range(first..first + people.len() as RowNumber);
    let mut issues = std::mem::take(&mut people.drafts.issues);
    issues.append(&mut planned.issues);
    issues.extend(notes.map(|(_, note)| note.clone()));
    issues.sort_by_key(|issue| issue.row);
    Ok(Batch {
        people,
        planned,
        issues,
    })
}

/// `names` are those of the files, as given.
fn entries<'n>(batch: &Batch, ran: &Ran, names: &'n [String]) -> Entries<'n> {
    let drafts = &batch.people.drafts;
    let file = names[usize::from(drafts.source)].as_str();
    let mut accounts = batch.planned.accounts.iter().peekable();
    let mut entries = Entries::default();
    for index in 0..batch.people.len() {
        let row = drafts.first_row + index as RowNumber;
        let outcome = batch.planned.outcomes[index];
        let matched = accounts
            .next_if(|(at, _)| *at == row)
            .map(|(_, id)| id.to_string());
        let place = drafts.places[index];
        let rules = Rules::from_bits(drafts.rules[index]).iter();
        let issues = batch.issues_of(row).iter();
        entries.row.push(u64::from(row) + 1);
        entries.file.push(file);
        entries.line.push(place.line);
        entries
            .byte
            .push(Some(place.byte).filter(|byte| *byte != u64::MAX));
        entries.outcome.push(outcome.name());
        entries.account.push(match outcome {
            Outcome::Created => Some(ran.run.account_id(row).to_string()),
            _ => matched,
        });
        entries
            .duplicate_of
            .push(match batch.people.verdicts[index] {
                Verdict::Duplicate(of) => Some(u64::from(of) + 1),
                _ => None,
            });
        entries.cleaned.push(joined(rules.map(Rule::name)));
        let codes = issues.map(|issue| issue.code.name());
        entries.issues.push(joined(codes));
    }
    entries
}

/// Names with commas between; most rows have one or none.
fn joined(mut names: impl Iterator<Item = &'static str>) -> Cow<'static, str> {
    let mut joined = Cow::Borrowed(names.next().unwrap_or_default());
    for name in names {
        let joined = joined.to_mut();
        joined.push(',');
        joined.push_str(name);
    }
    joined
}

/// Counts and examples of a run.
struct Tally<'a> {
    definition: &'a Definition,
    counts: Counts,
    rows_of: Vec<u64>,
    to_fix_of: Vec<u64>,
    /// Of each file: its rows about nobody.
    nobody_of: Vec<Vec<Aside>>,
    codes: BTreeMap<Code, (u64, Vec<Example>)>,
    details: Details,
    resubmitted: Vec<ToFix>,
    /// By row, whether it needs no more work; empty where the run fixes nothing.
    settled: Vec<bool>,
}

impl<'a> Tally<'a> {
    fn new(definition: &'a Definition, ran: &Ran) -> Tally<'a> {
        let mut tally = Tally {
            definition,
            counts: Counts::default(),
            rows_of: vec![0; ran.files.len()],
            to_fix_of: vec![0; ran.files.len()],
            nobody_of: vec![Vec::new(); ran.files.len()],
            codes: BTreeMap::new(),
            details: Details::default(),
            resubmitted: Vec::new(),
            settled: Vec::new(),
        };
        for file in &ran.files {
            tally.add_columns(file);
        }
        tally
    }

    /// What is to be said of the columns of a file.
    fn add_columns(&mut self, file: &InputFile) {
        let mut add = |code, column: Option<&String>, detail: String| {
            let example = Example {
                file: file.source.path.display().to_string(),
                sheet: sheet_of(file),
                line: file.source.header_line,
                found: column
                    .filter(|_| code != Code::MapPassword)
                    .cloned()
                    .unwrap_or_default(),
                column: column.cloned(),
                detail,
            };
            self.add(code, || example, false);
        };
        for column in &file.source.dropped {
            let header = file.source.header.get(*column);
            add(Code::MapPassword, header, "the column was not read".into());
        }
        for flag in file.mapping.flags.iter().filter(|flag| !flag.is_named) {
            let column = file.source.header.get(usize::from(flag.column));
            add(Code::MapStatus, column, flag.sense.reported().into());
        }
        let unmapped = &file.mapping.unmapped;
        for likely in &unmapped.likely {
            let detail = format!("probably `{}`: {}", likely.field, likely.why);
            add(Code::MapLikely, Some(&likely.column), detail);
        }
        for passed in &unmapped.passed_over {
            let detail = format!("`{}` is read from `{}`", passed.field, passed.taken);
            add(Code::MapChosen, Some(&passed.column), detail);
        }
        for nameless in &unmapped.nameless {
            let values = nameless.values;
            let detail = format!("rows with a value in it: {values}");
            add(Code::MapNameless, Some(&nameless.place()), detail);
        }
    }

    fn count(&mut self, batch: &Batch, ran: &Ran) {
        let source = usize::from(batch.people.drafts.source);
        self.rows_of[source] += batch.people.len() as u64;
        for (index, outcome) in batch.planned.outcomes.iter().enumerate() {
            self.counts.add(*outcome);
            self.to_fix_of[source] += u64::from(batch.needs_fixing(index));
        }
        self.trace(batch, ran);
        let file = &ran.files[source];
        for (row, update) in &batch.planned.updates {
            let index = (row - batch.people.drafts.first_row) as usize;
            if batch.planned.outcomes[index] == Outcome::Updated {
                let person = Person {
                    people: &batch.people,
                    index,
                    layout: &ran.layout,
                };
                self.details.changes.note(&person, update, || Example {
                    file: file.source.path.display().to_string(),
                    sheet: sheet_of(file),
                    line: batch.people.drafts.places[index].line,
                    ..Example::default()
                });
            }
        }
        for issue in &batch.issues {
            let index = (issue.row - batch.people.drafts.first_row) as usize;
            if issue.code == Code::RowNoPerson {
                let line = batch.people.drafts.places[index].line;
                Aside::note(&mut self.nobody_of[source], "nobody", line);
            }
            let example = || Example {
                file: file.source.path.display().to_string(),
                sheet: sheet_of(file),
                line: batch.people.drafts.places[index].line,
                column: column_of(issue, file, ran)
                    .and_then(|column| file.source.header.get(column).cloned()),
                // The database keeps the summary, and its JSON can't hold NUL.
                found: issue.found.replace('\0', "\u{fffd}"),
                detail: issue.detail.replace('\0', "\u{fffd}"),
            };
            // How wide a row is, what Excel calls an error, and what says nothing, says nothing of a
            // person.
            let is_impersonal = matches!(
                issue.code,
                Code::RowShort
                    | Code::RowLong
                    | Code::CellError
                    | Code::CellNothing
                    | Code::KeyPlaceholder
            );
            let personal = !is_impersonal && issue.field.is_none_or(Field::is_personal);
            self.add(issue.code, example, personal);
        }
    }

    /// Notes the rows that need work, and those that fix others.
    fn trace(&mut self, batch: &Batch, ran: &Ran) {
        for (index, outcome) in batch.planned.outcomes.iter().enumerate() {
            let row = batch.people.drafts.first_row + index as RowNumber;
            let mut settles = false;
            if !ran.resubmission.is_empty() {
                let equal = match batch.people.verdicts[index] {
                    Verdict::Duplicate(of) => self.is_settled(of),
                    _ => false,
                };
                let mut issues = batch.issues_of(row).iter();
                let is_left_out = issues.any(|issue| issue.code == Code::PlanLeftOut);
                settles = is_settled(*outcome, is_left_out, equal);
                self.settled.push(settles);
            }
            let earlier = ran.resubmission.earlier(row);
            if earlier.is_some() || batch.needs_fixing(index) {
                self.resubmitted.push(ToFix {
                    row,
                    earlier: earlier.cloned(),
                    outcome: *outcome,
                    settles: settles && earlier.is_some(),
                });
            }
        }
    }

    fn is_settled(&self, row: RowNumber) -> bool {
        self.settled.get(row as usize).copied().unwrap_or(false)
    }

    fn add(&mut self, code: Code, example: impl FnOnce() -> Example, personal: bool) {
        let (count, examples) = self.codes.entry(code).or_default();
        *count += 1;
        let is_detail =
            *count as usize <= DETAILS_OF_CODE_MAX && self.details.issues.len() < DETAILS_MAX;
        self.details.omitted += u64::from(!is_detail);
        let is_example = examples.len() < EXAMPLES_MAX;
        // A safeguard may hold a million rows.
        if !is_detail && !is_example {
            return;
        }
        let example = example();
        if is_example {
            let hidden = |text: &str| {
                if personal && quotes_people(code) {
                    mask_quoted(text)
                } else if personal {
                    mask_words(text)
                } else {
                    text.to_string()
                }
            };
            let found = if personal {
                mask(&example.found)
            } else {
                example.found.clone()
            };
            examples.push(Example {
                found,
                detail: hidden(&example.detail),
                ..example.clone()
            });
        }
        if is_detail {
            self.details.issues.push(IssueDetail { code, at: example });
        }
    }

    /// Worst first, then most frequent.
    fn issue_counts(self) -> Vec<IssueCount> {
        let severity = |code: &Code| match code.severity() {
            _ if self.definition.rejects(*code) => Severity::Reject,
            severity => severity,
        };
        let mut codes: Vec<_> = self.codes.into_iter().collect();
        codes.sort_by_key(|(code, (count, _))| {
            (
                std::cmp::Reverse(severity(code)),
                std::cmp::Reverse(*count),
                code.name(),
            )
        });
        codes
            .into_iter()
            .map(|(code, (count, examples))| IssueCount {
                code: code.name().to_string(),
                severity: severity(&code).name().to_string(),
                title: code.title().to_string(),
                count,
                examples,
            })
            .collect()
    }
}

/// A detail may quote an address of the row, such as a suggested one. Advice stays readable.
fn mask_words(text: &str) -> String {
    let is_address = |word: &str| {
        let parts = word.split_once('@');
        parts.is_some_and(|(local, domain)| {
            !local.is_empty() && domain.contains('.') && !domain.starts_with("example.")
        })
    };
    let words = text.split(' ').map(|word| {
        if is_address(word) {
            mask(word)
        } else {
            word.to_string()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether the details of a code have values of people in backticks.
fn quotes_people(code: Code) -> bool {
    matches!(
        code,
        Code::PlanDrifted
            | Code::MatchReturned
            | Code::MatchOtherPerson
            | Code::MatchZeros
            | Code::MatchAmbiguous
            | Code::MatchConflict
            | Code::MatchTwice
            | Code::ClashExternalId
            | Code::ClashEmail
            | Code::ClashUsername
            | Code::ClashKept
            | Code::ClashSkipped
    )
}

/// Hides what is in backticks: there, a value of the account.
fn mask_quoted(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(index, part)| {
        if index % 2 == 1 {
            mask(part)
        } else {
            part.to_string()
        }
    });
    parts.collect::<Vec<_>>().join("`")
}

fn sheet_of(file: &InputFile) -> Option<String> {
    file.source.sheet().map(String::from)
}

/// The column of the file in which the issue is fixed.
pub fn column_of(issue: &Issue, file: &InputFile, ran: &Ran) -> Option<usize> {
    if let Some(column) = issue.column {
        return Some(usize::from(column));
    }
    let field = issue.field?;
    let of = |field| {
        file.mapping
            .column_of(ran.layout.field(field)?)
            .map(usize::from)
    };
    of(field).or_else(|| match field {
        Field::FirstName | Field::LastName => of(Field::FullName),
        _ => None,
    })
}

fn inputs(ran: &Ran, tally: &Tally, definition: &Definition) -> Vec<Input> {
    let input = |(number, file): (usize, &InputFile)| {
        let source = &file.source;
        let (format, content, encoding) = match &source.format {
            Format::Csv(shape) => ("csv", Some(&shape.content), Some(shape.dialect.encoding)),
            Format::Json(shape) => ("json", Some(&shape.content), Some(shape.encoding)),
            Format::Workbook { book, .. } => (book.kind.name(), None, None),
        };
        let packed = content.and_then(|content| content.packed.as_ref());
        let delimiter = match &source.format {
            Format::Csv(shape) => Some(shape.dialect.delimiter_of_values().replace('\t', "\\t")),
            Format::Json(_) | Format::Workbook { .. } => None,
        };
        Input {
            path: source.path.display().to_string(),
            sha256: source.sha256.clone(),
            bytes: packed.map_or(source.bytes, |packed| packed.bytes),
            format: format.to_string(),
            encoding: encoding.map(|encoding| encoding.name().to_string()),
            delimiter,
            sheet: sheet_of(file),
            detected: detected(file, definition, tally, number),
            rows: tally.rows_of[number],
            columns: source
                .header
                .iter()
                .zip(&file.targets)
                .map(|(header, target)| column(header, target))
                .collect(),
            unmapped: file.mapping.unmapped.clone(),
        }
    };
    ran.files.iter().enumerate().map(input).collect()
}

/// What a person should know of how the file was read.
fn detected(
    file: &InputFile,
    definition: &Definition,
    tally: &Tally,
    number: usize,
) -> Vec<String> {
    let mut detected = match &file.source.format {
        Format::Workbook { sheet, book, .. } => book.remarks(*sheet, &file.source.header),
        Format::Csv(shape) => shape.remarks(&file.source),
        Format::Json(shape) => shape.remarks(&file.source),
    };
    detected.extend(file.source.remarks_on_header());
    detected.extend(file.mapping.date_order_found.map(|found| found.sentence()));
    for flag in file.mapping.flags.iter().filter(|flag| !flag.is_named) {
        if let Some(header) = file.source.header.get(usize::from(flag.column)) {
            let (header, reported) = (header.trim(), flag.sense.reported());
            detected.push(format!("`{header}` is read as the status: {reported}"));
        }
    }
    detected.extend(reported_order(file, definition));
    detected.extend(joined_names(&file.source.header, &file.targets));
    if let Format::Csv(shape) = &file.source.format
        && tally.to_fix_of[number] > 0
        && shape.dialect.encoding != Charset::UTF_8
    {
        detected.push("corrections are in UTF-8, because the reasons need it".to_string());
    }
    let nobody = tally.nobody_of[number].iter();
    detected.extend(nobody.map(|rows| format!("rows about {}", rows.shown())));
    detected.extend(left_out(file, definition));
    detected
}

/// What a header says of the order of day and month.
fn reported_order(file: &InputFile, definition: &Definition) -> Option<String> {
    let (order, header) = pipeline::reported_order(file)?;
    let first = if order == DateOrder::Mdy {
        "month"
    } else {
        "day"
    };
    Some(match definition.clean.date_order {
        DateOrder::Unknown => {
            format!("dates are read {first} first, as the column `{header}` shows")
        }
        own if own == order => return None,
        _ => format!(
            "the dates in the column `{header}` are {first} first, but the pipeline says otherwise"
        ),
    })
}

/// What the target has no column for.
fn left_out(file: &InputFile, definition: &Definition) -> Option<String> {
    let target = definition.target.as_ref()?;
    let slots = file.targets.iter().filter_map(Target::slot);
    let slots = slots.filter(|slot| !target.keeps(slot));
    let mut names: Vec<String> = slots.map(|slot| format!("`{}`", slot.name())).collect();
    names.dedup();
    let table = &target.table;
    let names = names.join(", ");
    (!names.is_empty()).then(|| format!("`{table}` has no column for {names}: left out"))
}

fn column(header: &str, target: &Target) -> Column {
    let mapped_to = match target {
        Target::Slot(Slot::Field(field)) => field.name().to_string(),
        Target::Slot(Slot::Attribute(name)) => format!("attribute {name}"),
        Target::Slot(Slot::Ignored(_)) => "ignored".to_string(),
        Target::NamePart(part) => format!("part of {}", part.field().name()),
        Target::NamePartKept(part, name) => {
            format!("attribute {name}, part of {}", part.field().name())
        }
        Target::Password => "dropped (password)".to_string(),
        Target::PasswordHash => "password hash".to_string(),
        Target::Own => "ignored (muster's own)".to_string(),
    };
    Column {
        header: header.to_string(),
        mapped_to,
    }
}
