//! PostgreSQL: finding or starting it, connecting, migrations, and every SQL statement.
//! The only room that knows SQL, and with `notify` the only one that is async inside.

pub mod binaries;
pub mod connect;
pub mod launcher;
pub mod migrate;
#[cfg(test)]
pub mod scratch;
