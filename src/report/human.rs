//! The summary as terminal text, and the texts that the page shares with it.
//!
//! Everything that comes from a file goes through [`safe`], so that no value can move the
//! cursor, forge a line or turn the text around.

use std::fmt::Write;

use crate::outcome::{Counts, Outcome};
use crate::refusal::Refusal;
use crate::safeguard::{Class, Safeguard, SafeguardDecision};
use crate::summary::{
    Approval, Example, FirstLoad, Input, IssueCount, LeaverExample, Share, Summary, Unmapped,
};

/// The narrowest text that is still laid out; a smaller `width` is taken for this one.
const WIDTH_MIN: usize = 40;
/// How many codes are listed before the rest is summed up in one line.
const CODES_MAX: usize = 6;
/// How many leavers are listed before the rest is summed up.
const LEAVERS_MAX: usize = 5;
/// How many cleaning rules are listed before the rest is summed up.
const RULES_MAX: usize = 8;
/// How many columns that were not used are reported in a sentence each, and how many are listed.
const SENTENCES_MAX: usize = 8;
const KEPT_MAX: usize = 8;
/// The most characters of a column's name that are shown.
const NAME_MAX: usize = 40;

// --- plain words, shared with the page -----------------------------------------------------------

/// Whether a character is shown as an escape: control characters (C0, C1, DEL), the bidirectional
/// controls of UAX #9, line and paragraph separators, and others that leave no mark at all.
/// ZWJ and ZWNJ stay, since names in many scripts need them.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One character as an escape: `\n`, `\t`, `\r`, else `\u{1b}`.
pub(super) fn escape(c: char) -> String {
    match c {
        '\n' | '\t' | '\r' => c.escape_default().to_string(),
        _ => c.escape_unicode().to_string(),
    }
}

