//! `/runs/{run}`: the Import Summary. Its counts are those of `summary.json`.

use maud::{Markup, html};

use super::{
    address, asked, code, counted, kind_word, link_of, name, outcome_meaning, outcome_word,
    rows_with, state_word,
};
use crate::admin::Role;
use crate::console::ask::{Answer, Ask, Page};
use crate::console::invite::count_ahead;
use crate::console::page::{self, encoded, prose, visible};
use crate::issue::Code;
use crate::outcome::{Counts, Outcome};
use crate::refusal::Result;
use crate::report::html::parts;
use crate::report::human::{doubts, duration, not_used, only_kept};
use crate::runs;
use crate::safeguard::{Safeguard, SafeguardDecision};
use crate::store::runs::RunRecord;
use crate::summary::{Example, Input, IssueCount, Summary, Undone};

/// `/runs/{run}`.
pub(crate) fn page_of_run(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    let title = name(ask, &run);
    if run.summary.is_none() {
        return Ok(Page::new("/runs", title, interrupted(ask, &run)).into());
    }
    let summary = runs::up_to_date(&run, Some(ask.store))?;
    count_ahead(ask, &run);
    let undos = ask.store.find_undos(&run.id)?;
    let undone_by = undos.first().map(|undo| undo.id.clone());
    let body = html! {
        (about(ask, &run, &summary, undone_by.as_deref()))
        @if let Some(undone) = &summary.undo {
            (undo(ask, &summary, undone))
            @if undone_by.is_none() { (undo_again(ask, &run.id)) }
        }
        @else if summary.groups.is_none() {
            (next(ask, &summary, undone_by.is_some()))
            (outcomes(ask, &summary))
            (issues(ask, &summary))
            @if !summary.safeguards.is_empty() { (safeguards(ask, &summary)) }
            @if !summary.leavers.is_empty() { (leavers(ask, &summary)) }
            div.columns {
                @if summary.counts.updated > 0 && run.kind == "import" { (changes(ask, &summary)) }
                @if summary.invitations.is_some() { (invitations(ask, &summary)) }
                (cleaning(ask, &summary))
            }
            @for (index, input) in summary.input.iter().enumerate() { (file(ask, index, input)) }
        }
        div.columns {
            (facts(ask, &summary))
            (files(ask, &summary))
        }
        (page::command(ask, &format!("muster show {}", run.id)))
    };
    Ok(Page::new("/runs", title, body).into())
}

fn interrupted(ask: &Ask, run: &RunRecord) -> Markup {
    html! {
        section {
            p { (ask.t("This run is still running, or was interrupted before its summary was written.")) }
            p { (ask.t("If it was interrupted: start the same import again. It continues where it stopped, and nothing is written twice.")) }
            p.small { (ask.t("Begun")) " " (ask.time(&run.started_at)) ", " (state_word(ask, &run.state)) }
        }
        (page::command(ask, &format!("muster show {}", run.id)))
    }
}

/// When it was, and what is to be known before all else.
fn about(ask: &Ask, run: &RunRecord, summary: &Summary, undone_by: Option<&str>) -> Markup {
    let doubts = doubts(summary);
    let times = &summary.run;
    html! {
        p.faint {
            (kind_word(ask, run)) " · " span.id { (run.id) }
            @if let Some(took) = duration(&times.started_at, &times.finished_at) { " · " (took) }
            @if run.state != "finished" { " · " (state_word(ask, &run.state)) }
        }
        @if let Some(id) = undone_by {
            p.note { (ask.t("This run was undone:")) " " (link_of(ask, id)) }
        }
        @if let Some(approval) = &times.approves {
            p.note {
                (ask.t("This run wrote what a safeguard had held of")) " "
                (link_of(ask, &approval.of)) ". "
                @if let Some(by) = &approval.by { (ask.t("Approved by:")) " " (visible(by)) ". " }
                @if let Some(reason) = &approval.reason { (ask.t("Reason:")) " " (visible(reason)) }
            }
        }
        @for fixed in &summary.resubmitted {
            p.note {
                (ask.counted(fixed.fixed, "This run fixed 1 row of", "This run fixed {n} rows of")) " "
                (link_of(ask, &fixed.run))
                ". " (ask.counted(fixed.left, "1 of its rows is left.", "{n} of its rows are left."))
            }
        }
        @if run.kind == "check" { p.note { (ask.t("A check writes nothing to the accounts.")) } }
        @if !doubts.is_empty() {
            div.warning role="note" { @for doubt in &doubts { p { (prose(&ask.said(doubt))) } } }
        }
    }
}

