//! Words in and around the headers of columns, besides the names of fields in [`crate::header`].
//!
//! All of them are compared by [`crate::text::key`]: case, accents, spaces and punctuation don't
//! matter.

use super::Line;
use crate::field::{Field, NamePart};

/// What is next to a column's name and says nothing of what is in it: `Email (required)`.
#[rustfmt::skip]
pub const DECORATIONS: &[Line] = &[
    ("en", &["required", "required field", "mandatory", "mandatory field", "compulsory", "optional", "optional field", "opt",
        "req", "not required", "recommended", "if any", "if known", "if applicable", "if available", "leave blank if none",
        "must be unique", "unique", "text", "string", "read only", "readonly", "max", "important", "please fill in"]),
    ("fr", &["obligatoire", "champ obligatoire", "requis", "facultatif", "facultative", "optionnel", "si connu", "le cas échéant",
        "lecture seule"]),
    ("de", &["Pflicht", "Pflichtfeld", "Pflichtangabe", "erforderlich", "notwendig", "freiwillig", "wenn vorhanden",
        "falls vorhanden", "falls bekannt", "optionale Angabe"]),
    ("es", &["obligatorio", "obligatoria", "campo obligatorio", "requerido", "opcional", "si procede", "si lo hay"]),
    ("pt", &["obrigatório", "obrigatória", "campo obrigatório", "requerida", "se aplicável", "se houver"]),
    ("it", &["obbligatorio", "obbligatoria", "campo obbligatorio", "richiesto", "facoltativo", "facoltativa", "opzionale",
        "se presente"]),
    ("nl", &["verplicht", "verplicht veld", "optioneel", "niet verplicht", "indien van toepassing", "indien bekend"]),
    ("pl", &["wymagane", "pole wymagane", "obowiązkowe", "opcjonalne", "opcjonalnie", "nieobowiązkowe"]),
    ("cs", &["povinné", "povinný údaj", "povinné pole", "nepovinné", "volitelné"]),
    ("tr", &["zorunlu", "zorunlu alan", "isteğe bağlı", "opsiyonel"]),
    ("ja", &["必須", "任意", "必須項目", "任意項目"]),
    ("zh", &["必填", "必填项", "选填", "可选", "非必填", "必填項", "選填"]),
    ("ru", &["обязательно", "обязательное поле", "обязательное", "необязательно", "необязательное", "если есть", "опционально"]),
    ("uk", &["обов'язково", "обов'язкове поле", "необов'язково", "якщо є"]),
    ("sv", &["obligatorisk", "obligatoriskt", "valfri", "valfritt", "frivilligt", "om tillämpligt"]),
    ("da", &["obligatoriske", "påkrævet", "skal udfyldes", "valgfri", "valgfrit"]),
    ("nb", &["påkrevd", "må fylles ut", "frivillig", "valgfritt felt"]),
    ("fi", &["pakollinen", "pakollinen tieto", "valinnainen", "vapaaehtoinen"]),
    ("hu", &["kötelező", "kötelező mező", "opcionális", "nem kötelező"]),
    ("ro", &["obligatoriu", "câmp obligatoriu", "opțional", "facultativ"]),
    ("el", &["υποχρεωτικό", "υποχρεωτικά", "προαιρετικό", "προαιρετικά"]),
];

/// What begins an example or a hint beside a column's name: `Phone (e.g. +49 30 123456)`.
#[rustfmt::skip]
pub const EXAMPLES: &[Line] = &[
    ("en", &["e.g.", "eg ", "eg.", "eg:", "for example", "example", "ex.", "format", "as ", "max ", "max.", "up to ", "like "]),
    ("fr", &["par ex", "p. ex", "p.ex", "exemple", "au format"]),
    ("de", &["z.b.", "z. b.", "zum beispiel", "beispiel", "bsp", "maximal"]),
    ("es", &["p. ej", "p.ej", "por ejemplo", "ejemplo", "formato"]),
    ("pt", &["por exemplo", "exemplo"]),
    ("it", &["es.", "ad es", "esempio"]),
    ("nl", &["bijv", "bv.", "bijvoorbeeld", "formaat"]),
    ("pl", &["np.", "przykład"]),
    ("cs", &["např", "příklad", "formát"]),
    ("tr", &["ör.", "örn", "örneğin"]),
    ("ja", &["例"]),
    ("zh", &["例如", "如："]),
    ("ru", &["напр", "например", "формат"]),
    ("uk", &["наприклад"]),
    ("sv", &["t.ex", "t ex", "exempel"]),
    ("da", &["f.eks", "fx ", "eksempel"]),
    ("nb", &["for eksempel"]),
    ("fi", &["esim", "esimerkki", "muoto"]),
    ("hu", &["pl.", "például", "formátum"]),
    ("ro", &["de ex", "exemplu"]),
    ("el", &["π.χ", "παράδειγμα"]),
];

