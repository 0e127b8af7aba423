//! Dates, as ISO 8601.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::definition::DateOrder;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

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
/// `11/22/2026` (also with `-`), `22 Nov 2026`, `Nov 22, 2026`; a time of day behind it is left
/// out, whatever its zone. Years have four digits, from 1000.
///
/// With slashes `order` decides, and a date that contradicts it is invalid: it would show that
/// the file's other dates are read wrongly. Without an order a date is taken that can be read in
/// one way only.
pub fn read(text: &str, order: DateOrder) -> Reading {
    let text = without_time(text);
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
            "dates have the {first} first: {count} can't be read otherwise, {} can and are read so, too",
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

/// Year, month and day of a date as it is stored, whatever stands behind it.
pub(super) fn parts(text: &str) -> Option<(u32, u32, u32)> {
    let day = text.get(..10).filter(|day| is_iso(day))?;
    Some((
        number(&day[..4], 4, 4)?,
        number(&day[5..7], 2, 2)?,
        number(&day[8..], 2, 2)?,
    ))
}

/// Whether `text` is a date as it is stored: `2026-11-22`.
pub fn is_iso(text: &str) -> bool {
    let &[a, b, c, d, b'-', e, f, b'-', g, h] = text.as_bytes() else {
        return false;
    };
    let digits = [a, b, c, d, e, f, g, h].map(|byte| u32::from(byte.wrapping_sub(b'0')));
    let [a, b, c, d, e, f, g, h] = digits;
    digits.iter().all(|digit| *digit < 10)
        && date(((a * 10 + b) * 10 + c) * 10 + d, e * 10 + f, g * 10 + h) != Reading::Invalid
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
        .filter(|word| !word.is_empty());
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
    let day = ["st", "nd", "rd", "th"]
        .iter()
        .find_map(|end| day.strip_suffix(end))
        .unwrap_or(day);
    match (number(day, 1, 2), number(third, 4, 4)) {
        (Some(day), Some(year)) => date(year, month, day),
        _ => Reading::Invalid,
    }
}

fn month(word: &str) -> Option<u32> {
    let word = word.to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| {
        *month == word || month[..3] == word || (word == "sept" && *month == "september")
    })?;
    Some(at as u32 + 1)
}

/// What stands before a time such as `T10:00:00Z`, ` 00:00` or ` 12:00:00 AM`.
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
            "dates have the month first: 2 can't be read otherwise, 7 can and are read so, too"
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
            ("２０２６-11-22", Dmy, "-"),
            (":", Dmy, "-"),
        ];
        for (text, order, expected) in cases {
            assert_eq!(say(read(text, order)), expected, "{text}");
            assert_eq!(is_iso(text), text == expected && text.len() == 10, "{text}");
        }
    }
}
