//! GOST 34.311-95 (the Ukrainian edition of GOST R 34.11-94), HMAC (RFC 2104) and PBKDF2 (RFC 8018) over it.
//!
//! The starting value is zero. The substitution is [`Dke::NUMBER_1`] unless another is named: a CMS `digestAlgorithm` of
//! `1.2.804.2.1.1.1.1.2.1` means No 1 whatever the signer's key carries.
//!
//! Constant time (no address and no branch depends on what is hashed) are [`Gost34311::constant_time`] on every processor, and all of the
//! module on one with AVX-512 (VBMI) and GFNI. Elsewhere the substitution is by table look-up, whose cache lines depend on what is hashed.
//!
//! Knows no OIDs; [`crate::digest`] does.

mod compress;
#[cfg(target_arch = "x86_64")]
mod x86;

use zeroize::Zeroize;

use crate::gost28147::{Dke, Engine};
use crate::keyed::{self, Hash};
use compress::{Block, compress};

/// Bytes of the digest.
pub const OUTPUT_BYTES: usize = 32;
/// Bytes of a block: HMAC pads its key to 32 bytes, not to 64.
pub const BLOCK_BYTES: usize = 32;

/// GOST 34.311-95 under way. Forgets its state when dropped.
#[derive(Clone)]
pub struct Gost34311 {
    engine: Engine,
    chaining: Block,
    /// Sum of the message blocks modulo 2^256.
    sum: Block,
    /// Bytes taken in, those of `pending` included.
    length: u64,
    pending: [u8; BLOCK_BYTES],
}

impl Gost34311 {
    /// An empty digest with DKE No 1.
    pub fn new() -> Self {
        Self::with_dke(Dke::NUMBER_1)
    }

    /// An empty digest with the given substitution.
    pub fn with_dke(dke: Dke) -> Self {
        Self::with_engine(Engine::new(dke))
    }

    /// An empty digest that is constant time on every processor: for secrets. Some fifteen times slower where the registers do not serve.
    pub fn constant_time(dke: &Dke) -> Self {
        Self::with_engine(Engine::constant_time(dke))
    }

    /// An empty digest with the given substitution and a starting value other than zero, which no Ukrainian profile asks for.
    pub fn with_starting_value(dke: Dke, start: &[u8; OUTPUT_BYTES]) -> Self {
        let mut hash = Self::with_dke(dke);
        hash.chaining = words(start);
        hash
    }

    fn with_engine(engine: Engine) -> Self {
        Self { engine, chaining: [0; 4], sum: [0; 4], length: 0, pending: [0; BLOCK_BYTES] }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        let filled = self.filled();
        self.length = self.length.wrapping_add(bytes.len() as u64);
        if filled > 0 {
            let Some((head, rest)) = bytes.split_at_checked(BLOCK_BYTES - filled) else {
                self.pending[filled..filled + bytes.len()].copy_from_slice(bytes);
                return;
            };
            self.pending[filled..].copy_from_slice(head);
            self.absorb(&[self.pending]);
            bytes = rest;
        }
        let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
        self.absorb(blocks);
        self.pending[..rest.len()].copy_from_slice(rest);
    }

    /// The digest of everything taken in.
    pub fn finish(mut self) -> [u8; OUTPUT_BYTES] {
        let filled = self.filled();
        // The last block, zeros after the message, is hashed where it holds at least one byte; the empty message has one block of zeros.
        if filled > 0 || self.length == 0 {
            self.pending[filled..].fill(0);
            self.absorb(&[self.pending]);
        }
        let mut length = [0; BLOCK_BYTES];
        length[..16].copy_from_slice(&(u128::from(self.length) * 8).to_le_bytes());
        compress_all(&self.engine, &mut self.chaining, &[length, bytes(&self.sum)]);
        bytes(&self.chaining)
    }

    fn filled(&self) -> usize {
        usize::from(self.length.to_le_bytes()[0]) % BLOCK_BYTES
    }

    fn absorb(&mut self, blocks: &[[u8; BLOCK_BYTES]]) {
        compress_all(&self.engine, &mut self.chaining, blocks);
        for block in blocks {
            let mut carry = false;
            for (sum, word) in self.sum.iter_mut().zip(words(block)) {
                (*sum, carry) = sum.carrying_add(word, carry);
            }
        }
    }
}

fn compress_all(engine: &Engine, chaining: &mut Block, blocks: &[[u8; BLOCK_BYTES]]) {
    match engine {
        Engine::Tables(dke) => {
            let tables = dke.tables();
            blocks.iter().for_each(|block| *chaining = compress(tables, chaining, &words(block)));
        }
        Engine::Polynomials(polynomials) => {
            blocks.iter().for_each(|block| *chaining = compress(&**polynomials, chaining, &words(block)));
        }
        #[cfg(target_arch = "x86_64")]
        Engine::Avx512(avx512, dke) => x86::compress_all(*avx512, dke.nibbles(), chaining, blocks),
    }
}

impl Default for Gost34311 {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Gost34311 {
    fn drop(&mut self) {
        self.chaining.zeroize();
        self.sum.zeroize();
        self.pending.zeroize();
    }
}

impl std::fmt::Debug for Gost34311 {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Gost34311(..)")
    }
}

impl Hash for Gost34311 {
    fn block_len(&self) -> usize {
        BLOCK_BYTES
    }

    fn output_len(&self) -> usize {
        OUTPUT_BYTES
    }

    fn update(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn finish_into(self, out: &mut [u8]) {
        out.copy_from_slice(&self.finish());
    }
}

/// The digest of `bytes` with DKE No 1.
pub fn gost34311(bytes: &[u8]) -> [u8; OUTPUT_BYTES] {
    let mut hash = Gost34311::new();
    hash.update(bytes);
    hash.finish()
}

/// HMAC (RFC 2104) with a block of 32 bytes; a longer key is hashed first. OID `1.2.804.2.1.1.1.1.1.2`.
pub fn hmac(dke: &Dke, key: &[u8], message: &[u8]) -> [u8; OUTPUT_BYTES] {
    let mut mac = keyed::Hmac::new(&Gost34311::with_dke(dke.clone()), key);
    mac.update(message);
    let mut value = [0; OUTPUT_BYTES];
    mac.finish_into(&mut value);
    value
}

/// PBKDF2 (RFC 8018, 5.2) with [`hmac`]; fills `key` of any length. No iterations count as one.
pub fn pbkdf2(dke: &Dke, password: &[u8], salt: &[u8], iterations: u32, key: &mut [u8]) {
    keyed::pbkdf2(&Gost34311::with_dke(dke.clone()), password, salt, iterations, key);
}

#[inline(always)]
fn words(bytes: &[u8; BLOCK_BYTES]) -> Block {
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|index| u64::from_le_bytes(words[index]))
}

fn bytes(block: &Block) -> [u8; BLOCK_BYTES] {
    let mut bytes = [0; BLOCK_BYTES];
    bytes.as_chunks_mut::<8>().0.iter_mut().zip(block).for_each(|(bytes, word)| *bytes = word.to_le_bytes());
    bytes
}

#[cfg(test)]
pub(crate) mod tests;
