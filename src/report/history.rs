//! What an undo did, and what is known of one person, as terminal text. Pure.

use std::fmt::Write;

use super::human::{duration, grouped, plural, safe, table};
use crate::formula::guarded;
use crate::store::undo::Left;
use crate::summary::{KeptExample, Summary};

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
pub fn kept_csv(left: &[Left]) -> String {
    let mut text = "account,email,external_id,field,reason\r\n".to_string();
    for kept in left {
        let id = kept.id.to_string();
        let cells = [&id, &kept.who, &kept.external_id, &kept.field, &kept.reason];
        let cells = cells.map(|cell| format!("\"{}\"", guarded(cell).replace('"', "\"\"")));
        let _ = write!(text, "{}\r\n", cells.join(","));
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
            "undo of {}: a plan, nothing was written",
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
        ("came back", undone.returned),
        ("deactivated", undone.deactivated),
        ("nothing to do", summary.counts.unchanged),
        ("refused", summary.counts.failed),
        ("not reached", summary.counts.held),
        ("groups removed", undone.groups_removed),
        ("groups back", undone.groups_returned),
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
            "The run made, changed and removed no account that is left to look at.".to_string()
        }
        (1, 1) => format!("The only account {is} as it was before."),
        (all, whole) if all == whole => format!("All {accounts} {are} as before."),
        (_, 1) => format!("1 of {accounts} {is} as it was before."),
        (_, whole) => format!("{} of {accounts} {are} as before.", grouped(whole)),
    }
}
