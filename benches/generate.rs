//! Writes files of made-up people: `cargo run --release --example generate -- --help`.

mod people;
mod sheets;

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use encoding_rs::Encoding;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook};

use people::{Dialect, People};

/// Writes a file of made-up people; the same arguments always write the same people.
#[derive(Parser)]
struct Arguments {
    /// How many rows
    #[arg(long, default_value_t = 1000)]
    rows: u64,
    /// Other seeds make other people
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// The file to write
    #[arg(long)]
    out: PathBuf,
    /// Percentage of rows with something wrong or untidy
    #[arg(long, default_value_t = 0.0)]
    dirt: f64,
    #[arg(long, default_value_t = ',')]
    delimiter: char,
    /// utf-8, utf-16le, utf-16be, windows-1252
    #[arg(long, default_value = "utf-8")]
    encoding: String,
    #[arg(long, value_enum, default_value_t = LineEnd::Lf)]
    line_end: LineEnd,
    /// Percentage of rows that have another organization and phone number than without this
    #[arg(long, default_value_t = 0.0)]
    change: f64,
    /// Which rows those are
    #[arg(long, default_value_t = 1)]
    change_seed: u64,
    /// Writes a workbook's XML as this program does, with shared strings; inline strings without it
    #[arg(long, value_enum)]
    like: Option<sheets::Program>,
    /// Writes the rows of this CSV file (UTF-8, commas) as a workbook instead
    #[arg(long, conflicts_with_all = ["rows", "dirt", "change"])]
    from_csv: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Csv,
    Xlsx,
}

#[derive(Clone, Copy, ValueEnum)]
enum LineEnd {
    Lf,
    Crlf,
    Cr,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if let Some(path) = &arguments.from_csv {
        return convert(path, &arguments.out);
    }
    let Some(encoding) = Encoding::for_label(arguments.encoding.as_bytes()) else {
        return Err(format!("unknown encoding `{}`", arguments.encoding).into());
    };
    let people = People {
        rows: arguments.rows,
        seed: arguments.seed,
        dirt: arguments.dirt / 100.0,
        latin_only: encoding == encoding_rs::WINDOWS_1252,
        change: (arguments.change > 0.0)
            .then_some((arguments.change / 100.0, arguments.change_seed)),
    };
    let dialect = Dialect {
        delimiter: arguments.delimiter,
        line_end: match arguments.line_end {
            LineEnd::Lf => "\n",
            LineEnd::Crlf => "\r\n",
            LineEnd::Cr => "\r",
        },
        encoding,
    };
    match arguments.format {
        Format::Xlsx => match arguments.like {
            Some(program) => sheets::write(&people, program, &arguments.out)?,
            None => people.write_xlsx(&arguments.out)?,
        },
        Format::Csv => {
            let file = File::create(&arguments.out).map_err(|error| {
                format!("`{}` can't be written: {error}", arguments.out.display())
            })?;
            let mut out = BufWriter::with_capacity(1 << 20, file);
            people.write_csv(&mut out, dialect)?;
            out.flush()?;
        }
    }
    Ok(())
}

/// The rows of a CSV file as a workbook, as if they had been typed into a sheet.
fn convert(from: &PathBuf, to: &PathBuf) -> Result<(), Box<dyn Error>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_path(from)?;
    let mut workbook = Workbook::new();
    // the same bytes every time
    let made = ExcelDateTime::from_ymd(2026, 1, 1)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let sheet = workbook.add_worksheet();
    sheet.set_name("People")?.set_freeze_panes(1, 0)?;
    for (row, record) in reader.records().enumerate() {
        people::write_sheet_row(sheet, row as u32, record?.iter())?;
    }
    workbook.save(to)?;
    Ok(())
}
