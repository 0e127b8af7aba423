//! A rendered mail as the bytes that go over the wire (RFC 5322, RFC 2045).

/// A composed mail for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Message-ID, with its angle brackets.
    pub id: String,
    /// Envelope sender.
    pub from: String,
    /// Envelope recipient.
    pub to: String,
    /// Header and body, lines ended by CRLF.
    pub bytes: Vec<u8>,
}
