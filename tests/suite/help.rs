//! Every command's help fits into 80 columns.

use crate::support;

const COLUMNS: usize = 80;

/// The help of a command and of all commands below it.
fn helps(words: &[&str]) -> Vec<(String, String)> {
    let folder = support::folder();
    let arguments: Vec<&str> = words.iter().copied().chain(["--help"]).collect();
    let shown = support::bare(folder.path(), folder.path(), &arguments).finish();
    assert_eq!(shown.exit, 0, "{shown:?}");
    let below = shown.stdout.split_once("\nCommands:\n");
    let below = below.map_or("", |(_, commands)| commands.split("\n\n").next().unwrap());
    let names = below.lines().filter(|line| !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    let names: Vec<String> = names
        .filter(|name| *name != "help")
        .map(String::from)
        .collect();
    let mut all = vec![(words.join(" "), shown.stdout)];
    for name in names {
        let words: Vec<&str> = words.iter().copied().chain([name.as_str()]).collect();
        all.extend(helps(&words));
    }
    all
}

#[test]
fn help_fits_into_80_columns() {
    let all = helps(&[]);
    assert!(all.len() > 30, "{}", all.len());
    let mut long = Vec::new();
    for (command, help) in all {
        let lines = help.lines().filter(|line| line.chars().count() > COLUMNS);
        long.extend(lines.map(|line| format!("muster {command}: {line}")));
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}
