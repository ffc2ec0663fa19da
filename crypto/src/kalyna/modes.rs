//! Modes of Kalyna that turn data into as much data. Each forgets its state when dropped.

use zeroize::{Zeroize, Zeroizing};

use super::block::{BATCH_BYTES, Block};
use super::{CipherError, Kalyna, MAX_BLOCK_BYTES, each};

/// Counter mode under way; made by [`Kalyna::ctr`]. The counter is the encrypted vector, a little-endian number.
pub struct Ctr(Gamma);

/// Output feedback under way; made by [`Kalyna::ofb`].
pub struct Ofb(Gamma);

/// Cipher feedback under way; made by [`Kalyna::cfb`] and [`Kalyna::cfb_with_feedback`].
///
/// A partial last block takes the *end* of its gamma (the standard's annex, UAPKI), so that whoever encrypts must say which piece is the last.
/// Encrypting is serial by nature: a block waits for the one before it. So is decrypting with a feedback of less than a block.
pub struct Cfb {
    cipher: Kalyna,
    /// What is encrypted next: the last ciphertext, and before it, where the feedback is shorter than a block, the last gamma.
    running: [u8; MAX_BLOCK_BYTES],
    /// In bytes; a block at most.
    feedback: usize,
}

/// A cipher, its running block, and what is left of the gamma.
struct Gamma {
    cipher: Kalyna,
    /// Counter or last gamma.
    running: [u8; MAX_BLOCK_BYTES],
    gamma: [u8; MAX_BLOCK_BYTES],
    /// Bytes of `gamma` that are used up.
    used: usize,
}

impl Gamma {
    fn new(cipher: Kalyna, running: [u8; MAX_BLOCK_BYTES]) -> Self {
        let used = cipher.block_len();
        Self { cipher, running, gamma: [0; MAX_BLOCK_BYTES], used }
    }

    /// What of `data` the current gamma still covers, and the rest.
    fn split<'a>(&self, data: &'a mut [u8]) -> (&'a mut [u8], &'a mut [u8]) {
        data.split_at_mut(data.len().min(self.cipher.block_len() - self.used))
    }

    /// A gamma from the running block.
    fn refill(&mut self) {
        self.gamma = self.running;
        self.cipher.encrypt_first(&mut self.gamma);
        self.used = 0;
    }

    fn apply(&mut self, data: &mut [u8]) {
        for byte in data {
            *byte ^= self.gamma[self.used];
            self.used += 1;
        }
    }
}

impl Ctr {
    pub(super) fn new(cipher: Kalyna, mut iv: [u8; MAX_BLOCK_BYTES]) -> Self {
        cipher.encrypt_first(&mut iv);
        Self(Gamma::new(cipher, iv))
    }

    /// Encrypts or decrypts the next bytes in place; any number of them.
    pub fn apply(&mut self, data: &mut [u8]) {
        let state = &mut self.0;
        let (head, rest) = state.split(data);
        state.apply(head);
        let whole = rest.len() - rest.len() % state.cipher.block_len();
        let (blocks, tail) = rest.split_at_mut(whole);
        each!(state.cipher, block => count_blocks(block, &mut state.running, blocks));
        if !tail.is_empty() {
            each!(state.cipher, block => step(block, &mut state.running));
            state.refill();
            state.apply(tail);
        }
    }
}

impl Ofb {
    pub(super) fn new(cipher: Kalyna, iv: [u8; MAX_BLOCK_BYTES]) -> Self {
        Self(Gamma::new(cipher, iv))
    }

    /// Encrypts or decrypts the next bytes in place; any number of them.
    pub fn apply(&mut self, data: &mut [u8]) {
        let state = &mut self.0;
        let (head, rest) = state.split(data);
        state.apply(head);
        for block in rest.chunks_mut(state.cipher.block_len()) {
            state.refill();
            state.running = state.gamma;
            state.apply(block);
        }
    }
}

impl Cfb {
    pub(super) fn new(cipher: Kalyna, iv: [u8; MAX_BLOCK_BYTES], feedback: usize) -> Self {
        Self { cipher, running: iv, feedback }
    }

