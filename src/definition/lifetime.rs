//! Lengths of time, as `[mail]` and `[gates]` have them.

use jiff::fmt::friendly::SpanParser;
use jiff::{SpanRelativeTo, Unit};

/// A year: what is to last longer is meant to last for ever, and should say so.
const MINUTES_MAX: u32 = 366 * 24 * 60;

/// A length of time in minutes: `7 days`, `24 hours`, `90 minutes`, and what else jiff's friendly
/// durations are; `None` for `never`.
///
/// # Errors
/// What is wrong with it.
pub fn lifetime(text: &str) -> Result<Option<u32>, String> {
    if text.trim() == "never" {
        return Ok(None);
    }
    let minutes = SpanParser::new()
        .parse_span(text.trim())
        .and_then(|span| span.total((Unit::Minute, SpanRelativeTo::days_are_24_hours())))
        .ok()
        .filter(|minutes| minutes.fract() == 0.0);
    match minutes {
        Some(minutes) if (1.0..=f64::from(MINUTES_MAX)).contains(&minutes) => {
            Ok(Some(minutes as u32))
        }
        Some(_) => Err(format!("`{text}` is not between one minute and 366 days")),
        None => Err(format!(
            "`{text}` is not a length of time such as `7 days`, `24 hours` or `never`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::lifetime;

    #[test]
    fn lengths_of_time_are_minutes() {
        const DAY: u32 = 24 * 60;
        for (text, minutes) in [
            ("never", None),
            (" never ", None),
            ("1 minute", Some(1)),
            ("90 minutes", Some(90)),
            ("90 minute", Some(90)),
            ("1 hour", Some(60)),
            ("24 hours", Some(DAY)),
            ("1 day", Some(DAY)),
            ("7 days", Some(7 * DAY)),
            (" 7  days ", Some(7 * DAY)),
            ("007 days", Some(7 * DAY)),
            ("366 days", Some(366 * DAY)),
            ("2 weeks", Some(14 * DAY)),
            ("1 week", Some(7 * DAY)),
            // What jiff reads besides.
            ("7d", Some(7 * DAY)),
            ("1 day 12 hours", Some(DAY + 720)),
            ("1.5 hours", Some(90)),
            ("120 seconds", Some(2)),
        ] {
            assert_eq!(lifetime(text), Ok(minutes), "{text}");
        }
        for text in [
            "",
            "7",
            "days",
            "soon",
            "7 moons",
            "1 month",
            "1 year",
            "30 seconds",
            "P7D",
        ] {
            let error = lifetime(text).unwrap_err();
            assert!(error.contains("is not a length of time"), "{text}: {error}");
        }
        for text in ["0 days", "367 days", "53 weeks", "-1 day", "2 days ago"] {
            let error = lifetime(text).unwrap_err();
            assert!(error.contains("between one minute"), "{text}: {error}");
        }
    }
}
