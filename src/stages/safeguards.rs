//! safeguards: the limits on a computed plan, and all of their policy. Pure.
//!
//! Every change is in one or more classes, and a class has a limit: a share of the existing
//! accounts, but never less than a count, so that small installations aren't affected. The limit
//! applies to one run, and to all runs within a time window, so that slow changes are found, too. A
//! class over its limit is held: none of its changes is written until somebody approves it. A row
//! is held if any of its classes is. Two safeguards are not about shares: `seats`, and `content`,
//! which holds a whole file that differs too much from the last one, or whose columns are shifted
//! against each other.
//!
//! Shares refer to the existing accounts, not to the rows of the file: a file that contains only
//! changes is normal, and no reason to hold it.

use crate::safeguard::Class;
use crate::safeguard::Classes;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::account::{COLUMNS, Update};
use crate::definition::{Limit, OnHold, Safeguards};
use crate::field::Field;
use crate::meaning::words::ROLE_SEPARATOR;
use crate::safeguard::{Safeguard, SafeguardDecision};

/// When a class is too much: more than `share` of what is there and more than `count`, where there
/// is at least `base`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    share: f64,
    count: u64,
    base: u64,
}

/// The limits of a pipeline that sets none. Filling an empty database is not an event; closing one
/// account in twenty is. Okta stops at 20 % of at least 100 people, Canvas and Google at a limit
/// that somebody has to set, and none looks at more than one run.
const DEFAULTS: [(Class, Rule); 7] = [
    (Class::Create, rule(1.0, 1000, 100)),
    (Class::Update, rule(0.3, 100, 0)),
    (Class::Deactivate, rule(0.05, 10, 0)),
    (Class::EmailChange, rule(0.05, 20, 0)),
    (Class::RoleRaise, rule(0.02, 5, 0)),
    (Class::KeyChange, rule(0.02, 10, 0)),
    (Class::NewGroups, rule(0.25, 20, 10)),
];

const fn rule(share: f64, count: u64, base: u64) -> Rule {
    Rule { share, count, base }
}

impl Rule {
    /// The most that is let through; `None` while there is too little for a limit.
    fn limit(self, base: u64) -> Option<u64> {
        (base >= self.base).then(|| self.count.max((self.share * base as f64) as u64))
    }
}

/// The limit of a class: what the pipeline sets of it, else the default.
fn rule_of(class: Class, default: Rule, safeguards: &Safeguards) -> Rule {
    let limit = match class {
        Class::Create => safeguards.create,
        Class::Update => safeguards.update,
        Class::Deactivate => safeguards.deactivate,
        Class::EmailChange => safeguards.email_change,
        Class::RoleRaise => safeguards.role_raise,
        Class::KeyChange => safeguards.key_change,
        Class::NewGroups => safeguards.new_groups,
        Class::Seats | Class::Content => Limit::default(),
    };
    Rule {
        share: limit.share.unwrap_or(default.share),
        count: limit.count.unwrap_or(default.count),
        base: limit.base.unwrap_or(default.base),
    }
}

/// A number for each class.
pub type Counts = [u64; Class::ALL.len()];

/// What is judged.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// What the plan would do, by class. `seats` and `content` are not read.
    pub counts: Counts,
    /// Rows that take a seat.
    pub seats_taken: u64,
    /// Accounts that free one.
    pub seats_freed: u64,
    /// Accounts that are there.
    pub accounts: u64,
    /// Those of them that are active or invited.
    pub seated: u64,
    /// Groups that are there.
    pub groups: u64,
    /// What the window's earlier runs did, by class; [`in_window`] adds it up.
    pub earlier: Counts,
    /// People who are known, and
    pub known: u64,
    /// of these, those whom the file gives another first and last name.
    pub renamed: u64,
    /// Why the file as a whole is in doubt; [`crate::stages::profiling`] and [`crate::stages::slipped`] find it.
    pub findings: Vec<String>,
}

