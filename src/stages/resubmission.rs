//! resubmission: which row of an earlier run a row fixes. A corrections file carries a mark in each
//! row, such as `20261122-104212-9d61:41`; the run that takes the file closes what it fixes.
//!
//! Marks come from a file that people edit, so they count only as far as the run log confirms them,
//! and they don't affect the row itself: it is validated, matched and held like any other. If a
//! fixed row is rejected again, its next correction still refers to the very first row.
//!
//! Behind a mark, the column `muster_account` may answer what held the row: whether it is about the
//! account that its keys find. It can name no other account.

use crate::summary::Resubmitted;
use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::definition::DateOrder;
use crate::field::RowNumber;
use crate::issue::{Code, Issue};
use crate::outcome::Outcome;
use crate::row::Cells;

/// The longest mark that is looked at.
const MARK_BYTES_MAX: usize = 64;

/// A row of a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EarlierRow {
    /// The run's id.
    pub run: String,
    /// Its number there, from 0.
    pub row: RowNumber,
}

impl EarlierRow {
    /// As corrections files carry it. Rows count from 1 there, as in the ledger.
    pub fn mark(&self) -> String {
        format!("{}:{}", self.run, u64::from(self.row) + 1)
    }

    fn parse(mark: &str) -> Option<EarlierRow> {
        let (run, row) = mark.trim().rsplit_once(':')?;
        let is_id = |c: char| c.is_ascii_hexdigit() || c == '-';
        if mark.len() > MARK_BYTES_MAX || run.is_empty() || !run.chars().all(is_id) {
            return None;
        }
        let row = row.parse::<RowNumber>().ok()?.checked_sub(1)?;
        let run = run.to_string();
        Some(EarlierRow { run, row })
    }
}

/// What is in the column of marks: a mark, and after it how the file was read that the row comes
/// from, where only the whole file could tell. Either may be missing.
pub fn cell(mark: Option<&EarlierRow>, order: DateOrder) -> String {
    let mark = mark.map(EarlierRow::mark);
    let order = ORDERS.iter().find(|(_, known)| *known == order);
    let order = order.map(|(word, _)| word.to_string());
    let words: Vec<String> = mark.into_iter().chain(order).collect();
    words.join(" ")
}

/// Behind a mark: how the dates of the whole file were read.
const ORDERS: [(&str, DateOrder); 2] = [("dmy", DateOrder::Dmy), ("mdy", DateOrder::Mdy)];

/// What the rows of a run say that they fix. Only rows that say anything are here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowRefs {
    /// In row order.
    rows: Vec<(RowNumber, Cell)>,
    /// The accounts that marked rows say they are about, in row order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<(RowNumber, Uuid)>,
    /// How the rows of a file say that its dates are to be read, and whether they agree.
    #[serde(skip)]
    orders: BTreeMap<u16, (DateOrder, bool)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Cell {
    Of(EarlierRow),
    /// What is not a mark.
    Unread(String),
}

impl RowRefs {
    /// Notes the marks of a batch, which are in `column`, and the accounts of marked rows, which are
    /// in `account`.
    pub fn note(&mut self, cells: &Cells, column: usize, account: Option<usize>) {
        for index in 0..cells.len() {
            let mut text = cells.cell(index, column).trim();
            for (word, order) in ORDERS {
                if let Some(rest) = text.strip_suffix(word) {
                    text = rest.trim_end();
                    let reported = self.orders.entry(cells.source).or_insert((order, true));
                    reported.1 &= reported.0 == order;
                }
            }
            if !text.is_empty() {
                let row = cells.first_row + index as RowNumber;
                let unread = || Cell::Unread(text.chars().take(MARK_BYTES_MAX).collect());
                let mark = EarlierRow::parse(text).map_or_else(unread, Cell::Of);
                let account = account
                    .map_or("", |column| cells.cell(index, column))
                    .trim();
                if let (Cell::Of(_), Ok(account)) = (&mark, account.parse()) {
                    self.accounts.push((row, account));
                }
                self.rows.push((row, mark));
            }
        }
    }

