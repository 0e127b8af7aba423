//! Whose manager is whom: recorded while rows are read, answered after the last one. In memory up
//! to a budget but for five bytes a row, and only where a file names managers.

use crate::field::RowNumber;
use crate::memory::Budget;
use crate::memory::sorted::{Sorter, words};
use crate::refusal::Result;
use crate::stages::managers::{By, Called, Wrong};

/// No row.
const NONE: RowNumber = RowNumber::MAX;
/// Set in the last word of an entry that is about the row's manager. A run has fewer rows.
const MANAGER: u32 = 1 << 31;

/// What the rows of a run are called by, and call their managers by.
pub struct Managers {
    /// By what, the hash, and the row.
    called: Sorter<4>,
    /// Rows so far.
    rows: RowNumber,
    /// Whether any row names a manager.
    is_any: bool,
}

impl Managers {
    /// Nobody yet.
    pub fn new(budget: Budget) -> Managers {
        Managers {
            called: Sorter::new(budget.of_managers()),
            rows: 0,
            is_any: false,
        }
    }

    /// Notes the next batch, whose last row is the one before `end`.
    ///
    /// # Errors
    /// `output.unwritable`, when the disk is full.
    pub fn note(&mut self, called: &[Called], end: RowNumber) -> Result<()> {
        for one in called {
            let [high, low] = words(one.hash);
            let row = if one.is_manager {
                one.row | MANAGER
            } else {
                one.row
            };
            self.called.push([one.by as u32, high, low, row])?;
            self.is_any |= one.is_manager;
        }
        self.rows = end;
        Ok(())
    }

    /// What is wrong with the managers, by row; as far as the rows say. Empty where no row names one.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn wrong(self) -> Result<Vec<Wrong>> {
        if !self.is_any {
            return Ok(Vec::new());
        }
        let mut wrong = vec![Wrong::Nothing; self.rows as usize];
        let mut managers = vec![NONE; self.rows as usize];
        let mut sorted = self.called.sorted()?;
        let mut name = None;
        let mut people = (NONE, 0);
        while let Some([by, high, low, row]) = sorted.next()? {
            if name != Some([by, high, low]) {
                name = Some([by, high, low]);
                people = (NONE, 0);
            }
            if row & MANAGER == 0 {
                people = (people.0.min(row), people.1 + 1);
                continue;
            }
            let row = (row & !MANAGER) as usize;
            if managers[row] != NONE {
                continue;
            }
            wrong[row] = match people {
                (NONE, _) if wrong[row] == Wrong::Several => Wrong::Several,
                (NONE, _) => Wrong::Unknown,
                (_, count) if count > 1 && by == By::Name as u32 => Wrong::Several,
                (first, _) => {
                    managers[row] = first;
                    Wrong::Nothing
                }
            };
        }
        find_circles(&managers, &mut wrong);
        Ok(wrong)
    }
}

/// Goes from manager to manager, each row once.
fn find_circles(managers: &[RowNumber], wrong: &mut [Wrong]) {
    const ON_THE_WAY: u8 = 1;
    const DONE: u8 = 2;
    let mut seen = vec![0_u8; managers.len()];
    let mut way = Vec::new();
    for start in 0..managers.len() {
        let mut at = start;
        while seen[at] == 0 {
            seen[at] = ON_THE_WAY;
            way.push(at);
            if managers[at] == NONE {
                break;
            }
            at = managers[at] as usize;
        }
        if seen[at] == ON_THE_WAY && managers[at] != NONE {
            let first = way.iter().position(|row| *row == at).unwrap_or(way.len());
            let circle = &way[first..];
            for row in circle {
                wrong[*row] = if circle.len() == 1 {
                    Wrong::Own
                } else {
                    Wrong::Circle
                };
            }
        }
        for row in way.drain(..) {
            seen[row] = DONE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Wrong::{Circle, Nothing, Own, Several, Unknown};

    #[test]
    fn managers_are_found_and_circles_too() {
        // By id: 0 → 1 → 2 → 1, 3 → 3, 4 → nobody; 5 by a name that two have; 6 by one that one has.
        let person = |row, by, hash| Called {
            by,
            hash,
            row,
            is_manager: false,
        };
        let manager = |row, by, hash| Called {
            is_manager: true,
            ..person(row, by, hash)
        };
        let mut called: Vec<Called> = (0..7)
            .map(|row| person(row, By::ExternalId, u64::from(row)))
            .collect();
        called.extend([
            person(0, By::Name, 50),
            person(1, By::Name, 50),
            person(2, By::Name, 51),
            manager(0, By::ExternalId, 1),
            manager(1, By::ExternalId, 2),
            manager(2, By::ExternalId, 1),
            manager(3, By::ExternalId, 3),
            manager(4, By::ExternalId, 99),
            manager(4, By::Username, 99),
            manager(5, By::ExternalId, 98),
            manager(5, By::Name, 50),
            manager(6, By::ExternalId, 97),
            manager(6, By::Name, 51),
        ]);
        for bytes in [1, 1 << 20] {
            let mut managers = Managers::new(Budget::of(bytes));
            managers.note(&called[..9], 3).unwrap();
            managers.note(&called[9..], 7).unwrap();
            assert_eq!(
                managers.wrong().unwrap(),
                [Nothing, Circle, Circle, Own, Unknown, Several, Nothing]
            );
        }
    }
}
