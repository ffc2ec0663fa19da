//! Strumok (DSTU 8845:2019): a stream cipher with keys of 256 and 512 bits and a vector of 256, from a shift register of sixteen 64-bit
//! words and two registers of memory.
//!
//! Not constant time: substitution and multiplication are by table look-up, whose cache lines depend on key and vector. The stream does not
//! protect against change.

use std::fmt;

use zeroize::Zeroize;

pub use crate::cipher::CipherError;
use crate::dstu_tables::{FORWARD, byte, multiply_column};

/// Strumok under way. Forgets its state when dropped, silent Debug.
pub struct Strumok {
    register: [u64; 16],
    memory: [u64; 2],
    gamma: [u8; BATCH_BYTES],
    /// Bytes of `gamma` that are used up.
    used: usize,
}

impl Strumok {
    /// From a key of 32 or 64 bytes and a vector of 32 that never comes twice under one key. Both are read as little-endian words,
    /// as UAPKI does; the standard prints words as numbers.
    ///
    /// # Errors
    /// [`CipherError::KeyLength`], [`CipherError::IvLength`] for other lengths.
    pub fn new(key: &[u8], iv: &[u8]) -> Result<Self, CipherError> {
        let iv = words(iv).ok_or(CipherError::IvLength { length: iv.len() })?;
        let register = if let Some(key) = words(key) {
            register_256(&key, &iv)
        } else if let Some(key) = words(key) {
            register_512(&key, &iv)
        } else {
            return Err(CipherError::KeyLength { length: key.len() });
        };
        let mut strumok = Self { register, memory: [0; 2], gamma: [0; BATCH_BYTES], used: BATCH_BYTES };
        for _ in 0..2 {
            strumok.sixteen_steps(|register, output| *register ^= output);
        }
        Ok(strumok)
    }

    /// Encrypts or decrypts the next bytes in place; any number of them.
    pub fn apply(&mut self, data: &mut [u8]) {
        let (head, rest) = data.split_at_mut(data.len().min(BATCH_BYTES - self.used));
        self.apply_within_batch(head);
        for batch in rest.chunks_mut(BATCH_BYTES) {
            self.refill();
            self.apply_within_batch(batch);
        }
    }

    fn apply_within_batch(&mut self, data: &mut [u8]) {
        data.iter_mut().zip(&self.gamma[self.used..]).for_each(|(byte, gamma)| *byte ^= gamma);
        self.used += data.len();
    }

    /// Sixteen words of gamma. Each is read after its step: the sum of the newest word and memory, and the oldest word.
    fn refill(&mut self) {
        let mut gamma = [0; 16];
        for (step, word) in gamma.iter_mut().enumerate() {
            self.step(step, |_, _| ());
            let [first, second] = self.memory;
            *word = first.wrapping_add(self.register[step]) ^ second ^ self.register[(step + 1) % 16];
        }
        let (places, _) = self.gamma.as_chunks_mut::<8>();
        places.iter_mut().zip(gamma).for_each(|(place, word)| *place = word.to_le_bytes());
        self.used = 0;
        gamma.zeroize();
    }

    fn sixteen_steps(&mut self, feed: impl Fn(&mut u64, u64)) {
        for step in 0..16 {
            self.step(step, &feed);
        }
    }

    /// The word at `step` is the oldest; the newest takes its place. `feed` may add to it what the memory gives out.
    #[inline(always)]
    fn step(&mut self, step: usize, feed: impl Fn(&mut u64, u64)) {
        let word = |ahead: usize| self.register[(step + ahead) % 16];
        let [first, second] = self.memory;
        let output = first.wrapping_add(word(15)) ^ second;
        let thirteenth = word(13);
        let mut newest = times_alpha(word(0)) ^ thirteenth ^ over_alpha(word(11));
        feed(&mut newest, output);
        self.memory = [second.wrapping_add(thirteenth), substitute(first)];
        self.register[step] = newest;
    }
}

impl Drop for Strumok {
    fn drop(&mut self) {
        self.register.zeroize();
        self.memory.zeroize();
        self.gamma.zeroize();
    }
}

impl fmt::Debug for Strumok {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Strumok(..)")
    }
}

#[rustfmt::skip]
fn register_256(key: &[u64; 4], iv: &[u64; 4]) -> [u64; 16] {
    let [k3, k2, k1, k0] = *key;
    [
        k0 ^ iv[0], k1, k2 ^ iv[1], k3 ^ iv[2], k0, k1 ^ iv[3], !k2, !k3,
        k0, k1, !k2, k3, k0, !k1, k2, !k3,
    ]
}

#[rustfmt::skip]
fn register_512(key: &[u64; 8], iv: &[u64; 4]) -> [u64; 16] {
    let [k7, k6, k5, k4, k3, k2, k1, k0] = *key;
    [
        k0 ^ iv[0], k1, k2, k3 ^ iv[1], k4, k5 ^ iv[2], k6, !k7,
        k3 ^ iv[3], !k1, k2, !k0, k4, k5, !k6, k7,
    ]
}

/// `None` for another length.
fn words<const N: usize>(bytes: &[u8]) -> Option<[u64; N]> {
    let (words, []) = bytes.as_chunks::<8>() else { return None };
    let words: &[[u8; 8]; N] = words.try_into().ok()?;
    Some(words.map(u64::from_le_bytes))
}

/// Substitution and matrix of Kupyna and Kalyna on one column.
#[inline(always)]
fn substitute(word: u64) -> u64 {
    let from = |row: usize| FORWARD[row][byte(word, row)];
    ((from(0) ^ from(1)) ^ (from(2) ^ from(3))) ^ ((from(4) ^ from(5)) ^ (from(6) ^ from(7)))
}

/// A word is a polynomial of degree 7 in alpha over GF(2^8), its lowest byte the constant.
#[inline(always)]
fn times_alpha(word: u64) -> u64 {
    word << 8 ^ ALPHA[byte(word, 7)]
}

#[inline(always)]
fn over_alpha(word: u64) -> u64 {
    word >> 8 ^ OVER_ALPHA[byte(word, 0)]
}

const fn multiples(element: [u8; 8]) -> [u64; 256] {
    let mut multiples = [0; 256];
    let mut value = 0_u8;
    loop {
        multiples[value as usize] = multiply_column(value, element);
        if value == u8::MAX {
            return multiples;
        }
        value += 1;
    }
}

/// alpha^8 and alpha^-1 as polynomials in alpha, the constant first.
static ALPHA: [u64; 256] = multiples([0x04, 0x00, 0x00, 0x5e, 0x12, 0x04, 0x3f, 0xd7]);
static OVER_ALPHA: [u64; 256] = multiples([0x00, 0x00, 0x99, 0x8a, 0x01, 0xc6, 0xfc, 0x47]);

/// Sixteen words, after which the register stands where it stood.
const BATCH_BYTES: usize = 128;

#[cfg(test)]
mod tests;
