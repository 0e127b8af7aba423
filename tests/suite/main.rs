//! Runs the built `muster` against a real PostgreSQL, which it starts itself.
//!
//! The crate doesn't use the library: what is tested is what people run, and nothing here has to
//! link it. `MUSTER_BLESS=1 cargo test --release` rewrites what cases expect; read the diff.

#[path = "../../benches/people.rs"]
mod people;

mod bad_input;
mod cases;
mod console;
mod corrections;
mod demo;
mod docs;
mod drop;
mod first_load;
mod glossary;
mod guides;
mod help;
mod invitations;
mod layers;
mod mailbox;
mod managers;
mod memory;
mod nightly;
mod passwords;
mod people_change;
mod people_now;
mod pipelines;
mod plans;
mod presets;
mod properties;
mod resume;
mod safeguards;
mod sessions;
mod share;
mod spread;
mod support;
mod targets;
mod undo;
