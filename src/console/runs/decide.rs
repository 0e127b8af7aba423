//! `/runs/{run}/decide`: rows that may be about somebody who has an account, side by side with that
//! account.

use std::collections::HashMap;

use maud::{Markup, html};
use uuid::Uuid;

use super::fix::{kept, who};
use super::judge::{self, Judged, Problem};
use super::summary::DOUBTFUL;
use super::{address, asked, page, personal, row_of};
use crate::admin::Role;
use crate::console::ask::{Answer, Ask};
use crate::console::page::{form, masked, prose, visible};
use crate::field::{Field, RowNumber};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::store::fixes::{Fix, Fixed, Place};
use crate::store::run_rows::KnownAs;
use crate::store::runs::RunRecord;

/// How many rows are on the page.
const SHOWN_MAX: usize = 20;

/// A row that may be about one of some accounts.
struct Doubt<'a> {
    row: RowNumber,
    problem: &'a Problem,
    accounts: Vec<Uuid>,
}

/// `/runs/{run}/decide`.
pub(crate) fn page_of_doubts(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    let body = body(ask, &run, None)?;
    Ok(page(
        &run,
        ask,
        ask.t("Decide who they are"),
        "decide-who-they-are",
        body,
    )
    .into())
}

/// An answer that can't be taken: the row, and why.
type Wrong = (RowNumber, &'static str);

fn body(ask: &mut Ask, run: &RunRecord, wrong: Option<Wrong>) -> Result<Markup> {
    let Ok(judged) = judge::judge(ask, run)? else {
        let text =
            "Too many rows of this run need work to be decided here. Use the corrections file.";
        return Ok(
            html! { p { (ask.t(text)) } p { a href=(address(&run.id, "/fix")) { (ask.t("Fix rows")) } } },
        );
    };
    let doubts = doubts(&judged);
    let ids: Vec<Uuid> = doubts
        .iter()
        .flat_map(|doubt| doubt.accounts.clone())
        .collect();
    let known = ask.store.known_as(&ids)?;
    let omitted = doubts.len().saturating_sub(SHOWN_MAX);
    let ready = judged.ready().count() as u64;
    Ok(html! {
        @if doubts.is_empty() { p.good { (ask.t("Nobody is in doubt any more.")) } }
        @else {
            p { (ask.counted(doubts.len() as u64, "1 row may be about somebody who has an account already.", "{n} rows may be about somebody who has an account already.")) " " (ask.t("Nothing was written for them. A wrong answer would give one person the account of another.")) }
            (masked(ask))
        }
        @if ready > 0 { p { a.button href=(address(&run.id, "/fix")) { (ask.counted(ready, "1 row can be imported now", "{n} rows can be imported now")) } } }
        @for doubt in doubts.iter().take(SHOWN_MAX) {
            (card(ask, run, &judged, doubt, &known, wrong.filter(|(row, _)| *row == doubt.row)))
        }
        @if omitted > 0 { p.small { (ask.tf("{n} more rows follow when these are decided.", &[("n", &ask.number(omitted as u64))])) } }
    })
}

fn doubts(judged: &Judged) -> Vec<Doubt<'_>> {
    let rows = judged.problems.iter();
    let doubts = rows.filter_map(|(row, problems)| {
        let problem = problems
            .iter()
            .find(|problem| DOUBTFUL.contains(&problem.code))?;
        Some(Doubt {
            row: *row,
            accounts: problem.accounts(),
            problem,
        })
    });
    doubts.collect()
}