/// What an address or a number is where it is the one at work; beside any other field, the word
/// means something.
#[rustfmt::skip]
pub const AT_WORK: &[Line] = &[
    ("en", &["work", "business", "office", "company", "corporate", "professional", "at work", "primary", "main", "primary work"]),
    ("fr", &["professionnel", "professionnelle", "pro", "travail", "bureau", "principal", "principale"]),
    ("de", &["geschäftlich", "dienstlich", "beruflich", "Arbeit", "Büro", "Firma", "Haupt"]),
    ("es", &["trabajo", "corporativo", "profesional", "laboral", "oficina"]),
    ("pt", &["trabalho", "institucional", "profissional", "escritório"]),
    ("it", &["lavoro", "aziendale", "professionale", "ufficio", "principale"]),
    ("nl", &["werk", "zakelijk", "kantoor"]),
    ("pl", &["służbowy", "praca", "firmowy"]),
    ("cs", &["pracovní", "firemní"]),
    ("tr", &["iş", "kurumsal"]),
    ("ja", &["会社", "仕事", "勤務先"]),
    ("zh", &["工作", "公司", "办公"]),
    ("ru", &["рабочий", "рабочая", "служебный", "корпоративный"]),
    ("uk", &["робочий", "робоча", "службовий"]),
    ("sv", &["arbete", "jobb", "arbets"]),
    ("da", &["arbejde", "firma"]),
    ("nb", &["arbeid", "jobb"]),
    ("fi", &["työ"]),
    ("hu", &["munkahelyi", "céges"]),
    ("ro", &["serviciu", "birou"]),
    ("el", &["εργασίας", "εργασία"]),
];

/// Which of several columns of a field is usually meant: those of an earlier rank. Columns of no
/// rank come between the first and the last one. Where two of the same rank are left, somebody has
/// to say.
pub struct Usual {
    /// The field.
    pub field: Field,
    /// Taken before all others.
    pub before: &'static [Line],
    /// Taken only where there is no other.
    pub behind: &'static [Line],
}

