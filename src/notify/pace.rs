//! When the next mail may be sent: rate, rate per domain, ramp-up, quiet hours. Pure: the time is
//! an argument.

use std::collections::HashMap;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::definition::{Mail, quiet_hours};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// The part of the rate with which a slow start begins.
const RAMP_FROM: f64 = 0.1;

/// What holds a mail back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Mails a minute.
    Rate,
    /// Mails a minute to its domain.
    Domain,
    /// The hours in which no mail goes out.
    QuietHours,
}

/// When mails may go out. Mails are evenly spaced, because a burst is what mail servers take
/// offence at.
#[derive(Debug)]
pub struct Pace {
    started: Timestamp,
    per_minute: u32,
    per_domain_per_minute: u32,
    ramp_up: Duration,
    quiet: Option<(Time, Time)>,
    zone: TimeZone,
    next: Timestamp,
    domains: HashMap<String, Timestamp>,
}

impl Pace {
    /// The pace that `[mail]` sets, for a sending that starts at `started`.
    ///
    /// # Errors
    /// `mail.settings` when the quiet hours or the time zone can't be understood.
    pub fn new(mail: &Mail, started: Timestamp) -> Result<Pace> {
        let wrong = |what: String| Refusal::new(Code::MailSettings, what);
        let quiet = mail.quiet_hours.as_deref().map(quiet_hours).transpose();
        let zone = match &mail.time_zone {
            None => TimeZone::system(),
            Some(name) => TimeZone::get(name).map_err(|error| {
                wrong(format!("`time_zone` names `{name}`: {error}"))
                    .help("name one such as `Europe/Paris`")
            })?,
        };
        Ok(Pace {
            started,
            per_minute: mail.per_minute,
            per_domain_per_minute: mail.per_domain_per_minute,
            ramp_up: Duration::from_secs(u64::from(mail.ramp_up_minutes) * 60),
            quiet: quiet.map_err(|why| wrong(format!("`quiet_hours`: {why}")))?,
            zone,
            next: Timestamp::MIN,
            domains: HashMap::new(),
        })
    }

    /// How long a mail to `domain` must wait at least, and what for; `None` when it may go now.
    pub fn wait(&self, now: Timestamp, domain: &str) -> Option<(Duration, Why)> {
        let quiet = self.quiet.and_then(|hours| self.quiet_wait(now, hours));
        let domain = self.domains.get(domain).copied();
        [
            (quiet, Why::QuietHours),
            (until(now, self.next), Why::Rate),
            (domain.and_then(|next| until(now, next)), Why::Domain),
        ]
        .into_iter()
        .find_map(|(wait, why)| Some((wait?, why)))
    }

    /// Counts a mail to `domain` that goes out now.
    pub fn note(&mut self, now: Timestamp, domain: &str) {
        let share = self.share(now);
        self.next = following(self.next, now, self.per_minute, share);
        if self.per_domain_per_minute > 0 {
            let last = self.domains.get(domain).copied();
            let last = last.unwrap_or(Timestamp::MIN);
            let next = following(last, now, self.per_domain_per_minute, share);
            self.domains.insert(domain.to_string(), next);
        }
    }

    /// A time as clocks show it where the quiet hours hold.
    pub fn clock(&self, at: Timestamp) -> String {
        let there = at.to_zoned(self.zone.clone());
        there.strftime("%Y-%m-%d %H:%M %Z").to_string()
    }

    fn quiet_wait(&self, now: Timestamp, (from, to): (Time, Time)) -> Option<Duration> {
        let here = now.to_zoned(self.zone.clone());
        let time = here.time();
        let over_midnight = to < from;
        let in_evening = time >= from && (over_midnight || time < to);
        let in_morning = over_midnight && time < to;
        if !in_evening && !in_morning {
            return None;
        }
        let day = if in_evening && over_midnight {
            here.date().tomorrow().ok()?
        } else {
            here.date()
        };
        let end = day.to_datetime(to).to_zoned(self.zone.clone()).ok()?;
        // A clock that is put back shows the last quiet hour twice.
        until(now, end.timestamp()).or(Some(Duration::from_mins(1)))
    }

    /// The part of the rate that holds now: from a tenth to the whole.
    fn share(&self, now: Timestamp) -> f64 {
        if self.ramp_up.is_zero() {
            return 1.0;
        }
        let run = now.duration_since(self.started).as_secs_f64() / self.ramp_up.as_secs_f64();
        RAMP_FROM + (1.0 - RAMP_FROM) * run.clamp(0.0, 1.0)
    }
}

/// The time left, if any.
fn until(now: Timestamp, then: Timestamp) -> Option<Duration> {
    let left = then.duration_since(now);
    Duration::try_from(left).ok().filter(|left| !left.is_zero())
}

