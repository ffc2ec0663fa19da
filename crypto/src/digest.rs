//! Message digests: SHA-1 and SHA-2 (FIPS 180-4), SHA-3 (FIPS 202), GOST 34.311-95 with DKE No 1, Kupyna (DSTU 7564:2014), HMAC-SHA-256
//! (RFC 2104), and hexadecimal text.
//!
//! SHA-1 is here to check old documents; whether it may still be believed is the validation policy's question.

mod chain;
mod companion;
#[cfg_attr(target_arch = "x86_64", path = "digest/engine/x86.rs")]
#[cfg_attr(not(target_arch = "x86_64"), path = "digest/engine/absent.rs")]
mod engine;
mod pair;

use std::fmt;

use crate::provider::{DigestContext, Provider, digest_once, hmac_sha256_parts};

pub use companion::Companion;
pub use pair::Sha256Pair;

/// A digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    /// SHA-1, 20 bytes. Broken against collisions; for old documents only.
    Sha1,
    /// SHA-224, 28 bytes.
    Sha224,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
    /// SHA3-224, 28 bytes.
    Sha3_224,
    /// SHA3-256, 32 bytes.
    Sha3_256,
    /// SHA3-384, 48 bytes.
    Sha3_384,
    /// SHA3-512, 64 bytes.
    Sha3_512,
    /// GOST 34.311-95 with DKE No 1, 32 bytes.
    Gost34311,
    /// Kupyna-256 (DSTU 7564:2014), 32 bytes.
    Kupyna256,
    /// Kupyna-384, 48 bytes.
    Kupyna384,
    /// Kupyna-512, 64 bytes.
    Kupyna512,
}

impl DigestAlgorithm {
    /// Every algorithm, in the order of the declaration.
    pub const ALL: [Self; 13] = [
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Sha3_224,
        Self::Sha3_256,
        Self::Sha3_384,
        Self::Sha3_512,
        Self::Gost34311,
        Self::Kupyna256,
        Self::Kupyna384,
        Self::Kupyna512,
    ];

    /// By dotted OID, e.g. `2.16.840.1.101.3.4.2.1`; `None` for an OID that names no digest of this list.
    pub fn from_oid(oid: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.oid() == oid)
    }

    /// The dotted OID (RFC 3279 for SHA-1, NIST CSOR for SHA-2 and SHA-3, the Ukrainian arc 1.2.804.2.1.1.1 for the national ones).
    pub const fn oid(self) -> &'static str {
        match self {
            Self::Sha1 => "1.3.14.3.2.26",
            Self::Sha224 => "2.16.840.1.101.3.4.2.4",
            Self::Sha256 => "2.16.840.1.101.3.4.2.1",
            Self::Sha384 => "2.16.840.1.101.3.4.2.2",
            Self::Sha512 => "2.16.840.1.101.3.4.2.3",
            Self::Sha3_224 => "2.16.840.1.101.3.4.2.7",
            Self::Sha3_256 => "2.16.840.1.101.3.4.2.8",
            Self::Sha3_384 => "2.16.840.1.101.3.4.2.9",
            Self::Sha3_512 => "2.16.840.1.101.3.4.2.10",
            Self::Gost34311 => "1.2.804.2.1.1.1.1.2.1",
            Self::Kupyna256 => "1.2.804.2.1.1.1.1.2.2.1",
            Self::Kupyna384 => "1.2.804.2.1.1.1.1.2.2.2",
            Self::Kupyna512 => "1.2.804.2.1.1.1.1.2.2.3",
        }
    }

    /// The name of the standard: `SHA-256`, `SHA3-512`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Sha3_224 => "SHA3-224",
            Self::Sha3_256 => "SHA3-256",
            Self::Sha3_384 => "SHA3-384",
            Self::Sha3_512 => "SHA3-512",
            Self::Gost34311 => "GOST 34.311",
            Self::Kupyna256 => "Kupyna-256",
            Self::Kupyna384 => "Kupyna-384",
            Self::Kupyna512 => "Kupyna-512",
        }
    }

    /// Length of the digest in bytes.
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 | Self::Sha3_224 => 28,
            Self::Sha256 | Self::Sha3_256 | Self::Gost34311 | Self::Kupyna256 => 32,
            Self::Sha384 | Self::Sha3_384 | Self::Kupyna384 => 48,
            Self::Sha512 | Self::Sha3_512 | Self::Kupyna512 => 64,
        }
    }

    /// Served by this crate's own code, whatever the provider, and by no library.
    pub(crate) const fn is_national(self) -> bool {
        matches!(self, Self::Gost34311 | Self::Kupyna256 | Self::Kupyna384 | Self::Kupyna512)
    }
}

/// A digest: algorithm and value. The value always has the algorithm's length.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest {
    algorithm: DigestAlgorithm,
    /// The value, then zeros.
    bytes: [u8; MAX_DIGEST_BYTES],
}

impl Digest {
    /// A digest computed elsewhere; `None` where the length is not the algorithm's.
    pub fn new(algorithm: DigestAlgorithm, value: &[u8]) -> Option<Self> {
        if value.len() != algorithm.output_len() {
            return None;
        }
        let mut bytes = [0; MAX_DIGEST_BYTES];
        bytes[..value.len()].copy_from_slice(value);
        Some(Self { algorithm, bytes })
    }

    /// The algorithm that made it.
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The value, [`DigestAlgorithm::output_len`] bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.output_len()]
    }

    /// The value in lower-case hexadecimal.
    pub fn to_hex(&self) -> String {
        hex(self.as_bytes())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.algorithm.name(), self.to_hex())
    }
}

/// Incremental digest, for what streams by.
pub struct Digester {
    algorithm: DigestAlgorithm,
    context: DigestContext,
}

impl Digester {
    /// An empty digest.
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Self { algorithm, context: DigestContext::new(Provider::ACTIVE, algorithm) }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    /// The digest of everything taken in.
    pub fn finish(self) -> Digest {
        Digest { algorithm: self.algorithm, bytes: self.context.finish() }
    }
}

/// The digest of `bytes`.
#[inline]
pub fn digest(algorithm: DigestAlgorithm, bytes: &[u8]) -> Digest {
    digest_with(Provider::ACTIVE, algorithm, bytes)
}

/// SHA-256 of `bytes`.
#[inline]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let wide = digest_once(Provider::ACTIVE, DigestAlgorithm::Sha256, bytes);
    let mut value = [0; 32];
    value.copy_from_slice(&wide[..32]);
    value
}

/// HMAC-SHA-256 (RFC 2104) of `bytes` under `key` of any length.
pub fn hmac_sha256(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    hmac_sha256_parts(Provider::ACTIVE, key, &[bytes])
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(HEX_DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(HEX_DIGITS[usize::from(byte & 0x0f)]));
    }
    text
}

/// Bytes from hexadecimal of either case; `None` for an odd length or any other character.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks_exact(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}

pub(crate) fn digest_with(provider: Provider, algorithm: DigestAlgorithm, bytes: &[u8]) -> Digest {
    Digest { algorithm, bytes: digest_once(provider, algorithm, bytes) }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// The longest digest of the list.
pub(crate) const MAX_DIGEST_BYTES: usize = 64;
const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests;
