//! `/runs/{run}/fix`: what is wrong with rows, grouped by repair, and one fix for a value or a cell.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use maud::{Markup, html};

use super::judge::{self, Judged, JudgedWarned, Problem};
use super::summary::{DOUBTFUL, file_address};
use super::{address, asked, code, may_type, page, personal, row_of, rows_with, same};
use crate::admin::Role;
use crate::console::ask::{Answer, Ask, Fields};
use crate::console::jobs;
use crate::console::page::{self, encoded, form, prose, visible};
use crate::field::RowNumber;
use crate::fixing::{self, Work};
use crate::header::OF_ACCOUNT;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::report::human::safe;
use crate::store;
use crate::store::fixes::{Fix, Fixed, Place};
use crate::store::runs::RunRecord;

/// How many values or rows of a group are on the page.
const SHOWN_MAX: usize = 50;
/// The warnings of a larger list are looked at when somebody asks for them.
const READ_AT_ONCE: u64 = 50_000;
/// How many of the fixes are listed.
const FIXES_SHOWN: usize = 100;
/// The most characters of a value in a table.
const SHORT_CHARS: usize = 80;
/// How many cells say whose row it is.
const WHO_CELLS: usize = 4;
/// The longest value that is kept, in bytes.
const VALUE_BYTES_MAX: usize = 20_000;

/// Rows with the same problem in the same column.
struct Group<'a> {
    code: Code,
    column: Option<&'a str>,
    /// By value: the rows, and what would help.
    values: HashMap<&'a str, (Vec<RowNumber>, &'a str)>,
    rows: usize,
}

/// `/runs/{run}/fix`.
pub(crate) fn page_of_fixes(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    let title = ask.t("Fix rows");
    if run.kind != "import" {
        let body = html! { p { (ask.t("Rows are fixed after an import. A check writes nothing, so that you can correct the list itself.")) } };
        return Ok(page(&run, ask, title, "fix-rows", body).into());
    }
    let judged = judge::judge(ask, &run)?;
    if let Some(row) = row_of(ask.query.get("row")) {
        return page_of_row(ask, &run, judged.ok(), row);
    }
    let body = match (&judged, Chosen::asked(ask)) {
        (Ok(judged), Some(chosen)) => chosen_group(ask, &run, judged, &chosen)?,
        (Ok(judged), None) => {
            let fixes = ask.store.fixes(&run.id)?;
            let warned = warned(ask, &run, &judged.work)?;
            let typed = html! { (groups(ask, &run, judged)) (warned.sections) };
            html! {
                (page::masked(ask))
                (ready(ask, &run, judged))
                (warned.ready)
                (same::sections(ask, &run, judged))
                (typed_form(ask, &run, typed))
                (made(ask, &run, &fixes))
                (by_file(ask, &run))
            }
        }
        (Err(work), _) => {
            let warned = warned(ask, &run, work)?;
            html! {
                (page::masked(ask))
                (too_many(ask, &run, work.rows()))
                (warned.ready)
                (typed_form(ask, &run, warned.sections))
                (by_file(ask, &run))
            }
        }
    };
    Ok(page(&run, ask, title, "fix-rows", body).into())
}

/// One row, of those to fix or of those that went in with a warning.
fn page_of_row(
    ask: &mut Ask,
    run: &RunRecord,
    judged: Option<Arc<Judged>>,
    row: RowNumber,
) -> Result<Answer> {
    let has_it = |judged: &Arc<Judged>| judged.written.rows.contains_key(&row);
    let judged = match judged.filter(has_it) {
        Some(judged) => Some(judged),
        None => match judge::judge_warned(ask, run)? {
            JudgedWarned::Rows(judged) => Some(judged).filter(has_it),
            _ => None,
        },
    };
    let Some(judged) = judged else {
        let body = html! {
            p { a href=(address(&run.id, "/fix")) { "← " (ask.t("All rows to fix")) } }
            p.note { (ask.t("This row needs no fix, or was left out.")) }
        };
        return Ok(page(run, ask, ask.t("Fix rows"), "fix-rows", body).into());
    };
    let body = one(ask, run, &judged, row);
    let place = judged.place(row);
    let mut title = ask.tf("Line {n}", &[("n", &ask.number(place.line))]);
    if !place.file.is_empty() {
        title = format!("{title}, {}", place.file);
    }
    Ok(page(run, ask, &title, "fix-rows", body).into())
}

