//! Dates, as ISO 8601.

use std::borrow::Cow;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::definition::DateOrder;
use crate::vocabulary::months;

/// What a date cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// One date.
    Date(Date),
    /// Two dates: with the day first, and with the month first.
    Ambiguous(Date, Date),
    /// No date of the calendar, or in no form that is known.
    Invalid,
}

/// Reads a date: `2026-11-22` (also with `/` or `.`), `20261122`, `22.11.2026`, `22/11/2026` and
/// `11/22/2026` (also with `-`), `22 Nov 2026`, `Nov 22, 2026`, `1. März 2026`, `2026年3月1日`,
/// `令和8年3月1日`, also in the digits of other scripts; a time of day after it is left out, whatever
/// its zone. Years have four digits, from 1000.
///
/// With slashes `order` decides, and a date that contradicts it is invalid: it would show that
/// the file's other dates are read wrongly. Without an order a date is taken that can be read in
/// one way only.
pub fn read(text: &str, order: DateOrder) -> Reading {
    let text = &*in_ascii_digits(text);
    if !text.is_ascii()
        && let Some(reading) = with_signs(text)
    {
        return reading;
    }
    let text = without_time(text);
    // Hungarian and Croatian dates end in a full stop.
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.len() == 8
        && let Some(digits) = number(text, 8, 8)
    {
        return date(digits / 10_000, digits / 100 % 100, digits % 100);
    }
    for separator in ['-', '/', '.'] {
        let mut parts = text.split(separator).map(str::trim);
        let (Some(first), Some(second), Some(third), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let middle = number(second, 1, 2);
        if let (Some(year), Some(month), Some(day)) =
            (number(first, 4, 4), middle, number(third, 1, 2))
        {
            return date(year, month, day);
        }
        if let (Some(one), Some(two), Some(year)) =
            (number(first, 1, 2), middle, number(third, 4, 4))
        {
            let order = if separator == '.' {
                DateOrder::Dmy
            } else {
                order
            };
            return by_order(one, two, year, order);
        }
    }
    with_month_name(text)
}

/// What the dates of one column say of the order of day and month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Dates that can only be read with the day first.
    pub day_first: u64,
    /// Dates that can only be read with the month first.
    pub month_first: u64,
    /// Dates that can be read both ways, and are different ones then.
    pub either: u64,
}

impl Evidence {
    /// Notes a cell of the column, as the file has it.
    pub fn note(&mut self, text: &str) {
        let text = text.trim();
        if text.is_empty() || is_iso(text) {
            return;
        }
        if let Reading::Ambiguous(..) = read(text, DateOrder::Unknown) {
            self.either += 1;
            return;
        }
        let valid = |order| matches!(read(text, order), Reading::Date(_));
        match (valid(DateOrder::Dmy), valid(DateOrder::Mdy)) {
            (true, false) => self.day_first += 1,
            (false, true) => self.month_first += 1,
            _ => {}
        }
    }

    /// Adds what another part of the column says.
    pub fn add(&mut self, other: Evidence) {
        self.day_first += other.day_first;
        self.month_first += other.month_first;
        self.either += other.either;
    }

    /// The order that the whole column has: where some dates leave no choice and none says
    /// otherwise, the others are meant in the same way. Unknown otherwise, and where nothing
    /// depends on it.
    pub fn order(&self) -> DateOrder {
        match (self.day_first, self.month_first) {
            _ if self.either == 0 => DateOrder::Unknown,
            (1.., 0) => DateOrder::Dmy,
            (0, 1..) => DateOrder::Mdy,
            _ => DateOrder::Unknown,
        }
    }

    /// What was found, for a report.
    pub fn sentence(&self) -> String {
        let (first, count) = match self.order() {
            DateOrder::Mdy => ("month", self.month_first),
            DateOrder::Dmy | DateOrder::Unknown => ("day", self.day_first),
        };
        format!(
            "dates are read {first} first: {count} only valid that way, {} valid either way",
            self.either
        )
    }
}

