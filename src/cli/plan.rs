//! `muster apply` and `muster plan show`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::runs::show;
use super::{DatabaseArgs, MemoryArgs, OutputArgs};
use crate::cli::run::{REPLAN, RunArgs, Task, carry_out, new_run};
use crate::cli::terminal::{print, warn};
use crate::decision::Planned;
use crate::definition::{Definition, Pipeline};
use crate::field::{Field, RowNumber};
use crate::issue::{Code, Issue};
use crate::leaver::{Leaver, LeaverAction, Why};
use crate::ledger::planfile::{self, PlanFile};
use crate::meaning::changes::{Difference, differences, rule, verb, who};
use crate::meaning::person::Person;
use crate::outcome::{Counts, Exit, Outcome};
use crate::pipeline::{Order, inputs_of};
use crate::refusal::Result;
use crate::report::human::{self, grouped, plural, safe};
use crate::row::People;
use crate::safeguard::Classes;
use crate::store::Store;
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;
use crate::summary::Example;

#[derive(Args)]
pub(super) struct ApplyArgs {
    /// A plan written by `muster check --plan`
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// Decide again about rows whose accounts changed since the check, instead of holding them
    #[arg(long)]
    replan_drifted: bool,
    /// Only rows with this action
    #[arg(long, value_name = "ACTION")]
    only: Option<Doing>,
    /// Share the work with other processes that run the same command, here or on other machines
    #[arg(long, conflicts_with = "replan_drifted")]
    share: bool,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Subcommand)]
pub(super) enum PlanCommand {
    /// Print what a plan would change, value by value
    Show(ShowArgs),
}

#[derive(Args)]
pub(super) struct ShowArgs {
    /// A plan written by `muster check --plan`
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// Only rows with this action; repeatable [default: create, update]
    #[arg(long, value_name = "ACTION")]
    action: Vec<Action>,
    /// Only rows that change this field, and only this field of them
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
    /// The number of rows; 0 for all
    #[arg(short = 'n', long, default_value_t = 50, value_name = "COUNT")]
    limit: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a plan does to accounts.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Doing {
    Create,
    Update,
}

/// What a plan does with rows.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    Create,
    Update,
    Unchanged,
    Duplicate,
    Skip,
    Reject,
    Hold,
}

impl Action {
    fn outcome(self) -> Outcome {
        match self {
            Action::Create => Outcome::Created,
            Action::Update => Outcome::Updated,
            Action::Unchanged => Outcome::Unchanged,
            Action::Duplicate => Outcome::Duplicate,
            Action::Skip => Outcome::Skipped,
            Action::Reject => Outcome::Rejected,
            Action::Hold => Outcome::Held,
        }
    }
}

/// `muster apply`.
pub(super) fn apply(args: &ApplyArgs) -> Result<Exit> {
    let started = SystemTime::now();
    let plan = planfile::open(&args.plan)?;
    let mut pipeline = plan.pipeline()?;
    pipeline.definition.accounts.today = Some(crate::pipelines::today());
    // A run that was interrupted is taken up again only by the same plan, applied in the same way.
    pipeline.set("plan", &plan.sha256)?;
    let mut again = format!(
        "muster apply {}",
        crate::cli::terminal::shell_word(&args.plan.display().to_string())
    );
    if args.replan_drifted {
        pipeline.set("replan-drifted", "true")?;
        again.push_str(&format!(" {REPLAN}"));
    }
    if let Some(only) = args.only {
        let word = if only == Doing::Create {
            "create"
        } else {
            "update"
        };
        pipeline.set("only", word)?;
        again.push_str(&format!(" --only {word}"));
    }
    if args.share {
        pipeline.set("share", "true")?;
        again.push_str(" --share");
        if let Some(exit) = done_by_others(args, &plan, &pipeline)? {
            return Ok(exit);
        }
    }
    let only = args.only;
    let wanted = |_: RowNumber, outcome: Outcome, _: &[&Issue]| match only {
        Some(Doing::Create) => outcome == Outcome::Created,
        Some(Doing::Update) => outcome == Outcome::Updated,
        None => outcome != Outcome::Held,
    };
    let run_args = RunArgs {
        database: args.database.clone(),
        output: args.output.clone(),
        memory: args.memory.clone(),
        ..RunArgs::of_plan(&plan, &pipeline)
    };
    let order = Order {
        plan,
        wanted: &wanted,
        leavers: only.is_none(),
        replan: args.replan_drifted,
        approved: Classes::default(),
        shares: args.share,
    };
    let task = Task::Apply {
        order: Box::new(order),
        again,
        approval: None,
    };
    carry_out(&run_args, &pipeline, task, started, new_run(started))
}

