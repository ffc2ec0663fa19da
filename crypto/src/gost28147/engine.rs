//! What computes the rounds: tables, registers, or neither tables nor registers.

#[cfg(target_arch = "x86_64")]
use zeroize::Zeroizing;

use super::dke::Dke;
use super::masked::Polynomials;
use super::rounds::{KeyWords, authenticate, decrypt, encrypt};
#[cfg(target_arch = "x86_64")]
use super::x86;
#[cfg(target_arch = "x86_64")]
use crate::dstu_tables::x86::Avx512;

/// A substitution that is ready for work.
#[derive(Clone)]
pub(crate) enum Engine {
    /// The fastest where the processor has nothing better; not constant time.
    Tables(Dke),
    /// Constant time everywhere.
    Polynomials(Box<Polynomials>),
    /// Constant time and the fastest.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512, Dke),
}

impl Engine {
    /// The fastest.
    pub(crate) fn new(dke: Dke) -> Self {
        Self::in_registers(&dke).unwrap_or(Self::Tables(dke))
    }

    /// The fastest of constant time.
    pub(crate) fn constant_time(dke: &Dke) -> Self {
        Self::in_registers(dke).unwrap_or_else(|| Self::polynomials(dke))
    }

    pub(crate) fn polynomials(dke: &Dke) -> Self {
        Self::Polynomials(Box::new(Polynomials::new(&dke.rows())))
    }

    #[cfg(target_arch = "x86_64")]
    fn in_registers(dke: &Dke) -> Option<Self> {
        Avx512::detect().map(|avx512| Self::Avx512(avx512, dke.clone()))
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn in_registers(_: &Dke) -> Option<Self> {
        None
    }

    /// Encrypts blocks, each alone.
    pub(crate) fn encrypt_each(&self, key: &KeyWords, blocks: &mut [[u8; 8]]) {
        match self {
            Self::Tables(dke) => four_by_four(blocks, |lanes| encrypt(dke.tables(), &[key; 4], lanes)),
            Self::Polynomials(polynomials) => one_by_one(blocks, |lane| encrypt(&**polynomials, &[key], lane)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512, dke) => {
                in_batches(blocks, |batch| x86::encrypt_batch(*avx512, dke.nibbles(), key, batch));
            }
        }
    }

    /// The inverse of [`Engine::encrypt_each`].
    pub(crate) fn decrypt_each(&self, key: &KeyWords, blocks: &mut [[u8; 8]]) {
        match self {
            Self::Tables(dke) => four_by_four(blocks, |lanes| decrypt(dke.tables(), &[key; 4], lanes)),
            Self::Polynomials(polynomials) => one_by_one(blocks, |lane| decrypt(&**polynomials, &[key], lane)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512, dke) => {
                in_batches(blocks, |batch| x86::decrypt_batch(*avx512, dke.nibbles(), key, batch));
            }
        }
    }

    /// Gamma with feedback; answers the last ciphertext.
    pub(crate) fn encrypt_cfb(&self, key: &KeyWords, mut feedback: [u8; 8], blocks: &mut [[u8; 8]]) -> [u8; 8] {
        let step = |block: &mut [u8; 8], [gamma]: [u64; 1]| {
            *block = (u64::from_le_bytes(*block) ^ gamma).to_le_bytes();
            *block
        };
        match self {
            Self::Tables(dke) => {
                for block in blocks {
                    feedback = step(block, encrypt(dke.tables(), &[key], [u64::from_le_bytes(feedback)]));
                }
                feedback
            }
            Self::Polynomials(polynomials) => {
                for block in blocks {
                    feedback = step(block, encrypt(&**polynomials, &[key], [u64::from_le_bytes(feedback)]));
                }
                feedback
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512, dke) => x86::encrypt_cfb(*avx512, dke.nibbles(), key, feedback, blocks),
        }
    }

    /// The state of the MAC after whole blocks.
    pub(crate) fn authenticate(&self, key: &KeyWords, state: u64, blocks: &[[u8; 8]]) -> u64 {
        let words = blocks.iter().map(|block| u64::from_le_bytes(*block));
        match self {
            Self::Tables(dke) => words.fold(state, |state, word| authenticate(dke.tables(), key, state ^ word)),
            Self::Polynomials(polynomials) => {
                words.fold(state, |state, word| authenticate(&**polynomials, key, state ^ word))
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512, dke) => x86::authenticate(*avx512, dke.nibbles(), key, state, blocks),
        }
    }
}

fn one_by_one(blocks: &mut [[u8; 8]], transform: impl Fn([u64; 1]) -> [u64; 1]) {
    for block in blocks {
        let [value] = transform([u64::from_le_bytes(*block)]);
        *block = value.to_le_bytes();
    }
}

/// Look-ups of one block hide behind another's; what is less takes the time of four.
fn four_by_four(blocks: &mut [[u8; 8]], transform: impl Fn([u64; 4]) -> [u64; 4]) {
    for four in blocks.chunks_mut(4) {
        let mut lanes = [0; 4];
        lanes.iter_mut().zip(&*four).for_each(|(lane, block)| *lane = u64::from_le_bytes(*block));
        four.iter_mut().zip(transform(lanes)).for_each(|(block, lane)| *block = lane.to_le_bytes());
    }
}

/// Transforms 256 bytes a time; what is less takes the time of a whole batch.
#[cfg(target_arch = "x86_64")]
fn in_batches(blocks: &mut [[u8; 8]], transform: impl Fn(&mut [u8; x86::BATCH_BYTES])) {
    let (batches, rest) = blocks.as_flattened_mut().as_chunks_mut();
    batches.iter_mut().for_each(&transform);
    if !rest.is_empty() {
        let mut batch = Zeroizing::new([0; x86::BATCH_BYTES]);
        batch[..rest.len()].copy_from_slice(rest);
        transform(&mut batch);
        rest.copy_from_slice(&batch[..rest.len()]);
    }
}