/// What is doubtful about a list with `exported` of its `rows` from an export: these are about accounts
/// that there were, and are to make none. Rows that somebody added may.
pub fn exported(facts: &Facts, rows: u64, exported: u64) -> Option<String> {
    let made = facts.counts[Class::Create as usize];
    let known = made.saturating_sub(rows.saturating_sub(exported));
    (known > 0).then(|| {
        let rows = if known == 1 { "row" } else { "rows" };
        format!(
            "{known} exported {rows} would make new accounts: an id, a username or an address was changed, \
             which `muster people change` does, or the file is from another database"
        )
    })
}

/// This many people must get another name before the file is in doubt,
const RENAMED_MIN: u64 = 5;
/// and this share of those whom it names and who are known.
const RENAMED_SHARE: f64 = 0.5;

/// What is to be said of a run that gives most of the people whom it names another name: names and
/// keys slipped against each other, or the keys are those of other people.
pub fn renaming(facts: &Facts) -> Option<String> {
    let Facts { known, renamed, .. } = *facts;
    let is_most = renamed as f64 > RENAMED_SHARE * known as f64;
    (renamed >= RENAMED_MIN && is_most).then(|| {
        format!(
            "{renamed} of {known} known people would get a different first and last name; names \
                and keys seem to be shifted against each other"
        )
    })
}

impl Facts {
    /// Counts a change of those classes.
    pub fn count(&mut self, classes: Classes) {
        for class in Class::ALL.into_iter().filter(|class| classes.has(*class)) {
            self.counts[class as usize] += 1;
        }
        self.seats_taken += u64::from(classes.has(Class::Seats));
        self.seats_freed += u64::from(classes.has(Class::Deactivate));
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Facts) {
        let counts = self.counts.iter_mut().zip(other.counts);
        counts.for_each(|(sum, count)| *sum += count);
        self.seats_taken += other.seats_taken;
        self.seats_freed += other.seats_freed;
        self.known += other.known;
        self.renamed += other.renamed;
    }
}

/// A row that would write.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// A new account with that status.
    Create(&'a str),
    /// A known one.
    Update(&'a Update),
}

impl Change<'_> {
    /// The classes that it is in; whether its groups are new is for the caller to say.
    pub fn classes(self, roles: &[String]) -> Classes {
        match self {
            Change::Create(status) => Classes::default()
                .with(Class::Create)
                .with_if(Class::Seats, status != "deactivated"),
            Change::Update(update) => {
                let rank = |role: &str| roles.iter().position(|known| known == role);
                let had = |field| update.before.get(field).and_then(|value| value.as_str());
                let gets = |field| update.after.get(field).and_then(|value| value.as_str());
                let changes = |field| had(field).zip(gets(field)).is_some();
                let key_transfer = had("email").zip(gets("email"));
                // Whoever has several roles counts by the highest.
                let highest = |side: &BTreeMap<String, Value>| {
                    let of = |field: Field| {
                        let column = COLUMNS.iter().position(|column| *column == field);
                        match side.get(field.name()) {
                            Some(value) => value.as_str(),
                            None => column.and_then(|column| update.values[column].as_deref()),
                        }
                    };
                    let others = of(Field::OtherRoles).unwrap_or("");
                    let roles = of(Field::Role)
                        .into_iter()
                        .chain(others.split(ROLE_SEPARATOR));
                    roles.filter_map(rank).max()
                };
                let raised = highest(&update.after) > highest(&update.before);
                let closes = gets("status") == Some("deactivated") || update.removes_account();
                let opens = had("status") == Some("deactivated") && gets("status").is_some();
                Classes::default()
                    .with(Class::Update)
                    .with_if(Class::Deactivate, closes)
                    .with_if(
                        Class::EmailChange,
                        key_transfer
                            .is_some_and(|(had, gets)| had.to_lowercase() != gets.to_lowercase()),
                    )
                    .with_if(Class::RoleRaise, raised)
                    .with_if(
                        Class::KeyChange,
                        changes("external_id") || changes("username"),
                    )
                    .with_if(Class::Seats, opens)
            }
        }
    }
}

