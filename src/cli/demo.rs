//! `muster demo`: the whole way in a browser, on this machine, with people who don't exist.
//!
//! Everything is in a folder of its own, with a database of its own.

use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest, Sha256};

use crate::cli::terminal::{print, stop_on_signal};
use crate::file::{atomically, unwritable};
use crate::issue::Code;
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::store::connect::Target;
use crate::store::launcher::{Local, home_from_environment};
use crate::store::uploads::{Settings, Upload};
use crate::store::{self, Store};
use crate::text::hex;

/// The list that is there from the beginning.
const PEOPLE: &[u8] = include_bytes!("../../fixtures/demo/people.csv");
const NAME: &str = "people.csv";
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Args)]
pub(super) struct DemoArgs {
    /// Where the console listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8481")]
    listen: SocketAddr,
    /// Where the page listens that links in mails open
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8480")]
    serve: SocketAddr,
    /// Remove the last demo first
    #[arg(long)]
    fresh: bool,
}

/// `muster demo`.
pub(super) fn demo(args: &DemoArgs) -> Result<Exit> {
    let home = home_from_environment()?.join("demo");
    let local = Local::at(&home);
    if args.fresh && home.exists() {
        local.stop()?;
        std::fs::remove_dir_all(&home).map_err(|error| unwritable(&home, &error))?;
    }
    print(&format!(
        "starting a demo in {}; nothing else on this machine is touched\n",
        home.display()
    ));
    local.start()?;
    let folder = home.join("lists");
    private(&folder)?;
    let store = Store::open(Target::Local(local.clone()))?;
    if store.list_uploads(1)?.is_empty() && store.list_runs(1)?.is_empty() {
        send_list(&store, &home)?;
    }
    drop(store);
    let stop = stop_on_signal();
    let (listen, serve) = (args.listen.to_string(), args.serve.to_string());
    let start = |words: &[&str], quiet: bool| start(&home, &folder, words, quiet);
    let mut children = vec![start(&["serve", "--listen", &serve], true)?];
    let console = start(&["console", "--inbox", "--listen", &listen], false);
    let begun = console.map(|console| children.push(console));
    stop.fetch_or(begun.is_err(), Ordering::Relaxed);
    let ended = attend(&mut children, &stop);
    local.stop()?;
    begun.map(|()| ended)
}

/// Puts the list among the files that were sent.
fn send_list(store: &Store, home: &Path) -> Result<()> {
    let id = store::new_id()?;
    let folder = crate::console::uploads_of(home, id);
    private(&folder)?;
    let path = folder.join(NAME);
    atomically(&path, |file| file.write(PEOPLE))?;
    store.insert_upload(&Upload {
        id,
        name: NAME.to_string(),
        path: path.display().to_string(),
        bytes: PEOPLE.len() as u64,
        sha256: hex(&Sha256::digest(PEOPLE)),
        who: "console:local".to_string(),
        sent_at: String::new(),
        settings: Settings::default(),
    })
}

fn private(folder: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| unwritable(folder, &error))
}

fn start(home: &Path, folder: &Path, words: &[&str], quiet: bool) -> Result<Child> {
    let failed = |error: std::io::Error| {
        let what = format!("`muster {}` can't be started: {error}", words[0]);
        Refusal::new(Code::UsageInvalid, what)
    };
    let program: PathBuf = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    if quiet {
        command.stdout(Stdio::null());
    }
    command
        .args(words)
        .current_dir(folder)
        .env("MUSTER_HOME", home)
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null())
        .spawn()
        .map_err(failed)
}

/// Waits until somebody stops it, or until one of the processes ends; then ends them all.
fn attend(children: &mut [Child], stop: &AtomicBool) -> Exit {
    let mut failed = false;
    while !stop.load(Ordering::Relaxed) && !failed {
        let mut ended = children.iter_mut().map(|child| child.try_wait());
        failed = ended.any(|ended| !matches!(ended, Ok(None)));
        drop(ended);
        thread::sleep(PAUSE);
    }
    for child in children.iter_mut() {
        if matches!(child.try_wait(), Ok(None)) {
            let _ = kill_process(Pid::from_child(child), Signal::INT);
        }
        let _ = child.wait();
    }
    // Why one ended by itself, it said.
    if failed && !stop.load(Ordering::Relaxed) {
        Exit::Refused
    } else {
        Exit::Done
    }
}
