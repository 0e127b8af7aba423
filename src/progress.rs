//! What a run shows on stderr while it works: a bar per pass on a terminal, otherwise a plain line
//! every few seconds, and nothing with `--quiet`. With `MUSTER_PROGRESS=json` it is a line of JSON,
//! for the process that started this one.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use serde::{Deserialize, Serialize};

/// How often a plain line is written.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// How often a line of JSON is written.
const JSON_EVERY: Duration = Duration::from_millis(500);

/// Set to `json`, it makes progress a line of JSON.
pub const VARIABLE: &str = "MUSTER_PROGRESS";

/// A line of JSON on stderr, by which a process learns how far the one is that it started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The run's id, once it is known.
    Run(String),
    /// How far a pass is.
    Progress(Step),
}

/// How far a pass is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The pass, such as `read`.
    pub pass: String,
    /// What is counted, such as `rows`.
    pub unit: String,
    /// How many are done.
    pub done: u64,
    /// Of how many, where that is known.
    pub total: Option<u64>,
    /// How much of the pass is done, from 0 to 1, where that is known.
    pub part: Option<f64>,
    /// The seconds that are left, where that can be estimated.
    pub left: Option<u64>,
}

/// Shows the passes of a run, one after the other.
pub struct Progress {
    mode: Mode,
    pass: Mutex<Option<Pass>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Bars,
    Lines,
    Json,
    Quiet,
}

struct Pass {
    name: &'static str,
    unit: &'static str,
    bar: ProgressBar,
    rows: u64,
    part: Option<f64>,
    total: Option<u64>,
    began: Instant,
    every: Duration,
    line_due: Instant,
}

impl Progress {
    /// Bars where stderr is a terminal, lines otherwise; JSON where the environment asks for it.
    pub fn new(quiet: bool) -> Progress {
        let is_json = std::env::var_os(VARIABLE).is_some_and(|value| value == "json");
        let mode = match (quiet, std::io::stderr().is_terminal()) {
            _ if is_json => Mode::Json,
            (true, _) => Mode::Quiet,
            (false, true) => Mode::Bars,
            (false, false) => Mode::Lines,
        };
        Progress {
            mode,
            pass: Mutex::new(None),
        }
    }

    /// Begins a pass; `total` is its number of rows, where that is known.
    pub fn begin(&self, name: &'static str, total: Option<u64>) {
        self.begin_of(name, "rows", total);
    }

    /// Begins a pass over something else than rows, such as `mails`.
    pub fn begin_of(&self, name: &'static str, unit: &'static str, total: Option<u64>) {
        self.end();
        let bar = match (self.mode, total) {
            (Mode::Bars, Some(total)) => ProgressBar::new(total).with_style(style(
                &format!("{{prefix:>8}} {{bar:30}} {{human_pos}}/{{human_len}} {unit}, {{rate}}, {{eta}} left"),
                unit,
            )),
            (Mode::Bars, None) => ProgressBar::new_spinner().with_style(style(
                &format!("{{prefix:>8}} {{spinner}} {{human_pos}} {unit}, {{rate}}{{msg}}"),
                unit,
            )),
            _ => ProgressBar::hidden(),
        };
        bar.set_prefix(name);
        let now = Instant::now();
        let every = match self.mode {
            Mode::Json => JSON_EVERY,
            _ => LINE_EVERY,
        };
        let pass = Pass {
            name,
            unit,
            bar,
            rows: 0,
            part: None,
            total,
            began: now,
            every,
            line_due: now + every,
        };
        self.write_json(&pass);
        if let Ok(mut slot) = self.pass.lock() {
            *slot = Some(pass);
        }
    }

    /// Counts rows that the pass is done with. `part` is how much of the input is behind it, from
    /// 0 to 1, where only that is known.
    pub fn add(&self, rows: u64, part: Option<f64>) {
        let Ok(mut slot) = self.pass.lock() else {
            return;
        };
        let Some(pass) = slot.as_mut() else { return };
        pass.rows += rows;
        pass.part = part;
        pass.bar.set_position(pass.rows);
        let left = pass.left();
        if pass.total.is_none()
            && let Some(left) = left
        {
            pass.bar
                .set_message(format!(", about {} left", HumanDuration(left)));
        }
        let now = Instant::now();
        if now < pass.line_due {
            return;
        }
        pass.line_due = now + pass.every;
        if self.mode == Mode::Lines {
            let _ = writeln!(std::io::stderr(), "{}", pass.line(left));
        }
        self.write_json(pass);
    }

