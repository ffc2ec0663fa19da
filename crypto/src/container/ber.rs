//! Bounded BER: rewriting it as DER (X.690, 8.1.3 and 10.1), and reading DER field by field.
//!
//! PKCS#12 is BER by its standard (RFC 7292, 3.1). OpenSSL and Windows write DER; NSS and older Java write indefinite lengths and octet
//! strings in pieces. Everything is read as DER: what is not is rewritten first, one layer at a time, since each layer of a PKCS#12
//! lies in an octet string of its own.

use std::ops::Deref;

use zeroize::Zeroizing;

use super::ContainerError;
use crate::asn1;

pub(super) const INTEGER: u8 = asn1::TAG_INTEGER;
pub(super) const BIT_STRING: u8 = asn1::TAG_BIT_STRING;
pub(super) const OCTET_STRING: u8 = asn1::TAG_OCTET_STRING;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const BMP_STRING: u8 = 0x1e;
pub(super) const SEQUENCE: u8 = asn1::TAG_SEQUENCE;
pub(super) const SET: u8 = 0x31;
/// `[0]`, constructed.
pub(super) const CONTEXT_0: u8 = 0xa0;
/// `[0]`, primitive.
pub(super) const CONTEXT_0_PRIMITIVE: u8 = 0x80;
/// `[1]`, primitive.
pub(super) const CONTEXT_1_PRIMITIVE: u8 = 0x81;
/// `[1]`, constructed.
pub(super) const CONTEXT_1: u8 = 0xa1;

/// One element of DER.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// With tag and length.
    pub(super) whole: &'a [u8],
}

/// The elements of a constructed one, read in order. Every error names `part`.
#[derive(Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    part: &'static str,
}

impl<'a> Fields<'a> {
    /// The elements in `bytes`, one after the other.
    pub(super) fn new(bytes: &'a [u8], part: &'static str) -> Self {
        Self { rest: bytes, part }
    }

    /// The elements within the single SEQUENCE that `bytes` are.
    pub(super) fn of_sequence(bytes: &'a [u8], part: &'static str) -> Result<Self, ContainerError> {
        let mut outer = Self::new(bytes, part);
        let inner = outer.sequence(part)?;
        outer.finish()?;
        Ok(inner)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag of the next element.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(super) fn next(&mut self) -> Result<Element<'a>, ContainerError> {
        let header = Header::read(self.rest).ok_or_else(|| self.error())?;
        let length = header.length.filter(|_| header.minimal).ok_or_else(|| self.error())?;
        let end = header.size.checked_add(length).ok_or_else(|| self.error())?;
        let (whole, rest) = self.rest.split_at_checked(end).ok_or_else(|| self.error())?;
        self.rest = rest;
        Ok(Element { tag: header.tag, content: &whole[header.size..], whole })
    }

    /// The content of the next element, which must have this tag.
    pub(super) fn take(&mut self, tag: u8) -> Result<&'a [u8], ContainerError> {
        let element = self.next()?;
        if element.tag == tag { Ok(element.content) } else { Err(self.error()) }
    }

    /// The content of the next element where it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, ContainerError> {
        if self.peek() == Some(tag) { self.take(tag).map(Some) } else { Ok(None) }
    }

    pub(super) fn sequence(&mut self, part: &'static str) -> Result<Self, ContainerError> {
        Ok(Self::new(self.take(SEQUENCE)?, part))
    }

    /// An INTEGER from 0 to 2^32 − 1.
    pub(super) fn small_integer(&mut self) -> Result<u32, ContainerError> {
        let content = self.take(INTEGER)?;
        let error = self.error();
        let minimal = match content {
            [] => false,
            [0, second, ..] => *second >= 0x80,
            [first, ..] => *first < 0x80,
        };
        if !minimal || content.len() > 5 {
            return Err(error);
        }
        let value = content.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        u32::try_from(value).map_err(|_| error)
    }

    pub(super) fn finish(&self) -> Result<(), ContainerError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.error()) }
    }

    pub(super) fn error(&self) -> ContainerError {
        ContainerError::malformed(self.part)
    }
}

/// DER: the bytes as they came, or rewritten.
pub(super) enum Der<'a> {
    Borrowed(&'a [u8]),
    Owned(Zeroizing<Vec<u8>>),
}

impl Deref for Der<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// The element that `input` is, as DER. What follows the element is an error.
pub(super) fn to_der<'a>(input: &'a [u8], part: &'static str) -> Result<Der<'a>, ContainerError> {
    if is_der(input) {
        return Ok(Der::Borrowed(input));
    }
    let mut rewriter = Rewriter { part, elements: 0 };
    // An indefinite length from 64 KiB on becomes longer by an octet: with room for all of them no copy of a key is left behind.
    let mut out = Zeroizing::new(Vec::with_capacity(input.len() + input.len() / 2048 + MAX_DEPTH));
    let taken = rewriter.element(input, &mut out, 0)?;
    if taken == input.len() { Ok(Der::Owned(out)) } else { Err(ContainerError::malformed(part)) }
}

