//! PKCS#8 (RFC 5208) and OneAsymmetricKey (RFC 5958): reading what a private key is before a library gets it.

use der::asn1::{AnyRef, BitStringRef, OctetStringRef, UintRef};
use der::{Decode, Reader, SliceReader, Tag, TagNumber};
use zeroize::Zeroizing;

use super::spki::{self, EC_PUBLIC_KEY, ED448, ED25519, RSA_ENCRYPTION, bit_length, named_curve};
use super::{KeyError, KeyKind, MAX_RSA_BITS, MIN_PRIVATE_DSTU_4145_DEGREE, MIN_PRIVATE_RSA_BITS};
use crate::asn1::{self, RawAlgorithm, read_all};
use crate::dstu4145::{Parameters, PrivateKey, PrivateKeyError};

/// The kind of an unencrypted PKCS#8 private key; a key in another form is refused before any library sees it.
pub(crate) fn kind(pkcs8: &[u8]) -> Result<KeyKind, KeyError> {
    let info = read_all(pkcs8, PrivateKeyInfo::read).map_err(|_| KeyError::Malformed)?;
    let algorithm = info.algorithm;
    match algorithm.oid {
        RSA_ENCRYPTION if algorithm.has_no_parameters() => rsa_kind(info.private),
        EC_PUBLIC_KEY => ec_kind(algorithm, info.private),
        ED25519 if algorithm.parameters.is_none() => eddsa_kind(KeyKind::Ed25519, info.private, 32),
        ED448 if algorithm.parameters.is_none() => eddsa_kind(KeyKind::Ed448, info.private, 57),
        RSA_ENCRYPTION | ED25519 | ED448 => Err(KeyError::Malformed),
        // The rest is DSTU 4145, or unknown to it too.
        _ => {
            let curve = dstu4145_parameters(algorithm)?.curve;
            if curve.degree() < MIN_PRIVATE_DSTU_4145_DEGREE {
                return Err(KeyError::SizeOutOfBounds);
            }
            Ok(KeyKind::Dstu4145(curve))
        }
    }
}

/// The AlgorithmIdentifier of a PKCS#8, as it stands.
pub(crate) fn algorithm(pkcs8: &[u8]) -> Result<Vec<u8>, KeyError> {
    let RawAlgorithm { oid, parameters } =
        read_all(pkcs8, PrivateKeyInfo::read).map_err(|_| KeyError::Malformed)?.algorithm;
    Ok(asn1::algorithm(&oid, parameters.unwrap_or_default()))
}

/// A private key of DSTU 4145: d as the content of the OCTET STRING, in the byte order of the algorithm's OID.
pub(crate) fn dstu4145(pkcs8: &[u8]) -> Result<(PrivateKey, Parameters), KeyError> {
    let info = read_all(pkcs8, PrivateKeyInfo::read).map_err(|_| KeyError::Malformed)?;
    let parameters = dstu4145_parameters(info.algorithm)?;
    match PrivateKey::from_bytes(parameters.curve, parameters.byte_order, info.private) {
        Ok(key) => Ok((key, parameters)),
        Err(PrivateKeyError::Length) => Err(KeyError::Malformed),
        Err(PrivateKeyError::Zero | PrivateKeyError::Range) => Err(KeyError::InvalidScalar),
        Err(PrivateKeyError::NormalBasis) => Err(KeyError::UnsupportedAlgorithm),
    }
}

/// The PKCS#8 of a key of DSTU 4145.
pub(crate) fn encode_dstu4145(key: &PrivateKey, parameters: &Parameters) -> Zeroizing<Vec<u8>> {
    let private = Zeroizing::new(asn1::element(asn1::TAG_OCTET_STRING, &[&key.to_bytes(parameters.byte_order)]));
    let algorithm = spki::dstu4145_algorithm(parameters);
    Zeroizing::new(asn1::element(asn1::TAG_SEQUENCE, &[&asn1::unsigned_integer(&[0]), &algorithm, &private]))
}

fn dstu4145_parameters(algorithm: RawAlgorithm<'_>) -> Result<Parameters, KeyError> {
    Ok(Parameters::from_algorithm(&algorithm.oid.to_string(), algorithm.parameters.unwrap_or_default())?)
}

/// The private scalar or seed of a key whose [`kind`] is an elliptic curve or EdDSA, and the public key where it is written beside it.
#[cfg(feature = "portable")]
pub(crate) fn secret(pkcs8: &[u8], kind: KeyKind) -> Result<(&[u8], Option<&[u8]>), KeyError> {
    let info = read_all(pkcs8, PrivateKeyInfo::read).map_err(|_| KeyError::Malformed)?;
    if let KeyKind::Ec(_) = kind {
        let inner = read_all(info.private, EcPrivateKey::read).map_err(|_| KeyError::Malformed)?;
        return Ok((inner.secret, inner.public));
    }
    let seed = read_all(info.private, <&OctetStringRef>::decode).map_err(|_| KeyError::Malformed)?;
    Ok((seed.as_bytes(), info.public))
}

/// PKCS#8 of an elliptic-curve or EdDSA secret, with the public point for a curve (RFC 5915, 3).
#[cfg(feature = "portable")]
pub(crate) fn encode(kind: KeyKind, secret: &[u8], public: &[u8]) -> Zeroizing<Vec<u8>> {
    let octets = Zeroizing::new(asn1::element(asn1::TAG_OCTET_STRING, &[secret]));
    let inner = match kind {
        KeyKind::Ec(_) => {
            let public = asn1::element(0xa1, &[&asn1::element(asn1::TAG_BIT_STRING, &[&[0], public])]);
            Zeroizing::new(asn1::element(asn1::TAG_SEQUENCE, &[&asn1::unsigned_integer(&[1]), &octets, &public]))
        }
        _ => octets,
    };
    let private = Zeroizing::new(asn1::element(asn1::TAG_OCTET_STRING, &[&inner]));
    Zeroizing::new(asn1::element(
        asn1::TAG_SEQUENCE,
        &[&asn1::unsigned_integer(&[0]), &spki::algorithm(kind), &private],
    ))
}

