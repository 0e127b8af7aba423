//! `/people/selection/{selection}`: changes the people who were chosen, after a preview.

use maud::{Markup, html};
use uuid::Uuid;

use super::list::{choice_of, definition, table};
use super::parts::{
    PER_PAGE, choice, counted, list_of, new_file, offset, pages, same, visible_lines,
};
use crate::admin::Role;
use crate::console::ask::{Answer, Ask, Page};
use crate::console::jobs::{self, Work};
use crate::console::page::{command, form, visible};
use crate::definition::Definition;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::safeguard::SafeguardDecision;
use crate::store::jobs::Job;
use crate::store::people::Choice;
use crate::store::selections::Kept;
use crate::summary::Summary;

/// How many of the newest jobs are looked through for the preview.
const JOBS_LOOKED_AT: u32 = 200;

/// The selection of the path, and whom it means.
pub(crate) fn chosen(ask: &Ask) -> Result<Option<(Kept, Choice)>> {
    let Ok(id) = ask.part("selection").parse::<Uuid>() else {
        return Ok(None);
    };
    let Some(kept) = ask.store.kept_selection(id, "people")? else {
        return Ok(None);
    };
    let choice = choice_of(ask, &kept)?;
    Ok(Some((kept, choice)))
}

/// `/people/selection/{selection}`.
pub(crate) fn page(ask: &mut Ask) -> Result<Answer> {
    let Some((kept, choice)) = chosen(ask)? else {
        return Ok(Answer::Missing);
    };
    let here = format!("/people/selection/{}", kept.id);
    let (total, _) = ask.store.count_people(&choice)?;
    let people = ask.store.list_people(&choice, &[], offset(ask), PER_PAGE)?;
    let left_out = kept.except.len() as u64;
    let body = html! {
        p { (counted(ask, total, "1 person is chosen.", "{n} people are chosen.")) " " a href="/people" { (ask.t("Choose others")) } }
        @if total > 0 {
            div.columns {
                (change_form(ask, &here, &definition()?)?)
                (mail_links(ask, &here))
            }
        }
        section aria-labelledby="who" {
            h2 #who { (ask.t("Who is chosen")) }
            (form(ask, &format!("{here}/leave-out"), html! {
                (table(ask, &people, true))
                (pages(ask, total))
                button.second { (ask.t("Leave out those with a tick")) }
            }))
            @if left_out > 0 {
                (form(ask, &format!("{here}/take-in"), html! {
                    p { (counted(ask, left_out, "1 is left out by hand.", "{n} are left out by hand.")) }
                    button.second { (ask.t("Take them in again")) }
                }))
            }
        }
    };
    Ok(Page::new("/people", ask.t("Chosen people"), body).into())
}

fn change_form(ask: &Ask, here: &str, definition: &Definition) -> Result<Markup> {
    let roles = same(definition.accounts.roles.clone());
    let groups = same(ask.store.group_paths()?);
    let none = Some(ask.t("leave as it is"));
    let mut statuses = vec![("reactivate".to_string(), ask.t("reactivate").to_string())];
    if ask.may(Role::Approver) {
        let deactivate = ("deactivate".to_string(), ask.t("deactivate").to_string());
        statuses.push(deactivate);
    }
    Ok(html! {
        section aria-labelledby="change" {
            h2 #change { (ask.t("Change")) }
            (form(ask, &format!("{here}/preview"), html! {
                (choice("role", ask.t("Role"), none, &roles, ""))
                (choice("add_group", ask.t("Add to the group"), none, &groups, ""))
                (choice("remove_group", ask.t("Remove from the group"), none, &groups, ""))
                (choice("status", ask.t("Status"), none, &statuses, ""))
                p.small { (ask.t("Nothing is written before you have seen what would change.")) }
                button { (ask.t("Preview the change")) }
            }))
        }
    })
}

fn mail_links(ask: &Ask, here: &str) -> Markup {
    html! {
        section aria-labelledby="mail" {
            h2 #mail { (ask.t("Write to them")) }
            p { (ask.t("You see who gets a mail, who doesn't and why, and the mail itself, before anything is sent.")) }
            div.row {
                a.button.second href={ (here) "/invite" } { (ask.t("Invite")) }
                a.button.second href={ (here) "/reset" } { (ask.t("Send password resets")) }
            }
        }
    }
}

/// `/people/selection/{selection}/leave-out`.
pub(crate) fn leave_out(ask: &mut Ask) -> Result<Answer> {
    except(ask, true)
}

/// `/people/selection/{selection}/take-in`.
pub(crate) fn take_in(ask: &mut Ask) -> Result<Answer> {
    except(ask, false)
}