/// The fields of which lists often have several columns, and which is usually meant.
#[rustfmt::skip]
pub const USUAL: &[Usual] = &[
    Usual {
        field: Field::Phone,
        before: &[
            ("en", &["mobile", "mobile phone", "mobile number", "mobile phone number", "cell", "cell phone", "cell number"]),
            ("fr", &["portable", "téléphone portable", "téléphone mobile", "tél. portable"]),
            ("de", &["Handy", "Handynummer", "Mobiltelefon", "Mobilnummer", "Mobil"]),
            ("es", &["móvil", "teléfono móvil", "celular", "teléfono celular", "número de celular"]),
            ("pt", &["telemóvel", "telefone celular", "número de telemóvel"]),
            ("it", &["cellulare", "telefono cellulare", "numero di cellulare"]),
            ("nl", &["mobiel", "mobiel nummer", "gsm", "gsm-nummer"]),
            ("pl", &["telefon komórkowy", "komórka"]),
            ("cs", &["mobilní telefon"]),
            ("tr", &["cep telefonu", "gsm no"]),
            ("ja", &["携帯", "携帯電話", "携帯番号", "携帯電話番号"]),
            ("zh", &["手机", "手机号", "手机号码", "移动电话", "手機", "手機號碼"]),
            ("ru", &["мобильный", "мобильный телефон", "сотовый", "сотовый телефон"]),
            ("uk", &["мобільний", "мобільний телефон"]),
            ("sv", &["mobiltelefon", "mobilnummer", "mobil"]),
            ("da", &["mobiltelefon", "mobilnummer", "mobil"]),
            ("nb", &["mobiltelefon", "mobilnummer", "mobil"]),
            ("fi", &["matkapuhelin", "matkapuhelinnumero", "kännykkä"]),
            ("hu", &["mobiltelefon", "mobilszám", "mobil"]),
            ("ro", &["telefon mobil", "mobil"]),
            ("el", &["κινητό", "κινητό τηλέφωνο"]),
        ],
        behind: &[
            ("en", &["work phone", "work phone number", "business phone", "office phone", "landline"]),
            ("fr", &["téléphone professionnel"]),
            ("de", &["Telefon geschäftlich", "Festnetz"]),
            ("pl", &["telefon służbowy"]),
            ("ru", &["рабочий телефон"]),
            ("uk", &["робочий телефон"]),
        ],
    },
    Usual {
        field: Field::Email,
        before: &[
            ("en", &["work email", "work mail", "work email address", "business email", "business email address",
                "company email", "corporate email", "office email", "primary work email"]),
            ("fr", &["email professionnel", "courriel professionnel", "mail professionnel", "adresse email professionnelle", "mail pro"]),
            ("de", &["E-Mail geschäftlich", "dienstliche E-Mail", "E-Mail dienstlich", "geschäftliche E-Mail"]),
            ("es", &["correo corporativo", "correo de trabajo", "email corporativo"]),
            ("pt", &["e-mail corporativo", "e-mail profissional", "email institucional"]),
            ("it", &["email aziendale", "e-mail di lavoro"]),
            ("nl", &["zakelijk e-mailadres", "werk e-mail", "e-mail werk", "zakelijke e-mail"]),
            ("pl", &["e-mail służbowy", "służbowy adres e-mail"]),
            ("cs", &["pracovní e-mail", "firemní e-mail"]),
            ("tr", &["iş e-postası", "kurumsal e-posta"]),
            ("ja", &["会社メールアドレス"]),
            ("zh", &["工作邮箱", "公司邮箱"]),
            ("ru", &["рабочая почта", "рабочий email", "корпоративная почта"]),
            ("uk", &["робоча пошта", "робочий email"]),
        ],
        behind: &[
            ("en", &["contact email", "user email"]),
        ],
    },
    Usual {
        field: Field::Country,
        before: &[
            ("en", &["country code"]),
            ("fr", &["code pays"]),
            ("de", &["Ländercode", "Länderkürzel"]),
            ("es", &["código de país", "código país"]),
            ("pt", &["código do país"]),
            ("it", &["codice paese"]),
            ("nl", &["landcode"]),
            ("pl", &["kod kraju"]),
            ("cs", &["kód země"]),
            ("tr", &["ülke kodu"]),
            ("ja", &["国コード"]),
            ("zh", &["国家代码"]),
            ("ru", &["код страны"]),
            ("uk", &["код країни"]),
        ],
        behind: &[
            ("en", &["work country", "nation"]),
        ],
    },
    Usual {
        field: Field::Manager,
        before: &[
            ("en", &["manager email", "supervisor email"]),
        ],
        behind: &[
            ("en", &["manager name"]),
        ],
    },
    Usual {
        field: Field::StartDate,
        before: &[],
        behind: &[
            ("en", &["original hire date"]),
        ],
    },
];

/// Headers of parts of a name that have a column of their own. `is_sure` says whether all of such a
/// column is part of the name: `Prefix` holds `van der` in one list and `Mrs.` in another, so only
/// words that are certainly part of a name are taken, and the column is kept as an attribute, too.
pub struct NamePartWords {
    /// Which part.
    pub part: NamePart,
    /// Whether the header alone says so.
    pub is_sure: bool,
    /// The headers.
    pub lines: &'static [Line],
}

