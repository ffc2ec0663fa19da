//! The few DER forms that keys and algorithm names need; reading is `der`'s strict decoder, this adds its missing small pieces.

use der::asn1::ObjectIdentifier;
use der::{Decode, Reader, SliceReader};

pub(crate) const TAG_INTEGER: u8 = 0x02;
pub(crate) const TAG_BIT_STRING: u8 = 0x03;
pub(crate) const TAG_OCTET_STRING: u8 = 0x04;
pub(crate) const TAG_NULL: u8 = 0x05;
pub(crate) const TAG_SEQUENCE: u8 = 0x30;
pub(crate) const NULL: [u8; 2] = [TAG_NULL, 0];

/// An AlgorithmIdentifier as it stands: the OID and, where present, the complete DER of the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawAlgorithm<'a> {
    pub(crate) oid: ObjectIdentifier,
    pub(crate) parameters: Option<&'a [u8]>,
}

impl<'a> RawAlgorithm<'a> {
    /// Reads `AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL }` (RFC 5280, 4.1.1.2).
    pub(crate) fn read(reader: &mut SliceReader<'a>) -> der::Result<Self> {
        reader.sequence(|inner: &mut SliceReader<'a>| {
            let oid = ObjectIdentifier::decode(inner)?;
            let parameters = if inner.is_finished() { None } else { Some(inner.tlv_bytes()?) };
            Ok(Self { oid, parameters })
        })
    }

    /// True where the parameters are absent or NULL.
    pub(crate) fn has_no_parameters(&self) -> bool {
        self.parameters.is_none_or(|parameters| parameters == NULL)
    }
}

/// Runs `read` over all of `bytes`; trailing bytes are an error.
pub(crate) fn read_all<'a, T>(
    bytes: &'a [u8],
    read: impl FnOnce(&mut SliceReader<'a>) -> der::Result<T>,
) -> der::Result<T> {
    let mut reader = SliceReader::new(bytes)?;
    let value = read(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// One DER element whose content is the concatenation of `parts`.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = Vec::with_capacity(length + 6);
    push_header(&mut bytes, tag, length);
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

/// `SEQUENCE { oid, parameters }`.
pub(crate) fn algorithm(oid: &ObjectIdentifier, parameters: &[u8]) -> Vec<u8> {
    element(TAG_SEQUENCE, &[&element(0x06, &[oid.as_bytes()]), parameters])
}

/// An unsigned INTEGER from big-endian bytes.
pub(crate) fn unsigned_integer(bytes: &[u8]) -> Vec<u8> {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let digits = &bytes[first..];
    let needs_zero = digits.first().is_none_or(|byte| byte & 0x80 != 0);
    element(TAG_INTEGER, &[if needs_zero { &[0] } else { &[] }, digits])
}

/// Tag and length octets.
pub(crate) fn push_header(bytes: &mut Vec<u8>, tag: u8, length: usize) {
    bytes.push(tag);
    push_length(bytes, length);
}

fn push_length(bytes: &mut Vec<u8>, length: usize) {
    if length < 0x80 {
        bytes.push(length.to_be_bytes()[size_of::<usize>() - 1]);
        return;
    }
    let digits = length.to_be_bytes();
    let first = digits.iter().position(|byte| *byte != 0).unwrap_or(digits.len() - 1);
    bytes.push(0x80 | (digits.len() - first).to_be_bytes()[size_of::<usize>() - 1]);
    bytes.extend_from_slice(&digits[first..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_minimal() {
        for length in [0usize, 1, 127, 128, 255, 256, 65535, 65536] {
            let encoded = element(TAG_OCTET_STRING, &[&vec![7; length]]);
            let read = read_all(&encoded, <&der::asn1::OctetStringRef>::decode).unwrap();
            assert_eq!(read.as_bytes().len(), length);
        }
    }

    #[test]
    fn integers_are_positive_and_minimal() {
        assert_eq!(unsigned_integer(&[]), [2, 1, 0]);
        assert_eq!(unsigned_integer(&[0, 0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(unsigned_integer(&[0x80]), [2, 2, 0, 0x80]);
    }
}
