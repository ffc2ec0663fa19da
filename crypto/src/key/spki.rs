//! SubjectPublicKeyInfo: strict reading into a [`Shape`], and writing.

use std::ops::Range;

use der::asn1::{BitStringRef, ObjectIdentifier, UintRef};
use der::{Decode, Reader, SliceReader};

use super::{Curve, KeyError, KeyKind, MAX_RSA_BITS, MIN_RSA_BITS, PssBound};
use crate::asn1::{self, RawAlgorithm, read_all};
use crate::dstu4145::{self, ByteOrder, CurveForm, Parameters, SubjectPublicKey};
use crate::gost28147::Dke;
use crate::signature::{SignatureAlgorithm, pss_parameters};

/// What a SubjectPublicKeyInfo says, checked as far as arithmetic on the curve is not needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) kind: KeyKind,
    /// Where in the SubjectPublicKeyInfo the content of the BIT STRING lies.
    pub(crate) raw: Range<usize>,
    /// 0 for keys that are not RSA.
    pub(crate) exponent_bits: u32,
    pub(crate) pss: Option<PssBound>,
    /// For a key of DSTU 4145, whose point is checked already.
    pub(crate) dstu4145: Option<SubjectPublicKey>,
}

impl Shape {
    pub(crate) fn read(spki: &[u8]) -> Result<Self, KeyError> {
        let (algorithm, raw) = read_all(spki, |reader| {
            reader.sequence(|inner: &mut SliceReader<'_>| {
                let algorithm = RawAlgorithm::read(inner)?;
                let bits = BitStringRef::decode(inner)?;
                let raw = bits.as_bytes().ok_or_else(|| inner.error(der::ErrorKind::Failed))?;
                Ok((algorithm, raw))
            })
        })
        .map_err(|_| KeyError::Malformed)?;
        // Strict DER leaves nothing behind the BIT STRING's content.
        let range = spki.len() - raw.len()..spki.len();
        match algorithm.oid {
            RSA_ENCRYPTION if algorithm.has_no_parameters() => Self::rsa(raw, range, None),
            RSASSA_PSS => Self::rsa(raw, range, Some(pss_bound(algorithm.parameters)?)),
            EC_PUBLIC_KEY => Self::ec(named_curve(algorithm.parameters)?, raw, range),
            ED25519 if algorithm.parameters.is_none() => {
                let shape = Self::eddsa(KeyKind::Ed25519, 32, range)?;
                if is_sound_ed25519(raw) { Ok(shape) } else { Err(KeyError::InvalidPoint) }
            }
            ED448 if algorithm.parameters.is_none() => Self::eddsa(KeyKind::Ed448, 57, range),
            RSA_ENCRYPTION | ED25519 | ED448 => Err(KeyError::Malformed),
            // The rest is DSTU 4145, or unknown to it too.
            _ => {
                let key = SubjectPublicKey::from_spki_der(spki)?;
                let kind = KeyKind::Dstu4145(key.parameters.curve);
                Ok(Self { kind, raw: range, exponent_bits: 0, pss: None, dstu4145: Some(key) })
            }
        }
    }

    fn rsa(raw: &[u8], range: Range<usize>, pss: Option<PssBound>) -> Result<Self, KeyError> {
        let (modulus, exponent) = rsa_components(raw).ok_or(KeyError::Malformed)?;
        let bits = bit_length(modulus).ok_or(KeyError::SizeOutOfBounds)?;
        let exponent_bits = bit_length(exponent).ok_or(KeyError::InvalidExponent)?;
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
            return Err(KeyError::SizeOutOfBounds);
        }
        if !is_odd(modulus) {
            return Err(KeyError::InvalidModulus);
        }
        // An odd number of at least two bits is at least 3.
        if !(2..=MAX_EXPONENT_BITS).contains(&exponent_bits) || !is_odd(exponent) {
            return Err(KeyError::InvalidExponent);
        }
        Ok(Self { kind: KeyKind::Rsa { bits }, raw: range, exponent_bits, pss, dstu4145: None })
    }

    fn ec(curve: Curve, point: &[u8], range: Range<usize>) -> Result<Self, KeyError> {
        let wanted = match point.first() {
            Some(0x04) => 1 + 2 * curve.field_len(),
            Some(0x02 | 0x03) => 1 + curve.field_len(),
            _ => return Err(KeyError::InvalidPoint),
        };
        if point.len() != wanted {
            return Err(KeyError::InvalidPoint);
        }
        Ok(Self { kind: KeyKind::Ec(curve), raw: range, exponent_bits: 0, pss: None, dstu4145: None })
    }

    fn eddsa(kind: KeyKind, length: usize, range: Range<usize>) -> Result<Self, KeyError> {
        if range.len() != length {
            return Err(KeyError::Malformed);
        }
        Ok(Self { kind, raw: range, exponent_bits: 0, pss: None, dstu4145: None })
    }
}

