//! `muster import --drop DIR`: one visit to a folder where another system drops its lists.
//!
//! A visit imports the complete files, each as a separate run, and ends. It holds the database's
//! lock from before the first file to its end, so that it may be started every minute. These are
//! its rules; [`look`], [`not_ready`], [`is_stale`] and [`Manifest::parse`] are the code for them.
//!
//! **Which files.** Regular files directly in `DIR` with an extension that muster reads. Names that
//! begin with a dot, or end like unfinished transfers, are skipped. Anything else (links, other
//! extensions, a marker without its file) is ignored and reported once.
//!
//! **Complete** is a file
//! - with a marker `NAME.done` next to it that isn't older than the file: a marker left over from a
//!   failed night must not apply to the next upload of that name; or
//! - with a manifest `NAME.manifest`, `NAME.json` or `NAME.sha256` that fits it; or
//! - that didn't change for `--settle` seconds, and not between two looks a second apart, unless
//!   `--require-manifest` asks for one of the former.
//!
//! A file that doesn't fit its manifest may still be on its way, since some senders put the
//! manifest first. It is refused only once it has settled.
//!
//! **Order.** Oldest first: by the day in the name, else that of the last change; then by the last
//! change; then by name.
//!
//! **Refused**, each with its code: what differs from its manifest (`drop.truncated`,
//! `drop.checksum`) or has none that can be read (`drop.manifest`); what is older than the newest
//! file that this pipeline imported from this folder, or than `--max-age` (`drop.stale`); and all
//! that an import refuses (`file.empty`, `file.no_rows`, `map.missing`, …). Dates in names are
//! compared with dates in names, and times of change with times of change; a date later than
//! tomorrow doesn't count as a date, because one typing mistake would make every later file stale.
//! Use two folders for two independent sources. A refused file doesn't block the next one. A
//! database failure or an interruption ends the visit, and the next visit takes the remaining
//! files.
//!
//! **Already imported** (`drop.repeated`) is a file whose bytes a finished run of the same pipeline
//! read: nothing is imported, and it is not an error. Two things are not that: a file whose run is
//! finished and that still lies there was interrupted before it was moved, and is moved now; and a
//! name with a later date than all before is a new edition, whatever its bytes, once another list
//! came between.
//!
//! **Afterwards** the file, with its marker and manifest, is renamed into `done/RUN/`, where the
//! run's reports are, or with a `refusal.txt` into `refused/TIME-NAME/`. Both lie in `DIR` and on
//! its file system, so that a file is always at exactly one place. Nothing is ever overwritten. A
//! run that was interrupted is taken up by the next visit, which finds its file where it was.

use crate::store::drops::Newest;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::issue::Code;
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};

pub mod manifest;
pub mod place;

pub use crate::inbox::manifest::Manifest;

/// Endings of files that muster reads, in lower case. `json` is a manifest's here.
const READ: [&str; 14] = [
    "csv", "tsv", "tab", "txt", "xlsx", "xlsm", "xlsb", "xls", "ods", "jsonl", "ndjson", "parquet",
    "gz", "zip",
];
/// Endings that transfers give to what isn't complete.
const UNFINISHED: [&str; 6] = [".part", ".partial", ".tmp", ".filepart", ".crdownload", "~"];
/// What a marker's name has after the file's.
const MARKER: &str = ".done";
/// What a manifest's name has after the file's; the first that is there counts.
const MANIFESTS: [&str; 3] = [".manifest", ".json", ".sha256"];
/// The folders of [`place`].
const OURS: [&str; 2] = ["done", "refused"];
/// File systems that keep times in steps keep none longer.
const TIME_STEP: Duration = Duration::from_secs(2);

/// Something that lies in the folder.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name; `None` for one that isn't UTF-8.
    pub name: Option<String>,
    /// Whether it is a regular file, itself and not by a link.
    pub is_file: bool,
    /// Its size.
    pub bytes: u64,
    /// When its content changed last.
    pub modified: SystemTime,
}

/// A file that is to be imported once it is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When its content changed last.
    pub modified: SystemTime,
    /// The day in its name.
    pub dated: Option<Date>,
    /// Whether a marker vouches for it.
    pub marked: bool,
    /// The name of its manifest.
    pub manifest: Option<String>,
    /// Its marker and manifests: they go where it goes.
    pub companions: Vec<String>,
}

