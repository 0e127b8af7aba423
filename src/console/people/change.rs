//! `/people/selection/{selection}`: changes the people who were chosen, after a preview.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use maud::{Markup, html};
use uuid::Uuid;

use super::list::{choice_of, table};
use super::parts::{
    PER_PAGE, choice, list_of, new_file, offset, pages, personal, same, visible_lines,
};
use super::person::{difference, field_name};
use super::pipeline::{pipeline_option, roles};
use crate::admin::Role;
use crate::console::ask::{Answer, Ask, Page};
use crate::console::commands::Said;
use crate::console::jobs::{self, Work};
use crate::console::page::{command, form, prose};
use crate::console::runs::held::class_word;
use crate::field::Field;
use crate::issue::Code;
use crate::ledger::{Cell, Mistake, Query, Rows};
use crate::meaning::membership;
use crate::refusal::{Refusal, Result};
use crate::safeguard::SafeguardDecision;
use crate::store::jobs::Job;
use crate::store::people::Choice;
use crate::store::run_rows::KnownAs;
use crate::store::selections::Kept;
use crate::summary::{IssueCount, Summary};

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
        p { (ask.counted(total, "1 person is chosen.", "{n} people are chosen.")) " " a href="/people" { (ask.t("Choose others")) } }
        @if total > 0 {
            div.columns {
                (change_form(ask, &here)?)
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
                    p { (ask.counted(left_out, "1 is left out by hand.", "{n} are left out by hand.")) }
                    button.second { (ask.t("Take them in again")) }
                }))
            }
        }
    };
    Ok(Page::new("/people", ask.t("Chosen people"), body).into())
}

fn change_form(ask: &Ask, here: &str) -> Result<Markup> {
    let roles = same(
        roles(ask.store)?
            .into_iter()
            .map(|(role, _)| role)
            .collect(),
    );
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
    let ids = ask.store.ids_of_people(&choice)?;
    let mut args = vec!["--only=@-".to_string()];
    if ask.form.get("status") == "deactivate" {
        // Whoever may deactivate may approve, and types the number before anything is written.
        args.push(format!("--allow=deactivate={}", ids.len()));
    }
    let role = ask.form.get("role").to_string();
    start_preview(ask, kept.id, (args, options), list_of(&ids), &role)
}

/// Starts the plan of a change. `who` are the options that name people, `what` those that name the
/// change; a role is one of the pipeline that has it.
pub(super) fn start_preview(
    ask: &mut Ask,
    kept: Uuid,
    (who, what): (Vec<String>, Vec<String>),
    stdin: Vec<u8>,
    role: &str,
) -> Result<Answer> {
    let plan = new_file(ask, "parquet")?.display().to_string();
    let mut args = ["people", "change"].map(String::from).to_vec();
    args.extend(who);
    args.extend(what);
    args.extend(pipeline_option(ask.store, role)?);
    args.extend(["--plan".to_string(), plan, "--json".to_string()]);
    let work = Work {
        kind: "preview",
        args,
        stdin: Some(stdin),
        about: kept.to_string(),
        leads_to: format!("/people/selection/{kept}/preview"),
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
        return Ok(refused(ask, &job, &here).into());
    };
    Ok(shown(ask, &job, &summary, &here, false)?.into())
}

/// The command made no plan.
fn refused(ask: &Ask, job: &Job, here: &str) -> Page {
    let said = job.stderr.as_deref().unwrap_or_default();
    let body = html! {
        div.problem role="alert" {
            @match Said::of(said) {
                Some(said) => {
                    p { strong { (prose(&said.what)) } }
                    @for line in said.help.lines() { p { (prose(line)) } }
                }
                None => pre { (visible_lines(said)) }
            }
        }
        p {
            @match edited(job) {
                Some(person) => a href={ "/people/" (person) "/edit" } { (ask.t("Edit again")) },
                None => a href=(here) { (ask.t("Go back")) },
            }
            " · " a href={ "/jobs/" (job.id) "?stay=1" } { (ask.t("What the command said")) } }
    };
    Page::new("/people", ask.t("This can't be changed"), body)
}

