//! Verification of many signatures of different keys. Each gets its own verdict: nothing is summed up, nothing is left to chance.
//!
//! Where the processor has an engine of four lanes, four verifications take the same steps at the same time; what is left over, and all of
//! them elsewhere, is verified one after another.

use super::curve::Curve;
use super::error::PublicKeyError;
use super::field::{Arithmetic, Field, Task, dispatch};
use super::limbs::{self, Limbs};
use super::point::{self, Add, Affine, BASE_WIDTH, Double, DoubleAdd, Projective};
use super::public::{ByteOrder, decompress, four_fold_product, full_x, read_compressed, right_side};
use super::recode::Windows;
use super::verify::{KeyOrSignatureError, Signature, conclude, hash_element, verify_point};

/// A signature with the key and the hash that it is said to belong to; their forms are those of [`verify_with_new_key`].
///
/// [`verify_with_new_key`]: super::verify_with_new_key
#[derive(Debug, Clone, Copy)]
pub struct Unverified<'a> {
    /// The compressed public key.
    pub key: &'a [u8],
    /// The bytes that the hash function gave.
    pub hash: &'a [u8],
    /// The two halves.
    pub signature: &'a [u8],
}

/// Verifies each of `items`, all on one curve and in one order of bytes; the verdicts stand in the order of the items, and each is what
/// [`verify_with_new_key`](super::verify_with_new_key) says of the item.
pub fn verify_batch(curve: Curve, order: ByteOrder, items: &[Unverified<'_>]) -> Vec<Result<(), KeyOrSignatureError>> {
    let read = |item: &Unverified<'_>| {
        let compressed = read_compressed(curve, order, item.key)?;
        let signature = Signature::read(curve, order, item.signature)?;
        Ok(Item { compressed, signature, hash: hash_element(curve.domain(), item.hash) })
    };
    let mut verdicts = Vec::with_capacity(items.len());
    let (mut readable, mut places) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
    for item in items {
        match read(item) {
            Ok(item) => {
                places.push(verdicts.len());
                readable.push(item);
                verdicts.push(Ok(()));
            }
            Err(error) => verdicts.push(Err(error)),
        }
    }
    for (place, verdict) in places.into_iter().zip(dispatch(curve.domain(), VerifyAll { items: &readable })) {
        verdicts[place] = verdict;
    }
    verdicts
}

/// What can be verified: halves in their range, a key of the right length.
pub(crate) struct Item {
    compressed: Limbs,
    signature: Signature,
    hash: Limbs,
}

pub(crate) type Verdict = Result<(), KeyOrSignatureError>;

struct VerifyAll<'a> {
    items: &'a [Item],
}

impl Task for VerifyAll<'_> {
    type Output = Vec<Verdict>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run<F: Field>(self, field: F) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(self.items.len());
        let mut left = self.items;
        while let Some((four, others)) = left.split_first_chunk()
            && let Some(four) = field.verify_four(four)
        {
            verdicts.extend(four);
            left = others;
        }
        // A closure would not get the processor features.
        for item in left {
            verdicts.push(verify_one(field, item));
        }
        verdicts
    }
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn verify_one<F: Field>(field: F, item: &Item) -> Verdict {
    let key = decompress(field, &item.compressed)?;
    Ok(verify_point(field, &field.base_tables().whole, &key, &item.signature, &item.hash)?)
}

/// A field whose elements are four of another's.
pub(crate) trait FourFold: Arithmetic {
    type Single: Field;

    fn single(self) -> Self::Single;
    fn join(self, elements: [<Self::Single as Arithmetic>::Element; 4]) -> Self::Element;
    fn split(self, element: Self::Element) -> [<Self::Single as Arithmetic>::Element; 4];
}

/// [`verify_one`] four times in step: windows of fixed places instead of sparse digits, so that all four add at the same time.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn verify_four<Q: FourFold>(quad: Q, items: &[Item; 4]) -> [Verdict; 4] {
    let single = quad.single();
    let (keys, refusals) = decompress_four(quad, items);
    let table: [_; KEY_ENTRIES] = point::odd_table(quad, &keys);
    let mut tables = [[split_affine(quad, &keys)[0]; KEY_ENTRIES]; 4];
    for (index, entry) in table.iter().enumerate() {
        for (lane, point) in split_affine(quad, entry).into_iter().enumerate() {
            tables[lane][index] = point;
        }
    }
    let base = &single.base_tables().whole;
    let key_digits = items.each_ref().map(|item| OddWindows::new(single, &item.signature.r, KEY_WINDOW));
    let base_digits = items.each_ref().map(|item| OddWindows::new(single, &item.signature.s, BASE_WINDOW));

    let top = key_digits[0].windows.count() - 1;
    let mut sum = point::lift(quad, &join_affine(quad, |lane| key_digits[lane].pick(single, &tables[lane], top)));
    for position in (0..KEY_WINDOW * top).rev() {
        sum = if position % KEY_WINDOW == 0 {
            let digit = position / KEY_WINDOW;
            quad.call(DoubleAdd(&sum, &join_affine(quad, |lane| key_digits[lane].pick(single, &tables[lane], digit))))
        } else {
            quad.call(Double(&sum))
        };
        if position % BASE_WINDOW == 0 {
            let digit = position / BASE_WINDOW;
            sum = quad.call(Add(&sum, &join_affine(quad, |lane| base_digits[lane].pick(single, base, digit))));
        }
    }
    let (x, lambda, z) = (quad.split(sum.x), quad.split(sum.lambda), quad.split(sum.z));
    let keys = split_affine(quad, &keys);
    std::array::from_fn(|lane| {
        if let Some(refusal) = refusals[lane] {
            return Err(refusal.into());
        }
        let sum = Projective { x: x[lane], lambda: lambda[lane], z: z[lane] };
        Ok(conclude(single, Some(sum), &keys[lane], &items[lane].signature, &items[lane].hash)?)
    })
}

