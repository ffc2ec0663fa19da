//! Multiplication of the base point by a secret number: a table for every window of the number, and one addition a window.
//!
//! Constant time: every window reads its whole table and keeps one entry by a mask. The first point gets a random Z, so that two runs share
//! no intermediate value.

use std::hint::black_box;

use zeroize::Zeroize;

use super::curve::Domain;
use super::field::Field;
use super::limbs::{self, Limbs};
use super::point::{self, Affine, Projective};
use super::recode::Windows;
use super::scalar::{Order, Scalar};
use crate::random;

/// For each window w the odd multiples of 2^(WIDTH·w)·G.
pub(crate) struct Comb<E> {
    windows: Vec<[Affine<E>; ENTRIES]>,
}

impl<E: Copy> Comb<E> {
    pub(crate) fn new<F: Field<Element = E>>(field: F) -> Self {
        let mut multiples = Vec::new();
        let mut first = point::lift(field, &point::base(field));
        for _ in 0..field.domain().order_bits.div_ceil(WIDTH) {
            point::odd_multiples(field, &first, ENTRIES, &mut multiples);
            for _ in 0..WIDTH {
                first = point::double(field, &first);
            }
        }
        let normalised = point::normalised(field, &multiples);
        let (windows, _) = normalised.as_chunks();
        Self { windows: windows.to_vec() }
    }
}

/// A random field element other than 0, of half its length at least.
pub(crate) struct RandomZ(Limbs);

impl RandomZ {
    /// From 128 random bits.
    pub(crate) fn new(bytes: &[u8; 16]) -> Self {
        let mut z = limbs::from_bytes(bytes);
        // Never 0, and as long as the field allows.
        z[2] = 1;
        Self(z)
    }

    pub(crate) fn fresh() -> Self {
        Self::new(&random::array())
    }
}

impl Drop for RandomZ {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// scalar·G. For one number in 2^(bits of n) or so Z is 0: then two points met that the formulas cannot add, which the caller makes public.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn multiply_base<F: Field>(field: F, scalar: &Scalar, z: &RandomZ) -> Projective<F::Element> {
    let comb = field.base_tables().comb.get_or_init(|| Comb::new(field));
    let domain: &Domain = field.domain();
    // Of k and n − k one is odd.
    let (mut odd, opposite) = Order::of(domain.curve).odd(scalar);
    let windows = Windows::new(&odd, WIDTH, domain.order_bits);
    odd.zeroize();
    let mut tables = comb.windows.iter().enumerate();
    let z = field.load(&z.0);
    let mut sum = Projective { x: z, lambda: z, z };
    if let Some((index, table)) = tables.next() {
        let first = select(field, table, windows.digit(index));
        sum.x = field.multiply(first.x, z);
        sum.lambda = field.multiply(first.lambda, z);
    }
    for (index, table) in tables {
        sum = point::add(field, &sum, &select(field, table, windows.digit(index)));
    }
    sum.lambda = field.add(sum.lambda, field.masked(sum.z, opposite));
    sum
}

/// The entry of a digit, all of the table read.
#[cfg_attr(not(debug_assertions), inline(always))]
fn select<F: Field>(
    field: F,
    table: &[Affine<F::Element>; ENTRIES],
    (entry, negative): (u64, u64),
) -> Affine<F::Element> {
    // Hides from the compiler how few values there are, lest it make branches of them.
    let (entry, negative) = (black_box(entry), black_box(negative));
    let mut chosen = Affine { x: field.zero(), lambda: field.masked(field.one(), negative) };
    for (index, candidate) in (0u64..).zip(table) {
        // All ones where the two are equal.
        let mask = 0u64.wrapping_sub((index ^ entry).wrapping_sub(1) >> 63);
        chosen.x = field.add(chosen.x, field.masked(candidate.x, mask));
        chosen.lambda = field.add(chosen.lambda, field.masked(candidate.lambda, mask));
    }
    chosen
}

/// Bits of a window; the whole table of one is read for every digit.
const WIDTH: usize = 5;
const ENTRIES: usize = 1 << (WIDTH - 1);
