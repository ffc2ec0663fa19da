//! Points in lambda coordinates: (x, λ) with λ = x + y/x, and projectively (X, Λ, Z) with x = X/Z, λ = Λ/Z (Oliveira, López, Aranha and
//! Rodríguez-Henríquez, "Lambda coordinates for binary elliptic curves", 2013).
//!
//! The fast formulas hold for points of the prime-order subgroup that differ and are not opposite. Where they do not, Z becomes 0 and stays
//! 0 through whatever follows, so one test at the end finds it; then [`complete`] computes the same by formulas that always hold.

use super::field::Field;
use super::limbs::{self, Limbs};
use super::recode::{Digits, Stream};

/// A point of the subgroup other than infinity. Its x is not 0, as the only point with x = 0 has order 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Affine<E> {
    pub(crate) x: E,
    pub(crate) lambda: E,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Projective<E> {
    pub(crate) x: E,
    pub(crate) lambda: E,
    pub(crate) z: E,
}

/// What is kept of the base point.
pub(crate) struct Tables<E> {
    /// Odd multiples, [`BASE_WIDTH`] wide.
    pub(crate) whole: Vec<Affine<E>>,
}

/// 2P: four multiplications and four squarings.
#[inline(always)]
pub(crate) fn double<F: Field>(field: F, p: &Projective<F::Element>) -> Projective<F::Element> {
    let sum = field.add(p.lambda, p.z);
    let z_squared = field.square(p.z);
    let x_squared = field.square(p.x);
    // T = Λ² + ΛZ + aZ²; the last factor is Λ² + (1 + a)Z².
    let (t, last) = if field.a() {
        let lambda_squared = field.square(p.lambda);
        let t = field.add_wide(field.multiply_wide(p.lambda, sum), field.square_wide(p.z));
        (field.reduce(t), lambda_squared)
    } else {
        (field.multiply(p.lambda, sum), field.square(sum))
    };
    let lambda = field.add_wide(field.multiply_wide(x_squared, z_squared), field.multiply_wide(t, last));
    Projective { x: field.square(t), lambda: field.reduce(lambda), z: field.multiply(t, z_squared) }
}

/// P + Q.
#[inline(always)]
pub(crate) fn add<F: Field>(field: F, p: &Projective<F::Element>, q: &Affine<F::Element>) -> Projective<F::Element> {
    let a = field.add(p.lambda, field.multiply(q.lambda, p.z));
    let scaled = field.multiply(q.x, p.z);
    let b = field.square(field.add(p.x, scaled));
    let product = field.multiply(a, b);
    let first = field.multiply(a, scaled);
    let second = field.multiply(a, p.x);
    let lambda =
        field.add_wide(field.square_wide(field.add(first, b)), field.multiply_wide(product, field.add(p.lambda, p.z)));
    Projective { x: field.multiply(first, second), lambda: field.reduce(lambda), z: field.multiply(product, p.z) }
}

/// 2P + Q, cheaper than the two one after the other.
#[inline(always)]
pub(crate) fn double_add<F: Field>(
    field: F,
    p: &Projective<F::Element>,
    q: &Affine<F::Element>,
) -> Projective<F::Element> {
    let z_squared = field.square(p.z);
    let x_squared = field.square(p.x);
    let lambda_squared = field.square(p.lambda);
    let mut t = field.multiply_wide(p.lambda, field.add(p.lambda, p.z));
    let opposite = field.add(q.lambda, field.one());
    let mut factor = opposite;
    if field.a() {
        t = field.add_wide(t, field.square_wide(p.z));
        factor = q.lambda;
    }
    let t = field.reduce(t);
    let inner = field.add(lambda_squared, field.multiply(factor, z_squared));
    let a = field.reduce(field.add_wide(field.multiply_wide(x_squared, z_squared), field.multiply_wide(t, inner)));
    let scaled = field.multiply(q.x, z_squared);
    let b = field.square(field.add(scaled, t));
    let z = field.multiply(field.multiply(a, b), z_squared);
    let both = field.square(field.add(a, b));
    let lambda = field.add_wide(field.multiply_wide(t, both), field.multiply_wide(opposite, z));
    Projective { x: field.multiply(scaled, field.square(a)), lambda: field.reduce(lambda), z }
}

#[inline(always)]
pub(crate) fn lift<F: Field>(field: F, p: &Affine<F::Element>) -> Projective<F::Element> {
    Projective { x: p.x, lambda: p.lambda, z: field.one() }
}

/// The point with Z = 1; Z must not be 0.
#[inline(always)]
pub(crate) fn normalise<F: Field>(field: F, p: &Projective<F::Element>) -> Affine<F::Element> {
    let inverse = field.invert(p.z);
    Affine { x: field.multiply(p.x, inverse), lambda: field.multiply(p.lambda, inverse) }
}

/// All `points` with Z = 1, at the price of one inversion.
#[inline(always)]
pub(crate) fn normalise_all<F: Field>(
    field: F,
    points: &[Projective<F::Element>],
    normalised: &mut [Affine<F::Element>],
) {
    // The x of `normalised` holds the running products on the way up.
    let mut product = field.one();
    for (point, place) in points.iter().zip(normalised.iter_mut()) {
        place.x = product;
        product = field.multiply(product, point.z);
    }
    let mut inverse = field.invert(product);
    for (point, place) in points.iter().zip(normalised.iter_mut()).rev() {
        let own = field.multiply(inverse, place.x);
        inverse = field.multiply(inverse, point.z);
        *place = Affine { x: field.multiply(point.x, own), lambda: field.multiply(point.lambda, own) };
    }
}

