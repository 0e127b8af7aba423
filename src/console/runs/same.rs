//! Rows that are the same person and differ: side by side, to keep one of them or to correct what they
//! have in common.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use maud::{Markup, html};

use super::judge::{Judged, Problem};
use super::{address, may_type, personal, row_of};
use crate::console::ask::Ask;
use crate::console::page::{form, prose, visible};
use crate::field::RowNumber;
use crate::header::OF_ACCOUNT;
use crate::issue::Code;
use crate::report::human::safe;
use crate::store::fixes::{Fix, Fixed, Place};
use crate::store::runs::RunRecord;

/// The problems that rows have with each other.
pub(super) const CODES: [Code; 4] = [
    Code::ClashExternalId,
    Code::ClashEmail,
    Code::ClashUsername,
    Code::MatchTwice,
];
/// How many groups are on a page.
const SHOWN_MAX: usize = 20;
/// How many rows of a group are side by side.
const COLUMNS_MAX: usize = 6;

/// Rows that are the same person.
struct Same {
    rows: Vec<RowNumber>,
    codes: BTreeSet<Code>,
    /// The columns that hold what they have in common.
    columns: BTreeSet<String>,
}

/// The rows that belong together, by what their problems say.
fn groups(judged: &Judged) -> Vec<Same> {
    let is_such = |problem: &&Problem| CODES.contains(&problem.code);
    let mut first: BTreeMap<RowNumber, RowNumber> = BTreeMap::new();
    let mut by_account: HashMap<String, RowNumber> = HashMap::new();
    for (row, problems) in &judged.problems {
        for problem in problems.iter().filter(is_such) {
            first.entry(*row).or_insert(*row);
            let account = problem.accounts().first().map(ToString::to_string);
            let account = account.filter(|_| problem.code == Code::MatchTwice);
            let account = account.map(|account| *by_account.entry(account).or_insert(*row));
            for other in problem.others.iter().copied().chain(account) {
                first.entry(other).or_insert(other);
                let (one, two) = (root(&first, *row), root(&first, other));
                first.insert(one.max(two), one.min(two));
            }
        }
    }
    let mut groups: BTreeMap<RowNumber, Same> = BTreeMap::new();
    for row in first.keys() {
        let group = groups.entry(root(&first, *row)).or_insert_with(|| Same {
            rows: Vec::new(),
            codes: BTreeSet::new(),
            columns: BTreeSet::new(),
        });
        group.rows.push(*row);
        let problems = judged.problems.get(row).into_iter().flatten();
        for problem in problems.filter(is_such) {
            group.codes.insert(problem.code);
            group.columns.extend(problem.column.clone());
        }
    }
    groups
        .into_values()
        .filter(|group| group.rows.len() > 1)
        .collect()
}

fn root(first: &BTreeMap<RowNumber, RowNumber>, mut row: RowNumber) -> RowNumber {
    while let Some(next) = first.get(&row).filter(|next| **next != row) {
        row = *next;
    }
    row
}

/// All groups of rows that are the same person.
pub(super) fn sections(ask: &Ask, run: &RunRecord, judged: &Judged) -> Markup {
    let groups = groups(judged);
    let omitted = groups.len().saturating_sub(SHOWN_MAX);
    html! {
        @if !groups.is_empty() {
            section aria-labelledby="same" {
                h2 id="same" { (ask.counted(groups.len() as u64, "1 person is in several rows", "{n} people are in several rows")) }
                p { (ask.t("These rows have the same id, address or username, but different values. Keep one row, or correct what they have in common, so that each is a person of its own.")) }
                @for (number, group) in groups.iter().take(SHOWN_MAX).enumerate() { (section(ask, run, judged, (number, group))) }
                @if omitted > 0 { p.small { (ask.tf("{n} more follow when these are decided.", &[("n", &ask.number(omitted as u64))])) } }
            }
        }
    }
}

/// Where a row is, for people.
fn called(ask: &Ask, judged: &Judged, row: RowNumber) -> String {
    ask.tf("Line {n}", &[("n", &ask.number(judged.place(row).line))])
}

