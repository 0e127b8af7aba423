//! Scratch files of pages, and how values are bytes in them.

use std::fs::File;
use std::os::unix::fs::FileExt;

use serde::Serialize;

use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// Where scratch files are, unless `TMPDIR` says where: what is in `/tmp` is in memory on many a
/// Linux, and these are as large as the input.
const SCRATCH: &str = "/var/tmp";

/// A file without a name, in the folder for large temporary files.
pub(crate) fn scratch_file() -> Result<File> {
    let named = std::env::var_os("TMPDIR").is_some_and(|folder| !folder.is_empty());
    let file = match named {
        true => tempfile::tempfile(),
        false => tempfile::tempfile_in(SCRATCH).or_else(|_| tempfile::tempfile()),
    };
    file.map_err(|error| unwritable(&error))
}

/// Bytes by page number, in a file without a name.
pub(super) struct Pages {
    file: File,
    /// Where each page is, and how long.
    pub(super) index: Vec<(u64, usize)>,
    end: u64,
}

impl Pages {
    pub(super) fn new() -> Result<Pages> {
        Ok(Pages {
            file: scratch_file()?,
            index: Vec::new(),
            end: 0,
        })
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all_at(bytes, self.end)
            .map_err(|error| unwritable(&error))?;
        self.index.push((self.end, bytes.len()));
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// The old bytes stay in the file, which is gone with the process.
    pub(super) fn replace(&mut self, page: usize, bytes: &[u8]) -> Result<()> {
        self.push(bytes)?;
        if let Some(last) = self.index.pop() {
            self.index[page] = last;
        }
        Ok(())
    }

    pub(super) fn read(&self, page: usize) -> Result<Vec<u8>> {
        let (offset, length) = self.index[page];
        self.read_at(offset, length)
    }

    pub(super) fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.file
            .read_exact_at(&mut bytes, offset)
            .map_err(|error| unwritable(&error))?;
        Ok(bytes)
    }
}

pub(crate) fn unwritable(error: &std::io::Error) -> Refusal {
    Refusal::new(
        Code::OutputUnwritable,
        format!("the scratch file can't be used: {error}"),
    )
    .help("free some space in the folder for temporary files, or set `TMPDIR` to another one")
}

pub(super) fn damaged() -> Refusal {
    unwritable(&std::io::Error::other("it was damaged"))
}

/// A number as LEB128: seven bits a byte.
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A value of muster's own in postcard, which fails only on what doesn't know its length.
pub(super) fn packed(value: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(value).unwrap_or_default()
}

/// What is left of some bytes; every read that goes past the end is `None`.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    #[inline]
    pub(super) fn number(&mut self) -> Option<u64> {
        // Most are one byte.
        if let [byte @ ..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Some(u64::from(*byte));
        }
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn u32s_of(&mut self, count: usize) -> Option<Vec<u32>> {
        let (words, _) = self.take(count * 4)?.as_chunks::<4>();
        Some(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
    }

    pub(super) fn text(&mut self) -> Option<String> {
        let length = self.u32()? as usize;
        Some(
            simdutf8::basic::from_utf8(self.take(length)?)
                .ok()?
                .to_string(),
        )
    }
}