    /// How the dates of a file were read when its rows were part of a larger one, as far as they
    /// agree about it.
    pub fn order(&self, source: u16) -> DateOrder {
        match self.orders.get(&source) {
            Some((order, true)) => *order,
            _ => DateOrder::Unknown,
        }
    }

    /// Whether no row says anything.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What `row` says, if that could be a mark.
    pub fn of(&self, row: RowNumber) -> Option<&EarlierRow> {
        let at = self.rows.binary_search_by_key(&row, |(of, _)| *of).ok()?;
        match &self.rows[at].1 {
            Cell::Of(earlier) => Some(earlier),
            Cell::Unread(_) => None,
        }
    }

    /// The account that `row` says it is about.
    pub fn account(&self, row: RowNumber) -> Option<Uuid> {
        let at = self.accounts.binary_search_by_key(&row, |(of, _)| *of);
        Some(self.accounts[at.ok()?].1)
    }

    /// The runs that are named, each once.
    pub fn runs(&self) -> Vec<String> {
        let mut runs: Vec<String> = self
            .rows
            .iter()
            .filter_map(|(_, mark)| match mark {
                Cell::Of(earlier) => Some(earlier.run.clone()),
                Cell::Unread(_) => None,
            })
            .collect();
        runs.sort_unstable();
        runs.dedup();
        runs
    }
}

/// What the run log knows of a run whose rows may be fixed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowsToFix {
    /// Whether the run used the same pipeline as the one that fixes it.
    pub is_same_pipeline: bool,
    /// How many of its rows may come back although they needed no work: as many as it read, where
    /// rows name their accounts.
    pub read: u64,
    /// Its rows that needed work.
    pub rows: HashMap<RowNumber, NeedsWork>,
}

/// A row that needed work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeedsWork {
    /// The first row of all that it comes from; itself, mostly.
    pub earlier: EarlierRow,
    /// Whether no run has fixed it so far.
    pub is_open: bool,
}

/// Which rows of a run fix which.
#[derive(Debug, Clone, Default)]
pub struct Resubmissions {
    /// By row: the row that it fixes, and the first of all.
    rows: BTreeMap<RowNumber, (EarlierRow, EarlierRow)>,
    /// The rows of each run that were open before this one.
    open: BTreeMap<String, (u64, HashSet<RowNumber>)>,
    /// What is to be said of marks that mean nothing.
    pub notes: BTreeMap<RowNumber, Issue>,
}

impl Resubmissions {
    /// Confirms marks by what the run log knows of the runs that they name.
    pub fn new(row_refs: &RowRefs, run_log: HashMap<String, RowsToFix>) -> Resubmissions {
        let mut resubmission = Resubmissions::default();
        let mut taken: HashSet<&EarlierRow> = HashSet::new();
        for (row, mark) in &row_refs.rows {
            let found = match mark {
                Cell::Unread(_) => Err("it doesn't name a row of a run".to_string()),
                Cell::Of(of) => {
                    confirmed(of, &run_log).and_then(|earlier| match taken.insert(of) {
                        true => Ok((of, earlier)),
                        false => Err("another row in this file fixes the same row".to_string()),
                    })
                }
            };
            match found {
                Ok((of, earlier)) => {
                    let pair = (of.clone(), earlier.clone());
                    resubmission.rows.insert(*row, pair);
                }
                Err(detail) => {
                    let found = match mark {
                        Cell::Of(of) => of.mark(),
                        Cell::Unread(text) => text.clone(),
                    };
                    let issue = Issue::of_value(Code::RowMark, *row, &found, detail);
                    resubmission.notes.insert(*row, issue);
                }
            }
        }
        let named: HashSet<&String> = resubmission.rows.values().map(|(of, _)| &of.run).collect();
        for run in named {
            let rows = run_log.get(run).map(|run_log| &run_log.rows);
            let open = rows.into_iter().flatten();
            let open = open.filter(|(_, needs)| needs.is_open).map(|(row, _)| *row);
            let needed = rows.map_or(0, |rows| rows.len() as u64);
            resubmission
                .open
                .insert(run.clone(), (needed, open.collect()));
        }
        resubmission
    }

