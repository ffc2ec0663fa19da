//! Writes DER. Values are built inside out, so that every length is known when it is written.

use super::tag;

/// Octets of tag and length in front of `length` octets of contents.
pub(crate) fn header_size(length: usize) -> usize {
    if length < 0x80 { 2 } else { 2 + significant(length) }
}

/// Writes tag and length.
pub(crate) fn push_header(output: &mut Vec<u8>, tag: u8, length: usize) {
    output.push(tag);
    let bytes = length.to_be_bytes();
    let octets = significant(length);
    if let (true, Some(&low)) = (length < 0x80, bytes.last()) {
        output.push(low);
        return;
    }
    // At most eight octets of a usize.
    output.push(0x80 | u8::try_from(octets).unwrap_or(8));
    output.extend(bytes.iter().skip(bytes.len() - octets));
}

fn significant(length: usize) -> usize {
    length.to_be_bytes().iter().skip_while(|byte| **byte == 0).count()
}

/// Elements one after another.
#[derive(Debug, Default, Clone)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an element with these contents.
    #[must_use]
    pub fn value(mut self, tag: u8, content: &[u8]) -> Self {
        self.bytes.reserve(header_size(content.len()) + content.len());
        push_header(&mut self.bytes, tag, content.len());
        self.bytes.extend_from_slice(content);
        self
    }

    /// Adds an element that holds what `inner` wrote.
    #[must_use]
    pub fn nest(self, tag: u8, inner: Self) -> Self {
        self.value(tag, &inner.bytes)
    }

    /// Adds bytes that are DER already.
    #[must_use]
    pub fn raw(mut self, der: &[u8]) -> Self {
        self.bytes.extend_from_slice(der);
        self
    }

    /// Adds an OBJECT IDENTIFIER given by its contents octets.
    #[must_use]
    pub fn oid(self, oid: &[u8]) -> Self {
        self.value(tag::OBJECT_IDENTIFIER, oid)
    }

    /// Adds an INTEGER from 0 to 127.
    #[must_use]
    pub fn small_integer(self, value: u8) -> Self {
        debug_assert!(value < 0x80);
        self.value(tag::INTEGER, &[value])
    }

    /// Adds a SET OF whose members are sorted as DER demands (X.690, 11.6).
    #[must_use]
    pub fn set_of(self, tag: u8, mut members: Vec<Vec<u8>>) -> Self {
        members.sort();
        self.value(tag, &members.concat())
    }

    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::Element;

    #[test]
    fn lengths_of_every_size_are_minimal() {
        for (length, header) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (256, &[4, 0x82, 1, 0]),
            (65_536, &[4, 0x83, 1, 0, 0]),
        ] {
            let der = Writer::new().value(4, &vec![7; length]).into_bytes();
            assert_eq!(&der[..header.len()], header);
            assert_eq!(header_size(length), header.len());
            assert_eq!(Element::only(&der).unwrap().content.len(), length);
        }
    }

    #[test]
    fn sets_are_sorted() {
        let set = Writer::new().set_of(0x31, vec![vec![4, 1, 9], vec![2, 1, 5], vec![4, 1, 3]]).into_bytes();
        assert_eq!(set, [0x31, 9, 2, 1, 5, 4, 1, 3, 4, 1, 9]);
    }
}