/// What can be done now, most urgent first.
fn next(ask: &Ask, summary: &Summary, is_undone: bool) -> Markup {
    let run = &summary.run.id;
    let is_import = summary.run.kind == "import";
    let left = summary.open.as_ref().map_or(0, |open| open.left);
    let created = summary.counts.created;
    let doubtful = doubtful(summary);
    html! {
        section aria-labelledby="next" {
            h2 id="next" { (ask.t("What to do next")) }
            @if is_import && left > 0 {
                div.row {
                    p { strong { (ask.counted(left, "1 row needs fixing.", "{n} rows need fixing.")) } " " (ask.t("They are not in the accounts.")) }
                    a.button href=(address(run, "/fix")) { (ask.t("Fix rows")) }
                }
            }
            @if is_import && left > 0 && doubtful {
                div.row {
                    p { strong { (ask.t("Some rows may be about somebody you already have.")) } " " (ask.t("Only you can tell.")) }
                    a.button href=(address(run, "/decide")) { (ask.t("Decide who they are")) }
                }
            }
            @if is_import && summary.is_held() {
                div.row {
                    p { strong { (ask.t("A safeguard holds changes back.")) } " " (ask.t("Look at them, then approve them or leave them.")) }
                    a.button href=(address(run, "/held")) { (ask.t("Review what is held")) }
                }
            }
            @if is_import && created > 0 && !is_undone {
                div.row {
                    p { (ask.counted(created, "1 new person. Nobody is mailed until you say so.", "{n} new people. Nobody is mailed until you say so.")) }
                    @if ask.may(Role::Operator) {
                        a.button href=(address(run, "/invite")) { (ask.t("Invite users")) }
                        a.button.second href=(address(run, "/reset")) { (ask.t("Send password reset")) }
                    }
                }
            }
            @if !is_import {
                p { (ask.t("To write what was checked, import the list.")) " " a href="/import" { (ask.t("Import a list")) } }
            }
            @if is_import && !is_undone { (way_to_undo(ask, run)) }
        }
    }
}

/// The link to the undo of a run, for who may.
fn way_to_undo(ask: &Ask, run: &str) -> Markup {
    html! {
        @if ask.may(Role::Approver) {
            p { a href=(address(run, "/undo")) { (ask.t("Undo this run")) } " " span.faint { (ask.t("You see first what would go back.")) } }
        }
    }
}

/// An undo is a run, too: what can be done now.
fn undo_again(ask: &Ask, run: &str) -> Markup {
    html! {
        @if ask.may(Role::Approver) {
            section aria-labelledby="next" {
                h2 id="next" { (ask.t("What to do next")) }
                p { (ask.t("An undo can be undone.")) }
                (way_to_undo(ask, run))
            }
        }
    }
}

/// Whether rows wait for somebody who knows the people.
pub(crate) fn doubtful(summary: &Summary) -> bool {
    let is_it = |issue: &IssueCount| DOUBTFUL.iter().any(|code| code.name() == issue.code);
    summary.issues.iter().any(is_it)
}

/// The codes of rows that may be about a known account.
pub(crate) const DOUBTFUL: [Code; 5] = [
    Code::MatchReturned,
    Code::MatchZeros,
    Code::MatchOtherPerson,
    Code::MatchAmbiguous,
    Code::MatchConflict,
];

