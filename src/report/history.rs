//! What an undo did, and everything known about one person, as terminal text. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

use super::csv::{Csv, Style};
use super::human::{duration, grouped, plural, safe, table};
use crate::account::COLUMNS;
use crate::field::Field;
use crate::history::Entry;
use crate::history::Left;
use crate::history::{Done, Known, WayIn, What};
use crate::issue::Code;
use crate::meaning::membership;
use crate::summary::{GroupChange, KeptExample, Summary};

/// One thing that was kept: whose, what, why.
pub fn kept_line(left: &Left) -> [String; 3] {
    let who = [&left.who, &left.external_id]
        .into_iter()
        .find(|name| !name.is_empty())
        .map_or_else(|| left.id.to_string(), |name| safe(name));
    [who, safe(&left.field), safe(&left.reason)]
}

/// The same from a summary, where addresses are masked.
pub fn example_line(kept: &KeptExample) -> [String; 3] {
    let who = if kept.who.is_empty() {
        &kept.id
    } else {
        &kept.who
    };
    [safe(who), safe(&kept.field), safe(&kept.reason)]
}

/// `kept.csv`: everything that an undo left as it was. No cell is a formula.
pub fn kept_csv(left: &[Left]) -> Vec<u8> {
    let mut csv = Csv::guarded(Style::own());
    let names = ["account", "email", "external_id", "field", "reason"];
    let mut text = csv.names(names).to_vec();
    for kept in left {
        let id = kept.id.to_string();
        let cells = [&id, &kept.who, &kept.external_id, &kept.field, &kept.reason];
        text.extend_from_slice(csv.line(cells.map(String::as_str)));
    }
    text
}

/// An undo, done or only planned. `left` is what is named of the kept; lines end in `\n`.
pub fn undo(summary: &Summary, left: &[[String; 3]], folder: &str) -> String {
    let run = &summary.run;
    let undone = summary.undo.clone().unwrap_or_default();
    let planned = run.state == "planned";
    let mut text = String::new();
    if planned {
        let _ = writeln!(
            text,
            "undo of {}: a preview; nothing was written",
            safe(&undone.of)
        );
    } else {
        let took = duration(&run.started_at, &run.finished_at)
            .map_or(String::new(), |took| format!(", {took}"));
        let resumed = if run.resumed { ", resumed" } else { "" };
        let _ = writeln!(
            text,
            "undo {} of {}, {}{took}{resumed}",
            safe(&run.id),
            safe(&undone.of),
            safe(&run.state)
        );
    }
    let _ = writeln!(text, "in {}\n", safe(&run.matched_against));
    let _ = writeln!(text, "{}\n", headline(summary));
    let counts = [
        ("changed back", undone.changed_back),
        ("removed", undone.removed),
        ("restored", undone.returned),
        ("deactivated", undone.deactivated),
        ("nothing to do", summary.counts.unchanged),
        ("refused", summary.counts.failed),
        ("not reached", summary.counts.held),
        ("groups removed", undone.groups_removed),
        ("groups restored", undone.groups_returned),
        ("invitations cancelled", undone.invitations_cancelled),
        ("kept", undone.kept),
    ];
    let lines: Vec<Vec<String>> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| vec![format!("  {name}"), grouped(*count)])
        .collect();
    text.push_str(&table(&lines, &[1]));
    if !left.is_empty() {
        let _ = writeln!(text, "\n{}:", if planned { "would stay" } else { "stays" });
        let lines: Vec<Vec<String>> = left
            .iter()
            .map(|[who, field, reason]| vec![format!("  {who}"), field.clone(), reason.clone()])
            .collect();
        text.push_str(&table(&lines, &[]));
        let more = undone.kept.saturating_sub(left.len() as u64);
        if more > 0 {
            let _ = writeln!(text, "  and {} more", grouped(more));
        }
    }
    if !summary.files.is_empty() {
        let names: Vec<String> = summary.files.values().map(|name| safe(name)).collect();
        let _ = writeln!(text, "\nfiles in {}:\n{}", safe(folder), names.join(", "));
    }
    if !summary.next.is_empty() {
        text.push('\n');
    }
    for next in &summary.next {
        let _ = writeln!(text, "{}:\n  {}", safe(&next.what), safe(&next.command));
    }
    text
}

