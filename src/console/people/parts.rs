//! Pieces that the pages about people share.

use std::path::PathBuf;

use maud::{Markup, html};
use uuid::Uuid;

use crate::account::AccountRecord;
use crate::console::ask::{Ask, Fields};
use crate::console::page::{encoded, visible};
use crate::file;
use crate::issue::{Code, mask};
use crate::refusal::{Refusal, Result};

/// How many lines a page has.
pub(crate) const PER_PAGE: u64 = 50;

/// A list with more than these is typed into.
const OPTIONS_MAX: usize = 500;

/// The page that is asked for, from 1.
pub(crate) fn page_number(ask: &Ask) -> u64 {
    ask.query.number("page", 1).max(1)
}

/// How many lines come before that page.
pub(crate) fn offset(ask: &Ask) -> u64 {
    (page_number(ask) - 1).saturating_mul(PER_PAGE)
}

/// The path of a request, without its query.
pub(crate) fn path<'a>(ask: &'a Ask) -> &'a str {
    ask.path.split('?').next().unwrap_or_default()
}

/// A query as it is written.
pub(crate) fn query_of(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().filter(|(_, value)| !value.is_empty());
    let pairs = pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// This page with other values for some fields of its query, from its first line on.
pub(crate) fn with(ask: &Ask, changes: &[(&str, &str)]) -> String {
    let is_kept = |name: &str| name != "page" && changes.iter().all(|(other, _)| *other != name);
    let kept = ask.query.0.iter().filter(|(name, _)| is_kept(name));
    let mut fields: Vec<(&str, &str)> = kept
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    fields.extend_from_slice(changes);
    match query_of(&fields) {
        query if query.is_empty() => path(ask).to_string(),
        query => format!("{}?{query}", path(ask)),
    }
}

/// The ways to the other pages of a list of `total` lines; nothing where there is one page.
pub(crate) fn pages(ask: &Ask, total: u64) -> Markup {
    let last = total.div_ceil(PER_PAGE).max(1);
    let here = page_number(ask);
    let to = |page: u64| with(ask, &[("page", &page.to_string())]);
    html! {
        @if last > 1 {
            nav.pages aria-label=(ask.t("Pages")) {
                @if here > 1 {
                    a href=(to(1)) { (ask.t("First")) }
                    a href=(to(here - 1)) rel="prev" { (ask.t("Previous")) }
                }
                span { (ask.tf("Page {page} of {pages}", &[("page", &ask.number(here)), ("pages", &ask.number(last))])) }
                @if here < last {
                    a href=(to(here + 1)) rel="next" { (ask.t("Next")) }
                    a href=(to(last)) { (ask.t("Last")) }
                }
            }
        }
    }
}

/// A time as the database writes it in UTC, `2026-11-22 05:12`, in the viewer's zone.
pub(crate) fn when(ask: &Ask, utc: Option<&str>) -> Markup {
    match utc {
        Some(utc) => ask.time(&format!("{}:00Z", utc.replace(' ', "T"))),
        None => html! {},
    }
}

/// A value about a person, masked where the viewer doesn't see values.
pub(crate) fn personal(ask: &Ask, value: &str) -> Markup {
    match ask.masks() {
        true => visible(&mask(value)),
        false => visible(value),
    }
}

/// A line with its addresses masked, where the viewer doesn't see values.
pub(crate) fn line(ask: &Ask, text: &str) -> Markup {
    if !ask.masks() {
        return visible(text);
    }
    let words = text.split(' ').map(|word| match word.contains('@') {
        true => mask(word),
        false => word.to_string(),
    });
    visible(&words.collect::<Vec<_>>().join(" "))
}

/// What a state of an invitation is called.
pub(crate) fn state_name(ask: &Ask, state: &str) -> &'static str {
    ask.t(match state {
        "queued" => "waiting",
        "sending" => "being sent",
        "sent" => "sent",
        "failed" => "failed",
        "unknown" => "unknown",
        "cancelled" => "cancelled",
        "expired" => "expired",
        "accepted" => "accepted",
        _ => "other",
    })
}

/// A state of an invitation as a badge.
pub(crate) fn state_badge(ask: &Ask, state: &str) -> Markup {
    let kind = match state {
        "accepted" => "good",
        "failed" => "reject",
        "unknown" | "expired" => "warning",
        _ => "note",
    };
    html! { span class={ "badge " (kind) } { (state_name(ask, state)) } }
}

/// What a status of an account is called, where it is chosen or was changed.
pub(crate) fn status_name(ask: &Ask, status: &str) -> &'static str {
    ask.t(match status {
        "active" => "active",
        "invited" => "waiting for acceptance",
        "deactivated" => "deactivated",
        _ => "other",
    })
}

/// What it is called that somebody is that far.
pub(crate) fn phase_name(ask: &Ask, phase: &str) -> &'static str {
    ask.t(match phase {
        "not-invited" => "not invited yet",
        "invited" => "invited",
        "cancelled" => "invitation cancelled",
        "accepted" => "accepted the invitation",
        "active" => "active without an invitation",
        "closed" => "closed",
        _ => "other",
    })
}

