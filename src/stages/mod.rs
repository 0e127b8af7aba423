//! The passes in their order, a room each: `read`, `map`, `clean`, `dedupe`, `validate`, and
//! against the database `match`, `plan`, `gates`, `load`; and, before all of them, `propose`.
//! [`crate::pipeline`] calls them; they never call each other.

pub mod clash;
pub mod clean;
pub mod closing;
pub mod dedupe;
pub mod drift;
pub mod follow;
pub mod gates;
pub mod leavers;
pub mod lineage;
pub mod load;
pub mod managers;
pub mod map;
pub mod moves;
pub mod plan;
pub mod propose;
pub mod read;
pub mod roll;
pub mod slipped;
pub mod undo;
pub mod validate;
