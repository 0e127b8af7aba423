//! The pure passes, one by one, on the same 20,000 made-up rows: `cargo bench --bench stages`.

use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use muster::definition::{self, Definition};
use muster::header::Vocabulary;
use muster::outcome::{Outcome, Verdict};
use muster::row::{Cells, Drafts, Layout, People as Batch};
use muster::spool;
use muster::stages::clash::key_hashes;
use muster::stages::clean::clean;
use muster::stages::dedupe::fingerprints;
use muster::stages::load::{self, RunKey};
use muster::stages::map::{self, Mapping};
use muster::stages::membership::Tree;
use muster::stages::plan::{Person, Planned, decide};
use muster::stages::read::{Source, Wanted};
use muster::stages::validate::validate;

mod people;

const ROWS: u64 = 20_000;

struct Input {
    definition: Definition,
    source: Source,
    layout: Layout,
    mapping: Mapping,
    cells: Vec<Cells>,
}

fn open(path: &Path) -> Input {
    let definition = definition::open(None)
        .expect("the default pipeline")
        .definition;
    let vocabulary = Vocabulary::new(&definition);
    let wanted = Wanted {
        definition: &definition,
        vocabulary: &vocabulary,
    };
    let source = Source::open(path, &wanted).expect("a generated file");
    let targets = map::targets(&source, &vocabulary, &definition).expect("known columns");
    let layout = map::layout(std::slice::from_ref(&targets), &definition);
    let mapping = map::mapping(&targets, &layout, &definition);
    let mut input = Input {
        definition,
        source,
        layout,
        mapping,
        cells: Vec::new(),
    };
    input.cells = read(&input.source);
    input
}

fn read(source: &Source) -> Vec<Cells> {
    let mut batches = Vec::new();
    let mut keep = |cells| {
        batches.push(cells);
        Ok(true)
    };
    source.read(0, 0, &mut keep).expect("a generated file");
    batches
}

fn drafts_of(input: &Input) -> Vec<Drafts> {
    let clean = |cells: &Cells| {
        clean(
            cells.clone(),
            &input.mapping,
            &input.layout,
            &input.definition,
        )
    };
    input.cells.iter().map(clean).collect()
}

fn validated(input: &Input, drafts: Vec<Drafts>) -> Vec<Batch> {
    drafts
        .into_iter()
        .map(|drafts| {
            let verdicts = vec![Verdict::Kept; drafts.places.len()];
            validate(drafts, verdicts, &input.layout, &input.definition)
        })
        .collect()
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
    let drafts = drafts_of(&input);
    let batches = validated(&input, drafts.clone());
    let run = RunKey {
        id: "bench".into(),
        seed: 1,
        started_ms: 1,
    };

    let mut group = criterion.benchmark_group("stages");
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    group.bench_function("read csv", |bencher| bencher.iter(|| read(&input.source)));
    group.bench_function("read xlsx", |bencher| {
        bencher.iter(|| read(&workbook.source))
    });
    group.bench_function("clean", |bencher| bencher.iter(|| drafts_of(&input)));
    group.bench_function("dedupe", |bencher| {
        bencher.iter(|| {
            drafts
                .iter()
                .map(|drafts| fingerprints(drafts, 1))
                .collect::<Vec<_>>()
        })
    });
    group.bench_function("validate", |bencher| {
        bencher.iter_batched(
            || drafts.clone(),
            |drafts| validated(&input, drafts),
            BatchSize::LargeInput,
        )
    });
    group.bench_function("clash keys", |bencher| {
        bencher.iter(|| {
            batches
                .iter()
                .map(|batch| key_hashes(batch, 1))
                .collect::<Vec<_>>()
        })
    });
    group.bench_function("spool", |bencher| {
        bencher.iter(|| {
            batches
                .iter()
                .for_each(|batch| drop(black_box(spool::encode(batch))))
        })
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
        })
    });
    let pairs: Vec<(Batch, Planned)> = batches
        .iter()
        .map(|batch| {
            let outcomes = vec![Outcome::Created; batch.len()];
            (
                batch.clone(),
                Planned {
                    outcomes,
                    ..Planned::default()
                },
            )
        })
        .collect();
    group.bench_function("load encode", |bencher| {
        bencher.iter(|| load::encode(&pairs, &input.layout, &input.definition, &run, &tree))
    });
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