/// The one person whose values were edited.
fn edited(job: &Job) -> Option<&str> {
    let mut args = job.args.iter();
    args.find_map(|word| word.strip_prefix("--only=id:"))
}

/// What a plan changes, and the form that does it; `is_wrong` if another number was typed.
fn shown(ask: &Ask, job: &Job, summary: &Summary, here: &str, is_wrong: bool) -> Result<Page> {
    let body = html! {
        (counts(ask, summary, here)?)
        (people(ask, job, summary)?)
        (confirm(ask, job, summary, here, is_wrong))
        p {
            @if let Some(person) = edited(job) { a href={ "/people/" (person) "/edit" } { (ask.t("Edit again")) } " · " }
            a href=(here) { (ask.t("Go back without changing anything")) }
        }
    };
    let page = Page::new("/people", ask.t("Preview of the change"), body);
    Ok(match is_wrong {
        true => page.refusing(),
        false => page,
    })
}

/// How many accounts a plan changes.
fn changes(summary: &Summary) -> u64 {
    summary.counts.created + summary.counts.updated
}

/// What a plan does with people: the word in the address, its name, and how many they are.
fn kinds(summary: &Summary) -> [(&'static str, &'static str, u64); 5] {
    let counts = &summary.counts;
    [
        ("updated", "would change", counts.updated),
        ("unchanged", "stay as they are", counts.unchanged),
        ("held", "held by a safeguard", counts.held),
        ("skipped", "left alone", counts.skipped),
        (
            "rejected",
            "can't be changed",
            counts.rejected + counts.failed,
        ),
    ]
}

/// Whom the page lists: who was asked for, else the first of whom there is anybody.
fn listed(ask: &Ask, summary: &Summary) -> &'static str {
    let kinds = kinds(summary);
    let wanted = ask.query.get("what");
    let asked = kinds.iter().find(|(word, ..)| *word == wanted);
    let some = ["updated", "held", "rejected"].iter().find_map(|word| {
        let mut kinds = kinds.iter();
        kinds.find(|(name, _, count)| name == word && *count > 0)
    });
    asked.or(some).map_or("unchanged", |(word, ..)| word)
}

/// What was found about the people, with links to the accounts that it names.
fn found(ask: &Ask, issue: &IssueCount) -> Result<Markup> {
    let is_error = issue.severity == "reject";
    let detail = issue
        .examples
        .first()
        .map(|example| example.detail.as_str());
    let detail = detail.filter(|detail| !detail.is_empty());
    let words = detail.unwrap_or_default().split([' ', ';', ',']);
    let named: Vec<Uuid> = words.filter_map(|word| word.parse().ok()).collect();
    let known = ask.store.known_as(&named)?;
    // An address, an id or a username that was typed for one person, and that another has.
    let column = issue
        .examples
        .first()
        .and_then(|example| example.column.as_deref());
    if let (Some(column), Some(id), true) = (column, named.first(), is_taken(issue))
        && let Some(known) = known.get(id)
    {
        return Ok(html! {
            div.problem role="alert" {
                p { strong { (ask.t("Somebody else has this already:")) " " (field_name(ask, column)) } }
                p { (ask.t("It belongs to")) " " a href={ "/people/" (id) } { (personal(ask, known.shown())) } ". " (ask.t("Nothing was changed. Choose another value, or change that person first.")) }
            }
        });
    }
    Ok(html! {
        div class=[is_error.then_some("problem")] {
            p { (ask.number(issue.count)) " × " (prose(ask.title(&issue.code))) }
            @if let Some(detail) = detail { p.small { (prose(&ask.said(detail))) } }
            @if !known.is_empty() {
                p { (ask.t("Accounts named here:")) @for id in &named { @if let Some(known) = known.get(id) { " " a href={ "/people/" (id) } { (personal(ask, known.shown())) } } } }
            }
            @if is_error && let Some(code) = code_of(&issue.code) { p.small { (prose(ask.t(code.fix()))) } }
        }
    })
}