    /// Encrypts the next bytes in place, whole feedbacks of them.
    ///
    /// # Errors
    /// [`CipherError::DataLength`] where the last feedback is not whole; nothing is encrypted then.
    pub fn encrypt(&mut self, data: &mut [u8]) -> Result<(), CipherError> {
        self.whole(data)?;
        self.encrypt_whole(data);
        Ok(())
    }

    /// Encrypts the last bytes in place; any number of them.
    pub fn encrypt_last(mut self, data: &mut [u8]) {
        let (whole, tail) = self.split(data);
        self.encrypt_whole(whole);
        self.apply_to_tail(tail);
    }

    /// Decrypts the next bytes in place, whole feedbacks of them.
    ///
    /// # Errors
    /// [`CipherError::DataLength`] where the last feedback is not whole; nothing is decrypted then.
    pub fn decrypt(&mut self, data: &mut [u8]) -> Result<(), CipherError> {
        self.whole(data)?;
        self.decrypt_whole(data);
        Ok(())
    }

    /// Decrypts the last bytes in place; any number of them.
    pub fn decrypt_last(mut self, data: &mut [u8]) {
        let (whole, tail) = self.split(data);
        self.decrypt_whole(whole);
        self.apply_to_tail(tail);
    }

    fn encrypt_whole(&mut self, data: &mut [u8]) {
        if self.feedback == self.cipher.block_len() {
            each!(self.cipher, block => encrypt_cfb(block, &mut self.running, data));
            return;
        }
        for piece in data.chunks_exact_mut(self.feedback) {
            let fed = self.gamma_of(piece.len());
            piece.iter_mut().zip(&mut *fed).for_each(|(byte, fed)| {
                *byte ^= *fed;
                *fed = *byte;
            });
        }
    }

    fn decrypt_whole(&mut self, data: &mut [u8]) {
        if self.feedback == self.cipher.block_len() {
            each!(self.cipher, block => decrypt_cfb(block, &mut self.running, data));
            return;
        }
        for piece in data.chunks_exact_mut(self.feedback) {
            let fed = self.gamma_of(piece.len());
            piece.iter_mut().zip(&mut *fed).for_each(|(byte, fed)| {
                let ciphertext = *byte;
                *byte ^= *fed;
                *fed = ciphertext;
            });
        }
    }

    /// Encrypts the running block; answers the last bytes of it, which the ciphertext replaces.
    fn gamma_of(&mut self, length: usize) -> &mut [u8] {
        let block = self.cipher.block_len();
        self.cipher.encrypt_first(&mut self.running);
        &mut self.running[block - length..block]
    }

    fn apply_to_tail(&mut self, tail: &mut [u8]) {
        if !tail.is_empty() {
            let gamma = self.gamma_of(tail.len());
            tail.iter_mut().zip(gamma).for_each(|(byte, gamma)| *byte ^= *gamma);
        }
    }

    fn whole(&self, data: &[u8]) -> Result<(), CipherError> {
        if data.len().is_multiple_of(self.feedback) {
            Ok(())
        } else {
            Err(CipherError::DataLength { length: data.len() })
        }
    }

    fn split<'a>(&self, data: &'a mut [u8]) -> (&'a mut [u8], &'a mut [u8]) {
        let whole = data.len() - data.len() % self.feedback;
        data.split_at_mut(whole)
    }
}

impl Drop for Cfb {
    fn drop(&mut self) {
        self.running.zeroize();
    }
}

impl Drop for Gamma {
    fn drop(&mut self) {
        self.running.zeroize();
        self.gamma.zeroize();
    }
}

/// Transforms every whole block of `data`, each alone.
pub(super) fn each_block<const N: usize>(data: &mut [u8], transform: impl Fn([u64; N]) -> [u64; N]) {
    for block in data.chunks_exact_mut(8 * N) {
        write(transform(read(block)), block);
    }
}

