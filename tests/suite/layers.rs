//! The layers of `src/`, as the table in `docs/architecture.md` has them: arrows go down, no files
//! lean on each other in a circle, and the passes touch nothing outside.
//!
//! What is read are the `use` lines and the paths in the code (`crate::a::b`), without comments, texts
//! and tests. A room is a folder or file directly below `src/`, or below `src/stages/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The layers up to the passes: values and policy are below them.
const PASSES: usize = 3;

/// What the layers up to the passes must not name, and what of a path says so.
const OUTSIDE: [(&str, &[&str]); 5] = [
    ("files", &["std::fs"]),
    ("the environment", &["std::env"]),
    (
        "a clock",
        &["SystemTime", "Instant", "Zoned::now", "Timestamp::now"],
    ),
    ("async code", &["tokio", "tokio_postgres"]),
    (
        "polars",
        &[
            "polars_arrow",
            "polars_compute",
            "polars_core",
            "polars_io",
            "polars_lazy",
        ],
    ),
];

/// Files of these layers that may, each with its reason.
const EXCEPTIONS: [(&str, &str, &str); 9] = [
    ("stages/read/input.rs", "files", "opens what is read"),
    (
        "stages/read/workbook/parquet.rs",
        "polars",
        "reads lists that are Parquet",
    ),
    ("file.rs", "files", "writes a file whole or not at all"),
    ("spool/pages.rs", "files", "keeps the rows on disk"),
    (
        "spool/pages.rs",
        "the environment",
        "TMPDIR is where scratch files go",
    ),
    ("memory/mod.rs", "files", "asks how much memory there is"),
    (
        "memory/sorted.rs",
        "files",
        "sorts on disk what is over the budget",
    ),
    (
        "stages/clean/numbering.rs",
        "a mutable static",
        "automata of numbering plans, grown as they are used; the answers are the same without",
    ),
    (
        "stages/read/workbook/refuse.rs",
        "a mutable static",
        "a process has one panic hook, and a parser's panic must not be printed",
    ),
];

/// A source file: its path below `src/`, and its code.
struct File {
    path: String,
    code: String,
}

/// A path that a file names, with its line.
struct Named {
    line: usize,
    segments: Vec<String>,
}

/// Comments, texts and characters become spaces; lines stay.
fn code_of(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let length = match rest {
            ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['"', ..] => text_length(rest),
            ['r', '"' | '#', ..] if at == 0 || !is_word(chars[at - 1]) => raw_length(rest),
            ['\'', '\\', ..] => 3 + rest[3..].iter().position(|c| *c == '\'').unwrap_or(0),
            ['\'', _, '\'', ..] => 3,
            _ => 0,
        };
        for c in &rest[..length.min(rest.len())] {
            code.push(if *c == '\n' { '\n' } else { ' ' });
        }
        if length == 0 {
            code.push(rest[0]);
        }
        at += length.max(1);
    }
    code
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn text_length(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn raw_length(rest: &[char]) -> usize {
    let marks = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + marks) != Some(&'"') {
        return 0;
    }
    let end: Vec<char> = std::iter::once('"')
        .chain(std::iter::repeat_n('#', marks))
        .collect();
    let body = &rest[2 + marks..];
    let found = body.windows(end.len()).position(|some| some == end);
    2 + marks + found.unwrap_or(body.len()) + end.len()
}

