//! What spreadsheets write for yes and no, and how they show the months of dates that they made of
//! something else: a line a language. They write these words in exactly these letters, and people
//! mostly don't.

use std::collections::HashSet;
use std::sync::LazyLock;

/// What a cell that is yes or no is saved as in a text file. Words that are names of people as well
/// (VERO, SAND) aren't here.
#[rustfmt::skip]
pub const TRUTHS: &[(&str, &[&str])] = &[
    ("en", &["TRUE", "FALSE"]),
    ("fr", &["VRAI", "FAUX"]),
    ("de", &["WAHR", "FALSCH"]),
    ("es", &["VERDADERO", "FALSO"]),
    ("pt", &["VERDADEIRO", "FALSO"]),
    ("nl", &["WAAR", "ONWAAR"]),
    ("pl", &["PRAWDA", "FAŁSZ"]),
    ("tr", &["DOĞRU", "YANLIŞ"]),
    ("ru", &["ИСТИНА", "ЛОЖЬ"]),
];

/// The months as a date without its year is shown: `3-Apr`, `03. Apr`.
#[rustfmt::skip]
pub const MONTHS: &[(&str, &[&str])] = &[
    ("en", &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Sept", "Oct", "Nov", "Dec"]),
    ("fr", &["janv", "févr", "mars", "avr", "mai", "juin", "juil", "août", "sept", "oct", "nov", "déc"]),
    ("de", &["Jan", "Feb", "Mrz", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"]),
    ("es", &["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "sept", "oct", "nov", "dic"]),
    ("pt", &["jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"]),
    ("it", &["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"]),
    ("nl", &["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"]),
    ("pl", &["sty", "lut", "mar", "kwi", "maj", "cze", "lip", "sie", "wrz", "paź", "lis", "gru"]),
    ("tr", &["Oca", "Şub", "Mar", "Nis", "May", "Haz", "Tem", "Ağu", "Eyl", "Eki", "Kas", "Ara"]),
    ("ru", &["янв", "фев", "мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"]),
];

static TRUTH: LazyLock<HashSet<&str>> = LazyLock::new(|| all(TRUTHS));
static MONTH: LazyLock<HashSet<&str>> = LazyLock::new(|| all(MONTHS));

fn all(lines: &'static [(&str, &[&str])]) -> HashSet<&'static str> {
    let words = lines.iter().flat_map(|(_, words)| words.iter().copied());
    words.collect()
}

/// Whether a spreadsheet writes that for yes or no.
pub fn is_truth(word: &str) -> bool {
    TRUTH.contains(word)
}

/// Whether a spreadsheet shows a month so.
pub fn is_month(word: &str) -> bool {
    MONTH.contains(word.strip_suffix('.').unwrap_or(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_and_each_language_is_there_once() {
        for lines in [TRUTHS, MONTHS] {
            let languages: HashSet<&str> = lines.iter().map(|(language, _)| *language).collect();
            assert_eq!(languages.len(), lines.len());
        }
        for word in TRUTHS.iter().flat_map(|(_, words)| words.iter()) {
            assert!(is_truth(word) && !is_truth(&word.to_lowercase()), "{word}");
        }
        for (language, words) in MONTHS {
            assert!(words.len() >= 12, "{language}");
            for word in *words {
                assert!(is_month(word) && is_month(&format!("{word}.")), "{word}");
            }
        }
        assert!(!is_month("APR") && !is_truth("True"));
    }
}
