//! The national digests under way. They are this crate's own code, the same in every provider.

use crate::digest::{DigestAlgorithm, MAX_DIGEST_BYTES};
use crate::gost34311::Gost34311;
use crate::kupyna::{Kupyna, Width};

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
