//! Fixed arrays of 64-bit limbs, least significant first: the neutral form of field elements and scalars, wide enough for every curve.
//!
//! Nothing here branches on a value except the functions that say so.

/// Seven limbs hold 431 bits.
pub(crate) const LIMBS: usize = 7;

/// A polynomial over GF(2) or an integer; bit k of the whole is the coefficient of x^k or of 2^k.
pub(crate) type Limbs = [u64; LIMBS];

pub(crate) const ZERO: Limbs = [0; LIMBS];
pub(crate) const ONE: Limbs = [1, 0, 0, 0, 0, 0, 0];

/// From big-endian hexadecimal; for the constants of the standard, at compile time.
pub(crate) const fn from_hex(text: &str) -> Limbs {
    let digits = text.as_bytes();
    let mut limbs = ZERO;
    let mut index = 0;
    while index < digits.len() {
        let digit = digits[digits.len() - 1 - index];
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'F' => digit - b'A' + 10,
            _ => digit - b'a' + 10,
        };
        limbs[index / 16] |= (value as u64) << (4 * (index % 16));
        index += 1;
    }
    limbs
}

/// From little-endian bytes, of which no more than 56 may be given (what lies beyond is cut).
pub(crate) fn from_bytes(bytes: &[u8]) -> Limbs {
    let mut limbs = ZERO;
    for (index, byte) in bytes.iter().enumerate().take(8 * LIMBS) {
        limbs[index / 8] |= u64::from(*byte) << (8 * (index % 8));
    }
    limbs
}

/// Fills `bytes` with the low bytes, least significant first.
pub(crate) fn to_bytes(limbs: &Limbs, bytes: &mut [u8]) {
    for (index, byte) in bytes.iter_mut().enumerate().take(8 * LIMBS) {
        *byte = limbs[index / 8].to_le_bytes()[index % 8];
    }
}

/// The lowest `bits` bits.
pub(crate) const fn low_bits(limbs: &Limbs, bits: usize) -> Limbs {
    let mut low = *limbs;
    let mut index = 0;
    while index < LIMBS {
        if 64 * index >= bits {
            low[index] = 0;
        } else if bits - 64 * index < 64 {
            low[index] &= (1 << (bits - 64 * index)) - 1;
        }
        index += 1;
    }
    low
}

pub(crate) const fn bit(limbs: &Limbs, index: usize) -> u64 {
    limbs[index / 64] >> (index % 64) & 1
}

/// `width` (at most 63) bits from bit `start` on; zeros beyond the end.
pub(crate) fn window(limbs: &Limbs, start: usize, width: usize) -> u64 {
    let (limb, shift) = (start / 64, start % 64);
    let low = limbs.get(limb).map_or(0, |value| value >> shift);
    let high = if shift == 0 { 0 } else { limbs.get(limb + 1).map_or(0, |value| value << (64 - shift)) };
    (low | high) & ((1 << width) - 1)
}

/// `width` bits from bit `start` on, as a number of their own; zeros beyond the end.
pub(crate) fn slice(limbs: &Limbs, start: usize, width: usize) -> Limbs {
    let (limb, shift) = (start / 64, start % 64);
    let mut slice = ZERO;
    for (index, value) in slice.iter_mut().enumerate() {
        let low = limbs.get(limb + index).map_or(0, |value| value >> shift);
        let high = if shift == 0 { 0 } else { limbs.get(limb + index + 1).map_or(0, |value| value << (64 - shift)) };
        *value = low | high;
    }
    low_bits(&slice, width)
}

pub(crate) fn add(left: &Limbs, right: &Limbs) -> Limbs {
    let mut sum = ZERO;
    for index in 0..LIMBS {
        sum[index] = left[index] ^ right[index];
    }
    sum
}

pub(crate) fn is_zero(limbs: &Limbs) -> bool {
    limbs.iter().fold(0, |all, limb| all | limb) == 0
}

/// The difference mod 2^448 and the borrow (0 or 1).
pub(crate) const fn subtract(left: &Limbs, right: &Limbs) -> (Limbs, u64) {
    let mut difference = ZERO;
    let mut borrow = 0;
    let mut index = 0;
    while index < LIMBS {
        let (partial, first) = left[index].overflowing_sub(right[index]);
        let (value, second) = partial.overflowing_sub(borrow);
        difference[index] = value;
        borrow = first as u64 | second as u64;
        index += 1;
    }
    (difference, borrow)
}

/// As integers.
pub(crate) fn is_less(left: &Limbs, right: &Limbs) -> bool {
    subtract(left, right).1 == 1
}

/// Bits of the number without leading zeros; varies in time with it.
pub(crate) const fn bit_length(limbs: &Limbs) -> usize {
    let mut index = LIMBS;
    while index > 0 {
        index -= 1;
        if limbs[index] != 0 {
            return 64 * index + 64 - limbs[index].leading_zeros() as usize;
        }
    }
    0
}
