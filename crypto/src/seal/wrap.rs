//! AES-256 key wrap (RFC 3394; id-aes256-wrap of RFC 3565).

use zeroize::Zeroizing;

use super::SealError;
use crate::provider::{Provider, unwrap_aes256, wrap_aes256};

/// Wraps `key` under `kek`; the answer is 8 bytes longer. RFC 3394 takes multiples of 8 bytes from 16 on: another array length does
/// not compile.
pub fn aes256_wrap<const N: usize>(kek: &[u8; 32], key: &[u8; N]) -> Vec<u8> {
    const { assert!(N >= 16 && N.is_multiple_of(8), "RFC 3394 wraps multiples of 8 bytes, from 16 bytes on") };
    let mut wrapped = vec![0; N + 8];
    wrap_aes256(Provider::ACTIVE, kek, key, &mut wrapped);
    wrapped
}

/// Unwraps what [`aes256_wrap`] or a partner wrapped; the answer is 8 bytes shorter.
///
/// # Errors
/// [`SealError::WrongKey`] where the integrity check fails or the length is impossible.
pub fn aes256_unwrap(kek: &[u8; 32], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    if !(24..=MAX_WRAPPED_BYTES).contains(&wrapped.len()) || !wrapped.len().is_multiple_of(8) {
        return Err(SealError::WrongKey);
    }
    let mut key = Zeroizing::new(vec![0; wrapped.len() - 8]);
    if unwrap_aes256(Provider::ACTIVE, kek, wrapped, &mut key) { Ok(key) } else { Err(SealError::WrongKey) }
}

/// What is wrapped here are keys; the bound keeps a stranger's field from costing more than its name says.
const MAX_WRAPPED_BYTES: usize = 8 + 1024;