fn card(
    ask: &Ask,
    run: &RunRecord,
    judged: &Judged,
    doubt: &Doubt,
    known: &HashMap<Uuid, KnownAs>,
    wrong: Option<Wrong>,
) -> Markup {
    let id = format!("row-{}", doubt.row + 1);
    let line = ask.number(judged.place(doubt.row).line);
    let can_be_new = new_key(doubt.problem).is_some();
    let may = ask.may(Role::Operator) && !ask.masks();
    let choice = |value: &str| format!("{id}-{value}");
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (ask.tf("Line {n}", &[("n", &line)])) ": " (who(ask, judged, doubt.row)) }
            p { (prose(ask.t(doubt.problem.code.title()))) @if !ask.masks() { ": " (prose(&ask.said(&doubt.problem.detail))) } }
            @if let Some((_, what)) = wrong { p.problem role="alert" { (ask.t(what)) } }
            (side_by_side(ask, judged, doubt, known))
            @if may {
                (form(ask, &address(&run.id, "/decide"), html! {
                    input type="hidden" name="row" value=(doubt.row + 1);
                    fieldset {
                        legend { (ask.t("Who is it?")) }
                        @for account in &doubt.accounts {
                            div { label for=(choice(&account.to_string())) {
                                input type="radio" id=(choice(&account.to_string())) name="who" value=(account) required;
                                (ask.t("the person who has the account:")) " " (shown(ask, known.get(account)))
                            } }
                        }
                        @if let Some(field) = new_key(doubt.problem) {
                            div { label for=(choice("new")) {
                                input type="radio" id=(choice("new")) name="who" value="new" required;
                                (new_word(ask, field))
                            } }
                            div.field {
                                label.hidden for=(choice("key")) { (ask.t("The new person's own")) " " (key_word(ask, field)) }
                                input type="text" id=(choice("key")) name="key" autocomplete="off" placeholder=(key_word(ask, field));
                            }
                        }
                        div { label for=(choice("out")) {
                            input type="radio" id=(choice("out")) name="who" value="out" required;
                            (ask.t("nobody: leave this row out"))
                        } }
                    }
                    button { (ask.t("Save the answer")) }
                    @if !can_be_new { p.small { (ask.t("If it is somebody new, correct the keys of the row:")) " " a href={ (address(&run.id, "/fix")) "?row=" (doubt.row + 1) } { (ask.t("Look at the row")) } } }
                }))
            }
        }
    }
}

fn shown(ask: &Ask, known: Option<&KnownAs>) -> Markup {
    html! { @match known {
        Some(known) => { strong { (personal(ask, known.shown())) } @if let Some(email) = &known.email { ", " (personal(ask, email)) } },
        None => (ask.t("an account that is gone")),
    } }
}

/// The values of the row and of the accounts, a column each.
fn side_by_side(
    ask: &Ask,
    judged: &Judged,
    doubt: &Doubt,
    known: &HashMap<Uuid, KnownAs>,
) -> Markup {
    let of_row = |field: Field| judged.value(doubt.row, field);
    let names = [Field::FirstName, Field::LastName].map(of_row).join(" ");
    let others = [Field::FullName, Field::DisplayName].map(of_row);
    let mut names = std::iter::once(names.trim()).chain(others);
    let name = names.find(|name| !name.is_empty()).unwrap_or("");
    let fields = [
        (Field::ExternalId, ask.t("Id")),
        (Field::Email, ask.t("E-mail address")),
        (Field::Username, ask.t("Username")),
    ];
    let of_account = |account: &Uuid, field: Field| {
        let known = known.get(account);
        known
            .and_then(|known| key_of(known, field))
            .unwrap_or_default()
    };
    let line = |field: Field, name: &str| {
        let held: Vec<String> = doubt
            .accounts
            .iter()
            .map(|account| of_account(account, field))
            .collect();
        let is_there = !of_row(field).is_empty() || held.iter().any(|value| !value.is_empty());
        html! { @if is_there { tr {
            th scope="row" { (name) }
            td { (personal(ask, of_row(field))) }
            @for value in &held { td { @if *value == of_row(field) { b { (personal(ask, value)) } } @else { (personal(ask, value)) } } }
        } } }
    };
    html! {
        div.scroll { table {
            caption.hidden { (ask.t("The row and the account side by side")) }
            thead { tr { td {} th scope="col" { (ask.t("This row")) } @for account in &doubt.accounts { th scope="col" { a href={ "/people/" (account) } { (ask.t("The account")) } } } } }
            tbody {
                tr { th scope="row" { (ask.t("Name")) } td { (personal(ask, name)) } @for account in &doubt.accounts { td { @if let Some(known) = known.get(account) { (personal(ask, &known.name)) } } } }
                @for (field, name) in fields { (line(field, name)) }
                tr { th scope="row" { (ask.t("State")) } td {} @for account in &doubt.accounts { td { @if let Some(known) = known.get(account) { (visible(&known.status)) } } } }
                tr { th scope="row" { (ask.t("Created")) } td {} @for account in &doubt.accounts { td { @if let Some(known) = known.get(account) { (ask.time(&known.created)) } } } }
            }
        } }
    }
}

fn key_of(known: &KnownAs, field: Field) -> Option<String> {
    match field {
        Field::ExternalId => known.external_id.clone(),
        Field::Email => known.email.clone(),
        Field::Username => known.username.clone(),
        _ => None,
    }
}

