//! The sending loop: pace, claim, render, compose, deliver, record.
