//! What is in a cell that has no value: `NULL`, `N/A`, `-`, `#REF!`, and the placeholders that
//! people write where they don't know an id yet.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a word of this table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A program writes it for a missing value, so it is never data.
    System,
    /// People write it for a missing value.
    Said,
    /// A word of a language that says "none". It may be the answer to a question, so that a custom
    /// attribute keeps it.
    Answer,
    /// A placeholder for something that isn't known yet. Only a key can't be that.
    Placeholder,
}

/// Words by what they say, a line a language; in lower case.
#[rustfmt::skip]
const WORDS: &[(Kind, &[super::Line])] = &[
    (Kind::System, &[
        ("any", &["null", "(null)", "<null>", "[null]", "{null}", "\\n", "undefined", "(undefined)", "<undefined>", "[undefined]",
          "nan", "(nan)", "<nan>", "<na>", "<nat>", "dbnull", "system.dbnull", "{}", "[]", "()", "<>", "[object object]",
          "[object null]", "[object undefined]", "[object array]", "<nil>", "(nil)", "<none>", "[none]", "nonetype", "nullptr",
          "null null", "undefined undefined", "nan nan", "none none"]),
    ]),
    (Kind::Said, &[
        ("any", &["n/a", "n / a", "n/a.", "n.a.", "n.a", "n. a.", "n.a.n.", "n\\a", "n a", "(n/a)", "<n/a>", "[n/a]"]),
        ("en", &["not available", "not applicable", "not provided", "not specified", "not set", "(not set)", "no data", "no value",
          "no entry", "(blank)", "(empty)", "<blank>", "<empty>", "[blank]", "[empty]"]),
        ("fr", &["s/o", "s.o.", "n/c", "n.c.", "n.r.", "n/d", "n.d.", "non renseigné", "non renseignée", "non disponible", "non applicable",
          "sans objet", "non communiqué", "(vide)"]),
        ("de", &["k.a.", "k.a", "k. a.", "k/a", "n.v.", "n. v.", "n/v", "o.a.", "o. a.", "keine angabe", "keine angaben", "ohne angabe",
          "nicht vorhanden", "nicht verfügbar", "nicht zutreffend", "entfällt", "kein eintrag", "(leer)"]),
        ("es", &["no aplica", "sin datos", "sin dato", "s/d", "no disponible", "no consta", "no especificado", "(vacío)", "(en blanco)"]),
        ("pt", &["não aplicável", "não se aplica", "não informado", "não disponível", "não consta", "sem dados", "(vazio)"]),
        ("it", &["non applicabile", "non specificato", "n.p.", "nessun dato", "non indicato", "(vuoto)"]),
        ("nl", &["nvt", "n.v.t.", "n.v.t", "niet van toepassing", "niet beschikbaar", "n.b.", "niet ingevuld", "(leeg)"]),
        ("pl", &["nie dotyczy", "brak danych", "b/d", "b.d.", "nie podano", "niedostępne", "(puste)"]),
        ("cs", &["není k dispozici", "neuvedeno", "nevyplněno", "nezadáno", "není uvedeno", "(prázdné)"]),
        ("tr", &["belirtilmemiş", "belirtilmedi", "uygulanamaz", "mevcut değil", "veri yok", "(boş)"]),
        ("ja", &["該当なし", "該当無し", "未入力", "未設定", "未記入", "データなし", "(空白)", "（空白）"]),
        ("zh", &["不适用", "不適用", "暂无", "暫無", "未填写", "未填寫", "无数据", "(空白)"]),
    ]),
    (Kind::Answer, &[
        ("any", &["none", "(none)", "nil"]),
        ("en", &["nothing"]),
        ("fr", &["aucun", "aucune", "néant"]),
        ("de", &["keine", "keiner", "keines", "nichts"]),
        ("es", &["ninguno", "ninguna", "s/n", "s.n."]),
        ("pt", &["nenhum", "nenhuma"]),
        ("it", &["nessuno", "nessuna"]),
        ("nl", &["geen"]),
        ("pl", &["brak"]),
        ("cs", &["není", "žádný", "žádná", "žádné"]),
        ("tr", &["yok"]),
        ("ja", &["なし", "無し", "無"]),
        ("zh", &["无", "没有", "沒有"]),
    ]),
    (Kind::Placeholder, &[
        ("any", &["tbd", "t.b.d.", "tba", "t.b.a.", "tbc", "t.b.c.", "todo", "to do", "na", "nul", "dummy", "placeholder", "false", "temp"]),
        ("en", &["to be determined", "to be defined", "to be decided", "to be announced", "to be assigned", "to be confirmed",
          "to be advised", "to follow", "not yet assigned", "not assigned", "not known", "not yet known", "unassigned", "unknown", "unk",
          "no id", "noid", "no number", "no username", "no email", "noemail", "no e-mail", "no-email", "new", "new hire",
          "newhire", "new starter", "new employee", "new user", "new student", "pending", "temporary", "missing", "empty"]),
        ("fr", &["nouveau", "nouvelle", "nouvel employé", "inconnu", "inconnue", "à définir", "a définir", "a definir", "à déterminer",
          "à venir", "à compléter", "en attente", "manquant", "vide", "provisoire"]),
        ("de", &["neu", "neuer mitarbeiter", "neue mitarbeiterin", "neueintritt", "unbekannt", "offen", "noch offen", "folgt", "folgt noch",
          "wird nachgereicht", "noch nicht vergeben", "nicht vergeben", "nicht bekannt", "noch nicht bekannt", "ausstehend", "fehlt", "fehlt noch",
          "leer", "vorläufig", "platzhalter", "in arbeit"]),
        ("es", &["nuevo", "nueva", "nuevo empleado", "nuevo ingreso", "desconocido", "desconocida", "pendiente", "por definir",
          "por asignar", "sin asignar", "a definir", "vacío", "vacio", "falta", "provisional"]),
        ("pt", &["novo", "novo funcionário", "desconhecido", "desconhecida", "pendente", "por atribuir", "sem id", "sem número", "vazio",
          "em falta", "provisório"]),
        ("it", &["nuovo", "nuova", "nuovo assunto", "sconosciuto", "sconosciuta", "da definire", "da assegnare", "da comunicare", "in attesa", "ignoto",
          "vuoto", "mancante", "provvisorio"]),
        ("nl", &["nieuw", "nieuwe medewerker", "onbekend", "nog onbekend", "nog niet bekend", "volgt", "nog te bepalen", "leeg", "ontbreekt",
          "voorlopig"]),
        ("pl", &["nowy", "nowy pracownik", "nieznany", "nieznana", "nieznane", "do ustalenia", "do uzupełnienia", "oczekuje", "oczekujący", "puste",
          "tymczasowy"]),
        ("cs", &["nový", "nová", "novy", "nový zaměstnanec", "neznámý", "neznámá", "neznámé", "neznamy", "bude doplněno", "doplnit", "čeká", "chybí",
          "prázdné", "dočasný"]),
        ("tr", &["yeni", "yeni personel", "yeni çalışan", "bilinmiyor", "bilinmeyen", "belirsiz", "belirlenecek", "beklemede", "bekliyor", "boş",
          "eksik", "geçici"]),
        ("ja", &["新規", "新入社員", "不明", "未定", "未登録", "未発行", "未割当", "保留", "仮", "空白", "空"]),
        ("zh", &["新", "新员工", "新員工", "新人", "未知", "不详", "不詳", "待定", "未定义", "未分配", "待分配", "待补", "待補", "暂缺"]),
    ]),
];