/// Every part of a name that has columns of its own.
#[rustfmt::skip]
pub const NAME_PARTS: &[NamePartWords] = &[
    NamePartWords {
        part: NamePart::Middle,
        is_sure: true,
        lines: &[
            ("en", &["middle name", "middle names", "middle", "middle initial", "second name", "second first name",
                "second given name", "additional name", "additional names", "other given names"]),
            ("fr", &["deuxième prénom", "second prénom", "autres prénoms", "2e prénom"]),
            ("de", &["zweiter Vorname", "Zweitname", "weitere Vornamen", "Mittelname"]),
            ("es", &["segundo nombre", "otros nombres"]),
            ("pt", &["segundo nome", "nome do meio"]),
            ("it", &["secondo nome"]),
            ("nl", &["tweede naam", "tweede voornaam", "middelste naam", "overige voornamen"]),
            ("pl", &["drugie imię"]),
            ("cs", &["druhé jméno", "prostřední jméno"]),
            ("tr", &["ikinci ad", "ikinci adı", "ikinci isim", "göbek adı"]),
            ("ja", &["ミドルネーム"]),
            ("zh", &["中间名", "中間名"]),
            ("ru", &["отчество", "второе имя"]),
            ("uk", &["по батькові", "друге ім'я"]),
            ("sv", &["mellannamn", "andra förnamn"]),
            ("da", &["mellemnavn", "mellemnavne"]),
            ("nb", &["mellomnavn"]),
            ("fi", &["toinen nimi", "toinen etunimi"]),
            ("hu", &["második keresztnév", "második utónév", "középső név"]),
            ("ro", &["al doilea prenume", "inițiala tatălui"]),
            ("el", &["μεσαίο όνομα"]),
        ],
    },
    NamePartWords {
        part: NamePart::Before,
        is_sure: true,
        lines: &[
            ("en", &["last name prefix", "surname prefix", "family name prefix", "name particle", "surname particle", "infix",
                "nobility particle"]),
            ("fr", &["particule", "particule nobiliaire"]),
            ("de", &["Namenszusatz", "Namenszusätze", "Namensvorsatz", "Namensvorsätze", "Vorsatzwort", "Vorsatzwörter",
                "Nachnamenszusatz", "Adelstitel", "Adelsprädikat", "Nachnamenpräfix"]),
            ("es", &["partícula del apellido"]),
            // In Portuguese, the mother's surname comes before the father's.
            ("pt", &["partícula do sobrenome", "apelido materno", "sobrenome materno"]),
            ("it", &["prefisso cognome", "particella nobiliare"]),
            ("nl", &["tussenvoegsel", "tussenvoegsels", "tussenvoegsel achternaam", "tussenv.", "voorvoegsel", "voorvoegsels",
                "voorvoegsel achternaam", "voorvoegsels achternaam", "achternaam voorvoegsel"]),
        ],
    },
    NamePartWords {
        part: NamePart::Before,
        is_sure: false,
        lines: &[
            ("en", &["prefix", "name prefix"]),
            ("fr", &["préfixe"]),
            ("de", &["Präfix", "Namenspräfix", "Vorsatz"]),
            ("es", &["prefijo"]),
            ("pt", &["prefixo"]),
            ("it", &["prefisso"]),
            ("nl", &["naamprefix"]),
        ],
    },
    NamePartWords {
        part: NamePart::Second,
        is_sure: true,
        lines: &[
            ("en", &["second last name", "second surname", "second family name", "maternal last name", "maternal surname",
                "mother's last name", "mother's surname", "last name 2", "surname 2"]),
            ("fr", &["deuxième nom", "deuxième nom de famille", "second nom"]),
            ("de", &["zweiter Nachname"]),
            ("es", &["segundo apellido", "apellido materno", "apellido 2", "2º apellido", "2do apellido"]),
            ("pt", &["segundo apelido", "segundo sobrenome"]),
            ("it", &["secondo cognome"]),
            ("pl", &["drugie nazwisko"]),
            ("cs", &["druhé příjmení"]),
        ],
    },
    NamePartWords {
        part: NamePart::Suffix,
        is_sure: false,
        lines: &[
            ("en", &["suffix", "name suffix", "generation", "generational suffix", "generation qualifier"]),
            ("fr", &["suffixe"]),
            ("de", &["Namenssuffix"]),
            ("es", &["sufijo"]),
            ("pt", &["sufixo"]),
            ("it", &["suffisso"]),
            ("nl", &["achtervoegsel"]),
        ],
    },
];

