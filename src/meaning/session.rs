//! What a row of a file of sessions says.

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use crate::definition::DateOrder;
use crate::field::RowNumber;
use crate::issue::{Code, Issue};
use crate::meaning::date::{self, Reading};
use crate::meaning::group;
use crate::session::Session;
use crate::text;

/// The most characters of a name, as with groups.
const NAME_CHARS_MAX: usize = 200;
/// The most characters of a place or a link.
const TEXT_CHARS_MAX: usize = 1000;

/// The cells of a row; empty where there is nothing.
#[derive(Debug, Clone, Copy, Default)]
#[expect(missing_docs, reason = "as the columns are called")]
pub struct Cells<'a> {
    pub name: &'a str,
    pub starts: &'a str,
    pub ends: &'a str,
    pub time_zone: &'a str,
    pub place: &'a str,
    pub link: &'a str,
}

/// The key of a session's name. As in lists of people, white space around a `/` says nothing.
fn key(name: &str) -> String {
    let parts: Vec<&str> = name.split(group::GROUP_NESTING).map(str::trim).collect();
    group::key(&parts.join("/"))
}

/// The session of a row, or what is wrong with it. `zone` is that of rows which name none.
///
/// # Errors
/// Issues that reject the row.
pub fn read(
    cells: &Cells,
    row: RowNumber,
    order: DateOrder,
    zone: Option<&str>,
) -> Result<Session, Vec<Issue>> {
    let mut issues = Vec::new();
    let mut wrong = |code, found: &str, detail: String| {
        issues.push(Issue::of_value(code, row, found, detail));
    };
    let name = text::clean(cells.name).0.trim().to_string();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        wrong(Code::SessionName, cells.name, String::new());
    }
    let named = match text::clean(cells.time_zone).0.trim() {
        "" => zone.map(String::from),
        named => Some(named.to_string()),
    };
    let zone = match named.as_deref().map(TimeZone::get) {
        Some(Err(_)) => {
            let found = named.as_deref().unwrap_or_default();
            wrong(Code::SessionZone, found, "it has no such name".to_string());
            None
        }
        Some(Ok(zone)) => Some(zone),
        None => None,
    };
    let starts = moment(cells.starts, order, zone.as_ref());
    let ends = match (cells.ends.trim(), &starts) {
        ("", _) => None,
        // What is wrong with the beginning is said already.
        (text, Err(_)) if clock(text).is_some() => None,
        (text, Ok((_, Some(day)))) if clock(text).is_some() => {
            let time = clock(text).unwrap_or_default();
            Some(at(day.date().to_datetime(time), zone.as_ref()).map(|at| (at, None)))
        }
        (text, _) => Some(moment(text, order, zone.as_ref())),
    };
    for (cell, read) in [(cells.starts, Some(&starts)), (cells.ends, ends.as_ref())] {
        if let Some(Err((code, detail))) = read {
            // A zone that isn't one is reported already.
            if *code != Code::SessionZone || named.is_none() {
                wrong(*code, cell, detail.clone());
            }
        }
    }
    let starts_at = starts.map(|(at, _)| at.as_second()).unwrap_or_default();
    let ends_at = ends.and_then(Result::ok).map(|(at, _)| at.as_second());
    if ends_too_early(ends_at, starts_at) {
        let detail = "it ends before it begins".to_string();
        issues.push(Issue::of_value(Code::SessionTime, row, cells.ends, detail));
    }
    let link = kept(cells.link);
    if let Some(link) = &link
        && !is_web_address(link)
    {
        issues.push(Issue::of_value(Code::SessionLink, row, link, ""));
    }
    let session = Session {
        key: key(&name),
        name,
        starts_at,
        ends_at,
        time_zone: named.unwrap_or_else(|| "UTC".to_string()),
        place: kept(cells.place),
        link,
    };
    match issues.is_empty() {
        true => Ok(session),
        false => Err(issues),
    }
}

/// Whether an end is not after its beginning, where both could be read.
fn ends_too_early(ends_at: Option<i64>, starts_at: i64) -> bool {
    starts_at != 0 && ends_at.is_some_and(|end| end <= starts_at)
}

/// A text as it is kept; none where it says nothing.
fn kept(cell: &str) -> Option<String> {
    let clean = text::clean(cell).0;
    let kept: String = clean.trim().chars().take(TEXT_CHARS_MAX).collect();
    (!kept.is_empty()).then_some(kept)
}

fn is_web_address(link: &str) -> bool {
    let rest = link
        .strip_prefix("https://")
        .or_else(|| link.strip_prefix("http://"));
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>\"'`\\".contains(c);
    rest.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_alphanumeric() || c == '[') && link.chars().all(is_plain)
    })
}

/// A point in time, and the day and time on the clock where the text has no offset of its own.
type Moment = Result<(Timestamp, Option<DateTime>), (Code, String)>;

fn moment(cell: &str, order: DateOrder, zone: Option<&TimeZone>) -> Moment {
    let clean = text::clean(cell).0;
    let text = clean.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok((at, None));
    }
    let no_time = || (Code::SessionTime, "a day and a time of day".to_string());
    let colon = text.find(':').ok_or_else(no_time)?;
    let begin = text[..colon]
        .trim_end_matches(|c: char| c.is_ascii_digit())
        .len();
    let time = clock(&text[begin..]).ok_or_else(no_time)?;
    let day = text[..begin]
        .trim()
        .trim_end_matches(['T', 't', ','])
        .trim();
    let day = match date::read(day, order) {
        Reading::Date(day) => day,
        Reading::Ambiguous(first, second) => {
            let detail = format!("it may be {first} or {second}: write {first} or {second}");
            return Err((Code::SessionTime, detail));
        }
        Reading::Invalid => return Err(no_time()),
    };
    let local = day.to_datetime(time);
    Ok((at(local, zone)?, Some(local)))
}

