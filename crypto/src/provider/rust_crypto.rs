//! RustCrypto, as the table asks. No C, no private RSA operation (RUSTSEC-2023-0071).

use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{Aes256Gcm, KeyInit};
use ed25519_dalek::{Signer, Verifier};
use hmac::{Hmac, Mac};
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use rsa::{BoxedUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha2::Digest as _;
use zeroize::Zeroizing;

use super::cannot_fail;
use super::dispatch::{Input, PublicMaterial};
use crate::asn1;
use crate::digest::{DigestAlgorithm, MAX_DIGEST_BYTES};
use crate::key::{Curve, KeyError, KeyKind, encode_pkcs8, pkcs8_secret, rsa_components};
use crate::random;
use crate::signature::{SignatureAlgorithm, VerifyError};

mod gcm_stream;
mod key_wrap;
pub(crate) mod password_based;

pub(crate) use gcm_stream::{GcmStream, encrypt_block};
pub(crate) use key_wrap::{unwrap, wrap};

/// A digest under way.
#[derive(Clone)]
pub(crate) enum DigestContext {
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Sha3_224(sha3::Sha3_224),
    Sha3_256(sha3::Sha3_256),
    Sha3_384(sha3::Sha3_384),
    Sha3_512(sha3::Sha3_512),
}

/// Runs the same expression over whichever context it is.
macro_rules! each {
    ($context:expr, $inner:ident => $body:expr) => {
        match $context {
            DigestContext::Sha1($inner) => $body,
            DigestContext::Sha224($inner) => $body,
            DigestContext::Sha256($inner) => $body,
            DigestContext::Sha384($inner) => $body,
            DigestContext::Sha512($inner) => $body,
            DigestContext::Sha3_224($inner) => $body,
            DigestContext::Sha3_256($inner) => $body,
            DigestContext::Sha3_384($inner) => $body,
            DigestContext::Sha3_512($inner) => $body,
        }
    };
}

impl DigestContext {
    pub(crate) fn new(algorithm: DigestAlgorithm) -> Self {
        let known = match algorithm {
            DigestAlgorithm::Sha1 => Ok(Self::Sha1(sha1::Sha1::new())),
            DigestAlgorithm::Sha224 => Ok(Self::Sha224(sha2::Sha224::new())),
            DigestAlgorithm::Sha256 => Ok(Self::Sha256(sha2::Sha256::new())),
            DigestAlgorithm::Sha384 => Ok(Self::Sha384(sha2::Sha384::new())),
            DigestAlgorithm::Sha512 => Ok(Self::Sha512(sha2::Sha512::new())),
            DigestAlgorithm::Sha3_224 => Ok(Self::Sha3_224(sha3::Sha3_224::new())),
            DigestAlgorithm::Sha3_256 => Ok(Self::Sha3_256(sha3::Sha3_256::new())),
            DigestAlgorithm::Sha3_384 => Ok(Self::Sha3_384(sha3::Sha3_384::new())),
            DigestAlgorithm::Sha3_512 => Ok(Self::Sha3_512(sha3::Sha3_512::new())),
            DigestAlgorithm::Gost34311
            | DigestAlgorithm::Kupyna256
            | DigestAlgorithm::Kupyna384
            | DigestAlgorithm::Kupyna512 => Err(algorithm),
        };
        cannot_fail(known, "the table gives the national digests to no library")
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        each!(self, context => sha2::Digest::update(context, bytes));
    }

    pub(crate) fn finish(self) -> [u8; MAX_DIGEST_BYTES] {
        let mut bytes = [0; MAX_DIGEST_BYTES];
        each!(self, context => {
            let value = context.finalize();
            bytes[..value.len()].copy_from_slice(&value);
        });
        bytes
    }
}

pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = cannot_fail(<Hmac<sha2::Sha256> as KeyInit>::new_from_slice(key), "HMAC takes keys of any length");
    parts.iter().for_each(|part| Mac::update(&mut mac, part));
    mac.finalize().into_bytes().into()
}

/// AES-256-GCM under one key.
pub(crate) struct Aead(Aes256Gcm);

impl Aead {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    pub(crate) fn seal(&self, nonce: &[u8; 12], aad: &[u8], plaintext: &[u8], out: &mut [u8], tag: &mut [u8; 16]) {
        let buffer = cannot_fail(InOutBuf::new(plaintext, out), "ciphertext is as long as plaintext");
        let sealed = self.0.encrypt_inout_detached(nonce.into(), aad, buffer);
        tag.copy_from_slice(&cannot_fail(sealed, "AES-256-GCM seals what fits in memory"));
    }

    pub(crate) fn open(&self, nonce: &[u8; 12], aad: &[u8], ciphertext: &[u8], tag: &[u8; 16], out: &mut [u8]) -> bool {
        let Ok(buffer) = InOutBuf::new(ciphertext, out) else { return false };
        self.0.decrypt_inout_detached(nonce.into(), aad, buffer, tag.into()).is_ok()
    }
}

