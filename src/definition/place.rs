//! Where a mistake is in the text of a pipeline file, and how it is shown.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::issue::Code;
use crate::refusal::Refusal;

/// What a check of a definition finds.
pub(super) type Checked = Result<(), Mistake>;

/// A mistake that serde can't see, and the place of it: a key by its path, or a value below that.
#[derive(Debug)]
pub(super) struct Mistake {
    path: Vec<String>,
    word: Option<String>,
    message: String,
    near: Option<String>,
    help: Option<String>,
}

impl Mistake {
    /// A mistake at a key. If the file doesn't have it, the section's place is shown.
    pub(super) fn at(path: &[&str], message: impl Into<String>) -> Mistake {
        Mistake {
            path: path.iter().map(ToString::to_string).collect(),
            word: None,
            message: message.into(),
            near: None,
            help: None,
        }
    }

    /// The same at a text below that key: the last one, if there are several.
    pub(super) fn word(mut self, word: &str) -> Mistake {
        self.word = Some(word.to_string());
        self
    }

    /// The same with the word that is probably meant.
    pub(super) fn near(mut self, near: Option<&str>) -> Mistake {
        self.near = near.map(str::to_string);
        self
    }

    /// The same with advice.
    pub(super) fn help(mut self, help: &str) -> Mistake {
        self.help = Some(help.to_string());
        self
    }

    /// The refusal that shows it in the text of which `root` was read.
    pub(super) fn refusal(&self, path: &str, text: &str, root: &DeTable<'_>) -> Refusal {
        let at = self.find(root);
        let refusal = invalid(path, text, at, &self.message, self.near.as_deref());
        match &self.help {
            Some(help) => refusal.help(help),
            None => refusal,
        }
    }

    fn find(&self, root: &DeTable<'_>) -> usize {
        let (mut at, mut table, mut inside) = (0, Some(root), None);
        for key in &self.path {
            let entry = table.and_then(|table| table.get_key_value(key.as_str()));
            let Some((name, value)) = entry else { break };
            // The span of a table is its header, which begins before the name in it.
            at = name.span().start.min(value.span().start);
            table = value.get_ref().as_table();
            inside = Some(value);
        }
        let word = self.word.as_deref().zip(inside);
        word.and_then(|(word, value)| last(value, &|text| text == word))
            .unwrap_or(at)
    }
}

/// The place of the last text in `value` that `is_meant`.
fn last(value: &Spanned<DeValue<'_>>, is_meant: &dyn Fn(&str) -> bool) -> Option<usize> {
    match value.get_ref() {
        DeValue::String(text) => is_meant(text).then(|| value.span().start),
        DeValue::Array(values) => values.iter().filter_map(|one| last(one, is_meant)).max(),
        DeValue::Table(table) => {
            let values = table.values();
            values.filter_map(|one| last(one, is_meant)).max()
        }
        _ => None,
    }
}

/// The place of a name or a value with NUL in it. Names of pipelines and of attributes are kept in
/// the database, whose text can't hold it.
pub(super) fn nul(text: &str, table: &DeTable<'_>) -> Option<usize> {
    let escape = |span: std::ops::Range<usize>| {
        let written = &text[span.clone()];
        let escapes = ["\\u0000", "\\U00000000", "\\x00"].iter();
        let at = escapes.filter_map(|escape| written.find(escape)).min();
        span.start + at.unwrap_or(0)
    };
    fn of_value(value: &Spanned<DeValue<'_>>) -> Option<std::ops::Range<usize>> {
        match value.get_ref() {
            DeValue::String(text) => text.contains('\0').then(|| value.span()),
            DeValue::Array(values) => values.iter().find_map(of_value),
            DeValue::Table(table) => of_table(table),
            _ => None,
        }
    }
    fn of_table(table: &DeTable<'_>) -> Option<std::ops::Range<usize>> {
        table
            .iter()
            .find_map(|(name, value)| match name.get_ref().contains('\0') {
                true => Some(name.span()),
                false => of_value(value),
            })
    }
    of_table(table).map(escape)
}

pub(super) fn invalid(
    path: &str,
    text: &str,
    at: usize,
    message: &str,
    near: Option<&str>,
) -> Refusal {
    let before = &text[..at.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = text[line_start..at.min(text.len())].chars().count() + 1;
    let excerpt = text[line_start..].lines().next().unwrap_or("");
    let gutter = line.to_string();
    let margin = " ".repeat(gutter.len());
    let caret = " ".repeat(column - 1);
    let what = format!(
        "{path}:{line}:{column}: {message}\n{margin} |\n{gutter} | {excerpt}\n{margin} | {caret}^"
    );
    let refusal = Refusal::new(Code::PipelineInvalid, what);
    match near {
        Some(near) => refusal.help(format!("did you mean `{near}`?")),
        None => refusal,
    }
}

/// A mistake that the TOML parser or serde found.
pub(super) fn of_toml(path: &str, text: &str, error: &toml::de::Error) -> Refusal {
    let at = error.span().map_or(0, |span| span.start);
    let message = error.message();
    invalid(path, text, at, &plain_message(message), nearest_in(message))
}

/// serde lists every valid word; the nearest one is what helps, so the list is cut off.
fn plain_message(message: &str) -> String {
    let message = message.lines().next().unwrap_or("");
    match message.split_once(", expected ") {
        Some((start, _)) if start.starts_with("unknown ") => start
            .replace("unknown field", "unknown key")
            .replace("unknown variant", "unknown word"),
        _ => message.to_string(),
    }
}

fn nearest_in(message: &str) -> Option<&str> {
    let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (wrong, known) = words.split_first()?;
    nearest(wrong, known.iter().copied())
}

/// The word of `known` that is most like `word`, if any is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// A word that must be one of `known`; `section` is what the message calls the list.
pub(super) fn one_of(path: &[&str], section: &str, word: &str, known: &[&str]) -> Checked {
    if known.contains(&word) {
        return Ok(());
    }
    let mistake = Mistake::at(path, format!("unknown word `{word}` in `{section}`")).word(word);
    Err(mistake.near(nearest(word, known.iter().copied())))
}
