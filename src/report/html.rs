//! `summary.html`: the whole run on one self-contained page.
//!
//! The page has no script and loads nothing: its Content-Security-Policy allows one style sheet, by
//! hash. Values of files are escaped by maud, are in `<bdi>`, and show control and bidirectional
//! characters as escapes, so that none of them can change the page around it. It contains full
//! personal values; pass on `summary.json` instead.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::issue::Code;
use crate::meaning::changes::{Change, Changes};
use crate::outcome::{Counts, Outcome};
use crate::report::human::{
    self, counted, decision, doubts, duration, escape, fixing, grouped, headline, is_hidden,
    meaning, percent, plural, rules, safe, sum, why_leaving,
};
use crate::safeguard::{Safeguard, SafeguardDecision};
use crate::summary::{Example, Input, LeaverExample, Next, Summary};

/// The page's only style sheet; it is in the page as it is.
const STYLE: &str = include_str!("summary.css");
/// How many codes the chart shows; the rest is one bar. All of them are listed further down.
const CODES_MAX: usize = 16;
/// The narrowest part of the outcome bar, in percent of its width, so that one row of a million
/// is still seen.
const PART_MIN: f64 = 1.5;

/// The places of all issues, for the one report that stays with the person who has the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    /// In the order of the rows; as many as the caller finds sensible for one page.
    pub issues: Vec<IssueDetail>,
    /// How many issues are not in `issues`.
    pub omitted: u64,
    /// What the updates change.
    pub changes: Changes,
    /// The first leavers, as in the summary, but not masked.
    pub leavers: Vec<LeaverExample>,
}

/// One issue with its full, unmasked values.
#[derive(Debug, Clone, PartialEq)]
pub struct IssueDetail {
    /// What kind of problem.
    pub code: Code,
    /// Where it is and what was found; nothing is masked.
    pub at: Example,
}

/// The page. Its counts are the summary's; nothing is counted again.
pub fn render(summary: &Summary, details: &Details) -> String {
    let doubts = doubts(summary);
    let sections = sections(summary, details);
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(summary))
            body {
                header.top { div.wrap {
                    p.brand { "muster" }
                    p.kind { (visible(&summary.run.kind)) " " span.id { (visible(&summary.run.id)) } }
                } }
                main.wrap {
                    (hero(summary, &doubts))
                    nav aria-label="On this page" { ul {
                        @for section in &sections { li { a href={ "#" (section.id) } { (capitalized(section.id)) } } }
                    } }
                    div.sections {
                        @for section in &sections {
                            section.half[section.half] id=(section.id) aria-labelledby={ (section.id) "-title" } {
                                h2 id={ (section.id) "-title" } { (section.title) }
                                (section.content)
                            }
                        }
                    }
                }
                footer.wrap {
                    p {
                        "This page contains personal data in full. Keep it only where you may keep the file itself; "
                        code { "summary.json" } " has the same counts with personal values masked. "
                        "This page needs no network and runs no script."
                    }
                }
            }
        }
    }
    .into_string()
}

/// One card of the page.
struct Section {
    id: &'static str,
    title: &'static str,
    /// Is next to the following one if there is room.
    half: bool,
    content: Markup,
}

/// The cards in the order of a reader's questions: how did it go, what do I do, what is wrong
/// where, and what exactly was it that ran.
fn sections(summary: &Summary, details: &Details) -> Vec<Section> {
    let groups = groups(summary, details);
    let mut sections = Vec::new();
    let mut add = |id, title, half, content| {
        sections.push(Section {
            id,
            title,
            half,
            content,
        });
    };
    add(
        "outcomes",
        "What happened to the rows",
        false,
        outcomes(&summary.counts),
    );
    if summary.counts.held > 0 || !summary.safeguards.is_empty() {
        add("safeguards", "Safeguards", false, safeguards(summary));
    }
    if !summary.leavers.is_empty() {
        add(
            "leavers",
            "People whom no row names",
            false,
            leavers(summary, &details.leavers),
        );
    }
    add("issues", "Issues by code", true, issue_chart(&groups));
    add("cleaning", "What cleaning changed", true, cleaning(summary));
    if !summary.next.is_empty() {
        add("next", "Next steps", false, next(&summary.next));
    }
    if !groups.is_empty() {
        add(
            "places",
            "Every issue and its place",
            false,
            places(&groups, details.omitted, &summary.input),
        );
    }
    if summary.counts.updated > 0 {
        let title = if summary.run.kind == "check" {
            "What updates would change"
        } else {
            "What updates changed"
        };
        add("changes", title, false, changes(summary, &details.changes));
    }
    add("input", "What was read", false, inputs(&summary.input));
    add("run", "The run", true, run(summary));
    if !summary.files.is_empty() {
        add("files", "Files", true, files(summary));
    }
    sections
}

fn head(summary: &Summary) -> Markup {
    // With a hash and without 'unsafe-inline', a style that slipped in through a value is dead.
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    );
    let title = headline(summary).into_iter().next().unwrap_or_default();
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="no-referrer";
            meta name="robots" content="noindex";
            meta name="format-detection" content="telephone=no, date=no, address=no, email=no";
            title { "muster " (safe(&summary.run.kind)) ": " (title) }
            style { (PreEscaped(STYLE)) }
        }
    }
}

// --- values --------------------------------------------------------------------------------------

