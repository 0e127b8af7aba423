//! The summary as terminal text.
