//! CMAC (DSTU 7624:2014, mode 4).

use zeroize::Zeroize;

use super::{CipherError, Kalyna, MAX_BLOCK_BYTES};
use crate::cipher::equal;

/// The authentication code under way; made by [`Kalyna::cmac`]. Forgets its state when dropped.
pub struct Cmac {
    cipher: Kalyna,
    tag_bytes: usize,
    state: [u8; MAX_BLOCK_BYTES],
    /// The last block is kept back: it is treated in its own way.
    pending: [u8; MAX_BLOCK_BYTES],
    filled: usize,
}

impl Cmac {
    pub(super) fn new(cipher: Kalyna, tag_bytes: usize) -> Self {
        Self { cipher, tag_bytes, state: [0; MAX_BLOCK_BYTES], pending: [0; MAX_BLOCK_BYTES], filled: 0 }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        let block = self.cipher.block_len();
        while !bytes.is_empty() {
            if self.filled == block {
                self.absorb();
            }
            let (piece, rest) = bytes.split_at(bytes.len().min(block - self.filled));
            self.pending[self.filled..self.filled + piece.len()].copy_from_slice(piece);
            self.filled += piece.len();
            bytes = rest;
        }
    }

    /// The code of everything taken in. Compare it in constant time: [`Cmac::verify`].
    ///
    /// # Errors
    /// [`CipherError::DataLength`] where nothing was taken in: implementations differ, and the standard gives no example.
    pub fn finish(mut self) -> Result<Vec<u8>, CipherError> {
        if self.filled == 0 {
            return Err(CipherError::DataLength { length: 0 });
        }
        let block = self.cipher.block_len();
        let mut mask = [0; MAX_BLOCK_BYTES];
        if self.filled < block {
            mask[0] = 1;
            self.pending[self.filled] = 0x80;
            self.pending[self.filled + 1..block].fill(0);
        }
        self.cipher.encrypt_first(&mut mask);
        self.pending.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        mask.zeroize();
        self.absorb();
        Ok(self.state[..self.tag_bytes].to_vec())
    }

    /// Compares the code of everything taken in with `code` in a time that does not depend on where they differ.
    ///
    /// # Errors
    /// [`CipherError::Forged`] where they differ, and as [`Cmac::finish`].
    pub fn verify(self, code: &[u8]) -> Result<(), CipherError> {
        if equal(&self.finish()?, code) { Ok(()) } else { Err(CipherError::Forged) }
    }

    fn absorb(&mut self) {
        self.state.iter_mut().zip(&self.pending).for_each(|(state, byte)| *state ^= byte);
        self.cipher.encrypt_first(&mut self.state);
        self.filled = 0;
    }
}

impl Drop for Cmac {
    fn drop(&mut self) {
        self.state.zeroize();
        self.pending.zeroize();
    }
}
