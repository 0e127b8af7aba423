//! match → plan, for all batches: what each row would do, including rows that take keys that others
//! give up.

use crate::decision::Lookup;
use crate::pipeline::rows::Guide;
use crate::pipeline::rows::Rows;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use super::change::{asks_for_groups, joined, named, needed_groups};
use super::duplicate_match::{DuplicateMatch, DuplicateMatches};
use super::read::{place, place_and_name};
use super::snapshot::{Known, Lookups};
use crate::account::{Account, Matched, Update};
use crate::decision::Trace;
use crate::decision::{Action, Planned};
use crate::definition::{Clashes, Definition, Recycled, Returning};
use crate::field::{Field, Key, RowNumber};
use crate::issue::{Code, Issue};
use crate::meaning::membership::Tree;
use crate::meaning::person::Person;
use crate::outcome::{Outcome, Verdict};
use crate::refusal::Result;
use crate::row::{Layout, People};
use crate::safeguard::waits_by;
use crate::spool::PlanSpool;
use crate::stages::clash::Decision;
use crate::stages::key_transfer::{self, KeyTransfers, Pending, Release, blocks_the_transfer};
use crate::stages::managers::{self};
use crate::stages::plan::{decide, giving_up, own_match, without_keys, without_taken_keys};
use crate::stages::revalidate::{self, Line, Revalidate, regardless};
use crate::stages::safeguards::Facts;
use crate::stages::snapshot::Answer;
use crate::store::Store;
use crate::store::snapshot::SnapshotScan;

/// What the plan leaves, with what only the last row could tell.
pub(super) struct Planning {
    /// What each row would do.
    pub(super) rows: PlanSpool,
    /// Keys of the groups that the accounts will be in.
    pub(super) needed: BTreeSet<String>,
    /// Keys of the files' groups that don't exist yet.
    pub(super) new_groups: HashSet<String>,
    /// The rows whose updates pass on keys to each other: all of them go in, or none.
    pub(super) together: BTreeSet<RowNumber>,
    /// The rows that get such a key.
    pub(super) getting: BTreeSet<RowNumber>,
    /// What all rows together would do.
    pub(super) facts: Facts,
    /// Rows that nobody can be found by, where that matters to those who are missing.
    pub(super) unknown_rows: u64,
}

impl Planning {
    /// The groups that are to be there. One that isn't in the file exists, so that its key will do as
    /// its path.
    pub(super) fn needed_paths(&self, groups: &BTreeMap<String, String>) -> Vec<String> {
        let path = |key: &String| groups.get(key).unwrap_or(key).clone();
        self.needed.iter().map(path).collect()
    }
}

/// What the rows of a batch would do, as far as the batch alone says.
struct OfBatch {
    people: People,
    planned: Planned,
    moving: key_transfer::Found,
    facts: Facts,
}

/// What is planned so far, and what is remembered for the end.
struct Plans<'a> {
    rows: &'a Rows<'a>,
    plan: PlanSpool,
    duplicate_match: DuplicateMatches,
    needed: BTreeSet<String>,
    pending: Vec<Pending>,
    /// By batch.
    facts: Vec<Facts>,
}

