//! Points in lambda coordinates: (x, λ) with λ = x + y/x, and projectively (X, Λ, Z) with x = X/Z, λ = Λ/Z (Oliveira, López, Aranha and
//! Rodríguez-Henríquez, "Lambda coordinates for binary elliptic curves", 2013).
//!
//! The fast formulas hold for points of the prime-order subgroup that differ and are not opposite. Where they do not, Z becomes 0 and stays
//! 0 through whatever follows, so one test at the end finds it; then [`complete`] computes the same by formulas that always hold.

use super::field::{Arithmetic, Field, Operation};
use std::sync::OnceLock;

use super::comb::Comb;
use super::curve::Domain;
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
    /// Odd multiples of 2^(part·k), [`BASE_PART_WIDTH`] wide, each part's bits as [`part_bits`] says.
    pub(crate) parts: [Vec<Affine<E>>; PARTS],
    /// For secret scalars, made at the first of them.
    pub(crate) comb: OnceLock<Comb<E>>,
}

/// 2P.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn double<F: Arithmetic>(field: F, p: &Projective<F::Element>) -> Projective<F::Element> {
    Double(p).run(field)
}

/// P + Q.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn add<F: Arithmetic>(
    field: F,
    p: &Projective<F::Element>,
    q: &Affine<F::Element>,
) -> Projective<F::Element> {
    Add(p, q).run(field)
}

/// 2P + Q, cheaper than the two one after the other.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn double_add<F: Arithmetic>(
    field: F,
    p: &Projective<F::Element>,
    q: &Affine<F::Element>,
) -> Projective<F::Element> {
    DoubleAdd(p, q).run(field)
}

pub(crate) struct Double<'a, E>(pub(crate) &'a Projective<E>);

/// Four multiplications and four squarings.
impl<A: Arithmetic> Operation<A> for Double<'_, A::Element> {
    type Output = Projective<A::Element>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run(self, field: A) -> Self::Output {
        let Self(p) = self;
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
}

pub(crate) struct Add<'a, E>(pub(crate) &'a Projective<E>, pub(crate) &'a Affine<E>);

/// Eight multiplications and two squarings.
impl<A: Arithmetic> Operation<A> for Add<'_, A::Element> {
    type Output = Projective<A::Element>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run(self, field: A) -> Self::Output {
        let Self(p, q) = self;
        let a = field.add(p.lambda, field.multiply(q.lambda, p.z));
        let scaled = field.multiply(q.x, p.z);
        let b = field.square(field.add(p.x, scaled));
        let product = field.multiply(a, b);
        let first = field.multiply(a, scaled);
        let second = field.multiply(a, p.x);
        let lambda = field
            .add_wide(field.square_wide(field.add(first, b)), field.multiply_wide(product, field.add(p.lambda, p.z)));
        Projective { x: field.multiply(first, second), lambda: field.reduce(lambda), z: field.multiply(product, p.z) }
    }
}

pub(crate) struct DoubleAdd<'a, E>(pub(crate) &'a Projective<E>, pub(crate) &'a Affine<E>);

/// Ten multiplications and six squarings.
impl<A: Arithmetic> Operation<A> for DoubleAdd<'_, A::Element> {
    type Output = Projective<A::Element>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run(self, field: A) -> Self::Output {
        let Self(p, q) = self;
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
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn lift<F: Arithmetic>(field: F, p: &Affine<F::Element>) -> Projective<F::Element> {
    Projective { x: p.x, lambda: p.lambda, z: field.one() }
}

/// The point with Z = 1; Z must not be 0.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn normalise<F: Arithmetic>(field: F, p: &Projective<F::Element>) -> Affine<F::Element> {
    let inverse = field.invert(p.z);
    Affine { x: field.multiply(p.x, inverse), lambda: field.multiply(p.lambda, inverse) }
}

/// All `points` with Z = 1, at the price of one inversion.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn normalise_all<F: Arithmetic>(
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

/// P, 3P, 5P, … : `N` of them.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn odd_table<F: Arithmetic, const N: usize>(field: F, p: &Affine<F::Element>) -> [Affine<F::Element>; N] {
    field.call(OddTable(p))
}

struct OddTable<'a, E, const N: usize>(&'a Affine<E>);

