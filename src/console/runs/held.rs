//! `/runs/{run}/held`: what safeguards hold, who that is, and the approval of it.

use std::path::Path;

use maud::{Markup, html};
use uuid::Uuid;

use super::{Lines, PAGE_LINES, address, asked, page, personal, rows_with};
use crate::admin::Role;
use crate::console::ask::{Answer, Ask};
use crate::console::jobs::{self, Work};
use crate::console::page::{command, form, masked, prose, visible};
use crate::issue::Code;
use crate::ledger::{Cell, Column, Query, Rows};
use crate::refusal::{Refusal, Result};
use crate::safeguard::{Class, Safeguard, SafeguardDecision};
use crate::store::run_rows::KnownAs;
use crate::store::runs::RunRecord;

/// The plan of what a run holds, in the run's folder.
const PLAN: &str = "plan.parquet";
/// The most characters of a reason.
const REASON_MAX: usize = 1000;

/// A class in words.
pub(crate) fn class_word(ask: &Ask, class: &str) -> String {
    let word = match Class::from_name(class) {
        Some(Class::Create) => "new accounts",
        Some(Class::Update) => "accounts that change",
        Some(Class::Deactivate) => "accounts that are closed",
        Some(Class::EmailChange) => "accounts that get another e-mail address",
        Some(Class::RoleRaise) => "accounts that get a higher role",
        Some(Class::KeyChange) => "accounts that get another id or username",
        Some(Class::NewGroups) => "new groups",
        Some(Class::Seats) => "seats taken",
        Some(Class::Content) => "doubts about the file as a whole",
        None => return class.to_string(),
    };
    ask.t(word).to_string()
}

/// `/runs/{run}/held`.
pub(crate) fn page_of_held(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    let body = body(ask, &run, None)?;
    Ok(page(
        &run,
        ask,
        ask.t("What is held"),
        "approve-what-is-held",
        body,
    )
    .into())
}

/// What somebody typed that can't be taken, with the reason.
struct Wrong<'a> {
    class: &'a str,
    what: &'static str,
}

fn body(ask: &Ask, run: &RunRecord, wrong: Option<&Wrong>) -> Result<Markup> {
    let safeguards = run.summary.iter().flat_map(|summary| &summary.safeguards);
    let held: Vec<&Safeguard> = safeguards
        .filter(|safeguard| safeguard.decision == SafeguardDecision::Held)
        .collect();
    let plan = run
        .folder
        .as_ref()
        .map(|folder| Path::new(folder).join(PLAN));
    let rows = plan
        .filter(|plan| plan.is_file())
        .map(|plan| Rows::open(&plan))
        .transpose()?;
    let mut sections = Vec::new();
    for safeguard in &held {
        let wrong = wrong.filter(|wrong| wrong.class == safeguard.class);
        sections.push(class_section(ask, run, safeguard, rows.as_ref(), wrong)?);
    }
    Ok(html! {
        @if held.is_empty() { p.good { (ask.t("Nothing of this run is held.")) } }
        @else {
            p { (ask.t("Nothing of this was written. An approval writes it exactly as planned. What you don't approve stays as it is; nothing else happens.")) }
            @if rows.is_none() { p.warning { (ask.t("The plan of this run is gone, so that nothing can be approved. Import the list again.")) } }
        }
        @if !held.is_empty() && rows.is_some() { (masked(ask)) }
        @for section in &sections { (section) }
    })
}

fn class_section(
    ask: &Ask,
    run: &RunRecord,
    safeguard: &Safeguard,
    rows: Option<&Rows>,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let class = Class::from_name(&safeguard.class);
    let code = class.map_or("", |class| class.code().name());
    let id = format!("class-{}", safeguard.class);
    let (listed, ways) = match (rows, class) {
        (Some(rows), Some(class)) => people(ask, run, rows, class)?,
        _ => (html! {}, html! {}),
    };
    let is_own = ask.store.needs_somebody_else(&run.id, &ask.who())?;
    let limit = safeguard.limit.map(|limit| ask.number(limit));
    let window = safeguard.window_limit.map(|limit| ask.number(limit));
    Ok(html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (ask.number(safeguard.count)) " " (class_word(ask, &safeguard.class)) }
            p {
                @if let Some(limit) = limit { (ask.tf("The limit is {n} in one run.", &[("n", &limit)])) " " }
                @if let Some(window) = window {
                    (ask.tf("With earlier runs: {n}, of at most {max}.", &[("n", &ask.number(safeguard.window_count + safeguard.count)), ("max", &window)])) " "
                }
                a href=(rows_with(&run.id, "code", code)) { (ask.counted(safeguard.held, "1 row is held for it.", "{n} rows are held for it.")) }
            }
            @for finding in &safeguard.findings { p.warning { (prose(&ask.said(finding))) } }
            (listed)
            (ways)
            @if rows.is_some() {
                @if is_own { p.note { (ask.t("You started this run. Somebody else must approve what is held of it.")) } }
                @else if ask.may(Role::Approver) { (approval(ask, run, safeguard, wrong)) }
                @else { p { (ask.t("You need the role approver to approve it.")) } }
            }
        }
    })
}

