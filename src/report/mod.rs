//! What people read after a run: terminal text, `summary.json`, `summary.html`, corrections.

pub mod html;
pub mod human;
