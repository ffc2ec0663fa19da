//! AES-256-GCM as OpenSSL streams it.

use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;

use crate::provider::{Direction, cannot_fail};

/// AES-256-GCM under way.
pub(crate) struct GcmStream(CipherCtx);

impl GcmStream {
    pub(crate) fn new(direction: Direction, key: &[u8; 32], nonce: &[u8; 12]) -> Self {
        let mut context = cannot_fail(CipherCtx::new(), "OpenSSL has memory");
        let (cipher, key, nonce) = (Some(Cipher::aes_256_gcm()), Some(&key[..]), Some(&nonce[..]));
        let ready = match direction {
            Direction::Encrypt => context.encrypt_init(cipher, key, nonce),
            Direction::Decrypt => context.decrypt_init(cipher, key, nonce),
        };
        cannot_fail(ready, "AES-256-GCM takes a 32-byte key and a 12-byte nonce");
        Self(context)
    }

    pub(crate) fn apply(&mut self, data: &mut [u8]) {
        for piece in data.chunks_mut(PIECE_BYTES) {
            let length = piece.len();
            cannot_fail(self.0.cipher_update_inplace(piece, length), "a stream cipher takes any bytes");
        }
    }

    pub(crate) fn tag(mut self) -> [u8; 16] {
        let mut tag = [0; 16];
        cannot_fail(self.0.cipher_final(&mut []), "a stream cipher ends anywhere");
        cannot_fail(self.0.tag(&mut tag), "a stream that has ended has its tag");
        tag
    }

    pub(crate) fn verify(mut self, tag: &[u8; 16]) -> bool {
        cannot_fail(self.0.set_tag(tag), "AES-256-GCM has tags of 16 bytes");
        self.0.cipher_final(&mut []).is_ok()
    }
}

pub(crate) fn encrypt_block(key: &[u8; 32], block: &[u8; 16]) -> [u8; 16] {
    let mut context = cannot_fail(CipherCtx::new(), "OpenSSL has memory");
    cannot_fail(context.encrypt_init(Some(Cipher::aes_256_ecb()), Some(key), None), "AES-256 takes a 32-byte key");
    context.set_padding(false);
    let mut out = [0; 32];
    cannot_fail(context.cipher_update(block, Some(&mut out)), "a block is a block");
    let mut encrypted = [0; 16];
    encrypted.copy_from_slice(&out[..16]);
    encrypted
}

/// OpenSSL counts in `int`.
const PIECE_BYTES: usize = 1 << 30;
