//! Words in names: what belongs to a last name, titles, degrees, what is between two people, and
//! remarks that aren't part of a name. All in lower case; a line has the words of one language.

/// A list by language.
pub type Words = &'static [(&'static str, &'static [&'static str])];

/// Words before the last word that belong to the last name.
#[rustfmt::skip]
pub const PARTICLES: Words = &[
    ("de", &["von", "zu", "zum", "zur", "vom", "dem", "den", "der"]),
    ("nl", &["van", "ter", "ten", "te", "het", "'t", "’t", "'s", "’s", "vander", "vande", "vanden", "ver"]),
    ("fr", &["de", "du", "des", "la", "le", "les", "d'", "d’", "l'", "l’"]),
    ("es", &["del", "los", "las"]),
    ("pt", &["da", "das", "do", "dos"]),
    ("it", &["di", "dal", "dalla", "dalle", "dall'", "dall’", "dei", "degli", "della", "delle", "dello", "dell'", "dell’", "de'", "de’"]),
    ("ca", &["dels", "sant"]),
    ("ar (in Latin letters)", &["el", "al", "al-", "el-", "bin", "ibn", "ben", "bint", "binti", "abu", "abou", "ould", "wuld", "ait", "aït"]),
    ("ar", &["أبو", "ابو", "بن", "ابن", "بنت", "آل"]),
    ("he", &["אבו", "אל", "בן", "בת"]),
    ("sv", &["af", "av"]),
    ("ga", &["mac", "nic", "ní", "uí", "ó"]),
    ("en", &["st", "st.", "saint", "mc"]),
    ("ms", &["a/l", "a/p", "s/o", "d/o", "w/o"]),
];
/// Like [`PARTICLES`], but first names or initials too: only where they are in lower case.
#[rustfmt::skip]
pub const LOWER_PARTICLES: Words = &[
    ("nl", &["op", "aan", "uit", "in", "onder", "over", "tot", "voor"]),
    ("de", &["am", "im", "auf", "aus"]),
    ("it", &["lo", "li"]),
    ("es", &["san", "santa"]),
    ("cy", &["ap", "ab", "ferch"]),
    ("he", &["bar", "bat"]),
    ("no", &["til"]),
    ("ga", &["na"]),
];
/// Words between two last names that are one: `Ortega y Gasset`, `Costa e Silva`. Only in lower case,
/// or in a name that is all in capitals.
pub const SURNAME_JOINERS: Words = &[("es", &["y"]), ("pt", &["e"]), ("ca", &["i"])];
/// Words between two people. Those of up to two letters count in lower case only.
#[rustfmt::skip]
pub const JOINERS: Words = &[
    ("*", &["&", "+", "&amp;", "/", ";", "|"]),
    ("en", &["and"]),
    ("de", &["und", "u.", "sowie"]),
    ("fr", &["et"]),
    ("es", &["y"]),
    ("it, pt", &["e", "ed"]),
    ("nl", &["en"]),
    ("no, da", &["og"]),
    ("sv", &["och"]),
    ("pl, ca", &["i", "oraz"]),
    ("cs", &["a"]),
    ("hu", &["és"]),
    ("ro", &["și", "şi"]),
    ("tr", &["ve"]),
    ("ru, uk", &["и", "та", "і"]),
    ("el", &["και"]),
];
/// Words before or after a last name that say that it is several people's.
#[rustfmt::skip]
pub const FAMILIES: Words = &[
    ("en", &["family", "couple"]),
    ("de", &["familie", "fam.", "ehepaar", "eheleute"]),
    ("fr", &["famille", "époux"]),
    ("es, ca", &["familia", "família"]),
    ("it", &["famiglia"]),
    ("sv", &["familjen"]),
    ("pl", &["rodzina"]),
    ("cs", &["rodina"]),
];
/// Titles before a name, which are no part of it. Those that may be a name or its initial need their
/// full stop.
#[rustfmt::skip]
pub const TITLES: Words = &[
    ("*", &["dr", "dr.", "prof", "prof.", "h.c.", "ing.", "ir.", "dr.-ing.", "dr.med.", "med.", "priv.-doz."]),
    ("en", &["mr", "mr.", "mrs", "mrs.", "ms", "ms.", "mx", "mx.", "miss", "mister", "sir", "rev.", "hon.", "capt.", "col.",
        "lt.", "sgt."]),
    ("de", &["herr", "herrn", "frau", "hr.", "fr.", "mag.", "hab.", "dipl.-ing.", "dipl.-inf.", "dipl.-kfm.", "dipl.-kffr.",
        "rer.", "nat.", "phil.", "jur.", "pol."]),
    ("fr", &["mme", "mme.", "mlle", "mlle.", "monsieur", "madame", "mademoiselle"]),
    ("es", &["sr.", "sra.", "srta.", "señor", "señora", "señorita", "dña.", "doña", "lic."]),
    ("pt", &["dra.", "eng."]),
    ("it", &["sig.", "sig.ra", "signor", "signora", "dott.", "dott.ssa", "avv."]),
    ("nl", &["drs.", "dhr.", "mevr.", "mw.", "meneer", "mevrouw"]),
    ("cs", &["mgr.", "bc.", "mudr.", "judr.", "phdr.", "rndr.", "doc."]),
];
/// Degrees after a name, which are no part of it.
#[rustfmt::skip]
pub const DEGREES: Words = &[
    ("*", &["phd", "ph.d", "ph.d.", "m.d.", "mba", "m.b.a.", "msc", "m.sc.", "bsc", "b.sc.", "m.a.", "b.a.", "ll.m.", "csc."]),
];
/// What people write after a name that is not a part of it.
#[rustfmt::skip]
pub const NOTES: Words = &[
    ("en", &["extern", "external", "ext", "ext.", "guest", "temp", "contractor", "consultant", "freelancer", "intern", "trainee",
        "student", "inactive", "left", "new", "test", "vendor", "visitor", "archived", "deleted", "disabled"]),
    ("de", &["externe", "externer", "gast", "praktikant", "praktikantin", "azubi", "werkstudent", "werkstudentin", "inaktiv",
        "ausgeschieden", "neu", "freiberufler", "leiharbeiter", "aushilfe", "gelöscht", "gesperrt"]),
    ("fr", &["invité", "invitée", "stagiaire", "prestataire", "intérimaire", "inactif"]),
    ("es", &["externo", "externa", "invitado", "invitada", "becario", "becaria", "inactivo", "inactiva"]),
    ("pt", &["convidado", "convidada", "estagiário", "estagiária", "inativo", "inativa"]),
    ("it", &["esterno", "esterna", "ospite", "tirocinante", "inattivo"]),
    ("nl", &["stagiair", "uitzendkracht", "inactief"]),
    ("pl", &["zewnętrzny", "gość", "stażysta"]),
    ("cs", &["externí", "host", "stážista"]),
    ("tr", &["misafir", "stajyer"]),
];