/// Judges a plan: an entry for every class that came up. `allowed` has what somebody let through.
/// Rows are held, and counted, by the caller.
pub fn judge(facts: &Facts, safeguards: &Safeguards, allowed: &[(Class, u64)]) -> Vec<Safeguard> {
    let mut judged: Vec<Safeguard> = Vec::new();
    for (class, default) in DEFAULTS {
        let count = facts.counts[class as usize];
        let base = match class {
            Class::NewGroups => facts.groups,
            _ => facts.accounts,
        };
        let limit = rule_of(class, default, safeguards).limit(base);
        let window_count = facts.earlier[class as usize];
        let window_limit = limit.map(|limit| (limit as f64 * safeguards.window_times) as u64);
        let is_over = limit.is_some_and(|limit| count > limit)
            || window_limit.is_some_and(|limit| count + window_count > limit);
        if count > 0 {
            judged.push(Safeguard {
                window_count,
                window_limit,
                ..safeguard(class, count, base, limit, is_over, allowed)
            });
        }
    }
    let closing = judged
        .iter()
        .find(|safeguard| safeguard.class == Class::Deactivate.name());
    let freed = match closing {
        Some(safeguard) if safeguard.decision == SafeguardDecision::Held => 0,
        _ => facts.seats_freed,
    };
    let after = (facts.seated + facts.seats_taken).saturating_sub(freed);
    if let Some(seats) = safeguards.seats
        && facts.seats_taken > 0
    {
        let is_over = after > seats;
        judged.push(safeguard(
            Class::Seats,
            after,
            facts.seated,
            Some(seats),
            is_over,
            allowed,
        ));
    }
    if !facts.findings.is_empty() {
        let count = facts.findings.len() as u64;
        judged.push(Safeguard {
            findings: facts.findings.clone(),
            share: None,
            ..safeguard(Class::Content, count, 0, Some(0), true, allowed)
        });
    }
    judged
}

/// The safeguards of a run that applies a plan. What it does was `seen`, so that nothing is too
/// much; what the plan's own safeguards hold stays held, but for what was `approved`.
pub fn after_a_look(
    seen: Vec<Safeguard>,
    of_plan: &[Safeguard],
    approved: Classes,
) -> Vec<Safeguard> {
    let mut safeguards = seen;
    for safeguard in &mut safeguards {
        if safeguard.decision == SafeguardDecision::Held {
            safeguard.decision = SafeguardDecision::Allowed;
            safeguard.allowed = Some(safeguard.count);
        }
    }
    let is_approved = |safeguard: &Safeguard| {
        Class::from_name(&safeguard.class).is_some_and(|class| approved.has(class))
    };
    let held = of_plan.iter().filter(|safeguard| {
        safeguard.decision == SafeguardDecision::Held && !is_approved(safeguard)
    });
    for safeguard in held {
        safeguards.retain(|other| other.class != safeguard.class);
        safeguards.push(safeguard.clone());
    }
    safeguards
}

fn safeguard(
    class: Class,
    count: u64,
    base: u64,
    limit: Option<u64>,
    is_over: bool,
    allowed: &[(Class, u64)],
) -> Safeguard {
    let allowed = allowed
        .iter()
        .find(|(of, _)| *of == class)
        .map(|(_, count)| *count);
    let decision = match (is_over, allowed) {
        (false, _) => SafeguardDecision::Passed,
        (true, Some(allowed)) if count <= allowed => SafeguardDecision::Allowed,
        (true, _) => SafeguardDecision::Held,
    };
    Safeguard {
        class: class.name().to_string(),
        decision,
        count,
        base,
        share: (base > 0).then(|| (count as f64 / base as f64 * 10_000.0).round() / 10_000.0),
        limit,
        allowed,
        ..Safeguard::default()
    }
}

