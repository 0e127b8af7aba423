//! What a number looks like through the number format of its cell (ECMA-376 part 1, 18.8.30 and
//! 18.8.31).
//!
//! Text is what the sheet shows, with three exceptions in favour of people who import lists:
//! dates are ISO 8601, exponents are never used, and thousands separators and the currency signs
//! beside them are left out.

use std::fmt::Write;

use jiff::Span;
use jiff::civil::{Date, date};

use super::limits::DIGITS_MAX;
use super::remark::Kind;
use crate::row::ShownAs;

/// The first whole number with more digits than Excel keeps.
const UNSAFE: f64 = 1e15;
/// Excel's own limit for a format's length; a longer one is not from Excel.
const CODE_CHARS_MAX: usize = 255;
/// 9999-12-31, the last day that Excel knows.
const SERIAL_MAX: i64 = 2_958_465;
/// From day 0 of the 1904 date system to day 0 of the 1900 one.
const DAYS_TO_1904: i64 = 1462;
const SECONDS_A_DAY: i64 = 86_400;

/// A number format, parsed once per style.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NumberFormat {
    /// As the workbook has it.
    pub shown_as: ShownAs,
    sections: Vec<Section>,
}

#[derive(Debug, Clone, PartialEq)]
struct Section {
    condition: Option<(Comparison, f64)>,
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    /// `General`, text, fractions, exponents: the number itself.
    Plain,
    /// A pattern of digits.
    Pattern(Pattern),
    /// A date, a time of day, or both.
    Moment { date: bool, time: bool },
    /// Elapsed time, such as `[h]:mm:ss`.
    Duration,
    /// Literal text alone, such as `"yes"`.
    Words(String),
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Pattern {
    /// What comes before the decimal point.
    head: Vec<Token>,
    /// Digits after the point that are always shown.
    decimals_min: usize,
    /// Digits after the point that may be shown.
    decimals_max: usize,
    /// Literal text after the digits.
    tail: String,
    percent: bool,
    /// Whether its literals show a sign of their own.
    signed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    /// `0`: shown even when the number has no such digit.
    Zero,
    /// `#` or `?`.
    Optional,
    Literal(char),
}

/// The code of a format that every workbook has without saying so (ECMA-376 part 1, 18.8.30).
pub(super) fn builtin(id: u16) -> &'static str {
    match id {
        1 => "0",
        2 => "0.00",
        3 | 5 | 6 | 37 | 38 | 41 | 42 => "#,##0",
        4 | 7 | 8 | 39 | 40 | 43 | 44 => "#,##0.00",
        9 => "0%",
        10 => "0.00%",
        11 => "0.00E+00",
        12 | 13 => "# ?/?",
        14 => "mm-dd-yy",
        15 => "d-mmm-yy",
        16 => "d-mmm",
        17 => "mmm-yy",
        18 => "h:mm AM/PM",
        19 => "h:mm:ss AM/PM",
        20 => "h:mm",
        21 => "h:mm:ss",
        22 => "m/d/yy h:mm",
        45 => "mm:ss",
        46 => "[h]:mm:ss",
        47 => "mmss.0",
        48 => "##0.0E+0",
        49 => "@",
        _ => "General",
    }
}

/// Whether a workbook gives one of the formats that it has without saying so a code of its own.
fn is_custom(id: u32, code: &str) -> bool {
    let usual = u16::try_from(id).map_or("", builtin);
    // Where the code depends on the language, it isn't given, or as it is in one of them.
    let is_of_language = matches!(id, 5..=8 | 14..=22 | 37..=44);
    !is_of_language && code != usual
}

/// A format's character after quotes, escapes and brackets are understood.
enum Piece {
    Code(char),
    Literal(char),
    Bracket(String),
}

impl NumberFormat {
    /// The format of a style: its id, and its code where the workbook gives one.
    pub(super) fn new(id: Option<u32>, code: &str) -> NumberFormat {
        let builtin = id.filter(|id| (1..=49).contains(id) && !is_custom(*id, code));
        let shown_as = |code: &str| ShownAs {
            builtin: builtin.map_or(0, |id| id as u8),
            code: code.to_string(),
        };
        // These ids are dates whose code depends on the language of the Excel that shows them.
        if matches!(id, Some(27..=31 | 34..=36 | 50..=54 | 57..=58)) && code == "General" {
            let day = Shape::Moment {
                date: true,
                time: false,
            };
            return NumberFormat::of(day, shown_as("yyyy\\-mm\\-dd"));
        }
        if matches!(id, Some(32 | 33 | 55 | 56)) && code == "General" {
            let time = Shape::Moment {
                date: false,
                time: true,
            };
            return NumberFormat::of(time, shown_as("hh:mm:ss"));
        }
        if code.len() > CODE_CHARS_MAX * 4 {
            return NumberFormat::of(Shape::Plain, shown_as("General"));
        }
        let sections = sections(code).into_iter().map(section).collect();
        NumberFormat {
            sections,
            shown_as: shown_as(code),
        }
    }

