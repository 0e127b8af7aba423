//! What a check found and what an import would do; then exactly that is imported.

use maud::{Markup, html};
use uuid::Uuid;

use super::columns::{check, cut, plan_of};
use super::{asked, rows, shown_path};
use crate::admin::Role;
use crate::console::ask::{Answer, Ask, Page};
use crate::console::jobs::{self, Work};
use crate::console::page::{self, command, form, prose, visible};
use crate::console::steps::steps;
use crate::issue::Code;
use crate::outcome::Counts;
use crate::refusal::{Refusal, Result};
use crate::runs;
use crate::safeguard::{Safeguard, SafeguardDecision};
use crate::store;
use crate::store::jobs::{Job, JobState};
use crate::store::rules::SECOND_PERSON;
use crate::store::uploads::Upload;
use crate::summary::{IssueCount, Summary};
use crate::text::shell;

/// Which field of the page was filled in wrongly.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrong {
    /// The number of accounts that change.
    Number,
    /// A number of planned changes that a safeguard holds.
    Allowed,
}

/// A check of an upload, and what it found.
struct Checked {
    upload: Upload,
    job: Job,
    summary: Summary,
}

impl Checked {
    /// How many accounts it would close, open or otherwise change by their absence or their dates.
    fn leavers(&self, what: &str) -> u64 {
        self.summary.leavers.get(what).copied().unwrap_or_default()
    }

    /// How many accounts would be closed, for whatever reason.
    fn deactivated(&self) -> u64 {
        let safeguards = self.summary.safeguards.iter();
        let closing = safeguards.filter(|one| one.class == "deactivate");
        let written = closing.filter(|one| one.decision != SafeguardDecision::Held);
        written
            .map(|one| one.count)
            .sum::<u64>()
            .max(self.leavers("deactivated"))
    }

    /// How many accounts would change and stay open: rows that close one are counted apart.
    fn updated(&self) -> u64 {
        let closed = self
            .deactivated()
            .saturating_sub(self.leavers("deactivated"));
        self.summary.counts.updated.saturating_sub(closed)
    }

    /// How many accounts would change in all.
    fn changes(&self) -> u64 {
        let counts = &self.summary.counts;
        let leavers = self.leavers("deactivated") + self.leavers("activated");
        counts.created + counts.updated + leavers
    }

    /// Whether the number is typed before it is done.
    fn is_grave(&self) -> bool {
        let mut safeguards = self.summary.safeguards.iter();
        self.deactivated() > 0 || safeguards.any(|one| one.decision == SafeguardDecision::Allowed)
    }

    /// Who may do it.
    fn needs(&self) -> Role {
        if self.is_grave() {
            Role::Approver
        } else {
            Role::Operator
        }
    }

    fn address(&self) -> String {
        format!("/import/{}/plan/{}", self.upload.id, self.job.id)
    }

    fn held(&self) -> impl Iterator<Item = &Safeguard> {
        let safeguards = self.summary.safeguards.iter();
        safeguards.filter(|one| one.decision == SafeguardDecision::Held)
    }
}

/// The check of the path; another answer where there is none that can be shown.
fn checked(ask: &Ask) -> Result<std::result::Result<Checked, Answer>> {
    let Some(upload) = asked(ask)? else {
        return Ok(Err(Answer::Missing));
    };
    let Ok(id) = ask.part("job").parse::<Uuid>() else {
        return Ok(Err(Answer::Missing));
    };
    let job = ask.store.job(id)?;
    let is_its = job.kind == "check" && job.about == upload.id.to_string();
    if !is_its {
        return Ok(Err(Answer::Missing));
    }
    let printed = job.stdout.as_deref();
    let printed = printed.and_then(|json| serde_json::from_str(json).ok());
    // A summary that is too long for the job is in the folder of the run.
    let summary = match (printed, &job.run) {
        (None, Some(run)) if job.state == JobState::Ended => runs::of_id(ask.store, run)?.summary,
        (printed, _) => printed,
    };
    match summary {
        Some(summary) if job.state == JobState::Ended => Ok(Ok(Checked {
            upload,
            job,
            summary,
        })),
        _ => Ok(Err(Answer::See(format!("/jobs/{id}?stay=1")))),
    }
}

