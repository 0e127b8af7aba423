//! Languages, as BCP 47 tags.

use crate::text;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use crate::meaning::country;

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

/// What languages are called; the file says where its columns come from.
const TABLE: &str = include_str!("languages.tsv");

/// Tag by name, and by other code.
struct Words {
    names: HashMap<&'static str, &'static str>,
    codes: HashMap<&'static str, &'static str>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| Words {
    names: words_of(&[2, 3]).collect(),
    codes: words_of(&[1]).collect(),
});

/// Each word in these columns of [`TABLE`], and its line's tag.
fn words_of(columns: &[usize]) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(move |line| {
        let tag = line.split('\t').next().unwrap_or_default();
        let words = columns
            .iter()
            .filter_map(|column| line.split('\t').nth(*column));
        words
            .flat_map(str::split_ascii_whitespace)
            .map(move |word| (word, tag))
    })
}

/// The tag that `text` means, in the case that RFC 5646 s.2.1.1 recommends: `de_DE` is `de-DE`,
/// `zh-hans-cn` is `zh-Hans-CN`; by a name in one of twelve languages or its own, `German` is
/// `de`, and `Portuguese (Brazil)` is `pt-BR`. The shape is checked, and the language by ISO 639;
/// where that has a code of two letters, the tag has it (RFC 5646 s.2.2.1), and not one that was
/// withdrawn (`iw`). Regions and scripts are not looked up. An encoding as in `de_DE.UTF-8` is
/// dropped.
pub fn tag(text: &str) -> Option<Cow<'_, str>> {
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase()) && is_code(text) {
        return Some(Cow::Borrowed(text));
    }
    if let [one, two, b'-', b'A'..=b'Z', b'A'..=b'Z'] = text.as_bytes()
        && one.is_ascii_lowercase()
        && two.is_ascii_lowercase()
        && is_code(&text[..2])
        && !text.ends_with("UK")
    {
        return Some(Cow::Borrowed(text));
    }
    let bare = text.split_once(['.', '@']).map_or(text, |(tag, _)| tag);
    let mut parts = bare.split(['-', '_']);
    if let Some(mut tag) = parts.next().and_then(code) {
        let mut place = Place::Language;
        for part in parts {
            place = append(&mut tag, part, place)?;
        }
        return (place != Place::Singleton).then_some(Cow::Owned(tag));
    }
    if let Some(tag) = WORDS.names.get(text::key(text).as_str()) {
        return Some(Cow::Borrowed(tag));
    }
    let (name, region) = text.strip_suffix([')', '）'])?.split_once(['(', '（'])?;
    let language = WORDS.names.get(text::key(name).as_str())?;
    let region = country::alpha2(region)?;
    (!language.contains('-')).then(|| Cow::Owned(format!("{language}-{region}")))
}

