//! Who of a run's people is written to, and why the others are not. Pure.
