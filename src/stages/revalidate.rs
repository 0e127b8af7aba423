//! revalidate: whether the accounts are still what a plan saw of them, and what happens to a row
//! where they aren't. Pure; decides nothing about rows whose accounts are unchanged.

use crate::decision::Trace;
use crate::decision::state;
use uuid::Uuid;

use crate::account::{Account, COLUMNS, Matched, Update};
use crate::decision::{Action, Planned};
use crate::definition::{Definition, Existing, MissingGroups, Mode, UpdatePolicy};
use crate::field::{Field, Key, RowNumber};
use crate::issue::{Code, Issue};
use crate::leaver::{Leaver, LeaverAction, Why};
use crate::meaning::person::{Person, is_same_key};
use crate::meaning::{group, membership};
use crate::outcome::Outcome;
use crate::safeguard::waits_by;

/// Which rows of a plan are to be applied, by their number, planned outcome and issues.
///
/// A row that is planned as `held` because it waits for an approval is applied when this says so;
/// one that is held because nobody can say what is to be done with it must not be let through.
pub type Wanted<'a> = dyn Fn(RowNumber, Outcome, &[&Issue]) -> bool + Sync + 'a;

/// Decides a row as if it had no plan: [`crate::stages::plan::decide`] of the plan's pipeline.
pub type Decide<'a> =
    dyn Fn(&Person, Option<&Matched>, &Definition) -> (Action, Vec<Issue>) + Sync + 'a;

/// The pipeline as it would treat people whom it knows to be there already, whatever it says of
/// them: once a plan was applied, they are.
pub fn regardless(definition: &Definition) -> Definition {
    let mut definition = definition.clone();
    definition.matching.mode = Mode::Upsert;
    definition.matching.existing_active = Existing::Update;
    definition.matching.existing_invited = Existing::Update;
    definition.matching.existing_deactivated = Existing::Update;
    definition
}

/// A row of a plan: what is to happen to it, and what the check saw.
#[derive(Debug, Default)]
pub struct Line {
    outcome: Option<Outcome>,
    update: Option<Update>,
    saw: Option<Trace>,
    issues: Vec<Issue>,
    row: RowNumber,
}

/// The rows of a batch of a plan, whose first row is `first`. Issues are in row order in it.
pub fn lines(planned: Planned, first: RowNumber) -> Vec<Line> {
    let mut traces = planned.traces.into_iter().peekable();
    let mut updates = planned.updates.into_iter().peekable();
    let mut issues = planned.issues.into_iter().peekable();
    let line = |(row, outcome)| {
        let mut line = Line {
            outcome: Some(outcome),
            update: updates
                .next_if(|(at, _)| *at == row)
                .map(|(_, update)| update),
            saw: traces.next_if(|trace| trace.row == row),
            issues: Vec::new(),
            row,
        };
        while let Some(issue) = issues.next_if(|issue| issue.row == row) {
            line.issues.push(issue);
        }
        line
    };
    (first..).zip(planned.outcomes).map(line).collect()
}

/// What following a plan needs besides its rows.
pub struct Revalidate<'a> {
    /// The plan's pipeline.
    pub definition: &'a Definition,
    /// [`regardless`] of it.
    pub regardless: &'a Definition,
    /// The rows that are to be applied.
    pub wanted: &'a Wanted<'a>,
    /// Whether rows that drifted are decided again instead of held.
    pub replan: bool,
    /// How rows are decided.
    pub decide: &'a Decide<'a>,
    /// Whether there is a group of that key.
    pub group_exists: &'a (dyn Fn(&str) -> bool + Sync),
}

