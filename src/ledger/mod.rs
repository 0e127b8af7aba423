//! Parquet files of rows: the ledger of a run, and plan files. The only room that names polars,
//! except for the reader of lists that are Parquet, which is a pass.

mod columns;
mod entries;
mod filter;
pub mod planfile;
mod rows;

use polars_core::prelude::{Column as Values, NamedFrom, PlSmallStr, Series};
use polars_io::parquet::write::ParquetCompression;
use polars_utils::compression::ZstdLevel;

pub use self::columns::{Column, Columns, Kind, Mistake};
pub use self::entries::{Entries, Ledger, find, rows_at};
pub use self::filter::Filter;
pub use self::rows::{Cell, Counts, Query, Rows, Take};

/// How pages are packed. At zstd's lowest level they take a tenth more room and half of the time, and
/// packing is what takes most time of writing a ledger.
fn packing() -> ParquetCompression {
    ParquetCompression::Zstd(ZstdLevel::try_new(1).ok())
}

/// A column of a batch.
fn series<T>(name: &str, values: Vec<T>) -> Values
where
    Series: NamedFrom<Vec<T>, [T]>,
    Vec<T>: AsRef<[T]>,
{
    Values::from(Series::new(PlSmallStr::from_str(name), values))
}
