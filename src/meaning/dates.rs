//! dates: what an account's first and last day say of it on the day of a run. Pure; the day comes
//! with the pipeline, and nothing here reads a clock.

use jiff::civil::Date;

use crate::definition::{Accounts, Dates};

/// Where a day is in somebody's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Before the first day.
    Before,
    /// On one of the days, or nothing is known of them, or they don't matter to the pipeline.
    Within,
    /// After the last day.
    After,
}

/// Where the pipeline's day is between `start` and `end`, both ISO 8601 and both inclusive. A last
/// day before the first one is that of an earlier time, and says nothing.
pub fn standing(accounts: &Accounts, start: Option<&str>, end: Option<&str>) -> Standing {
    let Some(today) = accounts.day() else {
        return Standing::Within;
    };
    let day = |text: Option<&str>| text.and_then(|text| text.parse::<Date>().ok());
    match (day(start), day(end)) {
        (Some(start), _) if start > today => Standing::Before,
        (Some(start), Some(end)) if end < start => Standing::Within,
        (_, Some(end)) if end < today => Standing::After,
        _ => Standing::Within,
    }
}

/// Whether the last day that a row names is over on the pipeline's day, where the pipeline doesn't go
/// by dates. A last day before the first one is that of an earlier time.
pub fn is_over(accounts: &Accounts, start: Option<&str>, end: Option<&str>) -> bool {
    let by_dates = Accounts {
        dates: Dates::Schedule,
        today: accounts.today,
        ..Accounts::default()
    };
    accounts.dates == Dates::Ignore && standing(&by_dates, start, end) == Standing::After
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn both_days_are_days_of_work() {
        use Standing::*;
        let accounts = Accounts {
            dates: Dates::Schedule,
            today: Some(date(2026, 11, 22)),
            ..Accounts::default()
        };
        let table = [
            (None, None, Within),
            (Some("2026-11-22"), None, Within),
            (Some("2026-11-23"), None, Before),
            (None, Some("2026-11-22"), Within),
            (None, Some("2026-11-21"), After),
            (Some("2020-01-01"), Some("2026-11-21"), After),
            // hired again: the old last day is still there
            (Some("2026-11-01"), Some("2025-03-31"), Within),
            (Some("2026-12-01"), Some("2025-03-31"), Before),
            (Some("soon"), Some("never"), Within),
        ];
        for (start, end, expected) in table {
            assert_eq!(
                standing(&accounts, start, end),
                expected,
                "{start:?} {end:?}"
            );
        }
        let ignoring = Accounts {
            dates: Dates::Ignore,
            ..accounts
        };
        assert_eq!(standing(&ignoring, None, Some("2001-01-01")), Within);
        assert!(is_over(&ignoring, None, Some("2001-01-01")));
        assert!(!is_over(&ignoring, None, Some("2026-11-22")));
        assert!(!is_over(&ignoring, Some("2026-11-01"), Some("2025-03-31")));
        assert!(!is_over(&ignoring, None, None));
    }
}