fn section(ask: &Ask, run: &RunRecord, judged: &Judged, (number, group): (usize, &Same)) -> Markup {
    let id = format!("same-{number}");
    let lines = group.rows.iter().take(COLUMNS_MAX);
    let lines: Vec<String> = lines
        .map(|row| ask.number(judged.place(*row).line))
        .collect();
    let file = judged.place(group.rows[0]).file;
    let table = table(ask, judged, group);
    html! {
        div.same role="group" aria-labelledby=(id) {
            h3 id=(id) { (ask.tf("Lines {lines}", &[("lines", &lines.join(", "))])) @if !file.is_empty() { " " span.faint { (visible(&file)) } } }
            @for code in &group.codes { p.small { (prose(ask.t(code.title()))) } }
            @if may_type(ask) {
                (form(ask, &address(&run.id, "/fix"), html! {
                    @for row in &group.rows { input type="hidden" name="among" value=(row + 1); }
                    (table)
                    @if group.rows.len() > COLUMNS_MAX { p.small { (ask.tf("{n} more rows are the same person.", &[("n", &(group.rows.len() - COLUMNS_MAX))])) } }
                    @if !group.columns.is_empty() { button.second { (ask.t("Save what was corrected")) } }
                }))
            } @else { (table) }
        }
    }
}

fn table(ask: &Ask, judged: &Judged, group: &Same) -> Markup {
    let rows = &group.rows[..group.rows.len().min(COLUMNS_MAX)];
    let mut names: Vec<&String> = Vec::new();
    for row in rows {
        let file = judged.written.rows.get(row).map_or(0, |row| row.file);
        let header = judged.written.headers.get(file).into_iter().flatten();
        for name in header.filter(|name| *name != OF_ACCOUNT) {
            if !names.contains(&name) && rows.iter().any(|row| !judged.cell(*row, name).is_empty())
            {
                names.push(name);
            }
        }
    }
    let lines: Vec<String> = rows.iter().map(|row| called(ask, judged, *row)).collect();
    let label = format!("{}: {}", ask.t("The rows side by side"), lines.join(", "));
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) { table.compare {
            caption.hidden { (ask.t("The rows side by side")) }
            thead { tr {
                th scope="col" { (ask.t("Column")) }
                @for row in rows { th scope="col" { a href={ "?row=" (row + 1) } { (called(ask, judged, *row)) } } }
            } }
            tbody { @for name in names { (line(ask, judged, (rows, name), group.columns.contains(name))) } }
            @if may_type(ask) { tfoot { tr {
                th scope="row" { (ask.t("Keep one")) }
                @for row in rows { td {
                    button name="keep" value=(row + 1) { (ask.t("Keep this one")) span.hidden { ": " (called(ask, judged, *row)) } }
                } }
            } } }
        } }
    }
}

/// A column of the list. What the rows have in common can be corrected.
fn line(
    ask: &Ask,
    judged: &Judged,
    (rows, name): (&[RowNumber], &String),
    is_common: bool,
) -> Markup {
    let first = judged.cell(rows[0], name);
    let differs = rows.iter().any(|row| judged.cell(*row, name) != first);
    html! {
        tr {
            th scope="row" { (visible(name)) @if differs { " " span.badge.warning { (ask.t("differs")) } } }
            @for row in rows {
                @let value = judged.cell(*row, name);
                td.differs[differs] {
                    @if is_common && may_type(ask) {
                        input type="hidden" name="column" value=(name);
                        input type="hidden" name="row" value=(row + 1);
                        input type="text" name="value" value=(value) autocomplete="off" aria-label={ (safe(name)) ", " (called(ask, judged, *row)) };
                    } @else if value.is_empty() { span.faint { (ask.t("nothing")) } }
                    @else if differs { mark { (personal(ask, value)) } }
                    @else { (personal(ask, value)) }
                }
            }
        }
    }
}

/// What the form asks for that was sent with a button to keep one row: the others are left out.
pub(super) fn kept(ask: &Ask) -> Option<Vec<Fix>> {
    let keep = row_of(ask.form.get("keep"))?;
    let among: BTreeSet<RowNumber> = ask.form.all("among").filter_map(row_of).collect();
    let others = among
        .iter()
        .filter(|row| **row != keep && among.contains(&keep));
    let fix = |row: &RowNumber| Fix {
        place: Place::Row(*row),
        what: Fixed::LeftOut,
    };
    Some(others.map(fix).collect())
}
