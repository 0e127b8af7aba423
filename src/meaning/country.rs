//! Countries, as ISO 3166-1 alpha-2 codes.

use crate::text;
use std::collections::HashMap;
use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_64;

/// What countries are called; the file says where its columns come from.
const TABLE: &str = include_str!("countries.tsv");

/// Each name of [`TABLE`] and its country.
static NAMES: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| names().collect());

/// The alpha-2 codes, by their letters.
static CODES: LazyLock<[Option<&str>; 26 * 26]> = LazyLock::new(|| {
    let mut codes = [None; 26 * 26];
    for country in rust_iso3166::ALL {
        if let [one, two] = country.alpha2.as_bytes() {
            codes[usize::from(one - b'A') * 26 + usize::from(two - b'A')] = Some(country.alpha2);
        }
    }
    codes
});

/// Names that may be misspelled.
static SLIPS: LazyLock<Slips> = LazyLock::new(|| {
    let mut slips = Slips::default();
    let long = |(name, _): &(&str, &str)| name.is_ascii() && name.len() + 1 >= LETTERS_MIN;
    slips.names = names().filter(long).collect();
    for (number, (name, _)) in slips.names.iter().enumerate() {
        slip_hashes(name, |hash| {
            slips.numbers.entry(hash).or_default().push(number as u16);
        });
    }
    slips
});

#[derive(Default)]
struct Slips {
    names: Vec<(&'static str, &'static str)>,
    /// By the hash of a name, and of a name without one letter: numbers of names. Two words that
    /// differ by one slip share such a hash.
    numbers: HashMap<u64, Vec<u16>>,
}

/// Names that several countries have, and the codes of these: in the form of keys, a line a set of
/// countries, in the languages of [`TABLE`].
#[rustfmt::skip]
const AMBIGUOUS: [(&[&str], &[&str]); 7] = [
    (&["CD", "CG"], &["congo", "kongo", "konqo", "コンコ", "刚果", "剛果", "thecongo", "lecongo"]),
    (&["KP", "KR"], &["korea", "coree", "corea", "coreia", "kore", "koreja", "朝鮮半島"]),
    (&["VG", "VI"], &["virginislands", "thevirginislands", "ilesvierges", "jungferninseln", "islasvirgenes", "ilhasvirgens",
      "isolevergini", "maagdeneilanden", "wyspydziewicze", "panenskeostrovy", "virjinadalari", "ウァーシン諸島", "维尔京群岛"]),
    (&["BQ", "CW", "SX"], &["netherlandsantilles", "dutchantilles", "antillesneerlandaises", "niederlandischeantillen",
      "antillasholandesas", "nederlandseantillen", "antilhasholandesas"]),
    (&["GG", "JE"], &["channelislands", "ilesanglonormandes", "kanalinseln"]),
    (&["ME", "RS"], &["serbiaandmontenegro", "serbiamontenegro", "serbienundmontenegro", "serbieetmontenegro"]),
    (&["CZ", "SK"], &["czechoslovakia", "tschechoslowakei", "tchecoslovaquie", "ceskoslovensko", "checoslovaquia", "czechoslowacja"]),
];

/// The codes of the countries that have the name `text`, where there are several.
pub fn ambiguous(text: &str) -> Option<&'static [&'static str]> {
    let key = text::key(text);
    let mut lines = AMBIGUOUS.iter();
    let found = lines.find(|(_, names)| names.contains(&key.as_str()));
    found.map(|(codes, _)| *codes)
}

/// Shorter words are too near to each other for a guess.
const LETTERS_MIN: usize = 6;

/// What is one slip away from a country and means something else: subdivisions of ISO 3166-2, and
/// cities of the time zone database.
#[rustfmt::skip]
const NOT_MISSPELLED: [&str; 12] = [
    "alminya", "almeria", "angora", "dominican", "gambier", "nakuru", "penama", "rubanda", "rutland", "sthelens",
    "tainan", "vienna",
];

/// Name and code, in the table's order.
fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(|line| {
        let (code, names) = line.split_once('\t').unwrap_or_default();
        names.split_ascii_whitespace().map(move |name| (name, code))
    })
}