/// Whether `word` is in a table, whatever its case.
pub fn has(table: Words, word: &str) -> bool {
    const LONGEST: usize = 24;
    let mut lower = [0; LONGEST];
    if word.is_ascii() {
        let Some(lower) = lower.get_mut(..word.len()) else {
            return false;
        };
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        return holds(table, lower);
    }
    word.len() <= LONGEST && holds(table, word.to_lowercase().as_bytes())
}

/// Whether a word in lower case is in a table.
pub fn has_lower(table: Words, word: &str) -> bool {
    holds(table, word.as_bytes())
}

fn holds(table: Words, word: &[u8]) -> bool {
    let mut words = table.iter().flat_map(|(_, words)| words.iter());
    words.any(|known| known.as_bytes() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_in_lower_case_with_a_language_and_hold_no_word_twice() {
        let tables = [
            PARTICLES,
            LOWER_PARTICLES,
            SURNAME_JOINERS,
            JOINERS,
            FAMILIES,
            TITLES,
            DEGREES,
            NOTES,
        ];
        for table in tables {
            let mut seen = std::collections::HashSet::new();
            for (language, words) in table {
                assert!(!language.is_empty());
                for word in *words {
                    assert_eq!(word.to_lowercase(), *word);
                    assert!(word.len() <= 24 && !word.contains(' '), "{word}");
                    assert!(seen.insert(word), "{word} occurs twice");
                    assert!(
                        has(table, word) && has(table, &word.to_uppercase()),
                        "{word}"
                    );
                }
            }
        }
        for particle in LOWER_PARTICLES.iter().flat_map(|(_, words)| *words) {
            assert!(!has(PARTICLES, particle), "{particle}");
        }
    }
}
