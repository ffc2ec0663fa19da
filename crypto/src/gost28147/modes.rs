//! The modes of GOST 28147-89 under way. Each forgets its state when dropped.

use zeroize::Zeroize;

use super::Gost28147;
use super::rounds::{authenticate, encrypt};

/// Gamma with feedback (CFB with a feedback of 8 bytes, OID `1.2.804.2.1.1.1.1.1.1.3`) under way; made by [`Gost28147::cfb`].
///
/// Encrypting is serial by nature: a block waits for the one before it. Decrypting is not, and runs four blocks side by side.
pub struct Cfb {
    cipher: Gost28147,
    feedback: [u8; 8],
    gamma: [u8; 8],
    /// Bytes of `gamma` that are used up.
    used: usize,
}

/// Gamma (counter mode, OID `1.2.804.2.1.1.1.1.1.1.2`) under way; made by [`Gost28147::ctr`].
pub struct Ctr {
    cipher: Gost28147,
    counter: (u32, u32),
    gamma: [u8; 8],
    used: usize,
}

/// The authentication code (OID `1.2.804.2.1.1.1.1.1.1.4`) under way; made by [`Gost28147::mac`].
pub struct Mac {
    cipher: Gost28147,
    state: u64,
    pending: [u8; 8],
    filled: usize,
}

impl Cfb {
    pub(super) fn new(cipher: Gost28147, iv: [u8; 8]) -> Self {
        Self { cipher, feedback: iv, gamma: [0; 8], used: 8 }
    }

    /// Encrypts the next bytes in place; any number of them.
    pub fn encrypt(&mut self, data: &mut [u8]) {
        let (head, rest) = data.split_at_mut(data.len().min(8 - self.used));
        self.encrypt_within_block(head);
        let (blocks, tail) = rest.as_chunks_mut::<8>();
        let mut feedback = u64::from_le_bytes(self.feedback);
        for block in blocks {
            let [gamma] = encrypt(self.cipher.dke.tables(), &[&self.cipher.key], [feedback]);
            feedback = u64::from_le_bytes(*block) ^ gamma;
            *block = feedback.to_le_bytes();
        }
        if !tail.is_empty() {
            self.feedback = feedback.to_le_bytes();
            self.refill();
            self.encrypt_within_block(tail);
        } else if self.used == 8 {
            self.feedback = feedback.to_le_bytes();
        }
    }

    /// Decrypts the next bytes in place; any number of them.
    pub fn decrypt(&mut self, data: &mut [u8]) {
        let (head, rest) = data.split_at_mut(data.len().min(8 - self.used));
        self.decrypt_within_block(head);
        let (fours, rest) = rest.as_chunks_mut::<32>();
        let key = &self.cipher.key;
        for four in fours {
            let (blocks, _) = four.as_chunks::<8>();
            let [first, second, third, fourth] = [0, 1, 2, 3].map(|index| u64::from_le_bytes(blocks[index]));
            let feedbacks = [u64::from_le_bytes(self.feedback), first, second, third];
            let gammas = encrypt(self.cipher.dke.tables(), &[key, key, key, key], feedbacks);
            self.feedback = fourth.to_le_bytes();
            xor(four, gammas);
        }
        for block in rest.chunks_mut(8) {
            self.refill();
            self.decrypt_within_block(block);
        }
    }

    fn refill(&mut self) {
        self.gamma = self.cipher.encrypt_block(self.feedback);
        self.used = 0;
    }

    fn encrypt_within_block(&mut self, data: &mut [u8]) {
        for byte in data {
            *byte ^= self.gamma[self.used];
            self.feedback[self.used] = *byte;
            self.used += 1;
        }
    }

    fn decrypt_within_block(&mut self, data: &mut [u8]) {
        for byte in data {
            self.feedback[self.used] = *byte;
            *byte ^= self.gamma[self.used];
            self.used += 1;
        }
    }
}