fn outcomes(ask: &Ask, summary: &Summary) -> Markup {
    let (run, counts) = (&summary.run.id, &summary.counts);
    let sum: u64 = Outcome::ALL.iter().map(|outcome| counts.of(*outcome)).sum();
    let share = |count: u64| format!("{:.1} %", count as f64 * 100.0 / sum.max(1) as f64);
    let present = Outcome::ALL
        .into_iter()
        .filter(|outcome| counts.of(*outcome) > 0);
    html! {
        section aria-labelledby="outcomes" {
            h2 id="outcomes" { (ask.t("What happened to the rows")) }
            (bar(ask, counts))
            div.scroll { table.cards {
                caption.hidden { (ask.t("What happened to the rows")) }
                thead { tr { th scope="col" { (ask.t("Outcome")) } th.number scope="col" { (ask.t("Rows")) } th.number scope="col" { (ask.t("Share")) } th scope="col" { (ask.t("Meaning")) } } }
                tbody {
                    @for outcome in present {
                        @let count = counts.of(outcome);
                        tr {
                            th scope="row" { svg.swatch width="12" height="12" aria-hidden="true" { rect class=(outcome.name()) width="12" height="12" rx="3" {} } " " (outcome_word(ask, outcome)) }
                            td.number data-label=(ask.t("Rows")) { (counted(ask, count, &rows_with(run, "outcome", outcome.name()))) }
                            td.number data-label=(ask.t("Share")) { (share(count)) }
                            td { (outcome_meaning(ask, outcome)) }
                        }
                    }
                }
                tfoot { tr {
                    th scope="row" { (ask.t("rows read")) }
                    td.number data-label=(ask.t("Rows")) { (counted(ask, counts.read, &address(run, "/rows"))) }
                    td {} td { (ask.t("The sum of the lines above.")) }
                } }
            } }
        }
    }
}

fn bar(ask: &Ask, counts: &Counts) -> Markup {
    let parts = parts(counts);
    let words = parts.iter().map(|(outcome, ..)| {
        let number = ask.number(counts.of(*outcome));
        format!("{number} {}", outcome_word(ask, *outcome))
    });
    let words: Vec<String> = words.collect();
    html! {
        @if !parts.is_empty() {
            svg.stack width="100%" height="36" role="img" aria-label=(words.join(", ")) {
                @for (outcome, start, width) in &parts {
                    rect class=(outcome.name()) x=(format!("{start:.3}%")) y="0" width=(format!("{width:.3}%")) height="36" {}
                }
            }
        }
    }
}

fn issues(ask: &Ask, summary: &Summary) -> Markup {
    let of = |severities: &[&str]| -> Vec<&IssueCount> {
        let issues = summary.issues.iter();
        issues
            .filter(|issue| severities.contains(&issue.severity.as_str()))
            .collect()
    };
    let (errors, others) = (of(&["reject", "refuse"]), of(&["warning", "note"]));
    html! {
        @if !errors.is_empty() {
            section aria-labelledby="errors" {
                h2 id="errors" { (ask.t("Problems that keep rows out")) }
                (issue_table(ask, summary, &errors))
            }
        }
        @if !others.is_empty() {
            section aria-labelledby="warnings" {
                h2 id="warnings" { (ask.t("Warnings and notes")) }
                p.small { (ask.t("None of these rejects a row. But a row can be held because of one, or rejected for another reason. Look at them before you invite people.")) }
                (issue_table(ask, summary, &others))
            }
        }
        @if summary.issues.is_empty() {
            section aria-labelledby="errors" {
                h2 id="errors" { (ask.t("Problems")) }
                p { (ask.t("None.")) }
            }
        }
    }
}

fn issue_table(ask: &Ask, summary: &Summary, issues: &[&IssueCount]) -> Markup {
    html! {
        div.scroll { table.cards {
            caption.hidden { (ask.t("Problems")) }
            thead { tr { th scope="col" { (ask.t("Problem")) } th scope="col" { (ask.t("What to do")) } th.number scope="col" { (ask.t("Count")) } } }
            tbody { @for issue in issues { (issue_line(ask, summary, issue)) } }
        } }
    }
}

fn issue_line(ask: &Ask, summary: &Summary, issue: &IssueCount) -> Markup {
    let known = Code::ALL.iter().find(|code| code.name() == issue.code);
    let fix = known.map_or("", |code| code.fix());
    html! {
        tr {
            th scope="row" {
                (code(ask, &issue.code))
                @if !issue.examples.is_empty() {
                    details {
                        summary { (ask.t("Examples")) }
                        ul { @for example in &issue.examples { li { (example_text(ask, example)) } } }
                        p.small { (ask.t("Personal values in examples are masked.")) }
                    }
                }
            }
            td data-label=(ask.t("What to do")) { (prose(ask.t(fix))) }
            td.number data-label=(ask.t("Count")) { (counted(ask, issue.count, &rows_with(&summary.run.id, "code", &issue.code))) }
        }
    }
}

