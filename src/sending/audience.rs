//! The people of a run who are asked for a mailing: how many get a mail, how many don't and why, and
//! who they are, a page at a time. A run may have a million of them, so that they are never read all
//! at once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::civil::Date;
use uuid::Uuid;

use crate::field::RowNumber;
use crate::invitation::{Candidate, Kind, LeftOut};
use crate::ledger::{Cell, Query, Rows};
use crate::meaning::group;
use crate::notify::select::{sessions_to_mail, why_not};
use crate::refusal::Result;
use crate::store::Store;
use crate::store::invitations::Narrowed;

/// How many people are read at once to look for those of a page.
const WINDOW: u64 = 2_000;
/// How many times the ledger is looked at for a page before the database is asked for all of them.
const LEDGER_WINDOWS: usize = 3;

/// The people of a run who are asked for.
pub struct Audience {
    /// The run.
    run: String,
    /// Its ledger, where it is there: it has the people in row order.
    ledger: Option<PathBuf>,
    kind: Kind,
    /// The day on which the mail goes out, where first days matter.
    day: Option<Date>,
    narrowed: Narrowed,
    /// Whether there is a word that is about nobody.
    is_nobody: bool,
}

/// Rows with their accounts, and whether the run created these.
type Named = Vec<(RowNumber, Uuid, bool)>;

/// How many people get a mail, and how many don't.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// Who gets one.
    pub chosen: u64,
    /// Who doesn't, by reason.
    pub left_out: BTreeMap<LeftOut, u64>,
    /// How many mails about sessions go out with them.
    pub about_sessions: u64,
}