/// A value of a file: escaped, isolated from the direction of the text around it, and with
/// control and bidirectional characters shown as escapes.
pub fn visible(text: &str) -> Markup {
    html! {
        bdi {
            @for piece in text.split_inclusive(is_hidden) {
                @match piece.chars().next_back().filter(|c| is_hidden(*c)) {
                    Some(hidden) => {
                        (piece.strip_suffix(hidden).unwrap_or_default()) span.escape dir="ltr" { (escape(hidden)) }
                    }
                    None => (piece),
                }
            }
        }
    }
}

/// Text in which backticks surround names and values.
pub fn prose(text: &str) -> Markup {
    if !text.matches('`').count().is_multiple_of(2) {
        return visible(text);
    }
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (visible(part)) } } @else if !part.is_empty() { (visible(part)) }
        }
    }
}

/// `text` as a heading begins.
fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

/// A time as people write it; as given where it can't be read.
fn time(text: &str) -> Markup {
    match text.parse::<jiff::Timestamp>() {
        Ok(time) => html! { time datetime=(time) { (time.strftime("%-d %B %Y, %H:%M:%S UTC")) } },
        Err(_) => visible(text),
    }
}

/// The first digits of a hash; all of them on hover.
fn short_hash(hash: &str) -> Markup {
    let short: String = hash.chars().take(12).collect();
    html! { code title=(safe(hash)) { (visible(&short)) } }
}

/// Whether a name may become a relative link: plain names and folders below this one.
fn is_linkable(path: &str) -> bool {
    !path.is_empty()
        && path.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with('.')
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        })
}

// --- headline and outcomes -----------------------------------------------------------------------

fn hero(summary: &Summary, doubts: &[String]) -> Markup {
    let sentences = headline(summary);
    let unknown = human::mostly_unknown(summary);
    let run = &summary.run;
    html! {
        div.hero {
            @if !unknown.is_empty() {
                ul.doubts role="note" aria-label="Columns" { @for line in &unknown { li { (prose(line)) } } }
            }
            h1 {
                @for (index, sentence) in sentences.iter().enumerate() {
                    @if index > 0 { " " }
                    span { (sentence) }
                }
            }
            p.meta {
                (time(&run.started_at))
                @if let Some(took) = duration(&run.started_at, &run.finished_at) { ", took " (took) }
                @if !run.matched_against.is_empty() { ", matched against " (visible(&run.matched_against)) }
            }
            @for line in fixing(summary) { p.meta { (visible(&line)) } }
            @if run.kind == "check" {
                p.meta { "A check writes nothing to the accounts." }
            }
            @if !doubts.is_empty() {
                ul.doubts role="note" aria-label="Doubts" { @for doubt in doubts { li { (prose(doubt)) } } }
            }
        }
    }
}

/// The parts of the bar: outcome, start and width in percent of the whole.
pub fn parts(counts: &Counts) -> Vec<(Outcome, f64, f64)> {
    let total = sum(counts) as f64;
    let present: Vec<(Outcome, f64)> = Outcome::ALL
        .into_iter()
        .filter(|&outcome| counts.of(outcome) > 0)
        .map(|outcome| {
            (
                outcome,
                (counts.of(outcome) as f64 * 100.0 / total).max(PART_MIN),
            )
        })
        .collect();
    let drawn: f64 = present.iter().map(|(_, width)| width).sum();
    let mut start = 0.0;
    present
        .into_iter()
        .map(|(outcome, width)| {
            let part = (outcome, start, width * 100.0 / drawn);
            start += part.2;
            part
        })
        .collect()
}

fn outcomes(counts: &Counts) -> Markup {
    html! {
        (equation(counts))
        (outcome_bar(counts))
        table.cards.legend {
            thead { tr { th scope="col" { "Outcome" } th.number scope="col" { "Rows" } th.number scope="col" { "Share" } th scope="col" { "Meaning" } } }
            tbody {
                @for outcome in Outcome::ALL {
                    tr.none[counts.of(outcome) == 0] {
                        th scope="row" {
                            svg.swatch width="12" height="12" aria-hidden="true" { rect class=(outcome.name()) width="12" height="12" rx="3" {} }
                            (outcome.name())
                        }
                        td.number data-label="Rows" { (grouped(counts.of(outcome))) }
                        td.number data-label="Share" { (percent(counts.of(outcome), sum(counts))) }
                        td data-label="Meaning" { (meaning(outcome)) }
                    }
                }
            }
        }
    }
}

/// `212 read = 150 created + 20 updated + …`, with what is there; `≠` where it doesn't add up.
fn equation(counts: &Counts) -> Markup {
    let present: Vec<Outcome> = Outcome::ALL
        .into_iter()
        .filter(|&outcome| counts.of(outcome) > 0)
        .collect();
    let sign = if sum(counts) == u128::from(counts.read) {
        "="
    } else {
        "≠"
    };
    html! {
        p.equation {
            span.term { b { (grouped(counts.read)) } " read" } " " (sign) " "
            @if present.is_empty() { span.term { b { "0" } } }
            @for (index, &outcome) in present.iter().enumerate() {
                @if index > 0 { " + " }
                span.term { b { (grouped(counts.of(outcome))) } " " (outcome.name()) }
            }
        }
    }
}

