//! Which encoding a text file is in, and its bytes as UTF-8, block by block.

use std::io::{Read, Seek, SeekFrom};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use sha2::{Digest, Sha256};

use super::content::{Content, ContentReader};
use super::unreadable;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

const BLOCK_BYTES: usize = 1 << 20;
/// The detector is fed at most this much; more doesn't change its mind.
const DETECT_BYTES_MAX: usize = 4 << 20;

/// What one pass over the bytes tells.
#[derive(Debug)]
pub struct Survey {
    /// Of all bytes, lower-case hex.
    pub sha256: String,
    /// How many bytes there are.
    pub bytes: u64,
    /// What they most probably are.
    pub encoding: &'static Encoding,
}

/// How much of a file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// All of it.
    Whole,
    /// Enough for its header: its SHA-256, its size and its end stay unknown.
    Header,
}

/// Where only the header is wanted, so much tells the encoding.
const HEADER_BYTES: u64 = 4 << 20;

/// Reads the whole file once: its hash, its size, and its encoding (byte order mark first, then
/// strict UTF-8, then NULs on even or odd places for UTF-16, then a statistical guess).
///
/// # Errors
/// `file.unreadable`; `file.encoding` when `named` is no encoding; `file.format` for binary data.
pub fn survey(content: &Content, named: Option<&str>, depth: Depth) -> Result<Survey> {
    let path = content.path();
    let mut file = content.open()?;
    let mut hash = Sha256::new();
    let mut block = vec![0; BLOCK_BYTES];
    let mut head = Vec::new();
    let mut bytes = 0;
    let mut scan = Utf8Scan::default();
    loop {
        let count = file
            .read(&mut block)
            .map_err(|error| unreadable(path, &error))?;
        if count == 0 || depth == Depth::Header && bytes >= HEADER_BYTES {
            break;
        }
        if depth == Depth::Whole {
            // Both take about as long as all else in here.
            rayon::join(
                || hash.update(&block[..count]),
                || scan.push(&block[..count]),
            );
        } else {
            scan.push(&block[..count]);
        }
        if head.is_empty() {
            head.extend_from_slice(&block[..count.min(1 << 16)]);
        }
        bytes += count as u64;
    }
    let encoding = match named {
        Some(name) => Encoding::for_label(name.as_bytes()).ok_or_else(|| {
            Refusal::new(
                Code::FileEncoding,
                format!("no encoding is called `{name}`"),
            )
        })?,
        None => detect(content, &head, &scan)?,
    };
    Ok(Survey {
        sha256: crate::hex(&hash.finalize()),
        bytes,
        encoding,
    })
}

