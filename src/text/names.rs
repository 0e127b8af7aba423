//! names: what two names, or a name and an e-mail address, have in common. Pure.
//!
//! Names are compared by their words: case, accents, punctuation and the usual ways to write an umlaut
//! in plain letters make no difference.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// Words that many names share and that tell nobody apart: Portuguese, Spanish, Italian and French;
/// Dutch and German; Arabic and Hebrew.
const PARTICLES: &[&str] = &[
    "da", "das", "de", "del", "della", "der", "di", "do", "dos", "du", "e", "i", "la", "las", "le",
    "lo", "los", "y", "den", "het", "t", "te", "ten", "ter", "van", "vom", "von", "zu", "zum",
    "zur", "al", "ben", "bin", "bint", "el", "ibn",
];

/// The words of a name in a form by which they are compared: in NFKD and lower case, without marks. Every
/// name and address of a list comes here, so that ASCII, which NFKD leaves alone, goes its own way; the
/// order of marks, which a whole text would need, doesn't matter.
pub fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut take = |c: char| match c {
        'a'..='z' | '0'..='9' => word.push(c),
        // `O'Brien` is one word, as in his address.
        '\'' | '’' | '‘' | '`' | '´' | 'ʼ' => {}
        c if is_combining_mark(c) => {}
        c if c.is_alphanumeric() => push_folded(&mut word, c),
        _ if word.is_empty() => {}
        _ => {
            words.push(plain(&word));
            word.clear();
        }
    };
    for c in name.chars() {
        match c.is_ascii() {
            true => take(c.to_ascii_lowercase()),
            false => decompose_compatible(c, |part| part.to_lowercase().for_each(&mut take)),
        }
    }
    take(' ');
    words
}

/// Letters that don't come apart into a plain one and a mark.
fn push_folded(word: &mut String, c: char) {
    match c {
        'ß' => word.push_str("ss"),
        'æ' => word.push('a'),
        'œ' | 'ø' => word.push('o'),
        'đ' | 'ð' => word.push('d'),
        'þ' => word.push_str("th"),
        'ł' => word.push('l'),
        'ı' => word.push('i'),
        c => word.push(c),
    }
}

/// `mueller` as `muller`, which is what `müller` is by now.
fn plain(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    for c in word.chars() {
        if !(c == 'e' && plain.ends_with(['a', 'o', 'u'])) {
            plain.push(c);
        }
    }
    plain
}

/// The words that tell somebody apart; all of them, where there are no others.
fn telling(name: &str) -> Vec<String> {
    let all = words(name);
    let is_telling = |word: &&String| !PARTICLES.contains(&word.as_str());
    let telling: Vec<String> = all.iter().filter(is_telling).cloned().collect();
    if telling.is_empty() { all } else { telling }
}

fn have_a_word_in_common(a: &[String], b: &[String]) -> bool {
    a.iter().any(|word| b.contains(word))
}

/// Whether first and last name are both other ones, each pair of a first and a last name. A name that is
/// empty on either side is not another one, and neither is one whose two parts changed places.
pub fn are_of_two(a: [&str; 2], b: [&str; 2]) -> bool {
    let [first_a, last_a] = a.map(telling);
    let [first_b, last_b] = b.map(telling);
    if [&first_a, &last_a, &first_b, &last_b]
        .iter()
        .any(|words| words.is_empty())
    {
        return false;
    }
    let is_swapped =
        have_a_word_in_common(&first_a, &last_b) && have_a_word_in_common(&last_a, &first_b);
    !is_swapped
        && !have_a_word_in_common(&first_a, &first_b)
        && !have_a_word_in_common(&last_a, &last_b)
}

/// Whether two full names, of two words or more each, have none in common.
pub fn are_of_two_in_full(a: &str, b: &str) -> bool {
    let [a, b] = [a, b].map(telling);
    a.len() > 1 && b.len() > 1 && !have_a_word_in_common(&a, &b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::UnicodeNormalization;

    #[test]
    fn a_character_at_a_time_is_the_same_as_the_whole_text() {
        let whole = |name: &str| -> String {
            let all = name.nfkd().flat_map(char::to_lowercase);
            all.filter(|c| c.is_alphanumeric() && !is_combining_mark(*c))
                .collect()
        };
        for name in [
            "A\u{30a}sa",
            "ÅSA q\u{323}\u{307} q\u{307}\u{323}",
            "ﬁ Ⅷ ２０ ½ ㎏",
            "김철수 한\u{1100}\u{1161}",
            "ΣΊΣΥΦΟΣ İstanbul Ǆ",
            "नमस्ते مُحَمَّد Nguyễn",
        ] {
            assert_eq!(words(name).concat(), plain(&whole(name)), "{name}");
        }
    }

    #[test]
    fn names_are_compared_by_their_words() {
        assert_eq!(words("Jörg-Peter O’Brien"), ["jorg", "peter", "obrien"]);
        assert_eq!(words("Joerg Müller"), words("JÖRG Mueller"));
        for (a, b, two) in [
            (["Kira", "Lund"], ["Tom", "Brandt"], true),
            (["Kira", "Lund"], ["Karl", "Lundgren"], true),
            (["Kira", "Lund"], ["KIRA", "Brandt"], false),
            (["Kira", "Lund"], ["Tom", "LUND"], false),
            (["Kira", "Lund"], ["Lund", "Kira"], false),
            (["Anna", "Martin"], ["Martin", "Schulz"], true),
            (["Zoë", "Nuñez"], ["Zoe", "Nunez"], false),
            (["Jürgen", "Groß"], ["Juergen", "Gross"], false),
            (["Anna Maria", "Lopez"], ["Maria", "Garcia"], false),
            (["João", "da Silva"], ["Rui", "da Costa"], true),
            (["", "Lund"], ["Tom", "Brandt"], false),
            (["Kira", "Lund"], ["Tom", ""], false),
            (["太郎", "山田"], ["花子", "鈴木"], true),
            (["太郎", "山田"], ["花子", "山田"], false),
        ] {
            assert_eq!(are_of_two(a, b), two, "{a:?} {b:?}");
            assert_eq!(are_of_two(b, a), two, "{b:?} {a:?}");
        }
        assert!(are_of_two_in_full("Kira Lund", "Brandt, Tom"));
        assert!(!are_of_two_in_full("Kira Lund", "Lund, Kira"));
        assert!(!are_of_two_in_full("Kira", "Tom Brandt"));
    }
}
