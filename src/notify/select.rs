//! Which people of a run are mailed, and why the others aren't. Pure.

use crate::invitation::{Candidate, LeftOut, Name};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use crate::invitation::Kind;
use crate::issue::Code;
use crate::meaning::group;
use crate::refusal::{Refusal, Result};
use crate::selection::Wish;
use crate::text::domains::is_reserved;
use crate::text::username_key;

/// Whether a word is about that person. An id is the account's; runs are words for accounts, not for the
/// people of a run.
fn fits(wish: &Wish, candidate: &Candidate) -> bool {
    let person = &candidate.person;
    match wish {
        Wish::Named(name, _) => is_named(candidate, &|one| one == name),
        Wish::Group(wanted) => {
            let mut groups = person.groups.iter();
            groups.any(|path| group::is_within(&group::key(path), wanted))
        }
        Wish::Role(role) => person.role == *role || candidate.other_roles.contains(role),
        Wish::Organization(name) => person.organization.to_lowercase() == *name,
        Wish::Status(status) => candidate.status == *status,
        Wish::Rows(rows, _) => rows.contains(&candidate.row),
        Wish::Id(id) => account_of(id) == Some(candidate.account),
        Wish::Run(..) => false,
    }
}

fn account_of(id: &str) -> Option<Uuid> {
    id.parse().ok()
}

/// Whether one of the names by which somebody may be meant fulfils `is_meant`.
fn is_named(candidate: &Candidate, is_meant: &dyn Fn(&Name) -> bool) -> bool {
    let username = username_key(&candidate.person.username);
    let username = username.as_ref();
    match candidate.email_key.as_str() {
        "" if username.is_empty() => false,
        "" => is_meant(&Name::of(username)) || is_meant(&Name::Username(username.to_string())),
        email => {
            is_meant(&Name::Email(email.to_string()))
                || is_meant(&Name::Username(username.to_string()))
        }
    }
}

/// What was chosen.
#[derive(Debug, Default)]
pub struct Selection {
    /// To be written to, in row order.
    pub chosen: Vec<Candidate>,
    /// Asked for, and left out.
    pub left_out: BTreeMap<LeftOut, Vec<Candidate>>,
    /// How many were not asked for by `--only` and `--except`, or are over the limit.
    pub not_asked: usize,
}

/// Chooses from `candidates` those of `only` (everybody when that is empty) without those of
/// `except`, leaves out whomever `why_not` says, and stops at `limit`.
///
/// # Errors
/// `selection.unknown` for a word that is about nobody: it is mistyped, and what it should have
/// kept out would go out.
pub fn select(
    candidates: Vec<Candidate>,
    why_not: &dyn Fn(&Candidate) -> Option<LeftOut>,
    only: &[Wish],
    except: &[Wish],
    limit: Option<usize>,
) -> Result<Selection> {
    refuse_unknown(&candidates, only, except)?;
    let everybody = only.is_empty();
    let (only, except) = (Parts::of(only), Parts::of(except));
    let mut selection = Selection::default();
    for candidate in candidates {
        let asked = everybody || only.fit(&candidate);
        if !asked || except.fit(&candidate) {
            selection.not_asked += 1;
            continue;
        }
        match why_not(&candidate) {
            Some(reason) => selection
                .left_out
                .entry(reason)
                .or_default()
                .push(candidate),
            None if limit.is_some_and(|limit| selection.chosen.len() >= limit) => {
                selection.not_asked += 1;
            }
            None => selection.chosen.push(candidate),
        }
    }
    Ok(selection)
}

/// Some wishes: names and accounts, which may be many, and the rest.
#[derive(Default)]
struct Parts<'a> {
    names: HashSet<&'a Name>,
    accounts: HashSet<Uuid>,
    rest: Vec<&'a Wish>,
}

