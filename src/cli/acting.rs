//! On whose behalf this process writes: the audit has it of every command.

use std::sync::OnceLock;

use crate::refusal::Result;
use crate::store::Store;
use crate::store::audit::Acting;
use crate::store::connect::Target;

/// Says on whose behalf a command writes: set by the console for what it starts, such as
/// `console:Ann Ng`.
const ACTOR: &str = "MUSTER_ACTOR";

/// On whose behalf this process writes.
static ACTING: OnceLock<Acting> = OnceLock::new();

/// Keeps it for the databases that are opened.
pub(super) fn keep(acting: Acting) {
    // Set once: a process has one command.
    let _ = ACTING.set(acting);
}

/// A database that this command writes into.
pub(super) fn open(target: Target) -> Result<Store> {
    let mut store = Store::open(target)?;
    if let Some(acting) = ACTING.get() {
        store.act_as(acting.clone());
    }
    Ok(store)
}

/// As the console says, or the user and the machine.
pub(super) fn who() -> String {
    actor().unwrap_or_else(|| format!("cli:{}@{}", user(), host()))
}

/// Who acts in the console, where it started this process.
pub(super) fn actor() -> Option<String> {
    let actor = std::env::var(ACTOR).ok()?;
    let shown = actor.chars().filter(|c| !c.is_control()).take(200);
    let shown = shown.collect::<String>().trim().to_string();
    (!shown.is_empty()).then_some(shown)
}

/// By the system's own list: the environment may say anything.
fn user() -> String {
    let uid = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut users = users.lines().map(|line| line.split(':'));
    let found = users.find_map(|mut parts| {
        let name = parts.next()?;
        (parts.nth(1)? == uid).then(|| name.to_string())
    });
    found.unwrap_or(uid)
}

fn host() -> String {
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let names = files
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok());
    let named = std::env::var("HOSTNAME");
    let mut names = names.chain(named).map(|name| name.trim().to_string());
    let found = names.find(|name| !name.is_empty());
    found.unwrap_or_else(|| "localhost".to_string())
}
