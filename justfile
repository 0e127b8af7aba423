# The usual tasks. `just --list` shows them.

# unit tests and the suite
test *ARGS:
    cargo test --release {{ARGS}}

# write the expected files of the cases and the tables of the docs again; read the diff
bless:
    MUSTER_BLESS=1 cargo test --release

# property tests over cases that nobody has seen yet, N times
properties N="20":
    for n in $(seq {{N}}); do PROPTEST_RNG_SEED=$RANDOM$n cargo test --release --lib -- twice_is fast_path_agrees rendered room_for || exit 1; done

# everything that must be green before a change goes in
ci:
    .ci/run

# format, lint
lint:
    cargo fmt
    cargo clippy --release --all-targets -- -D warnings

# instructions of the pure passes against benches/count.txt
count *ARGS:
    benches/count {{ARGS}}

# the comparison with other tools, in under 30 minutes
compare *ARGS:
    benches/compare/run {{ARGS}}

# a file of N made-up people
generate ROWS="100000":
    cargo run --release --example generate -- --rows {{ROWS}} --seed 1 --dirt 3 --out people.csv
