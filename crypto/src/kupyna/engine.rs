//! What computes the permutations: tables, registers, or neither tables nor registers.

use super::compress::{compress, permute_xor, source};
#[cfg(target_arch = "x86_64")]
use super::x86;
#[cfg(target_arch = "x86_64")]
use crate::dstu_tables::x86::Avx512;
use crate::dstu_tables::{FORWARD, FORWARD_MATRIX, SBOXES, byte, masked};

#[derive(Debug, Clone, Copy)]
pub(super) enum Engine {
    /// The fastest where the processor has nothing better; not constant time.
    Tables,
    /// Constant time everywhere.
    Masked,
    /// Constant time and the fastest.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Engine {
    /// The fastest.
    pub(super) fn new() -> Self {
        Self::in_registers().unwrap_or(Self::Tables)
    }

    /// The fastest of constant time.
    pub(super) fn constant_time() -> Self {
        Self::in_registers().unwrap_or(Self::Masked)
    }

    fn in_registers() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        return Avx512::detect().map(Self::Avx512);
        #[cfg(not(target_arch = "x86_64"))]
        None
    }

    /// Compresses blocks of 64 bytes in turn.
    pub(super) fn compress_narrow(self, chaining: &mut [u64; 8], blocks: &[[u8; 64]]) {
        match self {
            Self::Tables => blocks.iter().for_each(|block| compress(mix_by_table, chaining, &words(block))),
            Self::Masked => blocks.iter().for_each(|block| compress(mix_masked, chaining, &words(block))),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => x86::compress_narrow(avx512, chaining, blocks),
        }
    }

    /// Compresses blocks of 128 bytes in turn.
    pub(super) fn compress_wide(self, chaining: &mut [u64; 16], blocks: &[[u8; 128]]) {
        match self {
            Self::Tables => blocks.iter().for_each(|block| compress(mix_by_table, chaining, &words(block))),
            Self::Masked => blocks.iter().for_each(|block| compress(mix_masked, chaining, &words(block))),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => x86::compress_wide(avx512, chaining, blocks),
        }
    }

    /// P of eight columns.
    pub(super) fn permute_narrow(self, state: [u64; 8]) -> [u64; 8] {
        match self {
            Self::Tables => permute_xor(mix_by_table, state),
            Self::Masked => permute_xor(mix_masked, state),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => x86::permute_narrow(avx512, state),
        }
    }

    /// P of sixteen columns.
    pub(super) fn permute_wide(self, state: [u64; 16]) -> [u64; 16] {
        match self {
            Self::Tables => permute_xor(mix_by_table, state),
            Self::Masked => permute_xor(mix_masked, state),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => x86::permute_wide(avx512, state),
        }
    }
}

/// Substitution, rotation of the rows to the right, and the matrix, in eight look-ups a column.
#[inline(always)]
fn mix_by_table<const N: usize>(state: &[u64; N]) -> [u64; N] {
    let from = |column: usize, row: usize| FORWARD[row][byte(state[source(N, column, row)], row)];
    std::array::from_fn(|column| {
        ((from(column, 0) ^ from(column, 1)) ^ (from(column, 2) ^ from(column, 3)))
            ^ ((from(column, 4) ^ from(column, 5)) ^ (from(column, 6) ^ from(column, 7)))
    })
}

/// The same without a look-up.
fn mix_masked<const N: usize>(state: &[u64; N]) -> [u64; N] {
    let turned = masked::turn(&masked::substitute(&SBOXES, state), |column, row| source(N, column, row));
    turned.map(|word| masked::multiply(word, FORWARD_MATRIX))
}

#[inline(always)]
fn words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|index| u64::from_le_bytes(words[index]))
}