/// `/import/{upload}/plan/{job}`.
pub(crate) fn page(ask: &mut Ask) -> Result<Answer> {
    match checked(ask)? {
        Ok(checked) => Ok(shown(ask, &checked, None)?.into()),
        Err(answer) => Ok(answer),
    }
}

fn shown(ask: &Ask, checked: &Checked, wrong: Option<Wrong>) -> Result<Page> {
    let summary = &checked.summary;
    let run = page::encoded(&summary.run.id);
    let is_newest = checked.upload.settings.check == Some(checked.job.id);
    let body = html! {
        (steps(ask, 3))
        @if !is_newest {
            div.warning role="status" { p { (ask.t("This file was checked again since.")) } @if let Some(check) = checked.upload.settings.check { p { a href={ "/import/" (checked.upload.id) "/plan/" (check) } { (ask.t("See the newest check")) } } } }
        }
        section aria-labelledby="what" {
            h2 id="what" { (ask.t("What the import would do")) }
            p.lead { (sentence(ask, checked)) }
            (counts(ask, &summary.counts, &run))
            p { a href={ "/runs/" (run) } { (ask.t("See everything that was found and would change")) } }
        }
        (issues(ask, checked))
        (safeguards(ask, checked, wrong == Some(Wrong::Allowed))?)
        @if is_newest { (confirmation(ask, checked, wrong == Some(Wrong::Number))?) }
        (read(ask, checked))
        (command(ask, &shell::command(&checked.job.args)))
    };
    let page = Page::new("/import", &checked.upload.name, body);
    Ok(match wrong {
        Some(_) => page.refusing(),
        None => page,
    })
}

/// `Create 167, update 3, deactivate 0. Nobody is mailed.`
fn sentence(ask: &Ask, checked: &Checked) -> String {
    let counts = &checked.summary.counts;
    let mut text = ask.tf(
        "Create {created}, update {updated}, deactivate {deactivated}.",
        &[
            ("created", &ask.number(counts.created)),
            ("updated", &ask.number(checked.updated())),
            ("deactivated", &ask.number(checked.deactivated())),
        ],
    );
    let activated = checked.leavers("activated");
    if activated > 0 {
        let more = ask.tf("Activate {count}.", &[("count", &ask.number(activated))]);
        text.push(' ');
        text.push_str(&more);
    }
    text + " " + ask.t("Nobody is mailed.")
}

fn counts(ask: &Ask, counts: &Counts, run: &str) -> Markup {
    let lines = [
        ("created", "new people", counts.created),
        ("updated", "changed", counts.updated),
        ("unchanged", "as they are", counts.unchanged),
        (
            "duplicate",
            "rows that are in the file twice",
            counts.duplicate,
        ),
        ("skipped", "skipped", counts.skipped),
        ("rejected", "rows to fix", counts.rejected),
        ("held", "held", counts.held),
    ];
    html! {
        table.counts {
            caption.hidden { (ask.t("Rows by what would happen to them")) }
            tbody {
                @for (outcome, name, count) in lines { @if count > 0 || matches!(outcome, "created" | "updated" | "rejected") {
                    tr {
                        th scope="row" { (ask.t(name)) }
                        td.number { @if count > 0 { a href={ "/runs/" (run) "/rows?outcome=" (outcome) } { (ask.number(count)) } } @else { "0" } }
                    }
                } }
            }
            tfoot { tr { th scope="row" { (ask.t("rows in the file")) } td.number { (ask.number(counts.read)) } } }
        }
    }
}

/// Errors and warnings, apart.
fn issues(ask: &Ask, checked: &Checked) -> Markup {
    let of = |is_error: bool| -> Vec<&IssueCount> {
        let issues = checked.summary.issues.iter();
        issues
            .filter(|issue| (issue.severity == "reject") == is_error)
            .collect()
    };
    let (errors, remarks) = (of(true), of(false));
    html! {
        @if !errors.is_empty() {
            section aria-labelledby="errors" {
                h2 id="errors" { (ask.t("Rows that stay out")) }
                p { (ask.t("All rows were read. These are not imported until they are fixed; the others are.")) }
                (listed(ask, checked, "errors", &errors))
            }
        }
        @if !remarks.is_empty() {
            section aria-labelledby="remarks" {
                h2 id="remarks" { (ask.t("Warnings and notes")) }
                p { (ask.t("None of these rejects a row. But a row can be held because of one, or rejected for another reason. Look at them before you invite people.")) }
                (listed(ask, checked, "remarks", &remarks))
            }
        }
    }
}

