//! A sender's statement about a file: its number of rows, and the SHA-256 of its bytes.
//!
//! Two forms, distinguished by the first character: JSON such as `{"rows": 1000, "sha256": "…"}`,
//! where either may be left out and other keys are passed over; and what `sha256sum` prints (GNU
//! coreutils: `HEX`, a space, a space or `*`, the name; one file a line).

use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use serde::Deserialize;

/// A manifest. At least one of the two is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Manifest {
    /// Rows below the header, blank ones not counted.
    #[serde(default)]
    pub rows: Option<u64>,
    /// Lower-case hex.
    #[serde(default)]
    pub sha256: Option<String>,
}

impl Manifest {
    /// Reads the manifest `manifest` of the file `name`.
    ///
    /// # Errors
    /// `drop.manifest`.
    pub fn parse(manifest: &str, text: &str, name: &str) -> Result<Manifest> {
        let wrong = |why: &str| {
            let what = format!("the manifest `{manifest}` {why}");
            Err(Refusal::new(Code::DropManifest, what))
        };
        let text = text.trim_start_matches('\u{feff}').trim();
        let mut found = if text.starts_with('{') {
            match serde_json::from_str::<Manifest>(text) {
                Ok(found) => found,
                Err(error) => return wrong(&format!("can't be read: {error}")),
            }
        } else {
            match text.lines().find_map(|line| sum_of(line, name)) {
                Some(sum) => Manifest {
                    rows: None,
                    sha256: Some(sum.to_string()),
                },
                None => return wrong(&format!("has no line for `{name}`")),
            }
        };
        if let Some(sum) = &mut found.sha256 {
            sum.make_ascii_lowercase();
            if sum.len() != 64 || !sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return wrong("has no SHA-256 of 64 hexadecimal digits");
            }
        }
        if found == Manifest::default() {
            return wrong("has neither `rows` nor `sha256`");
        }
        Ok(found)
    }

    /// Compares with a file: `sha256` is its own, `rows` counts its rows where that is asked for.
    /// A file with fewer rows than promised is called truncated, although its sum differs, too.
    ///
    /// # Errors
    /// `drop.truncated`, `drop.checksum`, and what `rows` fails with where the sum is right.
    pub fn compare(
        &self,
        name: &str,
        sha256: &str,
        rows: impl FnOnce() -> Result<u64>,
    ) -> Result<()> {
        let fits = self.sha256.as_deref().is_none_or(|sum| sum == sha256);
        let damaged = || {
            let what = format!("the SHA-256 of `{name}` differs from its manifest");
            Err(Refusal::new(Code::DropChecksum, what))
        };
        let Some(promised) = self.rows else {
            return if fits { Ok(()) } else { damaged() };
        };
        match rows() {
            Ok(found) if found != promised => {
                let what = format!("`{name}` has {found} rows, but its manifest says {promised}");
                Err(Refusal::new(Code::DropTruncated, what))
            }
            Ok(_) if fits => Ok(()),
            Err(refusal) if fits => Err(refusal),
            _ => damaged(),
        }
    }
}

/// The sum in a line of `sha256sum`, if it is for the file `name`, whatever its folder.
fn sum_of<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (sum, file) = line.split_once(' ')?;
    let file = file.strip_prefix([' ', '*']).unwrap_or(file).trim_end();
    (file == name || file.ends_with(&format!("/{name}"))).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn both_forms_are_read() {
        let upper = SUM.to_uppercase();
        let table = [
            (format!("{SUM}  a.csv\n"), Ok((None, true))),
            (format!("{upper} *out/a.csv\r\n"), Ok((None, true))),
            (format!("{SUM}  b.csv\n{SUM}  a.csv"), Ok((None, true))),
            (
                format!("{{\"rows\": 7, \"sha256\": \"{SUM}\"}}"),
                Ok((Some(7), true)),
            ),
            (
                "\u{feff} {\"rows\": 0, \"made_by\": \"hr\"}".to_string(),
                Ok((Some(0), false)),
            ),
            (format!("{SUM}  b.csv"), Err("no line for `a.csv`")),
            (format!("{SUM}  xa.csv"), Err("no line for `a.csv`")),
            ("abc  a.csv".to_string(), Err("64 hexadecimal digits")),
            (
                "{\"row\": 7}".to_string(),
                Err("neither `rows` nor `sha256`"),
            ),
            ("{\"rows\": -1}".to_string(), Err("can't be read")),
            ("{\"rows\": 7".to_string(), Err("can't be read")),
            (String::new(), Err("no line for `a.csv`")),
        ];
        for (text, expected) in table {
            match (Manifest::parse("a.csv.json", &text, "a.csv"), expected) {
                (Ok(found), Ok((rows, summed))) => {
                    let sum = summed.then(|| SUM.to_string());
                    assert_eq!(found, Manifest { rows, sha256: sum }, "{text}");
                }
                (Err(refusal), Err(why)) => {
                    assert_eq!(refusal.code, Code::DropManifest);
                    assert!(refusal.what.contains(why), "{text}: {}", refusal.what);
                }
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn what_differs_is_said_by_its_name() {
        let other = "0".repeat(64);
        let unreadable = || Err(Refusal::new(Code::FileDamaged, ""));
        // rows promised, sum promised, rows found, what is said
        let table = [
            (Some(3), Some(SUM), Some(3), None),
            (None, Some(SUM), None, None),
            (Some(3), None, Some(3), None),
            (Some(3), Some(SUM), Some(2), Some(Code::DropTruncated)),
            (
                Some(3),
                Some(other.as_str()),
                Some(2),
                Some(Code::DropTruncated),
            ),
            (
                Some(3),
                Some(other.as_str()),
                Some(3),
                Some(Code::DropChecksum),
            ),
            (
                Some(3),
                Some(other.as_str()),
                None,
                Some(Code::DropChecksum),
            ),
            (None, Some(other.as_str()), None, Some(Code::DropChecksum)),
            (Some(3), Some(SUM), None, Some(Code::FileDamaged)),
        ];
        for (rows, sum, found, expected) in table {
            let sha256 = sum.map(String::from);
            let compared = Manifest { rows, sha256 }
                .compare("a.csv", SUM, || found.map_or_else(unreadable, Ok));
            assert_eq!(compared.err().map(|refusal| refusal.code), expected);
        }
    }
}
