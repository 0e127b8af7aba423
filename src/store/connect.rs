//! From a URL, or nothing, to a connection.
