//! The books of invitations: who has one, who sends it now, what became of it.