/// What spreadsheets write instead of a value that couldn't be computed, a line a language of
/// Excel; in lower case.
#[rustfmt::skip]
const ERRORS: &[(&str, &[&str])] = &[
    ("en", &["#n/a", "#ref!", "#value!", "#name?", "#div/0!", "#null!", "#num!", "#spill!", "#calc!", "#field!", "#blocked!", "#connect!",
      "#unknown!", "#busy!", "#external!", "#python!", "#timeout!", "#getting_data", "#error!", "#error"]),
    ("fr", &["#valeur!", "#nom?", "#nul!", "#nombre!", "#propagation!", "#epars!", "#calcul!", "#champ!", "#bloque!", "#bloqué!",
      "#connexion!", "#inconnu!", "#occupe!", "#occupé!"]),
    ("de", &["#nv", "#bezug!", "#wert!", "#zahl!", "#überlauf!", "#kalk!", "#feld!", "#blockiert!", "#verbinden!", "#unbekannt!"]),
    ("es", &["#n/d", "#¡ref!", "#¡valor!", "#¿nombre?", "#¡div/0!", "#¡nulo!", "#¡num!", "#¡núm!", "#¡desbordamiento!", "#¡calc!",
      "#¡campo!", "#¡bloqueado!", "#¡conectar!", "#¡desconocido!"]),
    ("pt", &["#valor!", "#nome?", "#nulo!", "#núm!", "#despejar!", "#disperso!", "#calcular!", "#campo!", "#bloqueado!"]),
    ("it", &["#rif!", "#valore!", "#nullo!", "#espansione!", "#calcolo!", "#campo!"]),
    ("nl", &["#n/b", "#verw!", "#waarde!", "#naam?", "#deel/0!", "#leeg!", "#getal!", "#overloop!", "#overlopen!", "#berekenen!", "#veld!"]),
    ("pl", &["#n/d!", "#adr!", "#arg!", "#nazwa?", "#dziel/0!", "#zero!", "#liczba!", "#rozlanie!", "#obl!", "#pole!"]),
    ("cs", &["#není_k_dispozici", "#odkaz!", "#hodnota!", "#název?", "#dělení_nulou!", "#číslo!", "#přesah!", "#výpočet!", "#pole!"]),
    ("tr", &["#yok", "#başv!", "#değer!", "#ad?", "#sayi/0!", "#sayı/0!", "#boş!", "#sayi!", "#sayı!", "#taşma!", "#hesapla!", "#alan!"]),
    ("ja", &["#スピル!", "#計算!", "#フィールド!"]),
    ("zh", &["#溢出!", "#计算!"]),
    ("ru", &["#н/д", "#ссылка!", "#знач!", "#имя?", "#дел/0!", "#пусто!", "#число!", "#перенос!", "#вычисл!"]),
    ("sv", &["#saknas!", "#referens!", "#värdefel!", "#namn?", "#division/0!", "#skärning!", "#ogiltigt!", "#spill!"]),
    ("da", &["#i/t", "#reference!", "#værdi!", "#navn?", "#nul!", "#overløb!"]),
    ("nb", &["#verdi!", "#navn?", "#overflyt!"]),
    ("fi", &["#puuttuu!", "#viittaus!", "#arvo!", "#nimi?", "#jako/0!", "#tyhjä!", "#luku!", "#täyttö!"]),
    ("hu", &["#hiányzik", "#hiv!", "#érték!", "#név?", "#zéróosztó!", "#nulla!", "#szám!", "#kiszórás!", "#kalk!"]),
];

