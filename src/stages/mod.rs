//! The passes in their order, a module each: `read`, `map`, `clean`, `dedupe`, `validate`, and
//! against the database `match`, `plan`, `safeguards`, `load`; and, before all of them, `propose`.
//! [`crate::pipeline`] calls them; they never call each other.

pub mod clash;
pub mod clean;
pub mod closing;
pub mod dedupe;
pub mod key_transfer;
pub mod leavers;
pub mod load;
pub mod managers;
pub mod map;
pub mod plan;
pub mod profiling;
pub mod propose;
pub mod read;
pub mod resubmission;
pub mod revalidate;
pub mod safeguards;
pub mod slipped;
pub mod snapshot;
pub mod undo;
pub mod validate;
