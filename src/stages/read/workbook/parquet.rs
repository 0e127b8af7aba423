//! Parquet: a row group at a time, column by column. Members of structs become columns under dotted
//! names, as in JSON.
//!
//! Polars' own data frames need features for dates, decimals and structs that aren't built in, so
//! that its decoder is used below them: it gives Arrow arrays, which become text here.

use std::fmt::Display;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan};
use polars_arrow::array::{ArrayRef, ListArray, PrimitiveArray, StaticArray, StructArray};
use polars_arrow::datatypes::{ArrowDataType, Field as ArrowField, TimeUnit as ArrowTimeUnit};
use polars_compute::cast::cast_default;
use polars_core::prelude::{
    BinaryType, BooleanType, Float32Type, Float64Type, Int64Type, PolarsDataType, PolarsError,
    StringType, UInt64Type,
};
use polars_io::SerReader;
use polars_io::parquet::read::_internal::to_deserializer;
use polars_io::parquet::read::{FileMetadata, ParquetReader};
use uuid::Uuid;

use super::limits::Limits;
use super::line::Line;
use super::refuse::{damaged, refusal};
use super::wire::{Book, BookKind, LIST_MARK, Sheet};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::stages::read::workbook::job::{Each, Job, Next};

/// The most cells of a file: more rows than a sheet has are welcome.
const CELLS_MAX: u64 = 1 << 32;
/// How deep structs may nest.
const DEPTH_MAX: usize = 16;

/// The cells of a column in one row group.
#[derive(Default)]
struct Texts {
    text: String,
    ends: Vec<u32>,
}

impl Texts {
    fn get(&self, row: usize) -> &str {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[row] as usize]
    }

    fn end(&mut self) {
        self.ends.push(self.text.len() as u32);
    }
}

/// Goes through a Parquet file as if it were a sheet: its column names are row 0.
pub(super) fn pass(job: &Job, each: &mut Each) -> Result<Book> {
    let undecoded = |error: PolarsError| broken(job.path, &error);
    let mut reader = ParquetReader::new(BufReader::new(job.file));
    let metadata = reader.get_metadata().map_err(undecoded)?.clone();
    let schema = reader.schema().map_err(undecoded)?;
    let mut names = Vec::new();
    let mut left_out = Vec::new();
    let mut fields: Vec<ArrowField> = schema.iter_values().map(plain).collect();
    fields.retain(|field| {
        let before = names.len();
        name_columns(&field.dtype, &field.name, 0, &mut names, &mut left_out);
        names.len() > before
    });
    if names.len() > job.limits.columns as usize {
        let what = format!(
            "has {} columns; the limit is {}",
            names.len(),
            job.limits.columns
        );
        return Err(refusal(Code::FileLimit, job.path, &what));
    }
    let limits = Limits {
        cells: CELLS_MAX,
        ..job.limits
    };
    let mut line = Line::new(job.path, limits);
    line.begin(0);
    line.number = 0;
    for (column, name) in names.iter().enumerate() {
        line.cell(column, |text| text.push_str(name))?;
    }
    let mut next = each(0, &line)?;
    let mut number = 0;
    for (index, group) in metadata.row_groups.iter().enumerate() {
        if next == Next::Sheet {
            break;
        }
        let rows = group.num_rows();
        let columns = columns(job, &metadata, index, &fields)?;
        let whole = |texts: &Texts| texts.ends.len() == rows;
        if columns.len() != names.len() || !columns.iter().all(whole) {
            let what = "its columns don't have as many rows as it says";
            return Err(broken(job.path, &what));
        }
        for row in 0..rows {
            line.begin(number);
            number += 1;
            for (column, texts) in columns.iter().enumerate() {
                let text = texts.get(row);
                if !text.is_empty() {
                    line.cell(column, |cell| cell.push_str(text))?;
                }
            }
            if line.end()? {
                next = each(0, &line)?;
                if next == Next::Sheet {
                    break;
                }
            }
        }
    }
    Ok(Book {
        kind: BookKind::Parquet,
        is_1904: false,
        sheets: vec![Sheet::default()],
        left_out,
        separators: Vec::new(),
        checked: 0,
    })
}

/// The cells of a row group, column by column.
fn columns(
    job: &Job,
    metadata: &FileMetadata,
    group: usize,
    fields: &[ArrowField],
) -> Result<Vec<Texts>> {
    let unreadable = |error: std::io::Error| broken(job.path, &error);
    let mut file = job.file;
    let mut columns = Vec::new();
    for field in fields {
        let chunks = metadata.row_groups[group].columns_under_root_iter(&field.name);
        let mut parts = Vec::new();
        for chunk in chunks.into_iter().flatten() {
            let range = chunk.byte_range();
            let length = range.end.saturating_sub(range.start);
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(range.start))
                .and_then(|_| file.take(length).read_to_end(&mut bytes))
                .map_err(unreadable)?;
            if bytes.len() as u64 != length {
                return Err(broken(job.path, &"it ends within a column"));
            }
            parts.push((chunk, bytes.into()));
        }
        let (arrays, _) = to_deserializer(parts, field.clone(), None)
            .map_err(|error| broken(job.path, &error))?;
        let from = columns.len();
        for array in &arrays {
            let filled = fill(array, from, 0, &mut columns);
            filled.map_err(|error| broken(job.path, &error))?;
        }
    }
    Ok(columns)
}

