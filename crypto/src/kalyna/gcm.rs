//! Counter mode with authentication and the authentication alone, GCM and GMAC (DSTU 7624:2014, mode 7 and clause 12).
//!
//! Not the construction of NIST SP 800-38D: the tag is the encrypted sum, which the vector does not enter.

use zeroize::{Zeroize, Zeroizing};

use super::{CipherError, Kalyna, MAX_BLOCK_BYTES, each, galois, modes};
use crate::cipher::equal;

/// The authentication code under way; made by [`Kalyna::gmac`]. Forgets its state when dropped.
pub struct Gmac {
    cipher: Kalyna,
    tag_bytes: usize,
    sum: Sum,
}

impl Gmac {
    pub(super) fn new(cipher: Kalyna, tag_bytes: usize) -> Self {
        let sum = Sum::new(&cipher);
        Self { cipher, tag_bytes, sum }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sum.update(&self.cipher, bytes);
    }

    /// The code of everything taken in. Compare it in constant time: [`Gmac::verify`].
    ///
    /// # Errors
    /// [`CipherError::DataLength`] where nothing was taken in: the code would be the key of the sum.
    pub fn finish(mut self) -> Result<Vec<u8>, CipherError> {
        let length = self.sum.pad(&self.cipher);
        let code = self.sum.code(&self.cipher, length, 0)?;
        Ok(code[..self.tag_bytes].to_vec())
    }

    /// Compares the code of everything taken in with `code` in a time that does not depend on where they differ.
    ///
    /// # Errors
    /// [`CipherError::Forged`] where they differ, and as [`Gmac::finish`].
    pub fn verify(self, code: &[u8]) -> Result<(), CipherError> {
        if equal(&self.finish()?, code) { Ok(()) } else { Err(CipherError::Forged) }
    }
}

/// Encrypts `data` in place; answers the tag.
pub(super) fn seal(
    cipher: &Kalyna,
    iv: &[u8],
    additional: &[u8],
    data: &mut [u8],
    tag_bytes: usize,
) -> Result<Vec<u8>, CipherError> {
    let mut counter = cipher.ctr(iv)?;
    if additional.is_empty() && data.is_empty() {
        return Err(CipherError::DataLength { length: 0 });
    }
    counter.apply(data);
    Ok(tag(cipher, additional, data)?[..tag_bytes].to_vec())
}

/// Decrypts `data` in place once the tag has been found right.
pub(super) fn open(
    cipher: &Kalyna,
    iv: &[u8],
    additional: &[u8],
    data: &mut [u8],
    expected: &[u8],
) -> Result<(), CipherError> {
    let mut counter = cipher.ctr(iv)?;
    if !equal(&tag(cipher, additional, data)?[..expected.len()], expected) {
        return Err(CipherError::Forged);
    }
    counter.apply(data);
    Ok(())
}

fn tag(cipher: &Kalyna, additional: &[u8], ciphertext: &[u8]) -> Result<[u8; MAX_BLOCK_BYTES], CipherError> {
    let mut sum = Sum::new(cipher);
    sum.update(cipher, additional);
    let additional_bytes = sum.pad(cipher);
    sum.update(cipher, ciphertext);
    let bytes = sum.pad(cipher);
    sum.code(cipher, additional_bytes, bytes)
}

/// The polynomial in the encrypted block of zeros.
struct Sum {
    key: Zeroizing<[u8; MAX_BLOCK_BYTES]>,
    sum: [u8; MAX_BLOCK_BYTES],
    pending: [u8; MAX_BLOCK_BYTES],
    filled: usize,
    /// Bytes since the last padding.
    length: u64,
}

impl Sum {
    fn new(cipher: &Kalyna) -> Self {
        let mut key = Zeroizing::new([0; MAX_BLOCK_BYTES]);
        cipher.encrypt_first(&mut key);
        Self { key, sum: [0; MAX_BLOCK_BYTES], pending: [0; MAX_BLOCK_BYTES], filled: 0, length: 0 }
    }

    fn update(&mut self, cipher: &Kalyna, mut bytes: &[u8]) {
        let block = cipher.block_len();
        self.length = self.length.wrapping_add(bytes.len() as u64);
        if self.filled > 0 {
            let (piece, rest) = bytes.split_at(bytes.len().min(block - self.filled));
            self.pending[self.filled..self.filled + piece.len()].copy_from_slice(piece);
            self.filled += piece.len();
            bytes = rest;
            if self.filled < block {
                return;
            }
            self.absorb_pending(cipher);
        }
        let (blocks, rest) = bytes.split_at(bytes.len() - bytes.len() % block);
        self.absorb(cipher, blocks);
        self.pending[..rest.len()].copy_from_slice(rest);
        self.filled = rest.len();
    }

    /// Fills a partial block up with a one bit and zeros (annex B.2); answers the bytes since the last time.
    fn pad(&mut self, cipher: &Kalyna) -> u64 {
        if self.filled > 0 {
            self.pending[self.filled..].fill(0);
            self.pending[self.filled] = 0x80;
            self.absorb_pending(cipher);
        }
        std::mem::take(&mut self.length)
    }

    /// Both lengths in bits, a half-block each, are added to the sum, which is encrypted.
    fn code(
        mut self,
        cipher: &Kalyna,
        additional_bytes: u64,
        bytes: u64,
    ) -> Result<[u8; MAX_BLOCK_BYTES], CipherError> {
        if additional_bytes == 0 && bytes == 0 {
            return Err(CipherError::DataLength { length: 0 });
        }
        let half = cipher.block_len() / 2;
        for (offset, bytes) in [(0, additional_bytes), (half, bytes)] {
            let bits = (bytes << 3).to_le_bytes();
            self.sum[offset..].iter_mut().zip(bits).for_each(|(sum, byte)| *sum ^= byte);
        }
        cipher.encrypt_first(&mut self.sum);
        Ok(self.sum)
    }

    fn absorb_pending(&mut self, cipher: &Kalyna) {
        let pending = self.pending;
        self.absorb(cipher, &pending[..cipher.block_len()]);
        self.filled = 0;
    }

    fn absorb(&mut self, cipher: &Kalyna, blocks: &[u8]) {
        each!(cipher, rounds => {
            let mut sum = rounds.words(&self.sum);
            galois::absorb(&rounds.words(&self.key), &mut sum, blocks);
            modes::write(sum, &mut self.sum);
        });
    }
}

impl Drop for Sum {
    fn drop(&mut self) {
        self.sum.zeroize();
        self.pending.zeroize();
    }
}
