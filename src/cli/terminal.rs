//! What a command prints, and how a person stops it.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::report::human;
pub(super) use crate::text::shell::word as shell_word;

/// Ctrl-C and SIGTERM ask the run to stop at the next place where that is clean; a second one
/// ends it at once, which a later run copes with, too.
pub(super) fn stop_on_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        else {
            return;
        };
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) = (
                signal(SignalKind::interrupt()),
                signal(SignalKind::terminate()),
            ) else {
                return;
            };
            for seen in 0.. {
                let signals = [Box::pin(interrupt.recv()), Box::pin(terminate.recv())];
                let [interrupted, terminated] = signals;
                futures_util::future::select(interrupted, terminated).await;
                if seen > 0 {
                    std::process::abort();
                }
                flag.store(true, Ordering::Relaxed);
                let _ = writeln!(std::io::stderr(), "stopping after the work in progress");
            }
        });
    });
    stop
}

/// Prints to stdout; a reader that has gone away is not an error of ours.
pub(super) fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// A remark on stderr.
pub(super) fn warn(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", human::safe(text));
}

pub(super) fn width() -> usize {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .unwrap_or(100)
}

/// See <https://no-color.org>.
pub(super) fn colour(is_terminal: bool) -> bool {
    is_terminal && std::env::var_os("NO_COLOR").is_none()
}
