//! `/runs/{run}/fix`: what is wrong with rows, grouped by repair, and one fix for a value or a cell.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use maud::{Markup, html};

use super::judge::{self, Judged, Problem};
use super::summary::{DOUBTFUL, file_address};
use super::{address, asked, code, page, personal, plural, rows_with};
use crate::admin::Role;
use crate::console::ask::{Answer, Ask, Fields};
use crate::console::jobs::{self, Work};
use crate::console::page::{form, prose, visible};
use crate::field::RowNumber;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::report::human::safe;
use crate::store::fixes::{Fix, Fixed, Place};
use crate::store::runs::RunRecord;

/// How many values or rows of a group are on the page.
const SHOWN_MAX: usize = 50;
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
    values: BTreeMap<&'a str, (Vec<RowNumber>, &'a str)>,
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
    let judged = match judge::judge(ask, &run)? {
        Ok(judged) => judged,
        Err(work) => {
            let body = too_many(ask, &run, work.rows());
            return Ok(page(&run, ask, title, "fix-rows", body).into());
        }
    };
    if let Some(row) = ask
        .query
        .get("row")
        .parse()
        .ok()
        .and_then(|row: RowNumber| row.checked_sub(1))
    {
        let body = one(ask, &run, &judged, row);
        return Ok(page(&run, ask, &row_title(ask, &judged, row), "fix-rows", body).into());
    }
    let fixes = ask.store.fixes(&run.id)?;
    let body = html! {
        (ready(ask, &run, &judged))
        (groups(ask, &run, &judged))
        (made(ask, &run, &fixes))
        (by_file(ask, &run))
    };
    Ok(page(&run, ask, title, "fix-rows", body).into())
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
        (by_file(ask, run))
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
            h2 id="ready" { (plural(ask, left, "1 row still needs a fix", "{n} rows still need a fix")) }
            @if count == 0 && left == 0 { p.good { (ask.t("No row of this run needs fixing any more.")) } }
            @if count > 0 {
                p { (plural(ask, count, "1 row is right by now. It is not in the accounts yet.", "{n} rows are right by now. They are not in the accounts yet.")) }
                @if ask.may(Role::Operator) {
                    (form(ask, &address(&run.id, "/fix/import"), html! {
                        button { (plural(ask, count, "Import 1 fixed row", "Import {n} fixed rows")) }
                    }))
                    p.small { (ask.t("Nobody is mailed. The new run is linked with this one, and can be undone by itself.")) }
                }
            } @else if left > 0 {
                p { (ask.t("Type what is right, then save. Your fixes are kept here; nothing is written to the accounts until you import the fixed rows.")) }
            }
            @if ask.masks() && left > 0 { p.note { (ask.t("Values are masked. Choose “Show values” at the bottom of the page to fix them.")) } }
        }
    }
}