fn new_word(ask: &Ask, field: Field) -> &'static str {
    match field {
        Field::Email => ask.t("somebody new, with this e-mail address of their own:"),
        Field::Username => ask.t("somebody new, with this username of their own:"),
        _ => ask.t("somebody new, with this id of their own:"),
    }
}

fn key_word(ask: &Ask, field: Field) -> &'static str {
    match field {
        Field::Email => ask.t("e-mail address"),
        Field::Username => ask.t("username"),
        _ => ask.t("id"),
    }
}

/// The key that a new person must have of their own, because the account has that of the row.
fn new_key(problem: &Problem) -> Option<Field> {
    match problem.code {
        Code::MatchReturned | Code::MatchZeros => Some(Field::Email),
        Code::MatchOtherPerson => problem.field.or(Some(Field::ExternalId)),
        Code::MatchConflict => Some(Field::Username),
        _ => None,
    }
}

/// `POST /runs/{run}/decide`.
pub(crate) fn decide(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    let there = Answer::See(address(&run.id, "/decide"));
    let (Some(row), Ok(judged)) = (row_of(ask.form.get("row")), judge::judge(ask, &run)?) else {
        return Ok(there);
    };
    let doubts = doubts(&judged);
    // Somebody else may have decided it meanwhile.
    let Some(doubt) = doubts.iter().find(|doubt| doubt.row == row) else {
        return Ok(there);
    };
    let fixes = match ask.form.get("who") {
        "out" => vec![Fix {
            place: Place::Row(row),
            what: Fixed::LeftOut,
        }],
        "new" => {
            let key = ask.form.get("key").trim().to_string();
            if key.is_empty() {
                let what = "Type what the new person has of their own.";
                let body = body(ask, &run, Some((row, what)))?;
                return Ok(page(
                    &run,
                    ask,
                    ask.t("Decide who they are"),
                    "decide-who-they-are",
                    body,
                )
                .refusing()
                .into());
            }
            let column = new_key(doubt.problem).and_then(|field| column_of(&judged, row, field));
            let column = column.ok_or_else(|| no_column(row))?;
            vec![cell(row, column, key)]
        }
        account => match account.parse::<Uuid>() {
            Ok(account) if doubt.accounts.contains(&account) => same(ask, &judged, doubt, account)?,
            _ => Vec::new(),
        },
    };
    kept(ask, &run, &fixes)?;
    Ok(there)
}

/// What makes the row one about `account`. A returning person's row says so itself; where a key is
/// wrong, the row gets the account's.
fn same(ask: &Ask, judged: &Judged, doubt: &Doubt, account: Uuid) -> Result<Vec<Fix>> {
    let row = doubt.row;
    if matches!(
        doubt.problem.code,
        Code::MatchReturned | Code::MatchOtherPerson
    ) {
        return Ok(vec![Fix {
            place: Place::Row(row),
            what: Fixed::Account(account),
        }]);
    }
    let known = ask.store.known_as(&[account])?;
    let Some(known) = known.get(&account) else {
        return Ok(Vec::new());
    };
    let wrong: Vec<Field> = match doubt.problem.code {
        Code::MatchZeros | Code::MatchConflict => vec![Field::ExternalId],
        _ => vec![Field::ExternalId, Field::Email, Field::Username],
    };
    let mut fixes = Vec::new();
    for field in wrong {
        let held = key_of(known, field).unwrap_or_default();
        let Some(column) = column_of(judged, row, field) else {
            continue;
        };
        let typed = judged.cell(row, &column);
        if !typed.trim().is_empty() && typed != held {
            fixes.push(cell(row, column, held));
        }
    }
    Ok(fixes)
}

fn cell(row: RowNumber, column: String, value: String) -> Fix {
    Fix {
        place: Place::Cell(row, column),
        what: Fixed::Value(value),
    }
}

fn column_of(judged: &Judged, row: RowNumber, field: Field) -> Option<String> {
    let file = judged.written.rows.get(&row)?.file;
    judged.keys.get(file)?.get(&field).cloned()
}

fn no_column(row: RowNumber) -> Refusal {
    let what = format!(
        "the list has no column for a key of row {}",
        u64::from(row) + 1
    );
    Refusal::new(Code::UsageInvalid, what).help("correct the list, and import it again")
}
