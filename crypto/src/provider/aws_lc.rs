//! aws-lc-rs, as the table asks.

use std::sync::OnceLock;

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement;
use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
use aws_lc_rs::hmac;
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap};
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, ParsedPublicKey, RsaEncoding,
    VerificationAlgorithm,
};
use zeroize::Zeroizing;

use super::cannot_fail;
use super::dispatch::{Input, PublicMaterial};
use crate::digest::{Digest, DigestAlgorithm, MAX_DIGEST_BYTES};
use crate::key::{Curve, KeyError, KeyKind};
use crate::signature::{SignatureAlgorithm, VerifyError};

/// SHA-1 or SHA-2 under way.
pub(crate) struct DigestContext(digest::Context);

impl DigestContext {
    pub(crate) fn new(algorithm: DigestAlgorithm) -> Self {
        Self(digest::Context::new(digest_algorithm(algorithm)))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> [u8; MAX_DIGEST_BYTES] {
        widen(self.0.finish().as_ref())
    }
}

#[inline]
pub(crate) fn digest_once(algorithm: DigestAlgorithm, bytes: &[u8]) -> [u8; MAX_DIGEST_BYTES] {
    widen(digest::digest(digest_algorithm(algorithm), bytes).as_ref())
}

pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    parts.iter().for_each(|part| context.update(part));
    let mut value = [0; 32];
    value.copy_from_slice(context.sign().as_ref());
    value
}

/// AES-256-GCM under one key.
pub(crate) struct Aead(LessSafeKey);

impl Aead {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(LessSafeKey::new(cannot_fail(UnboundKey::new(&aead::AES_256_GCM, key), "AES-256-GCM takes a 32-byte key")))
    }

    pub(crate) fn seal(&self, nonce: &[u8; 12], aad: &[u8], plaintext: &[u8], out: &mut [u8], tag: &mut [u8; 16]) {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let sealed = self.0.seal_out_of_place_scatter(nonce, Aad::from(aad), plaintext, out, &[], tag);
        cannot_fail(sealed, "AES-256-GCM seals what fits in memory");
    }

    pub(crate) fn open(&self, nonce: &[u8; 12], aad: &[u8], ciphertext: &[u8], tag: &[u8; 16], out: &mut [u8]) -> bool {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0.open_separate_gather(nonce, Aad::from(aad), ciphertext, tag, out).is_ok()
    }
}

/// `out` is 8 bytes longer than `key`, whose length the caller has checked.
pub(crate) fn wrap(kek: &[u8; 32], key: &[u8], out: &mut [u8]) {
    let kek = cannot_fail(AesKek::new(&AES_256, kek), "AES-256 takes a 32-byte key");
    cannot_fail(kek.wrap(key, out), "RFC 3394 wraps any multiple of 8 bytes from 16 on");
}

/// `out` is 8 bytes shorter than `wrapped`.
pub(crate) fn unwrap(kek: &[u8; 32], wrapped: &[u8], out: &mut [u8]) -> bool {
    let kek = cannot_fail(AesKek::new(&AES_256, kek), "AES-256 takes a 32-byte key");
    kek.unwrap(wrapped, out).is_ok()
}

/// A public key, parsed for the first algorithm that it was used with: a key has nearly always only one.
pub(crate) struct VerifyingKey {
    first: OnceLock<(SignatureAlgorithm, ParsedPublicKey)>,
}

impl VerifyingKey {
    pub(crate) fn new() -> Self {
        Self { first: OnceLock::new() }
    }

    /// Checks the point of `curve` and keeps the parsed key for the digest that the curve is mostly used with.
    pub(crate) fn check_point(&self, curve: Curve, point: &[u8]) -> Result<(), KeyError> {
        let natural = SignatureAlgorithm::Ecdsa(natural_digest(curve));
        let algorithm = verification_algorithm(KeyKind::Ec(curve), natural).ok_or(KeyError::UnsupportedAlgorithm)?;
        let parsed = ParsedPublicKey::new(algorithm, point).map_err(|_| KeyError::InvalidPoint)?;
        self.first.get_or_init(|| (natural, parsed));
        Ok(())
    }