fn broken(path: &Path, error: &dyn Display) -> Refusal {
    damaged(path, error).help("write it again, or export the list as CSV")
}

/// The field with categories as the text that they are in the file, too.
fn plain(field: &ArrowField) -> ArrowField {
    let dtype = plain_type(&field.dtype);
    ArrowField::new(field.name.clone(), dtype, field.is_nullable)
}

fn plain_type(dtype: &ArrowDataType) -> ArrowDataType {
    match dtype {
        ArrowDataType::Dictionary(_, value, _) => plain_type(value),
        ArrowDataType::Utf8 | ArrowDataType::LargeUtf8 => ArrowDataType::Utf8View,
        ArrowDataType::Struct(fields) => ArrowDataType::Struct(fields.iter().map(plain).collect()),
        ArrowDataType::LargeList(item) => ArrowDataType::LargeList(Box::new(plain(item))),
        dtype => dtype.clone(),
    }
}

/// The names of the columns that a field becomes, or its own among those that are left out.
fn name_columns(
    dtype: &ArrowDataType,
    name: &str,
    depth: usize,
    names: &mut Vec<String>,
    left_out: &mut Vec<String>,
) {
    match dtype {
        ArrowDataType::Struct(fields) if depth < DEPTH_MAX => {
            for field in fields {
                let name = format!("{name}.{}", field.name);
                name_columns(&field.dtype, &name, depth + 1, names, left_out);
            }
        }
        _ if is_read(dtype) => names.push(name.to_string()),
        _ => left_out.push(name.to_string()),
    }
}

fn is_read(dtype: &ArrowDataType) -> bool {
    match dtype {
        ArrowDataType::LargeList(item) => is_one_value(&item.dtype),
        dtype => is_one_value(dtype),
    }
}

fn is_one_value(dtype: &ArrowDataType) -> bool {
    use ArrowDataType as T;
    let is_whole = matches!(dtype, T::Int8 | T::Int16 | T::Int32 | T::Int64)
        || matches!(dtype, T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64);
    let is_bytes = matches!(dtype, T::BinaryView | T::Binary | T::LargeBinary)
        || matches!(dtype, T::FixedSizeBinary(_));
    let is_other = matches!(dtype, T::Null | T::Boolean | T::Utf8View | T::Date32)
        || matches!(
            dtype,
            T::Float32 | T::Float64 | T::Decimal(..) | T::Timestamp(..)
        );
    is_whole || is_bytes || is_other
}

/// Why an array can't be read.
type Why = String;

/// Appends the rows of an array to the columns from `at` on, which it becomes.
fn fill(
    array: &ArrayRef,
    at: usize,
    depth: usize,
    columns: &mut Vec<Texts>,
) -> std::result::Result<usize, Why> {
    if let ArrowDataType::Struct(_) = array.dtype()
        && depth < DEPTH_MAX
    {
        let parts = array.as_any().downcast_ref::<StructArray>();
        let parts = parts.ok_or("a struct is none")?;
        let mut next = at;
        for part in parts.values() {
            next = fill(part, next, depth + 1, columns)?;
        }
        return Ok(next);
    }
    if !is_read(array.dtype()) {
        return Ok(at);
    }
    if columns.len() == at {
        columns.push(Texts::default());
    }
    let texts = columns.get_mut(at).ok_or("a column is missing")?;
    if let Some(list) = array.as_any().downcast_ref::<ListArray<i64>>() {
        let write = writer(list.values())?;
        for row in 0..list.len() {
            let (start, end) = list.offsets().start_end(row);
            // What is under a list that is missing is nobody's.
            for item in start..if array.is_null(row) { start } else { end } {
                let before = texts.text.len();
                write(item, &mut texts.text);
                if texts.text.len() > before {
                    texts.text.push(LIST_MARK);
                }
            }
            texts.end();
        }
        return Ok(at + 1);
    }
    let write = writer(array)?;
    for row in 0..array.len() {
        write(row, &mut texts.text);
        texts.end();
    }
    Ok(at + 1)
}

/// Writes one value of an array as a cell shows it; nothing for one that is missing.
type Write<'a> = Box<dyn Fn(usize, &mut String) + 'a>;