/// What the window's earlier runs did, from their safeguards, newest first. What was held was not
/// done; what was done before there was a limit fills no window; and whoever let a class through
/// has seen what came before, so that counting begins again there.
pub fn in_window(earlier: &[Vec<Safeguard>]) -> Counts {
    let mut counts = Counts::default();
    for class in Class::ALL {
        for run in earlier {
            let Some(safeguard) = run.iter().find(|safeguard| safeguard.class == class.name())
            else {
                continue;
            };
            match safeguard.decision {
                SafeguardDecision::Allowed => break,
                SafeguardDecision::Passed if safeguard.limit.is_some() => {
                    counts[class as usize] += safeguard.count.saturating_sub(safeguard.held);
                }
                SafeguardDecision::Passed | SafeguardDecision::Held => {}
            }
        }
    }
    counts
}

/// Whether the file as a whole is in doubt: then it doesn't say who is missing, either.
pub fn doubt_the_file(safeguards: &[Safeguard]) -> bool {
    safeguards.iter().any(|safeguard| {
        safeguard.class == Class::Content.name() && safeguard.decision == SafeguardDecision::Held
    })
}

/// What safeguards hold back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    classes: Classes,
    all: bool,
}

impl Hold {
    /// As `safeguards` were judged.
    pub fn of(safeguards: &[Safeguard], on_hold: OnHold) -> Hold {
        let held = safeguards
            .iter()
            .filter(|safeguard| safeguard.decision == SafeguardDecision::Held);
        let classes = held
            .filter_map(|safeguard| Class::from_name(&safeguard.class))
            .fold(Classes::default(), Classes::with);
        Hold {
            classes,
            all: on_hold == OnHold::HoldAll,
        }
    }

    /// Whether anything is held.
    pub fn is_any(self) -> bool {
        self.classes != Classes::default()
    }

    /// Why a change of those classes is held; empty when it goes on.
    pub fn reasons(self, classes: Classes) -> Vec<Class> {
        let classes = classes.with(Class::Content);
        Class::ALL
            .into_iter()
            .filter(|class| classes.has(*class) && self.classes.has(*class))
            .collect()
    }