/// What a look at the folder found.
#[derive(Debug, Default)]
pub struct Look {
    /// Files to be imported, in the order in which they are taken.
    pub files: Vec<Dropped>,
    /// What is none of muster's business, by name.
    pub left_alone: Vec<String>,
}

/// How a visit judges files.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// How long a file must not have changed.
    pub settle: Duration,
    /// Whether only a marker or a manifest makes a file complete.
    pub require_manifest: bool,
    /// How old a file may be.
    pub max_age: Option<Duration>,
}

/// Looks at everything in `folder`.
///
/// # Errors
/// `drop.folder`.
pub fn look(folder: &Path, now: SystemTime) -> Result<Look> {
    let unreadable = |error| place::unusable(folder, &format!("it can't be read: {error}"));
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        // Of what went away meanwhile there is nothing to say.
        if let Ok(metadata) = entry.path().symlink_metadata() {
            entries.push(Entry {
                name: entry.file_name().into_string().ok(),
                is_file: metadata.is_file(),
                bytes: metadata.len(),
                modified: changed_at(&metadata, now),
            });
        }
    }
    Ok(sort_out(entries, day_of(now)))
}

/// When a file changed last. A time ahead of our clock comes from another one, and would keep the
/// file waiting: the time that our own system recorded counts instead.
fn changed_at(metadata: &Metadata, now: SystemTime) -> SystemTime {
    let recorded = SystemTime::UNIX_EPOCH + Duration::from_secs(metadata.ctime().max(0) as u64);
    match metadata.modified() {
        Ok(modified) if modified <= now => modified,
        _ => recorded,
    }
}

/// Parts files from what belongs to them and from everything else.
pub fn sort_out(entries: Vec<Entry>, today: Date) -> Look {
    let mut found = Look::default();
    let (plain, other): (Vec<Entry>, Vec<Entry>) = entries
        .into_iter()
        .filter(|entry| !entry.name.as_deref().is_some_and(is_passed_over))
        .partition(|entry| entry.is_file && entry.name.is_some());
    let nameless = "a name that isn't UTF-8".to_string();
    found.left_alone.extend(
        other
            .into_iter()
            .map(|entry| entry.name.unwrap_or(nameless.clone())),
    );
    let named: Vec<(String, Entry)> = plain
        .into_iter()
        .filter_map(|mut entry| Some((entry.name.take()?, entry)))
        .collect();
    let (files, beside): (Vec<_>, Vec<_>) = named.into_iter().partition(|(name, _)| is_read(name));
    for (name, entry) in files {
        let companion = |ending: &&str| {
            let wanted = format!("{name}{ending}");
            beside.iter().find(|(other, _)| *other == wanted)
        };
        let marker = companion(&MARKER);
        let manifests: Vec<_> = MANIFESTS.iter().filter_map(companion).collect();
        found.files.push(Dropped {
            bytes: entry.bytes,
            modified: entry.modified,
            dated: date_in(&name, today),
            marked: marker.is_some_and(|(_, marker)| marker.modified + TIME_STEP >= entry.modified),
            manifest: manifests.first().map(|(name, _)| name.clone()),
            companions: marker
                .into_iter()
                .chain(manifests)
                .map(|(name, _)| name.clone())
                .collect(),
            name,
        });
    }
    let kept = |name: &String| {
        found
            .files
            .iter()
            .any(|file| file.companions.contains(name))
    };
    let orphans = beside.iter().map(|(name, _)| name);
    found
        .left_alone
        .extend(orphans.filter(|name| !kept(name)).cloned());
    found.left_alone.sort();
    found.files.sort_by_key(|file| {
        let day = file.dated.unwrap_or(day_of(file.modified));
        (day, file.modified, file.name.clone())
    });
    found
}

fn is_passed_over(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    name.starts_with('.')
        || OURS.contains(&name)
        || UNFINISHED.iter().any(|ending| lower.ends_with(ending))
}

fn is_read(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| READ.contains(&ending.to_ascii_lowercase().as_str()))
}

/// Why `file` is not complete yet; `None` when it is. `earlier` is the same file a second ago.
/// Whether it fits its manifest is another question.
pub fn not_ready(
    file: &Dropped,
    earlier: Option<&Dropped>,
    now: SystemTime,
    rules: &Rules,
) -> Option<String> {
    if file.marked || file.manifest.is_some() {
        return None;
    }
    if rules.require_manifest {
        return Some(match file.companions.is_empty() {
            true => "it has neither marker nor manifest".to_string(),
            false => "its marker is older than the file".to_string(),
        });
    }
    unsettled(file, earlier, now, rules)
}

