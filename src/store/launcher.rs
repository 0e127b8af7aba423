//! A local PostgreSQL of muster's own.
