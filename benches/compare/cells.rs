//! The least that reading a workbook's first sheet takes: calamine's cell reader alone, counting.
//! A peer of `benches/compare/run`: `cargo run --release --example cells -- people.xlsx`.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;

use calamine::{DataRef, Reader, Xlsx};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("name a workbook")?;
    let mut workbook = Xlsx::new(BufReader::new(File::open(path)?))?;
    let sheet = workbook
        .sheet_names()
        .first()
        .ok_or("a workbook without sheets")?
        .clone();
    let mut reader = workbook.worksheet_cells_reader(&sheet)?;
    let (mut cells, mut rows, mut last) = (0u64, 0u64, None);
    while let Some(cell) = reader.next_cell()? {
        if matches!(cell.get_value(), DataRef::Empty) {
            continue;
        }
        let row = Some(cell.get_position().0);
        rows += u64::from(row != last);
        last = row;
        cells += 1;
    }
    println!("{rows} rows, {cells} cells");
    Ok(())
}
