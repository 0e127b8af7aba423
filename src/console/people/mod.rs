//! Pages about people: who is there, who was invited, groups, and a few people more.

pub(super) mod add;
pub(super) mod change;
pub(super) mod edit;
pub(super) mod export;
pub(super) mod groups;
pub(super) mod invitations;
pub(super) mod link;
pub(super) mod list;
pub(super) mod parts;
pub(super) mod person;
pub(super) mod pipeline;
pub(super) mod reminders;
