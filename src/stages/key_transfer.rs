//! Key transfer: addresses and usernames that pass from one account to another inside one file, in
//! swaps and chains. A row may take a key that another account has when that account's own row
//! gives it up. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use crate::decision::Action;
use crate::field::{Key, RowNumber};
use crate::issue::{Code, Issue};

/// A key that an account's own row gives up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The row.
    pub row: RowNumber,
    /// Which key.
    pub key: Key,
    /// Whose it is.
    pub account: Uuid,
}

/// A row that could go in if others gave up their keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// The row.
    pub row: RowNumber,
    /// The account that it is about; none for a new one.
    pub account: Option<Uuid>,
    /// What would happen to it: an update or a create.
    pub action: Action,
    /// The keys that it needs, and who has them.
    pub needs: Vec<(Key, Uuid)>,
    /// The keys that it gives up in turn.
    pub releases: Vec<Release>,
    /// Keys of the groups that must be there for it.
    pub groups: Vec<String>,
    /// Whether it goes in as it is here only if another row takes a key that it gives up: it closes its
    /// account, which keeps its keys otherwise.
    pub only_if_taken: bool,
}

/// Whether an issue is that others have the keys of its row.
pub fn blocks_the_transfer(issue: &Issue) -> bool {
    matches!(
        issue.code,
        Code::MatchAmbiguous | Code::MatchConflict | Code::MatchReturned | Code::MatchZeros
    )
}

/// What a batch has of them.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Rows that wait for keys.
    pub pending: Vec<Pending>,
    /// Keys that other updates of the batch give up.
    pub releases: Vec<Release>,
}

/// The moves of a run, settled.
#[derive(Debug, Clone, Default)]
pub struct KeyTransfers {
    /// Rows that go in after all.
    pub settled: BTreeMap<RowNumber, Action>,
    /// All rows that are written together: the updates among those, and the planned updates that
    /// give up keys to them.
    pub together: BTreeSet<RowNumber>,
    /// Keys of the groups that must be there for those that go in.
    pub groups: BTreeSet<String>,
}