fn example_text(ask: &Ask, example: &Example) -> Markup {
    html! {
        @if example.line > 0 { (ask.t("line")) " " (ask.number(example.line)) }
        @if let Some(column) = &example.column { ", " (visible(column)) }
        @if !example.found.is_empty() { ": " (visible(&example.found)) }
        @if !example.detail.is_empty() { " – " (prose(&ask.said(&example.detail))) }
    }
}

fn safeguards(ask: &Ask, summary: &Summary) -> Markup {
    html! {
        section aria-labelledby="safeguards" {
            h2 id="safeguards" { (ask.t("Safeguards")) }
            p.small { (ask.t("Each kind of change has a limit for a run, and one for all runs of a time. What is over a limit is held.")) }
            div.scroll { table.cards {
                caption.hidden { (ask.t("Safeguards")) }
                thead { tr {
                    th scope="col" { (ask.t("Kind of change")) } th scope="col" { (ask.t("Decision")) } th.number scope="col" { (ask.t("In this run")) }
                    th.number scope="col" { (ask.t("At most")) } th.number scope="col" { (ask.t("Rows held")) }
                } }
                tbody { @for safeguard in &summary.safeguards { (safeguard_line(ask, summary, safeguard)) } }
            } }
        }
    }
}

fn safeguard_line(ask: &Ask, summary: &Summary, safeguard: &Safeguard) -> Markup {
    let (class, word) = match safeguard.decision {
        SafeguardDecision::Passed => ("note", ask.t("within the limit")),
        SafeguardDecision::Allowed => ("warning", ask.t("allowed")),
        SafeguardDecision::Held => ("reject", ask.t("held")),
    };
    let held =
        crate::safeguard::Class::from_name(&safeguard.class).map(|class| class.code().name());
    html! {
        tr {
            th scope="row" { (super::held::class_word(ask, &safeguard.class)) @for finding in &safeguard.findings { div.small { (prose(&ask.said(finding))) } } }
            td {
                span class={ "badge " (class) } { (word) }
                @if let Some(run) = &safeguard.approved_in { " " a href=(address(run, "")) { (ask.t("approved")) } }
            }
            td.number data-label=(ask.t("In this run")) { (ask.number(safeguard.count)) }
            td.number data-label=(ask.t("At most")) { @if let Some(limit) = safeguard.limit { (ask.number(limit)) } @else { (ask.t("no limit")) } }
            td.number data-label=(ask.t("Rows held")) { @if let Some(code) = held { (counted(ask, safeguard.held, &rows_with(&summary.run.id, "code", code))) } }
        }
    }
}

fn leavers(ask: &Ask, summary: &Summary) -> Markup {
    let all: u64 = summary.leavers.values().sum();
    html! {
        section aria-labelledby="leavers" {
            h2 id="leavers" { (ask.t("People whom no row names")) }
            ul { @for (what, count) in &summary.leavers { li { (ask.number(*count)) " " (leaver_word(ask, what)) } } }
            @if !summary.leaver_examples.is_empty() {
                div.scroll { table.cards {
                    caption { (ask.tf("The first {n} of {all}, masked", &[("n", &summary.leaver_examples.len()), ("all", &ask.number(all))])) }
                    thead { tr { th scope="col" { (ask.t("Person")) } th scope="col" { (ask.t("What happens")) } th scope="col" { (ask.t("Why")) } } }
                    tbody { @for leaver in &summary.leaver_examples { tr {
                        th scope="row" { (visible(&leaver.who)) }
                        td { (leaver_word(ask, &leaver.what)) }
                        td { (leaver_reason(ask, &leaver.why)) }
                    } } }
                } }
            }
            @if let Some(file) = summary.files.get("leavers").filter(|_| ask.may(Role::Operator)) {
                p { a href=(file_address(&summary.run.id, file)) { (ask.t("Download all of them")) } }
            }
        }
    }
}

fn leaver_word<'a>(ask: &Ask, what: &'a str) -> &'a str {
    match what {
        "deactivated" => ask.t("deactivated"),
        "activated" => ask.t("activated"),
        "waiting" => ask.t("waiting"),
        "protected" => ask.t("protected"),
        "held" => ask.t("held"),
        other => other,
    }
}

fn leaver_reason<'a>(ask: &Ask, why: &'a str) -> &'a str {
    match why {
        "missing" => ask.t("missing from the list"),
        "end_date" => ask.t("the last day is over"),
        "start_date" => ask.t("the first day has come"),
        other => other,
    }
}

