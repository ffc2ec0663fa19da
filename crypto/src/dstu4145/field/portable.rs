//! The engine for every machine and every curve: 64-bit integer arithmetic, no tables, no step that depends on a value.
//!
//! Constant time as far as the processor multiplies 64-bit integers in constant time, which x86-64 and AArch64 processors do.

use std::any::Any;
use std::sync::OnceLock;

use super::{Arithmetic, Field, Task};
use crate::dstu4145::curve::{Curve, Domain};
use crate::dstu4145::limbs::{LIMBS, Limbs};
use crate::dstu4145::point::{self, Tables};
use crate::provider::cannot_fail;

/// The field of `domain`, in L limbs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable<const L: usize> {
    domain: &'static Domain,
}

#[cfg(test)]
impl<const L: usize> Portable<L> {
    /// For a domain of a test's own; `None` where the field does not take L limbs.
    pub(crate) fn new(domain: &'static Domain) -> Option<Self> {
        (domain.field_limbs() == L).then_some(Self { domain })
    }
}

/// Runs `task` on this engine.
pub(crate) fn dispatch<T: Task>(domain: &'static Domain, task: T) -> T::Output {
    match domain.field_limbs() {
        3 => Portable::<3> { domain }.enter(task),
        4 => Portable::<4> { domain }.enter(task),
        5 => Portable::<5> { domain }.enter(task),
        6 => Portable::<6> { domain }.enter(task),
        _ => Portable::<7> { domain }.enter(task),
    }
}

