//! The reader: elements, their content, their place in the original bytes.
use super::tag;

/// What could not be read: the name of the structure that was being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// A place in the bytes of the outermost structure, so that a parsed structure can own its bytes and point into them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    pub(crate) const EMPTY: Self = Self { start: 0, end: 0 };

    /// The bytes at this place; empty where `bytes` is not what the span was taken from.
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }
}

/// One tag-length-value.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    bytes: &'a [u8],
    tag: u8,
    start: usize,
    content: usize,
    end: usize,
}

impl<'a> Element<'a> {
    pub(crate) fn tag(&self) -> u8 {
        self.tag
    }

    pub(crate) fn content(&self) -> &'a [u8] {
        self.bytes.get(self.content..self.end).unwrap_or_default()
    }

    /// Tag, length and content as they arrived.
    pub(crate) fn raw(&self) -> &'a [u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn span(&self) -> Span {
        Span { start: self.start, end: self.end }
    }

    pub(crate) fn content_span(&self) -> Span {
        Span { start: self.content, end: self.end }
    }

    /// A reader over the content; `what` names it in errors.
    pub(crate) fn reader(&self, what: &'static str) -> Reader<'a> {
        Reader { what, bytes: self.bytes, position: self.content, end: self.end }
    }

    /// A BOOLEAN. DER knows 00 and FF only; old certificates hold 01, which BER reads as true.
    pub(crate) fn boolean(&self) -> Result<bool, Malformed> {
        match self.content() {
            [value] => Ok(*value != 0),
            _ => Err(Malformed("BOOLEAN")),
        }
    }

    /// A non-negative INTEGER or ENUMERATED that fits in 32 bits.
    pub(crate) fn unsigned(&self) -> Result<u32, Malformed> {
        let content = self.content();
        if content.first().is_none_or(|first| *first >= 0x80) {
            return Err(Malformed("INTEGER"));
        }
        let first = content.iter().position(|byte| *byte != 0).unwrap_or(content.len());
        let digits = content.get(first..).unwrap_or_default();
        if digits.len() > 4 {
            return Err(Malformed("INTEGER"));
        }
        Ok(digits.iter().fold(0, |value, byte| value << 8 | u32::from(*byte)))
    }

    /// The octets of a BIT STRING that holds whole octets (keys, signatures); empty where it holds a broken octet, so that no
    /// signature verifies over it.
    pub(crate) fn octet_bits_span(&self) -> Span {
        match self.content() {
            [0, ..] => Span { start: self.content + 1, end: self.end },
            _ => Span::EMPTY,
        }
    }

    /// The first sixteen bits of a named-bit list; bit 0 of the standard is the lowest bit of the result.
    pub(crate) fn named_bits(&self) -> Result<u16, Malformed> {
        let (unused, octets) = self.content().split_first().ok_or(Malformed("BIT STRING"))?;
        if *unused > 7 || (octets.is_empty() && *unused != 0) {
            return Err(Malformed("BIT STRING"));
        }
        let mut value = 0_u16;
        for (index, octet) in octets.iter().take(2).enumerate() {
            let kept = if index + 1 == octets.len() { *octet & (0xff_u8 << *unused) } else { *octet };
            value |= u16::from(kept.reverse_bits()) << (8 * index);
        }
        Ok(value)
    }
}