fn changes(ask: &Ask, summary: &Summary) -> Markup {
    html! {
        section aria-labelledby="changes" {
            h2 id="changes" { (ask.t("What changed")) }
            p { (counted(ask, summary.counts.updated, &address(&summary.run.id, "/changes"))) " " (ask.t("accounts changed: each value before and after")) }
        }
    }
}

fn invitations(ask: &Ask, summary: &Summary) -> Markup {
    let funnel = summary.invitations.unwrap_or_default();
    html! {
        section aria-labelledby="invited" {
            h2 id="invited" { (ask.t("Invitations")) }
            p { (ask.counted(funnel.invited, "1 person was invited.", "{n} people were invited.")) }
            p { a href={ "/invitations?run=" (encoded(&summary.run.id)) } { (ask.t("See the invitations")) } }
        }
    }
}

fn cleaning(ask: &Ask, summary: &Summary) -> Markup {
    html! {
        section aria-labelledby="cleaning" {
            h2 id="cleaning" { (ask.t("What cleaning changed")) }
            @if summary.cleaned.is_empty() { p { (ask.t("Nothing: every value is as in the file.")) } }
            @else {
                table {
                    caption.hidden { (ask.t("What cleaning changed")) }
                    thead { tr { th scope="col" { (ask.t("Rule")) } th.number scope="col" { (ask.t("Values")) } } }
                    tbody { @for (rule, count) in &summary.cleaned { tr {
                        th scope="row" { (rule_title(ask, rule)) }
                        td.number { (counted(ask, *count, &rows_with(&summary.run.id, "cleaned", rule))) }
                    } } }
                }
            }
        }
    }
}

fn rule_title(ask: &Ask, name: &str) -> Markup {
    let rule = crate::rule::Rule::ALL
        .iter()
        .find(|rule| rule.name() == name);
    html! { @match rule { Some(rule) => (ask.t(rule.title())), None => (visible(name)) } }
}

fn file(ask: &Ask, index: usize, input: &Input) -> Markup {
    let id = format!("file-{index}");
    let name = input.path.rsplit('/').next().unwrap_or(&input.path);
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (ask.t("What was read")) ": " (visible(name)) }
            dl.facts {
                (fact(ask.t("Rows"), html! { (ask.number(input.rows)) }))
                (fact(ask.t("Format"), html! { (visible(&input.format)) @if let Some(sheet) = &input.sheet { ", " (ask.t("sheet")) " " (visible(sheet)) } }))
                @if let Some(encoding) = &input.encoding { (fact(ask.t("Encoding"), visible(encoding))) }
                (fact(ask.t("Size"), html! { (ask.number(input.bytes)) " bytes" }))
            }
            @if !input.detected.is_empty() || !input.unmapped.is_empty() {
                ul {
                    @for detected in &input.detected { li { (prose(&ask.said(detected))) } }
                    @for sentence in not_used(&input.unmapped) { li { (prose(&ask.said(&sentence))) } }
                    @if !only_kept(&input.unmapped).is_empty() { li { (ask.t("Kept as custom attributes:")) " " (visible(&only_kept(&input.unmapped).join(", "))) } }
                }
            }
            @if !input.columns.is_empty() {
                details {
                    summary { (ask.t("Columns")) }
                    table {
                        caption.hidden { (ask.t("Columns")) }
                        thead { tr { th scope="col" { (ask.t("Column of the file")) } th scope="col" { (ask.t("Taken as")) } } }
                        tbody { @for column in &input.columns { tr { th scope="row" { (visible(&column.header)) } td { (visible(&column.mapped_to)) } } } }
                    }
                }
            }
        }
    }
}

