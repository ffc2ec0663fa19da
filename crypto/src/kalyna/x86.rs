//! Kalyna on AVX-512: 512 bytes of blocks side by side in eight registers, or one block alone.
//!
//! Constant time: nothing here branches on a value or uses it as an address.
#![allow(
    unsafe_code,
    reason = "instructions beyond the baseline need it; the detected processor is proven by the type"
)]

use std::arch::x86_64::*;

use super::block::BATCH_BYTES;
use super::galois;
use super::layer::Layer;
use crate::dstu_tables::x86::{Avx512, load, mix, row_indices, store, substitute, substitute_four, unmix, with_avx512};
use crate::dstu_tables::{INVERSE_SBOXES, SBOXES};

/// Encrypts blocks of `N` columns, each alone. `keys` are the round keys, first used first.
pub(super) fn encrypt_batch<const N: usize>(_: Avx512, keys: &[[u64; N]], blocks: &mut [u8; BATCH_BYTES]) {
    // SAFETY: an `Avx512` exists only where the features were detected.
    unsafe { encrypt_all(keys, blocks) }
}

/// The inverse of [`encrypt_batch`], with the same keys.
pub(super) fn decrypt_batch<const N: usize>(_: Avx512, keys: &[[u64; N]], blocks: &mut [u8; BATCH_BYTES]) {
    // SAFETY: as above.
    unsafe { decrypt_all(keys, blocks) }
}

/// Encrypts one block.
pub(super) fn encrypt<const N: usize>(_: Avx512, keys: &[[u64; N]], state: [u64; N]) -> [u64; N] {
    // SAFETY: as above.
    unsafe { encrypt_one(keys, state) }
}

/// The inverse of [`encrypt`], with the same keys.
pub(super) fn decrypt<const N: usize>(_: Avx512, keys: &[[u64; N]], state: [u64; N]) -> [u64; N] {
    // SAFETY: as above.
    unsafe { decrypt_one(keys, state) }
}

/// As [`galois::absorb`].
pub(super) fn absorb<const N: usize>(_: Avx512, key: &[u64; N], sum: &mut [u64; N], data: &[u8]) {
    // SAFETY: as above.
    unsafe { absorb_all(key, sum, data) }
}

/// For round keys; a state a call.
impl Layer for Avx512 {
    fn mix<const N: usize>(self, state: &[u64; N]) -> [u64; N] {
        // SAFETY: as above.
        unsafe { mix_one(state) }
    }

    fn unsubstitute<const N: usize>(self, state: &[u64; N]) -> [u64; N] {
        // SAFETY: as above.
        unsafe { unsubstitute_one(state) }
    }

    fn unmix_columns<const N: usize>(self, state: &[u64; N]) -> [u64; N] {
        // SAFETY: as above.
        unsafe { unmix_one(state) }
    }
}

