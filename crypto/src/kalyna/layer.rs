//! Substitution, rotation of rows and matrix of Kalyna, by table and without. A state is `N` columns: 2, 4 or 8.

use crate::dstu_tables::{FORWARD, FORWARD_MATRIX, INVERSE, INVERSE_SBOXES, REDUCTION, SBOXES, byte};

/// How one encryption round transforms a state before its key comes in.
pub(crate) trait Layer {
    fn mix<const N: usize>(state: &[u64; N]) -> [u64; N];
}

/// By table: fast, and not constant time.
pub(crate) enum Tables {}

/// Without an address or branch that depends on the state: every S-box is read as a whole for each column. A hundred times slower.
pub(crate) enum Masked {}

impl Layer for Tables {
    #[inline(always)]
    fn mix<const N: usize>(state: &[u64; N]) -> [u64; N] {
        let from = |column: usize, row: usize| FORWARD[row][byte(state[(column + N - row * N / 8) % N], row)];
        std::array::from_fn(|column| {
            ((from(column, 0) ^ from(column, 1)) ^ (from(column, 2) ^ from(column, 3)))
                ^ ((from(column, 4) ^ from(column, 5)) ^ (from(column, 6) ^ from(column, 7)))
        })
    }
}

impl Layer for Masked {
    fn mix<const N: usize>(state: &[u64; N]) -> [u64; N] {
        let mut substituted = [0; N];
        for value in 0..=u8::MAX {
            let index = usize::from(value);
            let [first, second, third, fourth] = [0, 1, 2, 3].map(|row| SBOXES[row][index]);
            let image = u64::from_le_bytes([first, second, third, fourth, first, second, third, fourth]);
            for (result, word) in substituted.iter_mut().zip(state) {
                *result |= equal_bytes(*word, value) & image;
            }
        }
        let turned: [u64; N] = std::array::from_fn(|column| {
            (0..8).fold(0, |word, row| word | substituted[(column + N - row * N / 8) % N] & 0xff << (8 * row))
        });
        turned.map(multiply)
    }
}

/// Undoes the matrix only: for decryption keys and the first step.
pub(crate) fn unmix_columns<const N: usize>(state: &[u64; N]) -> [u64; N] {
    state.map(|word| (0..8).fold(0, |sum, row| sum ^ INVERSE[row][usize::from(SBOXES[row % 4][byte(word, row)])]))
}

/// Undoes rotation and substitution, then the matrix of the round before.
#[inline(always)]
pub(crate) fn unmix<const N: usize>(state: &[u64; N]) -> [u64; N] {
    let from = |column: usize, row: usize| INVERSE[row][byte(state[(column + row * N / 8) % N], row)];
    std::array::from_fn(|column| {
        ((from(column, 0) ^ from(column, 1)) ^ (from(column, 2) ^ from(column, 3)))
            ^ ((from(column, 4) ^ from(column, 5)) ^ (from(column, 6) ^ from(column, 7)))
    })
}

/// Undoes rotation and substitution only: the last step.
#[inline(always)]
pub(crate) fn unsubstitute<const N: usize>(state: &[u64; N]) -> [u64; N] {
    std::array::from_fn(|column| {
        u64::from_le_bytes(std::array::from_fn(|row| {
            INVERSE_SBOXES[row % 4][byte(state[(column + row * N / 8) % N], row)]
        }))
    })
}

/// All ones in each byte of `word` that is `value`, zeros in the others.
#[inline(always)]
fn equal_bytes(word: u64, value: u8) -> u64 {
    let difference = word ^ (u64::from(value) * ONES);
    let zero = !(((difference & LOW_BITS) + LOW_BITS) | difference) & !LOW_BITS;
    (zero >> 7) * 0xff
}

/// The circulant matrix: column `d` of it moves a byte `d` rows on.
fn multiply(word: u64) -> u64 {
    let mut power = word;
    let mut product = 0;
    for bit in 0..4 {
        for (rows, coefficient) in (0_u32..).zip(FORWARD_MATRIX) {
            if coefficient >> bit & 1 == 1 {
                product ^= power.rotate_left(8 * rows);
            }
        }
        let carries = (power >> 7) & ONES;
        power = ((power & LOW_BITS) << 1) ^ (carries * u64::from(REDUCTION));
    }
    product
}

const ONES: u64 = 0x0101_0101_0101_0101;
const LOW_BITS: u64 = 0x7f * ONES;