/// A change of groups by hand. Lines end in `\n`.
pub fn groups(summary: &Summary, change: &GroupChange) -> String {
    let run = &summary.run;
    let mut text = format!("groups {}, {}\n", safe(&run.id), safe(&run.state));
    let _ = writeln!(text, "in {}\n", safe(&run.matched_against));
    let _ = writeln!(text, "{}", safe(&change.what));
    if change.groups.len() > 1 {
        for group in &change.groups {
            let _ = writeln!(text, "  {}", safe(group));
        }
    }
    if change.left > 0 {
        let people = plural(change.left, "person is", "people are");
        let _ = writeln!(text, "{people} no longer in them");
    }
    for next in &summary.next {
        let _ = writeln!(text, "\n{}:\n  {}", safe(&next.what), safe(&next.command));
    }
    text
}

/// The undo in a sentence.
fn headline(summary: &Summary) -> String {
    let counts = &summary.counts;
    let whole = counts.updated + counts.created + counts.unchanged;
    let accounts = plural(counts.read, "account", "accounts");
    let (is, are) = match summary.run.state.as_str() {
        "planned" => ("would be", "would be"),
        _ => ("is", "are"),
    };
    match (counts.read, whole) {
        (0, _) => {
            "No account that the run created, changed or removed is left to look at.".to_string()
        }
        (1, 1) => format!("The only account {is} as it was before."),
        (all, whole) if all == whole => format!("All {accounts} {are} as before."),
        (_, 1) => format!("1 of {accounts} {is} as it was before."),
        (_, whole) => format!("{} of {accounts} {are} as before.", grouped(whole)),
    }
}

// --- one person ----------------------------------------------------------------------------------

/// A row of a run that was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The run.
    pub run: String,
    /// For a duplicate: the place of the row that it equals.
    pub equals: Option<String>,
    /// What the ledger says.
    pub entry: Entry,
}

/// What happened to a person at some time.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Event {
    /// UTC, `2026-11-22 05:12`.
    pub at: String,
    #[serde(skip)]
    micros: i64,
    /// The run that did it.
    pub run: Option<String>,
    /// What it was, as a sentence's beginning.
    pub what: String,
    /// File and line, where the run's ledger is still there.
    pub place: Option<String>,
    /// Values that changed.
    pub changed: Vec<Changed>,
    /// What else is to be said.
    pub notes: Vec<String>,
}

/// A value that changed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Changed {
    /// The field.
    pub field: String,
    /// As it was.
    pub before: String,
    /// As it became.
    pub after: String,
}

/// A person: the account, and all that happened to it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Explained {
    /// The account.
    pub account: String,
    /// Whether it is there; otherwise its values are those at its removal.
    pub there: bool,
    /// Values, without empty ones.
    pub values: Vec<(String, String)>,
    /// Oldest first.
    pub events: Vec<Event>,
    #[serde(skip)]
    known: Option<Known>,
}

impl Explained {
    /// A person without a history.
    pub fn new(known: Known) -> Explained {
        let text = |field: &str| shown(&known.image[field]);
        let mut values: Vec<(String, String)> = COLUMNS
            .iter()
            .map(|field| (field.name().to_string(), text(field.name())))
            .collect();
        for (name, value) in known.image["attributes"].as_object().into_iter().flatten() {
            values.push((format!("attributes.{name}"), shown(value)));
        }
        values.push(("groups".to_string(), known.groups.join(", ")));
        if !known.sessions.is_empty() {
            values.push(("sessions".to_string(), known.sessions.join(", ")));
        }
        if known.has_password {
            values.push(("password".to_string(), "set".to_string()));
        }
        values.retain(|(_, value)| !value.is_empty());
        Explained {
            account: known.id.to_string(),
            there: known.there,
            values,
            events: Vec::new(),
            known: Some(known),
        }
    }

    fn value(&self, field: &str) -> &str {
        let found = self.values.iter().find(|(name, _)| name == field);
        found.map_or("", |(_, value)| value)
    }