    fn of(shape: Shape, shown_as: ShownAs) -> NumberFormat {
        NumberFormat {
            shown_as,
            sections: vec![Section {
                condition: None,
                shape,
            }],
        }
    }

    /// `value` as a workbook has it whose days count from 1900.
    pub(super) fn serial(&self, value: f64, is_1904: bool) -> f64 {
        match self.section(value).0.shape {
            Shape::Moment { date: true, .. } if is_1904 => value + DAYS_TO_1904 as f64,
            _ => value,
        }
    }

    /// What a spreadsheet has made of `value`, where it is more than a number.
    pub(super) fn kind(&self, value: f64) -> Option<Kind> {
        match &self.section(value).0.shape {
            // Below the first day it is the zero of an empty cell, or a time.
            Shape::Moment { date: true, .. } if value >= 1.0 => Some(Kind::Date),
            Shape::Pattern(pattern) if pattern.percent => Some(Kind::Percent),
            _ => None,
        }
    }

    /// Writes `value` as the sheet shows it. `false` when it is a whole number with more digits
    /// than Excel keeps, so that the last ones can't be trusted.
    pub(super) fn show(&self, value: f64, is_1904: bool, out: &mut String) -> bool {
        let (section, own_sign) = self.section(value);
        match &section.shape {
            Shape::Moment { date, time } => {
                if !moment(value, is_1904, *date, *time, out) {
                    plain(value, out);
                }
                return true;
            }
            Shape::Duration if value.abs() < SERIAL_MAX as f64 => {
                duration(value, out);
                return true;
            }
            Shape::Words(words) => {
                out.push_str(words);
                return true;
            }
            Shape::Pattern(pattern) => pattern.show(value, own_sign, out),
            Shape::Plain | Shape::Duration => plain(value, out),
        }
        value.abs() < UNSAFE
    }

    /// The section that shows `value`, and whether that section is there for negative numbers
    /// alone.
    fn section(&self, value: f64) -> (&Section, bool) {
        if self
            .sections
            .iter()
            .any(|section| section.condition.is_some())
        {
            let holds = |section: &&Section| match section.condition {
                Some((comparison, number)) => comparison.holds(value, number),
                None => true,
            };
            let found = self.sections.iter().take(3).find(holds);
            return (found.unwrap_or(&self.sections[0]), false);
        }
        let index = match self.sections.len() {
            2 if value < 0.0 => 1,
            3.. if value < 0.0 => 1,
            3.. if value == 0.0 => 2,
            _ => 0,
        };
        (&self.sections[index], index == 1)
    }
}

impl Comparison {
    #[expect(
        clippy::float_cmp,
        reason = "a format compares numbers as they are written"
    )]
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Comparison::Less => left < right,
            Comparison::LessOrEqual => left <= right,
            Comparison::Equal => left == right,
            Comparison::NotEqual => left != right,
            Comparison::GreaterOrEqual => left >= right,
            Comparison::Greater => left > right,
        }
    }
}

impl Pattern {
    fn show(&self, value: f64, own_sign: bool, out: &mut String) {
        let value = if self.percent { value * 100.0 } else { value };
        if value < 0.0 && !(own_sign && self.signed) {
            out.push('-');
        }
        let start = out.len();
        digits(value.abs(), Some(self.decimals_max), out);
        let shown = out.split_off(start);
        let (whole, decimals) = shown.split_once('.').unwrap_or((&shown, ""));
        self.show_head(whole.trim_start_matches('0'), out);
        let decimals = decimals.trim_end_matches('0');
        if self.decimals_min > 0 || !decimals.is_empty() {
            out.push('.');
            out.push_str(decimals);
            out.extend(std::iter::repeat_n(
                '0',
                self.decimals_min.saturating_sub(decimals.len()),
            ));
        }
        out.push_str(&self.tail);
    }