/// The alpha-2 code of the country that `text` names: by alpha-2, alpha-3 or three-digit code, by
/// its name in one of twelve languages (see `countries.tsv`), or by one that people often write.
/// Case, accents and, but in codes, punctuation don't matter: `N/A` is not a code, and only `NA` in
/// capitals is Namibia. `None` where no country or more than one could be meant ([`ambiguous`]).
pub fn alpha2(text: &str) -> Option<&'static str> {
    if let [one, two] = text.as_bytes()
        && let (b'A'..=b'Z', b'A'..=b'Z') = (one, two)
        && let Some(code) = CODES[usize::from(one - b'A') * 26 + usize::from(two - b'A')]
    {
        return Some(code);
    }
    let key = text::key(text);
    if let Some(code) = NAMES.get(key.as_str()) {
        return Some(code);
    }
    let is_plain = || text.trim().bytes().all(|byte| byte.is_ascii_alphanumeric());
    let country = match key.len() {
        2 if key == "na" || !is_plain() => None,
        3 if !is_plain() && !is_dotted(text) => None,
        2 => rust_iso3166::from_alpha2(&key.to_ascii_uppercase()),
        3 if key.as_bytes()[0].is_ascii_digit() => rust_iso3166::from_numeric_str(&key),
        3 => rust_iso3166::from_alpha3(&key.to_ascii_uppercase()),
        _ => None,
    };
    country.map(|country| country.alpha2)
}

/// Whether each letter of a code has its full stop, as in `U.S.A.`
fn is_dotted(text: &str) -> bool {
    let letters: Vec<&str> = text.trim().split_terminator('.').collect();
    letters.iter().all(|letter| letter.trim().len() == 1)
}

/// The alpha-2 code of the only country that is meant by `text` if one letter of it is too much,
/// missing, wrong, or changed places with its neighbour. Nobody mistypes the first letter, and
/// words of fewer than six letters are not looked at. For texts that [`alpha2`] doesn't know.
pub fn misspelled(text: &str) -> Option<&'static str> {
    let key = text::key(text);
    if key.len() < LETTERS_MIN
        || !key.is_ascii()
        || NOT_MISSPELLED.contains(&key.as_str())
        || ambiguous(text).is_some()
    {
        return None;
    }
    let mut found: Vec<&str> = Vec::new();
    slip_hashes(&key, |hash| {
        for number in SLIPS.numbers.get(&hash).into_iter().flatten() {
            let (name, code) = SLIPS.names[usize::from(*number)];
            if name.as_bytes()[0] == key.as_bytes()[0] && strsim::osa_distance(name, &key) <= 1 {
                found.push(code);
            }
        }
    });
    let (first, others) = found.split_first()?;
    others.iter().all(|other| other == first).then_some(*first)
}