/// What the run came to that others did by the plan, where this process comes too late to help.
fn done_by_others(args: &ApplyArgs, plan: &PlanFile, pipeline: &Pipeline) -> Result<Option<Exit>> {
    let home = home_from_environment()?;
    let target = Target::find(args.database.database.as_deref(), &home)?;
    let Some(store) = Store::open_if_there(target)? else {
        return Ok(None);
    };
    let done = store.shared_before(&inputs_of(&plan.files), &pipeline.sha256)?;
    let Some((summary, folder)) = done else {
        return Ok(None);
    };
    let id = &summary.run.id;
    warn(&format!(
        "run {id} has already applied all of this plan; to apply it again, leave out `--share`"
    ));
    let json = serde_json::to_string_pretty(&summary).unwrap_or_default() + "\n";
    show(
        &summary,
        &json,
        Path::new(folder.as_deref().unwrap_or("")),
        args.output.json,
    );
    Ok(Some(summary.exit()))
}

/// `muster plan`.
pub(super) fn plan(command: &PlanCommand) -> Result<Exit> {
    let PlanCommand::Show(args) = command;
    let plan = planfile::open(&args.plan)?;
    let definition = plan.pipeline()?.definition;
    let view = View {
        plan: &plan,
        definition: &definition,
        outcomes: match args.action.is_empty() {
            true => vec![Outcome::Created, Outcome::Updated],
            false => args.action.iter().map(|action| action.outcome()).collect(),
        },
        field: args.field.as_deref(),
    };
    let totals = view.totals()?;
    let limit = if args.limit == 0 {
        u64::MAX
    } else {
        args.limit
    };
    if args.json {
        print_json(&view, &totals, limit)?;
    } else {
        print(&opening(&view, &totals));
        view.each(limit, &mut |row| print(&lines(row)))?;
        if args.action.is_empty() && view.field.is_none_or(|field| field == "status") {
            print(&leaving(&plan.leavers, limit));
        }
        let omitted = totals.fitting.saturating_sub(limit);
        if omitted > 0 {
            let rows = plural(omitted, "more row", "more rows");
            print(&format!("\n{rows}; `--limit 0` shows all\n"));
        }
    }
    Ok(Exit::Done)
}

/// The rows of a plan that are to be shown.
struct View<'a> {
    plan: &'a PlanFile,
    definition: &'a Definition,
    outcomes: Vec<Outcome>,
    field: Option<&'a str>,
}

/// What all rows of a plan come to.
#[derive(Default)]
struct Totals {
    counts: Counts,
    /// How many updates change a field.
    fields: BTreeMap<String, u64>,
    /// How many rows are to be shown, without a limit.
    fitting: u64,
}

/// A row of a plan, as it is shown.
struct Shown<'a> {
    at: Example,
    outcome: Outcome,
    account: Option<String>,
    who: String,
    rule: String,
    issues: Vec<&'a Issue>,
    differences: Vec<Difference<'a>>,
}

/// What rows are handed to: their batch, its plan, their place in it, and what they change.
/// `false` is enough.
type Take<'a> = dyn FnMut(&People, &Planned, usize, Vec<Difference>) -> bool + 'a;

