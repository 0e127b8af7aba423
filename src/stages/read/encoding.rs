//! Which encoding a text file is in, and its bytes as UTF-8, block by block.

use std::collections::VecDeque;
use std::io::{Read, Seek, SeekFrom};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;
use sha2::{Digest, Sha256};

use super::charset::{Charset, Decoding};
use super::content::{Content, ContentReader};
use super::{letters, wide};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::stages::read::input::unreadable;

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
    pub encoding: Charset,
    /// What a person should know of how the encoding was found, where that was a guess against the
    /// first impression.
    pub guess: Option<String>,
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
/// `file.unreadable`; `file.encoding` when `named` is not an encoding; `file.format` for binary
/// data.
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
    let (encoding, guess) = match named {
        Some(name) => {
            let unknown = || {
                let what = format!("there is no encoding `{name}`");
                Refusal::new(Code::FileEncoding, what)
            };
            (Charset::named(name).ok_or_else(unknown)?, None)
        }
        None => detect(content, &head, &scan)?,
    };
    if encoding.is_wide() && depth == Depth::Whole {
        wide::check(content, bytes, encoding)?;
    }
    Ok(Survey {
        sha256: crate::text::hex(&hash.finalize()),
        bytes,
        encoding,
        guess,
    })
}

fn detect(content: &Content, head: &[u8], scan: &Utf8Scan) -> Result<(Charset, Option<String>)> {
    let path = content.path();
    if head.starts_with(&[0xff, 0xfe, 0, 0]) || head.starts_with(&[0, 0, 0xfe, 0xff]) {
        let what = format!("`{}` is in UTF-32, which isn't supported", path.display());
        return Err(Refusal::new(Code::FileFormat, what).help("save it as UTF-8"));
    }
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Ok((Charset::Web(encoding), None));
    }
    if let Some(encoding) = utf16_by_nulls(head) {
        return Ok((encoding, None));
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
        return Ok((Charset::UTF_8, None));
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut file = content.open()?;
    let mut block = vec![0; BLOCK_BYTES];
    let mut fed = 0;
    let mut lines = letters::Lines::default();
    while fed < DETECT_BYTES_MAX {
        let count = file
            .read(&mut block)
            .map_err(|error| unreadable(path, &error))?;
        if count == 0 {
            break;
        }
        if !block[..count].is_ascii() {
            detector.feed(&block[..count], false);
            lines.add(&block[..count]);
            fed += count;
        }
    }
    detector.feed(&[], true);
    let first = Charset::Web(detector.guess(None, Utf8Detection::Deny));
    judged(content, &lines, first)
}

/// What happens to a first guess, once it is seen how the lines read in it.
fn judged(
    content: &Content,
    lines: &letters::Lines,
    first: Charset,
) -> Result<(Charset, Option<String>)> {
    let path = content.path();
    match letters::judge(lines, first) {
        letters::Verdict::Keep => Ok((first, None)),
        letters::Verdict::Better(better, example) => {
            let guess = format!(
                "the encoding is a guess: in {} a word would be `{}`, in {} it is `{}`; if names \
                    look wrong, set the right one with `[read] encoding`",
                first.name(),
                example.worse,
                better.name(),
                example.better
            );
            Ok((better, Some(guess)))
        }
        letters::Verdict::Unsure(one, other, example) => {
            let what = format!(
                "`{}` may be in {} or in {}: a word of it is `{}` or `{}`",
                path.display(),
                one.name(),
                other.name(),
                example.better,
                example.worse
            );
            Err(Refusal::new(Code::FileEncoding, what).help(format!(
                "set the right one with `[read] encoding` or `--encoding`, such as `--encoding \
                    {}`; or save the list as UTF-8",
                one.name()
            )))
        }
    }
}

