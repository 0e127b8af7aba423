//! Languages, as BCP 47 tags.

use std::borrow::Cow;

use super::words;

/// The two-letter codes of ISO 639-1, with withdrawn ones that systems still write; sorted.
const TWO: &str = "\
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy \
    da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu \
    hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb \
    lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om \
    or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw \
    ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// The three-letter codes of ISO 639-2, both sets, and a few widely used ones of 639-3; sorted.
const THREE: &str = "\
    aar abk ace ach ada ady afa afh afr ain aka akk alb ale alg alt amh ang anp apa ara arb arc \
    arg arm arn arp art arw asm ast ath aus ava ave awa aym aze bad bai bak bal bam ban baq bas \
    bat bej bel bem ben ber bho bih bik bin bis bla bnt bod bos bra bre btk bua bug bul bur byn \
    cad cai car cat cau ceb cel ces cha chb che chg chi chk chm chn cho chp chr chu chv chy cmc \
    cmn cnr cop cor cos cpe cpf cpp cre crh crp csb cus cym cze dak dan dar day del den deu dgr \
    din div doi dra dsb dua dum dut dyu dzo efi egy eka ell elx eng enm epo est eus ewe ewo fan \
    fao fas fat fij fil fin fiu fon fra fre frm fro frr frs fry ful fur gaa gay gba gem geo ger \
    gez gil gla gle glg glv gmh goh gon gor got grb grc gre grn gsw guj gwi hai hat hau haw hbs \
    heb her hil him hin hit hmn hmo hrv hsb hun hup hye iba ibo ice ido iii ijo iku ile ilo ina \
    inc ind ine inh ipk ira iro isl ita jav jbo jpn jpr jrb kaa kab kac kal kam kan kar kas kat \
    kau kaw kaz kbd kha khi khm kho kik kin kir kmb kok kom kon kor kos kpe krc krl kro kru kua \
    kum kur kut lad lah lam lao lat lav lez lim lin lit lol loz ltz lua lub lug lui lun luo lus \
    mac mad mag mah mai mak mal man mao map mar mas may mdf mdr men mga mic min mkd mkh mlg mlt \
    mnc mni mno moh mon mos mri msa mun mus mwl mwr mya myn myv nah nai nan nap nau nav nbl nde \
    ndo nds nep new nia nic niu nld nno nob nog non nor nqo nso nub nwc nya nym nyn nyo nzi oci \
    oji ori orm osa oss ota oto paa pag pal pam pan pap pau peo per pes phi phn pli pol pon por \
    pra pro prs pus que raj rap rar roa roh rom ron rum run rup rus sad sag sah sai sal sam san \
    sas sat scn sco sel sem sga sgn shn sid sin sio sit sla slk slo slv sma sme smi smj smn smo \
    sms sna snd snk sog som son sot spa sqi srd srn srp srr ssa ssw suk sun sus sux swa swe swh \
    syc syr tah tai tam tat tel tem ter tet tgk tgl tha tib tig tir tiv tkl tlh tli tmh tog ton \
    tpi tsi tsn tso tuk tum tup tur tut tvl twi tyv udm uga uig ukr umb urd uzb vai ven vie vol \
    vot wak wal war was wel wen wln wol wuu xal xho yao yap yid yor ypk yue zap zbl zen zgh zha \
    zho znd zul zun zza";

/// Languages by their English and their own names, in the form of [`words::key`] (so Korean stands
/// here in single letters).
const NAMES: [(&str, &[&str]); 36] = [
    ("ar", &["arabic", "العربية"]),
    ("bg", &["bulgarian", "български", "българскиезик"]),
    ("ca", &["catalan", "catala"]),
    ("cs", &["czech", "cestina"]),
    ("da", &["danish", "dansk"]),
    ("de", &["german", "deutsch", "allemand"]),
    ("el", &["greek", "ελληνικα"]),
    ("en", &["english", "englisch", "anglais", "ingles"]),
    ("es", &["spanish", "espanol", "castellano", "spanisch"]),
    ("et", &["estonian", "eesti"]),
    ("fa", &["persian", "farsi", "فارسی"]),
    ("fi", &["finnish", "suomi"]),
    ("fr", &["french", "francais", "franzosisch"]),
    ("he", &["hebrew", "עברית"]),
    ("hi", &["hindi", "हनद"]),
    ("hr", &["croatian", "hrvatski"]),
    ("hu", &["hungarian", "magyar"]),
    ("id", &["indonesian", "bahasaindonesia"]),
    ("it", &["italian", "italiano", "italienisch"]),
    ("ja", &["japanese", "日本語"]),
    ("ko", &["korean", "한국어"]),
    ("lt", &["lithuanian", "lietuviu"]),
    ("lv", &["latvian", "latviesu"]),
    ("nb", &["bokmal", "norwegianbokmal", "norskbokmal"]),
    ("nl", &["dutch", "nederlands", "niederlandisch"]),
    ("no", &["norwegian", "norsk"]),
    ("pl", &["polish", "polski"]),
    ("pt", &["portuguese", "portugues"]),
    ("ro", &["romanian", "romana"]),
    ("ru", &["russian", "русскии"]),
    ("sk", &["slovak", "slovencina"]),
    ("sl", &["slovenian", "slovenscina"]),
    ("sv", &["swedish", "svenska"]),
    ("tr", &["turkish", "turkce"]),
    ("uk", &["ukrainian", "украінська"]),
    ("zh", &["chinese", "中文", "汉语", "漢語"]),
];

