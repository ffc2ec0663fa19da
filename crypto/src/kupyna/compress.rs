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

/// Substitution, rotation of the rows to the right, and the matrix, in eight look-ups a column. Column by column of the input, so that
/// the sums stay in registers; written out, because a loop over them would put them into memory.
#[inline(always)]
fn mix<const N: usize>(state: &[u64; N]) -> [u64; N] {
    let mut mixed = [0; N];
    macro_rules! scatter {
        ($($column:literal)*) => {$(
            if $column < N {
                let word = state[$column % N];
                mixed[$column % N] ^= FORWARD[0][byte(word, 0)];
                mixed[($column + 1) % N] ^= FORWARD[1][byte(word, 1)];
                mixed[($column + 2) % N] ^= FORWARD[2][byte(word, 2)];
                mixed[($column + 3) % N] ^= FORWARD[3][byte(word, 3)];
                mixed[($column + 4) % N] ^= FORWARD[4][byte(word, 4)];
                mixed[($column + 5) % N] ^= FORWARD[5][byte(word, 5)];
                mixed[($column + 6) % N] ^= FORWARD[6][byte(word, 6)];
                mixed[($column + last_shift::<N>()) % N] ^= FORWARD[7][byte(word, 7)];
            }
        )*};
    }
    scatter!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    mixed
}

/// Row `r` turns by `r` columns, row 7 of the wide state by 11.
#[inline(always)]
const fn last_shift<const N: usize>() -> usize {
    if N == 16 { 11 } else { 7 }
}

const fn rounds(columns: usize) -> u64 {
    if columns == 8 { 10 } else { 14 }
}

const ADDEND: u64 = 0x00f0_f0f0_f0f0_f0f3;