/// A time on the clock in a zone. One that the clock skips, or shows twice, is none.
fn at(local: DateTime, zone: Option<&TimeZone>) -> Result<Timestamp, (Code, String)> {
    let zone = zone.ok_or_else(|| (Code::SessionZone, String::new()))?;
    let at = zone.to_ambiguous_timestamp(local).unambiguous();
    at.map_err(|_| {
        let detail = "the clocks change then: write it with an offset, such as +01:00";
        (Code::SessionTime, detail.to_string())
    })
}

/// A time of day: `9:30`, `09:30:00`, `9:30 PM`, `09:30 Uhr`.
fn clock(text: &str) -> Option<Time> {
    let text = text.trim().to_ascii_lowercase();
    let (text, half) = match text.strip_suffix("am").or(text.strip_suffix("a.m.")) {
        Some(rest) => (rest, Some(0)),
        None => match text.strip_suffix("pm").or(text.strip_suffix("p.m.")) {
            Some(rest) => (rest, Some(12)),
            None => (text.trim_end_matches("uhr").trim_end_matches('h'), None),
        },
    };
    let parts: Vec<&str> = text.trim().split(':').collect();
    let is_number = |part: &&str| {
        (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !(2..=3).contains(&parts.len()) || !parts.iter().all(is_number) {
        return None;
    }
    let number = |at: usize| {
        parts
            .get(at)
            .map_or(Some(0), |part| part.parse::<i8>().ok())
    };
    let hour = match (number(0)?, half) {
        (hour, None) => hour,
        (12, Some(half)) => half,
        (hour @ 1..12, Some(half)) => hour + half,
        _ => return None,
    };
    Time::new(hour, number(1)?, number(2)?, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(starts: &str, ends: &str, zone: &str) -> Result<(String, String), Code> {
        let cells = Cells {
            name: "Yoga",
            starts,
            ends,
            time_zone: zone,
            ..Cells::default()
        };
        let shown = |at: i64| Timestamp::from_second(at).unwrap().to_string();
        match read(&cells, 0, DateOrder::Unknown, Some("Europe/Paris")) {
            Ok(session) => Ok((
                shown(session.starts_at),
                session.ends_at.map_or(String::new(), shown),
            )),
            Err(issues) => Err(issues[0].code),
        }
    }

    #[test]
    fn times_are_read_in_the_zone_of_the_row_or_with_their_own_offset() {
        for (starts, ends, zone, expected) in [
            ("2026-12-14 09:30", "", "", "2026-12-14T08:30:00Z "),
            (
                "2026-12-14T09:30:00",
                "11:00",
                "",
                "2026-12-14T08:30:00Z 2026-12-14T10:00:00Z",
            ),
            ("14.12.2026 9:30 Uhr", "", "", "2026-12-14T08:30:00Z "),
            (
                "12/14/2026 9:30 PM",
                "",
                "America/New_York",
                "2026-12-15T02:30:00Z ",
            ),
            ("14 Dec 2026, 12:15 am", "", "UTC", "2026-12-14T00:15:00Z "),
            (
                "2026-12-14T09:30+09:00",
                "2026-12-14T10:30+09:00",
                "",
                "2026-12-14T00:30:00Z 2026-12-14T01:30:00Z",
            ),
        ] {
            let (start, end) = times(starts, ends, zone).unwrap();
            assert_eq!(format!("{start} {end}"), expected, "{starts}");
        }
        for (starts, ends, zone, code) in [
            ("2026-12-14", "", "", Code::SessionTime),
            ("tomorrow", "", "", Code::SessionTime),
            ("", "", "", Code::SessionTime),
            ("03/04/2026 09:30", "", "", Code::SessionTime),
            ("2026-02-30 09:30", "", "", Code::SessionTime),
            ("2026-12-14 25:00", "", "", Code::SessionTime),
            ("2026-12-14 13:00 PM", "", "", Code::SessionTime),
            ("2026-03-29 02:30", "", "", Code::SessionTime),
            ("2026-10-25 02:30", "", "", Code::SessionTime),
            ("2026-12-14 09:30", "09:00", "", Code::SessionTime),
            ("2026-12-14 09:30", "soon", "", Code::SessionTime),
            ("2026-12-14 09:30", "", "Mars/Base", Code::SessionZone),
        ] {
            assert_eq!(times(starts, ends, zone), Err(code), "{starts} {ends}");
        }
    }

    #[test]
    fn a_zone_is_never_guessed() {
        let cells = |starts| Cells {
            name: "Yoga / Beginners",
            starts,
            ..Cells::default()
        };
        let code =
            |starts| read(&cells(starts), 0, DateOrder::Unknown, None).map_err(|i| i[0].code);
        assert_eq!(code("2026-12-14 09:30"), Err(Code::SessionZone));
        let session = code("2026-12-14T09:30Z").unwrap();
        assert_eq!(session.time_zone, "UTC");
        assert_eq!(
            (session.name.as_str(), session.key.as_str()),
            ("Yoga / Beginners", "yoga/beginners")
        );
    }
}