/// What LibreOffice writes before the number of an error.
const NUMBERED_ERRORS: [&str; 5] = ["err", "fehler", "erreur", "errore", "błąd"];

/// The longest word of these tables, in bytes.
const BYTES_MAX: usize = 63;

/// By the length of a text, up to [`LENGTH_MAX`], and by its first byte: a bit for each [`end`] of the
/// words of the tables that are so long and begin so. Nearly every cell is recognized by this alone;
/// codes of countries and languages are as short as many words are.
static ENDS: [[u32; 256]; LENGTH_MAX + 1] = {
    let mut ends = [[0; 256]; LENGTH_MAX + 1];
    let mut at = 0;
    while at < WORDS.len() {
        let mut line = 0;
        while line < WORDS[at].1.len() {
            let words = WORDS[at].1[line].1;
            let mut word = 0;
            while word < words.len() {
                let bytes = words[word].as_bytes();
                let of_length = &mut ends[length(bytes.len())];
                let bit = 1 << end(bytes[bytes.len() - 1]);
                of_length[bytes[0] as usize] |= bit;
                of_length[bytes[0].to_ascii_uppercase() as usize] |= bit;
                word += 1;
            }
            line += 1;
        }
        at += 1;
    }
    // Dashes come in every number and kind, errors in every language, `Err:502` with a number.
    let mut of_length = 1;
    while of_length <= LENGTH_MAX {
        ends[of_length][b'-' as usize] = u32::MAX;
        ends[of_length][0xe2] = u32::MAX;
        ends[of_length][b'#' as usize] = u32::MAX;
        of_length += 1;
    }
    let mut error = 0;
    while error < NUMBERED_ERRORS.len() {
        let bytes = NUMBERED_ERRORS[error].as_bytes();
        let mut more = 4;
        while more <= 6 {
            let of_length = &mut ends[length(bytes.len() + more)];
            of_length[bytes[0] as usize] |= 1 << end(b'0');
            of_length[bytes[0].to_ascii_uppercase() as usize] |= 1 << end(b'0');
            more += 1;
        }
        error += 1;
    }
    ends[1][b'0' as usize] |= 1 << end(b'0');
    ends
};