/// Whether one value was refused because another account has it.
fn is_taken(issue: &IssueCount) -> bool {
    issue.code == Code::MatchAmbiguous.name() && issue.count == 1
}

fn counts(ask: &Ask, summary: &Summary, here: &str) -> Result<Markup> {
    let held = summary.safeguards.iter();
    let held: Vec<_> = held
        .filter(|one| one.decision == SafeguardDecision::Held)
        .collect();
    Ok(html! {
        section aria-labelledby="plan" {
            h2 #plan { (ask.t("What would happen")) }
            dl.facts {
                @for (word, name, count) in kinds(summary) {
                    @if count > 0 || word == "updated" { div {
                        dt { (ask.t(name)) }
                        dd { @if count == 0 { "0" } @else { a href={ (here) "/preview?what=" (word) "#people" } { (ask.number(count)) } } }
                    } }
                }
            }
            @if !held.is_empty() {
                div.warning {
                    p { (ask.t("A safeguard holds these changes. Somebody who may approve lets them through on the run's page.")) }
                    ul { @for one in held { li { (class_word(ask, &one.class)) ": " (ask.number(one.count)) } } }
                }
            }
            @for issue in &summary.issues { (found(ask, issue)?) }
        }
    })
}

/// Whom the plan is about, by their names, and what each of them gets; a page of them.
fn people(ask: &Ask, job: &Job, summary: &Summary) -> Result<Markup> {
    let what = listed(ask, summary);
    let rows = plan_of(job).map(Path::new).filter(|plan| plan.is_file());
    let Some(rows) = rows.map(Rows::open).transpose()? else {
        return Ok(html! {});
    };
    let (planned, total) = planned(&rows, what, offset(ask))?;
    let ids: Vec<Uuid> = planned.iter().filter_map(|one| one.account).collect();
    let known = ask.store.known_as(&ids)?;
    let more = total.saturating_sub(offset(ask) + planned.len() as u64);
    Ok(html! {
        section aria-labelledby="people" {
            h2 #people { (ask.t("Who that is")) }
            @if planned.is_empty() { p { (ask.t("Nobody.")) } } @else {
                div.scroll tabindex="0" role="group" aria-labelledby="people" { table.cards {
                    caption { (ask.tf("{n} of {total}: {what}", &[("n", &ask.number(planned.len() as u64)), ("total", &ask.number(total)), ("what", &kind_of(ask, what))])) }
                    thead { tr {
                        th scope="col" { (ask.t("Person")) }
                        th scope="col" { (ask.t("What would change")) }
                    } }
                    tbody { @for one in &planned { (line(ask, one, &known)) } }
                } }
                @if more > 0 { p { (ask.counted(more, "and 1 more", "and {n} more")) } }
                (pages(ask, total))
            }
        }
    })
}

fn kind_of(ask: &Ask, what: &str) -> &'static str {
    let kinds = kinds(&Summary::default());
    let found = kinds.iter().find(|(word, ..)| *word == what);
    found.map_or("", |(_, name, _)| ask.t(name))
}

/// A line of a plan: whose, the fields with their values before and after, and its issues.
struct Line {
    account: Option<Uuid>,
    changes: Vec<(String, String, String)>,
    issues: Vec<String>,
}

/// A page of those lines of a plan with which `what` happens, and how many there are.
fn planned(rows: &Rows, what: &str, offset: u64) -> Result<(Vec<Line>, u64)> {
    let action = match what {
        "rejected" => "action in ('rejected', 'failed')".to_string(),
        what => format!("action = '{what}'"),
    };
    let mistaken = |mistake: Mistake| Refusal::new(Code::UsageInvalid, mistake.what);
    let filter = rows.filter(&action).map_err(mistaken)?;
    let query = Query {
        filter: Some(&filter),
        columns: rows.columns().of_file().collect(),
        sort: Vec::new(),
        offset,
        limit: Some(PER_PAGE),
    };
    let names: Vec<&str> = query
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let mut lines = Vec::new();
    let total = rows.each(&query, &mut |cells| {
        lines.push(read_line(&names, cells));
        Ok(())
    })?;
    Ok((lines, total))
}