fn groups(ask: &Ask, run: &RunRecord, judged: &Judged) -> Markup {
    let mut groups: BTreeMap<(Code, Option<&str>), Group> = BTreeMap::new();
    for (row, problems) in &judged.problems {
        for problem in problems {
            let column = problem.column.as_deref();
            let group = groups
                .entry((problem.code, column))
                .or_insert_with(|| Group {
                    code: problem.code,
                    column,
                    values: BTreeMap::new(),
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
    let sections = html! { @for (number, group) in groups.iter().enumerate() { (group_section(ask, run, judged, (number, group))) } };
    // One form: each of its buttons keeps what was typed in any group.
    match groups.is_empty() || !may_type(ask) {
        true => sections,
        false => form(ask, &address(&run.id, "/fix"), sections),
    }
}

/// Whether the viewer sees the values and may correct them.
fn may_type(ask: &Ask) -> bool {
    !ask.masks() && ask.may(Role::Operator)
}

fn group_section(
    ask: &Ask,
    run: &RunRecord,
    judged: &Judged,
    (number, group): (usize, &Group),
) -> Markup {
    let id = format!("group-{number}");
    let rows = plural(ask, group.rows as u64, "1 row", "{n} rows");
    let values = plural(ask, group.values.len() as u64, "1 value", "{n} values");
    let is_empty = group.values.len() == 1 && group.values.contains_key("");
    let is_doubtful = DOUBTFUL.contains(&group.code);
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) {
                (prose(&capitalized(ask.t(group.code.title()))))
                @if let Some(column) = group.column { " " span.faint { "(" (visible(column)) ")" } }
            }
            p { (rows) @if !is_empty && group.column.is_some() { ", " (values) } ". " b { (ask.t("To fix it:")) } " " (prose(ask.t(group.code.fix()))) }
            @if is_doubtful { p { a.button href=(address(&run.id, "/decide")) { (ask.t("Decide who they are")) } } }
            @else if let Some(column) = group.column {
                @if is_empty { (cells(ask, run, judged, group, column)) }
                @else { (value_table(ask, run, group, column)) }
            } @else { (whole_rows(ask, run, judged, group)) }
        }
    }
}

/// A value a line: one fix for all rows that have it.
fn value_table(ask: &Ask, run: &RunRecord, group: &Group, column: &str) -> Markup {
    let mut values: Vec<_> = group.values.iter().collect();
    values.sort_by_key(|(_, (rows, _))| std::cmp::Reverse(rows.len()));
    let omitted = values.len().saturating_sub(SHOWN_MAX);
    let shown = &values[..values.len() - omitted];
    let label = ask.t("Right value instead of");
    let table = html! {
        div.scroll { table.cards {
            caption.hidden { (prose(ask.t(group.code.title()))) }
            thead { tr { th scope="col" { (ask.t("Value")) } th.number scope="col" { (ask.t("Rows")) } th scope="col" { (ask.t("Hint")) } @if !ask.masks() { th scope="col" { (ask.t("Right value")) } } } }
            tbody { @for (value, (rows, detail)) in shown { tr {
                th scope="row" { @if value.is_empty() { span.faint { (ask.t("nothing")) } } @else { (personal(ask, &short(value))) } }
                td.number data-label=(ask.t("Rows")) { a href={ (address(&run.id, "/fix")) "?row=" (rows.first().map_or(0, |row| row + 1)) } { (ask.number(rows.len() as u64)) } }
                td data-label=(ask.t("Hint")) { @if !ask.masks() { (prose(detail)) } }
                @if !ask.masks() { td {
                    @if value.is_empty() { a href={ (address(&run.id, "/fix")) "?row=" (rows.first().map_or(0, |row| row + 1)) } { (ask.t("Look at the row")) } }
                    @else {
                        input type="hidden" name="found" value=(value);
                        input type="text" name="value" autocomplete="off" aria-label={ (label) " " (safe(&short(value))) };
                    }
                } }
            } } }
        } }
        @if omitted > 0 { p.small { (ask.tf("{n} more values follow when these are fixed.", &[("n", &ask.number(omitted as u64))])) } }
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
fn cells(ask: &Ask, run: &RunRecord, judged: &Judged, group: &Group, column: &str) -> Markup {
    let rows: Vec<RowNumber> = group
        .values
        .values()
        .flat_map(|(rows, _)| rows.clone())
        .collect();
    let omitted = rows.len().saturating_sub(SHOWN_MAX);
    let label = ask.t("Value for line");
    let table = html! {
        div.scroll { table.cards {
            caption.hidden { (prose(ask.t(group.code.title()))) }
            thead { tr { th.number scope="col" { (ask.t("Line")) } th scope="col" { (ask.t("Row")) } @if !ask.masks() { th scope="col" { (visible(column)) } } } }
            tbody { @for row in rows.iter().take(SHOWN_MAX) { tr {
                th.number scope="row" { a href={ (address(&run.id, "/fix")) "?row=" (row + 1) } { (line_of(judged, *row)) } }
                td { (who(ask, judged, *row)) }
                @if !ask.masks() { td {
                    input type="hidden" name="row" value=(row + 1);
                    input type="text" name="value" autocomplete="off" aria-label={ (label) " " (line_of(judged, *row)) };
                } }
            } } }
        } }
        @if omitted > 0 { p.small { (ask.tf("{n} more rows follow when these are fixed.", &[("n", &ask.number(omitted as u64))])) } }
    };
    saved(ask, column, table)
}

/// Rows that are wrong as a whole.
fn whole_rows(ask: &Ask, run: &RunRecord, judged: &Judged, group: &Group) -> Markup {
    let rows: Vec<RowNumber> = group
        .values
        .values()
        .flat_map(|(rows, _)| rows.clone())
        .collect();
    html! {
        div.scroll { table.cards {
            caption { (ask.tf("The first {n} of {all}", &[("n", &rows.len().min(SHOWN_MAX)), ("all", &ask.number(rows.len() as u64))])) }
            thead { tr { th.number scope="col" { (ask.t("Line")) } th scope="col" { (ask.t("Row")) } } }
            tbody { @for row in rows.iter().take(SHOWN_MAX) { tr {
                th.number scope="row" { a href={ (address(&run.id, "/fix")) "?row=" (row + 1) } { (line_of(judged, *row)) } }
                td { (who(ask, judged, *row)) }
            } } }
        } }
    }
}

fn line_of(judged: &Judged, row: RowNumber) -> &str {
    judged
        .written
        .rows
        .get(&row)
        .map_or("", |row| row.line.as_str())
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

fn row_title(ask: &Ask, judged: &Judged, row: RowNumber) -> String {
    ask.tf("Line {n}", &[("n", &line_of(judged, row))])
}

/// One row with all of its cells.
fn one(ask: &Ask, run: &RunRecord, judged: &Judged, number: RowNumber) -> Markup {
    let back =
        html! { p { a href=(address(&run.id, "/fix")) { "← " (ask.t("All rows to fix")) } } };
    let Some(row) = judged.written.rows.get(&number) else {
        return html! { (back) p.note { (ask.t("This row needs no fix, or was left out.")) } };
    };
    let problems = judged.problems.get(&number).map_or(&[][..], Vec::as_slice);
    let header = &judged.written.headers[row.file];
    let may = ask.may(Role::Operator) && !ask.masks();
    html! {
        (back)
        @if problems.is_empty() { p.good { (ask.t("This row is right by now. Import the fixed rows to write it.")) } }
        @else { div.problem role="note" { ul { @for problem in problems { li { (problem_text(ask, header, problem)) } } } } }
        section {
            @if may {
                (form(ask, &address(&run.id, "/fix"), html! {
                    input type="hidden" name="whole" value=(number + 1);
                    @for (column, cell) in row.cells.iter().enumerate() {
                        @let name = header.get(column).map_or("", String::as_str);
                        @let is_wrong = problems.iter().any(|problem| problem.column.as_deref() == Some(name));
                        @if column < header.len() {
                            div.field {
                                label for={ "cell-" (column) } { @if name.is_empty() { (ask.t("Column")) " " (column + 1) } @else { (visible(name)) } }
                                input type="text" id={ "cell-" (column) } name="value" value=(cell) autocomplete="off" aria-invalid=[is_wrong.then_some("true")];
                                input type="hidden" name="column" value=(name);
                            }
                        } @else if !cell.is_empty() {
                            p { (ask.t("More cells than the header has:")) " " (visible(cell)) }
                        }
                    }
                    button { (ask.t("Save this row")) }
                }))
                (form(ask, &address(&run.id, "/fix/leave-out"), html! {
                    input type="hidden" name="row" value=(number + 1);
                    button.second { (ask.t("Leave this row out")) }
                    p.small { (ask.t("It stays out of the accounts, and isn't shown here any more. You can take that back below the list.")) }
                }))
            } @else {
                dl.facts { @for (column, cell) in row.cells.iter().enumerate() { div { dt { (visible(header.get(column).map_or("", String::as_str))) } dd { (personal(ask, cell)) } } } }
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
                h2 id="made" { (plural(ask, fixes.len() as u64, "1 fix so far", "{n} fixes so far")) }
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

/// The number of a row, from 0, as forms have it.
pub(crate) fn row_of(text: &str) -> Option<RowNumber> {
    text.parse::<RowNumber>().ok()?.checked_sub(1)
}

/// `POST /runs/{run}/fix`: keeps what was typed for values, for cells, or for one row.
pub(crate) fn keep(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    let values: Vec<String> = ask.form.all("value").map(typed).collect::<Result<_>>()?;
    let fixes = if let Some(row) = row_of(ask.form.get("whole")) {
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
    let mut fixes = vec![Fix {
        place: Place::Row(row),
        what: Fixed::Value(String::new()),
    }];
    let Ok(judged) = judge::judge(ask, run)? else {
        return Ok(Vec::new());
    };
    for (column, value) in cells {
        if judged.cell(row, &column) != value {
            fixes.push(Fix {
                place: Place::Cell(row, column),
                what: Fixed::Value(value),
            });
        }
    }
    Ok(fixes)
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
    let Ok(judged) = judge::judge(ask, &run)? else {
        return Ok(Answer::See(address(&run.id, "/fix")));
    };
    let ready: std::collections::BTreeSet<RowNumber> = judged.ready().collect();
    if ready.is_empty() {
        return Ok(Answer::See(address(&run.id, "/fix")));
    }
    let folder = Path::new(run.folder.as_deref().unwrap_or_default());
    let name = format!("fixed-{}", Timestamp::now().strftime("%Y%m%d-%H%M%S"));
    let keep = |row: RowNumber| ready.contains(&row);
    let written = judged
        .work
        .write((folder, &name), &judge::reader(), &keep)?;
    let mut args = vec!["import".to_string()];
    args.extend(written.files.iter().map(|file| file.display().to_string()));
    if let Some(pipeline) = &judged.work.pipeline.named {
        args.extend(["-p".to_string(), pipeline.clone()]);
    }
    let job = jobs::start(
        ask,
        Work {
            kind: "import",
            args,
            stdin: None,
            about: run.id.clone(),
            leads_to: "/runs/{run}".to_string(),
        },
    )?;
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
