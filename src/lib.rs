//! Muster imports people in bulk into PostgreSQL: check a file, see what it would change, apply
//! exactly that, and only then, as a separate step, invite the people it names.
//!
//! # The map of the modules
//!
//! Six layers; a room knows only rooms below it. `docs/architecture.md` has the table, and a test
//! holds it.
//!
//! | layer | rooms |
//! |---|---|
//! | edge | [`cli`], the command line; [`serve`], the page where links lead; [`console`], for administrators |
//! | flow | [`pipeline`], a whole run on one page; [`inbox`], the folder where lists are dropped; [`runs`], which runs are known; [`fixing`] of their rows; [`sending`] of mails; [`people`], who is there |
//! | effects | [`store`], all SQL; [`ledger`], all Parquet; [`report`], what people read; [`notify`], the mails; [`pipelines`], [`password`], [`progress`] |
//! | passes | [`stages`], a file or folder each |
//! | policy | [`definition`], a pipeline file; [`header`], what columns are called; [`meaning`], what cells mean |
//! | values | [`row`], [`issue`], [`outcome`], [`account`], [`decision`], [`summary`] and others; [`text`], [`vocabulary`]; [`memory`], [`spool`], [`mod@file`] |
//!
//! # Invariants, each the absence of something
//!
//! - Nothing below the effects reads the clock, the environment or a global, and no pass calls a pass.
//! - Only `store` knows SQL.
//! - Only `main` exits.
//! - Importing sends no mail, and what sends mail reads no input file.
//! - A row's problem is a value ([`issue::Issue`]), never an error of the run.
//!
//! # Check a list from your own program
//!
//! What the commands do is a call of the library. This checks two rows without a database:
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//!
//! use muster::memory::Budget;
//! use muster::outcome::Outcome;
//! use muster::pipeline::{self, Job};
//! use muster::pipelines;
//! use muster::progress::Progress;
//! use muster::run_key::RunKey;
//! use muster::stages::read::Reader;
//!
//! let folder = tempfile::tempdir()?;
//! let list = folder.path().join("people.csv");
//! std::fs::write(&list, "email,name\nann@firm.org,Ann Ng\nbob@,Bob Ray\n")?;
//!
//! let job = Job {
//!     files: &[list],
//!     sha256: None,
//!     reader: &Reader::default(),
//!     pipeline: &pipelines::open(None)?,
//!     run: RunKey { id: "example".into(), seed: 1, started_ms: 0 },
//!     password: None,
//!     for_plan: false,
//!     allowed: &[],
//!     memory: Budget::of(64 << 20),
//!     folder: folder.path(),
//!     progress: &Progress::new(true),
//!     stop: &AtomicBool::new(false),
//! };
//! let ran = pipeline::check(&job, None)?;
//! let (people, planned) = ran.read(0)?;
//! assert_eq!(planned.outcomes, [Outcome::Created, Outcome::Rejected]);
//! assert_eq!(people.drafts.issues[0].code.name(), "email.syntax");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]

pub mod account;
pub mod admin;
pub mod cli;
pub mod console;
pub mod decision;
pub mod definition;
pub mod field;
pub mod file;
pub mod fixing;
pub mod header;
pub mod history;
pub mod inbox;
pub mod invitation;
pub mod issue;
pub mod json;
pub mod leaver;
pub mod ledger;
pub mod meaning;
pub mod memory;
pub mod notify;
pub mod outcome;
pub mod password;
pub mod people;
pub mod pipeline;
pub mod pipelines;
pub mod profile;
pub mod progress;
#[cfg(test)]
mod properties;
pub mod refusal;
pub mod report;
pub mod row;
pub mod rule;
pub mod run_key;
pub mod runs;
pub mod safeguard;
pub mod selection;
pub mod sending;
pub mod serve;
pub mod session;
pub mod spool;
pub mod stages;
pub mod store;
pub mod summary;
pub mod text;
pub mod vocabulary;
