//! `/runs/{run}/rows`: every row of a run, filtered and sorted.

use std::collections::HashMap;

use maud::{Markup, html};
use uuid::Uuid;

use super::places::places;
use super::{Lines, PAGE_LINES, address, asked, code, outcome_word, page, personal};
use crate::console::ask::{Answer, Ask};
use crate::console::page::{encoded, masked, visible};
use crate::field::RowNumber;
use crate::issue::Code;
use crate::ledger::{Cell, Column, Filter, Mistake, Query, Rows};
use crate::outcome::Outcome;
use crate::refusal::{Refusal, Result};
use crate::rule::Rule;
use crate::runs;
use crate::store::run_rows::{FOUND_MAX, KnownAs};
use crate::store::runs::RunRecord;

/// What rows are sorted by: the word in the address, the column, and whether it is in reverse.
const SORTS: [(&str, &str, bool); 4] = [
    ("line", "row", false),
    ("last", "row", true),
    ("outcome", "outcome", false),
    ("problem", "issues", false),
];

/// The columns that are read for the page, in the order of [`line()`].
const SHOWN: [&str; 8] = [
    "row",
    "file",
    "line",
    "outcome",
    "account",
    "duplicate_of",
    "cleaned",
    "issues",
];

/// A row as the page shows it.
struct Line {
    row: u64,
    file: String,
    line: u64,
    outcome: String,
    account: Option<Uuid>,
    duplicate_of: Option<u64>,
    cleaned: String,
    issues: String,
}

/// What the form asks for.
struct Wanted<'a> {
    outcome: &'a str,
    code: &'a str,
    cleaned: &'a str,
    text: &'a str,
    sort: &'a str,
}

