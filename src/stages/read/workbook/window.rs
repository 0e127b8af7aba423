//! A part of an archive as it inflates, of which a window is held: what is in it can be looked at as
//! a whole, and what it has passed counts for the limits.

use std::io::Read;

use super::guard::Part;
use crate::refusal::{Refusal, Result};

/// How much is held at first.
const WINDOW_BYTES: usize = 256 << 10;
/// How much is held at most, so that no tag or text in it is longer than the guard allows.
const WINDOW_BYTES_MAX: usize = 4 << 20;

/// Why a fast reader doesn't go on.
pub(super) enum Stop {
    /// The XML isn't as nearly every program writes it: a parser has to say what it is.
    Unusual,
    /// The file is refused.
    Refused(Refusal),
}

/// What a fast reader comes to.
pub(super) type Fast<T> = std::result::Result<T, Stop>;

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Refused(refusal)
    }
}

/// What is unusual where it is missing.
pub(super) fn usual<T>(found: Option<T>) -> Fast<T> {
    found.ok_or(Stop::Unusual)
}

/// A part and its window.
pub(super) struct Window<'w, R> {
    body: R,
    /// None where the part was checked before.
    part: Option<Part<'w>>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl<'w, R: Read> Window<'w, R> {
    /// Nothing is inflated yet.
    pub(super) fn new(body: R, part: Option<Part<'w>>) -> Window<'w, R> {
        Window {
            body,
            part,
            buffer: vec![0; WINDOW_BYTES],
            start: 0,
            end: 0,
        }
    }

    /// What was inflated and isn't passed.
    pub(super) fn text(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The part, if it wasn't checked before.
    pub(super) fn part(&mut self) -> Option<&mut Part<'w>> {
        self.part.as_mut()
    }

    /// Inflates more, and keeps what isn't passed.
    ///
    /// # Errors
    /// Unusual at the end of the part, and where the window is full; a refusal of the guard.
    pub(super) fn more(&mut self) -> Fast<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            if self.end >= WINDOW_BYTES_MAX {
                return Err(Stop::Unusual);
            }
            self.buffer.resize(self.end * 2, 0);
        }
        match self.inflate()? {
            0 => Err(Stop::Unusual),
            _ => Ok(()),
        }
    }

    /// Inflates into what is free behind the text.
    fn inflate(&mut self) -> Fast<usize> {
        let free = &mut self.buffer[self.end..];
        let read = self.body.read(free);
        let Some(part) = &mut self.part else {
            // What is wrong with it is said by the parser.
            let count = read.map_err(|_| Stop::Unusual)?;
            self.end += count;
            return Ok(count);
        };
        let count = read.map_err(|error| part.damaged(&error))?;
        if count > 0 {
            part.inflated(&free[..count])?;
        }
        self.end += count;
        Ok(count)
    }

    /// Passes that many bytes, of which the reader has counted what there is to count.
    pub(super) fn pass(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Passes that many bytes, and counts what a parser would keep of them.
    ///
    /// # Errors
    /// A refusal of the guard.
    pub(super) fn scan(&mut self, count: usize) -> Result<()> {
        let end = (self.start + count).min(self.end);
        if let Some(part) = &mut self.part {
            part.scanned(&self.buffer[self.start..end])?;
        }
        self.start = end;
        Ok(())
    }

    /// Passes all that is left of a part that wasn't checked before, and counts what a parser would
    /// keep of it.
    ///
    /// # Errors
    /// A refusal of the guard.
    pub(super) fn scan_rest(&mut self) -> Result<()> {
        while self.part.is_some() {
            self.scan(self.end)?;
            (self.start, self.end) = (0, 0);
            match self.inflate() {
                Ok(0) | Err(Stop::Unusual) => break,
                Ok(_) => {}
                Err(Stop::Refused(refusal)) => return Err(refusal),
            }
        }
        Ok(())
    }

    /// The part, of which nothing more is read.
    pub(super) fn into_part(self) -> Option<Part<'w>> {
        self.part
    }
}