/// Which of the `pending` rows go in. `is_out` tells of a row that was found to stay out since it
/// was planned, and of an account that another row is about.
pub fn settle(
    pending: Vec<Pending>,
    releases: &[Release],
    is_out: impl Fn(RowNumber, Option<Uuid>) -> bool,
) -> KeyTransfers {
    let mut from: HashMap<(Key, Uuid), RowNumber> = releases
        .iter()
        .filter(|release| !is_out(release.row, None))
        .map(|release| ((release.key, release.account), release.row))
        .collect();
    let planned: HashSet<RowNumber> = from.values().copied().collect();
    let mut about: HashMap<Uuid, usize> = HashMap::new();
    for account in pending.iter().filter_map(|row| row.account) {
        *about.entry(account).or_default() += 1;
    }
    let is_twice = |row: &Pending| row.account.is_some_and(|account| about[&account] > 1);
    // A row that only closes its account is planned already, and so the one that is about it.
    let account = |row: &Pending| row.account.filter(|_| !row.only_if_taken);
    let mut left: Vec<Pending> = pending
        .into_iter()
        .filter(|row| !is_out(row.row, account(row)) && !is_twice(row))
        .collect();
    for row in &left {
        for release in &row.releases {
            from.insert((release.key, release.account), row.row);
        }
    }
    // Whoever waits for a row that stays out stays out, too, until nobody is left who does.
    loop {
        let going: HashSet<RowNumber> = left.iter().map(|row| row.row).collect();
        let gets = |need: &(Key, Uuid)| {
            from.get(need)
                .is_some_and(|row| going.contains(row) || planned.contains(row))
        };
        let before = left.len();
        left.retain(|row| row.needs.iter().all(gets));
        if left.len() == before {
            break;
        }
    }
    let needs = left.iter().flat_map(|row| &row.needs);
    let takers: HashSet<RowNumber> = needs.filter_map(|need| from.get(need)).copied().collect();
    left.retain(|row| !row.only_if_taken || takers.contains(&row.row));
    let mut key_transfer = KeyTransfers::default();
    for row in &left {
        let givers = row.needs.iter().filter_map(|need| from.get(need));
        key_transfer.together.extend(givers);
        key_transfer.groups.extend(row.groups.iter().cloned());
        if matches!(row.action, Action::Update(_)) {
            key_transfer.together.insert(row.row);
        }
    }
    key_transfer.settled = left.into_iter().map(|row| (row.row, row.action)).collect();
    key_transfer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;

    fn account(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn give(row: RowNumber, from: u128) -> Release {
        Release {
            row,
            key: Key::Email,
            account: account(from),
        }
    }

    /// Row `row` is about account `own`, takes the address of `of`, and gives up its own.
    fn take(row: RowNumber, own: u128, of: u128) -> Pending {
        Pending {
            row,
            account: (own > 0).then(|| account(own)),
            // What it is doesn't matter here, but that it is an update does.
            action: if own > 0 {
                Action::Update(Box::default())
            } else {
                Action::Create
            },
            needs: vec![(Key::Email, account(of))],
            releases: if own > 0 {
                vec![give(row, own)]
            } else {
                Vec::new()
            },
            groups: Vec::new(),
            only_if_taken: false,
        }
    }

    #[test]
    fn swaps_and_chains_go_in_and_what_hangs_on_nothing_does_not() {
        let never = |_: RowNumber, _: Option<Uuid>| false;
        type Rows = Vec<RowNumber>;
        type Case = (&'static str, Vec<Pending>, Vec<Release>, Rows, Rows);
        let table: Vec<Case> = vec![
            (
                "a swap",
                vec![take(0, 1, 2), take(1, 2, 1)],
                vec![],
                vec![0, 1],
                vec![0, 1],
            ),
            (
                "a chain with an end",
                vec![take(0, 1, 2), take(1, 2, 3)],
                vec![give(2, 3)],
                vec![0, 1],
                vec![0, 1, 2],
            ),
            (
                "a ring of three",
                vec![take(0, 1, 2), take(1, 2, 3), take(2, 3, 1)],
                vec![],
                vec![0, 1, 2],
                vec![0, 1, 2],
            ),
            (
                "a chain to somebody who stays",
                vec![take(0, 1, 2), take(1, 2, 3)],
                vec![],
                vec![],
                vec![],
            ),
            (
                "a new person takes a freed address",
                vec![take(0, 0, 3)],
                vec![give(2, 3)],
                vec![0],
                vec![2],
            ),
        ];
        for (name, pending, releases, settled, together) in table {
            let key_transfer = settle(pending, &releases, never);
            assert_eq!(
                key_transfer.settled.keys().copied().collect::<Rows>(),
                settled,
                "{name}"
            );
            let found: Rows = key_transfer.together.into_iter().collect();
            assert_eq!(found, together, "{name}");
        }
        let key_transfer = settle(vec![take(0, 1, 2), take(1, 2, 1)], &[], |row, _| row == 1);
        assert!(
            key_transfer.settled.is_empty(),
            "the other side of the swap stays out"
        );
        let closes = |row, own| Pending {
            needs: Vec::new(),
            only_if_taken: true,
            ..take(row, own, 0)
        };
        let taken = |_: RowNumber, account: Option<Uuid>| account.is_some();
        let key_transfer = settle(vec![closes(0, 1), closes(1, 2), take(2, 0, 1)], &[], taken);
        assert_eq!(
            key_transfer.settled.keys().copied().collect::<Rows>(),
            [0, 2]
        );
        let key_transfer = settle(vec![take(0, 0, 3)], &[give(2, 3)], |row, _| row == 2);
        assert!(key_transfer.settled.is_empty(), "the giver stays out");
        assert_eq!(Action::Create.outcome(), Outcome::Created);
    }
}