impl View<'_> {
    fn totals(&self) -> Result<Totals> {
        let mut totals = Totals::default();
        self.rows(&mut |_, planned, index, differences| {
            let outcome = planned.outcomes[index];
            totals.counts.add(outcome);
            if outcome == Outcome::Updated {
                for difference in &differences {
                    *totals
                        .fields
                        .entry(difference.name.to_string())
                        .or_default() += 1;
                }
            }
            totals.fitting += u64::from(self.fits(planned, index, &differences));
            true
        })?;
        Ok(totals)
    }

    /// Hands over the rows that are to be shown, at most `limit`.
    fn each(&self, limit: u64, show: &mut dyn FnMut(&Shown)) -> Result<()> {
        let mut left = limit;
        self.rows(&mut |people, planned, index, differences| {
            if left > 0 && self.fits(planned, index, &differences) {
                show(&self.shown(people, planned, index, differences));
                left -= 1;
            }
            left > 0
        })
    }

    /// All rows with their differences, until `take` has enough.
    fn rows(&self, take: &mut Take) -> Result<()> {
        for batch in 0..self.plan.spool.batches() {
            let people = self.plan.rows(batch)?;
            let planned = self.plan.decided(batch)?;
            for index in 0..people.len() {
                let person = Person {
                    people: &people,
                    index,
                    layout: &self.plan.layout,
                };
                let update = update_of(&planned, person.row());
                let outcome = planned.outcomes[index];
                let differences = differences(&person, outcome, update, self.definition);
                if !take(&people, &planned, index, differences) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn fits(&self, planned: &Planned, index: usize, differences: &[Difference]) -> bool {
        self.outcomes.contains(&planned.outcomes[index])
            && self.field.is_none_or(|field| {
                differences
                    .iter()
                    .any(|difference| is_of(difference, field))
            })
    }

    fn shown<'p>(
        &self,
        people: &'p People,
        planned: &'p Planned,
        index: usize,
        mut differences: Vec<Difference<'p>>,
    ) -> Shown<'p> {
        let person = Person {
            people,
            index,
            layout: &self.plan.layout,
        };
        let row = person.row();
        let source = &self.plan.files[usize::from(people.drafts.source)].source;
        if let Some(field) = self.field {
            differences.retain(|difference| is_of(difference, field));
        }
        let all = people.drafts.issues.iter().chain(&planned.issues);
        let issues: Vec<&Issue> = all.filter(|issue| issue.row == row).collect();
        let of_row = |at: &RowNumber| at.cmp(&row);
        let account = planned.accounts.binary_search_by(|(at, _)| of_row(at)).ok();
        let trace = planned
            .traces
            .binary_search_by(|trace| of_row(&trace.row))
            .ok();
        let by = trace.and_then(|at| planned.traces[at].by);
        let (outcome, verdict) = (planned.outcomes[index], people.verdicts[index]);
        Shown {
            at: Example {
                file: source.path.display().to_string(),
                sheet: source.sheet().map(String::from),
                line: people.drafts.places[index].line,
                ..Example::default()
            },
            outcome,
            account: account
                .filter(|_| outcome != Outcome::Created)
                .map(|at| planned.accounts[at].1.to_string()),
            who: who(&person, update_of(planned, row)),
            rule: rule(outcome, verdict, by, &issues, self.definition).into_owned(),
            issues,
            differences,
        }
    }
}

fn update_of(planned: &Planned, row: RowNumber) -> Option<&crate::account::Update> {
    let at = planned
        .updates
        .binary_search_by(|(at, _)| at.cmp(&row))
        .ok()?;
    Some(&planned.updates[at].1)
}

/// Whether a difference is one of `field`; an attribute is also known by its bare name.
fn is_of(difference: &Difference, field: &str) -> bool {
    let name = difference.name.as_ref();
    name == field || name.strip_prefix("attributes.") == Some(field)
}

// --- as text -------------------------------------------------------------------------------------

fn opening(view: &View, totals: &Totals) -> String {
    let head = &view.plan.head;
    let files: Vec<String> = view
        .plan
        .files
        .iter()
        .map(|file| safe(&file.source.path.display().to_string()))
        .collect();
    let mut text = format!(
        "plan of {}, made {} by check {}\nmatched against {}\n\n",
        files.join(", "),
        minute(&head.created_at),
        safe(&head.run),
        safe(&head.matched_against)
    );
    let mut table: Vec<Vec<String>> = Vec::new();
    for outcome in Outcome::ALL {
        let count = totals.counts.of(outcome);
        if count > 0 {
            table.push(vec![format!("  {}", verb(outcome)), grouped(count)]);
        }
    }
    for leaver_action in LeaverAction::ALL {
        let leavers = view.plan.leavers.iter();
        let count = leavers
            .filter(|leaver| leaver.action == leaver_action)
            .count() as u64;
        if count > 0 {
            table.push(vec![
                format!("  leavers {}", leaver_action.name()),
                grouped(count),
            ]);
        }
    }
    table.push(vec!["  rows".to_string(), grouped(totals.counts.read)]);
    text.push_str(&human::table(&table, &[1]));
    if !totals.fields.is_empty() {
        text.push_str("\nupdates by field\n");
        let fields = totals.fields.iter();
        let lines: Vec<Vec<String>> = fields
            .map(|(name, count)| vec![format!("  {}", safe(name)), grouped(*count)])
            .collect();
        text.push_str(&human::table(&lines, &[1]));
    }
    text
}

/// A time as it is distinguished from others by people; as given where it can't be read.
fn minute(time: &str) -> String {
    match time.parse::<jiff::Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => safe(time),
    }
}

