//! Muster imports people in bulk into PostgreSQL: check a file, see what it would change, apply
//! exactly that, and only then, as a separate step, invite the people it names.
//!
//! # The map of the house
//!
//! | room | what it is |
//! |---|---|
//! | [`pipeline`] | the whole flow, on one page |
//! | [`definition`] | `pipelines/*.toml`, read and checked: all policy of a run |
//! | [`row`] [`issue`] [`outcome`] [`summary`] [`refusal`] | the values that flow |
//! | [`header`] | what columns are called in the wild |
//! | [`vocabulary`] | words of many languages, as tables: what they mean in headers and cells |
//! | [`formula`] | text that a spreadsheet would run, made harmless and back |
//! | [`stages`] | the passes, one file or folder each |
//! | [`memory`] | what must be remembered of all rows, within a budget |
//! | [`spool`] | where batches wait on disk between the two halves of a run |
//! | [`planfile`] | what a check would do, as a file that can be read and applied |
//! | [`drop`](mod@drop) | the folder where another system drops its lists: what is complete, and where it goes |
//! | [`store`] | PostgreSQL: launcher, connection, migrations, SQL |
//! | [`report`] | what people read afterwards |
//! | [`notify`] | later, by itself: whom of a run to write to, templates, messages, sending |
//! | [`serve`] | the page where links lead |
//! | [`cli`] [`progress`] | the command line and what it shows meanwhile |
//!
//! # Invariants, each the absence of something
//!
//! - No stage reads the clock, the environment or a global, and no stage calls a stage.
//! - Only `read`, `memory`, `spool`, `planfile`, `drop`, `store`, `report`, `notify`, `serve` and
//!   `cli` do I/O; only `store` knows SQL, and only `store` and `serve` are async.
//! - Only `main` exits.
//! - Importing sends no mail, and what sends mail reads no input file.
//! - A row's problem is a value ([`issue::Issue`]), never an error of the run.

#![forbid(unsafe_code)]

pub mod cli;
pub mod definition;
pub mod drop;
pub mod formula;
pub mod header;
pub mod issue;
pub mod memory;
pub mod notify;
pub mod outcome;
pub mod pipeline;
pub mod planfile;
pub mod progress;
#[cfg(test)]
mod properties;
pub mod refusal;
pub mod report;
pub mod row;
pub mod serve;
pub mod spool;
pub mod stages;
pub mod store;
pub mod summary;
pub mod vocabulary;

/// Lower-case hex, as hashes are written everywhere.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