/// The tag that `text` means, in the case that RFC 5646 s.2.1.1 recommends: `de_DE` is `de-DE`,
/// `zh-hans-cn` is `zh-Hans-CN`, `German` is `de`. The shape is checked, and the language by
/// ISO 639; regions and scripts are not looked up. An encoding as in `de_DE.UTF-8` is dropped.
pub fn tag(text: &str) -> Option<Cow<'_, str>> {
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase()) && is_code(text) {
        return Some(Cow::Borrowed(text));
    }
    let text = text.split_once(['.', '@']).map_or(text, |(tag, _)| tag);
    let mut parts = text.split(['-', '_']);
    let language = parts.next()?;
    if is_code(language) {
        let mut tag = language.to_ascii_lowercase();
        let mut place = Place::Language;
        for part in parts {
            place = append(&mut tag, part, place)?;
        }
        return (place != Place::Singleton).then_some(Cow::Owned(tag));
    }
    let key = words::key(text);
    let (code, _) = NAMES
        .iter()
        .find(|(_, names)| names.contains(&key.as_str()))?;
    Some(Cow::Borrowed(code))
}

/// Whether `text` is a language code of ISO 639, in any case.
fn is_code(text: &str) -> bool {
    match text.as_bytes() {
        [one, two] if one.is_ascii_alphabetic() && two.is_ascii_alphabetic() => {
            let [one, two] = [one, two].map(|letter| letter.to_ascii_lowercase() - b'a');
            TWO_TABLE[usize::from(one)] & (1 << two) != 0
        }
        [_, _, _] => {
            let lower = text.to_ascii_lowercase();
            THREE.split(' ').any(|code| code == lower)
        }
        _ => false,
    }
}

/// [`TWO`] as a table: by first letter, a bit for each second letter. Most cells hold such a code.
const TWO_TABLE: [u32; 26] = {
    let mut table = [0; 26];
    let mut at = 0;
    while at < TWO.len() {
        let codes = TWO.as_bytes();
        table[(codes[at] - b'a') as usize] |= 1 << (codes[at + 1] - b'a');
        at += 3;
    }
    table
};

/// How far a tag has come; its parts have this order.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Place {
    Language,
    Script,
    Region,
    Variant,
    Singleton,
    Extension,
}

/// Appends one more part in its case, if it may stand behind `place`; RFC 5646 s.2.1.
fn append(tag: &mut String, part: &str, place: Place) -> Option<Place> {
    let alphabetic = part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let digit_first = part.as_bytes().first().is_some_and(u8::is_ascii_digit);
    if !part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    tag.push('-');
    let here = match part.len() {
        1 if place != Place::Singleton => Place::Singleton,
        1..=8 if place >= Place::Singleton => Place::Extension,
        3 if alphabetic && place == Place::Language => Place::Language,
        4 if alphabetic && place == Place::Language => Place::Script,
        2 if alphabetic && place < Place::Region => Place::Region,
        3 if part.bytes().all(|byte| byte.is_ascii_digit()) && place < Place::Region => {
            Place::Region
        }
        5..=8 => Place::Variant,
        4 if digit_first => Place::Variant,
        _ => return None,
    };
    match here {
        Place::Script => {
            tag.push_str(&part[..1].to_ascii_uppercase());
            tag.push_str(&part[1..].to_ascii_lowercase());
        }
        Place::Region => tag.push_str(&part.to_ascii_uppercase()),
        _ => tag.push_str(&part.to_ascii_lowercase()),
    }
    Some(here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_every_one_is_found() {
        for codes in [TWO, THREE] {
            let all: Vec<&str> = codes.split(' ').collect();
            assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(
                all.iter()
                    .all(|code| is_code(code) && is_code(&code.to_uppercase()))
            );
        }
        assert!(!is_code("xx") && !is_code("zzz") && !is_code("é"));
    }

    #[test]
    fn names_are_keys_of_real_codes() {
        for (code, names) in NAMES {
            assert!(is_code(code));
            for name in names {
                assert_eq!(words::key(name), *name);
            }
        }
    }

    #[test]
    fn tags_get_the_case_that_bcp_47_recommends() {
        let cases = [
            ("de", "de"),
            ("EN", "en"),
            ("de_DE", "de-DE"),
            ("pt-br", "pt-BR"),
            ("zh-hans-cn", "zh-Hans-CN"),
            ("es-419", "es-419"),
            ("DE_de.UTF-8", "de-DE"),
            ("sl-rozaj", "sl-rozaj"),
            ("zh-yue-hk", "zh-yue-HK"),
            ("de-1996", "de-1996"),
            ("en-US-u-CA-gregory", "en-US-u-ca-gregory"),
            ("DEU", "deu"),
            ("German", "de"),
            ("Français", "fr"),
            ("日本語", "ja"),
            ("हिन्दी", "hi"),
            ("Türkçe", "tr"),
        ];
        for (text, expected) in cases {
            assert_eq!(tag(text).as_deref(), Some(expected), "{text}");
            assert_eq!(tag(expected).as_deref(), Some(expected), "{expected}");
        }
        for text in [
            "",
            "-",
            "xx",
            "Klingonish",
            "de-",
            "de-DE-",
            "en-u",
            "de-DE-AT",
            "de-DEUTSCHLAND",
            "e n",
        ] {
            assert_eq!(tag(text), None, "{text}");
        }
    }
}
