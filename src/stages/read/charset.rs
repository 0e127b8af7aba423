//! How the bytes of a text become characters: the encodings of the web, which `encoding_rs` knows,
//! and the code pages of DOS and of the old Mac.

use std::borrow::Cow;

use encoding_rs::{CoderResult, Decoder, Encoding, MACINTOSH};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::vocabulary::code_pages::{self, PAGES, Page};

/// An encoding of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// One that browsers know, too.
    Web(&'static Encoding),
    /// A code page of DOS or of the old Mac.
    Page(&'static Page),
}

impl Charset {
    /// UTF-8.
    pub const UTF_8: Charset = Charset::Web(encoding_rs::UTF_8);
    /// UTF-16, the lower byte first.
    pub const UTF_16LE: Charset = Charset::Web(encoding_rs::UTF_16LE);
    /// UTF-16, the higher byte first.
    pub const UTF_16BE: Charset = Charset::Web(encoding_rs::UTF_16BE);

    /// Its name, as reports show it and `[read] encoding` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Charset::Web(encoding) => encoding.name(),
            Charset::Page(page) => page.name,
        }
    }

    /// The encoding of that name: a label of the WHATWG Encoding Standard, or a name such as `cp850`,
    /// `IBM 850`, `850` or `Mac CE`.
    pub fn named(name: &str) -> Option<Charset> {
        if let Some(encoding) = Encoding::for_label(name.as_bytes()) {
            return Some(Charset::Web(encoding));
        }
        let key: String = name
            .to_ascii_lowercase()
            .chars()
            .filter(|c| !matches!(c, '-' | '_' | ' '))
            .collect();
        let mut rest = key.as_str();
        while let Some(behind) = ["cs", "cp", "ibm", "dos", "oem", "pc", "codepage", "x"]
            .iter()
            .find_map(|prefix| rest.strip_prefix(prefix))
        {
            rest = behind;
        }
        let is_called = |page: &&Page| page.labels.contains(&rest);
        if let Some(page) = PAGES.iter().find(is_called) {
            return Some(Charset::Page(page));
        }
        match rest {
            "macroman" | "mac" | "macintosh" => Some(Charset::Web(MACINTOSH)),
            // With a prefix that the standard doesn't know, such as `dos-866`.
            other => Encoding::for_label(other.as_bytes())
                .or_else(|| Encoding::for_label(format!("{}-{other}", prefix_of(other)).as_bytes()))
                .map(Charset::Web),
        }
    }

    /// Whether it is one of the encodings of Unicode.
    pub fn is_unicode(self) -> bool {
        [Charset::UTF_8, Charset::UTF_16LE, Charset::UTF_16BE].contains(&self)
    }

    /// Whether its characters take two bytes or four.
    pub fn is_wide(self) -> bool {
        [Charset::UTF_16LE, Charset::UTF_16BE].contains(&self)
    }

    /// Whether every character takes one byte.
    pub fn is_single_byte(self) -> bool {
        match self {
            Charset::Web(encoding) => encoding.is_single_byte(),
            Charset::Page(_) => true,
        }
    }

    /// `bytes` as text; what isn't text in this encoding becomes U+FFFD.
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Charset::Web(encoding) => encoding.decode_without_bom_handling(bytes).0,
            Charset::Page(page) => {
                let mut text = Vec::with_capacity(bytes.len() * 2);
                append(page, bytes, &mut text);
                Cow::Owned(String::from_utf8_lossy(&text).into_owned())
            }
        }
    }

    /// How many bytes `text` takes in a file of that encoding.
    pub fn length_of(self, text: &str) -> u64 {
        match self {
            utf_8 if utf_8 == Charset::UTF_8 => text.len() as u64,
            wide if wide.is_wide() => text.encode_utf16().count() as u64 * 2,
            single if single.is_single_byte() => text.chars().count() as u64,
            Charset::Web(encoding) => encoding.encode(text).0.len() as u64,
            Charset::Page(_) => text.chars().count() as u64,
        }
    }

    /// What decodes block by block; `None` for UTF-8, which passes through as it is.
    pub(super) fn decoding(self) -> Option<Decoding> {
        match self {
            utf_8 if utf_8 == Charset::UTF_8 => None,
            Charset::Web(encoding) => {
                Some(Decoding::Web(encoding.new_decoder_without_bom_handling()))
            }
            Charset::Page(page) => Some(Decoding::Page(page)),
        }
    }
}

/// What comes before the number of a code page in the labels of the web.
fn prefix_of(number: &str) -> &'static str {
    if number.starts_with("125") {
        "windows"
    } else {
        "ibm"
    }
}