/// Where the item that begins at `from` ends: after its `;`, or its last brace.
fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0;
    for (at, c) in code[from..].char_indices() {
        match c {
            ';' if depth == 0 => return from + at + 1,
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return from + at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// Takes out what is compiled for tests only. Returns the modules that are files of their own.
fn without_tests(code: &mut String) -> Vec<String> {
    let mut modules = Vec::new();
    while let Some(start) = code.find("#[cfg(test)]") {
        let end = item_end(code, start + 12);
        let item = code[start + 12..end].trim();
        if let Some((_, name)) = item
            .strip_suffix(';')
            .and_then(|item| item.split_once("mod "))
        {
            modules.push(name.trim().to_string());
        }
        let blank: String = code[start..end]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect();
        code.replace_range(start..end, &blank);
    }
    modules
}

/// The module of a file, as a path from the crate's root.
fn module(path: &str) -> Vec<String> {
    let bare = path.trim_end_matches(".rs");
    let bare = bare.strip_suffix("/mod").unwrap_or(bare);
    let is_root = matches!(bare, "lib" | "main");
    let segments = bare.split('/').filter(|_| !is_root);
    segments.map(String::from).collect()
}

fn files() -> Vec<File> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(&source).unwrap().to_str().unwrap();
                files.push((name.to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    prepared(files)
}

fn prepared(texts: Vec<(String, String)>) -> Vec<File> {
    let mut tests = BTreeSet::new();
    let mut files = Vec::new();
    for (path, text) in texts {
        let mut code = code_of(&text);
        for name in without_tests(&mut code) {
            let mut module = module(&path);
            module.push(name);
            tests.insert(module);
        }
        files.push(File { path, code });
    }
    files.retain(|file| !tests.contains(&module(&file.path)));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The branches of a `use` tree, each as a path.
fn branches(tree: &str, before: &str, found: &mut Vec<String>) {
    let Some((start, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree);
        let path: String = path.split_whitespace().collect();
        found.push(format!("{before}{path}"));
        return;
    };
    let start: String = start.split_whitespace().collect();
    let before = format!("{before}{start}");
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let mut depth = 0;
    let parts = inner.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    for part in parts.filter(|part| !part.trim().is_empty()) {
        branches(part, &before, found);
    }
}

/// Every path that a file names.
fn named(file: &File) -> Vec<Named> {
    let code = &file.code;
    let mut all = Vec::new();
    let mut note = |line: usize, path: &str| {
        let segments = path.split("::").map(String::from).collect();
        all.push(Named { line, segments });
    };
    let (mut at, mut line, mut counted) = (0, 1, 0);
    while at < code.len() {
        line += code[counted..at].matches('\n').count();
        counted = at;
        let rest = &code[at..];
        let is_start = !code[..at].ends_with(|c: char| is_word(c) || c == ':');
        let word = rest.split(|c: char| !is_word(c)).next().unwrap_or("");
        if is_start && word == "use" && rest[3..].starts_with(char::is_whitespace) {
            let end = item_end_of_use(rest);
            let mut found = Vec::new();
            branches(&rest[3..end], "", &mut found);
            found.iter().for_each(|path| note(line, path));
            at += end;
        } else if is_start && !word.is_empty() {
            let path = rest.split(|c: char| !is_word(c) && c != ':').next();
            let path = path.unwrap_or(word).trim_end_matches(':');
            note(line, path);
            at += path.len().max(word.len());
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    all
}

fn item_end_of_use(rest: &str) -> usize {
    rest.find(';').unwrap_or(rest.len())
}

/// The whole path from the crate's root; `None` for those that lead out of it.
fn from_root(of: &File, segments: &[String]) -> Option<Vec<String>> {
    let mut base = module(&of.path);
    match segments[0].as_str() {
        "crate" => base.clear(),
        "self" => {}
        "super" => drop(base.pop()),
        _ => return None,
    }
    for segment in &segments[1..] {
        match segment.as_str() {
            "super" => drop(base.pop()),
            "self" => {}
            other => base.push(other.to_string()),
        }
    }
    Some(base)
}

/// An import of a file: the line, the path, and the file that has it.
struct Arrow<'a> {
    from: &'a str,
    line: usize,
    path: String,
    to: &'a str,
}

fn arrows(files: &[File]) -> Vec<Arrow<'_>> {
    let modules: BTreeMap<Vec<String>, &str> = files
        .iter()
        .filter(|file| file.path != "main.rs")
        .map(|file| (module(&file.path), file.path.as_str()))
        .collect();
    let mut arrows = Vec::new();
    for file in files {
        for Named { line, segments } in named(file) {
            let is_own = file.path == "main.rs" && segments[0] == "muster";
            let path = match is_own {
                true => Some(segments[1..].to_vec()),
                false => from_root(file, &segments),
            };
            let Some(path) = path else { continue };
            let mut lengths = (0..=path.len()).rev();
            let to = lengths.find_map(|length| modules.get(&path[..length]));
            if let Some(to) = to.filter(|to| **to != file.path) {
                let path = segments.join("::");
                let from = &file.path;
                arrows.push(Arrow {
                    from,
                    line,
                    path,
                    to,
                });
            }
        }
    }
    arrows
}

/// The room of a file; none for the files that only list modules.
fn room(path: &str) -> Option<&str> {
    let path = path.trim_end_matches(".rs");
    let path = path.strip_prefix("stages/").unwrap_or(path);
    let room = path.split('/').next()?;
    (!matches!(path, "lib" | "mod")).then_some(room)
}

/// A layer of the table: its rooms, and whether they may know each other.
struct Layer {
    name: String,
    rooms: Vec<String>,
    is_free: bool,
}

/// The table under "Layers" in `docs/architecture.md`, from the bottom.
fn layers() -> Vec<Layer> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("## Layers\n").expect("a section of layers");
    let section = section.split("\n## ").next().unwrap();
    let mut layers = Vec::new();
    for line in section.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [number, name, rooms, knows] = cells[..]
            && number.parse::<usize>().is_ok()
        {
            let rooms = rooms.split('`').skip(1).step_by(2);
            layers.push(Layer {
                name: name.to_string(),
                rooms: rooms
                    .map(|room| room.trim_end_matches('/').to_string())
                    .collect(),
                is_free: knows.contains("each other downward"),
            });
        }
    }
    layers.reverse();
    layers
}

fn level(layers: &[Layer], room: &str) -> Option<usize> {
    layers
        .iter()
        .position(|layer| layer.rooms.iter().any(|one| one == room))
}

/// The imports that go up or sideways.
fn wrong_arrows(files: &[File], layers: &[Layer]) -> Vec<String> {
    let mut wrong = Vec::new();
    for arrow in arrows(files) {
        let (Some(from), Some(to)) = (room(arrow.from), room(arrow.to)) else {
            continue;
        };
        let (Some(lower), Some(upper)) = (level(layers, from), level(layers, to)) else {
            continue;
        };
        let way = match upper {
            _ if from == to => continue,
            upper if upper > lower => "up",
            upper if upper == lower && !layers[lower].is_free => "sideways",
            _ => continue,
        };
        wrong.push(format!(
            "src/{}:{}: `{}` goes {way}, from `{from}` ({}) to `{to}` ({})",
            arrow.from, arrow.line, arrow.path, layers[lower].name, layers[upper].name
        ));
    }
    wrong
}

/// Groups of nodes that reach each other.
fn circles<'a>(edges: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<Vec<&'a str>> {
    let reach = |start: &'a str| {
        let mut seen = BTreeSet::new();
        let mut next = vec![start];
        while let Some(node) = next.pop() {
            for to in edges.get(node).into_iter().flatten() {
                if seen.insert(*to) {
                    next.push(*to);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        edges.keys().map(|node| (*node, reach(node))).collect();
    let mut found: BTreeSet<Vec<&str>> = BTreeSet::new();
    for (node, seen) in &reached {
        if seen.contains(node) {
            let back = |other: &&&str| reached.get(**other).is_some_and(|of| of.contains(node));
            found.insert(seen.iter().filter(back).copied().collect());
        }
    }
    found.into_iter().collect()
}

fn is_parent(parent: &str, child: &str) -> bool {
    let (parent, child) = (module(parent), module(child));
    child.len() > parent.len() && child.starts_with(&parent)
}

/// Files that lean on each other, and rooms that do.
fn all_circles(files: &[File]) -> Vec<String> {
    let all = arrows(files);
    let mut of_files: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut of_rooms: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for arrow in &all {
        if !is_parent(arrow.from, arrow.to) && !is_parent(arrow.to, arrow.from) {
            of_files.entry(arrow.from).or_default().insert(arrow.to);
        }
        if let (Some(from), Some(to)) = (room(arrow.from), room(arrow.to))
            && from != to
        {
            of_rooms.entry(from).or_default().insert(to);
        }
    }
    let mut found = Vec::new();
    for circle in circles(&of_files) {
        let within = all
            .iter()
            .filter(|arrow| circle.contains(&arrow.from) && circle.contains(&arrow.to));
        let lines: Vec<String> = within
            .map(|arrow| format!("  src/{}:{}: `{}`", arrow.from, arrow.line, arrow.path))
            .collect();
        found.push(format!("a circle of files:\n{}", lines.join("\n")));
    }
    for circle in circles(&of_rooms) {
        found.push(format!("a circle of rooms: {}", circle.join(", ")));
    }
    found
}

/// Whether `path` has the segments of `wanted` somewhere.
fn has(path: &[String], wanted: &str) -> bool {
    let wanted: Vec<&str> = wanted.split("::").collect();
    path.windows(wanted.len()).any(|some| some == wanted)
}

/// What of the outside a file names, by line.
fn outside(file: &File) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    for Named { line, segments } in named(file) {
        for (what, names) in OUTSIDE {
            if names.iter().any(|name| has(&segments, name)) {
                found.push((line, what));
            }
        }
    }
    for (number, line) in file.code.lines().enumerate() {
        let is_static = line.trim_start().starts_with("static ")
            || line.trim_start().starts_with("pub static ")
            || line.trim_start().starts_with("pub(");
        let changes = [
            "Mutex<",
            "RwLock<",
            "OnceLock<",
            "OnceCell<",
            "Atomic",
            "Once ",
            ": Once",
        ];
        let is_mutable = line.contains("static mut ")
            || is_static
                && line.contains("static ")
                && changes.iter().any(|kind| line.contains(kind));
        if is_mutable || line.contains("thread_local!") {
            found.push((number + 1, "a mutable static"));
        }
    }
    found
}

/// What the layers up to the passes name of the outside, exceptions aside.
fn impure(files: &[File], layers: &[Layer]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for file in files {
        let level = room(&file.path).and_then(|room| level(layers, room));
        if level.is_none_or(|level| level >= PASSES) {
            continue;
        }
        for (line, what) in outside(file) {
            let excepted =
                |(path, allowed, _): &(&str, &str, &str)| *path == file.path && *allowed == what;
            match EXCEPTIONS.iter().position(excepted) {
                Some(exception) => drop(used.insert(exception)),
                None => wrong.push(format!("src/{}:{line}: names {what}", file.path)),
            }
        }
    }
    for (number, (path, what, _)) in EXCEPTIONS.iter().enumerate() {
        if !used.contains(&number) {
            wrong.push(format!("src/{path} needs no exception for {what} any more"));
        }
    }
    wrong
}

#[test]
fn every_room_has_a_layer_and_every_arrow_goes_down() {
    let (files, layers) = (files(), layers());
    assert_eq!(layers.len(), 6, "six layers in docs/architecture.md");
    let rooms: BTreeSet<&str> = files.iter().filter_map(|file| room(&file.path)).collect();
    let listed: BTreeSet<&str> = layers
        .iter()
        .flat_map(|layer| layer.rooms.iter().map(String::as_str))
        .collect();
    assert_eq!(
        rooms, listed,
        "rooms of src, and those of docs/architecture.md"
    );
    let wrong = wrong_arrows(&files, &layers);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_files_and_no_rooms_lean_on_each_other() {
    let wrong = all_circles(&files());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn values_policy_and_passes_touch_nothing_outside() {
    let wrong = impure(&files(), &layers());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_ledger_names_polars() {
    let files = files();
    let others = files
        .iter()
        .filter(|file| room(&file.path) != Some("ledger"));
    let name_it = others.filter(|file| outside(file).iter().any(|(_, what)| *what == "polars"));
    let names: Vec<&str> = name_it.map(|file| file.path.as_str()).collect();
    assert_eq!(names, ["stages/read/workbook/parquet.rs"]);
}

/// A row is taken apart into bytes once; each place that puts it together again costs every run.
#[test]
fn four_places_decode_rows_and_decided_rows_have_one_reader() {
    let files = files();
    let places = |names: &[&str]| -> Vec<String> {
        let mut found = Vec::new();
        for file in files.iter().filter(|file| file.path != "spool.rs") {
            let code: String = file.code.split_whitespace().collect();
            for name in names {
                found.extend(code.matches(name).map(|_| file.path.clone()));
            }
        }
        found
    };
    assert_eq!(
        places(&["spool.read(", "spool.read_with_passwords("]),
        [
            "ledger/planfile.rs",
            "pipeline/ran.rs",
            "pipeline/rows.rs",
            "pipeline/write.rs"
        ]
    );
    // Before the seal, the plan is written and settled; after it, `Decisions` alone reads it.
    let mut named = places(&["PlanSpool"]);
    named.dedup();
    assert_eq!(
        named,
        [
            "ledger/planfile.rs",
            "pipeline/decisions.rs",
            "pipeline/plan.rs"
        ]
    );
}

#[test]
fn each_way_of_running_is_on_one_page() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pipeline.rs");
    let page = fs::read_to_string(path).unwrap();
    assert!(
        page.lines().count() <= 120,
        "{} lines",
        page.lines().count()
    );
    for way in ["check", "import", "apply", "approve", "due", "undo"] {
        let (_, body) = page.split_once(&format!("\npub fn {way}(")).expect(way);
        let (body, _) = body.split_once("\n}\n").unwrap();
        assert!(
            body.lines().count() <= 15,
            "`{way}` is longer than a dozen lines or so"
        );
    }
}

/// The checks see what they are for.
#[test]
fn a_wrong_import_is_named_with_its_file_and_line() {
    let texts = [
        ("lib.rs", "pub mod row;\npub mod stages;\npub mod store;\n"),
        (
            "row.rs",
            "// use crate::store::Store;\nuse crate::store::{\n    Store,\n};\n",
        ),
        (
            "stages/map.rs",
            "const A: &str = \"crate::store\";\nfn f() { crate::stages::clean::g(); std::fs::read(A); }\n",
        ),
        (
            "stages/clean.rs",
            "static N: Mutex<u8> = 0;\n#[cfg(test)]\nmod tests {\n    use super::super::map;\n}\n",
        ),
        ("store.rs", "use crate::row;\n#[cfg(test)]\nmod scratch;\n"),
        ("store/scratch.rs", "use crate::stages::map;\n"),
    ];
    let texts = texts.map(|(path, text)| (path.to_string(), text.to_string()));
    let files = prepared(texts.to_vec());
    assert_eq!(
        wrong_arrows(&files, &layers()),
        [
            "src/row.rs:2: `crate::store::Store` goes up, from `row` (values) to `store` (effects)",
            "src/stages/map.rs:2: `crate::stages::clean::g` goes sideways, from `map` (passes) to `clean` (passes)",
        ]
    );
    assert_eq!(
        all_circles(&files),
        [
            "a circle of files:\n  src/row.rs:2: `crate::store::Store`\n  src/store.rs:1: `crate::row`",
            "a circle of rooms: row, store",
        ]
    );
    let wrong = impure(&files, &layers());
    assert_eq!(
        wrong[..2],
        [
            "src/stages/clean.rs:1: names a mutable static",
            "src/stages/map.rs:2: names files",
        ]
    );
}
