//! BER that is not there as a whole: elements that are still open, and where each of them ends (X.690, 8.1.3).

use crate::asn1::{Asn1Error, Layers, Limits, normalise};

use super::EnvelopeError;

/// What is read as a whole: recipients, certificates, attributes.
const LIMITS: Limits = Limits { bytes: 1 << 20, depth: 24, elements: 8192 };
/// Elements inside each other, those of a segmented content among them.
const DEPTH: usize = 8;

/// Why a step is not taken.
#[derive(Debug)]
pub(super) enum Gap {
    /// More octets are needed.
    More,
    /// No octets would help.
    Refused(EnvelopeError),
}

impl From<EnvelopeError> for Gap {
    fn from(error: EnvelopeError) -> Self {
        Self::Refused(error)
    }
}

impl From<Asn1Error> for Gap {
    fn from(error: Asn1Error) -> Self {
        Self::Refused(error.into())
    }
}

/// Elements that are still open, outermost first: where each ends, `None` for an indefinite length.
#[derive(Debug, Clone, Default)]
pub(super) struct Frames(Vec<Option<u64>>);

impl Frames {
    /// How many are open.
    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    /// What the innermost definite length allows.
    pub(super) fn limit(&self) -> Option<u64> {
        self.0.iter().rev().find_map(|end| *end)
    }

    /// The end of the innermost element, where it has a definite length; `None` where nothing is open.
    pub(super) fn innermost(&self) -> Option<Option<u64>> {
        self.0.last().copied()
    }

    /// Where contents of `length` octets end that begin at `start`.
    pub(super) fn end(&self, start: u64, length: u64) -> Result<u64, EnvelopeError> {
        let end = start.checked_add(length).ok_or(EnvelopeError::Malformed)?;
        if self.limit().is_some_and(|limit| end > limit) { Err(EnvelopeError::Malformed) } else { Ok(end) }
    }

    pub(super) fn enter(&mut self, start: u64, length: Option<u64>) -> Result<(), EnvelopeError> {
        let end = self.end(start, length.unwrap_or(0))?;
        if self.0.len() >= DEPTH {
            return Err(EnvelopeError::Malformed);
        }
        self.0.push(length.map(|_| end));
        Ok(())
    }

    /// Closes the innermost element at `at`, behind its mark where it has one.
    pub(super) fn leave(&mut self, at: u64) -> Result<(), EnvelopeError> {
        let end = self.0.pop().ok_or(EnvelopeError::Malformed)?;
        let beyond = self.limit().is_some_and(|limit| at > limit);
        if end.is_some_and(|end| end != at) || beyond { Err(EnvelopeError::Malformed) } else { Ok(()) }
    }
}

/// Identifier and length octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) tag: u8,
    /// `None`: indefinite.
    pub(super) length: Option<u64>,
    /// Octets of both.
    pub(super) size: usize,
}

impl Header {
    /// The most octets that one has.
    pub(super) const MOST: usize = 10;

    /// `None` where octets are missing. An end-of-contents mark is a header with tag 0 and length 0.
    pub(super) fn read(octets: &[u8]) -> Result<Option<Self>, EnvelopeError> {
        let [tag, first, rest @ ..] = octets else { return Ok(None) };
        let (tag, constructed) = (*tag, tag & 0x20 != 0);
        if tag & 0x1f == 0x1f || (tag == 0 && *first != 0) {
            return Err(EnvelopeError::Malformed);
        }
        match *first {
            0..=0x7f => Ok(Some(Self { tag, length: Some(u64::from(*first)), size: 2 })),
            0x80 if constructed => Ok(Some(Self { tag, length: None, size: 2 })),
            0x81..=0x88 => {
                let Some(octets) = rest.get(..usize::from(first & 0x7f)) else { return Ok(None) };
                let length = octets.iter().fold(0u64, |sum, octet| sum << 8 | u64::from(*octet));
                Ok(Some(Self { tag, length: Some(length), size: 2 + octets.len() }))
            }
            _ => Err(EnvelopeError::Malformed),
        }
    }
}

/// Reads elements from octets that may end too early.
pub(super) struct Cursor<'a> {
    octets: &'a [u8],
    at: usize,
    /// Where `octets` begins in the envelope.
    base: u64,
    frames: Frames,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(octets: &'a [u8], base: u64, frames: Frames) -> Self {
        Self { octets, at: 0, base, frames }
    }

    /// Octets that were read.
    pub(super) fn taken(&self) -> usize {
        self.at
    }

    /// How many elements are open.
    pub(super) fn depth(&self) -> usize {
        self.frames.depth()
    }

    /// Where it stands in the envelope, and what is open there.
    pub(super) fn place(self) -> (u64, Frames) {
        (self.position(), self.frames)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.octets.len()
    }

    fn position(&self) -> u64 {
        self.base + self.at as u64
    }

    fn rest(&self) -> &'a [u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }

    /// The tag of the next element; `None` where the innermost one ends.
    pub(super) fn peek(&self) -> Result<Option<u8>, Gap> {
        let innermost = self.frames.innermost().flatten();
        if innermost == Some(self.position()) {
            return Ok(None);
        }
        let tag = *self.rest().first().ok_or(Gap::More)?;
        Ok(Some(tag).filter(|tag| *tag != 0 || innermost.is_some()))
    }

    /// The header of the next element, which is then read.
    pub(super) fn header(&mut self) -> Result<Header, Gap> {
        let header = Header::read(self.rest())?.ok_or(Gap::More)?;
        self.frames.end(self.position(), header.size as u64)?;
        self.at += header.size;
        Ok(header)
    }

    /// Opens the next element, which must have this tag.
    pub(super) fn enter(&mut self, tag: u8) -> Result<(), Gap> {
        let header = self.header()?;
        if header.tag != tag {
            return Err(EnvelopeError::Malformed.into());
        }
        self.enter_with(&header)
    }

    /// Opens the element whose header was read.
    pub(super) fn enter_with(&mut self, header: &Header) -> Result<(), Gap> {
        Ok(self.frames.enter(self.position(), header.length)?)
    }

    /// The next element as a whole, in DER.
    pub(super) fn element(&mut self) -> Result<Vec<u8>, Gap> {
        let rest = self.rest();
        let room = self.frames.limit().map(|limit| limit.saturating_sub(self.position()));
        let whole = room.and_then(|room| usize::try_from(room).ok()).and_then(|room| rest.get(..room));
        match normalise(whole.unwrap_or(rest), Layers::ALL, &LIMITS) {
            Ok((der, taken)) => {
                self.at += taken;
                Ok(der.into_owned())
            }
            Err(Asn1Error::Truncated) if whole.is_none() => Err(Gap::More),
            Err(error) => Err(error.into()),
        }
    }

    /// Closes the innermost element, which must end here.
    pub(super) fn leave(&mut self) -> Result<(), Gap> {
        if self.frames.innermost() == Some(None) {
            let mark = self.rest().get(..2).ok_or(Gap::More)?;
            if mark != [0, 0] {
                return Err(EnvelopeError::Malformed.into());
            }
            self.at += 2;
        }
        let position = self.position();
        Ok(self.frames.leave(position)?)
    }
}
