//! The language in which rows are asked for: `outcome = "rejected" and code in ("email.syntax")`.
//!
//! ```text
//! any  = all { "or" all }
//! all  = not { "and" not }
//! not  = "not" not | "(" any ")" | test
//! test = column ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
//!      | column [ "not" ] ( "in" "(" value { "," value } ")" | "like" text | "ilike" text
//!                         | "contains" text | "starts" "with" text )
//!      | column "is" [ "not" ] "null"
//! ```
//!
//! A test is true or false, never unknown: a value that is missing is unequal to every value. A column
//! of words, such as the issues, passes a test if one of its words does.

use std::collections::{BTreeSet, HashSet};

use polars_core::prelude::{
    BooleanChunked, Column as Values, DataType, Field as PolarsField, IntoColumn, PolarsResult,
};
use polars_lazy::prelude::{Expr, lit};

use super::columns::{Column, Columns, Kind, Mistake};
use crate::definition::nearest;

/// The longest text of a filter, in bytes. Longer ones are no longer written by hand.
const TEXT_MAX: usize = 16 << 10;
/// How deep parentheses and `not` may nest.
const DEPTH_MAX: usize = 64;

/// Which rows are asked for.
pub struct Filter {
    pub(super) expr: Expr,
    /// The columns of the file that it needs.
    pub(super) needs: BTreeSet<String>,
}

type Parsed<T> = Result<T, Mistake>;

/// Reads a filter over those columns.
///
/// # Errors
/// The first mistake, with its place.
pub(super) fn parse(text: &str, columns: &Columns) -> Parsed<Filter> {
    if text.len() > TEXT_MAX {
        let what = format!("the expression is longer than {TEXT_MAX} bytes");
        return Err(Mistake::new(
            0,
            what,
            "filter the output of `--csv` instead",
        ));
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        end: text.trim_end().len(),
        columns,
        needs: BTreeSet::new(),
        depth: 0,
    };
    let expr = parser.any()?;
    match parser.peek() {
        None => Ok(Filter {
            expr,
            needs: parser.needs,
        }),
        Some(_) => Err(parser.expected("`and`, `or` or the end")),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token<'a> {
    /// A column's name, or a word of the language.
    Word(&'a str),
    /// What is in quotes.
    Text(String),
    Number(u64),
    /// An operator, a parenthesis or a comma.
    Sign(&'static str),
}

impl Token<'_> {
    fn shown(&self) -> String {
        match self {
            Token::Word(word) => format!("`{word}`"),
            Token::Text(text) => format!("the text `{text}`"),
            Token::Number(number) => format!("the number `{number}`"),
            Token::Sign(sign) => format!("`{sign}`"),
        }
    }
}

/// Longer signs first. The right side is what they mean.
const SIGNS: [(&str, &str); 12] = [
    ("<=", "<="),
    (">=", ">="),
    ("!=", "!="),
    ("<>", "!="),
    ("==", "="),
    ("=", "="),
    ("<", "<"),
    (">", ">"),
    ("(", "("),
    (")", ")"),
    (",", ","),
    ("≠", "!="),
];

/// The tokens of a text, each with the byte where it begins.
fn tokens(text: &str) -> Parsed<Vec<(usize, Token<'_>)>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let of =
            |is_part: fn(char) -> bool| &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        let (token, length) = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if first.is_ascii_digit() {
            let digits = of(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
            let number = digits.parse().map_err(|_| {
                let what = format!("`{digits}` is not a whole number");
                Mistake::new(at, what, "put text in quotes")
            })?;
            (Token::Number(number), digits.len())
        } else if first.is_alphabetic() || first == '_' {
            let word = of(|c| c.is_alphanumeric() || c == '_' || c == '.');
            (Token::Word(word), word.len())
        } else if first == '\'' || first == '"' {
            let (text, length) = quoted(rest, first).ok_or_else(|| {
                let what = format!("the text that begins here has no closing `{first}`");
                Mistake::new(at, what, "a quote within the text is written twice")
            })?;
            (Token::Text(text), length)
        } else if let Some((sign, meant)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
            (Token::Sign(meant), sign.len())
        } else {
            let what = format!("`{first}` is not part of an expression");
            return Err(Mistake::new(at, what, "put text in quotes: ' or \""));
        };
        tokens.push((at, token));
        at += length;
    }
    Ok(tokens)
}

/// The text in quotes at the beginning of `rest`, and the bytes that it takes; `None` without an end.
fn quoted(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            text.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            return Some((text, at + 1));
        }
    }
    None
}