/// A group of which more than the first values are asked for.
struct Chosen {
    code: Code,
    column: String,
    /// Whether it is one of rows that went in.
    went_in: bool,
    page: usize,
}

impl Chosen {
    fn asked(ask: &Ask) -> Option<Chosen> {
        let code = ask.query.get("code");
        let page = ask.query.number("page", 1).clamp(1, 1 << 20) as usize - 1;
        Some(Chosen {
            code: *Code::ALL.iter().find(|one| one.name() == code)?,
            column: ask.query.get("column").to_string(),
            went_in: ask.query.has("warnings"),
            page,
        })
    }
}

/// One group, a page of it.
fn chosen_group(
    ask: &mut Ask,
    run: &RunRecord,
    judged: &Judged,
    chosen: &Chosen,
) -> Result<Markup> {
    let warned = match chosen.went_in {
        true => judge::judge_warned(ask, run)?,
        false => JudgedWarned::Nothing,
    };
    let judged = match &warned {
        JudgedWarned::Rows(warned) => warned.as_ref(),
        _ => judged,
    };
    let groups = grouped(judged);
    let is_it = |group: &&Group| {
        group.code == chosen.code && group.column.unwrap_or_default() == chosen.column
    };
    let found = groups.iter().find(is_it);
    let back =
        html! { p { a href=(address(&run.id, "/fix")) { "← " (ask.t("All rows to fix")) } } };
    Ok(html! {
        (back)
        (page::masked(ask))
        @match found {
            Some(group) => {
                @let part = Part { run, judged, group, page: chosen.page };
                (typed_form(ask, run, group_section(ask, &part, 0)))
            }
            None => p.note { (ask.t("No row of this run needs fixing any more.")) },
        }
    })
}

/// What is shown of the rows that went in although something looks wrong.
#[derive(Default)]
struct Warned {
    /// The corrected rows that can be imported.
    ready: Markup,
    /// What can be typed, for the one form of the page.
    sections: Markup,
}

/// The rows that went in although something looks wrong.
fn warned(ask: &mut Ask, run: &RunRecord, work: &Work) -> Result<Warned> {
    if fixing::warned_codes(run, &work.pipeline.definition)
        .next()
        .is_none()
    {
        return Ok(Warned::default());
    }
    let read = run
        .summary
        .as_ref()
        .map_or(0, |summary| summary.counts.read);
    let is_asked = read <= READ_AT_ONCE || ask.query.has("warnings");
    let judged = match is_asked {
        true => judge::judge_warned(ask, run)?,
        false => JudgedWarned::Nothing,
    };
    let heading = ask.t("Warnings (imported as they are)");
    let body = match &judged {
        JudgedWarned::Nothing if is_asked => return Ok(Warned::default()),
        JudgedWarned::Nothing => html! {
            p { (ask.t("Some values look wrong, but went in. To look at them, the list is read again.")) }
            p { a.button.second href={ (address(&run.id, "/fix")) "?warnings=yes" } { (ask.t("Look at the warnings")) } }
        },
        JudgedWarned::ListGone => html! {
            p { (ask.t("Some values look wrong, but went in. The list isn't kept here any more, so that they can't be corrected on this page. Correct the people themselves.")) }
        },
        JudgedWarned::Rows(_) => html! {
            p { (ask.t("These people are in the accounts. If a value is wrong, type what is right. Saving keeps your corrections here; importing them changes the accounts.")) }
        },
    };
    let (ready, groups) = match &judged {
        JudgedWarned::Rows(judged) => (ready_warned(ask, run, judged), groups(ask, run, judged)),
        _ => Default::default(),
    };
    Ok(Warned {
        ready,
        sections: html! {
            section aria-labelledby="warnings" { h2 id="warnings" { (heading) } (body) }
            (groups)
        },
    })
}