fn outcome_bar(counts: &Counts) -> Markup {
    let parts = parts(counts);
    if parts.is_empty() {
        return html! {};
    }
    let words: Vec<String> = parts
        .iter()
        .map(|(outcome, ..)| format!("{} {}", grouped(counts.of(*outcome)), outcome.name()))
        .collect();
    html! {
        svg.stack width="100%" height="44" role="img" aria-labelledby="stack-title stack-desc" {
            title id="stack-title" { "Outcomes of all rows" }
            desc id="stack-desc" { (words.join(", ")) }
            @for (outcome, start, width) in &parts {
                @let number = grouped(counts.of(*outcome));
                rect class=(outcome.name()) x=(format!("{start:.3}%")) y="0" width=(format!("{width:.3}%")) height="44" {}
                // A digit is about 2.9 % wide on the narrowest screen.
                @if *width > number.len() as f64 * 2.9 + 3.0 {
                    text class={ "on-" (outcome.name()) } x=(format!("{:.3}%", start + width / 2.0)) y="28" text-anchor="middle" { (number) }
                }
            }
        }
        @if parts.iter().any(|(outcome, _, width)| counts.of(*outcome) as f64 * 100.0 / (sum(counts) as f64) < width * 0.5) {
            p.small { "Very small parts are drawn wider than to scale, so that you can see them." }
        }
    }
}

fn safeguards(summary: &Summary) -> Markup {
    html! {
        @if summary.counts.held > 0 {
            p { (plural(summary.counts.held, "row is", "rows are")) " held; nothing was written for them." }
        }
        @if !summary.safeguards.is_empty() {
            p.small {
                "Each class of changes has one limit per run, and one for all runs within a time window. "
                "A class over either limit is held."
            }
            table.cards {
                thead { tr {
                    th scope="col" { "Class" } th scope="col" { "Decision" } th scope="col" { "In this run" }
                    th.number scope="col" { "Of" } th.number scope="col" { "At most" }
                    th.number scope="col" { "Earlier runs" } th.number scope="col" { "Together at most" }
                } }
                tbody { @for safeguard in &summary.safeguards { (safeguard_row(safeguard)) } }
            }
        }
        @let findings: Vec<&String> = summary.safeguards.iter().flat_map(|safeguard| &safeguard.findings).collect();
        @if !findings.is_empty() {
            ul.findings { @for finding in findings { li { (prose(finding)) } } }
        }
    }
}

/// The first of those who are missing or whose dates came; the whole list lies beside the page.
fn leavers(summary: &Summary, details: &[LeaverExample]) -> Markup {
    let is_masked = details.is_empty();
    let shown = if is_masked {
        &summary.leaver_examples
    } else {
        details
    };
    let all: u64 = summary.leavers.values().sum();
    let listed = shown.len() as u64;
    html! {
        p {
            "Missing from a full list, or due by a first or last day: "
            @for (index, (leaver_action, count)) in summary.leavers.iter().enumerate() {
                @if index > 0 { ", " }
                b { (grouped(*count)) } " " (visible(leaver_action))
            }
            "."
        }
        table.cards {
            thead { tr {
                th scope="col" { "Person" } th scope="col" { "What" } th scope="col" { "Why" }
            } }
            tbody { @for leaver in shown { tr {
                td data-label="Person" { (visible(&leaver.who)) }
                td data-label="What" { span class={ "badge " (leaver_class(&leaver.what)) } { (visible(&leaver.what)) } }
                td data-label="Why" { (why_leaving(leaver)) }
            } } }
        }
        p.small {
            (grouped(listed)) " of " (grouped(all)) " listed"
            @if is_masked { ", personal values masked" }
            @if let Some(path) = summary.files.get("leavers").filter(|path| is_linkable(path)) {
                "; all are in " a href=(path) { (path) }
            }
            "."
        }
    }
}

fn leaver_class(what: &str) -> &'static str {
    match what {
        "held" => "reject",
        "deactivated" => "warning",
        _ => "note",
    }
}

fn safeguard_row(safeguard: &Safeguard) -> Markup {
    let number = |number: Option<u64>| number.map_or("no limit".to_string(), grouped);
    let class = match safeguard.decision {
        SafeguardDecision::Passed => "note",
        SafeguardDecision::Allowed => "warning",
        SafeguardDecision::Held => "reject",
    };
    html! {
        tr {
            th scope="row" { code { (visible(&safeguard.class)) } }
            td data-label="Decision" { span class={ "badge " (class) } { (decision(safeguard.decision)) } }
            td data-label="In this run" { (counted(safeguard)) @if let Some(share) = safeguard.share { " (" (format!("{:.1} %", share * 100.0)) ")" } }
            td.number data-label="Of" { @if safeguard.class != "content" { (grouped(safeguard.base)) } }
            td.number data-label="At most" { (number(safeguard.limit)) @if let Some(allowed) = safeguard.allowed { ", " (grouped(allowed)) " allowed" } }
            td.number data-label="Earlier runs" { @if safeguard.window_limit.is_some() { (grouped(safeguard.window_count)) } }
            td.number data-label="Together" { @if safeguard.window_limit.is_some() { (number(safeguard.window_limit)) } }
        }
    }
}

// --- charts --------------------------------------------------------------------------------------

/// One bar of a chart.
struct Bar {
    label: String,
    /// The class that colours it, and the word that says the same.
    severity: &'static str,
    count: u128,
}