/// True where `input` is whole elements of definite, minimal lengths, without an octet string in pieces.
fn is_der(input: &[u8]) -> bool {
    let mut open = vec![input];
    let mut elements = 0;
    while let Some(mut rest) = open.pop() {
        while !rest.is_empty() {
            elements += 1;
            let Some(header) = Header::read(rest) else { return false };
            let Some(length) = header.length.filter(|_| header.minimal) else { return false };
            let Some((whole, after)) = rest.split_at_checked(header.size.saturating_add(length)) else { return false };
            if elements > MAX_ELEMENTS || header.tag == CONSTRUCTED_OCTET_STRING {
                return false;
            }
            if header.tag & CONSTRUCTED != 0 {
                open.push(&whole[header.size..]);
            }
            rest = after;
        }
    }
    true
}

struct Rewriter {
    part: &'static str,
    elements: usize,
}

impl Rewriter {
    /// Appends the first element of `input` to `out`; answers how many octets of `input` it took.
    fn element(&mut self, input: &[u8], out: &mut Vec<u8>, depth: usize) -> Result<usize, ContainerError> {
        let header = Header::read(input).ok_or_else(|| self.error())?;
        self.count(depth)?;
        if header.tag & CONSTRUCTED == 0 {
            let content = self.definite(input, &header)?;
            asn1::push_header(out, header.tag, content.len());
            out.extend_from_slice(content);
            return Ok(header.size + content.len());
        }
        // Of the universal types only SEQUENCE and SET stay constructed (X.690, 10.2); of the others these formats have octet strings.
        let is_string = header.tag == CONSTRUCTED_OCTET_STRING;
        if header.tag & CLASS == 0 && !is_string && !matches!(header.tag, SEQUENCE | SET) {
            return Err(self.error());
        }
        let start = out.len();
        let taken = self.children(input, &header, out, is_string, depth + 1)?;
        let mut written = Vec::new();
        asn1::push_header(&mut written, if is_string { OCTET_STRING } else { header.tag }, out.len() - start);
        out.splice(start..start, written);
        Ok(taken)
    }

    /// Appends the children of the constructed element that `input` begins with; of a string only their contents.
    fn children(
        &mut self,
        input: &[u8],
        header: &Header,
        out: &mut Vec<u8>,
        is_string: bool,
        depth: usize,
    ) -> Result<usize, ContainerError> {
        let end = match header.length {
            Some(_) => Some(header.size + self.definite(input, header)?.len()),
            None => None,
        };
        let mut at = header.size;
        loop {
            let rest = &input[at..end.unwrap_or(input.len())];
            match end {
                Some(end) if at == end => return Ok(end),
                None if rest.starts_with(&[0, 0]) => return Ok(at + 2),
                _ => {}
            }
            at += if is_string { self.segment(rest, out, depth)? } else { self.element(rest, out, depth)? };
        }
    }

    /// A piece of an octet string: its contents alone.
    fn segment(&mut self, input: &[u8], out: &mut Vec<u8>, depth: usize) -> Result<usize, ContainerError> {
        let header = Header::read(input).ok_or_else(|| self.error())?;
        self.count(depth)?;
        match header.tag {
            OCTET_STRING => {
                let content = self.definite(input, &header)?;
                out.extend_from_slice(content);
                Ok(header.size + content.len())
            }
            CONSTRUCTED_OCTET_STRING => self.children(input, &header, out, true, depth + 1),
            _ => Err(self.error()),
        }
    }

    fn definite<'a>(&self, input: &'a [u8], header: &Header) -> Result<&'a [u8], ContainerError> {
        let content = input.get(header.size..).ok_or_else(|| self.error())?;
        header.length.and_then(|length| content.get(..length)).ok_or_else(|| self.error())
    }

    fn count(&mut self, depth: usize) -> Result<(), ContainerError> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS || depth > MAX_DEPTH { Err(ContainerError::TooComplex) } else { Ok(()) }
    }

    fn error(&self) -> ContainerError {
        ContainerError::malformed(self.part)
    }
}

/// Tag and length octets (X.690, 8.1.2 and 8.1.3).
struct Header {
    tag: u8,
    /// `None`: indefinite.
    length: Option<usize>,
    /// Octets of both.
    size: usize,
    /// The length is written as DER asks.
    minimal: bool,
}

