//! Names and values of others in SQL text.

use std::fmt;

use crate::definition::target::Literal;

/// A name as an SQL identifier.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

/// Text as an SQL literal.
pub(in crate::store) fn text(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    match doubled.contains('\\') {
        true => format!(" E'{}'", doubled.replace('\\', "\\\\")),
        false => format!("'{doubled}'"),
    }
}

/// A value as an SQL literal.
pub(super) fn literal(value: &Literal) -> String {
    match value {
        Literal::Bool(value) => value.to_string(),
        Literal::Integer(value) => format!("({value})"),
        Literal::Float(value) => format!("({value})"),
        Literal::Text(value) => text(value),
    }
}

#[cfg(test)]
mod tests {
    use super::{Quoted, text};

    #[test]
    fn nothing_ends_its_quotes() {
        assert_eq!(Quoted("a\"b").to_string(), "\"a\"\"b\"");
        assert_eq!(text("it's"), "'it''s'");
        assert_eq!(text("\\'"), " E'\\\\'''");
    }
}