/// Reads elements one after another.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    what: &'static str,
    bytes: &'a [u8],
    position: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    /// Over all of `bytes`; `what` names the structure in errors.
    pub(crate) fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { what, bytes, position: 0, end: bytes.len() }
    }

    /// Over the part of `bytes` at `span`; spans of what is read are places in `bytes`.
    pub(crate) fn at(what: &'static str, bytes: &'a [u8], span: Span) -> Self {
        Self { what, bytes, position: span.start, end: span.end.min(bytes.len()) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.position >= self.end
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        if self.is_empty() { None } else { self.bytes.get(self.position).copied() }
    }

    /// Bytes up to the next element, counted from the start of the outermost structure.
    pub(crate) fn offset(&self) -> usize {
        self.position
    }

    /// Goes on at an [`Self::offset`] of the same structure; past the end nothing is left.
    pub(crate) fn seek(&mut self, offset: usize) {
        self.position = offset.max(self.position).min(self.end);
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..self.end).unwrap_or_default()
    }

    pub(crate) fn malformed(&self) -> Malformed {
        Malformed(self.what)
    }

    /// The next element, whatever its tag.
    pub(crate) fn any(&mut self) -> Result<Element<'a>, Malformed> {
        let start = self.position;
        let rest = self.bytes.get(start..self.end).ok_or(Malformed(self.what))?;
        let (tag, length, header) = header(rest).ok_or(Malformed(self.what))?;
        let content = start + header;
        let end = content.checked_add(length).filter(|end| *end <= self.end).ok_or(Malformed(self.what))?;
        self.position = end;
        Ok(Element { bytes: self.bytes, tag, start, content, end })
    }

    /// The next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'a>, Malformed> {
        if self.peek() != Some(tag) {
            return Err(Malformed(self.what));
        }
        self.any()
    }

    /// The next element if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Malformed> {
        if self.peek() == Some(tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// A reader over the content of the SEQUENCE that comes next.
    pub(crate) fn sequence(&mut self, what: &'static str) -> Result<Reader<'a>, Malformed> {
        Ok(self.expect(tag::SEQUENCE)?.reader(what))
    }

    /// Nothing may be left.
    pub(crate) fn finish(&self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed(self.what)) }
    }
}

/// The one SEQUENCE that `bytes` must consist of.
pub(crate) fn sole_sequence<'a>(what: &'static str, bytes: &'a [u8]) -> Result<Reader<'a>, Malformed> {
    let mut outer = Reader::new(what, bytes);
    let inner = outer.sequence(what)?;
    outer.finish()?;
    Ok(inner)
}

/// Tag, content length, header length.
fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let tag = *bytes.first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let first = *bytes.get(1)?;
    if first < 0x80 {
        return Some((tag, usize::from(first), 2));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 || count > 4 {
        return None;
    }
    let octets = bytes.get(2..2 + count)?;
    let length = octets.iter().fold(0_u32, |length, octet| length << 8 | u32::from(*octet));
    Some((tag, usize::try_from(length).ok()?, 2 + count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_short_long_and_overlong_lengths() {
        let mut reader = Reader::new("test", &[0x04, 0x01, 7, 0x04, 0x82, 0x00, 0x01, 8]);
        assert_eq!(reader.any().unwrap().content(), [7]);
        let second = reader.any().unwrap();
        assert_eq!((second.content(), second.raw().len()), ([8].as_slice(), 5));
        assert!(reader.is_empty());
    }

    #[test]
    fn refuses_what_runs_over_its_end() {
        for bytes in [
            &[0x04][..],
            &[0x04, 0x02, 1],
            &[0x30, 0x80, 0, 0],
            &[0x04, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x04, 0x85, 1, 1, 1, 1, 1],
            &[0x1f, 0x22, 0],
        ] {
            assert_eq!(Reader::new("test", bytes).any().err(), Some(Malformed("test")), "{bytes:02x?}");
        }
        let nested = [0x30, 0x03, 0x04, 0x05, 1, 2, 3, 4];
        assert!(Reader::new("test", &nested).sequence("inner").unwrap().any().is_err());
    }

    #[test]
    fn named_bits_count_from_the_most_significant() {
        let bits = |bytes: &[u8]| Reader::new("test", bytes).any().unwrap().named_bits().unwrap();
        assert_eq!(bits(&[3, 2, 5, 0b1010_0000]), 0b101);
        assert_eq!(bits(&[3, 3, 7, 0x06, 0x80]), 1 << 5 | 1 << 6 | 1 << 8);
        assert_eq!(bits(&[3, 2, 5, 0b1011_1111]), 0b101, "unused bits do not count");
        assert_eq!(bits(&[3, 1, 0]), 0);
    }
}
