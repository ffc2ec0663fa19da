//! The 32 rounds of GOST 28147-89, several independent blocks side by side so that table look-ups of one hide behind another's.

use super::dke::RoundTables;

/// Key words in the order of the standard: word 0 is bytes 0..4, little-endian.
pub(crate) type KeyWords = [u32; 8];

/// The substitution of a word and its rotation by 11 bits.
pub(crate) trait Substitution {
    fn substitute(&self, word: u32) -> u32;
}

impl Substitution for RoundTables {
    #[inline(always)]
    fn substitute(&self, word: u32) -> u32 {
        let [first, second, third, fourth] = word.to_le_bytes();
        (self[0][usize::from(first)] ^ self[1][usize::from(second)])
            ^ (self[3][usize::from(fourth)] ^ self[2][usize::from(third)])
    }
}

/// Encrypts `LANES` blocks, each under its own key. A block is a little-endian 64-bit number: N1 is its low half.
#[inline(always)]
pub(crate) fn encrypt<S: Substitution, const LANES: usize>(
    substitution: &S,
    keys: &[&KeyWords; LANES],
    blocks: [u64; LANES],
) -> [u64; LANES] {
    let (mut low, mut high) = split(blocks);
    for _ in 0..3 {
        eight_rounds(substitution, keys, ASCENDING, &mut low, &mut high);
    }
    eight_rounds(substitution, keys, DESCENDING, &mut low, &mut high);
    join(high, low)
}

/// The inverse of [`encrypt`].
#[inline(always)]
pub(crate) fn decrypt<S: Substitution, const LANES: usize>(
    substitution: &S,
    keys: &[&KeyWords; LANES],
    blocks: [u64; LANES],
) -> [u64; LANES] {
    let (mut low, mut high) = split(blocks);
    eight_rounds(substitution, keys, ASCENDING, &mut low, &mut high);
    for _ in 0..3 {
        eight_rounds(substitution, keys, DESCENDING, &mut low, &mut high);
    }
    join(high, low)
}

/// The 16 rounds of the MAC: halves end where they began.
#[inline(always)]
pub(crate) fn authenticate<S: Substitution>(substitution: &S, key: &KeyWords, block: u64) -> u64 {
    let (mut low, mut high) = split([block]);
    for _ in 0..2 {
        eight_rounds(substitution, &[key], ASCENDING, &mut low, &mut high);
    }
    let [value] = join(low, high);
    value
}

#[inline(always)]
fn eight_rounds<S: Substitution, const LANES: usize>(
    substitution: &S,
    keys: &[&KeyWords; LANES],
    order: [usize; 8],
    low: &mut [u32; LANES],
    high: &mut [u32; LANES],
) {
    for pair in 0..4 {
        for lane in 0..LANES {
            high[lane] ^= substitution.substitute(low[lane].wrapping_add(keys[lane][order[2 * pair]]));
        }
        for lane in 0..LANES {
            low[lane] ^= substitution.substitute(high[lane].wrapping_add(keys[lane][order[2 * pair + 1]]));
        }
    }
}

#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
fn split<const LANES: usize>(blocks: [u64; LANES]) -> ([u32; LANES], [u32; LANES]) {
    (blocks.map(|block| block as u32), blocks.map(|block| (block >> 32) as u32))
}

#[inline(always)]
fn join<const LANES: usize>(low: [u32; LANES], high: [u32; LANES]) -> [u64; LANES] {
    std::array::from_fn(|lane| u64::from(high[lane]) << 32 | u64::from(low[lane]))
}

const ASCENDING: [usize; 8] = [0, 1, 2, 3, 4, 5, 6, 7];
const DESCENDING: [usize; 8] = [7, 6, 5, 4, 3, 2, 1, 0];