struct Parser<'a> {
    tokens: Vec<(usize, Token<'a>)>,
    next: usize,
    /// Where the text ends.
    end: usize,
    columns: &'a Columns,
    needs: BTreeSet<String>,
    depth: usize,
}

/// A value that a column is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Value {
    Number(u64),
    Text(String),
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Parsed<Expr> {
        let mut expr = self.all()?;
        while self.take_word("or") {
            expr = expr.or(self.all()?);
        }
        Ok(expr)
    }

    fn all(&mut self) -> Parsed<Expr> {
        let mut expr = self.not()?;
        while self.take_word("and") {
            expr = expr.and(self.not()?);
        }
        Ok(expr)
    }

    fn not(&mut self) -> Parsed<Expr> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let what = format!("more than {DEPTH_MAX} levels are nested here");
            return Err(Mistake::new(self.place(), what, "split the expression"));
        }
        let expr = if self.take_word("not") {
            self.not()?.not()
        } else if self.take_sign("(") {
            let expr = self.any()?;
            if !self.take_sign(")") {
                return Err(self.expected("`and`, `or` or `)`"));
            }
            expr
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn test(&mut self) -> Parsed<Expr> {
        let at = self.place();
        let Some(Token::Word(name)) = self.peek() else {
            return Err(self.expected("a column"));
        };
        let name: &'a str = name;
        let column = self.columns.find(name).map_err(|mistake| Mistake {
            at: at + mistake.at,
            ..mistake
        })?;
        self.next += 1;
        self.needs.extend(column.needs().map(String::from));
        if self.take_word("is") {
            let negated = self.take_word("not");
            if !self.take_word("null") {
                return Err(self.expected("`null`"));
            }
            let missing = match column.kind {
                Kind::Words => column.test(|text| !text.is_empty()).not(),
                Kind::Number | Kind::Text => column.expr().is_null(),
            };
            return Ok(if negated { missing.not() } else { missing });
        }
        if let Some(Token::Sign(sign)) = self.peek()
            && !matches!(*sign, "(" | ")" | ",")
        {
            let sign: &'static str = sign;
            let at = self.place();
            self.next += 1;
            let value = self.value(column)?;
            return Self::compared(column, sign, value, at);
        }
        let negated = self.take_word("not");
        let expr = if self.take_word("in") {
            self.listed(column)?
        } else {
            self.matched(column)?
        };
        Ok(if negated { expr.not() } else { expr })
    }

    fn compared(column: &Column, sign: &str, value: Value, at: usize) -> Parsed<Expr> {
        let is_order = !matches!(sign, "=" | "!=");
        if column.kind == Kind::Words {
            if is_order {
                let what = format!("`{}` is a list of words and has no order", column.name);
                return Err(Mistake::new(at, what, "use `=`, `!=`, `in` or `like`"));
            }
            let found = listed(column, vec![value]);
            return Ok(if sign == "=" { found } else { found.not() });
        }
        let (left, right) = (column.expr(), value.literal());
        let missing = lit(false);
        Ok(match sign {
            "=" => left.eq_missing(right),
            "!=" => left.neq_missing(right),
            "<" => left.lt(right).fill_null(missing),
            "<=" => left.lt_eq(right).fill_null(missing),
            ">" => left.gt(right).fill_null(missing),
            _ => left.gt_eq(right).fill_null(missing),
        })
    }

    /// What comes after `in`.
    fn listed(&mut self, column: &Column) -> Parsed<Expr> {
        if !self.take_sign("(") {
            return Err(self.expected("`(`"));
        }
        let mut values = vec![self.value(column)?];
        while self.take_sign(",") {
            values.push(self.value(column)?);
        }
        if !self.take_sign(")") {
            return Err(self.expected("`,` or `)`"));
        }
        Ok(listed(column, values))
    }

    /// A test by a part of the text.
    fn matched(&mut self, column: &Column) -> Parsed<Expr> {
        let at = self.place();
        let word = match self.peek() {
            Some(Token::Word(word)) => word.to_lowercase(),
            _ => String::new(),
        };
        if !matches!(word.as_str(), "like" | "ilike" | "contains" | "starts") {
            return Err(self.expected(
                "`=`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `like`, `ilike`, `contains`, `starts with` or `is null`",
            ));
        }
        self.next += 1;
        if word == "starts" && !self.take_word("with") {
            return Err(self.expected("`with`"));
        }
        if column.kind == Kind::Number {
            let what = format!("`{}` is a number, and `{word}` is for text", column.name);
            return Err(Mistake::new(at, what, "use `=`, `<`, `>` or `in`"));
        }
        let Some(Token::Text(text)) = self.peek() else {
            return Err(self.expected("text in quotes"));
        };
        let text = text.clone();
        self.next += 1;
        Ok(match word.as_str() {
            "like" => column.test_words(move |value| is_like(value, &text)),
            "ilike" => {
                let text = text.to_lowercase();
                column.test_words(move |value| is_like(&value.to_lowercase(), &text))
            }
            "contains" => column.test_words(move |value| value.contains(&text)),
            _ => column.test_words(move |value| value.starts_with(&text)),
        })
    }

    /// The next value, which must fit the column.
    fn value(&mut self, column: &Column) -> Parsed<Value> {
        let at = self.place();
        let name = &column.name;
        let value = match self.peek() {
            Some(Token::Number(number)) if column.kind == Kind::Number => Value::Number(*number),
            Some(Token::Number(number)) => {
                let what = format!("`{name}` is text, not a number");
                return Err(Mistake::new(at, what, format!("write '{number}'")));
            }
            Some(Token::Text(_)) if column.kind == Kind::Number => {
                let what = format!("`{name}` is a number, not text");
                return Err(Mistake::new(at, what, "write the number without quotes"));
            }
            Some(Token::Text(text)) => Value::Text(text.clone()),
            Some(Token::Word(word)) => {
                let what = format!("a value was expected here, not `{word}`");
                return Err(Mistake::new(
                    at,
                    what,
                    format!("write text in quotes: '{word}'"),
                ));
            }
            _ => return Err(self.expected("a value")),
        };
        if let Value::Text(text) = &value
            && !column.known.is_empty()
            && !column.known.contains(&text.as_str())
        {
            let what = format!("`{name}` is never `{text}`");
            let near = nearest(text, column.known.iter().copied());
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("`{name}` is one of: {}", column.known_shown()),
            };
            return Err(Mistake::new(at, what, help));
        }
        self.next += 1;
        Ok(value)
    }

    fn peek(&self) -> Option<&Token<'a>> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    /// Where the next token begins.
    fn place(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |(at, _)| *at)
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let is =
            matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted));
        self.next += usize::from(is);
        is
    }

    fn take_sign(&mut self, wanted: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Sign(sign)) if *sign == wanted);
        self.next += usize::from(is);
        is
    }

    fn expected(&self, what: &str) -> Mistake {
        let found = self.peek().map_or("the end".to_string(), Token::shown);
        let what = format!("expected {what}, found {found}");
        Mistake::new(
            self.place(),
            what,
            "for example: outcome = 'rejected' and line < 100",
        )
    }
}