impl Revalidate<'_> {
    /// What happens to a row of the plan, now that the match finds `matched` for it.
    pub fn row(
        &self,
        person: &Person,
        matched: Option<&Matched>,
        mut line: Line,
    ) -> (Action, Vec<Issue>) {
        let mut issues = std::mem::take(&mut line.issues);
        let known: Vec<&Issue> = issues.iter().collect();
        let planned = line.outcome.unwrap_or(Outcome::Held);
        let wanted = (self.wanted)(line.row, planned, &known);
        if wanted && planned == Outcome::Held {
            issues.retain(|issue| !waits_by(issue));
        }
        let step = Step {
            person,
            matched,
            outcome: match planned {
                Outcome::Held if wanted => line.waiting(),
                outcome => outcome,
            },
            update: line.update,
            saw: line.saw,
        };
        let (action, more) = match planned {
            Outcome::Created | Outcome::Updated | Outcome::Unchanged if !wanted => {
                let issue = Issue::of_row(Code::PlanLeftOut, line.row, "");
                (Action::Leave(Outcome::Skipped), vec![issue])
            }
            _ => self.step(step),
        };
        issues.extend(more);
        (action, issues)
    }

    fn step(&self, step: Step) -> (Action, Vec<Issue>) {
        let action = match (step.outcome, step.update.clone()) {
            (Outcome::Created, _) => Action::Create,
            (Outcome::Updated, Some(update)) => Action::Update(Box::new(update)),
            (Outcome::Unchanged, _) => Action::Leave(Outcome::Unchanged),
            (outcome, _) => return (Action::Leave(outcome), Vec::new()),
        };
        let saw = step.saw.as_ref().map(|trace| trace.state);
        if saw == step.matched.map(state) {
            return match self.group_gone(step.person, &action) {
                Some(issue) => (Action::Leave(Outcome::Held), vec![issue]),
                None => (step.at_this_version(action), Vec::new()),
            };
        }
        if self.is_done(&step) {
            return (Action::Leave(Outcome::Unchanged), Vec::new());
        }
        if self.replan {
            return (self.decide)(step.person, step.matched, self.definition);
        }
        let issue = drifted(&step, self.definition);
        (Action::Leave(Outcome::Held), vec![issue])
    }

    /// A pipeline that makes no groups may have been promised one that is gone; a session is never
    /// made by a list of people.
    fn group_gone(&self, person: &Person, action: &Action) -> Option<Issue> {
        if matches!(action, Action::Leave(_)) {
            return None;
        }
        let said = person.said();
        let makes_groups = self.definition.groups.missing == MissingGroups::Create;
        let group = || {
            let mut named = said.named(&self.definition.groups);
            named.find(|(path, _)| !(self.group_exists)(&group::key(path)))
        };
        let session = || {
            let mut enrolled = said.enrolled();
            enrolled.find(|name| !(self.group_exists)(&membership::of_session(name)))
        };
        let gone = if makes_groups { None } else { group() };
        let (field, found, detail) = match gone {
            Some((path, _)) => (Field::Groups, path, "this group existed at the check"),
            None => (
                Field::Sessions,
                session()?,
                "this session existed at the check",
            ),
        };
        let row = person.row();
        Some(Issue::of_field(
            Code::PlanDrifted,
            row,
            field,
            found,
            detail,
        ))
    }

    /// Whether the account holds all that the plan would write, as after the same plan was applied.
    fn is_done(&self, step: &Step) -> bool {
        let Some(account) = step.matched.and_then(|matched| matched.account.as_ref()) else {
            return false;
        };
        let holds = |(name, value): (&String, &serde_json::Value)| {
            let held = match (Field::from_name(name), name.strip_prefix("attributes.")) {
                (Some(Field::Groups | Field::Sessions), _) => return true,
                (Some(field), _) => account.value(field).map(serde_json::Value::from),
                (None, attribute) => attribute.and_then(|name| attributes(account).remove(name)),
            };
            held.unwrap_or_default() == *value
        };
        if let Some(update) = &step.update
            && !update.after.iter().all(holds)
        {
            return false;
        }
        let (action, _) = (self.decide)(step.person, step.matched, self.regardless);
        action == Action::Leave(Outcome::Unchanged)
    }
}