    pub(crate) fn verify(
        &self,
        material: PublicMaterial<'_>,
        algorithm: SignatureAlgorithm,
        input: Input<'_>,
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        if let Some((known, key)) = self.first.get()
            && *known == algorithm
        {
            return verify_parsed(key, input, signature);
        }
        let aws = verification_algorithm(material.kind, algorithm).ok_or(VerifyError::UnsupportedAlgorithm)?;
        let key = ParsedPublicKey::new(aws, material.raw).map_err(|_| VerifyError::Mismatch)?;
        let verdict = verify_parsed(&key, input, signature);
        self.first.get_or_init(|| (algorithm, key));
        verdict
    }
}

fn verify_parsed(key: &ParsedPublicKey, input: Input<'_>, signature: &[u8]) -> Result<(), VerifyError> {
    let verdict = match input {
        Input::Message(message) => key.verify_sig(message, signature),
        Input::Digest(digest) => key.verify_digest_sig(&import(digest), signature),
    };
    verdict.map_err(|_| VerifyError::Mismatch)
}

/// A private key, parsed once.
pub(crate) enum SigningKey {
    Ecdsa { curve: Curve, pair: EcdsaKeyPair, agreement: OnceLock<agreement::PrivateKey> },
    Rsa(rsa::KeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Fresh key and its PKCS#8.
    pub(crate) fn generate(kind: KeyKind) -> Result<(Self, Zeroizing<Vec<u8>>), KeyError> {
        let failed = |_| KeyError::OperationFailed;
        match kind {
            KeyKind::Ec(curve) => {
                let algorithm =
                    signing_algorithm(curve, natural_digest(curve)).ok_or(KeyError::UnsupportedAlgorithm)?;
                let pair = EcdsaKeyPair::generate(algorithm).map_err(failed)?;
                let pkcs8 = Zeroizing::new(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec());
                Ok((Self::Ecdsa { curve, pair, agreement: OnceLock::new() }, pkcs8))
            }
            KeyKind::Rsa { bits } => {
                let size = match bits {
                    2048 => KeySize::Rsa2048,
                    3072 => KeySize::Rsa3072,
                    4096 => KeySize::Rsa4096,
                    _ => return Err(KeyError::SizeOutOfBounds),
                };
                let pair = rsa::KeyPair::generate(size).map_err(failed)?;
                let encoded: aws_lc_rs::encoding::Pkcs8V1Der<'_> =
                    aws_lc_rs::encoding::AsDer::as_der(&pair).map_err(failed)?;
                let pkcs8 = Zeroizing::new(encoded.as_ref().to_vec());
                Ok((Self::Rsa(pair), pkcs8))
            }
            KeyKind::Ed25519 => {
                let pair = Ed25519KeyPair::generate().map_err(failed)?;
                let pkcs8 = Zeroizing::new(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec());
                Ok((Self::Ed25519(pair), pkcs8))
            }
            KeyKind::Ed448 | KeyKind::Dstu4145(_) => Err(KeyError::UnsupportedAlgorithm),
        }
    }

    pub(crate) fn load(kind: KeyKind, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let malformed = |_| KeyError::Malformed;
        match kind {
            KeyKind::Ec(curve) => {
                let algorithm =
                    signing_algorithm(curve, natural_digest(curve)).ok_or(KeyError::UnsupportedAlgorithm)?;
                let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).map_err(malformed)?;
                Ok(Self::Ecdsa { curve, pair, agreement: OnceLock::new() })
            }
            KeyKind::Rsa { .. } => Ok(Self::Rsa(rsa::KeyPair::from_pkcs8(pkcs8).map_err(malformed)?)),
            KeyKind::Ed25519 => Ok(Self::Ed25519(Ed25519KeyPair::from_pkcs8(pkcs8).map_err(malformed)?)),
            KeyKind::Ed448 | KeyKind::Dstu4145(_) => Err(KeyError::UnsupportedAlgorithm),
        }
    }

