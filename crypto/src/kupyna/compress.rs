//! The permutations and the compression of Kupyna. A state of `N` columns: 8 for digests of up to 256 bits, 16 for longer ones.

use crate::dstu_tables::{FORWARD, byte};

/// `h ^ P(h ^ m) ^ Q(m)` (DSTU 7564:2014, 6.1).
#[inline]
pub(crate) fn compress<const N: usize>(chaining: &mut [u64; N], message: &[u64; N]) {
    let mixed: [u64; N] = std::array::from_fn(|column| chaining[column] ^ message[column]);
    let (left, right) = (permute_xor(mixed), permute_add(*message));
    for column in 0..N {
        chaining[column] ^= left[column] ^ right[column];
    }
}

/// P, with round constants added modulo 2 (DSTU 7564:2014, T-xor).
#[inline(always)]
pub(crate) fn permute_xor<const N: usize>(mut state: [u64; N]) -> [u64; N] {
    for round in 0..rounds(N) {
        for (column, word) in (0_u64..).zip(&mut state) {
            *word ^= column << 4 ^ round;
        }
        state = mix(&state);
    }
    state
}

/// Q, with round constants added modulo 2^64 (T-plus).
#[inline(always)]
fn permute_add<const N: usize>(mut state: [u64; N]) -> [u64; N] {
    for round in 0..rounds(N) {
        for (column, word) in (0_u64..).zip(state.iter_mut().rev()) {
            *word = word.wrapping_add(ADDEND ^ (column << 4 ^ round) << 56);
        }
        state = mix(&state);
    }
    state
}

/// Substitution, rotation of the rows to the right, and the matrix, in eight look-ups a column.
#[inline(always)]
fn mix<const N: usize>(state: &[u64; N]) -> [u64; N] {
    let from = |column: usize, row: usize| FORWARD[row][byte(state[(column + N - shift::<N>(row)) % N], row)];
    std::array::from_fn(|column| {
        ((from(column, 0) ^ from(column, 1)) ^ (from(column, 2) ^ from(column, 3)))
            ^ ((from(column, 4) ^ from(column, 5)) ^ (from(column, 6) ^ from(column, 7)))
    })
}

/// Row `r` turns by `r` columns, row 7 of the wide state by 11.
#[inline(always)]
const fn shift<const N: usize>(row: usize) -> usize {
    if N == 16 && row == 7 { 11 } else { row }
}

const fn rounds(columns: usize) -> u64 {
    if columns == 8 { 10 } else { 14 }
}

const ADDEND: u64 = 0x00f0_f0f0_f0f0_f0f3;