/// The corrected rows that can be imported.
fn ready_warned(ask: &Ask, run: &RunRecord, judged: &Judged) -> Markup {
    let count = judged.ready().count() as u64;
    html! {
        @if count > 0 { section aria-labelledby="corrected" {
            h2 id="corrected" { (ask.t("Corrected rows")) }
            p { (ask.counted(count, "1 corrected row is not in the accounts yet.", "{n} corrected rows are not in the accounts yet.")) }
            @if ask.may(Role::Operator) {
                (form(ask, &address(&run.id, "/fix/import"), html! {
                    input type="hidden" name="what" value="warned";
                    button { (ask.counted(count, "Import 1 corrected row", "Import {n} corrected rows")) }
                }))
                p.small { (ask.t("Nobody is mailed. The new run is linked with this one, and can be undone by itself.")) }
            }
        } }
    }
}

fn too_many(ask: &Ask, run: &RunRecord, rows: usize) -> Markup {
    let codes = run.summary.iter().flat_map(|summary| &summary.issues);
    html! {
        section {
            p { (ask.tf("{n} rows need fixing. That is more than this page can show; fix what most of them have in common in the list itself, or use the corrections file.", &[("n", &ask.number(rows as u64))])) }
            ul { @for issue in codes.filter(|issue| issue.severity == "reject") {
                li { a href=(rows_with(&run.id, "code", &issue.code)) { (ask.number(issue.count)) } " " (code(ask, &issue.code)) }
            } }
        }
    }
}

/// The corrections file, for those who would rather use their spreadsheet.
fn by_file(ask: &Ask, run: &RunRecord) -> Markup {
    let files = run.summary.iter().flat_map(|summary| &summary.files);
    let files: Vec<&String> = files
        .filter(|(name, _)| name.starts_with("corrections"))
        .map(|(_, file)| file)
        .collect();
    html! {
        @if !files.is_empty() {
            section aria-labelledby="by-file" {
                h2 id="by-file" { (ask.t("Or fix them in a spreadsheet")) }
                p { (ask.t("The corrections file has these rows as they were, each with its reasons. Correct it, and import it: muster knows which rows come back.")) }
                @if ask.may(Role::Operator) { p.row { @for file in &files { a.button.second href=(file_address(&run.id, file)) { (ask.t("Download")) " " (visible(file)) } } a href="/import" { (ask.t("Import a list")) } } }
            }
        }
    }
}

/// The rows that can go in by now.
fn ready(ask: &Ask, run: &RunRecord, judged: &Judged) -> Markup {
    let count = judged.ready().count() as u64;
    let left = judged.problems.len() as u64 - count;
    html! {
        section aria-labelledby="ready" {
            h2 id="ready" { (ask.counted(left, "1 row still needs a fix", "{n} rows still need a fix")) }
            @if count == 0 && left == 0 { p.good { (ask.t("No row of this run needs fixing any more.")) } }
            @if count > 0 {
                p { (ask.counted(count, "1 row is right by now. It is not in the accounts yet.", "{n} rows are right by now. They are not in the accounts yet.")) }
                @if ask.may(Role::Operator) {
                    (form(ask, &address(&run.id, "/fix/import"), html! {
                        button { (ask.counted(count, "Import 1 fixed row", "Import {n} fixed rows")) }
                    }))
                    p.small { (ask.t("Nobody is mailed. The new run is linked with this one, and can be undone by itself.")) }
                }
            } @else if left > 0 {
                p { (ask.t("Type what is right, then save. Your fixes are kept here; nothing is written to the accounts until you import the fixed rows.")) }
            }
        }
    }
}

/// The rows with problems by what is wrong, largest group first. What rows have with each other is in
/// groups of its own.
fn grouped(judged: &Judged) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<(Code, Option<&str>), Group> = BTreeMap::new();
    for (row, problems) in &judged.problems {
        for problem in problems
            .iter()
            .filter(|problem| !same::CODES.contains(&problem.code))
        {
            let column = problem.column.as_deref();
            let group = groups
                .entry((problem.code, column))
                .or_insert_with(|| Group {
                    code: problem.code,
                    column,
                    values: HashMap::new(),
                    rows: 0,
                });
            let value = column.map_or("", |column| judged.cell(*row, column));
            let detail = problem.detail.as_str();
            let rows = group.values.entry(value).or_insert((Vec::new(), detail));
            rows.0.push(*row);
            group.rows += 1;
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.rows));
    groups
}

fn groups(ask: &Ask, run: &RunRecord, judged: &Judged) -> Markup {
    let groups = grouped(judged);
    html! {
        @for (number, group) in groups.iter().enumerate() {
            (group_section(ask, &Part { run, judged, group, page: 0 }, number))
        }
    }
}