/// How far somebody is, with the day of the invitation that waits.
pub(crate) fn how_far(ask: &Ask, account: &AccountRecord) -> Markup {
    let day = account
        .invited
        .as_deref()
        .filter(|_| account.phase == "invited");
    match day {
        Some(day) => html! { (ask.t("invited on")) " " (when(ask, Some(day))) },
        None => html! { (phase_name(ask, &account.phase)) },
    }
}

/// What a kind of mail is called.
pub(crate) fn kind_name(ask: &Ask, kind: &str) -> &'static str {
    ask.t(match kind {
        "invite" => "invitation",
        "reset" => "password reset",
        "temporary" => "temporary password",
        "session" => "session mail",
        "session-reminder" => "session reminder",
        "report" => "report",
        "notice" => "notice",
        _ => "other",
    })
}

/// A choice of a form: a label and a list to choose from. The empty word is for all.
pub(crate) fn choice(
    name: &str,
    label: &str,
    all: Option<&str>,
    words: &[(String, String)],
    chosen: &str,
) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            @if words.len() > OPTIONS_MAX {
                input type="text" id=(name) name=(name) value=(chosen);
            } @else { select id=(name) name=(name) {
                @if let Some(all) = all { option value="" { (all) } }
                @for (value, text) in words {
                    option value=(value) selected[value == chosen] { (text) }
                }
            } }
        }
    }
}

/// The words of a list, each as it is.
pub(crate) fn same(words: Vec<String>) -> Vec<(String, String)> {
    let pairs = words.into_iter().map(|word| (word.clone(), word));
    pairs.collect()
}

/// Whom a form with a list means.
pub(crate) enum Meant {
    /// All who fit, but these.
    AllBut(Vec<Uuid>),
    /// These.
    These(Vec<Uuid>),
}

/// What the radio buttons and boxes of a list say.
///
/// # Errors
/// `usage.invalid` where nobody has a tick and only those are meant.
pub(crate) fn meant(form: &Fields) -> Result<Meant> {
    let ids = |name| form.all(name).filter_map(|id| id.parse().ok()).collect();
    let ticked: Vec<Uuid> = ids("id");
    Ok(match form.get("which") {
        _ if form.has("one") => Meant::These(ids("one")),
        "ticked" if ticked.is_empty() => {
            return Err(Refusal::new(Code::UsageInvalid, "no line has a tick")
                .help("go back, and tick some, or choose all that match"));
        }
        "ticked" => Meant::These(ticked),
        "others" => Meant::AllBut(ticked),
        _ => Meant::AllBut(Vec::new()),
    })
}

/// Which of a list are meant: all that fit, those that are ticked, or all but these.
pub(crate) fn which(ask: &Ask, total: u64) -> Markup {
    let all = ask.tf("all {n} that match", &[("n", &ask.number(total))]);
    html! {
        fieldset {
            legend { (ask.t("Choose")) }
            label { input type="radio" name="which" value="ticked" checked; (ask.t("only those with a tick")) }
            label { input type="radio" name="which" value="others"; (ask.t("all but those with a tick")) }
            label { input type="radio" name="which" value="all"; (all) }
        }
        button { (ask.t("Go on")) }
    }
}

/// The ids of people or invitations as a list that a command reads on standard input.
pub(crate) fn list_of(ids: &[Uuid]) -> Vec<u8> {
    let mut list = String::with_capacity(ids.len() * 40);
    for id in ids {
        list.push_str(&format!("id:{id}\n"));
    }
    list.into_bytes()
}

/// How long files that were written for a command or a download are kept.
const KEPT: std::time::Duration = std::time::Duration::from_hours(24);

/// A path for a new file in a folder of muster's home that only its owner may open. Old ones go.
pub(crate) fn new_file(ask: &Ask, ending: &str) -> Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    let folder = ask.app.home.join("console");
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder
        .create(&folder)
        .map_err(|error| file::unwritable(&folder, &error))?;
    let old = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    for entry in old {
        let modified = entry.metadata().and_then(|meta| meta.modified());
        if modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > KEPT)) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(folder.join(format!("{}.{ending}", Uuid::new_v4())))
}

/// The options by which a command reads a message, written into a file; none for an empty one.
pub(crate) fn message_options(ask: &Ask, message: &str) -> Result<Vec<String>> {
    if message.trim().is_empty() {
        return Ok(Vec::new());
    }
    let path = new_file(ask, "txt")?;
    file::atomically(&path, |file| file.write(message.as_bytes()))?;
    Ok(vec![
        "--message-file".to_string(),
        path.display().to_string(),
    ])
}

/// Text with its lines.
pub(crate) fn visible_lines(text: &str) -> Markup {
    html! { @for line in text.lines() { (visible(line)) "\n" } }
}