impl<A: Arithmetic, const N: usize> Operation<A> for OddTable<'_, A::Element, N> {
    type Output = [Affine<A::Element>; N];

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run(self, field: A) -> Self::Output {
        let Self(p) = self;
        // Entry k of `all` is k·P, entry k of `odd` (2k + 1)·P: one double and one double-and-add in the code, whatever the size.
        let mut odd = [lift(field, p); N];
        let mut all = [lift(field, p); N];
        for index in 1..N {
            if 2 * index < N {
                all[2 * index] = double(field, &all[index]);
            }
            odd[index] = double_add(field, &all[index], p);
            if 2 * index + 1 < N {
                all[2 * index + 1] = odd[index];
            }
        }
        let mut table = [*p; N];
        normalise_all(field, &odd[1..], &mut table[1..]);
        table
    }
}

/// P, 3P, 5P, … : `count` of them, with their Z.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn odd_multiples<F: Field>(
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

/// All `points` with Z = 1.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn normalised<F: Field>(field: F, points: &[Projective<F::Element>]) -> Vec<Affine<F::Element>> {
    let mut normalised = vec![Affine { x: field.zero(), lambda: field.zero() }; points.len()];
    normalise_all(field, points, &mut normalised);
    normalised
}

/// The base point of the domain.
#[cfg_attr(not(debug_assertions), inline(always))]
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
    Tables {
        whole: normalised(field, &multiples),
        parts: part_tables(field, &base, BASE_PART_WIDTH),
        comb: OnceLock::new(),
    }
}

/// For each part of a scalar the odd multiples of 2^(bits below it)·P, `width` wide.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn part_tables<F: Field>(
    field: F,
    p: &Affine<F::Element>,
    width: usize,
) -> [Vec<Affine<F::Element>>; PARTS] {
    let entries = 1 << (width - 2);
    let mut multiples = Vec::with_capacity(PARTS * entries);
    let mut first = lift(field, p);
    for part in 0..PARTS {
        if part > 0 {
            for _ in 0..part_bits(field.domain()) {
                first = double(field, &first);
            }
        }
        odd_multiples(field, &first, entries, &mut multiples);
    }
    let normalised = normalised(field, &multiples);
    let mut tables = normalised.chunks_exact(entries).map(<[_]>::to_vec);
    std::array::from_fn(|_| tables.next().unwrap_or_default())
}

/// Bits of each part of a scalar.
pub(crate) fn part_bits(domain: &Domain) -> usize {
    domain.order_bits.div_ceil(PARTS)
}

/// The sum of scalar·point over all streams, in time that depends on the scalars. `None` where all scalars are 0; Z = 0 where the fast
/// formulas did not hold on the way.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn joint_multiply<F: Field, const S: usize>(
    field: F,
    streams: [Stream<'_, F::Element>; S],
) -> Option<Projective<F::Element>> {
    field.call(JointMultiply(streams))
}

struct JointMultiply<'a, E, const S: usize>([Stream<'a, E>; S]);

impl<F: Field, const S: usize> Operation<F> for JointMultiply<'_, F::Element, S> {
    type Output = Option<Projective<F::Element>>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run(self, field: F) -> Self::Output {
        let Self(streams) = self;
        let digits = Digits::recode(&streams);
        let mut sum: Option<Projective<F::Element>> = None;
        for position in (0..digits.positions()).rev() {
            let mut here = digits.at(position);
            sum = match sum {
                None => match here.next() {
                    None => None,
                    Some(digit) => Some(lift(field, &pick(field, &streams, digit))),
                },
                Some(sum) => Some(match here.next() {
                    None => double(field, &sum),
                    Some(digit) => double_add(field, &sum, &pick(field, &streams, digit)),
                }),
            };
            if let Some(sum) = &mut sum {
                for digit in here {
                    *sum = add(field, sum, &pick(field, &streams, digit));
                }
            }
        }
        sum
    }
}

/// The point that a digit stands for.
#[cfg_attr(not(debug_assertions), inline(always))]
fn pick<F: Field>(field: F, streams: &[Stream<'_, F::Element>], digit: u16) -> Affine<F::Element> {
    let (stream, entry, negative) = Digits::decode(digit);
    let entry = &streams[stream].table[entry];
    let mask = 0u64.wrapping_sub(u64::from(negative));
    Affine { x: entry.x, lambda: field.add(entry.lambda, field.masked(field.one(), mask)) }
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

/// Windows: the base point is paid for once, a key every time, a prepared key now and then.
pub(crate) const BASE_WIDTH: usize = 9;
pub(crate) const BASE_PART_WIDTH: usize = 8;
pub(crate) const KEY_WIDTH: usize = 5;
pub(crate) const KEY_ENTRIES: usize = 1 << (KEY_WIDTH - 2);
/// Into so many parts scalars are cut where all tables are there beforehand: so many times fewer doublings.
pub(crate) const PARTS: usize = 4;