fn except(ask: &mut Ask, adds: bool) -> Result<Answer> {
    let Some((kept, _)) = chosen(ask)? else {
        return Ok(Answer::Missing);
    };
    let mut except = kept.except;
    match adds {
        true => except.extend(ask.form.all("id").filter_map(|id| id.parse::<Uuid>().ok())),
        false => except.clear(),
    }
    ask.store.except_from_selection(kept.id, &except)?;
    Ok(Answer::See(format!("/people/selection/{}", kept.id)))
}

/// What the form asks for, as options of `muster people change`.
fn options(ask: &Ask) -> Result<Vec<String>> {
    let mut options = Vec::new();
    for (name, option) in [
        ("role", "--role"),
        ("add_group", "--add-group"),
        ("remove_group", "--remove-group"),
    ] {
        let value = ask.form.get(name);
        if !value.is_empty() {
            options.push(format!("{option}={value}"));
        }
    }
    match ask.form.get("status") {
        "reactivate" => options.push("--reactivate".to_string()),
        "deactivate" if ask.may(Role::Approver) => options.push("--deactivate".to_string()),
        "deactivate" => {
            let what = "your role can't deactivate people";
            return Err(Refusal::new(Code::UsageInvalid, what).help("ask an approver"));
        }
        _ => {}
    }
    if options.is_empty() {
        let what = "nothing is to be changed";
        return Err(Refusal::new(Code::UsageInvalid, what).help("go back, and choose a change"));
    }
    Ok(options)
}

/// `/people/selection/{selection}/preview`: plans the change. Nothing is written to the accounts.
pub(crate) fn preview(ask: &mut Ask) -> Result<Answer> {
    let Some((kept, choice)) = chosen(ask)? else {
        return Ok(Answer::Missing);
    };
    let options = options(ask)?;
    let plan = new_file(ask, "parquet")?.display().to_string();
    let mut args: Vec<String> = ["people", "change", "--only", "@-"]
        .map(String::from)
        .to_vec();
    args.extend(options);
    args.extend(["--plan".to_string(), plan, "--json".to_string()]);
    let ids = ask.store.ids_of_people(&choice)?;
    if ask.form.get("status") == "deactivate" {
        // Whoever may deactivate may approve, and types the number before anything is written.
        args.push(format!("--allow=deactivate={}", ids.len()));
    }
    let here = format!("/people/selection/{}/preview", kept.id);
    let work = Work {
        kind: "preview",
        args,
        stdin: Some(list_of(&ids)),
        about: kept.id.to_string(),
        leads_to: here,
    };
    let job = jobs::start(ask, work)?;
    Ok(Answer::See(format!("/jobs/{job}")))
}

/// The newest preview of a selection.
fn previewed(ask: &Ask, kept: &Kept) -> Result<Option<Job>> {
    let about = kept.id.to_string();
    let jobs = ask.store.list_jobs(JOBS_LOOKED_AT)?;
    Ok(jobs
        .into_iter()
        .find(|job| job.kind == "preview" && job.about == about))
}

/// The file of the plan that a preview wrote.
fn plan_of(job: &Job) -> Option<&str> {
    let at = job.args.iter().position(|word| word == "--plan")?;
    job.args.get(at + 1).map(String::as_str)
}

/// `/people/selection/{selection}/preview`.
pub(crate) fn plan(ask: &mut Ask) -> Result<Answer> {
    let Some((kept, _)) = chosen(ask)? else {
        return Ok(Answer::Missing);
    };
    let here = format!("/people/selection/{}", kept.id);
    let Some(job) = previewed(ask, &kept)? else {
        return Ok(Answer::See(here));
    };
    if job.state.is_open() {
        return Ok(Answer::See(format!("/jobs/{}", job.id)));
    }
    let printed = job.stdout.as_deref().unwrap_or_default();
    let Ok(summary) = serde_json::from_str::<Summary>(printed) else {
        let said = job.stderr.as_deref().unwrap_or_default();
        let body = html! {
            div.problem role="alert" { pre { (visible_lines(said)) } }
            p { a href=(here) { (ask.t("Go back")) } " · " a href={ "/jobs/" (job.id) } { (ask.t("What the command said")) } }
        };
        return Ok(Page::new("/people", ask.t("This can't be changed"), body).into());
    };
    Ok(shown(ask, &job, &summary, &here, false).into())
}

/// What a plan changes, and the form that does it; `is_wrong` if another number was typed.
fn shown(ask: &Ask, job: &Job, summary: &Summary, here: &str, is_wrong: bool) -> Page {
    let body = html! {
        (counts(ask, summary))
        (confirm(ask, job, summary, here, is_wrong))
        p { a href=(here) { (ask.t("Go back without changing anything")) } }
    };
    let page = Page::new("/people", ask.t("Preview of the change"), body);
    match is_wrong {
        true => page.refusing(),
        false => page,
    }
}

/// How many accounts a plan changes.
fn changes(summary: &Summary) -> u64 {
    summary.counts.created + summary.counts.updated
}