impl<'a> Wanted<'a> {
    fn of(ask: &'a Ask) -> Wanted<'a> {
        let known = |name: &str, is_known: &dyn Fn(&str) -> bool| {
            Some(ask.query.get(name))
                .filter(|value| is_known(value))
                .unwrap_or("")
        };
        let is_outcome = |value: &str| Outcome::ALL.iter().any(|one| one.name() == value);
        let is_code = |value: &str| Code::ALL.iter().any(|one| one.name() == value);
        let is_rule = |value: &str| Rule::ALL.iter().any(|one| one.name() == value);
        let is_sort = |value: &str| SORTS.iter().any(|(name, ..)| *name == value);
        Wanted {
            outcome: known("outcome", &is_outcome),
            code: known("code", &is_code),
            cleaned: known("cleaned", &is_rule),
            // Who sees no values may not find them out by searching, either.
            text: Some(ask.query.get("text").trim())
                .filter(|_| !ask.masks())
                .unwrap_or(""),
            sort: known("sort", &is_sort),
        }
    }

    /// As the command line would say it; every value is one of a closed set.
    fn expression(&self) -> String {
        let tests = [
            ("outcome", self.outcome),
            ("issues", self.code),
            ("cleaned", self.cleaned),
        ];
        let tests = tests.iter().filter(|(_, value)| !value.is_empty());
        let tests: Vec<String> = tests
            .map(|(column, value)| format!("{column} = '{value}'"))
            .collect();
        tests.join(" and ")
    }

    /// The address of the list, without a page.
    fn address(&self, run: &str) -> String {
        let parts = [
            ("outcome", self.outcome),
            ("code", self.code),
            ("cleaned", self.cleaned),
            ("text", self.text),
            ("sort", self.sort),
        ];
        let parts = parts.iter().filter(|(_, value)| !value.is_empty());
        let parts: Vec<String> = parts
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        format!("{}?{}", address(run, "/rows"), parts.join("&"))
    }
}

/// `/runs/{run}/rows`.
pub(crate) fn page_of_rows(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    let rows = Rows::open(&runs::ledger(&run)?)?;
    let wanted = Wanted::of(ask);
    let mut lines = Lines::asked(ask);
    let mut found = read(ask, &rows, &wanted, &mut lines)?;
    put_back(ask, &run, &mut found)?;
    let ids: Vec<Uuid> = found.iter().filter_map(|line| line.account).collect();
    let known = ask.store.known_as(&ids)?;
    let several = run
        .summary
        .as_ref()
        .is_some_and(|summary| summary.input.len() > 1);
    let title = match wanted.outcome {
        "" => ask.t("Rows").to_string(),
        name => {
            let outcome = Outcome::ALL.into_iter().find(|one| one.name() == name);
            let word = outcome.map_or("", |outcome| outcome_word(ask, outcome));
            format!("{}: {word}", ask.t("Rows"))
        }
    };
    let body = html! {
        (filter(ask, &run, &wanted))
        section aria-labelledby="found" {
            h2 id="found" { (ask.counted(lines.total, "1 row", "{n} rows")) }
            @if lines.is_cut { p.warning { (ask.tf("More than {n} people match. Only rows of {n} of them are listed; search for more of the name.", &[("n", &ask.number(FOUND_MAX as u64))])) } }
            @if !found.is_empty() {
                (masked(ask))
                (table(ask, &run, (&found, &known), several))
            }
            (lines.ways(ask, &wanted.address(&run.id)))
        }
        (command(ask, &run, &wanted))
    };
    Ok(page(&run, ask, &title, "runs", body).into())
}

/// Rows that came back as corrections are at their lines in the list that was sent first.
fn put_back(ask: &Ask, run: &RunRecord, lines: &mut [Line]) -> Result<()> {
    let summary = run.summary.as_ref();
    if summary.is_none_or(|summary| summary.resubmitted.is_empty()) {
        return Ok(());
    }
    let rows: Vec<RowNumber> = lines
        .iter()
        .map(|line| (line.row - 1) as RowNumber)
        .collect();
    let known = places(ask, run, &rows)?;
    for line in lines {
        if let Some(place) = known.get(&((line.row - 1) as RowNumber)) {
            line.file.clone_from(&place.file);
            line.line = place.line;
        }
    }
    Ok(())
}

fn mistaken(mistake: Mistake) -> Refusal {
    Refusal::new(Code::UsageInvalid, mistake.what).help(mistake.help)
}

/// Which rows are wanted; none for all of them.
fn filter_of(ask: &Ask, rows: &Rows, wanted: &Wanted, lines: &mut Lines) -> Result<Option<Filter>> {
    let expression = wanted.expression();
    let filter: Option<Filter> = match expression.as_str() {
        "" => None,
        expression => Some(rows.filter(expression).map_err(mistaken)?),
    };
    if wanted.text.is_empty() {
        return Ok(filter);
    }
    let accounts = ask.store.accounts_like(wanted.text)?;
    lines.is_cut = accounts.len() as i64 == FOUND_MAX;
    let accounts = accounts.iter().map(ToString::to_string).collect();
    let found = rows.among(filter, accounts, Vec::new());
    found.map(Some).map_err(mistaken)
}

/// The rows of the page; says in `lines` how many fit in all.
fn read(ask: &Ask, rows: &Rows, wanted: &Wanted, lines: &mut Lines) -> Result<Vec<Line>> {
    let filter = filter_of(ask, rows, wanted, lines)?;
    let column = |name: &str| rows.columns().find(name).map_err(mistaken);
    let columns: Vec<&Column> = SHOWN
        .iter()
        .map(|name| column(name))
        .collect::<Result<_>>()?;
    let whole = |filter, offset, limit| Query {
        filter,
        columns: columns.clone(),
        offset,
        limit: Some(limit),
        ..Query::default()
    };
    let filter = filter.as_ref();
    match wanted.sort {
        "" | "line" => {
            let query = whole(filter, lines.offset(), PAGE_LINES);
            let (found, total) = taken(rows, &query)?;
            lines.total = total;
            Ok(found)
        }
        // The rows are in the order of their lines: from the end, the same page is at another place.
        "last" => {
            lines.total = taken(rows, &whole(filter, 0, 0))?.1;
            let end = lines.total.saturating_sub(lines.offset());
            let offset = end.saturating_sub(PAGE_LINES);
            let (mut found, _) = taken(rows, &whole(filter, offset, end - offset))?;
            found.reverse();
            Ok(found)
        }
        // Memory holds of each row before the page only what it is sorted by and its number.
        name => {
            let sort = SORTS.iter().find(|(sort, ..)| *sort == name);
            let (_, by, reversed) = sort.copied().unwrap_or(SORTS[0]);
            let sort = vec![(column(by)?, reversed)];
            let query = Query {
                columns: vec![column("row")?],
                sort,
                ..whole(filter, lines.offset(), PAGE_LINES)
            };
            let (order, total) = taken(rows, &query)?;
            lines.total = total;
            let order: Vec<u64> = order.iter().map(|line| line.row).collect();
            let chosen = rows
                .among(None, Vec::new(), order.clone())
                .map_err(mistaken)?;
            let (mut found, _) = taken(rows, &whole(Some(&chosen), 0, PAGE_LINES))?;
            found.sort_by_key(|line| order.iter().position(|row| *row == line.row));
            Ok(found)
        }
    }
}

/// The rows of a query, and how many there are without offset and limit.
fn taken(rows: &Rows, query: &Query) -> Result<(Vec<Line>, u64)> {
    let mut found = Vec::new();
    let total = rows.each(query, &mut |cells| {
        found.push(line(cells));
        Ok(())
    })?;
    Ok((found, total))
}

fn line(cells: &[Cell]) -> Line {
    let number = |index: usize| match cells.get(index) {
        Some(Cell::Number(number)) => Some(*number),
        _ => None,
    };
    let text = |index: usize| match cells.get(index) {
        Some(Cell::Text(text)) => (*text).to_string(),
        _ => String::new(),
    };
    Line {
        row: number(0).unwrap_or_default(),
        file: text(1),
        line: number(2).unwrap_or_default(),
        outcome: text(3),
        account: text(4).parse().ok(),
        duplicate_of: number(5),
        cleaned: text(6),
        issues: text(7),
    }
}

fn filter(ask: &Ask, run: &RunRecord, wanted: &Wanted) -> Markup {
    let counts = run.summary.as_ref().map(|summary| summary.counts);
    let counts = counts.unwrap_or_default();
    let issues = run.summary.iter().flat_map(|summary| &summary.issues);
    html! {
        form.row action=(address(&run.id, "/rows")) role="search" {
            div.field {
                label for="outcome" { (ask.t("Outcome")) }
                select id="outcome" name="outcome" {
                    option value="" { (ask.t("all")) }
                    @for outcome in Outcome::ALL.into_iter().filter(|outcome| counts.of(*outcome) > 0) {
                        option value=(outcome.name()) selected[outcome.name() == wanted.outcome] { (outcome_word(ask, outcome)) }
                    }
                }
            }
            div.field {
                label for="code" { (ask.t("Problem")) }
                select id="code" name="code" {
                    option value="" { (ask.t("all")) }
                    @for issue in issues {
                        option value=(issue.code) selected[issue.code == wanted.code] { (issue.title) }
                    }
                }
            }
            @if !ask.masks() {
                div.field {
                    label for="text" { (ask.t("Name, address or id of a known person")) }
                    input type="search" id="text" name="text" value=(wanted.text);
                }
            }
            div.field {
                label for="sort" { (ask.t("Sorted by")) }
                select id="sort" name="sort" {
                    @for (name, ..) in SORTS {
                        option value=(name) selected[name == wanted.sort] { (sort_word(ask, name)) }
                    }
                }
            }
            @if !wanted.cleaned.is_empty() { input type="hidden" name="cleaned" value=(wanted.cleaned); }
            button { (ask.t("Show")) }
            a href=(address(&run.id, "/rows")) { (ask.t("All rows")) }
        }
        @if !wanted.cleaned.is_empty() {
            p { (ask.t("Only rows in which cleaning did this:")) " " code { (wanted.cleaned) } }
        }
    }
}

fn sort_word(ask: &Ask, name: &str) -> &'static str {
    match name {
        "last" => ask.t("line, last first"),
        "outcome" => ask.t("outcome"),
        "problem" => ask.t("problem"),
        _ => ask.t("line"),
    }
}

