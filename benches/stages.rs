//! The pure passes, one by one, on the same 20,000 made-up rows: `cargo bench --bench stages`.

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use muster::decision::Planned;
use muster::meaning::membership::Tree;
use muster::meaning::person::Person;
use muster::outcome::{Outcome, Verdict};
use muster::row::Drafts;
use muster::run_key::RunKey;
use muster::spool;
use muster::stages::clash::key_hashes;
use muster::stages::dedupe::fingerprints;
use muster::stages::load;
use muster::stages::plan::decide;

use passes::{cleaned, open, read, validated};

#[expect(dead_code, reason = "duplicates are found without a spool there")]
mod passes;
mod people;

const ROWS: u64 = 20_000;

/// The duplicates' verdicts for rows of which none is one.
fn kept(drafts: &[Drafts]) -> Vec<Vec<Verdict>> {
    let of_batch = |drafts: &Drafts| vec![Verdict::Kept; drafts.places.len()];
    drafts.iter().map(of_batch).collect()
}

#[expect(
    clippy::too_many_lines,
    reason = "a list of benches, one after the other"
)]
fn stages(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let (csv, xlsx) = (
        folder.path().join("people.csv"),
        folder.path().join("people.xlsx"),
    );
    let made = people::People {
        rows: ROWS,
        seed: 7,
        dirt: 0.03,
        latin_only: false,
        change: None,
    };
    let mut out = std::fs::File::create(&csv).expect("a file");
    made.write_csv(&mut out, people::Dialect::default())
        .expect("room");
    made.write_xlsx(&xlsx).expect("room");
    let input = open(&csv);
    let workbook = open(&xlsx);
    let cells = read(&input.source);
    let drafts = cleaned(&input, cells.clone());
    let batches = validated(&input, drafts.clone(), kept(&drafts));
    let run = RunKey {
        id: "bench".into(),
        seed: 1,
        started_ms: 1,
    };

    let mut group = criterion.benchmark_group("stages");
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    group.bench_function("read csv", |bencher| bencher.iter(|| read(&input.source)));
    group.bench_function("read xlsx", |bencher| {
        bencher.iter(|| read(&workbook.source));
    });
    group.bench_function("clean", |bencher| {
        bencher.iter(|| cleaned(&input, cells.clone()));
    });
    group.bench_function("dedupe", |bencher| {
        bencher.iter(|| {
            drafts
                .iter()
                .map(|drafts| fingerprints(drafts, 1))
                .collect::<Vec<_>>()
        });
    });
    group.bench_function("validate", |bencher| {
        bencher.iter_batched(
            || (drafts.clone(), kept(&drafts)),
            |(drafts, verdicts)| validated(&input, drafts, verdicts),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("clash keys", |bencher| {
        bencher.iter(|| {
            batches
                .iter()
                .map(|batch| key_hashes(batch, 1))
                .collect::<Vec<_>>()
        });
    });
    group.bench_function("spool", |bencher| {
        bencher.iter(|| {
            batches
                .iter()
                .for_each(|batch| drop(black_box(spool::encode(batch))));
        });
    });
    let tree = Tree::new(HashMap::new(), &input.definition.groups);
    group.bench_function("plan", |bencher| {
        bencher.iter(|| {
            for people in &batches {
                for index in 0..people.len() {
                    let person = Person {
                        people,
                        index,
                        layout: &input.layout,
                    };
                    black_box(decide(&person, None, &input.definition, &tree));
                }
            }
        });
    });
    let written: Vec<load::Batch> = batches
        .iter()
        .map(|batch| load::Batch {
            first_row: batch.drafts.first_row,
            people: Some(batch.clone()),
            given: HashMap::new(),
            planned: Planned {
                outcomes: vec![Outcome::Created; batch.len()],
                ..Planned::default()
            },
        })
        .collect();
    group.bench_function("load encode", |bencher| {
        bencher.iter(|| {
            load::encode(
                &written,
                true,
                &input.layout,
                &input.definition,
                &run,
                &tree,
            )
        });
    });
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