/// [`decompress`] in every lane; the point of a lane whose key is refused means nothing.
#[cfg_attr(not(debug_assertions), inline(always))]
fn decompress_four<Q: FourFold>(quad: Q, items: &[Item; 4]) -> (Affine<Q::Element>, [Option<PublicKeyError>; 4]) {
    let single = quad.single();
    let domain = quad.domain();
    let mut refusals = [None; 4];
    let mut refuse = |lane: usize, refusal| refusals[lane] = refusals[lane].or(Some(refusal));
    let mut coordinates = items.each_ref().map(|item| full_x(domain, &item.compressed));
    for (lane, x) in coordinates.iter_mut().enumerate() {
        if limbs::is_zero(x) {
            refuse(lane, PublicKeyError::OrderTwo);
            *x = domain.base_x;
        }
    }
    let x = quad.join(coordinates.map(|x| single.load(&x)));
    let right = right_side(quad, x);
    for (lane, right) in quad.split(right).into_iter().enumerate() {
        if single.trace(right) != 0 {
            refuse(lane, PublicKeyError::NotOnCurve);
        }
    }
    let root = quad.half_trace(right);
    let roots = quad.split(root);
    let other: [_; 4] = std::array::from_fn(|lane| {
        let wanted = items[lane].compressed[0] & 1;
        single.masked(single.one(), 0u64.wrapping_sub(single.trace(roots[lane]) ^ wanted))
    });
    let z = quad.add(root, quad.join(other));
    if domain.cofactor_log == 2 {
        for (lane, half) in quad.split(four_fold_product(quad, x, z)).into_iter().enumerate() {
            if single.trace(half) != 0 {
                refuse(lane, PublicKeyError::NotInSubgroup);
            }
        }
    }
    (Affine { x, lambda: quad.add(x, z) }, refusals)
}

/// The digits of a scalar, or of n less the scalar, whichever is odd.
struct OddWindows {
    windows: Windows,
    opposite: u64,
}

impl OddWindows {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn new<F: Field>(field: F, scalar: &Limbs, width: usize) -> Self {
        let domain = field.domain();
        let even = scalar[0] & 1 == 0;
        let odd = if even { limbs::subtract(&domain.order, scalar).0 } else { *scalar };
        Self { windows: Windows::new(&odd, width, domain.order_bits), opposite: 0u64.wrapping_sub(u64::from(even)) }
    }

    /// digit·P from the table of P's odd multiples.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn pick<F: Field>(&self, field: F, table: &[Affine<F::Element>], index: usize) -> Affine<F::Element> {
        let (entry, negative) = self.windows.digit(index);
        let entry = usize::try_from(entry).ok().and_then(|entry| table.get(entry)).unwrap_or(&table[0]);
        let lambda = field.add(entry.lambda, field.masked(field.one(), negative ^ self.opposite));
        Affine { x: entry.x, lambda }
    }
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn join_affine<Q: FourFold>(
    quad: Q,
    mut lane: impl FnMut(usize) -> Affine<<Q::Single as Arithmetic>::Element>,
) -> Affine<Q::Element> {
    let points = [lane(0), lane(1), lane(2), lane(3)];
    Affine { x: quad.join(points.map(|point| point.x)), lambda: quad.join(points.map(|point| point.lambda)) }
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn split_affine<Q: FourFold>(quad: Q, point: &Affine<Q::Element>) -> [Affine<<Q::Single as Arithmetic>::Element>; 4] {
    let (x, lambda) = (quad.split(point.x), quad.split(point.lambda));
    std::array::from_fn(|lane| Affine { x: x[lane], lambda: lambda[lane] })
}

const KEY_WINDOW: usize = 5;
const KEY_ENTRIES: usize = 1 << (KEY_WINDOW - 1);
/// The table of sparse digits serves: they are one bit wider, as one of theirs is always zero.
const BASE_WINDOW: usize = BASE_WIDTH - 1;

#[cfg(test)]
mod tests;
