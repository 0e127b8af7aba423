//! The records of rows that needed work, and of what fixed them.

use std::collections::{BTreeMap, HashMap, HashSet};

use tokio_postgres::types::ToSql;

use super::Store;
use crate::field::RowNumber;
use crate::outcome::Outcome;
use crate::refusal::Result;
use crate::stages::resubmission::{EarlierRow, NeedsWork, RowsToFix, taken_back};
use crate::store::error::refusal;
use crate::summary::{FixedBy, Open, Summary};

/// This many rows are sent in one statement.
const ROWS_AT_ONCE: usize = 20_000;

/// A row of a run that needed work, or that fixes one of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToFix {
    /// The row.
    pub row: RowNumber,
    /// The first row of all that it comes from, unless that is itself.
    pub earlier: Option<EarlierRow>,
    /// What happened to it.
    pub outcome: Outcome,
    /// Whether its origin needs no more work.
    pub settles: bool,
}

impl Store {
    /// The rows that needed work of those of `runs` that are in the run log, as run `own` of the
    /// pipeline called `source` finds them.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn to_fix(
        &self,
        runs: &[String],
        source: &str,
        own: &str,
    ) -> Result<HashMap<String, RowsToFix>> {
        const DOING: &str = "reading the rows to fix";
        let sql = include_str!("sql/find_marked_runs.sql");
        let known = self.query(sql, &[&runs, &source, &own], DOING)?;
        let mut run_log: HashMap<String, RowsToFix> = known
            .iter()
            .map(|run| {
                let run_log = RowsToFix {
                    is_same_pipeline: run.get(1),
                    read: run.get::<_, i64>(2) as u64,
                    ..RowsToFix::default()
                };
                (run.get(0), run_log)
            })
            .collect();
        let same = run_log.iter().filter(|(_, run)| run.is_same_pipeline);
        let ids: Vec<&String> = same.map(|(id, _)| id).collect();
        let rows = self.query(
            include_str!("sql/find_to_mend.sql"),
            &[&ids, &self.taken_back()?],
            DOING,
        )?;
        for row in rows {
            let needs = NeedsWork {
                earlier: EarlierRow {
                    run: row.get(2),
                    row: row.get::<_, i32>(3) as RowNumber,
                },
                is_open: row.get::<_, Option<&str>>(4).is_none(),
            };
            if let Some(run) = run_log.get_mut(row.get::<_, &str>(0)) {
                run.rows.insert(row.get::<_, i32>(1) as RowNumber, needs);
            }
        }
        Ok(run_log)
    }

    /// The rows of other runs that those of `run` come from, first of all, by the rows of `run`.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn earlier_rows(
        &self,
        run: &str,
        rows: &[RowNumber],
    ) -> Result<HashMap<RowNumber, EarlierRow>> {
        let rows: Vec<i32> = rows.iter().map(|row| *row as i32).collect();
        let sql = "select row, origin_run, origin_row from muster.mends
            where run_id = $1 and row = any ($2) and origin_run <> $1";
        let found = self.query(sql, &[&run, &rows], "reading the rows to fix")?;
        let found = found.iter().map(|row| {
            let earlier = EarlierRow {
                run: row.get(1),
                row: row.get::<_, i32>(2) as RowNumber,
            };
            (row.get::<_, i32>(0) as RowNumber, earlier)
        });
        Ok(found.collect())
    }

    /// The rows of a run that went in and that a later run has corrected since.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn corrected_rows(&self, run: &str) -> Result<HashSet<RowNumber>> {
        let sql = "select distinct origin_row from muster.mends
            where origin_run = $1 and settles and run_id <> $1 and not run_id = any ($2)";
        let rows = self.query(sql, &[&run, &self.taken_back()?], "reading the rows to fix")?;
        Ok(rows
            .iter()
            .map(|row| row.get::<_, i32>(0) as RowNumber)
            .collect())
    }

    /// How many rows of a run needed work, and what happened to them since; `None` where none did.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn open_rows(&self, run: &str) -> Result<Option<Open>> {
        let rows = self.query(
            include_str!("sql/find_to_mend.sql"),
            &[&[run].as_slice(), &self.taken_back()?],
            "reading the rows left to fix",
        )?;
        let sql = "select row from muster.fixes where run_id = $1 and what = 'leave out' and row is not null";
        let fixes = self.query(sql, &[&run], "reading the rows left to fix")?;
        let out: HashSet<i32> = fixes.iter().map(|row| row.get(0)).collect();
        let mut by: BTreeMap<String, u64> = BTreeMap::new();
        let mut left_out = 0;
        for row in &rows {
            match row.get::<_, Option<String>>(4) {
                Some(run) => *by.entry(run).or_default() += 1,
                None => left_out += u64::from(out.contains(&row.get(1))),
            }
        }
        let fixed = by.values().sum();
        let open = Open {
            needed: rows.len() as u64,
            fixed,
            left: rows.len() as u64 - fixed - left_out,
            left_out,
            by: by
                .into_iter()
                .map(|(run, rows)| FixedBy { run, rows })
                .collect(),
        };
        Ok((open.needed > 0).then_some(open))
    }

    /// Whether a run was undone, and is so still.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn is_taken_back(&self, run: &str) -> Result<bool> {
        Ok(self.taken_back()?.iter().any(|id| id == run))
    }

    /// The runs that were undone, and are so still.
    pub(super) fn taken_back(&self) -> Result<Vec<String>> {
        let sql = "select id, undoes from muster.runs
            where kind = 'undo' and state = 'finished' and undoes is not null";
        let undos = self.query(sql, &[], "reading the undos")?;
        let undos: Vec<(String, String)> = undos
            .iter()
            .map(|undo| (undo.get(0), undo.get(1)))
            .collect();
        Ok(taken_back(&undos))
    }

    /// Writes the state of a run, its summary and what it says of rows that need work, all at once.
    /// What a finished run had decided is forgotten, and what it approves is recorded in the
    /// records of that run.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn end_import(
        &mut self,
        summary: &Summary,
        folder: &str,
        resubmitted: &[ToFix],
    ) -> Result<()> {
        let doing = |error| {
            refusal(&error, "closing the run").help(
                "see the database's message; all rows are written, but the run could not be closed",
            )
        };
        let json = super::json_of(summary);
        let run = &summary.run;
        self.runtime.block_on(async {
            let transaction = self.connection.client.transaction().await.map_err(doing)?;
            // An earlier try of the run may have said otherwise.
            transaction
                .execute("delete from muster.mends where run_id = $1", &[&run.id])
                .await
                .map_err(doing)?;
            for some in resubmitted.chunks(ROWS_AT_ONCE) {
                let rows: Vec<i32> = some.iter().map(|fix| fix.row as i32).collect();
                let origins = some.iter().map(|fix| fix.earlier.as_ref());
                let runs: Vec<Option<&str>> = origins
                    .map(|earlier| earlier.map(|earlier| earlier.run.as_str()))
                    .collect();
                let of = |fix: &ToFix| fix.earlier.as_ref().map_or(fix.row, |of| of.row) as i32;
                let of: Vec<i32> = some.iter().map(of).collect();
                let outcomes: Vec<&str> = some.iter().map(|fix| fix.outcome.name()).collect();
                let settles: Vec<bool> = some.iter().map(|fix| fix.settles).collect();
                let sql = include_str!("sql/insert_mends.sql");
                transaction
                    .execute(sql, &[&run.id, &rows, &runs, &of, &outcomes, &settles])
                    .await
                    .map_err(doing)?;
            }
            let sql = include_str!("sql/update_run.sql");
            transaction
                .execute(sql, &[&run.id, &run.state, &json, &folder])
                .await
                .map_err(doing)?;
            if run.state == "finished" {
                // Who shared the run may only now come to read them; the next run forgets them then.
                let sql = "delete from muster.decisions using muster.runs
                    where run_id = $1 and runs.id = run_id and runs.shared_at is null";
                transaction.execute(sql, &[&run.id]).await.map_err(doing)?;
                if let Some(approval) = &run.approves {
                    let sql = include_str!("sql/note_approval.sql");
                    let values: [&(dyn ToSql + Sync); 3] =
                        [&approval.of, &approval.classes, &run.id];
                    transaction.execute(sql, &values).await.map_err(doing)?;
                }
            }
            transaction.commit().await.map_err(doing)
        })
    }
}