impl<'a> Parts<'a> {
    fn of(wishes: &'a [Wish]) -> Parts<'a> {
        let mut parts = Parts::default();
        for wish in wishes {
            match wish {
                Wish::Named(name, _) => drop(parts.names.insert(name)),
                Wish::Id(id) => parts.accounts.extend(account_of(id)),
                wish => parts.rest.push(wish),
            }
        }
        parts
    }

    /// Whether one of them is about that person.
    fn fit(&self, candidate: &Candidate) -> bool {
        self.accounts.contains(&candidate.account)
            || !self.names.is_empty() && is_named(candidate, &|name| self.names.contains(name))
            || self.rest.iter().any(|wish| fits(wish, candidate))
    }
}

/// The most words that a refusal names.
const UNKNOWN_SHOWN: usize = 5;

fn refuse_unknown(candidates: &[Candidate], only: &[Wish], except: &[Wish]) -> Result<()> {
    let wanted = Parts::of(only).names.into_iter();
    let wanted: HashSet<&Name> = wanted.chain(Parts::of(except).names).collect();
    let accounts: HashSet<Uuid> = candidates.iter().map(|one| one.account).collect();
    let found = RefCell::new(HashSet::new());
    if !wanted.is_empty() {
        let note = |name: &Name| {
            found.borrow_mut().extend(wanted.get(name).copied());
            false
        };
        for candidate in candidates {
            is_named(candidate, &note);
        }
    }
    let found = found.into_inner();
    let unknown: Vec<String> = only
        .iter()
        .chain(except)
        .filter(|wish| match wish {
            // Lists of names are long; everything else is typed by hand.
            Wish::Named(name, _) => !found.contains(name),
            Wish::Id(id) => !account_of(id).is_some_and(|id| accounts.contains(&id)),
            wish => !candidates.iter().any(|candidate| fits(wish, candidate)),
        })
        .map(|wish| format!("`{}`", wish.text()))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let shown = unknown[..unknown.len().min(UNKNOWN_SHOWN)].join(", ");
    let more = match unknown.len().checked_sub(UNKNOWN_SHOWN) {
        None | Some(0) => String::new(),
        Some(more) => format!(" and {more} more"),
    };
    let what = format!("no person matches {shown}{more}");
    Err(Refusal::new(Code::SelectionUnknown, what))
}

/// Why a mail of `kind` must not go to that person; `None` when it may.
pub fn why_not(candidate: &Candidate, kind: Kind) -> Option<LeftOut> {
    let status = candidate.status.as_str();
    let Some((local, domain)) = candidate.email_key.rsplit_once('@') else {
        return Some(LeftOut::NoEmail);
    };
    let reason = match (kind, status) {
        // Whoever was not to be invited, or couldn't be, is not to hear of a session, either.
        (Kind::Session, "invited") if candidate.latest.as_deref() == Some("failed") => {
            Some(LeftOut::Failed)
        }
        (Kind::Session, "invited") if candidate.latest.as_deref() == Some("cancelled") => {
            Some(LeftOut::Cancelled)
        }
        (_, "deactivated") => Some(LeftOut::Deactivated),
        (_, "invited") if candidate.starts_later => Some(LeftOut::NotStarted),
        (Kind::Invite, "active") => Some(LeftOut::Active),
        (Kind::Invite | Kind::Session, _) => None,
        (_, "invited") => Some(LeftOut::NotActive),
        _ if candidate.has_password => Some(LeftOut::HasPassword),
        _ if !candidate.created => Some(LeftOut::Existed),
        _ => None,
    };
    reason
        .or(candidate.suppressed.then_some(LeftOut::Suppressed))
        .or(is_reserved(domain).then_some(LeftOut::Reserved))
        // Servers with SMTPUTF8 (RFC 6531) are too rare to count on.
        .or((!local.is_ascii()).then_some(LeftOut::Undeliverable))
        .or(match candidate.latest.as_deref() {
            _ if kind == Kind::Session => None,
            Some("sending" | "sent") => Some(LeftOut::Invited),
            Some("unknown") => Some(LeftOut::Unknown),
            Some("failed") => Some(LeftOut::Failed),
            Some("cancelled") => Some(LeftOut::Cancelled),
            _ => None,
        })
}

/// The sessions that a mail may go out about to that person, in the order of their beginnings.
pub fn sessions_to_mail(candidate: &Candidate) -> &[Uuid] {
    match why_not(candidate, Kind::Session) {
        None => &candidate.sessions,
        Some(_) => &[],
    }
}

/// Why somebody must not get a link by hand by which an invited person becomes active; `None` when
/// that is all right. `again` lets a new link end one that still works.
pub fn why_not_by_hand(candidate: &Candidate, again: bool) -> Option<LeftOut> {
    if candidate.email_key.is_empty() && candidate.person.username.is_empty() {
        return Some(LeftOut::NoName);
    }
    match (candidate.status.as_str(), candidate.latest.as_deref()) {
        ("deactivated", _) => Some(LeftOut::Deactivated),
        ("active", _) => Some(LeftOut::Active),
        _ if candidate.starts_later => Some(LeftOut::NotStarted),
        (_, Some("queued" | "sending" | "sent" | "unknown")) if !again => Some(LeftOut::Invited),
        (_, Some("cancelled")) if !again => Some(LeftOut::Cancelled),
        _ => None,
    }
}

/// `count` of `people` for a first try: as many different mail domains as there are, since that is
/// where mails get lost.
pub fn spread(mut people: Vec<Candidate>, count: usize) -> Vec<Candidate> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut turns: HashMap<Uuid, usize> = HashMap::new();
    for person in &people {
        let domain = person.email_key.rsplit('@').next().unwrap_or_default();
        let turn = seen.entry(domain.to_string()).or_default();
        turns.insert(person.account, *turn);
        *turn += 1;
    }
    people.sort_by_key(|person| (turns.get(&person.account).copied(), person.row));
    people.truncate(count);
    people
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::RowNumber;
    use crate::invitation::Person;