/// Texts of this many bytes and of more are one kind in [`ENDS`].
const LENGTH_MAX: usize = 15;

const fn length(bytes: usize) -> usize {
    if bytes < LENGTH_MAX {
        bytes
    } else {
        LENGTH_MAX
    }
}

/// A letter of ASCII as its place in the alphabet, whatever its case; 26 for all else.
const fn end(last: u8) -> u8 {
    let place = last.to_ascii_lowercase().wrapping_sub(b'a');
    if place < 26 { place } else { 26 }
}

static KINDS: LazyLock<HashMap<&str, Kind>> = LazyLock::new(|| {
    let mut kinds = HashMap::new();
    for (kind, lines) in WORDS {
        for word in lines.iter().flat_map(|(_, words)| *words) {
            // The kinds go from what says most to what says least.
            kinds.entry(*word).or_insert(*kind);
        }
    }
    kinds
});

/// The fast proof that a text is none of [`kind`] and no [`is_error`].
#[inline]
pub fn may_be(text: &str) -> bool {
    match text.as_bytes() {
        [] => false,
        [first, ..] => {
            let ends = ENDS[length(text.len())][usize::from(*first)];
            text.len() <= BYTES_MAX && ends & (1 << end(text.as_bytes()[text.len() - 1])) != 0
        }
    }
}

/// Whether a text says that there is no value, in any field that isn't a name or a key.
pub fn says_nothing(text: &str) -> bool {
    matches!(kind(text), Some(Kind::System | Kind::Said | Kind::Answer))
}

/// What `text`, which is cleaned text, says instead of a value; `None` for a value.
pub fn kind(text: &str) -> Option<Kind> {
    if !may_be(text) {
        return None;
    }
    if text.chars().all(is_dash) {
        return Some(Kind::Said);
    }
    KINDS.get(folded(text).as_str()).copied()
}

/// Whether `text` is what a spreadsheet writes where it could compute no value, or had no room to
/// show one.
pub fn is_error(text: &str) -> bool {
    if !may_be(text) {
        return false;
    }
    if let Some(rest) = text.strip_prefix('#') {
        let no_room = rest.len() >= 3 && rest.bytes().all(|byte| byte == b'#');
        let folded = folded(text);
        return no_room
            || ERRORS
                .iter()
                .any(|(_, errors)| errors.contains(&folded.as_str()));
    }
    let Some((word, number)) = text.split_once(':') else {
        return false;
    };
    let is_number = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    NUMBERED_ERRORS.contains(&folded(word.trim_end()).as_str()) && is_number(number.trim_start())
}