/// The hash of an ASCII word, and of the word without each of its letters.
fn slip_hashes(word: &str, mut each: impl FnMut(u64)) {
    each(xxh3_64(word.as_bytes()));
    let mut shorter = Vec::with_capacity(word.len());
    for at in 0..word.len() {
        shorter.clear();
        shorter.extend_from_slice(&word.as_bytes()[..at]);
        shorter.extend_from_slice(&word.as_bytes()[at + 1..]);
        each(xxh3_64(&shorter));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_country_has_names_of_its_own_in_the_form_of_keys() {
        let mut seen = HashSet::new();
        for (name, code) in names() {
            assert_eq!(text::key(name), *name);
            assert!(rust_iso3166::from_alpha2(code).is_some(), "{code}");
            assert!(seen.insert(name), "{name} occurs twice");
            let codes = [rust_iso3166::from_alpha2, rust_iso3166::from_alpha3];
            let codes = codes.map(|from| from(&name.to_uppercase()));
            for other in codes.into_iter().flatten() {
                assert_eq!(other.alpha2, code, "{name} is a code, too");
            }
        }
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(lines.clone().count(), rust_iso3166::ALL.len());
        for line in lines {
            assert_eq!(line.split('\t').count(), 3, "{line}");
        }
        assert!(TABLE.len() < 80_000);
    }

    #[test]
    fn names_of_several_countries_name_them_all() {
        for (codes, names) in AMBIGUOUS {
            assert!(codes.len() > 1);
            for name in names {
                assert_eq!(text::key(name), *name);
                assert_eq!(alpha2(name), None, "{name}");
                assert_eq!(misspelled(name), None, "{name}");
                assert_eq!(ambiguous(&name.to_uppercase()), Some(codes), "{name}");
            }
            for code in codes {
                assert_eq!(alpha2(code), Some(*code));
            }
        }
        for name in [
            "Samoa",
            "Guinea",
            "Ireland",
            "Georgia",
            "Macedonia",
            "Niger",
            "Sudan",
            "Micronesia",
        ] {
            assert!(
                ambiguous(name).is_none() && alpha2(name).is_some(),
                "{name}"
            );
        }
    }

    #[test]
    fn every_country_is_known_by_its_codes_and_its_name() {
        for country in rust_iso3166::ALL {
            for text in [
                country.alpha2,
                country.alpha3,
                country.name,
                &country.numeric_str(),
            ] {
                if ambiguous(text).is_some() {
                    continue;
                }
                assert_eq!(alpha2(text), Some(country.alpha2), "{text}");
                let lower = text.to_lowercase();
                let expected = Some(country.alpha2).filter(|_| lower != "na");
                assert_eq!(alpha2(&lower), expected, "{text}");
            }
        }
    }

    #[test]
    fn names_that_people_write_are_known_and_doubtful_ones_are_not() {
        let cases = [
            ("UK", "GB"),
            ("U.S.A.", "US"),
            ("U.K.", "GB"),
            ("NA", "NA"),
            ("Namibia", "NA"),
            ("England", "GB"),
            ("Holland", "NL"),
            ("Czech Republic", "CZ"),
            ("South Korea", "KR"),
            ("Österreich", "AT"),
            ("Cote d’Ivoire", "CI"),
            ("日本", "JP"),
            ("Türkiye", "TR"),
            ("the netherlands", "NL"),
            ("Česko", "CZ"),
            // Germany and Croatia in the twelve languages
            ("Germany", "DE"),
            ("Allemagne", "DE"),
            ("Deutschland", "DE"),
            ("Alemania", "DE"),
            ("Alemanha", "DE"),
            ("Germania", "DE"),
            ("Duitsland", "DE"),
            ("Niemcy", "DE"),
            ("Německo", "DE"),
            ("Almanya", "DE"),
            ("ドイツ", "DE"),
            ("德国", "DE"),
            ("Croatia", "HR"),
            ("Croatie", "HR"),
            ("Kroatien", "HR"),
            ("Croacia", "HR"),
            ("Croácia", "HR"),
            ("Croazia", "HR"),
            ("Kroatië", "HR"),
            ("Chorwacja", "HR"),
            ("Chorvatsko", "HR"),
            ("Hırvatistan", "HR"),
            ("クロアチア", "HR"),
            ("克罗地亚", "HR"),
        ];
        for (text, code) in cases {
            assert_eq!(alpha2(text), Some(code), "{text}");
        }
        for text in [
            "",
            "-",
            "Korea",
            "Congo",
            "N/A",
            "n.a.",
            "na",
            "n a",
            "s/d",
            "D-E",
            "Virgin Islands",
            "XX",
            "ZZZ",
            "999",
            "Bavaria",
            "ÀÀ",
            "6",
            "Germnay",
        ] {
            assert_eq!(alpha2(text), None, "{text}");
        }
    }

    #[test]
    fn one_slip_is_forgiven_where_only_one_country_can_be_meant() {
        let cases = [
            ("Deutchland", Some("DE")),
            ("Germnay", Some("DE")),
            ("Untied States", Some("US")),
            ("Great Britian", Some("GB")),
            ("Phillippines", Some("PH")),
            ("Columbia", Some("CO")),
            ("Österreeich", Some("AT")),
            ("Ieland", None),  // Iceland, Ireland
            ("Nigera", None),  // Niger, Nigeria
            ("Franc", None),   // too short
            ("Prussia", None), // not Russia
            ("Siberia", None), // not Liberia
            ("Dominican", None),
            ("Utopia", None),
            ("", None),
        ];
        for (text, code) in cases {
            assert_eq!(misspelled(text), code, "{text}");
        }
    }

    /// CLDR's own spellings: twelve languages in columns, a country in a line.
    #[test]
    fn every_country_is_known_by_its_name_in_twelve_languages() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/country-names.tsv");
        let text = std::fs::read_to_string(path).unwrap();
        let mut countries = 0;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<&str> = line.split('\t').collect();
            assert_eq!(columns.len(), 13, "{line}");
            for name in &columns[1..] {
                if ambiguous(name).is_some() {
                    continue;
                }
                assert_eq!(alpha2(name), Some(columns[0]), "{name}");
                assert_eq!(alpha2(&name.to_uppercase()), Some(columns[0]), "{name}");
            }
            countries += 1;
        }
        assert_eq!(countries, rust_iso3166::ALL.len());
    }
}
