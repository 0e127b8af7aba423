//! A rendered mail as the bytes that go over the wire (RFC 5322, RFC 2045).