/// What the dates of a column of a workbook say of how the spreadsheet came to them: it makes real
/// dates of what its own order of day and month allows, and leaves the others as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flips {
    /// Real dates that would be other dates with day and month swapped.
    low: u64,
    /// Real dates with a day above 12.
    high: u64,
    /// Dates in text that can only be read with the day first.
    day_first: u64,
    /// Dates in text that can only be read with the month first.
    month_first: u64,
    /// Dates in text that the spreadsheet would have read in either order.
    either: u64,
}

impl Flips {
    /// Notes a cell that is a date on its sheet; `text` begins with it as ISO 8601.
    pub fn note_real(&mut self, text: &str) {
        if let Some((_, month, day)) = parts(text) {
            self.high += u64::from(day > 12);
            self.low += u64::from(day <= 12 && day != month);
        }
    }

    /// Notes a cell that is text.
    pub fn note_text(&mut self, text: &str) {
        let text = text.trim();
        if text
            .bytes()
            .next()
            .is_none_or(|byte| !byte.is_ascii_digit())
        {
            return;
        }
        let mut numbers = without_time(text).split(['/', '-', '.']);
        let mut next = |most| number(numbers.next().unwrap_or_default().trim(), 1, most);
        let (Some(first), Some(second), Some(_)) = (next(2), next(2), next(4)) else {
            return;
        };
        match (first, second) {
            _ if numbers.next().is_some() => {}
            (1..=12, 1..=12) => self.either += 1,
            (13..=31, 1..=12) => self.day_first += 1,
            (1..=12, 13..=31) => self.month_first += 1,
            _ => {}
        }
    }

    /// Adds what another part of the column says.
    pub fn add(&mut self, other: Flips) {
        self.low += other.low;
        self.high += other.high;
        self.day_first += other.day_first;
        self.month_first += other.month_first;
        self.either += other.either;
    }

    /// The order of the file that the workbook was made from, where the spreadsheet had another: no
    /// real date has a day above 12, and no date in text a day up to 12.
    pub fn order(&self) -> Option<DateOrder> {
        if self.low == 0 || self.high > 0 || self.either > 0 {
            return None;
        }
        match (self.day_first, self.month_first) {
            (1.., 0) => Some(DateOrder::Dmy),
            (0, 1..) => Some(DateOrder::Mdy),
            _ => None,
        }
    }
}

/// A date with its day and month swapped, where that is another date.
pub fn swapped(text: &str) -> Option<Date> {
    let (year, month, day) = parts(text)?;
    match date(year, day, month) {
        Reading::Date(swapped) if day != month => Some(swapped),
        _ => None,
    }
}

/// Year, month and day of a date as it is stored, whatever comes after it.
pub(crate) fn parts(text: &str) -> Option<(u32, u32, u32)> {
    let day = text.get(..10).filter(|day| is_iso(day))?;
    Some((
        number(&day[..4], 4, 4)?,
        number(&day[5..7], 2, 2)?,
        number(&day[8..], 2, 2)?,
    ))
}

/// Whether `text` is a date as it is stored: `2026-11-22`.
pub fn is_iso(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return false;
    }
    let number = |range: std::ops::Range<usize>| {
        bytes[range].iter().try_fold(0, |number, byte| {
            let digit = byte.wrapping_sub(b'0');
            (digit < 10).then(|| number * 10 + u32::from(digit))
        })
    };
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else {
        return false;
    };
    date(year, month, day) != Reading::Invalid
}

fn by_order(first: u32, second: u32, year: u32, order: DateOrder) -> Reading {
    let day_first = date(year, second, first);
    let month_first = date(year, first, second);
    match (order, day_first, month_first) {
        (DateOrder::Dmy, ..) => day_first,
        (DateOrder::Mdy, ..) => month_first,
        (DateOrder::Unknown, Reading::Date(one), Reading::Date(other)) if one != other => {
            Reading::Ambiguous(one, other)
        }
        (DateOrder::Unknown, Reading::Date(_), _) => day_first,
        (DateOrder::Unknown, ..) => month_first,
    }
}

