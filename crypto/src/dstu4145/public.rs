//! Public keys: compressed points (DSTU 4145-2002, 6.9 and 6.10) and the proof that they lie in the subgroup of the base point.

use std::fmt;

use super::curve::{Curve, Domain, NormalBasis};
use super::error::PublicKeyError;
use super::field::{Arithmetic, Field, Task, dispatch};
use super::limbs::{self, Limbs};
use super::normal_basis;
use super::point::Affine;

/// The order of bytes in keys, signatures, and the octet strings of parameters. Which one holds is said by the algorithm's OID; the OIDs below are
/// those of the polynomial basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// Least significant byte first, r before s: `1.2.804.2.1.1.1.1.3.1.1`, what is in use.
    Little,
    /// Most significant byte first, s before r: `1.2.804.2.1.1.1.1.3.1.1.1.1`.
    Big,
}

/// A public key Q = −d·G: a point that was checked to lie on its curve, in the subgroup of prime order n, and not at infinity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    pub(crate) curve: Curve,
    pub(crate) point: Affine<Limbs>,
}

impl PublicKey {
    /// Reads a compressed point of [`Curve::field_len`] bytes: x with its lowest bit replaced by the trace of y/x.
    ///
    /// # Errors
    /// Each [`PublicKeyError`] as it says. The encoding of a point is unique.
    pub fn from_bytes(curve: Curve, order: ByteOrder, bytes: &[u8]) -> Result<Self, PublicKeyError> {
        let compressed = read_compressed(curve, order, bytes)?;
        dispatch(curve.domain(), Decompress { compressed })
    }

    /// The compressed point, [`Curve::field_len`] bytes.
    pub fn to_bytes(&self, order: ByteOrder) -> Vec<u8> {
        let domain = self.curve.domain();
        let mut compressed = match &domain.normal {
            None => self.point.x,
            Some(basis) => dispatch(domain, ToNormal { basis, element: self.point.x }),
        };
        // y/x = x + λ.
        let trace = domain.trace(&limbs::add(&self.point.x, &self.point.lambda));
        compressed[0] = compressed[0] & !1 | trace;
        let mut bytes = vec![0; self.curve.field_len()];
        limbs::to_bytes(&compressed, &mut bytes);
        if order == ByteOrder::Big {
            bytes.reverse();
        }
        bytes
    }

    /// The curve of the key.
    pub fn curve(&self) -> Curve {
        self.curve
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let point = crate::digest::hex(&self.to_bytes(ByteOrder::Little));
        formatter.debug_struct("PublicKey").field("curve", &self.curve).field("point", &point).finish()
    }
}

/// Length and spare bits of a compressed point.
pub(crate) fn read_compressed(curve: Curve, order: ByteOrder, bytes: &[u8]) -> Result<Limbs, PublicKeyError> {
    if bytes.len() != curve.field_len() {
        return Err(PublicKeyError::Length);
    }
    let compressed = read_limbs(order, bytes);
    if limbs::bit_length(&compressed) > curve.degree() {
        return Err(PublicKeyError::SpareBits);
    }
    Ok(compressed)
}

/// At most 56 bytes in this order.
pub(crate) fn read_limbs(order: ByteOrder, bytes: &[u8]) -> Limbs {
    match order {
        ByteOrder::Little => limbs::from_bytes(bytes),
        ByteOrder::Big => {
            let mut reversed = [0; 8 * limbs::LIMBS];
            let used = bytes.len().min(reversed.len());
            for (place, byte) in reversed.iter_mut().zip(bytes.iter().rev()) {
                *place = *byte;
            }
            limbs::from_bytes(&reversed[..used])
        }
    }
}

/// The point of a compressed form below 2^m, proven to lie in the subgroup.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn decompress<F: Field>(field: F, compressed: &Limbs) -> Result<Affine<F::Element>, PublicKeyError> {
    let domain: &Domain = field.domain();
    let x = full_x(domain, compressed);
    if limbs::is_zero(&x) {
        return Err(PublicKeyError::OrderTwo);
    }
    let x = match &domain.normal {
        None => field.load(&x),
        Some(basis) => normal_basis::to_polynomial(field, basis, &x),
    };
    let right = right_side(field, x);
    if field.trace(right) != 0 {
        return Err(PublicKeyError::NotOnCurve);
    }
    let z = field.half_trace(right);
    let wanted = compressed[0] & 1;
    let mask = 0u64.wrapping_sub(field.trace(z) ^ wanted);
    let z = field.add(z, field.masked(field.one(), mask));
    if domain.cofactor_log == 2 && field.trace(four_fold_product(field, x, z)) != 0 {
        return Err(PublicKeyError::NotInSubgroup);
    }
    Ok(Affine { x, lambda: field.add(x, z) })
}

/// x, in the basis of the curve, with the bit that compression took: only points with Tr(x) = a are doubles of others, and the subgroup has
/// no others. The element of bit 0 has trace 1.
pub(crate) fn full_x(domain: &Domain, compressed: &Limbs) -> Limbs {
    let mut x = *compressed;
    x[0] &= !1;
    let trace = if domain.normal.is_some() { normal_basis::trace(&x) } else { domain.trace(&x) };
    x[0] |= trace ^ u64::from(domain.a);
    x
}

/// y = xz turns the equation into z² + z = x + a + b/x², of which this is the right side.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn right_side<A: Arithmetic>(field: A, x: A::Element) -> A::Element {
    let inverse = field.invert(x);
    let right = field.add(x, field.multiply(field.load(&field.domain().b), field.square(inverse)));
    if field.a() { field.add(right, field.one()) } else { right }
}

/// An element whose trace is 0 if a point that is the double of some P is also the double of a double (a = 0, h = 4: then it lies in the
/// subgroup). With λ² + λ = x for P, x_P² = x·(λ + 1) + y; P is a double if the trace of x_P, which is that of x_P², is 0. Tr(x) = 0
/// takes care of the 1, and of the choice between λ and λ + 1.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn four_fold_product<A: Arithmetic>(field: A, x: A::Element, z: A::Element) -> A::Element {
    field.multiply(x, field.add(field.half_trace(x), z))
}

struct ToNormal {
    basis: &'static NormalBasis,
    element: Limbs,
}

impl Task for ToNormal {
    type Output = Limbs;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run<F: Field>(self, field: F) -> Limbs {
        normal_basis::to_normal(field, self.basis, field.load(&self.element))
    }
}

struct Decompress {
    compressed: Limbs,
}

impl Task for Decompress {
    type Output = Result<PublicKey, PublicKeyError>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run<F: Field>(self, field: F) -> Self::Output {
        let point = decompress(field, &self.compressed)?;
        let point = Affine { x: field.store(point.x), lambda: field.store(point.lambda) };
        Ok(PublicKey { curve: field.domain().curve, point })
    }
}
