//! Where rows are in the list that somebody sent: also rows that came back as corrections.

use std::collections::{BTreeMap, HashMap};

use crate::console::ask::Ask;
use crate::field::RowNumber;
use crate::ledger::{Cell, Query, Rows};
use crate::refusal::Result;
use crate::runs;
use crate::store::runs::RunRecord;

/// Where a row is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The name of its file, without a folder.
    pub file: String,
    /// Its line there.
    pub line: u64,
}

/// The places of rows of a run, in the first file of all that they come from. One that isn't known
/// any more is left out.
///
/// # Errors
/// A refusal with a `database.*` code, or `file.damaged`.
pub(super) fn places(
    ask: &Ask,
    run: &RunRecord,
    rows: &[RowNumber],
) -> Result<HashMap<RowNumber, Place>> {
    let fixes_others = run
        .summary
        .as_ref()
        .is_some_and(|summary| !summary.resubmitted.is_empty());
    let earlier = match fixes_others {
        true => ask.store.earlier_rows(&run.id, rows)?,
        false => HashMap::new(),
    };
    let mut found = HashMap::new();
    let own: Vec<RowNumber> = rows
        .iter()
        .copied()
        .filter(|row| !earlier.contains_key(row))
        .collect();
    found.extend(in_ledger(run, &own)?);
    let mut by_run: BTreeMap<&str, Vec<(RowNumber, RowNumber)>> = BTreeMap::new();
    for (row, of) in &earlier {
        by_run.entry(&of.run).or_default().push((*row, of.row));
    }
    for (id, pairs) in by_run {
        let Ok(first) = runs::of_id(ask.store, id) else {
            continue;
        };
        let numbers: Vec<RowNumber> = pairs.iter().map(|(_, of)| *of).collect();
        let of_run = in_ledger(&first, &numbers)?;
        let known = pairs
            .iter()
            .filter_map(|(row, of)| Some((*row, of_run.get(of)?.clone())));
        found.extend(known);
    }
    Ok(found)
}

fn in_ledger(run: &RunRecord, numbers: &[RowNumber]) -> Result<HashMap<RowNumber, Place>> {
    let mut places = HashMap::new();
    let Some(ledger) = runs::ledger(run).ok().filter(|_| !numbers.is_empty()) else {
        return Ok(places);
    };
    let rows = Rows::open(&ledger)?;
    let wanted = numbers.iter().map(|row| u64::from(*row) + 1).collect();
    let columns = ["row", "file", "line"]
        .iter()
        .map(|name| rows.columns().find(name));
    let (Ok(filter), Ok(columns)) = (
        rows.among(None, Vec::new(), wanted),
        columns.collect::<std::result::Result<Vec<_>, _>>(),
    ) else {
        return Ok(places);
    };
    let query = Query {
        filter: Some(&filter),
        columns,
        ..Query::default()
    };
    rows.each(&query, &mut |cells| {
        if let [Cell::Number(row), Cell::Text(file), Cell::Number(line)] = cells {
            let place = Place {
                file: file.rsplit('/').next().unwrap_or_default().to_string(),
                line: *line,
            };
            places.insert((row - 1) as RowNumber, place);
        }
        Ok(())
    })?;
    Ok(places)
}
