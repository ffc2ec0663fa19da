//! Verification (DSTU 4145-2002, 13). Everything here is public, and takes time that depends on it.

use super::curve::{Curve, Domain, NormalBasis};
use super::error::{PublicKeyError, VerifyError};
use super::field::{Field, Task, dispatch};
use super::limbs::{self, Limbs};
use super::normal_basis;
use super::point::{self, Affine, BASE_WIDTH, KEY_ENTRIES, KEY_WIDTH, Projective};
use super::public::{ByteOrder, PublicKey, decompress, read_compressed, read_limbs};
use super::recode::Stream;

impl PublicKey {
    /// Verifies `signature` over `hash`, the bytes that the hash function gave (of at most m bits they count whole, of more the first m).
    ///
    /// `signature` is r‖s in [`ByteOrder::Little`] and s‖r in [`ByteOrder::Big`], two halves of the same length. They have
    /// [`Curve::scalar_len`] bytes each; shorter ones are read too, because BouncyCastle leaves out zero bytes that both halves share.
    /// Any OCTET STRING around them is the caller's to take off.
    ///
    /// # Errors
    /// Each [`VerifyError`] as it says.
    pub fn verify(&self, order: ByteOrder, hash: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
        let signature = Signature::read(self.curve, order, signature)?;
        let task = VerifyPoint { point: self.point, signature, hash: hash_element(self.curve.domain(), hash) };
        dispatch(self.curve.domain(), task)
    }
}

/// Reads a compressed key and verifies a signature under it in one go, which is cheaper than the two after each other. As
/// [`PublicKey::from_bytes`] and [`PublicKey::verify`], key and signature in the same order of bytes.
///
/// # Errors
/// [`KeyOrSignatureError::Key`] where the key is refused, [`KeyOrSignatureError::Signature`] where the signature is.
pub fn verify_with_new_key(
    curve: Curve,
    order: ByteOrder,
    key: &[u8],
    hash: &[u8],
    signature: &[u8],
) -> Result<(), KeyOrSignatureError> {
    let compressed = read_compressed(curve, order, key)?;
    let signature = Signature::read(curve, order, signature)?;
    dispatch(curve.domain(), VerifyCompressed { compressed, signature, hash: hash_element(curve.domain(), hash) })
}

/// Which of the two was refused by [`verify_with_new_key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyOrSignatureError {
    /// The key.
    #[error(transparent)]
    Key(#[from] PublicKeyError),
    /// The signature; nothing is said about the key.
    #[error(transparent)]
    Signature(#[from] VerifyError),
}

/// r and s, both in [1, n − 1].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) r: Limbs,
    pub(crate) s: Limbs,
}

impl Signature {
    pub(crate) fn read(curve: Curve, order: ByteOrder, bytes: &[u8]) -> Result<Self, VerifyError> {
        if bytes.is_empty() || !bytes.len().is_multiple_of(2) || bytes.len() > 2 * curve.scalar_len() {
            return Err(VerifyError::Length);
        }
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let (r, s) = match order {
            ByteOrder::Little => (first, second),
            ByteOrder::Big => (second, first),
        };
        let signature = Self { r: read_limbs(order, r), s: read_limbs(order, s) };
        let domain = curve.domain();
        if limbs::is_zero(&signature.r) || !limbs::is_less(&signature.r, &domain.order) {
            return Err(VerifyError::RangeOfR);
        }
        if limbs::is_zero(&signature.s) || !limbs::is_less(&signature.s, &domain.order) {
            return Err(VerifyError::RangeOfS);
        }
        Ok(signature)
    }
}

/// The hash as a field element: a little-endian number, its low m bits in the basis of the curve, 1 for 0 (clause 5.9). In polynomial basis.
pub(crate) fn hash_element(domain: &'static Domain, hash: &[u8]) -> Limbs {
    let number = limbs::low_bits(&limbs::from_bytes(hash), domain.degree);
    match &domain.normal {
        _ if limbs::is_zero(&number) => limbs::ONE,
        None => number,
        Some(basis) => dispatch(domain, ToPolynomial { basis, number }),
    }
}

