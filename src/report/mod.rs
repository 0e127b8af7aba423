//! What people read after a run: terminal text, `summary.json`, `summary.html`, corrections.

pub mod changes;
pub mod corrections;
pub mod csv;
pub mod file;
pub mod history;
pub mod html;
pub mod human;
pub mod post;
pub mod record;
pub mod template;