    fn somebody(row: RowNumber, email: &str, status: &str) -> Candidate {
        Candidate {
            row,
            account: Uuid::from_u128(u128::from(row) + 1),
            created: true,
            person: Person {
                email: email.to_string(),
                role: "user".to_string(),
                organization: "Acme".to_string(),
                groups: vec!["Sales/EMEA".to_string()],
                ..Person::default()
            },
            email_key: email.to_string(),
            status: status.to_string(),
            ..Candidate::default()
        }
    }

    #[test]
    fn a_mail_goes_only_to_whom_it_is_for() {
        let latest = |state: &str| Candidate {
            latest: Some(state.to_string()),
            ..somebody(0, "a@firm.eu", "invited")
        };
        let active = |change: fn(&mut Candidate)| {
            let mut candidate = somebody(0, "a@firm.eu", "active");
            change(&mut candidate);
            candidate
        };
        let invited = |change: fn(&mut Candidate)| {
            let mut candidate = somebody(0, "a@firm.eu", "invited");
            change(&mut candidate);
            candidate
        };
        use Kind::{Invite, Reset};
        let table = [
            (Invite, invited(|_| ()), None),
            (Invite, invited(|c| c.created = false), None),
            (
                Invite,
                invited(|c| c.email_key.clear()),
                Some(LeftOut::NoEmail),
            ),
            (
                Invite,
                invited(|c| c.suppressed = true),
                Some(LeftOut::Suppressed),
            ),
            (
                Invite,
                somebody(0, "a@firm.test", "invited"),
                Some(LeftOut::Reserved),
            ),
            (
                Invite,
                somebody(0, "jos\u{e9}@firm.eu", "invited"),
                Some(LeftOut::Undeliverable),
            ),
            (Invite, active(|_| ()), Some(LeftOut::Active)),
            (
                Invite,
                somebody(0, "a@firm.eu", "deactivated"),
                Some(LeftOut::Deactivated),
            ),
            (Invite, latest("queued"), None),
            (Invite, latest("expired"), None),
            (Invite, latest("sent"), Some(LeftOut::Invited)),
            (Invite, latest("sending"), Some(LeftOut::Invited)),
            (Invite, latest("unknown"), Some(LeftOut::Unknown)),
            (Invite, latest("failed"), Some(LeftOut::Failed)),
            (Invite, latest("cancelled"), Some(LeftOut::Cancelled)),
            (Reset, active(|_| ()), None),
            (Reset, invited(|_| ()), Some(LeftOut::NotActive)),
            (Reset, active(|c| c.created = false), Some(LeftOut::Existed)),
            (
                Reset,
                active(|c| c.has_password = true),
                Some(LeftOut::HasPassword),
            ),
        ];
        for (kind, candidate, expected) in table {
            assert_eq!(
                why_not(&candidate, kind),
                expected,
                "{kind:?} {candidate:?}"
            );
        }
    }

    #[test]
    fn wishes_choose_and_mistyped_ones_are_refused() {
        let people = || {
            vec![
                somebody(0, "a@one.eu", "invited"),
                somebody(1, "b@one.eu", "invited"),
                somebody(2, "c@two.eu", "invited"),
                somebody(3, "d@two.eu", "active"),
            ]
        };
        let rows = |only: &[Wish], except: &[Wish], limit| {
            let selection =
                select(people(), &|c| why_not(c, Kind::Invite), only, except, limit).unwrap();
            let rows: Vec<RowNumber> = selection.chosen.iter().map(|c| c.row).collect();
            let left: usize = selection.left_out.values().map(Vec::len).sum();
            assert_eq!(rows.len() + left + selection.not_asked, 4);
            rows
        };
        let email = |text: &str| Wish::Named(Name::of(text), text.to_string());
        assert_eq!(rows(&[], &[], None), [0, 1, 2]);
        assert_eq!(rows(&[], &[], Some(2)), [0, 1]);
        assert_eq!(rows(&[email("c@two.eu")], &[], None), [2]);
        assert_eq!(rows(&[], &[email("a@one.eu")], None), [1, 2]);
        assert_eq!(rows(&[Wish::Group("sales".into())], &[], None), [0, 1, 2]);
        assert_eq!(
            rows(&[Wish::Organization("acme".into())], &[], Some(1)),
            [0]
        );
        let two = Wish::Rows(HashSet::from([1, 3]), "row:3".into());
        assert_eq!(rows(&[two], &[], None), [1]);
        for wrong in [
            email("x@one.eu"),
            Wish::Group("sale".into()),
            Wish::Role("admin".into()),
        ] {
            let refusal = select(people(), &|_| None, &[], &[wrong], None).unwrap_err();
            assert_eq!(refusal.code, Code::SelectionUnknown);
        }
        let first: Vec<RowNumber> = spread(people(), 3).iter().map(|c| c.row).collect();
        assert_eq!(first, [0, 2, 1]);
    }
}