impl<'a> Plans<'a> {
    fn new(rows: &'a Rows) -> Result<Plans<'a>> {
        Ok(Plans {
            rows,
            plan: PlanSpool::new()?,
            duplicate_match: DuplicateMatches::new(rows.job.memory),
            needed: BTreeSet::new(),
            pending: Vec::new(),
            facts: Vec::with_capacity(rows.spool.batches()),
        })
    }

    /// Takes the next batch; `None` leaves its place for [`Plans::put`].
    fn push(&mut self, of_batch: Option<OfBatch>) -> Result<()> {
        let batch = self.facts.len();
        self.plan.push(&Planned::default())?;
        self.facts.push(Facts::default());
        of_batch.map_or(Ok(()), |of_batch| self.put(batch, of_batch))
    }

    fn put(&mut self, batch: usize, of_batch: OfBatch) -> Result<()> {
        let OfBatch {
            people,
            planned,
            moving,
            facts,
        } = of_batch;
        let (layout, definition) = (self.rows.layout, &self.rows.job.pipeline.definition);
        self.facts[batch] = facts;
        self.pending.extend(moving.pending);
        self.duplicate_match
            .note(people.drafts.first_row, &planned, &moving.releases)?;
        self.needed
            .extend(needed_groups(&people, &planned, layout, definition));
        self.plan.replace(batch, &planned)
    }

    /// Settles what only the last row can tell.
    fn finish(
        mut self,
        groups: &BTreeMap<String, String>,
        tree: &Tree,
        unknown_rows: u64,
    ) -> Result<Planning> {
        self.pending.sort_by_key(|pending| pending.row);
        let mut reported = self.duplicate_match.finish(&self.pending)?;
        let key_transfer = settle_transfers(self.pending, &mut reported);
        settle(
            self.rows,
            &mut self.plan,
            &mut self.facts,
            &reported,
            &key_transfer,
        )?;
        self.needed.extend(key_transfer.groups);
        let is_new = |key: &&String| !tree.has(key);
        let mut all = Facts::default();
        self.facts.iter().for_each(|of_batch| all.add(of_batch));
        Ok(Planning {
            rows: self.plan,
            needed: self.needed,
            new_groups: groups.keys().filter(is_new).cloned().collect(),
            together: key_transfer.together,
            getting: key_transfer.settled.into_keys().collect(),
            facts: all,
            unknown_rows,
        })
    }
}

/// match → plan, for all batches, and what only the last row can tell of them. A batch in which no
/// account needs to be asked for is planned as soon as it is read: the rows of a list of new people,
/// or of one that changes nothing, are read once.
pub(super) fn match_and_plan(
    rows: &Rows,
    guide: &Guide,
    groups: &BTreeMap<String, String>,
    store: Option<&Store>,
    scanning: Option<SnapshotScan>,
) -> Result<Planning> {
    let Rows { job, layout, .. } = *rows;
    let definition = &job.pipeline.definition;
    let with_groups = asks_for_groups(layout, definition);
    let tree = match store.filter(|_| with_groups) {
        Some(store) => store.group_tree(&definition.groups)?,
        None => Tree::new(HashMap::new(), &definition.groups),
    };
    let judge = Judge {
        layout,
        definition,
        regardless: &regardless(definition),
        is_same: &is_same(definition),
        guide,
        tree: &tree,
        rows: *rows,
    };
    let mut plans = Plans::new(rows)?;
    let mut unknown_rows = 0;
    match store {
        Some(store) if store.has_accounts()? => {
            let known = Known::of(rows, scanning)?;
            let lookups = known.lookups(rows, guide, &tree);
            let mut asked = Vec::new();
            store.begin_match()?;
            rows.each(
                "keys",
                0..rows.spool.batches(),
                |_| Ok(()),
                |(), batch, people| {
                    let answers = lookups.answers(&people)?;
                    let keys = lookups.keys(&people, &answers);
                    let found = (!keys.asks)
                        .then(|| judge.plan(batch, people, &lookups, &answers, &[]))
                        .transpose()?;
                    Ok((answers, keys, found))
                },
                |batch, (answers, keys, of_batch)| {
                    store.push_keys(keys.frame)?;
                    unknown_rows += keys.unknown_rows;
                    if of_batch.is_none() {
                        asked.push((batch, answers));
                    }
                    plans.push(of_batch)
                },
            )?;
            store.end_keys()?;
            ask(&judge, &lookups, &asked, store, &mut plans)?;
        }
        _ => rows.each(
            "match",
            0..rows.spool.batches(),
            |_| Ok(()),
            |(), batch, people| judge.plan(batch, people, &Lookups::default(), &[], &[]),
            |_, of_batch| plans.push(Some(of_batch)),
        )?,
    }
    job.progress.end();
    plans.finish(groups, &tree, unknown_rows)
}

/// Plans the batches in which accounts had to be asked for, by what the database answers.
fn ask(
    judge: &Judge,
    lookups: &Lookups,
    asked: &[(usize, Vec<Answer>)],
    store: &Store,
    plans: &mut Plans,
) -> Result<()> {
    if asked.is_empty() {
        return Ok(());
    }
    let (definition, rows) = (judge.definition, judge.rows);
    let with_groups = asks_for_groups(judge.layout, definition);
    let with_past = definition.update.asks_who();
    let matching = &definition.matching;
    let by_account = matching.account_column.is_some();
    let mut matches = store.run_match(&matching.keys(), with_groups, with_past, by_account)?;
    let answers = |batch: usize| match asked.binary_search_by_key(&batch, |(batch, _)| *batch) {
        Ok(at) => asked[at].1.as_slice(),
        Err(_) => &[],
    };
    rows.each(
        "match",
        asked.iter().map(|(batch, _)| *batch),
        |last| matches.through(last),
        |found, batch, people| judge.plan(batch, people, lookups, answers(batch), found),
        |batch, of_batch| plans.put(batch, of_batch),
    )
}

/// Who passes on keys to whom.
fn settle_transfers(pending: Vec<Pending>, reported: &mut DuplicateMatch) -> KeyTransfers {
    let is_out = |row: RowNumber, account: Option<Uuid>| {
        reported.late.contains_key(&row)
            || account.is_some_and(|account| reported.taken.contains(&account))
    };
    let key_transfer = key_transfer::settle(pending, &reported.releases, is_out);
    for (row, action) in &key_transfer.settled {
        reported.late.insert(*row, (action.outcome(), Vec::new()));
    }
    key_transfer
}

/// Puts into the plan what was found of rows after their batch was planned. `facts` are those of every
/// batch.
fn settle(
    rows: &Rows,
    plan: &mut PlanSpool,
    facts: &mut [Facts],
    reported: &DuplicateMatch,
    key_transfer: &KeyTransfers,
) -> Result<()> {
    let spool = rows.spool;
    let late: Vec<RowNumber> = reported.late.keys().copied().collect();
    for some in late.chunk_by(|a, b| spool.batch_of(*a) == spool.batch_of(*b)) {
        let batch = spool.batch_of(some[0]);
        let (people, mut planned) = (rows.read(batch)?, plan.read(batch)?);
        let has_moved = |issue: &Issue| key_transfer.settled.contains_key(&issue.row);
        planned
            .issues
            .retain(|issue| !(blocked_it(issue) && has_moved(issue)));
        planned
            .updates
            .retain(|(row, _)| some.binary_search(row).is_err());
        for row in some {
            let (outcome, issues) = &reported.late[row];
            planned.outcomes[(row - people.drafts.first_row) as usize] = *outcome;
            planned.issues.extend_from_slice(issues);
            if let Some(Action::Update(update)) = key_transfer.settled.get(row) {
                planned.updates.push((*row, update.as_ref().clone()));
            }
        }
        planned.updates.sort_by_key(|(row, _)| *row);
        planned.issues.sort_by_key(|issue| issue.row);
        facts[batch] = rows.facts(&people, &planned);
        plan.replace(batch, &planned)?;
    }
    Ok(())
}

/// Whether an issue was that somebody else has the row's keys.
fn blocked_it(issue: &Issue) -> bool {
    blocks_the_transfer(issue) || issue.code == Code::PlanDrifted
}

/// Whether an issue asks if a row is about the account that its keys find. An id without its zeros
/// asks for these.
fn asks_who(issue: &Issue) -> bool {
    matches!(issue.code, Code::MatchReturned | Code::MatchOtherPerson)
}

/// The pipeline as it would treat rows of which somebody said that they are about their account.
fn is_same(definition: &Definition) -> Definition {
    let mut definition = definition.clone();
    definition.matching.returning = Returning::Same;
    definition.matching.recycled = Recycled::Same;
    definition
}

/// All that planning a row needs besides the row and its match.
struct Judge<'a> {
    layout: &'a Layout,
    definition: &'a Definition,
    regardless: &'a Definition,
    is_same: &'a Definition,
    guide: &'a Guide<'a>,
    tree: &'a Tree,
    rows: Rows<'a>,
}

