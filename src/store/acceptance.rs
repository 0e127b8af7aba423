//! Letting people in: what a link is worth, and its use.