with_avx512! {
    fn encrypt_all<const N: usize>(keys: &[[u64; N]], blocks: &mut [u8; BATCH_BYTES]) {
        let [first, middle @ .., last] = keys else { return };
        let rows = const { &rows::<N>(false) }.each_ref().map(load);
        let mut groups = load_groups(blocks);
        let key = spread(first);
        for state in groups.as_flattened_mut() {
            *state = _mm512_add_epi64(*state, key);
        }
        for key in middle {
            let key = spread(key);
            for group in &mut groups {
                let substituted = substitute_four(&SBOXES, *group);
                for lane in 0..4 {
                    group[lane] = mix(_mm512_permutexvar_epi8(rows[lane], substituted[lane]), key);
                }
            }
        }
        let key = spread(last);
        for group in &mut groups {
            let substituted = substitute_four(&SBOXES, *group);
            for lane in 0..4 {
                let mixed = mix(_mm512_permutexvar_epi8(rows[lane], substituted[lane]), _mm512_setzero_si512());
                group[lane] = _mm512_add_epi64(mixed, key);
            }
        }
        store_groups(groups, blocks);
    }

    fn decrypt_all<const N: usize>(keys: &[[u64; N]], blocks: &mut [u8; BATCH_BYTES]) {
        let [first, middle @ .., last] = keys else { return };
        let rows = const { &rows::<N>(true) }.each_ref().map(load);
        let mut groups = load_groups(blocks);
        let key = spread(last);
        for state in groups.as_flattened_mut() {
            *state = unmix(_mm512_sub_epi64(*state, key));
        }
        for key in middle.iter().rev() {
            let key = spread(key);
            for group in &mut groups {
                let substituted = substitute_four(&INVERSE_SBOXES, *group);
                for lane in 0..4 {
                    let turned = _mm512_permutexvar_epi8(rows[lane], substituted[lane]);
                    group[lane] = unmix(_mm512_xor_si512(turned, key));
                }
            }
        }
        let key = spread(first);
        for group in &mut groups {
            let substituted = substitute_four(&INVERSE_SBOXES, *group);
            for lane in 0..4 {
                group[lane] = _mm512_sub_epi64(_mm512_permutexvar_epi8(rows[lane], substituted[lane]), key);
            }
        }
        store_groups(groups, blocks);
    }

    fn encrypt_one<const N: usize>(keys: &[[u64; N]], state: [u64; N]) -> [u64; N] {
        let [first, middle @ .., last] = keys else { return state };
        let rows = load(const { &rows::<N>(false)[0] });
        let mut state = _mm512_add_epi64(spread(&state), spread(first));
        for key in middle {
            state = mix(_mm512_permutexvar_epi8(rows, substitute(&SBOXES, state)), spread(key));
        }
        let mixed = mix(_mm512_permutexvar_epi8(rows, substitute(&SBOXES, state)), _mm512_setzero_si512());
        gather(_mm512_add_epi64(mixed, spread(last)))
    }

    fn decrypt_one<const N: usize>(keys: &[[u64; N]], state: [u64; N]) -> [u64; N] {
        let [first, middle @ .., last] = keys else { return state };
        let rows = load(const { &rows::<N>(true)[0] });
        let mut state = unmix(_mm512_sub_epi64(spread(&state), spread(last)));
        for key in middle.iter().rev() {
            let turned = _mm512_permutexvar_epi8(rows, substitute(&INVERSE_SBOXES, state));
            state = unmix(_mm512_xor_si512(turned, spread(key)));
        }
        let turned = _mm512_permutexvar_epi8(rows, substitute(&INVERSE_SBOXES, state));
        gather(_mm512_sub_epi64(turned, spread(first)))
    }

    fn mix_one<const N: usize>(state: &[u64; N]) -> [u64; N] {
        let rows = load(const { &rows::<N>(false)[0] });
        let substituted = substitute(&SBOXES, spread(state));
        gather(mix(_mm512_permutexvar_epi8(rows, substituted), _mm512_setzero_si512()))
    }

    fn unsubstitute_one<const N: usize>(state: &[u64; N]) -> [u64; N] {
        let rows = load(const { &rows::<N>(true)[0] });
        gather(_mm512_permutexvar_epi8(rows, substitute(&INVERSE_SBOXES, spread(state))))
    }

    fn unmix_one<const N: usize>(state: &[u64; N]) -> [u64; N] {
        gather(unmix(spread(state)))
    }

    fn absorb_all<const N: usize>(key: &[u64; N], sum: &mut [u64; N], data: &[u8]) {
        galois::absorb_with(|left, right| product(left, right), key, sum, data);
    }

    /// The carry-less product, low and high words.
    #[inline]
    fn product<const N: usize>(left: &[u64; N], right: &[u64; N]) -> ([u64; N], [u64; N]) {
        let mut words = [[0; N]; 2];
        for i in 0..N {
            for j in 0..N {
                let (left, right) = (left[i].cast_signed(), right[j].cast_signed());
                let product = _mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(left), _mm_cvtsi64_si128(right));
                words[(i + j) / N][(i + j) % N] ^= _mm_cvtsi128_si64(product).cast_unsigned();
                words[(i + j + 1) / N][(i + j + 1) % N] ^= _mm_extract_epi64::<1>(product).cast_unsigned();
            }
        }
        let [low, high] = words;
        (low, high)
    }

    /// The block as often as it goes into a register.
    #[inline]
    fn spread<const N: usize>(block: &[u64; N]) -> __m512i {
        let word = |index: usize| block[index % N].cast_signed();
        _mm512_set_epi64(word(7), word(6), word(5), word(4), word(3), word(2), word(1), word(0))
    }

    #[inline]
    fn gather<const N: usize>(register: __m512i) -> [u64; N] {
        let bytes = store(register);
        let (words, _) = bytes.as_chunks::<8>();
        std::array::from_fn(|index| u64::from_le_bytes(words[index]))
    }
}

/// Two groups of four registers: while the substitution of one waits for permutations, the matrix of the other computes.
type Groups = [[__m512i; 4]; 2];

#[inline(always)]
fn load_groups(blocks: &[u8; BATCH_BYTES]) -> Groups {
    let (pieces, _) = blocks.as_chunks::<64>();
    [0, 4].map(|first| [0, 1, 2, 3].map(|lane| load(&pieces[first + lane])))
}

#[inline(always)]
fn store_groups(groups: Groups, blocks: &mut [u8; BATCH_BYTES]) {
    let (pieces, _) = blocks.as_chunks_mut::<64>();
    pieces.iter_mut().zip(groups.as_flattened()).for_each(|(piece, register)| *piece = store(*register));
}

/// The turning of rows, one for each state that `substitute_four` gives back.
const fn rows<const N: usize>(inverse: bool) -> [[u8; 64]; 4] {
    let mut shifts = [0; 8];
    let mut row = 0;
    while row < 8 {
        let shift = row * N / 8;
        shifts[row] = if inverse { (N - shift) % N } else { shift };
        row += 1;
    }
    [
        row_indices(N, shifts, 0, [0, 0]),
        row_indices(N, shifts, 0, [1, 1]),
        row_indices(N, shifts, 0, [2, 2]),
        row_indices(N, shifts, 0, [3, 3]),
    ]
}
