//! The octets of an encrypted content as they come: one string, or the segments of one (X.690, 8.7.3).

use crate::asn1::tag;

use super::EnvelopeError;
use super::frames::{Cursor, Frames, Gap, Header};

/// What is left of a content.
#[derive(Debug)]
pub(super) struct Segments {
    /// Octets of the segment under way.
    left: u64,
    /// Where it stands in the envelope.
    at: u64,
    frames: Frames,
    /// How many elements are open outside the content.
    outside: usize,
    /// Octets of a header that has not come whole.
    header: Vec<u8>,
    ended: bool,
}

impl Segments {
    /// Reads the header of the content, `[0] IMPLICIT OCTET STRING`, at the cursor.
    ///
    /// Answers how many octets the cursor has taken.
    pub(super) fn enter(mut cursor: Cursor<'_>) -> Result<(Self, usize), Gap> {
        let header = cursor.header()?;
        let outside = cursor.depth();
        let left = match (header.tag, header.length) {
            (primitive, Some(length)) if primitive == tag::context(0) => length,
            (constructed, _) if constructed == tag::context_constructed(0) => {
                cursor.enter_with(&header)?;
                0
            }
            _ => return Err(EnvelopeError::Malformed.into()),
        };
        let taken = cursor.taken();
        let (at, frames) = cursor.place();
        frames.end(at, left)?;
        Ok((Self { left, at, frames, outside, header: Vec::new(), ended: false }, taken))
    }

    /// Takes the next octets of the content off `input`. `None`: all of `input` is taken, or the content has ended.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, EnvelopeError> {
        loop {
            if self.left > 0 {
                let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len());
                let (octets, rest) = input.split_at(length);
                *input = rest;
                self.left -= length as u64;
                self.at += length as u64;
                return Ok(Some(octets).filter(|octets| !octets.is_empty()));
            }
            self.close();
            if self.ended || !self.next_header(input)? {
                return Ok(None);
            }
        }
    }

    /// Whether all of it has come.
    pub(super) fn has_ended(&mut self) -> bool {
        if self.left == 0 {
            self.close();
        }
        self.ended
    }

    /// Where the content ended, and what is open there.
    pub(super) fn place(&self) -> (u64, Frames) {
        (self.at, self.frames.clone())
    }

    /// Closes what ends here by its length.
    fn close(&mut self) {
        while self.frames.depth() > self.outside
            && self.frames.innermost().flatten() == Some(self.at)
            && self.header.is_empty()
        {
            // Its end was checked when it was opened.
            let _ = self.frames.leave(self.at);
        }
        self.ended |= self.frames.depth() <= self.outside;
    }

    /// Takes the next header; false where more octets are needed.
    fn next_header(&mut self, input: &mut &[u8]) -> Result<bool, EnvelopeError> {
        let header = loop {
            if let Some(header) = Header::read(&self.header)? {
                break header;
            }
            let Some((octet, rest)) = input.split_first() else { return Ok(false) };
            *input = rest;
            self.header.push(*octet);
            debug_assert!(self.header.len() <= Header::MOST);
        };
        self.header.clear();
        self.at = self.frames.end(self.at, header.size as u64)?;
        match (header.tag, header.length) {
            (0, _) if self.frames.innermost() == Some(None) => self.frames.leave(self.at)?,
            (tag::OCTET_STRING, Some(length)) => {
                self.frames.end(self.at, length)?;
                self.left = length;
            }
            (tag::OCTET_STRING_CONSTRUCTED, length) => self.frames.enter(self.at, length)?,
            _ => return Err(EnvelopeError::Malformed),
        }
        Ok(true)
    }
}