/// `22 Nov 2026`, `22-Nov-2026`, `Nov 22, 2026`, `November 22nd 2026`, `22. November 2026`.
fn with_month_name(text: &str) -> Reading {
    let mut words = text
        .split([' ', ',', '.', '-', '/'])
        .filter(|word| !word.is_empty() && !matches!(*word, "de" | "del" | "of"));
    let (Some(first), Some(second), Some(third), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Reading::Invalid;
    };
    let (day, month) = match (month(first), month(second)) {
        (None, Some(month)) => (first, month),
        (Some(month), None) => (second, month),
        _ => return Reading::Invalid,
    };
    let day = ["st", "nd", "rd", "th", "er", "º"]
        .iter()
        .find_map(|end| day.strip_suffix(end))
        .unwrap_or(day);
    match (number(day, 1, 2), number(third, 4, 4)) {
        (Some(day), Some(year)) => date(year, month, day),
        _ => Reading::Invalid,
    }
}

/// `2026年3月1日`, `2026년 3월 1일`, and years of the Japanese eras and of the Republic of China.
fn with_signs(text: &str) -> Option<Reading> {
    const ERAS: [(&str, u32); 6] = [
        ("令和", 2018),
        ("平成", 1988),
        ("昭和", 1925),
        ("大正", 1911),
        ("民國", 1911),
        ("民国", 1911),
    ];
    let named = ERAS
        .iter()
        .find_map(|(era, before)| Some((text.strip_prefix(era)?, Some(*before))));
    let (text, era) = named.unwrap_or((text, None));
    let signs = match text.contains('年') {
        true => ['年', '月', '日'],
        false => ['년', '월', '일'],
    };
    let (year, rest) = text.split_once(signs[0])?;
    let (month, rest) = rest.split_once(signs[1])?;
    let (day, behind) = rest.split_once(signs[2])?;
    if !without_time(&format!("0{behind}")).eq("0") {
        return None;
    }
    let year = match (year.trim(), era) {
        ("元", Some(before)) => before + 1,
        (year, Some(before)) => number(year, 1, 3)? + before,
        (year, None) => number(year, 4, 4)?,
    };
    Some(date(
        year,
        number(month.trim(), 1, 2)?,
        number(day.trim(), 1, 2)?,
    ))
}

/// The text with digits of other scripts as ASCII's (Arabic, Persian, Devanagari, full-width), and
/// with what is between them in full-width dates.
fn in_ascii_digits(text: &str) -> Cow<'_, str> {
    const ZEROS: [char; 4] = ['\u{660}', '\u{6f0}', '\u{966}', '\u{ff10}'];
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let ascii = |c: char| {
        if matches!(c, '\u{ff0d}'..='\u{ff0f}') {
            return char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c);
        }
        let digit = |zero: char| u32::from(c).checked_sub(u32::from(zero));
        let digit = ZEROS
            .iter()
            .find_map(|zero| digit(*zero).filter(|digit| *digit < 10));
        digit
            .and_then(|digit| char::from_digit(digit, 10))
            .unwrap_or(c)
    };
    Cow::Owned(text.chars().map(ascii).collect())
}

fn month(word: &str) -> Option<u32> {
    months::month(word)
}

/// The first year that is not a start or end of an account's: spreadsheets write nothing as 1900.
const YEAR_MIN: &str = "1901";
/// The first year that is too far ahead.
const YEAR_MAX: &str = "2200";