impl Judge<'_> {
    /// Plans batch number `batch`. `answers` are the snapshot's, and `found` are matches in row order,
    /// of this batch and others.
    fn plan(
        &self,
        batch: usize,
        people: People,
        lookups: &Lookups,
        answers: &[Answer],
        found: &[(RowNumber, Matched)],
    ) -> Result<OfBatch> {
        let first = people.drafts.first_row;
        let keys = self.definition.matching.keys();
        let lines = match self.guide {
            Guide::Plan(order) => revalidate::lines(order.plan.decided(batch)?, first),
            Guide::Pipeline { .. } => Vec::new(),
        };
        let clashes = self.clashes(first, people.len())?;
        let mut moving = key_transfer::Found::default();
        let mut planned = Planned::default();
        let mut lines = lines.into_iter();
        let mut found = found[found.partition_point(|(row, _)| *row < first)..]
            .iter()
            .peekable();
        for index in 0..people.len() {
            let row = first + index as RowNumber;
            if let Lookup::Holds(account) = lookups.of(answers, index) {
                planned.outcomes.push(Outcome::Unchanged);
                planned.accounts.push((row, account));
                continue;
            }
            let matched = found.next_if(|(at, _)| *at == row);
            let matched = matched.map(|(_, matched)| matched);
            let line = lines.next();
            let waiting = line.as_ref().and_then(Line::kept);
            let person = Person {
                people: &people,
                index,
                layout: self.layout,
            };
            let clash = clashes.get(&row);
            let (mut action, mut issues) = self.judge(&person, matched, line, clash);
            let trace = matched.map(|matched| Trace::new(row, matched, &keys));
            // An approval compares the account with what the check saw, not with what is there now.
            match waiting.filter(|_| issues.iter().any(waits_by)) {
                Some((update, saw)) => {
                    planned.traces.extend(saw);
                    planned.updates.extend(update.map(|update| (row, update)));
                }
                None => planned.traces.extend(trace),
            }
            if let Some(matched) = matched {
                let found = (&mut action, &mut issues);
                self.note_transfers(&person, matched, clash, found, &mut moving);
            }
            planned.outcomes.push(action.outcome());
            planned.issues.append(&mut issues);
            if let Some(account) = matched.and_then(|matched| matched.account.as_ref()) {
                planned.accounts.push((row, account.id));
            }
            if let Action::Update(update) = action {
                planned.updates.push((row, *update));
            }
        }
        Ok(OfBatch {
            facts: self.rows.facts(&people, &planned),
            people,
            planned,
            moving,
        })
    }

    /// How the clashes of a batch ended, by the rows that take part in any.
    fn clashes(&self, first: RowNumber, count: usize) -> Result<BTreeMap<RowNumber, Decision>> {
        let Guide::Pipeline {
            clashing, files, ..
        } = self.guide
        else {
            return Ok(BTreeMap::new());
        };
        let rows = first..first + count as RowNumber;
        let run = self.rows;
        clashing.decisions(rows, |row, is_named| match is_named {
            true => place_and_name(row, &run, files),
            false => place(row, files, run.spool),
        })
    }

    /// Keys that a row gives up, and rows that only stay out because somebody has their keys.
    fn note_transfers(
        &self,
        person: &Person,
        matched: &Matched,
        clash: Option<&Decision>,
        (action, issues): (&mut Action, &mut Vec<Issue>),
        moving: &mut key_transfer::Found,
    ) {
        let row = person.row();
        // Only a plan says that a row goes in whose keys others have: it counts on their giving them up.
        if let Some((issue, needs)) = revalidate::keys_of_others(person, matched, action) {
            let action = std::mem::replace(action, Action::Leave(Outcome::Held));
            issues.push(issue);
            moving
                .pending
                .push(pending(person, matched, action, needs, self.definition));
            return;
        }
        if let Action::Update(update) = action {
            moving.releases.extend(released(row, matched, update));
        }
        if let Some(given) = self.given_up(person, matched, clash, action) {
            let giving = Action::Update(Box::new(given));
            moving.pending.push(Pending {
                only_if_taken: true,
                ..pending(person, matched, giving, Vec::new(), self.definition)
            });
        }
        if !issues.iter().any(blocks_the_transfer) {
            return;
        }
        let Some((free, needs)) = without_taken_keys(person, matched) else {
            return;
        };
        let (action, issues) = self.judge(person, Some(&free), None, clash);
        let stays_out = issues
            .iter()
            .any(|issue| self.definition.rejects(issue.code));
        if !stays_out && !matches!(action, Action::Leave(_)) {
            moving
                .pending
                .push(pending(person, &free, action, needs, self.definition));
        }
    }

    /// What happens to a closed account when the row that follows it gets its address. A table of
    /// the application's own may have none without one, so that its accounts keep it.
    fn given_up(
        &self,
        person: &Person,
        matched: &Matched,
        clash: Option<&Decision>,
        action: &Action,
    ) -> Option<Update> {
        let clash = clash.filter(|_| self.definition.target.is_none())?;
        let to_open = clash.yields.iter().filter(|left| left.to.is_some());
        let keys: Vec<Key> = to_open.map(|left| left.key).collect();
        let account = matched.account.as_ref().filter(|_| !keys.is_empty())?;
        giving_up(person, account, action, &keys, self.definition)
    }

    /// Decides a row; by `line`, where a plan has one for it.
    fn judge(
        &self,
        person: &Person,
        matched: Option<&Matched>,
        line: Option<Line>,
        clash: Option<&Decision>,
    ) -> (Action, Vec<Issue>) {
        let decide = |person: &Person, matched: Option<&Matched>, definition: &Definition| {
            decide(person, matched, definition, self.tree)
        };
        match (self.guide, line) {
            (Guide::Pipeline { .. }, _) => self.judge_row(person, matched, clash),
            (Guide::Plan(_), None) => decide(person, matched, self.definition),
            (Guide::Plan(order), Some(line)) => {
                let revalidate = Revalidate {
                    definition: self.definition,
                    regardless: self.regardless,
                    wanted: order.wanted,
                    replan: order.replan,
                    decide: &decide,
                    group_exists: &|key| self.tree.has(key),
                };
                revalidate.row(person, matched, line)
            }
        }
    }

    fn judge_row(
        &self,
        person: &Person,
        matched: Option<&Matched>,
        clash: Option<&Decision>,
    ) -> (Action, Vec<Issue>) {
        match person.people.verdicts[person.index] {
            Verdict::Duplicate(_) => return (Action::Leave(Outcome::Duplicate), Vec::new()),
            Verdict::Nobody => return (Action::Leave(Outcome::Skipped), Vec::new()),
            Verdict::Kept | Verdict::Rejected => {}
        }
        let mut issues: Vec<Issue> = self.manager_issue(person).into_iter().collect();
        let mut action = None;
        if let Some(clash) = clash {
            issues.extend_from_slice(&clash.issues);
            if let Some((action, found)) = self.judge_closing(person, matched, clash) {
                issues.extend(found);
                return (action, issues);
            }
            if !clash.stays {
                let skips = self.definition.rows.clashes != Clashes::Reject;
                action = Some(if skips {
                    Outcome::Skipped
                } else {
                    Outcome::Rejected
                });
            }
        }
        if person.people.verdicts[person.index] == Verdict::Rejected
            || issues
                .iter()
                .any(|issue| self.definition.rejects(issue.code))
        {
            action = Some(Outcome::Rejected);
        }
        match action {
            Some(outcome) => (Action::Leave(outcome), issues),
            None => {
                let (mut action, mut found) = decide(person, matched, self.definition, self.tree);
                if found.iter().any(asks_who) && self.is_answered(person, matched) {
                    (action, found) = decide(person, matched, self.is_same, self.tree);
                }
                issues.extend(found);
                (action, issues)
            }
        }
    }

    /// Whether a row that comes back says that it is about the account that its keys find.
    fn is_answered(&self, person: &Person, matched: Option<&Matched>) -> bool {
        let Guide::Pipeline { row_refs, .. } = self.guide else {
            return false;
        };
        let account = matched.and_then(|matched| matched.account.as_ref());
        account.is_some_and(|account| row_refs.account(person.row()) == Some(account.id))
    }

    /// What is wrong with the manager that a row names.
    fn manager_issue(&self, person: &Person) -> Option<Issue> {
        let Guide::Pipeline {
            managers: wrong, ..
        } = self.guide
        else {
            return None;
        };
        let wrong = wrong.get(person.row() as usize)?;
        let cell = person.value(Field::Manager)?;
        managers::issue(*wrong, person.row(), cell)
    }

    /// Decides a row that closes an account and has keys that other rows have, too. It is about the
    /// account of its external id alone, and gives it none of these keys.
    fn judge_closing(
        &self,
        person: &Person,
        matched: Option<&Matched>,
        clash: &Decision,
    ) -> Option<(Action, Vec<Issue>)> {
        let first = clash.yields.first()?;
        let is_open = clash.stays && person.people.verdicts[person.index] == Verdict::Kept;
        let rejects = |issue: &Issue| self.definition.rejects(issue.code);
        if !is_open || clash.issues.iter().any(rejects) {
            return None;
        }
        let keys: Vec<Key> = clash.yields.iter().map(|left| left.key).collect();
        let known = matched.filter(|matched| matched.by[Key::ExternalId as usize].is_some());
        let Some((matched, account)) =
            known.and_then(|known| Some((known, known.account.as_ref()?)))
        else {
            let name = first.key.field().name();
            let detail = match &first.to {
                Some(to) => {
                    format!("no account has its external id, and its {name} belongs to {to}")
                }
                None => {
                    format!("no account has its external id, and other rows have its {name}")
                }
            };
            let issue = Issue::of_row(Code::StatusSkipped, person.row(), detail);
            return Some((Action::Leave(Outcome::Skipped), vec![issue]));
        };
        let own = own_match(matched, &keys_of_others(&keys, matched, account));
        let (action, issues) = decide(person, Some(&own), self.definition, self.tree);
        Some((without_keys(action, account, &keys), issues))
    }
}