/// Verifies under a point of the subgroup; `base` is the odd multiples of the base point.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn verify_point<F: Field>(
    field: F,
    base: &[Affine<F::Element>],
    key: &Affine<F::Element>,
    signature: &Signature,
    hash: &Limbs,
) -> Result<(), VerifyError> {
    let table: [_; KEY_ENTRIES] = point::odd_table(field, key);
    let sum = point::joint_multiply(
        field,
        [
            Stream { table: base, width: BASE_WIDTH, scalar: signature.s },
            Stream { table: &table, width: KEY_WIDTH, scalar: signature.r },
        ],
    );
    conclude(field, sum, key, signature, hash)
}

/// From R = s·G + r·Q to the verdict.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn conclude<F: Field>(
    field: F,
    sum: Option<Projective<F::Element>>,
    key: &Affine<F::Element>,
    signature: &Signature,
    hash: &Limbs,
) -> Result<(), VerifyError> {
    let sum = match sum {
        Some(sum) if !field.is_zero(sum.z) => sum,
        _ => complete_sum(field, key, signature).ok_or(VerifyError::Infinity)?,
    };
    if holds(field, &sum, signature, hash) { Ok(()) } else { Err(VerifyError::Mismatch) }
}

/// Someone who knows d can make the fast formulas meet a point twice; this costs about twenty times as much and is always right.
#[inline(never)]
fn complete_sum<F: Field>(field: F, key: &Affine<F::Element>, signature: &Signature) -> Option<Projective<F::Element>> {
    let base = point::base(field);
    let sum = point::complete(field, (&signature.s, &base), (&signature.r, key))?;
    Some(point::lift(field, &sum))
}

/// Whether h·x_R agrees with r in the bits that r keeps. With x_R = X/Z: whether h·X + r·Z is Z times an element of only the cut bits, of
/// which there are one or two. Saves the inversion.
#[cfg_attr(not(debug_assertions), inline(always))]
fn holds<F: Field>(field: F, sum: &Projective<F::Element>, signature: &Signature, hash: &Limbs) -> bool {
    let domain = field.domain();
    let kept = domain.kept_bits();
    if limbs::bit_length(&signature.r) > kept {
        return false;
    }
    if let Some(basis) = &domain.normal {
        return holds_in_normal_basis(field, basis, sum, signature, hash);
    }
    let difference =
        field.reduce(field.add_wide(
            field.multiply_wide(field.load(hash), sum.x),
            field.multiply_wide(field.load(&signature.r), sum.z),
        ));
    let cut = |bit: usize| {
        let mut power = limbs::ZERO;
        power[bit / 64] = 1 << (bit % 64);
        field.multiply(sum.z, field.load(&power))
    };
    let first = cut(kept);
    let mut found = field.is_zero(difference) | field.is_zero(field.add(difference, first));
    if kept + 1 < domain.degree {
        let second = field.add(difference, cut(kept + 1));
        found |= field.is_zero(second) | field.is_zero(field.add(second, first));
    }
    found
}

/// The same where r is cut from the product in normal basis: with the inversion.
#[inline(never)]
fn holds_in_normal_basis<F: Field>(
    field: F,
    basis: &NormalBasis,
    sum: &Projective<F::Element>,
    signature: &Signature,
    hash: &Limbs,
) -> bool {
    let product = field.multiply(field.load(hash), point::normalise(field, sum).x);
    let number = normal_basis::to_normal(field, basis, product);
    limbs::low_bits(&number, field.domain().kept_bits()) == signature.r
}

struct ToPolynomial {
    basis: &'static NormalBasis,
    number: Limbs,
}

impl Task for ToPolynomial {
    type Output = Limbs;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run<F: Field>(self, field: F) -> Limbs {
        field.store(normal_basis::to_polynomial(field, self.basis, &self.number))
    }
}

struct VerifyPoint {
    point: Affine<Limbs>,
    signature: Signature,
    hash: Limbs,
}

impl Task for VerifyPoint {
    type Output = Result<(), VerifyError>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run<F: Field>(self, field: F) -> Self::Output {
        let key = Affine { x: field.load(&self.point.x), lambda: field.load(&self.point.lambda) };
        verify_point(field, &field.base_tables().whole, &key, &self.signature, &self.hash)
    }
}

struct VerifyCompressed {
    compressed: Limbs,
    signature: Signature,
    hash: Limbs,
}

impl Task for VerifyCompressed {
    type Output = Result<(), KeyOrSignatureError>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run<F: Field>(self, field: F) -> Self::Output {
        let key = decompress(field, &self.compressed)?;
        Ok(verify_point(field, &field.base_tables().whole, &key, &self.signature, &self.hash)?)
    }
}