/// Words that a part of a name before the last name is made of, where only its words tell, beside
/// those of [`super::names::PARTICLES`].
#[rustfmt::skip]
pub const PARTICLES: &[Line] = &[
    ("en", &["o'"]),
    ("de", &["und", "freiherr", "freifrau", "graf", "gräfin", "baron", "baronin", "ritter"]),
    ("es", &["y"]),
    ("pt", &["e"]),
    ("nl", &["bij", "uijt", "v.d."]),
];

/// Words after a last name that stay with it, compared without full stops.
#[rustfmt::skip]
pub const GENERATIONS: &[Line] = &[
    ("en", &["jr", "jnr", "junior", "sr", "snr", "senior", "ii", "iii", "iv", "v", "2nd", "3rd", "4th"]),
    ("fr", &["fils", "père"]),
    ("de", &["jun", "sen", "d. j.", "d. ä."]),
    ("es", &["hijo"]),
    ("pt", &["filho", "neto", "júnior", "sobrinho"]),
];

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::header::Vocabulary;
    use crate::text::key;

    fn words(lines: &'static [Line]) -> impl Iterator<Item = (&'static str, &'static str)> {
        let words =
            |(language, words): &'static Line| words.iter().map(move |word| (*language, *word));
        lines.iter().flat_map(words)
    }

    #[test]
    fn every_line_names_its_language_once() {
        let usual = USUAL.iter().flat_map(|usual| [usual.before, usual.behind]);
        let parts = NAME_PARTS.iter().map(|words| words.lines);
        let tables = [DECORATIONS, EXAMPLES, AT_WORK, PARTICLES, GENERATIONS];
        for lines in tables.into_iter().chain(usual).chain(parts) {
            let languages: HashSet<_> = lines.iter().map(|(language, _)| *language).collect();
            assert_eq!(languages.len(), lines.len());
            for (language, words) in lines {
                assert!(language.len() == 2 && !words.is_empty(), "{language}");
            }
        }
    }

    #[test]
    fn what_decorates_a_header_is_no_name_of_a_field() {
        let vocabulary = Vocabulary::default();
        for (_, word) in words(DECORATIONS) {
            assert!(!key(word).is_empty());
            assert_eq!(vocabulary.exactly(word), None, "{word}");
        }
        // These are only taken off addresses and numbers.
        for (_, word) in words(AT_WORK) {
            let field = vocabulary.exactly(word);
            assert!(!key(word).is_empty());
            assert!(
                !matches!(field, Some(Field::Email | Field::Phone)),
                "{word}"
            );
        }
    }

    #[test]
    fn what_is_usual_is_a_name_of_its_field() {
        let vocabulary = Vocabulary::default();
        for usual in USUAL {
            let mut seen = HashSet::new();
            for (_, word) in words(usual.before) {
                assert_eq!(vocabulary.exactly(word), Some(usual.field), "{word}");
                seen.insert(key(word));
            }
            for (_, word) in words(usual.behind) {
                assert_eq!(vocabulary.exactly(word), Some(usual.field), "{word}");
                assert!(!seen.contains(&key(word)), "{word}");
            }
        }
    }

    #[test]
    fn parts_of_names_have_names_of_their_own() {
        let vocabulary = Vocabulary::default();
        let mut seen: HashMap<String, (NamePart, bool)> = HashMap::new();
        for table in NAME_PARTS {
            for (_, word) in words(table.lines) {
                assert_eq!(vocabulary.exactly(word), None, "{word}");
                let this = (table.part, table.is_sure);
                assert_eq!(*seen.entry(key(word)).or_insert(this), this, "{word}");
                let found = vocabulary.name_part(word);
                assert_eq!(found, Some(this), "{word}");
            }
        }
    }
}