impl Value {
    fn literal(self) -> Expr {
        match self {
            Value::Number(number) => lit(number),
            Value::Text(text) => lit(text),
        }
    }
}

/// The rows that are about one of `accounts` or have one of `numbers`, of those that pass `filter`.
pub(super) fn among(
    filter: Option<Filter>,
    (accounts, numbers): (Vec<String>, Vec<u64>),
    columns: &Columns,
) -> Parsed<Filter> {
    let (account, row) = (columns.find("account")?, columns.find("row")?);
    let accounts = accounts.into_iter().map(Value::Text).collect();
    let numbers = numbers.into_iter().map(Value::Number).collect();
    let found = listed(account, accounts).or(listed(row, numbers));
    let of_found = account.needs().chain(row.needs()).map(String::from);
    let mut needs: BTreeSet<String> = of_found.collect();
    Ok(match filter {
        None => Filter { expr: found, needs },
        Some(filter) => {
            needs.extend(filter.needs);
            Filter {
                expr: filter.expr.and(found),
                needs,
            }
        }
    })
}

/// Whether the column has one of the values.
fn listed(column: &Column, values: Vec<Value>) -> Expr {
    let mut numbers = HashSet::new();
    let mut texts = HashSet::new();
    for value in values {
        match value {
            Value::Number(number) => drop(numbers.insert(number)),
            Value::Text(text) => drop(texts.insert(text)),
        }
    }
    if column.kind == Kind::Number {
        return mapped(column.expr(), move |values| {
            let numbers = &numbers;
            let hits = values
                .u64()?
                .iter()
                .map(|value| value.is_some_and(|value| numbers.contains(&value)));
            Ok(hits.collect())
        });
    }
    column.test_words(move |value| texts.contains(value))
}

impl Column {
    /// Whether the text passes the test; a missing one doesn't.
    fn test(&self, test: impl Fn(&str) -> bool + Send + Sync + 'static) -> Expr {
        mapped(self.expr(), move |values| {
            Ok(values
                .str()?
                .iter()
                .map(|text| text.is_some_and(&test))
                .collect())
        })
    }

