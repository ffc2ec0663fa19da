//! Substitution and matrix without tables in memory: no address and no branch depends on the state. A hundred times slower.

use super::REDUCTION;

/// Row `r` through S-box `r mod 4`; every S-box is read as a whole.
pub(crate) fn substitute<const N: usize>(boxes: &[[u8; 256]; 4], state: &[u64; N]) -> [u64; N] {
    let mut substituted = [0; N];
    for value in 0..=u8::MAX {
        let index = usize::from(value);
        let [first, second, third, fourth] = [0, 1, 2, 3].map(|row| boxes[row][index]);
        let image = u64::from_le_bytes([first, second, third, fourth, first, second, third, fourth]);
        for (result, word) in substituted.iter_mut().zip(state) {
            *result |= equal_bytes(*word, value) & image;
        }
    }
    substituted
}

/// Byte `row` of column `column` comes from column `from(column, row)`.
pub(crate) fn turn<const N: usize>(state: &[u64; N], from: impl Fn(usize, usize) -> usize) -> [u64; N] {
    std::array::from_fn(|column| (0..8).fold(0, |word, row| word | state[from(column, row)] & 0xff << (8 * row)))
}

/// A column times a circulant matrix, given by its first column: element `d` of it moves a byte `d` rows on.
pub(crate) fn multiply(column: u64, matrix: [u8; 8]) -> u64 {
    let mut power = column;
    let mut product = 0;
    for bit in 0..8 {
        for (rows, coefficient) in (0_u32..).zip(matrix) {
            if coefficient >> bit & 1 == 1 {
                product ^= power.rotate_left(8 * rows);
            }
        }
        let carries = (power >> 7) & ONES;
        power = ((power & LOW_BITS) << 1) ^ (carries * u64::from(REDUCTION));
    }
    product
}

/// All ones in each byte of `word` that is `value`, zeros in the others.
#[inline(always)]
fn equal_bytes(word: u64, value: u8) -> u64 {
    let difference = word ^ (u64::from(value) * ONES);
    let zero = !(((difference & LOW_BITS) + LOW_BITS) | difference) & !LOW_BITS;
    (zero >> 7) * 0xff
}

const ONES: u64 = 0x0101_0101_0101_0101;
const LOW_BITS: u64 = 0x7f * ONES;