/// One form: each of its buttons keeps what was typed in any group.
fn typed_form(ask: &Ask, run: &RunRecord, sections: Markup) -> Markup {
    match sections.0.is_empty() || !may_type(ask) {
        true => sections,
        false => form(ask, &address(&run.id, "/fix"), sections),
    }
}

/// A page of a group.
struct Part<'a> {
    run: &'a RunRecord,
    judged: &'a Judged,
    group: &'a Group<'a>,
    page: usize,
}

impl Part<'_> {
    /// Those of the page.
    fn of<T>(&self, all: Vec<T>) -> Vec<T> {
        let from = all.into_iter().skip(self.page * SHOWN_MAX);
        from.take(SHOWN_MAX).collect()
    }

    /// The ways to the other pages.
    fn ways(&self, ask: &Ask, total: usize) -> Markup {
        let last = total.saturating_sub(1) / SHOWN_MAX;
        let (code, column) = (
            self.group.code.name(),
            self.group.column.unwrap_or_default(),
        );
        let warnings = if self.judged.work.went_in {
            "&warnings=yes"
        } else {
            ""
        };
        let own = format!("?code={code}&column={}{warnings}", encoded(column));
        let to = |page: usize| format!("{}{own}&page={}", address(&self.run.id, "/fix"), page + 1);
        let from = self.page * SHOWN_MAX;
        html! {
            @if last > 0 {
                nav.pages aria-label=(ask.t("Pages")) {
                    @if self.page > 0 { a rel="prev" href=(to(self.page - 1)) { (ask.t("Previous")) } }
                    span { (ask.tf("{from} to {until} of {total}", &[
                        ("from", &ask.number((from + 1).min(total) as u64)), ("until", &ask.number((from + SHOWN_MAX).min(total) as u64)), ("total", &ask.number(total as u64)),
                    ])) }
                    @if self.page < last { a rel="next" href=(to(self.page + 1)) { (ask.t("Next")) } }
                }
            }
        }
    }

    /// The rows of the group, in their order.
    fn rows(&self) -> Vec<RowNumber> {
        let rows = self.group.values.values();
        let mut rows: Vec<RowNumber> = rows.flat_map(|(rows, _)| rows.iter().copied()).collect();
        rows.sort_unstable();
        rows
    }

    fn to_row(&self, row: RowNumber) -> String {
        format!("{}?row={}", address(&self.run.id, "/fix"), row + 1)
    }
}

fn group_section(ask: &Ask, part: &Part, number: usize) -> Markup {
    let group = part.group;
    let prefix = if part.judged.work.went_in {
        "warning"
    } else {
        "group"
    };
    let id = format!("{prefix}-{number}");
    let rows = ask.counted(group.rows as u64, "1 row", "{n} rows");
    let values = ask.counted(group.values.len() as u64, "1 value", "{n} values");
    let is_empty = group.values.len() == 1 && group.values.contains_key("");
    let is_doubtful = DOUBTFUL.contains(&group.code);
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) {
                (prose(&capitalized(ask.t(group.code.title()))))
                @if let Some(column) = group.column { " " span.faint { "(" (visible(column)) ")" } }
            }
            p { (rows) @if !is_empty && group.column.is_some() { ", " (values) } ". " b { (ask.t("To fix it:")) } " " (prose(ask.t(group.code.fix()))) }
            @if is_doubtful { p { a.button href=(address(&part.run.id, "/decide")) { (ask.t("Decide who they are")) } } }
            @else if let Some(column) = group.column {
                @if is_empty { (cells(ask, part, column)) }
                @else { (value_table(ask, part, column)) }
            } @else { (whole_rows(ask, part)) }
        }
    }
}

