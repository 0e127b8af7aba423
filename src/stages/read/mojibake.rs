//! Text that was read in the wrong encoding once: `MÃ¼ller`, which was `Müller`.

use encoding_rs::{MACINTOSH, WINDOWS_1252};

/// What `cell` was before its UTF-8 was read as windows-1252 (or Latin-1, or Mac Roman) and saved
/// again; `None` where that can't be what happened.
///
/// Sure enough to be said: every character must represent one byte, and the bytes must be valid
/// UTF-8 with a character beyond ASCII, which other text is by the rarest accident.
pub(super) fn repaired(cell: &str) -> Option<String> {
    let as_windows = |c: char| match u8::try_from(u32::from(c)) {
        Ok(byte) => Some(byte),
        Err(_) => single_byte(WINDOWS_1252, c),
    };
    let as_mac = |c: char| single_byte(MACINTOSH, c);
    undone(cell, as_windows).or_else(|| undone(cell, as_mac))
}

fn undone(cell: &str, byte_of: impl Fn(char) -> Option<u8>) -> Option<String> {
    let bytes = cell.chars().map(byte_of).collect::<Option<Vec<u8>>>()?;
    let text = String::from_utf8(bytes).ok()?;
    let sound = !text.is_ascii() && !text.chars().any(|c| ('\u{80}'..'\u{a0}').contains(&c));
    // A capital within a word isn't what was there: another encoding was it.
    let mut before = ' ';
    let in_case = !text.contains(char::is_lowercase)
        || text.chars().all(|c| {
            let is_inside = !c.is_ascii() && c.is_uppercase() && before.is_alphabetic();
            before = c;
            !is_inside
        });
    (sound && in_case && text != cell).then_some(text)
}

fn single_byte(encoding: &'static encoding_rs::Encoding, c: char) -> Option<u8> {
    let mut text = [0; 4];
    let (bytes, _, failed) = encoding.encode(c.encode_utf8(&mut text));
    match (*bytes).first() {
        Some(byte) if !failed && bytes.len() == 1 => Some(*byte),
        _ => None,
    }
}

/// Whether a text may hold such a cell: a fast scan for the characters that first bytes of UTF-8
/// turn into, with another character beyond ASCII after. Most texts have none.
pub(super) fn is_suspect(text: &[u8]) -> bool {
    // `Â` to `ô` are C3 82 to C3 B4 in UTF-8; Mac Roman's `√` is E2 88 9A, its `¬` C2 AC.
    memchr::memchr3_iter(0xc2, 0xc3, 0xe2, text).any(|at| match &text[at..] {
        [0xc3, 0x82..=0xb4, next, ..] => *next >= 0xc2,
        [0xe2, 0x88, 0x9a, next, ..] | [0xc2, 0xac, next, ..] => *next >= 0xc2,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_was_decoded_wrongly_is_undone_and_other_text_left() {
        for right in ["Müller", "José Ñandú", "Łódź", "Θάνος", "山田", "É", "’tis"]
        {
            let (wrong, _, _) = WINDOWS_1252.decode(right.as_bytes());
            assert!(is_suspect(wrong.as_bytes()), "{wrong}");
            assert_eq!(repaired(&wrong).as_deref(), Some(right), "{wrong}");
            let latin: String = right.bytes().map(char::from).collect();
            assert_eq!(repaired(&latin).as_deref(), Some(right), "{latin}");
        }
        let (mac, _, _) = MACINTOSH.decode("Müller é".as_bytes());
        assert!(is_suspect(mac.as_bytes()));
        assert_eq!(repaired(&mac).as_deref(), Some("Müller é"));
        for right in [
            "Müller",
            "SÃO PAULO",
            "Ñandú",
            "Zoë",
            "Ångström",
            "São Tomé",
            "Łódź",
            "ÀÉÎ",
            "plain",
            "JÃŒrgen",
        ] {
            assert_eq!(repaired(right), None, "{right}");
        }
    }
}
