//! What other systems left behind in texts: references of HTML, fields of templates, and letters
//! that were read by the wrong code page. Tables only; `validate` looks for them.

/// Characters by their names in HTML: letters, and what names and companies are written with; in
/// the order of their names.
#[rustfmt::skip]
pub const ENTITIES: [(&str, char); 213] = [
    ("AElig", 'Æ'), ("Aacute", 'Á'), ("Abreve", 'Ă'), ("Acirc", 'Â'), ("Agrave", 'À'), ("Amacr", 'Ā'), ("Aogon", 'Ą'),
    ("Aring", 'Å'), ("Atilde", 'Ã'), ("Auml", 'Ä'), ("Cacute", 'Ć'), ("Ccaron", 'Č'), ("Ccedil", 'Ç'), ("Ccirc", 'Ĉ'),
    ("Cdot", 'Ċ'), ("Dcaron", 'Ď'), ("Dstrok", 'Đ'), ("ENG", 'Ŋ'), ("ETH", 'Ð'), ("Eacute", 'É'), ("Ecaron", 'Ě'),
    ("Ecirc", 'Ê'), ("Edot", 'Ė'), ("Egrave", 'È'), ("Emacr", 'Ē'), ("Eogon", 'Ę'), ("Euml", 'Ë'), ("Gbreve", 'Ğ'),
    ("Gcedil", 'Ģ'), ("Gcirc", 'Ĝ'), ("Gdot", 'Ġ'), ("Hcirc", 'Ĥ'), ("Hstrok", 'Ħ'), ("IJlig", 'Ĳ'), ("Iacute", 'Í'),
    ("Icirc", 'Î'), ("Idot", 'İ'), ("Igrave", 'Ì'), ("Imacr", 'Ī'), ("Iogon", 'Į'), ("Itilde", 'Ĩ'), ("Iuml", 'Ï'),
    ("Jcirc", 'Ĵ'), ("Kcedil", 'Ķ'), ("Lacute", 'Ĺ'), ("Lcaron", 'Ľ'), ("Lcedil", 'Ļ'), ("Lmidot", 'Ŀ'),
    ("Lstrok", 'Ł'), ("Nacute", 'Ń'), ("Ncaron", 'Ň'), ("Ncedil", 'Ņ'), ("Ntilde", 'Ñ'), ("OElig", 'Œ'),
    ("Oacute", 'Ó'), ("Ocirc", 'Ô'), ("Odblac", 'Ő'), ("Ograve", 'Ò'), ("Omacr", 'Ō'), ("Oslash", 'Ø'),
    ("Otilde", 'Õ'), ("Ouml", 'Ö'), ("Racute", 'Ŕ'), ("Rcaron", 'Ř'), ("Rcedil", 'Ŗ'), ("Sacute", 'Ś'),
    ("Scaron", 'Š'), ("Scedil", 'Ş'), ("Scirc", 'Ŝ'), ("THORN", 'Þ'), ("Tcaron", 'Ť'), ("Tcedil", 'Ţ'),
    ("Tstrok", 'Ŧ'), ("Uacute", 'Ú'), ("Ubreve", 'Ŭ'), ("Ucirc", 'Û'), ("Udblac", 'Ű'), ("Ugrave", 'Ù'),
    ("Umacr", 'Ū'), ("Uogon", 'Ų'), ("Uring", 'Ů'), ("Utilde", 'Ũ'), ("Uuml", 'Ü'), ("Wcirc", 'Ŵ'), ("Yacute", 'Ý'),
    ("Ycirc", 'Ŷ'), ("Yuml", 'Ÿ'), ("Zacute", 'Ź'), ("Zcaron", 'Ž'), ("Zdot", 'Ż'), ("aacute", 'á'), ("abreve", 'ă'),
    ("acirc", 'â'), ("acute", '´'), ("aelig", 'æ'), ("agrave", 'à'), ("amacr", 'ā'), ("amp", '&'), ("aogon", 'ą'),
    ("apos", '\''), ("aring", 'å'), ("atilde", 'ã'), ("auml", 'ä'), ("bdquo", '„'), ("cacute", 'ć'), ("ccaron", 'č'),
    ("ccedil", 'ç'), ("ccirc", 'ĉ'), ("cdot", 'ċ'), ("copy", '©'), ("dcaron", 'ď'), ("deg", '°'), ("dstrok", 'đ'),
    ("eacute", 'é'), ("ecaron", 'ě'), ("ecirc", 'ê'), ("edot", 'ė'), ("egrave", 'è'), ("emacr", 'ē'), ("eng", 'ŋ'),
    ("eogon", 'ę'), ("eth", 'ð'), ("euml", 'ë'), ("euro", '€'), ("fnof", 'ƒ'), ("frac12", '½'), ("gbreve", 'ğ'),
    ("gcirc", 'ĝ'), ("gdot", 'ġ'), ("gt", '>'), ("hcirc", 'ĥ'), ("hellip", '…'), ("hstrok", 'ħ'), ("iacute", 'í'),
    ("icirc", 'î'), ("igrave", 'ì'), ("ijlig", 'ĳ'), ("imacr", 'ī'), ("imath", 'ı'), ("inodot", 'ı'), ("iogon", 'į'),
    ("itilde", 'ĩ'), ("iuml", 'ï'), ("jcirc", 'ĵ'), ("kcedil", 'ķ'), ("kgreen", 'ĸ'), ("lacute", 'ĺ'), ("laquo", '«'),
    ("lcaron", 'ľ'), ("lcedil", 'ļ'), ("ldquo", '“'), ("lmidot", 'ŀ'), ("lsquo", '‘'), ("lstrok", 'ł'), ("lt", '<'),
    ("mdash", '—'), ("micro", 'µ'), ("middot", '·'), ("nacute", 'ń'), ("napos", 'ŉ'), ("nbsp", '\u{a0}'),
    ("ncaron", 'ň'), ("ncedil", 'ņ'), ("ndash", '–'), ("ntilde", 'ñ'), ("oacute", 'ó'), ("ocirc", 'ô'),
    ("odblac", 'ő'), ("oelig", 'œ'), ("ograve", 'ò'), ("omacr", 'ō'), ("ordf", 'ª'), ("ordm", 'º'), ("oslash", 'ø'),
    ("otilde", 'õ'), ("ouml", 'ö'), ("quot", '"'), ("racute", 'ŕ'), ("raquo", '»'), ("rcaron", 'ř'), ("rcedil", 'ŗ'),
    ("rdquo", '”'), ("reg", '®'), ("rsquo", '’'), ("sacute", 'ś'), ("sbquo", '‚'), ("scaron", 'š'), ("scedil", 'ş'),
    ("scirc", 'ŝ'), ("shy", '\u{ad}'), ("szlig", 'ß'), ("tcaron", 'ť'), ("tcedil", 'ţ'), ("thorn", 'þ'),
    ("trade", '™'), ("tstrok", 'ŧ'), ("uacute", 'ú'), ("ubreve", 'ŭ'), ("ucirc", 'û'), ("udblac", 'ű'),
    ("ugrave", 'ù'), ("umacr", 'ū'), ("uogon", 'ų'), ("uring", 'ů'), ("utilde", 'ũ'), ("uuml", 'ü'), ("wcirc", 'ŵ'),
    ("yacute", 'ý'), ("ycirc", 'ŷ'), ("yuml", 'ÿ'), ("zacute", 'ź'), ("zcaron", 'ž'), ("zdot", 'ż'),
];