fn listed(ask: &Ask, checked: &Checked, labelled: &str, issues: &[&IssueCount]) -> Markup {
    let run = page::encoded(&checked.summary.run.id);
    html! {
        div.scroll tabindex="0" role="region" aria-labelledby=(labelled) { table.words {
            caption.hidden { (ask.t("What was found")) }
            thead { tr { th scope="col" { (ask.t("What was found")) } th.number scope="col" { (ask.t("Rows")) } th scope="col" { (ask.t("For example")) } } }
            tbody { @for issue in issues { tr {
                th scope="row" { (prose(ask.title(&issue.code))) " " code.faint { (visible(&issue.code)) } }
                td.number { a href={ "/runs/" (run) "/rows?code=" (page::encoded(&issue.code)) } { (ask.number(issue.count)) } }
                td { @if let Some(example) = issue.examples.first() {
                    (ask.tf("line {line}", &[("line", &ask.number(example.line))])) @if !example.found.is_empty() { ": " (visible(&cut(&example.found))) } @if !example.detail.is_empty() { " – " (prose(&ask.said(&example.detail))) }
                } }
            } } }
        } }
    }
}

fn class_name(ask: &Ask, class: &str) -> &'static str {
    ask.t(match class {
        "create" => "New accounts",
        "update" => "Accounts that change",
        "deactivate" => "Accounts that are closed",
        "email_change" => "Other e-mail addresses",
        "role_raise" => "Higher roles",
        "key_change" => "Other ids or usernames",
        "new_groups" => "New groups",
        "seats" => "Seats taken",
        _ => "Doubts about the file as a whole",
    })
}

fn safeguards(ask: &Ask, checked: &Checked, is_wrong: bool) -> Result<Markup> {
    if checked.held().next().is_none() {
        return Ok(html! {});
    }
    let is_second = ask.store.rule(SECOND_PERSON)?;
    Ok(html! {
        section aria-labelledby="safeguards" {
            h2 id="safeguards" { (ask.t("Held by safeguards")) }
            p { (ask.t("These changes are more than one import may do by itself. They are held: the import leaves them out, and somebody can approve them afterwards, exactly as planned.")) }
            div.scroll { table {
                caption.hidden { (ask.t("Held by safeguards")) }
                thead { tr { th scope="col" { (ask.t("Change")) } th.number scope="col" { (ask.t("Planned")) } th.number scope="col" { (ask.t("Limit")) } } }
                tbody { @for one in checked.held() { tr {
                    th scope="row" { (class_name(ask, &one.class)) @for finding in &one.findings { br; span.small { (prose(&ask.said(finding))) } } }
                    td.number { (ask.number(one.count)) }
                    td.number { @match one.limit.or(one.window_limit) { Some(limit) => (ask.number(limit)), None => "–" } }
                } } }
            } }
            @if ask.may(Role::Approver) && !is_second { (allowing(ask, checked, is_wrong)) }
        }
    })
}

fn allowing(ask: &Ask, checked: &Checked, is_wrong: bool) -> Markup {
    html! {
        details open[is_wrong] {
            summary { (ask.t("Plan to import them, too")) }
            (form(ask, &format!("{}/allow", checked.address()), html! {
                p { (ask.t("Type the planned number of each change that is right. The file is checked again with it.")) }
                @if is_wrong {
                    div.problem id="allow-wrong" role="alert" { p { (ask.t("Nothing was checked again. Type the planned number of a change as it is in the table, and leave the other fields empty.")) } }
                }
                @for one in checked.held() {
                    @let name = format!("allow-{}", one.class);
                    @let typed = ask.form.get(&name);
                    @let differs = is_wrong && !typed.is_empty() && number(typed) != Some(one.count);
                    div.field {
                        label for=(name) { (class_name(ask, &one.class)) }
                        input type="text" inputmode="numeric" autocomplete="off" id=(name) name=(name) value=(typed) aria-invalid=[differs.then_some("true")] aria-describedby=[differs.then_some("allow-wrong")];
                    }
                }
                button.second { (ask.t("Check again")) }
            }))
        }
    }
}