    /// Fills in what happened. `ledgers` are what the imports' ledgers say of the account, `runs`
    /// when each run started, in microseconds since 1970.
    pub fn tell(
        &mut self,
        done: &[Done],
        ways_in: &[WayIn],
        ledgers: &BTreeMap<String, Option<Vec<Entry>>>,
        runs: &BTreeMap<String, i64>,
    ) {
        let Some(known) = self.known.take() else {
            return;
        };
        let mut reported = BTreeSet::new();
        let mut events = vec![made(&known, ledgers, &mut reported)];
        for done in done {
            let kept_on = events.iter_mut().find(|event| {
                matches!(done.what, What::Kept(..)) && event.run.as_ref() == Some(&done.run)
            });
            match (kept_on, &done.what) {
                (Some(event), What::Kept(field, reason)) => {
                    event.notes.push(format!("kept {field}: {reason}"));
                }
                _ => events.push(event_of(done, ledgers, &mut reported)),
            }
        }
        let touched = known.updated_at != known.created_at;
        let by_run = done.iter().any(|done| done.at == known.updated_at);
        let by_person = ways_in
            .iter()
            .any(|way| way.accepted_at == Some(known.updated_at));
        if touched && !by_run && !by_person {
            events.push(event(
                known.updated_at,
                "last changed by the application".to_string(),
            ));
        }
        let named = only_named(ledgers, runs, &reported, &events);
        events.extend(ways_in.iter().flat_map(way_in));
        events.extend(named);
        events.sort_by_key(|event| event.micros);
        self.events = events;
    }
}

impl Explained {
    /// Adds what somebody did to the person, at a time in microseconds since 1970.
    pub fn acted(&mut self, micros: i64, what: &str) {
        self.events.push(event(micros, what.to_string()));
        self.events.sort_by_key(|event| event.micros);
    }

    /// Adds a note to what `run` did.
    pub fn note(&mut self, run: &str, note: &str) {
        let events = self.events.iter_mut();
        for event in events.filter(|event| event.run.as_deref() == Some(run)) {
            event.notes.push(note.to_string());
        }
    }
}

fn event(micros: i64, what: String) -> Event {
    let at = jiff::Timestamp::from_microsecond(micros)
        .map(|time| time.strftime("%Y-%m-%d %H:%M").to_string())
        .unwrap_or_default();
    Event {
        at,
        micros,
        what,
        ..Event::default()
    }
}

/// How the account came to be.
fn made(
    known: &Known,
    ledgers: &BTreeMap<String, Option<Vec<Entry>>>,
    reported: &mut BTreeSet<(String, u32)>,
) -> Event {
    let row = known.image["run_row"].as_u64().map(|row| row as u32);
    let (Some(run), Some(row)) = (known.image["run_id"].as_str(), row) else {
        return event(
            known.created_at,
            "created by the application, not by an import".to_string(),
        );
    };
    let mut event = event(known.created_at, "created by import".to_string());
    place(&mut event, run, row, ledgers, reported);
    event
}

/// Adds what the run's ledger knows of the row.
fn place(
    event: &mut Event,
    run: &str,
    row: u32,
    ledgers: &BTreeMap<String, Option<Vec<Entry>>>,
    reported: &mut BTreeSet<(String, u32)>,
) {
    event.run = Some(run.to_string());
    reported.insert((run.to_string(), row));
    match ledgers.get(run) {
        Some(Some(entries)) => {
            if let Some(entry) = entries.iter().find(|entry| entry.row == row) {
                event.place = Some(format!("{}:{}", entry.file, entry.line));
                event.notes.extend(notes(entry));
            }
        }
        _ => event.notes.push(format!(
            "row {} of the run; its file and line are unknown because the run's folder is gone",
            u64::from(row) + 1
        )),
    }
}

/// What was cleaned and found in a row.
fn notes(entry: &Entry) -> Vec<String> {
    let mut notes = Vec::new();
    if !entry.cleaned.is_empty() {
        notes.push(format!("cleaned: {}", entry.cleaned.replace(',', ", ")));
    }
    for name in entry.issues.split(',').filter(|name| !name.is_empty()) {
        let code = Code::ALL.iter().find(|code| code.name() == name);
        notes.push(match code {
            Some(code) => format!("{name}: {}", code.title()),
            None => name.to_string(),
        });
    }
    notes
}

