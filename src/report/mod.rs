//! What people read after a run: terminal text, `summary.json`, `summary.html`, corrections.

pub mod as_read;
pub mod cards;
pub mod corrections;
pub mod csv;
pub mod history;
pub mod html;
pub mod human;
pub mod mails;
pub mod people;
pub mod sessions;
pub mod template;