fn table(
    ask: &Ask,
    run: &RunRecord,
    (lines, known): (&[Line], &HashMap<Uuid, KnownAs>),
    several: bool,
) -> Markup {
    html! {
        div.scroll { table.cards {
            caption.hidden { (ask.t("Rows")) }
            thead { tr {
                @if several { th scope="col" { (ask.t("File")) } }
                th.number scope="col" { (ask.t("Line")) } th scope="col" { (ask.t("Outcome")) }
                th scope="col" { (ask.t("Person")) } th scope="col" { (ask.t("Problems")) } th scope="col" { (ask.t("Cleaned")) }
            } }
            tbody { @for line in lines { (row(ask, run, line, known, several)) } }
        } }
    }
}

fn row(
    ask: &Ask,
    run: &RunRecord,
    line: &Line,
    known: &HashMap<Uuid, KnownAs>,
    several: bool,
) -> Markup {
    let outcome = Outcome::ALL
        .into_iter()
        .find(|one| one.name() == line.outcome);
    let who = line.account.and_then(|account| known.get(&account));
    let needs = matches!(
        outcome,
        Some(Outcome::Rejected | Outcome::Failed | Outcome::Held)
    );
    let is_import = run.kind == "import";
    let words = |text: &str| -> Vec<String> {
        let words = text.split(',').filter(|word| !word.is_empty());
        words.map(String::from).collect()
    };
    html! {
        tr id={ "row-" (line.row) } {
            @if several { td { (visible(line.file.rsplit('/').next().unwrap_or_default())) } }
            td.number data-label=(ask.t("Line")) { (ask.number(line.line)) }
            td {
                @if let Some(outcome) = outcome { span class={ "outcome " (outcome.name()) } { (outcome_word(ask, outcome)) } }
                @if let Some(of) = line.duplicate_of { div.small { (ask.tf("equals row {n}", &[("n", &ask.number(of))])) } }
                @if needs && is_import { div.small { a href={ (address(&run.id, "/fix")) "?row=" (line.row) } { (ask.t("Look at the row")) } } }
            }
            th scope="row" {
                @if let Some(account) = line.account {
                    a href={ "/people/" (account) } {
                        @match who { Some(who) => (personal(ask, who.shown())), None => span.id { (account) } }
                    }
                    @if let Some(email) = who.and_then(|who| who.email.as_ref()) { div.small { (personal(ask, email)) } }
                } @else { "–" }
            }
            td { @for issue in words(&line.issues) { div { (code(ask, &issue)) } } }
            td data-label=(ask.t("Cleaned")) { (words(&line.cleaned).join(", ")) }
        }
    }
}

fn command(ask: &Ask, run: &RunRecord, wanted: &Wanted) -> Markup {
    let expression = wanted.expression();
    let command = match expression.as_str() {
        "" => format!("muster rows {}", run.id),
        expression => format!("muster rows {} --where \"{expression}\"", run.id),
    };
    crate::console::page::command(ask, &command)
}
