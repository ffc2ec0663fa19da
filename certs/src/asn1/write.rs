//! The writer: each function gives the DER of one element.
use super::{tag, time};
use ::time::OffsetDateTime;
use const_oid::ObjectIdentifier;

/// Tag, minimal length, content.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let mut out = Vec::with_capacity(content.len() + 10);
    out.push(tag);
    if let ([.., short], true) = (&length, content.len() < 0x80) {
        out.push(*short);
    } else {
        let first = length.iter().position(|byte| *byte != 0).unwrap_or(length.len());
        let significant = length.get(first..).unwrap_or_default();
        // At most eight octets, so the count fits beside the flag.
        out.push(0x80 | u8::try_from(significant.len()).unwrap_or(0));
        out.extend_from_slice(significant);
    }
    out.extend_from_slice(content);
    out
}

/// An element around `parts`, one after another.
pub(crate) fn constructed(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    element(tag, &parts.concat())
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    constructed(tag::SEQUENCE, parts)
}

/// SET OF: DER sorts the members (X.690, 11.6).
pub(crate) fn set_of(mut members: Vec<Vec<u8>>) -> Vec<u8> {
    members.sort();
    element(tag::SET, &members.concat())
}

/// `[number] EXPLICIT`.
pub(crate) fn explicit(number: u8, inner: &[u8]) -> Vec<u8> {
    element(tag::constructed(number), inner)
}

pub(crate) fn oid(oid: &ObjectIdentifier) -> Vec<u8> {
    element(tag::OBJECT_IDENTIFIER, oid.as_bytes())
}

pub(crate) fn boolean(value: bool) -> Vec<u8> {
    element(tag::BOOLEAN, &[if value { 0xff } else { 0 }])
}

/// INTEGER of a magnitude in big-endian octets.
pub(crate) fn unsigned(magnitude: &[u8]) -> Vec<u8> {
    let first = magnitude.iter().position(|byte| *byte != 0).unwrap_or(magnitude.len());
    let digits = magnitude.get(first..).unwrap_or_default();
    if digits.first().is_none_or(|first| *first >= 0x80) {
        return element(tag::INTEGER, &[&[0], digits].concat());
    }
    element(tag::INTEGER, digits)
}

pub(crate) fn octet_string(content: &[u8]) -> Vec<u8> {
    element(tag::OCTET_STRING, content)
}

/// BIT STRING of whole octets.
pub(crate) fn bit_string(octets: &[u8]) -> Vec<u8> {
    element(tag::BIT_STRING, &[&[0], octets].concat())
}

/// BIT STRING of a named-bit list, trailing zero bits left out (X.690, 11.2.2); bit 0 is the lowest bit of `bits`.
pub(crate) fn named_bits(bits: u16) -> Vec<u8> {
    let [low, high] = bits.to_le_bytes();
    let octets = [low.reverse_bits(), high.reverse_bits()];
    let kept = if bits == 0 {
        &octets[..0]
    } else if high == 0 {
        &octets[..1]
    } else {
        &octets[..]
    };
    let unused = kept.last().map_or(0, |last| last.trailing_zeros());
    element(tag::BIT_STRING, &[&[u8::try_from(unused).unwrap_or(0)], kept].concat())
}

pub(crate) fn utf8(text: &str) -> Vec<u8> {
    element(tag::UTF8_STRING, text.as_bytes())
}

pub(crate) fn printable(text: &str) -> Vec<u8> {
    element(tag::PRINTABLE_STRING, text.as_bytes())
}

/// Time as RFC 5280 4.1.2.5 prescribes.
pub(crate) fn certificate_time(at: OffsetDateTime) -> Vec<u8> {
    let (tag, text) = time::certificate_time(at);
    element(tag, text.as_bytes())
}

pub(crate) fn generalized_time(at: OffsetDateTime) -> Vec<u8> {
    element(tag::GENERALIZED_TIME, time::generalized(at).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::Reader;

    #[test]
    fn lengths_are_minimal_and_read_back() {
        for size in [0, 1, 127, 128, 255, 256, 65_536] {
            let bytes = octet_string(&vec![7; size]);
            let header = bytes.len() - size;
            assert_eq!(
                header,
                match size {
                    0..128 => 2,
                    128..256 => 3,
                    256..65_536 => 4,
                    _ => 5,
                }
            );
            assert_eq!(Reader::new("test", &bytes).any().unwrap().content().len(), size);
        }
    }

    #[test]
    fn integers_and_bits() {
        assert_eq!(unsigned(&[]), [2, 1, 0]);
        assert_eq!(unsigned(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[0, 0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(named_bits(0), [3, 1, 0]);
        assert_eq!(named_bits(0b11), [3, 2, 6, 0xc0]);
        assert_eq!(named_bits(1 << 5 | 1 << 6), [3, 2, 1, 0x06]);
        assert_eq!(named_bits(1 << 8), [3, 3, 7, 0, 0x80]);
    }
}