fn writer(array: &ArrayRef) -> std::result::Result<Write<'static>, Why> {
    use ArrowDataType as T;
    let to = |dtype: T| cast_default(array.as_ref(), &dtype).map_err(|error| error.to_string());
    let write = match array.dtype().clone() {
        T::Null => Box::new(|_, _: &mut String| ()),
        T::Boolean => shown::<BooleanType>(array.clone(), |value, out| {
            out.push_str(if value { "true" } else { "false" });
        })?,
        T::Int8 | T::Int16 | T::Int32 | T::Int64 => {
            shown::<Int64Type>(to(T::Int64)?, |value, out| out.push_str(&value.to_string()))?
        }
        T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => {
            shown::<UInt64Type>(to(T::UInt64)?, |value, out| {
                out.push_str(&value.to_string());
            })?
        }
        T::Float32 => shown::<Float32Type>(array.clone(), |value, out| {
            out.push_str(&value.to_string());
        })?,
        T::Float64 => shown::<Float64Type>(array.clone(), |value, out| {
            out.push_str(&value.to_string());
        })?,
        T::Timestamp(unit, zone) => shown::<Int64Type>(to(T::Int64)?, move |value, out| {
            moment(value, unit, zone.is_some(), out);
        })?,
        T::Date32 => {
            let days = array.as_any().downcast_ref::<PrimitiveArray<i32>>();
            let days = days.ok_or("a date is none")?.clone();
            Box::new(move |row, out: &mut String| {
                let date = days
                    .get(row)
                    .and_then(|days| Date::constant(1970, 1, 1).checked_add(days.days()).ok());
                out.extend(date.map(|date| date.to_string()));
            })
        }
        T::Decimal(_, scale) => {
            let values = array.as_any().downcast_ref::<PrimitiveArray<i128>>();
            let values = values.ok_or("a decimal is none")?.clone();
            Box::new(move |row, out: &mut String| {
                if let Some(value) = values.get(row) {
                    decimal(value, scale, out);
                }
            })
        }
        T::FixedSizeBinary(16) => shown::<BinaryType>(to(T::BinaryView)?, |value, out| {
            out.extend(Uuid::from_slice(value).map(|id| id.to_string()));
        })?,
        T::BinaryView | T::Binary | T::LargeBinary | T::FixedSizeBinary(_) => {
            shown::<BinaryType>(to(T::BinaryView)?, |value, out| {
                match std::str::from_utf8(value) {
                    Ok(text) => out.push_str(text),
                    Err(_) => out.push_str(&crate::text::hex(value)),
                }
            })?
        }
        _ => shown::<StringType>(array.clone(), |value, out| out.push_str(value))?,
    };
    Ok(write)
}

/// Writes the values of an array of that type.
fn shown<T: PolarsDataType>(
    array: ArrayRef,
    write: impl Fn(T::Physical<'_>, &mut String) + 'static,
) -> std::result::Result<Write<'static>, Why> {
    if !array.as_any().is::<T::Array>() {
        return Err(format!("a column isn't what it says: {:?}", array.dtype()));
    }
    Ok(Box::new(move |row, out| {
        let values = array.as_any().downcast_ref::<T::Array>();
        if let Some(value) = values.and_then(|values| values.get(row)) {
            write(value, out);
        }
    }))
}

/// ISO 8601; with `Z` where the column's times are of a zone, which are kept in UTC. A local
/// midnight is a day.
fn moment(value: i64, unit: ArrowTimeUnit, has_zone: bool, out: &mut String) {
    let moment = match unit {
        ArrowTimeUnit::Second => Timestamp::from_second(value),
        ArrowTimeUnit::Millisecond => Timestamp::from_millisecond(value),
        ArrowTimeUnit::Microsecond => Timestamp::from_microsecond(value),
        ArrowTimeUnit::Nanosecond => Timestamp::from_nanosecond(i128::from(value)),
    };
    let Ok(moment) = moment else {
        out.push_str(&value.to_string());
        return;
    };
    if has_zone {
        out.push_str(&moment.to_string());
        return;
    }
    let local: DateTime = moment.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    if local.time() == jiff::civil::Time::midnight() {
        out.push_str(&local.date().to_string());
    } else {
        out.push_str(&local.to_string());
    }
}

/// A decimal with this many digits after the point, as it is written in the file.
fn decimal(value: i128, scale: usize, out: &mut String) {
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    if value < 0 {
        out.push('-');
    }
    out.push_str(whole);
    if scale > 0 {
        out.push('.');
        out.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_and_moments_are_written_as_people_write_them() {
        let shown = |value, scale| {
            let mut out = String::new();
            decimal(value, scale, &mut out);
            out
        };
        assert_eq!(shown(42, 0), "42");
        assert_eq!(shown(-5, 2), "-0.05");
        assert_eq!(shown(12345, 2), "123.45");
        let at = |value, has_zone| {
            let mut out = String::new();
            moment(value, ArrowTimeUnit::Millisecond, has_zone, &mut out);
            out
        };
        assert_eq!(at(86_400_000, false), "1970-01-02");
        assert_eq!(at(86_400_500, false), "1970-01-02T00:00:00.5");
        assert_eq!(at(86_400_000, true), "1970-01-02T00:00:00Z");
        assert_eq!(at(i64::MAX, true), i64::MAX.to_string());
    }
}