/// Those of the keys that another account has.
fn keys_of_others(keys: &[Key], matched: &Matched, account: &Account) -> Vec<Key> {
    let is_of_other = |key: &&Key| matched.by[**key as usize] != Some(account.id);
    keys.iter().filter(is_of_other).copied().collect()
}

/// A row that goes in if the `needs` are met.
fn pending(
    person: &Person,
    matched: &Matched,
    action: Action,
    needs: Vec<(Key, Uuid)>,
    definition: &Definition,
) -> Pending {
    let row = person.row();
    let (account, releases, groups) = match &action {
        Action::Update(update) => (
            Some(update.account),
            released(row, matched, update),
            joined(update).collect(),
        ),
        _ => (None, Vec::new(), named(person.said(), definition)),
    };
    Pending {
        row,
        account,
        action,
        needs,
        releases,
        groups,
        only_if_taken: false,
    }
}

/// The keys that an update gives up.
fn released(row: RowNumber, matched: &Matched, update: &Update) -> Vec<Release> {
    let Some(account) = &matched.account else {
        return Vec::new();
    };
    [Key::Email, Key::Username]
        .into_iter()
        .zip(account.keys.iter().zip(&update.keys))
        .filter(|(_, (held, wanted))| held.is_some() && held != wanted)
        .map(|(key, _)| Release {
            row,
            key,
            account: account.id,
        })
        .collect()
}
