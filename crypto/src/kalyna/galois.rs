//! Multiplication in GF(2^128), GF(2^256) and GF(2^512) as GMAC and XTS use it: bit `i` of the little-endian number is the coefficient
//! of x^i.
//!
//! Constant time: neither an address nor a branch depends on a value.

#[cfg(target_arch = "x86_64")]
use super::x86;
#[cfg(target_arch = "x86_64")]
use crate::dstu_tables::x86::Avx512;

/// Adds each block of `data` to `sum` in turn and multiplies by `key`. `data` is whole blocks of `N` words.
pub(super) fn absorb<const N: usize>(key: &[u64; N], sum: &mut [u64; N], data: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx512) = Avx512::detect() {
        return x86::absorb(avx512, key, sum, data);
    }
    absorb_with(product, key, sum, data);
}

/// The same with any product of two elements: its low and high words.
#[inline(always)]
pub(super) fn absorb_with<const N: usize>(
    product: impl Fn(&[u64; N], &[u64; N]) -> ([u64; N], [u64; N]),
    key: &[u64; N],
    sum: &mut [u64; N],
    data: &[u8],
) {
    for block in data.chunks_exact(8 * N) {
        let (words, _) = block.as_chunks::<8>();
        let factor = std::array::from_fn(|index| sum[index] ^ u64::from_le_bytes(words[index]));
        let (low, high) = product(&factor, key);
        *sum = reduce(low, high);
    }
}

/// Times x.
pub(super) fn double<const N: usize>(value: &mut [u64; N]) {
    let mut carry = 0;
    for word in value.iter_mut() {
        (*word, carry) = (*word << 1 | carry, *word >> 63);
    }
    value[0] ^= taps::<N>().into_iter().fold(0, |sum, tap| sum ^ carry << tap);
}

/// The words above x^(64 N) come down by the polynomial, what they push out comes down once more.
#[inline(always)]
fn reduce<const N: usize>(low: [u64; N], high: [u64; N]) -> [u64; N] {
    let mut result = low;
    let mut over = 0;
    for tap in taps::<N>() {
        let mut below = 0;
        for (result, word) in result.iter_mut().zip(high) {
            *result ^= word << tap | below;
            below = if tap == 0 { 0 } else { word >> (64 - tap) };
        }
        over ^= below;
    }
    for tap in taps::<N>() {
        result[0] ^= over << tap;
    }
    result
}

/// Exponents of the polynomial but for the highest: x^128 + x^7 + x^2 + x + 1, x^256 + x^10 + x^5 + x^2 + 1, x^512 + x^8 + x^5 + x^2 + 1.
const fn taps<const N: usize>() -> [u32; 4] {
    match N {
        2 => [0, 1, 2, 7],
        4 => [0, 2, 5, 10],
        _ => [0, 2, 5, 8],
    }
}

fn product<const N: usize>(left: &[u64; N], right: &[u64; N]) -> ([u64; N], [u64; N]) {
    let mut words = [[0; N]; 2];
    let mut add = |index: usize, word: u64| words[index / N][index % N] ^= word;
    for (i, left) in left.iter().enumerate() {
        for (j, right) in right.iter().enumerate() {
            add(i + j, carryless_low(*left, *right));
            add(i + j + 1, carryless_low(left.reverse_bits(), right.reverse_bits()).reverse_bits() >> 1);
        }
    }
    let [low, high] = words;
    (low, high)
}

/// The low word of a carry-less product. Each factor is cut into four with three zeros between any two bits: in the integer product of two
/// such cuts at most 16 bits meet in a column, and only in the highest, whose carry falls off; the others' stay in the zeros.
fn carryless_low(left: u64, right: u64) -> u64 {
    let cut = |value: u64| [0, 1, 2, 3].map(|class| value & COMB << class);
    let (left, right) = (cut(left), cut(right));
    let mut product = 0;
    for class in 0..4 {
        let columns = (0..4).fold(0, |sum, part| sum ^ left[part].wrapping_mul(right[(class + 4 - part) % 4]));
        product |= columns & COMB << class;
    }
    product
}

/// Every fourth bit.
const COMB: u64 = 0x1111_1111_1111_1111;

#[cfg(test)]
mod tests {
    use super::*;

    /// Bit by bit.
    fn slow<const N: usize>(left: &[u64; N], right: &[u64; N]) -> [u64; N] {
        let (mut power, mut sum) = (*left, [0; N]);
        for bit in 0..64 * N {
            if right[bit / 64] >> (bit % 64) & 1 == 1 {
                sum.iter_mut().zip(power).for_each(|(sum, word)| *sum ^= word);
            }
            double(&mut power);
        }
        sum
    }

    fn agree<const N: usize>(left: &[u64], right: &[u64]) {
        let (left, right) = (std::array::from_fn(|index| left[index]), std::array::from_fn(|index| right[index]));
        let expected = slow::<N>(&left, &right);
        let bytes: Vec<u8> = left.iter().flat_map(|word| word.to_le_bytes()).collect();
        let (mut fast, mut portable) = ([0; N], [0; N]);
        absorb(&right, &mut fast, &bytes);
        absorb_with(product, &right, &mut portable, &bytes);
        assert_eq!(fast, expected);
        assert_eq!(portable, expected);
    }

    proptest::proptest! {
        #[test]
        fn products_are_those_of_the_schoolbook(left: [u64; 8], right: [u64; 8]) {
            for left in [left, [u64::MAX; 8]] {
                agree::<2>(&left, &right);
                agree::<4>(&left, &right);
                agree::<8>(&left, &right);
            }
        }
    }
}