/// Horizontal bars in the order given. Lengths are in percent and text in pixels, so that the
/// chart fits any width and its text stays readable.
fn bar_chart(id: &str, title: &str, bars: &[Bar]) -> Markup {
    let longest = bars.iter().map(|bar| bar.count).max().unwrap_or(1).max(1) as f64;
    let words: Vec<String> = bars
        .iter()
        .map(|bar| {
            format!("{} {} {}", bar.label, grouped(bar.count), bar.severity)
                .trim_end()
                .to_string()
        })
        .collect();
    html! {
        svg.bars width="100%" height=(bars.len() * 36) role="img" aria-labelledby={ (id) "-title " (id) "-desc" } {
            title id={ (id) "-title" } { (title) }
            desc id={ (id) "-desc" } { (words.join(", ")) }
            @for (row, bar) in bars.iter().enumerate() {
                @let share = (bar.count as f64 * 100.0 / longest).max(PART_MIN);
                // An inner <svg> cuts a label that is too long instead of writing over the number.
                svg x="0" y=(row * 36) width="100%" height="36" {
                    svg x="0" y="0" width="64%" height="21" { text x="0" y="15" { (bar.label) } }
                    text.amount x="100%" y="15" text-anchor="end" {
                        @if !bar.severity.is_empty() { tspan.faint { (bar.severity) "  " } }
                        (grouped(bar.count))
                    }
                    rect.track x="0" y="21" width="100%" height="6" rx="3" {}
                    rect class={ "bar " (bar.severity) } x="0" y="21" width=(format!("{share:.3}%")) height="6" rx="3" {}
                }
            }
        }
    }
}

fn cleaning(summary: &Summary) -> Markup {
    let rules = rules(summary);
    let total: u128 = rules.iter().map(|(_, count)| u128::from(*count)).sum();
    let bars: Vec<Bar> = rules
        .iter()
        .map(|&(rule, count)| Bar {
            label: safe(rule),
            severity: "",
            count: u128::from(count),
        })
        .collect();
    html! {
        @if total == 0 {
            p { "Nothing: every value was kept as it is in the file." }
        } @else {
            p {
                b { (grouped(total)) } @if total == 1 { " change" } @else { " changes" }
                " by rule. A value that several rules changed counts once for each."
            }
            (bar_chart("rules", "Changed values by cleaning rule", &bars))
        }
    }
}

// --- issues --------------------------------------------------------------------------------------

/// All issues of one code, with the places that the page lists.
struct Group<'a> {
    code: &'a str,
    severity: &'static str,
    title: &'a str,
    fix: &'a str,
    count: u64,
    places: Vec<&'a Example>,
    /// The places are the summary's examples, because no details were given.
    masked: bool,
}

/// The severity's class, from a closed set: never a word of the input.
fn severity_class(name: &str) -> &'static str {
    ["note", "warning", "reject", "refuse"]
        .into_iter()
        .find(|word| *word == name)
        .unwrap_or("note")
}

/// A group for every code of the summary, in its order, then for codes that only details have.
fn groups<'a>(summary: &'a Summary, details: &'a Details) -> Vec<Group<'a>> {
    let places = |name: &str| -> Vec<&'a Example> {
        details
            .issues
            .iter()
            .filter(|issue| issue.code.name() == name)
            .map(|issue| &issue.at)
            .collect()
    };
    let mut groups: Vec<Group<'a>> = Vec::new();
    for issue in &summary.issues {
        let full = places(&issue.code);
        let masked = full.is_empty();
        groups.push(Group {
            code: &issue.code,
            severity: severity_class(&issue.severity),
            title: &issue.title,
            fix: Code::ALL
                .iter()
                .find(|code| code.name() == issue.code)
                .map_or("", |code| code.fix()),
            count: issue.count,
            places: if masked {
                issue.examples.iter().collect()
            } else {
                full
            },
            masked,
        });
    }
    for issue in &details.issues {
        if groups.iter().any(|group| group.code == issue.code.name()) {
            continue;
        }
        let places = places(issue.code.name());
        groups.push(Group {
            code: issue.code.name(),
            severity: severity_class(issue.code.severity().name()),
            title: issue.code.title(),
            fix: issue.code.fix(),
            count: places.len() as u64,
            places,
            masked: false,
        });
    }
    groups
}

fn issue_chart(groups: &[Group]) -> Markup {
    if groups.is_empty() {
        return html! { p { "None." } };
    }
    let total: u128 = groups.iter().map(|group| u128::from(group.count)).sum();
    let mut bars: Vec<Bar> = groups
        .iter()
        .map(|group| Bar {
            label: safe(group.code),
            severity: group.severity,
            count: u128::from(group.count),
        })
        .collect();
    bars.sort_by_key(|bar| std::cmp::Reverse(bar.count));
    if bars.len() > CODES_MAX {
        let rest = bars.split_off(CODES_MAX - 1);
        bars.push(Bar {
            label: format!("{} other codes", rest.len()),
            severity: "",
            count: rest.iter().map(|bar| bar.count).sum(),
        });
    }
    html! {
        p { b { (grouped(total)) } @if total == 1 { " issue." } @else { " issues. One row can have several." } }
        (bar_chart("codes", "Issues by code", &bars))
        p.small { "A " b { "reject" } " keeps its row out until it is fixed. A " b { "warning" } " or a " b { "note" } " doesn't." }
    }
}

