//! The server's settings, which muster writes at every start.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::owner::Owner;
use super::{Local, trouble};
use crate::refusal::Result;

impl Local {
    pub(super) fn settings(&self) -> PathBuf {
        self.home.join("postgresql.conf")
    }

    /// Settings are ours and outside of the cluster: as root we never write into a folder that
    /// belongs to somebody else, where a link could lead us anywhere.
    pub(super) fn write_settings(&self, owner: Option<Owner>) -> Result<()> {
        let path = self.settings();
        let text = settings(&self.socket, memory_bytes());
        let mode = if owner.is_some() { 0o644 } else { 0o600 };
        fs::write(&path, text)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(mode)))
            .map_err(|error| trouble("write", &path, &error))
    }
}

/// The settings file. Errors of statements aren't logged, because they quote people's data.
fn settings(socket: &Path, memory: u64) -> String {
    let megabytes = memory >> 20;
    let shared_buffers = (megabytes / 8).clamp(16, 256);
    let maintenance = (megabytes / 16).clamp(16, 256);
    let work = (megabytes / 64).clamp(4, 64);
    let cache = (megabytes / 2).max(64);
    let socket = socket.to_string_lossy().replace('"', "\"\"");
    let socket = socket.replace('\\', "\\\\").replace('\'', "''");
    // The first is filled in last: a path may have anything in it.
    let values = [
        ("{socket}", socket),
        ("{shared_buffers}", shared_buffers.to_string()),
        ("{maintenance}", maintenance.to_string()),
        ("{work}", work.to_string()),
        ("{cache}", cache.to_string()),
    ];
    let template = include_str!("postgresql.conf").to_string();
    let fill = |text: String, (name, value): (&str, String)| text.replacen(name, &value, 1);
    values.into_iter().rev().fold(template, fill)
}

/// The machine's memory or, where it is less, what the container may use.
fn memory_bytes() -> u64 {
    const UNKNOWN: u64 = 1 << 30;
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes << 10)
    });
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    machine
        .unwrap_or(UNKNOWN)
        .min(container.unwrap_or(u64::MAX))
}