fn approval(ask: &Ask, run: &RunRecord, safeguard: &Safeguard, wrong: Option<&Wrong>) -> Markup {
    let of = |name: &str| format!("{name}-{}", safeguard.class);
    let typed = |name: &str| wrong.map_or("", |_| ask.form.get(name)).to_string();
    let question = "To approve it, type the number {n}";
    html! {
        (form(ask, &address(&run.id, "/held"), html! {
            @if let Some(wrong) = wrong { div.problem role="alert" tabindex="-1" autofocus { p { (ask.t(wrong.what)) } } }
            input type="hidden" name="class" value=(safeguard.class);
            div.field {
                label for=(of("reason")) { (ask.t("Why is this right?")) }
                textarea id=(of("reason")) name="reason" maxlength=(REASON_MAX) required { (typed("reason")) }
            }
            div.field {
                label for=(of("count")) { (ask.tf(question, &[("n", &safeguard.count)])) }
                input type="text" inputmode="numeric" autocomplete="off" id=(of("count")) name="count" value=(typed("count")) required;
            }
            button { (ask.tf("Approve: {n} {what}", &[("n", &ask.number(safeguard.count)), ("what", &class_word(ask, &safeguard.class))])) }
        }))
        (command(ask, &format!("muster approve {} --class {} --reason \"…\"", run.id, safeguard.class)))
    }
}

/// The first of those whose rows are held for a class, with what would change.
fn people(ask: &Ask, run: &RunRecord, rows: &Rows, class: Class) -> Result<(Markup, Markup)> {
    let mistaken = |mistake: crate::ledger::Mistake| Refusal::new(Code::UsageInvalid, mistake.what);
    let filter = rows.filter(&format!("issues = '{}'", class.code().name()));
    let filter = filter.map_err(mistaken)?;
    let mut lines = Lines::asked(ask);
    let is_chosen = ask.query.get("class") == class.name();
    lines.page = if is_chosen { lines.page } else { 0 };
    let query = Query {
        filter: Some(&filter),
        columns: rows.columns().of_file().collect(),
        sort: Vec::new(),
        offset: lines.offset(),
        limit: Some(PAGE_LINES),
    };
    let mut people: Vec<Vec<Option<String>>> = Vec::new();
    lines.total = rows.each(&query, &mut |cells| {
        people.push(cells.iter().map(text).collect());
        Ok(())
    })?;
    let account = query
        .columns
        .iter()
        .position(|column| column.name == "account");
    let account = |cells: &Vec<Option<String>>| cells.get(account?)?.as_ref()?.parse().ok();
    let ids: Vec<Uuid> = people.iter().filter_map(account).collect();
    let known = ask.store.known_as(&ids)?;
    let line = |cells: &Vec<Option<String>>| {
        let known = account(cells).and_then(|account: Uuid| known.get(&account));
        person(ask, (&query.columns, cells), known)
    };
    let found: Vec<Markup> = people.iter().map(line).collect();
    let own = format!("{}?class={}", address(&run.id, "/held"), class.name());
    let table = html! {
        @if !found.is_empty() {
            details open[is_chosen || lines.total <= 10] {
                summary { (ask.t("Who that is")) }
                div.scroll { table.cards {
                    caption.hidden { (ask.t("Who that is")) }
                    thead { tr { th.number scope="col" { (ask.t("Line")) } th scope="col" { (ask.t("Person")) } th scope="col" { (ask.t("What would change")) } } }
                    tbody { @for line in &found { (line) } }
                } }
            }
        }
    };
    Ok((table, lines.ways(ask, &own)))
}