    /// Says to the process that waits for this one which run it is.
    pub fn run(&self, id: &str) {
        self.write(&Line::Run(id.to_string()));
    }

    fn write_json(&self, pass: &Pass) {
        self.write(&Line::Progress(pass.step()));
    }

    fn write(&self, line: &Line) {
        if self.mode == Mode::Json
            && let Ok(line) = serde_json::to_string(line)
        {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    /// Says something above the bar, unless asked to be quiet.
    pub fn say(&self, line: &str) {
        let write = || {
            let _ = writeln!(std::io::stderr(), "{line}");
        };
        let slot = self.pass.lock().ok();
        match slot.as_ref().and_then(|slot| slot.as_ref()) {
            _ if self.mode == Mode::Quiet => {}
            Some(pass) => pass.bar.suspend(write),
            None => write(),
        }
    }

    /// Ends the pass under way and takes its bar away.
    pub fn end(&self) {
        let ended = self.pass.lock().ok().and_then(|mut slot| slot.take());
        if let Some(pass) = ended {
            self.write_json(&pass);
            pass.bar.finish_and_clear();
        }
    }
}

impl Pass {
    /// How much of it is done, from 0 to 1.
    fn part(&self) -> Option<f64> {
        match self.total {
            Some(total) if total > 0 => Some(self.rows as f64 / total as f64),
            _ => self.part,
        }
    }

    fn step(&self) -> Step {
        Step {
            pass: self.name.to_string(),
            unit: self.unit.to_string(),
            done: self.rows,
            total: self.total,
            part: self.part(),
            left: self.left().map(|left| left.as_secs()),
        }
    }

    fn left(&self) -> Option<Duration> {
        let part = self.part().filter(|part| *part > 0.0)?;
        let left = self.began.elapsed().as_secs_f64() * (1.0 - part).max(0.0) / part;
        Duration::try_from_secs_f64(left).ok()
    }

    fn line(&self, left: Option<Duration>) -> String {
        let rate = self.rows as f64 / self.began.elapsed().as_secs_f64().max(0.001);
        let of = self
            .total
            .map_or(String::new(), |total| format!(" of {}", HumanCount(total)));
        let left = left.map_or(String::new(), |left| {
            format!(", about {} left", HumanDuration(left))
        });
        format!(
            "{}: {}{of} {unit}, {} {unit}/s{left}",
            self.name,
            HumanCount(self.rows),
            HumanCount(rate as u64),
            unit = self.unit,
        )
    }
}

fn style(template: &str, unit: &'static str) -> ProgressStyle {
    let rate = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // Writing to the bar's own buffer can't fail.
        let _ = write!(out, "{} {unit}/s", HumanCount(state.per_sec() as u64));
    };
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("rate", rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_rows_rate_and_what_is_left() {
        let began = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        let pass = Pass {
            name: "write",
            unit: "rows",
            bar: ProgressBar::hidden(),
            rows: 20_000,
            part: None,
            total: Some(80_000),
            began,
            every: LINE_EVERY,
            line_due: began,
        };
        let line = pass.line(pass.left());
        assert!(line.starts_with("write: 20,000 of 80,000 rows, "), "{line}");
        assert!(line.ends_with("about 30 seconds left"), "{line}");
        let json = serde_json::to_string(&Line::Progress(pass.step())).unwrap();
        let expected = r#"{"progress":{"pass":"write","unit":"rows","done":20000,"total":80000,"part":0.25,"left":30}}"#;
        assert_eq!(json, expected);
        let run = serde_json::to_string(&Line::Run("20261122-051234-7f3a".into())).unwrap();
        assert_eq!(run, r#"{"run":"20261122-051234-7f3a"}"#);
    }
}
