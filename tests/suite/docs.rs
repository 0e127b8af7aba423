//! Every command that README and docs show is run, or says why it isn't; every output shown is
//! compared.
//!
//! A directive is an HTML comment on the line before a code block:
//!
//! | directive | what happens to the block |
//! |---|---|
//! | `run`, `run: exit N` | a shell runs it in the page's own folder, and ends with 0 or `N` |
//! | `output` | the block that ran last printed this on stdout; `MUSTER_BLESS=1` rewrites it |
//! | `file: NAME` | it becomes a file of the page's folder |
//! | `not run: REASON` | nothing; a path in backticks as the reason exists |
//!
//! A line `<!-- setup: COMMAND -->` runs a command that the page doesn't show. `muster` and
//! `cargo run --release --` are the binary under test, and installing PostgreSQL does nothing.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{self, MUSTER};

/// Rows to fix (exit code 1) don't end a block; anything worse does.
const GUARD: &str = "trap 'code=$?; [ $code -le 1 ] || exit $code' ERR";

/// A page, its folder, and what its last command printed.
struct Page {
    name: String,
    lines: Vec<String>,
    folder: tempfile::TempDir,
    printed: String,
}

#[test]
fn every_command_of_readme_and_docs_does_what_is_shown() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![
        repository.join("README.md"),
        repository.join("CONTRIBUTING.md"),
    ];
    let docs = fs::read_dir(repository.join("docs")).unwrap();
    pages.extend(docs.map(|entry| entry.unwrap().path()));
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    for path in pages {
        let text = fs::read_to_string(&path).unwrap();
        let mut page = Page {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            lines: text.lines().map(String::from).collect(),
            folder: prepared_folder(repository),
            printed: String::new(),
        };
        page.run();
        support::bare(page.folder.path(), &page.home(), &["db", "stop"]).finish();
        let now = page.lines.join("\n") + "\n";
        if now != text && std::env::var_os("MUSTER_BLESS").is_some() {
            fs::write(&path, now).unwrap();
        }
    }
}

#[test]
fn every_link_of_readme_and_docs_leads_somewhere() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
    ];
    let mut pages: Vec<PathBuf> = pages.iter().map(|page| repository.join(page)).collect();
    for folder in ["docs", "pipelines", "fixtures", "benches"] {
        let entries = fs::read_dir(repository.join(folder)).unwrap();
        pages.extend(entries.map(|entry| entry.unwrap().path()));
    }
    let is_page = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    let mut broken = Vec::new();
    for path in pages.into_iter().filter(is_page) {
        let text = fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap();
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let to = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            let has_anchor = || {
                let text = fs::read_to_string(&to).unwrap_or_default();
                let headings = text.lines().filter(|line| line.starts_with('#'));
                headings.map(slug).any(|slug| slug == anchor)
            };
            if !to.exists() || (!anchor.is_empty() && !has_anchor()) {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The anchor that a heading gets on a page.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// A folder with the repository's files and the commands that pages name.
fn prepared_folder(repository: &Path) -> tempfile::TempDir {
    let folder = support::folder();
    for name in ["fixtures", "pipelines"] {
        symlink(repository.join(name), folder.path().join(name)).unwrap();
    }
    let commands = folder.path().join(".commands");
    fs::create_dir(&commands).unwrap();
    symlink(MUSTER, commands.join("muster")).unwrap();
    let cargo =
        "#!/bin/sh\n[ \"$1 $2 $3\" = 'run --release --' ] || exit 9\nshift 3\nexec muster \"$@\"\n";
    for (name, text) in [("cargo", cargo), ("apt-get", "#!/bin/sh\nexit 0\n")] {
        let path = commands.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

impl Page {
    fn home(&self) -> PathBuf {
        self.folder.path().join(".home")
    }

    fn run(&mut self) {
        let mut directive = String::new();
        let mut at = 0;
        while at < self.lines.len() {
            let line = self.lines[at].clone();
            at += 1;
            if let Some(language) = line.strip_prefix("```") {
                let end = self.end_of_block(at);
                self.block(&directive, language, at, end);
                at = self.end_of_block(at) + 1;
                directive.clear();
            } else if let Some(comment) = line.strip_prefix("<!-- ") {
                directive = comment.trim_end_matches(" -->").to_string();
                if let Some(command) = directive.strip_prefix("setup: ") {
                    self.shell(command, 0, at);
                }
            } else {
                directive.clear();
            }
        }
    }

    fn end_of_block(&self, from: usize) -> usize {
        let rest = self.lines[from..].iter();
        from + rest.take_while(|line| !line.starts_with("```")).count()
    }

    fn block(&mut self, directive: &str, language: &str, from: usize, end: usize) {
        let text = self.lines[from..end].join("\n") + "\n";
        let (word, rest) = directive.split_once(": ").unwrap_or((directive, ""));
        match word {
            "run" => {
                let exit = rest
                    .strip_prefix("exit ")
                    .map_or(0, |exit| exit.parse().unwrap());
                self.shell(&text, exit, from);
            }
            "output" if std::env::var_os("MUSTER_BLESS").is_some() => {
                let printed: Vec<String> = self.printed.lines().map(String::from).collect();
                if redacted(&text) != redacted(&self.printed) {
                    self.lines.splice(from..end, printed);
                }
            }
            "output" => assert_eq!(
                redacted(&text),
                redacted(&self.printed),
                "{}:{from}",
                self.name
            ),
            "file" => fs::write(self.folder.path().join(rest), text).unwrap(),
            "not run" => {
                let path = rest.split('`').nth(1);
                let path = path.map(|path| Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
                assert!(
                    !rest.is_empty() && path.is_none_or(|path| path.exists()),
                    "{}:{from}: {rest}",
                    self.name
                );
            }
            _ => assert!(
                !["sh", "shell", "bash", "console"].contains(&language),
                "{}:{from}: commands that nothing runs",
                self.name
            ),
        }
    }

    fn shell(&mut self, script: &str, exit: i32, line: usize) {
        let commands = self.folder.path().join(".commands");
        let path = std::env::var("PATH").unwrap_or_default();
        let done = Command::new("bash")
            .args(["-u", "-c", &format!("{GUARD}\n{script}")])
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", commands.display()))
            .env("MUSTER_HOME", self.home())
            .env("NO_COLOR", "1")
            .env("COLUMNS", "100")
            .env_remove("DATABASE_URL")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        self.printed = String::from_utf8_lossy(&done.stdout).into_owned();
        assert_eq!(
            done.status.code(),
            Some(exit),
            "{}:{line}: {script}\n{}\n{said}",
            self.name,
            self.printed
        );
    }
}

/// Without what differs between two runs: their ids and how long they took.
fn redacted(text: &str) -> String {
    let untimed = text
        .lines()
        .map(|line| match line.split_once(", finished, ") {
            Some((run, _)) => format!("{run}, finished\n"),
            None => format!("{line}\n"),
        });
    let untimed: String = untimed.collect();
    let words = untimed
        .split_inclusive([' ', '\n', '/', ',', ':'])
        .map(|word| {
            let bare = word.trim_end_matches([' ', '\n', '/', ',', ':']);
            let is_id =
                bare.len() == 20 && bare.starts_with("20") && bare.matches('-').count() == 2;
            if is_id {
                word.replace(bare, "…")
            } else {
                word.to_string()
            }
        });
    words.collect()
}