/// Whether `text` is where somebody had no key to write: a word of the table, signs alone, zeros
/// alone (a lookup gives `0` for an empty cell, and a UUID of zeros is nobody's), or `xxx`.
pub fn is_no_key(text: &str) -> bool {
    let Some(first) = text.bytes().next() else {
        return false;
    };
    match first {
        b'0' | b'{'
            if text
                .bytes()
                .all(|b| matches!(b, b'0' | b'.' | b',' | b'-' | b'{' | b'}')) =>
        {
            true
        }
        b'x' | b'X' if text.bytes().all(|byte| byte.eq_ignore_ascii_case(&b'x')) => true,
        b'1'..=b'9' => false,
        _ => kind(text).is_some() || text.chars().all(is_sign),
    }
}

/// The parts before the `@` of addresses that represent none, in lower case, without what parts
/// their words; a line a language.
#[rustfmt::skip]
const NO_MAILBOX: &[(&str, &[&str])] = &[
    ("any", &["none", "null", "undefined", "nan", "na", "n/a", "tbd", "tba", "nil", "xxx", "x", "xx"]),
    ("en", &["noemail", "nomail", "noaddress", "noemailaddress", "nomailaddress", "noemailprovided", "noemailavailable", "notavailable",
      "notprovided", "notapplicable", "unknown", "unknownemail", "missing", "missingemail", "donthave", "donthaveemail", "doesnothave",
      "placeholder", "dummy", "fakeemail"]),
    ("fr", &["sansemail", "sansmail", "pasdemail", "pasdemel", "pasdecourriel", "aucunmail", "aucun", "inconnu"]),
    ("de", &["keineemail", "keinemail", "keine", "ohneemail", "ohnemail", "keineangabe", "unbekannt", "nichtvorhanden"]),
    ("es", &["sinemail", "sincorreo", "sinmail", "notiene", "notienecorreo", "noaplica", "desconocido"]),
    ("pt", &["sememail", "naotem", "naopossui", "naotememail", "naoinformado", "desconhecido"]),
    ("it", &["senzaemail", "senzamail", "nessuna", "nessunaemail", "nonpresente", "sconosciuto"]),
    ("nl", &["geenemail", "geenmail", "geen", "onbekend"]),
    ("pl", &["brak", "brakemaila", "bezemaila", "nieznany"]),
    ("cs", &["nemaemail", "bezemailu", "nema", "neznamy"]),
    ("tr", &["yok", "epostayok", "mailyok", "emailyok", "bilinmiyor"]),
    ("ja", &["mailnashi"]),
    ("zh", &["meiyouxiang"]),
];

/// Domains that people make up beside [`NO_MAILBOX`] and beside themselves: `test@test.com`.
const NO_DOMAINS: [&str; 12] = [
    "test", "email", "mail", "none", "null", "na", "no", "nowhere", "noemail", "nomail", "x", "xxx",
];

