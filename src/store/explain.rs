//! What the books say of one person.
