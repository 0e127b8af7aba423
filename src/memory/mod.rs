//! What a run must remember of its rows until the last one is read: in memory up to a budget, and
//! beyond it in scratch files.
//!
//! | what | of each | bytes | is asked |
//! |---|---|---|---|
//! | [`seen`] | row that is not a duplicate | 12, in a table that is at most 4/5 full | for every row, at once |
//! | `key_index` | key of a row | 12 | after the last row |
//! | `managers` | what a row and its manager are called by, where rows name managers | up to 128, and 5 for the row | after the last row |
//! | `pipeline::twice` | row that is about an account | 20 | after the match |
//! | `pipeline::snapshot` | account, where the file has rows for most | up to 112 | after the last row; too many aren't called at all |
//!
//! No answer depends on the budget. What is over it is sorted into runs, which are merged when all
//! of it is wanted ([`sorted`]), or looked into behind a filter where a row asks.

use std::fs;
use std::path::Path;

pub mod seen;
pub mod sorted;

const KB: u64 = 1 << 10;
const MB: u64 = 1 << 20;
const GB: u64 = 1 << 30;

/// Less would be spent on writing small pieces.
const BUDGET_MIN: u64 = MB;
/// Without `--memory`, a run remembers up to this part of the machine's memory,
const MACHINE_PART: u64 = 8;
/// and never less than this;
const DEFAULT_MIN: u64 = 256 * MB;
/// where the machine doesn't say what it has, this.
const DEFAULT_UNKNOWN: u64 = 512 * MB;

/// How many bytes a run may remember of its rows. The parts of it never add up to more: what is read
/// (what was seen, who owns which key) and what is matched is remembered one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget(u64);

impl Budget {
    /// A budget of this many bytes, however few.
    pub fn of(bytes: u64) -> Budget {
        Budget(bytes)
    }

    /// An eighth of the memory that the machine has, or that its control group (versions 1 and 2) lets
    /// this process have, but no less than 256 MB.
    pub fn of_machine() -> Budget {
        let default = machine().map_or(DEFAULT_UNKNOWN, |bytes| bytes / MACHINE_PART);
        Budget(default.max(DEFAULT_MIN))
    }

    /// A number and its unit, such as `512MB` or `1.5GB`; a kilobyte has 1024 bytes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Budget, String> {
        let text = text.trim();
        let end = text.find(|c: char| c.is_ascii_alphabetic());
        let (number, named) = text.split_at(end.unwrap_or(text.len()));
        let unit = match named.to_ascii_uppercase().as_str() {
            "K" | "KB" | "KIB" => KB,
            "M" | "MB" | "MIB" => MB,
            "G" | "GB" | "GIB" => GB,
            "" => return Err("the unit is missing, such as in `512MB` or `2GB`".to_string()),
            _ => return Err(format!("`{named}` is no unit; write `512MB` or `2GB`")),
        };
        let is_digit = |c: char| c.is_ascii_digit() || c == '.';
        let number: f64 = Some(number.trim_end())
            .filter(|number| number.chars().all(is_digit))
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| format!("`{number}` is not a number; write `512MB` or `2GB`"))?;
        let bytes = (number * unit as f64) as u64;
        if bytes < BUDGET_MIN {
            return Err("it must be at least `1MB`".to_string());
        }
        Ok(Budget(bytes))
    }

    /// How many bytes that is.
    pub fn bytes(self) -> u64 {
        self.0
    }

    fn part(self, part: u64) -> usize {
        usize::try_from(self.0 / part).unwrap_or(usize::MAX)
    }

    /// For telling duplicates.
    pub fn of_seen(self) -> usize {
        3 * self.part(8)
    }

    /// For the accounts that are called while the rows are read.
    pub fn of_snapshot(self) -> usize {
        3 * self.part(16)
    }

    /// For the owners of one of the three keys.
    pub fn of_key_index(self) -> usize {
        self.part(8)
    }

    /// For one of the two keys that may look like others.
    pub fn of_alike(self) -> usize {
        self.part(64)
    }

    /// For whose manager is whom.
    pub fn of_managers(self) -> usize {
        self.part(32)
    }

    /// For the rows that clash, when those that were seen are forgotten.
    pub fn of_clashes(self) -> usize {
        self.part(2)
    }

    /// For the accounts that rows are about.
    pub fn of_accounts(self) -> usize {
        self.part(2)
    }

    /// For the keys that accounts give up.
    pub fn of_releases(self) -> usize {
        self.part(4)
    }
}