/// A public key.
pub(crate) enum VerifyingKey {
    Rsa(RsaPublicKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl VerifyingKey {
    pub(crate) fn load(material: PublicMaterial<'_>) -> Result<Self, KeyError> {
        match material.kind {
            KeyKind::Rsa { .. } => {
                let (modulus, exponent) = rsa_components(material.raw).ok_or(KeyError::Malformed)?;
                let modulus = BoxedUint::from_be_slice_vartime(modulus);
                let exponent = BoxedUint::from_be_slice_vartime(exponent);
                RsaPublicKey::new(modulus, exponent).map(Self::Rsa).map_err(|_| KeyError::UnsupportedAlgorithm)
            }
            KeyKind::Ec(Curve::P256) => p256::ecdsa::VerifyingKey::from_sec1_bytes(material.raw)
                .map(Self::P256)
                .map_err(|_| KeyError::InvalidPoint),
            KeyKind::Ec(Curve::P384) => p384::ecdsa::VerifyingKey::from_sec1_bytes(material.raw)
                .map(Self::P384)
                .map_err(|_| KeyError::InvalidPoint),
            KeyKind::Ed25519 => {
                let raw = material.raw.first_chunk().ok_or(KeyError::Malformed)?;
                ed25519_dalek::VerifyingKey::from_bytes(raw).map(Self::Ed25519).map_err(|_| KeyError::Malformed)
            }
            KeyKind::Ec(_) | KeyKind::Ed448 | KeyKind::Dstu4145(_) => Err(KeyError::UnsupportedAlgorithm),
        }
    }

    pub(crate) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        input: Input<'_>,
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let verified = match (self, input) {
            (Self::Rsa(key), Input::Digest(digest)) => verify_rsa(key, algorithm, digest.as_bytes(), signature)?,
            (Self::P256(key), Input::Digest(digest)) => p256::ecdsa::DerSignature::from_bytes(signature)
                .and_then(|signature| key.verify_prehash(&pad::<32>(digest.as_bytes()), &signature))
                .is_ok(),
            (Self::P384(key), Input::Digest(digest)) => p384::ecdsa::DerSignature::from_bytes(signature)
                .and_then(|signature| key.verify_prehash(&pad::<48>(digest.as_bytes()), &signature))
                .is_ok(),
            (Self::Ed25519(key), Input::Message(message)) => ed25519_dalek::Signature::from_slice(signature)
                .and_then(|signature| key.verify(message, &signature))
                .is_ok(),
            _ => return Err(VerifyError::UnsupportedAlgorithm),
        };
        if verified { Ok(()) } else { Err(VerifyError::Mismatch) }
    }

    pub(crate) fn encrypt_rsa_oaep(&self, _plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        Err(KeyError::UnsupportedAlgorithm)
    }
}

/// A private key.
pub(crate) enum SigningKey {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

impl SigningKey {
    /// Fresh key and its PKCS#8.
    pub(crate) fn generate(kind: KeyKind) -> Result<(Self, Zeroizing<Vec<u8>>), KeyError> {
        let length = secret_len(kind).ok_or(KeyError::UnsupportedAlgorithm)?;
        let mut secret = Zeroizing::new([0; MAX_SECRET_BYTES]);
        let secret = &mut secret[..length];
        // A random number is no scalar of the curve with a chance of 2^-32: then the next one is.
        let key = loop {
            random::fill(secret);
            if let Ok(key) = Self::from_secret(kind, secret) {
                break key;
            }
        };
        let pkcs8 = encode_pkcs8(kind, secret, &key.public_raw());
        Ok((key, pkcs8))
    }

    pub(crate) fn load(kind: KeyKind, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let length = secret_len(kind).ok_or(KeyError::UnsupportedAlgorithm)?;
        let (secret, public) = pkcs8_secret(pkcs8, kind)?;
        if secret.len() != length {
            return Err(KeyError::Malformed);
        }
        let key = Self::from_secret(kind, secret)?;
        let contradicts = public.is_some_and(|public| public != key.public_raw());
        if contradicts { Err(KeyError::Malformed) } else { Ok(key) }
    }

    fn from_secret(kind: KeyKind, secret: &[u8]) -> Result<Self, KeyError> {
        match kind {
            KeyKind::Ec(Curve::P256) => {
                p256::ecdsa::SigningKey::from_slice(secret).map(Self::P256).map_err(|_| KeyError::Malformed)
            }
            KeyKind::Ec(Curve::P384) => {
                p384::ecdsa::SigningKey::from_slice(secret).map(Self::P384).map_err(|_| KeyError::Malformed)
            }
            KeyKind::Ed25519 => {
                let seed = secret.first_chunk().ok_or(KeyError::Malformed)?;
                Ok(Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(seed)))
            }
            _ => Err(KeyError::UnsupportedAlgorithm),
        }
    }

    /// Uncompressed point or raw EdDSA key.
    pub(crate) fn public_raw(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
            Self::P384(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
            Self::Ed25519(key) => key.verifying_key().to_bytes().to_vec(),
        }
    }