/// Why `file` may still be growing; `None` when it has settled.
pub fn unsettled(
    file: &Dropped,
    earlier: Option<&Dropped>,
    now: SystemTime,
    rules: &Rules,
) -> Option<String> {
    let age = now.duration_since(file.modified).unwrap_or_default();
    if age < rules.settle {
        let seconds = rules.settle.as_secs();
        return Some(format!("it changed less than {seconds} seconds ago"));
    }
    let same = |earlier: &Dropped| (earlier.bytes, earlier.modified) == (file.bytes, file.modified);
    (!earlier.is_some_and(same)).then(|| "it is still changing".to_string())
}

/// Refuses a file that a newer one has overtaken, or that is over the age.
///
/// # Errors
/// `drop.stale`.
pub fn is_stale(file: &Dropped, newest: &Newest, now: SystemTime, rules: &Rules) -> Result<()> {
    let name = &file.name;
    let stale = |why: String| Err(Refusal::new(Code::DropStale, format!("`{name}` {why}")));
    match (file.dated, &newest.dated, &newest.modified_at) {
        (Some(date), Some(newest), _) if date.to_string() < *newest => {
            return stale(format!(
                "is from {date}, but a list from {newest} was already imported from this folder"
            ));
        }
        (None, _, Some(newest)) if at_milliseconds(file.modified) < *newest => {
            return stale(format!(
                "is from {}, but a list from {newest} was already imported from this folder",
                at_milliseconds(file.modified)
            ));
        }
        _ => {}
    }
    let made = match file.dated {
        None => file.modified,
        // The day is over everywhere a day after it began in UTC, or so.
        Some(date) => date
            .tomorrow()
            .ok()
            .and_then(|end| end.to_zoned(TimeZone::UTC).ok())
            .map_or(file.modified, |end| end.timestamp().into()),
    };
    let age = now.duration_since(made).unwrap_or_default();
    match rules.max_age {
        Some(max) if age > max => {
            let of = match file.dated {
                Some(date) => date.to_string(),
                None => at_milliseconds(file.modified),
            };
            let hours = max.as_secs() / 3600;
            stale(format!(
                "is from {of}, which is more than the allowed {hours} hours ago"
            ))
        }
        _ => Ok(()),
    }
}

/// The first day that is written in a name, as `2026-11-22`, `2026_11_22`, `2026.11.22` or `20261122`, with
/// no digit before or after. Days after tomorrow are none.
pub fn date_in(name: &str, today: Date) -> Option<Date> {
    let last = today.tomorrow().unwrap_or(today);
    let bytes = name.as_bytes();
    (0..bytes.len())
        .filter(|&at| at == 0 || !bytes[at - 1].is_ascii_digit())
        .filter_map(|at| date_at(&bytes[at..]))
        .find(|date| *date <= last)
}

fn date_at(bytes: &[u8]) -> Option<Date> {
    let number = |from: usize, count: usize| -> Option<i16> {
        let digits = bytes.get(from..from + count)?;
        let all = digits.iter().all(u8::is_ascii_digit);
        all.then(|| {
            digits
                .iter()
                .fold(0, |sum, digit| sum * 10 + i16::from(digit - b'0'))
        })
    };
    let sign = *bytes.get(4)?;
    let (month, day, end) = match sign {
        b'-' | b'_' | b'.' if bytes.get(7) == Some(&sign) => (5, 8, 10),
        b'0'..=b'9' => (4, 6, 8),
        _ => return None,
    };
    if bytes.get(end).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let year = number(0, 4).filter(|year| (1990..=2200).contains(year))?;
    Date::new(year, number(month, 2)? as i8, number(day, 2)? as i8).ok()
}

/// The day in UTC.
pub fn day_of(time: SystemTime) -> Date {
    Timestamp::try_from(time)
        .unwrap_or_default()
        .to_zoned(TimeZone::UTC)
        .date()
}