impl Serialize for Charset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Charset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Charset, D::Error> {
        let name = String::deserialize(deserializer)?;
        let by_name = code_pages::named(&name);
        by_name
            .map(Charset::Page)
            .or_else(|| Charset::named(&name))
            .ok_or_else(|| serde::de::Error::custom("no such encoding"))
    }
}

/// A text that is being decoded, block by block.
pub(super) enum Decoding {
    Web(Decoder),
    Page(&'static Page),
}

impl Decoding {
    /// Appends what `bytes` say to `text`; `last` where they are the end of the text.
    pub(super) fn push(&mut self, bytes: &[u8], last: bool, text: &mut Vec<u8>) {
        let decoder = match self {
            Decoding::Web(decoder) => decoder,
            Decoding::Page(page) => return append(page, bytes, text),
        };
        let mut source = bytes;
        loop {
            let start = text.len();
            let room = decoder
                .max_utf8_buffer_length(source.len())
                .unwrap_or(source.len() * 4 + 16);
            text.resize(start + room, 0);
            let (result, read, written, _) =
                decoder.decode_to_utf8(source, &mut text[start..], last);
            text.truncate(start + written);
            source = &source[read..];
            if result == CoderResult::InputEmpty {
                return;
            }
        }
    }
}

fn append(page: &Page, bytes: &[u8], text: &mut Vec<u8>) {
    let mut utf8 = [0; 4];
    for byte in bytes {
        match byte.checked_sub(0x80) {
            None => text.push(*byte),
            Some(high) => {
                let character = page.high[usize::from(high)];
                text.extend_from_slice(character.encode_utf8(&mut utf8).as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_go_by_all_their_usual_names() {
        for (name, expected) in [
            ("utf-8", "UTF-8"),
            ("latin1", "windows-1252"),
            ("cp1252", "windows-1252"),
            ("850", "cp850"),
            ("CP850", "cp850"),
            ("IBM850", "cp850"),
            ("ibm-850", "cp850"),
            ("OEM 850", "cp850"),
            ("dos-850", "cp850"),
            ("csPC850", "cp850"),
            ("cp437", "cp437"),
            ("cp866", "IBM866"),
            ("DOS-866", "IBM866"),
            ("mac_roman", "macintosh"),
            ("MacRoman", "macintosh"),
            ("x-mac-ce", "x-mac-ce"),
            ("Mac Central Europe", "x-mac-ce"),
            ("mac-turkish", "x-mac-turkish"),
            ("x-mac-cyrillic", "x-mac-cyrillic"),
            ("cp1250", "windows-1250"),
            ("oem1251", "windows-1251"),
        ] {
            let found = Charset::named(name).map(Charset::name);
            assert_eq!(found, Some(expected), "{name}");
        }
        for name in ["", "cp", "1", "ebcdic", "cp99999", "maccccc"] {
            assert_eq!(Charset::named(name), None, "{name}");
        }
        for page in &PAGES {
            let text = serde_json::to_string(&Charset::Page(page)).unwrap();
            let back: Charset = serde_json::from_str(&text).unwrap();
            assert_eq!(back, Charset::Page(page));
            assert_eq!(Charset::named(page.name), Some(Charset::Page(page)));
            for label in page.labels {
                assert_eq!(Charset::named(label), Some(Charset::Page(page)), "{label}");
            }
        }
    }

    #[test]
    fn pages_say_what_their_bytes_are() {
        for (name, bytes, text) in [
            ("cp437", &b"J\x81rgen M\x84nz"[..], "Jürgen Mänz"),
            ("cp850", b"\x8fsa \x9dstergaard", "Åsa Østergaard"),
            ("cp852", b"Dvo\xfd\xa0k \xabr\xa2d\xa8o", "Dvořák źródĘo"),
            ("cp858", b"5 \xd5", "5 €"),
            ("cp857", b"\x9eeyma Da\xa7", "Şeyma Dağ"),
            ("cp737", b"\x83\xe3\x98", "Δήα"),
            ("cp775", b"\xd0\xd1", "ąč"),
            ("cp860", b"Jo\x84o", "João"),
            ("cp865", b"S\x9bren", "Søren"),
            ("x-mac-ce", b"Nov\x87k", "Novák"),
            ("mac_roman", b"J\x9frgen", "Jürgen"),
            ("cp866", b"\x88\xa2\xa0\xad", "Иван"),
            ("cp857", b"\xe7", "\u{fffd}"),
        ] {
            assert_eq!(Charset::named(name).unwrap().decode(bytes), text, "{name}");
        }
    }
}