fn detect(content: &Content, head: &[u8], scan: &Utf8Scan) -> Result<&'static Encoding> {
    let path = content.path();
    if head.starts_with(&[0xff, 0xfe, 0, 0]) || head.starts_with(&[0, 0, 0xfe, 0xff]) {
        let what = format!("`{}` is in UTF-32, which no program needs", path.display());
        return Err(Refusal::new(Code::FileFormat, what).help("save it as UTF-8"));
    }
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Ok(encoding);
    }
    if let Some(encoding) = utf16_by_nulls(head) {
        return Ok(encoding);
    }
    let nulls = memchr::memchr_iter(0, head).count();
    if nulls * 20 > head.len() {
        return Err(Refusal::new(
            Code::FileFormat,
            format!(
                "`{}` is not text: {nulls} of its first {} bytes are NUL",
                path.display(),
                head.len()
            ),
        ));
    }
    // Text of another encoding is valid UTF-8 by rare accident only: where most is, the rest is damage.
    if scan.invalid <= scan.valid {
        return Ok(UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut file = content.open()?;
    let mut block = vec![0; BLOCK_BYTES];
    let mut fed = 0;
    while fed < DETECT_BYTES_MAX {
        let count = file
            .read(&mut block)
            .map_err(|error| unreadable(path, &error))?;
        if count == 0 {
            break;
        }
        if !block[..count].is_ascii() {
            detector.feed(&block[..count], false);
            fed += count;
        }
    }
    detector.feed(&[], true);
    Ok(detector.guess(None, Utf8Detection::Deny))
}

/// Text in Latin letters has a NUL in every second byte of UTF-16.
fn utf16_by_nulls(head: &[u8]) -> Option<&'static Encoding> {
    let pairs = head.len() / 2;
    if pairs < 2 {
        return None;
    }
    let nulls_at = |offset: usize| {
        head.iter()
            .skip(offset)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let (even, odd) = (nulls_at(0), nulls_at(1));
    if odd * 5 > pairs && even * 20 < pairs {
        Some(UTF_16LE)
    } else if even * 5 > pairs && odd * 20 < pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Counts valid and invalid non-ASCII sequences over blocks that may cut a sequence in two.
#[derive(Debug, Default)]
struct Utf8Scan {
    carry: Vec<u8>,
    valid: u64,
    invalid: u64,
}

impl Utf8Scan {
    fn push(&mut self, block: &[u8]) {
        if self.carry.is_empty() {
            self.scan(block);
        } else {
            let mut joined = std::mem::take(&mut self.carry);
            joined.extend_from_slice(block);
            self.scan(&joined);
        }
    }

    fn scan(&mut self, mut bytes: &[u8]) {
        loop {
            let (valid, error) = match std::str::from_utf8(bytes) {
                Ok(_) => (bytes.len(), None),
                Err(error) => (error.valid_up_to(), Some(error)),
            };
            self.valid += bytes[..valid].iter().filter(|byte| **byte >= 0xc0).count() as u64;
            let Some(error) = error else { return };
            let Some(length) = error.error_len() else {
                self.carry = bytes[valid..].to_vec();
                return;
            };
            self.invalid += 1;
            bytes = &bytes[valid + length..];
        }
    }
}

/// A text file as UTF-8. Files in UTF-8 pass through as they are, damage included, so that
/// offsets stay exact and only the damaged rows suffer.
pub struct TextReader {
    file: ContentReader,
    block: Vec<u8>,
    decoder: Option<Decoder>,
    done: bool,
}

impl TextReader {
    /// Opens a text in `encoding` behind its byte order mark.
    ///
    /// # Errors
    /// `file.unreadable`.
    pub fn open(content: &Content, encoding: &'static Encoding) -> Result<(TextReader, u64)> {
        let path = content.path();
        let mut file = content.open()?;
        let mut start = [0; 3];
        let count = file
            .read(&mut start)
            .map_err(|error| unreadable(path, &error))?;
        let mark = match Encoding::for_bom(&start[..count]) {
            Some((found, length)) if found == encoding => length as u64,
            _ => 0,
        };
        file.seek(SeekFrom::Start(mark))
            .map_err(|error| unreadable(path, &error))?;
        let decoder = (encoding != UTF_8).then(|| encoding.new_decoder_without_bom_handling());
        let reader = TextReader {
            file,
            block: vec![0; BLOCK_BYTES / 4],
            decoder,
            done: false,
        };
        Ok((reader, mark))
    }

    /// Appends the next block to `window`; `Ok(false)` at the end.
    ///
    /// # Errors
    /// What the file system says.
    pub fn fill(&mut self, window: &mut Vec<u8>) -> std::io::Result<bool> {
        if self.done {
            return Ok(false);
        }
        let count = self.file.read(&mut self.block)?;
        self.done = count == 0;
        let Some(decoder) = &mut self.decoder else {
            window.extend_from_slice(&self.block[..count]);
            return Ok(count > 0);
        };
        let mut source = &self.block[..count];
        loop {
            let start = window.len();
            let room = decoder
                .max_utf8_buffer_length(source.len())
                .unwrap_or(BLOCK_BYTES);
            window.resize(start + room, 0);
            let (result, read, written, _) =
                decoder.decode_to_utf8(source, &mut window[start..], self.done);
            window.truncate(start + written);
            source = &source[read..];
            if result == CoderResult::InputEmpty {
                return Ok(true);
            }
        }
    }
}

/// How many bytes `text` takes in a file of that encoding.
pub fn length_in(encoding: &'static Encoding, text: &str) -> u64 {
    if encoding == UTF_8 {
        text.len() as u64
    } else if encoding == UTF_16LE || encoding == UTF_16BE {
        text.encode_utf16().count() as u64 * 2
    } else if encoding.is_single_byte() {
        text.chars().count() as u64
    } else {
        encoding.encode(text).0.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn detected(bytes: &[u8]) -> &'static str {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        survey(&Content::plain(file.path()), None, Depth::Whole)
            .unwrap()
            .encoding
            .name()
    }

    #[test]
    fn encodings_are_told_apart() {
        let utf16 = |text: &str, big: bool| -> Vec<u8> {
            text.encode_utf16()
                .flat_map(|unit| {
                    if big {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                })
                .collect()
        };
        let text = "email;first_name\njosé@example.org;José Müller\n";
        assert_eq!(detected(text.as_bytes()), "UTF-8");
        assert_eq!(
            detected(&[b"\xef\xbb\xbf", text.as_bytes()].concat()),
            "UTF-8"
        );
        assert_eq!(detected(&utf16(text, false)), "UTF-16LE");
        assert_eq!(detected(&utf16(text, true)), "UTF-16BE");
        assert_eq!(
            detected(&[b"\xff\xfe".to_vec(), utf16(text, false)].concat()),
            "UTF-16LE"
        );
        let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(text);
        assert_eq!(detected(&latin), "windows-1252");
    }

    #[test]
    fn one_damaged_place_does_not_change_the_encoding_of_a_utf8_file() {
        let mut bytes = "é".repeat(50).into_bytes();
        bytes.extend_from_slice(b"caf\xe9,");
        assert_eq!(detected(&bytes), "UTF-8");
    }

    #[test]
    fn sequences_cut_by_a_block_are_whole() {
        let mut scan = Utf8Scan::default();
        let bytes = "aé€😀".as_bytes();
        for byte in bytes {
            scan.push(&[*byte]);
        }
        assert_eq!((scan.valid, scan.invalid), (3, 0));
    }
}