    /// Takes the rows of the run that a plan comes from for what they are: the same rows.
    pub fn go_on(&mut self, run: &str, run_log: Option<RowsToFix>) {
        for (row, needs) in run_log.into_iter().flat_map(|run_log| run_log.rows) {
            let run = run.to_string();
            let pair = (EarlierRow { run, row }, needs.earlier);
            self.rows.entry(row).or_insert(pair);
        }
    }

    /// Whether the run fixes nothing.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The first row of all that `row` comes from, if it fixes any.
    pub fn earlier(&self, row: RowNumber) -> Option<&EarlierRow> {
        self.rows.get(&row).map(|(_, earlier)| earlier)
    }

    /// How far each run is fixed once the rows are in for which `is_in` holds.
    pub fn resubmitted(&self, is_in: impl Fn(RowNumber) -> bool) -> Vec<Resubmitted> {
        let mut open = self.open.clone();
        let mut fixed: BTreeMap<&str, u64> = BTreeMap::new();
        for (_, (of, _)) in self.rows.iter().filter(|(row, _)| is_in(**row)) {
            *fixed.entry(&of.run).or_default() += 1;
            if let Some((_, open)) = open.get_mut(&of.run) {
                open.remove(&of.row);
            }
        }
        let resubmitted = open.iter().map(|(run, (needed, open))| Resubmitted {
            run: run.clone(),
            needed: *needed,
            fixed: fixed.get(run.as_str()).copied().unwrap_or(0),
            left: open.len() as u64,
        });
        resubmitted.collect()
    }
}

/// The first row of all that a row comes from, or why its mark means nothing.
fn confirmed<'b>(
    of: &'b EarlierRow,
    run_log: &'b HashMap<String, RowsToFix>,
) -> Result<&'b EarlierRow, String> {
    let Some(run) = run_log.get(&of.run) else {
        return Err("this database has no such import".to_string());
    };
    if !run.is_same_pipeline {
        return Err("that run used another pipeline".to_string());
    }
    match run.rows.get(&of.row) {
        Some(needs) => Ok(&needs.earlier),
        None if u64::from(of.row) < run.read => Ok(of),
        None => Err("that row needed no fix".to_string()),
    }
}

/// Whether a row that came to this needs no more work. A duplicate is as good as the row that it
/// equals, for which `equal` says so.
pub fn is_settled(outcome: Outcome, is_left_out: bool, equal: bool) -> bool {
    match outcome {
        Outcome::Created | Outcome::Updated | Outcome::Unchanged => true,
        Outcome::Duplicate => equal,
        Outcome::Skipped => !is_left_out,
        Outcome::Rejected | Outcome::Held | Outcome::Failed => false,
    }
}

