//! Words for yes and no.

/// What a cell of an attribute may say that is yes or no, in the form of [`crate::text::key`]: in English, German,
/// French, Spanish, Portuguese, Italian, Dutch, Polish, Czech, Turkish, Japanese and Chinese.
#[rustfmt::skip]
pub(super) const BOOLEANS: [(&str, &[&str]); 2] = [
    (
        "true",
        &[
            "true", "1", "yes", "y", "t", "x", "on", "ja", "j", "wahr", "oui", "o", "vrai", "si", "s", "verdadero", "sim",
            "verdadeiro", "vero", "waar", "tak", "prawda", "ano", "pravda", "evet", "dogru", "はい", "是", "真",
        ],
    ),
    (
        "false",
        &[
            "false", "0", "no", "n", "f", "off", "nein", "falsch", "non", "faux", "falso", "nao", "nee", "onwaar", "nie",
            "falsz", "ne", "nepravda", "hayir", "yanlis", "いいえ", "否", "假",
        ],
    ),
];

/// Whether a word in the form of [`crate::text::key`] is a yes or a no.
pub fn boolean_word(key: &str) -> Option<bool> {
    let (word, _) = BOOLEANS.iter().find(|(_, words)| words.contains(&key))?;
    Some(*word == "true")
}