/// The code of the language that `text` is a code of, in any case.
fn code(text: &str) -> Option<String> {
    if !(2..=3).contains(&text.len()) || !text.is_ascii() {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    match WORDS.codes.get(lower.as_str()) {
        Some(code) => Some((*code).to_string()),
        None => is_code(&lower).then_some(lower),
    }
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

/// Appends one more part in its case, if it may come after `place`; RFC 5646 s.2.1.
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
        // `UK` is reserved in ISO 3166-1 for what is `GB` in a tag.
        Place::Region if part.eq_ignore_ascii_case("uk") => tag.push_str("GB"),
        Place::Region => tag.push_str(&part.to_ascii_uppercase()),
        _ => tag.push_str(&part.to_ascii_lowercase()),
    }
    Some(here)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_sorted_and_every_one_is_found() {
        // Else a tag that begins with one would be another.
        let all = TWO.split_ascii_whitespace();
        all.for_each(|two| assert_eq!(code(two).as_deref(), Some(two)));
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
    fn names_stand_once_and_are_keys_of_real_tags() {
        let mut seen = HashSet::new();
        for (name, tag) in words_of(&[2, 3]) {
            assert_eq!(text::key(name), name);
            assert_eq!(crate::meaning::language::tag(tag).as_deref(), Some(tag));
            assert_eq!(
                crate::meaning::language::tag(name).as_deref(),
                Some(tag),
                "{name}"
            );
            assert!(seen.insert(name), "{name} occurs twice");
        }
        for (other, tag) in words_of(&[1]) {
            assert_eq!(
                crate::meaning::language::tag(other).as_deref(),
                Some(tag),
                "{other}"
            );
            assert!(seen.insert(other), "{other} occurs twice");
        }
    }

    /// The twelve languages in the twelve languages.
    #[test]
    fn languages_are_known_by_their_names() {
        let table = [
            (
                "en",
                "English, anglais, Englisch, inglés, inglês, inglese, Engels, angielski, angličtina, İngilizce, 英語, 英语",
            ),
            (
                "fr",
                "French, français, Französisch, francés, francês, francese, Frans, francuski, francouzština, Fransızca, フランス語, 法语",
            ),
            (
                "de",
                "German, allemand, Deutsch, alemán, alemão, tedesco, Duits, niemiecki, němčina, Almanca, ドイツ語, 德语",
            ),
            (
                "es",
                "Spanish, espagnol, Spanisch, español, espanhol, spagnolo, Spaans, hiszpański, španělština, İspanyolca, スペイン語, 西班牙语",
            ),
            (
                "pt",
                "Portuguese, portugais, Portugiesisch, portugués, português, portoghese, Portugees, portugalski, portugalština, Portekizce, ポルトガル語, 葡萄牙语",
            ),
            (
                "it",
                "Italian, italien, Italienisch, italiano, italiano, italiano, Italiaans, włoski, italština, İtalyanca, イタリア語, 意大利语",
            ),
            (
                "nl",
                "Dutch, néerlandais, Niederländisch, neerlandés, holandês, olandese, Nederlands, niderlandzki, nizozemština, Felemenkçe, オランダ語, 荷兰语",
            ),
            (
                "pl",
                "Polish, polonais, Polnisch, polaco, polonês, polacco, Pools, polski, polština, Lehçe, ポーランド語, 波兰语",
            ),
            (
                "cs",
                "Czech, tchèque, Tschechisch, checo, tcheco, ceco, Tsjechisch, czeski, čeština, Çekçe, チェコ語, 捷克语",
            ),
            (
                "tr",
                "Turkish, turc, Türkisch, turco, turco, turco, Turks, turecki, turečtina, Türkçe, トルコ語, 土耳其语",
            ),
            (
                "ja",
                "Japanese, japonais, Japanisch, japonés, japonês, giapponese, Japans, japoński, japonština, Japonca, 日本語, 日语",
            ),
            (
                "zh",
                "Chinese, chinois, Chinesisch, chino, chinês, cinese, Chinees, chiński, čínština, Çince, 中国語, 中文",
            ),
        ];
        for (code, names) in table {
            assert_eq!(names.split(", ").count(), 12);
            for name in names.split(", ") {
                assert_eq!(tag(name).as_deref(), Some(code), "{name}");
                assert_eq!(tag(&name.to_uppercase()).as_deref(), Some(code), "{name}");
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
            ("DEU", "de"),
            ("ger_DE", "de-DE"),
            ("gsw", "gsw"),
            ("iw", "he"),
            ("in-ID", "id-ID"),
            ("IW_IL", "he-IL"),
            ("en_UK", "en-GB"),
            ("Portuguese (Brazil)", "pt-BR"),
            ("English (United States)", "en-US"),
            ("Chinese (Simplified)", "zh-Hans"),
            ("Brazilian Portuguese", "pt-BR"),
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
            "German (Bavaria)",
            "Brazilian Portuguese (Brazil)",
            "(Germany)",
        ] {
            assert_eq!(tag(text), None, "{text}");
        }
    }
}
