//! Countries, as ISO 3166-1 alpha-2 codes.

use super::country_names::NAMES;
use super::words;

/// The alpha-2 code of the country that `text` names: by alpha-2, alpha-3 or three-digit code, or
/// by its English name or one that people often write. Case, accents and punctuation don't
/// matter. `None` where no country or more than one could be meant (`Korea`, `Congo` is ISO's).
pub fn alpha2(text: &str) -> Option<&'static str> {
    if text.len() == 2
        && let Some(country) = rust_iso3166::from_alpha2(text)
    {
        return Some(country.alpha2);
    }
    let key = words::key(text);
    if let Ok(at) = NAMES.binary_search_by(|(name, _)| (*name).cmp(key.as_str())) {
        return Some(NAMES[at].1);
    }
    let country = match key.len() {
        2 => rust_iso3166::from_alpha2(&key.to_ascii_uppercase()),
        3 if key.as_bytes()[0].is_ascii_digit() => rust_iso3166::from_numeric_str(&key),
        3 => rust_iso3166::from_alpha3(&key.to_ascii_uppercase()),
        _ => None,
    };
    country.map(|country| country.alpha2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header;

    #[test]
    fn names_are_sorted_unique_keys_of_real_countries() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (name, code) in NAMES {
            assert_eq!(header::key(name), *name);
            assert!(rust_iso3166::from_alpha2(code).is_some(), "{code}");
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
                assert_eq!(alpha2(text), Some(country.alpha2), "{text}");
                assert_eq!(alpha2(&text.to_lowercase()), Some(country.alpha2), "{text}");
            }
        }
    }

    #[test]
    fn names_that_people_write_are_known_and_doubtful_ones_are_not() {
        let cases = [
            ("UK", "GB"),
            ("U.S.A.", "US"),
            ("England", "GB"),
            ("South Korea", "KR"),
            ("Österreich", "AT"),
            ("Cote d’Ivoire", "CI"),
            ("日本", "JP"),
            ("Türkiye", "TR"),
            ("the netherlands", "NL"),
            ("Česko", "CZ"),
        ];
        for (text, code) in cases {
            assert_eq!(alpha2(text), Some(code), "{text}");
        }
        for text in [
            "",
            "-",
            "Korea",
            "Virgin Islands",
            "XX",
            "ZZZ",
            "999",
            "Bavaria",
            "ÀÀ",
            "6",
        ] {
            assert_eq!(alpha2(text), None, "{text}");
        }
    }
}