/// Text in Latin letters has a NUL in every second byte of UTF-16.
fn utf16_by_nulls(head: &[u8]) -> Option<Charset> {
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
        Some(Charset::UTF_16LE)
    } else if even * 5 > pairs && odd * 20 < pairs {
        Some(Charset::UTF_16BE)
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
            let (valid, error) = match simdutf8::compat::from_utf8(bytes) {
                Ok(_) => (bytes.len(), None),
                Err(error) => (error.valid_up_to(), Some(error)),
            };
            self.valid += leading_bytes(&bytes[..valid]);
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

/// How many characters beyond ASCII a valid text has. Counts of one byte are added many at a time.
fn leading_bytes(text: &[u8]) -> u64 {
    let of_part = |part: &[u8]| part.iter().map(|byte| u8::from(*byte >= 0xc0)).sum::<u8>();
    text.chunks(255).map(|part| u64::from(of_part(part))).sum()
}

/// A text file as UTF-8. Files in UTF-8 pass through as they are, damage included, so that
/// offsets stay exact and only the damaged rows suffer. Of other files, it is known where in the
/// bytes each line ends: damage can make a character of any number of bytes.
pub struct TextReader {
    file: ContentReader,
    block: Vec<u8>,
    decoding: Option<Decoding>,
    done: bool,
    line_ends: Option<LineEnds>,
}

impl TextReader {
    /// Opens a text in `encoding` after its byte order mark.
    ///
    /// # Errors
    /// `file.unreadable`.
    pub fn open(content: &Content, encoding: Charset) -> Result<(TextReader, u64)> {
        let path = content.path();
        let mut file = content.open()?;
        let mut start = [0; 3];
        let count = file
            .read(&mut start)
            .map_err(|error| unreadable(path, &error))?;
        let mark = match Encoding::for_bom(&start[..count]) {
            Some((found, length)) if Charset::Web(found) == encoding => length as u64,
            _ => 0,
        };
        file.seek(SeekFrom::Start(mark))
            .map_err(|error| unreadable(path, &error))?;
        let reader = TextReader {
            file,
            block: vec![0; BLOCK_BYTES / 4],
            decoding: encoding.decoding(),
            done: false,
            line_ends: None,
        };
        Ok((reader, mark))
    }

    /// As [`TextReader::open`], for a reader that is asked for offsets after lines.
    ///
    /// # Errors
    /// `file.unreadable`.
    pub fn open_by_line(content: &Content, encoding: Charset) -> Result<(TextReader, u64)> {
        let (mut reader, mark) = TextReader::open(content, encoding)?;
        reader.line_ends = Some(LineEnds::new(encoding, mark));
        Ok((reader, mark))
    }

    /// Appends more text to `window`; `Ok(false)`, with nothing appended, at the end.
    ///
    /// # Errors
    /// What the file system says.
    pub fn fill(&mut self, window: &mut Vec<u8>) -> std::io::Result<bool> {
        let before = window.len();
        // A block may be the beginning of a character and nothing else.
        while !self.done && window.len() == before {
            let count = self.file.read(&mut self.block)?;
            self.done = count == 0;
            let block = &self.block[..count];
            match &mut self.decoding {
                None => window.extend_from_slice(block),
                Some(decoding) => {
                    if let Some(line_ends) = &mut self.line_ends {
                        line_ends.note(block);
                    }
                    decoding.push(block, self.done, window);
                }
            }
        }
        Ok(window.len() > before)
    }

    /// Where in the file the text ends that was passed since the last call, of which `passed` is all;
    /// it ends with a line, before the end of one, or with the text (`is_end`). Not for UTF-8, and
    /// only of a reader that was opened by line.
    pub fn offset_behind(&mut self, passed: &[u8], is_end: bool) -> u64 {
        let line_ends = self.line_ends.as_mut();
        line_ends.map_or(0, |line_ends| line_ends.offset_behind(passed, is_end))
    }
}

/// Where lines end in the bytes of a file that isn't in UTF-8. CR and LF are bytes of their own in
/// every encoding, or units of their own, and never a part of another character.
struct LineEnds {
    unit: u64,
    high: usize,
    /// Of the next block.
    offset: u64,
    /// A byte of a unit that a block cut in two.
    half: Option<u8>,
    /// Offsets of the CR and LF that weren't passed yet.
    ahead: VecDeque<u64>,
    last: u64,
}

impl LineEnds {
    fn new(encoding: Charset, offset: u64) -> LineEnds {
        LineEnds {
            unit: if encoding.is_wide() { 2 } else { 1 },
            high: usize::from(encoding == Charset::UTF_16LE),
            offset,
            half: None,
            ahead: VecDeque::new(),
            last: offset,
        }
    }

    fn note(&mut self, block: &[u8]) {
        if self.unit == 1 {
            let ends = memchr::memchr2_iter(b'\r', b'\n', block);
            self.ahead.extend(ends.map(|at| self.offset + at as u64));
        } else {
            let from = self.offset - u64::from(self.half.is_some());
            let bytes = self.half.take().into_iter().chain(block.iter().copied());
            let mut pair = [0; 2];
            let mut count = 0;
            for byte in bytes {
                pair[count % 2] = byte;
                count += 1;
                if count % 2 == 0
                    && pair[self.high] == 0
                    && matches!(pair[1 - self.high], b'\r' | b'\n')
                {
                    self.ahead.push_back(from + count as u64 - 2);
                }
            }
            self.half = (count % 2 == 1).then_some(pair[0]);
        }
        self.offset += block.len() as u64;
    }

    fn offset_behind(&mut self, passed: &[u8], is_end: bool) -> u64 {
        let mut last = None;
        for _ in memchr::memchr2_iter(b'\r', b'\n', passed) {
            last = self.ahead.pop_front().or(last);
        }
        let ends_with_line = matches!(passed.last(), Some(b'\r' | b'\n'));
        self.last = match (last, self.ahead.front()) {
            _ if is_end => self.offset,
            _ if passed.is_empty() => self.last,
            (Some(last), _) if ends_with_line => last + self.unit,
            (_, Some(next)) => *next,
            (_, None) => self.offset,
        };
        self.last
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
    fn encodings_are_distinguished() {
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
    fn offsets_are_those_of_the_file_whatever_the_damage() {
        for (name, bytes) in [
            ("shift_jis", &b"a,\x83\n\x82\xa0,b\r\nc\xff\n"[..]),
            ("gbk", b"a,\x83\n\xff\xff,b\r\nc\x81\n"),
            ("cp850", b"a,\x83\n\xff\xff,b\r\nc\x81\n"),
            ("utf-16le", b"a\0\x00\xd8\n\0b\0\x0d\x0d\r\0\n\0c\0\n\0"),
            ("utf-16be", b"\0a\xd8\x00\0\n\0b\x0d\x0d\0\r\0\n\0c\0\n"),
        ] {
            let charset = Charset::named(name).unwrap();
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(bytes).unwrap();
            let content = Content::plain(file.path());
            let (mut reader, _) = TextReader::open_by_line(&content, charset).unwrap();
            let mut window = Vec::new();
            assert!(reader.fill(&mut window).unwrap(), "{name}");
            while reader.fill(&mut window).unwrap() {}
            let mut offsets = Vec::new();
            for line in window.split_inclusive(|byte| *byte == b'\n') {
                let body = line.len() - 1 - usize::from(line.ends_with(b"\r\n"));
                offsets.push(reader.offset_behind(&line[..body], false));
                offsets.push(reader.offset_behind(&line[body..], false));
            }
            let unit = if charset.is_wide() { 2 } else { 1 };
            let is_end = |at: usize| {
                let high = usize::from(name == "utf-16le");
                let low = if unit == 2 {
                    bytes[at + 1 - high]
                } else {
                    bytes[at]
                };
                matches!(low, b'\r' | b'\n') && (unit == 1 || bytes[at + high] == 0)
            };
            let ends: Vec<usize> = (0..bytes.len())
                .step_by(unit)
                .filter(|at| is_end(*at))
                .collect();
            let (first, second, third, fourth) = (ends[0], ends[1], ends[2], ends[3]);
            let expected = [
                first,
                first + unit,
                second,
                third + unit,
                fourth,
                fourth + unit,
            ];
            let expected: Vec<u64> = expected.iter().map(|at| *at as u64).collect();
            assert_eq!(offsets, expected, "{name}");
            assert_eq!(reader.offset_behind(b"", true), bytes.len() as u64);
        }
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
