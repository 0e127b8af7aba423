//! Accounts that several rows match, and keys that accounts give up: recorded while rows are
//! matched, queried after the last one.

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

use crate::decision::Planned;
use crate::field::{Key, RowNumber};
use crate::issue::{Code, Issue};
use crate::memory::Budget;
use crate::memory::sorted::Sorter;
use crate::outcome::Outcome;
use crate::refusal::Result;
use crate::stages::key_transfer::{Pending, Release};

/// What is remembered of the matched rows.
pub(super) struct DuplicateMatches {
    /// The account's four words, and the row that goes in and is about it.
    accounts: Sorter<5>,
    /// Key, account and row.
    releases: Sorter<6>,
}

/// What is known of the accounts, after the last row.
pub(super) struct DuplicateMatch {
    /// Rows that share an account with others. All of them are rejected.
    pub(super) late: BTreeMap<RowNumber, (Outcome, Vec<Issue>)>,
    /// Of the accounts that pending rows are about, those that another row is about, too.
    pub(super) taken: HashSet<Uuid>,
    /// The keys that are given up, of those that pending rows need.
    pub(super) releases: Vec<Release>,
}

impl DuplicateMatches {
    pub(super) fn new(budget: Budget) -> DuplicateMatches {
        DuplicateMatches {
            accounts: Sorter::new(budget.of_accounts()),
            releases: Sorter::new(budget.of_releases()),
        }
    }

    /// Notes the rows of a batch, and what they give up.
    pub(super) fn note(
        &mut self,
        first_row: RowNumber,
        planned: &Planned,
        releases: &[Release],
    ) -> Result<()> {
        for (row, account) in &planned.accounts {
            let outcome = planned.outcomes[(row - first_row) as usize];
            if matches!(outcome, Outcome::Updated | Outcome::Unchanged) {
                let [a, b, c, d] = words(*account);
                self.accounts.push([a, b, c, d, *row])?;
            }
        }
        for Release { row, key, account } in releases {
            let [a, b, c, d] = words(*account);
            self.releases.push([*key as u32, a, b, c, d, *row])?;
        }
        Ok(())
    }

    /// What that comes to for the `pending` rows, and for those that share an account.
    pub(super) fn finish(self, pending: &[Pending]) -> Result<DuplicateMatch> {
        let mut reported = DuplicateMatch {
            late: BTreeMap::new(),
            taken: HashSet::new(),
            releases: Vec::new(),
        };
        let asked: HashSet<Uuid> = pending.iter().filter_map(|row| row.account).collect();
        let mut accounts = self.accounts.sorted()?;
        let mut before = None;
        while let Some([a, b, c, d, row]) = accounts.next()? {
            let account = account([a, b, c, d]);
            if asked.contains(&account) {
                reported.taken.insert(account);
            }
            let next = accounts.peek().filter(|next| next[..4] == [a, b, c, d]);
            if before == Some(account) || next.is_some() {
                let detail = format!("several rows match account {account}");
                let issue = Issue::of_row(Code::MatchTwice, row, detail);
                reported.late.insert(row, (Outcome::Rejected, vec![issue]));
            }
            before = Some(account);
        }
        let needed = pending.iter().flat_map(|row| &row.needs);
        let needed: HashSet<(Key, Uuid)> = needed.copied().collect();
        let mut releases = self.releases.sorted()?;
        while let Some([key, a, b, c, d, row]) = releases.next()? {
            let (key, account) = (Key::ALL[key as usize], account([a, b, c, d]));
            if needed.contains(&(key, account)) {
                reported.releases.push(Release { row, key, account });
            }
        }
        Ok(reported)
    }
}

fn words(account: Uuid) -> [u32; 4] {
    let account = account.as_u128();
    [96, 64, 32, 0].map(|shift| (account >> shift) as u32)
}

fn account(words: [u32; 4]) -> Uuid {
    let join = |all: u128, word: u32| all << 32 | u128::from(word);
    Uuid::from_u128(words.into_iter().fold(0, join))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Action;

    fn of(number: u128) -> Uuid {
        Uuid::from_u128(number << 70 | number)
    }

    #[test]
    fn rows_about_one_account_are_found_whatever_there_is_room_for() {
        // Row 1 is rejected already; 0, 3 and 5 are about one account, 2 and 4 about others.
        let planned = Planned {
            outcomes: vec![
                Outcome::Updated,
                Outcome::Rejected,
                Outcome::Updated,
                Outcome::Unchanged,
                Outcome::Unchanged,
                Outcome::Updated,
            ],
            accounts: [7, 7, 8, 7, 9, 7]
                .map(of)
                .into_iter()
                .zip(10..)
                .map(|(of, row)| (row, of))
                .collect(),
            ..Planned::default()
        };
        let releases = [
            (Key::Email, 8, 12),
            (Key::Username, 8, 12),
            (Key::Email, 9, 14),
        ];
        let releases = releases.map(|(key, account, row)| Release {
            row,
            key,
            account: of(account),
        });
        let pending = [8, 6].map(|account| Pending {
            row: 1,
            account: Some(of(account)),
            action: Action::Create,
            needs: vec![(Key::Email, of(9)), (Key::Username, of(9))],
            releases: Vec::new(),
            groups: Vec::new(),
            only_if_taken: false,
        });
        for bytes in [1, 1 << 20] {
            let mut duplicate_match = DuplicateMatches::new(Budget::of(bytes));
            duplicate_match.note(10, &planned, &releases).unwrap();
            let reported = duplicate_match.finish(&pending).unwrap();
            assert!(
                reported.late.keys().copied().eq([10, 13, 15]),
                "{:?}",
                reported.late
            );
            let issue = &reported.late[&13].1[0];
            assert_eq!(
                issue.detail,
                format!("several rows match account {}", of(7))
            );
            assert_eq!(reported.taken, HashSet::from([of(8)]));
            assert_eq!(reported.releases, releases[2..]);
        }
    }
}