/// The form that does it, or why there is none.
fn confirmation(ask: &Ask, checked: &Checked, is_wrong: bool) -> Result<Markup> {
    if let Some(job) = under_way(ask, checked) {
        return Ok(html! {
            div.note role="status" { p { (ask.t("This was imported, or is being imported.")) } p { a href={ "/jobs/" (job) } { (ask.t("See how far it is")) } } }
        });
    }
    let changes = checked.changes();
    if changes == 0 {
        return Ok(nothing(ask, checked));
    }
    if !ask.may(checked.needs()) {
        let needed = checked.needs().name();
        return Ok(html! {
            div.warning role="status" { p { (ask.tf("This closes accounts or is over a limit. It needs the role {needed}.", &[("needed", &needed)])) } }
        });
    }
    let locked = jobs::locked(ask)?;
    Ok(html! {
        section aria-labelledby="confirm" {
            h2 id="confirm" { (ask.t("Import it")) }
            p { (ask.t("Exactly this is imported. Whatever changes meanwhile is held and not overwritten. You can undo it.")) }
            @if let Some(sentence) = locked { div.warning { p { (sentence) " " (ask.t("Wait until it has ended.")) } } }
            (form(ask, &format!("{}/import", checked.address()), html! {
                @if checked.is_grave() {
                    div.field {
                        label for="number" { (ask.tf("Type {count}, the number of accounts that change", &[("count", &changes)])) }
                        input type="text" inputmode="numeric" autocomplete="off" id="number" name="number" value=(ask.form.get("number")) required aria-invalid=[is_wrong.then_some("true")] aria-describedby=[is_wrong.then_some("number-wrong")];
                        @if is_wrong { p.wrong id="number-wrong" role="alert" { (ask.t("This is another number. Nothing was imported.")) } }
                    }
                }
                button.danger[checked.is_grave()] { (ask.tf("Import: {sentence}", &[("sentence", &sentence(ask, checked))])) }
            }))
        }
    })
}

/// Why an import would change nothing.
fn nothing(ask: &Ask, checked: &Checked) -> Markup {
    let counts = &checked.summary.counts;
    let waiting = counts.held + counts.rejected;
    let is_held = checked.held().next().is_some() || checked.leavers("held") > 0;
    let (class, what, why) = match waiting {
        0 if !is_held => (
            "note",
            ask.t("There is nothing to import."),
            ask.t("No row of the file would change anything."),
        ),
        waiting if waiting > 0 && waiting == counts.read => (
            "warning",
            ask.t("Nothing can be imported as it is."),
            ask.t("Every row is held or has to be fixed."),
        ),
        _ => (
            "warning",
            ask.t("Nothing can be imported as it is."),
            ask.t("Some changes are held, or their rows have to be fixed. The other rows would change nothing."),
        ),
    };
    html! {
        div class=(class) role="status" { p { strong { (what) } } p { (why) } }
    }
}

/// The job that imports or has imported the file; none where that can be tried again.
fn under_way(ask: &Ask, checked: &Checked) -> Option<Uuid> {
    let id = checked.upload.settings.import?;
    // A job that was to come and never did is none.
    let job = ask.store.job(id).ok()?;
    let plan = plan_of(&ask.app.home, checked.upload.id, checked.job.id);
    let is_this = job
        .args
        .iter()
        .any(|arg| *arg == plan.display().to_string());
    let is_done = job.exit_code.is_some_and(|code| matches!(code, 0 | 1 | 3));
    (job.state.is_open() || is_this && is_done).then_some(id)
}

