//! Pages about people: who is there, who was invited, groups, and a few people more.

pub mod add;
pub mod change;
pub mod export;
pub mod groups;
pub mod invitations;
pub mod link;
pub mod list;
pub mod parts;
pub mod person;
pub mod reminders;
