//! Templates: embedded, or edited copies in a folder; checked before anything is sent.
