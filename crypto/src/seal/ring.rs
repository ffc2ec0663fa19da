//! Document keys wrapped by the node's own ring of keys, where a recipient has no encryption certificate to wrap to.
//!
//! ```text
//! wrapped      = magic (8 bytes: "VUZOLR", version u16 big-endian = 1) ‖ id of the ring key (16 bytes) ‖ AES-256 key wrap (40 bytes)
//! key wrap     = RFC 3394: the document key under the wrapping key
//! wrapping key = HKDF-Expand-SHA-256 (RFC 5869, 2.3): PRK = ring key, info = magic ‖ 0x01 ‖ id ‖ context, L = 32
//! id           = the first 16 bytes of HKDF-Expand-SHA-256: PRK = ring key, info = magic ‖ 0x00, L = 32
//! ```
//!
//! **Why key wrap, and not an AEAD with a nonce.** RFC 3394 is deterministic: there is no nonce that a restored snapshot of a machine, or
//! a poor generator, could repeat, and what is wrapped is a random key, so that equal ciphertexts tell nothing. AES-GCM-SIV would forgive
//! a repeated nonce too, but not every provider of this crate has it, nor has a token. The check of RFC 3394 has 64 bits, which is what a
//! forger has to guess at the node; there is no way to try offline.
//!
//! **Why a wrapping key for each context.** Key wrap takes no associated data. The derivation binds the context (the message)
//! instead: a value that was moved to another message's row meets another wrapping key and does not open. And the ring key itself
//! encrypts nothing.
//!
//! **Why HKDF without its first half.** A ring key is 32 uniform bytes, for which RFC 5869, 3.3 lets the extraction be left out.
//! What is left is one HMAC-SHA-256 under the ring key, which is all that a [`RingKeyHandle`] must do, and which any PKCS#11
//! token can: CKK_GENERIC_SECRET, C_Sign with CKM_SHA256_HMAC. The key never leaves the token; a stolen image of the node's
//! memory opens the messages of that moment alone.
//!
//! **Why the id is computed.** It names the key and proves it: a file that was damaged or mislabelled is noticed when it is read, not when
//! the first document does not open.
//!
//! The first byte of a wrapped value is `V`, that of a CMS envelope is 0x30: [`named_key`] tells them apart.

use std::fmt;

use zeroize::Zeroizing;

use super::{DocumentKey, aes256_unwrap, aes256_wrap};
use crate::digest::{from_hex, hex};
use crate::provider::{Provider, hmac_sha256_parts};
use crate::random;

/// The first bytes of every wrapped value: the form and its version.
pub const MAGIC: [u8; 8] = *b"VUZOLR\x00\x01";

/// Size of every wrapped value.
pub const WRAPPED_BYTES: usize = MAGIC.len() + ID_BYTES + 40;

/// Why a document key was not wrapped, or not unwrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// Another form, such as a CMS envelope, or another version of this one.
    #[error("not wrapped by a key ring")]
    NotWrapped,
    /// Wrapped by the ring key of this id, and not by the one at hand.
    #[error("wrapped by the ring key {0}")]
    OtherKey(RingKeyId),
    /// The integrity check failed.
    #[error("the wrapped key was changed, or belongs to another message")]
    Forged,
    /// The token that holds the ring key gave no answer.
    #[error("the holder of the ring key failed")]
    HolderFailed,
}

/// The name of a ring key, computed from it. No secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RingKeyId([u8; ID_BYTES]);

impl RingKeyId {
    /// The id of the key that `hmac_sha256` computes with. For holders, who ask once.
    ///
    /// # Errors
    /// What `hmac_sha256` refuses.
    pub fn of<E>(hmac_sha256: impl FnOnce(&[u8]) -> Result<Zeroizing<[u8; 32]>, E>) -> Result<Self, E> {
        let output = hmac_sha256(&expansion(NAMING, &[]))?;
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&output[..ID_BYTES]);
        Ok(Self(id))
    }

    /// The 32 lower-case hexadecimal digits that `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(from_hex(text)?.try_into().ok()?);
        (id.to_string() == text).then_some(id)
    }

    /// The id as it stands in wrapped values.
    pub fn as_bytes(&self) -> &[u8; ID_BYTES] {
        &self.0
    }

    /// The first bytes of every value that this key wrapped.
    pub fn prefix(&self) -> [u8; MAGIC.len() + ID_BYTES] {
        let mut prefix = [0; MAGIC.len() + ID_BYTES];
        prefix[..MAGIC.len()].copy_from_slice(&MAGIC);
        prefix[MAGIC.len()..].copy_from_slice(&self.0);
        prefix
    }
}

