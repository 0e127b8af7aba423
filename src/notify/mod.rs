//! The separate step of inviting: a run's people are selected, mailed, and can activate their
//! accounts.
//!
//! ```text
//! run's people ─ select ─ queue ─ claim ─ render ─ compose ─ deliver ─ record
//! ```
//!
//! Nothing in here reads an input file, and nothing that imports calls it. What was sent, and what
//! happened to it, is in the database before and after every mail: a sender that is killed in
//! between leaves a claim that the next one finds.

pub mod calendar;
pub mod message;
pub mod outbox;
pub mod pace;
#[cfg(test)]
pub(crate) mod scripted;
pub mod select;
pub mod smtp;
pub mod template;
pub mod token;

/// A file that goes with a mail.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// Its name, without a path.
    pub name: String,
    /// MIME type, such as `text/csv`.
    pub mime: String,
    /// Its content.
    pub bytes: Vec<u8>,
}
