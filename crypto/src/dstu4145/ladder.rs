//! Multiplication of a point by a secret number: the ladder of Montgomery on x alone, with the formulas of López and Dahab ("Fast
//! multiplication on elliptic curves over GF(2^m) without precomputation", 1999).
//!
//! Constant time: the number is lengthened to one bit more than the order, every step does the same to two points that are swapped by
//! masks, and no intermediate sum needs another formula (infinity is Z = 0 and is added rightly). Both points start with random Z, so
//! that two runs share no intermediate value.

use std::hint::black_box;

use super::curve::Domain;
use super::field::Field;
use super::limbs::{self, LIMBS, Limbs};
use super::point::Affine;
use super::scalar::{Order, Scalar};
use crate::random;

/// Two random field elements other than 0.
pub(crate) struct Blinding([Limbs; 2]);

impl Blinding {
    pub(crate) fn random(domain: &Domain) -> Self {
        let bytes: [u8; 16 * LIMBS] = random::array();
        let (first, second) = bytes.split_at(8 * LIMBS);
        Self([first, second].map(|bytes| {
            let mut element = limbs::low_bits(&limbs::from_bytes(bytes), domain.degree);
            // One bit less of chance, and never 0.
            element[0] |= 1;
            element
        }))
    }
}

/// scalar·P, where P is in the subgroup of this order.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn multiply<F: Field>(
    field: F,
    order: &Order,
    point: &Affine<F::Element>,
    scalar: &Scalar,
    blinding: &Blinding,
) -> Affine<F::Element> {
    let number = order.lengthened(scalar);
    let b = field.load(&field.domain().b);
    let [first_z, second_z] = blinding.0.map(|element| field.load(&element));
    let square = field.square(point.x);
    let mut rungs = [
        Rung { x: field.multiply(point.x, first_z), z: first_z },
        Rung { x: field.multiply(field.add(field.square(square), b), second_z), z: field.multiply(square, second_z) },
    ];
    // The first of the two bits that differ decides whether the rungs change places; the topmost bit is always 1 and is done.
    let mut swapped = 0;
    for index in (0..order.bits()).rev() {
        let bit = limbs::bit(number.limbs(), index);
        swap(field, &mut rungs, bit ^ swapped);
        swapped = bit;
        rungs = step(field, point.x, b, rungs);
    }
    swap(field, &mut rungs, swapped);
    recover(field, point, rungs)
}

/// A point by its x = X/Z.
#[derive(Clone, Copy)]
struct Rung<E> {
    x: E,
    z: E,
}

/// 2A and A + B from A and B, which differ by the point of this x.
#[cfg_attr(not(debug_assertions), inline(always))]
fn step<F: Field>(
    field: F,
    x: F::Element,
    b: F::Element,
    [first, second]: [Rung<F::Element>; 2],
) -> [Rung<F::Element>; 2] {
    let left = field.multiply(first.x, second.z);
    let right = field.multiply(second.x, first.z);
    let sum_z = field.square(field.add(left, right));
    let sum_x = field.reduce(field.add_wide(field.multiply_wide(x, sum_z), field.multiply_wide(left, right)));
    let x_squared = field.square(first.x);
    let z_squared = field.square(first.z);
    let fourth = field.multiply_wide(b, field.square(z_squared));
    let double_x = field.reduce(field.add_wide(field.square_wide(x_squared), fourth));
    [Rung { x: double_x, z: field.multiply(x_squared, z_squared) }, Rung { x: sum_x, z: sum_z }]
}

/// Exchanges the two where `bit` is 1.
#[cfg_attr(not(debug_assertions), inline(always))]
fn swap<F: Field>(field: F, [first, second]: &mut [Rung<F::Element>; 2], bit: u64) {
    // Hides from the compiler that the mask has two values only, lest it make a branch of them.
    let mask = black_box(0u64.wrapping_sub(bit));
    let x = field.masked(field.add(first.x, second.x), mask);
    let z = field.masked(field.add(first.z, second.z), mask);
    *first = Rung { x: field.add(first.x, x), z: field.add(first.z, z) };
    *second = Rung { x: field.add(second.x, x), z: field.add(second.z, z) };
}

/// kP with its second coordinate from the x of kP and of (k + 1)P, where kP is not infinity (López and Dahab, 1999, 4.2; one inversion
/// for both quotients). Where (k + 1)P is infinity, kP is −P.
#[cfg_attr(not(debug_assertions), inline(always))]
fn recover<F: Field>(field: F, p: &Affine<F::Element>, [this, next]: [Rung<F::Element>; 2]) -> Affine<F::Element> {
    let scaled = field.multiply(p.x, this.z);
    let crossed = field.multiply(next.z, this.x);
    let inverse = field.invert(field.multiply(scaled, crossed));
    let x = field.multiply(this.x, field.multiply(inverse, field.multiply(p.x, crossed)));
    // y = (x + x_P)·((X₁ + x_P·Z₁)(X₂ + x_P·Z₂) + (x_P² + y_P)·Z₁·Z₂)/(x_P·Z₁·Z₂) + y_P, and x_P² + y_P = x_P·λ_P.
    let lines = field.multiply_wide(field.add(this.x, scaled), field.add(next.x, field.multiply(p.x, next.z)));
    let rest = field.multiply_wide(field.multiply(scaled, next.z), p.lambda);
    let quotient = field.multiply(field.reduce(field.add_wide(lines, rest)), field.multiply(inverse, this.x));
    let y = field.add(field.multiply(field.add(x, p.x), quotient), field.multiply(p.x, field.add(p.x, p.lambda)));
    // 1/x = Z₁/X₁.
    let inverse_x = field.multiply(field.multiply(inverse, this.z), field.multiply(scaled, next.z));
    let lambda = field.add(x, field.multiply(y, inverse_x));

    let last = black_box(0u64.wrapping_sub(u64::from(field.is_zero(next.z))));
    let opposite = field.add(p.lambda, field.one());
    Affine {
        x: field.add(x, field.masked(field.add(x, p.x), last)),
        lambda: field.add(lambda, field.masked(field.add(lambda, opposite), last)),
    }
}

#[cfg(test)]
mod tests;