    /// Whether the text, or one of the words, passes the test.
    fn test_words(&self, test: impl Fn(&str) -> bool + Send + Sync + 'static) -> Expr {
        match self.kind {
            Kind::Words => self.test(move |text| !text.is_empty() && text.split(',').any(&test)),
            Kind::Number | Kind::Text => self.test(test),
        }
    }
}

/// A test of a column's values by a function.
fn mapped(
    expr: Expr,
    test: impl Fn(&Values) -> PolarsResult<BooleanChunked> + Send + Sync + 'static,
) -> Expr {
    expr.map(
        move |values| {
            Ok(test(&values)?
                .into_column()
                .with_name(values.name().clone()))
        },
        |_, field| Ok(PolarsField::new(field.name().clone(), DataType::Boolean)),
    )
}

/// Whether a text fits a pattern in which `%` is any text, `_` any character, and `\` makes the next
/// character an ordinary one.
fn is_like(text: &str, pattern: &str) -> bool {
    let (mut text, mut pattern) = (text.chars(), pattern.chars());
    // Where to go on after the last `%` when what follows it doesn't fit.
    let mut retry: Option<(std::str::Chars, std::str::Chars)> = None;
    loop {
        let before = text.clone();
        let fits = match pattern.next() {
            Some('%') => {
                retry = Some((before, pattern.clone()));
                continue;
            }
            Some('_') => text.next().is_some(),
            Some('\\') => {
                let wanted = pattern.next();
                wanted.is_some() && text.next() == wanted
            }
            Some(wanted) => text.next() == Some(wanted),
            None if before.as_str().is_empty() => return true,
            None => false,
        };
        if fits {
            continue;
        }
        let Some((rest, behind)) = &mut retry else {
            return false;
        };
        if rest.next().is_none() {
            return false;
        }
        (text, pattern) = (rest.clone(), behind.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_texts() {
        for (text, pattern, fits) in [
            ("email.syntax", "email.%", true),
            ("email.syntax", "email", false),
            ("email.syntax", "%syn%", true),
            ("aab", "%ab", true),
            ("aab", "a_b", true),
            ("äb", "_b", true),
            ("ab", "a%b%", true),
            ("100%", "100\\%", true),
            ("1000", "100\\%", false),
            ("ab", "ab\\", false),
            ("", "%", true),
            ("", "_", false),
            ("abcabd", "%b_", true),
            ("abcabd", "%b%c", false),
        ] {
            assert_eq!(is_like(text, pattern), fits, "`{text}` like `{pattern}`");
        }
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let columns = Columns::of_ledger();
        for (text, at, what) in [
            ("", 0, "expected a column, found the end"),
            ("lin = 1", 0, "unknown column `lin`"),
            (
                "line = 1 an",
                9,
                "expected `and`, `or` or the end, found `an`",
            ),
            ("(line = 1", 9, "expected `and`, `or` or `)`, found the end"),
            (
                "line = 'x",
                7,
                "the text that begins here has no closing `'`",
            ),
            ("line = 1.5", 7, "`1.5` is not a whole number"),
            ("file = 1", 7, "`file` is text, not a number"),
            ("line in (1, 'x')", 12, "`line` is a number, not text"),
            (
                "line like 'x'",
                5,
                "`line` is a number, and `like` is for text",
            ),
            (
                "outcome = created",
                10,
                "a value was expected here, not `created`",
            ),
            ("outcome = 'create'", 10, "`outcome` is never `create`"),
            (
                "code < 'email.syntax'",
                5,
                "`issues` is a list of words and has no order",
            ),
            ("file is nul", 8, "expected `null`, found `nul`"),
            ("line = 1 & line = 2", 9, "`&` is not part of an expression"),
            ("file = 'ä' and x = 1", 16, "unknown column `x`"),
        ] {
            let mistake = parse(text, &columns).err().unwrap();
            assert_eq!((mistake.at, mistake.what.as_str()), (at, what), "{text}");
        }
        let deep = "(".repeat(DEPTH_MAX + 1);
        assert_eq!(parse(&deep, &columns).err().unwrap().at, DEPTH_MAX);
        let long = format!("line = 1{}", " ".repeat(TEXT_MAX));
        assert!(parse(&long, &columns).is_err());
        // As deep as polars' trees get with a text of that length.
        let long = "row=1 or ".repeat(TEXT_MAX / 9 - 1) + "row=1";
        assert!(parse(&long, &columns).is_ok());
    }
}