    pub(crate) fn sign(&self, input: Input<'_>) -> Result<Vec<u8>, KeyError> {
        match (self, input) {
            (Self::P256(key), Input::Digest(digest)) => {
                let signature: p256::ecdsa::Signature =
                    key.sign_prehash(&pad::<32>(digest.as_bytes())).map_err(|_| KeyError::OperationFailed)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
            (Self::P384(key), Input::Digest(digest)) => {
                let signature: p384::ecdsa::Signature =
                    key.sign_prehash(&pad::<48>(digest.as_bytes())).map_err(|_| KeyError::OperationFailed)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
            (Self::Ed25519(key), Input::Message(message)) => Ok(key.sign(message).to_bytes().to_vec()),
            _ => Err(KeyError::WrongOperation),
        }
    }

    pub(crate) fn agree(&self, point: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match self {
            Self::P256(key) => {
                let peer = p256::PublicKey::from_sec1_bytes(point).map_err(|_| KeyError::InvalidPoint)?;
                let secret = p256::ecdh::diffie_hellman(key.as_nonzero_scalar(), peer.as_affine());
                Ok(Zeroizing::new(secret.raw_secret_bytes().to_vec()))
            }
            Self::P384(key) => {
                let peer = p384::PublicKey::from_sec1_bytes(point).map_err(|_| KeyError::InvalidPoint)?;
                let secret = p384::ecdh::diffie_hellman(key.as_nonzero_scalar(), peer.as_affine());
                Ok(Zeroizing::new(secret.raw_secret_bytes().to_vec()))
            }
            Self::Ed25519(_) => Err(KeyError::WrongOperation),
        }
    }

    pub(crate) fn decrypt_rsa_oaep(&self, _ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        Err(KeyError::UnsupportedAlgorithm)
    }
}

fn verify_rsa(
    key: &RsaPublicKey,
    algorithm: SignatureAlgorithm,
    digest: &[u8],
    signature: &[u8],
) -> Result<bool, VerifyError> {
    let verdict = match algorithm {
        SignatureAlgorithm::RsaPkcs1(named) => {
            let scheme = Pkcs1v15Sign { hash_len: Some(named.output_len()), prefix: digest_info_prefix(named) };
            key.verify(scheme, digest, signature)
        }
        SignatureAlgorithm::RsaPss { digest: named, salt_len, .. } => match named {
            DigestAlgorithm::Sha1 => key.verify(Pss::<sha1::Sha1>::new_with_salt(salt_len), digest, signature),
            DigestAlgorithm::Sha224 => key.verify(Pss::<sha2::Sha224>::new_with_salt(salt_len), digest, signature),
            DigestAlgorithm::Sha256 => key.verify(Pss::<sha2::Sha256>::new_with_salt(salt_len), digest, signature),
            DigestAlgorithm::Sha384 => key.verify(Pss::<sha2::Sha384>::new_with_salt(salt_len), digest, signature),
            DigestAlgorithm::Sha512 => key.verify(Pss::<sha2::Sha512>::new_with_salt(salt_len), digest, signature),
            DigestAlgorithm::Sha3_224 => key.verify(Pss::<sha3::Sha3_224>::new_with_salt(salt_len), digest, signature),
            DigestAlgorithm::Sha3_256 => key.verify(Pss::<sha3::Sha3_256>::new_with_salt(salt_len), digest, signature),
            DigestAlgorithm::Sha3_384 => key.verify(Pss::<sha3::Sha3_384>::new_with_salt(salt_len), digest, signature),
            DigestAlgorithm::Sha3_512 => key.verify(Pss::<sha3::Sha3_512>::new_with_salt(salt_len), digest, signature),
            DigestAlgorithm::Gost34311
            | DigestAlgorithm::Kupyna256
            | DigestAlgorithm::Kupyna384
            | DigestAlgorithm::Kupyna512 => return Err(VerifyError::UnsupportedAlgorithm),
        },
        _ => return Err(VerifyError::UnsupportedAlgorithm),
    };
    Ok(verdict.is_ok())
}

/// The DER of DigestInfo up to the digest (RFC 8017, 9.2, note 1).
fn digest_info_prefix(algorithm: DigestAlgorithm) -> Box<[u8]> {
    let length = algorithm.output_len();
    let name = asn1::algorithm(&der::asn1::ObjectIdentifier::new_unwrap(algorithm.oid()), &asn1::NULL);
    let value = asn1::element(asn1::TAG_OCTET_STRING, &[&[0; MAX_DIGEST_BYTES][..length]]);
    let mut info = asn1::element(asn1::TAG_SEQUENCE, &[&name, &value]);
    info.truncate(info.len() - length);
    info.into_boxed_slice()
}

/// A digest shorter than the field is the same number with zeros before it (FIPS 186-5, 6.4.1); the crate refuses it without them.
fn pad<const FIELD: usize>(digest: &[u8]) -> Vec<u8> {
    let mut padded = vec![0; FIELD.saturating_sub(digest.len())];
    padded.extend_from_slice(digest);
    padded
}

fn secret_len(kind: KeyKind) -> Option<usize> {
    match kind {
        KeyKind::Ec(curve @ (Curve::P256 | Curve::P384)) => Some(curve.field_len()),
        KeyKind::Ed25519 => Some(32),
        _ => None,
    }
}

const MAX_SECRET_BYTES: usize = 48;
