//! AES-256-GCM (SP 800-38D) for what streams by, over `aes` and `ghash`.

use aes::Aes256;
use aes::cipher::{Block, BlockCipherEncrypt, KeyInit};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::provider::Direction;

/// AES-256-GCM under way.
pub(crate) struct GcmStream {
    direction: Direction,
    cipher: Aes256,
    hash: GHash,
    nonce: [u8; 12],
    /// Of the next block; 1 makes the tag, so data begins at 2.
    counter: u32,
    gamma: [u8; 16],
    /// Ciphertext of the block under way, and how much there is of it.
    pending: [u8; 16],
    filled: usize,
    bytes: u64,
}

impl GcmStream {
    pub(crate) fn new(direction: Direction, key: &[u8; 32], nonce: &[u8; 12]) -> Self {
        let cipher = Aes256::new(key.into());
        let hash_key = Zeroizing::new(encrypt_block(key, &[0; 16]));
        let hash = GHash::new((&*hash_key).into());
        Self {
            direction,
            cipher,
            hash,
            nonce: *nonce,
            counter: 2,
            gamma: [0; 16],
            pending: [0; 16],
            filled: 0,
            bytes: 0,
        }
    }

    pub(crate) fn apply(&mut self, data: &mut [u8]) {
        self.bytes += data.len() as u64;
        let within = if self.filled == 0 { 0 } else { data.len().min(16 - self.filled) };
        let (head, rest) = data.split_at_mut(within);
        self.apply_within_block(head);
        let (blocks, tail) = rest.as_chunks_mut::<16>();
        for batch in blocks.chunks_mut(BATCH) {
            self.apply_to_blocks(batch);
        }
        if !tail.is_empty() {
            self.gamma = [0; 16];
            let mut gamma = [self.next_counter()];
            self.cipher.encrypt_blocks(&mut gamma);
            self.gamma.copy_from_slice(&gamma[0]);
            self.apply_within_block(tail);
        }
    }

    fn apply_to_blocks(&mut self, batch: &mut [[u8; 16]]) {
        let mut gammas = [Block::<Aes256>::default(); BATCH];
        let gammas = &mut gammas[..batch.len()];
        gammas.iter_mut().for_each(|gamma| *gamma = self.next_counter());
        self.cipher.encrypt_blocks(gammas);
        if self.direction == Direction::Decrypt {
            self.absorb(batch);
        }
        for (block, gamma) in batch.iter_mut().zip(gammas.iter()) {
            block.iter_mut().zip(gamma.iter()).for_each(|(byte, gamma)| *byte ^= gamma);
        }
        if self.direction == Direction::Encrypt {
            self.absorb(batch);
        }
        gammas.iter_mut().for_each(|gamma| gamma.zeroize());
    }

    /// The head of a block that follows what was done of it, or its beginning.
    fn apply_within_block(&mut self, data: &mut [u8]) {
        for byte in data {
            let changed = *byte ^ self.gamma[self.filled];
            self.pending[self.filled] = if self.direction == Direction::Encrypt { changed } else { *byte };
            *byte = changed;
            self.filled += 1;
        }
        if self.filled == 16 {
            self.absorb(&[self.pending]);
            self.filled = 0;
        }
    }

    fn absorb(&mut self, blocks: &[[u8; 16]]) {
        for block in blocks {
            self.hash.update(&[(*block).into()]);
        }
    }

    fn next_counter(&mut self) -> Block<Aes256> {
        let block = self.counter_block(self.counter);
        self.counter = self.counter.wrapping_add(1);
        block
    }

    fn counter_block(&self, counter: u32) -> Block<Aes256> {
        let mut block = Block::<Aes256>::default();
        block[..12].copy_from_slice(&self.nonce);
        block[12..].copy_from_slice(&counter.to_be_bytes());
        block
    }

    pub(crate) fn tag(mut self) -> [u8; 16] {
        if self.filled > 0 {
            self.pending[self.filled..].fill(0);
            self.absorb(&[self.pending]);
        }
        // No associated data: the first half is zero.
        self.absorb(&[u128::from(self.bytes << 3).to_be_bytes()]);
        let mut mask = self.counter_block(1);
        self.cipher.encrypt_block(&mut mask);
        let sum = self.hash.clone().finalize();
        std::array::from_fn(|index| sum[index] ^ mask[index])
    }

    pub(crate) fn verify(self, tag: &[u8; 16]) -> bool {
        bool::from(self.tag().ct_eq(tag))
    }
}

impl Drop for GcmStream {
    fn drop(&mut self) {
        self.gamma.zeroize();
    }
}

pub(crate) fn encrypt_block(key: &[u8; 32], block: &[u8; 16]) -> [u8; 16] {
    let mut block = Block::<Aes256>::from(*block);
    Aes256::new(key.into()).encrypt_block(&mut block);
    block.into()
}

/// Blocks that are encrypted together.
const BATCH: usize = 32;