fn event_of(
    done: &Done,
    ledgers: &BTreeMap<String, Option<Vec<Entry>>>,
    reported: &mut BTreeSet<(String, u32)>,
) -> Event {
    let verb = match (&done.what, done.kind.as_str()) {
        (What::Changed(..), "undo") => "changed back by undo",
        (What::Changed(..), "groups") => "left groups that were removed",
        (What::Changed(..), _) => "changed by import",
        (What::Removed, "undo") => "removed by undo",
        (What::Removed, _) => "removed by import",
        (What::Returned, _) => "restored by undo",
        (What::Unchanged, _) => "in an import, unchanged: the account already had all values",
        (What::Kept(..), _) => "left unchanged by undo",
    };
    let mut event = event(done.at, verb.to_string());
    if done.kind == "undo" {
        event.run = Some(done.run.clone());
        let undoes = done.undoes.as_deref().unwrap_or_default();
        event.notes.push(format!("it undoes run {undoes}"));
    } else if done.kind == "groups" {
        event.run = Some(done.run.clone());
    } else if i32::try_from(done.row).is_err() {
        // A leaver's row is negative in the run log.
        event.run = Some(done.run.clone());
        event.notes.push(
            "no row names the person: missing from a full list, or due by a date".to_string(),
        );
    } else {
        place(&mut event, &done.run, done.row, ledgers, reported);
    }
    match &done.what {
        What::Changed(before, after) => {
            event.changed = after
                .iter()
                .map(|(field, after)| {
                    let is_list = membership::FIELDS
                        .map(Field::name)
                        .contains(&field.as_str());
                    let shown = if is_list { shown_groups } else { shown };
                    Changed {
                        field: field.clone(),
                        before: before.get(field).map_or(String::new(), shown),
                        after: shown(after),
                    }
                })
                .collect();
        }
        What::Kept(field, reason) => event.notes.push(format!("kept {field}: {reason}")),
        _ => {}
    }
    event
}

/// An invitation, and what happened to it.
fn way_in(way: &WayIn) -> Vec<Event> {
    let noun = match way.kind.as_str() {
        "invite" => "invitation",
        "reset" => "password-reset link",
        "session" => "session mail",
        "session-reminder" => "session reminder",
        _ => "temporary password",
    };
    let of_run = |micros, what: String| Event {
        run: Some(way.run.clone()).filter(|run| !run.is_empty()),
        ..event(micros, what)
    };
    let mut events = vec![of_run(
        way.created_at,
        format!("{noun} to {} created", way.email),
    )];
    if way.resends > 0 {
        events[0].notes.push(format!("sent again {}×", way.resends));
    }
    if let Some(at) = way.sent_at {
        let transport = way.transport.as_deref().unwrap_or("mail");
        events.push(of_run(at, format!("{noun} sent by {transport}")));
    }
    match (way.accepted_at, way.state.as_str()) {
        (Some(at), _) => events.push(of_run(at, format!("{noun} accepted"))),
        (None, "sent" | "queued") => {}
        (None, state) => {
            let mut event = of_run(way.changed_at, format!("{noun} {state}"));
            event.notes.extend(way.reply.clone());
            events.push(event);
        }
    }
    events
}

/// Rows about the person of which the database has no record: rejected, held, skipped, duplicate.
fn only_named(
    ledgers: &BTreeMap<String, Option<Vec<Entry>>>,
    runs: &BTreeMap<String, i64>,
    reported: &BTreeSet<(String, u32)>,
    known: &[Event],
) -> Vec<Event> {
    let mut events = Vec::new();
    for (run, entries) in ledgers {
        // Behind what the run did to the person, where it did anything.
        let did = known.iter().find(|event| event.run.as_ref() == Some(run));
        let started = runs.get(run).copied().unwrap_or_default();
        let micros = did.map_or(started, |event| event.micros);
        for entry in entries.iter().flatten() {
            if reported.contains(&(run.clone(), entry.row)) {
                continue;
            }
            let mut event = event(micros, format!("in an import, {}", entry.outcome));
            event.run = Some(run.clone());
            event.place = Some(format!("{}:{}", entry.file, entry.line));
            let equals = entries.iter().flatten();
            let equals = equals.filter(|other| Some(other.row) == entry.duplicate_of);
            event.notes = equals
                .map(|other| format!("every column equals {}:{}", other.file, other.line))
                .collect();
            event.notes.extend(notes(entry));
            events.push(event);
        }
    }
    events
}

/// A value as text, in full.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn shown_groups(value: &Value) -> String {
    let entries = value.as_array().into_iter().flatten();
    let groups = entries.filter_map(|entry| entry.as_str().map(membership::shown));
    groups.collect::<Vec<_>>().join(", ")
}