/// What was read, and how.
fn read(ask: &Ask, checked: &Checked) -> Markup {
    html! {
        section aria-labelledby="read" {
            h2 id="read" { (ask.t("What was read")) }
            @for input in &checked.summary.input {
                p {
                    (visible(&shown_path(&input.path))) ": " (rows(ask, input.rows)) ", " (input.format)
                    @if let Some(sheet) = &input.sheet { ", " (ask.t("Sheet")) " " (visible(sheet)) }
                    @if let Some(encoding) = &input.encoding { ", " (visible(encoding)) }
                }
                @if !input.detected.is_empty() { ul { @for line in &input.detected { li { (prose(&ask.said(line))) } } } }
            }
            p { a href={ "/import/" (checked.upload.id) } { (ask.t("Change the columns or how the file is read")) } }
        }
    }
}

/// `/import/{upload}/plan/{job}/allow`: checks again, and lets through what was typed.
pub(crate) fn allow(ask: &mut Ask) -> Result<Answer> {
    let mut checked = match checked(ask)? {
        Ok(checked) => checked,
        Err(answer) => return Ok(answer),
    };
    if ask.store.rule(SECOND_PERSON)? {
        let what = "who imports a list may not let through what safeguards hold of it";
        let help = "import it; then somebody else can approve what is held";
        return Err(Refusal::new(Code::UsageInvalid, what).help(help));
    }
    let typed = |one: &Safeguard| ask.form.get(&format!("allow-{}", one.class)).to_string();
    let filled: Vec<(&Safeguard, String)> = checked
        .held()
        .map(|one| (one, typed(one)))
        .filter(|(_, typed)| !typed.is_empty())
        .collect();
    let is_right = |(one, typed): &(&Safeguard, String)| number(typed) == Some(one.count);
    if filled.is_empty() || !filled.iter().all(is_right) {
        return Ok(shown(ask, &checked, Some(Wrong::Allowed))?.into());
    }
    let wanted: Vec<(String, u64)> = filled
        .iter()
        .map(|(one, _)| (one.class.clone(), one.count))
        .collect();
    let job = check(ask, &mut checked.upload, &wanted)?;
    Ok(Answer::See(format!("/jobs/{job}")))
}

/// A number as people type it.
fn number(text: &str) -> Option<u64> {
    let digits = text.replace([',', '.', ' ', '\u{a0}'], "");
    digits.parse().ok()
}

/// `/import/{upload}/plan/{job}/import`: imports exactly what was shown.
pub(crate) fn import(ask: &mut Ask) -> Result<Answer> {
    let checked = match checked(ask)? {
        Ok(checked) => checked,
        Err(answer) => return Ok(answer),
    };
    if let Some(job) = under_way(ask, &checked) {
        return Ok(Answer::See(format!("/jobs/{job}")));
    }
    let is_newest = checked.upload.settings.check == Some(checked.job.id);
    if !is_newest || checked.changes() == 0 || !ask.may(checked.needs()) {
        return Ok(Answer::See(checked.address()));
    }
    if checked.is_grave() && number(ask.form.get("number")) != Some(checked.changes()) {
        return Ok(shown(ask, &checked, Some(Wrong::Number))?.into());
    }
    let id = store::new_id()?;
    let upload = &checked.upload;
    if !ask
        .store
        .claim_upload(upload.id, upload.settings.import, id)?
    {
        // Somebody else was quicker; their job is the one.
        return Ok(match ask.store.upload(upload.id)?.settings.import {
            Some(job) => Answer::See(format!("/jobs/{job}")),
            None => Answer::See(checked.address()),
        });
    }
    let plan = plan_of(&ask.app.home, upload.id, checked.job.id);
    let work = Work {
        kind: "import",
        args: vec![
            "apply".to_string(),
            plan.display().to_string(),
            "--json".to_string(),
        ],
        stdin: None,
        about: upload.id.to_string(),
        leads_to: "/runs/{run}".to_string(),
    };
    let job = jobs::start_as(ask, id, work)?;
    Ok(Answer::See(format!("/jobs/{job}")))
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_taken_as_people_type_them() {
        assert_eq!(number("1,234"), Some(1234));
        assert_eq!(number("1.234"), Some(1234));
        assert_eq!(number("1 234"), Some(1234));
        assert_eq!(number("yes"), None);
    }
}
