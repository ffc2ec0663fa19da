//! The national digests under way, and keys of DSTU 4145. They are this crate's own code, the same in every provider.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use zeroize::Zeroizing;

use super::Input;
use crate::asn1;
use crate::digest::{DigestAlgorithm, MAX_DIGEST_BYTES};
use crate::dstu4145::{ByteOrder, Cofactor, Curve, Parameters, PreparedKey, PrivateKey, PublicKey, SubjectPublicKey};
use crate::gost34311::Gost34311;
use crate::key::{KeyError, dstu4145_pkcs8, encode_dstu4145_pkcs8, usual_parameters};
use crate::kupyna::{Kupyna, Width};
use crate::signature::{SignatureAlgorithm, VerifyError};

pub(crate) enum DigestContext {
    Gost34311(Gost34311),
    Kupyna(Kupyna),
}

impl DigestContext {
    /// `None` for digests of the libraries.
    pub(crate) fn new(algorithm: DigestAlgorithm) -> Option<Self> {
        match algorithm {
            DigestAlgorithm::Gost34311 => Some(Self::Gost34311(Gost34311::new())),
            DigestAlgorithm::Kupyna256 => Some(Self::Kupyna(Kupyna::new(Width::BITS_256))),
            DigestAlgorithm::Kupyna384 => Some(Self::Kupyna(Kupyna::new(Width::BITS_384))),
            DigestAlgorithm::Kupyna512 => Some(Self::Kupyna(Kupyna::new(Width::BITS_512))),
            DigestAlgorithm::Sha1
            | DigestAlgorithm::Sha224
            | DigestAlgorithm::Sha256
            | DigestAlgorithm::Sha384
            | DigestAlgorithm::Sha512
            | DigestAlgorithm::Sha3_224
            | DigestAlgorithm::Sha3_256
            | DigestAlgorithm::Sha3_384
            | DigestAlgorithm::Sha3_512 => None,
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Gost34311(hash) => hash.update(bytes),
            Self::Kupyna(hash) => hash.update(bytes),
        }
    }

    /// The value, then zeros.
    pub(crate) fn finish(self) -> [u8; MAX_DIGEST_BYTES] {
        let mut bytes = [0; MAX_DIGEST_BYTES];
        match self {
            Self::Gost34311(hash) => bytes[..32].copy_from_slice(&hash.finish()),
            Self::Kupyna(hash) => {
                let digest = hash.finish();
                bytes[..digest.len()].copy_from_slice(&digest);
            }
        }
        bytes
    }
}

/// A public key of DSTU 4145, which is prepared once it has verified a few signatures: certification authorities do that, and few others.
pub(crate) struct VerifyingKey {
    key: PublicKey,
    verified: AtomicUsize,
    prepared: OnceLock<PreparedKey>,
}

impl VerifyingKey {
    pub(crate) fn new(key: &SubjectPublicKey) -> Self {
        Self { key: key.key, verified: AtomicUsize::new(0), prepared: OnceLock::new() }
    }

    pub(crate) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        input: Input<'_>,
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let (Some(order), Input::Digest(digest)) = (byte_order(algorithm), input) else {
            return Err(VerifyError::UnsupportedAlgorithm);
        };
        let verdict = match self.prepared.get() {
            Some(key) => key.verify(order, digest.as_bytes(), signature),
            None if self.verified.fetch_add(1, Ordering::Relaxed) < VERIFIED_UNPREPARED => {
                self.key.verify(order, digest.as_bytes(), signature)
            }
            None => {
                let key = self.prepared.get_or_init(|| PreparedKey::new(&self.key));
                key.verify(order, digest.as_bytes(), signature)
            }
        };
        verdict.map_err(|_| VerifyError::Mismatch)
    }
}

/// A private key of DSTU 4145 with its parameters.
pub(crate) struct SigningKey {
    key: PrivateKey,
    parameters: Parameters,
}

impl SigningKey {
    /// Fresh key and its PKCS#8.
    pub(crate) fn generate(curve: Curve) -> Result<(Self, Zeroizing<Vec<u8>>), KeyError> {
        let key = PrivateKey::generate(curve).map_err(|_| KeyError::UnsupportedAlgorithm)?;
        let key = Self { key, parameters: usual_parameters(curve) };
        let pkcs8 = encode_dstu4145_pkcs8(&key.key, &key.parameters);
        Ok((key, pkcs8))
    }

    pub(crate) fn load(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let (key, parameters) = dstu4145_pkcs8(pkcs8)?;
        Ok(Self { key, parameters })
    }

    /// The OCTET STRING with the compressed point.
    pub(crate) fn public_raw(&self) -> Vec<u8> {
        asn1::element(asn1::TAG_OCTET_STRING, &[&self.key.public_key().to_bytes(self.parameters.byte_order)])
    }

    pub(crate) fn sign(&self, algorithm: SignatureAlgorithm, input: Input<'_>) -> Result<Vec<u8>, KeyError> {
        let (Some(order), Input::Digest(digest)) = (byte_order(algorithm), input) else {
            return Err(KeyError::WrongOperation);
        };
        self.key.sign(order, digest.as_bytes()).map_err(|_| KeyError::OperationFailed)
    }

    pub(crate) fn agree(&self, peer: &PublicKey, cofactor: Cofactor) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.key.agree(peer, cofactor).map_err(|_| KeyError::WrongOperation)
    }
}

/// That of the signature, which its own OID says; `None` where it is none of DSTU 4145.
const fn byte_order(algorithm: SignatureAlgorithm) -> Option<ByteOrder> {
    match algorithm {
        SignatureAlgorithm::Dstu4145(_) => Some(ByteOrder::Little),
        SignatureAlgorithm::Dstu4145BigEndian => Some(ByteOrder::Big),
        SignatureAlgorithm::Dstu4145Normal(order) => Some(order),
        _ => None,
    }
}

/// Preparing costs what a verification and a half does, and saves half of each that follows.
const VERIFIED_UNPREPARED: usize = 2;