/// `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }` (RFC 8017, A.1.1), without leading zeros.
pub(crate) fn rsa_components(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    read_all(raw, |reader| {
        reader.sequence(|inner: &mut SliceReader<'_>| {
            let modulus = UintRef::decode(inner)?;
            let exponent = UintRef::decode(inner)?;
            Ok((modulus.as_bytes(), exponent.as_bytes()))
        })
    })
    .ok()
}

/// The curve of `id-ecPublicKey` parameters (RFC 5480, 2.1.1: namedCurve only).
pub(crate) fn named_curve(parameters: Option<&[u8]>) -> Result<Curve, KeyError> {
    let parameters = parameters.ok_or(KeyError::Malformed)?;
    if parameters.first() == Some(&asn1::TAG_SEQUENCE) {
        return Err(KeyError::ExplicitCurveParameters);
    }
    let oid = ObjectIdentifier::from_der(parameters).map_err(|_| KeyError::Malformed)?;
    Curve::ALL.into_iter().find(|curve| curve_oid(*curve) == oid).ok_or(KeyError::UnsupportedCurve)
}

/// A SubjectPublicKeyInfo for `raw`.
pub(crate) fn encode(kind: KeyKind, raw: &[u8]) -> Vec<u8> {
    encode_with(&algorithm(kind), raw)
}

/// A SubjectPublicKeyInfo of the given AlgorithmIdentifier.
pub(crate) fn encode_with(algorithm: &[u8], raw: &[u8]) -> Vec<u8> {
    asn1::element(asn1::TAG_SEQUENCE, &[algorithm, &asn1::element(asn1::TAG_BIT_STRING, &[&[0], raw])])
}

/// The AlgorithmIdentifier of a key of this kind.
pub(crate) fn algorithm(kind: KeyKind) -> Vec<u8> {
    match kind {
        KeyKind::Rsa { .. } => asn1::algorithm(&RSA_ENCRYPTION, &asn1::NULL),
        KeyKind::Ec(curve) => asn1::algorithm(&EC_PUBLIC_KEY, &asn1::element(0x06, &[curve_oid(curve).as_bytes()])),
        KeyKind::Ed25519 => asn1::algorithm(&ED25519, &[]),
        KeyKind::Ed448 => asn1::algorithm(&ED448, &[]),
        KeyKind::Dstu4145(curve) => dstu4145_algorithm(&usual_parameters(curve)),
    }
}

/// The AlgorithmIdentifier of a key of DSTU 4145.
pub(crate) fn dstu4145_algorithm(parameters: &Parameters) -> Vec<u8> {
    asn1::algorithm(&ObjectIdentifier::new_unwrap(parameters.algorithm_oid()), &parameters.to_der())
}

/// What the authorities of Ukraine put into certificates: little-endian, the curve written out, DKE No 1.
pub(crate) fn usual_parameters(curve: dstu4145::Curve) -> Parameters {
    let substitution = Some(*Dke::NUMBER_1.packed());
    Parameters { curve, byte_order: ByteOrder::Little, form: CurveForm::Explicit, substitution }
}

