//! Managers who aren't in the file: whether they have an account.

use std::collections::BTreeMap;

use crate::field::RowNumber;
use crate::pipeline::rows::Rows;
use crate::refusal::Result;
use crate::stages::managers::index::Managers;
use crate::stages::managers::{Name, Wrong, cell};
use crate::store::Store;

/// This many names are asked for at once.
const ASKED_MAX: usize = 4096;

/// What is wrong with the managers that the rows name, by row; empty where none names one. Without a
/// database nobody knows whether an account is one.
///
/// # Errors
/// `output.unwritable`; a refusal with a `database.*` code.
pub(super) fn find_managers(
    managers: Managers,
    rows: &Rows,
    store: Option<&Store>,
) -> Result<Vec<Wrong>> {
    let mut wrong = managers.wrong()?;
    if wrong.is_empty() {
        return Ok(wrong);
    }
    let mut asked: BTreeMap<String, Vec<RowNumber>> = BTreeMap::new();
    let is_open = |wrong: &Wrong| *wrong == Wrong::Unknown;
    for batch in 0..rows.spool.batches() {
        let first = rows.spool.first_row(batch) as usize;
        let of_batch = first..(first + rows.spool.rows_in(batch)).min(wrong.len());
        if wrong[of_batch.clone()].iter().any(is_open) {
            let people = rows.read(batch)?;
            for row in of_batch.filter(|row| is_open(&wrong[*row])) {
                if let Some(cell) = cell(&people, row - first, rows.layout) {
                    asked
                        .entry(cell.to_string())
                        .or_default()
                        .push(row as RowNumber);
                }
            }
        }
        if asked.len() >= ASKED_MAX {
            ask(std::mem::take(&mut asked), &mut wrong, store)?;
        }
    }
    ask(asked, &mut wrong, store)?;
    Ok(wrong)
}

fn ask(
    asked: BTreeMap<String, Vec<RowNumber>>,
    wrong: &mut [Wrong],
    store: Option<&Store>,
) -> Result<()> {
    if asked.is_empty() {
        return Ok(());
    }
    let names: Vec<Name> = asked.keys().map(|cell| Name::of(cell)).collect();
    let known = match store {
        Some(store) => store.managers_known(&names)?,
        None => vec![Wrong::Nothing; names.len()],
    };
    for (rows, known) in asked.values().zip(known) {
        for row in rows {
            wrong[*row as usize] = known;
        }
    }
    Ok(())
}