/// A value a line: one fix for all rows that have it.
fn value_table(ask: &Ask, part: &Part, column: &str) -> Markup {
    let mut values: Vec<_> = part.group.values.iter().collect();
    values.sort_by_key(|(value, (rows, _))| (std::cmp::Reverse(rows.len()), **value));
    let total = values.len();
    let shown = part.of(values);
    let label = ask.t("Right value instead of");
    let first = |rows: &[RowNumber]| part.to_row(rows.first().copied().unwrap_or_default());
    let table = html! {
        div.scroll { table.cards {
            caption.hidden { (prose(ask.t(part.group.code.title()))) }
            thead { tr { th scope="col" { (ask.t("Value")) } th.number scope="col" { (ask.t("Rows")) } th scope="col" { (ask.t("Hint")) } @if !ask.masks() { th scope="col" { (ask.t("Right value")) } } } }
            tbody { @for (value, (rows, detail)) in shown { tr {
                th scope="row" { @if value.is_empty() { span.faint { (ask.t("nothing")) } } @else { (personal(ask, &short(value))) } }
                td.number data-label=(ask.t("Rows")) { a href=(first(rows)) { (ask.number(rows.len() as u64)) } }
                td data-label=(ask.t("Hint")) { @if !ask.masks() { (prose(detail)) } }
                @if !ask.masks() { td {
                    @if value.is_empty() { a href=(first(rows)) { (ask.t("Look at the row")) } }
                    @else if may_type(ask) {
                        input type="hidden" name="found" value=(value);
                        input type="text" name="value" autocomplete="off" aria-label={ (label) " " (safe(&short(value))) };
                    }
                } }
            } } }
        } }
        (part.ways(ask, total))
    };
    saved(ask, column, table)
}

/// The table with its column and a button, for who may type in it.
fn saved(ask: &Ask, column: &str, table: Markup) -> Markup {
    html! {
        @if may_type(ask) { input type="hidden" name="column" value=(column); }
        (table)
        @if may_type(ask) { p { button { (ask.t("Save all fixes on this page")) } } }
    }
}

/// A row a line, where a value is missing: each row needs its own.
fn cells(ask: &Ask, part: &Part, column: &str) -> Markup {
    let rows = part.rows();
    let total = rows.len();
    let label = ask.t("Value for line");
    let table = html! {
        div.scroll { table.cards {
            caption.hidden { (prose(ask.t(part.group.code.title()))) }
            thead { tr { th.number scope="col" { (ask.t("Line")) } th scope="col" { (ask.t("Row")) } @if may_type(ask) { th scope="col" { (visible(column)) } } } }
            tbody { @for row in part.of(rows) { tr {
                th.number scope="row" { a href=(part.to_row(row)) { (line_of(ask, part.judged, row)) } }
                td { (who(ask, part.judged, row)) }
                @if may_type(ask) { td {
                    input type="hidden" name="row" value=(row + 1);
                    input type="text" name="value" autocomplete="off" aria-label={ (label) " " (line_of(ask, part.judged, row)) };
                } }
            } } }
        } }
        (part.ways(ask, total))
    };
    saved(ask, column, table)
}

/// Rows that are wrong as a whole.
fn whole_rows(ask: &Ask, part: &Part) -> Markup {
    let rows = part.rows();
    let total = rows.len();
    html! {
        div.scroll { table.cards {
            caption.hidden { (prose(ask.t(part.group.code.title()))) }
            thead { tr { th.number scope="col" { (ask.t("Line")) } th scope="col" { (ask.t("Row")) } } }
            tbody { @for row in part.of(rows) { tr {
                th.number scope="row" { a href=(part.to_row(row)) { (line_of(ask, part.judged, row)) } }
                td { (who(ask, part.judged, row)) }
            } } }
        } }
        (part.ways(ask, total))
    }
}

/// A row's line in the list that was sent.
fn line_of(ask: &Ask, judged: &Judged, row: RowNumber) -> String {
    ask.number(judged.place(row).line)
}

/// The first cells of a row, by which people know it.
pub(crate) fn who(ask: &Ask, judged: &Judged, row: RowNumber) -> Markup {
    let cells = judged
        .written
        .rows
        .get(&row)
        .into_iter()
        .flat_map(|row| &row.cells);
    let cells = cells.filter(|cell| !cell.trim().is_empty()).take(WHO_CELLS);
    html! { @for (index, cell) in cells.enumerate() { @if index > 0 { " · " } (personal(ask, &short(cell))) } }
}

