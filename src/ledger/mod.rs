//! Parquet files of rows: the ledger of a run, and plan files. The only room that names polars,
//! except for the reader of lists that are Parquet, which is a pass.

mod entries;
pub mod planfile;

use polars::prelude::{Column, NamedFrom, PlSmallStr, Series};

pub use self::entries::{Entries, Ledger, find, rows_at};

/// A column of a batch.
fn series<T>(name: &str, values: Vec<T>) -> Column
where
    Series: NamedFrom<Vec<T>, [T]>,
    Vec<T>: AsRef<[T]>,
{
    Column::from(Series::new(PlSmallStr::from_str(name), values))
}