fn places(groups: &[Group], omitted: u64, inputs: &[Input]) -> Markup {
    html! {
        @if omitted > 0 {
            p {
                (plural(omitted, "issue is", "issues are"))
                " counted but not listed here, to keep this page short; the corrections file has every row to fix."
            }
        }
        @for group in groups { (group_details(group, inputs)) }
    }
}

fn group_details(group: &Group, inputs: &[Input]) -> Markup {
    let listed = group.places.len() as u64;
    html! {
        details.group open {
            summary {
                h3 { (prose(&capitalized(group.title))) }
                span.tags {
                    span class={ "badge " (group.severity) } { (group.severity) }
                    " " code { (visible(group.code)) } " "
                    b.count { (grouped(group.count)) }
                }
            }
            @if !group.fix.is_empty() && group.fix != "nothing" {
                p.fix { b { "Fix:" } " " (prose(group.fix)) }
            }
            @if listed > 0 {
                table.cards.places {
                    thead { tr {
                        th.place scope="col" { "Place" } th.column scope="col" { "Column" }
                        th.found scope="col" { "Found" } th scope="col" { "Detail" }
                    } }
                    tbody { @for place in &group.places { (place_row(place, inputs)) } }
                }
            }
            @if group.masked && listed > 0 {
                p.small {
                    "Examples with personal values masked: " (grouped(listed)) " of " (grouped(group.count)) "."
                }
            } @else if listed < group.count {
                p.small { (grouped(listed)) " of " (grouped(group.count)) " listed." }
            }
        }
    }
}

/// The name of a file without its folders, unless two inputs would then have the same name.
fn short_name<'a>(path: &'a str, inputs: &[Input]) -> &'a str {
    let name = |path: &'a str| path.rsplit('/').next().unwrap_or(path);
    let same = |input: &&Input| input.path.rsplit('/').next() == Some(name(path));
    if name(path).is_empty() || inputs.iter().filter(same).count() > 1 {
        path
    } else {
        name(path)
    }
}

fn place(at: &Example, inputs: &[Input]) -> Markup {
    let file = visible(short_name(&at.file, inputs));
    html! {
        @if let Some(sheet) = &at.sheet {
            (file) ", sheet " (visible(sheet)) ", row " b { (at.line) }
        } @else {
            (file)
            @if at.line > 0 { ":" b { (at.line) } }
        }
    }
}

fn place_row(at: &Example, inputs: &[Input]) -> Markup {
    html! {
        tr {
            td.place data-label="Place" { (place(at, inputs)) }
            td.column data-label="Column" { @if let Some(column) = &at.column { (visible(column)) } }
            td.found data-label="Found" { @if !at.found.is_empty() { (visible(&at.found)) } }
            td data-label="Detail" { @if !at.detail.is_empty() { (prose(&at.detail)) } }
        }
    }
}

// --- changes -------------------------------------------------------------------------------------

fn changes(summary: &Summary, changes: &Changes) -> Markup {
    let bars: Vec<Bar> = changes
        .fields
        .iter()
        .map(|(name, count)| Bar {
            label: safe(name),
            severity: "",
            count: u128::from(*count),
        })
        .collect();
    let listed = changes.updates.len() as u64;
    html! {
        @if !bars.is_empty() {
            p { b { (grouped(summary.counts.updated)) } @if summary.counts.updated == 1 { " update" } @else { " updates" } " by field. One update can change several." }
            (bar_chart("fields", "Updates by field", &bars))
        }
        @if listed > 0 {
            details.group open {
                summary {
                    h3 { "Old and new values" }
                    span.tags { b.count { (grouped(listed)) } }
                }
                table.cards.changes {
                    thead { tr {
                        th.place scope="col" { "Place" } th scope="col" { "Person" } th.column scope="col" { "Field" }
                        th.found scope="col" { "Old" } th.found scope="col" { "New" }
                    } }
                    tbody { @for change in &changes.updates { (change_rows(change, &summary.input)) } }
                }
            }
        }
        @if listed < summary.counts.updated {
            p.small {
                (grouped(listed)) " of " (grouped(summary.counts.updated)) " listed. "
                @if summary.run.kind == "check" {
                    "A plan has all of them: " code { "muster check --plan PLAN" } " writes it, " code { "muster plan show PLAN" } " prints it."
                } @else {
                    "A plan that a check writes with " code { "--plan" } " has all of them before they are made."
                }
            }
        }
    }
}

/// A line for each value; place and person are in the first.
fn change_rows(change: &Change, inputs: &[Input]) -> Markup {
    let value = |text: &str| html! { @if text.is_empty() { span.faint { "nothing" } } @else { (visible(text)) } };
    html! {
        @for (index, [name, old, new]) in change.values.iter().enumerate() {
            tr {
                td.place data-label="Place" { @if index == 0 { (place(&change.at, inputs)) } }
                td data-label="Person" { @if index == 0 { (visible(&change.who)) } }
                td.column data-label="Field" { (visible(name)) }
                td.found data-label="Old" { (value(old)) }
                td.found data-label="New" { (value(new)) }
            }
        }
    }
}

// --- the run, its input and its files ------------------------------------------------------------