impl Audience {
    /// Those whom the words name (`group:`, `role:` or `organization:`), everybody where there are
    /// none, without the accounts of `except`.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn of(
        store: &Store,
        (run, ledger): (&str, Option<PathBuf>),
        (kind, day): (Kind, Option<Date>),
        words: &[String],
        except: &[Uuid],
    ) -> Result<Audience> {
        let mut audience = Audience {
            run: run.to_string(),
            ledger,
            kind,
            day,
            narrowed: Narrowed {
                except: except.to_vec(),
                ..Narrowed::default()
            },
            is_nobody: false,
        };
        for word in words {
            let narrowed = &mut audience.narrowed;
            match word.split_once(':') {
                Some(("role", role)) => narrowed.role = Some(role.to_string()),
                Some(("organization", name)) => {
                    let mut known = store.organizations()?;
                    known.retain(|one| one.to_lowercase() == name.to_lowercase());
                    narrowed.organizations = Some(known);
                }
                Some(("group", name)) => {
                    let wanted = group::key(name);
                    let meant = store.groups_meant(|key| group::is_within(key, &wanted))?;
                    narrowed.groups = Some(meant);
                }
                _ => audience.is_nobody = true,
            }
        }
        Ok(audience)
    }

    /// How many there are of each kind.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn counted(&self, store: &Store) -> Result<Counted> {
        let mut counted = Counted::default();
        if self.is_nobody {
            return Ok(counted);
        }
        let of_kind = (self.kind, self.day);
        for (one, mails, people) in store.count_candidates(&self.run, of_kind, &self.narrowed)? {
            if self.hears(&one) {
                counted.about_sessions += mails * people;
            }
            match why_not(&one, self.kind) {
                None => counted.chosen += people,
                Some(reason) => *counted.left_out.entry(reason).or_default() += people,
            }
        }
        Ok(counted)
    }

    /// Whether somebody gets mails about sessions with it.
    fn hears(&self, one: &Candidate) -> bool {
        self.kind == Kind::Invite && !sessions_to_mail(one).is_empty()
    }

    /// Of those who are left out for `reason`, or who get a mail where there is none: `limit` people
    /// after row `after`, without the first `skip`.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn some(
        &self,
        store: &Store,
        reason: Option<LeftOut>,
        (after, skip, limit): (Option<RowNumber>, usize, usize),
    ) -> Result<Vec<Candidate>> {
        let mut found = Vec::new();
        let mut passed = 0;
        let mut take = |one: Candidate| {
            if why_not(&one, self.kind) == reason {
                passed += 1;
                if passed > skip {
                    found.push(one);
                }
            }
            found.len() < limit
        };
        let mut after = after.map_or(-1, |row| row as i32);
        // Nearly everybody of a large list gets a mail: the first rows have enough of them.
        if reason.is_none() && !self.is_narrowed() {
            for _ in 0..LEDGER_WINDOWS {
                let Some((named, last)) = self.in_ledger(after)? else {
                    break;
                };
                after = last;
                if !self.hand_over(store, &named, &mut take)? {
                    return Ok(found);
                }
            }
        }
        self.each(store, after, &statuses(reason, self.kind), &mut take)?;
        Ok(found)
    }

    fn is_narrowed(&self) -> bool {
        let narrowed = &self.narrowed;
        narrowed.role.is_some() || narrowed.organizations.is_some() || narrowed.groups.is_some()
    }

    /// The accounts of all who get any mail, also about sessions only.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn recipients(&self, store: &Store) -> Result<Vec<Uuid>> {
        let mut ids = Vec::new();
        let all = ["invited", "active"].map(String::from);
        self.each(store, -1, &all, &mut |one| {
            if why_not(&one, self.kind).is_none() || self.hears(&one) {
                ids.push(one.account);
            }
            true
        })?;
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Hands over those who are asked for after row `after`, in row order, until `take` wants no more.
    fn each(
        &self,
        store: &Store,
        mut after: i32,
        statuses: &[String],
        take: &mut dyn FnMut(Candidate) -> bool,
    ) -> Result<()> {
        let mut limit = WINDOW;
        if self.is_nobody {
            return Ok(());
        }
        loop {
            let from = (after, limit as i64);
            let named = store.rows_of_people(&self.run, from, statuses, &self.narrowed)?;
            let goes_on = self.hand_over(store, &named, take)?;
            match named.last() {
                Some((last, ..)) if goes_on && named.len() as u64 == limit => after = *last as i32,
                _ => return Ok(()),
            }
            // Each time costs a look at all people of the run.
            limit = WINDOW * 25;
        }
    }

    /// Hands over those of the rows whom nobody leaves out by hand. Whether `take` wants more.
    fn hand_over(
        &self,
        store: &Store,
        named: &Named,
        take: &mut dyn FnMut(Candidate) -> bool,
    ) -> Result<bool> {
        for some in named.chunks(WINDOW as usize) {
            let people = store.people_at(self.kind, self.day, some)?;
            let mut asked = people.into_iter();
            if !asked.all(|one| self.narrowed.except.contains(&one.account) || take(one)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The people in the next rows of the ledger after row `after`, and the last of these rows.
    fn in_ledger(&self, after: i32) -> Result<Option<(Named, i32)>> {
        let Some(ledger) = &self.ledger else {
            return Ok(None);
        };
        let rows = Rows::open(ledger)?;
        let columns = ["outcome", "account"]
            .iter()
            .map(|name| rows.columns().find(name));
        let Ok(columns) = columns.collect::<std::result::Result<Vec<_>, _>>() else {
            return Ok(None);
        };
        let mut row = (after + 1) as RowNumber;
        let query = Query {
            columns,
            offset: u64::from(row),
            limit: Some(WINDOW),
            ..Query::default()
        };
        let mut named = Named::new();
        rows.each(&query, &mut |cells| {
            if let [Cell::Text(outcome), Cell::Text(account)] = cells
                && let Ok(account) = account.parse()
                && matches!(*outcome, "created" | "updated" | "unchanged")
            {
                named.push((row, account, *outcome == "created"));
            }
            row += 1;
            Ok(())
        })?;
        let last = row as i32 - 1;
        Ok((last > after).then_some((named, last)))
    }
}

/// The statuses of accounts that a reason may be about.
fn statuses(reason: Option<LeftOut>, kind: Kind) -> Vec<String> {
    let statuses: &[&str] = match (reason, kind) {
        (Some(LeftOut::Deactivated), _) => &["deactivated"],
        (Some(LeftOut::NoEmail | LeftOut::NoName), _) => &["invited", "active", "deactivated"],
        (Some(LeftOut::Active | LeftOut::HasPassword | LeftOut::Existed), _) => &["active"],
        (None, Kind::Reset) => &["active"],
        (None | Some(LeftOut::NotStarted | LeftOut::NotActive), _) => &["invited"],
        _ => &["invited", "active"],
    };
    statuses.iter().map(ToString::to_string).collect()
}