/// What is odd about the year of a date that is written as ISO 8601, if anything.
pub fn far(iso: &str) -> Option<String> {
    if (YEAR_MIN..YEAR_MAX).contains(&iso) {
        return None;
    }
    let date: Date = iso.parse().ok()?;
    let hint = match date.year() {
        1300..1500 => {
            // Near enough: the years of the Persian calendar begin in March.
            format!(
                "; {} is about {} in the Persian calendar",
                date.year(),
                date.year() + 621
            )
        }
        2400..2700 => {
            format!(
                "; {} is {} in the Buddhist calendar",
                date.year(),
                date.year() - 543
            )
        }
        1899..=1900 | 9999 => "; leave the cell empty if there is none".to_string(),
        _ => String::new(),
    };
    Some(format!("a year from {YEAR_MIN} to 2199{hint}"))
}

/// What is unclear or wrong about a text that is not a date, in a few words. `None` if it is in no
/// form that is known.
pub fn fault(text: &str, order: DateOrder) -> Option<String> {
    let text = &*in_ascii_digits(text);
    let bare = without_time(text);
    let digits: Vec<&str> = bare
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .collect();
    let has_digits = !digits.is_empty();
    if has_digits
        && bare
            .chars()
            .all(|c| matches!(c, '0' | '-' | '/' | '.' | ' '))
        || is_sheets_zero(&digits)
    {
        return Some(
            "a date, or an empty cell; this is a spreadsheet's or a database's word for none"
                .to_string(),
        );
    }
    if let Some(meant) = counted(bare) {
        return Some(meant);
    }
    if is_week(bare) {
        return Some("a day; this is a week".to_string());
    }
    let words: Vec<&str> = bare
        .split([' ', '.', '-', '/', ','])
        .filter(|word| !word.is_empty())
        .collect();
    let named = words.iter().any(|word| month(word).is_some());
    let other = words
        .iter()
        .find(|word| !word.bytes().all(|byte| byte.is_ascii_digit()) && month(word).is_none());
    match (words.as_slice(), other) {
        ([_, _, _], Some(word)) if digits.len() == 2 && word.chars().all(char::is_alphabetic) => {
            Some(format!("a month instead of `{word}`, such as 2026-11-22"))
        }
        (_, Some(_)) => None,
        ([one, two, three], None) => three_parts([*one, *two, *three], named, order),
        ([one, two], None) if has_digits => Some(match one.len() == 4 || two.len() == 4 {
            true => "a day, such as 2026-11-22".to_string(),
            false => "a year, such as 2026-11-22".to_string(),
        }),
        _ => None,
    }
}

/// What is wrong with three numbers, or two and a month's name.
fn three_parts(parts: [&str; 3], named: bool, order: DateOrder) -> Option<String> {
    let year = parts
        .iter()
        .find(|part| part.len() == 4 && month(part).is_none());
    let Some(year) = year else {
        let is_year = |part: &&&str| number(part, 2, 2).is_some();
        let year = parts.iter().rev().find(is_year)?;
        let is_first = parts[0].len() == 2 && parts[2].len() == 2 && !named;
        return Some(match is_first {
            true => "a year of four digits, such as 2026-11-22".to_string(),
            false => format!("a year of four digits instead of `{year}`, such as 2026-11-22"),
        });
    };
    let numbers: Vec<u32> = parts
        .iter()
        .filter(|part| *part != year)
        .filter_map(|part| number(part, 1, 2))
        .collect();
    if named || numbers.len() < 2 {
        return Some("a day that the month has".to_string());
    }
    let (first, second) = (numbers[0], numbers[1]);
    let (month, day) = match order {
        DateOrder::Mdy => (first, second),
        _ if parts[0] == *year => (first, second),
        DateOrder::Dmy => (second, first),
        DateOrder::Unknown if first > 12 => (second, first),
        DateOrder::Unknown => (first, second),
    };
    Some(match (month, day) {
        (0 | 13.., _) => format!("a month from 1 to 12 instead of {month}"),
        (_, 0 | 32..) => format!("a day from 1 to 31 instead of {day}"),
        _ => format!("a day that the month has; there is no {year}-{month:02}-{day:02}"),
    })
}

