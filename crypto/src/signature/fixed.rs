//! The two forms of an ECDSA signature: DER `Ecdsa-Sig-Value` (RFC 3279, 2.2.3), which keys make and take here, and r || s of the field's length
//! each, which JWS carries (RFC 7518, 3.4).

use der::asn1::UintRef;
use der::{Decode, SliceReader};

use crate::asn1::{TAG_SEQUENCE, element, read_all, unsigned_integer};
use crate::key::Curve;

/// DER to r || s of this curve. None where it is not the DER of two positive integers that fit.
#[must_use]
pub fn to_fixed(curve: Curve, der: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = read_all(der, |reader| {
        der::Reader::sequence(reader, |inner: &mut SliceReader<'_>| {
            Ok((UintRef::decode(inner)?.as_bytes(), UintRef::decode(inner)?.as_bytes()))
        })
    })
    .ok()?;
    let half = curve.field_len();
    let mut fixed = vec![0; 2 * half];
    let (left, right) = fixed.split_at_mut(half);
    for (integer, place) in [(r, left), (s, right)] {
        if integer.iter().all(|octet| *octet == 0) {
            return None;
        }
        let start = half.checked_sub(integer.len())?;
        place[start..].copy_from_slice(integer);
    }
    Some(fixed)
}

/// r || s of this curve to DER. None where the length is another; whether the numbers can be a signature says the verification.
#[must_use]
pub fn to_der(curve: Curve, fixed: &[u8]) -> Option<Vec<u8>> {
    let half = curve.field_len();
    if fixed.len() != 2 * half {
        return None;
    }
    let (r, s) = fixed.split_at(half);
    Some(element(TAG_SEQUENCE, &[&unsigned_integer(r), &unsigned_integer(s)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_edge_values() {
        // r = 1, s with its highest bit set: the shortest and the longest integer of the DER form.
        for curve in [Curve::P256, Curve::P384, Curve::P521] {
            let half = curve.field_len();
            let mut fixed = vec![0; 2 * half];
            fixed[half - 1] = 1;
            fixed[half] = 0x80;
            let der = to_der(curve, &fixed).unwrap();
            assert_eq!(to_fixed(curve, &der), Some(fixed), "{curve:?}");
            let full = vec![0xff; 2 * half];
            assert_eq!(to_fixed(curve, &to_der(curve, &full).unwrap()), Some(full), "{curve:?}");
        }
        let mut fixed = vec![0; 64];
        (fixed[31], fixed[32]) = (1, 0x80);
        let der = to_der(Curve::P256, &fixed).unwrap();
        assert_eq!(der[..5], [0x30, 3 + 35, 0x02, 1, 1]);
        assert_eq!(der[5..9], [0x02, 33, 0, 0x80]);
    }

    #[test]
    fn what_is_not_der_is_refused() {
        let read = |der: &[u8]| to_fixed(Curve::P256, der);
        let good = to_der(Curve::P256, &[0x11; 64]).unwrap();
        assert!(read(&good).is_some());
        let mut trailing = good.clone();
        trailing.push(0);
        assert_eq!(read(&trailing), None);
        for cut in 0..good.len() {
            assert_eq!(read(&good[..cut]), None, "{cut}");
        }
        assert_eq!(read(&[0x30, 6, 2, 1, 0, 2, 1, 1]), None, "zero");
        assert_eq!(read(&[0x30, 6, 2, 1, 0x80, 2, 1, 1]), None, "negative");
        assert_eq!(read(&[0x30, 7, 2, 2, 0, 1, 2, 1, 1]), None, "needless zero");
        assert_eq!(read(&[0x30, 0x81, 6, 2, 1, 1, 2, 1, 1]), None, "long length");
        assert_eq!(read(&to_der(Curve::P384, &[0x11; 96]).unwrap()), None, "of a larger curve");
    }

    #[test]
    fn another_length_is_another_curves() {
        for length in [0, 63, 65, 96, 128, 132] {
            assert_eq!(to_der(Curve::P256, &vec![1; length]), None, "{length}");
        }
    }
}