/// What of two objects of attributes differs.
fn of_attributes(old: Option<&str>, new: Option<&str>) -> Vec<(String, String, String)> {
    let object = |text: Option<&str>| -> serde_json::Map<String, serde_json::Value> {
        serde_json::from_str(text.unwrap_or("{}")).unwrap_or_default()
    };
    let (old, new) = (object(old), object(new));
    let text = |value: Option<&serde_json::Value>| match value {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let pairs = names.into_iter().map(|name| {
        let [old, new] = [old.get(name), new.get(name)].map(text);
        (format!("attributes.{name}"), old, new)
    });
    pairs.filter(|(_, old, new)| old != new).collect()
}

fn read_line(names: &[&str], cells: &[Cell]) -> Line {
    let text = |name: &str| {
        let at = names.iter().position(|known| *known == name)?;
        match cells.get(at)? {
            Cell::Text(text) => Some((*text).to_string()),
            _ => None,
        }
    };
    let mut changes = Vec::new();
    for name in names.iter().filter_map(|name| name.strip_prefix("new_")) {
        let [old, new] = ["old", "new"].map(|age| text(&format!("{age}_{name}")));
        if name == "attributes" {
            changes.extend(of_attributes(old.as_deref(), new.as_deref()));
        } else if old != new {
            let [old, new] = [old, new].map(|value| readable(name, value));
            changes.push((name.to_string(), old, new));
        }
    }
    let issues = text("issues").unwrap_or_default();
    let issues = issues.split(',').filter(|code| !code.is_empty());
    Line {
        account: text("account").and_then(|id| id.parse().ok()),
        changes,
        issues: issues.map(String::from).collect(),
    }
}

/// A value of a plan as people read it: groups are there as JSON.
fn readable(name: &str, value: Option<String>) -> String {
    let value = value.unwrap_or_default();
    let is_groups = Field::from_name(name).is_some_and(|field| membership::FIELDS.contains(&field));
    match serde_json::from_str::<Vec<String>>(&value) {
        Ok(entries) if is_groups => {
            let shown: Vec<String> = entries
                .iter()
                .map(|entry| membership::shown(entry))
                .collect();
            shown.join("; ")
        }
        _ => value,
    }
}

fn line(ask: &Ask, line: &Line, known: &HashMap<Uuid, KnownAs>) -> Markup {
    let known = line.account.and_then(|account| known.get(&account));
    html! {
        tr {
            th scope="row" {
                @match (line.account, known) {
                    (Some(account), Some(known)) => {
                        a href={ "/people/" (account) } { (personal(ask, known.shown())) }
                        @if let Some(email) = known.email.as_deref().filter(|email| *email != known.shown()) { br; span.small { (personal(ask, email)) } }
                    }
                    (Some(account), None) => { (account) }
                    (None, _) => { span.faint { (ask.t("nobody")) } }
                }
            }
            td data-label=(ask.t("What would change")) {
                @for (field, old, new) in &line.changes {
                    div { (difference(ask, field, old, new)) }
                }
                @for code in &line.issues { div.small { (prose(ask.title(code))) } }
                @if line.changes.is_empty() && line.issues.is_empty() { span.faint { (ask.t("nothing")) } }
            }
        }
    }
}

/// The code of that name.
fn code_of(name: &str) -> Option<Code> {
    Code::ALL.iter().find(|code| code.name() == name).copied()
}

fn confirm(ask: &Ask, job: &Job, summary: &Summary, here: &str, is_wrong: bool) -> Markup {
    let deactivates = job.args.iter().any(|word| word == "--deactivate");
    let held = summary.counts.held;
    let n = changes(summary);
    let text = match deactivates {
        _ if n == 0 => ask.counted(
            held,
            "Hand 1 change on for approval",
            "Hand {n} changes on for approval",
        ),
        true => ask.counted(n, "Deactivate 1 person", "Deactivate {n} people"),
        false => ask.counted(n, "Change 1 person", "Change {n} people"),
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
        return Ok(shown(ask, &job, &summary, &selection, true)?.into());
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