impl Header {
    /// `None` for tags of more than one octet, for end-of-contents, and for lengths beyond four octets.
    fn read(input: &[u8]) -> Option<Self> {
        let (&tag, &first) = (input.first()?, input.get(1)?);
        if tag & 0x1f == 0x1f || tag == 0 {
            return None;
        }
        match first {
            0..=0x7f => Some(Self { tag, length: Some(usize::from(first)), size: 2, minimal: true }),
            0x80 => (tag & CONSTRUCTED != 0).then_some(Self { tag, length: None, size: 2, minimal: false }),
            0x81..=0x84 => {
                let octets = usize::from(first & 0x7f);
                let digits = input.get(2..2 + octets)?;
                let length = digits.iter().fold(0_usize, |sum, digit| sum << 8 | usize::from(*digit));
                let minimal = digits.first().is_some_and(|digit| *digit != 0) && length >= 0x80;
                Some(Self { tag, length: Some(length), size: 2 + octets, minimal })
            }
            _ => None,
        }
    }
}

const CONSTRUCTED: u8 = 0x20;
const CLASS: u8 = 0xc0;
const CONSTRUCTED_OCTET_STRING: u8 = 0x24;
/// PKCS#12 layers are some ten deep.
const MAX_DEPTH: usize = 32;
/// NSS writes strings in pieces of a kilobyte: a file of the largest size has some thousands.
const MAX_ELEMENTS: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    const PART: &str = "test";

    fn der(input: &[u8]) -> Result<Vec<u8>, ContainerError> {
        to_der(input, PART).map(|der| der.to_vec())
    }

    #[test]
    fn der_is_borrowed() {
        let input = [0x30, 0x06, 0x04, 0x01, 0xaa, 0x02, 0x01, 0x05];
        assert!(matches!(to_der(&input, PART), Ok(Der::Borrowed(_))));
    }

    #[test]
    fn indefinite_lengths_and_pieces_are_joined() {
        let input = [
            0x30, 0x80, 0x24, 0x80, 0x04, 0x02, b'a', b'b', 0x24, 0x03, 0x04, 0x01, b'c', 0, 0, 0x02, 0x82, 0x00, 0x01,
            0x05, 0, 0,
        ];
        assert_eq!(der(&input).unwrap(), [0x30, 0x08, 0x04, 0x03, b'a', b'b', b'c', 0x02, 0x01, 0x05]);
        let empty = [0x30, 0x80, 0x24, 0x80, 0, 0, 0xa0, 0x80, 0, 0, 0, 0];
        assert_eq!(der(&empty).unwrap(), [0x30, 0x04, 0x04, 0x00, 0xa0, 0x00]);
    }

    #[test]
    fn malformed_input_is_refused() {
        for input in [
            &[0x30][..],
            &[0x30, 0x05, 0x02],
            &[0x30, 0x80, 0x02, 0x01, 0x05],
            &[0x30, 0x80, 0x02, 0x01, 0x05, 0],
            &[0x30, 0x03, 0x02, 0x02, 0x05],
            &[0x04, 0x80, 0x00, 0x00],
            &[0x30, 0xff, 0x00],
            &[0x30, 0x85, 0, 0, 0, 0, 0],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x02, 0x00, 0x00],
            &[0x1f, 0x81, 0x01, 0x00],
            &[0x24, 0x03, 0x02, 0x01, 0x05],
            &[0x23, 0x80, 0x03, 0x01, 0x00, 0, 0],
            &[0x30, 0x80, 0, 0, 0],
        ] {
            assert!(matches!(der(input), Err(ContainerError::Malformed { part: PART })), "{input:02x?}");
        }
    }

    #[test]
    fn depth_and_count_are_bounded() {
        assert_eq!(der(&[0x30, 0x80].repeat(100_000)), Err(ContainerError::TooComplex));
        assert_eq!(der(&[0x24, 0x80].repeat(100_000)), Err(ContainerError::TooComplex));
        let many = [&[0x30, 0x80][..], &[0x05, 0x00].repeat(MAX_ELEMENTS), &[0, 0]].concat();
        assert_eq!(der(&many), Err(ContainerError::TooComplex));
    }

    #[test]
    fn small_integers_are_minimal_and_positive() {
        let read = |content: &[u8]| {
            let encoded = asn1::element(INTEGER, &[content]);
            Fields::new(&encoded, PART).small_integer().ok()
        };
        assert_eq!(read(&[0]), Some(0));
        assert_eq!(read(&[0x27, 0x10]), Some(10_000));
        assert_eq!(read(&[0, 0xff, 0xff, 0xff, 0xff]), Some(u32::MAX));
        for refused in [&[][..], &[0, 1], &[0x80], &[0xff, 0xff], &[1, 0, 0, 0, 0], &[0; 6]] {
            assert_eq!(read(refused), None, "{refused:?}");
        }
    }
}