impl fmt::Display for RingKeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for RingKeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RingKeyId({self})")
    }
}

/// A ring key that never leaves its holder: software ([`RingKey`]), or a token.
pub trait RingKeyHandle: Send + Sync {
    /// The key's id, which the holder learned from [`RingKeyId::of`] when it found the key.
    fn id(&self) -> RingKeyId;

    /// HMAC-SHA-256 of `data` under the key.
    ///
    /// # Errors
    /// [`RingError::HolderFailed`] where the holder gave no answer; it may be asked again.
    fn hmac_sha256(&self, data: &[u8]) -> Result<Zeroizing<[u8; 32]>, RingError>;
}

/// A ring key in memory: 32 random bytes, zeroized on drop, silent Debug.
#[derive(Clone)]
pub struct RingKey {
    id: RingKeyId,
    key: Zeroizing<[u8; 32]>,
}

impl RingKey {
    /// A fresh key from the operating system's generator.
    pub fn generate() -> Self {
        let mut key = Zeroizing::new([0; 32]);
        random::fill(&mut *key);
        Self::from_bytes(key)
    }

    /// A key that was kept.
    pub fn from_bytes(key: Zeroizing<[u8; 32]>) -> Self {
        let Ok(id) = RingKeyId::of(|data| Ok::<_, std::convert::Infallible>(hmac(&key, data)));
        Self { id, key }
    }

    /// The key itself, to be kept.
    pub fn expose(&self) -> &[u8; 32] {
        &self.key
    }
}

impl RingKeyHandle for RingKey {
    fn id(&self) -> RingKeyId {
        self.id
    }

    fn hmac_sha256(&self, data: &[u8]) -> Result<Zeroizing<[u8; 32]>, RingError> {
        Ok(hmac(&self.key, data))
    }
}

impl fmt::Debug for RingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RingKey(..)")
    }
}

/// Wraps `key` for the place that `context` names; it opens nowhere else.
///
/// # Errors
/// [`RingError::HolderFailed`].
pub fn wrap(ring_key: &dyn RingKeyHandle, context: &[u8], key: &DocumentKey) -> Result<Vec<u8>, RingError> {
    let wrapping = wrapping_key(ring_key, context)?;
    let mut wrapped = Vec::with_capacity(WRAPPED_BYTES);
    wrapped.extend_from_slice(&ring_key.id().prefix());
    wrapped.extend_from_slice(&aes256_wrap(&wrapping, key.expose()));
    Ok(wrapped)
}

/// The inverse of [`wrap`], with the key that [`named_key`] names.
///
/// # Errors
/// [`RingError`], whose variants say which of the two does not fit.
pub fn unwrap(ring_key: &dyn RingKeyHandle, context: &[u8], wrapped: &[u8]) -> Result<DocumentKey, RingError> {
    let named = named_key(wrapped).ok_or(RingError::NotWrapped)?;
    if named != ring_key.id() {
        return Err(RingError::OtherKey(named));
    }
    let wrapping = wrapping_key(ring_key, context)?;
    let key = aes256_unwrap(&wrapping, &wrapped[MAGIC.len() + ID_BYTES..]).map_err(|_| RingError::Forged)?;
    let mut bytes = Zeroizing::new([0; 32]);
    bytes.copy_from_slice(&key);
    Ok(DocumentKey(bytes))
}

/// The key that a value says it was wrapped by; None where it is no value of this form.
pub fn named_key(wrapped: &[u8]) -> Option<RingKeyId> {
    let rest = wrapped.strip_prefix(&MAGIC)?;
    let (id, _) = rest.split_first_chunk().filter(|_| wrapped.len() == WRAPPED_BYTES)?;
    Some(RingKeyId(*id))
}

fn wrapping_key(ring_key: &dyn RingKeyHandle, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, RingError> {
    ring_key.hmac_sha256(&expansion(WRAPPING, &[ring_key.id().as_bytes(), context]))
}

/// What HKDF-Expand puts into its first and only HMAC: info ‖ 0x01. Only the last part of the info is of variable length, so no two infos
/// are alike.
fn expansion(purpose: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut message = MAGIC.to_vec();
    message.push(purpose);
    parts.iter().for_each(|part| message.extend_from_slice(part));
    message.push(1);
    message
}

fn hmac(key: &[u8; 32], data: &[u8]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(hmac_sha256_parts(Provider::ACTIVE, key, &[data]))
}

/// Of two random keys alike in 128 bits there is no danger.
const ID_BYTES: usize = 16;
/// Purposes of derivations.
const NAMING: u8 = 0;
const WRAPPING: u8 = 1;

#[cfg(test)]
mod tests;