/// `text` with every control, bidirectional and invisible character as an escape such as `\u{1b}`.
pub fn safe(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            shown.push_str(&escape(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A number with commas between thousands.
pub fn grouped(number: impl Into<u128>) -> String {
    let digits = number.into().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share as a percentage with one decimal. Nothing that is there becomes `0.0 %`, and nothing
/// that lacks a part becomes `100.0 %`.
pub(super) fn percent(part: u64, whole: u128) -> String {
    let part = u128::from(part);
    if whole == 0 || part == 0 {
        return "0.0 %".to_string();
    }
    let share = part as f64 * 100.0 / whole as f64;
    if part < whole && share >= 99.95 {
        ">99.9 %".to_string()
    } else if share < 0.05 {
        "<0.1 %".to_string()
    } else {
        format!("{share:.1} %")
    }
}

/// `1 issue`, `1,200 issues`.
pub(crate) fn plural(number: u64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        grouped(number),
        if number == 1 { one } else { many }
    )
}

/// What the outcomes add up to. In 128 bits: a damaged summary must not overflow.
pub(super) fn sum(counts: &Counts) -> u128 {
    Outcome::ALL
        .iter()
        .map(|&outcome| u128::from(counts.of(outcome)))
        .sum()
}

/// The rows that the files have, by their own count.
fn rows_in_files(summary: &Summary) -> u128 {
    summary
        .input
        .iter()
        .map(|input| u128::from(input.rows))
        .sum()
}

/// Everything that keeps the run from being reported as a whole, as sentences. A summary with
/// doubts is never called all in.
pub fn doubts(summary: &Summary) -> Vec<String> {
    let counts = &summary.counts;
    let (outcomes, read, files) = (sum(counts), u128::from(counts.read), rows_in_files(summary));
    let mut found = Vec::new();
    match summary.run.state.as_str() {
        "finished" => {}
        "stopped" if summary.run.kind == "check" => {
            found.push("Run the same command again for the complete result.".to_string());
        }
        "stopped" => found
            .push("Run the same command again; the run continues where it stopped.".to_string()),
        "" => found.push("This run has no state, so it may not have finished.".to_string()),
        other => found.push(format!("This run is `{}`, not finished.", safe(other))),
    }
    if outcomes != read {
        found.push(format!(
            "The outcomes add up to {}, but {} rows were read; the difference is unaccounted for.",
            grouped(outcomes),
            grouped(read)
        ));
    }
    if files != read && !summary.input.is_empty() {
        found.push(format!(
            "The files have {} rows, of which {} have an outcome here.",
            grouped(files),
            grouped(read)
        ));
    }
    found
}

/// Rows whose person the accounts hold as the file has it: created, updated and unchanged.
fn rows_in(counts: &Counts) -> u128 {
    [counts.created, counts.updated, counts.unchanged]
        .into_iter()
        .map(u128::from)
        .sum()
}

/// The run in a few sentences, the most important first: `198 of 212 rows are in.`, `9 rows need
/// fixing.` For a check, `would be in`.
pub fn headline(summary: &Summary) -> Vec<String> {
    let counts = &summary.counts;
    let would = summary.run.kind == "check";
    let (inside, finished) = (rows_in(counts), summary.run.state == "finished");
    let total = rows_in_files(summary)
        .max(u128::from(counts.read))
        .max(sum(counts));
    let (is, are) = if would {
        ("would be", "would be")
    } else {
        ("is", "are")
    };
    let mut sentences = Vec::new();
    if summary.run.state == "stopped" {
        sentences.push("Stopped before the end.".to_string());
    } else if !finished {
        sentences.push("Not finished.".to_string());
    }
    let so_far = if finished { "" } else { " so far" };
    let whole = doubts(summary).is_empty();
    if summary.input.is_empty() && total == 0 && summary.undo.is_none() {
        let nothing = if summary.leavers.is_empty() {
            "Nothing is due today."
        } else {
            "Dates applied, without a file."
        };
        sentences.push(nothing.to_string());
        sentences.extend(leavers_in_words(summary));
        return sentences;
    }
    sentences.push(match (total, inside) {
        (0, _) => "No row was read.".to_string(),
        (1, 1) if whole => format!("The only row {is} in."),
        (1, 0) => {
            format!("The only row {is} not in{so_far}.").replace("would be not", "would not be")
        }
        (_, 0) => format!("None of the {} rows {is} in{so_far}.", grouped(total)),
        (_, _) if inside == total && whole => format!("All {} rows {are} in.", grouped(total)),
        (_, 1) => format!("1 of {} rows {is} in{so_far}.", grouped(total)),
        _ => format!(
            "{} of {} rows {are} in{so_far}.",
            grouped(inside),
            grouped(total)
        ),
    });
    let mut more = |number: u64, one: &str, many: &str| {
        if number > 0 {
            sentences.push(format!("{}.", plural(number, one, many)));
        }
    };
    more(counts.rejected, "row needs fixing", "rows need fixing");
    if would {
        more(counts.held, "would be held", "would be held");
    } else {
        more(counts.held, "is held", "are held");
    }
    more(
        counts.failed,
        "was refused by the database",
        "were refused by the database",
    );
    sentences.extend(leavers_in_words(summary));
    sentences
}

/// What rows of earlier runs come back fixed, and what became since of those that needed work in
/// this one, a line each.
pub fn fixing(summary: &Summary) -> Vec<String> {
    let would = summary.run.kind == "check";
    let (resubmitted, are) = if would {
        ("would fix", "would be left")
    } else {
        ("fixes", "left")
    };
    let mut lines: Vec<String> = summary
        .resubmitted
        .iter()
        .map(|of| {
            format!(
                "{resubmitted} {} of {} of run {}, {} {are}",
                grouped(of.fixed),
                plural(of.needed, "row", "rows"),
                of.run,
                grouped(of.left)
            )
        })
        .collect();
    if let Some(open) = &summary.open {
        let by = open.by.iter();
        let by: String = by
            .map(|by| format!("{} fixed by {}, ", grouped(by.rows), by.run))
            .collect();
        let rows = plural(open.needed, "row", "rows");
        let left_out = match open.left_out {
            0 => String::new(),
            count => format!("{} left out, ", grouped(count)),
        };
        lines.push(format!(
            "{rows} needed fixing: {by}{left_out}{} left",
            grouped(open.left)
        ));
    }
    lines
}

/// Those whom no row names, in a sentence: `3 people are missing from the list: 2 deactivated, 1
/// waiting.`
fn leavers_in_words(summary: &Summary) -> Option<String> {
    let leaver_actions: Vec<String> = summary
        .leavers
        .iter()
        .map(|(leaver_action, count)| format!("{} {}", grouped(*count), safe(leaver_action)))
        .collect();
    let all: u64 = summary.leavers.values().sum();
    let mut examples = summary.leaver_examples.iter();
    let by_dates = examples.any(|leaver| leaver.why != "missing");
    let words = match (all, by_dates) {
        (0, _) => return None,
        (1, false) => "person is missing from the list",
        (_, false) => "people are missing from the list",
        (1, true) => "person is due by a date",
        (_, true) if summary.input.is_empty() => "people are due by their dates",
        (_, true) => "people are missing from the list or due by their dates",
    };
    Some(format!(
        "{} {words}: {}.",
        grouped(all),
        leaver_actions.join(", ")
    ))
}

/// What is known of a leaver's absence: `missing for 3 days, in 2 files`.
pub(super) fn why_leaving(leaver: &LeaverExample) -> String {
    match leaver.why.as_str() {
        "end_date" => "the last day has passed".to_string(),
        "start_date" => "the first day has been reached".to_string(),
        _ => {
            let files = plural(leaver.missing_runs, "file", "files");
            match leaver.missing_days {
                0 => format!("not in {files}"),
                days => format!("not in {files}, since {}", plural(days, "day", "days")),
            }
        }
    }
}

/// What an outcome means, in a few words.
pub(super) fn meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created => "a new account",
        Outcome::Updated => "an account with at least one new value",
        Outcome::Unchanged => "the account already has all values",
        Outcome::Duplicate => "every column equals an earlier row's",
        Outcome::Skipped => "left out because the pipeline says so",
        Outcome::Rejected => "something must be fixed first",
        Outcome::Held => "it waits for a group, a decision or an approval",
        Outcome::Failed => "refused by the database",
    }
}

/// What happened to the changes of a class.
pub(super) fn decision(decision: SafeguardDecision) -> &'static str {
    match decision {
        SafeguardDecision::Passed => "passed",
        SafeguardDecision::Allowed => "allowed",
        SafeguardDecision::Held => "held",
    }
}

/// What a safeguard counted: `26 accounts closed`.
pub(super) fn counted(safeguard: &Safeguard) -> String {
    let (one, many) = match Class::from_name(&safeguard.class) {
        Some(Class::Create) => ("new account", "new accounts"),
        Some(Class::Update) => ("account changed", "accounts changed"),
        Some(Class::Deactivate) => ("account closed", "accounts closed"),
        Some(Class::EmailChange) => ("other address", "other addresses"),
        Some(Class::RoleRaise) => ("higher role", "higher roles"),
        Some(Class::KeyChange) => ("other id or username", "other ids or usernames"),
        Some(Class::NewGroups) => ("new group", "new groups"),
        Some(Class::Seats) => ("seat taken", "seats taken"),
        Some(Class::Content) | None => ("finding", "findings"),
    };
    plural(safeguard.count, one, many)
}

