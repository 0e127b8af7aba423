//! Whether text reads like words: by that, a wrong guess of the encoding is found out, and the code
//! pages of DOS and of the old Mac are told apart.
//!
//! In the wrong encoding, letters turn into signs inside of words (`J”rgen`), into capital letters
//! behind small ones (`RenŽ`), into letters of another alphabet (`ZoΘ`), or into what the encoding
//! doesn't define.

use encoding_rs::{
    ISO_8859_2, KOI8_U, MACINTOSH, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253,
    WINDOWS_1254, WINDOWS_1257, X_MAC_CYRILLIC,
};

use super::charset::Charset;
use super::code_pages::PAGES;

/// So many bytes of lines that aren't plain ASCII are looked at.
const LINES_BYTES_MAX: usize = 1 << 16;
/// What a character counts that no word has at its place.
const BAD: i64 = -12;
/// The pages that are tried, in the order in which they win a tie. The others can be named.
const TRIED: [&str; 14] = [
    "cp850",
    "cp437",
    "cp858",
    "cp852",
    "cp857",
    "cp865",
    "cp860",
    "cp775",
    "cp737",
    "cp862",
    "cp855",
    "x-mac-ce",
    "x-mac-greek",
    "x-mac-turkish",
];
/// Letters beyond ASCII that most names of Western Europe do with.
const USUAL: &str = "éüöäáíóèçñßåøëãúôêâàîïûÉÜÖÄÁÓÅØÇÑæ";
/// Letters of Central and Northern Europe and of Turkey.
const COMMON: &str = "łščžřěůýőűąęśćżźńăâîșşğıİđňťďľŁŠČŽŘŚĆŻŹŃŞĞĐŤĽāēīūėųįņļķģĀĒĪŪĖŲĮŅĻĶĢŐŰ";
/// The letters that Cyrillic and Greek text has most of.
const FREQUENT: &str = "оаеинтсрвлкмОАЕИНТСРВЛКМαιοςντερσηκλάόίέή";

/// The lines of a text that have more than ASCII, as bytes, as far as they are looked at.
#[derive(Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
}

impl Lines {
    /// Adds those of a block.
    pub fn add(&mut self, block: &[u8]) {
        let lines = block.split(|byte| matches!(byte, b'\r' | b'\n'));
        for line in lines.filter(|line| !line.is_ascii()) {
            if self.bytes.len() >= LINES_BYTES_MAX {
                return;
            }
            self.bytes.extend_from_slice(&line[..line.len().min(4096)]);
            self.bytes.push(b'\n');
        }
    }
}

/// A word in two encodings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Example {
    /// In the better one.
    pub better: String,
    /// In the other.
    pub worse: String,
}

/// What became of a first guess.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It reads well, or nothing else reads better.
    Keep,
    /// Another reads much better.
    Better(Charset, Example),
    /// It reads badly, and two others read equally well and differently.
    Unsure(Charset, Charset, Example),
}

/// Judges the encoding that was guessed `first` by how the lines read in it and in others.
pub fn judge(lines: &Lines, first: Charset) -> Verdict {
    let text = first.decode(&lines.bytes).into_owned();
    let of_first = score(&text);
    if of_first.bad == 0 {
        return Verdict::Keep;
    }
    let web = [
        WINDOWS_1252,
        MACINTOSH,
        encoding_rs::IBM866,
        WINDOWS_1250,
        WINDOWS_1251,
        WINDOWS_1253,
        WINDOWS_1254,
        WINDOWS_1257,
        ISO_8859_2,
        KOI8_U,
        X_MAC_CYRILLIC,
    ];
    let pages = TRIED
        .iter()
        .filter_map(|name| PAGES.iter().find(|page| page.name == *name));
    let tried = pages
        .map(Charset::Page)
        .chain(web.into_iter().map(Charset::Web))
        .filter(|charset| *charset != first);
    let mut found: Vec<(Score, Charset, String)> = Vec::new();
    for charset in tried {
        let text = charset.decode(&lines.bytes).into_owned();
        if found.iter().all(|(_, _, other)| *other != text) {
            found.push((score(&text), charset, text));
        }
    }
    found.sort_by_key(|(score, ..)| std::cmp::Reverse(score.sum));
    let Some((best, charset, better)) = found.first() else {
        return Verdict::Keep;
    };
    if best.bad * 4 > of_first.bad || best.sum <= of_first.sum {
        return Verdict::Keep;
    }
    if let Some((second, other, worse)) = found.get(1)
        // A tenth of a usual letter for each that there is.
        && (best.sum - second.sum) * 10 < 3 * i64::from(best.letters.max(1))
    {
        return Verdict::Unsure(*charset, *other, example(better, worse));
    }
    Verdict::Better(*charset, example(better, &text))
}

