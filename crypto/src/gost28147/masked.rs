//! GOST 28147-89 without table look-ups: for keys that wrap keys. Every row of the DKE becomes its algebraic normal form, computed over the
//! eight half-bytes of a word at once; no address and no branch depends on key or data. Some fifteen times slower than the tables.

use zeroize::Zeroizing;

use super::dke::{Dke, Rows};
use super::key_words;
use super::rounds::KeyWords;

/// A key and the polynomials of a DKE.
pub(crate) struct MaskedCipher {
    key: Zeroizing<KeyWords>,
    /// For each bit of a result and each product of input bits (bit set of its factors): the half-bytes whose row has that product,
    /// marked at their lowest bit.
    polynomials: [[u32; 16]; 4],
}

impl MaskedCipher {
    pub(crate) fn new(key: &[u8; 32], dke: &Dke) -> Self {
        Self { key: key_words(key), polynomials: polynomials(&dke.rows()) }
    }

    /// CFB with a feedback of 8 bytes, in place; the last block may be partial.
    pub(crate) fn encrypt_cfb(&self, iv: &[u8; 8], data: &mut [u8]) {
        let mut feedback = *iv;
        for block in data.chunks_mut(8) {
            let gamma = self.encrypt(u64::from_le_bytes(feedback)).to_le_bytes();
            for ((byte, gamma), fed) in block.iter_mut().zip(gamma).zip(&mut feedback) {
                *byte ^= gamma;
                *fed = *byte;
            }
        }
    }

    /// The inverse of [`MaskedCipher::encrypt_cfb`].
    pub(crate) fn decrypt_cfb(&self, iv: &[u8; 8], data: &mut [u8]) {
        let mut feedback = *iv;
        for block in data.chunks_mut(8) {
            let gamma = self.encrypt(u64::from_le_bytes(feedback)).to_le_bytes();
            for ((byte, gamma), fed) in block.iter_mut().zip(gamma).zip(&mut feedback) {
                *fed = *byte;
                *byte ^= gamma;
            }
        }
    }

    /// The 4-byte MAC of whole blocks.
    pub(crate) fn authenticate(&self, data: &[u8; 32]) -> [u8; 4] {
        let (blocks, _) = data.as_chunks::<8>();
        let mut value = 0;
        for block in blocks {
            let (mut low, mut high) = halves(value ^ u64::from_le_bytes(*block));
            for index in (0..8).cycle().take(16) {
                (low, high) = (high ^ self.substitute(low.wrapping_add(self.key[index])), low);
            }
            value = u64::from(high) << 32 | u64::from(low);
        }
        halves(value).0.to_le_bytes()
    }

    fn encrypt(&self, block: u64) -> u64 {
        let (mut low, mut high) = halves(block);
        for index in (0..8).cycle().take(24).chain((0..8).rev()) {
            (low, high) = (high ^ self.substitute(low.wrapping_add(self.key[index])), low);
        }
        u64::from(low) << 32 | u64::from(high)
    }

    fn substitute(&self, word: u32) -> u32 {
        let bits: [u32; 4] = std::array::from_fn(|bit| word >> bit & LOWEST_BITS);
        let mut products = [LOWEST_BITS; 16];
        for factors in 1..16_usize {
            let lowest = factors & factors.wrapping_neg();
            products[factors] = products[factors ^ lowest] & bits[lowest.ilog2() as usize];
        }
        let mut result = 0;
        for (bit, polynomial) in self.polynomials.iter().enumerate() {
            let sum = products.iter().zip(polynomial).fold(0, |sum, (product, rows)| sum ^ product & rows);
            result |= sum << bit;
        }
        result.rotate_left(11)
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
fn halves(block: u64) -> (u32, u32) {
    (block as u32, (block >> 32) as u32)
}

/// The Moebius transformation of every row and bit.
fn polynomials(rows: &Rows) -> [[u32; 16]; 4] {
    let mut polynomials = [[0; 16]; 4];
    for (number, row) in rows.iter().enumerate() {
        let mut values = *row;
        for bit in 0..4 {
            for index in 0..16 {
                if index >> bit & 1 == 1 {
                    values[index] ^= values[index ^ 1 << bit];
                }
            }
        }
        for (products, value) in values.iter().enumerate() {
            for (bit, polynomial) in polynomials.iter_mut().enumerate() {
                polynomial[products] |= u32::from(value >> bit & 1) << (4 * number);
            }
        }
    }
    polynomials
}

const LOWEST_BITS: u32 = 0x1111_1111;
