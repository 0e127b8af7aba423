//! Whether text reads like words: this reveals a wrong guess of the encoding, and distinguishes the
//! code pages of DOS and of the old Mac.
//!
//! In the wrong encoding, letters turn into signs inside of words (`J”rgen`), into capital letters
//! after small ones (`RenŽ`), into letters of another alphabet (`ZoΘ`), or into what the encoding
//! doesn't define.

use super::charset::Charset;

/// This many bytes of lines that aren't plain ASCII are looked at.
const LINES_BYTES_MAX: usize = 1 << 16;
/// What a character counts that no word has at its place.
const BAD: i64 = -24;
/// By how much, for each character that differs, a reading must be better than the next.
const CLEAR: i64 = 1;
/// By how much it must be better at least: one letter that is a little more usual says nothing.
const CLEAR_MIN: i64 = 2;
/// The encodings that are tried, in the order in which they win a tie, and what each letter counts
/// less in those that few people have ever saved a file in. The others can be named.
const TRIED: [(&str, i64); 26] = [
    ("cp850", 0),
    ("macintosh", 0),
    ("windows-1252", 0),
    ("cp437", 0),
    ("cp858", 0),
    ("cp852", 0),
    ("x-mac-ce", 0),
    ("windows-1250", 0),
    ("IBM866", 0),
    ("windows-1251", 0),
    ("x-mac-cyrillic", 0),
    ("cp857", 0),
    ("cp737", 0),
    ("windows-1253", 0),
    ("windows-1254", 0),
    ("windows-1257", 0),
    ("ISO-8859-2", 0),
    ("KOI8-U", 0),
    ("cp775", 1),
    ("cp862", 0),
    ("x-mac-greek", 1),
    ("cp865", 1),
    ("cp860", 1),
    ("cp869", 1),
    ("cp855", 1),
    ("x-mac-turkish", 2),
];
/// Letters beyond ASCII that most names of Western Europe do with.
const USUAL: &str = "éüöäáíóèçñßåøëãõúôêâàîïûÉÜÖÄÁÓÅØÇÑæ";
/// Letters of Central and Northern Europe and of Turkey.
const COMMON: &str = "łščžřěůýőűąęśćżźńăâîșşğıİđňťďľŁŠČŽŘŚĆŻŹŃŞĞĐŤĽāēīūėųįņļķģĀĒĪŪĖŲĮŅĻĶĢŐŰ";
/// The letters that Cyrillic and Greek text has most of.
const FREQUENT: &str = "оаеинтсрвлкмОАЕИНТСРВЛКМαιοςντερσηκλάόίέή";

/// Beginnings of names after which a capital letter is.
const BEGINNINGS: [(char, char); 6] = [
    ('M', 'c'),
    ('D', 'e'),
    ('D', 'i'),
    ('L', 'a'),
    ('L', 'e'),
    ('a', 'c'),
];

/// The lines of a text that have more than ASCII, as bytes, as far as they are looked at.
#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
}

impl Lines {
    /// Adds those of a block.
    pub(super) fn add(&mut self, block: &[u8]) {
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
pub(super) struct Example {
    /// In the better one.
    pub better: String,
    /// In the other.
    pub worse: String,
}

/// What happened to a first guess.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It reads well, or nothing else reads better.
    Keep,
    /// Another reads much better.
    Better(Charset, Example),
    /// It reads badly, and two others read equally well and differently.
    Unsure(Charset, Charset, Example),
}

/// Judges the encoding that was guessed `first` by how the lines read in it and in others.
pub(super) fn judge(lines: &Lines, first: Charset) -> Verdict {
    let text = first.decode(&lines.bytes).into_owned();
    let mut of_first = score(&text);
    // Text of East Asia without a letter of East Asia isn't what it was taken for.
    if !first.is_single_byte() && !first.is_unicode() && text.chars().all(|c| c < '\u{2e80}') {
        of_first.bad += of_first.letters;
        of_first.sum = 0;
    }
    if of_first.bad == 0 {
        return Verdict::Keep;
    }
    let mut found: Vec<Reading> = Vec::new();
    for (name, rare) in TRIED {
        let Some(charset) = Charset::named(name).filter(|charset| *charset != first) else {
            continue;
        };
        let text = charset.decode(&lines.bytes).into_owned();
        if found.iter().all(|other| other.text != text) {
            let mut score = score(&text);
            score.sum -= rare * i64::from(score.letters);
            found.push(Reading {
                charset,
                score,
                text,
            });
        }
    }
    found.sort_by_key(|reading| std::cmp::Reverse(reading.score.sum));
    let Some(best) = found.first() else {
        return Verdict::Keep;
    };
    if best.score.bad * 4 > of_first.bad || best.score.sum <= of_first.sum {
        return Verdict::Keep;
    }
    if let Some(next) = found.get(1) {
        let pairs = best.text.chars().zip(next.text.chars());
        let differing = pairs.filter(|(one, other)| one != other).count() as i64;
        if best.score.sum - next.score.sum < (CLEAR * differing).max(CLEAR_MIN) {
            let example = example(&best.text, &next.text);
            return Verdict::Unsure(best.charset, next.charset, example);
        }
    }
    Verdict::Better(best.charset, example(&best.text, &text))
}

/// The lines in one encoding.
struct Reading {
    charset: Charset,
    score: Score,
    text: String,
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
                score.sum += weight(character, before, after);
            }
        } else if is_odd_sign(character, before, after) {
            score.bad += 1;
            score.sum += BAD;
        } else if character == '€' {
            score.sum += 6;
        }
    }
    score
}