/// RFC 3339 in UTC with milliseconds: such texts sort as their times do.
pub fn at_milliseconds(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Whether a refusal is about the one file. Of any other, the next file would hear the same.
pub fn is_about_the_file(refusal: &Refusal) -> bool {
    let name = refusal.code.name();
    let others = [
        "database.",
        "run.",
        "output.",
        "usage.",
        "pipeline.",
        "mail.",
    ];
    matches!(refusal.exit, Exit::Refused | Exit::Held)
        && !others.iter().any(|room| name.starts_with(room))
        && !matches!(refusal.code, Code::DropFolder | Code::FileEncoding)
}

/// The exit code of two files together: 4, 3, 2, 1, 0, whichever comes first.
pub fn worse(a: Exit, b: Exit) -> Exit {
    if (b as u8) > (a as u8) { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_324_354; // 2026-11-22T05:12:34Z

    fn time(before_now: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(NOW - before_now)
    }

    fn entry(name: &str, before_now: u64) -> Entry {
        Entry {
            name: Some(name.to_string()),
            is_file: true,
            bytes: 9,
            modified: time(before_now),
        }
    }

    fn sorted(entries: Vec<Entry>) -> Look {
        sort_out(entries, day_of(time(0)))
    }

    #[test]
    fn files_are_distinguished_from_what_belongs_to_them_and_from_the_rest() {
        let mut link = entry("link.csv", 0);
        link.is_file = false;
        let mut nameless = entry("", 0);
        nameless.name = None;
        let names = [
            "b.csv",
            "a.CSV",
            "a.CSV.done",
            "a.CSV.json",
            "c.xlsx",
            "c.xlsx.sha256",
            "c.xlsx.manifest",
            ".hidden.csv",
            "d.csv.part",
            "e.csv~",
            "f.csv.FILEPART",
            "g.pdf",
            "h.csv.done",
            "done",
            "refused",
        ];
        let entries = names.iter().map(|name| entry(name, 50));
        let look = sorted(entries.chain([link, nameless]).collect());
        let files: Vec<_> = look.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(files, ["a.CSV", "b.csv", "c.xlsx"]);
        assert!(look.files[0].marked && !look.files[1].marked);
        assert_eq!(look.files[0].companions, ["a.CSV.done", "a.CSV.json"]);
        assert_eq!(look.files[2].manifest.as_deref(), Some("c.xlsx.manifest"));
        assert_eq!(
            look.left_alone,
            ["a name that isn't UTF-8", "g.pdf", "h.csv.done", "link.csv"]
        );
    }

    #[test]
    fn the_oldest_comes_first() {
        type Case<'a> = (&'a [(&'a str, u64)], &'a [&'a str]);
        let table: [Case; 4] = [
            (&[("a.csv", 10), ("b.csv", 20)], &["b.csv", "a.csv"]),
            (&[("b.csv", 10), ("a.csv", 10)], &["a.csv", "b.csv"]),
            (
                &[("p-20261121.csv", 10), ("p-20261120.csv", 5)],
                &["p-20261120.csv", "p-20261121.csv"],
            ),
            (
                &[("today.csv", 50), ("p-2026-11-21.csv", 5)],
                &["p-2026-11-21.csv", "today.csv"],
            ),
        ];
        for (files, expected) in table {
            let look = sorted(files.iter().map(|(name, age)| entry(name, *age)).collect());
            let names: Vec<_> = look.files.iter().map(|file| file.name.as_str()).collect();
            assert_eq!(names, expected);
        }
    }

    #[test]
    fn days_are_found_in_names() {
        let today = day_of(time(0));
        let table = [
            ("people-2026-11-22.csv", Some("2026-11-22")),
            ("20261122.csv", Some("2026-11-22")),
            ("hr_2026_11_21_v2.csv", Some("2026-11-21")),
            ("2026.11.21.csv", Some("2026-11-21")),
            ("x20261121T0300.csv", Some("2026-11-21")),
            ("tomorrow-2026-11-23.csv", Some("2026-11-23")),
            ("slip-2062-11-22.csv", None),
            ("people-2026-13-22.csv", None),
            ("id-120261122.csv", None),
            ("id-202611221.csv", None),
            ("2026-11_22.csv", None),
            ("ü20261121ü.csv", Some("2026-11-21")),
            ("00000000-20261121.csv", Some("2026-11-21")),
            ("2026112", None),
            ("", None),
        ];
        for (name, expected) in table {
            let found = date_in(name, today).map(|date| date.to_string());
            assert_eq!(found.as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_file_is_complete_by_marker_manifest_or_time() {
        let rules = |require_manifest| Rules {
            settle: Duration::from_mins(1),
            require_manifest,
            max_age: None,
        };
        let one = |beside: &[(&str, u64)], age: u64| {
            let beside = beside.iter().map(|(name, age)| entry(name, *age));
            let look = sorted(beside.chain([entry("a.csv", age)]).collect());
            look.files[0].clone()
        };
        let table = [
            (one(&[], 90), false, ""),
            (one(&[], 60), false, ""),
            (one(&[], 59), false, "less than 60 seconds"),
            (one(&[], 90), true, "neither marker nor manifest"),
            (one(&[("a.csv.done", 5)], 5), true, ""),
            (one(&[("a.csv.done", 7)], 5), true, ""),
            (one(&[("a.csv.done", 8)], 5), true, "older than the file"),
            (one(&[("a.csv.done", 8)], 5), false, "less than 60 seconds"),
            (one(&[("a.csv.json", 100)], 5), true, ""),
        ];
        for (file, require, expected) in table {
            let found = not_ready(&file, Some(&file), time(0), &rules(require));
            let found = found.unwrap_or_default();
            assert!(
                found.contains(expected) && found.is_empty() == expected.is_empty(),
                "{found}"
            );
        }
        let (file, mut grown) = (one(&[], 90), one(&[], 90));
        grown.bytes += 1;
        for earlier in [Some(&file), None] {
            let found = not_ready(&grown, earlier, time(0), &rules(false));
            assert_eq!(found.as_deref(), Some("it is still changing"));
        }
    }

    #[test]
    fn what_is_overtaken_or_too_old_is_stale() {
        let newest = |dated: Option<&str>, before_now: Option<u64>| Newest {
            dated: dated.map(String::from),
            modified_at: before_now.map(|age| at_milliseconds(time(age))),
        };
        let day = 24 * 3600;
        // name, age in seconds, the newest, the limit in hours, whether it is stale
        let table = [
            (
                "a-20261121.csv",
                5,
                newest(Some("2026-11-22"), None),
                None,
                true,
            ),
            (
                "a-20261122.csv",
                5,
                newest(Some("2026-11-22"), None),
                None,
                false,
            ),
            ("a-20261121.csv", 5, newest(None, Some(1)), None, false),
            ("a.csv", 5, newest(Some("2026-11-22"), None), None, false),
            ("a.csv", 5, newest(None, Some(4)), None, true),
            ("a.csv", 5, newest(None, Some(5)), None, false),
            ("a.csv", 5, newest(None, None), None, false),
            ("a.csv", 2 * day, newest(None, None), Some(47), true),
            ("a.csv", 2 * day, newest(None, None), Some(48), false),
            ("a-20261120.csv", 0, newest(None, None), Some(24), true),
            (
                "a-20261121.csv",
                99 * day,
                newest(None, None),
                Some(24),
                false,
            ),
            ("a-20261122.csv", 0, newest(None, None), Some(1), false),
        ];
        for (name, age, newest, hours, expected) in table {
            let rules = Rules {
                settle: Duration::ZERO,
                require_manifest: false,
                max_age: hours.map(|hours| Duration::from_secs(hours * 3600)),
            };
            let look = sorted(vec![entry(name, age)]);
            let judged = is_stale(&look.files[0], &newest, time(0), &rules);
            assert_eq!(
                judged.is_err(),
                expected,
                "{name} {age} {newest:?} {judged:?}"
            );
        }
    }

    #[test]
    fn one_bad_file_is_no_reason_to_stop_and_a_bad_database_is() {
        let refusal = |code| Refusal::new(code, "");
        for code in [
            Code::FileEmpty,
            Code::MapMissing,
            Code::DropTruncated,
            Code::FileUnreadable,
        ] {
            assert!(is_about_the_file(&refusal(code)), "{code}");
        }
        for code in [
            Code::DatabaseFailed,
            Code::OutputUnwritable,
            Code::DropFolder,
        ] {
            assert!(!is_about_the_file(&refusal(code)), "{code}");
        }
        assert!(!is_about_the_file(
            &refusal(Code::FileEmpty).exit(Exit::Stopped)
        ));
        let all = [
            Exit::Done,
            Exit::ToFix,
            Exit::Refused,
            Exit::Held,
            Exit::Stopped,
        ];
        assert_eq!(all.into_iter().fold(Exit::Done, worse), Exit::Stopped);
        assert_eq!(worse(Exit::Refused, Exit::ToFix), Exit::Refused);
    }
}
