//! What a run shows on stderr while it works: a bar per pass on a terminal, otherwise a plain line
//! every few seconds, and nothing with `--quiet`.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressState, ProgressStyle};

/// How often a plain line is written.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows the passes of a run, one after the other.
pub struct Progress {
    mode: Mode,
    pass: Mutex<Option<Pass>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Bars,
    Lines,
    Quiet,
}

struct Pass {
    name: &'static str,
    unit: &'static str,
    bar: ProgressBar,
    rows: u64,
    total: Option<u64>,
    began: Instant,
    line_due: Instant,
}

impl Progress {
    /// Bars where stderr is a terminal, lines otherwise.
    pub fn new(quiet: bool) -> Progress {
        let mode = match (quiet, std::io::stderr().is_terminal()) {
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
        let pass = Pass {
            name,
            unit,
            bar,
            rows: 0,
            total,
            began: now,
            line_due: now + LINE_EVERY,
        };
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
        pass.bar.set_position(pass.rows);
        let left = pass.left(part);
        if pass.total.is_none()
            && let Some(left) = left
        {
            pass.bar
                .set_message(format!(", about {} left", HumanDuration(left)));
        }
        let now = Instant::now();
        if self.mode == Mode::Lines && now >= pass.line_due {
            pass.line_due = now + LINE_EVERY;
            let _ = writeln!(std::io::stderr(), "{}", pass.line(left));
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
            pass.bar.finish_and_clear();
        }
    }
}

impl Pass {
    fn left(&self, part: Option<f64>) -> Option<Duration> {
        let part = match self.total {
            Some(total) if total > 0 => Some(self.rows as f64 / total as f64),
            _ => part,
        };
        let part = part.filter(|part| *part > 0.0)?;
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
            total: Some(80_000),
            began,
            line_due: began,
        };
        let line = pass.line(pass.left(None));
        assert!(line.starts_with("write: 20,000 of 80,000 rows, "), "{line}");
        assert!(line.ends_with("about 30 seconds left"), "{line}");
    }
}
