//! Leads a file through the pure passes, up to one of them, on one thread: what `benches/count`
//! counts the instructions of. `cargo run --release --example count -- people.csv validate`
//!
//! `start` is all that is done once, however many rows there are.

mod passes;

use std::hint::black_box;
use std::path::Path;

use passes::Input;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, last] = arguments.as_slice() else {
        panic!("name a file, and the last pass: start, read, clean, dedupe or validate");
    };
    let input = passes::open(Path::new(path));
    make_tables(&input);
    if last == "start" {
        return;
    }
    let cells = passes::read(&input.source);
    if last == "read" {
        return drop(black_box(cells));
    }
    let drafts = passes::cleaned(&input, cells);
    if last == "clean" {
        return drop(black_box(drafts));
    }
    let verdicts = passes::deduped(&drafts);
    if last == "dedupe" {
        return drop(black_box((drafts, verdicts)));
    }
    assert_eq!(last, "validate", "the last pass");
    drop(black_box(passes::validated(&input, drafts, verdicts)));
}

/// Leads the first batch through all passes, since they make their tables when they need them first.
fn make_tables(input: &Input) {
    let mut cells = passes::read(&input.source);
    cells.truncate(1);
    let drafts = passes::cleaned(input, cells);
    let verdicts = passes::deduped(&drafts);
    drop(black_box(passes::validated(input, drafts, verdicts)));
}