/// Whether `text` is an address that represents none: a word of the table without any `@`, or
/// `noemail@…`, `none@none`, `test@test.com`.
pub fn is_no_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return is_no_key(text);
    };
    let local: String = local
        .chars()
        .filter(|c| !matches!(c, '.' | '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .collect();
    if local.is_empty() && domain.is_empty() {
        return true;
    }
    let label = domain.split('.').next().unwrap_or_default().to_lowercase();
    let is_made_up = NO_DOMAINS.contains(&label.as_str());
    let mut lines = NO_MAILBOX.iter();
    if !lines.any(|(_, words)| words.contains(&local.as_str())) {
        return is_made_up && local == label;
    }
    // A short word may be somebody's name or initials, unless nobody has the domain either.
    local.len() >= LOCAL_MIN || local == "none" || is_made_up || local == label
}

/// Shorter parts before the `@` may be somebody's name or initials.
const LOCAL_MIN: usize = 5;

/// By the first letter of a made-up mailbox: a bit for each last letter of one.
const MAILBOX_ENDS: [u32; 26] = {
    let mut ends = [0; 26];
    let mut line = 0;
    while line < NO_MAILBOX.len() {
        let words = NO_MAILBOX[line].1;
        let mut word = 0;
        while word < words.len() {
            let bytes = words[word].as_bytes();
            ends[(bytes[0] - b'a') as usize] |= 1 << (bytes[bytes.len() - 1] - b'a');
            word += 1;
        }
        line += 1;
    }
    let mut domain = 0;
    while domain < NO_DOMAINS.len() {
        let bytes = NO_DOMAINS[domain].as_bytes();
        ends[(bytes[0] - b'a') as usize] |= 1 << (bytes[bytes.len() - 1] - b'a');
        domain += 1;
    }
    ends
};

/// The longest made-up mailbox, with what parts its words.
const LOCAL_MAX: usize = 24;

/// The fast proof that a text is no [`is_no_address`].
#[inline]
pub fn may_be_no_address(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(at) = memchr::memchr(b'@', bytes) else {
        return !bytes.is_empty();
    };
    if at == 0 || at > LOCAL_MAX {
        return at == 0;
    }
    let [first, last] =
        [bytes[0], bytes[at - 1]].map(|byte| byte.to_ascii_lowercase().wrapping_sub(b'a'));
    match (first, last) {
        (0..26, 0..26) => MAILBOX_ENDS[usize::from(first)] & (1 << last) != 0,
        // Signs at either end are rare.
        (0..26, _) => !bytes[at - 1].is_ascii_digit(),
        _ => !bytes[0].is_ascii_digit(),
    }
}

/// Whether `word` may be a person's name, however much it looks like nothing: Christopher Null,
/// Nil Devlin, May Na, N.A. Palkhivala. In lower case.
pub fn may_be_name(word: &str) -> bool {
    let is_initials = || {
        let letters: Vec<&str> = word.split_terminator('.').collect();
        letters.len() > 1 && letters.iter().all(|part| part.trim().chars().count() == 1)
    };
    matches!(word, "null" | "none" | "nil" | "nan" | "na") || is_initials()
}

/// Whether a word is written as names are: a capital, and small letters after it.
pub fn is_spelled_as_name(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_uppercase)
        && letters.clone().next().is_some()
        && letters.all(char::is_lowercase)
}

/// A text as the tables have it.
pub fn folded(text: &str) -> String {
    match text.is_ascii() {
        true => text.to_ascii_lowercase(),
        false => text.to_lowercase(),
    }
}

