//! The people and groups as they are: which of them are meant, and what is known of them.

pub mod choice;
pub mod groups;
pub mod person;
pub mod timeline;
pub mod typed;
pub mod words;
