//! The step of GOST 34.311-95 on AVX-512 (VBMI): four encryptions in four lanes, each under its own key; all that is linear (keys, psi) as
//! sums of bytes picked from a register.
//!
//! Constant time: nothing here branches on a value or uses it as an address.
#![allow(
    unsafe_code,
    reason = "instructions beyond the baseline need it; the detected processor is proven by the type"
)]

use std::arch::x86_64::*;

use super::compress::{Block, C3, terms};
use crate::dstu_tables::x86::{Avx512, load, store, with_avx512, xor3};
use crate::gost28147::Nibbles;
use crate::gost28147::x86::{Registers, registers, round_of_four};

/// Hashes the blocks in turn into the chaining value.
pub(super) fn compress_all(_: Avx512, nibbles: &Nibbles, chaining: &mut Block, blocks: &[[u8; 32]]) {
    // SAFETY: an `Avx512` exists only where the features were detected.
    unsafe { compress(nibbles, chaining, blocks) }
}

with_avx512! {
    fn compress(nibbles: &Nibbles, chaining: &mut Block, blocks: &[[u8; 32]]) {
        let registers = registers(nibbles);
        let [a, b, c, d] = chaining.map(u64::cast_signed);
        let mut state = _mm512_set_epi64(0, 0, 0, 0, d, c, b, a);
        for block in blocks {
            let message = widened(block);
            let keys = [
                xor3(pick(state, &CHAINING_WORDS[0]), pick(message, &MESSAGE_WORDS[0]), load(&CONSTANTS[0])),
                xor3(pick(state, &CHAINING_WORDS[1]), pick(message, &MESSAGE_WORDS[1]), load(&CONSTANTS[1])),
            ];
            // psi^61(H ^ psi(M ^ psi^12(S))), sorted by what is known when.
            let known = _mm512_xor_si512(pick(state, &PSI_61), pick(message, &PSI_62));
            state = _mm512_xor_si512(known, pick(encrypt(registers, &keys, state), &PSI_74));
        }
        let bytes = store(state);
        let (words, _) = bytes.as_chunks::<8>();
        *chaining = std::array::from_fn(|index| u64::from_le_bytes(words[index]));
    }

    /// Each of the four words under its own key.
    #[inline]
    fn encrypt(registers: Registers, keys: &[__m512i; 2], state: __m512i) -> __m512i {
        let keys = [
            _mm512_extracti32x4_epi32::<0>(keys[0]),
            _mm512_extracti32x4_epi32::<1>(keys[0]),
            _mm512_extracti32x4_epi32::<2>(keys[0]),
            _mm512_extracti32x4_epi32::<3>(keys[0]),
            _mm512_extracti32x4_epi32::<0>(keys[1]),
            _mm512_extracti32x4_epi32::<1>(keys[1]),
            _mm512_extracti32x4_epi32::<2>(keys[1]),
            _mm512_extracti32x4_epi32::<3>(keys[1]),
        ];
        let state = _mm512_castsi512_si256(state);
        let mut low = _mm256_cvtepi64_epi32(state);
        let mut high = _mm256_cvtepi64_epi32(_mm256_srli_epi64::<32>(state));
        for _ in 0..3 {
            for pair in 0..4 {
                high = round_of_four(registers, high, low, keys[2 * pair]);
                low = round_of_four(registers, low, high, keys[2 * pair + 1]);
            }
        }
        for pair in 0..4 {
            high = round_of_four(registers, high, low, keys[7 - 2 * pair]);
            low = round_of_four(registers, low, high, keys[6 - 2 * pair]);
        }
        // The halves change places at the end.
        let (low, high) = (_mm256_cvtepu32_epi64(high), _mm256_cvtepu32_epi64(low));
        _mm512_zextsi256_si512(_mm256_or_si256(low, _mm256_slli_epi64::<32>(high)))
    }

    /// The sum of bytes of `value`: one of each entry of `indices` for each byte of the result.
    #[inline]
    fn pick<const TERMS: usize>(value: __m512i, indices: &[[u8; 64]; TERMS]) -> __m512i {
        let mut sum = _mm512_setzero_si512();
        let (pairs, rest) = indices.as_chunks::<2>();
        for [first, second] in pairs {
            let first = _mm512_permutexvar_epi8(load(first), value);
            sum = xor3(sum, first, _mm512_permutexvar_epi8(load(second), value));
        }
        for last in rest {
            sum = _mm512_xor_si512(sum, _mm512_permutexvar_epi8(load(last), value));
        }
        sum
    }
}

