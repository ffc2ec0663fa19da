//! GOST 28147-89 on AVX-512 (VBMI): the substitution in two registers, one for the low and one for the high half-bytes of a word.
//!
//! A round is eight steps that wait for each other (add, shift, mask, look-up of three, rotate, xor), against ten and a half with tables
//! in memory; a block is 32 rounds. That bounds what is serial by nature: CFB encryption and the MAC. Everything else runs 32 blocks side by
//! side.
//!
//! Constant time: nothing here branches on a value or uses it as an address.
#![allow(
    unsafe_code,
    reason = "instructions beyond the baseline need it; the detected processor is proven by the type"
)]

use std::arch::x86_64::*;

use super::dke::Nibbles;
use super::rounds::KeyWords;
use crate::dstu_tables::x86::{Avx512, load, store, with_avx512};

/// Bytes that are transformed side by side.
pub(crate) const BATCH_BYTES: usize = 256;

/// Encrypts the blocks of a batch, each alone.
pub(crate) fn encrypt_batch(_: Avx512, nibbles: &Nibbles, key: &KeyWords, blocks: &mut [u8; BATCH_BYTES]) {
    // SAFETY: an `Avx512` exists only where the features were detected.
    unsafe { batch::<false>(nibbles, key, blocks) }
}

/// The inverse of [`encrypt_batch`].
pub(crate) fn decrypt_batch(_: Avx512, nibbles: &Nibbles, key: &KeyWords, blocks: &mut [u8; BATCH_BYTES]) {
    // SAFETY: as above.
    unsafe { batch::<true>(nibbles, key, blocks) }
}

/// Gamma with feedback over whole blocks; answers the last ciphertext.
pub(crate) fn encrypt_cfb(
    _: Avx512,
    nibbles: &Nibbles,
    key: &KeyWords,
    feedback: [u8; 8],
    blocks: &mut [[u8; 8]],
) -> [u8; 8] {
    // SAFETY: as above.
    unsafe { cfb(nibbles, key, feedback, blocks) }
}

/// The state of the MAC after whole blocks.
pub(crate) fn authenticate(_: Avx512, nibbles: &Nibbles, key: &KeyWords, state: u64, blocks: &[[u8; 8]]) -> u64 {
    // SAFETY: as above.
    unsafe { mac(nibbles, key, state, blocks) }
}

/// What a substitution needs in registers.
#[derive(Clone, Copy)]
pub(crate) struct Registers {
    low: __m512i,
    high: __m512i,
    /// 0f in every byte.
    mask: __m512i,
    /// Which of four rows the look-up reads: the number of the byte in its word.
    rows: __m512i,
}

/// Eight rounds, the halves in turn; the key words in the order of the arguments.
macro_rules! eight_rounds {
    ($round:ident($registers:expr, $low:ident, $high:ident), $key:expr, $($first:literal $second:literal),*) => {$(
        $high = $round($registers, $high, $low, $key[$first]);
        $low = $round($registers, $low, $high, $key[$second]);
    )*};
}

macro_rules! ascending {
    ($round:ident($registers:expr, $low:ident, $high:ident), $key:expr) => {
        eight_rounds!($round($registers, $low, $high), $key, 0 1, 2 3, 4 5, 6 7);
    };
}

macro_rules! descending {
    ($round:ident($registers:expr, $low:ident, $high:ident), $key:expr) => {
        eight_rounds!($round($registers, $low, $high), $key, 7 6, 5 4, 3 2, 1 0);
    };
}

