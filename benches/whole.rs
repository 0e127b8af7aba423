//! The whole process, as a user runs it: `cargo bench --bench whole`.
//!
//! Makes a file of `MUSTER_BENCH_ROWS` rows (100,000), then checks it offline, imports it into an
//! empty database of a local server of its own, and imports it again. Prints wall time, rows a
//! second and peak memory of each.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[expect(dead_code, reason = "the generator's room has more than a bench needs")]
mod people;

fn main() {
    let rows = std::env::var("MUSTER_BENCH_ROWS")
        .ok()
        .and_then(|rows| rows.parse().ok())
        .unwrap_or(100_000);
    let folder = tempfile::Builder::new()
        .prefix("muster-bench-")
        .tempdir()
        .expect("a scratch folder");
    let file = folder.path().join("people.csv");
    let made = people::People {
        rows,
        seed: 7,
        dirt: 0.03,
        latin_only: false,
        change: None,
    };
    let mut out = File::create(&file).expect("a file");
    made.write_csv(&mut out, people::Dialect::default())
        .expect("room");
    // The local server may run as another user, who must be able to get here.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).expect("our own folder");
    muster(folder.path(), &["db", "start"]);
    println!("{:<22} {:>9} {:>12} {:>10}", "", "wall", "rows/s", "peak");
    for (name, arguments) in [
        ("check --offline", &["check", "--offline"][..]),
        ("import, empty database", &["import"]),
        ("import, same again", &["import"]),
    ] {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--quiet", "people.csv"]);
        let (wall, peak) = muster(folder.path(), &arguments);
        let rate = rows as f64 / wall.as_secs_f64();
        println!(
            "{name:<22} {:>7.2} s {rate:>12.0} {:>6} MiB",
            wall.as_secs_f64(),
            peak >> 10
        );
    }
    muster(folder.path(), &["db", "stop"]);
}

/// Runs the binary to its end. Returns its wall time and its peak memory in KiB.
fn muster(folder: &Path, arguments: &[&str]) -> (Duration, u64) {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_muster"))
        .args(arguments)
        .current_dir(folder)
        .env("MUSTER_HOME", folder.join("home"))
        .env_remove("DATABASE_URL")
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait().expect("our own child") {
            break status;
        }
        peak = peak.max(peak_of(&status_file).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    };
    // The generated file has rows to fix, so 1 is a good end, too.
    assert!(
        matches!(status.code(), Some(0 | 1)),
        "muster {arguments:?}: {status}"
    );
    (began.elapsed(), peak)
}

/// The most memory that a process held so far, in KiB; see proc(5).
fn peak_of(status_file: &str) -> Option<u64> {
    let status = std::fs::read_to_string(status_file).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}
