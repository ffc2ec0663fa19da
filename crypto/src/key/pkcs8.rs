//! PKCS#8 (RFC 5208) and OneAsymmetricKey (RFC 5958): reading what a private key is before a library gets it.

use der::asn1::{AnyRef, OctetStringRef, UintRef};
use der::{Decode, Reader, SliceReader};

use super::spki::{EC_PUBLIC_KEY, ED448, ED25519, RSA_ENCRYPTION, bit_length, named_curve};
use super::{KeyError, KeyKind, MAX_RSA_BITS, MIN_PRIVATE_RSA_BITS};
use crate::asn1::{RawAlgorithm, read_all};

/// The kind of an unencrypted PKCS#8 private key; a key in another form is refused before any library sees it.
pub(crate) fn kind(pkcs8: &[u8]) -> Result<KeyKind, KeyError> {
    let (algorithm, private) = read_all(pkcs8, read_private_key_info).map_err(|_| KeyError::Malformed)?;
    match algorithm.oid {
        RSA_ENCRYPTION if algorithm.has_no_parameters() => rsa_kind(private),
        EC_PUBLIC_KEY => {
            refuse_explicit_parameters(private)?;
            named_curve(algorithm.parameters).map(KeyKind::Ec)
        }
        ED25519 if algorithm.parameters.is_none() => eddsa_kind(KeyKind::Ed25519, private, 32),
        ED448 if algorithm.parameters.is_none() => eddsa_kind(KeyKind::Ed448, private, 57),
        RSA_ENCRYPTION | ED25519 | ED448 => Err(KeyError::Malformed),
        _ => Err(KeyError::UnsupportedAlgorithm),
    }
}

/// The private scalar or seed of a key whose [`kind`] is an elliptic curve or EdDSA.
#[cfg(feature = "portable")]
pub(crate) fn secret(pkcs8: &[u8], kind: KeyKind) -> Result<&[u8], KeyError> {
    let (_, private) = read_all(pkcs8, read_private_key_info).map_err(|_| KeyError::Malformed)?;
    let secret = match kind {
        KeyKind::Ec(_) => read_all(private, |reader| reader.sequence(ec_private_key)).map(|(secret, _)| secret),
        _ => read_all(private, |reader| <&OctetStringRef>::decode(reader).map(OctetStringRef::as_bytes)),
    };
    secret.map_err(|_| KeyError::Malformed)
}

/// PKCS#8 of an elliptic-curve or EdDSA secret, with the public point for a curve (RFC 5915, 3).
#[cfg(feature = "portable")]
pub(crate) fn encode(kind: KeyKind, secret: &[u8], public: &[u8]) -> zeroize::Zeroizing<Vec<u8>> {
    use zeroize::Zeroizing;

    use super::spki::algorithm;
    use crate::asn1;

    let octets = Zeroizing::new(asn1::element(asn1::TAG_OCTET_STRING, &[secret]));
    let inner = match kind {
        KeyKind::Ec(_) => {
            let public = asn1::element(0xa1, &[&asn1::element(asn1::TAG_BIT_STRING, &[&[0], public])]);
            Zeroizing::new(asn1::element(
                asn1::TAG_SEQUENCE,
                &[&asn1::unsigned_integer(&[1]), &octets, &public],
            ))
        }
        _ => octets,
    };
    let private = Zeroizing::new(asn1::element(asn1::TAG_OCTET_STRING, &[&inner]));
    Zeroizing::new(asn1::element(
        asn1::TAG_SEQUENCE,
        &[&asn1::unsigned_integer(&[0]), &algorithm(kind), &private],
    ))
}

/// `SEQUENCE { version INTEGER (0 | 1), AlgorithmIdentifier, OCTET STRING, [0] attributes OPTIONAL, [1] publicKey OPTIONAL }`.
fn read_private_key_info<'a>(reader: &mut SliceReader<'a>) -> der::Result<(RawAlgorithm<'a>, &'a [u8])> {
    reader.sequence(|inner: &mut SliceReader<'a>| {
        if u8::decode(inner)? > 1 {
            return Err(inner.error(der::ErrorKind::Failed));
        }
        let algorithm = RawAlgorithm::read(inner)?;
        let private = <&OctetStringRef>::decode(inner)?.as_bytes();
        while !inner.is_finished() {
            if !AnyRef::decode(inner)?.header().tag().is_context_specific() {
                return Err(inner.error(der::ErrorKind::Failed));
            }
        }
        Ok((algorithm, private))
    })
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
    match read_all(private, |reader| <&OctetStringRef>::decode(reader)) {
        Ok(seed) if seed.as_bytes().len() == length => Ok(kind),
        _ => Err(KeyError::Malformed),
    }
}

/// The inner ECPrivateKey may repeat the curve (RFC 5915, 3); written out it is refused as everywhere.
fn refuse_explicit_parameters(private: &[u8]) -> Result<(), KeyError> {
    let (_, parameters) =
        read_all(private, |reader| reader.sequence(ec_private_key)).map_err(|_| KeyError::Malformed)?;
    match parameters {
        Some(parameters) => named_curve(Some(parameters)).map(|_| ()),
        None => Ok(()),
    }
}

/// `ECPrivateKey ::= SEQUENCE { version 1, privateKey OCTET STRING, [0] parameters OPTIONAL, [1] publicKey OPTIONAL }`.
fn ec_private_key<'a>(inner: &mut SliceReader<'a>) -> der::Result<(&'a [u8], Option<&'a [u8]>)> {
    if u8::decode(inner)? != 1 {
        return Err(inner.error(der::ErrorKind::Failed));
    }
    let secret = <&OctetStringRef>::decode(inner)?.as_bytes();
    let mut parameters = None;
    while !inner.is_finished() {
        let field = AnyRef::decode(inner)?;
        if field.header().tag() == PARAMETERS {
            parameters = Some(field.value());
        }
    }
    Ok((secret, parameters))
}

const PARAMETERS: der::Tag = der::Tag::ContextSpecific { constructed: true, number: der::TagNumber(0) };