/// RFC 4055, 3.1: without parameters the key may be used with any; with parameters it is bound to them.
fn pss_bound(parameters: Option<&[u8]>) -> Result<PssBound, KeyError> {
    let Some(parameters) = parameters else { return Ok(PssBound::Any) };
    match pss_parameters(parameters) {
        Some(SignatureAlgorithm::RsaPss { digest, mgf_digest, salt_len }) => {
            Ok(PssBound::Fixed { digest, mgf_digest, min_salt_len: salt_len })
        }
        _ => Err(KeyError::UnsupportedAlgorithm),
    }
}

/// False for an encoding that RFC 8032, 5.1.3 step 1 refuses (libraries differ there), and for the points of small order: under such a key
/// one signature fits every message, so it binds its holder to nothing.
fn is_sound_ed25519(raw: &[u8]) -> bool {
    let mut y: [u8; 32] = match raw.try_into() {
        Ok(y) => y,
        Err(_) => return false,
    };
    y[31] &= 0x7f;
    let canonical = y[31] != 0x7f || y[1..31].iter().any(|byte| *byte != 0xff) || y[0] < 0xed;
    canonical && !SMALL_ORDER_Y.contains(&y)
}

/// Bits of a big-endian number without leading zeros; `None` beyond all bounds.
pub(crate) fn bit_length(number: &[u8]) -> Option<u32> {
    let Some(first) = number.first() else { return Some(0) };
    u32::try_from(number.len()).ok()?.checked_mul(8)?.checked_sub(first.leading_zeros())
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|byte| byte & 1 == 1)
}

fn curve_oid(curve: Curve) -> ObjectIdentifier {
    match curve {
        Curve::P256 => P256,
        Curve::P384 => P384,
        Curve::P521 => P521,
        Curve::BrainpoolP256r1 => BRAINPOOL_P256R1,
        Curve::BrainpoolP384r1 => BRAINPOOL_P384R1,
        Curve::BrainpoolP512r1 => BRAINPOOL_P512R1,
    }
}

/// OpenSSL takes larger exponents only for small moduli; nobody uses them.
const MAX_EXPONENT_BITS: u32 = 64;
pub(crate) const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(crate) const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(crate) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
pub(crate) const ED448: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.113");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const BRAINPOOL_P256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.7");
const BRAINPOOL_P384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.11");
const BRAINPOOL_P512R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.13");
/// The y coordinates, little-endian, of the eight points of edwards25519 whose order divides 8: order 4, 1, 2, and twice 8.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    [0; 32],
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(y: [u8; 32]) -> Result<KeyKind, KeyError> {
        Shape::read(&encode(KeyKind::Ed25519, &y)).map(|shape| shape.kind)
    }

    #[test]
    fn weak_and_doubtful_ed25519_keys_are_refused() {
        for sign in [0, 0x80] {
            for mut y in SMALL_ORDER_Y {
                y[31] |= sign;
                assert_eq!(read(y), Err(KeyError::InvalidPoint));
                // The two with x = 0 have no second sign; all others are points, and RustCrypto calls them weak too.
                #[cfg(feature = "portable")]
                if let Ok(point) = ed25519_dalek::VerifyingKey::from_bytes(&y) {
                    assert!(point.is_weak(), "{y:02x?}");
                }
            }
            for low in 0xed..=0xff {
                let mut y = [0xff; 32];
                (y[0], y[31]) = (low, 0x7f | sign);
                assert_eq!(read(y), Err(KeyError::InvalidPoint), "{low:x}");
            }
        }
        let mut canonical = [0xff; 32];
        (canonical[0], canonical[31]) = (0xeb, 0x7f);
        assert_eq!(read(canonical), Ok(KeyKind::Ed25519));
    }
}