/// Whether it is what a spreadsheet shows for a zero: the day 0 of January 1900, in any order.
fn is_sheets_zero(digits: &[&str]) -> bool {
    let mut values: Vec<u32> = digits
        .iter()
        .filter_map(|part| number(part, 1, 4))
        .collect();
    values.sort_unstable();
    values == [0, 1, 1900]
}

/// `2026-W10`, `W10/2026`, `KW 10`, `2026W101`.
fn is_week(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let weeks = ["KW", "CW", "WEEK", "W"]
        .iter()
        .find_map(|word| upper.split_once(word));
    weeks.is_some_and(|(before, behind)| {
        let is_plain = |c: char| c.is_ascii_digit() || " -/.".contains(c);
        before.chars().all(is_plain)
            && behind.chars().all(is_plain)
            && behind.contains(|c: char| c.is_ascii_digit())
    })
}

/// What a number alone counts: days as a spreadsheet does, seconds or milliseconds since 1970.
fn counted(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let count: i64 = whole.parse().ok()?;
    let (what, date) = match (whole.len(), count) {
        // 1954 to 2119
        (5, 20_000..=80_000) => {
            let days = Span::new().try_days(count).ok()?;
            (
                "a spreadsheet's number of a day",
                Date::new(1899, 12, 30).ok()?.checked_add(days).ok()?,
            )
        }
        (9 | 10, 100_000_000..=7_000_000_000) => ("a number of seconds since 1970", utc(count)?),
        (12 | 13, _) => ("a number of milliseconds since 1970", utc(count / 1000)?),
        _ => return None,
    };
    Some(format!(
        "a date such as 2026-11-22; `{whole}` is {date} if it is {what}"
    ))
}

fn utc(seconds: i64) -> Option<Date> {
    let time = Timestamp::from_second(seconds).ok()?;
    Some(jiff::tz::TimeZone::UTC.to_datetime(time).date())
}

/// What comes before a time such as `T10:00:00Z`, ` 00:00` or ` 12:00:00 AM`.
fn without_time(text: &str) -> &str {
    let Some(colon) = text.find(':') else {
        return text;
    };
    let Some(start) = text[..colon].rfind([' ', 'T', 't']) else {
        return text;
    };
    let hour = number(&text[start + 1..colon], 1, 2);
    let is_time = |c: char| c.is_ascii_digit() || ":.,+- ZzAaPpMm".contains(c);
    if hour.is_some_and(|hour| hour < 25) && text[colon..].chars().all(is_time) {
        text[..start].trim_end()
    } else {
        text
    }
}

