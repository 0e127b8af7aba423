//! Safeguards: counts the changes of a plan, and removes from it what is held.

use super::change::{changes, held_issues, joins, needed_groups};
use super::plan::Planning;
use crate::decision::Planned;
use crate::definition;
use crate::definition::{Definition, Slipped};
use crate::field::RowNumber;
use crate::issue::{Code, Issue};
use crate::leaver::{Leaver, LeaverAction};
use crate::meaning::person::Person;
use crate::outcome::Outcome;
use crate::pipeline::rows::Rows;
use crate::profile::Profile;
use crate::refusal::Result;
use crate::row::People;
use crate::safeguard::Safeguard;
use crate::safeguard::{Class, Classes};
use crate::stages::plan::renames;
use crate::stages::profiling;
use crate::stages::safeguards::{self, Change, Facts, Hold};
use crate::store::Store;

/// The classes of an account that changes though no row says so.
fn of_leaver(leaver: &Leaver) -> Classes {
    Classes::default().with(Class::Update).with_if(
        Class::Deactivate,
        leaver.action == LeaverAction::Deactivated,
    )
}

impl Rows<'_> {
    fn definition(&self) -> &Definition {
        &self.job.pipeline.definition
    }

    /// What the rows of a batch would do together.
    pub(super) fn facts(&self, people: &People, planned: &Planned) -> Facts {
        let definition = self.definition();
        let mut facts = Facts::default();
        for (_, change) in changes(people, planned, self.layout, definition) {
            facts.count(change.classes(&definition.accounts.roles));
            facts.renamed += u64::from(matches!(change, Change::Update(update) if renames(update)));
        }
        facts.known = planned.accounts.len() as u64;
        let is_other = |issue: &&Issue| issue.code == Code::MatchOtherPerson;
        facts.renamed += planned.issues.iter().filter(is_other).count() as u64;
        facts
    }

    /// Measures the plan by what is there and what the runs before it did.
    ///
    /// # Errors
    /// A refusal with a `database.*` code, or of a scratch file.
    pub(super) fn ask(
        &self,
        planning: &Planning,
        leavers: &[Leaver],
        (profile, slips): (Option<&Profile>, &[String]),
        store: Option<&Store>,
    ) -> Result<Vec<Safeguard>> {
        let definition = self.definition();
        if !definition.safeguards.enabled {
            return Ok(Vec::new());
        }
        let mut facts = planning.facts.clone();
        for leaver in leavers {
            if leaver.action.is_written() {
                facts.count(of_leaver(leaver));
            }
        }
        if let Some(store) = store {
            // The text was checked when the pipeline was read.
            let window = definition::lifetime(&definition.safeguards.window).unwrap_or(None);
            let there = store.what_is_there(&definition.name, window.unwrap_or(0))?;
            facts.accounts = there.accounts;
            facts.seated = there.seated;
            facts.groups = there.groups;
            facts.earlier = safeguards::in_window(&there.earlier);
            let needed: Vec<String> = planning.needed.iter().cloned().collect();
            facts.counts[Class::NewGroups as usize] =
                store.count_missing_groups(&needed, &definition.groups)?;
            if let (Some(last), Some(now)) = (&there.last_profile, profile) {
                facts.findings = profiling::differences(last, now, &definition.safeguards);
            }
        }
        facts.findings.extend_from_slice(slips);
        if definition.safeguards.slipped == Slipped::Hold {
            facts.findings.extend(safeguards::renaming(&facts));
        }
        Ok(safeguards::judge(
            &facts,
            &definition.safeguards,
            self.job.allowed,
        ))
    }

    fn classes(&self, planning: &Planning, person: &Person, change: Change) -> Classes {
        let joins_new = joins(person, change, self.definition())
            .iter()
            .any(|key| planning.new_groups.contains(key));
        change
            .classes(&self.definition().accounts.roles)
            .with_if(Class::NewGroups, joins_new)
    }

    /// Takes out of the plan, and of the leavers, what `safeguards` hold, and counts it there.
    ///
    /// # Errors
    /// A refusal of a scratch file.
    pub(super) fn hold_back(
        &self,
        planning: &mut Planning,
        leavers: &mut [Leaver],
        safeguards: &mut [Safeguard],
    ) -> Result<()> {
        let hold = Hold::of(safeguards, self.definition().safeguards.on_hold);
        if !hold.is_any() {
            return Ok(());
        }
        let mut counts = safeguards::Counts::default();
        let mut count = |classes: Classes| {
            let is_content = hold.reasons(classes).contains(&Class::Content);
            let classes = classes.with_if(Class::Content, is_content);
            let of = Class::ALL.into_iter().filter(|class| classes.has(*class));
            of.for_each(|class| counts[class as usize] += 1);
        };
        let holds_transfers = self.holds_transfers(planning, hold)?;
        planning.needed.clear();
        for batch in 0..self.spool.batches() {
            let people = self.read(batch)?;
            let mut planned = planning.rows.read(batch)?;
            let mut held = Vec::new();
            for (row, change) in changes(&people, &planned, self.layout, self.definition()) {
                let classes = self.classes(planning, &self.person(&people, row), change);
                let key_transfer =
                    planning.together.contains(&row) || planning.getting.contains(&row);
                if hold.holds(classes) || holds_transfers && key_transfer {
                    held.push((row, classes));
                }
            }
            for (row, classes) in &held {
                planned.outcomes[(row - people.drafts.first_row) as usize] = Outcome::Held;
                planned.issues.extend(held_issues(*row, hold, *classes));
                count(*classes);
            }
            planning.needed.extend(needed_groups(
                &people,
                &planned,
                self.layout,
                self.definition(),
            ));
            if !held.is_empty() {
                planned.issues.sort_by_key(|issue| issue.row);
                planning.rows.replace(batch, &planned)?;
            }
        }
        if holds_transfers {
            planning.together.clear();
        }
        for leaver in leavers {
            let classes = of_leaver(leaver);
            if leaver.action.is_written() && hold.holds(classes) {
                leaver.action = LeaverAction::Held;
                count(classes);
            }
        }
        for safeguard in safeguards {
            safeguard.held =
                Class::from_name(&safeguard.class).map_or(0, |class| counts[class as usize]);
        }
        Ok(())
    }

    /// Whether one of the rows that give up keys to others is held: then nobody gets one, and all
    /// of them wait together. Those who only get a key can be held alone.
    fn holds_transfers(&self, planning: &Planning, hold: Hold) -> Result<bool> {
        let together: Vec<RowNumber> = planning.together.iter().copied().collect();
        for rows in together.chunk_by(|a, b| self.spool.batch_of(*a) == self.spool.batch_of(*b)) {
            let batch = self.spool.batch_of(rows[0]);
            let (people, planned) = (self.read(batch)?, planning.rows.read(batch)?);
            let mut giving = changes(&people, &planned, self.layout, self.definition())
                .filter(|(row, _)| rows.binary_search(row).is_ok());
            let is_held = |(row, change)| {
                hold.holds(self.classes(planning, &self.person(&people, row), change))
            };
            if giving.any(is_held) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn person<'p>(&'p self, people: &'p People, row: RowNumber) -> Person<'p> {
        Person {
            people,
            index: (row - people.drafts.first_row) as usize,
            layout: self.layout,
        }
    }
}