/// The issues of rows of the plan that an earlier try of the run wrote with these `outcomes`. What
/// exactly had drifted then is not kept.
pub fn issues_of_written(lines: Vec<Line>, outcomes: &[Outcome]) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (mut line, outcome) in lines.into_iter().zip(outcomes) {
        issues.append(&mut line.issues);
        let code = match outcome {
            _ if line.outcome == Some(*outcome) => continue,
            Outcome::Held => Code::PlanDrifted,
            Outcome::Skipped => Code::PlanLeftOut,
            _ => continue,
        };
        issues.push(Issue::of_row(
            code,
            line.row,
            "found before the run was interrupted",
        ));
    }
    issues
}

/// The e-mail address and the username that a row gets by its plan although others have them, and
/// the issue that it is if they don't give them up.
pub fn keys_of_others(
    person: &Person,
    matched: &Matched,
    action: &Action,
) -> Option<(Issue, Vec<(Key, Uuid)>)> {
    let own = match action {
        Action::Create => None,
        Action::Update(update) => Some(update.account),
        Action::Leave(_) => return None,
    };
    let mut needs = Vec::new();
    for key in [Key::Email, Key::Username] {
        if let Some(holder) = matched.by[key as usize].filter(|holder| Some(*holder) != own) {
            needs.push((key, holder));
        }
    }
    let (key, holder) = *needs.first()?;
    let name = key.field().name();
    let found = person.value(key.field()).unwrap_or("");
    let detail = format!("account {holder} should have given up this {name}, but didn't");
    let issue = Issue::of_field(Code::PlanDrifted, person.row(), key.field(), found, detail);
    Some((issue, needs))
}

/// What a plan that is applied knows of its leavers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// It says who goes. `overtaken` when a later list was taken since: whoever is missing from
    /// this one may be back.
    Planned {
        #[expect(missing_docs, reason = "as above")]
        overtaken: bool,
    },
    /// Its run held them, and counted them as missing: whoever isn't counted any more is back.
    Counted,
    /// Its run doubted the file as a whole, and counted nobody. `overtaken` when a later list did.
    Doubted {
        #[expect(missing_docs, reason = "as above")]
        overtaken: bool,
    },
}

/// Holds those of the leavers that are to be deactivated and that the plan didn't see as they are.
pub fn hold_unplanned(leavers: &mut [Leaver], planned: &[Leaver], replan: bool, leaving: Leaving) {
    let same = |now: &Leaver, then: &Leaver| {
        let was_held = then.action == LeaverAction::Held;
        let is_still_due = match leaving {
            Leaving::Planned { overtaken } => {
                then.action == now.action && !(overtaken && then.why == Why::Missing)
            }
            _ if then.why != Why::Missing => was_held,
            Leaving::Counted => was_held && now.runs > then.runs,
            Leaving::Doubted { overtaken } => was_held && !overtaken,
        };
        is_still_due
            && now.why == then.why
            && (&now.external_id, &now.email, &now.role, &now.status)
                == (&then.external_id, &then.email, &then.role, &then.status)
            && now.other_roles == then.other_roles
    };
    for leaver in leavers {
        // They are in order of their accounts.
        let then = planned.binary_search_by_key(&leaver.account, |then| then.account);
        let is_planned = then.is_ok_and(|at| same(leaver, &planned[at]));
        if leaver.action.is_written() && !is_planned && !replan {
            leaver.action = LeaverAction::Held;
        }
    }
}

/// A row of a plan, and what the match finds for it now.
struct Step<'a> {
    person: &'a Person<'a>,
    matched: Option<&'a Matched>,
    outcome: Outcome,
    update: Option<Update>,
    saw: Option<Trace>,
}

impl Line {
    /// What a row that waits for an approval keeps until then: its update, if it isn't to be created,
    /// and what the check saw.
    pub fn kept(&self) -> Option<(Option<Update>, Option<Trace>)> {
        let is_waiting = self.outcome == Some(Outcome::Held) && self.issues.iter().any(waits_by);
        is_waiting.then(|| (self.update.clone(), self.saw.clone()))
    }