/// One row with all of its cells.
fn one(ask: &Ask, run: &RunRecord, judged: &Judged, number: RowNumber) -> Markup {
    let back =
        html! { p { a href=(address(&run.id, "/fix")) { "← " (ask.t("All rows to fix")) } } };
    let Some(row) = judged.written.rows.get(&number) else {
        return back;
    };
    let problems = judged.problems.get(&number).map_or(&[][..], Vec::as_slice);
    let header = &judged.written.headers[row.file];
    let may = may_type(ask);
    let is_shown = |name: &str| name != OF_ACCOUNT;
    html! {
        (back)
        (page::masked(ask))
        @if problems.is_empty() { p.good { (ask.t("This row is right by now. Import the fixed rows to write it.")) } }
        @else { div.problem role="note" { ul { @for problem in problems { li { (problem_text(ask, header, problem)) } } } } }
        section {
            @if may {
                (form(ask, &address(&run.id, "/fix"), html! {
                    input type="hidden" name="whole" value=(number + 1);
                    @for (column, cell) in row.cells.iter().enumerate() {
                        @let name = header.get(column).map_or("", String::as_str);
                        @let is_wrong = problems.iter().any(|problem| problem.column.as_deref() == Some(name));
                        @if column < header.len() && is_shown(name) {
                            div.field {
                                label for={ "cell-" (column) } { @if name.is_empty() { (ask.t("Column")) " " (column + 1) } @else { (visible(name)) } }
                                input type="text" id={ "cell-" (column) } name="value" value=(cell) autocomplete="off" aria-invalid=[is_wrong.then_some("true")];
                                input type="hidden" name="column" value=(name);
                            }
                        } @else if !cell.is_empty() && is_shown(name) {
                            p { (ask.t("More cells than the header has:")) " " (visible(cell)) }
                        }
                    }
                    button { (ask.t("Save this row")) }
                }))
                @if !judged.work.went_in { (form(ask, &address(&run.id, "/fix/leave-out"), html! {
                    input type="hidden" name="row" value=(number + 1);
                    button.second { (ask.t("Leave this row out")) }
                    p.small { (ask.t("It stays out of the accounts, and isn't shown here any more. You can take that back below the list.")) }
                })) }
            } @else {
                dl.facts { @for (column, cell) in row.cells.iter().enumerate().filter(|(column, _)| header.get(*column).is_none_or(|name| is_shown(name))) { div { dt { (visible(header.get(column).map_or("", String::as_str))) } dd { (personal(ask, cell)) } } } }
            }
        }
    }
}

fn problem_text(ask: &Ask, header: &[String], problem: &Problem) -> Markup {
    let is_shown = problem
        .column
        .as_ref()
        .is_some_and(|column| header.contains(column));
    html! {
        @if let Some(column) = problem.column.as_ref().filter(|_| is_shown) { b { (visible(column)) } ": " }
        (prose(ask.t(problem.code.title())))
        @if !problem.detail.is_empty() && !ask.masks() { " – " (prose(&ask.said(&problem.detail))) }
        ". " (ask.t("To fix it:")) " " (prose(ask.t(problem.code.fix())))
    }
}

/// The fixes that were made, with a way to take each back.
fn made(ask: &Ask, run: &RunRecord, fixes: &[(i64, Fix)]) -> Markup {
    html! {
        @if !fixes.is_empty() {
            section aria-labelledby="made" {
                h2 id="made" { (ask.counted(fixes.len() as u64, "1 fix so far", "{n} fixes so far")) }
                details {
                    summary { (ask.t("Show them")) }
                    div.scroll { table.cards {
                        caption.hidden { (ask.t("Fixes")) }
                        thead { tr { th scope="col" { (ask.t("Where")) } th scope="col" { (ask.t("What")) } th scope="col" { span.hidden { (ask.t("Take back")) } } } }
                        tbody { @for (id, fix) in fixes.iter().rev().take(FIXES_SHOWN) { tr {
                            th scope="row" { (place(ask, &fix.place)) }
                            td { (fixed(ask, fix)) }
                            td { @if ask.may(Role::Operator) { (form(ask, &address(&run.id, "/fix/take-back"), html! {
                                input type="hidden" name="id" value=(id);
                                button.plain { (ask.t("Take back")) }
                            })) } }
                        } } }
                    } }
                }
            }
        }
    }
}

fn place(ask: &Ask, place: &Place) -> Markup {
    let row = |row: &RowNumber| ask.tf("row {n}", &[("n", &(row + 1))]);
    match place {
        Place::Value(column, found) => html! { (visible(column)) ": " (personal(ask, found)) },
        Place::Cell(number, column) => html! { (row(number)) ", " (visible(column)) },
        Place::Row(number) => html! { (row(number)) },
    }
}

