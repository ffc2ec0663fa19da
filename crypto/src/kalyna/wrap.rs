//! The key wrap of the national CMS profile (`1.2.804.2.1.1.1.1.1.3.11`): Kalyna-256/256, without table look-ups.

use zeroize::Zeroizing;

use super::CipherError;
use super::block::Block;
use super::modes::{read, write, xor};
use crate::cipher::equal;

/// Bytes of a wrapped key: vector, key and code.
pub const WRAPPED_BYTES: usize = 96;

/// Wraps a 32-byte key: `CFB(reverse(iv ‖ CFB(key ‖ CMAC(key))))`, feedback and code of 32 bytes. `iv` is random and never twice the same
/// under one `kek`.
pub fn wrap_cms_key(kek: &[u8; 32], iv: &[u8; 32], key: &[u8; 32]) -> [u8; WRAPPED_BYTES] {
    let cipher = WrapCipher::new(kek);
    let mut wrapped = [0; WRAPPED_BYTES];
    wrapped[..32].copy_from_slice(iv);
    wrapped[32..64].copy_from_slice(key);
    wrapped[64..].copy_from_slice(&*cipher.authenticate(key));
    cipher.encrypt_cfb(iv, &mut wrapped[32..]);
    wrapped.reverse();
    cipher.encrypt_cfb(&SECOND_IV, &mut wrapped);
    wrapped
}

/// Unwraps what [`wrap_cms_key`] or a partner wrapped.
///
/// # Errors
/// [`CipherError::DataLength`] for anything but 96 bytes, [`CipherError::Forged`] where the code is another.
pub fn unwrap_cms_key(kek: &[u8; 32], wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, CipherError> {
    let wrapped: &[u8; WRAPPED_BYTES] =
        wrapped.try_into().map_err(|_| CipherError::DataLength { length: wrapped.len() })?;
    let cipher = WrapCipher::new(kek);
    let mut bytes = Zeroizing::new(*wrapped);
    cipher.decrypt_cfb(&SECOND_IV, &mut *bytes);
    bytes.reverse();
    let mut iv = [0; 32];
    iv.copy_from_slice(&bytes[..32]);
    cipher.decrypt_cfb(&iv, &mut bytes[32..]);
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&bytes[32..64]);
    if equal(&*cipher.authenticate(&key), &bytes[64..]) { Ok(key) } else { Err(CipherError::Forged) }
}

struct WrapCipher(Block<4>);

impl WrapCipher {
    fn new(kek: &[u8; 32]) -> Self {
        let words: Zeroizing<[u64; 4]> = Zeroizing::new(read(kek));
        Self(Block::constant_time(&*words))
    }

    fn encrypt(&self, state: [u64; 4]) -> [u64; 4] {
        self.0.encrypt(state)
    }

    /// `data` is whole blocks.
    fn encrypt_cfb(&self, iv: &[u8; 32], data: &mut [u8]) {
        let mut feedback = read(iv);
        for block in data.chunks_exact_mut(32) {
            feedback = xor(&self.encrypt(feedback), &read(block));
            write(feedback, block);
        }
    }

    /// `data` is whole blocks.
    fn decrypt_cfb(&self, iv: &[u8; 32], data: &mut [u8]) {
        let mut feedback = read(iv);
        for block in data.chunks_exact_mut(32) {
            let ciphertext = read(block);
            write(xor(&self.encrypt(feedback), &ciphertext), block);
            feedback = ciphertext;
        }
    }

    /// CMAC of one whole block.
    fn authenticate(&self, key: &[u8; 32]) -> Zeroizing<[u8; 32]> {
        let mask = self.encrypt([0; 4]);
        let mut code = Zeroizing::new([0; 32]);
        write(self.encrypt(xor(&mask, &read(key))), &mut *code);
        code
    }
}

const SECOND_IV: [u8; 32] = [
    0x69, 0x73, 0x27, 0x1d, 0x6e, 0x61, 0x1d, 0x06, 0x61, 0x67, 0x15, 0x04, 0x6c, 0x65, 0x50, 0x4c, //
    0x20, 0x20, 0x00, 0x4f, 0x6d, 0x68, 0x01, 0x1f, 0x65, 0x61, 0x0c, 0x0c, 0x73, 0x73, 0x47, 0x14,
];