    /// What a row that waits for an approval waits to become.
    fn waiting(&self) -> Outcome {
        match &self.update {
            Some(_) => Outcome::Updated,
            None => Outcome::Created,
        }
    }
}

impl Step<'_> {
    fn at_this_version(&self, action: Action) -> Action {
        match (
            action,
            self.matched.and_then(|matched| matched.account.as_ref()),
        ) {
            (Action::Update(mut update), Some(account)) => {
                update.version.clone_from(&account.version);
                Action::Update(update)
            }
            (action, _) => action,
        }
    }
}

fn attributes(account: &Account) -> serde_json::Map<String, serde_json::Value> {
    serde_json::from_str(&account.attributes).unwrap_or_default()
}

/// What the check saw and what is there now, where that is clear. Values that the check saw are in
/// backticks.
fn drifted(step: &Step, definition: &Definition) -> Issue {
    let outcome = step.outcome;
    let row = step.person.row();
    let Some(matched) = step.matched else {
        let detail = "the account no longer exists, or has other keys now";
        return Issue::of_row(Code::PlanDrifted, row, detail);
    };
    let id = matched.account.as_ref().map(|account| account.id);
    let strange = |key: &&Key| {
        let holder = matched.by[**key as usize];
        holder.is_some() && (outcome == Outcome::Created || holder != id)
    };
    if let Some(key) = Key::ALL.iter().find(strange)
        && let Some(holder) = matched.by[*key as usize]
    {
        let name = key.field().name();
        let detail = if outcome == Outcome::Created {
            format!("nobody had this {name} at the check; account {holder} has it now")
        } else {
            format!("account {holder} has this {name} now")
        };
        let found = step.person.value(key.field()).unwrap_or("");
        return Issue::of_field(Code::PlanDrifted, row, key.field(), found, detail);
    }
    match matched.account.as_ref() {
        Some(account) => changed(step, account, definition),
        None => Issue::of_row(Code::PlanDrifted, row, "the row matches no account now"),
    }
}

/// The first value of the account that is another one now.
fn changed(step: &Step, account: &Account, definition: &Definition) -> Issue {
    let row = step.person.row();
    let saw = |value: &str| format!("the check saw `{value}`");
    for (column, field) in COLUMNS.into_iter().enumerate() {
        let expected = match &step.update {
            Some(update) => match update.before.get(field.name()) {
                Some(before) => before.as_str(),
                None => update.values[column].as_deref(),
            },
            // Without an update, the account had what the row has; more of it isn't known.
            None => match step.person.value(field) {
                Some("invited") if field == Field::Status => continue,
                Some(value) if definition.update.of(field) == UpdatePolicy::Overwrite => {
                    Some(value)
                }
                _ => continue,
            },
        };
        let held = account.values[column].as_deref();
        let is_same_key = step.update.is_none() && is_same_key(step.person, account, field);
        if held != expected && !is_same_key {
            let detail = saw(expected.unwrap_or(""));
            let found = held.unwrap_or("");
            return Issue::of_field(Code::PlanDrifted, row, field, found, detail);
        }
    }
    let held = attributes(account);
    let expected = step.update.iter().flat_map(|update| {
        let before = |name| update.before.get(&format!("attributes.{name}"));
        let names = update.attributes.iter();
        names.map(move |(name, value)| (name.as_str(), before(name).unwrap_or(value).as_str()))
    });
    for (name, expected) in expected {
        let now = held.get(name).and_then(|value| value.as_str());
        if now != expected {
            let detail = format!("attribute {name}: {}", saw(expected.unwrap_or("")));
            return Issue::of_value(Code::PlanDrifted, row, now.unwrap_or(""), detail);
        }
    }
    let detail = "its groups, or a value that the row leaves alone, changed since the check";
    Issue::of_row(Code::PlanDrifted, row, detail)
}