fn fixed(ask: &Ask, fix: &Fix) -> Markup {
    match (&fix.what, &fix.place) {
        (Fixed::Value(_), Place::Row(_)) => html! { (ask.t("looked at")) },
        (Fixed::Value(value), _) if value.is_empty() => html! { span.faint { (ask.t("nothing")) } },
        (Fixed::Value(value), _) => personal(ask, value),
        (Fixed::Account(account), _) => {
            html! { (ask.t("is this person:")) " " a href={ "/people/" (account) } { (account) } }
        }
        (Fixed::LeftOut, _) => html! { (ask.t("left out")) },
    }
}

/// A value as a table has room for it.
fn short(value: &str) -> String {
    match value.char_indices().nth(SHORT_CHARS) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_string(),
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

// --- forms ---------------------------------------------------------------------------------------

/// A value as it is kept: what the database and a cell can hold.
fn typed(text: &str) -> Result<String> {
    if text.len() > VALUE_BYTES_MAX {
        let what = "a value is longer than 20,000 bytes";
        return Err(Refusal::new(Code::UsageInvalid, what).help("shorten it"));
    }
    Ok(text.replace('\0', ""))
}

/// `POST /runs/{run}/fix`: keeps what was typed for values, for cells, or for one row.
pub(crate) fn keep(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    let values: Vec<String> = ask.form.all("value").map(typed).collect::<Result<_>>()?;
    let fixes = if let Some(fixes) = same::kept(ask) {
        fixes
    } else if ask.form.has("among") {
        let places = places(&ask.form).into_iter().flatten();
        changed(ask, &run, places.zip(values).collect())?
    } else if let Some(row) = row_of(ask.form.get("whole")) {
        let columns: Vec<String> = ask.form.all("column").map(String::from).collect();
        whole(ask, &run, row, columns.into_iter().zip(values).collect())?
    } else {
        let typed = places(&ask.form).into_iter().zip(values);
        let typed = typed.filter(|(_, value)| !value.trim().is_empty());
        typed
            .filter_map(|(place, value)| {
                let what = Fixed::Value(value);
                Some(Fix {
                    place: place?,
                    what,
                })
            })
            .collect()
    };
    kept(ask, &run, &fixes)?;
    Ok(Answer::See(address(&run.id, "/fix")))
}

/// The places of the form of all groups, one for each value, in their order: a column comes before
/// its places.
fn places(form: &Fields) -> Vec<Option<Place>> {
    let mut places = Vec::new();
    let mut column = "";
    for (name, text) in &form.0 {
        match name.as_str() {
            "column" => column = text,
            "found" => places.push(Some(Place::Value(column.to_string(), text.clone()))),
            "row" => places.push(row_of(text).map(|row| Place::Cell(row, column.to_string()))),
            _ => {}
        }
    }
    places
}

/// The cells of a row that were changed. That somebody looked at it is a fix, too.
fn whole(
    ask: &mut Ask,
    run: &RunRecord,
    row: RowNumber,
    cells: Vec<(String, String)>,
) -> Result<Vec<Fix>> {
    let cells = cells.into_iter();
    let cells = cells.map(|(column, value)| (Place::Cell(row, column), value));
    let mut fixes = changed(ask, run, cells.collect())?;
    // A value that went in is right as long as nobody changes it.
    let is_to_fix = Work::of(run, ask.store)?.is_open(row);
    if is_to_fix {
        fixes.push(Fix {
            place: Place::Row(row),
            what: Fixed::Value(String::new()),
        });
    }
    Ok(fixes)
}

/// Of what cells are to have, what they don't have yet.
fn changed(ask: &mut Ask, run: &RunRecord, cells: Vec<(Place, String)>) -> Result<Vec<Fix>> {
    let mut known = Vec::new();
    known.extend(judge::judge(ask, run)?.ok());
    let has = |judged: &Judged, place: &Place| match place {
        Place::Cell(row, _) => judged.written.rows.contains_key(row),
        _ => false,
    };
    let is_unknown = |(place, _): &(Place, String)| !known.iter().any(|judged| has(judged, place));
    if cells.iter().any(is_unknown)
        && let JudgedWarned::Rows(warned) = judge::judge_warned(ask, run)?
    {
        known.push(warned);
    }
    let is_new = |(place, value): &(Place, String)| match place {
        Place::Cell(row, column) => {
            let judged = known.iter().find(|judged| has(judged, place));
            judged.is_some_and(|judged| judged.cell(*row, column) != value)
        }
        _ => false,
    };
    let fixes = cells.into_iter().filter(is_new).map(|(place, value)| Fix {
        place,
        what: Fixed::Value(value),
    });
    Ok(fixes.collect())
}

/// Keeps fixes, and says so in the audit.
pub(crate) fn kept(ask: &mut Ask, run: &RunRecord, fixes: &[Fix]) -> Result<()> {
    ask.acts("fix rows", "");
    let who = ask.who();
    ask.store.keep_fixes(&run.id, fixes, &who)
}

/// `POST /runs/{run}/fix/leave-out`.
pub(crate) fn leave_out(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    if let Some(row) = row_of(ask.form.get("row")) {
        let fix = Fix {
            place: Place::Row(row),
            what: Fixed::LeftOut,
        };
        kept(ask, &run, &[fix])?;
    }
    let next = match ask.form.get("to") {
        "decide" => "/decide",
        _ => "/fix",
    };
    Ok(Answer::See(address(&run.id, next)))
}

/// `POST /runs/{run}/fix/take-back`.
pub(crate) fn take_back(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    if let Ok(id) = ask.form.get("id").parse() {
        ask.acts("fix rows", "");
        ask.store.forget_fix(&run.id, id)?;
    }
    Ok(Answer::See(address(&run.id, "/fix")))
}

/// `POST /runs/{run}/fix/import`: writes the rows that are right into a file beside the corrections,
/// and imports it.
pub(crate) fn import(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    let back = Answer::See(address(&run.id, "/fix"));
    let is_warned = ask.form.get("what") == "warned";
    let judged = match is_warned {
        true => match judge::judge_warned(ask, &run)? {
            JudgedWarned::Rows(judged) => judged,
            _ => return Ok(back),
        },
        false => match judge::judge(ask, &run)? {
            Ok(judged) => judged,
            Err(_) => return Ok(back),
        },
    };
    let ready: BTreeSet<RowNumber> = judged.ready().collect();
    if ready.is_empty() {
        return Ok(back);
    }
    let id = store::new_id()?;
    let folder = Path::new(run.folder.as_deref().unwrap_or_default());
    let name = format!("fixed-{id}");
    let keep = |row: RowNumber| ready.contains(&row);
    let written = judged
        .work
        .write((folder, &name), &judge::reader(), &keep)?;
    let mut args = vec!["import".to_string()];
    args.extend(written.files.iter().map(|file| file.display().to_string()));
    if let Some(pipeline) = &judged.work.pipeline.named {
        args.extend(["-p".to_string(), pipeline.clone()]);
    }
    if is_warned {
        args.push(format!("--by-account={OF_ACCOUNT}"));
    }
    let work = jobs::Work {
        kind: "import",
        args,
        stdin: None,
        about: run.id.clone(),
        leads_to: "/runs/{run}".to_string(),
    };
    let subject = format!("fix {} {}", run.id, if is_warned { "warned" } else { "" });
    let job = jobs::start_about(ask, id, work, subject)?;
    if job != id {
        // Somebody else was quicker, and their job has these rows.
        for file in &written.files {
            let _ = std::fs::remove_file(file);
        }
    }
    Ok(Answer::See(format!("/jobs/{job}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_of_the_form_keeps_its_places() {
        let form = [
            ("column", "country"),
            ("found", "Nowhere"),
            ("value", "DE"),
            ("found", "row"),
            ("value", ""),
            ("column", "last_name"),
            ("row", "3"),
            ("value", "Ng"),
            ("row", "x"),
            ("value", "Ray"),
        ];
        let form = form.map(|(name, value)| (name.to_string(), value.to_string()));
        let value = |found: &str| Place::Value("country".to_string(), found.to_string());
        let expected = vec![
            Some(value("Nowhere")),
            Some(value("row")),
            Some(Place::Cell(2, "last_name".to_string())),
            None,
        ];
        assert_eq!(places(&Fields(form.to_vec())), expected);
    }
}