/// The runs that are taken back, of finished undos as pairs of their own id and that of the run
/// that they undo. An undo that was itself undone takes nothing back.
pub fn taken_back(undos: &[(String, String)]) -> Vec<String> {
    let mut undone: HashSet<&str> = HashSet::new();
    // Ids sort by time, and an undo is later than what it undoes: from the last to the first, each
    // is known to stay before it counts.
    let mut ordered: Vec<&(String, String)> = undos.iter().collect();
    ordered.sort_unstable_by(|a, b| b.cmp(a));
    for (id, of) in ordered {
        if !undone.contains(id.as_str()) {
            undone.insert(of);
        }
    }
    let mut undone: Vec<String> = undone.into_iter().map(String::from).collect();
    undone.sort_unstable();
    undone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Place;

    fn earlier(run: &str, row: RowNumber) -> EarlierRow {
        let run = run.to_string();
        EarlierRow { run, row }
    }

    fn row_refs(texts: &[&str]) -> RowRefs {
        let mut cells = Cells::new(0, 0);
        for text in texts {
            cells.push_cell(text);
            cells.end_row(Place { line: 1, byte: 0 });
        }
        let mut row_refs = RowRefs::default();
        row_refs.note(&cells, 0, None);
        row_refs
    }

    /// What the run log says of four runs.
    fn run_log() -> HashMap<String, RowsToFix> {
        let needs = |earlier: EarlierRow, is_open| NeedsWork { earlier, is_open };
        HashMap::from([
            (
                "a-1".to_string(),
                RowsToFix {
                    is_same_pipeline: true,
                    read: 0,
                    rows: HashMap::from([
                        (4, needs(earlier("a-1", 4), true)),
                        (5, needs(earlier("a-1", 5), true)),
                        (6, needs(earlier("a-1", 6), false)),
                    ]),
                },
            ),
            (
                "a-2".to_string(),
                RowsToFix {
                    is_same_pipeline: true,
                    read: 0,
                    rows: HashMap::from([(0, needs(earlier("a-1", 6), true))]),
                },
            ),
            ("b".to_string(), RowsToFix::default()),
        ])
    }

    #[test]
    fn row_refs_are_believed_as_far_as_the_run_log_confirm_them() {
        let long = format!("a:{}", "1".repeat(100));
        let row_refs = row_refs(&[
            "a-1:5 mdy",
            "mdy",
            " a-1:6 ",
            "a-1:6",
            "a-1:3",
            "b:1",
            "c:1",
            "a-1:0",
            "Bob:1",
            &long,
            "a-2:1",
            "a-1",
            "-1:99999999999",
        ]);
        assert_eq!(row_refs.runs(), ["a-1", "a-2", "b", "c"]);
        assert_eq!(row_refs.order(0), DateOrder::Mdy);
        assert_eq!(cell(row_refs.of(0), DateOrder::Mdy), "a-1:5 mdy");
        assert_eq!(cell(None, DateOrder::Unknown), "");
        assert_eq!(row_refs.of(2), Some(&earlier("a-1", 5)));
        assert_eq!((row_refs.of(1), row_refs.of(8)), (None, None));
        let resubmission = Resubmissions::new(&row_refs, run_log());
        let origins: Vec<_> = (0..13)
            .filter_map(|row| resubmission.earlier(row))
            .collect();
        assert_eq!(
            origins,
            [&earlier("a-1", 4), &earlier("a-1", 5), &earlier("a-1", 6)]
        );
        let notes: Vec<_> = resubmission
            .notes
            .values()
            .map(|note| (note.row, note.detail.as_str()))
            .collect();
        let nothing = "it doesn't name a row of a run";
        assert_eq!(
            notes,
            [
                (3, "another row in this file fixes the same row"),
                (4, "that row needed no fix"),
                (5, "that run used another pipeline"),
                (6, "this database has no such import"),
                (7, nothing),
                (8, nothing),
                (9, nothing),
                (11, nothing),
                (12, nothing),
            ]
        );
        let resubmitted = resubmission.resubmitted(|row| row == 0);
        let numbers: Vec<_> = resubmitted
            .iter()
            .map(|resubmitted| {
                (
                    resubmitted.run.as_str(),
                    resubmitted.needed,
                    resubmitted.fixed,
                    resubmitted.left,
                )
            })
            .collect();
        assert_eq!(numbers, [("a-1", 3, 1, 1), ("a-2", 1, 0, 1)]);
    }

    #[test]
    fn a_row_that_went_in_can_be_corrected() {
        let known = RowsToFix {
            is_same_pipeline: true,
            read: 3,
            ..RowsToFix::default()
        };
        let run_log = HashMap::from([("a-1".to_string(), known)]);
        let resubmission = Resubmissions::new(&row_refs(&["a-1:3", "a-1:4"]), run_log);
        assert_eq!(resubmission.earlier(0), Some(&earlier("a-1", 2)));
        assert_eq!(resubmission.earlier(1), None);
        let resubmitted = resubmission.resubmitted(|_| true);
        assert_eq!((resubmitted[0].fixed, resubmitted[0].left), (1, 0));
    }

    #[test]
    fn what_an_undone_undo_took_back_stays() {
        for (undos, expected) in [
            (vec![], vec![]),
            (vec![("2", "1")], vec!["1"]),
            (vec![("2", "1"), ("3", "2")], vec!["2"]),
            (vec![("2", "1"), ("3", "2"), ("4", "1")], vec!["1", "2"]),
            (vec![("2", "1"), ("3", "2"), ("4", "3")], vec!["1", "3"]),
        ] {
            let undos: Vec<(String, String)> = undos
                .into_iter()
                .map(|(id, of)| (id.to_string(), of.to_string()))
                .collect();
            assert_eq!(taken_back(&undos), expected);
        }
    }
}