fn fact(name: &str, value: Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn run(summary: &Summary) -> Markup {
    let run = &summary.run;
    html! {
        dl.facts {
            (fact("Run", html! { code { (visible(&run.id)) } }))
            (fact("Kind", visible(&run.kind)))
            (fact("State", visible(&run.state)))
            (fact("Started", time(&run.started_at)))
            (fact("Finished", time(&run.finished_at)))
            (fact("Matched against", visible(&run.matched_against)))
            (fact("Pipeline", html! { (visible(&summary.pipeline.name)) " " (short_hash(&summary.pipeline.sha256)) }))
            @if let Some(plan) = &run.plan { (fact("Applied the plan", short_hash(plan))) }
            @if let Some(approval) = &run.approves {
                (fact("Approves", visible(&human::approval(approval))))
            }
            @if let Some(share) = &run.share { (fact("Written by this process", visible(&human::part(share)))) }
            @if let Some(load) = &run.first_load { (fact("First import", visible(&human::first_load(load)))) }
            @if run.resumed { (fact("Resumed", html! { "continued an earlier run that was interrupted" })) }
        }
    }
}

fn inputs(inputs: &[Input]) -> Markup {
    html! {
        @if inputs.is_empty() { p { "No file." } }
        @for input in inputs {
            h3.path { (visible(&input.path)) }
            dl.facts {
                (fact("Rows", html! { (grouped(input.rows)) }))
                (fact("Size", html! { (grouped(input.bytes)) " bytes" }))
                (fact("Format", visible(&input.format)))
                @if let Some(encoding) = &input.encoding { (fact("Encoding", visible(encoding))) }
                @if let Some(delimiter) = &input.delimiter { (fact("Delimiter", delimiter_name(delimiter))) }
                @if let Some(sheet) = &input.sheet { (fact("Sheet", visible(sheet))) }
                @for detected in &input.detected { (fact("Found", visible(detected))) }
                @for sentence in human::not_used(&input.unmapped) { (fact("Not used", prose(&sentence))) }
                @if !human::only_kept(&input.unmapped).is_empty() {
                    (fact("Kept as custom attributes", visible(&human::only_kept(&input.unmapped).join(", "))))
                }
                (fact("SHA-256", short_hash(&input.sha256)))
            }
            @if !input.columns.is_empty() {
                table.cards.mapping {
                    thead { tr { th scope="col" { "Column of the file" } th scope="col" { "Taken as" } } }
                    tbody {
                        @for column in &input.columns {
                            tr {
                                td data-label="Column" { (visible(&column.header)) }
                                td data-label="Taken as" { (visible(&column.mapped_to)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn delimiter_name(delimiter: &str) -> Markup {
    match delimiter {
        "," => html! { "comma" },
        ";" => html! { "semicolon" },
        "\\t" => html! { "tab" },
        "|" => html! { "vertical bar" },
        " " => html! { "space" },
        other => html! { code { (visible(other)) } },
    }
}

fn files(summary: &Summary) -> Markup {
    html! {
        p { "In the same folder as this page." }
        ul.files {
            @for (name, path) in &summary.files {
                li {
                    @if is_linkable(path) { a href=(path) { (path) } } @else { (visible(path)) }
                    @if !path.starts_with(name.as_str()) { " " span.faint { (visible(name)) } }
                }
            }
        }
    }
}

fn next(steps: &[Next]) -> Markup {
    html! {
        ol.next {
            @for step in steps {
                li { p { (prose(&capitalized(&step.what))) } pre { code { (visible(&step.command)) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::report::human::tests::summary;
    use crate::summary::Resubmitted;
    use crate::summary::{
        Approval, Column, FixedBy, IssueCount, LikelyField, Nameless, Open, PassedOver, Run,
        Unmapped,
    };
    use proptest::prelude::{any, prop_assert_eq, proptest};

    /// Elements and attributes that the page is made of.
    const ELEMENTS: &str = " html head meta title style body header div p span main h1 h2 h3 nav ul ol li a section svg desc \
        rect text tspan table thead tbody tr th td b bdi code dl dt dd details summary pre time footer ";
    const ATTRIBUTES: &str = " lang charset http-equiv content name class id href role aria-label aria-labelledby aria-hidden \
        width height rx x y text-anchor scope data-label open title dir datetime ";

    const PAYLOADS: [&str; 14] = [
        "<script>alert(1)</script>",
        "</style></title></textarea></script><svg onload=alert(1)>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "\" style=\"background:url(//example.org)\" x=\"",
        "javascript:alert(1)",
        "jav\tascript:alert(1)",
        "data:text/html,<b>x",
        "//example.org/x",
        "../../etc/passwd",
        "--><base href=//example.org>",
        "&lt;b&gt;&#60;script&#62;",
        "\u{202e}vsc.exe\u{2066}\u{1b}[31m\r\n\0",
        "`<b>` and `\u{feff}`",
    ];

    /// A summary and details with `next` in every string, and `count` as every number.
    #[expect(clippy::too_many_lines, reason = "one long list of values")]
    fn hostile(mut next: impl FnMut() -> String, count: u64) -> (Summary, Details) {
        let mut example = || Example {
            file: next(),
            sheet: Some(next()),
            line: count,
            column: Some(next()),
            found: next(),
            detail: next(),
        };
        let (masked, full) = (example(), example());
        let known = IssueCount {
            code: next(),
            severity: next(),
            title: next(),
            count,
            examples: vec![masked],
        };
        let input = Input {
            path: next(),
            sha256: next(),
            bytes: count,
            format: next(),
            encoding: Some(next()),
            delimiter: Some(next()),
            sheet: Some(next()),
            detected: vec![next()],
            rows: count,
            columns: vec![Column {
                header: next(),
                mapped_to: next(),
            }],
            unmapped: Unmapped {
                mostly: true,
                named: count,
                unknown: count,
                attributes: vec![next()],
                likely: vec![LikelyField {
                    column: next(),
                    field: next(),
                    why: next(),
                }],
                passed_over: vec![PassedOver {
                    column: next(),
                    field: next(),
                    taken: next(),
                }],
                nameless: vec![Nameless {
                    column: 703,
                    values: count,
                }],
            },
        };
        let summary = Summary {
            schema: next(),
            run: hostile_run(&mut next),
            input: vec![input],
            pipeline: crate::summary::PipelineName {
                name: next(),
                sha256: next(),
            },
            counts: Counts {
                read: count,
                created: count,
                rejected: count,
                held: 1,
                failed: count,
                updated: count,
                ..Counts::default()
            },
            cleaned: [(next(), count)].into(),
            issues: vec![known.clone(), known],
            dropped: None,
            safeguards: vec![Safeguard {
                class: next(),
                decision: SafeguardDecision::Held,
                count,
                base: count,
                limit: Some(1),
                findings: vec![next()],
                ..Safeguard::default()
            }],
            resubmitted: vec![Resubmitted {
                run: next(),
                needed: count,
                fixed: 1,
                left: count,
            }],
            open: Some(Open {
                needed: count,
                fixed: 1,
                left: count,
                left_out: 0,
                by: vec![FixedBy {
                    run: next(),
                    rows: 1,
                }],
            }),
            profile: None,
            files: [(next(), next()), ("ledger".to_string(), next())].into(),
            invitations: None,
            leavers: BTreeMap::from([(next(), count)]),
            leaver_examples: vec![LeaverExample {
                who: next(),
                what: next(),
                why: next(),
                missing_runs: count,
                missing_days: count,
            }],
            undo: None,
            groups: None,
            next: vec![Next {
                what: next(),
                command: next(),
            }],
        };
        let code = Code::EmailSyntax;
        let change = Change {
            at: full.clone(),
            who: next(),
            values: vec![[next(), next(), next()], [next(), String::new(), next()]],
        };
        let details = Details {
            issues: vec![IssueDetail { code, at: full }],
            omitted: count,
            changes: Changes {
                fields: [(next(), count), (next(), 1)].into(),
                updates: vec![change],
            },
            leavers: vec![LeaverExample {
                who: next(),
                what: next(),
                why: next(),
                missing_runs: count,
                missing_days: count,
            }],
        };
        (summary, details)
    }

    fn hostile_run(next: &mut impl FnMut() -> String) -> Run {
        Run {
            id: next(),
            kind: next(),
            started_at: next(),
            finished_at: next(),
            state: next(),
            matched_against: next(),
            plan: Some(next()),
            approves: Some(Approval {
                of: next(),
                classes: vec![next()],
                by: Some(next()),
                reason: Some(next()),
            }),
            resumed: true,
            share: None,
            first_load: None,
        }
    }

    /// Reads the page's tags as a browser would find them, and says what is not ours.
    fn foreign(page: &str) -> Vec<String> {
        let page = page.replacen(STYLE, "", 1);
        let mut found: Vec<String> = Vec::new();
        for tag in page
            .split('<')
            .skip(1)
            .filter(|tag| !tag.starts_with("!DOCTYPE html>"))
        {
            let Some((tag, _)) = tag.split_once('>') else {
                found.push(format!("open <{tag}"));
                continue;
            };
            let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
            if !ELEMENTS.contains(&format!(" {} ", name.trim_start_matches('/'))) {
                found.push(format!("<{name}>"));
            }
            while !rest.trim().is_empty() {
                let (attribute, value, after) = attribute(rest.trim_start());
                rest = after;
                let safe_link = value.starts_with('#') || is_linkable(value);
                if !ATTRIBUTES.contains(&format!(" {attribute} "))
                    || attribute == "href" && !safe_link
                {
                    found.push(format!("{attribute}={value}"));
                }
            }
        }
        found.extend(page.chars().filter(|c| is_hidden(*c)).map(escape));
        found
    }

    /// The first attribute of a tag's rest: name, value, and what comes after.
    fn attribute(rest: &str) -> (&str, &str, &str) {
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        match rest[end..]
            .strip_prefix("=\"")
            .and_then(|value| value.split_once('"'))
        {
            Some((value, after)) => (&rest[..end], value, after),
            None => (&rest[..end], "", &rest[end..]),
        }
    }

    #[test]
    fn no_value_becomes_markup_a_link_or_a_hidden_character() {
        for (start, folder) in PAYLOADS.iter().enumerate() {
            let mut payloads = PAYLOADS
                .iter()
                .cycle()
                .skip(start)
                .map(|text| text.to_string());
            let (summary, details) = hostile(|| payloads.next().unwrap(), 3);
            let page = render(&summary, &details);
            assert_eq!(foreign(&page), Vec::<String>::new());
            assert!(page.contains("&lt;script&gt;") && page.contains(r"\u{202e}"));
            let text = human::render(&summary, &folder.repeat(9), 80, false);
            assert!(!text.chars().any(|c| is_hidden(c) && c != '\n'), "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(crate::properties::config(256))]
        #[test]
        fn any_text_and_any_number_can_be_rendered(
            texts in proptest::collection::vec(any::<String>(), 7),
            count in any::<u64>(),
            width in 0..200_usize,
        ) {
            let mut texts = texts.into_iter().cycle();
            let (summary, details) = hostile(|| texts.next().unwrap(), count);
            prop_assert_eq!(foreign(&render(&summary, &details)), Vec::<String>::new());
            let text = human::render(&summary, &summary.run.id, width, false);
            prop_assert_eq!(text.chars().find(|c| is_hidden(*c) && *c != '\n'), None);
        }
    }

    #[test]
    fn the_policy_allows_the_page_s_own_style_and_nothing_else() {
        let page = render(&summary(), &Details::default());
        let (_, rest) = page.split_once("<style>").unwrap();
        let (style, rest) = rest.split_once("</style>").unwrap();
        let hash = STANDARD.encode(Sha256::digest(style));
        let policy = format!(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{hash}'; \
             base-uri 'none'; form-action 'none'\">"
        );
        assert!(
            page.split_once("<style>").unwrap().0.contains(&policy),
            "{page}"
        );
        for word in [
            "<style", "<script", " style=", "http://", "https://", "url(", "@import",
        ] {
            assert!(!rest.contains(word) && !style.contains(word), "{word}");
        }
    }

    #[test]
    fn the_page_has_every_count_and_the_counts_add_up() {
        let mut summary = summary();
        summary.counts.held = 1;
        summary.counts.skipped = 1;
        summary.safeguards = vec![Safeguard {
            class: "role_raise".to_string(),
            decision: SafeguardDecision::Held,
            count: 2001,
            base: 40_000,
            share: Some(0.05),
            limit: Some(800),
            findings: vec!["`phone` is empty".to_string()],
            ..Safeguard::default()
        }];
        summary
            .files
            .insert("bad".to_string(), "javascript:alert(1)".to_string());
        let place = |line, found: &str| IssueDetail {
            code: Code::EmailSyntax,
            at: Example {
                file: "data/people.csv".to_string(),
                line,
                found: found.to_string(),
                ..Example::default()
            },
        };
        let issues = vec![place(17, "jane.doe@@example.org"), place(1021, "n/a")];
        let page = render(
            &summary,
            &Details {
                issues,
                omitted: 1002,
                leavers: Vec::new(),
                changes: Changes {
                    fields: [("organization".to_string(), 20)].into(),
                    updates: vec![Change {
                        at: place(9, "").at,
                        who: "Ann Ng".to_string(),
                        values: vec![["organization", "", "Acme Ltd"].map(String::from)],
                    }],
                },
            },
        );
        let text = plain(&page);
        for part in [
            "1,198 of 1,212 rows are in. 9 rows need fixing. 1 is held.",
            "1,212 read = 1,150 created + 20 updated + 28 unchanged + 3 duplicate + 1 skipped + 9 rejected + 1 held",
            "rejected 9 0.7 % something must be fixed first",
            "1,006 issues",
            "1,002 issues are counted but not listed here",
            "Not an e-mail address reject email.syntax 1,004 Fix: write it as name@example.org",
            "people.csv : 17 jane.doe@@example.org people.csv : 1021 n/a 2 of 1,004 listed.",
            "Examples with personal values masked: 1 of 2.",
            "1,513 changes by rule",
            "role_raise held 2,001 higher roles (5.0 %) 40,000 800",
            "phone is empty",
            "Delimiter semicolon",
            "20 updates by field",
            "people.csv : 9 Ann Ng organization nothing Acme Ltd 1 of 20 listed.",
            "E-Mail email",
            "muster invite 019a9f3c",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(page.contains("<desc id=\"stack-desc\">1,150 created, 20 updated, 28 unchanged,"));
        assert!(page.contains("<a href=\"corrections.csv\">corrections.csv</a>"));
        assert!(!page.contains("href=\"javascript"));
    }

    #[test]
    fn counts_that_do_not_add_up_are_not_shown_as_equal() {
        let mut summary = summary();
        summary.counts.read += 5;
        let text = plain(&render(&summary, &Details::default()));
        assert!(text.contains("1,217 read ≠ 1,150 created"), "{text}");
        assert!(text.contains("unaccounted for"), "{text}");
    }

    #[test]
    fn parts_of_the_bar_fill_it_and_none_is_lost() {
        let counts = Counts {
            read: 1_000_000_001,
            created: 1_000_000_000,
            failed: 1,
            ..Counts::default()
        };
        let parts = parts(&counts);
        assert_eq!(parts.len(), 2);
        let (outcome, start, width) = parts[1];
        assert_eq!(outcome, Outcome::Failed);
        assert!(
            width > 1.0 && (start + width - 100.0).abs() < 1e-9,
            "{parts:?}"
        );
        assert!(super::parts(&Counts::default()).is_empty());
    }

    /// The page's text with single spaces between its pieces.
    fn plain(page: &str) -> String {
        let body = page.split_once("<body>").unwrap().1;
        let pieces = body
            .split('<')
            .filter_map(|piece| piece.split_once('>').map(|(_, text)| text));
        let words: Vec<&str> = pieces.flat_map(str::split_whitespace).collect();
        words.join(" ")
    }
}
