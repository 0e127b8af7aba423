//! Damage in UTF-16: a file that ends in the middle of a character, and plain text that another
//! program appended. Two bytes of plain text are one character of UTF-16, most often a Chinese one,
//! so that whole rows would turn into one strange cell.

use std::io::{Read, Seek, SeekFrom};

use super::charset::Charset;
use super::content::Content;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::stages::read::input::unreadable;

/// This many units, each of two bytes of plain text, may be plain text.
const UNITS_MIN: usize = 6;
/// This many of them are looked at; what is longer is plain text by its beginning.
const UNITS_LOOKED_AT: usize = 64;
/// So much of what was appended is shown.
const SHOWN_MAX: usize = 60;

/// Looks over all bytes of a file in UTF-16.
///
/// # Errors
/// `file.damaged`; `file.unreadable`.
pub(super) fn check(content: &Content, bytes: u64, encoding: Charset) -> Result<()> {
    let shown = content.path().display();
    let mut reader = content.open()?;
    let mut block = vec![0; 1 << 18];
    let mut run = Run::default();
    let high = usize::from(encoding == Charset::UTF_16LE);
    let mut offset = 0;
    let mut line = 1;
    reader
        .seek(SeekFrom::Start(0))
        .map_err(|error| unreadable(content.path(), &error))?;
    loop {
        let mut filled = 0;
        while filled < block.len() {
            match reader.read(&mut block[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) => return Err(unreadable(content.path(), &error)),
            }
        }
        for pair in block[..filled].chunks_exact(2) {
            if run.push(pair, high) {
                return Err(appended(content, encoding, offset, line, &run));
            }
            line += u64::from(pair[high] == 0 && pair[1 - high] == b'\n');
            offset += 2;
        }
        if filled < block.len() {
            break;
        }
    }
    if run.is_text() {
        return Err(appended(content, encoding, offset, line, &run));
    }
    if bytes % 2 == 1 {
        let what = format!(
            "`{shown}` is cut off or damaged in the middle of a character: {} has two bytes a character, \
             and the file has {bytes} bytes",
            encoding.name()
        );
        return Err(Refusal::new(Code::FileDamaged, what).help(
            "have it exported and sent again; if a program appends lines to it, have it write them in \
             the same encoding",
        ));
    }
    Ok(())
}

fn appended(content: &Content, encoding: Charset, offset: u64, line: u64, run: &Run) -> Refusal {
    let start = offset.saturating_sub(run.units.len() as u64 * 2);
    let text: String = run
        .units
        .iter()
        .flatten()
        .map(|byte| char::from(*byte))
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SHOWN_MAX)
        .collect();
    let what = format!(
        "`{}` changes its encoding: it is in {} up to line {line}, and from about byte {start} it \
            continues as plain text: `{}`",
        content.path().display(),
        encoding.name(),
        text.trim()
    );
    Refusal::new(Code::FileDamaged, what).help(
        "have the whole list written in one encoding, preferably UTF-8; or save the appended part \
            as a separate file",
    )
}

/// Units side by side of which both bytes are plain text.
#[derive(Debug, Default)]
struct Run {
    units: Vec<[u8; 2]>,
    /// High bytes by which hardly a character begins, and plain text has many.
    signs: usize,
    judged: bool,
}

impl Run {
    /// Adds the next unit; whether the run is certainly plain text now.
    fn push(&mut self, pair: &[u8], high: usize) -> bool {
        let is_plain = |byte: u8| matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~');
        let [first, second] = [pair[0], pair[1]];
        if !is_plain(first) || !is_plain(second) {
            let is_text = self.is_text();
            if !is_text {
                self.units.clear();
                self.signs = 0;
                self.judged = false;
            }
            return is_text;
        }
        if self.judged {
            return false;
        }
        // Hindi has the same high byte, that of a tab, throughout.
        let last = self.units.last().map(|unit| unit[high]);
        let is_sign = matches!(
            pair[high],
            b'\t' | b'\r' | b'\n' | b',' | b'-' | b'.' | b'4'..=b'M'
        );
        self.signs += usize::from(is_sign && last != Some(pair[high]));
        self.units.push([first, second]);
        if self.units.len() == UNITS_LOOKED_AT {
            let is_text = self.is_text();
            // A long text in Chinese or Japanese: what comes is more of it.
            self.judged = !is_text;
            return is_text;
        }
        false
    }

    fn is_text(&self) -> bool {
        self.units.len() >= UNITS_MIN && self.signs * 8 >= self.units.len() && self.signs >= 2
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn checked(parts: &[&[u8]], encoding: Charset) -> std::result::Result<(), String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let bytes = parts.concat();
        file.write_all(&bytes).unwrap();
        check(&Content::plain(file.path()), bytes.len() as u64, encoding)
            .map_err(|refusal| refusal.what)
    }

    fn utf16(text: &str, encoding: Charset) -> Vec<u8> {
        let is_low_first = encoding == Charset::UTF_16LE;
        let bytes = |unit: u16| match is_low_first {
            true => unit.to_le_bytes(),
            false => unit.to_be_bytes(),
        };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn plain_text_behind_utf16_is_found_wherever_it_begins() {
        for encoding in [Charset::UTF_16LE, Charset::UTF_16BE] {
            let list = utf16("email,name\r\na@x.cn,王小明\r\n", encoding);
            for tail in [
                "zoe@nordwind.fr,Zoe,Dupre1\r\n",
                "zoe@nordwind.fr,Zoe,Dupre\r\n",
                "bo@x.eu;Bo;Lee\n",
                "yu.bo@nordwind.cn\tYu\tBo\nxu.li@nordwind.cn\tXu\tLi\n",
            ] {
                for lead in ["", "\n", " "] {
                    let found = checked(&[&list, lead.as_bytes(), tail.as_bytes()], encoding);
                    assert!(found.is_err(), "{tail:?} {lead:?}");
                }
            }
            let mut many = list.clone();
            for _ in 0..100 {
                many.extend(b"zoe@nordwind.fr,Zoe,Dupre\r\n");
            }
            let what = checked(&[&many, &list], encoding).unwrap_err();
            assert!(what.contains("zoe@nordwind.fr,Zoe"), "{what}");
            let cut = checked(&[&list, b"z"], encoding).unwrap_err();
            assert!(cut.contains("cut off or damaged"), "{cut}");
        }
    }

    #[test]
    fn text_in_other_scripts_is_no_plain_text() {
        for text in [
            "派出所的人民警察在场所里工作了很长时间，然后他们回家了",
            "はじめまして、わたしはやまだともうします。どうぞよろしくおねがいします",
            "カタカナノテキストヲナガクカク",
            "संयुक्त राष्ट्र महासभा में हिन्दी का प्रयोग",
            "ਪੰਜਾਬੀ ਭਾਸ਼ਾ ਵਿੱਚ ਲਿਖਿਆ ਹੋਇਆ",
            "മലയാളം ഭാഷയിൽ എഴുതിയ വാചകം",
            "中華人民共和國北京市朝陽區建國門外大街甲十二號新華保險大廈",
        ] {
            for encoding in [Charset::UTF_16LE, Charset::UTF_16BE] {
                let list = utf16(&format!("email,notes\r\na@x.cn,{text}\r\n"), encoding);
                assert_eq!(checked(&[&list], encoding), Ok(()), "{text}");
            }
        }
    }
}