    /// Digits fill the places from the right; the leftmost place takes all that are left over.
    fn show_head(&self, whole: &str, out: &mut String) {
        let places = self
            .head
            .iter()
            .filter(|token| !matches!(token, Token::Literal(_)))
            .count();
        let surplus = whole.len().saturating_sub(places);
        let mut missing = places.saturating_sub(whole.len());
        let mut rest = whole.chars();
        let mut first = true;
        for token in &self.head {
            match token {
                Token::Literal(literal) => out.push(*literal),
                place => {
                    if std::mem::take(&mut first) {
                        out.extend(rest.by_ref().take(surplus));
                    }
                    if missing > 0 {
                        missing -= 1;
                        if *place == Token::Zero {
                            out.push('0');
                        }
                    } else {
                        out.extend(rest.next());
                    }
                }
            }
        }
        if places == 0 {
            out.push_str(whole);
        }
    }
}

/// Parts a format's code at its semicolons.
fn sections(code: &str) -> Vec<Vec<Piece>> {
    let mut all = vec![Vec::new()];
    let mut chars = code.chars();
    while let Some(c) = chars.next() {
        let piece = match c {
            '"' => {
                let literal = chars.by_ref().take_while(|c| *c != '"');
                let literal: Vec<Piece> = literal.map(Piece::Literal).collect();
                if let Some(last) = all.last_mut() {
                    last.extend(literal);
                }
                continue;
            }
            '\\' => match chars.next() {
                Some(literal) => Piece::Literal(literal),
                None => continue,
            },
            // A space as wide as the next character, and the character that fills the cell.
            '_' | '*' => {
                chars.next();
                continue;
            }
            '[' => Piece::Bracket(chars.by_ref().take_while(|c| *c != ']').collect()),
            ';' => {
                all.push(Vec::new());
                continue;
            }
            code => Piece::Code(code),
        };
        if let Some(last) = all.last_mut() {
            last.push(piece);
        }
    }
    all
}

fn section(pieces: Vec<Piece>) -> Section {
    let mut condition = None;
    let mut elapsed = false;
    let mut codes = String::new();
    for piece in &pieces {
        match piece {
            Piece::Bracket(text) => {
                condition = condition.or_else(|| comparison(text));
                let letters = text.to_ascii_lowercase();
                elapsed |= ["h", "m", "s"].iter().any(|unit| {
                    letters.starts_with(unit) && letters.trim_start_matches(unit).is_empty()
                });
            }
            Piece::Code(c) => codes.push(c.to_ascii_lowercase()),
            Piece::Literal(_) => {}
        }
    }
    let shape = if elapsed {
        Shape::Duration
    } else {
        shape(&codes, &pieces)
    };
    Section { condition, shape }
}