/// P, 3P, … 15P.
#[inline(always)]
pub(crate) fn key_table<F: Field>(field: F, p: &Affine<F::Element>) -> [Affine<F::Element>; KEY_ENTRIES] {
    // Entry k is k·P; one double and one double-and-add in the code, whatever the size of the table.
    let mut all = [lift(field, p); 2 * KEY_ENTRIES];
    let mut multiples = [all[0]; KEY_ENTRIES - 1];
    for index in 1..KEY_ENTRIES {
        if 2 * index < KEY_ENTRIES {
            all[2 * index] = double(field, &all[index]);
        }
        all[2 * index + 1] = double_add(field, &all[index], p);
        multiples[index - 1] = all[2 * index + 1];
    }
    let mut table = [*p; KEY_ENTRIES];
    normalise_all(field, &multiples, &mut table[1..]);
    table
}

/// P, 3P, 5P, … : `count` of them, with their Z.
fn odd_multiples<F: Field>(
    field: F,
    p: &Projective<F::Element>,
    count: usize,
    multiples: &mut Vec<Projective<F::Element>>,
) {
    let twice = normalise(field, &double(field, p));
    let mut multiple = *p;
    for _ in 0..count {
        multiples.push(multiple);
        multiple = add(field, &multiple, &twice);
    }
}

fn normalised<F: Field>(field: F, points: &[Projective<F::Element>]) -> Vec<Affine<F::Element>> {
    let mut normalised = vec![Affine { x: field.zero(), lambda: field.zero() }; points.len()];
    normalise_all(field, points, &mut normalised);
    normalised
}

/// The base point of the domain.
#[inline(always)]
pub(crate) fn base<F: Field>(field: F) -> Affine<F::Element> {
    let x = field.load(&field.domain().base_x);
    let y = field.load(&field.domain().base_y);
    Affine { x, lambda: field.add(x, field.multiply(y, field.invert(x))) }
}

/// [`Tables`] of the base point.
pub(crate) fn base_tables<F: Field>(field: F) -> Tables<F::Element> {
    let base = base(field);
    let mut multiples = Vec::new();
    odd_multiples(field, &lift(field, &base), 1 << (BASE_WIDTH - 2), &mut multiples);
    Tables { whole: normalised(field, &multiples) }
}

/// The sum of scalar·point over all streams, in time that depends on the scalars. `None` where all scalars are 0; Z = 0 where the fast
/// formulas did not hold on the way.
#[inline(always)]
pub(crate) fn joint_multiply<F: Field, const S: usize>(
    field: F,
    streams: [Stream<'_, F::Element>; S],
) -> Option<Projective<F::Element>> {
    let digits = Digits::recode(&streams);
    let pick = |digit: u16| {
        let (stream, entry, negative) = Digits::decode(digit);
        let entry = streams[stream].table[entry];
        let mask = 0u64.wrapping_sub(u64::from(negative));
        Affine { x: entry.x, lambda: field.add(entry.lambda, field.masked(field.one(), mask)) }
    };
    let mut positions = (0..digits.positions()).rev();
    let mut sum = positions.by_ref().find_map(|position| {
        let mut here = digits.at(position);
        let first = lift(field, &pick(here.next()?));
        Some(here.fold(first, |sum, digit| add(field, &sum, &pick(digit))))
    })?;
    for position in positions {
        let mut here = digits.at(position);
        sum = match here.next() {
            None => double(field, &sum),
            Some(digit) => double_add(field, &sum, &pick(digit)),
        };
        for digit in here {
            sum = add(field, &sum, &pick(digit));
        }
    }
    Some(sum)
}

/// first·P + second·Q by formulas that always hold; `None` is infinity.
pub(crate) fn complete<F: Field>(
    field: F,
    (first, p): (&Limbs, &Affine<F::Element>),
    (second, q): (&Limbs, &Affine<F::Element>),
) -> Option<Affine<F::Element>> {
    let mut sum = None;
    for index in (0..field.domain().order_bits).rev() {
        sum = add_complete(field, sum, sum);
        if limbs::bit(first, index) == 1 {
            sum = add_complete(field, sum, Some(*p));
        }
        if limbs::bit(second, index) == 1 {
            sum = add_complete(field, sum, Some(*q));
        }
    }
    sum
}

/// The sum of two points of the subgroup; `None` is infinity.
fn add_complete<F: Field>(
    field: F,
    p: Option<Affine<F::Element>>,
    q: Option<Affine<F::Element>>,
) -> Option<Affine<F::Element>> {
    let (Some(p), Some(q)) = (p, q) else { return p.or(q) };
    let lifted = lift(field, &p);
    if !field.is_zero(field.add(p.x, q.x)) {
        return Some(normalise(field, &add(field, &lifted, &q)));
    }
    // The same x: the same point, or its opposite.
    let same = field.is_zero(field.add(p.lambda, q.lambda));
    same.then(|| normalise(field, &double(field, &lifted)))
}

/// Windows: the base point is paid for once, a key every time.
pub(crate) const BASE_WIDTH: usize = 9;
pub(crate) const KEY_WIDTH: usize = 5;
pub(crate) const KEY_ENTRIES: usize = 1 << (KEY_WIDTH - 2);