/// The first word that is another one in the other text.
fn example(better: &str, worse: &str) -> Example {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric());
        let words = words.filter(|word| !word.is_empty());
        words.map(|word| word.chars().take(40).collect()).collect()
    };
    let (better, worse) = (words(better), words(worse));
    let mut pairs = better.into_iter().zip(worse);
    let differing = pairs.find(|(one, other)| one != other);
    let (better, worse) = differing.unwrap_or_default();
    let shown = |word: String| word.replace(|c: char| c.is_control(), "\u{fffd}");
    Example {
        better: shown(better),
        worse: shown(worse),
    }
}

/// How a text reads.
#[derive(Debug, Clone, Copy, Default)]
struct Score {
    sum: i64,
    /// Characters that no word has at their place.
    bad: u32,
    /// Letters beyond ASCII.
    letters: u32,
}

fn score(text: &str) -> Score {
    let mut score = Score::default();
    let characters: Vec<char> = text.chars().collect();
    for (at, &character) in characters.iter().enumerate() {
        if character.is_ascii() {
            continue;
        }
        let before = at.checked_sub(1).map(|at| characters[at]);
        let earlier = at.checked_sub(2).map(|at| characters[at]);
        let after = characters.get(at + 1).copied();
        if is_letter(character) {
            score.letters += 1;
            if is_odd_letter(character, earlier, before, after) {
                score.bad += 1;
                score.sum += BAD;
            } else {
                score.sum += weight(character, before);
            }
        } else if is_odd_sign(character, before, after) {
            score.bad += 1;
            score.sum += BAD;
        }
    }
    score
}

/// A letter of a word; `ª`, `º` and `ƒ` are letters to Unicode, and signs to everybody else.
fn is_letter(character: char) -> bool {
    character.is_alphabetic() && !matches!(character, 'ª' | 'º' | 'ƒ' | 'ⁿ' | 'µ')
}

fn weight(character: char, before: Option<char>) -> i64 {
    // A small letter rarely begins a word that has more than ASCII.
    let start = i64::from(character.is_lowercase() && !before.is_some_and(is_letter));
    let weight = match script(character) {
        Script::Latin if USUAL.contains(character) => 3,
        Script::Latin if COMMON.contains(character) => 2,
        Script::Latin => 1,
        _ if FREQUENT.contains(character) => 3,
        _ => 2,
    };
    weight - start
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    /// All others; those that stand side by side are rarely of one encoding.
    Other,
}

fn script(character: char) -> Script {
    match character {
        '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Script::Latin,
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Script::Greek,
        '\u{400}'..='\u{52f}' => Script::Cyrillic,
        _ => Script::Other,
    }
}

fn is_odd_letter(
    character: char,
    earlier: Option<char>,
    before: Option<char>,
    after: Option<char>,
) -> bool {
    let letter = |neighbour: Option<char>| neighbour.filter(|c| is_letter(*c));
    let (before, after) = (letter(before), letter(after));
    let is_foreign = |neighbour: Option<char>| {
        neighbour.is_some_and(|neighbour| script(neighbour) != script(character))
    };
    if is_foreign(before) || is_foreign(after) {
        return true;
    }
    let is_small = |neighbour: Option<char>| neighbour.is_some_and(char::is_lowercase);
    let is_capital = |neighbour: Option<char>| neighbour.is_some_and(char::is_uppercase);
    if character.is_uppercase() {
        // `McÉwan` has the capital behind a short beginning.
        let is_beginning = is_small(before) && letter(earlier).is_none_or(char::is_uppercase);
        return is_small(before) && !(is_beginning && is_small(after));
    }
    character.is_lowercase() && is_capital(before) && is_capital(after) && character != 'ß'
}

fn is_odd_sign(character: char, before: Option<char>, after: Option<char>) -> bool {
    if character == char::REPLACEMENT_CHARACTER || matches!(character, '\u{80}'..='\u{9f}') {
        return true;
    }
    // Marks that are composed with the letter before.
    if matches!(character, '\u{300}'..='\u{36f}' | '\u{ad}') || !is_sign(character) {
        return false;
    }
    let is_word = |neighbour: Option<char>| neighbour.is_some_and(is_letter);
    match (is_word(before), is_word(after)) {
        (true, true) if character == '\u{a0}' => after.is_some_and(char::is_lowercase),
        (true, true) => !"’‘ʼ´·‐‑–—".contains(character),
        (true, false) => !"”’‘“…™®©ªº°·»›–—´²³¹\u{a0}".contains(character),
        (false, true) => !"“‘„‚«‹¿¡–—’·•´\u{a0}".contains(character),
        (false, false) => matches!(character, '─'..='▟'),
    }
}

