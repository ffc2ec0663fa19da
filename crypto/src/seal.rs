//! Sealing: documents as authenticated streams ([`Sealer`], [`DigestingSealer`], [`Opener`]), plain AES-256-GCM for the formats of others, keys
//! wrapped under keys (RFC 3394), under the node's own ([`ring`]), and the key derivation that follows a key agreement (X9.63).
//!
//! Knows keys and bytes. Who may open what, and where the key of a document lies, is decided by its callers.

mod gcm;
mod kdf;
pub mod ring;
mod stream;
mod wrap;

use std::fmt;

use zeroize::Zeroizing;

use crate::provider::{Aead, Provider};
use crate::random;

pub use gcm::{Aes256GcmOpener, Aes256GcmSealer};
pub use kdf::x963_kdf_sha256;
pub use stream::{CHUNK_BYTES, DigestingSealer, Opener, SealDigests, Sealer, open, seal, sealed_size};
pub use wrap::{aes256_unwrap, aes256_wrap};

/// Why something sealed did not open, or could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The bytes do not begin as a sealed stream does.
    #[error("not a sealed stream")]
    NotSealed,
    /// An integrity check failed.
    #[error("the sealed stream was changed, cut, or belongs to another key or context")]
    Forged,
    /// More than 2^32 chunks, or more bytes than one nonce of GCM may encrypt.
    #[error("the sealed stream is larger than its format allows")]
    TooLong,
    /// The integrity check of the key wrap failed.
    #[error("the wrapped key was changed or belongs to another key")]
    WrongKey,
}

/// The key of one document: 32 random bytes, zeroized on drop, silent Debug.
#[derive(Clone)]
pub struct DocumentKey(Zeroizing<[u8; 32]>);

impl DocumentKey {
    /// A fresh key from the operating system's generator.
    pub fn generate() -> Self {
        let mut key = Self(Zeroizing::new([0; 32]));
        random::fill(&mut *key.0);
        key
    }

    /// A key that was unwrapped.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key itself, to be wrapped.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DocumentKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DocumentKey(..)")
    }
}

/// AES-256-GCM (SP 800-38D) of `plaintext`: the ciphertext and, apart as CMS AuthEnvelopedData keeps it (RFC 5084), the 16-byte tag.
/// A nonce must never come twice under one key.
pub fn aes256_gcm_seal(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], plaintext: &[u8]) -> (Vec<u8>, [u8; 16]) {
    let mut out = Vec::with_capacity(plaintext.len() + 16);
    Aead::new(Provider::ACTIVE, key).seal(nonce, aad, plaintext, &mut out);
    let mut tag = [0; 16];
    tag.copy_from_slice(&out[plaintext.len()..]);
    out.truncate(plaintext.len());
    (out, tag)
}

/// The inverse of [`aes256_gcm_seal`].
///
/// # Errors
/// [`SealError::Forged`] where key, nonce, associated data, ciphertext or tag differ from what was sealed.
pub fn aes256_gcm_open(
    key: &[u8; 32],
    nonce: &[u8; 12],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8; 16],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let mut plaintext = Zeroizing::new(Vec::with_capacity(ciphertext.len()));
    if Aead::new(Provider::ACTIVE, key).open(nonce, aad, ciphertext, tag, &mut plaintext) {
        Ok(plaintext)
    } else {
        Err(SealError::Forged)
    }
}

#[cfg(test)]
mod tests;