/// What surrounds the name of a field in templates of mails and documents: opening and closing
/// mark, and whose it is.
#[rustfmt::skip]
pub const TEMPLATE_MARKS: [(&str, &str, &str); 13] = [
    ("{{", "}}", "Handlebars, Jinja, Liquid"),
    ("{%", "%}", "Jinja, Liquid"),
    ("${", "}", "JavaScript, Java, shell"),
    ("#{", "}", "Ruby"),
    ("@{", "}", "Power Automate"),
    ("$(", ")", "shell"),
    ("*|", "|*", "Mailchimp"),
    ("[%", "%]", "Template Toolkit"),
    ("<%", "%>", "ERB, JSP"),
    ("[[", "]]", "Salesforce, Moodle"),
    ("<<", ">>", "mail merge"),
    ("%%", "%%", "Salesforce Marketing Cloud"),
    ("@@", "@@", "mail merge"),
];

/// Signs that are in no name, but instead of a letter once a name was read by the wrong code page:
/// those of windows-1252 beside its letters.
pub const SIGNS: &str = "‚„…†‡ˆ‰‹›˜™¢£¤¥¦§¨©«»¬®¯°±²³µ¶¸¹¼½¾¿¡×÷€ƒªº";

/// Letters that many names have, in languages of Western Europe.
pub const FREQUENT_LETTERS: &str = "äöüßéèêëáàâåãíîïóôõøúùûñçæÄÖÜÉÁÅØÇ";

/// How Polish family names end, which no French name with `œ` does.
pub const POLISH_ENDINGS: [&str; 8] = ["ski", "ska", "cki", "cka", "wicz", "czyk", "czak", "dzki"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_whole_and_in_order() {
        assert!(ENTITIES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(SIGNS.chars().all(|sign| !sign.is_ascii()));
    }
}