/// When the next mail may go after one that goes `now` and might have gone at `due`. Being late
/// by less than the space between two mails is made up for, or the rate would never be reached.
fn following(due: Timestamp, now: Timestamp, per_minute: u32, share: f64) -> Timestamp {
    if per_minute == 0 {
        return due;
    }
    let space = SignedDuration::from_secs_f64(60.0 / (f64::from(per_minute) * share));
    let late = now.duration_since(due);
    let from = if late < space { due } else { now };
    from.checked_add(space).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Sends as fast as the pace allows, for `minutes`; how many mails went in each.
    fn per_minute(mail: &Mail, minutes: usize, domains: &[&str]) -> Vec<usize> {
        let started = at("2026-03-02T10:00:00Z");
        let mut pace = Pace::new(mail, started).unwrap();
        let mut counts = vec![0; minutes];
        let mut now = started;
        loop {
            let waits = domains.iter().map(|domain| pace.wait(now, domain));
            let Some(free) = waits.clone().position(|wait| wait.is_none()) else {
                let wait = waits.flatten().map(|(wait, _)| wait).min().unwrap();
                // As a real clock: never to the point.
                now += wait + Duration::from_millis(1);
                continue;
            };
            let minute = now.duration_since(started).as_mins() as usize;
            if minute >= minutes {
                return counts;
            }
            pace.note(now, domains[free]);
            counts[minute] += 1;
            now += Duration::from_millis(1);
        }
    }

    fn mail(rate: u32, of_domain: u32, ramp_up: u32) -> Mail {
        Mail {
            per_minute: rate,
            per_domain_per_minute: of_domain,
            ramp_up_minutes: ramp_up,
            ..Mail::default()
        }
    }

    #[test]
    fn rates_are_kept_and_reached() {
        assert_eq!(per_minute(&mail(60, 0, 0), 3, &["a"]), [60; 3]);
        for rate in [7, 1_000, 6_000] {
            for count in per_minute(&mail(rate, 0, 0), 3, &["a", "b"]) {
                let off = count as f64 / f64::from(rate) - 1.0;
                assert!(
                    off.abs() < 0.05 || count.abs_diff(rate as usize) <= 1,
                    "{rate}: {count}"
                );
            }
        }
        // Two domains, and the whole is tighter than both; then one that is slower than the whole.
        assert_eq!(per_minute(&mail(10, 6, 0), 2, &["a", "b"]), [10; 2]);
        assert_eq!(per_minute(&mail(60, 6, 0), 2, &["a", "b"]), [12; 2]);
        assert_eq!(per_minute(&mail(0, 6, 0), 2, &["a"]), [6; 2]);
    }

    #[test]
    fn a_slow_start_grows_from_a_tenth_to_the_whole() {
        let counts = per_minute(&mail(600, 0, 10), 12, &["a"]);
        assert!(counts.is_sorted(), "{counts:?}");
        assert!((60..=100).contains(&counts[0]), "{counts:?}");
        assert!((570..=600).contains(&counts[11]), "{counts:?}");
    }

    #[test]
    fn mails_are_spaced_and_not_saved_up() {
        let start = at("2026-03-02T10:00:00Z");
        let mut pace = Pace::new(&mail(60, 2, 0), start).unwrap();
        assert_eq!(pace.wait(start, "a"), None);
        pace.note(start, "a");
        let second = Duration::from_secs(1);
        assert_eq!(pace.wait(start, "b"), Some((second, Why::Rate)));
        let later = start + second;
        assert_eq!(pace.wait(later, "b"), None);
        assert_eq!(pace.wait(later, "a"), Some((second * 29, Why::Domain)));
        // An hour without mails is not a right to an hour's mails.
        let later = start + Duration::from_hours(1);
        pace.note(later, "a");
        assert_eq!(pace.wait(later, "b"), Some((second, Why::Rate)));
    }

    #[test]
    fn quiet_hours_end_by_the_clock_of_their_place() {
        // Hours, zone, now in UTC, minutes to wait.
        let table = [
            ("20:00-07:00", "UTC", "2026-03-02T19:59:00Z", None),
            ("20:00-07:00", "UTC", "2026-03-02T20:00:00Z", Some(660)),
            ("20:00-07:00", "UTC", "2026-03-03T06:59:00Z", Some(1)),
            ("20:00-07:00", "UTC", "2026-03-03T07:00:00Z", None),
            ("12:00-13:30", "UTC", "2026-03-03T12:30:00Z", Some(60)),
            ("12:00-13:30", "UTC", "2026-03-03T11:30:00Z", None),
            (
                "20:00-07:00",
                "Europe/Paris",
                "2026-03-02T19:30:00Z",
                Some(630),
            ),
            ("20:00-07:00", "Europe/Paris", "2026-03-02T18:30:00Z", None),
            // The night in which clocks go forward has an hour less, the other an hour more.
            (
                "20:00-07:00",
                "Europe/Paris",
                "2026-03-28T19:00:00Z",
                Some(600),
            ),
            (
                "20:00-07:00",
                "Europe/Paris",
                "2026-10-24T18:00:00Z",
                Some(720),
            ),
            // 02:30 comes twice; the second time still ends in the quiet hours.
            (
                "22:00-02:30",
                "Europe/Paris",
                "2026-10-25T01:15:00Z",
                Some(1),
            ),
        ];
        for (hours, zone, now, minutes) in table {
            let mail = Mail {
                quiet_hours: Some(hours.to_string()),
                time_zone: Some(zone.to_string()),
                ..Mail::default()
            };
            let pace = Pace::new(&mail, at(now)).unwrap();
            let wanted =
                minutes.map(|minutes| (Duration::from_secs(minutes * 60), Why::QuietHours));
            assert_eq!(pace.wait(at(now), "a"), wanted, "{hours} {zone} {now}");
        }
        for (hours, zone) in [
            ("20-7", "UTC"),
            ("07:00-07:00", "UTC"),
            ("20:00-07:00", "Mars/Base"),
        ] {
            let mail = Mail {
                quiet_hours: Some(hours.to_string()),
                time_zone: Some(zone.to_string()),
                ..Mail::default()
            };
            let refusal = Pace::new(&mail, at("2026-03-02T10:00:00Z")).unwrap_err();
            assert_eq!(refusal.code, Code::MailSettings, "{hours} {zone}");
        }
    }
}
