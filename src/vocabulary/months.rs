//! Names of months, as people write them in dates. A line has one language; a name that is another
//! month in a language of the neighbours (`listopad`: November in Polish, October in Croatian) is
//! left out.

/// By month, from January: names without a full stop, in lower case.
pub type Months = [&'static [&'static str]; 12];

/// The languages' months. `mar` is March in all of them.
#[rustfmt::skip]
pub const MONTHS: &[(&str, Months)] = &[
    ("en", [&["january", "jan"], &["february", "feb"], &["march", "mar"], &["april", "apr"], &["may"], &["june", "jun"],
        &["july", "jul"], &["august", "aug"], &["september", "sep", "sept"], &["october", "oct"], &["november", "nov"],
        &["december", "dec"]]),
    ("de", [&["januar", "jänner", "jän"], &["februar", "feber"], &["märz", "mär", "mrz", "maerz"], &[], &["mai"], &["juni"],
        &["juli"], &[], &[], &["oktober", "okt"], &[], &["dezember", "dez"]]),
    ("fr", [&["janvier", "janv"], &["février", "févr", "fév", "fevrier"], &["mars"], &["avril", "avr"], &[], &["juin"],
        &["juillet", "juil"], &["août", "aout"], &["septembre"], &["octobre"], &["novembre"], &["décembre", "déc", "decembre"]]),
    ("es", [&["enero", "ene"], &["febrero"], &["marzo"], &["abril", "abr"], &["mayo"], &["junio"], &["julio"],
        &["agosto", "ago"], &["septiembre", "setiembre", "set"], &["octubre"], &["noviembre"], &["diciembre", "dic"]]),
    ("pt", [&["janeiro"], &["fevereiro", "fev"], &["março", "marco"], &[], &["maio"], &["junho"], &["julho"], &[],
        &["setembro"], &["outubro", "out"], &["novembro"], &["dezembro"]]),
    ("it", [&["gennaio", "gen"], &["febbraio"], &[], &["aprile"], &["maggio", "mag"], &["giugno", "giu"], &["luglio", "lug"],
        &[], &["settembre"], &["ottobre", "ott"], &[], &["dicembre"]]),
    ("nl", [&["januari"], &["februari"], &["maart", "mrt"], &[], &["mei"], &[], &[], &["augustus"], &[], &[], &[], &[]]),
    ("sv", [&[], &[], &[], &[], &["maj"], &[], &[], &["augusti"], &[], &[], &[], &[]]),
    ("pl", [&["stycznia", "styczeń", "sty"], &["lutego", "luty"], &["marca", "marzec"], &["kwietnia", "kwiecień", "kwi"],
        &["maja"], &["czerwca", "czerwiec", "cze"], &["lipca", "lipiec"], &["sierpnia", "sierpień", "sie"],
        &["września", "wrzesień", "wrz"], &["października", "październik", "paź"], &[], &["grudnia", "grudzień", "gru"]]),
    ("cs", [&["ledna", "leden"], &["února", "únor"], &["března", "březen"], &["dubna", "duben"], &["května", "květen"],
        &["června", "červen"], &["července", "červenec"], &["srpna", "srpen"], &["září"], &["října", "říjen"], &[],
        &["prosince", "prosinec"]]),
    ("tr", [&["ocak"], &["şubat"], &["mart"], &["nisan"], &["mayıs"], &["haziran"], &["temmuz"], &["ağustos"], &["eylül"],
        &["ekim"], &["kasım"], &["aralık"]]),
    ("ru", [&["января", "январь"], &["февраля", "февраль"], &["марта", "март"], &["апреля", "апрель"], &["мая", "май"],
        &["июня", "июнь"], &["июля", "июль"], &["августа", "август"], &["сентября", "сентябрь"], &["октября", "октябрь"],
        &["ноября", "ноябрь"], &["декабря", "декабрь"]]),
];

/// The number of the month that a word names.
pub fn month(word: &str) -> Option<u32> {
    if !word.chars().next().is_some_and(char::is_alphabetic) {
        return None;
    }
    let word = word.to_lowercase();
    let of = |months: &Months| {
        months
            .iter()
            .position(|names| names.contains(&word.as_str()))
    };
    let month = MONTHS.iter().find_map(|(_, months)| of(months))?;
    Some(month as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_month_only_and_is_found() {
        let mut seen = std::collections::HashMap::new();
        for (language, months) in MONTHS {
            for (at, names) in months.iter().enumerate() {
                for name in *names {
                    assert_eq!(name.to_lowercase(), *name, "{language}");
                    assert_eq!(*seen.entry(*name).or_insert(at), at, "{name}");
                    assert_eq!(month(name), Some(at as u32 + 1), "{name}");
                }
            }
        }
        assert_eq!(month("MÄRZ"), Some(3));
        assert_eq!(month("listopada"), None);
        assert_eq!(month("12"), None);
    }
}