fn fact(name: &str, value: Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn facts(ask: &Ask, summary: &Summary) -> Markup {
    let run = &summary.run;
    // A database of this machine is found in a folder.
    let database = run
        .matched_against
        .split("?host=/")
        .next()
        .unwrap_or_default();
    html! {
        section aria-labelledby="run" {
            h2 id="run" { (ask.t("The run")) }
            dl.facts {
                (fact(ask.t("Run"), html! { span.id { (run.id) } }))
                (fact(ask.t("Begun"), ask.time(&run.started_at)))
                (fact(ask.t("Ended"), ask.time(&run.finished_at)))
                (fact(ask.t("State"), html! { (state_word(ask, &run.state)) }))
                @if !summary.pipeline.name.is_empty() { (fact(ask.t("Pipeline"), visible(&summary.pipeline.name))) }
                (fact(ask.t("Database"), visible(database)))
            }
            @if ask.may(Role::Approver) { p { a href={ "/audit?about=" (encoded(&run.id)) } { (ask.t("Who did it: the audit")) } } }
        }
    }
}

/// The address of a file of a run.
pub(crate) fn file_address(run: &str, file: &str) -> String {
    format!("{}/{}", address(run, "/files"), encoded(file))
}

fn files(ask: &Ask, summary: &Summary) -> Markup {
    let word = |name: &str| match name {
        name if name.starts_with("corrections") => ask.t("Rows to fix, with reasons"),
        "leavers" => ask.t("People whom no row names"),
        "ledger" => ask.t("Every row and its outcome (Parquet)"),
        "plan" => ask.t("What is held (Parquet)"),
        "page" => ask.t("This summary with all values, to keep"),
        "summary" => ask.t("This summary for programs (JSON)"),
        "kept" => ask.t("What the undo left as it is"),
        _ => ask.t("File"),
    };
    html! {
        @if !summary.files.is_empty() {
            section aria-labelledby="files" {
                h2 id="files" { (ask.t("Files")) }
                @if ask.may(Role::Operator) {
                    p.small { (ask.t("Most of them have personal values in full. Keep them only where you may keep the list itself.")) }
                    ul { @for (name, file) in &summary.files { li { a href=(file_address(&summary.run.id, file)) { (visible(file)) } " " span.faint { (word(name)) } } } }
                } @else {
                    p { (ask.t("Files have personal values in full. You need the role operator to download them.")) }
                }
            }
        }
    }
}

// --- undos ---------------------------------------------------------------------------------------

/// What an undo did, or would do.
pub(crate) fn undo(ask: &Ask, summary: &Summary, undone: &Undone) -> Markup {
    let counts = [
        (ask.t("accounts as they were before"), undone.changed_back),
        (ask.t("accounts removed"), undone.removed),
        (ask.t("accounts restored"), undone.returned),
        (
            ask.t("accounts that can't be removed and are deactivated instead"),
            undone.deactivated,
        ),
        (ask.t("nothing to do"), summary.counts.unchanged),
        (ask.t("refused by the database"), summary.counts.failed),
        (ask.t("groups removed"), undone.groups_removed),
        (ask.t("groups restored"), undone.groups_returned),
        (ask.t("invitations cancelled"), undone.invitations_cancelled),
        (
            ask.t("values, accounts and groups that aren't simply undone"),
            undone.kept,
        ),
    ];
    let some = counts.iter().filter(|(_, count)| *count > 0);
    html! {
        section aria-labelledby="undone" {
            h2 id="undone" { @if summary.run.state == "planned" { (ask.t("What would go back")) } @else { (ask.t("What went back")) } }
            @if counts.iter().all(|(_, count)| *count == 0) { p { (ask.t("Nothing is left to undo.")) } }
            @else { table {
                caption.hidden { (ask.t("Counts")) }
                thead.hidden { tr { th scope="col" { (ask.t("What")) } th scope="col" { (ask.t("Count")) } } }
                tbody { @for (what, count) in some { tr { th scope="row" { (what) } td.number { (ask.number(*count)) } } } }
            } }
        }
        @if !undone.examples.is_empty() {
            section aria-labelledby="kept" {
                h2 id="kept" { (ask.t("What isn't simply undone, and why")) }
                div.scroll { table.cards {
                    caption { (ask.tf("{n} of {all}, masked", &[("n", &undone.examples.len()), ("all", &ask.number(undone.kept))])) }
                    thead { tr { th scope="col" { (ask.t("Whose")) } th scope="col" { (ask.t("What")) } th scope="col" { (ask.t("Why")) } } }
                    tbody { @for kept in &undone.examples { tr {
                        th scope="row" { @if kept.who.is_empty() { (visible(&kept.id)) } @else { (visible(&kept.who)) } }
                        td { (visible(&kept.field)) }
                        td { (visible(&ask.said(&kept.reason))) }
                    } } }
                } }
            }
        }
    }
}
