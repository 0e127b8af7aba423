//! One connection to a mail server, step by step, so that it is known how far a mail came.