/// Rows that were asked for, each with what happened to it.
pub fn rows(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let entry = &row.entry;
        let _ = writeln!(
            text,
            "{}:{} of run {}: {}",
            safe(&entry.file),
            entry.line,
            safe(&row.run),
            safe(&entry.outcome)
        );
        if let Some(equals) = &row.equals {
            let _ = writeln!(text, "  every column equals {}", safe(equals));
        }
        for note in notes(entry) {
            let _ = writeln!(text, "  {}", safe(&note));
        }
        let _ = match &entry.account {
            Some(_) => writeln!(text),
            None => writeln!(text, "  no account matches it"),
        };
    }
    text
}

/// Several people of one name, and how to name one.
pub fn several(who: &str, people: &[Explained]) -> String {
    let heads = ["account", "e-mail", "external id", "name", "status"];
    let mut lines = vec![heads.map(String::from).to_vec()];
    lines.extend(people.iter().map(|person| {
        let status = if person.there {
            person.value("status")
        } else {
            "removed"
        };
        vec![
            person.account.clone(),
            safe(person.value("email")),
            safe(person.value("external_id")),
            safe(&name(person)),
            status.to_string(),
        ]
    }));
    format!(
        "{} people match `{}`; name one by address, external id or account id:\n\n{}",
        people.len(),
        safe(who),
        table(&lines, &[])
    )
}

fn name(person: &Explained) -> String {
    let names = [person.value("first_name"), person.value("last_name")];
    names.join(" ").trim().to_string()
}

/// A person's account and history. Lines end in `\n`.
pub fn explained(person: &Explained) -> String {
    let mut text = String::new();
    let state = if person.there {
        ""
    } else {
        ", removed; as it was then"
    };
    let _ = writeln!(text, "account {}{state}\n", person.account);
    let lines: Vec<Vec<String>> = person
        .values
        .iter()
        .map(|(name, value)| vec![format!("  {}", safe(name)), safe(value)])
        .collect();
    text.push_str(&table(&lines, &[]));
    text.push('\n');
    for event in &person.events {
        let run = event
            .run
            .as_ref()
            .map_or(String::new(), |run| format!(" · run {run}"));
        let place = event
            .place
            .as_ref()
            .map_or(String::new(), |place| format!(" · {place}"));
        let _ = writeln!(
            text,
            "{}  {}{}{}",
            event.at,
            safe(&event.what),
            safe(&run),
            safe(&place)
        );
        for changed in &event.changed {
            let quoted = |value: &str| match value {
                "" => "nothing".to_string(),
                value => format!("`{}`", safe(value)),
            };
            let _ = writeln!(
                text,
                "    {}: {} → {}",
                safe(&changed.field),
                quoted(&changed.before),
                quoted(&changed.after)
            );
        }
        for note in &event.notes {
            let _ = writeln!(text, "    {}", safe(note));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Counts;
    use crate::summary::{Run, Undone};

    #[test]
    fn what_was_kept_is_no_formula_and_moves_no_cursor() {
        let left = Left {
            who: "=cmd|' /C calc'!A0".to_string(),
            external_id: "a\"b".to_string(),
            field: "attributes.\u{1b}[2J".to_string(),
            reason: "changed".to_string(),
            ..Left::default()
        };
        let id = left.id;
        assert_eq!(
            String::from_utf8(kept_csv(std::slice::from_ref(&left))).unwrap(),
            format!(
                "account,email,external_id,field,reason\r\n\
                 \"{id}\",\"'=cmd|' /C calc'!A0\",\"a\"\"b\",\"attributes.\u{1b}[2J\",\"changed\"\r\n"
            )
        );
        assert_eq!(kept_line(&left)[1], "attributes.\\u{1b}[2J");
    }

    #[test]
    fn an_undo_says_how_much_is_as_before() {
        for (state, counts, said) in [
            ("finished", [2, 2, 0], "All 2 accounts are as before."),
            (
                "planned",
                [3, 1, 2],
                "1 of 3 accounts would be as it was before.",
            ),
            (
                "finished",
                [1, 1, 0],
                "The only account is as it was before.",
            ),
        ] {
            let [read, updated, skipped] = counts;
            let summary = Summary {
                run: Run {
                    state: state.to_string(),
                    ..Run::default()
                },
                counts: Counts {
                    read,
                    updated,
                    skipped,
                    ..Counts::default()
                },
                undo: Some(Undone {
                    kept: skipped,
                    ..Undone::default()
                }),
                ..Summary::default()
            };
            let shown = undo(&summary, &[], "");
            assert!(shown.contains(said), "{shown}");
        }
    }
}
