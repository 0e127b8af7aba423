//! German texts, a table for each room.

mod codes;
mod fix;
mod frame;
mod import;
mod people;
mod runs;
mod said;

pub(super) use self::codes::CODES;
pub(super) use self::said::SAID;

/// All tables: English, German.
pub(super) const ALL: &[&[(&str, &str)]] = &[
    fix::WORDS,
    frame::WORDS,
    import::WORDS,
    people::WORDS,
    runs::WORDS,
    SAID,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::{ALL, CODES};
    use crate::console::words::said;
    use crate::issue::Code;
    use crate::rule::Rule;

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("german") {
                    sources(&path, found);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    /// The text of a string literal that begins right after its first quote.
    fn literal(source: &str) -> String {
        let mut text = String::new();
        let mut characters = source.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => return text,
                '\\' => match characters.next() {
                    Some('\n') => {
                        let rest = characters.as_str().trim_start();
                        characters = rest.chars();
                    }
                    Some('n') => text.push('\n'),
                    Some(escaped) => text.push(escaped),
                    None => {}
                },
                character => text.push(character),
            }
        }
        text
    }

    /// Texts that are looked up: literals of `t(…)` and `tf(…)`, and constants that these name.
    fn looked_up(source: &str) -> Vec<String> {
        let source = source.split("#[cfg(test)]").next().unwrap();
        let mut texts = Vec::new();
        for call in [".t(", ".tf(", ".counted("] {
            for after in source.split(call).skip(1) {
                // Counts come before their texts: one, and several.
                if call.ends_with("ed(") {
                    texts.extend(counted(after));
                    continue;
                }
                let argument = after.trim_start();
                if let Some(rest) = argument.strip_prefix('"') {
                    texts.push(literal(rest));
                    continue;
                }
                let name: String = argument
                    .chars()
                    .take_while(|character| character.is_alphanumeric() || *character == '_')
                    .collect();
                for start in [format!("const {name}: &str ="), format!("let {name} =")] {
                    let constant = source.split(&start).nth(1).map(str::trim_start);
                    if let Some(rest) = constant.and_then(|rest| rest.strip_prefix('"')) {
                        texts.push(literal(rest));
                    }
                }
            }
        }
        texts
    }

    /// The two texts of a call of `counted`, if it has them as literals.
    fn counted(after: &str) -> Vec<String> {
        let Some((before, rest)) = after.split_once('"') else {
            return Vec::new();
        };
        if before.contains([';', '{', '}']) {
            return Vec::new();
        }
        let one = literal(rest);
        let rest = rest.split_once('"').map_or("", |(_, rest)| rest);
        match rest.split_once('"') {
            Some((between, many)) if between.trim() == "," => vec![one, literal(many)],
            _ => vec![one],
        }
    }

    #[test]
    fn every_code_has_its_german() {
        for code in Code::ALL {
            let found = CODES.iter().filter(|(known, ..)| known == code);
            let found: Vec<_> = found.collect();
            let [(_, title, fix)] = found[..] else {
                panic!("{code} has {} translations", found.len());
            };
            assert!(!title.is_empty() && !fix.is_empty(), "{code}");
        }
    }

    #[test]
    fn every_rule_and_the_time_line_have_their_german() {
        let mut missing = Vec::new();
        for rule in Rule::ALL {
            if said("de", rule.title()) == rule.title() {
                missing.push(rule.title().to_string());
            }
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/history.rs");
        let source = std::fs::read_to_string(path).unwrap();
        let (_, events) = source.split_once("\nfn made(").unwrap();
        let (events, _) = events
            .split_once("\n/// A value as text, in full.")
            .unwrap();
        for after in events.split('"').skip(1).step_by(2) {
            // Blanks of `format!` are filled with something.
            let text = literal(&format!("{after}\""));
            let parts = text
                .split('{')
                .map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
            let text = parts.collect::<Vec<_>>().join("x");
            let is_sentence = text.split(' ').filter(|word| word.len() > 2).count() > 1;
            if is_sentence && said("de", &text) == text {
                missing.push(text);
            }
        }
        assert!(missing.is_empty(), "{}", missing.join("\n"));
    }

    #[test]
    fn every_text_has_its_german() {
        let mut files = Vec::new();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console");
        sources(&folder, &mut files);
        let known: BTreeSet<&str> = ALL
            .iter()
            .flat_map(|table| table.iter())
            .map(|pair| pair.0)
            .collect();
        let mut missing = BTreeSet::new();
        for file in files {
            let source = std::fs::read_to_string(&file).unwrap();
            let texts = looked_up(&source);
            let name = file.strip_prefix(&folder).unwrap().display().to_string();
            let unknown = texts
                .into_iter()
                .filter(|text| !known.contains(text.as_str()));
            missing.extend(unknown.map(|text| format!("{name}: {text:?}")));
        }
        let missing: Vec<String> = missing.into_iter().collect();
        assert!(missing.is_empty(), "{}", missing.join("\n"));
    }

    #[test]
    fn a_text_has_one_translation_with_the_same_blanks() {
        let mut seen = std::collections::BTreeMap::new();
        let blanks = |text: &str| {
            let parts = text.split('{').skip(1);
            let names = parts
                .filter_map(|part| part.split_once('}'))
                .map(|(name, _)| name.to_string());
            names.collect::<BTreeSet<String>>()
        };
        let codes = CODES.iter();
        let codes =
            codes.flat_map(|(code, title, fix)| [(code.title(), *title), (code.fix(), *fix)]);
        let codes: Vec<(&str, &str)> = codes.collect();
        for (english, german) in ALL.iter().flat_map(|table| table.iter()).chain(&codes) {
            assert_eq!(blanks(english), blanks(german), "{english}");
            if let Some(other) = seen.insert(*english, *german) {
                assert_eq!(other, *german, "{english}");
            }
        }
    }
}
