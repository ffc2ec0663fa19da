//! Numbers and polynomials over GF(2) of up to 896 bits: room for a product of two of 431.

use std::cmp::Ordering;

const LIMBS: usize = 14;

/// Bit k is the coefficient of 2^k, or of x^k.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bits([u64; LIMBS]);

impl Bits {
    /// Nothing set.
    pub const ZERO: Self = Self([0; LIMBS]);
    /// The lowest bit.
    pub const ONE: Self = Self::from_u64(1);

    /// The number.
    #[must_use]
    pub const fn from_u64(value: u64) -> Self {
        let mut limbs = [0; LIMBS];
        limbs[0] = value;
        Self(limbs)
    }

    /// From bytes, the least significant first; at most 112 count.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut limbs = [0; LIMBS];
        for (index, byte) in bytes.iter().enumerate().take(8 * LIMBS) {
            limbs[index / 8] |= u64::from(*byte) << (8 * (index % 8));
        }
        Self(limbs)
    }

    /// The lowest `length` bytes, the least significant first.
    #[must_use]
    pub fn to_bytes(self, length: usize) -> Vec<u8> {
        self.0.iter().flat_map(|limb| limb.to_le_bytes()).take(length).collect()
    }

    /// Whether bit `index` is set.
    #[must_use]
    pub fn bit(&self, index: usize) -> bool {
        self.0[index / 64] >> (index % 64) & 1 == 1
    }

    /// Turns bit `index` over.
    pub fn flip(&mut self, index: usize) {
        self.0[index / 64] ^= 1 << (index % 64);
    }

    /// The number of bits without leading zeros.
    #[must_use]
    pub fn length(&self) -> usize {
        let top = self.0.iter().rposition(|limb| *limb != 0);
        top.map_or(0, |index| 64 * index + self.0[index].checked_ilog2().map_or(0, |bit| bit as usize + 1))
    }

    /// Whether no bit is set.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// The lowest `count` bits.
    #[must_use]
    pub fn low(mut self, count: usize) -> Self {
        for (index, limb) in self.0.iter_mut().enumerate() {
            *limb &= match count.saturating_sub(64 * index) {
                0 => 0,
                kept @ 1..64 => (1 << kept) - 1,
                _ => u64::MAX,
            };
        }
        self
    }

    /// The number of set bits, modulo 2.
    #[must_use]
    pub fn parity(&self) -> bool {
        self.0.iter().map(|limb| limb.count_ones()).sum::<u32>() % 2 == 1
    }

    /// The sum of polynomials.
    #[must_use]
    pub fn xor(mut self, other: &Self) -> Self {
        for (limb, other) in self.0.iter_mut().zip(other.0) {
            *limb ^= other;
        }
        self
    }

    /// Shifted up; what leaves the top is lost.
    #[must_use]
    pub fn shifted_up(&self, count: usize) -> Self {
        let (limbs, bits) = (count / 64, count % 64);
        let mut shifted = [0; LIMBS];
        for (index, limb) in shifted.iter_mut().enumerate().skip(limbs) {
            *limb = self.0[index - limbs] << bits;
            if bits > 0 && index > limbs {
                *limb |= self.0[index - limbs - 1] >> (64 - bits);
            }
        }
        Self(shifted)
    }

    /// Shifted down.
    #[must_use]
    pub fn shifted_down(&self, count: usize) -> Self {
        let (limbs, bits) = (count / 64, count % 64);
        let mut shifted = [0; LIMBS];
        for (index, limb) in shifted.iter_mut().enumerate().take(LIMBS - limbs) {
            *limb = self.0[index + limbs] >> bits;
            if bits > 0 && index + limbs + 1 < LIMBS {
                *limb |= self.0[index + limbs + 1] << (64 - bits);
            }
        }
        Self(shifted)
    }

    /// The sum of numbers, modulo 2^896.
    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        let mut carry = false;
        for (limb, other) in self.0.iter_mut().zip(other.0) {
            let (sum, first) = limb.overflowing_add(other);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            (*limb, carry) = (sum, first | second);
        }
        self
    }

    /// The difference of numbers, modulo 2^896.
    #[must_use]
    pub fn minus(mut self, other: &Self) -> Self {
        let mut borrow = false;
        for (limb, other) in self.0.iter_mut().zip(other.0) {
            let (difference, first) = limb.overflowing_sub(other);
            let (difference, second) = difference.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (difference, first | second);
        }
        self
    }

    /// `self`·`other` + `addend` modulo `modulus`, all three below it.
    #[must_use]
    pub fn multiply_add(&self, other: &Self, addend: &Self, modulus: &Self) -> Self {
        let reduced = |sum: Self| if sum >= *modulus { sum.minus(modulus) } else { sum };
        let mut product = Self::ZERO;
        for index in (0..other.length()).rev() {
            product = reduced(product.plus(&product));
            if other.bit(index) {
                product = reduced(product.plus(self));
            }
        }
        reduced(product.plus(addend))
    }
}

/// As numbers.
impl Ord for Bits {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

impl PartialOrd for Bits {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
