//! Leads a file through the pure passes, up to one of them, on one thread: what `benches/count`
//! counts the instructions of. `cargo run --release --example count -- people.csv validate`

mod passes;

use std::hint::black_box;
use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, last] = arguments.as_slice() else {
        panic!("name a file, and the last pass: map, read, clean, dedupe or validate");
    };
    let input = passes::open(Path::new(path));
    if last == "map" {
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