/// Whether a character beyond ASCII is no part of a word in any language: signs of the old code
/// pages, but not the marks of scripts that are written with marks.
fn is_sign(character: char) -> bool {
    matches!(character,
        '\u{a0}'..='\u{bf}' | '×' | '÷' | 'ƒ' | '\u{2c0}'..='\u{2ff}' | '\u{2000}'..='\u{2bff}'
        | '\u{f8ff}' | 'ﬁ' | 'ﬂ')
        || character == '\u{37e}'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(name: &str, first: &str, text: &str) -> Verdict {
        let charset = Charset::named(name).unwrap();
        let bytes: Vec<u8> = text
            .chars()
            .map(|c| match u8::try_from(u32::from(c)) {
                Ok(byte) if byte < 0x80 => byte,
                _ => (0x80..=0xff)
                    .find(|byte| charset.decode(&[*byte]).starts_with(c))
                    .unwrap(),
            })
            .collect();
        let mut lines = Lines::default();
        lines.add(&bytes);
        judge(&lines, Charset::named(first).unwrap())
    }

    const WESTERN: &str = "p0@n.de;Jürgen;Größer\np1@n.de;Zoë;Müller\np2@n.de;René;Crêpe\n\
        p3@n.de;Åsa;Öberg\np4@n.de;Bärbel;Weiß\n";
    const POLISH: &str =
        "a@n.pl;Łukasz;Żółkiewski\nb@n.pl;Małgorzata;Dąbrowska\nc@n.pl;Paweł;Wójcik\n";
    const CZECH: &str = "a@n.cz;Jiří;Dvořák\nb@n.cz;Lucie;Černá\nc@n.cz;Zdeněk;Růžička\n";
    const RUSSIAN: &str = "a@n.ru;Иван;Кузнецов\nb@n.ru;Ольга;Соколова\n";
    const GREEK: &str = "a@n.gr;Γιώργος;Παπαδόπουλος\nb@n.gr;Ελένη;Γεωργίου\n";
    const TURKISH: &str = "a@n.tr;Şeyma;Dağ\nb@n.tr;Işıl;Yıldız\nc@n.tr;Çağla;Gürsoy\n";
    const NORDIC: &str = "a@n.dk;Søren;Østergaard\nb@n.dk;Jørgen;Ågård\n";

    #[test]
    fn pages_of_dos_and_mac_are_found_behind_a_wrong_guess() {
        for (name, text) in [
            ("cp850", WESTERN),
            ("macintosh", WESTERN),
            ("cp852", POLISH),
            ("cp852", CZECH),
            ("x-mac-ce", POLISH),
            ("x-mac-ce", CZECH),
            ("cp866", RUSSIAN),
            ("x-mac-cyrillic", RUSSIAN),
            ("cp737", GREEK),
            ("x-mac-greek", GREEK),
            ("cp857", TURKISH),
            ("x-mac-turkish", TURKISH),
            ("cp850", NORDIC),
            ("macintosh", NORDIC),
            ("cp437", "a;Jürgen;Münch\nb;José;Peña\nc;Björn;Ångström\n"),
            ("macintosh", "a;Jürgen\n"),
            ("cp850", "a;René\nb;Bärbel\n"),
        ] {
            let expected = Charset::named(name).unwrap();
            for first in ["windows-1252", "shift_jis", "gbk"] {
                match judged(name, first, text) {
                    Verdict::Better(found, _) => {
                        let bytes: Vec<u8> = (0x80..=0xff).collect();
                        let same = found == expected
                            || text.chars().filter(|c| !c.is_ascii()).all(|c| {
                                let at = bytes
                                    .iter()
                                    .find(|byte| expected.decode(&[**byte]).starts_with(c));
                                at.is_some_and(|byte| found.decode(&[*byte]).starts_with(c))
                            });
                        assert!(same, "{name} {first}: {}", found.name());
                    }
                    other => panic!("{name} {first} {text}: {other:?}"),
                }
            }
        }
    }

    #[test]
    fn text_that_reads_well_is_left_alone() {
        for (name, text) in [
            ("windows-1252", WESTERN),
            ("windows-1252", NORDIC),
            (
                "windows-1252",
                "Seán O’Brien – “Jim”, 5 €, 50 ½, § 5, STRAßE, MÜLLER, McÉwan, Acme™",
            ),
            ("windows-1250", POLISH),
            ("windows-1250", CZECH),
            ("windows-1251", RUSSIAN),
            ("windows-1253", GREEK),
            ("windows-1254", TURKISH),
            ("cp866", RUSSIAN),
        ] {
            assert_eq!(judged(name, name, text), Verdict::Keep, "{name} {text}");
        }
        for (name, text) in [
            ("shift_jis", "a,山田 太郎,ヤマダ\n"),
            ("gbk", "a,王小明,张伟\n"),
        ] {
            let charset = Charset::named(name).unwrap();
            let Charset::Web(encoding) = charset else {
                panic!()
            };
            let mut lines = Lines::default();
            lines.add(&encoding.encode(text).0);
            assert_eq!(judge(&lines, charset), Verdict::Keep);
        }
    }
}