impl<const L: usize> Arithmetic for Portable<L> {
    type Element = [u64; L];
    type Wide = [[u64; L]; 2];

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn domain(self) -> &'static Domain {
        self.domain
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn load(self, limbs: &Limbs) -> Self::Element {
        let mut element = [0; L];
        element.copy_from_slice(&limbs[..L]);
        element
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn add(self, left: Self::Element, right: Self::Element) -> Self::Element {
        sum(left, right)
    }

    #[inline(never)]
    fn multiply_wide(self, left: Self::Element, right: Self::Element) -> Self::Wide {
        let mut wide = [[0; L]; 2];
        for (i, one) in left.into_iter().enumerate() {
            for (j, other) in right.into_iter().enumerate() {
                let (low, high) = carryless(one, other);
                let place = i + j;
                wide[place / L][place % L] ^= low;
                wide[(place + 1) / L][(place + 1) % L] ^= high;
            }
        }
        wide
    }

    #[inline(never)]
    fn square_wide(self, element: Self::Element) -> Self::Wide {
        let mut wide = [[0; L]; 2];
        for (index, limb) in element.into_iter().enumerate() {
            let place = 2 * index;
            wide[place / L][place % L] = spread(limb & 0xffff_ffff);
            wide[(place + 1) / L][(place + 1) % L] = spread(limb >> 32);
        }
        wide
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn add_wide(self, left: Self::Wide, right: Self::Wide) -> Self::Wide {
        [sum(left[0], right[0]), sum(left[1], right[1])]
    }

    /// Folds the bits from m on down by x^m = x^k3 + x^k2 + x^k1 + 1, twice: the first fold leaves at most k3 − 1 bits above.
    #[inline(never)]
    fn reduce(self, wide: Self::Wide) -> Self::Element {
        let (degree, middle) = (self.domain.degree, self.domain.middle);
        let (limb, shift) = (degree / 64, degree % 64);
        // m is odd, so the shift within a limb is never 0.
        let at = |place: usize| if place < 2 * L { wide[place / L][place % L] } else { 0 };
        let mut over = [0; L];
        for (index, value) in over.iter_mut().enumerate() {
            *value = at(index + limb) >> shift | at(index + limb + 1) << (64 - shift);
        }
        let mut low = wide[0];
        low[L - 1] &= (1 << shift) - 1;
        low = sum(low, over);
        let mut spill = 0;
        for exponent in middle {
            if exponent == 0 {
                continue;
            }
            // Every middle exponent is below 64.
            let mut carry = 0;
            for index in 0..L {
                low[index] ^= over[index] << exponent | carry;
                carry = over[index] >> (64 - exponent);
            }
            spill ^= carry;
        }
        // Bits from m on, in the top limb and beyond it.
        let above = low[L - 1] >> shift | spill << (64 - shift);
        low[L - 1] &= (1 << shift) - 1;
        low[0] ^= above;
        for exponent in middle {
            if exponent != 0 {
                low[0] ^= above << exponent;
                // `above` is shorter than the highest middle exponent, 21 at most: nothing leaves the first limb.
            }
        }
        low
    }
}

impl<const L: usize> Field for Portable<L> {
    fn enter<T: Task>(self, task: T) -> T::Output {
        task.run(self)
    }

    fn base_tables(self) -> &'static Tables<Self::Element> {
        let cell = &BASE_TABLES[self.domain.curve as usize];
        let tables = cell.get_or_init(|| Box::new(point::base_tables(self)));
        cannot_fail(tables.downcast_ref().ok_or(self.domain.curve), "a curve has one field, and so one type of tables")
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn store(self, element: Self::Element) -> Limbs {
        let mut limbs = [0; LIMBS];
        limbs[..L].copy_from_slice(&element);
        limbs
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn masked(self, element: Self::Element, mask: u64) -> Self::Element {
        element.map(|limb| limb & mask)
    }
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn sum<const L: usize>(left: [u64; L], right: [u64; L]) -> [u64; L] {
    let mut sum = left;
    for (limb, other) in sum.iter_mut().zip(right) {
        *limb ^= other;
    }
    sum
}

/// The carry-less product of two limbs, low and high half. Each factor is cut into five with four zeros between any two bits: in the
/// integer product of two such cuts at most 13 bits meet in a column, and their carries stay in the zeros.
#[cfg_attr(not(debug_assertions), inline(always))]
fn carryless(left: u64, right: u64) -> (u64, u64) {
    let mut product = 0u128;
    for (class, wanted) in WIDE_COMB.into_iter().enumerate() {
        let mut columns = 0u128;
        for (part, comb) in COMB.into_iter().enumerate() {
            let other = COMB[(class + 5 - part) % 5];
            columns ^= u128::from(left & comb) * u128::from(right & other);
        }
        product |= columns & wanted;
    }
    split(product)
}

#[allow(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
#[cfg_attr(not(debug_assertions), inline(always))]
fn split(product: u128) -> (u64, u64) {
    (product as u64, (product >> 64) as u64)
}

/// Puts a zero after each of the 32 low bits: the square of a polynomial.
#[cfg_attr(not(debug_assertions), inline(always))]
fn spread(half: u64) -> u64 {
    let mut bits = half;
    bits = (bits | bits << 16) & 0x0000_ffff_0000_ffff;
    bits = (bits | bits << 8) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    bits = (bits | bits << 2) & 0x3333_3333_3333_3333;
    (bits | bits << 1) & 0x5555_5555_5555_5555
}

/// Every fifth bit, from the bit of the index on.
const COMB: [u64; 5] =
    [0x1084_2108_4210_8421, 0x2108_4210_8421_0842, 0x4210_8421_0842_1084, 0x8421_0842_1084_2108, 0x0842_1084_2108_4210];
const WIDE_COMB: [u128; 5] = wide_comb();

const fn wide_comb() -> [u128; 5] {
    let mut combs = [0; 5];
    let mut bit = 0;
    while bit < 128 {
        combs[bit % 5] |= 1 << bit;
        bit += 1;
    }
    combs
}

const CURVES: usize = Curve::ALL.len() + Curve::NORMAL.len();
static BASE_TABLES: [OnceLock<Box<dyn Any + Send + Sync>>; CURVES] = [const { OnceLock::new() }; CURVES];