/// A letter of a word; `ª`, `º` and `ƒ` are letters to Unicode, and signs to everybody else.
fn is_letter(character: char) -> bool {
    character.is_alphabetic() && !matches!(character, 'ª' | 'º' | 'ƒ' | 'ⁿ' | 'µ')
}

fn weight(character: char, before: Option<char>, after: Option<char>) -> i64 {
    let is_part = |neighbour: Option<char>| neighbour.is_some_and(is_letter);
    if !is_part(before) && !is_part(after) {
        return 0;
    }
    // A small letter rarely begins a word that has more than ASCII.
    let start = i64::from(character.is_lowercase() && !is_part(before)) * 3;
    let weight = match script(character) {
        Script::Latin if USUAL.contains(character) => 6,
        Script::Latin if COMMON.contains(character) => 5,
        Script::Latin => 3,
        _ if FREQUENT.contains(character) => 6,
        _ => 5,
    };
    weight - start
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    /// All others; those that are side by side are rarely of one encoding.
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
        // `McÉwan` has the capital after a short beginning.
        let beginning = (earlier, before);
        let is_beginning = BEGINNINGS
            .iter()
            .any(|(one, other)| beginning == (Some(*one), Some(*other)));
        let is_inside = is_small(before) && !(is_beginning && is_small(after));
        // `PÑivi`: a word of capitals doesn't go on in small letters.
        return is_inside || is_capital(before) && is_small(after);
    }
    character.is_lowercase() && is_capital(before) && is_capital(after) && character != 'ß'
}

fn is_odd_sign(character: char, before: Option<char>, after: Option<char>) -> bool {
    if character == char::REPLACEMENT_CHARACTER || matches!(character, '\u{80}'..='\u{9f}') {
        return true;
    }
    // Marks that are composed with the letter before.
    if matches!(character, '\u{300}'..='\u{36f}' | '\u{ad}') {
        return false;
    }
    let is_word = |neighbour: Option<char>| neighbour.is_some_and(is_letter);
    let is_latin = |neighbour: Option<char>| {
        neighbour.is_some_and(|c| is_letter(c) && script(c) == Script::Latin)
    };
    // `J〉gen`: signs of East Asia within a word in Latin letters.
    if character >= '\u{2e80}' && character != '\u{f8ff}' {
        return is_latin(before) && is_latin(after);
    }
    if !is_sign(character) {
        return false;
    }
    match (is_word(before), is_word(after)) {
        (true, true) if character == '\u{a0}' => after.is_some_and(char::is_lowercase),
        (true, true) => !"’‘ʼ´·‐‑–—".contains(character),
        (true, false) => !"”’‘“…™®©ªº°·»›–—´²³¹\u{a0}".contains(character),
        (false, true) => !"“‘„‚«‹¿¡–—’·•´\u{a0}".contains(character),
        (false, false) => matches!(character, '─'..='▟'),
    }
}

/// Whether a character beyond ASCII is not a part of a word in any language: signs of the old code
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
            ("macintosh", "a;Jürgen\nb;Günter\n"),
            ("cp850", "a;René\nb;Bärbel\n"),
            ("cp850", "a;Päivi;Mäkinen\n"),
            ("cp850", "a;JÜRGEN;MÜLLER\nb;ÅSA;ÖBERG\nc;ÅKE;LÅNG\n"),
            ("cp775", "a;Jānis;Bērziņš\nb;Žydrė;Šimkūnaitė\n"),
            ("cp858", "a;Jürgen;5 €\nb;Zoë;7 €\n"),
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
    fn what_is_not_clear_is_asked() {
        for (name, text) in [
            ("cp850", "a;Hélène;Crêpe\n"),
            ("cp850", "a;Crêpe\n"),
            ("macintosh", "a;Jürgen\n"),
        ] {
            let verdict = judged(name, "windows-1252", text);
            assert!(matches!(verdict, Verdict::Unsure(..)), "{text} {verdict:?}");
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