/// `SEQUENCE { version INTEGER (0 | 1), AlgorithmIdentifier, OCTET STRING, [0] attributes OPTIONAL, [1] publicKey OPTIONAL }`
/// (RFC 5958, 2).
struct PrivateKeyInfo<'a> {
    algorithm: RawAlgorithm<'a>,
    private: &'a [u8],
    #[cfg_attr(not(feature = "portable"), allow(dead_code, reason = "the native libraries read it themselves"))]
    public: Option<&'a [u8]>,
}

impl<'a> PrivateKeyInfo<'a> {
    fn read(reader: &mut SliceReader<'a>) -> der::Result<Self> {
        reader.sequence(|inner: &mut SliceReader<'a>| {
            if u8::decode(inner)? > 1 {
                return Err(inner.error(der::ErrorKind::Failed));
            }
            let algorithm = RawAlgorithm::read(inner)?;
            let private = <&OctetStringRef>::decode(inner)?.as_bytes();
            let mut public = None;
            while !inner.is_finished() {
                let field = AnyRef::decode(inner)?;
                match field.header().tag() {
                    ATTRIBUTES => {}
                    IMPLICIT_PUBLIC_KEY => public = field.value().strip_prefix(&[0]),
                    _ => return Err(inner.error(der::ErrorKind::Failed)),
                }
            }
            Ok(Self { algorithm, private, public })
        })
    }
}

/// `ECPrivateKey ::= SEQUENCE { version 1, privateKey OCTET STRING, [0] parameters OPTIONAL, [1] publicKey OPTIONAL }` (RFC 5915, 3).
struct EcPrivateKey<'a> {
    #[cfg_attr(not(feature = "portable"), allow(dead_code, reason = "the native libraries read it themselves"))]
    secret: &'a [u8],
    parameters: Option<&'a [u8]>,
    #[cfg_attr(not(feature = "portable"), allow(dead_code, reason = "the native libraries read it themselves"))]
    public: Option<&'a [u8]>,
}

impl<'a> EcPrivateKey<'a> {
    fn read(reader: &mut SliceReader<'a>) -> der::Result<Self> {
        reader.sequence(|inner: &mut SliceReader<'a>| {
            if u8::decode(inner)? != 1 {
                return Err(inner.error(der::ErrorKind::Failed));
            }
            let secret = <&OctetStringRef>::decode(inner)?.as_bytes();
            let (mut parameters, mut public) = (None, None);
            while !inner.is_finished() {
                let field = AnyRef::decode(inner)?;
                match field.header().tag() {
                    PARAMETERS => parameters = Some(field.value()),
                    PUBLIC_KEY => public = BitStringRef::from_der(field.value())?.as_bytes(),
                    _ => return Err(inner.error(der::ErrorKind::Failed)),
                }
            }
            Ok(Self { secret, parameters, public })
        })
    }
}

/// `RSAPrivateKey ::= SEQUENCE { version, modulus, ... }` (RFC 8017, A.1.2); the library checks the rest.
fn rsa_kind(private: &[u8]) -> Result<KeyKind, KeyError> {
    let bits = read_all(private, |reader| {
        reader.sequence(|inner: &mut SliceReader<'_>| {
            u8::decode(inner)?;
            let modulus = UintRef::decode(inner)?;
            while !inner.is_finished() {
                AnyRef::decode(inner)?;
            }
            Ok(bit_length(modulus.as_bytes()))
        })
    })
    .map_err(|_| KeyError::Malformed)?
    .ok_or(KeyError::SizeOutOfBounds)?;
    if (MIN_PRIVATE_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        Ok(KeyKind::Rsa { bits })
    } else {
        Err(KeyError::SizeOutOfBounds)
    }
}

/// `CurvePrivateKey ::= OCTET STRING` (RFC 8410, 7).
fn eddsa_kind(kind: KeyKind, private: &[u8], length: usize) -> Result<KeyKind, KeyError> {
    match read_all(private, <&OctetStringRef>::decode) {
        Ok(seed) if seed.as_bytes().len() == length => Ok(kind),
        _ => Err(KeyError::Malformed),
    }
}

/// The inner ECPrivateKey may repeat the curve; written out it is refused as everywhere, and another curve is no key.
fn ec_kind(algorithm: RawAlgorithm<'_>, private: &[u8]) -> Result<KeyKind, KeyError> {
    let inner = read_all(private, EcPrivateKey::read).map_err(|_| KeyError::Malformed)?;
    if inner.parameters.is_some() && named_curve(inner.parameters)? != named_curve(algorithm.parameters)? {
        return Err(KeyError::Malformed);
    }
    named_curve(algorithm.parameters).map(KeyKind::Ec)
}

const ATTRIBUTES: Tag = context(true, 0);
const IMPLICIT_PUBLIC_KEY: Tag = context(false, 1);
const PARAMETERS: Tag = context(true, 0);
const PUBLIC_KEY: Tag = context(true, 1);

const fn context(constructed: bool, number: u32) -> Tag {
    Tag::ContextSpecific { constructed, number: TagNumber(number) }
}