fn comparison(text: &str) -> Option<(Comparison, f64)> {
    let known = [
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("<>", Comparison::NotEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
        ("=", Comparison::Equal),
    ];
    known.iter().find_map(|(sign, comparison)| {
        let number = text.strip_prefix(sign)?.trim().parse().ok()?;
        Some((*comparison, number))
    })
}

/// What a section shows, by its codes in lower case (no literals, no brackets).
fn shape(codes: &str, pieces: &[Piece]) -> Shape {
    if codes.contains("general") || codes.contains('@') {
        return Shape::Plain;
    }
    let half_days = codes.contains("am/pm") || codes.contains("a/p");
    let letters = codes.replace("am/pm", "").replace("a/p", "");
    let has = |wanted: &[char]| letters.contains(wanted);
    if !has(&['#', '?']) || has(&['y', 'd', 'h', 's']) {
        let time = half_days || has(&['h', 's']);
        let date = has(&['y', 'd']) || (has(&['m']) && !time) || (has(&['e']) && !has(&['0']));
        if date || time {
            return Shape::Moment { date, time };
        }
    }
    let has_places = has(&['0', '#', '?']);
    let scaled = codes.ends_with(',') || codes.contains(",.");
    if has(&['e', '/']) || scaled {
        return Shape::Plain;
    }
    if !has_places {
        let words: String = pieces.iter().filter_map(literal).collect();
        return if words.chars().any(char::is_alphabetic) {
            Shape::Words(words)
        } else {
            Shape::Plain
        };
    }
    Shape::Pattern(pattern(pieces, codes.contains(',')))
}

fn literal(piece: &Piece) -> Option<char> {
    match piece {
        Piece::Literal(c) => Some(*c),
        _ => None,
    }
}

/// `amount` is whether the format groups thousands: then its literals are signs of a currency.
fn pattern(pieces: &[Piece], amount: bool) -> Pattern {
    let mut pattern = Pattern::default();
    let mut after_point = false;
    for piece in pieces {
        let literal = match piece {
            Piece::Code(',') | Piece::Bracket(_) => continue,
            Piece::Code('.') if !after_point => {
                after_point = true;
                continue;
            }
            Piece::Code(place @ ('0' | '#' | '?')) => {
                if after_point {
                    pattern.decimals_max += 1;
                    if *place == '0' {
                        pattern.decimals_min = pattern.decimals_max;
                    }
                } else {
                    let token = if *place == '0' {
                        Token::Zero
                    } else {
                        Token::Optional
                    };
                    pattern.head.push(token);
                }
                continue;
            }
            Piece::Code('%') => {
                pattern.percent = true;
                '%'
            }
            Piece::Code(c) | Piece::Literal(c) => *c,
        };
        if amount && literal != '%' {
            continue;
        }
        pattern.signed |= matches!(literal, '-' | '(' | '\u{2212}');
        if after_point || (literal == '%' && !pattern.head.is_empty()) {
            pattern.tail.push(literal);
        } else {
            pattern.head.push(Token::Literal(literal));
        }
    }
    pattern
}

/// The number itself: no exponent, no `.0`, and no more digits than Excel keeps.
fn plain(value: f64, out: &mut String) {
    if value < 0.0 {
        out.push('-');
    }
    digits(value.abs(), None, out);
}

/// Writes a number that isn't negative, rounded to 15 digits as Excel does before it shows one,
/// and to `places` after the point.
fn digits(value: f64, places: Option<usize>, out: &mut String) {
    if value.fract() == 0.0 {
        let _ = if value < UNSAFE {
            write!(out, "{}", value as u64)
        } else {
            write!(out, "{value:.0}")
        };
        return;
    }
    let scientific = format!("{value:.14e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return;
    };
    let mut number: u64 = mantissa.replace('.', "").parse().unwrap_or(0);
    // `number` × 10^-`scale` is the value.
    let mut scale = DIGITS_MAX as i32 - 1 - exponent.parse::<i32>().unwrap_or(0);
    if let Some(places) = places {
        let surplus = scale - places as i32;
        if surplus > 0 {
            let unit = 10u64.checked_pow(surplus as u32);
            number = unit.map_or(0, |unit| (number + unit / 2) / unit);
            scale = places as i32;
        }
    }
    while scale > 0 && number.is_multiple_of(10) && number > 0 {
        number /= 10;
        scale -= 1;
    }
    let scale = if number == 0 {
        0
    } else {
        scale.max(0) as usize
    };
    let text = format!("{number:0width$}", width = scale + 1);
    let (whole, decimals) = text.split_at(text.len() - scale);
    out.push_str(whole);
    if !decimals.is_empty() {
        out.push('.');
        out.push_str(decimals);
    }
}

/// Writes a date as ISO 8601; `false` when the number is none.
fn moment(value: f64, is_1904: bool, date: bool, time: bool, out: &mut String) -> bool {
    if !(0.0..=SERIAL_MAX as f64 + 1.0).contains(&value) {
        return false;
    }
    let total = (value * SECONDS_A_DAY as f64).round() as i64;
    let (mut day, second) = (total / SECONDS_A_DAY, total % SECONDS_A_DAY);
    if day == 0 && time && !date {
        clock(second, out);
        return true;
    }
    if is_1904 {
        day += DAYS_TO_1904;
    } else if day == 0 {
        return false;
    }
    let written = match (day, is_1904) {
        // Excel shows a day that never was, as Lotus 1-2-3 did.
        (60, false) => {
            out.push_str("1900-02-29");
            true
        }
        (..60, false) => calendar(date_of(1899, 12, 31), day, out),
        _ => calendar(date_of(1899, 12, 30), day, out),
    };
    if written && (time || second != 0) {
        out.push('T');
        clock(second, out);
    }
    written
}

fn date_of(year: i16, month: i8, day: i8) -> Date {
    date(year, month, day)
}

fn calendar(epoch: Date, days: i64, out: &mut String) -> bool {
    if days > SERIAL_MAX {
        return false;
    }
    let Ok(date) = epoch.checked_add(Span::new().days(days)) else {
        return false;
    };
    write!(
        out,
        "{:04}-{:02}-{:02}",
        date.year(),
        date.month(),
        date.day()
    )
    .is_ok()
}

fn clock(second: i64, out: &mut String) {
    let _ = write!(
        out,
        "{:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    );
}

fn duration(value: f64, out: &mut String) {
    let second = (value.abs() * SECONDS_A_DAY as f64).round() as i64;
    if value < 0.0 && second > 0 {
        out.push('-');
    }
    let _ = write!(
        out,
        "{}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: f64, code: &str) -> String {
        let mut out = String::new();
        NumberFormat::new(None, code).show(value, false, &mut out);
        out
    }

    #[test]
    fn numbers_are_shown_through_their_format() {
        for (value, code, expected) in [
            (1.0, "General", "1"),
            (491_711_234_567.0, "General", "491711234567"),
            (491_711_234_567.0, "0.00E+00", "491711234567"),
            (0.1 + 0.2, "General", "0.3"),
            (-2.5, "General", "-2.5"),
            (1e-7, "General", "0.0000001"),
            (42.0, "@", "42"),
            (1234.0, "00000", "01234"),
            (123_456.0, "00000", "123456"),
            (-7.0, "000", "-007"),
            (123_456_789.0, "000-00-0000", "123-45-6789"),
            (1_234_567.0, "000\\-00\\-0000", "001-23-4567"),
            (42.0, "\"EMP-\"00000", "EMP-00042"),
            (
                5_551_234_567.0,
                "[<=9999999]###-####;(###) ###-####",
                "(555) 123-4567",
            ),
            (
                5_551_234.0,
                "[<=9999999]###-####;(###) ###-####",
                "555-1234",
            ),
            (1234.5, "0.00", "1234.50"),
            (2.675, "0.00", "2.68"),
            (0.125, "0.00", "0.13"),
            (0.004, "0.00", "0.00"),
            (0.999, "0.0", "1.0"),
            (3.0, "0.##", "3"),
            (12.7, "0", "13"),
            (0.5, "0%", "50%"),
            (0.123, "0.0%", "12.3%"),
            (1_234_567.0, "#,##0", "1234567"),
            (1234.5, "_($* #,##0.00_);_($* (#,##0.00)", "1234.50"),
            (-1234.5, "_($* #,##0.00_);_($* (#,##0.00)", "-1234.50"),
            (-5.0, "0_);(0)", "(5)"),
            (-5.0, "0;[Red]0", "-5"),
            (1500.0, "0,", "1500"),
            (0.5, "# ?/?", "0.5"),
            (1.0, "\"yes\";;\"no\"", "yes"),
            (0.0, "\"yes\";;\"no\"", "no"),
            (7.0, ";;;", "7"),
            (0.0, "00", "00"),
            (0.0, "0", "0"),
        ] {
            assert_eq!(shown(value, code), expected, "{value} as {code}");
        }
    }

    #[test]
    fn dates_are_shown_in_iso_8601() {
        for (value, code, expected) in [
            (45943.0, "mm-dd-yy", "2025-10-13"),
            (45943.0, "[$-407]d/\\ mmmm\\ yyyy;@", "2025-10-13"),
            (45943.5, "dd/mm/yyyy", "2025-10-13T12:00:00"),
            (45943.0, "m/d/yy h:mm", "2025-10-13T00:00:00"),
            (45943.541, "h:mm AM/PM", "2025-10-13T12:59:02"),
            (0.75, "h:mm", "18:00:00"),
            (0.999_999_9, "h:mm", "1900-01-01T00:00:00"),
            (1.5, "[h]:mm:ss", "36:00:00"),
            (59.0, "yyyy-mm-dd", "1900-02-28"),
            (60.0, "yyyy-mm-dd", "1900-02-29"),
            (61.0, "yyyy-mm-dd", "1900-03-01"),
            (1.0, "yyyy-mm-dd", "1900-01-01"),
            (2_958_465.0, "yyyy-mm-dd", "9999-12-31"),
            (2_958_466.0, "yyyy-mm-dd", "2958466"),
            (-1.0, "yyyy-mm-dd", "-1"),
            (0.0, "yyyy-mm-dd", "0"),
            (45943.0, "[$-411]ge.m.d", "2025-10-13"),
            (45943.0, "yyyy\"年\"m\"月\"d\"日\"", "2025-10-13"),
            (12.0, "0.00\" days\"", "12.00 days"),
            (12.0, "#,##0\\ [$d-407]", "12"),
        ] {
            assert_eq!(shown(value, code), expected, "{value} as {code}");
        }
        let mut out = String::new();
        NumberFormat::new(Some(14), "mm-dd-yy").show(0.0, true, &mut out);
        NumberFormat::new(Some(31), "General").show(45943.0, false, &mut out);
        assert_eq!(out, "1904-01-012025-10-13");
    }

    #[test]
    fn whole_numbers_beyond_fifteen_digits_are_not_trusted() {
        let general = NumberFormat::new(Some(0), "General");
        let mut out = String::new();
        assert!(general.show(999_999_999_999_999.0, false, &mut out));
        assert!(!general.show(1_234_567_890_123_456.0, false, &mut out));
        assert!(!NumberFormat::new(Some(1), "0").show(4e15, false, &mut out));
        assert_eq!(out, "99999999999999912345678901234564000000000000000");
    }
}
