//! Signing (DSTU 4145-2002, 12). Constant time in the private key and the nonce; the hash and the signature are public.
//!
//! A signature is not verified before it is handed out. The nonce is fresh for every call, so two signatures of one hash, one of them
//! disturbed, say nothing about d; what a fault in d itself would show can be found by whoever fears such faults with
//! [`PublicKey::verify`](super::PublicKey::verify), at the price of a verification.

use super::comb::{self, RandomZ};
use super::curve::Curve;
use super::error::SignError;
use super::field::{Field, Task, dispatch};
use super::limbs::{self, Limbs};
use super::private::PrivateKey;
use super::public::ByteOrder;
use super::scalar::{Multiplier, Order, Scalar};
use super::verify::{Signature, hash_element};
use crate::random;

impl PrivateKey {
    /// Signs `hash`, the bytes that the hash function gave (of at most m bits they count whole, of more the first m).
    ///
    /// The signature has 2·[`Curve::scalar_len`] bytes: r‖s in [`ByteOrder::Little`], s‖r in [`ByteOrder::Big`], without the OCTET STRING
    /// that certificates put around it.
    ///
    /// # Errors
    /// [`SignError::EmptyHash`] where there is nothing to sign; [`SignError::NoSignature`] where the arithmetic is broken.
    pub fn sign(&self, order: ByteOrder, hash: &[u8]) -> Result<Vec<u8>, SignError> {
        self.sign_hedged(order, hash, &random::array())
    }

    /// As [`PrivateKey::sign`], with the fresh bytes given; the same ones give the same signature.
    pub(crate) fn sign_hedged(
        &self,
        byte_order: ByteOrder,
        hash: &[u8],
        entropy: &[u8; 32],
    ) -> Result<Vec<u8>, SignError> {
        if hash.is_empty() {
            return Err(SignError::EmptyHash);
        }
        let (curve, order) = (self.curve(), Order::of(self.curve()));
        let element = hash_element(curve.domain(), hash);
        for attempt in 0..=u8::MAX {
            let Some((nonce, z)) = self.nonces.derive(order, hash, entropy, attempt) else { continue };
            let Some(r) = dispatch(curve.domain(), Commit { nonce: &nonce, z: &z, hash: &element }) else { continue };
            if let Some(signature) = conclude(order, &self.multiplier, &nonce, r) {
                return Ok(signature.to_bytes(curve, byte_order));
            }
        }
        Err(SignError::NoSignature)
    }
}

impl Signature {
    /// Two halves of [`Curve::scalar_len`] bytes.
    pub(crate) fn to_bytes(self, curve: Curve, order: ByteOrder) -> Vec<u8> {
        let length = curve.scalar_len();
        let mut bytes = vec![0; 2 * length];
        let (r, s) = bytes.split_at_mut(length);
        limbs::to_bytes(&self.r, r);
        limbs::to_bytes(&self.s, s);
        if order == ByteOrder::Big {
            bytes.reverse();
        }
        bytes
    }
}

/// r from the x of e·G, F in the standard: the product with the hash, cut (clause 12). F is never 0, as no point of the subgroup
/// has x = 0.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn commitment<F: Field>(field: F, hash: &Limbs, x: F::Element) -> Limbs {
    let product = field.multiply(field.load(hash), x);
    limbs::low_bits(&field.store(product), field.domain().kept_bits())
}

/// s = e + d·r mod n; `None` where r or s is 0, and another nonce is wanted.
pub(crate) fn conclude(order: &Order, private: &Multiplier, nonce: &Scalar, r: Limbs) -> Option<Signature> {
    let s = order.multiply_add(private, &r, nonce);
    (!limbs::is_zero(&r) && !limbs::is_zero(&s)).then_some(Signature { r, s })
}

struct Commit<'a> {
    nonce: &'a Scalar,
    z: &'a RandomZ,
    hash: &'a Limbs,
}

impl Task for Commit<'_> {
    type Output = Option<Limbs>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run<F: Field>(self, field: F) -> Self::Output {
        let point = comb::multiply_base(field, self.nonce, self.z);
        let x = field.multiply(point.x, field.invert(point.z));
        (!field.is_zero(point.z)).then(|| commitment(field, self.hash, x))
    }
}