fn lines(row: &Shown) -> String {
    let head = [
        human::place(&row.at),
        verb(row.outcome).to_string(),
        safe(&row.who),
    ];
    let mut text = format!("\n{}\n", head.join("  ").trim_end());
    for difference in &row.differences {
        let value = |value: &Option<_>| quoted(&difference.name, value.as_deref());
        let values = match (&difference.old, row.outcome) {
            (None, Outcome::Created) => value(&difference.new),
            _ => format!("{} → {}", value(&difference.old), value(&difference.new)),
        };
        let ruled =
            |issue: &&&Issue| issue.code == Code::RoleRule && difference.name == Field::Role.name();
        let rule = row.issues.iter().find(ruled);
        let rule = rule.map_or(String::new(), |issue| {
            format!("  by {}", safe(&issue.detail))
        });
        text.push_str(&format!("  {}: {values}{rule}\n", safe(&difference.name)));
    }
    if row.differences.is_empty() {
        let reasons = row.issues.iter().map(|issue| {
            let about = issue.field.map_or("", |field| field.name());
            let parts = [about, issue.code.title(), &issue.detail].map(safe);
            parts
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(": ")
        });
        reasons.for_each(|reason| text.push_str(&format!("  {reason}\n")));
    }
    text
}

/// Whose account changes though no row says so.
fn leaving(leavers: &[Leaver], limit: u64) -> String {
    let gone: Vec<&Leaver> = leavers
        .iter()
        .filter(|leaver| leaver.action.is_written())
        .collect();
    let mut text = String::new();
    for leaver in gone
        .iter()
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
    {
        let key = leaver.email.as_ref().map(|email| format!("<{email}>"));
        let key = key.or(leaver.external_id.clone()).unwrap_or_default();
        let who = [safe(&leaver.name), safe(&key)].join(" ");
        let status = safe(&leaver.status);
        let (why, what) = match leaver.why {
            Why::Missing => ("not in the files", "deactivate"),
            Why::EndDate => ("past the last day", "deactivate"),
            Why::StartDate => ("first day reached", "activate"),
        };
        let new = leaver.action.status().unwrap_or_default();
        text.push_str(&format!(
            "\n{why}  {what}  {}\n  status: \"{status}\" → \"{new}\"\n",
            who.trim()
        ));
    }
    let omitted = (gone.len() as u64).saturating_sub(limit);
    if omitted > 0 {
        text.push_str(&format!(
            "\n{}\n",
            plural(omitted, "more leaver", "more leavers")
        ));
    }
    text
}

/// A value in quotes, and harmless on a terminal; groups are JSON already.
fn quoted(name: &str, value: Option<&str>) -> String {
    match value {
        Some(groups) if matches!(name, "groups" | "sessions") => safe(groups),
        Some(value) => format!("\"{}\"", safe(value)),
        None => "nothing".to_string(),
    }
}

// --- as JSON -------------------------------------------------------------------------------------

fn print_json(view: &View, totals: &Totals, limit: u64) -> Result<()> {
    let mut rows = Vec::new();
    view.each(limit, &mut |row| rows.push(as_json(row)))?;
    let leavers: Vec<Value> = view
        .plan
        .leavers
        .iter()
        .map(|leaver| {
            json!({
                "account": leaver.account,
                "external_id": leaver.external_id,
                "email": leaver.email,
                "who": leaver.name,
                "status": leaver.status,
                "action": leaver.action.name(),
            })
        })
        .collect();
    let head = &view.plan.head;
    let document = json!({
        "run": head.run,
        "created_at": head.created_at,
        "matched_against": head.matched_against,
        "sha256": view.plan.sha256,
        "counts": totals.counts,
        "fields": totals.fields,
        "rows": rows,
        "leavers": leavers,
        "omitted": totals.fitting.saturating_sub(limit),
    });
    print(&format!("{document:#}\n"));
    Ok(())
}

fn as_json(row: &Shown) -> Value {
    let value = |name: &str, value: &Option<_>| -> Value {
        let text: Option<&str> = Option::as_deref(value);
        match text {
            Some(groups) if matches!(name, "groups" | "sessions") => {
                serde_json::from_str(groups).unwrap_or_default()
            }
            text => text.into(),
        }
    };
    let changes: Map<String, Value> = row
        .differences
        .iter()
        .map(|difference| {
            let name = difference.name.to_string();
            let old = value(&name, &difference.old);
            let new = value(&name, &difference.new);
            (name, json!({ "old": old, "new": new }))
        })
        .collect();
    let codes: Vec<&str> = row.issues.iter().map(|issue| issue.code.name()).collect();
    json!({
        "file": row.at.file,
        "sheet": row.at.sheet,
        "line": row.at.line,
        "action": verb(row.outcome),
        "account": row.account,
        "who": row.who,
        "rule": row.rule,
        "changes": changes,
        "issues": codes,
    })
}