    /// Uncompressed point, `RSAPublicKey` or raw EdDSA key.
    pub(crate) fn public_raw(&self) -> Vec<u8> {
        match self {
            Self::Ecdsa { pair, .. } => pair.public_key().as_ref().to_vec(),
            Self::Rsa(pair) => pair.public_key().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    pub(crate) fn sign(
        &self,
        pkcs8: &[u8],
        algorithm: SignatureAlgorithm,
        input: Input<'_>,
    ) -> Result<Vec<u8>, KeyError> {
        let failed = |_| KeyError::OperationFailed;
        match (self, input) {
            (Self::Ecdsa { curve, pair, .. }, Input::Digest(digest)) => {
                let wanted = signing_algorithm(*curve, digest.algorithm()).ok_or(KeyError::UnsupportedAlgorithm)?;
                let digest = import(digest);
                let signature = if pair.algorithm() == wanted {
                    pair.sign_digest(&digest).map_err(failed)?
                } else {
                    let pair = EcdsaKeyPair::from_pkcs8(wanted, pkcs8).map_err(|_| KeyError::Malformed)?;
                    pair.sign_digest(&digest).map_err(failed)?
                };
                Ok(signature.as_ref().to_vec())
            }
            (Self::Rsa(pair), Input::Digest(digest)) => {
                let encoding = rsa_encoding(algorithm).ok_or(KeyError::UnsupportedAlgorithm)?;
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(encoding, &import(digest), &mut signature).map_err(failed)?;
                Ok(signature)
            }
            (Self::Ed25519(pair), Input::Message(message)) => {
                Ok(pair.try_sign(message).map_err(failed)?.as_ref().to_vec())
            }
            _ => Err(KeyError::WrongOperation),
        }
    }

    pub(crate) fn agree(&self, point: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let Self::Ecdsa { curve, pair, agreement } = self else { return Err(KeyError::WrongOperation) };
        let algorithm = agreement_algorithm(*curve).ok_or(KeyError::UnsupportedAlgorithm)?;
        let private = match agreement.get() {
            Some(private) => private,
            None => {
                let scalar: EcPrivateKeyBin<'_> =
                    pair.private_key().as_be_bytes().map_err(|_| KeyError::OperationFailed)?;
                let private = agreement::PrivateKey::from_private_key(algorithm, scalar.as_ref())
                    .map_err(|_| KeyError::OperationFailed)?;
                agreement.get_or_init(|| private)
            }
        };
        shared_secret(private, algorithm, point)
    }
}

/// A fresh key used for one agreement: its uncompressed public point and the shared secret.
pub(crate) fn agree_ephemeral(curve: Curve, point: &[u8]) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), KeyError> {
    let algorithm = agreement_algorithm(curve).ok_or(KeyError::UnsupportedAlgorithm)?;
    let private = agreement::PrivateKey::generate(algorithm).map_err(|_| KeyError::OperationFailed)?;
    let public = private.compute_public_key().map_err(|_| KeyError::OperationFailed)?;
    Ok((public.as_ref().to_vec(), shared_secret(&private, algorithm, point)?))
}

fn shared_secret(
    private: &agreement::PrivateKey,
    algorithm: &'static agreement::Algorithm,
    point: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let peer = agreement::UnparsedPublicKey::new(algorithm, point);
    agreement::agree(private, peer, KeyError::OperationFailed, |secret| Ok(Zeroizing::new(secret.to_vec())))
}

fn widen(value: &[u8]) -> [u8; MAX_DIGEST_BYTES] {
    let mut bytes = [0; MAX_DIGEST_BYTES];
    bytes[..value.len()].copy_from_slice(value);
    bytes
}

fn import(digest: &Digest) -> digest::Digest {
    let algorithm = digest_algorithm(digest.algorithm());
    cannot_fail(digest::Digest::import_less_safe(digest.as_bytes(), algorithm), "a Digest has its algorithm's length")
}

#[inline]
fn digest_algorithm(algorithm: DigestAlgorithm) -> &'static digest::Algorithm {
    let known = match algorithm {
        DigestAlgorithm::Sha1 => Ok(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        DigestAlgorithm::Sha224 => Ok(&digest::SHA224),
        DigestAlgorithm::Sha256 => Ok(&digest::SHA256),
        DigestAlgorithm::Sha384 => Ok(&digest::SHA384),
        DigestAlgorithm::Sha512 => Ok(&digest::SHA512),
        DigestAlgorithm::Sha3_224
        | DigestAlgorithm::Sha3_256
        | DigestAlgorithm::Sha3_384
        | DigestAlgorithm::Sha3_512
        | DigestAlgorithm::Gost34311
        | DigestAlgorithm::Kupyna256
        | DigestAlgorithm::Kupyna384
        | DigestAlgorithm::Kupyna512 => Err(algorithm),
    };
    cannot_fail(known, "the table gives SHA-3 to OpenSSL and the national digests to no library")
}

/// The digest that goes with the curve's strength; also the one that aws-lc-rs signs with.
fn natural_digest(curve: Curve) -> DigestAlgorithm {
    match curve {
        Curve::P256 | Curve::BrainpoolP256r1 => DigestAlgorithm::Sha256,
        Curve::P384 | Curve::BrainpoolP384r1 => DigestAlgorithm::Sha384,
        Curve::P521 | Curve::BrainpoolP512r1 => DigestAlgorithm::Sha512,
    }
}

fn verification_algorithm(kind: KeyKind, algorithm: SignatureAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
    use DigestAlgorithm::{Sha1, Sha224, Sha256, Sha384, Sha512};
    Some(match (kind, algorithm) {
        (KeyKind::Rsa { .. }, SignatureAlgorithm::RsaPkcs1(digest)) => match digest {
            Sha1 => &signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            _ => return None,
        },
        (KeyKind::Rsa { .. }, SignatureAlgorithm::RsaPss { digest, .. }) => match digest {
            Sha256 => &signature::RSA_PSS_2048_8192_SHA256,
            Sha384 => &signature::RSA_PSS_2048_8192_SHA384,
            Sha512 => &signature::RSA_PSS_2048_8192_SHA512,
            _ => return None,
        },
        (KeyKind::Ec(curve), SignatureAlgorithm::Ecdsa(digest)) => match (curve, digest) {
            (Curve::P256, Sha1) => &signature::ECDSA_P256_SHA1_ASN1,
            (Curve::P256, Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
            (Curve::P256, Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
            (Curve::P256, Sha512) => &signature::ECDSA_P256_SHA512_ASN1,
            (Curve::P384, Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
            (Curve::P384, Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
            (Curve::P384, Sha512) => &signature::ECDSA_P384_SHA512_ASN1,
            (Curve::P521, Sha1) => &signature::ECDSA_P521_SHA1_ASN1,
            (Curve::P521, Sha224) => &signature::ECDSA_P521_SHA224_ASN1,
            (Curve::P521, Sha256) => &signature::ECDSA_P521_SHA256_ASN1,
            (Curve::P521, Sha384) => &signature::ECDSA_P521_SHA384_ASN1,
            (Curve::P521, Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
            _ => return None,
        },
        (KeyKind::Ed25519, SignatureAlgorithm::Ed25519) => &signature::ED25519,
        _ => return None,
    })
}

fn signing_algorithm(curve: Curve, digest: DigestAlgorithm) -> Option<&'static EcdsaSigningAlgorithm> {
    use DigestAlgorithm::{Sha224, Sha256, Sha384, Sha512};
    Some(match (curve, digest) {
        (Curve::P256, Sha256) => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
        (Curve::P384, Sha384) => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
        (Curve::P521, Sha224) => &signature::ECDSA_P521_SHA224_ASN1_SIGNING,
        (Curve::P521, Sha256) => &signature::ECDSA_P521_SHA256_ASN1_SIGNING,
        (Curve::P521, Sha384) => &signature::ECDSA_P521_SHA384_ASN1_SIGNING,
        (Curve::P521, Sha512) => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
        _ => return None,
    })
}

fn rsa_encoding(algorithm: SignatureAlgorithm) -> Option<&'static dyn RsaEncoding> {
    use DigestAlgorithm::{Sha256, Sha384, Sha512};
    Some(match algorithm {
        SignatureAlgorithm::RsaPkcs1(Sha256) => &signature::RSA_PKCS1_SHA256,
        SignatureAlgorithm::RsaPkcs1(Sha384) => &signature::RSA_PKCS1_SHA384,
        SignatureAlgorithm::RsaPkcs1(Sha512) => &signature::RSA_PKCS1_SHA512,
        SignatureAlgorithm::RsaPss { digest: Sha256, .. } => &signature::RSA_PSS_SHA256,
        SignatureAlgorithm::RsaPss { digest: Sha384, .. } => &signature::RSA_PSS_SHA384,
        SignatureAlgorithm::RsaPss { digest: Sha512, .. } => &signature::RSA_PSS_SHA512,
        _ => return None,
    })
}

fn agreement_algorithm(curve: Curve) -> Option<&'static agreement::Algorithm> {
    match curve {
        Curve::P256 => Some(&agreement::ECDH_P256),
        Curve::P384 => Some(&agreement::ECDH_P384),
        Curve::P521 => Some(&agreement::ECDH_P521),
        _ => None,
    }
}