/// 32 bytes and as many zeros.
#[inline(always)]
fn widened(block: &[u8; 32]) -> __m512i {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(block);
    load(&bytes)
}

/// The sixteen-bit words that psi makes, as sums of the sixteen it is given.
const fn psi<const TERMS: usize>(steps: usize) -> [[u8; 64]; TERMS] {
    let mut indices = [[NOTHING; 64]; TERMS];
    let mut word = 0;
    while word < 16 {
        let (terms, mut term, mut used) = (terms(steps + word), 0, 0);
        while term < 16 {
            if terms >> term & 1 == 1 {
                indices[used][2 * word] = 2 * term;
                indices[used][2 * word + 1] = 2 * term + 1;
                used += 1;
            }
            term += 1;
        }
        word += 1;
    }
    indices
}

/// Word `word` of key `key` has byte `word` of four 64-bit words in a row, the first of them `key * step` steps on in the register
/// y(n + 4) = y(n) ^ y(n + 1): bytes as sums of those of the first four words. The words of a key lie four keys abreast, two halves of four.
const fn key_bytes<const TERMS: usize>(step: usize) -> [[[u8; 64]; TERMS]; 2] {
    let mut indices = [[[NOTHING; 64]; TERMS]; 2];
    let mut index = 0;
    while index < 128 {
        let (word, key, byte) = (index / 16, index / 4 % 4, index % 4);
        let (sources, mut source, mut used) = (sources(key * step + byte), 0, 0);
        while source < 4 {
            if sources >> source & 1 == 1 {
                #[allow(clippy::cast_possible_truncation, reason = "below 32")]
                {
                    indices[word / 4][used][index % 64] = (source * 8 + word) as u8;
                }
                used += 1;
            }
            source += 1;
        }
        index += 1;
    }
    indices
}

/// Which of the first four words add up to word `number` of y(n + 4) = y(n) ^ y(n + 1).
const fn sources(number: usize) -> u8 {
    if number < 4 { 1 << number } else { sources(number - 4) ^ sources(number - 3) }
}

/// C3 comes in at the third key, and takes part in the step to the fourth.
const fn constants() -> [[u8; 64]; 2] {
    let third = C3;
    let fourth = [C3[1], C3[2], C3[3], C3[0] ^ C3[1]];
    let mut constants = [[0; 64]; 2];
    let mut index = 0;
    while index < 128 {
        let (word, key, byte) = (index / 16, index / 4 % 4, index % 4);
        if key >= 2 {
            let source = if key == 2 { third[byte] } else { fourth[byte] };
            constants[word / 4][index % 64] = source.to_le_bytes()[word];
        }
        index += 1;
    }
    constants
}

/// Index of a byte that is zero.
const NOTHING: u8 = 32;

static CHAINING_WORDS: [[[u8; 64]; 2]; 2] = key_bytes(1);
static MESSAGE_WORDS: [[[u8; 64]; 3]; 2] = key_bytes(2);
static CONSTANTS: [[u8; 64]; 2] = constants();
static PSI_61: [[u8; 64]; 14] = psi(61);
static PSI_62: [[u8; 64]; 14] = psi(62);
static PSI_74: [[u8; 64]; 11] = psi(74);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gost28147::Dke;
    use crate::gost34311::{compress, words};

    proptest::proptest! {
        #[test]
        fn agrees_with_the_tables(chaining: [u64; 4], blocks: [[u8; 32]; 3]) {
            let Some(avx512) = Avx512::detect() else { return Ok(()) };
            let (mut fast, mut slow) = (chaining, chaining);
            compress_all(avx512, Dke::NUMBER_1.nibbles(), &mut fast, &blocks);
            for block in &blocks {
                slow = compress(Dke::NUMBER_1.tables(), &slow, &words(block));
            }
            proptest::prop_assert_eq!(fast, slow);
        }
    }
}