fn is_dash(character: char) -> bool {
    matches!(character, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

fn is_sign(character: char) -> bool {
    character.is_ascii_punctuation()
        || is_dash(character)
        || matches!(
            character,
            ' ' | '…'
                | '？'
                | '。'
                | '、'
                | '・'
                | '／'
                | '＿'
                | '￥'
                | '！'
                | 'ー'
                | '¿'
                | '¡'
                | '·'
                | '•'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::LANGUAGES;

    #[test]
    fn every_word_is_found_however_its_letters_are_written() {
        for (of, lines) in WORDS {
            for (language, words) in *lines {
                assert!(LANGUAGES.contains(language), "{language}");
                for word in *words {
                    assert_eq!(folded(word), *word, "{word}");
                    assert!(word.len() <= BYTES_MAX, "{word}");
                    for text in [word.to_string(), word.to_ascii_uppercase()] {
                        let found = kind(&text);
                        assert!(found.is_some_and(|kind| kind <= *of), "{text}: {found:?}");
                        assert!(is_no_key(&text), "{text}");
                        assert!(!is_error(&text), "{text}");
                    }
                }
            }
        }
        for (_, errors) in ERRORS {
            for error in *errors {
                assert!(
                    is_error(error) && is_error(&error.to_uppercase()) || error.contains('ı'),
                    "{error}"
                );
                assert_eq!(kind(error), None, "{error}");
            }
        }
    }

    #[test]
    fn the_languages_of_headers_are_the_languages_of_nothing() {
        for (kind, lines) in WORDS {
            for language in LANGUAGES {
                let is_there = lines.iter().any(|(of, _)| *of == language);
                assert!(is_there || *kind == Kind::System, "{kind:?} in {language}");
            }
        }
    }

    #[test]
    fn values_are_values() {
        for text in [
            "",
            "A",
            "0042",
            "10",
            "00010",
            "1001",
            "Newton",
            "Neumann",
            "None of them",
            "Nina",
            "Noah",
            "Nile",
            "Nguyen",
            "Xaver",
            "Xx1",
            "-5",
            "-a",
            "#1",
            "#12",
            "#tag",
            "+49 30 1",
            "test",
            "admin",
            "Err",
            "Err: it",
            "Ann",
            "NAB",
            "O",
            "(1)",
            "Pend",
        ] {
            assert_eq!(kind(text), None, "{text}");
            assert!(!is_no_key(text), "{text}");
            assert!(!is_error(text), "{text}");
        }
        assert_eq!(kind("0"), None);
    }

    #[test]
    fn placeholders_are_no_keys() {
        for text in [
            "0",
            "00000",
            "0.0",
            "-",
            "--",
            "———",
            "?",
            "???",
            "x",
            "XXX",
            "TBD",
            "N/A",
            "n.a.",
            "NULL",
            "k.A.",
            "S/N",
            "No Aplica",
            "NVT",
            "Brak",
            "Není",
            "Yok",
            "なし",
            "无",
            "neu",
            "New Hire",
            "@",
            "#",
            "…",
            "00000000-0000-0000-0000-000000000000",
            "\\N",
            "nil",
            "[object Object]",
            "(null)",
            "FALSE",
            "{}",
            ".",
        ] {
            assert!(is_no_key(text), "{text}");
        }
    }

    #[test]
    fn errors_are_those_of_all_spreadsheets() {
        for text in [
            "#N/A",
            "#NV",
            "#¡REF!",
            "#BEZUG!",
            "#VALEUR!",
            "Err:502",
            "err:522",
            "Fehler:502",
            "Err: 504",
            "####",
            "########",
        ] {
            assert!(is_error(text), "{text}");
        }
        for text in [
            "#",
            "##",
            "#a",
            "#1",
            "Err:5",
            "Error:502x",
            "N/A",
            "Err:50a",
        ] {
            assert!(!is_error(text), "{text}");
        }
    }

    #[test]
    fn no_made_up_mailbox_is_passed_over() {
        for word in NO_MAILBOX.iter().flat_map(|(_, words)| *words) {
            assert!(is_no_address(&format!("{word}@test.de")), "{word}");
            assert!(may_be_no_address(&format!("{word}@test.de")), "{word}");
            assert!(word.len() <= LOCAL_MAX, "{word}");
        }
        for word in NO_DOMAINS {
            assert!(may_be_no_address(&format!("{word}@{word}.de")), "{word}");
        }
    }

    #[test]
    fn addresses_that_stand_for_none_are_found() {
        for text in [
            "n/a",
            "none",
            "-",
            "none@none",
            "noemail@nordwind.de",
            "no-email@nordwind.de",
            "no.email@x.com",
            "test@test",
            "test@test.com",
            "keine.email@schule.de",
            "@",
            "null@null.com",
            "na@na.na",
            "unknown@nordwind.de",
            "x@x.com",
        ] {
            assert!(is_no_address(text), "{text}");
            assert!(may_be_no_address(text), "{text}");
        }
        for text in [
            "jane@nordwind.de",
            "na@nordwind.de",
            "x@nordwind.de",
            "test@nordwind.de",
            "ann@email.com",
            "mail@mailbox.org",
            "nil@nordwind.de",
            "info@none.de",
            "no@body.de",
            "wu@nordwind.de",
            "",
        ] {
            assert!(!is_no_address(text), "{text}");
        }
    }
}