pub(super) fn encrypt_cbc<const N: usize>(cipher: &Block<N>, iv: &[u8], data: &mut [u8]) {
    let mut chaining: [u64; N] = read(iv);
    for block in data.chunks_exact_mut(8 * N) {
        chaining = cipher.encrypt(xor(&chaining, &read(block)));
        write(chaining, block);
    }
}

pub(super) fn decrypt_cbc<const N: usize>(cipher: &Block<N>, iv: &[u8], data: &mut [u8]) {
    let mut chaining = [0; MAX_BLOCK_BYTES];
    chaining[..8 * N].copy_from_slice(iv);
    for batch in data.chunks_mut(BATCH_BYTES) {
        let before = shifted::<N>(&mut chaining, batch);
        cipher.decrypt_each(batch);
        add(batch, &before);
    }
}

fn encrypt_cfb<const N: usize>(cipher: &Block<N>, running: &mut [u8; MAX_BLOCK_BYTES], data: &mut [u8]) {
    let mut feedback: [u64; N] = read(running);
    for block in data.chunks_exact_mut(8 * N) {
        feedback = xor(&cipher.encrypt(feedback), &read(block));
        write(feedback, block);
    }
    write(feedback, running);
}

fn decrypt_cfb<const N: usize>(cipher: &Block<N>, running: &mut [u8; MAX_BLOCK_BYTES], data: &mut [u8]) {
    for batch in data.chunks_mut(BATCH_BYTES) {
        let mut gamma = shifted::<N>(running, batch);
        cipher.encrypt_each(&mut gamma[..batch.len()]);
        add(batch, &gamma);
    }
}

/// The ciphertext, a block later: `running` first, which becomes the last block.
fn shifted<const N: usize>(running: &mut [u8; MAX_BLOCK_BYTES], ciphertext: &[u8]) -> [u8; BATCH_BYTES] {
    let mut shifted = [0; BATCH_BYTES];
    let last = ciphertext.len() - 8 * N;
    shifted[..8 * N].copy_from_slice(&running[..8 * N]);
    shifted[8 * N..ciphertext.len()].copy_from_slice(&ciphertext[..last]);
    running[..8 * N].copy_from_slice(&ciphertext[last..]);
    shifted
}

fn count_blocks<const N: usize>(cipher: &Block<N>, running: &mut [u8; MAX_BLOCK_BYTES], data: &mut [u8]) {
    let mut counter: [u64; N] = read(running);
    let mut gamma = Zeroizing::new([0; BATCH_BYTES]);
    for batch in data.chunks_mut(BATCH_BYTES) {
        let gamma = &mut gamma[..batch.len()];
        for block in gamma.chunks_exact_mut(8 * N) {
            increment(&mut counter);
            write(counter, block);
        }
        cipher.encrypt_each(gamma);
        add(batch, gamma);
    }
    write(counter, running);
}

#[inline(always)]
fn add(data: &mut [u8], gamma: &[u8]) {
    data.iter_mut().zip(gamma).for_each(|(byte, gamma)| *byte ^= gamma);
}

/// The size of the counter is the cipher's.
fn step<const N: usize>(_: &Block<N>, running: &mut [u8; MAX_BLOCK_BYTES]) {
    let mut counter: [u64; N] = read(running);
    increment(&mut counter);
    write(counter, running);
}

#[inline(always)]
fn increment<const N: usize>(counter: &mut [u64; N]) {
    for word in counter {
        *word = word.wrapping_add(1);
        if *word != 0 {
            break;
        }
    }
}

#[inline(always)]
pub(super) fn read<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|index| u64::from_le_bytes(words[index]))
}

#[inline(always)]
pub(super) fn write<const N: usize>(state: [u64; N], bytes: &mut [u8]) {
    let (words, _) = bytes.as_chunks_mut::<8>();
    for (bytes, word) in words.iter_mut().zip(state) {
        *bytes = word.to_le_bytes();
    }
}

#[inline(always)]
pub(super) fn xor<const N: usize>(left: &[u64; N], right: &[u64; N]) -> [u64; N] {
    std::array::from_fn(|word| left[word] ^ right[word])
}