impl Ctr {
    pub(super) fn new(cipher: Gost28147, iv: [u8; 8]) -> Self {
        let start = u64::from_le_bytes(cipher.encrypt_block(iv));
        #[allow(clippy::cast_possible_truncation, reason = "two halves")]
        let counter = (start as u32, (start >> 32) as u32);
        Self { cipher, counter, gamma: [0; 8], used: 8 }
    }

    /// Encrypts or decrypts the next bytes in place; any number of them.
    pub fn apply(&mut self, data: &mut [u8]) {
        let (head, rest) = data.split_at_mut(data.len().min(8 - self.used));
        self.apply_within_block(head);
        let (fours, rest) = rest.as_chunks_mut::<32>();
        for four in fours {
            let counters = [self.step(), self.step(), self.step(), self.step()];
            let key = &self.cipher.key;
            xor(four, encrypt(self.cipher.dke.tables(), &[key, key, key, key], counters));
        }
        for block in rest.chunks_mut(8) {
            let counter = self.step();
            self.gamma = self.cipher.encrypt_block(counter.to_le_bytes());
            self.used = 0;
            self.apply_within_block(block);
        }
    }

    /// Low half modulo 2^32, high half modulo 2^32 - 1.
    fn step(&mut self) -> u64 {
        let (high, carry) = self.counter.1.overflowing_add(HIGH_STEP);
        self.counter = (self.counter.0.wrapping_add(LOW_STEP), high.wrapping_add(u32::from(carry)));
        u64::from(self.counter.1) << 32 | u64::from(self.counter.0)
    }

    fn apply_within_block(&mut self, data: &mut [u8]) {
        for byte in data {
            *byte ^= self.gamma[self.used];
            self.used += 1;
        }
    }
}

impl Mac {
    pub(super) fn new(cipher: Gost28147) -> Self {
        Self { cipher, state: 0, pending: [0; 8], filled: 0 }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        if self.filled > 0 {
            let Some((head, rest)) = bytes.split_at_checked(8 - self.filled) else {
                self.pending[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
                self.filled += bytes.len();
                return;
            };
            self.pending[self.filled..].copy_from_slice(head);
            self.absorb(self.pending);
            bytes = rest;
        }
        let (blocks, rest) = bytes.as_chunks::<8>();
        blocks.iter().for_each(|block| self.absorb(*block));
        self.pending[..rest.len()].copy_from_slice(rest);
        self.filled = rest.len();
    }

    /// The code of everything taken in, 4 bytes; a partial last block is filled up with zeros.
    pub fn finish(mut self) -> [u8; 4] {
        if self.filled > 0 {
            self.pending[self.filled..].fill(0);
            self.absorb(self.pending);
        }
        let [first, second, third, fourth, ..] = self.state.to_le_bytes();
        [first, second, third, fourth]
    }

    fn absorb(&mut self, block: [u8; 8]) {
        let input = self.state ^ u64::from_le_bytes(block);
        self.state = authenticate(self.cipher.dke.tables(), &self.cipher.key, input);
    }
}

fn xor(data: &mut [u8; 32], gammas: [u64; 4]) {
    let (blocks, _) = data.as_chunks_mut::<8>();
    for (block, gamma) in blocks.iter_mut().zip(gammas) {
        *block = (u64::from_le_bytes(*block) ^ gamma).to_le_bytes();
    }
}

impl Drop for Cfb {
    fn drop(&mut self) {
        self.gamma.zeroize();
    }
}

impl Drop for Ctr {
    fn drop(&mut self) {
        self.gamma.zeroize();
        self.counter.0.zeroize();
        self.counter.1.zeroize();
    }
}

impl Drop for Mac {
    fn drop(&mut self) {
        self.state.zeroize();
        self.pending.zeroize();
    }
}

/// C2 and C1 of the standard.
const LOW_STEP: u32 = 0x0101_0101;
const HIGH_STEP: u32 = 0x0101_0104;