fn counts(ask: &Ask, summary: &Summary) -> Markup {
    let counts = [
        ("would change", summary.counts.updated),
        ("stay as they are", summary.counts.unchanged),
        ("held by a safeguard", summary.counts.held),
        ("left alone", summary.counts.skipped),
        (
            "can't be changed",
            summary.counts.rejected + summary.counts.failed,
        ),
    ];
    let held = summary.safeguards.iter();
    let held: Vec<_> = held
        .filter(|one| one.decision == SafeguardDecision::Held)
        .collect();
    html! {
        section aria-labelledby="plan" {
            h2 #plan { (ask.t("What would happen")) }
            dl.facts {
                @for (name, count) in counts {
                    @if count > 0 || name == "would change" { div { dt { (ask.t(name)) } dd { (ask.number(count)) } } }
                }
            }
            @if !held.is_empty() {
                div.warning {
                    p { (ask.t("A safeguard holds these changes. Somebody who may approve lets them through on the run's page.")) }
                    ul { @for one in held { li { (visible(&one.class)) ": " (ask.number(one.count)) } } }
                }
            }
            @for issue in &summary.issues {
                p.small { (ask.number(issue.count)) " × " (visible(&title(&issue.code))) }
            }
        }
    }
}

/// What a code of an issue means.
fn title(code: &str) -> String {
    let found = Code::ALL.iter().find(|known| known.name() == code);
    found.map_or_else(|| code.to_string(), |code| code.title().to_string())
}

fn confirm(ask: &Ask, job: &Job, summary: &Summary, here: &str, is_wrong: bool) -> Markup {
    let deactivates = job.args.iter().any(|word| word == "--deactivate");
    let held = summary.counts.held;
    let n = changes(summary);
    let text = match deactivates {
        _ if n == 0 => counted(
            ask,
            held,
            "Hand 1 change on for approval",
            "Hand {n} changes on for approval",
        ),
        true => counted(ask, n, "Deactivate 1 person", "Deactivate {n} people"),
        false => counted(ask, n, "Change 1 person", "Change {n} people"),
    };
    html! {
        section aria-labelledby="confirm" {
            h2 #confirm { (ask.t("Do it")) }
            @if n == 0 && summary.counts.held == 0 {
                p { (ask.t("There is nothing to change.")) }
            } @else {
                (form(ask, &format!("{here}/apply"), html! {
                    input type="hidden" name="job" value=(job.id);
                    @if deactivates && n > 0 {
                        div.field {
                            label for="count" { (ask.tf("Type the number {n} to confirm", &[("n", &n)])) }
                            input type="text" inputmode="numeric" autocomplete="off" id="count" name="count" value=(ask.form.get("count")) required aria-invalid=[is_wrong.then_some("true")] aria-describedby=[is_wrong.then_some("count-wrong")];
                            @if is_wrong { p.wrong id="count-wrong" role="alert" { (ask.t("This is another number. Nothing was changed.")) } }
                        }
                    }
                    p { (ask.t("The change is a run. It can be undone on the run's page.")) }
                    button.danger[deactivates] { (text) }
                }))
                (command(ask, "muster people change --only WHO --apply"))
            }
        }
    }
}

/// `/people/selection/{selection}/apply`: carries out exactly what was previewed.
pub(crate) fn apply(ask: &mut Ask) -> Result<Answer> {
    let Some((kept, _)) = chosen(ask)? else {
        return Ok(Answer::Missing);
    };
    let here = format!("/people/selection/{}/preview", kept.id);
    let wanted = ask.form.get("job").to_string();
    let Some(job) = previewed(ask, &kept)?.filter(|job| job.id.to_string() == wanted) else {
        let what = "this preview is not the newest one";
        return Err(Refusal::new(Code::UsageInvalid, what).help("look at the newest preview first"));
    };
    let printed = job.stdout.as_deref().unwrap_or_default();
    let summary = serde_json::from_str::<Summary>(printed).unwrap_or_default();
    let deactivates = job.args.iter().any(|word| word == "--deactivate");
    if deactivates && !ask.may(Role::Approver) {
        let what = "your role can't deactivate people";
        return Err(Refusal::new(Code::UsageInvalid, what).help("ask an approver"));
    }
    let typed: String = ask
        .form
        .get("count")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let is_sure = typed == changes(&summary).to_string();
    if deactivates && changes(&summary) > 0 && !is_sure {
        let selection = format!("/people/selection/{}", kept.id);
        return Ok(shown(ask, &job, &summary, &selection, true).into());
    }
    let Some(plan) = plan_of(&job) else {
        return Ok(Answer::See(here));
    };
    let work = Work {
        kind: "change",
        args: vec!["apply".to_string(), plan.to_string(), "--json".to_string()],
        stdin: None,
        about: kept.id.to_string(),
        leads_to: "/runs/{run}".to_string(),
    };
    let job = jobs::start(ask, work)?;
    Ok(Answer::See(format!("/jobs/{job}")))
}