fn text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some((*text).to_string()),
        Cell::Number(number) => Some(number.to_string()),
        Cell::Nothing => None,
    }
}

/// A line of the plan; `known` is the account as it is, where the row has one.
fn person(
    ask: &Ask,
    (columns, cells): (&[&Column], &[Option<String>]),
    known: Option<&KnownAs>,
) -> Markup {
    let value = |name: &str| {
        let at = columns.iter().position(|column| column.name == name)?;
        cells.get(at)?.clone()
    };
    let either = |name: &str| value(&format!("new_{name}")).or(value(&format!("old_{name}")));
    let name: Vec<String> = ["first_name", "last_name"]
        .iter()
        .filter_map(|name| either(name))
        .collect();
    let keys = ["email", "external_id", "username"];
    let who = known.map(|known| known.shown().to_string());
    let who = who.or(Some(name.join(" "))).filter(|name| !name.is_empty());
    let email = known
        .and_then(|known| known.email.clone())
        .or(either("email"));
    let who = who.or_else(|| keys.iter().find_map(|key| either(key)));
    let is_new = value("account").is_none();
    let changes = columns.iter().filter_map(|column| {
        let field = column.name.strip_prefix("new_")?;
        let (old, new) = (value(&format!("old_{field}")), value(&column.name));
        (new.is_some() && old != new && !is_new).then_some((field, column.is_personal, old, new))
    });
    let changes: Vec<_> = changes.collect();
    let shown = |is_personal: bool, text: &Option<String>| {
        let text = text.clone().unwrap_or_default();
        match (text.is_empty(), is_personal) {
            (true, _) => html! { span.faint { (ask.t("nothing")) } },
            (_, true) => personal(ask, &text),
            _ => visible(&text),
        }
    };
    html! { tr {
        td.number data-label=(ask.t("Line")) { (value("line").unwrap_or_default()) }
        th scope="row" { (personal(ask, &who.unwrap_or_default())) @if let Some(email) = &email { div.small { (personal(ask, email)) } } }
        td {
            @if is_new { (ask.t("a new account")) }
            @for (field, is_personal, old, new) in &changes {
                div { (visible(field)) ": " (shown(*is_personal, old)) " → " (shown(*is_personal, new)) }
            }
        }
    } }
}

/// `POST /runs/{run}/held`: approves a class.
pub(crate) fn approve(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    let class = ask.form.get("class").to_string();
    let safeguards = run.summary.iter().flat_map(|summary| &summary.safeguards);
    let mut held = safeguards.filter(|safeguard| safeguard.decision == SafeguardDecision::Held);
    let Some(safeguard) = held.find(|safeguard| safeguard.class == class) else {
        let what = format!("nothing of run {} is held for `{class}` any more", run.id);
        return Err(Refusal::new(Code::RunNotHeld, what));
    };
    if ask.store.needs_somebody_else(&run.id, &ask.who())? {
        let what = "you started this run; somebody else must approve what is held of it";
        return Err(Refusal::new(Code::UsageInvalid, what).help("ask another approver"));
    }
    let reason = ask.form.get("reason").trim().replace("\r\n", "\n");
    let typed: String = ask
        .form
        .get("count")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let what = if reason.is_empty() || reason.chars().count() > REASON_MAX {
        Some("Write a reason, of at most 1,000 characters. It is kept with the run.")
    } else if typed.parse() != Ok(safeguard.count) {
        Some(
            "The number you typed is not the number that is held. Look at what is held, then type its number.",
        )
    } else {
        None
    };
    if let Some(what) = what {
        let body = body(
            ask,
            &run,
            Some(&Wrong {
                class: &class,
                what,
            }),
        )?;
        return Ok(page(
            &run,
            ask,
            ask.t("What is held"),
            "approve-what-is-held",
            body,
        )
        .refusing()
        .into());
    }
    let args = ["approve", &run.id, "--class", &class, "--reason", "-"];
    let work = Work {
        kind: "approve",
        args: args.map(String::from).to_vec(),
        stdin: Some(reason.into_bytes()),
        about: run.id.clone(),
        leads_to: "/runs/{run}".to_string(),
    };
    let job = jobs::start(ask, work)?;
    Ok(Answer::See(format!("/jobs/{job}")))
}
