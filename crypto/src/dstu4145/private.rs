//! Private keys: the number d, and what signing and agreeing under it needs prepared once.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use super::comb::{self, RandomZ};
use super::curve::{Basis, Curve};
use super::error::{AgreementError, PrivateKeyError};
use super::field::{Field, Task, dispatch};
use super::ladder::{self, Blinding};
use super::limbs::{self, Limbs};
use super::nonce::NonceKey;
use super::point::{self, Affine};
use super::public::{ByteOrder, PublicKey, read_limbs};
use super::scalar::{Multiplier, Order, Scalar};
use crate::random;

/// A private key d in [1, n − 1] of DSTU 4145-2002, whose public key is Q = −d·G. Overwritten when dropped; its Debug says the curve and
/// no more. Whatever it does takes the same time for every d.
pub struct PrivateKey {
    pub(crate) number: Scalar,
    pub(crate) multiplier: Multiplier,
    pub(crate) nonces: NonceKey,
    public: PublicKey,
}

/// Whether an agreement multiplies by the cofactor of the curve (DSTU ISO/IEC 15946-3): said by the OID of the scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cofactor {
    /// x(h·d·Q): `1.2.804.2.1.1.1.1.3.4` and `….3.7`.
    Multiply,
    /// x(d·Q): `1.2.804.2.1.1.1.1.3.5` and `….3.8`.
    Ignore,
}

impl PrivateKey {
    /// A fresh key, uniform in [1, n − 1]. Panics where the operating system has no random bytes, as [`random::fill`] says.
    ///
    /// # Errors
    /// [`PrivateKeyError::NormalBasis`] for a curve in optimal normal basis.
    pub fn generate(curve: Curve) -> Result<Self, PrivateKeyError> {
        let order = Self::order(curve)?;
        let mut wide = Zeroizing::new(vec![0; order.wide_len()]);
        loop {
            random::fill(&mut wide);
            // 0 does not happen: its chance is below 2^−160.
            if let Some(number) = order.reduce(&wide) {
                return Ok(Self::new(curve, number));
            }
        }
    }

    /// Reads d.
    ///
    /// Its length is [`Curve::scalar_len`], as UAPKI and cryptonite write it, or anything from there to the field rounded up to words of
    /// four bytes, as IIT writes it (36 bytes for m = 257, 56 for m = 431), and then the most significant bytes are zeros. Shorter ones are
    /// refused: no known producer makes them, and a cut key would pass for another.
    ///
    /// # Errors
    /// [`PrivateKeyError::Length`] for another length, [`PrivateKeyError::Zero`] for 0, [`PrivateKeyError::Range`] for what is not below the
    /// order: such a number is never reduced in silence, as the same key would then have two forms. [`PrivateKeyError::NormalBasis`] for a
    /// curve in optimal normal basis.
    pub fn from_bytes(curve: Curve, order: ByteOrder, bytes: &[u8]) -> Result<Self, PrivateKeyError> {
        let arithmetic = Self::order(curve)?;
        let longest = 4 * curve.degree().div_ceil(32);
        if !(curve.scalar_len()..=longest).contains(&bytes.len()) {
            return Err(PrivateKeyError::Length);
        }
        let number = Zeroizing::new(read_limbs(order, bytes));
        if limbs::is_zero(&number) {
            return Err(PrivateKeyError::Zero);
        }
        let number = arithmetic.scalar(&number).ok_or(PrivateKeyError::Range)?;
        Ok(Self::new(curve, number))
    }

    /// d in [`Curve::scalar_len`] bytes.
    pub fn to_bytes(&self, order: ByteOrder) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(vec![0; self.curve().scalar_len()]);
        limbs::to_bytes(self.number.limbs(), &mut bytes);
        if order == ByteOrder::Big {
            bytes.reverse();
        }
        bytes
    }

    /// The public key Q = −d·G.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The curve of the key.
    pub fn curve(&self) -> Curve {
        self.public.curve()
    }

    /// The shared secret with `peer`: an x coordinate, big-endian, in [`Curve::field_len`] bytes with its leading zeros. That the peer's
    /// point is in the subgroup is proven by its type, so the cofactor is a factor like others.
    ///
    /// # Errors
    /// [`AgreementError::Curve`] where the two keys are of different curves.
    pub fn agree(&self, peer: &PublicKey, cofactor: Cofactor) -> Result<Zeroizing<Vec<u8>>, AgreementError> {
        let curve = self.curve();
        if peer.curve() != curve {
            return Err(AgreementError::Curve);
        }
        let order = Order::of(curve);
        let doublings = match cofactor {
            Cofactor::Multiply => curve.domain().cofactor_log,
            Cofactor::Ignore => 0,
        };
        let scalar = order.double_times(&self.number, doublings);
        let blinding = Blinding::random(curve.domain());
        let task = MultiplyPoint { point: &peer.point, scalar: &scalar, blinding: &blinding };
        let mut x = dispatch(curve.domain(), task);
        let mut secret = Zeroizing::new(vec![0; curve.field_len()]);
        limbs::to_bytes(&x, &mut secret);
        secret.reverse();
        x.zeroize();
        Ok(secret)
    }

    /// Arithmetic modulo n, where the curve has private keys.
    fn order(curve: Curve) -> Result<&'static Order, PrivateKeyError> {
        match curve.basis() {
            Basis::Polynomial => Ok(Order::of(curve)),
            Basis::OptimalNormal => Err(PrivateKeyError::NormalBasis),
        }
    }

    fn new(curve: Curve, number: Scalar) -> Self {
        let order = Order::of(curve);
        let point = dispatch(curve.domain(), NegativeOfBase { scalar: &number });
        Self {
            multiplier: order.multiplier(&number),
            nonces: NonceKey::new(curve, &number),
            public: PublicKey { curve, point },
            number,
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PrivateKey").field("curve", &self.curve()).finish_non_exhaustive()
    }
}

/// −scalar·G.
struct NegativeOfBase<'a> {
    scalar: &'a Scalar,
}

impl Task for NegativeOfBase<'_> {
    type Output = Affine<Limbs>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run<F: Field>(self, field: F) -> Self::Output {
        let sum = comb::multiply_base(field, self.scalar, &RandomZ::fresh());
        // The ladder knows no exceptions.
        let point = if field.is_zero(sum.z) {
            let (domain, base) = (field.domain(), point::base(field));
            ladder::multiply(field, Order::of(domain.curve), &base, self.scalar, &Blinding::random(domain))
        } else {
            point::normalise(field, &sum)
        };
        Affine { x: field.store(point.x), lambda: field.store(field.add(point.lambda, field.one())) }
    }
}

/// The x of scalar·P.
struct MultiplyPoint<'a> {
    point: &'a Affine<Limbs>,
    scalar: &'a Scalar,
    blinding: &'a Blinding,
}

impl Task for MultiplyPoint<'_> {
    type Output = Limbs;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run<F: Field>(self, field: F) -> Self::Output {
        let point = Affine { x: field.load(&self.point.x), lambda: field.load(&self.point.lambda) };
        let order = Order::of(field.domain().curve);
        field.store(ladder::multiply(field, order, &point, self.scalar, self.blinding).x)
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