    /// Whether changes of those classes wait, for a reason of their own or with all others.
    pub fn holds(self, classes: Classes) -> bool {
        !self.reasons(classes).is_empty() || self.all && self.is_any()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::definition::parse;

    fn safeguards(toml: &str) -> Safeguards {
        let text = format!("name = \"x\"\n[gates]\n{toml}");
        parse("x.toml", &text).unwrap().definition.safeguards
    }

    fn facts(class: Class, count: u64, accounts: u64, earlier: u64) -> Facts {
        let mut facts = Facts {
            accounts,
            groups: accounts,
            ..Facts::default()
        };
        facts.counts[class as usize] = count;
        facts.earlier[class as usize] = earlier;
        facts
    }

    #[test]
    fn a_class_passes_up_to_its_limit_and_not_beyond() {
        use Class::*;
        use SafeguardDecision::*;
        let tight = "deactivate = { share = 0.1, count = 3 }";
        let based = "create = { share = 0.5, count = 2, base = 10 }";
        let table = [
            // an empty database, and one with a pilot, takes any number of people
            ("", Create, 1_000_000, 0, 0, Passed),
            ("", Create, 1_000_000, 99, 0, Passed),
            ("", Create, 1000, 100, 0, Passed),
            ("", Create, 1001, 100, 0, Held),
            ("", Create, 50_000, 50_000, 0, Passed),
            ("", Create, 50_001, 50_000, 0, Held),
            // small numbers are never too many
            ("", Update, 100, 100, 0, Passed),
            ("", Update, 101, 101, 0, Held),
            ("", Update, 300, 1000, 0, Passed),
            ("", Update, 301, 1000, 0, Held),
            ("", Deactivate, 10, 11, 0, Passed),
            ("", Deactivate, 11, 11, 0, Held),
            ("", Deactivate, 51, 1000, 0, Held),
            ("", EmailChange, 51, 1000, 0, Held),
            ("", RoleRaise, 21, 1000, 0, Held),
            ("", KeyChange, 21, 1000, 0, Held),
            ("", NewGroups, 500, 9, 0, Passed),
            ("", NewGroups, 21, 10, 0, Held),
            // what the pipeline says instead
            (tight, Deactivate, 3, 9, 0, Passed),
            (tight, Deactivate, 4, 9, 0, Held),
            (tight, Deactivate, 10, 100, 0, Passed),
            (based, Create, 7, 9, 0, Passed),
            (based, Create, 7, 10, 0, Held),
            (
                "deactivate = { share = 1 }",
                Deactivate,
                1000,
                1000,
                0,
                Passed,
            ),
            // a slow leak: each night alone is within its limit
            ("", Deactivate, 40, 1000, 0, Passed),
            ("", Deactivate, 40, 1000, 60, Passed),
            ("", Deactivate, 40, 1000, 61, Held),
            ("window_times = 1", Deactivate, 40, 1000, 11, Held),
            ("", Deactivate, 0, 1000, 500, Passed),
        ];
        for (toml, class, count, base, earlier, expected) in table {
            let judged = judge(&facts(class, count, base, earlier), &safeguards(toml), &[]);
            let decision = judged
                .first()
                .map_or(Passed, |safeguard| safeguard.decision);
            let name = class.name();
            assert_eq!(
                decision, expected,
                "{toml} {name} {count} of {base}, {earlier}"
            );
        }
    }

    #[test]
    fn an_entry_says_what_it_was_measured_by() {
        let judged = judge(
            &facts(Class::Deactivate, 26, 400, 4),
            &Safeguards::default(),
            &[],
        );
        let expected = Safeguard {
            class: "deactivate".into(),
            decision: SafeguardDecision::Held,
            count: 26,
            base: 400,
            share: Some(0.065),
            limit: Some(20),
            window_count: 4,
            window_limit: Some(40),
            ..Safeguard::default()
        };
        assert_eq!(judged, [expected]);
    }

    #[test]
    fn somebody_can_let_through_what_they_know_of_and_no_more() {
        let facts = facts(Class::Update, 600, 1000, 0);
        for (allowed, expected) in [
            ((Class::Update, 600), SafeguardDecision::Allowed),
            ((Class::Update, 599), SafeguardDecision::Held),
            ((Class::Create, 600), SafeguardDecision::Held),
        ] {
            let judged = judge(&facts, &Safeguards::default(), &[allowed]);
            assert_eq!(judged[0].decision, expected, "{allowed:?}");
        }
    }

    #[test]
    fn seats_are_those_taken_afterwards() {
        let safeguards = safeguards("seats = 100");
        let closing = |closed| Facts {
            seats_freed: closed,
            ..facts(Class::Deactivate, closed, 200, 0)
        };
        for (seated, taken, closed, expected) in [
            (90, 10, 0, Some(SafeguardDecision::Passed)),
            (90, 11, 0, Some(SafeguardDecision::Held)),
            (90, 11, 1, Some(SafeguardDecision::Passed)),
            // closing this many is held itself, so that it frees nothing
            (90, 11, 50, Some(SafeguardDecision::Held)),
            // over already, but nobody comes in
            (120, 0, 0, None),
        ] {
            let facts = Facts {
                seated,
                seats_taken: taken,
                ..closing(closed)
            };
            let judged = judge(&facts, &safeguards, &[]);
            let seats = judged.iter().find(|safeguard| safeguard.class == "seats");
            let decision = seats.map(|safeguard| safeguard.decision);
            assert_eq!(decision, expected, "{seated} {taken} {closed}");
        }
    }

    #[test]
    fn a_file_unlike_the_last_one_is_held_whole() {
        let facts = Facts {
            findings: vec!["200 rows; the last run had 400".into()],
            ..facts(Class::Update, 1, 1000, 0)
        };
        let judged = judge(&facts, &Safeguards::default(), &[]);
        let hold = Hold::of(&judged, OnHold::OthersGoOn);
        let update = Classes::default().with(Class::Update);
        assert_eq!(hold.reasons(update), [Class::Content]);
        let judged = judge(&facts, &Safeguards::default(), &[(Class::Content, 1)]);
        assert!(!Hold::of(&judged, OnHold::OthersGoOn).is_any());
    }

    #[test]
    fn a_change_is_in_every_class_that_it_is_one_of() {
        use Class::*;
        let roles = ["user", "manager", "admin"].map(String::from);
        let null = Value::Null;
        let table: [(&str, Value, Value, &[Class]); 14] = [
            ("phone", "1".into(), "2".into(), &[Update]),
            (
                "email",
                "a@x.org".into(),
                "b@x.org".into(),
                &[Update, EmailChange],
            ),
            ("email", "a@x.org".into(), "A@x.org".into(), &[Update]),
            ("email", null.clone(), "a@x.org".into(), &[Update]),
            (
                "role",
                "user".into(),
                "manager".into(),
                &[Update, RoleRaise],
            ),
            ("role", "admin".into(), "manager".into(), &[Update]),
            (
                "role",
                "auditor".into(),
                "user".into(),
                &[Update, RoleRaise],
            ),
            ("external_id", "1".into(), "2".into(), &[Update, KeyChange]),
            ("external_id", null.clone(), "2".into(), &[Update]),
            ("username", "a".into(), "b".into(), &[Update, KeyChange]),
            (
                "status",
                "active".into(),
                "deactivated".into(),
                &[Update, Deactivate],
            ),
            (
                "status",
                "invited".into(),
                "deactivated".into(),
                &[Update, Deactivate],
            ),
            (
                "status",
                "deactivated".into(),
                "active".into(),
                &[Update, Seats],
            ),
            ("status", "invited".into(), "active".into(), &[Update]),
        ];
        for (field, before, after, expected) in table {
            let update = crate::account::Update {
                account: uuid::Uuid::nil(),
                version: String::new(),
                values: Default::default(),
                keys: Default::default(),
                attributes: BTreeMap::new(),
                before: [(field.to_string(), before.clone())].into(),
                after: [(field.to_string(), after.clone())].into(),
                joins: Vec::new(),
                leaves: Vec::new(),
            };
            let classes = Change::Update(&update).classes(&roles);
            let found: Vec<Class> = Class::ALL.into_iter().filter(|c| classes.has(*c)).collect();
            assert_eq!(found, expected, "{field}: {before} -> {after}");
        }
        assert!(Change::Create("invited").classes(&roles).has(Seats));
        assert!(!Change::Create("deactivated").classes(&roles).has(Seats));
    }

    #[test]
    fn the_window_counts_what_was_done_and_nobody_has_seen() {
        let run = |decision, limit, count| {
            vec![Safeguard {
                held: 2,
                class: "deactivate".into(),
                decision,
                limit,
                count,
                ..Safeguard::default()
            }]
        };
        let passed = run(SafeguardDecision::Passed, Some(50), 7);
        let held = run(SafeguardDecision::Held, Some(50), 90);
        let allowed = run(SafeguardDecision::Allowed, Some(50), 80);
        let unlimited = run(SafeguardDecision::Passed, None, 4000);
        let counted = |runs: &[Vec<Safeguard>]| in_window(runs)[Class::Deactivate as usize];
        let nothing = Vec::new();
        assert_eq!(
            counted(&[passed.clone(), nothing, held, passed.clone(), unlimited]),
            10
        );
        assert_eq!(counted(&[passed.clone(), allowed, passed]), 5);
    }

    #[test]
    fn a_row_is_held_by_any_of_its_classes_or_with_all_others() {
        let judged = judge(
            &facts(Class::EmailChange, 51, 1000, 0),
            &Safeguards::default(),
            &[],
        );
        let plain = Classes::default().with(Class::Update);
        let moving = plain.with(Class::EmailChange);
        let hold = Hold::of(&judged, OnHold::OthersGoOn);
        assert!(hold.holds(moving) && !hold.holds(plain));
        let hold = Hold::of(&judged, OnHold::HoldAll);
        assert!(hold.holds(moving) && hold.holds(plain));
        assert!(hold.reasons(plain).is_empty());
        assert!(!Hold::of(&[], OnHold::HoldAll).is_any());
    }
}
