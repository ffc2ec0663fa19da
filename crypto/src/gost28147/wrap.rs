//! The key wrap of the national CMS profile (`1.2.804.2.1.1.1.1.1.1.5`), without table look-ups.

use zeroize::Zeroizing;

use super::{Cfb, CipherError, Dke, Gost28147, KeyMeshing};
use crate::cipher::equal;

/// Bytes of a wrapped key: vector, key and code.
pub const WRAPPED_BYTES: usize = 44;

/// Wraps a 32-byte key: `CFB(reverse(iv ‖ CFB(key ‖ MAC(key))))`. `iv` is random and never twice the same under one `kek`.
pub fn wrap_key(kek: &[u8; 32], dke: &Dke, iv: &[u8; 8], key: &[u8; 32]) -> [u8; WRAPPED_BYTES] {
    let cipher = Gost28147::for_keys(kek, dke);
    let mut wrapped = [0; WRAPPED_BYTES];
    wrapped[..8].copy_from_slice(iv);
    wrapped[8..40].copy_from_slice(key);
    wrapped[40..].copy_from_slice(&authenticate(&cipher, key));
    Cfb::new(cipher.clone(), *iv, KeyMeshing::None).encrypt(&mut wrapped[8..]);
    wrapped.reverse();
    Cfb::new(cipher, SECOND_IV, KeyMeshing::None).encrypt(&mut wrapped);
    wrapped
}

/// Unwraps what [`wrap_key`] or a partner wrapped.
///
/// # Errors
/// [`CipherError::DataLength`] for anything but 44 bytes, [`CipherError::Forged`] where the code is another: of 2^32 wrong keys one passes.
pub fn unwrap_key(kek: &[u8; 32], dke: &Dke, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, CipherError> {
    let wrapped: &[u8; WRAPPED_BYTES] =
        wrapped.try_into().map_err(|_| CipherError::DataLength { length: wrapped.len() })?;
    let cipher = Gost28147::for_keys(kek, dke);
    let mut bytes = Zeroizing::new(*wrapped);
    Cfb::new(cipher.clone(), SECOND_IV, KeyMeshing::None).decrypt(&mut *bytes);
    bytes.reverse();
    let mut iv = [0; 8];
    iv.copy_from_slice(&bytes[..8]);
    Cfb::new(cipher.clone(), iv, KeyMeshing::None).decrypt(&mut bytes[8..]);
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&bytes[8..40]);
    if equal(&authenticate(&cipher, &key), &bytes[40..]) { Ok(key) } else { Err(CipherError::Forged) }
}

fn authenticate(cipher: &Gost28147, key: &[u8; 32]) -> [u8; 4] {
    let mut mac = cipher.mac();
    mac.update(key);
    mac.finish()
}

const SECOND_IV: [u8; 8] = [0x4a, 0xdd, 0xa2, 0x2c, 0x79, 0xe8, 0x21, 0x05];
