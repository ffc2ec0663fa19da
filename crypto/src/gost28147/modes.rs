//! The modes of GOST 28147-89 under way. Each forgets its state when dropped.

use zeroize::{Zeroize, Zeroizing};

use super::{Gost28147, key_words};

/// Whether CFB changes its key on the way. Both sides agree on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KeyMeshing {
    /// Never, as in every Ukrainian profile.
    #[default]
    None,
    /// After every 1,024 bytes, as RFC 4357, 2.3.2 says.
    CryptoPro,
}

/// Gamma with feedback (CFB with a feedback of 8 bytes, OID `1.2.804.2.1.1.1.1.1.1.3`) under way; made by [`Gost28147::cfb`].
///
/// Encrypting is serial by nature: a block waits for the one before it. Decrypting is not, and runs blocks side by side.
pub struct Cfb {
    cipher: Gost28147,
    feedback: [u8; 8],
    gamma: [u8; 8],
    /// Bytes of `gamma` that are used up.
    used: usize,
    meshing: KeyMeshing,
    /// Bytes that went under the running key, where it changes.
    section: usize,
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
    pub(super) fn new(cipher: Gost28147, iv: [u8; 8], meshing: KeyMeshing) -> Self {
        Self { cipher, feedback: iv, gamma: [0; 8], used: 8, meshing, section: 0 }
    }

    /// Encrypts the next bytes in place; any number of them.
    pub fn encrypt(&mut self, data: &mut [u8]) {
        self.in_sections(data, Self::encrypt_section);
    }

    /// Decrypts the next bytes in place; any number of them.
    pub fn decrypt(&mut self, data: &mut [u8]) {
        self.in_sections(data, Self::decrypt_section);
    }

    /// A section is what goes under one key.
    fn in_sections(&mut self, data: &mut [u8], work: impl Fn(&mut Self, &mut [u8])) {
        if self.meshing == KeyMeshing::None {
            return work(self, data);
        }
        let mut rest = data;
        while !rest.is_empty() {
            if self.section == SECTION_BYTES {
                self.change_key();
            }
            let (piece, after) = rest.split_at_mut(rest.len().min(SECTION_BYTES - self.section));
            work(self, piece);
            self.section += piece.len();
            rest = after;
        }
    }

    /// The new key is a constant decrypted under the old one; the feedback is encrypted under the new.
    fn change_key(&mut self) {
        let mut constant = Zeroizing::new(MESHING_CONSTANT);
        let (blocks, _) = constant.as_chunks_mut::<8>();
        self.cipher.engine.decrypt_each(&self.cipher.key, blocks);
        self.cipher.key = key_words(&constant);
        self.feedback = self.cipher.encrypt_block(self.feedback);
        self.section = 0;
    }

    fn encrypt_section(&mut self, data: &mut [u8]) {
        let (head, rest) = data.split_at_mut(data.len().min(8 - self.used));
        self.encrypt_within_block(head);
        let (blocks, tail) = rest.as_chunks_mut::<8>();
        self.feedback = self.cipher.engine.encrypt_cfb(&self.cipher.key, self.feedback, blocks);
        if !tail.is_empty() {
            self.refill();
            self.encrypt_within_block(tail);
        }
    }

    fn decrypt_section(&mut self, data: &mut [u8]) {
        let (head, rest) = data.split_at_mut(data.len().min(8 - self.used));
        self.decrypt_within_block(head);
        let (blocks, tail) = rest.as_chunks_mut::<8>();
        let mut gammas = Zeroizing::new([[0; 8]; BATCH]);
        for batch in blocks.chunks_mut(BATCH) {
            let gammas = &mut gammas[..batch.len()];
            gammas[0] = self.feedback;
            gammas[1..].copy_from_slice(&batch[..batch.len() - 1]);
            self.feedback = batch[batch.len() - 1];
            self.cipher.engine.encrypt_each(&self.cipher.key, gammas);
            xor(batch, gammas);
        }
        if !tail.is_empty() {
            self.refill();
            self.decrypt_within_block(tail);
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
        let (blocks, tail) = rest.as_chunks_mut::<8>();
        let mut gammas = Zeroizing::new([[0; 8]; BATCH]);
        for batch in blocks.chunks_mut(BATCH) {
            let gammas = &mut gammas[..batch.len()];
            gammas.iter_mut().for_each(|counter| *counter = self.step().to_le_bytes());
            self.cipher.engine.encrypt_each(&self.cipher.key, gammas);
            xor(batch, gammas);
        }
        if !tail.is_empty() {
            let counter = self.step();
            self.gamma = self.cipher.encrypt_block(counter.to_le_bytes());
            self.used = 0;
            self.apply_within_block(tail);
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
            self.absorb(&[self.pending]);
            bytes = rest;
        }
        let (blocks, rest) = bytes.as_chunks::<8>();
        self.absorb(blocks);
        self.pending[..rest.len()].copy_from_slice(rest);
        self.filled = rest.len();
    }

    /// The code of everything taken in, 4 bytes; a partial last block is filled up with zeros.
    pub fn finish(mut self) -> [u8; 4] {
        if self.filled > 0 {
            self.pending[self.filled..].fill(0);
            self.absorb(&[self.pending]);
        }
        let [first, second, third, fourth, ..] = self.state.to_le_bytes();
        [first, second, third, fourth]
    }

    fn absorb(&mut self, blocks: &[[u8; 8]]) {
        self.state = self.cipher.engine.authenticate(&self.cipher.key, self.state, blocks);
    }
}

fn xor(blocks: &mut [[u8; 8]], gammas: &[[u8; 8]]) {
    for (block, gamma) in blocks.iter_mut().zip(gammas) {
        *block = (u64::from_le_bytes(*block) ^ u64::from_le_bytes(*gamma)).to_le_bytes();
    }
}

impl Drop for Cfb {
    fn drop(&mut self) {
        self.feedback.zeroize();
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

/// Blocks that are handed to the engine together.
const BATCH: usize = 32;

/// Bytes between two changes of the key, whole blocks.
const SECTION_BYTES: usize = 1024;

/// C of RFC 4357, 2.3.2.
const MESHING_CONSTANT: [u8; 32] = [
    0x69, 0x00, 0x72, 0x22, 0x64, 0xc9, 0x04, 0x23, 0x8d, 0x3a, 0xdb, 0x96, 0x46, 0xe9, 0x2a, 0xc4, //
    0x18, 0xfe, 0xac, 0x94, 0x00, 0xed, 0x07, 0x12, 0xc0, 0x86, 0xdc, 0xc2, 0xef, 0x4c, 0xa9, 0x2b,
];

/// C2 and C1 of the standard.
const LOW_STEP: u32 = 0x0101_0101;
const HIGH_STEP: u32 = 0x0101_0104;