/// How many bytes of memory there are for this process, as far as Linux says.
fn machine() -> Option<u64> {
    let total = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        let number = line?.trim().strip_suffix("kB")?.trim().parse::<u64>();
        Some(number.ok()? * KB)
    });
    let group = fs::read_to_string("/proc/self/cgroup").ok();
    let limit = group.and_then(|group| limit(Path::new("/sys/fs/cgroup"), &group));
    total.into_iter().chain(limit).min()
}

/// The least limit of the control groups that `group` names, a `/proc/self/cgroup`, and of those above
/// them. `root` is where they are mounted.
fn limit(root: &Path, group: &str) -> Option<u64> {
    let limits = group.lines().flat_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        let (folder, file) = match controllers {
            "" => (root.to_path_buf(), "memory.max"),
            _ => (root.join("memory"), "memory.limit_in_bytes"),
        };
        let is_of_memory = controllers.is_empty() || controllers.split(',').any(|c| c == "memory");
        let path = path.trim_start_matches('/');
        // A container sees its own group as the root, whatever it is called outside.
        let groups = Path::new(path).ancestors().filter(move |_| is_of_memory);
        let read = move |group: &Path| fs::read_to_string(folder.join(group).join(file)).ok();
        groups.filter_map(read).collect::<Vec<_>>()
    });
    // `max` is none, and so is the largest number that version 1 can hold.
    limits.filter_map(|text| text.trim().parse().ok()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_number_and_a_unit() {
        let table = [
            ("512MB", Ok(512 * MB)),
            ("2GB", Ok(2 * GB)),
            ("1.5 gib", Ok(3 * GB / 2)),
            ("1024k", Ok(MB)),
            (
                "512",
                Err("the unit is missing, such as in `512MB` or `2GB`"),
            ),
            ("", Err("the unit is missing, such as in `512MB` or `2GB`")),
            ("2Tb", Err("`Tb` is no unit; write `512MB` or `2GB`")),
            ("-2GB", Err("`-2` is not a number; write `512MB` or `2GB`")),
            ("GB", Err("`` is not a number; write `512MB` or `2GB`")),
            (
                "1.2.3GB",
                Err("`1.2.3` is not a number; write `512MB` or `2GB`"),
            ),
            ("0MB", Err("it must be at least `1MB`")),
            ("1000KB", Err("it must be at least `1MB`")),
        ];
        for (text, expected) in table {
            let expected = expected.map(Budget).map_err(str::to_string);
            assert_eq!(Budget::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn the_narrowest_control_group_counts() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("a/memory.max", "1000\n");
        put("a/b/memory.max", "max\n");
        put("memory/c/memory.limit_in_bytes", "700\n");
        put("memory/memory.limit_in_bytes", "9223372036854771712\n");
        let limit = |group| limit(root.path(), group);
        assert_eq!(limit("0::/a/b\n"), Some(1000));
        assert_eq!(limit("0::/other\n"), None);
        assert_eq!(limit("4:cpu,memory:/c/d\n1:pids:/a\n0::/\n"), Some(700));
        assert_eq!(
            limit("4:memory:/elsewhere\n"),
            Some(9_223_372_036_854_771_712)
        );
        assert!(Budget::of_machine().0 >= DEFAULT_MIN);
    }

    #[test]
    fn the_parts_are_no_more_than_the_whole() {
        let budget = Budget(1 << 30);
        let reading = budget.of_seen()
            + budget.of_snapshot()
            + 3 * budget.of_key_index()
            + 2 * budget.of_alike();
        let settling = budget.of_clashes() + 3 * budget.of_key_index() + 2 * budget.of_alike();
        let matching = budget.of_accounts() + budget.of_releases();
        for parts in [reading, settling, matching] {
            assert!(parts as u64 <= budget.0);
        }
    }
}
