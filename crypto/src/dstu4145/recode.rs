//! Scalars as signed digits: sparse ones, whose positions and so the time vary with the scalar ([`Digits`], for public scalars), and one in
//! every window ([`Windows`], for secret ones and for several scalars in step).

use zeroize::Zeroize;

use super::limbs::{self, Limbs};
use super::point::Affine;

/// A scalar and the odd multiples of its point: entry i is (2i + 1)·P.
pub(crate) struct Stream<'a, E> {
    pub(crate) table: &'a [Affine<E>],
    /// The table has 2^(width − 2) entries.
    pub(crate) width: usize,
    pub(crate) scalar: Limbs,
}

/// The digits of up to eight scalars, as linked lists by position.
pub(crate) struct Digits {
    head: [u8; POSITIONS],
    next: [u8; CAPACITY],
    digit: [u16; CAPACITY],
    count: u8,
    positions: usize,
}

impl Digits {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn recode<E, const S: usize>(streams: &[Stream<'_, E>; S]) -> Self {
        let mut digits =
            Self { head: [END; POSITIONS], next: [END; CAPACITY], digit: [0; CAPACITY], count: 0, positions: 0 };
        for (tag, stream) in (0u16..8).zip(streams) {
            digits.push_all(tag << STREAM_SHIFT, stream.width, &stream.scalar);
        }
        digits
    }

    /// Scans from the lowest bit; `carry` is what the last negative digit borrowed from above.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn push_all(&mut self, tag: u16, width: usize, scalar: &Limbs) {
        let bits = limbs::bit_length(scalar);
        let (mut position, mut carry) = (0, 0u64);
        while position <= bits {
            // 63 bits, so that a window of them is cheap; the top one of 64 is never looked at.
            let word = limbs::window(scalar, position, 63);
            let skipped = (word ^ 0u64.wrapping_sub(carry)).trailing_zeros() as usize;
            if skipped > 0 {
                position += skipped.min(63);
                continue;
            }
            let value = (word & ((1 << width) - 1)) + carry;
            let negative = value >> (width - 1);
            let size = if negative == 1 { (1 << width) - value } else { value };
            self.push(position, tag | u16::from(negative == 1) << NEGATIVE_SHIFT | low_bits(size >> 1));
            carry = negative;
            position += width;
        }
        self.positions = self.positions.max(bits + 1);
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn push(&mut self, position: usize, digit: u16) {
        let place = usize::from(self.count);
        self.digit[place] = digit;
        self.next[place] = self.head[position];
        self.head[position] = self.count;
        self.count += 1;
    }

    /// One above the highest position that can hold a digit.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn positions(&self) -> usize {
        self.positions
    }

    /// The digits that stand at 2^position.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn at(&self, position: usize) -> impl Iterator<Item = u16> + '_ {
        let mut place = self.head[position];
        std::iter::from_fn(move || {
            let here = usize::from(place);
            let digit = *self.digit.get(here)?;
            place = self.next[here];
            Some(digit)
        })
    }

    /// Index of the stream, index of the table's entry, and whether it is to be negated.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn decode(digit: u16) -> (usize, usize, bool) {
        let entry = usize::from(digit & ((1 << NEGATIVE_SHIFT) - 1));
        (usize::from(digit >> STREAM_SHIFT), entry, digit >> NEGATIVE_SHIFT & 1 == 1)
    }
}

/// An odd number as Σ digit·2^(width·index), each digit odd and between ±2^width, for every number of digits in the same time.
///
/// Below 2^L an odd k is Σ σ_j·2^j over j < L with σ_j = ±1: + where bit j + 1 of k is 1, and for the topmost. A digit is `width` of those.
pub(crate) struct Windows {
    bits: Limbs,
    width: usize,
    count: usize,
}

impl Windows {
    /// `odd` has at most `length` bits; `length` is at most 439.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn new(odd: &Limbs, width: usize, length: usize) -> Self {
        let count = length.div_ceil(width);
        let mut bits = *odd;
        bits[count * width / 64] |= 1 << (count * width % 64);
        Self { bits, width, count }
    }

    /// How many digits there are.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The digit as ±(2·entry + 1): the entry, and all ones where it is negative.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn digit(&self, index: usize) -> (u64, u64) {
        let window = limbs::window(&self.bits, self.width * index + 1, self.width);
        let half = 1 << (self.width - 1);
        let negative = (window >> (self.width - 1)).wrapping_sub(1);
        ((window ^ negative) & (half - 1), negative)
    }
}

impl Drop for Windows {
    fn drop(&mut self) {
        self.bits.zeroize();
    }
}

#[allow(clippy::cast_possible_truncation, reason = "an entry's index is below 2^10")]
#[cfg_attr(not(debug_assertions), inline(always))]
fn low_bits(value: u64) -> u16 {
    value as u16
}

/// 431 bits and the carry out of them.
const POSITIONS: usize = 434;
/// The most digits: 430 bits five wide and nine wide, each at most ⌈(bits + 1)/width⌉.
const CAPACITY: usize = 160;
/// No digit: beyond every place.
const END: u8 = u8::MAX;
const NEGATIVE_SHIFT: u16 = 11;
const STREAM_SHIFT: u16 = 12;

#[cfg(test)]
mod tests {
    use super::*;

    /// Σ ±(2·entry + 1)·2^position of the digits, mod 2^448.
    fn value(digits: &Digits) -> Limbs {
        let mut sum = limbs::ZERO;
        for position in (0..digits.positions()).rev() {
            // 2·sum = sum − (0 − sum).
            sum = limbs::subtract(&sum, &limbs::subtract(&limbs::ZERO, &sum).0).0;
            for digit in digits.at(position) {
                let (_, entry, negative) = Digits::decode(digit);
                let mut size = limbs::ZERO;
                size[0] = 2 * entry as u64 + 1;
                let minus = limbs::subtract(&limbs::ZERO, &size).0;
                sum = limbs::subtract(&sum, if negative { &size } else { &minus }).0;
            }
        }
        sum
    }

    proptest::proptest! {
        #[test]
        fn windows_add_up(number in proptest::array::uniform7(proptest::num::u64::ANY), length in 1usize..432, width in 2usize..10) {
            for number in [number, [u64::MAX; 7]] {
                let mut odd = limbs::low_bits(&number, length);
                odd[0] |= 1;
                let windows = Windows::new(&odd, width, length);
                let mut sum = limbs::ZERO;
                for index in (0..windows.count()).rev() {
                    for _ in 0..width {
                        sum = limbs::subtract(&sum, &limbs::subtract(&limbs::ZERO, &sum).0).0;
                    }
                    let (entry, negative) = windows.digit(index);
                    let mut size = limbs::ZERO;
                    size[0] = 2 * entry + 1;
                    let minus = limbs::subtract(&limbs::ZERO, &size).0;
                    sum = limbs::subtract(&sum, if negative == 0 { &minus } else { &size }).0;
                }
                proptest::prop_assert_eq!(sum, odd);
            }
        }

        #[test]
        fn digits_add_up(low in proptest::array::uniform7(proptest::num::u64::ANY), cut in 1usize..432, ones in 0usize..432, width in 4usize..11) {
            // Long runs of ones are where carries happen.
            let scalar = limbs::low_bits(&low, cut);
            let run = limbs::low_bits(&[u64::MAX; 7], ones);
            for scalar in [scalar, run] {
                let stream = Stream::<()> { table: &[], width, scalar };
                proptest::prop_assert_eq!(value(&Digits::recode(&[stream])), scalar);
            }
        }
    }
}