with_avx512! {
    #[inline]
    pub(crate) fn registers(nibbles: &Nibbles) -> Registers {
        Registers {
            low: load(&nibbles.low),
            high: load(&nibbles.high),
            mask: _mm512_set1_epi8(0x0f),
            rows: _mm512_set1_epi32(0x3020_1000),
        }
    }

    /// `high ^ f(low + key)` for four words.
    #[inline]
    pub(crate) fn round_of_four(registers: Registers, high: __m128i, low: __m128i, key: __m128i) -> __m128i {
        let sum = _mm_add_epi32(low, key);
        let mask = _mm512_castsi512_si128(registers.mask);
        let rows = _mm512_castsi512_si128(registers.rows);
        let low_index = _mm_ternarylogic_epi32::<AND_OR>(sum, mask, rows);
        let high_index = _mm_ternarylogic_epi32::<AND_OR>(_mm_srli_epi32::<4>(sum), mask, rows);
        let low_half = _mm512_permutexvar_epi8(_mm512_castsi128_si512(low_index), registers.low);
        let high_half = _mm512_permutexvar_epi8(_mm512_castsi128_si512(high_index), registers.high);
        let low_turned = _mm_rol_epi32::<11>(_mm512_castsi512_si128(low_half));
        let high_turned = _mm_rol_epi32::<11>(_mm512_castsi512_si128(high_half));
        _mm_ternarylogic_epi32::<XOR>(high, low_turned, high_turned)
    }

    /// The same for one word under a key word.
    #[inline]
    fn round_of_one(registers: Registers, high: __m128i, low: __m128i, key: u32) -> __m128i {
        round_of_four(registers, high, low, _mm_cvtsi32_si128(key.cast_signed()))
    }

    /// The same for two times sixteen words under one key word.
    #[inline]
    fn round_of_32(registers: Registers, high: [__m512i; 2], low: [__m512i; 2], key: u32) -> [__m512i; 2] {
        let key = _mm512_set1_epi32(key.cast_signed());
        let mut result = high;
        for lane in 0..2 {
            let sum = _mm512_add_epi32(low[lane], key);
            let low_index = _mm512_ternarylogic_epi32::<AND_OR>(sum, registers.mask, registers.rows);
            let high_index =
                _mm512_ternarylogic_epi32::<AND_OR>(_mm512_srli_epi32::<4>(sum), registers.mask, registers.rows);
            let low_turned = _mm512_rol_epi32::<11>(_mm512_permutexvar_epi8(low_index, registers.low));
            let high_turned = _mm512_rol_epi32::<11>(_mm512_permutexvar_epi8(high_index, registers.high));
            result[lane] = _mm512_ternarylogic_epi32::<XOR>(high[lane], low_turned, high_turned);
        }
        result
    }

    fn batch<const INVERSE: bool>(nibbles: &Nibbles, key: &KeyWords, blocks: &mut [u8; BATCH_BYTES]) {
        let registers = registers(nibbles);
        let (even, odd) = (load(const { &words(0, 2) }), load(const { &words(1, 2) }));
        let (quarters, _) = blocks.as_chunks_mut::<64>();
        let [a, b, c, d] = [load(&quarters[0]), load(&quarters[1]), load(&quarters[2]), load(&quarters[3])];
        let mut low = [_mm512_permutex2var_epi32(a, even, b), _mm512_permutex2var_epi32(c, even, d)];
        let mut high = [_mm512_permutex2var_epi32(a, odd, b), _mm512_permutex2var_epi32(c, odd, d)];
        ascending!(round_of_32(registers, low, high), key);
        for _ in 0..2 {
            if INVERSE {
                descending!(round_of_32(registers, low, high), key);
            } else {
                ascending!(round_of_32(registers, low, high), key);
            }
        }
        descending!(round_of_32(registers, low, high), key);
        // The halves change places at the end.
        let (first, second) = (load(const { &interleaved(0) }), load(const { &interleaved(8) }));
        for lane in 0..2 {
            quarters[2 * lane] = store(_mm512_permutex2var_epi32(high[lane], first, low[lane]));
            quarters[2 * lane + 1] = store(_mm512_permutex2var_epi32(high[lane], second, low[lane]));
        }
    }

    fn cfb(nibbles: &Nibbles, key: &KeyWords, feedback: [u8; 8], blocks: &mut [[u8; 8]]) -> [u8; 8] {
        let registers = registers(nibbles);
        let (mut low, mut high) = halves(u64::from_le_bytes(feedback));
        for block in blocks {
            for _ in 0..3 {
                ascending!(round_of_one(registers, low, high), key);
            }
            descending!(round_of_one(registers, low, high), key);
            let (plain_low, plain_high) = halves(u64::from_le_bytes(*block));
            (low, high) = (_mm_xor_si128(high, plain_low), _mm_xor_si128(low, plain_high));
            *block = joined(low, high).to_le_bytes();
        }
        joined(low, high).to_le_bytes()
    }

    fn mac(nibbles: &Nibbles, key: &KeyWords, state: u64, blocks: &[[u8; 8]]) -> u64 {
        let registers = registers(nibbles);
        let (mut low, mut high) = halves(state);
        for block in blocks {
            let (block_low, block_high) = halves(u64::from_le_bytes(*block));
            (low, high) = (_mm_xor_si128(low, block_low), _mm_xor_si128(high, block_high));
            for _ in 0..2 {
                ascending!(round_of_one(registers, low, high), key);
            }
        }
        joined(low, high)
    }

    #[inline]
    fn halves(block: u64) -> (__m128i, __m128i) {
        let both = _mm_cvtsi64_si128(block.cast_signed());
        (both, _mm_srli_epi64::<32>(both))
    }

    #[inline]
    fn joined(low: __m128i, high: __m128i) -> u64 {
        _mm_cvtsi128_si64(_mm_unpacklo_epi32(low, high)).cast_unsigned()
    }
}

/// Word `first` and every `step`th after it, as indices into two registers.
const fn words(first: u8, step: u8) -> [u8; 64] {
    let mut indices = [0; 64];
    let (mut lane, mut word) = (0, first);
    while lane < 16 {
        indices[4 * lane] = word;
        lane += 1;
        word += step;
    }
    indices
}

/// Eight words from `first` on of one register, those of another between them.
const fn interleaved(first: u8) -> [u8; 64] {
    let mut indices = [0; 64];
    let (mut pair, mut word) = (0, first);
    while pair < 8 {
        indices[8 * pair] = word;
        indices[8 * pair + 4] = 16 + word;
        pair += 1;
        word += 1;
    }
    indices
}

/// (a and b) or c.
const AND_OR: i32 = 0xea;
const XOR: i32 = 0x96;
