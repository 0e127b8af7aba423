//! Inviting: who, the mail, sending. For the people of a run, or for people who were chosen.

mod counts;
mod mail;
mod purpose;
mod who;

pub(super) use counts::count_ahead;
pub(super) use mail::{html, message, page, send};
pub(super) use who::{choose, invite, reset};