/// A safeguard in a sentence: `26 accounts closed, of 400; at most 20`.
fn measured(safeguard: &Safeguard) -> String {
    let mut text = counted(safeguard);
    let by_itself = safeguard.limit.is_some_and(|limit| safeguard.count > limit);
    let limit = if by_itself {
        safeguard.limit
    } else {
        let _ = write!(
            text,
            ", and {} by earlier runs",
            grouped(safeguard.window_count)
        );
        safeguard.window_limit
    };
    match safeguard.class.as_str() {
        "content" => return "the file as a whole is in doubt".to_string(),
        "seats" => {}
        _ => {
            let _ = write!(text, ", of {} in total", grouped(safeguard.base));
        }
    }
    if let Some(limit) = limit {
        let together = if by_itself { "" } else { " together" };
        let _ = write!(text, "; at most {}{together}", grouped(limit));
    }
    text
}

/// How long the run took, if both of its times can be read.
pub fn duration(started_at: &str, finished_at: &str) -> Option<String> {
    let started: jiff::Timestamp = started_at.parse().ok()?;
    let finished: jiff::Timestamp = finished_at.parse().ok()?;
    let milliseconds = finished
        .as_millisecond()
        .checked_sub(started.as_millisecond())?;
    let (seconds, rest) = (
        u64::try_from(milliseconds).ok()? / 1000,
        milliseconds % 1000,
    );
    Some(match seconds {
        0..60 => format!("{seconds}.{} s", rest / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", grouped(seconds / 3600), seconds % 3600 / 60),
    })
}

/// Where an issue is: `people.csv:17`, or `people.xlsx, sheet Staff, row 17`.
pub(crate) fn place(example: &Example) -> String {
    match &example.sheet {
        Some(sheet) => format!(
            "{}, sheet {}, row {}",
            safe(&example.file),
            safe(sheet),
            example.line
        ),
        // What is about the whole file has no line.
        None if example.line == 0 => safe(&example.file),
        None => format!("{}:{}", safe(&example.file), example.line),
    }
}

// --- the text ------------------------------------------------------------------------------------

/// The few looks of terminal text.
#[derive(Clone, Copy)]
enum Look {
    Strong,
    Faint,
    Good,
    Warn,
    Bad,
}

/// `text` in a look; as it is without `colour`. Pad before painting, never after.
fn paint(text: &str, look: Look, colour: bool) -> String {
    let code = match look {
        Look::Strong => "1",
        Look::Faint => "2",
        Look::Good => "32",
        Look::Warn => "33",
        Look::Bad => "31",
    };
    if colour && !text.is_empty() {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_string()
    }
}

fn look_of(outcome: Outcome) -> Look {
    match outcome {
        Outcome::Created | Outcome::Updated | Outcome::Unchanged => Look::Good,
        Outcome::Duplicate | Outcome::Skipped => Look::Faint,
        Outcome::Held => Look::Warn,
        Outcome::Rejected | Outcome::Failed => Look::Bad,
    }
}

/// The run as terminal text, about 30 lines: headline, outcomes, top issues, what cleaning
/// changed, the files in `folder`, and what can be done next. Lines end in `\n`.
///
/// `folder` is where the run's files are, as it is to be shown; `width` is in columns.
pub fn render(summary: &Summary, folder: &str, width: usize, colour: bool) -> String {
    let width = width.max(WIDTH_MIN);
    let mut text = String::new();
    opening(&mut text, summary, width, colour);
    outcomes(&mut text, &summary.counts, colour);
    safeguards(&mut text, &summary.safeguards, width, colour);
    leavers(&mut text, summary, width);
    issues(&mut text, summary, width, colour);
    cleaned(&mut text, summary, width);
    found(&mut text, summary, width);
    unmapped(&mut text, summary, width);
    files(&mut text, summary, folder, width, colour);
    next(&mut text, summary, width, colour);
    text
}

/// An approval, in one line: `approved by Ann: the reorganisation; update and deactivate of run X`.
pub fn approval(approval: &Approval) -> String {
    let by = approval.by.as_ref().map(|by| format!(" by {by}"));
    let reason = approval.reason.as_ref().map(|reason| format!(": {reason}"));
    format!(
        "approved{}{}; held as {} in run {}",
        by.unwrap_or_default(),
        reason.unwrap_or_default(),
        approval.classes.join(" and "),
        approval.of
    )
}

/// How a first import was written.
pub fn first_load(load: &FirstLoad) -> String {
    match (&load.why, load.locked_ms) {
        (Some(why), _) => format!("written chunk by chunk, because {why}"),
        (None, Some(locked)) => format!(
            "filled apart and put in place at once; nobody else could use the accounts for {} ms",
            grouped(locked)
        ),
        (None, None) => "filled apart and put in place at once".to_string(),
    }
}

/// How much of a run one of several processes wrote.
pub fn part(share: &Share) -> String {
    let chunks = plural(share.of, "chunk", "chunks");
    format!("{} of {chunks}", grouped(share.chunks))
}

fn opening(text: &mut String, summary: &Summary, width: usize, colour: bool) {
    let run = &summary.run;
    let took = duration(&run.started_at, &run.finished_at)
        .map_or(String::new(), |took| format!(", {took}"));
    let resumed = if run.resumed { ", resumed" } else { "" };
    let line = format!(
        "{} {}, {}{took}{resumed}",
        safe(&run.kind),
        safe(&run.id),
        safe(&run.state)
    );
    push_wrapped(text, &line, "", width, |line| {
        paint(line, Look::Faint, colour)
    });
    if let Some(share) = &run.share {
        let line = format!("{} written by this process", part(share));
        push_wrapped(text, &line, "", width, |line| {
            paint(line, Look::Faint, colour)
        });
    }
    if let Some(load) = &run.first_load {
        let line = format!("first import, {}", safe(&first_load(load)));
        push_wrapped(text, &line, "", width, |line| {
            paint(line, Look::Faint, colour)
        });
    }
    if let Some(approves) = &run.approves {
        let line = safe(&approval(approves));
        push_wrapped(text, &line, "", width, |line| {
            paint(line, Look::Faint, colour)
        });
    }
    if !run.matched_against.is_empty() {
        let line = format!("matched against {}", safe(&run.matched_against));
        push_wrapped(text, &line, "", width, |line| {
            paint(line, Look::Faint, colour)
        });
    }
    text.push('\n');
    for line in mostly_unknown(summary) {
        push_wrapped(text, &safe(&line), "", width, |line| {
            paint(line, Look::Warn, colour)
        });
    }
    push_wrapped(text, &headline(summary).join(" "), "", width, |line| {
        paint(line, Look::Strong, colour)
    });
    for doubt in doubts(summary) {
        push_wrapped(text, &doubt, "", width, |line| {
            paint(line, Look::Warn, colour)
        });
    }
    for line in fixing(summary) {
        push_wrapped(text, &safe(&line), "", width, str::to_string);
    }
}

fn outcomes(text: &mut String, counts: &Counts, colour: bool) {
    let total = sum(counts);
    let number_width = grouped(counts.read).len().max(grouped(total).len());
    text.push('\n');
    for outcome in Outcome::ALL {
        let number = counts.of(outcome);
        if number > 0 {
            let line = format!(
                "{:<10}{:>number_width$}  {:>7}",
                outcome.name(),
                grouped(number),
                percent(number, total)
            );
            let _ = writeln!(text, "  {}", paint(&line, look_of(outcome), colour));
        }
    }
    let line = format!("{:<10}{:>number_width$}", "read", grouped(counts.read));
    let _ = writeln!(text, "  {}", paint(&line, Look::Strong, colour));
}

/// The first people whom no row names, and what happens to each.
fn leavers(text: &mut String, summary: &Summary, width: usize) {
    let (shown, all) = (&summary.leaver_examples, summary.leavers.values().sum());
    for (index, leaver) in shown.iter().take(LEAVERS_MAX).enumerate() {
        if index == 0 {
            text.push('\n');
        }
        let (what, who) = (safe(&leaver.what), safe(&leaver.who));
        let line = format!("  {what:<11}  {who}  {}", why_leaving(leaver));
        let _ = writeln!(text, "{}", cut(&line, width));
    }
    let rest: u64 = all;
    let rest = rest.saturating_sub(shown.len().min(LEAVERS_MAX) as u64);
    if rest > 0 && !shown.is_empty() {
        let _ = writeln!(text, "  and {} more, in leavers.csv", grouped(rest));
    }
}

/// The safeguards that were met, and what each was measured by.
fn safeguards(text: &mut String, safeguards: &[Safeguard], width: usize, colour: bool) {
    const INDENT: &str = "           ";
    let met = safeguards
        .iter()
        .filter(|safeguard| safeguard.decision != SafeguardDecision::Passed);
    for (index, safeguard) in met.enumerate() {
        if index == 0 {
            text.push('\n');
        }
        let word = format!("{:<7}", decision(safeguard.decision));
        let _ = write!(text, "  {}  ", paint(&word, Look::Warn, colour));
        let line = format!("{}: {}", safe(&safeguard.class), measured(safeguard));
        let room = width - INDENT.len();
        let mut lines = String::new();
        push_wrapped(&mut lines, &line, "", room, str::to_string);
        for finding in &safeguard.findings {
            push_wrapped(
                &mut lines,
                &format!("- {}", safe(finding)),
                "  ",
                room,
                str::to_string,
            );
        }
        text.push_str(&lines.trim_end().replace('\n', &format!("\n{INDENT}")));
        text.push('\n');
    }
}

fn issues(text: &mut String, summary: &Summary, width: usize, colour: bool) {
    if summary.issues.is_empty() {
        return;
    }
    let (shown, rest) = summary.issues.split_at(summary.issues.len().min(CODES_MAX));
    let number_width = shown
        .iter()
        .map(|issue| grouped(issue.count).len())
        .max()
        .unwrap_or(0);
    text.push('\n');
    for issue in shown {
        issue_line(text, issue, number_width, width, colour);
    }
    if !rest.is_empty() {
        let number = rest
            .iter()
            .map(|issue| u128::from(issue.count))
            .sum::<u128>();
        let codes = if rest.len() == 1 { "code" } else { "codes" };
        let _ = writeln!(
            text,
            "  and {} more {codes}, {} in all",
            rest.len(),
            grouped(number)
        );
    }
}

/// One code; its first place goes to the end of the line, or below where it doesn't fit.
fn issue_line(
    text: &mut String,
    issue: &IssueCount,
    number_width: usize,
    width: usize,
    colour: bool,
) {
    let look = match issue.severity.as_str() {
        "reject" | "refuse" => Look::Bad,
        "warning" => Look::Warn,
        _ => Look::Faint,
    };
    let number = format!("{:>number_width$}", grouped(issue.count));
    let severity = format!("{:<7}", cut(&safe(&issue.severity), 7));
    let indent = 2 + number_width + 2 + 7 + 2;
    let words = format!("{}: {}", safe(&issue.code), safe(&issue.title));
    let words = cut(&words, width.saturating_sub(indent));
    let _ = write!(
        text,
        "  {number}  {}  {words}",
        paint(&severity, look, colour)
    );
    let Some(example) = issue.examples.first() else {
        text.push('\n');
        return;
    };
    let place = place(example);
    let found = match safe(&example.found) {
        found if found.is_empty() => place.clone(),
        found => format!("{place} `{found}`"),
    };
    let fits = |room: usize| {
        [&found, &place]
            .into_iter()
            .find(|shown| length(shown) <= room)
    };
    let room = width.saturating_sub(indent);
    if let Some(shown) = fits(room.saturating_sub(length(&words) + 2)) {
        let _ = writeln!(text, "  {}", paint(shown, Look::Faint, colour));
    } else {
        let shown = fits(room).map_or_else(|| cut_start(&place, room), String::clone);
        let shown = paint(&shown, Look::Faint, colour);
        let _ = writeln!(text, "\n{:indent$}{shown}", "");
    }
}

fn cleaned(text: &mut String, summary: &Summary, width: usize) {
    let rules = rules(summary);
    let total: u128 = rules.iter().map(|(_, number)| u128::from(*number)).sum();
    if total == 0 {
        return;
    }
    let mut parts: Vec<String> = rules
        .iter()
        .take(RULES_MAX)
        .map(|(rule, number)| format!("{} {}", safe(rule), grouped(*number)))
        .collect();
    if rules.len() > RULES_MAX {
        let rest: u128 = rules[RULES_MAX..]
            .iter()
            .map(|(_, number)| u128::from(*number))
            .sum();
        parts.push(format!(
            "{} other rules {}",
            rules.len() - RULES_MAX,
            grouped(rest)
        ));
    }
    let changes = if total == 1 { "change" } else { "changes" };
    text.push('\n');
    let line = format!(
        "cleaning made {} {changes}: {}",
        grouped(total),
        parts.join(", ")
    );
    push_wrapped(text, &line, "  ", width, str::to_string);
}

/// What was found of how the files are to be read.
fn found(text: &mut String, summary: &Summary, width: usize) {
    for input in &summary.input {
        if !input.detected.is_empty() {
            let detected = input.detected.join("; ");
            let line = format!("in {}: {}", safe(&input.path), safe(&detected));
            text.push('\n');
            push_wrapped(text, &line, "  ", width, str::to_string);
        }
    }
}

/// Files of which most columns aren't known, as sentences; nothing else is worth saying before.
pub(super) fn mostly_unknown(summary: &Summary) -> Vec<String> {
    let inputs = summary.input.iter().filter(|input| input.unmapped.mostly);
    let sentence = |input: &Input| {
        format!(
            "{} of the {} columns of {} have unknown names; they are kept as custom attributes. \
                `muster map` shows what they could be.",
            grouped(input.unmapped.unknown),
            grouped(input.unmapped.named),
            input.path,
        )
    };
    inputs.map(sentence).collect()
}

/// Columns that were not used, or not as what they may be meant for: a sentence a column, and one
/// for all that are only kept.
pub fn not_used(unmapped: &Unmapped) -> Vec<String> {
    let mut sentences = Vec::new();
    for likely in &unmapped.likely {
        sentences.push(format!(
            "`{}` is probably `{}` ({}), but was kept as a custom attribute",
            likely.column, likely.field, likely.why
        ));
    }
    for passed in &unmapped.passed_over {
        sentences.push(format!(
            "`{}` was read from `{}`, not from `{}`",
            passed.field, passed.taken, passed.column
        ));
    }
    for nameless in &unmapped.nameless {
        let rows = plural(nameless.values, "row", "rows");
        sentences.push(format!(
            "{} has no name and was not read; it has a value in {rows}",
            nameless.place()
        ));
    }
    sentences
}

/// The columns of a file that were kept as attributes, without those of which [`not_used`] says it.
pub fn only_kept(unmapped: &Unmapped) -> Vec<&str> {
    let is_said = |name: &&str| {
        unmapped.likely.iter().any(|likely| likely.column == **name)
            || unmapped
                .passed_over
                .iter()
                .any(|passed| passed.column == **name)
    };
    let names = unmapped.attributes.iter().map(String::as_str);
    names.filter(|name| !is_said(name)).collect()
}

/// The columns that were not used.
fn unmapped(text: &mut String, summary: &Summary, width: usize) {
    for input in &summary.input {
        let sentences = not_used(&input.unmapped);
        let kept = only_kept(&input.unmapped);
        if sentences.is_empty() && kept.is_empty() {
            continue;
        }
        text.push('\n');
        if !sentences.is_empty() {
            let _ = writeln!(text, "columns of {}:", safe(&input.path));
        }
        let (shown, rest) = sentences.split_at(sentences.len().min(SENTENCES_MAX));
        for sentence in shown {
            let line = format!("- {}", safe(sentence));
            push_wrapped(text, &line, "  ", width, str::to_string);
        }
        if !rest.is_empty() {
            let _ = writeln!(text, "- and {} more; summary.html has all", rest.len());
        }
        if !kept.is_empty() {
            let (shown, rest) = kept.split_at(kept.len().min(KEPT_MAX));
            let shown: Vec<String> = shown
                .iter()
                .map(|name| cut(&safe(name), NAME_MAX))
                .collect();
            let more = match rest.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let line = format!("kept as custom attributes: {}{more}", shown.join(", "));
            push_wrapped(text, &line, "  ", width, str::to_string);
        }
    }
}

/// The cleaning rules that changed something, those that changed most first.
pub(super) fn rules(summary: &Summary) -> Vec<(&str, u64)> {
    let mut rules: Vec<(&str, u64)> = summary
        .cleaned
        .iter()
        .filter(|(_, number)| **number > 0)
        .map(|(rule, number)| (rule.as_str(), *number))
        .collect();
    rules.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    rules
}

fn files(text: &mut String, summary: &Summary, folder: &str, width: usize, colour: bool) {
    if summary.files.is_empty() {
        return;
    }
    let names: Vec<String> = summary.files.values().map(|name| safe(name)).collect();
    let _ = writeln!(
        text,
        "\nfiles in {}:",
        paint(&safe(folder), Look::Strong, colour)
    );
    push_wrapped(text, &names.join(", "), "", width, str::to_string);
}

fn next(text: &mut String, summary: &Summary, width: usize, colour: bool) {
    if !summary.next.is_empty() {
        text.push('\n');
    }
    for next in &summary.next {
        push_wrapped(
            text,
            &format!("{}:", safe(&next.what)),
            "",
            width,
            str::to_string,
        );
        let _ = writeln!(
            text,
            "  {}",
            paint(&safe(&next.command), Look::Strong, colour)
        );
    }
}

/// Adds `line`, broken between words so that it fits into `width`; `indent` begins every line but
/// the first. A word that is longer than a line stays whole, so that paths can be copied.
fn push_wrapped(
    text: &mut String,
    line: &str,
    indent: &str,
    width: usize,
    paint: impl Fn(&str) -> String,
) {
    let mut current = String::new();
    let mut empty = true;
    for word in line.split_whitespace() {
        if !empty && length(&current) + 1 + length(word) > width {
            let _ = writeln!(text, "{}", paint(&current));
            current = indent.to_string();
            empty = true;
        }
        if !empty {
            current.push(' ');
        }
        current.push_str(word);
        empty = false;
    }
    let _ = writeln!(text, "{}", paint(&current));
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// At most `width` characters of `text`.
fn cut(text: &str, width: usize) -> String {
    if length(text) <= width {
        return text.to_string();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// At most `width` characters of the end of `text`, where a path has its name and its line.
fn cut_start(text: &str, width: usize) -> String {
    if length(text) <= width {
        return text.to_string();
    }
    let over = length(text) + 1 - width.max(1);
    std::iter::once('…')
        .chain(text.chars().skip(over))
        .collect()
}

/// A refusal for stderr: `error[file.not_found]: …`, then `  help: …`. The lines of a longer
/// `what`, such as an excerpt with its caret, keep their alignment. Lines end in `\n`.
pub fn refusal(refusal: &Refusal, colour: bool) -> String {
    let mut text = String::new();
    let head = paint(&format!("error[{}]", refusal.code), Look::Bad, colour);
    for (index, line) in refusal.what.lines().enumerate() {
        if index == 0 {
            let _ = writeln!(text, "{head}: {}", excerpt_line(line));
        } else {
            let _ = writeln!(text, "{}", format!("  {}", excerpt_line(line)).trim_end());
        }
    }
    if refusal.what.is_empty() {
        let _ = writeln!(text, "{head}: {}", refusal.code.title());
    }
    for (index, line) in refusal.help.lines().enumerate() {
        let lead = if index == 0 {
            format!("  {} ", paint("help:", Look::Strong, colour))
        } else {
            " ".repeat(8)
        };
        let _ = writeln!(
            text,
            "{}",
            format!("{lead}{}", excerpt_line(line)).trim_end()
        );
    }
    text
}

/// A line of an excerpt. A tab becomes one space, so that a caret below still points where it did.
fn excerpt_line(line: &str) -> String {
    safe(&line.replace('\t', " "))
}

/// One run as `muster runs` lists it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunLine {
    /// Names the run in every command.
    pub id: String,
    /// `check` or `import`.
    pub kind: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// `finished`, `stopped` or `running`.
    pub state: String,
    /// The files, as given on the command line.
    pub input: String,
    /// What happened to the rows.
    pub counts: Counts,
}

/// The runs as a table, one line each, in the order given. Lines end in `\n`.
pub fn runs_table(runs: &[RunLine]) -> String {
    if runs.is_empty() {
        return "no runs yet\n".to_string();
    }
    let heads = [
        "run", "kind", "started", "state", "read", "in", "fix", "held", "input",
    ]
    .map(String::from);
    let mut lines = vec![heads.to_vec()];
    lines.extend(runs.iter().map(|run| run_cells(run).to_vec()));
    table(&lines, &[4, 5, 6, 7])
}

/// Lines of cells in columns. Words are to the left, those of `numbers` to the right; the last
/// column ends where its text does. Lines end in `\n`.
pub fn table(lines: &[Vec<String>], numbers: &[usize]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths = vec![0; columns];
    for cells in lines {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = length(cell).max(*width);
        }
    }
    let mut text = String::new();
    for cells in lines {
        let mut line = String::new();
        for (index, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let _ = if numbers.contains(&index) {
                write!(line, "{cell:>width$}  ")
            } else {
                write!(line, "{cell:<width$}  ")
            };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn run_cells(run: &RunLine) -> [String; 9] {
    let started = match run.started_at.parse::<jiff::Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => safe(&run.started_at),
    };
    let fix = u128::from(run.counts.rejected) + u128::from(run.counts.failed);
    [
        safe(&run.id),
        safe(&run.kind),
        started,
        safe(&run.state),
        grouped(run.counts.read),
        grouped(rows_in(&run.counts)),
        grouped(fix),
        grouped(run.counts.held),
        safe(&run.input),
    ]
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::issue::Code;
    use crate::summary::{Column, Input, Next, PipelineName, Run};

    fn counts() -> Counts {
        Counts {
            read: 1212,
            created: 1150,
            updated: 20,
            unchanged: 28,
            duplicate: 3,
            skipped: 2,
            rejected: 9,
            ..Counts::default()
        }
    }

    fn issue(code: Code, count: u64, line: u64, found: &str) -> IssueCount {
        IssueCount {
            code: code.name().to_string(),
            severity: code.severity().name().to_string(),
            title: code.title().to_string(),
            count,
            examples: vec![Example {
                file: "people.csv".to_string(),
                line,
                column: Some("E-Mail".to_string()),
                found: found.to_string(),
                ..Example::default()
            }],
        }
    }

    /// A finished import of one file.
    pub(in crate::report) fn summary() -> Summary {
        Summary {
            schema: crate::summary::SCHEMA.to_string(),
            run: Run {
                id: "019a9f3c".to_string(),
                kind: "import".to_string(),
                started_at: "2026-11-22T05:31:07Z".to_string(),
                finished_at: "2026-11-22T05:32:09.5Z".to_string(),
                state: "finished".to_string(),
                matched_against: "postgresql://muster@db.example.org/school".to_string(),
                plan: None,
                approves: None,
                resumed: false,
                share: None,
                first_load: None,
            },
            input: vec![Input {
                path: "data/people.csv".to_string(),
                sha256: "9f86d081884c7d659a2feaa0c55ad015".to_string(),
                bytes: 48_231,
                format: "csv".to_string(),
                encoding: Some("windows-1252".to_string()),
                delimiter: Some(";".to_string()),
                sheet: None,
                detected: vec!["dates have the day first".to_string()],
                rows: 1212,
                columns: vec![Column {
                    header: "E-Mail".to_string(),
                    mapped_to: "email".to_string(),
                }],
                unmapped: Unmapped::default(),
            }],
            pipeline: PipelineName {
                name: "hr-nightly".to_string(),
                sha256: "2c26b46b68ffc68ff99b453c1d304134".to_string(),
            },
            counts: counts(),
            cleaned: [("trim", 96), ("unicode_nfc", 1417), ("never", 0)]
                .map(|(rule, number)| (rule.to_string(), number))
                .into(),
            issues: vec![
                issue(Code::EmailSyntax, 1004, 17, "j***@e***.org"),
                issue(Code::EmailTypo, 2, 33, "t***@g***.com"),
            ],
            dropped: None,
            resubmitted: Vec::new(),
            open: None,
            safeguards: Vec::new(),
            profile: None,
            files: [("corrections", "corrections.csv"), ("page", "summary.html")]
                .map(|(name, path)| (name.to_string(), path.to_string()))
                .into(),
            invitations: None,
            leavers: Default::default(),
            leaver_examples: Vec::new(),
            undo: None,
            groups: None,
            next: vec![Next {
                what: "invite the 1,150 new people".to_string(),
                command: "muster invite 019a9f3c".to_string(),
            }],
        }
    }

    #[test]
    fn numbers_shares_and_times_read_well() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(grouped(number), text);
        }
        for (part, whole, text) in [
            (0, 0, "0.0 %"),
            (0, 7, "0.0 %"),
            (1, 1_000_000_000, "<0.1 %"),
            (999_999_999, 1_000_000_000, ">99.9 %"),
            (1, 3, "33.3 %"),
            (7, 7, "100.0 %"),
        ] {
            assert_eq!(percent(part, whole), text, "{part} of {whole}");
        }
        for (finished, text) in [
            ("2026-11-22T00:00:02.84Z", Some("2.8 s")),
            ("2026-11-22T00:01:02Z", Some("1 min 2 s")),
            ("2026-11-22T02:01:02Z", Some("2 h 1 min")),
            ("2026-11-21T00:00:00Z", None),
            ("yesterday", None),
        ] {
            assert_eq!(
                duration("2026-11-22T00:00:00Z", finished).as_deref(),
                text,
                "{finished}"
            );
        }
    }

    #[test]
    fn text_can_not_move_the_cursor_or_turn_the_line_around() {
        for (text, shown) in [
            ("José Müller 山田 محمد", "José Müller 山田 محمد"),
            (
                "\u{1b}[2J\r\nok\tx\u{7f}\u{9b}1m",
                r"\u{1b}[2J\r\nok\tx\u{7f}\u{9b}1m",
            ),
            (
                "gpj\u{202e}exe\u{2066}\u{200f}",
                r"gpj\u{202e}exe\u{2066}\u{200f}",
            ),
            (
                "a\u{200b}b\u{feff}\u{e0041}",
                r"a\u{200b}b\u{feff}\u{e0041}",
            ),
            ("نمی\u{200c}خواهم", "نمی\u{200c}خواهم"),
        ] {
            assert_eq!(safe(text), shown);
        }
    }

    #[test]
    fn the_headline_says_what_is_in_and_never_more() {
        let reported = |change: &dyn Fn(&mut Summary)| {
            let mut summary = summary();
            change(&mut summary);
            headline(&summary).join(" ")
        };
        let only = |read: u64, created: u64, rejected: u64| {
            move |summary: &mut Summary| {
                summary.counts = Counts {
                    read,
                    created,
                    rejected,
                    ..Counts::default()
                };
                summary.input[0].rows = read;
            }
        };
        assert_eq!(
            reported(&|_| ()),
            "1,198 of 1,212 rows are in. 9 rows need fixing."
        );
        assert_eq!(reported(&only(212, 212, 0)), "All 212 rows are in.");
        assert_eq!(reported(&only(1, 1, 0)), "The only row is in.");
        assert_eq!(
            reported(&only(1, 0, 1)),
            "The only row is not in. 1 row needs fixing."
        );
        assert_eq!(
            reported(&only(5, 0, 5)),
            "None of the 5 rows is in. 5 rows need fixing."
        );
        assert_eq!(reported(&only(0, 0, 0)), "No row was read.");
        let check = |summary: &mut Summary| {
            summary.run.kind = "check".to_string();
            summary.counts.skipped = 0;
            summary.counts.held = 2;
        };
        let would = "1,198 of 1,212 rows would be in. 9 rows need fixing. 2 would be held.";
        assert_eq!(reported(&check), would);
        assert_eq!(
            reported(&|summary| {
                only(1, 0, 1)(summary);
                summary.run.kind = "check".to_string();
            }),
            "The only row would not be in. 1 row needs fixing."
        );
    }

    #[test]
    fn a_run_with_doubts_is_never_all_in() {
        let all_in = Counts {
            read: 212,
            created: 212,
            ..Counts::default()
        };
        let cases: [(&str, Counts, u64, &str); 6] = [
            ("finished", all_in, 212, ""),
            ("stopped", all_in, 212, "continues where it stopped"),
            ("", all_in, 212, "no state"),
            ("running", all_in, 212, "is `running`, not finished"),
            (
                "finished",
                Counts {
                    read: 213,
                    ..all_in
                },
                213,
                "unaccounted for",
            ),
            ("finished", all_in, 300, "300 rows, of which 212"),
        ];
        for (state, counts, rows, doubt) in cases {
            let mut summary = summary();
            summary.run.state = state.to_string();
            summary.counts = counts;
            summary.input[0].rows = rows;
            let text = render(&summary, "out", 80, false);
            assert_eq!(
                text.contains("All 212 rows are in."),
                doubt.is_empty(),
                "{text}"
            );
            assert!(doubts(&summary).join(" ").contains(doubt), "{doubt}");
            assert!(text.replace('\n', " ").contains(doubt), "{text}");
        }
    }

    #[test]
    fn the_text_shows_the_whole_run() {
        let expected = "import 019a9f3c, finished, 1 min 2 s
matched against postgresql://muster@db.example.org/school

1,198 of 1,212 rows are in. 9 rows need fixing.

  created   1,150   94.9 %
  updated      20    1.7 %
  unchanged    28    2.3 %
  duplicate     3    0.2 %
  skipped       2    0.2 %
  rejected      9    0.7 %
  read      1,212

  1,004  reject   email.syntax: not an e-mail address  people.csv:17
      2  warning  email.typo: the domain looks mistyped  people.csv:33
      3  warning  email.role: the address of a role, not of a person
                  people.csv:8 `i***@m***.de`
      5  reject   row.short: fewer cells than the header has
                  people.csv:4
      5  reject   row.long: more cells than the header has  people.csv:9
      1  reject   cell.error: the cell contains an error  people.csv:6
  and 2 more codes, 10 in all

cleaning made 1,513 changes: unicode_nfc 1,417, trim 96

in data/people.csv: dates have the day first

files in muster-runs/019a9f3c:
corrections.csv, summary.html

invite the 1,150 new people:
  muster invite 019a9f3c
";
        let mut summary = summary();
        summary.issues.extend([
            issue(Code::EmailRole, 3, 8, "i***@m***.de"),
            issue(Code::RowShort, 5, 4, ""),
            issue(Code::RowLong, 5, 9, ""),
            issue(Code::CellError, 1, 6, ""),
            issue(Code::DateInvalid, 4, 7, ""),
            issue(Code::EmailLength, 6, 5, ""),
        ]);
        let text = render(&summary, "muster-runs/019a9f3c", 72, false);
        assert_eq!(text, expected);
        let painted = render(&summary, "muster-runs/019a9f3c", 72, true);
        assert!(
            painted.contains("\u{1b}[1m1,198 of 1,212 rows are in. 9 rows need fixing.\u{1b}[0m\n")
        );
    }

    #[test]
    fn a_safeguard_says_what_it_counted_and_by_what() {
        let safeguard = |class: &str, decision, count, limit, window_count| Safeguard {
            class: class.to_string(),
            decision,
            count,
            base: 1400,
            limit: Some(limit),
            window_count,
            window_limit: Some(2 * limit),
            ..Safeguard::default()
        };
        let safeguards = [
            safeguard("update", SafeguardDecision::Passed, 300, 420, 0),
            safeguard("deactivate", SafeguardDecision::Held, 126, 70, 30),
            safeguard("role_raise", SafeguardDecision::Held, 1, 28, 56),
            safeguard("create", SafeguardDecision::Allowed, 1500, 1400, 0),
            Safeguard {
                findings: vec!["200 rows; the last run had 4\u{1b}00".into()],
                ..safeguard("content", SafeguardDecision::Held, 1, 0, 0)
            },
        ];
        let mut text = String::new();
        super::safeguards(&mut text, &safeguards, 60, false);
        let expected = r"
  held     deactivate: 126 accounts closed, of 1,400 in
           total; at most 70
  held     role_raise: 1 higher role, and 56 by earlier
           runs, of 1,400 in total; at most 56 together
  allowed  create: 1,500 new accounts, of 1,400 in total; at
           most 1,400
  held     content: the file as a whole is in doubt
           - 200 rows; the last run had 4\u{1b}00
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_refusal_keeps_its_excerpt_aligned() {
        let what = "unknown field `clena\u{1b}`\n --> hr.toml:3:2\n  |\n3 |\tclena = 1\n  |\t^^^^^";
        let shown = refusal(
            &Refusal::new(Code::PipelineInvalid, what).help("correct it\nor remove it"),
            false,
        );
        let expected = "\
error[pipeline.invalid]: unknown field `clena\\u{1b}`
   --> hr.toml:3:2
    |
  3 | clena = 1
    | ^^^^^
  help: correct it
        or remove it
";
        assert_eq!(shown, expected);
        let plain = refusal(
            &Refusal::new(Code::FileNotFound, "no such file `x.csv`"),
            true,
        );
        assert!(
            plain.starts_with("\u{1b}[31merror[file.not_found]\u{1b}[0m: no such file `x.csv`\n")
        );
    }

    #[test]
    fn runs_stand_in_columns() {
        assert_eq!(runs_table(&[]), "no runs yet\n");
        let run = |id: &str, started_at: &str, input: &str, counts| RunLine {
            id: id.to_string(),
            kind: "import".to_string(),
            started_at: started_at.to_string(),
            state: "finished".to_string(),
            input: input.to_string(),
            counts,
        };
        let table = runs_table(&[
            run("019a", "2026-11-22T05:31:07Z", "people.csv", counts()),
            run("019b", "?", "a\n.csv", Counts::default()),
        ]);
        let expected = r"run   kind    started           state      read     in  fix  held  input
019a  import  2026-11-22 05:31  finished  1,212  1,198    9     0  people.csv
019b  import  ?                 finished      0      0    0     0  a\n.csv
";
        assert_eq!(table, expected);
    }
}
