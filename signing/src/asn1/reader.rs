//! A strict DER reader: one-octet tags, definite minimal lengths, slices of the input.

use super::{Asn1Error, tag};

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// Identifier octet.
    pub tag: u8,
    /// Contents octets.
    pub content: &'a [u8],
    /// The whole element: tag, length, contents.
    pub raw: &'a [u8],
}

impl<'a> Element<'a> {
    /// Reads exactly one element, nothing after it.
    ///
    /// # Errors
    /// As [`Reader::any`]; `Trailing` if something follows.
    pub fn only(input: &'a [u8]) -> Result<Self, Asn1Error> {
        let mut reader = Reader::new(input);
        let element = reader.any()?;
        reader.end()?;
        Ok(element)
    }

    /// A reader over the contents, if the tag is this one.
    ///
    /// # Errors
    /// `Unexpected` for another tag.
    pub fn open(&self, tag: u8) -> Result<Reader<'a>, Asn1Error> {
        if self.tag == tag { Ok(Reader::new(self.content)) } else { Err(Asn1Error::Unexpected) }
    }

    /// The contents, if the tag is this one.
    ///
    /// # Errors
    /// `Unexpected` for another tag.
    pub fn expect(&self, tag: u8) -> Result<&'a [u8], Asn1Error> {
        if self.tag == tag { Ok(self.content) } else { Err(Asn1Error::Unexpected) }
    }
}

/// Reads elements one after another.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader over the elements in `input`.
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    /// Whether everything is read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Tag of the next element, if there is one.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element.
    ///
    /// # Errors
    /// `Truncated`, `Tag`, or `Length` if it is not DER.
    pub fn any(&mut self) -> Result<Element<'a>, Asn1Error> {
        let tag = *self.rest.first().ok_or(Asn1Error::Truncated)?;
        if tag & 0x1f == 0x1f || tag == 0 {
            return Err(Asn1Error::Tag);
        }
        let (length, header) = length(self.rest)?;
        let end = header.checked_add(length).ok_or(Asn1Error::Length)?;
        let raw = self.rest.get(..end).ok_or(Asn1Error::Truncated)?;
        let content = raw.get(header..).ok_or(Asn1Error::Truncated)?;
        self.rest = self.rest.get(end..).ok_or(Asn1Error::Truncated)?;
        Ok(Element { tag, content, raw })
    }

    /// The next element, which must have this tag.
    ///
    /// # Errors
    /// As [`Self::any`]; `Unexpected` for another tag.
    pub fn element(&mut self, tag: u8) -> Result<Element<'a>, Asn1Error> {
        match self.peek() {
            None => Err(Asn1Error::Truncated),
            Some(found) if found == tag => self.any(),
            Some(_) => Err(Asn1Error::Unexpected),
        }
    }

    /// Contents of the next element, which must have this tag.
    ///
    /// # Errors
    /// As [`Self::element`].
    pub fn expect(&mut self, tag: u8) -> Result<&'a [u8], Asn1Error> {
        Ok(self.element(tag)?.content)
    }

    /// The next element, if it has this tag.
    ///
    /// # Errors
    /// As [`Self::any`].
    pub fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Asn1Error> {
        if self.peek() == Some(tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// A reader over the contents of the next element, which must have this tag.
    ///
    /// # Errors
    /// As [`Self::element`].
    pub fn open(&mut self, tag: u8) -> Result<Reader<'a>, Asn1Error> {
        Ok(Reader::new(self.expect(tag)?))
    }

    /// Contents of an OBJECT IDENTIFIER.
    ///
    /// # Errors
    /// As [`Self::element`]; `Value` for an empty or cut one.
    pub fn oid(&mut self) -> Result<&'a [u8], Asn1Error> {
        let content = self.expect(tag::OBJECT_IDENTIFIER)?;
        if content.last().is_none_or(|last| last & 0x80 != 0) { Err(Asn1Error::Value) } else { Ok(content) }
    }

    /// An INTEGER from 0 to 255.
    ///
    /// # Errors
    /// As [`Self::element`]; `Value` for any other integer.
    pub fn small_integer(&mut self) -> Result<u8, Asn1Error> {
        match self.expect(tag::INTEGER)? {
            [value] if *value < 0x80 => Ok(*value),
            [0, value] if *value >= 0x80 => Ok(*value),
            _ => Err(Asn1Error::Value),
        }
    }

    /// All remaining elements.
    ///
    /// # Errors
    /// As [`Self::any`]; `Budget` if there are more than `most`.
    pub fn all(&mut self, most: usize) -> Result<Vec<Element<'a>>, Asn1Error> {
        let mut elements = Vec::new();
        while !self.is_empty() {
            if elements.len() >= most {
                return Err(Asn1Error::Budget);
            }
            elements.push(self.any()?);
        }
        Ok(elements)
    }

    /// Nothing may remain.
    ///
    /// # Errors
    /// `Trailing` if something does.
    pub fn end(&self) -> Result<(), Asn1Error> {
        if self.is_empty() { Ok(()) } else { Err(Asn1Error::Trailing) }
    }
}

/// Length and size of the header of the element at the front, X.690 10.1.
fn length(input: &[u8]) -> Result<(usize, usize), Asn1Error> {
    let first = *input.get(1).ok_or(Asn1Error::Truncated)?;
    if first < 0x80 {
        return Ok((usize::from(first), 2));
    }
    let octets = usize::from(first & 0x7f);
    if octets == 0 || octets > 8 {
        return Err(Asn1Error::Length);
    }
    let bytes = input.get(2..2 + octets).ok_or(Asn1Error::Truncated)?;
    let value = bytes.iter().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
    if bytes.first() == Some(&0) || value < 0x80 {
        return Err(Asn1Error::Length);
    }
    Ok((usize::try_from(value).map_err(|_| Asn1Error::Length)?, 2 + octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_in_order_and_insists_on_the_end() {
        let mut reader = Reader::new(&[0x02, 0x01, 0x05, 0x04, 0x02, 1, 2, 0x05, 0x00]);
        assert_eq!(reader.small_integer(), Ok(5));
        assert_eq!(reader.optional(tag::SET), Ok(None));
        assert_eq!(reader.expect(tag::OCTET_STRING), Ok(&[1, 2][..]));
        assert_eq!(reader.end(), Err(Asn1Error::Trailing));
        assert_eq!(reader.element(tag::SET), Err(Asn1Error::Unexpected));
        assert_eq!(reader.any().map(|null| null.raw), Ok(&[0x05, 0x00][..]));
        assert_eq!(reader.end(), Ok(()));
        assert_eq!(reader.any(), Err(Asn1Error::Truncated));
    }

    #[test]
    fn lengths_that_der_does_not_know_are_refused() {
        for input in [
            &[0x04, 0x80, 0, 0][..],
            &[0x04, 0x81, 0x01, 0],
            &[0x04, 0x82, 0x00, 0x80],
            &[0x04, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        ] {
            assert_eq!(Reader::new(input).any(), Err(Asn1Error::Length), "{input:02x?}");
        }
        assert_eq!(
            Reader::new(&[0x04, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).any(),
            Err(Asn1Error::Length)
        );
        assert_eq!(Reader::new(&[0x04, 0x02, 0]).any(), Err(Asn1Error::Truncated));
    }

    #[test]
    fn counts_are_bounded() {
        assert_eq!(Reader::new(&[0x05, 0x00].repeat(11)).all(10), Err(Asn1Error::Budget));
        assert_eq!(Reader::new(&[0x05, 0x00].repeat(10)).all(10).map(|all| all.len()), Ok(10));
    }
}