/// The number that `text` is, if it has from `least` to `most` digits and nothing else.
fn number(text: &str, least: usize, most: usize) -> Option<u32> {
    let shaped =
        (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if shaped { text.parse().ok() } else { None }
}

fn date(year: u32, month: u32, day: u32) -> Reading {
    let (Ok(year), Ok(month), Ok(day)) =
        (i16::try_from(year), i8::try_from(month), i8::try_from(day))
    else {
        return Reading::Invalid;
    };
    match Date::new(year, month, day) {
        Ok(date) if year >= 1000 => Reading::Date(date),
        _ => Reading::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_decides_the_order_of_its_dates_or_leaves_it_open() {
        for (column, expected) in [
            (
                &["03/04/2026", "22/11/2026", "2026-11-30", ""][..],
                DateOrder::Dmy,
            ),
            (
                &["03/04/2026", "11/22/2026", " 12-31-2026 "],
                DateOrder::Mdy,
            ),
            (
                &["03/04/2026", "11/22/2026", "22/11/2026"],
                DateOrder::Unknown,
            ),
            (
                &["03/04/2026", "22.11.2026", "5 May 2026", "05/05/2026"],
                DateOrder::Unknown,
            ),
            (&["22/11/2026"], DateOrder::Unknown),
        ] {
            let mut evidence = Evidence::default();
            for cell in column {
                evidence.note(cell);
            }
            assert_eq!(evidence.order(), expected, "{column:?}");
        }
        let evidence = Evidence {
            month_first: 2,
            either: 7,
            day_first: 0,
        };
        assert_eq!(
            evidence.sentence(),
            "dates are read month first: 2 only valid that way, 7 valid either way"
        );
    }

    #[test]
    fn a_spreadsheet_of_another_order_leaves_dates_with_days_above_12_alone() {
        use DateOrder::{Dmy, Mdy};
        for (real, text, expected) in [
            (
                &["2024-05-03", "2024-07-11"][..],
                &["25/03/2024", "31.12.24 08:00"][..],
                Some(Dmy),
            ),
            (&["2024-05-03"], &["03/25/2024"], Some(Mdy)),
            (&["2024-05-03 08:30:00"], &["25-03-2024"], Some(Dmy)),
            (&["2024-05-05"], &["25/03/2024"], None),
            (&["2024-05-03", "2024-05-22"], &["25/03/2024"], None),
            (&["2024-05-03"], &["25/03/2024", "03/04/2024"], None),
            (&["2024-05-03"], &["25/03/2024", "03/25/2024"], None),
            (&["2024-05-03"], &["soon", "", "45000", "2024-05-03"], None),
            (&[], &["25/03/2024"], None),
        ] {
            let mut flips = Flips::default();
            real.iter().for_each(|cell| flips.note_real(cell));
            let mut others = Flips::default();
            text.iter().for_each(|cell| others.note_text(cell));
            flips.add(others);
            assert_eq!(flips.order(), expected, "{real:?} {text:?}");
        }
        assert_eq!(
            say(swapped("2024-05-03 08:30").map_or(Reading::Invalid, Reading::Date)),
            "2024-03-05"
        );
        assert_eq!(swapped("2024-05-22"), None);
        assert_eq!(swapped("2024-05-05"), None);
    }

    fn say(reading: Reading) -> String {
        match reading {
            Reading::Date(date) => date.to_string(),
            Reading::Ambiguous(one, other) => format!("{one} or {other}"),
            Reading::Invalid => "-".to_string(),
        }
    }

    #[test]
    fn dates_are_read_in_every_form_and_never_guessed() {
        use DateOrder::{Dmy, Mdy, Unknown};
        let cases = [
            ("2026-11-22", Unknown, "2026-11-22"),
            ("2026/1/2", Unknown, "2026-01-02"),
            ("20261122", Unknown, "2026-11-22"),
            ("22.11.2026", Mdy, "2026-11-22"),
            ("22. 11. 2026", Unknown, "2026-11-22"),
            ("22/11/2026", Unknown, "2026-11-22"),
            ("11/22/2026", Unknown, "2026-11-22"),
            ("05/05/2026", Unknown, "2026-05-05"),
            ("03/04/2026", Unknown, "2026-04-03 or 2026-03-04"),
            ("03-04-2026", Unknown, "2026-04-03 or 2026-03-04"),
            ("03/04/2026", Dmy, "2026-04-03"),
            ("03/04/2026", Mdy, "2026-03-04"),
            ("11/22/2026", Dmy, "-"),
            ("22 Nov 2026", Unknown, "2026-11-22"),
            ("Nov 22, 2026", Unknown, "2026-11-22"),
            ("22-NOV-2026", Unknown, "2026-11-22"),
            ("November 22nd 2026", Unknown, "2026-11-22"),
            ("2026-11-22T23:59:59Z", Unknown, "2026-11-22"),
            ("2026-11-22 00:00:00.000+02:00", Unknown, "2026-11-22"),
            ("11/22/2026 12:00:00 AM", Unknown, "2026-11-22"),
            ("2024-02-29", Unknown, "2024-02-29"),
            ("2023-02-29", Unknown, "-"),
            ("22.11.26", Dmy, "-"),
            ("22 Nov 26", Dmy, "-"),
            ("0026-11-22", Dmy, "-"),
            ("2026-13-01", Dmy, "-"),
            ("45000", Dmy, "-"),
            ("tomorrow", Dmy, "-"),
            ("", Dmy, "-"),
            ("2026-11-22x", Dmy, "-"),
            ("2026-11", Dmy, "-"),
            ("Nov Nov 2026", Dmy, "-"),
            ("２０２６-11-22", Unknown, "2026-11-22"),
            ("１２／３１／２０２６", Unknown, "2026-12-31"),
            ("٢٠٢٦-٠٣-٠١", Unknown, "2026-03-01"),
            ("۲۰۲۶/۰۳/۰۱", Unknown, "2026-03-01"),
            ("2026年3月1日", Unknown, "2026-03-01"),
            ("2026年3月1日 12:30", Unknown, "2026-03-01"),
            ("2026년 3월 1일", Unknown, "2026-03-01"),
            ("令和8年3月1日", Unknown, "2026-03-01"),
            ("平成元年1月8日", Unknown, "1989-01-08"),
            ("民國115年3月1日", Unknown, "2026-03-01"),
            ("1. März 2026", Unknown, "2026-03-01"),
            ("1er mars 2026", Unknown, "2026-03-01"),
            ("1 de marzo de 2026", Unknown, "2026-03-01"),
            ("1 listopada 2026", Unknown, "-"),
            ("2026.03.01.", Unknown, "2026-03-01"),
            ("令和8年13月1日", Unknown, "-"),
            (":", Dmy, "-"),
        ];
        for (text, order, expected) in cases {
            assert_eq!(say(read(text, order)), expected, "{text}");
            assert_eq!(is_iso(text), text == expected && text.len() == 10, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_said_part_by_part() {
        use DateOrder::{Dmy, Unknown};
        for (text, part) in [
            ("0000-00-00", "word for none"),
            ("00.00.0000", "word for none"),
            ("1/0/1900", "word for none"),
            ("00.01.1900", "word for none"),
            ("1900-01-00", "word for none"),
            (
                "45352",
                "`45352` is 2024-03-01 if it is a spreadsheet's number of a day",
            ),
            ("45352.5", "is 2024-03-01 if"),
            ("1772323200", "is 2026-03-01 if it is a number of seconds"),
            (
                "1772323200000",
                "is 2026-03-01 if it is a number of milliseconds",
            ),
            ("1.3.26", "four digits instead of `26`"),
            ("1-Mar-26", "four digits instead of `26`"),
            ("01-MAR-26", "four digits instead of `26`"),
            ("26-03-01", "a year of four digits, such as"),
            ("31.12.29", "a year of four digits"),
            ("01/03", "a year, such as"),
            ("2026-03", "a day, such as"),
            ("März 2026", "a day, such as"),
            ("2026-W10", "a week"),
            ("KW 10/2026", "a week"),
            ("2026-02-30", "there is no 2026-02-30"),
            ("2026-13-01", "instead of 13"),
            ("2026-01-32", "instead of 32"),
            ("30 Feb 2026", "a day that the month has"),
            ("1 listopada 2026", "instead of `listopada`"),
        ] {
            let said = fault(text, Unknown).unwrap_or_default();
            assert!(said.contains(part), "{text}: {said}");
        }
        assert!(fault("11/22/2026", Dmy).is_some_and(|said| said.contains("instead of 22")));
        for text in ["", "tomorrow", "2026-11-22x", "12", "a b c"] {
            assert_eq!(fault(text, Unknown), None, "{text}");
        }
        for (iso, part) in [
            ("9999-12-31", "leave the cell empty"),
            ("1900-01-01", "leave the cell empty"),
            ("2569-03-01", "2569 is 2026 in the Buddhist"),
            ("1405-01-01", "about 2026"),
            ("2200-01-01", "a year from 1901 to 2199"),
        ] {
            let said = far(iso).unwrap_or_default();
            assert!(said.contains(part), "{iso}: {said}");
        }
        assert_eq!(far("2199-12-31").or(far("1901-01-01")), None);
    }
}
