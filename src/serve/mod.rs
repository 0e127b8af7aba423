//! The small public page where a link leads: accept an invitation, or set a new password.
